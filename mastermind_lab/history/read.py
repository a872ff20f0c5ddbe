"""Read a history from wherever it is: into frames, again from raw payloads, from the sample."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ..decode import Column
from ..envelope import DEFAULT_STREAM_NAME
from ..frames import Bound, Limits
from ..ndjson import FileLimits
from .history import History
from .nothing_decoded import warned
from .signature import with_options_of
from .sources import NoBar, Options, Snapshot, find


def read(
    source: Any,
    *,
    stream: str = DEFAULT_STREAM_NAME,
    last: int | None = None,
    since: Bound | None = None,
    until: Bound | None = None,
    columns: Iterable[Column] = (),
    payloads: bool = False,
    max_line_bytes: int = FileLimits.line_bytes,
    max_unpacked_bytes: int | None = FileLimits.unpacked_bytes,
    progress: bool | None = None,
) -> History:
    """Read a history from wherever it is.

    Parameters
    ----------
    source
        One of these, or a list of several:

        ================ ==================================== ============== ================= ==============
        source           given as                             ``since`` cuts missing entries   with ``scan``
        ================ ==================================== ============== ================= ==============
        stream           a ``redis://``, ``rediss://``,       ids            counted, on Redis one reader
                         ``valkey://``, ``valkeys://`` or                    7 and later
                         ``unix://`` URL; a redis client, of
                         Sentinel or a cluster, too
        snapshot or      its folder, or its fsspec URL        ids, or else   as it was kept    a range each
        archive                                               as for files
        NDJSON           a file, a folder, a glob or a URL;   published_at   not counted       a file each
                         ``"-"`` for standard input
        logs of other    a file, a folder, a glob or a URL;   published_at   not counted       one batch
        tools            a list of these, of one format
        payloads         an iterable of str or bytes          published_at   not counted       no
        several of these a list, none of it looking like      what all have  counted between   no
                         JSON                                 in common      archive and stream
        ================ ==================================== ============== ================= ==============

        All of them take ``last``, and all but logs ``columns`` and ``payloads``, a snapshot only if it was
        saved with payloads. Its frames are loaded when they are first looked at.
        Of an archive and the URL of its stream, the stream is read from where the archive ends, and
        ``coverage`` says whether the two meet. A list is one of sources where one item is a URL, a client, a
        path object, or the name of something that is there.

        NDJSON may be plain or compressed with gzip, bzip2, xz or Zstandard: its first bytes say so. A file
        that is named, a pipe and standard input may have any name; of a folder those are read that end in
        ``.ndjson`` or ``.jsonl``, with ``.gz``, ``.bz2``, ``.xz`` or ``.zst`` behind or not. ``~`` is your
        home. A file that is damaged, or of another format, is a reject that says so, and what is wrong with
        it stands in ``coverage``, too; the others are read.

        Logs are told by their content. Those of one format are one panel together; in a list with sources of
        other kinds, each is a panel of its own, with a row of ``coverage``. What they say beside votes is in
        ``decision.*`` and ``vote.*``; a log that is damaged, or failed, costs the others nothing. These are
        known:

        - Logs of Inspect AI, ``.eval`` or ``.json``. A decision is a sample, a voter the model of a log, the
          choice its answer, ``correct_choice`` the target. A model that answers several times, in epochs or
          in several logs, is as many voters, ``model#1``, ``model#2``, with the same ``vote.model``.
          ``vote.scores.*`` are the scorers' grades, ``vote.usage.*`` and ``vote.total_time`` are tokens, cost
          and seconds. Of a log that failed, or was cancelled, samples that are whole are read.
        - Conversations of llm-council and its forks, JSON. A decision is a question, a vote is a member's
          ranking of the answers: its choice is the author of the best, ``vote.ranking`` are all authors,
          best first. The first answers are ``arguments``. The chairman's synthesis chooses no answer, so
          that it is no recommendation: it is ``decision.synthesis``.
        - Tables of pairwise judgments, CSV, JSON lines or Parquet, with ``judge``, ``question_id``,
          ``model_a``, ``model_b`` and ``winner``, or with the two games a row of MT-Bench's judges. A
          decision is two models at a question, the choice is the model that won, or ``tie``. Who judged in
          both orders is two voters, ``judge`` and ``judge (swapped)``.

        Any other table of votes is for :func:`mastermind_lab.from_votes`.
    stream
        The stream's name, for a Redis source.
    last
        At most so many entries, the newest.
    since, until
        Where to begin and end, both inclusive. A stream is cut by its ids, lines of a file by
        ``published_at``. Each is one of

        - part of a date, whole at either end: ``'2026'``, ``'2026Q4'``, ``'2026-11'``, ``'2026-11-01'``,
          ``'2026-11-01 10:30'``, in UTC or with a zone (``'2026-11-01T10:30+01:00'``); a date, a Period;
        - a moment: a datetime (UTC if it has no zone), a Timestamp;
        - a time back from the newest entry of the source: ``'90s'``, ``'30m'``, ``'1h'``, ``'3d'``, ``'2w'``,
          a timedelta; ``coverage`` says when that entry was;
        - the id of an entry, ``'1735580000000-0'``, or the 13 digits of its milliseconds;
        - Unix time in seconds, ``1735580000``, within the years 2001 to 2100.

        None, and a missing time of pandas or numpy, is no bound.
    columns
        Extra columns of ``decisions``.
    payloads
        Keep each envelope's raw JSON too, as ``history.payloads``.
    max_line_bytes
        A longer line of a file is a reject, of which the head is kept, the length and the SHA-256; 64 MiB.
    max_unpacked_bytes
        A compressed file that unpacks to more ends there, with a reject. If not given, it may unpack to 200
        times its own bytes, or to 256 MiB. A part of a snapshot that has more bytes, or unpacks to more, is
        an error. If not given, it may have 1 GiB and unpack to that, or to 20 times its own bytes.
    progress
        Show a progress bar.

    Returns
    -------
    History
        What could be decoded as rows, what could not as rejects, and in ``coverage`` what was left out.

    Warns
    -----
    NothingDecodedWarning
        There were entries, and none of them could be decoded.

    Raises
    ------
    SourceError
        The source cannot be read: no server, no file, a wrong password, a key of another type.
    OptionError
        An argument makes no sense.

    Examples
    --------
    >>> import mastermind_lab as lab
    >>> envelope = '{"decision": {"recommendation": "ship", "confidence": 0.8}}'
    >>> history = lab.read([envelope, "not an envelope"])
    >>> len(history.decisions), history.rejects["reason"].tolist()
    (1, ['not_json'])

    Logs of other tools are read as they are:

    >>> import tempfile
    >>> from pathlib import Path
    >>> rows = "judge,question_id,model_a,model_b,winner\\nAda,1,gpt,llama,model_a\\nBo,1,gpt,llama,tie"
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Path(folder, "judgments.csv").write_text(rows)
    ...     lab.read(f"{folder}/judgments.csv").votes[["voter", "choice"]].values.tolist()
    [['Ada', 'gpt'], ['Bo', 'tie']]
    """
    limits = Limits.of(last, since, until)
    files = FileLimits(max_line_bytes, max_unpacked_bytes)
    bar = _bar() if progress else NoBar()
    return warned(find(source, Options(limits, stream, tuple(columns), payloads, files, bar)).history())


def _bar() -> Any:
    from tqdm.auto import tqdm  # here, because it loads notebook widgets

    return tqdm(unit=" entries")


@with_options_of(read)
async def aread(source: Any, **options: Any) -> History:
    """Read like :func:`read`, without holding up the event loop.

    The reading happens in a thread with a connection of its own, so an asyncio client given as the source
    goes on serving others.
    """
    import asyncio  # here, because whoever calls this has loaded it already

    return await asyncio.to_thread(read, source, **options)


def redecode(
    folder: str | os.PathLike[str], *, columns: Iterable[Column] = (), progress: bool | None = None
) -> History:
    """Decode a snapshot's raw payloads again, those of its rejects too, as if they were read now.

    So a better decoder, or an extra column, reaches what was saved before. The folder is not changed.

    Parameters
    ----------
    folder
        A snapshot that was saved with payloads, or its URL.
    columns
        Extra columns of ``decisions``.
    progress
        Show a progress bar.

    Raises
    ------
    OptionError
        The snapshot was saved without payloads, or a column makes no sense.
    SourceError
        The folder is no snapshot, or damaged.

    Examples
    --------
    >>> import tempfile, mastermind_lab as lab
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     saved = lab.sample(last=10, payloads=True).save(f"{folder}/snapshot")
    ...     len(lab.redecode(saved))
    10
    """
    options = Options(columns=tuple(columns), payloads=True, bar=_bar() if progress else NoBar())
    return warned(Snapshot(folder, options, again=True).history())


@with_options_of(read)
def sample(**options: Any) -> History:
    """Read the sample that comes with the package: 2,000 decisions of a simulated arena.

    ``options`` are those of :func:`read`.

    Examples
    --------
    >>> import mastermind_lab as lab
    >>> len(lab.sample(last=10))
    10
    """
    return read(sample_folder() / "arena.ndjson.gz", **options)


def sample_folder() -> Path:
    """Return the folder of the sample's files: beside the package in a checkout, inside it when installed."""
    package = Path(__file__).parent.parent
    inside = package / "data"
    return inside if inside.is_dir() else package.parent / "data"
