"""A chart as a file that says where it comes from, without pyplot and without a display."""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib.metadata import version
from inspect import signature
from typing import Any

from matplotlib.figure import Figure

COLUMN, PAGE = 3.3, 6.5
"""Widths in inches: a paper's column, and its page."""


def save(
    path: str | os.PathLike[str],
    chart: Callable[..., Any],
    data: Any,
    *,
    size: tuple[float, float] = (PAGE, 4.0),
    dpi: int = 200,
    **options: Any,
) -> None:
    """Draw a chart on a figure of its own and write it to a file.

    A .png or .svg carries its provenance: the sources, the first and the last id, n, what is missing, and the
    version of this package.

    Parameters
    ----------
    path
        Where to; the ending says the format (.png, .svg, .pdf).
    chart
        One of the charts of this room, or any function that takes ``data`` and ``ax``, or ``figure``.
    data
        A history, a frame or a summary.
    size
        Width and height in inches.
    dpi
        Dots an inch, for .png.
    **options
        The chart's own, such as ``by``.

    Raises
    ------
    OSError
        The file cannot be written.

    Examples
    --------
    >>> import mastermind_lab as lab
    >>> from mastermind_lab import charts
    >>> charts.save("confidence.png", charts.confidence, lab.sample(), by="meta.model")  # doctest: +SKIP
    """
    figure = Figure(figsize=size, layout="constrained")
    where = {"figure": figure} if "figure" in signature(chart).parameters else {"ax": figure.add_subplot()}
    chart(data, **where, **options)
    figure.savefig(path, dpi=dpi, metadata=_provenance(path, data))


def _provenance(path: str | os.PathLike[str], data: Any) -> dict[str, str] | None:
    """Describe the data in the words that the format knows; other formats than these two have none for it."""
    program = f"mastermind_lab {version('mastermind_lab')}"
    coverage = getattr(data, "coverage", None)
    if not str(path).endswith((".png", ".svg")):
        return None
    said = {"Software" if str(path).endswith(".png") else "Creator": program}
    if coverage is not None:
        said["Source"] = "; ".join(coverage["source"].dropna().unique())
        said["Description"] = f"{_extent(data)}; {program}"
    return said


def _extent(history: Any) -> str:
    coverage = history.coverage
    first, last = (coverage[end].dropna() for end in ("first_id", "last_id"))
    ids = f"ids {first.iloc[0]} to {last.iloc[-1]}; " if len(first) else ""
    dropped = {"rejects": len(history.rejects)}
    dropped |= {name.replace("_", " "): int(coverage[name].sum()) for name in ("left_out", "missing")}
    rest = ", ".join(f"{n} {name}" for name, n in dropped.items())
    return f"n = {len(history.decisions)} decisions; {ids}{rest}"
