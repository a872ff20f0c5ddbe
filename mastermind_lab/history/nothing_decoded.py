"""Where a source had entries and none of them could be decoded, that is said aloud."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from ..errors import NothingDecodedWarning, callers_level
from ..frames import Coverage
from ..ndjson import row_hint
from ..text import terminal_line
from .history import History

_NAMED = 3  # sources
_WITHOUT_DECISION = ("decision: Field required", "decision: Input should be")  # as pydantic says it


@dataclass(frozen=True)
class Decoding:
    """Whether anything could be decoded of what was read, and if not, what became of it; it adds up."""

    succeeded: bool = False
    rejects: int = 0
    first: str = ""

    @classmethod
    def of(cls, decisions: int, rejects: pa.Table, coverage: Coverage) -> Decoding:
        """Look at some entries, as they were read."""
        # Of a file's lines, what limits leave out was decoded before: its time tells.
        left_out = any(one.left_out for one in coverage.accounts if one.stream is None)
        if decisions or left_out or not rejects.num_rows:
            return cls(bool(decisions or left_out), rejects.num_rows)
        first = rejects.slice(0, 1).to_pylist()[0]
        said = f"The first, {first['stream_id']}, is {first['reason']}: {first['detail']}"
        return cls(False, rejects.num_rows, said + _hint(first, coverage))

    def __add__(self, other: Decoding) -> Decoding:
        return Decoding(
            self.succeeded or other.succeeded, self.rejects + other.rejects, self.first or other.first
        )

    def warn(self, coverage: Coverage) -> None:
        """Warn if there were entries and nothing could be decoded."""
        if self.succeeded or not self.rejects:
            return
        sources = list(dict.fromkeys(one.source for one in coverage.accounts if one.source))
        where = ", ".join(sources[:_NAMED]) + ", ..." * (len(sources) > _NAMED)
        entries = "the only entry" if self.rejects == 1 else f"any of the {self.rejects:,} entries"
        said = f"could not decode {entries} of {where}. {self.first}"
        warnings.warn(terminal_line(said, 1_000), NothingDecodedWarning, stacklevel=callers_level())


def _hint(first: dict[str, Any], coverage: Coverage) -> str:
    """Say what to do where a file's first entry has no decision in it, as a row of a table has none."""
    is_without = first["reason"] == "invalid" and first["detail"].startswith(_WITHOUT_DECISION)
    of_stream = all(one.stream is not None for one in coverage.accounts)
    hint = row_hint(first["payload"] or b"") if is_without and not of_stream else ""
    return f". {hint}" if hint else ""


def warned(history: History) -> History:
    """Return what a caller of this package's has read, with the warning if it is due."""
    if history.is_empty("decisions") and not history.is_empty("rejects"):
        Decoding.of(0, history.table("rejects"), history.account).warn(history.account)
    return history
