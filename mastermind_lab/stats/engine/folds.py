"""Folds: what is chosen or fitted on some decisions is judged on others.

A decision's fold is a hash of its own key (:mod:`~mastermind_lab.stats.engine.units`), so that it is the same
on every machine and in every split, and says nothing of how often a replicate draws the decision. Where whole
clusters are drawn, the key is the cluster's, and all of it is in one fold.
"""

from __future__ import annotations

import numpy as np

from .bootstrap import Hashes, mixed
from .options import check_whole
from .sums import Codes

# The draws hash the same keys, each with a small multiple of one number added; this is none of those.
_SALT = np.uint64(0x666F6C64)


def fold_of(hashed: Hashes, folds: int = 2) -> Codes:
    """Say in which fold each decision, or cluster, is.

    Parameters
    ----------
    hashed
        The keys of the decisions or clusters, shape (n,).
    folds
        How many, 2 to 100.

    Returns
    -------
    array of int, shape (n,)
        From 0 to ``folds`` - 1. With few keys a fold may be empty.

    Raises
    ------
    OptionError
        If ``folds`` is no whole number from 2 to 100.
    """
    check_whole("folds", folds, 2, 100)
    return (mixed(hashed + _SALT) % np.uint64(folds)).astype(np.intp)
