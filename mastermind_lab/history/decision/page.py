"""A card as HTML: text from data is escaped, on lines of its own direction, and nothing else than text.

There are no scripts, and nothing is fetched from elsewhere; a link goes to the http or https address that it
shows. Without the style, as where a page takes none from a notebook, what remains is a plain table and lists.
"""

from __future__ import annotations

from collections.abc import Sequence

from ...labels import apart, counted
from ...text import harmless, without_markup
from .content import Cast, Choice, Claim, Content, Row, Stand, number, text
from .markup import (
    LINE,
    NAME,
    WHOLE,
    and_more,
    bar,
    block,
    escaped,
    folded,
    inline,
    link,
    section,
    soft,
    soft_line,
)
from .style import CLASS, CSS

MOST_VOTES, MOST_CLAIMS, MOST_SOURCES, MOST_REST = 100, 200, 50, 80
_DEEPEST = 12  # levels that are moved in
_LEVELS_OPEN = 2
_MARKS = {"pro": "●", "con": "○", "": "◆"}


def card_page(content: Content) -> str:
    """Return the card of one decision."""
    return _styled(card_box(content))


def card_box(content: Content) -> str:
    """Return what is on a card, for a page that has the style already."""
    return f'<div class="box">{_inside(content)}</div>'


def cards_page(contents: Sequence[Content], total: int) -> str:
    """Return several cards, each behind a line; the first one is open."""
    cards = "".join(
        f"<details{' open' * (place == 0)}><summary>{_headline(one)}</summary>"
        f'<div class="box">{_inside(one)}</div></details>'
        for place, one in enumerate(contents)
    )
    said = cards_shown(len(contents), total)
    return _styled(f'<div class="head"><b>{said}</b></div><div class="several">{cards}</div>')


def cards_shown(shown: int, total: int) -> str:
    """Say how many decisions there are, and how many of them are shown."""
    if shown == total:
        return counted(total, "decision")
    return (
        f"{shown:,} of {counted(total, 'decision')}: the first ones; cards(100) shows more, where(...) others"
    )


def _styled(inside: str) -> str:
    # Formulas are not looked for: "$" in a text from data is one.
    return f'<div class="{CLASS} tex2jax_ignore mathjax_ignore"><style>{CSS}</style>{inside}</div>'


def _inside(content: Content) -> str:
    return "".join((_top(content), _votes(content), _tree(content), _sources(content), _effort(content)))


def _top(content: Content) -> str:
    question = content.question
    asked = block(question or "(no question)", "question" if question else "question soft")
    asked += _facts(content.keys)
    verdict = f'<div><span class="label">Recommendation</span>{_recommendation(content)}</div>'
    sure = f'<div><span class="label">Confidence</span><div class="sure">{_confidence(content)}</div></div>'
    outcome = _outcome(content)
    why = block(content.rationale, "why") if content.rationale else ""
    return (
        f'<div class="top small soft"><span>{content.moment}</span>{inline(content.stream_id)}</div>'
        f'{asked}<div class="verdict">{verdict}{outcome}{sure}</div>{why}'
    )


def _recommendation(content: Content) -> str:
    if content.recommendation is None:
        return soft("(no recommendation)")
    return inline(content.recommendation, LINE, "div", "big")


def _confidence(content: Content) -> str:
    if content.confidence is None:
        return soft("not said")
    rounds = " → ".join(f"{share:.2f}" for share in content.rounds)
    told = f'<span class="small soft">{rounds} by round</span>' if len(content.rounds) > 1 else ""
    return f'{bar(content.confidence)}<span class="number">{content.confidence:.2f}</span>{told}'


def _outcome(content: Content) -> str:
    if not content.is_judged:
        return ""
    if content.outcome is None:
        what = soft("not known")
    else:
        was = inline(content.outcome, LINE)
        what = {True: _right(), False: f"{_wrong()}{soft(', it was')} {was}", None: was}[content.is_right]
    return f'<div><span class="label">Outcome</span><div class="sure"><span>{what}</span></div></div>'


def _right() -> str:
    return '<span class="right">✓ right</span>'


def _wrong() -> str:
    return '<span class="wrong">✗ wrong</span>'


def _votes(content: Content) -> str:
    votes = content.votes
    if not votes:
        return soft_line("no votes")
    shown = votes[:MOST_VOTES]
    places = iter(apart([cast.voter or "(no voter)" for cast in shown], NAME, harmless))
    names = apart([choice.name or "" for choice in content.choices], LINE, harmless)
    rows, left = [], len(shown)
    for choice, name in zip(content.choices, names, strict=True):
        if left > 0:
            rows.append(_choice(choice, name, len(votes)))
            rows += [_cast(cast, next(places)) for cast in choice.casts[:left]]
            left -= len(choice.casts)
    table = f'<table class="votes"><tbody>{"".join(rows)}</tbody></table>'
    changed = content.changed
    more = "" if changed is None else f", {changed:,} changed" if changed else ", nobody changed"
    return section(counted(len(votes), "vote"), table + and_more(len(votes), MOST_VOTES), more)


def _choice(choice: Choice, name: str, total: int) -> str:
    said = soft("(no choice)") if choice.name is None else f'<bdi dir="auto">{escaped(name)}</bdi>'
    marks = [f"{len(choice.casts):,} of {total:,}"] + ["recommended"] * choice.is_chosen
    right = f" {_right()}" if choice.is_right else ""
    return f'<tr><th colspan="4">{said} {soft("· " + " · ".join(marks))}{right}</th></tr>'


def _cast(cast: Cast, voter: str) -> str:
    sure, before = cast.now.confidence, cast.before[-1].confidence if cast.before else None
    cells = f'<th scope="row"><bdi dir="auto">{escaped(voter)}</bdi></th>'
    if sure is None:
        cells += f'<td class="none" colspan="2">{soft("not said")}</td>'
    else:
        cells += f'<td>{bar(sure, before)}</td><td class="number">{sure:.2f}</td>'
    return f'<tr>{cells}<td class="said small">{_beside(cast)}</td></tr>'


def _beside(cast: Cast) -> str:
    """Say what a voter was for before, what marks the vote, and why it was cast."""
    lines = ["before: " + " → ".join(map(_stand, cast.told))] if cast.told else []
    lines += [inline(" · ".join(cast.marks), LINE)] if cast.marks else []
    lines += [folded(cast.rationale)] if cast.rationale else []
    return "".join(f'<div class="soft">{line}</div>' for line in lines)


def _stand(stand: Stand) -> str:
    choice = [inline(stand.choice)] if stand.choice is not None else []
    return " ".join(choice + ([f"{stand.confidence:.2f}"] if stand.confidence is not None else []))


def _tree(content: Content) -> str:
    claims = content.claims
    if not claims:
        return soft_line("no arguments")
    shown = claims[:MOST_CLAIMS]
    counts = [f"{n:,} {side}" for side in ("pro", "con") if (n := sum(one.side == side for one in claims))]
    more = f": {', '.join(counts)}" if counts else ""
    inside = _nodes(shown) + and_more(len(claims), MOST_CLAIMS)
    return section(counted(len(claims), "argument"), inside, more)


def _nodes(claims: Sequence[Claim]) -> str:
    """Nest claims by their depths; one with answers folds."""
    depths = [min(max(claim.depth, 0), _DEEPEST) for claim in claims]
    made, ends = ['<ul class="tree">'], list[str]()
    for place, claim in enumerate(claims):
        while len(ends) > depths[place]:
            made.append(ends.pop())
        below = depths[place + 1] if place + 1 < len(claims) else 0
        if below > len(ends):
            opened = " open" if len(ends) < _LEVELS_OPEN or len(claims) <= 12 else ""
            made.append(f"<li><details{opened}><summary>{_claim(claim)}</summary><ul>")
            ends.append("</ul></details></li>")
        else:
            made.append(f"<li><div>{_claim(claim)}</div></li>")
    return "".join([*made, *reversed(ends), "</ul>"])


def _claim(claim: Claim) -> str:
    stance = inline(claim.stance, 24, "span") if claim.stance else ""
    mark = f'<span class="stance">{_MARKS[claim.side]} {stance}</span>'
    said = soft("(no claim)") if claim.claim is None else inline(without_markup(claim.claim[:WHOLE]), LINE)
    by = [inline(claim.author, 60)] if claim.author else []
    by += [f"{claim.strength:.2f}"] if claim.strength is not None else []
    return f"{mark}{said}" + (f' <span class="soft small">{", ".join(by)}</span>' if by else "")


def _sources(content: Content) -> str:
    if not content.sources:
        return soft_line("no sources")
    items = "".join(f"<li>{_source(row)}</li>" for row in content.sources[:MOST_SOURCES])
    inside = f'<ol class="sources">{items}</ol>' + and_more(len(content.sources), MOST_SOURCES)
    return section(counted(len(content.sources), "source"), inside)


def _source(row: Row) -> str:
    source, title, quote = (text(row.get(name)) for name in ("source", "title", "quote"))
    lines = [inline(title, LINE)] if title else []
    lines += [link(source)] if source else []
    said = "<br>".join(lines) or soft("(no source)")
    relevance = number(row.get("relevance"))
    said += "" if relevance is None else f' <span class="soft small">relevance {relevance:.2f}</span>'
    return said + (f'<div class="soft">{inline("“" + quote + "”", LINE)}</div>' if quote else "")


def _effort(content: Content) -> str:
    """Tell times and use, and fold all else that came with the decision."""
    facts = _facts(content.effort[:MOST_REST], "number")
    told = f'<div class="part">{facts}</div>' if facts else ""
    return told + _rest(content)


def _facts(pairs: Sequence[tuple[str, str]], kind: str = "") -> str:
    """Put values side by side, each below its name."""
    facts = "".join(
        f'<div><span class="label">{inline(name, 60)}</span>{inline(value, LINE, "span", kind)}</div>'
        for name, value in pairs
    )
    return f'<div class="facts">{facts}</div>' if facts else ""


def _rest(content: Content) -> str:
    rest = content.rest
    if not rest:
        return ""
    names = apart([name for name, _ in rest[:MOST_REST]], 80, harmless)
    rows = "".join(
        f'<span class="soft">{escaped(name)}</span>{inline(value, LINE, "span")}'
        for name, (_, value) in zip(names, rest, strict=False)
    )
    inside = f'<div class="rest small">{rows}</div>' + and_more(len(rest), MOST_REST)
    fold = f'<details><summary class="soft">All else that came with it</summary>{inside}</details>'
    return f'<div class="part">{fold}</div>'


def _headline(content: Content) -> str:
    """Say one decision in a line."""
    chosen = content.recommendation
    parts = ["<b>" + inline(chosen, NAME) + "</b>" if chosen is not None else soft("(no recommendation)")]
    parts += (
        [f'<span class="number">{content.confidence:.2f}</span>'] if content.confidence is not None else []
    )
    parts += [] if content.is_right is None else [_right() if content.is_right else _wrong()]
    question = inline(content.heading, NAME) if content.heading else ""
    return " ".join(parts) + (f' <span class="soft">{question}</span>' if question else "")
