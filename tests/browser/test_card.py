"""The card of a decision as its reader sees it, in Chromium."""

import json

import pytest

import mastermind_lab as lab

pytestmark = [
    pytest.mark.thorough,
    # The browser's driver leaves its own loop and sockets to the interpreter.
    pytest.mark.filterwarnings("default::ResourceWarning", "default::DeprecationWarning"),
    pytest.mark.filterwarnings("default::pytest.PytestUnraisableExceptionWarning"),
]

LONG = "a-very-long-model-name/with-a-maker-and-instruct-2026-11-26-preview"
OVERFLOWS = """() => [...document.querySelectorAll(".mastermind-decision *")]
    .filter(one => one.getBoundingClientRect().right > document.documentElement.clientWidth + 1).length"""
DIRECTION = "one => getComputedStyle(one).direction"


@pytest.fixture(scope="module")
def card():
    votes = [
        {"voter": LONG, "choice": "x" * 300, "confidence": 0.25, "rationale": "word " * 200},
        {
            "voter": "ليلى",
            "choice": "أوافق",
            "confidence": 0.5,
            "first_choice": "لا",
            "first_confidence": 0.1,
        },
        {"voter": "神戸太郎", "choice": "賛成"},
    ]
    tree = {"claim": "y" * 300, "children": [{"claim": "below", "stance": "con"}]}
    decision = {
        "recommendation": "أوافق", "confidence": 0.75, "question": "q" * 300, "votes": votes,
        "argument_tree": tree,
        "citations": [{"source": "https://a.example/" + "path/" * 60, "title": "<script>alert(1)</script>"}],
    }  # fmt: skip
    return lab.read([json.dumps({"decision": decision})]).decision("0-1")._repr_html_()


@pytest.mark.parametrize("width", [400, 700, 1_200])
def test_it_fits_is_read_and_fetches_nothing(browser, card, width):
    page = browser.new_page(viewport={"width": width, "height": 800})
    asked, alerts = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("dialog", lambda dialog: (alerts.append(dialog.message), dialog.dismiss()))
    page.set_content(f"<!doctype html><body>{card}</body>")
    assert page.evaluate(OVERFLOWS) == 0
    bars = page.locator(".bar").evaluate_all(
        "all => all.map(one => one.firstChild.offsetWidth / one.offsetWidth)"
    )
    assert bars == pytest.approx([0.75, 0.25, 0.5], abs=0.02)
    left = page.locator("table .bar").evaluate_all("all => all.map(one => one.getBoundingClientRect().left)")
    assert max(left) - min(left) < 1
    assert page.locator(".big").evaluate(DIRECTION) == "rtl"
    below = page.get_by_text("below", exact=True)
    assert below.is_visible()
    page.locator("ul.tree summary").click()
    assert not below.is_visible()
    assert (asked, alerts) == ([], [])
    page.close()


def test_names_take_the_room_that_no_rationale_needs(browser):
    vote = {"voter": "a-model-of-a-name/that-is-not-short-26", "choice": "go", "confidence": 0.5}
    page = browser.new_page(viewport={"width": 900, "height": 600})
    heights = []
    for said in {}, {"rationale": "because"}:
        decision = {"recommendation": "go", "confidence": 0.5, "votes": [vote | said]}
        shown = lab.read([json.dumps({"decision": decision})]).decision("0-1")._repr_html_()
        page.set_content(f"<!doctype html><body>{shown}</body>")
        row = page.locator("table th[scope=row]")
        heights.append(row.evaluate("one => one.getBoundingClientRect().height"))
    assert heights[0] < 0.7 * heights[1]
    page.close()
