"""The command line, as a user runs it: what it prints, and its exit codes."""

import gc
import gzip
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
import redis
from command_line import PROGRAM, environment, run
from forked import Forked
from histories import sample
from typer.main import get_command

import mastermind_lab as lab
from mastermind_lab.archive import PART_BYTES, PART_SECONDS
from mastermind_lab.cli import demonstration, main
from mastermind_lab.cli.app import app
from mastermind_lab.envelope import DEFAULT_STREAM_NAME as STREAM
from mastermind_lab.history import sample_folder
from mastermind_lab.ndjson import FileLimits, blocks
from mastermind_lab.snapshot import unfolded

SAMPLE = str(sample_folder() / "arena.ndjson.gz")
VALID = '{"decision": {"recommendation": "ship", "confidence": 0.5}}'


def fill(url, n=20):
    with redis.Redis.from_url(url) as raw:
        for _ in range(n):
            raw.xadd(STREAM, {"data": '{"decision": {"recommendation": "ship", "confidence": 0.5}}'})
        raw.xadd(STREAM, {"data": "broken"})


NOWHERE = "redis://127.0.0.1:1"
IMPORT = ["votes.csv", "snap", "--decision", "q", "--voter", "w"]


class TestHelp:
    @pytest.mark.parametrize("command", [one.name for one in app.registered_commands])
    def test_has_an_example_and_the_exit_codes(self, command):
        said = run(command, "--help").stdout
        assert f"Example: mastermind-lab {command}" in said
        assert "3 done, and nothing" in said
        assert "130 interrupted" in said

    def test_of_the_program_is_there_without_a_command_too(self):
        said = run("--help").stdout
        assert run().stdout.rstrip() == said.rstrip()
        assert "Exit codes: 0 done; 1 could not" in said
        assert "completion" not in said

    def test_says_with_how_many_a_tail_begins(self):
        assert "[default: 10]" in run("tail", "--help").stdout

    def test_says_what_is_written_behind_an_option(self):
        said = run("import", "-h").stdout
        for option in ("--ranking", "--score", "--probabilities"):
            assert re.search(rf"{option} +\[CHOICE=\]COLUMN ", said)
        assert re.search("--choice +COLUMN ", said)

    def test_says_what_every_argument_and_option_is(self):
        commands = get_command(app).commands
        assert not [(name, one.name) for name in commands for one in commands[name].params if not one.help]

    @pytest.mark.parametrize(
        ("words", "said"),
        [
            (["nope"], "No such command 'nope'"),
            (["snapshot"], "SOURCE"),
            (["read", SAMPLE, "--lst", "3"], "--lst"),
            (["read", SAMPLE, "--last", "x"], "'--last'"),
            (["read", SAMPLE, "--last", "-1"], "'--last'"),
            (["read", SAMPLE, "--since", "soon"], "--since 'soon': expected part of a date"),
            (["read", SAMPLE, "--until", ""], "--until '': expected part of a date"),
            (["snapshot", SAMPLE, "/tmp/none", "--until", f"{2**64}-1"], f"--until '{2**64}-1': both"),
            (["archive", "redis://localhost:1", "/tmp/none", "--part-bytes", "0"], "--part-bytes 0"),
            (["archive", "redis://localhost:1", "/tmp/none", "--part-seconds", "nan"], "--part-seconds nan"),
            (["read", SAMPLE, "--max-line-bytes", "0"], "--max-line-bytes 0: expected a whole number"),
            (["snapshot", SAMPLE, "/tmp/none", "--max-unpacked-bytes", "-1"], "--max-unpacked-bytes -1:"),
            (["replay", SAMPLE, "redis://localhost:1", "--max-line-bytes", "few"], "'--max-line-bytes'"),
            (["simulate", "--rate", "-1"], "'--rate'"),
            (["simulate", "--malformed", "2"], "'--malformed'"),
            (["replay", SAMPLE, "redis://localhost:1", "--speed", "-1"], "'--speed'"),
            (["tail", "--grep", "("], "--grep '(': expected a regular expression"),
            (["tail", "--since", "soon"], "--since 'soon': expected part of a date"),
            (["watch", "--last", "few"], "'--last'"),
            (["import", *IMPORT, "--choice", "a", "--round", "nope"], "--round 'nope': votes has no such"),
            (["read", NOWHERE, "--stream", "\udcff"], r"--stream '\udcff': it has letters"),
            (["archive", NOWHERE, "/tmp/none", "--stream", "\udcff"], r"--stream '\udcff': it has letters"),
            (["simulate", NOWHERE, "--stream", "\udcff"], r"--stream '\udcff': it has letters"),
            (["replay", SAMPLE, NOWHERE, "--stream", "\udcff"], r"--stream '\udcff': it has letters"),
            (["tail", NOWHERE, "--stream", "\udcff"], r"--stream '\udcff': it has letters"),
        ],
    )
    def test_wrong_usage_names_the_option(self, words, said, tmp_path):
        (tmp_path / "votes.csv").write_text("q,w,a\nx,A,yes\n")
        found = run(*words, cwd=tmp_path)
        assert (found.returncode, found.stdout) == (2, "")
        assert said in found.stderr
        assert found.stderr.lstrip().startswith("Usage: ")

    @pytest.mark.once
    @pytest.mark.further
    def test_a_switch_is_named_as_one(self, tmp_path):
        run("snapshot", SAMPLE, tmp_path / "snap", "--last", 5)
        found = run("snapshot", SAMPLE, tmp_path / "snap")
        assert found.returncode == 1
        assert found.stderr.endswith("or pass --overwrite\n")

    def test_the_defaults_it_tells_are_those_of_the_library(self):
        said = run("archive", "--help").stdout
        assert f"{PART_BYTES // 2**20} MiB if not given" in said
        assert f"{PART_SECONDS:.0f} if not given" in said
        said = run("read", "--help").stdout
        assert f"{FileLimits.line_bytes // 2**20} MiB if not given" in said
        lines = f"{blocks._FREE // 2**20} MiB or {blocks._TIMES} times its size"
        parts = f"{unfolded.FREE // 2**30} GiB or {unfolded.TIMES} times its size"
        said = {name: run(name, "--help").stdout for name in ("read", "verify", "import")}
        told = {name: re.sub(r"[\s│]+", " ", one) for name, one in said.items()}
        assert (lines, parts) == ("256 MiB or 200 times its size", "1 GiB or 20 times its size")
        assert (lines in told["read"], parts in told["verify"]) == (True, True)
        assert (lines in told["import"], parts in told["import"]) == (True, True)

    @pytest.mark.once
    @pytest.mark.parametrize("words", [["--help"], ["read", "--help"], ["archive", "--help"], ["--version"]])
    @pytest.mark.further
    def test_waits_for_no_library_that_it_does_not_use(self, words):
        code = (
            "import sys, atexit; from mastermind_lab.cli import main\n"
            "atexit.register(lambda: print(*sys.modules, file=sys.stderr)); main()"
        )
        found = subprocess.run(
            [sys.executable, "-c", code, *words], capture_output=True, text=True, env=environment()
        )
        loaded = set(found.stderr.split())
        assert "mastermind_lab.cli.app" in loaded
        assert not loaded & {
            "pandas",
            "pyarrow",
            "redis",
            "numpy",
            "matplotlib",
            "msgspec",
            "asyncio",
            "json",
            "rich.progress",
        }
        assert not {name for name in loaded if name.startswith("mastermind_lab.history")}

    @pytest.mark.once
    def test_collects_no_garbage_until_a_command_runs(self, monkeypatch):
        seen = []

        def verify(*_, **__):
            seen.append(gc.isenabled())
            return pd.DataFrame()

        monkeypatch.setattr("mastermind_lab.snapshot.verify", verify)
        monkeypatch.setattr("typer.echo", lambda *_, **__: seen.append(gc.isenabled()))
        run("--version")
        run("verify", "folder")
        assert seen == [False, True, True]
        assert gc.isenabled()

    def test_has_no_annotation_that_must_be_evaluated_for_each_command(self):
        commands = [one.callback for one in app.registered_commands]
        assert len(commands) > 10
        assert not [one for one in commands if any(isinstance(a, str) for a in one.__annotations__.values())]

    def test_version(self):
        assert run("--version").stdout == f"{lab.__version__}\n"

    @pytest.mark.once
    def test_as_a_module(self):
        command = [sys.executable, "-m", "mastermind_lab", "--version"]
        found = subprocess.run(command, capture_output=True, text=True, env=environment())
        assert (found.stdout, found.returncode) == (f"{lab.__version__}\n", 0)


class TestRead:
    @pytest.mark.further
    def test_a_table(self):
        found = run("read", SAMPLE)
        assert found.returncode == 0
        for said in ("decisions", "2,000", "mean confidence", "atlas-1", "95% interval", "unanimous share"):
            assert said in found.stdout

    @pytest.mark.further
    def test_json(self):
        found = json.loads(run("read", SAMPLE, "--json", "--last", "100").stdout)
        assert found["decisions"] == 100
        assert 0 < found["mean_confidence"]["low"] < found["mean_confidence"]["value"] < 1
        assert found["coverage"][0]["left_out"] == 1_900

    def test_json_of_nothing(self, tmp_path):
        (tmp_path / "a.ndjson").touch()
        found = json.loads(run("read", tmp_path, "--json").stdout)
        assert (found["decisions"], found["mean_confidence"]["value"]) == (0, None)

    def test_the_address_comes_from_the_option_then_the_variables(self, redis_url):
        fill(redis_url)
        nowhere = "redis://localhost:1"
        assert "20" in run("read", redis_url, MASTERMIND_LAB_URL=nowhere).stdout
        assert run("read", MASTERMIND_LAB_URL=redis_url, REDIS_URL=nowhere).returncode == 0
        assert run("read", REDIS_URL=redis_url).returncode == 0
        assert run("read", MASTERMIND_LAB_URL=nowhere, REDIS_URL=redis_url).returncode == 1

    def test_rejects_by_reason(self, redis_url):
        fill(redis_url)
        assert json.loads(run("read", redis_url, "--json").stdout)["rejects"] == {"total": 1, "not_json": 1}

    def test_hostile_text_is_shown_as_text(self, tmp_path):
        model = "[red]\x1b[31mred\u202e[/] <b>"
        envelope = {"decision": {"recommendation": "x", "confidence": 1}, "meta": {"model": model}}
        (tmp_path / "a.ndjson").write_text(json.dumps(envelope))
        said = run("read", tmp_path, TERM="xterm", FORCE_COLOR="1").stdout
        assert "\x1b[31mred" not in said
        assert "\u202e" not in said
        assert "[red]" in said
        assert "<b>" in said

    def test_hostile_text_in_json_is_ascii_and_comes_back(self, tmp_path):
        model = "\x9b2J\u202e\x1b[31m\ud800é"
        envelope = {"decision": {"recommendation": "x", "confidence": 1}, "meta": {"model": model[:-2]}}
        (tmp_path / "a.ndjson").write_text(json.dumps(envelope))
        said = run("read", tmp_path, "--json").stdout
        assert said.isascii()
        assert "\x1b" not in said
        assert list(json.loads(said)["mean_confidence_by_model"]) == [model[:-2]]

    @pytest.mark.once
    def test_on_a_terminal_that_knows_ascii_only(self, tmp_path):
        envelope = {"decision": {"recommendation": "x", "confidence": 1}, "meta": {"model": "塞翁"}}
        (tmp_path / "é.ndjson").write_text(json.dumps(envelope))
        shown, complaints = [], []
        for name, code in (("é.ndjson", 0), ("ü.ndjson", 1)):
            started = Forked(["read", tmp_path / name], environment(PYTHONIOENCODING="ascii"))
            with started.stdout, started.stderr:
                shown.append(started.stdout.read().decode("ascii"))
                complaints.append(started.stderr.read().decode())
            assert started.wait() == code
        assert "??" in shown[0]
        assert complaints[0] == ""
        assert complaints[1].startswith("error: ")

    @pytest.mark.once
    @pytest.mark.parametrize(
        ("words", "said"),
        [
            (["read", "/none.ndjson"], "there is no file /none.ndjson"),
            (["read", "redis://me:canary@localhost:1"], "no Redis answers at redis://localhost:1/0"),
            (["read", "redis://me:canary@localhost:x"], "the Redis URL cannot be read"),
            (["read", "\x1b[31m\x9b2J\u202e.ndjson"], "no file \ufffd[31m\ufffd2J\ufffd.ndjson"),
            (["snapshot", SAMPLE, SAMPLE], "cannot write"),
            (["archive", "nowhere", "/tmp/none"], "the Redis URL cannot be read"),
            (["verify", "/none"], "/none is no snapshot"),
            (["compact", "/none"], "/none is no snapshot"),
            (["replay", "/none.ndjson", "redis://localhost:1"], "there is no file /none.ndjson"),
            (["tail", "nowhere"], "the Redis URL cannot be read"),
            (["watch"], "for pipes there is mastermind-lab tail --json"),
            (["snapshot", SAMPLE, "/proc/none"], "cannot write /proc/none"),
            (["simulate", "/tmp/a.csv"], "name the file"),
            (["simulate", "redis://localhost:1"], "no Redis answers"),
        ],
    )
    def test_what_goes_wrong_is_said_in_a_line(self, words, said):
        found = run(*words)
        assert found.returncode == 1
        assert found.stderr.startswith("error: ")
        assert said in found.stderr
        assert len(found.stderr.splitlines()) == 1
        assert "canary" not in found.stderr + found.stdout
        assert all(one.isprintable() for one in found.stderr.rstrip("\n"))

    def test_a_wrong_password_is_not_printed(self, make_server):
        server = make_server("--requirepass", "right")
        found = run("read", server.url.replace("//", "//:canary@"))
        assert (found.returncode, "canary" in found.stderr) == (1, False)
        assert "password" in found.stderr

    @pytest.mark.parametrize(
        "words",
        [
            ["{}"],
            ["read", SAMPLE, "{}"],
            ["--{}"],
            ["tail", NOWHERE, "--since={}"],
            ["tail", NOWHERE, "--grep", "{}("],
            ["simulate", NOWHERE, "--stream", "{}"],
        ],
    )
    def test_a_password_where_no_url_is_expected_is_not_printed(self, words):
        found = run(*(word.replace("{}", "redis://me:can'a ry@host") for word in words))
        assert found.returncode == 2
        assert not re.search("can|ry@", found.stderr)

    def test_what_was_given_is_shown_as_it_is(self, tmp_path):
        folder = tmp_path / "stream=x" / "foo"
        assert f"{folder}: name the file" in " ".join(run("simulate", folder).stderr.split())
        assert "--since 'stream=5'" in run("tail", NOWHERE, "--since", "stream=5").stderr

    def test_a_warning_is_a_line_said_once_that_steers_no_terminal(self, tmp_path):
        folder = tmp_path / "a\x1b[31mX"
        lab.sample(last=20).save(folder)
        (folder / ".archive.checkpoint").write_bytes(b"no checkpoint")
        found = run("read", folder, "--last", 5)
        assert found.returncode == 0
        assert [line.partition(": ")[0] for line in found.stderr.splitlines()] == ["warning"]
        assert "\x1b" not in found.stderr

    def test_a_choice_has_one_column(self, tmp_path):
        (tmp_path / "votes.csv").write_text("q,w,p1,p2\nx,A,0.2,0.3\n")
        found = run("import", *IMPORT, "--probabilities", "yes=p1", "--probabilities", "yes=p2", cwd=tmp_path)
        assert (found.returncode, "'yes' has two columns" in found.stderr) == (2, True)

    def test_what_nobody_foresaw_is_a_plain_traceback_without_what_is_in_it(self, monkeypatch, capsys):
        def verify(folder, **_):
            raise RuntimeError("unforeseen")

        address = "s3://me:hunter2@bucket/run"
        monkeypatch.setattr("mastermind_lab.snapshot.verify", verify)
        with pytest.raises(RuntimeError) as found:
            run("verify", address)
        sys.excepthook(found.type, found.value, found.tb)
        said = capsys.readouterr().err
        assert said.startswith("Traceback (most recent call last):")
        assert said.endswith("RuntimeError: unforeseen\n")
        assert "hunter2" not in said

    def test_a_key_of_another_type(self, redis_url):
        with redis.Redis.from_url(redis_url) as raw:
            raw.set(STREAM, "x")
        assert "is not a stream" in run("read", redis_url).stderr

    def test_a_stream_that_is_not_there_is_said(self, redis_url):
        found = run("read", redis_url, "--stream", "typo")
        assert found.returncode == 0
        assert "there is no stream 'typo'" in found.stdout

    @pytest.mark.once
    @pytest.mark.parametrize("words", [["read", SAMPLE, "--json"], ["read", SAMPLE], ["read", "--help"]])
    def test_a_reader_that_leaves(self, words):
        process = Forked(words, environment())
        process.stdout.close()
        with process.stderr:
            assert process.stderr.read() == b""
        assert process.wait() == 0

    @pytest.mark.thorough
    def test_compressed_standard_input(self):
        command = f"gzip | {shlex.join(PROGRAM)} read - --json"
        found = subprocess.run(["bash", "-c", command], input=VALID, capture_output=True, text=True)
        assert json.loads(found.stdout)["decisions"] == 1
        assert json.loads(found.stdout)["coverage"][0]["source"] == "standard input"

    @pytest.mark.parametrize(
        ("content", "said"),
        [
            ("broken\nbroken", "could not decode any of the 2 entries of"),
            (f"[{VALID}]", "a.ndjson is a JSON array"),
            ("a,b\n1,2\n", "a.ndjson is a table of text"),
            ('{"schema_version": "\\u001b[31m"}', "is version: schema_version is"),
        ],
    )
    def test_a_source_of_which_nothing_could_be_decoded_has_its_own_exit_code(
        self, tmp_path, monkeypatch, capsys, content, said
    ):
        (tmp_path / "a.ndjson").write_text(content)
        for words in (["read", tmp_path, "--json"], ["snapshot", tmp_path / "a.ndjson", tmp_path / "snap"]):
            monkeypatch.setattr(sys, "argv", ["mastermind-lab", *map(str, words)])
            with pytest.raises(SystemExit) as ended:
                main()
            shown = capsys.readouterr()
            assert (ended.value.code, shown.err.count("\n"), bool(shown.out)) == (3, 1, True)
            assert shown.err.startswith("warning: ")
            assert said in shown.err
            assert shown.err.rstrip("\n").isprintable()


@pytest.mark.once
class TestOutput:
    """Full, closed, or left by its reader: a line says so, and what is not about the output goes on."""

    @pytest.fixture(autouse=True)
    def _somewhere(self, tmp_path, monkeypatch):
        (tmp_path / "a.ndjson").write_text(f"{VALID}\n" * 5)
        monkeypatch.chdir(tmp_path)

    def ended(self, command):
        full = f"{shlex.join(PROGRAM)} {command}"
        return subprocess.run(
            ["bash", "-c", full], capture_output=True, text=True, env=environment(), timeout=90
        )

    @pytest.mark.parametrize("command", ["read {}", "read {} --json", "--help"])
    def test_full(self, command):
        process = Forked(command.format(Path("a.ndjson").resolve()).split(), environment(), into="/dev/full")
        with process.stderr:
            said = process.stderr.read().decode()
        assert (process.wait(), said) == (1, "error: cannot write the output: No space left on device\n")

    @pytest.mark.parametrize("command", ["read /none.ndjson", "tail redis://127.0.0.1:1"])
    def test_closed(self, command):
        found = self.ended(f"{command} >&-")
        assert found.returncode == 1
        assert found.stderr.startswith("error: standard output is closed")
        assert found.stderr.count("\n") == 1

    @pytest.mark.thorough
    def test_messages_have_nowhere_to_go(self):
        assert self.ended("read a.ndjson --json 2>&-").returncode == 0
        process = Forked(["read", "/none.ndjson"], environment(), errors="/dev/full")
        with process.stdout:
            assert process.wait() == 1

    @pytest.mark.further
    def test_a_message_that_cannot_be_written_has_its_exit_code(self):
        assert self.ended("read /none.ndjson 2>/dev/full").returncode == 1

    @pytest.mark.thorough
    def test_standard_input_is_closed(self):
        found = self.ended("read - <&-")
        assert (found.returncode, found.stderr.count("\n")) == (1, 1)
        assert found.stderr.startswith("error: cannot open standard input")

    def test_a_full_stream_of_lines(self, redis_url):
        fill(redis_url)
        process = Forked(["tail", redis_url], environment(), into="/dev/full")
        with process.stderr:
            said = process.stderr.read().decode()
        assert process.wait() == 1
        assert said.endswith("error: cannot write the output: No space left on device\n")
        assert "Traceback" not in said


class TestLimitsOfFiles:
    @pytest.fixture
    def packed(self, tmp_path):
        path = tmp_path / "a.ndjson.gz"
        path.write_bytes(gzip.compress(f"{VALID}\n".encode() * 100))
        return path

    def test_are_told_and_can_be_raised(self, packed):
        found = run("read", packed, "--max-unpacked-bytes", 600)
        assert "--max-unpacked-bytes on the command line" in re.sub(r"[\s│]+", " ", found.stdout)
        for flag, limit, rejects in [
            ("--max-unpacked-bytes", 600, {"total": 1, "too_large": 1}),
            ("--max-unpacked-bytes", 6_000, {"total": 0}),
            ("--max-line-bytes", 20, {"total": 100, "too_long": 100}),
            ("--max-line-bytes", 200, {"total": 0}),
        ]:
            assert json.loads(run("read", packed, "--json", flag, limit).stdout)["rejects"] == rejects

    def test_of_a_snapshot_and_a_replay(self, packed, tmp_path, redis_url):
        found = run("snapshot", packed, tmp_path / "snap", "--max-unpacked-bytes", 600)
        assert found.stdout.startswith("10 decisions and 1 reject")
        [reject] = lab.read(tmp_path / "snap").rejects["detail"]
        assert "(--max-unpacked-bytes on the command line)" in reject
        found = run("replay", packed, redis_url, "--speed", "max", "--max-unpacked-bytes", 600)
        assert found.stdout.startswith("11 of 11 entries")


class TestSnapshot:
    def test_is_read_back(self, tmp_path):
        found = run("snapshot", SAMPLE, tmp_path / "snap")
        assert found.stdout.strip() == f"2,000 decisions and no rejects are in {tmp_path}/snap"
        assert len(lab.read(tmp_path / "snap")) == 2_000
        assert run("snapshot", SAMPLE, tmp_path / "snap").returncode == 1
        assert run("snapshot", SAMPLE, tmp_path / "snap", "--overwrite", "--last", 5).returncode == 0
        assert len(lab.read(tmp_path / "snap")) == 5

    def test_only_what_lies_between_two_moments(self, tmp_path):
        whole = lab.read(SAMPLE).decisions["published_at"]
        begin, end = (str(whole.iloc[place].floor("s").tz_localize(None)) for place in (400, 900))
        expected = len(lab.read(SAMPLE, since=begin, until=end))
        assert 400 < expected < 600
        found = run("snapshot", SAMPLE, tmp_path / "snap", "--since", begin, "--until", end)
        assert found.stdout.startswith(f"{expected} decisions")
        told = json.loads(run("read", SAMPLE, "--json", "--since", begin, "--until", end).stdout)
        assert told["decisions"] == expected
        assert json.loads(run("read", SAMPLE, "--json", "--last", 7).stdout)["decisions"] == 7

    def test_long_lines_are_cut_where_it_is_said(self, tmp_path):
        (tmp_path / "a.ndjson").write_text(f"{VALID}\n" * 3)
        found = run("snapshot", tmp_path / "a.ndjson", tmp_path / "snap", "--max-line-bytes", 20)
        assert found.stdout.startswith("no decisions and 3 rejects")

    def test_at_a_url(self, tmp_path):
        assert run("snapshot", SAMPLE, f"local://{tmp_path}/snap", "--last", 5).returncode == 0
        assert len(lab.read(tmp_path / "snap")) == 5


@pytest.mark.once
class TestSimulate:
    def test_into_a_file(self, tmp_path):
        for name, seed in (("a", 3), ("b", 3), ("c", 4)):
            found = run("simulate", tmp_path / f"{name}.ndjson", "--count", 50, "--seed", seed)
            assert found.stdout.startswith("50 decisions in")
        a, b, c = ((tmp_path / f"{name}.ndjson").read_bytes() for name in "abc")
        assert a == b != c
        assert len(lab.read(tmp_path / "a.ndjson")) == 50

    def test_onto_a_stream_at_a_rate(self, redis_url):
        began = time.time()
        found = run("simulate", redis_url, "--count", 20, "--rate", 20)
        assert f"20 decisions on {STREAM} at {redis_url}/0" in found.stdout
        assert time.time() - began > 0.9
        history = lab.read(redis_url)
        assert len(history) == 20
        lag = history.decisions["streamed_at"] - history.decisions["published_at"]
        assert (lag.abs().dt.total_seconds() < 5).all()

    def test_malformed_entries(self, redis_url):
        run("simulate", redis_url, "--count", 60, "--rate", 0, "--malformed", 0.5)
        assert 10 < len(lab.read(redis_url).rejects) < 50

    def test_until_interrupted(self, redis_url):
        # So slow that Ctrl-C, sent as one has arrived, does not meet the next under way.
        process = Forked(["simulate", redis_url, "--rate", "5"], environment())
        with process.stdout, process.stderr:
            try:
                wait_until(lambda: len(lab.read(redis_url)) > 3)
                process.send_signal(signal.SIGINT)
                said = process.stdout.read().decode()
            finally:
                process.kill()
        assert process.wait() == 130
        assert said.startswith(f"{len(lab.read(redis_url)):,} decisions on")


def wait_until(ready, seconds=30):
    end = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.05)


def gone(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


@pytest.mark.once
class TestDemo:
    FILES = ("confidence.png", "confidence_over_time.png", "votes.png", "margin.png")

    @pytest.mark.thorough
    def test_headless(self, tmp_path):
        sample(3).save(tmp_path / "mastermind-demo" / "snapshot")  # of another time
        began = time.process_time()  # of ours alone, however busy the machine is
        found = run("demo", "--headless", cwd=tmp_path)
        assert found.returncode == 0, found.stderr
        assert time.process_time() - began < 30
        for said in ("unanimous share", "mean confidence", "not_json", "invalid", "version"):
            assert said in found.stdout
        for name in self.FILES:
            assert (tmp_path / "mastermind-demo" / name).read_bytes().startswith(b"\x89PNG")
        history = lab.read(tmp_path / "mastermind-demo" / "snapshot")
        assert len(history) + len(history.rejects) == 2_000
        assert 5 < len(history.rejects) < 40
        url = re.search(r"redis://\S+", found.stdout).group()
        with pytest.raises(lab.SourceError, match="no Redis answers"):
            lab.read(url)

    def test_a_folder_that_cannot_be_written(self):
        found = run("demo", "--headless", "--folder", "/proc/none")
        assert (found.returncode, found.stderr.count("\n"), found.stdout) == (1, 1, "")
        assert "cannot write" in found.stderr

    def test_a_folder_that_is_there_will_do(self, tmp_path, monkeypatch):
        monkeypatch.setattr(demonstration, "Server", lambda: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            demonstration.run(tmp_path, headless=True)

    def test_jupyterlab_is_out_of_reach_of_ctrl_c_and_ends_with_the_block(self, tmp_path, monkeypatch):
        tmp_path.joinpath("jupyterlab.py").write_text(
            "import os, sys, time\n"
            "open(sys.argv[1], 'w').write(f'{os.getsid(0)} ' + os.environ['MASTERMIND_LAB_URL'])\n"
            "time.sleep(60)"
        )
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))
        told = tmp_path / "told"
        with demonstration._jupyter("redis://here", told) as lab:
            wait_until(lambda: told.exists() and "redis://" in told.read_text())
            assert told.read_text() == f"{lab.pid} redis://here"
        assert lab.returncode == -signal.SIGTERM

    @pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a browser always has where to open")
    @pytest.mark.parametrize(
        ("display", "opens"), [("DISPLAY", True), ("WAYLAND_DISPLAY", True), ("", False)]
    )
    def test_a_browser_is_opened_where_there_is_a_screen(self, tmp_path, monkeypatch, display, opens):
        for name in ("DISPLAY", "WAYLAND_DISPLAY"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv(display or "NONE", ":0")
        monkeypatch.setattr(sys, "executable", "true")
        with demonstration._jupyter("redis://here", tmp_path) as lab:
            assert ("--no-browser" not in lab.args, str(tmp_path) in lab.args) == (opens, True)

    def test_the_notebooks_are_copied_once_and_stay_as_they_were_saved(self, tmp_path):
        copy = demonstration._notebooks(tmp_path)
        assert {one.name for one in copy.glob("*.ipynb")} >= {"01_quickstart.ipynb"}
        (copy / "01_quickstart.ipynb").write_text("mine")
        assert (demonstration._notebooks(tmp_path) / "01_quickstart.ipynb").read_text() == "mine"

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
    def test_a_signal_ends_it_with_its_own_exit_code(self, number):
        before = signal.getsignal(number)
        with pytest.raises(SystemExit) as ended, demonstration._ended_by_signals():
            signal.raise_signal(number)
        assert ended.value.code == 128 + number
        assert signal.getsignal(number) is before

    @pytest.mark.timeout(120)
    @pytest.mark.thorough
    def test_with_jupyterlab_until_ctrl_c(self, tmp_path):
        log = tmp_path / "log"
        # Ctrl-C is a signal as in the foreground, wherever the tests were started.
        heeding = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
        with log.open("w") as output:
            process = subprocess.Popen(
                [*PROGRAM[:-1], heeding + PROGRAM[-1], "demo"],
                cwd=tmp_path,
                stdout=output,
                stderr=output,
                env=environment(BROWSER="true"),
            )
        try:
            wait_until(lambda: "/lab?token=" in log.read_text(), 60)
            url = re.search(r"redis://\S+", log.read_text()).group()
            before = len(lab.read(url))
            wait_until(lambda: len(lab.read(url)) > before + 20)
            children = [
                int(one)
                for one in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
            ]
            process.send_signal(signal.SIGINT)
            process.wait(timeout=20)
        finally:
            process.kill()
        assert process.returncode == 0
        wait_until(lambda: all(gone(child) for child in children), 10)
        assert "Traceback" not in log.read_text()
        with pytest.raises(lab.SourceError, match="no Redis answers"):
            lab.read(url)


class TestArchives:
    @pytest.fixture
    def folder(self, tmp_path):
        return sample(20).save(tmp_path / "[bold]snap")

    def test_all_is_well(self, folder):
        said = run("verify", folder)
        assert (said.returncode, said.stdout.strip().replace("\n", "")[-11:]) == (0, "all is well")
        assert json.loads(run("verify", folder, "--json").stdout) == {"findings": []}
        assert run("compact", folder).stdout.startswith("1 range became 1 in")

    def test_findings_end_with_1(self, folder):
        next((folder / "votes").rglob("*.parquet")).unlink()
        said = run("verify", folder, "--json")
        assert said.returncode == 1
        [finding] = json.loads(said.stdout)["findings"]
        assert (finding["kind"], finding["part"].split("/")[0]) == ("missing", "votes")
        assert "missing" in (shown := run("verify", folder)).stdout
        assert shown.returncode == 1

    def test_a_part_is_unpacked_to_no_more_than_is_said(self, folder):
        said = run("verify", folder, "--json", "--max-unpacked-bytes", 50)
        assert said.returncode == 1
        assert "--max-unpacked-bytes" in said.stdout

    def test_no_archive(self, tmp_path):
        for command in ("verify", "compact"):
            said = run(command, tmp_path / "nowhere")
            assert (said.returncode, "is no snapshot" in said.stderr) == (1, True)
