"""The fast path case by case: it says what ``envelope.validate`` says, it is taken, and it takes in names."""

import gc
import json
from contextlib import suppress

import pytest
from envelopes import CORE
from telling import telling

import mastermind_lab as lab
from mastermind_lab.decode import Batch, Column, SchemaCache, collector_paused
from mastermind_lab.decode.schema_cache import MOST_NAMES
from mastermind_lab.frames import tables


def envelope(meta=None, **decision):
    return json.dumps({"decision": CORE | decision} | ({"meta": meta} if meta is not None else {}))


def with_token(place, token):
    """An envelope with some JSON text as it stands at a place."""
    text = json.dumps(
        {
            "schema_version": "1", "published_at": "2026-01-01T00:00:00Z", "correlation_id": "c",
            "decision": CORE | {
                "votes": [{"voter": "v", "choice": "c", "confidence": 0.5, "weight": 1.0,
                           "rationale": "r", "x": 1}],
                "citations": [{"source": "s", "title": "t", "relevance": 0.5}],
                "argument_tree": {"claim": "c", "strength": 0.5, "children": []},
                "question": "q", "extra": 1,
            },
            "meta": {"m": 1}, "unknown": 1,
        }
    )  # fmt: skip
    value = json.dumps(PLACES[place])
    assert text.count(f'"{place}": {value}'), place
    return text.replace(f'"{place}": {value}', f'"{place}": {token}')


PLACES = {
    "schema_version": "1", "published_at": "2026-01-01T00:00:00Z", "correlation_id": "c", "confidence": 0.5,
    "weight": 1.0, "rationale": "r", "voter": "v", "x": 1, "title": "t", "relevance": 0.5, "strength": 0.5,
    "children": [], "question": "q", "extra": 1, "m": 1, "unknown": 1, "recommendation": "ship",
}  # fmt: skip


class Unlearned(SchemaCache):
    def envelope(self, payload):
        return None

    def learn(self, payload):
        pass


class Strict(SchemaCache):
    """Fails where the fast path is not taken, and valid envelopes would be slow."""

    def learn(self, payload):
        raise AssertionError(f"not fast: {payload}")


def decoded(*inputs, schema_cache=None, columns=()):
    batch = Batch(columns, payloads=True, schema_cache=schema_cache)
    for number, payload in enumerate(inputs):
        batch.add(f"{number}-0", payload)
    return tables(batch)


def same(*inputs):
    # The second time the names are known, so that what was validated first is decoded fast.
    schema_cache = SchemaCache()
    decoded(*inputs, schema_cache=schema_cache)
    schema_cache.open_columns.clear()
    fast, validated = decoded(*inputs, schema_cache=schema_cache), decoded(*inputs, schema_cache=Unlearned())
    for frame, table in validated.items():
        assert fast[frame].schema.equals(table.schema, check_metadata=True), frame
        # repr: the sign of zero and NaN count too
        assert repr(fast[frame].to_pylist()) == repr(table.to_pylist()), frame
    return fast


def reasons(parts):
    return parts["rejects"]["reason"].to_pylist()


_TOKENS = r"""
true false null "" "0.9" "1" [] {} ["a"] {"a":{"b":null}} 0 1 2 -1 0.5 1.0 -0 -0.0 5e-324 1e-400
1e400 -1e400 1e309 NaN Infinity -Infinity 9007199254740993 9223372036854775807
9223372036854775808 18446744073709551616 -9223372036854775809 01 1. +1 1_0 0x1 nul 'a' "\ud800"
"\udc00\ud800" "\ud83d\ude00" "\u0000" "\q"
"""
TOKENS = [*_TOKENS.split(), *("9" * digits for digits in (25, 400, 4300, 4301))]
TOKENS += ['"\x00"', '"\x1f"', '"\x7f"', '"\u202e"']


@pytest.mark.parametrize(
    "place", telling([*PLACES], "published_at", "confidence", "voter", "children", "extra", "question")
)
def test_every_token_at_every_place(place):
    same(*(with_token(place, token) for token in TOKENS))
    for token in TOKENS:
        same(with_token(place, token))


_TIMES = """2026-11-23T10:11:12Z 2026-11-23T10:11:12.5Z 2026-11-23T10:11:12.123456+05:30
2026-11-23T10:11:12-00:00 2026-11-23 2026-11-23T10:11:12 2026-11-23T10:11 2026-11-23t10:11:12z
2026-11-23T10:11:12.1234567Z 2026-11-23T10:11:12.999999999Z 2026-11-23T10:11:12,5Z
2026-11-23_10:11:12Z 2026-11-23T10:11:12+0200 2026-11-23T10:11:12+02 2026-11-23T10:11:12+23:59
2026-11-23T10:11:12+24:00 2026-11-23T10:11:12+00:60 2026-11-23T24:00:00Z 2026-11-23T23:59:60Z
2026-02-29T00:00:00Z 2024-02-29T00:00:00Z 0000-01-01T00:00:00Z 0001-01-01T00:00:00Z
0001-01-01T00:00:00+01:00 1677-01-01T00:00:00Z 2263-01-01T00:00:00Z 9999-12-31T23:59:59Z
9999-12-31T23:59:59-01:00 2999-12-31T23:59:59.999999-23:59 2026-W47-1T10:11:12Z 20261123T101112Z
2026-11-23T10:11:12.Z \u0662026-11-23T10:11:12Z 1735580000 1735580000000 -1 1735580000.5 1e20
nan now"""


def test_datetimes_in_every_spelling():
    for time in _TIMES.split():
        same(with_token("published_at", json.dumps(time)), with_token("published_at", time))


@pytest.mark.parametrize(
    "payload",
    [
        b"", b" ", b"null", b"[]", b'"a"', b"1", b"{}", b"{", b"[{}]", b"\x00", b"{}{}", b"\xff",
        b"\xef\xbb\xbf{}",        None, 5, {}, bytearray(b"{}"), "\ud800", envelope().encode("utf-16"),
        b"\xef\xbb\xbf" + envelope().encode(),
        envelope(question="x").replace('"x"', '"\ud800"'), f"{envelope()},{envelope()}", envelope() + "\n",
        envelope(question="x").encode().replace(b'"x"', b'"\xc0\x80"'), bytearray(envelope().encode()),
        envelope(question="x").encode().replace(b'"x"', b'"\xed\xa0\x80"'), envelope().encode()[:-1],
        envelope({"k": 1}).encode().replace(b'"k"', b'"\xff"'),
        envelope(e=1).encode().replace(b'"e"', b'"\xff"'),
        b'{"a\xff": 1, ' + envelope().encode()[1:], b'{"a": "\xff", ' + envelope().encode()[1:],
    ],
)  # fmt: skip
def test_what_is_hardly_json(payload):
    same(payload, envelope(), payload)


def test_duplicate_keys_the_last_counts():
    vote = '{"voter": "a", "voter": "b", "choice": 1, "choice": "c", "x": 1, "x": {"y": 2}}'
    text = envelope({"k": 1}, votes=["V"], question="q").replace('"V"', vote)
    parts = same(
        text,
        text.replace('"voter": "b"', '"voter": 1'),
        text.replace('"meta":', '"meta": {"k": [[1e400]]}, "meta":'),
        text.replace('"question": "q"', '"question": "a", "topic": "t", "question": "b", "topic": "u"'),
        text.replace('"decision":', '"decision": 1, "decision":'),
    )
    assert parts["votes"]["voter"].to_pylist() == ["b", "b", "b", "b"]
    assert parts["decisions"]["question"].to_pylist() == ["q", "q", "b", "q"]


@pytest.mark.parametrize(
    "depth", [1, 5, 10, 11, 12, 13, 14, 50, 97, 98, 99, 100, 110, 198, 199, 200, 1_000, 100_000]
)
@pytest.mark.further
def test_nesting(depth):
    claims = '{"claim": "c", "children": [' * depth + "]}" * depth
    for deep in ("[" * depth + "]" * depth, '{"a":' * depth + "1" + "}" * depth, claims):
        same(with_token("m", deep), with_token("x", deep), with_token("unknown", deep))
        same(envelope(argument_tree="T").replace('"T"', deep))
        # what a later duplicate hides is nested all the same
        same(envelope({}).replace('"meta":', f'"meta": {{"a": {deep}}}, "meta":'))
        same(
            envelope(argument_tree=None).replace(
                '"argument_tree":', f'"argument_tree": {deep}, "argument_tree":'
            )
        )


@pytest.mark.once
@pytest.mark.further
def test_twenty_megabytes():
    big = "x" * 20_000_000
    parts = same(envelope(question=big), envelope(votes=[{"voter": big}]), big)
    assert parts["decisions"].num_rows == 1


ALIASES = {
    "votes": [("voter", "agent", "agent_id", "name"), ("choice", "vote", "option", "position")],
    "citations": [("source", "url", "uri", "id")],
    "argument_tree": [("claim", "text", "content", "statement"), ("stance", "side", "kind"),
                      ("author", "agent", "voter"), ("children", "replies", "supports")],
}  # fmt: skip
NEEDED = {
    "votes": {"voter": "v", "choice": "c"},
    "citations": {"source": "s"},
    "argument_tree": {"claim": "c"},
}


@pytest.mark.parametrize("value", ["text", None, 1, [], [{"claim": "x"}], {"claim": "x"}])
def test_aliases_and_their_order(value):
    for field, groups in ALIASES.items():
        for first, *others in groups:
            rest = {name: known for name, known in NEEDED[field].items() if name != first}
            pairs = [{first: "a", other: value} for other in others]
            pairs += [{one: value, other: "b"} for one in others for other in others if one != other]
            alone = [{other: value} for other in others]
            documents = [envelope(**{field: [rest | pair]}) for pair in pairs + alone]
            same(*documents)
            for document in documents:
                same(document, envelope(**{field: [NEEDED[field]]}))
    for names in (("question", "topic", "prompt"), ("rationale", "summary", "reasoning")):
        same(*(envelope(**{one: value, other: "b"}) for one in names for other in names))
    same(envelope(arguments=value), envelope(arguments=value, argument_tree={"claim": "x"}))


ODD = envelope(
    topic="q", consensus=0.5, arguments={"text": "t", "side": "pro", "replies": [{"text": "u", "r": 1}]},
    votes=[{"agent": "a", "vote": "x", "n": {"m": 1}}], citations=[{"url": "u", "id": 7, "rank": None}],
)  # fmt: skip


def taught(*inputs):
    """What some envelopes teach; from then on every payload must be decoded fast."""
    schema_cache = SchemaCache()
    decoded(*inputs, schema_cache=schema_cache)
    schema_cache.__class__ = Strict
    return schema_cache


class TestLearned:
    def test_the_contracts_own_names_are_fast_from_the_start(self):
        decoded(
            envelope(votes=[NEEDED["votes"]], argument_tree=NEEDED["argument_tree"]), schema_cache=Strict()
        )

    def test_the_second_envelope_with_other_names_is_fast(self):
        parts = decoded(ODD, schema_cache=taught(ODD))
        assert parts["votes"]["vote.n.m"].to_pylist() == [1]
        assert parts["arguments"]["claim"].to_pylist() == ["t", "u"]
        assert parts["citations"].column_names[-2:] == ["citation.id", "citation.rank"]

    def test_two_ways_of_naming_in_one_stream_are_fast(self):
        clean = envelope(votes=[NEEDED["votes"]], argument_tree=NEEDED["argument_tree"], question="p")
        both = envelope(votes=[{"voter": "v", "agent": 5, "vote": "c"}, {"agent": "w", "choice": "d"}])
        parts = decoded(clean, ODD, both, schema_cache=taught(ODD, clean))
        assert parts["decisions"]["question"].to_pylist() == ["p", "q", None]
        assert parts["votes"]["voter"].to_pylist() == ["v", "a", "v", "w"]
        assert parts["votes"]["vote.agent"].to_pylist() == [None, None, 5, None]

    def test_a_field_under_no_name_is_a_reject(self):
        schema_cache = SchemaCache()
        decoded(ODD, envelope(votes=[NEEDED["votes"]]), schema_cache=schema_cache)
        assert reasons(decoded(envelope(votes=[{"choice": "c"}]), schema_cache=schema_cache)) == ["invalid"]

    @pytest.mark.further
    def test_no_more_names_than_are_good(self):
        schema_cache = SchemaCache()
        many = [envelope(**{f"field_{n}": n}) for n in range(MOST_NAMES * 3)]
        assert decoded(*many, schema_cache=schema_cache)["decisions"].num_rows == len(many)
        assert 20 < sum(schema_cache.envelope(one) is not None for one in many) <= MOST_NAMES

    def test_names_that_msgspec_cannot_take(self):
        same(*(envelope(**{name: 1}) for name in ('a"b', "a\\b", "a\nb", "é", "", "a b", "\u202e", "😀")))

    def test_open_columns_are_limited_in_all_batches_together(self):
        schema_cache = SchemaCache()
        first = decoded(*(envelope({f"a{n}": 1}) for n in range(1_999)), schema_cache=schema_cache)
        second = decoded(
            envelope({"b": 1, "c": 2, "a0": 3}), envelope({"c": {"d": 4}}), schema_cache=schema_cache
        )
        assert "meta.*" not in first["decisions"].column_names
        assert second["decisions"]["meta.b"].to_pylist() == [1, None]
        assert second["decisions"]["meta.a0"].to_pylist() == [3, None]
        assert second["decisions"]["meta.*"].to_pylist() == ['{"meta.c":2}', '{"meta.c.d":4}']


class TestColumns:
    CASES = (
        Column("a", "meta.a.b", "Int64"), Column("b", "meta", "str"), Column("c", "meta.x", "boolean"),
        Column("d", "decision.recommendation"), Column("e", lambda one: one.decision.confidence, "float64"),
    )  # fmt: skip

    @pytest.mark.parametrize("columns", [CASES[:3], CASES], ids=["of meta", "of anything"])
    def test_are_the_same_either_way(self, columns):
        inputs = [envelope({"a": {"b": 1}, "x": True}), envelope({"a": 1}), envelope({"a": {"b": "no"}}), ODD]
        fast, validated = (
            decoded(*inputs, schema_cache=one(), columns=columns) for one in (SchemaCache, Unlearned)
        )
        assert {name: table.to_pylist() for name, table in fast.items()} == {
            name: table.to_pylist() for name, table in validated.items()
        }
        assert reasons(fast) == ["column"]

    @pytest.mark.parametrize(
        ("kind", "fitting", "others"),
        [
            ("Int64", [2**63 - 1, -(2**63)], [2**63, -(2**63) - 1, True, 1.0]),
            ("float64", [2**53, -(2**53), 0.5], [2**53 + 1, True]),
            ("boolean", [True, False], [1, 0.0]),
        ],
    )
    def test_what_a_type_holds(self, kind, fitting, others):
        inputs = [envelope({"x": value}) for value in (*fitting, *others)]
        found = decoded(*inputs, schema_cache=SchemaCache(), columns=[Column("x", "meta.x", kind)])
        assert found["decisions"]["x"].to_pylist() == fitting
        assert reasons(found) == ["column"] * len(others)


class TestCollector:
    def test_is_paused_and_comes_back_even_after_an_error(self):
        states = []
        with suppress(ZeroDivisionError), collector_paused():
            states.append(gc.isenabled())
            states.append(1 / 0)
        assert states == [False]
        assert gc.isenabled()

    def test_stays_off_where_it_was_off(self):
        gc.disable()
        try:
            with collector_paused():
                pass
            assert not gc.isenabled()
        finally:
            gc.enable()

    def test_has_nothing_to_collect_behind_a_batch(self):
        deep = envelope(argument_tree={"claim": "a", "children": [{"claim": "b"}]}, votes=[NEEDED["votes"]])
        decoded(deep, ODD)  # what is compiled or loaded once is no batch's
        with collector_paused():
            gc.collect()
            decoded(deep)
            assert gc.collect() == 0

    def test_reading_leaves_it_on(self):
        lab.read([envelope(), "no"])
        assert gc.isenabled()
