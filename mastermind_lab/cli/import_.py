"""``mastermind-lab import``: anybody's table of votes, kept as a snapshot."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from .console import say
from .options import NewSnapshot, given


def _column(said: str) -> Any:
    return typer.Option(metavar="COLUMN", help=said)


def import_(
    votes: Annotated[
        str, typer.Argument(metavar="VOTES", help="A CSV, Parquet or JSON lines file with a row a vote.")
    ],
    folder: NewSnapshot,
    decision: Annotated[
        list[str], typer.Option(metavar="COLUMN", help="What tells decisions apart; repeat it for several.")
    ],
    voter: Annotated[str, _column("Who voted.")],
    choice: Annotated[str, _column("What for.")],
    confidence: Annotated[str | None, _column("How sure the voter was, 0 to 1.")] = None,
    weight: Annotated[str | None, _column("How much the vote counts, 0 or more.")] = None,
    rationale: Annotated[str | None, _column("Why, in the voter's words.")] = None,
    round_: Annotated[
        str | None,
        typer.Option("--round", metavar="COLUMN", help="Whole numbers; a voter's last round counts."),
    ] = None,
    recommendation: Annotated[str | None, _column("What the panel decided.")] = None,
    time: Annotated[str | None, _column("When the vote was cast.")] = None,
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
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace the snapshot that is there.")
    ] = False,
) -> None:
    """Keep a table of votes, whoever made it, as a snapshot that every other command reads."""
    from ..history import from_votes

    history = from_votes(
        votes, decision=decision, voter=voter, choice=choice, abstain=abstain or (),
        **given(
            confidence=confidence, weight=weight, rationale=rationale, round=round_, time=time,
            recommendation=recommendation, decisions=decisions, voters=voters,
        ),
    )  # fmt: skip
    saved = history.save(folder, overwrite=overwrite)
    say(f"{len(history):,} decisions and {len(history.rejects):,} rejects are in {saved}")
    for note in history.coverage["note"]:
        say(note)
