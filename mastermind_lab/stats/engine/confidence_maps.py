"""From the confidence that was said to the one that was deserved: three ways to fit it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from ...errors import OptionError
from .binning import blocks
from .bootstrap import Floats
from .correctness import CLIP

Method = Literal["isotonic", "temperature", "platt"]


@dataclass(frozen=True)
class Steps:
    """A rising line through points, level beyond the first and the last.

    Attributes
    ----------
    said, deserved
        The points.
    """

    said: tuple[float, ...]
    deserved: tuple[float, ...]

    def __call__(self, confidence: Floats) -> Floats:
        """Return what is deserved, NaN for NaN."""
        # A line of one point takes even NaN for its own.
        found: Floats = np.interp(confidence, self.said, self.deserved)
        return np.where(np.isnan(confidence), np.nan, found)


@dataclass(frozen=True)
class Logistic:
    """A line on the logit: logit(deserved) = slope * logit(said) + intercept.

    Attributes
    ----------
    slope, intercept
        The slope is 1 / temperature.
    edge
        What is nearer to 0 or 1 is taken for this near.
    """

    slope: float
    intercept: float
    edge: float

    def __call__(self, confidence: Floats) -> Floats:
        """Return what is deserved, NaN for NaN."""
        known = ~np.isnan(confidence)
        logits = _logit(np.where(known, confidence, 0.5), self.edge)
        return np.where(known, _sigmoid(self.slope * logits + self.intercept), np.nan)


ConfidenceMap = Steps | Logistic


def checked_method(method: str) -> Method:
    """Return the method if there is such.

    Raises
    ------
    OptionError
        If there is not.
    """
    known: tuple[Method, ...] = get_args(Method)
    for name in known:
        if name == method:
            return name
    raise OptionError(f"method is one of {', '.join(known)}, not {method!r:.40}")


def fitted(method: Method, values: Floats, n: Floats, correct: Floats) -> ConfidenceMap:
    """Fit a map to counts by confidence.

    Parameters
    ----------
    method
        How.
    values, n, correct
        Different confidences, rising; how many have it, above 0, and how many of them were right.
    """
    fit: dict[str, Callable[[Floats, Floats, Floats], ConfidenceMap]] = {
        "isotonic": _isotonic,
        "temperature": _temperature,
        "platt": _platt,
    }
    return fit[method](values, n, correct)


def _isotonic(values: Floats, n: Floats, correct: Floats) -> Steps:
    block = blocks(correct[:, None], n[:, None])[:, 0]
    level = (np.bincount(block, correct) / np.bincount(block, n))[block]
    # Within a block, its first and its last point say all.
    inner = (np.diff(level, prepend=np.nan) == 0) & (np.diff(level, append=np.nan) == 0)
    return Steps(tuple(values[~inner].tolist()), tuple(level[~inner].tolist()))


def _temperature(values: Floats, n: Floats, correct: Floats) -> Logistic:
    edge = _edge(values)
    logits = _logit(values, edge)
    if not logits.any():
        return Logistic(1.0, 0.0, edge)
    (slope,) = _regressed(logits[:, None], np.zeros_like(logits), n, correct)
    return Logistic(max(float(slope), 0.0), 0.0, edge)


def _platt(values: Floats, n: Floats, correct: Floats) -> Logistic:
    edge = _edge(values)
    logits = _logit(values, edge)
    one = np.ones((len(logits), 1))
    if len(np.unique(logits)) == 1:
        return Logistic(1.0, float(_regressed(one, logits, n, correct)[0]), edge)
    # About the mean, or the two would hang together where all logits are large.
    middle = float(np.average(logits, weights=n))
    design = np.hstack([(logits - middle)[:, None], one])
    slope, intercept = map(float, _regressed(design, np.zeros_like(logits), n, correct))
    return Logistic(slope, intercept - slope * middle, edge)


def _regressed(design: Floats, offset: Floats, n: Floats, correct: Floats) -> Floats:
    """Fit a logistic regression by Newton's method.

    All right and all wrong are drawn in a little (Platt 1999), so that there always is a finite best fit.
    """
    right, wrong = correct.sum(), (n - correct).sum()
    wanted = correct * (right + 1) / (right + 2) + (n - correct) / (wrong + 2)

    def loss(weights: Floats) -> float:
        score = design @ weights + offset
        return float(n @ np.logaddexp(0, score) - wanted @ score)

    weights = np.zeros(design.shape[1])
    for _ in range(100):
        share = _sigmoid(design @ weights + offset)
        curvature = design.T @ (design * (n * share * (1 - share))[:, None])
        step = np.linalg.lstsq(curvature, design.T @ (wanted - n * share), rcond=None)[0]
        before, size = loss(weights), 1.0
        while loss(weights + size * step) > before and size > 1e-9:
            size /= 2
        weights = weights + size * step
        if np.abs(size * step).max() < 1e-12:
            break
    return weights


def _edge(values: Floats) -> float:
    """Say how near to 0 and 1 those are taken for: half as far as the nearest that is not certain.

    Where none of them is certain, new ones that are lie no nearer than confidences are told apart.
    """
    nearest = np.minimum(values, 1 - values)
    inside = nearest[nearest > 0]
    half = float(inside.min()) / 2 if len(inside) else CLIP
    return half if len(inside) < len(nearest) else min(half, CLIP)


def _logit(confidence: Floats, edge: float) -> Floats:
    above, below = np.maximum(confidence, edge), np.maximum(1 - confidence, edge)
    logits: Floats = np.log(np.minimum(above, 1 - edge)) - np.log(np.minimum(below, 1 - edge))
    return logits


def _sigmoid(score: Floats) -> Floats:
    share: Floats = np.exp(-np.logaddexp(0, -score))
    return share
