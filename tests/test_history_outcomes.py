import gzip
import json
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pytest
from histories import sample
from pandas.testing import assert_frame_equal, assert_series_equal

import mastermind_lab as lab
from mastermind_lab.errors import OptionError, SourceError
from mastermind_lab.history.outcomes import with_outcomes
from mastermind_lab.history.sources import files


def arena(*ids, choice="ship", **meta):
    """A history with these correlation ids, in this order."""
    payloads = [
        {
            "correlation_id": one,
            "decision": {"recommendation": choice, "confidence": 0.8},
            "meta": {name: values[place] for name, values in meta.items()},
        }
        for place, one in enumerate(ids)
    ]
    return lab.read([json.dumps(payload) for payload in payloads])


def with_cases(cases):
    return arena(*map(str, range(len(cases))), case=cases)


def truths(**choices):
    return pd.DataFrame({"correlation_id": list(choices), "correct_choice": list(choices.values())})


def right(history):
    return [None if pd.isna(one) else one for one in history.decisions["correct_choice"]]


def test_every_decision_stays_in_its_order():
    history = arena("c", "a", "b", "a")
    joined = with_outcomes(history, truths(b="hold", a="ship", z="hold"))
    assert right(joined) == [None, "ship", "hold", "ship"]
    assert_frame_equal(joined.decisions.drop(columns="correct_choice"), history.decisions)
    assert joined.decisions["correct_choice"].dtype == "str"
    assert "correct_choice" not in history.decisions
    assert joined.votes.equals(history.votes)


def test_the_column_stands_behind_the_declared_ones():
    history = with_outcomes(sample(5), lab.history.sample_folder() / "outcomes.csv")
    columns = list(history.decisions)
    assert columns[columns.index("correct_choice") - 1] == "n_arguments"
    assert columns[columns.index("correct_choice") + 1].startswith(("decision.", "meta."))


def test_what_did_not_match_is_counted_and_said():
    history = arena("a", "b", "c")
    outcomes = pd.concat([truths(a="ship", x="hold", y="hold"), truths(b=None)])
    (note,) = with_outcomes(history, outcomes).coverage["note"]
    assert note == (
        "outcomes: 1 of 3 decisions matched on correlation_id, 2 of 3 outcomes matched no decision, "
        "1 without id or choice"
    )
    assert history.coverage["note"].isna().all()


def test_a_note_is_added_to_what_is_there_and_said_once():
    history = arena("a", "b")
    history.coverage["note"] = pd.Series(["the server was busy"], dtype="str")
    once = with_outcomes(history, truths(a="ship"))
    twice = with_outcomes(once, truths(a="hold", b="hold"))
    assert once.coverage["note"].iloc[0].startswith("the server was busy; outcomes: 1 of 2")
    assert twice.coverage["note"].iloc[0].startswith("the server was busy; outcomes: 2 of 2")
    assert right(twice) == ["hold", "hold"]


def test_it_is_said_where_there_is_no_source():
    history = arena("a")
    bare = lab.History(history.tables())
    assert with_outcomes(bare, truths(a="ship")).coverage["note"].str.contains("1 of 1").all()


def test_nothing_matches():
    joined = with_outcomes(arena("a", "b"), truths(x="ship"))
    assert right(joined) == [None, None]
    assert joined.decisions["correct_choice"].dtype == "str"
    note = joined.coverage["note"].iloc[0]
    assert "0 of 2 decisions matched" in note
    ours = joined.decisions["correlation_id"].iloc[0]
    assert (
        f"the decisions have {ours!r} and the outcomes {truths(x='ship')['correlation_id'].iloc[0]!r}" in note
    )


def test_columns_without_names_are_named_by_their_numbers():
    history = arena("a", "b")
    outcomes = truths(a="ship").set_axis([0, 1], axis=1)
    columns = dict(zip(truths(a="ship").columns, "01", strict=True))
    named = outcomes.rename(columns={int(columns["correlation_id"]): "correlation_id"})
    assert right(with_outcomes(history, named, correct=columns["correct_choice"])) == ["ship", None]
    with pytest.raises(
        OptionError, match="expected names of columns; a column that is called 1 is named as te"
    ):
        with_outcomes(history, named, correct=1)


@pytest.mark.parametrize("outcomes", [truths(), pd.DataFrame({"correlation_id": [], "correct_choice": []})])
def test_no_outcomes(outcomes):
    assert right(with_outcomes(arena("a"), outcomes)) == [None]


def test_no_decisions():
    joined = with_outcomes(arena(), truths(a="ship"))
    assert right(joined) == []
    assert joined.decisions["correct_choice"].dtype == "str"


def test_the_same_said_twice_counts_once():
    outcomes = pd.concat([truths(a="ship", b="hold"), truths(a="ship")])
    joined = with_outcomes(arena("a", "b"), outcomes)
    assert right(joined) == ["ship", "hold"]
    assert "0 of 2 outcomes" in joined.coverage["note"].iloc[0]


def test_a_contradiction_is_named():
    outcomes = pd.concat([truths(a="ship", b="hold"), truths(a="hold")])
    with pytest.raises(OptionError, match="1 of correlation_id more than one correct_choice, like a"):
        with_outcomes(arena("b"), outcomes)


# Files.


def test_a_file_is_read_as_text(tmp_path):
    path = tmp_path / "outcomes.csv"
    path.write_text("correct_choice,note,correlation_id\nNA,x,007\nNone,,7\n,,8\n1.0,,1e5\n", "utf-8-sig")
    joined = with_outcomes(arena("007", "7", "8", "1e5"), path)
    assert right(joined) == ["NA", "None", None, "1.0"]


@pytest.mark.parametrize("delimiter", [";", "\t", "|", ","])
def test_a_file_may_have_any_delimiter(tmp_path, delimiter):
    path = tmp_path / "outcomes.csv"
    rows = pd.DataFrame({"correlation_id": ["a", "b"], "note": ["x, y", ""], "truth": ["ship", "hold"]})
    rows.to_csv(path, sep=delimiter, index=False)
    assert right(with_outcomes(arena("b", "a"), path, correct="truth")) == ["hold", "ship"]


@pytest.mark.parametrize("ids", ["text", "numbers", "numbers in text"])
def test_a_file_may_be_of_any_format_that_votes_come_in(tmp_path, ids):
    kinds = {"text": ["007", "8", "x"], "numbers": [7, 8, 9], "numbers in text": ["7", "8", "x"]}
    votes = pd.DataFrame({"item": kinds[ids], "who": "Ada", "said": ["NA", "true", "no"]})
    history = lab.from_votes(votes, decision="item", voter="who", choice="said")
    known = pd.DataFrame({"item": kinds[ids][:2], "truth": ["NA", "true"], "why": [1.5, None]})
    known.to_parquet(tmp_path / "a.parquet")
    known.to_json(tmp_path / "a.jsonl.gz", orient="records", lines=True)
    known.to_csv(tmp_path / "a.csv", index=False)
    for name in ("a.parquet", "a.jsonl.gz", "a.csv"):
        found = with_outcomes(history, tmp_path / name, on="item", correct="truth")
        assert right(found) == ["NA", "true", None], name


def test_a_compressed_file(tmp_path):
    path = tmp_path / "outcomes.csv.gz"
    path.write_bytes(gzip.compress("correlation_id,correct_choice\na,塞翁失马\n".encode()))
    assert right(with_outcomes(arena("a"), str(path))) == ["塞翁失马"]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, "there is no file .*outcomes.csv"),
        (b"", "outcomes.csv is empty"),
        (b"\xff\xfe\x00", "outcomes.csv is text in UTF-16"),
        (b'a,b\n"x', "outcomes.csv: the quoted cell that begins in line 2 is never closed"),
        (b"correlation_id,correct_choice\na,ship\nb\n", "outcomes.csv: row 2: 1 cell, not 2"),
        (b'{"correlation_id": "a", "correct_choice": "ship"}\n{"corr', "outcomes.csv: line 2: EOF"),
        (b'[{"correlation_id": "a", "correct_choice": "ship"}]', "outcomes.csv is a JSON array"),
        (b"PAR1 and no more", "outcomes.csv"),
    ],
)
def test_a_file_that_cannot_be_read(tmp_path, content, problem):
    path = tmp_path / "outcomes.csv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SourceError, match=f"cannot read outcomes: .*{problem}"):
        with_outcomes(arena("a"), path)


@pytest.mark.parametrize("names", [["correlation_id"], ["correlation_id", "run"]])
def test_a_named_index_is_a_column(names):
    known = pd.DataFrame({"correlation_id": ["a", "b"], "run": 1, "correct_choice": ["ship", "wait"]})
    found = with_outcomes(arena("a", "b"), known.set_index(names))
    assert found.decisions["correct_choice"].tolist() == ["ship", "wait"]


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(SourceError, match="cannot read outcomes"):
        with_outcomes(arena("a"), tmp_path)


def test_other_columns(tmp_path):
    path = tmp_path / "outcomes.csv"
    path.write_text("run;truth\na;ship\n")
    with pytest.raises(OptionError, match="no column correlation_id, correct_choice: there are run, truth"):
        with_outcomes(arena("a"), path)
    with pytest.raises(OptionError, match="the path of a CSV, Parquet or JSON lines file, not dict"):
        with_outcomes(arena("a"), {"a": "ship"})
    with pytest.raises(OptionError, match="'run': the decisions have no such column"):
        with_outcomes(arena("a"), truths(a="ship"), on="run")


# Types.


def test_ids_that_became_numbers_are_refused():
    outcomes = truths(a="ship").assign(correlation_id=[7])
    with pytest.raises(OptionError, match="text in the decisions and int64 in the outcomes"):
        with_outcomes(arena("007"), outcomes)
    with pytest.raises(OptionError, match="object in the outcomes"):
        with_outcomes(
            arena("007"), truths(a="ship", b="ship").assign(correlation_id=np.array(["007", 8], object))
        )


@pytest.mark.parametrize("ids", [[2, 1], ["2", "1"], [2.0, 1.0], pd.array([2, 1], dtype="Int64")])
def test_numbers_join_numbers(ids):
    history = arena("x", "y", "z", case=[1, 2, None])
    outcomes = pd.DataFrame({"meta.case": ids, "correct_choice": ["ship", "hold"]})
    assert right(with_outcomes(history, outcomes, on="meta.case")) == ["hold", "ship", None]


LONG = [2**53, 2**53 + 1]


@pytest.mark.parametrize("kind", [int, str, Decimal])
@pytest.mark.parametrize("missing", [[], [None]], ids=["all there", "one missing"])
@pytest.mark.parametrize(
    "cases", [[2**53, 2**53 + 1, None], [0.5, float(2**53), None]], ids=["whole", "floats"]
)
def test_long_numbers_join_exactly(kind, missing, cases):
    keys = pd.Series([kind(one) for one in LONG] + missing, dtype=object)
    outcomes = pd.DataFrame({"meta.case": keys, "correct_choice": ["ship", "hold", "none"][: len(keys)]})
    expected = [dict(zip(LONG, ("ship", "hold"), strict=True)).get(one) for one in cases]
    assert right(with_outcomes(arena("x", "y", "z", case=cases), outcomes, on="meta.case")) == expected


@pytest.mark.parametrize(
    ("ours", "theirs", "found"),
    [
        ([2**53], [str(2**53 + 1), ""], [None]),
        ([2**53], [str(2**53 + 1), "1.0"], [None]),
        ([7, 8], ["7.0", " 8 "], ["a", "a"]),
        ([7, 8], [7, "8"], ["a", "a"]),
        ([7, 8], ["7.0", "8.5"], ["a", None]),
        ([2**53 + 1], ["9007199254740992", "0.5"], [None]),
        ([2**53 + 1], ["9007199254740993", "0.5"], ["a"]),
        ([0.5, 2.0], ["0.50", ""], ["a", None]),
        ([20261101120000001, 2], ["20261101120000001.5", "2"], [None, "a"]),
        ([3, 2], ["3.00000000000000001", "2"], [None, "a"]),
    ],
)
def test_a_blank_or_odd_text_rounds_no_other_number(ours, theirs, found):
    outcomes = pd.DataFrame({"meta.case": theirs, "correct_choice": "a"})
    assert right(with_outcomes(with_cases(ours), outcomes, on="meta.case")) == found


@pytest.mark.parametrize(
    ("theirs", "said"),
    [
        ([float(2**53)], "was a float, which may have rounded it: give them as texts"),
        (["1e999999999"], "is too large"),
        (pd.array([2**64 - 1], "UInt64"), "18446744073709551615 is too large"),
        ([float(2**53), 7.5], "was a float, which may have rounded it: give them as texts"),
        ([True], "True is no number"),
        (["seven"], "seven"),
    ],
)
def test_what_is_no_whole_number_is_named(theirs, said):
    outcomes = pd.DataFrame({"meta.case": theirs, "correct_choice": "a"})
    with pytest.raises(OptionError, match=f"meta.case holds whole numbers in the decisions.*{said}"):
        with_outcomes(with_cases([7, 8]), outcomes, on="meta.case")


@pytest.mark.parametrize("name", ["meta.case", "correct_choice"])
def test_a_column_that_is_there_twice_is_named(name):
    outcomes = pd.DataFrame([[7, "a", "b"]], columns=["meta.case", "correct_choice", name])
    with pytest.raises(OptionError, match=f"several columns '{name}'"):
        with_outcomes(with_cases([7]), outcomes, on="meta.case")


def test_numbers_do_not_join_text():
    outcomes = pd.DataFrame({"meta.case": ["one"], "correct_choice": ["ship"]})
    with pytest.raises(OptionError, match="holds whole numbers in the decisions"):
        with_outcomes(arena("x", case=[1]), outcomes, on="meta.case")
    with pytest.raises(OptionError, match="confidence holds float64 in the decisions"):
        with_outcomes(arena("x"), outcomes.assign(confidence="high"), on="confidence")


def test_choices_are_text():
    history = arena("a", "b", choice="3")
    assert right(with_outcomes(history, truths(a=3, b=4))) == ["3", "4"]
    two = truths(a="", b="")
    # Spelled as from_votes spells choices of these types.
    assert right(with_outcomes(history, two.assign(correct_choice=[True, False]))) == ["true", "false"]
    assert right(with_outcomes(history, two.assign(correct_choice=[3.0, np.nan]))) == ["3", None]
    with pytest.raises(OptionError, match="the text of a choice"):
        with_outcomes(history, two.assign(correct_choice=pd.to_datetime(["2026-01-01"] * 2)))


@pytest.mark.parametrize("kind", ["pandas", "jsonl"])
@pytest.mark.parametrize(
    ("values", "spelled"),
    [
        ([True, 1], ["true", "1"]),
        ([2.0, "yes"], ["2", "yes"]),
        ([False, None], ["false", None]),
        (["yes", ["yes"]], r"column 'correct_choice' holds lists or objects, 1 of them, the first in row 2"),
        ([{"a": 1}, {"b": 1}], "2 of them, the first in row 1, .*: expected one value in each row"),
    ],
)
def test_what_is_right_is_spelled_as_choices_are(kind, values, spelled, tmp_path):
    outcomes = truths(a="", b="").assign(correct_choice=pd.Series(values, dtype=object))
    if kind == "jsonl":
        outcomes.to_json(tmp_path / "o.jsonl", orient="records", lines=True)
        outcomes = tmp_path / "o.jsonl"
    if isinstance(spelled, list):
        assert right(with_outcomes(arena("a", "b"), outcomes)) == spelled
    else:
        with pytest.raises(OptionError, match=spelled):
            with_outcomes(arena("a", "b"), outcomes)


def test_what_is_right_may_be_of_pythons_own_types():
    outcomes = truths(a=Decimal("1.10"), b=b"yes")
    assert right(with_outcomes(arena("a", "b"), outcomes)) == ["1.1", "yes"]
    lists = pd.Series([["a"], "b"], dtype=object)
    with pytest.raises(OptionError, match="object in the outcomes"):
        with_outcomes(arena("a", "b"), outcomes.assign(correlation_id=lists))


def test_categories_are_text():
    outcomes = truths(a="ship", b="hold").astype("category")
    assert right(with_outcomes(arena("b", "a"), outcomes)) == ["hold", "ship"]


# Any key, any name.


VOTES = pd.DataFrame(
    {
        "item": [1, 1, 2, 2, 3],
        "part": list("aabba"),
        "who": list("xyxyx"),
        "vote": ["yes", "no", "no", "no", "No"],
    }
)


def voted(*decision):
    return lab.from_votes(VOTES, decision=list(decision), voter="who", choice="vote")


@pytest.mark.parametrize("on", ["item", "decision.item"])
@pytest.mark.parametrize("theirs", ["item", "decision.item"])
def test_a_key_is_known_under_either_name(on, theirs):
    outcomes = pd.DataFrame({theirs: [2, 1], "truth": ["no", "yes"]})
    assert right(with_outcomes(voted("item"), outcomes, on=on, correct="truth")) == ["yes", "no", None]


DAYS = pd.to_datetime(["2026-01-01", "2026-01-02", "2026-01-02 12:30:00.5"], format="mixed")


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (DAYS, DAYS),
        (DAYS.as_unit("ns"), DAYS.as_unit("us")),
        (DAYS, ["2026-01-01", "2026-01-02", "2026-01-02 12:30:00.5"]),
        (DAYS.tz_localize("UTC"), DAYS.tz_localize("UTC").as_unit("ms")),
        ([True, False, None], [True, False, None]),
        ([True, False, None], ["True", "false", None]),
        ([0.5, 2, 1e9], [0.5, 2, 1e9]),
        ([0.5, 2, 3.25], ["0.50", "2", "3.25"]),
    ],
)
def test_times_truth_values_and_fractions_are_keys(tmp_path, ours, theirs):
    votes = pd.DataFrame({"key": ours, "who": "x", "vote": ["a", "b", "c"]})
    history = lab.from_votes(votes, decision="key", voter="who", choice="vote")
    outcomes = pd.DataFrame({"key": theirs, "truth": ["a", "b", "c"]})
    expected = ["a", "b", "c"][: len(history)]  # a row without a key is no vote
    assert right(with_outcomes(history, outcomes, on="key", correct="truth")) == expected
    outcomes.to_csv(tmp_path / "outcomes.csv", index=False)
    if not isinstance(ours, pd.DatetimeIndex):
        assert right(with_outcomes(history, tmp_path / "outcomes.csv", on="key", correct="truth")) == expected


def test_several_columns_are_a_key_together():
    outcomes = pl.DataFrame({"part": ["b", "b", "a"], "item": [2, 1, 1], "truth": ["no", "no", "yes"]})
    joined = with_outcomes(voted("item", "part"), outcomes, on=["item", "part"], correct="truth")
    assert right(joined) == ["yes", "no", None]
    assert "2 of 3 decisions matched on item, part, 1 of 3 outcomes matched no decision" in said(joined)
    twice = pl.concat([outcomes, outcomes.with_columns(truth=pl.lit("maybe"))])
    with pytest.raises(OptionError, match="give 3 of item, part more than one truth, like 2 b"):
        with_outcomes(voted("item", "part"), twice, on=["item", "part"], correct="truth")


def test_a_scan_is_joined_by_any_key(tmp_path):
    history = voted("item", "part")
    outcomes = pd.DataFrame({"part": ["b", "a"], "item": [2, 1], "truth": ["no", "yes"]})
    options = {"on": ["item", "part"], "correct": "truth"}
    scan = lab.scan(history.save(tmp_path / "kept"))
    [batch] = lab.with_outcomes(scan, outcomes, **options)
    assert right(batch) == right(with_outcomes(history, outcomes, **options)) == ["yes", "no", None]


@pytest.mark.parametrize(
    ("cases", "theirs", "found"),
    [
        ([7, 8, 1.5], [7.0, 1.5, 2.5], ["x", None, "x"]),
        ([7, 8, 1.5], ["7", "1.50", "2.5"], ["x", None, "x"]),
        ([7, 8, "a"], ["7", "a", "2.5"], ["x", None, "x"]),
        ([7, 8], [7.0, 2.5], ["x", None]),
        ([True, 7, 1.5], ["true", "7", "1"], ["x", "x", None]),
        ([True, "a"], ["1", "a"], [None, "x"]),
    ],
)
def test_a_scan_is_joined_by_numbers_of_several_kinds(cases, theirs, found, tmp_path, monkeypatch):
    monkeypatch.setattr(files, "_SMALL_BYTES", 0)  # a batch each
    for number, case in enumerate(cases):
        with_cases([case]).to_ndjson(tmp_path / f"{number}.ndjson")
    outcomes = pd.DataFrame({"meta.case": theirs, "correct_choice": "x"})
    whole = with_outcomes(lab.read(tmp_path), outcomes, on="meta.case")
    scan = with_outcomes(lab.scan(tmp_path), outcomes, on="meta.case")
    assert [one for batch in scan for one in right(batch)] == right(whole) == found


def test_whole_numbers_join_texts_that_are_whole_numbers():
    numbered = lab.from_votes(
        VOTES.rename(columns={"item": "question"}), decision="question", voter="who", choice="vote"
    )
    outcomes = pd.DataFrame({"question": [2, 1], "correct_choice": ["no", "yes"]})
    assert right(with_outcomes(numbered, outcomes, on="question")) == ["yes", "no", None]


@pytest.mark.parametrize("options", [{"on": 3}, {"on": []}, {"correct": None}])
def test_names_that_are_none_are_refused(options):
    with pytest.raises(OptionError, match="expected names of columns"):
        with_outcomes(arena("a"), truths(a="ship"), **options)


# Spellings.


def said(history):
    return history.coverage["note"].iloc[0]


def test_what_nobody_voted_for_is_counted_and_what_is_nearly_so_named():
    outcomes = pd.DataFrame({"item": [1, 2, 3], "correct_choice": ["YES ", "never", "No"]})
    joined = with_outcomes(voted("item"), outcomes, on="item")
    assert right(joined) == ["YES ", "never", "No"]
    assert "choices that were never voted for: 2 ('YES ' where votes say 'yes': see normalize=)" in said(
        joined
    )
    assert "never voted for" not in said(with_outcomes(arena("a"), truths(a="ship")))


def test_outcomes_are_spelled_as_voted_where_that_is_asked_for():
    outcomes = pd.DataFrame({"item": [1, 2, 3], "correct_choice": ["YES ", "never", "No"]})
    joined = with_outcomes(voted("item"), outcomes, on="item", normalize=lambda text: text.strip().lower())
    assert right(joined) == ["yes", "never", "No"]
    assert "1 spelled as voted, choices that were never voted for: 1" in said(joined)


def test_a_spelling_that_may_be_either_is_refused():
    another = pd.DataFrame({"item": [4], "part": "a", "who": "x", "vote": "yes"})
    whole = lab.from_votes(pd.concat([VOTES, another]), decision="item", voter="who", choice="vote")
    outcomes = pd.DataFrame({"item": [4], "correct_choice": ["NO"]})
    with pytest.raises(
        OptionError, match="makes one of 'No', 'no', which votes tell apart: the outcome 'NO'"
    ):
        with_outcomes(whole, outcomes, on="item", normalize=str.casefold)
    with pytest.raises(OptionError, match="expected a function of a text"):
        with_outcomes(whole, outcomes, on="item", normalize=True)
    with pytest.raises(OptionError, match="normalize= failed on 'NO': ZeroDivisionError"):
        with_outcomes(whole, outcomes, on="item", normalize=lambda text: 1 / (text != "NO"))


def test_an_outcome_for_which_its_decision_has_no_votes_is_spelled_as_others_vote():
    votes = pd.DataFrame({"q": [1, 1, 2, 2], "w": ["a", "b"] * 2, "c": ["Ship", "Ship", "hold", "hold"]})
    history = lab.from_votes(votes, decision="q", voter="w", choice="c")
    truth = pd.DataFrame({"q": [1, 2], "correct_choice": ["hold", "ship"]})
    assert right(with_outcomes(history, truth, on="q", normalize=str.lower)) == ["hold", "Ship"]


def test_an_outcome_is_spelled_as_its_own_decision_votes_whatever_others_vote():
    votes = pd.DataFrame({"q": [1, 1, 2, 2], "w": ["a", "b"] * 2, "c": ["yes", "yes", "YES ", "YES "]})
    history = lab.from_votes(votes, decision="q", voter="w", choice="c")
    truth = pd.DataFrame({"q": [1, 2], "correct_choice": ["yes", "yes"]})
    joined = with_outcomes(history, truth, on="q", normalize=lambda text: text.strip().lower())
    assert joined.decisions["correct_choice"].tolist() == ["yes", "YES "]
    assert ", 1 spelled as voted" in joined.coverage["note"].iloc[0]
    both = pd.concat([votes, pd.DataFrame({"q": [2], "w": ["c"], "c": ["Yes"]})])
    history = lab.from_votes(both, decision="q", voter="w", choice="c")
    with pytest.raises(OptionError, match=r"normalize= makes one of 'YES ', 'Yes', which votes tell apart"):
        with_outcomes(history, truth, on="q", normalize=lambda text: text.strip().lower())


# A history like any other.


def test_it_survives_a_snapshot(tmp_path):
    history = with_outcomes(sample(50), lab.history.sample_folder() / "outcomes.csv")
    again = lab.read(history.save(tmp_path / "snapshot"))
    assert_frame_equal(again.decisions, history.decisions)
    assert_frame_equal(again.coverage, history.coverage)


def test_it_merges():
    known = with_outcomes(arena("a", "b"), truths(a="ship"))
    fresh = arena("c", model=["atlas"])
    for merged in (known + fresh, fresh + known):
        found = merged.decisions.set_index("correlation_id")["correct_choice"]
        assert found.dropna().to_dict() == {"a": "ship"}
        assert found.dtype == "str"
        assert list(merged.decisions).index("correct_choice") == 12
    assert_series_equal(
        (known + known).decisions["correct_choice"].iloc[:2], known.decisions["correct_choice"]
    )
    nothing = with_outcomes(arena("a"), truths())
    assert right(nothing + nothing) == [None, None]


def test_envelopes_do_not_carry_outcomes(tmp_path):
    history = with_outcomes(arena("a"), truths(a="ship"))
    again = lab.read(history.to_ndjson(tmp_path / "again.ndjson"))
    assert "correct_choice" not in again.decisions
    assert len(again) == 1
