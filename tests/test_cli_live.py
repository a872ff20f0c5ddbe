"""Following, watching and replaying from the command line: real processes, on pipes and on terminals."""

import fcntl
import json
import os
import pty
import re
import select
import shlex
import signal
import struct
import subprocess
import termios
import time
from contextlib import contextmanager

import pytest
import redis
from command_line import PROGRAM, run
from forked import Forked
from rich.cells import cell_len
from telling import telling

import mastermind_lab as lab
from mastermind_lab.arena import Arena, payloads
from mastermind_lab.envelope import DEFAULT_STREAM_NAME as STREAM
from mastermind_lab.history import sample_folder

SAMPLE = str(sample_folder() / "arena.ndjson.gz")
PATIENCE = 90  # seconds: a busy machine takes long to start a program

pytestmark = pytest.mark.timeout(120)


def environment(**variables):
    left_out = ("MASTERMIND_LAB_URL", "REDIS_URL", "COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR")
    kept = {name: value for name, value in os.environ.items() if name not in left_out}
    return kept | {"TERM": "xterm-256color", "LC_ALL": "C.UTF-8"} | variables


def envelope(recommendation="ship", confidence=0.5, **decision):
    decision = {"recommendation": recommendation, "confidence": confidence} | decision
    return json.dumps({"decision": decision})


def add(url, *all_payloads, stream=STREAM, at=None):
    with redis.Redis.from_url(url) as raw:
        ids = [f"{at + place}-0" if at else "*" for place in range(len(all_payloads))]
        return [raw.xadd(stream, {"data": one}, id_) for one, id_ in zip(all_payloads, ids, strict=True)]


class Program:
    """A running command: what it has written so far, and what is still to come."""

    def __init__(self, *words, size=None, **variables):
        self.written, terminal = {"out": b"", "err": b""}, None
        if size:
            # The slave is kept open, so that what was written last can still be read.
            self.master, self.slave = pty.openpty()
            fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
            terminal = os.ttyname(self.slave)
        self.process = Forked(words, environment(**variables), terminal)
        self.files = {self.master if size else self.process.stdout.fileno(): "out"}
        self.files[self.process.stderr.fileno()] = "err"

    @property
    def out(self):
        return self._text("out")

    @property
    def err(self):
        return self._text("err")

    def _text(self, name):
        # Read to its end first: a piece, or the terminal's echo of Ctrl-C, can end amid a character.
        return self.written[name].replace(b"^C", b"").decode(errors="surrogateescape")

    def read(self, seconds):
        """Take what is there, or wait for it; False at the end of all."""
        ready, _, _ = select.select(list(self.files), [], [], seconds)
        for file in ready:
            found = os.read(file, 1 << 16)
            self.written[self.files[file]] += found
            if not found:
                del self.files[file]
        return ready

    def until(self, ready, seconds=PATIENCE):
        end = time.monotonic() + seconds
        while not ready(self):
            assert time.monotonic() < end, (self.out[-2_000:], self.err[-2_000:])
            assert self.process.poll() is None or self.read(0), (self.out[-2_000:], self.err[-2_000:])
            self.read(0.1)
        return self

    def press(self, key):
        os.write(self.master, key)

    def end(self, seconds=PATIENCE):
        """Wait for its end; returns the exit code."""
        end = time.monotonic() + seconds
        while self.process.poll() is None:
            assert time.monotonic() < end, "it does not end"
            self.read(0.05)
        while self.files and self.read(0):
            pass
        assert "Traceback" not in self.out + self.err, self.err
        return self.process.returncode

    def close(self):
        self.process.kill()
        self.process.wait()
        for file in (self.process.stdout, self.process.stderr):
            if file:
                file.close()
        if hasattr(self, "slave"):
            os.close(self.slave)
            os.close(self.master)


@contextmanager
def running(*words, **options):
    program = Program(*words, **options)
    try:
        yield program
    finally:
        program.close()


def plain(text):
    """Take out the colours, and nothing else."""
    return re.sub(r"\x1b\[[\d;]*m", "", text)


def lines(count):
    return lambda program: program.out.count("\n") >= count


def objects(program):
    return [json.loads(line) for line in program.out.splitlines()]


@pytest.mark.once
class TestTailJson:
    def test_an_envelope_a_line_at_once_and_the_reasons_of_rejects(self, redis_url):
        sent = list(payloads(Arena(3), 30))
        add(redis_url, *sent, "broken", '{"schema_version": "2"}')
        with redis.Redis.from_url(redis_url) as raw:
            raw.xadd(STREAM, {"other": "field"})
        history = lab.read(redis_url)
        with running("tail", redis_url, "--json", "--last", 99) as program:
            program.until(lines(33))
            add(redis_url, envelope("late"))
            program.until(lines(34))
            found = objects(program)
            program.process.send_signal(signal.SIGTERM)
            assert (program.end(), program.err) == (0, "")
        for one, payload, stream_id in zip(found, sent, history.decisions["stream_id"], strict=False):
            assert (one.pop("stream"), one.pop("stream_id")) == (STREAM, stream_id)
            assert one["decision"] == json.loads(payload)["decision"]
            assert one["meta"] == json.loads(payload)["meta"]
        assert [one["reason"] for one in found[30:33]] == ["not_json", "version", "no_data"]
        assert [one["stream_id"] for one in found[30:33]] == history.rejects["stream_id"].tolist()
        # What was not sent is not invented.
        assert found[33].keys() == {"stream", "stream_id", "decision"}

    def test_whatever_comes_a_line_stays_a_line_of_ascii(self, redis_url):
        hostile = "\x1b[31m\u202e[red]\n\r\u2028\x85\x9b0m" + "x" * 1_000_000
        odd = '{"decision": {"recommendation": "a", "confidence": 1, "x": [NaN, 1e400, %s]}}' % ("9" * 4_000)
        add(
            redis_url, envelope(hostile), odd, envelope("b", meta={"deep": json.loads("[" * 150 + "]" * 150)})
        )
        with running("tail", redis_url, "--json") as program:
            program.until(lines(3))
            first, second, _ = objects(program)
            assert program.out.isascii()
            assert "\x1b" not in program.out
        assert first["decision"]["recommendation"] == hostile
        assert second["decision"]["x"] == [None, None, int("9" * 4_000)]

    def test_only_what_is_searched_for(self, redis_url):
        add(
            redis_url,
            envelope("night tram"),
            envelope("x", question="Night tram?"),
            envelope("none"),
            "broken",
        )
        add(redis_url, envelope("x", rationale="a tram, at night"), envelope("x", decision_id="tram"))
        with running("tail", redis_url, "--json", "--grep", "(?i)night tram|tram.*night") as program:
            program.until(lines(4))
            program.process.send_signal(signal.SIGINT)
            assert program.end() == 0
        assert [one.get("reason") for one in objects(program)] == [None, None, "not_json", None]

    def test_since(self, redis_url):
        for second in range(4):
            add(redis_url, envelope(str(second)), at=1_735_689_600_000 + 1_000 * second)
        with running("tail", redis_url, "--json", "--since", "2025-01-01T00:00:02") as program:
            program.until(lines(2))
            add(redis_url, envelope("new"))
            program.until(lines(3))
        assert [one["decision"]["recommendation"] for one in objects(program)] == ["2", "3", "new"]

    def test_since_a_time_back_from_now(self, redis_url):
        now = time.time_ns() // 1_000_000
        for minutes in (90, 30, 1):
            add(redis_url, envelope(str(minutes)), at=now - minutes * 60_000)
        with running("tail", redis_url, "--json", "--since", "1h") as program:
            program.until(lines(2))
        assert [one["decision"]["recommendation"] for one in objects(program)] == ["30", "1"]

    def test_since_a_moment_to_come(self, redis_url):
        add(redis_url, envelope("old"), at=1_000)
        with running(
            "tail", redis_url, "--json", "--since", "3000-0", "--stream", STREAM, "--stream", "b"
        ) as one:
            one.until(lambda program: "no stream 'b'" in program.err)
            add(redis_url, envelope("early"), at=2_000)
            add(redis_url, envelope("on time"), at=3_000)
            one.until(lines(1))
        assert [found["decision"]["recommendation"] for found in objects(one)] == ["on time"]

    def test_several_streams(self, redis_url):
        for stream in "ab":
            add(redis_url, envelope(stream), stream=stream)
        with running("tail", redis_url, "--json", "--stream", "a", "--stream", "b") as program:
            program.until(lines(2))
        assert [(one["stream"], one["decision"]["recommendation"]) for one in objects(program)] == [
            ("a", "a"), ("b", "b"),
        ]  # fmt: skip


@pytest.mark.once
class TestTailThroughFaults:
    def test_a_server_that_comes_late_and_is_killed_and_comes_back(self, server):
        server.stop()
        with running("tail", server.url, "--json") as program:
            program.until(lambda one: one.err.startswith("waiting: no Redis answers at"))
            server.start()
            program.until(lambda one: "connected\n" in one.err)
            ids = add(server.url, *[envelope("a")] * 3)
            program.until(lines(3))
            os.kill(server.pid, signal.SIGKILL)
            program.until(lambda one: "reconnecting: " in one.err)
            server.start()
            program.until(lambda one: "connected again" in one.err)
            program.until(lambda one: "begun again" in one.err)
            ids += add(server.url, *[envelope("b")] * 3)
            program.until(lines(6))
            program.process.send_signal(signal.SIGTERM)
            assert program.end() == 0
        assert [one["stream_id"].partition("@")[0] for one in objects(program)] == [
            id_.decode() for id_ in ids
        ]
        assert len({one["stream_id"] for one in objects(program)}) == 6
        # A line each, however often it was tried meanwhile.
        said = ["waiting: ", "connected", "there is no", "reconnecting: ", "connected again", "begun again"]
        for line, beginning in zip(program.err.splitlines(), said, strict=True):
            assert line.startswith(beginning)

    def test_a_gap_is_said_with_its_number(self, redis_url):
        add(redis_url, envelope("a"))
        with running("tail", redis_url, "--json") as program:
            program.until(lines(1))
            program.process.send_signal(signal.SIGSTOP)
            with redis.Redis.from_url(redis_url) as raw:
                for _ in range(50):
                    raw.xadd(STREAM, {"data": envelope("b")}, maxlen=10, approximate=False)
            program.process.send_signal(signal.SIGCONT)
            program.until(lines(11))
            program.until(lambda one: "\n" in one.err)
        assert "gap: at most 40 entries behind" in program.err

    def test_a_wrong_password_ends_it(self, make_server):
        url = make_server("--requirepass", "right").url.replace("//", "//:canary@")
        with running("tail", url) as program:
            assert program.end() == 1
        assert program.err.startswith("error: ")
        assert "canary" not in program.err + program.out

    @pytest.mark.parametrize(
        ("words", "said"),
        [(["--grep", "("], "--grep '(': expected a"), (["--since", "soon"], "--since 'soon': expected part")],
    )
    def test_what_makes_no_sense(self, words, said):
        found = run("tail", "redis://localhost:1", *words)
        assert found.returncode == 2
        assert said in found.stderr

    @pytest.mark.parametrize("words", telling([[], ["--json"]], "['--json']"))
    def test_a_reader_that_leaves(self, redis_url, words):
        # Nothing more comes: that nobody reads any more is noticed all the same.
        add(redis_url, *[envelope("a")] * 5)
        command = shlex.join([*PROGRAM, "tail", redis_url, *words])
        found = subprocess.run(
            ["bash", "-c", f"{command} | head -n 2; exit ${{PIPESTATUS[0]}}"],
            capture_output=True, text=True, env=environment(), timeout=PATIENCE,
        )  # fmt: skip
        assert (found.returncode, found.stderr, found.stdout.count("\n")) == (0, "", 2)


class TestTailOnATerminal:
    @pytest.mark.parametrize("width", telling([80, 120, 20], "80"))
    def test_a_line_a_decision(self, redis_url, width):
        votes = [{"voter": str(place), "choice": "no" if place > 4 else "yes"} for place in range(7)]
        add(
            redis_url,
            envelope("fund in part", 0.75, votes=votes, question="Why? " * 50),
            at=1_735_689_600_000,
        )
        add(redis_url, envelope("a" * 100), envelope("塞翁失马" * 30), "broken")
        with running("tail", redis_url, size=(width, 24)) as program:
            program.until(lines(3))
            program.until(lambda one: "\n" in one.err)
            program.press(b"\x03")
            assert program.end() == 0
        shown = plain(program.out).splitlines()
        assert [cell_len(line.rstrip("\r")) for line in shown[:3]] == [width] * 3
        [reject] = lab.read(redis_url).rejects.itertuples()
        assert program.err == f"rejected {reject.stream_id}: not_json ({reject.detail})\n"
        if width == 80:
            for said in ("00:00:00Z", "fund in part", "██████   0.75", "5:2", "Why? Why?"):
                assert said in shown[0]
        if width == 120:
            assert "2025-01-01 00:00:00Z" in shown[0]

    def test_hostile_text_is_shown_as_text(self, redis_url):
        nasty = [
            "\x1b[31mred\x1b]0;title\x07", "[red]markup[/] :smile:", "\u202eright to left\u202c\u2066",
            "two\nlines\r\nand\x0b\x0c\x85\u2028three", "\x9b2J\x00\x08\x7f", "x" * 1_000_000,
            "e" + "\u0301" * 1_000_000, "{0.__class__} %s %d",
        ]  # fmt: skip
        add(redis_url, *(envelope(one, question=one) for one in nasty))
        add(
            redis_url,
            json.dumps({"decision": {"recommendation": "x", "confidence": 1, "votes": [{"\x1b[31m": 1}]}}),
        )
        add(redis_url, envelope("last"))
        with running("tail", redis_url, "--last", 99, size=(120, 24)) as program:
            program.until(lines(9))
            program.until(lambda one: "\n" in one.err)
            program.process.send_signal(signal.SIGTERM)
            assert program.end() == 0
        shown = plain(program.out).replace("\r\n", "\n")
        assert shown.count("\n") == len(nasty) + 1
        assert all(one.isprintable() for one in shown.replace("\n", ""))
        assert "[red]markup[/] :smile:" in shown
        assert len(shown) < 9 * 2_000
        assert "\x1b" not in program.err

    @pytest.mark.once
    def test_on_a_terminal_that_knows_ascii_only(self, redis_url):
        add(redis_url, envelope("塞翁失马"))
        with running("tail", redis_url, PYTHONIOENCODING="ascii") as program:
            program.until(lines(1))
        assert "????" in program.out


def frames(program):
    """Take the pictures of a full screen apart: each begins in the upper left corner."""
    pictures = program.out.split("\x1b[H")[1:]
    return [plain(one).split("\x1b")[0].replace("\r", "").split("\n") for one in pictures]


def shows(*texts):
    return lambda program: (all_ := frames(program)) and all(text in "\n".join(all_[-1]) for text in texts)


def wanted(url):
    history = lab.read(url)
    mean = lab.stats.Confidence.of(history).mean
    return [
        "Ctrl-C ends", f"rejects {len(history.rejects)}", "no gaps", "others", "at last", "█",
        "Unanimous  0.",
        f"Confidence  {mean.value:.3f} ({mean.low:.3f} to {mean.high:.3f}) n {mean.n}",
    ]  # fmt: skip


class TestWatch:
    @pytest.mark.parametrize("size", telling([[80, 24], [120, 40], [40, 10]], "[80, 24]"))
    def test_a_full_screen(self, redis_url, size):
        add(redis_url, *payloads(Arena(3), 300, malformed=0.05))
        with running("watch", redis_url, size=size) as program:
            program.until(shows("● live", "received 300"))
            add(redis_url, envelope("at last"))
            program.until(shows("received 301", *([] if size[0] == 40 else wanted(redis_url))))
            program.press(b"\x03")
            assert (program.end(), program.err) == (0, "")
        assert program.out.count("\x1b[?1049h") == program.out.count("\x1b[?1049l") == 1
        for frame in frames(program):
            assert len(frame) <= size[1]
            assert max(map(cell_len, frame)) <= size[0]

    @pytest.mark.once
    @pytest.mark.further
    def test_four_redraws_a_second_at_most(self, redis_url):
        with running("watch", redis_url, size=(80, 24)) as program:
            program.until(shows("● live"))
            sent, began = list(payloads(Arena(3), 20)), time.monotonic()
            program.read(0.02)  # what was drawn meanwhile, which would be counted to what is drawn now
            before = len(frames(program))
            while time.monotonic() < began + 2 or len(frames(program)) < before + 2:
                add(redis_url, *sent)
                program.read(0.02)
            seen = len(frames(program)) - before
            assert seen <= (time.monotonic() - began) * 4 + 1
            program.until(shows(f"received {len(lab.read(redis_url)):,}"))

    @pytest.mark.once
    def test_through_faults_until_a_signal(self, server):
        server.stop()
        with running("watch", server.url, size=(80, 24)) as program:
            program.until(shows("● reconnecting", "no Redis answers"))
            server.start()
            add(
                server.url,
                envelope(
                    "\x1b[31mred\u202e [red]\n" + "x" * 100_000, votes=[{"voter": "a", "choice": "\x1b[2J"}]
                ),
            )
            program.until(
                shows(
                    "● live",
                    "received 1 ",
                    "\N{REPLACEMENT CHARACTER}[31mred\N{REPLACEMENT CHARACTER} [red]…",
                )
            )
            os.kill(server.pid, signal.SIGKILL)
            program.until(shows("● reconnecting"))
            server.start()
            program.until(shows("● live", "resets 1"))
            program.process.send_signal(signal.SIGTERM)
            assert (program.end(), program.err) == (0, "")
        assert "\x1b[2J" not in program.out.split("\x1b[H", 1)[1]
        assert "\u202e" not in program.out

    @pytest.mark.once
    def test_a_wrong_password_is_said_when_the_screen_is_back(self, make_server):
        url = make_server("--requirepass", "right").url.replace("//", "//:canary@")
        with running("watch", url, size=(80, 24)) as program:
            assert program.end() == 1
        assert "\x1b[?1049l" in program.out or "\x1b[?1049h" not in program.out
        assert "password" in program.err
        assert "canary" not in program.err + program.out

    def test_without_a_terminal(self):
        found = run("watch", "redis://localhost:1")
        assert found.returncode == 1
        assert "tail --json" in found.stderr


@pytest.mark.once
class TestReplay:
    def test_raw_payloads_go_out_as_they_were(self, redis_url, tmp_path):
        sent = [*payloads(Arena(3), 100, malformed=0.1)]
        (tmp_path / "a.ndjson").write_bytes(b"\n".join(sent) + b"\n")
        with running(
            "replay", tmp_path / "a.ndjson", redis_url, "--speed", "max", "--stream", "s"
        ) as program:
            assert program.end() == 0
        assert program.out == f"100 of 100 entries on s at {redis_url}/0\n"
        with redis.Redis.from_url(redis_url) as raw:
            assert [fields[b"data"] for _, fields in raw.xrange("s")] == sent

    @pytest.mark.parametrize("payloads", [True, False])
    @pytest.mark.further
    def test_a_snapshot(self, redis_url, tmp_path, payloads):
        history = lab.read(SAMPLE, last=50, payloads=payloads)
        history.save(tmp_path / "snap")
        assert run("replay", tmp_path / "snap", redis_url, "--speed", 0).returncode == 0
        found = lab.read(redis_url)
        assert found.decisions["correlation_id"].tolist() == history.decisions["correlation_id"].tolist()
        assert found.votes["choice"].tolist() == history.votes["choice"].tolist()
        if payloads:
            kept = lab.read(redis_url, payloads=True).payloads["payload"]
            assert kept.tolist() == history.payloads["payload"].tolist()

    def test_at_the_pace_it_had_with_progress_until_interrupted(self, redis_url, tmp_path):
        times = [f"2026-01-01T00:{minute:02}:00Z" for minute in (0, 1, 2, 3, 59)]
        text = "\n".join(json.dumps(json.loads(envelope("a")) | {"published_at": one}) for one in times)
        (tmp_path / "a.ndjson").write_text(text)
        for stream in "abc":  # a machine may be busy, but hardly each time
            words = tmp_path / "a.ndjson", redis_url, "--stream", stream, "--speed", 120
            with running("replay", *words) as program:
                program.until(lambda _, stream=stream: len(lab.read(redis_url, stream=stream)) == 4)
                program.process.send_signal(signal.SIGINT)
                assert program.end() == 130
            assert program.out.startswith("4 of 5 entries on")
            times = lab.read(redis_url, stream=stream).decisions["streamed_at"]
            gaps = times.diff().dt.total_seconds().iloc[1:]
            if gaps.between(0.3, 0.9).all():
                break
        else:
            raise AssertionError(gaps)

    @pytest.mark.parametrize("speed", ["max", "10", "0.5"])
    def test_entries_of_which_none_has_a_time(self, redis_url, tmp_path, speed):
        (tmp_path / "a.ndjson").write_text(f"{envelope('a')}\nbroken\n{envelope('b')}\n")
        found = run("replay", tmp_path / "a.ndjson", redis_url, "--speed", speed)
        assert (found.returncode, found.stderr) == (0, "")
        assert found.stdout == f"3 of 3 entries on {STREAM} at {redis_url}/0\n"

    def test_progress_on_a_terminal(self, redis_url):
        with running("replay", SAMPLE, redis_url, "--speed", "1e6", size=(80, 24)) as program:
            assert program.end() == 0
        assert "2,000 of 2,000 entries" in program.out

    @pytest.mark.parametrize(
        ("words", "code", "said"),
        [
            ([SAMPLE, "redis://localhost:1", "--speed", "fast"], 2, "no speed"),
            ([SAMPLE, "redis://localhost:1", "--speed", "-1"], 2, "no speed"),
            ([SAMPLE], 2, "URL"),
            ([SAMPLE, "redis://me:canary@localhost:1"], 1, "no Redis answers at redis://localhost:1"),
            (["redis://me:canary@localhost:1", "redis://localhost:1"], 1, "is a stream"),
            (["/none.ndjson", "redis://localhost:1"], 1, "no file /none.ndjson"),
        ],
    )
    def test_what_makes_no_sense(self, words, code, said):
        found = run("replay", *words)
        assert found.returncode == code
        assert said in found.stderr
        assert "canary" not in found.stderr
