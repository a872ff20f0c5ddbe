"""LiveView: a follower shown in a notebook, as a widget that draws what the charts say."""

from __future__ import annotations

import os
import re
import time
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from threading import RLock
from typing import Any

import anywidget
import pandas as pd
import traitlets

from ..errors import OptionError
from ..history import History, with_options_of
from ..history.decision import CSS
from ..labels import counted
from ..live import Follower, Status, count_or_duration, newest
from . import cells
from .answers import Answers
from .contents import Contents
from .controls import ViewOptions
from .panels import PANELS
from .redraw import RedrawScheduler, RepeatingThread
from .rows import points_of, short
from .saved import save

_PAGE = Path(__file__).parent / "page"
# One after the other: a page loads no second file.
_SCRIPTS = ("shared", "drawing", "picture", "marks", "view")
_FORGOTTEN_AFTER = 5.0  # seconds without a view on any page, after which nobody is thought to watch
_DETAILED = 24  # decisions of which a page gets all at each round
_FIRST_WITHIN = 0.5  # seconds in which a server that is there has answered
_MOST_POINTS = 200  # that are sent before the next round


@with_options_of(Follower)
def follow(
    source: Any,
    *,
    panels: Iterable[str | Callable[..., Any]] = PANELS,
    refresh: float = 20.0,
    by: str | None = None,
    window: Any = None,
    threshold: float = 0.5,
    outcomes: str | os.PathLike[str] | None = None,
    compare: History | None = None,
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
        How often to show what is new, in times a second, at most.
    by, window, threshold
        What the controls begin with: a column to group by; so many entries or so long (``'1h'``) to show,
        None for everything; the confidence below which a decision counts as unsure. What is chosen there
        later is counted of the entries that are kept by then and of those that come, while it is shown.
    outcomes
        A CSV file in which is kept what is marked right or wrong in an opened decision, a line a mark; what
        is in it already holds as well. Without it, marks end with the kernel.
    compare
        An earlier run, as :func:`mastermind_lab.read` gives it: in grey behind every picture that can show
        it, as shares, in the same rows and groups. Its time is another, so that of confidence over time its
        mean and its middle half lie there all along. The status says by how much confidence, dissent and
        (where there are outcomes) accuracy differ, with intervals that hold however often you look, and what
        is not compared. It is then the baseline of the alarms, which are there without it, too:
        ``view.alarms``.
    **options
        Those of :class:`mastermind_lab.Follower`, to which they go: ``stream``, ``backfill``, ``keep``,
        ``columns`` and ``archive``. A follower that is given has its own.

    Raises
    ------
    OptionError
        An option makes no sense. A server that does not answer is waited for, and shown.
    SourceError
        The file of outcomes cannot be read, or is another one.
    """
    if isinstance(source, Follower) and options:
        raise OptionError(
            f"{', '.join(options)}: options of the follower that is given, set where it was made"
        )
    part = None if window is None else count_or_duration("window", window)
    follower = source if isinstance(source, Follower) else Follower(source, **options)
    chosen = ViewOptions(part, by, threshold)
    view = LiveView(
        follower, panels=panels, refresh=refresh, choice=chosen, outcomes=outcomes, compare=compare
    )
    cells.enter(view)
    return view.start()


def _script() -> str:
    """Return the scripts as one, without comments and margins, which a page need not fetch."""
    whole = "\n".join((_PAGE / f"{name}.js").read_text("utf-8") for name in _SCRIPTS)
    return re.sub(r"(?m)^ *//.*\n| +// .*$|^ +", "", whole)


class LiveView(anywidget.AnyWidget):
    """A follower shown in a notebook: a status line, controls, pictures whose points answer, and tables.

    It is a widget, to be put into a box or a tab of others.

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

    _esm = _script()
    _css = (_PAGE / "view.css").read_text("utf-8") + CSS

    page_facts = traitlets.Dict().tag(sync=True)

    def __init__(
        self,
        follower: Follower,
        *,
        panels: Iterable[str | Callable[..., Any]] = PANELS,
        refresh: float = 20.0,
        choice: ViewOptions = ViewOptions(),  # noqa: B008 - it cannot be changed
        outcomes: str | os.PathLike[str] | None = None,
        compare: History | None = None,
    ) -> None:
        if isinstance(refresh, bool) or not isinstance(refresh, int | float) or not 0 < refresh <= 30:
            raise OptionError(f"refresh={refresh!r:.40}: expected times a second, above 0 and up to 30")
        self.follower = follower
        self._contents = Contents(follower, panels, choice, outcomes, compare)
        self._told: Any = None
        self._told_news, self._refresh = 0.0, refresh
        self._news: deque[tuple[int, list[list[Any]]]] = deque(maxlen=50)
        self._scheduler = RedrawScheduler(self._round)
        self._forgotten_since: float | None = None
        self._slept = self._is_displayed = self._is_stopped = False
        self._handle: Any = None
        self._redraws = RepeatingThread(self._redraw, refresh, self._failed)
        self._changing = RLock()  # held while threads begin or are asked to end, all or none of them
        self._answers = Answers(self)
        super().__init__(page_facts=self._contents.page_facts())
        self._view_count = 0  # asks for it to be counted
        self.observe(lambda _: self._viewed(), "_view_count")
        self.on_msg(lambda _, message, __: self._answers.take(message))
        self._leave: Callable[[], None] | None = None

    @property
    def history(self) -> History:
        """What is kept, as a history of this moment."""
        return self.follower.history()

    @property
    def decisions(self) -> pd.DataFrame:
        """The decisions that are kept."""
        return self.history.decisions

    @property
    def selected(self) -> History:
        """Those of the decisions that are chosen in a picture, of the part of the history that it showed.

        All that are kept where none are chosen. They are chosen for all pages, until Escape on one of them.
        """
        return self._answers.selected()

    @property
    def outcomes(self) -> pd.DataFrame:
        """What was marked right or wrong, as :func:`mastermind_lab.with_outcomes` takes it."""
        return self._contents.judged.marks.table()

    @property
    def alarms(self) -> pd.DataFrame:
        """Where confidence or dissent left what it was, and where a value of meta or a field begins or ends.

        A row an alarm: ``time`` (UTC); ``kind``, "drift" or "change"; ``what``; ``from`` and ``to``. Drift is
        :class:`~mastermind_lab.stats.Drift` of all decisions together, which says how seldom there is an
        alarm where nothing changes: compared with the earlier run or, without one, with the first 200
        decisions. There is one of a figure and direction, the first; ``to`` is the mean from where it left to
        where that showed, and the status says of which figures there can be none. Changes are those of
        :class:`~mastermind_lab.stats.Regimes`, whose chance of 1% is for one look. Both are looked for every
        3 seconds, less often where a look is dear. What was once found stays, the latest 200.
        """
        self._contents.look()
        return self._contents.compared.alarms.table()

    @property
    def differences(self) -> pd.DataFrame:
        """What differs from the earlier run: a row for confidence, dissent, and the share that is right.

        The means ``now`` and ``before``, their ``difference`` (now minus before, -1 to 1) with
        ``difference_low`` and ``difference_high``, a 95% interval that holds at every look at decisions that
        are independent, ``n`` and ``n_before``. Without an earlier run no figure is known of it.
        """
        self._contents.look()
        return self._contents.compared.differences

    @property
    def status(self) -> Status:
        """How the following is going; "stopped" where the view is, though another may show its follower."""
        status = self.follower.status
        is_over = self._is_stopped and status.state != "failed"
        return replace(status, state="stopped") if is_over else status

    @property
    def figure(self) -> Any:
        """The pictures of this moment as one matplotlib Figure, for the paper."""
        return self._contents.figure()

    def save(self, path: str | os.PathLike[str]) -> Path | str:
        """Write what is shown as one page that answers: it needs no notebook and no network.

        Parameters
        ----------
        path
            A file or an fsspec URL that ends in .html; a file of that name is replaced.

        Raises
        ------
        OptionError
            The name does not end in .html.
        SourceError
            The folder is not there, or the file cannot be written.
        """
        return save(self, path)

    def start(self) -> LiveView:
        """Begin, or go on where it was stopped."""
        with self._changing:
            self._slept = self._is_stopped = False
            if self._leave is None:
                self._leave = self.follower.on_batch(self._came)
            self.follower.begin_for(self)
            self._redraws.start()
        return self

    def stop(self) -> None:
        """End: no thread and no connection is left, and the output keeps the last pictures.

        The follower goes on while another view shows it, and ends with the last one.
        """
        self._end_for_good(whoever_began=True)
        self._round()
        self._say(self.status)
        self._leave_still()

    def close(self) -> None:
        """End it, and its widget: it is not to be shown again, and looks for no more alarms and differences.

        The follower goes on where others began it, or while another view shows it.
        """
        if self.comm is not None:
            self._end_for_good()
            self._leave_still()
            self._contents.compared.end()
            self.layout.close()
        super().close()

    def __del__(self) -> None:
        """Draw nothing more where all ends; until then ipywidgets keeps what was not closed."""

    def _leave_still(self) -> None:
        if self._handle is not None:
            self._handle.update(self._still(), raw=True)

    def _end_for_good(self, *, whoever_began: bool = False) -> None:
        with self._changing:
            self._slept, self._is_stopped = False, True
            ending = self._end(whoever_began=whoever_began)
        for wait in ending:
            wait()

    def _end(self, *, whoever_began: bool = False) -> list[Callable[[], None]]:
        """Have its threads end; what is returned waits for them."""
        with self._changing:
            ending = [self._redraws.end(), self.follower.end_for(self, whoever_began=whoever_began)]
            if self._leave is not None:
                self._leave()
                self._leave = None
        return ending

    def _came(self, batch: History) -> None:
        """Have the points of a batch shown at once, in the follower's thread, whatever is being drawn."""
        if not self._is_watched():
            return
        self._news.append((self.follower.status.received, points_of(batch, _MOST_POINTS)))
        if time.monotonic() > self._told_news + 1 / self._refresh:
            self._tell_news()
        self._redraws.tell()

    def _choose(self) -> None:
        """Have everything drawn again, as it is chosen now: here, where no thread does."""
        self._scheduler.again()
        self._redraws.wake()
        if not self._redraws.is_running:
            self._round()
            self._say(self.status)

    def _failed(self, error: Exception) -> None:
        self._contents.fault = f"{type(error).__name__}: {error}"

    def _viewed(self) -> None:
        """Go on when a page shows it again."""
        with self._changing:
            if not self._view_count:
                self._forgotten_since = time.monotonic()
                return
            self._forgotten_since = None
            if self.status.state != "stopped" or self._slept:
                self.start()
        self._choose()

    def _redraw(self) -> None:
        if not self._is_watched():
            self._sleep_if_forgotten()
            return
        self._tell_news()
        status = self.status
        if not self._view_count:  # nor is it known whether the page has heard anything yet
            self._told = None
            self._scheduler.forget()
        self._say(status)
        self._scheduler.take(status.received)

    def _is_watched(self) -> bool:
        """Tell whether a page shows it; while cells run, what the page says of that is not heard yet."""
        unheard = self._is_displayed and self._forgotten_since is None and cells.idle_for() < _FORGOTTEN_AFTER
        return bool(self._view_count) or unheard

    def _sleep_if_forgotten(self) -> None:
        """End the threads of an output that was deleted; they begin again should it be shown again."""
        with self._changing:  # or it could be shown again in between, and sleep all the same
            since = self._forgotten_since
            if since is not None and time.monotonic() > since + _FORGOTTEN_AFTER:
                self._slept = True
                self._end()

    def _tell(self, kind: str, /, buffers: list[bytes] | None = None, **facts: Any) -> None:
        if self.comm is not None:
            self.send({"kind": kind, **facts}, buffers=buffers)

    def _tell_news(self) -> None:
        """Send the points that have come since the last time, the newest of very many."""
        points: list[list[Any]] = []
        count = 0
        with suppress(IndexError):  # two threads take from it
            while True:
                count, some = self._news.popleft()
                points += some
        if count:
            self._told_news = time.monotonic()
            self._tell("news", count=count, points=points[-_MOST_POINTS:])

    def _say(self, status: Status) -> None:
        told: dict[str, Any] = {
            "state": status.state, "items": self._contents.items(status), "received": status.received,
            "error": short(status.error, 300), "note": short(self._contents.fault, 300),
            "alarm": self._contents.compared.alarms.news,
        }  # fmt: skip
        if told != self._told:
            self._told = told
            self._tell("status", **told)

    def _round(self) -> None:
        """Draw all pictures of one moment, and list the newest decisions."""
        goes_on = self._redraws.is_running
        facts, numbers = self._contents.round(self._tell_news, at_once=not goes_on)
        self._tell("round", numbers, **facts)
        self._tell("list", **self._contents.lists(newest(self.follower.history(last=_DETAILED), _DETAILED)))
        # A look for alarms takes as long as the pictures, which need not wait for it.
        if goes_on and self._contents.look(at_once=False):
            self._scheduler.forget()

    def _tell_all(self) -> None:
        """Say everything once more, to a page that has just begun to show it."""
        self._told = None
        self._choose()

    def __repr__(self) -> str:
        status = self.status
        rejects = counted(status.rejected, "reject")
        return f"<LiveView: {status.state}, {status.received:,} received, {rejects}>"

    def _still(self) -> dict[str, str]:
        """Show the present state without a kernel."""
        return {"text/plain": repr(self), "text/html": self._contents.still(self.status)}

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the live view, and a still of it for where there is no kernel."""
        self._is_displayed = True
        live: Any = super()._repr_mimebundle_()
        return {**live[0], **self._still()}, live[1]

    def _await_first(self) -> None:
        """Wait a moment for what is there already: a notebook that is saved holds the still of now."""
        end = time.monotonic() + _FIRST_WITHIN
        while self._redraws.is_running and self.status.state == "starting" and time.monotonic() < end:
            time.sleep(0.01)

    def _ipython_display_(self) -> None:
        from IPython.display import display

        self._await_first()
        # The handle lets the output be exchanged for the last pictures when it ends.
        self._handle = display(self._repr_mimebundle_()[0], raw=True, display_id=True)  # type: ignore[no-untyped-call] # untyped in IPython
