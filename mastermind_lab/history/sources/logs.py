"""Logs of other tools: files of which each has votes of a panel, and which are one panel together."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any

from ... import ndjson, records
from ...errors import OptionError, SourceError
from ...frames import Account, Coverage, ids_in_order
from ...storage import is_remote
from ..history import History
from ..tables import table_in
from .reading import Batch, Options, Partition, limited
from .streams import is_stream

_LOOKED_AT = 20  # files, before others of a folder or a list are taken for no logs
_ENDINGS = (".eval", ".json", *ndjson.ENDINGS)


@dataclass(frozen=True)
class Logs:
    """Files of one format; what is among them and is of none is a reject."""

    files: Sequence[ndjson.File]
    format: records.Format
    options: Options

    @classmethod
    def of(cls, source: Any, options: Options) -> Logs | None:
        """Return the source, if it is of logs: a path, a folder, a glob or a URL; a list may be payloads."""
        return None if isinstance(source, list | tuple) else cls.of_all([source], options)

    @classmethod
    def of_all(cls, sources: Sequence[Any], options: Options) -> Logs | None:
        """Return these sources, if all of them are of logs of one format."""
        if not all(isinstance(one, str | os.PathLike) and not is_stream(one) for one in sources):
            return None
        listed = [_files(one) for one in sources]
        known = [next(filter(None, map(_format_of, _telling(files))), None) for files in listed]
        formats = [one for one in known if one]
        are_others = any(
            not files or (one is None and _is_named_ndjson(files[0]))
            for one, files in zip(known, listed, strict=True)
        )
        if are_others or not formats or any(one is not formats[0] for one in formats):
            return None
        return cls([file for files in listed for file in files], formats[0], options)

    def partitions(self) -> Sequence[Partition]:
        """Return the one partition that there is: logs are a panel only together."""
        return [self]

    def batches(self) -> Iterator[Batch]:
        """Yield all logs as one batch."""
        history = self.history()
        yield Batch(history.tables(), history.account)

    def history(self) -> History:
        """Read all logs.

        Raises
        ------
        OptionError
            What is asked for is in envelopes alone.
        """
        for name in ("columns", "payloads"):
            if getattr(self.options, name):
                raise OptionError(
                    f"{name}= is of envelopes, and these are {self.format.NAME}s, which have none"
                )
        with self.options.bar:
            log = self.format.read(self.files, self.options.files, _table)
        gathered = records.with_answers(records.gather(log.records, log.roles), log.answers)
        tables = gathered.tables()
        ids = ids_in_order(tables) if gathered.rejects.num_rows else gathered.ids
        account = Account.of_ids(ids, source=log.records.source, note=f"{log.said}; {gathered.said}")
        history = History(tables, Coverage.of(account))
        if log.target:
            history = _judged(history, f"decision.{log.target}")
        return limited(history, self.options.limits, numbered=True)


def _judged(history: History, target: str) -> History:
    """Take what the logs say is right for the outcome, where it is one thing."""
    from ..outcomes import with_outcomes  # here, because it joins to scans, which know all sources

    if target not in history.decisions:
        return history
    told = history.decisions[["stream_id", target]].dropna()
    return with_outcomes(history, told, on="stream_id", correct=target)


def _files(source: str | os.PathLike[str]) -> Sequence[ndjson.File]:
    """List the files of a source that may be logs; none where it is something else, which says so itself."""
    if source == "-" or (is_remote(source) and str(source).lower().endswith(ndjson.ENDINGS)):
        return ()  # which each look would fetch again
    try:
        files = ndjson.find(source, _ENDINGS)
    except SourceError:
        return ()
    return files if all(map(ndjson.can_be_read_again, files)) else ()


def _telling(files: Sequence[ndjson.File]) -> Iterator[ndjson.File]:
    """Choose some to look at; of those that are named like envelopes, the first."""
    others = (file for file in files if not _is_named_ndjson(file))
    return islice(chain(islice(filter(_is_named_ndjson, files), 1), others), _LOOKED_AT)


def _is_named_ndjson(file: ndjson.File) -> bool:
    return file.name.lower().endswith(ndjson.ENDINGS)


def _format_of(file: ndjson.File) -> records.Format | None:
    return records.format_of(file, _table)


def _table(file: ndjson.File, words: Collection[str], names: Collection[str]) -> records.Records:
    return table_in(file, "judgments", words, names)
