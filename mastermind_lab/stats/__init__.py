"""What panels of agents did, in figures: one class for each question, counted from a history.

    import mastermind_lab as lab

    history = lab.sample()
    lab.stats.Agreement.of(history)                       # count; a notebook shows the table
    summary = lab.stats.Confidence.of(history, by="meta.model")
    summary.table()                                       # n, mean, interval, quantiles, by model
    summary.mean                                          # one figure with its interval and n
    lab.charts.confidence(summary)                        # the chart of the same name draws that table

- ``Subject.of(data, by=..., ...)`` counts a history, one of its frames, or a scan
  (:func:`mastermind_lab.scan`, for more than fits into memory), and changes nothing in it.
- ``a + b`` is what counting both parts together would have given, in any order and however they were cut, as
  long as a decision's votes are in the same part as the decision; ``sum(parts)`` works. So a summary grows
  with a live stream, and is counted on many machines. Summaries with different options do not add up
  (:class:`~mastermind_lab.errors.OptionError`).
- ``.table()`` gives the figures, a row a group; in every table a figure ``x`` has its 95% interval in
  ``x_low`` and ``x_high``, and ``x_method`` says how that was made ("none" where there is none). Single
  figures are attributes, each an :class:`Estimate`: value, interval, n and method. Groups are in the order of
  their values; categories are in theirs, but histories that are added, or saved, make texts of them.
- ``.lump()`` makes the smallest groups one, for reading.

What stands on fewer than 10 observations is marked ``small_n``, in a table as in an estimate: a rough guide,
however narrow its interval.

The votes of one decision are no independent observations. Where a figure is one of votes, ``n`` counts them,
and the column ``decisions`` those behind them: by these intervals are made, and ``small_n`` is said. So a
model in nine seats is no surer than one in one, nor are voters who are put together.

An interval holds its figure, always, and the truth in 93 to 97% of samples where the docstring of a figure
says nothing else: how often was simulated (``tests/benchmarks/coverage.py``). Below about 10 observations it
is less for means of values of which some are rare or which take few values, such as rounded confidences or
the margins of small panels: 89 to 93% at n = 5. Shares hold it in more than 97% where n is small and they
can take few values, and wherever they lie in 92% or more. Where all observations were alike the interval is
what n of them may have missed, if the values are bounded; else there is none. See
:mod:`~mastermind_lab.stats.engine.intervals` for the methods.

One voter has one vote in a decision, in every statistic: who votes for the same choice twice has voted once;
who votes for two choices has contradicted itself, and has no vote there. Both are counted as ``repeated`` and
said, never hidden. Votes without a voter or a choice are none.

A text with nothing but white space and tags that format HTML says nothing: a blank question, choice,
recommendation, outcome, voter or source is a missing one. Texts are compared as they are spelled. What then
matches nothing, such as recommendations of other words than the votes have, is said where a summary is
shown, with near-equal spellings ("1.0" and "1", "YES " and "yes"); ``.unmatched()`` lists it.

Intervals come from a bootstrap over whole decisions. A decision is drawn by a key of its own, so that
intervals are the same each time, in any cut, live and on many machines: see
:mod:`~mastermind_lab.stats.engine.units`.

They hold for one look. Who looks again and again while decisions come in, until an interval says something,
asks for ``interval="anytime"`` (Confidence, ConfidenceOverTime, Conformity, Margin, Voters): intervals that
leave out the truth at some moment in at most 5% of runs, however often one looks (see
:mod:`~mastermind_lab.stats.engine.anytime`). They are two to five times as wide, for means and shares of
decisions alone, and take the mean for one that does not move. The live view has them, but where it shows a
window that moves along.

They take decisions for independent. Where these are not, as where a question was asked several times,
``cluster="question"`` (any column of ``decisions``, or several) draws whole clusters (Field and Welsh 2007;
Cameron, Gelbach and Miller 2008). Then a column ``clusters`` says how many stand behind a row, exact up to
2,000 and else to about 2%; they are the observations that count: what stands on fewer than 10 clusters is
``small_n``, and one cluster has no interval. A decision that lacks a value is a cluster of its own. Below
about 20 clusters, or where few of them hold most decisions, intervals are rather too narrow. A summary of
many repeated questions, and no clusters, says so where it is shown.
"""

from .agreement import Agreement
from .arguments import Arguments
from .calibration import Calibration
from .citations import Citations
from .confidence import Confidence
from .confidence_over_time import ConfidenceOverTime
from .conformity import Conformity
from .difference import difference
from .drift import Drift
from .engine.estimate import Estimate
from .margin import Margin
from .pivotal import Pivotal
from .regimes import Regimes
from .rules import Rules
from .stability import Stability
from .timing import Timing
from .voters import Voters
from .votes import Votes

__all__ = [
    "Agreement",
    "Arguments",
    "Calibration",
    "Citations",
    "Confidence",
    "ConfidenceOverTime",
    "Conformity",
    "Drift",
    "Estimate",
    "Margin",
    "Pivotal",
    "Regimes",
    "Rules",
    "Stability",
    "Timing",
    "Voters",
    "Votes",
    "difference",
]


def __dir__() -> list[str]:
    return list(__all__)
