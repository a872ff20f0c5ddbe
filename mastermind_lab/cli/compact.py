"""``mastermind-lab compact``: a snapshot's small files merged."""

from ..labels import counted
from .console import say
from .options import MaxPartBytes, Snapshot


def compact(folder: Snapshot, max_unpacked_bytes: MaxPartBytes = None) -> None:
    """Merge a snapshot's small files, day by day, and give all the same columns.

    It may be stopped at any moment.

    An archiver that runs on the folder is asked to merge, all but the newest file.
    """
    from .. import snapshot

    before, after = snapshot.compact(folder, max_unpacked_bytes=max_unpacked_bytes)
    say(f"{counted(before, 'range')} became {after:,} in {folder}")
