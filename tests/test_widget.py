"""The view without a browser: what it says to a page and answers, its still, what it leaves behind."""

import gzip
import html
import json
import math
import re
import time
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from ipywidgets import VBox
from ipywidgets.widgets.widget import _instances
from matplotlib.figure import Figure
from traitlets.config import Config
from waiting import our_threads, until

import mastermind_lab as lab
from mastermind_lab.arena import Arena, payloads
from mastermind_lab.envelope import DEFAULT_STREAM_NAME as STREAM
from mastermind_lab.frames import Account
from mastermind_lab.stream import StreamUpdate, publish_payloads
from mastermind_lab.stream.cursor import Gap
from mastermind_lab.widget import cells, judged, text
from mastermind_lab.widget.controls import Choices, ViewOptions
from mastermind_lab.widget.panels import PANELS, TABLES, Panel, data_of, panels
from mastermind_lab.widget.redraw import RedrawScheduler, Seldom
from mastermind_lab.widget.rows import rejects_of, rows_of, short
from mastermind_lab.widget.selection import condition, groups_of

HOSTILE = [
    f"{before}{what}{after}"
    for before in ("", '">', "</td>", "\u202e")
    for after in ("", "\x00", "&#x41;", "\n")
    for what in (
        "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "<svg/onload=alert(1)>",
        "javascript:alert(1)", "<a href='javascript:alert(1)'>x</a>", "<style>*{display:none}</style>",
        "[x](javascript:alert(1))", "<iframe src=//x>", "' onmouseover='alert(1)", "\x1b[31mred",
        "<details open ontoggle=alert(1)>", "<b data-x='y'>bold</b>", "{{7*7}}",
    )
]  # fmt: skip


PICTURES = len(PANELS) - len(TABLES)
EVENTS = [("pre_run_cell", cells._began), ("post_run_cell", cells._ended)]


@pytest.fixture(scope="module")
def numbered():
    made = payloads(Arena(4), 120, malformed=0.1)
    return [(f"{1_700_000_000_000 + 1_000 * place}-0", one) for place, one in enumerate(made)]


@pytest.fixture
def follower(numbered):
    follower = lab.Follower("redis://localhost:1")
    follower.feed(numbered)
    return follower


class Shell(InteractiveShell):
    """IPython that knows, as a notebook's does, which cell it runs."""

    def get_parent(self):
        return {"metadata": {"cellId": "a"}, "header": {"msg_id": "1"}}


@pytest.fixture
def shell():
    yield Shell.instance(config=Config({"HistoryManager": {"enabled": False}}))
    Shell.clear_instance()


def view_of(follower, **options):
    """A view, and all that it sends to its page from now on."""
    view = lab.LiveView(follower, **options)
    view.sent = []
    view.send = lambda content, buffers=None: view.sent.append(content | {"buffers": buffers})
    return view


def told(view, kind):
    """Return the last that was said of a kind."""
    return [one for one in view.sent if one["kind"] == kind][-1]


def asked(view, ask, **more):
    """Ask as a page does, and return the answer."""
    view._answers.take({"ask": ask, "number": 7, **more})
    answer = told(view, "answer")
    assert answer["number"] == 7
    return answer


def decided(count=1, **more):
    """Decisions, one a second, of two models in turn."""
    made = (
        {"recommendation": f"r{n}", "confidence": n % 10 / 10, "question": f"q{n}?"} | more
        for n in range(count)
    )
    return [
        (f"{n + 1}-0", json.dumps({"decision": one, "published_at": f"2026-11-26T10:00:{n % 60:02}Z",
                                   "meta": {"model": "ab"[n % 2]}}))
        for n, one in enumerate(made)
    ]  # fmt: skip


def fed(entries, **options):
    follower = lab.Follower("redis://localhost:1", **options)
    follower.feed(entries)
    return follower


def wait_for(expected):
    """Wait until just these threads of ours are there: while a follower begins, another one fetches pages."""
    end = time.monotonic() + 30
    while our_threads() != expected and time.monotonic() < end:
        time.sleep(0.02)
    assert our_threads() == expected


@pytest.mark.once
class TestText:
    def test_hostile_text_is_text(self):
        assert len(HOSTILE) >= 200
        for hostile in HOSTILE:
            inside = re.fullmatch(r"<bdi>(.*)</bdi>", text.shown(hostile))[1]
            assert not {"<", ">", '"', "'"} & set(inside)
            assert not set(html.unescape(inside)) & {"\x00", "\x1b", "\n", "\u202e"}
            assert not set(short(hostile)) & {"\x00", "\x1b", "\n", "\u202e"}

    @pytest.mark.parametrize(("value", "expected"), [(None, ""), (float("nan"), ""), (0.5, "<bdi>0.5</bdi>")])
    def test_what_is_missing_is_nothing(self, value, expected):
        assert text.shown(value) == expected

    def test_long_text_is_cut(self):
        assert len(text.shown("x" * 100_000)) < 200

    def test_every_way_out_is_escaped(self):
        evil = "<img src=x onerror=alert(1)>"
        votes, tree = [{"voter": evil, "choice": evil}], {"claim": evil, "stance": evil}
        core = {
            "recommendation": evil,
            "question": evil,
            "rationale": evil,
            "votes": votes,
            "argument_tree": tree,
        }
        follower = fed([*decided(**core), ("9-0", evil)])
        follower._set(error=evil)
        still = view_of(follower, panels=[*TABLES])._repr_mimebundle_()[0]["text/html"]
        [row] = rows_of(follower.history())
        for shown in (still, row["card"]):
            assert "<img" not in shown
            assert "&lt;img" in shown
        assert row["recommendation"] == evil  # a page shows it as text

    def test_the_status_line(self):
        def said(**known):
            status = lab.live.Status(state="live", received=1_200, **known)
            line = text.status_line(status, text.status_items(status, "here", ("s",), ""))
            return re.sub(r"<[^>]*>", " ", line).replace("&middot;", "|").split("|")

        plain = ["live", "s at here", "1,200 received", "0.0 a second", "no rejects", "no gaps"]
        assert [" ".join(one.split()) for one in said()] == plain
        known = {"rate": 2.5, "lag": 0.5, "rejected": 3, "trimmed": 7, "resets": 2, "error": "no answer"}
        assert [" ".join(one.split()) for one in said(**known)] == [
            "live", "s at here", "1,200 received", "2.5 a second", "lag 0.50 s", "3 rejects",
            "7 trimmed unseen", "began again 2 times no answer",
        ]  # fmt: skip

    def test_gaps_are_said_as_surely_as_they_are_known(self):
        follower = fed(decided(3))
        stream = follower.source.streams[0]

        def said(**more):
            follower.take(StreamUpdate(stream, [], **more))
            return text.status_items(follower.status, "here", ("s",))[5:]

        assert said() == ["gaps not known"]  # of what is fed by hand
        assert said(account=Account(missing=0, certainty="exact"), gap=Gap("3-0", "9-0", 2, "exact")) == [
            "2 trimmed unseen"
        ]
        assert said(gap=Gap("3-0", "9-0", 5, "at most")) == ["at most 7 trimmed unseen"]
        assert said(reset=True) == ["7 trimmed unseen, perhaps more", "began again once"]
        assert follower.history().coverage["certainty"].tolist() == ["not verified"]
        follower = fed(decided(3))
        assert said(account=Account(certainty="not verified")) == [
            "gaps not known"
        ]  # an old server cannot tell

    def test_rows_are_of_the_newest_first_with_their_most_frequent_choices(self):
        votes = [{"voter": f"v{n}", "choice": one} for n, one in enumerate("aabbcdef")]
        rows = rows_of(fed(decided(13, votes=votes)).history())
        assert [row["recommendation"] for row in rows] == [f"r{n}" for n in range(12, -1, -1)]
        first = rows[0]
        assert (first["id"], first["when"], first["confidence"]) == ("13-0", "2026-11-26 10:00:12", 0.2)
        assert (first["question"], first["votes"]) == ("q12?", "a 2; b 2; c 1; d 1; 2 more")
        assert first["time"] == pd.Timestamp("2026-11-26 10:00:12").timestamp() / 86_400
        assert "q12?" in first["card"]

    def test_what_nobody_said_is_nothing(self):
        [row] = rows_of(lab.read([b'{"decision": {"recommendation": "a", "confidence": 0}}']))
        assert (row["question"], row["votes"], row["confidence"]) == ("", "", 0)


class TestView:
    @pytest.mark.further
    def test_its_still_has_pictures_tables_and_text(self, follower):
        still, _ = view_of(follower)._repr_mimebundle_()
        assert still["text/html"].count('class="mastermind-still"') == PICTURES
        assert still["text/html"].count("data:image/png;base64,") == PICTURES
        assert "Latest decisions" in still["text/html"]
        assert "Rejects (" in still["text/html"]
        assert still["text/plain"] == repr(view_of(follower))
        assert "application/vnd.jupyter.widget-view+json" in still

    @pytest.mark.further
    def test_what_is_behind_it(self, follower):
        view = view_of(follower)
        assert len(view.history) == len(view.decisions) == len(view.selected) == len(follower.history())
        assert isinstance(view.figure, Figure)
        assert len(view.figure.axes) == PICTURES
        assert (view.status, view.status.received) == (follower.status, 120)

    def test_it_begins_as_it_is_asked_to(self, follower):
        view = lab.follow(follower, by="meta.model", window=20, threshold=0.9)
        view._round()
        view.stop()
        assert view._contents.choices.chosen == ViewOptions(20, "meta.model", 0.9)
        assert "below 0.9 (" in view._contents.items(view.status)[-1]

    @pytest.mark.further
    def test_what_stands_of_a_decision_is_made_once_until_it_is_marked(self, follower, numbered, monkeypatch):
        view, made = view_of(follower), []
        rows_made = judged.rows_of

        def counting(history, *notes):
            made.append(len(history))
            return rows_made(history, *notes)

        monkeypatch.setattr(judged, "rows_of", counting)
        for fresh in ([], [("1800000000000-0", numbered[0][1]), ("1800000000001-0", numbered[1][1])], []):
            follower.feed(fresh)
            view._round()
            newest = follower.history(last=24)
            assert told(view, "list")["rows"] == rows_made(newest)
        assert made[1:] == [2]
        asked(view, "mark", id="1800000000000-0", was="right")
        view._round()
        assert [row["was"] for row in told(view, "list")["rows"]][:3] == ["", "right", ""]

    def test_closed_it_leaves_no_widget(self, follower):
        before = set(_instances)
        view = lab.LiveView(follower)
        box = VBox([view])
        assert len(set(_instances) - before) > 2
        for widget in (view, box.layout, box):
            widget.close()
        view.close()
        assert set(_instances) == before

    @pytest.mark.further
    def test_the_output_is_exchanged_for_the_last_pictures_when_it_ends(self, shell, follower):
        view = view_of(follower)
        with capture_output() as displayed:
            view._ipython_display_()
            view.stop()
        first, last = displayed._outputs
        assert (first.get("update", False), last["update"]) == (False, True)
        assert first["transient"] == last["transient"]
        assert "application/vnd.jupyter.widget-view+json" in first["data"]
        assert sorted(last["data"]) == ["text/html", "text/plain"]
        assert "data:image/png;base64," in last["data"]["text/html"]

    @pytest.mark.further
    def test_the_first_still_has_what_was_there_already(self, shell, redis_url):
        list(publish_payloads(redis_url, STREAM, [one.encode() for _, one in decided(30)]))
        with capture_output() as displayed:
            view = lab.follow(redis_url, panels=["confidence"])
            view._ipython_display_()
            view.close()
        assert "30 received" in displayed._outputs[0]["data"]["text/html"]

    def test_nothing_yet(self):
        view = view_of(lab.Follower("redis://localhost:1"))
        assert "no decisions yet" in view._repr_mimebundle_()[0]["text/html"]
        view._round()
        assert told(view, "list")["rows"] == []
        assert asked(view, "find", panel=0, x=[0, 1], y=None)["count"] == 0

    @pytest.mark.further
    def test_all_pictures_of_a_round_are_of_one_moment(self):
        follower = fed(decided(30), keep=5)
        view = view_of(follower, panels=["confidence_over_time", "confidence", lambda history, ax: ax])
        view._round()
        drawn = told(view, "round")
        over_time, confidence, own = drawn["panels"]
        assert (over_time["n"], confidence["n"], drawn["count"]) == ("n = 5 decisions",) * 2 + (30,)
        follower.feed([(f"{100 + place}-0", one) for place, (_, one) in enumerate(decided(200))])
        view._round()
        assert {one["n"] for one in told(view, "round")["panels"][:2]} == {"n = 205 decisions"}
        assert len(view.history) == 5
        assert len(own["marks"]) == 0
        assert [len(numbers) % 4 for numbers in drawn["buffers"]] == [0, 0, 0]

    def test_what_is_no_longer_shown_is_counted_no_more_but_for_what_was_chosen_at_first(self):
        follower = fed(decided(30), keep=5)
        view = view_of(follower, panels=["confidence", "votes"])
        view._round()
        known = len(follower._summaries)
        for place in range(20):
            view._contents.choices.choose(threshold=place / 20)
            view._round()
        assert len(follower._summaries) == known + 1  # that of confidence below another threshold
        follower.feed([(f"{100 + place}-0", one) for place, (_, one) in enumerate(decided(200))])
        view._round()
        assert told(view, "round")["panels"][0]["n"] == "n = 205 decisions"
        view._contents.choices.choose(threshold=0.1)
        view._round()
        assert told(view, "round")["panels"][0]["n"] == "n = 5 decisions"
        view._contents.choices.choose(threshold=0.5)
        view._round()
        assert told(view, "round")["panels"][0]["n"] == "n = 205 decisions"
        assert len(follower._summaries) == known

    def test_a_new_decision_is_said_at_once_and_the_newest_of_a_flood(self, follower):
        view = view_of(follower, refresh=0.05)
        view._view_count = 1
        view.stop()
        view.sent.clear()
        follower.on_batch(view._came)
        follower.feed([("1900000000000-0", decided()[0][1])])
        [news] = view.sent  # though nobody draws
        assert (news["kind"], news["count"], len(news["points"])) == ("news", 121, 1)
        follower.feed([(f"{1_900_000_000_001 + n}-0", one) for n, (_, one) in enumerate(decided(900))])
        assert view.sent == [news]  # no more often than asked
        view._tell_news()
        news = told(view, "news")
        assert (news["count"], len(news["points"])) == (1_021, 200)
        id_, when, sure = news["points"][-1]
        assert (id_, sure) == ("1900000000900-0", 0.9)
        assert when == pd.Timestamp("2026-11-26 10:00:59").timestamp() / 86_400
        view.sent.clear()
        view._tell_news()
        assert view.sent == []

    def test_a_point_says_how_much_it_stands_for(self, follower):
        [panel] = panels(["confidence_over_time"])[0]
        [summary] = data_of([panel], follower, ViewOptions())
        facts, _ = panel.draw(summary, ViewOptions())
        days, height = facts["cell"]
        assert (facts["selects"], height) == (("published_at", "confidence"), 0.01)
        assert days * 86_400 == summary.width.total_seconds()

    @pytest.mark.further
    def test_what_cannot_be_translated_is_a_picture(self, follower):
        def formula(history, ax):
            return ax.set_title("$x^2$")

        from matplotlib import pyplot

        view = view_of(follower, panels=[formula, lambda history: pyplot.subplots(2)[1][0]])
        view._round()
        drawn = told(view, "round")
        assert [one["picture"] for one in drawn["panels"]] == [True, True]
        assert all(one.startswith(b"\x89PNG") for one in drawn["buffers"])
        assert pyplot.get_fignums() == []

    @pytest.mark.further
    def test_a_window_and_a_function_of_ones_own(self, follower):
        seen = []

        def mine(history, ax):
            seen.append(len(history) + len(history.rejects))
            return ax

        for window in (20, timedelta(seconds=9)):
            view_of(follower, panels=[mine], choice=ViewOptions(window=window))._round()
        assert seen == [20, 10]

    def test_a_panel_that_fails_harms_no_other(self, follower):
        def bad(history, ax):
            raise ZeroDivisionError("mine")

        view = view_of(follower, panels=[bad, "confidence"])
        assert view._repr_mimebundle_()[0]["text/html"].count("data:image/png") == 1
        view._round()
        first, second = told(view, "round")["panels"]
        assert first["fault"] == "bad: ZeroDivisionError: mine"
        assert second["marks"]

    @pytest.mark.parametrize(
        ("options", "wrong"),
        [
            ({"panels": ["typo"]}, "no panel 'typo': there are agreement"), ({"panels": "votes"}, "a list"),
            ({"refresh": 0}, "refresh=0"), ({"refresh": True}, "refresh=True"),
            ({"refresh": 100}, "refresh=100"), ({"panels": [["votes"]]}, "no panel .*there are agreement"),
            ({"choice": ViewOptions(by=5)}, "by=5: expected the name of one column"),
            ({"choice": ViewOptions(by="")}, "by=''"), ({"choice": ViewOptions(by=["meta.a"])}, "by="),
        ],
    )  # fmt: skip
    def test_options_that_make_no_sense(self, follower, options, wrong):
        with pytest.raises(lab.OptionError, match=wrong):
            view_of(follower, **options)

    @pytest.mark.further
    def test_it_shows_what_it_is_asked_to_in_that_order(self, follower):
        def mine(history, ax):
            return ax

        view = view_of(follower, panels=["rejects", mine, "votes"], refresh=20)
        facts = view.page_facts  # behind what is asked for are the pictures of what will be marked
        assert (facts["panels"][: facts["asked"]], facts["tables"]) == (["mine", "votes"], ["rejects"])
        view._round()
        listed = told(view, "list")
        assert "rows" not in listed
        assert listed["rejects"]["total"] == follower.status.rejected
        ids = [row[0] for row in listed["rejects"]["rows"]]
        assert ids == follower.history().rejects["stream_id"].tolist()[:-9:-1]
        assert listed["rejects"]["rows"] == rejects_of(follower.latest("rejects", 8), 8)

    @pytest.mark.further
    def test_it_says_how_many_are_unsure(self, follower):
        view = view_of(follower, panels=["decisions"], choice=ViewOptions(threshold=0.7))
        view._round()
        view._say(view.status)
        counted = lab.stats.Confidence.of(follower.history(), threshold=0.7, interval="anytime")
        row = counted.table().iloc[0]
        share, low, high = (row[f"share_below{name}"] for name in ("", "_low", "_high"))
        said = f"{share:.0%} below 0.7 (95% interval, however often you look: {low:.0%} to {high:.0%})"
        assert said in told(view, "status")["items"]
        [panel] = view_of(follower, panels=["confidence"])._contents.panels
        assert "hold at every look" in " ".join(data_of([panel], follower, ViewOptions())[0].notes)
        assert data_of([panel], follower, ViewOptions(window=50))[0].intervals.kind == "bootstrap"

    def test_options_of_the_follower_are_set_where_it_is_made(self, follower):
        with pytest.raises(lab.OptionError, match="keep, stream: options of the follower that is given"):
            lab.follow(follower, keep=5, stream="s")
        view = lab.follow("redis://localhost:1", keep=5, stream="s", panels=["decisions"], refresh=0.5)
        assert (view.follower.source.streams, view._contents.choices.chosen) == (("s",), ViewOptions())
        view.close()
        for wrong in ({"refresh": 0}, {"window": "soon"}):
            with pytest.raises(lab.OptionError, match=f"{next(iter(wrong))}="):
                lab.follow("redis://localhost:1", **wrong)

    @pytest.mark.once
    @pytest.mark.further
    def test_no_thread_is_left(self, redis_url):
        view = lab.follow(redis_url)
        wait_for(["mastermind-follower", "mastermind-redraw"])
        view.stop()
        view.stop()
        assert our_threads() == []
        view.start()
        wait_for(["mastermind-follower", "mastermind-redraw"])
        view.close()
        assert our_threads() == []

    @pytest.mark.further
    def test_nobody_looks_nothing_is_drawn_and_at_last_it_sleeps(self, redis_url, monkeypatch):
        monkeypatch.setattr("mastermind_lab.widget.view._FORGOTTEN_AFTER", 60)
        view = lab.follow(redis_url)
        view._view_count = 1
        view._view_count = 0
        view._redraw()
        wait_for(["mastermind-follower", "mastermind-redraw"])  # out of sight for a moment only
        monkeypatch.setattr("mastermind_lab.widget.view._FORGOTTEN_AFTER", 0.3)
        wait_for([])
        view._view_count = 1
        wait_for(["mastermind-follower", "mastermind-redraw"])
        view.stop()
        view._view_count = 0
        view._view_count = 1
        assert our_threads() == []  # one that was stopped stays so

    @pytest.mark.further
    def test_one_that_is_stopped_in_its_sleep_does_not_wake(self, redis_url, monkeypatch):
        monkeypatch.setattr("mastermind_lab.widget.view._FORGOTTEN_AFTER", 0.1)
        view = lab.follow(redis_url)
        view._view_count = 1
        view._view_count = 0
        wait_for([])
        view.stop()
        view._view_count = 1
        assert our_threads() == []
        view.close()

    @pytest.mark.further
    def test_a_follower_that_others_began_goes_on_when_the_view_sleeps_or_is_closed(
        self, redis_url, monkeypatch
    ):
        monkeypatch.setattr("mastermind_lab.widget.view._FORGOTTEN_AFTER", 0.1)
        follower = lab.Follower(redis_url).start()
        view = lab.follow(follower)
        view._view_count = 1
        view._view_count = 0
        wait_for(["mastermind-follower"])
        view._view_count = 1
        wait_for(["mastermind-follower", "mastermind-redraw"])
        view.close()
        assert our_threads() == ["mastermind-follower"]
        view = lab.follow(follower)
        view.stop()  # whoever began it
        assert our_threads() == []
        view.close()

    @pytest.mark.further
    def test_decisions_are_counted_for_who_hears_of_them(self, follower):
        view = view_of(follower)
        view._round()
        before = told(view, "list")["decided"]
        assert before == view.status.received - view.status.rejected
        follower.feed(
            [("1900000000000-0", "broken"), *((f"190000000000{n}-0", decided()[0][1]) for n in (1, 2))]
        )
        view._round()
        assert told(view, "list")["decided"] == before + 2

    @pytest.mark.further
    def test_a_page_says_what_cannot_be_opened_on_it_only_where_that_is_so(
        self, follower, monkeypatch, tmp_path
    ):
        view = view_of(follower, panels=[])
        assert view.status.rejected
        assert "can be opened" not in view.save(tmp_path / "all.html").read_text("utf-8")
        monkeypatch.setattr("mastermind_lab.widget.saved._MOST", 7)
        page = view.save(tmp_path / "some.html").read_text("utf-8")
        assert f"Of {view.status.received} entries only the newest 7 decisions can be opened" in page

    @pytest.mark.further
    def test_before_a_page_has_said_anything_it_is_told_all_again_and_again(self, follower, monkeypatch):
        view = view_of(follower, panels=["decisions"])
        monkeypatch.setattr("mastermind_lab.widget.cells.idle_for", lambda: 0.0)
        view._redraw()
        assert view.sent == []
        view._is_displayed = True
        for _ in range(2):
            view._scheduler._not_before = 0.0
            view._redraw()
        assert [one["kind"] for one in view.sent] == ["status", "round", "list"] * 2
        view._view_count = 1
        view.sent.clear()
        view._redraw()
        view._redraw()
        assert len([one for one in view.sent if one["kind"] == "round"]) <= 1
        monkeypatch.setattr("mastermind_lab.widget.cells.idle_for", lambda: 5.0)
        view._view_count = None
        assert not view._is_watched()
        view.close()


class TestAnswers:
    @pytest.fixture
    def view(self):
        return view_of(fed([*decided(60), ("99-0", "broken")]))

    @pytest.mark.further
    def test_a_notebook_that_counts_no_views_is_told_by_the_page_how_many_there_are(self, follower):
        view = view_of(follower)
        assert not view._is_watched()
        for count in (2, 1, 0):
            assert asked(view, "shown", views=count).keys() == {"kind", "page", "number", "buffers"}
            assert view._is_watched() == (count > 0)
            view.stop()
        for wrong in (-1, "many", None, [1]):
            asked(view, "shown", views=wrong)
            assert not view._is_watched()
        view.close()

    def test_an_opened_decision(self, view):
        [row] = asked(view, "open", id="4-0")["rows"]
        assert (row["id"], row["question"]) == ("4-0", "q3?")
        assert "q3?" in row["card"]
        assert "4000-0" in asked(view, "open", id="4000-0")["wrong"]

    @pytest.mark.parametrize(
        ("panel", "selects"), [(0, ("published_at", "confidence")), (1, ("confidence", None))]
    )
    def test_what_lies_in_a_part_of_a_picture_is_what_pandas_finds(self, view, panel, selects):
        start = pd.Timestamp("2026-11-26 10:00:00").timestamp() / 86_400
        x = [start + 3.5 / 86_400, start + 41 / 86_400] if panel == 0 else [0.25, 0.7]
        y = [0.25, 0.7] if panel == 0 else None
        found = asked(view, "list", panel=panel, x=x, y=y) and told(view, "chosen")
        expected = view.decisions.query(found["where"])
        assert 12 < len(expected) < 40
        assert (found["count"], len(found["rows"])) == (len(expected), 12)
        assert [row["id"] for row in found["rows"]] == expected["stream_id"].tolist()[::-1][:12]
        assert view.selected.decisions["stream_id"].tolist() == expected["stream_id"].tolist()
        assert found["where"] == condition(selects, (x, y))
        asked(view, "all")
        assert len(view.selected) == 60

    def test_a_point_is_looked_at_without_being_chosen(self, view):
        assert asked(view, "find", panel=1, x=[0, 0.05], y=None)["count"] == 6
        assert len(view.selected) == 60
        assert asked(view, "find", panel=2, x=[0, 1], y=None)["count"] == 0  # its dots are no decisions

    def test_decisions_that_say_no_time_are_found_where_they_came(self):
        stamp = int(pd.Timestamp("2026-11-26 10:00:10.5").timestamp() * 1000)
        undated = json.dumps({"decision": {"recommendation": "late", "confidence": 0.9}})
        view = view_of(fed([*decided(20), (f"{stamp}-0", undated)]))
        start = pd.Timestamp("2026-11-26 10:00:00").timestamp() / 86_400
        x = [start + 9.5 / 86_400, start + 12.5 / 86_400]
        found = asked(view, "list", panel=0, x=x, y=None) and told(view, "chosen")
        expected = view.decisions.query(found["where"])["stream_id"].tolist()
        assert expected == ["11-0", "12-0", "13-0", f"{stamp}-0"]
        assert [row["id"] for row in found["rows"]] == expected[::-1]
        assert view.selected.decisions["stream_id"].tolist() == expected

    def test_only_the_page_that_asks_takes_an_answer_and_all_hear_what_is_chosen(self, view):
        view._answers.take({"ask": "list", "page": 0.25, "number": 3, "panel": 1, "x": [0, 0.05]})
        chosen, answer = view.sent
        assert (chosen["kind"], chosen["page"], chosen["number"], chosen["count"]) == ("chosen", 0.25, 3, 6)
        assert (answer["kind"], answer["page"], answer["number"]) == ("answer", 0.25, 3)
        asked(view, "hello", page=0.75)  # loaded again, it shows what view.selected still is
        assert (told(view, "chosen")["count"], len(view.selected)) == (6, 6)
        asked(view, "list", panel=1, x=[1e99, "a"])
        assert (told(view, "chosen")["count"], len(view.selected)) == (6, 6)
        asked(view, "all", page=0.75)
        assert ("where" in told(view, "chosen"), len(view.selected)) == (False, 60)
        asked(view, "hello", page=["odd"])
        assert (told(view, "answer")["page"], "where" in told(view, "chosen")) == (None, False)

    def test_what_is_found_lies_in_the_part_of_the_history_that_is_shown(self):
        view = view_of(fed(decided(300)))
        asked(view, "choose", window="last 100")
        found = asked(view, "find", panel=1, x=[0, 1], y=None)
        assert (found["count"], found["of"]) == (100, "the last 100")
        asked(view, "list", panel=1, x=[0, 1], y=None)
        asked(view, "choose", window="all decisions")
        assert len(view.selected) == 100
        assert asked(view, "find", panel=1, x=[0, 1], y=None)["of"] == ""

    @pytest.mark.parametrize(
        "values",
        [
            ["m0", "m1", "m2", None], ["it's", '"', "`x`", "@x", "a\\b\n"], [1, 2, 3, 4, None],
            [0.5, 1.5, 2.5, 3.5], [True, "x", "None", 7], [*map(str, range(14)), None],
        ],
    )  # fmt: skip
    def test_a_part_of_a_small_picture_is_of_its_group_alone(self, values):
        envelopes = [
            json.loads(one) | {"meta": {"k": values[n % len(values)]}}
            for n, (_, one) in enumerate(decided(60))
        ]
        follower = fed([(f"{n + 1}-0", json.dumps(one)) for n, one in enumerate(envelopes)])
        view = view_of(follower, panels=["confidence_over_time"], choice=ViewOptions(by="meta.k"))
        view._round()
        ids = []
        for part in told(view, "round")["panels"][0]["parts"]:
            asked(view, "list", panel=0, part=part["title"], x=[0, 1e5])
            found = told(view, "chosen")
            assert f"n = {found['count']}" == part["n"].split(",")[0]
            assert view.decisions.query(found["where"])["stream_id"].tolist() == [
                *view.selected.decisions["stream_id"]
            ]
            ids += view.selected.decisions["stream_id"].tolist()
        assert len(ids) == len(set(ids)) == 60
        assert asked(view, "find", panel=0, part="gone", x=[0, 1])["wrong"]

    def test_what_is_asked_of_a_small_picture_is_not_answered_of_all_when_it_is_gone(self):
        values = [json.loads(one) | {"meta": {"k": n % 4}} for n, (_, one) in enumerate(decided(40))]
        follower = fed([(f"{n + 1}-0", json.dumps(one)) for n, one in enumerate(values)])
        view = view_of(follower, panels=["confidence_over_time"], choice=ViewOptions(by="meta.k"))
        view._round()
        question = {"panel": 0, "part": told(view, "round")["panels"][0]["parts"][0]["title"], "x": [0, 1e5]}
        assert asked(view, "find", **question)["count"] == 10
        view._contents.choices.choose(by="")
        view._round()
        assert "no longer drawn" in asked(view, "find", **question)["wrong"]
        assert "no longer drawn" in asked(view, "list", **question)["wrong"]
        assert len(view.selected) == 40

    def test_what_came_without_a_time_is_chosen_too_although_it_came_later(self):
        follower = fed(decided(20))
        view = view_of(follower)
        start = pd.Timestamp("2026-11-26 10:00:00").timestamp() / 86_400
        asked(view, "list", panel=0, x=[start, start + 1], y=None)
        stamp = int(pd.Timestamp("2026-11-26 11:00").timestamp() * 1000)
        undated = json.dumps({"decision": {"recommendation": "late", "confidence": 0.9}})
        follower.feed([(f"{stamp}-0", undated)])
        assert len(view.selected) == 21

    def test_a_part_of_the_history_in_which_a_column_never_came_is_one_group(self):
        follower = fed(decided(4_096))  # so many that what comes behind them lies apart
        plain = json.dumps(json.loads(decided()[0][1]) | {"meta": {}, "correlation_id": "c"})
        follower.feed([(f"{10_000 + n}-0", plain) for n in range(100)])
        view = view_of(follower, choice=ViewOptions(100, "meta.model"))
        asked(view, "mark", id="10000-0", was="right")
        view._round()
        drawn = told(view, "round")["panels"]
        assert [one.get("fault") for one in drawn] == [None] * len(drawn)
        assert drawn[1]["title"] == "Confidence by model"
        assert "n = 100" in drawn[1]["n"]

    @pytest.mark.further
    def test_choices_draw_all_again(self, view):
        view._round()
        assert told(view, "list")["choices"]["columns"] == [["meta.model", "model"]]
        asked(view, "choose", by="meta.model")
        view._round()
        assert "by model" in told(view, "round")["panels"][0]["title"]
        asked(view, "choose", window="last 100", threshold=0.75)
        assert view._contents.choices.chosen == ViewOptions(100, "meta.model", 0.75)
        asked(view, "choose", by="")
        assert view._contents.choices.chosen.by is None

    def test_what_is_chosen_or_marked_after_the_end_is_drawn_as_well(self):
        one = json.dumps(json.loads(decided()[0][1]) | {"correlation_id": "c"})
        view = view_of(fed([("1-0", one)]))
        asked(view, "stop")
        mark = {"ask": "mark", "id": "1-0", "was": "right"}
        for question in ({"ask": "choose", "window": "last 100"}, mark):
            view.sent.clear()
            assert "wrong" not in asked(view, **question)
            assert [one["kind"] for one in view.sent][:2] == ["round", "list"]
        assert len(told(view, "round")["panels"]) == PICTURES + 2

    @pytest.mark.parametrize(
        "question",
        [
            {"ask": "choose", "by": "question"}, {"ask": "choose", "window": "last century"},
            {"ask": "choose", "threshold": 7}, {"ask": "choose", "by": ["meta.model"]}, {"ask": "find"},
            {"ask": "find", "panel": 99, "x": [0, 1]}, {"ask": "find", "panel": 0, "x": "now"},
            {"ask": "find", "panel": 0, "x": [1e99, 1e300]}, {"ask": "open", "id": {"a": 1}},
            {"ask": "rm"}, {},
        ],
    )  # fmt: skip
    def test_what_makes_no_sense_is_answered_with_what_is_wrong(self, view, question):
        view._answers.take({**question, "number": 1})
        assert told(view, "answer")["wrong"]
        assert view._contents.choices.chosen == ViewOptions()
        for odd in (None, "hello", 5):
            view._answers.take(odd)

    def test_the_latest_of_several_streams_are_those_that_came_last(self, monkeypatch, tmp_path):
        follower = lab.Follower("redis://localhost:1", stream=["s", "t"])
        for n, (_, one) in enumerate(decided(60), 1):
            for payload, number in ((one, 0), ("broken", 1)):
                follower.take(StreamUpdate("st"[n % 2], [(f"{n}-{number}", payload.encode())]))
        last = [f"{n}-0" + "@1" * (n % 2) for n in range(60, 0, -1)]
        view = view_of(follower, panels=["confidence", *TABLES])
        view._round()
        listed = told(view, "list")
        assert [row["id"] for row in listed["rows"]] == last[:24]
        assert [row[0] for row in listed["rejects"]["rows"]] == [one.replace("-0", "-1") for one in last[:8]]
        found = asked(view, "find", panel=0, x=[0, 1], y=None)
        assert ([row["id"] for row in found["rows"]], found["count"]) == (last[:12], 60)
        cards = view._still()["text/html"].partition("Latest decisions")[2]
        assert {n for n in range(60) if f"q{n}?" in cards} == set(range(48, 60))
        monkeypatch.setattr("mastermind_lab.widget.saved._MOST", 20)
        page = view.save(tmp_path / "page.html").read_text("utf-8")
        said = json.loads(re.search(r'id="mm-said">(.*?)</script>', page)[1])["told"]
        [rows] = [message["rows"] for message, _ in said if message["kind"] == "list"]
        assert [row["id"] for row in rows] == last[:20]

    @pytest.mark.further
    def test_its_buttons(self, view, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        asked(view, "pause", on=True)
        assert view.status.state == "paused"
        asked(view, "pause", on=False)
        assert view.status.state == "live"
        assert asked(view, "save", folder="")["said"].startswith("saved in snapshots/live")
        assert "already" in asked(view, "save", folder="")["wrong"]
        asked(view, "save", folder=f"  {tmp_path / 'kept'} ")
        assert len(lab.read("snapshots/live")) == len(lab.read(tmp_path / "kept")) == 60
        asked(view, "stop")
        assert repr(view) == "<LiveView: stopped, 61 received, 1 reject>"

    @pytest.mark.further
    def test_a_page_that_begins_to_show_it_is_told_all(self, view):
        asked(view, "hello")
        assert [one["kind"] for one in view.sent] == ["round", "list", "status", "answer"]  # none is chosen
        json.dumps(
            [{name: value for name, value in one.items() if name != "buffers"} for one in view.sent],
            allow_nan=False,
        )


class TestChoices:
    def test_they_begin_as_asked_and_say_what_is_chosen(self):
        odd = Choices(ViewOptions(70))
        assert (odd.told()["window"], odd.told()["windows"][-1]) == ("last 70", "last 70")
        parts = {}
        for name in odd.told()["windows"]:
            odd.choose(window=name)
            parts[name] = odd.chosen.window
        assert parts == {
            "all decisions": None, "last 100": 100, "last 1,000": 1_000, "last 10,000": 10_000,
            "last minute": timedelta(minutes=1), "last 15 minutes": timedelta(minutes=15),
            "last hour": timedelta(hours=1), "last 70": 70,
        }  # fmt: skip

    def test_columns_of_a_few_values_are_offered(self):
        history = fed(decided(4)).history()
        del history.decisions["meta.model"]
        history.decisions[["meta.numbers", "meta.cost"]] = [[1, 0.5], [1, 0.5], [2, 1.5], [2, 1.5]]
        for name, texts in (
            ("meta.two", "aabb"),
            ("stream", "xxyy"),
            ("meta.one", "aaaa"),
            ("meta.many", "aabc"),
            ("question", "aabb"),
        ):
            history.decisions[name] = list(texts)
        history.decisions["meta.numbers"] = history.decisions["meta.numbers"].astype("Int64")
        choices = Choices(ViewOptions(by="meta.mine"))
        choices.offer(history)
        names = [
            ["meta.mine", "mine"],
            ["meta.numbers", "numbers"],
            ["meta.two", "two"],
            ["stream", "stream"],
        ]
        assert choices.told()["columns"] == names

    @pytest.mark.further
    def test_columns_of_long_names_are_told_apart(self):
        long = "configuration_of_the_panel_in_this_experiment"
        meta = [{f"{long}_{name}": n % 2 for name in ("left", "right")} for n in range(8)]
        entries = [json.loads(one) | {"meta": some} for some, (_, one) in zip(meta, decided(8), strict=True)]
        choices = Choices(ViewOptions())
        choices.offer(fed([(f"{n + 1}-0", json.dumps(one)) for n, one in enumerate(entries)]).history())
        names = [label for _, label in choices.told()["columns"]]
        assert len(set(names)) == 2
        assert max(map(len, names)) <= 40

    def test_columns_are_offered_by_all_that_is_kept(self):
        alike = [(f"{100 + n}-0", payload) for n, (_, payload) in enumerate(decided(1) * 60)]
        view = view_of(fed([*decided(60), *alike]))
        view._round()
        assert told(view, "list")["choices"]["columns"] == [["meta.model", "model"]]


class TestPanels:
    def test_what_a_picture_is_drawn_of(self):
        follower = fed(decided(40))
        assert Panel("margin").options(ViewOptions(by="meta.model")) == {"by": "meta.model"}
        assert Panel("confidence").options(ViewOptions()) == {}
        assert Panel("confidence_over_time").title == "confidence over time"
        one = [Panel("confidence")]
        unsure = data_of(one, follower, ViewOptions(threshold=0.95))[0].table()
        assert unsure["share_below"].tolist() == [1.0]
        cut = data_of(one, follower, ViewOptions(window=9, by="meta.model"))[0].table()
        assert sorted(cut["n"]) == [4, 5]
        assert Panel("risk_coverage").kind is lab.stats.Calibration
        assert Panel(lambda history: None).kind is None
        assert np.isfinite(cut["mean"]).all()


@pytest.mark.once
class TestTurns:
    @pytest.fixture
    def clock(self, monkeypatch):
        clock = SimpleNamespace(now=100.0, spent=0.0)
        fake = SimpleNamespace(monotonic=lambda: clock.now, thread_time=lambda: clock.spent)
        monkeypatch.setattr("mastermind_lab.widget.redraw.time", fake)
        return clock

    @pytest.fixture
    def costly(self, clock):
        """What draws at a cost of 0.15 s, and when it did."""
        drawn = []

        def draw():
            clock.spent += 0.15
            drawn.append(round(clock.now, 2))

        return RedrawScheduler(draw), drawn

    def test_drawing_takes_a_share_of_the_time_and_what_came_late_is_made_up_for(self, clock, costly):
        turns, drawn = costly
        for step in range(80):
            clock.now = 100 + step / 20
            turns.take(step)
        assert drawn == [100.0, 100.55, 101.3, 102.05, 102.8, 103.55]

    def test_all_again_begins_at_once_and_what_is_the_same_is_not_drawn_twice(self, clock, costly):
        turns, drawn = costly
        turns.take(1)
        turns.take(2)
        assert len(drawn) == 1
        turns.again()
        turns.take(2)
        assert len(drawn) == 2
        clock.now += 10
        turns.take(2)
        assert len(drawn) == 2
        turns.forget()
        turns.take(2)
        assert len(drawn) == 3

    def test_what_failed_is_not_tried_again_before_its_time(self, clock):
        tried = []
        dear = Seldom(lambda: [tried.append(clock.now), 1 / 0], every=5, share=0.1)
        for clock.now in (100.0, 101.0, 104.9, 105.0):
            with suppress(ZeroDivisionError):
                dear()
        assert tried == [100.0, 105.0]

    def test_what_is_dear_takes_its_share_of_a_core(self, clock):
        done = []

        def work():
            clock.spent += 2
            done.append(clock.now)

        dear = Seldom(work, every=5, share=0.1)
        for clock.now in (100.0, 119.9, 120.0, 130.0):
            dear()
        assert done == [100.0, 120.0]
        dear(at_once=True)
        assert done[2:] == [130.0]

    def test_what_goes_wrong_where_nobody_calls_is_noted(self, follower, monkeypatch):
        view = view_of(follower)
        monkeypatch.setattr(view, "_redraw", lambda: None)
        view._redraws._failed(ZeroDivisionError("mine"))
        view._say(view.status)
        assert told(view, "status")["note"] == "ZeroDivisionError: mine"

    def test_a_press_is_seen_at_once_and_news_when_it_may_be(self):
        from mastermind_lab.widget.redraw import RepeatingThread

        calls = []
        thread = RepeatingThread(lambda: calls.append(1), 0.005, calls.append)
        thread.start()
        thread.start()
        until(lambda: calls == [1])
        thread.tell()
        time.sleep(0.05)
        assert (calls, our_threads()) == ([1], ["mastermind-redraw"])
        thread.wake()
        until(lambda: len(calls) >= 2)
        thread.stop()
        thread.start()
        until(lambda: len(calls) >= 3)
        thread.stop()
        assert our_threads() == []


def test_a_view_of_a_follower_that_failed_says_so_after_its_end_too():
    view = lab.LiveView(lab.Follower("redis://localhost:1", stream="s"))
    view.follower._set(state="failed", error="no right")
    view.stop()
    assert view.status.state == "failed"


class TestCells:
    """Which views end when a cell runs again: IPython's own message says which cell it is."""

    @pytest.fixture
    def run(self, monkeypatch):
        monkeypatch.setattr(cells, "_RUNS", {})

        def run(cell, message, deleted=(), code="x"):
            meta = {"cellId": cell, "deletedCells": list(deleted)}
            parent = {"metadata": meta, "header": {"msg_id": message}, "content": {"code": code}}
            monkeypatch.setattr(cells, "_parent", lambda: parent)
            ended = []
            cells.enter(SimpleNamespace(close=lambda: ended.append(message)))
            return ended

        return run

    def test_a_cell_that_runs_again(self, run):
        first, beside, other = run("a", "1"), run("a", "1"), run("b", "2")
        assert (first, beside) == ([], [])
        run("a", "3")
        assert (first, beside, other) == (["1"], ["1"], [])

    def test_what_follow_shows_belongs_to_its_cell(self, run):
        run("a", "1")
        view = lab.follow(lab.Follower("redis://localhost:1", stream="s"))
        run("a", "2")
        assert not view._redraws.is_running
        view.stop()

    def test_a_front_end_without_cell_ids_is_known_by_its_code(self, run):
        first, other = run(None, "1"), run(None, "2", code="y")
        assert (first, other) == ([], [])
        run(None, "3")
        assert (first, other) == (["1"], [])

    def test_outside_of_a_notebook_nothing_runs(self, monkeypatch):
        monkeypatch.setattr(cells, "_ENDED", [])
        assert cells.idle_for() == math.inf

    def test_a_cell_that_runs_is_told_from_one_that_has_ended(self, shell, monkeypatch):
        monkeypatch.setattr(cells, "_RUNS", {})
        monkeypatch.setattr(cells, "_ENDED", [])
        for _ in range(2):
            cells.enter(SimpleNamespace(close=lambda: None))
        assert cells.idle_for() == 0
        shell.user_ns["idle_for"] = cells.idle_for
        for _ in range(2):
            shell.run_cell("found = idle_for()")
            assert shell.user_ns["found"] == 0
            time.sleep(0.02)
            assert 0.02 <= cells.idle_for() < 60
        assert [shell.events.callbacks[name].count(one) for name, one in EVENTS] == [1, 1]

    def test_a_cell_that_was_deleted(self, run):
        first = run("a", "1")
        run("b", "2", deleted=["a"])
        assert first == ["1"]


class TestPage:
    def test_what_runs_in_the_browser_is_small_and_makes_no_markup_of_text(self):
        scripts = lab.LiveView._esm
        assert len(gzip.compress(scripts.encode())) < 15_000
        assert re.findall("export default", scripts) == ["export default"]
        assert not re.findall(
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function", scripts
        )
        assert not re.findall(r"\bimport\b|fetch\(|https?://(?!\))", scripts.replace("^https?:", ""))

    def test_all_of_it_is_in_the_package(self):
        there = {path.name for path in Path(lab.__file__).with_name("widget").joinpath("page").iterdir()}
        assert there == {"shared.js", "drawing.js", "picture.js", "marks.js", "view.js", "view.css"}
        assert "mm-grid" in lab.LiveView._css
        assert ".mastermind-decision" in lab.LiveView._css


def test_a_group_is_chosen_by_a_column_whatever_its_name():
    history = lab.sample(last=60)
    history.decisions["meta.a`b"] = ["x", "y", None] * 20
    groups = groups_of(lab.stats.Confidence.of(history, by="meta.a`b"), 2)
    assert [len(history.where(group.condition).decisions) for group in groups] == [20, 40]
