"""Charts stay as they are until somebody means to change them: papers hold them beside older ones.

What a picture is made of, in the units of its data, is compared with ``charts.json``. Where a chart was
changed on purpose, ``python tests/test_charts_stay.py`` writes it anew, and the difference says what changed.
"""

import json
import math
import re
from functools import cache
from inspect import signature
from pathlib import Path

import numpy as np
import pytest
from histories import OUTCOMES, sample
from matplotlib import pyplot
from matplotlib.colors import to_hex
from telling import telling

import mastermind_lab as lab
from mastermind_lab.charts.drawing.caption import said_of

KEPT = Path(__file__).with_name("charts.json")
NAMES = [name for name in lab.charts.__all__ if name not in ("caption", "save", "sheet", "overview")]
GROUPED = [
    f"{name} by meta.model" for name in NAMES if "by" in signature(getattr(lab.charts, name)).parameters
]
NOTHING = [f"{name} of nothing" for name in NAMES if name not in ("decision", "argument_tree")]
MANY = [f"{one.split(' by ')[0]} by meta.group of many groups" for one in GROUPED]
FEW = [f"{name} of few" for name in NAMES]
UNITS = ["timing of tokens", "timing of USD", "timing of the same"]
CASES = [*NAMES, "decision of one vote", *GROUPED, *NOTHING, *MANY, *FEW, *UNITS]


def number(value):
    """Three digits: the same whatever the versions of the libraries that added it up."""
    value = float(value)
    return float(f"{value:.3g}") if math.isfinite(value) else str(value)


def together(*values):
    """How many numbers, and one that notices if any of them changes, or where it stands."""
    flat = np.concatenate([np.asarray(np.ma.filled(one, np.nan), dtype=float).ravel() for one in values])
    return [len(flat), number(np.nansum(flat * np.cos(np.arange(len(flat)))))]


def without_fonts(text):
    """What stands there where no installed font has Chinese characters or emoji."""
    return re.sub("[\u2e80-\U0010ffff]", "□", text)


def described(ax):
    """What is drawn on axes; of words the beginning, as letters are not as wide in each matplotlib."""
    lines = [
        [to_hex(one.get_color()), one.get_linestyle(), number(one.get_linewidth()), str(one.get_marker()),
         number(one.get_markersize()), *together(*one.get_data(orig=False))]
        for one in ax.lines
    ]  # fmt: skip
    areas = [
        [type(one).__name__, [to_hex(color) for color in one.get_facecolor()[:3]],
         *together(one.get_offsets(), one.get_sizes() if hasattr(one, "get_sizes") else []),
         *together([], *(path.vertices for path in one.get_paths()[:50]))]
        for one in ax.collections
    ]  # fmt: skip
    patches = [
        [
            to_hex(one.get_facecolor()),
            *together(one.get_path().vertices, one.get_patch_transform().get_matrix()),
        ]
        for one in ax.patches
    ]
    legend, ticks = ax.get_legend(), [ax.xaxis.get_major_locator(), ax.xaxis.get_major_formatter()]
    return {
        "title": ax.get_title(loc="left").split("\n"),
        "caption": said_of(ax),
        "axes": [ax.get_xlabel(), ax.get_ylabel(), *map(number, [*ax.get_xlim(), *ax.get_ylim()])],
        "ticks": [type(one).__name__ for one in ticks],
        "rows": [one.get_text() for one in ax.get_yticklabels()] if ax.get_yticks().size < 40 else [],
        "words": [
            [without_fonts(one.get_text()[:10]), bool(one.get_transform() == ax.transAxes),
             *map(number, one.get_position())]
            for one in ax.texts
        ],
        "legend": [one.get_text() for one in legend.get_texts()] if legend else [],
        "frame": [name for name, spine in ax.spines.items() if spine.get_visible()],
        "lines": lines, "areas": areas, "patches": patches,
        "images": [together(one.get_array(), one.get_extent(), one.get_clim()) for one in ax.images],
    }  # fmt: skip


@cache
def history():
    found = lab.with_outcomes(sample(60), OUTCOMES)
    found.decisions["meta.version"] = ["v1"] * 25 + ["v2"] * 35
    return found


@cache
def of_many_groups():
    """More groups than there are colours, of which some are small."""
    found = lab.with_outcomes(sample(60), OUTCOMES)
    found.decisions["meta.group"] = [f"group {n * n % 19}" for n in range(60)]
    return found


def of_the_same():
    """Times that are all but equal."""
    found = sample(60)
    times = [name for name in found.decisions if name.startswith("meta.timings.")]
    found.decisions[times] = [[5 + n % 3 / 10 + place / 10 for place in range(len(times))] for n in range(60)]
    return found


def of_one_vote():
    decision = {"recommendation": "a", "confidence": 0.5, "votes": [{"voter": "v", "choice": "a"}]}
    return lab.read([json.dumps({"decision": decision})])


def drawn(case):
    name, _, of = case.partition(" of ")
    name, _, by = name.partition(" by ")
    chart = getattr(lab.charts, name)
    data = DATA.get(of, history)()
    which = [data.decisions["stream_id"].iloc[-1]] if "stream_id" in signature(chart).parameters else []
    options = {"unit": of} if of in ("tokens", "USD") else {"by": by} if by else {}
    found = chart(data, *which, **options)
    figure = found.figure or found
    made = [{key: value for key, value in described(ax).items() if value} for ax in figure.axes]
    pyplot.close(figure)
    return [[*map(number, figure.get_size_inches())], *made]


DATA = {
    "nothing": lambda: lab.read([]), "one vote": of_one_vote, "many groups": of_many_groups,
    "few": lambda: lab.with_outcomes(sample(3), OUTCOMES), "the same": of_the_same,
}  # fmt: skip


OFTEN = {*NAMES, *UNITS, "decision of one vote"} | {
    "votes by meta.group of many groups", "reliability by meta.group of many groups", "timing of few",
    "agreement of nothing", "drift of nothing", "agreement by meta.model", "confidence by meta.model",
    "margin by meta.model", "risk_coverage by meta.model", "rules by meta.model", "voters by meta.model",
}  # fmt: skip


@pytest.fixture(scope="module")
def kept():
    return json.loads(KEPT.read_text())


@pytest.mark.parametrize("case", telling(CASES, *OFTEN))
def test_a_chart_stays_as_it_is(case, kept):
    assert json.loads(json.dumps(drawn(case))) == kept[case]


if __name__ == "__main__":
    pyplot.switch_backend("agg")
    rows = [f"{json.dumps(case)}: {json.dumps(drawn(case))}" for case in CASES]
    KEPT.write_text("{\n" + ",\n".join(rows) + "\n}\n")
