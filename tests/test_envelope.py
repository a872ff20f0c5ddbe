"""The wire contract, rule by rule."""

import itertools
import json
import logging
from datetime import UTC, datetime, timedelta

import pytest
from envelopes import CORE, envelope
from pydantic import ValidationError

from mastermind_lab import Argument, Citation, Decision, DecisionEnvelope, Vote, decode_envelope
from mastermind_lab import envelope as contract
from mastermind_lab.envelope import Reject, validate


def read(decision=None, **beside):
    found = decode_envelope(envelope(decision, **beside))
    assert found is not None
    return found


class TestDefaults:
    def test_a_decision_with_nothing_but_the_core_is_valid(self):
        decision = read().decision
        assert (decision.votes, decision.citations, decision.argument_tree) == ([], [], None)
        assert (decision.decision_id, decision.question, decision.rationale) == (None, None, None)

    def test_the_envelope_fills_in_its_own_fields(self):
        made = DecisionEnvelope(decision=Decision(**CORE))
        assert (made.schema_version, made.arena, made.meta) == ("1", "mastermind", {})
        assert made.published_at.tzinfo is UTC
        assert len(made.correlation_id) == 32
        assert int(made.correlation_id, 16) >> 76 & 0xF == 4  # a uuid of version 4

    def test_clock_and_id_can_be_replaced(self, monkeypatch):
        moment = datetime(2026, 1, 2, tzinfo=UTC)
        monkeypatch.setattr(contract, "now", lambda: moment)
        monkeypatch.setattr(contract, "new_id", lambda: "f" * 32)
        made = DecisionEnvelope(decision=Decision(**CORE))
        assert (made.published_at, made.correlation_id) == (moment, "f" * 32)

    def test_defaults_are_not_shared(self):
        one, two = DecisionEnvelope(decision=Decision(**CORE)), DecisionEnvelope(decision=Decision(**CORE))
        assert one.meta is not two.meta
        assert one.correlation_id != two.correlation_id

    def test_a_vote_weighs_one(self):
        assert Vote(voter="a", choice="x").weight == 1.0

    @pytest.mark.parametrize(
        ("model", "field"),
        [
            (DecisionEnvelope(decision=Decision(**CORE)), "arena"),
            (Decision(**CORE), "confidence"),
            (Vote(voter="a", choice="x"), "voter"),
            (Citation(source="s"), "source"),
            (Argument(claim="c"), "claim"),
        ],
    )
    def test_models_are_frozen(self, model, field):
        with pytest.raises(ValidationError):
            setattr(model, field, "other")


class TestExtras:
    def test_unknown_keys_of_the_envelope_are_ignored(self):
        assert "surprise" not in read(surprise=1).model_dump()

    def test_unknown_fields_of_the_parts_are_kept(self):
        found = read(
            {
                "mood": {"calm": True},
                "votes": [{"voter": "a", "choice": "x", "latency": 3}],
                "citations": [{"source": "s", "page": 7}],
                "argument_tree": {"claim": "c", "children": [{"claim": "d", "tone": "dry"}]},
            }
        ).decision
        assert found.model_extra == {"mood": {"calm": True}}
        assert found.votes[0].model_extra == {"latency": 3}
        assert found.citations[0].model_extra == {"page": 7}
        assert found.argument_tree.children[0].model_extra == {"tone": "dry"}
        assert json.loads(found.model_dump_json())["votes"][0]["latency"] == 3

    def test_meta_is_free_form(self):
        meta = {"timings": {"total": 1.5, "steps": [1, None, "x"]}, "model": "m", "": {}}
        assert read(meta=meta).meta == meta

    def test_subclasses_lose_nothing_when_written(self):
        class Ballot(Vote):
            latency: float

        class Verdict(Decision):
            mood: str

        made = DecisionEnvelope(
            decision=Verdict(**CORE, mood="calm", votes=[Ballot(voter="a", choice="x", latency=0.5)])
        )
        written = json.loads(made.model_dump_json())["decision"]
        assert written["mood"] == "calm"
        assert written["votes"][0]["latency"] == 0.5


ALIASES = [
    (Decision, CORE, "question", ["question", "topic", "prompt"]),
    (Decision, CORE, "rationale", ["rationale", "summary", "reasoning"]),
    (Decision, CORE, "argument_tree", ["argument_tree", "arguments"]),
    (Vote, {"choice": "x"}, "voter", ["voter", "agent", "agent_id", "name"]),
    (Vote, {"voter": "a"}, "choice", ["choice", "vote", "option", "position"]),
    (Citation, {}, "source", ["source", "url", "uri", "id"]),
    (Argument, {}, "claim", ["claim", "text", "content", "statement"]),
    (Argument, {"claim": "c"}, "stance", ["stance", "side", "kind"]),
    (Argument, {"claim": "c"}, "author", ["author", "agent", "voter"]),
    (Argument, {"claim": "c"}, "children", ["children", "replies", "supports"]),
]
_VALUES = {"argument_tree": {"claim": "c"}, "children": [{"claim": "c"}]}


class TestAliases:
    @pytest.mark.parametrize(
        ("model", "rest", "field", "name"),
        [(model, rest, names[0], name) for model, rest, _, names in ALIASES for name in names],
    )
    def test_is_read_under_every_name_and_written_under_the_first(self, model, rest, field, name):
        value = _VALUES.get(field, "words")
        found, plain = (model.model_validate_json(json.dumps(rest | {one: value})) for one in (name, field))
        written = json.loads(found.model_dump_json())
        assert getattr(found, field)
        assert written[field] == json.loads(plain.model_dump_json())[field]
        assert name == field or name not in written

    @pytest.mark.parametrize(("model", "rest", "field", "names"), ALIASES)
    def test_of_two_names_the_first_wins_and_the_other_stays(self, model, rest, field, names):
        value = _VALUES.get(field, "words")
        for winner, loser in itertools.pairwise(names):
            found = model.model_validate_json(json.dumps(rest | {loser: "other", winner: value}))
            plain = model.model_validate_json(json.dumps(rest | {field: value}))
            assert getattr(found, field) == getattr(plain, field)
            assert found.model_extra == {loser: "other"}


class TestTree:
    def test_one_root(self):
        assert read({"argument_tree": {"claim": "c"}}).decision.argument_tree == Argument(claim="c")

    def test_a_list_of_roots(self):
        found = read({"arguments": [{"claim": "c"}, {"text": "d"}]}).decision.argument_tree
        assert found == [Argument(claim="c"), Argument(claim="d")]

    @pytest.mark.parametrize("empty", [None, []])
    def test_no_root(self, empty):
        assert not read({"argument_tree": empty}).decision.argument_tree


def faults(payload):
    verdict = validate(payload)
    assert isinstance(verdict, Reject)
    assert decode_envelope(payload) is None
    return verdict


class TestVersion:
    def test_a_missing_version_reads_as_1(self):
        assert read().schema_version == "1"

    @pytest.mark.parametrize("version", ["2", "1.0", 1, True, None, "", [], 2])
    def test_another_version_is_skipped(self, version):
        assert faults(envelope(schema_version=version)).reason == "version"

    def test_the_version_is_looked_at_before_the_rest(self):
        assert faults('{"schema_version": "2", "decision": 7, "body": []}').reason == "version"


VALID_CONFIDENCE = [0, 1, 0.0, 1.0, 0.5, -0.0, 5e-324]
BAD_CONFIDENCE = ["0.9", True, None, 1.2, -0.1, [], {}, float("nan"), float("inf"), 2**70]
BROKEN = [
    {"decision": 7}, {"decision": None}, {"decision": []},
    {"decision": {"confidence": 0.5}}, {"decision": {"recommendation": "x"}},
    {"decision": CORE | {"recommendation": 3}}, {"decision": CORE | {"votes": None}},
    {"decision": CORE | {"votes": [{"voter": "a"}]}}, {"decision": CORE | {"votes": {"voter": "a"}}},
    {"decision": CORE | {"citations": [{}]}}, {"decision": CORE | {"argument_tree": "c"}},
    {"decision": CORE | {"argument_tree": {"claim": "c", "children": None}}},
    {"decision": CORE, "arena": "other"}, {"decision": CORE, "meta": []}, {"decision": CORE, "meta": None},
    {"decision": CORE, "correlation_id": 3}, {"decision": CORE, "published_at": "yesterday"},
]  # fmt: skip


class TestValidation:
    @pytest.mark.parametrize("value", VALID_CONFIDENCE)
    def test_confidence_is_a_share(self, value):
        assert read({"confidence": value}).decision.confidence == value

    @pytest.mark.parametrize("value", BAD_CONFIDENCE)
    def test_confidence_is_nothing_else(self, value):
        verdict = faults(envelope({"confidence": value}))
        assert verdict.reason == "invalid"
        assert verdict.detail.startswith("decision.confidence: ")

    @pytest.mark.parametrize("value", ["0.9", True, 1.2, float("nan")])
    def test_a_votes_confidence_too(self, value):
        vote = {"voter": "a", "choice": "x", "confidence": value}
        assert faults(envelope({"votes": [vote]})).detail.startswith("decision.votes.0.confidence: ")

    @pytest.mark.parametrize("value", [-1, "1", True, float("inf"), None])
    def test_a_weight_is_finite_and_not_negative(self, value):
        vote = {"voter": "a", "choice": "x", "weight": value}
        assert faults(envelope({"votes": [vote]})).reason == "invalid"

    @pytest.mark.parametrize("document", BROKEN)
    def test_a_body_that_does_not_validate(self, document):
        verdict = faults(json.dumps(document))
        assert verdict.reason == "invalid"
        assert verdict.detail

    def test_the_detail_names_the_place(self):
        tree = {"claim": "c", "children": [{"claim": "d"}, {"claim": 3}]}
        detail = faults(envelope({"argument_tree": tree})).detail
        assert detail.startswith("decision.argument_tree.children.1.claim: ")

    def test_of_duplicate_keys_the_last_counts(self):
        found = decode_envelope('{"decision": {"recommendation": "a", "confidence": 0, "confidence": 1}}')
        assert found.decision.confidence == 1


class TestTime:
    @pytest.mark.parametrize(
        ("said", "meant"),
        [
            ("2026-11-23T10:00:00Z", datetime(2026, 11, 23, 10, tzinfo=UTC)),
            ("2026-11-23T12:00:00+02:00", datetime(2026, 11, 23, 10, tzinfo=UTC)),
            ("2026-11-23T10:00:00", datetime(2026, 11, 23, 10, tzinfo=UTC)),
            ("2026-11-23", datetime(2026, 11, 23, tzinfo=UTC)),
            ("2026-11-23T10:00:00.123456789Z", datetime(2026, 11, 23, 10, 0, 0, 123456, tzinfo=UTC)),
            (1763892000, datetime(2025, 11, 23, 10, tzinfo=UTC)),
            ("0001-01-01T00:00:00Z", datetime(1, 1, 1, tzinfo=UTC)),
            ("9999-12-31T23:59:59Z", datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)),
        ],
    )
    def test_is_read_as_pydantic_reads_it(self, said, meant):
        assert read(published_at=said).published_at == meant

    @pytest.mark.parametrize("said", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-01:00"])
    def test_beyond_the_calendar_in_utc_is_refused(self, said):
        assert faults(envelope(published_at=said)).detail.startswith("published_at: ")

    def test_an_offset_is_kept(self):
        assert read(published_at="2026-11-23T12:00:00+02:00").published_at.utcoffset() == timedelta(hours=2)


class TestNeverRaises:
    @pytest.mark.parametrize(
        ("payload", "reason"),
        [
            (b"\xff\xfe", "not_utf8"), ("\ud800", "not_utf8"), ('{"a": "\ud800"}', "not_utf8"),
            (b"\xc0\xaf", "not_utf8"), ("", "not_json"), (b"", "not_json"), ("nope", "not_json"),
            ("{", "not_json"), ("{},{}", "not_json"), ("true", "invalid"),
            (envelope() + envelope(), "not_json"), (b"\xef\xbb\xbf" + envelope().encode(), "not_json"),
            (envelope().encode("utf-16"), "not_utf8"), ('"\\ud800"', "not_json"), ("[" * 100_000, "not_json"),
            ('{"a":' * 100_000, "not_json"), ("null", "invalid"), ("7", "invalid"), ("[]", "invalid"),
            (None, "not_text"), (7, "not_text"), ({}, "not_text"), (10**12, "not_text"),
        ],
    )  # fmt: skip
    def test_whatever_it_is_given(self, payload, reason, caplog):
        with caplog.at_level(logging.WARNING):
            assert decode_envelope(payload) is None
        assert validate(payload).reason == reason
        assert caplog.records[0].levelname == "WARNING"
        assert reason in caplog.text

    def test_str_and_bytes_read_alike(self):
        text = envelope({"recommendation": "größer"}, correlation_id="c", published_at="2026-11-23")
        assert decode_envelope(text) == decode_envelope(text.encode())

    def test_a_deep_tree(self):
        for depth in (50, 150, 2_000, 100_000):
            tree = '{"claim": "c", "children": [' * depth + '{"claim": "c"}' + "]}" * depth
            payload = f'{{"decision": {{"recommendation": "x", "confidence": 1, "argument_tree": {tree}}}}}'
            assert (decode_envelope(payload) is None) == (depth > 98)

    def test_the_log_is_one_line_without_escapes(self, caplog):
        decode_envelope(envelope(schema_version="2\n\x1b[31mred\u202e"))
        assert len(caplog.records) == 1
        assert caplog.records[0].getMessage().isascii()
        assert "\n" not in caplog.records[0].getMessage()
