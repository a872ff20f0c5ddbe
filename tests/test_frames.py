"""The frames: declared columns, open columns, and merging without loss."""

import json
import math
import re
from typing import ClassVar

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from envelopes import envelope
from histories import sample
from hypothesis import given, settings
from hypothesis import strategies as st

import mastermind_lab as lab
from mastermind_lab.frames import DECLARED, FRAMES, id_key, id_parts, oldest_first
from mastermind_lab.frames.tables import stacked

DTYPES = {
    "str": pd.StringDtype(na_value=np.nan),
    "float64": np.dtype("float64"),
    "Int64": pd.Int64Dtype(),
    "boolean": pd.BooleanDtype(),
    "datetime64[us, UTC]": pd.DatetimeTZDtype("us", "UTC"),
    "object": np.dtype("object"),
}


def metas(*values):
    """The column of one leaf of meta that takes these values in turn."""
    history = lab.read([envelope(meta={"x": value}) for value in values])
    return history.decisions["meta.x"], history


class TestDeclared:
    @pytest.mark.parametrize("frame", FRAMES)
    def test_an_empty_history_has_every_column_in_its_type(self, frame):
        found = getattr(lab.read([]), frame)
        assert found.dtypes.to_dict() == {name: DTYPES[one.type] for name, one in DECLARED[frame].items()}

    @pytest.mark.parametrize("frame", FRAMES)
    def test_a_full_one_has_the_same(self, frame):
        found = getattr(sample(50), frame)
        expected = {name: DTYPES[one.type] for name, one in DECLARED[frame].items()}
        assert {name: found[name].dtype for name in expected} == expected
        assert list(found.columns[: len(expected)]) == list(expected)

    def test_the_dictionary_describes_every_column(self):
        table = lab.dictionary()
        assert list(table.columns) == ["frame", "column", "type", "unit", "meaning"]
        assert set(table["frame"]) == {*FRAMES, "payloads", "coverage"}
        assert (table["meaning"].str.len() > 5).all()


class TestRows:
    tree: ClassVar = {
        "claim": "a",
        "children": [{"text": "b", "children": [{"claim": "c"}]}, {"claim": "d", "side": "con"}],
    }

    def test_a_decision(self):
        whole = {"decision_id": "d1", "topic": "why?", "summary": "because", "argument_tree": self.tree}
        votes = [{"voter": "v", "choice": "x"}, {"name": "w", "vote": "y"}]
        cites = [{"url": "http://a"}]
        payload = envelope(
            whole | {"votes": votes, "citations": cites},
            published_at="2026-11-23T12:00:00+02:00",
            correlation_id="k",
        )
        [row] = lab.read([payload]).decisions.to_dict(orient="records")
        assert row["published_at"] == pd.Timestamp("2026-11-23T10:00Z")
        assert {key: row[key] for key in ("stream_id", "correlation_id", "decision_id", "question")} == {
            "stream_id": "0-1", "correlation_id": "k", "decision_id": "d1", "question": "why?"
        }  # fmt: skip
        assert (row["rationale"], row["recommendation"], row["confidence"]) == ("because", "ship", 0.5)
        assert (row["n_votes"], row["n_citations"], row["n_arguments"]) == (2, 1, 4)
        assert row["streamed_at"] is pd.NaT

    def test_what_was_not_sent_is_not_invented(self):
        [row] = lab.read([envelope()]).decisions.to_dict(orient="records")
        assert row["published_at"] is pd.NaT
        assert pd.isna(row["correlation_id"])

    def test_a_tree_in_reading_order(self):
        found = lab.read([envelope({"argument_tree": self.tree})]).arguments
        assert found["claim"].tolist() == ["a", "b", "c", "d"]
        assert found["node"].tolist() == [0, 1, 2, 3]
        assert found["parent"].fillna(-1).tolist() == [-1, 0, 1, 0]
        assert found["depth"].tolist() == [0, 1, 2, 1]
        assert found["stance"].fillna("").tolist() == ["", "", "", "con"]

    def test_several_roots(self):
        found = lab.read([envelope({"arguments": [{"claim": "a"}, {"claim": "b"}]})]).arguments
        assert found["parent"].isna().all()
        assert found["node"].tolist() == [0, 1]

    def test_positions_count_within_a_decision(self):
        votes = [{"voter": "v", "choice": "x"}] * 3
        found = lab.read([envelope({"votes": votes})] * 2).votes
        assert found["position"].tolist() == [0, 1, 2] * 2
        assert found["stream_id"].tolist() == ["0-1"] * 3 + ["0-2"] * 3
        assert found["weight"].tolist() == [1.0] * 6
        assert found["confidence"].isna().all()

    def test_one_bad_entry_never_costs_another(self):
        good = envelope({"recommendation": "größer"})
        bad = [
            b"\xff",
            "",
            "{",
            "null",
            envelope({"confidence": "0.9"}),
            envelope(schema_version="2"),
            None,
            7,
        ]
        history = lab.read([one for pair in zip([good] * 8, bad, strict=True) for one in pair])
        assert history.decisions["recommendation"].tolist() == ["größer"] * 8
        assert history.decisions["stream_id"].tolist() == [f"0-{n}" for n in range(1, 16, 2)]
        reasons = ["not_utf8", "not_json", "not_json", "invalid", "invalid", "version", "no_data", "not_text"]
        assert history.rejects["reason"].tolist() == reasons
        assert history.rejects["payload"].tolist()[:2] == [b"\xff", b""]
        assert history.rejects["detail"][4] == "decision.confidence: Input should be a valid number"


class TestOpenColumns:
    @pytest.mark.parametrize(
        ("values", "dtype", "held"),
        [
            ([True, False, None], "boolean", [True, False, pd.NA]),
            ([1, -5, None], "Int64", [1, -5, pd.NA]),
            ([1, 2.5], "float64", [1.0, 2.5]),
            ([0.1 + 0.2, 5e-324, -0.0], "float64", [0.1 + 0.2, 5e-324, -0.0]),
            ([2**53 + 1, 2**62], "Int64", [2**53 + 1, 2**62]),
            ([2**63, 2**64], "float64", [2.0**63, 2.0**64]),
            ([2**64 + 1, None], "str", [str(2**64 + 1), None]),
            ([2**53 + 1, 0.5], "str", [str(2**53 + 1), "0.5"]),
            (["a", "ß\u0000\u202e"], "str", ["a", "ß\u0000\u202e"]),
            (["a", 1], "str", ["a", "1"]),
            ([True, 1], "str", ["true", "1"]),
            ([[1, "ü"], None], "str", ['[1,"ü"]', None]),
            (["a", ["b"]], "str", ["a", '["b"]']),
            ([{}, None], "str", ["{}", None]),
            ([None, None], "boolean", [pd.NA, pd.NA]),
            ([10**4000], "str", [str(10**4000)]),
        ],
    )
    def test_the_narrowest_type_without_loss(self, values, dtype, held):
        column, _ = metas(*values)
        assert str(column.dtype) == dtype
        for found, expected in zip(column, held, strict=True):
            same = found is expected or pd.isna(found) if pd.isna(expected) else found == expected
            assert same
            if isinstance(expected, float):
                assert math.copysign(1, found) == math.copysign(1, expected)

    def test_json_text_is_marked(self):
        assert metas(True, 1)[1].json_columns == {"meta.x"}
        assert metas("a", 1)[1].json_columns == frozenset()
        assert metas("a", "b")[1].json_columns == frozenset()

    def test_leaves_become_paths(self):
        meta = {"a": {"b": {"c": 1}}, "gpt-4.1": 2, "d.e": {'f"g': 3}, "": 4, "*": 5}
        columns = lab.read([envelope({"mood": {"calm": True}}, meta=meta)]).decisions.columns[12:]
        expected = [
            "decision.mood.calm",
            'meta."',
            'meta."*"',
            'meta."d.e"."f\\"g"',
            'meta."gpt-4.1"',
            "meta.a.b.c",
        ]
        expected[1] = 'meta.""'
        assert list(columns) == expected

    def test_extras_of_every_part(self):
        history = lab.read(
            [
                envelope(
                    {
                        "votes": [{"voter": "v", "choice": "x", "latency": {"s": 1.5}}],
                        "citations": [{"source": "s", "page": 7}],
                        "argument_tree": {"claim": "c", "tone": "dry"},
                        "topic": "t",
                        "question": "q",
                    }
                )
            ]
        )
        assert history.votes["vote.latency.s"].tolist() == [1.5]
        assert history.citations["citation.page"].tolist() == [7]
        assert history.arguments["argument.tone"].tolist() == ["dry"]
        assert history.decisions["decision.topic"].tolist() == ["t"]

    @pytest.mark.thorough
    def test_a_hundred_thousand_keys_are_not_a_hundred_thousand_columns(self):
        from mastermind_lab.decode import MOST_OPEN

        meta = {f"k{n}": n for n in range(100_000)}
        history = lab.read([envelope(meta=meta), envelope(meta={"k0": 1})])
        assert len(history.decisions.columns) <= MOST_OPEN + 20
        rest = json.loads(history.decisions["meta.*"][0])
        assert len(rest) == 100_000 - MOST_OPEN
        assert rest["meta.k99999"] == 99_999
        [(_, again), _] = history.envelopes()
        assert again.meta == meta

    def test_what_one_batch_had_no_room_for_joins_the_column_that_another_has(self):
        first, second = (lab.read([envelope(meta=meta)]).tables()["decisions"] for meta in ({"a": 1}, {}))
        shared = second.append_column("meta.*", pa.array(['{"meta.a":2,"meta.b":3}'], pa.large_string()))
        for some, found in (([first, shared], [1, 2]), ([shared, first], [2, 1])):
            both = stacked("decisions", some)
            assert both["meta.a"].to_pylist() == found
            assert {*both["meta.*"].to_pylist()} == {None, '{"meta.b":3}'}


class TestColumns:
    meta: ClassVar = {"usage": {"cost_usd": 0.25}, "n": 3}

    @pytest.mark.parametrize(
        ("source", "kind", "value"),
        [
            ("meta.usage.cost_usd", "float64", 0.25), ("meta.n", "Int64", 3), ("meta.n", "float64", 3.0),
            ("meta.usage", "str", '{"cost_usd":0.25}'), ("decision.recommendation", "str", "ship"),
            ("correlation_id", "str", "k"), ("decision.votes", "str", "[]"),
            (lambda one: len(one.meta), "Int64", 2),
            (lambda one: one.decision.confidence > 0.4, "boolean", True),
        ],
    )  # fmt: skip
    def test_by_path_and_by_function(self, source, kind, value):
        history = lab.read(
            [envelope(meta=self.meta, correlation_id="k")], columns=[lab.Column("extra", source, kind)]
        )
        assert history.decisions["extra"].tolist() == [value]
        assert history.decisions["extra"].dtype == DTYPES[kind]
        assert list(history.decisions.columns).index("extra") == 12

    def test_missing_everywhere_is_still_a_column(self):
        column = lab.Column("extra", "meta.nowhere", "Int64")
        for payloads in ([envelope()], []):
            assert lab.read(payloads, columns=[column]).decisions["extra"].dtype == pd.Int64Dtype()

    @pytest.mark.parametrize("source", ["meta.usage", lambda one: one.meta["nope"]])
    def test_a_value_that_does_not_fit_is_a_reject(self, source):
        wanted = lab.Column("extra", source, "float64")
        fitting = envelope(meta={"usage": 1.0, "nope": 1.0})
        history = lab.read([envelope(meta=self.meta), fitting], columns=[wanted])
        assert history.rejects["reason"][0] == "column"
        assert history.rejects["detail"][0].startswith("extra: ")

    @pytest.mark.parametrize(
        ("column", "said"),
        [
            (lab.Column("x", "meta.x", "datetime"), "no type 'datetime'"),
            (lab.Column("x", 'meta."x', "str"), "not closed"),
            (lab.Column("confidence", "meta.x", "str"), "'confidence' is there already"),
            (lab.Column("meta.x", "meta.x", "str"), "open columns' own"),
            (
                lab.Column("late", "vote.late"),
                "there is 'decision.votes', all of them as JSON. A path goes below",
            ),
            (
                lab.Column("late", "decision.citations.late"),
                "there is 'decision.citations', all of them as JSON",
            ),
            (lab.Column("late", "argument.late"), "there is 'decision.argument_tree'"),
            (lab.Column("x", "confidence", "float64"), "there is 'decision.confidence'"),
            (lab.Column("x", "model"), "no envelope has a path 'model'. A path goes below decision or meta"),
        ],
    )
    def test_a_column_that_makes_no_sense(self, column, said):
        with pytest.raises(lab.OptionError, match=said):
            lab.read([envelope()], columns=[column])


class TestIds:
    def test_order_is_by_numbers(self):
        ids = ["9-2", "9-11", "10-0", "18446744073709551615-18446744073709551615", "1-0@1"]
        assert sorted(set(ids), key=id_key) == ids

    def test_a_frame_sorts_by_it(self):
        frame = pd.DataFrame({"stream_id": ["10-0", "9-11", "9-2"]})
        found = frame.sort_values("stream_id", key=lambda ids: ids.map(lab.id_key))
        assert found["stream_id"].tolist() == ["9-2", "9-11", "10-0"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.text(max_size=5)
    | st.floats(allow_nan=False) | st.sampled_from(["7", "true", "null", "[1]", '"q"', "-0.0", "NaN", "7 "]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip
METAS = st.dictionaries(st.sampled_from(["a", "b", "c.d", "e"]), JSON, max_size=4)


def without_nulls(value):
    """What frames keep of an object: nulls are missing, and so is an object that held nothing else."""
    if not isinstance(value, dict) or not value:
        return value
    kept = {key: without_nulls(one) for key, one in value.items() if one is not None}
    return {key: one for key, one in kept.items() if one != {} or value[key] == {}}


@pytest.mark.once
@settings(deadline=None, max_examples=40)
@given(st.lists(METAS, max_size=6))
@pytest.mark.further
def test_meta_survives_the_frames(found):
    history = lab.read([envelope(meta=meta) for meta in found])
    assert [one.meta for _, one in history.envelopes()] == [without_nulls(meta) for meta in found]


@settings(deadline=None, max_examples=30)
@given(st.lists(METAS, max_size=6), st.integers(0, 6))
@pytest.mark.further
def test_merging_is_reading_in_one_go(found, where):
    payloads = [envelope(meta=meta) for meta in found]
    ids = [f"{number}-0" for number in range(1, len(found) + 1)]
    whole, left, right = (
        _of(ids[part], payloads[part]) for part in (slice(None), slice(where), slice(where, None))
    )
    both = left + right
    assert both.json_columns == whole.json_columns
    assert both.mixed_columns == whole.mixed_columns
    assert [one.meta for _, one in both.envelopes()] == [one.meta for _, one in whole.envelopes()]
    pd.testing.assert_frame_equal(both.decisions, whole.decisions)
    backwards = right + left
    pd.testing.assert_frame_equal(backwards.decisions, whole.decisions)


def _of(ids, payloads):
    """A history of a stream's entries, without a stream."""
    from mastermind_lab.decode import Batch
    from mastermind_lab.frames import tables

    batch = Batch()
    for stream_id, payload in zip(ids, payloads, strict=True):
        batch.add(stream_id, payload)
    return lab.History(tables(batch))


@pytest.mark.parametrize("ids", [["0x10-0"], ["5-1", "0X1F-0"], ["5-0x1"], ["5-1", "0x10-0@1"]])
def test_ids_are_decimal_numbers(ids):
    for some in (ids, pa.array(ids, pa.large_string()), pa.chunked_array([ids[:1], ids[1:]], pa.string())):
        with pytest.raises(ValueError, match=r"0[xX]1"):
            id_parts(some)
    assert id_parts(pa.array([*ids, "12-3"]).slice(len(ids))).tolist() == [[0, 12, 3]]


@pytest.mark.parametrize("wrong", ["abc", "12-x", "", "1-2-3", "1-2@x", "-5", "1--5", f"{2**64}-0", None])
def test_what_is_no_id_is_named_with_what_ids_are_like(wrong):
    said = re.escape(f"{wrong!r} is no id of an entry: those are like '1735580000000-0'")
    for ids in ([wrong], ["1-1", wrong], pa.array(["1-1@2", wrong], pa.large_string())):
        with pytest.raises(lab.OptionError, match=said):
            id_parts(ids)


def test_rows_are_put_in_the_order_of_their_ids():
    for ids in ("9-0 8-0 7-0", "2-0 10-0 9-1", "1-0 1-0 0-5", "3-0", ""):
        found = pa.table({"stream_id": pa.array(ids.split(), pa.large_string())})
        assert oldest_first(found)["stream_id"].to_pylist() == sorted(ids.split(), key=lab.id_key)
    found = pa.table({"stream_id": ["9-0", "10-0"], "row": [1, 2]})
    assert oldest_first(found) is found
