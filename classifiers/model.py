"""Answers the heads' questions about a message: one feature extraction and one product for all of them."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import exp
from typing import Final

import numpy as np

from classifiers import text
from classifiers.evidence import Claim, Evidence, explain
from classifiers.language import language_of
from classifiers.table import Floats, Table, Vector
from classifiers.text import Document

Sharpness = tuple[float, ...]  # one factor for each of ANCHORS

ANCHORS: Final = (0.0, 0.5, 0.75, 0.9, 1.0)  # how sure the softmax is where the factors of a sharpness hold
AS_IT_IS: Final[Sharpness] = (1.0,) * len(ANCHORS)
BEGINNING: Final = 140  # characters of a body that tell its language
NEVER_SURE: Final = 1.0  # the threshold of a head that answers nothing by itself


@dataclass(frozen=True, slots=True)
class Tag:
    """What one head says: `label` is its choice, also when it `abstained`; `scores` sum to 1."""

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
class Hidden:
    """A layer between the table and a head: what its `columns` of the table hold, rectified, times `weights`.

    `bias` has one entry per column; `weights` has shape (n_columns, n_labels of the head).
    """

    columns: slice
    bias: Floats
    weights: Floats

    def margins(self, vector: Vector) -> Floats:
        """What the layer adds to the margin of each label."""
        added: Floats = np.maximum(vector.margins[self.columns] + self.bias, 0) @ self.weights
        return added


@dataclass(frozen=True, slots=True)
class Head:
    """One question the model answers. Its columns in the table start at `first`, one per label.

    Probabilities are the softmax of its margins, made sharper or flatter by `sharpness`: its factors are those where
    the softmax by itself is as sure as `ANCHORS` say; in between, the factor's logarithm goes straight from one to the
    next. A `threshold` of 1 is none: the head always abstains, also where a probability rounds to 1. With `costs`
    (a row per true label, a column per label said) the label of least expected cost is chosen, else the likeliest.
    """

    name: str
    labels: tuple[str, ...]
    first: int
    threshold: float
    hidden: tuple[Hidden, ...] = ()
    costs: tuple[tuple[float, ...], ...] = ()
    sharpness: Sharpness = AS_IT_IS

    @property
    def columns(self) -> slice:
        """The head's columns in the table."""
        return slice(self.first, self.first + len(self.labels))

    def answer(self, vector: Vector) -> Tag:
        """The calibrated answer; abstains below the threshold, and when nothing in the text is known."""
        shares = self._shares(self._margins(vector))
        chosen = self._chosen(shares)
        return Tag(
            label=self.labels[chosen],
            confidence=shares[chosen],
            abstained=self.abstains(shares[chosen], vector),
            scores=dict(zip(self.labels, shares, strict=True)),
        )

    def abstains(self, confidence: float, vector: Vector) -> bool:
        """Whether an answer of that confidence is left to people."""
        return confidence < self.threshold or self.threshold >= NEVER_SURE or not vector.known

    def best(self, vector: Vector) -> str:
        """The most likely label alone."""
        margins = self._margins(vector)
        return self.labels[margins.index(max(margins))]

    def claim(self, label: str) -> Claim:
        """The label as something to be explained."""
        return Claim(self.name, self.columns, self.first + self.labels.index(label))

    def _margins(self, vector: Vector) -> list[float]:
        margins = vector.margins[self.columns]
        for layer in self.hidden:
            margins = margins + layer.margins(vector)
        plain: list[float] = margins.tolist()
        return plain

    def _shares(self, margins: Sequence[float]) -> list[float]:
        shares = _softmax(margins)
        if self.sharpness == AS_IT_IS:
            return shares
        scale = _factor(self.sharpness, max(shares))
        return _softmax([margin * scale for margin in margins])

    def _chosen(self, shares: Sequence[float]) -> int:
        if not self.costs:
            return shares.index(max(shares))
        expected = [sum(map(float.__mul__, shares, column)) for column in zip(*self.costs, strict=True)]
        return expected.index(min(expected))


@dataclass(frozen=True, slots=True)
class Guard:
    """One label of a head that another head decides: it is given where that head is sure, and only there."""

    head: str
    label: str
    by: str

    def applied(self, tag: Tag, decision: Tag, threshold: float) -> Tag:
        """The tag of the guarded head after `decision`, whose own label of that name counts from `threshold`."""
        share = decision.scores[self.label]
        rest = 1 - tag.scores[self.label]
        scores = {label: score * (1 - share) / (rest or 1.0) for label, score in tag.scores.items()}
        scores[self.label] = share
        sure = threshold <= share and threshold < NEVER_SURE
        allowed = [self.label] if sure else [label for label in scores if label != self.label]
        label = max(allowed, key=scores.__getitem__)
        return Tag(label, scores[label], tag.abstained, scores)


@dataclass(frozen=True, slots=True)
class Model:
    """A set of heads over one shared table. Safe to share between threads."""

    model_id: str
    table: Table
    heads: tuple[Head, ...]
    guards: tuple[Guard, ...] = ()

    def head(self, name: str) -> Head:
        """The head of that name. Raises KeyError."""
        for head in self.heads:
            if head.name == name:
                return head
        raise KeyError(f"the model has no head {name!r}")

    def tag(self, subject: str, body: str, channel: str, evidence: bool = True) -> Tags:
        """Topic, urgency and language of a message. Raises KeyError when the model lacks such a head."""
        document = Document(text.told(subject, body), channel)
        unread = len(text.tagged_text(subject, body)) - len(document.text)
        words = text.spelled(document.text)
        vector = self.table.vector(document, words)
        topic, urgency = self.head("topic"), self.head("urgency")
        about, waiting = self._answer(topic, vector), self._answer(urgency, vector)
        claims = (topic.claim(about.label), urgency.claim(waiting.label)) if evidence else ()
        pieces = explain(self.table, vector, words, document.text, claims) if claims else ()
        return Tags(
            model_id=self.model_id,
            topic=about,
            urgency=waiting,
            language=self._language(body, document, vector),
            evidence=tuple(replace(one, start=one.start + unread, end=one.end + unread) for one in pieces),
        )

    def predict(self, written: str) -> Tag:
        """The answer of a model made by `train`: its one head is `label`. Raises KeyError for another."""
        return self.head("label").answer(self._vector(Document(written)))

    def scores(self, document: Document) -> dict[str, dict[str, float]]:
        """The scores of every head by itself, by head and label."""
        vector = self._vector(document)
        return {head.name: head.answer(vector).scores for head in self.heads}

    def _language(self, body: str, whole: Document, vector: Vector) -> str:
        """That in which the body begins: firms sign below in another, and the subject may be the desk's own."""
        beginning = body[:BEGINNING]
        if text.tells(beginning) and beginning != whole.text:
            of_beginning = self._vector(replace(whole, text=beginning))
            vector = of_beginning if of_beginning.known else vector
        return language_of(whole.text, self.head("language").best(vector), vector.known)

    def _answer(self, head: Head, vector: Vector) -> Tag:
        """The head's answer after whatever guards one of its labels."""
        tag = head.answer(vector)
        for guard in self.guards:
            if guard.head == head.name:
                by = self.head(guard.by)
                tag = guard.applied(tag, by.answer(vector), by.threshold)
                tag = replace(tag, abstained=head.abstains(tag.confidence, vector))
        return tag

    def _vector(self, document: Document) -> Vector:
        return self.table.vector(document, text.spelled(document.text))


def _factor(sharpness: Sharpness, sure: float) -> float:
    after = min(bisect_right(ANCHORS, sure), len(ANCHORS) - 1)
    way = (sure - ANCHORS[after - 1]) / (ANCHORS[after] - ANCHORS[after - 1])
    factor: float = sharpness[after - 1] ** (1 - way) * sharpness[after] ** way
    return factor


def _softmax(margins: Sequence[float]) -> list[float]:
    """Sums to 1. Plain Python: for the few dozen labels of a head it takes half the time of NumPy."""
    top = max(margins)
    weights = [exp(margin - top) for margin in margins]
    total = sum(weights)
    return [weight / total for weight in weights]
