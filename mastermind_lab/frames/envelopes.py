"""From frames back to envelopes, for histories that kept no raw payloads.

A column of a user's own becomes a field of the decision, the vote, the citation or the argument, so that it
is read back as ``decision.<name>`` and the like. Two columns may not mean one field. Votes without a choice
are none to an envelope: they stand in ``decision.abstentions``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import combinations, product
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import AliasChoices, BaseModel

from ..decode import is_shared, steps
from ..envelope import Argument, Citation, Decision, Vote
from ..errors import OptionError
from . import open_columns as opened
from .declared import DECLARED, OPEN, is_open
from .tables import Tables

# What is counted or numbered anew when an envelope is read.
_SKIPPED = {
    "decisions": {"stream_id", "streamed_at", "n_votes", "n_citations", "n_arguments"},
    "votes": {"stream_id", "position"},
    "citations": {"stream_id", "position"},
    "arguments": {"stream_id", "node", "parent", "depth"},
}
_MODELS: dict[str, type[BaseModel]] = {
    "decisions": Decision,
    "votes": Vote,
    "citations": Citation,
    "arguments": Argument,
}
_FIELDS = {
    frame: {
        str(alias): name
        for name, described in model.model_fields.items()
        if isinstance(described.validation_alias, AliasChoices)
        for alias in described.validation_alias.choices
    }
    for frame, model in _MODELS.items()
}
_OF_ENVELOPE = ("published_at", "correlation_id")


def rebuild(parts: Tables) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (stream id, envelope as a dict) for each decision; missing values are left out.

    Raises
    ------
    OptionError
        A user's own column means a field that has another value, or an argument's parent is not there.
    """
    for frame in _MODELS:
        _check_fields(frame, parts)
    votes, citations = _by_decision(parts["votes"], "votes"), _by_decision(parts["citations"], "citations")
    arguments = _by_decision(parts["arguments"], "arguments")
    kinds = _kinds(parts["decisions"])
    for row in _rows(parts["decisions"]):
        stream_id = row["stream_id"]
        declared, trees = _split(row, kinds, "decisions")
        envelope = {name: declared.pop(name) for name in _OF_ENVELOPE if name in declared}
        decision = declared | trees.get("decision", {})
        decision |= {
            name: [one for _, one in found[stream_id]]
            for name, found in (("votes", votes), ("citations", citations))
            if stream_id in found
        }
        _set_abstentions_aside(stream_id, decision)
        if stream_id in arguments:
            decision["argument_tree"] = _tree(arguments[stream_id])
        yield stream_id, envelope | {"decision": decision, "meta": trees.get("meta", {})}


def _set_abstentions_aside(stream_id: str, decision: dict[str, Any]) -> None:
    """Keep the votes without a choice, which are none to an envelope, in a field of their own."""
    votes = decision.get("votes", [])
    if not (aside := [vote for vote in votes if "choice" not in vote]):
        return
    if "abstentions" in decision:
        raise OptionError(
            f"entry {stream_id} has votes without a choice, which would stand in decision.abstentions, and a "
            "column of that name: give that another name"
        )
    decision["votes"] = [vote for vote in votes if "choice" in vote]
    decision["abstentions"] = aside


def _check_fields(frame: str, parts: Tables) -> None:
    """Refuse what would be lost: a value that has another's place in an envelope, or that JSON has not."""
    filled = {name: pc.is_valid(parts[frame][name]) for name in opened.shown(parts[frame].column_names)}
    places: dict[tuple[str, ...], list[str]] = {}
    for name in filled.keys() - _SKIPPED[frame]:
        places.setdefault(_place(frame, name), []).append(name)
        if not is_open(frame, name):
            _check_finite(frame, name, parts[frame][name])
    for name, place, mask in _below(frame, parts):
        places.setdefault(place, []).append(name)
        filled[name] = mask
    for place, names in places.items():
        above = [name for length in range(1, len(place)) for name in places.get(place[:length], ())]
        pairs = [*combinations(sorted(names), 2), *product(above, names)]
        for one, other in pairs:
            _check_pair(frame, parts[frame]["stream_id"], (one, other), pc.and_(filled[one], filled[other]))


def _place(frame: str, name: str) -> tuple[str, ...]:
    """Say where in an envelope the values of a column stand."""
    if frame == "decisions" and name in _OF_ENVELOPE:
        return (name,)
    if not is_open(frame, name):
        root, keys = OPEN[frame][0].rstrip("."), [name]
    elif is_shared(name):
        return (name,)
    else:
        root, *keys = steps(name)
    field = _FIELDS[frame].get(keys[0], keys[0]) if root != "meta" else keys[0]
    return (root, field, *keys[1:])


def _below(frame: str, parts: Tables) -> Iterator[tuple[str, tuple[str, ...], pa.ChunkedArray]]:
    """List what stands in an envelope without a column: the rows of other frames, a node's children."""
    ids = parts[frame]["stream_id"]
    if frame == "decisions":
        for name, field in (("votes", "votes"), ("citations", "citations"), ("arguments", "argument_tree")):
            owners = parts[name]["stream_id"].combine_chunks()
            yield f"the frame {name}", ("decision", field), pc.is_in(ids, owners)
    if frame == "arguments":
        yield "the nodes below", ("argument", "children"), pc.is_valid(ids)


def _check_pair(frame: str, ids: pa.ChunkedArray, pair: tuple[str, str], both: pa.ChunkedArray) -> None:
    place = pc.index(both, True).as_py()
    if place >= 0:
        names = " and ".join(repr(name)[:80] for name in pair)
        raise OptionError(
            f"{names} of {frame} would be one field of an envelope, and entry {ids[place].as_py()} has a "
            "value in both: give the column that was added another name"
        )


def _check_finite(frame: str, name: str, values: pa.ChunkedArray) -> None:
    while pa.types.is_list(values.type) or pa.types.is_large_list(values.type):
        values = pc.list_flatten(values)
    if pa.types.is_floating(values.type) and pc.any(pc.is_inf(values)).as_py():
        raise OptionError(
            f"column {name!r:.80} of {frame} holds an infinite number, which JSON does not have: "
            "make it missing, or text"
        )


def _rows(table: pa.Table) -> Iterator[dict[str, Any]]:
    for batch in table.to_batches(max_chunksize=1_000):
        yield from batch.to_pylist()


def _by_decision(table: pa.Table, frame: str) -> dict[str, list[tuple[dict[str, Any], dict[str, Any]]]]:
    """Gather a frame's rows by decision, each as (row, the object it came from)."""
    found: dict[str, list[tuple[dict[str, Any], dict[str, Any]]]] = {}
    kinds = _kinds(table)
    for row in _rows(table):
        declared, trees = _split(row, kinds, frame)
        extras: dict[str, Any] = next(iter(trees.values()), {})
        found.setdefault(row["stream_id"], []).append((row, declared | extras))
    number = "node" if frame == "arguments" else "position"
    for rows in found.values():  # however the frame was sorted
        rows.sort(key=lambda pair: (pair[0][number] is None, pair[0][number] or 0))
    return found


def _tree(nodes: list[tuple[dict[str, Any], dict[str, Any]]]) -> Any:
    """Hang nodes below their parents: one root, or a list of roots."""
    made = {row["node"]: node for row, node in nodes}
    roots = []
    for row, node in nodes:
        number, parent = row["node"], row["parent"]
        if parent is None:
            roots.append(node)
        elif parent in made and number is not None and parent < number:
            made[parent].setdefault("children", []).append(node)
        else:
            raise OptionError(
                f"node {number} of entry {row['stream_id']} in arguments hangs below node {parent}, which is "
                "not there before it: keep the parents of nodes, or make their parent missing"
            )
    return roots[0] if len(roots) == 1 else roots


def _kinds(table: pa.Table) -> dict[str, str | None]:
    return {name: opened.kind_of_field(table.schema.field(name)) for name in opened.shown(table.column_names)}


def _split(
    row: Mapping[str, Any], kinds: Mapping[str, str | None], frame: str
) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """Split a row into declared and own fields, and trees of open columns by the first step of their path."""
    declared: dict[str, Any] = {}
    own: dict[str, Any] = {}
    trees: dict[str, dict[str, Any]] = {}
    for name, kind in kinds.items():
        value = row[name]
        if value is None or name in _SKIPPED[frame]:
            continue
        if name in DECLARED[frame]:
            declared[name] = value
        elif is_open(frame, name):
            _hang(trees, name, _value_of(name, row, kind))
        else:
            own[name] = _in_full(_value_of(name, row, kind))
    return declared | own, trees


def _in_full(value: Any) -> Any:
    """Spell out times and spans that have nanoseconds: what writes JSON knows but microseconds."""
    if isinstance(value, list):
        return [*map(_in_full, value)]
    if isinstance(value, dict):
        return {key: _in_full(one) for key, one in value.items()}
    has_nanoseconds = getattr(value, "nanosecond", 0) or getattr(value, "nanoseconds", 0)
    return value.isoformat() if has_nanoseconds else value


def _value_of(name: str, row: Mapping[str, Any], kind: str | None) -> Any:
    text = row[name]
    if kind == "mixed" and not row.get(name + opened.IS_TEXT):
        return opened.value_of(text)
    if kind != "json":
        return text
    try:
        return json.loads(text)
    except ValueError as error:
        raise OptionError(
            f"column {name!r:.80} holds JSON text, and that of entry {row['stream_id']} is none: {error}"
        ) from error


def _hang(trees: dict[str, dict[str, Any]], path: str, value: Any) -> None:
    root, *keys = steps(path)
    if is_shared(path) and isinstance(value, dict):
        for rest, one in value.items():
            _hang(trees, rest, one)
        return
    here = trees.setdefault(root, {})
    for key in keys[:-1]:
        here = here.setdefault(key, {})
    here[keys[-1]] = value
