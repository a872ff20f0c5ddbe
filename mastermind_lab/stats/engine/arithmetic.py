"""Figures that hang on no setting of numpy's, and take no rounding for a difference."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import numpy as np

from .bootstrap import Floats

Options = ParamSpec("Options")
Result = TypeVar("Result")

_ROUNDING = 4 * np.finfo(np.float64).eps
"""How much of n equal numbers' sum each of them may add to its rounding."""


def plain_arithmetic(function: Callable[Options, Result]) -> Callable[Options, Result]:
    """Let a function compute as numpy does by itself, whatever :func:`numpy.seterr` was told.

    A user may tell it how to take what is no number, for a whole process.
    """

    @wraps(function)
    def computed(*args: Options.args, **options: Options.kwargs) -> Result:
        with np.errstate(divide="warn", over="warn", under="ignore", invalid="warn"):
            return function(*args, **options)

    return computed


def squared_deviations(n: Floats, total: Floats, squares: Floats) -> Floats:
    """Return the squared deviations from the mean, added up, of n numbers whose sums are known.

    0 where that is no more than such sums are rounded by: equal numbers would seem to differ.
    """
    mean = np.divide(total, n, out=np.zeros(len(n)), where=n > 0)
    found = squares - total * mean
    return np.where(found > _ROUNDING * n * squares, found, 0.0)
