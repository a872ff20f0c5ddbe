"""What is no NDJSON, and what is no source, is recognised and answered; nothing is lost in silence."""

import json
import lzma
import pickle
import sqlite3
import tarfile
import zipfile
from io import BytesIO

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import mastermind_lab as lab
from mastermind_lab.envelope import validate
from mastermind_lab.ndjson.formats import is_object, other_format

pytestmark = pytest.mark.once

ENVELOPE = {"decision": {"recommendation": "ship", "confidence": 0.5}}
SMALL = json.dumps(ENVELOPE).encode()
PRETTY = json.dumps(ENVELOPE, indent=2).encode()


def parquet(path):
    pd.DataFrame({"a": [1, 2]}).to_parquet(path)


def database(path):
    with sqlite3.connect(path) as connection:
        connection.execute("create table votes (voter, choice)")
    connection.close()


def archive(path):
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("a.ndjson", SMALL)


def tar(path, mode="w", kind=tarfile.PAX_FORMAT):
    with tarfile.open(path, mode, format=kind) as file:
        member = tarfile.TarInfo("a.ndjson")
        member.size = len(SMALL) * 2 + 1
        file.addfile(member, BytesIO(SMALL + b"\n" + SMALL))


LINES = [SMALL] * 3
LONG = [SMALL] * 40_000
LOG = b"2026-11-01 10:00:00,123 INFO %s\n" % SMALL
FILES = {
    "an array, an envelope a line": (b"[\n" + b",\n".join(LINES) + b"\n]\n", "is a JSON array. .* jq -c"),
    "an array of one": (b"[\r\n" + SMALL + b"\r\n]\r\n", "is a JSON array. .* jq -c"),
    "an array, lines of commas": (b"[\n" + b"\n,\n".join(LINES) + b"\n]", "is a JSON array. .* jq -c"),
    "an array, cut short": (b"[\n" + b",\n".join(LINES), "is a JSON array. .* jq -c"),
    "an array, a line each, long": (b"[\n" + b",\n".join(LONG) + b"\n]", "is a JSON array. .* jq -c"),
    "a wrapper": (b'{"envelopes": [\n' + b",\n".join(LINES) + b"\n]}\n", "a JSON array within an object"),
    "a wrapper, head first": (b'{\n"n": 2,\n"all": [\n' + SMALL + b"]\n}", "a JSON array within an object"),
    "a wrapper, indented": (json.dumps({"all": [ENVELOPE]}, indent=1).encode(), "a JSON array within an"),
    "a wrapper, long": (b'{"a": [\n' + b",\n".join(LONG) + b"\n]}", "a JSON array within an object"),
    "a wrapper in a line": (b'{"n": 1, "entries": [' + SMALL + b"]}\n", "a JSON array within an object"),
    "a wrapper in a line, long": (b'{"a": [' + b", ".join(LONG) + b"]}", "a JSON array within an object"),
    "one, parts a line": (SMALL.replace(b"{", b"\n{\n").lstrip() + b"\n", "JSON over several lines"),
    "commas between": (b",\n".join(LINES), "commas between its lines"),
    "commas before": (b"\n,".join(LINES), "commas between its lines"),
    "commas between, long": (b" ,\r\n".join(LONG), "commas between its lines"),
    "tar": (tar, "an archive of files: unpack it"),
    "tar of GNU": (lambda path: tar(path, kind=tarfile.GNU_FORMAT), "an archive of files: unpack it"),
    "LZ4": (b"\x04\x22\x4d\x18d@\xa7" + SMALL, "compressed in a way that is not read"),
    "LZMA": (lzma.compress(SMALL, lzma.FORMAT_ALONE), "compressed in a way that is not read"),
    "pickle": (pickle.dumps(LINES), "a pickle"),
    "text sequence": (b"".join(b"\x1e%s\n" % one for one in LINES), "a JSON text sequence"),
    "log": (LOG * 2, "such as a log"),
    "log in brackets": (b"[10:00] INFO " + SMALL, "such as a log"),
    "log with other lines": (b"10:00 starting\n" + LOG, "such as a log"),
    "an array, a line each": (b"[" + SMALL + b",\n" + SMALL + b",\n" + SMALL + b"]", "a JSON array"),
    "an array in one line": (b"[" + SMALL + b", " + SMALL + b"]\n", "a JSON array"),
    "an array, commas first": (b"[" + SMALL + b"\n," + SMALL + b"\n]", "a JSON array"),
    "an array, indented": (json.dumps([ENVELOPE] * 3, indent=1).encode(), "a JSON array"),
    "an array that is long": (b"[" + b",".join([SMALL] * 40_000) + b"]", "a JSON array"),
    "one, indented": (PRETTY, "JSON over several lines"),
    "several, indented": (PRETTY + b"\n" + PRETTY, "JSON over several lines"),
    "one that is long": (
        b'{\n "a": [\n' + b",\n".join([b"  1.5"] * 200_000) + b"\n ]\n}",
        "JSON over several lines",
    ),
    "tabs, CR LF": (
        json.dumps(ENVELOPE, indent="\t").replace("\n", "\r\n").encode(),
        "JSON over several lines",
    ),
    "commas behind": (SMALL + b",\n" + SMALL + b",\n", "commas between its lines"),
    "CSV": (b'question,worker,answer\n1,a,b\n2,c,"d,e"\n', "CSV"),
    "CSV, long": (b"a,b\n" + b"1,2\n" * 400_000, "CSV"),
    "TSV": (b"question\tworker\n1\ta\n", "CSV or TSV"),
    "semicolons": ("Frage;Wähler\n1;a\n".encode(), "CSV"),
    "HTML": (b"\n<!DOCTYPE html>\n<html><body>{}</body></html>", "HTML or XML"),
    "XML": (b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>", "HTML or XML"),
    "UTF-16": ((SMALL + b"\n").decode().encode("utf-16"), "UTF-16"),
    "UTF-16, big end first": (SMALL.decode().encode("utf-16-be"), "UTF-16"),
    "UTF-16, little end first": (SMALL.decode().encode("utf-16-le"), "UTF-16"),
    "Parquet": (parquet, "Parquet"),
    "SQLite": (database, "SQLite"),
    "zip": (archive, "a zip archive"),
}


FIRST_BYTES = {
    "a pickle": [b"\x80" + bytes([protocol]) for protocol in range(2, 6)],
    "an Arrow file": [b"ARROW1"],
    "an SQLite database": [b"SQLite format 3\0"],
    "a zip archive": [b"PK\x03\x04"],
    "compressed twice": [b"7z\xbc\xaf\x27\x1c"],
    "compressed in a way": [b"\x04\x22\x4d\x18", b"]\0\0"],
    "a PDF": [b"%PDF-"],
    "an HDF5 file": [b"\x89HDF"],
    "text in UTF-16": [b"\xff\xfe", b"\xfe\xff", b"{\0", b"\0{"],
}


@pytest.mark.parametrize(("said", "heads"), FIRST_BYTES.items())
def test_the_first_bytes_tell(said, heads):
    for head in heads:
        assert other_format(head + b"rest of it\nand more").startswith(said)
    assert other_format(b"\x80\x01rest") is other_format(b"\x80\x06rest") is None


@pytest.mark.parametrize("magic", [b"ustar\x0000", b"ustar  \0"])
@pytest.mark.parametrize(("at", "is_one"), [(256, False), (257, True), (258, False)])
def test_a_tar_says_what_it_is_behind_the_name_of_its_first_file(magic, at, is_one):
    found = other_format(b"a.ndjson".ljust(at, b"\0") + magic + b"rest")
    assert (found or "").startswith("an archive of files") == is_one


@pytest.mark.parametrize(
    ("line", "is_one"),
    [(b"{}", True), (b' {"a": 1} ', True), (b"{", False), (b"{a}", False), (b"{} {}", False), (b"[]", False)],
)
def test_what_is_a_json_object(line, is_one):
    assert is_object(line) == is_one


@pytest.mark.parametrize("name", FILES)
def test_another_format_is_recognised_and_answered(tmp_path, name):
    content, said = FILES[name]
    path = tmp_path / "a.ndjson"
    content(path) if callable(content) else path.write_bytes(content)
    with pytest.warns(lab.NothingDecodedWarning, match=said):
        history = lab.read(path)
    [reject] = history.rejects.itertuples()
    assert (reject.stream_id, reject.reason, len(history)) == ("0-1", "not_ndjson", 0)
    assert reject.detail.startswith("a.ndjson is ")
    assert reject.payload == path.read_bytes().removeprefix(b"\xef\xbb\xbf")[:1_000]
    assert history.coverage["note"].tolist() == [reject.detail]


@pytest.mark.parametrize("name", FILES)
def test_its_neighbours_are_read(tmp_path, name):
    content, _ = FILES[name]
    content(tmp_path / "b.ndjson") if callable(content) else (tmp_path / "b.ndjson").write_bytes(content)
    for neighbour in "ac":
        (tmp_path / f"{neighbour}.ndjson").write_bytes(SMALL)
    history = lab.read(tmp_path)
    assert history.decisions["stream_id"].tolist() == ["0-1", "2-1"]
    assert history.rejects["stream_id"].tolist() == ["1-1"]


@pytest.mark.parametrize("packing", ["gz", "bz2", "xz"])
def test_a_packed_tar(tmp_path, packing):
    tar(tmp_path / f"a.tar.{packing}", f"w:{packing}")
    with pytest.warns(lab.NothingDecodedWarning, match="is an archive of files: unpack it"):
        assert lab.read(tmp_path / f"a.tar.{packing}").rejects["reason"].tolist() == ["not_ndjson"]


def test_behind_a_line_cut_anywhere_the_others_are_read():
    line = json.dumps({"decision": {"votes": [{"voter": "a"}, {}], "n": [[1, {}], "ä"]}, "meta": {}}).encode()
    for place in range(1, len(line)):
        for first in (line[:place], line[place:], line[:place] + b","):
            for behind in (1, 2, 50):
                assert other_format(first + b"\n" + (line + b"\n") * behind) is None


def test_a_part_of_a_snapshot(tmp_path):
    lab.read([SMALL]).save(tmp_path / "snapshot")
    part = next((tmp_path / "snapshot" / "decisions").rglob("*.parquet"))
    with pytest.warns(lab.NothingDecodedWarning, match="the folder that holds 'decisions'"):
        lab.read(part)


@pytest.mark.parametrize(
    ("content", "decisions", "rejects"),
    [
        (b"", 0, 0),
        (b"\xef\xbb\xbf", 0, 0),
        (b"\n \r\n\n", 0, 0),
        (b"\xef\xbb\xbf" + SMALL + b"\n" + SMALL, 2, 0),
        (SMALL + b"\r" + SMALL + b"\r" + SMALL, 3, 0),
        (SMALL + b"\r\n" + SMALL + b"\r\n", 2, 0),
        (b'{"decision": {"recommen\n' + SMALL, 1, 1),
        (b"[1, 2]\n" + SMALL, 1, 1),
        (b"a,b\n1,2\n" + SMALL, 1, 2),
        (b"[\n" + SMALL + b"\n" + SMALL, 2, 1),
        (b'{"envelopes": [\n' + SMALL + b"\n", 1, 1),
        (SMALL + b",\n" + SMALL + b"\n" + SMALL, 2, 1),
        (SMALL + b"\n,\n" + SMALL, 2, 1),
        (SMALL + b"\n," + SMALL, 1, 1),
        (SMALL + b"\n,\n,\n" + SMALL, 2, 2),
        (b"\x1e" + SMALL + b"\n" + SMALL, 1, 1),
        (LOG + SMALL, 1, 1),
        (b"<html>\n" + SMALL, 1, 1),
        (SMALL + b"\n" + b"\0" * 5_000, 1, 1),
        (b"\0" * 5_000 + b"\n" + SMALL + b"\n", 1, 1),
        (SMALL[:9] + b"\0" + SMALL[9:] + b"\n" + SMALL, 1, 1),
        (b"\xff\n" + SMALL, 1, 1),
        (SMALL.replace(b" ", b"\r") + b"\n" + SMALL, 2, 0),
    ],
)
def test_one_odd_line_costs_no_other_one(tmp_path, content, decisions, rejects):
    (tmp_path / "a.ndjson").write_bytes(content)
    history = lab.read(tmp_path / "a.ndjson")
    assert (len(history), len(history.rejects)) == (decisions, rejects)
    assert history.coverage["note"].isna().all()


def test_an_envelope_that_is_cut_before_its_decision_is_no_wrapper():
    assert other_format(b'{"correlation_id": "a", "notes": [{"by": "Ada"}], "deci') is None
    assert other_format(b'{"notes": [{"by": "Ada"}], "correlat') == other_format(b'{"a": [{"by": "Ada"}]}')


def test_a_wrapper_in_memory_and_on_a_stream_is_answered_as_in_a_file(redis_url, raw):
    wrapper = b'{"n": 1, "entries": [' + SMALL + b"]}"
    raw.xadd(lab.DEFAULT_STREAM_NAME, {"data": wrapper})
    with pytest.warns(lab.NothingDecodedWarning):
        details = [lab.read(source).rejects["detail"].item() for source in ([wrapper], redis_url)]
    assert details[0] == details[1]
    assert "decision: Field required; it is a JSON array within an object: if these are" in details[0]
    for other in (
        b"{}",
        b'{"tags": ["a"], "meta": {}}',
        b'{"decision": {"votes": [{}]}, "all": [{}]}',
        b"[[{}]]",
    ):
        assert "array within" not in validate(other).detail


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"broken",
        b"one, two\nthree\n",
        b'{"a": \n{"b": \n',
        b'{"a": 1',
        b"1\n2\n",
        b"\x93,\x94\n\x95,\x96",
    ],
)
def test_what_is_not_known_is_left_to_the_decoder(head):
    assert other_format(head) is None


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("", "an empty name"),
        (" ", "an empty name"),
        (b"", "an empty name"),
        (None, "give a URL, a redis client, a path"),
        (7, "give a URL, a redis client, a path"),
        (0.5, "give a URL, a redis client, a path"),
        (ENVELOPE, r"give \[json.dumps\(source\)\]"),
        (SMALL, "one payload alone goes into a list"),
        (SMALL.decode(), "one payload alone goes into a list"),
        (bytearray(SMALL), "one payload alone goes into a list"),
        ("[1, 2]", "it is JSON itself"),
        (json.dumps([ENVELOPE] * 200), "it is JSON itself"),
        ("\ufeff" + SMALL.decode(), "it is JSON itself"),
        (lab.DecisionEnvelope.model_validate(ENVELOPE), "model_dump_json"),
        (pd.DataFrame({"payload": [SMALL]}), r"give that column, source\['...'\]"),
        (pl.DataFrame({"payload": [SMALL]}), "a table has no envelopes in it"),
        (pl.LazyFrame({"payload": [SMALL]}), "a table has no envelopes in it"),
        (pa.table({"payload": [SMALL]}), "a table has no envelopes in it"),
        (duckdb.sql("select 1 as payload"), "a table has no envelopes in it"),
        (lab.read([SMALL]), "it has been read already"),
    ],
)
def test_what_is_no_source_is_named_and_answered(source, said):
    for verb in (lab.read, lab.scan):
        with pytest.raises(lab.OptionError, match=said):
            verb(source)


@pytest.mark.parametrize("number", [2, 30, 3_000])
@pytest.mark.parametrize("begin", ["", "\n", "\ufeff", '{"broken', "[\n"])
def test_text_of_several_lines_is_answered_in_short(number, begin):
    source = begin + "\r\n".join([SMALL.decode().replace("ship", "\u2028")] * number) + "\n"
    for given in (source, source.encode(), bytearray(source.encode())):
        with pytest.raises(lab.OptionError, match=r"text of several lines, .* give a list") as caught:
            lab.read(given)
        assert len(str(caught.value)) < 200
        advised = str(caught.value).rpartition(", ")[2]
        assert len(lab.read(eval(advised, {"source": given}))) >= number - 1


@pytest.mark.parametrize(
    "kind", [list, tuple, pd.Series, pl.Series, np.array, iter, lambda payloads: (one for one in payloads)]
)
def test_payloads_in_memory_of_any_kind(kind):
    assert len(lab.read(kind([SMALL.decode()] * 2))) == 2


def test_a_generator_that_was_used_up():
    generator = (one for one in [SMALL])
    assert len(lab.read(generator)) == 1
    with pytest.raises(lab.OptionError, match="used up"):
        lab.read(generator)


@pytest.mark.parametrize("kind", [iter, lambda payloads: map(bytes, payloads)])
def test_an_iterator_that_gives_nothing(kind):
    iterator = kind([SMALL])
    assert len(lab.read(iterator)) == 1
    assert "used up" in lab.read(iterator).coverage["note"][0]
    assert lab.read(iter([SMALL])).coverage["note"].isna().all()
    assert lab.read([]).coverage["note"].isna().all()


def test_a_list_of_names_of_files_that_are_not_there(tmp_path):
    with pytest.raises(lab.SourceError, match="there is no file"):
        lab.read([f"{tmp_path}/a.ndjson", f"{tmp_path}/b.NDJSON.gz"])


class TestNothingDecoded:
    def test_warns_once_where_it_was_called(self, tmp_path):
        path = tmp_path / "a.ndjson"
        path.write_text("broken\nbroken\n")
        readers = [
            lambda: lab.read(path),
            lambda: lab.read(["broken"] * 2),
            lambda: list(lab.scan(path)),
            lambda: lab.stats.Votes.of(lab.scan(path)),
        ]
        for reader in readers:
            with pytest.warns(lab.NothingDecodedWarning, match="any of the 2 entries") as caught:
                reader()
            assert [one.filename for one in caught] == [__file__]

    def test_of_a_stream(self, redis_url, raw):
        raw.xadd(lab.DEFAULT_STREAM_NAME, {"data": '{"schema_version": "2"}'})
        with pytest.warns(
            lab.NothingDecodedWarning, match="The first, .*, is version: schema_version is '2'"
        ):
            lab.read(redis_url)

    def test_of_a_snapshot(self, tmp_path):
        with pytest.warns(lab.NothingDecodedWarning):
            lab.read(["broken"], payloads=True).save(tmp_path / "snapshot")
        for read in (lab.read, lab.redecode):
            with pytest.warns(lab.NothingDecodedWarning, match="the only entry"):
                read(tmp_path / "snapshot")

    def test_what_is_empty_or_cut_off_is_no_fault(self, tmp_path):
        path = tmp_path / "a.ndjson"
        path.write_bytes(SMALL[:-1] + b', "published_at": "2026-11-01T00:00:00Z"}\nbroken')
        assert len(lab.read(path, last=1).rejects) == 1
        assert len(lab.read(path, since="2026-12-01").rejects) == 1
        assert sum(map(len, lab.scan(path, since="2026-12-01"))) == 0
        assert sum(map(len, lab.scan(path).where("confidence > 0.9"))) == 0
        for empty in ([], b""):
            path.write_bytes(b"")
            assert len(lab.read(path if empty == b"" else empty)) == 0

    def test_hostile_text_is_harmless(self):
        with pytest.warns(lab.NothingDecodedWarning) as caught:
            lab.read(['{"schema_version": "\\u001b[31m\\u202e", "a": "\\u202e"}', "\x1b[31m"])
        assert str(caught[0].message).isprintable()

    async def test_in_asyncio_code(self):
        with pytest.warns(lab.NothingDecodedWarning):
            await lab.aread(["broken"])


ROW = {"question": "tram", "worker": "Ada", "answer": "yes"}


@pytest.mark.parametrize("row", [ROW, ROW | {"decision": "tram"}, ROW | {"tags": ["a"]}])
def test_lines_with_a_row_a_vote_are_answered_with_what_reads_them(row, tmp_path):
    (tmp_path / "votes.jsonl").write_text(f"{json.dumps(row)}\n" * 3)
    with pytest.warns(
        lab.NothingDecodedWarning, match=r"decision: .*lab\.from_votes .*mastermind-lab import"
    ):
        history = lab.read(tmp_path / "votes.jsonl")
    assert len(history.rejects) == 3


@pytest.mark.parametrize(
    "entry", [{"question": "tram"}, {"decision": {"confidence": 2}, **ROW}, {"schema_version": "2", **ROW}]
)
def test_what_is_no_row_of_votes_gets_no_such_answer(entry, tmp_path):
    (tmp_path / "votes.jsonl").write_text(json.dumps(entry))
    with pytest.warns(lab.NothingDecodedWarning) as caught:
        lab.read(tmp_path / "votes.jsonl")
    assert "from_votes" not in str(caught[0].message)


def test_votes_that_are_none_are_not_answered_with_what_has_read_them():
    table = pd.DataFrame({"question": ["tram"], "worker": ["Ada"], "decision": [["yes"]]})
    with pytest.warns(lab.NothingDecodedWarning, match="decision: expected one choice") as caught:
        lab.from_votes(table, decision="question", voter="worker", choice="decision")
    assert "from_votes" not in str(caught[0].message)
