"""Old names that still work, and say what they are called now."""

from __future__ import annotations

import warnings
from typing import Any


class Renamed:
    """The old name of a method or a property.

    Parameters
    ----------
    new
        What it is called now.
    """

    def __init__(self, new: str) -> None:
        self._new = new

    def __set_name__(self, owner: type, name: str) -> None:
        self._old = name

    def __get__(self, instance: object | None, owner: type) -> Any:
        if instance is None:  # somebody lists the class, and uses nothing
            return self
        warnings.warn(renamed(f"{owner.__name__}.{self._old}", self._new), FutureWarning, stacklevel=2)
        return getattr(instance, self._new)


def renamed(old: str, new: str) -> str:
    """Word the warning about an old name."""
    return f"{old} is now called {new}: the old name will go"
