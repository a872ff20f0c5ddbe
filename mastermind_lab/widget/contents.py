"""What a view shows of one moment: facts for a page, words, and all of it as a still."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from .. import charts
from ..errors import OptionError
from ..history import History
from ..history.decision import cards_of
from ..live import Counting, Follower, Status, newest
from ..stats import Confidence
from . import text
from .compared import Compared
from .controls import Choices, ViewOptions
from .judged import Judged
from .panels import Asked, Panel, at_every_look, data_of, panels
from .redraw import Seldom
from .rows import LISTED, rejects_of, short

_OFFERED_EVERY = 3.0  # seconds
_REJECTS = 8  # that are listed
_SHARE = 0.01  # of a core, for looking through all that is kept


class Contents:
    """Says what there is to see of a follower, as its reader has chosen it.

    What is chosen at first is counted from the first entry on. What is chosen later is counted of what is
    kept by then and of what comes after, for as long as it is shown.

    Attributes
    ----------
    panels, tables
        The pictures that were asked for, and the names of the tables.
    judged
        What was marked right or wrong.
    compared
        The earlier run, and alarms.
    choices
        What is chosen, and what there is to choose from.
    fault
        What last went wrong with a picture.
    """

    def __init__(
        self,
        follower: Follower,
        asked: Iterable[str | Callable[..., Any]],
        choice: ViewOptions,
        outcomes: str | os.PathLike[str] | None,
        compare: History | None,
    ) -> None:
        if isinstance(asked, str):
            raise OptionError(f"panels={asked!r:.60}: expected a list of panels")
        self._follower = follower
        self.panels, self.tables = panels(asked)
        self.judged = Judged(outcomes)
        self.compared = Compared(compare, [*self.panels, *self.judged.panels])
        self.choices = Choices(choice)
        self._offering = Seldom(lambda: self.choices.offer(follower.history()), _OFFERED_EVERY, _SHARE)
        self.fault = self._below = ""
        self._counting: dict[str, Counting] = {}
        data_of(self.panels, follower, choice)  # registers the summaries before the first entry comes
        follower.summaries([_below(choice)])
        self.compared.register(follower)

    def page_facts(self) -> dict[str, Any]:
        """Say what a page is to know before it is told anything else."""
        titles = [panel.title for panel in (*self.panels, *self.judged.panels)]
        facts = {"panels": titles, "asked": len(self.panels), "tables": sorted(self.tables), "marks": True}
        return {"palettes": charts.PALETTES, **facts}

    def items(self, status: Status) -> list[str]:
        """Say how the following is going, with the share below the threshold as it was last counted."""
        source = self._follower.source
        said = self.judged.said, *self.compared.said
        return text.status_items(status, source.where, source.streams, self._below, *said)

    def look(self, at_once: bool = True) -> bool:
        """Look for alarms, and for what differs from the earlier run: at once, or if it is time.

        Returns
        -------
        bool
            Whether more is known that pictures show.
        """
        before = self.compared.alarms.marks
        self.compared.look(self._follower, self.judged.right, at_once)
        return before != self.compared.alarms.marks

    def figure(self) -> Any:
        """Draw the pictures as one matplotlib Figure."""
        choice = self.choices.chosen
        return charts.sheet(
            [(panel.chart, drawn, panel.options(choice)) for panel, drawn in self._pictures(choice)]
        )

    def round(
        self, after_each: Callable[[], object] = lambda: None, at_once: bool = False
    ) -> tuple[dict[str, Any], list[bytes]]:
        """Draw all pictures of one moment: facts of each, and its numbers or its PNG.

        Alarms are looked for at once, or are as they were last found.
        """
        count, choice = self._follower.status.received, self.choices.chosen
        drawn = []
        for panel, data in self._pictures(choice, at_once):
            drawn.append(self._draw(panel, data, choice))
            after_each()
        return {"count": count, "panels": [facts for facts, _ in drawn]}, [numbers for _, numbers in drawn]

    def lists(self, latest: History) -> dict[str, Any]:
        """List decisions, where they are to be listed, and rejects; and say what there is to choose from."""
        self.count_below()
        self._offering()
        status = self._follower.status
        facts: dict[str, Any] = {"choices": self.choices.told(), **self._rejects()}
        facts["decided"] = status.received - status.rejected
        if "decisions" in self.tables:
            facts |= {"rows": self.judged.latest(latest), "listed": LISTED}
        return facts

    def count_below(self) -> None:
        """Count the share below the threshold, for :meth:`items`."""
        threshold, asked = self.choices.chosen.threshold, _below(self.choices.chosen)
        [counted] = self._counted("below", [asked])
        if isinstance(counted, Exception):
            raise counted
        self._below, share = "", counted.share_below
        if share.n:
            interval = f"95% interval, however often you look: {share.low:.0%} to {share.high:.0%}"
            self._below = f"{share.value:.0%} below {threshold:g} ({interval})"

    def _counted(self, place: str, asked: list[Asked]) -> list[Any]:
        """Count what is shown in one place, and let go of what was shown there before."""
        counting = self._counting[place] = self._follower.counting(asked)
        return counting.values()

    def still(self, status: Status) -> str:
        """Show all of it without a kernel, as HTML."""
        choice = self.choices.chosen
        self.count_below()
        pictures = self._pictures(choice)
        parts = [text.STYLE, text.status_line(status, self.items(status))]
        for panel, data in pictures:
            try:
                parts.append(text.picture(panel.png(data, choice), panel.title))
            except Exception as error:  # noqa: BLE001 - as in _draw
                parts.append(text.shown(f"{panel.title}: {type(error).__name__}: {error}"))
        latest = newest(self._follower.history(last=LISTED), LISTED)
        if "decisions" in self.tables:
            cards = cards_of(latest, LISTED)
            parts.append(
                f"<b>Latest decisions</b>{cards._repr_html_()}" if len(latest) else "<p>no decisions yet</p>"
            )
        if rejects := self._rejects():
            parts.append(text.rejects_table(**rejects["rejects"]))
        return "\n".join(parts)

    def _pictures(self, choice: ViewOptions, at_once: bool = True) -> list[tuple[Panel, Any]]:
        """Return the panels with what they draw; those of outcomes where there are some."""
        try:
            if at_once:
                self.look()
            data = data_of(self.panels, self._follower, choice, partial(self._counted, "pictures"))
        except Exception as error:  # noqa: BLE001 - it is said in every panel
            data = [error] * len(self.panels)
        return [*zip(self.panels, data, strict=True), *self.judged.pictures(self._follower, choice)]

    def _draw(self, panel: Panel, data: Any, choice: ViewOptions) -> tuple[dict[str, Any], bytes]:
        try:
            found = panel.draw(data, choice)
            self.fault = panel.said or self.fault
        except Exception as error:  # noqa: BLE001 - one panel's fault, perhaps in a reader's own function
            self.fault = f"{panel.title}: {type(error).__name__}: {error}"
            return {"title": panel.title, "fault": short(self.fault, 300)}, b""
        return found

    def _rejects(self) -> dict[str, Any]:
        """Return the newest rejects and how many there are, where they are to be shown and there are some."""
        rejected = self._follower.status.rejected
        if "rejects" not in self.tables or not rejected:
            return {}
        rows = rejects_of(self._follower.latest("rejects", _REJECTS), _REJECTS)
        return {"rejects": {"total": rejected, "rows": rows}}


def _below(choice: ViewOptions) -> Asked:
    """Say what the share below the threshold is counted by."""
    return Confidence, {"threshold": choice.threshold, **at_every_look(Confidence)}
