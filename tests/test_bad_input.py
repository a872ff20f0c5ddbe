"""Input that is not what one hopes for: every subject and every chart, case by case."""

import re
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from histories import sample
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from panels import FRAMES
from telling import telling

import mastermind_lab as lab
from mastermind_lab import charts, stats
from mastermind_lab.errors import OptionError, column_advice
from mastermind_lab.history import sample_folder

pytestmark = pytest.mark.once

SUBJECTS = {
    "agreement": (stats.Agreement, {}),
    "arguments": (stats.Arguments, {}),
    "calibration": (stats.Calibration, {}),
    "calibration of voters": (stats.Calibration, {"unit": "voters"}),
    "citations": (stats.Citations, {}),
    "confidence": (stats.Confidence, {}),
    "confidence_over_time": (stats.ConfidenceOverTime, {"bandwidth": 1.0}),
    "conformity": (stats.Conformity, {}),
    "drift": (stats.Drift, {}),
    "margin": (stats.Margin, {}),
    "pivotal": (stats.Pivotal, {}),
    "regimes": (stats.Regimes, {}),
    "rules": (stats.Rules, {}),
    "stability": (stats.Stability, {}),
    "timing": (stats.Timing, {}),
    "voters": (stats.Voters, {}),
    "votes": (stats.Votes, {}),
}
# What each reads: a frame, and columns without which it cannot do.
NEEDED = {
    "agreement": ("votes", ["stream_id", "voter", "choice"]),
    "arguments": ("arguments", ["node", "parent", "depth", "stance", "strength"]),
    "calibration": ("decisions", ["recommendation", "confidence"]),
    "calibration of voters": ("votes", ["voter", "choice", "confidence"]),
    "citations": ("citations", ["stream_id", "source"]),
    "confidence": ("decisions", ["stream_id", "confidence"]),
    "confidence_over_time": ("decisions", ["confidence", "published_at"]),
    "conformity": ("decisions", ["n_citations", "n_arguments"]),
    "drift": ("decisions", ["confidence", "published_at"]),
    "margin": ("votes", ["voter", "choice"]),
    "pivotal": ("votes", ["voter", "choice"]),
    "regimes": ("decisions", ["confidence", "published_at"]),
    "rules": ("decisions", ["stream_id", "recommendation"]),
    "stability": ("decisions", ["question", "recommendation", "confidence"]),
    "timing": ("decisions", ["stream_id"]),
    "voters": ("votes", ["voter", "choice"]),
    "votes": ("votes", ["voter", "choice"]),
}
CHARTS = {
    "calibration": [charts.reliability, charts.risk_coverage],
    "calibration of voters": [charts.reliability, charts.risk_coverage],
}
every_subject = pytest.mark.parametrize("subject", SUBJECTS)


@pytest.fixture(scope="module")
def whole():
    return lab.with_outcomes(sample(25), sample_folder() / "outcomes.csv")


def edited(history, **frames):
    return SimpleNamespace(**{name: frames.get(name, getattr(history, name)) for name in FRAMES})


def first(history, n):
    ids = history.decisions["stream_id"].iloc[:n]
    return edited(
        history,
        **{name: frame[frame["stream_id"].isin(ids)] for name, frame in vars(edited(history)).items()},
    )


def no_votes(history):
    return edited(history, votes=history.votes[:0])


def nothing(history):
    return first(history, 0)


def one_decision(history):
    return first(history, 1)


def one_voter(history):
    return edited(history, votes=history.votes.drop_duplicates("stream_id").assign(voter="Ada"))


def all_the_same(history):
    said = dict.fromkeys(("recommendation", "correct_choice"), "yes")
    decisions = history.decisions.assign(
        confidence=0.5, question="so?", published_at=pd.Timestamp(0, tz="UTC")
    )
    return edited(
        history,
        decisions=decisions.assign(**said),
        votes=history.votes.assign(choice="yes", confidence=0.5),
        citations=history.citations.assign(source="a"),
        arguments=history.arguments.assign(stance="pro", strength=0.5),
    )


def without_confidence(history):
    return edited(
        history,
        decisions=history.decisions.assign(confidence=np.nan),
        votes=history.votes.assign(confidence=np.nan),
    )


def outcomes_that_match_nothing(history):
    nowhere = pd.DataFrame({"correlation_id": ["0" * 32], "correct_choice": ["yes"]})
    return edited(lab.with_outcomes(history, nowhere))


def everybody_votes_twice(history):
    return edited(history, votes=pd.concat([history.votes, history.votes], ignore_index=True))


def everybody_contradicts_itself(history):
    other = history.votes.assign(choice="the other way")
    return edited(history, votes=pd.concat([history.votes, other], ignore_index=True))


CASES = [
    nothing, one_decision, one_voter, no_votes, all_the_same, without_confidence, outcomes_that_match_nothing,
    everybody_votes_twice, everybody_contradicts_itself,
]  # fmt: skip


def of(subject, history):
    kind, options = SUBJECTS[subject]
    return kind.of(history, replicates=40, **options)


def drawn(chart, data):
    figure = Figure(figsize=(3.3, 2.8))
    FigureCanvasAgg(figure)
    chart(data, ax=figure.add_subplot())
    return figure.axes[0]


@pytest.mark.thorough
@every_subject
@pytest.mark.parametrize("case", CASES)
def test_is_counted_and_drawn(whole, subject, case):
    summary = of(subject, case(whole))
    table = summary.table()
    for low in (name for name in table if name.endswith("_low")):
        ends = table[[low, low.removesuffix("low") + "high"]].dropna().to_numpy(dtype=float)
        assert (ends[:, 0] <= ends[:, 1] + 1e-12).all(), low
    for chart in CHARTS.get(subject) or [getattr(charts, subject)]:
        assert "n = " in (title := drawn(chart, summary).get_title(loc="left")) or "no " in title


@every_subject
@pytest.mark.parametrize("n", telling([9, 25], "9"))
@pytest.mark.further
def test_too_few_are_said(whole, subject, n):
    table = of(subject, first(whole, n)).table()
    # Stability counts the questions that came again; these few know no change, and are all a baseline.
    assert (
        table["small_n"].all()
        if n == 9 or subject in ("stability", "regimes", "drift")
        else not table["small_n"].all()
    )


@pytest.mark.parametrize(
    "subject",
    ["arguments", "calibration", "citations", "confidence", "conformity", "margin", "timing", "voters"],
)
def test_ten_are_not_too_few(whole, subject):
    table = of(subject, first(whole, 10)).table()
    assert table["n"].eq(10).any()
    assert (table["small_n"] == (table["n"] < 10)).all()


@every_subject
def test_a_missing_column_is_named_with_its_frame(whole, subject):
    frame, columns = NEEDED[subject]
    for column in columns:
        history = edited(whole, **{frame: getattr(whole, frame).drop(columns=column)})
        with pytest.raises(OptionError, match=rf"no column {column}\b.* {frame}\b"):
            of(subject, history)


@every_subject
def test_a_missing_frame_is_named(whole, subject):
    frame = NEEDED[subject][0]
    partial = SimpleNamespace(**{name: getattr(whole, name) for name in FRAMES if name != frame})
    with pytest.raises(OptionError, match=frame):
        of(subject, partial)


def test_outcomes_that_were_not_joined_are_asked_for(whole):
    history = edited(whole, decisions=whole.decisions.drop(columns="correct_choice"))
    for options in ({}, {"unit": "voters"}):
        with pytest.raises(OptionError, match="with_outcomes"):
            stats.Calibration.of(history, **options)


VOTED = ["agreement", "calibration of voters", "conformity", "margin", "pivotal", "rules", "voters", "votes"]


def repeated(summary):
    return summary.repeated if hasattr(summary, "repeated") else int(summary.table()["repeated"].sum())


@pytest.mark.parametrize("subject", telling(VOTED, "agreement", "rules", "votes"))
def test_who_votes_twice_has_voted_once_and_it_is_said(whole, subject):
    once, twice = of(subject, whole), of(subject, everybody_votes_twice(whole))
    seats = len(whole.votes.drop_duplicates(["stream_id", "voter"]))
    assert (repeated(once), repeated(twice)) == (0, seats)
    tables = [one.table().drop(columns="repeated", errors="ignore") for one in (once, twice)]
    pd.testing.assert_frame_equal(*tables)
    for chart in CHARTS.get(subject) or [getattr(charts, subject)]:
        assert f"{seats} repeated votes" in lab.charts.caption(drawn(chart, twice))


@pytest.mark.parametrize("subject", VOTED)
def test_who_contradicts_itself_has_no_vote_and_it_is_said(whole, subject):
    summary = of(subject, everybody_contradicts_itself(whole))
    assert repeated(summary) == len(whole.votes.drop_duplicates(["stream_id", "voter"]))
    table = summary.table()
    assert table.get("n", table.get("votes")).sum() == 0


def test_an_advice_says_first_where_a_column_went_and_then_what_is_near():
    said = column_advice("meta.modl", ["meta.model", "meta.*"])
    assert said.startswith("columns beyond the limit share 'meta.*'")
    assert said.endswith("did you mean 'meta.model'?")


NUMBERS = {
    "agreement": lambda h, x: stats.Conformity.of(h, agreement=x),
    "baseline": lambda h, x: stats.Drift.of(h, baseline=x),
    "bins": lambda h, x: stats.Calibration.of(h, bins=x),
    "bins of a histogram": lambda h, x: stats.Confidence.of(h).histogram(x),
    "citations": lambda h, x: stats.Conformity.of(h, citations=x),
    "groups": lambda h, x: stats.Votes.of(h, by="meta.model").lump(x),
    "min_n": lambda h, x: stats.Voters.of(h).ranking(min_n=x),
    "most points": lambda h, x: stats.ConfidenceOverTime.of(h).points(x),
    "most sources": lambda h, x: stats.Citations.of(h).sources(x),
    "most voters": lambda h, x: stats.Agreement.of(h).order(x),
    "n": lambda h, x: stats.ConfidenceOverTime.of(h).every(x),
    "p_value": lambda h, x: stats.Regimes.of(h, p_value=x),
    "replicates": lambda h, x: stats.Votes.of(h, replicates=x),
    "rules": lambda h, x: stats.Rules.of(h, rules=x),
    "threshold": lambda h, x: stats.Confidence.of(h, threshold=x),
    "weak": lambda h, x: stats.Arguments.of(h, weak=x),
}


@pytest.mark.parametrize("option", telling([*NUMBERS], "threshold", "most voters", "rules"))
def test_an_option_that_is_no_such_number_is_refused_by_its_name(whole, option):
    for given in ("0.5", "x", float("nan"), -1, 1.5, [1], True):
        with pytest.raises(OptionError, match=rf"{option.split()[0]}\b.* not {re.escape(repr(given))}"):
            NUMBERS[option](whole, given)


def test_a_whole_number_of_numpys_is_one(whole):
    assert stats.Agreement.of(whole).order(np.int64(2)) == stats.Agreement.of(whole).order(2)


def test_a_baseline_may_be_longer_than_all_time(whole):
    endless, long = (stats.Drift.of(whole, baseline=one).table() for one in (pd.Timedelta.max, "99999h"))
    pd.testing.assert_frame_equal(endless, long)
