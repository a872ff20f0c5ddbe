"""Options that are numbers: each is refused by its name where it is another, or none."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral, Real
from typing import Any

from ...errors import OptionError


def check_whole(name: str, given: Any, least: int, most: int | None = None) -> None:
    """Refuse what is no whole number between two ends, both within.

    Raises
    ------
    OptionError
        With the name and what was given.
    """
    is_whole = isinstance(given, Integral) and not isinstance(given, bool)
    if not is_whole or given < least or (most is not None and given > most):
        reach = f"from {least:,}" + ("" if most is None else f" to {most:,}")
        raise OptionError(f"{name} must be a whole number {reach}, not {given!r:.40}")


def check_share(name: str, given: Any, within: str = "from 0 to 1") -> None:
    """Refuse what is no number within some ends, as they are said.

    Raises
    ------
    OptionError
        With the name and what was given.
    """
    is_number = isinstance(given, Real) and not isinstance(given, bool)
    if not is_number or not _ENDS[within](float(given)):
        raise OptionError(f"{name} must be {within}, not {given!r:.40}")


_ENDS: Mapping[str, Any] = {
    "from 0 to 1": lambda x: 0 <= x <= 1,
    "above 0 and below 1": lambda x: 0 < x < 1,
    "above 0.5 and at most 1": lambda x: 0.5 < x <= 1,
}
