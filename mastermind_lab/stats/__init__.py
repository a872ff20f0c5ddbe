"""Statistics of a deliberating panel, each of them a monoid.

The law of this room: a subject is one class, and

- ``Subject.of(history_or_frame, **options)`` counts one batch and never edits its input; given a scan
  (:func:`mastermind_lab.scan`), it counts its batches, here or on a cluster, and merges them;
- ``a + b`` merges two batches: associative, in any order, an empty one is neutral; summaries with different
  options do not merge (:class:`~mastermind_lab.errors.OptionError`), and ``sum(parts)`` works;
- ``.table()`` reads the numbers off as a small DataFrame; single figures are attributes, each an
  :class:`Estimate`.

So one definition serves a frame in a notebook, a live stream (``total += Subject.of(batch)``) and a cluster
(map ``of``, then reduce ``+``): counts come out the same, sums to the last rounding, whatever the batches.
A decision's votes must be in the same batch as the decision.

What stands on fewer than 10 observations is marked ``small_n``, in a table as in an estimate: a rough guide,
however narrow its interval.

One voter has one vote in a decision, in every subject: who votes for the same choice twice has voted once;
who votes for two choices has contradicted itself, and has no vote there. Both are counted as ``repeated`` and
said, never hidden. Votes without a voter or a choice are none.

Intervals keep the law too. They are 95% intervals of a Poisson bootstrap over decisions, whose draws come
from each decision's own ``stream_id``: see :mod:`~mastermind_lab.stats.engine.bootstrap`.
"""

from .agreement import Agreement
from .arguments import Arguments
from .calibration import Calibration
from .citations import Citations
from .confidence import Confidence
from .confidence_over_time import ConfidenceOverTime
from .conformity import Conformity
from .difference import difference
from .engine.estimate import Estimate
from .margin import Margin
from .pivotal import Pivotal
from .regimes import Regimes
from .rules import Rules
from .stability import Stability
from .timing import Timing
from .voters import Voters
from .votes import Votes

__all__ = [
    "Agreement",
    "Arguments",
    "Calibration",
    "Citations",
    "Confidence",
    "ConfidenceOverTime",
    "Conformity",
    "Estimate",
    "Margin",
    "Pivotal",
    "Regimes",
    "Rules",
    "Stability",
    "Timing",
    "Voters",
    "Votes",
    "difference",
]
