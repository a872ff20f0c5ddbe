"""A field or an alias that stands in a model, or in a subclass of one, is read alike on both paths."""

import json
import subprocess
import sys
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from msgspec import UNSET
from pydantic import (
    AfterValidator,
    AliasChoices,
    AliasPath,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    PrivateAttr,
    Tag,
    field_validator,
    model_validator,
)
from telling import telling

import mastermind_lab
from mastermind_lab.decode import Batch, SchemaCache
from mastermind_lab.envelope import (
    Argument,
    Citation,
    Decision,
    DecisionEnvelope,
    Vote,
    tree_shape,
    validate,
)
from mastermind_lab.errors import OptionError
from mastermind_lab.frames import tables

CORE = {"recommendation": "ship", "confidence": 0.5}


class Slow(SchemaCache):
    """Leaves every payload to pydantic."""

    def envelope(self, payload):
        return None


class Counting(SchemaCache):
    """Counts what the fast path accepted."""

    accepted = 0

    def envelope(self, payload):
        envelope = super().envelope(payload)
        self.accepted += envelope is not None
        return envelope


def envelope_of(decision_model):
    """An arena's envelope class, around its own class of decisions."""
    return type("Own", (DecisionEnvelope,), {"__annotations__": {"decision": decision_model}})


def decoded(payloads, schema_cache):
    batch = Batch(schema_cache=schema_cache)
    for number, payload in enumerate(payloads):
        batch.add(f"{number}-0", payload)
    return tables(batch)


def read(model, *decisions, fast=True):
    """Read decisions twice on each path; both must agree, and the second time be fast where it can be."""
    payloads = [one if isinstance(one, str) else json.dumps({"decision": CORE | one}) for one in decisions]
    cache = Counting(model)
    decoded(payloads, cache)
    cache.open_columns.clear()
    cache.accepted = 0
    made, expected = decoded(payloads, cache), decoded(payloads, Slow(model))
    for frame, table in expected.items():
        assert made[frame].schema.equals(table.schema, check_metadata=True), frame
        assert repr(made[frame].to_pylist()) == repr(table.to_pylist()), frame
    assert cache.accepted == (made["decisions"].num_rows if fast is True else fast)
    return made


class Ballot(Vote):
    voter: Annotated[str, Field(validation_alias=AliasChoices("voter", "agent", "elector"))]
    latency: float = 0.5
    round: int | None = None


class Paper(Citation):
    pages: list[int] = Field([])


class Claim(Argument):
    tone: Annotated[str, Field(validation_alias=AliasChoices("tone", "mood"))] = "dry"
    children: "list[Claim]" = Field([])


class Verdict(Decision):
    question: Annotated[str | None, Field(validation_alias=AliasChoices("question", "topic", "ask"))] = None
    cost: Annotated[float, Field(ge=0, validation_alias=AliasChoices("cost", "price", "usd"))]
    kind: Literal["open", "closed"] = "open"
    scores: dict[str, float] = Field(default_factory=dict)
    votes: list[Ballot] = Field([])
    citations: list[Paper] = Field([])
    argument_tree: Claim | None = None


Own = envelope_of(Verdict)


class TestSubclass:
    def test_its_fields_and_aliases_are_read_alike_and_fast(self):
        made = read(
            Own,
            {"cost": 1, "ask": "why?", "scores": {"a": 1}, "kind": "closed", "odd": [1]},
            {"price": 2.5, "topic": "what?", "usd": "dear", "votes": [{"elector": "v", "choice": "c"}]},
            {"price": 3, "votes": [{"agent": "v", "choice": "c", "latency": 2, "round": 1, "elector": 7}]},
            {"cost": 0, "citations": [{"url": "u", "pages": [1, 2]}],
             "argument_tree": {"text": "t", "mood": "wry",
                               "children": [{"claim": "u", "tone": "x", "mood": 1}]}},
        )  # fmt: skip
        decisions = made["decisions"]
        assert decisions["question"].to_pylist() == ["why?", "what?", None, None]
        assert decisions["decision.cost"].to_pylist() == [1.0, 2.5, 3.0, 0.0]
        assert decisions["decision.kind"].to_pylist() == ["closed", "open", "open", "open"]
        assert decisions["decision.scores.a"].to_pylist() == [1.0, None, None, None]
        assert decisions["decision.usd"].to_pylist() == [None, "dear", None, None]
        assert made["votes"]["voter"].to_pylist() == ["v", "v"]
        assert made["votes"]["vote.latency"].to_pylist() == [0.5, 2.0]
        assert made["votes"]["vote.elector"].to_pylist() == [None, 7]
        assert made["citations"]["citation.pages"].to_pylist() == ["[1,2]"]
        assert made["arguments"]["argument.tone"].to_pylist() == ["wry", "x"]
        assert made["arguments"]["argument.mood"].to_pylist() == [None, 1]

    def test_what_its_types_refuse_is_a_reject(self):
        made = read(Own, {"cost": -1}, {}, {"cost": 1, "kind": "other"}, {"cost": 1}, fast=1)
        assert made["rejects"]["reason"].to_pylist() == ["invalid"] * 3

    def test_its_words_are_extras_to_ours(self):
        made = read(DecisionEnvelope, {"ask": "why?", "cost": 1})
        assert made["decisions"]["decision.ask"].to_pylist() == ["why?"]

    def test_a_model_that_ignores_what_it_does_not_know_has_no_column_of_it(self):
        class Strict(Decision, extra="ignore"):
            cost: float = 0

        made = read(envelope_of(Strict), {"cost": 1, "tone": "wry"}, {"cost": 2, "tone": "dry"})
        assert made["decisions"]["decision.cost"].to_pylist() == [1, 2]
        assert "decision.tone" not in made["decisions"].column_names

    def test_a_field_may_be_called_like_a_column_of_ours(self):
        class Odd(Decision):
            stream_id: int = 1
            correlation_id: str = "mine"
            n_votes: int = 7
            extras: str = "e"

        made = read(envelope_of(Odd), {}, {"n_votes": 8, "model_extra": 1})
        assert made["decisions"]["stream_id"].to_pylist() == ["0-0", "1-0"]
        assert made["decisions"]["n_votes"].to_pylist() == [0, 0]
        assert made["decisions"]["decision.n_votes"].to_pylist() == [7, 8]
        assert made["decisions"]["decision.correlation_id"].to_pylist() == ["mine"] * 2

    def test_a_field_under_another_name_keeps_its_column(self):
        class Other(Decision):
            tone: str = Field("dry", alias="mood")
            pitch: str = Field("low", validation_alias=AliasChoices("key", "pitch"))

        made = read(
            envelope_of(Other), {"mood": "a", "tone": "b"}, {"key": "c", "pitch": 1}, {"pitch": "d"}, fast=0
        )
        assert made["decisions"]["decision.tone"].to_pylist() == ["a", "dry", "dry"]
        assert made["decisions"]["decision.pitch"].to_pylist() == ["low", "c", "d"]
        read(envelope_of(Other), {"mood": "a"}, {"key": "c"})


_TOKENS = r"""
true false null 0 1 -1 -0 -0.0 0.5 1.0 1e2 1e400 5e-324 NaN Infinity 9007199254740993 9223372036854775808 01
18446744073709551616 "" "a" "ab" "abc" "1" "0.5" "true" "\ud83d\ude00\ud83d\ude00" "\ud800" "\u0000" [] ["a"]
[1] [1.5] [null] [[1]] {} {"a":1} {"a":"b"} {"a":{"b":[null]}} {"a":1,"a":"b"} [{"a":1}]
"""
TOKENS = [*_TOKENS.split(), "9" * 25, "9" * 4301, "[" * 6 + "]" * 6]

TYPES = {
    "text": str, "whole": int, "number": float, "flag": bool, "anything": Any, "nothing": None,
    "text or none": str | None, "list": list[str], "numbers": list[float], "object": dict[str, Any],
    "of wholes": dict[str, int], "bare list": list, "bare object": dict, "word": Literal["a", "ab"],
    "strict": Annotated[int, Field(strict=True)], "not many": Annotated[int, Field(ge=0, lt=2)],
    "short": Annotated[str, Field(min_length=1, max_length=2)], "small": Annotated[float, Field(gt=-1, le=1)],
    "finite": Annotated[float, Field(allow_inf_nan=False)], "deep": list[dict[str, list[int | None]]],
}  # fmt: skip


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("model", telling({"Decision": Decision, "Vote": Vote}, "Vote"))
def test_every_translated_type_takes_what_pydantic_takes(kind, model):
    own = type("Extended", (model,), {
        "__annotations__": {"field": TYPES[kind], "other": TYPES[kind]},
        "field": Field(None, validation_alias=AliasChoices("field", "also", "too")), "other": None,
    })  # fmt: skip
    if model is Vote:
        own = type("Voted", (Decision,), {"__annotations__": {"votes": list[own]}, "votes": []})
    envelope = envelope_of(own)
    cache = Counting(envelope)
    payloads = []
    for token in TOKENS:
        for members in (f'"field":{token}', f'"too":{token}', f'"also":{token},"too":1', f'"other":{token}'):
            where = members if model is Decision else f'"votes":[{{"voter":"v","choice":"c",{members}}}]'
            payloads.append(f'{{"decision":{{"recommendation":"r","confidence":1,{where}}}}}')
    decoded(payloads, cache)
    cache.accepted = 0
    for payload in payloads:
        if made := cache.envelope(payload):
            expected = validate(payload, envelope)
            assert isinstance(expected, DecisionEnvelope), payload
            assert _said(made.decision) == _said(expected.decision), payload
    assert cache.accepted > 2, "the fast path was hardly taken"


def _said(decision):
    """What a struct or a model holds of the two fields and of the extras, types and signs included."""
    said = decision.votes[0] if decision.votes else decision
    extras = getattr(said, "model_extra", None)
    if extras is None:
        extras = {name: getattr(said, attribute) for attribute, name in said._extras}
    extras = {name: value for name, value in extras.items() if value is not UNSET}
    return repr((said.field, said.other, sorted(extras.items())))


class Colour(StrEnum):
    RED = "red"


class Panel(BaseModel):
    size: int


class Branch(Argument):
    size: int = 1


Branches = Annotated[
    Annotated[Argument, Tag("root")] | Annotated[list[Branch], Tag("roots")], Discriminator(tree_shape)
]


def _decision(**namespace):
    annotations = {name: value for name, (value, _) in namespace.items()}
    defaults = {name: value for name, (_, value) in namespace.items() if value is not ...}
    return type("Special", (Decision,), {"__annotations__": annotations} | defaults)


class Checked(Decision):
    @field_validator("recommendation")
    @classmethod
    def loud(cls, text):
        return text.upper()


class Whole(Decision):
    @model_validator(mode="after")
    def sure(self):
        if self.confidence < 0.2:
            raise ValueError("not sure")
        return self


class Remembering(Decision):
    _seen: int = PrivateAttr(1)


class Trimming(Decision):
    model_config = ConfigDict(str_strip_whitespace=True)


class Initialised(Decision):
    def __init__(self, **fields):
        super().__init__(**fields | {"recommendation": "mine"})


SPECIAL = {
    "a validator": Checked, "a validator of all": Whole, "private": Remembering, "a setting": Trimming,
    "an initialiser": Initialised,
    "a time": _decision(field=(datetime | None, None)),
    "an enumeration": _decision(field=(Colour, Colour.RED)),
    "a set": _decision(field=(set[str], set())), "a pair": _decision(field=(tuple[int, int], (1, 2))),
    "a pattern": _decision(field=(str, Field("a", pattern="^a"))), "a union": _decision(field=(int | str, 1)),
    "a multiple": _decision(field=(int, Field(2, multiple_of=2))),
    "a number": _decision(field=(Literal[1], 1)),
    "a model": _decision(field=(Panel, Panel(size=3))), "models": _decision(field=(list[Panel], [])),
    "two kinds of arguments": _decision(argument_tree=(Branches | None, None)),
    "a path": _decision(field=(int, Field(1, validation_alias=AliasPath("deep", "er")))),
    "made up": _decision(field=(str, Field(default_factory=lambda: "made"))),
    "a list's length": _decision(field=(list[int], Field([1], max_length=2))),
    "keys": _decision(field=(dict[int, str], {})),
    "a checked default": _decision(field=(int, Field("5", validate_default=True))),
}  # fmt: skip


@pytest.mark.parametrize("special", SPECIAL)
def test_what_is_not_understood_is_left_to_pydantic(special):
    values = [
        "2026-11-23T10:11:12Z",
        "red",
        ["a", "a"],
        [1, 2],
        "a",
        1,
        2,
        {"size": 3},
        [{"size": 3}],
        {"1": "x"},
    ]
    own = envelope_of(SPECIAL[special])
    made = read(
        own, *({"field": value} for value in values), {"deep": {"er": 4}}, {"confidence": 0.1}, {}, fast=0
    )
    assert made["decisions"].num_rows > 0
    assert validate(json.dumps({"decision": CORE}), own).decision.__class__ is SPECIAL[special]


def test_the_leaves_of_a_model_within_are_columns():
    made = read(envelope_of(SPECIAL["a model"]), {"field": {"size": 5}}, fast=0)
    assert made["decisions"]["decision.field.size"].to_pylist() == [5]
    made = read(envelope_of(SPECIAL["models"]), {"field": [{"size": 5}]}, fast=0)
    assert made["decisions"]["decision.field"].to_pylist() == ['[{"size":5}]']


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (
            type("Odd", (Vote,), {"__annotations__": {"agent": str}}),
            "'voter' and 'agent' under the name 'agent'",
        ),
        (
            type(
                "Odd",
                (Vote,),
                {"__annotations__": {"seat": str}, "seat": Field("x", validation_alias="option")},
            ),
            "'choice' and 'seat' under the name 'option'",
        ),
    ],
    ids=["a field", "an alias"],
)
def test_two_fields_under_one_name_are_refused(model, said):
    voted = type("Voted", (Decision,), {"__annotations__": {"votes": list[model]}, "votes": []})
    with pytest.raises(OptionError, match=f"Odd reads both {said}"):
        SchemaCache(envelope_of(voted))


class Run(BaseModel):
    cost: float


class Typed(DecisionEnvelope):
    meta: Run
    started_at: datetime | None = None


def test_meta_may_be_a_model():
    made = read(Typed, json.dumps({"decision": CORE, "meta": {"cost": 2}}), fast=0)
    assert made["decisions"]["meta.cost"].to_pylist() == [2.0]


class Price:
    def __str__(self):
        return "2 EUR"


class Paid(DecisionEnvelope):
    meta: Annotated[dict[str, Any], AfterValidator(lambda meta: meta | {"cost": Price()})]


def test_what_meta_holds_of_no_json_is_a_text():
    made = read(Paid, json.dumps({"decision": CORE, "meta": {"cost": 2}}), fast=0)
    assert made["decisions"]["meta.cost"].to_pylist() == ["2 EUR"]


class Labelled(DecisionEnvelope):
    correlation_id: str = "none"
    run: int = 0


def test_what_an_envelope_did_not_say_stays_missing():
    made = read(Labelled, {}, json.dumps({"decision": CORE, "correlation_id": "c", "run": 2, "else": 1}))
    assert made["decisions"]["correlation_id"].to_pylist() == [None, "c"]
    assert not {"run", "decision.run", "meta.run"} & set(made["decisions"].column_names)


PATCHED = """
import json
from mastermind_lab.decode import Batch, SchemaCache
from mastermind_lab.frames import tables

class Counting(SchemaCache):
    accepted = 0
    def envelope(self, payload):
        envelope = super().envelope(payload)
        self.accepted += envelope is not None
        return envelope

cache = Counting()
batch = Batch(schema_cache=cache)
for number in range(4):
    decision = {"recommendation": "ship", "confidence": 1, "ask": "why?", "cost": 1,
                "votes": [{"voter": "v", "choice": "c", "seat": number}]}
    batch.add(f"{number}-0", json.dumps({"decision": decision}))
made = tables(batch)
print(json.dumps({
    "accepted": cache.accepted, "columns": made["decisions"].column_names,
    "question": made["decisions"]["question"].to_pylist(),
    "cost": made["decisions"]["decision.cost"].to_pylist(), "seat": made["votes"]["vote.seat"].to_pylist(),
}))
"""


@pytest.mark.further
def test_an_alias_and_a_field_added_to_the_models_alone_are_read_on_both_paths(tmp_path):
    package = Path(mastermind_lab.__file__).parent
    (tmp_path / "mastermind_lab").mkdir()
    for entry in package.iterdir():
        if entry.name != "envelope.py":
            (tmp_path / "mastermind_lab" / entry.name).symlink_to(entry)
    source = (package / "envelope.py").read_text()
    for old, new in (
        ('"question", "topic", "prompt"', '"question", "topic", "prompt", "ask"'),
        (
            "    decision_id: str | None = None\n",
            "    decision_id: str | None = None\n    cost: float | None = None\n",
        ),
        ("    weight: ", "    seat: float = 0.0\n    weight: "),
    ):
        assert source.count(old) == 1
        source = source.replace(old, new)
    (tmp_path / "mastermind_lab" / "envelope.py").write_text(source)
    done = subprocess.run(
        [sys.executable, "-c", PATCHED],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["accepted"] == 3
    assert found["question"] == ["why?"] * 4
    assert "decision.ask" not in found["columns"]
    assert repr(found["cost"]) == "[1.0, 1.0, 1.0, 1.0]"
    assert repr(found["seat"]) == "[0.0, 1.0, 2.0, 3.0]"
