"""A Parquet file of somebody else's, with whatever columns it has."""

from __future__ import annotations

from typing import IO

import pyarrow as pa
from pyarrow import parquet

from .footer import DamageError

_MOST_ROWS = 10**8
_MOST_BYTES = 2**35


def foreign_table(stream: IO[bytes]) -> pa.Table:
    """Read all of it, if it is not absurdly large.

    Raises
    ------
    DamageError
        It is no Parquet file, or damaged.
    """
    content = pa.BufferReader(stream.read())
    try:
        footer = parquet.read_metadata(content)
        _check_size(footer)
        return parquet.ParquetFile(content, metadata=footer, page_checksum_verification=True).read()
    except (OSError, ValueError, TypeError, pa.ArrowException) as error:
        raise DamageError(f"no readable Parquet: {error!s:.200}") from error


def _check_size(footer: parquet.FileMetaData) -> None:
    size = sum(footer.row_group(number).total_byte_size for number in range(footer.num_row_groups))
    if footer.num_rows > _MOST_ROWS or size > _MOST_BYTES:
        raise DamageError(f"it claims {footer.num_rows:,} rows and {size:,} bytes")
