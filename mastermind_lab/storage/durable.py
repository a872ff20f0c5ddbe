"""Names that last: of folders, and of what is in them."""

from __future__ import annotations

import errno
import os
from pathlib import Path


def make(path: Path) -> None:
    """Make a folder and those above it, each synced into the one that holds it."""
    if path.is_dir():
        return
    if path.parent != path:  # else a drive is not there
        make(path.parent)
    path.mkdir(exist_ok=True)
    sync(path.parent)


def sync(path: Path) -> None:
    """Make the names in a folder last."""
    if not hasattr(os, "O_DIRECTORY"):  # Windows can open no folder, and keeps names by itself
        return
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:  # some network file systems sync no folders
            raise
    finally:
        os.close(descriptor)
