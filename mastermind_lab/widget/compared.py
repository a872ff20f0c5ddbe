"""An earlier run beside the one that is followed: in grey behind its pictures, and what differs, in words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from inspect import signature
from threading import Lock
from typing import Any, cast

import numpy as np
import pandas as pd
import pyarrow.compute as pc

from .. import stats
from ..errors import LabError, OptionError
from ..history import History, with_missing_columns
from ..history.outcomes import CHOICE
from ..live import Counting, Follower
from ..stats.engine.anytime import difference_sequence
from ..stats.engine.summary import columns_in
from .alarms import FEW, Alarms
from .controls import ViewOptions
from .judged import right_of
from .panels import Panel, counted
from .redraw import Seldom
from .rows import short

_EVERY = 3.0  # seconds from one look for alarms to the next, at least
_SHARE = 0.03  # of a core, for looking: where a look is dear, there are fewer
_BEHIND: dict[Any, Any] = {stats.ConfidenceOverTime: stats.Confidence}  # whose time is another
CountRight = Callable[[Follower], tuple[int, int]]
_IDENTITY = "correlation_id"
_COLUMNS = ["figure", "now", "before", "difference", "difference_low", "difference_high", "n", "n_before"]


class Compared:
    """Alarms, and an earlier run where there is one.

    Parameters
    ----------
    history
        The earlier run, or None.
    panels
        Behind which it is drawn, and on whose time axes alarms are marked.

    Raises
    ------
    OptionError
        It is no history.
    """

    def __init__(self, history: Any, panels: Sequence[Panel]) -> None:
        if history is not None and not isinstance(history, History):
            given = short(repr(history), 60)
            raise OptionError(f"compare={given}: expected a history: lab.read('snapshots/run-41'), say")
        self._history, self._panels = history, panels
        self._known: dict[tuple[Any, ...], Any] = {}
        self._faults: dict[str, str] = {}
        self._looking, self._without_alarms, self._same = Seldom(self._look, _EVERY, _SHARE), "", 0
        self._counting: Counting | None = None
        self._turn = Lock()  # from asking to what is known: one who asked before must not say so after
        self._before, earlier = _nothing(), None
        if history is not None and len(history):
            earlier = stats.Drift.of(history, **FEW)
            self._before = _totals(earlier)
            if CHOICE in history.decisions:
                self._before.loc["accuracy"] = right_of(history)[::-1]
        self.alarms = Alarms(earlier)
        self.differences = _differences(_nothing(), self._before)
        for panel in panels:
            panel.beside = partial(self._beside, panel)

    def look(self, follower: Follower, right: CountRight, at_once: bool) -> None:
        """Look for alarms, and for what differs, if it is time; ``right`` counts what is marked."""
        self._looking(follower, right, at_once=at_once)

    def _look(self, follower: Follower, right: CountRight) -> None:
        with self._turn:
            if counting := self._counting:  # or it has ended
                self._look_now(follower, right, counting.values())

    def _look_now(self, follower: Follower, right: CountRight, found: list[Any]) -> None:
        faults = [short(str(one), 100) for one in found if isinstance(one, Exception)]
        self._without_alarms = f"no alarms: {faults[0]}" if faults else ""
        if faults:  # the pictures are drawn all the same
            return
        drift, regimes = cast(tuple[stats.Drift, stats.Regimes], tuple(found))
        self.alarms.look(drift, regimes)
        if self._history is not None:
            now = _totals(drift)
            now.loc["accuracy"] = right(follower)[::-1]
            self.differences = _differences(now, self._before)
            self._same = _shared(self._history, follower.history())

    def register(self, follower: Follower) -> None:
        """Have what alarms need counted from the first entry on."""
        self._counting = follower.counting(self.alarms.asked)

    def end(self) -> None:
        """Have it counted no more: what is known stays as it is."""
        self._counting = None

    @property
    def said(self) -> list[str]:
        """What differs, what is not compared, and the alarms, in words."""
        of_alarms = self.alarms.said, self.alarms.silent, self._without_alarms
        return [*self._said_of_the_earlier(), *filter(None, of_alarms)]

    def _said_of_the_earlier(self) -> list[str]:
        if self._history is None:
            return []
        count = len(self._history)
        if not count:
            return ["compared with an earlier run of no decisions: nothing to compare"]
        parts = [_words(row) for row in self.differences.dropna(subset=["difference"]).to_dict("records")]
        without = [panel.title for panel in self._panels if not _takes_before(panel)]
        without += [f"{title} ({why})" for title, why in self._faults.items()]
        rest = f"; not compared: {', '.join(without)}" if without else ""
        looks = "95% intervals, however often you look"
        same = (
            f"; {self._same:,} of them are of this run, too: compared with themselves" if self._same else ""
        )
        return [f"compared with {count:,} earlier decisions, in grey ({looks}){same}{rest}", *parts]

    def _beside(self, panel: Panel, choice: ViewOptions) -> dict[str, Any]:
        """Return what a panel's chart takes beside its data."""
        options: dict[str, Any] = {"marks": marks} if (marks := self.alarms.marks) else {}
        history = self._history
        if history is None or not len(history) or not _takes_before(panel):
            return options
        try:
            before = self._counted(history, _BEHIND.get(panel.kind, panel.kind), choice)
            self._faults.pop(panel.title, None)
        except LabError as error:  # the run of now is drawn all the same
            self._faults[panel.title] = short(str(error), 100)
            return options
        return options | {"before": before}

    def _counted(self, history: History, kind: Any, choice: ViewOptions) -> Any:
        """Count the earlier run once for each way of counting."""
        options = counted(kind, choice)
        key = (kind, *options.items())
        if key not in self._known:
            whole = with_missing_columns(history, columns_in(options))
            self._known[key] = kind.of(whole, **options)
        return self._known[key]


def _takes_before(panel: Panel) -> bool:
    return panel.kind is not None and "before" in signature(panel.chart).parameters


def _shared(before: History, now: History) -> int:
    """Count the decisions of one run that are kept of another, by what the arena calls them by."""
    there, here = (run.select("decisions", [_IDENTITY])[_IDENTITY] for run in (before, now))
    return int(pc.sum(pc.is_in(there, value_set=here.combine_chunks(), skip_nulls=True)).as_py() or 0)


def _nothing() -> pd.DataFrame:
    return pd.DataFrame(0.0, index=["confidence", "dissent", "accuracy"], columns=["n", "sum"])


def _totals(drift: stats.Drift) -> pd.DataFrame:
    return drift.totals().set_index("figure").astype("float64")


def _differences(now: pd.DataFrame, before: pd.DataFrame) -> pd.DataFrame:
    """Compare means: now minus before, with intervals that hold at every look."""
    before = before.reindex(now.index).fillna(0.0)
    counts = [part[name].to_numpy() for part in (now, before) for name in ("sum", "n")]
    value, low, high, _ = difference_sequence(*counts)
    means = (part["sum"] / part["n"].where(part["n"] > 0, np.nan) for part in (now, before))
    rows = [now.index, *means, value, low, high, now["n"], before["n"]]
    table = pd.DataFrame(dict(zip(_COLUMNS, map(np.asarray, rows), strict=True)))
    return table.astype({"figure": "str", "n": "int64", "n_before": "int64"})


def _words(row: dict[Any, Any]) -> str:
    interval = "no interval yet"
    if not np.isnan(row["difference_low"]):
        low, high = row["difference_low"], row["difference_high"]
        interval = f"{low:+.2f} to {high:+.2f}"
    difference = round(row["difference"], 2) + 0.0  # no -0.00
    return f"{row['figure']} {row['now']:.2f}, {difference:+.2f} against {row['before']:.2f} ({interval})"
