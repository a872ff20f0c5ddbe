"""A history as one frame, a row a decision, and as a CSV file for a spreadsheet."""

import pandas as pd
import pyarrow as pa
import pytest
from pandas.testing import assert_frame_equal

import mastermind_lab as lab
from mastermind_lab.errors import OptionError, SourceError

VOTES = pd.DataFrame(
    {
        "question": ["tram", "tram", "tram", "=bus", "=bus", "walk"],
        "who": ["Ada", "Bo", "Chi", "Ada", "Ada", "Ada"],
        "vote": ["yes", "yes", "-1", "yes", "no", None],
    }
)


def panel(frame=VOTES):
    return lab.from_votes(frame, decision="question", voter="who", choice="vote", abstain=None)


@pytest.mark.further
def test_the_votes_for_each_choice_stand_beside_the_decision():
    history = panel()
    frame = history.to_frame()
    # Ada has contradicted herself on the bus, and said nothing of the walk.
    assert frame[["question", "votes.-1", "votes.yes"]].values.tolist() == [
        ["tram", 1, 2],
        ["=bus", 0, 0],
        ["walk", 0, 0],
    ]
    assert_frame_equal(frame[[*history.decisions]], history.decisions)
    sample = lab.sample(last=50)
    counts = sample.to_frame().filter(like="votes.").sum(axis=1)
    assert counts.tolist() == sample.decisions["n_votes"].tolist()


SEATS = {
    "question": ["q"] * 5 + ["p"] * 3,
    "model": ["m", "m", "m", "n", "n", "m", "m", "n"],
    "seat": [1, 2, 3, 4, 5, 1, 2, 4],
    "says": ["yes", "no", "no", "yes", "yes", "yes", "yes", "no"],
}


def test_a_model_in_several_seats_has_a_vote_in_each(tmp_path):
    named = {"decision": "question", "voter": "model", "choice": "says"}
    history = lab.from_votes(pd.DataFrame(SEATS), **named)
    counted = [[2, 3], [1, 2]]  # no, yes
    frame = history.to_frame(voter="vote.seat")
    assert frame[["votes.no", "votes.yes"]].values.tolist() == counted
    assert frame[[*history.decisions]].equals(history.decisions)
    written = pd.read_csv(history.to_csv(tmp_path / "seats.csv", voter="vote.seat"))
    assert written[["votes.no", "votes.yes"]].values.tolist() == counted
    made = [one.decision for _, one in history.envelopes(derive="plurality", voter="vote.seat")]
    assert [(one.recommendation, one.confidence) for one in made] == [("yes", 3 / 5), ("yes", 2 / 3)]
    again = lab.read(history.to_ndjson(tmp_path / "s.ndjson", derive="plurality", voter="vote.seat"))
    assert again.to_frame(voter="vote.seat")[["votes.no", "votes.yes"]].values.tolist() == counted
    for ask in history.to_frame, lambda **kw: history.to_csv(tmp_path / "no.csv", **kw):
        with pytest.raises(OptionError, match=r"vote\.chair"):
            ask(voter="vote.chair")


def test_no_decision_no_row():
    assert len(panel(VOTES.head(0)).to_frame()) == 0


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+1+1",
        "-1-1",
        "-1\n",
        "-A1",
        "'-1",
        "-1,5",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\n=1",
        "\uff1d1",
        "-\u0661",
    ],
)
def test_what_a_spreadsheet_would_run_is_defused(tmp_path, text):
    history = panel(VOTES.assign(question=[text] * 3 + ["bus"] * 3))
    history.decisions["=head"] = -1.5
    written = history.to_csv(tmp_path / "votes.csv")
    read = pd.read_csv(written, dtype={"question": str})
    assert read["question"].tolist() == ["'" + text, "bus"]
    assert read["'=head"].tolist() == [-1.5, -1.5]  # numbers are none
    as_it_is = pd.read_csv(history.to_csv(tmp_path / "plain.csv", formulas=True))
    assert as_it_is["question"].astype(str).str.strip().tolist()[0] == str(pd.Series([text]).str.strip()[0])


@pytest.mark.parametrize("kind", [object, "string", "category", pd.ArrowDtype(pa.string())], ids=str)
def test_texts_of_a_users_own_types_are_defused(tmp_path, kind):
    history = panel()
    history.decisions["own"] = pd.Series(["=1+1", None, "x"], dtype=kind)
    read = pd.read_csv(history.to_csv(tmp_path / "votes.csv"))
    assert read["own"].fillna("").tolist() == ["'=1+1", "", "x"]


def test_so_are_those_of_a_column_whose_name_is_no_text(tmp_path):
    history = panel()
    history.decisions[7] = ["=1+1", "x", "y"]
    read = pd.read_csv(history.to_csv(tmp_path / "votes.csv"))
    assert read["7"].tolist() == ["'=1+1", "x", "y"]
    assert len(read.columns) == len(history.to_frame().columns)


@pytest.mark.parametrize("number", ["-1", "+3.5", "-.5", "-5.", "+1e-3", "-2E10"])
def test_a_plain_number_is_no_formula(tmp_path, number):
    history = panel(VOTES.assign(vote=[number, number, "=1", number, "no", None]))
    history.decisions["chosen"] = pd.Series([number, number, "=1"], dtype="str")
    read = pd.read_csv(history.to_csv(tmp_path / "votes.csv"), dtype=str)
    assert read["chosen"].tolist() == [number, number, "'=1"]
    assert read[f"votes.{number}"].tolist() == ["2", "0", "0"]


def test_what_cannot_be_is_refused(tmp_path):
    many = pd.DataFrame({"question": "q", "who": range(1_001), "vote": range(1_001)})
    with pytest.raises(OptionError, match="there are 1,001, more than 1,000"):
        panel(many).to_frame()
    history = panel()
    history.decisions["votes.yes"] = 1
    with pytest.raises(OptionError, match=r"a column 'votes\.yes' already"):
        history.to_frame()
    with pytest.raises(SourceError, match="cannot write"):
        panel().to_csv(tmp_path / "none" / "votes.csv")
