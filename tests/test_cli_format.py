"""What commands draw in a terminal, cell by cell, without one."""

import re
from io import StringIO
from types import SimpleNamespace

import pytest
from rich.console import Console

import mastermind_lab as lab
from mastermind_lab.archive import Archived
from mastermind_lab.cli import archive, dashboard
from mastermind_lab.cli.console import Screen, progress, say
from mastermind_lab.cli.following import Events, _shown_on
from mastermind_lab.cli.row_format import Line, bar, fitted
from mastermind_lab.cli.summary import show, summarise
from mastermind_lab.envelope import DecisionEnvelope
from mastermind_lab.frames import Account, Coverage
from mastermind_lab.stream import Gap, StreamUpdate

ID = "1735580000000-0"  # 2024-12-30 17:33:20


@pytest.mark.parametrize(
    ("share", "drawn"),
    [(0, "    "), (1, "████"), (0.5, "██  "), (1 / 32, "▏   "), (5 / 32, "▋   "), (31 / 32, "███▉")],
)
def test_a_share_is_a_bar(share, drawn):
    assert bar(share, 4) == drawn


@pytest.mark.parametrize(
    ("text", "drawn"),
    [
        ("ship", "ship  "),
        ("shipit", "shipit"),
        ("ship it", "ship …"),
        ("船で行く", "船で …"),
        ("a" + "\u0301" * 50, "a"),
    ],
)
def test_a_text_takes_as_many_cells_as_it_may(text, drawn):
    found = fitted(text, 6)
    assert found.cell_len == 6
    assert found.plain.startswith(drawn)


def line(entry_id=ID, confidence=0.75, choices="aab", question="why?"):
    return Line(entry_id, "ship", confidence, choices, question)


def test_a_decision_is_a_line():
    assert line().drawn(120).plain.rstrip() == (
        "2024-12-30 17:33:20Z  " + "ship".ljust(24) + "  ██████   0.75  2:1      why?"
    )
    assert line().drawn(99).plain.startswith("17:33:20Z  " + "ship".ljust(19) + "  ")
    assert line(choices="").drawn(120).plain[63:72] == "-".ljust(9)
    assert line("99999999999999999-0").drawn(120).plain.startswith("-".ljust(22) + "ship")
    for width in (5, 30, 47, 48, 100, 120):
        assert line().drawn(width).cell_len == width


def drawn(thing, width=200):
    console = Console(file=StringIO(), width=width, color_system=None)
    console.print(thing)
    return [" ".join(row.split()) for row in console.file.getvalue().splitlines()]


@pytest.fixture
def follower():
    """Ten decisions, a lag of 2 s, two rejects, five entries that were gone, and one new beginning."""
    follower = lab.Follower("redis://localhost:1", stream="s")
    dashboard.ask(follower)
    votes = '"votes": [{"voter": "v", "choice": "a"}, {"voter": "w", "choice": "%s"}]'
    one = '{"published_at": "2023-11-14T22:13:18Z", '
    one += '"decision": {"recommendation": "r%d", "confidence": %s, %s}}'
    said = [one % (n, 0.95 if n else 0.05, votes % "abcdefghij"[n]) for n in range(10)]
    entries = [(f"17000000{n:02}000-0", payload) for n, payload in enumerate(said)]
    follower.take(StreamUpdate("s", [*entries[:1], ("1700000000500-0", "x"), ("1700000000501-0", "x")]))
    gap = Gap("1700000000501-0", entries[1][0], 5, "exact")
    follower.take(StreamUpdate("s", entries[1:], gap=gap, reset=True))
    return follower


def test_the_screen_of_a_follower(follower):
    width, height = 100, 30
    rows = drawn(dashboard.picture(follower, width, height), width)
    assert len(rows) <= height
    assert rows[0] == "● starting s at redis://localhost:1/0 Ctrl-C ends"
    assert (
        rows[1] == "received 12 · 1.2/s · lag 11.00 s · rejects 2 · 5 trimmed unseen, perhaps more · resets 1"
    )
    assert rows[3].startswith("Confidence 0.860 (")
    assert "n 10" in rows[3]
    assert rows[3].endswith("Choices share of votes, latest 10")
    assert rows[4].endswith("a ███████▊ 55.0%")
    [others] = [row for row in rows if "others" in row]
    assert others.endswith("3 others 15.0%")
    latest = rows[rows.index("Latest decisions") + 1 :]
    assert [row.split()[2] for row in latest] == [f"r{n}" for n in range(9, 9 - len(latest), -1)]
    assert latest[0] == "2023-11-14 22:13:29Z r9 ███████▋ 0.95 1:1"


def test_of_several_streams_those_that_came_last_are_shown():
    follower = lab.Follower("redis://localhost:1", stream=["s", "t"])
    dashboard.ask(follower)
    one = '{"decision": {"recommendation": "%s%d", "confidence": 0.5}}'
    for number, stream in enumerate("ttss"):
        entry = (f"170000000{number}000-0", one % (stream, number))
        follower.take(StreamUpdate(stream, [entry]))
    rows = drawn(dashboard.picture(follower, 100, 40), 100)
    latest = rows[rows.index("Latest decisions") + 1 :]
    assert [row.split()[2] for row in latest] == ["s3", "s2", "t1", "t0"]


def test_a_low_screen_shows_the_latest_decision(follower):
    rows = drawn(dashboard.picture(follower, 100, 5), 100)
    assert [row.split()[2] for row in rows[rows.index("Latest decisions") + 1 :]] == ["r9"]


def test_a_row_that_a_narrow_screen_has_no_room_for_stays_one(follower):
    screen = Screen()
    screen.file, screen.width = StringIO(), 20
    screen.print(dashboard.picture(follower, 20, 24))
    assert [row.split()[0] for row in screen.file.getvalue().splitlines()[:2]] == ["●", "received"]


def test_what_is_printed_in_colour_has_no_colours_but_its_own(monkeypatch):
    for name, value in {"FORCE_COLOR": "1", "TERM": "xterm-256color"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("NO_COLOR", raising=False)
    screen = Screen()
    screen.file = StringIO()
    screen.print("n = 42 of 'a' :smile:")
    assert screen.is_terminal
    assert screen.file.getvalue() == "n = 42 of 'a' :smile:\n"


def test_the_screen_before_anything_has_come():
    follower = lab.Follower("redis://localhost:1", stream="s")
    rows = drawn(dashboard.picture(follower, 60, 20), 60)
    assert rows[1] == "received 0 · 0.0/s · lag - · rejects 0 · gaps not known · r…"
    assert rows[3] == "Confidence nothing yet Choices share of votes,…"


@pytest.mark.parametrize(
    ("count", "row", "found"),
    [(0, 0, " "), (1, 0, "▁"), (1, 1, " "), (50, 0, "█"), (50, 1, " "), (51, 1, "▁"), (100, 1, "█")],
)
def test_a_column_of_a_histogram(count, row, found):
    assert dashboard._step(count, 100, 2, row) == found


def test_beside_several_streams_each_line_begins_with_its_own():
    screen = Screen()
    screen.file, screen.width = StringIO(), 80
    envelope = DecisionEnvelope.model_validate({"decision": {"recommendation": "a", "confidence": 0.5}})
    for streams in (["first-stream", "second"], ["first-stream"]):
        _shown_on(screen, streams)("first-stream", "1-0", envelope)
    several, alone = screen.file.getvalue().splitlines()
    assert several.startswith("first-stream  " + alone.split()[0])


def test_a_choice_as_wide_as_its_column_stands_whole():
    assert dashboard._names(["in eight", "\N{FULLWIDTH LATIN SMALL LETTER A}" * 4], 8)[0] == "in eight"


def test_a_history_in_a_table():
    one = '{"decision": {"recommendation": "a", "confidence": 0.5}, "meta": {"model": "m"}}'
    history = lab.read([one, one, "broken"])
    account = Account(
        source="here",
        entries=3,
        left_out=1_200,
        limits="last=3",
        missing=5_000,
        certainty="at most",
        note="so",
    )
    history = lab.History(history.tables(), Coverage.of(account))
    console = Console(file=StringIO(), width=100)
    show(summarise(history), console)
    rows = [" ".join(row.strip("│ ").split("│")) for row in console.file.getvalue().splitlines()]
    said = {" ".join(row.split()) for row in rows}
    assert {
        "decisions 2", "rejects 1", "not_json 1", "unanimous share none", "source here",
        "left out 1,200 (last=3)",
        "gone before reading 5,000 (at most)", "note so",
    } <= said  # fmt: skip
    mean = r"mean confidence 0\.500 \(95% interval 0\.\d+ to 0\.\d+\), n = 2"
    assert any(re.fullmatch(mean, row) for row in said)
    assert any(row.startswith("m 0.500 (") for row in said)


@pytest.mark.parametrize(("width", "shown"), [(-1, ""), (0, ""), (1, "…"), (2, "a…"), (5, "abc  ")])
def test_what_is_fitted_has_just_so_many_cells(width, shown):
    assert fitted("abc", width).plain == shown


def test_a_line_is_dim_where_that_is_asked_for_only(monkeypatch):
    told = StringIO()
    monkeypatch.setattr(told, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("sys.stdout", told)
    say("a")
    say("b", dim=True)
    assert told.getvalue() == "a\x1b[0m\n\x1b[2mb\x1b[0m\n"


def test_a_fault_is_said_once_and_its_end(capsys):
    events, fault = Events(["a"]), lab.SourceError("no answer")
    for trouble in (fault, fault, None, None, fault, fault, None):
        events.tell(StreamUpdate("a", [], transient_error=trouble))
    assert capsys.readouterr().err.splitlines() == [
        "waiting: no answer", "connected",
        "reconnecting: no answer", "connected again; nothing is shown twice",
    ]  # fmt: skip


def test_what_becomes_of_an_archive_is_said_once(capsys):
    beginning = Archived("folder", "a", None, 0, 0, 0, None, 0, (), 0, None)
    begun = beginning._replace(entries=7, parts=1, last_id="7-0")
    lossy = begun._replace(gaps=(Gap("7-0", "9-0", 2, "exact"),), resets=1)
    waiting = lossy._replace(transient_error="no answer")
    more = lossy._replace(gaps=(*lossy.gaps, Gap("9-0", "20-0", 5, "at most")), refused="is not a stream")
    before = None
    for now in (beginning, *[begun] * 3, *[lossy] * 3, *[waiting] * 3, *[more] * 3):
        archive._tell(before, now, SimpleNamespace(disable=True), several=True)
        before = now
    said = capsys.readouterr()
    assert said.out.splitlines() == [
        "a: part 1: 7 entries so far, safe up to 7-0",
        "a: 2 entries gone before reading, after 7-0",
        "a: the stream began again: what follows is kept apart from what was there before",
        "a: 5 entries gone before reading (at most), after 9-0",
    ]
    assert said.err.splitlines() == ["waiting: no answer", "not archived: is not a stream"]
    archive._tell(None, lossy, SimpleNamespace(disable=True), several=False)  # all of it at once, of one
    told = [one.removeprefix("a: ") for one in said.out.splitlines()[:3]]
    assert capsys.readouterr().out.splitlines() == told


@pytest.mark.parametrize("is_watched", [True, False])
def test_progress_is_shown_where_somebody_watches_and_never_among_the_output(is_watched, monkeypatch, capsys):
    monkeypatch.setattr("sys.stderr.isatty", lambda: is_watched)
    monkeypatch.setattr("sys.stdout.isatty", lambda: not is_watched)
    monkeypatch.setenv("TERM", "xterm")
    with progress() as shown:
        shown.add_task("7 entries")
    said = capsys.readouterr()
    assert (said.out, "7 entries" in said.err) == ("", is_watched)
