"""The names on the wire, and URLs without passwords, for programs that must not wait for pydantic to load."""

from __future__ import annotations

import os
import re
from typing import Any

from .text import ELLIPSIS

DEFAULT_STREAM_NAME = "maf:arena:mastermind:output"
"""The stream an arena publishes on unless told otherwise."""

SCHEMES = ("redis://", "rediss://", "valkey://", "valkeys://", "unix://")
"""How the URL of a Redis begins."""

URL_VARIABLES = ("MASTERMIND_LAB_URL", "REDIS_URL")
"""The environment's variables that may hold one, the first in front."""

FIELD = "data"
"""The one field of a stream entry."""


def is_redis_url(text: str) -> bool:
    """Tell whether a text is the URL of a Redis, in upper or lower case."""
    return text.lower().startswith(SCHEMES)


# All up to the last @, since a password may hold any character; the drive of a Windows path is no user.
_USER = r"(?is)^([a-z][a-z0-9+.-]*:/+)?(?![a-z]:[\\/])[^:@]*:.*@"
_PARAMETER = r"(?i)(?<=[?&#])(\w*(?:pass|pwd|user|auth|secret|token|key)\w*)=[^&]*"

# A password without a host: what stands for the port is none. Several hosts are divided by commas.
_NO_HOST = r"(?is)^([a-z][a-z0-9+.-]*://)[^:/?#@\[\]]*:(?!\d*([,/?#]|$)).*"


def without_password(place: str) -> str:
    """Show a URL, or what was meant for one, without user and password: as it is where there are none.

    Examples
    --------
    >>> without_password("redis://me:p#w@host:6379/0"), without_password("me:pw@host")
    ('redis://…@host:6379/0', '…@host')
    >>> without_password("https://host/data?token=abc&page=2"), without_password("runs/a@b.ndjson")
    ('https://host/data?token=…&page=2', 'runs/a@b.ndjson')
    >>> without_password("redis://me:pw"), without_password("redis://host:6379")
    ('redis://…', 'redis://host:6379')
    """
    user = re.match(_USER, place)
    if user and re.search(_PARAMETER, place):
        return (user[1] or "") + ELLIPSIS  # which of them holds the other cannot be told
    shown = re.sub(_USER, rf"\1{ELLIPSIS}@", place)
    return re.sub(_PARAMETER, rf"\1={ELLIPSIS}", re.sub(_NO_HOST, rf"\1{ELLIPSIS}", shown))


class SecretUrl(str):
    """A URL whose user and password are shown to nobody and sent nowhere: its repr and its pickle lack them.

    Where the pickle is loaded, the environment may have the whole URL: the variables of
    :data:`mastermind_lab.wire.URL_VARIABLES` are looked at. Else it stays without.

    Examples
    --------
    >>> SecretUrl("redis://me:secret@host:6379")
    'redis://…@host:6379'
    """

    __slots__ = ()

    @classmethod
    def of(cls, source: Any) -> Any:
        """Return a text as such a URL, and anything else as it is."""
        return cls(source) if isinstance(source, str) else source

    def __repr__(self) -> str:
        return repr(without_password(self))

    def __reduce__(self) -> tuple[Any, ...]:
        return _loaded, (without_password(self),)


def _loaded(shown: str) -> SecretUrl:
    there = (os.environ.get(name, "") for name in URL_VARIABLES)
    return SecretUrl(next((url for url in there if url and without_password(url) == shown), shown))
