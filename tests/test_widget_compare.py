"""An earlier run behind the one that is followed, what differs, and the alarms: without a browser."""

import json
import re
from contextlib import contextmanager
from itertools import groupby
from threading import Event, Thread, current_thread, main_thread

import numpy as np
import pandas as pd
import pytest
from histories import sample
from matplotlib import pyplot
from matplotlib.figure import Figure
from telling import telling
from test_widget import asked, told, view_of
from waiting import until

import mastermind_lab as lab
from mastermind_lab import charts
from mastermind_lab.charts.drawing.ink import EARLIER, EARLIER_AREA, contrast, ink, shade
from mastermind_lab.envelope import DEFAULT_STREAM_NAME as STREAM
from mastermind_lab.errors import OptionError
from mastermind_lab.history import sample_folder
from mastermind_lab.stats.engine.anytime import difference_sequence
from mastermind_lab.stream import StreamUpdate, publish_payloads
from mastermind_lab.widget import compared
from mastermind_lab.widget.alarms import CHANGE, Alarm
from mastermind_lab.widget.controls import ViewOptions

pytestmark = pytest.mark.once


def entries(count, mean=0.7, start="2026-11-26T10:00", seed=0, **more):
    """Decisions, one a minute, whose confidence lies around a mean, by three voters."""
    random = np.random.default_rng(seed)
    times = pd.date_range(start, periods=count, freq="min", tz="UTC")
    sure = (mean + 0.1 * random.standard_normal(count)).clip(0, 1)
    return [
        (f"{when.value // 1_000_000}-0", json.dumps({
            "decision": {
                "recommendation": "yes", "confidence": float(one), "question": f"q{place}?",
                "votes": [{"voter": name, "choice": "no" if (place + turn) % 5 == 0 else "yes"}
                          for turn, name in enumerate("abc")],
            } | more.get("decision", {}),
            "correlation_id": f"{seed}-{place}", "published_at": when.isoformat(),
            "meta": {"model": "m1"} | more.get("meta", {}),
        }))
        for place, (when, one) in enumerate(zip(times, sure, strict=True))
    ]  # fmt: skip


def earlier(count=300, **more):
    return lab.read([one for _, one in entries(count, start="2026-01-05T10:00", seed=1, **more)])


def followed(*batches):
    follower = lab.Follower("redis://localhost:1")
    for batch in batches:
        follower.feed(batch)
    return follower


@contextmanager
def followed_live(url):
    """Follow a stream that is there."""
    view = lab.follow(url, panels=["confidence_over_time"])
    try:
        yield view
    finally:
        view.stop()


def panels(view):
    return told(view, "round")["panels"]


def items(view):
    return " | ".join(told(view, "status")["items"])


def said(view):
    """Draw all, and say how it is going."""
    view._round()
    view._say(view.status)
    return items(view)


def greys(facts):
    """The colours of marks that are a share of ink."""
    looks = [mark.get(part) for mark in facts["marks"] for part in ("stroke", "fill")]
    return {round(look["colour"][1], 2) for look in looks if look and look["colour"][0] == 0}


@pytest.mark.further
def test_the_earlier_run_lies_grey_behind_each_picture_and_the_difference_is_said():
    view = view_of(followed(entries(120)), compare=earlier(mean=0.6))
    line = said(view)
    assert "compared with 300 earlier decisions, in grey (95% intervals, however often you look)" in line
    assert "not compared" not in line
    for facts in panels(view):
        assert {EARLIER, EARLIER_AREA} & greys(facts), facts["title"]
        assert "before" in facts["n"]
        assert "earlier run" in facts["caption"]
    row = view.differences.set_index("figure").loc["confidence"]
    before = earlier(mean=0.6).decisions["confidence"].mean()
    assert row["now"] - before == pytest.approx(row["difference"])
    assert f"confidence {row['now']:.2f}, {row['difference']:+.2f} against {before:.2f}" in line
    assert view.differences["n_before"].tolist() == [300, 300, 0]


@pytest.mark.further
def test_decisions_that_are_compared_with_themselves_are_counted():
    came = entries(120)
    before = lab.read([one for _, one in [*came[:50], *entries(30, start="2026-01-05T10:00", seed=1)]])
    line = said(view_of(followed(came), compare=before))
    assert "compared with 80 earlier decisions" in line
    assert "; 50 of them are of this run, too: compared with themselves" in line
    assert "themselves" not in said(view_of(followed(came), compare=earlier()))


@pytest.mark.thorough
def test_the_figure_for_paper_the_still_and_the_page_have_it_too(tmp_path):
    view = view_of(followed(entries(60)), compare=earlier())
    captions = [charts.caption(ax) for ax in view.figure.axes]
    assert all("an earlier run of" in one.lower() for one in captions)
    html = view._repr_mimebundle_()[0]["text/html"]
    assert "compared with 300 earlier decisions" in html
    page = view.save(tmp_path / "page.html").read_text("utf-8")
    assert "grey: 300 before" in page
    assert "compared with 300 earlier decisions" in page


@pytest.mark.thorough
def test_by_group_only_the_groups_of_both_have_grey_and_others_are_counted():
    view = view_of(followed(entries(40), entries(40, start="2026-11-26T12:00", meta={"model": "m2"})),
                   compare=earlier(), panels=["confidence"], choice=ViewOptions(by="meta.model"))  # fmt: skip
    view._round()
    (facts,) = panels(view)
    assert "1 without grey" in facts["caption"]


@pytest.mark.thorough
@pytest.mark.parametrize("count", [0, 3])
def test_an_earlier_run_with_little_or_other_things_harms_nothing(count):
    other = {
        "decision": {"votes": [{"voter": "z", "choice": "other"}] if count else []},
        "meta": {"model": 7},
    }
    past = lab.read([one for _, one in entries(count, **other)]) if count else earlier(1).where([])
    view = view_of(followed(entries(60)), compare=past)
    line = said(view)
    assert not any("fault" in facts for facts in panels(view)), panels(view)
    if count:
        assert "compared with 3 earlier decisions" in line
        votes = next(facts for facts in panels(view) if facts["title"].startswith("Votes"))
        assert "without grey" in votes["caption"]
        assert "of the earlier run not drawn" in votes["caption"]
    else:
        assert "nothing to compare" in line


@pytest.mark.further
def test_what_cannot_be_compared_is_named():
    def mine(history, ax):
        ax.plot(history.decisions["published_at"], history.decisions["confidence"])

    view = view_of(followed(entries(30)), compare=earlier(), panels=["confidence", "timing", mine])
    assert "not compared: timing, mine" in said(view)


@pytest.mark.further
def test_what_is_wrong_with_the_earlier_run_is_said_and_the_run_of_now_is_drawn():
    past = earlier(30)
    past.votes["weight"] = -1.0
    view = view_of(followed(entries(30)), compare=past, panels=["votes"])
    assert "; not compared: votes (weight must be finite and not negative)" in said(view)
    assert "fault" not in panels(view)[0]


@pytest.mark.parametrize("given", ["snapshots/run-41", 7, pd.DataFrame()])
def test_another_thing_to_compare_is_refused(given):
    with pytest.raises(OptionError, match=r"compare=.*expected a history: lab.read"):
        lab.LiveView(followed([]), compare=given)


@pytest.mark.thorough
def test_outcomes_make_accuracy_one_of_the_differences():
    past = earlier(50)
    past = lab.with_outcomes(past, past.decisions[["correlation_id"]].assign(correct_choice="yes"))
    view = view_of(followed(entries(20)), compare=past)
    asked(view, "mark", id=entries(20)[0][0], was="right")
    row = view.differences.set_index("figure").loc["accuracy"]
    assert (row["now"], row["before"], row["n"], row["n_before"]) == (1, 1, 1, 50)


def test_two_who_look_at_the_same_time_forget_no_alarm(monkeypatch):
    follower = followed(entries(210))
    view = view_of(follower, panels=["votes"])
    counting, has_asked, goes_on = view._contents.compared._counting, Event(), Event()
    values = counting.values

    def held_up():
        found = values()
        if current_thread() is not main_thread():
            has_asked.set()
            goes_on.wait(1)
        return found

    monkeypatch.setattr(counting, "values", held_up)
    other = Thread(target=view._contents.look)
    other.start()
    assert has_asked.wait(20)
    follower.feed(entries(100, mean=0.3, start="2026-11-26T15:00", seed=2))
    found = len(view.alarms)
    goes_on.set()
    other.join(20)
    assert len(view._contents.compared.alarms.known) == found > 0


def test_what_a_view_compares_is_counted_until_it_is_closed():
    follower, before, counted = followed(entries(250, mean=0.3)), earlier(), []
    for _ in range(3):
        view = view_of(follower, compare=before, panels=["decisions"])
        found = view.alarms
        view.close()
        counted.append(len(follower._summaries))
        follower.feed(entries(1, start="2026-11-27T10:00"))
        assert (len(found), len(view.alarms), view.differences["n"][0]) == (1, 1, 249 + len(counted))
    assert len({*counted}) == 1


@pytest.mark.further
def test_what_is_no_longer_kept_at_the_first_look_is_compared_too():
    follower = lab.Follower("redis://localhost:1", keep=50)
    view = view_of(follower, compare=earlier(), panels=["votes"])
    follower.feed(entries(200))
    assert view.differences.set_index("figure")["n"]["confidence"] == 200


@pytest.mark.parametrize("chart", [charts.confidence, charts.risk_coverage])
@pytest.mark.further
def test_groups_of_one_run_alone_are_counted(chart):
    run = lab.with_outcomes(sample(60), sample_folder() / "outcomes.csv")
    now, then, other = (
        run.with_frames(decisions=run.decisions.assign(version=names * 30))
        for names in (["v1", "v2"], ["v2", "v3"], ["v3", "v4"])
    )

    def caption(before):
        return charts.caption(chart(now, by="version", before=before, ax=Figure().subplots()))

    said = caption(then)
    assert "grey: an earlier run of 60" in said.lower()
    assert "1 without grey: not known in the earlier run" in said
    assert "1 of the earlier run not drawn: not here" in said
    said = caption(other)
    assert "not here: an earlier run of 60" in said.lower()
    assert "2 without grey" in said
    assert "2 of the earlier run not drawn" in said


@pytest.mark.parametrize(
    ("chart", "drawn", "there"),
    telling(
        {
            "voters": (charts.voters, "with outcome", "votes"),
            "risk": (charts.risk_coverage, "with outcome", "decisions"),
            "confidence": (charts.confidence, "all", "decisions"),
            "votes": (charts.votes, "all", "votes"),
            "pivotal": (charts.pivotal, "all", "decisions"),
        },
        "voters",
        "votes",
    ),
)
def test_grey_says_of_how_many_it_is(chart, drawn, there):
    run = lab.with_outcomes(sample(60), sample_folder() / "outcomes.csv")
    now, then = (
        run.with_frames(decisions=run.decisions.assign(version=names * 20))
        for names in (["v1", "v2", "v2"], ["v2", "v2", "v3"])
    )
    judged = then.decisions["correct_choice"].where(then.decisions.index % 2 == 0)
    then = then.with_frames(decisions=then.decisions.assign(correct_choice=judged))
    of = then.decisions[then.decisions["version"] == "v2"]
    ids = of.loc[of["correct_choice"].notna() if drawn == "with outcome" else slice(None), "stream_id"]
    n = len(ids) if there == "decisions" else int(then.votes["stream_id"].isin(ids).sum())
    ax = chart(now, by="version", before=then, ax=Figure().subplots())
    assert ax.get_title(loc="left").endswith(f"; grey: {n:,} before")
    said = charts.caption(ax)
    assert re.search(f"Grey: an earlier run of [0-9,]+ {there}, {n:,} of them drawn", said), said


@pytest.mark.parametrize("by", [None, "meta.model"])
def test_rules_that_are_not_drawn_leave_nobody_out(by):
    said = charts.caption(charts.pivotal(sample(60), before=sample(60), by=by, ax=Figure().subplots()))
    assert "Grey: an earlier run of 60 decisions." in said
    assert "not drawn" not in said


@pytest.mark.parametrize(("groups", "banded"), [(1, True), (2, False), (4, True)])
def test_a_grey_band_is_told_of_where_there_is_one(groups, banded):
    run = sample(120)
    run = run.with_frames(decisions=run.decisions.assign(g=[f"g{row % groups}" for row in range(120)]))
    ax = charts.confidence_over_time(run, by="g", before=run, ax=Figure(figsize=(8, 6)).subplots())
    patches = [patch for one in (ax, *ax.child_axes) for patch in one.patches]
    assert bool(patches) == banded
    assert ("grey band" in charts.caption(ax)) == banded
    other = run.with_frames(decisions=run.decisions.assign(g="other"))
    ax = charts.confidence_over_time(run, by="g", before=other, ax=Figure(figsize=(8, 6)).subplots())
    assert "grey line" not in charts.caption(ax).lower()


def test_of_few_nothing_is_drawn_behind_risks():
    run = lab.with_outcomes(sample(60), sample_folder() / "outcomes.csv")
    few = run.where(run.decisions["stream_id"].tolist()[:5])
    ax = charts.risk_coverage(run, before=few, ax=Figure().subplots())
    assert ax.get_title(loc="left").endswith("; none of 5 before")


@pytest.mark.thorough
@pytest.mark.parametrize("by", [None, "meta.model"])
def test_a_chart_takes_a_history_before_as_it_takes_data(by):
    history = lab.with_outcomes(sample(400), sample_folder() / "outcomes.csv")
    ids = history.decisions["stream_id"].tolist()
    then, now = history.where(ids[:200]), history.where(ids[200:])
    for chart in (charts.margin, charts.pivotal, charts.reliability, charts.risk_coverage, charts.voters):
        ax = chart(now, before=then, by=by, ax=Figure().subplots())
        assert "an earlier run of" in charts.caption(ax)
        facts, _ = charts.scene(ax)
        assert 0.45 in greys(facts), chart
    with pytest.raises(
        OptionError, match=r"before= is grouped by meta.model, and what it is drawn behind by"
    ):
        charts.votes(now, before=lab.stats.Votes.of(then, by="meta.model"), ax=Figure().subplots())


@pytest.mark.parametrize(
    ("chart", "kind", "options", "why"),
    telling(
        {
            "bins": (
                charts.reliability,
                lab.stats.Calibration,
                {"bins": 20},
                "bins=20, .* with bins=10: count",
            ),
            "unit": (charts.risk_coverage, lab.stats.Calibration, {"unit": "voters"}, "votes, .* decisions"),
            "voter": (charts.votes, lab.stats.Votes, {"voter": "choice"}, "voter='choice', .* voter='voter'"),
        },
        "bins",
        "unit",
    ),
)
def test_what_was_counted_otherwise_is_not_drawn_behind(chart, kind, options, why):
    run = lab.with_outcomes(sample(60), sample_folder() / "outcomes.csv")
    with pytest.raises(OptionError, match=f"before= .*{why}"):
        chart(run, before=kind.of(run, **options), ax=Figure().subplots())
    made_otherwise = kind.of(run, replicates=40, family="simultaneous", cluster="question")
    assert "an earlier run of" in charts.caption(chart(run, before=made_otherwise, ax=Figure().subplots()))


@pytest.mark.parametrize("chart", [charts.confidence, charts.confidence_over_time])
def test_votes_are_not_drawn_behind_decisions(chart):
    run = sample(60)
    for before in (run.votes, lab.stats.Confidence.of(run.votes)):
        with pytest.raises(OptionError, match="before= counts votes, and what it is drawn behind decisions"):
            chart(run, before=before, ax=Figure().subplots())


def test_a_single_decision_has_a_mean():
    now, before = compared._nothing(), compared._nothing()
    now.loc["confidence"] = before.loc["dissent"] = [1, 0.25]
    found = compared._differences(now, before).set_index("figure")
    assert found["now"].dropna().to_dict() == {"confidence": 0.25}
    assert found["before"].dropna().to_dict() == {"dissent": 0.25}


class TestAlarms:
    @pytest.mark.parametrize(
        ("before", "after", "said"),
        [("a", "b", "model: a to b"), ("", "b", "model: b begins"), ("a", "", "model: a ends")],
    )
    def test_a_change_in_words(self, before, after, said):
        assert Alarm(pd.Timestamp(0, tz="UTC"), CHANGE, "model", before, after).words == said

    @pytest.mark.further
    def test_drift_from_the_earlier_run_is_an_alarm_once_marked_and_announced(self):
        view = view_of(followed(entries(150, mean=0.5)), compare=earlier(), panels=["confidence_over_time"])
        line = said(view)
        (alarm,) = view.alarms.to_dict("records")
        assert (alarm["kind"], alarm["what"], alarm["from"], alarm["to"]) == (
            "drift",
            "confidence",
            "0.69",
            "0.41",
        )
        assert "confidence went from 0.69 to 0.41" in line
        news = told(view, "status")["alarm"]
        assert news == "alarm: confidence went from 0.69 to 0.41"
        over_time = panels(view)[0]
        assert any("confidence went" in word["text"] for word in over_time["words"])
        assert "upright line: drift" in over_time["caption"].lower()
        view.follower.feed(entries(50, mean=0.45, start="2026-11-26T13:00"))
        said(view)
        assert len(view.alarms) == 1
        assert told(view, "status")["alarm"] == news

    @pytest.mark.thorough
    def test_without_drift_there_is_none_and_the_baseline_is_then_the_first_part(self):
        assert view_of(followed(entries(150)), compare=earlier()).alarms.empty
        drifted = [*entries(250), *entries(150, mean=0.45, start="2026-11-26T15:00", seed=2)]
        alarms = view_of(followed(drifted)).alarms
        assert alarms["what"].tolist() == ["confidence"]
        assert alarms.dtypes.astype(str).tolist() == ["datetime64[us, UTC]", "str", "str", "str", "str"]

    @pytest.mark.further
    def test_a_stream_whose_confidence_falls_is_an_alarm_while_it_is_followed(self, redis_url):
        first, fallen = entries(250), entries(150, mean=0.45, start="2026-11-26T14:10", seed=2)
        list(publish_payloads(redis_url, STREAM, [one.encode() for _, one in first]))
        with followed_live(redis_url) as view:
            until(lambda: view.status.received == 250)
            assert view.alarms.empty
            list(publish_payloads(redis_url, STREAM, [one.encode() for _, one in fallen]))
            until(lambda: view.status.received == 400)
            (alarm,) = view.alarms.to_dict("records")
            assert (alarm["kind"], alarm["what"], alarm["from"]) == ("drift", "confidence", "0.70")
            assert float(alarm["to"]) == pytest.approx(0.45, abs=0.03)
            assert pd.Timestamp("2026-11-26T14:10Z") < alarm["time"] < pd.Timestamp("2026-11-26T14:40Z")
            axes = view.figure.axes[0]
            assert any("confidence went" in one.get_text() for one in axes.texts)
            assert "alarm at 2026-11-26 14:" in view._repr_mimebundle_()[0]["text/html"]

    @pytest.mark.thorough
    def test_a_value_that_begins_is_said_once_although_the_end_of_the_other_shows_later(self):
        hostile = "<b>m2\u202e"
        view = view_of(followed(entries(60)), panels=["confidence"])
        assert said(view)
        assert view.alarms.empty
        for hour in (12, 13, 14):
            view.follower.feed(entries(40, start=f"2026-11-26T{hour}:00", meta={"model": hostile}))
            said(view)
        (alarm,) = view.alarms.to_dict("records")
        assert (alarm["kind"], alarm["what"], alarm["from"], alarm["to"]) == (
            "change",
            "model",
            "m1",
            hostile,
        )
        assert alarm["time"] == pd.Timestamp("2026-11-26T12:00", tz="UTC")
        assert "\u202e" not in items(view)
        assert len({one["alarm"] for one in view.sent if one["kind"] == "status"} - {""}) == 1

    @pytest.mark.further
    def test_an_alarm_that_is_kept_no_longer_is_not_news_once_more(self, monkeypatch):
        monkeypatch.setattr("mastermind_lab.widget.alarms._MOST", 2)
        view, news = view_of(followed(), panels=["decisions"]), []
        for hour in range(10, 16):
            view.follower.feed(entries(60, start=f"2026-11-26T{hour}:00", meta={"model": f"m{hour}"}))
            for _ in range(2):
                view._contents.look()
                news.append(view._contents.compared.alarms.news)
        told = [f"alarm: model: m{hour} to m{hour + 1}" for hour in range(10, 15)]
        assert [one for one, _ in groupby(news)] == ["", *told]
        assert view.alarms["to"].tolist() == ["m14", "m15"]

    @pytest.mark.further
    def test_the_line_where_a_value_begins_is_dashed(self):
        changed = entries(60, start="2026-11-26T11:00", meta={"model": "m2"})
        view = view_of(followed(entries(60), changed), panels=["confidence_over_time"])
        view._round()
        assert "dashed: a value begins" in panels(view)[0]["caption"].lower()

    @pytest.mark.further
    def test_what_was_found_stays_where_a_stream_begins_again_and_goes_where_a_replay_does(self):
        view = view_of(followed(entries(150, mean=0.5)), compare=earlier())
        (found,) = view.alarms.itertuples(index=False)
        again = [(id_, one.encode()) for id_, one in entries(30)]
        stream = view.follower.source.streams[0]
        view.follower.take(StreamUpdate(stream, [(f"{id_}@1", one) for id_, one in again], reset=True))
        assert found in list(view.alarms.itertuples(index=False))
        view.follower.take(StreamUpdate(stream, again, rewound=True))
        assert view.alarms.empty

    @pytest.mark.further
    def test_what_it_went_to_is_what_it_was_when_it_left_whenever_one_looks(self):
        back = entries(600, mean=0.9, start="2026-11-26T15:00", seed=2)
        view = view_of(followed([*entries(100, mean=0.45), *back]), compare=earlier())
        drifted = view.alarms[view.alarms["kind"] == "drift"].iloc[0]
        assert float(drifted["to"]) < 0.55

    @pytest.mark.further
    def test_a_figure_without_alarms_is_named(self):
        view = view_of(followed(entries(150, mean=0.5)), compare=earlier(5), panels=[])
        assert "no drift alarms of confidence, whose 5 decisions to compare with are too few" in said(view)
        steady = view_of(followed(entries(60, mean=1.2)), compare=earlier(mean=1.2), panels=[])
        assert "no drift alarms" not in said(steady)


@pytest.mark.thorough
@pytest.mark.parametrize(("share", "found"), [(1e-9, 0), (1e9, 1)])
def test_alarms_are_looked_for_less_often_where_a_look_is_dear(share, found, monkeypatch):
    monkeypatch.setattr(compared, "_EVERY", 0.0)
    monkeypatch.setattr(compared, "_SHARE", share)
    contents = view_of(followed(entries(20)), compare=earlier(mean=0.7))._contents
    contents.look(at_once=False)
    contents._follower.feed(entries(120, mean=0.5, start="2026-11-27T10:00", seed=2))
    contents.look(at_once=False)
    assert len(contents.compared.alarms.known) == found
    contents.look()
    assert len(contents.compared.alarms.known) == 1


@pytest.mark.further
def test_pictures_do_not_wait_for_a_look_and_what_it_finds_is_drawn_although_nothing_comes(monkeypatch):
    view = view_of(followed(entries(150, mean=0.5)), compare=earlier(), panels=["confidence_over_time"])
    look, sent = view._contents.look, []
    monkeypatch.setattr(view._contents, "look", lambda at_once=True: sent.append("look") or look(at_once))
    monkeypatch.setattr(view, "_tell", lambda kind, *_, **facts: sent.append(kind))
    monkeypatch.setattr(type(view._redraws), "is_running", True)
    marks = []
    for _ in range(3):
        view._scheduler._not_before = 0.0
        view._scheduler.take(150)
        marks.append(len(view._contents.panels[0].options(ViewOptions()).get("marks", ())))
    assert sent == ["round", "list", "look"] * 2
    assert marks == [1, 1, 1]


def test_grey_is_told_from_paper_and_from_ink_on_light_and_dark():
    for style in ("default", "dark_background"):
        with pyplot.style.context(style):
            ax = charts.confidence(sample(50), figsize="column")
            line, bar = shade(ax, EARLIER), shade(ax, EARLIER_AREA)
            paper = shade(ax, 0)
            assert contrast(line, paper) >= 3
            assert contrast(line, ink(ax)) >= 3
            assert contrast(bar, paper) >= 1.3


def test_the_interval_of_a_difference_holds_at_every_look():
    random, n, outside = np.random.default_rng(0), np.arange(1.0, 401), 0
    for _ in range(100):
        before = float((random.random(200) < 0.3).sum())
        now = np.cumsum(random.random(400) < 0.3)
        found = difference_sequence(now, n, np.full(400, before), np.full(400, 200.0))
        outside += bool(((found.low > 0) | (found.high < 0)).any())
    assert outside <= 5
    far = difference_sequence(*(np.array([one]) for one in (900.0, 1_000.0, 500.0, 1_000.0)))
    assert 0.3 < far.low[0] < far.value[0] < far.high[0] < 0.5
    none = difference_sequence(*(np.array([one]) for one in (1.0, 1.0, 0.0, 0.0)))
    assert np.isnan([none.value[0], none.low[0]]).all()


def test_what_an_earlier_run_has_in_another_group_alone_is_counted():
    def run(**choices):
        votes = {
            model: [{"voter": "a", "choice": one} for one in chosen] for model, chosen in choices.items()
        }
        decision = {"recommendation": "x", "confidence": 0.5}
        return lab.read(
            [
                json.dumps({"decision": decision | {"votes": [vote]}, "meta": {"model": model}})
                for model, cast in votes.items()
                for vote in cast
            ]
        )

    ax = charts.votes(run(m="xx", k="y"), by="meta.model", before=run(m="xy", k="y"))
    assert "1 of the earlier run not drawn" in charts.caption(ax)
