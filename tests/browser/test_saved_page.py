"""A saved page as its reader sees it: in Chromium, from a file, without a kernel and without a network."""

import json
from base64 import b64encode
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

import mastermind_lab as lab
from mastermind_lab.widget.controls import ViewOptions

pytestmark = [
    pytest.mark.thorough,
    # The browser's driver leaves its own loop and sockets to the interpreter.
    pytest.mark.filterwarnings("default::ResourceWarning", "default::DeprecationWarning"),
    pytest.mark.filterwarnings("default::pytest.PytestUnraisableExceptionWarning"),
]

START = datetime(2026, 11, 26, tzinfo=UTC)
HOSTILE = "</script><script>alert(1)</script><!--<img src=http://a.example/x onerror=alert(2)>"
PLACE = """(one, [x, y]) => {
    const {drawn} = document.getElementById('mm-view').mastermind.pictures[0];
    const box = one.getBoundingClientRect();
    return [box.left + drawn.X(x - drawn.scene.x.origin), box.top + drawn.Y(y)];
}"""
LISTED = "all => all.map(one => one.dataset.id)"
DARK_INK = """one => {
    const {data} = one.getContext('2d').getImageData(0, 0, one.width, one.height);
    let dark = 0, opaque = 0;
    for (let i = 0; i < data.length; i += 4) if (data[i + 3] > 200) {
        opaque++;
        if (data[i] + data[i + 1] + data[i + 2] < 90) dark++;
    }
    return dark / opaque;
}"""


def sure(number):
    return 0.1 + 0.08 * (number * 7 % 11)


def decision(number, **meta):
    """One decision of a minute; its confidence tells it apart from its neighbours."""
    core = {"recommendation": f"choice {number}", "confidence": sure(number)}
    core["question"] = f"{HOSTILE} {number}?"
    core["votes"] = [{"voter": voter, "choice": f"choice {number}"} for voter in "abc"]
    when = (START + timedelta(minutes=number)).isoformat()
    return json.dumps({"decision": core, "published_at": when, "meta": meta})


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    follower = lab.Follower("redis://localhost:1")
    follower.feed([(f"{number + 1}-0", decision(number)) for number in range(40)])
    view = lab.LiveView(follower, panels=["confidence_over_time", "confidence", picture, "decisions"])
    path = view.save(tmp_path_factory.mktemp("pages") / "run-42.html")
    view.close()
    return path.as_uri()


def picture(history, ax):
    ax.set_title("$x^2$")  # a formula, which only matplotlib can draw


class Reader:
    """Somebody who opens the page, and all that it asks for and complains of."""

    def __init__(self, browser, url, **options):
        self.page = browser.new_page(**options)
        self.page.set_default_timeout(30_000)
        self.heard = []
        self.page.on("dialog", lambda dialog: (self.heard.append(dialog.message), dialog.dismiss()))
        self.page.on("pageerror", lambda error: self.heard.append(str(error)))
        self.page.on("console", lambda said: self.heard.append(said.text) if said.type == "error" else None)
        self.page.on("request", lambda one: self.heard.append(one.url) if one.url != url else None)
        self.page.goto(url)

    def at(self, number):
        days = (START + timedelta(minutes=number)).timestamp() / 86_400
        return self.page.locator("#mm-view canvas").first.evaluate(PLACE, [days, sure(number)])

    def has(self, text, where):
        self.page.locator(where, has_text=text).wait_for()


DRAWN = "() => document.getElementById('mm-view').mastermind?.pictures[0].drawn"


def opened(browser, url, **options):
    reader = Reader(browser, url, **options)
    reader.page.wait_for_function(DRAWN)
    return reader


def test_it_answers_without_a_kernel_and_without_a_network(browser, saved):
    reader = opened(browser, saved, color_scheme="light", viewport={"width": 1300, "height": 900})
    page = reader.page
    assert page.locator("#mm-view img:visible").evaluate("one => one.decode().then(() => one.naturalWidth)")
    assert not page.locator("#mm-still").is_visible()
    assert not page.locator(".mm-controls").is_visible()
    # Or a bar that comes makes the pictures narrower, so lower, and goes, and comes again.
    assert page.evaluate("() => getComputedStyle(document.documentElement).scrollbarGutter") == "stable"

    page.mouse.move(*reader.at(20))
    reader.has(f"{HOSTILE} 20?", ".mm-tip:visible")
    x, y = reader.at(22)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 2, y + 2)  # a hand that trembles brushes nothing
    page.mouse.up()
    reader.has("choice 22", ".mm-detail:visible")
    assert page.locator(".mm-said").inner_text() == ""
    page.keyboard.press("Escape")
    page.mouse.click(*reader.at(20), button="right")  # for the menu
    assert not page.locator(".mm-detail").is_visible()
    page.mouse.click(*reader.at(20))
    reader.has("choice 20", ".mm-detail:visible")
    assert page.locator(".mm-detail").get_attribute("data-id") == "21-0"
    page.keyboard.press("Escape")

    (x0, y0), (x1, _) = reader.at(24.5), reader.at(29.5)
    page.mouse.move(x1, y0 - 60)
    page.mouse.down()
    page.mouse.move((x0 + x1) / 2, y0)
    page.mouse.move(x0, y0 - 60)
    page.mouse.up()
    reader.has("5 decisions where published_at >= '2026-11-26 00:24:", ".mm-said")
    listed = page.locator(".mm-below .mm-link").evaluate_all(LISTED)
    assert listed == [f"{number + 1}-0" for number in (29, 28, 27, 26, 25)]
    page.keyboard.press("Escape")
    reader.has("choice 39", ".mm-below")

    ink = page.locator("#mm-view canvas").nth(1)
    light = ink.evaluate(DARK_INK)
    page.emulate_media(color_scheme="dark")
    page.wait_for_function(f"one => ({DARK_INK})(one) < 0.005", arg=ink.element_handle())
    assert light > 0.01
    assert [one for one in reader.heard if not one.startswith("blob:")] == []
    page.close()


SAID_AT = """days => {
    const one = document.getElementById('mm-view').mastermind.pictures[0], { origin } = one.scene.x;
    return days.map(([when, id]) => {
        one.point({ x: when - origin, y: 0.5, part: 0, id });
        return one.tip.textContent;
    });
}"""


def test_a_time_is_told_to_the_millisecond_where_it_is_known(browser, saved):
    page = opened(browser, saved).page
    times = [START + timedelta(minutes=20, milliseconds=more) for more in range(0, 2_000, 250)]
    days = [[when.timestamp() / 86_400, f"gone {number}"] for number, when in enumerate(times)]
    told = [said.split(" UTC")[0] for said in page.evaluate(SAID_AT, days)]
    assert told == [f"{when:%Y-%m-%d %H:%M:%S.%f}"[:-3].removesuffix(".000") for when in times]
    cell = times[3].timestamp() / 86_400
    assert page.evaluate(SAID_AT, [[cell, None]])[0].startswith("about 2026-11-26 00:20:01 UTC")
    page.close()


EARLIER = """() => {
    const one = document.getElementById('mm-view').mastermind.pictures[0], [first] = one.points;
    one.points = [{ ...first, x: first.x - 0.001 }, ...one.points];
    return one.points.findIndex(point => point.x === one.hit.x);
}"""
PLACE_OF_HIT = """() => {
    const one = document.getElementById('mm-view').mastermind.pictures[0];
    return [one.points.indexOf(one.hit), one.points.findIndex(point => point.x === one.brush?.from[0])];
}"""
FEWER = """() => {
    const one = document.getElementById('mm-view').mastermind.pictures[0];
    one.points = one.points.slice(0, 3);
}"""


def test_keys_choose_whole_cells_and_go_on_where_there_are_fewer_points_than_before(browser, saved):
    reader = opened(browser, saved)
    reader.page.locator("#mm-view canvas").first.focus()
    for first, way, found in (("Home", "ArrowRight", range(4)), ("End", "ArrowLeft", range(36, 40))):
        reader.page.keyboard.press(first)
        for _ in range(3):
            reader.page.keyboard.press(f"Shift+{way}")
        reader.page.keyboard.press("Enter")
        reader.has(f"choice {found[-1]}", ".mm-below tr:first-child")
        listed = reader.page.locator(".mm-below .mm-link").evaluate_all(LISTED)
        assert listed == [f"{number + 1}-0" for number in found[::-1]]
        reader.page.keyboard.press("Escape")
    reader.page.keyboard.press("Home")
    for _ in range(2):
        reader.page.keyboard.press("ArrowRight")
    assert reader.page.evaluate(EARLIER) == 3
    reader.page.keyboard.press("ArrowRight")
    assert reader.page.evaluate(PLACE_OF_HIT) == [4, -1]
    reader.page.evaluate(EARLIER)
    reader.page.keyboard.press("Shift+ArrowLeft")
    assert reader.page.evaluate(PLACE_OF_HIT) == [4, 5]
    reader.page.keyboard.press("End")
    reader.page.evaluate(FEWER)
    reader.page.keyboard.press("Shift+ArrowRight")
    brush = reader.page.evaluate("() => document.getElementById('mm-view').mastermind.pictures[0].brush")
    assert brush["from"] == brush["to"]
    assert [one for one in reader.heard if not one.startswith("blob:")] == []
    reader.page.close()


REJECTS = """rejects => {
    const view = document.getElementById('mm-view').mastermind, { message } = view.hub.last.list;
    view.hub.take({ ...message, rejects }, []);
    return view.rejects.textContent;
}"""


def test_rejects_go_with_what_they_were_of(browser, saved):
    page = opened(browser, saved).page
    rows = [["1-0", "not_json", "line 1", "{"]]
    assert "Rejects (1 in all)" in page.evaluate(REJECTS, {"total": 1, "rows": rows})
    assert page.evaluate(REJECTS) == ""  # a replay that was moved back
    page.close()


LIST = """more => {
    const view = document.getElementById('mm-view').mastermind, { message } = view.hub.last.list;
    view.hub.take({ ...message, decided: message.decided + more }, []);
}"""
HEARD = "() => document.getElementById('mm-view').mastermind.live.textContent"
TWO_ASK = """() => {
    const view = document.getElementById('mm-view').mastermind, { hub } = view;
    view.second = new view.constructor(hub, document.body.appendChild(document.createElement('div')));
    hub.model.send = () => {};
    view.do({ ask: 'pause' });
}"""
NOTES = """() => {
    const view = document.getElementById('mm-view').mastermind;
    return [view.note.textContent, view.second.note.textContent];
}"""
ANSWER = """() => {
    const { hub } = document.getElementById('mm-view').mastermind;
    hub.take({ kind: 'answer', page: hub.page, number: hub.next - 1 });
}"""


def test_news_are_counted_aloud_though_nothing_follows_and_all_outputs_hear_an_answer(browser, saved):
    page = opened(browser, saved).page
    page.clock.install()
    for count, said in ((5, "5 new decisions"), (1, "1 new decision")):
        page.evaluate(LIST, count)
        assert not page.evaluate(HEARD).startswith(said)  # not so often
        page.clock.fast_forward(10_500)
        assert page.evaluate(HEARD) == f"{said}; the latest: choice 39, confidence {sure(39):.2f}"
    page.evaluate(LIST, -3)  # it began again
    page.evaluate(LIST, 2)
    page.clock.fast_forward(10_500)
    assert page.evaluate(HEARD).startswith("2 new decisions")

    page.evaluate(TWO_ASK)
    page.clock.fast_forward(1_000)
    assert page.evaluate(NOTES) == ["this waits until the running cell ends"] * 2
    page.evaluate(ANSWER)
    assert page.evaluate(NOTES) == [""] * 2
    page.close()


COME = """([count, points]) => {
    const view = document.getElementById('mm-view').mastermind;
    const [one] = view.pictures, [, high] = one.scene.y.limits;
    view.hub.take({ kind: 'news', count, points: [...points, ['above', points[1][1], high + 0.01]] }, []);
    return one.fresh().map(({ id }) => id);
}"""


def test_what_has_come_since_stands_on_the_axes_or_not_at_all(browser, saved):
    page = opened(browser, saved).page
    days = [(START + timedelta(minutes=number)).timestamp() / 86_400 for number in (-60, 20, 90, 90_000)]
    names = "before", "within", "after", "by a wrong clock"
    points = [[name, day, 0.5] for name, day in zip(names, days, strict=True)]
    assert page.evaluate(COME, [40, points]) == []  # it is in the scene, though told of later
    assert page.evaluate(COME, [99, points]) == ["within", "after"]
    page.close()


CALM = """async () => {
    const view = document.getElementById('mm-view').mastermind, [one] = view.pictures;
    const drawn = async act => {
        const before = one.drawn, start = performance.now();
        act();
        while (one.drawn === before) await new Promise(requestAnimationFrame);
        return performance.now() - start;
    };
    const news = () => view.take({ kind: 'news' });
    const hover = () => { news(); one.point(one.points[one.hit ? 1 : 0]); };
    return [await drawn(hover), await drawn(hover), await drawn(news)];
}"""


def test_who_wants_it_calm_waits_for_what_comes_and_not_for_an_answer(browser, saved):
    page = opened(browser, saved, reduced_motion="reduce").page
    *hovered, news = page.evaluate(CALM)
    assert max(hovered) < 500 < news
    page.close()


OF_A_PART = """() => {
    const one = document.getElementById('mm-view').mastermind.pictures[0];
    const [x, y] = one.spot(one.points.filter(point => point.part === 3)[2]);
    const box = one.canvas.getBoundingClientRect();
    return [box.left + x, box.top + y];
}"""
PART_BOX = """part => {
    const one = document.getElementById('mm-view').mastermind.pictures[0];
    const { left, top, w, h } = one.drawn.parts[part].box, box = one.canvas.getBoundingClientRect();
    return [box.left + left, box.top + top, w, h];
}"""
NEXT_ROUND = """([said, numbers]) => {
    const view = document.getElementById('mm-view').mastermind, one = view.pictures[0];
    const bytes = numbers.map(text => Uint8Array.from(atob(text), letter => letter.charCodeAt(0)));
    const when = () => one.hit.x + one.inner(one.hit.part).x.origin;
    const before = when(), { origin } = one.inner(3).x;
    view.take({ kind: "round", ...said }, bytes);
    return [origin - one.inner(3).x.origin, when() - before, one.points.includes(one.hit)];
}"""


def test_small_pictures_answer_and_what_is_hovered_stays_where_it_is(browser, tmp_path):
    follower = lab.Follower("redis://localhost:1")
    follower.feed([(f"{number + 1}-0", decision(number, k=f"k{number % 4}")) for number in range(40)])
    choice = ViewOptions(by="meta.k")
    view = lab.LiveView(follower, panels=["confidence_over_time", "decisions"], choice=choice)
    reader = opened(browser, view.save(tmp_path / "parts.html").as_uri())
    page = reader.page
    page.mouse.move(*page.evaluate(OF_A_PART))
    reader.has(f"{HOSTILE} 10?", ".mm-tip:visible")
    page.mouse.click(*page.evaluate(OF_A_PART))
    reader.has("choice 10", ".mm-detail:visible")
    page.keyboard.press("Escape")
    page.mouse.move(*page.evaluate(OF_A_PART))
    reader.has(f"{HOSTILE} 10?", ".mm-tip:visible")
    left, top, wide, high = page.evaluate(PART_BOX, 2)
    for start in (top + 0.2 * high, top - 6):  # in it, and above it, between it and the one before
        page.mouse.move(left + 0.01 * wide, start)
        page.mouse.down()
        page.mouse.move(left + 0.99 * wide, top + 0.3 * high, steps=3)
        page.mouse.move(left + 0.99 * wide, start, steps=2)
        page.mouse.up()
        reader.has("10 decisions where published_at >= '2026-11-25 23:58:", ".mm-said")
        assert ", of k2. " in page.locator(".mm-said").inner_text()
        listed = page.locator(".mm-below .mm-link").evaluate_all(LISTED)
        assert listed == [f"{number + 1}-0" for number in range(38, 0, -4)]
        page.keyboard.press("Escape")
        reader.has("choice 39", ".mm-below")
    page.mouse.move(*page.evaluate(OF_A_PART))
    reader.has(f"{HOSTILE} 10?", ".mm-tip:visible")
    follower.feed([("41-0", decision(-90, k="k2"))])
    said, numbers = view._contents.round()
    moved, away, is_there = page.evaluate(NEXT_ROUND, [said, [b64encode(one).decode() for one in numbers]])
    assert moved > 1 / 24
    assert (abs(away) < 2e-4, is_there) == (True, True)  # days: it is the middle of a wider cell now
    assert reader.heard == []
    view.close()
    page.close()


VOTES_TIPS = """() => {
    const one = document.getElementById('mm-view').mastermind.pictures[1];
    return one.points.map(point => one.figures(point));
}"""


DAYS = np.array(["2026-11-26T10:00:00.4", "2026-11-26T12:30:00.6"], "datetime64[ms]")
OWN = {
    "log2": (lambda ax: ax.set_xscale("log", base=2), [8, 300], [1, 2]),
    "symlog": (lambda ax: (ax.set_xscale("symlog"), ax.set_yscale("symlog", linthresh=1e-3)),
               [-0.5, 5_000], [-1e-6, 1e6]),
    "dated": (lambda ax: None, DAYS, DAYS[::-1]),
    "named": (lambda ax: ax.set_yticks([0, 1], ["none", "all"]), [1, 2], [0, 0.3]),
    "category": (lambda ax: None, ["a", "b"], [1_234_567, 0.0125]),
    "far": (lambda ax: None, [1, 2], [20_001, 20_002]),
    "asinh": (lambda ax: ax.set_yscale("asinh"), [1, 2], [0.1, 0.9]),
}  # fmt: skip


def own(history, ax):
    for place, (name, (scale, x, y)) in enumerate(OWN.items()):
        part = ax.inset_axes((0, place / len(OWN), 1, 0.1))
        part.plot(x, y, "o")
        scale(part)
        part.set(title=name, xlabel="x", ylabel="y")


OWN_TIPS = """() => {
    const one = document.getElementById('mm-view').mastermind.pictures[0], tips = {};
    for (const point of one.points) {
        (tips[one.inner(point.part).title] ??= []).push(one.figures(point).split('\\n')[1]);
    }
    return tips;
}"""


def test_a_tip_tells_what_stands_at_a_place_on_any_scale_or_no_number(browser, tmp_path):
    follower = lab.Follower("redis://localhost:1")
    view = lab.LiveView(follower, panels=[own])
    page = opened(browser, view.save(tmp_path / "own.html").as_uri()).page
    view.close()
    early, late = "2026-11-26 10:00:00 UTC", "2026-11-26 12:30:01 UTC"
    assert page.evaluate(OWN_TIPS) == {
        "log2": ["x 8, y 1", "x 300, y 2"],
        "symlog": ["x -0.5, y -0.000001", "x 5,000, y 1,000,000"],
        "dated": [f"x {early}, y {late}", f"x {late}, y {early}"],
        "named": ["x 1, y none", "x 2, y 0.3"],
        "category": ["x a, y 1,234,570", "x b, y 0.0125"],
        "far": ["x 1, y 20,001", "x 2, y 20,002"],
        "asinh": ["x 1", "x 2"],
    }
    page.close()


def test_tips_hold_their_own_intervals_and_a_note_ends_with_what_it_was_about(browser, tmp_path):
    follower = lab.Follower("redis://localhost:1")
    votes = [{"voter": "a", "choice": "yes", "weight": 3}, {"voter": "b", "choice": "no", "weight": 1}]
    for number in range(400):
        told = json.loads(decision(number))
        told["decision"]["votes"] = votes[: 1 + number % 2]
        follower.feed([(f"{number + 1}-0", json.dumps(told))])
    view = lab.LiveView(follower, panels=["confidence_over_time", "votes", "decisions"])
    reader = opened(browser, view.save(tmp_path / "early.html").as_uri())
    page = reader.page
    kind, options = view._contents.panels[1].asks(view._contents.choices.chosen)
    table = kind.of(view.history, **options).table()
    view.close()
    tips = page.evaluate(VOTES_TIPS)
    for name in ("share", "weighted_share"):
        for value, low, high in table[[name, f"{name}_low", f"{name}_high"]].to_numpy():
            assert any(f"{value:.3g} ({low:.3g} to {high:.3g})" in tip for tip in tips), (name, tips)

    page.mouse.move(*reader.at(20))
    reader.has("about 2026-11-26 00:", ".mm-tip:visible")
    (x0, y0), (x1, _) = reader.at(4), reader.at(40)
    for start, end, said in ((x0, x1, "none of the newest"), (*reader.at(330)[:1], *reader.at(390)[:1], "")):
        page.mouse.move(start, y0)
        page.mouse.down()
        page.mouse.move(end, y0, steps=3)
        page.mouse.up()
        page.wait_for_timeout(100)
        assert page.locator(".mm-note").inner_text().startswith(said)
    assert page.locator(".mm-note").inner_text() == ""
    page.keyboard.press("Escape")
    page.mouse.move(x0, y0)
    page.mouse.down()
    page.mouse.move(x1, y0, steps=3)
    page.mouse.up()
    reader.has("none of the newest", ".mm-note")
    page.keyboard.press("Escape")
    page.wait_for_timeout(100)
    assert page.locator(".mm-note").inner_text() == ""
    page.close()


DOT = """async said => {
    const view = document.getElementById('mm-view').mastermind, [one] = view.pictures;
    const bytes = text => Uint8Array.from(atob(text), letter => letter.charCodeAt(0));
    if (said) view.take({ kind: "round", ...said[0] }, said[1].map(bytes));
    else one.point(one.points.find(point => one.figures(point).startsWith("yes")));
    await new Promise(drawn => requestAnimationFrame(() => setTimeout(drawn)));
    const y = one.hit && one.spot(one.hit)[1], told = one.tip.hidden ? "" : one.tip.textContent;
    const below = Math.round(parseFloat(one.tip.style.top) - y);
    return [told, view.live.textContent, one.points.includes(one.hit), below];
}"""


def test_a_tip_goes_on_with_the_dot_of_its_row_and_ends_with_it(browser, tmp_path):
    def voted(number, choice):
        told = json.loads(decision(number))
        told["decision"]["votes"] = [{"voter": "a", "choice": choice}]
        return f"{number + 1}-0", json.dumps(told)

    follower = lab.Follower("redis://localhost:1")
    follower.feed([voted(number, "no" if number % 3 else "yes") for number in range(30)])
    view = lab.LiveView(follower, panels=["votes", "decisions"])
    page = opened(browser, view.save(tmp_path / "dots.html").as_uri()).page

    def come(choice, numbers):
        follower.feed([voted(number, choice) for number in numbers])
        facts, numbers = view._contents.round()
        return page.evaluate(DOT, [facts, [b64encode(one).decode() for one in numbers]])

    page.locator("#mm-view canvas").first.focus()
    first, heard, *place = page.evaluate(DOT)
    assert (first[:9], heard, place) == ("yes\n0.333", first, [True, 14])
    said, heard, *place = come("yes", range(100, 130))  # it is the first row now, farther to the right
    assert (said[:9], heard, place) == ("yes\n0.667", first, [True, 14])  # nobody hears what he has not asked
    for place, name in enumerate("abcdefghijklmnopqrst", 10):
        follower.feed([voted(number, name) for number in range(100 * place, 100 * place + 99)])
    said, *_ = come("u", range(90, 99))
    assert said == ""  # its row is one of the others
    view.close()
    page.close()


POINTED = """async said => {
    const view = document.getElementById('mm-view').mastermind;
    const bytes = text => Uint8Array.from(atob(text), letter => letter.charCodeAt(0));
    if (said) view.take({ kind: "round", ...said[0] }, said[1].map(bytes));
    const pictures = view.pictures.slice(0, 2);
    if (!said) {
        pictures[0].point(pictures[0].points.find(point => pictures[0].figures(point).startsWith("e")));
        pictures[1].point(pictures[1].points.find(point => point.part === pictures[1].scene.parts.length));
    }
    await new Promise(drawn => requestAnimationFrame(() => setTimeout(drawn)));
    return [pictures[0].tip.hidden ? "" : pictures[0].tip.textContent, Boolean(pictures[1].hit)];
}"""


def test_a_tip_stays_while_its_count_grows_and_ends_with_its_small_picture(browser, tmp_path):
    def come(number, model):
        told = json.loads(decision(number)) | {"meta": {"model": model}}
        follower.feed([(f"{number + 1}-0", json.dumps(told))])

    follower = lab.Follower("redis://localhost:1")
    for number in range(50):
        come(number, "abcde"[number % 5])
    panels = ["confidence", "confidence_over_time", "decisions"]
    view = lab.LiveView(follower, panels=panels, choice=ViewOptions(50, "meta.model"))
    page, wrong = opened(browser, view.save(tmp_path / "small.html").as_uri()).page, []
    page.on("pageerror", lambda error: wrong.append(error))
    row, has_hit = page.evaluate(POINTED)
    assert (row[:8], has_hit) == ("e\nn = 10", True)
    for first, models, said in ((100, "bcde", "e\nn = 1"), (200, "bcde", "e\nn = 1"), (300, "bcd", "")):
        for number in range(60):
            come(first + number, models[number % len(models)])
        facts, numbers = view._contents.round()
        row, has_hit = page.evaluate(POINTED, [facts, [b64encode(one).decode() for one in numbers]])
        assert (row[:7], has_hit, wrong) == (said, False, [])
    view.close()
    page.close()


def test_without_scripts_and_on_paper_it_is_the_still(browser, saved):
    reader = Reader(browser, saved)
    reader.page.wait_for_selector(".mm-answers", state="attached")
    reader.page.emulate_media(media="print")
    assert reader.page.locator("#mm-still").is_visible()
    assert not reader.page.locator("#mm-view").is_visible()
    reader.page.close()
    context = browser.new_context(java_script_enabled=False)
    without = Reader(context, saved)
    assert without.page.locator("#mm-still img").count() == 3
    without.has("choice 39", "#mm-still")
    assert [one for one in without.heard if not one.startswith("data:")] == []
    context.close()
