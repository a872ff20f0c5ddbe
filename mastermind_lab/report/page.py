"""A page as one file: its data, its scripts, and what is seen without these and on paper."""

from __future__ import annotations

import json
import os
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from html import escape
from pathlib import Path
from typing import Any

from ..errors import OptionError, SourceError
from ..storage import folder, is_remote, local_path, uploaded
from ..wire import without_password

_HERE = Path(__file__).parent


@dataclass(frozen=True)
class Page:
    """What a page shows.

    Attributes
    ----------
    title, about
        Its heading, and what it is, as texts.
    facts
        What its scripts know before anything is said to them.
    told
        What was said to the page of a live view: messages, each with its buffers.
    script, style
        What shows it in a browser.
    still
        HTML of the same, for paper and where no script runs; texts in it are escaped already.
    """

    title: str
    about: str
    facts: dict[str, Any]
    told: Sequence[tuple[dict[str, Any], Sequence[bytes]]]
    script: str
    style: str
    still: str


def check_name(path: str | os.PathLike[str]) -> Path | str:
    """Return where a page is to be written, a path or an fsspec URL.

    Raises
    ------
    OptionError
        The name does not end in .html.
    SourceError
        Its folder is not there.
    """
    target = str(path) if is_remote(path) else local_path(path)
    if not str(target).lower().endswith((".html", ".htm")):
        shown = without_password(str(target))
        raise OptionError(f"{shown}: name the page .html; a snapshot is written by history.save")
    if isinstance(target, Path) and not target.parent.is_dir():
        raise SourceError(f"cannot write {target}: there is no folder {target.parent}. Make it first.")
    return target


def write_page(path: str | os.PathLike[str], page: Page) -> Path | str:
    """Write a page; the file appears under its name only when it is whole, over one that was there.

    Raises
    ------
    OptionError
        The name does not end in .html.
    SourceError
        The folder is not there, or the file cannot be written.
    """
    target = check_name(path)
    try:
        if isinstance(target, Path):
            folder(target.parent).write(target.name, _html(page).encode())
        else:
            with uploaded(target) as file:
                file.write_bytes(_html(page).encode())
    except OSError as error:
        shown = without_password(str(target))
        raise SourceError(f"cannot write {shown}: {error.strerror or error}. Nothing was changed.") from error
    return target


def _html(page: Page) -> str:
    script = f"{page.script}\n{(_HERE / 'saved.js').read_text('utf-8')}"
    style = f"{page.style}\n{(_HERE / 'saved.css').read_text('utf-8')}"
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_policy(script)}">
<meta name="referrer" content="no-referrer">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>{escape(page.title)}</title>
<style>{style}</style>
</head>
<body>
<h1 dir="auto">{escape(page.title)}</h1>
<p>{escape(page.about)}</p>
<div id="mm-view"></div>
<div id="mm-still">{page.still}</div>
<script type="application/json" id="mm-said">{_data(page)}</script>
<script type="module">{script}</script>
</body>
</html>
"""


def _policy(script: str) -> str:
    """Allow this one script, pictures that are in the page, and styles; nothing is fetched or sent."""
    allowed = b64encode(sha256(script.encode()).digest()).decode()
    return (
        f"default-src 'none'; script-src 'sha256-{allowed}'; style-src 'unsafe-inline'; "
        "img-src data: blob:; base-uri 'none'; form-action 'none'"
    )


def _data(page: Page) -> str:
    """Return JSON that ends no element and begins no comment, whatever texts are in it."""
    told = [[message, [b64encode(one).decode() for one in buffers]] for message, buffers in page.told]
    said = json.dumps({"facts": page.facts, "told": told}, allow_nan=False)
    return said.replace("<", "\\u003c")
