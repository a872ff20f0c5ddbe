"""What is said to be missing where entries were deleted, or streams began again or late: never too little."""

from contextlib import closing
from itertools import islice

import pandas as pd
import pytest
import redis
from redis import asyncio as aio
from streams import Stopped, publish
from waiting import until

import mastermind_lab as lab
from mastermind_lab.envelope import DEFAULT_STREAM_NAME as STREAM
from mastermind_lab.stream import Pages, StreamReader, follow_envelopes

pytestmark = pytest.mark.once

PAYLOAD = b'{"decision":{"recommendation":"a","confidence":0.5}}'


def add(raw, *numbers):
    publish(raw, [(f"{number}-0", PAYLOAD) for number in numbers])


def names(*numbers):
    return [f"{number}-0" for number in numbers]


def said(history):
    """Return entries, missing and certainty; what is not known is None."""
    [row] = history.coverage.to_dict("records")
    return row["entries"], None if pd.isna(row["missing"]) else row["missing"], row["certainty"]


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch):
    monkeypatch.setattr("mastermind_lab.stream.schedule.LOOK", 0.01)


@pytest.fixture(params=["follower", "archive"])
def reader(request, redis_url, tmp_path):
    return Stopped(request.param, redis_url, tmp_path / "a")


class TestDeletedAhead:
    @pytest.mark.parametrize(
        "deleted",
        [(14,), (11,), (20,), (12, 13, 17), range(11, 20)],
        ids=["one", "first", "last", "some", "most"],
    )
    def test_counted_at_most(self, raw, reader, deleted):
        add(raw, *range(1, 11))
        assert said(reader.reads()) == (10, 0, "exact")
        add(raw, *range(11, 21))
        raw.xdel(STREAM, *names(*deleted))
        assert said(reader.reads()) == (20 - len(deleted), len(deleted), "at most")

    def test_all_of_them_with_what_comes_next(self, raw, reader):
        add(raw, *range(1, 11))
        reader.reads()
        add(raw, 11, 12)
        raw.xdel(STREAM, *names(11, 12))
        reader.reads()
        add(raw, 13)
        assert said(reader.reads()) == (11, 2, "at most")

    def test_in_many_pages(self, raw, reader):
        add(raw, *range(1, 11))
        reader.reads()
        add(raw, *range(11, 2_001))
        raw.xdel(STREAM, *names(50, 700, 701, 1_900))
        assert said(reader.reads()) == (1_996, 4, "at most")

    def test_what_was_read_before_it_was_deleted_is_not_missing(self, raw, reader):
        add(raw, *range(1, 11))
        reader.reads()
        raw.xdel(STREAM, *names(3, 10))
        add(raw, 11, 12)
        assert said(reader.reads()) == (12, 0, "exact")

    def test_all_that_was_read_is_gone_and_nothing_came(self, raw, reader):
        add(raw, *range(1, 11))
        reader.reads()
        raw.xtrim(STREAM, maxlen=0)
        assert said(reader.reads()) == (10, 0, "exact")

    def test_a_hole_that_the_server_keeps_no_id_of(self, raw, reader):
        """As XTRIM ... ACKED makes them: what is gone in the middle moves no max-deleted-entry-id."""
        add(raw, *range(1, 11))
        reader.reads()
        add(raw, *range(11, 31))
        raw.xdel(STREAM, *names(10, *range(15, 25)))
        raw.execute_command("XSETID", STREAM, "30-0", "ENTRIESADDED", 30, "MAXDELETEDID", "0-0")
        history = reader.reads()
        assert said(history) == (20, 10, "at most")
        assert history.decisions["stream_id"].tolist() == names(*range(1, 15), *range(25, 31))

    def test_deleted_and_then_trimmed(self, raw, reader):
        add(raw, *range(1, 11))
        reader.reads()
        add(raw, *range(11, 31))
        raw.xdel(STREAM, *names(12, 13))
        raw.xtrim(STREAM, minid="20-0", approximate=False)
        assert said(reader.reads()) == (21, 9, "at most")

    async def test_asyncio_code_hears_of_it(self, raw, redis_url, caplog):
        add(raw, 1)
        async with aio.from_url(redis_url) as client:
            following = follow_envelopes(client, STREAM, last_id="0-0")
            await anext(following)
            add(raw, 2, 3, 4)
            raw.xdel(STREAM, *names(2, 3))
            assert (await anext(following))[0] == "4-0"
            await following.aclose()
        assert "at most 2 entries" in caplog.text


@pytest.mark.thorough
@pytest.mark.timeout(600)
def test_trimmed_behind_and_under_a_read_many_times(raw, redis_url, tmp_path, effort):
    """Half of what comes is trimmed, before, under and behind the reading: each entry is accounted for."""
    count, follower = 50_000 * effort, lab.Follower(redis_url, keep=1_000, backfill=0)
    with follower:
        until(lambda: follower.status.state == "live")
        for first in range(1, count, 10_000):
            for begin in range(first, first + 10_000, 1_000):
                add(raw, *range(begin, begin + 1_000))
            raw.xtrim(STREAM, minid=(first + 10_000) // 2, approximate=False)
            [row] = lab.read(redis_url, last=5_000).coverage.to_dict("records")
            assert row["entries"] + row["left_out"] + row["missing"] == first + 9_999
            assert row["certainty"] == "exact"
        until(lambda: follower.status.received + follower.status.trimmed == count, 60)
    lab.archive(redis_url, tmp_path / "a")
    for source in (redis_url, tmp_path / "a"):
        assert said(lab.read(source)) == (count // 2 + 1, count // 2 - 1, "exact")


class TestBegunAgain:
    """Ten were read; five more were added, and went unread with the stream."""

    @pytest.mark.parametrize(
        ("then", "trimmed"), [(5, 0), (12, 0), (1_500, 3)], ids=["fewer", "more", "many pages, trimmed"]
    )
    def test_nobody_knows_what_it_held(self, raw, reader, then, trimmed):
        add(raw, *range(1, 11))
        reader.reads()
        add(raw, *range(11, 16))
        raw.delete(STREAM)
        add(raw, *range(16 - trimmed, 16 + then))
        raw.xtrim(STREAM, maxlen=then, approximate=False)
        history = reader.reads()
        coverage = lab.read(reader.folder).coverage if reader.kind == "archive" else history.coverage
        row = coverage.iloc[-1]
        assert (row["certainty"], pd.isna(row["missing"])) == ("not verified", True)
        assert "what it held unread before it began again is not known" in row["note"]
        ids = history.decisions["stream_id"].tolist()
        assert ids == names(*range(1, 11)) + [f"{number}-0@1" for number in range(16, 16 + then)]

    def test_told_by_the_last_deletion(self, raw, reader):
        """Begun again, longer, and trimmed past the cursor: only the last deletion is an earlier one."""
        add(raw, *range(1, 11))
        raw.xdel(STREAM, "4-0")
        reader.reads()
        raw.delete(STREAM)
        add(raw, *range(16, 60))
        raw.xtrim(STREAM, maxlen=20, approximate=False)
        history = reader.reads()
        assert said(history)[1:] == (None, "not verified")
        assert history.decisions["stream_id"].str.endswith("@1").sum() == 20

    def test_what_was_so_before_stays_so(self, raw, redis_url):
        add(raw, *range(1, 11))
        with lab.Follower(redis_url) as follower:
            until(lambda: follower.status.received == 10)
            raw.delete(STREAM)
            until(lambda: follower.status.resets == 1)
            assert said(follower.history(as_of="9-0")) == (9, 0, "exact")
            assert said(follower.history())[2] == "not verified"

    def test_trimmed_past_the_cursor_is_no_new_beginning(self, raw, reader):
        add(raw, *range(1, 11))
        reader.reads()
        add(raw, *range(11, 51))
        raw.xtrim(STREAM, maxlen=20, approximate=False)
        assert said(reader.reads()) == (30, 20, "at most")
        assert "nothing is left to tell" in reader.note()

    @pytest.mark.parametrize(("added", "left"), [(20, 10), (30, 10), (1_500, 3)])
    def test_longer_and_trimmed_past_the_cursor_is_never_exact(self, raw, reader, added, left):
        add(raw, *range(1, 11))
        assert said(reader.reads()) == (10, 0, "exact")
        raw.delete(STREAM)
        add(raw, *range(101, 101 + added))
        raw.xtrim(STREAM, maxlen=left, approximate=False)
        assert said(reader.reads()) == (10 + left, added - left - 10, "at most")
        assert "begun again" in reader.note()

    @pytest.mark.parametrize(("since", "kept"), [("9-0", 3), (None, 0)], ids=["at its end", "empty"])
    @pytest.mark.parametrize("is_another", [True, False])
    def test_where_nothing_was_read_of_it_yet(self, raw, redis_url, since, kept, is_another):
        add(raw, 1, 2, 3)
        raw.xtrim(STREAM, maxlen=kept, approximate=False)
        reader = StreamReader(redis_url, (STREAM,), backfill=5, since=since)
        with closing(iter(reader)) as reading:
            next(reading)
            with raw.pipeline(transaction=True) as at_once:
                if is_another:
                    at_once.delete(STREAM)
                for number in range(11, 21):
                    at_once.xadd(STREAM, {"data": PAYLOAD}, f"{number}-0")
                at_once.xtrim(STREAM, maxlen=5, approximate=False)
                at_once.execute()
            found = next(update for update in reading if update.entries)
        assert [entry_id for entry_id, _ in found.entries] == names(*range(16, 21))
        assert (found.gap.missing, found.gap.certainty) == (2 if is_another else 5, "at most")
        assert "begun again" in found.gap.note

    @pytest.mark.parametrize("since", ["9-0", None])
    def test_what_was_not_read_of_it_tells_that_it_is_the_same(self, raw, redis_url, since):
        add(raw, 1, 2, 3)
        reader = StreamReader(redis_url, (STREAM,), since=since)
        with closing(iter(reader)) as reading:
            next(reading)
            add(raw, 11, 12, 13)
            found = next(update for update in reading if update.entries)
        assert (found.gap, found.ordinal, reader.cursors[STREAM].is_verified) == (None, 6, True)


class TestBegunBeforeItsStream:
    @pytest.mark.parametrize("change", ["none", "trimmed", "deleted"])
    def test_accounted_for_from_the_first_entry_on(self, raw, redis_url, change):
        with lab.Follower(redis_url) as follower:
            until(lambda: follower.status.state == "live")
            assert "there is no stream" in follower.history().coverage["note"][0]
            add(raw, 1)
            until(lambda: follower.status.received == 1)
            assert said(follower.history()) == (1, 0, "exact")
            assert pd.isna(follower.history().coverage["note"][0])
            with raw.pipeline(transaction=True) as at_once:
                for number in range(2, 20):
                    at_once.xadd(STREAM, {"data": PAYLOAD}, f"{number}-0")
                if change == "trimmed":
                    at_once.xtrim(STREAM, maxlen=3, approximate=False)
                if change == "deleted":
                    at_once.xdel(STREAM, *names(*range(3, 18)))
                at_once.execute()
            read, missing, certainty = {
                "none": (19, 0, "exact"), "trimmed": (4, 15, "at most"), "deleted": (4, 15, "at most"),
            }[change]  # fmt: skip
            until(lambda: follower.status.received == read and follower.status.trimmed == missing)
            assert said(follower.history()) == (read, missing, certainty)

    @pytest.mark.parametrize("since", [None, "0", "5"])
    def test_what_was_gone_before_the_first_look(self, raw, redis_url, since):
        reader = StreamReader(redis_url, (STREAM,), backfill=5, since=since)
        updates = iter(reader)
        assert "there is no stream" in next(updates).account.note
        with raw.pipeline(transaction=True) as at_once:
            for number in range(1, 8):
                at_once.xadd(STREAM, {"data": PAYLOAD}, f"{number}-0")
            at_once.xtrim(STREAM, maxlen=2, approximate=False)
            at_once.execute()
        found = list(islice(updates, 6))
        reader.close()
        assert [(one.account.missing, one.account.certainty) for one in found if one.account] == [
            (0, "exact")
        ]
        assert [(one.gap.missing, one.gap.certainty) for one in found if one.gap] == [(5, "exact")]

    @pytest.mark.parametrize("since", [None, "0", "5"])
    def test_nothing_is_lost_where_each_update_is_the_last_before_a_stop(self, raw, redis_url, since):
        reader = StreamReader(redis_url, (STREAM,), backfill=5, since=since)
        updates = []
        for number in (5, 6, 7, 8):
            with closing(iter(reader)) as reading:
                updates.append(next(reading))
            add(raw, number)
        assert [entry_id for update in updates for entry_id, _ in update.entries] == names(5, 6, 7)
        assert [update.account and update.account.missing for update in updates] == [None, 0, None, None]

    def test_an_old_server_counts_nothing(self, old_server):
        with redis.Redis.from_url(old_server.url) as raw, lab.Follower(old_server.url) as follower:
            until(lambda: follower.status.state == "live")
            add(raw, 1)
            until(lambda: follower.status.received == 1)
            assert said(follower.history()) == (1, None, "not verified")
            assert "before Redis 7" in follower.history().coverage["note"][0]


def test_the_last_entry_was_deleted_before_the_following_began(raw, redis_url):
    add(raw, 1, 2, 3)
    raw.xdel(STREAM, "3-0")
    with lab.Follower(redis_url) as follower:
        until(lambda: follower.status.received == 2)
        with raw.pipeline(transaction=True) as at_once:
            for number in range(4, 11):
                at_once.xadd(STREAM, {"data": PAYLOAD}, f"{number}-0")
            at_once.xtrim(STREAM, maxlen=3, approximate=False)
            at_once.execute()
        until(lambda: follower.status.received == 5)
        assert said(follower.history())[1] == 1 + 4


def test_a_read_whose_stream_began_again_under_it_with_more_entries_is_an_error(raw, redis_url):
    add(raw, *range(1, 201))  # more than the pages that are fetched ahead hold: 4, 16 and 64
    pages = iter(Pages(redis_url, STREAM))
    next(pages)
    raw.delete(STREAM)
    add(raw, *range(201, 501))
    with pytest.raises(lab.SourceError, match="begun again"):
        list(pages)


def test_an_old_server_whose_stream_begins_again_below_the_cursor(old_server):
    with redis.Redis.from_url(old_server.url) as raw, lab.Follower(old_server.url) as follower:
        add(raw, *range(11, 16))
        until(lambda: follower.status.received == 5)
        raw.delete(STREAM)
        add(raw, 1, 2)
        until(lambda: follower.status.received == 7)
        ids = follower.history().decisions["stream_id"].tolist()
    assert ids == [*names(*range(11, 16)), "1-0@1", "2-0@1"]


def test_what_waits_in_many_pages_is_no_gap(raw, reader):
    add(raw, *range(1, 11))
    reader.reads()
    add(raw, *range(11, 81))
    assert said(reader.reads()) == (80, 0, "exact")
