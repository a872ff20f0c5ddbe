"""History: five frames and an account of what they cover."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from .. import ndjson
from ..envelope import DecisionEnvelope, validate
from ..errors import OptionError
from ..frames import (
    FRAMES,
    PAYLOADS,
    Tables,
    entry_ids,
    from_pandas,
    json_columns,
    rebuild,
    renumber,
    to_pandas,
    union,
)
from ..storage import is_url


@dataclass(frozen=True, eq=False, repr=False)
class History:
    """Decisions of a panel, whatever source they were read from.

    Attributes
    ----------
    decisions, votes, citations, arguments, rejects : DataFrame
        The five frames, oldest entry first, joined by ``stream_id``; :func:`mastermind_lab.dictionary`
        describes their columns.
    coverage : DataFrame
        A row a source: what was read, what the limits left out, what was gone before.
    payloads : DataFrame or None
        Each valid envelope's raw JSON, where ``payloads=True`` was asked for.
    json_columns : frozenset of str
        The open columns whose text is JSON, because their values were mixed or lists.

    Examples
    --------
    >>> import mastermind_lab as lab
    >>> history = lab.sample()
    >>> bool(history.decisions["confidence"].between(0, 1).all())
    True
    """

    decisions: pd.DataFrame
    votes: pd.DataFrame
    citations: pd.DataFrame
    arguments: pd.DataFrame
    rejects: pd.DataFrame
    coverage: pd.DataFrame
    payloads: pd.DataFrame | None = None
    json_columns: frozenset[str] = frozenset()

    @classmethod
    def of(cls, parts: Tables, coverage: pd.DataFrame) -> History:
        """Make a history of Arrow tables."""
        return cls(**to_pandas(parts), coverage=coverage, json_columns=json_columns(parts))

    def tables(self) -> Tables:
        """Return the frames as Arrow tables."""
        frames = {name: getattr(self, name) for name in FRAMES}
        kept = {PAYLOADS: self.payloads} if self.payloads is not None else {}
        return from_pandas(frames | kept, self.json_columns)

    def __add__(self, other: History) -> History:
        """Merge two histories by stream id; an entry in both counts once.

        Entries without ids of their own (lines of a file) are renumbered instead, never dropped. Raw payloads
        are kept where both histories have them.
        """
        if not isinstance(other, History):
            return NotImplemented
        left, right, coverage = self.tables(), other.tables(), other.coverage
        moved = _new_numbers(left, coverage)
        if moved:
            right, coverage = renumber(right, moved), _moved(coverage, moved)
        both = pd.concat([self.coverage, coverage], ignore_index=True).drop_duplicates(ignore_index=True)
        return History.of(union(left, right), both)

    def save(
        self, folder: str | os.PathLike[str], *, overwrite: bool = False, payloads: bool | None = None
    ) -> Path | str:
        """Write a Parquet snapshot that :func:`mastermind_lab.read` gives back as the same history.

        Parameters
        ----------
        folder
            A folder to make; it appears only when it is whole. An fsspec URL (``s3://...``) is one too.
        overwrite
            Replace the snapshot that is there.
        payloads
            Keep the raw payloads in a table of their own, readable by the owner alone; where nothing is said,
            if the history has them. :func:`mastermind_lab.redecode` reads them.

        Raises
        ------
        OptionError
            The folder is there already, or payloads are asked for and the history has none.
        SourceError
            It cannot be written.
        """
        from .. import snapshot  # here, because Parquet takes long to load

        tables = self.tables()
        if payloads and PAYLOADS not in tables:
            raise OptionError("this history has no raw payloads to save: read it with payloads=True")
        if payloads is False:
            tables.pop(PAYLOADS, None)
        saved = snapshot.save(tables, self.coverage, folder, overwrite=overwrite)
        return saved if is_url(saved) else Path(saved)

    def to_ndjson(self, path: str | os.PathLike[str]) -> Path | str:
        """Write one envelope a line, compressed where the name ends in ``.gz`` or ``.zst``; a URL works too.

        With ``payloads`` the envelopes are those that came, byte for byte but for line breaks; without, they
        are rebuilt from the frames: the same values under the first of their names, without what was null.
        """
        if self.payloads is not None:
            return ndjson.write_lines(path, self.payloads["payload"])
        rebuilt = (envelope.model_dump_json(exclude_unset=True).encode() for _, envelope in self.envelopes())
        return ndjson.write_lines(path, rebuilt)

    def envelopes(self) -> Iterator[tuple[str, DecisionEnvelope]]:
        """Yield (stream id, envelope), oldest first: from raw payloads where there are any, else rebuilt."""
        if self.payloads is None:
            for stream_id, document in rebuild(self.tables()):
                yield stream_id, DecisionEnvelope.model_validate(document)
            return
        for stream_id, payload in self.payloads.itertuples(index=False):
            verdict = validate(payload)
            if not isinstance(verdict, DecisionEnvelope):
                raise OptionError(f"payload {stream_id} is no envelope ({verdict.detail})")
            yield stream_id, verdict

    def __len__(self) -> int:
        """Return the number of decisions."""
        return len(self.decisions)

    def __repr__(self) -> str:
        return f"<History: {', '.join(f'{value} {name}' for name, value in self._card().items())}>"

    def _card(self) -> dict[str, str]:
        metadata = {name: f"{len(getattr(self, name)):,}" for name in FRAMES}
        when = self.decisions["published_at"].fillna(self.decisions["streamed_at"])
        if when.notna().any():
            metadata["published"] = f"{when.min():%Y-%m-%d %H:%M} to {when.max():%Y-%m-%d %H:%M} UTC"
        return metadata

    def _repr_html_(self) -> str:
        from html import escape  # here, because it loads every named character

        metadata = self._card()
        reasons = self.rejects["reason"].value_counts()
        if len(reasons):
            said = ", ".join(f"{n:,} {reason}" for reason, n in reasons.items())
            metadata["rejects"] = f"{metadata['rejects']} ({said})"
        left_out = int(self.coverage["left_out"].sum())
        if left_out:
            metadata["left out by limits"] = f"{left_out:,}"
        missing = int(self.coverage["missing"].sum())
        if missing:
            metadata["gone before reading"] = f"{missing:,}"
        metadata["from"] = "; ".join(self.coverage["source"].dropna().unique()[:3])
        rows = "".join(
            f"<tr><th>{escape(name)}</th><td>{escape(v)}</td></tr>" for name, v in metadata.items()
        )
        return f"<table><caption>History</caption><tbody>{rows}</tbody></table>"


def _new_numbers(left: Tables, coverage: pd.DataFrame) -> dict[int, int]:
    """Say which file numbers of the right history must change so as not to meet an id of the left."""
    lines = coverage[coverage["stream"].isna() & coverage["first_id"].notna()]
    ours = {int(first.split("-")[0]) for first in lines["first_id"]}
    taken = {int(stream_id.split("-")[0]) for stream_id in entry_ids(left)}
    if not ours & taken:
        return {}
    fresh = (number for number in range(len(ours) + len(taken) + max(ours)) if number not in taken)
    return dict(zip(sorted(ours), fresh, strict=False))


def _moved(coverage: pd.DataFrame, numbers: dict[int, int]) -> pd.DataFrame:
    def move(stream_id: str) -> str:
        file, line = stream_id.split("-")
        return f"{numbers[int(file)]}-{line}"

    lines = coverage["stream"].isna() & coverage["first_id"].notna()
    ends = {
        name: coverage[name].where(~lines, coverage.loc[lines, name].map(move))
        for name in ("first_id", "last_id")
    }
    return coverage.assign(**ends)
