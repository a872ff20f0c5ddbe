"""The wire contract, version "1": one Redis stream entry is one field ``data``, the JSON of one envelope.

The models are the one place that says what is valid: names, aliases, types, defaults. :func:`validate` gives
the final answer on one payload; the fast decoder is made from these models, and agrees with it.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, NamedTuple
from uuid import uuid4

from pydantic import (
    AfterValidator,
    AliasChoices,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    SerializeAsAny,
    Tag,
    ValidationError,
)
from pydantic_core import from_json

from .wire import DEFAULT_STREAM_NAME as DEFAULT_STREAM_NAME
from .wire import FIELD as FIELD

log = logging.getLogger(__name__)


def now() -> datetime:
    """Return the moment of publication; a test may replace this function."""
    return datetime.now(UTC)


def new_id() -> str:
    """Return a fresh correlation id, 32 hexadecimal characters; a test may replace this function."""
    return uuid4().hex


def with_zone(value: datetime) -> datetime:
    """Read a time without a zone as UTC, and refuse one that UTC cannot express (before year 1, say)."""
    aware = value if value.tzinfo else value.replace(tzinfo=UTC)
    try:
        aware.astimezone(UTC)
    except OverflowError:
        raise ValueError("outside the years 1 to 9999 in UTC") from None
    return aware


# Strict: "0.9" and true are no confidences. JSON integers are still read as numbers.
Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Share = Annotated[Number, Field(ge=0, le=1)]
Moment = Annotated[datetime, AfterValidator(with_zone)]


def _read_as(*names: str) -> Any:
    return Field(validation_alias=AliasChoices(*names))


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="allow", defer_build=True)


class Vote(_Model):
    """One agent's vote; unknown fields are kept as extras."""

    voter: Annotated[str, _read_as("voter", "agent", "agent_id", "name")]
    choice: Annotated[str, _read_as("choice", "vote", "option", "position")]
    confidence: Share | None = None
    weight: Annotated[Number, Field(ge=0)] = 1.0
    rationale: str | None = None


class Citation(_Model):
    """One source a decision rests on; unknown fields are kept as extras."""

    source: Annotated[str, _read_as("source", "url", "uri", "id")]
    title: str | None = None
    quote: str | None = None
    relevance: Number | None = None


class Argument(_Model):
    """One node of an argument tree; unknown fields are kept as extras."""

    claim: Annotated[str, _read_as("claim", "text", "content", "statement")]
    stance: Annotated[str | None, _read_as("stance", "side", "kind")] = None
    strength: Number | None = None
    author: Annotated[str | None, _read_as("author", "agent", "voter")] = None
    children: Annotated[list[SerializeAsAny[Argument]], _read_as("children", "replies", "supports")] = []


def tree_shape(value: Any) -> str:
    """Tell one root from a list of roots."""
    return "roots" if isinstance(value, list | tuple) else "root"


# The callable discriminator keeps error messages short: one branch is tried, not both.
Tree = Annotated[
    Annotated[SerializeAsAny[Argument], Tag("root")]
    | Annotated[list[SerializeAsAny[Argument]], Tag("roots")],
    Discriminator(tree_shape),
]


class Decision(_Model):
    """What a panel decided; the arena's own class grows, so unknown fields are kept as extras."""

    recommendation: str
    confidence: Share
    decision_id: str | None = None
    question: Annotated[str | None, _read_as("question", "topic", "prompt")] = None
    rationale: Annotated[str | None, _read_as("rationale", "summary", "reasoning")] = None
    argument_tree: Annotated[Tree | None, _read_as("argument_tree", "arguments")] = None
    votes: list[SerializeAsAny[Vote]] = []
    citations: list[SerializeAsAny[Citation]] = []


class DecisionEnvelope(BaseModel):
    """One finished decision as it travels; unknown keys beside the declared ones are ignored."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    schema_version: Literal["1"] = "1"
    arena: Literal["mastermind"] = "mastermind"
    decision: SerializeAsAny[Decision]
    # The lambdas look the factories up at each call, so that a replaced one is used.
    published_at: Moment = Field(default_factory=lambda: now())
    correlation_id: str = Field(default_factory=lambda: new_id())
    meta: dict[str, Any] = {}


class Reject(NamedTuple):
    """Why a payload is no envelope.

    ``reason`` is a short code: ``not_text``, ``not_utf8``, ``not_json``, ``version`` (an unsupported
    schema_version), ``invalid`` (``detail`` names the field). Readers of whole entries add their own:
    ``no_data``, ``column``; of a file's lines ``too_long``, and of a whole file those in :data:`OF_FILES`. Of
    a table of votes: ``no_decision``, ``no_voter``, ``no_choice``, ``cells`` (more or fewer than columns). Of
    another tool's logs: ``failed`` (one, or a sample of it), ``empty`` (one without any sample),
    ``other_format`` (a file among them).
    """

    reason: str
    detail: str


OF_FILES = frozenset({"damaged", "not_ndjson", "too_large"})
"""The reasons for which a file is not read, or not to its end."""


Entry = tuple[str, Any, Reject | None]
"""What a source gives of one entry: its id, its payload, and what is wrong where the source is damaged."""


def validate(
    payload: str | bytes, model: type[DecisionEnvelope] = DecisionEnvelope
) -> DecisionEnvelope | Reject:
    """Give the final answer on one payload: the envelope, or why it is none. Never raises.

    Parameters
    ----------
    payload
        The JSON text of one envelope. Of duplicate keys the last counts.
    model
        An arena's own class of envelopes, if it has one.
    """
    try:
        return model.model_validate_json(payload)
    except (ValidationError, RecursionError) as error:
        return _explain(payload, error)


def _explain(payload: Any, error: Exception) -> Reject:
    if not isinstance(payload, str | bytes | bytearray):
        return Reject("not_text", f"a payload is str or bytes, this is {type(payload).__name__}")
    try:
        text = payload.encode() if isinstance(payload, str) else bytes(payload)
        text.decode()
    except UnicodeError as fault:
        return Reject("not_utf8", str(fault))
    try:
        document = from_json(text)
    except ValueError as fault:
        return Reject("not_json", str(fault))
    version = document.get("schema_version", "1") if isinstance(document, dict) else "1"
    if version != "1":
        return Reject("version", f"schema_version is {version!r:.40}, this reader knows '1'")
    return Reject("invalid", faults_in(error) + (f"; {_WRAPPER}" if is_wrapper(document) else ""))


_WRAPPER = (
    "it is a JSON array within an object: if these are the envelopes, each is a payload of its own, "
    "[json.dumps(one) for one in ...]"
)


def is_wrapper(document: Any) -> bool:
    """Tell an object that holds lists of objects from an envelope, which may have such too."""
    if not isinstance(document, dict) or "decision" in document:
        return False
    found = (one for one in document.values() if isinstance(one, list))
    return any(isinstance(one, dict) for some in found for one in some)


def faults_in(error: Exception, most: int = 3) -> str:
    """Say in one line what a model refused: the path of each field and why, and how many more."""
    if not isinstance(error, ValidationError):
        return str(error)
    faults = error.errors(include_url=False, include_input=False, include_context=False)
    said = [f"{_path(fault['loc'])}: {fault['msg']}" for fault in faults[:most]]
    more = len(faults) - len(said)
    return "; ".join(said) + (f"; and {more} more" if more else "")


def _path(location: tuple[int | str, ...]) -> str:
    # "root" and "roots" are our own tags, not names in the payload.
    steps = [str(step) for step in location if step not in ("root", "roots")]
    return ".".join(steps) or "envelope"


def decode_envelope(payload: str | bytes) -> DecisionEnvelope | None:
    """Read one payload, or return None with a warning in the log; never raises.

    ``schema_version`` is looked at before the rest, so that a newer version is skipped cleanly: a missing
    one reads as "1", the number 1 is not "1". Also None: bytes that are not UTF-8, text that is not JSON,
    a body that does not validate.

    Examples
    --------
    >>> decode_envelope('{"decision": {"recommendation": "ship", "confidence": 0.8}}').decision.confidence
    0.8
    >>> decode_envelope('{"schema_version": "2"}') is None
    True
    """
    envelope = validate(payload)
    if isinstance(envelope, DecisionEnvelope):
        return envelope
    log.warning("skipped a payload: %s (%s)", envelope.reason, _one_line(envelope.detail))
    return None


def _one_line(text: str, most: int = 300) -> str:
    """Cut and neutralise a payload's words for a log: no line breaks, no terminal escapes."""
    return text[:most].encode("unicode_escape").decode("ascii")
