"""What the columns mean: the declared ones, and those that a history has beside them."""

from __future__ import annotations

from typing import Any

import pandas as pd

from ..errors import OptionError, check_names
from ..frames import DECLARED, FRAMES, TEXT, is_open, known
from .history import History

_COLUMNS = ["frame", "column", "type", "unit", "meaning"]
_JSON, _MIXED = ", as JSON text", "; mixed: what is no text, as JSON"
_LONGEST = 60  # characters of an example


def dictionary(history: History | None = None) -> pd.DataFrame:
    """Describe every declared column or, given a history, every column that it has.

    Parameters
    ----------
    history
        A history, whose open columns and whose own ones are described as well.

    Returns
    -------
    DataFrame
        A row a column: ``frame``, ``column``, ``type``, ``unit`` and ``meaning``. Given a history, also
        ``missing``, the share of rows without a value, 0 to 1, and ``example``, the first value as text.

    Raises
    ------
    OptionError
        It is no history.

    Examples
    --------
    >>> import mastermind_lab as lab
    >>> lab.dictionary().query("frame == 'votes'")["column"].tolist()
    ['stream_id', 'position', 'voter', 'choice', 'confidence', 'weight', 'rationale']
    >>> lab.dictionary(lab.sample()).query("column == 'meta.model'")[["type", "missing"]].values.tolist()
    [['str', 0.0]]
    """
    if history is None:
        rows = [tuple(one) for columns in DECLARED.values() for one in columns.values()]
        return pd.DataFrame(rows, columns=_COLUMNS, dtype=TEXT)
    if not isinstance(history, History):
        raise OptionError(
            f"dictionary takes a history, not a {type(history).__name__}: of a scan give it a batch"
        )
    found = pd.DataFrame([row for name in FRAMES for row in _described(history, name)])
    return found.astype({name: TEXT for name in found if name != "missing"})


def _described(history: History, frame: str) -> list[dict[str, Any]]:
    data = history[frame]
    check_names(frame, data)
    spelled = dict.fromkeys(history.json_columns, _JSON) | dict.fromkeys(history.mixed_columns, _MIXED)
    return [_of_column(frame, str(name), data[name], spelled.get(str(name), "")) for name in data]


def _of_column(frame: str, name: str, values: pd.Series, spelling: str) -> dict[str, Any]:
    declared, there = DECLARED[frame].get(name), values.dropna()
    # A frame is its user's: what was text may be numbers now.
    own = "as it came" if is_open(frame, name) else "a column of your own"
    unit, meaning = known(name) or ("", own + (spelling if values.dtype == "str" else ""))
    return {
        "frame": frame,
        "column": name,
        "type": declared.type if declared else str(values.dtype),
        "unit": declared.unit if declared else unit,
        "meaning": declared.meaning if declared else meaning,
        "missing": float(values.isna().mean()) if len(values) else float("nan"),
        "example": str(there.iloc[0])[:_LONGEST] if len(there) else None,
    }
