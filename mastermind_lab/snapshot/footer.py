"""The footer of a part: what it says of itself, read and checked before any of it is believed."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from typing import Any

import pyarrow as pa
from pyarrow import parquet

from ..frames import FRAMES, PAYLOADS, SchemaUnion, is_id
from .layout import Name

KEY = "mastermind_lab."
"""How our keys in a footer begin."""

OWN_HASH = "sha256"
"""The key of the hash of the file itself, taken with zeros in the hash's place."""

METADATA_HASH = "facts_sha256"
"""The key of the hash of our other keys: who reads the footer alone trusts nothing else."""

ZEROS = "0" * 64

MOST_BYTES = 2**24
"""A footer takes no more: the largest of ours, of thousands of columns, takes a tenth of it."""

_HASH = re.compile("[0-9a-f]{64}")
_NUMBER = re.compile("[0-9]{1,20}")
_ROWS = re.compile("[0-9]{1,12}")  # in one part; so many parts' still have a length


class DamageError(Exception):
    """A part's bytes are not those that were written, or not ours; ``kind`` is what verify calls that."""

    kind = "unreadable"


def sha256(content: bytes) -> str:
    """Return the SHA-256 of some bytes, in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def metadata_hash(metadata: Mapping[str, str]) -> str:
    """Return the SHA-256 of what a footer says beside its hashes."""
    rest = sorted((name, value) for name, value in metadata.items() if name not in (OWN_HASH, METADATA_HASH))
    return sha256(json.dumps(rest).encode())


def check_metadata(metadata: Mapping[str, str]) -> None:
    """Compare what a footer says with the hash of it; older parts have none.

    Raises
    ------
    DamageError
        They differ.
    """
    if metadata.get(METADATA_HASH) not in (None, metadata_hash(metadata)):
        raise DamageError("its footer is not what was written (SHA-256)")


def check_said(metadata: Mapping[str, str]) -> None:
    """Refuse a ``decisions`` part that says what none of ours does.

    What it says of other parts becomes their paths, and what it says of numbers, sizes: so tables are those
    that we know, and places those of parts.

    Raises
    ------
    DamageError
        With the name of what it says.
    """
    missing = [name for name in ("siblings", "first_id", "last_id") if name not in metadata]
    if missing:
        raise DamageError(f"its footer says no {missing[0]!r}")
    for name, is_ours in _OURS.items():
        if name in metadata and not is_ours(parsed(name, metadata[name])):
            raise DamageError(f"what its footer says of {name!r} is not ours: {metadata[name]!r:.80}")


def parsed(name: str, text: str) -> Any:
    """Read what a footer says, mostly JSON.

    Raises
    ------
    DamageError
        It is none, or holds half a character, which nobody could write again.
    """
    if name in _TEXTS:
        return text
    try:
        said = json.loads(text)
        if "\\u" in text:
            json.dumps(said, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise DamageError(f"what its footer says of {name!r} is no JSON: {text!r:.80}") from error
    return said


def _are_children(said: Any) -> bool:
    """Tell whether these are the parts of the other frames, and of the payloads or not."""
    tables = {*FRAMES} - {"decisions"}
    is_named = isinstance(said, dict) and tables <= said.keys() <= {*tables, PAYLOADS}
    return is_named and all(map(_is_child, said.values()))


def _is_child(said: Any) -> bool:
    if not isinstance(said, dict) or not isinstance(said.get("next", []), list):
        return False
    hashes = [said.get("sha256"), *said.get("next", [])]
    return all(map(_is_hash, hashes)) and _is_count(said.get("rows")) and _is_count(said.get("bytes", 0))


def _is_hash(said: Any) -> bool:
    return isinstance(said, str) and _HASH.fullmatch(said) is not None


def _is_count(said: Any) -> bool:
    return isinstance(said, int) and not isinstance(said, bool) and 0 <= said < 2**63


def _is_place(said: Any) -> bool:
    named = Name.of(said) if isinstance(said, str) else None
    return named is not None and named.table == "decisions"


def _are_places(said: Any) -> bool:
    return isinstance(said, list) and all(map(_is_place, said))


def _are_objects(said: Any) -> bool:
    return isinstance(said, list) and all(isinstance(one, dict) for one in said)


def _are_gaps(said: Any) -> bool:
    return _are_objects(said) and all(_is_count(gap.get("missing") or 0) for gap in said)


def _are_kinds(said: Any) -> bool:
    try:
        SchemaUnion.of_noted(said)
    except (AttributeError, TypeError, ValueError):
        return False
    return True


def _is_number(said: str) -> bool:
    return _NUMBER.fullmatch(said) is not None


def _is_row_count(said: str) -> bool:
    return _ROWS.fullmatch(said) is not None


def _is_end(said: str) -> bool:
    return not said or is_id(said)


_TEXTS: dict[str, Callable[[str], bool]] = {
    **dict.fromkeys(("rows", "rejects"), _is_row_count),
    **dict.fromkeys(("epoch", "size", "last_ordinal"), _is_number),
    **dict.fromkeys(("first_id", "last_id", "after", "since", "max_deleted"), _is_end),
    "seal": _is_place,
    "origin": _is_hash,
}
_OURS: dict[str, Callable[[Any], bool]] = _TEXTS | {
    "siblings": _are_children,
    "replaces": _are_places,
    "seals": _are_places,
    "coverage": _are_objects,
    "until": _are_objects,
    "gaps": _are_gaps,
    "kinds": _are_kinds,
}


def check_hash(content: bytes, metadata: Mapping[str, str]) -> None:
    """Compare a part with the hash in its own footer.

    Raises
    ------
    DamageError
        They differ.
    """
    noted = metadata.get(OWN_HASH, "").encode()
    start, whole = content.rfind(noted), memoryview(content)
    hashed = hashlib.sha256(whole[: max(start, 0)])
    hashed.update(ZEROS.encode())
    hashed.update(whole[start + len(noted) :])
    if start < 0 or hashed.hexdigest().encode() != noted:
        raise DamageError("its bytes are not those that were written (SHA-256)")


def parquet_footer(tail: bytes) -> parquet.FileMetaData:
    """Read the footer at the end of a part.

    Raises
    ------
    DamageError
        There is none, or it is larger than any of ours.
    """
    if (claimed := tail_length(tail)) > MOST_BYTES:
        raise DamageError(f"its footer claims {claimed:,} bytes, and none of ours has {MOST_BYTES:,}")
    try:
        return parquet.read_metadata(pa.BufferReader(tail))
    except (OSError, ValueError, pa.ArrowException) as error:
        raise DamageError(f"no Parquet footer: {error!s:.200}") from error


def metadata_of(tail: bytes) -> dict[str, str]:
    """Read our keys from the footer at the end of a part, and ``rows`` as the Parquet itself says.

    Raises
    ------
    DamageError
        There is no footer.
    """
    footer = parquet_footer(tail)
    try:
        ours = {
            name.decode().removeprefix(KEY): value.decode()
            for name, value in (footer.metadata or {}).items()
            if name.startswith(KEY.encode())
        }
    except ValueError as error:
        raise DamageError(f"no text in its footer: {error!s:.200}") from error
    return {"rows": str(footer.num_rows)} | ours


def tail_length(tail: bytes) -> int:
    """Return how many of a part's last bytes hold its footer: all of them, as its last bytes say."""
    return int.from_bytes(tail[-8:-4], "little") + 12
