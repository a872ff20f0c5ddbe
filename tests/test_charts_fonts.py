"""Fonts for any script: one that is installed is used, and where there is none a warning says so."""

import json
import warnings
from io import BytesIO

import matplotlib
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from matplotlib import font_manager
from matplotlib.figure import Figure

import mastermind_lab as lab
from mastermind_lab import charts
from mastermind_lab.charts.drawing import fonts
from mastermind_lab.charts.drawing.text import PLAIN, clean, names_apart, text_width
from mastermind_lab.errors import MissingFontWarning

# No font that comes with matplotlib has these.
THAI, KHMER, HAN, EMOJI = "กขคงฉชซ", "កខគឃង", "塞翁失马", "\N{ROBOT FACE}"


def font_of(path, name, characters, is_blank=False, weight=400):
    """Write a font that has some characters, each a box, or blank as in a font of coloured pictures."""
    pen = TTGlyphPen(None)
    for x, y in () if is_blank else [(100, 0), (100, 700), (600, 700), (600, 0)]:
        (pen.lineTo if pen.points else pen.moveTo)((x, y))
    if not is_blank:
        pen.closePath()
    made = FontBuilder(1000, isTTF=True)
    glyphs = [".notdef", *(f"u{ord(one):x}" for one in characters)]
    made.setupGlyphOrder(glyphs)
    made.setupCharacterMap({ord(one): f"u{ord(one):x}" for one in characters})
    glyph = pen.glyph()
    made.setupGlyf(dict.fromkeys(glyphs, glyph))
    made.setupHorizontalMetrics(dict.fromkeys(glyphs, (700, 100)))
    made.setupHorizontalHeader(ascent=800, descent=-200)
    made.setupNameTable({"familyName": name, "styleName": "Regular" if weight == 400 else "Light"})
    made.setupOS2(sTypoAscender=800, usWeightClass=weight)
    made.setupPost()
    made.save(path)
    font_manager.fontManager.addfont(path)


def forget():
    fonts._family_with.cache_clear()
    fonts._texts.cache_clear()


@pytest.fixture(autouse=True)
def installed(tmp_path, monkeypatch):
    """A machine with matplotlib's own fonts, one for Thai, a small one for some of it, and a blank one."""
    own = [
        entry for entry in font_manager.fontManager.ttflist if "mpl-data" in entry.fname.replace("\\", "/")
    ]
    monkeypatch.setattr(font_manager.fontManager, "ttflist", own)
    monkeypatch.setattr(fonts, "_needed", {})
    monkeypatch.setattr(fonts, "_warned", set())
    forget()
    font_of(tmp_path / "a.ttf", "A little Thai", THAI[:1])
    font_of(tmp_path / "b.ttf", "Some Thai", THAI)
    font_of(tmp_path / "d.ttf", "Also a little Thai", THAI[:1])
    font_of(tmp_path / "c.ttf", "Blank", EMOJI + KHMER, is_blank=True)
    yield
    forget()


def history_of(text):
    votes = [{"voter": f"{text}{n}", "choice": f"{text} {n}", "confidence": 0.5} for n in range(3)]
    decision = {
        "recommendation": text, "confidence": 0.5, "question": text, "votes": votes,
        "citations": [{"source": text, "title": text}],
        "argument_tree": {"claim": text, "author": text, "children": [{"claim": text}]},
    }  # fmt: skip
    return lab.read([json.dumps({"decision": decision, "meta": {"model": text}})] * 3)


def drawn(figure):
    file = BytesIO()
    figure.savefig(file, format="png")
    return file.getvalue()


DRAWINGS = {
    "decision": lambda history, ax: charts.decision(history, "0-1", figure=ax.figure),
    "votes": lambda history, ax: charts.votes(history, ax=ax),
    "citations": lambda history, ax: charts.citations(history, ax=ax),
}


@pytest.mark.parametrize("chart", DRAWINGS)
@pytest.mark.further
def test_a_font_that_is_installed_is_found_and_drawn_with(chart):
    """Also the first time that a script occurs, in whichever text of a chart."""
    ax = Figure(figsize=(6.5, 6)).add_subplot()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        DRAWINGS[chart](history_of(THAI), ax)
        drawn(ax.figure)
    texts = [one for one in ax.figure.findobj(matplotlib.text.Text) if THAI[0] in one.get_text()]
    assert texts
    assert all("Some Thai" in one.get_fontfamily() for one in texts)
    assert not any("□" in one.get_text() for one in ax.figure.findobj(matplotlib.text.Text))


FIELDS = ("question", "recommendation", "voter", "choice", "title", "claim", "author")


@pytest.mark.parametrize("field", FIELDS)
def test_so_it_is_where_one_text_alone_needs_it(field):
    said = dict.fromkeys(FIELDS, "a") | {field: THAI}
    decision = {
        "recommendation": said["recommendation"], "confidence": 0.5, "question": said["question"],
        "votes": [{"voter": said["voter"], "choice": said["choice"]}],
        "citations": [{"source": "s", "title": said["title"]}],
        "argument_tree": {"claim": said["claim"], "author": said["author"]},
    }  # fmt: skip
    figure = charts.decision(lab.read([json.dumps({"decision": decision})]), "0-1")
    texts = [one for one in figure.findobj(matplotlib.text.Text) if THAI[0] in one.get_text()]
    assert texts
    assert all("Some Thai" in one.get_fontfamily() for one in texts)


def test_the_family_with_most_of_a_script_serves_it():
    assert clean(THAI[:1]) == THAI[:1]
    assert fonts.families() == [*matplotlib.rcParams["font.family"], "Some Thai"]
    assert text_width(THAI) == pytest.approx(0.7 * len(THAI), rel=0.1)


def test_a_large_font_goes_before_one_with_single_letters(tmp_path):
    font_of(tmp_path / "few.ttf", "Few", KHMER[0] + THAI[0])
    assert clean(KHMER[0]) == KHMER[0]
    assert clean(THAI) == THAI
    assert fonts.families()[1:] == ["Some Thai", "Few"]


def test_of_two_files_of_a_family_the_one_that_is_drawn_with_counts(tmp_path):
    """An older file of a family lacks what a newer one has, and matplotlib takes one of them."""
    font_of(tmp_path / "old.ttf", "Khmer", KHMER[:2])
    font_of(tmp_path / "new.ttf", "Khmer", KHMER)
    file = font_manager.findfont(font_manager.FontProperties(family="Khmer"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MissingFontWarning)
        assert clean(KHMER[2]) == (KHMER[2] if file.endswith("new.ttf") else "□")
    assert text_width(clean(KHMER)) > 0


def test_nothing_is_bold_that_a_font_has_not_so_that_nothing_is_logged(tmp_path, caplog):
    font_of(tmp_path / "khmer.ttf", "Khmer alone", KHMER)
    weights = []
    for text in ("yes", KHMER, "yes"):
        figure = charts.decision(history_of(text), "0-1", figure=Figure(figsize=(6.5, 6)))
        drawn(figure)
        [said] = [one for one in figure.axes[0].texts if text in one.get_text() and one.get_position()[1] < 0]
        weights.append(said.get_weight())
    assert weights == ["bold", "normal", "bold"]
    assert not caplog.records


def test_a_font_of_one_odd_weight_is_looked_up_without_a_word_and_taken_last(tmp_path, caplog):
    font_of(tmp_path / "light.ttf", "Khmer light", KHMER, weight=300)
    assert clean(KHMER[0]) == KHMER[0]
    assert fonts.families()[1:] == ["Khmer light"]
    font_of(tmp_path / "usual.ttf", "Khmer usual", KHMER[:1])
    fonts._needed.clear()
    assert clean(KHMER[0]) == KHMER[0]
    assert fonts.families()[1:] == ["Khmer usual"]
    assert not caplog.records


def test_a_style_with_fonts_of_its_own_keeps_them():
    with matplotlib.rc_context({"font.family": ["STIXGeneral"]}):
        assert clean("abc" + THAI) == "abc" + THAI
        assert dict(PLAIN)["fontfamily"] == ["STIXGeneral", "Some Thai"]
    assert dict(PLAIN)["fontfamily"][0] == matplotlib.rcParams["font.family"][0]


def test_text_that_needs_no_other_font_is_drawn_as_ever():
    assert clean("Élodie Ω عربي") == "Élodie Ω عربي"
    assert dict(PLAIN) == {"parse_math": False, "usetex": False}


@pytest.mark.parametrize(
    ("text", "script", "advice"),
    [
        (HAN, "Chinese, Japanese or Korean characters", "Noto Sans CJK"),
        (KHMER, "Khmer characters", "Noto Sans Khmer"),
        (EMOJI, "symbols such as emoji", "Noto Emoji"),
    ],
)
def test_a_script_without_a_font_is_named_once(text, script, advice):
    with pytest.warns(MissingFontWarning, match=f"no installed font has {script} .*{advice}") as caught:
        assert names_apart([text, "Ada", text], 20) == ["□" * len(text), "Ada", "□" * len(text)]
    assert clean(text) == "□" * len(text)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    for said in ("https://fonts.google.com/noto", "fontManager.addfont(path)"):
        assert said in str(caught[0].message)


def test_squares_are_drawn_without_a_word_of_matplotlibs():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        ax = Figure(figsize=(6.5, 6)).add_subplot()
        DRAWINGS["votes"](history_of(HAN + KHMER), ax)
        drawn(ax.figure)
    assert {one.category for one in caught} == {MissingFontWarning}
    assert len(caught) == 2


def test_a_font_that_is_named_to_matplotlib_later_is_used(tmp_path):
    with pytest.warns(MissingFontWarning):
        assert clean(HAN) == "□" * len(HAN)
    font_of(tmp_path / "han.ttf", "Han", HAN)
    assert clean(HAN) == HAN


def test_the_live_view_says_it_itself():
    """Nothing may be printed from a thread: it would stray into whichever cell runs."""
    renderer = charts.FastRenderer(charts.votes)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        renderer.png(lab.stats.Votes.of(history_of(KHMER), replicates=40))
    assert "Khmer" in renderer.said[0]
    renderer.png(lab.stats.Votes.of(history_of(KHMER), replicates=40))
    assert renderer.said == []
