"""Folds by hash: even, the same in any split, and no word on how often a replicate draws a decision."""

import numpy as np
import pandas as pd
import pytest

from mastermind_lab.errors import OptionError
from mastermind_lab.stats.engine.bootstrap import draws, hashes
from mastermind_lab.stats.engine.folds import fold_of

KEYS = hashes(pd.Series([f"decision {number}" for number in range(20_000)], dtype=object))


@pytest.mark.parametrize("folds", [2, 3, 10])
def test_folds_are_even_and_the_same_in_any_split(folds):
    found = fold_of(KEYS, folds)
    share = np.bincount(found, minlength=folds) / len(KEYS)
    assert share == pytest.approx(1 / folds, abs=0.02)
    backwards = np.concatenate([fold_of(KEYS[7_000:], folds), fold_of(KEYS[:7_000], folds)])
    assert np.roll(backwards, 7_000).tolist() == found.tolist()


def test_folds_do_not_hang_on_the_draws():
    drawn = draws(KEYS, 200).astype(float)
    difference = drawn[fold_of(KEYS) == 0].mean(axis=0) - drawn[fold_of(KEYS) == 1].mean(axis=0)
    # Each difference has a standard error of 2 / sqrt(n); the largest of 200 lies within 4.5 of them.
    assert np.abs(difference).max() < 4.5 * 2 / np.sqrt(len(KEYS))


def test_no_decisions_have_no_folds():
    assert fold_of(KEYS[:0]).tolist() == []


@pytest.mark.parametrize("folds", [0, 1, 101, 2.0, True, "two"])
def test_the_number_of_folds_is_checked(folds):
    with pytest.raises(OptionError, match="whole number from 2 to 100"):
        fold_of(KEYS, folds)
