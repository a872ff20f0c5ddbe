"""A log of some tool, brought to a table of votes: what all readers of logs give, and what they share."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import pyarrow as pa
from pydantic_core import from_json

from .. import ndjson
from ..decode import json_text
from ..errors import SourceError
from ..frames import schema
from ..text import harmless
from .columns import WHOLE
from .files import content_of, head_of
from .reading import Records, of_rows
from .roles import Roles
from .votes import Gathered

Row = dict[str, Any]
Tables = Callable[[ndjson.File, Collection[str], Collection[str]], Records]
"""What reads a file that is a table, with the columns that stay text, and those of what names something;
Parquet's home is above this room."""


class Answer(NamedTuple):
    """What a member of a panel said before it voted."""

    author: str | None
    text: str | None


@dataclass(frozen=True)
class Log:
    """Logs that were read together.

    Attributes
    ----------
    records, roles
        Their table of votes, and what its columns mean.
    said
        What was read, in words.
    answers
        What was said before the votes, by the one key that tells decisions apart.
    target
        The column of the decisions that holds what is right, if there is one.
    """

    records: Records
    roles: Roles
    said: str
    answers: Mapping[str, Sequence[Answer]] = field(default_factory=dict)
    target: str | None = None


class UnreadableError(Exception):
    """A log, or a part of it, cannot be read: why, as a reject says it."""

    def __init__(self, reason: str, said: object) -> None:
        super().__init__(said)
        self.reason = reason


class Gathering:
    """Rows and rejects of several logs, numbered from 1 in the order in which they come."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.numbers: list[int] = []
        self.rejects: list[tuple[int, str, str, bytes]] = []

    @property
    def _next(self) -> int:
        return len(self.rows) + len(self.rejects) + 1

    def add(self, row: Row) -> None:
        """Take a vote."""
        self.numbers.append(self._next)
        self.rows.append(row)

    def reject(self, reason: str, detail: str, payload: Any = None) -> None:
        """Take what is no vote, with what it was."""
        told = b"" if payload is None else json_text(payload).encode(errors="replace")
        self.rejects.append((self._next, reason, detail, told))

    def records(self, source: str, columns: Iterable[str]) -> Records:
        """Return all of it; ``columns`` are there even if no row has them."""
        return Records(of_rows(self.rows, source, columns), source, self.numbers, self.rejects)


def whole_value(file: ndjson.File, limits: ndjson.FileLimits) -> Any:
    """Return the JSON value that a file is, or the list of those in its lines.

    Raises
    ------
    UnreadableError
        It is damaged, or too large.
    """
    content, fault = content_of(file, limits.unpacked_bytes)
    if fault:
        raise UnreadableError("damaged", fault)
    try:
        return from_json(content)
    except ValueError as error:
        said = f"it is cut short, or no JSON: {error}"
    try:
        return [from_json(line) for line in content.splitlines() if line.strip()]
    except ValueError:
        raise UnreadableError("damaged", said) from None


def of_format(
    files: Sequence[ndjson.File],
    recognises: Callable[[bytes, ndjson.File], bool],
    name: str,
    gathering: Gathering,
) -> Iterator[ndjson.File]:
    """Leave out, as rejects, files of a folder or a list that are of another format, or cannot be read."""
    for file in files:
        try:
            if recognises(head_of(file), file):
                yield file
                continue
            detail = f"{harmless(str(file))} is no {name}"
        except SourceError as error:
            detail = str(error)
        gathering.reject("other_format", detail, {"file": file.name})


def first_value(head: bytes) -> Any:
    """Return the JSON value that a file begins with, as far as it is there; None where it is none.

    Examples
    --------
    >>> first_value(b'{"id": 1}\\n{"id": 2}'), first_value(b'{"id": [1, '), first_value(b"id,x")
    ({'id': 1}, {'id': [1]}, None)
    """
    for text in (head, head.partition(b"\n")[0]):
        try:
            return from_json(text, allow_partial=True) if text.strip() else None
        except ValueError:
            continue
    return None


def with_answers(gathered: Gathered, answers: Mapping[str, Sequence[Answer]]) -> Gathered:
    """Put what was said before the votes into the frame of arguments; decisions have one key."""
    if not answers:
        return gathered
    keys = gathered.keys[0][1].to_pylist()
    told = [answers.get(key, ()) for key in keys]
    counts = pa.array([len(some) for some in told], WHOLE)
    n_arguments = (schema("decisions").field("n_arguments"), counts)
    rows = [
        {"stream_id": stream_id, "node": node, "depth": 0, "claim": one.text, "author": one.author}
        for stream_id, some in zip(gathered.ids.to_pylist(), told, strict=True)
        for node, one in enumerate(some)
    ]
    return replace(
        gathered,
        decisions=gathered.decisions | {"n_arguments": n_arguments},
        arguments=pa.Table.from_pylist(rows, schema("arguments")),
    )


def seats(rows: Sequence[Row], model: str, seat: str, within: str) -> list[str]:
    """Name voters by their models, and where a model has several seats by their numbers, too.

    Parameters
    ----------
    rows
        The votes.
    model, seat, within
        The columns of the model, of what tells its seats apart and orders them, and of what they are counted
        within.

    Examples
    --------
    >>> rows = [{"m": "gpt", "epoch": 1, "task": 1}, {"m": "gpt", "epoch": 2, "task": 1}]
    >>> seats([*rows, {"m": "gpt", "epoch": 1, "task": 2}], "m", "epoch", "task")
    ['gpt#1', 'gpt#2', 'gpt']
    """
    known: dict[Any, set[Any]] = {}
    for row in rows:
        known.setdefault((row[within], row[model]), set()).add(row[seat])
    places = {key: {one: place for place, one in enumerate(sorted(some), 1)} for key, some in known.items()}
    told = ((row, places[row[within], row[model]]) for row in rows)
    return [f"{row[model]}#{taken[row[seat]]}" if len(taken) > 1 else row[model] for row, taken in told]


def source_of(files: Sequence[ndjson.File]) -> str:
    """Name files by the first of them."""
    return harmless(str(files[0])) + (f" and {len(files) - 1:,} more" if len(files) > 1 else "")
