"""What Axes show, as words, numbers and colours for another program to draw; nothing is rendered here.

Numbers are Float32 columns in one buffer, ``[start, length]`` each, in the units of a linear scale: of a
logarithmic axis they are what it makes of its values, less the ``origin`` of the axis; its ``back`` says how
they are told back. A colour is ``[number, share]``, so much of ink (0) or
of a series' colour (1 to 5) mixed into the paper, so that the reader's own theme can give it; or, if a caller
chose another, a hex code.
"""

from ..drawing.style import PALETTES
from .bare import BareAxes
from .scene import Scene, scene

__all__ = ["PALETTES", "BareAxes", "Scene", "scene"]
