"""What the subjects share: options, groups, lumping, and what is refused."""

import math

import numpy as np
import pandas as pd
import pytest
from histories import sample
from panels import panels, part
from summaries import agree

import mastermind_lab as lab
from mastermind_lab.errors import OptionError
from mastermind_lab.stats import Confidence, ConfidenceOverTime, Margin, Regimes, Timing, Votes
from mastermind_lab.stats.engine import sums as sums_module

SUMMARIES = {
    "confidence": (Confidence, {}),
    "confidence by": (Confidence, {"by": ["meta.model", "meta.round"], "threshold": 0.6}),
    "over time": (ConfidenceOverTime, {}),
    "over time by": (ConfidenceOverTime, {"by": "meta.model", "bandwidth": "36h"}),
    "votes": (Votes, {}),
    "votes by both frames": (Votes, {"by": ["position", "meta.model"]}),
    "margin": (Margin, {}),
    "margin by": (Margin, {"by": "meta.model"}),
}
every_summary = pytest.mark.parametrize(("kind", "options"), SUMMARIES.values(), ids=SUMMARIES)


def test_different_options_of_a_subject_do_not_merge():
    history = panels(20)
    with pytest.raises(OptionError, match=r"threshold=0\.5 and 0\.6"):
        Confidence.of(history) + Confidence.of(history, threshold=0.6)
    with pytest.raises(OptionError, match="bandwidth"):
        ConfidenceOverTime.of(history) + ConfidenceOverTime.of(history, bandwidth="1h")
    with pytest.raises(TypeError):
        Confidence.of(history) + Margin.of(history)


@pytest.mark.thorough
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


@every_summary
def test_one_observation_has_no_interval(kind, options):
    history = panels(30)
    whole = history.decisions.dropna(subset=["confidence", "meta.model"])
    whole = whole[whole["n_votes"] > 0]
    table = kind.of(part(history, history.decisions.index == whole.index[0]), **options).table()
    ends = [name for name in table if name.split("_")[-1] in ("low", "high")]
    assert len(ends) >= 2
    assert table[ends].isna().all(axis=None)


# Lumping.


def test_lumping_counts_the_rest_as_one_group():
    frame = panels(800).decisions.assign(tag=lambda rows: np.random.default_rng(1).zipf(1.5, len(rows)) % 40)
    lumped = Confidence.of(frame, by="tag").lump(5).table()
    largest = frame.dropna(subset="confidence")["tag"].value_counts().nlargest(4).index
    labels = frame["tag"].where(frame["tag"].isin(largest)).astype("Int64").astype("str")
    assert lumped["group"].tolist()[:-1] == [str(tag) for tag in sorted(largest)]
    assert lumped["group"].tolist()[-1] == f"{frame['tag'].nunique() - 4} others"
    rest = Confidence.of(frame[labels.isna()]).table()
    agree(lumped.iloc[[-1]].drop(columns="group").reset_index(drop=True), rest)


def test_lumping_keeps_what_is_few():
    history = panels(300)
    lumped = Margin.of(history, by=["meta.model", "meta.round"]).lump(12)
    assert lumped.by == ("group",)
    assert lumped.table()["group"].tolist()[0] == "atlas-1 · 1"
    assert lumped.table()["group"].tolist()[-1] == "(missing) · 3"
    assert Margin.of(history).lump().table()["group"].tolist() == ["all"]


def test_lumped_choices_run_from_the_most_voted_to_the_rest():
    votes = panels(300).votes
    votes["choice"] = [f"option {k % 30}" for k in np.random.default_rng(2).zipf(1.4, len(votes))]
    table = Votes.of(votes).lump(choices=4).table()
    counts = votes["choice"].value_counts()
    categories = list(table["choice"].cat.categories)
    assert categories[:-1] == counts.index[:3].tolist()
    assert categories[-1] == f"{len(counts) - 3} others"
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


MODEL = panels(20).decisions["meta.model"]


@pytest.mark.parametrize(
    ("kind", "options", "said"),
    [
        (Confidence, {"threshold": 1.5}, "threshold"),
        (Confidence, {"replicates": 10}, "replicates"),
        (Confidence, {"replicates": True}, "replicates"),
        (Confidence, {"by": 3.5}, "by"),
        (Confidence, {"by": [7]}, "column names"),
        (Confidence, {"by": ["meta.model", "meta.model"]}, "twice"),
        (Confidence, {"by": MODEL}, "by takes column names, not a column itself: write by='meta.model'"),
        (Confidence, {"cluster": MODEL}, "write cluster='meta.model'"),
        (Regimes, {"watch": MODEL}, "write watch='meta.model'"),
        (Votes, {"voter": MODEL}, "expected the name of a column of votes"),
        (ConfidenceOverTime, {"bandwidth": 0}, "bandwidth"),
        (ConfidenceOverTime, {"bandwidth": 1.5}, "bandwidth"),
        (ConfidenceOverTime, {"bandwidth": "soon"}, "bandwidth"),
        (ConfidenceOverTime, {"bandwidth": "-1h"}, "bandwidth"),
        (ConfidenceOverTime, {"bandwidth": None}, "bandwidth"),
        (Votes, {"by": "choice"}, "choice"),
    ],
)
def test_a_senseless_option_is_refused(kind, options, said):
    with pytest.raises(OptionError, match=said):
        kind.of(panels(20), **options)


def test_an_index_of_names_is_column_names():
    history, names = sample(20), ["meta.model", "meta.category"]
    assert Confidence.of(history, by=history.decisions[names].columns).by == (*names,)


@pytest.mark.parametrize(
    ("kind", "change", "said"),
    [
        (Confidence, {"confidence": 85.0}, "from 0 to 1, but 20 values lie outside, like 85"),
        (Confidence, {"confidence": math.inf}, "outside"),
        (Confidence, {"confidence": "high"}, "no numbers"),
        (ConfidenceOverTime, {"published_at": "yesterday, or so"}, "published_at holds str and no times"),
        (Timing, {"published_at": "yesterday, or so"}, "published_at holds str and no times"),
        (Timing, {"streamed_at": True}, "streamed_at holds bool and no times"),
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
    with pytest.raises(OptionError, match="the frame has columns of 2 levels: give each one text"):
        Confidence.of(history.decisions.set_axis([[*history.decisions], [""] * 8], axis=1))
    with pytest.raises(OptionError, match="needs a history"):
        Margin.of(history.votes, by="meta.model")
    with pytest.raises(OptionError, match="weight"):
        Votes.of(history.votes.assign(weight=-1.0))
    with pytest.raises(OptionError, match="weight holds values that are no numbers"):
        Votes.of(history.votes.assign(weight="heavy"))
    with pytest.raises(OptionError, match="bins"):
        Confidence.of(history).histogram(bins=30)
    with pytest.raises(OptionError, match="whole number from 2"):
        Confidence.of(history).lump(1)


def test_times_that_nobody_knows_are_missing_whatever_type_they_have():
    frame = panels(20).decisions
    expected, found = (
        ConfidenceOverTime.of(frame.assign(streamed_at=unknown)).table()
        for unknown in (pd.Series(pd.NaT, frame.index, dtype="datetime64[us, UTC]"), None)
    )
    agree(found, expected)


def test_ids_may_be_numbers():
    frame = panels(60).decisions.assign(stream_id=range(60))
    numbers, texts = (
        Regimes.of(frame.astype({"stream_id": kind}), watch="meta.model").values()
        for kind in ("int64", "str")
    )
    assert numbers["first_id"].tolist() == texts["first_id"].tolist()
    assert set(map(type, numbers["last_id"])) == {str}


OWN = {
    "Agreement": "voter", "Arguments": "step", "Calibration": "bin", "Citations": "source",
    "Confidence": "step", "ConfidenceOverTime": "time", "Conformity": "round", "Drift": "figure",
    "Margin": "step", "Pivotal": "rule", "Rules": "rule", "Stability": "answer", "Timing": "leaf",
    "Voters": "voter", "Votes": "choice",
}  # fmt: skip


@pytest.mark.parametrize(("kind", "own"), OWN.items())
def test_a_column_named_as_a_subjects_own_does_not_group_it(kind, own):
    history = panels(5)
    history.decisions[own] = "one"
    with pytest.raises(OptionError, match=f"by='{own}' does not group anything here"):
        getattr(lab.stats, kind).of(history, by=own)


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
