"""How often each figure's 95% interval holds the truth: one command, one table.

    python tests/benchmarks/coverage.py                       # all, an hour or so of one processor
    python tests/benchmarks/coverage.py --effort 0.1          # a tenth of the runs, in a tenth of the time
    python tests/benchmarks/coverage.py --markdown            # the table as coverage.md has it
    python tests/benchmarks/coverage.py --json                # for machines: one document a row

Panels of five are made up: a question has a chance of its own to be answered rightly, a voter follows it, a
recommendation mostly follows the votes, and who is sure is right more often, but not as often as it is sure.
Without clusters every decision is on a question of its own; with clusters each question is asked three times,
and `cluster="question"` is said. n is the independent observations: decisions, or questions. The truth is the
figure of many more such decisions.

A row shows how often the interval held it (95 is wanted, 93 to 97 is what the docstrings promise where they
say nothing else), how often it lay wholly below and wholly above, how often there was none, its mean width,
and the method that was used most. A coverage near 95 is itself known to about 40 / sqrt(runs) points either
way. It counts the runs that have an interval.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd

from mastermind_lab import stats

VOTERS = 5
ASKED = 3  # times, where there are clusters
RUNS = {5: 2_000, 30: 1_000, 200: 400, 2_000: 100}
AT_ONCE = 40_000  # decisions
PIECE = 15_000  # questions that the truth is counted from at once
TRUTH = 600_000  # questions
RUN = "meta.run"


def panels(runs: int, n: int, asked: int, seed: int) -> Any:
    """Make the panels of several runs at once, of n questions each; ``meta.run`` tells them apart."""
    random = np.random.default_rng([seed, n, asked])
    questions, many = runs * n, runs * n * asked
    question = np.repeat(np.arange(questions), asked)
    chance = random.choice([0.95, 0.8, 0.55], questions, p=[0.3, 0.4, 0.3])[question]
    truth = np.where(random.random(questions) < 0.6, "yes", "no")[question]
    right = random.random((many, VOTERS)) < chance[:, None]
    follows = random.random(many) < 0.9
    correct = (right.sum(axis=1) > VOTERS / 2) == follows
    ids = pd.Series([f"{1_772_442_000_000 + row}-{seed}" for row in range(many)], dtype="str")
    decisions = pd.DataFrame(
        {
            "stream_id": ids,
            RUN: question // n,
            "question": [f"{seed}, {one}" for one in question],
            "recommendation": _choice(truth, correct),
            "confidence": _sure(random, chance, correct),
            "correct_choice": truth,
            "n_citations": 1,
            "n_arguments": 5,
            "meta.timings.debate": random.gamma(2, 3, many) * (2 - chance),
        }
    )
    votes = pd.DataFrame(
        {
            "stream_id": ids.loc[ids.index.repeat(VOTERS)].array,
            "voter": np.tile([f"voter {place}" for place in range(VOTERS)], many),
            "choice": _choice(np.repeat(truth, VOTERS), right.ravel()),
            "confidence": _sure(random, np.repeat(chance, VOTERS), right.ravel()),
        }
    )
    sources = np.where(
        random.random((many, 2)) < 0.5, question[:, None] % 7, random.integers(0, 9, (many, 2))
    )
    citations = pd.DataFrame(
        {"stream_id": ids.loc[ids.index.repeat(2)].array, "source": sources.ravel().astype(str)}
    )
    texts = dict.fromkeys(("question", "recommendation", "correct_choice"), "str")
    return SimpleNamespace(
        decisions=decisions.astype(texts),
        votes=votes.astype({"voter": "str", "choice": "str"}),
        citations=citations.astype({"source": "str"}),
    )


def _choice(truth: Any, right: Any) -> Any:
    return np.where(right, truth, np.where(truth == "yes", "no", "yes"))


def _sure(random: np.random.Generator, chance: Any, right: Any) -> Any:
    """Say a confidence, in twentieths: too high, but higher where it is deserved."""
    sure = random.beta(12 * (0.3 + 0.6 * chance + 0.04 * right), 12 * (0.7 - 0.6 * chance - 0.04 * right))
    return np.round(20 * sure) / 20


Table = Callable[[Any, Any], pd.DataFrame]
TABLES: dict[str, tuple[Table, tuple[str, ...]]] = {
    "Confidence": (
        lambda data, options: stats.Confidence.of(data, threshold=0.7, **options).table(),
        ("mean", "share_below"),
    ),
    "Votes": (lambda data, options: _only(stats.Votes.of(data, **options).table(), choice="yes"), ("share",)),
    "Margin": (
        lambda data, options: stats.Margin.of(data, **options).table(),
        ("mean", "entropy", "unanimous", "follows"),
    ),
    "Agreement": (
        lambda data, options: stats.Agreement.of(data, **options).by_group(),
        ("agreement", "alpha", "kappa", "ac1"),
    ),
    "Agreement of a pair": (
        lambda data, options: _only(
            stats.Agreement.of(data, **options).table(), voter="voter 0", other="voter 1"
        ),
        ("agreement", "kappa"),
    ),
    "Voters": (
        lambda data, options: _only(stats.Voters.of(data, **options).table(), voter="voter 0"),
        ("dissent", "pivotal", "confidence", "accuracy", "brier", "overconfidence"),
    ),
    "Pivotal": (
        lambda data, options: _only(stats.Pivotal.of(data, **options).by_rule(), rule="majority"),
        ("pivotal",),
    ),
    "Conformity": (
        lambda data, options: stats.Conformity.of(data, **options).table(),
        ("unanimous", "expected", "excess"),
    ),
    "Calibration": (
        lambda data, options: stats.Calibration.of(data, **options).table(),
        (
            "accuracy",
            "confidence",
            "overconfidence",
            "brier",
            "log_score",
            "uncertainty",
            "ece",
            "brier_skill",
            "calibration_loss",
            "calibration_loss_corrected",
            "resolution",
            "resolution_corrected",
            "auroc",
            "auarc",
        ),
    ),
    "Calibration of votes": (
        lambda data, options: stats.Calibration.of(data, unit="voters", **options).table(),
        ("accuracy", "overconfidence", "brier", "auroc"),
    ),
    "Rules, majority": (
        lambda data, options: _only(stats.Rules.of(data, **options).table(), rule="majority"),
        ("changed", "accuracy", "difference"),
    ),
    "Timing": (lambda data, options: stats.Timing.of(data, **options).table(), ("mean",)),
    "Citations": (
        lambda data, options: stats.Citations.of(data, **options).table(),
        ("hhi", "single", "overlap"),
    ),
    "Stability": (
        lambda data, options: stats.Stability.of(data, by=options["by"]).table(),
        ("flip", "unstable", "spread"),
    ),
}


def _only(table: pd.DataFrame, **values: str) -> pd.DataFrame:
    for name, value in values.items():
        table = table[table[name] == value]
    return table


def rows(
    sizes: dict[int, int], truth: int = TRUTH, subjects: tuple[str, ...] = ()
) -> Iterator[dict[str, Any]]:
    """Make a row for each figure, with and without clusters, and each n of so many runs."""
    for subject, (table, figures) in TABLES.items():
        if subjects and subject not in subjects:
            continue
        for asked in (1, ASKED):
            if subject == "Stability" and asked == 1:
                continue  # a question asked once is nothing to it
            options = {"by": RUN, "cluster": "question" if asked > 1 else None}
            pieces = (panels(1, PIECE, asked, seed) for seed in range(max(1, truth // PIECE)))
            truths = pd.concat([table(one, options | {"replicates": 40}) for one in pieces])
            for n, runs in sizes.items():
                found = pd.concat([table(*one) for one in _batches(runs, n, asked, options)])
                for name in figures:
                    yield {
                        "subject": subject,
                        "figure": name,
                        "clusters": asked > 1,
                        "n": n,
                        "runs": runs,
                    } | _covered(found, name, float(truths[name].mean()))


def _batches(runs: int, n: int, asked: int, options: dict[str, Any]) -> Iterator[tuple[Any, dict[str, Any]]]:
    each = max(1, min(300, AT_ONCE // (n * asked)))
    for seed, first in enumerate(range(0, runs, each), 100):
        yield panels(min(each, runs - first), n, asked, seed), options


def _covered(table: pd.DataFrame, name: str, truth: float) -> dict[str, Any]:
    low, high = table[f"{name}_low"], table[f"{name}_high"]
    there = low.notna() & high.notna()
    # Rounding is no miss.
    below, above = (high < truth - 1e-9)[there], (low > truth + 1e-9)[there]
    some = there.any()
    return {
        "truth": truth,
        "coverage": 100 * float(1 - below.mean() - above.mean()) if some else None,
        "below": 100 * float(below.mean()) if some else None,
        "above": 100 * float(above.mean()) if some else None,
        "without": 100 * float(1 - len(below) / max(len(table), 1)),
        "width": float((high - low)[there].mean()) if some else None,
        "method": table[f"{name}_method"].mode().iloc[0],
    }


COLUMNS = {
    "subject": "{:<20}",
    "figure": "{:<17}",
    "clusters": "{:>9}",
    "n": "{:>6,}",
    "runs": "{:>6,}",
    "truth": "{:>8.3f}",
    "coverage": "{:>9.1f}",
    "below": "{:>6.1f}",
    "above": "{:>6.1f}",
    "without": "{:>8.1f}",
    "width": "{:>8.3f}",
    "method": " {}",
}


def line(row: dict[str, Any], markdown: bool) -> str:
    """Write a row as text, or as a row of a Markdown table."""
    plain = row | {"clusters": "yes" if row["clusters"] else "no"}
    width = {name: form.partition(".")[0].strip("{:<>, }") or "0" for name, form in COLUMNS.items()}
    texts = [
        form.format(plain[name]) if plain[name] is not None else "-".rjust(int(width[name]))
        for name, form in COLUMNS.items()
    ]
    return "| " + " | ".join(text.strip() for text in texts) + " |" if markdown else "".join(texts)


def heading(markdown: bool) -> str:
    """Write the names of the columns; on a page, what they mean before."""
    if markdown:
        title, commands, *words = str(__doc__).strip().split("\n\n")
        command = commands.splitlines()[0].partition("#")[0].strip()
        intro = [f"# {title.partition(':')[0]}", f"Made by `{command} --markdown`.", *words]
        names = f"| {' | '.join(COLUMNS)} |\n|{' --- |' * len(COLUMNS)}"
        return "\n\n".join([*intro, names])
    forms = {
        name: form.partition(".")[0].rstrip(",}").replace(",", "") + "}" for name, form in COLUMNS.items()
    }
    return "".join(forms[name].format(name) if "{:" in forms[name] else f" {name}" for name in COLUMNS)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--effort", type=float, default=1.0, help="how many of the runs, such as 0.1")
    parser.add_argument("--n", type=int, nargs="*", choices=RUNS, default=[*RUNS])
    parser.add_argument("--subject", nargs="*", choices=TABLES, default=[])
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="one JSON document a line instead of a table")
    form.add_argument("--markdown", action="store_true", help="a table for a page")
    asked = parser.parse_args()
    if not asked.json:
        sys.stdout.write(heading(asked.markdown) + "\n")
    sizes = {n: max(10, round(RUNS[n] * asked.effort)) for n in asked.n}
    truth = round(TRUTH * min(1.0, max(asked.effort, 0.15)))
    for row in rows(sizes, truth, tuple(asked.subject)):
        sys.stdout.write((json.dumps(row) if asked.json else line(row, asked.markdown)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
