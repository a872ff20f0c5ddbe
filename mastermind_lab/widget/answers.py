"""What a page asks of a view, and the answers.

Each question has a number, and the name of its page: all pages hear what is answered to one. What is chosen
in a picture is chosen for all of them.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import LabError, OptionError
from ..history import History
from ..live import newest
from .rows import LISTED, short
from .selection import Selection

if TYPE_CHECKING:
    from .view import LiveView


class Answers:
    """Answers for one view. Nothing that a page says is taken as it is."""

    def __init__(self, view: LiveView) -> None:
        self._view = view
        self._selection: Selection | None = None

    def selected(self) -> History:
        """Return the decisions that are chosen in a picture, or all that are kept."""
        follower, chosen = self._view.follower, self._selection
        return follower.history() if chosen is None else chosen.found(follower)[0]

    def tell_selected(self, **asked: Any) -> None:
        """Say what is chosen, to all pages; ``asked`` is who chose it."""
        found = {} if self._selection is None else self._found(self._selection)
        self._view._tell("chosen", **asked, **found)

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
        self._view._tell("answer", **_asked(message), **answer)

    def _answered(self, message: dict[str, Any]) -> dict[str, Any]:
        view = self._view
        match message.get("ask"):
            case "hello":
                view._tell_all()
                if self._selection is not None:  # or lists would begin anew on pages that show it already
                    self.tell_selected()
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
                return self._found(self._part(message))
            case "list":
                self._choose(self._part(message), message)
            case "all":
                self._choose(None, message)
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

    def _part(self, message: dict[str, Any]) -> Selection:
        """Return what a page calls a part of a picture."""
        contents = self._view._contents
        panel = contents.panels[int(message["panel"])]
        if (part := message.get("part")) and part not in panel.groups:
            raise OptionError(f"the small picture {part!r:.60} is no longer drawn: ask once more")
        group = panel.groups[part] if part else None
        window = contents.choices.chosen.window
        return Selection(panel.selects, (message.get("x"), message.get("y")), window, group)

    def _choose(self, part: Selection | None, message: dict[str, Any]) -> None:
        if part is not None:
            part.found(self._view.follower)  # what cannot be found is not chosen
        self._selection = part
        self.tell_selected(**_asked(message))

    def _found(self, part: Selection) -> dict[str, Any]:
        """Say what lies in a part of a picture: how many decisions, the newest of them, and where."""
        found, where = part.found(self._view.follower)
        if not where:
            return {"count": 0, "rows": [], "where": "", "of": ""}
        rows = self._view._contents.judged.rows(newest(found, LISTED))
        return {
            "count": len(found),
            "rows": rows,
            "where": where,
            "of": self._view._contents.choices.name_of(part.window),
        }


def _asked(message: dict[str, Any]) -> dict[str, Any]:
    """Return which page asked, and the number of its question; what is no number is nobody's."""
    asked = {name: message.get(name) for name in ("page", "number")}
    return {name: value if isinstance(value, int | float) else None for name, value in asked.items()}
