"""``where``: all five frames cut alike, and what was left out said."""

import copy
import pickle
import re

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from histories import sample

import mastermind_lab as lab
from mastermind_lab import snapshot
from mastermind_lab.frames import FRAMES
from mastermind_lab.history import sample_folder
from mastermind_lab.history.sources import files

QUERY = "`meta.model` == 'atlas-2' and confidence > 0.6"


@pytest.fixture(scope="module")
def history():
    return sample(300, payloads=True)


def wanted(decisions):
    return (decisions["meta.model"] == "atlas-2") & (decisions["confidence"] > 0.6)


@pytest.fixture(scope="module")
def expected(history):
    return history.decisions[wanted(history.decisions)]


CONDITIONS = {
    "a query": lambda history: QUERY,
    "a function": lambda history: wanted,
    "a mask": lambda history: wanted(history.decisions),
    "an array": lambda history: wanted(history.decisions).to_numpy(bool),
    "a list of true and false": lambda history: wanted(history.decisions).tolist(),
    "ids": lambda history: history.decisions["stream_id"][wanted(history.decisions)].tolist(),
    "a series of ids": lambda history: history.decisions["stream_id"][wanted(history.decisions)],
    "a function that cuts": lambda history: lambda decisions: decisions[wanted(decisions)],
    "an Arrow mask": lambda history: pa.array(wanted(history.decisions).tolist()),
    "some of the decisions": lambda history: history.decisions[wanted(history.decisions)],
}


@pytest.mark.parametrize("condition", CONDITIONS.values(), ids=CONDITIONS)
@pytest.mark.further
def test_all_frames_are_cut_alike(history, expected, condition):
    some = history.where(condition(history))
    ids = expected["stream_id"]
    assert 0 < len(ids) < 300
    assert some.decisions["stream_id"].tolist() == ids.tolist()
    for name in (*FRAMES[1:], "payloads"):
        rows = history[name][history[name]["stream_id"].isin(ids)]
        assert some[name].equals(rows.reset_index(drop=True)), name
    assert (some.coverage["entries"].sum(), some.coverage["left_out"].sum()) == (len(ids), 2_000 - len(ids))
    assert some.coverage["limits"].str.contains("last=300, where ").all()


def test_statistics_follow(history):
    some = history.where(QUERY)
    by_hand = lab.stats.Agreement.of(
        history.votes[history.votes["stream_id"].isin(some.decisions["stream_id"])]
    )
    assert (
        lab.stats.Agreement.of(some).alpha.value
        == by_hand.alpha.value
        != lab.stats.Agreement.of(history).alpha.value
    )


def test_it_can_be_said_again(history):
    assert (
        history.where("confidence > 0.6")
        .where("n_votes > 5")
        .decisions.equals(history.where("confidence > 0.6 and n_votes > 5").decisions)
    )


def test_the_history_stays_as_it_was(history):
    before = {name: history[name].copy() for name in FRAMES}
    some = history.where(QUERY)
    some.decisions["mine"] = 1
    assert all(history[name].equals(before[name]) for name in FRAMES)


def test_a_column_of_ones_own_counts(history):
    some = history.where("confidence > 0.2")
    some.decisions["group"] = np.arange(len(some)) % 3
    third = some.where("group == 1")
    assert third.decisions["group"].eq(1).all()
    assert len(third) == (len(some) + 1) // 3


def test_ids_that_are_not_there_are_said(history):
    some = history.where([history.decisions["stream_id"].iloc[0], "9-9", "8-8"])
    assert len(some) == 1
    assert "one of 3 ids (2 are not there)" in some.coverage["limits"].iloc[0]


def test_rejects_are_kept_by_their_ids_alone():
    history = lab.read(['{"decision": {"recommendation": "ship", "confidence": 1}}', "broken"])
    assert len(history.where("confidence > 0").rejects) == 0
    assert history.where(["0-2"]).rejects["reason"].tolist() == ["not_json"]


def test_where_a_mask_does_not_know_the_decision_is_left_out(history):
    mask = wanted(history.decisions).astype("boolean").mask(np.arange(300) % 2 == 0)
    assert len(history.where(mask)) == mask.sum()


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ([True, False], "2 values for 300 decisions"),
        ("confidnce > 0.5", "confidnce"),
        ("meta.model == 'x'", "between backticks"),
        ("`meta.modle` == 'x'", "no column 'meta.modle': did you mean 'meta.model'"),
        ("confidence = 0.5", "write == to compare"),
        ("1735580000000-0", "is one id: put it in a list"),
        (["True", "False"], "'True' is no id"),
        ((one for one in ["0-1"]), "make it a list"),
        (pd.Series([], dtype=bool), "0 values for 300"),
        (pd.DataFrame({"confidence": [True]}), "without a column stream_id"),
        ("confidence >", "cannot be read"),
        ("", "cannot be read"),
        ("confidence", "other values than true and false"),
        ("1 > 0", "no true or false for each decision"),
        (lambda decisions: decisions["nowhere"], "the function given to where failed: KeyError"),
        (lambda decisions: [True], "1 values for 300"),
        ([1.5] * 300, "other values than true and false"),
        (7, "cannot use a int"),
        (pd.Series([True] * 300, index=range(1, 301)), "another index"),
    ],
    ids=range(19),
)
def test_what_makes_no_sense_is_refused(history, condition, said):
    with pytest.raises(lab.OptionError, match=said):
        history.where(condition)


@pytest.mark.parametrize(
    "text",
    ["is published_at == '2026' right?", "`meta.modle` or `b", "who @knows & why | how", "# of ends",
     "it's 'so'", "a\\", "two\nlines\u2028or three", "x in ['y']", "_0 __1"],
)  # fmt: skip
def test_what_stands_in_a_text_is_no_part_of_the_query(history, text):
    asked = history.decisions.assign(question=["other"] * 299 + [text])
    history = history.with_frames(decisions=asked)
    for written in (repr(text), f'"""{text}"""' if text.isprintable() and "\\" not in text else repr(text)):
        assert len(history.where(f"question == {written} and `meta.model` != 'x'")) == 1
        assert len(history.where(f"question != {written} & confidence >= 0")) == 299


@pytest.mark.parametrize(
    "name", ["a b", "it's", 'say "so"', "a & b | c", "x`y", "@me", "class", "#1", "é ²", "x == 1"]
)
def test_a_column_between_backticks_may_have_any_name(history, name):
    named = history.with_frames(decisions=history.decisions.assign(**{name: range(300)}))
    quoted = name.replace("`", "``")
    assert len(named.where(f"`{quoted}` < 10 and confidence >= 0")) == 10


def test_a_query_may_have_lines_and_comments(history):
    found = history.where("(confidence > 0.6  # it's sure\n and n_votes > 5)")
    assert len(found) == len(history.where("confidence > 0.6 and n_votes > 5")) > 0


def test_a_list_of_another_length_is_answered(history):
    with pytest.raises(lab.OptionError, match=r"Lengths must match.*\(for any value of a list, write in:"):
        history.where("confidence > [0.5, 0.6]")


def test_a_query_may_name_a_variable(history):
    threshold = 0.6  # noqa: F841 - the query uses it
    assert len(history.where("confidence > @threshold")) == len(history.where("confidence > 0.6"))


class TestTimes:
    """Compared with a text, which is UTC where it says no zone."""

    @pytest.mark.parametrize(
        ("query", "cut"),
        [
            ("published_at > '{}'", lambda times, moment: times > moment),
            ("'{}'<published_at", lambda times, moment: times > moment),
            ("published_at == '{}'", lambda times, moment: times == moment),
            ("published_at not in ('{}', '2020-01-01')", lambda times, moment: times != moment),
            ("'2026-01' <= published_at <= \"{}\"", lambda times, moment: times <= moment),
            ("confidence > 0 and `meta.seen` >= '{}'", lambda times, moment: times >= moment),
            ("not published_at < '{}+00:00'", lambda times, moment: times >= moment),
            ("(published_at) > ('{}')", lambda times, moment: times > moment),
            ("published_at == ['{}']", lambda times, moment: times == moment),
            ("published_at.isin(['{}', '2020-01-01'])", lambda times, moment: times == moment),
            ("published_at.between('{}', '2100')", lambda times, moment: times >= moment),
            ("published_at.fillna('2020') > '{}'", lambda times, moment: times > moment),
            ("published_at.dt.floor('h') > '{}'", lambda times, moment: times.dt.floor("h") > moment),
            ("published_at.dt.normalize() == '{:.10}'", lambda times, moment: times.dt.date == moment.date()),
            (
                "published_at.dt.ceil('D').isin(['{:.10}'])",
                lambda times, moment: times.dt.ceil("D") == moment.floor("D"),
            ),
        ],
    )
    def test_a_moment(self, history, query, cut):
        moment = history.decisions["published_at"].iloc[100]
        with_own = history.with_frames(
            decisions=history.decisions.assign(**{"meta.seen": history.decisions["published_at"]})
        )
        found = with_own.where(query.format(str(moment.tz_localize(None))))
        expected = history.decisions[cut(history.decisions["published_at"], moment)]
        assert len(expected) == len(found)
        assert found.decisions["stream_id"].tolist() == expected["stream_id"].tolist()

    def test_a_variable_may_be_a_text(self, history):
        moment = history.decisions["published_at"].iloc[100]
        day, days = str(moment), ["2020-01-01", str(moment)]
        assert len(history.where("published_at >= @day")) == 200, day
        assert len(history.where("published_at in @days")) == 1, days
        naive = [moment.tz_localize(None)]
        with pytest.raises(lab.OptionError, match=r"has no zone: times here have a zone, UTC"):
            history.where("published_at in @naive"), naive

    def test_a_text_is_left_as_it_is(self, history):
        texts = history.decisions.assign(published_at_day="2026-01-01")
        assert len(history.with_frames(decisions=texts).where("published_at_day == '2026-01-01'")) == 300

    @pytest.mark.parametrize("text", ["soon", "1h", "", "1735580000000-0"])
    def test_what_is_no_moment_is_refused(self, history, text):
        with pytest.raises(lab.OptionError, match=r"is compared with times and is none: expected a date"):
            history.where(f"published_at > '{text}'")

    @pytest.mark.parametrize("number", ["5", "1764000000.5", "[2026]"])
    def test_a_number_is_none(self, history, number):
        with pytest.raises(lab.OptionError, match=r"is compared with times and is none: expected a date"):
            history.where(f"published_at > {number}")

    @pytest.mark.parametrize(
        "query",
        ["published_at.dt.date == '2026-01-01'", "published_at.dt.date.isin(['2026-01-01'])",
         "'2026-01-01' == published_at.dt.tz_convert('Asia/Tokyo').dt.floor('D')"],
    )  # fmt: skip
    def test_with_days_or_another_zone_a_text_is_not_compared(self, history, query):
        with pytest.raises(
            lab.OptionError, match=r"is a text, and compared with \.dt\.date or \.dt\.tz_conv"
        ):
            history.where(query)

    @pytest.mark.parametrize(
        ("query", "count"),
        [("published_at in @gaps", 2), ("published_at.isin(@gaps)", 2), ("published_at != @gaps[0]", 300)],
    )
    def test_a_time_that_is_missing_equals_none(self, history, query, count):
        gaps = [pd.NaT, *history.decisions["published_at"].head(2)]
        assert len(history.where(query)) == count, gaps

    @pytest.mark.parametrize("zone", ["None", "'UTC'"])
    def test_in_utc_with_or_without_its_zone_a_text_is_of_utc(self, history, zone):
        day = history.decisions["published_at"].iloc[150].date().isoformat()
        found = history.where(f"published_at.dt.tz_convert({zone}) >= '{day}'")
        assert len(found) == len(history.where(f"published_at >= '{day}'")) < 300

    def test_a_day_has_no_zone(self, history):
        day = history.decisions["published_at"].iloc[0].date()
        with pytest.raises(lab.OptionError, match=r"has no zone: times here have a zone, UTC"):
            history.where("published_at == @day"), day
        assert len(history.where("published_at.dt.date == @day")) > 0

    def test_reckoning_is_answered(self, history):
        day = pd.Timedelta("1D")
        with pytest.raises(
            lab.OptionError, match=r"\(pandas adds a span to no time in a query: give where a"
        ):
            history.where("published_at + @day > '2026-01-01'"), day

    def test_a_variable_without_a_zone_is_answered(self, history):
        moment = pd.Timestamp("2026-01-01")
        with pytest.raises(lab.OptionError, match=r"give the other one too, as in pd\.Timestamp"):
            history.where("published_at > @moment")
        moment = moment.tz_localize("UTC")
        assert len(history.where("published_at > @moment")) == 300


def test_a_column_that_arrow_cannot_hold_hinders_neither_a_look_nor_a_cut(history):
    some = history.where(history.decisions["stream_id"][:9])
    some.decisions["mine"] = [1j] * 9
    assert "9 decisions" in repr(some)
    assert len(some.where("n_votes > 0")) == 9


def test_a_cut_travels_without_the_whole(history):
    whole, some = (
        len(pickle.dumps(one)) for one in (history, history.where(history.decisions["stream_id"][:2]))
    )
    assert some < whole / 20


def test_a_copy_is_a_history_of_its_own(history):
    other = copy.copy(history)
    other.votes["mine"] = 1
    assert "mine" not in history.votes


class TestScans:
    def test_ids_make_one_account(self, tmp_path):
        folder = ranges(tmp_path)
        ids = [f"{1795392000000 + day * 86_400_000}-1" for day in (0, 2)]
        scan = lab.scan(folder).where(ids)
        assert [one for batch in scan for one in batch.decisions["stream_id"]] == ids
        pd.testing.assert_frame_equal(scan.coverage, lab.read(folder).where(ids).coverage)

    def test_a_name_that_no_batch_has_is_refused(self, tmp_path):
        folder = ranges(tmp_path)
        with pytest.raises(lab.OptionError, match=r"no column 'meta\.modle'"):
            list(lab.scan(folder).where("`meta.modle` == 'x'"))
        with pytest.raises(lab.OptionError, match=r"no column 'meta\.modle'"):
            lab.stats.Confidence.of(lab.scan(folder).where("`meta.modle` == 'x'"))

    def test_of_a_source_without_entries_every_name_may_be_asked_for(self, tmp_path):
        (tmp_path / "a.ndjson").touch()
        [batch] = lab.scan(tmp_path / "a.ndjson").where("`meta.modle` == 'x'")
        assert len(batch) == 0

    def test_a_mask_is_refused(self, tmp_path):
        with pytest.raises(lab.OptionError, match="a scan has batches"):
            lab.scan(ranges(tmp_path)).where([True, False])

    @pytest.mark.parametrize("condition", [QUERY, wanted], ids=["a query", "a function"])
    @pytest.mark.further
    def test_they_are_cut_like_a_history(self, condition):
        whole = sample().where(condition)
        scan = lab.scan(sample_folder() / "arena.ndjson.gz").where(condition)
        ids = [one for batch in scan for one in batch.decisions["stream_id"]]
        assert ids == whole.decisions["stream_id"].tolist()
        assert scan.coverage.equals(whole.coverage)

    @pytest.mark.further
    def test_a_name_of_a_query_is_the_callers_variable_of_then(self):
        scan, batch = lab.scan(sample_folder() / "arena.ndjson.gz"), 0.6  # a name that the code has, too
        query = "confidence > @batch and `meta.model`.str.startswith('atlas') and published_at.dt.year > 2000"
        cut, whole = scan.where(query), sample().where(query)
        batch += 1.4
        assert sum(map(len, cut)) == len(whole) > 0
        assert len(sample().where("confidence > @batch")) == 0
        index = batch  # not the row's number, which a scan does not know
        assert sum(map(len, scan.where("confidence > @index"))) == 0, index
        with pytest.raises(lab.OptionError, match="'unknown_' is not defined"):
            list(scan.where("confidence > @unknown_"))

    @pytest.mark.parametrize(
        ("query", "named"),
        [("confidence > confidence.mean()", "mean"), ("not question.duplicated()", "duplicated"),
         ("index < 10", "index"), ("confidence.rank(pct=True) > 0.5 and n_votes == 5", "rank"),
         ("confidence > confidence.iloc[0]", "confidence.iloc[0]"), ("ilevel_0 < 10", "ilevel_0"),
         ("confidence * confidence.size > 1.5", "size"), ("n_votes > `meta.x`.shape[0]", "`meta.x`.shape[0]"),
         ("not question.str.cat(sep='x') == 'a'", "cat"), ("question in recommendation", None),
         ("question.isin(recommendation)", None), ("@len(question) > 1", "@len(question)"),
         ("question.str[n_votes] == 'a'", None), ("confidence > @len[n_votes]", None),
         ("question in ['a', recommendation]", None), ("@len.count(question) > n_votes", None)],
    )  # fmt: skip
    def test_a_query_that_may_look_at_all_decisions_is_refused(self, query, named):
        named = re.escape(f"'{named}'") if named else ""
        with pytest.raises(lab.OptionError, match=f"{named} may look at all: count it before"):
            lab.scan(sample_folder() / "arena.ndjson.gz").where(query)

    def test_a_query_that_compares_each_decision_with_another_value_is_refused(self):
        limits, some = pd.Series([0.5] * 2_000), np.array([0.5, 0.6])
        scan = lab.scan(sample_folder() / "arena.ndjson.gz")
        listed, pair = [0.5] * 2_000, [0.5, 0.6]
        for query in (
            "confidence > @limits", "confidence + @some > 1", "@some < confidence < 1", "confidence > -@some",
            "confidence > @listed", "-confidence < @pair", "confidence >= [0.5, 0.6]",
            "confidence.between(@listed, 1)", "confidence == @some",
        ):  # fmt: skip
            with pytest.raises(
                lab.OptionError, match=r"may look at all: .*for any value of a list, write in:"
            ):
                scan.where(query)
        any_of = sum(map(len, scan.where("confidence == @pair or confidence == [0.5, 0.6]")))
        assert any_of == sum(map(len, scan.where("confidence in @pair"))) > 0, (listed, pair)
        chosen = scan.where("n_votes in @limits or confidence in @some or n_votes > @some[0]")
        assert sum(map(len, chosen)) == 1_000 * len(some) == len(limits)

    @pytest.mark.parametrize(
        "query",
        ["question.str[0] == 'S'", "question.str.len() > @limits['most'] and sqrt(confidence) > 0.5",
         "published_at.dt.hour in @limits['hours'] and n_votes.fillna(n_citations) > 3",
         "`meta.model`.str.upper().str.startswith('ATLAS') or confidence.between(0.5, n_votes)",
         "'atlas-1' in `meta.model` and confidence > @limits.get('none', 0)"],
    )  # fmt: skip
    def test_one_that_looks_at_each_alone_is_not(self, query):
        limits = {"most": 20, "hours": [*range(12)]}  # noqa: F841 - queries use it
        source = sample_folder() / "arena.ndjson.gz"
        whole = lab.read(source).where(query)
        assert 0 < len(whole) == sum(map(len, lab.scan(source).where(query)))

    def test_a_column_that_a_batch_lacks_is_missing_in_it(self, tmp_path, monkeypatch):
        monkeypatch.setattr(files, "_SMALL_BYTES", 0)  # a batch each
        for name, meta in (("a", '"late": 1'), ("b", "")):
            (tmp_path / f"{name}.ndjson").write_text(decided(meta))
        found = list(lab.scan(tmp_path).where("`meta.late` == 1"))
        assert [len(batch) for batch in found] == [1, 0]

    @pytest.mark.parametrize("query", ["{} != 3", "not {} == 3", "not {} > 3", "{}.abs() != 3", "{}.isna()"])
    @pytest.mark.parametrize("values", ["3 4", "3.0 4.5", "3 4.5 -"])
    def test_a_number_that_is_missing_means_the_same_whatever_a_batch_holds(
        self, query, values, tmp_path, monkeypatch
    ):
        monkeypatch.setattr(files, "_SMALL_BYTES", 0)
        for number, batch in enumerate((values, "-", values.split()[0] + " -")):
            lines = [decided("" if one == "-" else f'"late": {one}') for one in batch.split()]
            (tmp_path / f"{number}.ndjson").write_text("".join(lines))
        query = query.format("`meta.late`")
        whole, scan = lab.read(tmp_path).where(query), lab.scan(tmp_path).where(query)
        assert pd.concat([batch.decisions["stream_id"] for batch in scan]).tolist() == [
            *whole.decisions["stream_id"]
        ]
        is_missing = whole.decisions["meta.late"].isna()
        assert is_missing.all() if "isna" in query else not is_missing.any()
        assert len(whole) > 0

    @pytest.mark.parametrize("query", ["{} != 'a'", "{}.str.startswith('a')", "not {}.str.contains('a')"])
    def test_a_text_that_is_missing_does_too(self, query, tmp_path, monkeypatch):
        monkeypatch.setattr(files, "_SMALL_BYTES", 0)
        (tmp_path / "a.ndjson").write_text(decided('"late": "a"') + decided('"late": "b"') + decided(""))
        (tmp_path / "b.ndjson").write_text(decided(""))
        query = query.format("`meta.late`")
        whole, scan = lab.read(tmp_path).where(query), lab.scan(tmp_path).where(query)
        assert pd.concat([batch.decisions["stream_id"] for batch in scan]).tolist() == [
            *whole.decisions["stream_id"]
        ]
        assert len(whole) == (1 if "starts" in query else 3)


def decided(meta):
    """A line of a decision."""
    return f'{{"decision": {{"recommendation": "x", "confidence": 1}}, "meta": {{{meta}}}}}\n'


def ranges(tmp_path):
    """Three days of a stream, five entries each."""
    for day in range(3):
        lines = ['{"decision": {"recommendation": "x", "confidence": 1}}'] * 5
        tables = lab.read(lines).tables()
        ids = pa.array([f"{1795392000000 + day * 86_400_000}-{n}" for n in range(5)], pa.large_string())
        tables["decisions"] = tables["decisions"].set_column(0, "stream_id", ids)
        snapshot.commit(tmp_path / "s", tables, {"stream": "s"})
    return tmp_path / "s"


def test_frames_by_name(history):
    assert history["votes"] is history.votes
    with pytest.raises(lab.OptionError, match="no frame 'vote': there are decisions, votes"):
        history["vote"]
    with pytest.raises(TypeError, match="not iterable"):
        list(history)


def test_what_is_no_column_is_refused():
    with pytest.raises(lab.OptionError, match=r"columns holds a str: write Column\("):
        lab.sample(columns=["cost"])
