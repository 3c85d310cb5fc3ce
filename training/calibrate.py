"""Makes scores mean what they say: blending, abstention threshold, and figures of what was held out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax
from scipy.stats import beta
from sklearn.metrics import f1_score

from classifiers.model import ANCHORS, AS_IT_IS, NEVER_SURE, Sharpness

Floats = NDArray[np.floating[Any]]
Integers = NDArray[np.integer[Any]]
Flags = NDArray[np.bool_]

PROMISED_PRECISION: Final = 0.95
CERTAINTY: Final = 0.95  # one-sided, of the bound under the promised precision
COST_OF_MISROUTE: Final = 1.0
COST_OF_HUMAN_LOOK: Final = 0.3
WORTH_ROUTING: Final = 1 - COST_OF_HUMAN_LOOK / COST_OF_MISROUTE  # below, a look costs less than the likely mistake
SUREST: Final = float(np.nextafter(NEVER_SURE, 0))  # where many confidences round to 1, those just below are as good
TINY: Final = 1e-12
USUAL_SHARPNESS: Final = 0.5  # deviation of its logarithms, thought of before any row is seen
LEAST_GAIN: Final = 0.003  # of the surprise, for one part more


@dataclass(frozen=True, slots=True)
class Threshold:
    """Confidence from which a head does not abstain, and what it was chosen by."""

    value: float
    rule: Literal["precision", "cost", "none"]


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


def probabilities(margins: Floats) -> Floats:
    """Shape as given; rows sum to 1."""
    shares: Floats = softmax(margins, axis=1)
    return shares


def sharpened(margins: Floats, sharpness: Sharpness) -> Floats:
    """Probabilities of shape as given, as `classifiers.model.Head` makes them of its margins; rows sum to 1."""
    best = probabilities(margins).max(axis=1, keepdims=True)
    return probabilities(margins * np.exp(np.interp(best, ANCHORS, np.log(sharpness))))


def surprises(margins: Floats, truth: Integers) -> Floats:
    """Negative log-likelihood of each row's true label; `truth` holds column numbers."""
    found: Floats = -log_softmax(margins, axis=1)[np.arange(len(truth)), truth]
    return found


def blend(parts: Sequence[Floats], truth: Integers) -> Floats:
    """The factors, none negative, by which the sum of these margins makes the true labels most likely.

    Of one part alone this is temperature scaling (Guo et al., ICML 2017). Half a row more, of no label, is thought
    beside them: without it a few rows that are all right would make it sure of anything.
    """
    stacked = np.stack(parts)
    rows = np.arange(len(truth))
    doubt = 0.5 / (len(truth) + 1)
    wanted = np.full(stacked.shape[1:], doubt / stacked.shape[2])
    wanted[rows, truth] += 1 - doubt
    of_wanted = np.einsum("pnk,nk->pn", stacked, wanted)

    def loss(logs: Floats) -> tuple[float, Floats]:
        factors = np.exp(logs)
        summed = np.tensordot(factors, stacked, 1)
        likely = log_softmax(summed, axis=1)
        expected = np.einsum("pnk,nk->pn", stacked, np.exp(likely))
        slope = factors * (expected - of_wanted).mean(axis=1)
        return float(-(wanted * likely).sum(axis=1).mean()), slope

    start = -np.log(np.maximum(stacked.std(axis=(1, 2)), 1e-9)) + np.log(2 / len(parts))
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=[(at - 6, at + 6) for at in start])
    factors: Floats = np.exp(found.x)
    return factors


def sharpness(margins: Floats, truth: Integers) -> Sharpness:
    """What makes the confidence in the best label most likely to be right as often as it says.

    One factor for all rows leaves the surest too sure, of many labels, or not sure enough, of few. Where five explain
    no more than chance may, there is none.
    """
    apart = margins.max(axis=1, keepdims=True) - margins
    best = probabilities(margins).max(axis=1)
    doubt = 0.5 / (len(truth) + 1)
    wanted = (margins.argmax(axis=1) == truth) * (1 - doubt) + doubt / margins.shape[1]
    bases = np.stack([np.interp(best, ANCHORS, alone) for alone in np.eye(len(ANCHORS))])

    def told(logs: Floats) -> tuple[Floats, Floats]:
        """Surprise of each row at its best label being right or wrong, and its slopes."""
        scale = np.exp(logs @ bases)
        others = np.exp(-apart * scale[:, None])
        weight, further = others.sum(axis=1), (others * apart).sum(axis=1)
        # The best label has weight 1 among `others`; where nothing else is left, the rest weighs nothing.
        rest = np.maximum(weight - 1, TINY)
        lost = np.log(weight) - (1 - wanted) * np.log(rest)
        return lost, ((1 - wanted) / rest - 1 / weight) * further * scale * bases

    def loss(logs: Floats) -> tuple[float, Floats]:
        lost, slopes = told(logs)
        held = logs / USUAL_SHARPNESS**2 / len(truth)
        return float(lost.mean() + held @ logs / 2), slopes.mean(axis=1) + held

    found = minimize(loss, np.zeros(len(ANCHORS)), jac=True, method="L-BFGS-B")
    gained = told(np.zeros(len(ANCHORS)))[0] - told(found.x)[0]
    # Akaike's measure: that many factors explain as much of anything.
    if gained.sum() <= max(len(ANCHORS), gained.std() * np.sqrt(len(gained))):
        return AS_IT_IS
    return tuple(np.exp(found.x).tolist())


def useful(parts: Mapping[str, Floats], truth: Integers, gain: float = LEAST_GAIN) -> tuple[str, ...]:
    """Names of the parts worth blending: the best alone, then each that lowers the surprise by that share of it.

    It has to lower it by more than chance could: by the standard error of the gain over the rows.
    """
    chosen: list[str] = []
    best = np.full(len(truth), np.inf)
    while len(chosen) < len(parts):
        reached = {
            name: _blended_surprises([parts[other] for other in (*chosen, name)], truth)
            for name in parts
            if name not in chosen
        }
        name = min(reached, key=lambda tried: float(reached[tried].mean()))
        if chosen:
            gained = best - reached[name]
            if gained.mean() <= max(gain * best.mean(), gained.std() / np.sqrt(len(gained))):
                break
        best = reached[name]
        chosen.append(name)
    return tuple(name for name in parts if name in chosen)


def _blended_surprises(parts: Sequence[Floats], truth: Integers) -> Floats:
    return surprises(np.tensordot(blend(parts, truth), np.stack(parts), 1), truth)


def precision_bound(right: int, total: int) -> float:
    """Clopper-Pearson lower bound, at CERTAINTY, of the share that is right; 0 for nothing."""
    return float(beta.ppf(1 - CERTAINTY, right, total - right + 1)) if right else 0.0


def threshold(confidence: Floats, correct: NDArray[np.bool_], worth: float = WORTH_ROUTING) -> Threshold:
    """The lowest threshold that is worth routing at and whose precision is safely as promised.

    Where no such threshold is safe, nothing is routed: a threshold of 1 with the rule "none". What is not worth
    routing proves nothing of the rest.
    """
    order = np.argsort(-confidence, kind="stable")
    ranked, right = confidence[order], np.cumsum(correct[order])
    total = np.arange(1, len(ranked) + 1)
    ends = np.append(ranked[1:] < ranked[:-1], True)  # equal confidences are routed together or not at all
    bounds = np.where(right > 0, beta.ppf(1 - CERTAINTY, np.maximum(right, 1), total - right + 1), 0.0)
    safe = ends & (bounds >= PROMISED_PRECISION)
    worthy = np.flatnonzero(safe & (ranked >= worth))
    if not len(worthy):
        return Threshold(NEVER_SURE, "none")
    lowest, rest = float(ranked[worthy[-1]]), slice(worthy[-1] + 1, None)
    if safe[rest].any() and ranked[rest][0] < worth:
        return Threshold(worth, "cost")
    return Threshold(min(lowest, SUREST), "precision")


def answers(shares: Floats, costs: Sequence[Sequence[float]] = ()) -> tuple[Integers, Floats]:
    """The column that is said of each row and how sure that is, as `classifiers.model.Head` does.

    It is the likeliest one; with `costs` (a row per true column, a column per one said) that of least expected cost.
    """
    said: Integers = (shares @ np.array(costs)).argmin(axis=1) if costs else shares.argmax(axis=1)
    return said, shares[np.arange(len(said)), said]


def figures(shares: Floats, truth: Integers, limit: float, costs: Sequence[Sequence[float]] = ()) -> Figures:
    """Figures of the scores `shares` (rows sum to 1) for rows whose true columns are `truth`."""
    guess, confidence = answers(shares, costs)
    correct = guess == truth
    routed = (confidence >= limit) & (limit < NEVER_SURE)
    right, total = int(correct[routed].sum()), int(routed.sum())
    return Figures(
        rows=len(truth),
        accuracy=float(correct.mean()),
        macro_f1=float(f1_score(truth, guess, average="macro", zero_division=0)),
        nll=float(-np.log(np.maximum(shares[np.arange(len(truth)), truth], TINY)).mean()),
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
