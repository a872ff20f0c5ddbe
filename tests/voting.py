"""The built-in voting rules counted plainly, in exact fractions; and votes written as texts."""

from collections import Counter
from fractions import Fraction

import pandas as pd

RULES = {
    "plurality": (None, lambda top, total: True),
    "majority": (None, lambda top, total: 2 * top > total),
    "two-thirds": (None, lambda top, total: 3 * top >= 2 * total),
    "unanimity": (None, lambda top, total: top == total),
    "confidence-weighted": ("confidence", lambda top, total: True),
    "weight-weighted": ("weight", lambda top, total: True),
}


def winner(rows, column, enough):
    """The choice of the highest sum, if it is alone with it and the sum is enough; else None."""
    sums = Counter()
    for row in rows:
        weight = 1 if column is None else row[column]
        sums[row["choice"]] += Fraction(0) if pd.isna(weight) else Fraction(str(weight))
    total, top = sum(sums.values()), max(sums.values(), default=0)
    if not total or sum(value == top for value in sums.values()) > 1 or not enough(top, total):
        return None
    return max(sums, key=sums.get)


def votes_of(texts):
    """A text a decision; each voter is a place in it, and a blank is no vote."""
    rows = [
        (f"{row}-0", f"v{place}", choice)
        for row, text in enumerate(texts)
        for place, choice in enumerate(text)
        if choice != " "
    ]
    return pd.DataFrame(rows, columns=["stream_id", "voter", "choice"])
