"""Every chart shows its data on the paper of any style, in colour and in grey, and says what it is."""

from contextlib import contextmanager
from itertools import combinations

import pytest
from matplotlib import pyplot
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.text import Text
from telling import telling
from test_charts_stay import NAMES, history

import mastermind_lab as lab
from mastermind_lab.charts.drawing.ink import contrast, paper
from mastermind_lab.charts.drawing.style import styles_on

pytestmark = pytest.mark.once

DARK = {f"{part}.facecolor": "#111111" for part in ("figure", "axes")}
DARK |= dict.fromkeys(("text.color", "axes.labelcolor", "xtick.color", "ytick.color"), "#E0E0E0")
STYLES = ["default", "dark_background", "ggplot", "Solarize_Light2", "seaborn-v0_8", "a dark notebook"]
in_every_style = pytest.mark.parametrize("style", STYLES)
ON = {f"{name} on {style}": (name, style) for style in STYLES for name in NAMES}
OFTEN = [
    f"{name} on dark_background" for name in ("confidence_over_time", "decision", "reliability", "rules")
]
OFTEN += [f"{name} on Solarize_Light2" for name in ("votes", "agreement", "timing")]


@contextmanager
def in_force(style):
    with pyplot.rc_context(DARK) if style == "a dark notebook" else pyplot.style.context(style):
        yield


def lightness(colour):
    """CIE L*, 0 to 100: what is left of a colour in greyscale."""
    luminance = 1.05 / contrast(colour, "white") - 0.05
    return 116 * luminance ** (1 / 3) - 16 if luminance > 0.008856 else 903.3 * luminance


def test_the_contrast_of_colours_near_black():
    assert contrast("#0a0a0a", "black") == pytest.approx(1.0607, abs=1e-4)  # 10 / 255 / 12.92 is 0.0030353


@in_every_style
def test_groups_are_told_apart_without_colour(style):
    with in_force(style):
        ax = Figure().subplots()
        looks = styles_on(ax)
    for one, other in combinations(looks, 2):
        assert abs(lightness(one.colour) - lightness(other.colour)) >= 9
        assert one.line != other.line
        assert one.marker != other.marker
    assert min(contrast(look.colour, paper(ax)) for look in looks) >= 2.4


def seen(colour, behind):
    """The colour that is seen where one that is partly transparent lies on another."""
    *colour, alpha = to_rgba(colour)
    return [alpha * one + (1 - alpha) * under for one, under in zip(colour, to_rgba(behind)[:3], strict=True)]


def colours_of(ax):
    """Each mark's colours: a filled one is seen if its face or its edge is."""
    for line in ax.lines:
        yield line, [line.get_color(), line.get_markerfacecolor(), line.get_markeredgecolor()]
    for area in ax.collections:
        several = [*area.get_facecolor(), *area.get_edgecolor()]
        yield area, several[:1] if isinstance(area, LineCollection) else several
    for patch in ax.patches:
        yield patch, [patch.get_facecolor(), patch.get_edgecolor()]


def strongest(colours, behind):
    return max((contrast(seen(one, behind), behind) for one in colours if one is not None), default=21)


FAINT = 1.12
"""The least contrast of what lies behind the data, as a line of the grid."""


@pytest.mark.parametrize(("name", "style"), telling(ON, *OFTEN))
def test_every_mark_and_word_shows(name, style):
    chart = getattr(lab.charts, name)
    which = [history().decisions["stream_id"].iloc[-1]] if name in ("decision", "argument_tree") else []
    with in_force(style):
        found = chart(history(), *which)
        figure = found.figure or found
        figure.draw_without_rendering()
    marks, words = {}, {}
    for ax in figure.axes:
        behind = paper(ax)
        marks |= {mark: strongest(colours, behind) for mark, colours in colours_of(ax)}
        written = [word for word in ax.findobj(Text) if word.get_text().strip()]
        words |= {word: contrast(word.get_color(), behind) for word in written}
    pyplot.close(figure)
    assert min(marks.values(), default=21) >= FAINT
    assert max(marks.values(), default=21) >= 4.5
    on_squares = {word for ax in figure.axes if ax.images for word in ax.texts}
    assert min(value for word, value in words.items() if word not in on_squares) >= 3
    if not which:
        title_n_and_caption(found)


def title_n_and_caption(ax):
    title, n = ax.get_title(loc="left").split("\n")
    said = lab.charts.caption(ax)
    assert said.startswith(title)
    assert n.lower() in said.lower()
    assert "  " not in said
    assert said.endswith(".")


def test_behind_axes_that_are_see_through_is_the_paper_of_the_whole_figure():
    figure = Figure(facecolor="#204060")
    ax = figure.subfigures(1, 2)[0].add_subplot(facecolor="none")
    assert paper(ax) == "#204060"
