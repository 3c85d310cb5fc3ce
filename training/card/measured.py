"""The figures of the card that need more than `training.loop.figures`: bands, intervals, order."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta
from sklearn.metrics import cohen_kappa_score, confusion_matrix

from chalicelib.policy import URGENCIES
from classifiers.model import Model
from training.calibrate import Floats
from training.dataset import Sample
from training.loop.figures import Answers

BINS: Final = 10
TAIL: Final = 0.025  # on either side of a 95 % interval or band


@dataclass(frozen=True, slots=True)
class Share:
    """So many of so many."""

    part: int
    whole: int

    @property
    def value(self) -> float | None:
        """As a share of 1; None of nothing."""
        return self.part / self.whole if self.whole else None

    @property
    def interval(self) -> tuple[float, float]:
        """The two-sided 95 % interval of Clopper and Pearson; all of 0 to 1 for nothing."""
        misses = self.whole - self.part
        low = float(beta.ppf(TAIL, self.part, misses + 1)) if self.part else 0.0
        high = float(beta.ppf(1 - TAIL, self.part + 1, misses)) if misses else 1.0
        return low, high


@dataclass(frozen=True, slots=True)
class Bin:
    """Answers of like confidence: its mean, how many are right, and the band of a perfectly calibrated model."""

    confidence: float
    right: Share
    band: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Cut:
    """What is answered from this confidence on: its share of all, and the share of it that is right."""

    confidence: float
    coverage: float
    precision: float


@dataclass(frozen=True, slots=True)
class Group:
    """Messages of one language or channel."""

    accuracy: Share
    coverage: Share
    precision: Share


@dataclass(frozen=True, slots=True)
class Urgency:
    """How the order of urgencies is kept. `worst` is the most urgent one.

    `cost` is the mean of the head's costs, `cost_of_best_guess` that of the one label that is cheapest to say of all;
    both None where the head has no costs.
    """

    worst: str
    kappa: float
    found: Share
    called: Share
    true: Share
    cost: float | None
    cost_of_best_guess: float | None


def reliability(answers: Answers, count: int = BINS) -> list[Bin]:
    """Bins of equal mass, the least confident first; fewer where there are fewer answers."""
    confidence = confidences(answers)
    parts = np.array_split(np.argsort(confidence, kind="stable"), min(count, len(confidence)))
    right = answers.right
    return [
        Bin(float(confidence[part].mean()), Share(int(right[part].sum()), len(part)), band(confidence[part]))
        for part in parts
    ]


def band(confidence: Floats) -> tuple[float, float]:
    """Where in 95 of 100 cases the share of right answers lies if each confidence is the chance to be right.

    Exact: quantiles of the Poisson binomial distribution.
    """
    chances = np.ones(1)
    for chance in confidence:
        chances = np.convolve(chances, [1 - chance, chance])
    below = np.cumsum(chances)
    low, high = np.searchsorted(below, [TAIL, 1 - TAIL])
    return float(low) / len(confidence), min(float(high) / len(confidence), 1.0)


def confidences(answers: Answers) -> Floats:
    """Of each answer; shape (n_answers,)."""
    return np.array([tag.confidence for tag in answers.said])


def routed(answers: Answers) -> "NDArray[np.bool_]":
    """Whether the model does not abstain; shape (n_answers,)."""
    return ~np.array([tag.abstained for tag in answers.said], bool)


def cuts(answers: Answers) -> list[Cut]:
    """For each confidence that occurs, what a threshold there would give; the highest first."""
    confidence = confidences(answers)
    order = np.argsort(-confidence, kind="stable")
    ranked, right = confidence[order], np.cumsum(answers.right[order])
    ends = np.flatnonzero(np.append(ranked[1:] < ranked[:-1], True))
    return [Cut(float(ranked[i]), (i + 1) / len(ranked), float(right[i]) / (i + 1)) for i in ends.tolist()]


def confusion(answers: Answers, labels: Sequence[str]) -> "NDArray[np.integer[Any]]":
    """Counts of shape (n_labels, n_labels): a row per true label, a column per label said."""
    counts: NDArray[np.integer[Any]] = confusion_matrix(
        answers.truth, [tag.label for tag in answers.said], labels=list(labels)
    )
    return counts


def of_all(answers: Answers) -> Group:
    """All answers as one group."""
    return _group(answers, np.ones(len(answers.truth), bool))


def groups(samples: Sequence[Sample], answers: Answers, of: Callable[[Sample], str]) -> dict[str, Group]:
    """The answers to these samples by what they are `of`; those of nothing are left out."""
    names = np.array([of(sample) for sample in samples])
    return {name: _group(answers, names == name) for name in sorted({*names.tolist()} - {""})}


def urgency(answers: Answers, labels: Sequence[str], costs: Sequence[Sequence[float]]) -> Urgency | None:
    """None for labels that have no order known here: those of a desk's urgencies have."""
    scale = [label for label in URGENCIES if label in labels]
    if len(scale) != len(labels) or not {*answers.truth} <= {*scale}:
        return None
    truth = [scale.index(label) for label in answers.truth]
    said = [scale.index(tag.label) for tag in answers.said]
    worst = len(scale) - 1
    hits = sum(pair == (worst, worst) for pair in zip(truth, said, strict=True))
    counts = confusion(answers, labels)
    spent = np.array(costs) if costs else None
    return Urgency(
        worst=scale[worst],
        kappa=_kappa(truth, said),
        found=Share(hits, truth.count(worst)),
        called=Share(said.count(worst), len(said)),
        true=Share(truth.count(worst), len(truth)),
        cost=None if spent is None else float((counts * spent).sum() / len(truth)),
        cost_of_best_guess=None if spent is None else float((counts.sum(axis=1) @ spent).min() / len(truth)),
    )


def spam(answers: Answers, label: str) -> tuple[Share, Share]:
    """Of what has this label the share called so, and the share called so of what has another."""
    has = np.array(answers.truth) == label
    called = np.array([tag.label for tag in answers.said]) == label
    return Share(int((has & called).sum()), int(has.sum())), Share(int((~has & called).sum()), int((~has).sum()))


def languages(model: Model, samples: Sequence[Sample]) -> Share:
    """How many of the messages that have a language are named it."""
    told = [(sample.labels["language"], sample.document) for sample in samples if "language" in sample.labels]
    named = [model.tag("", document.text, document.channel, evidence=False).language for _, document in told]
    return Share(sum(true == said for (true, _), said in zip(told, named, strict=True)), len(told))


def mistaken(answers: Answers) -> Mapping[tuple[str, str], int]:
    """True label and label said of what is wrong, the most frequent first."""
    pairs = zip(answers.truth, answers.said, strict=True)
    counts = Counter((true, tag.label) for true, tag in pairs if tag.label != true)
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _group(answers: Answers, rows: "NDArray[np.bool_]") -> Group:
    right, sure = answers.right[rows], routed(answers)[rows]
    total = int(rows.sum())
    return Group(
        accuracy=Share(int(right.sum()), total),
        coverage=Share(int(sure.sum()), total),
        precision=Share(int((right & sure).sum()), int(sure.sum())),
    )


def _kappa(truth: Sequence[int], said: Sequence[int]) -> float:
    """Quadratic weighted kappa; 1 where all is one label on both sides."""
    if len({*truth, *said}) == 1:
        return 1.0
    return float(cohen_kappa_score(truth, said, weights="quadratic"))
