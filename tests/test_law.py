"""The law, for every subject: ``of`` counts a batch and edits nothing, ``+`` merges batches in any order."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from histories import sample
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal
from panels import FRAMES, part
from summaries import SUBJECTS, all_agree, by_columns, same, shown, shown_and_lumped
from telling import telling

import mastermind_lab as lab
from mastermind_lab.errors import OptionError
from mastermind_lab.history import sample_folder

SIZE = 60


def first_voter(votes):
    return votes.groupby("stream_id")["choice"].first()


AT_EVERY_LOOK = {"by": "meta.model", "interval": "anytime"}
OPTIONS = {
    "Agreement": [{}, {"by": "meta.category", "cluster": "question", "family": "simultaneous"}],
    "Arguments": [{"by": "meta.category", "weak": 0.6, "cluster": "question"}],
    "Calibration": [
        {"by": "meta.model", "bins": 5},
        {"unit": "voters", "by": ["voter", "meta.model"], "binning": "quantile"},
        {"binning": "isotonic", "cluster": "question"},
    ],
    "Citations": [{"by": "meta.model", "cluster": ["question", "n_votes"]}],
    "Confidence": [
        {},
        {"by": ["meta.model", "n_votes"], "threshold": 0.6, "cluster": "question"},
        AT_EVERY_LOOK,
    ],
    "ConfidenceOverTime": [
        {},
        {"by": "meta.model", "bandwidth": "36h", "cluster": "question"},
        AT_EVERY_LOOK,
    ],
    "Conformity": [{"by": "meta.category", "agreement": 0.6, "cluster": "question"}, AT_EVERY_LOOK],
    "Drift": [{"by": "meta.category", "baseline": "2026-11-06", "cluster": "question"}, {"baseline": "9D"}],
    "Margin": [{"by": "meta.model", "cluster": "question"}, AT_EVERY_LOOK],
    "Pivotal": [{"by": "meta.category", "cluster": "question"}],
    "Regimes": [{"watch": ["meta.model", "fields"], "p_value": 0.5, "cluster": "question"}],
    "Rules": [
        {},
        {"by": "meta.category", "rules": {"first voter": first_voter}, "tie": "first", "cluster": "question"},
        {"family": "simultaneous"},
    ],
    "Stability": [{}, {"by": "meta.model", "cluster": "n_votes"}],
    "Timing": [{"by": "meta.model", "cluster": "question"}],
    "Voters": [{}, {"by": "meta.category", "cluster": "question", "family": "simultaneous"}, AT_EVERY_LOOK],
    "Votes": [{}, {"by": ["position", "meta.model"], "cluster": "question", "family": "simultaneous"}],
}
EVERY = {
    " ".join([name, *options]): (getattr(lab.stats, name), options)
    for name, several in OPTIONS.items()
    for options in several
}
OFTEN = [" ".join([name, *max(several, key=len)]) for name, several in OPTIONS.items()]
"""Of each subject the options that ask for most."""
every_subject = pytest.mark.parametrize(
    ("kind", "options"), telling(EVERY, *OFTEN, "Confidence by interval", "Drift baseline")
)


@pytest.fixture(scope="module")
def pool():
    """Decisions on questions that come again and on others; something is missing, somebody votes twice."""
    history = lab.with_outcomes(sample(), sample_folder() / "outcomes.csv")
    again = history.decisions["question"].duplicated(keep=False).to_numpy()
    pool = part(history, np.sort(np.append(np.flatnonzero(again)[:30], np.flatnonzero(~again)[::40][:30])))
    row = np.arange(SIZE)
    missing = {"confidence": 7, "published_at": 6, "meta.model": 8, "correct_choice": 9}
    pool.decisions = pool.decisions.assign(
        **{name: pool.decisions[name].mask(row % every == 3) for name, every in missing.items()}
    )
    twice = pool.votes[5::40], pool.votes[9::40].assign(choice="a second thought")
    pool.votes = pd.concat([pool.votes, *twice], ignore_index=True)
    # Some decisions have rankings, others scores.
    place, choice = np.arange(len(pool.votes)), pool.votes["choice"]
    pool.votes = pool.votes.assign(
        **{
            "vote.ranking": ('["' + choice + '", "none of them"]').where(place % 200 < 80),
            "vote.score": pd.Series(place % 7 / 6).where(place % 300 > 200),
        }
    )
    return pool


def test_every_subject_is_here():
    assert {getattr(lab.stats, name) for name in OPTIONS} == set(SUBJECTS)


@pytest.fixture(scope="module")
def counted(pool):
    """A summary of half of it, counted once for the tests that only look."""
    found = {}

    def of(kind, options):
        if (asked := (kind, repr(options))) not in found:
            found[asked] = kind.of(part(pool, range(30)), replicates=40, **options)
        return found[asked]

    return of


@pytest.fixture(scope="module")
def seen(counted):
    """All that such a summary showed before anything was done with it."""
    found = {}

    def of(kind, options):
        if (asked := (kind, repr(options))) not in found:
            found[asked] = shown_and_lumped(counted(kind, options))
        return found[asked]

    return of


@pytest.mark.once
@every_subject
def test_the_ends_of_an_interval_have_the_name_of_their_figure(seen, kind, options):
    tables = dict(seen(kind, options))
    figures = tables.pop("figures")
    assert set(figures.columns) <= {"value", "low", "high", "n", "method"}
    for name, table in tables.items():
        ends = {column for column in table if column.rpartition("_")[-1] in ("low", "high", "method")}
        owners = {column.rpartition("_")[0] for column in ends}
        assert owners <= set(table.columns), name
        assert ends == {f"{owner}_{end}" for owner in owners for end in ("low", "high", "method")}, name
        for owner in owners:
            known = table[f"{owner}_low"].notna()
            assert (known == table[f"{owner}_high"].notna()).all(), owner
            assert (known == (table[f"{owner}_method"] != "none")).all(), owner
        assert "thin" not in table, name


@pytest.mark.once
@every_subject
def test_a_single_figure_is_that_of_the_table(pool, kind, options):
    options = {name: value for name, value in options.items() if name != "by"}
    tables = shown(kind.of(part(pool, range(12)), replicates=40, **options))
    figures = tables.pop("figures")
    for name, figure in figures.dropna(subset=["method"]).iterrows() if "method" in figures else ():
        for table in (one for one in tables.values() if len(one) == 1 and f"{name}_low" in one):
            row = table.iloc[0]
            ends = [row[column] for column in (name, f"{name}_low", f"{name}_high")]
            assert figure[["value", "low", "high"]].tolist() == pytest.approx(ends, nan_ok=True), name
            assert figure["method"] == row[f"{name}_method"], name


@pytest.mark.thorough
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
    rows_of = [[row for row, at in zip(rows, places, strict=False) if at == place] for place in range(3)]
    a, b, c = (kind.of(part(pool, some), replicates=40, **options) for some in rows_of)
    whole = shown_and_lumped(kind.of(part(pool, rows), replicates=40, **options))
    for merged in ((a + b) + c, a + (b + c), sum([c, b, a])):
        all_agree(shown_and_lumped(merged), whole)


@every_subject
def test_an_empty_batch_is_neutral_and_what_is_counted_stays_as_it_was(pool, counted, seen, kind, options):
    some, expected = counted(kind, options), seen(kind, options)
    options = {"replicates": 40, **options}
    other = part(pool, range(20, 50))
    before = {name: getattr(other, name).copy(deep=True) for name in FRAMES}
    none, nothing = (kind.of(one, **options) for one in (part(pool, []), lab.read([])))
    for empty in (none, nothing):
        table = (empty + empty).table()
        assert len(table) == 0
        assert list(table.columns) == list(expected["table"].columns)
    _ = some + kind.of(other, **options)
    # Each kind of nothing on either side, and what was added to something else meanwhile.
    for name, table in shown_and_lumped(none + (nothing + some + none) + nothing).items():
        assert_frame_equal(table, expected[name], check_exact=True, obj=name)
    for name, frame in before.items():
        assert_frame_equal(getattr(other, name), frame)


@pytest.mark.thorough
@every_subject
def test_neither_order_nor_index_of_the_rows_matters(pool, kind, options):
    history = part(pool, range(30))
    frames = {name: getattr(history, name).sample(frac=1, random_state=1) for name in FRAMES}
    if "rules" in options:
        frames["votes"] = history.votes  # whose order says who voted first, for a rule that asks
    odd = {name: frame.set_index(np.zeros(len(frame), dtype=int)) for name, frame in frames.items()}
    found, expected = (kind.of(one, replicates=40, **options) for one in (SimpleNamespace(**odd), history))
    same(found, expected)


@pytest.mark.once
@every_subject
@pytest.mark.parametrize("which", ["columns", "replicates"])
def test_different_options_do_not_merge(pool, counted, kind, options, which):
    other = by_columns(kind, "decision_id") if which == "columns" else {"replicates": 80}
    with pytest.raises(OptionError, match="do not merge"):
        counted(kind, options) + kind.of(part(pool, range(5)), **{"replicates": 40, **options, **other})


@pytest.mark.once
@every_subject
def test_different_subjects_do_not_merge(counted, kind, options):
    other = lab.stats.Votes if kind is not lab.stats.Votes else lab.stats.Margin
    with pytest.raises(TypeError):
        counted(kind, options) + counted(other, OPTIONS[other.__name__][0])
