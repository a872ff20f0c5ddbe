"""Parquet files of somebody else's: whoever wrote them they are read, and none of them takes all memory."""

import gzip

import duckdb
import polars as pl
import pyarrow as pa
import pytest
from command_line import run
from pyarrow import parquet

import mastermind_lab as lab

NAMED = {"decision": "q", "voter": "w", "choice": "a"}
WORD = "--max-unpacked-bytes"
ROWS = 3_000


@pytest.fixture(autouse=True)
def little_memory():
    """Arrow never holds much more than a file may unpack to."""
    before, held = (pool := pa.default_memory_pool()).max_memory(), pool.bytes_allocated()
    yield
    assert pool.max_memory() <= max(before, held + 2**28)


def votes(n=ROWS, **more):
    voters = [f"{i % 3}" for i in range(n)]
    return pa.table({"q": [f"{i // 3}" for i in range(n)], "w": voters, "a": ["yes"] * n} | more)


def places(n, text, kind):
    """One text in each of n rows, of which there is but one in memory."""
    return pa.DictionaryArray.from_arrays(pa.array([0] * n, pa.int32()), pa.array([text], kind))


LONG = "z" * 2**20
KINDS = {kind: getattr(pa, kind)() for kind in ("string", "large_string", "binary", "large_binary")}
TEXTS = {
    **{name: places(ROWS, LONG.encode() if "bin" in name else LONG, kind) for name, kind in KINDS.items()},
    "texts of lists": pa.ListArray.from_arrays(
        pa.array(range(ROWS + 1), pa.int32()), places(ROWS, LONG, pa.string())
    ),
}
PACKED = {
    "texts as they are": {"use_dictionary": False, "compression": "zstd"},
    "texts that begin alike": {"use_dictionary": False, "column_encoding": {"x": "DELTA_BYTE_ARRAY"}},
}


def test_many_texts_that_begin_as_others_are_read(tmp_path):
    texts = [f"reason {number} of 30,000, said at some length" for number in range(30_000)]
    layout = {"use_dictionary": False, "column_encoding": {"x": "DELTA_BYTE_ARRAY"}}
    parquet.write_table(votes(30_000, x=texts), tmp_path / "votes", **layout)
    assert lab.from_votes(tmp_path / "votes", **NAMED).votes["vote.x"].tolist() == texts


@pytest.mark.parametrize("schema", [True, False], ids=["with a schema", "without"])
@pytest.mark.parametrize("texts", TEXTS.values(), ids=TEXTS)
def test_texts_that_unfold_to_gigabytes(tmp_path, texts, schema):
    parquet.write_table(votes(x=texts), tmp_path / "votes", compression="zstd", store_schema=schema)
    assert (tmp_path / "votes").stat().st_size < 2**20
    with pytest.raises(lab.SourceError, match=WORD):
        lab.from_votes(tmp_path / "votes", **NAMED)


@pytest.mark.parametrize("layout", PACKED.values(), ids=PACKED)
def test_pages_that_unpack_to_much(tmp_path, layout):
    parquet.write_table(votes(60, x=[LONG] * 60), tmp_path / "votes", **layout)
    with pytest.raises(lab.SourceError, match=WORD):
        lab.from_votes(tmp_path / "votes", **NAMED, max_unpacked_bytes=2**24)


def test_rows_of_nothing_take_room_too(tmp_path):
    none = {name: pa.nulls(10**5, pa.int64()) for name in map(str, range(5))}
    parquet.write_table(pa.table({"q": pa.nulls(10**5, pa.int8())} | none), tmp_path / "votes")
    assert (tmp_path / "votes").stat().st_size < 2**16
    with pytest.raises(lab.SourceError, match=WORD):
        lab.from_votes(tmp_path / "votes", **NAMED, max_unpacked_bytes=2**21)


def test_the_limit_can_be_lowered_and_raised(tmp_path):
    parquet.write_table(votes(60, x=places(60, LONG, pa.string())), tmp_path / "votes")
    call = ["import", tmp_path / "votes", tmp_path / "s", "--decision", "q", "--voter", "w", "--choice", "a"]
    few = run(*call, WORD, 2**25)
    assert few.returncode == 1
    assert WORD in few.stderr
    assert run(*call, WORD, 2**27).returncode == 0
    assert lab.read(tmp_path / "s").decisions["decision.x"].str.len().tolist() == [2**20] * 20
    with pytest.raises(lab.OptionError, match="whole number of bytes"):
        lab.from_votes(tmp_path / "votes", **NAMED, max_unpacked_bytes=0)


@pytest.mark.parametrize("text", ["q,w,a\nx,A,yes\n", '{"q": "x", "w": "A", "a": "yes"}\n'])
@pytest.mark.parametrize("given", ["votes", "decisions"])
def test_so_can_that_of_packed_text(tmp_path, text, given):
    path = tmp_path / "votes"
    path.write_bytes(gzip.compress(text.encode()))
    table = {"votes": votes(3), given: path}
    with pytest.raises(lab.SourceError, match=WORD):
        lab.from_votes(**table, **NAMED, max_unpacked_bytes=8)


WRITTEN = votes(
    note=[f"some words {i}" + "x" * (i % 300) for i in range(ROWS)],
    number=range(ROWS),
    part=[i / 7 for i in range(ROWS)],
    names=[[f"name {(i * 7 + k) % 2_000}" for k in range(5)] for i in range(ROWS)],
)


def by_arrow(**layout):
    return lambda path: parquet.write_table(WRITTEN, path, **layout)


def by_polars(compression):
    return lambda path: pl.DataFrame(pl.from_arrow(WRITTEN)).write_parquet(path, compression=compression)


def by_duckdb(options):
    return lambda path: duckdb.from_arrow(WRITTEN).query(
        "t", f"copy t to '{path}' (format parquet, {options}, row_group_size 2048)"
    )


WRITERS = {
    "in pages of the second kind": by_arrow(data_page_version="2.0", compression="gzip"),
    "unpacked": by_arrow(compression="none"),
    "lz4": by_arrow(compression="lz4"),
    "brotli": by_arrow(compression="brotli"),
    "texts as they are": by_arrow(use_dictionary=False),
    "differences": by_arrow(
        use_dictionary=False,
        column_encoding={"note": "DELTA_LENGTH_BYTE_ARRAY", "number": "DELTA_BINARY_PACKED"},
    ),
    "split": by_arrow(use_dictionary=["names"], column_encoding={"part": "BYTE_STREAM_SPLIT"}),
    "polars": by_polars("zstd"),
    "polars, snappy": by_polars("snappy"),
    "duckdb": by_duckdb("compression zstd"),
    "duckdb, version 2": by_duckdb("parquet_version v2, compression lz4_raw"),
}


@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
def test_whoever_wrote_it(tmp_path, write):
    write(path := tmp_path / "votes")
    read, expected = lab.from_votes(path, **NAMED), lab.from_votes(WRITTEN, **NAMED)
    for name in ("decisions", "votes"):
        assert read[name].equals(expected[name])


FAR = {
    "of an unknown zone": pa.array([1, None, 2], pa.timestamp("us", "Mars/Base")),
    "beyond the last year": pa.array([2**62, None, 0], pa.timestamp("us")),
    "days beyond it": pa.array([2**31 - 1, None, 0], pa.date32()),
    "in lists": pa.array([[2**62], None, []], pa.list_(pa.timestamp("us"))),
}


@pytest.mark.parametrize("times", FAR.values(), ids=FAR)
@pytest.mark.parametrize("role", ["time", "choice", None])
def test_times_that_have_no_text_are_named(tmp_path, times, role):
    parquet.write_table(votes(3, e=times), tmp_path / "votes")
    with pytest.raises(lab.OptionError, match=r"column 'e' of type .* no word for"):
        lab.from_votes(tmp_path / "votes", **(NAMED | ({role: "e"} if role else {})))


def test_hours_have_a_text_to_the_nanosecond(tmp_path):
    parquet.write_table(votes(1, e=pa.array([1], pa.time64("ns"))), tmp_path / "votes")
    assert lab.from_votes(tmp_path / "votes", **NAMED).decisions["decision.e"].tolist() == [
        "00:00:00.000000001"
    ]
