"""Running summaries: a batch costs what it touches, and what is asked for is that of all."""

import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from threading import Event

import pytest
from histories import sample
from summaries import agree

import mastermind_lab as lab
from mastermind_lab.frames import between
from mastermind_lab.live import running
from mastermind_lab.live.window import Window
from mastermind_lab.stats.engine.sums import GroupedSums

pytestmark = pytest.mark.once

BY = {"one group": [], "a group each": ["meta.model", "decision_id"]}


@pytest.fixture
def touched(monkeypatch):
    """How many groups were looked at, sum by sum."""
    found, add = [], GroupedSums.__add__

    def counting(one, other):
        found.append(len(one.cells) + len(other.cells))
        return add(one, other)

    monkeypatch.setattr(GroupedSums, "__add__", counting)
    monkeypatch.setattr(running, "_MOST", 1)
    return found


@pytest.mark.thorough
@pytest.mark.parametrize("by", BY.values(), ids=BY)
def test_a_batch_costs_what_it_touches_and_not_all_groups(touched, by):
    whole = sample(160)
    ids, tables = (
        whole.decisions["stream_id"].tolist(),
        {name: whole.table(name) for name in lab.frames.FRAMES},
    )
    found = running.RunningSummary(lab.stats.Margin, {"by": by, "replicates": 40})
    for start in range(0, 160, 10):
        found.add(between(tables, ids[start], ids[start + 9]))
        found.settle(running.reader())
    assert sum(touched) <= 2 * 160 * 4  # of two sums, four rounds of twice as many; all each time is 2,700
    expected = lab.stats.Margin.of(whole, by=by, replicates=40).table()
    agree(found.value().table(), expected)
    agree(found.value().table(), expected)
    assert len(touched) <= 2 * 15


def test_one_that_has_too_many_groups_when_its_parts_are_added_says_so_until_it_is_cleared(monkeypatch):
    monkeypatch.setattr("mastermind_lab.stats.engine.sums.MOST_GROUPS", 12)
    monkeypatch.setattr(running, "_MOST", 1)
    whole = sample(16)
    tables = {name: whole.table(name) for name in lab.frames.FRAMES}
    ids = whole.decisions["stream_id"].tolist()
    found = running.RunningSummary(lab.stats.Confidence, {"by": "decision_id"})
    for first, last in ((0, 8), (9, 12), (13, 15)):
        found.add(between(tables, ids[first], ids[last]))
        found.settle(running.reader())
    for _ in range(2):
        with pytest.raises(lab.OptionError, match="makes 16 groups"):
            found.value()
    found.clear()
    found.add(between(tables, ids[0], ids[3]))
    assert found.value().n == 4


@dataclass(frozen=True, eq=False, repr=False)
class Slow(lab.stats.Confidence):
    """A summary that takes as long to count as the test wants."""

    @classmethod
    def of(cls, data, **options):
        ENTERED.set()
        assert GO_ON.wait(20)
        return super().of(data, **options)


ENTERED, GO_ON = Event(), Event()


@pytest.mark.parametrize("forgets", [False, True], ids=["more", "begun again"])
def test_what_is_counted_slowly_holds_up_nothing_that_comes_and_is_of_one_moment(forgets):
    follower, asked = lab.Follower("redis://localhost:1"), [(Slow, {}), (lab.stats.Confidence, {})]
    GO_ON.set()
    follower.summaries(asked)
    GO_ON.clear(), ENTERED.clear()
    follower.feed(entries(3))
    with ThreadPoolExecutor(1) as pool:
        counting = pool.submit(follower.summaries, asked)
        try:
            assert ENTERED.wait(20)
            if forgets:
                follower._forget()
            follower.feed(entries(running._MOST, 4))  # so many that the follower would count them itself
            assert follower.status.received == running._MOST + (0 if forgets else 3)
        finally:
            GO_ON.set()
        assert [found.n for found in counting.result()] == [3, 3]
    expected = running._MOST + (0 if forgets else 3)
    assert [found.n for found in follower.summaries(asked)] == [expected] * 2


def test_what_nobody_holds_and_nobody_asked_for_for_good_is_counted_no_more():
    follower = lab.Follower("redis://localhost:1", keep=5)
    asked = [
        (lab.stats.Confidence, {"threshold": 0.3}),
        (lab.stats.Votes, {}),
        (lab.stats.Confidence, {"b": 1}),
    ]
    follower.summary(lab.stats.Votes)
    held, again = follower.counting(asked), follower.counting(asked[:1])
    follower.feed(entries(20))
    [confidence, votes, typo] = held.values()
    assert (confidence.n, votes.table()["n"].tolist(), type(typo)) == (20, [20], TypeError)
    held = None
    assert len(follower._summaries) == 2
    assert again.values()[0] is confidence
    again = None
    assert len(follower._summaries) == 1
    assert follower.counting(asked[:1]).values()[0].n == 5
    follower.summary(lab.stats.Confidence, threshold=0.3)
    follower.feed(entries(20, 21))
    confidence, votes, _ = follower.counting(asked).values()
    assert (confidence.n, votes.table()["n"].tolist()) == (25, [40])


def test_an_option_that_is_none_is_said_to_who_asks_and_counted_by_nobody():
    follower = lab.Follower("redis://localhost:1")
    for _ in range(2):
        with pytest.raises(TypeError, match="unexpected keyword argument 'b'"):
            follower.summary(lab.stats.Confidence, b="meta.model")
    follower.feed(entries(running._MOST + 5))
    typo, confidence = follower.summaries([(lab.stats.Confidence, {"b": "x"}), (lab.stats.Confidence, {})])
    assert (type(typo), confidence.n) == (TypeError, running._MOST + 5)
    assert len(follower._summaries) == 1


def test_one_that_fails_as_nobody_foresaw_says_so_to_who_asks_and_ends_nothing():
    class Broken(lab.stats.Confidence):
        @classmethod
        def of(cls, data, **options):
            return super().of(data, **options) if not len(data) else 1 / 0

    follower = lab.Follower("redis://localhost:1")
    follower.summaries([(Broken, {}), (lab.stats.Confidence, {})])
    follower.feed(entries(running._MOST))
    traces = []
    for _ in range(3):
        broken, confidence = follower.summaries([(Broken, {}), (lab.stats.Confidence, {})])
        assert (type(broken), confidence.n) == (ZeroDivisionError, running._MOST)
        with pytest.raises(ZeroDivisionError) as raised:
            follower.summary(Broken)
        traces.append(len(raised.traceback))
    assert len({*traces}) == 1


def test_one_that_is_interrupted_when_it_is_first_asked_for_begins_with_all_that_is_kept(monkeypatch):
    follower, tables = lab.Follower("redis://localhost:1"), Window.tables
    follower.feed(entries(5))

    def interrupting(window, *args):
        monkeypatch.setattr(Window, "tables", tables)
        raise KeyboardInterrupt

    monkeypatch.setattr(Window, "tables", interrupting)
    with pytest.raises(KeyboardInterrupt):
        follower.summary(lab.stats.Confidence)
    assert follower.summary(lab.stats.Confidence).n == 5


def test_what_is_counted_already_and_waits_still_is_not_counted_again():
    whole = sample(10)
    found = running.RunningSummary(lab.stats.Margin, {"replicates": 40})
    found.add({name: whole.table(name) for name in lab.frames.FRAMES})
    waiting = list(found._came)
    assert found.value().n == 10
    found._came.extend(waiting)  # as after an interruption behind the count
    assert found.value().n == 10


@pytest.mark.thorough
@pytest.mark.parametrize("begins_again", [False, True], ids=["goes on", "begun again"])
def test_wherever_counting_is_interrupted_all_is_counted_once_and_in_every_summary(begins_again):
    follower, asked = lab.Follower("redis://localhost:1"), [(lab.stats.Confidence, {}), (lab.stats.Votes, {})]
    follower.summaries(asked)
    fed = expected = 0
    for line in count(1):
        if begins_again:
            follower._forget()
            expected = 0
        follower.feed(entries(2, fed + 1))
        fed, expected = fed + 2, expected + 2
        with interrupted_at(line) as interrupted, suppress(KeyboardInterrupt):
            follower.summaries(asked)
        confidence, votes = follower.summaries(asked)
        assert (confidence.n, votes.table()["n"].tolist()) == (expected, [expected]), line
        if not interrupted:
            break
    assert line > 40


@contextmanager
def interrupted_at(line):
    """Have what a Ctrl-C raises raised at a line of the counting, the first, the second, ... that is run."""
    lines, interrupted, before = count(1), [], sys.gettrace()

    def trace(frame, event, _):
        if frame.f_code.co_filename != running.__file__ or frame.f_code.co_name == "values":
            return None  # no Ctrl-C comes between a with's last line and its end, as a tracer does
        if event == "line" and next(lines) == line:
            interrupted.append(frame.f_lineno)
            raise KeyboardInterrupt
        return trace

    sys.settrace(trace)
    try:
        yield interrupted
    finally:
        sys.settrace(before)


def entries(many, first=1):
    decision = (
        b'{"decision": {"recommendation": "a", "confidence": 0.5, "votes": [{"voter": "v", "choice": "a"}]}}'
    )
    return [(f"{first + place}-0", decision) for place in range(many)]


def test_where_there_was_no_room_to_count_it_is_counted_later(monkeypatch):
    monkeypatch.setattr(running, "_MOST", 1)
    whole, kind = sample(20), lab.stats.Margin
    found, of, room = running.RunningSummary(kind, {}), kind.of, []

    def counted(*arguments, **options):
        if not room:
            raise MemoryError
        return of(*arguments, **options)

    monkeypatch.setattr(kind, "of", counted)
    found.add({name: whole.table(name) for name in lab.frames.FRAMES})
    found.settle(running.reader())
    with pytest.raises(MemoryError):
        found.value()
    assert found.fault is None
    room.append(True)
    agree(found.value().table(), of(whole).table())
