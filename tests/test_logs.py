"""Logs of other tools: each reader on files that the tool itself made, and on broken ones."""

import io
import json
import math
import re
import shutil
import subprocess
import sys
import zipfile
from importlib.util import find_spec
from pathlib import Path

import fsspec
import pandas as pd
import pytest
from command_line import run
from histories import same

import mastermind_lab as lab
from mastermind_lab.errors import NothingDecodedWarning
from mastermind_lab.history.sources.logs import Logs
from mastermind_lab.history.sources.reading import Options

pytestmark = pytest.mark.once

HERE = Path(__file__).parent
INSPECT, COUNCIL = HERE / "inspect", HERE / "councils" / "c0ffee.json"
TOLD = json.loads((INSPECT / "told.json").read_text())


def note(history):
    return history.coverage["note"].item()


def as_told(history):
    """What the votes of logs say, as the tool says it; of grades and targets, too."""
    votes = history.votes.merge(history.decisions.drop(columns="question"), on="stream_id")
    names = {
        "decision.task": "task", "vote.model": "model", "decision.sample": "sample", "vote.epoch": "epoch",
        "choice": "answer", "vote.usage.total_cost": "cost", "vote.total_time": "time",
    }  # fmt: skip
    grade = next(name for name in votes if name.startswith("vote.scores."))
    several = votes.get("decision.targets", pd.Series([None] * len(votes)))
    one = votes.get("decision.target", pd.Series([None] * len(votes)))
    target = [
        json.loads(some) if isinstance(some, str) else this for some, this in zip(several, one, strict=True)
    ]
    rows = votes[[*names]].rename(columns=names).assign(grade=votes[grade], target=target)
    return sorted(rows.to_dict("records"), key=repr)


def council(**changes):
    """A conversation of one question."""
    ballot = {"model": "a", "ranking": "B, then A", "parsed_ranking": ["Response B", "Response A"]}
    answer = {
        "role": "assistant",
        "stage1": [{"model": "a", "response": "yes"}, {"model": "b", "response": "no"}],
        "stage2": [ballot],
        "stage3": {"model": "b", "response": "no, all in all"},
    } | changes  # fmt: skip
    return {
        "id": "x",
        "created_at": "2026-11-20T10:00:00",
        "messages": [{"role": "user", "content": "Go?"}, answer],
    }


def written(folder, *values, name="talk{}.json"):
    for place, value in enumerate(values, 1):
        (folder / name.format(place)).write_text(json.dumps(value, indent=2))
    return folder


def games(*winners, **others):
    """Lines as a judge of MT-Bench writes them."""
    row = {
        "model_1": "alpaca", "model_2": "gpt", "judge": ["gpt-4", "pair-v2"], "g1_judgment": "so",
        "g2_judgment": "thus", "turn": 1, "tstamp": 1687222222.5,
    }  # fmt: skip
    rows = [
        row | {"question_id": number, "g1_winner": first, "g2_winner": second} | others
        for number, (first, second) in enumerate(winners, 81)
    ]
    return "".join(json.dumps(row) + "\n" for row in rows)


@pytest.mark.parametrize("name", TOLD)
def test_a_log_of_inspect_says_what_the_tool_reads_in_it(name):
    history = lab.read(INSPECT / name)
    assert as_told(history) == sorted(TOLD[name], key=repr)
    assert history.votes["voter"].str.partition("#")[0].eq(history.votes["vote.model"]).all()


def test_logs_over_the_same_samples_are_a_panel():
    history = lab.read(INSPECT / "panel")
    assert history.decisions["n_votes"].tolist() == [3, 3, 3, 3]
    assert history.decisions["question"][2] == "Is the moon a planet?"
    assert history.decisions["correct_choice"].tolist() == ["B", "A", "B", "A"]
    assert history.decisions["recommendation"].isna().all()
    assert history.decisions["confidence"].isna().all()
    assert history.decisions["published_at"].notna().all()
    assert note(history).startswith(
        "3 Inspect logs (3 success); 12 rows read, 12 of them votes in 4 decisions"
    )
    voters = lab.stats.Voters.of(history).table().set_index("voter")
    assert voters.loc["mockllm/ada", "accuracy"] == 1


def test_logs_are_read_over_a_network():
    files = fsspec.filesystem("memory")
    for path in (INSPECT / "panel").glob("*.eval"):
        files.put(str(path), f"/inspect/{path.name}")
    for source in ("memory://inspect", "memory://inspect/*.eval"):
        pd.testing.assert_frame_equal(lab.read(source).votes, lab.read(INSPECT / "panel").votes)


@pytest.mark.parametrize("given", ["list", "glob", "paths"])
def test_logs_are_a_panel_however_they_are_given(given):
    paths = sorted((INSPECT / "panel").glob("*.eval"))
    source = {"list": [*map(str, paths)], "glob": str(INSPECT / "panel" / "*.eval"), "paths": paths}[given]
    pd.testing.assert_frame_equal(lab.read(source).votes, lab.read(INSPECT / "panel").votes)


def test_the_epochs_of_a_log_are_voters():
    history = lab.read(INSPECT / "epochs")
    assert history.votes["voter"].tolist() == ["mockllm/ada#1", "mockllm/ada#2", "mockllm/ada#3"] * 2
    assert history.votes["vote.model"].unique().tolist() == ["mockllm/ada"]
    assert "1 sample with several targets" in note(history)
    assert history.decisions["correct_choice"].fillna("-").tolist() == ["4", "-"]


def test_logs_of_a_model_twice_are_two_voters():
    history = lab.read([INSPECT / "epochs", INSPECT / "json"])
    assert history.votes["voter"].nunique() == 4
    assert history.decisions["n_votes"].tolist() == [4, 4]


def test_a_log_that_failed_gives_what_is_whole():
    for name, votes, rejects in (("failed", 2, 3), ("cancelled", 3, 1), ("sample", 3, 1)):
        history = lab.read(INSPECT / name)
        assert len(history.votes) == votes
        assert history.rejects["reason"].tolist() == ["failed"] * rejects
    assert "the lines were down" in lab.read(INSPECT / "failed").rejects["detail"][0]


def rewritten(source, target, **changes):
    """A log with members changed, or left out where they are None; stored as any zip is."""
    names = {f"{name}.json": content for name, content in changes.items()}
    packed = lab_zip(source)
    with zipfile.ZipFile(target, "w") as made:
        for name, content in packed.items():
            changed = names.get(name.rpartition("/")[2], content)
            if changed is not None:
                made.writestr(name, changed if isinstance(changed, bytes) else json.dumps(changed))


def lab_zip(path):
    from mastermind_lab.ndjson.packing import ZipArchive

    with open(path, "rb") as stream:
        archive = ZipArchive(stream)
        return {name: archive.read(name, 2**20) for name in archive.names}


@pytest.fixture
def logs(tmp_path):
    """A panel of three logs, of which one may be spoilt."""
    return Path(shutil.copytree(INSPECT / "panel", tmp_path / "panel"))


def changed(log, **fields):
    return json.loads(lab_zip(log)["header.json"]) | fields


@pytest.mark.parametrize(
    ("spoil", "reason", "words"),
    [
        (lambda log: log.write_bytes(log.read_bytes()[:3_000]), "damaged", "cut short"),
        (lambda log: log.write_bytes(b"PK\x03\x04"), "damaged", "cut short"),
        (lambda log: log.write_bytes(b""), "other_format", "no Inspect log"),
        (lambda log: rewritten(log, log, header=changed(log, version=3)), "version", "version 3"),
        (lambda log: rewritten(log, log, header=changed(log, version="2")), "version", "version '2'"),
        (lambda log: rewritten(log, log, header=changed(log, eval={})), "invalid", "eval.task"),
        (lambda log: rewritten(log, log, header=b"{"), "not_json", "header.json"),
        (lambda log: rewritten(log, log, header=None, start=None), "damaged", "start.json"),
    ],
)
def test_a_log_that_cannot_be_read_spoils_no_other(logs, spoil, reason, words):
    spoil(logs / "bo.eval")
    history = lab.read(logs)
    assert history.decisions["n_votes"].tolist() == [2, 2, 2, 2]
    assert history.rejects["reason"].tolist() == [reason]
    assert words in history.rejects["detail"][0]
    assert "bo.eval" in history.rejects["detail"][0]


@pytest.mark.parametrize(
    ("sample", "reason"),
    [(b"{", "not_json"), ([], "invalid"), ({"id": 1}, "invalid"), (b"\xff", "not_json")],
)
def test_a_sample_that_cannot_be_read_spoils_no_other(logs, sample, reason):
    rewritten(logs / "bo.eval", logs / "bo.eval", **{"2_epoch_1": sample})
    history = lab.read(logs)
    assert history.decisions["n_votes"].tolist() == [3, 2, 3, 3]
    assert history.rejects["reason"].tolist() == [reason]


def test_a_log_that_is_still_written_has_no_header(logs):
    rewritten(logs / "bo.eval", logs / "bo.eval", header=None)
    history = lab.read(logs)
    assert len(history.votes) == 12
    assert "status 'started'" in history.rejects["detail"].item()


def header_only(log, status="success", **fields):
    """The log as one JSON, as it is written where samples are not logged."""
    log.unlink()
    made = changed(INSPECT / "panel" / log.name, status=status, **fields)
    log.with_suffix(".json").write_text(json.dumps({"version": 2, "status": status} | made))


def without_samples(log):
    names = [name for name in lab_zip(log) if name.startswith("samples/")]
    rewritten(log, log, **{name[len("samples/") : -len(".json")]: None for name in names})


def test_a_log_that_does_not_say_how_many_samples_it_had(logs):
    header_only(logs / "bo.eval", results={})
    assert lab.read(logs).rejects["detail"].item().startswith("bo.json: it holds no samples: ")


@pytest.mark.parametrize("spoil", [header_only, without_samples])
def test_a_log_without_samples_is_told(logs, spoil):
    spoil(logs / "bo.eval")
    history = lab.read(logs)
    assert history.decisions["n_votes"].tolist() == [2, 2, 2, 2]
    assert history.rejects["reason"].tolist() == ["empty"]
    assert re.match(r"bo\.(eval|json): it holds no samples of 4", history.rejects["detail"].item())
    header_only(logs / "ada.eval", status="error")  # which is told already
    assert sorted(lab.read(logs).rejects["reason"]) == ["empty", "failed"]
    with pytest.warns(NothingDecodedWarning):
        assert len(lab.read([*logs.glob("bo.*")]).rejects) == 1


def test_a_sample_that_is_too_large_is_a_reject(logs):
    with_much = json.loads(lab_zip(logs / "bo.eval")["samples/2_epoch_1.json"]) | {"store": "x" * 10**5}
    rewritten(logs / "bo.eval", logs / "bo.eval", **{"2_epoch_1": with_much})
    history = lab.read(logs, max_line_bytes=50_000)
    assert history.rejects["reason"].tolist() == ["too_long"]


def test_what_logs_do_not_agree_on_stays_with_the_votes(logs):
    sample = json.loads(lab_zip(logs / "bo.eval")["samples/2_epoch_1.json"])
    rewritten(
        logs / "bo.eval",
        logs / "bo.eval",
        **{"2_epoch_1": sample | {"choices": ["no", "yes"], "target": "B"}},
    )
    history = lab.read(logs)
    assert history.decisions["correct_choice"].fillna("-").tolist() == ["B", "-", "B", "A"]
    assert history.votes["vote.target"].dropna().tolist() == ["A", "B", "A"]
    assert "1 sample whose question, choices or target differ" in note(history)


def test_a_right_answer_in_other_words_is_said(logs):
    sample = json.loads(lab_zip(logs / "bo.eval")["samples/1_epoch_1.json"])
    sample["scores"]["choice"]["answer"] = "(B)"
    rewritten(logs / "bo.eval", logs / "bo.eval", **{"1_epoch_1": sample})
    assert "1 answer that a scorer finds right spelled otherwise" in note(lab.read(logs))


def test_an_answer_that_a_scorer_does_not_find_is_an_abstention(logs):
    sample = json.loads(lab_zip(logs / "bo.eval")["samples/1_epoch_1.json"])
    sample["scores"]["choice"] = {"value": math.nan, "answer": ""}
    content = json.dumps(sample).encode()
    rewritten(logs / "bo.eval", logs / "bo.eval", **{"1_epoch_1": content})
    history = lab.read(logs)
    assert history.votes["choice"].isna().sum() == 1
    assert "1 abstained" in note(history)


@pytest.mark.parametrize(("said", "choice"), [("Yes, B.", "Yes, B."), ("", "abstained")])
def test_an_answer_that_no_scorer_tells_is_all_that_the_model_said(logs, said, choice):
    sample = json.loads(lab_zip(logs / "bo.eval")["samples/1_epoch_1.json"])
    sample |= {"scores": None, "output": sample["output"] | {"completion": said}}
    rewritten(logs / "bo.eval", logs / "bo.eval", **{"1_epoch_1": sample})
    votes = lab.read(logs).votes.set_index("voter")["choice"].fillna("abstained")
    assert votes["mockllm/bo"].iloc[0] == choice


def test_the_samples_of_a_retried_log_count_once(logs):
    sample = json.loads(lab_zip(logs / "bo.eval")["samples/4_epoch_1.json"])
    rewritten(logs / "bo.eval", logs / "bo again.eval", **{"4_epoch_1": sample | {"uuid": "another"}})
    rewritten(logs / "bo.eval", logs / "bo.eval", **{"4_epoch_1": sample | {"error": {"message": "down"}}})
    history = lab.read([logs / "ada.eval", logs / "bo.eval", logs / "bo again.eval"])
    assert history.decisions["n_votes"].tolist() == [2, 2, 2, 2]
    assert history.votes["voter"].nunique() == 2
    assert "3 samples left out that a retried log has again" in note(history)


def test_samples_of_another_model_are_no_retry_whatever_their_numbers(tmp_path):
    log = json.loads((INSPECT / "json" / "ada.json").read_text())
    other = log | {"eval": log["eval"] | {"model": "another/model"}}
    for name, one in (("a.json", log), ("b.json", other)):
        (tmp_path / name).write_text(json.dumps(one))
    history = lab.read(tmp_path)
    assert history.votes["voter"].nunique() == 2
    assert "retried" not in note(history)


@pytest.mark.parametrize(("number", "differ"), [(float("nan"), False), (1, True)])
def test_a_number_that_is_none_is_no_difference_between_logs(tmp_path, number, differ):
    log = json.loads((INSPECT / "json" / "ada.json").read_text())
    for name, value in (("a", float("nan")), ("b", number)):
        samples = [one | {"metadata": {"weight": value}, "uuid": None} for one in log["samples"]]
        (tmp_path / f"{name}.json").write_text(json.dumps(log | {"samples": samples}))
    assert ("differ between logs" in note(lab.read(tmp_path))) == differ


def test_samples_2_and_text_2_are_told_to_differ(tmp_path):
    log = json.loads((INSPECT / "json" / "ada.json").read_text())
    first, second = log["samples"][:2]
    samples = [first | {"id": 2}, second | {"id": "2"}]
    (tmp_path / "a.json").write_text(json.dumps(log | {"samples": samples}))
    assert "1 sample whose question, choices or target differ" in note(lab.read(tmp_path))


def test_a_question_of_several_messages_is_what_the_user_said_last(logs):
    sample = json.loads(lab_zip(logs / "bo.eval")["samples/1_epoch_1.json"])
    asked = [
        {"role": "system", "content": "Be brief."},
        {
            "role": "user",
            "content": [{"type": "text", "text": "attachment://a1"}, {"type": "image", "image": "x"}],
        },
    ]
    sample |= {"input": asked, "attachments": {"a1": "Is this a tram?"}}
    rewritten(logs / "bo.eval", logs / "bo.eval", **{"1_epoch_1": sample})
    assert lab.read(logs / "bo.eval").decisions["question"][0] == "Is this a tram?"


def test_a_council_gives_ranked_ballots():
    history = lab.read(COUNCIL)
    gpt, gemini, grok = "openai/gpt-5.1", "google/gemini-3-pro", "x-ai/grok-4"
    assert history.decisions["question"].tolist() == ["Tram or bus?", "And at night?"]
    assert history.decisions["decision.synthesis"].tolist() == ["A tram, all in all.", "A bus, if it runs."]
    assert history.decisions["decision.chairman"].tolist() == [gemini, gemini]
    assert history.decisions["recommendation"].isna().all()
    votes = history.votes[["voter", "choice", "vote.ranking"]].values.tolist()
    assert votes[0] == [gpt, grok, json.dumps([grok, gpt, gemini], separators=(",", ":"))]
    assert [row[:2] for row in votes[1:]] == [[gemini, gemini], [grok, gpt], [gpt, gpt], [gemini, gpt]]
    assert history.arguments[["claim", "author"]].values.tolist()[:2] == [
        ["A tram: it carries more.", gpt], ["A bus: it needs no rails.", gemini],
    ]  # fmt: skip
    assert history.decisions["n_arguments"].tolist() == [3, 3]
    assert history.rejects["reason"].tolist() == ["no_choice"]
    assert "2 questions to councils in 1 file, 2 without label_to_model" in note(history)


@pytest.mark.parametrize(
    "labels",
    [
        {"metadata": {"label_to_model": {"Response A": "b", "Response B": "a"}}},
        {"label_to_model": {"Response A": {"model": "b"}, "Response B": {"model": "a"}}},
        {"stage2": {"rankings": [{"model": "a", "parsed_ranking": ["B", "A"]}],
                    "label_to_model": {"A": "b", "B": "a"}}},
        {"stage2": [{"model": "a", "parsed_ranking": ["Response B", "Response A"],
                     "label_to_model": {"Response A": "b", "Response B": "a"}}]},
    ],
)  # fmt: skip
def test_forks_keep_their_labels_in_several_places(tmp_path, labels):
    history = lab.read(written(tmp_path, council(**labels)))
    assert history.votes[["choice", "vote.ranking"]].values.tolist() == [["a", '["a","b"]']]


@pytest.mark.parametrize(
    ("ballot", "reason", "words"),
    [
        ({"model": "b", "parsed_ranking": ["Response A", "Response A"]}, "invalid", "twice"),
        ({"model": "b", "parsed_ranking": ["Response C"]}, "invalid", "'Response C', which is no answer"),
        ({"model": "b", "parsed_ranking": []}, "no_choice", "no ranking"),
        ({"model": "b", "parsed_ranking": None, "error": "429"}, "no_choice", "429"),
        ({"parsed_ranking": ["Response A"]}, "no_voter", "who voted"),
    ],
)
def test_a_bad_ballot_spoils_no_other(tmp_path, ballot, reason, words):
    good = {"model": "a", "parsed_ranking": ["Response B", "Response A"]}
    history = lab.read(written(tmp_path, council(stage2=[good, ballot]), council()))
    assert len(history.votes) == 2
    assert history.rejects["reason"].tolist() == [reason]
    assert words in history.rejects["detail"].item()


def test_a_council_may_rank_in_rounds(tmp_path):
    parts = council()["messages"][1]
    later = parts | {"stage2": [{"model": "a", "parsed_ranking": ["Response A", "Response B"]}]}
    talk = council(stage2=later["stage2"], rounds=[{"round": 1} | parts, {"round": 2} | later])
    history = lab.read(written(tmp_path, talk))
    assert history.votes[["vote.round", "choice"]].values.tolist() == [[1, "b"], [2, "a"]]
    assert "repeated" not in note(history)


def test_a_council_that_ranked_in_one_of_its_rounds_has_ballots(tmp_path):
    parts = council()["messages"][1]
    history = lab.read(written(tmp_path, council(rounds=[parts | {"stage2": []}, parts])))
    assert history.votes["vote.round"].unique().tolist() == [2]
    assert not len(history.rejects)


def test_two_members_of_one_model_stay_apart(tmp_path):
    twins = [{"model": "a", "response": "yes"}, {"model": "a", "response": "no"}]
    ballots = [{"model": "a", "parsed_ranking": ["Response B", "Response A"]}] * 2
    history = lab.read(written(tmp_path, council(stage1=twins, stage2=ballots)))
    assert history.votes["voter"].tolist() == ["a", "a#2"]
    assert history.votes["choice"].tolist() == ["a (Response B)"] * 2


def test_a_council_that_ranks_nothing_is_a_reject(tmp_path):
    history = lab.read(written(tmp_path, council(stage2=None), council()))
    assert history.rejects["reason"].tolist() == ["no_choice"]
    assert len(history) == 1


def test_councils_may_stand_in_a_list_or_be_one_answer(tmp_path):
    one = {"question": "Go?"} | council()["messages"][1]
    history = lab.read(written(tmp_path, one, [council(), council() | {"id": "y"}, 7]))
    assert history.decisions["question"].tolist() == ["Go?"] * 3
    assert history.rejects["reason"].tolist() == ["invalid"]


def test_councils_under_one_id_are_two_and_a_copy_is_none(tmp_path):
    told = json.loads(COUNCIL.read_text())
    other = told | {"messages": [one | {"content": "Why?"} for one in told["messages"]]}
    for name, one in {"a": told, "b": told, "c": other}.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(one))
    alone, history = lab.read(COUNCIL), lab.read(tmp_path)
    half = len(alone)
    assert len(history) == 2 * half
    assert history.decisions["n_votes"].tolist() == alone.decisions["n_votes"].tolist() * 2
    assert history.decisions["n_arguments"].tolist() == alone.decisions["n_arguments"].tolist() * 2
    assert history.decisions["question"].tolist()[half:] == ["Why?"] * half
    again = [f"{one}#2" for one in alone.decisions["decision_id"]]
    assert history.decisions["decision_id"].tolist() == [*alone.decisions["decision_id"], *again]
    assert f"{2 * half} questions to councils in 3 files, {half} answer" in note(history)


def test_a_council_of_two_stages_alone_is_one_answer(tmp_path):
    answer = council()["messages"][1]
    history = lab.read(written(tmp_path, {name: answer[name] for name in ("stage1", "stage2")}))
    assert (len(history), len(history.rejects)) == (1, 0)


def test_conversations_may_stand_in_lines(tmp_path):
    talks = (council(), council() | {"id": "y"}, council() | {"id": "z", "messages": []})
    (tmp_path / "talks.jsonl").write_text("".join(json.dumps(talk) + "\n" for talk in talks))
    history = lab.read(tmp_path / "talks.jsonl")
    assert history.decisions["decision_id"].tolist() == ["x-1", "y-1"]
    assert history.rejects["reason"].tolist() == ["no_choice"]


def test_other_conversations_are_no_councils(tmp_path):
    talk = council() | {
        "messages": [{"role": "user", "content": "Go?"}, {"role": "assistant", "content": "Yes."}]
    }
    assert Logs.of(written(tmp_path, talk), Options()) is None


def test_logs_that_are_not_there_are_said_so():
    with pytest.raises(lab.SourceError, match="there is no file"):
        lab.read(["nowhere.eval", "neither.eval"])


def test_a_conversation_that_is_cut_short_spoils_no_other(tmp_path):
    written(tmp_path, council(), council() | {"id": "y"}, council() | {"id": "z"})
    (tmp_path / "talk2.json").write_text((tmp_path / "talk2.json").read_text()[:-100])
    history = lab.read(tmp_path)
    assert history.decisions["decision_id"].tolist() == ["x-1", "z-1"]
    assert history.rejects["stream_id"].tolist() == ["0-2"]  # they are numbered in their order, from 1
    assert history.rejects["reason"].tolist() == ["damaged"]


def turn(response="yes"):
    """A question without its conversation, as some forks write it."""
    answer = council(stage1=[{"model": name, "response": response} for name in "ab"])["messages"][1]
    return {"question": "Go?"} | {name: answer[name] for name in ("stage1", "stage2", "stage3")}


@pytest.mark.parametrize("value", [turn(), [turn(), turn()], council(), [council()]])
def test_a_conversation_that_is_cut_short_in_its_first_answers_is_named_so(tmp_path, value):
    for indent in (None, 2):
        text = json.dumps(value, indent=indent)
        path = tmp_path / f"talk{indent}.json"
        path.write_text(text[: text.index('"response"') + 14])
        with pytest.warns(lab.NothingDecodedWarning, match="it is cut short"):
            assert lab.read(path).rejects["reason"].tolist() == ["damaged"]


def test_first_answers_may_be_longer_than_what_is_looked_at(tmp_path):
    assert len(lab.read(written(tmp_path, turn("word " * 20_000))).votes) == 1


def test_both_games_of_a_judge_are_votes(tmp_path):
    path = tmp_path / "gpt-4_pair.jsonl"
    path.write_text(games(("model_1", "model_1"), ("model_1", "model_2"), ("tie", "model_2")))
    history = lab.read(path)
    assert history.decisions["decision.question_id"].tolist() == [81, 82, 83]
    assert history.decisions["decision.pair"].unique().tolist() == ["alpaca vs gpt"]
    votes = history.votes[["voter", "choice", "vote.model_a", "rationale"]].values.tolist()
    assert votes[2:4] == [["gpt-4", "alpaca", "alpaca", "so"], ["gpt-4 (swapped)", "gpt", "gpt", "thus"]]
    assert history.votes["choice"].tolist()[4:] == ["tie", "gpt"]
    assert "1 tie, two games a row; 6 rows read" in note(history)


def test_games_are_numbered_as_two_rows_each(tmp_path):
    for name in ("a.jsonl", "b.jsonl"):
        (tmp_path / name).write_text(games(("model_1", "tie"), ("tie", "tie"), ("error", "tie")) + "broken\n")
    history = lab.read(tmp_path / "a.jsonl")
    assert history.decisions["stream_id"].tolist() == ["0-1", "0-3", "0-6"]
    assert history.rejects["stream_id"].tolist() == ["0-5", "0-8"]
    # Those of the next file stand behind them, by the same questions' decisions.
    both = lab.read([tmp_path / "a.jsonl", tmp_path / "b.jsonl"])
    assert both.rejects["stream_id"].tolist() == ["0-5", "0-8", "0-13", "0-16"]
    assert both.decisions["n_votes"].tolist() == [4, 4, 2]


def test_judgments_whose_columns_have_other_types_are_named(tmp_path):
    (tmp_path / "a.jsonl").write_text(games(("tie", "tie"), g1_note=3, g2_note="x"))
    with pytest.raises(lab.OptionError, match=r"the games of .*a.jsonl have columns of one name and diff"):
        lab.read(tmp_path / "a.jsonl")
    for name, turn in (("b", 1), ("c", "one")):
        (tmp_path / f"{name}.jsonl").write_text(games(("tie", "tie"), turn=turn))
    with pytest.raises(lab.OptionError, match=r"b.jsonl and .*c.jsonl have columns of one name and diff"):
        lab.read([tmp_path / "b.jsonl", tmp_path / "c.jsonl"])


def test_games_need_not_tell_the_same(tmp_path):
    path = tmp_path / "pair.jsonl"
    path.write_text(games(("tie", "tie"), g1_judgment=None, g2_note=3))
    history = lab.read(path)
    assert history.votes["rationale"].fillna("-").tolist() == ["-", "thus"]
    assert history.votes["vote.note"].fillna(0).tolist() == [0, 3]


def test_a_game_without_a_winner_spoils_no_other(tmp_path):
    path = tmp_path / "pair.jsonl"
    path.write_text(games(("error", "model_1"), ("model_1", "tie")) + '{"question_id": 9\n')
    history = lab.read(path)
    assert history.votes["choice"].tolist() == ["alpaca", "alpaca", "tie"]
    assert sorted(history.rejects["reason"]) == ["invalid", "not_json"]


PEOPLE = """question_id,model_a,model_b,winner,judge,turn
81,alpaca,gpt,model_b,Ada,1
81,gpt,alpaca,model_a,Ada,1
81,alpaca,gpt,tie (bothbad),Bo,1
82,alpaca,gpt,alpaca,Bo,2
83,alpaca,gpt,both_bad,Bo,1
84,alpaca,gpt,model_c,Bo,1
85,,gpt,model_b,Bo,1
"""


def test_questions_whose_numbers_are_equal_and_spelled_otherwise_are_two(tmp_path):
    path = tmp_path / "judged.csv"
    path.write_text(
        "question_id,model_a,model_b,winner,judge\n1.1,gpt,alpaca,model_a,Ada\n1.10,gpt,alpaca,model_b,Ada\n"
    )
    assert lab.read(path).decisions["decision.question_id"].tolist() == ["1.1", "1.10"]


@pytest.mark.parametrize("kind", ["csv", "parquet", "jsonl", "csv.gz"])
def test_judgments_of_people_are_read_in_any_table(tmp_path, kind):
    path, table = tmp_path / f"human.{kind}", pd.read_csv(io.StringIO(PEOPLE))
    if kind == "parquet":
        table.to_parquet(path)
    elif kind == "jsonl":
        table.to_json(path, orient="records", lines=True)
    else:
        table.to_csv(path, index=False)
    history = lab.read(path)
    assert history.votes[["voter", "choice"]].values.tolist() == [
        ["Ada", "gpt"], ["Ada (swapped)", "gpt"], ["Bo", "tie"], ["Bo", "alpaca"], ["Bo", "tie"],
    ]  # fmt: skip
    assert history.votes["vote.winner"][2] == "tie (bothbad)"
    assert sorted(history.rejects["reason"]) == ["invalid", "no_decision"]


@pytest.mark.parametrize(("one", "other"), [("1.1", "1.10"), ("1.0", "2.0"), ("True", "False")])
@pytest.mark.parametrize("is_of_games", [False, True])
def test_models_are_names_whatever_they_look_like(tmp_path, one, other, is_of_games):
    """In ``winner``, too, where a table names the model and not its side."""
    path = tmp_path / "judged.csv"
    if is_of_games:
        head, winners = (
            "question_id,model_1,model_2,g1_winner,g2_winner,judge,decision_id,g1_judgment",
            "model_1",
        )
    else:
        head, winners = "question_id,model_a,model_b,winner,judge,decision_id,judgment", "model_a"
    winners = ",".join([winners] * (1 + is_of_games)), ",".join([other] * (1 + is_of_games))
    path.write_text(
        f"{head}\n1,{one},{other},{winners[0]},Ada,1.10,1.50\n1,{one},{other},{winners[1]},Bo,1.10,2\n"
    )
    history = lab.read(path)
    assert len(history.rejects) == 0
    assert history.votes.groupby("vote.judge")["choice"].unique().map(list).to_dict() == {
        "Ada": [one],
        "Bo": [other],
    }
    assert history.decisions["decision.pair"].tolist() == [" vs ".join(sorted([one, other]))]
    assert history.decisions["decision_id"].tolist() == ["1.10"]
    assert history.votes["rationale"].dropna().tolist() == ["1.50", "2"]


def test_tables_of_judgments_are_read_together(tmp_path):
    for name in ("a", "b"):
        (tmp_path / f"{name}.csv").write_text(PEOPLE)
    (tmp_path / "c.csv").write_text("who,what\n1,2\n")
    history = lab.read(str(tmp_path / "*.csv"))
    assert len(history.votes) == 10
    assert "other_format" in history.rejects["reason"].tolist()
    assert history.rejects["stream_id"].is_unique


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n",
        b"\0\r\n,",
        b'"a,\r"b',
        b"[",
        b"[]",
        b"[[1]]",
        b'{"messages": 1',
        b'{"id": 1, "created_at": 2, "messages": {}}',
        b"PK\x03\x04",
        b"PK\x03\x04" + b"x" * 99,
        b"[" * 9_999,
        b'{"a":' * 9_999,
        b"PAR1",
        b"PAR1" + b"x" * 99 + b"PAR1",
        b"\xff\xfe{",
    ],
)
def test_what_is_no_log_is_left_to_others(tmp_path, content):
    (tmp_path / "x").write_bytes(content)
    assert Logs.of(tmp_path / "x", Options()) is None


def test_a_table_of_other_votes_is_for_from_votes(tmp_path):
    (tmp_path / "votes.csv").write_text("question,worker,answer\n1,Ada,yes\n1,Bo,no\n")
    with pytest.warns(lab.NothingDecodedWarning, match=r"lab\.from_votes reads it"):
        lab.read(tmp_path / "votes.csv")


def test_what_only_envelopes_have_is_refused():
    for given in ({"payloads": True}, {"columns": [lab.Column("x", "meta.x")]}):
        with pytest.raises(lab.OptionError, match="these are Inspect logs, which have none"):
            lab.read(INSPECT / "panel", **given)


@pytest.mark.parametrize("folder", [INSPECT / "panel", COUNCIL])
def test_a_scan_of_logs_has_one_batch(folder):
    scan, whole = lab.scan(folder), lab.read(folder)
    [batch] = scan
    same(batch, whole)
    assert scan.coverage["note"].tolist() == whole.coverage["note"].tolist()
    assert lab.stats.Votes.of(scan).table().equals(lab.stats.Votes.of(whole).table())


def test_a_council_that_is_cut_short_is_a_council_all_the_same(tmp_path):
    asked = {"question": "Go?", "stage1": council()["messages"][1]["stage1"]}
    for text in (json.dumps(asked), json.dumps(asked, indent=2)):
        begun = text.index("[") + 1
        for end in range(begun, text.index('"response"')):
            (tmp_path / "x.json").write_text(text[:end])
            with pytest.warns(lab.NothingDecodedWarning, match="it is cut short"):
                assert lab.read(tmp_path / "x.json").rejects["reason"].tolist() == ["damaged"]


def test_limits_cut_logs_as_they_cut_files():
    assert len(lab.read(INSPECT / "panel", last=2)) == 2
    assert len(lab.read(INSPECT / "panel", until="2020")) == 0


def test_logs_beside_envelopes_are_read_each_by_itself(tmp_path):
    with_envelope = tmp_path / "arena.ndjson"
    with_envelope.write_text('{"decision": {"recommendation": "ship", "confidence": 0.8}}\n')
    history = lab.read([with_envelope, INSPECT / "panel"])
    assert len(history) == 5
    assert not len(history.rejects)


def test_logs_are_saved_and_read_again(tmp_path):
    for source in (INSPECT / "panel", COUNCIL):
        history = lab.read(source)
        again = lab.read(history.save(tmp_path / source.stem))
        for name in ("decisions", "votes", "arguments", "rejects"):
            pd.testing.assert_frame_equal(getattr(again, name), getattr(history, name), check_like=True)


def test_the_command_line_reads_logs(tmp_path):
    assert "4 decisions" in run("snapshot", str(INSPECT / "panel"), str(tmp_path / "kept")).stdout
    assert json.loads(run("read", str(COUNCIL), "--json").stdout)["decisions"] == 2


@pytest.mark.thorough
def test_logs_made_now_say_what_the_tool_reads_in_them(tmp_path):
    if find_spec("inspect_ai") is None:
        pytest.skip("needs Inspect AI itself: pip install 'mastermind_lab[inspect]'")
    subprocess.run([sys.executable, HERE / "inspect_logs.py", tmp_path], check=True, timeout=100)
    told = json.loads((tmp_path / "told.json").read_text())
    assert told.keys() == TOLD.keys()
    for name, rows in told.items():
        assert as_told(lab.read(tmp_path / name)) == sorted(rows, key=repr)
