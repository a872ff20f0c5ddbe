"""Names made fit for where they are shown: cleaned, and cut so that different ones stay different."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import count

from .text import ELLIPSIS, both_ends, harmless

_BETWEEN_WORDS = re.compile(r"[\s/_:|,;@-]")  # a dot is part of a version
_MAKER = re.compile(r"^[^\s/.]+/(?=[^/]+$)")  # with a dot it is the host of an address
_MOST_LOOKED_AT = 1_000


def apart(names: Sequence[str], most: int, clean: Callable[[str], str]) -> list[str]:
    """Clean names and cut them to so many characters, so that different ones stay different.

    Of those that are too long is left out the maker of a model, ``maker/model``, then what they share, at
    both ends, then their middle; of those that then are alike, more of what they share, and more between two
    parts of them. What cannot be told apart so has a number behind it, which is longer than ``most`` where
    that is below 8.

    Examples
    --------
    >>> from mastermind_lab.text import visible
    >>> apart(["llama-3.3-70b-instruct", "llama-3.3-70b-instruct-concrete", "Ada"], 16, visible)
    ['…70b-instruct', '…instruct…ncrete', 'Ada']
    >>> apart(["Ada", "Ada\\u200b", "Bo"], 16, lambda text: visible(text, ""))
    ['Ada', 'Ada (2)', 'Bo']
    """
    cleaned = {name: clean(both_ends(name, _MOST_LOOKED_AT)).strip() for name in names}
    shorter = _without_maker({*cleaned.values()}, most)
    cut = _of_whole_words(_parted(_cut_apart({*shorter.values()}, most), most))
    labels, taken = {}, {*cut.values()}
    first: dict[str, str] = {}
    numbers: defaultdict[str, Iterator[int]] = defaultdict(lambda: count(2))
    for name, text in cleaned.items():
        label = labels[name] = cut[shorter[text]]
        if first.setdefault(label, name) != name:
            labels[name] = _numbered(label, most, taken, numbers[label])
            taken.add(labels[name])
    return [labels[name] for name in names]


def _without_maker(texts: Collection[str], most: int) -> dict[str, str]:
    """Leave the maker of a model, ``maker/model``, out of names that are too long, if all stay different."""
    shorter = {text: _MAKER.sub(ELLIPSIS, text) if len(text) > most else text for text in texts}
    return shorter if len({*shorter.values()}) == len(texts) else {text: text for text in texts}


def _cut_apart(texts: Collection[str], most: int) -> dict[str, str]:
    """Cut texts; those that come out alike are cut once more among themselves."""
    labels = {text: text for text in texts if len(text) <= most}
    long = [text for text in texts if len(text) > most]
    for at_words in (True, False):
        start, end = _shared(long, at_words)
        labels |= {text: _around(text, start, len(text) - end, most) for text in long}
        if len({labels[text] for text in long}) > 1:
            break  # else by characters, which at least two of them begin to differ at
    groups: dict[str, list[str]] = {}
    for text in long:
        groups.setdefault(labels[text], []).append(text)
    for alike in groups.values():
        if 1 < len(alike) < len(texts):
            labels |= _cut_apart(alike, most)
    return labels


def _parted(cut: dict[str, str], most: int) -> dict[str, str]:
    """Keep two parts of those that came out alike: the one that was kept, and one that tells them apart."""
    labels, alike = {**cut}, dict[str, list[str]]()
    for text, label in sorted(cut.items()):  # in whatever order a set had them
        alike.setdefault(label, []).append(text)
    taken = {*cut.values()}
    for label, texts in alike.items():
        long = sorted(text for text in texts if len(text) > most)
        if len(texts) > 1 and long:
            labels |= _two_parts(long, max(label.split(ELLIPSIS), key=len), most, taken)
            taken |= {labels[text] for text in long}
    return labels


def _two_parts(texts: Sequence[str], kept: str, most: int, taken: Collection[str]) -> dict[str, str]:
    """Cut texts to two parts so that all differ, also from what is taken; return none if they can't."""
    differ = _shared(texts, at_words=False)[0]
    best = most * 3 // 7
    for room in sorted(range(2, most - 4), key=lambda room: abs(room - best)):
        for at_end in (True, False):
            labels = {}
            for text in texts:
                last = len(text) if at_end else min(differ + room, len(text))
                labels[text] = _two(text, max(text.find(kept), 0), last - room, last, most)
            if len({*labels.values()} - {*taken}) == len(texts):
                return labels
    return {}


def _two(text: str, first: int, second: int, last: int, most: int) -> str:
    """Cut a text to what begins at a first place, and what is between a second and a last one."""
    right = ELLIPSIS * (last < len(text))
    room = most - len(right) - (first > 0) - 1 - (last - second)
    if first + room >= second:
        return ELLIPSIS + text[max(last - (most - len(right) - 1), 1) : last] + right
    return ELLIPSIS * (first > 0) + text[first : first + room] + ELLIPSIS + text[second:last] + right


def _shared(texts: Sequence[str], at_words: bool) -> tuple[int, int]:
    """Say how many characters texts share at their beginning, and at their end behind that."""
    start = _same(texts, at_words)
    return start, _same([text[start:][::-1] for text in texts], at_words)


def _same(texts: Sequence[str], at_words: bool) -> int:
    """Count the characters that several texts begin with, up to the last end of a word if so asked."""
    if len(texts) < 2:
        return 0
    pairs = enumerate(zip(min(texts), max(texts), strict=False))
    same = next((place for place, (one, other) in pairs if one != other), min(map(len, texts)))
    ends = (between.end() for between in _BETWEEN_WORDS.finditer(texts[0][:same]))
    return max(ends, default=0) if at_words else same


def _around(text: str, start: int, end: int, most: int) -> str:
    """Cut a text to one part of it, with what stands behind it, then words before it, if there is room."""
    room = most - 2 - (end - start)
    if room < 0:
        left, right = ELLIPSIS * (start > 0), ELLIPSIS * (end < len(text))
        return left + both_ends(text[start:end], most - len(left) - len(right)) + right
    last = min(len(text), end + room)
    first = max(0, start - (room - (last - end)) - (last == len(text)))
    if first:  # half of a word that all share tells nobody anything
        first = min(
            (between.end() for between in _BETWEEN_WORDS.finditer(text[:start], first - 1)), default=first
        )
    return ELLIPSIS * (first > 0) + text[first:last] + ELLIPSIS * (last < len(text))


def _of_whole_words(cut: dict[str, str]) -> dict[str, str]:
    """Leave out pieces of words at a cut in the middle, if all that differed then still do."""
    whole = {text: _without_pieces(text, label) for text, label in cut.items()}
    return whole if len({*whole.values()}) == len({*cut.values()}) else cut


def _without_pieces(text: str, label: str) -> str:
    """Leave out a piece of a word on either side of a cut, where that costs less than half of the side."""
    head, _, tail = label.partition(ELLIPSIS)
    is_cut = len(head) + len(tail) < len(text) and text.startswith(head) and text.endswith(tail)
    if not (head and tail and is_cut):
        return label
    before = head[: head.rfind(" ") + 1] if not text[len(head)].isspace() else head
    behind = tail[tail.find(" ") :] if " " in tail and not text[-len(tail) - 1].isspace() else tail
    head, tail = (
        one if 2 * len(one) > len(all_of) else all_of for one, all_of in ((before, head), (behind, tail))
    )
    return f"{head}{ELLIPSIS}{tail}"


def _numbered(label: str, most: int, taken: Collection[str], numbers: Iterator[int]) -> str:
    """Put a number behind a label, the first one of those left that makes it different from all others."""
    marks = (f" ({number})" for number in numbers)
    fitting = (label[: max(most - len(mark), 0)] + mark for mark in marks)
    return next(text for text in fitting if text not in taken)


def listed(names: Sequence[str], most: int) -> str:
    """List names in a message, cleaned and cut so that different ones stay different; the rest is counted.

    Examples
    --------
    >>> listed(["model", "voter", "stance"], most=2), listed([], most=2)
    ('model, voter and 1 more', 'none')
    """
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(apart(names[:most], 80, harmless)) + more or "none"


def counted(n: int, what: str) -> str:
    """Say how many there are of what has a plain plural.

    Examples
    --------
    >>> counted(0, "vote"), counted(1, "entry"), counted(2_000, "entry")
    ('no votes', '1 entry', '2,000 entries')
    """
    several = f"{what.removesuffix('y')}ies" if what.endswith("y") else f"{what}s"
    return f"{n:,} {what if n == 1 else several}" if n else f"no {several}"
