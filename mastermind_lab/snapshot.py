"""The only Parquet: a history as a folder of tables that pandas, DuckDB, Polars and Arrow read directly.

A folder a table, a part a day: ``decisions/date=2026-11-23/part-<epoch>-<first id>-<last id>.parquet`` and
the like, zstd, page checksums written and verified. The other tables' parts of a range are written first; the
``decisions`` part commits it: its footer names them, with rows and SHA-256. A reader sees committed ranges
only. Names and boundaries come from ids, never from a clock.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet

from .errors import OptionError, SourceError
from .frames import Tables, coverage_frame, entry_ids, id_key, merge, to_pandas

FORMAT = "1"
"""The version of this layout."""

_KEY = "mastermind_lab."
_NO_DATE = "__HIVE_DEFAULT_PARTITION__"  # what DuckDB, Polars and Arrow read as a missing date


def is_snapshot(folder: str | os.PathLike[str]) -> bool:
    """Tell whether a folder looks like a snapshot: it holds a folder ``decisions``."""
    return (Path(folder) / "decisions").is_dir()


def save(
    parts: Tables,
    coverage: pd.DataFrame,
    folder: str | os.PathLike[str],
    *,
    overwrite: bool = False,
) -> Path:
    """Write a history as a snapshot; the folder appears under its name only when it is whole.

    Raises
    ------
    OptionError
        The folder is there already and ``overwrite`` was not asked for, or it is no snapshot.
    SourceError
        It cannot be written; what was there before is untouched.
    """
    target = Path(folder)
    _refuse(target, overwrite)
    common = {
        "format": FORMAT,
        "version": version("mastermind_lab"),
        "coverage": coverage.to_json(orient="records"),
    }
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    except OSError as error:
        raise SourceError(f"cannot write {target}: {error.strerror or error}") from error
    try:
        for date, rows in _by_date(parts):
            _write_range(fresh, date, rows, common)
        _put_in_place(fresh, target)
    except OSError as error:
        raise SourceError(f"cannot write {target}: {error.strerror or error}. It is as it was.") from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return target


def _refuse(target: Path, overwrite: bool) -> None:
    if not target.exists() or (target.is_dir() and not any(target.iterdir())):
        return
    if not is_snapshot(target):
        raise OptionError(f"{target} is there already and is no snapshot: choose another folder")
    if not overwrite:
        raise OptionError(f"{target} holds a snapshot already: choose another folder, or pass overwrite=True")


def _put_in_place(fresh: Path, target: Path) -> None:
    # mkdtemp makes a folder for the owner alone; a snapshot is shared like any other file.
    umask = os.umask(0)
    os.umask(umask)
    fresh.chmod(0o777 & ~umask)
    if target.exists():
        old = fresh.with_name(fresh.name + "-old")
        os.replace(target, old)
        os.replace(fresh, target)
        shutil.rmtree(old)
    else:
        os.replace(fresh, target)


def _by_date(parts: Tables) -> Iterator[tuple[str, Tables]]:
    """Split tables by the day of their ids, oldest first; an empty history is one range without a date."""
    dates = {name: _dates(table) for name, table in parts.items()}
    days = sorted({day for found in dates.values() for day in pc.unique(found).to_pylist()})
    for day in days or [_NO_DATE]:
        yield day, {name: table.filter(pc.equal(dates[name], day)) for name, table in parts.items()}


def _dates(table: pa.Table) -> pa.Array:
    return pa.array([_date(stream_id) for stream_id in table["stream_id"].to_pylist()], pa.string())


def _date(stream_id: str) -> str:
    milliseconds = id_key(stream_id)[1]
    # Numbered lines of files, and ids beyond the calendar, hold no date.
    if not 10**9 <= milliseconds <= 253_402_300_799_999:
        return _NO_DATE
    return datetime.fromtimestamp(milliseconds / 1000, UTC).date().isoformat()


def _write_range(folder: Path, date: str, rows: Tables, common: dict[str, str]) -> None:
    ids = entry_ids(rows)
    first, last = (ids[0], ids[-1]) if ids else ("", "")
    name = f"part-{id_key(first)[0] if first else 0}-{first}-{last}.parquet"
    siblings = {}
    for frame in [frame for frame in rows if frame != "decisions"]:
        path = folder / frame / f"date={date}" / name
        _write(path, rows[frame], common)
        siblings[frame] = {"rows": rows[frame].num_rows, "sha256": _sha256(path)}
    own = {"first_id": first, "last_id": last, "siblings": json.dumps(siblings)}
    _write(folder / "decisions" / f"date={date}" / name, rows["decisions"], common | own)


def _write(path: Path, table: pa.Table, footer: dict[str, str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    ours = {(_KEY + key).encode(): value.encode() for key, value in footer.items()}
    described = table.replace_schema_metadata({**_pandas_metadata(table), **ours})
    parquet.write_table(described, path, compression="zstd", write_page_checksum=True)
    with path.open("rb+") as written:
        os.fsync(written.fileno())


def _pandas_metadata(table: pa.Table) -> dict[bytes, bytes]:
    """Say which dtypes pandas should read the columns as, as pandas itself would."""
    sample = to_pandas({"sample": table.slice(0, 0)})["sample"]
    found = pa.Table.from_pandas(sample, preserve_index=False).schema.metadata
    return {b"pandas": found[b"pandas"]}


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def load(folder: str | os.PathLike[str]) -> tuple[Tables, pd.DataFrame]:
    """Read the committed ranges of a snapshot: its tables and its coverage.

    Raises
    ------
    SourceError
        The folder is no snapshot, is of a newer format, or a committed file is missing or damaged.
    """
    commits = sorted((Path(folder) / "decisions").glob("date=*/part-*.parquet"), key=_place)
    if not commits:
        raise SourceError(f"{folder} is no snapshot: there is no part in {Path(folder) / 'decisions'}")
    ranges = [_read_range(Path(folder), path) for path in commits]
    return merge([rows for rows, _ in ranges]), ranges[0][1]


def _place(path: Path) -> tuple[int, int, int]:
    """Order parts by their first id; an empty part comes first."""
    epoch, milliseconds, sequence, *_ = path.stem.removeprefix("part-").split("-")
    return int(epoch), int(milliseconds or 0), int(sequence.partition("@")[0] or 0)


def _read_range(folder: Path, path: Path) -> tuple[Tables, pd.DataFrame]:
    decisions = _read(path)
    footer = _footer(decisions)
    if footer.get("format") != FORMAT:
        raise SourceError(
            f"{path} is of format {footer.get('format')!r}, this version reads {FORMAT!r}; it was not touched"
        )
    rows = {"decisions": decisions}
    for frame, expected in json.loads(footer["siblings"]).items():
        rows[frame] = _read(folder / frame / path.parent.name / path.name)
        if rows[frame].num_rows != expected["rows"]:
            raise SourceError(
                f"{path}: its {frame} part holds {rows[frame].num_rows} rows, not {expected['rows']}"
            )
    bare = {frame: table.replace_schema_metadata() for frame, table in rows.items()}
    return bare, coverage_frame(json.loads(footer["coverage"]))


def _read(path: Path) -> pa.Table:
    try:
        # One file, not a dataset: the date in the folder's name is no column of ours.
        return parquet.ParquetFile(path, page_checksum_verification=True).read()
    except (OSError, pa.ArrowException) as error:
        raise SourceError(f"{path} cannot be read ({error}). Nothing was changed.") from error


def _footer(table: pa.Table) -> dict[str, str]:
    found = table.schema.metadata or {}
    return {
        key.decode().removeprefix(_KEY): value.decode()
        for key, value in found.items()
        if key.startswith(_KEY.encode())
    }
