"""The names on the wire, for programs that must not wait for pydantic to load."""

DEFAULT_STREAM_NAME = "maf:arena:mastermind:output"
"""The stream an arena publishes on unless told otherwise."""

SCHEMES = ("redis://", "rediss://", "unix://")
"""How the URL of a Redis begins."""

FIELD = "data"
"""The one field of a stream entry."""
