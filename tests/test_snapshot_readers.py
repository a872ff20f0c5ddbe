"""Other programs open what is written here, called as their users call them, and get the same values."""

import shutil
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
import redis
from evolving import BEGAN, DAY, EVOLVING, EVOLVING_VOTES, envelope, evolving
from histories import sample
from streams import publish
from telling import telling

import mastermind_lab as lab
from mastermind_lab.envelope import DEFAULT_STREAM_NAME as STREAM
from mastermind_lab.frames import FRAMES, shown_columns

OLD = Path(__file__).parent / "snapshots"


def by_dask(folder):
    import dask.dataframe

    return dask.dataframe.read_parquet(folder).compute(scheduler="sync")


def by_duckdb(folder):
    return duckdb.sql(f"from read_parquet('{folder}/**/*.parquet', hive_partitioning=true)").df()


READERS = {
    "pandas": pd.read_parquet,
    "pyarrow": lambda folder: ds.dataset(folder).to_table(),
    "pyarrow hive": lambda folder: ds.dataset(folder, partitioning="hive").to_table(),
    "polars": pl.read_parquet,
    "duckdb": by_duckdb,
    "dask": by_dask,
    "fastparquet": lambda folder: pd.read_parquet(folder, engine="fastparquet"),
}


def values(found, columns):
    """The rows as Python values, in the order of ids, of what any of them returns."""
    if isinstance(found, pd.DataFrame):
        found = pa.Table.from_pandas(found[columns], preserve_index=False)
    elif isinstance(found, pl.DataFrame):
        found = found.select(columns).to_arrow()
    rows = [tuple(map(plain, row.values())) for row in found.select(columns).to_pylist()]
    own = columns.index("stream_id")
    return sorted(rows, key=lambda row: (lab.id_key(row[own]), repr(row)))


def plain(value):
    """One value, whichever of their classes it came in."""
    if isinstance(value, np.ndarray | list):
        return [plain(one) for one in value]
    if isinstance(value, bytearray):
        return bytes(value)
    if isinstance(value, pd.Timestamp):
        value = value.to_pydatetime()
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    return None if isinstance(value, float) and value != value else value


def from_a_stream(url, folder, days=1):
    with redis.Redis.from_url(url) as raw:
        raw.delete(STREAM)
        sent = sample(8, payloads=True).payloads["payload"]
        publish(raw, [(f"{BEGAN + n * days // len(sent) * DAY + n}-0", one) for n, one in enumerate(sent)])
    return lab.read(url).save(folder)


def with_own_columns(folder):
    history = sample(8, payloads=True)
    decisions, times = history.decisions, history.decisions["published_at"]
    decisions["team"] = pd.Categorical(["a", "b", None, "a"] * 2)
    decisions["local"] = times.dt.tz_convert("America/New_York")
    decisions["naive"] = times.dt.tz_localize(None)
    decisions["sure"] = decisions["confidence"] > 0.9
    decisions["score"] = np.arange(8, dtype="int32")
    decisions["rounds"] = [[1, 2], None, [3], [4]] * 2
    decisions["nothing"] = None
    decisions["date"] = times.dt.strftime("%d/%m")
    decisions["decision.date"] = "a text"
    history.votes["date_"] = history.votes["Date"] = "mine"
    return history.save(folder)


def compacted(folder):
    lab.compact(folder)
    return folder


def of_an_older_format(name, folder):
    shutil.copytree(OLD / name, folder)
    return compacted(folder)


def gone_on_with(url, folder):
    """An archive of an older version, of a null and then a text under one key; now comes a number."""
    shutil.copytree(OLD / "format-3-archive", folder)
    with redis.Redis.from_url(url) as raw:
        raw.delete(STREAM)
        publish(raw, [(f"{BEGAN + 2 * DAY}-0", envelope(EVOLVING[2], EVOLVING_VOTES[2]))])
    lab.archive(url, folder)
    return compacted(folder)


def lines(*sent):
    return lab.read([envelope({"n": n}, at=at) for n, at in enumerate(sent)])


FOLDERS = {
    "stream": from_a_stream,
    "several days": lambda url, folder: from_a_stream(url, folder, days=3),
    "file": lambda url, folder: sample(8, payloads=True).save(folder, payloads=False),
    "file without times": lambda url, folder: lines(None, None).save(folder),
    "file with some times": lambda url, folder: lines(None, "2026-11-24T01:00:00Z", None).save(folder),
    "only rejects": lambda url, folder: lab.read(["broken"]).save(folder),
    "own columns": lambda url, folder: with_own_columns(folder),
    "empty": lambda url, folder: lab.read([]).save(folder),
    "evolving archive": evolving,
    "evolving, without payloads": lambda url, folder: evolving(url, folder, payloads=False),
    "evolving, saved": lambda url, folder: lab.read(evolving(url, f"{folder}-source")).save(folder),
    "evolving, compacted": lambda url, folder: compacted(evolving(url, folder)),
    "format 1": lambda url, folder: of_an_older_format("format-1", folder),
    "format 2": lambda url, folder: of_an_older_format("format-2", folder),
    "format 3, gone on with": gone_on_with,
    "format 3": lambda url, folder: of_an_older_format("format-3", folder),
}


@pytest.fixture(scope="module")
def folders(shared_server, tmp_path_factory):
    """Each kind of folder, made once."""
    place = tmp_path_factory.mktemp("folders")
    return {kind: Path(make(shared_server.url, place / kind)) for kind, make in FOLDERS.items()}


@cache
def own_reading(folder):
    """What every reader should find: in each frame, the columns that are kept and their values."""
    history, found = lab.read(folder), {}
    for name in FRAMES:
        table = history.table(name)
        shown = shown_columns(table.column_names)
        kept = [one for one in shown if not pa.types.is_null(table.schema.field(one).type)]
        found[name] = kept, values(table, kept)
    return found


# The day in a folder's name is a column of this name to them.
RENAMED = {("own columns", "decisions"): {"date": "date_"}, ("own columns", "votes"): {"Date": "Date__"}}


@pytest.mark.filterwarnings("ignore")  # Dask and fastparquet do not keep up with pandas
@pytest.mark.parametrize("kind", telling([*FOLDERS], "own columns", "evolving archive", "format 3"))
@pytest.mark.parametrize("reader", READERS)
def test_equal_values(folders, reader, kind):
    for name, (kept, expected) in own_reading(folders[kind]).items():
        renamed = RENAMED.get((kind, name), {})
        found = READERS[reader](folders[kind] / name)
        assert values(found, [renamed.get(one, one) for one in kept]) == expected, name


def test_no_column_is_the_index_of_pandas(tmp_path):
    for part in lab.read([envelope()]).save(tmp_path / "s").rglob("*.parquet"):
        assert pq.read_schema(part).pandas_metadata["index_columns"] == []


@pytest.mark.parametrize("kind", FOLDERS)
def test_nothing_is_wrong_with_them(folders, kind):
    assert lab.verify(folders[kind]).empty
