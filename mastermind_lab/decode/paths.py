"""Paths to the leaves of free-form objects, and values as JSON text."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import chain
from types import NoneType
from typing import Any

from msgspec.json import encode

from ..errors import OptionError

Path = str


def leaves(tree: Mapping[str, Any], prefix: str) -> Iterator[tuple[Path, Any]]:
    """List the leaves of a tree of objects as (path, value); an empty object is a leaf."""
    for key, value in tree.items():
        path = prefix + step(key)
        if isinstance(value, dict) and value:
            yield from leaves(value, path + ".")
        else:
            yield path, value


def step(key: str) -> str:
    """Write one key as a step of a path; like TOML, a key with a dot in it is quoted.

    Examples
    --------
    >>> step("model"), step("gpt-4.1")
    ('model', '"gpt-4.1"')
    """
    plain = key and "." not in key and '"' not in key and key != "*"
    return key if plain else json.dumps(key, ensure_ascii=False)


def steps(path: Path) -> list[str]:
    """Take a path apart into its keys, the inverse of joining :func:`step` with dots.

    Raises
    ------
    OptionError
        A quoted step is not closed or not followed by a dot.
    """
    found: list[str] = []
    rest = path
    while True:
        if rest.startswith('"'):
            try:
                key, end = json.JSONDecoder().raw_decode(rest)
            except ValueError as error:
                raise OptionError(f"path {path!r}: a quoted step is not closed ({error})") from error
        else:
            end = rest.find(".") if "." in rest else len(rest)
            key = rest[:end]
        found.append(key)
        if end == len(rest):
            return found
        if rest[end] != ".":
            raise OptionError(f"path {path!r}: a dot must follow the step {key!r}")
        rest = rest[end + 1 :]


def json_text(value: Any) -> str:
    """Write a value as compact JSON text, models included."""
    return _encoder.encode(value)


def json_texts(values: Sequence[Any]) -> list[str | None]:
    """Write each of many values as :func:`json_text` does; None stays None."""
    if _is_spelled_alike(values):
        # UnicodeEncodeError: a lone surrogate. OverflowError: more than 64 bits, in some versions.
        with suppress(UnicodeEncodeError, OverflowError):
            return [None if value is None else encode(value).decode() for value in values]
    return [None if value is None else json_text(value) for value in values]


_SPELLED_ALIKE = {str, int, bool, float, NoneType}


def _is_spelled_alike(values: Sequence[Any]) -> bool:
    """Tell whether msgspec, ten times as fast, writes the same text: some floats it spells differently."""
    while values:
        types = set(map(type, values))
        if not types <= {*_SPELLED_ALIKE, list, dict}:
            return False
        if float in types and not all(_has_no_exponent(value) for value in values if type(value) is float):
            return False
        lists = [value for value in values if type(value) is list]
        objects = [value.values() for value in values if type(value) is dict] if dict in types else []
        values = list(chain.from_iterable(chain(lists, objects)))
    return True


def _has_no_exponent(value: float) -> bool:
    return 1e-4 <= abs(value) < 1e16 or value == 0


def _plain(value: Any) -> Any:
    return value.model_dump(mode="json") if hasattr(value, "model_dump") else str(value)


_encoder = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=_plain)
