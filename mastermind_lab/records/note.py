"""What became of the rows of a table, in words: the note of the coverage."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..decode import json_text
from .grouping import Codes
from .reading import Records
from .rows import Rows


def said_of(records: Records, rows: Rows, codes: Codes, faults: pa.Table) -> str:
    """Say what became of the rows."""
    n, decisions = len(codes), int(codes[-1]) + 1 if len(codes) else 0
    read = n + faults.num_rows + records.joined
    votes = f"{n:,} of them votes" if not records.joined else f"put together to {n:,} votes"
    parts = [f"{read:,} rows read, {votes} in {decisions:,} decisions"]
    if records.said:
        parts.append(records.said)
    if rows.said:
        parts.append(rows.said)
    if "abstained" in rows.named:
        parts.append(f"{n - rows.named['abstained'].null_count:,} abstained")
    if missing := _spelled_missing(rows.named["choice"]):
        parts.append(missing)
    if earlier := _earlier(rows, codes):
        parts.append(f"{earlier:,} without a round beside one with a round (taken for earlier ones)")
    if repeated := _repeated(_seats(rows, codes, "voter", "round")):
        parts.append(
            f"{repeated:,} repeated (of a voter's votes in a decision, equal ones count once and different "
            "ones not at all)"
        )
    if faults.num_rows:
        reasons = Counter(faults["reason"].to_pylist())
        told = ", ".join(f"{many:,} {reason}" for reason, many in sorted(reasons.items()))
        parts.append(f"{faults.num_rows:,} unusable ({told})")
    return ", ".join(parts)


def _spelled_missing(choices: pa.Array) -> str:
    """Say how many choices are what others write into a cell where nothing is."""
    counts = pc.value_counts(choices)
    some = counts.filter(pc.match_substring_regex(counts.field("values"), _NOTHING))
    if not len(some):
        return ""
    many = pc.sum(some.field("counts")).as_py()
    spelled = ", ".join(json_text(one) for one in sorted(some.field("values").to_pylist())[:5])
    counted = "1 choice spells" if many == 1 else f"{many:,} choices spell"
    return f"{counted} a missing cell ({spelled}): abstain= takes them out"


_NOTHING = r"^(\s+|<NA>|#?N/A|NA|NaN|nan|null|NULL|None)$"


def _seats(rows: Rows, codes: Codes, *names: str) -> Codes:
    """Number votes by their decision and what else they share."""
    seats, many = codes, int(codes.max(initial=0)) + 1
    for column in (rows.named[name] for name in names if name in rows.named):
        encoded = pc.dictionary_encode(column, null_encoding="encode")
        seats = seats * len(encoded.dictionary) + encoded.indices.to_numpy()
        many *= len(encoded.dictionary)
    return seats.astype(np.uint32) if many < 2**32 else seats  # which are sorted twice as fast


def _repeated(seats: Codes) -> int:
    """Count votes of those who have one in the decision, and round, already."""
    ordered = np.sort(seats)
    return int((ordered[1:] == ordered[:-1]).sum())


def _earlier(rows: Rows, codes: Codes) -> int:
    """Count votes without a round of those who have one with a round in the decision."""
    rounds = rows.named.get("round")
    if rounds is None or rounds.null_count in (0, len(rounds)):
        return 0
    has_none, seats = rounds.is_null().to_numpy(zero_copy_only=False), _seats(rows, codes, "voter")
    return int(np.isin(seats[has_none], seats[~has_none]).sum())
