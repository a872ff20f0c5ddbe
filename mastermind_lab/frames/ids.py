"""Stream ids: ``1735580000000-0``, with ``@1`` behind it where the stream began again."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray


def id_key(stream_id: str) -> tuple[int, int, int]:
    """Return what ids sort by: epoch, milliseconds, sequence number, all as exact numbers.

    Examples
    --------
    >>> sorted(["10-0", "9-2", "9-11", "1-0@1"], key=id_key)
    ['9-2', '9-11', '10-0', '1-0@1']
    """
    place, _, epoch = stream_id.partition("@")
    milliseconds, _, sequence = place.partition("-")
    return int(epoch or 0), int(milliseconds), int(sequence or 0)


def id_parts(ids: Iterable[str]) -> NDArray[np.uint64]:
    """Split many ids at once: an array of shape (n, 3) of epoch, milliseconds, sequence number."""
    keys = [id_key(stream_id) for stream_id in ids]
    return np.array(keys, dtype=np.uint64).reshape(-1, 3)


def order(parts: NDArray[np.uint64]) -> NDArray[np.intp]:
    """Return the stable order, oldest first, of ids split by :func:`id_parts`."""
    return np.lexsort((parts[:, 2], parts[:, 1], parts[:, 0]))
