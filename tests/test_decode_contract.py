"""How schemas become what msgspec reads: what is understood, and what is left to pydantic alone."""

from collections.abc import Mapping

import pytest
from msgspec import NODEFAULT, UNSET

from mastermind_lab.decode import SchemaCache, contract, paths
from mastermind_lab.decode.contract import Untranslatable, _default, _steps, _Types
from mastermind_lab.decode.schema_cache import _MOST_UPDATES, MOST_NAMES
from mastermind_lab.envelope import Decision, DecisionEnvelope, tree_shape

ENVELOPE = '{"decision": {"recommendation": "a", "confidence": 0.5%s}%s}'
TYPES = _Types({"Named": {"type": "str"}}, lambda model: model, object)
DICT = {"type": "dict", "values_schema": {"type": "bool"}}
OWN = {"recommendation", "confidence"}
TREE = {"type": "tagged-union", "choices": {"root": {"type": "str"}, "roots": {"type": "int"}}}


@pytest.mark.parametrize(
    ("schema", "kind"),
    [
        ({"type": "str"}, str),
        ({"type": "none"}, type(None)),
        ({"type": "any"}, object),
        ({"type": "nullable", "schema": {"type": "int"}}, int | None),
        ({"type": "list"}, list[object]),
        ({"type": "list", "items_schema": {"type": "float"}}, list[float]),
        ({"type": "dict"}, dict[str, object]),
        (DICT | {"keys_schema": {"type": "str"}}, dict[str, bool]),
        ({"type": "definition-ref", "schema_ref": "Named"}, str),
        ({"type": "model", "cls": Decision}, Decision),
        (TREE | {"discriminator": tree_shape}, str | int),
    ],
)
def test_what_is_understood_and_what_says_more(schema, kind):
    assert TYPES.of(schema) == kind
    if schema["type"] not in ("definition-ref", "model"):
        assert TYPES.of(schema | {"strict": True, "frozen": None, "fail_fast": False}) == kind
        with pytest.raises(Untranslatable, match="with fail_fast"):
            TYPES.of(schema | {"fail_fast": True})


@pytest.mark.parametrize(
    ("schema", "why"),
    [
        ({"type": "datetime"}, "datetime"),
        ({"type": "dict", "keys_schema": {"type": "int"}}, "keys that are not any text"),
        ({"type": "literal", "expected": ["a", 1]}, "a literal that is not text"),
        (TREE | {"discriminator": "kind"}, "a union"),
    ],
)
def test_what_is_not(schema, why):
    with pytest.raises(Untranslatable, match=why):
        TYPES.of(schema)


@pytest.mark.parametrize(
    ("alias", "names"),
    [
        ("b", ("b",)),
        ([["b"], ["c"]], ("b", "c")),
        (["b"], None),
        ([["b", "c"]], None),
        ([["b"], ["c", 0]], None),
    ],
)
def test_names_of_a_field(alias, names):
    assert _steps("a", {}) == ("a",)
    if names:
        assert _steps("a", {"validation_alias": alias}) == names
    else:
        with pytest.raises(Untranslatable, match="an alias that is a path"):
            _steps("a", {"validation_alias": alias})


@pytest.mark.parametrize("value", [None, True, 1, 0.5, "a", [], {}])
def test_defaults(value):
    assert _default({"type": "str"}, False) is NODEFAULT
    assert _default({"type": "default", "default": value}, False) == value
    for factory in (list, dict):
        assert _default({"type": "default", "default_factory": factory}, False) == factory()


def test_defaults_that_are_made_up():
    made_up = {"type": "default", "default_factory": object}
    assert _default(made_up, True) is UNSET
    with pytest.raises(Untranslatable, match="made up"):
        _default(made_up, False)
    for value in ([1], {"a": 1}, (), Decision):
        with pytest.raises(Untranslatable, match="no JSON value"):
            _default({"type": "default", "default": value}, True)


@pytest.mark.parametrize(("levels", "value"), [(0, 1), (1, [1]), (2, [[1]]), (2, {"a": {"b": None}})])
def test_values_of_so_many_levels(levels, value):
    from msgspec import ValidationError, convert

    assert convert(value, contract.value_type(levels)) == value
    for more in ([value], {"a": value}):
        with pytest.raises(ValidationError):
            convert(more, contract.value_type(levels))


@pytest.fixture
def cache():
    return SchemaCache()


def test_all_of_the_contract_is_read_fast(cache):
    sent = ', "published_at": "2026-01-01T00:00:00Z", "correlation_id": "c", "meta": {"a": [1]}'
    assert cache.envelope(ENVELOPE % ("", "")).published_at is UNSET
    assert cache.envelope(ENVELOPE % ("", sent)).published_at == "2026-01-01T00:00:00Z"
    tree = ', "argument_tree": {"claim": "c", "children": [{"claim": "d"}]}'
    assert cache.envelope(ENVELOPE % (tree, "")) is not None
    assert cache.envelope(ENVELOPE % (', "argument_tree": [{"claim": "c"}]', "")) is not None


def test_a_name_is_learnt_once(cache):
    other = ENVELOPE % (', "mine": 1, "topic": "t"', "")
    assert cache.envelope(other) is None
    for _ in range(2):
        cache.learn(other)
        assert (cache._seen[Decision], cache._updates) == (OWN | {"mine", "topic"}, 1)
    assert cache.envelope(other) is not None


@pytest.mark.parametrize("name", ['\\"', "\\\\", "\\u0007", "\\u200b"])
def test_a_name_that_cannot_be_declared_is_left_to_pydantic(cache, name):
    other = ENVELOPE % (f', "{name}": 1', "")
    for _ in range(2):
        cache.learn(other)
        assert (cache._seen[Decision], cache._updates, cache.envelope(other)) == (OWN, 1, None)


@pytest.mark.further
def test_of_names_and_of_envelopes_with_others_there_are_so_many(cache):
    cache.learn(ENVELOPE % ("".join(f', "n{n}": 1' for n in range(MOST_NAMES + 1)), ""))
    assert len(cache._seen[Decision]) == MOST_NAMES
    cache = SchemaCache()
    for number in range(_MOST_UPDATES + 1):
        cache.learn(ENVELOPE % (f', "n{number}": 1', ""))
    assert len(cache._seen[Decision]) == _MOST_UPDATES + len(OWN)


def test_of_two_names_the_first_in_the_table_is_the_field_and_the_other_an_extra(cache):
    both = ENVELOPE % (', "topic": "t", "question": "q", "prompt": "p"', "")
    cache.learn(both)
    for sent, question in ((both, "q"), (ENVELOPE % (', "prompt": "p", "topic": "t"', ""), "t")):
        assert cache.envelope(sent).decision.question == question
    assert cache.envelope(ENVELOPE % (', "prompt": "p"', "")).decision.question == "p"


def test_a_model_that_is_not_understood_has_no_fast_way():
    class Own(DecisionEnvelope):
        meta: Mapping[int, str] = {}

    cache = SchemaCache(Own)
    cache.learn(ENVELOPE % ("", ""))
    assert (cache.envelope(ENVELOPE % ("", "")), cache._updates) == (None, 0)


def test_leaves_of_a_tree():
    tree = {"a": 1, "b": {"c": {"d": None}, "e.f": {}}, "": {"*": []}}
    assert dict(paths.leaves(tree, "meta.")) == {
        "meta.a": 1, "meta.b.c.d": None, 'meta.b."e.f"': {}, 'meta."".\"*\"': [],
    }  # fmt: skip
    for path, _ in paths.leaves(tree, ""):
        assert ".".join(map(paths.step, paths.steps(path))) == path
