"""What a file is that is no NDJSON, by how it begins, and how to come by its envelopes."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from json import JSONDecoder
from typing import Any

from pydantic_core import from_json

from ..envelope import DecisionEnvelope, is_wrapper
from .packing import packing_of

_LOOKED_AT = 20  # lines

_PARQUET = (
    "Parquet. A part of a snapshot is read with its snapshot: lab.read of the folder that holds 'decisions'; "
    "a table with a row a vote by lab.from_votes"
)
_NESTED = "compressed twice, or an archive of files: unpack it"
_PACKED = "compressed in a way that is not read: unpack it, or pack it with gzip, bzip2, xz or Zstandard"
_ARCHIVE = "an archive of files: unpack it, and give the folder to lab.read"
_TAR = (b"ustar\x0000", b"ustar  \0")  # and where it stands
_TAR_AT = 257
_PICKLE = "a pickle of Python. Give lab.read the list of its envelopes' JSON texts"
_MAGIC = (
    (b"PAR1", _PARQUET),
    (b"ARROW1", "an Arrow file. Give lab.read the list of its envelopes' JSON texts"),
    (b"SQLite format 3\0", "an SQLite database. Give lab.read the list of its envelopes' JSON texts"),
    (b"PK\x03\x04", "a zip archive, or a spreadsheet. Unpack it, and give the folder to lab.read"),
    (b"7z\xbc\xaf\x27\x1c", _NESTED),
    (b"\x04\x22\x4d\x18", _PACKED),  # LZ4
    (b"]\0\0", _PACKED),  # LZMA, as it was before xz
    *((bytes([0x80, protocol]), _PICKLE) for protocol in range(2, 6)),
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
_WRAPPED = (
    "a JSON array within an object. NDJSON is one envelope a line: jq -c '.[] | arrays | .[]' makes it so, "
    "of each array in it"
)
_COMMAS = (
    "JSON with commas between its lines. NDJSON is one envelope a line, without: "
    "sed 's/^,//; s/,[[:space:]]*$//' makes it so"
)
_PRETTY = (
    "JSON over several lines. NDJSON is one envelope a line: jq -c . makes it so; of one envelope, give "
    "lab.read [open(...).read()]"
)
_HTML = "HTML or XML, as a server may send it in place of a file. Look into it, and fetch the file again"
_SEQUENCE = "a JSON text sequence (RFC 7464). NDJSON has no record separators: tr -d '\\036' makes it so"
_PREFIXED = (
    "lines of text with JSON at their end, such as a log. NDJSON is the JSON alone: "
    "sed 's/^[^{]*//' makes it so"
)
_CSV = (
    "a table of text (CSV or TSV). If a row is a vote, lab.from_votes reads it; if one of its columns holds "
    "envelopes, give lab.read that column"
)

_ROWS = (
    "An object without an envelope's decision may be a row of a table. If a row is a vote, lab.from_votes "
    "reads the file, and so does mastermind-lab import"
)


def row_hint(payload: bytes) -> str:
    """Say what to do about an object of several plain values, which is no envelope; nothing of others.

    Examples
    --------
    >>> row_hint(b'{"question": "tram", "worker": "Ada", "answer": "yes"}')[:46]
    "An object without an envelope's decision may b"
    >>> row_hint(b'{"decision": {"confidence": 2}, "a": 1, "b": 1}')
    ''
    """
    try:
        found = from_json(payload)
    except ValueError:
        return ""
    if not isinstance(found, dict) or isinstance(found.get("decision"), dict):
        return ""
    return _ROWS if sum(not isinstance(value, list | dict) for value in found.values()) > 1 else ""


def other_format(head: bytes) -> str | None:
    """Say what a file is that begins so, and what to do about it; None where it may be NDJSON.

    Where one line of its beginning is a JSON object it is NDJSON, whatever the other lines are; unless they
    are a single JSON value together.

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
    if head.startswith(_TAR, _TAR_AT):
        return _ARCHIVE
    lines = [line.strip() for line in head.split(b"\n", _LOOKED_AT * 2)[: _LOOKED_AT * 2] if line.strip()]
    if len(lines) == 1 and _wraps(lines[0]):
        return _WRAPPED
    if not lines or (is_object(lines[0]) and not _commas_come_first(lines)):
        return None
    return _json_over_lines(head, lines) or (None if any(map(is_object, lines)) else _text(lines))


def _text(lines: Sequence[bytes]) -> str | None:
    """Say what text is none of whose lines is a JSON object."""
    first = lines[0]
    if first.startswith(b"\x1e"):
        return _SEQUENCE
    if _ends_in_object(first):
        return _PREFIXED
    if first.startswith(b"["):
        return _ARRAY
    if first.startswith(b"{"):
        return _COMMAS if is_object(first.rstrip(b",")) else None
    if first.startswith(b"<"):
        return _HTML
    if _is_table(lines):
        return _CSV
    return _PREFIXED if any(map(_ends_in_object, lines)) else None


def is_object(line: bytes) -> bool:
    """Tell whether a line is a JSON object."""
    if not line.lstrip().startswith(b"{"):
        return False
    try:
        from_json(line)
    except ValueError:
        return False
    return True


def _ends_in_object(line: bytes) -> bool:
    """Tell whether a JSON object stands behind some other text."""
    before, brace, behind = line.partition(b"{")
    return bool(before.strip(b" \t[,")) and is_object(brace + behind)


def _commas_come_first(lines: Sequence[bytes]) -> bool:
    return len(lines) > 2 and all(line.startswith(b",") for line in lines[1:3])


def _json_over_lines(head: bytes, lines: Sequence[bytes]) -> str | None:
    """Say what JSON is that begins with the first line, and goes on over its end."""
    if not lines[0].startswith((b"[", b"{")):
        return None
    if is_object(lines[0].rstrip(b",")):
        parts = head.rstrip(b", \t\r\n")
        return None if _value(b"[" + parts, b"]", lines) is None else _COMMAS
    value = _value(head, b"", lines)
    if isinstance(value, list):
        return _ARRAY
    return None if value is None else _WRAPPED if is_wrapper(value) else _PRETTY


def _value(begin: bytes, end: bytes, lines: Sequence[bytes]) -> Any:
    """Return the JSON value that begins with the first line, if it ends behind it, or may; None if not."""
    text = (begin + end).decode(errors="replace").lstrip()
    try:
        value, length = JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        commas = sum(line.startswith(b",") or line.endswith(b",") for line in lines)
        # Where the next line begins like the first, and no commas tell otherwise, each is one of its own.
        if len(lines) == 1 or (lines[1].startswith(b"{") and commas < 2):
            return None
        try:
            return from_json(begin, allow_partial=True)
        except ValueError:
            return None
    return value if "\n" in text[:length] else None


def _wraps(line: bytes) -> bool:
    """Tell whether the only line, which may be cut in its middle, is a wrapper; an envelope is none."""
    if not line.startswith(b"{"):
        return False
    try:
        value = from_json(line, allow_partial=True)
    except ValueError:
        return False
    return not value.keys() & DecisionEnvelope.model_fields.keys() and is_wrapper(value)


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
