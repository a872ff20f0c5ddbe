"""Payloads that are in memory already: an iterable of str or bytes."""

from __future__ import annotations

from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice
from typing import Any

from ...decode import in_batches
from ...errors import OptionError
from ..history import History
from .reading import Batch, Options, Partition, gather, lines_of


@dataclass(frozen=True)
class Payloads:
    """An iterable of payloads, numbered from ``0-1``."""

    payloads: Iterable[Any]
    options: Options

    @classmethod
    def of(cls, source: Any, options: Options) -> Payloads | None:
        """Return the source: what is no name and no client is an iterable."""
        return cls(source, options)

    def partitions(self) -> Sequence[Partition]:
        """Refuse to be scanned: what is in memory already needs no batches, and may be iterated only once."""
        raise OptionError(
            f"cannot scan a {type(self.payloads).__name__}: give a URL, a redis client, or a path; "
            "payloads that are in memory already are for read"
        )

    def batches(self) -> Iterator[Batch]:
        """Decode the payloads."""
        payloads = iter(self.payloads)
        unmarked = chain(map(_unmarked, islice(payloads, 1)), payloads)
        entries = ((f"0-{number}", payload, None) for number, payload in enumerate(unmarked, 1))
        yield from lines_of(
            {0: "payloads"}, self.options.tables(in_batches(entries), numbered=True), self.options
        )

    def history(self) -> History:
        """Read all payloads."""
        part = replace(self, options=self.options.of_parts())
        made = gather([part], self.options, numbered=True)
        if isinstance(self.payloads, Iterator) and not any(one.entries for one in made.account.accounts):
            note = "an iterator that gave nothing: it is empty, or has been used up"
            return made.with_frames(coverage=made.account.noted(note))
        return made


def _unmarked(payload: Any) -> Any:
    """Return the first payload without the byte order mark that an open file begins with."""
    if isinstance(payload, str):
        return payload.removeprefix("\ufeff")
    return payload.removeprefix(BOM_UTF8) if isinstance(payload, bytes | bytearray) else payload
