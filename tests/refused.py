"""What a file system refuses: no file may grow, or somebody may not enter a folder."""

import os
import resource
import stat
from contextlib import contextmanager


@contextmanager
def no_room(bytes_each=0):
    """Let no file grow beyond so much; print nothing meanwhile, since pytest keeps that in files."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_each, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@contextmanager
def nobody(folder):
    """Root may do everything, so it becomes somebody else for a while, who comes as far as the folder."""
    if os.geteuid() != 0:
        yield
        return
    for one in folder.parents:
        if not one.stat().st_mode & stat.S_IXOTH:
            one.chmod(0o711)
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)
