"""Change the code in one place at a time, and see whether a test notices.

    .venv/bin/python tests/faults/mutation --seed 1 --count 300               # as many places of every folder
    .venv/bin/python tests/faults/mutation --count 40 --folder live widget
    .venv/bin/python tests/faults/mutation --at live/window.py:108            # all changes to one line

What is changed stands in ``changes.py``; how a drawing looks is taste, and stays. What runs are the ordinary
tests that run the changed line, the closest files of tests first, until one is red or they have taken
``--budget`` seconds of a processor, in a fork of a process that has loaded them (``trials.py``). Which test
runs which line is found out once (``survey.py``; kept where ``--survey`` says), and again for each file of
tests that was changed since. What is red must be red again by itself, and green without the change; what
finds no end is tried twice.
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
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from changes import Change, equivalent, sampled
from survey import Survey, copied
from trials import NO_END, Session, Trial

ROOT = Path(__file__).parents[3]
PACKAGE = "mastermind_lab"
EQUIVALENT = Path(__file__).with_name("equivalent.txt")


class Trials:
    """Changes, tried some at a time."""

    def __init__(self, session: Session, survey: Survey, budget: float, free: list[Path]) -> None:
        self._session, self._survey, self._budget, self._free = session, survey, budget, free
        self._sound = set[str]()  # tests that are green without a change

    def __call__(self, changes: list[Change]) -> Iterator[tuple[Change, str]]:
        waiting, running = list(changes), list[Trial]()
        try:
            while waiting or running:
                while self._free and waiting:
                    change = waiting.pop(0)
                    if tests := self._survey.tests(change.file, change.line, self._budget):
                        running.append(self._begun(change, tests, self._free.pop()))
                    else:
                        yield change, ""
                for trial in list(running):
                    if (verdict := trial.verdict()) is None:
                        continue
                    running.remove(trial)
                    if again := self._again(trial, verdict):
                        running.append(again)
                    else:
                        self._free.append(trial.copy)
                        yield trial.change, verdict
                time.sleep(0.02)
        finally:
            for trial in running:
                trial.end()

    def _begun(
        self, change: Change, tests: list[str], copy: Path, most: float = 0, anew: bool = False
    ) -> Trial:
        file = Path(PACKAGE, change.file)
        return Trial(self._session, copy, file, change, tests, most or 120 + 10 * self._budget, anew)

    def _again(self, trial: Trial, verdict: str) -> Trial | None:
        """Try once more what found no end, what no test notices both times, what nobody noticed."""
        if not verdict:
            return None if trial.anew else self._begun(trial.change, trial.tests, trial.copy, anew=True)
        if verdict == NO_END:
            most = 2 * trial.most
            is_first = most <= 300 + 20 * self._budget
            again = partial(self._begun, trial.change, trial.tests, trial.copy, most, trial.anew)
            return again() if is_first else None
        if verdict not in self._session.items or self._is_proved(verdict, trial):
            return None
        others = [test for test in trial.tests if test != verdict]
        return self._begun(trial.change, others, trial.copy, anew=trial.anew)

    def _is_proved(self, test: str, trial: Trial) -> bool:
        """Run the test that noticed again: by itself it is red with the change, and green without."""
        if self._is_green(test, trial.copy, trial.change, trial.anew):
            return False  # it was red because it had to wait, or for what ran before it
        if test not in self._sound:
            if not self._is_green(test, trial.copy):
                self._survey.leave_out(test)
                return False
            self._sound.add(test)
        return True

    def _is_green(self, test: str, copy: Path, change: Change | None = None, anew: bool = False) -> bool:
        file = Path(PACKAGE, change.file if change else "__init__.py")
        trial = Trial(self._session, copy, file, change, [test], 300, anew)
        try:
            while (verdict := trial.verdict()) is None:
                time.sleep(0.02)
        except BaseException:
            trial.end()
            raise
        return not verdict


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
