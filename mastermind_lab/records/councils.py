"""Conversations of llm-council and its forks: first answers, rankings of anonymous answers, a synthesis.

A decision is one question to the council. Its members' first answers are its arguments. Each ranking is a
ballot: the choice is the author of the answer it puts first, ``vote.ranking`` all authors, best first. The
chairman's synthesis is no choice of an answer, so that it is no recommendation: it is ``decision.synthesis``.
Where answers were ranked several times, ``vote.round`` tells the times apart.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import count
from typing import Any

from .. import ndjson
from ..decode import step
from ..labels import counted
from ..text import brief, harmless
from .logs import (
    Answer,
    Gathering,
    Log,
    Row,
    Tables,
    UnreadableError,
    first_value,
    of_format,
    source_of,
    whole_value,
)
from .roles import Roles

NAME = "council conversation"
_STAGES = {"stage1", "stage2"}
_ASKED = ("question", "query", "user_query", "prompt")
_COLUMNS = (
    "decision_id",
    "question",
    "answered_at",
    "voter",
    "choice",
    "rationale",
    "vote.ranking",
    "vote.round",
)
_OF_BALLOTS = {"model", "ranking", "parsed_ranking", "evaluation", "label_to_model"}  # the others come along


def recognises(head: bytes, file: ndjson.File) -> bool:
    """Tell whether a file that begins so is such a conversation, or a list of them."""
    value = first_value(head)
    first = value[0] if isinstance(value, list) and value else value
    if not isinstance(first, dict):
        return False
    if first.keys() >= _STAGES or _ends_in_answers(first):
        return True
    messages = _objects(first.get("messages"))
    answers = [one for one in messages if one.get("role") == "assistant" and (one.keys() - {"role"})]
    is_talk = isinstance(first.get("messages"), list) and {"id", "created_at"} <= first.keys()
    return is_talk and bool(not answers or answers[0].keys() & _STAGES)


def _ends_in_answers(part: Mapping[str, Any]) -> bool:
    """Tell whether what is there of an object ends within a council's first answers, cut short or long."""
    if next(reversed([*part]), None) != "stage1":
        return False
    is_cut_before_models = part["stage1"] in ([], [{}])
    return is_cut_before_models or any("model" in one for one in _objects(part["stage1"]))


def read(files: Sequence[ndjson.File], limits: ndjson.FileLimits, _: Tables) -> Log:
    """Read the conversations of some files."""
    gathering, turns, by_order, copies = Gathering(), dict[str, _Turn](), 0, 0
    known = defaultdict[str, set[str]](set)  # what was said under each key
    for file in of_format(files, recognises, NAME, gathering):
        try:
            value = whole_value(file, limits)
        except UnreadableError as error:
            gathering.reject(error.reason, f"{harmless(str(file))}: {error}", {"file": file.name})
            continue
        several = isinstance(value, list)
        for place, talk in enumerate(value if several else [value], 1):
            name = f"{file.name}-{place}" if several else file.name
            for turn in _turns(talk, name, gathering):
                if turn.content in known[turn.key]:
                    copies += 1
                    continue
                known[turn.key].add(turn.content)
                turn.key = _free(turn.key, len(known[turn.key]), turns)
                turns[turn.key] = turn
                by_order += turn.is_by_order
                turn.gather(gathering)
    roles = Roles.of(
        "decision_id", (), voter="voter", choice="choice", rationale="rationale", round="vote.round",
        time="answered_at",
    )  # fmt: skip
    said = f"{counted(len(turns), 'question')} to councils in {counted(len(files), 'file')}"
    if copies:
        said += f", {counted(copies, 'answer')} left out that stood before it, too"
    if by_order:
        said += f", {by_order:,} without label_to_model: labels stand for the first answers in their order"
    answers = {key: turn.answers for key, turn in turns.items()}
    return Log(gathering.records(source_of(files), _COLUMNS), roles, said, answers)


def _free(key: str, number: int, taken: Collection[str]) -> str:
    """Return a key; where another turn has it, as where each file counts anew, with the next number."""
    keys = (f"{key}#{n}" if n > 1 else key for n in count(number))
    return next(one for one in keys if one not in taken)


def _turns(talk: Any, name: str, gathering: Gathering) -> Iterator[_Turn]:
    """Find the questions that a council answered."""
    if not isinstance(talk, dict) or not (talk.keys() >= _STAGES or isinstance(talk.get("messages"), list)):
        gathering.reject("invalid", f"{name} is no council's conversation", talk)
        return
    key = str(talk.get("id") or name)
    if talk.keys() >= _STAGES:  # one question and its answer
        yield _Turn(talk, next((talk[one] for one in _ASKED if one in talk), None), key, {})
        return
    facts = {"conversation": talk.get("id"), "title": talk.get("title"), "created_at": talk.get("created_at")}
    question, number = None, 0
    for message in _objects(talk["messages"]):
        if message.get("role") == "user":
            question = message.get("content")
        elif message.keys() & _STAGES:
            number += 1
            yield _Turn(message, question, f"{key}-{number}", facts)
    if not number:
        gathering.reject("no_choice", f"{name}: no council answered in this conversation", facts)


class _Turn:
    """A question to a council and what came of it."""

    def __init__(self, message: Mapping[str, Any], asked: Any, key: str, facts: Row) -> None:
        self.key, self._message = key, message
        self._rounds = _rounds(message)
        answers = (one for part in self._rounds for one in _objects(part.get("stage1")))
        self.answers = [Answer(_text(one.get("model")), said) for one in answers if (said := _said(one))]
        self.is_by_order = any(_ballots(part) and not _labels(part) for part in self._rounds)
        last = _dict(message.get("stage3"))
        self._facts = facts | {
            "question": asked if isinstance(asked, str) else None,
            "chairman": _text(last.get("model")),
            "synthesis": _said(last),
            "answered_at": _text(message.get("timestamp")) or _text(message.get("created_at")),
        }

    @property
    def content(self) -> str:
        """What it says: of a copy the same."""
        return json.dumps([self._facts["question"], self._message], sort_keys=True)

    def gather(self, gathering: Gathering) -> None:
        """Take the ballots."""
        if not any(map(_ballots, self._rounds)):
            detail = f"{self.key}: the council ranked nothing, so that there is no vote"
            gathering.reject("no_choice", detail, self._message)
        for place, part in enumerate(self._rounds, 1):
            number = part.get("round", place) if len(self._rounds) > 1 else None
            self._gather(part, number, gathering)

    def _gather(self, part: Mapping[str, Any], number: Any, gathering: Gathering) -> None:
        labels, seen = _names(_labels(part) or _by_order(part)), Counter[str]()
        for ballot in _ballots(part):
            voter = _text(ballot.get("model")) or ""
            seen[voter] += 1
            own = _dict(ballot.get("label_to_model"))
            try:
                ranking = _ranking(ballot, _names(own) if own else labels)
            except UnreadableError as error:
                gathering.reject(error.reason, f"{self.key}, {brief(voter, 80, harmless)}: {error}", ballot)
                continue
            others = {f"vote.{step(key)}": ballot[key] for key in sorted(ballot.keys() - _OF_BALLOTS)}
            named = {
                "voter": f"{voter}#{seen[voter]}" if seen[voter] > 1 else voter,
                "choice": ranking[0],
                "rationale": _text(ballot.get("ranking", ballot.get("evaluation"))),
                "vote.ranking": ranking,
                "vote.round": number,
            }
            gathering.add({"decision_id": self.key} | self._facts | others | named)


def _rounds(message: Mapping[str, Any]) -> list[dict[str, Any]]:
    """List the rounds in which answers were ranked: mostly one; what stands outside of a list is the last."""
    told = _objects(message.get("rounds"))
    is_told = any(part.get("stage2") == message.get("stage2") for part in told)
    return told if is_told else [*told, {key: one for key, one in message.items() if key != "round"}]


def _ballots(part: Mapping[str, Any]) -> list[dict[str, Any]]:
    second = part.get("stage2")
    return _objects(second.get("rankings") if isinstance(second, dict) else second)


def _labels(part: Mapping[str, Any]) -> dict[str, Any]:
    """Return whose answers the labels stand for, as it is told."""
    places = (_dict(part.get("metadata")), _dict(part.get("stage2")), part)
    return next(filter(None, (_dict(one.get("label_to_model")) for one in places)), {})


def _by_order(part: Mapping[str, Any]) -> dict[str, Any]:
    """Label answers as the tool does, which keeps no table of labels."""
    first = _objects(part.get("stage1"))
    return {f"Response {chr(65 + place)}": str(one.get("model")) for place, one in enumerate(first)}


def _ranking(ballot: Mapping[str, Any], labels: Mapping[str, str]) -> list[str]:
    """Return the authors of the answers in a ballot's order."""
    told = ballot.get("parsed_ranking")
    if not isinstance(told, list) or not told:
        why = _text(ballot.get("error")) or "no ranking was found in what it said (parsed_ranking)"
        raise UnreadableError("no_choice", brief(why, 200, harmless))
    if unknown := [one for one in map(str, told) if not {one, f"Response {one}"} & labels.keys()]:
        raise UnreadableError("invalid", f"parsed_ranking names {unknown[0]!r:.80}, which is no answer")
    wanted = [one if one in labels else f"Response {one}" for one in map(str, told)]
    if len({*wanted}) < len(wanted):
        raise UnreadableError("invalid", "parsed_ranking names an answer twice")
    return [labels[one] for one in wanted]


def _names(labels: Mapping[str, Any]) -> dict[str, str]:
    """Return whom labels stand for; one who has several answers is told apart by them."""
    named = {label: str(_dict(one).get("model", one)) for label, one in labels.items()}
    times = Counter(named.values())
    return {label: f"{one} ({label})" if times[one] > 1 else one for label, one in named.items()}


def _objects(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _said(one: Mapping[str, Any]) -> str | None:
    return next(filter(None, (_text(one.get(key)) for key in ("response", "content", "answer"))), None)
