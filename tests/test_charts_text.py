"""Words on charts: text from data made fit to draw."""

import pytest

from mastermind_lab.charts.drawing.text import clean

pytestmark = pytest.mark.once


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("atlas-1", "atlas-1"),
        ("  two\n\tlines ", "two  lines"),
        ("nul\x00 \x1b[0m", "nul□ □[0m"),
        ("\u202eabc\u2066", "□abc□"),
        ("\ud800", "□"),
        ("\N{LATIN SMALL LETTER E WITH ACUTE} Ω \uffff", "é Ω □"),
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
