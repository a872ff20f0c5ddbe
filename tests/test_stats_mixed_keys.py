"""Groups of a column that holds texts in one part and numbers in another: the parts add up to the whole."""

from itertools import count

import numpy as np
import pandas as pd
import pytest
from envelopes import envelope
from histories import sample
from pandas.testing import assert_frame_equal
from summaries import all_agree, shown_and_lumped
from telling import telling

import mastermind_lab as lab
from mastermind_lab.decode import Batch
from mastermind_lab.errors import OptionError
from mastermind_lab.frames import tables
from mastermind_lab.stats.engine.input import once_for_texts
from mastermind_lab.stats.engine.sums import grouped

VOTES = [{"voter": "a", "choice": "x"}, {"voter": "b", "choice": "y"}]
NUMBERS = count(1)


def history(*keys):
    """A decision for each key; those of the key "x" and of none have no votes."""
    batch = Batch()
    for key in keys:
        votes = [] if key in ("x", None) else VOTES
        batch.add(f"{next(NUMBERS)}-0", envelope({"votes": votes}, meta={"k": key, "there": 1}))
    return lab.History(tables(batch))


def keys(summary):
    return [None if pd.isna(key) else key for key in summary.table()["meta.k"]]


CASES = {
    "a number, its text": ([7], ["7", "x"], [7.0], ["7", "x"]),
    "a truth value, its text": ([True], ["true", "True"], ["7", "1"], ["1", "7", "True", "true"]),
    "numbers and truth values": ([1, 0], [True], [False, 1], ["0", "1", "false", "true"]),
    "whole numbers and floats": ([1, 2], [1.0, 2.5], [2], [1, 2, 2.5]),
    "a number that no float holds": ([2**53 + 1], [0.5], [2], ["0.5", "2", str(2**53 + 1)]),
    "floats among texts": ([1.0, 0.1], [1e300, -0.5], ["c"], ["-0.5", "0.1", "1", "1e+300", "c"]),
    "a large number, and missing ones": ([2**53 + 1], [None], [2], [2, 2**53 + 1, None]),
    "missing ones": ([None, 7], ["c"], [None], ["7", "c", None]),
    "lists": ([[1]], ["c"], [1], ["1", "[1]", "c"]),
}


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (lab.stats.Confidence, "n"),
        (lab.stats.Confidence, "mean_low"),
        (lab.stats.Confidence, "missing"),
        (lab.stats.Drift, "limit"),
    ],
)
def test_a_column_that_is_called_as_a_figure_is_groups_by_no_table(kind, name):
    """It would stand where the groups do, and nobody would know them any more."""
    frame = sample(60).decisions
    frame[name] = np.where(frame["confidence"] > 0.5, "sure", "unsure") if name != "missing" else 0
    with pytest.raises(OptionError, match=rf"by='{name}': {kind.__name__} has a figure of that name: rename"):
        kind.of(frame, by=name).table()
    frame[name] = frame["group of " + name] = np.where(frame["confidence"] > 0.5, "sure", "unsure")
    assert {*kind.of(frame, by="group of " + name).table()["group of " + name]} == {"sure", "unsure"}
    assert kind.of(frame, by=name).lump().table()["group"].nunique() == 2


def test_so_is_every_table_of_a_summary():
    history = sample(60)
    history.decisions["rank"] = np.where(history.decisions["confidence"] > 0.5, "sure", "unsure")
    voters = lab.stats.Voters.of(history, by="rank")
    assert {*voters.table()["rank"]} == {"sure", "unsure"}
    with pytest.raises(OptionError, match="by='rank': Voters has a figure of that name"):
        voters.ranking("dissent")


def test_zero_and_minus_zero_are_one_group_also_among_texts():
    ids = {"stream_id": ["1-0", "2-0", "3-0"], "confidence": [0.5, 0.7, 0.9]}
    numbers = pd.DataFrame({"k": [0.0, -0.0, 1.0]} | ids)
    texts = pd.DataFrame({"k": ["x", "x", "x"]} | ids)
    both = lab.stats.Confidence.of(numbers, by="k") + lab.stats.Confidence.of(texts, by="k")
    assert both.table().set_index("k")["n"].to_dict() == {"0": 2, "1": 1, "x": 3}


@pytest.mark.parametrize(
    "case", telling([*CASES], "a number that no float holds", "floats among texts", "lists")
)
def test_parts_add_up_to_the_whole_in_any_order(case):
    *parts, expected = CASES[case]
    parts = [history(*part) for part in parts]
    a, b, c = (lab.stats.Confidence.of(part, by="meta.k", replicates=40) for part in parts)
    whole = lab.stats.Confidence.of(sum(parts), by="meta.k", replicates=40)
    assert keys(whole) == expected
    for merged in ((a + b) + c, a + (b + c), c + (b + a), b + (c + a)):
        all_agree({"": merged.table()}, {"": whole.table()})


@pytest.mark.parametrize("kind", ["Votes", "Voters", "Citations", "Agreement"])
@pytest.mark.further
def test_every_count_of_a_summary_has_the_same_groups(kind):
    """Though the text is of a decision without votes, the number beside it is a text among the votes, too."""
    parts = [history(7, 8), history("x", None), history(True)]
    a, b, c = (getattr(lab.stats, kind).of(part, by="meta.k", replicates=40) for part in parts)
    whole = shown_and_lumped(getattr(lab.stats, kind).of(sum(parts), by="meta.k", replicates=40))
    for merged in ((a + b) + c, c + (b + a)):
        all_agree(shown_and_lumped(merged), whole)


@pytest.mark.parametrize(
    "parts",
    [
        *[([7], ["7", "x"]), ([True], [1, "7"]), ([2.0, "2"], ["x"]), ([1, True], [1.5])],
        *[(pd.Categorical([7, None]), ["7", "x"]), (pd.Categorical(["7", "x"]), pd.Categorical([7, 8]))],
        *[(pd.Categorical([1, 2]), pd.Categorical([True, False])), (pd.Categorical([7, "x"]), [None, 8])],
        *[(pd.date_range("2020", periods=2), [7, 8]), (pd.cut([1, 2], 2), ["x"])],
    ],
)
def test_bare_frames(parts):
    ids = iter("123456")
    frames = [
        pd.DataFrame({"stream_id": [next(ids) for _ in part], "confidence": 0.5, "k": part}) for part in parts
    ]
    a, b = (lab.stats.Confidence.of(frame, by="k", replicates=40) for frame in frames)
    whole = lab.stats.Confidence.of(pd.concat(frames), by="k", replicates=40).table()
    all_agree({"": (a + b).table()}, {"": whole})
    assert set(map(type, whole["k"].dropna())) == {str}


@pytest.mark.parametrize("value", [[1], {"a": 1}, {1}])
def test_lists_make_no_groups(value):
    frame = pd.DataFrame({"stream_id": ["1", "2"], "confidence": 0.5, "k": [value, "x"]})
    for options in ({"by": "k"}, {"cluster": "k"}):
        with pytest.raises(OptionError, match="'k' holds lists or dicts, which make no groups"):
            lab.stats.Confidence.of(frame, **options)


def test_categories_keep_their_order_where_all_parts_have_the_same():
    kind = pd.CategoricalDtype(["low", "high"], ordered=True)
    frame = pd.DataFrame({"stream_id": [*"1234"], "confidence": 0.5})
    frame["k"] = pd.Categorical(["high", "low", "high", None], dtype=kind)
    a, b, whole = (
        lab.stats.Confidence.of(some, by="k", replicates=40) for some in (frame[:2], frame[2:], frame)
    )
    assert whole.table()["k"].tolist()[:2] == ["low", "high"]
    all_agree({"": (a + b).table()}, {"": whole.table()})


def test_a_large_number_beside_nothing_but_missing_ones_is_still_that_number():
    ids, large = ["1", "2"], 2**53 + 1
    some = pd.DataFrame({"stream_id": ids, "confidence": 0.5, "k": pd.array([large, None], "Int64")})
    none = some.assign(k=float("nan"))
    a, b = (lab.stats.Confidence.of(frame, by="k", replicates=40) for frame in (some, none))
    assert (a + b).table()["k"].dropna().tolist() == [large]


def test_large_numbers_that_are_categories_stay_apart_beside_missing_ones():
    ids, large = ["1", "2", "3"], 2**60
    frame = pd.DataFrame({"stream_id": ids, "confidence": 0.5})
    a, b = (
        lab.stats.Confidence.of(frame.assign(k=pd.Categorical(keys)), by="k", replicates=40)
        for keys in ([large, large + 1, None], [large + 2, None, None])
    )
    assert (a + b).table()["k"].dropna().tolist() == [large, large + 1, large + 2]


KEYS = {
    "str": ["a", "b", "B", "", None],
    "Int64": [1, 2, 3, None],
    "float64": [0.0, -0.0, 1.5, np.nan, np.inf],
    "boolean": [True, False, None],
    "category": ["x", "y", None],
    "object": ["a", 1, 2.5, None, True],
    "datetime64[us, UTC]": [pd.Timestamp("2020-01-01", tz="UTC"), pd.Timestamp("2021-01-01", tz="UTC"), None],
}


def test_groups_are_those_of_pandas_in_its_order():
    draw = np.random.default_rng(1)
    for kinds in [*([one] for one in KEYS), *(draw.permutation([*KEYS])[:3].tolist() for _ in range(12))]:
        rows = {kind: [KEYS[kind][at] for at in draw.integers(0, len(KEYS[kind]), 25)] for kind in kinds}
        keys = pd.DataFrame({kind: pd.Series(some, dtype=kind) for kind, some in rows.items()})
        groups, codes = grouped(keys)
        expected = keys.groupby(kinds, dropna=False, sort=True, observed=True).ngroup()
        assert codes.tolist() == expected.tolist()
        first = expected.drop_duplicates().sort_values().index
        assert_frame_equal(groups, keys.loc[first].reset_index(drop=True))


def test_what_was_found_in_texts_is_found_anew_where_these_were_changed_and_goes_with_them():
    looked = []

    @once_for_texts
    def blank(texts):
        looked.append(len(texts))
        return (texts == "").to_numpy(dtype=bool, na_value=False)

    frame = pd.DataFrame({"choice": pd.Series(["", "b", None], dtype="str")})
    assert [blank(frame["choice"]).tolist() for _ in range(2)] == [[True, False, False]] * 2
    frame.loc[1, "choice"] = ""
    assert blank(frame["choice"]).tolist() == [True, True, False]
    assert blank(frame["choice"][1:]).tolist() == [True, False]
    assert looked == [3, 3, 2]
    known = dict(zip(blank.__code__.co_freevars, blank.__closure__, strict=True))["known"].cell_contents
    del frame
    assert not known
