"""Charts of how panels decide: each draws the summary of the same name in :mod:`mastermind_lab.stats`.

``chart(data, *, by=None, ax=None, **kw) -> Axes``: data is a history, a scan, the one frame that the chart
needs, or a summary with whatever options it was counted with. ``by`` groups. Without ``ax`` a new figure is
made, otherwise nothing but that Axes is touched. Other keywords change the marks, such as ``color="red"``; an
unknown one is refused. Every chart says its n, marks its 95% intervals, takes its colours from the style in
force, reads in greyscale, and draws what is too much as "k others". :func:`caption` says the rest: how
to read the marks, how the intervals were made, what was left out.

:func:`overview` puts a history on a page and :func:`decision` a single decision; :func:`save` writes a chart
to a file, and :func:`sheet` draws several one below the other.
"""

from .agreement import agreement
from .argument_tree import argument_tree
from .arguments import arguments
from .citations import citations
from .confidence import confidence
from .confidence_over_time import confidence_over_time
from .conformity import conformity
from .decision import decision
from .drawing.caption import caption
from .drawing.change_lines import TimeMark as TimeMark  # for the live view, not listed
from .drawing.change_lines import with_time_marks as with_time_marks
from .drift import drift
from .export import FastRenderer as FastRenderer  # for the live view, not listed
from .export import save, sheet
from .margin import margin
from .overview import overview
from .pivotal import pivotal
from .regimes import regimes
from .reliability import reliability
from .risk_coverage import risk_coverage
from .rules import rules
from .scene import PALETTES as PALETTES
from .scene import scene as scene
from .stability import stability
from .timing import timing
from .voters import voters
from .votes import votes

__all__ = [
    "agreement",
    "argument_tree",
    "arguments",
    "caption",
    "citations",
    "confidence",
    "confidence_over_time",
    "conformity",
    "decision",
    "drift",
    "margin",
    "overview",
    "pivotal",
    "regimes",
    "reliability",
    "risk_coverage",
    "rules",
    "save",
    "sheet",
    "stability",
    "timing",
    "voters",
    "votes",
]


def __dir__() -> list[str]:
    """List the charts: what a notebook completes."""
    return __all__
