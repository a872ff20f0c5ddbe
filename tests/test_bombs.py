"""A small part that claims, or unfolds to, gigabytes: refused before memory is asked for."""

import base64
import json
import random
import struct
import tracemalloc
import zlib
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from bombs import in_place, said_of, written
from strangers import contents, restored

import mastermind_lab as lab
from mastermind_lab import snapshot
from mastermind_lab.snapshot import encoding, stored
from mastermind_lab.snapshot.footer import KEY, MOST_BYTES, OWN_HASH, ZEROS, DamageError
from mastermind_lab.snapshot.parts import decoded

VALID = {"decision": {"recommendation": "ship", "confidence": 0.5, "votes": [{"voter": "a", "choice": "b"}]}}
ROWS = 200_000
WORD = "--max-unpacked-bytes"


@pytest.fixture
def folder(tmp_path):
    lab.read([json.dumps(VALID)] * 3, payloads=True).save(tmp_path / "folder")
    return tmp_path / "folder"


@pytest.fixture(autouse=True)
def little_memory():
    """Arrow never holds much more than a part may unpack to."""
    before = (pool := pa.default_memory_pool()).max_memory()
    yield
    assert pool.max_memory() <= max(before, 2**28)


def rows_of(folder, table="decisions"):
    return snapshot.read_range(snapshot.ranges(folder)[0], [table])[table]


def repeated(rows, column, text, n=ROWS):
    """The first row n times, a column of which is a place in a dictionary of one long text."""
    places = pa.DictionaryArray.from_arrays(
        pa.array([0] * n, pa.int32()), pa.array([text], pa.large_string())
    )
    arrays = [places if name == column else pa.repeat(rows[name][0], n) for name in rows.column_names]
    return pa.table(arrays, rows.column_names)


def refused(folder, part, *said):
    """Read, scanned, verified and compacted it is refused, with what to do."""
    for do in (
        lambda: lab.read(folder, payloads=True).tables(),
        lambda: [one.tables() for one in lab.scan(folder, payloads=True)],
        lambda: snapshot.compact(folder) and snapshot.read_range(snapshot.ranges(folder)[0], [part]),
    ):
        with pytest.raises(lab.SourceError, match=f"folder/{part}/") as caught:
            do()
        assert all(word in str(caught.value) for word in said)
    found = lab.verify(folder)
    [at] = found[found["part"].str.startswith(part)]["detail"]
    assert all(word in at for word in said)


def test_a_long_text_that_every_row_points_at(folder):
    in_place(folder, repeated(rows_of(folder), "rationale", "x" * 100_000), rows=str(ROWS))
    refused(folder, "decisions", "unpacks to more than", WORD)


def test_the_limit_can_be_raised_and_lowered(folder):
    for do in (lab.read, lambda path, **limit: next(iter(lab.scan(path, **limit)))):
        assert len(do(folder, max_unpacked_bytes=10_000).decisions) == 3
        with pytest.raises(lab.SourceError, match=WORD):
            do(folder, max_unpacked_bytes=100).tables()
    assert lab.verify(folder, max_unpacked_bytes=100)["detail"].str.contains(WORD).all()
    assert lab.verify(folder).empty
    for do in (lab.read, lab.verify, lab.compact):
        with pytest.raises(lab.OptionError, match="max_unpacked_bytes=0"):
            do(folder, max_unpacked_bytes=0)


def test_a_user_keeps_what_is_legitimately_repetitive(tmp_path):
    """A long question that every decision answers is no bomb."""
    question = VALID["decision"] | {"question": "Which way? " * 100}
    folder = lab.read([json.dumps({"decision": question})] * 2_000).save(tmp_path / "folder")
    assert lab.read(folder).decisions["question"].nunique() == 1
    assert lab.verify(folder).empty


def texts(some):
    """Behind many short ones that hardly compress, so that the longest is looked for in their dictionary."""
    noise = random.Random(7)
    return pa.array([*(f"{noise.getrandbits(64):x}" for _ in range(2_000)), *some], pa.large_string())


COLUMNS = {
    "numbers": (pa.array([7] * 20_000), 100_000),
    "nothing": (pa.nulls(20_000, pa.int64()), 100_000),
    "bytes": (pa.array([b"x" * 1_000] * 1_000), 500_000),
    "lists": (pa.array([["x" * 1_000] * 20] * 100), 500_000),
    "wide": (pa.array([b"x" * 10_000] * 100, pa.binary(10_000)), 500_000),
    "short texts": (pa.array([f"{n % 500}" + "x" * 50 for n in range(20_000)], pa.large_string()), 400_000),
    "one long text": (texts(["x" * 1_000] * 500), 200_000),
    "looks like many": (texts(["\0" + "\1\0\0\0a" * 200] * 500), 200_000),
    "zeros": (texts(["", "\0", "\0\0", *["x" * 1_024] * 500]), 200_000),
}


@pytest.mark.parametrize("column", COLUMNS)
def test_every_kind_of_column_is_counted(column):
    values, most = COLUMNS[column]
    content = written(pa.table({"a": values}), {}, store_schema=True)
    assert decoded(content)["a"].equals(pa.chunked_array([values]))
    with pytest.raises(DamageError, match=WORD):
        decoded(content, most)


def test_a_few_long_texts_are_no_bomb():
    """One of them in each row would be too much; there is one."""
    values = pa.array([f"{n}" for n in range(5_000)] + ["x" * 500_000], pa.large_string())
    content = written(pa.table({"a": values}), {})
    assert decoded(content, 2**24)["a"].equals(pa.chunked_array([values]))


def header(*fields):
    """A header as Thrift writes it compactly: (field, type, value) each, of structures their bytes."""
    made, last = b"", 0
    for field, kind, value in fields:
        made += bytes([(field - last) << 4 | kind]) + (value if kind == 12 else varint(value << 1))
        last = field
    return made + b"\0"


def varint(number):
    made = b""
    while number > 127:
        made, number = made + bytes([number & 127 | 128]), number >> 7
    return made + bytes([number])


def with_page(made):
    """A part of one column of three numbers, before whose page stands another header, and the page's own."""
    content = written(pa.table({"a": pa.array([1, 2, 3])}), {}, use_dictionary=False, compression="none")
    found = pq.read_metadata(pa.BufferReader(content)).row_group(0).column(0)
    start, end = found.data_page_offset, found.data_page_offset + found.total_compressed_size
    assert decoded(content).num_rows == 3
    page = made(content[start:end])
    assert len(page) <= end - start, "it takes no more room than there is"
    return content[:start] + page.ljust(end - start, b"\0") + content[end:]


DATA = header((1, 5, 3), (2, 5, 0), (3, 5, 3), (4, 5, 3))
PAGES = {
    "below nothing": header((1, 5, 0), (2, 5, 24), (3, 5, 24), (5, 12, header((1, 5, 3), (2, 5, 7)))),
    "behind the end": header((1, 5, 0), (2, 5, 24), (3, 5, 2_000), (5, 12, DATA)),
    "of no kind": header((1, 5, 9), (2, 5, 24), (3, 5, 24), (5, 12, DATA)),
    "no size": header((1, 5, 0), (3, 5, 24), (5, 12, DATA)),
    "a size in other words": header((1, 5, 0), (2, 6, 24), (3, 5, 24), (5, 12, DATA)),
    "nested without end": b"\x5c" * 60,
    "a number without end": b"\x15" + b"\xff" * 40,
    "nothing": b"",
}


@pytest.mark.parametrize("page", PAGES)
def test_headers_of_pages_are_what_ours_have(page):
    content = with_page(lambda before: PAGES[page] or bytes(len(before)))
    with pytest.raises(DamageError, match="in it"):
        decoded(content)


def test_a_page_that_unpacks_to_gigabytes():
    def claimed(packed):
        return header((1, 5, 0), (2, 5, 2**31 - 1), (3, 5, packed), (5, 12, DATA))

    def made(before):
        return claimed(len(before) - len(claimed(len(before))))

    with pytest.raises(DamageError, match=WORD):
        decoded(with_page(made))


def test_a_footer_claims_more_than_there_is(folder):
    """A length beyond the file, or beyond any footer of ours, asks for no memory."""
    [one], whole = snapshot.ranges(folder), contents(folder)
    content = whole[path := folder / one.place]
    for claimed in (2**32 - 1, MOST_BYTES, len(content) + 1, 0):
        path.write_bytes(content[:-8] + struct.pack("<I", claimed) + b"PAR1")
        refused(folder, "decisions")
        restored(whole)
    with path.open("r+b") as file:  # it takes no room on the disk
        file.truncate(2**33)
    refused(folder, "decisions")
    restored(whole)
    votes = next((folder / "votes").rglob("*.parquet"))
    with votes.open("r+b") as file:
        file.truncate(2**33)
    refused(folder, "votes", "8,589,934,592 bytes", WORD)


def test_large_words_in_a_footer(folder):
    in_place(folder, rows_of(folder), note="x" * MOST_BYTES)
    refused(folder, "decisions", "footer claims")


def test_marks_that_a_footer_unpacks(tmp_path):
    """Which values of a mixed column are texts stands in the footer, as a few bits each."""
    table = pa.table({"a": pa.array([None] * 2**20, pa.int8())})
    said = json.dumps([["a", "a"], *([f"b{n}", ["eJwDAAAAAAE="]] for n in range(3_000))])
    with pytest.raises(DamageError, match=WORD):
        decoded(written(table, {"columns": said, "sha256": "0" * 64}))


def claiming(folder, rows):
    """Let the first of two groups claim so many rows, before the marks of the second."""
    [one] = snapshot.ranges(folder)
    table = rows_of(folder).drop_columns("question")
    said = [
        *((name, name) for name in table.column_names),
        ("question", None),
        ("question..is_text", [MARKS]),
    ]
    content = written(table, said_of(one, columns=json.dumps(said)), a_group=1)
    size = pq.read_metadata(pa.BufferReader(content)).row_group(0).total_byte_size
    length = int.from_bytes(content[-8:-4], "little")
    body, footer = content[: -8 - length], content[-8 - length : -8]
    before, after = b"\x16" + varint(size * 2) + b"\x16", b"\x26"
    assert before + varint(2) + after in footer
    footer = footer.replace(before + varint(2) + after, before + varint(rows * 2) + after, 1)
    made = body + footer + struct.pack("<I", len(footer)) + b"PAR1"
    Path(one.path).write_bytes(encoding._with_hash(made.replace(hash_in(made), ZEROS.encode())))


def hash_in(content):
    return pq.read_metadata(pa.BufferReader(content)).metadata[(KEY + OWN_HASH).encode()]


MARKS = base64.b64encode(zlib.compress(b"\xff")).decode()


@pytest.mark.parametrize("rows", [10**8, 2 * 10**10])
def test_rows_that_are_not_read_are_counted(folder, rows):
    """Marks of the last row stand behind those of all that are claimed to be before it."""
    claiming(folder, rows)
    tracemalloc.start()
    try:
        with pytest.raises(lab.SourceError, match=WORD):
            lab.read(folder, last=1)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2**26


def test_marks_of_few_rows_are_those_of_all():
    values = [*["7", "x", "8", None] * 25, *["x"] * 41]
    marks = pa.array([value in ("7", "8") or None for value in values])
    table = pa.table({"a": values, "a..is_text": marks})
    kept, said = stored.stored(table)
    for start in (0, 1, 7, 8, 9, 63, 100, 140, 141):
        some = stored.restored(kept.slice(start, 3), json.loads(said[stored.KEY]), start)
        assert some["a..is_text"].equals(table["a..is_text"].slice(start, 3)), start
