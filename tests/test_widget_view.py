"""The view while it is on a page: what a press, a choice and a page that comes back do at once."""

import math
import threading
import time
from types import SimpleNamespace

import pytest
from histories import same
from waiting import our_threads, until

import mastermind_lab as lab
from mastermind_lab.frames import FRAMES
from mastermind_lab.widget.controls import Controls, ViewOptions
from mastermind_lab.widget.panels import Panel
from mastermind_lab.widget.redraw import RedrawScheduler, RepeatingThread

ONE = b'{"decision": {"recommendation": "ship", "confidence": %s}, "meta": {"model": "%s"}}'


@pytest.fixture(scope="module")
def history():
    return lab.read([ONE % (b"0.%d" % (place % 9 + 1), b"ab"[place % 2 :][:1]) for place in range(40)])


@pytest.fixture
def follower(history):
    """One that has read all there is, and whose thread ends."""
    with lab.Follower(lab.replay(history, speed=math.inf)) as follower:
        until(lambda: follower.status.received == 40)
        yield follower


@pytest.fixture
def view(follower):
    """On a page, and in no hurry: it looks again after minutes, or when it is woken."""
    view = lab.LiveView(follower, panels=["confidence", "decisions"], refresh=0.005)
    view._box._view_count = 1
    until(lambda: "received" in view._status.value)
    yield view
    view.close()


def press(view, name, value=True):
    getattr(view._controls, name).value = value


def test_a_press_shows_at_once(view, tmp_path):
    press(view, "pause")
    until(lambda: "<b>paused</b>" in view._status.value)
    press(view, "pause", False)
    until(lambda: "<b>live</b>" in view._status.value)
    view._controls.folder.value = f"  {tmp_path / 'kept'} "
    view._controls.save.click()
    until(lambda: "saved in " in view._status.value)
    same(lab.read(tmp_path / "kept"), view.history, FRAMES)
    began = time.monotonic()
    view._controls.stop.click()
    assert our_threads() == []
    assert time.monotonic() - began < 60  # and not when it would have looked again


def test_a_choice_draws_all_anew_though_nothing_came(view):
    [panel] = view._panels
    until(lambda: panel.image.value)
    view._list()  # offers the column
    before = panel.image.value
    press(view, "by", "meta.model")
    until(lambda: panel.image.value != before)
    press(view, "threshold", 0.95)
    until(lambda: "below 0.95 (" in view._status.value or view._redraw())


def test_one_that_was_stopped_stays_so_when_its_page_comes_back(view):
    view._box._view_count = 0
    view._controls.stop.click()
    view._box._view_count = 1
    assert our_threads() == []
    assert not view.follower._is_running()


def test_a_page_that_comes_back_in_time_is_watched_on(view, monkeypatch):
    monkeypatch.setattr("mastermind_lab.widget.view._FORGOTTEN_AFTER", 0)
    view._box._view_count = 0
    view._box._view_count = 1
    view._redraw()
    view._sleep_if_forgotten()
    assert "mastermind-redraw" in our_threads()
    assert not view._slept


def test_before_a_page_has_said_anything_it_is_drawn_while_a_cell_runs(follower, monkeypatch):
    view = lab.LiveView(follower, panels=["decisions"])
    monkeypatch.setattr("mastermind_lab.widget.cells.idle_for", lambda: 0.0)
    assert not view._is_watched()
    view._is_displayed = True
    assert view._is_watched()
    monkeypatch.setattr("mastermind_lab.widget.cells.idle_for", lambda: 5.0)
    assert not view._is_watched()
    view.close()


def test_closed_it_ends_what_it_began(history):
    view = lab.follow(lab.replay(history, speed=0.001), panels=["decisions"])
    assert our_threads() == ["mastermind-follower", "mastermind-redraw"]
    assert all(one.daemon for one in threading.enumerate() if one.name.startswith("mastermind"))
    view.close()
    assert our_threads() == []
    with pytest.raises(lab.OptionError, match="refresh=0"):
        lab.follow("redis://localhost:1", refresh=0)
    with pytest.raises(lab.OptionError, match="window='soon'"):
        lab.follow("redis://localhost:1", window="soon")


def test_an_error_of_a_redraw_is_shown(view):
    view._failed(ValueError("<b>mine"))
    view._say(view.status)
    assert "ValueError: &lt;b&gt;mine" in view._status.value


def test_what_a_picture_is_drawn_of(follower):
    assert Panel("margin").options(ViewOptions(by="meta.model")) == {"by": "meta.model"}
    assert Panel("confidence").options(ViewOptions()) == {}
    assert Panel("confidence_over_time").title == "confidence over time"
    unsure = Panel("confidence").data(follower, ViewOptions(threshold=0.95)).table()
    assert unsure["share_below"].tolist() == [1.0]
    cut = Panel("confidence").data(follower, ViewOptions(window=9, by="meta.model")).table()
    assert cut["n"].tolist() == [4, 5]
    assert Panel("risk_coverage").kind is lab.stats.Calibration
    assert Panel(lambda history: None).kind is None


def test_what_the_controls_say():
    controls = Controls(ViewOptions(), lambda: None)
    said = [
        getattr(one, "description", "") or getattr(one, "placeholder", "") for one in controls.row.children
    ]
    assert said == [
        "pause", "stop", "hold list", "window", "group by", "threshold", "folder of a snapshot",
        "save snapshot",
    ]  # fmt: skip


class TestTurns:
    @pytest.fixture
    def clock(self, monkeypatch):
        clock = SimpleNamespace(now=100.0, spent=0.0)
        fake = SimpleNamespace(monotonic=lambda: clock.now, thread_time=lambda: clock.spent)
        monkeypatch.setattr("mastermind_lab.widget.redraw.time", fake)
        return clock

    def test_all_again_begins_at_once_however_much_the_last_cost(self, clock):
        drawn = []

        def draw():
            clock.spent += 3
            drawn.append(1)

        turns = RedrawScheduler([draw])
        turns.take(1)
        turns.take(2)
        assert len(drawn) == 1
        turns.again()
        turns.take(2)
        assert len(drawn) == 2

    def test_woken_it_calls_once_more_and_waits_again(self):
        calls = []
        thread = RepeatingThread(lambda: calls.append(1), 0.005, calls.append)
        thread.start()
        thread.start()
        until(lambda: calls == [1])
        thread.wake()
        until(lambda: len(calls) >= 2)
        time.sleep(0.05)
        assert (calls, our_threads()) == ([1, 1], ["mastermind-redraw"])
        thread.stop()
        thread.start()
        until(lambda: len(calls) >= 3)
        thread.stop()
        assert our_threads() == []

    def test_drawing_takes_a_fifth_of_the_time_and_what_came_late_is_made_up_for(self, clock):
        drawn = []

        def draw():
            clock.spent += 0.1
            drawn.append(round(clock.now, 2))

        turns = RedrawScheduler([draw])
        for step in range(300):
            clock.now = 100 + step / 100
            turns.take(step)
        assert drawn == [100.0, 100.3, 100.8, 101.3, 101.8, 102.3, 102.8]
