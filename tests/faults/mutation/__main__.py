"""Change the code in one place at a time, and see whether a test notices.

    .venv/bin/python tests/faults/mutation --seed 1 --count 300               # as many places of every folder
    .venv/bin/python tests/faults/mutation --count 40 --folder live widget
    .venv/bin/python tests/faults/mutation --at live/window.py:108            # all changes to one line

What is changed stands in ``changes.py``; how a drawing looks is taste, and stays. What runs are tests that
run the changed line, all but the long ones, first those that run little else, until one is red or they have
taken ``--budget`` seconds of a processor, in a fork of a process that has loaded them (``trials.py``).
Which test runs which line is found out once (``survey.py``; kept where ``--survey`` says), and again for
each file of tests that was changed since. What is red must be red again by itself, and green without the
change; what finds no end is tried twice.
``equivalent.txt`` lists the changes that nobody could notice, each with its reason: they are drawn, but not
tried, and not counted.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Generator, Iterator
from functools import partial
from pathlib import Path
from typing import TypeVar

from changes import Change, equivalent, sampled
from survey import Survey, copied
from trials import Session, Trial

ROOT = Path(__file__).parents[3]
PACKAGE = "mastermind_lab"
EQUIVALENT = Path(__file__).with_name("equivalent.txt")


Result = TypeVar("Result")
Steps = Generator[None, None, Result]
"""Goes on by a step whenever it is asked, and returns what came of it."""


class Trials:
    """Changes, tried some at a time."""

    def __init__(self, session: Session, survey: Survey, budget: float, free: list[Path]) -> None:
        self._session, self._survey, self._budget, self._free = session, survey, budget, free
        self._longest = 120 + 10 * budget
        self._sound = set[str]()  # tests that are green without a change

    def __call__(self, changes: list[Change]) -> Iterator[tuple[Change, str]]:
        waiting, running = list(changes), list[tuple[Change, Path, Steps[str]]]()
        try:
            while waiting or running:
                while self._free and waiting:
                    change, copy = waiting.pop(0), self._free.pop()
                    running.append((change, copy, self._verdict(change, copy)))
                for one in list(running):
                    change, copy, steps = one
                    try:
                        next(steps)
                    except StopIteration as end:
                        running.remove(one)
                        self._free.append(copy)
                        yield change, end.value
                time.sleep(0.02)
        finally:
            for *_, steps in running:
                steps.close()

    def _verdict(self, change: Change, copy: Path) -> Steps[str]:
        """Say who noticed; try once more what no test said, and with all loaded anew what nobody noticed."""
        tests, anew, most = self._survey.tests(change.file, change.line, self._budget), False, self._longest
        while tests:
            verdict = yield from self._run(change, tests, copy, most, anew)
            if not verdict and not anew:
                anew = True
            elif verdict and verdict not in self._session.items and most == self._longest:
                most *= 2  # no end, or a file that could not be loaded: it may have had to wait
            elif verdict not in self._session.items or (
                yield from self._is_proved(verdict, change, copy, anew)
            ):
                return verdict
            else:
                tests.remove(verdict)
        return ""

    def _is_proved(self, test: str, change: Change, copy: Path, anew: bool) -> Steps[bool]:
        """Run the test that noticed again: by itself it is red with the change, and green without."""
        if not (yield from self._run(change, [test], copy, self._longest, anew)):
            return False  # it was red because it had to wait, or for what ran before it
        if test not in self._sound:
            if (yield from self._run(None, [test], copy, self._longest)):
                self._survey.leave_out(test)
                return False
            self._sound.add(test)
        return True

    def _run(
        self, change: Change | None, tests: list[str], copy: Path, most: float, anew: bool = False
    ) -> Steps[str]:
        file = Path(PACKAGE, change.file if change else "__init__.py")
        trial = Trial(self._session, copy, file, change, tests, most, anew)
        try:
            while (verdict := trial.verdict()) is None:
                yield
        except BaseException:
            trial.end()
            raise
        return verdict


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--folder", nargs="+", default=[], help="of these; '.' is the files beside them")
    parser.add_argument("--at", action="append", default=[], metavar="FILE:LINE")
    parser.add_argument("--budget", type=float, default=30, help="seconds of a processor for a change")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument(
        "--tests", nargs="+", default=["*"], metavar="PATTERN", help="such as 'tests/test_l*'"
    )
    parser.add_argument("--survey", type=Path, default=ROOT / ".pytest_cache" / "mutation.json")
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what it started ends with it
    changes = sampled(ROOT / PACKAGE, asked.seed, asked.count, asked.folder, asked.at)
    survey = Survey(ROOT, PACKAGE, asked.survey.absolute(), asked.tests)
    with tempfile.TemporaryDirectory(prefix="mutation-") as folder:
        trees = [copied(ROOT, Path(folder, f"tree{number}")) for number in range(asked.jobs + 1)]
        if survey.is_old():
            sys.exit("tests were changed meanwhile: begin again")
        os.environ |= {"PYTHONPATH": str(trees[0]), "MPLBACKEND": "Agg"}
        sys.path[0] = str(trees[0])
        Session(trees[0], PACKAGE, partial(tried, changes, survey, asked.budget, trees[1:]))


def tried(changes: list[Change], survey: Survey, budget: float, copies: list[Path], session: Session) -> None:
    """Try changes, and print how many were noticed, folder by folder."""
    names = equivalent(EQUIVALENT)
    nobody_could = [change for change in changes if change.name in names]
    missed = []
    to_try = [change for change in changes if change.name not in names]
    for change, verdict in Trials(session, survey, budget, copies)(to_try):
        missed += [] if verdict else [change]
        say(f"{change}  |  {verdict or 'NOT NOTICED'}")
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
