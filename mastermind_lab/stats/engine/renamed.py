"""Old names that still work, and say what they are called now."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from ...errors import callers_level

Options = ParamSpec("Options")
Result = TypeVar("Result")


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


def renamed_options(**new: str) -> Callable[[Callable[Options, Result]], Callable[Options, Result]]:
    """Let a function take options by their old names too, and say what each is called now."""

    def take(function: Callable[Options, Result]) -> Callable[Options, Result]:
        @wraps(function)
        def taken(*args: Options.args, **options: Options.kwargs) -> Result:
            for name in new.keys() & options.keys():
                warnings.warn(renamed(name, new[name]), FutureWarning, stacklevel=callers_level())
            return function(*args, **{new.get(name, name): value for name, value in options.items()})  # type: ignore[arg-type] # its own, by their new names

        return taken

    return take


def renamed(old: str, new: str) -> str:
    """Word the warning about an old name."""
    return f"{old} is now called {new}: the old name will go"
