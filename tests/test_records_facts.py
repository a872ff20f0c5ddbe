"""Tables of facts beside a table of votes, and what of either has a declared column: nothing is lost."""

import pandas as pd
import pytest

import mastermind_lab as lab
from mastermind_lab.errors import OptionError, SourceError

NAMED = {"decision": "q", "voter": "w", "choice": "c"}


def written(path, *lines):
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


@pytest.mark.parametrize("cells", [["True", "False"], ["1.0", "2.0"], ["1.10", "1.1"], ["TRUE", "false"]])
def test_what_a_file_of_facts_recommends_is_spelled_as_what_was_voted_for(tmp_path, cells):
    one, other = cells
    votes = written(tmp_path / "votes.csv", "q,w,c", f"1,A,{one}", f"1,B,{one}", f"2,A,{other}")
    facts = written(
        tmp_path / "facts.csv", "q,recommendation,rationale", f"1,{one},{one}", f"2,{other},{other}"
    )
    history = lab.from_votes(votes, **NAMED, decisions=facts)
    assert history.decisions[["recommendation", "rationale"]].values.tolist() == [[one] * 2, [other] * 2]
    assert float(lab.stats.Margin.of(history).follows) == 1


@pytest.mark.parametrize("name", ["question", "decision_id", "correlation_id"])
@pytest.mark.parametrize("where", ["votes", "decisions"])
def test_ids_and_questions_of_a_file_stay_apart_wherever_they_stand(tmp_path, name, where):
    ids = ["1.10", "1.1", "2.50"]
    votes = pd.DataFrame({"q": [1, 2, 3], "w": "A", "c": "x"})
    if where == "votes":
        table = written(
            tmp_path / "votes.csv", f"q,w,c,{name}", *(f"{n},A,x,{one}" for n, one in enumerate(ids))
        )
        history = lab.from_votes(table, **NAMED)
    else:
        facts = written(tmp_path / "facts.csv", f"q,{name}", *(f"{n},{one}" for n, one in enumerate(ids, 1)))
        history = lab.from_votes(votes, **NAMED, decisions=facts)
    assert history.decisions[name].tolist() == ids
    truth = written(tmp_path / "truth.csv", f"{name},correct_choice", "1.10,x", "1.1,y", "2.50,z")
    assert lab.with_outcomes(history, truth, on=name).decisions["correct_choice"].tolist() == ["x", "y", "z"]


def test_what_tells_decisions_apart_is_still_joined_by_what_its_numbers_are(tmp_path):
    votes = written(tmp_path / "votes.csv", "question,w,c", "1.0,A,x", "2.0,A,y")
    facts = pd.DataFrame({"question": [1, 2], "topic": ["trams", "buses"]})
    history = lab.from_votes(votes, decision="question", voter="w", choice="c", decisions=facts)
    assert history.decisions[["question", "decision.topic"]].values.tolist() == [
        ["1", "trams"],
        ["2", "buses"],
    ]


@pytest.mark.parametrize("role", ["decisions", "voters"])
@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (["{key},cat", "1,red", "2,blue,extra"], r"row 2: 3 cells, not 2 \(1 such of the {role}: mend them"),
        (['{{"{key}": 1, "cat": "red"}}', '{{"{key}": 2, "cat": "blue"'], r"line 2: EOF .* \(1 such of"),
    ],
)
def test_a_row_of_a_table_of_facts_that_cannot_be_read_is_said(tmp_path, role, rows, said):
    votes = pd.DataFrame({"q": [1, 2], "w": [1, 2], "c": "x"})
    key = {"decisions": "q", "voters": "w"}[role]
    facts = written(tmp_path / "facts", *(row.format(key=key) for row in rows))
    with pytest.raises(SourceError, match=said.format(role=role)):
        lab.from_votes(votes, **NAMED, **{role: facts})


@pytest.mark.parametrize("role", ["decisions", "voters"])
def test_a_row_of_facts_about_what_has_no_spelling_is_said(role):
    votes = pd.DataFrame({"q": ["1", "2"], "w": ["1", "2"], "c": "x"})
    key = {"decisions": "q", "voters": "w"}[role]
    facts = pd.DataFrame({key: ["1", object()], "cat": ["red", "blue"]})
    with pytest.raises(SourceError, match=f"row 2: {key}: expected a value that has a spelling"):
        lab.from_votes(votes, **NAMED, **{role: facts})


def test_a_column_that_would_stand_in_the_place_of_a_key_is_refused():
    votes = pd.DataFrame({"item": ["a", "b"], "decision.item": ["Z", "Y"], "w": "A", "c": "x"})
    with pytest.raises(OptionError, match=r"two columns would be 'decision\.item' of decisions: rename one"):
        lab.from_votes(votes, decision="item", voter="w", choice="c")
    facts = votes[["item", "decision.item"]]
    with pytest.raises(OptionError, match=r"'decision\.item' of decisions would come from two tables"):
        lab.from_votes(votes[["item", "w", "c"]], decision="item", voter="w", choice="c", decisions=facts)
