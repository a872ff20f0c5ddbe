"""A part of a picture as a condition on decisions: what lies in it, as pandas and the reader can say it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from ..history import History, with_missing_columns
from ..live import Follower
from ..stats.engine.summary import Summary, kept, sizes_of, sums_of, texts_of
from ..stats.engine.sums import grouped

Along = tuple[str | None, str | None]
Ranges = tuple[Any, Any]


class Group(NamedTuple):
    """The decisions of a small picture: the column that tells them apart, and a condition on it."""

    column: str
    condition: str


class Selection(NamedTuple):
    """A part of a picture.

    Attributes
    ----------
    along, ranges
        The columns along the axes of the picture, and from where to where the part reaches along each.
    window
        The part of the history that the picture shows, as :meth:`Follower.history` takes it.
    group
        That of the small picture in which it was made.
    """

    along: Along
    ranges: Ranges
    window: int | timedelta | None = None
    group: Group | None = None

    def found(self, follower: Follower) -> tuple[History, str]:
        """Return the decisions of this moment that lie in it, and the query that finds them there."""
        history = follower.history(last=self.window)
        published = history.select("decisions", ["published_at"])["published_at"]
        # One without a time may have come after the part was chosen.
        where = condition(self.along, self.ranges, has_undated=published.null_count > 0)
        if where and self.group:
            where = f"{self.group.condition} and {where}"
            history = with_missing_columns(history, [self.group.column])
        return (history.where(where) if where and len(history) else history), where


def groups_of(summary: Summary, most: int) -> list[Group]:
    """Return the groups that a chart draws of a summary by one column: the last may be of all the others.

    Examples
    --------
    >>> import mastermind_lab as lab
    >>> summary = lab.stats.Confidence.of(lab.sample(), by="n_votes")
    >>> [group.condition for group in groups_of(summary, 2)]
    ['`n_votes` == 5', '`n_votes` not in [5]']
    """
    [column] = summary.by
    sums = next(iter(sums_of(summary).values()))
    values = grouped(sums.keys[[column]])[0]
    known = dict(zip(texts_of(values), values[column], strict=True))
    labels = kept(sizes_of(sums, (column,)), most)
    drawn = [known[label] for label in labels if label in known]
    conditions = [_equal(column, value) for value in drawn]
    if len(labels) > len(drawn):
        conditions.append(_others(column, drawn))
    return [Group(column, one) for one in conditions]


def _equal(column: str, value: Any) -> str:
    return f"{_named(column)}.isna()" if pd.isna(value) else f"{_named(column)} == {_written(value)}"


def _others(column: str, drawn: list[Any]) -> str:
    listed = ", ".join(_written(value) for value in drawn if not pd.isna(value))
    known = f" and {_named(column)}.notna()" if any(map(pd.isna, drawn)) else ""
    return f"{_named(column)} not in [{listed}]{known}"


def _named(column: str) -> str:
    """Write the name of a column for a query, in which it ends with a backtick."""
    return f"`{column.replace('`', '``')}`"


def _written(value: Any) -> str:
    """Write a value for a query, in which a backtick would begin a name."""
    plain = value.item() if isinstance(value, np.generic) else value
    written = repr(plain if isinstance(plain, bool | int | float) else str(plain))
    return written.replace("`", r"\x60")


def condition(along: Iterable[str | None], ranges: Iterable[Any], has_undated: bool = False) -> str:
    """Write what lies in a part of a picture as a query of :meth:`History.where`.

    Where some decisions do not say when they were published, they lie where they came on the stream.

    Examples
    --------
    >>> condition(("confidence", None), ((0.25, 0.5), None))
    'confidence >= 0.25 and confidence <= 0.5'
    """
    parts = []
    for column, limits in zip(along, ranges, strict=True):
        if column is not None and limits is not None:
            low, high = sorted(map(float, limits))
            if column == "published_at":
                parts.append(_between(low, high, has_undated))
            else:
                parts.append(f"{column} >= {low:.10g} and {column} <= {high:.10g}")
    return " and ".join(parts)


def _between(low: float, high: float, has_undated: bool) -> str:
    published, streamed = (
        f"{name} >= '{_moment(low)}' and {name} <= '{_moment(high)}'"
        for name in ("published_at", "streamed_at")
    )
    return f"({published} or published_at.isna() and {streamed})" if has_undated else published


def _moment(days: float) -> str:
    return f"{pd.Timestamp(round(days * 86_400_000_000), unit='us'):%Y-%m-%d %H:%M:%S.%f}+00:00"
