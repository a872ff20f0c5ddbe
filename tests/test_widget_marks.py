"""Marking in the live view: what a page asks and is told, the pictures of what is marked, what stays."""

import json

import pandas as pd
import pytest
from streams import publish
from test_widget import asked, fed, told, view_of
from waiting import until

import mastermind_lab as lab
from mastermind_lab.errors import SourceError

pytestmark = pytest.mark.once

SOME = ["confidence", "decisions"]


def made(count=12, **more):
    """Decisions of one panel, each with a correlation_id of its own."""
    for n in range(count):
        votes = [
            {"voter": who, "choice": one} for who, one in zip("abc", ("ship", "ship", "hold"), strict=True)
        ]
        core = {"recommendation": "ship", "confidence": 0.5 + n / 40, "votes": votes} | more
        yield f"{n + 1}-0", json.dumps({"decision": core, "correlation_id": f"c{n}"})


@pytest.fixture
def path(tmp_path):
    return tmp_path / "marks.csv"


def titles(view):
    view._round()
    return [one["title"] for one in told(view, "round")["panels"]]


@pytest.mark.further
def test_a_mark_is_on_the_card_in_the_outcomes_and_in_pictures(path):
    view = view_of(fed(made()), panels=SOME, outcomes=path)
    asked_for = view.page_facts["asked"]
    assert (len(titles(view)), len(view.page_facts["panels"])) == (asked_for, asked_for + 2)
    [row] = asked(view, "open", id="1-0")["rows"]
    assert (row["others"], row["was"], row["note"]) == (["hold"], "", "")
    answer = asked(view, "mark", id="1-0", was="right", note="as told")
    [row] = answer["rows"]
    assert (row["was"], row["note"], answer["said"]) == ("right", "as told", f"marks are kept in {path}")
    assert "✓ right" in row["card"]
    asked(view, "mark", id="2-0", was=0)
    assert titles(view)[asked_for:] == ["Reliability of panels", "Voters"]
    assert [one["n"] for one in told(view, "round")["panels"]][asked_for:] == [
        "n = 2 decisions", "n = 6 votes with outcome"
    ]  # fmt: skip
    view._say(view.status)
    assert any("1 of 2 marked are right (50%" in one for one in told(view, "status")["items"])
    assert [row["was"] for row in told(view, "list")["rows"]][-2:] == [0, "right"]
    assert view.outcomes[["correlation_id", "correct_choice", "note"]].values.tolist() == [
        ["c0", "ship", "as told"], ["c1", "hold", ""]
    ]  # fmt: skip
    joined = lab.with_outcomes(view.history, view.outcomes)
    assert lab.stats.Calibration.of(joined).table()[["n", "accuracy"]].values.tolist() == [[2, 0.5]]
    assert len(view.figure.axes) == asked_for + 2
    for id_ in ("1-0", "2-0"):
        asked(view, "mark", id=id_, was="")
    assert len(titles(view)) == asked_for
    assert view.outcomes.empty


@pytest.mark.further
def test_marks_outlive_the_kernel_and_are_shared(path, raw, redis_url):
    publish(raw, made())
    first = lab.follow(redis_url, panels=SOME, outcomes=path)
    second = lab.follow(redis_url, panels=SOME, outcomes=str(path))
    try:
        for view in (first, second):
            until(lambda view=view: view.status.received == 12)
        first._contents.judged.marks.mark(first.history, "3-0", "right")
        second._contents.judged.marks.mark(second.history, "4-0", "other", "neither")
        assert len(first.outcomes) == len(second.outcomes) == 2
    finally:
        first.close()
        second.close()
    third = view_of(fed(made()), panels=SOME, outcomes=path)
    assert third.outcomes["note"].tolist() == ["", "neither"]
    assert len(titles(third)) == third.page_facts["asked"] + 2


def test_of_how_many_decisions_a_mark_holds_is_said(path):
    (_, one), *rest = made(3)
    view = view_of(fed([("1-0", one), ("9-0", one), *rest]), panels=SOME, outcomes=path)
    said = asked(view, "mark", id="9-0", was="right")["said"]
    assert said.endswith("; the mark holds for 2 decisions of one correlation_id")


def test_in_memory_that_is_said():
    view = view_of(fed(made()))
    assert "in memory" in asked(view, "mark", id="1-0", was="right")["said"]
    assert len(view.outcomes) == 1


@pytest.mark.further
def test_what_came_is_cut_to_what_is_shown(path):
    view = view_of(fed(made()), panels=SOME, outcomes=path)
    asked(view, "mark", id="1-0", was="right")
    view._contents.choices.choose(window="last 100")
    assert len(titles(view)) == view.page_facts["asked"] + 2
    other = view_of(
        fed([("1-0", '{"decision": {"recommendation": "a", "confidence": 1}}')]), panels=SOME, outcomes=path
    )
    assert len(titles(other)) == other.page_facts["asked"]  # of these none is marked


def test_hostile_choices_and_notes_are_text(path):
    evil = "=cmd|' /C calc'!A0<img src=x onerror=alert(1)>"
    votes = [{"voter": "v", "choice": evil}]
    view = view_of(fed(made(3, votes=votes)), outcomes=path)
    [row] = asked(view, "mark", id="1-0", was=0, note=f"{evil}\x1b\u202e\ud800\n{evil}")["rows"]
    assert "<img" not in row["card"]
    assert row["note"].isprintable()
    assert view.outcomes["correct_choice"].tolist() == [evil]
    cells = pd.read_csv(path, dtype=str)
    assert cells["correct_choice"].tolist() == ["'" + evil]
    assert cells["note"].str.startswith("'=cmd").tolist() == [True]


@pytest.mark.parametrize(
    "question",
    [{"was": 1}, {"was": "left"}, {"was": None}, {"was": [0]}, {"was": {}}, {"was": "right", "id": "99-0"}],
)
@pytest.mark.further
def test_what_makes_no_sense_is_answered_with_what_is_wrong(path, question):
    view = view_of(fed(made(3)), outcomes=path)
    assert asked(view, "mark", **{"id": "1-0"} | question)["wrong"]
    assert not path.exists()


def test_a_file_that_is_none_of_marks_or_becomes_so(path):
    path.write_text("correlation_id,correct_choice\nc0,ship\n")
    with pytest.raises(SourceError, match="no file of marks"):
        lab.follow("redis://localhost:1", outcomes=path)
    path.unlink()
    view = view_of(fed(made()), panels=SOME, outcomes=path)
    asked(view, "mark", id="1-0", was="right")
    path.write_text("something else")
    titles(view)
    assert "no file of marks" in told(view, "round")["panels"][-1]["fault"]
    assert len(told(view, "list")["rows"]) == 12
    assert "no file of marks" in asked(view, "mark", id="2-0", was="right")["wrong"]
    assert path.read_text() == "something else"
