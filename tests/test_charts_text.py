"""Words on charts: text from data made fit to draw."""

import matplotlib
import pytest

from mastermind_lab.charts.drawing.text import clean


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("atlas-1", "atlas-1"),
        ("  two\n\tlines ", "two  lines"),
        ("nul\x00 \x1b[0m", "nul□ □[0m"),
        ("\u202eabc\u2066", "□abc□"),
        ("\ud800", "□"),
        ("\N{ROBOT FACE} Ω é", "□ Ω é"),
        ("", "(empty)"),
        (" \n", "(empty)"),
        (7, "7"),
        ("x" * 40, "x" * 40),
        ("x" * 41, "x" * 39 + "…"),
        ("x" * 10_000_000, "x" * 39 + "…"),
    ],
)
def test_text_is_cleaned(raw, shown):
    assert clean(raw) == shown


def test_the_fonts_asked_for_decide_what_can_be_drawn():
    assert clean("\N{MATHEMATICAL SCRIPT CAPITAL A}") == "□"
    with matplotlib.rc_context({"font.family": ["no such font", "STIXGeneral"]}):
        assert clean("\N{SNOWMAN}") == "□"
    with matplotlib.rc_context({"font.family": ["DejaVu Sans", "STIXGeneral"]}):
        assert clean("\N{SNOWMAN}") == "\N{SNOWMAN}"
        assert clean("\N{MATHEMATICAL SCRIPT CAPITAL A}") == "\N{MATHEMATICAL SCRIPT CAPITAL A}"
