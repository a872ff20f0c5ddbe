"""Votes without a recommendation and a confidence, written as envelopes all the same."""

import math

import pandas as pd
import pytest
from command_line import run
from histories import sample

import mastermind_lab as lab
from mastermind_lab import stats
from mastermind_lab.errors import OptionError

pytestmark = pytest.mark.once

NAMED = {"decision": "question", "voter": "worker", "choice": "answer"}
MARKS = ["meta.derived.recommendation", "meta.derived.confidence"]
VOTES = {
    "question": ["tram"] * 3 + ["bus"] * 4,
    "worker": ["Ada", "Bo", "Chi", "Ada", "Bo", "Chi", "Dee"],
    "answer": ["yes", "yes", "no", "no", "no", "no", "unsure"],
    "sure": [0.2, 0.2, 0.9, 0.5, 0.5, None, None],
    "heavy": [1.0, 1.0, 3.0, 1.0, 1.0, 1.0, 1.0],
}


def made(table=None, **options):
    return lab.from_votes(pd.DataFrame(table or VOTES), **(NAMED | {"abstain": "unsure"} | options))


def back(history, folder, rule="plurality"):
    return lab.read(history.to_ndjson(folder / "votes.ndjson", derive=rule))


def said(history):
    return history.decisions[["recommendation", "confidence", *MARKS]].values.tolist()


@pytest.fixture(scope="module")
def history():
    return made()


def test_what_was_derived_is_marked_where_it_is_read_back(history, tmp_path):
    again = back(history, tmp_path)
    assert said(again) == [
        ["yes", pytest.approx(2 / 3), "plurality", "share of votes"],
        ["no", 1.0, "plurality", "share of votes"],
    ]
    assert history.decisions["recommendation"].isna().all()
    assert [one.meta for _, one in history.envelopes(derive="plurality")] == [
        {"derived": {"recommendation": "plurality", "confidence": "share of votes"}}
    ] * 2
    assert stats.Rules.decisions(again)["plurality"].tolist() == again.decisions["recommendation"].tolist()


@pytest.mark.parametrize(
    ("rule", "first"),
    [
        ("majority", ["yes", pytest.approx(2 / 3), "majority", "share of votes"]),
        ("two-thirds", ["yes", pytest.approx(2 / 3), "two-thirds", "share of votes"]),
        (
            "confidence-weighted",
            ["no", pytest.approx(0.9 / 1.3), "confidence-weighted", "share of confidence"],
        ),
        ("weight-weighted", ["no", pytest.approx(3 / 5), "weight-weighted", "share of weight"]),
    ],
)
def test_each_rule_weighs_the_share_as_it_weighs_the_votes(rule, first, tmp_path):
    assert said(back(made(confidence="sure", weight="heavy"), tmp_path, rule))[0] == first


def test_who_abstained_stands_beside_the_votes(history, tmp_path):
    again = back(history, tmp_path)
    assert again.decisions["n_votes"].tolist() == [3, 3]
    [(_, _), (_, bus)] = again.envelopes()
    assert bus.decision.abstentions == [{"voter": "Dee", "weight": 1.0, "abstained": "unsure", "heavy": 1.0}]
    both = history.with_frames(decisions=history.decisions.assign(**{"decision.abstentions": "mine"}))
    with pytest.raises(OptionError, match=r"0-4 has votes without a choice.*give that another name"):
        [*both.envelopes(derive="plurality")]


def test_what_is_there_is_kept_and_not_marked(tmp_path):
    facts = pd.DataFrame(
        {"question": ["tram", "bus"], "recommendation": ["no", None], "confidence": [None, 0.4]}
    )
    again = back(made(decisions=facts), tmp_path)
    kept = again.decisions[["recommendation", "confidence"]].values.tolist()
    assert kept == [["no", pytest.approx(1 / 3)], ["no", 0.4]]
    assert again.decisions[MARKS].isna().values.tolist() == [[True, False], [False, True]]
    assert said(back(again, tmp_path, "majority"))[0][1:] == said(again)[0][1:]


def test_what_nobody_voted_for_has_no_share(tmp_path):
    facts = pd.DataFrame({"question": ["tram", "bus"], "recommendation": "ferry"})
    assert back(made(decisions=facts), tmp_path).decisions["confidence"].tolist() == [0, 0]


def test_a_history_that_says_all_is_written_as_it_came(tmp_path):
    history = sample(5)
    plain = history.to_ndjson(tmp_path / "plain.ndjson").read_bytes()
    assert history.to_ndjson(tmp_path / "asked.ndjson", derive="majority").read_bytes() == plain
    came = ['{ "decision": {"summary": null, "recommendation": "a", "confidence": 1}}']
    assert [one for _, one in lab.read(came, payloads=True).encoded(derive="majority")] == [came[0].encode()]


UNDECIDED = {
    "a tie": (
        {"question": ["q", "q"], "worker": ["A", "B"], "answer": ["x", "y"]},
        "plurality",
        "1 of 1 .*, 0",
    ),
    "no majority": (
        {"question": ["q"] * 3, "worker": ["A", "B", "C"], "answer": ["x", "y", "z"]},
        "majority",
        "1 of 1 .*, 0",
    ),
    "all abstained": (
        {"question": ["p", "q"], "worker": ["A", "A"], "answer": ["x", "unsure"]},
        "plurality",
        "1 of 2 .*, 1 of them .* first is 0-2",
    ),
    "a vote taken twice": (
        {"question": ["q", "q"], "worker": ["A", "A"], "answer": ["x", "y"]},
        "plurality",
        "1 of 1 .*, 1",
    ),
    "no confidence": (VOTES, "confidence-weighted", "2 of 2 .*, 0"),
}


@pytest.mark.parametrize("case", UNDECIDED)
def test_a_decision_that_the_rule_leaves_open_is_no_envelope(case, tmp_path):
    table, rule, expected = UNDECIDED[case]
    history = made(table)
    with pytest.raises(OptionError, match=f"decides nothing in {expected}"):
        history.to_ndjson(tmp_path / "votes.ndjson", derive=rule)
    assert not (tmp_path / "votes.ndjson").exists()
    decided = history.where(stats.Rules.decisions(history)[rule].notna())  # as the message advises
    assert len(back(decided, tmp_path, rule)) == len(decided) < len(history)


@pytest.mark.parametrize("rule", ["plurlity", "recommendation", "best voter", "", 3])
@pytest.mark.parametrize("all_said", [True, False])
def test_what_is_no_rule_is_refused(rule, all_said, history):
    given = lab.read(['{"decision": {"recommendation": "a", "confidence": 1}}'], payloads=True)
    for ask in (history if not all_said else given).envelopes, (given if all_said else history).encoded:
        with pytest.raises(OptionError, match="expected a rule that counts votes: plurality, majority"):
            next(ask(derive=rule))


@pytest.mark.parametrize("missing", ["recommendation", "confidence"])
def test_one_decision_that_lacks_something_is_told_before_a_line_is_written(missing, tmp_path):
    history = sample(9)
    frame = history.decisions.copy()
    frame.loc[4, missing] = None
    some = history.with_frames(decisions=frame)
    with pytest.raises(OptionError, match=f'{missing} in 1 of 9 decisions.*derive="plurality"'):
        some.to_ndjson(tmp_path / "a.ndjson")
    assert some.to_ndjson(tmp_path / "a.ndjson", derive="confidence-weighted").exists()


def test_a_replay_plays_what_was_derived(history):
    with pytest.raises(OptionError, match="an envelope needs a recommendation"):
        lab.replay(history, speed=math.inf)
    follower = lab.Follower(lab.replay(history, speed=math.inf, derive="plurality"))
    for update in follower.source:
        follower.take(update)
    assert follower.history().decisions[MARKS[0]].tolist() == ["plurality"] * 2


@pytest.mark.further
def test_the_command_line_publishes_what_was_derived(history, tmp_path, redis_url):
    history.save(tmp_path / "votes")
    found = run("replay", tmp_path / "votes", redis_url, "--speed", "max")
    assert found.returncode == 1
    assert "an envelope needs a recommendation" in " ".join(found.stderr.split())
    found = run("replay", tmp_path / "votes", redis_url, "--speed", "max", "--derive", "plurality")
    assert found.returncode == 0, found.stderr
    assert said(lab.read(redis_url))[1] == ["no", 1.0, "plurality", "share of votes"]
    made(TIED).save(tmp_path / "tied")
    words = ["replay", tmp_path / "tied", redis_url, "--speed", "max", "--voter", "vote.seat"]
    assert "--voter 'vote.seat'" in " ".join(run(*words).stderr.split())
    found = run(*words, "--derive", "plurality", "--stream", "tied")
    assert found.returncode == 0, found.stderr
    assert found.stderr == "left out: 2 decisions that plurality leaves open\n"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("votes.csv", "question,worker,answer\ntram,Ada,yes\ntram,Bo,no\n"),
        ("votes.jsonl", '{"question": "tram", "worker": "Ada", "answer": "yes"}\n'),
    ],
)
def test_the_command_line_publishes_nothing_of_a_file_that_has_no_envelopes(
    name, content, tmp_path, redis_url
):
    (tmp_path / name).write_text(content)
    found = run("replay", tmp_path / name, redis_url, "--speed", "max", "--derive", "plurality")
    told = " ".join(found.stderr.split())
    assert found.returncode == 1
    assert "lab.from_votes" in told
    assert "Nothing is published" in told
    assert len(lab.read(redis_url).rejects) == 0


TIED = {
    "question": ["tram"] * 3 + ["bus"] * 2 + ["ferry"],
    "worker": ["Ada", "Bo", "Chi", "Ada", "Bo", "Ada"],
    "answer": ["yes", "yes", "no", "no", "yes", "unsure"],
    "seat": [1, 2, 3, 1, 1, 1],
}


def test_a_replay_leaves_out_what_the_rule_leaves_open_and_says_how_many(tmp_path):
    history = made(TIED)
    played = lab.replay(history, speed=math.inf, derive="plurality")
    assert (played.left_out, played.total) == (2, 1)
    assert lab.replay(history.where([True, False, False]), derive="plurality").left_out == 0
    path = history.where([True, False, False]).to_ndjson(tmp_path / "a.ndjson", derive="plurality")
    assert lab.replay(path, derive="plurality").left_out == 0
    with pytest.raises(OptionError, match="decides nothing in 2 of 2 decisions"):
        lab.replay(history.where([False, True, True]), derive="plurality")
    with pytest.raises(OptionError, match="expected a rule that counts votes"):
        lab.replay(history, derive="plurlity")


def test_a_replay_tells_voters_apart_by_the_column_that_is_named():
    history = made(TIED | {"worker": ["Ada"] * 6, "seat": ["a", "b", "c", "a", "b", "a"]})
    assert lab.replay(history, derive="plurality", voter="vote.seat").left_out == 2
    with pytest.raises(OptionError, match="decides nothing in 3 of 3 decisions"):
        lab.replay(history, derive="plurality")


def test_a_voter_without_a_rule_is_refused_and_not_ignored(history, tmp_path):
    given = lab.read(['{"decision": {"recommendation": "a", "confidence": 1}}'], payloads=True)
    for ask in (
        lambda: history.to_ndjson(tmp_path / "a.ndjson", voter="vote.seat"),
        lambda: next(given.encoded(voter="vote.seat")),
        lambda: next(given.envelopes(voter="vote.seat")),
        lambda: lab.replay(given, voter="vote.seat"),
    ):
        with pytest.raises(OptionError, match=r"voter='vote\.seat' .* add derive=, one of plurality"):
            ask()
    assert not (tmp_path / "a.ndjson").exists()


BALLOTS = {
    "equal firsts": ("ranking", ['["x", "y"]', '["x", "y"]', '[["x", "y"], "z"]', '[["y", "z"], "x"]']),
    "equal scores": ("score", ["x=2", "x=2 y=1", "x=1 y=1", "y=1 x=1"]),
    "equal shares": ("probabilities", ["x=1", "x=0.8 y=0.2", "x=0.5 y=0.5", "y=0.5 x=0.5"]),
}


def ballot(text):
    if text[0] == "[":
        return text
    return {name: float(value) for name, value in (one.split("=") for one in text.split())}


@pytest.mark.parametrize("case", BALLOTS)
def test_a_ballot_without_a_choice_is_never_lost(case, tmp_path):
    kind, texts = BALLOTS[case]
    votes = pd.DataFrame({"question": "q", "worker": [*"ABCD"], "says": [*map(ballot, texts)]})
    history = lab.from_votes(votes, decision="question", voter="worker", **{kind: "says"})
    assert history.votes["choice"].isna().tolist() == [False, False, True, True]
    with pytest.raises(OptionError, match=r"2 votes have a ranking.*no choice.*first is of 0-1.*save"):
        history.to_ndjson(tmp_path / "votes.ndjson", derive="plurality")
    assert not (tmp_path / "votes.ndjson").exists()
    history.votes["choice"] = history.votes["choice"].fillna("x")  # as the message advises
    again = stats.Rules.decisions(back(history, tmp_path)).drop(columns=["stream_id", "recommendation"])
    pd.testing.assert_frame_equal(again, stats.Rules.decisions(history)[[*again]])
