"""Columns for which a history had no room: their values stand in a column that several share, as JSON."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import pandas as pd
import pyarrow as pa

from ..decode import is_shared
from ..frames import to_pandas, with_own_columns


def late_columns(decisions: pd.DataFrame, wanted: Collection[str]) -> dict[str, Any]:
    """Return what of some columns stands in those that decisions share, by name."""
    shared = [name for name in decisions.columns if is_shared(name)]
    if not wanted or not shared:
        return {}
    texts = pa.table({name: pa.array(decisions[name], pa.large_string()) for name in shared})
    found = to_pandas({"": in_shared(texts, wanted)})[""]
    return {name: found[name].array for name in wanted if name in found}


def in_shared(decisions: pa.Table, wanted: Collection[str]) -> pa.Table:
    """Return what of some columns stands in those that a table's decisions share."""
    return with_own_columns(decisions.select([*filter(is_shared, decisions.column_names)]), wanted)
