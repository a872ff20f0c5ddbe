"""Draw every chart as its example does, light and dark, for one page.

``python -m mastermind_lab.charts gallery`` writes them into the folder ``gallery``.
"""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Sequence
from doctest import DocTestParser, DocTestRunner
from html import escape
from pathlib import Path

from matplotlib import pyplot
from matplotlib.figure import Figure

from .. import charts
from .drawing.caption import said_of

STYLES = {"light": "default", "dark": "dark_background"}

_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Charts of mastermind_lab</title>
<style>
:root {{ color-scheme: light dark }}
body {{ font: 15px/1.5 system-ui; max-width: 44em; margin: 2em auto; padding: 0 1em }}
img {{ max-width: 100% }}
figure {{ margin: 0 0 3em }}
figcaption {{ font-size: 13px; opacity: 0.8 }}
</style>
<h1>Charts of mastermind_lab</h1>
{figures}
"""

_FIGURE = """<figure>
<h2>{name}</h2>
<p>{tells}</p>
<picture>
<source srcset="{name}-dark.png" media="(prefers-color-scheme: dark)">
<img src="{name}-light.png" alt="{said}">
</picture>
<figcaption>{said}</figcaption>
</figure>"""


def gallery(folder: Path, names: Sequence[str]) -> None:
    """Draw the charts of these names into a folder; of all of them make a page, too."""
    folder.mkdir(parents=True, exist_ok=True)
    figures = []
    for name in names:
        for suffix, style in STYLES.items():
            with pyplot.style.context(style):
                figure = drawn_by_example(name)
                charts.save(folder / f"{name}-{suffix}.png", figure, dpi=150)
            said = said_of(figure)
            pyplot.close(figure)
        tells = (getattr(charts, name).__doc__ or "").partition("\n")[0].replace("``", "")
        figures.append(_FIGURE.format(name=name, tells=escape(tells), said=escape(said)))
    if len(names) == len(ALL):
        (folder / "index.html").write_text(_PAGE.format(figures="\n".join(figures)), encoding="utf-8")


def drawn_by_example(name: str) -> Figure:
    """Run the example in a chart's documentation, and return the figure that it made."""
    tells = getattr(charts, name).__doc__ or ""
    example = DocTestParser().get_doctest(tells, {}, name, None, None)
    if DocTestRunner(verbose=False).run(example).failed:
        raise SystemExit(f"the example of {name} does not do what it says")
    return pyplot.gcf()


ALL = [name for name in charts.__all__ if name not in ("caption", "save", "sheet")]

parser = ArgumentParser("python -m mastermind_lab.charts", description=(__doc__ or "").partition("\n")[0])
parser.add_argument("folder", help="where to write the pictures, two a chart, and index.html", type=Path)
parser.add_argument("--only", nargs="+", choices=ALL, metavar="CHART", default=ALL, help="these alone")

if __name__ == "__main__":
    asked = parser.parse_args()
    pyplot.switch_backend("agg")
    try:
        gallery(asked.folder, asked.only)
    except OSError as error:
        parser.error(str(error))
