"""A history is the same thing wherever it is: History, and the reader that finds out what a source is."""

from .derived import without_undecided
from .dictionary import dictionary
from .from_votes import from_votes
from .history import History
from .outcomes import with_outcomes
from .read import aread, read, redecode, sample, sample_folder
from .recalibrated import recalibrated
from .scan import Scan, with_missing_columns
from .signature import with_options_of
from .sources import is_stream

__all__ = [
    "History",
    "Scan",
    "aread",
    "dictionary",
    "from_votes",
    "is_stream",
    "read",
    "recalibrated",
    "redecode",
    "sample",
    "sample_folder",
    "with_missing_columns",
    "with_options_of",
    "with_outcomes",
    "without_undecided",
]
