"""What must stay, and what must move and how, when a history is changed in a known way: every subject.

That the order of rows does not matter stands in test_law.py.
"""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from histories import sample
from hypothesis import example, given, settings
from hypothesis import strategies as st
from panels import FRAMES, part
from summaries import all_agree, shown

import mastermind_lab as lab
from mastermind_lab.history import sample_folder

pytestmark = pytest.mark.thorough

OF = {"by": "meta.category"}
VOTERS = {"unit": "voters", "by": "voter"}
SUBJECTS = {
    "agreement": (lab.stats.Agreement, {}),
    "agreement by": (lab.stats.Agreement, OF),
    "arguments": (lab.stats.Arguments, OF),
    "calibration": (lab.stats.Calibration, {}),
    "calibration of voters": (lab.stats.Calibration, VOTERS),
    "citations": (lab.stats.Citations, {}),
    "confidence": (lab.stats.Confidence, OF),
    "confidence over time": (lab.stats.ConfidenceOverTime, {}),
    "conformity": (lab.stats.Conformity, OF),
    "drift": (lab.stats.Drift, {"baseline": "9D"}),
    "margin": (lab.stats.Margin, OF),
    "pivotal": (lab.stats.Pivotal, {}),
    "regimes": (lab.stats.Regimes, {"watch": ["meta.model", "fields"]}),
    "rules": (lab.stats.Rules, OF),
    "stability": (lab.stats.Stability, {}),
    "timing": (lab.stats.Timing, {}),
    "voters": (lab.stats.Voters, OF),
    "votes": (lab.stats.Votes, OF),
}
every_subject = pytest.mark.parametrize("subject", SUBJECTS)
few = settings(max_examples=2, deadline=None)
some_decisions = st.lists(st.integers(0, 59), min_size=2, max_size=25, unique=True)

LABELS = ["voter", "other", "choice"]


@pytest.fixture(scope="module")
def pool():
    """60 decisions, half of them on questions that come again; now and then somebody votes twice."""
    history = lab.with_outcomes(sample(), sample_folder() / "outcomes.csv")
    decisions = history.decisions
    again = decisions["question"].duplicated(keep=False).to_numpy()
    several = decisions["question"].isin(decisions["question"][again].unique()[:14]).to_numpy()
    first = np.append(np.flatnonzero(several)[:30], np.flatnonzero(~again)[::40][:30])
    pool = part(history, np.sort(first))
    pool.votes = pd.concat(
        [pool.votes, pool.votes[5::40], pool.votes[9::40].assign(choice="a second thought")],
        ignore_index=True,
    )
    pool.decisions["correct_choice"] = pool.decisions["correct_choice"].mask(np.arange(60) % 7 == 0)
    return pool


def changed(history, change):
    return SimpleNamespace(**{name: change(getattr(history, name)) for name in FRAMES})


def both(one, other):
    return SimpleNamespace(
        **{name: pd.concat([getattr(one, name), getattr(other, name)], ignore_index=True) for name in FRAMES}
    )


def counted(subject, history, replicates=40, **more):
    kind, options = SUBJECTS[subject]
    return kind.of(history, replicates=replicates, **(options | more))


def other_names(texts):
    """Name voters or choices anew, so that they sort the other way round."""
    names = sorted(set(texts.dropna()))
    return {name: f"{len(names) - place:04d} {name[::-1]}" for place, name in enumerate(names)}


def renamed(history, voters, choices):
    votes = history.votes.assign(
        voter=history.votes["voter"].map(voters), choice=history.votes["choice"].map(choices)
    )
    decisions = history.decisions.assign(
        **{
            name: history.decisions[name].map(choices).astype("str")
            for name in ("recommendation", "correct_choice")
        }
    )
    return SimpleNamespace(**{**vars(history), "votes": votes, "decisions": decisions})


@every_subject
@few
@given(rows=some_decisions)
def test_names_do_not_matter(pool, subject, rows):
    history = part(pool, rows)
    decisions = history.decisions
    voters = other_names(history.votes["voter"])
    choices = other_names(
        pd.concat([history.votes["choice"], decisions["recommendation"], decisions["correct_choice"]])
    )
    before, after = (shown(counted(subject, which)) for which in (history, renamed(history, voters, choices)))
    back = {new: old for names in (voters, choices) for old, new in names.items()}
    all_agree(
        {name: _sorted(table, back) for name, table in after.items()},
        {k: _sorted(v, {}) for k, v in before.items()},
    )


def _sorted(table, back):
    if "near" in table:  # texts by their spelling, which is what was changed
        return table.iloc[:0]
    labels = [name for name in LABELS if name in table]
    if not labels:
        return table
    if "half" in table:  # of equal records the first in the alphabet is the best
        return table.iloc[:0]
    if "rule" in table and "voter" in table and "changed" in table:
        table = table[
            table["rule"] != "best voter"
        ]  # of equal records, the first in the alphabet is the best
    table = table.assign(**{name: table[name].replace(back) for name in labels})
    keys = [name for name in table if table[name].dtype == "str" and not name.endswith("_method")]
    return table.sort_values(keys, kind="stable", ignore_index=True)


# What also moves when every decision is there twice, and which way where that is known: copies agree with
# each other, and chance is ruled out more clearly.
MOVES = {
    "agreement": {"alpha": -1, "agreement_shrunk": 0},
    "calibration": {"auarc": 0, "small_n_bins": -1, "ece_noise": 0, "calibrated": 0}
    | {f"{part}_corrected": 0 for part in ("calibration_loss", "resolution", "uncertainty")},
    "citations": {"overlap": 1},
    "conformity": {"expected": 1, "excess": -1},
    "confidence": {"sd": -1, "q05": 0, "q25": 0, "q50": 0, "q75": 0, "q95": 0},
    "drift": {"cusum": 0, "limit": 0, "alarm": 0, "since": 0, "direction": 0, "of_limit": 0, "passed": 0},
    "regimes": {"begins": -1, "ends": -1, "p_value": -1},
    "stability": {"flip": -1, "unstable": -1, "spread": -1, "again": 1, "askings": 1, "with_spread": 1},
    "timing": {"q05": 0, "q25": 0, "q50": 0, "q75": 0, "q95": 0},
    "voters": {"accuracy_shrunk": 0, "rank": 0},
}
# Whole numbers that count no decisions.
NO_COUNTS = ["size", "change", "round", "sources", "questions", "blocks", "other_blocks", "min_n", "bin"]


def twice(history):
    """Add a copy of each decision, as another one: of one id they would be drawn together."""
    own = ["stream_id", "correlation_id", "decision_id"]
    return both(
        history,
        changed(
            history, lambda frame: frame.assign(**{name: frame[name] + "@1" for name in own if name in frame})
        ),
    )


@every_subject
@few
@given(rows=some_decisions)
def test_every_decision_twice_doubles_the_counts_and_moves_little_else(pool, subject, rows):
    history = part(pool, rows)
    once, again = (shown(counted(subject, which)) for which in (history, twice(history)))
    moves = MOVES.get(subject.split()[0], {}) if "time" not in subject else {}
    # A window of so many decisions ends earlier, and a copy of a decision may be in the other half.
    for name in once.keys() - {"risk_coverage", "every", "best_voters"}:
        for label, one, two in _columns(once[name], again[name]):
            _moved(f"{name}: {label}", one, two, moves.get(label))


def _columns(once, again):
    """Take tables apart: a column or a single figure of both; what tells how sure it is, is left out."""
    if list(once.columns)[:3] == ["value", "low", "high"]:
        for name in once.index:
            yield name, once.loc[[name], "value"], again.loc[[name], "value"]
        return
    if "voter" in once and "changed" in once:
        once, again = (table[table["rule"] != "best voter"].reset_index(drop=True) for table in (once, again))
    if "min_n" in once:  # sorted by what is known
        once, again = (_sorted(table, {}) for table in (once, again))
    for name in once.columns:
        if not name.endswith(("low", "high", "method", "small_n", "_id", "sampled")):
            yield name, once[name], again[name]


def _moved(label, one, two, way):
    count = pd.api.types.is_integer_dtype(one) and label.split(": ")[1] not in NO_COUNTS
    if way is None:
        expected = one * 2 if count or label.endswith(": sum") else one
        pd.testing.assert_series_equal(two, expected, rtol=1e-9, atol=1e-9, obj=label)
    elif way:
        known = (one.notna() & two.notna()).to_numpy()
        assert (way * (two - one)[known] >= -1e-9).all(), label


@pytest.mark.parametrize(
    ("subject", "figure"),
    [
        ("agreement", "alpha"),
        ("arguments", "balance"),
        ("calibration", "brier"),
        ("citations", "concentration"),
        ("confidence", "mean"),
        ("confidence over time", "mean"),
        ("conformity", "inflation"),
        ("margin", "mean"),
        ("pivotal", "share"),
        ("rules", "actual"),
    ],
)
def test_every_decision_twice_narrows_the_interval_by_the_root_of_two(pool, subject, figure):
    within = 0.12 if subject == "pivotal" else 0.07  # four panels of 60: the ends move in steps of one
    once, again = (
        getattr(counted(subject, which, replicates=2_000), figure) for which in (pool, twice(pool))
    )
    assert (again.high - again.low) / (once.high - once.low) == pytest.approx(0.5**0.5, abs=within)


# Which way figures go, 0 for nowhere, with one more decision that is unanimous, sure, right and unfounded.
UNANIMOUS = {
    "agreement": {"by_group": {"n": 1, "agreement": 1}, "table": {"n": 1, "agreement": 1}},
    "agreement by": {"by_group": {"n": 1, "agreement": 1}, "table": {"n": 1, "agreement": 1}},
    "arguments": {"table": {"n": 1, "argued": 0, "balance": 0, "nodes": 0, "unsupported": 0}},
    "calibration": {"table": {"n": 1, "accuracy": 1, "confidence": 1, "brier": -1, "log_score": -1}},
    "calibration of voters": {"table": {"n": 1, "accuracy": 1, "brier": -1, "log_score": -1}},
    "citations": {"table": {"n": 1, "cited": 0, "single": 0, "hhi": 0, "overlap": 0}},
    "confidence": {"table": {"n": 1, "mean": 1, "share_below": -1}},
    "confidence over time": {"table": {"n": 1, "mean": 1, "rolling": 1}},
    "conformity": {"table": {"n": 1, "unanimous": 1, "consensus": 1, "hollow": 1, "debated": 0}},
    "drift": {"table": {"n": 1}},
    "margin": {"table": {"n": 1, "mean": 1, "entropy": -1, "unanimous": 1, "tie": -1, "follows": 1}},
    "pivotal": {"table": {"n": 1, "pivotal": -1}, "by_rule": {"n": 1, "pivotal": -1}},
    "regimes": {"values": {"n": 1}},
    "rules": {"table": {"n": 1, "n_decided": 1, "changed": -1, "accuracy": 1}},
    "stability": {"table": {"n": 1, "questions": 1, "again": 0, "flip": 0, "unstable": 0, "spread": 0}},
    "timing": {"table": {"missing": 1, "n": 0, "mean": 0, "q50": 0, "share": 0}},
    "voters": {"table": {"n": 1, "dissent": -1, "pivotal": -1, "accuracy": 1, "brier": -1, "n_lone": 0}},
    "votes": {"table": {"n": 1, "share": 1, "weighted_share": 1}},
}


def with_one_more(history):
    """Add a decision like that of the first vote, for which all voters there are vote alike."""
    first = history.votes.iloc[0]
    choice, like = first["choice"], history.decisions["stream_id"] == first["stream_id"]
    said = dict.fromkeys(("recommendation", "correct_choice"), choice)
    decision = history.decisions[like].assign(
        stream_id="9-9", question="quite another?", confidence=1.0, n_citations=0, n_arguments=0, **said
    )
    meta = [
        name for name in decision if name.startswith("meta.") and name not in ("meta.category", "meta.model")
    ]
    decision[meta] = None
    voters = history.votes.drop_duplicates("voter")
    votes = voters.assign(stream_id="9-9", choice=choice, confidence=1.0, weight=1.0)
    nothing = {name: getattr(history, name)[:0] for name in FRAMES[2:]}
    more = SimpleNamespace(decisions=decision.astype(history.decisions.dtypes), votes=votes, **nothing)
    return both(history, more), choice


@every_subject
@few
@given(rows=some_decisions)
@example(rows=range(60))
def test_one_more_unanimous_decision_moves_figures_as_it_must(pool, subject, rows):
    history = part(pool, rows)
    more, choice = with_one_more(history)
    before, after = (shown(counted(subject, which)) for which in (history, more))
    for name, ways in UNANIMOUS[subject].items():
        one, two = _side_by_side(before[name], after[name], choice)
        for column, way in ways.items():
            steps = (two[column] - one[column]).dropna().to_numpy(dtype=float)
            assert (way * steps >= -1e-9).all() if way else np.abs(steps).max(initial=0) < 1e-9, column
            bound = one[column].isin([0, 1]).any()  # nothing moves beyond it
            assert not way or len(rows) < 60 or bound or np.abs(steps).max() > 0, column


def _side_by_side(one, two, choice):
    """Match the rows of two tables by what they are about; where that is choices, only the one voted for."""
    if "changed" in one:
        one, two = (table[table["rule"] != "best voter"].drop(columns="voter") for table in (one, two))
    texts = [name for name in one if one[name].dtype in ("str", "object")]
    keys = [name for name in texts if not name.endswith(("_id", "_method"))]
    if "choice" in one:
        one = one[one["choice"] == choice]
    if keys:
        one, two = one.set_index(keys), two.set_index(keys)
    return one, two.reindex(one.index)
