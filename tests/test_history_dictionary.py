"""The dictionary of a history: every column that is there, in words."""

import pytest
from histories import sample

import mastermind_lab as lab
from mastermind_lab.errors import OptionError
from mastermind_lab.frames import FRAMES


def test_it_describes_what_a_history_has():
    history = lab.read(
        ['{"decision": {"recommendation": "a", "confidence": 1}, "meta": {"x": 1, "y": [2]}}',
         '{"decision": {"recommendation": "b", "confidence": 0.5, "question": "why"}}', "broken"]
    )  # fmt: skip
    history.decisions["mine"] = [True, False]
    table = lab.dictionary(history).set_index(["frame", "column"])
    assert [*table.index] == [(name, column) for name in FRAMES for column in history[name]]
    rows = table.loc["decisions"]
    assert rows.loc["question", ["type", "missing", "example"]].tolist() == ["str", 0.5, "why"]
    assert rows.loc["meta.x", ["type", "missing", "example"]].tolist() == ["Int64", 0.5, "1"]
    assert rows.loc["meta.y", ["meaning", "example"]].tolist() == ["as it came, as JSON text", "[2]"]
    assert rows.loc["mine", "meaning"] == "a column of your own"
    assert table.loc[("rejects", "reason"), "example"] == "not_json"


def test_an_empty_history_has_no_examples():
    table = lab.dictionary(lab.read([]))
    assert table["example"].isna().all()
    assert table["missing"].isna().all()


@pytest.mark.parametrize("make", [lambda: sample(1).decisions, lambda: lab.scan(lab.history.sample_folder())])
def test_what_is_no_history_is_refused(make):
    other = make()
    with pytest.raises(OptionError, match=f"not a {type(other).__name__}: of a scan give it a batch"):
        lab.dictionary(other)
