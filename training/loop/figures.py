"""What a model says of labelled messages, and how good that is."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

import numpy as np

from classifiers.model import Model, Tag
from training.calibrate import COST_OF_HUMAN_LOOK, COST_OF_MISROUTE, Floats, calibration_error
from training.dataset import Sample

HEADS: Final = ("topic", "urgency")
ABSTAINING: Final = ("topic",)  # the desk takes the model's urgency however sure it is


@dataclass(frozen=True, slots=True)
class Answers:
    """What a model says of rows that have a label of one head, beside that label."""

    truth: tuple[str, ...]
    said: tuple[Tag, ...]

    @property
    def right(self) -> "np.ndarray[Any, np.dtype[np.bool_]]":
        """Whether each is right."""
        return np.array([tag.label == true for tag, true in zip(self.said, self.truth, strict=True)], bool)

    @property
    def costs(self) -> Floats:
        """What each costs: nothing where it is routed right, else a misroute, or a person's look where it abstains."""
        routed = np.where(self.right, 0.0, COST_OF_MISROUTE)
        abstained = np.array([tag.abstained for tag in self.said], bool)
        return np.where(abstained, COST_OF_HUMAN_LOOK, routed)


@dataclass(frozen=True, slots=True)
class LabelFigures:
    """One label: rows that have it, the share of them found, and the share right of what was called so."""

    rows: int
    recall: float | None
    precision: float | None


@dataclass(frozen=True, slots=True)
class HeadFigures:
    """One head; all but `rows` and `cost` (of a message, a misroute being 1) are shares of 1, None of nothing."""

    rows: int
    accuracy: float
    macro_f1: float
    calibration_error: float
    coverage: float
    precision: float | None
    cost: float
    labels: Mapping[str, LabelFigures]


def triage(model: Model, samples: Sequence[Sample]) -> dict[str, Answers]:
    """What the model says of these messages, by head, for as many as have a label of it."""
    found: dict[str, tuple[list[str], list[Tag]]] = {head: ([], []) for head in HEADS}
    for sample in samples:
        if not sample.labels.keys() & {*HEADS}:
            continue
        tags = model.tag("", sample.document.text, sample.document.channel, evidence=False)
        for head, (truth, said) in found.items():
            if head in sample.labels:
                truth.append(sample.labels[head])
                tag = getattr(tags, head)
                said.append(replace(tag, abstained=tag.abstained and head in ABSTAINING))
    return {head: Answers(tuple(truth), tuple(said)) for head, (truth, said) in found.items() if truth}


def single(model: Model, samples: Sequence[Sample]) -> Answers:
    """What a model made by `train` says of these texts."""
    return Answers(
        tuple(sample.labels["label"] for sample in samples),
        tuple(model.predict(sample.document.text) for sample in samples),
    )


def figures(answers: Answers) -> HeadFigures:
    """The figures of a head that answered at least one row."""
    right, truth = answers.right, np.array(answers.truth)
    said = np.array([tag.label for tag in answers.said])
    confidence = np.array([tag.confidence for tag in answers.said])
    routed = ~np.array([tag.abstained for tag in answers.said], bool)
    labels = {}
    for label in sorted({*answers.truth, *said.tolist()}):
        hits = int((right & (truth == label)).sum())
        have, called = int((truth == label).sum()), int((said == label).sum())
        labels[label] = LabelFigures(have, _share(hits, have), _share(hits, called))
    f1 = [_f1(one) for one in labels.values()]
    return HeadFigures(
        rows=len(truth),
        accuracy=float(right.mean()),
        macro_f1=sum(f1) / len(f1),
        calibration_error=float(calibration_error(confidence, right, bins=min(10, len(truth)))),
        coverage=float(routed.mean()),
        precision=_share(int((right & routed).sum()), int(routed.sum())),
        cost=float(answers.costs.mean()),
        labels=labels,
    )


def described(answers: Mapping[str, Answers]) -> dict[str, Any]:
    """All figures, as JSON holds them."""
    return {head: asdict(figures(found)) for head, found in answers.items()}


def table(head: str, found: HeadFigures) -> str:
    """The figures of a head for a terminal."""
    precision = "-" if found.precision is None else f"{found.precision:.1%}"
    lines = [
        f"{head}: {found.rows} rows, accuracy {found.accuracy:.1%}, macro-F1 {found.macro_f1:.1%}, "
        f"calibration error {found.calibration_error:.1%}; routes {found.coverage:.1%} at {precision} precision; "
        f"cost {found.cost:.3f} a message (1: a misroute)"
    ]
    for label, one in found.labels.items():
        recall, right = (("-" if share is None else f"{share:.1%}") for share in (one.recall, one.precision))
        lines.append(f"  {label:<24} {one.rows:>6} rows  recall {recall:>6}  precision {right:>6}")
    return "\n".join(lines)


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _f1(one: LabelFigures) -> float:
    recall, precision = one.recall or 0.0, one.precision or 0.0
    return 2 * recall * precision / (recall + precision) if recall + precision else 0.0
