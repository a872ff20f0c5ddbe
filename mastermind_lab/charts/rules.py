"""Voting rules compared with what was decided."""

from __future__ import annotations

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

from ..stats.engine.input import By, Source
from ..stats.engine.voting_rules import ACTUAL, BEST
from ..stats.rules import Rules
from .drawing.dots import IntervalColumns, counted, dots, reach, write_n
from .drawing.style import SERIES, check_grouping, empty, heading, label_rows, legend, prepare_axes
from .drawing.text import clean, format_estimate, format_n, format_repeated

SUBJECT = "Voting rules"
BETTER = IntervalColumns("difference", "difference_low", "difference_high")
CHANGED = IntervalColumns("changed", "changed_low", "changed_high")


def rules(data: Source | Rules, *, by: By = None, ax: Axes | None = None, **kw: Any) -> Axes:
    """Draw how much better each rule would have decided, a dot and its 95% interval a rule.

    A dot is the rule's accuracy minus that of the recommendation, in the decisions that the rule decides: to
    the right of 0 the rule is better. Where no outcomes were joined, it is the share of those decisions that
    the rule changes.

    Parameters
    ----------
    data
        A history, or a :class:`~mastermind_lab.stats.rules.Rules` with options of its own.
    by
        Column or columns of ``decisions`` to group by; above 6 groups the smallest are drawn as one.
    ax
        Where to draw; a new figure by default.
    **kw
        For the dots, :class:`matplotlib.lines.Line2D`.

    Raises
    ------
    OptionError
        If a column is unknown, or a summary was counted by another.

    Examples
    --------
    >>> import mastermind_lab as lab
    >>> from mastermind_lab.charts.rules import rules
    >>> rules(lab.sample()).get_xlabel()
    'share of decisions changed (0-1)'
    """
    summary = check_grouping(data if isinstance(data, Rules) else Rules.of(data, by=by), by)
    whole = summary.lump(len(SERIES)).table()
    known = bool(whole["known"].any())
    n, figure = ("known", BETTER) if known else ("decided", CHANGED)
    ax = prepare_axes(
        ax,
        "accuracy minus actual (% points)" if known else "share of decisions changed (0-1)",
        rows=8,
    )
    table = whole[(whole["rule"] != ACTUAL) & whole[figure.value].notna()]
    notes = _notes(summary, whole, "known" if known else "n")
    if table.empty:
        return empty(ax, SUBJECT, summary.by, notes)
    handles = dots(ax, table, "rule", "group", figure, kw)
    names = table.drop_duplicates("rule")
    label_rows(ax, list(names["rule"]) if summary.by else list(map(_named, names["rule"], names["voter"])))
    if not summary.by:
        write_n(ax, names[n])
    most = table.groupby("group", observed=True)[[n]].max().reset_index()
    above = legend(ax, handles, counted(most, "group", n)) if summary.by else 0
    heading(ax, SUBJECT, summary.by, [*notes, "line: 95% interval"], above)
    left, right = reach(table, figure)
    ax.set_xlim(min(left, -0.01) if known else 0, max(right, 0.01))
    ax.axvline(0, color="0.4", linewidth=0.8, zorder=1)
    if known:
        ax.xaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:+.3g}" if share else "0"))
    return ax


def _notes(summary: Rules, table: pd.DataFrame, counts: str) -> list[str]:
    """Say n, what was left out, how often the actual decisions were right, and what a tie does."""
    actual = summary.actual
    n = table.loc[table["rule"] == ACTUAL, counts].sum()
    notes = format_n(
        n, "decisions with outcome" if actual.n else "decisions", without_votes=summary.without_votes
    )
    notes += format_repeated(summary.repeated)
    if actual.n:
        notes.append(f"actual: {format_estimate(actual, '.0%')} right")
    ties = {"none": "ties open", "first": "ties: first choice", ACTUAL: "ties: as actual"}
    fallback = clean("as actual" if summary.fallback == ACTUAL else summary.fallback, 24)
    return [*notes, ties[summary.tie], *([] if fallback == "none" else [f"else: {fallback}"])]


def _named(rule: str, voter: object) -> str:
    return f"{BEST}: {clean(voter, 16)}" if rule == BEST else rule
