"""What all summaries share: options must agree, sums add up, small groups become one, a table is shown."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import partial, wraps
from importlib import import_module
from inspect import Signature, signature
from itertools import chain
from types import FunctionType, ModuleType
from typing import Any, ClassVar, Concatenate, NoReturn, ParamSpec, Self, TypeVar, cast

import numpy as np
import pandas as pd

from ...errors import OptionError
from .arithmetic import plain_arithmetic
from .bootstrap import Floats
from .debate_rounds import ROUNDS
from .display import as_html, as_text, cut
from .estimate import SMALL_N, Estimate
from .identity import VOTER
from .input import TEXT, Data, Source, is_scan, names_of
from .intervals import Figure, Intervals
from .options import check_whole
from .renamed import Renamed
from .repeats import QUESTION, Repeats
from .sums import GroupedSums, grouped, with_columns
from .vocabulary import Vocabulary

_OF_INTERVALS = {
    "interval": "that is for means and shares of decisions with known bounds, which its figures are not all",
    "family": "its intervals are made in one way only",
}
_SUBJECTS = __name__.removesuffix(".engine.summary")


@dataclass(frozen=True, eq=False, repr=False)
class Summary:
    """What was counted of some decisions: sums that add up when two are added, and the options they need.

    Fields that are :class:`GroupedSums`, ``repeats`` and ``vocabulary`` add up; every other is an option.

    The first of the sums has all the groups, and its first quantity is their size.

    Attributes
    ----------
    by
        The columns its groups come from; none for one group of everything.
    cluster
        The columns whose equal values are drawn together; none where each decision is drawn by itself.
    intervals
        How intervals are made.
    repeats
        The questions that were asked, where nothing is drawn or grouped by them.
    vocabulary
        The texts that it compares: choices, recommendations, outcomes.
    """

    # The fields are not what a user gives: that is what ``of`` takes.
    __signature__: ClassVar[Signature] = Signature()
    draws_questions: ClassVar[bool] = False

    by: tuple[str, ...]
    cluster: tuple[str, ...] = field(default=(), kw_only=True)
    intervals: Intervals = field(default=Intervals(), kw_only=True)
    repeats: Repeats = field(default_factory=Repeats, kw_only=True)
    vocabulary: Vocabulary = field(default_factory=partial(Vocabulary.of, pd.DataFrame()), kw_only=True)

    def __new__(cls, *values: Any, **named: Any) -> Self:
        """Refuse a call with anything but what was counted, and say what to write instead."""
        if not isinstance(values[0] if values else named.get("by"), tuple):
            raise TypeError(_advice(cls))
        return super().__new__(cls)

    def __getnewargs__(self) -> tuple[tuple[str, ...]]:
        return (self.by,)

    def __init_subclass__(cls) -> None:
        for name, member in [*vars(cls).items()]:
            if plain := _plain(member):
                setattr(cls, name, _with_its_groups(plain) if _makes_a_table(name, member) else plain)
        if cls.__module__.rpartition(".")[0] == _SUBJECTS:
            sys.modules[cls.__module__].__class__ = SubjectModule

    def table(self) -> pd.DataFrame:
        """Return the figures: each statistic says which rows and columns."""
        raise NotImplementedError

    @property
    def n(self) -> int:
        """How many decisions were counted."""
        return int(next(iter(sums_of(self).values())).cells[:, 0, 0].sum())

    def __repr__(self) -> str:
        return as_text(*self._titled())

    def _repr_html_(self) -> str:
        return as_html(*self._titled())

    def _titled(self) -> tuple[str, pd.DataFrame]:
        table = self.table()
        few = f"; small_n: fewer than {SMALL_N}" if "small_n" in table and table["small_n"].any() else ""
        return f"{self._title()}{few}", table

    def _title(self) -> str:
        by = f" by {', '.join(map(cut, self.by))}" if self.by else ""
        return "; ".join([f"{type(self).__name__}{by}: n = {self.n:,} {self._counts()}", *self.notes])

    @property
    def notes(self) -> tuple[str, ...]:
        """What must be known of the figures: clusters are drawn, or should be; texts match nothing."""
        clusters = [f"drawn by {', '.join(map(cut, self.cluster))}"] if self.cluster else []
        repeats = filter(None, [str(self.repeats)])
        return (*self.intervals.notes, *clusters, *repeats, *self.vocabulary.notes())

    @property
    def _compared(self) -> tuple[str, ...]:
        """The columns of texts that are compared with each other, or among themselves."""
        return ()

    def unmatched(self) -> pd.DataFrame:
        """Return what was compared and matches nothing: one row a text.

        A recommendation that equals no choice that anybody ever voted for is not followed, wrong or changed:
        it was not spelled as votes are. An outcome that nobody ever voted for, or recommended, may be.

        Returns
        -------
        DataFrame
            ``column``, recommendation or correct_choice; ``text``; ``n`` decisions that have it; ``near``,
            what it may have been meant for: the choice (without votes, the recommendation) that is spelled
            nearly so, such as "yes" for "YES " or "1" for "1.0". Of more than 1,000 different texts those
            of 1,000 are looked at.
        """
        return self.vocabulary.unmatched()

    def _counts(self) -> str:
        """Name what n counts."""
        return "decisions"

    @plain_arithmetic
    def __add__(self, other: Self) -> Self:
        if type(other) is not type(self):
            return NotImplemented
        for name in _options(self):
            mine, theirs = getattr(self, name), getattr(other, name)
            if mine != theirs:
                raise OptionError(f"summaries with {name}={mine!r:.200} and {theirs!r:.200} do not merge")
        added = {name: sums + getattr(other, name) for name, sums in sums_of(self).items()}
        every = next(iter(added.values())).keys if added else pd.DataFrame()
        spelled = {name: sums.spelled_like(every) for name, sums in added.items()}
        seen = {name: getattr(self, name) + getattr(other, name) for name in ("repeats", "vocabulary")}
        return replace(self, **cast(Any, seen | spelled))

    def __radd__(self, other: int) -> Self:
        # sum() begins with the number 0.
        return self if other == 0 else NotImplemented

    @plain_arithmetic
    def lump(self, most: int = 8) -> Self:
        """Label each group by one text and, where there are more than ``most``, make the smallest one group.

        The result is for reading. Its intervals are counted anew from the sums, and its groups stand in one
        column ``group``, so that it does not merge with one that has them all.

        Parameters
        ----------
        most
            Groups to have at most, 2 or more; the last then is "k others".
        """
        found = sums_of(self)
        labels = kept(sizes_of(next(iter(found.values())), self.by), most)
        lumped = {name: relabelled(sums, self.by, "group", labels) for name, sums in found.items()}
        return replace(self, by=("group",), **cast(Any, lumped))

    fold = Renamed("lump")


class SubjectModule(ModuleType):
    """The module of a statistic, which somebody may take for the function that counts it."""

    def __call__(self, *_: Any, **__: Any) -> NoReturn:
        """Say which class counts, and how."""
        kinds = (kind for kind in vars(self).values() if isinstance(kind, type) and issubclass(kind, Summary))
        raise TypeError(_advice(next(kind for kind in kinds if kind.__module__ == self.__name__)))

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        """Let functions that name the module travel to Dask's workers, as with a plain one."""
        return import_module, (self.__name__,)


def _makes_a_table(name: str, member: Any) -> bool:
    is_method = isinstance(member, FunctionType) and name[0] != "_"
    return is_method and member.__annotations__.get("return") == "pd.DataFrame"


def _with_its_groups(table: Callable[..., pd.DataFrame]) -> Callable[..., pd.DataFrame]:
    """Refuse a table in which a figure stands where the group of its rows should."""
    own: dict[type, frozenset[Any]] = {}

    @wraps(table)
    def checked(self: Summary, *args: Any, **options: Any) -> pd.DataFrame:
        if self.by and type(self) not in own:
            bare = _grouped_otherwise(self)
            own[type(self)] = frozenset(table(bare, *args, **options)) - {*bare.by}
        if taken := own.get(type(self), frozenset()) & {*self.by}:
            raise OptionError(
                f"by={min(taken)!r:.80}: {type(self).__name__} has a figure of that name: rename the column"
            )
        return table(self, *args, **options)

    return checked


def _grouped_otherwise(summary: Kind) -> Kind:
    """Return a summary of nothing, whose groups come from columns that no figure is called as."""
    other = {name: f"by {name}" for name in summary.by}
    none = {name: sums.take(np.zeros(len(sums.cells), np.bool_)) for name, sums in sums_of(summary).items()}
    named = {name: replace(sums, keys=sums.keys.rename(columns=other)) for name, sums in none.items()}
    return replace(summary, by=tuple(other.values()), **cast(Any, named))


def _plain(member: Any) -> Any:
    """Let what a subject computes be the same, whatever numpy was told; None for what is data."""
    if isinstance(member, property):
        return property(plain_arithmetic(cast(Any, member.fget)))
    if isinstance(member, classmethod | staticmethod):
        return type(member)(plain_arithmetic(cast(Any, member.__func__)))
    return plain_arithmetic(member) if isinstance(member, FunctionType) else None


def _advice(kind: type[Summary]) -> str:
    name = kind.__name__
    return f'to count, write {name}.of(history), or {name}.of(history, by="meta.model")'


Options = ParamSpec("Options")
Kind = TypeVar("Kind", bound=Summary)


def over_batches(
    of: Callable[Concatenate[type[Kind], Data, Options], Kind],
) -> Callable[Concatenate[type[Kind], Source, Options], Kind]:
    """Let a subject's ``of`` take a scan: its batches are counted where they are, and merged."""

    @wraps(of)
    def counted_over(
        cls: type[Kind], data: Source, /, *args: Options.args, **options: Options.kwargs
    ) -> Kind:
        _refuse_unknown(cls, of, options)
        if not is_scan(data):
            batch = _with_columns(cast(Data, data), options)
            return _with_texts(of(cls, batch, *args, **options), batch)
        # The bound method, not the function: it is pickled by its name.
        count = partial(_count, cast(Any, cls).of, args, options)
        total: Kind = data.fold(count, columns_in(options))
        return total

    return counted_over


def _refuse_unknown(kind: type[Summary], of: Callable[..., Any], options: Mapping[str, Any]) -> None:
    """Refuse what intervals may be made by in other subjects, but not in this one.

    Raises
    ------
    OptionError
        Always then.
    """
    for name, why in _OF_INTERVALS.items():
        if name in options and name not in signature(of).parameters:
            raise OptionError(f"{kind.__name__} takes no {name}: {why}")


def _with_texts(summary: Kind, batch: Data) -> Kind:
    """Note what a batch compares, and the questions it is on, if its summary takes no account of these."""
    found = replace(summary, vocabulary=Vocabulary.of(batch, summary._compared))
    if summary.cluster or QUESTION in summary.by or summary.draws_questions:
        return found
    return replace(found, repeats=Repeats.of(batch))


def columns_in(options: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the columns that options name: to group, watch, draw or tell voters by, or of rounds."""
    single = (options.get("voter", VOTER), options.get("rounds", ROUNDS))
    named = [one for one in single if isinstance(one, str) and one not in (VOTER, ROUNDS)]
    several = (names_of(options.get(name), option=name) for name in ("by", "watch", "cluster"))
    return tuple(dict.fromkeys((*chain.from_iterable(several), *named)))


def _with_columns(data: Data, options: Mapping[str, Any]) -> Data:
    """Let a history look for a column that is asked for and for which it had no room."""
    if not hasattr(data, "with_late_columns"):
        return data
    return cast(Data, cast(Any, data).with_late_columns(columns_in(options)))


def _count(of: Callable[..., Kind], args: tuple[Any, ...], options: dict[str, Any], batch: Any) -> Kind:
    return of(batch, *args, **options)


@dataclass(frozen=True, eq=False, repr=False)
class Voted(Summary):
    """A summary of votes: one of its sums counts, as ``repeated``, who voted more than once.

    Attributes
    ----------
    voter
        The column of ``votes`` that tells voters apart.
    """

    voter: str = field(default=VOTER, kw_only=True)

    @property
    def repeated(self) -> int:
        """How often a voter voted more than once in a decision."""
        counts = (sums["repeated"] for sums in sums_of(self).values() if "repeated" in sums.names)
        return int(next(counts)[:, 0].sum())


def overall(
    divide: Callable[..., Figure],
    sums: GroupedSums,
    top: str,
    bottom: str,
    *,
    behind: GroupedSums | None = None,
    n: str | None = None,
    **options: Any,
) -> Estimate:
    """Divide two quantities over all groups, as one of the :class:`Intervals` does.

    n is the bottom one or, where that does not count observations, another, in the same or other sums.
    """
    whole = sums.marginalize(())
    counts = whole if behind is None else behind.marginalize(())
    observations = whole.independent(counts[n or bottom][:, 0])
    return divide(whole[top], whole[bottom], observations, **options).estimate(observations)


def without_clusters(figure: Figure, cluster: tuple[str, ...]) -> Figure:
    """Leave out intervals that would take the decisions of one cluster for independent."""
    return figure.where(np.zeros(len(figure.value), dtype=np.bool_)) if cluster else figure


def counted(values: Floats) -> pd.Series:
    """Return counts as a column of whole numbers."""
    return pd.Series(values.round(), dtype="int64")


def sums_of(summary: Summary) -> dict[str, GroupedSums]:
    """Return all its sums, by the names of their fields."""
    found = {field.name: getattr(summary, field.name) for field in fields(summary)}
    return {name: value for name, value in found.items() if isinstance(value, GroupedSums)}


def _options(summary: Summary) -> list[str]:
    named = {field.name: getattr(summary, field.name) for field in fields(summary)}
    return [
        name for name, value in named.items() if not isinstance(value, GroupedSums | Repeats | Vocabulary)
    ]


def groups_in(summary: Summary) -> int:
    """Count the groups, without making a table of them."""
    return len(sizes_of(next(iter(sums_of(summary).values())), summary.by))


def texts_of(keys: pd.DataFrame) -> pd.Series:
    """Word each group: its values, one after the other, so that different groups have different words."""
    if keys.columns.empty:
        return pd.Series(["all"] * len(keys), dtype="object")
    word = partial(_text, between=_BETWEEN.strip() if len(keys.columns) > 1 else _MISSING)
    rows = [_BETWEEN.join(map(word, row)) for row in keys.itertuples(index=False)]
    return pd.Series(rows, dtype="object")


_BETWEEN, _MISSING = " · ", "(missing)"
REST = re.compile(r"[\d,]+ others")


def _text(value: Any, between: str) -> str:
    """Write a value; a text that is not what it would look like has quotes."""
    if pd.isna(value):
        return _MISSING
    text = str(value)
    looks_alike = text != text.strip() or text[:1] == '"' or text == _MISSING or between in text
    return json.dumps(text, ensure_ascii=False) if looks_alike or REST.fullmatch(text) else text


def sizes_of(sums: GroupedSums, columns: tuple[str, ...]) -> pd.Series:
    """Label the groups that some key columns make, and give the size of each: its first quantity."""
    groups, codes = grouped(sums.keys[list(columns)])
    sizes = np.bincount(codes, sums.cells[:, 0, 0], len(groups))
    labelled = pd.Series(sizes, index=pd.Index(texts_of(groups), dtype="object"))
    return labelled if labelled.index.is_unique else labelled.groupby(level=0, sort=False).sum()


def kept(sizes: pd.Series, most: int) -> list[str]:
    """Choose the labels of the largest, in the order they have; a last one stands for those left out.

    Raises
    ------
    OptionError
        If ``most`` is no whole number from 2.
    """
    check_whole("the number of groups to keep", most, 2)
    if len(sizes) <= most:
        return list(sizes.index)
    large = set(sizes.nlargest(most - 1).index)
    return [*(label for label in sizes.index if label in large), others(len(sizes) - len(large))]


GROUP_OF = "group of its own"
"""The key column that tells the groups apart which others were put together of."""


def kept_apart(keys: pd.DataFrame, by: tuple[str, ...]) -> pd.DataFrame:
    """Note which group each row is of, so that it is still known where groups have been put together."""
    if not by or GROUP_OF in keys:
        return keys
    groups, codes = grouped(keys[list(by)])
    return with_columns(keys, **{GROUP_OF: texts_of(groups).array[codes]})


def with_labels(summary: Kind, column: str, labels: list[str]) -> Kind:
    """Label the values of one key column in all sums that have it, as :func:`relabelled` does."""
    found = {
        name: relabelled(sums, (column,), column, labels)
        for name, sums in sums_of(summary).items()
        if column in sums.keys
    }
    return replace(summary, **cast(Any, found))


def others(n: int) -> str:
    """Return the label of so many that are put together."""
    return f"{n:,} others"


def relabelled(sums: GroupedSums, columns: tuple[str, ...], name: str, labels: list[str]) -> GroupedSums:
    """Put one column of labels in place of some key columns; what has no label of its own gets the last."""
    if not columns:  # one group, whose sums stay as they are
        first = np.zeros(len(sums.keys), dtype=np.int8)
        alike = pd.Categorical.from_codes(first, categories=pd.Index(labels, dtype=TEXT))
        keys = pd.DataFrame({name: alike, **sums.keys}, index=sums.keys.index)
        return replace(sums, keys=keys)
    groups, codes = grouped(sums.keys[list(columns)])
    texts = texts_of(groups)
    known = texts.where(texts.isin(labels), labels[-1] if labels else "")[codes]
    place = list(sums.keys.columns).index(columns[0])
    keys = sums.keys.drop(columns=list(columns))
    keys.insert(
        place,
        name,
        pd.Series(pd.Categorical(known, categories=pd.Index(labels, dtype=TEXT)), index=keys.index),
    )
    return sums.rekey(keys)
