"""What the live view answers: pointer and keys in its pictures, lists, themes, a cell that runs meanwhile."""

import json
import re
import time
from datetime import UTC, datetime, timedelta

import pytest
from streams import publish

from mastermind_lab.arena import Arena, payloads

pytestmark = [
    pytest.mark.thorough,
    pytest.mark.timeout(400),
    # The browser's driver leaves its own loop and sockets to the interpreter.
    pytest.mark.filterwarnings("default::ResourceWarning", "default::DeprecationWarning"),
    pytest.mark.filterwarnings("default::pytest.PytestUnraisableExceptionWarning"),
]

START = datetime(2026, 11, 26, tzinfo=UTC)
INK = """one => {
    const {data} = one.getContext('2d').getImageData(0, 0, one.width, one.height);
    let light = 0, dark = 0, opaque = 0;
    for (let i = 0; i < data.length; i += 4) if (data[i + 3] > 200) {
        opaque++;
        const sum = data[i] + data[i + 1] + data[i + 2];
        if (sum > 650) light++; else if (sum < 100) dark++;
    }
    return [light / opaque, dark / opaque, opaque / (data.length / 4)];
}"""
PLACE = """(one, [x, y]) => {
    const {drawn} = one.closest('.mm-view').mastermind.pictures[0];
    const box = one.getBoundingClientRect();
    return [box.left + drawn.X(x - drawn.scene.x.origin), box.top + drawn.Y(y)];
}"""
HEAR_ALL = """() => {
    const { live } = document.querySelector('.mm-view').mastermind;
    window.heard = [];
    new MutationObserver(() => window.heard.push(live.textContent)).observe(live, { childList: true });
}"""
NEWS = "() => window.heard.filter(one => / new decisions?; /.test(one))"
# The page knows the newest, and has to ask for the other one first.
OVERTAKEN = """async () => {
    const view = document.querySelector('.mm-view').mastermind, asked = view.open('2-0', null);
    if (view.opened === '2-0') throw new Error('it was known already');
    view.list.querySelector('.mm-link').click();
    await asked;
    return [view.opened, view.detail.dataset.id];
}"""
FOCUS = "() => { const one = document.activeElement; return [one.tagName, one.className, one.textContent] }"


VOTES = [{"voter": "a", "choice": "yes"}, {"voter": "b", "choice": "maybe"}]


def decision(number, minutes=None, correlation_id=None, **more):
    """One decision of a minute; its confidence tells it apart from its neighbours."""
    when = START + timedelta(minutes=number if minutes is None else minutes)
    choice = f"choice {number}"
    core = {
        "recommendation": choice,
        "confidence": 0.1 + 0.08 * (number * 7 % 11),
        "question": f"question {number}?",
    }
    core["votes"] = [{"voter": voter, "choice": choice} for voter in "abc"]
    named = {"correlation_id": correlation_id} if correlation_id else {}
    return json.dumps({"decision": core | more, "published_at": when.isoformat(), **named}).encode()


def follow(url, **options):
    said = "".join(f", {name}={value!r}" for name, value in options.items())
    return f"import mastermind_lab as lab\nview = lab.follow({url!r}{said})\nview"


def days(minutes):
    return (START + timedelta(minutes=minutes)).timestamp() / 86_400


@pytest.fixture
def shown(notebook, raw, redis_url):
    """A view of forty decisions, one a minute, and two at once in the forty-first."""
    entries = [(f"{place + 1}-0", decision(place)) for place in range(40)]
    entries += [(f"{place}-0", decision(place, minutes=40, confidence=0.5)) for place in (41, 42)]
    publish(raw, entries)
    book = notebook("answers", follow(redis_url), "import time; time.sleep(6)")
    book.command("notebook:run-cell-and-select-next")
    book.until(lambda: book.received() == 42 and book.pictures().count() == 3 and book.counts()[0] == 42)
    book.idle()
    return book


def at(book, minutes, confidence):
    """Return where on the page a decision's point is."""
    return book.pictures().first.evaluate(PLACE, [days(minutes), confidence])


def listed(book):
    return [one.get_attribute("data-id") for one in book.page.locator(".mm-below .mm-link").element_handles()]


def test_pointer_and_list(shown, raw):
    book, page = shown, shown.page
    page.evaluate(HEAR_ALL)
    sure = 0.1 + 0.08 * (20 * 7 % 11)
    page.mouse.move(*at(book, 20, sure))
    tip = page.locator(".mm-tip:visible")
    book.until(lambda: "question 20?" in tip.inner_text() and f"confidence {sure:.2f}" in tip.inner_text())
    assert "choice 20 3" in tip.inner_text()
    page.mouse.click(*at(book, 20, sure))
    opened = page.locator(".mm-detail:visible")
    book.until(lambda: opened.get_attribute("data-id") == "21-0")
    assert "question 20?" in opened.inner_text()
    assert page.evaluate(OVERTAKEN) == ["42-0", "42-0"]
    page.mouse.click(*at(book, 20, sure))
    book.until(lambda: opened.get_attribute("data-id") == "21-0")
    before = listed(book)
    for place in range(43, 83):
        publish(raw, [(f"{place}-0", decision(place))])
        page.wait_for_timeout(20)
    book.until(lambda: book.received() == 82 and book.counts()[0] == 82)
    assert (opened.get_attribute("data-id"), listed(book)) == ("21-0", before)
    assert page.locator(".mm-button", has_text="newer").is_visible()
    page.keyboard.press("Escape")
    book.until(lambda: listed(book)[0] == "82-0")
    assert not opened.is_visible()
    book.shot("pointer")

    # A point of several decisions names them all.
    page.mouse.click(*at(book, 40, 0.5))
    book.until(lambda: listed(book) == ["42-0", "41-0"])
    assert page.locator(".mm-said").inner_text().startswith("2 decisions where")

    # A brush finds what the same condition finds in pandas.
    (x0, y0), (x1, y1) = at(book, 5.5, 0.85), at(book, 60, 0.35)
    page.mouse.move(x0, y0)
    page.mouse.down()
    page.mouse.move((x0 + x1) / 2, (y0 + y1) / 2)
    page.mouse.move(x1, y1)
    page.mouse.up()
    said = page.locator(".mm-said")
    book.until(lambda: "where published_at >= '2026-11-26 00:05:3" in said.inner_text())
    count, where = re.match(r"([\d,]+) decisions where (.*?)[;.] ", said.inner_text()).groups()
    asked = (
        f"import pandas as pd; d = view.decisions\nprint(d.query({where!r})['stream_id'].tolist() == "
        f"view.selected.decisions['stream_id'].tolist(), len(view.selected), "
        f"view.selected.decisions['stream_id'].tolist()[::-1][:12] == {listed(book)!r})"
    )
    assert book.asked(asked) == f"True {count} True"
    assert 10 < int(count) < 60
    book.shot("brush")
    page.keyboard.press("Escape")
    book.until(lambda: listed(book)[0] == "82-0")
    assert book.asked("print(len(view.selected))") == "82"

    # A picture of sums says that it has no decisions to list, and where there are some.
    box = book.pictures().nth(2).bounding_box()
    page.mouse.move(box["x"] + 150, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + 190, box["y"] + 120, steps=4)
    page.mouse.up()
    note = page.locator(".mm-note")
    book.until(lambda: "drag in the picture of confidence over time or of confidence" in note.inner_text())
    assert len(listed(book)) == 12

    # Each decision that has come was counted aloud, once.
    book.until(lambda: sum(int(re.match("[0-9]+", one)[0]) for one in page.evaluate(NEWS)) == 40)
    assert page.evaluate(NEWS)[-1].endswith(
        f"the latest: choice 82, confidence {0.1 + 0.08 * (82 * 7 % 11):.2f}"
    )


def test_keys_alone(shown):
    book, page = shown, shown.page
    page.locator(".mm-view button").first.focus()
    for _ in range(30):
        if page.evaluate(FOCUS)[0] == "CANVAS":
            break
        page.keyboard.press("Tab")
    page.keyboard.press("Home")
    tip = page.locator(".mm-tip:visible")
    book.until(lambda: "question 0?" in tip.inner_text())
    page.keyboard.press("ArrowRight")
    book.until(lambda: "question 1?" in page.locator(".mm-view [aria-live]").inner_text())
    page.keyboard.press("Enter")
    opened = page.locator(".mm-detail:visible")
    book.until(lambda: opened.get_attribute("data-id") == "2-0" and "mm-detail" in page.evaluate(FOCUS)[1])
    page.keyboard.press("Escape")
    book.until(lambda: page.evaluate(FOCUS)[0] == "CANVAS")
    page.keyboard.press("Home")
    for _ in range(4):
        page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Enter")
    book.until(lambda: listed(book) == [f"{place}-0" for place in (5, 4, 3, 2, 1)])
    page.keyboard.press("Escape")
    book.until(lambda: len(listed(book)) == 12)
    for _ in range(12):
        page.keyboard.press("Tab")
        if "mm-link" in page.evaluate(FOCUS)[1]:
            break
    page.keyboard.press("Enter")
    book.until(lambda: opened.get_attribute("data-id") == listed(book)[0])
    page.keyboard.press("Escape")
    book.until(lambda: "mm-link" in page.evaluate(FOCUS)[1])
    book.pictures().nth(2).focus()
    page.keyboard.press("Shift+ArrowRight")
    book.until(lambda: "cannot be told back" in page.locator(".mm-note").inner_text())
    named = [one.get_attribute("aria-label") for one in book.pictures().element_handles()]
    assert named == ["Confidence over time", "Confidence", "Votes"]
    assert all(one.get_attribute("aria-description") for one in book.pictures().element_handles())


def test_what_had_the_focus_gets_it_again_when_a_filter_ends(shown):
    book, page = shown, shown.page
    book.pictures().first.focus()
    page.keyboard.press("End")
    page.keyboard.press("Enter")
    book.until(lambda: listed(book) == ["42-0", "41-0"])
    page.locator(".mm-link").first.focus()
    page.keyboard.press("Enter")
    page.locator(".mm-detail:visible").wait_for()
    page.keyboard.press("Escape")
    book.until(lambda: "mm-link" in page.evaluate(FOCUS)[1])
    page.keyboard.press("Escape")
    book.until(lambda: len(listed(book)) == 12)
    assert page.evaluate(FOCUS)[0] == "CANVAS"


def test_the_notebooks_keys_do_not_act_from_within_a_picture(shown):
    book, page = shown, shown.page
    cells = page.locator(".jp-NotebookPanel .jp-Cell")
    there = cells.count()
    page.mouse.click(*at(book, 20, 0.97))  # with the pointer, as one who then presses a key by mistake
    for number in (0, 2):
        book.pictures().nth(number).focus()
        for key in ("x", "b", "ArrowDown", "d", "d"):
            page.keyboard.press(key)
        page.wait_for_timeout(300)
        assert page.evaluate(FOCUS)[0] == "CANVAS"
    assert (cells.count(), book.pictures().count()) == (there, 3)


def test_a_decision_opens_while_a_cell_runs_and_what_must_wait_says_so(shown, raw):
    book, page = shown, shown.page
    page.evaluate("() => { window.jupyterapp.commands.execute('notebook:run-cell') }")
    book.until(lambda: page.evaluate("() => " + BUSY) == "busy")
    began = time.monotonic()
    page.locator(".mm-link").nth(1).click()
    page.locator(".mm-detail:visible").wait_for(timeout=10_000)
    assert time.monotonic() - began < 1
    publish(raw, [("90-0", decision(50))])
    book.until(lambda: book.received() == 43)
    page.get_by_role("button", name="pause").click()
    # A kernel that answers beside its cells pauses at once; another one says that this waits.
    waits = "this waits until the running cell ends"
    book.until(lambda: book.status().startswith("paused") or page.locator(".mm-note").inner_text() == waits)
    assert "[*]:" in page.locator(".jp-InputArea-prompt").all_inner_texts()
    book.until(lambda: book.status().startswith("paused"))
    assert page.locator(".mm-note").inner_text() == ""


BUSY = "window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.status"


def test_ink_and_paper_are_the_themes_and_pixels_the_screens(notebook, raw, redis_url):
    publish(raw, list(payloads(Arena(5), 80)))
    options = {"panels": ["confidence_over_time", "timing", "decisions"]}
    book = notebook("themes", follow(redis_url, **options), device_scale_factor=2)
    book.run_all()
    book.until(lambda: book.received() == 80 and book.counts()[0] == 80)
    sizes = "one => [one.width / one.offsetWidth, one.height / one.offsetHeight]"
    assert book.pictures().first.evaluate(sizes) == pytest.approx([2, 2], abs=0.01)

    def shares():
        """Of the picture without a band: light, dark, and what is not see-through at all."""
        return book.pictures().nth(1).evaluate(INK)

    book.until(lambda: shares()[1] > 0.05)
    book.theme("Dark")
    book.until(lambda: shares()[0] > 0.05 and shares()[1] < 0.01)
    assert shares()[2] < 0.5  # nothing white behind it
    assert book.page.locator(".mm-view img:visible").count() == 0
    book.shot("dark")
    book.theme("Light")
    book.until(lambda: shares()[1] > 0.05)


def test_a_function_of_ones_own_in_a_tab_of_another_box(notebook, raw, redis_url):
    publish(raw, [(f"{place + 1}-0", decision(place)) for place in range(5)])
    code = (
        f"import mastermind_lab as lab, ipywidgets\n"
        "def mine(history, ax):\n    ax.plot([0, 1], [0, len(history)])\n    ax.set_title('mine')\n"
        "def formula(history, ax):\n    ax.set_title('$x^2$')\n"
        f"view = lab.follow({redis_url!r}, panels=[mine, formula, 'decisions'])\n"
        "ipywidgets.Tab([ipywidgets.VBox([view])])"
    )
    book = notebook("tab", code)
    book.run_all()
    book.until(lambda: book.received() == 5)
    book.until(lambda: book.page.locator(".mm-view img:visible").count() == 1)  # only matplotlib can draw it
    assert book.page.locator(".mm-title").first.inner_text() == "mine"
    publish(raw, [("9-0", decision(9))])
    book.until(lambda: listed(book)[0] == "9-0")
    assert book.asked("view.stop(); print(view.status.state)") == "stopped"
    book.until(lambda: book.status().startswith("stopped"))
    assert len(listed(book)) == 6
    book.theme("Dark")
    look = "one => getComputedStyle(one).filter"
    book.until(lambda: "invert" in book.page.locator(".mm-view img:visible").evaluate(look))


SLEEP = """() => {
    const { kernel } = window.jupyterapp.shell.currentWidget.sessionContext.session;
    kernel.requestExecute({ code: 'import time; time.sleep(1.5)' });
}"""


def test_marking_by_keyboard(notebook, raw, redis_url, tmp_path):
    publish(raw, [(f"{n + 1}-0", decision(n, votes=VOTES, correlation_id=f"c{n}")) for n in range(12)])
    path = tmp_path / "marks.csv"
    book = notebook("marks", follow(redis_url, outcomes=str(path)))
    page = book.page
    book.run_all_to_the_end()
    book.until(lambda: book.received() == 12 and len(listed(book)) == 12 and len(book.counts()) >= 3)
    assert book.page.locator(".mm-picture:visible").count() == 3
    page.locator(".mm-link").first.focus()
    page.keyboard.press("Enter")
    opened = page.locator(".mm-detail:visible")
    book.until(lambda: opened.get_attribute("data-id") == "12-0")
    page.keyboard.press("Tab")  # close
    page.keyboard.press("Tab")  # right
    page.keyboard.press("Enter")
    book.until(lambda: "✓ right" in opened.locator(".verdict").inner_text())
    assert book.page.evaluate(FOCUS)[2] == "✓ right"  # where it was
    assert str(path) in page.locator(".mm-note").inner_text()
    book.until(lambda: page.locator(".mm-picture:visible").count() == 5)
    page.keyboard.press("Tab")  # wrong
    page.keyboard.press("Enter")
    assert "choose what was right" in page.locator(".mm-note").inner_text()
    page.keyboard.press("n")  # its list: none of these
    page.keyboard.press("Tab")
    page.keyboard.type("=<b>both</b>")
    page.keyboard.press("Escape")
    book.until(lambda: not opened.is_visible())
    page.keyboard.press("Enter")  # what was written and not kept is still there
    book.until(lambda: page.get_by_label("note", exact=True).input_value() == "=<b>both</b>")
    for _ in range(4):
        page.keyboard.press("Tab")
    page.keyboard.press("n")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    book.until(lambda: "✗ wrong" in opened.locator(".verdict").inner_text())
    assert page.get_by_label("note", exact=True).input_value() == "=<b>both</b>"
    book.until(lambda: "0 of 1 marked are right" in book.status())
    book.shot("marks")
    assert [line.split(",")[:3] for line in path.read_text().splitlines()[1:]] == [
        ["c11", "choice 11", ""], ["c11", "(none of these)", "'=<b>both</b>"]
    ]  # fmt: skip

    # What is typed while a mark waits for the kernel is not lost, nor is the place where it is typed.
    page.evaluate(SLEEP)
    opened.locator("[data-act=right]").click()
    note = page.get_by_label("note", exact=True)
    note.fill("seen once more")
    book.until(lambda: "✓ right" in opened.locator(".verdict").inner_text())
    assert (note.input_value(), page.evaluate(FOCUS)[0]) == ("seen once more", "INPUT")
    page.keyboard.press("Enter")
    book.until(lambda: "seen once more" in path.read_text())
    assert [line.split(",")[1:3] for line in path.read_text().splitlines()[3:]] == [
        ["choice 11", "'=<b>both</b>"], ["choice 11", "seen once more"]
    ]  # fmt: skip
    assert (
        book.asked("print(len(lab.with_outcomes(view.history, view.outcomes)), len(view.outcomes))") == "12 1"
    )
