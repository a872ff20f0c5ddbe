"""Options that a function hands on to another, shown in its own signature, and so by ``help``."""

from __future__ import annotations

from collections.abc import Callable
from inspect import Parameter, signature
from typing import Any, TypeVar

Function = TypeVar("Function", bound=Callable[..., Any])


def with_options_of(other: Callable[..., Any]) -> Callable[[Function], Function]:
    """Show the keyword options of another function in place of a function's ``**options``."""

    def show(function: Function) -> Function:
        own = [one for one in signature(function).parameters.values() if one.kind != Parameter.VAR_KEYWORD]
        taken = {one.name for one in own}
        others = [one for one in signature(other).parameters.values() if one.kind == Parameter.KEYWORD_ONLY]
        shown = [*own, *(one for one in others if one.name not in taken)]
        function.__signature__ = signature(function).replace(parameters=shown)  # type: ignore[attr-defined] # a function takes any attribute
        return function

    return show
