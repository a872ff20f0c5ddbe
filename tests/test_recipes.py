"""The recipes of notebooks/contributing.ipynb, followed as they are written in a copy of the checkout."""

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "notebooks" / "contributing.ipynb"
thorough = pytest.mark.thorough
ENVELOPE = '{"decision": {"recommendation": "ship", "confidence": 0.8, "ask": "now?"}}'


def recipes():
    """Each recipe by its number: blocks of a language and what they say."""
    cells = json.loads(PAGE.read_text())["cells"]
    text = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    parts = re.split(r"^## Recipe (\d)", text, flags=re.MULTILINE)
    block = re.compile(r"^```(python|diff)\n(.*?)^```", re.DOTALL | re.MULTILINE)
    return {int(number): block.findall(said) for number, said in zip(parts[1::2], parts[2::2], strict=True)}


def place(block):
    """The file that a block is, or changes."""
    return block[1].splitlines()[0].lstrip("#- ")


def follow(block, folder):
    """Do what a block says: write the file, or change the one that is there."""
    (kind, text), file = block, folder / place(block)
    body = text.partition("\n")[2]
    if kind == "python":
        assert not file.exists()
        file.write_text(body)
        return
    written = file.read_text()
    for change in body.split("@@\n"):
        lines = change.splitlines(keepends=True)
        before, after = ("".join(line[1:] for line in lines if line[0] in marks) for marks in (" -", " +"))
        assert written.count(before) == 1, f"{file} has {written.count(before)} times:\n{before}"
        written = written.replace(before, after)
    file.write_text(written)


def python(folder, *words):
    environment = os.environ | {"PYTHONPATH": str(folder), "COLUMNS": "160", "TERM": "dumb"}
    return subprocess.run(
        [sys.executable, *words], cwd=folder, env=environment, capture_output=True, text=True
    )


def said(folder, code):
    """What a program prints as JSON."""
    found = python(folder, "-c", code)
    assert not found.stderr
    return json.loads(found.stdout)


def pytest_in(folder, *words):
    return python(folder, "-m", "pytest", "-n", "0", "-q", "-p", "no:cacheprovider", *words)


def checkout(folder):
    left_out = shutil.ignore_patterns(".*", "__pycache__", "faults", "browser")
    return shutil.copytree(ROOT, folder / "checkout", ignore=left_out)


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    return checkout(tmp_path_factory.mktemp("clone"))


@pytest.fixture(scope="module")
def half_done(copy):
    """What a statistic's tests say when only the package has been changed."""
    blocks = recipes()[1]
    for block in blocks:
        if place(block).startswith("mastermind_lab"):
            follow(block, copy)
    missed = pytest_in(copy, "tests/test_places.py").stdout
    for block in blocks:
        if not place(block).startswith("mastermind_lab"):
            follow(block, copy)
    return missed


@pytest.fixture(scope="module")
def done(copy, half_done):
    for number in (2, 3, 4, 5):
        for block in recipes()[number]:
            follow(block, copy)
    return copy


def test_every_recipe_finds_what_it_changes(tmp_path):
    folder = checkout(tmp_path)
    for _, blocks in sorted(recipes().items()):
        for block in blocks:
            follow(block, folder)
    assert sorted(recipes()) == [1, 2, 3, 4, 5]


@thorough
def test_a_statistic_that_is_half_done_is_told_what_it_misses(half_done, done):
    files = {place(block) for block in recipes()[1] if not place(block).startswith("mastermind_lab")}
    for file in files - {"tests/test_dissent.py"}:
        assert re.search(rf"Dissent misses .*{file}", half_done), file
    assert "Dissent misses a test of its chart" in half_done


@thorough
def test_a_statistic_is_counted_added_up_and_drawn(done):
    files = ["places", "law", "bad_input", "metamorphic", "dissent", "display"]
    found = pytest_in(
        done, "-m", "", "-k", "dissent or Dissent or places", *(f"tests/test_{one}.py" for one in files)
    )
    assert found.returncode == 0, found.stdout
    assert int(re.search(r"(\d+) passed", found.stdout)[1]) > 30


@thorough
def test_another_name_is_read_by_both_decoders(done):
    code = f"""
import json, mastermind_lab as lab
from mastermind_lab.decode import SchemaCache
cache, payload = SchemaCache(), {ENVELOPE!r}
cache.learn(payload)
print(json.dumps([
    cache.envelope(payload).decision.question,
    lab.decode_envelope(payload).decision.question,
    lab.read([payload] * 3).decisions["question"].tolist(),
]))"""
    assert said(done, code) == ["now?", "now?", ["now?"] * 3]


@thorough
def test_a_source_is_read_and_scanned(done, tmp_path):
    with closing(sqlite3.connect(tmp_path / "run.sqlite")) as database, database:
        database.execute("CREATE TABLE envelopes (payload)")
        rows = [(ENVELOPE,), ("broken",), (None,)]
        database.executemany("INSERT INTO envelopes VALUES (?)", rows)
    path, absent = str(tmp_path / "run.sqlite"), str(tmp_path / "none.sqlite")
    code = f"""
import json, mastermind_lab as lab
history, scan = lab.read({path!r}), lab.scan({path!r})
ids, reasons = history.decisions["stream_id"].tolist(), history.rejects["reason"].tolist()
last = len(lab.read({path!r}, last=1).rejects)
batches = [len(batch) for batch in scan]
try:
    lab.read({absent!r})
except lab.SourceError as error:
    refused = str(error)
print(json.dumps([ids, reasons, last, batches, scan.coverage.equals(history.coverage), refused]))"""
    *found, refused = said(done, code)
    assert found == [["0-1"], ["not_json", "no_data"], 1, [1], True]
    assert "none.sqlite" in refused


@thorough
def test_a_command_runs_and_has_its_help(done, tmp_path):
    (tmp_path / "run.ndjson").write_text(f"{ENVELOPE}\nbro\x1bken\n")
    found = python(done, "-m", "mastermind_lab", "rejects", str(tmp_path / "run.ndjson"))
    assert re.fullmatch(r"0-2 not_json: .*\n", found.stdout), found
    found = pytest_in(done, "-k", "rejects", "tests/test_cli.py::TestHelp")
    assert "1 passed" in found.stdout, found.stdout


@thorough
def test_a_panel_is_shown(done):
    code = """
import json, math, mastermind_lab as lab
follower = lab.Follower(lab.replay(lab.sample(last=50), speed=math.inf))
for update in follower.source:
    follower.take(update)
print(json.dumps(lab.LiveView(follower)._repr_mimebundle_()[0]["text/html"]))"""
    shown = said(done, code)
    pictures = re.findall(r'<img class="[^"]*" alt="([^"]*)" src="data:image/png;base64,\w', shown)
    assert pictures == ["confidence over time", "confidence", "votes", "dissent"]
    assert "Error" not in shown
