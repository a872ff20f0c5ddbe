"""A table of votes, whoever made it, becomes a history in which nothing is invented."""

import copy
import gzip
from datetime import date
from decimal import Decimal
from inspect import signature

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from command_line import run
from histories import same
from pandas.testing import assert_frame_equal
from telling import telling

import mastermind_lab as lab
from mastermind_lab import charts, stats
from mastermind_lab.errors import NothingDecodedWarning, OptionError, SourceError
from mastermind_lab.records import text_bytes
from mastermind_lab.records.note import _seats

NAMED = {"decision": "question", "voter": "worker", "choice": "answer"}
ROWS = {
    "question": ["tram", "tram", "tram", "bus", "bus", "ferry"],
    "worker": ["Ada", "Bo", "Chi", "Ada", "Bo", "Ada"],
    "answer": ["yes", "yes", "no", "no", "no", "007"],
    "sure": [0.5, 1.0, None, 0.25, 0.0, 0.75],
    "kind": ["rail", "rail", "rail", "road", "road", "water"],
    "seconds": [3, 4, 5, 6, 7, 8],
}


def votes(**columns):
    return pd.DataFrame(ROWS | columns)


def made(table=None, **options):
    return lab.from_votes(votes() if table is None else table, **(NAMED | options))


def note(history):
    return history.coverage["note"].item()


# What comes in, by whatever door.


def written(folder, kind):
    frame, path = votes(), folder / f"votes.{kind}"
    if kind == "parquet":
        frame.to_parquet(path)
    elif kind == "jsonl":
        frame.to_json(path, orient="records", lines=True)
    elif kind == "csv.gz":
        frame.to_csv(path, index=False)
    else:
        frame.to_csv(path, index=False, sep={"csv": ",", "tsv": "\t", "ssv": ";", "psv": "|"}[kind])
    return path


@pytest.mark.parametrize("kind", ["parquet", "jsonl", "csv", "tsv", "ssv", "psv", "csv.gz"])
def test_a_file_says_by_its_content_what_it_is(tmp_path, kind):
    path = written(tmp_path, kind).rename(tmp_path / "votes.dat")
    history = made(path, confidence="sure")
    same(made(confidence="sure"), history, ("decisions", "votes", "rejects"))
    assert history.coverage["source"].item() == str(path)


@pytest.mark.parametrize("table", [pl.DataFrame, pa.table, lambda rows: duckdb.from_arrow(pa.table(rows))])
def test_any_table_with_an_arrow_stream_is_read(table):
    same(made(confidence="sure"), made(table(ROWS), confidence="sure"), ("decisions", "votes", "rejects"))


def test_a_table_becomes_the_five_frames():
    history = made(confidence="sure")
    assert history.decisions["stream_id"].tolist() == ["0-1", "0-4", "0-6"]
    assert history.decisions[["question", "n_votes", "decision.kind"]].values.tolist() == [
        ["tram", 3, "rail"], ["bus", 2, "road"], ["ferry", 1, "water"],
    ]  # fmt: skip
    assert history.votes["position"].tolist() == [0, 1, 2, 0, 1, 0]
    assert history.votes["voter"].tolist() == ROWS["worker"]
    assert history.votes["choice"].tolist() == ROWS["answer"]
    assert history.votes["confidence"].tolist() == pytest.approx([0.5, 1, np.nan, 0.25, 0, 0.75], nan_ok=True)
    assert history.votes["vote.seconds"].dtype == "Int64"
    assert note(history) == "6 rows read, 6 of them votes in 3 decisions"
    assert history.coverage["entries"].item() == 3


def test_nothing_is_invented():
    history = made()
    unsaid = ["recommendation", "confidence", "published_at", "streamed_at", "correlation_id", "rationale"]
    assert history.decisions[unsaid].isna().all(axis=None)
    assert history.votes[["confidence", "rationale"]].isna().all(axis=None)
    assert history.votes["weight"].tolist() == [1.0] * 6  # what the contract says of a vote without one
    for frame in ("decisions", "votes"):
        declared = lab.read([]).__getitem__(frame).dtypes
        assert history[frame].dtypes[declared.index].equals(declared)


def test_rows_of_a_decision_may_lie_anywhere():
    mixed = votes().iloc[[3, 0, 5, 1, 4, 2]].reset_index(drop=True)
    history = made(mixed)
    assert history.decisions["question"].tolist() == ["bus", "tram", "ferry"]
    assert history.decisions["stream_id"].tolist() == ["0-1", "0-2", "0-3"]
    assert history.votes["voter"].tolist() == ["Ada", "Bo", "Ada", "Bo", "Chi", "Ada"]
    assert history.votes["vote.seconds"].tolist() == [6, 7, 3, 4, 5, 8]


def test_many_rows_in_any_order_are_the_same_decisions():
    random = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "question": random.integers(0, 400, 6_000),
            "part": random.choice(["a", "b"], 6_000),
            "worker": [f"w{place}" for place in range(6_000)],
            "answer": random.choice(["yes", "no", "maybe"], 6_000),
            "why": [f"because of {place}" for place in range(6_000)],
        }
    )
    history = made(frame, decision=["question", "part"], rationale="why")
    expected = frame.groupby(["question", "part"], sort=False)
    assert history.decisions["n_votes"].tolist() == expected.size().tolist()
    assert history.decisions["question"].tolist() == [str(key) for key, _ in expected.size().index]
    assert history.decisions["decision.part"].tolist() == [part for _, part in expected.size().index]
    told = pd.concat([group for _, group in expected])
    assert history.votes["rationale"].tolist() == told["why"].tolist()
    assert history.votes["choice"].tolist() == told["answer"].tolist()


KEYS = {
    "short": "{}",
    "of one end": "Is picture number {} one of a cat?",
    "that differ late": "x" * 300 + "{}",
    "that differ in the middle": "a question {} " + "x" * 300,
    "of zero bytes": "\0{}\0",
    "not of ASCII": "Für wen {} stimmen?",
    "dates": "2026-01-01 00:00:00.{:06}",
}


def in_order(rows, order, random):
    if order == "by decision":
        return np.arange(rows)
    size = 3 if order == "in blocks" else 1
    return np.argsort(random.permutation(rows // size + 1)[np.arange(rows) // size], kind="stable")


@pytest.mark.once
@pytest.mark.parametrize("order", ["by decision", "in blocks", "shuffled"])
@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
def test_rows_are_gathered_as_one_at_a_time_would_be(key, order):
    random = np.random.default_rng(len(key))
    for rows in (1, 8, 30_000 if key == KEYS["of one end"] else 7_000):
        keys = [key.format(place // 7 * 2**9) if place % 101 != 100 else None for place in range(rows)]
        frame = pd.DataFrame({"question": keys, "worker": "Ada", "answer": range(rows)})
        frame = frame.iloc[in_order(rows, order, random)].astype({"question": "str"})
        history = made(frame)
        given = frame.assign(row=np.arange(rows) + 1).dropna()
        first = given.drop_duplicates("question")
        assert history.decisions["question"].tolist() == first["question"].tolist()
        assert history.decisions["stream_id"].tolist() == [f"0-{row}" for row in first["row"]]
        number = {question: place for place, question in enumerate(first["question"])}
        told = given.sort_values("question", key=lambda column: column.map(number), kind="stable")
        assert history.votes["choice"].tolist() == told["answer"].astype("str").tolist()
        assert len(history.rejects) == rows - len(given)


def test_decisions_stay_apart_where_their_names_are_mixed_to_one_number(monkeypatch):
    monkeypatch.setattr(text_bytes, "_mixed", lambda numbers: [*numbers][3] % np.uint64(9) << np.uint64(59))
    test_rows_are_gathered_as_one_at_a_time_would_be(KEYS["of one end"], "shuffled")


def test_texts_are_found_by_their_ends_wherever_they_lie(monkeypatch):
    monkeypatch.setattr(text_bytes, "_BLOCK", 2)
    column = pa.array(["{x}", "x", "[1]", "{y", "", "{}", "}"], pa.large_string())
    assert text_bytes.may_be(column, b"{[", b"}]").tolist() == [0, 2, 5]


@pytest.mark.parametrize("order", ["by decision", "shuffled"])
def test_a_decision_that_comes_again_is_the_same_however_long_others_are(order):
    between = [f"{place:012}" for place in range(20_000)]
    keys = np.repeat(["the first", *between, *("x" * length for length in range(1, 21)), "the first"], 3)
    frame = pd.DataFrame({"question": keys, "worker": "Ada", "answer": "yes"})
    history = made(frame.iloc[in_order(len(keys), order, np.random.default_rng(0))])
    assert len(history.decisions) == len({*keys})
    assert history.decisions.set_index("question")["n_votes"]["the first"] == 6


def test_what_tells_decisions_apart_stands_under_its_name():
    keyed = votes(item=[1, 1, 1, 2, 2, 1])
    history = made(keyed, decision=["question", "item"])
    assert history.decisions["question"].tolist() == ["tram", "bus", "ferry"]
    assert history.decisions["decision.item"].tolist() == [1, 2, 1]
    history = made(keyed.rename(columns={"question": "q.id"}), decision="q.id")
    assert history.decisions['decision."q.id"'].tolist() == ["tram", "bus", "ferry"]


def test_names_of_decisions_that_say_nothing_new_are_declared_ones():
    assert made(votes(item=[1, 1, 1, 2, 2, 3]), decision="item").decisions["question"].tolist() == [
        "tram", "bus", "ferry",
    ]  # fmt: skip


def test_a_column_is_a_fact_of_decisions_only_where_it_says_one_thing():
    history = made(votes(a=["x", None, "x", "y", "y", "z"], b=[None] * 3 + ["y", "y", "z"]))
    assert "vote.a" in history.votes
    assert history.decisions["decision.b"].fillna("-").tolist() == ["-", "y", "z"]


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        ([1, 2, 2, 1, 1, 1], ["1", "2", "2", "1", "1", "1"]),
        ([1.0, 2.0, 2.5, 1e21, 1.0, 0.0], ["1", "2", "2.5", str(10**21), "1", "0"]),
        ([True, False, True, True, True, True], ["true", "false", "true", "true", "true", "true"]),
        ([1, "1", "a", True, 2.0, "b"], ["1", "1", "a", "true", "2", "b"]),
        ([date(2026, 1, 2)] * 6, ["2026-01-02"] * 6),
    ],
)
def test_choices_that_are_no_texts_are_spelled_as_texts(values, texts):
    history = made(votes(answer=pd.Series(values, dtype=object if len({*map(type, values)}) > 1 else None)))
    assert history.votes["choice"].tolist() == texts
    assert len(history.rejects) == 0


def test_categories_decimals_and_large_numbers_are_read():
    frame = votes(
        worker=pd.Categorical(ROWS["worker"]),
        cost=[Decimal("1.5")] * 5 + [Decimal("2.5")],
        token=np.array([2**64 - 1, 1, 2, 3, 4, 5], np.uint64),
        tags=[["a"], [], None, ["b"], ["c", "d"], []],
    )
    history = made(frame)
    assert history.votes["voter"].tolist() == ROWS["worker"]
    assert history.decisions["decision.cost"].tolist() == [1.5, 1.5, 2.5]
    assert history.votes["vote.tags"].tolist()[3:] == ['["b"]', '["c","d"]', "[]"]
    assert "vote.tags" in history.json_columns
    assert history.votes["vote.token"].tolist()[0] in (2.0**64, str(2**64 - 1))


def test_values_of_any_kind_are_read_or_refused_by_the_name_of_their_column():
    odd = [{"a": 1}, np.array([1, 2]), pd.NaT, 1 + 2j, (1, 2), 2**70]
    assert made(votes(odd=odd, none=None)).votes["vote.odd"].tolist()[:2] == ['{"a":1}', "[1,2]"]
    with pytest.raises(OptionError, match=r"column 'odd' cannot be read: .*surrogates.*: make text"):
        made(votes(odd=pd.Series(["\ud800", *"abcde"], dtype=object)))
    with pytest.raises(OptionError, match=r"abstain=\[1, 2\]: expected values of the column of choices"):
        made(abstain=[[1, 2]])


def test_columns_without_names_are_named_by_their_numbers():
    history = made(pd.DataFrame(votes().to_numpy()), decision="0", voter="1", choice="2")
    assert history.decisions["decision.0"].tolist() == ["tram", "bus", "ferry"]
    assert history.votes["vote.5"].tolist() == [3, 4, 5, 6, 7, 8]


def test_a_named_index_is_a_column():
    assert_frame_equal(made(votes().set_index(["question", "worker"])).votes, made().votes)


def test_two_levels_of_an_index_that_have_one_name_are_refused():
    votes = pd.DataFrame(
        {"w": ["a"], "c": ["x"]}, index=pd.MultiIndex.from_tuples([(1, 2)], names=["q", "q"])
    )
    with pytest.raises(OptionError, match="votes has several columns 'q': give each a name of its own"):
        lab.from_votes(votes, decision="q", voter="w", choice="c")


def test_csv_keeps_what_looks_like_a_number_but_is_a_name(tmp_path):
    path = tmp_path / "votes.csv"
    path.write_text('question,worker,answer,zip,share\n1,007,NA,010,0.5\n1,7,"",020,0.25\n2,7,None,030,\n')
    history = made(path, abstain=None)
    assert history.votes["voter"].tolist() == ["007", "7", "7"]
    assert history.votes["choice"].fillna("-").tolist() == ["NA", "-", "None"]
    assert history.votes["vote.zip"].tolist() == ["010", "020", "030"]
    assert history.votes["vote.share"].tolist()[:2] == [0.5, 0.25]


@pytest.mark.parametrize("keys", [["1.1", "1.10", "2"], ["1e5", "100000", "3"], ["true", "TRUE", "false"]])
def test_what_tells_decisions_apart_in_csv_is_a_number_only_if_spelled_as_one(tmp_path, keys):
    pd.DataFrame({"case": keys, "who": "Ada", "what": "yes"}).to_csv(tmp_path / "votes.csv", index=False)
    pd.DataFrame({"case": keys[1:2], "town": ["Ulm"]}).to_csv(tmp_path / "facts.csv", index=False)
    named = {"decision": "case", "voter": "who", "choice": "what"}
    history = lab.from_votes(tmp_path / "votes.csv", **named, decisions=tmp_path / "facts.csv")
    assert history.decisions["decision_id"].tolist() == history.decisions["decision.case"].tolist() == keys
    assert history.decisions["decision.town"].fillna("-").tolist() == ["-", "Ulm", "-"]


def test_whole_numbers_that_a_column_of_floats_spells_name_the_same_decisions(tmp_path):
    (tmp_path / "votes.csv").write_text("case,who,what\n1,Ada,yes\n2,Ada,no\n")
    (tmp_path / "facts.csv").write_text("case,town\n2.0,Ulm\n")
    named = {"decision": "case", "voter": "who", "choice": "what"}
    history = lab.from_votes(tmp_path / "votes.csv", **named, decisions=tmp_path / "facts.csv")
    assert history.decisions["decision.town"].fillna("-").tolist() == ["-", "Ulm"]


def test_the_two_zeros_are_one_decision(tmp_path):
    cases = votes(question=[0.0, -0.0, 1.0, 1.0, -0.0, 0.0])
    history = made(cases, decisions=pd.DataFrame({"question": [1], "town": ["Ulm"]}))
    assert history.decisions["question"].tolist() == ["0", "1"]
    assert history.decisions["n_votes"].tolist() == [4, 2]
    assert history.decisions["decision.town"].fillna("-").tolist() == ["-", "Ulm"]


# What the columns mean.


def test_abstentions_are_kept_and_counted():
    history = made(abstain=["no", 7])
    assert history.votes["choice"].fillna("-").tolist() == ["yes", "yes", "-", "-", "-", "007"]
    assert history.votes["vote.abstained"].fillna("-").tolist() == ["-", "-", "no", "no", "no", "-"]
    assert "3 abstained" in note(history)
    assert stats.Votes.of(history).table()["choice"].tolist() == ["yes", "007"]
    missing = made(votes(answer=["yes", None, "no", "no", "no", "no"]), abstain=[None])
    assert missing.votes["vote.abstained"].notna().tolist() == [False, True, False, False, False, False]
    assert len(missing.rejects) == 0


def test_a_recommendation_is_what_the_panel_decided():
    history = made(votes(panel=["yes", None, "yes", "no", "no", None]), recommendation="panel")
    assert history.decisions["recommendation"].fillna("-").tolist() == ["yes", "no", "-"]
    with pytest.raises(
        OptionError, match=r"recommendation='answer' says more than one thing of 1 decisions, .*row 1"
    ):
        made(recommendation="answer")


@pytest.mark.parametrize(
    "times",
    [
        pd.date_range("2026-03-01T10:00", periods=6, freq="min"),
        pd.date_range("2026-03-01T11:00", periods=6, freq="min", tz="Etc/GMT-1"),
        [f"2026-03-01T10:0{minute}:00" for minute in range(6)],
        [f"2026-03-01T11:0{minute}:00+01:00" for minute in range(6)],
        [1_772_359_200 + 60 * minute for minute in range(6)],
    ],
)
def test_the_last_vote_says_when_a_decision_was_made(times):
    history = made(votes(at=times), time="at")
    assert history.decisions["published_at"].dt.strftime("%F %R").tolist() == [
        "2026-03-01 10:02", "2026-03-01 10:04", "2026-03-01 10:05",
    ]  # fmt: skip
    assert "vote.at" in history.votes


def test_facts_about_decisions_and_voters_stand_beside_them():
    of_decisions = pd.DataFrame(
        {"question": ["bus", "tram", "boat"], "recommendation": ["no", "yes", "no"], "topic": ["b", "t", "o"]}
    )
    of_voters = pl.DataFrame({"worker": ["Bo", "Ada"], "family": ["llama", "human"]})
    history = made(decisions=of_decisions, voters=of_voters)
    assert history.decisions["recommendation"].fillna("-").tolist() == ["yes", "no", "-"]
    assert history.decisions["decision.topic"].fillna("-").tolist() == ["t", "b", "-"]
    assert history.votes["vote.family"].fillna("-").tolist() == [
        "human", "llama", "-", "human", "llama", "human",
    ]  # fmt: skip
    assert "decisions: 2 of 3 are in the table of facts, 1 of 3 of its rows match none" in note(history)
    assert "voters: 2 of 3 are in the table of facts, 0 of 2 of its rows match none" in note(history)
    assert stats.Votes.of(history, by="vote.family").table()["vote.family"].tolist()[0] == "human"


def test_decisions_with_several_keys_are_joined_by_all_of_them():
    frame = votes(part=["a", "b", "a", "a", "a", "a"])
    facts = pd.DataFrame({"part": ["a", "b"], "question": ["tram", "tram"], "confidence": [0.5, 0.75]})
    history = made(frame, decision=["question", "part"], decisions=facts)
    assert history.decisions["confidence"].tolist()[:2] == [0.5, 0.75]


# Bad input: an error that says what to do, or a reject; the neighbours are unharmed.


def test_a_row_that_is_no_vote_is_a_reject_and_its_neighbours_are_votes():
    frame = votes(
        question=["tram", None, "tram", "bus", "", "ferry"],
        worker=["Ada", "Bo", None, "Ada", "Bo", "Ada"],
        answer=["yes", "yes", "no", None, "no", "no"],
    )
    history = made(frame)
    assert history.votes["choice"].tolist() == ["yes", "no"]
    assert history.rejects[["stream_id", "reason"]].values.tolist() == [
        ["0-2", "no_decision"], ["0-3", "no_voter"], ["0-4", "no_choice"], ["0-5", "no_decision"],
    ]  # fmt: skip
    assert history.rejects["detail"][2] == (
        "answer: expected a choice, or a value that abstain= names, there is nothing"
    )
    assert b'"worker":"Ada"' in history.rejects["payload"][2]
    assert note(history) == (
        "6 rows read, 2 of them votes in 2 decisions, 4 unusable (1 no_choice, 2 no_decision, 1 no_voter)"
    )
    assert history.coverage["entries"].item() == 6


@pytest.mark.once
@pytest.mark.parametrize(
    ("column", "values", "option", "detail"),
    [
        ("sure", [0.5, 85, 1, 0, 1, 1], {"confidence": "sure"}, "from 0 to 1 (of percent"),
        ("sure", ["0.5", "high", "1", "0", " 1", "+.5"], {"confidence": "sure"}, "there is 'high'"),
        ("sure", [1, -1, 1, 2, 3, 4], {"weight": "sure"}, "of 0 or more, there is -1"),
        (
            "sure",
            ["1", "0,7", "1", "0", "1", "1"],
            {"confidence": "sure"},
            "a comma where a decimal point is ",
        ),
        ("sure", ["1", "1,5", "1", "0", "1", "1"], {"weight": "sure"}, "read: write 1.5 (pandas.read_csv("),
        ("sure", ["1", "1,234"] + ["1"] * 4, {"weight": "sure"}, "1.234, or 1234 if it divides thousands (p"),
        ("sure", ["1", "1234,567"] + ["1"] * 4, {"weight": "sure"}, "read: write 1234.567 (pandas"),
        ("sure", [1, float("inf"), 1, 2, 3, 4], {"weight": "sure"}, "of 0 or more, there is inf"),
        ("sure", [1, 1.5, 1, 2, 3, 4], {"round": "sure"}, "a whole number, there is 1.5"),
        ("sure", [1, 2.0**60, 1, 2, 3, 4], {"round": "sure"}, "a whole number, there is 1.15"),
        ("sure", [1, -(2.0**60), 1, 2, 3, 4], {"round": "sure"}, "a whole number, there is -1.15"),
        ("sure", ["2026-01-01", "soon"] + ["2026-01-01"] * 4, {"time": "sure"}, "there is 'soon'"),
        ("sure", [1.8e9, 2026, 1.8e9, 1.8e9, 1.8e9, 1.8e9], {"time": "sure"}, "there is 2026"),
        (
            "sure",
            [1.8e9, 1.8e12] + [1.8e9] * 4,
            {"time": "sure"},
            "(of milliseconds, divide the column by 1,000)",
        ),
        (
            "sure",
            ["2026-01-01", "31/12/2025"] + ["2026-01-01"] * 4,
            {"time": "sure"},
            "(pandas.to_datetime makes",
        ),
        ("answer", ["a", ["a", "b"], "a", "a", "a", "a"], {}, "one choice, not several"),
    ],
)
def test_a_value_that_cannot_be_is_a_reject(column, values, option, detail):
    history = made(votes(**{column: values}), **option)
    assert history.rejects[["stream_id", "reason"]].values.tolist() == [["0-2", "invalid"]]
    assert detail in history.rejects["detail"].item()
    assert len(history.votes) == 5


def test_a_voter_who_votes_twice_is_kept_and_counted():
    history = made(votes(worker=["Ada", "Ada", "Chi", "Ada", "Bo", "Ada"]))
    assert len(history.votes) == 6
    assert "1 repeated (of a voter's votes in a decision, equal ones count once and" in note(history)
    twice = made(votes(worker=["Ada", "Bo", "Bo", "Ada", "Ada", "Ada"]))  # Bo: yes and no; Ada: no and no
    table = stats.Votes.of(twice).table()
    assert dict(zip(table["choice"], table["n"], strict=True)) == {"yes": 1, "no": 1, "007": 1}
    assert "2 repeated (" in note(twice)


def test_choices_that_spell_a_missing_cell_are_counted_and_kept(tmp_path):
    spelled = ["NA", "NaN", " ", "None", "no", "NAB"]
    history = made(votes(answer=spelled))
    assert history.votes["choice"].tolist() == spelled
    assert note(history).endswith('4 choices spell a missing cell (" ", "NA", "NaN", "None"): '
                                  "abstain= takes them out")  # fmt: skip
    assert "1 choice spells" in note(made(votes(answer=["null", *"abcde"])))
    assert "spell" not in note(made(votes(answer=spelled), abstain=spelled[:4]))
    every = ["<NA>", "#N/A", "N/A", "NA", "NaN", "nan", "null", "NULL", "None", " ", "\t\r\n\f"]
    others = ["N", "none", "Nope", "<A>", "#NA", "NULL ", " a ", "naan", "#N/L", "", None]
    table = pd.DataFrame({"answer": every + others, "worker": "Ada", "question": "tram"})
    assert f"{len(every)} choices spell" in note(made(table))
    path = tmp_path / "votes.csv"
    votes(answer=spelled).to_csv(path, index=False)
    assert "4 choices spell a missing cell" in note(made(path))


def test_voters_and_decisions_that_spell_a_missing_cell_are_counted():
    history = made(
        votes(question=["tram", None, "bus"] * 2, worker=["Ada", "Bo", "nan"] * 2).astype(object).map(str)
    )
    assert '2 voters spell a missing cell ("nan"): leave such rows out' in note(history)
    assert '2 questions spell a missing cell ("nan"): leave such rows out' in note(history)
    assert "spell" not in note(made())
    assert "spell" not in note(made(votes(question=[1, 2, 3] * 2)))


NAMES = {
    "short": ["a", "b", "ab", "ba", "é"],
    "of one end": ["llama-3.1-70b-instruct", "llama-3.3-70b-instruct", "qwen-2.5-72b-instruct"],
    "of other lengths": ["worker-1", "worker-11", "orker-1", "rker-11x", "x" * 40, "y" + "x" * 39],
    "numbers": [*range(40)],
}


@pytest.mark.once
@pytest.mark.parametrize("names", NAMES.values(), ids=NAMES)
@pytest.mark.parametrize("many", [3, 40])
def test_repeated_votes_are_counted_whatever_voters_are_called(names, many):
    random = np.random.default_rng(5)
    rows = 3_000
    frame = pd.DataFrame({"question": np.arange(rows) // many, "answer": "yes"})
    frame["worker"] = [names[one] for one in random.integers(0, len(names), rows)]
    for some in (frame, frame[1:], frame.sample(frac=1, random_state=5)):
        repeated = int(some.duplicated(["question", "worker"]).sum())
        assert f", {repeated:,} repeated" in note(made(some))
    assert "repeated" not in note(made(frame.drop_duplicates(["question", "worker"])))


def test_seats_beyond_four_thousand_million_stay_apart():
    seats = _seats([pa.array(["Ada", "Bo", "Ada"])], np.array([0, 0, 2**31]))
    assert len({*seats.tolist()}) == 3


def test_a_frame_that_is_changed_afterwards_changes_no_history():
    table = votes(seconds=[3.5, 4, 5, 6, 7, 8], day=pd.date_range("2026-01-01", periods=6, unit="us"))
    table["level"] = pd.array([1, 2, 3, 4, 5, 6], "Int64")
    history, other = (made(one, confidence="sure") for one in (table, table.copy()))
    for column, value in {"sure": 1.0, "seconds": 0.0, "level": 9, "day": pd.Timestamp("2030-01-01")}.items():
        table.loc[0, column] = value
    same(history, other)


@pytest.mark.parametrize(
    "table", [pd.DataFrame, pa.table, pl.DataFrame, lambda rows: pd.DataFrame(rows, copy=False)]
)
def test_numbers_that_are_changed_afterwards_change_no_history(table):
    given = {
        "sure": np.array([0.5, 1, 0.75, 0.25, 0, 0.75]),
        "rank": np.arange(6),
        "day": np.arange("2026-01-01", "2026-01-07", dtype="datetime64[D]").astype("datetime64[us]"),
    }
    texts = {name: ROWS[name] for name in NAMED.values()}
    facts = {"worker": ["Ada", "Bo", "Chi"], "age": np.array([20.5, 30, 40])}
    history, other = (
        made(table(texts | some), confidence="sure", voters=table(facts | {"age": age}))
        for some, age in ((given, facts["age"]), (copy.deepcopy(given), facts["age"].copy()))
    )
    for column in [*given.values(), facts["age"]]:
        column[:] = column[-1]
    same(history, other)


@pytest.mark.parametrize("role", ["votes", "decisions", "voters"])
def test_a_type_that_arrow_lacks_is_refused_by_the_name_of_its_column(role):
    odd = pl.DataFrame(ROWS | {"size": pl.Series(range(6), dtype=pl.Int128)})
    tables = {"votes": votes()} | {role: odd}
    with pytest.raises(OptionError, match=rf"^{role}: column 'size' is of a type .*: cast it to another"):
        lab.from_votes(**tables, **NAMED)


def test_a_column_that_is_not_there_is_answered_with_the_one_that_was_meant():
    with pytest.raises(
        OptionError, match=r"voter='workr': votes has no such column: did you mean 'worker'\?"
    ):
        made(voter="workr")
    with pytest.raises(OptionError, match=r"decision='item': .*there are question, worker, answer, sure"):
        made(decision=["question", "item"])
    with pytest.raises(OptionError, match=r"decision='question': decisions has no such column"):
        made(decisions=pd.DataFrame({"id": ["bus"], "topic": [1]}))
    with pytest.raises(OptionError, match=r"there are question, text$"):
        made(votes().assign(text="")[["question", "text"]])


@pytest.mark.parametrize("delimiter", ["^", " "])
def test_another_delimiter_is_named(tmp_path, delimiter):
    votes().to_csv(tmp_path / "votes.csv", index=False, sep=delimiter)
    with pytest.raises(
        OptionError, match=r"there are question.worker\S*.*, one column: .* may be commas, semi"
    ):
        made(tmp_path / "votes.csv")


@pytest.mark.once
@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"decision": []}, "expected the name of a column, or several"),
        (
            {"decision": 3},
            'decision=3: expected .*, or several; a column that is called 3 is named as text, "3"',
        ),
        (
            {"decision": ["question", 3]},
            'decision=3: expected the name of a column; .* is named as text, "3"',
        ),
        (
            {"ranking": [1, 2]},
            r'ranking=\[1, 2\]: expected .*; a column that is called 1 is named as text, "1"',
        ),
        (
            {"score": {"yes": 1}},
            'score=.* and their columns; a column that is called 1 is named as text, "1"',
        ),
        ({"voter": None}, "voter=None: expected the name of a column"),
        ({"confidence": 0.5}, "confidence=0.5: expected the name of a column"),
        ({"voter": "answer"}, "'answer' is named twice"),
    ],
)
def test_a_name_that_makes_no_sense_is_refused(options, said):
    with pytest.raises(OptionError, match=said):
        made(**options)


def test_tables_of_facts_that_do_not_fit_are_refused():
    with pytest.raises(
        OptionError, match=r"decisions=: no row of .*, by question: they have 'tram', and it has 'tram 1'"
    ):
        made(decisions=pd.DataFrame({"question": ["tram 1"], "topic": [1]}))
    with pytest.raises(OptionError, match=r"voters= has several rows about 1 of them, like 'Ada'"):
        made(voters=pd.DataFrame({"worker": ["Ada", "Ada"], "family": ["a", "b"]}))
    with pytest.raises(OptionError, match="confidence holds '85', and 1 such: expected numbers from 0 to 1"):
        made(decisions=pd.DataFrame({"question": ["tram"], "confidence": [85]}))
    with pytest.raises(
        OptionError, match=r"holds '0,7', with a comma .*: write 0\.7 .*, and 1 such: expected"
    ):
        made(decisions=pd.DataFrame({"question": ["tram"], "confidence": ["0,7"]}))
    with pytest.raises(OptionError, match=r"'decision\.kind' of decisions would come from two tables"):
        made(decisions=pd.DataFrame({"question": ["tram"], "kind": ["rail"]}))


@pytest.mark.once
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"\n\n", "is empty"),
        (b"PK\x03\x04rest", "a spreadsheet or an archive: save it as CSV"),
        ("question,worker,answer\ntram,Ada,ja\n".encode("utf-16"), "iconv -f UTF-16"),
        ("question,worker,answer\ntram,Ada,ja\n".encode("utf-16-le"), "UTF-16: iconv -f UTF-16LE"),
        (b"question,worker,answer\ntram,Ada,\xe4\n", "no CSV in UTF-8: iconv -f LATIN1"),
        (b"question,worker,answer,Gr\xf6\xdfe\ntram,Ada,yes,1\n", "no CSV in UTF-8: iconv -f LATIN1"),
        (gzip.compress(b"question,worker,answer\ntram,Ada,yes\n" * 9, mtime=0)[:-9], "cut short"),
        (b"PAR1 and no more", "no readable Parquet"),
    ],
)
def test_a_file_of_another_kind_is_refused_with_what_to_do(tmp_path, content, said):
    path = tmp_path / "votes.csv"
    path.write_bytes(content)
    with pytest.raises(SourceError, match=said):
        made(path)


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(SourceError, match="there is no file"):
        made(tmp_path / "nothing.csv")
    with pytest.raises(
        OptionError, match=r"votes is a LazyFrame: \.collect\(\) makes it a table; expected a pandas"
    ):
        made(pl.DataFrame(ROWS).lazy())
    with pytest.raises(OptionError, match="votes has several columns 'a'"):
        made(pd.DataFrame([[1, 2]], columns=["a", "a"]))


@pytest.mark.parametrize("series", [pd.Series(["x"]), pl.Series(["x"]), pa.chunked_array([["x"]])])
def test_a_column_is_no_table(series):
    with pytest.raises(OptionError, match=r"votes is a (Series|ChunkedArray); expected a pandas frame"):
        made(series)


@pytest.mark.parametrize("indent", [None, 2])
def test_a_json_array_is_told_from_json_lines(tmp_path, indent):
    path = tmp_path / "votes.json"
    votes().to_json(path, orient="records", indent=indent)
    with pytest.raises(SourceError, match=r'is a JSON array: expected JSON lines.*orient="records", lines=T'):
        made(path)
    path.write_text('[1]\n{"question": "tram", "worker": "Ada", "answer": "yes"}\n')
    assert len(made(path).votes) == 1


@pytest.mark.parametrize("first", ["sep=;", "# votes of May", "#a;b;c", "SEP=,"])
def test_a_first_line_that_is_no_header_is_named(tmp_path, first):
    path = tmp_path / "votes.csv"
    path.write_text(f"{first}\nquestion;worker;answer\ntram;Ada;yes\n")
    with pytest.raises(OptionError, match=r"there are .*: the first line looks like none of names"):
        made(path)


@pytest.mark.further
def test_a_file_may_have_many_columns(tmp_path):
    more = [f"a column of some length, number {place}" for place in range(2_000)]
    path = tmp_path / "votes.csv"
    path.write_text("\n".join([";".join([*NAMED.values(), *more]), ";".join(["tram", "Ada", *"1" * 2_001])]))
    history = made(path)
    assert history.votes["choice"].tolist() == ["1"]
    assert [history.decisions[f"decision.{name}"].item() for name in more[::1_999]] == [1, 1]


def test_a_line_of_another_length_is_a_reject(tmp_path):
    path = tmp_path / "votes.csv"
    path.write_text("question,worker,answer\ntram,Ada,yes\ntram,Bo\nbus,Bo,no,really\nbus,Chi,no\n")
    history = made(path)
    assert history.votes["voter"].tolist() == ["Ada", "Chi"]
    assert history.rejects["detail"].tolist() == ["row 2: 2 cells, not 3", "row 3: 4 cells, not 3"]
    assert history.rejects["payload"].tolist() == [b"tram,Bo", b"bus,Bo,no,really"]
    assert history.rejects["stream_id"].tolist() == ["0-2", "0-3"]
    assert history.votes["stream_id"].tolist() == ["0-1", "0-4"]


@pytest.mark.parametrize(
    ("texts", "values"),
    [
        (["0.30000000000000004", "0.50"], [0.30000000000000004, 0.5]),
        (["-1.7976931348623158e-08", "2"], [-1.7976931348623158e-08, 2.0]),
        (["0.1234567890123456789", "1"], ["0.1234567890123456789", "1"]),  # a float has fewer digits
        (["12345678901234.5678", "1"], ["12345678901234.5678", "1"]),
    ],
)
def test_numbers_stay_texts_only_where_a_float_would_lose_digits(tmp_path, texts, values):
    path = tmp_path / "votes.csv"
    path.write_text("question,worker,answer,cost\n" + "".join(f"{n},Ada,x,{n}\n" for n in texts))
    assert made(path).decisions["decision.cost"].tolist() == values


@pytest.mark.once
@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ('q1,A,"yes\nq1,B,no\nq2,A,"no"\nq2,B,yes\n', "begins in line 2 closes in line 4 before 'no\"'"),
        ('q1,A,no\nq1,B,"no" really\n', "begins in line 3 closes in line 3 before 'really'"),
        ('q1,A,5"\nq1,B,"no"x\n', "begins in line 3 closes in line 3 before 'x'"),
        ('q1,A,"yes\nq1,B,no\n', "begins in line 2 is never closed"),
        ('q1,"A""","ye""s","\n"q2","B","no"\n', "begins in line 2 closes in line 3 before 'q2\""),
    ],
)
def test_a_quote_that_swallows_rows_is_refused_with_its_lines(tmp_path, rows, said):
    path = tmp_path / "votes.csv"
    path.write_text("question,worker,answer\n" + rows)
    with pytest.raises(SourceError, match=said):
        made(path)


def test_quoted_cells_are_read_as_they_were_written(tmp_path):
    path = tmp_path / "votes.csv"
    path.write_text('"question","worker",answer\r\nq1,"A ""a""","""yes"",\n\nno"\r\n"q1",5" B,""\r\nq1,C,"x"')
    history = made(path)
    assert history.votes[["voter", "choice"]].values.tolist() == [['A "a"', '"yes",\n\nno'], ["C", "x"]]
    assert history.rejects["reason"].tolist() == ["no_choice"]


def test_a_line_that_is_no_json_object_is_a_reject(tmp_path):
    path = tmp_path / "votes.jsonl"
    good = '{"question": "tram", "worker": "%s", "answer": "yes", "more": %s}\n'
    path.write_text(good % ("Ada", "1") + "{broken\n" + "[1]\n" + good % ("Bo", '"a"'))
    history = made(path)
    assert history.votes["voter"].tolist() == ["Ada", "Bo"]
    assert history.votes["vote.more"].tolist() == ["1", "a"]
    assert history.decisions["stream_id"].tolist() == ["0-1"]
    assert history.rejects[["stream_id", "reason"]].values.tolist() == [
        ["0-2", "not_json"],
        ["0-3", "not_json"],
    ]


def test_a_table_without_rows_is_an_empty_history(tmp_path):
    path = tmp_path / "votes.csv"
    path.write_text("question,worker,answer\n")
    for history in (
        made(path),
        made(votes().head(0)),
        made(pl.DataFrame(ROWS).clear(), time="sure", abstain="x"),
    ):
        assert (len(history), len(history.votes), len(history.rejects)) == (0, 0, 0)
        assert note(history).startswith("0 rows read, 0 of them votes in 0 decisions")
        assert len(stats.Agreement.of(history).table()) == 0


def test_where_no_row_is_a_vote_that_is_said_aloud():
    with pytest.warns(NothingDecodedWarning, match="no_choice"):
        made(votes(answer=[None] * 6))


# Everything downstream takes what was not said.


@pytest.fixture(scope="module")
def judged():
    """Votes without recommendation or confidence, and what was right."""
    random = np.random.default_rng(1)
    frame = pd.DataFrame(
        [
            (f"q{place}", f"w{who}", random.choice(["yes", "no"]), "cat" if place % 2 else "dog")
            for place in range(12)
            for who in range(4)
        ],
        columns=["question", "worker", "answer", "kind"],
    )
    truth = pd.DataFrame({"question": frame["question"].unique(), "correct_choice": "yes"})
    return lab.with_outcomes(made(frame), truth, on="question")


COUNTED = [name for name in stats.__all__ if hasattr(getattr(stats, name), "of")]


@pytest.mark.once
@pytest.mark.parametrize("name", COUNTED)
def test_every_statistic_takes_what_was_not_said(judged, name):
    kind = getattr(stats, name)
    summary = kind.of(judged, **({} if name == "Regimes" else {"by": "decision.kind"}))
    assert isinstance(repr(summary), str)
    getattr(summary, "table", lambda: None)()


OFTEN = ["agreement", "confidence_over_time", "decision", "overview", "reliability", "timing", "voters"]
DRAWN = [name for name in charts.__all__ if name not in ("caption", "save", "sheet")]


@pytest.mark.once
@pytest.mark.parametrize("name", telling(DRAWN, *OFTEN))
@pytest.mark.further
def test_every_chart_takes_what_was_not_said(judged, name):
    chart = getattr(charts, name)
    options = {"by": "decision.kind"} if "by" in signature(chart).parameters else {}
    drawn = chart(judged, "0-1") if name in ("decision", "argument_tree") else chart(judged, **options)
    (drawn.figure if hasattr(drawn, "figure") else drawn).draw_without_rendering()


@pytest.mark.further
def test_such_a_history_is_saved_and_read_merged_and_cut(judged, tmp_path):
    judged.save(tmp_path / "snapshot")
    assert lab.verify(tmp_path / "snapshot").empty
    read = lab.read(tmp_path / "snapshot")
    same(judged, read)
    scan = lab.scan(tmp_path / "snapshot").where("`decision.kind` == 'cat'")
    cats = judged.where("`decision.kind` == 'cat'")
    assert_frame_equal(stats.Agreement.of(scan).table(), stats.Agreement.of(cats).table())
    both = cats + judged.where("`decision.kind` == 'dog'")
    assert len(both) == 12
    assert stats.Agreement.of(both).alpha.value == pytest.approx(stats.Agreement.of(judged).alpha.value)
    assert "missing" in lab.dictionary(judged)
    assert "48 rows read" not in judged._repr_html_()
    mixed = judged + lab.sample(last=3)
    assert mixed.decisions["confidence"].notna().sum() == 3


# On the command line.


def ordered(folder, text):
    (folder / "votes.csv").write_text(text)
    return run("import", "votes.csv", "kept", "--decision", "question", "--voter", "worker",
               "--choice", "answer", "--abstain", "unsure", cwd=folder)  # fmt: skip


COLUMNS = {
    "choice": "answer", "confidence": "sure", "weight": "shares", "rationale": "why", "round": "turn",
    "recommendation": "decided", "time": "at", "abstain": "unsure",
}  # fmt: skip


@pytest.mark.parametrize("left_out", [None, *list(COLUMNS)[1:], "decisions", "voters"])
def test_each_column_that_is_named_is_imported(tmp_path, left_out):
    (tmp_path / "votes.csv").write_text(
        "question,worker,answer,sure,shares,why,turn,decided,at\n"
        "tram,Ada,yes,0.9,2,cheap,1,yes,2026-01-02T10:00Z\ntram,Ada,no,0.6,2,dear,2,yes,2026-01-02T11:00Z\n"
        "tram,Bo,unsure,0.5,1,hm,1,yes,2026-01-02T10:00Z\n"
    )
    facts = {"decisions": "question,city\ntram,Bern\n", "voters": "worker,model\nAda,atlas\nBo,bo\n"}
    for name, text in facts.items():
        (tmp_path / f"{name}.csv").write_text(text)
    options = COLUMNS | {name: tmp_path / f"{name}.csv" for name in facts}
    options.pop(left_out, None)
    asked = [word for name, value in options.items() for word in (f"--{name}", value)]
    found = run(
        "import", "votes.csv", "kept", "--decision", "question", "--voter", "worker", *asked, cwd=tmp_path
    )
    assert found.returncode == 0, found.stderr
    expected = lab.from_votes(tmp_path / "votes.csv", decision="question", voter="worker", **options)
    same(expected, lab.read(tmp_path / "kept"), ("decisions", "votes", "rejects"))


def test_a_table_is_imported(tmp_path):
    found = ordered(tmp_path, "question,worker,answer,turn\ntram,Ada,yes,1\ntram,Bo,unsure,1\n,Bo,no,1\n")
    assert (found.returncode, found.stderr) == (0, "")
    assert found.stdout.splitlines() == [
        "1 decision and 1 reject are in kept",
        "3 rows read, 2 of them votes in 1 decisions, 1 abstained, 1 unusable (1 no_decision)",
    ]
    kept = lab.read(tmp_path / "kept")
    expected = made(tmp_path / "votes.csv", abstain="unsure")
    same(expected, kept, ("decisions", "votes", "rejects"))


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        ("", 1, "error: votes.csv is empty"),
        (
            "question,workr,answer\ntram,Ada,yes\n",
            2,
            "--voter 'worker': votes has no such column: did you mean",
        ),
        ("question,worker,answer\ntram,Ada,\n", 3, "warning: could not decode the only entry of votes.csv"),
    ],
)
def test_what_cannot_be_imported_is_said_in_a_line(tmp_path, text, code, said):
    found = ordered(tmp_path, text)
    assert found.returncode == code
    assert said in " ".join(found.stderr.replace("│", " ").split())
    assert "Traceback" not in found.stderr


def test_an_import_without_a_choice_says_which_option_is_missing(tmp_path):
    (tmp_path / "votes.csv").write_text("q,w\n1,a\n")
    found = run("import", "votes.csv", "kept", "--decision", "q", "--voter", "w", cwd=tmp_path)
    said = " ".join(found.stderr.replace("│", " ").split())
    assert found.returncode == 2
    assert (
        "--choice is missing, the column that says what a vote is for; a table of ballots has --ranking"
        in said
    )
    assert "None" not in said


def test_a_number_among_texts_of_times_is_called_one():
    table = votes(when=["2026-11-20", "1700000000", *["2026-11-21"] * 4])
    (detail,) = made(table, time="when").rejects["detail"].unique()
    assert "a number in a column that mixes texts and numbers" in detail


def test_every_column_that_is_named_is_imported(tmp_path):
    columns = ["confidence", "weight", "rationale", "round", "recommendation", "time"]
    (tmp_path / "votes.csv").write_text(
        "d,v,c,confidence_,weight_,rationale_,round_,recommendation_,time_\n"
        "tram,Ada,yes,0.75,2,because,1,yes,2026-11-20T10:00:00Z\n"
    )
    (tmp_path / "facts.csv").write_text("d,town\ntram,Ulm\n")
    (tmp_path / "people.csv").write_text("v,age\nAda,36\n")
    named = {"decision": "d", "voter": "v", "choice": "c"} | {name: f"{name}_" for name in columns}
    tables = {"decisions": "facts.csv", "voters": "people.csv"}
    options = [word for name, value in (named | tables).items() for word in (f"--{name}", value)]
    found = run("import", "votes.csv", "kept", *options, cwd=tmp_path)
    assert (found.returncode, found.stderr) == (0, "")
    paths = {name: tmp_path / file for name, file in tables.items()}
    expected = lab.from_votes(tmp_path / "votes.csv", **named, **paths)
    same(expected, lab.read(tmp_path / "kept"), ("decisions", "votes", "rejects"))


# Rounds.


REVOTED = pd.DataFrame(
    {
        "question": ["tram"] * 5 + ["bus"] * 3,
        "worker": ["Ada", "Ada", "Bo", "Chi", "Chi", "Ada", "Ada", "Bo"],
        "turn": [1, 2, 1, 2, 3, None, 1, 5],
        "answer": ["no", "yes", "yes", "yes", None, "no", "yes", "yes"],
    }
)


def test_the_last_round_of_a_voter_counts():
    history = made(REVOTED.dropna(subset="turn"), round="turn", abstain=None)
    assert history.votes["vote.round"].tolist() == [1, 2, 1, 2, 3, 1, 5]
    margin = stats.Margin.decisions(history)
    assert margin[["votes", "repeated"]].values.tolist() == [[2, 0], [2, 0]]  # Chi has taken the vote back
    assert margin["unanimous"].tolist() == [True, True]
    assert stats.Votes.of(history).table()[["choice", "n"]].values.tolist() == [["yes", 4]]
    assert stats.Agreement.of(history).repeated == 0
    assert "repeated" not in note(history)


def test_a_vote_without_a_round_is_of_the_first():
    history = made(REVOTED, round="turn", abstain=None)
    assert ", 1 without a round beside one with a round (taken for earlier ones)" in note(history)
    lone = REVOTED.assign(turn=REVOTED["turn"].where(REVOTED["worker"] != "Ada"))
    assert "without a round" not in note(made(lone, round="turn", abstain=None))
    assert stats.Votes.of(history).table()[["choice", "n"]].values.tolist() == [["yes", 4]]


@pytest.mark.parametrize(
    "name", telling(["round", "score", "ranking", "probabilities", "abstained"], "round", "ranking")
)
def test_a_column_that_nobody_named_means_nothing(name):
    values = ['["no"]', '["yes"]'] * 3 if name == "ranking" else [1, 2, 2, 1, 3, 1]
    twice = votes(worker=["Ada", "Ada", "Chi", "Ada", "Bo", "Ada"])
    history = made(twice.assign(**{name: values}), abstain="007")
    plain = made(twice, abstain="007")
    assert history.votes[f"vote.{name}_"].tolist() == values
    assert f", {name} kept as vote.{name}_ (" in note(history)
    same(plain, history.with_frames(votes=history.votes[plain.votes.columns]), ("votes", "rejects"))
    assert_frame_equal(stats.Rules.of(history).table(), stats.Rules.of(plain).table())


def test_a_fact_about_voters_means_nothing_either():
    history = made(voters=pd.DataFrame({"worker": ["Ada", "Bo", "Chi"], "round": [1, 2, 3]}))
    assert history.votes["vote.round_"].tolist() == [1, 2, 3, 1, 2, 1]
    with pytest.raises(OptionError, match=r"two columns would be 'vote\.abstained' of votes"):
        made(votes(**{"vote.abstained": range(6)}), abstain="007")


def test_votes_of_the_same_round_are_repeated():
    history = made(
        votes(worker=["Ada", "Ada", "Chi", "Ada", "Bo", "Ada"], turn=[1, 1, 1, 1, 1, 2]), round="turn"
    )
    assert stats.Voters.of(history).repeated == 1
    assert "1 repeated" in note(history)


def test_what_an_envelope_needs_is_said_where_it_is_missing(judged, tmp_path):
    with pytest.raises(
        OptionError, match=r"missing are recommendation in 12 of 12 .*, confidence in 12 of 12"
    ):
        judged.to_ndjson(tmp_path / "votes.ndjson")
    with pytest.raises(
        OptionError, match=r"choice in 3 of 6 votes\. None is made up: .*history\.save\(folder\)"
    ):
        next(made(abstain="no").envelopes())
    assert not (tmp_path / "votes.ndjson").exists()
    filled = judged.decisions.assign(recommendation="yes", confidence=0.5).drop(columns="correct_choice")
    written = lab.read(judged.with_frames(decisions=filled).to_ndjson(tmp_path / "votes.ndjson"))
    assert written.votes["choice"].tolist() == judged.votes["choice"].tolist()


# Seats and models.


@pytest.fixture(scope="module")
def seated():
    """Two models in five seats, named by the model, or by the seat."""
    random = np.random.default_rng(2)
    frame = pd.DataFrame(
        [
            (
                f"q{place}",
                f"seat {seat}",
                "atlas" if seat < 3 else "borealis",
                seat % 2,
                random.choice(["yes", "no"]),
            )
            for place in range(30)
            for seat in range(5)
        ],
        columns=["question", "seat", "model", "row", "answer"],
    )
    truth = pd.DataFrame({"question": frame["question"].unique(), "correct_choice": "yes"})
    return [
        lab.with_outcomes(
            lab.from_votes(frame, decision="question", voter=voter, choice="answer"), truth, on="question"
        )
        for voter in ("seat", "model")
    ]


@pytest.mark.parametrize(
    "name",
    telling(
        ["Agreement", "Conformity", "Margin", "Pivotal", "Rules", "Voters", "Votes"],
        "Agreement",
        "Conformity",
        "Rules",
    ),
)
def test_a_model_in_several_seats_is_as_many_voters(seated, name):
    by_seat, by_model = seated
    kind = getattr(stats, name)
    found = kind.of(by_model, voter="vote.seat")
    assert kind.of(by_model).repeated
    assert found.repeated == 0
    assert_frame_equal(found.table(), kind.of(by_seat).table())
    with pytest.raises(OptionError, match=r"summaries with voter='vote\.seat' and 'voter' do not merge"):
        found + kind.of(by_model)
    with pytest.raises(OptionError, match=r"no column 'vote\.seet': did you mean 'vote\.seat'"):
        kind.of(by_model, voter="vote.seet")


def test_votes_of_several_seats_may_be_counted_by_their_model(seated):
    by_seat, _ = seated
    voters = stats.Voters.of(by_seat, voter="vote.model").table().set_index("voter")
    assert voters["n"].to_dict() == {"atlas": 90, "borealis": 60}
    right = (by_seat.votes["choice"] == "yes").groupby(by_seat.votes["vote.model"]).mean()
    assert voters["accuracy"].to_dict() == pytest.approx(right.to_dict())
    pairs = stats.Agreement.of(by_seat, voter="vote.model").table().set_index(["voter", "other"])["n"]
    assert pairs.unstack().to_numpy().tolist() == [[90, 180], [180, 30]]
    numbered = stats.Voters.of(by_seat, voter="vote.row").table()
    assert numbered["voter"].tolist() == ["0", "1"]
    assert stats.Agreement.of(by_seat, voter="vote.model").order() == ["atlas", "borealis"]


def test_votes_of_a_seat_are_calibrated_by_seat(seated):
    by_seat, by_model = (
        one.with_frames(votes=one.votes.assign(confidence=one.votes["choice"].eq("yes") / 2))
        for one in seated
    )
    found = stats.Calibration.of(by_model, unit="voters", voter="vote.seat")
    assert_frame_equal(found.table(), stats.Calibration.of(by_seat, unit="voters").table())


def test_a_scan_tells_voters_apart_as_its_history_does(seated, tmp_path):
    _, by_model = seated
    scan = lab.scan(by_model.save(tmp_path / "kept"))
    assert_frame_equal(
        stats.Voters.of(scan, voter="vote.seat").table(), stats.Voters.of(by_model, voter="vote.seat").table()
    )


def test_a_rule_of_ones_own_sees_votes_as_they_are(seated):
    _, by_model = seated
    seen = []

    def first(votes):
        seen.append([*votes])
        return votes.groupby("stream_id")["choice"].first()

    stats.Rules.of(by_model, voter="vote.seat", rules={"first": first})
    assert seen[0] == [*by_model.votes]


def test_a_folder_stands_for_no_part_of_its_files(tmp_path):
    (tmp_path / "a.csv").write_text("q,w,a\nt,x,yes\n")
    named = {"decision": "q", "voter": "w", "choice": "a"}
    assert len(lab.from_votes(tmp_path, **named)) == 1
    (tmp_path / "b.jsonl").write_text('{"q": "t", "w": "y", "a": "no"}\n')
    with pytest.raises(lab.SourceError, match="means 2 files: give one, or put them together first"):
        lab.from_votes(tmp_path, **named)


@pytest.mark.parametrize("votes", [["a.csv", "b.csv"], [{"q": "t"}], {"q": ["t"]}, ()])
def test_what_is_not_yet_a_table_is_told_what_makes_it_one(votes):
    with pytest.raises(lab.OptionError, match=r"pandas\.DataFrame makes a table of .* pandas\.concat one of"):
        lab.from_votes(votes, decision="q", voter="w", choice="a")
