"""Change the code in one place at a time, and see whether a test notices.

    .venv/bin/python tests/faults/mutation --seed 1 --count 300               # as many places of every folder
    .venv/bin/python tests/faults/mutation --count 40 --folder live widget
    .venv/bin/python tests/faults/mutation --at live/window.py:108            # all changes to one line

What is changed stands in ``changes.py``; how a drawing looks is taste, and stays. What runs are the ordinary
tests that run the changed line, the closest files of tests first, until one is red or ``--budget`` seconds
of tests have passed, in a copy of the tree. Which test runs which line is found out once (``survey.py``; kept
where ``--survey`` says), and again for each file of tests that was changed since. ``equivalent.txt`` lists
the changes that nobody could notice, each with its reason: they are drawn, but not tried, and not counted.
"""

from __future__ import annotations

import argparse
import importlib
import os
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

from changes import Change, equivalent, sampled
from survey import Survey, copied, environment, file_of

ROOT = Path(__file__).parents[3]
PACKAGE = "mastermind_lab"
EQUIVALENT = Path(__file__).with_name("equivalent.txt")
PRELOADED = """pandas pyarrow.parquet pyarrow.dataset pydantic msgspec redis.asyncio ipywidgets
    matplotlib.pyplot matplotlib.backends.backend_agg pytest pytest_asyncio hypothesis xdist
    typer rich.live scipy.stats"""
QUIET = "ignore::pytest.PytestAssertRewriteWarning"  # pytest's plugins are loaded before it
OPTIONS = ["-n", "0", "-q", "-x", "-p", "no:cacheprovider", "-W", QUIET]


def in_child(work: Callable[[], int]) -> int:
    """Start a process that works and ends."""
    pid = os.fork()
    if not pid:
        try:
            code = work()
        except BaseException:  # noqa: BLE001 - whatever it is, it was noticed
            traceback.print_exc()
            code = 3
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    return pid


def load(file: str) -> None:
    """Load a module as its package does: pytest would put it in the place of a function of that name."""
    importlib.import_module(file.removesuffix(".py").removesuffix("/__init__").replace("/", "."))


def passed(tests: list[str]) -> int:
    """Run the tests of one file."""
    import pytest

    if not (file := file_of(tests[0])).startswith("tests/"):
        load(file)
    return int(pytest.main([*OPTIONS, *tests]))


class Trial:
    """One change, tried in a copy of the tree by a child of this process, which has loaded the libraries."""

    def __init__(self, copy: Path, change: Change, tests: list[list[str]], most: float) -> None:
        self.copy, self.change, self.tests, self.most = copy, change, tests, most
        self._end = time.monotonic() + most
        self._log = copy.with_suffix(".log")
        self._file = Path(copy, PACKAGE, change.file)
        self._before = self._file.read_bytes()
        self._file.write_bytes(change.made(self._before))
        self._pid = in_child(self._test)

    def _test(self) -> int:
        """Load the changed module, and try one file of tests after another in a process of its own."""
        os.setsid()
        for number in (1, 2):
            os.dup2(os.open(self._log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND), number)
        os.chdir(self.copy)
        os.environ.update(environment(self.copy))
        sys.path.insert(0, str(self.copy))
        load(f"{PACKAGE}/{self.change.file}")
        return any(os.waitpid(in_child(partial(passed, tests)), 0)[1] for tests in self.tests)

    def verdict(self) -> str | None:
        """Say who noticed, "" if nobody did, None while it goes on."""
        pid, status = os.waitpid(self._pid, os.WNOHANG)
        if not pid and time.monotonic() < self._end:
            return None
        self.end()
        if not pid:
            os.waitpid(self._pid, 0)
        self._file.write_bytes(self._before)
        if pid and os.waitstatus_to_exitcode(status) == 0:
            return ""
        said = self._log.read_text(errors="replace").splitlines() if self._log.exists() else []
        named = [line for line in said if line.startswith(("FAILED", "ERROR"))]
        return (named[0].split(" - ")[0] if named else "an end without a word") if pid else "no end"

    def end(self) -> None:
        """End it, and the servers and programs that it started."""
        with suppress(ProcessLookupError):
            os.killpg(self._pid, signal.SIGKILL)


def tried(changes: list[Change], survey: Survey, budget: float, jobs: int) -> Iterator[tuple[Change, str]]:
    """Try changes, some at a time; what finds no end is tried twice, the second time for longer."""
    waiting, running = list(changes), list[Trial]()
    with tempfile.TemporaryDirectory(prefix="mutation-") as folder:
        free = [copied(ROOT, Path(folder, f"tree{number}")) for number in range(jobs)]
        check(free[0], survey)
        try:
            while waiting or running:
                while free and waiting:
                    change = waiting.pop(0)
                    if tests := survey.tests(change.file, change.line, budget):
                        running.append(Trial(free.pop(), change, tests, 100 + 10 * budget))
                    else:
                        yield change, ""
                for trial in list(running):
                    if (verdict := trial.verdict()) is None:
                        continue
                    running.remove(trial)
                    if verdict == "no end" and trial.most <= 100 + 10 * budget:
                        running.append(Trial(trial.copy, trial.change, trial.tests, 2 * trial.most))
                    else:
                        free.append(trial.copy)
                        yield trial.change, verdict
                time.sleep(0.05)
        finally:
            for trial in running:
                trial.end()


def check(copy: Path, survey: Survey) -> None:
    """See that a trial of no change at all is passed: then those that fail do so for their change."""
    if survey.is_old():
        sys.exit("tests were changed meanwhile: begin again")
    nothing = Change("__init__.py", 1, "", "", 0, 0, "")
    quickest = sorted(survey.seconds, key=survey.seconds.__getitem__)
    trial = Trial(copy, nothing, [quickest[::60]], 600)
    while (verdict := trial.verdict()) is None:
        time.sleep(0.05)
    if verdict:
        sys.exit(f"{verdict}, and nothing was changed")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument(
        "--folder", nargs="+", default=[], help="of these; '.' are the files beside the folders"
    )
    parser.add_argument("--at", action="append", default=[], metavar="FILE:LINE")
    parser.add_argument("--budget", type=float, default=30, help="seconds of tests for a change")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument(
        "--tests", nargs="+", default=["*"], metavar="PATTERN", help="such as 'tests/test_l*'"
    )
    parser.add_argument("--survey", type=Path, default=ROOT / ".pytest_cache" / "mutation.json")
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what it started ends with it
    changes = sampled(ROOT / PACKAGE, asked.seed, asked.count, asked.folder, asked.at)
    listed = equivalent(EQUIVALENT)
    survey = Survey(ROOT, PACKAGE, asked.survey, asked.tests)
    sys.path.insert(0, str(ROOT / "tests"))
    os.environ["MPLBACKEND"] = "Agg"
    for name in PRELOADED.split():
        with suppress(ImportError):
            importlib.import_module(name)
    missed = []
    to_try = [change for change in changes if change.name not in listed]
    for change, verdict in tried(to_try, survey, asked.budget, asked.jobs):
        missed += [] if verdict else [change]
        say(f"{change}  |  {verdict or 'NOT NOTICED'}")
    show(changes, [change for change in changes if change.name in listed], missed)


def show(changes: list[Change], nobody_could: list[Change], missed: list[Change]) -> None:
    """Print how many were noticed, folder by folder."""
    say("\nfolder      changes  equivalent  noticed")
    drawn, listed, lost = (Counter(one.folder for one in some) for some in (changes, nobody_could, missed))
    for folder in sorted(drawn):
        say(row(folder, drawn[folder], listed[folder], lost[folder]))
    say(row("together", len(changes), len(nobody_could), len(missed)))
    say("\n  ".join(["\nnot noticed:", *map(str, missed)]))


def row(folder: str, drawn: int, listed: int, lost: int) -> str:
    tried = drawn - listed
    return f"{folder:<10} {drawn:8} {listed:11} {tried - lost:8}  {1 - lost / tried if tried else 1:.0%}"


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
