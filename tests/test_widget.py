"""The view without a browser: what it shows, what it refuses, what it leaves behind."""

import html
import json
import math
import re
import time
from datetime import timedelta
from types import SimpleNamespace

import pandas as pd
import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from ipywidgets.widgets.widget import _instances
from matplotlib.figure import Figure
from traitlets.config import Config
from waiting import our_threads

import mastermind_lab as lab
from mastermind_lab.arena import Arena, payloads
from mastermind_lab.widget import cells, text
from mastermind_lab.widget.controls import Controls, ViewOptions
from mastermind_lab.widget.panels import PANELS, TABLES, Panel, panels
from mastermind_lab.widget.redraw import RedrawScheduler

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
    return lab.LiveView(follower, **options)


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

    @pytest.mark.parametrize(("value", "expected"), [(None, ""), (float("nan"), ""), (0.5, "<bdi>0.5</bdi>")])
    def test_what_is_missing_is_nothing(self, value, expected):
        assert text.shown(value) == expected

    def test_long_text_is_cut(self):
        assert len(text.shown("x" * 100_000)) < 200

    def test_every_way_out_is_escaped(self, follower):
        evil = "<img src=x onerror=alert(1)>"
        history = follower.history()
        decisions = history.decisions.assign(recommendation=evil, question=evil, rationale=evil)
        votes = history.votes.assign(voter=evil, choice=evil)
        arguments = history.arguments.assign(claim=evil, stance=evil)
        rejects = history.rejects.assign(reason=evil, detail=evil, payload=evil.encode())
        mocked = SimpleNamespace(decisions=decisions, votes=votes, arguments=arguments)
        status = lab.live.Status(error=evil, last_id=evil)
        line = text.status_line(status, evil, (evil,), "")
        for shown in (text.decisions_table(mocked), text.rejects_table(rejects, 1), line):
            assert "<img" not in shown
            assert "&lt;img" in shown

    def test_the_status_line(self):
        def said(**known):
            line = text.status_line(
                lab.live.Status(state="live", received=1_200, **known), "here", ("s",), ""
            )
            return re.sub(r"<[^>]*>", " ", line).replace("&middot;", "|").split("|")

        plain = ["live", "s at here", "1,200 received", "0.0 a second", "0 rejects", "no gaps"]
        assert [" ".join(one.split()) for one in said()] == plain
        known = {"rate": 2.5, "lag": 0.5, "rejected": 3, "trimmed": 7, "resets": 2, "error": "no answer"}
        assert [" ".join(one.split()) for one in said(**known)] == [
            "live", "s at here", "1,200 received", "2.5 a second", "lag 0.50 s", "3 rejects",
            "7 trimmed unseen", "began again 2 times no answer",
        ]  # fmt: skip

    @pytest.mark.parametrize(("count", "more"), [(60, None), (61, "and 1 more"), (75, "and 15 more")])
    def test_an_opened_decision_says_how_many_votes_and_claims_are_not_shown(self, count, more):
        votes = [{"voter": f"voter {n}", "choice": "choice"} for n in range(count)]
        tree = [{"claim": f"claim {n}", "stance": "pro"} for n in range(count)]
        decision = {"recommendation": "ship", "confidence": 0.5, "question": "q?", "rationale": "why"}
        decision |= {"votes": votes, "argument_tree": tree}
        shown = text.decisions_table(lab.read([json.dumps({"decision": decision})]))
        assert re.findall(r"<p>(and .*?)</p>", shown) == ([more] * 2 if more else [])
        assert (shown.count("<bdi>voter"), shown.count("<bdi>claim")) == (min(count, 60), min(count, 60))

    def test_the_list_is_of_the_newest_first_with_their_most_frequent_choices(self):
        votes = [{"voter": "v", "choice": one} for one in "aabbcdef"]
        decided = [{"recommendation": f"r{n}", "confidence": n / 20, "votes": votes[:6]} for n in range(13)]
        decided[12]["votes"] = votes
        times = [f"2026-11-{n + 1:02} 10:20:30" for n in range(13)]
        shown = text.decisions_table(
            lab.read([json.dumps({"decision": one, "published_at": f"{when}Z"})
                      for one, when in zip(decided, times, strict=True)])
        )  # fmt: skip
        closed = re.sub("</summary>.*?</details>", "", shown)
        cells = [re.sub("<[^>]*>", "", one) for one in re.findall("<td[^>]*>(.*?)</td>", closed)]
        assert cells[0::4] == times[:2:-1]
        assert cells[1::4] == [f"r{n}" for n in range(12, 2, -1)]
        assert cells[2::4] == [f"{n / 20:.2f}" for n in range(12, 2, -1)]
        assert cells[3::4] == ["a 2; b 2; c 1; d 1; 2 more"] + ["a 2; b 2; c 1; d 1"] * 9

    def test_an_opened_decision_says_what_is_what(self):
        votes = [{"voter": "Ada", "choice": "no", "confidence": 0.25}]
        decision = {"recommendation": "ship", "confidence": 0.5, "question": "q?", "rationale": "why"}
        decision |= {"votes": votes, "argument_tree": [{"claim": "c", "stance": "con"}]}
        shown = text.decisions_table(lab.read([json.dumps({"decision": decision})]))
        plain = re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", shown))
        assert "Latest decisions published (UTC) recommendation confidence votes" in plain
        assert "Question: q? Recommendation: ship Rationale: why" in plain
        assert "Votes voter choice confidence Ada no 0.25" in plain
        assert "Arguments con : c" in plain


class TestView:
    def test_its_still_has_pictures_tables_and_text(self, follower):
        still = view_of(follower)._repr_mimebundle_()
        assert still["text/html"].count("data:image/png;base64,") == PICTURES
        assert "Latest decisions" in still["text/html"]
        assert "Rejects (" in still["text/html"]
        assert still["text/plain"] == repr(view_of(follower))
        assert "application/vnd.jupyter.widget-view+json" in still

    def test_what_is_behind_it(self, follower):
        view = view_of(follower)
        assert len(view.history) == len(view.decisions) == len(follower.history())
        assert isinstance(view.figure, Figure)
        assert len(view.figure.axes) == PICTURES

    def test_its_status_is_that_of_the_following(self, follower):
        assert view_of(follower).status == follower.status
        assert view_of(follower).status.received == 120

    def test_it_begins_as_it_is_asked_to(self, follower):
        view = lab.follow(follower, by="meta.model", window=20, threshold=0.9)
        view._draw_all()
        view.stop()
        assert view._controls.choice == ViewOptions(20, "meta.model", 0.9)
        assert (view._controls.by.value, view._controls.threshold.value) == ("meta.model", 0.9)
        assert "below 0.9 (" in view._status.value

    def test_closed_it_leaves_no_widget(self, follower):
        before = set(_instances)
        view = view_of(follower)
        view._repr_mimebundle_()
        assert len(set(_instances) - before) > 20
        view.close()
        assert set(_instances) == before

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

    def test_nothing_yet(self):
        assert (
            "no decisions yet"
            in view_of(lab.Follower("redis://localhost:1"))._repr_mimebundle_()["text/html"]
        )

    def test_the_picture_is_that_of_the_history(self, follower):
        [over_time, *_], _ = panels(PANELS)
        drawn = over_time.data(follower, ViewOptions(by="meta.model")).table()
        direct = lab.stats.ConfidenceOverTime.of(follower.history(), by="meta.model").table()
        assert drawn["n"].tolist() == direct["n"].tolist()

    def test_a_picture_counts_all_that_came_since_the_view_was_made(self):
        follower = lab.Follower("redis://localhost:1", keep=1)
        view = view_of(follower, panels=["confidence"])
        one = b'{"decision": {"recommendation": "a", "confidence": 0.5}}'
        for number in range(1, 201):
            follower.feed([(f"{number}-0", one)])
        assert len(view.history) == 1
        assert view._panels[0].data(follower, ViewOptions()).table()["n"].tolist() == [200]

    def test_a_window_and_a_function_of_ones_own(self, follower):
        seen = []

        def mine(history, ax):
            seen.append(len(history) + len(history.rejects))
            return ax

        panel = Panel(mine)
        panel.draw(follower, ViewOptions(window=20))
        panel.draw(follower, ViewOptions(window=timedelta(seconds=9)))
        assert seen == [20, 10]
        assert bytes(panel.image.value).startswith(b"\x89PNG")

    def test_a_function_that_makes_its_own_figure_leaves_none(self, follower):
        from matplotlib import pyplot

        Panel(lambda history: pyplot.subplots()[1]).draw(follower, ViewOptions())
        assert pyplot.get_fignums() == []

    def test_a_panel_that_fails_harms_no_other(self, follower):
        def bad(history, ax):
            raise ZeroDivisionError("mine")

        view = view_of(follower, panels=[bad, "confidence"])
        assert view._repr_mimebundle_()["text/html"].count("data:image/png") == 1
        assert "ZeroDivisionError" in view._error

    @pytest.mark.parametrize(
        ("options", "wrong"),
        [
            ({"panels": ["typo"]}, "no panel 'typo': there are agreement"), ({"panels": "votes"}, "a list"),
            ({"refresh": 0}, "refresh=0"), ({"refresh": True}, "refresh=True"),
            ({"refresh": 100}, "refresh=100"),
        ],
    )  # fmt: skip
    def test_options_that_make_no_sense(self, follower, options, wrong):
        with pytest.raises(lab.OptionError, match=wrong):
            view_of(follower, **options)

    @pytest.mark.once
    def test_it_offers_the_columns_that_group(self, follower):
        view = view_of(follower)
        view._draw_all()
        assert "meta.model" in view._controls.by.options
        view._controls.by.value = "meta.model"
        assert view._controls.choice.by == "meta.model"

    def test_a_snapshot_can_be_saved(self, follower, tmp_path):
        view = view_of(follower)
        for _ in range(2):
            view._controls.folder.value = str(tmp_path / "kept")
            view._save()
        assert len(lab.read(tmp_path / "kept")) == len(follower.history())
        assert "already" in view._error

    def test_its_buttons(self, follower, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        view = view_of(follower, panels=["decisions"])
        view._controls.pause.value = True
        assert view.status.state == "paused"
        view._controls.pause.value = False
        assert view.status.state == "live"
        view._controls.save.click()
        view._say(view.status)
        assert "saved in snapshots/live" in view._status.value
        assert len(lab.read("snapshots/live")) == len(follower.history())
        view._controls.stop.click()
        assert (view._controls.stop.disabled, view._controls.pause.disabled) == (True, True)
        assert repr(view) == f"<LiveView: live, 120 received, {len(follower.history().rejects)} rejects>"

    def test_it_shows_what_it_is_asked_to_in_that_order(self, follower):
        def mine(history, ax):
            return ax

        view = view_of(follower, panels=["rejects", mine, "votes"], refresh=20)
        status, controls, pictures, rejects = view._box.children
        assert (status, controls, rejects) == (view._status, view._controls.row, view._rejects)
        assert pictures.children == tuple(panel.image for panel in view._panels)
        assert [panel.title for panel in view._panels] == ["mine", "votes"]
        view._draw_all()
        assert (view._decisions.value, view._rejects.value.count("<tr>")) == ("", 9)
        ids = re.findall(r"<tr><td[^>]*><bdi>(.*?)</bdi>", view._rejects.value)
        assert ids == follower.history().rejects["stream_id"].tolist()[:-9:-1]

    def test_it_says_how_many_are_unsure(self, follower):
        view = view_of(follower, panels=["decisions"], choice=ViewOptions(threshold=0.7))
        view._draw_all()
        counted = lab.stats.Confidence.of(follower.history(), threshold=0.7, interval="anytime")
        row = counted.table().iloc[0]
        share, low, high = (row[f"share_below{name}"] for name in ("", "_low", "_high"))
        said = f"{share:.0%} below 0.7 (95% interval, however often you look: {low:.0%} to {high:.0%})"
        assert said in view._status.value
        [panel] = view_of(follower, panels=["confidence"])._panels
        assert "hold at every look" in " ".join(panel.data(follower, ViewOptions()).notes)
        assert panel.data(follower, ViewOptions(window=50)).intervals.kind == "bootstrap"
        empty = view_of(lab.Follower("redis://localhost:1"), panels=["decisions"])
        empty._draw_all()
        assert "below" not in empty._status.value

    def test_options_of_the_follower_are_set_where_it_is_made(self, follower):
        with pytest.raises(lab.OptionError, match="keep, stream: options of the follower that is given"):
            lab.follow(follower, keep=5, stream="s")
        view = lab.follow("redis://localhost:1", keep=5, stream="s", panels=["decisions"], refresh=0.5)
        assert (view.follower.source.streams, view._controls.choice) == (("s",), ViewOptions())
        view.close()

    @pytest.mark.once
    def test_no_thread_is_left(self, redis_url):
        view = lab.follow(redis_url)
        wait_for(["mastermind-follower", "mastermind-redraw"])
        view.stop()
        view.stop()
        assert our_threads() == []
        assert view._controls.stop.disabled

    def test_nobody_looks_nothing_is_drawn_and_at_last_it_sleeps(self, redis_url, monkeypatch):
        monkeypatch.setattr("mastermind_lab.widget.view._FORGOTTEN_AFTER", 60)
        view = lab.follow(redis_url)
        view._box._view_count = 1
        view._box._view_count = 0
        view._redraw()
        wait_for(["mastermind-follower", "mastermind-redraw"])  # out of sight for a moment only
        monkeypatch.setattr("mastermind_lab.widget.view._FORGOTTEN_AFTER", 0.3)
        wait_for([])
        view._box._view_count = 1
        wait_for(["mastermind-follower", "mastermind-redraw"])
        view.stop()

    @pytest.mark.once
    def test_a_list_that_is_held_stays_while_the_pictures_go_on(self, follower, numbered):
        view = view_of(follower)
        view._draw_all()
        listed, [picture, *_] = view._decisions.value, [panel.image.value for panel in view._panels]
        view._controls.hold.value = True
        follower.feed([(f"{int(one[:-2]) + 10**6}-0", payload) for one, payload in numbered[:50]])
        view._draw_all()
        assert (view._decisions.value == listed, view._panels[0].image.value == picture) == (True, False)
        view._controls.hold.value = False
        view._draw_all()
        assert view._decisions.value != listed


class TestControls:
    @pytest.fixture
    def controls(self):
        return Controls(ViewOptions(), lambda: None)

    def test_they_begin_as_asked_and_say_what_is_chosen(self):
        for choice in (
            ViewOptions(),
            ViewOptions(100, None, 0.9),
            ViewOptions(timedelta(hours=1), "meta.model"),
        ):
            assert Controls(choice, lambda: None).choice == choice
        odd = Controls(ViewOptions(70), lambda: None)
        assert (odd.window.value, odd.choice.window) == ("last 70", 70)
        parts = {}
        for name in odd.window.options:
            odd.window.value = name
            parts[name] = odd.choice.window
        assert parts == {
            "everything": None, "last 100": 100, "last 1,000": 1_000, "last 10,000": 10_000,
            "last minute": timedelta(minutes=1), "last 10 minutes": timedelta(minutes=10),
            "last hour": timedelta(hours=1), "last 70": 70,
        }  # fmt: skip

    def test_each_choice_draws_anew_and_a_slider_when_it_is_let_go(self):
        drawn = []
        controls = Controls(ViewOptions(by="meta.a"), lambda: drawn.append(1))
        controls.window.value = "last hour"
        controls.by.value = "nothing"
        controls.threshold.value = 0.75
        controls.hold.value = True
        assert controls.choice == ViewOptions(timedelta(hours=1), None, 0.75)
        controls.pause.value = True
        controls.folder.value = "elsewhere"
        assert len(drawn) == 4
        assert controls.hold.tooltip == "an opened decision closes when the list is drawn anew"
        slider = controls.threshold
        assert (slider.min, slider.max, slider.step, slider.continuous_update) == (0, 1, 0.05, False)

    def test_columns_of_a_few_values_are_offered(self, controls):
        decisions = pd.DataFrame(
            {
                "meta.two": list("aabb"), "meta.numbers": [1, 1, 2, 2], "stream": list("xxyy"),
                "meta.one": list("aaaa"), "meta.many": list("aabc"), "meta.cost": [0.5, 0.5, 1.5, 1.5],
                "question": list("aabb"),
            }
        )  # fmt: skip
        controls.offer(decisions[["meta.two", "meta.one"]])
        controls.by.value = "meta.two"
        controls.offer(decisions)
        assert controls.by.options == ("nothing", "meta.numbers", "meta.two", "stream")
        assert controls.choice.by == "meta.two"


@pytest.mark.once
class TestTurns:
    def test_each_has_its_turn_once_for_a_count(self):
        drawn = []
        turns = RedrawScheduler([lambda: drawn.append("a"), lambda: drawn.append("b")])
        for _ in range(5):
            turns.take(1)
        assert drawn == ["a", "b"]
        turns.take(2)
        turns.again()
        for _ in range(5):
            turns.take(2)
        assert drawn == ["a", "b", "a", "a", "b"]

    def test_what_costs_much_waits_for_its_next_turn(self):
        drawn = []

        def busy():
            drawn.append(time.thread_time())
            while time.thread_time() < drawn[-1] + 0.1:
                pass

        turns, end = RedrawScheduler([busy]), time.monotonic() + 1.2
        while time.monotonic() < end:
            turns.take(len(drawn))
            time.sleep(0.01)
        assert 2 <= len(drawn) <= 3  # a fifth of the time, and a little credit at the beginning


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
