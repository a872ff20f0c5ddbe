"""What a log of Inspect AI is, in its two forms: a zip archive with a JSON a sample, and one JSON."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any, NamedTuple, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import from_json

from .. import ndjson
from ..ndjson.packing import ZipArchive
from .logs import UnreadableError, whole_value

ZIP = b"PK\x03\x04"
_VERSION = 2  # of the tool's format
_ATTACHED = "attachment://"


class _Model(BaseModel):
    model_config = ConfigDict(protected_namespaces=(), strict=True)


Known = TypeVar("Known", bound=_Model)


class Dataset(_Model):
    """The samples that were to be answered."""

    sample_ids: list[int | str] | None = None


class Evaluation(_Model):
    """What was evaluated."""

    task: str
    model: str
    task_id: str = ""
    dataset: Dataset = Dataset()


class _Error(_Model):
    message: str


class _Results(_Model):
    total_samples: int | None = None


class Header(_Model):
    """What a log says of itself."""

    version: int
    status: str
    eval: Evaluation
    error: _Error | None = None
    results: _Results | None = None


class _Start(_Model):
    """What a log that has not come to its end begins with."""

    version: int
    eval: Evaluation


class _Whole(Header):
    samples: list[Any] | None = None


class _Output(_Model):
    completion: str | None = None


class Score(_Model):
    """What a scorer makes of an answer."""

    value: Any = None
    answer: Any = None


class _Limit(_Model):
    type: str


class Sample(_Model):
    """An answer to a sample of the task, in one of its epochs."""

    id: int | str
    epoch: int
    input: str | list[dict[str, Any]]
    target: str | list[str]
    choices: list[str] | None = None
    output: _Output = _Output()
    scores: dict[str, Score] | None = None
    model_usage: dict[str, dict[str, Any]] = {}
    metadata: dict[str, Any] = {}
    completed_at: str | None = None
    total_time: float | None = None
    working_time: float | None = None
    uuid: str | None = None
    error: _Error | None = None
    limit: _Limit | None = None
    attachments: dict[str, str] = {}

    def whole(self, text: str) -> str:
        """Return a text that stands elsewhere in the sample."""
        return (
            self.attachments.get(text.removeprefix(_ATTACHED), text) if text.startswith(_ATTACHED) else text
        )

    @property
    def question(self) -> str | None:
        """What was asked: the last thing that the user said."""
        if isinstance(self.input, str):
            return self.whole(self.input)
        asked = [one.get("content") for one in self.input if one.get("role") == "user"]
        content = asked[-1] if asked else None
        parts = content if isinstance(content, list) else [{"text": content}]
        texts = [one["text"] for one in parts if isinstance(one, dict) and isinstance(one.get("text"), str)]
        return "\n".join(map(self.whole, texts)) if texts else None

    @property
    def answer(self) -> str | None:
        """What was answered, as the first scorer says that tells it, else all that the model said."""
        told = [one.answer for one in (self.scores or {}).values() if one.answer is not None]
        if not told:
            return self.whole(self.output.completion) if self.output.completion else None
        return told[0] if isinstance(told[0], str) else json.dumps(told[0])


class ReadLog(NamedTuple):
    """A log's header, and its samples as they come: each, or what is wrong with it."""

    header: Header
    samples: Iterator[Sample | tuple[str, str]]


def open_log(file: ndjson.File, given: Any, limits: ndjson.FileLimits) -> ReadLog:
    """Read a log's header, and its samples as they are asked for.

    Raises
    ------
    UnreadableError
        It is damaged, or of a version that is not known.
    """
    # A zip archive is read from its end, and what comes over a network only from its beginning.
    stream: Any = given if isinstance(given, io.IOBase) else io.BytesIO(given.read())
    head = stream.read(len(ZIP))
    stream.seek(0)
    if head != ZIP:
        whole = _known(_Whole, whole_value(file, limits))
        return ReadLog(whole, (_sample(one) for one in whole.samples or ()))
    try:
        archive = ZipArchive(stream)
    except OSError as error:
        said = f"it is cut short, or still being written ({error}): inspect log recover may mend it"
        raise UnreadableError("damaged", said) from error
    if "header.json" in archive.names:
        header = _known(Header, _member(archive, "header.json", limits))
    else:
        start = _known(_Start, _member(archive, "_journal/start.json", limits))
        header = Header(version=start.version, status="started", eval=start.eval)
    wanted = [name for name in archive.names if name.startswith("samples/") and name.endswith(".json")]
    return ReadLog(header, (_in_archive(archive, name, limits) for name in wanted))


def _member(archive: ZipArchive, name: str, limits: ndjson.FileLimits) -> Any:
    try:
        content = archive.read(name, limits.line_bytes + 1)
    except OSError as error:
        raise UnreadableError("damaged", f"cannot read {error}") from error
    if len(content) > limits.line_bytes:
        raise UnreadableError(
            "too_long", f"{name} has more than {limits.line_bytes:,} bytes: see max_line_bytes"
        )
    try:
        return from_json(content)
    except ValueError as error:
        raise UnreadableError("not_json", f"{name}: {error}") from error


def _in_archive(archive: ZipArchive, name: str, limits: ndjson.FileLimits) -> Sample | tuple[str, str]:
    try:
        return _sample(_member(archive, name, limits))
    except UnreadableError as error:
        return error.reason, str(error)


def _sample(value: Any) -> Sample | tuple[str, str]:
    try:
        return Sample.model_validate(value)
    except ValidationError as error:
        return "invalid", _first(error)


def _known(model: type[Known], value: Any) -> Known:
    """Read a header of the version that is known."""
    version = value.get("version") if isinstance(value, dict) else None
    if version != _VERSION:
        raise UnreadableError(
            "version",
            f"version {version!r:.40} of the format of Inspect logs, this reader knows {_VERSION}: "
            "inspect log convert writes logs anew",
        )
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise UnreadableError("invalid", _first(error)) from error


def _first(error: ValidationError) -> str:
    told = error.errors(include_url=False, include_input=False)[0]
    return f"{'.'.join(map(str, told['loc']))}: {told['msg']}"
