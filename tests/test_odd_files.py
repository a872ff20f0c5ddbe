"""Pipes, links, devices, sockets, folders and names of any bytes among the files: named, never waited for."""

import json
import os
import random
import socket
import stat
from contextlib import closing
from pathlib import Path

import pytest
from command_line import run
from strangers import contents, in_two_ranges, restored

import mastermind_lab as lab
from mastermind_lab import snapshot

pytestmark = pytest.mark.once

VALID = {"decision": {"recommendation": "ship", "confidence": 0.5, "votes": [{"voter": "a", "choice": "b"}]}}


def a_socket(path):
    with closing(socket.socket(socket.AF_UNIX)) as made:
        os.chdir(path.parent)  # a socket's name is short
        made.bind(path.name)


def a_folder(path):
    path.mkdir()


def a_full_folder(path):
    path.mkdir()
    (path / "file").write_text("x")


def a_link_to_nothing(path):
    path.symlink_to("/nowhere")


def a_link_to_a_device(path):
    path.symlink_to("/dev/zero")


def a_link_to_itself(path):
    path.symlink_to(path)


def a_link_to_a_file(path):
    elsewhere = path.parents[3] / "elsewhere.txt"
    elsewhere.write_text("precious")
    path.symlink_to(elsewhere)


def empty(path):
    path.touch()


ODD = [
    os.mkfifo, a_socket, a_folder, a_full_folder, a_link_to_nothing, a_link_to_a_device, a_link_to_itself,
    a_link_to_a_file, empty,
]  # fmt: skip


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    sent = [json.dumps(VALID | {"meta": {"n": n}}) for n in range(6)]
    return in_two_ranges(tmp_path / "folder", lab.read(sent).tables())


@pytest.mark.parametrize("table", ["decisions", "votes"])
@pytest.mark.further
def test_in_the_place_of_a_part(folder, table):
    [part, _] = sorted((folder / table).rglob("*.parquet"))
    place, content = part.relative_to(folder).as_posix(), part.read_bytes()
    part.unlink()
    for make in ODD:
        make(part)
        for do in (lambda: lab.read(folder).tables(), lambda: lab.compact(folder)):
            with pytest.raises(lab.SourceError, match=place):
                do()
        found = lab.verify(folder)
        assert found["part"].str.startswith(place).any(), (make, found)
        assert found["kind"].isin(["unreadable", "missing", "foreign", "uncommitted", "hole"]).all()
        if part.is_dir() and not part.is_symlink():
            [one.unlink() for one in part.iterdir()]
            part.rmdir()
        else:
            part.unlink()
    part.write_bytes(content)
    assert lab.verify(folder).empty


NAMES = [
    b"new\nline.parquet",
    b"n" * 250,
    b"bad \xff\xfe.parquet",
    b"\x1b[31m.parquet",
    b"a;rm -rf",
    b"nul",
    b" ",
]


@pytest.mark.further
def test_names_of_any_bytes_beside_the_parts(folder):
    before, day = lab.read(folder).decisions, next((folder / "decisions").iterdir())
    for name in NAMES:
        (day / os.fsdecode(name)).touch()
        os.mkfifo(folder / os.fsdecode(b"pipe " + name[:100]))
    found = lab.verify(folder)
    assert set(found["kind"]) == {"foreign"}
    assert len(found) == 2 * len(NAMES)
    assert found["part"].str.contains("bad \\udcff\\udcfe", regex=False).any()
    assert lab.read(folder).decisions.equals(before)
    assert lab.compact(folder) == (2, 1)
    with pytest.raises(lab.OptionError, match="would be lost"):
        lab.sample(last=1).save(folder, overwrite=True)


def damaged(folder, dice, whole):
    """Flip, cut, swap, double or lose some of a folder's files."""
    one, other = dice.sample(sorted(whole), 2)
    content = bytearray(whole[one])
    what = dice.choice(("flip", "cut", "swap", "other", "lose", "rename", "zero", "grow"))
    if what == "flip":
        for _ in range(dice.choice((1, 1, 8))):
            content[dice.randrange(len(content))] ^= 1 << dice.randrange(8)
    elif what == "cut":
        del content[dice.randrange(len(content)) :]
    elif what == "swap":
        other.write_bytes(content)
        content = whole[other]
    elif what == "other":
        content = whole[other]
    elif what == "zero":
        content = bytes(len(content))
    elif what == "grow":
        content += dice.randbytes(9)
    if what == "lose":
        one.unlink()
    elif what == "rename":
        one.rename(one.with_name(other.name[:-9] + "9.parquet"))
    else:
        one.write_bytes(content)
    return what


def lists(folder):
    return {name: table.to_pylist() for name, table in lab.read(folder).tables().items()}


class TestVerify:
    """Whatever is in the folder, verify tells what it found."""

    @pytest.mark.parametrize("times", [30, pytest.param(120, marks=pytest.mark.thorough)])
    @pytest.mark.timeout(300)
    @pytest.mark.further
    def test_any_damage_is_a_finding_and_none_of_it_is_read(self, folder, times, effort):
        whole, dice, right = contents(folder), random.Random(times), lists(folder)
        done = set()
        for _ in range(times * effort):
            done.add(damaged(folder, dice, whole))
            if contents(folder) != whole:
                assert len(lab.verify(folder)) > 0, done
                try:
                    read = lists(folder)
                except lab.LabError:
                    read = {}
                for name, rows in read.items():  # what is read is right: a range may have gone as a whole
                    assert all(row in right[name] for row in rows)
            for path in set(contents(folder)) - set(whole):
                path.unlink()
            restored(whole)
        assert len(done) == 8
        assert lab.verify(folder).empty

    def test_the_folder_vanishes_meanwhile(self, folder, monkeypatch):
        whole = contents(folder)
        read_part = snapshot.verify.__globals__["read_part"]
        for gone in whole:

            def reading(*args, gone=gone):
                for path in [gone] if gone.parts[-3] == "votes" else whole:
                    path.unlink(missing_ok=True)
                return read_part(*args)

            monkeypatch.setitem(snapshot.verify.__globals__, "read_part", reading)
            assert {"missing", "unreadable"} & set(lab.verify(folder)["kind"])
            restored(whole)

    def test_a_folder_that_may_not_be_entered(self, folder, monkeypatch):
        """Root may enter any: so the system's answer is given in its place."""
        listing, closed = os.scandir, str(folder / "votes")

        def scandir(path):
            if os.fspath(path).startswith(closed):
                raise PermissionError(13, "Permission denied", os.fspath(path))
            return listing(path)

        monkeypatch.setattr(os, "scandir", scandir)
        found = lab.verify(folder)
        assert ["votes", "unreadable", "Permission denied"] in found.values.tolist()
        with pytest.raises(lab.SourceError, match="folder/votes: unreadable, Permission denied"):
            lab.read(folder)

    def test_a_remote_that_fails(self):
        import fsspec
        from fsspec.implementations.memory import MemoryFileSystem

        class Failing(MemoryFileSystem):
            protocol = "failing"
            store, pseudo_dirs, fails = {}, [""], ""

            def cat_file(self, *args, **options):
                if self.fails == "reading":
                    raise ConnectionError("the store has gone")
                return super().cat_file(*args, **options)

            def find(self, *args, **options):
                if self.fails == "listing":
                    raise RuntimeError("no listing today")
                return super().find(*args, **options)

        fsspec.register_implementation("failing", Failing, clobber=True)
        lab.read([json.dumps(VALID)]).save("failing://x/folder")
        assert lab.verify("failing://x/folder").empty
        for fails, said in {"reading": "the store has gone", "listing": "no listing today"}.items():
            Failing.fails = fails
            found = lab.verify("failing://x/folder")
            assert found["kind"].isin(["unreadable", "uncommitted"]).all()
            assert found["detail"].str.contains(said).any()
        Failing.fails = ""


def test_the_umask_is_left_alone(tmp_path, monkeypatch):
    """What another thread makes meanwhile would have that of a save."""
    monkeypatch.setattr(os, "umask", None)
    saved = lab.sample(last=1).save(tmp_path / "saved")
    monkeypatch.undo()
    (tmp_path / "plain").mkdir()
    assert saved.stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_what_others_may_read_of_what_is_written(tmp_path):
    """Raw payloads, and what could not be read, are for the owner alone, whatever the umask."""
    history = lab.read([json.dumps(VALID), "secret"], payloads=True)
    for umask in (0o022, 0o000):
        before = os.umask(umask)
        try:
            base = tmp_path / f"{umask:o}"
            history.save(base / "saved")
            history.save(base / "saved", overwrite=True)
            snapshot.commit(base / "archive", history.tables(), {"stream": "s"})
            snapshot.commit(base / "archive", lab.read([json.dumps(VALID)] * 3).tables(), {"stream": "s"})
            lab.compact(base / "archive")
            history.to_ndjson(base / "lines.ndjson")
            history.to_ndjson(base / "lines.ndjson.gz")
        finally:
            os.umask(before)
        for path in contents(base):
            mode = stat.S_IMODE(path.stat().st_mode)
            holds_payloads = {"payloads", "rejects"} & {*path.parts} or ".ndjson" in path.name
            is_private = holds_payloads and path.stat().st_size and not _is_empty(path)
            assert mode == (
                0o600 if is_private else 0o644 if path.name.endswith("lock") else 0o666 & ~umask
            ), path


def _is_empty(path):
    from pyarrow.parquet import read_metadata

    return path.suffix == ".parquet" and read_metadata(path).num_rows == 0


def test_the_command_line_tells_by_its_exit_code(folder, tmp_path):
    part = next((folder / "votes").rglob("*.parquet"))
    part.unlink()
    os.mkfifo(part)
    (folder / os.fsdecode(b"\x1b[31m \xff")).touch()
    for arguments in ([folder], [folder, "--json"], [tmp_path], [folder, "--max-unpacked-bytes", "9"]):
        done = run("verify", *arguments)
        assert done.returncode == 1, done.stderr
        assert "Traceback" not in done.stderr
        assert "\x1b[31m" not in done.stdout
    assert run("compact", folder).returncode == 1


@pytest.mark.parametrize("given", ["", "*.ndjson", "**", "**/*.ndjson"])
def test_among_lines_the_neighbours_are_read(tmp_path, monkeypatch, given):
    day = tmp_path / "a/b/lines"
    day.mkdir(parents=True)
    monkeypatch.chdir(day)
    names = [f"{number}.ndjson" for number, _ in enumerate(ODD)]
    for name, make in zip(names, ODD, strict=True):
        make(day / name)
    (day / "bad \udcff.ndjson").write_text(json.dumps(VALID))
    history = lab.read(day / given if given else day)
    assert len(history.decisions) == 1
    # A file without a line is none to complain of; a link to a file is read as what it leads to.
    said = [*history.rejects["detail"]]
    named = [name for name in names if any(f"/{name}" in one for one in said)]
    assert {*ODD} - {ODD[names.index(name)] for name in named} == {a_link_to_a_file, empty}


def test_lines_of_which_one_file_may_not_be_read(tmp_path, monkeypatch):
    for name in ("a", "b", "c"):
        (tmp_path / f"{name}.ndjson").write_text(json.dumps(VALID))
    opened = Path.open

    def refusing(path, *args, **options):
        if path.name == "b.ndjson":
            raise PermissionError(13, "Permission denied", str(path))
        return opened(path, *args, **options)

    monkeypatch.setattr(Path, "open", refusing)
    history = lab.read(tmp_path)
    assert history.decisions["stream_id"].tolist() == ["0-1", "2-1"]
    assert history.rejects["detail"].str.contains("b.ndjson: Permission denied").tolist() == [True]
    assert history.coverage["note"].str.contains("Permission denied").any()
    with pytest.raises(lab.SourceError, match="Permission denied"):
        lab.read(tmp_path / "b.ndjson")


def test_an_export_takes_the_place_of_a_link_and_writes_nothing_through_it(tmp_path):
    precious = tmp_path / "precious.txt"
    precious.write_text("all of it")
    for name in ("a.ndjson", "b.ndjson.gz"):
        (tmp_path / name).symlink_to(precious)
        lab.read([json.dumps(VALID)]).to_ndjson(tmp_path / name)
        assert not (tmp_path / name).is_symlink()
        assert len(lab.read(tmp_path / name)) == 1
    assert precious.read_text() == "all of it"
