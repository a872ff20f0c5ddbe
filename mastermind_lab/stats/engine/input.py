"""What a summary reads: a history or a bare frame, and the columns to group by."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import wraps
from typing import Any, Protocol, TypeGuard, TypeVar, cast
from weakref import ref

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...errors import OptionError, check_names, column_advice
from ...labels import listed
from ...spelling import one_spelling
from ...text import without_markup
from .bootstrap import Floats

By = str | Sequence[str] | None

TEXT = pd.StringDtype("pyarrow", na_value=np.nan)
"""Texts as pandas keeps them; ``"str"`` means something else where pandas is told not to infer them."""


class History(Protocol):
    """Anything that holds these two frames."""

    @property
    def decisions(self) -> pd.DataFrame:
        """One row a decision."""

    @property
    def votes(self) -> pd.DataFrame:
        """One row a vote, joined by ``stream_id``."""


Data = History | pd.DataFrame

Total = TypeVar("Total")


class Scan(Protocol):
    """A history in batches, wherever they are counted: ``fold`` merges what ``count`` makes of each."""

    @property
    def partitions(self) -> Sequence[Any]:
        """What can be read alone."""

    def __iter__(self) -> Iterator[Any]:
        """Read batch by batch, each a history."""

    def fold(self, count: Callable[[Any], Total], columns: Iterable[str] = ()) -> Total:
        """Count all batches; ``columns`` are needed, though not every batch may have them."""


Source = Data | Scan
"""What a summary can be counted from."""


def is_scan(data: object) -> TypeGuard[Scan]:
    """Tell a scan from a history or a frame, without looking at any frame."""
    return hasattr(data, "partitions")


def frame_of(data: Data, name: str, needed: Iterable[str]) -> pd.DataFrame:
    """Return a bare frame, or the history's frame of that name; what says nothing is missing in it.

    Raises
    ------
    OptionError
        If it is neither, or lacks the frame or a needed column, or two columns have one name, or columns have
        levels.
    """
    # The frame that is needed and no other: a history makes each when it is first looked at.
    frame = data if isinstance(data, pd.DataFrame) else getattr(data, name, None)
    if not isinstance(frame, pd.DataFrame):
        if not hasattr(type(data), "decisions") and not hasattr(data, "decisions"):
            raise OptionError(f"expected a history or its {name} frame, not {type(data).__name__}")
        raise OptionError(f"this history has no {name} frame, which is needed here")
    called = "the frame" if frame is data else name
    if (levels := frame.columns.nlevels) > 1:
        raise OptionError(f"{called} has columns of {levels} levels: give each one text as its name")
    if not frame.columns.is_unique:
        check_names(called, frame.columns)
    missing = [column for column in needed if column not in frame.columns]
    if missing:
        raise OptionError(f"no column {', '.join(missing)}: expected a history's {name} frame")
    blank = {column: are_blank(frame[column]) for column in _SAID if column in frame.columns}
    some = {column: frame[column].mask(rows) for column, rows in blank.items() if rows.any()}
    return frame.assign(**some) if some else frame


_SAID = ("question", "recommendation", "correct_choice", "voter", "choice", "source")


_BUT_FOR_TAGS = "(?:[^A-Za-z0-9]|<[^<>]*>|&#?[A-Za-z0-9]+;?)*"

_FEW = 500
"""So many texts are looked through one by one in less time than a look at a column takes."""


def once_for_texts(look: Callable[[pd.Series], NDArray[Any]]) -> Callable[[pd.Series], NDArray[Any]]:
    """Keep what is found in a column of texts for as long as its Arrow data, which nobody changes, are there.

    Several summaries of one history look through the same columns. What is returned is not to be written to.
    """
    known: dict[int, tuple[ref[Any], NDArray[Any]]] = {}

    @wraps(look)
    def looked(texts: pd.Series) -> NDArray[Any]:
        if not isinstance(texts.dtype, pd.StringDtype):
            return look(texts)
        data = cast(Any, texts.array).__arrow_array__()
        place = id(data)
        there, found = known.get(place, (None, None))
        if there is None or there() is not data or found is None:
            found = look(texts)
            found.flags.writeable = False
            known[place] = ref(data, lambda _: known.pop(place, None)), found
        return found

    return looked


@once_for_texts
def are_blank(texts: pd.Series) -> NDArray[np.bool_]:
    """Say where a text has nothing but white space and tags: it says nothing, so that it is a missing one."""
    some = texts
    if len(texts) > _FEW and isinstance(texts.dtype, pd.StringDtype):
        # Of a text that may be blank "", "<" or "&" is left first, and no letter beside tags and entities.
        some = texts[(texts.str.lstrip() < "=").to_numpy(dtype=bool, na_value=False)]
        some = some[some.str.fullmatch(_BUT_FOR_TAGS).to_numpy(dtype=bool, na_value=False)]
    blanks = [one for one in some.unique() if isinstance(one, str) and not without_markup(one).strip()]
    return texts.isin(blanks).to_numpy(dtype=bool) if blanks else np.zeros(len(texts), dtype=bool)


def names_of(by: By, taken: Iterable[str] = (), option: str = "by") -> tuple[str, ...]:
    """Return the columns to group by, or that another option names, as a tuple; None is no column.

    Raises
    ------
    OptionError
        If a name is no text, comes twice, or is taken for a key of the subject's own; or it is a column.
    """
    if isinstance(by, pd.Series):
        raise OptionError(f"{option} takes column names, not a column itself: write {option}={by.name!r:.60}")
    if not isinstance(by, str | Iterable | None):
        raise OptionError(f"{option} takes column names, not {by!r:.60}")
    names = () if by is None else (by,) if isinstance(by, str) else tuple(by)
    for name in names:
        if not isinstance(name, str):
            raise OptionError(f"{option} takes column names, not {name!r:.60}")
        if name in taken:
            raise OptionError(
                f"by={name!r} does not group anything here: the table has a column {name!r} anyway"
            )
    if len(set(names)) < len(names):
        raise OptionError(f"{option} names a column twice: {', '.join(names):.200}")
    return names


def keys_of(frame: pd.DataFrame, by: tuple[str, ...]) -> pd.DataFrame:
    """Return the columns to group by; an empty frame, which may not have grown them yet, is given them.

    Raises
    ------
    OptionError
        If the frame has rows and lacks a column (the message names the nearest one), or one holds lists.
    """
    if frame.empty:
        return frame.reindex(columns=list(by))
    for name in by:
        if name not in frame.columns:
            raise unknown(name, frame.columns)
    return _spelled_alike(frame[list(by)])


def vote_keys_of(data: Data, votes: pd.DataFrame, by: tuple[str, ...]) -> pd.DataFrame:
    """Return the columns to group votes by: each from ``votes`` or, given a history, else from ``decisions``.

    Raises
    ------
    OptionError
        If neither has a column.
    """
    joined = [name for name in by if name not in votes.columns]
    if isinstance(data, pd.DataFrame) or not joined:
        return keys_of(votes, by)
    decisions = frame_of(data, "decisions", ("stream_id",)).drop_duplicates("stream_id")
    for name in joined:
        if len(decisions) and name not in decisions.columns:
            raise unknown(name, dict.fromkeys([*votes.columns, *decisions.columns]))
    found = decisions.set_index("stream_id").reindex(columns=joined).reindex(votes["stream_id"])
    return _spelled_alike(pd.concat([votes, found.set_index(votes.index)], axis=1)[list(by)])


def key_text(value: Any) -> str:
    """Spell a value as a text, alike whichever type its column has in a batch: texts stay, 7.0 is 7."""
    plain = value.item() if isinstance(value, np.generic) else value
    if isinstance(plain, float):
        plain += 0.0  # -0.0 is in the group of 0.0
    return json.dumps(one_spelling(plain)) if isinstance(plain, bool | int | float) else str(plain)


def key_texts(values: pd.Series) -> pd.Series:
    """Turn keys into texts; missing ones stay missing."""
    texts = [None if missing else key_text(key) for key, missing in zip(values, values.isna(), strict=True)]
    return pd.Series(texts, values.index, TEXT, values.name)


def without_categories(keys: pd.Series) -> pd.Series:
    """Return keys that are categories as what these are."""
    if not isinstance(keys.dtype, pd.CategoricalDtype):
        return keys
    categories = pd.Series(keys.cat.categories)
    if categories.dtype.kind == "i":
        categories = categories.astype("Int64")  # or a missing one would make floats of them
    return categories.reindex(keys.cat.codes).set_axis(keys.index)


def is_mixed(*columns: pd.Series) -> bool:
    """Tell whether keys of one column, in several batches, are texts, numbers, truth values or others mixed.

    Only all of them as text then keep 7 and "7" one group, True and 1 two, as a history's mixed column does.
    So are numbers that a column of floats would not hold exactly.
    """
    kinds = set().union(*map(_kinds, columns))
    if kinds == {"number"}:
        known = [column.dropna() for column in columns if column.notna().any()]
        whole = [column for column in known if column.dtype.kind == "i"]
        return len(whole) < len(known) and not all(map(_are_floats, whole))
    return len(kinds) > 1


def _spelled_alike(keys: pd.DataFrame) -> pd.DataFrame:
    floats = [name for name in keys if keys[name].dtype.kind == "f"]
    keys = keys.assign(**{str(name): keys[name] + 0.0 for name in floats}) if floats else keys  # no -0.0
    loose = {name: _kinds(_different(keys[name])) for name in keys if _different(keys[name]).dtype == object}
    for name, kinds in loose.items():
        if "list" in kinds:
            raise OptionError(
                f"{name!r:.80} holds lists or dicts, which make no groups: turn them into texts (astype(str))"
            )
    mixed = [name for name, kinds in loose.items() if len(kinds) > 1]
    return keys.assign(**{str(name): key_texts(keys[name]) for name in mixed}) if mixed else keys


def _different(keys: pd.Series) -> pd.Series:
    return pd.Series(keys.cat.categories) if isinstance(keys.dtype, pd.CategoricalDtype) else keys


_KINDS = {"b": "boolean", "i": "number", "u": "number", "f": "number", "U": "text"}


def _kinds(values: pd.Series) -> set[str]:
    if isinstance(values.dtype, pd.StringDtype):
        return {"text"}  # although all may be missing here, there were texts in the column
    if values.dtype == object:
        return set(map(_kind, set(map(type, values.dropna()))))
    return set() if values.isna().all() else {_KINDS.get(values.dtype.kind, "other")}


def _kind(of: type) -> str:
    if issubclass(of, bool | np.bool_):
        return "boolean"
    if of.__hash__ is None:
        return "list"
    return "number" if issubclass(of, int | float | np.number) else "text" if issubclass(of, str) else "other"


def _are_floats(integers: pd.Series) -> bool:
    return all(int(float(number)) == number for number in integers.tolist())


def outcomes_of(decisions: pd.DataFrame) -> pd.Series:
    """Return the correct choice of each decision, missing where there is no outcome.

    An empty frame, which no outcomes could be joined to, has none.

    Raises
    ------
    OptionError
        If outcomes were not joined to the decisions.
    """
    if "correct_choice" in decisions.columns:
        return decisions["correct_choice"]
    if len(decisions):
        raise OptionError(
            "no column correct_choice in decisions: join what turned out to be right first, with "
            'with_outcomes(history, "outcomes.csv")'
        )
    return pd.Series([], index=decisions.index, dtype=TEXT)


def unknown(name: str, columns: Iterable[str], most: int = 25) -> OptionError:
    """Make the error for a column that is not there."""
    there = list(map(str, columns))
    hint = f"{advice} " if (advice := column_advice(name, there)) else ""
    return OptionError(f"no column {name[:80]!r}: {hint}there are {listed(there, most)}")


def shares_of(frame: pd.DataFrame, column: str) -> Floats:
    """Return a column of numbers from 0 to 1 as floats, NaN where missing.

    Raises
    ------
    OptionError
        If it holds anything else.
    """
    values = _numbers(frame, column, np.nan)
    outside = values[(values < 0) | (values > 1)]
    if outside.size:
        raise OptionError(
            f"{column} runs from 0 to 1, but {outside.size:,} values lie outside, like {outside[0]:g}"
        )
    return values


def weights_of(votes: pd.DataFrame) -> Floats:
    """Return the votes' weights; a missing one is 1, as on the wire.

    Raises
    ------
    OptionError
        If one is negative, infinite or no number.
    """
    if "weight" not in votes.columns:
        return np.ones(len(votes))
    weights = _numbers(votes, "weight", 1.0)
    if not (np.isfinite(weights) & (weights >= 0)).all():
        raise OptionError("weight must be finite and not negative")
    return weights


def _numbers(frame: pd.DataFrame, column: str, missing: float) -> Floats:
    try:
        return frame[column].to_numpy(dtype=np.float64, na_value=missing)
    except (TypeError, ValueError) as error:
        raise OptionError(f"{column} holds values that are no numbers: {error!s:.200}") from error
