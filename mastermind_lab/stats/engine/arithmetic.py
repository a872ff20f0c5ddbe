"""How numpy takes what is no number: a user may set it for a process, and no figure hangs on that."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import numpy as np

Options = ParamSpec("Options")
Result = TypeVar("Result")


def plain_arithmetic(function: Callable[Options, Result]) -> Callable[Options, Result]:
    """Let a function compute as numpy does by itself, whatever :func:`numpy.seterr` was told."""

    @wraps(function)
    def computed(*args: Options.args, **options: Options.kwargs) -> Result:
        with np.errstate(divide="warn", over="warn", under="ignore", invalid="warn"):
            return function(*args, **options)

    return computed
