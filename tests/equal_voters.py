"""Tables of voters whose true accuracy is known: what is right is always "a"."""

from types import SimpleNamespace

import numpy as np
import pandas as pd


def judged(accuracy, n, runs=1, seed=0, turnout=None):
    """Runs of n decisions in which each voter is right as often as it is said, whatever the others do.

    With ``turnout`` a voter votes in so many of the n decisions, the first ones.
    """
    random, accuracy = np.random.default_rng(seed), np.asarray(accuracy, dtype=float)
    voters, many = len(accuracy), runs * n
    right = random.random((many, voters)) < accuracy
    votes = pd.DataFrame(
        {
            "stream_id": np.repeat([f"{place + 1}-0" for place in range(many)], voters),
            "voter": [f"v{place:02}" for place in range(voters)] * many,
            "choice": np.where(right, "a", "b").ravel(),
        }
    )
    if turnout is not None:
        row = np.repeat(np.arange(many) % n, voters)
        votes = votes[row < np.tile(turnout, many)]
    ids = [f"{place + 1}-0" for place in range(many)]
    recommended = np.where(right.mean(axis=1) > 0.5, "a", "b")
    decisions = pd.DataFrame(
        {"stream_id": ids, "correlation_id": [f"{seed}/{one}" for one in ids], "recommendation": recommended}
    ).assign(correct_choice="a", run=np.arange(many) // n)
    texts = {"stream_id": "str", "correlation_id": "str", "recommendation": "str", "correct_choice": "str"}
    return SimpleNamespace(decisions=decisions.astype(texts), votes=votes.astype("str"))
