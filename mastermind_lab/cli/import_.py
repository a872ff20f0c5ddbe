"""``mastermind-lab import``: anybody's table of votes, kept as a snapshot."""

from typing import Annotated, Any

import typer

from ..errors import OptionError
from ..labels import counted
from .console import say
from .options import NewSnapshot, given


def _column(said: str) -> Any:
    return typer.Option(metavar="COLUMN", help=said)


def _columns(said: str) -> Any:
    return typer.Option(metavar="[CHOICE=]COLUMN", help=said)


def _named(option: str, values: list[str] | None) -> str | list[str] | dict[str, str] | None:
    """Read COLUMN, several of them, or several CHOICE=COLUMN.

    Raises
    ------
    OptionError
        They are mixed, or a choice has two columns.
    """
    if not values or not any("=" in value for value in values):
        return values[0] if values and len(values) == 1 else values or None
    if not all("=" in value for value in values):
        raise OptionError(f"{option}={', '.join(values)!r:.80}: give each as CHOICE=COLUMN, or none")
    pairs = [(choice, column) for choice, _, column in (value.partition("=") for value in values)]
    columns = dict(pairs)
    if twice := next((choice for choice, column in pairs if columns[choice] != column), None):
        raise OptionError(f"{option}=: the choice {twice!r:.80} has two columns; give each choice one")
    return columns


def import_(
    votes: Annotated[
        str, typer.Argument(metavar="VOTES", help="A CSV, Parquet or JSON lines file with a row a vote.")
    ],
    folder: NewSnapshot,
    decision: Annotated[
        list[str], typer.Option(metavar="COLUMN", help="What tells decisions apart; repeat it for several.")
    ],
    voter: Annotated[str, _column("Who voted.")],
    choice: Annotated[
        str | None, _column("What for; if not given, what the ballot ranks or finds best.")
    ] = None,
    confidence: Annotated[str | None, _column("How sure the voter was, 0 to 1.")] = None,
    weight: Annotated[str | None, _column("How much the vote counts, 0 or more.")] = None,
    rationale: Annotated[str | None, _column("Why, in the voter's words.")] = None,
    round_: Annotated[
        str | None,
        typer.Option("--round", metavar="COLUMN", help="Whole numbers; a voter's last round counts."),
    ] = None,
    recommendation: Annotated[str | None, _column("What the panel decided.")] = None,
    time: Annotated[str | None, _column("When the vote was cast.")] = None,
    ranking: Annotated[
        list[str] | None,
        _columns("The voter's ranking: a list; repeat it for a column a place, or a choice."),
    ] = None,
    score: Annotated[list[str] | None, _columns("How good the choice is; repeat it for several.")] = None,
    probabilities: Annotated[
        list[str] | None, _columns("How probable the choice is, 0 to 1; repeat it for several.")
    ] = None,
    abstain: Annotated[
        list[str] | None,
        typer.Option(metavar="VALUE", help="A choice that is no vote; repeat it for several."),
    ] = None,
    decisions: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Facts about decisions, with the columns of --decision."),
    ] = None,
    voters: Annotated[
        str | None, typer.Option(metavar="FILE", help="Facts about voters, with the column of --voter.")
    ] = None,
    max_unpacked_bytes: Annotated[
        int | None,
        typer.Option(
            metavar="BYTES",
            help="Refuse a file that unpacks to more; 256 MiB or 200 times its size if not given, Parquet to "
            "1 GiB or 20 times its size.",
        ),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace the snapshot that is there, hidden files included.")
    ] = False,
) -> None:
    """Keep a table of votes, whoever made it, as a snapshot that every other command reads."""
    from ..history import from_votes

    if not any((choice, ranking, score, probabilities)):
        raise OptionError(
            "--choice is missing, the column that says what a vote is for; a table of ballots has --ranking, "
            "--score or --probabilities instead"
        )
    history = from_votes(
        votes, decision=decision, voter=voter, abstain=abstain or (),
        **given(
            choice=choice, confidence=confidence, weight=weight, rationale=rationale, round=round_, time=time,
            recommendation=recommendation, decisions=decisions, voters=voters,
            ranking=_named("ranking", ranking), score=_named("score", score),
            probabilities=_named("probabilities", probabilities), max_unpacked_bytes=max_unpacked_bytes,
        ),
    )  # fmt: skip
    saved = history.save(folder, overwrite=overwrite)
    say(f"{counted(len(history), 'decision')} and {counted(len(history.rejects), 'reject')} are in {saved}")
    for note in history.coverage["note"]:
        say(note)
