"""Text that strangers wrote, at each way out: a terminal, a log, a page, a picture."""

import html
import io
import logging
import re
import time

import pytest
from rich.cells import cell_len
from rich.console import Console

from mastermind_lab import decode_envelope
from mastermind_lab.charts.drawing.text import clean
from mastermind_lab.cli import console
from mastermind_lab.cli.row_format import fitted
from mastermind_lab.cli.summary import show
from mastermind_lab.text import both_ends, brief, harmless, terminal_line, visible
from mastermind_lab.widget.text import shown

DIRECTION = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
CONTROLS = {chr(code) for code in (*range(0x20), *range(0x7F, 0xA0))}
NEVER = {*CONTROLS, *DIRECTION, "\u2028", "\u2029", *map(chr, range(0xD800, 0xE000))}

HOSTILE = {
    "colours": "\x1b[31mred\x1b[0m",
    "title of the window": "\x1b]0;title\x07",
    "C1": "\x9b2J\x9d0;title\x9c\x85\x80\x9f",
    "direction": DIRECTION,
    "NUL": "a\x00b",
    "every control": "".join(sorted(CONTROLS)),
    "line breaks": "one\ntwo\r\nthree\rfour\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029five",
    "surrogates": "\ud800 \udfff a",
    "long": "x" * 200_000,
    "long and hostile": "\x1b[2J\u202e" * 40_000,
    "nothing but space": " \n" * 100_000,
    "combining marks": "e" + "\u0301" * 200_000,
    "zero width": "a\u200bb\u200cc\u200dd\u2060e\ufefff\u00adg",
    "tags": "a\U000e0041\U000e007f",
    "markup": "[bold]x[/] <b>&amp;</b> $x^2$ %s {0}",
}
every = pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())


@every
def test_a_terminal(text):
    line = terminal_line(text, 80)
    assert len(line) <= 80
    assert line.isprintable()
    assert not NEVER & set(line)


@every
def test_cells_of_a_terminal(text):
    for width in (1, 12, 60):
        drawn = fitted(text, width)
        assert cell_len(drawn.plain) == width
        assert drawn.plain.isprintable()


@every
def test_messages_of_the_command_line(text, capsys):
    console.say(text)
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    assert out.rstrip("\n").isprintable()
    assert len(out) <= 2_001


@every
def test_the_table_of_read(text):
    file = io.StringIO()
    one = {"value": 0.5, "low": 0.4, "high": 0.6, "n": 3}
    figures = {
        "decisions": 1,
        "rejects": {"total": 1},
        "published": None,
        "mean_confidence": one,
        "mean_confidence_by_model": {text: one},
        "unanimous_share": one,
        "coverage": [{"source": text, "left_out": 1, "limits": text, "missing": 0, "note": text}],
    }
    show(figures, Console(file=file, width=200))
    assert file.getvalue().replace("\n", "").isprintable()


@every
def test_a_log(text, caplog):
    payload = '{"decision": {"recommendation": "a", "confidence": 1, "votes": [{"voter": {%s: 1}}]}}'
    with caplog.at_level(logging.WARNING):
        assert decode_envelope(payload % ascii(text).replace("'", '"')) is None
        assert decode_envelope(text) is None
        assert decode_envelope(f'{{"schema_version": "{text}"}}') is None
    assert len(caplog.records) == 3
    for record in caplog.records:
        assert record.getMessage().isascii()
        assert record.getMessage().isprintable()
        assert len(record.getMessage()) < 4_000


@every
def test_a_page(text):
    inside = re.fullmatch(r"<bdi>(.*)</bdi>", shown(text, 80))[1]
    assert not {"<", ">", '"', "'"} & set(inside)
    assert not NEVER & set(html.unescape(inside))
    assert len(html.unescape(inside)) <= 80


@every
def test_a_picture(text):
    drawn = clean(text, 80)
    assert 0 < len(drawn) <= 80
    assert drawn.isprintable()


def test_a_page_shows_all_scripts():
    family, persian = "\U0001f468\u200d\U0001f469\u200d\U0001f467", "\u0645\u06cc\u200c\u062e\u0648"
    assert shown(f"{family} {persian} é e\u0301 塞翁") == f"<bdi>{family} {persian} é e\u0301 塞翁</bdi>"


def test_what_is_replaced_is_marked_and_counted():
    assert (
        visible("a\x1b\u202e\u200bb\tc")
        == "a\N{REPLACEMENT CHARACTER}" + "\N{REPLACEMENT CHARACTER}" * 2 + "b c"
    )
    assert harmless("a\x1b\u202e\u200bb\tc") == "a" + "\N{REPLACEMENT CHARACTER}" * 2 + "\u200bb c"
    assert visible("plain é") == harmless("plain é") == "plain é"


@pytest.mark.parametrize(
    ("text", "expected"),
    [("a" * 8, "a" * 8), ("a" * 9, "a" * 7 + "…"), ("one two three", "one two…"), ("  a ", "a"), ("", "")],
)
def test_what_is_cut_says_so(text, expected):
    assert brief(text, 8, visible) == expected


def test_only_the_beginning_of_a_text_is_looked_at():
    began = time.process_time()
    for _ in range(100):
        terminal_line("\x1b" * 10_000_000)
    assert time.process_time() - began < 5
    assert terminal_line(" " * 1_000) == terminal_line("\n" * 1_000) == "…"


def test_names_that_begin_alike_stay_apart():
    alike = [f"example.org/papers/of/the/year/2026/night-tram-{number}" for number in range(20)]
    assert len({both_ends(name, 40) for name in alike}) == 20
    assert {len(both_ends(name, 40)) for name in alike} == {40}
    assert both_ends("a" * 40, 40) == "a" * 40
    assert [both_ends("abcdefgh", most) for most in (1, 2, 3)] == ["…", "a…", "a…h"]
