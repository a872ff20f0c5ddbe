"""``mastermind-lab replay``: a kept history onto a stream, at the pace it had or faster."""

import math
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import NothingDecodedWarning, OptionError
from ..labels import counted
from ..wire import DEFAULT_STREAM_NAME, URL_VARIABLES, is_redis_url
from .console import progress, say
from .options import MaxLineBytes, MaxUnpackedBytes, given
from .signals import whole

if TYPE_CHECKING:
    from ..live import Replay


def _speed(text: str) -> float:
    try:
        speed = math.inf if text == "max" else float(text) or math.inf
    except ValueError:
        speed = math.nan
    if not speed > 0:
        raise typer.BadParameter(f"{text!r} is no speed: a number above 0, or max (or 0) for full speed")
    return speed


def replay(
    source: Annotated[
        str, typer.Argument(metavar="SOURCE", help="An NDJSON file, a folder or glob of them, or a snapshot.")
    ],
    target: Annotated[str, typer.Argument(metavar="URL", envvar=[*URL_VARIABLES], help="A Redis URL.")],
    speed: Annotated[
        float,
        typer.Option(parser=_speed, metavar="FACTOR", help="How many times faster, or max."),
    ] = "10",  # type: ignore[assignment] # what the parser is given
    stream: Annotated[str, typer.Option(help="The stream's name.")] = DEFAULT_STREAM_NAME,
    derive: Annotated[
        str | None,
        typer.Option(
            metavar="RULE",
            help="Where decisions have no recommendation or confidence, derive them from the votes by this "
            "rule, plurality say, and mark them in meta.derived. Ties and the like are left out.",
        ),
    ] = None,
    voter: Annotated[
        str | None,
        typer.Option(metavar="COLUMN", help="The column of votes that tells voters apart; beside --derive."),
    ] = None,
    max_line_bytes: MaxLineBytes = None,
    max_unpacked_bytes: MaxUnpackedBytes = None,
) -> None:
    """Publish a history once more, as if it were happening: each entry when its time has come.

    Raw payloads go out as they were kept, rejects included; a snapshot that has none is published from its
    frames.
    """
    from ..frames import one_stream
    from ..stream import address, publish_batches

    one_stream(stream)
    if is_redis_url(source):
        raise OptionError(f"{address(source)} is a stream; replay a file, or a snapshot that was taken of it")
    options = given(
        derive=derive, voter=voter, max_line_bytes=max_line_bytes, max_unpacked_bytes=max_unpacked_bytes
    )
    played = _played(source, speed, options) if derive is None else _derived(source, speed, options)
    if played.left_out:
        say(f"left out: {counted(played.left_out, 'decision')} that {derive} leaves open", error=True)
    sent = publish_batches(target, stream, whole(_batches(played)))
    _publish(played, sent, f"on {stream} at {address(target)}")


def _played(source: str, speed: float, options: dict[str, Any]) -> "Replay":
    from .. import live

    try:
        return live.replay(source, speed=speed, payloads=True, **options)
    except OptionError:  # a snapshot that was saved without them
        return live.replay(source, speed=speed, **options)


def _derived(source: str, speed: float, options: dict[str, Any]) -> "Replay":
    """Load what is to be derived from votes; where nothing could be decoded there are none.

    Raises
    ------
    OptionError
        Nothing could be decoded: entries as they came would be published, and nothing of what was asked for.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("error", NothingDecodedWarning)
        try:
            return _played(source, speed, options)
        except NothingDecodedWarning as nothing:
            raise OptionError(
                f"{nothing}. Nothing is published, as there are no votes to derive anything from"
            ) from nothing


def _batches(played: "Replay") -> Iterator[list[bytes]]:
    for update in played:
        # An entry without a payload comes out as an empty one: a reject as before.
        yield [payload or b"" for _, payload in update.entries]


def _publish(played: "Replay", counts: Iterator[int], where: str) -> None:
    """Show on a terminal how far it is, and the moment that is being played; say the number anywhere."""
    sent = 0
    try:
        with progress(is_total_known=True) as shown:
            task = shown.add_task("", total=played.total)
            for sent in counts:
                now = played.now  # None where no entry has a time
                moment = f"{now:%Y-%m-%d %H:%M:%S}Z" if now else "at no known time"
                shown.update(task, completed=sent, description=moment)
    finally:
        say(f"{sent:,} of {counted(played.total, 'entry')} {where}")
