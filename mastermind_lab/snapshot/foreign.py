"""A Parquet file of somebody else's, with whatever columns it has."""

from __future__ import annotations

from typing import IO

import pyarrow as pa
from pyarrow import parquet

from .footer import DamageError
from .parts import check_size


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
        check_size(footer)
        return parquet.ParquetFile(content, metadata=footer, page_checksum_verification=True).read()
    except (OSError, ValueError, TypeError, pa.ArrowException) as error:
        raise DamageError(f"no readable Parquet: {error!s:.200}") from error
