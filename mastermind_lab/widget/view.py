"""LiveView: a follower shown in a notebook, with nothing but core ipywidgets."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
from ipywidgets import HTML, HBox, VBox

from .. import charts
from ..errors import LabError, OptionError
from ..history import History, with_options_of
from ..live import Follower, Status, count_or_duration
from ..stats import Confidence
from . import cells, text
from .controls import Controls, ViewOptions
from .panels import PANELS, Panel, at_every_look, panels
from .redraw import RedrawScheduler, RepeatingThread

_FORGOTTEN_AFTER = 5.0  # seconds without a view on any page, after which nobody is thought to watch


@with_options_of(Follower)
def follow(
    source: Any,
    *,
    panels: Iterable[str | Callable[..., Any]] = PANELS,
    refresh: float = 5.0,
    by: str | None = None,
    window: Any = None,
    threshold: float = 0.5,
    **options: Any,
) -> LiveView:
    """Watch a running arena: confidence, votes and the latest decisions, as they are published.

    Parameters
    ----------
    source
        A Redis URL or client, a :func:`mastermind_lab.replay`, or a :class:`mastermind_lab.Follower`.
    panels
        Names of charts (``"confidence"``), ``"decisions"``, ``"rejects"``, charts, or functions that take a
        history and draw on ``ax``.
    refresh
        How often to look for what is new and redraw, in times a second, at most.
    by, window, threshold
        What the controls begin with: a column to group by; so many entries or so long (``'1h'``) to show,
        None for everything; the confidence below which a decision counts as unsure.
    **options
        Those of :class:`mastermind_lab.Follower`, to which they go: ``stream``, ``backfill``, ``keep``,
        ``columns`` and ``archive``. A follower that is given has its own.

    Raises
    ------
    OptionError
        An option makes no sense. A server that does not answer is waited for, and shown.
    """
    if isinstance(source, Follower) and options:
        raise OptionError(
            f"{', '.join(options)}: options of the follower that is given, set where it was made"
        )
    part = None if window is None else count_or_duration("window", window)
    follower = source if isinstance(source, Follower) else Follower(source, **options)
    view = LiveView(follower, panels=panels, refresh=refresh, choice=ViewOptions(part, by, threshold))
    cells.enter(view)
    return view.start()


class LiveView:
    """A follower shown in a notebook: a status line, controls, pictures and tables.

    Attributes
    ----------
    follower
        What is shown: :class:`mastermind_lab.Follower`.

    Examples
    --------
    >>> from mastermind_lab.live import Follower
    >>> view = LiveView(Follower("redis://localhost:6379"))
    >>> len(view.history)
    0
    """

    def __init__(
        self,
        follower: Follower,
        *,
        panels: Iterable[str | Callable[..., Any]] = PANELS,
        refresh: float = 5.0,
        choice: ViewOptions = ViewOptions(),  # noqa: B008 - it cannot be changed
    ) -> None:
        if isinstance(refresh, bool) or not isinstance(refresh, int | float) or not 0 < refresh <= 20:
            raise OptionError(f"refresh={refresh!r:.40}: expected times a second, above 0 and up to 20")
        self.follower = follower
        self._panels, self._tables = _panels(panels)
        self._controls = Controls(choice, self._choose)
        self._status, self._decisions, self._rejects = HTML(), HTML(), HTML()
        self._error = self._below = ""
        self._scheduler = RedrawScheduler(
            [*(partial(self._draw, panel) for panel in self._panels), self._list]
        )
        self._forgotten_since: float | None = None
        self._slept = self._is_displayed = False
        self._handle: Any = None
        self._redraws = RepeatingThread(self._redraw, refresh, self._failed)
        self._wire()
        for panel in self._panels:
            panel.data(follower, choice)  # registers its summary before the first entry comes

    def _wire(self) -> None:
        pictures = HBox([panel.image for panel in self._panels], layout={"flex_flow": "row wrap"})
        tables = {"decisions": self._decisions, "rejects": self._rejects}
        shown = [tables[name] for name in tables if name in self._tables]
        self._box = VBox([self._status, self._controls.row, pictures, *shown])
        self._box._view_count = 0  # asks for it to be counted
        self._box.observe(lambda _: self._viewed(), "_view_count")
        self._controls.pause.observe(lambda change: self._pause(change["new"]), "value")
        self._controls.stop.on_click(lambda _: self.stop())
        self._controls.save.on_click(lambda _: self._save())

    @property
    def history(self) -> History:
        """What is kept, as a history of this moment."""
        return self.follower.history()

    @property
    def decisions(self) -> pd.DataFrame:
        """The decisions that are kept."""
        return self.history.decisions

    @property
    def status(self) -> Status:
        """How the following is going."""
        return self.follower.status

    @property
    def figure(self) -> Any:
        """The pictures of this moment as one matplotlib Figure, for the paper."""
        choice = self._controls.choice
        return charts.sheet(
            [
                (panel.chart, panel.data(self.follower, choice), panel.options(choice))
                for panel in self._panels
            ]
        )

    def start(self) -> LiveView:
        """Begin, or go on where it was stopped."""
        self.follower.start()
        self._redraws.start()
        return self

    def stop(self) -> None:
        """End: no thread and no connection is left, and the output keeps the last pictures."""
        self.follower.stop()
        self._redraws.stop()
        self._draw_all()
        self._controls.stop.disabled = self._controls.pause.disabled = True
        if self._handle is not None:
            self._handle.update(self._still(), raw=True)

    def close(self) -> None:
        """End it, and its widgets: it is not to be shown again."""
        self.stop()
        _close(self._box)

    def _pause(self, is_wanted: bool) -> None:
        if is_wanted:
            self.follower.pause()
        else:
            self.follower.resume()
        self._redraws.wake()

    def _save(self) -> None:
        folder = Path(self._controls.folder.value.strip() or "snapshots/live")
        try:
            self._error = f"saved in {self.history.save(folder)}"
        except LabError as error:
            self._error = str(error)
        self._redraws.wake()

    def _choose(self) -> None:
        """Have everything drawn again, as it is chosen now."""
        self._scheduler.again()
        self._redraws.wake()

    def _failed(self, error: Exception) -> None:
        self._error = f"{type(error).__name__}: {error}"

    def _viewed(self) -> None:
        """Go on when a page shows it again."""
        if self._box._view_count:
            self._forgotten_since = None
            self._choose()
            if self.follower.status.state != "stopped" or self._slept:
                self._slept = False
                self.start()
        else:
            self._forgotten_since = time.monotonic()

    def _redraw(self) -> None:
        if not self._is_watched():
            self._sleep_if_forgotten()
            return
        status = self.follower.status
        self._say(status)
        self._scheduler.take(status.received)

    def _is_watched(self) -> bool:
        """Tell whether a page shows it; while cells run, what the page says of that is not heard yet."""
        unheard = self._is_displayed and self._forgotten_since is None and cells.idle_for() < _FORGOTTEN_AFTER
        return bool(self._box._view_count) or unheard

    def _sleep_if_forgotten(self) -> None:
        """End the threads of an output that was deleted; they begin again should it be shown again."""
        since = self._forgotten_since
        if since is not None and time.monotonic() > since + _FORGOTTEN_AFTER:
            self._slept = True
            self.follower.stop()
            self._redraws.stop()

    def _say(self, status: Status) -> None:
        source = self.follower.source
        line = text.status_line(status, source.where, source.streams, self._below)
        self._status.value = line + (f"<div>{text.shown(self._error, 300)}</div>" if self._error else "")

    def _draw(self, panel: Panel) -> None:
        try:
            self._error = panel.draw(self.follower, self._controls.choice) or self._error
        except Exception as error:  # noqa: BLE001 - one panel's fault, perhaps in a reader's own function
            self._error = f"{panel.title}: {type(error).__name__}: {error}"

    def _list(self) -> None:
        self._below = self._share_below(self._controls.choice.threshold)
        newest, rejected = self.follower.history(last=30), self.follower.status.rejected
        self._controls.offer(newest.decisions)
        if "decisions" in self._tables and not self._controls.hold.value:
            self._decisions.value = text.decisions_table(newest)
        if "rejects" in self._tables and rejected:
            self._rejects.value = text.rejects_table(self.follower.latest("rejects", 8), rejected)

    def _share_below(self, threshold: float) -> str:
        table = self.follower.summary(Confidence, threshold=threshold, **at_every_look(Confidence)).table()
        if table.empty or not table["n"].iloc[0]:
            return ""
        share, low, high = table[["share_below", "share_below_low", "share_below_high"]].iloc[0]
        return (
            f"{share:.0%} below {threshold:g} (95% interval, however often you look: {low:.0%} to {high:.0%})"
        )

    def _draw_all(self) -> None:
        for panel in self._panels:
            self._draw(panel)
        self._list()
        self._say(self.follower.status)

    def __repr__(self) -> str:
        status = self.follower.status
        return f"<LiveView: {status.state}, {status.received:,} received, {status.rejected:,} rejects>"

    def _still(self) -> dict[str, str]:
        """Show the present state without a kernel."""
        pictures = [
            text.picture(panel.image.value, panel.title) for panel in self._panels if panel.image.value
        ]
        tables = [self._decisions.value, self._rejects.value]
        return {"text/plain": repr(self), "text/html": "\n".join([self._status.value, *pictures, *tables])}

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        """Return the live view, and a still of it for where there is no kernel."""
        self._draw_all()
        self._is_displayed = True
        live: dict[str, Any] = self._box._repr_mimebundle_()
        return live | self._still()

    def _ipython_display_(self) -> None:
        from IPython.display import display

        # The handle lets the output be exchanged for the last pictures when it ends.
        self._handle = display(self._repr_mimebundle_(), raw=True, display_id=True)  # type: ignore[no-untyped-call] # untyped in IPython


def _close(widget: Any) -> None:
    for child in (*getattr(widget, "children", ()), getattr(widget, "style", None), widget.layout):
        if hasattr(child, "layout"):
            _close(child)
        elif child is not None:
            child.close()
    widget.close()


def _panels(asked: Iterable[str | Callable[..., Any]]) -> Any:
    if isinstance(asked, str):
        raise OptionError(f"panels={asked!r:.60}: expected a list of panels")
    return panels(asked)
