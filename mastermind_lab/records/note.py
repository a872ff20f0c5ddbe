"""What became of the rows of a table, in words: the note of the coverage."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..decode import json_text
from ..text import brief, harmless
from .columns import TEXT
from .grouping import Codes
from .reading import Records
from .rows import Rows
from .text_bytes import may_be, prints

_ODD = np.uint32(0x9E3779B1)  # makes neighbours' numbers differ all over
_WIDE = 32  # votes of a decision: of more, looking at all pairs takes as long as sorting


def said_of(records: Records, rows: Rows, codes: Codes, starts: Codes, faults: pa.Table) -> str:
    """Say what became of the rows."""
    n, decisions = len(codes), len(starts)
    read = n + faults.num_rows + records.joined
    votes = f"{n:,} of them votes" if not records.joined else f"put together to {n:,} votes"
    parts = [f"{read:,} rows read, {votes} in {decisions:,} decisions"]
    if records.said:
        parts.append(records.said)
    if rows.said:
        parts.append(rows.said)
    if "abstained" in rows.named:
        parts.append(f"{n - rows.named['abstained'].null_count:,} abstained")
    parts += _spelled_missing(rows)
    if earlier := _earlier(rows, codes):
        parts.append(f"{earlier:,} without a round beside one with a round (taken for earlier ones)")
    if repeated := _repeated(rows, codes, starts):
        parts.append(
            f"{repeated:,} repeated (of a voter's votes in a decision, equal ones count once and different "
            "ones not at all)"
        )
    if faults.num_rows:
        reasons = Counter(faults["reason"].to_pylist())
        told = ", ".join(f"{many:,} {reason}" for reason, many in sorted(reasons.items()))
        parts.append(f"{faults.num_rows:,} unusable ({told})")
    return ", ".join(parts)


def _spelled_missing(rows: Rows) -> Iterator[str]:
    """Say how many cells hold what others write where nothing is."""
    named = [(rows.named["choice"], "choice", "abstain= takes them out")]
    named.append((rows.named["voter"], "voter", _LEFT_OUT))
    named += [(column, brief(one.name, 40, harmless), _LEFT_OUT) for one, column in rows.keys]
    for column, what, advice in named:
        if column.type != TEXT:
            continue
        few = column.take(pa.array(may_be(column, _FIRSTS, _LASTS)))
        counts = pc.value_counts(few)
        some = counts.filter(pc.match_substring_regex(counts.field("values"), _NOTHING))
        if len(some):
            many = pc.sum(some.field("counts")).as_py()
            spelled = ", ".join(json_text(one) for one in sorted(some.field("values").to_pylist())[:5])
            said = f"1 {what} spells" if many == 1 else f"{many:,} {what}s spell"
            yield f"{said} a missing cell ({spelled}): {advice}"


_LEFT_OUT = "leave such rows out"


_NOTHING = r"^(\s+|<NA>|#?N/A|NA|NaN|nan|null|NULL|None)$"
_FIRSTS, _LASTS = b"\t\n\f\r <#Nn", b"\t\n\f\r >ANnlLe"  # bytes of these


def _repeated(rows: Rows, codes: Codes, starts: Codes) -> int:
    """Count votes of those who have one in the decision, and round, already."""
    columns = [rows.named[name] for name in ("voter", "round") if name in rows.named]
    widest = int(np.diff(starts, append=len(codes)).max(initial=0))
    if len(columns) == 1 and widest <= _WIDE:
        some = _alike(columns[0], codes, widest)
        columns, codes = [columns[0].take(pa.array(some))], codes[some]
    ordered = np.sort(_seats(columns, codes))
    return int((ordered[1:] == ordered[:-1]).sum())


def _alike(voters: pa.Array, codes: Codes, widest: int) -> Codes:
    """Return the places of votes whose voter may have another one in the decision."""
    keys = prints(voters) ^ (codes.astype(np.uint32) * _ODD)
    found = np.zeros(len(keys), bool)
    for apart in range(1, widest):
        equal = keys[apart:] == keys[:-apart]
        found[apart:] |= equal
        found[:-apart] |= equal
    return np.flatnonzero(found)


def _seats(columns: Sequence[pa.Array], codes: Codes) -> Codes:
    """Number votes by their decision and what else they share."""
    seats, many = codes, int(codes.max(initial=0)) + 1
    for column in columns:
        encoded = pc.dictionary_encode(column, null_encoding="encode")
        seats = seats * len(encoded.dictionary) + encoded.indices.to_numpy()
        many *= len(encoded.dictionary)
    return seats.astype(np.uint32) if many < 2**32 else seats  # which are sorted twice as fast


def _earlier(rows: Rows, codes: Codes) -> int:
    """Count votes without a round of those who have one with a round in the decision."""
    rounds = rows.named.get("round")
    if rounds is None or rounds.null_count in (0, len(rounds)):
        return 0
    has_none, seats = rounds.is_null().to_numpy(zero_copy_only=False), _seats([rows.named["voter"]], codes)
    return int(np.isin(seats[has_none], seats[~has_none]).sum())
