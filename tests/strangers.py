"""Parts that somebody has made, or edited and hashed again so that they look committed."""

import json
from pathlib import Path

import pyarrow as pa

from mastermind_lab import snapshot
from mastermind_lab.frames import Tables
from mastermind_lab.snapshot.commits import encoded_child, write_child, write_decisions
from mastermind_lab.snapshot.encoding import encoded
from mastermind_lab.storage import LocalFolder


def in_two_ranges(folder: Path, tables: Tables, **metadata: object) -> Path:
    """Commit tables as two ranges, the second behind the first."""
    ids = tables["decisions"]["stream_id"].to_pylist()
    after = ""
    for some in ids[: len(ids) // 2], ids[len(ids) // 2 :]:
        rows = {
            name: table.filter(pa.array([one in some for one in table["stream_id"].to_pylist()], pa.bool_()))
            for name, table in tables.items()
        }
        after = snapshot.commit(
            folder, rows, {"source": "x", "stream": "s", "after": after, **metadata}
        ).last_id
    return folder


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def restored(before: dict[Path, bytes]) -> None:
    for path, content in before.items():
        path.write_bytes(content)


def forged(folder: Path, number: int = 0, **said: object) -> None:
    """Let a ``decisions`` part say something else, with hashes that fit; None takes a word of it away."""
    one = snapshot.ranges(folder)[number]
    kept = {name: value for name, value in one.metadata.items() if not name.endswith("sha256")}
    texts = {name: value for name, value in (kept | said).items() if value is not None}
    texts = {name: value if isinstance(value, str) else json.dumps(value) for name, value in texts.items()}
    rows = snapshot.read_range(one, ["decisions"])["decisions"]
    Path(one.path).write_bytes(encoded(rows, texts, hashed=True))


def edited(folder: Path, table: str, rows: pa.Table, number: int = 0) -> None:
    """Give a range other rows in a table, with hashes that fit."""
    one, target = snapshot.ranges(folder)[number], LocalFolder(str(folder))
    kept = {name: value for name, value in one.metadata.items() if not name.endswith("sha256")}
    if table == "decisions":
        write_decisions(target, one.place, rows, kept)
        return
    decisions = snapshot.read_range(one, ["decisions"])["decisions"]
    noted = write_child(target, one.place, table, encoded_child(rows), rows)
    write_decisions(target, one.place, decisions, kept | {"siblings": one.child_tables | {table: noted}})
