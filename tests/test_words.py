"""What a user reads is in plain words, not in those that only its makers know."""

import inspect
import json
import re
from pathlib import Path

import pytest

import mastermind_lab as lab
from mastermind_lab.cli.app import app

pytestmark = pytest.mark.once

ROOT = Path(__file__).parents[1]
OURS = re.compile(
    r"\b(house|monoids?|face|floors?|knows no \w+|its power fail|counted by another|tally|lessons|sweeps?)\b",
    re.I,
)


def documentation(thing):
    """What help() shows: the docstrings of a thing and of its public members, defined in this package."""
    yield inspect.getdoc(thing) or ""
    for name, member in vars(thing).items() if inspect.isclass(thing) else ():
        if name[0] != "_":
            yield inspect.getdoc(member) or ""


def texts():
    yield "README.md", (ROOT / "README.md").read_text()
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        yield path.name, "\n".join("".join(cell["source"]) for cell in json.loads(path.read_text())["cells"])
    for module in (lab, lab.stats, lab.charts):
        yield module.__name__, inspect.getdoc(module)
        for name in module.__all__:
            yield f"{module.__name__}.{name}", "\n".join(documentation(getattr(module, name)))
    for command in app.registered_commands:
        yield command.callback.__name__, inspect.getdoc(command.callback)


def test_what_a_user_reads_is_in_plain_words():
    found = {where: OURS.findall(text) for where, text in texts()}
    assert len(found) > 90
    assert not {where: words for where, words in found.items() if words}
