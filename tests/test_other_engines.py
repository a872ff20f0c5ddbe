"""Other engines see committed rows only, of the files that are listed; and the pages that show them run."""

import json
import shutil
from pathlib import Path

import duckdb
import polars as pl
import pytest
from histories import sample

import mastermind_lab as lab
from mastermind_lab import snapshot
from mastermind_lab.frames import FRAMES, between
from mastermind_lab.history import sample_folder

PAGES = ("05_other_engines", "06_years_and_fleets")


def by_duckdb(files):
    rows = duckdb.sql(f"SELECT stream_id FROM read_parquet({files!r}, union_by_name = true)").fetchall()
    return [stream_id for (stream_id,) in rows]


def by_polars(files):
    return pl.scan_parquet(files, missing_columns="insert").collect()["stream_id"].to_list()


ENGINES = {"duckdb": by_duckdb, "polars": by_polars}


def of_two(folder, ids, tables):
    """Two ranges, of which the second is being written: all but what commits it."""
    for first, last in ((0, 5), (6, 9)):
        snapshot.commit(folder, between(tables, ids[first], ids[last]), {})
    Path(snapshot.files(folder)[-1]).unlink()
    return 6


def of_a_compaction(folder, ids, tables):
    """Two ranges that were just compacted, and not taken away yet."""
    for first, last in ((0, 5), (6, 9)):
        snapshot.commit(folder, between(tables, ids[first], ids[last]), {})
    shutil.copytree(folder, folder.with_name("before"))
    lab.compact(folder)
    shutil.copytree(folder.with_name("before"), folder, dirs_exist_ok=True)
    return 10


def of_a_save(folder, ids, tables):
    """One range, and one of a save whose last range never came."""
    snapshot.commit(folder, between(tables, ids[0], ids[5]), {})
    snapshot.commit(
        folder, between(tables, ids[6], ids[9]), {"seal": "decisions/date=2026-01-01/part-0--.parquet"}
    )
    return 6


@pytest.mark.parametrize("make", [of_two, of_a_compaction, of_a_save], ids=lambda one: one.__name__)
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.further
def test_committed_rows_only(tmp_path, engine, make):
    history, folder = sample(10), tmp_path / "arena"
    tables = {name: history.table(name) for name in FRAMES}
    n = make(folder, history.decisions["stream_id"].tolist(), tables)
    read = lab.read(folder)
    assert len(read) == n
    for name in FRAMES:
        listed, there = snapshot.files(folder, name), [*folder.joinpath(name).rglob("*.parquet")]
        assert sorted(ENGINES[engine](listed)) == sorted(read[name]["stream_id"])
        assert name == "decisions" or len(there) > len(listed)


def test_a_table_that_is_not_there(tmp_path):
    sample(5).save(tmp_path / "saved")
    for name in ("payloads", "vote"):
        with pytest.raises(lab.OptionError, match="saved without"):
            snapshot.files(tmp_path / "saved", name)


@pytest.mark.thorough
@pytest.mark.parametrize("page", PAGES)
def test_the_page_runs(page):
    """In this process, which takes a tenth of what a kernel takes."""
    names = {}
    for cell in json.loads((sample_folder().parent / "notebooks" / f"{page}.ipynb").read_text())["cells"]:
        if cell["cell_type"] == "code":
            exec("".join(cell["source"]), names)
    assert not Path(names["place"].name).exists()
