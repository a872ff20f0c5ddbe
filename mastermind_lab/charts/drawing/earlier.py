"""An earlier run in grey behind the present one: the same figures, in the rows and groups that both have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from inspect import signature
from typing import Any, cast
from weakref import WeakKeyDictionary

import pandas as pd
from matplotlib.axes import Axes

from ...errors import OptionError
from ...stats.engine.bootstrap import Floats
from ...stats.engine.input import Source
from ...stats.engine.summary import Summary
from .chart import Kind
from .ink import EARLIER, EARLIER_AREA, shade
from .picture import Picture
from .style import Style

_ALL = 1_000_000_000  # groups, so that none is made one with others
_COUNTED: WeakKeyDictionary[Summary, dict[str, pd.DataFrame]] = WeakKeyDictionary()


def earlier_of(kind: type[Kind], before: Source | Kind | None, summary: Any) -> Kind | None:
    """Count an earlier run as the summary was counted behind which it is drawn; None where there is none.

    Raises
    ------
    OptionError
        If it counts something else, or is a summary that was counted otherwise.
    """
    if before is None:
        return None
    takes = signature(cast(Any, kind).of).parameters
    options = {name: getattr(summary, name) for name in takes if hasattr(summary, name)}
    earlier = before if isinstance(before, kind) else cast(Kind, cast(Any, kind).of(before, **options))
    _check_alike(earlier, summary, options)
    return earlier


def _check_alike(earlier: Summary, summary: Summary, options: Mapping[str, Any]) -> None:
    """Refuse to draw behind a summary what was counted otherwise, but for how its intervals are made."""
    if earlier.by != summary.by:
        groups = [", ".join(one.by) or "nothing" for one in (earlier, summary)]
        raise OptionError(f"before= is grouped by {groups[0]}, and what it is drawn behind by {groups[1]}")
    what, here = earlier._counts(), summary._counts()
    if what != here:
        raise OptionError(f"before= counts {what}, and what it is drawn behind {here}")
    for name, asked in options.items():
        if name != "cluster" and (there := getattr(earlier, name)) != asked:
            raise OptionError(
                f"before= was counted with {name}={there!r:.60}, and what it is drawn behind with "
                f"{name}={asked!r:.60}: count it again"
            )


def figures_of(earlier: Summary, what: str = "table") -> pd.DataFrame:
    """Return a table of an earlier run, each group by the words that a chart has for it; it is made once."""
    known = _COUNTED.setdefault(earlier, {})
    if what not in known:
        lump = earlier.lump
        known[what] = getattr(lump(*[_ALL] * len(signature(lump).parameters)), what)()
    return known[what]


def rows_behind(
    picture: Picture, earlier: Summary | None, table: pd.DataFrame, keys: Sequence[str], figure: str,
    n: str | pd.Series = "n",
) -> pd.DataFrame | None:  # fmt: skip
    """Return the rows of an earlier run that lie behind those of a table, NaN where it has none, and say so.

    What was put together, as "3 others", is nothing that the earlier run has. ``n`` is the column that counts
    what a row is of or, where it is of all in its group, the n of each group.
    """
    if earlier is None:
        return None
    *columns, row = keys
    texts = dict.fromkeys(keys, "str")
    here, there = table[[*columns, row]].astype(texts), figures_of(earlier).astype(texts)
    for name in keys[1:-1]:  # such as rules, of which not all are drawn
        there = there[there[name].isin(here[name])]
    behind = here.merge(there, how="left", on=list(keys)).set_axis(table.index)
    without = behind.loc[behind[figure].isna(), row].nunique()
    is_here = (
        there.merge(here.drop_duplicates(), how="left", on=list(keys), indicator=True)["_merge"] == "both"
    )
    gone = there.loc[~is_here.to_numpy(), row].nunique()
    drawn = behind[behind[figure].notna()]
    counts = drawn[n] if isinstance(n, str) else n.reindex(drawn["group"].unique())
    say_behind(picture, earlier, int(counts.sum()), without, gone)
    return behind


def shares_behind(earlier: Summary, groups: pd.Series, what: str, place: str) -> pd.DataFrame:
    """Return the distribution of an earlier run: a row for each of these groups, a column a place."""
    found = figures_of(earlier, what)
    shares = found.assign(group=found["group"].astype("str"))
    return shares.pivot(index="group", columns=place, values="share").reindex(groups.astype("str"))


def lines_behind(
    picture: Picture, earlier: Summary | None, table: pd.DataFrame, lines: pd.DataFrame | None
) -> pd.DataFrame | None:
    """Return those lines of an earlier run that are drawn: of the groups that a table has; and say so."""
    if earlier is None or lines is None:
        return None
    there, groups = lines["group"].astype("str"), table["group"].astype("str")
    gone, behind = there[~there.isin(groups)].nunique(), groups[groups.isin(there)]
    n = int(n_of_groups(earlier).reindex(behind).sum())
    say_behind(picture, earlier, n, len(groups) - len(behind), gone)
    return lines[there.isin(groups)]


def n_of_groups(earlier: Summary) -> pd.Series:
    """Add up the n of all rows of each group."""
    table = figures_of(earlier)
    return table["n"].groupby(table["group"].astype("str")).sum()


def of_group(past: pd.DataFrame | None, group: str) -> pd.DataFrame:
    """Return what is drawn of an earlier run for a group: no rows where there is none."""
    return pd.DataFrame() if past is None else past[past["group"].astype("str") == group]


def say_behind(picture: Picture, earlier: Summary, n: int, without: int = 0, gone: int = 0) -> None:
    """Say beside n of how many grey is, and in the caption what has no match in the other run."""
    picture.notes[0] += f"; grey: {n:,} before" if n else f"; none of {earlier.n:,} before"
    colour, part = "grey" if n else "not here", f", {n:,} of them drawn" if 0 < n < earlier.n else ""
    picture.notes.append(f"{colour}: an earlier run of {earlier.n:,} {earlier._counts()}{part}")
    picture.notes += (
        [f"{without:,} without grey: not known in the earlier run, or drawn as one"] if without else []
    )
    picture.notes += [f"{gone:,} of the earlier run not drawn: not here, or drawn as one"] if gone else []


def grey(ax: Axes, style: Style) -> Style:
    """Return how the earlier run of a series looks: as it does, but for its colour."""
    return style._replace(colour=shade(ax, EARLIER))


def dots_before(ax: Axes, rows: pd.DataFrame, heights: Floats, figure: str) -> None:
    """Draw the figures of an earlier run as upright ticks over bars, which are their intervals."""
    low, high = rows[f"{figure}_low"], rows[f"{figure}_high"]
    ax.hlines(heights, low, high, color=shade(ax, EARLIER_AREA), linewidth=4.5, zorder=0.8)
    tick: dict[str, Any] = {"color": shade(ax, EARLIER), "markersize": 9, "markeredgewidth": 2, "zorder": 0.9}
    ax.plot(rows[figure], heights, "|", **tick)
