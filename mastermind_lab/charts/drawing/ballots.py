"""The votes of one decision: choice by choice, in full, and under each who voted for it and how surely."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from ...labels import counted
from ...stats.engine.ballots import in_last_round
from .ink import MUTED, shade
from .text import HINTED, LOOKED_AT, PLAIN, clean, fitted, fitted_apart, small_size, unmarked, wrapped

_MOST_CHOICES, _MOST_LINES = 8, 4
_INDENT = 1.0  # heights of small text that a voter stands to the right of the choice
_BAR = 3.5  # and that a bar is long
_COUNT = 5.0  # and kept free for how often a choice was voted for


class Line(NamedTuple):
    """A line of the list: a choice and its votes, or a voter, with a confidence or NaN."""

    text: str
    indent: float = 0.0
    beside: str = ""
    confidence: float | None = None


class Ballots(NamedTuple):
    """The lines of a list of votes, under a title; ``earlier`` says what of earlier rounds is not there."""

    title: str
    lines: list[Line]
    sure: bool
    earlier: str


def ballots_of(votes: pd.DataFrame, room: float, most: int) -> Ballots:
    """Write who voted for what in a width in heights of small text, so many voters at most by name.

    No choice is cut, and the most chosen comes first; in it the surest voter. Of a debate's rounds each
    voter's last vote stands.
    """
    last = votes[in_last_round(votes) | votes["voter"].isna()]
    said = last.assign(choice=last["choice"].fillna("(no choice)"), voter=last["voter"].fillna("(no voter)"))
    sure = bool(said["confidence"].notna().any())
    sizes = said["choice"].value_counts()
    ordered = said.assign(size=said["choice"].map(sizes)).sort_values(
        ["size", "choice", "confidence"], ascending=[False, True, False], kind="stable"
    )
    known = list(ordered["voter"].unique())
    names = dict(zip(known, fitted_apart(known, room - _INDENT - (_BAR + 1) * sure), strict=True))
    groups = list(ordered.assign(voter=ordered["voter"].map(names)).groupby("choice", sort=False))
    shown, rest = groups[:_MOST_CHOICES], groups[_MOST_CHOICES:]
    each = _each([len(rows) for _, rows in shown], most)
    lines = [line for choice, rows in shown for line in _lines(str(choice), rows, room, each)]
    if rest:
        others = counted(sum(len(rows) for _, rows in rest), "vote")
        lines.append(Line(f"{len(rest):,} other choices", beside=others))
    by_name = sum(line.confidence is not None for line in lines)
    title = counted(len(said), "vote") + (f", {by_name} shown" if by_name < len(said) else "")
    title += "; bar: confidence (0-1)" if sure else ""
    before = len(votes) - len(last)
    return Ballots(
        title, lines, sure, f"{counted(before, 'vote')} of earlier rounds not drawn" if before else ""
    )


def _each(sizes: Sequence[int], most: int) -> int:
    """Return how many voters of each choice are named."""
    return next(each for each in range(most, 0, -1) if each == 1 or sum(min(each, n) for n in sizes) <= most)


def _lines(choice: str, rows: pd.DataFrame, room: float, each: int) -> list[Line]:
    """Write a choice, and below it those who voted for it."""
    said = clean(unmarked(choice), LOOKED_AT)
    first, *more = wrapped(said, HINTED * (room - _COUNT), _MOST_LINES)
    lines = [Line(first, beside=counted(len(rows), "vote")), *map(Line, more)]
    surest = rows.head(each + (len(rows) == each + 1))  # a name takes no more room than "and 1 more"
    sure = surest["confidence"].to_numpy(dtype=float, na_value=np.nan)
    lines += [Line(name, _INDENT, confidence=one) for name, one in zip(surest["voter"], sure, strict=True)]
    return lines + ([Line(f"and {len(rows) - each:,} more", _INDENT)] if len(rows) > len(surest) else [])


def draw_ballots(ax: Axes, ballots: Ballots, height: float, width: float) -> None:
    """Draw the list of votes, each with a bar for the confidence it has."""
    em = small_size()
    font = lines_on(ax, ballots.title, height, width)
    for row, line in enumerate(ballots.lines):
        ax.text(em * line.indent, -row, line.text, **font)
        ax.text(width, -row, line.beside, ha="right", color=shade(ax, MUTED), **font)
    if not ballots.sure:
        return
    rated = {row: line.confidence for row, line in enumerate(ballots.lines) if line.confidence is not None}
    sure = {row: one for row, one in rated.items() if not np.isnan(one)}
    for row in rated.keys() - sure.keys():
        ax.text(width, -row, "not said", ha="right", **font)
    rows = -np.array([*sure], dtype=float)
    bar: dict[str, Any] = {"left": width - _BAR * em, "height": 0.5, "clip_on": False}
    ax.barh(rows, _BAR * em * np.array([*sure.values()]), color=shade(ax, MUTED), **bar)
    ax.barh(rows, _BAR * em, facecolor="none", edgecolor=shade(ax, 0.3), linewidth=0.5, **bar)


def lines_on(ax: Axes, title: str, height: float, width: float) -> dict[str, Any]:
    """Let Axes measure lines downwards from 0 and points to the right, and return the font."""
    ax.set_axis_off()
    ax.set(xlim=(0, width), ylim=(1.7 - height, 0.5))
    ax.set_title(fitted(title, width / small_size()), loc="left", fontsize="small", **PLAIN)
    # The words are cut to the width: a layout that has yet to find it would make room for them once more.
    return {"va": "center", "fontsize": "small", "in_layout": False, **PLAIN}
