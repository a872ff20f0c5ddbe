"""Histories compared, and the outcomes of the sample."""

from pandas.testing import assert_frame_equal

from mastermind_lab.frames import FRAMES
from mastermind_lab.history import sample_folder

OUTCOMES = sample_folder() / "outcomes.csv"


def same(one, other, frames=(*FRAMES, "coverage")):
    """Compare two histories: frames, columns that are mixed, and the payloads where the first has them."""
    for frame in frames:
        assert_frame_equal(getattr(one, frame), getattr(other, frame))
    assert one.json_columns == other.json_columns
    assert one.mixed_columns == other.mixed_columns
    if one.payloads is not None:
        assert_frame_equal(one.payloads, other.payloads)
