"""How far votes disagree, and how far they would by chance: what agreement beyond chance is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .ballots import Ballots
from .bootstrap import Floats
from .input import TEXT
from .levels import INTERVAL, NOMINAL, ORDINAL, Scale
from .sums import Codes, GroupedSums, places
from .units import Drawn

Quantities = dict[str, NDArray[Any]]

_ONE, _OTHER = "choice", "other choice"

CHANCES = {"alpha": ("distance", "widest"), "kappa": ("disagree", "values"), "ac1": ("split", "n")}
"""Each figure: the disagreement that was observed, and the most that it could have been."""


def quantities_of(ballots: Ballots, size: Codes, scale: Scale) -> Quantities:
    """Add up each panel; those of fewer than two votes have nothing to compare."""
    panel, choice, count = ballots.counts()
    paired = size > 1
    many = np.maximum(size, 1)
    alike = np.bincount(panel, count * (count - 1), minlength=len(size)) / np.maximum(size - 1, 1)
    disagree = np.where(paired, size - alike, 0)
    found = {
        "n": paired,
        "values": np.where(paired, size, 0),
        "disagree": disagree,
        "unlike": (size - 1) * disagree,
        "pairs": np.where(paired, size**2, 0),
        "split": disagree / many,
        "voted": size > 0,
        "shares": np.bincount(panel, count**2, minlength=len(size)) / many**2,
        "alone": ~paired,
        "repeated": np.bincount(ballots.repeated["panel"], minlength=len(size)),
    }
    if scale.level == INTERVAL:
        at = scale.places(pd.Series(ballots.choices))[choice]
        middle = np.bincount(panel, count * at, minlength=len(size)) / many
        squares = np.bincount(panel, count * (at - middle[panel]) ** 2, minlength=len(size))
        found["apart"] = np.where(paired, 2 * size * squares, 0)
        found["distance"] = found["apart"] / np.maximum(size - 1, 1)
    return found


def together_of(
    ballots: Ballots, size: Codes, keys: pd.DataFrame, drawn: Drawn, replicates: int, scale: Scale
) -> GroupedSums:
    """Count how often two choices met in a panel: what ordinal distances, known only in the end, weigh."""
    panel, choice, count = (part if scale.level == ORDINAL else part[:0] for part in ballots.counts())
    parts = [np.zeros((0, 4))]
    for apart in range(1, int(np.bincount(panel).max(initial=0))):
        here = np.flatnonzero(panel[apart:] == panel[:-apart])
        met = 2 * count[here] * count[here + apart]
        parts.append(np.column_stack([panel[here], choice[here], choice[here + apart], met]))
    where, one, other, met = np.concatenate(parts).T
    row = where.astype(np.intp)
    names = {_ONE: one, _OTHER: other}
    texts = {
        name: pd.array(ballots.choices[code.astype(np.intp)], dtype=TEXT) for name, code in names.items()
    }
    sums = {"apart": met, "distance": met / np.maximum(size[row] - 1, 1)}
    return GroupedSums.of(keys.iloc[row].assign(**texts), sums, drawn[row], replicates)


def beyond_chance(
    panels: GroupedSums, choices: GroupedSums, together: GroupedSums, scale: Scale
) -> GroupedSums:
    """Add what chance would give to each group's sums: from then on groups may be added.

    Parameters
    ----------
    panels
        What :func:`quantities_of` made, by group.
    choices
        ``values``, the votes for each choice of a group in panels of two and more, and ``shares``, the sum
        of their shares of all panels.
    together
        What :func:`together_of` made, which is looked at where choices are ordinal.
    """
    group, groups = places(choices.keys, panels.keys), len(panels.keys)
    n, votes = panels["values"], choices["values"]
    unlike = n**2 - _summed(group, votes**2, groups)
    more = _without_itself(unlike, panels["unlike"], n, panels["pairs"])
    if scale.level == NOMINAL:
        more |= {"distance": panels["disagree"], "widest": n}
    else:
        at = _positions(choices, group, n, scale)
        total = 2 * (n * _summed(group, votes * at**2, groups) - _summed(group, votes * at, groups) ** 2)
        measured = _weighed(panels, choices, together, at) if scale.level == ORDINAL else panels
        more["alpha"] = _without_itself(total, measured["apart"], n, panels["pairs"])["alpha"]
        more |= {"distance": measured["distance"], "widest": n * _widest(choices, group, at, groups)}
    more["ac1"] = _ac1(panels, choices, group, len(scale.order))
    known = [name for name in panels.names if name not in more]
    cells = np.stack([*(panels[name] for name in known), *more.values()], axis=1)
    return replace(panels, names=(*known, *more), cells=cells)


def _without_itself(total: Floats, own: Floats, n: Floats, pairs: Floats) -> dict[str, Floats]:
    """Say how far votes would disagree by chance, given how far all disagree with all.

    A decision that a replicate drew twice must not meet itself as if it were another one; the square of its
    Poisson(1) number is 2 on average.
    """
    total, met = total.copy(), n**2
    total[:, 1:] -= 2 * own[:, 1:]
    met[:, 1:] -= 2 * pairs[:, 1:]
    kappa = n * _divided(total, met)
    met[:, 0] -= n[:, 0]
    return {"alpha": n * _divided(total, met), "kappa": kappa}


def _ac1(panels: GroupedSums, choices: GroupedSums, group: Codes, named: int) -> Floats:
    """Say how far decisions would be split by chance for Gwet's AC1; 0 where there is one choice alone."""
    n, met = panels["n"], panels["voted"] ** 2
    alike = _summed(group, choices["shares"] ** 2, len(n))
    # Each decision meets itself once, as it does in the figure, however often it was drawn.
    alike[:, 1:] -= panels["shares"][:, 1:]
    met[:, 1:] -= panels["voted"][:, 1:]
    others = np.maximum(named, np.bincount(group, minlength=len(n)))[:, None] - 1
    return np.where(others > 0, n * (1 - _divided(met - alike, met) / np.maximum(others, 1)), 0)


def _positions(choices: GroupedSums, group: Codes, n: Floats, scale: Scale) -> Floats:
    """Say where each choice stands: by its number or, where ordinal, by the share of votes below it.

    Krippendorff's ordinal distance, all votes from one choice to the other with half of these two's, is that
    of their mid-ranks. As shares of all votes they are comparable between groups.
    """
    at = scale.places(choices.keys[_ONE])
    if scale.level == ORDINAL:
        order = np.lexsort((at, group))
        votes, sorted_group = choices["values"][order], group[order]
        below = np.cumsum(votes, axis=0) - votes
        below -= below[np.searchsorted(sorted_group, sorted_group)]
        found = np.empty(votes.shape)
        found[order] = _divided(below + votes / 2, n[sorted_group]) - 0.5
        return found
    middle = _divided(_summed(group, (choices["values"][:, 0] * at)[:, None], len(n)), n[:, :1])
    return np.repeat((at - middle[group, 0])[:, None], n.shape[1], axis=1)


def _weighed(
    panels: GroupedSums, choices: GroupedSums, together: GroupedSums, at: Floats
) -> Mapping[str, Floats]:
    """Weigh how often two choices met by the square of how far they are apart."""
    keys = together.keys
    ends = keys.drop(columns=_OTHER), keys.drop(columns=_ONE).rename(columns={_OTHER: _ONE})
    one, other = (places(end, choices.keys) for end in ends)
    squares, group = (at[one] - at[other]) ** 2, places(keys, panels.keys)
    return {name: _summed(group, together[name] * squares, len(panels.keys)) for name in together.names}


def _widest(choices: GroupedSums, group: Codes, at: Floats, groups: int) -> Floats:
    """Return the square of how far a group's choices are apart at most."""
    paired = choices["values"][:, 0] > 0
    low, high = np.full(groups, np.inf), np.full(groups, -np.inf)
    np.minimum.at(low, group[paired], at[paired, 0])
    np.maximum.at(high, group[paired], at[paired, 0])
    return np.where(high > low, high - low, 0.0)[:, None] ** 2


def _summed(group: Codes, rows: Floats, groups: int) -> Floats:
    """Add rows, which are sorted by group, up by group."""
    total, starts = np.zeros((groups, rows.shape[1])), np.flatnonzero(np.diff(group, prepend=-1))
    if len(starts):
        total[group[starts]] = np.add.reduceat(rows, starts, axis=0)
    return total


def _divided(top: Floats, bottom: Floats) -> Floats:
    """Divide; where there is nothing to divide by nothing is expected."""
    return np.divide(top, bottom, out=np.zeros(top.shape), where=bottom > 0)
