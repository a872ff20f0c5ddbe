"""History: five frames, each made when it is first looked at, and an account of what they cover."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from inspect import currentframe
from itertools import count
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from .. import ndjson
from ..decode import is_shared
from ..envelope import DecisionEnvelope, validate
from ..errors import OptionError, check_names
from ..frames import (
    FRAMES,
    PAYLOADS,
    Coverage,
    LazyCoverage,
    LazyTables,
    Tables,
    check_joined,
    columns_of_kind,
    id_parts,
    ids_in_order,
    ids_of,
    oldest_first,
    other_decisions,
    recounted,
    renumber,
    shared,
    shown_columns,
    table_of,
    to_pandas,
    union,
    with_other_ids,
)
from ..storage import is_url
from .card import card, facts
from .decision import DecisionCard, DecisionCards, card_of, cards_of
from .derived import check_rule, with_derived
from .encoded import encode, envelopes_of, payloads_as_in, rebuilt
from .late_columns import late_columns
from .tidy import tidy, write_csv
from .where import chosen, in_words, quoted_names, reach, variables


class History:
    """Decisions of a panel, whatever source they were read from.

    A frame is made when it is first looked at, and kept. From then on it is yours: a column that you add, or
    rows that you change, are what is saved, merged, exported and counted; in what is saved or merged,
    ``n_votes`` and its like count the rows anew. To keep some decisions only, with their votes, citations and
    arguments, use :meth:`where`; rows that are dropped from ``decisions`` where it is leave them behind, and
    such a history is not saved, merged or exported.

    Attributes
    ----------
    decisions, votes, citations, arguments, rejects : DataFrame
        The five frames, oldest entry first, joined by ``stream_id``; :func:`mastermind_lab.dictionary`
        describes their columns. ``history["votes"]`` is the same as ``history.votes``.
    coverage : DataFrame
        A row a source: what was read, what the limits left out, what was gone before.
    payloads : DataFrame or None
        Each valid envelope's raw JSON, where ``payloads=True`` was asked for. What is saved, merged or
        exported of it follows the frames: of an entry that is gone there is none, and of one that was changed
        it is written anew.
    mixed_columns : frozenset of str
        The columns of texts that hold other values too: a text stands there as it is, ``7`` and ``[1]`` as
        their JSON. The card and :func:`mastermind_lab.dictionary` name them too.
    json_columns : frozenset of str
        The columns all of whose text is JSON: of lists, or of numbers beside true and false.

    Examples
    --------
    >>> import mastermind_lab as lab
    >>> history = lab.sample()
    >>> bool(history.decisions["confidence"].between(0, 1).all())
    True
    >>> len(history.where("confidence > 0.9")) < len(history)
    True
    """

    def __init__(
        self, tables: Mapping[str, pa.Table], coverage: Coverage | LazyCoverage | None = None
    ) -> None:
        self._tables, self._as_read = LazyTables.of(tables), coverage or Coverage()
        self._frames: dict[str, pd.DataFrame] = {}
        self._covered: pd.DataFrame | None = None

    @property
    def decisions(self) -> pd.DataFrame:
        """One row a decision."""
        return self["decisions"]

    @property
    def votes(self) -> pd.DataFrame:
        """One row a vote."""
        return self["votes"]

    @property
    def citations(self) -> pd.DataFrame:
        """One row a citation."""
        return self["citations"]

    @property
    def arguments(self) -> pd.DataFrame:
        """One row a node of an argument tree."""
        return self["arguments"]

    @property
    def rejects(self) -> pd.DataFrame:
        """One row an entry that could not be decoded."""
        return self["rejects"]

    @property
    def payloads(self) -> pd.DataFrame | None:
        """Each valid envelope's raw JSON, or None where it was not kept."""
        return self[PAYLOADS] if PAYLOADS in self._tables else None

    @property
    def coverage(self) -> pd.DataFrame:
        """What was read and what was not, a row a source."""
        if self._covered is None:
            self._covered = self.account.frame()
        return self._covered

    @property
    def account(self) -> Coverage:
        """The coverage as a value that adds up, with what was changed in the frame."""
        told = self._told()
        return told.made() if isinstance(told, LazyCoverage) else told

    def _told(self) -> Coverage | LazyCoverage:
        return self._as_read if self._covered is None else Coverage.of_frame(self._covered)

    @property
    def mixed_columns(self) -> frozenset[str]:
        """The columns of texts among which other values stand as their JSON."""
        return self.columns_of_kind("mixed")

    @property
    def json_columns(self) -> frozenset[str]:
        """The columns all of whose text is JSON."""
        return self.columns_of_kind("json")

    def columns_of_kind(self, kind: str, frames: Iterable[str] = FRAMES) -> frozenset[str]:
        """Name the columns of some frames that came as ``mixed``, or ``json``."""
        return frozenset().union(*(columns_of_kind(self._tables[name], kind) for name in frames))

    def __getitem__(self, name: str) -> pd.DataFrame:
        """Return a frame by its name."""
        if name not in (*FRAMES, PAYLOADS):
            raise OptionError(f"no frame {name!r:.80}: there are {', '.join(FRAMES)}")
        if name not in self._frames:
            if name not in self._tables:
                raise OptionError("this history has no raw payloads: read it with payloads=True")
            # Of two threads that make it at once, both get the first.
            self._frames.setdefault(name, to_pandas({name: self._tables[name]})[name])
        return self._frames[name]

    def tables(self) -> Tables:
        """Return the frames as Arrow tables, each in the order of ids, whatever order a frame was put in.

        Raises
        ------
        OptionError
            A frame was changed so that no table can hold it, or has rows of an entry that is gone, or a raw
            payload cannot follow what was changed; the message names the column, the row or the entry.
        """
        tables = self._frame_tables()
        if PAYLOADS in self._tables:
            tables[PAYLOADS] = self.table(PAYLOADS)
            if self._frames:
                tables[PAYLOADS] = oldest_first(payloads_as_in(tables, self._before()))
        return tables

    def _frame_tables(self) -> Tables:
        """Return the tables of the five frames, if what belongs together is still there together."""
        tables = {name: self.table(name) for name in FRAMES}
        if self._frames:
            check_joined(tables)
            tables = recounted(tables, self._before())
        return tables

    def _before(self) -> Tables:
        """Return the tables from which the frames were made that somebody has looked at."""
        return {name: self._tables[name] for name in FRAMES if name in self._frames}

    def table(self, name: str) -> pa.Table:
        """Return one frame as an Arrow table, with what was changed in it.

        A column ``<name>..is_text`` marks the texts of a mixed column that would read as JSON.
        """
        if name not in self._frames:
            return self._tables[name]
        return table_of(name, self._frames[name], self._tables[name])

    def columns(self, name: str) -> list[str]:
        """Name the columns of a frame, without making it."""
        if name in self._frames:
            return list(self._frames[name].columns)
        return shown_columns(self._tables[name].column_names)

    def with_frames(self, *, coverage: Coverage | None = None, **frames: pd.DataFrame) -> Self:
        """Return a history that has other frames in place of some of these; this one stays as it is.

        Where ``decisions`` has no more all entries, all that belongs to these is left out too, as with
        :meth:`where`.
        """
        for name, frame in frames.items():
            if not isinstance(frame, pd.DataFrame):
                raise OptionError(f"{name} must be a DataFrame, this is a {type(frame).__name__}")
            check_names(name, frame)
        others = {name: frame for name, frame in self._frames.items() if name not in frames}
        kept = self._left_by(frames)
        if kept is None:
            made = type(self)(self._tables, coverage or self._told())
        else:
            account = self._told().narrowed(kept, "some were taken out of decisions")
            made = type(self)(self._tables.only(kept), coverage or account)
            # An entry that was added by hand, with its votes, is in no table yet.
            here = pa.concat_arrays([kept, ids_of("decisions", frames["decisions"])])
            others = {name: _rows_of(name, frame, here) for name, frame in others.items()}
        # Copies, which take no room until one of them is changed.
        made._frames = {name: frame.copy(deep=False) for name, frame in (others | frames).items()}
        return made

    def with_late_columns(self, names: Iterable[str]) -> Self:
        """Return a history whose decisions have these columns, too, if there was no room for them."""
        there = self.columns("decisions")
        wanted = {*names}.difference(there)
        if not wanted or not any(map(is_shared, there)):
            return self  # without a look at the votes, which would be loaded for it
        wanted = wanted.difference(self.columns("votes"))
        found = late_columns(self.decisions, wanted)
        return self.with_frames(decisions=self.decisions.assign(**found)) if found else self

    def _left_by(self, frames: Mapping[str, pd.DataFrame]) -> pa.Array | None:
        """Return the entries that new frames leave, oldest first; None where they are all there."""
        if "stream_id" not in frames.get("decisions", ()):
            return None
        left, before = ids_of("decisions", frames["decisions"]), self._tables["decisions"]["stream_id"]
        gone = before.filter(pc.invert(pc.is_in(before, left)))
        if not len(gone):
            return None
        there = ids_in_order({name: self._tables[name] for name in ("decisions", "rejects")})
        return there.filter(pc.invert(pc.is_in(there, gone.combine_chunks())))

    def __copy__(self) -> Self:
        return self.with_frames()

    def __getstate__(self) -> dict[str, Any]:
        """Return what a pickle holds: what was taken out of a frame, or written over, is in none of it."""
        if not self._frames and self._covered is None:
            return self.__dict__
        known = {name: {*self._tables[name].column_names} for name in self._tables}
        tables = {
            name: table.select([one for one in table.column_names if one in known[name]])
            for name, table in self.tables().items()
        }
        frames = {name: frame for name, frame in self._frames.items() if name != PAYLOADS}
        changed = {"_tables": LazyTables.of(tables), "_frames": frames, "_as_read": self._told()}
        return self.__dict__ | changed

    def where(self, condition: Any) -> Self:
        """Return a history of some decisions, with all that belongs to them.

        Parameters
        ----------
        condition
            A query over the columns of ``decisions``, ``"confidence > 0.9"``, as for
            :meth:`pandas.DataFrame.query` (a name with a dot stands between backticks:
            ``"`meta.model` == 'atlas-1'"``, ``@name`` is a variable of yours, and a time without a zone,
            ``"published_at >= '2026-11-01'"``, is UTC); a mask, one true or false a decision; ids:
            ``stream_id`` of entries, or a frame that has them; or a function that takes ``decisions`` and
            returns one of these. Where a mask does not know, the decision is left out: to a query, a number
            that is missing is neither equal nor unequal to 3, a missing text is unequal to every text,
            ``not in`` takes along what is missing, and ``cost.isna()`` chooses it. Of a snapshot, only ids
            and ``streamed_at`` tell which parts need not be opened; ``published_at`` does not.

        Returns
        -------
        History
            All five frames cut alike, and raw payloads where there are any. Rejects are kept where they are
            named by their ids. ``coverage`` says how many entries were left out, and by what.

        Raises
        ------
        OptionError
            The query cannot be read or names an unknown column, or a mask has another length.

        Examples
        --------
        >>> import mastermind_lab as lab
        >>> history = lab.sample().where("n_votes == 5")
        >>> set(history.votes["stream_id"]) <= set(history.decisions["stream_id"])
        True
        >>> history.coverage["limits"].tolist()
        ['where n_votes == 5']
        """
        near = self._near(condition)
        whole = near.with_late_columns(quoted_names(condition))
        ids = chosen(whole.decisions, condition, variables(condition, currentframe()))
        absent = len(pc.unique(ids)) - len(kept := near.among(ids))
        return near.cut(kept, in_words(condition, absent))

    def _near(self, condition: Any) -> Self:
        """Leave out what a condition on ids or times surely does not choose, where it was not read yet."""
        may_hold = None if self._frames else reach(condition)
        return self if may_hold is None else type(self)(self._tables.near(may_hold), self._told())

    def decision(self, id: str) -> DecisionCard:
        """Return one decision to read: a card in a notebook, text in a terminal.

        It says what was asked and recommended, how sure the panel was, who voted for what, how surely, and
        for what before; the arguments, the sources, times and costs; and right or wrong, where outcomes were
        joined. :func:`mastermind_lab.charts.decision` draws one for print.

        Parameters
        ----------
        id
            A ``stream_id``; or a ``decision_id`` or ``correlation_id`` that only one decision has.

        Raises
        ------
        OptionError
            There is no such decision, and the message names the nearest ids; or there are several, and it
            names them.

        Examples
        --------
        >>> import mastermind_lab as lab
        >>> history = lab.sample()
        >>> card = history.decision("0-6")
        >>> str(card).splitlines()[0], card.history.votes["choice"].nunique()
        ('Decision 0-6, 2026-10-26 06:20 UTC', 3)
        """
        return card_of(self, id)

    def cards(self, most: int = 10) -> DecisionCards:
        """Return the first decisions to read one after the other: each a line that opens to its card.

        Parameters
        ----------
        most
            How many to show, from 1 to 100. It is said how many there are.

        Raises
        ------
        OptionError
            It is no such number.

        Examples
        --------
        >>> import mastermind_lab as lab
        >>> cards = lab.sample().where("confidence < 0.4").cards(2)
        >>> print(str(cards).splitlines()[1][:62])
        0-21  0.22  decline  Should the city of Besançon pay for a riv
        """
        return cards_of(self, most)

    def among(self, ids: pa.Array) -> pa.Array:
        """Return those of the ids that are here, oldest first."""
        there = ids_in_order({name: self.select(name, ["stream_id"]) for name in ("decisions", "rejects")})
        return there.filter(pc.is_in(there, ids))

    def cut(self, ids: pa.Array, limits: str) -> Self:
        """Return a history of some entries, by their ids in order, and say what chose them."""
        made = type(self)(self._tables.only(ids), self._told().narrowed(ids, limits))
        made._frames = {name: _rows_of(name, frame, ids) for name, frame in self._frames.items()}
        return made

    def select(self, name: str, columns: list[str]) -> pa.Table:
        """Return some columns of a frame as an Arrow table, with what was changed in them."""
        if name not in self._frames:
            return self._tables[name].select(columns)
        frame = self._frames[name]
        wanted = [one for one in dict.fromkeys(["stream_id", *columns]) if one in frame]
        return table_of(name, frame[wanted], self._tables[name]).select(columns)

    def __add__(self, other: History) -> History:
        """Merge two histories by stream id; an entry in both counts once, and ``coverage`` says how many.

        Entries without ids of their own (lines of a file) are renumbered instead, never dropped. A decision
        under whose id there is one with another ``correlation_id``, of another stream say, gets the suffix
        ``@1``, or the next that is free. Raw payloads are kept where both histories have them. Columns that
        were added are what :meth:`save` makes of them: categories come back as text.
        """
        if not isinstance(other, History):
            return NotImplemented
        left, right, account = self.tables(), other.tables(), other.account
        moved = _new_numbers(left, right, account)
        if moved:
            right, account = renumber(right, moved), account.renumbered(moved)
        twice = shared(ids_in_order(left), ids_in_order(right))
        if len(twice) and (others := other_decisions(left, right)):
            right, account = with_other_ids(right, others), account.moved(others)
            twice = shared(ids_in_order(left), ids_in_order(right))
        return History(union(left, right), self.account.beside(account, twice))

    def __radd__(self, other: int) -> Self:
        # sum() begins with the number 0.
        return self if other == 0 else NotImplemented

    def save(
        self, folder: str | os.PathLike[str], *, overwrite: bool = False, payloads: bool | None = None
    ) -> Path | str:
        """Write a Parquet snapshot that :func:`mastermind_lab.read` gives back as the same history.

        Rows are written oldest entry first, whatever order a frame was put in. Of columns that were added,
        categories, periods, intervals and UUIDs come back as text, and a column named like an open one
        (``meta.mine``) as what an envelope would hold.

        Parameters
        ----------
        folder
            A folder to make; it appears only when it is whole. An fsspec URL (``s3://...``) is one too.
        overwrite
            Replace the snapshot that is there, and with it what is hidden in its folder (``.name``).
        payloads
            Keep the raw payloads in a table of their own, readable by the owner alone; where nothing is said,
            if the history has them. :func:`mastermind_lab.redecode` reads them.

        Raises
        ------
        OptionError
            The folder is there already; payloads are asked for and the history has none; or a frame was
            changed so that it cannot be kept, and the message names the column or the entry.
        SourceError
            It cannot be written.
        """
        from .. import snapshot  # here, because Parquet takes long to load

        if payloads and PAYLOADS not in self._tables:
            raise OptionError("this history has no raw payloads to save: read it with payloads=True")
        tables = self._frame_tables() if payloads is False else self.tables()
        saved = snapshot.save(tables, self.account, folder, overwrite=overwrite)
        return saved if is_url(saved) else Path(saved)

    def to_ndjson(
        self, path: str | os.PathLike[str], *, derive: str | None = None, voter: str = "voter"
    ) -> Path | str:
        """Write one envelope a line, compressed where the name ends in .gz, .bz2, .xz or .zst.

        The name may be a URL. With ``payloads`` the envelopes are those that came, byte for byte but for line
        breaks, and only those that were changed in a frame are rebuilt. Without them, or where a column was
        added, which becomes a field of the decision, the vote and so on, all are rebuilt from the frames: the
        same values under the first of their names, without what was null.
        What came as NaN or an infinite number is written so, though strict readers of JSON refuse it.

        Parameters
        ----------
        path
            The file, or its URL.
        derive
            An envelope needs a recommendation and a confidence, and a table of votes may say neither. With
            the name of a rule that counts votes ("plurality", "majority", ... of
            :class:`mastermind_lab.stats.Rules`) those that are missing are derived: the rule's choice, and
            the share of the votes for what is recommended, weighed as the rule does. ``meta.derived`` says of
            each which rule it comes from, and is read back as columns; what is there stays. Votes without a
            choice, which an envelope has no place for, then stand in ``decision.abstentions``; those with a
            ranking, scores or probabilities are refused, since rules that count these would not find them.
        voter
            Column of ``votes`` that tells voters apart where something is derived: a seat, say, where one
            model sits in several. Who votes for two choices has no vote. Only beside ``derive``.

        Raises
        ------
        OptionError
            A decision or a vote lacks what an envelope needs; the rule does not decide every decision (a tie,
            no votes); a ballot has no choice beside it; or a frame was changed so that it cannot be written.
        SourceError
            It cannot be written.

        Examples
        --------
        >>> import tempfile
        >>> import pandas as pd
        >>> import mastermind_lab as lab
        >>> votes = {"question": ["tram"] * 3, "worker": ["Ada", "Bo", "Chi"], "answer": ["yes", "yes", "no"]}
        >>> named = {"decision": "question", "voter": "worker", "choice": "answer"}
        >>> history = lab.from_votes(pd.DataFrame(votes), **named)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     history = lab.read(history.to_ndjson(f"{folder}/votes.ndjson", derive="plurality"))
        >>> history.decisions[["recommendation", "meta.derived.recommendation"]].values.tolist()
        [['yes', 'plurality']]
        """
        return ndjson.write_lines(path, (payload for _, payload in self.encoded(derive=derive, voter=voter)))

    def to_frame(self, *, voter: str = "voter") -> pd.DataFrame:
        """Return one tidy row a decision: the columns of ``decisions``, then ``votes.<choice>``.

        These count the votes that the statistics count: one a voter, of its last round. Who votes for two
        choices has none; where one model sits in several seats, say so with ``voter``.

        Parameters
        ----------
        voter
            Column of ``votes`` that tells voters apart: a seat, say, or the model; votes without it are left
            out.

        Raises
        ------
        OptionError
            There are more than 1,000 choices, ``decisions`` has a column of such a name, or ``votes`` none
            that is called ``voter``.

        Examples
        --------
        >>> import mastermind_lab as lab
        >>> frame = lab.sample(last=10).to_frame()
        >>> len(frame), any(name.startswith("votes.") for name in frame)
        (10, True)
        """
        return tidy(self, voter)

    def to_csv(self, path: str | os.PathLike[str], *, formulas: bool = False, voter: str = "voter") -> Path:
        """Write :meth:`to_frame` as CSV, in UTF-8.

        Parameters
        ----------
        path
            The file.
        formulas
            Write texts as they are. Without it, an apostrophe stands before those that a spreadsheet would
            run as a formula, ``=1+1`` say; a plain number, ``-1`` say, is none.
        voter
            As for :meth:`to_frame`.

        Raises
        ------
        OptionError
            As for :meth:`to_frame`.
        SourceError
            It cannot be written.
        """
        return write_csv(tidy(self, voter), path, formulas=formulas)

    def encoded(self, *, derive: str | None = None, voter: str = "voter") -> Iterator[tuple[str, bytes]]:
        """Yield (stream id, the envelope's JSON), oldest first; options as for :meth:`to_ndjson`."""
        check_rule(derive, voter)
        if self._has_payloads():
            yield from self[PAYLOADS].itertuples(index=False, name=None)
        elif derive is not None:
            yield from encode(self.envelopes(derive=derive, voter=voter))
        elif PAYLOADS in self._tables and not self._has_new_columns():
            payloads = self.tables()[PAYLOADS]
            yield from zip(*(payloads[name].to_pylist() for name in ("stream_id", "payload")), strict=True)
        else:
            yield from encode(envelopes_of(self._frame_tables()))

    def envelopes(
        self, *, derive: str | None = None, voter: str = "voter"
    ) -> Iterator[tuple[str, DecisionEnvelope]]:
        """Yield (stream id, envelope), oldest first: from raw payloads where there are any, else rebuilt.

        ``derive`` fills in what an envelope needs and the history does not say, ``voter`` tells apart whose
        votes it counts, as for :meth:`to_ndjson`.
        """
        check_rule(derive, voter)
        if not self._has_payloads():
            filled = self if derive is None else with_derived(self, derive, voter)
            tables = filled._frame_tables()
            yield from envelopes_of(tables) if derive is None else rebuilt(tables)
            return
        for stream_id, payload in self[PAYLOADS].itertuples(index=False):
            verdict = validate(payload)
            if not isinstance(verdict, DecisionEnvelope):
                raise OptionError(f"payload {stream_id} is no envelope ({verdict.detail})")
            yield stream_id, verdict

    def _has_payloads(self) -> bool:
        """Tell whether raw payloads were kept that say what the frames say."""
        return PAYLOADS in self._tables and all(self._is_as_read(name) for name in self._frames)

    def _has_new_columns(self) -> bool:
        """Tell whether some frame has a column that no raw payload knows of."""
        return any({*frame} - {*self._tables[name].column_names} for name, frame in self._frames.items())

    def _is_as_read(self, name: str) -> bool:
        return self.table(name) is self._tables[name]

    def rows(self, name: str) -> int:
        """Return how many rows a frame has, without making it."""
        return len(self._frames[name]) if name in self._frames else self._tables.rows(name)

    def is_empty(self, name: str) -> bool:
        """Tell whether a frame has no rows, without making it or counting them."""
        return not len(self._frames[name]) if name in self._frames else self._tables.is_empty(name)

    __iter__ = None  # or Python would ask for frame 0, frame 1, ...

    def __len__(self) -> int:
        """Return the number of decisions."""
        return self.rows("decisions")

    def __repr__(self) -> str:
        return f"<History: {', '.join(f'{value} {name}' for name, value in facts(self).items())}>"

    def _repr_html_(self) -> str:
        return card(self)


def _rows_of(name: str, frame: pd.DataFrame, ids: pa.Array) -> pd.DataFrame:
    here = pc.is_in(ids_of(name, frame), ids)
    kept: pd.DataFrame = frame.loc[here.to_numpy(zero_copy_only=False)]
    return kept.reset_index(drop=True)


def _new_numbers(left: Tables, right: Tables, account: Coverage) -> dict[int, int]:
    """Say which file numbers of the right history must change so as not to meet an id of the left."""
    ours = account.file_numbers(*_by_time(right))
    taken, theirs = ({*np.unique(id_parts(ids_in_order(some))[:, 1]).tolist()} for some in (left, right))
    if not ours & taken:
        return {}
    taken |= theirs - ours
    fresh = (number for number in count() if number not in taken)
    return dict(zip(sorted(ours), fresh, strict=False))


def _by_time(tables: Tables) -> tuple[pa.Array, pa.Array]:
    """Return the ids of entries that may be lines, and of those that have the time of a stream."""
    decisions = tables["decisions"]
    has_none = pc.is_null(decisions["streamed_at"])
    untimed, timed = (decisions.filter(some)["stream_id"] for some in (has_none, pc.invert(has_none)))
    rejects = tables["rejects"]["stream_id"]  # either
    return pa.concat_arrays([*untimed.chunks, *rejects.chunks]), timed.combine_chunks()
