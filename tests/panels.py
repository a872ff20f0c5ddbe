"""Made-up panels that several tests look at."""

from types import SimpleNamespace

import numpy as np
import pandas as pd

MODELS = ["atlas-1", "atlas-2", "borealis"]
CHOICES = np.array(["approve", "approve with changes", "reject", "defer"])
START = pd.Timestamp("2026-03-02T09:00Z")


def panels(n, seed=0, days=28.0):
    """Panels of 5 to 9 voters under three models, over some weeks; here and there something is missing."""
    random = np.random.default_rng(seed)
    model = random.choice(MODELS, n, p=[0.3, 0.4, 0.3]).astype(object)
    model[random.random(n) < 0.05] = None
    times = START + pd.to_timedelta(np.sort(random.integers(0, int(days * 86_400e6), n)), unit="us")
    streamed = pd.Series(times).dt.as_unit("us").mask(random.random(n) < 0.1)
    confidence = random.beta(6, 3, n)
    confidence = np.where(random.random(n) < 0.5, confidence, confidence.round(2))
    size = np.where(random.random(n) < 0.05, 0, random.integers(5, 10, n))
    favourite = random.integers(0, 4, n)
    decisions = pd.DataFrame(
        {
            "stream_id": [f"{1_772_442_000_000 + 1_000 * row}-{row % 3}" for row in range(n)],
            "streamed_at": streamed,
            "published_at": pd.Series(times).dt.as_unit("us").mask(random.random(n) < 0.2),
            "confidence": np.where(random.random(n) < 0.05, np.nan, confidence),
            "n_votes": pd.array(size, dtype="Int64"),
            "recommendation": pd.Series(CHOICES[favourite], dtype="str"),
            "meta.model": pd.Series(model, dtype="str"),
            "meta.round": pd.array(random.integers(1, 4, n), dtype="Int64"),
        }
    ).astype({"stream_id": "str"})
    return SimpleNamespace(decisions=decisions, votes=ballots(decisions, size, favourite, random))


def ballots(decisions, size, favourite, random):
    row = np.repeat(np.arange(len(size)), size)
    agrees = random.random(len(row)) < 0.7
    return pd.DataFrame(
        {
            "stream_id": decisions["stream_id"].to_numpy()[row],
            "position": [place for many in size for place in range(many)],
            "voter": [f"agent-{place}" for many in size for place in range(many)],
            "choice": CHOICES[np.where(agrees, favourite[row], random.integers(0, 4, len(row)))],
            "weight": random.choice([0.5, 1.0, 2.0], len(row)),
        }
    ).astype({"stream_id": "str", "position": "Int64", "voter": "str", "choice": "str", "weight": "float64"})


FRAMES = ("decisions", "votes", "citations", "arguments")


def part(history, wanted):
    """Some decisions, by a mask or by their places, with all that belongs to them."""
    decisions = history.decisions.iloc[list(wanted)]
    frames = {name: getattr(history, name) for name in FRAMES[1:] if hasattr(history, name)}
    some = {name: frame[frame["stream_id"].isin(decisions["stream_id"])] for name, frame in frames.items()}
    return SimpleNamespace(decisions=decisions, **some)


def without_outcomes(history):
    """The same, of which nobody knows what was right."""
    decisions = history.decisions.drop(columns="correct_choice")
    return SimpleNamespace(**vars(history) | {"decisions": decisions})


VOTERS = ["Ada", "Bruno", "Chiyo"]
VERDICTS = np.array(["ship", "hold", "stop"], dtype=object)


def arena(n, seed=0, digits=3, bias=0.1):
    """Panels of three that are surer than they should be; some outcomes and confidences are missing."""
    random = np.random.default_rng(seed)
    ids = np.array([f"{1_772_442_000_000 + row}-0" for row in range(n)], dtype=object)
    truth = VERDICTS[random.integers(0, 3, n)]

    def opine(truths):
        sure = random.beta(5, 2, len(truths)).round(digits)
        right = random.random(len(truths)) < sure - bias
        choice = np.where(
            right, truths, VERDICTS[(np.searchsorted(["hold", "ship", "stop"], truths) + 1) % 3]
        )
        return choice, np.where(random.random(len(truths)) < 0.05, np.nan, sure)

    recommendation, confidence = opine(truth)
    choice, own = opine(np.repeat(truth, 3))
    decisions = pd.DataFrame(
        {
            "stream_id": ids,
            "recommendation": recommendation,
            "confidence": confidence,
            "meta.model": random.choice(["atlas", "boreal"], n),
            "correct_choice": pd.Series(truth, dtype=object).mask(random.random(n) < 0.1),
        }
    )
    votes = pd.DataFrame(
        {"stream_id": np.repeat(ids, 3), "voter": VOTERS * n, "choice": choice, "confidence": own}
    )
    text = {"stream_id": "str", "recommendation": "str", "meta.model": "str", "correct_choice": "str"}
    ballots = {"stream_id": "str", "voter": "str", "choice": "str"}
    return SimpleNamespace(decisions=decisions.astype(text), votes=votes.astype(ballots))


def rated(confidence, right):
    """A decisions frame of these confidences, right or not."""
    return pd.DataFrame(
        {
            "stream_id": [f"{row}-0" for row in range(1, len(confidence) + 1)],
            "recommendation": ["yes" if one else "no" for one in right],
            "confidence": np.array(confidence, dtype=float),
            "correct_choice": pd.Series(["yes"] * len(confidence), dtype="str"),
        }
    )


def close_panels(n, seed=0, size=7):
    """Panels of none to some, whose recommendation now and then is not theirs; some outcomes are known."""
    random = np.random.default_rng(seed)
    ids = [f"{17_000 + place}-0" for place in range(n)]
    truth, rows = random.integers(0, 3, n), []
    for place in range(n):
        for who in random.choice(9, random.integers(0, size + 1), replace=False):
            choice = truth[place] if random.random() < 0.3 + 0.05 * who else random.integers(0, 3)
            confidence = random.choice([0.1, 0.2, 0.3, 0.6, np.nan])
            rows.append((ids[place], f"agent-{who}", "abc"[choice], confidence, random.choice([0.5, 1, 2.0])))
    votes = pd.DataFrame(rows, columns=["stream_id", "voter", "choice", "confidence", "weight"])
    texts = np.array(list("abc"), dtype=object)
    said = np.where(random.random(n) < 0.7, truth, random.integers(0, 3, n))
    decisions = pd.DataFrame(
        {
            "stream_id": pd.Series(ids, dtype="str"),
            "recommendation": pd.Series(texts[said], dtype="str"),
            "topic": pd.Series(random.choice(np.array(["x", "y", None], dtype=object), n), dtype="str"),
            "correct_choice": pd.Series(np.where(random.random(n) < 0.8, texts[truth], None), dtype="str"),
        }
    )
    votes = votes.astype(
        {"stream_id": "str", "voter": "str", "choice": "str", "confidence": "float64", "weight": "float64"}
    )
    return SimpleNamespace(decisions=decisions, votes=votes)
