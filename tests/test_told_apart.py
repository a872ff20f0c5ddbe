"""What tells voters apart, a seat or a model, is asked for alike of figures, of rows and of charts."""

import json
from inspect import signature

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal
from pictures import caption
from telling import telling

import mastermind_lab as lab
from mastermind_lab import charts, stats
from mastermind_lab.errors import OptionError
from mastermind_lab.stats.engine.summary import Summary

pytestmark = pytest.mark.once

KINDS = {
    name: kind for name, kind in vars(stats).items() if isinstance(kind, type) and issubclass(kind, Summary)
}
VOTING = {name: kind for name, kind in KINDS.items() if "voter" in signature(kind.of).parameters}
ROWS = {
    f"{name}.{rows}": getattr(kind, rows)
    for name, kind in VOTING.items()
    for rows in ("decisions", "votes")
    if isinstance(vars(kind).get(rows), staticmethod)
}
DRAWN = {
    name: chart.__annotations__["data"].rpartition(" ")[2]
    for name in charts.__all__
    if "data" in getattr(chart := getattr(charts, name), "__annotations__", {})
}
CHARTS = {name: getattr(charts, name) for name, kind in DRAWN.items() if kind in VOTING}


@pytest.fixture(scope="module")
def seated():
    """Two models in five seats, as the seats are named and as the models are."""
    random = np.random.default_rng(2)
    seats = [(f"q{place}", seat) for place in range(12) for seat in range(5)]
    frame = pd.DataFrame(seats, columns=["question", "number"]).assign(
        seat=lambda rows: "seat " + rows["number"].astype(str),
        model=lambda rows: np.where(rows["number"] < 3, "atlas", "borealis"),
        answer=random.choice(["yes", "no"], len(seats)),
        sure=random.uniform(size=len(seats)).round(3),
    )
    truth = pd.DataFrame({"question": frame["question"].unique(), "correct_choice": "yes"})
    named = {"decision": "question", "choice": "answer", "confidence": "sure"}
    return [
        lab.with_outcomes(lab.from_votes(frame, voter=voter, **named), truth, on="question")
        for voter in ("seat", "model")
    ]


def test_every_way_to_a_statistic_of_voters_takes_what_tells_them_apart():
    assert {"Agreement", "Calibration", "Conformity", "Margin", "Pivotal", "Rules", "Voters", "Votes"} <= {
        *VOTING
    }
    assert {name for name, kind in KINDS.items() if issubclass(kind, stats.Votes.__bases__[0])} <= {*VOTING}
    assert len(ROWS) >= 5
    assert {*DRAWN.values()} >= {*VOTING}
    without = [name for name, one in (ROWS | CHARTS).items() if "voter" not in signature(one).parameters]
    assert without == []
    assert {signature(rows).parameters["voter"].default for rows in ROWS.values()} == {"voter"}
    assert "voter" in signature(charts.overview).parameters


@pytest.mark.parametrize("name", ROWS)
def test_the_rows_of_decisions_and_votes_tell_voters_apart(seated, name):
    by_seat, by_model = seated
    found = ROWS[name](by_model, voter="vote.seat")
    assert_frame_equal(found, ROWS[name](by_seat))
    assert not found.equals(ROWS[name](by_model))
    with pytest.raises(
        OptionError, match=r"no column 'vote\.seet': did you mean 'vote\.seat'.* there are .*vote\.seat"
    ):
        ROWS[name](by_model, voter="vote.seet")
    with pytest.raises(OptionError, match="voter=3: expected the name of a column of votes"):
        ROWS[name](by_model, voter=3)


@pytest.mark.parametrize("name", telling([*CHARTS], *[*CHARTS][::3]))
@pytest.mark.further
def test_a_chart_tells_voters_apart_and_says_by_what(seated, name, ax):
    _, by_model = seated
    chart, kind = CHARTS[name], VOTING[DRAWN[name]]
    options = {"unit": "voters"} if name in ("reliability", "risk_coverage") else {}
    summary = kind.of(by_model, voter="vote.seat", replicates=40, **options)
    said = caption(chart(by_model, voter="vote.seat", ax=ax))
    assert "Voters: vote.seat" in said
    assert "repeated" not in said
    assert caption(chart(summary, voter="vote.seat")).split(". ")[:3] == said.split(". ")[:3]
    with pytest.raises(OptionError, match=r"no column 'vote\.seet': did you mean 'vote\.seat'.* there are"):
        chart(by_model, voter="vote.seet")
    with pytest.raises(
        OptionError, match=r"tells voters apart by vote\.seat: count it again with 'vote\.model'"
    ):
        chart(summary, voter="vote.model")


@pytest.mark.further
def test_a_model_that_meets_itself_has_a_square_of_its_own(seated):
    by_seat, _ = seated
    shades = charts.agreement(by_seat, voter="vote.model").images[0].get_array().filled(np.nan)
    pairs = stats.Agreement.of(by_seat, voter="vote.model").table().set_index(["voter", "other"])["agreement"]
    itself = [pairs[name, name] for name in stats.Agreement.of(by_seat, voter="vote.model").order()]
    assert np.diag(shades).tolist() == itself
    assert np.isnan(np.diag(charts.agreement(by_seat).images[0].get_array().filled(np.nan))).all()


@pytest.mark.further
def test_a_page_of_charts_tells_voters_apart(seated):
    _, by_model = seated
    figure = charts.overview(by_model, voter="vote.seat")
    assert sum("Voters: vote.seat" in caption(ax) for ax in figure.axes) >= 3


def test_what_tells_voters_apart_makes_no_difference_to_decisions(seated):
    with pytest.raises(OptionError, match="count them, with unit="):
        stats.Calibration.of(seated[0], voter="vote.model")


def payloads(with_seats):
    seats = [{"seat": f"s{place}"} if with_seats else {} for place in range(2)]
    votes = [{"voter": "m", "choice": choice, **seat} for choice, seat in zip("ab", seats, strict=True)]
    return [json.dumps({"decision": {"recommendation": "a", "confidence": 0.5, "votes": votes}})] * 3


@pytest.mark.parametrize("first", [True, False])
def test_a_batch_without_the_column_is_counted_as_part_of_the_whole(first, tmp_path):
    for name, with_seats in (("a", first), ("b", not first)):
        (tmp_path / f"{name}.ndjson").write_text("\n".join(payloads(with_seats)) + "\n")
    whole = stats.Voters.of(lab.read(tmp_path), voter="vote.seat").table()
    assert whole["n"].tolist() == [3, 3]
    assert_frame_equal(stats.Voters.of(lab.scan(tmp_path), voter="vote.seat").table(), whole)
    with pytest.raises(OptionError, match=r"no column 'vote\.seet'.* there are .*vote\.seat"):
        stats.Voters.of(lab.scan(tmp_path), voter="vote.seet")
