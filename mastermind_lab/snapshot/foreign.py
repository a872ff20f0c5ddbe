"""A Parquet file of somebody else's, with whatever columns it has."""

from __future__ import annotations

from typing import IO

import pyarrow as pa
from pyarrow import parquet

from .footer import DamageError
from .unfolded import ANY_ENCODING, check_in_turn, check_unfolded, chunks_of, to_read_as_dictionary


def foreign_table(stream: IO[bytes], max_unpacked_bytes: int | None = None) -> pa.Table:
    """Read all of it; texts that many rows may share are places in a dictionary.

    Parameters
    ----------
    stream
        The file.
    max_unpacked_bytes
        How many bytes it may unpack to; None for the larger of 1 GiB and 20 times its own.

    Raises
    ------
    DamageError
        It is no Parquet file, or damaged, or it unpacks to more.
    """
    content = stream.read()
    try:
        footer = parquet.read_metadata(pa.BufferReader(content))
        chunks = [*chunks_of(footer, range(footer.num_row_groups), None)]
        as_places = to_read_as_dictionary(content, footer, max_unpacked_bytes, (), chunks, 0, ANY_ENCODING)
        file = parquet.ParquetFile(
            pa.BufferReader(content),
            metadata=footer,
            read_dictionary=[*as_places],
            page_checksum_verification=True,
        )
        check_in_turn(content, max_unpacked_bytes, chunks, file.iter_batches)
        table = file.read()
    except (OSError, ValueError, TypeError, pa.ArrowException) as error:
        raise DamageError(f"no readable Parquet: {error!s:.200}") from error
    check_unfolded(table, len(content), max_unpacked_bytes)
    return table
