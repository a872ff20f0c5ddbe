"""How live the view is: latency in the browser, intake, redraws, memory, the kernel's share of a core.

    python tests/benchmarks/live.py            # about three minutes
    python tests/benchmarks/live.py --all      # up to 1,000,000 decisions and a minute of intake
    python tests/benchmarks/live.py --hour 20  # memory alone, over a true hour; by default in three minutes
    python tests/benchmarks/live.py --json

The browser is the machine's own Chromium, on a real JupyterLab and a real Redis. A decision counts as seen
when the status line's count has reached it, and as drawn when a picture says that it contains it.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nbformat
import redis
from playwright import sync_api as playwright
from rich.console import Console
from rich.table import Table

import mastermind_lab as lab
from mastermind_lab.arena import Arena, Server, payloads
from mastermind_lab.envelope import DEFAULT_STREAM_NAME as STREAM
from mastermind_lab.widget.controls import ViewOptions
from mastermind_lab.widget.panels import PANELS, data_of, panels

sys.path.insert(0, str(Path(__file__).parents[1] / "browser"))
from conftest import CHROMIUM, Jupyter, Notebook

WATCH = """() => {
    window.seen = []; window.drawn = [];
    const look = changes => {
        const found = document.querySelector('.mm-status').textContent.match(/([\\d,]+) received/);
        const count = found && Number(found[1].replaceAll(',', ''));
        if (count && count !== window.last) window.seen.push([Date.now() / 1000, window.last = count]);
        const all = [...document.querySelectorAll('.mm-view canvas')];
        for (const {target} of changes.filter(one => one.attributeName === 'data-count'))
            window.drawn.push([Date.now() / 1000, Number(target.dataset.count), all.indexOf(target)]);
    };
    new MutationObserver(look).observe(document.querySelector('.mm-view'),
        {subtree: true, childList: true, characterData: true, attributeFilter: ['data-count']});
}"""

RESIDENT = """import resource
print(int(open('/proc/self/statm').read().split()[1]) * resource.getpagesize() / 2**20)"""
CPU = "import time; print(time.process_time(), time.time())"


def publish(url: str, made: list[bytes], rate: float, seconds: float) -> list[float]:
    """Publish at a rate and return when each was added."""
    added: list[float] = []
    at_once, began = max(1, int(rate / 100)), time.monotonic()
    with redis.Redis.from_url(url) as client:
        while len(added) < rate * seconds:
            with client.pipeline(transaction=False) as pipe:
                for place in range(len(added), len(added) + at_once):
                    pipe.xadd(STREAM, {"data": made[place % len(made)]})
                pipe.execute()
            added += [time.time()] * at_once
            time.sleep(max(0.0, began + len(added) / rate - time.monotonic()))
    return added


def delays(
    added: list[float], before: int, seen: list[list[float]], drawn: list[list[float]]
) -> dict[str, float]:
    """Say how long it took from XADD to the count, to a picture with the decision, and until all have it."""
    numbers = {number for _, _, number in drawn}
    counts, pictures, whole = [], [], []
    for place, when in enumerate(added[5:-40], 6):
        counts += [moment - when for moment, count in seen if count >= before + place][:1]
        shown = [
            next(
                (moment - when for moment, count, one in drawn if one == number and count >= before + place),
                None,
            )
            for number in numbers
        ]
        if None not in shown:
            pictures.append(min(shown))
            whole.append(max(shown))
    return {
        "XADD to count, median ms": round(1000 * statistics.median(counts)),
        **_spread("XADD to a picture that contains it", pictures),
        **_spread("XADD to all pictures", whole),
        "pictures a second": round(len(drawn) / (added[-1] - added[0]), 1),
    }


def _spread(what: str, seconds: list[float]) -> dict[str, float]:
    ranked = sorted(seconds)
    median, late = statistics.median(ranked), ranked[int(0.95 * (len(ranked) - 1))]
    return {f"{what}, median ms": round(1000 * median), f"{what}, p95 ms": round(1000 * late)}


@contextmanager
def followed(made: list[bytes], options: str = "") -> Iterator[tuple[Notebook, str]]:
    """Follow a stream of 1,000 decisions in a real browser; yields the notebook and the stream's URL."""
    flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"]
    with Server() as server, tempfile.TemporaryDirectory() as folder, playwright.sync_playwright() as driver:
        publish(server.url, made, 1_000, 1)
        browser, jupyter = driver.chromium.launch(executable_path=CHROMIUM, args=flags), Jupyter(Path(folder))
        try:
            jupyter.wait()
            code = f"import mastermind_lab as lab\nview = lab.follow({server.url!r}{options})\nview"
            cells = [nbformat.v4.new_code_cell(code)]
            book = Notebook(browser, jupyter, "live", nbformat.v4.new_notebook(cells=cells))
            book.run_all_to_the_end()
            book.until(lambda: book.received() == 1_000)
            yield book, server.url
            book.close()
        finally:
            browser.close()
            jupyter.stop()


def in_the_browser(made: list[bytes], seconds: float) -> dict[str, float]:
    """Follow in a real browser with five pictures: 20 decisions a second, then 2,000."""
    five = ["confidence_over_time", "confidence", "votes", "margin", "voters", "decisions"]
    with followed(made, f", panels={five}") as (book, url):
        book.page.evaluate(WATCH)
        before, cpu = book.received(), [float(one) for one in book.asked(CPU).split()]
        added = in_a_thread(book, lambda: publish(url, made, 20, min(seconds, 20)))
        after = [float(one) for one in book.asked(CPU).split()]
        seen, drawn = book.page.evaluate("() => [window.seen, window.drawn]")
        figures = delays(added, before, seen, drawn)
        figures["kernel's share of a core at 20 a second"] = round(
            (after[0] - cpu[0]) / (after[1] - cpu[1]), 2
        )
        return figures | intake(book, url, made, seconds)


def memory(made: list[bytes], rate: float, many: int = 72_000) -> dict[str, float]:
    """Publish as many as come in an hour at 20 a second, and weigh kernel and page meanwhile."""
    with followed(made, ", keep=5_000") as (book, url):
        page = book.page.context.new_cdp_session(book.page)
        page.send("Performance.enable")
        thread = threading.Thread(target=publish, args=(url, made, rate, many / rate))
        thread.start()
        weighed = []
        while thread.is_alive():
            book.page.wait_for_timeout(1_000 * many / rate / 16)
            page.send("HeapProfiler.collectGarbage")
            told = {one["name"]: one["value"] for one in page.send("Performance.getMetrics")["metrics"]}
            weighed.append([float(book.asked(RESIDENT)), told["JSHeapUsedSize"] / 2**20, told["Nodes"]])
        left = book.asked("print(view.status.received)")
    quarter = len(weighed) // 4
    names = ("kernel, MB", "page's heap, MB", "page's nodes")
    figures = {"decisions that had come": int(left)}
    for name, values in zip(names, zip(*weighed, strict=True), strict=True):
        parts = {"second": values[quarter : 2 * quarter], "last": values[-quarter:]}
        figures |= {
            f"{name}, {part} quarter": round(statistics.median(those), 1) for part, those in parts.items()
        }
    return figures


def in_a_thread(book: Notebook, work):
    """Work in a thread while the page lives on, which it does only when it is waited for here."""
    done: list = []
    thread = threading.Thread(target=lambda: done.append(work()))
    thread.start()
    while thread.is_alive():
        book.page.wait_for_timeout(200)
    book.page.wait_for_timeout(1_500)
    return done[0]


def intake(book: Notebook, url: str, made: list[bytes], seconds: float) -> dict[str, float]:
    """Publish 2,000 a second and see whether the follower keeps up."""
    added = in_a_thread(book, lambda: publish(url, made, 2_000, seconds))
    ended = added[-1]
    with redis.Redis.from_url(url) as client:
        total = client.xlen(STREAM)
    book.until(lambda: book.asked("print(view.status.received)") == str(total), 120)
    return {
        "published a second": round(len(added) / (added[-1] - added[0])),
        "behind at the end, s": round(time.time() - ended - 1.5, 1),
        "dropped": total - int(book.asked("print(view.status.received)")),
    }


def redraws(made: list[bytes], most: int) -> dict[str, float]:
    """Redraw the pictures from the running summaries after few decisions and after many."""
    follower = lab.Follower("redis://localhost:1", keep=100_000)
    drawn, _ = panels(PANELS)
    data_of(drawn, follower, ViewOptions())
    costs, memory, fed = {}, {}, 0
    for upto in (1_000, 200_000, most):
        while fed < upto:
            some = [
                (f"{1_700_000_000_000 + 500 * (fed + n)}-0", made[(fed + n) % len(made)])
                for n in range(1_000)
            ]
            follower.feed(some)
            fed += 1_000
        costs[upto] = statistics.median(timed(drawn, follower) for _ in range(9))
        memory[upto] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {
        f"redraw after {most:,} against 1,000": round(costs[most] / costs[1_000], 2),
        "redraw, CPU ms": round(1000 * costs[most]),
        "peak MB at 200,000": round(memory[200_000]),
        f"peak MB at {most:,}": round(memory[most]),
    }


def timed(drawn, follower) -> float:
    began = time.process_time()
    for panel, data in zip(drawn, data_of(drawn, follower, ViewOptions()), strict=True):
        panel.draw(data, ViewOptions())
    return time.process_time() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--all", action="store_true", help="1,000,000 decisions and a minute of intake")
    parser.add_argument(
        "--hour",
        nargs="?",
        const=400.0,
        type=float,
        metavar="RATE",
        help="memory while 72,000 decisions come",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    asked = parser.parse_args()
    made = list(payloads(Arena(11), 2_000))
    figures = {} if asked.hour else redraws(made, 1_000_000 if asked.all else 300_000)
    if CHROMIUM is None:
        sys.stderr.write("no Chromium here: nothing is measured in the browser\n")
    elif asked.hour:
        figures |= memory(made, asked.hour)
    else:
        figures |= in_the_browser(made, 60 if asked.all else 15)
    if asked.json:
        sys.stdout.write(json.dumps({"cores": os.cpu_count(), **figures}, indent=2) + "\n")
        return
    table = Table("what", "figure", title="Live")
    for name, figure in figures.items():
        table.add_row(name, f"{figure:,}")
    Console().print(table)


if __name__ == "__main__":
    main()
