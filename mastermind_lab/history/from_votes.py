"""A history of anybody's records: a table with one row a vote."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .. import records
from ..frames import Account, Coverage, ids_in_order
from ..ndjson import FileLimits
from .history import History
from .nothing_decoded import warned
from .tables import all_of, table_of


def from_votes(
    votes: Any,
    *,
    decision: str | Sequence[str],
    voter: str,
    choice: str | None = None,
    confidence: str | None = None,
    weight: str | None = None,
    rationale: str | None = None,
    round: str | None = None,
    recommendation: str | None = None,
    time: str | None = None,
    ranking: str | Sequence[str] | Mapping[str, str] | None = None,
    score: str | Sequence[str] | Mapping[str, str] | None = None,
    probabilities: str | Sequence[str] | Mapping[str, str] | None = None,
    abstain: Any = (),
    decisions: Any = None,
    voters: Any = None,
    max_unpacked_bytes: int | None = FileLimits.unpacked_bytes,
) -> History:
    """Make a history of a table of votes, one row a vote, whoever made it.

    What the table does not say stays missing: there is no recommendation and no confidence unless a column of
    them is named, and citations and arguments are not counted. Decisions come in the order of their first
    votes, and are numbered by the row of the first: ``stream_id`` is ``0-1`` for the first row.

    Parameters
    ----------
    votes
        A pandas frame; a table of Polars, DuckDB or Arrow (anything with ``__arrow_c_stream__``); or the path
        or URL of a CSV, Parquet or JSON lines file, compressed or not. Its content says which. CSV is UTF-8,
        with commas, semicolons, tabs or bars. A span of time becomes its seconds, a period ``2026-11``.
    decision
        The column, or columns, whose values tell decisions apart. They stand in ``decisions`` under their own
        names if they are ``question``, ``decision_id`` or ``correlation_id``, else as ``decision.<name>``;
        and they are the ``decision_id`` where there is no other id. 1.1 and 1.10 in CSV are two.
    voter
        Who voted. A seat or a model, what tells the members of a panel apart. Of a voter's votes in a
        decision, and round, equal ones count once, and different ones not at all.
    choice
        What for. Numbers and truth values become texts: ``7``, ``true``. Only where no column is named is it
        what the ballot ranks first, else scores highest or finds most probable; missing where several are.
    confidence
        How sure the voter was, 0 to 1.
    weight
        How much the vote counts, 0 or more; 1 if not given.
    rationale
        Why, in the voter's words.
    round
        Whole numbers, as ``vote.round``: of a voter's votes in a decision, that of the last round counts; one
        without a round is earlier than all others.
    recommendation
        What the panel decided, the same in all rows of a decision.
    time
        When the vote was cast: a time, ISO 8601, or Unix time in seconds; UTC without a zone. The last of a
        decision is its ``published_at``.
    ranking
        The voter's ranking, as ``vote.ranking``: a column of lists, best first, in JSON where it is text (a
        list in a list: of equal rank); several columns, one a place, the best first, empty places left out;
        or a dict of choices and columns of their ranks, 1 for the best. A column of whole numbers has a rank
        for the ``choice`` of its row: the rows of a voter in a decision, and round, are one ballot then, and
        of what else they say that beside the best choice is kept.
    score
        Numbers, higher is better, as ``vote.score.<choice>``: a dict of choices and columns; several columns
        named as the choices; or a column of objects. A column of numbers scores the ``choice`` of its row:
        the rows of a voter in a decision are one ballot where there are several, else it is ``vote.score``.
    probabilities
        Numbers from 0 to 1, as ``vote.probabilities.<choice>``, given like scores. They stay as they are; how
        many ballots do not add up to 1, to 0.01, is said in ``coverage``.
    abstain
        One value of ``choice``, or several, that are no vote, None for a missing one: such rows are kept
        without a choice, and ``vote.abstained`` holds the value. Texts such as ``NA`` are choices unless they
        are named here; how many there are is said in ``coverage``.
    decisions
        Facts about decisions: another table, with the columns named in ``decision``. Its columns
        ``question``, ``recommendation``, ``confidence``, ``rationale``, ``published_at``, ``decision_id`` and
        ``correlation_id`` become those of ``decisions``, others ``decision.<name>``.
    voters
        Facts about voters: another table, with the column named in ``voter``. Its columns become
        ``vote.<name>``.
    max_unpacked_bytes
        A file that unpacks to more is an error. If not given, a compressed one may unpack to 200 times its
        own bytes, or to 256 MiB, and Parquet to 20 times its own, or to 1 GiB.

    Returns
    -------
    History
        Columns that are not named are in it, too: as ``decision.<name>`` where they say one thing of each
        decision, else as ``vote.<name>``. They mean nothing: one that is called ``round``, ``abstained``,
        ``ranking``, ``score`` or ``probabilities`` is ``vote.round_`` and so on; only one that has the whole
        name ``vote.round`` already is what that says. Rows that are no vote are ``rejects``, by their
        numbers, and ``coverage`` says how many rows were read, and what became of them.

    Warns
    -----
    NothingDecodedWarning
        There were rows, and none of them is a vote.

    Raises
    ------
    OptionError
        A column that is named is not there, or a table does not fit; the message says which, and what to do.
    SourceError
        A file cannot be read, or a row of ``decisions`` or ``voters``: of votes, such rows are rejects.

    Examples
    --------
    >>> import pandas as pd
    >>> import mastermind_lab as lab
    >>> votes = pd.DataFrame({
    ...     "question": ["tram", "tram", "tram", "bus", "bus"],
    ...     "worker": ["Ada", "Bo", "Chi", "Ada", "Bo"],
    ...     "answer": ["yes", "yes", "no", "no", "unsure"],
    ... })
    >>> named = {"decision": "question", "voter": "worker", "choice": "answer"}
    >>> history = lab.from_votes(votes, **named, abstain="unsure")
    >>> history.decisions[["question", "n_votes"]].values.tolist()
    [['tram', 3], ['bus', 2]]
    >>> history.coverage["note"].item()
    '5 rows read, 5 of them votes in 2 decisions, 1 abstained'
    >>> ranks = pd.DataFrame({"judge": ["Ada", "Bo"], "best": ["b", "b"], "then": ["a", "c"]}).assign(case=1)
    >>> ranked = lab.from_votes(ranks, decision="case", voter="judge", ranking=["best", "then"])
    >>> ranked.votes[["choice", "vote.ranking"]].values.tolist()
    [['b', '["b","a"]'], ['b', '["b","c"]']]
    """
    roles = records.Roles.of(
        decision, abstain, voter=voter, choice=choice, confidence=confidence, weight=weight,
        rationale=rationale, round=round, recommendation=recommendation, time=time,
        ranking=ranking, score=score, probabilities=probabilities,
    )  # fmt: skip
    names, limits = roles.texts | {*roles.decision}, FileLimits(unpacked_bytes=max_unpacked_bytes)
    read = table_of(votes, "votes", roles.words(records.OWN_NAMES), names, limits)
    records.check_columns(
        ((role, name) for name, role in roles.all.items()), read.table.column_names, "votes"
    )
    gathered = records.gather(read, roles)
    if decisions is not None:
        told = roles.words(records.TOLD_IN_TEXT)
        facts = all_of(table_of(decisions, "decisions", told, names, limits), "decisions")
        records.check_columns(
            (("decision", name) for name in roles.decision), facts.table.column_names, "decisions"
        )
        gathered = records.with_decisions(gathered, facts, roles)
    if voters is not None:
        facts = all_of(table_of(voters, "voters", roles.texts, names, limits), "voters")
        records.check_columns([("voter", voter)], facts.table.column_names, "voters")
        gathered = records.with_voters(gathered, facts, roles)
    tables = gathered.tables()
    ids = ids_in_order(tables) if gathered.rejects.num_rows else gathered.ids
    account = Account.of_ids(ids, source=read.source, note=gathered.said)
    return warned(History(tables, Coverage.of(account)))
