"""Where the stream changes: values and fields that begin or end, and what confidence and margin did then."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .engine.bootstrap import REPLICATES, Floats
from .engine.estimate import SMALL_N
from .engine.first_last_seen import FirstLastSeen, watched
from .engine.input import TEXT, By, Data, frame_of, names_of, shares_of
from .engine.intervals import CHANGE, SHARE, Figure, Intervals, divided, with_ends
from .engine.options import check_share
from .engine.renamed import Renamed, renamed_options
from .engine.stretches import chances, never_return, sightings, stretches
from .engine.summary import counted, over_batches
from .engine.sums import GroupedSums
from .engine.timebins import InTimeBins, finest, moments, times_of
from .engine.units import Units
from .margin import Margin

TIMES = "datetime64[us, UTC]"

_EVENT = ["time", "stream_id", "column", "value", "event", "n", "p_value", "edge"]
_FIGURES = {"confidence": "known", "margin": "voted"}


@dataclass(frozen=True, eq=False, repr=False)
class Regimes(InTimeBins):
    """Where a value of a column begins or ends along the time of publication, and with what effect.

    Values may alternate, or come in blocks, for as long as they like: that is no change. A value *begins*
    where it is first seen, and *ends* where it is last seen, if that is too late, or too early, for chance.
    What chance puts into another order is whole blocks, stretches of time in which a value is there without a
    break: were r stretches of a value and m of the column's other values in random order, the first of the
    value would come after j others with the probability C(r + m - j, r) / C(r + m, r), where j is the share
    of all its absence that it is away for, times m. This, times the number of values and ends looked at
    (Bonferroni), must be at most ``p_value``. So a value that comes in few blocks needs a long absence, and
    a single block in the midst of others is no change. Missing values are none, and make blocks as others do.
    Within a time bin the order is not known, which errs on the side of no change.

    In 200 simulated streams each, of 2,000 decisions of four models in which nothing changed, anything was
    found at ``p_value=0.05`` in none where each decision or each block of 50 had a model of its own, and in
    2% where blocks had random lengths with a mean of 50. A model that took the place of one of four for the
    last third was found in 98% of streams in blocks of 20.

    Where no value of a column ever came back, as where a prompt was replaced once, nothing tells one change
    from blocks that are run once each. Such a value is listed if single decisions in random order would show
    it with a probability of at most ``p_value``, and what stands as its own is unknown; likewise a value
    with one stretch that takes the place of one that ends, or gives it to one that begins.

    The set of fields is one more column, ``fields``, whose values are the open columns that are filled.

    Events less than a time bin apart are one change: an old model's end and a new one's beginning, or two
    columns whose effects nobody could tell apart. The effect of a change is the mean after it, up to the next
    change of any column looked at, minus the mean before it, back to the last one. Bins in which both sides
    meet belong to neither. That is what happened to the stream when the value changed: it need not be because
    of the value. For values that alternate, compare groups (:class:`~mastermind_lab.stats.Confidence`).

    Time is counted in aligned bins of a power of two microseconds, at most 512 for the whole span but for
    what lies far from all the others (:class:`~mastermind_lab.stats.ConfidenceOverTime` says what that is).
    Decisions without any time are left out and counted (``undated``), columns with more than 100 different
    values are left out and named (``left_out``).

    Examples
    --------
    >>> import mastermind_lab as lab
    >>> table = lab.stats.Regimes.of(lab.sample(), watch=["meta.model", "meta.prompt_version"]).table()
    >>> table[["change", "value", "event"]].to_numpy().tolist()
    [[1, 'atlas-1', 'end'], [1, 'atlas-2', 'begin'], [2, 'v3', 'end'], [2, 'v4', 'begin']]
    """

    binned = "bins"

    watch: tuple[str, ...]
    p_value: float
    bins: GroupedSums
    seen: FirstLastSeen
    sightings: GroupedSums

    @classmethod
    @renamed_options(by="watch", chance="p_value")
    @over_batches
    def of(
        cls,
        data: Data,
        *,
        watch: By = None,
        p_value: float = 0.01,
        cluster: By = None,
        replicates: int = REPLICATES,
    ) -> Self:
        """Count a batch of decisions.

        Parameters
        ----------
        data
            A history, or its ``decisions`` frame (margins are then unknown).
        watch
            Column or columns of ``decisions`` to look at, and ``"fields"`` for the set of fields; by default
            ``fields`` and every ``meta.*`` column.
        p_value
            Probability, above 0 and below 1, that anything is found where the order of blocks means nothing.
        cluster
            Column or columns of ``decisions``, such as ``"question"``: decisions with equal values are drawn
            together, and ``clusters`` counts them, those on both sides of a change once; one that lacks a
            value is drawn by itself.
        replicates
            Bootstrap replicates behind the intervals, 40 to 10,000.

        Raises
        ------
        OptionError
            If a column is unknown, or an option out of range.
        """
        check_share("p_value", p_value, "above 0 and below 1")
        names = names_of(watch, option="watch")
        frame = frame_of(data, "decisions", ("stream_id", "confidence", "published_at"))
        times = times_of(frame)
        dated = times.notna().to_numpy()
        shift = finest(times[dated].to_numpy(dtype=np.int64))
        units = Units.of(data, cluster)
        bins = GroupedSums.of(
            pd.DataFrame({"bin": times // (1 << shift)}),
            _quantities(shares_of(frame, "confidence"), _margins(data)),
            units.at(frame["stream_id"]),
            replicates,
        )
        columns, known = watched(frame[dated], names), times[dated].to_numpy(dtype=np.int64)
        seen = FirstLastSeen.of(columns, known, frame["stream_id"][dated])
        counts = sightings(columns, known >> shift)
        return cls((), names, float(p_value), bins, seen, counts, shift=shift, cluster=units.names)

    def __add__(self, other: Self) -> Self:
        if type(other) is not type(self):
            return NotImplemented
        seen = self.seen + other.seen
        merged = InTimeBins.__add__(replace(self, seen=seen), replace(other, seen=seen))
        if not seen.left_out:
            return merged
        kept = ~merged.sightings.keys["column"].isin(seen.left_out).to_numpy(dtype=bool)
        return replace(merged, sightings=merged.sightings.take(kept))

    def lump(self, most: int = 8) -> Self:
        """Return the summary as it is: it has no groups."""
        return self

    chance = Renamed("p_value")

    @property
    def n(self) -> int:
        """Decisions with a time."""
        return int(self._dated()["n"][:, 0].sum())

    @property
    def left_out(self) -> tuple[str, ...]:
        """Columns left out because they have more than 100 different values."""
        return self.seen.left_out

    def values(self) -> pd.DataFrame:
        """Return one row for each column and value.

        Returns
        -------
        DataFrame
            ``column``; ``value`` as text; ``n`` decisions with it; ``first`` and ``last`` time (UTC) with
            ``first_id`` and ``last_id``; ``blocks``, the stretches of time that it comes in, at least, and
            ``other_blocks``, those of the column's other values; ``begins`` and ``ends``: the probability, 0
            to 1, of so late a beginning and so early an end if the order of blocks meant nothing, corrected
            for the number of values; NaN where no value of the column ever came back.
        """
        return self._shown._values().drop(columns=["begins_alone", "ends_alone"])

    def _values(self) -> pd.DataFrame:
        """List the values, with the probabilities under a random order of blocks, and of single decisions."""
        rows, upto = self.seen.rows, self._upto()["n"][:, 0]
        bins = self._dated()
        runs = stretches(self.sightings, rows, bins.keys["bin"].to_numpy(dtype=np.int64), bins["n"][:, 0])
        n, own, others = rows["n"].to_numpy(), runs["own"].to_numpy(), runs["others"].to_numpy()
        away = {"begins": upto[self._ranks("first")], "ends": upto[-1] - upto[self._ranks("last") + 1]}
        once = never_return(rows, runs)
        found = rows.assign(blocks=counted(own), other_blocks=counted(others))
        for name, missed in away.items():
            passed = others * divided(missed, upto[-1] - n * 1.0)
            blocks = chances(np.nan_to_num(passed), own, own + others)
            found[name] = np.where(once, np.nan, blocks)
            found[f"{name}_alone"] = chances(missed, n, np.full(len(n), upto[-1]))
        return found.astype({"first": TIMES, "last": TIMES})

    def table(self) -> pd.DataFrame:
        """Return one row for each value that begins or ends, in the order of time.

        Returns
        -------
        DataFrame
            ``change``: its number, from 1; events with the same number happened together and share their
            effect. ``time`` (UTC) and ``stream_id`` of the first decision with a value that begins, or the
            last with one that ends; ``column``; ``value``; ``event``, "begin" or "end"; ``n`` decisions with
            the value; ``p_value``, corrected, 0 to 1, NaN where no value of the column ever came back.
            ``before`` and ``after``: decisions on either side, up
            to the neighbouring changes. Then ``confidence_before`` and ``confidence_after``, the means, and
            ``confidence_difference``, after minus before, -1 to 1, each with its 95% interval, as in
            ``confidence_before_low`` and ``confidence_before_high`` (NaN where a side has fewer than 2
            decisions); and the same for the margin of the vote, ``margin_before`` and so on. ``small_n``
            marks changes with fewer than 10 decisions on a side.
        """
        shown, events = self._changes
        sides = shown._sides(events)[-1]
        change = events["change"].to_numpy() - 1
        effects = {name: figure.take(change) for name, figure in _effects(self.intervals, sides).items()}
        before, after = sides["n"][change, 0], sides["n"][change + 1, 0]
        independent = sides.independent(sides["n"][:, 0])
        # A cluster that goes on over the change is one, though it is drawn on both sides.
        both = sides.drawn and sides.drawn.merged(change, change + 2)
        return events.drop(columns="edge").assign(
            before=counted(before),
            after=counted(after),
            **({"clusters": counted(both.counts(len(change)))} if both else {}),
            **with_ends(**effects),
            small_n=np.minimum(independent[change], independent[change + 1]) < SMALL_N,
        )

    def segments(self) -> pd.DataFrame:
        """Return one row for each stretch of time between changes, the first before change 1.

        Returns
        -------
        DataFrame
            ``change``: the number of the change that it follows, 0 for none; ``first`` and ``last``, where it
            begins and ends (UTC, to within a time bin); ``n`` decisions; the means ``confidence`` and
            ``margin``, 0 to 1, each with its 95% interval, as in ``confidence_low`` and ``confidence_high``
            (NaN where there are fewer than 2 decisions). Bins in which both sides of a change meet belong to
            neither.
        """
        shown, events = self._changes
        starts, stops, sides = shown._sides(events)
        bins = shown._dated().keys["bin"].to_numpy(dtype=np.int64)
        if not len(bins):
            starts, stops, sides = starts[:0], stops[:0], sides.take(np.zeros(1, dtype=bool))
        return pd.DataFrame({"change": counted(np.arange(len(starts), dtype=np.float64))}).assign(
            first=moments(bins[np.minimum(starts, len(bins) - 1)] << shown.shift),
            last=moments((bins[np.maximum(stops, 1) - 1] + 1) << shown.shift),
            n=counted(sides["n"][:, 0]),
            **with_ends(**_means(self.intervals, sides)),
        )

    @cached_property
    def _changes(self) -> tuple[Self, pd.DataFrame]:
        """Return what is shown, and what begins and ends there."""
        shown = self._shown
        return shown, shown._events()

    def _sides(self, events: pd.DataFrame) -> tuple[NDArray[np.intp], NDArray[np.intp], GroupedSums]:
        """Add up what lies between changes: from which occupied bin to which, and the sums."""
        low, high = (events.groupby("change")["edge"].agg(end).to_numpy() for end in ("min", "max"))
        starts, stops = np.append(0, high), np.append(low, len(self._dated().keys))
        upto = self._upto()
        return starts, stops, GroupedSums(
            pd.DataFrame(index=range(len(stops))), upto.names, upto.cells[stops] - upto.cells[starts],
            drawn=upto.drawn and upto.drawn.merged(starts, stops),
        )  # fmt: skip

    def _events(self) -> pd.DataFrame:
        """List what begins and ends, with the edge between two occupied bins at which it does."""
        values = self._values()
        parts = []
        for event, end, edge in (("begin", "first", 0), ("end", "last", 1)):
            event_names = pd.array([event] * len(values), dtype=TEXT)
            rows = values.assign(edge=self._ranks(end) + edge, event=event_names)
            own = {end: "time", f"{end}_id": "stream_id", f"{event}s": "p_value", f"{event}s_alone": "alone"}
            parts.append(rows.rename(columns=own)[[*_EVENT, "blocks", "alone"]])
        events = pd.concat(parts)
        events = events[_found(events, self.p_value)]
        events = events.sort_values(["edge", "time", "column", "value"], ignore_index=True)
        change = (events["edge"].diff() > 1).cumsum() + 1
        return events[_EVENT].assign(change=change)[["change", *_EVENT]]

    def _upto(self) -> GroupedSums:
        """Add the bins up along time: row r holds all before the r-th occupied one."""
        dated = self._dated()
        cells = np.concatenate([np.zeros((1, *dated.cells.shape[1:])), np.cumsum(dated.cells, axis=0)])
        return replace(dated, cells=cells)

    def _ranks(self, end: str) -> NDArray[np.intp]:
        """Say in which occupied bin each value was first, or last, seen."""
        bins = self._dated().keys["bin"].to_numpy(dtype=np.int64)
        return np.searchsorted(bins, self.seen.rows[end].to_numpy() >> self.shift)

    def _within(self, first: int, last: int) -> Self:
        """Return all: the first and the last sight of a value are known for all decisions only."""
        return self


def _margins(data: Data) -> Floats:
    """Return each decision's margin, NaN where it is unknown."""
    if isinstance(data, pd.DataFrame):
        return np.full(len(data), np.nan)
    return Margin.decisions(data)["margin"].to_numpy(dtype=np.float64, na_value=np.nan)


def _quantities(confidence: Floats, margin: Floats) -> dict[str, Floats]:
    return {
        "n": np.ones(len(confidence)),
        "known": np.where(np.isnan(confidence), 0.0, 1.0),
        "confidence": np.nan_to_num(confidence),
        "voted": np.where(np.isnan(margin), 0.0, 1.0),
        "margin": np.nan_to_num(margin),
    }


def _found(events: pd.DataFrame, p_value: float) -> NDArray[np.bool_]:
    """Say which events are changes: the unlikely ones, and what changes places with these."""
    known, single = events["p_value"].notna(), events["alone"] <= p_value
    found = (events["p_value"] <= p_value) | (~known & single)
    # An edge later or earlier is the same change; begins there have ends of the same column as partners.
    partners = {
        (column, event, edge + step)
        for column, event, edge in events.loc[found, ["column", "event", "edge"]].itertuples(index=False)
        for step in (-1, 0, 1)
    }
    other = events["event"].map({"begin": "end", "end": "begin"})
    seen = zip(events["column"], other, events["edge"], strict=True)
    takes_place = np.array([one in partners for one in seen], dtype=bool)
    return (found | (single & (events["blocks"] <= 1) & takes_place)).to_numpy(dtype=bool)


def _means(made: Intervals, sides: GroupedSums) -> dict[str, Figure]:
    """Return the means of each side and their intervals."""
    return {
        name: made.means(sides[name], sides[number], sides.independent(sides[number][:, 0]), SHARE)
        for name, number in _FIGURES.items()
    }


def _effects(made: Intervals, sides: GroupedSums) -> dict[str, Figure]:
    """Compare each side with the next one: means, their difference, and the intervals."""
    effects: dict[str, Figure] = {}
    before, after = np.arange(len(sides.cells))[:-1], np.arange(len(sides.cells))[1:]
    for name, means in _means(made, sides).items():
        n = sides[_FIGURES[name]]
        independent = sides.independent(n[:, 0])
        least = np.minimum(independent[:-1], independent[1:])
        difference = np.diff(divided(sides[name], n), axis=0)
        effects |= {
            f"{name}_before": means.take(before),
            f"{name}_after": means.take(after),
            f"{name}_difference": made.figures(difference, least, CHANGE),
        }
    return effects
