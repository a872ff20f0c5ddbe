"""Histories compared, and the outcomes of the sample."""

from functools import cache

from pandas.testing import assert_frame_equal

import mastermind_lab as lab
from mastermind_lab.frames import FRAMES
from mastermind_lab.history import sample_folder

OUTCOMES = sample_folder() / "outcomes.csv"


def sample(last=None, payloads=False):
    """The newest of the sample, as a history of one's own to change; it is read once."""
    read = _sample(last, payloads)
    return lab.History(read.tables(), read.account)


@cache
def _sample(last, payloads):
    return lab.sample(last=last, payloads=payloads)


def same(one, other, frames=(*FRAMES, "coverage")):
    """Compare two histories: frames, columns that are mixed, and the payloads where the first has them."""
    for frame in frames:
        assert_frame_equal(getattr(one, frame), getattr(other, frame))
    assert one.json_columns == other.json_columns
    assert one.mixed_columns == other.mixed_columns
    if one.payloads is not None:
        assert_frame_equal(one.payloads, other.payloads)
