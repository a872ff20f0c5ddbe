"""Publish raw payloads, malformed ones too: at full speed, at a rate, or in batches as they come."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

import redis
from redis import exceptions as fault

from ..envelope import FIELD
from .connection import MOST_MOVES, address, connect, explain, is_moved, no_node_has_it
from .target import Client

_AT_ONCE = 200


def publish_payloads(
    source: str | Client, stream: str, payloads: Iterable[bytes], *, rate: float = 0
) -> Iterator[int]:
    """Publish payloads one XADD each, and yield how many have gone out so far, after each batch.

    Parameters
    ----------
    source
        A URL, or a redis client; a connection of our own is opened to where it points.
    stream
        The stream's name.
    payloads
        Bytes as they shall stand in the field ``data``.
    rate
        Payloads a second; 0 is as fast as the server takes them.

    Raises
    ------
    SourceError
        The server is gone or refuses; what was yielded before has arrived.
    """
    return publish_batches(source, stream, paced(payloads, rate))


def publish_batches(source: str | Client, stream: str, batches: Iterable[Sequence[bytes]]) -> Iterator[int]:
    """Publish batches of payloads, each as soon as it comes; the rest is as for :func:`publish_payloads`."""
    sent = 0
    try:
        with connect(source) as client:
            for batch in batches:
                _send(client, stream, batch)
                sent += len(batch)
                yield sent
    except (fault.RedisError, OSError) as error:
        safe = "What was counted has arrived"
        raise explain(error, address(source), stream, safe, wish="publish to") from error


def _send(client: redis.Redis, stream: str, batch: Sequence[bytes]) -> None:
    """Send a batch; what a node of a cluster does not take goes to the one that it names."""
    for _ in range(MOST_MOVES):
        with client.pipeline(transaction=False) as pipe:
            for payload in batch:
                pipe.xadd(stream, {FIELD: payload})
            replies = pipe.execute(raise_on_error=False)
        batch = [one for one, reply in zip(batch, replies, strict=True) if isinstance(reply, Exception)]
        faults = [reply for reply in replies if isinstance(reply, Exception)]
        if not faults:
            return
        if not is_moved(client, faults):
            raise faults[0]
        client.connection_pool.disconnect()
    raise no_node_has_it()


def paced(payloads: Iterable[bytes], rate: float) -> Iterator[list[bytes]]:
    """Yield payloads in batches: each by itself when its time has come, or many at once for a rate of 0."""
    rest, sent, began = iter(payloads), 0, time.monotonic()
    while batch := list(islice(rest, 1 if rate else _AT_ONCE)):
        yield batch
        sent += len(batch)
        if rate:
            time.sleep(max(began + sent / rate - time.monotonic(), 0))
