"""The classifiers a head may be blended from, each over the same weighed rows.

All but the hidden layers are linear: whatever the blend, they are served as one table.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from scipy.sparse import spmatrix
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import ComplementNB, MultinomialNB
from sklearn.svm import LinearSVC

from training.calibrate import Floats, Integers
from training.hidden import HiddenLayer

SMOOTHING: Final = 0.05  # of naive Bayes; its default of 1 drowns the small counts of normalised rows
JOINT_TOLERANCE: Final = 0.1  # a thousandth of it takes three times as long and is right no more often
LIGHTLY: Final = 10.0  # times the strength; at once of it logistic regression learns too little of normalised rows
FEWEST_FOR_DIRECTIONS: Final = 2  # rows or features
OF_MEANINGS: Final = "hidden-meanings"
UNSEEN_MARGIN: Final = -20.0  # of a label no document of the fold's training part carries


@dataclass(frozen=True, slots=True)
class Lesson:
    """What a part is fitted on: rows, the number of each row's label out of `labels`, and how.

    The first `words` columns are features of whole words, those from `meanings` on what words mean; for these
    `vectors` has a row each.
    """

    counted: spmatrix
    words: int
    meanings: int
    vectors: Floats
    truth: Integers
    labels: int
    seed: int
    strength: float


@dataclass(frozen=True, slots=True)
class Part:
    """A fitted classifier: linear `weights` (n_features, n_labels) or a layer of hidden units, and an `intercept`."""

    name: str
    intercept: Floats
    weights: Floats | None = None
    layer: HiddenLayer | None = None

    def margins(self, counted: spmatrix) -> Floats:
        """Shape (n_rows, n_labels)."""
        if self.layer is not None:
            found: Floats = np.maximum(counted @ self.layer.inner_ + self.layer.bias_, 0) @ self.layer.outer_
        else:
            found = counted @ self.weights
        margins: Floats = found + self.intercept
        return margins


def support_vectors(lesson: Lesson) -> Part:
    """A linear support vector machine over all labels at once (Crammer and Singer, JMLR 2, 2001)."""
    machine = LinearSVC(C=lesson.strength, multi_class="crammer_singer", tol=JOINT_TOLERANCE, random_state=lesson.seed)
    return _linear("support-vectors", lesson, machine)


def logistic(lesson: Lesson) -> Part:
    """Multinomial logistic regression."""
    regression = LogisticRegression(C=LIGHTLY * lesson.strength, max_iter=500, random_state=lesson.seed)
    return _linear("logistic", lesson, regression)


def bayes_words(lesson: Lesson) -> Part:
    """Complement naive Bayes (Rennie et al., ICML 2003) over whole words and pairs: good on few and noisy rows."""
    return _bayes("bayes-words", lesson, slice(0, lesson.words), ComplementNB(alpha=SMOOTHING))


def bayes_pieces(lesson: Lesson) -> Part:
    """The same over pieces of words; apart, for it counts features as if each told of another thing."""
    return _bayes("bayes-pieces", lesson, slice(lesson.words, lesson.meanings), ComplementNB(alpha=SMOOTHING))


def even_bayes(lesson: Lesson) -> Part:
    """Multinomial naive Bayes that takes all labels to be equally likely: best on texts of other kinds than taught."""
    return _bayes("even-bayes", lesson, slice(0, lesson.meanings), MultinomialNB(alpha=SMOOTHING, fit_prior=False))


def hidden_words(lesson: Lesson) -> Part:
    """A network with one hidden layer over whole words and their pairs."""
    return _hidden("hidden-words", lesson, slice(0, lesson.words), HiddenLayer(seed=lesson.seed))


def hidden_pieces(lesson: Lesson) -> Part:
    """The network over the pieces of words."""
    return _hidden("hidden-pieces", lesson, slice(lesson.words, lesson.meanings), HiddenLayer(seed=lesson.seed + 1))


def hidden_meanings(lesson: Lesson) -> Part:
    """The network over what the words mean (`training.meaning`): it knows words that no row had."""
    layer = HiddenLayer(lesson.vectors, seed=lesson.seed + 2)
    return _hidden(OF_MEANINGS, lesson, slice(lesson.meanings, lesson.counted.shape[1]), layer)


MAKERS: Final[dict[str, Callable[[Lesson], Part]]] = {
    "support-vectors": support_vectors,
    "logistic": logistic,
    "bayes-words": bayes_words,
    "bayes-pieces": bayes_pieces,
    "even-bayes": even_bayes,
    "hidden-words": hidden_words,
    "hidden-pieces": hidden_pieces,
    OF_MEANINGS: hidden_meanings,
}
HIDDEN: Final = (OF_MEANINGS, "hidden-words", "hidden-pieces")


def _linear(name: str, lesson: Lesson, estimator: Any) -> Part:
    """A linear classifier over all features but meanings."""
    columns = slice(0, lesson.meanings)
    fitted = estimator.fit(lesson.counted[:, columns], lesson.truth)
    return _part(name, lesson, columns, fitted.coef_.T, fitted.intercept_, fitted.classes_)


def _bayes(name: str, lesson: Lesson, columns: slice, estimator: Any) -> Part:
    """Naive Bayes over some columns."""
    seen = lesson.counted[:, columns]
    if not seen.shape[1]:
        return Part(name, np.zeros(lesson.labels), np.zeros((lesson.counted.shape[1], lesson.labels)))
    fitted = estimator.fit(seen, lesson.truth)
    weights = fitted.feature_log_prob_.T
    weights = weights - weights.mean(axis=1, keepdims=True)
    return _part(name, lesson, columns, weights, np.zeros(weights.shape[1]), fitted.classes_)


def _part(
    name: str, lesson: Lesson, columns: slice, weights: Floats, intercept: Floats, found: Sequence[int]
) -> Part:  # fmt: skip
    """Weights with a row per column of the lesson and a column per label.

    A binary classifier's single column is split over both.
    """
    if weights.shape[1] == 1:
        weights, intercept = np.hstack((-weights / 2, weights / 2)), np.append(-intercept / 2, intercept / 2)
    wide, high = np.zeros((lesson.counted.shape[1], lesson.labels)), np.full(lesson.labels, UNSEEN_MARGIN)
    wide[columns, found], high[found] = weights, intercept
    return Part(name, high, wide)


def _hidden(name: str, lesson: Lesson, columns: slice, layer: HiddenLayer) -> Part:
    """A network over some columns, its margins one per label also where the rows lack some."""
    seen = lesson.counted[:, columns]
    if min(seen.shape) < FEWEST_FOR_DIRECTIONS:  # in scripts without spaces hardly a whole word comes twice
        return Part(name, np.zeros(lesson.labels), np.zeros((lesson.counted.shape[1], lesson.labels)))
    layer.fit(seen, lesson.truth)
    inner = np.zeros((lesson.counted.shape[1], layer.inner_.shape[1]))
    inner[columns] = layer.inner_
    outer, intercept = np.zeros((len(layer.outer_), lesson.labels)), np.full(lesson.labels, UNSEEN_MARGIN)
    outer[:, layer.classes_], intercept[layer.classes_] = layer.outer_, layer.intercept_
    layer.inner_, layer.outer_ = inner, outer
    return Part(name, intercept, layer=layer)
