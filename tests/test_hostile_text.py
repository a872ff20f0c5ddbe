"""Strangers' text in every place it may come from: kept exactly, and on a page nothing but text."""

import json
import re
from html.parser import HTMLParser

import pytest
from histories import same
from test_widget import HOSTILE

import mastermind_lab as lab
from mastermind_lab import stats
from mastermind_lab.widget.view import LiveView

CORE = {"decision": {"recommendation": "a", "confidence": 0.5}}
STEERS = set("\x00\x1b\u202e")


class Page(HTMLParser):
    """What a page is made of, its texts, and its attributes with what they say."""

    def __init__(self, page):
        super().__init__()
        self.made, self.texts, self.said = set(), [], []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.made |= {(tag, None), *((tag, name) for name, _ in attributes)}
        self.said += [value or "" for name, value in attributes if name != "style"]

    def handle_data(self, data):
        self.texts.append(data)

    def handle_comment(self, data):
        self.made.add(("comment", data))

    handle_decl = unknown_decl = handle_pi = handle_comment


def payload(text, place):
    """An envelope that says a text wherever an envelope can say one."""
    votes = [{"voter": f"{text} {n}", "choice": text, "rationale": text, text: text} for n in range(3)]
    decision = {
        "recommendation": text, "confidence": 0.5, "decision_id": str(place), "question": text,
        "rationale": text, "votes": votes, "citations": [{"source": text, "title": text, "quote": text}],
        "argument_tree": {"claim": text, "stance": text, "author": text}, text: {text: text},
    }  # fmt: skip
    return json.dumps({"decision": decision, "meta": {"model": text, text: 1}}).encode()


def entries(texts):
    """A good entry and a bad one of each text, which is in the error, too."""
    sent = []
    for place, text in enumerate(texts, 1):
        sent.append((f"{place}-0", payload(text, place)))
        bad = json.dumps({"decision": {"recommendation": "a", "confidence": text}}).encode()
        sent.append((f"{place}-1", bad))
        sent.append((f"{place}-2", text.encode()))
    return sent


SUMMARIES = [
    lambda history: stats.Confidence.of(history, by="meta.model", replicates=40),
    lambda history: stats.Votes.of(history, replicates=40),
    lambda history: stats.Voters.of(history, replicates=40),
    lambda history: stats.Citations.of(history, replicates=40),
    lambda history: stats.Arguments.of(history, by="meta.model", replicates=40),
]


def pages(texts, tmp_path, stream):
    """Every page that is made of an envelope: cards, summaries, the live view with its lists and its line."""
    follower = lab.Follower("redis://localhost:1", stream=stream, keep=10_000)
    follower.feed(entries(texts))
    follower._set(error="; ".join(texts))
    view = LiveView(follower, panels=["confidence"])
    view._round()
    history, folder = follower.history(), tmp_path / re.sub(r"[/\0]", "_", texts[0])[:99]
    history.save(folder)
    made = [history._repr_html_(), lab.read(folder)._repr_html_(), *follower_pages(view, stream)]
    made += [count(history)._repr_html_() for count in SUMMARIES]
    made.append(view.save(f"{folder}.html").read_text("utf-8"))
    made += [history.decision("1-0")._repr_html_(), history.cards(100)._repr_html_()]
    view.close()
    return made


def follower_pages(view, stream):
    from mastermind_lab.widget.rows import rejects_of, rows_of
    from mastermind_lab.widget.text import rejects_table, status_items, status_line

    history = view.history
    yield view._repr_mimebundle_()[0]["text/html"]
    yield "".join(row["card"] for row in rows_of(history))
    yield rejects_table(rejects_of(history.rejects, len(history.rejects)), 10_000)
    yield status_line(view.status, status_items(view.status, "here", (stream,), ""))


@pytest.fixture(scope="module")
def harmless(tmp_path_factory):
    return [Page(page) for page in pages(["plain"], tmp_path_factory.mktemp("plain"), "plain")]


some_or_all = pytest.mark.parametrize(
    "texts", [HOSTILE[::17], pytest.param(HOSTILE, marks=pytest.mark.thorough)], ids=len
)


@some_or_all
@pytest.mark.further
def test_on_a_page_it_is_text(texts, harmless, tmp_path):
    """A page that shows it has the tags and attributes of one that shows a plain word."""
    for page, plain in zip(pages(texts, tmp_path, texts[-1]), harmless, strict=True):
        shown = Page(page)
        assert shown.made <= plain.made | {("p", None)}
        assert not [one for one in shown.said if any(text in one for text in texts)]
        assert not STEERS & set("".join(shown.texts))


MORE = ["a\u0000b", "\u202egnp.exe", "\x1b]0;t\x07", "\x9b2J", "x" * 200_000, "\u2028\r\n\t", ""]
FLOATS = [-0.0, 5e-324, 2.2250738585072014e-308, 0.1 + 0.2, 1.7976931348623157e308, 1 / 3, 1e23, -1e-7]


def test_an_error_that_lists_names_steers_nobody():
    history = lab.read([payload("mo\x1b[31m\u202edel", 1)])
    for ask in (
        lambda: stats.Confidence.of(history, by="nope"),
        lambda: stats.Votes.of(history, cluster="nope"),
        lambda: lab.charts.confidence(history, by="meta.mo"),
    ):
        with pytest.raises(lab.OptionError, match=r"there are .*meta.mo.?\[31m") as caught:
            ask()
        assert not STEERS & set(str(caught.value))


@some_or_all
@pytest.mark.further
def test_it_is_kept_exactly(texts, tmp_path):
    texts = [*texts, *MORE]
    history = lab.read([payload(text, place) for place, text in enumerate(texts, 1)])
    history.save(tmp_path / "saved")
    history.to_ndjson(tmp_path / "lines.ndjson")
    for kept in (history, lab.read(tmp_path / "saved"), lab.read(tmp_path / "lines.ndjson")):
        assert kept.decisions["recommendation"].tolist() == texts
        assert kept.votes["choice"].tolist() == [text for text in texts for _ in range(3)]
        assert kept.arguments["claim"].tolist() == texts
        assert kept.citations["quote"].tolist() == texts
    same(lab.read(tmp_path / "saved"), history)


def test_the_longest_names_have_no_columns_of_their_own(tmp_path):
    """A part's footer says each name several times, and may be only so long."""
    name = "x" * 300_000
    history = lab.read([payload(name, 1), json.dumps(CORE | {"meta": {"model": "a"}})])
    assert {*history.decisions.columns} >= {"decision.*", "meta.*", "meta.model"}
    assert json.loads(history.decisions["meta.*"][0]) == {f"meta.{name}": 1}
    same(lab.read(history.save(tmp_path / "saved")), history)
    assert lab.stats.Confidence.of(history, by=f"meta.{name}").table()["n"].tolist() == [1, 1]
    one, other = "a" * 150_000, "b" * 150_000
    both = lab.read([json.dumps(CORE | {"meta": {one: 1, other: 2}})]).decisions
    assert (both[f"meta.{one}"][0], json.loads(both["meta.*"][0])) == (1, {f"meta.{other}": 2})


def test_numbers_are_kept_to_the_bit(tmp_path):
    votes = [[{"voter": "a", "choice": "b", "weight": abs(one)}] for one in FLOATS]
    core = CORE["decision"] | {"confidence": 0.1 + 0.2}
    sent = [
        {"decision": core | {"votes": vote}, "meta": {"x": one}}
        for one, vote in zip(FLOATS, votes, strict=True)
    ]
    history = lab.read(map(json.dumps, sent))
    history.save(tmp_path / "saved")
    history.to_ndjson(tmp_path / "lines.ndjson")
    for kept in (history, lab.read(tmp_path / "saved"), lab.read(tmp_path / "lines.ndjson")):
        assert [*map(float.hex, kept.decisions["meta.x"])] == [*map(float.hex, FLOATS)]
        assert [*map(float.hex, kept.votes["weight"])] == [float.hex(abs(one)) for one in FLOATS]
        assert set(map(float.hex, kept.decisions["confidence"])) == {float.hex(0.1 + 0.2)}
