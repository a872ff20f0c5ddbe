"""The JSON text of lists in open columns is the same however it is made."""

import json
import math

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mastermind_lab.decode import json_text, json_texts
from mastermind_lab.envelope import Vote

texts = st.text(st.characters(exclude_categories=()), max_size=4)  # lone surrogates too
scalars = st.none() | st.booleans() | st.integers() | texts | st.floats()
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
AWKWARD = [chr(code) for code in range(160)] + [
    "\u2028",
    "\u2029",
    "/",
    "\x7f",
    "\ud800",
    "\ufeff",
    "\U0001f600",
]


@pytest.mark.thorough
@settings(max_examples=500)
@given(st.lists(values, max_size=4))
@example([AWKWARD])
@example([[one] for one in AWKWARD])
@example([["a"], None, {"\x00": [2**64, -(2**63) - 1, 10**30]}, [], {}])
@example([[1e16, 1.0, -0.0, 5e-324, math.inf]])
@example([[1e-4, 0.1, 123456.789, 9007199254740993.0, 9999999999999998.0, -0.0]])
@example([{"a": 9.99e-5}])
@example([[1e16]])
@example([{"a": [math.nan]}])
def test_many_texts_are_those_of_each(drawn):
    assert json_texts(drawn) == [None if value is None else json_text(value) for value in drawn]
    for value, text in zip(drawn, json_texts(drawn), strict=True):
        written = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        assert (text or "null") == written


def test_models_have_a_text_as_well():
    vote = Vote(voter="a", choice="b")
    for value in (vote, [vote], {"of": [vote]}):
        assert json_texts([value, None]) == [json_text(value), None]
        assert json.loads(json_text([value])) == [json.loads(json_text(value))]
