"""How a place along an axis is told back: as a number, a time or the name of a row; or as nothing."""

from __future__ import annotations

from typing import Any

from matplotlib.axis import Axis
from matplotlib.category import StrCategoryFormatter
from matplotlib.dates import ConciseDateConverter, DateConverter, DateLocator, _SwitchableDateConverter
from matplotlib.scale import LogTransform, SymmetricalLogTransform
from matplotlib.ticker import FixedFormatter, FixedLocator, FuncFormatter
from matplotlib.transforms import IdentityTransform
from matplotlib.units import DecimalConverter

_DATES = (_SwitchableDateConverter, DateConverter, ConciseDateConverter)  # pandas has others, of periods too
_NUMBERS = (type(None), DecimalConverter)


def back_of(axis: Axis) -> dict[str, Any]:
    """Say as what a place is told back, whether some have names, and the numbers of its scale.

    ``as`` is "number", "time", "row" where each place belongs to the nearest name, or "" where nobody but
    the axis can tell.
    """
    told: dict[str, Any] = {"as": "", "named": has_names(axis)}
    if told["named"] and is_plain(axis):
        return told | {"as": "row"}
    if is_dated(axis):
        return told | {"as": "time"}
    numbers = _numbers(axis)
    return told if numbers is None else told | {"as": "number", **numbers}


def _numbers(axis: Axis) -> dict[str, float] | None:
    """Return what makes a place into a number again; None where it is none."""
    scale: Any = axis.get_transform()
    if type(axis.get_converter()) not in _NUMBERS:
        return None
    if isinstance(scale, IdentityTransform):
        return {}
    if isinstance(scale, LogTransform):
        return {"base": float(scale.base)}
    if isinstance(scale, SymmetricalLogTransform):
        steep = scale.linscale / (1 - 1 / scale.base)
        return {"base": float(scale.base), "straight": float(scale.linthresh), "steep": float(steep)}
    return None


def has_names(axis: Axis) -> bool:
    """Tell whether what is written along an axis was given for places of its own."""
    formatter, locator = axis.get_major_formatter(), axis.get_major_locator()
    given = isinstance(locator, FixedLocator) and isinstance(formatter, FuncFormatter)
    return given or isinstance(formatter, FixedFormatter | StrCategoryFormatter)


def is_dated(axis: Axis) -> bool:
    """Tell whether an axis counts days since 1970."""
    return isinstance(axis.get_major_locator(), DateLocator) or type(axis.get_converter()) in _DATES


def is_plain(axis: Axis) -> bool:
    """Tell whether what is written along an axis is text from data, in which nothing is a formula."""
    return any(not tick.label1.get_parse_math() for tick in axis.majorTicks)
