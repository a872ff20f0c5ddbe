"""Coverage: what was read, left out and missing adds up, and what nobody counted stays unknown."""

from itertools import permutations

import pandas as pd
import pyarrow as pa
import pytest
from histories import sample
from hypothesis import given
from hypothesis import strategies as st

import mastermind_lab as lab
from mastermind_lab.frames import Account, Coverage, least_sure

counts = st.none() | st.integers(0, 9)
accounts = st.builds(
    Account,
    source=st.sampled_from("ab"),
    stream=st.just("s"),
    entries=st.integers(0, 9),
    left_out=counts,
    missing=counts,
    certainty=st.sampled_from(["exact", "at most", "not verified", None]),
    note=st.sampled_from([None, "one", "two"]),
).map(
    lambda one: (
        one if one.certainty not in (None, "not verified") else Account(**{**vars(one), "missing": None})
    )
)
coverages = st.lists(accounts, max_size=3, unique_by=lambda one: one.key).map(lambda some: Coverage.of(*some))


def numbers(coverage):
    return {one.key: (one.entries, one.left_out, one.missing, one.certainty) for one in coverage.accounts}


@given(coverages, coverages, coverages)
@pytest.mark.further
def test_it_adds_up_in_any_order(a, b, c):
    assert numbers((a + b) + c) == numbers(a + (b + c))
    assert len({repr(sorted(numbers(x + y + z).items())) for x, y, z in permutations([a, b, c])}) == 1
    assert a + Coverage() == Coverage() + a == a


def test_what_nobody_counted_is_never_a_number():
    exact, unknown = Account(missing=3, certainty="exact"), Account(certainty="not verified", left_out=None)
    both = exact + unknown
    assert (both.missing, both.left_out, both.certainty) == (None, None, "not verified")
    assert (exact + Account()).missing == 3  # an account that says nothing of missing entries adds nothing


@pytest.mark.parametrize(
    ("some", "expected"),
    [
        (["exact", "at most"], "at most"),
        (["not verified", "at most"], "not verified"),
        ([None, "exact"], "exact"),
        ([None], None),
        ([], None),
    ],
)
def test_the_least_sure_part_says_how_sure_the_whole_is(some, expected):
    assert least_sure(some) == expected


def test_entries_that_both_histories_have_are_counted(tmp_path):
    history = sample(30)
    history.save(tmp_path / "s")
    whole = lab.read(tmp_path / "s")
    ids = whole.decisions["stream_id"]
    both = stream_like(whole.where(ids[:20])) + stream_like(whole.where(ids[12:]))
    assert len(both) == 30
    assert both.coverage["entries"].tolist() == [20, 18]
    assert both.coverage["repeated"].tolist() == [0, 8]
    assert both.coverage["entries"].sum() - both.coverage["repeated"].sum() == len(both)


def stream_like(history):
    """The same, as if its ids were a stream's: they then tell doubles."""
    account = Coverage.of(*(Account(**{**vars(one), "stream": "s"}) for one in history.account.accounts))
    return lab.History(history.tables(), account)


def test_a_history_added_to_itself_is_itself():
    history = stream_like(sample(9))
    both = sum([history, history, history])
    assert both.decisions.equals(history.decisions)
    assert both.coverage.equals(history.coverage)


def test_two_reads_of_one_stream_keep_what_each_missed():
    def read(first, last, missing):
        ids = pa.array([f"{n}-0" for n in range(first, last + 1)], pa.large_string())
        return Coverage.of(
            Account.of_ids(ids, source="u", stream="s", missing=missing, certainty="exact")
        ), ids

    (early, _), (late, ids) = read(1, 10, 0), read(6, 20, 5)
    both = early.beside(late, ids[:5])
    assert [(one.entries, one.repeated, one.missing) for one in both.accounts] == [(10, 0, 0), (15, 5, 5)]


def read_of(first, last, source="u", **facts):
    ids = pa.array([f"{n}-0" for n in range(first, last + 1)], pa.large_string())
    return Account.of_ids(
        ids, **{"source": source, "stream": "s", "missing": 0, "certainty": "exact", **facts}
    )


def ids(*numbers):
    return pa.array([f"{n}-0" for n in numbers], pa.large_string())


def test_a_cut_of_reads_whose_ids_interleave_is_told_of_them_together():
    both = Coverage.of(read_of(1, 10, "a"), read_of(5, 20, "b", left_out=3))
    [one] = both.narrowed(ids(1, 7, 12), "last=3").accounts
    assert (one.source, one.entries, one.left_out, one.missing) == ("a; b", 3, 3 + 23, 0)


def test_what_is_repeated_is_not_left_out():
    both = Coverage.of(read_of(1, 10), read_of(5, 20, repeated=6, missing=4))
    [one] = both.narrowed(ids(*range(1, 21)), "where true").accounts
    assert (one.entries, one.left_out, one.missing, one.certainty) == (20, 0, 4, "at most")


def test_what_one_read_of_a_stream_left_out_the_other_may_have_read():
    both = Coverage.of(read_of(1, 10, left_out=10), read_of(5, 20, repeated=6, left_out=4))
    [one] = both.narrowed(ids(*range(1, 21)), "where true").accounts
    assert (one.entries, one.left_out) == (20, None)


def test_where_older_accounts_do_not_say_what_is_repeated_neither_does_a_cut():
    both = Coverage.of(read_of(1, 10, repeated=None), read_of(5, 20, repeated=None))
    [one] = both.narrowed(ids(*range(1, 21)), "where true").accounts
    assert (one.entries, one.left_out) == (20, None)
    [alone] = Coverage.of(read_of(1, 10, repeated=None)).narrowed(ids(1, 2), "last=2").accounts
    assert (alone.entries, alone.left_out) == (2, 8)


def test_batches_add_up_to_the_whole():
    for accounts in (
        [read_of(1, 10)],
        [read_of(1, 5), read_of(6, 10)],
        [read_of(1, 5, "a"), read_of(6, 10, "b")],
    ):
        whole = Coverage.of(*accounts)
        for limits, kept in (("", range(1, 11)), ("last=4", range(7, 11))):
            total = whole.rest(limits)
            for batch in (range(1, 4), range(4, 8), range(8, 11)):
                inside, outside = ([n for n in batch if (n in kept) == here] for here in (True, False))
                total = total + whole.share(ids(*inside), ids(*outside), limits)
            assert total == (whole.narrowed(ids(*kept), limits) if limits else whole)


def test_a_strangers_rows_are_unknown_where_they_make_no_sense():
    rows = [
        {"entries": "many", "certainty": "sure", "first_id": "../x", "missing": 2**70, "more": 1},
        "no row",
    ]
    [one] = Coverage.of_rows(rows).accounts
    assert (one.entries, one.certainty, one.first_id, one.missing) == (None, None, None, None)


def test_it_is_the_frame_that_users_know():
    history = sample(5)
    assert isinstance(history.coverage, pd.DataFrame)
    assert Coverage.of_frame(history.coverage) == history.account
    history.coverage["note"] = "looked at by hand"
    assert [one.note for one in history.account.accounts] == ["looked at by hand"]


def test_nobody_is_sure_of_a_number_that_is_not_known():
    forged = {"entries": 20, "missing": float("nan"), "certainty": "exact"}
    [one] = Coverage.of_rows([forged]).accounts
    assert (one.missing, one.certainty) == (None, "not verified")


def test_where_there_is_nothing_limits_left_out_nothing_behind_it():
    assert not Coverage.of().ended("last=3", 2).accounts


def test_a_note_stands_with_every_source_and_where_there_is_none_nothing_else_is_said():
    nothing = {"entries": None, "repeated": None, "left_out": None, "limits": None}
    [row] = Coverage().noted("so").rows()
    assert {name: row[name] for name in nothing} == nothing
    assert row["note"] == "so"
    both = Coverage.of(Account(entries=1, note="said before"), Account(entries=2, stream="s"))
    assert [row["entries"] for row in both.noted("so").rows()] == [1, 2]
    notes = [row["note"] for row in both.noted("so").rows()]
    assert all(note.endswith("so") for note in notes)
    assert notes[0].startswith("said before")
    assert [row["note"] for row in both.noted("so", instead_of="said").rows()] == ["so", "so"]
