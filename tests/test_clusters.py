"""Decisions that are not independent: whole clusters of them are drawn together."""

import json

import numpy as np
import pandas as pd
import pytest
from histories import sample
from panels import part
from summaries import SUBJECTS, a_few_subjects, agree, same

import mastermind_lab as lab
from mastermind_lab.errors import OptionError
from mastermind_lab.stats import Citations, Confidence, Margin, Stability, Voters
from mastermind_lab.stats.engine.concentration import overlap
from mastermind_lab.stats.engine.distinct import MOST, Distinct
from mastermind_lab.stats.engine.intervals import Intervals

pytestmark = pytest.mark.once

every_subject = pytest.mark.parametrize("kind", SUBJECTS, ids=lambda kind: kind.__name__)


def asked(questions, askings, seed=0, alike=0.5):
    """Decisions on questions that were asked again; so much of the variance of confidence is theirs."""
    draw = np.random.default_rng(seed)
    row = np.repeat(np.arange(questions), askings)
    effect = draw.normal(size=questions)[row] * np.sqrt(alike)
    value = 0.5 + 0.1 * (effect + draw.normal(size=len(row)) * np.sqrt(1 - alike))
    return pd.DataFrame(
        {
            "stream_id": [f"{1_735_580_000_000 + seed * 100_000 + place}-0" for place in range(len(row))],
            "question": [f"{seed} {one}" for one in row],
            "confidence": value.clip(0, 1),
            "recommendation": draw.choice(["a", "b"], len(row)),
        }
    ).astype({"question": "str", "recommendation": "str"})


def width(estimate):
    return estimate.high - estimate.low


def robust(values, groups):
    """The standard error of a mean, robust to clusters, as statsmodels has it."""
    from statsmodels.regression.linear_model import OLS  # takes seconds, so not where every worker collects

    fit = OLS(values, np.ones(len(values))).fit(cov_type="cluster", cov_kwds={"groups": groups})
    return float(fit.bse[0])


@pytest.mark.thorough
@pytest.mark.parametrize("askings", [2, 10])
def test_an_interval_is_as_wide_as_cluster_robust_errors_make_it(askings):
    frame = asked(200, askings)
    codes = pd.factorize(frame["question"])[0]
    error = robust(frame["confidence"].to_numpy(), codes)
    own = frame["confidence"].std(ddof=1) / np.sqrt(len(frame))
    drawn = Confidence.of(frame, cluster="question", replicates=2_000)
    assert width(drawn.mean) / (2 * 1.96) == pytest.approx(error, rel=0.06)
    assert width(Confidence.of(frame, replicates=2_000).mean) / (2 * 1.96) == pytest.approx(own, rel=0.06)
    assert drawn.mean.n == drawn.table()["clusters"].item() == 200
    assert drawn.mean.value == pytest.approx(frame["confidence"].mean())


def test_groups_are_as_wide_as_cluster_robust_errors_make_them():
    frame = asked(120, 4).assign(model=["x", "y"] * 240)
    table = Confidence.of(frame, by="model", cluster="question", replicates=2_000).table()
    for name, rows in frame.groupby("model"):
        row = table[table["model"] == name].iloc[0]
        error = robust(rows["confidence"].to_numpy(), pd.factorize(rows["question"])[0])
        assert (row["mean_high"] - row["mean_low"]) / (2 * 1.96) == pytest.approx(error, rel=0.08)


@pytest.fixture(scope="module")
def history():
    """Some decisions of the sample, with outcomes."""
    whole = lab.with_outcomes(sample(), lab.history.sample_folder() / "outcomes.csv")
    again = np.flatnonzero(whole.decisions["question"].duplicated(keep=False).to_numpy())
    return part(whole, again[:12])


@a_few_subjects
@pytest.mark.further
def test_parts_of_clusters_add_up_and_say_how_many_there_are(history, kind):
    options = {"cluster": ["question", "meta.category"], "replicates": 40}
    whole = kind.of(history, **options)
    merged = sum(kind.of(part(history, range(start, 12, 2)), **options) for start in (0, 1))
    table = whole.table()
    agree(merged.table(), table)
    assert "drawn by question, meta.category" in repr(whole)
    assert "clusters" in table
    assert "clusters" not in kind.of(part(history, range(2)), replicates=40).table()


@every_subject
def test_other_clusters_do_not_merge(history, kind):
    few = part(history, range(4))
    with pytest.raises(OptionError, match="do not merge"):
        kind.of(few, replicates=40) + kind.of(few, cluster="question", replicates=40)


@every_subject
def test_a_column_that_is_not_there_is_named(history, kind):
    with pytest.raises(OptionError, match=r"no column 'questoin'.*question"):
        kind.of(history, cluster="questoin")
    with pytest.raises(OptionError, match="cluster takes column names"):
        kind.of(history, cluster=7)


def test_clusters_of_one_are_no_clusters():
    frame = asked(300, 1)
    one, other = (Confidence.of(frame, cluster=cluster).mean for cluster in (None, "question"))
    assert other.n == one.n == 300
    assert width(other) == pytest.approx(width(one), rel=0.15)


def test_one_cluster_says_nothing_of_spread():
    frame = asked(20, 3).assign(question="the same")
    summary = Confidence.of(frame, cluster="question")
    table = summary.table()
    assert table["clusters"].item() == 1
    assert table[["mean_low", "mean_high"]].isna().all(axis=None)
    assert table["small_n"].item()
    assert "no interval, n = 1" in repr(summary.mean)


def test_a_decision_without_a_value_is_a_cluster_of_its_own():
    frame = asked(20, 3)
    summary = Confidence.of(
        frame.assign(question=frame["question"].mask(frame.index < 30)), cluster="question"
    )
    assert summary.table()["clusters"].item() == 30 + 10
    # So is one that lacks one of several.
    both = frame.assign(other=pd.Series(["x", None] * 30, dtype="str"))
    assert Confidence.of(both, cluster=["question", "other"]).table()["clusters"].item() == 30 + 20
    alone = frame.assign(question=pd.Series([None] * 60, dtype="str"))
    assert vars(Confidence.of(alone, cluster="question").mean) == vars(Confidence.of(alone).mean)


def test_a_cluster_is_the_same_whatever_type_its_column_has():
    frame = asked(12, 3)
    number = pd.Series(np.repeat(np.arange(12), 3))
    text = number.astype(str).astype("str")
    whole = [
        Confidence.of(frame.assign(task=task), cluster="task").mean
        for task in (number, number.astype(float), text)
    ]
    assert vars(whole[0]) == vars(whole[1]) == vars(whole[2])


def test_a_bare_frame_of_votes_has_no_clusters(history):
    with pytest.raises(OptionError, match="cluster needs a history"):
        Margin.of(history.votes, cluster="voter")


def test_clusters_of_many_groups_are_counted_where_they_are():
    frame = asked(30, 4).assign(model=np.repeat(["x", "y"], 60))
    assert Confidence.of(frame, by="model", cluster="question").table()["clusters"].tolist() == [15, 15]
    table = Voters.of(history_of(frame), cluster="question").table()
    assert table["clusters"].tolist() == [30, 30]


def history_of(frame):
    """The frame with two votes a decision."""
    votes = pd.concat([frame[["stream_id"]].assign(voter=name, choice=name) for name in ("Ada", "Bo")])
    return type("History", (), {"decisions": frame, "votes": votes.assign(confidence=0.5)})()


@pytest.mark.parametrize("n", [10, MOST, 2 * MOST, 2 * MOST + 2, 50_000])
def test_so_many_are_counted_and_beyond_that_told_by_the_smallest(n):
    hashed = np.random.default_rng(1).integers(0, 2**64, n, dtype=np.uint64)
    group = np.arange(n) % 2
    whole = Distinct.of(group, hashed)
    parts = [Distinct.of(group[start::3], hashed[start::3]) for start in range(3)]
    codes = np.array([0, 1] * 3)
    merged = parts[0].above(parts[1], 2).above(parts[2], 4).regrouped(codes)
    assert (merged.hashed == whole.hashed).all()
    assert whole.counts(3) == pytest.approx([n / 2, n / 2, 0], rel=0.06 if n > 2 * MOST else 0)
    assert whole.merged(np.array([0, 0]), np.array([1, 2])).counts(2) == pytest.approx([n / 2, n], rel=0.06)


def test_a_small_group_behind_a_large_one_is_counted_whole():
    group, hashed = np.repeat([0, 1], [MOST, 40]), np.arange(MOST + 40, dtype=np.uint64)
    assert len(Distinct.of(group, hashed).group) == MOST + 40


def test_decisions_of_one_cluster_share_sources_in_each_copy_of_it_alone():
    draw = np.random.default_rng(5)
    cluster = np.repeat(np.arange(60), 3)
    # All of a cluster cite its own source, and one of three.
    unit = np.repeat(np.arange(180), 2)
    source = np.column_stack([cluster, 60 + draw.integers(0, 3, 180)]).ravel()
    drawn = draw.poisson(1, (60, 2_000)).astype(np.uint8)[cluster]
    value, low, high, _ = overlap(Intervals(), unit, source, drawn, cluster)
    assert low < value < high
    assert (low + high) / 2 == pytest.approx(value, rel=0.03)


def test_a_question_is_drawn_with_its_cluster():
    frame = asked(60, 3).assign(topic=np.repeat([f"t{one}" for one in range(6)], 30))
    own, by_question, by_topic = (Stability.of(frame, cluster=one) for one in (None, "question", "topic"))
    assert by_question.table()["clusters"].item() == 60
    assert by_topic.flip.n == by_topic.table()["clusters"].item() == 6
    assert by_question.flip.value == own.flip.value == by_topic.flip.value


def test_many_repeated_questions_are_said_where_nothing_knows_of_them(history):
    frame = asked(10, 4)
    noted = "10 questions asked 40 times, taken for independent"
    assert noted in repr(Confidence.of(frame))
    assert noted in repr(Confidence.of(frame[:20]) + Confidence.of(frame[20:]))
    assert noted in Confidence.of(frame)._repr_html_()
    assert noted in lab.charts.caption(lab.charts.confidence(frame))
    for summary in (
        Confidence.of(frame, cluster="question"),
        Confidence.of(frame, by="question"),
        Confidence.of(asked(40, 1)),
        Confidence.of(frame.drop(columns="question")),
        Stability.of(frame),
    ):
        assert "taken for independent" not in repr(summary)


@pytest.mark.further
def test_charts_draw_by_clusters(history):
    ax = lab.charts.margin(history, cluster="meta.category")
    assert "Drawn by meta.category" in lab.charts.caption(ax)
    summary = Margin.of(history, cluster="question")
    lab.charts.margin(summary, cluster="question")
    for drawn, other in ((summary, "meta.category"), (Margin.of(history), "question")):
        with pytest.raises(OptionError, match="count it again with cluster="):
            lab.charts.margin(drawn, cluster=other)


def test_shares_of_sources_have_no_interval_that_knows_of_clusters(history):
    table = Citations.of(history, cluster="question").sources()
    assert table[["share_low", "share_high"]].isna().all(axis=None)
    assert Citations.of(history).sources()["share_low"].notna().all()


@pytest.mark.thorough
def test_intervals_cover_what_they_should_where_questions_come_again():
    runs = pd.concat([asked(60, 10, seed=run).assign(run=run) for run in range(400)], ignore_index=True)
    inside = {}
    for cluster in (None, "question"):
        found = Confidence.of(runs, by="run", cluster=cluster, replicates=400).table()
        inside[cluster] = (found["mean_low"].le(0.5) & found["mean_high"].ge(0.5)).sum()
    assert 0.48 <= inside[None] / 400 <= 0.66
    assert 0.92 <= inside["question"] / 400 <= 0.98


def test_a_scan_draws_clusters_by_a_column_that_not_every_batch_has(tmp_path):
    for number, meta in enumerate([{"task": 7}, {}, {"task": "7"}]):
        decisions = [{"recommendation": "x", "confidence": digit / 10} for digit in range(4)]
        lines = [json.dumps({"decision": decision, "meta": meta}) + "\n" for decision in decisions]
        (tmp_path / f"{number}.ndjson").write_text("".join(lines))
    found = Confidence.of(lab.scan(tmp_path), cluster="meta.task", replicates=40)
    same(found, Confidence.of(lab.read(tmp_path), cluster="meta.task", replicates=40))
    assert found.table()["clusters"].item() == 1 + 4
    with pytest.raises(OptionError, match=r"no column 'meta.tsak'"):
        Confidence.of(lab.scan(tmp_path), cluster="meta.tsak")
