"""Whether another voting rule would have decided better."""

from __future__ import annotations

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

from ..labels import counted
from ..stats import Rules
from ..stats.engine.input import By, Source
from ..stats.engine.preference_rules import PREFERENCE_RULES
from ..stats.engine.voting_rules import ACTUAL, BEST
from .drawing.chart import chart, summary_of
from .drawing.dots import dots, from_zero, legend_labels, limits, without_dot
from .drawing.ink import MUTED, shade
from .drawing.picture import Column, Picture, inches_of, series_that_fit
from .drawing.style import SERIES
from .drawing.text import clean, format_n, format_voters


@chart(Rules, "A history", most=SERIES)
def rules(
    data: Source | Rules,
    *,
    by: By = None,
    voter: str | None = None,
    cluster: By = None,
    ax: Axes | None = None,
    **kw: Any,
) -> Axes:
    """How much better each voting rule would have decided: a dot and its 95% interval a rule.

    A dot is the rule's accuracy minus that of the recommendation, in the decisions that the rule decides: to
    the right of 0 the rule is better. How much it leaves open stands beside its n: these may be the hard
    ones, and ``difference_of_all`` in the table compares all rules in the same decisions. Where nothing was
    recommended, it is the rule's accuracy. Where no outcomes were joined, it is the share of those decisions
    that the rule changes.

    Examples
    --------
    >>> import mastermind_lab as lab
    >>> lab.charts.rules(lab.sample()).get_xlabel()
    'share of decisions changed (0-1)'
    """
    summary = summary_of(Rules, data, by, cluster, voter)
    table = summary.lump(series_that_fit(ax, SERIES)).table()
    known = bool(table["n_known"].any())
    figure = ("difference" if table["difference"].notna().any() else "accuracy") if known else "changed"
    n, notes = _COUNTS[figure], _notes(summary, table, figure)
    order = list(dict.fromkeys(table["rule"]))
    table = table[(table["rule"] != ACTUAL) & table[figure].notna()]
    table = table.iloc[table["rule"].map(order.index).argsort(kind="stable")]
    xlabel = _XLABELS[figure]
    inches = inches_of(table["rule"].nunique(), lanes=table["group"].nunique())
    picture = Picture(ax, "Voting rules", summary, notes, xlabel, inches=inches)
    if table.empty:
        return picture.empty()
    rows = table if summary.by else table.assign(rule=list(map(_rule_name, table["rule"], table["voter"])))
    beside = None if summary.by else Column("n (open)", list(map(_with_open, table[n], table["open"])))
    handles = dots(picture, rows, "rule", "group", figure, kw, beside=beside)
    if summary.by:
        largest = table.groupby("group", observed=True)[[n]].max().reset_index()
        picture.legend(handles, legend_labels(largest, "group", n))
    best = [f"{BEST}: {who}" for who in _best(table)] if not summary.by else []
    beside_n = "" if summary.by else "beside n: the share that a rule leaves open"
    gaps = without_dot(table, "rule", "group", figure, "nothing decided")
    picture.heading(gaps, beside_n, *best, methods=table[f"{figure}_method"])
    _scale(picture.ax, *limits(table, figure), figure == "difference")
    return picture.ax


_COUNTS = {"difference": "n_judged", "accuracy": "n_known", "changed": "n_compared"}
_XLABELS = {
    "difference": "accuracy minus actual (% points)",
    "accuracy": "accuracy (0-1)",
    "changed": "share of decisions changed (0-1)",
}


def _scale(ax: Axes, left: float, right: float, known: bool) -> None:
    """Mark 0, where a rule changes nothing; differences are in percentage points."""
    least, most = from_zero(max(right, 0.01))
    ax.set_xlim(min(left, -0.01) if known else least, most)
    ax.axvline(0, color=shade(ax, MUTED), linewidth=0.8, zorder=1)
    if known:
        ax.xaxis.set_major_formatter(FuncFormatter(lambda share, _: _signed(100 * share)))


def _signed(points: float) -> str:
    """Write a difference, with the sign that matplotlib has for what is below 0."""
    return f"{points:+.3g}".replace("-", "\N{MINUS SIGN}") if points else "0"


def _n_and_left_out(summary: Rules, table: pd.DataFrame, figure: str) -> list[str]:
    """Say in how many decisions rules are compared, or judged, and what was left out and why."""
    voted, said = (table[table["rule"] == rule] for rule in ("plurality", ACTUAL))
    n, judged = voted[["n", "n_with_outcome"]].sum()  # of a rule that has an opinion wherever anybody voted
    voteless = summary.without_votes
    if figure == "changed":
        known = said["n_decided"].sum()
        return format_n(known, "decisions", without_votes=voteless, without_recommendation=n - known)
    known = said["n_known"].sum() if figure == "difference" else judged
    left_out = {"without_outcome": n - judged, "without_recommendation": judged - known}
    return format_n(known, "decisions with outcome", without_votes=voteless, **left_out)


def _notes(summary: Rules, table: pd.DataFrame, figure: str) -> list[str]:
    """Say n, what was left out and why, how often the actual decisions were right, and what a tie does."""
    actual = summary.actual
    notes = _n_and_left_out(summary, table, figure) + format_voters(summary.voter, summary.repeated)
    if actual.n:
        notes.append(f"actual: {actual:.0%} right")
    kinds = {rule.ballots: name for name, rule in PREFERENCE_RULES.items()}
    for kind, rule in kinds.items():
        if without := table.loc[table["rule"] == rule, "without_ballot"].sum():
            notes.append(f"{counted(int(without), 'vote')} without {kind}")
    ties = {"none": "ties open", "first": "ties: first choice", ACTUAL: "ties: as actual"}
    fallback = clean("as actual" if summary.fallback == ACTUAL else summary.fallback, 24)
    return [*notes, ties[summary.tie], *([] if fallback == "none" else [f"else: {fallback}"])]


def _rule_name(rule: str, voter: str | float) -> str:
    """Name a rule, and who its voter is if that is one."""
    return rule if rule != BEST or pd.isna(voter) else f"{rule}: {voter}"


def _best(table: pd.DataFrame) -> list[str]:
    """Return the whole name of the best voter, if it is one."""
    return [clean(voter, 120) for voter in table.loc[table["rule"] == BEST, "voter"].dropna()]


def _with_open(n: int, left_open: float) -> str:
    return f"{n:,} ({left_open:.0%})" if left_open >= 0.005 else f"{n:,}"
