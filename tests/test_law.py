"""The law, for every subject: ``of`` counts a batch and edits nothing, ``+`` merges batches in any order."""

import inspect
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

import mastermind_lab as lab
from mastermind_lab.errors import OptionError
from mastermind_lab.history import sample_folder
from mastermind_lab.stats.engine.summary import Summary

FRAMES = ("decisions", "votes", "citations", "arguments")
SIZE = 60


def first_voter(votes):
    return votes.groupby("stream_id")["choice"].first()


OPTIONS = {
    "Agreement": [{}, {"by": "meta.category"}],
    "Arguments": [{"by": "meta.category", "weak": 0.6}],
    "Calibration": [
        {"by": "meta.model", "bins": 5},
        {"unit": "voters", "by": ["voter", "meta.model"], "binning": "quantile"},
        {"binning": "isotonic"},
    ],
    "Citations": [{"by": "meta.model"}],
    "Confidence": [{}, {"by": ["meta.model", "n_votes"], "threshold": 0.6}],
    "ConfidenceOverTime": [{}, {"by": "meta.model", "window": "36h"}],
    "Conformity": [{"by": "meta.category", "agreement": 0.6}],
    "Margin": [{"by": "meta.model"}],
    "Pivotal": [{"by": "meta.category"}],
    "Regimes": [{"by": ["meta.model", "fields"], "p_value": 0.5}],
    "Rules": [{}, {"by": "meta.category", "rules": {"first voter": first_voter}, "tie": "first"}],
    "Stability": [{}, {"by": "meta.model"}],
    "Timing": [{"by": "meta.model"}],
    "Voters": [{}, {"by": "meta.category"}],
    "Votes": [{}, {"by": ["position", "meta.model"]}],
}
every_subject = pytest.mark.parametrize(
    ("kind", "options"),
    [
        pytest.param(getattr(lab.stats, name), options, id=" ".join([name, *options]))
        for name, several in OPTIONS.items()
        for options in several
    ],
)


@pytest.fixture(scope="module")
def pool():
    """Decisions on questions that come again and on others; something is missing, somebody votes twice."""
    history = lab.with_outcomes(lab.sample(), sample_folder() / "outcomes.csv")
    again = history.decisions["question"].duplicated(keep=False).to_numpy()
    pool = taken(history, np.sort(np.append(np.flatnonzero(again)[:30], np.flatnonzero(~again)[::40][:30])))
    row = np.arange(SIZE)
    missing = {"confidence": 7, "published_at": 6, "meta.model": 8, "correct_choice": 9}
    pool.decisions = pool.decisions.assign(
        **{name: pool.decisions[name].mask(row % every == 3) for name, every in missing.items()}
    )
    twice = pool.votes[5::40], pool.votes[9::40].assign(choice="a second thought")
    pool.votes = pd.concat([pool.votes, *twice], ignore_index=True)
    return pool


def taken(history, rows):
    """Some decisions with all that belongs to them."""
    decisions = history.decisions.iloc[list(rows)]
    frames = {name: getattr(history, name) for name in FRAMES[1:]}
    some = {name: frame[frame["stream_id"].isin(decisions["stream_id"])] for name, frame in frames.items()}
    return SimpleNamespace(decisions=decisions, **some)


NEEDED = {"every": (9,)}


def tables_of(summary):
    """The methods of a summary that return a table."""
    methods = inspect.getmembers_static(type(summary), inspect.isfunction)
    kinds = {name: inspect.signature(method).return_annotation for name, method in methods}
    return {
        name: getattr(summary, name) for name in kinds if name[0] != "_" and kinds[name] == "pd.DataFrame"
    }


def shown(summary):
    """Every table of a summary, and its single figures as one more."""
    tables = {name: method(*NEEDED.get(name, ())) for name, method in tables_of(summary).items()}
    names = [name for name, value in inspect.getmembers(type(summary)) if isinstance(value, property)]
    figures = {name: getattr(summary, name) for name in names}
    rows = {name: vars(value) for name, value in figures.items() if isinstance(value, lab.stats.Estimate)}
    counts = {name: {"n": value} for name, value in figures.items() if isinstance(value, int)}
    lumped = summary.lump(2).table()
    return tables | {"lumped": lumped, "figures": pd.DataFrame.from_dict(rows | counts, orient="index")}


def same(summary, expected):
    """Counts, keys and times exactly, sums to the last rounding."""
    for name, one in shown(summary).items():
        other = expected[name]
        exact = [column for column in one if one[column].dtype != "float64"]
        assert_frame_equal(one[exact], other[exact], check_exact=True, obj=name)
        assert_frame_equal(one, other, rtol=1e-9, atol=1e-9, obj=name)


def test_every_subject_is_here():
    known = vars(lab.stats).values()
    assert {getattr(lab.stats, name) for name in OPTIONS} == {
        kind for kind in known if inspect.isclass(kind) and issubclass(kind, Summary)
    }


@every_subject
def test_the_ends_of_an_interval_have_the_name_of_their_figure(pool, kind, options):
    tables = shown(kind.of(taken(pool, range(SIZE)), replicates=40, **options))
    figures = tables.pop("figures")
    assert set(figures.columns) <= {"value", "low", "high", "n"}
    for name, table in tables.items():
        ends = {column for column in table if column.rpartition("_")[-1] in ("low", "high")}
        owners = {column.rpartition("_")[0] for column in ends}
        assert owners <= set(table.columns), name
        assert ends == {f"{owner}_{end}" for owner in owners for end in ("low", "high")}, name
        assert "thin" not in table, name


@every_subject
@settings(max_examples=3, deadline=None)
@given(
    rows=st.lists(st.integers(0, SIZE - 1), max_size=40, unique=True),
    places=st.lists(st.integers(0, 2), min_size=40, max_size=40),
    in_turn=st.booleans(),
)
def test_parts_add_up_to_the_whole_in_any_order(pool, kind, options, rows, places, in_turn):
    # Every other time batches follow one another, as a stream's do.
    rows, places = (sorted(rows), sorted(places)) if in_turn else (rows, places)
    parts = [[row for row, at in zip(rows, places, strict=False) if at == place] for place in range(3)]
    a, b, c = (kind.of(taken(pool, part), replicates=40, **options) for part in parts)
    whole = shown(kind.of(taken(pool, rows), replicates=40, **options))
    for merged in ((a + b) + c, a + (b + c), sum([c, b, a])):
        same(merged, whole)


@every_subject
def test_an_empty_batch_is_neutral(pool, kind, options):
    some = kind.of(taken(pool, range(30)), replicates=40, **options)
    expected = shown(some)
    for nothing in (taken(pool, []), lab.read([])):
        empty = kind.of(nothing, replicates=40, **options)
        for merged in (some + empty, empty + some):
            for name, table in shown(merged).items():
                assert_frame_equal(table, expected[name], check_exact=True, obj=name)
        assert len((empty + empty).table()) == 0
        assert list((empty + empty).table().columns) == list(some.table().columns)


@every_subject
def test_what_is_counted_stays_as_it_was(pool, kind, options):
    history, other = taken(pool, range(30)), taken(pool, range(20, 50))
    before = {name: getattr(history, name).copy(deep=True) for name in FRAMES}
    summary = kind.of(history, replicates=40, **options)
    expected = shown(summary)
    _ = summary + kind.of(other, replicates=40, **options)
    for name, frame in before.items():
        assert_frame_equal(getattr(history, name), frame)
    for name, table in shown(summary).items():
        assert_frame_equal(table, expected[name], check_exact=True, obj=name)


@every_subject
def test_neither_order_nor_index_of_the_rows_matters(pool, kind, options):
    history = taken(pool, range(30))
    frames = {name: getattr(history, name).sample(frac=1, random_state=1) for name in FRAMES}
    frames["votes"] = history.votes  # whose order says who voted first, for a rule that asks
    odd = {name: frame.set_index(np.zeros(len(frame), dtype=int)) for name, frame in frames.items()}
    found, expected = (kind.of(one, replicates=40, **options) for one in (SimpleNamespace(**odd), history))
    same(found, shown(expected))


@every_subject
@pytest.mark.parametrize("other", [{"by": "decision_id"}, {"replicates": 80}])
def test_different_options_do_not_merge(pool, kind, options, other):
    history = taken(pool, range(20))
    with pytest.raises(OptionError, match="do not merge"):
        kind.of(history, **{"replicates": 40, **options}) + kind.of(
            history, **{"replicates": 40, **options, **other}
        )


@every_subject
def test_different_subjects_do_not_merge(pool, kind, options):
    history = taken(pool, range(20))
    other = lab.stats.Votes if kind is not lab.stats.Votes else lab.stats.Margin
    with pytest.raises(TypeError):
        kind.of(history, replicates=40, **options) + other.of(history, replicates=40)
