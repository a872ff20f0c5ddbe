"""NDJSON in and out: one envelope a line, plain or compressed.

A line break ends a line, CR LF too; in a file without any, CR alone does. Blank lines are skipped but
counted, so that an id names its line; a byte order mark at the start of a file is skipped. Whether a file is
compressed, and how, is told by its first bytes, whatever its name.

What is wrong with a file is an entry of its own, a reject in the place where it is: a compressed file that is
damaged or ends early (the lines before are kept, and the reject names those that no checksum confirms), a
file of another format, one that unpacks to too much, a line that is too long (see :class:`FileLimits`); and,
beside others, what can't be opened, or is a pipe, a device or a folder.
"""

from __future__ import annotations

from .files import ENDINGS, File, StandardInput, can_be_read_again, find
from .formats import row_hint
from .lines import FileLimits, lines, lines_beside_others
from .writing import write_lines

__all__ = [
    "ENDINGS",
    "File",
    "FileLimits",
    "StandardInput",
    "can_be_read_again",
    "find",
    "lines",
    "lines_beside_others",
    "row_hint",
    "write_lines",
]
