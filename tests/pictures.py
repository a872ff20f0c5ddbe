"""What stands on a chart."""

from mastermind_lab.charts import caption as caption  # for the tests
from mastermind_lab.charts.drawing.caption import said_of


def title(ax):
    """The heading, on one line."""
    return " ".join(ax.get_title(loc="left").split())


def words(ax):
    """The rows' names, the words on the picture, the legend, the heading, and the caption."""
    legend = ax.get_legend().get_texts() if ax.get_legend() else []
    parts = [part.get_text() for part in [*ax.get_yticklabels(), *ax.texts, *legend, ax._left_title]]
    return "\n".join([*parts, said_of(ax)])


def intervals(ax):
    """The ends of the lines that are drawn beside the rows."""
    return [tuple(line[:, 0]) for line in ax.collections[0].get_segments()]
