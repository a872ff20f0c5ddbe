"""What differs between the argument trees of two decisions."""

from __future__ import annotations

from typing import Literal

import pandas as pd

from ..errors import OptionError
from .engine.input import TEXT, Data, frame_of

_KEPT = ["node", "stance", "strength"]
_TELLS = ("stance", "strength")


def difference(data: Data, id_a: str, id_b: str) -> pd.DataFrame:
    """Compare the argument trees of two decisions, claim by claim.

    Two claims are the same if their texts are. Those under a claim of the same text are matched first; then
    those that stand elsewhere, which have moved. Where a text comes several times, the first matches the
    first, and so on.

    Parameters
    ----------
    data
        A history, or its ``arguments`` frame.
    id_a, id_b
        ``stream_id`` of the two decisions.

    Returns
    -------
    DataFrame
        One row for each claim that is not the same in both: ``change``, "removed" (only in a), "added" (only
        in b), "moved" (under another claim), "changed" (in its place, but of another stance or strength);
        ``claim``; ``parent_a`` and ``parent_b``, the claim it stands under (missing for a root); ``node_a``
        and ``node_b``; ``stance_a`` and ``stance_b``; ``strength_a`` and ``strength_b``. In the order of a,
        then of b. No row: the trees are equal.

    Raises
    ------
    OptionError
        If a column is missing, or a history holds no decision of an id.

    Examples
    --------
    >>> import mastermind_lab as lab
    >>> history = lab.sample()
    >>> set(lab.stats.difference(history, "0-2", "0-4")["change"]) <= {"removed", "added", "moved", "changed"}
    True
    >>> len(lab.stats.difference(history, "0-2", "0-2"))
    0
    """
    needed = ("stream_id", "node", "parent", "claim", "stance", "strength")
    claims = frame_of(data, "arguments", needed)
    known = claims if isinstance(data, pd.DataFrame) else data.decisions
    for stream_id in (id_a, id_b):
        if not (known["stream_id"] == stream_id).any():
            raise OptionError(f"no decision has the id {stream_id!r:.60}")
    a, b = (_claims(claims[claims["stream_id"] == stream_id]) for stream_id in (id_a, id_b))
    here = _matched(a, b, ["claim", "parent"])
    left_a, left_b = (tree[~tree["node"].isin(here[f"node_{end}"])] for tree, end in ((a, "a"), (b, "b")))
    moved = _matched(left_a, left_b, ["claim"], "outer")
    moved["change"] = (
        moved["_merge"].astype(TEXT).map({"left_only": "removed", "right_only": "added", "both": "moved"})
    )
    changed = here[_differ(here)].assign(change="changed")
    rows = pd.concat([changed, moved], ignore_index=True).sort_values(["node_a", "node_b"], ignore_index=True)
    ends = [f"{name}_{end}" for name in ("parent", *_KEPT) for end in ("a", "b")]
    return rows[["change", "claim", *ends]].astype({"change": TEXT, "claim": TEXT})


def _claims(tree: pd.DataFrame) -> pd.DataFrame:
    """Put the parent's text beside each claim."""
    texts = tree.drop_duplicates("node").set_index("node")["claim"]
    parent = texts.reindex(tree["parent"]).to_numpy()
    return tree.assign(parent=pd.Series(parent, index=tree.index, dtype=TEXT))[["claim", "parent", *_KEPT]]


def _matched(
    a: pd.DataFrame, b: pd.DataFrame, by: list[str], how: Literal["inner", "outer"] = "inner"
) -> pd.DataFrame:
    """Match claims that agree in some columns, the first to the first where they come again."""
    a, b = (tree.assign(turn=tree.groupby(by, dropna=False).cumcount()) for tree in (a, b))
    both = a.merge(b, how=how, on=[*by, "turn"], suffixes=("_a", "_b"), indicator=True)
    for end in ("a", "b"):
        if "parent" in by:
            both[f"parent_{end}"] = both["parent"]
    return both


def _differ(both: pd.DataFrame) -> pd.Series:
    """Say which matched claims have another stance or strength; missing in both is the same."""
    differ = pd.Series(False, index=both.index)
    for name in _TELLS:
        one, two = both[f"{name}_a"], both[f"{name}_b"]
        differ |= (one != two).fillna(True).astype(bool) & ~(one.isna() & two.isna())
    return differ
