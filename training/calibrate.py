"""Makes scores mean what they say: temperature, abstention threshold, and figures of what was held out."""

from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax
from scipy.stats import beta
from sklearn.metrics import f1_score

Floats = NDArray[np.floating[Any]]
Integers = NDArray[np.integer[Any]]

PROMISED_PRECISION: Final = 0.95
CERTAINTY: Final = 0.95  # one-sided, of the bound under the promised precision
COST_OF_MISROUTE: Final = 1.0
COST_OF_HUMAN_LOOK: Final = 0.3


@dataclass(frozen=True, slots=True)
class Threshold:
    """Confidence from which a head does not abstain, and what it was chosen by."""

    value: float
    rule: Literal["precision", "cost"]


@dataclass(frozen=True, slots=True)
class Figures:
    """What a head reached on rows it had not been fitted on; all but `rows` and `nll` are shares of 1."""

    rows: int
    accuracy: float
    macro_f1: float
    nll: float
    calibration_error: float
    coverage: float
    precision: float | None  # of what is routed; None when nothing is
    precision_bound: float


def probabilities(margins: Floats, temperature: float) -> Floats:
    """Shape as given; rows sum to 1."""
    shares: Floats = softmax(margins / temperature, axis=1)
    return shares


def temperature(margins: Floats, truth: Integers) -> float:
    """The divisor of margins that makes the true labels most likely; `truth` holds column numbers."""
    rows = np.arange(len(truth))

    def surprise(log_divisor: float) -> float:
        return -float(log_softmax(margins / np.exp(log_divisor), axis=1)[rows, truth].mean())

    return float(np.exp(minimize_scalar(surprise, bounds=(-5, 5), method="bounded").x))


def precision_bound(right: int, total: int) -> float:
    """Clopper-Pearson lower bound, at CERTAINTY, of the share that is right; 0 for nothing."""
    return float(beta.ppf(1 - CERTAINTY, right, total - right + 1)) if right else 0.0


def threshold(confidence: Floats, correct: NDArray[np.bool_]) -> Threshold:
    """The lowest threshold whose precision is safely as promised, else the one that costs least."""
    order = np.argsort(-confidence, kind="stable")
    ranked, right = confidence[order], np.cumsum(correct[order])
    total = np.arange(1, len(ranked) + 1)
    ends = np.append(ranked[1:] < ranked[:-1], True)  # equal confidences are routed together or not at all
    bounds = np.where(right > 0, beta.ppf(1 - CERTAINTY, np.maximum(right, 1), total - right + 1), 0.0)
    safe = np.flatnonzero(ends & (bounds >= PROMISED_PRECISION))
    if len(safe):
        return Threshold(float(ranked[safe[-1]]), "precision")
    return Threshold(_cheapest(ranked, right, total, ends), "cost")


def _cheapest(ranked: Floats, right: Integers, total: Integers, ends: NDArray[np.bool_]) -> float:
    """Threshold of least total cost; 1, so that nothing is routed, when human looks at all are cheapest."""
    costs = COST_OF_MISROUTE * (total - right) + COST_OF_HUMAN_LOOK * (len(ranked) - total)
    best = int(np.argmin(np.where(ends, costs, np.inf)))
    return float(ranked[best]) if costs[best] < COST_OF_HUMAN_LOOK * len(ranked) else 1.0


def figures(shares: Floats, truth: Integers, limit: float) -> Figures:
    """Figures of the scores `shares` (rows sum to 1) for rows whose true columns are `truth`."""
    guess, confidence = shares.argmax(axis=1), shares.max(axis=1)
    correct = guess == truth
    routed = confidence >= limit
    right, total = int(correct[routed].sum()), int(routed.sum())
    return Figures(
        rows=len(truth),
        accuracy=float(correct.mean()),
        macro_f1=float(f1_score(truth, guess, average="macro", zero_division=0)),
        nll=float(-np.log(np.maximum(shares[np.arange(len(truth)), truth], 1e-12)).mean()),
        calibration_error=calibration_error(confidence, correct),
        coverage=total / len(truth),
        precision=right / total if total else None,
        precision_bound=precision_bound(right, total),
    )


def calibration_error(confidence: Floats, correct: NDArray[np.bool_], bins: int = 10) -> float:
    """Expected calibration error over bins of equal mass."""
    parts = np.array_split(np.argsort(confidence, kind="stable"), bins)
    gaps = [abs(float(confidence[part].sum() - correct[part].sum())) for part in parts]
    return sum(gaps) / len(confidence)
