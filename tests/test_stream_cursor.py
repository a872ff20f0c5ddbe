"""What a cursor makes of a reading, and how replies are read and bounded: without a server, case by case."""

import asyncio
import socket

import pytest
from redis import exceptions as fault

from mastermind_lab.stream import bounded, replies
from mastermind_lab.stream.bounded import Allowance, ReplyTooLargeError
from mastermind_lab.stream.cursor import Cursor
from mastermind_lab.stream.reader import StreamReader
from mastermind_lab.stream.replies import ABSENT, Look, StreamInfo

pytestmark = pytest.mark.once


def entries(*numbers):
    return [(f"{number}-0", b"%d" % number) for number in numbers]


def info(length, added, last, first=None, max_deleted=0):
    return StreamInfo(length, added, f"{last}-0", f"{first}-0" if first else None, f"{max_deleted}-0")


def read(cursor, *numbers, now, **said):
    """Take in a reading; what of it is new, and the gap before it, if there is one: (missing, certainty)."""
    result = cursor.take(Look(now, entries(*numbers), **{"is_whole": False} | said))
    gap = result.gap and (result.gap.missing, result.gap.certainty)
    return [int(entry_id.partition("-")[0]) for entry_id, _ in result.entries], gap


def at(number, ordinal, **known):
    return Cursor(f"{number}-0", ordinal, entries(number), **known)


# Where the cursor is (its entry, and the how manieth that was), what is there, and what is made of it: where
# nothing is left of what was read the stream may be another one, unless nothing was remembered.
READINGS = {
    "nothing new": ((3, 3), [3], info(3, 3, 3, 1), {}, [], None, (3, 3)),
    "two more": ((3, 3), [3, 4, 5], info(5, 5, 5, 1), {}, [4, 5], None, (5, 5)),
    "a full page of more": ((3, 3), [3, 4, 5], info(9, 9, 9, 1), {"is_whole": False}, [4, 5], None, (5, 5)),
    "its entry was trimmed": ((3, 3), [4, 5], info(2, 5, 5, 4), {}, [4, 5], (0, "at most"), (5, 5)),
    "one more than that": ((3, 3), [5, 6], info(2, 6, 6, 5), {}, [5, 6], (1, "at most"), (6, 6)),
    "all": ((3, 3), [], info(0, 5, 5), {}, [], (2, "at most"), (5, 5)),
    "one ahead was deleted": ((3, 3), [3, 5], info(4, 5, 5, 1, 4), {}, [5], (1, "at most"), (5, 5)),
    "one ahead was acknowledged": ((3, 3), [3, 5], info(4, 5, 5, 1), {}, [5], (1, "at most"), (5, 5)),
    "trimmed, and one ahead deleted": ((3, 3), [6], info(1, 6, 6, 6, 5), {}, [6], (2, "at most"), (6, 6)),
    "it was deleted itself": ((3, 3), [4], info(3, 4, 4, 1, 3), {}, [4], None, (4, 4)),
    "an ordinal that is not known": ((3, None), [3, 4], info(4, 4, 4, 1), {}, [4], None, (4, 4)),
    "nor how much is read": ((3, None), [3, 4], info(9, 9, 9, 1), {"is_whole": False}, [4], None, (4, None)),
    "no right to ask": ((3, 3), [3, 4], None, {}, [4], None, (4, None)),
    "a server that counts nothing": ((3, 3), [3, 4], info(4, None, 4, 1), {}, [4], None, (4, None)),
}
UNREMEMBERED = {
    "trimmed up to it": ((3, 3), [4, 5], info(2, 5, 5, 4), {}, [4, 5], None, (5, 5)),
    "one more than that": ((3, 3), [5, 6], info(2, 6, 6, 5), {}, [5, 6], (1, "exact"), (6, 6)),
    "from the start": ((0, 0), [5, 6], info(2, 6, 6, 5), {}, [5, 6], (4, "exact"), (6, 6)),
    "in a full page": ((3, 3), [5, 6], info(5, 9, 9, 5), {"is_whole": False}, [5, 6], (1, "exact"), (6, 6)),
    "all": ((3, 3), [], info(0, 5, 5), {}, [], (2, "exact"), (5, 5)),
    "of two moments": (
        (3, 3), [5, 6], info(2, 6, 6, 5), {"is_one_moment": False}, [5, 6], (1, "at most"), (6, 6),
    ),
    "one ahead was deleted": ((3, 3), [6], info(1, 6, 6, 6, 4), {}, [6], (2, "at most"), (6, 6)),
    "one behind was deleted": ((3, 3), [6], info(1, 6, 6, 6, 3), {}, [6], (2, "exact"), (6, 6)),
    "one between was deleted": ((3, 3), [4, 6], info(4, 6, 6, 1, 5), {}, [4, 6], (1, "at most"), (6, 6)),
}  # fmt: skip


@pytest.mark.parametrize("kind", [*READINGS, *(f"unremembered: {one}" for one in UNREMEMBERED)])
def test_a_reading(kind):
    _, is_unremembered, name = kind.rpartition("unremembered: ")
    where, there, now, said, new, gap, after = (UNREMEMBERED if is_unremembered else READINGS)[name]
    cursor = Cursor(f"{where[0]}-0", where[1], () if is_unremembered else entries(where[0]))
    assert read(cursor, *there, now=now, **{"is_whole": True} | said) == (new, gap)
    assert (cursor.place, cursor.ordinal) == (f"{after[0]}-0", after[1])
    assert cursor.is_verified == (now is not None and now.added is not None)
    assert not cursor.must_recover
    assert str(cursor) == f"{after[0]}-0"


OTHERS = {
    "the last id went back": ([1, 2], info(2, 2, 2, 1)),
    "another entry of that id": ([3], info(3, 3, 3, 1)),
    "it is gone, and none was ever taken away": ([4], info(3, 3, 4, 1)),
    "fewer were added than were read": ([4], info(1, 2, 4, 4)),
    "more were read than have gone": ([4, 5], info(4, 6, 5, 4)),
    "fewer deleted than before": ([3], info(3, 3, 3, 1, 1)),
}


@pytest.mark.parametrize(("there", "now"), OTHERS.values(), ids=OTHERS)
def test_a_stream_that_began_again(there, now):
    other = OTHERS["another entry of that id"][1] is now
    cursor = at(3, 3, max_deleted="2-0" if now.max_deleted == "1-0" else None)
    look = Look(now, [(f"{n}-0", b"other" if other else b"%d" % n) for n in there], is_whole=True)
    result = cursor.take(look)
    assert (result.entries, result.gap) == ([], None)
    assert cursor.must_recover
    assert cursor.place == "3-0"


def test_at_its_edges_it_is_the_same_stream():
    """As many as were read, deleted and gone: not one fewer."""
    assert read(at(3, 3, max_deleted="2-0"), 3, now=info(2, 3, 3, 1, 2), is_whole=True) == ([], None)
    assert read(at(3, 3), 4, now=info(1, 4, 4, 4), is_whole=True) == ([4], (0, "at most"))
    assert read(at(3, 3), now=info(0, 3, 3), is_whole=True) == ([], None)


def test_nothing_new_and_not_known_how_much_there_was_leaves_the_cursor_where_it_is():
    cursor = Cursor("5-0")
    assert read(cursor, now=info(0, 9, 9), is_whole=True) == ([], None)
    assert (cursor.place, cursor.ordinal) == ("5-0", 9)


def test_what_nothing_is_left_of_is_not_verified():
    cursor = Cursor("3-0", None, entries(3))
    result = cursor.take(Look(info(2, 8, 8, 7), entries(7, 8), is_whole=True))
    assert result.gap.certainty == "not verified"
    assert (result.gap.after, result.gap.before) == ("3-0", "7-0")
    assert result.gap.account().missing is None
    assert "nothing is left to tell" in result.gap.note


def test_earlier_entries_are_asked_for_only_where_one_may_have_come_back():
    asked = []

    def older():
        asked.append(1)
        return entries(1, 4, 7)

    cursor = Cursor("3-0@1", None, entries(3), older, reaches="3-0")
    assert read(cursor, 3, 4, now=info(4, 4, 4, 1), is_whole=True) == ([4], None)
    assert not asked  # all is above what was read then
    cursor = Cursor("3-0@1", None, entries(3), older, reaches="7-0")
    assert read(cursor, 3, now=info(3, 3, 3, 1), is_whole=True) == ([], None)
    assert not asked  # nothing is new
    assert read(cursor, 3, 4, 5, now=info(5, 5, 5, 1), is_whole=True) == ([5], None)
    assert asked == [1]
    assert str(cursor) == "5-0@1"


def test_a_stream_that_was_lost_waits_for_what_comes():
    cursor = Cursor("0-0@1", reaches="7-0")
    assert read(cursor, now=ABSENT, is_whole=True) == ([], None)
    assert not cursor.must_recover
    assert read(cursor, 8, now=info(1, 1, 8, 8), is_whole=True) == ([], None)
    assert cursor.must_recover


def entry(number):
    return b"%d-0" % number, {b"data": b"%d" % number}


def answered(steps, *replies):
    """Give each command its reply, and return what came of it."""
    given = iter(replies)
    try:
        next(steps)
        while True:
            steps.send([next(given)])
    except StopIteration as end:
        return end.value


@pytest.mark.parametrize(
    ("there", "behind", "is_new"),
    [([entry(3)], [], False), ([entry(3)], [entry(4)], True), ([entry(2)], [], True), ([], [], False)],
    ids=["a hole", "what was never read", "what an earlier epoch had", "nothing that was read"],
)
def test_where_the_last_one_read_is_gone_the_others_tell_whether_it_is_the_same_stream(there, behind, is_new):
    cursor = Cursor("5-0@1", 5, entries(3, 5), lambda: entries(2), reaches="2-0")
    assert read(cursor, 7, now=info(5, 7, 7, 1, 6), is_whole=True) == ([], None)
    assert cursor.must_recover
    assert answered(cursor.recover("s", info(5, 7, 7, 1, 6), 10), there, behind) is is_new
    assert str(cursor) == (f"{int(there[0][0][:1])}-0@2" if is_new else "5-0@1")


@pytest.mark.parametrize(
    ("ids", "place", "last", "is_fine"),
    [
        ([], "5-0", 1, True),
        (["1-0", "2-0"], "0-0", 2, True),
        (["9-0", "10-0"], "9-0", 10, True),
        (["1-0", "10-0", "9-0"], "0-0", 20, False),
        (["2-0", "1-0"], "0-0", 2, False),
        (["1-0", "1-0"], "0-0", 2, False),
        (["1-0", "10-0", "10-0"], "0-0", 20, False),
        (["1-0", "2-0"], "2-0", 2, False),
        (["1-0", "3-0"], "0-0", 2, False),
    ],
)
def test_ids_that_were_garbled_are_out_of_order(ids, place, last, is_fine):
    found = [(one, b"") for one in ids]
    for now in (info(9, 9, last, 1), None) if is_fine or ids[-1] != "3-0" else (info(9, 9, last, 1),):
        if is_fine:
            replies._check_order(found, place, now)
        else:
            with pytest.raises(fault.InvalidResponse, match="not in order"):
                replies._check_order(found, place, now)


FIGURES = {"length": 3, "entries-added": 3, "last-generated-id": b"3-0", "first-entry": [b"1-0", []]}
LATER = FIGURES | {"length": 4, "entries-added": 4, "last-generated-id": b"4-0"}


class TestOneByOne:
    """Without the right to transactions: figures, entries, figures."""

    def looked(self, *answers, count=10):
        steps = replies.look("s", "0-0", count, transacts=False)
        asked, given = [], iter(answers)
        try:
            commands = next(steps)
            while True:
                asked.append(commands[0][0])
                commands = steps.send([next(given)])
        except StopIteration as end:
            return asked, end.value

    def raw(self, *numbers):
        return [(b"%d-0" % number, {b"data": b"%d" % number}) for number in numbers]

    def test_nothing_came_between(self):
        asked, look = self.looked(FIGURES, self.raw(1, 2, 3), FIGURES)
        assert asked == ["XINFO STREAM", "XRANGE", "XINFO STREAM"]
        assert (look.entries, look.is_whole) == (entries(1, 2, 3), True)
        assert (look.is_one_moment, look.transacts) == (True, False)
        assert not self.looked(FIGURES, self.raw(1, 2, 3), FIGURES, count=3)[1].is_whole

    def test_what_came_between_is_for_the_next_reading(self):
        _, look = self.looked(FIGURES, self.raw(1, 2, 3, 4), LATER)
        assert (look.entries, look.is_whole, look.is_one_moment) == (entries(1, 2, 3), True, False)
        _, look = self.looked(FIGURES, self.raw(1, 2, 3, 4), LATER, count=4)
        assert (look.entries, look.is_whole) == (entries(1, 2, 3), True)
        _, look = self.looked(FIGURES, self.raw(1, 2), LATER, count=2)
        assert (look.entries, look.is_whole) == (entries(1, 2), False)

    def test_no_right_to_figures(self):
        asked, look = self.looked(fault.NoPermissionError("no"), self.raw(1), count=1)
        assert asked == ["XINFO STREAM", "XRANGE"]
        assert look == Look(None, entries(1), False, is_one_moment=False, transacts=False)


def test_what_xinfo_says():
    assert replies.stream_info(fault.ResponseError("no such key")) == ABSENT
    assert replies.stream_info(fault.NoPermissionError("no")) is None
    with pytest.raises(fault.ResponseError, match="other"):
        replies.stream_info(fault.ResponseError("other"))
    old = {b"length": 0, b"last-generated-id": b"5-0", b"first-entry": None}
    assert replies.stream_info(old) == StreamInfo(0, None, "5-0", None, None)
    ends = {b"first-entry": [b"4-0", {b"data": b"abc"}], b"last-entry": [b"5-0", {b"data": b"de"}]}
    counted = {b"length": 2, b"entries-added": 9, b"max-deleted-entry-id": b"3-0"}
    assert replies.stream_info(old | counted | ends) == StreamInfo(2, 9, "5-0", "4-0", "3-0", size=5)


@pytest.mark.parametrize("reply", [b"1_0", b"1-", b"-0", b"1-0 ", b"a-0"])
def test_what_is_no_id(reply):
    with pytest.raises(fault.InvalidResponse, match="is no id"):
        replies.entries_of([(reply, {b"data": b""})])
    assert replies.entries_of([(b"12-34", None), (b"12-35", {b"other": b""})]) == [
        ("12-34", None),
        ("12-35", None),
    ]


class TestAllowance:
    @pytest.fixture
    def allowance(self):
        allowance = Allowance()
        allowance.most = 100
        allowance.renew()
        return allowance

    @pytest.mark.parametrize(
        ("sent", "is_fine"), [([100], True), ([101], False), ([60, 40], True), ([60, 41], False)]
    )
    def test_of_bytes(self, allowance, sent, is_fine):
        sent = [b"+" + b"x" * (size - 1) for size in sent]
        if is_fine:
            [allowance.spend(one) for one in sent]
        else:
            with pytest.raises(ReplyTooLargeError, match="a reply of more than 0 MB"):
                [allowance.spend(one) for one in sent]

    def test_it_begins_anew_with_each_command(self, allowance):
        for _ in range(3):
            allowance.renew()
            allowance.spend(b"+" + b"x" * 99)

    @pytest.mark.parametrize("kind", [b"$", b"=", b"!"])
    @pytest.mark.parametrize("there", [0, 10])
    def test_a_text_that_claims_more_is_given_up_at_once(self, allowance, kind, there):
        allowance.spend(kind + b"95\r\n" + b"x" * there)
        allowance.renew()
        with pytest.raises(ReplyTooLargeError, match="a reply of more than"):
            allowance.spend(kind + b"96\r\n" + b"x" * there)

    @pytest.mark.parametrize("kind", [b"*", b"%", b"~", b">", b"|"])
    def test_a_list_that_claims_more_is_given_up_at_once(self, allowance, kind):
        allowance.spend(kind + b"%d\r\n" % bounded.ELEMENTS_LIMIT)
        allowance.renew()
        with pytest.raises(ReplyTooLargeError, match="claims 1,048,577 elements"):
            allowance.spend(kind + b"%d\r\n" % (bounded.ELEMENTS_LIMIT + 1))

    def test_a_claim_is_seen_wherever_it_is_cut(self, allowance):
        reply = b"*2\r\n$3\r\n*9\r\r\n*99999999\r\n"
        for cut in range(1, len(reply) - 1):
            allowance.renew()
            with pytest.raises(ReplyTooLargeError, match="99,999,999 elements"):
                [allowance.spend(piece) for piece in (reply[:cut], reply[cut:])]

    def test_a_text_may_hold_anything(self, allowance):
        text = b"*99999999\r\n$99999999\r\n"
        reply = b"*2\r\n$%d\r\n%s\r\n+OK\r\n" % (len(text), text)
        for cut in range(1, len(reply)):
            allowance.renew()
            [allowance.spend(piece) for piece in (reply[:cut], reply[cut:])]

    def test_less_while_a_connection_is_made(self, allowance):
        allowance.most = 2**30
        with allowance.greeting():
            allowance.renew()
            assert allowance.left == bounded._GREETING_LIMIT
            with pytest.raises(ReplyTooLargeError, match="more than 1 MB"):
                allowance.spend(b"$%d\r\n" % 2**20)
        allowance.renew()
        assert allowance.left == 2**30

    @pytest.mark.parametrize(
        ("read", "brought"), [("read", b"+abc\r\n"), ("readline", b"+abc\r\n"), ("readexactly", b"+abc")]
    )
    async def test_what_asyncio_code_reads_is_counted(self, allowance, read, brought):
        stream = asyncio.StreamReader()
        stream.feed_data(b"+abc\r\n")
        stream.feed_eof()
        sizes = [4] if read == "readexactly" else []
        assert await getattr(bounded._Reader(stream, allowance), read)(*sizes) == brought
        assert allowance.left == 100 - len(brought)

    def test_what_other_code_reads_is_counted_and_what_it_looks_at_is_not(self, allowance):
        ours, theirs = socket.socketpair()
        with ours, theirs:
            theirs.sendall(b"+abcdef")
            counted = bounded._Socket(ours, allowance)
            assert (counted.recv(4, socket.MSG_PEEK), allowance.left) == (b"+abc", 100)
            assert (counted.recv(4), allowance.left) == (b"+abc", 96)
            assert (counted.recv_into(bytearray(9)), allowance.left) == (3, 93)
            assert counted.fileno() == ours.fileno()


@pytest.mark.parametrize(("cursors", "safe"), [({}, "Nothing was read"), ({"s": at(5, 5)}, "Read up to 5-0")])
def test_a_fault_is_waited_out(monkeypatch, cursors, safe):
    waited = []
    reader = StreamReader("redis://127.0.0.1:1", ("s",), cursors=cursors)
    monkeypatch.setattr(reader._closed, "wait", waited.append)
    monkeypatch.setattr("mastermind_lab.stream.reader.backoff_delay", lambda failures: failures * 10)
    for number, update in zip(range(3), reader, strict=False):
        assert "no Redis answers" in str(update.transient_error)
        assert safe in str(update.transient_error)
        assert waited[: number + 1] == [10, 20, 30][: number + 1]
    reader.close()


def test_figures_and_entries_are_asked_for_together(raw, redis_url):
    def transactions():
        return raw.info("commandstats").get("cmdstat_multi", {}).get("calls", 0)

    before, reader = transactions(), StreamReader(redis_url, ("s",), cursors={"s": Cursor()})
    next(iter(reader))
    reader.close()
    assert transactions() == before + 1
