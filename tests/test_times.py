"""A clock that was not set, among a hundred that were: no view is lost, and what lies far off is counted."""

import json
import time
from datetime import UTC, datetime, timedelta
from math import inf

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.dates import num2date
from pandas.testing import assert_frame_equal
from summaries import SUBJECTS, same
from test_settings import charts_of
from waiting import until

import mastermind_lab as lab
from mastermind_lab.stats import ConfidenceOverTime, Regimes
from mastermind_lab.stats.engine.timebins import finest, main_part

UNSET = {
    "Go and .NET": "0001-01-01T00:00:00Z",
    "Go, west": "0001-01-01T00:00:00-12:00",
    "Windows": "1601-01-01T00:00:00Z",
    "before nanoseconds": "1677-09-21T00:12:43Z",
    "Excel": "1899-12-30T00:00:00Z",
    "Unix": "1970-01-01T00:00:00Z",
    "behind nanoseconds": "2263-01-01T00:00:00Z",
    "the last": "9999-12-31T23:59:59.999999Z",
}


def line(number, at=None, meta=None):
    at = at or f"2026-11-{1 + number % 25:02d}T10:{number % 60:02d}:00Z"
    votes = [{"voter": one, "choice": "ab"[(number + place) % 7 == 0]} for place, one in enumerate("xyz")]
    decision = {"recommendation": "a", "confidence": number % 100 / 100, "question": "q", "votes": votes}
    return json.dumps({"decision": decision, "published_at": at, "meta": meta or {"model": f"m{number % 2}"}})


def among_a_hundred(at):
    lines = [line(number) for number in range(100)]
    return lab.read([*lines[:50], line(7, at), *lines[50:]])


@pytest.fixture(params=UNSET.values(), ids=UNSET, scope="module")
def history(request):
    return among_a_hundred(request.param)


class TestTheAxis:
    @pytest.mark.thorough
    @pytest.mark.parametrize("options", [{}, {"every": 10}, {"by": "meta.model"}], ids=str)
    def test_shows_the_hundred_and_counts_the_other(self, history, ax, options):
        lab.charts.confidence_over_time(history, ax=ax, **options)
        ax.figure.draw_without_rendering()
        left, right = (num2date(end).date().isoformat() for end in ax.get_xlim())
        assert "2026-10-25" < left <= right < "2026-12-01"
        assert "n = 100 decisions. 1 far off in time left out." in lab.charts.caption(ax)

    def test_the_heading_of_its_table_says_what_is_not_in_it(self, history):
        summary = ConfidenceOverTime.of(history, replicates=40)
        assert summary.table()["n"].sum() == 100
        assert repr(summary).startswith(
            "ConfidenceOverTime: n = 101 decisions, 1 far off in time and not shown; "
        )

    @pytest.mark.thorough
    def test_is_that_of_the_hundred_alone(self, history):
        alone = lab.read([line(number) for number in range(100)])
        with_it = ConfidenceOverTime.of(history)
        assert (with_it.outside, with_it.undated, with_it.missing, with_it.mean.n) == (1, 0, 0, 101)
        columns = ["time", "n", "mean", "rolling"]
        expected = ConfidenceOverTime.of(alone)
        assert_frame_equal(with_it.table()[columns], expected.table()[columns])
        assert_frame_equal(with_it.points(), expected.points())
        assert with_it.every(20)["n"].sum() == 100

    @pytest.mark.parametrize("times", [["0001-01-01T00:00:00Z"], ["9999-12-31T23:59:59Z"], [*UNSET.values()]])
    def test_is_there_where_no_clock_was_set(self, times, ax):
        history = lab.read([line(number, times[number % len(times)]) for number in range(16)])
        lab.charts.confidence_over_time(history, ax=ax)
        ax.figure.draw_without_rendering()
        summary = ConfidenceOverTime.of(history)
        assert summary.table()["n"].sum() + summary.outside == 16

    def test_shows_an_earlier_study_too(self):
        old = [line(number, f"19{60 + number % 9}-01-01T00:00:00Z") for number in range(30)]
        summary = ConfidenceOverTime.of(lab.read([*old, *(line(number) for number in range(70))]))
        assert (summary.outside, summary.table()["n"].sum()) == (0, 100)

    @pytest.mark.parametrize("share", [0.5, 0.9])
    def test_shows_those_that_are_likely_however_few(self, share):
        few = lab.read([line(n, UNSET["Go and .NET"] if n < 100 * share else None) for n in range(100)])
        summary = ConfidenceOverTime.of(few)
        assert summary.outside == 100 * share
        assert summary.table()["time"].dt.year.eq(2026).all()


@pytest.mark.once
@pytest.mark.parametrize("kind", [ConfidenceOverTime, Regimes])
@pytest.mark.parametrize("at", [UNSET["Go and .NET"], UNSET["the last"]])
@pytest.mark.further
def test_batches_merge_as_before_in_any_order(kind, at):
    history = among_a_hundred(at)
    parts = [history.where(np.arange(101) % 3 == part) for part in range(3)]
    summaries = [kind.of(part, replicates=40) for part in parts]
    same(kind.of(history, replicates=40), sum(summaries), sum(summaries[::-1]))


@pytest.mark.parametrize("at", [UNSET["Go and .NET"], UNSET["Unix"], UNSET["the last"]])
def test_changes_are_found_beside_it(at):
    history = among_a_hundred(at)
    models = ["old" if number < 50 else "new" for number in range(101)]
    changed = history.with_frames(
        decisions=history.decisions.sort_values("published_at", ignore_index=True).assign(
            stream_id=history.decisions["stream_id"], **{"meta.model": models}
        )
    )
    table = Regimes.of(changed, watch="meta.model", replicates=40).table()
    assert sorted(table[["value", "event"]].to_numpy().tolist()) == [["new", "begin"], ["old", "end"]]
    assert table["time"].dt.date.astype(str).unique().tolist() == ["2026-11-13"]


@pytest.mark.thorough
@pytest.mark.parametrize("at", [UNSET["Go and .NET"], UNSET["the last"]])
def test_every_statistic_and_chart_takes_it(at, tmp_path):
    history = among_a_hundred(at)
    # As of a stream: with times of its own, from which it is far away.
    history.decisions["streamed_at"] = pd.Timestamp("2026-11-25T12:00Z").as_unit("us")
    history.decisions["correct_choice"] = "a"
    for kind in SUBJECTS:
        assert repr(kind.of(history))
    for name, draw in charts_of(history):
        shown = draw()
        (shown.figure if isinstance(shown, Axes) else shown).draw_without_rendering()
        plt.close("all")
        assert name
    assert repr(history)
    assert history._repr_html_()
    assert len(lab.dictionary(history))
    saved = lab.read(history.save(tmp_path / "s"))
    assert_frame_equal(saved.decisions, history.decisions)
    assert lab.verify(tmp_path / "s").empty


@pytest.mark.parametrize("bound", ["0001-01-01", "1960-01-01", "2026-11-05", "9999-12-31"])
def test_bounds_compare_with_it(history, bound):
    lines = [payload for _, payload in history.encoded()]
    known = history.decisions["published_at"]
    if bound > "1970":  # an earlier one may be refused: no stream has an id of that time
        assert (
            len(lab.read(lines, since=bound)) == (known >= pd.Timestamp(bound, tz="UTC").as_unit("us")).sum()
        )


class TestReplay:
    def test_plays_it_in_its_place(self, history):
        replayed = [entry for update in lab.replay(history, speed=inf) for entry in update.entries]
        assert [entry_id for entry_id, _ in replayed] == history.decisions["stream_id"].tolist()

    def test_waits_for_nobody_s_year(self, history):
        replay = lab.replay(history.where(np.arange(101) < 52))
        began = time.monotonic()
        replay.speed = 30 * 24 * 3600 * 10.0
        assert sum(len(update.entries) for update in replay) == 52
        assert time.monotonic() - began < 30
        assert replay.now.year == 2026

    @pytest.mark.parametrize("at", [UNSET["Go and .NET"], UNSET["the last"]])
    def test_where_no_clock_was_set(self, at):
        replay = lab.replay([line(number, at) for number in range(3)], speed=1.0)
        assert sum(len(update.entries) for update in replay) == 3
        assert replay.now.year in (1, 9999)

    @pytest.mark.parametrize("moment", ["0001-01-01", datetime(9999, 12, 31, tzinfo=UTC), "2026-11-05"])
    def test_goes_to_any_moment(self, history, moment):
        replay = lab.replay(history)
        replay.pause()
        replay.seek(moment)
        assert replay.now is None or replay.now.year in (1, 2026, 9999)

    @pytest.mark.parametrize("moment", ["", "soon", None, pd.NaT])
    def test_names_what_is_no_moment(self, history, moment):
        with pytest.raises(lab.OptionError, match="moment="):
            lab.replay(history).seek(moment)


@pytest.mark.once
@pytest.mark.further
def test_a_live_view_and_its_figure_go_on(redis_url, raw):
    lines = [line(number) for number in range(40)] + [line(1, at) for at in UNSET.values()]
    for one in lines:
        raw.xadd("maf:arena:mastermind:output", {"data": one})
    view = lab.follow(redis_url)
    try:
        until(lambda: len(view.follower.history()) == len(lines))
        view.figure.draw_without_rendering()
        view._round()
        assert not view._contents.fault
        assert view.follower.summary(ConfidenceOverTime).outside == len(UNSET)
        assert len(view.follower.history(last=timedelta(days=1)))
    finally:
        view.close()


class TestBins:
    @pytest.mark.parametrize("n", [0, 1, 512, 513, 5_000])
    def test_are_as_fine_as_512_that_are_filled_allow(self, n):
        times = np.random.default_rng(n).integers(-(2**55), 2**57, n)
        shift = finest(times)
        assert len(np.unique(times >> shift)) <= 512
        assert shift == 0 or len(np.unique(times >> (shift - 1))) > 512

    def test_the_main_part_does_not_depend_on_their_order(self):
        places = np.array([5, 1, 3, 2_000, 4, 2])
        assert main_part(places, np.ones(6), 40) == main_part(places[::-1], np.ones(6), 40)
