"""The walls of the house: imports go down, and each outside library has one home."""

import ast
import inspect
import json
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

import mastermind_lab as lab

pytestmark = pytest.mark.once

PACKAGE = Path(lab.__file__).parent

FLOORS = {
    "__main__": 8,
    "__init__": 7, "cli": 7,
    "widget": 6,
    "live": 5, "scale": 5, "report": 5,
    "history": 4, "archive": 4,
    "stream": 3, "snapshot": 3, "records": 3,
    "frames": 2, "ndjson": 2, "charts": 2,
    "decode": 1, "storage": 1, "stats": 1, "arena": 1,
    "errors": 0, "envelope": 0, "spelling": 0,
    "wire": -1, "labels": -1,
    "text": -2,
}  # fmt: skip

HOMES = {
    "redis": {"stream"},
    "filelock": {"storage"},
    "pyarrow.parquet": {"snapshot"},
    "fsspec": {"storage"},
    "backports": {"ndjson"},
    "zlib": {"ndjson", "snapshot"},  # snapshot packs what it notes in a footer
    "bz2": {"ndjson"},
    "lzma": {"ndjson"},
    "dask": {"scale"},
    "distributed": {"scale"},
    "matplotlib": {"charts"},
    "anywidget": {"widget"},
    "ipywidgets": {"widget"},
    "IPython": {"widget"},
    "threading": {"charts", "live", "stream", "widget"},  # charts may be drawn by several threads
    "concurrent": {"archive", "snapshot"},  # a part is written while the next one fills, its tables at once
    "typer": {"cli"},
    "rich": {"cli"},
}


def files():
    return sorted(PACKAGE.rglob("*.py"))


def room(file):
    return file.relative_to(PACKAGE).parts[0].removesuffix(".py")


@cache
def imports(file):
    """All dotted names a file imports, relative ones resolved against the package."""
    return {*imported(file)}


def imported(file):
    here = ["mastermind_lab", *file.relative_to(PACKAGE).with_suffix("").parts]
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(here[: -node.level]) if node.level else ""
            module = ".".join(filter(None, [base, node.module]))
            # "from . import files" names a room; "from .files import lines" a thing inside one.
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)


def rooms_imported(file):
    names = {name.split(".")[1] for name in imports(file) if name.startswith("mastermind_lab.")}
    return (names & FLOORS.keys()) - {room(file)}


def test_every_room_has_a_floor():
    assert {room(file) for file in files()} <= FLOORS.keys()


def test_imports_only_go_down():
    for file in files():
        above = {other for other in rooms_imported(file) if FLOORS[other] >= FLOORS[room(file)]}
        assert not above, f"{file} on floor {FLOORS[room(file)]} imports {above}"


def test_each_outside_library_has_one_home():
    for file in files():
        for name in imports(file):
            for library, homes in HOMES.items():
                if name == library or name.startswith(library + "."):
                    assert room(file) in homes, f"{file} imports {name}, which belongs to {homes}"


def test_the_walls_would_notice(tmp_path, monkeypatch):
    package = tmp_path / "mastermind_lab"
    (package / "stats").mkdir(parents=True)
    bad = package / "stats" / "bad.py"
    bad.write_text("from ..charts import votes\nfrom .. import live\nimport pyarrow.parquet\n")
    monkeypatch.setattr(sys.modules[__name__], "PACKAGE", package)
    assert rooms_imported(bad) == {"charts", "live"}
    assert "pyarrow.parquet" in imports(bad)


@pytest.mark.parametrize(
    ("name", "options"),
    [("follow", "panels by stream backfill keep archive"), ("scan", "engine since until columns payloads"),
     ("sample", "last since progress"), ("aread", "source last stream"), ("replay", "speed last since")],
)  # fmt: skip
def test_help_names_the_options_that_are_handed_on(name, options):
    shown = inspect.signature(getattr(lab, name)).parameters
    assert {*options.split()} <= shown.keys()
    assert "options" not in shown


def test_the_readme_says_where_each_is():
    rows = re.findall(
        r"^\| (-?\d) \| (.*) \|$", (Path(__file__).parents[1] / "README.md").read_text(), re.MULTILINE
    )
    said = {name: int(floor) for floor, names in rows for name in re.findall(r"(?:^|· )`(\w+)`", names)}
    assert said == FLOORS


def test_no_vague_rooms():
    vague = {"utils", "core", "common", "helpers", "base", "types"}
    assert not vague & {file.stem for file in files()}


LISTED = {
    "Column", "Follower", "History", "archive", "charts", "compact", "dictionary", "follow", "from_votes",
    "read", "redecode", "replay", "sample", "scan", "stats", "verify", "with_outcomes", "__version__",
}  # fmt: skip


def test_the_face_is_complete():
    assert set(dir(lab)) == LISTED


def test_a_name_of_the_package_can_be_set(monkeypatch):
    import mastermind_lab as lab
    import mastermind_lab.archive as folder

    mine = object()
    monkeypatch.setattr(lab, "read", mine)
    assert lab.read is mine
    lab.archive = folder
    assert callable(lab.archive)
    assert set(lab.__all__) == {*lab._LISTED, *lab._UNLISTED, "charts", "stats"}
    for name in lab.__all__:
        assert getattr(lab, name) is not None


def test_what_type_checkers_see_is_what_is_loaded():
    [seen] = [
        node for node in ast.parse((PACKAGE / "__init__.py").read_text()).body if isinstance(node, ast.If)
    ]
    names = [alias.name for node in seen.body for alias in node.names]
    assert sorted(names) == sorted(lab.__all__)


def python(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)


@pytest.mark.once
def test_other_programs_find_their_names():
    six = ["DEFAULT_STREAM_NAME", "DecisionEnvelope", "decode_envelope"]
    six += ["follow_envelopes", "publish_envelope", "read_envelopes"]
    code = "import mastermind_lab as lab; print(*lab.stream.__all__[:6])"
    found = python(f"{code}; from mastermind_lab import {', '.join(six)}")
    assert (found.stdout.split(), found.stderr) == (six, "")


@pytest.mark.once
@pytest.mark.parametrize(
    "before", ["import mastermind_lab.archive", "lab.Archiver", "from mastermind_lab.archive import Archiver"]
)
@pytest.mark.further
def test_archive_stays_the_function_whatever_was_loaded_before(before):
    found = python(f"import mastermind_lab as lab; {before}; print(lab.archive.__module__)")
    assert (found.stdout, found.stderr) == ("mastermind_lab.archive.run\n", "")


@pytest.mark.parametrize(("typo", "meant"), [("folow", "follow"), ("decode_envelop", "decode_envelope")])
def test_a_typo_is_answered(typo, meant):
    assert f"Did you mean: '{meant}'?" in python(f"import mastermind_lab as lab; lab.{typo}").stderr


@pytest.mark.once
@pytest.mark.further
def test_a_notebook_completes_what_is_not_loaded_yet():
    code = (
        "import mastermind_lab as lab; from IPython.core.completer import IPCompleter, provisionalcompleter\n"
        "shell = IPCompleter(namespace=globals())\n"
        "with provisionalcompleter(): print(*(one.text for one in shell.completions('lab.r', 5)))"
    )
    assert {"read", "redecode", "replay"} <= set(python(code).stdout.replace(".", " ").split())


def test_only_what_is_used_is_loaded():
    code = "import sys, json, mastermind_lab; print(json.dumps(sorted(sys.modules)))"
    loaded = json.loads(python(code).stdout)
    heavy = {"matplotlib", "ipywidgets", "jupyterlab", "IPython", "dask", "typer", "rich", "tqdm"}
    heavy |= {"redis", "pyarrow", "pandas", "numpy", "pydantic", "msgspec", "asyncio"}
    assert not heavy & set(loaded)
