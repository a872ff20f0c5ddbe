"""Which ends belong to which dots: only who drew both knows that they are of one figure."""

from __future__ import annotations

from weakref import WeakKeyDictionary

import numpy as np
import pandas as pd
from matplotlib.lines import Line2D

from ...stats.engine.bootstrap import Floats

_KEPT: WeakKeyDictionary[Line2D, tuple[Floats, Floats]] = WeakKeyDictionary()


def keep_ends(dots: Line2D, rows: pd.DataFrame, figure: str) -> Line2D:
    """Keep the interval of each dot, drawn of the column ``figure``, as long as the dots; return these."""
    low, high = (
        rows[f"{figure}_{end}"].to_numpy(dtype=np.float64, na_value=np.nan) for end in ("low", "high")
    )
    _KEPT[dots] = low, high
    return dots


def ends_of(dots: Line2D) -> tuple[Floats, Floats] | None:
    """Return the lower and the upper end of each dot; None where they have no intervals."""
    return _KEPT.get(dots)
