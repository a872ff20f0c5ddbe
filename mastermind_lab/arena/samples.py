"""The sample data: what a simulated arena decided, as a history and as a table, the same bytes each time."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterable
from io import BytesIO, StringIO
from pathlib import Path

from ..envelope import DecisionEnvelope
from .simulation import SEED, Arena, Outcome

Decided = tuple[DecisionEnvelope, Outcome]

COUNT = 2_000
HISTORY = "arena.ndjson.gz"
OUTCOMES = "outcomes.csv"

VOTES = "votes.csv"
TRUTH = "truth.csv"
ASKED = 120
"""How many questions the plain table has, all of them medical."""

_UNSURE = 0.55
"""The confidence below which a worker of the plain table does not answer."""


def write_sample(folder: str | Path, *, seed: int = SEED, count: int = COUNT) -> None:
    """Write the sample data into a folder, byte for byte the same each time.

    ``arena.ndjson.gz`` is a history, and ``outcomes.csv`` what turned out to be right. ``votes.csv`` is what
    somebody without an arena has, a row a vote on a medical question, and ``truth.csv`` the answers to them.

    Parameters
    ----------
    folder
        Where to; made if it is not there.
    seed
        The arena's seed.
    count
        How many decisions.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    decided = [*Arena(seed).decisions(count)]
    lines = "".join(f"{envelope.model_dump_json()}\n" for envelope, _ in decided)
    (folder / HISTORY).write_bytes(_compress(lines.encode()))
    _write_table(folder / OUTCOMES, Outcome._fields, (outcome for _, outcome in decided))
    asked = _asked(decided)
    _write_table(folder / VOTES, ("question", "worker", "answer", "seconds"), _answers(asked.values()))
    truth = ((question, outcome.correct_choice) for question, (_, outcome) in asked.items())
    _write_table(folder / TRUTH, ("question", "truth"), truth)


def _asked(decided: Iterable[Decided]) -> dict[str, Decided]:
    """Return the first medical questions, each as it was decided when it was asked first."""
    asked: dict[str, Decided] = {}
    for envelope, outcome in decided:
        if envelope.meta["category"] == "medicine" and len(asked) < ASKED:
            asked.setdefault(str(envelope.decision.question), (envelope, outcome))
    return asked


def _answers(decided: Iterable[Decided]) -> Iterable[tuple[str, ...]]:
    for envelope, _ in decided:
        for vote in envelope.decision.votes:
            is_unsure = vote.confidence is not None and vote.confidence < _UNSURE
            answer = "unsure" if is_unsure else vote.choice
            yield (
                str(envelope.decision.question),
                vote.voter,
                answer,
                str((vote.model_extra or {})["latency_s"]),
            )


def _write_table(path: Path, names: Iterable[str], rows: Iterable[Iterable[str]]) -> None:
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    writer.writerows(rows)
    path.write_bytes(text.getvalue().encode())


def _compress(text: bytes) -> bytes:
    packed = BytesIO()
    # No file name and no time in the header, or each run would give other bytes.
    with gzip.GzipFile(filename="", mode="wb", fileobj=packed, mtime=0) as file:
        file.write(text)
    return packed.getvalue()
