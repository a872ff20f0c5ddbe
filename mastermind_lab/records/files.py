"""A table in a file: Parquet, JSON lines or CSV, told by its content; compressed or not."""

from __future__ import annotations

import csv
import io
import os
from codecs import BOM_UTF8
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv as arrow_csv
from pydantic_core import from_json

from .. import ndjson
from ..errors import SourceError
from ..labels import counted
from ..ndjson.blocks import blocks_of
from ..text import harmless
from .columns import TEXT, Column, in_one_piece, texts
from .quotes import check_quotes
from .reading import Records, of_columns, of_rows

_DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
_PARQUET = b"PAR1"
_LOOKED_AT = 2**16
_NO_TEXT = {
    b"PK\x03\x04": "a spreadsheet or an archive: save it as CSV, or read it with pandas.read_excel",
    b"\xff\xfe": "text in UTF-16: iconv -f UTF-16 -t UTF-8 makes it UTF-8",
    b"\xfe\xff": "text in UTF-16: iconv -f UTF-16 -t UTF-8 makes it UTF-8",
    b"ARROW1": "an Arrow file: give the table that pyarrow.feather.read_table makes of it",
    b"SQLite format 3": "an SQLite database: give the frame that pandas.read_sql makes of a query",
}


def only_file(path: str | os.PathLike[str]) -> ndjson.File:
    """Return the one file that a path or URL means.

    Raises
    ------
    SourceError
        There is none, or there are several, or it can be read only once.
    """
    files = ndjson.find(path, ("",))
    if len(files) > 1:
        raise SourceError(f"{path} means {len(files)} files: give one, or put them together first")
    if not ndjson.can_be_read_again(files[0]):
        raise SourceError(f"{files[0]} can be read once, and its format is looked for first: give a file")
    return files[0]


def is_parquet(file: ndjson.File) -> bool:
    """Tell whether a file is Parquet."""
    with opened(file) as stream:
        head: bytes = stream.read(len(_PARQUET))
    return head == _PARQUET


def read_file(
    file: ndjson.File,
    name: str,
    words: Collection[str],
    names: Collection[str],
    limits: ndjson.FileLimits | None = None,
) -> Records:
    """Read a CSV or JSON lines file.

    Parameters
    ----------
    file
        The file.
    name
        What the caller calls it.
    words
        Columns that stay text, whatever their values look like.
    names
        Columns of what names something, which stay text where a number or truth value would be spelled
        otherwise: 1.1 and 1.10 are two, 1 and 1.0, as a column of floats has it, are one.
    limits
        How much of it is read.

    Raises
    ------
    SourceError
        It cannot be read, or is of another format.
    """
    limits = limits or ndjson.FileLimits()
    content = _text_of(file, name, limits.unpacked_bytes)
    if content.lstrip().startswith((b"{", b"[")):
        if _is_array(content.strip()):
            raise SourceError(
                f"{file} is a JSON array: expected JSON lines, a row a line "
                '(pandas: to_json(path, orient="records", lines=True))'
            )
        return _json_lines(file, name, limits)
    return _delimited(content, str(file), name, words, names)


def _text_of(file: ndjson.File, name: str, most: int | None) -> bytes:
    content, fault = content_of(file, most)
    for magic, said in _NO_TEXT.items():
        if content.startswith(magic):
            raise SourceError(f"{file} is {said}")
    if b"\0" in content[:2]:
        raise SourceError(
            f"{file} is text in UTF-16: iconv -f UTF-16LE -t UTF-8, or -f UTF-16BE, makes it UTF-8"
        )
    if fault:
        raise SourceError(f"{file}: {fault}")
    if not content.strip():
        raise SourceError(f"{file} is empty: expected a table of {name}, with the names of its columns")
    return content


def content_of(file: ndjson.File, most: int | None = None) -> tuple[bytes, str | None]:
    """Return a file's bytes, of a compressed one at most so many, and what is wrong with it."""
    with opened(file) as stream:
        blocks = [*blocks_of(stream, harmless(file.name), most)]
    fault = next((block.fault.detail for block in blocks if block.fault), None)
    return b"".join(block.data for block in blocks).removeprefix(BOM_UTF8), fault


def head_of(file: ndjson.File) -> bytes:
    """Return the first bytes of a file, unpacked."""
    head = b""
    with opened(file) as stream:
        for block in blocks_of(stream, harmless(file.name), None):
            head += block.data
            if len(head) >= _LOOKED_AT:
                break
    return head[:_LOOKED_AT].removeprefix(BOM_UTF8)


@contextmanager
def opened(file: ndjson.File) -> Iterator[Any]:
    """Open a file to read it.

    Raises
    ------
    SourceError
        It cannot be read.
    """
    try:
        with file.open("rb") as stream:
            yield stream
    except OSError as error:
        raise SourceError(f"cannot read {file}: {error.strerror or error}") from error


def _json_lines(file: ndjson.File, name: str, limits: ndjson.FileLimits) -> Records:
    rows: list[dict[str, Any]] = []
    numbers: list[int] = []
    rejects: list[tuple[int, str, str, bytes]] = []
    for entry_id, payload, fault in ndjson.lines(file, limits=limits):
        number = int(entry_id.partition("-")[2])
        row, detail = (None, fault.detail) if fault else _object(payload)
        if row is None:
            rejects.append((number, fault.reason if fault else "not_json", detail, bytes(payload or b"")))
        else:
            rows.append(row)
            numbers.append(number)
    return Records(of_rows(rows, name), harmless(str(file)), numbers, rejects)


def _is_array(content: bytes) -> bool:
    """Tell whether it is one list, and not lines of which the first is a list."""
    if not content.startswith(b"["):
        return False
    first, _, others = content.partition(b"\n")
    try:
        return not others or not isinstance(from_json(first), list)
    except ValueError:
        return True


def _object(payload: bytes) -> tuple[dict[str, Any] | None, str]:
    try:
        found = from_json(payload)
    except ValueError as error:
        return None, str(error)
    return (found, "") if isinstance(found, dict) else (None, f"{type(found).__name__}, not an object")


def _delimited(
    content: bytes, file: str, name: str, words: Collection[str], names: Collection[str]
) -> Records:
    there, table, rejects = _cells(content, file, words)
    columns = (
        (one, _narrowed(one, table[place], one in words, one in names)) for place, one in enumerate(there)
    )
    every = np.arange(1, table.num_rows + len(rejects) + 1)
    numbers = np.delete(every, [number - 1 for number, *_ in rejects])
    return Records(of_columns(columns, name), harmless(file), numbers.tolist() if rejects else None, rejects)


def _cells(
    content: bytes, file: str, words: Collection[str]
) -> tuple[list[str], pa.Table, list[tuple[int, str, str, bytes]]]:
    """Return the names of columns, their texts, and the rows of another length, with their numbers."""
    delimiter, names = _header(content, file, words)
    check_quotes(content, delimiter, file)
    rows: list[tuple[int, str, str, bytes]] = []
    try:
        table = _parsed(content, delimiter, names, rows)
        names = table.column_names  # which are decoded here
    except (pa.ArrowException, UnicodeError) as error:
        is_other = isinstance(error, UnicodeError) or "UTF8" in str(error)
        hint = ": iconv -f LATIN1 -t UTF-8 may make it so" if is_other else ""
        raise SourceError(f"{file} is no CSV in UTF-8{hint} ({error!s:.200})") from error
    return names, table, rows


def _header(content: bytes, file: str, words: Collection[str]) -> tuple[str, list[str]]:
    """Find the names of the columns, split by what makes the wanted ones of them, or most of all."""
    end = content.find(b"\n", _LOOKED_AT) + 1 or len(content)  # of a line: names may be many
    head = content[:end].decode(errors="replace").lstrip("\r\n")
    found = {}
    for delimiter in _DELIMITERS:
        try:
            found[delimiter] = next(csv.reader(io.StringIO(head, newline=""), delimiter=delimiter), [])
        except csv.Error as error:
            raise SourceError(f"{file} is no CSV: {error}") from error
    best = max(_DELIMITERS, key=lambda one: (len({*words} & {*found[one]}), len(found[one])))
    return best, found[best]


def _parsed(
    content: bytes, delimiter: str, names: list[str], rows: list[tuple[int, str, str, bytes]]
) -> pa.Table:
    """Parse all columns as text; rows of more or fewer cells are set aside."""

    def odd(row: Any) -> str:
        number = row.number - 1  # of the rows below the names, where empty lines are none
        said = f"row {number}: {counted(row.actual_columns, 'cell')}, not {row.expected_columns}"
        rows.append((number, "cells", said, row.text.encode()))
        return "skip"

    return arrow_csv.read_csv(
        pa.BufferReader(content),
        arrow_csv.ReadOptions(use_threads=False),  # with threads no row would know its number
        arrow_csv.ParseOptions(delimiter=delimiter, newlines_in_values=True, invalid_row_handler=odd),
        arrow_csv.ConvertOptions(
            column_types=dict.fromkeys(names, TEXT), strings_can_be_null=True, null_values=[""]
        ),
    )


def _narrowed(name: str, column: pa.ChunkedArray, is_word: bool, is_name: bool) -> list[tuple[pa.Field, Any]]:
    """Make numbers and truth values of a column of texts, where all of them are, and none would be lost."""
    cells = in_one_piece(column)
    if cells.null_count == len(cells):
        return [(pa.field(name, pa.null()), pa.nulls(len(cells)))]
    for pattern, kind in () if is_word else _NARROWER:
        if pc.all(pc.match_substring_regex(cells, pattern)).as_py():
            try:
                made = (pa.field(name, kind), cells.cast(kind))
            except pa.ArrowInvalid:  # of more digits than fit
                break
            is_kept = _are_spelled_alike(made, cells) if is_name else _keeps_digits(*made, cells)
            if not is_kept:
                break
            return [made]
    return [(pa.field(name, TEXT), cells)]


def _are_spelled_alike(made: Column, cells: pa.Array) -> bool:
    """Tell whether texts are spelled as what they would be is: in frames, or by Python."""
    by_python = pa.array([None if one is None else str(one) for one in made[1].to_pylist()], TEXT)
    return bool(texts(*made).values.equals(cells) or by_python.equals(cells))


def _keeps_digits(field: pa.Field, made: pa.Array, cells: pa.Array) -> bool:
    """Tell whether numbers are what their texts say: a float holds 15 digits, and more if it prints them."""
    if field.type != pa.float64():
        return True
    digits = pc.utf8_length(pc.replace_substring_regex(cells, _NO_DIGIT, ""))
    at_risk = pc.and_(pc.greater(digits, 15), pc.not_equal(made.cast(TEXT), cells))
    pairs = zip(made.filter(at_risk).to_pylist(), cells.filter(at_risk).to_pylist(), strict=True)
    return all(Decimal(repr(number)) == Decimal(text) for number, text in pairs)


_NO_DIGIT = r"^-?0*(\.0*)?|\.|[eE].*$"

# A zero before other digits makes a name of a number, as a plus does.
_NARROWER = (
    (r"^-?(0|[1-9]\d{0,17})$", pa.int64()),
    (r"^-?(0|[1-9]\d{0,14})?(\.\d*)?([eE][+-]?\d{1,2})?$", pa.float64()),
    (r"^([tT]rue|[fF]alse|TRUE|FALSE)$", pa.bool_()),
)
