"""The live view as its user sees it: JupyterLab in Chromium, a real Redis, a simulated arena publishing."""

import json
import os
import signal
import threading
import time

import pytest
import redis
from streams import publish

from mastermind_lab.arena import Arena, payloads
from mastermind_lab.envelope import DEFAULT_STREAM_NAME as STREAM
from mastermind_lab.history import sample_folder
from mastermind_lab.widget.panels import PANELS, panels

pytestmark = [
    pytest.mark.thorough,
    pytest.mark.timeout(400),
    # The browser's driver leaves its own loop and sockets to the interpreter.
    pytest.mark.filterwarnings("default::ResourceWarning", "default::DeprecationWarning"),
    pytest.mark.filterwarnings("default::pytest.PytestUnraisableExceptionWarning"),
]

HOSTILE = [
    "<img src=x onerror=alert(1)>",
    "</script><script>alert(2)</script>",
    "<svg onload=alert(3)>",
    "<b>bold</b> [link](javascript:alert(4))",
    "\u202eright to left\u202c",
    "x" * 100_000,
    "a\x00b\x1b[31mred",
]


@pytest.fixture(scope="module")
def made():
    return list(payloads(Arena(5), 600, malformed=0.03))


def follow(url, **options):
    said = "".join(f", {name}={value!r}" for name, value in options.items())
    return f"import mastermind_lab as lab\nview = lab.follow({url!r}{said})\nview"


def test_the_notebook_runs_on_an_arena_that_goes_on(notebook, raw, redis_url, made):
    import nbformat

    publish(raw, made[:200])
    stored = nbformat.read(sample_folder().parent / "notebooks" / "02_live.ipynb", as_version=4)
    where = f"import os\nos.environ['MASTERMIND_LAB_URL'] = {redis_url!r}"
    book = notebook("02_live", where, book=stored)
    book.run_all()
    book.until(lambda: book.received() == 200)
    book.idle()
    before = book.pixels()
    for start in range(200, 600, 20):
        publish(raw, made[start : start + 20])
        book.page.wait_for_timeout(50)
    book.until(lambda: book.received() == raw.xlen(STREAM) == 600)
    book.until(lambda: book.pixels() != before)
    book.shot("02_live")


def test_counts_controls_and_pictures(notebook, raw, redis_url, made):
    publish(raw, made[:100])
    book = notebook("controls", follow(redis_url))
    book.run_all()
    book.until(lambda: book.received() == 100 and book.pictures().count() == len(panels(PANELS)[0]))

    def changed_by(act, number=0):
        before = book.pixels(number)
        act()
        book.until(lambda: book.pixels(number) != before)

    changed_by(lambda: publish(raw, made[100:200]))
    book.until(lambda: book.received() == 200)
    decided = int(book.asked("print(len(view.history))"))
    book.until(lambda: book.counts()[:2] == [decided] * 2)
    book.until(lambda: book.control("colour by").locator("option", has_text="model").count() > 0)
    book.shot("view")
    changed_by(lambda: book.control("colour by").select_option("meta.model"), 1)
    changed_by(lambda: book.control("show").select_option("last 100"), 1)
    book.until(lambda: book.counts()[0] < 101)
    book.shot("grouped, windowed")

    book.page.get_by_role("button", name="pause").click()
    book.until(lambda: book.status().startswith("paused"))
    paused = book.received()
    publish(raw, made[200:260])
    book.page.wait_for_timeout(500)
    book.shot("paused")
    assert book.received() == paused
    book.page.get_by_role("button", name="go on").click()
    book.until(lambda: book.received() == 260)

    book.control("save as").fill("kept")
    book.page.get_by_role("button", name="save", exact=True).click()
    book.until(lambda: "saved in " in book.page.locator(".mm-note").inner_text())

    book.page.get_by_role("button", name="stop").click()
    book.until(lambda: book.page.get_by_text("stopped").count() > 0)
    publish(raw, made[260:280])
    book.page.wait_for_timeout(500)
    assert book.asked("print(view.status.state, view.status.received)") == "stopped 260"
    book.until(lambda: len(raw.client_list()) == 1)
    assert book.page.locator(".jp-OutputArea-output img").count() >= 3
    book.shot("stopped")


def test_hostile_text_is_text(notebook, raw, redis_url):
    for text in HOSTILE:
        decision = {"recommendation": text, "question": text, "confidence": 0.5, "rationale": text}
        decision["votes"] = [{"voter": text, "choice": text}]
        decision["argument_tree"] = {"claim": text, "stance": text}
        decision["citations"] = [{"source": "javascript:alert(7)", "title": text}]
        envelope = {"decision": decision, "meta": {"model": text[:200], text[:50]: text[:200]}}
        publish(raw, [json.dumps(envelope).encode(), f"<img src=x onerror=alert(9)>{text[:50]}".encode()])
    book = notebook("hostile", follow(redis_url))
    book.run_all()
    book.until(lambda: book.received() == 2 * len(HOSTILE))
    book.until(lambda: book.page.locator(".mm-link").count() >= len(HOSTILE))
    for place in range(len(HOSTILE)):
        book.page.locator(".mm-link").nth(place).click()
        book.page.locator(".mm-detail:visible").wait_for()
        assert len(book.page.locator(".mm-detail").inner_text()) < 40_000
    book.shot("hostile")
    assert book.alerts == []
    output = book.page.locator(".jp-OutputArea-output")
    assert output.locator("img[src='x'], script, svg[onload], a[href^=javascript]").count() == 0
    assert book.page.get_by_text("<img src=x onerror=alert(1)>").count() > 0


def test_a_server_that_restarts(notebook, make_server, made, tmp_path):
    server = make_server("--dir", str(tmp_path), "--appendonly", "yes", "--appendfsync", "always")
    with redis.Redis.from_url(server.url) as raw:
        publish(raw, made[:50])
        book = notebook("restart", follow(server.url))
        book.run_all()
        book.until(lambda: book.received() == 50)
    os.kill(server.pid, signal.SIGKILL)
    book.until(lambda: book.status().startswith("reconnecting"))
    book.shot("reconnecting")
    server.start()
    with redis.Redis.from_url(server.url) as raw:
        publish(raw, made[50:80])
        book.until(lambda: book.status().startswith("live") and book.received() == 80)
        assert raw.xlen(STREAM) == 80
        said = book.asked("print(view.history.decisions['stream_id'].is_unique, view.status.resets)")
        assert said == "True 0"
        book.shot("live again")
        book.asked("view.stop()")


def test_two_views_and_a_cell_run_five_times(notebook, raw, redis_url, made):
    publish(raw, made[:30])
    book = notebook("twice", follow(redis_url), "other = lab.follow(view.follower.source.source)\nother")
    threads = "import threading\nprint(sum('mastermind' in one.name for one in threading.enumerate()))"
    for _ in range(5):
        book.run_all_to_the_end()
    book.until(lambda: book.received(0) == 30 and book.received(1) == 30)
    publish(raw, made[30:60])
    book.until(lambda: book.received(0) == 60 and book.received(1) == 60)
    book.shot("two views")
    assert book.asked(threads) == "4"
    book.until(lambda: len(raw.client_list()) == 3)
    book.command("notebook:clear-all-cell-outputs")
    book.until(lambda: book.asked(threads) == "0")
    book.until(lambda: len(raw.client_list()) == 1)


def test_a_page_loaded_again_shows_the_present_state(notebook, raw, redis_url, made):
    publish(raw, made[:30])
    book = notebook("again", follow(redis_url))
    book.run_all()
    book.until(lambda: book.received() == 30)
    book.command("docmanager:save")
    book.page.wait_for_timeout(1_000)
    book.load_again()
    publish(raw, made[30:50])
    book.until(lambda: book.received() == 50)
    book.shot("loaded again")
    book.asked("view.stop()")


def test_it_goes_on_while_another_cell_runs(notebook, raw, redis_url, made):
    publish(raw, made[:10])
    book = notebook("busy", follow(redis_url), "import time; time.sleep(25)")
    book.run_all()
    book.until(lambda: book.received() == 10)
    publish(raw, made[10:40])
    began = time.monotonic()
    book.until(lambda: book.received() == 40, seconds=20)
    assert time.monotonic() - began < 20
    busy = "() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.status"
    assert book.page.evaluate(busy) == "busy"


@pytest.mark.parametrize("cause", ["no server", "wrong password"])
def test_what_is_wrong_is_said_in_the_view(notebook, make_server, cause):
    server = make_server("--requirepass", "right")
    url = "redis://127.0.0.1:1" if cause == "no server" else server.url.replace("//", "//:canary@")
    book = notebook(cause.replace(" ", "-"), follow(url))
    book.run_all()
    wanted = "reconnecting" if cause == "no server" else "failed"
    book.until(lambda: book.status().startswith(wanted))
    book.shot(cause)
    assert "canary" not in book.page.inner_text("body").replace(follow(url), "")
    assert threading.active_count() < 50
    book.asked("view.stop()")
