"""Pictures in a paper's column: whatever the names are, no text is cut off, and none lies upon another."""

from itertools import combinations, pairwise
from types import SimpleNamespace

import pytest
from histories import OUTCOMES, sample
from matplotlib import pyplot, rc_context
from panels import FRAMES
from telling import telling

import mastermind_lab as lab

pytestmark = pytest.mark.once

BY = "meta.category"
CHARTS = {
    "agreement": {},
    "agreement by": {"by": BY},
    "citations": {"by": "meta.model"},
    "drift": {"by": BY},
    "regimes": {},
    "reliability": {"by": BY},
}
"""Those that test_charts_sizes.py does not look at."""
WORDS = "a name of some length, and then of more than that: "


@pytest.fixture(scope="module", params=[pytest.param("as they are", marks=pytest.mark.thorough), "long"])
def history(request):
    history = lab.with_outcomes(sample(600), OUTCOMES)
    frames = {name: getattr(history, name).copy() for name in FRAMES}
    if request.param == "long":
        for name, columns in {
            "decisions": [BY, "meta.model", "recommendation", "correct_choice"],
            "votes": ["voter", "choice"],
            "citations": ["source"],
        }.items():
            for column in columns:
                frames[name][column] = WORDS + frames[name][column]
    return SimpleNamespace(**frames)


@pytest.mark.parametrize("name", telling([*CHARTS], *[*CHARTS][:2]))
def test_a_column_holds_every_word(history, name):
    with rc_context({"figure.figsize": (3.3, 2.5)}):
        ax = getattr(lab.charts, name.split()[0])(history, **CHARTS[name])
    figure = ax.figure
    figure.draw_without_rendering()
    low, high = sorted(ax.get_ylim())
    rows = [box(label) for label in ax.get_yticklabels() if low <= label.get_position()[1] <= high]
    legend = ax.get_legend()
    above = [ax._left_title, *(legend.get_texts() if legend else [])]
    beside = [box(text) for text in ax.texts if text.get_position()[0] == 1]
    left, right = ax.get_xlim()
    ticks = [label for label in ax.get_xticklabels() if left <= label.get_position()[0] <= right]
    for text in [*above, ax.xaxis.label, *ticks, *ax.texts]:
        found = box(text)
        assert found.x0 >= -2, text
        assert found.x1 <= figure.bbox.x1 + 2, text
        assert found.y1 <= figure.bbox.y1 + 2, text
    for one, other in [
        *pairwise(rows),
        *pairwise(beside),
        *pairwise(map(box, ticks)),
        *combinations(map(box, above), 2),
    ]:
        assert not overlap(one, other), (one, other)
    pyplot.close(figure)


def box(text):
    return text.get_window_extent()


def overlap(one, other):
    """Whether two boxes share more than their edges."""
    wide = min(one.x1, other.x1) - max(one.x0, other.x0)
    tall = min(one.y1, other.y1) - max(one.y0, other.y0)
    return wide > 1 and tall > 2
