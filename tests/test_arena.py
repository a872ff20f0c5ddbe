import csv
import gzip
import os
import subprocess
import sys
import zlib
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from statistics import mean

import pandas as pd
import pytest

import mastermind_lab as lab
from mastermind_lab.arena import FAULTS, Arena, opening, payloads, spoil, write_sample
from mastermind_lab.arena.simulation import dice
from mastermind_lab.envelope import Argument, DecisionEnvelope, Reject, validate

pytestmark = pytest.mark.once

DATA = Path(__file__).parents[1] / "data"
REJECTED_AS = {
    "next version": "version",
    "cut short": "not_json",
    "empty": "not_json",
    "bare list": "invalid",
    "not UTF-8": "not_utf8",
    "no recommendation": "invalid",
    "confidence as text": "invalid",
    "confidence too high": "invalid",
    "confidence not a number": "invalid",
}


@pytest.fixture(scope="module")
def begun():
    """What an arena decides that was not told when to stop."""
    return list(islice(Arena(seed=7).decisions(), 2_100))


@pytest.fixture(scope="module")
def decided(begun):
    return begun[:2_000]


@pytest.fixture(scope="module")
def envelopes(decided):
    return [envelope for envelope, _ in decided]


@pytest.fixture(scope="module")
def ballots(decided):
    """Every vote as (envelope, vote, right?)."""
    return [
        (envelope, vote, vote.choice == outcome.correct_choice)
        for envelope, outcome in decided
        for vote in envelope.decision.votes
    ]


def written(arena, count):
    return [envelope.model_dump_json() for envelope, _ in arena.decisions(count)]


def right(envelope, outcome):
    return envelope.decision.recommendation == outcome.correct_choice


def grouped(pairs):
    groups = defaultdict(list)
    for key, value in pairs:
        groups[key].append(value)
    return groups


def means(pairs):
    return {key: mean(values) for key, values in grouped(pairs).items()}


def nodes(tree, depth=0):
    for node in tree if isinstance(tree, list) else [tree]:
        yield depth, node
        yield from nodes(node.children, depth + 1)


def leading_share(envelope):
    (_, most), *_ = Counter(vote.choice for vote in envelope.decision.votes).most_common(1)
    return most / len(envelope.decision.votes)


# The same seed, the same bytes


def test_the_same_seed_gives_the_same_bytes():
    assert written(Arena(seed=3), 50) == written(Arena(seed=3), 50)


def test_another_seed_gives_other_decisions():
    assert not set(written(Arena(seed=3), 50)) & set(written(Arena(seed=4), 50))


def test_decisions_do_not_depend_on_how_many_are_asked_for_at_once():
    arena = Arena(seed=3)
    assert written(arena, 20) + written(arena, 1) + written(arena, 29) == written(Arena(seed=3), 50)


@pytest.mark.further
def test_an_arena_decides_for_ever(begun):
    assert len(begun) == 2_100


def test_whoever_tells_the_time_the_decisions_are_the_same():
    moment = datetime(2030, 1, 1, tzinfo=UTC)
    told = list(Arena(seed=3).decisions(50, clock=lambda: moment))
    assert {envelope.published_at for envelope, _ in told} == {moment}
    assert [outcome for _, outcome in told] == [outcome for _, outcome in Arena(seed=3).decisions(50)]


def test_ids_are_unique_and_those_of_the_outcomes(decided):
    ids = [envelope.correlation_id for envelope, _ in decided]
    assert ids == [outcome.correlation_id for _, outcome in decided]
    assert len({*ids, *(envelope.decision.decision_id for envelope, _ in decided)}) == 4_000
    assert all(len(each) == 32 and int(each, 16) for each in ids)


@pytest.mark.thorough
def test_hash_order_plays_no_part():
    code = (
        "from mastermind_lab.arena import Arena, payloads; import hashlib;"
        "print(hashlib.sha256(b''.join(payloads(Arena(5), 200, malformed=0.1))).hexdigest())"
    )
    assert run_python("-c", code, hash_seed="1").stdout == run_python("-c", code, hash_seed="2").stdout != ""


def run_python(*arguments, hash_seed="random"):
    environment = os.environ | {"PYTHONHASHSEED": hash_seed}
    run = [sys.executable, *arguments]
    return subprocess.run(run, capture_output=True, text=True, cwd=DATA.parent, env=environment, check=False)


@pytest.mark.thorough
@pytest.mark.parametrize("count", [50, 500, 2_000])
@pytest.mark.parametrize("seed", [1, 2, 3, 7])
def test_an_arena_can_be_opened_so_that_it_ends_shortly_before_a_moment(seed, count):
    moment = datetime(2031, 5, 5, 9, tzinfo=UTC)  # a Monday morning
    *_, (last, _) = Arena(seed, start=opening(count, moment, seed=seed)).decisions(count)
    assert timedelta() <= moment - last.published_at < timedelta(days=4)


# The sample data


@pytest.fixture(scope="module")
def rebuilt(tmp_path_factory):
    """Made by the command, in a folder that is not there yet."""
    folder = tmp_path_factory.mktemp("data") / "new" / "folder"
    run = command(str(folder))
    assert run.returncode == 0, run.stderr
    return folder


@pytest.mark.further
def test_the_command_writes_all_files(rebuilt):
    files = ["arena.ndjson.gz", "outcomes.csv", "truth.csv", "votes.csv"]
    assert (
        sorted(path.name for path in rebuilt.iterdir()) == files == sorted(one.name for one in DATA.iterdir())
    )


def test_the_history_in_data_is_the_one_the_arena_writes(rebuilt):
    kept, made = ((folder / "arena.ndjson.gz").read_bytes() for folder in (DATA, rebuilt))
    kept_lines, made_lines = (gzip.decompress(packed).splitlines() for packed in (kept, made))
    differ = [n for n, pair in enumerate(zip(kept_lines, made_lines, strict=False), 1) if len(set(pair)) > 1]
    assert not differ, f"line {differ[0]} differs: python -m mastermind_lab.arena data"
    assert len(kept_lines) == len(made_lines) == 2_000
    # zlib-ng packs the same text in other bytes.
    assert kept == made or "ng" in zlib.ZLIB_RUNTIME_VERSION, "the same text, packed otherwise"


@pytest.mark.parametrize("name", ["outcomes.csv", "votes.csv", "truth.csv"])
def test_the_tables_in_data_are_those_the_arena_writes(rebuilt, name):
    assert (DATA / name).read_bytes() == (rebuilt / name).read_bytes()


def test_the_table_of_votes_holds_what_the_history_does():
    answers = pd.read_csv(DATA / "votes.csv")
    truth = pd.read_csv(DATA / "truth.csv")
    assert set(answers["question"]) == set(truth["question"])
    assert len(truth) == truth["question"].nunique() == 120
    history = lab.with_outcomes(lab.sample(), DATA / "outcomes.csv")
    asked = history.decisions.drop_duplicates("question")[["stream_id", "question", "correct_choice"]]
    both = answers.merge(truth, on="question").merge(asked, on="question").merge(
        history.votes, left_on=["stream_id", "worker"], right_on=["stream_id", "voter"]
    )  # fmt: skip
    assert len(both) == len(answers)
    assert (both["truth"] == both["correct_choice"]).all()
    unsure = both["confidence"] < 0.55
    assert (both["answer"] == both["choice"].where(~unsure, "unsure")).all()


def test_the_history_is_packed_without_time_and_name(rebuilt):
    packed = (rebuilt / "arena.ndjson.gz").read_bytes()
    assert packed[:8] == b"\x1f\x8b\x08\x00\x00\x00\x00\x00"
    assert len(packed) < 1_500_000


def test_the_outcomes_are_plain_csv(rebuilt, decided):
    text = (rebuilt / "outcomes.csv").read_bytes().decode()
    assert "\r" not in text
    header, *rows = csv.reader(text.splitlines())
    assert header == ["correlation_id", "correct_choice"]
    assert [tuple(row) for row in rows] == [outcome for _, outcome in decided]


@pytest.mark.parametrize("arguments", [(), ("a", "b"), (__file__,)], ids=["none", "two", "a file"])
def test_wrong_arguments_get_a_usage_line(arguments):
    run = command(*arguments)
    assert run.returncode == 2
    assert run.stderr.startswith("usage: python -m mastermind_lab.arena")
    assert "Traceback" not in run.stderr


def command(*arguments):
    return run_python("-m", "mastermind_lab.arena", *arguments)


# The wire


@pytest.mark.further
def test_every_envelope_reads_back_as_it_was(envelopes):
    for envelope in envelopes:
        assert validate(envelope.model_dump_json()) == envelope


def test_an_envelope_is_about_four_kilobytes(envelopes):
    assert 3_300 < mean(len(envelope.model_dump_json().encode()) for envelope in envelopes) < 4_200


@pytest.mark.parametrize("fault", FAULTS)
def test_a_spoiled_payload_is_rejected(fault, envelopes):
    for envelope in envelopes[:100]:
        verdict = validate(FAULTS[fault](envelope.model_dump_json().encode()))
        assert isinstance(verdict, Reject)
        # A cut may fall inside a letter.
        assert verdict.reason == REJECTED_AS[fault] or (fault, verdict.reason) == ("cut short", "not_utf8")


@pytest.mark.parametrize("fault", ["next version", "confidence too high"])
def test_a_spoiled_payload_spells_its_letters_as_before(fault, envelopes):
    good = "".join(envelope.model_dump_json() for envelope in envelopes[:20])
    bad = "".join(FAULTS[fault](envelope.model_dump_json().encode()).decode() for envelope in envelopes[:20])
    letters = [one for one in good if not one.isascii()]
    assert letters
    assert [one for one in bad if not one.isascii()] == letters


def test_spoil_draws_every_fault():
    payload = next(payloads(Arena()))
    random = dice("test", 1)
    assert len({spoil(payload, random) for _ in range(200)}) == len(FAULTS)


@pytest.mark.thorough
def test_about_one_payload_in_a_hundred_is_malformed():
    verdicts = [validate(payload) for payload in payloads(Arena(), 2_000, malformed=0.01)]
    rejects = [verdict for verdict in verdicts if isinstance(verdict, Reject)]
    assert len(verdicts) == 2_000
    assert 10 <= len(rejects) <= 35
    assert {reject.reason for reject in rejects} == {"not_utf8", "not_json", "version", "invalid"}


@pytest.mark.further
def test_the_malformed_replace_some_and_leave_the_rest_alone():
    good = list(payloads(Arena(), 300))
    mixed = list(payloads(Arena(), 300, malformed=0.1))
    assert good == [envelope.model_dump_json().encode() for envelope, _ in Arena().decisions(300)]
    assert all(
        mine == theirs
        for mine, theirs in zip(good, mixed, strict=True)
        if isinstance(validate(theirs), DecisionEnvelope)
    )


# The panel


def test_five_to_nine_of_nine_agents_sit_on_each_decision(envelopes):
    panels = [[vote.voter for vote in envelope.decision.votes] for envelope in envelopes]
    assert {len(panel) for panel in panels} == {5, 6, 7, 8, 9}
    assert all(len(set(panel)) == len(panel) for panel in panels)
    assert len({voter for panel in panels for voter in panel}) == 9


def test_some_agents_are_too_sure_and_some_not_enough(ballots):
    stated = [(vote.voter, vote.confidence - is_right) for _, vote, is_right in ballots if vote.confidence]
    excess = means(stated)
    assert min(excess[voter] for voter in ("Bruno", "Dmitri", "Farid")) > 0.12
    assert excess["Chiyo"] < -0.07
    assert abs(excess["Ada"]) < 0.04


def test_some_agents_follow_and_one_does_not(ballots):
    moved = means((vote.voter, vote.choice != vote.first_choice) for _, vote, _ in ballots)
    assert moved["Dmitri"] > 0.12
    assert moved["Greta"] < 0.03
    assert max(moved, key=moved.get) == "Dmitri"


def test_one_voter_knows_medicine_better_than_the_panel(decided, ballots):
    panel = means((envelope.meta["category"], right(envelope, outcome)) for envelope, outcome in decided)
    voters = means(
        ((vote.voter, envelope.meta["category"]), is_right) for envelope, vote, is_right in ballots
    )
    assert voters["Greta", "medicine"] > panel["medicine"] + 0.08
    assert voters["Greta", "forecast"] < panel["forecast"]


def test_a_lone_dissenter_is_right_sometimes(decided):
    lone = [
        vote.choice == outcome.correct_choice
        for envelope, outcome in decided
        for vote in dissenters(envelope)
        if len(dissenters(envelope)) == 1
    ]
    assert len(lone) > 300
    assert 0.08 < mean(lone) < 0.3


def dissenters(envelope):
    (most, _), *_ = Counter(vote.choice for vote in envelope.decision.votes).most_common(1)
    return [vote for vote in envelope.decision.votes if vote.choice != most]


def test_panels_are_unanimous_or_split(envelopes):
    shares = [leading_share(envelope) for envelope in envelopes]
    assert 0.3 < mean(share == 1 for share in shares) < 0.55
    assert mean(share <= 0.6 for share in shares) > 0.1


def test_a_recommendation_goes_against_the_votes_now_and_then(envelopes):
    against = [
        Counter(vote.choice for vote in envelope.decision.votes)[envelope.decision.recommendation]
        / len(envelope.decision.votes)
        < leading_share(envelope)
        for envelope in envelopes
    ]
    assert 0.01 < mean(against) < 0.06


def test_agreement_without_sources_is_worth_less(decided):
    unanimous = [pair for pair in decided if leading_share(pair[0]) == 1]
    hollow = [right(*pair) for pair in unanimous if len(pair[0].decision.citations) <= 2]
    solid = [right(*pair) for pair in unanimous if len(pair[0].decision.citations) >= 4]
    assert min(len(hollow), len(solid)) > 150
    assert mean(hollow) + 0.08 < mean(solid)


# Questions, models, time


def test_confidence_is_over_the_truth_at_the_top_only(decided):
    gap = means(
        (envelope.decision.confidence >= 0.8, envelope.decision.confidence - right(envelope, outcome))
        for envelope, outcome in decided
    )
    assert gap[True] > 0.03
    assert abs(gap[False]) < 0.05


def test_one_category_is_well_calibrated_and_one_is_not(decided):
    gap = means(
        (envelope.meta["category"], envelope.decision.confidence - right(envelope, outcome))
        for envelope, outcome in decided
    )
    assert abs(gap["incident"]) < 0.05
    assert gap["forecast"] > 0.15


def test_categories_differ_in_difficulty_and_choices(decided):
    correct = means((envelope.meta["category"], right(envelope, outcome)) for envelope, outcome in decided)
    assert len(correct) == 5
    assert correct["language"] > correct["policy"] > correct["forecast"]
    choices = grouped((envelope.meta["category"], outcome.correct_choice) for envelope, outcome in decided)
    assert {len(set(answers)) for answers in choices.values()} == {3, 4, 5}


def test_a_better_model_takes_over_half_way(decided):
    models = [envelope.meta["model"] for envelope, _ in decided]
    assert set(models[:1_000]) == {"boreal-mini", "atlas-1"}
    assert set(models[1_000:]) == {"boreal-mini", "atlas-2"}
    correct = means((envelope.meta["model"], right(envelope, outcome)) for envelope, outcome in decided)
    assert correct["atlas-2"] > correct["atlas-1"] + 0.08 > correct["boreal-mini"] + 0.08
    sure = means((envelope.meta["model"], envelope.decision.confidence) for envelope, _ in decided)
    assert sure["atlas-2"] > sure["atlas-1"] + 0.05


def test_the_moment_of_the_upgrade_can_be_chosen():
    models = [envelope.meta["model"] for envelope, _ in Arena(upgrade_at=0).decisions(100)]
    assert set(models) == {"boreal-mini", "atlas-2"}


def test_the_prompt_changes_once_and_makes_panels_a_little_less_sure(envelopes):
    versions = [envelope.meta["prompt_version"] for envelope in envelopes]
    assert versions == ["v3"] * 1_500 + ["v4"] * 500
    sure = [envelope.decision.confidence for envelope in envelopes[1_000:]]
    assert mean(sure[:500]) > mean(sure[500:]) + 0.025


def test_time_moves_on_for_some_weeks_by_day_more_than_by_night(envelopes):
    moments = [envelope.published_at for envelope in envelopes]
    assert moments == sorted(moments)
    assert 21 <= (moments[-1] - moments[0]).days <= 28
    by_hour = Counter(moment.hour for moment in moments)
    assert sum(by_hour[hour] for hour in range(11, 17)) > 4 * sum(
        by_hour[hour] for hour in (23, 0, 1, 2, 3, 4)
    )
    by_day = Counter(moment.weekday() for moment in moments)
    assert by_day[5] + by_day[6] < 0.6 * (by_day[1] + by_day[2])


def test_some_questions_are_asked_again_and_keep_their_truth(decided):
    asked = grouped((envelope.decision.question, (envelope, outcome)) for envelope, outcome in decided)
    again = [pairs for pairs in asked.values() if len(pairs) > 1]
    assert 100 < len(again) < len(asked) / 3
    assert max(map(len, again)) >= 8
    assert all(len({outcome.correct_choice for _, outcome in pairs}) == 1 for pairs in again)
    flipped = [len({envelope.decision.recommendation for envelope, _ in pairs}) > 1 for pairs in again]
    assert 0.15 < mean(flipped) < 0.5


def test_confidence_grows_from_round_to_round(envelopes):
    debates = [envelope.meta["debate"] for envelope in envelopes]
    assert {debate["n_rounds"] for debate in debates} == {2, 3, 4, 5}
    assert all(len(debate["rounds"]) == debate["n_rounds"] for debate in debates)
    growth = {
        what: mean(debate["rounds"][-1][what] - debate["rounds"][0][what] for debate in debates)
        for what in ("confidence", "leader_share")
    }
    assert growth["confidence"] > 0.03
    assert growth["leader_share"] > 0.04


# The parts


def test_trees_grow_to_a_depth_of_five_on_both_sides(envelopes):
    trees = [envelope.decision.argument_tree for envelope in envelopes if envelope.decision.argument_tree]
    depths = Counter(max(depth for depth, _ in nodes(tree)) for tree in trees)
    assert min(depths.values()) > 50
    assert sorted(depths) == [1, 2, 3, 4, 5]
    stances = Counter(node.stance for tree in trees for _, node in nodes(tree))
    assert min(stances["pro"], stances["con"]) > 0.3 * stances.total()
    assert set(stances) == {"pro", "con"}
    assert any(isinstance(tree, list) for tree in trees)
    assert any(isinstance(tree, Argument) for tree in trees)


def test_a_tree_is_argued_by_its_panel(envelopes):
    for envelope in envelopes:
        panel = {vote.voter for vote in envelope.decision.votes}
        assert {node.author for _, node in nodes(envelope.decision.argument_tree or [])} <= panel


def test_a_few_sources_are_used_again_and_again(envelopes):
    used = Counter(citation.source for envelope in envelopes for citation in envelope.decision.citations)
    (_, most), (_, second), *_ = used.most_common()
    assert most > 0.1 * used.total()
    assert 1.3 < most / second < 2.3
    once = [source for source, times in used.items() if times == 1]
    assert 0.1 * used.total() < len(once) < 0.3 * used.total()


def test_no_source_is_cited_twice_in_one_decision(envelopes):
    for envelope in envelopes:
        sources = [citation.source for citation in envelope.decision.citations]
        assert len(sources) == len(set(sources))


def test_optional_parts_are_missing_here_and_there(envelopes, ballots):
    missing = {
        "tree": mean(envelope.decision.argument_tree is None for envelope in envelopes),
        "rationale": mean(envelope.decision.rationale is None for envelope in envelopes),
        "citations": mean(not envelope.decision.citations for envelope in envelopes),
        "usage": mean("usage" not in envelope.meta for envelope in envelopes),
        "confidence": mean(vote.confidence is None for _, vote, _ in ballots),
    }
    assert all(0.01 < share < 0.15 for share in missing.values()), missing


def test_some_weights_are_not_one(ballots):
    weights = Counter(vote.weight for _, vote, _ in ballots)
    assert weights[1.0] < weights.total()
    assert weights[1.0] > 0.95 * weights.total()


def test_there_are_fields_beyond_the_contract(envelopes, ballots):
    assert {"first_choice", "latency_s"} == {key for _, vote, _ in ballots for key in vote.model_extra}
    extras = Counter(key for envelope in envelopes for key in envelope.decision.model_extra)
    assert set(extras) == {"deadline", "stakes"}
    assert 0.1 < extras["deadline"] / len(envelopes) < 0.3


def test_costs_follow_from_tokens_and_the_price_of_the_model(envelopes):
    prices = {"boreal-mini": (0.25, 1.25), "atlas-1": (2.5, 10.0), "atlas-2": (3.0, 15.0)}
    for envelope in envelopes:
        if usage := envelope.meta.get("usage"):
            read, written = prices[envelope.meta["model"]]
            dollars = (usage["input_tokens"] * read + usage["output_tokens"] * written) / 1e6
            assert usage["cost_usd"] == pytest.approx(dollars, abs=1e-6)


def test_the_total_time_covers_its_parts(envelopes):
    for envelope in envelopes:
        timings = dict(envelope.meta["timings"])
        total = timings.pop("total")
        assert 0 < sum(timings.values()) < total
        assert set(timings) == {"research", "debate", "vote"}


@pytest.mark.parametrize("where", ["question", "rationale", "votes", "argument_tree"])
@pytest.mark.parametrize(("first", "last"), [("à", "ÿ"), ("\u3040", "\u9fff")], ids=["accents", "CJK"])
def test_text_is_more_than_ascii(where, first, last, envelopes):
    assert any(first <= letter <= last for letter in spoken(envelopes, where))


@pytest.mark.parametrize("where", ["question", "rationale", "argument_tree"])
def test_there_is_an_emoji_here_and_there(where, envelopes):
    assert set("💬🎻🙃✅🤔") & spoken(envelopes, where)


def spoken(envelopes, where):
    return set().union(*(envelope.decision.model_dump_json(include={where}) for envelope in envelopes))


def test_sample_data_is_written_wherever_it_is_wanted_and_again(tmp_path):
    made = []
    for _ in range(2):
        write_sample(tmp_path / "new" / "folder", count=3)
        made.append({path.name: path.read_bytes() for path in (tmp_path / "new" / "folder").iterdir()})
    assert made[0] == made[1]
    assert {*made[0]} == {"arena.ndjson.gz", "outcomes.csv", "votes.csv", "truth.csv"}
