"""By what a decision is drawn: summaries of sources read apart are that of all read together."""

import gzip
import json
import random

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal
from summaries import SUBJECTS, a_few_subjects, agree, shown

import mastermind_lab as lab
from mastermind_lab.history import sample_folder
from mastermind_lab.stats.engine.units import Units

pytestmark = pytest.mark.once

LABELS = ["stream_id", "first_id", "last_id"]
every_subject = pytest.mark.parametrize("kind", SUBJECTS, ids=lambda kind: kind.__name__)


def written(folder, lines, pieces):
    """Write lines into so many files, each line into one of them."""
    files = [folder / f"{number:03}.ndjson" for number in range(pieces)]
    for number, file in enumerate(files):
        file.write_text("".join(lines[number::pieces]))
    return files


def with_ids(n):
    with gzip.open(sample_folder() / "arena.ndjson.gz", "rt") as file:
        return [line for line, _ in zip(file, range(n), strict=False)]


def without_ids(n):
    """Lines with no id of their own, and not all different."""
    draw, lines = random.Random(1), []
    for line in with_ids(n):
        envelope = json.loads(line)
        envelope["decision"] |= {"confidence": draw.random(), "question": draw.choice("abc")}
        del envelope["correlation_id"], envelope["decision"]["decision_id"]
        lines.append(json.dumps(envelope) + "\n")
    return lines


def keys(history):
    units = Units.of(history)
    return sorted(units.at(history.decisions["stream_id"]).hashed.tolist())


def alike(summary, expected):
    """Compare all but the numbers that entries were given where they were read."""
    tables, wanted = shown(summary), shown(expected)
    assert tables.keys() == wanted.keys()
    for name, table in tables.items():
        agree(*(one.drop(columns=LABELS, errors="ignore") for one in (table, wanted[name])), name)


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    """Files that are read apart, in another order, and all together: one with ids, two of a line without."""
    folders = [tmp_path_factory.mktemp("lines") for _ in range(2)]
    files = written(folders[0], with_ids(8), 1) + written(folders[1], without_ids(2), 2)
    parts = [judged(lab.read(file)) for file in files]
    random.Random(0).shuffle(parts)
    return parts, judged(lab.read(files))


def judged(history):
    """A history of which it is known what was right."""
    decisions = history.decisions
    right = decisions["recommendation"].where(decisions["confidence"] > 0.6, "another")
    return history.with_frames(decisions=decisions.assign(correct_choice=right))


@a_few_subjects
@pytest.mark.further
def test_sources_read_apart_add_up_to_all_read_together(sources, kind):
    parts, together = sources
    expected = kind.of(together, replicates=40)
    alike(sum(kind.of(part, replicates=40) for part in parts), expected)


def test_a_row_without_an_id_is_of_no_decision():
    decisions = lab.sample(last=3).decisions
    nobody, last = Units.of(decisions).decisions(
        pd.Series([None, decisions["stream_id"].iloc[-1]], dtype=object)
    )
    assert nobody != last


def test_histories_of_sources_read_apart_add_up_too(sources):
    parts, together = sources
    assert keys(sum(parts[1:], parts[0])) == keys(together)


@pytest.mark.thorough
def test_many_files_of_a_line_are_many_decisions(tmp_path):
    draw = np.random.default_rng(3)
    confidence, source = draw.beta(3, 3, 25), draw.integers(0, 12, (25, 2))
    lines = [
        json.dumps({"decision": {"recommendation": "ship", "confidence": sure, "citations": [
            {"source": f"s{one}"} for one in cited]}}) + "\n"
        for sure, cited in zip(confidence.tolist(), source.tolist(), strict=True)
    ]  # fmt: skip
    parts = [lab.read(file) for file in written(tmp_path, lines, 25)]
    mean = sum(lab.stats.Confidence.of(part) for part in parts).mean
    reach = 1.96 * confidence.std(ddof=1) / np.sqrt(25)
    assert [mean.low, mean.high] == pytest.approx([mean.value - reach, mean.value + reach], abs=0.04)
    together = lab.stats.Citations.of(lab.read(tmp_path)).overlap
    overlap = sum(lab.stats.Citations.of(part) for part in parts).overlap
    assert vars(overlap) == pytest.approx(vars(together))
    assert overlap.n == 25


@pytest.mark.further
def test_a_table_of_votes_may_be_cut_anywhere():
    draw = np.random.default_rng(4)
    votes = pd.DataFrame(
        {"case": np.repeat(np.arange(60), 3), "who": list("abc") * 60, "says": draw.choice(["x", "y"], 180)}
    )
    votes["round"] = votes["case"] % 7
    for decision in ("case", ["case", "round"]):
        named = {"decision": decision, "voter": "who", "choice": "says"}
        whole = lab.from_votes(votes, **named)
        parts = [lab.from_votes(rows, **named) for _, rows in votes.groupby(votes["case"] % 4)]
        apart = sum(lab.stats.Margin.of(part, replicates=40) for part in parts)
        alike(apart, lab.stats.Margin.of(whole, replicates=40))
        assert len(set(keys(whole))) == 60


def test_an_id_of_its_own_goes_with_a_decision_wherever_it_goes(tmp_path):
    lines = with_ids(12)
    history = lab.read(lines)
    expected = keys(history)
    assert len(set(expected)) == 12
    assert keys(lab.read(lines[5:]) + lab.read(lines[:5])) == expected
    assert keys(lab.read(history.save(tmp_path / "snapshot"))) == expected
    history.to_ndjson(tmp_path / "out.ndjson")
    assert keys(lab.read(tmp_path / "out.ndjson")) == expected
    cut = history.where("stream_id > '0-4'")
    assert set(keys(cut)) < set(expected)
    follower = lab.Follower("redis://localhost:1")
    follower.feed((f"{1_735_580_000_000 + number}-0", line) for number, line in enumerate(lines))
    assert keys(follower.history()) == expected
    alike(follower.summary(lab.stats.Margin, replicates=40), lab.stats.Margin.of(history, replicates=40))


def test_one_number_on_two_streams_is_two_decisions():
    decisions = lab.read(with_ids(8)).decisions.assign(correlation_id=None, decision_id=None)
    ids = [f"17355800{number:05}-0" for number in range(4)]
    here, there = (rows.assign(stream_id=ids) for rows in (decisions[:4], decisions[4:]))
    assert not set(Units.of(here).own) & set(Units.of(there).own)
    # What a follower of several streams, or a stream that began again, puts behind an id.
    again = here.assign(stream_id=here["stream_id"] + "@1")
    assert (Units.of(again).own == Units.of(here).own).all()


def test_lines_that_say_the_same_are_told_apart_by_where_they_stand():
    line = '{"decision": {"recommendation": "ship", "confidence": 0.5}}'
    history = lab.read([line] * 30)
    assert len(set(keys(history))) == 30
    assert keys(lab.read([line]) + lab.read([line])) == keys(lab.read([line])) * 2
    assert len(set(keys(history.with_frames(decisions=history.decisions.assign(decision_id="one"))))) == 1


def test_a_key_does_not_hang_on_columns_that_nobody_has_or_on_their_types():
    frame = lab.read(with_ids(10)).decisions
    expected = Units.of(frame).own
    for other in (
        frame.assign(confidence=0.5, recommendation="another", **{"meta.mine": 7}),
        frame.astype({"question": object, "correlation_id": "category"}),
        frame.assign(published_at=frame["published_at"].dt.as_unit("ns")),
    ):
        assert (Units.of(other).own == expected).all()
    empty = frame.assign(question=None, correlation_id=None, decision_id=pd.NA)
    without = frame.drop(columns=["question", "correlation_id", "decision_id"])
    assert (Units.of(empty).own == Units.of(without).own).all()


@pytest.mark.further
def test_a_bare_frame_of_votes_tells_decisions_by_their_votes(tmp_path):
    lines = [
        json.dumps({"decision": {"recommendation": "x", "confidence": 0.5, "votes": [
            {"voter": "Ada", "choice": "x"}, {"voter": "Bo", "choice": f"{number}"}]}}) + "\n"
        for number in range(6)
    ]  # fmt: skip
    parts = [lab.read(file).votes for file in written(tmp_path, lines, 6)]
    apart = sum(lab.stats.Margin.of(votes, replicates=40) for votes in parts)
    alike(apart, lab.stats.Margin.of(lab.read(tmp_path).votes, replicates=40))


def test_a_scan_draws_as_a_history_does(tmp_path):
    written(tmp_path, without_ids(12), 3)
    found = lab.stats.Margin.of(lab.scan(tmp_path), replicates=40).table()
    assert_frame_equal(found, lab.stats.Margin.of(lab.read(tmp_path), replicates=40).table())
