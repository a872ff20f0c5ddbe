"""Many payloads become rows and rejects.

A :class:`Batch` takes entries one by one and keeps plain column buffers for the five frames; it never
touches pandas. ``envelope.judge`` decides what is valid: what it accepts becomes rows, everything else a
reject that keeps its bytes, and one entry never costs another.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel

from .envelope import Argument, Decision, DecisionEnvelope, Reject, judge
from .errors import OptionError

Path = str
Kind = Literal["boolean", "Int64", "float64", "str"]

MOST_OPEN = 2_000
"""Open columns a frame may have in one batch; what comes beyond shares one JSON column, ``meta.*`` say."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Column(NamedTuple):
    """An extra column of ``decisions``, by path or by a function of the envelope.

    Parameters
    ----------
    name
        The column's name.
    source
        A path such as ``"meta.usage.cost_usd"`` (a key with a dot in it is written in double quotes), or a
        callable that takes a :class:`DecisionEnvelope`.
    type
        ``"boolean"``, ``"Int64"``, ``"float64"`` or ``"str"`` (anything that is no text becomes JSON text).

    A missing value is <NA>. A decision whose value does not fit, or for which the callable raises, becomes a
    reject with the reason ``column``.

    Examples
    --------
    >>> import mastermind_lab as lab
    >>> cost = lab.Column("cost", "meta.usage.cost_usd", "float64")
    >>> lab.sample(columns=[cost]).decisions["cost"].dtype
    dtype('float64')
    """

    name: str
    source: Path | Callable[[DecisionEnvelope], Any]
    type: Kind = "str"


class Rows:
    """Buffers of one frame: tuples for the declared columns, sparse lists for the open ones."""

    def __init__(self, prefix: str = "") -> None:
        self.prefix = prefix
        self.rows: list[tuple[Any, ...]] = []
        self.open: dict[Path, tuple[list[int], list[Any]]] = {}

    def add(self, row: tuple[Any, ...], extras: Mapping[str, Any] | None) -> None:
        """Add one row; ``extras`` is a tree whose leaves go to open columns."""
        if extras:
            self.spread(leaves(extras, self.prefix))
        self.rows.append(row)

    def spread(self, found: Iterable[tuple[Path, Any]]) -> None:
        """Put leaves of the row that is about to be added into their open columns."""
        at = len(self.rows)
        rest: dict[Path, Any] = {}
        for path, value in found:
            column = self.open.get(path)
            if column is None:
                if len(self.open) >= MOST_OPEN:
                    rest[path] = value
                    continue
                column = self.open[path] = ([], [])
            column[0].append(at)
            column[1].append(value)
        for path, value in _by_root(rest):
            places, values = self.open.setdefault(path, ([], []))
            places.append(at)
            values.append(value)


class Batch:
    """Entries decoded so far, as buffers of the five frames and of raw payloads.

    Parameters
    ----------
    columns
        Extra columns of ``decisions``.
    payloads
        Keep each valid envelope's raw JSON too.
    """

    def __init__(self, columns: Iterable[Column] = (), payloads: bool = False) -> None:
        self.columns = tuple(columns)
        self.keep_payloads = payloads
        self.decisions = Rows()
        self.votes = Rows("vote.")
        self.citations = Rows("citation.")
        self.arguments = Rows("argument.")
        self.rejects = Rows()
        self.payloads = Rows()

    def add(self, stream_id: str, payload: str | bytes | None) -> None:
        """Decode one entry into rows, or into a reject; ``None`` is an entry without a ``data`` field."""
        verdict = judge(payload) if payload is not None else Reject("no_data", "no field 'data'")
        why = verdict if isinstance(verdict, Reject) else self._take(stream_id, verdict)
        if why is not None:
            self.reject(stream_id, why, payload)
        elif self.keep_payloads:
            self.payloads.add((stream_id, _bytes(payload)), None)

    def reject(self, stream_id: str, why: Reject, payload: Any) -> None:
        """Record an entry that could not be decoded, with its bytes."""
        self.rejects.add((stream_id, why.reason, why.detail, _bytes(payload)), None)

    def _take(self, stream_id: str, envelope: DecisionEnvelope) -> Reject | None:
        try:
            extra = tuple(_value(column, envelope) for column in self.columns)
        except _DoesNotFit as misfit:
            return Reject("column", str(misfit))
        decision = envelope.decision
        nodes = self._add_arguments(stream_id, decision)
        self._add_votes(stream_id, decision)
        self._add_citations(stream_id, decision)
        if decision.model_extra:
            self.decisions.spread(leaves(decision.model_extra, "decision."))
        self.decisions.spread(leaves(envelope.meta, "meta."))
        self.decisions.add((stream_id, *_decision_row(envelope, nodes), *extra), None)
        return None

    def _add_votes(self, stream_id: str, decision: Decision) -> None:
        for position, vote in enumerate(decision.votes):
            row = (stream_id, position, vote.voter, vote.choice, vote.confidence, vote.weight, vote.rationale)
            self.votes.add(row, vote.model_extra)

    def _add_citations(self, stream_id: str, decision: Decision) -> None:
        for position, cited in enumerate(decision.citations):
            row = (stream_id, position, cited.source, cited.title, cited.quote, cited.relevance)
            self.citations.add(row, cited.model_extra)

    def _add_arguments(self, stream_id: str, decision: Decision) -> int:
        number = -1
        for number, parent, depth, node in _walk(roots(decision)):
            row = (stream_id, number, parent, depth, node.claim, node.stance, node.strength, node.author)
            self.arguments.add(row, node.model_extra)
        return number + 1


def _decision_row(envelope: DecisionEnvelope, n_arguments: int) -> tuple[Any, ...]:
    decision, sent = envelope.decision, envelope.model_fields_set
    # What the payload did not say stays missing: the models' defaults would invent a time and an id.
    return (
        (envelope.published_at - _EPOCH) // _MICROSECOND if "published_at" in sent else None,
        envelope.correlation_id if "correlation_id" in sent else None,
        decision.decision_id,
        decision.question,
        decision.recommendation,
        decision.confidence,
        decision.rationale,
        len(decision.votes),
        len(decision.citations),
        n_arguments,
    )


def roots(decision: Decision) -> list[Argument]:
    """Return the roots of a decision's argument tree, none or several included."""
    tree = decision.argument_tree
    if tree is None:
        return []
    return tree if isinstance(tree, list) else [tree]


def _walk(tops: list[Argument]) -> Iterator[tuple[int, int | None, int, Argument]]:
    """Number the nodes in reading order: (node, parent, depth, argument)."""
    numbers = count()
    stack: list[tuple[int | None, int, Argument]] = [(None, 0, top) for top in reversed(tops)]
    while stack:
        parent, depth, node = stack.pop()
        number = next(numbers)
        yield number, parent, depth, node
        stack.extend((number, depth + 1, child) for child in reversed(node.children))


def leaves(tree: Mapping[str, Any], prefix: str) -> Iterator[tuple[Path, Any]]:
    """List the leaves of a tree of objects as (path, value); an empty object is a leaf."""
    for key, value in tree.items():
        path = prefix + step(key)
        if isinstance(value, dict) and value:
            yield from leaves(value, path + ".")
        else:
            yield path, value


def step(key: str) -> str:
    """Write one key as a step of a path; like TOML, a key with a dot in it is quoted.

    Examples
    --------
    >>> step("model"), step("gpt-4.1")
    ('model', '"gpt-4.1"')
    """
    plain = key and "." not in key and '"' not in key and key != "*"
    return key if plain else json.dumps(key, ensure_ascii=False)


def steps(path: Path) -> list[str]:
    """Take a path apart into its keys, the inverse of joining :func:`step` with dots.

    Raises
    ------
    OptionError
        A quoted step is not closed or not followed by a dot.
    """
    found: list[str] = []
    rest = path
    while True:
        if rest.startswith('"'):
            try:
                key, end = json.JSONDecoder().raw_decode(rest)
            except ValueError as error:
                raise OptionError(f"path {path!r}: a quoted step is not closed ({error})") from error
        else:
            end = rest.find(".") if "." in rest else len(rest)
            key = rest[:end]
        found.append(key)
        if end == len(rest):
            return found
        if rest[end] != ".":
            raise OptionError(f"path {path!r}: a dot must follow the step {key!r}")
        rest = rest[end + 1 :]


def _by_root(rest: Mapping[Path, Any]) -> Iterator[tuple[Path, dict[Path, Any]]]:
    """Gather leaves beyond the limit under one column a root: ``meta.*`` holds {path: value}."""
    gathered: dict[Path, dict[Path, Any]] = {}
    for path, value in rest.items():
        gathered.setdefault(path.split(".", 1)[0] + ".*", {})[path] = value
    yield from gathered.items()


class _DoesNotFit(Exception):
    """A decision's value for an extra column is not of the column's type."""


_FITS: dict[str, Callable[[Any], bool]] = {
    "boolean": lambda value: isinstance(value, bool),
    "Int64": lambda value: type(value) is int and -(2**63) <= value < 2**63,
    "float64": lambda value: type(value) is float or (type(value) is int and abs(value) <= 2**53),
    "str": lambda value: isinstance(value, str),
}


def check_columns(columns: Iterable[Column]) -> None:
    """Refuse extra columns of an unknown type or with a path that cannot be read.

    Raises
    ------
    OptionError
        With the column's name and what is possible.
    """
    for column in columns:
        if column.type not in _FITS:
            raise OptionError(f"column {column.name!r}: no type {column.type!r}; one of {', '.join(_FITS)}")
        if isinstance(column.source, str):
            steps(column.source)


def _value(column: Column, envelope: DecisionEnvelope) -> Any:
    try:
        value = _at(envelope, column.source) if isinstance(column.source, str) else column.source(envelope)
    except Exception as error:
        raise _DoesNotFit(f"{column.name}: {type(error).__name__}: {error}") from error
    if column.type == "str" and value is not None and not isinstance(value, str):
        value = json_text(value)
    if value is None or _FITS[column.type](value):
        return value
    raise _DoesNotFit(f"{column.name}: {str(value)!r:.80} is no {column.type}")


def _at(envelope: DecisionEnvelope, path: Path) -> Any:
    here: Any = envelope
    for key in steps(path):
        here = here.get(key) if isinstance(here, dict) else getattr(here, key, None)
    return here


def json_text(value: Any) -> str:
    """Write a value as compact JSON text, models included."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_plain)


def _plain(value: Any) -> Any:
    return value.model_dump(mode="json") if isinstance(value, BaseModel) else str(value)


def _bytes(payload: Any) -> bytes | None:
    if isinstance(payload, str):
        # A lone surrogate has no UTF-8; passing it through keeps the text for inspection.
        return payload.encode("utf-8", "surrogatepass")
    return bytes(payload) if isinstance(payload, bytes | bytearray) else None
