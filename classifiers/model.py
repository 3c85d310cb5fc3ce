"""Answers the heads' questions about a message: one feature extraction and one product for all of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp

from classifiers import text
from classifiers.evidence import Claim, Evidence, explain
from classifiers.language import language_of
from classifiers.table import Table, Vector
from classifiers.text import Document


@dataclass(frozen=True, slots=True)
class Tag:
    """What one head says: `label` is its best guess, also when it `abstained`; `scores` sum to 1."""

    label: str
    confidence: float
    abstained: bool
    scores: dict[str, float]


@dataclass(frozen=True, slots=True)
class Tags:
    """What the model says about a message; evidence points into `text.tagged_text(subject, body)`."""

    model_id: str
    topic: Tag
    urgency: Tag
    language: str
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class Head:
    """One question the model answers; its columns in the table start at `first`, one per label."""

    name: str
    labels: tuple[str, ...]
    first: int
    temperature: float
    threshold: float

    @property
    def columns(self) -> slice:
        """The head's columns in the table."""
        return slice(self.first, self.first + len(self.labels))

    def answer(self, vector: Vector) -> Tag:
        """The calibrated answer; abstains below the threshold, and when nothing in the text is known."""
        scores = _softmax(vector.margins[self.columns], self.temperature)
        confidence = max(scores)
        return Tag(
            label=self.labels[scores.index(confidence)],
            confidence=confidence,
            abstained=confidence < self.threshold or not vector.known,
            scores=dict(zip(self.labels, scores, strict=True)),
        )

    def best(self, vector: Vector) -> str:
        """The most likely label alone."""
        margins = vector.margins[self.columns]
        return self.labels[margins.index(max(margins))]

    def claim(self, label: str) -> Claim:
        """The label as something to be explained."""
        return Claim(self.name, self.columns, self.first + self.labels.index(label))


@dataclass(frozen=True, slots=True)
class Model:
    """A set of heads over one shared table. Safe to share between threads."""

    model_id: str
    table: Table
    heads: tuple[Head, ...]

    def head(self, name: str) -> Head:
        """The head of that name. Raises KeyError."""
        for head in self.heads:
            if head.name == name:
                return head
        raise KeyError(f"the model has no head {name!r}")

    def tag(self, subject: str, body: str, channel: str, evidence: bool = True) -> Tags:
        """Topic, urgency and language of a message. Raises KeyError when the model lacks such a head."""
        document = Document(text.tagged_text(subject, body), channel)
        words = text.words(document.text)
        vector = self.table.vector(document, words)
        topic, urgency = self.head("topic"), self.head("urgency")
        about, waiting = topic.answer(vector), urgency.answer(vector)
        claims = (topic.claim(about.label), urgency.claim(waiting.label)) if evidence else ()
        return Tags(
            model_id=self.model_id,
            topic=about,
            urgency=waiting,
            language=language_of(document.text, self.head("language").best(vector), vector.known),
            evidence=explain(self.table, vector, words, document.text, claims) if claims else (),
        )

    def predict(self, written: str) -> Tag:
        """The answer of a model made by `train`: its one head is `label`. Raises KeyError for another."""
        return self.head("label").answer(self._vector(Document(written)))

    def scores(self, document: Document) -> dict[str, dict[str, float]]:
        """The scores of every head, by head and label."""
        vector = self._vector(document)
        return {head.name: head.answer(vector).scores for head in self.heads}

    def _vector(self, document: Document) -> Vector:
        return self.table.vector(document, text.words(document.text))


def _softmax(margins: Sequence[float], temperature: float) -> list[float]:
    """Sums to 1. Plain Python: for the few dozen labels of a head it takes half the time of NumPy."""
    top = max(margins)
    weights = [exp((margin - top) / temperature) for margin in margins]
    total = sum(weights)
    return [weight / total for weight in weights]
