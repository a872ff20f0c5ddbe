"""Connections of our own, made from a URL or from anybody's client, and their faults in plain words."""

from __future__ import annotations

import random
import re
import ssl
from typing import Any

import redis
from redis import asyncio as aio
from redis import exceptions as fault

from ..errors import OptionError, SourceError
from ..text import terminal_line
from .bounded import PAGE_LIMIT, REPLY_LIMIT, Allowance, ReplyTooLargeError, bounded, bounded_async
from .replies import FEW, Commands, Result, Steps

Client = redis.Redis | aio.Redis

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
# What a connection is told about where and as whom; a client's other settings are its own affair.
_KEPT = ("host", "port", "path", "db", "username", "password", "credential_provider", "client_name", "server")
_SYNC = {
    aio.Connection: redis.Connection,
    aio.SSLConnection: redis.SSLConnection,
    aio.UnixDomainSocketConnection: redis.UnixDomainSocketConnection,
}
_PASSING = (
    "LOADING", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "UNBLOCKED", "BUSY", "max number of clients",
    "Protocol error", "Wrong number of response items",  # garbled on the way: to the server, or from it
)  # fmt: skip
_MOST_SAID = 300  # characters

_JITTER = random.Random()  # noqa: S311 - no secret; its own, so that nobody's seed is used up


def connect(source: str | Client, timeout: float = 20) -> redis.Redis:
    """Open a synchronous connection of our own to a URL, or to where a client is connected.

    ``timeout`` is how many seconds to wait for a server that has stopped answering.

    Raises
    ------
    OptionError
        The URL cannot be read, or the client is none that holds a pool of connections.
    """
    pool = _pool(source)
    kind = bounded(_SYNC.get(pool.connection_class, pool.connection_class))
    settings = _settings(pool) | {"socket_timeout": timeout, "allowance": Allowance()}
    return redis.Redis(connection_pool=redis.ConnectionPool(connection_class=kind, **settings))


def connect_async(client: aio.Redis) -> aio.Redis:
    """Open an asyncio connection of our own to where a client is connected."""
    pool = _pool(client)
    # Just above the longest block, so that a frozen server shows.
    settings = _settings(pool) | {"socket_timeout": 3, "allowance": Allowance()}
    kind = bounded_async(pool.connection_class)
    return aio.Redis(connection_pool=aio.ConnectionPool(connection_class=kind, **settings))


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


def allow(client: Client, commands: Commands) -> None:
    """Let the reply to these commands be large, on a client of ours, unless it brings several entries."""
    allowance: Allowance = client.connection_pool.connection_kwargs["allowance"]
    counts = (command[-1] for command in commands if command[-2] == "COUNT")
    allowance.most = PAGE_LIMIT if any(count > FEW for count in counts) else REPLY_LIMIT


def _pool(source: Any) -> Any:
    if isinstance(source, str):
        return _pool_of_url(source)
    pool = getattr(source, "connection_pool", None)
    if pool is None:
        raise OptionError(
            f"cannot read from a {type(source).__name__}: give a redis:// URL or a redis client"
        )
    return pool


def _pool_of_url(url: str) -> redis.ConnectionPool:
    hint = "expected redis://[user:password@]host[:port][/db], rediss://... or unix:///path"
    if _is_cut_short(url):
        escapes = "in a password, write # as %23, / as %2F, ? as %3F and @ as %40"
        raise OptionError(f"the Redis URL cannot be read: there is an @ behind its host; {escapes} ({hint})")
    try:
        return redis.ConnectionPool.from_url(url)
    except ValueError as error:
        # Neither the URL nor a part of it is quoted: it may be of a password.
        why = str(error) if str(error).startswith(("Invalid value for", "Redis URL must")) else "its port"
        raise OptionError(f"the Redis URL cannot be read ({why}); {hint}") from None


def _is_cut_short(url: str) -> bool:
    """Tell whether what was meant for a password has ended the host: all up to the last @ belongs to it."""
    scheme, _, rest = url.partition("://")
    if scheme == "unix":
        return False
    host = re.split("[/?#]", rest, maxsplit=1)[0]
    behind, at, _ = rest[len(host) :].rpartition("@")
    return bool(at) and not re.match(r"/?\d*\?\w+=", behind)


def _settings(pool: Any) -> dict[str, Any]:
    given = pool.connection_kwargs
    kept = {name: given[name] for name in given if name in _KEPT or name.startswith("ssl_")}
    unix = "path" in kept
    return kept | {
        name: value for name, value in _OURS.items() if not (unix and name in ("socket_keepalive",))
    }


def address(source: str | Client) -> str:
    """Say where a URL or client points, without user and password.

    Examples
    --------
    >>> address("redis://me:secret@localhost:6379/2")
    'redis://localhost:6379/2'
    """
    pool = _pool(source)
    given = pool.connection_kwargs
    if "path" in given:
        return f"unix://{given['path']}?db={given.get('db') or 0}"
    scheme = (
        "rediss" if issubclass(pool.connection_class, redis.SSLConnection | aio.SSLConnection) else "redis"
    )
    return f"{scheme}://{given.get('host', 'localhost')}:{given.get('port', 6379)}/{given.get('db') or 0}"


def is_permanent(error: Exception) -> bool:
    """Tell a lasting fault (password, rights, wrong type) from a passing one (network, loading)."""
    if isinstance(error, fault.AuthenticationError | fault.AuthorizationError | fault.NoPermissionError):
        return True
    if isinstance(error.__cause__ or error.__context__, ssl.SSLCertVerificationError):
        return True
    if isinstance(error, fault.ResponseError):
        passing = fault.MasterDownError | fault.ClusterDownError | fault.TryAgainError
        return not said(error).startswith(_PASSING) and not isinstance(error, passing)
    return False


def said(error: Exception) -> str:
    """Return what a server or the client says of a fault, fit for a terminal and a log."""
    text = str(error)
    return terminal_line(text.partition(" caused error: ")[2] or text, _MOST_SAID)


def backoff_delay(failures: int) -> float:
    """Return how many seconds to wait after so many failures; many followers should not come back at once."""
    longest: float = min(0.05 * 2**failures, 2.0)
    return longest * _JITTER.uniform(0.5, 1)


def explain(error: Exception, where: str, stream: str, safe: str = "Nothing was read") -> SourceError:
    """Put a fault of the connection into plain words: what, where, what is safe, what to do."""
    text = said(error)
    if isinstance(error, fault.AuthenticationError) or text.startswith(("NOAUTH", "WRONGPASS")):
        return SourceError(f"{where} refused the user name or password ({text}). {safe}; check the URL.")
    if isinstance(error, fault.NoPermissionError) or text.startswith("NOPERM"):
        return SourceError(f"{where}: this user may not read the stream {stream!r} ({text}).")
    if text.startswith("WRONGTYPE"):
        return SourceError(f"{where}: the key {stream!r} is not a stream. {safe}; check the stream's name.")
    if isinstance(error, fault.BusyLoadingError):
        return SourceError(f"{where} is still loading its data. Nothing is lost; try again in a moment.")
    if isinstance(cause := error.__cause__ or error.__context__, ssl.SSLCertVerificationError):
        why = cause.verify_message or cause.reason
        hint = "check the host's name, or name your authority's file: ?ssl_ca_certs=/path"
        return SourceError(f"the certificate of {where} is not trusted ({why}). {safe}; {hint}.")
    if isinstance(error, fault.ConnectionError | fault.TimeoutError | OSError):
        tls = "rediss:// asks for TLS" if where.startswith("rediss:") else "redis:// asks for no TLS"
        return SourceError(
            f"no Redis answers at {where} ({text}). {safe}; is the server running there? ({tls})"
        )
    if isinstance(error, ReplyTooLargeError):
        return SourceError(f"{where}, stream {stream!r}: {text}. {safe}; is it a Redis server?")
    if isinstance(error, fault.MovedError):
        node = f"redis://{error.host}:{error.port}"
        return SourceError(
            f"{where} is one node of a cluster, and the stream {stream!r} lies on another. "
            f"{safe}; connect to {terminal_line(node)}."
        )
    if isinstance(error, fault.InvalidResponse) or not isinstance(error, fault.RedisError):
        kind = type(error).__name__
        return SourceError(
            f"{where} answered what cannot be read ({kind}: {text}). {safe}; is it a Redis server?"
        )
    return SourceError(f"{where}, stream {stream!r}: {text}")
