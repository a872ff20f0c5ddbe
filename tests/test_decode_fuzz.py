"""Fast path and ``envelope.validate`` must agree on every payload: verdict, values, types, reasons.

For 10,000,000 mutated envelopes, in a row: ``pytest -m thorough --effort 1000 tests/test_decode_fuzz.py``.
"""

import json
import random
import re

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mastermind_lab.arena import Arena, payloads
from mastermind_lab.decode import Batch, Column, SchemaCache
from mastermind_lab.frames import tables

pytestmark = pytest.mark.thorough

GROUP = 64  # inputs compared at once
LIFE = 6_400  # inputs after which the names that were learned are forgotten

COLUMNS = [Column("model", "meta.model"), Column("cost", "meta.usage.cost_usd", "float64")]


class Unlearned(SchemaCache):
    """Leaves every payload to ``envelope.validate``."""

    def envelope(self, payload):
        return None

    def learn(self, payload):
        pass


class Counting(SchemaCache):
    """Counts what the fast path accepted."""

    accepted = 0

    def envelope(self, payload):
        found = super().envelope(payload)
        self.accepted += found is not None
        return found


def decoded(inputs, schema_cache, columns=()):
    batch = Batch(columns, payloads=True, schema_cache=schema_cache)
    for number, payload in enumerate(inputs):
        batch.add(f"{number}-0", payload)
    return tables(batch)


def spelled_out(table):
    """Everything about a table that must be the same; the sign of a zero and NaN included."""
    floats = [name for name in table.column_names if pa.types.is_floating(table[name].type)]
    return table.drop_columns(floats), {name: repr(table[name].to_pylist()) for name in floats}


def difference(inputs, schema_cache, columns=()):
    """Say in which frame fast path and validation differ, if they do."""
    schema_cache.open_columns.clear()  # each group is compared by itself
    fast, validated = decoded(inputs, schema_cache, columns), decoded(inputs, Unlearned(), columns)
    for frame, table in validated.items():
        (left, left_floats), (right, right_floats) = spelled_out(fast[frame]), spelled_out(table)
        same_schema = fast[frame].schema.equals(table.schema, check_metadata=True)
        if not (same_schema and left.equals(right) and left_floats == right_floats):
            return frame
    return None


def assert_same(*inputs, schema_cache=None):
    assert difference(inputs, schema_cache or SchemaCache()) is None, inputs


# Envelopes to begin with -------------------------------------------------------------------------------

RICH = [
    {
        "schema_version": "1", "arena": "mastermind", "trace": [{"x": 1}],
        "published_at": "2026-11-23T10:11:12.5+01:00", "correlation_id": "c",
        "decision": {
            "recommendation": "ship", "confidence": 1, "topic": "why?", "summary": "because",
            "weights": {"a": 1},
            "arguments": [
                {"text": "a", "side": "pro", "replies": [{"statement": "b", "agent": "x", "n": 1}]},
                {"claim": "c", "children": [], "strength": -2},
            ],
            "votes": [
                {"agent": "x", "vote": "a", "confidence": None, "latency": 1.5, "tags": ["a", {"b": []}]},
                {"voter": "y", "name": "Y", "option": "b", "weight": 0,
                 "nested": {"a": {"b": None}, "c": {}}},
            ],
            "citations": [
                {"url": "u", "id": 7},
                {"source": "s", "url": "u", "relevance": -0.0, "rank": 2**64},
            ],
        },
        "meta": {"model": "m", "usage": {"cost_usd": 0.1}, "a.b": {"c": [1, None]}, "empty": {}, "n": 2**63},
    },
    {"decision": {"recommendation": "", "confidence": 0.0, "argument_tree": {"claim": "é\u0000\U0001f600"}}},
]  # fmt: skip

_arena = list(payloads(Arena(seed=3), 60, malformed=0.05))
SEEDS = [json.dumps(one, ensure_ascii=ascii).encode() for one in RICH for ascii in (True, False)] * 8 + _arena

# Mutations ---------------------------------------------------------------------------------------------

_TIMES = """
2026-11-23 2026-11-23T10:11 2026-11-23T10:11:12 2026-11-23T10:11:12Z 2026-11-23t10:11:12z
2026-11-23T10:11:12.Z 2026-11-23T10:11:12.1234567Z 2026-11-23T10:11:12.123456789+02:00
2026-11-23T10:11:12,5Z 2026-11-23_10:11:12Z 2026-11-23T10:11:12+0200 2026-11-23T10:11:12+02
2026-11-23T10:11:12-00:00 2026-11-23T10:11:12+23:59 2026-11-23T10:11:12+24:00 2026-11-23T10:11:12+00:60
2026-11-23T24:00:00Z 2026-11-23T23:59:60Z 2026-02-29T00:00:00Z 2024-02-29T00:00:00Z 0000-01-01T00:00:00Z
0001-01-01T00:00:00+01:00 1000-01-01T00:00:00Z 1677-01-01T00:00:00Z 2263-01-01T00:00:00Z
2999-12-31T23:59:59.999999-23:59 9999-12-31T23:59:59-01:00 2026-W47-1T10:11:12Z 20261123T101112Z 1735580000
1735580000000 -1 1e400 2026-11-23T10:11:12.000000Z \uff12026-11-23T10:11:12Z
"""
TIMES = _TIMES.split()

_TOKENS = r"""
true false null NaN Infinity -Infinity 1e400 -1e400 1e-400 -0 -0.0 0 1 2 -1 0.5 1.0 1E5 01 1. .5 +1
9007199254740993 9223372036854775808 18446744073709551615 18446744073709551616 -9223372036854775809
"" "1" "0.9" "true" "\ud800" "\ud83d\ude00" "\u0000" "\x" "a.b" "*" "schema_version" "2"
[] {} [[]] [{}] {"a":1} {"a":{}}
"""
TOKENS = [
    *_TOKENS.split(),
    *(json.dumps(time) for time in TIMES),
    *("9" * digits for digits in (25, 400, 4300, 4301)),
    *(
        opening * depth + closing * depth
        for opening, closing in ("[]", ('{"a":', "}"))
        for depth in (12, 30, 230)
    ),
    *('{"claim":"a","children":[' * depth + "]}" * depth for depth in (11, 12, 13, 14, 40, 97, 98, 99)),
]

_NAMES = """
voter agent agent_id name choice vote option position source url uri id claim text content statement stance
side kind author children replies supports question topic prompt rationale summary reasoning argument_tree
arguments votes citations confidence weight strength relevance title quote meta decision published_at
correlation_id arena schema_version recommendation extra a.b \u00e9 * qu"ote back\\slash model_extra extras
__post_init__
"""
NAMES = _NAMES.split()

_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|[-+.\w]+|[][{},:]')
_KEY = re.compile(rb'"(?:[^"\\]|\\.)*"(?=\s*:)')
_OPENING = re.compile(rb"\{")


def _spot(dice, pattern, payload):
    found = list(pattern.finditer(payload))
    return dice.choice(found).span() if found else (0, 0)


def swap_token(dice, payload):
    start, end = _spot(dice, _TOKEN, payload)
    return payload[:start] + dice.choice(TOKENS).encode() + payload[end:]


def exchange_tokens(dice, payload):
    (a, b), (c, d) = sorted((_spot(dice, _TOKEN, payload), _spot(dice, _TOKEN, payload)))
    return payload[:a] + payload[c:d] + payload[b:c] + payload[a:b] + payload[d:] if b <= c else payload


def rename(dice, payload):
    start, end = _spot(dice, _KEY, payload)
    return payload[:start] + json.dumps(dice.choice(NAMES)).encode() + payload[end:]


def add_field(dice, payload):
    """Also doubles keys."""
    _, end = _spot(dice, _OPENING, payload)
    value = dice.choice([*TOKENS, "text", '"text"', '[{"claim":"x"}]', '[{"voter":"x","choice":"y"}]'])
    return (
        payload[:end] + json.dumps(dice.choice(NAMES)).encode() + b":" + value.encode() + b"," + payload[end:]
    )


def retime(dice, payload):
    stamp = json.dumps(dice.choice(TIMES)).encode()
    return re.sub(rb'("published_at": ?)"[^"]*"', lambda found: found[1] + stamp, payload)


def flip_bit(dice, payload):
    found = bytearray(payload or b" ")
    found[dice.randrange(len(found))] ^= 1 << dice.randrange(8)
    return bytes(found)


def insert_bytes(dice, payload):
    at = dice.randrange(len(payload) + 1)
    some = [
        b"\xff",
        b"\xc0\x80",
        b"\xed\xa0\x80",
        b"\xef\xbb\xbf",
        b"\x00",
        b"\n",
        b"\\",
        b'"',
        b",",
        b"{}",
        b"\x1b",
    ]
    return payload[:at] + dice.choice(some) + payload[at:]


def delete(dice, payload):
    at = dice.randrange(len(payload) + 1)
    return payload[:at] + payload[at + dice.choice([1, 1, 2, 8, 200]) :]


def repeat(dice, payload):
    at = dice.randrange(len(payload) + 1)
    return payload[: at + dice.randrange(40)] + payload[at:]


RECODED = [
    lambda payload: payload.decode("utf-8", "surrogateescape"),
    lambda payload: payload.decode("utf-8", "replace").encode("utf-16"),
    lambda payload: b"\xef\xbb\xbf" + payload,
    lambda payload: b" \t\r\n" + payload + b"\n",
    lambda payload: payload + b"," + payload,
    lambda payload: payload + payload,
]


GENTLE = [swap_token, exchange_tokens, rename, rename, add_field, add_field, retime]
ROUGH = [flip_bit, insert_bytes, delete, repeat]


def mutated(dice):
    payload = dice.choice(SEEDS)
    for _ in range(dice.choice([0, 1, 1, 1, 2, 3])):
        payload = dice.choice(GENTLE if dice.random() < 0.75 else ROUGH)(dice, payload)
    return dice.choice(RECODED)(payload) if dice.random() < 0.05 else payload


def search(count, seed):
    """Yield (fast ones so far, a differing input or None) after each group."""
    dice, schema_cache, fast = random.Random(seed), Counting(), 0
    for start in range(0, count, GROUP):
        if start % LIFE == 0:
            schema_cache = Counting()
        inputs, before = [mutated(dice) for _ in range(GROUP)], schema_cache.accepted
        columns = COLUMNS if dice.random() < 0.2 else ()
        found = difference(inputs, schema_cache, columns)
        fast += schema_cache.accepted - before
        yield fast, (found, inputs, columns) if found else None


@pytest.mark.timeout(180)
def test_mutated_envelopes(effort):
    fast = []
    for accepted, found in search(10_000 * effort, seed=20261123):
        assert found is None, found
        fast.append(accepted)
    assert fast[-1] > 2_000 * effort, "the fast path was hardly taken, so little was compared"


# Generated envelopes -----------------------------------------------------------------------------------

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=4)
    | st.sampled_from(["", "0.5"])
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner)
)
names = st.sampled_from(NAMES)
shares = st.floats(0, 1) | st.integers(0, 1) | values


def part(required, **known):
    return st.builds(
        lambda first, more, extra: extra | more | first,
        st.fixed_dictionaries(required), st.fixed_dictionaries({}, optional=known),
        st.dictionaries(names, values, max_size=2),
    )  # fmt: skip


votes = part({"voter": st.text(max_size=3), "choice": st.text(max_size=3)}, confidence=shares, weight=values)
citations = part({"source": st.text(max_size=3)}, title=values, relevance=values)
arguments = st.deferred(lambda: part({"claim": st.text(max_size=3)}, children=nodes))
nodes = st.lists(arguments, max_size=2)
decisions = part(
    {"recommendation": st.text(max_size=3), "confidence": shares},
    votes=st.lists(votes, max_size=3), citations=st.lists(citations, max_size=3),
    argument_tree=arguments | nodes, question=values,
)  # fmt: skip
envelopes = part(
    {"decision": decisions},
    meta=st.dictionaries(st.text(max_size=3), values),
    published_at=st.sampled_from(TIMES) | st.datetimes().map(lambda time: time.isoformat() + "Z") | values,
)


@pytest.mark.timeout(180)
def test_generated_envelopes(effort):
    @settings(max_examples=75 * effort, deadline=None)
    @given(st.lists(envelopes.map(json.dumps), min_size=1, max_size=6))
    def agree(documents):
        assert_same(*documents, *documents)

    agree()
