"""Archives of very many small parts, as a quiet stream makes them, in no time: of each only the ids are new.

The first parts are committed by the package. The others are copies, in which the ids stand that their places
ask for, and the hashes that follow; so the parts are stored unpacked and without checksums of pages. What
``verify`` says of such a folder is what it says of one that an archiver wrote: nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

import pyarrow as pa

import mastermind_lab as lab
from mastermind_lab import snapshot
from mastermind_lab.arena import Arena
from mastermind_lab.arena import payloads as payloads_of
from mastermind_lab.snapshot import encoding, footer

BEGAN, MINUTE, DAY = 1_767_225_600_000, 60_000, 86_400_000
ENTRIES = 12
STREAM = "s"


@cache
def sent() -> list[bytes]:
    """The envelopes of a part."""
    return list(payloads_of(Arena(7), ENTRIES))


def stream_id(place: int, entry: int = 0) -> str:
    """The id of an entry of the part that begins at a time."""
    return f"{BEGAN + place + entry}-0"


def grow(folder: str | Path, places: Sequence[int]) -> None:
    """Add parts that begin at some times, whole minutes, each of which comes after the one before."""
    if places[0] == 0:
        _commit(Path(folder), 0, "")
    made = _template()
    for before, place in pairwise(places if places[0] == 0 else (places[0] - MINUTE, *places)):
        for path, content in _moved(made, place, before):
            target = Path(folder, path)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)


def _commit(folder: Path, place: int, after: str) -> snapshot.Range:
    rows = {name: _with_ids(table, place) for name, table in lab.read(sent(), payloads=True).tables().items()}
    ends = {"first_id": stream_id(place), "last_id": stream_id(place, ENTRIES - 1)}
    account = {"source": "x", "stream": STREAM, "entries": ENTRIES, "missing": 0, "certainty": "exact"}
    metadata = {"stream": STREAM, "source": "x", "after": after, "coverage": [account | ends]}
    return snapshot.commit(folder, rows, metadata)


def _with_ids(table: pa.Table, place: int) -> pa.Table:
    ids = [stream_id(place, int(one.partition("-")[2]) - 1) for one in table["stream_id"].to_pylist()]
    return table.set_column(0, table.schema.field(0), pa.array(ids, pa.large_string()))


@cache
def _template() -> dict[str, bytes]:
    """A second part, table by table, ``decisions`` last."""
    plain = {"compression": "none", "compression_level": None, "write_page_checksum": False}
    with TemporaryDirectory() as name, patch.dict(encoding._LAYOUT, plain):
        _commit(Path(name), MINUTE, stream_id(0, ENTRIES - 1))
        found = {path.relative_to(name).parts[0]: path.read_bytes() for path in Path(name).rglob("*.parquet")}
    return {
        **{table: found[table] for table in found if table != "decisions"},
        "decisions": found["decisions"],
    }


def _moved(made: dict[str, bytes], place: int, before: int) -> Iterator[tuple[str, bytes]]:
    """Yield the paths and bytes of the part as it is elsewhere."""
    file = snapshot.layout.place_of(stream_id(place), stream_id(place, ENTRIES - 1), _date(place))
    hashes = {}
    for table, content in made.items():
        moved = content.replace(_seconds(MINUTE), _seconds(place))
        if table == "decisions":
            moved = moved.replace(_seconds(0), _seconds(before))
            moved = _sealed(moved.replace(_date(0).encode(), _date(place).encode()), hashes)
        hashes[footer.sha256(content)] = footer.sha256(moved)
        yield f"{table}/{file}", moved


def _sealed(content: bytes, hashes: dict[str, str]) -> bytes:
    """Put the hashes where others stood: of the other tables, of what the footer says, of the part itself."""
    for old, new in hashes.items():
        content = content.replace(old.encode(), new.encode())
    said = footer.metadata_of(content)
    content = content.replace(said[footer.METADATA_HASH].encode(), footer.metadata_hash(said).encode())
    return encoding._with_hash(content.replace(said[footer.OWN_HASH].encode(), footer.ZEROS.encode()))


def _seconds(place: int) -> bytes:
    return str((BEGAN + place) // 1_000).encode()


def _date(place: int) -> str:
    return snapshot.date_of(stream_id(place))
