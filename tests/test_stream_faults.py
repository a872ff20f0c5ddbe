"""What is said of a fault, whether it passes, how long is waited, and how many entries are asked for."""

import ssl
from types import SimpleNamespace

import pytest
import redis
from redis import exceptions as fault
from redis.sentinel import MasterNotFoundError, Sentinel

from mastermind_lab.errors import OptionError
from mastermind_lab.stream import connection, pages
from mastermind_lab.stream.bounded import ReplyTooLargeError
from mastermind_lab.stream.pages import FIRST_PAGE, PAGE_BYTES, Pages
from mastermind_lab.stream.replies import ABSENT, StreamInfo
from mastermind_lab.stream.target import ClusterRoute, SentinelRoute, target

WHERE = "redis://host:6379/0"


def certificate():
    error = fault.ConnectionError("SSL")
    error.__cause__ = ssl.SSLCertVerificationError(1, "failed")
    error.__cause__.verify_message = "self-signed"
    return error


FAULTS = [
    (fault.AuthenticationError("no"), True, "refused the user name or password (no). Safe; check the URL."),
    (fault.ResponseError("NOAUTH no"), True, "refused the user name or password"),
    (fault.ResponseError("WRONGPASS no"), True, "refused the user name or password"),
    (fault.NoPermissionError("no"), True, "this user may not read the stream 's' (no)."),
    (fault.ResponseError("NOPERM no"), True, "this user may not read the stream 's'"),
    (fault.ResponseError("WRONGTYPE no"), True, "the key 's' is not a stream. Safe; check the stream"),
    (fault.BusyLoadingError("LOADING"), False, "is still loading its data. Nothing is lost;"),
    (certificate(), True, "is not trusted (self-signed). Safe; check the host's name, or"),
    (fault.ReadOnlyError("no"), True, "is a replica, which refuses this (no). Safe; read its master."),
    (MasterNotFoundError("none"), False, "none. Safe; is the name right, and do the sentinels run?"),
    (fault.ConnectionError("no"), False, "no Redis answers at redis://host:6379/0 (no). Safe; is the server"),
    (fault.TimeoutError("late"), False, "no Redis answers at"),
    (OSError("no"), False, "no Redis answers at"),
    (ReplyTooLargeError("too large"), False, "too large. Safe; is it a Redis server?"),
    (fault.MovedError("1 other:7"), True, "Connect to redis://other:7, or give a redis.RedisCluster client"),
    (fault.AskError("1 other:7"), False, "the cluster is moving it to another node."),
    (fault.ClusterCrossSlotError("no"), True, "a cluster keeps several streams in several places."),
    (fault.ClusterDownError("CLUSTERDOWN"), False, "the cluster cannot serve it now (CLUSTERDOWN)."),
    (fault.TryAgainError("TRYAGAIN"), False, "the cluster cannot serve it now"),
    (fault.MasterDownError("MASTERDOWN"), False, "stream 's': MASTERDOWN"),
    (fault.InvalidResponse("?"), False, "answered what cannot be read (?). Safe; is it a Redis"),
    (ValueError("?"), False, "answered what cannot be read (a reply to something else). Safe; is it a Redis"),
    (KeyError("last-entry"), False, "answered what cannot be read (a reply to something else)."),
    (fault.ResponseError("BUSY script"), False, "stream 's': BUSY script"),
    (fault.ResponseError("max number of clients reached"), False, "stream 's': max number"),
    (fault.ResponseError("Protocol error"), False, "stream 's': Protocol error"),
    (fault.ResponseError("ERR other"), True, "stream 's': ERR other"),
]  # fmt: skip


@pytest.mark.parametrize(("error", "lasts", "said"), FAULTS, ids=lambda one: str(one)[:30])
def test_a_fault(error, lasts, said):
    explained = str(connection.explain(error, WHERE, "s", "Safe"))
    assert WHERE in explained
    assert said in explained
    assert connection.is_permanent(error) == lasts


def test_who_publishes_is_told_of_publishing():
    for error, said in (
        (fault.ReadOnlyError("no"), "refuses this (no). Safe; publish to its master."),
        (fault.NoPermissionError("no"), "this user may not publish to the stream 's' (no)."),
    ):
        assert said in str(connection.explain(error, WHERE, "s", "Safe", wish="publish to"))


def test_what_others_say_is_cut_and_harmless():
    sent = "Command # 1 (XINFO) of pipeline caused error: a\x1b[31m" + "b" * 999
    told = connection.said(fault.ResponseError(sent))
    assert told.startswith("a")
    assert "\x1b" not in told
    assert len(told) == 300
    assert "asks for TLS" in str(connection.explain(OSError(), "rediss://host:6379/0", "s"))
    assert "asks for no TLS" in str(connection.explain(OSError(), WHERE, "s"))


@pytest.mark.once
@pytest.mark.parametrize(("failures", "longest"), [(1, 0.1), (2, 0.2), (5, 1.6), (6, 2.0), (5_000, 2.0)])
def test_more_failures_are_waited_for_longer_but_never_long(failures, longest):
    waited = [connection.backoff_delay(failures) for _ in range(200)]
    assert longest / 2 <= min(waited) < longest * 0.6
    assert longest * 0.9 < max(waited) <= longest


@pytest.mark.once
@pytest.mark.parametrize(
    ("payload", "size", "following"),
    [
        (b"", 1, FIRST_PAGE * 4),
        (b"", 10, 40),
        (b"", 500, 1_000),
        (None, 10, 40),
        (b"x" * 2**10, 1_000, 1_000),
        (b"x" * 2**11, 1_000, 512),
        (b"x" * PAGE_BYTES, 1_000, 1),
        (b"x" * (PAGE_BYTES + 1), 4, 1),
    ],
)
def test_pages_are_of_as_many_bytes_and_grow_slowly(payload, size, following):
    assert pages.next_size([("1-0", payload)], size) == following


@pytest.mark.once
@pytest.mark.parametrize(("size", "less"), [(1_000, 125), (16, 2), (15, 1), (8, 1), (7, 1), (1, 1)])
def test_a_reply_that_was_too_large_is_asked_for_in_smaller_ones(size, less):
    assert pages.smaller(size) == less


@pytest.mark.once
@pytest.mark.parametrize(
    ("source", "address"),
    [
        ("redis://host", "redis://host:6379/0"),
        ("redis://me:secret@host:7/3", "redis://host:7/3"),
        ("rediss://host", "rediss://host:6379/0"),
        ("valkey://host", "redis://host:6379/0"),
        ("valkeys://host", "rediss://host:6379/0"),
        ("unix:///run/redis", "unix:///run/redis?db=0"),
        ("unix:///run/redis?db=2", "unix:///run/redis?db=2"),
        ("unix://me:secret@/run/redis", "unix:///run/redis?db=0"),
    ],
)
def test_an_address_is_whole_but_for_the_password(source, address):
    assert target(source).address == address
    with redis.Redis(connection_pool=redis.ConnectionPool()) as client:
        assert target(client).address == "redis://localhost:6379/0"


@pytest.mark.once
@pytest.mark.parametrize(
    ("source", "said"),
    [
        (7, "cannot read from a int: give a redis:// URL or a redis client"),
        ("redis://me:a#b@host", "there is an @ behind its host; in a password, write # as %23"),
        ("redis://me:a/b@host", "there is an @ behind its host"),
        ("redis://host:port", "cannot be read .its port."),
        ("http://host", "cannot be read .Redis URL must"),
    ],
)
def test_what_is_no_source(source, said):
    with pytest.raises(OptionError, match=said):
        target(source)


def test_a_cluster_is_named_by_the_first_of_its_nodes():
    nodes = [SimpleNamespace(host=host, port=7) for host in ("b", "a", "c")]
    manager = SimpleNamespace(startup_nodes={"x": nodes[0]}, nodes_cache={"y": nodes[1], "z": nodes[2]})
    assert ClusterRoute(SimpleNamespace(nodes_manager=manager)).shown == "redis+cluster://a:7"


@pytest.mark.parametrize("kind", ["master", "slave"])
def test_sentinels_that_name_nobody_are_hung_up(kind):
    manager, closed = Sentinel([("127.0.0.1", 2), ("127.0.0.1", 1)], socket_timeout=1), []
    pool = getattr(manager, f"{kind}_for")("name").connection_pool

    def ask(_):
        client = redis.Redis(host="127.0.0.1", port=1, retry=None)
        client.connection_pool.disconnect = lambda: closed.append(client)
        return client

    route = SentinelRoute(pool, ask)
    assert route.shown == "redis+sentinel://127.0.0.1:1,127.0.0.1:2/name"
    with pytest.raises(MasterNotFoundError, match="of 2 sentinels none names a master of 'name'"):
        next(route.places())
    assert len({*map(id, closed)}) == 2


def read(before, after, entries, **limits):
    """The account of a reading between two looks."""
    reading = Pages("redis://host", "s", **limits)
    reading.before, reading.after, reading.entries = before, after, entries
    account = reading.account()
    return account.left_out, account.missing, account.certainty, reading._is_another(before, after)


def info(length, added, last=9, first=1, max_deleted="0-0"):
    return StreamInfo(length, added, f"{last}-0", f"{first}-0", max_deleted)


@pytest.mark.once
@pytest.mark.parametrize(
    ("before", "after", "entries", "limits", "account"),
    [
        (info(9, 9), info(9, 9), 9, {}, (0, 0, "exact", False)),
        (info(9, 9), info(12, 12, 12), 9, {}, (0, 0, "exact", False)),
        (info(9, 9), info(9, 9), 4, {"last": 4}, (5, 0, "exact", False)),
        (info(9, 9), info(9, 9), 9, {"last": 99}, (0, 0, "exact", False)),
        (info(7, 9), info(7, 9), 7, {}, (0, 2, "exact", False)),
        (info(7, 9, max_deleted="1-0"), info(7, 9), 7, {}, (0, 2, "at most", False)),
        (info(7, 9, first=3, max_deleted="2-0"), info(7, 9), 7, {}, (0, 2, "exact", False)),
        (info(9, 9), info(7, 9), 7, {}, (0, 2, "exact", False)),
        (info(9, 9), info(8, 9), 7, {}, (0, 2, "exact", True)),
        (info(9, 9), info(9, 9, 8), 9, {}, (0, 0, "exact", True)),
        (info(9, 9), info(8, 8), 9, {}, (0, 0, "exact", True)),
        (info(9, None), info(9, None), 9, {}, (0, None, "not verified", False)),
        (info(9, 9), info(7, 9), 3, {"since": "4-0"}, (4, 2, "at most", False)),
        (info(9, 9), info(9, 9), 3, {"since": "4-0"}, (6, 0, "exact", False)),
    ],
)
def test_an_account(before, after, entries, limits, account):
    assert read(before, after, entries, **limits) == account


@pytest.mark.once
def test_an_account_without_figures():
    reading = Pages("redis://host", "s")
    reading.before, reading.after = None, None
    assert (reading.account().left_out, reading.account().note) == (None, "no right to XINFO")
    reading.before = ABSENT
    assert reading.account().note.startswith("there is no stream 's' yet")
    assert reading.account().certainty == "not verified"
