"""A card as text for a terminal: on lines of bounded width, and without what moves the cursor."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from textwrap import wrap

from ...labels import apart, counted
from ...text import brief, paragraphs, terminal_line, visible, without_markup
from .content import Cast, Choice, Claim, Content, Stand, number, text
from .page import MOST_CLAIMS, MOST_REST, MOST_SOURCES, MOST_VOTES, cards_shown

_WIDTH = 88
_WHOLE = 3_000  # characters of a text
_VOTER = 20  # at least: a column for names, which are cut where what is told needs the width
_VOTER_BESIDE = 40
_CHOICE = 240
_LABEL = 16


def card_text(content: Content) -> str:
    """Return the card of one decision as text."""
    blocks = (_top(content), _votes(content), _tree(content), _sources(content), _effort(content))
    return "\n\n".join("\n".join(lines) for block in blocks if (lines := [*block]))


def cards_text(contents: Sequence[Content], total: int) -> str:
    """Return several decisions, a line each."""
    lines = (
        [f"{cards_shown(len(contents), total)}; history.decision(id) shows one"]
        if contents
        else ["no decisions"]
    )
    ids = apart([one.stream_id for one in contents], 24, visible)
    for name, one in zip(ids, contents, strict=True):
        sure = "   -" if one.confidence is None else f"{one.confidence:.2f}"
        chosen = terminal_line(one.recommendation or "(no recommendation)", 24)
        lines.append(f"{name}  {sure}  {chosen}  {terminal_line(one.heading or '', 60)}".rstrip())
    return "\n".join(lines)


def _wrapped(label: str, value: str) -> Iterator[str]:
    """Write a text behind its name, in lines that begin below it."""
    written = brief(value, _WHOLE, lambda part: paragraphs(part, visible))
    for place, line in enumerate(written.splitlines() or [""]):
        first = label if place == 0 else " " * len(label)
        yield from wrap(line, _WIDTH, initial_indent=first, subsequent_indent=" " * len(label)) or [""]


def _top(content: Content) -> Iterator[str]:
    yield f"Decision {terminal_line(content.stream_id)}" + (f", {content.moment}" if content.moment else "")
    yield from _wrapped("question        ", content.question or "(no question)")
    for name, value in content.keys:
        yield from _wrapped(terminal_line(name, _LABEL - 2).ljust(_LABEL), value)
    yield from _wrapped("recommendation  ", content.recommendation or "(no recommendation)")
    rounds = f" ({' → '.join(f'{share:.2f}' for share in content.rounds)} by round)"
    sure = "not said" if content.confidence is None else f"{content.confidence:.2f}"
    yield f"confidence      {sure}{rounds if len(content.rounds) > 1 else ''}"
    if content.is_judged:
        judged = {True: "right", False: "wrong, it was ", None: ""}[content.is_right]
        what = "not known" if content.outcome is None else "" if content.is_right else content.outcome
        yield from _wrapped("outcome         ", judged + what)
    if content.rationale:
        yield from _wrapped("rationale       ", content.rationale)


def _votes(content: Content) -> Iterator[str]:
    votes = content.votes
    changed = content.changed
    told = "" if changed is None else f", {changed:,} changed" if changed else ", nobody changed"
    yield counted(len(votes), "vote") + told
    voters = [cast.voter or "(no voter)" for cast in votes]
    across = _across(voters, any(map(_told, votes)))
    names = iter(apart(voters, across, visible))
    choices = iter(apart([_named(choice) for choice in content.choices], _CHOICE, _on_one_line))
    left = MOST_VOTES
    for choice in content.choices:
        if left > 0:
            marks = f"{len(choice.casts):,} of {len(votes):,}" + ", recommended" * choice.is_chosen
            marks += ", right" * bool(choice.is_right)
            yield from wrap(f"{next(choices)} ({marks})", _WIDTH, initial_indent="  ", subsequent_indent="  ")
            yield from (_cast(cast, next(names).ljust(across)) for cast in choice.casts[:left])
            left -= len(choice.casts)
    yield from _and_more(len(votes), MOST_VOTES)


def _named(choice: Choice) -> str:
    return "(no choice)" if choice.name is None else choice.name


def _on_one_line(part: str) -> str:
    return " ".join(visible(part).split())


def _across(voters: Sequence[str], told: bool) -> int:
    """Return how many characters names of voters take: as many as they need, as far as there is room."""
    room = _VOTER_BESIDE if told else _WIDTH - len("     not said")
    return min(max([_VOTER, *map(len, voters)]), room)


def _and_more(count: int, most: int) -> list[str]:
    return [f"  and {count - most:,} more"] if count > most else []


def _cast(cast: Cast, voter: str) -> str:
    sure = "not said" if cast.now.confidence is None else f"{cast.now.confidence:.2f}"
    told = terminal_line(_told(cast), _WIDTH + _VOTER - len(voter))
    return f"    {voter} {sure.ljust(8)} {told}".rstrip()


def _told(cast: Cast) -> str:
    told = ["before: " + " → ".join(map(_stand, cast.told))] if cast.told else []
    told += [", ".join(cast.marks)] if cast.marks else []
    told += [cast.rationale] if cast.rationale else []
    return "; ".join(told)


def _stand(stand: Stand) -> str:
    choice = [terminal_line(stand.choice, 40)] if stand.choice is not None else []
    return " ".join(choice + ([f"{stand.confidence:.2f}"] if stand.confidence is not None else []))


def _tree(content: Content) -> Iterator[str]:
    yield counted(len(content.claims), "argument")
    if content.claims:
        yield from map(_claim, content.claims[:MOST_CLAIMS])
        yield from _and_more(len(content.claims), MOST_CLAIMS)


def _claim(claim: Claim) -> str:
    indent = "  " * (1 + min(max(claim.depth, 0), 12))
    by = [terminal_line(claim.author, 24)] if claim.author else []
    by += [f"{claim.strength:.2f}"] if claim.strength is not None else []
    stance = terminal_line(claim.stance, 16) if claim.stance else "-"
    said = terminal_line(without_markup((claim.claim or "(no claim)")[:_WHOLE]), 2 * _WIDTH)
    return f"{indent}{stance}: {said}" + (f" ({', '.join(by)})" if by else "")


def _sources(content: Content) -> Iterator[str]:
    yield counted(len(content.sources), "source")
    if content.sources:
        for row in islice(content.sources, MOST_SOURCES):
            named = [said for name in ("title", "source") if (said := text(row.get(name)))]
            relevance = number(row.get("relevance"))
            named += [] if relevance is None else [f"relevance {relevance:.2f}"]
            yield "  " + "; ".join(terminal_line(one, _WIDTH) for one in named or ["(no source)"])
        yield from _and_more(len(content.sources), MOST_SOURCES)


def _effort(content: Content) -> Iterator[str]:
    effort = content.effort[:MOST_REST]
    yield from wrap("; ".join(f"{terminal_line(name, 40)} {amount}" for name, amount in effort), _WIDTH)
    if content.rest:
        yield f"{counted(len(content.rest), 'other field')} in history.decisions"
