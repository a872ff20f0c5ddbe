"""Snapshots: the same history back."""

import ctypes
import errno
import json
import os
from contextlib import nullcontext
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pyarrow.parquet as pq
import pytest
from envelopes import CORE
from histories import same, sample

import mastermind_lab as lab
from mastermind_lab.frames import FRAMES
from mastermind_lab.storage import Lock

save = import_module("mastermind_lab.snapshot.save")  # not the function


def alike(one, other):
    """The same, and both have payloads or neither."""
    same(one, other)
    assert (one.payloads is None) == (other.payloads is None)


def envelope(**meta):
    return json.dumps({"decision": CORE, "meta": meta, "published_at": "2026-11-23T10:00:00.123456Z"})


HISTORIES = {
    "sample": sample,
    "with payloads": lambda: sample(100, payloads=True),
    "empty": lambda: lab.read([]),
    "only rejects": lambda: lab.read(["broken", b"\xff\x00"]),
    "all kinds of open columns": lambda: lab.read(
        [envelope(a=1, b=True, c=0.5, d="x", e=[1], f=None), envelope(a=2**62, d=1, g={"h.i": -0.0})]
    ),
}


@pytest.mark.filterwarnings("ignore::mastermind_lab.errors.NothingDecodedWarning")
@pytest.mark.parametrize("name", HISTORIES)
def test_gives_the_same_history_back(name, tmp_path):
    history = HISTORIES[name]()
    kept = history.payloads is not None
    alike(lab.read(history.save(tmp_path / "snap"), payloads=kept), history)


def test_a_stream_of_several_days(redis_url, tmp_path):
    import redis

    from mastermind_lab.envelope import DEFAULT_STREAM_NAME as STREAM

    with redis.Redis.from_url(redis_url) as raw:
        for day in range(3):
            for number in range(4):
                payload = envelope(day=day) if number else "broken"
                raw.xadd(STREAM, {"data": payload}, f"{1795392000000 + day * 86_400_000 + number}-0")
    history = lab.read(redis_url)
    folder = history.save(tmp_path / "snap")
    alike(lab.read(folder), history)
    days = ["date=2026-11-23", "date=2026-11-24", "date=2026-11-25"]
    for frame in FRAMES:
        assert sorted(one.name for one in (folder / frame).iterdir()) == days
    part = next((folder / "decisions" / days[0]).iterdir())
    assert part.name == "part-0-1795392000000-0-1795392000003-0.parquet"


def test_the_first_day_begins_with_its_first_moment(redis_url, tmp_path):
    import redis

    from mastermind_lab.envelope import DEFAULT_STREAM_NAME as STREAM

    with redis.Redis.from_url(redis_url) as raw:
        for place in range(2):
            raw.xadd(STREAM, {"data": envelope()}, f"{1_000_000_000 + place}-0")
    folder = lab.read(redis_url).save(tmp_path / "snap")
    [part] = (folder / "decisions").rglob("*.parquet")
    assert part.name == "part-0-1000000000-0-1000000001-0.parquet"
    [nothing] = (lab.read([]).save(tmp_path / "none") / "decisions").rglob("*.parquet")
    for one in (part, nothing):
        assert pq.read_metadata(one).metadata[b"mastermind_lab.epoch"] == b"0"


def test_limits_cut_a_snapshot_too(redis_url, tmp_path):
    import redis

    from mastermind_lab.envelope import DEFAULT_STREAM_NAME as STREAM

    with redis.Redis.from_url(redis_url) as raw:
        for number in range(20):
            raw.xadd(
                STREAM,
                {"data": envelope() if number % 5 else "broken"},
                f"{1795392000000 + number}-0",
            )
    folder = lab.read(redis_url).save(tmp_path / "snap")
    for limits in (
        {"last": 7},
        {"since": 1795392000.012},
        {"until": "1795392000004"},
        {"since": "1795392000009-0"},
    ):
        cut, expected = lab.read(folder, **limits), lab.read(redis_url, **limits)
        for frame in FRAMES:
            pd.testing.assert_frame_equal(getattr(cut, frame), getattr(expected, frame))
        assert cut.coverage["left_out"].tolist() == expected.coverage["left_out"].tolist()


def test_pandas_reads_the_parts_directly(tmp_path):
    history = sample(50)
    folder = history.save(tmp_path / "snap")
    [part] = (folder / "decisions").rglob("*.parquet")
    found = pd.read_parquet(part, partitioning=None)
    pd.testing.assert_frame_equal(found, history.decisions)


def test_the_decisions_part_names_its_siblings(tmp_path):
    folder = sample(50).save(tmp_path / "snap")
    [part] = (folder / "decisions").rglob("*.parquet")
    footer = pq.read_metadata(part).metadata
    assert footer[b"mastermind_lab.format"] == b"4"
    child_tables = json.loads(footer[b"mastermind_lab.siblings"])
    assert set(child_tables) == {"votes", "citations", "arguments", "rejects"}
    assert all(len(one["sha256"]) == 64 for one in child_tables.values())


class TestRefusals:
    def test_a_file_that_is_no_part_is_not_overwritten(self, tmp_path):
        folder = sample(5).save(tmp_path / "snap")
        (folder / "notes.txt").write_text("mine")
        with pytest.raises(lab.OptionError, match=r"holds 'notes\.txt', which is no part of a snapshot"):
            sample(3).save(folder, overwrite=True)
        assert len(lab.read(folder)) == 5

    def test_a_snapshot_is_not_overwritten_unasked(self, tmp_path):
        history = lab.read([envelope()])
        history.save(tmp_path / "snap")
        with pytest.raises(lab.OptionError, match="overwrite=True"):
            lab.read([]).save(tmp_path / "snap")
        alike(lab.read(tmp_path / "snap"), history)

    def test_it_is_when_asked(self, tmp_path):
        lab.read([envelope()]).save(tmp_path / "snap")
        lab.read([]).save(tmp_path / "snap", overwrite=True)
        assert len(lab.read(tmp_path / "snap")) == 0
        assert [one.name for one in tmp_path.iterdir()] == ["snap"]

    @pytest.mark.parametrize(
        ("refused", "steps"),
        [(None, 0), (errno.ENOSYS, 2), (errno.EINVAL, 2), ("no such call", 2), (errno.EPERM, 0)],
    )
    def test_it_takes_the_place_of_another_in_one_step_where_the_system_can(
        self, tmp_path, monkeypatch, refused, steps
    ):
        folder = lab.read([envelope()]).save(tmp_path / "snap")
        renamed, rename = [], os.replace
        if refused:
            there = {} if refused == "no such call" else {"renameat2": lambda *_: -1}
            monkeypatch.setattr(ctypes, "CDLL", lambda *_, use_errno: SimpleNamespace(**there))
            monkeypatch.setattr(ctypes, "get_errno", lambda: refused)
        monkeypatch.setattr(
            os, "replace", lambda one, other: renamed.append(Path(one).is_dir()) or rename(one, other)
        )
        with nullcontext() if refused != errno.EPERM else pytest.raises(lab.SourceError, match="as it was"):
            lab.read([envelope()] * 2).save(folder, overwrite=True)
        assert (len(lab.read(folder)), sum(renamed)) == (1 if refused == errno.EPERM else 2, steps)
        assert [one.name for one in tmp_path.iterdir()] == ["snap"]

    def test_what_another_writes_to_is_not_overwritten(self, tmp_path):
        folder = sample(5).save(tmp_path / "snap")
        with Lock(folder, "an archiver"), pytest.raises(lab.SourceError, match="written by an archiver"):
            sample(3).save(folder, overwrite=True)
        assert len(lab.read(folder)) == 5
        assert [one.name for one in tmp_path.iterdir()] == ["snap"]
        sample(3).save(folder, overwrite=True)
        assert len(lab.read(folder)) == 3

    def test_nobody_may_write_to_what_is_being_overwritten(self, tmp_path, monkeypatch):
        folder, put = sample(5).save(tmp_path / "snap"), save._put_in_place

        def put_in_place(fresh, target):
            with pytest.raises(lab.SourceError, match="written by a save"):
                Lock(target, "an archiver")
            put(fresh, target)
            with Lock(target, "an archiver"):
                pass

        monkeypatch.setattr(save, "_put_in_place", put_in_place)
        sample(3).save(folder, overwrite=True)
        assert len(lab.read(folder)) == 3

    def test_where_no_folder_is_renamed_of_which_a_file_is_open(self, tmp_path, monkeypatch):
        """As Windows does it, which has no other way either."""
        folder = sample(5).save(tmp_path / "snap")
        opened = Path("/proc/self/fd")
        if not opened.exists():
            pytest.skip("no telling which files are open")

        def replace(one, other):
            if any(os.path.realpath(each).startswith(f"{Path(one).resolve()}/") for each in opened.iterdir()):
                raise PermissionError(errno.EACCES, "in use", str(one))
            os.replace(one, other)

        windows = SimpleNamespace(**vars(os) | {"name": "nt", "replace": replace})
        monkeypatch.setattr(save, "os", windows)
        with Lock(folder, "an archiver"), pytest.raises(lab.SourceError, match="written by an archiver"):
            sample(3).save(folder, overwrite=True)
        sample(3).save(folder, overwrite=True)
        assert len(lab.read(folder)) == 3
        assert [one.name for one in tmp_path.iterdir()] == ["snap"]

    @pytest.mark.parametrize(("refused", "said"), [(1, "It is as it was"), (2, "move it back")])
    def test_in_two_steps_the_old_one_is_put_back_or_said_to_lie_beside(
        self, tmp_path, monkeypatch, refused, said
    ):
        folder, rename, faults = sample(5).save(tmp_path / "snap"), os.replace, iter(range(refused))

        def replace(one, other):
            if Path(other) == folder and next(faults, None) is not None:
                raise OSError(errno.ENOSPC, "No space left on device", str(other))
            rename(one, other)

        monkeypatch.setattr(save, "_exchanged", lambda *_: False)
        monkeypatch.setattr(os, "replace", replace)
        with pytest.raises(lab.SourceError, match=said) as caught:
            sample(3).save(folder, overwrite=True)
        [left] = tmp_path.iterdir()
        assert len(lab.read(left)) == 5
        assert (left == folder) or (str(left) in str(caught.value))

    def test_what_is_saved_and_may_not_last_is_said(self, tmp_path, monkeypatch):
        def failing(path):
            raise OSError(errno.EIO, "Input/output error")

        monkeypatch.setattr(save, "sync", failing)
        with pytest.raises(lab.SourceError, match="is saved, but may be as it was after a loss of power"):
            sample(3).save(tmp_path / "snap")
        assert len(lab.read(tmp_path / "snap")) == 3

    @pytest.mark.parametrize("to", ["real", "../elsewhere/real", "not there"])
    def test_a_link_stays_one_and_where_it_leads_is_written(self, tmp_path, to):
        home, link = tmp_path / "home", tmp_path / "home" / "link"
        home.mkdir(), (tmp_path / "elsewhere").mkdir()
        link.symlink_to(to)
        if to != "not there":
            sample(5).save(home / to)
        saved = sample(3).save(link, overwrite=True)
        assert link.is_symlink()
        assert (saved, len(lab.read(home / to)), len(lab.read(link))) == (link, 3, 3)
        assert [one.name for one in (home / to).parent.iterdir() if one.name.startswith(".")] == []

    @pytest.mark.parametrize("overwrite", [True, False])
    def test_another_folder_is_never_overwritten(self, tmp_path, overwrite):
        (tmp_path / "letters").mkdir()
        (tmp_path / "letters" / "dear.txt").write_text("dear")
        with pytest.raises(lab.OptionError, match="is no snapshot"):
            lab.read([]).save(tmp_path / "letters", overwrite=overwrite)

    def test_extra_columns_need_envelopes(self, tmp_path):
        folder = lab.read([envelope()]).save(tmp_path / "snap")
        with pytest.raises(lab.OptionError, match="a snapshot holds none"):
            lab.read(folder, columns=[lab.Column("x", "meta.x", "str")])

    def test_payloads_that_are_not_there(self, tmp_path):
        history = lab.read([envelope()])
        with pytest.raises(lab.OptionError, match="payloads=True"):
            history.save(tmp_path / "snap", payloads=True)
        with pytest.raises(lab.OptionError, match="was saved without"):
            lab.read(history.save(tmp_path / "snap"), payloads=True)
        with pytest.raises(lab.OptionError, match="with payloads"):
            lab.redecode(tmp_path / "snap")


class TestDamage:
    @pytest.fixture
    def folder(self, tmp_path):
        return sample(50).save(tmp_path / "snap")

    @pytest.mark.parametrize("frame", ["decisions", "votes"])
    def test_a_damaged_part_is_named(self, folder, frame):
        [part] = (folder / frame).rglob("*.parquet")
        content = bytearray(part.read_bytes())
        content[len(content) // 3] ^= 1
        part.write_bytes(content)
        history = lab.read(folder)
        with pytest.raises(lab.SourceError, match=rf"{frame}.*cannot be read"):
            history[frame]

    def test_a_missing_part_is_named(self, folder):
        [part] = (folder / "votes").rglob("*.parquet")
        part.unlink()
        with pytest.raises(lab.SourceError, match=r"votes.*is missing"):
            lab.read(folder)

    def test_an_empty_folder_decisions(self, tmp_path):
        (tmp_path / "decisions").mkdir()
        with pytest.raises(lab.SourceError, match="is no snapshot"):
            lab.read(tmp_path)

    def test_a_newer_format_is_refused(self, folder):
        [part] = (folder / "decisions").rglob("*.parquet")
        table = pq.read_table(part, partitioning=None)
        newer = table.schema.metadata | {b"mastermind_lab.format": b"99"}
        pq.write_table(table.replace_schema_metadata(newer), part)
        with pytest.raises(lab.SourceError, match="format '99'"):
            lab.read(folder)
