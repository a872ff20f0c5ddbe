import math
from collections import Counter
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from mastermind_lab.errors import OptionError
from mastermind_lab.stats import Confidence, ConfidenceOverTime, Estimate, Margin, Votes
from mastermind_lab.stats import sums as sums_module
from mastermind_lab.stats.bootstrap import draws, hashes, interval
from mastermind_lab.stats.estimate import ratios, shares

MODELS = ["atlas-1", "atlas-2", "borealis"]
CHOICES = np.array(["approve", "approve with changes", "reject", "defer"])
START = pd.Timestamp("2026-03-02T09:00Z")


def panels(n, seed=0, days=28.0):
    """Panels of 5 to 9 voters under three models, over some weeks; here and there something is missing."""
    random = np.random.default_rng(seed)
    model = random.choice(MODELS, n, p=[0.3, 0.4, 0.3]).astype(object)
    model[random.random(n) < 0.05] = None
    times = START + pd.to_timedelta(np.sort(random.integers(0, int(days * 86_400e6), n)), unit="us")
    streamed = pd.Series(times).dt.as_unit("us").mask(random.random(n) < 0.1)
    confidence = random.beta(6, 3, n)
    confidence = np.where(random.random(n) < 0.5, confidence, confidence.round(2))
    size = np.where(random.random(n) < 0.05, 0, random.integers(5, 10, n))
    favourite = random.integers(0, 4, n)
    decisions = pd.DataFrame(
        {
            "stream_id": [f"{1_772_442_000_000 + 1_000 * row}-{row % 3}" for row in range(n)],
            "streamed_at": streamed,
            "published_at": pd.Series(times).dt.as_unit("us").mask(random.random(n) < 0.2),
            "confidence": np.where(random.random(n) < 0.05, np.nan, confidence),
            "n_votes": pd.array(size, dtype="Int64"),
            "recommendation": pd.Series(CHOICES[favourite], dtype="str"),
            "meta.model": pd.Series(model, dtype="str"),
            "meta.round": pd.array(random.integers(1, 4, n), dtype="Int64"),
        }
    ).astype({"stream_id": "str"})
    return SimpleNamespace(decisions=decisions, votes=ballots(decisions, size, favourite, random))


def ballots(decisions, size, favourite, random):
    row = np.repeat(np.arange(len(size)), size)
    agrees = random.random(len(row)) < 0.7
    return pd.DataFrame(
        {
            "stream_id": decisions["stream_id"].to_numpy()[row],
            "position": [place for many in size for place in range(many)],
            "voter": [f"agent-{place}" for many in size for place in range(many)],
            "choice": CHOICES[np.where(agrees, favourite[row], random.integers(0, 4, len(row)))],
            "weight": random.choice([0.5, 1.0, 2.0], len(row)),
        }
    ).astype({"stream_id": "str", "position": "Int64", "voter": "str", "choice": "str", "weight": "float64"})


def part(history, wanted):
    decisions = history.decisions[wanted]
    votes = history.votes[history.votes["stream_id"].isin(decisions["stream_id"])]
    return SimpleNamespace(decisions=decisions, votes=votes)


def agree(left, right):
    """Counts, keys and times exactly, sums to the last rounding."""
    assert list(left.columns) == list(right.columns)
    exact = [name for name in left if left[name].dtype != "float64"]
    assert_frame_equal(left[exact], right[exact], check_exact=True)
    assert_frame_equal(left, right, check_exact=False, rtol=1e-9, atol=1e-9)


SUMMARIES = {
    "confidence": (Confidence, {}),
    "confidence by": (Confidence, {"by": ["meta.model", "meta.round"], "threshold": 0.6}),
    "over time": (ConfidenceOverTime, {}),
    "over time by": (ConfidenceOverTime, {"by": "meta.model", "window": "36h"}),
    "votes": (Votes, {}),
    "votes by both frames": (Votes, {"by": ["position", "meta.model"]}),
    "margin": (Margin, {}),
    "margin by": (Margin, {"by": "meta.model"}),
}
every_summary = pytest.mark.parametrize(("kind", "options"), SUMMARIES.values(), ids=SUMMARIES)
splits = st.integers(0, 60).flatmap(
    lambda n: st.tuples(st.integers(0, 99), st.lists(st.integers(0, 2), min_size=n, max_size=n))
)


def views(summary):
    """Everything that a summary shows."""
    shown = {"table": summary.table(), "folded": summary.fold(2).table()}
    if hasattr(summary, "histogram"):
        shown["histogram"] = summary.histogram()
    if hasattr(summary, "points"):
        shown["points"] = summary.points()
        shown["every 7"] = summary.every(7)
        shown["few points"] = summary.points(most=7)
        shown["left out"] = pd.DataFrame({"n": [summary.undated, summary.missing]})
    return shown


def same(left, *others):
    expected = views(left)
    for other in others:
        for name, frame in views(other).items():
            agree(frame, expected[name])


# The law.


@every_summary
@settings(max_examples=6, deadline=None)
@given(split=splits)
def test_parts_add_up_to_the_whole_in_any_order(kind, options, split):
    seed, places = split
    history = panels(len(places), seed)
    # Every other time batches follow one another, as a stream's do.
    places = np.array(sorted(places) if seed % 2 else places, dtype=int)
    a, b, c = (kind.of(part(history, places == place), replicates=40, **options) for place in range(3))
    whole = kind.of(history, replicates=40, **options)
    same(whole, (a + b) + c, a + (b + c), sum([c, b, a]))


@every_summary
def test_an_empty_batch_is_neutral(kind, options):
    history = panels(40)
    nothing = part(history, np.zeros(40, dtype=bool))
    some, empty = kind.of(history, **options), kind.of(nothing, **options)
    expected = views(some)
    for merged in (some + empty, empty + some):
        for name, frame in views(merged).items():
            assert_frame_equal(frame, expected[name], check_exact=True)
    assert len((empty + empty).table()) == 0


@every_summary
def test_what_is_counted_stays_as_it_was(kind, options):
    history = panels(50)
    history.decisions.index = history.decisions.index + 100
    before = history.decisions.copy(deep=True), history.votes.copy(deep=True)
    summary = kind.of(history, **options)
    shown = views(summary)
    _ = summary + kind.of(panels(30, seed=5), **options)
    assert_frame_equal(history.decisions, before[0])
    assert_frame_equal(history.votes, before[1])
    for name, frame in views(summary).items():
        assert_frame_equal(frame, shown[name])


@every_summary
def test_the_index_does_not_matter(kind, options):
    history = panels(60)
    odd = SimpleNamespace(
        decisions=history.decisions.set_index(np.zeros(60, dtype=int)),
        votes=history.votes.set_index(history.votes["voter"].to_numpy()),
    )
    same(kind.of(odd, **options), kind.of(history, **options))


@every_summary
@pytest.mark.parametrize("other", [{"by": "n_votes"}, {"replicates": 80}])
def test_different_options_do_not_merge(kind, options, other):
    history = panels(20)
    with pytest.raises(OptionError, match="do not merge"):
        kind.of(history, **options) + kind.of(history, **{**options, **other})


def test_different_options_of_a_subject_do_not_merge():
    history = panels(20)
    with pytest.raises(OptionError, match=r"threshold=0\.5 and 0\.6"):
        Confidence.of(history) + Confidence.of(history, threshold=0.6)
    with pytest.raises(OptionError, match="window"):
        ConfidenceOverTime.of(history) + ConfidenceOverTime.of(history, window="1h")
    with pytest.raises(TypeError):
        Confidence.of(history) + Margin.of(history)


@every_summary
def test_a_summary_holds_no_more_after_more_decisions(kind, options):
    few, many = (kind.of(panels(n), replicates=40, **options) for n in (2_000, 6_000))
    held = [
        [value.cells.shape for value in vars(some).values() if hasattr(value, "cells")]
        for some in (few, many)
    ]
    for (fewer, _, _), (more, _, replicates) in zip(*held, strict=True):
        assert more <= (max(1.1 * fewer, 4 * 512) if replicates > 1 else 3 * fewer)
    twice = many + many
    assert [value.cells.shape for value in vars(twice).values() if hasattr(value, "cells")] == held[1]
    agree(twice.table().filter(regex="share$|mean$"), many.table().filter(regex="share$|mean$"))


# The bootstrap.

HASHES = [
    3_237_756_869_657_885_903,
    10_752_777_754_216_762_484,
    2_227_066_261_865_398_115,
    9_373_293_968_974_939_041,
]
DRAWS = [
    [1, 1, 1, 2, 0, 1, 1, 1, 1, 3],
    [0, 1, 0, 2, 1, 1, 0, 0, 2, 0],
    [0, 2, 2, 0, 2, 0, 1, 2, 0, 2],
    [2, 1, 3, 1, 0, 1, 3, 0, 1, 1],
]


def test_draws_are_the_same_on_every_machine():
    ids = pd.Series(
        ["1735580000000-0", "1735580000000-0@1", "0-17", "18446744073709551615-18446744073709551615"]
    )
    assert hashes(ids).tolist() == HASHES
    assert draws(hashes(ids), 10).astype(int).tolist() == DRAWS


def test_draws_are_independent_poisson_numbers():
    ids = pd.Series([f"{1735580000000 + row}-0" for row in range(4_000)])
    drawn = draws(hashes(ids), 400)
    assert drawn.mean() == pytest.approx(1, abs=5 / math.sqrt(drawn.size))
    assert drawn.var() == pytest.approx(1, abs=0.01)
    counts = np.bincount(drawn.astype(int).ravel())[:5] / drawn.size
    assert counts == pytest.approx([math.exp(-1) / math.factorial(k) for k in range(5)], abs=2e-3)
    for table in (drawn, drawn[:400].T):
        related = np.corrcoef(table, rowvar=False)[np.triu_indices(400, 1)]
        assert related.mean() == pytest.approx(0, abs=1e-3)
        assert related.std() == pytest.approx(1 / math.sqrt(len(table)), rel=0.05)


def test_more_replicates_begin_with_the_same():
    hashed = hashes(pd.Series(["5-0", "6-0"]))
    assert (draws(hashed, 401)[:, :50] == draws(hashed, 50)).all()


def test_an_interval_is_read_off_the_replicates():
    history = panels(1_500)
    frame = history.decisions.dropna(subset="confidence")
    weights = draws(hashes(frame["stream_id"]), 400)
    replicates = frame["confidence"].to_numpy() @ weights / weights.sum(axis=0)
    estimate = Confidence.of(history).mean
    expected = np.percentile(replicates, [2.5, 97.5])
    assert [estimate.low, estimate.high] == pytest.approx(expected, abs=2e-4)
    assert estimate.n == len(frame)
    assert estimate.value == pytest.approx(frame["confidence"].mean())


def test_an_interval_lies_between_replicates_and_skips_those_that_drew_nothing():
    replicates = np.array([[1.0, 0.0, np.nan], [0.0, 0.5, 1.0], [np.nan, np.nan, 0.5]])
    low, high = interval(replicates, np.full(3, 1e12))
    assert low == pytest.approx([0.025, 0.025, np.nan], nan_ok=True)
    assert high == pytest.approx([0.975, 0.975, np.nan], nan_ok=True)


@pytest.mark.parametrize(
    ("n", "student"), [(6, 2.570582), (11, 2.228139), (31, 2.042272), (10_001, 1.960201)]
)
def test_few_observations_widen_the_interval(n, student):
    replicates = np.linspace(0, 1, 100_001)[None]
    tail = 0.5 * math.erfc(student * math.sqrt(n / (n - 1)) / math.sqrt(2))
    low, high = interval(replicates, np.array([float(n)]))
    assert low[0] == pytest.approx(tail, rel=0.1)
    assert high[0] == pytest.approx(1 - tail, rel=1e-3)


@pytest.mark.parametrize(("n", "least"), [(10, 0.92), (60, 0.92), (400, 0.92)])
def test_intervals_cover_what_they_should(n, least):
    inside = 0
    for run in range(400):
        sample = np.random.default_rng(run).beta(6, 3, n)
        weights = draws(hashes(pd.Series([f"{run * 1_000 + row}-7" for row in range(n)])), 400)
        drawn = np.concatenate([np.ones((n, 1)), weights], axis=1)
        _, low, high = ratios((sample @ drawn)[None], drawn.sum(axis=0)[None], np.array([float(n)]))
        inside += low[0] <= 6 / 9 <= high[0]
    assert least <= inside / 400 <= 0.985


def test_none_and_all_are_not_certainty():
    none, all_of_them = np.zeros((1, 41)), np.ones((1, 41))
    n = np.array([30.0])
    value, low, high = shares(none, all_of_them, n)
    assert (value[0], low[0]) == (0, 0)
    assert (1 - high[0]) ** 30 == pytest.approx(0.025)
    value, low, high = shares(all_of_them, all_of_them, n)
    assert (value[0], high[0]) == (1, 1)
    assert low[0] ** 30 == pytest.approx(0.025)


@every_summary
def test_one_observation_has_no_interval(kind, options):
    history = panels(30)
    whole = history.decisions.dropna(subset=["confidence", "meta.model"])
    whole = whole[whole["n_votes"] > 0]
    table = kind.of(part(history, history.decisions.index == whole.index[0]), **options).table()
    ends = [name for name in table if name.split("_")[-1] in ("low", "high")]
    assert len(ends) >= 2
    assert table[ends].isna().all(axis=None)


def test_an_estimate_says_itself():
    assert repr(Estimate(0.5, 0.41, 0.6, 1200)) == "0.5 (95% interval 0.41 to 0.6, n = 1,200)"
    assert repr(Estimate(0.5, 0.1, 0.9, 9)) == "0.5 (95% interval 0.1 to 0.9, n = 9: too few to rely on)"
    assert "no interval" in repr(Confidence.of(panels(1)).mean)
    nothing = Confidence.of(panels(0)).mean
    assert nothing.n == 0
    assert math.isnan(nothing.value)


# The numbers, against plain pandas.


def test_confidence_agrees_with_pandas():
    frame = panels(900).decisions
    table = Confidence.of(frame, by="meta.model", threshold=0.6).table()
    groups = frame.groupby("meta.model", dropna=False)["confidence"]
    assert table["meta.model"].isna().tolist() == [False, False, False, True]
    assert table["n"].tolist() == groups.count().tolist()
    assert table["missing"].tolist() == (groups.size() - groups.count()).tolist()
    assert table["mean"].tolist() == pytest.approx(groups.mean().tolist())
    assert table["sd"].tolist() == pytest.approx(groups.std().tolist())
    for name, level in {"q05": 0.05, "q25": 0.25, "q50": 0.5, "q75": 0.75, "q95": 0.95}.items():
        assert table[name].tolist() == pytest.approx(groups.quantile(level).tolist(), abs=1 / 4_000)
    below = groups.agg(lambda values: (values < 0.6).sum() / values.count())
    assert table["share_below"].tolist() == pytest.approx(below.tolist())
    assert (table["low"] < table["mean"]).all()
    assert (table["mean"] < table["high"]).all()


@pytest.mark.parametrize("value", [0.0, 0.1, 0.3, 0.7, 0.9, 1.0])
def test_equal_values_do_not_spread(value):
    frame = panels(301).decisions.assign(confidence=value)
    row = Confidence.of(frame).table().iloc[0]
    assert (row["sd"], row["q05"], row["q95"]) == (0, value, value)


@pytest.mark.parametrize("bins", [1, 10, 20, 40])
def test_the_histogram_agrees_with_numpy(bins):
    frame = panels(900).decisions
    frame.loc[:2, "confidence"] = [0.0, 1.0, 0.5]
    summary = Confidence.of(frame, by="meta.model")
    found = summary.histogram(bins)
    for model, rows in found.groupby("meta.model", dropna=False):
        ours = frame["meta.model"].isna() if pd.isna(model) else frame["meta.model"] == model
        # In whole steps: 0.55 is a little more or less than 11 / 20.
        steps = (frame.loc[ours, "confidence"].dropna() * 2_000).round()
        counts, edges = np.histogram(steps, bins=bins, range=(0, 2_000))
        assert rows["n"].tolist() == counts.tolist()
        assert rows["left"].tolist() == pytest.approx(edges[:-1] / 2_000)
        assert rows["right"].tolist() == pytest.approx(edges[1:] / 2_000)
        assert rows["share"].sum() == pytest.approx(1)


def plain_times(frame):
    times = frame["published_at"].fillna(frame["streamed_at"])
    return times[times.notna() & frame["confidence"].notna()]


@pytest.mark.parametrize("window", [0.1, 1, "36h", pd.Timedelta(days=2), "1us"])
def test_the_rolling_mean_agrees_with_a_plain_loop(window):
    frame = panels(400).decisions
    frame = frame[frame["meta.model"] == "atlas-2"]
    summary = ConfidenceOverTime.of(frame, window=window)
    table, width = summary.table(), summary.width // pd.Timedelta("1us")
    times = plain_times(frame).astype("int64")
    bins, values = (times // width).to_numpy(), frame["confidence"][times.index].to_numpy()
    span = bins.max() - bins.min() + 1
    asked = window * span if isinstance(window, int | float) else pd.Timedelta(window) / summary.width
    reach = max(0, round((asked - 1) / 2))
    assert table["time"].astype("int64").tolist() == [
        place * width + width // 2 for place in range(bins.min(), bins.max() + 1)
    ]
    for place, row in zip(range(bins.min(), bins.max() + 1), table.itertuples(), strict=True):
        near = values[abs(bins - place) <= reach]
        here = values[bins == place]
        assert (row.n, row.n_window) == (len(here), len(near))
        assert row.mean == pytest.approx(here.mean() if len(here) else math.nan, nan_ok=True)
        assert row.rolling == pytest.approx(near.mean() if len(near) else math.nan, nan_ok=True)


def test_a_band_is_the_interval_of_its_window():
    frame = panels(400).decisions
    band = ConfidenceOverTime.of(frame, window=1).table()
    dated = frame.loc[plain_times(frame).index]
    middle = band.iloc[len(band) // 2]
    mean = Confidence.of(dated).mean
    assert middle["n_window"] == mean.n
    assert [middle["low"], middle["high"]] == pytest.approx([mean.low, mean.high])


@given(days=st.floats(1e-9, 1e4), n=st.integers(2, 60))
@settings(max_examples=40, deadline=None)
def test_time_bins_are_as_narrow_as_512_allow(days, n):
    frame = panels(n, days=days).decisions.assign(confidence=0.5)
    times = frame["published_at"].fillna(frame["streamed_at"]).dropna().astype("int64")
    summary = ConfidenceOverTime.of(frame)
    width = summary.width // pd.Timedelta("1us")
    first, last = (times.min(), times.max()) if len(times) else (0, 0)
    assert last // width - first // width < 512
    assert width == 1 or last // (width // 2) - first // (width // 2) >= 512
    assert width & (width - 1) == 0


@pytest.mark.parametrize("least", [1, 7, 40, 10_000])
@pytest.mark.parametrize("by", [None, "meta.model"])
def test_windows_hold_every_n_decisions(least, by):
    history = panels(300)
    summary = ConfidenceOverTime.of(history, by=by)
    windows, bins = summary.every(least), summary.table()
    groups = windows.groupby(list(summary.by), dropna=False) if by else [(None, windows)]
    assert windows["n"].sum() == bins["n"].sum()
    for _, rows in groups:
        assert (rows["n"] >= least).all() or len(rows) == 1
        assert (rows["first"].iloc[1:].to_numpy() >= rows["last"].iloc[:-1].to_numpy()).all()
        assert rows["time"].between(rows["first"], rows["last"]).all()
    if least == 10_000:
        assert len(windows) == bins[list(summary.by)].drop_duplicates().shape[0] if by else len(windows) == 1


def test_a_window_closes_as_soon_as_it_is_full_and_the_rest_joins_the_last():
    frame = panels(9).decisions.assign(confidence=np.arange(9) / 10)
    frame["published_at"] = START + pd.to_timedelta(np.arange(9), unit="h")
    windows = ConfidenceOverTime.of(frame.assign(published_at=frame["published_at"].dt.as_unit("us"))).every(
        4
    )
    assert windows["n"].tolist() == [4, 5]
    assert windows["mean"].tolist() == pytest.approx([0.15, 0.6])
    whole = ConfidenceOverTime.of(frame.assign(published_at=frame["published_at"].dt.as_unit("us")))
    assert whole.every(9)["mean"].iloc[0] == pytest.approx(whole.mean.value)
    assert whole.every(9)["low"].iloc[0] == pytest.approx(whole.mean.low)


@pytest.mark.parametrize("n", [0, -3, 2.0, True, "10"])
def test_a_senseless_number_of_decisions_is_refused(n):
    with pytest.raises(OptionError, match="whole number from 1"):
        ConfidenceOverTime.of(panels(9)).every(n)


@pytest.mark.parametrize(("span", "width"), [(0, 1), (1, 1), (511, 1), (512, 2), (1_022, 2), (1_024, 4)])
def test_bins_widen_when_there_would_be_513(span, width):
    frame = panels(2).decisions.assign(confidence=0.5)
    moments = pd.to_datetime(
        [1_772_442_000_000_000 // 1_024 * 1_024 + late for late in (0, span)], unit="us", utc=True
    )
    frame["published_at"] = moments.as_unit("us")
    halves = [ConfidenceOverTime.of(frame.iloc[[row]]) for row in (0, 1)]
    for summary in (ConfidenceOverTime.of(frame), sum(halves)):
        assert summary.width == pd.Timedelta(width, unit="us")
        assert len(summary.table()) == span // width + 1


def test_times_before_1970_and_without_streamed_at_are_counted():
    frame = panels(50).decisions.drop(columns="streamed_at").assign(confidence=0.5)
    frame["published_at"] = frame["published_at"].fillna(START) - pd.DateOffset(years=100)
    table = ConfidenceOverTime.of(frame).table()
    assert table["n"].sum() == 50
    assert table["time"].dt.year.unique().tolist() == [1926]


def test_what_has_no_time_or_no_confidence_is_said():
    frame = panels(500).decisions
    frame.loc[frame.index % 7 == 0, ["published_at", "streamed_at"]] = pd.NaT
    times = frame["published_at"].fillna(frame["streamed_at"])
    summary = ConfidenceOverTime.of(frame, by="meta.model")
    assert summary.undated == times.isna().sum() > 0
    assert summary.missing == (times.notna() & frame["confidence"].isna()).sum() > 0
    assert summary.table()["n"].sum() + summary.undated + summary.missing == 500
    assert summary.mean.n == summary.table()["n"].sum()


@pytest.mark.parametrize("most", [1, 10, 300, 4_000])
def test_points_are_thinned_and_lose_nobody(most):
    frame = panels(3_000).decisions
    summary = ConfidenceOverTime.of(frame)
    points = summary.points(most=most)
    known = frame.loc[plain_times(frame).index]
    assert len(points) <= max(most, 4)
    assert points["n"].sum() == len(known)
    assert points["confidence"].between(0, 1).all()
    mean = (points["confidence"] * points["n"]).sum() / len(known)
    assert mean == pytest.approx(known["confidence"].mean(), abs=0.002 if most >= 4_000 else 0.2)
    if most == 4_000:
        assert len(points) > 2_000
        assert points["time"].min() - plain_times(frame).min() < summary.width


def test_votes_agree_with_pandas():
    history = panels(400)
    table = Votes.of(history, by="meta.model").table()
    model = history.decisions.set_index("stream_id")["meta.model"]
    votes = history.votes.assign(model=history.votes["stream_id"].map(model))
    for name, rows in table.groupby("meta.model", dropna=False):
        ours = votes[votes["model"].isna() if pd.isna(name) else votes["model"] == name]
        counts = ours["choice"].value_counts()
        weights = ours.groupby("choice")["weight"].sum() / ours["weight"].sum()
        assert rows.set_index("choice")["n"].to_dict() == counts.to_dict()
        assert rows["n"].is_monotonic_decreasing
        assert rows["decisions"].unique().tolist() == [ours["stream_id"].nunique()]
        assert rows["share"].tolist() == pytest.approx((rows["n"] / len(ours)).tolist())
        assert rows["weighted_share"].tolist() == pytest.approx(weights[rows["choice"]].tolist())
    assert (table["low"] < table["share"]).all()
    assert (table["weighted_share"] < table["weighted_high"]).all()


def test_a_panel_is_drawn_as_one():
    ids = [f"{row}-0" for row in range(200)]
    frame = pd.DataFrame({"stream_id": ids, "voter": "0", "choice": ["yes", "no"] * 100})
    ninefold = pd.concat([frame.assign(voter=str(place)) for place in range(9)])
    once, often = (Votes.of(votes).table() for votes in (frame, ninefold))
    assert often["n"].tolist() == [900, 900]
    agree(often.drop(columns="n"), once.drop(columns="n"))


def test_votes_of_a_bare_frame_and_by_its_own_columns():
    votes = panels(200).votes
    table = Votes.of(votes, by="voter").table()
    expected = votes.groupby(["voter", "choice"]).size()
    assert table.set_index(["voter", "choice"])["n"].sort_index().tolist() == expected.tolist()
    panels_of = votes.groupby("voter")["stream_id"].nunique()
    assert table.drop_duplicates("voter").set_index("voter")["decisions"].to_dict() == panels_of.to_dict()
    unweighted = Votes.of(votes.drop(columns="weight")).table()
    assert unweighted["weighted_share"].tolist() == unweighted["share"].tolist()
    gaps = votes.assign(weight=votes["weight"].where(votes["position"] > 0))
    filled = votes.assign(weight=votes["weight"].where(votes["position"] > 0, 1.0))
    agree(Votes.of(gaps).table(), Votes.of(filled).table())


def plain_margin(choices, recommendation):
    counts = Counter(choices).most_common()
    top, second = counts[0][1], counts[1][1] if len(counts) > 1 else 0
    tie = top == second
    chances = [count / len(choices) for _, count in counts]
    return {
        "votes": len(choices),
        "winner": None if tie else counts[0][0],
        "dissenters": None if tie else len(choices) - top,
        "margin": (top - second) / len(choices),
        "entropy": -sum(chance * math.log2(chance) for chance in chances),
        "unanimous": top == len(choices),
        "tie": tie,
        "follows": None if tie else counts[0][0] == recommendation,
    }


def test_the_margin_of_each_decision_agrees_with_a_plain_loop():
    history = panels(300)
    found = Margin.decisions(history)
    assert found["stream_id"].tolist() == history.decisions["stream_id"].tolist()
    voted = found["votes"] > 0
    assert 0 < (~voted).sum() < 300
    assert found[~voted].drop(columns=["stream_id", "votes", "repeated"]).isna().all(axis=None)
    by_panel = history.votes.groupby("stream_id")["choice"].agg(list)
    said = history.decisions.set_index("stream_id")["recommendation"]
    for row in found[voted].itertuples():
        expected = plain_margin(by_panel[row.stream_id], said[row.stream_id])
        assert row.entropy == pytest.approx(expected.pop("entropy"))
        assert row.margin == pytest.approx(expected.pop("margin"))
        for name, value in expected.items():
            actual = getattr(row, name)
            assert pd.isna(actual) if value is None else actual == value, name
    assert found["tie"].sum() > 0
    assert found["unanimous"].sum() > 0


def test_margins_worked_by_hand():
    panel = {"a-0": "xxxxx", "b-0": "xxxyy", "c-0": "xxyy", "d-0": "x", "e-0": "xxyz"}
    votes = pd.DataFrame(
        [(key, f"v{place}", choice) for key, text in panel.items() for place, choice in enumerate(text)],
        columns=["stream_id", "voter", "choice"],
    )
    rows = Margin.decisions(votes).set_index("stream_id")
    assert rows["margin"].to_dict() == pytest.approx({"a-0": 1, "b-0": 0.2, "c-0": 0, "d-0": 1, "e-0": 0.25})
    assert rows["entropy"]["c-0"] == 1
    assert rows["entropy"]["e-0"] == 1.5
    assert rows["winner"].fillna("none").tolist() == ["x", "x", "none", "x", "x"]
    assert rows["follows"].isna().all()


def test_the_summary_of_margins_agrees_with_its_decisions():
    history = panels(500)
    table = Margin.of(history, by="meta.model").table().fillna({"meta.model": "?"})
    rows = Margin.decisions(history).assign(model=history.decisions["meta.model"].fillna("?"))
    for found in table.itertuples():
        ours = rows[rows["model"] == found[1]]
        voted = ours[ours["votes"] > 0]
        assert (found.n, found.without_votes) == (len(voted), len(ours) - len(voted))
        assert found.decided == voted["follows"].count()
        means = voted[["margin", "entropy", "unanimous", "tie", "follows"]].astype("Float64").mean()
        assert [found.mean, found.entropy, found.unanimous, found.tie, found.follows] == pytest.approx(
            list(means)
        )
    whole = Margin.of(history)
    voted = rows[rows["votes"] > 0]
    assert whole.mean.value == pytest.approx(voted["margin"].mean())
    assert whole.unanimous.value == pytest.approx(voted["unanimous"].mean())
    assert whole.follows.n == voted["follows"].count()
    assert whole.histogram()["n"].sum() == len(voted)


# Folding.


def test_folding_counts_the_rest_as_one_group():
    frame = panels(800).decisions.assign(tag=lambda rows: np.random.default_rng(1).zipf(1.5, len(rows)) % 40)
    folded = Confidence.of(frame, by="tag").fold(5).table()
    largest = frame.dropna(subset="confidence")["tag"].value_counts().nlargest(4).index
    labels = frame["tag"].where(frame["tag"].isin(largest)).astype("Int64").astype("str")
    assert folded["group"].tolist()[:-1] == [str(tag) for tag in sorted(largest)]
    assert folded["group"].tolist()[-1] == f"other ({frame['tag'].nunique() - 4} more)"
    rest = Confidence.of(frame[labels.isna()]).table()
    agree(folded.iloc[[-1]].drop(columns="group").reset_index(drop=True), rest)


def test_folding_keeps_what_is_few():
    history = panels(300)
    folded = Margin.of(history, by=["meta.model", "meta.round"]).fold(12)
    assert folded.by == ("group",)
    assert folded.table()["group"].tolist()[0] == "atlas-1 · 1"
    assert folded.table()["group"].tolist()[-1] == "(missing) · 3"
    assert Margin.of(history).fold().table()["group"].tolist() == ["all"]


def test_folded_choices_run_from_the_most_voted_to_the_rest():
    votes = panels(300).votes
    votes["choice"] = [f"option {k % 30}" for k in np.random.default_rng(2).zipf(1.4, len(votes))]
    table = Votes.of(votes).fold(choices=4).table()
    counts = votes["choice"].value_counts()
    categories = list(table["choice"].cat.categories)
    assert categories[:-1] == counts.index[:3].tolist()
    assert categories[-1] == f"other ({len(counts) - 3} more)"
    rest = table.set_index("choice")["n"][categories[-1]]
    assert rest == counts.iloc[3:].sum()
    assert table["share"].sum() == pytest.approx(1)


# What cannot be.


def test_an_unknown_column_is_named_with_the_nearest():
    history = panels(20)
    for kind in (Confidence, ConfidenceOverTime, Votes, Margin):
        with pytest.raises(OptionError, match=r"no column 'meta\.modle': did you mean 'meta\.model'\?"):
            kind.of(history, by="meta.modle")
    with pytest.raises(OptionError, match="there are stream_id, position, voter"):
        Votes.of(history.votes, by="zzz")


def test_the_columns_in_an_error_are_cut():
    many = pd.DataFrame(1, index=range(5), columns=[f"meta.{'x' * 5_000}{place}" for place in range(500)])
    wide = panels(5).decisions.join(many)
    with pytest.raises(OptionError, match="and 483 more") as caught:
        Confidence.of(wide, by="nope")
    assert len(str(caught.value)) < 3_000


def test_an_empty_frame_may_lack_the_column():
    history = panels(30)
    nothing = part(history, np.zeros(30, dtype=bool))
    history.decisions["meta.later"] = history.decisions["meta.round"]
    for kind in (Confidence, ConfidenceOverTime, Votes, Margin):
        empty, some = kind.of(nothing, by="meta.later"), kind.of(history, by="meta.later")
        assert empty.table().columns[0] == "meta.later"
        for merged in (empty + some, some + empty):
            assert merged.table()["meta.later"].dtype == "Int64"


@pytest.mark.parametrize(
    ("kind", "options", "said"),
    [
        (Confidence, {"threshold": 1.5}, "threshold"),
        (Confidence, {"replicates": 10}, "replicates"),
        (Confidence, {"replicates": True}, "replicates"),
        (Confidence, {"by": 3.5}, "by"),
        (Confidence, {"by": [7]}, "column names"),
        (Confidence, {"by": ["meta.model", "meta.model"]}, "twice"),
        (ConfidenceOverTime, {"window": 0}, "window"),
        (ConfidenceOverTime, {"window": 1.5}, "window"),
        (ConfidenceOverTime, {"window": "soon"}, "window"),
        (ConfidenceOverTime, {"window": "-1h"}, "window"),
        (ConfidenceOverTime, {"window": None}, "window"),
        (Votes, {"by": "choice"}, "choice"),
    ],
)
def test_a_senseless_option_is_refused(kind, options, said):
    with pytest.raises(OptionError, match=said):
        kind.of(panels(20), **options)


@pytest.mark.parametrize(
    ("kind", "change", "said"),
    [
        (Confidence, {"confidence": 85.0}, "from 0 to 1, but 20 values lie outside, like 85"),
        (Confidence, {"confidence": math.inf}, "outside"),
        (Confidence, {"confidence": "high"}, "no numbers"),
        (ConfidenceOverTime, {"published_at": "yesterday, or so"}, "published_at holds str and no times"),
    ],
)
def test_senseless_values_are_refused(kind, change, said):
    with pytest.raises(OptionError, match=said):
        kind.of(panels(20).decisions.assign(**change))


def test_senseless_data_are_refused():
    history = panels(20)
    with pytest.raises(OptionError, match="not list"):
        Confidence.of([0.5, 0.6])
    with pytest.raises(OptionError, match="no column confidence, published_at"):
        ConfidenceOverTime.of(history.votes)
    with pytest.raises(OptionError, match="needs a history"):
        Margin.of(history.votes, by="meta.model")
    with pytest.raises(OptionError, match="weight"):
        Votes.of(history.votes.assign(weight=-1.0))
    with pytest.raises(OptionError, match="bins"):
        Confidence.of(history).histogram(bins=30)
    with pytest.raises(OptionError, match="2 or more"):
        Confidence.of(history).fold(1)


def test_too_many_groups_are_refused(monkeypatch):
    monkeypatch.setattr(sums_module, "MOST_GROUPS", 15)
    halves = (panels(20).decisions.iloc[:10], panels(20).decisions.iloc[10:])
    with pytest.raises(OptionError, match="'stream_id' makes 20 groups"):
        Confidence.of(panels(20), by="stream_id")
    with pytest.raises(OptionError, match="at most 15"):
        sum(Confidence.of(half, by="stream_id") for half in halves)


def test_a_source_without_ids_or_streamed_times_is_counted():
    history = panels(50)
    numbered = {old: f"0-{row}" for row, old in enumerate(history.decisions["stream_id"], 1)}
    for frame in (history.decisions, history.votes):
        frame["stream_id"] = frame["stream_id"].map(numbered).astype("str")
    history.decisions["streamed_at"] = pd.Series(pd.NaT, index=range(50), dtype="datetime64[us, UTC]")
    assert ConfidenceOverTime.of(history).undated == history.decisions["published_at"].isna().sum()
    assert Margin.of(history).mean.n == (history.decisions["n_votes"] > 0).sum()
    assert Votes.of(history, by="meta.model").table()["n"].sum() == len(history.votes)
