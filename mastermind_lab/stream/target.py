"""Where a URL or anybody's client points, and how a connection of our own gets there.

A client that Sentinel manages, or one of a cluster, has no one address: it is asked for each time a
connection is made, so that following goes on after a failover.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import redis
from redis import asyncio as aio
from redis import sentinel
from redis.asyncio import sentinel as aio_sentinel

from ..errors import OptionError
from ..text import ELLIPSIS
from ..wire import URL_VARIABLES

Client = redis.Redis | aio.Redis | redis.RedisCluster | aio.RedisCluster
Place = tuple[str, int]
"""A host and a port."""

# What a connection is told about where and as whom; a client's other settings are its own affair.
_KEPT = ("host", "port", "path", "db", "username", "password", "credential_provider", "client_name", "server")
_PLAIN: dict[type, type] = {
    sentinel.SentinelManagedConnection: redis.Connection,
    sentinel.SentinelManagedSSLConnection: redis.SSLConnection,
    aio_sentinel.SentinelManagedConnection: aio.Connection,
    aio_sentinel.SentinelManagedSSLConnection: aio.SSLConnection,
}
_SCHEMES = {"valkey": "redis", "valkeys": "rediss"}  # the same, under the names of Redis' successor


class Route:
    """Where the connections to a source go: asked for whenever one is made; ``shown`` is a name for it."""

    def __init__(self, shown: str) -> None:
        self.shown = shown

    def places(self) -> Iterator[Place]:
        """Yield the addresses to try, the best first."""
        raise NotImplementedError

    def is_moved_to(self, host: str, port: int) -> bool:
        """Take in that a server sends us elsewhere; tell whether the next connection goes there."""
        return False


class SentinelRoute(Route):
    """To the master that the sentinels name now, or to one of its replicas."""

    def __init__(self, pool: Any, ask: Any) -> None:
        self._pool, self._ask = pool, ask
        places = sorted(
            _shown(one.connection_pool.connection_kwargs) for one in pool.sentinel_manager.sentinels
        )
        super().__init__(f"redis+sentinel://{','.join(places)}/{pool.service_name}")

    def places(self) -> Iterator[Place]:
        """Ask the sentinels, on connections of our own."""
        theirs = self._pool.sentinel_manager
        ours: Any = sentinel.Sentinel([], theirs.min_other_sentinels, force_master_ip=theirs._force_master_ip)  # type: ignore[no-untyped-call] # untyped in redis
        ours.sentinels = [self._ask(one) for one in theirs.sentinels]
        try:
            if not self._pool.is_master and (replicas := ours.discover_slaves(self._pool.service_name)):
                yield random.choice(replicas)  # noqa: S311 - no secret
            yield ours.discover_master(self._pool.service_name)
        except sentinel.MasterNotFoundError:
            name, count = self._pool.service_name, len(ours.sentinels)
            raise sentinel.MasterNotFoundError(
                f"of {count} sentinels none names a master of {name!r}"
            ) from None
        finally:
            for one in ours.sentinels:
                one.connection_pool.disconnect()


class ClusterRoute(Route):
    """To the node of a cluster that has the stream: any of them says which that is."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._tried = self._moved = ("", 0)
        super().__init__("redis+cluster://{}:{}".format(*min(self._nodes())))

    def _nodes(self) -> list[Place]:
        manager = self._client.nodes_manager
        known = {**manager.startup_nodes, **manager.nodes_cache}.values()
        return sorted({(node.host, int(node.port)) for node in known})

    def places(self) -> Iterator[Place]:
        """Go where the cluster has sent us, and to any node where that one is gone."""
        moved, self._moved = self._moved, ("", 0)
        for place in ([moved] if moved[0] else []) + self._nodes():
            self._tried = place
            yield place

    def is_moved_to(self, host: str, port: int) -> bool:
        """Go there: to the same host, where none is named."""
        self._moved = self._client.nodes_manager.remap_host_port(host or self._tried[0], port)
        return True


class Target(NamedTuple):
    """How to connect to a source: the class of connection, its settings, and a way to find the server."""

    kind: type
    settings: dict[str, Any]
    route: Route | None

    @property
    def address(self) -> str:
        """Where this is, without user and password."""
        given, is_safe = self.settings, issubclass(self.kind, redis.SSLConnection | aio.SSLConnection)
        if self.route:
            return f"{self.route.shown}/{given.get('db') or 0}"
        if "path" in given:
            return f"unix://{given['path']}?db={given.get('db') or 0}"
        return f"{'rediss' if is_safe else 'redis'}://{_shown(given)}/{given.get('db') or 0}"


def target(source: Any, ask: Callable[[Any], redis.Redis] | None = None) -> Target:
    """Find out where a source points, without connecting.

    Parameters
    ----------
    source
        A URL, or a redis client.
    ask
        Makes a connection of our own to a sentinel; needed only to connect.

    Raises
    ------
    OptionError
        The URL cannot be read, or the client is none.
    """
    if isinstance(source, redis.RedisCluster):
        node: Any = source.get_default_node()  # type: ignore[no-untyped-call] # untyped in redis
        pool: Any = source.get_redis_connection(node).connection_pool
        return Target(pool.connection_class, _settings(pool.connection_kwargs), ClusterRoute(source))
    if isinstance(source, aio.RedisCluster):
        node = next(iter(source.nodes_manager.startup_nodes.values()))
        return Target(node.connection_class, _settings(node.connection_kwargs), ClusterRoute(source))
    pool = _pool_of_url(source) if isinstance(source, str) else getattr(source, "connection_pool", None)
    if pool is None:
        raise OptionError(
            f"cannot read from a {type(source).__name__}: give a redis:// URL or a redis client"
        )
    route = SentinelRoute(pool, ask) if hasattr(pool, "sentinel_manager") else None
    kind = _PLAIN.get(pool.connection_class, pool.connection_class)
    return Target(kind, _settings(pool.connection_kwargs), route)


def _settings(given: dict[str, Any]) -> dict[str, Any]:
    return {name: given[name] for name in given if name in _KEPT or name.startswith("ssl_")}


def _shown(given: dict[str, Any]) -> str:
    return f"{given.get('host', 'localhost')}:{given.get('port', 6379)}"


def _pool_of_url(url: str) -> redis.ConnectionPool:
    hint = "expected redis://[user:password@]host[:port][/db], rediss://..., valkey://... or unix:///path"
    if ELLIPSIS in url:
        raise OptionError(
            "the Redis URL was shown, saved or sent without its user and password: where it is to be read, "
            f"set {URL_VARIABLES[0]} to the whole URL before it is loaded there"
        )
    if _is_cut_short(url):
        escapes = "in a password, write # as %23, / as %2F, ? as %3F and @ as %40"
        raise OptionError(f"the Redis URL cannot be read: there is an @ behind its host; {escapes} ({hint})")
    scheme, separator, rest = url.partition("://")
    try:
        return redis.ConnectionPool.from_url(_SCHEMES.get(scheme.lower(), scheme.lower()) + separator + rest)
    except ValueError as error:
        # Neither the URL nor a part of it is quoted: it may be of a password.
        why = str(error) if str(error).startswith(("Invalid value for", "Redis URL must")) else "its port"
    raise OptionError(f"the Redis URL cannot be read ({why}); {hint}")


def _is_cut_short(url: str) -> bool:
    """Tell whether what was meant for a password has ended the host: all up to the last @ belongs to it."""
    scheme, _, rest = url.partition("://")
    if scheme == "unix":
        return False
    host = re.split("[/?#]", rest)[0]
    behind, at, _ = rest[len(host) :].rpartition("@")
    return bool(at) and not re.match(r"/?\d*\?\w+=", behind)
