"""Logs of Inspect AI: several over the same samples are a panel, and so are the epochs of one.

An ``.eval`` log is a zip archive of JSON, a member a sample; a ``.json`` log is all of it in one text. Both
are read without the tool, which is large and takes seconds to import; a test reads logs with both.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import product
from typing import Any

from .. import ndjson
from ..decode import json_text, step
from ..labels import counted
from ..spelling import text_of
from ..text import brief, harmless
from .files import opened
from .inspect_format import ZIP, Evaluation, ReadLog, Sample, open_log
from .logs import Gathering, Log, Row, Tables, UnreadableError, of_format, seats, source_of
from .roles import Roles

NAME = "Inspect log"
_ENDING = ".eval"
_JSON = re.compile(rb'\s*\{\s*"version"\s*:\s*\d+\s*,\s*"status"\s*:\s*"\w*"\s*,.*?"eval"\s*:', re.DOTALL)
_RIGHT = "C"  # what a scorer gives a right answer
_FACTS = ("question", "choices", "target", "targets", "metadata")  # of a sample
_COLUMNS = ("task", "sample", "question", "choices", "target", "completed_at", "voter", "choice", "rationale")


def recognises(head: bytes, file: ndjson.File) -> bool:
    """Tell whether a file that begins so is such a log."""
    if head.startswith(ZIP):
        return file.name.lower().endswith(_ENDING) or b"_journal/start.json" in head[:1_000]
    return bool(_JSON.match(head[:8_192]))


def read(files: Sequence[ndjson.File], limits: ndjson.FileLimits, _: Tables) -> Log:
    """Read logs as one panel.

    A vote is a sample's answer: of the model that was evaluated, to the question of the sample. Voters are
    models; where a model answered a sample several times, in epochs or in several logs, each of these is a
    voter of its own, ``model#1``, ``model#2``.
    """
    gathering, statuses = Gathering(), Counter[str]()
    seen: set[tuple[str, str]] = set()
    runs: dict[str, int] = {}
    copies = 0
    for file in of_format(files, recognises, NAME, gathering):
        with opened(file) as stream:
            try:
                log = open_log(file, stream, limits)
            except UnreadableError as error:
                gathering.reject(error.reason, f"{harmless(str(file))}: {error}", {"log": file.name})
                statuses["unreadable"] += 1
                continue
            statuses[log.header.status] += 1
            run = runs.setdefault(log.header.eval.task_id or file.name, len(runs))
            copies += _gather(log, file.name, run, gathering, seen)
    voters = seats(gathering.rows, "vote.model", "vote.seat", "task")
    for row, voter in zip(gathering.rows, voters, strict=True):
        row["voter"] = voter
        del row["vote.seat"]
    roles = Roles.of(
        ("task", "sample"), None, voter="voter", choice="choice", rationale="rationale", time="completed_at"
    )
    said = _said(gathering.rows, statuses, copies, _told_apart(gathering.rows))
    return Log(gathering.records(source_of(files), _COLUMNS), roles, said, target="target")


def _gather(log: ReadLog, name: str, run: int, gathering: Gathering, seen: set[tuple[str, str]]) -> int:
    """Take a log's samples; say how many were in a log before it, as a retried log has those of the first.

    A retry is of the same model: what another one said is no copy, whatever its number.
    """
    header, copies = log.header, 0
    known = {one: place for place, one in enumerate(header.eval.dataset.sample_ids or ())}
    samples: list[Sample] = []
    found = [*log.samples]
    for one in found:
        if isinstance(one, tuple):
            gathering.reject(one[0], f"{name}: {one[1]}", {"log": name})
        elif (header.eval.model, one.uuid) in seen:
            copies += 1
        else:
            samples.append(one)
    for one in sorted(samples, key=lambda one: (known.get(one.id, len(known)), one.epoch)):
        if one.error:
            said = brief(one.error.message, 200, harmless)
            where = {"log": name, "sample": one.id, "epoch": one.epoch}
            gathering.reject("failed", f"{name}: sample {one.id!r:.80} failed: {said}", where)
            continue
        gathering.add(_row(one, header.eval, name, run))
        if one.uuid is not None:
            seen.add((header.eval.model, one.uuid))
    if header.status != "success":
        why = brief(header.error.message, 200, harmless) if header.error else "it says no more"
        detail = f"{name}: status {header.status!r:.40} ({why}): only the samples that are whole were read"
        gathering.reject("failed", detail, {"log": name, "status": header.status})
    elif not found:
        total = header.results and header.results.total_samples
        many = "" if total is None else f" of {total:,}"
        detail = f"{name}: it holds no samples{many}: log_samples was off, or this is a header alone"
        gathering.reject("empty", detail, {"log": name, "model": header.eval.model})
    return copies


def _row(sample: Sample, task: Evaluation, name: str, run: int) -> Row:
    usage = sample.model_usage.get(task.model, {})
    answer = sample.answer
    completion = sample.output.completion
    return {
        "task": task.task,
        "sample": sample.id,
        "question": sample.question,
        "choices": sample.choices,
        **_targets(sample.target),
        "completed_at": sample.completed_at,
        "metadata": sample.metadata or None,
        "voter": task.model,
        "choice": answer,
        "rationale": sample.whole(completion) if completion and completion != answer else None,
        "vote.seat": (run, sample.epoch),
        "vote.model": task.model,
        "vote.epoch": sample.epoch,
        "vote.log": name,
        "vote.limit": sample.limit and sample.limit.type,
        "vote.total_time": sample.total_time,
        "vote.working_time": sample.working_time,
        **{f"vote.usage.{step(key)}": value for key, value in usage.items()},
        **{f"vote.scores.{step(key)}": one.value for key, one in (sample.scores or {}).items()},
    }


def _targets(target: str | list[str]) -> Row:
    """Name one target apart from several, of which any is right."""
    if isinstance(target, list) and len(target) != 1:
        return {"target": None, "targets": target}
    return {"target": target if isinstance(target, str) else target[0], "targets": None}


def _told_apart(rows: Sequence[Row]) -> int:
    """Leave with the votes what logs do not agree on; say of how many samples there is any."""
    samples: dict[Any, list[Row]] = {}
    for row in rows:
        samples.setdefault((row["task"], text_of(row["sample"])), []).append(row)  # 2 and "2" are one
    differ = set()
    for (key, some), name in product(samples.items(), _FACTS):
        if any(_differ(row[name], some[0][name]) for row in some):
            for row in some:
                row[f"vote.{name}"], row[name] = row[name], None
            differ.add(key)
    return len(differ)


def _differ(one: Any, other: Any) -> bool:
    """Tell whether values differ, also where a number in them is none, which is unequal to itself."""
    return bool(one != other) and json_text(one) != json_text(other)


def _said(rows: Sequence[Row], statuses: Counter[str], copies: int, differ: int) -> str:
    """Say what was read, and what a reader of figures must know of it."""
    told = ", ".join(f"{many:,} {status}" for status, many in sorted(statuses.items()))
    parts = [f"{counted(statuses.total(), NAME)} ({told})"]
    if copies:
        parts.append(f"{counted(copies, 'sample')} left out that a retried log has again")
    if differ:
        parts.append(
            f"{counted(differ, 'sample')} whose question, choices or target differ between logs: "
            "they stand with the votes, and equal letters may mean different things"
        )
    if several := len({(row["task"], row["sample"]) for row in rows if row["targets"]}):
        parts.append(f"{counted(several, 'sample')} with several targets, which have no correct_choice")
    if spelled := sum(_is_right(row) and row["choice"] != row["target"] for row in rows if row["target"]):
        parts.append(
            f"{counted(spelled, 'answer')} that a scorer finds right spelled otherwise than the target: "
            "accuracy by correct_choice counts them as wrong, vote.scores.* has what scorers say"
        )
    return ", ".join(parts)


def _is_right(row: Row) -> bool:
    return any(value == _RIGHT for name, value in row.items() if name.startswith("vote.scores."))
