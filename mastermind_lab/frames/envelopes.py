"""From frames back to envelopes, for histories that kept no raw payloads.

A column of a user's own becomes a field of the decision, the vote, the citation or the argument, so that it
is read back as ``decision.<name>`` and the like.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa

from ..decode import steps
from . import open_columns as opened
from .declared import DECLARED, OPEN
from .tables import Tables

_SKIPPED = {
    "stream_id",
    "streamed_at",
    "n_votes",
    "n_citations",
    "n_arguments",
    "position",
    "node",
    "parent",
    "depth",
}
_OF_ENVELOPE = ("published_at", "correlation_id")


def rebuild(parts: Tables) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (stream id, envelope as a dict) for each decision; missing values are left out."""
    votes, citations = _by_decision(parts["votes"], "votes"), _by_decision(parts["citations"], "citations")
    arguments = _by_decision(parts["arguments"], "arguments")
    for row in _rows(parts["decisions"]):
        stream_id = row["stream_id"]
        declared, trees = _split(row, parts["decisions"], "decisions")
        envelope = {name: declared.pop(name) for name in _OF_ENVELOPE if name in declared}
        decision = declared | trees.get("decision", {})
        decision |= {
            name: [one for _, one in found[stream_id]]
            for name, found in (("votes", votes), ("citations", citations))
            if stream_id in found
        }
        if stream_id in arguments:
            decision["argument_tree"] = _tree(arguments[stream_id])
        yield stream_id, envelope | {"decision": decision, "meta": trees.get("meta", {})}


def _rows(table: pa.Table) -> Iterator[dict[str, Any]]:
    for batch in table.to_batches(max_chunksize=1_000):
        yield from batch.to_pylist()


def _by_decision(table: pa.Table, frame: str) -> dict[str, list[tuple[dict[str, Any], dict[str, Any]]]]:
    """Gather a frame's rows by decision, each as (row, the object it came from)."""
    found: dict[str, list[tuple[dict[str, Any], dict[str, Any]]]] = {}
    for row in _rows(table):
        declared, trees = _split(row, table, frame)
        extras: dict[str, Any] = next(iter(trees.values()), {})
        found.setdefault(row["stream_id"], []).append((row, declared | extras))
    return found


def _tree(nodes: list[tuple[dict[str, Any], dict[str, Any]]]) -> Any:
    """Hang nodes below their parents: one root, or a list of roots."""
    made = {row["node"]: node for row, node in nodes}
    roots = []
    for row, node in nodes:
        if row["parent"] is None:
            roots.append(node)
        else:
            made[row["parent"]].setdefault("children", []).append(node)
    return roots[0] if len(roots) == 1 else roots


def _split(
    row: Mapping[str, Any], table: pa.Table, frame: str
) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """Split a row into declared and own fields, and trees of open columns by the first step of their path."""
    declared: dict[str, Any] = {}
    own: dict[str, Any] = {}
    trees: dict[str, dict[str, Any]] = {}
    for name, value in row.items():
        if value is None or name in _SKIPPED:
            continue
        if name in DECLARED[frame]:
            declared[name] = value
        elif name.startswith(OPEN[frame]):
            kind = opened.kind_of_field(table.schema.field(name))
            _hang(trees, name, json.loads(value) if kind == "json" else value)
        else:
            own[name] = value
    return declared | own, trees


def _hang(trees: dict[str, dict[str, Any]], path: str, value: Any) -> None:
    root, *keys = steps(path)
    if keys == ["*"]:
        for rest, one in value.items():
            _hang(trees, rest, one)
        return
    here = trees.setdefault(root, {})
    for key in keys[:-1]:
        here = here.setdefault(key, {})
    here[keys[-1]] = value
