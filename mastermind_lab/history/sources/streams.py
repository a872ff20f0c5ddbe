"""A Redis stream, by URL or by client."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import Any

from ...decode import in_batches
from ...envelope import Entry
from ...frames import Account, Coverage, Limits, Tables, id_key, ids_in_order
from ...wire import SecretUrl, is_redis_url
from ..history import History
from .reading import Batch, Options, gather


def is_client(source: Any) -> bool:
    """Tell whether a source is a redis client, of a server or a cluster, without loading redis."""
    return hasattr(source, "connection_pool") or hasattr(source, "nodes_manager")


def is_stream(source: Any) -> bool:
    """Tell whether a source is a Redis URL or a client."""
    return is_client(source) or (isinstance(source, str) and is_redis_url(source))


@dataclass(frozen=True)
class Stream:
    """A stream: its pages run from the newest to the oldest, so that what is added meanwhile is not read."""

    source: Any = field(repr=False)  # a URL may hold a password
    options: Options

    @classmethod
    def of(cls, source: Any, options: Options) -> Stream | None:
        """Return the source, if this is a Redis URL or a client."""
        return cls(SecretUrl.of(source), options) if is_stream(source) else None

    def partitions(self) -> Sequence[Stream]:
        """Return the stream itself: it is read by one reader."""
        return [self]

    def batches(self) -> Iterator[Batch]:
        """Read and decode page by page; the account of what was left out or missing comes with the last."""
        from ...stream import Pages  # here, because most of what redis imports goes unused elsewhere

        options = replace(self.options, limits=self._limits())
        pages = Pages(self.source, options.stream, last=options.limits.last, **options.limits.ids())
        # Closed at once if anything goes wrong here, so that no thread and no connection stays behind.
        with closing(iter(pages)) as fetched:
            found = options.tables(self._newest_first(fetched, pages), numbered=False, newest_first=True)
            last = next(found)
            for tables in found:
                yield self._accounted(pages, last, options)
                last = tables
        newest = self._accounted(pages, last, options)
        account = replace(pages.account(), limits=options.limits.said)
        yield newest._replace(coverage=newest.coverage + Coverage.of(account))

    def _limits(self) -> Limits:
        """Return the limits, counted back from the entry that is the newest now."""
        limits = self.options.limits
        if not limits.is_relative:
            return limits
        from ...stream import Pages

        newest = [
            entry_id for page in Pages(self.source, self.options.stream, last=1) for entry_id, _ in page
        ]
        return limits.back_from(id_key(newest[0])[1] * 1_000 if newest else None)

    def _newest_first(self, fetched: Iterator[list[tuple[str, Any]]], pages: Any) -> Iterator[list[Entry]]:
        for page in fetched:
            self.options.bar.total = pages.total
            yield from reversed([*in_batches((*entry, None) for entry in page)])

    def _accounted(self, pages: Any, tables: Tables, options: Options) -> Batch:
        said = {"source": pages.where, "stream": options.stream, "limits": options.limits.said}
        return Batch(tables, Coverage.of(Account.of_ids(ids_in_order(tables), **said)))

    def history(self) -> History:
        """Read what the stream holds."""
        options = replace(self.options, limits=self._limits())
        return gather([replace(self, options=options)], options, numbered=False)
