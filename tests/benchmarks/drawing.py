"""What drawing costs: the processor's seconds of each chart, from a ready summary to a picture.

    python tests/benchmarks/drawing.py                        # this checkout, a minute or two
    python tests/benchmarks/drawing.py --against ../before    # and the ratio to another's
    python tests/benchmarks/drawing.py --only votes timing
    python tests/benchmarks/drawing.py --json                 # for machines: one document a row

A row is a chart of the newest decisions of the sample, with outcomes, or the same ``by`` ``meta.model``. What
is counted beforehand is not measured, but for a decision and a tree, which take a history. Shown is the least
of some rounds; two checkouts take turns, a process a round, each with a drawing that warms up. ``ratio`` is
this checkout's time over the other's: below 1 is faster. Nothing here fails on a slow machine.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from inspect import signature
from io import BytesIO
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parents[2]
SUBJECTS = {
    "agreement": "Agreement", "arguments": "Arguments", "citations": "Citations", "confidence": "Confidence",
    "confidence_over_time": "ConfidenceOverTime", "conformity": "Conformity", "drift": "Drift",
    "margin": "Margin", "pivotal": "Pivotal", "regimes": "Regimes", "reliability": "Calibration",
    "risk_coverage": "Calibration", "rules": "Rules", "stability": "Stability", "timing": "Timing",
    "voters": "Voters", "votes": "Votes",
}  # fmt: skip
"""Charts of a summary, and whose."""
OF_ONE = ("argument_tree", "decision")
BY = "meta.model"


def measured(last: int, times: int, only: list[str]) -> dict[str, float]:
    """Draw each chart some times, and return the least of the processor's seconds."""
    import matplotlib

    matplotlib.use("agg")
    import mastermind_lab as lab

    history = lab.with_outcomes(lab.sample(last=last), HERE / "data" / "outcomes.csv")
    return {
        name: min(_seconds(draw) for _ in range(1 + times))
        for name, draw in _drawings(lab, history).items()
        if not only or name.split()[0] in only
    }


def _drawings(lab: Any, history: Any) -> dict[str, Callable[[], Any]]:
    """Count what is drawn, and say how to draw it."""
    found: dict[str, Callable[[], Any]] = {}
    for name, subject in SUBJECTS.items():
        if not hasattr(lab.charts, name):
            continue  # not yet, in an older checkout
        draw, count = getattr(lab.charts, name), getattr(lab.stats, subject).of
        found[name] = partial(draw, count(history))
        if "by" in signature(draw).parameters:
            found[f"{name} by"] = partial(draw, count(history, by=BY))
    one = history.decisions["stream_id"].iloc[-1]
    return found | {name: partial(getattr(lab.charts, name), history, one) for name in OF_ONE}


def _seconds(draw: Callable[[], Any]) -> float:
    from matplotlib import pyplot

    began = time.process_time()
    drawn = draw()
    figure = drawn.figure or drawn
    figure.savefig(BytesIO(), format="png", dpi=100)
    spent = time.process_time() - began
    pyplot.close("all")
    return spent


def least(checkout: Path, before: dict[str, float], asked: argparse.Namespace) -> dict[str, float]:
    """Measure a checkout in a process of its own, and keep the least of what is known."""
    command = [sys.executable, __file__, "--child", "--last", str(asked.last), "--times", str(asked.times)]
    command += ["--only", *asked.only] if asked.only else []
    done = subprocess.run(
        command, env=os.environ | {"PYTHONPATH": str(checkout)}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{checkout} does not draw this:\n{done.stderr[-2_000:]}")
    return {name: min(found, before.get(name, found)) for name, found in json.loads(done.stdout).items()}


def rows(asked: argparse.Namespace) -> list[dict[str, Any]]:
    """Measure this checkout, and another in turn."""
    mine: dict[str, float] = {}
    other: dict[str, float] = {}
    for _ in range(asked.rounds):
        mine = least(HERE, mine, asked)
        if asked.against:
            other = least(asked.against.resolve(), other, asked)
    return [
        {
            "chart": name,
            "seconds": seconds,
            "other": other.get(name),
            "ratio": _ratio(seconds, other.get(name)),
        }
        for name, seconds in mine.items()
    ]


def _ratio(seconds: float, other: float | None) -> float | None:
    return seconds / other if other else None


def main() -> None:
    """Measure, and print a row a chart."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--against", type=Path, help="the folder of another checkout to compare with")
    parser.add_argument("--only", nargs="+", choices=[*SUBJECTS, *OF_ONE], metavar="CHART")
    parser.add_argument("--last", type=int, default=500, help="decisions of the sample")
    parser.add_argument("--times", type=int, default=3, help="drawings a round, beside the first")
    parser.add_argument("--rounds", type=int, default=3, help="processes a checkout")
    parser.add_argument("--json", action="store_true", help="one JSON document a line instead of a table")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.child:
        sys.stdout.write(json.dumps(measured(asked.last, asked.times, asked.only)))
        return
    if not asked.json:
        sys.stdout.write(f"{'chart':<24}{'seconds':>9}{'other':>9}{'ratio':>7}\n")
    for row in rows(asked):
        shown = [row["other"] or float("nan"), row["ratio"] or float("nan")]
        line = f"{row['chart']:<24}{row['seconds']:>9.3f}{shown[0]:>9.3f}{shown[1]:>7.2f}"
        sys.stdout.write((json.dumps(row) if asked.json else line) + "\n")


if __name__ == "__main__":
    main()
