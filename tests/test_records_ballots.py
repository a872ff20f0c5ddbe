"""Tables of rankings, scores and probabilities, as people keep them, become one form in the frames."""

import json

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from command_line import run
from elections import random_ballot
from histories import same
from pandas.testing import assert_frame_equal

import mastermind_lab as lab
from mastermind_lab.errors import NothingDecodedWarning, OptionError
from mastermind_lab.stats import Rules

NAMED = {"decision": "case", "voter": "judge"}
RANKINGS = [["b", "a", "c"], ["b", "c"], ["a", ["b", "c"]]]
SCORES = [{"a": 2.0, "b": 5.0}, {"b": 1.0, "c": 4.0}, {"a": 3.0}]
PROBABILITIES = [{"a": 0.2, "b": 0.8}, {"b": 0.25, "c": 0.75}, {"a": 1.0}]


def table(**columns):
    return pd.DataFrame({"case": "one", "judge": ["Ada", "Bo", "Chi"]} | columns)


def made(votes, **options):
    return lab.from_votes(votes, **NAMED, **options)


def note(history):
    return history.coverage["note"].item()


def rankings(history):
    return [text if pd.isna(text) else json.loads(text) for text in history.votes["vote.ranking"]]


def by_choice(history, kind):
    columns = [name for name in history.votes if name.startswith(f"vote.{kind}.")]
    return [
        {name.removeprefix(f"vote.{kind}."): value for name, value in row.items() if not pd.isna(value)}
        for row in history.votes[columns].to_dict("records")
    ]


def test_of_a_ranking_with_signs_between_the_shape_that_is_read_is_said_and_read():
    votes = table(ranks=["b > a > c", "b > c", "a"])
    with pytest.warns(NothingDecodedWarning, match=r'of "a > b", column\.str\.split\(" > "\) makes lists'):
        made(votes, ranking="ranks")
    split = made(votes.assign(ranks=votes["ranks"].str.split(" > ")), ranking="ranks")
    assert rankings(split) == [["b", "a", "c"], ["b", "c"], ["a"]]


# The shapes.

SHAPES = {
    "lists": (table(ranks=RANKINGS), "ranks"),
    "JSON text": (table(ranks=[json.dumps(one) for one in RANKINGS]), "ranks"),
    "tuples": (table(ranks=[tuple(one) for one in RANKINGS]), "ranks"),
    "a column a choice": (
        table(ra=[2, None, 1], rb=[1, 1, 2], rc=[3, 2, 2]), {"a": "ra", "b": "rb", "c": "rc"},
    ),
    "a column a choice, as text": (
        table(ra=["2", "", "1"], rb=["1", "1", "7"], rc=["9", "2", "7"]), {"a": "ra", "b": "rb", "c": "rc"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES)
def test_rankings_of_every_shape_are_the_same(shape):
    votes, columns = SHAPES[shape]
    history = made(votes, ranking=columns)
    assert rankings(history) == RANKINGS
    assert history.votes["choice"].tolist() == ["b", "b", "a"]
    assert not [name for name in history.votes if name in ("vote.ranks", "vote.ra")]
    assert Rules.decisions(history)[["borda", "condorcet"]].values.tolist() == [["b", "b"]]


def test_a_column_a_place_is_a_ranking():
    votes = table(first=["b", "b", "a"], second=["a", None, "b"], third=["c", "c", None])
    history = made(votes, ranking=["first", "second", "third"])
    assert rankings(history) == [["b", "a", "c"], ["b", "c"], ["a", "b"]]
    numbers = table(first=[7, 8, 7], second=[8.0, 7.0, None])
    assert rankings(made(numbers, ranking=["first", "second"])) == [["7", "8"], ["8", "7"], ["7"]]


def test_rows_of_a_choice_and_its_rank_are_one_ballot():
    rows = [
        ("Ada", "b", 1, "best"), ("Bo", "c", 2, None), ("Ada", "a", 2, "fine"), ("Chi", "b", 2, None),
        ("Ada", "c", 3, "no"), ("Bo", "b", 1, "yes"), ("Chi", "c", 2, None), ("Chi", "a", 1, "mine"),
    ]  # fmt: skip
    votes = pd.DataFrame(rows, columns=["judge", "answer", "rank", "why"]).assign(case="one")
    history = made(votes, choice="answer", ranking="rank", rationale="why")
    assert history.votes["voter"].tolist() == ["Ada", "Bo", "Chi"]
    assert rankings(history) == RANKINGS
    assert history.votes["choice"].tolist() == ["b", "b", "a"]
    assert history.votes["rationale"].tolist() == ["best", "yes", "mine"]
    assert note(history) == (
        "8 rows read, put together to 3 votes in 1 decisions, of why that of each ballot's best choice"
    )
    of_two = made(votes[votes["rank"].lt(3) & votes["judge"].eq("Ada")], choice="answer", ranking="rank")
    assert note(of_two).endswith("of why that of each ballot's best choice")
    assert history.decisions["n_votes"].item() == 3


@pytest.mark.parametrize(("kind", "said"), [("score", SCORES), ("probabilities", PROBABILITIES)])
def test_numbers_of_every_shape_are_the_same(kind, said):
    wide = table(**{f"x_{one}": [row.get(one) for row in said] for one in "abc"})
    rows = [
        (judge, one, value)
        for judge, row in zip(("Ada", "Bo", "Chi"), said, strict=True)
        for one, value in row.items()
    ]
    long = pd.DataFrame(rows, columns=["judge", "answer", "x"]).assign(case="one")
    histories = [
        made(wide, **{kind: {one: f"x_{one}" for one in "abc"}}),
        made(wide.rename(columns=lambda name: name.removeprefix("x_")), **{kind: ["a", "b", "c"]}),
        made(table(x=said), **{kind: "x"}),
        made(table(x=[json.dumps(row) for row in said]), **{kind: "x"}),
        made(long, choice="answer", **{kind: "x"}),
        made(pl.DataFrame(table(x=said)), **{kind: "x"}),
        made(pa.Table.from_pandas(long.sample(frac=1, random_state=3)), choice="answer", **{kind: "x"}),
    ]
    for history in histories:
        votes = history.votes.sort_values("voter")
        assert by_choice(history.with_frames(votes=votes), kind) == said
        assert votes["choice"].tolist() == ["b", "c", "a"]


def test_random_rankings_of_every_shape_decide_alike():
    random = np.random.default_rng(2)
    drawn = [random_ballot(random)["ranking"] for _ in range(300)]
    seats = [{"case": f"c{row // 5}", "judge": f"j{row % 5}"} for row in range(300)]
    ranks = [{one: float(n) for n, rank in enumerate(ranking, 1) for one in rank} for ranking in drawn]
    there = [row for row in range(300) if ranks[row]]
    lists = pd.DataFrame([seats[row] | {"x": drawn[row]} for row in there])
    places = pd.DataFrame([seats[row] | ranks[row] for row in there])
    rows = [seats[row] | {"answer": one, "x": rank} for row in there for one, rank in ranks[row].items()]
    found = [
        made(lists, ranking="x"),
        made(places, ranking={one: one for one in "abcd"}),
        made(pd.DataFrame(rows), choice="answer", ranking="x"),
    ]
    decided = [Rules.decisions(one).drop(columns="stream_id") for one in found]
    assert decided[0]["borda"].nunique() == 4
    for other in decided[1:]:
        assert_frame_equal(decided[0], other)


def test_a_score_of_the_votes_own_choice_is_one_column():
    history = made(table(answer=["a", "b", "a"], points=[1, 5, 2]), choice="answer", score="points")
    assert history.votes["vote.score"].tolist() == [1, 5, 2]
    assert Rules.decisions(history)["mean score"].tolist() == ["b"]
    assert note(history) == "3 rows read, 3 of them votes in 1 decisions"


def test_a_choice_that_is_named_stays_whatever_is_ranked_first():
    votes = table(answer=["c", "c", "c"], ranks=RANKINGS)
    history = made(votes, choice="answer", ranking="ranks")
    assert history.votes["choice"].tolist() == ["c"] * 3
    found = Rules.decisions(history)
    assert (found["plurality"].item(), found["borda"].item()) == ("c", "b")


def test_a_choice_that_is_not_named_is_the_first_of_the_ranking_else_what_scores_highest():
    votes = table(ranks=[["c", "a"], None, None], a=[5, 1, 2], b=[1, 2, 2])
    history = made(votes, ranking="ranks", score=["a", "b"])
    assert history.votes["choice"].fillna("-").tolist() == ["c", "b", "-"]


def test_what_rows_of_scores_say_else_is_that_of_the_best():
    rows = [("Ada", "a", 1, "dull"), ("Ada", "b", 9, "bright"), ("Bo", "a", 3, "fair")]
    votes = pd.DataFrame(rows, columns=["judge", "answer", "points", "why"]).assign(case="one")
    history = made(votes, choice="answer", score="points", rationale="why")
    assert history.votes["rationale"].tolist() == ["bright", "fair"]


def test_names_that_look_like_numbers_stay_names_in_a_file(tmp_path):
    path = tmp_path / "votes.csv"
    path.write_text("case,judge,first,second\none,Ada,007,7\none,Bo,7,007\n")
    assert rankings(made(path, ranking=["first", "second"])) == [["007", "7"], ["7", "007"]]


def test_several_firsts_are_no_choice_and_kept():
    history = made(table(ranks=[[["a", "b"], "c"], ["b"], [["b", "a"]]]), ranking="ranks")
    assert history.votes["choice"].fillna("-").tolist() == ["-", "b", "-"]
    assert history.votes["vote.ranking"].notna().all()
    table_ = Rules.of(history, replicates=40).table().set_index("rule")
    assert table_.loc[["borda", "plurality"], "n"].tolist() == [1, 1]


def test_rounds_have_ballots_of_their_own():
    rows = [("Ada", "a", 1, 1), ("Ada", "b", 2, 1), ("Ada", "a", 2, 2), ("Ada", "b", 1, 2)]
    votes = pd.DataFrame(rows, columns=["judge", "answer", "rank", "turn"]).assign(case="one")
    history = made(votes, choice="answer", ranking="rank", round="turn")
    assert rankings(history) == [["a", "b"], ["b", "a"]]
    assert Rules.decisions(history)["borda"].tolist() == ["b"]


def test_names_of_choices_may_be_anything():
    names = ["v1.5", 'a "b"', "*", " "]
    votes = table(x=[dict.fromkeys(names[:3], 0.1) | {" ": 0.7}] * 3)
    history = made(votes, probabilities="x")
    assert Rules.decisions(history)["soft"].tolist() == [" "]
    assert 'vote.probabilities."v1.5"' in history.votes


def test_a_ballot_is_kept_and_merged_like_any_column(tmp_path):
    one = made(table(ranks=RANKINGS, x=PROBABILITIES), ranking="ranks", probabilities="x")
    same(one, lab.read(one.save(tmp_path / "kept")), ("decisions", "votes", "rejects"))
    assert "vote.ranking" in one.json_columns
    plain = made(table(answer=["a", "b", "b"], case=["two"] * 3), choice="answer")
    both = one + plain
    assert Rules.of(both, replicates=40).table().set_index("rule").loc["borda", "n"] == 1


def test_the_dictionary_says_what_the_columns_are():
    history = made(
        table(ranks=RANKINGS, x=PROBABILITIES, y=SCORES), ranking="ranks", probabilities="x", score="y"
    )
    found = lab.dictionary(history).set_index("column")
    assert "best first" in found.loc["vote.ranking", "meaning"]
    assert found.loc["vote.probabilities.a", ["unit", "type"]].tolist() == ["0-1", "float64"]
    assert "higher is better" in found.loc["vote.score.b", "meaning"]


# What cannot be.


@pytest.mark.parametrize(
    ("columns", "options", "said"),
    [
        ({"ranks": [["a", "a"], ["b"], ["b"]]}, {"ranking": "ranks"}, "names each once"),
        ({"ranks": [[], ["b"], ["b"]]}, {"ranking": "ranks"}, "a list of choices, best first"),
        ({"ranks": ["a > b", '["b"]', '["b"]']}, {"ranking": "ranks"}, "a list of choices, best first"),
        ({"ranks": [[["a"], []], ["b"], ["b"]]}, {"ranking": "ranks"}, "a list of choices"),
        ({"p": ["a", "b", "b"], "q": ["a", "c", None]}, {"ranking": ["p", "q"]}, "names each once"),
        ({"p": [1.5, 1, 1]}, {"ranking": {"b": "p"}}, "the rank of that choice"),
        ({"p": ["much", "2", "2"]}, {"score": {"b": "p"}}, "a finite number, there is 'much'"),
        ({"p": [np.inf, 2, 2]}, {"score": {"b": "p"}}, "a finite number, there is inf"),
        ({"p": [1.5, 1, 1]}, {"probabilities": {"b": "p"}}, "a number from 0 to 1, there is 1.5"),
        ({"p": [-0.1, 1, 1]}, {"probabilities": {"b": "p"}}, "a number from 0 to 1, there is -0.1"),
        ({"p": [{"a": 2}, {"b": 1}, {"b": 1}]}, {"probabilities": "p"}, "a number from 0 to 1"),
        ({"p": [{"a": "x"}, {"b": 1}, {"b": 1}]}, {"score": "p"}, "an object of choices"),
        ({"p": [{"": 3, "a": 1}, {"b": 1}, {"b": 1}]}, {"score": "p"}, "an object of choices"),
        ({"p": [None, 1, 1]}, {"score": {"b": "p"}}, "a ranking, scores or probabilities, there is nothing"),
    ],
)
def test_a_bad_ballot_is_a_reject_and_harms_nobody(columns, options, said):
    history = made(table(**columns), **options)
    assert history.rejects["stream_id"].tolist() == ["0-1"]
    assert said in history.rejects["detail"].item()
    assert history.votes["voter"].tolist() == ["Bo", "Chi"]
    assert history.votes["choice"].tolist() == ["b", "b"]


def test_a_bad_row_of_a_ballot_is_a_reject_and_harms_nobody():
    rows = [
        ("Ada", "a", 1), ("Ada", "b", 2), ("Ada", "b", 3), ("Bo", "a", 1), ("Bo", "b", 1.5), (None, "a", 1),
        ("Chi", None, 1), ("Chi", "b", 1), ("Chi", "c", None),
    ]  # fmt: skip
    votes = pd.DataFrame(rows, columns=["judge", "answer", "rank"]).assign(case="one")
    history = made(votes, choice="answer", ranking="rank")
    assert dict(zip(history.rejects["stream_id"], history.rejects["reason"], strict=True)) == {
        "0-1": "invalid", "0-2": "invalid", "0-3": "invalid", "0-5": "invalid", "0-6": "no_voter",
        "0-7": "no_choice",
    }  # fmt: skip
    assert "each choice once on a ballot" in history.rejects["detail"][0]
    assert rankings(history) == [["a"], ["b"]]
    assert note(history).startswith("9 rows read, put together to 2 votes in 1 decisions, 6 unusable")


def test_probabilities_that_do_not_add_up_are_kept_and_counted():
    votes = table(answer=["a", "b", "a"], pa=[0.5, 0.333, 0.6], pb=[0.2, 0.663, 0.6])
    history = made(votes, choice="answer", probabilities={"a": "pa", "b": "pb"})
    assert by_choice(history, "probabilities")[0] == {"a": 0.5, "b": 0.2}
    assert "2 with probabilities that do not add up to 1" in note(history)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, r"choice=None: expected the name of a column, or ranking="),
        ({"ranking": 7}, "ranking=7: expected the name of a column, several of them, or a dict"),
        ({"ranking": []}, "expected the name of a column"),
        ({"ranking": {"a": 1}}, "expected the name of a column"),
        ({"score": ["pa", "pa"]}, "names a column twice"),
        ({"score": "points"}, "score='points': votes has no such column"),
        ({"ranking": "pa"}, "ranking='pa' holds numbers: .* name these with choice="),
        ({"choice": "answer", "probabilities": "pa"}, "one number a voter: name it with confidence="),
        ({"choice": "answer", "probabilities": ["pa", "pb"]}, r"probabilities=\{'a': 'pa', ...\}"),
        ({"ranking": "ranks", "abstain": "b"}, "name it, choice="),
        ({"choice": "answer", "ranking": "place", "abstain": "b"}, "leave such rows out"),
    ],
)
def test_what_is_named_wrongly_is_refused(options, said):
    votes = table(
        answer=["a", "b", "a"], pa=[0.5, 0.5, 0.5], pb=[0.5, 0.5, 0.5], ranks=RANKINGS, place=[1, 1, 1]
    )
    with pytest.raises(OptionError, match=said):
        made(votes, **options)


def test_two_columns_of_one_name_and_too_many_choices_are_refused():
    votes = table(ranks=RANKINGS).assign(**{"vote.ranking": ["x", "y", "z"]})
    with pytest.raises(OptionError, match=r"two columns would be 'vote\.ranking' of votes"):
        made(votes, ranking="ranks")
    many = [{f"c{place}": 1 for place in range(1_001)}] * 3
    with pytest.raises(OptionError, match="1,001 choices, each of which would be a column"):
        made(table(x=many), score="x")
    del many[0]["c1000"]  # of all rows: they are one object
    assert "vote.score.c999" in made(table(x=many), score="x").votes


def test_nothing_but_bad_ballots_is_a_warning():
    with pytest.warns(NothingDecodedWarning, match="a list of choices, best first"):
        made(table(ranks=["a", "b", "c"]), ranking="ranks")


# On the command line.


def test_ballots_are_imported(tmp_path):
    rows = "one,Ada,b,a,0.75,0.25\none,Bo,a,,0.4,0.6\n"
    (tmp_path / "votes.csv").write_text("case,judge,first,second,pb,pa\n" + rows)
    found = run("import", "votes.csv", "kept", "--decision", "case", "--voter", "judge", "--ranking", "first",
                "--ranking", "second", "--probabilities", "b=pb", "--probabilities", "a=pa",
                cwd=tmp_path)  # fmt: skip
    assert (found.returncode, found.stderr) == (0, "")
    history = lab.read(tmp_path / "kept")
    assert rankings(history) == [["b", "a"], ["a"]]
    assert history.votes["vote.probabilities.b"].tolist() == [0.75, 0.4]
    mixed = run("import", "votes.csv", "kept2", "--decision", "case", "--voter", "judge", "--score", "pa",
                "--score", "b=pb", cwd=tmp_path)  # fmt: skip
    assert mixed.returncode == 2
    assert "give each as CHOICE=COLUMN, or none" in mixed.stderr


def test_a_column_of_nothing_is_no_hindrance_to_ballots_of_several_rows():
    rows = pd.DataFrame({"case": 1, "judge": ["Ada", "Ada", "Bo", "Bo"], "choice": ["b", "c"] * 2})
    ranked = rows.assign(rank=[1, 2, 2, 1], note=None)
    history = lab.from_votes(ranked, decision="case", voter="judge", choice="choice", ranking="rank")
    assert history.votes["vote.ranking"].tolist() == ['["b","c"]', '["c","b"]']


@pytest.mark.parametrize("cells", [["3", "n/a", "4"], ["3", "n/a", ""]])
def test_one_score_that_is_no_number_is_one_reject(cells):
    frame = pd.DataFrame({"q": 1, "w": ["A", "B", "C"], "c": ["x", "y", "x"], "s": cells})
    history = lab.from_votes(frame, decision="q", voter="w", choice="c", score="s")
    assert history.votes["vote.score"].fillna(-1).tolist() == [3, 4 if cells[2] else -1]
    assert history.rejects["detail"].tolist() == ["s: expected a finite number, there is 'n/a'"]


def test_one_object_among_scores_that_are_objects_is_enough():
    frame = pd.DataFrame({"q": 1, "w": ["A", "B"], "s": ['{"x": 1}', "3"]})
    history = lab.from_votes(frame, decision="q", voter="w", score="s")
    assert history.votes["vote.score.x"].tolist() == [1]
    assert history.rejects["detail"].str.contains("expected an object of choices").tolist() == [True]


def test_one_rank_that_is_no_number_is_one_reject():
    frame = pd.DataFrame(
        {"q": 1, "w": ["A", "A", "B", "B"], "c": ["x", "y"] * 2, "r": ["1", "2", "1", "n/a"]}
    )
    history = lab.from_votes(frame, decision="q", voter="w", choice="c", ranking="r")
    assert history.votes["vote.ranking"].tolist() == ['["x","y"]', '["x"]']
    assert history.rejects["detail"].tolist() == ["r: expected a rank, a whole number, there is 'n/a'"]


def test_one_number_among_rankings_is_told_what_to_do():
    rankings = table(answer=["a", "b", "a"], r=["a > b", 1, "b > a"])
    with pytest.raises(
        OptionError, match=r"r' holds numbers, and 'a > b': .* choice=; .* make lists, column\.str"
    ):
        made(rankings, ranking="r")
    details = made(rankings, ranking="r", choice="answer").rejects["detail"]
    assert details.str.contains(
        'make lists, column.str.split(" > "), and take the numbers out', regex=False
    ).all()
    empty = rankings.assign(r=1).head(0)
    assert len(made(empty, ranking="r", choice="answer")) == 0


def test_rounds_and_ranks_that_floats_cannot_tell_apart_are_rejects():
    large = [2**53 - 1, 2**53, 2**53 + 1]
    frame = pd.DataFrame({"q": 1, "w": "A", "c": ["x", "y", "z"], "r": large})
    for role in ("round", "ranking"):
        history = lab.from_votes(frame, decision="q", voter="w", choice="c", **{role: "r"})
        assert history.votes["choice"].tolist() == ["x"]
        assert history.rejects["stream_id"].tolist() == ["0-2", "0-3"]
