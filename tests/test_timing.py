import io

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot
from matplotlib.collections import LineCollection
from panels import START
from pictures import caption, words
from summaries import agree

import mastermind_lab as lab
from mastermind_lab.charts.timing import timing
from mastermind_lab.errors import OptionError
from mastermind_lab.stats.timing import DECADE, SMALLEST, Timing


def decisions(n, seed=0):
    """Decisions under three models, whose votes take a third of the time and are not always told."""
    random = np.random.default_rng(seed)
    vote, debate = random.lognormal(1, 0.5, n).round(2), random.lognormal(2, 1, n).round(2)
    published = pd.Series(START + pd.to_timedelta(np.arange(n), unit="min")).dt.as_unit("us")
    lag = pd.Series(pd.to_timedelta(random.normal(0.2, 0.1, n).round(6), unit="s"))
    return pd.DataFrame(
        {
            "stream_id": pd.Series([f"{1_772_442_000_000 + row}-0" for row in range(n)], dtype="str"),
            "streamed_at": (published + lag).dt.as_unit("us"),
            "published_at": published,
            "meta.model": pd.Series(random.choice(["atlas-1", "atlas-2", "borealis"], n), dtype="str"),
            "meta.timings.vote": np.where(random.random(n) < 0.2, np.nan, vote),
            "meta.timings.debate": debate,
            "meta.timings.total": np.where(random.random(n) < 0.3, np.nan, vote + debate),
            "meta.usage.input_tokens": pd.array(random.integers(0, 10_000, n), dtype="Int64"),
            "meta.usage.cost_usd": random.lognormal(-4, 1, n),
        }
    )


def rows(frame, **options):
    return Timing.of(frame, **options).table().set_index("leaf")


def test_batches_that_lack_a_leaf_merge_with_those_that_have_it():
    frame = decisions(40)
    early = frame[:20].drop(columns=["meta.timings.vote", "meta.timings.total"])
    merged = Timing.of(early) + Timing.of(frame[20:])
    lacking = frame.copy()
    lacking.loc[:19, ["meta.timings.vote", "meta.timings.total"]] = np.nan
    agree(merged.table(), Timing.of(lacking).table())


@pytest.mark.parametrize("other", [{"by": "meta.model"}, {"replicates": 80}])
def test_different_options_do_not_merge(other):
    with pytest.raises(OptionError, match="do not merge"):
        Timing.of(decisions(20)) + Timing.of(decisions(20), **other)


# The numbers.


def test_a_panel_worked_by_hand():
    frame = pd.DataFrame(
        {
            "stream_id": ["1-0", "2-0", "3-0"],
            "streamed_at": pd.to_datetime(["2026-01-01T00:00:01Z", None, "2026-01-01T00:00:02Z"]),
            "published_at": pd.to_datetime(["2026-01-01T00:00:00Z"] * 2 + ["2026-01-01T00:00:05Z"]),
            "meta.timings.vote": [1.0, 3.0, np.nan],
            "meta.timings.debate": [3.0, 5.0, 2.0],
            "meta.timings.total": [8.0, np.nan, 4.0],
            "meta.usage.output_tokens": pd.array([10, 20, None], dtype="Int64"),
            "meta.usage.note": pd.Series(["none", "7", None], dtype="str"),
        }
    )
    table = rows(frame)
    assert table["n"].to_dict() == {
        "meta.timings.debate": 3,
        "meta.timings.total": 2,
        "meta.timings.vote": 2,
        "meta.usage.note": 1,
        "meta.usage.output_tokens": 2,
        "publish_lag": 2,
    }
    # Totals are 8, then 3 + 5 = 8 where none is told, then 4.
    assert table.loc["meta.timings.vote", "share"] == pytest.approx((1 + 3) / (8 + 8))
    assert table.loc["meta.timings.debate", "share"] == pytest.approx((3 + 5 + 2) / (8 + 8 + 4))
    assert table.loc["publish_lag", "mean"] == pytest.approx((1 - 3) / 2)
    assert np.isnan(table.loc["publish_lag", "share"])
    assert table["missing"].tolist() == [0, 1, 1, 2, 1, 1]
    assert table["unit"].tolist() == ["s", "s", "s", "", "tokens", "s"]
    assert table.loc["meta.usage.output_tokens", "sum"] == 30
    assert np.isnan(table.loc["meta.usage.note", "mean_low"])


@pytest.mark.parametrize("leaf", ["meta.timings.vote", "meta.usage.cost_usd", "meta.usage.input_tokens"])
def test_quantiles_are_those_of_pandas_within_the_stated_precision(leaf):
    frame = decisions(777)
    expected = frame[leaf].astype("float64").quantile([0.05, 0.25, 0.5, 0.75, 0.95])
    found = rows(frame).loc[leaf, ["q05", "q25", "q50", "q75", "q95"]]
    assert found.tolist() == pytest.approx(expected.tolist(), rel=10 ** (0.5 / DECADE) - 1)
    assert 10 ** (0.5 / DECADE) - 1 < 0.006


def test_quantiles_below_zero_and_near_it():
    frame = decisions(5).assign(**{"meta.timings.vote": [-2.0, -SMALLEST / 2, 0.0, 1e-9, 3.0]})
    found = rows(frame).loc["meta.timings.vote", ["q05", "q25", "q50", "q75", "q95"]].to_numpy(dtype=float)
    assert found[1:4].tolist() == [0, 0, 0]
    assert found[[0, 4]].tolist() == pytest.approx([-1.6, 2.4], rel=0.006)


def test_the_interval_of_a_mean_is_as_wide_as_the_normal_one():
    frame = decisions(2_000)
    values = frame["meta.timings.debate"]
    row = rows(frame).loc["meta.timings.debate"]
    assert row["mean"] == pytest.approx(values.mean())
    assert row["mean_high"] - row["mean_low"] == pytest.approx(2 * 1.96 * values.sem(), rel=0.15)


def test_seconds_in_another_unit_scale_everything_but_shares():
    frame = decisions(300)
    leaves = [name for name in frame if name.startswith("meta.timings")]
    one, ten = rows(frame), rows(frame.assign(**{name: frame[name] * 10 for name in leaves}))
    for column in ("sum", "mean", "mean_low", "mean_high", "q05", "q50", "q95"):
        assert ten.loc[leaves, column].tolist() == pytest.approx((10 * one.loc[leaves, column]).tolist())
    for column in ("share", "share_low", "share_high"):
        assert ten.loc[leaves, column].tolist() == pytest.approx(
            one.loc[leaves, column].tolist(), nan_ok=True
        )


def test_groups_are_counted_apart():
    frame = decisions(200)
    table = Timing.of(frame, by="meta.model").table()
    for model, part in frame.groupby("meta.model"):
        alone = Timing.of(part).table()
        ours = table[table["meta.model"] == model].drop(columns="meta.model").reset_index(drop=True)
        agree(ours, alone)


# Bad input.


def test_what_is_no_number_is_missing():
    frame = decisions(4).assign(
        **{
            "meta.timings.vote": [np.inf, -np.inf, np.nan, 1.0],
            "meta.timings.flag": pd.array([True, False, None, True], dtype="boolean"),
            "meta.timings.debate": pd.Series(['"slow"', "[1]", "2.5", None], dtype="str"),
        }
    )
    table = rows(frame)
    assert table.loc["meta.timings.vote", ["n", "missing"]].tolist() == [1, 3]
    assert table.loc["meta.timings.debate", ["n", "sum"]].tolist() == [1, 2.5]
    assert "meta.timings.flag" not in table.index


def test_without_any_leaf():
    frame = decisions(3)[["stream_id", "meta.model"]]
    assert len(rows(frame)) == 0
    assert Timing.of(frame).n == 3


@pytest.mark.parametrize(
    ("options", "message"),
    [({"by": "meta.modle"}, "did you mean"), ({"by": "leaf"}, "has a column"), ({"replicates": 1}, "replic")],
)
def test_options_that_make_no_sense_are_refused(options, message):
    with pytest.raises(OptionError, match=message):
        Timing.of(decisions(5), **options)


# The chart.


def test_the_chart_draws_the_table():
    frame = decisions(300).drop(columns="streamed_at")
    summary = Timing.of(frame)
    ax = timing(summary)
    table = (
        summary.table()
        .set_index("leaf")
        .loc[[f"meta.timings.{name}" for name in ("total", "debate", "vote")]]
    )
    order = np.argsort(-ax.lines[0].get_ydata())
    assert ax.lines[0].get_xdata()[order].tolist() == table["mean"].tolist()
    whiskers, _, intervals = (part for part in ax.get_children() if type(part) is LineCollection)
    for part, ends in ((whiskers, ["q05", "q95"]), (intervals, ["mean_low", "mean_high"])):
        drawn = np.array(part.get_segments())[order][:, :, 0]
        assert drawn.tolist() == table[ends].to_numpy().tolist()
    boxes = sorted(ax.patches, key=lambda box: -box.get_y())
    assert [box.get_x() for box in boxes] == table["q25"].tolist()
    assert [text.get_text() for text in ax.texts] == [
        *(f"{share:.0%}" for share in table["share"]),
        "of total",
    ]
    assert "n = 300 decisions" in words(ax)


@pytest.mark.once
@pytest.mark.parametrize("by", [None, "meta.model"])
def test_the_caption_says_how_many_decisions_a_row_is_not_of(by):
    frame = decisions(200)
    frame.loc[frame.index[18:], "meta.usage.cost_usd"] = np.nan
    said = "A row is of the decisions that say it: {} do not."
    assert said.format("182") in caption(timing(frame, unit="USD", by=by))
    table = Timing.of(frame).table().set_index("leaf")
    most = table.loc[table["unit"] == "s", "missing"].max()
    assert said.format(f"0 to {most}") in caption(timing(frame, by=by))
    assert "that say it" not in caption(timing(frame, unit="tokens", by=by))
    pyplot.close("all")


@pytest.mark.further
def test_groups_and_other_units_are_drawn():
    frame = decisions(300)
    assert "input tokens" in words(timing(frame, unit="tokens", by="meta.model"))
    ax = timing(frame, by="meta.model")
    assert [text.get_text().split()[0] for text in ax.get_legend().get_texts()] == [
        "atlas-1",
        "atlas-2",
        "borealis",
    ]
    ax.figure.savefig(io.BytesIO())
    with pytest.raises(OptionError, match="unit is one of"):
        timing(frame, unit="minutes")


def test_a_straight_scale_has_as_many_ticks_as_its_width_has_room_for():
    frame = decisions(60)[["stream_id"]].assign(**{"meta.timings.vote": np.linspace(-1, 9, 60)})
    wide = pyplot.figure(figsize=(9, 2)).add_subplot()
    assert len(timing(frame, ax=wide).get_xticks()) > 4
    pyplot.close("all")


@pytest.mark.further
def test_hostile_names_and_many_leaves_are_drawn():
    frame = decisions(60)
    for place in range(40):
        frame[f"meta.timings.$x{place}_\x00" + "y" * place * 100] = 1.0 + place
    ax = timing(frame)
    assert len(ax.get_yticks()) == 12
    assert max(map(len, words(ax).splitlines()[:-1])) < 100  # behind them stands the caption
    ax.figure.savefig(io.BytesIO())


@pytest.mark.once
@pytest.mark.parametrize("n", [0, 1, 2])
@pytest.mark.parametrize("by", [None, "meta.model"])
def test_few_decisions_are_drawn(n, by):
    ax = timing(decisions(n), by=by)
    assert ("n = " if n else "no decisions") in words(ax)
    ax.figure.savefig(io.BytesIO())


def test_no_leaves_give_a_titled_empty_chart():
    ax = timing(decisions(5)[["stream_id"]])
    assert "no seconds" in words(ax)
    ax.figure.savefig(io.BytesIO())


def test_no_time_is_said_to_be_negative_but_the_lag():
    history = lab.sample(last=6)
    history.decisions["meta.timings.total"] = [1.0, 1, 1, 1, 1, 60]
    history.decisions["streamed_at"] = history.decisions["published_at"] + pd.to_timedelta(
        [1, 1, 1, 1, 1, 60], unit="s"
    )
    table = Timing.of(history).table().set_index("leaf")
    assert table.loc["meta.timings.total", "mean_low"] == 0
    assert table.loc["publish_lag", "mean_low"] < 0
    assert (table["share_low"].dropna() >= 0).all()
