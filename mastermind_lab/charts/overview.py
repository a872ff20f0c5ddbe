"""A history on a page: the charts that say most."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure

from ..errors import OptionError
from ..stats import Agreement, Calibration, Confidence, ConfidenceOverTime, Margin, Voters, Votes
from ..stats.engine.arithmetic import plain_arithmetic
from ..stats.engine.identity import VOTER
from .agreement import agreement
from .confidence import confidence
from .confidence_over_time import confidence_over_time
from .drawing.caption import check_wanted, make_room_below, write_below_all
from .drawing.change_lines import regimes_of
from .drawing.dots import MOST as DOTS
from .drawing.figures import DESIGNED, closed_on_failure, returned_figure
from .drawing.picture import letter_titles
from .drawing.ridges import MOST as RIDGES
from .drawing.style import SERIES
from .margin import margin
from .reliability import reliability
from .voters import voters
from .votes import votes

_SIDE_BY_SIDE = 5.5  # inches; below that the charts stand one below the other
_ROW = 0.18  # inches, of a line that can be read

Draw = Callable[..., Axes]


@plain_arithmetic
@closed_on_failure()
def overview(
    history: Any,
    *,
    by: str | None = None,
    voter: str | None = None,
    width: float | str = 10.0,
    figure: Figure | SubFigure | None = None,
    caption: bool = False,
) -> Figure | SubFigure:
    """A history on a page: confidence, the same over time, margin, agreement, voters and calibration.

    What the history says nothing of is left out; of a single decision its confidence and its votes stay.
    Where no decision has a confidence and an outcome (see :func:`mastermind_lab.with_outcomes`), the votes
    stand in the place of calibration.

    Parameters
    ----------
    history
        A history, or a scan, which is read once for each chart, and once more for what changed along it.
    by
        A column of ``decisions`` to group confidence, its course and the margin by.
    voter
        Column of ``votes`` that tells voters apart, ``"vote.model"`` say; by default their name.
    width
        Of the new figure in inches, or ``"column"`` (3.3), ``"page"`` (6.5) or ``"slide"`` (10): two charts a
        row, or below 5.5 inches, as in a paper's column, one. The height is what the charts need.
    figure
        Where to draw; a new figure by default.
    caption
        Whether to write :func:`caption` below.

    Returns
    -------
    Figure
        Six charts at most.

    Raises
    ------
    OptionError
        If a column is not there, the width is not from 2 to 40 inches, or nothing makes room for a caption.

    Examples
    --------
    >>> import mastermind_lab as lab
    >>> figure = lab.charts.overview(lab.sample(last=200))
    >>> figure.axes[0].get_title(loc="left").splitlines()[0]
    '(a) Confidence'
    """
    inches = _inches(width)
    check_wanted(caption, figure)
    drawn = [*_drawn(history, by, voter or VOTER)] or [(partial(confidence, history), 0)]
    wide = figure.bbox.width / figure.dpi if figure else inches
    columns = 2 if wide >= _SIDE_BY_SIDE else 1
    least = 1.9 + 0.23 * wide if columns == 2 else 2.2
    high = [wide + 0.5 if rows is None and columns == 1 else 1.2 + _ROW * (rows or 0) for _, rows in drawn]
    heights = [max(least, *high[place : place + columns]) for place in range(0, len(drawn), columns)]
    draw = partial(_draw, drawn=drawn, heights=heights, columns=columns)
    if caption and figure:
        make_room_below(figure, draw)
    figure = figure or returned_figure(wide, sum(heights))
    draw(figure)
    if caption:
        write_below_all(figure)
    return figure


def _draw(
    figure: Figure | SubFigure, drawn: Sequence[tuple[Draw, Any]], heights: Sequence[float], columns: int
) -> None:
    # A part for each chart: in one grid they would all make room for the longest names of any.
    parts = figure.subfigures(len(heights), columns, height_ratios=heights, squeeze=False).flat
    for (draw, _), part in zip(drawn, parts, strict=False):
        draw(ax=part.subplots())
    letter_titles(figure)


def _inches(width: Any) -> float:
    """Return the width that is asked for, as a number."""
    try:
        inches = DESIGNED[width][0] if isinstance(width, str) and width in DESIGNED else float(width)
    except (TypeError, ValueError):
        raise OptionError(f"width is in inches, or one of {', '.join(DESIGNED)}, not {width!r:.40}") from None
    if not 2 <= inches <= 40:
        raise OptionError(f"width is from 2 to 40 inches, not {width!r:.40}")
    return inches


def _drawn(history: Any, by: str | None, voter: str) -> Iterator[tuple[Draw, int | None]]:
    """Count, and say how to draw what there is, and how many lines its rows need; none where it is square."""
    sure, margins = Confidence.of(history, by=by), Margin.of(history, by=by, voter=voter)
    several = margins.n > 1  # of a single vote there is nothing to compare, nor to take a mean of
    if sure.n:
        yield partial(confidence, sure), 2 * min(len(sure.sums.keys), RIDGES)
    agreed = Agreement.of(history, voter=voter)
    if agreed.n and several:
        yield partial(agreement, agreed), None
    over_time = ConfidenceOverTime.of(history, by=by)
    if over_time.table()["n"].sum() > 1:
        groups = min(len(sure.sums.keys), SERIES)
        regimes = regimes_of(history, None)
        yield partial(confidence_over_time, over_time, regimes=regimes), 4 + 2 * groups
    voted = Voters.of(history, voter=voter)
    if voted.n and several:
        yield partial(voters, voted), min(voted.sums.keys["voter"].nunique(), DOTS)
    if several:
        yield partial(margin, margins), 2 * min(len(margins.sums.keys), RIDGES)
    judged = several and voted.sums["known"][:, 0].any()  # otherwise there may be no outcomes to ask for
    if judged and (panels := Calibration.of(history)).n:
        yield partial(reliability, panels), None
    elif voted.n:
        choices = Votes.of(history, voter=voter)
        yield partial(votes, choices), min(12, 2 * len(choices.table()))
