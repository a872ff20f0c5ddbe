"""An archive in which nothing is committed yet: an empty history, which says why it is empty."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ...frames import Account, Coverage
from ...storage import is_remote
from ...text import harmless
from ..history import History
from .reading import Batch, Options, gather

_NOTE = "an archive with nothing in it yet"


@dataclass(frozen=True)
class BegunArchive:
    """The folder that an archiver has begun and committed nothing to; it is its own only partition."""

    folder: str | os.PathLike[str]
    options: Options

    @classmethod
    def of(cls, source: Any, options: Options) -> BegunArchive | None:
        """Return the source, if this is such a folder; on an object store nothing tells."""
        if not isinstance(source, str | os.PathLike) or is_remote(source):
            return None
        from ... import snapshot  # here, because Parquet takes long to load

        return cls(source, options) if snapshot.is_begun(source) else None

    def partitions(self) -> Sequence[BegunArchive]:
        """Return itself."""
        return [self]

    def batches(self) -> Iterator[Batch]:
        """Yield no entries."""
        said, where = self.options.limits.said, harmless(os.fspath(self.folder))
        account = Account(where, limits=said, certainty="not verified", note=_NOTE)
        for tables in self.options.tables(iter(()), numbered=False):
            yield Batch(tables, Coverage.of(account))

    def history(self) -> History:
        """Return an empty one."""
        part = replace(self, options=self.options.of_parts())
        return gather([part], self.options, numbered=False)
