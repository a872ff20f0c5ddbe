"""The archiver: a stream's entries in committed parts, each exactly once, however often it is killed.

An archive is a snapshot's folder that grows: each part is one committed range. The last committed id is where
an archiver goes on, with what the folder knows of the entries before it: the data is its own checkpoint, so
nothing else has to be kept in step with it. Entries of a stream that began again carry the epoch (``@1``) and
go to parts of their own: nothing is overwritten, and what a dump brings back is not archived again. What was
trimmed before it could be read is in ``coverage``, counted: "at most" where the last entry archived is gone,
since a stream that was begun again and trimmed looks the same.

Several streams are archived by one process, each to a folder of its own, ``arena=<name>``: an archive like
any other, with its own lock and its own end. So one can be read, verified, moved or given away by itself, and
what harms one harms no other. To programs that read Parquet the name is a partition above that of the day.
"""

from .archiver import PART_BYTES, PART_SECONDS, Archiver, overfull
from .progress import Archived
from .run import Archiving, archive, stopping

__all__ = [
    "PART_BYTES",
    "PART_SECONDS",
    "Archived",
    "Archiver",
    "Archiving",
    "archive",
    "overfull",
    "stopping",
]
