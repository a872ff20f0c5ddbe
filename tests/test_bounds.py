"""What ``since`` and ``until`` mean: one parser, whatever is read, and nothing that it has to guess."""

import json
import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from streams import publish
from typer.testing import CliRunner

import mastermind_lab as lab
from mastermind_lab.cli.app import app
from mastermind_lab.cli.options import BOUND
from mastermind_lab.frames import ACCEPTED, Limits, bound, read_duration

pytestmark = pytest.mark.once

BERLIN = ZoneInfo("Europe/Berlin")
NOV = datetime(2026, 11, 1, tzinfo=UTC)
LAST = timedelta(microseconds=1)


def envelope(at=None):
    said = {"decision": {"recommendation": "ship", "confidence": 0.5}}
    return json.dumps(said | ({"published_at": f"{at:%Y-%m-%dT%H:%M:%S.%f}Z"} if at else {}))


def moment(value, *, is_lower=True):
    found = bound("since" if is_lower else "until", value, is_lower=is_lower)
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=found)


def utc(*parts):
    return datetime(*parts, tzinfo=UTC)


class TestPartOfADate:
    @pytest.mark.parametrize(
        ("written", "first", "end"),
        [
            ("2026", utc(2026, 1, 1), utc(2027, 1, 1)), ("1990", utc(1990, 1, 1), utc(1991, 1, 1)),
            ("2026Q4", utc(2026, 10, 1), utc(2027, 1, 1)), ("2026-q1", utc(2026, 1, 1), utc(2026, 4, 1)),
            ("2026-11", NOV, utc(2026, 12, 1)), ("2024-2", utc(2024, 2, 1), utc(2024, 3, 1)),
            ("2026-11-01", NOV, utc(2026, 11, 2)), ("2026-11-1", NOV, utc(2026, 11, 2)),
            (" 2026-11-01\n", NOV, utc(2026, 11, 2)), ("20261101", NOV, utc(2026, 11, 2)),
            ("2026-11-01 10", utc(2026, 11, 1, 10), utc(2026, 11, 1, 11)),
            ("2026-11-01T10:30", utc(2026, 11, 1, 10, 30), utc(2026, 11, 1, 10, 31)),
            ("20261101T1030", utc(2026, 11, 1, 10, 30), utc(2026, 11, 1, 10, 31)),
            ("2026-11-01T10:30:05", utc(2026, 11, 1, 10, 30, 5), utc(2026, 11, 1, 10, 30, 6)),
            ("2026-11-01T00:00:00.25", NOV + 250_000 * LAST, NOV + 251_000 * LAST),
            ("2026-11-01T00:00:00.123456", NOV + 123_456 * LAST, NOV + 123_457 * LAST),
            (date(2026, 11, 1), NOV, utc(2026, 11, 2)), (np.datetime64("2026-11"), NOV, utc(2026, 12, 1)),
            (np.datetime64("2026-11-01"), NOV, utc(2026, 11, 2)),
            (pd.Period("2026-11"), NOV, utc(2026, 12, 1)),
            (pd.Period("2026Q4"), utc(2026, 10, 1), utc(2027, 1, 1)),
        ],
    )  # fmt: skip
    def test_is_whole_at_either_end(self, written, first, end):
        assert (moment(written), moment(written, is_lower=False)) == (first, end - LAST)

    @pytest.mark.parametrize(
        "written",
        [
            "2026", "2026-11", "2026-11-01", "2026-11-01 10", "2026-11-01T10:30", "2026-11-01T10:30:05",
            "2026Q4",
        ],
    )  # fmt: skip
    def test_covers_what_pandas_reads(self, written):
        period = pd.Period(written)
        assert moment(written) == period.start_time.tz_localize(UTC)
        assert moment(written, is_lower=False) == period.end_time.floor("us").tz_localize(UTC)

    def test_what_an_unknown_clock_writes_is_before_or_behind_everything(self):
        for first in (
            "0001-01-01",
            "0001-01-01T00:00:00Z",
            datetime.min,
            date.min,
            np.datetime64("0001-01-01"),
            pd.Timestamp(datetime.min),
        ):
            assert bound("since", first, is_lower=True) < bound("since", "1969-07-20", is_lower=True) < 0
        for last in ("9999", "9999-12", "9999-12-31", "9999-12-31T23:59:59.999999", datetime.max, date.max):
            assert bound("until", last, is_lower=False) == bound("until", datetime.max, is_lower=False)


class TestMoment:
    @pytest.mark.parametrize(
        ("written", "meant"),
        [
            (datetime(2026, 11, 1, 10, 30), utc(2026, 11, 1, 10, 30)),
            (datetime(2026, 11, 1, 10, 30, tzinfo=BERLIN), utc(2026, 11, 1, 9, 30)),
            (datetime(2026, 10, 25, 2, 30, tzinfo=BERLIN), utc(2026, 10, 25, 0, 30)),
            (datetime(2026, 10, 25, 2, 30, tzinfo=BERLIN, fold=1), utc(2026, 10, 25, 1, 30)),
            (
                datetime(2026, 3, 29, 2, 30, tzinfo=BERLIN),
                utc(2026, 3, 29, 1, 30),
            ),  # the hour that is left out
            (pd.Timestamp("2026-10-25T00:30Z").tz_convert("Europe/Berlin"), utc(2026, 10, 25, 0, 30)),
            (pd.Timestamp("2026-10-25T01:30Z").tz_convert("Europe/Berlin"), utc(2026, 10, 25, 1, 30)),
            (pd.Timestamp("2026-11-01T00:00:00.000001"), NOV + LAST),
            (np.datetime64("2026-11-01T00:00:00.000001"), NOV + LAST),
            (pd.Timestamp("2026-11-01").tz_localize("America/St_Johns"), utc(2026, 11, 1, 2, 30)),
        ],
    )
    def test_is_the_same_at_either_end(self, written, meant):
        assert (moment(written), moment(written, is_lower=False)) == (meant, meant)

    @pytest.mark.parametrize(
        ("zone", "east"),
        [
            ("Z", 0), ("z", 0), (" UTC", 0), ("+00:00", 0), ("+01:00", 60), ("+0530", 330), ("-03", -180),
            (" -0330", -210),
        ],
    )  # fmt: skip
    def test_text_has_a_zone_or_is_utc(self, zone, east):
        meant = utc(2026, 11, 1, 10, 30) - timedelta(minutes=east)
        assert moment(f"2026-11-01T10:30{zone}") == meant
        assert moment(f"2026-11-01 10:30:05.5{zone}") == meant + timedelta(seconds=5.5)

    def test_between_two_microseconds_neither_end_takes_in_the_other_side(self):
        for written in (
            "2026-11-01T00:00:00.0000015",
            pd.Timestamp("2026-11-01T00:00:00.000001500"),
            np.datetime64("2026-11-01T00:00:00.0000015"),
        ):
            assert (moment(written), moment(written, is_lower=False)) == (NOV + 2 * LAST, NOV + LAST)
        for written in (
            "2026-11-01T00:00:00.000001000",
            pd.Timestamp("2026-11-01T00:00:00.000001000"),
            np.datetime64("2026-11-01T00:00:00.000001000"),
        ):
            assert (moment(written), moment(written, is_lower=False)) == (NOV + LAST, NOV + LAST)


class TestNumber:
    @pytest.mark.parametrize(
        "seconds",
        [
            1793491200, 1793491200.0, np.int64(1793491200), np.float64(1793491200), Decimal(1793491200),
            "1793491200",
        ],
    )  # fmt: skip
    def test_is_unix_time_in_seconds(self, seconds):
        assert moment(seconds) == moment(seconds, is_lower=False) == NOV

    def test_keeps_its_microseconds(self):
        for seconds in (1793491200.012345, Decimal("1793491200.012345"), "1793491200.012345"):
            assert moment(seconds) == NOV + timedelta(microseconds=12_345)

    @pytest.mark.parametrize(
        ("number", "advice"),
        [
            (1793491200000, "milliseconds: divide by 1_000;"),
            (1793491200000.5, "milliseconds: divide by 1_000;"),
            (np.int64(1793491200000000), "microseconds: divide by 1_000_000;"),
            (pd.Timestamp("2026-11-01").as_unit("ns").value, "nanoseconds: divide by 1_000_000_000;"),
            (1990, "a year is a text, '1990'"), (2026, "a year is a text, '2026'"),
            (20261105, "a day is a text, '20261105'"), (0, "outside of the years 2001 to 2100"),
            (-1, "outside of"), (978307199, "outside of"), (4133980800, "outside of"),
            (10**30, "outside of"), (10**400, "outside of"),
        ],
    )  # fmt: skip
    def test_outside_of_2001_to_2100_is_refused_with_advice(self, number, advice):
        with pytest.raises(lab.OptionError, match=f"^since={str(number)[:20]}|^since=np") as caught:
            lab.read([], since=number)
        assert advice in str(caught.value)
        assert str(caught.value).endswith(ACCEPTED)

    def test_its_ends(self):
        assert moment(978307200) == moment("978307200") == utc(2001, 1, 1)
        assert moment(4133980799.5) == utc(2101, 1, 1) - timedelta(seconds=0.5)


class TestId:
    @pytest.mark.parametrize(
        "written",
        [
            "1735580000000-0", "1735580000000-7@1", "1735580000000@1", "0-19", "10-0", "2026-0",
            "2026-11@0", "1234-567", "2026-305@0",
        ],
    )  # fmt: skip
    def test_is_taken_as_it_is(self, written):
        assert bound("since", written, is_lower=True) == written

    def test_13_digits_are_its_millisecond(self):
        first = moment("1735580000000")
        assert first == datetime.fromtimestamp(1735580000, UTC)
        assert moment("1735580000000", is_lower=False) == first + timedelta(microseconds=999)

    @pytest.mark.parametrize("written", ["2026-11", "1234-5", "2026-1", "2026", "20261105"])
    def test_a_date_is_none(self, written):
        assert isinstance(bound("since", written, is_lower=True), int)

    @pytest.mark.parametrize("written", [f"1-{2**64}", f"{2**64}-0", f"{2**64 + 9}-9@1"])
    def test_has_numbers_below_2_to_the_64(self, written):
        with pytest.raises(lab.OptionError, match="both numbers of a stream id are below"):
            bound("since", written, is_lower=True)


class TestMissing:
    @pytest.mark.parametrize(
        "missing",
        [
            None, pd.NaT, pd.NA, np.datetime64("NaT"), np.timedelta64("NaT"),
            pd.Series([], dtype="datetime64[us]").max(),
        ],
    )  # fmt: skip
    def test_is_no_bound(self, missing):
        history = lab.read([envelope(NOV)], since=missing, until=missing)
        assert (len(history), history.coverage["limits"].tolist()) == (1, [""])


REFUSED = [
    "", " ", "soon", "now", "today", "yesterday", "NaT", "nan", "None", "inf", "1e9", "-1", "10",
    "0", "5", "202611", "173558000000", "17355800000000",
    "2026110110", "1999123110", "978307199", "2026-13", "2026-00", "2026-11-31",
    "2026-02-29", "2026-305", "2026-111", "1990-365",
    "2026-11-01T24:00", "2026-11-01T10:60", "2026-11-01T23:59:60",
    "2026-11-01T10:30+24:00", "2026-11-01Z", "2026-11-01 10:30 Europe/Berlin",
    "2026-11-01 10:30 CET", "01/02/2026", "11/2026", "1.11.2026", "Nov 2026", "2026-W46", "2026Q5",
    "2026-11-01/2026-11-07", "10:30", "0010", "99999", "1-2-3", "-1h", "1M", "1y", "1T", "h",
    "1h30", "1h 30", "PT1H", "01:00:00", "99999999999d", "٢٠٢٦", "2026-11-01\x00", "1735580000000-",
    "1735580000000-0-0", "+1735580000000", b"2026-11-01", True, False, np.True_, float("nan"),
    float("inf"), Decimal("NaN"), Decimal("Infinity"), 1j, np.longdouble("nan"), [], ["2026-11-01"],
    ("2026", "2027"), {}, object(), pd.Series(["2026-11-01"]), pd.DatetimeIndex(["2026-11-01"]),
    np.array("2026-11-01", "datetime64[D]"), NOV.time(), timedelta(seconds=-1), timedelta.min,
    np.timedelta64(1, "M"), np.timedelta64(5), np.timedelta64(-1, "s"), np.datetime64(10**12, "Y"),
    np.datetime64("-0044-03-15"), pd.offsets.MonthEnd(), slice(1, 2), range(3), "x" * 100_000,
    "9" * 100_000,
]  # fmt: skip


class TestRefused:
    @pytest.mark.parametrize("name", ["since", "until"])
    def test_with_every_way_that_is_accepted(self, name):
        for written in REFUSED:
            begins = "^" + re.escape(f"{name}={written!r:.80}: ")
            with pytest.raises(lab.OptionError, match=begins) as caught:
                lab.read([], **{name: written})
            said = str(caught.value)
            assert said.endswith(ACCEPTED)
            assert len(said) < 1_000


class TestDuration:
    @pytest.mark.parametrize(
        ("written", "meant"),
        [
            ("1h", timedelta(hours=1)), ("3d", timedelta(days=3)), ("90s", timedelta(seconds=90)),
            ("2w", timedelta(weeks=2)), ("30m", timedelta(minutes=30)), ("30min", timedelta(minutes=30)),
            ("250ms", timedelta(milliseconds=250)), ("1.5h", timedelta(minutes=90)),
            ("1h30m", timedelta(minutes=90)), ("1d 2h", timedelta(hours=26)), ("2 days", timedelta(days=2)),
            ("1D", timedelta(days=1)), ("0s", timedelta()), (" 1h ", timedelta(hours=1)),
            (timedelta(hours=1), timedelta(hours=1)), (np.timedelta64(1, "h"), timedelta(hours=1)),
            (pd.Timedelta("1h"), timedelta(hours=1)), (timedelta.max, timedelta.max),
        ],
    )  # fmt: skip
    def test_is_read(self, written, meant):
        assert read_duration(written) == bound("since", written, is_lower=True) == meant

    def test_counts_back_from_an_end_and_says_so(self):
        limits = Limits.of(since="1h", until=timedelta(minutes=1))
        assert limits.is_relative
        counted = limits.back_from(3_600_000_001)
        assert (counted.since, counted.until) == (1, 3_540_000_001)
        assert counted.said == (
            "since=1h, until=0:01:00, back from the newest entry at 1970-01-01T01:00:00.000001Z"
        )
        assert limits.back_from(None)[:4] == (
            None,
            None,
            None,
            "since=1h, until=0:01:00, and there is no entry",
        )


class TestCrossed:
    @pytest.mark.parametrize(
        ("since", "until"),
        [
            ("2026-11-02", "2026-11-01"), ("2027", "2026-12-31"), ("10-1", "10-0"),
            ("1735580000001-0@1", "1735580000000@1"), ("1h", "2h"), (NOV, NOV - LAST),
        ],
    )  # fmt: skip
    def test_nothing_between_is_refused(self, since, until):
        with pytest.raises(
            lab.OptionError, match=re.escape(f"since={since!r:.80} lies behind until={until!r:.80}")
        ):
            lab.read([], since=since, until=until)

    @pytest.mark.parametrize(
        ("since", "until"),
        [
            ("2026-11-01", "2026-11-01"), ("2026-11-30", "2026-11"),
            ("1735580000000-5@1", "1735580000000@1"), ("1h", timedelta(hours=1)), (NOV, NOV),
            ("1h", "2020"), ("0-5", "2020"),
        ],
    )  # fmt: skip
    def test_the_same_or_what_is_not_known_yet_is_not(self, since, until):
        assert Limits.of(since=since, until=until).said


DAYS = [envelope(NOV + timedelta(days=day, hours=12)) for day in range(10)]


def kept(history):
    return history.decisions["published_at"].dt.day.tolist()


CUTS = [
    ({"since": "3d"}, [7, 8, 9, 10]),
    ({"since": pd.Timedelta("3D"), "last": 2}, [9, 10]),
    ({"until": "8d"}, [1, 2]),
    ({"since": "2w", "until": "2026-11-03"}, [1, 2, 3]),
    ({"until": "2026-11-03"}, [1, 2, 3]),
    ({"since": date(2026, 11, 9)}, [9, 10]),
    ({"since": "1969-07-20"}, [*range(1, 11)]),
    ({"until": "1969-07-20"}, []),
    ({"since": "0001-01-01", "until": "9999"}, [*range(1, 11)]),
    ({"since": "1990", "until": "2026-11"}, [*range(1, 11)]),
    ({"since": "20261109"}, [9, 10]),
    ({"since": timedelta.max}, [*range(1, 11)]),
]


@pytest.fixture
def sources(raw, redis_url, tmp_path):
    """The same ten days as payloads, files, a stream, and snapshots of both."""
    for name, lines in {"a": DAYS[:4], "b": DAYS[4:]}.items():
        (tmp_path / f"{name}.ndjson").write_text("\n".join(lines))
    noons = [int((NOV + timedelta(days=day, hours=12)).timestamp()) * 1_000 for day in range(10)]
    publish(raw, [(f"{noon}-0", line) for noon, line in zip(noons, DAYS, strict=True)])
    files = f"{tmp_path}/*.ndjson"
    stored = lab.read(files, payloads=True).save(tmp_path / "files")
    streamed = lab.read(redis_url, payloads=True).save(tmp_path / "stream")
    return DAYS, files, redis_url, stored, streamed


class TestSources:
    def test_all_are_cut_alike(self, sources):
        for limits, days in CUTS:
            for source in sources[: 5 if "last" in limits or "until" in limits else 3]:
                history = lab.read(source, **limits)
                assert (kept(history), limits) == (days, limits)
                assert history.coverage["left_out"].sum() == 10 - len(days)

    @pytest.mark.further
    def test_so_are_scans_and_what_is_decoded_again(self, sources):
        extra = [lab.Column("one", lambda envelope: 1, "Int64")]
        for limits, days in CUTS[2:5]:
            bounds = {name: bound for name, bound in limits.items() if name != "last"}
            for source in sources[1:]:
                scan = lab.scan(source, **bounds)
                assert [day for batch in scan for day in kept(batch)] == days
                assert scan.coverage["left_out"].sum() == 10 - len(days)
            for source in sources[3:]:
                assert kept(lab.read(source, columns=extra, **bounds)) == days

    @pytest.mark.further
    def test_coverage_says_what_a_duration_counts_back_from(self, sources):
        said = "since=3d, back from the newest entry at 2026-11-10T12:00:00.000000Z"
        for source in sources:
            assert {*lab.read(source, since="3d").coverage["limits"]} == {said}
            if source is not DAYS:
                scan = lab.scan(source, since="3d")
                assert sum(len(batch) for batch in scan) == 4
                assert {*scan.coverage["limits"]} == {said}

    def test_several_together_count_back_from_the_newest_of_all(self, sources):
        _, files, url, stored, streamed = sources
        assert kept(lab.read([streamed, url], since="3d")) == [7, 8, 9, 10]
        assert kept(lab.read([files, stored], since="1d")) == [9, 10] * 2

    @pytest.mark.filterwarnings("ignore::mastermind_lab.NothingDecodedWarning")
    def test_where_there_is_nothing_to_count_back_from(self, tmp_path, redis_url):
        (tmp_path / "a.ndjson").write_text("broken")
        saved = lab.read([], payloads=True).save(tmp_path / "saved")
        for source in (redis_url, [], str(tmp_path / "a.ndjson"), saved):
            history = lab.read(source, since="1h")
            assert (len(history), history.coverage["left_out"].sum()) == (0, 0)
            assert "since=1h, and there is no entry" in history.coverage["limits"].tolist()[0]

    @pytest.mark.filterwarnings("ignore::mastermind_lab.NothingDecodedWarning")
    def test_an_entry_without_a_time_stays_and_a_reject_can_be_the_newest(self, raw, redis_url):
        assert len(lab.read([*DAYS, envelope()], since="1d")) == 3
        publish(raw, [("1000-0", DAYS[0]), ("61000-0", "broken")])
        history = lab.read(redis_url, since="1m")
        assert (len(history), len(history.rejects)) == (1, 1)
        assert len(lab.read(redis_url, since="59s")) == 0

    def test_lines_without_a_time_are_in_and_that_is_said(self, tmp_path):
        lines = [*DAYS, envelope(), "broken"]
        whole, saved = lab.read(lines), lab.read(lines).save(tmp_path / "saved")
        for history in (lab.read(lines, since="2026-11"), lab.read(saved, since="2026-11")):
            assert history.coverage["note"].str.contains("entries without a time are in").all()
            assert len(history.rejects) == 1
        assert not whole.coverage["note"].notna().any()
        assert not lab.read(DAYS, since="2026-11").coverage["note"].notna().any()

    def test_a_stream_s_id_is_no_bound_of_lines(self, sources):
        for source in (sources[0], sources[1], sources[3]):
            with pytest.raises(lab.OptionError, match="since='1793491200000-0': the id of a stream's entry"):
                len(lab.read(source, since="1793491200000-0"))
            assert kept(lab.read(source, since=str(1794225600000))) == [9, 10]

    def test_redis_is_asked_for_no_moment_before_1970(self):
        assert Limits.of(since="1969-07-20", until="1969-07-20").ids() == {"since": "0", "until": "0-0"}
        assert Limits.of(since=datetime.min, until=datetime.max).ids() == {
            "since": "0",
            "until": "253402300799999",
        }


@pytest.mark.further
def test_weeks_of_the_sample_add_up():
    weeks = [lab.sample(until="2026-11-01"), lab.sample(since="2026-11-02")]
    assert sum(map(len, weeks)) == len(sum(weeks[1:], weeks[0])) == 2_000


class TestWhereItIsSaid:
    @pytest.mark.parametrize("said", [lab.read.__doc__, BOUND], ids=["read", "help"])
    def test_every_spelling_is_accepted_and_named(self, said):
        spellings = re.findall(r"'([^']+)'", ACCEPTED)
        assert len(spellings) == 12
        for spelling in spellings:
            assert bound("since", spelling, is_lower=True) is not None
            assert f"'{spelling}'" in said

    @pytest.mark.parametrize("command", ["read", "snapshot", "tail"])
    def test_help_names_them(self, command):
        shown = CliRunner().invoke(app, [command, "--help"], terminal_width=200).output
        assert "2026Q4" in shown


class TestElsewhere:
    def test_a_replay_goes_to_what_a_bound_means(self):
        replay = lab.replay(DAYS, speed=1)
        replay.pause()
        for written, day in {
            "2026-11": 1,
            "2026-11-05T12:00": 5,
            "3d": 7,
            "0-6": 6,
            NOV + timedelta(days=8): 9,
        }.items():
            replay.seek(written)
            assert replay.now.day == day
        for written in (None, pd.NaT, "soon", 1990):
            with pytest.raises(lab.OptionError, match="moment="):
                replay.seek(written)

    @pytest.mark.parametrize("age", ["2d", timedelta(days=2), np.timedelta64(2, "D"), pd.Timedelta("2D")])
    def test_a_follower_keeps_so_long_a_time(self, age):
        follower = lab.Follower(lab.replay(DAYS), keep=age)
        entries = [(f"{number}-0", line) for number, line in enumerate(DAYS, 1)]
        follower.feed(entries)
        follower.feed(entries[:0])
        everything = lab.Follower(lab.replay(DAYS))
        everything.feed(entries)
        assert kept(follower.history()) == kept(everything.history(last=age)) == [8, 9, 10]

    @pytest.mark.parametrize(
        "wrong", ["soon", "-1h", "0s", 0, -1, True, 1.5, "5", pd.NaT, np.timedelta64("NaT"), timedelta(0), []]
    )
    def test_and_refuses_what_is_no_time(self, wrong):
        with pytest.raises(lab.OptionError, match="keep="):
            lab.Follower("redis://localhost:1", keep=wrong)
        with pytest.raises(lab.OptionError, match="last="):
            lab.Follower("redis://localhost:1").history(last=wrong)
        with pytest.raises(lab.OptionError, match="window="):
            lab.follow("redis://localhost:1", window=wrong)

    @pytest.mark.parametrize("wrong", ["soon", "1h", "", 5, NOV])
    def test_as_of_an_entry_is_an_id(self, wrong):
        with pytest.raises(lab.OptionError, match="as_of="):
            lab.Follower("redis://localhost:1").history(as_of=wrong)

    def test_a_count_may_be_of_numpy(self):
        follower = lab.Follower(lab.replay(DAYS), keep=np.int64(3), backfill=np.int64(3))
        follower.feed([(f"{number}-0", line) for number, line in enumerate(DAYS, 1)])
        assert kept(follower.history(last=np.int64(2))) == [9, 10]
