"""Which files a name means, however it is given."""

import contextlib
import gzip
import json
import os
import re
import sys
import threading
from glob import glob
from io import BytesIO, TextIOWrapper
from pathlib import Path
from types import SimpleNamespace

import fsspec
import pytest
from histories import sample
from refused import nobody

import mastermind_lab as lab
from mastermind_lab.ndjson import files, find, lines

pytestmark = pytest.mark.once

VALID = json.dumps({"decision": {"recommendation": "ship", "confidence": 0.5}}).encode()


class Named:
    """A path of somebody's own class."""

    def __init__(self, name):
        self.name = name

    def __fspath__(self):
        return self.name


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "a.ndjson"
    path.write_bytes(VALID)
    return path


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home that is not where one stands."""
    for name in ("home", "here"):
        (tmp_path / name).mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path / "here")
    yield tmp_path / "home"
    assert not list((tmp_path / "here").iterdir())


@pytest.mark.parametrize(
    "kind", [str, os.fsencode, Path, lambda path: Named(str(path)), lambda path: Named(os.fsencode(path))]
)
def test_a_name_of_any_kind(file, kind):
    assert len(lab.read(kind(file))) == 1
    assert len(lab.read(kind(lab.read(file).save(file.parent / "snapshot")))) == 1


@pytest.mark.parametrize("kind", [str, Path])
@pytest.mark.further
def test_a_tilde_is_the_home(home, kind):
    history = sample(3)
    assert history.save(kind("~/snapshot")) == home / "snapshot"
    assert history.to_ndjson(kind("~/a.ndjson.gz")) == home / "a.ndjson.gz"
    assert len(lab.read(kind("~/snapshot"))) == len(lab.read(kind("~/a.ndjson.gz"))) == 3
    assert len(lab.read(kind("~/*.ndjson.gz"))) == 3
    assert len(lab.read(["~/a.ndjson.gz", "~/snapshot"])) == 6
    assert sum(map(len, lab.scan(kind("~/snapshot")))) == 3
    assert lab.verify("~/snapshot").empty
    lab.charts.save("~/chart.png", lab.charts.confidence, history)
    assert (home / "chart.png").exists()


def test_an_archive_in_the_home(home, redis_url, raw):
    raw.xadd(lab.DEFAULT_STREAM_NAME, {"data": VALID})
    lab.archive(redis_url, "~/archive")
    assert len(lab.read(home / "archive")) == 1


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ("", "; it is empty"),
        ("cab", "; there are a, b, c"),
        ("dcab", "; there are a, b, c and 1 more"),
        ("abcdef", "; there are a, b, c and 3 more"),
    ],
)
def test_what_a_folder_holds_instead_is_said(tmp_path, names, said):
    for name in names:
        (tmp_path / name).touch()
    with pytest.raises(lab.SourceError, match=re.escape(said) + "$"):
        find(tmp_path)


def test_a_place_that_cannot_be_listed_is_named(monkeypatch):
    def failing(url, endings):
        raise PermissionError("not for you")

    monkeypatch.setattr(files, "remote_files", failing)
    with pytest.raises(lab.SourceError, match="cannot read memory://a: not for you"):
        find("memory://a")
    monkeypatch.setattr(files, "remote_files", lambda url, endings: [])
    with pytest.raises(lab.SourceError, match="there is no file memory://a, and no file named"):
        find("memory://a")


@pytest.mark.parametrize(
    "name", ["A.NDJSON", "a.JSONL", "A.Ndjson.GZ", "a.jsonl.BZ2", "A.NDJSON.XZ", "a.ndjson.Zst"]
)
def test_endings_in_upper_case(tmp_path, name):
    lab.read([VALID]).to_ndjson(tmp_path / name)
    assert (tmp_path / name).read_bytes().startswith(b"{") == (name.count(".") == 1)
    assert len(lab.read(tmp_path)) == 1


@pytest.mark.parametrize(
    "opened",
    [
        open,
        lambda path: path.open("rb"),
        lambda path: BytesIO(path.read_bytes()),
        lambda path: path.read_text("utf-8").splitlines(),
        lambda path: map(bytearray, path.read_bytes().splitlines()),
    ],
)
def test_a_byte_order_mark_at_the_beginning_of_what_is_open(file, opened):
    file.write_bytes(b"\xef\xbb\xbf" + VALID + b"\n\xef\xbb\xbf" + VALID)
    named = lab.read(file, payloads=True)
    with contextlib.ExitStack() as stack:
        given = opened(file)
        found = lab.read(stack.enter_context(given) if hasattr(given, "close") else given, payloads=True)
    assert found.decisions["stream_id"].tolist() == named.decisions["stream_id"].tolist() == ["0-1"]
    assert [one.strip() for one in found.payloads["payload"]] == named.payloads["payload"].tolist()


class TestGlobs:
    @pytest.fixture
    def tree(self, tmp_path, monkeypatch):
        """A folder that links lead around in, and one elsewhere that a link leads to."""
        inside, elsewhere = tmp_path / "tree" / "a" / "b", tmp_path / "elsewhere"
        for folder in (inside, elsewhere):
            folder.mkdir(parents=True)
            (folder / f"{folder.name}.ndjson").write_bytes(VALID)
        for name, target in {"up": "../..", "here": ".", "again": ".", "far": str(elsewhere)}.items():
            (inside / name).symlink_to(target)
        monkeypatch.chdir(tmp_path / "tree")
        return tmp_path / "tree"

    @pytest.mark.timeout(30)
    @pytest.mark.parametrize(
        "pattern", ["**/*.ndjson", "a/**/*.ndjson", "**/b/**/*.ndjson", "./**/**/*.ndjson"]
    )
    def test_a_loop_of_links_is_walked_once(self, tree, pattern):
        for source in (pattern, str(tree / pattern), Path(pattern)):
            history = lab.read(source)
            assert [Path(one).name for one in history.coverage["source"]] == ["b.ndjson", "elsewhere.ndjson"]
            assert history.decisions["stream_id"].tolist() == ["0-1", "1-1"]

    @pytest.mark.parametrize(
        "pattern",
        ["**", "**/", "./**", "a/**", "*/**", "**/b/**", "a/*/**", "**/**", "a/**/**", "a/b**/*", "c**/*/*"],
    )
    def test_two_stars_at_the_end_are_all_files_below(self, tmp_path, monkeypatch, pattern):
        monkeypatch.chdir(tmp_path)
        for name in ("0", "a/1", "a/b/2", "a/b/c/3", ".hidden/4", "a/.5", "ca/c/6"):
            Path(name).parent.mkdir(parents=True, exist_ok=True)
            Path(f"{name}.ndjson").write_bytes(VALID)
        Path("a/again.ndjson").symlink_to("1.ndjson")
        for given in (pattern, f"{tmp_path}/{pattern}"):
            wanted = {Path(one).resolve() for one in glob(given.rstrip("/"), recursive=True)}
            wanted = sorted(one for one in wanted if one.is_file())
            assert [one.resolve() for one in find(given)] == wanted

    @pytest.mark.parametrize("link", [os.link, os.symlink])
    def test_a_file_of_two_names_is_read_once(self, file, link):
        link(file, file.with_name("b.ndjson"))
        for source in (file.parent, file.parent / "*.ndjson", file.parent / "**" / "*.ndjson"):
            assert lab.read(source).coverage["source"].tolist() == [str(file)]

    def test_hidden_folders_are_not_entered(self, file):
        (file.parent / ".git").mkdir()
        (file.parent / ".git" / "b.ndjson").write_bytes(VALID)
        assert len(lab.read(file.parent / "**" / "*.ndjson")) == 1


class TestOddFiles:
    def test_a_name_that_is_no_text(self, tmp_path):
        path = os.path.join(os.fsencode(tmp_path), b"\xff.ndjson")
        Path(os.fsdecode(path)).write_bytes(VALID + b"\nbroken")
        for source in (path, tmp_path):
            history = lab.read(source)
            assert (len(history), len(history.rejects)) == (1, 1)
            assert len(lab.read(history.save(tmp_path / "snapshot", overwrite=True))) == 1

    def test_a_folder_called_like_a_file(self, file):
        folder = file.parent / "b.ndjson"
        folder.mkdir()
        assert len(lab.read(file.parent)) == 1
        with pytest.raises(lab.SourceError, match="it is empty"):
            lab.read(folder)
        (folder / "votes.csv").write_text("a,b")
        with pytest.raises(lab.SourceError, match=r"holds no envelopes: .* there are votes\.csv"):
            lab.read(folder)

    def test_a_folder_of_a_snapshot(self, tmp_path):
        lab.read([VALID]).save(tmp_path / "snapshot")
        for folder in ("decisions", next((tmp_path / "snapshot" / "votes").iterdir())):
            with pytest.raises(lab.SourceError, match="give the folder that holds 'decisions'"):
                lab.read(tmp_path / "snapshot" / folder)

    @pytest.mark.parametrize("device", ["/dev/zero", "/dev/null"])
    def test_a_device_is_named(self, device):
        with pytest.raises(lab.SourceError, match=f"{device} is a device"):
            lab.read(device)

    def test_a_file_that_vanishes(self, file):
        scan = lab.scan(file)
        file.unlink()
        with pytest.raises(lab.SourceError, match=f"cannot open {file}"):
            list(scan)

    def test_a_file_that_grows_while_it_is_read(self, file):
        file.write_bytes((VALID + b"\n") * 60_000)
        found = lines(file)
        assert next(found) == ("0-1", VALID, None)
        with file.open("ab") as growing:
            growing.write(VALID + b"\n" + VALID[:20])
        assert [*found][-2:] == [("0-60001", VALID, None), ("0-60002", VALID[:20], None)]

    @pytest.mark.parametrize("name", ["x" * 5_000, "x/" * 5_000, "x" * 300, "a\0b", "~nobody-of-this-name/a"])
    def test_a_name_that_nothing_can_have(self, name):
        odd = "a str: it has|no name on a disk has a NUL in it|" + re.escape(name[:20])
        with pytest.raises(lab.LabError, match=odd) as caught:
            lab.read(name)
        assert len(str(caught.value)) < 1_000


class TestStandardInput:
    @pytest.fixture(params=[bytes, gzip.compress])
    def given(self, request, monkeypatch):
        given = TextIOWrapper(BytesIO(request.param(VALID + b"\nbroken\n")))
        monkeypatch.setattr(sys, "stdin", given)
        return given

    def test_is_read(self, given):
        history = lab.read("-")
        assert (len(history), len(history.rejects)) == (1, 1)
        assert history.coverage["source"].tolist() == ["standard input"]
        assert not given.closed

    def test_is_not_scanned(self, given):
        with pytest.raises(lab.OptionError, match="cannot scan standard input, which can be read once"):
            lab.scan("-")

    @pytest.mark.parametrize("closed", [None, SimpleNamespace()])
    def test_that_is_not_there(self, monkeypatch, closed):
        monkeypatch.setattr(sys, "stdin", closed)
        with pytest.raises(lab.SourceError, match="cannot open standard input"):
            lab.read("-")

    def test_among_several(self, given, file):
        assert len(lab.read(["-", file])) == 2


class TestPipes:
    @pytest.mark.parametrize("packed", [bytes, gzip.compress])
    def test_a_pipe_is_read(self, tmp_path, packed):
        os.mkfifo(tmp_path / "pipe")
        writer = threading.Thread(target=(tmp_path / "pipe").write_bytes, args=[packed(VALID * 1)])
        writer.start()
        assert len(lab.read(tmp_path / "pipe")) == 1
        writer.join()

    def test_a_pipe_is_not_scanned_and_not_looked_for(self, file):
        os.mkfifo(file.parent / "b.ndjson")
        with pytest.raises(lab.OptionError, match="can be read once"):
            lab.scan(file.parent / "b.ndjson")
        assert len(lab.read(file.parent)) == len(lab.read(file.parent / "*.ndjson")) == 1

    @pytest.mark.timeout(30)
    def test_a_pipe_in_place_of_a_part_is_not_waited_for(self, tmp_path):
        folder = lab.read([VALID]).save(tmp_path / "snapshot")
        part = next((folder / "decisions").rglob("*.parquet"))
        part.unlink()
        os.mkfifo(part)
        with pytest.raises(lab.SourceError, match=part.name):
            len(lab.read(folder))
        assert len(lab.verify(folder))


class TestRemote:
    @pytest.fixture
    def folder(self):
        memory = fsspec.filesystem("memory")
        memory.pipe_file("/files/A.NDJSON.GZ", gzip.compress(VALID) + gzip.compress(b"\n" + VALID))
        memory.pipe_file("/files/b.jsonl", gzip.compress(VALID)[:-3])
        memory.pipe_file("/files/deep/c.ndjson", b"[" + VALID + b"]")
        yield "memory://files"
        memory.rm("/files", recursive=True)

    def test_is_like_what_is_here(self, folder):
        history = lab.read(folder)
        assert history.decisions["stream_id"].tolist() == ["0-1", "0-2"]
        assert history.rejects["reason"].tolist() == ["damaged"]
        assert history.coverage["source"].tolist() == [f"{folder}/A.NDJSON.GZ", f"{folder}/b.jsonl"]

    def test_a_glob_has_no_folders(self, folder):
        history = lab.read(f"{folder}/**")
        assert history.rejects["reason"].tolist() == ["damaged", "not_ndjson"]

    def test_what_goes_wrong_while_it_is_read_is_a_reject(self, folder, monkeypatch):
        class Gone(Exception):
            """What a store's own library raises."""

        def read(*_):
            raise Gone("the store has gone")

        with contextlib.closing(fsspec.filesystem("memory").open("/files/A.NDJSON.GZ")) as opened:
            monkeypatch.setattr(type(opened), "read", read)
        with pytest.warns(lab.NothingDecodedWarning):
            history = lab.read(f"{folder}/A.NDJSON.GZ")
        assert "Gone: the store has gone" in history.rejects["detail"][0]


def test_without_rights_to_a_folder_it_is_named(tmp_path):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0)
    for name in ("", "/a.ndjson", "/*.ndjson", "/**/*.ndjson"):
        with nobody(closed), pytest.raises(lab.SourceError, match=str(closed)):
            lab.read(f"{closed}{name}")
