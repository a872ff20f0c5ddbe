"""Which parts of a source are read for some limits, and what is said of these in the end."""

from datetime import timedelta
from types import SimpleNamespace

import pandas as pd
import pytest
import redis
from evolving import BEGAN, DAY, envelope
from streams import publish

import mastermind_lab as lab
from mastermind_lab.envelope import DEFAULT_STREAM_NAME as STREAM
from mastermind_lab.frames import Limits, entry_ids
from mastermind_lab.history.sources.snapshots import within

pytestmark = pytest.mark.once

# Three ranges: entries 1 to 3, 4 to 6, 7 to 9.
RANGES = [
    SimpleNamespace(first_id=f"{first}-0", key=((0, first, 0), (0, first + 2, 0)), entries=3, place=first)
    for first in (1, 4, 7)
]
EMPTY = SimpleNamespace(first_id="", entries=0, place=0)


@pytest.mark.parametrize(
    ("limits", "numbered", "places"),
    [
        ({}, False, [1, 4, 7]),
        ({"last": 0}, False, [7]),
        ({"last": 3}, False, [7]),
        ({"last": 4}, False, [4, 7]),
        ({"last": 6}, False, [4, 7]),
        ({"last": 7}, False, [1, 4, 7]),
        ({"last": 99}, False, [1, 4, 7]),
        ({"since": "4-0"}, False, [4, 7]),
        ({"since": "6-0"}, False, [4, 7]),
        ({"since": "6-1"}, False, [7]),
        ({"until": "6-0"}, False, [1, 4]),
        ({"until": "4-0"}, False, [1, 4]),
        ({"until": "3-9"}, False, [1]),
        ({"since": "5-0", "until": "5-0"}, False, [4]),
        ({"since": "9-1"}, False, [1]),  # none: one tells which columns there are
        ({"last": 3, "until": "6-0"}, False, [4]),
        ({"last": 3, "until": "5-0"}, False, [1, 4]),  # of 4 to 6 not all are wanted
        ({"last": 3, "since": "8-0"}, False, [7]),
        ({"last": 3}, True, [7]),
        ({"last": 3, "since": "2026-11-01"}, True, [1, 4, 7]),  # their ids do not tell
        ({"since": "2026-11-01"}, True, [1, 4, 7]),
    ],
)
def test_ranges_that_may_hold_what_is_wanted(limits, numbered, places):
    found = within([EMPTY, *RANGES] if places != [1] else RANGES, Limits.of(**limits), numbered)
    assert [one.place for one in found] == places


def sent(days):
    return [envelope(at=f"2026-11-{day:02}T12:00:00Z") for day in days]


LIMITS = [
    ({"last": 2}, [4, 5], "last=2"),
    ({"since": "2026-11-03"}, [3, 4, 5], "since=2026-11-03"),
    ({"until": "2026-11-02"}, [1, 2], "until=2026-11-02"),
    ({"last": 1, "since": "2026-11", "until": "2026-11-04"}, [4], "last=1, since=2026-11, until=2026-11-04"),
    ({"since": "25h"}, [4, 5], "since=25h, back from the newest entry at 2026-11-05T12:00:00.000000Z"),
    (
        {"until": timedelta(days=1), "last": 1}, [4],
        "last=1, until=1 day, 0:00:00, back from the newest entry at 2026-11-05T12:00:00.000000Z",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("limits", "days", "said"), LIMITS)
@pytest.mark.parametrize("kind", ["payloads", "a file", "two files", "several sources"])
def test_limits_cut_the_whole_and_are_said_once(tmp_path, kind, limits, days, said):
    (tmp_path / "a.ndjson").write_text("\n".join(sent([1, 2])))
    (tmp_path / "b.ndjson").write_text("\n".join(sent([3, 4, 5])))
    whole = tmp_path / "whole.jsonl"
    whole.write_text("\n".join(sent(range(1, 6))))
    source = {
        "payloads": sent(range(1, 6)),
        "a file": whole,
        "two files": str(tmp_path / "*.ndjson"),
        "several sources": [tmp_path / "a.ndjson", tmp_path / "b.ndjson"],
    }[kind]
    history = lab.read(source, **limits)
    assert history.decisions["published_at"].dt.day.tolist() == days
    assert {*history.coverage["limits"]} == {said}
    assert history.coverage["left_out"].sum() == 5 - len(days)


def test_what_was_compacted_meanwhile_is_read_on_in_order(redis_url, tmp_path):
    """Some ranges became one, and others stayed as they were."""
    ids = [f"{BEGAN}-0", f"{BEGAN}-1", f"{BEGAN + DAY}-0", f"{BEGAN + 2 * DAY}-0", f"{BEGAN + 2 * DAY}-1"]
    with redis.Redis.from_url(redis_url) as raw:
        for one in ids:
            publish(raw, [(one, envelope())], STREAM)
            lab.archive(redis_url, tmp_path / "a")
    history, newest = lab.read(tmp_path / "a"), lab.read(tmp_path / "a", last=2)
    assert lab.compact(tmp_path / "a") == (5, 3)
    assert history.decisions["stream_id"].tolist() == ids == entry_ids(lab.read(tmp_path / "a").tables())
    assert newest.decisions["stream_id"].tolist() == ids[-2:]


def test_of_the_columns_that_outcomes_have_twelve_are_named():
    outcomes = pd.DataFrame({f"c{number:02}": [1] for number in range(14)})
    with pytest.raises(lab.OptionError, match=r"there are c00, .*, c11 and 2 more$"):
        lab.with_outcomes(lab.read(sent([1])), outcomes)
