"""Voters whose absence would have changed the decision."""

from __future__ import annotations

from typing import Any

import pandas as pd
from matplotlib.axes import Axes

from ..stats import Pivotal
from ..stats.engine.input import By, Source
from .drawing.chart import chart, summary_of
from .drawing.dots import MOST, dots, from_zero, legend_labels, limits, n_of_rows, ranked, without_dot
from .drawing.earlier import earlier_of, figures_of, rows_behind
from .drawing.picture import Picture, inches_of, rows_that_fit, series_that_fit
from .drawing.style import SERIES
from .drawing.text import format_n, format_voters

RULES = ("plurality", "majority", "two-thirds")
"""The rules that are drawn; the table has more."""


@chart(Pivotal, "A history, its ``votes`` frame (then without ``by``)", most=SERIES)
def pivotal(
    data: Source | Pivotal,
    *,
    by: By = None,
    voter: str | None = None,
    cluster: By = None,
    before: Source | Pivotal | None = None,
    ax: Axes | None = None,
    **kw: Any,
) -> Axes:
    """How often each voter's absence would have changed the decision: a dot and its 95% interval a rule.

    Without ``by`` the rules are plurality, majority and two-thirds; by group it is plurality alone. The
    heading says how many decisions hang on any single voter under plurality. Above 20 voters those with the
    fewest votes are drawn as one.

    Examples
    --------
    >>> import mastermind_lab as lab
    >>> lab.charts.pivotal(lab.sample()).get_xlabel()
    'share of decisions with their vote (0-1)'
    """
    summary = summary_of(Pivotal, data, by, cluster, voter)
    rules, series = (RULES[:1], "group") if summary.by else (RULES, "rule")
    lanes = series_that_fit(ax, min(len(summary.panels.keys), SERIES)) if summary.by else len(RULES)
    lumped = summary.lump(max(lanes, 2), rows_that_fit(ax, MOST, lanes=lanes, series=lanes))
    table = lumped.table()
    table = ranked(
        table[table["rule"].isin(rules)], "voter", series, "pivotal", summary.voters.keys["voter"].nunique()
    )
    voters = table.drop_duplicates("voter")
    notes = format_n(summary.share.n, "decisions") + format_voters(summary.voter, summary.repeated)
    xlabel = "share of decisions with their vote (0-1)"
    picture = Picture(ax, "Pivotal votes", summary, notes, xlabel, inches=inches_of(len(voters), lanes=lanes))
    if table.empty:
        return picture.empty()
    beside = None if summary.by else n_of_rows(voters["n"])
    earlier = earlier_of(Pivotal, before, summary)
    decided = _decided(figures_of(earlier, "by_rule")) if earlier else ""
    behind = rows_behind(picture, earlier, table, ["group", "rule", "voter"], "pivotal", decided)
    handles = dots(picture, table, "voter", series, "pivotal", kw, beside=beside, behind=behind)
    picture.legend(handles, _groups(lumped, table) if summary.by else list(RULES))
    hanging = f"{summary.share:.1%} hang on one voter (plurality)"
    gaps = without_dot(table, "voter", series, "pivotal", "no vote")
    picture.heading(hanging, gaps, methods=table["pivotal_method"])
    picture.ax.set_xlim(from_zero(min(limits(table, "pivotal", behind=behind)[1], 1.02)))
    return picture.ax


def _decided(by_rule: pd.DataFrame) -> pd.Series:
    """Say in how many decisions of each group anybody voted."""
    return by_rule[by_rule["rule"] == RULES[0]].astype({"group": "str"}).set_index("group")["n"]


def _groups(summary: Pivotal, table: pd.DataFrame) -> list[str]:
    """Name the groups that are drawn, each with its n decisions: several vote in one."""
    decided = summary.by_rule()
    there = decided["group"].isin(table["group"]) & (decided["rule"] == RULES[0])
    return legend_labels(decided[there], "group", "n")
