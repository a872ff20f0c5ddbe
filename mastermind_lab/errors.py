"""What can go wrong, by name.

Every message says what was wrong, where (host, stream, path or id; never a password), what is safe, and
what to do about it.
"""


class LabError(Exception):
    """The root of every error this package raises on purpose."""


class SourceError(LabError):
    """A source cannot be read: no such file, no server, a wrong password, a key of another type."""


class NothingDecodedWarning(UserWarning):
    """A source had entries, and none of them could be decoded: ``rejects`` says of each why."""


class OptionError(LabError, ValueError):
    """A caller's argument makes no sense: an unknown column, a limit that is no number, date or id."""
