"""What can go wrong, by name.

Every message says what was wrong, where (host, stream, path or id; never a password), what is safe, and
what to do about it.
"""

import inspect
import re
from collections import Counter
from collections.abc import Iterable
from difflib import get_close_matches


class LabError(Exception):
    """The root of every error this package raises on purpose."""


class SourceError(LabError):
    """A source cannot be read: no such file, no server, a wrong password, a key of another type."""


class NothingDecodedWarning(UserWarning):
    """A source had entries, and none of them could be decoded: ``rejects`` says of each why."""


class CheckpointWarning(UserWarning):
    """What sums up a folder's parts cannot be used; they are read one by one, and nothing is lost."""


class MissingFontWarning(UserWarning):
    """No installed font has some characters of a text: a chart shows a square in place of each."""


class OptionError(LabError, ValueError):
    """A caller's argument makes no sense: an unknown column, a limit that is no number, date or id."""


def callers_level() -> int:
    """Count the frames of this package's between a warning and whose code called it."""
    frame, level = inspect.currentframe(), 0
    while frame and frame.f_globals.get("__name__", "").startswith(__package__.partition(".")[0]):
        frame, level = frame.f_back, level + 1
    return level


def doubled(names: Iterable[object]) -> str | None:
    """Return the first of some names, as texts, that is there more than once."""
    return next((name for name, count in Counter(map(str, names)).items() if count > 1), None)


def check_names(frame: str, names: Iterable[object]) -> None:
    """Refuse a frame with two columns of one name, of which nobody could say which is meant.

    Raises
    ------
    OptionError
        With the name.
    """
    if (name := doubled(names)) is not None:
        raise OptionError(f"{frame} has more than one column named {name!r:.80}: rename one of them")


def column_advice(name: str, columns: Iterable[str]) -> str:
    """Advise, in sentences, on a column that is not there: one much like it, or where its values may be.

    Examples
    --------
    >>> column_advice("meta.modl", ["confidence", "meta.model"])
    "did you mean 'meta.model'?"
    """
    there = [str(column)[:80] for column in columns]
    near = get_close_matches(name[:80], there, n=1)
    root, _, path = name[:80].partition(".")
    said = [f"did you mean {near[0]!r}?"] if near else []
    if path and f"{root}.*" in there:
        own = (re.sub(r"\W+", "_", path).strip("_") or "mine", name[:80])
        rest = f"columns beyond the limit share {root + '.*'!r}, as JSON; if this is one of them, "
        if root in ("decision", "meta"):
            rest += f"read again with columns=[Column{own}]"
        else:
            frame = f"history.{root}s"
            values = (
                f"json.loads(text).get({name[:80]!r}) for text in {frame}[{root + '.*'!r}].fillna('{{}}')"
            )
            rest += f"take it out of there: {frame}[{name[:80]!r}] = [{values}]"
        said.insert(0, rest + ".")
    return " ".join(said)
