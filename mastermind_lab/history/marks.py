"""Marks: what somebody found right or wrong while reading decisions, kept as outcomes.

A file of marks is a CSV file that only grows, a line a mark: a later mark of the same decision is another
line, and the last one holds. So several may write to one file. A line that was torn, because a machine or a
disk gave way, is no mark, and harms none before or behind it.
"""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ..errors import OptionError, SourceError
from ..storage import append, is_remote, local_path, only_a_file
from ..text import brief, harmless, undefused
from .decision import Content
from .history import History
from .outcomes import CHOICE, with_outcomes
from .tidy import csv_rows

COLUMNS = ("correlation_id", CHOICE, "note", "stream_id", "marked_at")

NONE_OF_THESE = "(none of these)"
"""What was right where nothing was that anybody voted for."""

RIGHT, OTHER, UNKNOWN = "right", "other", ""
"""What a mark says beside a number, which is that of another choice that was right."""

_HEADER = ",".join(COLUMNS)
_END = "\r\n"
_FORM = "%Y-%m-%dT%H:%M:%S.%fZ"
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
_LONGEST = 100_000  # characters of a choice: what Python's own reader of CSV takes
_NOTE = 2_000  # characters
_MOST = 50  # choices to choose from

_Mark = dict[str, str]


class Marks:
    """What was marked right or wrong, in a file or in memory.

    Parameters
    ----------
    path
        The file, which is made with the first mark; None keeps marks in memory.

    Raises
    ------
    SourceError
        There is a file that cannot be read, or none of marks.

    Examples
    --------
    >>> import mastermind_lab as lab
    >>> marks, history = Marks(), lab.sample(last=2)
    >>> marks.mark(history, history.decisions["stream_id"][0], "right", "as the report says")
    1
    >>> lab.with_outcomes(history, marks.table()).coverage["note"].iloc[0]
    'outcomes: 1 of 2 decisions matched on correlation_id, 0 of 1 outcomes matched no decision'
    """

    def __init__(self, path: str | os.PathLike[str] | None = None) -> None:
        self._path = None if path is None else _place(path)
        self._seen: tuple[Any, dict[str, _Mark], int] = (None, {}, 0)
        self.latest()

    def __len__(self) -> int:
        """Return how many decisions were marked."""
        return sum(mark[CHOICE] != "" for mark in self.latest().values())

    @property
    def place(self) -> str:
        """Where marks are kept, in words, and what of a file could not be read."""
        if self._path is None:
            return (
                'marks are kept in memory and end with the kernel: outcomes="marks.csv" keeps them in a file'
            )
        torn = self._seen[2]
        said = f" ({torn:,} lines of it are no marks)" if torn > 1 else " (one line of it is no mark)"
        return f"marks are kept in {self._path}{said if torn else ''}"

    @property
    def notes(self) -> dict[str, str]:
        """The notes, by ``correlation_id``."""
        return {id_: mark["note"] for id_, mark in self.latest().items() if mark[CHOICE]}

    def table(self) -> pd.DataFrame:
        """Return the marks that hold as outcomes, a row each: what ``with_outcomes`` takes."""
        rows = [mark for mark in self.latest().values() if mark[CHOICE]]
        frame = pd.DataFrame(rows, columns=list(COLUMNS), dtype="str")
        moments = pd.to_datetime(frame["marked_at"], utc=True).astype("datetime64[us, UTC]")
        return frame.assign(marked_at=moments)

    def joined(self, history: History) -> History:
        """Return a history with these outcomes; as it is where there are none."""
        table = self.table()
        return with_outcomes(history, table) if len(table) else history

    def among(self, history: History) -> list[str]:
        """Return the stream ids of the decisions of a history that are marked."""
        marked = [id_ for id_, mark in self.latest().items() if mark[CHOICE]]
        if not marked:
            return []
        ids = history.select("decisions", ["stream_id", "correlation_id"])
        found: list[str] = ids.filter(pc.is_in(ids["correlation_id"], pa.array(marked, pa.large_string())))[
            "stream_id"
        ].to_pylist()
        return found

    def judged(self, history: History, ids: Sequence[str]) -> History:
        """Return some decisions of a history, by their stream ids, with their outcomes."""
        here = history.among(pa.array(ids, pa.large_string()))
        return self.joined(history.cut(here, "marked right or wrong"))

    def mark(self, history: History, id: str, was: str | int, note: str = "") -> int:
        """Keep whether a decision was right, and return how many decisions it holds for.

        Parameters
        ----------
        history
            Where the decision is.
        id
            As for :meth:`mastermind_lab.History.decision`.
        was
            ``"right"``: the recommendation was; a number: that of :func:`others` was; ``"other"``: nothing
            was that anybody voted for; ``""``: not known, and an earlier mark is taken back.
        note
            Why, or whatever else is to be kept with it.

        Raises
        ------
        OptionError
            There is no such decision or choice, or the decision cannot be told from others.
        SourceError
            The file cannot be written; the mark is not kept.
        """
        card = history.decision(id)
        correlation_id = card.history.decisions["correlation_id"].iloc[0]
        if not isinstance(correlation_id, str) or not correlation_id.strip():
            raise OptionError(
                f"decision {id:.60} has no correlation_id, by which outcomes are joined: its mark is not kept"
            )
        choice = _choice(card.content, was)
        if max(len(choice), len(correlation_id)) > _LONGEST:
            raise OptionError(
                f"the choice or correlation_id of decision {id:.60} is longer than {_LONGEST:,} characters"
            )
        self._keep(
            {
                "correlation_id": correlation_id, CHOICE: choice, "note": brief(str(note), _NOTE, harmless),
                "stream_id": card.content.stream_id, "marked_at": f"{datetime.now(UTC):{_FORM}}",
            }
        )  # fmt: skip
        column = history.select("decisions", ["correlation_id"])["correlation_id"]
        return pc.sum(pc.equal(column, correlation_id)).as_py() or 0

    def _keep(self, mark: _Mark) -> None:
        if self._path is None:
            self._seen = (None, _with(self._seen[1], [mark]), 0)
            return
        line = csv_rows(pd.DataFrame([mark], columns=list(COLUMNS)))
        try:
            text = _text_of(self._path)
            _check(text, self._path)
            append(self._path, (_mended(text) + line).encode("utf-8", "replace"))
        except OSError as error:
            raise SourceError(
                f"cannot write {self._path}: {error.strerror or error}. Of this mark nothing is kept."
            ) from error
        self.latest()

    def latest(self) -> dict[str, _Mark]:
        """Return the marks by ``correlation_id``, the last made last; read again when others have written."""
        if self._path is None:
            return self._seen[1]
        try:
            stamp = _stamp(self._path)
            if stamp is not None and stamp != self._seen[0]:
                marks, torn = _parsed(_text_of(self._path), self._path)
                self._seen = (stamp, _with(self._seen[1], marks), torn)
        except OSError as error:
            raise SourceError(f"cannot read {self._path}: {error.strerror or error}") from error
        return self._seen[1]


def others(content: Content) -> list[str]:
    """Return what was voted for beside the recommendation, the most frequent first."""
    names = [choice.name for choice in content.choices if choice.name and choice.name.strip()]
    return [name for name in names if name != content.recommendation][:_MOST]


def was(content: Content) -> str | int:
    """Say what was right as :meth:`Marks.mark` takes it, of a decision with its outcome."""
    if content.outcome is None:
        return UNKNOWN
    if content.is_right:
        return RIGHT
    there = others(content)
    return there.index(content.outcome) if content.outcome in there else OTHER


def marks_in(path: Any) -> pd.DataFrame | None:
    """Return the outcomes in a file of marks; None where it is another file, or none."""
    if is_remote(path):
        return None
    try:
        if _is_begun(_text_of(local_path(path), 2 * len(_HEADER) + 8)):
            return Marks(path).table()
    except OSError:
        pass  # who reads it says so
    return None


def _is_begun(text: str) -> bool:
    """Tell whether a file of marks begins so: by the names of its columns, of which one line may be torn."""
    first, _, rest = text.partition("\n")
    whole = (_HEADER + "\r", _HEADER + "\n")
    return text.startswith(whole) or (_HEADER.startswith(first.rstrip("\r")) and rest.startswith(whole))


def _place(path: str | os.PathLike[str]) -> Path:
    if not isinstance(path, str | os.PathLike):
        raise OptionError(f"outcomes={path!r:.60}: expected the path of a file to keep marks in")
    if is_remote(path):
        raise OptionError(f"outcomes={str(path)!r:.200}: expected a file on a disk, which can be added to")
    return local_path(path)


def _choice(content: Content, was: str | int) -> str:
    """Return the text of what was right."""
    there = others(content)
    if was == RIGHT and content.recommendation and content.recommendation.strip():
        return content.recommendation
    if was == UNKNOWN:
        return ""
    if was == OTHER:
        none = NONE_OF_THESE
        while none in (content.recommendation, *(choice.name for choice in content.choices)):
            none = f"({none})"
        return none
    if isinstance(was, int) and not isinstance(was, bool) and 0 <= was < len(there):
        return there[was]
    known = "'other' or ''" if not content.recommendation else "'right', 'other' or ''"
    raise OptionError(
        f"a mark {was!r:.40}: expected {known}, or a number below {len(there)} for what else was voted for"
    )


def _with(before: dict[str, _Mark], marks: Sequence[_Mark]) -> dict[str, _Mark]:
    latest = dict(before)
    for mark in marks:
        latest.pop(mark["correlation_id"], None)
        latest[mark["correlation_id"]] = mark
    return latest


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_size, found.st_mtime_ns


def _text_of(path: Path, most: int = -1) -> str:
    """Return what is in a file, from its beginning; nothing where it is not there yet."""
    try:
        with open(path, "rb", opener=only_a_file) as stream:
            return stream.read(most).decode("utf-8-sig", "replace")
    except FileNotFoundError:
        return ""


def _check(text: str, path: Path) -> None:
    """Refuse what is another file: to add to it would spoil it.

    Raises
    ------
    SourceError
        It is one.
    """
    if not (_is_begun(text) or _HEADER.startswith(text)):
        raise SourceError(
            f"{path} is no file of marks: it begins with {brief(text, 60, harmless)!r}, not {_HEADER!r}. "
            "Nothing was changed: give outcomes= another name, and join this one with lab.with_outcomes"
        )


def _parsed(text: str, path: Path) -> tuple[list[_Mark], int]:
    """Return the marks in a file, and how many lines are none."""
    _check(text, path)
    marks, torn = [], 0
    try:
        for row in csv.reader(io.StringIO(text, newline="")):
            if len(row) == len(COLUMNS) and row[0] and _MOMENT.fullmatch(row[-1]):
                marks.append(dict(zip(COLUMNS, map(undefused, row), strict=True)))
            elif not _HEADER.startswith(",".join(row)):
                torn += 1
    except csv.Error as error:
        raise SourceError(f"cannot read {path}: {error}") from error
    return marks, torn


def _mended(text: str) -> str:
    """Return what is to stand before the next line: the end of a torn one, the names of the columns."""
    is_quoted = text.count('"') % 2 == 1
    end = f'"{_END}' if is_quoted else "" if text.endswith("\n") or not text else _END
    return end + ("" if _is_begun(text) else _HEADER + _END)
