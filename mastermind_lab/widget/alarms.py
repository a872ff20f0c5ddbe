"""Alarms of a run: where confidence or dissent left what it was, and where a value of meta begins or ends."""

from __future__ import annotations

from typing import Any, NamedTuple

import pandas as pd

from ..charts import TimeMark
from ..stats import Drift, Regimes
from ..stats.engine.bootstrap import FEWEST
from ..text import column_label
from .rows import short

DRIFT, CHANGE = "drift", "change"

_MOST = 200  # that are kept
FEW: dict[str, Any] = {"replicates": FEWEST}  # nothing is shown of the intervals


class Alarm(NamedTuple):
    """What is known of one: its kind, when it was, of what, and what it went from and to."""

    time: pd.Timestamp
    kind: str
    what: str
    before: str
    after: str

    @property
    def words(self) -> str:
        """It in a few words."""
        what, before, after = (short(text, 40) for text in self[2:])
        if self.kind == DRIFT:
            return f"{what} went from {before} to {after}"
        if before and after:
            return f"{what}: {before} to {after}"
        return f"{what}: {after} begins" if after else f"{what}: {before} ends"


class Alarms:
    """Looks for alarms in all that has come; each is said once, and stays.

    Parameters
    ----------
    earlier
        The Drift of an earlier run that is the baseline; None for the first 200 decisions of this one.
    """

    def __init__(self, earlier: Drift | None) -> None:
        baseline = {} if earlier is None else {"baseline": earlier}
        self.asked: list[tuple[Any, dict[str, Any]]] = [(Drift, FEW | baseline), (Regimes, FEW)]
        self.news = ""
        self.silent = ""
        self._found: dict[tuple[str, ...], Alarm] = {}
        self._n = 0

    @property
    def known(self) -> list[Alarm]:
        """All of them in the order of time."""
        return sorted(self._found.values())

    @property
    def marks(self) -> tuple[TimeMark, ...]:
        """What is drawn on a time axis."""
        return tuple(TimeMark(one.time, one.words, _look(one)) for one in self.known)

    @property
    def said(self) -> str:
        """How many there are, and the latest, in words."""
        if not self._found:
            return ""
        latest, count = self.known[-1], len(self._found)
        first = "alarm" if count == 1 else f"{count} alarms, the latest"
        return f"{first} at {latest.time:%Y-%m-%d %H:%M:%S} UTC: {latest.words}"

    def table(self) -> pd.DataFrame:
        """Return them as a table: time (UTC), kind, what, from, to."""
        rows = [one._replace(before=one.before or None, after=one.after or None) for one in self.known]  # type: ignore[arg-type] # missing in a table
        table = pd.DataFrame(rows, columns=["time", "kind", "what", "from", "to"])
        texts = dict.fromkeys(["kind", "what", "from", "to"], "str")
        return table.astype(texts | {"time": "datetime64[us, UTC]"})

    def look(self, drift: Drift, regimes: Regimes) -> None:
        """Take in what there is by now; what was not known before is the news.

        One at a time, and in the order in which they were counted: fewer decisions than before mean that the
        run began anew.
        """
        goes_on = drift.n >= self._n
        known = dict(self._found) if goes_on else {}  # others read it meanwhile
        oldest = min(known.values()) if len(known) >= _MOST else None
        fresh, watched = [], drift.table()
        self.silent = _unwatched(watched)
        for key, alarm in {**_drifts(drift, watched), **_changes(regimes)}.items():
            there = known.get(key)
            if there is None and oldest is not None and alarm < oldest:
                continue  # it was said, and is kept no longer
            if there is None:
                fresh.append(alarm)
            if there is None or (alarm.before and not there.before):  # the end of a value shows after a while
                known[key] = alarm
        latest = sorted(known, key=known.__getitem__)[-_MOST:]
        self._n, self._found = drift.n, {key: known[key] for key in latest}
        if fresh:
            more = f"; and {len(fresh) - 1} more" if len(fresh) > 1 else ""
            self.news = f"alarm: {max(fresh).words}{more}"


def _look(alarm: Alarm) -> str:
    return alarm.kind if alarm.kind == DRIFT else "begin" if alarm.after else "end"


def _unwatched(watched: pd.DataFrame) -> str:
    """Say of which figures there can be no alarm, and why."""
    deaf = watched[(watched["n"] > watched["n_baseline"]) & ~(watched["limit"] > 0)]
    faults = [
        f"{row['figure']}, whose {row['n_baseline']:,} decisions to compare with are too few or all alike"
        for row in deaf.to_dict("records")
    ]
    return f"no drift alarms of {' and '.join(faults)}" if faults else ""


def _drifts(drift: Drift, watched: pd.DataFrame) -> dict[tuple[str, ...], Alarm]:
    found = watched.dropna(subset=["alarm"])
    path = drift.path() if len(found) else pd.DataFrame()
    alarms: dict[tuple[str, ...], Alarm] = {}
    for row in found.to_dict("records"):
        while_it_left = (path["time"] > row["since"]) & (path["time"] <= row["alarm"])
        since = path[(path["figure"] == row["figure"]) & while_it_left]
        mean = (since["mean"] * since["n"]).sum() / since["n"].sum()
        alarm = Alarm(row["alarm"], DRIFT, row["figure"], f"{row['baseline']:.2f}", f"{mean:.2f}")
        alarms[DRIFT, row["figure"], row["direction"]] = alarm
    return alarms


def _changes(regimes: Regimes) -> dict[tuple[str, ...], Alarm]:
    """Put together what begins and ends in one column at one time."""
    alarms: dict[tuple[str, ...], Alarm] = {}
    for (_, column), rows in regimes.table().groupby(["change", "column"]):
        ended, began = (rows.loc[rows["event"] == event, "value"].tolist() for event in ("end", "begin"))
        what = column_label(str(column))
        when = rows.loc[rows["event"] == ("begin" if began else "end"), "time"].min()
        key = CHANGE, str(column), *map(str, began or ["", *ended])
        alarms[key] = Alarm(when, CHANGE, what, ", ".join(ended), ", ".join(began))
    return alarms
