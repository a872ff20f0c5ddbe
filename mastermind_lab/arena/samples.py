"""The sample data: a history of a simulated arena and its outcomes, the same bytes each time."""

from __future__ import annotations

import gzip
from io import BytesIO
from pathlib import Path

from .simulation import SEED, Arena

COUNT = 2_000
HISTORY = "arena.ndjson.gz"
OUTCOMES = "outcomes.csv"


def write_sample(folder: str | Path, *, seed: int = SEED, count: int = COUNT) -> None:
    """Write ``arena.ndjson.gz`` and ``outcomes.csv`` into a folder, byte for byte the same each time.

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
    lines, rows = [], ["correlation_id,correct_choice\n"]
    for envelope, outcome in Arena(seed).decisions(count):
        lines.append(envelope.model_dump_json() + "\n")
        rows.append(",".join(outcome) + "\n")
    (folder / HISTORY).write_bytes(_compress("".join(lines).encode()))
    (folder / OUTCOMES).write_bytes("".join(rows).encode())


def _compress(text: bytes) -> bytes:
    packed = BytesIO()
    # No file name and no time in the header, or each run would give other bytes.
    with gzip.GzipFile(filename="", mode="wb", fileobj=packed, compresslevel=9, mtime=0) as file:
        file.write(text)
    return packed.getvalue()
