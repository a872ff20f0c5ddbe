"""Connections of our own, made from a URL or from anybody's client, and their faults in plain words."""

from __future__ import annotations

import random
import ssl
from functools import partial
from typing import Any

import redis
from redis import asyncio as aio
from redis import exceptions as fault
from redis import sentinel

from ..errors import SourceError
from ..text import terminal_line
from .bounded import PAGE_LIMIT, REPLY_LIMIT, Allowance, ReplyTooLargeError, bounded, bounded_async
from .replies import FEW, Commands, Result, Steps
from .target import Client, Target, target

# No decoding: one bad byte would cost a whole batch. No retry: a blocking read must not be sent again unseen.
_OURS: dict[str, Any] = {
    "decode_responses": False,
    "retry": None,
    "retry_on_error": [],
    "protocol": 2,
    "socket_connect_timeout": 2,
    "socket_keepalive": True,
    "health_check_interval": 0,
    # After each read a thread that fetches ahead waits its turn behind the one that decodes: few, large ones.
    "socket_read_size": 2**18,
}
_SYNC = {
    aio.Connection: redis.Connection,
    aio.SSLConnection: redis.SSLConnection,
    aio.UnixDomainSocketConnection: redis.UnixDomainSocketConnection,
}
_PASSING = (
    "LOADING", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "UNBLOCKED", "BUSY", "max number of clients",
    "Protocol error", "Wrong number of response items",  # garbled on the way: to the server, or from it
)  # fmt: skip
_OF_A_CLUSTER = (fault.AskError, fault.ClusterDownError, fault.TryAgainError, fault.ClusterCrossSlotError)
_MOST_SAID = 300  # characters
MOST_MOVES = 5
"""From one node of a cluster to another, for one command."""

_SENTINEL_TIMEOUT = 1  # second

OurClient = redis.Redis | aio.Redis
"""A connection of our own."""

_JITTER = random.Random()  # noqa: S311 - no secret; its own, so that nobody's seed is used up


def connect(source: str | Client, timeout: float = 20) -> redis.Redis:
    """Open a synchronous connection of our own to a URL, or to where a client is connected.

    ``timeout`` is how many seconds to wait for a server that has stopped answering.

    Raises
    ------
    OptionError
        The URL cannot be read, or the client is none that holds a pool of connections.
    """
    found = target(source, partial(connect, timeout=_SENTINEL_TIMEOUT))
    kind = bounded(_SYNC.get(found.kind, found.kind))
    return redis.Redis(connection_pool=redis.ConnectionPool(kind, **_settings(found, timeout)))


def connect_async(client: aio.Redis | aio.RedisCluster) -> aio.Redis:
    """Open an asyncio connection of our own to where a client is connected."""
    found = target(client, partial(connect, timeout=_SENTINEL_TIMEOUT))
    # Just above the longest block, so that a frozen server shows.
    pool = aio.ConnectionPool(bounded_async(found.kind), **_settings(found, 3))
    return aio.Redis(connection_pool=pool)


def _settings(found: Target, timeout: float) -> dict[str, Any]:
    unix = "path" in found.settings
    ours = {name: value for name, value in _OURS.items() if not (unix and name == "socket_keepalive")}
    more = {"socket_timeout": timeout, "allowance": Allowance(), "route": found.route}
    return found.settings | ours | more


def ask(client: redis.Redis, steps: Steps[Result]) -> Result:
    """Ask a server what some steps want to know, and return what they make of the replies."""
    try:
        commands = next(steps)
        while True:
            commands = steps.send(send(client, commands))
    except StopIteration as end:
        result: Result = end.value
        return result


def send(client: redis.Redis, commands: Commands) -> list[Any]:
    """Send a command, or several as one transaction; return the replies, or errors in their place."""
    allow(client, commands)
    for _ in range(MOST_MOVES):
        replies = _replies(client, commands)
        if not is_moved(client, replies):
            return replies
        client.connection_pool.disconnect()
    return [no_node_has_it()] * len(commands)


def _replies(client: redis.Redis, commands: Commands) -> list[Any]:
    try:
        if len(commands) == 1:
            reply = client.execute_command(*commands[0])  # type: ignore[no-untyped-call] # untyped in redis
            return [reply]
        with client.pipeline(transaction=True) as transaction:
            for command in commands:
                transaction.execute_command(*command)  # type: ignore[no-untyped-call] # untyped in redis
            return transaction.execute(raise_on_error=False)
    except fault.ResponseError as error:
        if len(commands) > 1:
            # Where EXEC was refused, the connection would still wait for one.
            client.connection_pool.disconnect()
        return [error] * len(commands)


def is_moved(client: OurClient, replies: list[Any]) -> bool:
    """Tell whether a cluster has sent us to another of its nodes: there the next connection goes."""
    route = client.connection_pool.connection_kwargs["route"]
    moved = [reply for reply in replies if isinstance(reply, fault.MovedError)]
    return bool(moved and route and route.is_moved_to(moved[0].host, moved[0].port))


def no_node_has_it() -> Exception:
    """Return the error of a command that a cluster's nodes have sent from one to another: that passes."""
    return fault.ClusterDownError("its nodes send from one to another")


def allow(client: OurClient, commands: Commands) -> None:
    """Let the reply to these commands be large, on a client of ours, unless it brings several entries."""
    allowance: Allowance = client.connection_pool.connection_kwargs["allowance"]
    counts = (command[-1] for command in commands if command[0] != "XREAD" and command[-2] == "COUNT")
    allowance.most = PAGE_LIMIT if any(count > FEW for count in counts) else REPLY_LIMIT


def address(source: str | Client) -> str:
    """Say where a URL or client points, without user and password.

    Examples
    --------
    >>> address("redis://me:secret@localhost:6379/2")
    'redis://localhost:6379/2'
    """
    return target(source).address


def is_permanent(error: Exception) -> bool:
    """Tell a lasting fault (password, rights, wrong type) from a passing one (network, loading)."""
    if isinstance(error, fault.AuthenticationError | fault.AuthorizationError | fault.NoPermissionError):
        return True
    if isinstance(error.__cause__ or error.__context__, ssl.SSLCertVerificationError):
        return True
    if isinstance(error, fault.ResponseError):
        passing = fault.MasterDownError | fault.ClusterDownError | fault.TryAgainError
        is_moving = isinstance(error, fault.AskError) and not isinstance(error, fault.MovedError)
        return not (said(error).startswith(_PASSING) or isinstance(error, passing) or is_moving)
    return False


def is_of_one_stream(error: Exception) -> bool:
    """Tell a lasting fault of one stream, which is none or may not be read, from one that all would meet."""
    cause = (error.__cause__ if isinstance(error, SourceError) else error) or error
    return isinstance(cause, fault.NoPermissionError) or str(cause).startswith(("NOPERM", "WRONGTYPE"))


def said(error: Exception) -> str:
    """Return what a server or the client says of a fault, fit for a terminal and a log.

    What neither of them says is what Python says of a reply that was taken for another one.
    """
    text = str(error) if isinstance(error, fault.RedisError | OSError) else "a reply to something else"
    return terminal_line(text.partition(" caused error: ")[2] or text, _MOST_SAID)


def backoff_delay(failures: int) -> float:
    """Return how many seconds to wait after so many failures; many followers should not come back at once."""
    longest: float = min(0.05 * 2 ** min(failures, 6), 2.0)  # a float has no room for 2 to the 1,024
    return longest * _JITTER.uniform(0.5, 1)


def explain(
    error: Exception, where: str, stream: str, safe: str = "Nothing was read", *, wish: str = "read"
) -> SourceError:
    """Put a fault of the connection into plain words: what, where, what is safe, what to do.

    ``wish`` is what was to be done, as in "read the stream".
    """
    text = said(error)
    if isinstance(error, fault.AuthenticationError) or text.startswith(("NOAUTH", "WRONGPASS")):
        return SourceError(f"{where} refused the user name or password ({text}). {safe}; check the URL.")
    if isinstance(error, fault.NoPermissionError) or text.startswith("NOPERM"):
        return SourceError(f"{where}: this user may not {wish} the stream {stream!r} ({text}).")
    if text.startswith("WRONGTYPE"):
        return SourceError(f"{where}: the key {stream!r} is not a stream. {safe}; check the stream's name.")
    if isinstance(error, fault.BusyLoadingError):
        return SourceError(f"{where} is still loading its data. Nothing is lost; try again in a moment.")
    if isinstance(cause := error.__cause__ or error.__context__, ssl.SSLCertVerificationError):
        why = cause.verify_message or cause.reason
        hint = "check the host's name, or name your authority's file: ?ssl_ca_certs=/path"
        return SourceError(f"the certificate of {where} is not trusted ({why}). {safe}; {hint}.")
    if isinstance(error, fault.ReadOnlyError):
        return SourceError(f"{where} is a replica, which refuses this ({text}). {safe}; {wish} its master.")
    if isinstance(error, sentinel.MasterNotFoundError):
        return SourceError(f"{where}: {text}. {safe}; is the name right, and do the sentinels run?")
    if isinstance(error, fault.ConnectionError | fault.TimeoutError | OSError):
        tls = "rediss:// asks for TLS" if where.startswith("rediss:") else "redis:// asks for no TLS"
        return SourceError(
            f"no Redis answers at {where} ({text}). {safe}; is the server running there? ({tls})"
        )
    if isinstance(error, ReplyTooLargeError):
        return SourceError(f"{where}, stream {stream!r}: {text}. {safe}; is it a Redis server?")
    if isinstance(error, _OF_A_CLUSTER) and not isinstance(error, fault.MasterDownError):
        return SourceError(f"{where}, stream {stream!r}: {_of_a_cluster(error, text)}")
    if isinstance(error, fault.InvalidResponse) or not isinstance(error, fault.RedisError):
        return SourceError(f"{where} answered what cannot be read ({text}). {safe}; is it a Redis server?")
    return SourceError(f"{where}, stream {stream!r}: {text}")


def _of_a_cluster(error: Exception, text: str) -> str:
    if isinstance(error, fault.MovedError):
        return (
            f"this is one node of a cluster, and the stream lies on another. Connect to "
            f"{terminal_line(f'redis://{error.host}:{error.port}')}, or give a redis.RedisCluster client, "
            "which is followed from node to node."
        )
    if isinstance(error, fault.AskError):
        return "the cluster is moving it to another node. Nothing is lost; try again in a moment."
    if isinstance(error, fault.ClusterCrossSlotError):
        return f"a cluster keeps several streams in several places. Read or follow each by itself ({text})."
    return f"the cluster cannot serve it now ({text}). Nothing is lost; try again in a moment."
