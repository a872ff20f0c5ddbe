"""Figures that know a chance of each group's own, over groups of few decisions."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from mastermind_lab.stats import Agreement, Conformity

pytestmark = pytest.mark.once

GROUPS = [(60, 3), (12, 10), (4, 40)]


def independent(groups, askings, seed, size=5):
    """Panels whose voters choose by themselves, with a chance that is each question's own."""
    draw = np.random.default_rng([seed, groups, askings])
    n = groups * askings
    chance = np.repeat(draw.beta(2, 2, groups), askings)
    ids = [f"{1_735_580_000_000 + seed * 100_000 + place}-0" for place in range(n)]
    decisions = pd.DataFrame(
        {"stream_id": ids, "question": np.repeat(1_000 * seed + np.arange(groups), askings)}
    ).assign(recommendation="x", confidence=0.5, n_citations=0, n_arguments=0)
    choice = np.where(draw.random((n, size)) < chance[:, None], "x", "y").ravel()
    votes = pd.DataFrame({"stream_id": np.repeat(ids, size), "voter": list("abcde") * n, "choice": choice})
    texts = {"stream_id": "str", "voter": "str", "choice": "str"}
    return SimpleNamespace(decisions=decisions, votes=votes.astype(texts))


@pytest.mark.parametrize(("groups", "askings"), GROUPS)
def test_an_interval_holds_its_estimate_however_small_the_groups(groups, askings):
    history = independent(groups, askings, 1)
    options = {"by": "question", "replicates": 80}
    agreement, conformity = (kind.of(history, **options) for kind in (Agreement, Conformity))
    for figure in (agreement.alpha, conformity.excess):
        assert figure.low <= figure.value <= figure.high
    each, table = agreement.by_group(), conformity.table()
    for rows, name in ((each, "alpha"), (table, "expected"), (table, "excess")):
        known = rows[rows[f"{name}_low"].notna()]
        assert (known[f"{name}_low"] <= known[name]).all()
        assert (known[name] <= known[f"{name}_high"]).all()


def test_a_group_of_which_nothing_counts_is_no_second_group():
    history = independent(1, 20, 1)
    lone = pd.DataFrame(
        {"stream_id": ["7-0"], "question": [-1], "recommendation": ["x"], "confidence": [0.5]}
    )
    vote = pd.DataFrame({"stream_id": ["7-0"], "voter": ["a"], "choice": ["x"]})
    texts = {"stream_id": "str", "voter": "str", "choice": "str"}
    both = SimpleNamespace(
        decisions=pd.concat([history.decisions, lone.assign(n_citations=0, n_arguments=0)]),
        votes=pd.concat([history.votes, vote]).astype(texts),
    )
    alone, beside = (Agreement.of(one, by="question", replicates=80) for one in (history, both))
    assert beside.alpha == alone.alpha
    assert beside.alpha.n == 20
    assert beside.alpha.low < beside.alpha.value < beside.alpha.high
    agreed, said = (Conformity.of(one, by="question", replicates=80).excess for one in (history, both))
    assert said == agreed


@pytest.mark.thorough
def test_voters_who_choose_by_themselves_are_not_in_excess():
    found = [
        Conformity.of(independent(80, 2, seed), by="question", replicates=40).excess for seed in range(8)
    ]
    assert np.mean([one.value for one in found]) == pytest.approx(0, abs=0.025)
    alone = Conformity.of(independent(80, 1, 0), by="question", replicates=40).excess
    assert alone.value == pytest.approx(0, abs=1e-12)  # of one panel nothing is known of chance
    assert found[0].n == 80


@pytest.mark.thorough
@pytest.mark.parametrize(("groups", "askings"), [(60, 2), (20, 20), (8, 60)])
def test_intervals_over_groups_cover_what_they_should(groups, askings):
    inside = np.zeros(2)
    for seed in range(100):
        history = independent(groups, askings, seed)
        options = {"by": "question", "replicates": 200}
        figures = Conformity.of(history, **options).excess, Agreement.of(history, **options).alpha
        inside += [one.low <= 0 <= one.high for one in figures]
    assert (inside >= 88).all(), inside
