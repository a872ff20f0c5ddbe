"""Charts: one a summary, under the same name; each draws the summary's table and counts nothing itself.

``chart(data, *, by=None, ax=None, **kw) -> Axes``, where data is a history, the frame the subject needs, or
the summary itself, with whatever options it was counted with. Without ``ax`` a new figure is made, otherwise
nothing but that Axes is touched. Other keywords go to the main artist. Every chart says its n and marks its
95% intervals, reads in greyscale, and folds what is too much into "other (k more)".
"""

from .confidence import confidence
from .confidence_over_time import confidence_over_time
from .margin import margin
from .picture import save
from .votes import votes

__all__ = ["confidence", "confidence_over_time", "margin", "save", "votes"]
