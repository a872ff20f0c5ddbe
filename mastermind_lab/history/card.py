"""What a history shows of itself in a notebook: what it holds, of when, from where, and what it lacks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pyarrow.compute as pc

from ..errors import check_names
from ..frames import FRAMES, Account, times_of
from ..labels import apart
from ..text import harmless

if TYPE_CHECKING:
    from .history import History

_MOST = 5  # mixed columns that are named


def facts(history: History) -> dict[str, str]:
    """Count the rows of each frame, and say when the stream took the decisions, or they were published."""
    said = {name: f"{history.rows(name):,}" for name in FRAMES}
    times = history.select("decisions", ["streamed_at", "published_at"])
    word = "published" if times["streamed_at"].null_count == len(times) else "streamed"
    times = pc.min_max(times_of({"decisions": times})).as_py()
    if times["min"] is not None:
        said[word] = f"{times['min']:%Y-%m-%d %H:%M} to {times['max']:%Y-%m-%d %H:%M} UTC"
    return said


def card(history: History) -> str:
    """Return the facts as an HTML table, with the reasons of rejects and what is not here."""
    from html import escape  # here, because it loads every named character

    said = facts(history)
    check_names("rejects", history.rejects)
    reasons = history.rejects["reason"].value_counts()
    if len(reasons):
        said["rejects"] += f" ({', '.join(f'{n:,} {reason}' for reason, n in reasons.items())})"
    said |= _gone(history.account.joint().accounts)
    mixed = sorted(history.columns_of_kind("mixed", ["decisions"]))
    if mixed:
        named = ", ".join(apart(mixed[:_MOST], 40, harmless))
        said["mixed columns"] = named + (f" and {len(mixed) - _MOST} more" if len(mixed) > _MOST else "")
    said["from"] = "; ".join(history.coverage["source"].dropna().unique()[:3])
    rows = "".join(f"<tr><th>{escape(name)}</th><td>{escape(v)}</td></tr>" for name, v in said.items())
    return f"<table><caption>History</caption><tbody>{rows}</tbody></table>"


def _gone(accounts: Sequence[Account]) -> dict[str, str]:
    """Say what a history does not hold: nothing where nothing is left out; what is unknown is said to be."""
    left_out = _count([one.left_out for one in accounts])
    missing = _count([one.missing for one in accounts if one.certainty is not None])
    said = {"left out by limits": left_out, "gone before reading": missing}
    return {word: count for word, count in said.items() if count}


def _count(numbers: Sequence[int | None]) -> str:
    known = sum(number or 0 for number in numbers)
    return ", ".join([f"{known:,}"] * bool(known) + ["not known"] * (None in numbers))
