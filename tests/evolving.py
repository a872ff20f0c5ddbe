"""A stream whose columns change from day to day, and its archive."""

import json

import redis
from streams import publish

import mastermind_lab as lab
from mastermind_lab.envelope import DEFAULT_STREAM_NAME as STREAM

BEGAN, DAY = 1795392000000, 86_400_000  # 2026-11-23


def envelope(meta=None, votes=(), at=None, **decision):
    core = {"recommendation": "ship", "confidence": 0.5, "votes": list(votes)} | decision
    return json.dumps({"decision": core, "meta": meta or {}} | ({"published_at": at} if at else {}))


def vote(**more):
    return {"voter": "a", "choice": "b"} | more


EVOLVING = [
    {"judge": None, "cost": 1, "flag": True, "tags": ["x"], "mixed": 1},
    {"judge": "human", "cost": 2.5, "flag": None, "late": "here", "mixed": True},
    {"judge": 3, "cost": None, "late": None, "flag": "yes", "tags": None, "mixed": "7"},
]
"""``meta`` day by day: null, then text, then a number; whole, then not; a column that comes late."""

EVOLVING_VOTES = [[vote(round=1)], [vote(round=0.5, seat="left")], [vote(seat=None), vote(seat=2)]]


def evolving(url, folder, **options):
    """An archive of a stream that changes: a run, and so a part, a day."""
    with redis.Redis.from_url(url) as raw:
        raw.delete(STREAM)
        for day, (meta, votes) in enumerate(zip(EVOLVING, EVOLVING_VOTES, strict=True)):
            first = BEGAN + day * DAY
            publish(raw, [(f"{first}-0", envelope(meta, votes)), (f"{first}-1", "broken")])
            lab.archive(url, folder, **options)
    return folder
