"""Small parts that follow each other are read together, and judged as if each had been read alone."""

import pandas as pd
import pyarrow as pa
import pytest
from envelopes_in_parts import add

import mastermind_lab as lab
from mastermind_lab import snapshot
from mastermind_lab.frames import FRAMES
from mastermind_lab.snapshot import load, parts
from mastermind_lab.snapshot.ids import IdError, check_ids, check_ids_together


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return add(tmp_path_factory.mktemp("small") / "s", range(9))


def test_they_hold_what_they_hold_one_by_one(folder, monkeypatch):
    add(folder, [9], text="a longer text than the others, of which there are two kinds")
    together = lab.read(folder)
    several = {name: together[name] for name in FRAMES}
    monkeypatch.setattr(load, "_AT_ONCE", 1)
    alone = lab.read(folder)
    for name in FRAMES:
        pd.testing.assert_frame_equal(several[name], alone[name])


def test_what_each_would_cost_is_spent_once(folder, monkeypatch):
    finished = []
    real = parts.with_plain_texts
    monkeypatch.setattr(parts, "with_plain_texts", lambda table: finished.append(table) or real(table))
    assert len(lab.read(folder).votes) == 8 * len(snapshot.ranges(folder))
    assert len(finished) == 1


@pytest.mark.parametrize("table", ["decisions", "votes"])
def test_the_damaged_one_of_them_is_named(tmp_path, table):
    folder = add(tmp_path / "s", range(5))
    part = sorted((folder / table).rglob("*.parquet"))[3]
    content = bytearray(part.read_bytes())
    content[40] ^= 1
    part.write_bytes(content)
    with pytest.raises(lab.SourceError, match=f"{table}/.*{part.name} cannot be read"):
        lab.read(folder)[table]


def test_an_id_that_lies_in_its_neighbour_is_none_of_its_own():
    ids = pa.chunked_array([pa.array([f"{n}-0" for n in range(1, 7)], pa.large_string())])
    first, second = ("1-0", "3-0"), ("4-0", "6-0")
    check_ids_together("votes", ids, [(*first, 3), ("", "", 0), (*second, 3)])
    for rows in (4, 2):
        with pytest.raises(IdError, match="its entries are"):
            check_ids_together("votes", ids, [(*first, rows), (*second, 6 - rows)])
    with pytest.raises(IdError, match="out of order"):
        check_ids_together("votes", ids.take([0, 2, 1]), [(*first, 3)])


def test_a_dictionary_may_hold_one_entry_and_more_than_its_rows():
    texts = pa.array(["1-0", "2-0", "3-0"], pa.large_string())
    for places in ([0], [0, 0], [0, 0, 1]):
        ids = pa.chunked_array([pa.DictionaryArray.from_arrays(pa.array(places, pa.int32()), texts)])
        check_ids("votes", ids, "1-0", ids[-1].as_py())
        with pytest.raises(IdError, match="its entries are"):
            check_ids("votes", ids[:1], "2-0", "3-0")
