"""A real JupyterLab in a real browser."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
SHOTS = Path(os.environ.get("MASTERMIND_LAB_SHOTS", "/tmp/mastermind-lab-shots"))

STATUS = "window.jupyterapp?.shell?.currentWidget?.sessionContext?.session?.kernel?.status"
IDLE = f"() => {STATUS} === 'idle'"


@pytest.fixture(scope="module")
def browser():
    if CHROMIUM is None:
        pytest.skip("there is no Chromium on the PATH")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    flags = [
        "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
        "--disable-sync", "--no-first-run",
    ]  # fmt: skip
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=flags)
        yield browser
        browser.close()


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


class Jupyter:
    """JupyterLab on loopback, in a folder of its own, ended by its process number."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        command = [
            sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1",
            f"--port={self.port}", f"--ServerApp.root_dir={folder}", "--IdentityProvider.token=",
            "--LabApp.expose_app_in_browser=True", "--LabApp.news_url=None",
            "--ServerApp.disable_check_xsrf=True",
        ]  # fmt: skip
        places = {"HOME": "", "JUPYTER_CONFIG_DIR": "config", "JUPYTER_RUNTIME_DIR": "runtime"}
        places["JUPYTERLAB_WORKSPACES_DIR"] = "workspaces"
        env = os.environ | {name: str(folder / place) for name, place in places.items()}
        env.pop("MPLBACKEND", None)
        self.log = (folder / "jupyter.log").open("wb")
        self.process = subprocess.Popen(command, env=env, stdout=self.log, stderr=self.log)

    def wait(self) -> None:
        end = time.monotonic() + 90
        while time.monotonic() < end:
            try:
                urlopen(f"{self.url}/api/status", timeout=2).close()
            except OSError:
                time.sleep(0.3)
            else:
                return
        raise AssertionError((self.folder / "jupyter.log").read_text()[-2_000:])

    def end_kernels(self) -> None:
        with urlopen(f"{self.url}/api/kernels", timeout=10) as reply:
            kernels = json.load(reply)
        for kernel in kernels:
            urlopen(Request(f"{self.url}/api/kernels/{kernel['id']}", method="DELETE"), timeout=20).close()

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()


@pytest.fixture(scope="module")
def jupyter(tmp_path_factory) -> Iterator[Jupyter]:
    jupyter = Jupyter(tmp_path_factory.mktemp("jupyter"))
    try:
        jupyter.wait()
        yield jupyter
    finally:
        jupyter.stop()


class Notebook:
    """A notebook open in the browser."""

    def __init__(self, browser, jupyter: Jupyter, name: str, book, **page) -> None:
        import nbformat  # takes seconds, so not where every worker collects

        book.metadata["kernelspec"] = {"display_name": "Python 3", "language": "python", "name": "python3"}
        self.name = name
        nbformat.write(book, jupyter.folder / f"{name}.ipynb")
        self.page = browser.new_page(viewport={"width": 1500, "height": 1600}, **page)
        self.alerts: list[str] = []
        self.page.on("dialog", self._answer)
        self.page.goto(f"{jupyter.url}/lab/tree/{name}.ipynb?reset", timeout=90_000)
        self.page.wait_for_selector(".jp-NotebookPanel .jp-Cell", timeout=90_000)
        self.page.wait_for_function(IDLE, timeout=90_000)
        self.page.set_default_timeout(15_000)  # a busy machine takes seconds to take a picture

    def _answer(self, dialog) -> None:
        if dialog.type == "beforeunload":  # to refuse would be to stay on the page for ever
            dialog.accept()
        else:
            self.alerts.append(dialog.message)
            dialog.dismiss()

    def load_again(self) -> None:
        # Not until all is loaded: what JupyterLab fetches in the end is not waited for here.
        self.page.reload(timeout=90_000, wait_until="domcontentloaded")
        self.page.wait_for_selector(".jp-NotebookPanel .jp-Cell", timeout=90_000)

    def command(self, name: str) -> None:
        self.page.evaluate("name => { window.jupyterapp.commands.execute(name) }", name)

    def run_all(self) -> None:
        self.command("notebook:run-all-cells")

    def run_all_to_the_end(self) -> None:
        self.page.evaluate(
            "async () => { await window.jupyterapp.commands.execute('notebook:run-all-cells') }"
        )

    def idle(self) -> None:
        self.page.wait_for_timeout(300)
        self.page.wait_for_function(IDLE, timeout=90_000)

    def asked(self, code: str) -> str:
        """Run code in the kernel, beside the notebook, and return what it prints."""
        script = """async code => {
            const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
            let said = '';
            const future = kernel.requestExecute({code, silent: false, store_history: false});
            future.onIOPub = message => {
                if (message.header.msg_type === 'stream') said += message.content.text;
                if (message.header.msg_type === 'error') said += message.content.traceback.join('\\n');
            };
            await future.done;
            return said;
        }"""
        return self.page.evaluate(script, code).strip()

    def pictures(self):
        return self.page.locator(".mm-view canvas")

    def pixels(self, number: int = 0) -> bytes:
        """Return what a picture shows, its own pixels."""
        return self.pictures().nth(number).evaluate("one => one.toDataURL()")

    def control(self, label: str):
        """Return the first control of that label."""
        return self.page.locator(".mm-view").get_by_label(label, exact=True).first

    def status(self, number: int = 0) -> str:
        return self.page.locator(".mm-status").nth(number).inner_text()

    def received(self, number: int = 0) -> int:
        return int(re.search(r"([\d,]+) received", self.status(number))[1].replace(",", ""))

    def counts(self) -> list[int]:
        """Return the n that each picture says."""
        said = self.page.locator(".mm-view .mm-head .mm-soft").all_inner_texts()
        return [int(re.search(r"n = ([\d,]+)", one)[1].replace(",", "")) for one in said]

    def theme(self, name: str) -> None:
        self.page.evaluate(
            "name => window.jupyterapp.commands.execute('apputils:change-theme', {theme: name})",
            f"JupyterLab {name}",
        )

    def until(self, true, seconds=90):
        end = time.monotonic() + seconds
        while True:
            try:
                if true():
                    return
            except Exception:
                if time.monotonic() > end:
                    self.shot(f"{self.name} failed")
                    raise
            if time.monotonic() > end:
                self.shot(f"{self.name} failed")
                raise AssertionError(f"not within {seconds} s; see the picture in {SHOTS}")
            self.page.wait_for_timeout(100)

    def shot(self, name: str) -> None:
        SHOTS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=SHOTS / f"{name}.png")

    def close(self) -> None:
        self.page.close()


@pytest.fixture
def notebook(browser, jupyter):
    """Opens a notebook of some code cells, before those of a file if one is given."""
    opened = []

    def open_(name: str, *cells: str, book=None, **page) -> Notebook:
        import nbformat

        book = book or nbformat.v4.new_notebook()
        book.cells[:0] = [nbformat.v4.new_code_cell(one) for one in cells]
        opened.append(Notebook(browser, jupyter, name, book, **page))
        return opened[-1]

    yield open_
    for one in opened:
        one.close()
    jupyter.end_kernels()
