"""Charts: one a summary, under the same name; each draws the summary's table and counts nothing itself.

``chart(data, *, by=None, ax=None, **kw) -> Axes``, where data is a history, a scan of one, the frame the
subject needs, or the summary itself, with whatever options it was counted with. Without ``ax`` a new figure
is made, otherwise nothing but that Axes is touched. Other keywords go to the main artist. Every chart says
its n and marks its 95% intervals, reads in greyscale, and folds what is too much into "other (k more)".
"""

from .agreement import agreement
from .argument_tree import argument_tree
from .arguments import arguments
from .citations import citations
from .confidence import confidence
from .confidence_over_time import confidence_over_time
from .conformity import conformity
from .decision import decision
from .export import FastRenderer, save, sheet
from .margin import margin
from .overview import overview
from .pivotal import pivotal
from .regimes import regimes
from .reliability import reliability
from .risk_coverage import risk_coverage
from .rules import rules
from .stability import stability
from .timing import timing
from .voters import voters
from .votes import votes

__all__ = [
    "FastRenderer",
    "agreement",
    "argument_tree",
    "arguments",
    "citations",
    "confidence",
    "confidence_over_time",
    "conformity",
    "decision",
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
