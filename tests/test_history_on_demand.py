"""A snapshot is listed when it is read, and a frame is loaded when it is first looked at."""

import datetime
import decimal
import json
import shutil
import sys

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from histories import sample
from pyarrow import parquet
from telling import telling

import mastermind_lab as lab
from mastermind_lab import snapshot
from mastermind_lab.frames import FRAMES, entry_ids, id_key, only


@pytest.fixture(scope="module")
def history():
    return sample(400)


@pytest.fixture
def folder(history, tmp_path):
    """Four ranges of a stream's entries, a day each."""
    tables = history.tables()
    starts = np.array_split(history.decisions["stream_id"].to_list(), 4)
    for day, ids in enumerate(starts):
        some = {name: dated(of(tables, ids)[name], day) for name in FRAMES}
        snapshot.commit(tmp_path / "s", some, {"stream": "s", "coverage": [account(some)]})
    return tmp_path / "s"


def of(tables, ids):
    return only(tables, pa.array([str(one) for one in ids], pa.large_string()))


def dated(table, day):
    ids = [f"{1795392000000 + day * 86_400_000 + id_key(one)[2]}-0" for one in table["stream_id"].to_pylist()]
    return table.set_column(0, "stream_id", [ids]).cast(table.schema)


def account(tables):
    ids = entry_ids(tables)
    ends = {"first_id": ids[0], "last_id": ids[-1], "entries": len(ids)}
    return {
        "source": "redis://here",
        "stream": "s",
        "missing": 0,
        "certainty": "exact",
        "left_out": 0,
        "repeated": 0,
    } | ends


def opened(folder, monkeypatch):
    """The parts that are read from now on."""
    module = sys.modules["mastermind_lab.snapshot.reading"]
    read, parts = module.folder_of, []

    def folder_of(source):
        target = read(source)
        whole = target.read
        target.read = lambda path, *most: parts.append(path) or whole(path, *most)
        return target

    monkeypatch.setattr(module, "folder_of", folder_of)
    return parts


def tables_in(parts):
    return {one.partition("/")[0] for one in parts}


@pytest.mark.further
def test_nothing_is_loaded_before_it_is_looked_at(folder, monkeypatch):
    parts = opened(folder, monkeypatch)
    history = lab.read(folder)
    assert (len(history), history.payloads, parts) == (400, None, [])
    assert history.decisions["confidence"].notna().all()
    assert tables_in(parts) == {"decisions"}
    assert history.decisions is history.decisions
    assert len(parts) == 4
    assert len(history.votes) > 400
    assert tables_in(parts) == {"decisions", "votes"}


def test_confidence_needs_no_votes(folder, monkeypatch):
    parts = opened(folder, monkeypatch)
    lab.stats.Confidence.of(lab.read(folder)).table()
    lab.charts.confidence(lab.read(folder))
    assert tables_in(parts) == {"decisions"}


@pytest.mark.once
@pytest.mark.parametrize(
    ("limits", "days"),
    [({"last": 40}, [3]), ({"last": 150}, [2, 3]), ({"since": "2026-11-25"}, [2, 3]),
     ({"until": "2026-11-23T12:00"}, [0]), ({"since": "2026-11-24", "until": "2026-11-24T12:00"}, [1]),
     ({"until": "2026-11-24T12:00", "last": 5}, [1]), ({"since": "1795564800000-0", "last": 3}, [3])],
    ids=str,
)  # fmt: skip
def test_only_the_parts_that_are_needed_are_opened(folder, monkeypatch, limits, days):
    whole = lab.read(folder)
    expected = {name: whole[name] for name in FRAMES}
    parts = opened(folder, monkeypatch)
    found = lab.read(folder, **limits)
    ids = found.decisions["stream_id"]
    assert len(ids) > 0
    for name in FRAMES:
        rows = expected[name][expected[name]["stream_id"].isin([*ids, *found.rejects["stream_id"]])]
        pd.testing.assert_frame_equal(found[name], rows.reset_index(drop=True))
    assert sorted({one.partition("date=")[2][:10] for one in parts}) == [
        f"2026-11-{23 + day}" for day in days
    ]
    row = found.coverage.iloc[0]
    assert (row["entries"], row["entries"] + row["left_out"], row["certainty"]) == (len(ids), 400, "exact")


VALID = {"recommendation": "x", "confidence": 0.5}


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """One part a table, of several groups of rows; every seventh entry is a reject, some are mixed."""
    vote = {"voter": "a", "choice": "b"}
    lines = [
        json.dumps({"decision": VALID | {"mixed": n if n % 5 else "5", "votes": [vote] * (n % 4)}})
        for n in range(24_000)
    ]
    lines[::7] = ["{"] * len(lines[::7])
    return lab.read(lines).save(tmp_path_factory.mktemp("large") / "s")


def decoded_rows(monkeypatch):
    """How many rows of how many columns are decoded from now on."""
    read, rows = parquet.ParquetFile.read_row_groups, []

    def read_row_groups(file, groups, columns=None, **options):
        table = read(file, groups, columns, **options)
        rows.append((table.num_rows, table.num_columns))
        return table

    monkeypatch.setattr(parquet.ParquetFile, "read_row_groups", read_row_groups)
    return rows


CUTS = [{"last": 10}, {"last": 9_000}, {"last": 0}, {"since": "0-23990"}, {"until": "0-20"},
        {"since": "0-14001", "until": "0-14040"},
        {"since": "0-8000", "until": "0-16007", "last": 9}]  # fmt: skip


@pytest.mark.parametrize("limits", telling(CUTS, *map(str, CUTS[::3])))
def test_a_cut_has_the_rows_of_the_whole(large, limits):
    whole, found = lab.read(large), lab.read(large, **limits)
    ids = [*found.decisions["stream_id"], *found.rejects["stream_id"]]
    lowest, highest = (id_key(limits.get(name, end)) for name, end in [("since", "0-0"), ("until", "9-0")])
    every = sorted([*whole.decisions["stream_id"], *whole.rejects["stream_id"]], key=id_key)
    inside = [one for one in every if lowest <= id_key(one) <= highest]
    assert sorted(ids, key=id_key) == inside[max(len(inside) - limits.get("last", len(inside)), 0) :]
    for name in FRAMES:
        rows = whole[name][whole[name]["stream_id"].isin(ids)]
        pd.testing.assert_frame_equal(found[name], rows.reset_index(drop=True))
    assert found.coverage["entries"].sum() == len(ids)


@pytest.mark.parametrize("limits", CUTS[:1] + CUTS[3:6], ids=str)
def test_only_the_groups_of_rows_that_are_needed_are_decoded(large, monkeypatch, limits):
    rows = decoded_rows(monkeypatch)
    found = lab.read(large, **limits)
    assert sum(len(found[name]) for name in FRAMES) > 10
    some = sum(n for n, columns in rows if columns > 2)
    rows.clear()
    for name in FRAMES:
        lab.read(large)[name]
    every = sum(n for n, _ in rows)
    assert some < every / 2, "of two groups of decisions, and of three of votes, one each"


@pytest.mark.once
def test_a_flipped_bit_is_found_wherever_it_lies(large, tmp_path):
    """Also in rows that nobody asked for."""
    folder = shutil.copytree(large, tmp_path / "s")
    for name in ("decisions", "votes"):
        [part] = (folder / name).rglob("*.parquet")
        content = part.read_bytes()
        part.write_bytes(content[:1_000] + bytes([content[1_000] ^ 1]) + content[1_001:])
        with pytest.raises(lab.SourceError, match="SHA-256"):
            lab.read(folder, last=1)[name]
        part.write_bytes(content)


@pytest.mark.further
def test_a_scan_says_what_a_read_says(folder):
    for limits in ({}, {"since": "2026-11-24"}, {"until": "2026-11-25T01:00"}):
        scan = lab.scan(folder, **limits)
        with pytest.raises(lab.OptionError, match="to its end"):
            scan.coverage  # noqa: B018 - it raises
        assert sum(len(batch) for batch in scan) == len(lab.read(folder, **limits))
        pd.testing.assert_frame_equal(scan.coverage, lab.read(folder, **limits).coverage)
        counted = lab.scan(folder, **limits)
        lab.stats.Confidence.of(counted)
        pd.testing.assert_frame_equal(counted.coverage, scan.coverage)


def test_a_streams_scan_says_what_a_read_says(redis_url, raw):
    for number in range(1, 51):
        raw.xadd("s", {"data": '{"decision": {"recommendation": "x", "confidence": 1}}'}, f"{number}-0")
    raw.xtrim("s", maxlen=30, approximate=False)
    scan = lab.scan(redis_url, stream="s")
    assert sum(len(batch) for batch in scan) == 30
    [row] = scan.coverage.to_dict("records")
    assert (row["entries"], row["missing"], row["certainty"]) == (30, 20, "exact")
    pd.testing.assert_frame_equal(scan.coverage, lab.read(redis_url, stream="s").coverage)


@pytest.mark.once
class TestAFolderThatChanges:
    def test_a_part_that_is_gone_is_named_at_once(self, folder):
        next((folder / "votes").rglob("*.parquet")).unlink()
        with pytest.raises(lab.SourceError, match=r"votes/date=.*is missing"):
            lab.read(folder)

    def test_a_part_that_goes_later_is_named_when_it_is_needed(self, folder):
        history = lab.read(folder)
        assert len(history.decisions) == 400
        next((folder / "votes").rglob("*.parquet")).unlink()
        with pytest.raises(lab.SourceError, match=r"votes/date=.*cannot be read"):
            history.votes  # noqa: B018 - it raises

    def test_a_folder_that_is_gone_is_named(self, folder):
        history = lab.read(folder)
        shutil.rmtree(folder)
        with pytest.raises(lab.SourceError, match=r"cannot be read: No such file"):
            history.votes  # noqa: B018 - it raises

    def test_a_flipped_bit_is_found(self, folder):
        history = lab.read(folder)
        part = next((folder / "votes").rglob("*.parquet"))
        content = bytearray(part.read_bytes())
        content[len(content) // 2] ^= 1
        part.write_bytes(content)
        with pytest.raises(lab.SourceError, match="SHA-256"):
            history.votes  # noqa: B018 - it raises

    @pytest.mark.further
    def test_a_compaction_harms_nothing(self, history, tmp_path):
        for first in range(0, 400, 50):
            ids = history.decisions["stream_id"].tolist()[first : first + 50]
            some = {name: dated(of(history.tables(), ids)[name], 0) for name in FRAMES}
            snapshot.commit(tmp_path / "s", some, {"stream": "s"})
        whole, read, cut = (lab.read(tmp_path / "s", **limits) for limits in ({}, {}, {"last": 70}))
        expected = {name: whole[name] for name in FRAMES}
        assert len(cut.decisions) == 70
        assert lab.compact(tmp_path / "s") == (8, 1)
        for name in FRAMES:
            pd.testing.assert_frame_equal(read[name], expected[name])
            last = expected[name][expected[name]["stream_id"].isin(cut.decisions["stream_id"])]
            pd.testing.assert_frame_equal(cut[name], last.reset_index(drop=True))

    def test_another_snapshot_in_its_place_is_not_mixed_in(self, folder):
        history = lab.read(folder)
        assert len(history.decisions) == 400
        other = lab.read(folder)
        other.votes["weight"] = 7.0
        other.save(folder, overwrite=True)
        with pytest.raises(lab.SourceError, match="was changed since it was read"):
            history.votes  # noqa: B018 - it raises


OWN = {
    "a whole number": lambda n: np.arange(n, dtype="int32"),
    "a category": lambda n: pd.Categorical(["a", "b"] * (n // 2)),
    "a moment": lambda n: pd.date_range("2026-01-01", periods=n, tz="Europe/Berlin"),
    "a date": lambda n: [datetime.date(2026, 1, 1)] * n,
    "a duration": lambda n: pd.timedelta_range("1s", periods=n),
    "a decimal": lambda n: [decimal.Decimal("1.5")] * n,
    "a list": lambda n: [[1, 2]] * n,
    "a text": lambda n: ["x"] * n,
    "a boolean": lambda n: [True] * n,
    "nothing": lambda n: [None] * n,
}


@pytest.mark.parametrize("values", OWN.values(), ids=OWN)
def test_a_column_of_ones_own_is_saved_merged_and_exported(history, tmp_path, values):
    some = history.where(history.decisions["stream_id"][:20])
    some.decisions["mine"] = values(20)
    saved = lab.read(some.save(tmp_path / "s"))
    assert told(saved) == told(some)
    both = some + history.where(history.decisions["stream_id"][20:30])
    assert both.decisions["mine"].notna().sum() == some.decisions["mine"].notna().sum()
    if some.decisions["mine"].notna().any():
        again = lab.read(some.to_ndjson(tmp_path / "s.ndjson"))
        assert again.decisions["decision.mine"].notna().all()


def told(history):
    """The own column's values, however they are held."""
    values = history.decisions["mine"]
    return [
        None if missing else str(one.tolist() if isinstance(one, np.ndarray) else one)
        for one, missing in zip(values, values.isna(), strict=True)
    ]


def test_outcomes_are_exported(history, tmp_path):
    known = history.decisions[["correlation_id"]].head(3).assign(correct_choice="approve")
    joined = lab.with_outcomes(history, known)
    again = lab.read(joined.to_ndjson(tmp_path / "s.ndjson"))
    assert again.decisions["decision.correct_choice"].tolist() == joined.decisions["correct_choice"].tolist()


def test_what_was_changed_is_exported_not_the_payload(tmp_path):
    history = sample(5, payloads=True)
    same = history.to_ndjson(tmp_path / "same.ndjson")
    assert same.read_bytes().splitlines() == history.payloads["payload"].tolist()
    history.decisions["question"] = "another"
    again = lab.read(history.to_ndjson(tmp_path / "changed.ndjson"))
    assert again.decisions["question"].tolist() == ["another"] * 5


def test_a_column_that_cannot_be_kept_is_named(history, tmp_path):
    some = history.where(history.decisions["stream_id"][:2])
    some.decisions["mine"] = [1, "mixed"]
    for act in (
        lambda: some.save(tmp_path / "s"),
        lambda: some + some,
        lambda: some.to_ndjson(tmp_path / "s.ndjson"),
    ):
        with pytest.raises(lab.OptionError, match="column 'mine' of decisions cannot be kept"):
            act()
    some = history.where(history.decisions["stream_id"][:2])
    some.decisions["confidence"] = ["high", "low"]
    with pytest.raises(lab.OptionError, match="column 'confidence' of decisions"):
        some.save(tmp_path / "s")


def test_raw_payloads_are_loaded_when_they_are_looked_at(tmp_path, monkeypatch):
    folder = sample(5, payloads=True).save(tmp_path / "s")
    parts = opened(folder, monkeypatch)
    history = lab.read(folder, payloads=True)
    assert len(history.decisions) == 5
    assert tables_in(parts) == {"decisions"}
    assert len(history.payloads) == 5
