"""What a file is that is no NDJSON, by how it begins, and how to come by its envelopes."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from json import JSONDecoder

from pydantic_core import from_json

from .packing import packing_of

_LOOKED_AT = 20  # lines

_PARQUET = (
    "Parquet. A part of a snapshot is read with its snapshot: lab.read of the folder that holds 'decisions'"
)
_NESTED = "compressed twice, or an archive of files: unpack it"
_MAGIC = (
    (b"PAR1", _PARQUET),
    (b"ARROW1", "an Arrow file. Give lab.read the list of its envelopes' JSON texts"),
    (b"SQLite format 3\0", "an SQLite database. Give lab.read the list of its envelopes' JSON texts"),
    (b"PK\x03\x04", "a zip archive, or a spreadsheet. Unpack it, and give the folder to lab.read"),
    (b"7z\xbc\xaf\x27\x1c", _NESTED),
    (b"%PDF-", "a PDF"),
    (b"\x89HDF", "an HDF5 file"),
    (b"\xff\xfe", "text in UTF-16. NDJSON is UTF-8: iconv -f UTF-16 -t UTF-8 makes it so"),
    (b"\xfe\xff", "text in UTF-16. NDJSON is UTF-8: iconv -f UTF-16 -t UTF-8 makes it so"),
    (b"{\0", "text in UTF-16. NDJSON is UTF-8: iconv -f UTF-16LE -t UTF-8 makes it so"),
    (b"\0{", "text in UTF-16. NDJSON is UTF-8: iconv -f UTF-16BE -t UTF-8 makes it so"),
)
_ARRAY = (
    "a JSON array. NDJSON is one envelope a line: jq -c '.[]' makes it so; or give lab.read "
    "[json.dumps(one) for one in json.load(open(...))]"
)
_COMMAS = (
    "JSON with commas between its lines. NDJSON is one envelope a line, without: sed 's/,$//' makes it so"
)
_PRETTY = (
    "JSON over several lines. NDJSON is one envelope a line: jq -c . makes it so; of one envelope, give "
    "lab.read [open(...).read()]"
)
_HTML = "HTML or XML, as a server may send it in place of a file. Look into it, and fetch the file again"
_CSV = "a table of text (CSV or TSV). If one of its columns holds envelopes, give lab.read that column"


def other_format(head: bytes) -> str | None:
    """Say what a file is that begins so, and what to do about it; None where it may be NDJSON.

    Where one line of its beginning is a JSON object it is NDJSON, whatever the other lines are.

    Examples
    --------
    >>> other_format(b'[{"decision": {}},')[:13]
    'a JSON array.'
    >>> other_format(b'not an envelope') is None
    True
    """
    for magic, said in _MAGIC:
        if head.startswith(magic):
            return said
    if packing_of(head):
        return _NESTED
    lines = [line for line in head.split(b"\n", _LOOKED_AT * 2)[: _LOOKED_AT * 2] if line.strip()]
    if not lines or any(map(is_object, lines)):
        return None
    first = lines[0].strip()
    if first.startswith(b"["):
        return _ARRAY
    if first.startswith(b"{"):
        return _COMMAS if is_object(first.rstrip(b",")) else _PRETTY if _is_pretty(head, lines) else None
    if first.startswith(b"<"):
        return _HTML
    return _CSV if _is_table(lines) else None


def is_object(line: bytes) -> bool:
    """Tell whether a line is a JSON object."""
    if not line.lstrip().startswith(b"{"):
        return False
    try:
        from_json(line)
    except ValueError:
        return False
    return True


def _is_pretty(head: bytes, lines: Sequence[bytes]) -> bool:
    """Tell whether a JSON object goes on over the end of its line."""
    # Where the next line begins like the first, each is one of its own.
    if len(lines) == 1 or lines[1].lstrip().startswith(b"{"):
        return False
    try:
        from_json(head, allow_partial=True)
    except ValueError:
        try:
            JSONDecoder().raw_decode(head.decode(errors="replace").lstrip())
        except (ValueError, RecursionError):
            return False
    return True


def _is_table(lines: Sequence[bytes]) -> bool:
    """Tell whether lines have several fields, all of them as many."""
    # Of a longer file, the last may be cut in its middle.
    try:
        whole = [line.decode() for line in (lines[:-1] if len(lines) > 2 else lines)]
    except UnicodeDecodeError:
        return False
    for separator in ("\t", ",", ";", "|"):
        try:
            counts = {len(row) for row in csv.reader(whole, delimiter=separator)}
        except csv.Error:
            continue
        if len(whole) > 1 and len(counts) == 1 and counts.pop() > 1:
            return True
    return False
