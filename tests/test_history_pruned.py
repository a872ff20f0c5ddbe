"""Of a folder of many parts those are opened that are asked for, on a disk and on an object store."""

import shutil
from collections import Counter
from uuid import uuid4

import pandas as pd
import pytest
from envelopes_in_parts import ENTRIES, add, stream_id
from fsspec.implementations.memory import MemoryFileSystem
from histories import sample
from telling import telling

import mastermind_lab as lab
from mastermind_lab import snapshot
from mastermind_lab.archive import Archiver
from mastermind_lab.frames import FRAMES
from mastermind_lab.snapshot import checkpoint
from mastermind_lab.snapshot.checkpoint import CHECKPOINT
from mastermind_lab.snapshot.parts import _Part
from mastermind_lab.storage import LocalFolder
from mastermind_lab.stream import StreamUpdate

pytestmark = pytest.mark.once

PARTS = 40


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return add(tmp_path_factory.mktemp("made") / "s", range(PARTS))


@pytest.fixture(scope="module")
def whole(made):
    return lab.read(made).tables(), lab.read(made).account


def noted(folder):
    """Let a checkpoint sum up what is there."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checkpoint, "WORTH", 2)
        snapshot.note(folder, snapshot.opened(folder))


@pytest.fixture(scope="module")
def summed_up(made, tmp_path_factory):
    folder = shutil.copytree(made, tmp_path_factory.mktemp("summed") / "s")
    noted(folder)
    return folder


@pytest.fixture
def opened(monkeypatch):
    """The parts that are opened: how many of each table have their footers read, or all of them."""
    seen = {"tail": set(), "read": set()}
    for name, paths in seen.items():
        monkeypatch.setattr(LocalFolder, name, _watched(getattr(LocalFolder, name), paths))
    return lambda name: Counter(path.partition("/")[0] for path in seen[name] if path != CHECKPOINT)


def _watched(real, paths):
    return lambda folder, path, *args: paths.add(path) or real(folder, path, *args)


LIMITS = {
    "last": ({"last": 7}, 2),
    "none": ({"last": 0}, 2),
    "since an id": ({"since": stream_id(38, 2)}, 2),
    "since a moment": ({"since": "2026-11-24T01:20"}, 2),
    "until": ({"until": "2026-11-23T00:50"}, 2),
    "between": ({"since": stream_id(17), "until": stream_id(18)}, 2),
    "back from the newest": ({"since": "30m"}, 1),
    "the last of a part": ({"until": stream_id(20), "last": 3}, 2),
    "nothing there": ({"since": stream_id(39, 99)}, 1),
}


@pytest.mark.parametrize(("limits", "parts"), telling(LIMITS, "last", "between", "nothing there"))
def test_limits_open_only_the_parts_they_ask_for(made, whole, opened, limits, parts):
    found = lab.read(made, **limits)
    kept = {*found.decisions["stream_id"], *found.rejects["stream_id"]}
    assert opened("tail") == {"decisions": parts}
    for name in FRAMES:
        rows = lab.History(whole[0])[name]
        pd.testing.assert_frame_equal(found[name], rows[rows["stream_id"].isin(kept)].reset_index(drop=True))
    assert {*opened("read").values()} <= {*range(1, parts + 1)}
    [row] = found.coverage.to_dict("records")  # and only now the footers of all are read
    assert (row["entries"], row["left_out"]) == (len(kept), PARTS * ENTRIES - len(kept))
    assert (row["missing"], row["certainty"]) == (0, "exact")
    assert opened("tail") == {"decisions": PARTS}


@pytest.mark.parametrize("limits", [{"last": 7}, {"since": stream_id(38)}, {"until": stream_id(1)}])
@pytest.mark.further
def test_of_days_that_a_checkpoint_sums_up_only_those_are_listed_that_are_asked_for(
    made, tmp_path, monkeypatch, limits
):
    folder, listed = shutil.copytree(made, tmp_path / "s"), []
    add(folder, range(PARTS, 5 * PARTS, 3))
    noted(folder)
    monkeypatch.setattr(
        LocalFolder,
        "paths",
        lambda here, faults=None, below="", real=LocalFolder.paths: (
            listed.append(below) or real(here, faults, below)
        ),
    )
    found = lab.read(folder, **limits).decisions
    days = {f"decisions/date={one}" for one in found["streamed_at"].dt.date.astype(str)}
    newest = f"decisions/date={snapshot.date_of(stream_id(5 * PARTS - 1))}"
    assert {*listed} == days | {newest}
    (folder / CHECKPOINT).unlink()
    pd.testing.assert_frame_equal(found, lab.read(folder, **limits).decisions)


BEFORE_FIVE = "2025-01-01 05:00"
DECIDED = b'{"decision": {"recommendation": "ship", "confidence": 0.5}}'


@pytest.mark.parametrize("limits", [{"until": BEFORE_FIVE}, {"since": BEFORE_FIVE}])
@pytest.mark.parametrize("is_summed_up", [True, False])
def test_on_a_day_on_which_a_stream_began_again_its_ids_tell_no_time(tmp_path, limits, is_summed_up):
    """It had entries from 10 to 11 h, and began again with ids from 2 to 3 h."""
    day, hour = pd.Timestamp("2025-01-01").value // 10**6, 3_600_000
    moments = [[10, 11], [2, 3, 2 * 24]]
    with Archiver(tmp_path, part_bytes=1) as archiver:
        for epoch, hours in enumerate(moments):
            archiver.take(StreamUpdate(archiver.stream, [], reset=epoch > 0))
            for number, at in enumerate(hours, 1):
                entry = f"{day + at * hour}-0{'@1' * epoch}", DECIDED
                archiver.take(StreamUpdate(archiver.stream, [entry], ordinal=number))
                archiver.flush()
    if is_summed_up:
        noted(tmp_path)
    whole = lab.read(tmp_path).decisions
    expected = whole[(whole["streamed_at"] < BEFORE_FIVE) == ("until" in limits)].reset_index(drop=True)
    found = lab.read(tmp_path, **limits)
    pd.testing.assert_frame_equal(found.decisions, expected)
    assert found.coverage.to_dict("records")[0]["left_out"] == len(whole) - len(expected)
    sign = "<" if "until" in limits else ">="
    queried = lab.read(tmp_path).where(f"streamed_at {sign} '{BEFORE_FIVE}'").decisions
    pd.testing.assert_frame_equal(queried, expected)


WHERE = {
    "an id": ([stream_id(9, 1)], 1),
    "ids apart": ([stream_id(3), stream_id(33), stream_id(33, 4)], 2),
    "an id in a query": (f"stream_id == '{stream_id(9, 1)}'", 1),
    "ids in a query": (f"stream_id in ['{stream_id(9)}', '{stream_id(30)}'] and confidence > 0", 2),
    "a time": ("streamed_at >= '2026-11-24T01:20'", 2),
    "both ends": ("('2026-11-24' <= streamed_at < '2026-11-24T00:30') and n_votes == 2", 1),
    "no time": ("confidence > 0.4", PARTS),
    "one or the other": ("streamed_at < '2026-11-23T01' or confidence < 0.1", PARTS),
    "what all rows tell": ("streamed_at >= '2026-11-24T01:20' and n_votes < n_votes.sum()", PARTS),
}


@pytest.mark.parametrize(
    ("condition", "parts"), telling(WHERE, "ids apart", "both ends", "what all rows tell")
)
def test_a_condition_on_ids_or_times_opens_only_the_parts_it_may_choose(
    made, whole, opened, condition, parts
):
    everything = lab.History(*whole).where(condition)
    found = lab.read(made).where(condition)
    assert len(found) > 0
    assert opened("read")["decisions"] == parts
    for name in FRAMES:
        pd.testing.assert_frame_equal(found[name], everything[name])
    pd.testing.assert_frame_equal(found.coverage, everything.coverage)
    assert opened("read")["votes"] == parts


@pytest.mark.parametrize(("condition", "parts"), telling(WHERE, "an id", "both ends", "no time"))
@pytest.mark.further
def test_of_a_folder_that_a_checkpoint_sums_up_nothing_is_listed_before(
    summed_up, whole, opened, condition, parts
):
    everything = lab.History(*whole).where(condition)
    history = lab.read(summed_up)
    assert opened("tail") == {"decisions": 1}
    pd.testing.assert_frame_equal(history.coverage, lab.History(*whole).coverage)
    found = history.where(condition)
    assert opened("read")["decisions"] == parts
    assert opened("tail")["decisions"] <= 1 + parts
    for name in FRAMES:
        pd.testing.assert_frame_equal(found[name], everything[name])
        pd.testing.assert_frame_equal(history[name], lab.History(*whole)[name])
    pd.testing.assert_frame_equal(found.coverage, everything.coverage)


@pytest.mark.further
def test_what_is_not_listed_yet_is_what_it_was_when_it_was_read(summed_up, whole, tmp_path):
    """Also where it has grown since, or was compacted then: what is new is in one part with it."""
    folder = shutil.copytree(summed_up, tmp_path / "s")
    histories = [lab.read(folder) for _ in range(3)]
    for change in (lambda: add(folder, range(PARTS, PARTS + 2)), lambda: lab.compact(folder)):
        change()
        found = histories[0].where([stream_id(9, 1), stream_id(PARTS + 1)])
        assert found.decisions["stream_id"].tolist() == [stream_id(9, 1)]
        history = histories.pop()
        for name in FRAMES:
            pd.testing.assert_frame_equal(history[name], lab.History(whole[0])[name])


def test_what_is_not_listed_yet_may_be_gone(summed_up, tmp_path):
    folder = shutil.copytree(summed_up, tmp_path / "s")
    histories = [lab.read(folder), lab.read(folder)]
    shutil.rmtree(folder)
    add(folder, [9])
    for ask in (len, lambda one: one.where([stream_id(9, 1)])):
        with pytest.raises(lab.SourceError, match="was changed since it was read"):
            ask(histories.pop())


def test_a_part_that_is_gone_is_named_when_all_are_listed(summed_up, tmp_path):
    folder = shutil.copytree(summed_up, tmp_path / "s")
    sorted((folder / "votes").rglob("*.parquet"))[3].unlink()
    history = lab.read(folder)
    with pytest.raises(lab.SourceError, match=r"votes/date=.* is missing"):
        len(history)


def test_of_a_folder_that_a_checkpoint_sums_up_no_more_is_opened_to_count_what_limits_left_out(
    summed_up, made, opened
):
    since, until = {"since": stream_id(38)}, {"until": stream_id(1)}
    history = lab.read(summed_up, **since)
    parts = opened("tail")
    told = history.coverage
    assert opened("tail") == parts == {"decisions": 2}
    pd.testing.assert_frame_equal(told, lab.read(made, **since).coverage)
    # Of these the last part was not opened, and may be another by now.
    pd.testing.assert_frame_equal(lab.read(summed_up, **until).coverage, lab.read(made, **until).coverage)


def test_a_scan_opens_only_what_limits_touch_and_accounts_for_all(made, opened):
    scan = lab.scan(made, since=stream_id(38))
    assert sum(len(one.run) for one in scan.partitions) == 2
    assert sum(len(batch) for batch in scan) == 2 * (ENTRIES - 1)
    assert opened("read")["decisions"] == 2
    pd.testing.assert_frame_equal(scan.coverage, lab.read(made, since=stream_id(38)).coverage)


@pytest.mark.further
def test_what_was_half_compacted_counts_once(made, tmp_path):
    """A merged part and those that it replaces lie side by side until they are swept."""
    folder = shutil.copytree(made, tmp_path / "s")
    merged = shutil.copytree(made, tmp_path / "merged")
    lab.compact(merged)
    shutil.copytree(merged, folder, dirs_exist_ok=True)
    sorted((folder / "votes/date=2026-11-23").iterdir())[-1].unlink()  # the first that goes
    for limits in (
        {"last": 7, "until": stream_id(35, 9)},
        {"last": 7},
        {"since": stream_id(10), "until": stream_id(11)},
    ):
        found = lab.read(folder, **limits)
        pd.testing.assert_frame_equal(found.votes, lab.read(made, **limits).votes)
        pd.testing.assert_frame_equal(found.coverage, lab.read(made, **limits).coverage)


@pytest.mark.further
def test_the_folder_may_grow_and_be_compacted_before_it_is_counted(made, tmp_path):
    folder = shutil.copytree(made, tmp_path / "s")
    history = lab.read(folder, last=7)
    add(folder, range(PARTS, PARTS + 2))
    lab.compact(folder)
    assert history.coverage["left_out"].tolist() == [PARTS * ENTRIES - 7]
    shutil.rmtree(folder)
    add(folder, [7])
    history = lab.read(folder, last=7)
    shutil.rmtree(folder)
    add(folder, [8])
    with pytest.raises(lab.SourceError, match="was changed since it was read"):
        history.coverage  # noqa: B018 - it raises


def test_a_damaged_part_is_named_by_those_who_ask_for_it_alone(made, tmp_path):
    folder = shutil.copytree(made, tmp_path / "s")
    part = sorted((folder / "decisions").rglob("*.parquet"))[0]
    part.write_bytes(part.read_bytes()[:-20])
    history = lab.read(folder, last=7)
    assert len(history.votes) > 0
    for ask in (lambda: history.coverage, lambda: lab.read(folder, until=stream_id(0))):
        with pytest.raises(lab.SourceError, match=part.name):
            ask()


@pytest.mark.further
def test_an_object_store_is_asked_for_as_much_at_ten_parts_as_at_forty(monkeypatch):
    """Each request takes its time on the way: they fetch bytes, and no size is asked for before."""
    asked = Counter()

    def watched(name):
        real = getattr(MemoryFileSystem, name)
        return lambda store, path, *args, **options: (
            asked.update([name]) or real(store, path, *args, **options)
        )

    url, fetched = f"memory://{uuid4().hex}/s", []
    for parts in (range(10), range(10, PARTS)):
        add(url, parts)
        with monkeypatch.context() as patch:
            for name in ("cat_file", "size", "info"):
                patch.setattr(MemoryFileSystem, name, watched(name))
            asked.clear()
            assert len(lab.read(url, last=7).votes) > 0
            fetched.append(dict(asked))
    assert fetched[0] == fetched[1]
    assert fetched[0].pop("cat_file") <= 10
    assert sum(fetched[0].values()) <= 2, fetched


@pytest.mark.further
def test_of_large_parts_the_end_is_decoded_once(tmp_path, monkeypatch):
    """What is asked for most: the newest entries, whose rows are in the last groups of their parts."""
    history = sample()
    saved = history.save(tmp_path / "s")
    read, real = [], _Part.read

    def watched(part, groups, columns=None):
        read.append((part.footer.num_rows, tuple(groups)))
        return real(part, groups, columns)

    monkeypatch.setattr(_Part, "read", watched)
    for last, groups in ((5, {(1,)}), (1_900, {(1,), (0, 1)})):
        read.clear()
        found = lab.read(saved, last=last).arguments["claim"]
        assert found.tolist() == history.arguments["claim"].tolist()[-len(found) :]
        assert {some for rows, some in read if rows == len(history.arguments)} == groups
        assert last > 5 or len(read) == len({*read})
