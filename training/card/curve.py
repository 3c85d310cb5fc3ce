"""What more messages bring: the starter model fitted on parts of its corpus, judged on messages set aside."""

import hashlib
import json
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from classifiers.model import Model
from training import dataset, holdout, starter
from training.card import measured
from training.dataset import DataError, Sample
from training.loop import figures

KEPT: Final = starter.ROOT / "docs" / "figures" / "learning-curve.json"
ONE_IN: Final = (8, 4, 2, 1)


@dataclass(frozen=True, slots=True)
class Point:
    """A model fitted on so many messages, and what it reached; shares of 1, but `kappa` and `cost` (of a message)."""

    messages: int
    accuracy: float
    coverage: float
    precision: float | None
    urgency_accuracy: float
    urgency_kappa: float
    urgency_cost: float


@dataclass(frozen=True, slots=True)
class Curve:
    """The points, the fewest messages first; SHA-256 of what was taught and of the `rows` they are judged by."""

    corpus: str
    judged_by: str
    rows: int
    points: tuple[Point, ...]


def computed(corpus: Path, judged: Sequence[Sample], say: Callable[[str], None]) -> Curve:
    """Fits and judges; minutes. Every part holds the smaller ones, and all sentences of languages. Raises DataError."""
    taught = holdout.taught(starter.read(corpus))
    points = []
    for one_in in ONE_IN:
        part = part_of(taught, one_in)
        messages = sum("topic" in sample.labels for sample in part)
        say(f"fitting on {messages} messages, one in {one_in} ...")
        points.append(_point(_model(part, starter.labels(corpus)), messages, judged))
        say(f"  routes {points[-1].coverage:.1%}, accuracy {points[-1].accuracy:.1%}")
    return Curve(dataset.digest(taught), dataset.digest(judged), len(judged), tuple(points))


def part_of(taught: Sequence[Sample], one_in: int) -> list[Sample]:
    """One message in so many, chosen by hash, in their order; and all that teaches languages alone."""
    messages = sorted((sample for sample in taught if "topic" in sample.labels), key=_rank)
    chosen = {id(sample) for sample in messages[: len(messages) // one_in]}
    return [sample for sample in taught if "topic" not in sample.labels or id(sample) in chosen]


def keep(curve: Curve, path: Path = KEPT) -> None:
    """Writes the numbers down."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(asdict(curve), indent=2) + "\n", encoding="utf-8")


def kept(path: Path = KEPT) -> Curve | None:
    """The numbers written down; None where there are none. Raises DataError."""
    if not path.exists():
        return None
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        return Curve(**{**told, "points": tuple(Point(**point) for point in told["points"])})
    except (OSError, ValueError, KeyError, TypeError) as problem:
        raise DataError(f"{path}: holds no learning curve: {problem!r}") from problem


def _rank(sample: Sample) -> bytes:
    written = dataset.identity(sample.document).encode("utf-8", "surrogatepass")
    return hashlib.sha256(b"sortownia learning curve\0" + written).digest()


def _model(samples: Sequence[Sample], allowed: starter.Labels) -> Model:
    """The model as the service would load it."""
    from training import pack

    learned = starter.fitted(samples, allowed, starter.progress_bar(quiet=False))
    with tempfile.TemporaryDirectory() as folder:
        told = {"guards": starter.guards(allowed)}
        return pack.export(learned, Path(folder) / "model", "curve", told, steps=starter.STEPS)


def _point(model: Model, messages: int, judged: Sequence[Sample]) -> Point:
    answers = figures.triage(model, judged)
    topic = figures.figures(answers["topic"])
    head = model.head("urgency")
    ordered = measured.urgency(answers["urgency"], head.labels, head.costs)
    if ordered is None or ordered.cost is None:
        raise DataError("the urgencies of the corpus have no order or no costs")
    return Point(
        messages=messages,
        accuracy=topic.accuracy,
        coverage=topic.coverage,
        precision=topic.precision,
        urgency_accuracy=float(answers["urgency"].right.mean()),
        urgency_kappa=ordered.kappa,
        urgency_cost=ordered.cost,
    )
