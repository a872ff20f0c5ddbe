"""A history's envelopes as JSON: as they came where the frames still say so, else rebuilt from the frames."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import ValidationError
from pydantic_core import PydanticSerializationError, to_json

from ..envelope import DecisionEnvelope, faults_in
from ..errors import OptionError
from ..frames import FRAMES, PAYLOADS, Tables, changed_entries, only, rebuild, schema, stacked


def envelopes_of(tables: Tables) -> Iterator[tuple[str, DecisionEnvelope]]:
    """Yield (stream id, envelope) for each decision, rebuilt from the frames.

    Raises
    ------
    OptionError
        One would be no envelope; the message names the entry and the field, or says what was never said.
    """
    _check_said(tables)
    yield from rebuilt(tables)


def rebuilt(tables: Tables) -> Iterator[tuple[str, DecisionEnvelope]]:
    """Yield (stream id, envelope) for each decision, with votes that have no choice as abstentions."""
    for stream_id, document in rebuild(tables):
        yield stream_id, _envelope(stream_id, document)


def _check_said(tables: Tables) -> None:
    """Refuse to write what envelopes need and some decision, or some vote, has not."""
    needed = (("recommendation", "decisions"), ("confidence", "decisions"), ("choice", "votes"))
    missing = {(name, frame): pc.is_null(tables[frame][name]) for name, frame in needed}
    unsaid = {where: mask for where, mask in missing.items() if pc.any(mask).as_py()}
    if unsaid:
        counts = [
            f"{name} in {pc.sum(mask).as_py():,} of {len(mask):,} {frame}"
            for (name, frame), mask in unsaid.items()
        ]
        (_, frame), mask = next(iter(unsaid.items()))
        raise OptionError(
            f"entry {tables[frame]['stream_id'].filter(mask)[0]} cannot be written: an envelope needs a "
            "recommendation and a confidence from 0 to 1, and of each vote a voter and a choice; missing are "
            f"{', '.join(counts)}. None is made up: fill these columns of the frames, keep the history as it "
            "is with history.save(folder), or have them derived from the votes, and marked so, with "
            'derive="plurality"'
        )


def encode(envelopes: Iterable[tuple[str, DecisionEnvelope]]) -> Iterator[tuple[str, bytes]]:
    """Yield (stream id, the envelope's JSON)."""
    for stream_id, envelope in envelopes:
        try:
            # Not model_dump_json, which writes null for NaN.
            yield stream_id, to_json(envelope.model_dump(exclude_unset=True))
        except PydanticSerializationError as error:
            raise OptionError(f"entry {stream_id} cannot be written as JSON: {error!s:.200}") from error


def payloads_as_in(tables: Tables, before: Tables) -> pa.Table:
    """Let raw payloads follow the frames: of what is gone there is none, what was changed has a new one.

    Parameters
    ----------
    tables
        All tables as they are now; the payloads are still those that came.
    before
        The tables that the changed ones among these were made from.

    Raises
    ------
    OptionError
        An entry that was changed would be no envelope.
    """
    ids, payloads = tables["decisions"]["stream_id"], tables[PAYLOADS]
    changed = [changed_entries(name, before[name], tables[name]) for name in before if name in FRAMES]
    stale = pa.concat_arrays(changed) if changed else pa.array([], pa.large_string())
    raw = pc.and_(pc.is_in(payloads["stream_id"], ids), pc.invert(pc.is_in(payloads["stream_id"], stale)))
    kept = payloads.filter(raw)
    missing = pc.unique(ids.filter(pc.invert(pc.is_in(ids, kept["stream_id"].combine_chunks()))))
    if not len(missing):
        return kept
    try:
        fresh = [*encode(rebuilt(only({name: tables[name] for name in FRAMES}, missing)))]
    except OptionError as error:
        raise OptionError(
            f"the raw payload of what was changed cannot be written anew: {error}. "
            "Save it with payloads=False, or change it back"
        ) from error
    columns: list[Any] = [[*values] for values in zip(*fresh, strict=True)]
    return stacked(PAYLOADS, [kept, pa.table(columns, schema(PAYLOADS))])


def _envelope(stream_id: str, document: dict[str, Any]) -> DecisionEnvelope:
    try:
        return DecisionEnvelope.model_validate(document)
    except ValidationError as error:
        raise OptionError(
            f"entry {stream_id} cannot be written as an envelope: {faults_in(error)}"
        ) from error
