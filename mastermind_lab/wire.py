"""The names on the wire, for programs that must not wait for pydantic to load."""

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
