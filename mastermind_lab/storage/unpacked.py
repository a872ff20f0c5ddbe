"""How many bytes a file may unpack to: the file is a stranger's, the memory is ours."""

from __future__ import annotations

from ..errors import OptionError

ADVICE = (
    "If that is as it should be, give a larger max_unpacked_bytes (--max-unpacked-bytes on the command line)"
)


class LargeFileError(OSError):
    """A file has more bytes than may be read."""

    def __init__(self, size: int, most: int) -> None:
        super().__init__(f"it has {size:,} bytes, more than {most:,}. {ADVICE}")


def most_unpacked(packed: int, most: int | None, *, free: int, times: int) -> int:
    """Return how many bytes may come of so many packed ones.

    Parameters
    ----------
    packed
        How many there are.
    most
        What the user allows, whatever their number; None for the larger of the next two.
    free
        What any file may unpack to.
    times
        How many times its own bytes a larger one may.
    """
    return max(free, packed * times) if most is None else most


def check_bytes(name: str, number: int | None) -> None:
    """Refuse what is no number of bytes.

    Raises
    ------
    OptionError
        It is no whole number above 0.
    """
    if isinstance(number, bool) or not isinstance(number, int | None) or (number is not None and number <= 0):
        raise OptionError(f"{name}={number!r:.40}: expected a whole number of bytes above 0")
