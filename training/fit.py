"""Fits the heads of a model over one tf-idf vocabulary and calibrates them on scores of held-out folds."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

from classifiers import text
from classifiers.text import Document
from training import calibrate
from training.calibrate import Figures, Floats, Integers, Threshold
from training.dataset import DataError, Sample, digest, identity

MAX_CELLS: Final = 1_400_000  # features times labels: what keeps a packed model under 1.5 MB
MAX_FEATURES: Final = 60_000
RARE_FEATURES_FROM_ROWS: Final = 500  # from so many rows on, a feature of a single document is left out
UNSEEN_MARGIN: Final = -20.0  # of a label no document of the fold's training part carries


@dataclass(frozen=True, slots=True)
class Plan:
    """How one head is fitted. `order` fixes the labels and their order; empty takes those found, sorted."""

    name: str
    estimator: Literal["svc", "logistic"] = "svc"
    strength: float = 1.0
    balanced: bool = False
    order: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FittedHead:
    """A fitted and calibrated head; `held_out` says what it reached out of fold."""

    name: str
    labels: tuple[str, ...]
    classifier: Any
    temperature: float
    threshold: Threshold
    held_out: Figures


@dataclass(frozen=True, slots=True)
class Fitted:
    """A fitted pipeline; joblib keeps it for further training, `pack` exports it for serving."""

    vectorizer: Any
    heads: tuple[FittedHead, ...]
    rows: int
    digest: str
    seed: int
    folds: int

    def scores(self, documents: Sequence[Document]) -> dict[str, Floats]:
        """Probabilities by scikit-learn, by head: shape (n_documents, n_labels) in labels' order."""
        counted = self.vectorizer.transform(documents)
        return {
            head.name: calibrate.probabilities(margins(head.classifier, counted, head.labels), head.temperature)
            for head in self.heads
        }


@dataclass(frozen=True, slots=True)
class Task:
    """A plan with the rows that have its label and the column number of each of these labels."""

    plan: Plan
    labels: tuple[str, ...]
    rows: Integers
    truth: Integers
    held_out: Floats = field(repr=False)


def fit(samples: Sequence[Sample], plans: Sequence[Plan], seed: int = 0, folds: int = 5) -> Fitted:
    """All planned heads over one vocabulary; equal for equal samples, plans and seed. Raises DataError."""
    if not any(text.words(sample.document.text) for sample in samples):
        raise DataError("there is nothing to learn from: no row has a word in its text")
    documents = np.array([sample.document for sample in samples], dtype=object)
    tasks = [_task(plan, samples) for plan in plans]
    columns = sum(len(task.labels) for task in tasks)
    fold_of = _folds(samples, [plan.name for plan in plans], seed, folds)
    for fold in range(folds):
        _score_fold(documents, tasks, columns, fold_of == fold, seed)
    vectorizer = _vectorizer(len(samples), columns)
    counted = vectorizer.fit_transform(documents)
    heads = tuple(_head(task, counted, seed) for task in tasks)
    return Fitted(vectorizer, heads, len(samples), digest(samples), seed, folds)


def margins(classifier: Any, counted: Any, labels: Sequence[str]) -> Floats:
    """One column per label, in their order; a binary classifier's single margin is split over both."""
    found = np.asarray(classifier.decision_function(counted), dtype=float)
    if found.ndim == 1:
        found = np.stack((-found / 2, found / 2), axis=1)
    wide = np.full((len(found), len(labels)), UNSEEN_MARGIN)
    wide[:, [labels.index(label) for label in classifier.classes_]] = found
    return wide


def _task(plan: Plan, samples: Sequence[Sample]) -> Task:
    rows = np.array([i for i, sample in enumerate(samples) if plan.name in sample.labels], dtype=int)
    found = [samples[i].labels[plan.name] for i in rows]
    labels = plan.order or tuple(sorted(set(found)))
    rare = [label for label in labels if found.count(label) < 2]
    if rare:
        raise DataError(f"head {plan.name!r}: fewer than 2 rows have the label {', '.join(map(repr, rare))}")
    if len(labels) < 2:
        raise DataError(f"head {plan.name!r}: two or more different labels are needed, found {len(labels)}")
    truth = np.array([labels.index(label) for label in found])
    return Task(plan, labels, rows, truth, np.empty((len(rows), len(labels))))


def _folds(samples: Sequence[Sample], names: Sequence[str], seed: int, folds: int) -> Integers:
    """Fold of each row: labels dealt out evenly, equal texts together so that no twin scores another."""
    groups: dict[str, list[int]] = {}
    for i, sample in enumerate(samples):
        groups.setdefault(identity(sample.document), []).append(i)
    decks: dict[tuple[str | None, ...], list[list[int]]] = {}
    for members in groups.values():
        labels = samples[members[0]].labels
        decks.setdefault(tuple(labels.get(name) for name in names), []).append(members)
    random = np.random.default_rng(seed)
    shuffled = [decks[key][i] for key in sorted(decks, key=repr) for i in random.permutation(len(decks[key]))]
    fold_of = np.empty(len(samples), dtype=int)
    for place, members in enumerate(shuffled):
        fold_of[members] = place % folds
    return fold_of


def _score_fold(documents: Any, tasks: Sequence[Task], columns: int, out: Any, seed: int) -> None:
    """Fills the held-out margins of the rows that are `out`, by classifiers that never saw them."""
    if not out.any() or out.all():
        raise DataError(f"{len(documents)} different texts are too few to hold any out")
    vectorizer = _vectorizer(int((~out).sum()), columns)
    learned = vectorizer.fit_transform(documents[~out])
    unseen = vectorizer.transform(documents[out])
    place = np.where(out, np.cumsum(out), np.cumsum(~out)) - 1
    for task in tasks:
        out_here = out[task.rows]
        if not out_here.any():
            continue
        truth = task.truth[~out_here]
        if len(set(truth)) < 2:
            raise DataError(f"head {task.plan.name!r}: too few different texts to hold some of them out")
        classifier = _classifier(task.plan, seed)
        classifier.fit(learned[place[task.rows[~out_here]]], np.array(task.labels)[truth])
        task.held_out[out_here] = margins(classifier, unseen[place[task.rows[out_here]]], task.labels)


def _head(task: Task, counted: Any, seed: int) -> FittedHead:
    classifier = _classifier(task.plan, seed)
    classifier.fit(counted[task.rows], np.array(task.labels)[task.truth])
    divisor = calibrate.temperature(task.held_out, task.truth)
    shares = calibrate.probabilities(task.held_out, divisor)
    limit = calibrate.threshold(shares.max(axis=1), shares.argmax(axis=1) == task.truth)
    held_out = calibrate.figures(shares, task.truth, limit.value)
    return FittedHead(task.plan.name, task.labels, classifier, divisor, limit, held_out)


def _vectorizer(rows: int, columns: int) -> Any:
    return TfidfVectorizer(
        analyzer=text.features,
        sublinear_tf=True,
        min_df=2 if rows >= RARE_FEATURES_FROM_ROWS else 1,
        max_features=min(MAX_FEATURES, MAX_CELLS // columns),
    )


def _classifier(plan: Plan, seed: int) -> Any:
    weight = "balanced" if plan.balanced else None
    if plan.estimator == "svc":
        return LinearSVC(C=plan.strength, class_weight=weight, random_state=seed)
    return LogisticRegression(C=plan.strength, class_weight=weight, max_iter=500, random_state=seed)
