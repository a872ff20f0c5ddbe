import math
from itertools import combinations, pairwise
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.image import AxesImage
from pandas.testing import assert_frame_equal
from panels import part
from pictures import caption, title
from telling import telling
from voting import votes_of

from mastermind_lab.charts.agreement import agreement
from mastermind_lab.errors import OptionError
from mastermind_lab.stats.agreement import Agreement
from mastermind_lab.stats.engine.pairs import seriation

pytestmark = pytest.mark.once


def panels(n, seed=0, size=(0, 7), voters=9, topics=3):
    """Panels on three topics; now and then somebody votes twice."""
    random = np.random.default_rng(seed)
    rows, favourites = [], random.integers(0, 3, n)
    for place, favourite in enumerate(favourites):
        who = random.choice(voters, random.integers(size[0], size[1] + 1), replace=False)
        for one in who:
            choice = favourite if random.random() < 0.6 else random.integers(0, 3)
            rows.append((f"{17_000 + place}-0", f"agent-{one}", "abc"[choice]))
    votes = pd.DataFrame(rows, columns=["stream_id", "voter", "choice"]).astype("str")
    ids = pd.Series([f"{17_000 + place}-0" for place in range(n)], dtype="str")
    topic = pd.Series(random.choice(["x", "y", None][:topics], n), dtype="str")
    return SimpleNamespace(decisions=pd.DataFrame({"stream_id": ids, "topic": topic}), votes=votes)


def views(summary):
    alpha, kappa = summary.alpha, summary.kappa
    figures = pd.DataFrame([vars(alpha), vars(kappa)]).assign(repeated=summary.repeated)
    return summary.table(), summary.by_group(), figures, pd.DataFrame({"order": summary.order()})


def same(left, right, exact=False):
    for one, other in zip(views(left), views(right), strict=True):
        assert_frame_equal(one, other, check_exact=exact, **({} if exact else {"rtol": 1e-9, "atol": 1e-9}))
        counts = one.select_dtypes("integer").columns
        assert_frame_equal(one[counts], other[counts], check_exact=True)


# The numbers.


def units(votes):
    """Count the votes by decision and choice."""
    return votes.groupby(["stream_id", "choice"]).size().unstack(fill_value=0)


@pytest.mark.parametrize("size", telling([2, 5], "5"))
@pytest.mark.further
def test_kappa_is_that_of_statsmodels_where_panels_are_equal(size):
    from statsmodels.stats.inter_rater import fleiss_kappa

    votes = panels(80, size=(size, size)).votes
    kappa = Agreement.of(votes).kappa
    assert kappa.value == pytest.approx(fleiss_kappa(units(votes).to_numpy()), abs=1e-12)
    assert kappa.low < kappa.value < kappa.high
    assert Agreement.of(votes).by_group()["size"].tolist() == [size]
    unequal = Agreement.of(votes.iloc[1:])
    if size == 2:  # a lone vote has nobody to agree with: it is left out, and the others are of one size
        assert unequal.kappa.value == pytest.approx(Agreement.of(votes.iloc[2:]).kappa.value, abs=1e-12)
        assert unequal.by_group()[["size", "alone"]].values.tolist() == [[2, 1]]
        return
    assert math.isnan(unequal.kappa.value)
    assert unequal.by_group()["size"].isna().all()


def test_pairs_agree_with_a_plain_loop():
    from statsmodels.stats.proportion import proportion_confint

    votes = panels(80).votes
    table = Agreement.of(votes).table()
    chosen = votes.pivot(index="stream_id", columns="voter", values="choice")
    assert len(table) == 9 * 8
    for row in table.itertuples():
        both = chosen[[row.voter, row.other]].dropna()
        alike = (both[row.voter] == both[row.other]).sum()
        assert (row.n, row.agreement) == (len(both), pytest.approx(alike / len(both)))
        if min(alike, len(both) - alike) >= 4:
            assert (row.agreement_low, row.agreement_high) == pytest.approx(
                proportion_confint(alike, len(both), method="wilson")
            )


def test_a_group_is_counted_by_itself_and_alpha_adds_up_their_disagreement():
    history = panels(90)
    summary = Agreement.of(history, by="topic")
    observed = expected = 0.0
    for row in summary.by_group().itertuples():
        ours = (
            history.decisions["topic"].isna()
            if pd.isna(row.topic)
            else history.decisions["topic"] == row.topic
        )
        alone = Agreement.of(part(history, ours).votes)
        assert row.alpha == pytest.approx(alone.alpha.value)
        assert (row.alpha_low, row.alpha_high) == pytest.approx((alone.alpha.low, alone.alpha.high))
        counts = units(part(history, ours).votes)
        counts = counts[counts.sum(axis=1) > 1]
        n = counts.to_numpy().sum()
        expected += (n**2 - (counts.sum() ** 2).sum()) / (n - 1)
        observed += (1 - row.alpha) * (n**2 - (counts.sum() ** 2).sum()) / (n - 1)
        agree = (counts * (counts - 1)).sum(axis=1) / (counts.sum(axis=1) - 1)
        assert row.agreement == pytest.approx(agree.sum() / n)
    assert summary.alpha.value == pytest.approx(1 - observed / expected)


def test_choices_of_their_own_look_like_agreement_unless_grouped():
    random = np.random.default_rng(3)
    votes = panels(400, size=(5, 5)).votes
    topic = random.choice(["x", "y"], 400)
    ids = votes["stream_id"].unique()
    decisions = pd.DataFrame({"stream_id": ids, "topic": topic})
    guess = random.choice(["yes", "no"], len(votes))
    votes["choice"] = votes["stream_id"].map(dict(zip(ids, topic, strict=True))) + guess
    history = SimpleNamespace(decisions=decisions, votes=votes)
    assert Agreement.of(history).alpha.value > 0.25
    within = Agreement.of(history, by="topic").alpha
    assert within.low < 0 < within.high
    assert abs(within.value) < 0.05


@pytest.mark.parametrize(
    ("texts", "alpha", "kappa"),
    [
        (["aaa", "aaa"], math.nan, math.nan),  # no variation
        (["aaa", "bbb", "aaa", "bbb"], 1.0, 1.0),
        (["ab", "ba"], -0.5, -1.0),  # (n - 1) / n of 2, from 1
        (["a", "b", "c"], math.nan, math.nan),  # nobody to compare with
        (["aab"], 0.0, -0.5),
        ([], math.nan, math.nan),
    ],
)
def test_tiny_panels_worked_by_hand(texts, alpha, kappa):
    summary = Agreement.of(votes_of(texts))
    assert summary.alpha.value == pytest.approx(alpha, nan_ok=True)
    assert summary.kappa.value == pytest.approx(kappa, nan_ok=True)


def test_full_agreement_is_not_certainty_and_one_decision_has_no_interval():
    few, many = (Agreement.of(votes_of(["aaa", "bbb"] * times)).alpha for times in (5, 500))
    assert few.value == few.high == many.high == 1
    assert 0 < few.low < 0.7
    assert 0.98 < many.low < 1
    one = Agreement.of(votes_of(["aab"]))
    assert math.isnan(one.alpha.low)
    assert one.table()["agreement_low"].isna().all()


def test_who_votes_twice_is_counted_once_or_not_at_all():
    once = votes_of(["aab", "abb", "bbb"])
    again = pd.concat([once, once.iloc[[0, 0]]])
    same_choice = Agreement.of(again)
    assert same_choice.repeated == 1
    assert same_choice.alpha == Agreement.of(once).alpha
    other = Agreement.of(pd.concat([once, once.iloc[[0]].assign(choice="b")]))
    assert other.repeated == 1
    assert other.alpha == Agreement.of(votes_of([" ab", "abb", "bbb"])).alpha
    assert other.by_group()["repeated"].tolist() == [1]


# What does not matter.


@pytest.mark.thorough
@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 999))
def test_a_decision_all_agree_on_raises_alpha_and_nothing_else_enters_from_loners(seed):
    votes = panels(30, seed, size=(2, 5)).votes
    alpha = Agreement.of(votes, replicates=40).alpha.value
    loner = pd.DataFrame({"stream_id": ["9-9"], "voter": ["zoe"], "choice": ["c"]})
    assert Agreement.of(pd.concat([votes, loner]), replicates=40).alpha.value == alpha
    rarest = votes["choice"].value_counts().index[-1]
    united = pd.DataFrame({"stream_id": "9-9", "voter": ["p", "q", "r"], "choice": rarest})
    assert Agreement.of(pd.concat([votes, united]), replicates=40).alpha.value > alpha


# The order of the voters.


def test_voters_who_agree_stand_side_by_side():
    random = np.random.default_rng(0)
    rows = [
        (f"{row}-0", f"agent-{who}", choice if random.random() < 0.8 else "neither")
        for row in range(200)
        for who, choice in enumerate(["yes", "no", "perhaps"] * 3)
    ]
    order = Agreement.of(pd.DataFrame(rows, columns=["stream_id", "voter", "choice"])).order()
    blocs = [int(voter[-1]) % 3 for voter in order]
    assert sum(one != other for one, other in pairwise(blocs)) == 2


def test_a_line_is_found_again():
    places = np.array([3, 0, 5, 1, 4, 2])
    found = [places[one] for one in seriation(-abs(places[:, None] - places).astype(float))]
    assert found in ([0, 1, 2, 3, 4, 5], [5, 4, 3, 2, 1, 0])


def test_only_the_voters_with_the_most_votes_are_ordered():
    votes = panels(60).votes
    votes = votes[(votes["voter"] != "agent-4") | (votes["stream_id"] < "17010")]
    assert set(Agreement.of(votes).order(8)) == set(votes["voter"].unique()) - {"agent-4"}


def test_groups_are_put_together_where_voters_are_ordered():
    history = panels(60)
    grouped = Agreement.of(history, by="topic")
    assert grouped.order() == Agreement.of(history).order()
    assert len(grouped.order(3)) == 3


# What the intervals are worth.


def simulated(runs, n, right):
    """Runs of n decisions of 2 to 7 voters, easy and hard ones, and alpha of all that could ever be."""
    random, odds = np.random.default_rng(7), np.array([0.5, 0.3, 0.2])
    favourite, hard = random.choice(3, runs * n, p=odds), random.random(runs * n) < 0.5
    follows = np.where(hard, right - 0.2, right + 0.2)
    row = np.repeat(np.arange(runs * n), random.integers(2, 8, runs * n))
    choice = np.where(
        random.random(len(row)) < follows[row], favourite[row], random.choice(3, len(row), p=odds)
    )
    ids = np.array([f"7-{place}" for place in range(runs * n)])
    place = pd.Series(row).groupby(row).cumcount()
    votes = pd.DataFrame(
        {"stream_id": ids[row], "voter": "v" + place.astype("str"), "choice": choice.astype("U1")}
    )
    decisions = pd.DataFrame({"stream_id": ids, "run": np.arange(runs * n) // n})
    alike = [
        odds[one] * (((1 - share) * odds + share * (np.arange(3) == one)) ** 2).sum()
        for share in (right - 0.2, right + 0.2)
        for one in range(3)
    ]
    alpha = 1 - (1 - sum(alike) / 2) / (1 - (odds**2).sum())
    return SimpleNamespace(decisions=decisions, votes=votes), alpha


@pytest.mark.thorough
@pytest.mark.parametrize(("n", "right"), [(20, 0.4), (20, 0.7), (60, 0.5), (60, 0.75)])
def test_intervals_of_alpha_cover_it(n, right):
    history, alpha = simulated(1_000, n, right)
    table = Agreement.of(history, by="run").by_group()
    inside = table["alpha_low"].le(alpha) & table["alpha_high"].ge(alpha)
    assert 0.93 <= inside.mean() <= 0.97
    assert table["alpha"].mean() == pytest.approx(alpha, abs=0.02)


# What cannot be.


def test_what_is_missing_is_named():
    history = panels(10)
    with pytest.raises(OptionError, match="no column voter: expected a history's votes frame"):
        Agreement.of(history.votes.drop(columns="voter"))
    with pytest.raises(OptionError, match="did you mean 'topic'"):
        Agreement.of(history, by="topik")
    with pytest.raises(OptionError, match="needs a history"):
        Agreement.of(history.votes, by="topic")
    with pytest.raises(OptionError, match="voter"):
        Agreement.of(history, by="voter")


def test_ten_thousand_choices_and_missing_ones():
    random = np.random.default_rng(0)
    votes = pd.DataFrame(
        {
            "stream_id": np.repeat([f"{place}-0" for place in range(5_000)], 4),
            "voter": ["a", "b", "c", "d"] * 5_000,
            "choice": [f"option {one}" for one in random.integers(0, 10_000, 20_000)],
        }
    )
    votes.loc[::7, "choice"] = None
    summary = Agreement.of(votes, replicates=40)
    assert summary.alpha.value == pytest.approx(0, abs=0.01)
    cast = votes.dropna(subset="choice")
    size = cast.groupby("stream_id")["choice"].transform("size")
    count = cast.groupby(["stream_id", "choice"])["voter"].transform("size")
    paired, totals = size > 1, cast[size > 1]["choice"].value_counts()
    observed = (1 - (count - 1) / (size - 1).clip(1))[paired].mean()
    expected = 1 - (totals * (totals - 1)).sum() / (totals.sum() * (totals.sum() - 1))
    assert summary.alpha.value == pytest.approx(1 - observed / expected)


# The chart.


def test_the_squares_are_the_table(ax):
    summary = Agreement.of(panels(80))
    agreement(summary, ax=ax)
    (image,) = (child for child in ax.get_children() if type(child) is AxesImage)
    order = summary.order()
    shares = summary.table().set_index(["voter", "other"])
    shades = np.ma.filled(image.get_array(), np.nan)
    assert [label.get_text() for label in ax.get_yticklabels()] == order
    assert [label.get_text() for label in ax.get_xticklabels()] == order
    written = {tuple(map(round, text.get_position())): text.get_text() for text in ax.texts}
    for one, other in combinations(range(9), 2):
        row = shares.loc[(order[one], order[other])]
        assert shades[other, one] == row["agreement"]
        assert written[one, other] == f"{100 * row['agreement']:.0f}"
        assert written[other, one] == f"{row['n']:.0f}"
    assert np.isnan(shades[np.triu_indices(9)]).all()
    assert f"Krippendorff's alpha {summary.alpha.value:.2f} ({summary.alpha.low:.2f} to" in caption(ax)
    assert f"n = {summary.alpha.n} decisions" in caption(ax)


def test_by_group_alpha_is_drawn(ax):
    summary = Agreement.of(panels(120), by="topic")
    agreement(summary, ax=ax)
    table = summary.by_group()
    assert list(ax.lines[0].get_xdata()) == table["alpha"].tolist()
    (lines,) = ax.collections
    assert [tuple(line[:, 0]) for line in lines.get_segments()] == list(
        zip(table["alpha_low"], table["alpha_high"], strict=True)
    )
    assert [label.get_text() for label in ax.get_yticklabels()] == ["x", "y", "(missing)"]
    assert [text.get_text() for text in ax.texts] == [*table["n"].astype("str"), "n"]


@pytest.mark.parametrize(
    "data",
    [
        panels(0),
        panels(1, size=(1, 1)),
        votes_of(["aa", "aa"]),
        panels(300, size=(5, 9), voters=40),
        panels(9).votes.assign(voter=lambda votes: "$\\foo$ \x00 \n" + votes["voter"] * 999),
    ],
    ids=["nothing", "one vote", "no variation", "many voters", "hostile"],
)
@pytest.mark.parametrize("by", [None, "topic"])
def test_it_draws_whatever_comes(data, by, ax):
    if by is None or isinstance(data, SimpleNamespace):
        agreement(data, by=by, ax=ax)
        ax.figure.draw_without_rendering()
        assert title(ax).startswith("Agreement")


@pytest.mark.further
def test_keywords_go_to_the_squares(ax):
    agreement(panels(30), ax=ax, cmap="Greys", vmin=0, vmax=1)
    assert ax.images[0].get_clim() == (0, 1)
    with pytest.raises(OptionError, match="count it again"):
        agreement(Agreement.of(panels(30)), by="topic", ax=ax)


@pytest.mark.parametrize(("votes", "limits"), [(["aa"] * 4, (0.95, 1)), (["ab"] * 4, (0, 0.05))])
def test_shades_that_are_all_alike_lie_within_0_and_1(votes, limits, ax):
    agreement(votes_of(votes), ax=ax)
    assert ax.images[0].get_clim() == pytest.approx(limits)
