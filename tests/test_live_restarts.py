"""Followers, views and their threads, stopped and started again at any moment, by anybody."""

import threading
import time

import pytest
from waiting import our_threads, until

import mastermind_lab as lab
from mastermind_lab.live.background import Background
from mastermind_lab.stream import StreamUpdate
from mastermind_lab.widget.redraw import RepeatingThread
from mastermind_lab.widget.view import LiveView

ONE = b'{"decision": {"recommendation": "a", "confidence": 0.5}}'


class Endless:
    """A source that yields an entry whenever it is let to, and says how many read from it at once."""

    streams, stream, where, numbered = ("endless",), "endless", "here", False

    def __init__(self):
        self.let, self.closed, self.given = threading.Semaphore(0), threading.Event(), 0
        self.readers = self.most_readers = 0

    def __iter__(self):
        self.closed.clear()
        self.readers += 1
        self.most_readers = max(self.readers, self.most_readers)
        try:
            while not self.closed.is_set():
                entries = []
                if self.let.acquire(timeout=0.02):
                    self.given += 1
                    entries = [(f"{self.given}-0", ONE)]
                yield StreamUpdate(self.stream, entries)
        finally:
            self.readers -= 1

    def close(self):
        self.closed.set()


class Slow:
    """A callback that says when it is called, and returns when it may."""

    def __init__(self):
        self.called, self.may_return, self.has_returned = (threading.Event() for _ in range(3))

    def __call__(self, _=None):
        self.called.set()
        self.may_return.wait(30)
        self.has_returned.set()


def in_a_thread(work):
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def noting(follower, note):
    """Have each state noted that a follower's start, stop, end and failure set."""
    write = follower._set

    def noted(**changes):
        write(**changes)
        note(changes.get("state"))

    follower._set = noted


@pytest.fixture
def source():
    return Endless()


class TestFollower:
    def test_started_again_while_somebody_waits_for_its_end(self, source):
        slow, follower, states = Slow(), lab.Follower(source), []
        follower.on_batch(slow)
        noting(follower, states.append)
        with follower:
            source.let.release()
            assert slow.called.wait(30)
            stopping = in_a_thread(follower.stop)
            until(lambda: follower.status.state == "stopped")
            follower.start()
            assert follower.status.state == "starting"
            slow.may_return.set()
            stopping.join(30)
            assert not stopping.is_alive()
            source.let.release(20)
            until(lambda: follower.status.received == 21)
            assert (follower.status.state, our_threads()) == ("live", ["mastermind-follower"])
        assert [state for state in states if state] == [
            "starting",
            "stopped",
            "starting",
            "stopped",
            "stopped",
        ]
        assert (source.most_readers, our_threads()) == (1, [])

    def test_stopped_once_more_while_it_waits_for_its_turn(self, source):
        slow, follower = Slow(), lab.Follower(source)
        follower.on_batch(slow)
        follower.start()
        source.let.release()
        assert slow.called.wait(30)
        follower.stop(wait=False)
        stopping = in_a_thread(follower.start().stop)
        until(lambda: follower.status.state == "stopped")
        slow.may_return.set()
        stopping.join(30)
        assert (our_threads(), source.most_readers, follower.status.state) == ([], 1, "stopped")

    @pytest.mark.parametrize("times", [1, 2])
    def test_started_again_by_a_callback(self, source, times):
        follower = lab.Follower(source)

        def again(_):
            if follower.status.received == 1:
                for _ in range(times):
                    follower.stop()
                    follower.start()

        follower.on_batch(again)
        with follower:
            for count in (1, 2, 3):
                source.let.release()
                until(lambda count=count: follower.status.received == count)
            until(lambda: our_threads() == ["mastermind-follower"])
            assert follower.status.state == "live"
        assert (source.most_readers, our_threads()) == (1, [])

    def test_stopped_for_good_by_a_callback(self, source):
        follower = lab.Follower(source)
        follower.on_batch(lambda _: (follower.stop(), follower.start(), follower.stop()))
        with follower:
            source.let.release()
            until(lambda: not our_threads())
            assert follower.status.state == "stopped"

    def test_begun_again_as_soon_as_it_is_seen_to_have_failed(self, source):
        follower = lab.Follower(source)
        source.stream = "another"  # which nobody follows

        def seen(state):
            if state == "failed":
                source.stream = "endless"
                follower.start()

        noting(follower, seen)
        with follower:
            source.let.release(2)
            until(lambda: follower.status.received == 1)
            assert follower.status.state == "live"

    def test_begun_and_ended_by_many_at_once(self, source):
        follower = lab.Follower(source)
        done = threading.Event()

        def change(work):
            while not done.is_set():
                work()

        changing = [
            in_a_thread(lambda work=work: change(work)) for work in (follower.start, follower.stop) * 2
        ]
        source.let.release(200)
        time.sleep(1)
        done.set()
        for thread in changing:
            thread.join(30)
        follower.start()
        until(lambda: follower.status.received == 200)
        follower.stop()
        assert (source.most_readers, our_threads()) == (1, [])
        assert follower.history().decisions["stream_id"].nunique() == 200


class TestView:
    def test_shown_again_while_it_falls_asleep(self, source, monkeypatch):
        monkeypatch.setattr("mastermind_lab.widget.view._FORGOTTEN_AFTER", 0.0)
        slow, follower = Slow(), lab.Follower(source)
        view = LiveView(follower, panels=["decisions"])
        view.start()
        view._view_count = 1
        follower.on_batch(slow)
        source.let.release()
        assert slow.called.wait(30)
        view._view_count = 0
        until(lambda: view._slept)
        view._view_count = 1
        assert not slow.has_returned.is_set()  # nobody waits for it
        slow.may_return.set()
        source.let.release()
        until(lambda: follower.status.received == 2)
        until(lambda: our_threads() == ["mastermind-follower", "mastermind-redraw"])
        assert (view._redraws.is_running, view._leave is not None, view._slept) == (True, True, False)
        view.stop()
        assert (our_threads(), source.most_readers) == ([], 1)

    @pytest.mark.parametrize("end", [LiveView.stop, LiveView.close])
    @pytest.mark.parametrize("is_first", [True, False])
    def test_a_follower_ends_with_the_last_view_that_shows_it(self, source, end, is_first):
        follower = lab.Follower(source)
        views = [LiveView(follower, panels=["decisions"]).start() for _ in range(2)]
        one, other = views if is_first else views[::-1]
        end(one)
        end(one)
        one._view_count = 1  # one that was stopped stays so
        assert our_threads() == ["mastermind-follower", "mastermind-redraw"]
        source.let.release()
        until(lambda: other.status.received == 1)
        assert other.status.state == "live"
        assert (one.status.state, repr(one)[:19]) == ("stopped", "<LiveView: stopped,")
        assert "<b>stopped</b>" in one._still()["text/html"]
        end(other)
        assert our_threads() == []
        for view in views:
            view.close()

    def test_one_that_falls_asleep_ends_nothing_under_another(self, source, monkeypatch):
        monkeypatch.setattr("mastermind_lab.widget.view._FORGOTTEN_AFTER", 0.0)
        follower = lab.Follower(source)
        one, other = (LiveView(follower, panels=["decisions"]).start() for _ in range(2))
        one._view_count = 1
        one._view_count = 0
        until(lambda: one._slept and our_threads() == ["mastermind-follower", "mastermind-redraw"])
        other.stop()
        assert our_threads() == []
        one._view_count = 1
        until(lambda: our_threads() == ["mastermind-follower", "mastermind-redraw"])
        for view in (one, other):
            view.close()
        assert our_threads() == []

    def test_shown_by_another_view_while_one_waits_for_its_end(self, source):
        slow, follower = Slow(), lab.Follower(source)
        one, other = (LiveView(follower, panels=["decisions"]) for _ in range(2))
        one.start()
        follower.on_batch(slow)
        source.let.release()
        assert slow.called.wait(30)
        stopping = in_a_thread(one.stop)
        until(lambda: follower.status.state == "stopped")
        other.start()
        slow.may_return.set()
        stopping.join(30)
        source.let.release()
        until(lambda: other.status.received == 2)
        assert (stopping.is_alive(), other.status.state) == (False, "live")
        other.stop()
        assert (our_threads(), source.most_readers) == ([], 1)
        for view in (one, other):
            view.close()


class TestRepeatingThread:
    def test_hurry_is_for_one_call_only(self):
        calls = []
        thread = RepeatingThread(lambda: calls.append(1), 0.005, calls.append)
        thread.start()
        until(lambda: calls == [1])
        thread.wake()
        until(lambda: len(calls) == 2)
        thread.tell()
        time.sleep(0.05)
        thread.stop()
        assert len(calls) == 2

    def test_started_again_while_a_call_is_under_way(self):
        slow, calls = Slow(), []
        thread = RepeatingThread(lambda: (calls.append(1), slow()), 50, calls.append)
        thread.start()
        assert slow.called.wait(30)
        thread.end()
        assert not thread.is_running
        thread.start()
        assert thread.is_running
        time.sleep(0.1)
        assert calls == [1]
        slow.may_return.set()
        until(lambda: len(calls) > 3)
        thread.stop()
        assert our_threads() == []

    def test_started_again_by_a_call(self):
        calls = []

        def call():
            calls.append(1)
            thread.stop()
            thread.start()

        thread = RepeatingThread(call, 50, calls.append)
        thread.start()
        until(lambda: len(calls) > 3)
        thread._callback = thread.stop
        until(lambda: our_threads() == [])


def test_a_run_that_was_ended_before_its_turn_does_nothing():
    slow, done = Slow(), []
    work = Background(lambda _: (done.append(1), slow()), "mastermind-work", lambda: None)
    work.start()
    assert slow.called.wait(30)
    for _ in range(5):
        work.stop(wait=False)
        work.start()
    work.stop(wait=False)
    slow.may_return.set()
    work.stop()
    assert (done, work.is_alive, our_threads()) == ([1], False, [])


def test_where_no_thread_can_be_begun_it_may_be_tried_again(monkeypatch):
    follower = lab.Follower(Endless())
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", lambda thread: 1 // 0)
        with pytest.raises(ZeroDivisionError):
            follower.start()
    with follower:
        until(lambda: follower.status.state == "live")
