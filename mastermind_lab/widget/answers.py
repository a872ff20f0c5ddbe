"""What a page asks of a view, and the answers: each question has a number, and each gets one answer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import LabError, OptionError
from ..history import History
from .rows import LISTED, condition, short

if TYPE_CHECKING:
    from .view import LiveView


class Answers:
    """Answers for one view. Nothing that a page says is taken as it is."""

    def __init__(self, view: LiveView) -> None:
        self._view = view
        self._condition = ""

    def selected(self) -> History:
        """Return the decisions that are chosen in a picture, or all that are kept."""
        history = self._view.follower.history()
        return history.where(self._condition) if self._condition and len(history) else history

    def take(self, message: Any) -> None:
        """Answer a message of a page; one that makes no sense is answered with what is wrong."""
        if not isinstance(message, dict):
            return
        try:
            answer = self._answered(message)
        except LabError as error:
            answer = {"wrong": short(str(error), 300)}
        except (TypeError, ValueError, LookupError, OverflowError) as error:
            answer = {"wrong": short(f"{type(error).__name__}: {error}", 300)}
        number = message.get("number")
        self._view._tell("answer", number=number if isinstance(number, int) else None, **answer)

    def _answered(self, message: dict[str, Any]) -> dict[str, Any]:
        view = self._view
        match message.get("ask"):
            case "hello":
                view._tell_all()
            case "shown":
                view._view_count = max(0, int(message["views"]))
            case "choose":
                view._contents.choices.choose(
                    message.get("window"), message.get("by"), message.get("threshold")
                )
                view._choose()
            case "pause":
                self._pause(bool(message.get("on")))
            case "stop":
                view.stop()
            case "save":
                return {"said": self._save(str(message.get("folder") or ""))}
            case "open":
                return {"rows": self._opened(str(message.get("id")))}
            case "mark":
                return self._marked(str(message.get("id")), message)
            case "find":
                return self._found(message)
            case "all":
                self._condition = ""
            case other:
                raise OptionError(f"a page asked {other!r:.40}")
        return {}

    def _pause(self, is_wanted: bool) -> None:
        follower = self._view.follower
        (follower.pause if is_wanted else follower.resume)()
        self._view._redraws.wake()

    def _save(self, folder: str) -> str:
        place = Path(folder.strip() or "snapshots/live")
        return f"saved in {short(self._view.history.save(place), 300)}"

    def _opened(self, stream_id: str) -> list[dict[str, Any]]:
        return self._view._contents.judged.rows(self._view.history.decision(stream_id).history)

    def _marked(self, stream_id: str, message: dict[str, Any]) -> dict[str, Any]:
        judged = self._view._contents.judged
        wanted = message.get("was", "")
        count = judged.marks.mark(self._view.history, stream_id, wanted, str(message.get("note") or ""))
        self._view._choose()
        several = f"; the mark holds for {count:,} decisions of one correlation_id" if count > 1 else ""
        return {"rows": self._opened(stream_id), "said": judged.marks.place + several}

    def _found(self, message: dict[str, Any]) -> dict[str, Any]:
        """Find the decisions in a part of a picture; where they are listed, they are ``selected``, too."""
        panel = self._view._contents.panels[int(message["panel"])]
        history = self._view.follower.history()
        published = history.select("decisions", ["published_at"])["published_at"]
        ranges = message.get("x"), message.get("y")
        wanted = condition(panel.selects, ranges, has_undated=published.null_count > 0)
        if not wanted or not len(history):
            return {"count": 0, "rows": [], "where": wanted}
        found = history.where(wanted)
        if message.get("list"):
            self._condition = wanted
        ids = found.select("decisions", ["stream_id"])["stream_id"].to_pylist()
        newest = found.where(ids[-LISTED:]) if len(ids) > LISTED else found
        return {"count": len(ids), "rows": self._view._contents.judged.rows(newest), "where": wanted}
