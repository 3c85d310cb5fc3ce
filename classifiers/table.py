"""The weights of all heads over one vocabulary, and what a document weighs in them."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from classifiers import text

Floats = NDArray[np.floating[Any]]
_REMEMBERED_WORDS: Final = 20_000  # some 15 MB when full; most words of a message were looked up before


@dataclass(frozen=True, slots=True)
class Vector:
    """A document in the table's terms: its different features, how often each occurs, and its tf-idf.

    `values` has length 1 (or is empty when the table knows nothing in the document); `margins` has one
    entry per column of the table; `known` is whether the table knows any word of the text.
    """

    features: tuple[int, ...]
    counts: Floats
    values: Floats
    margins: list[float]
    known: bool


@dataclass(frozen=True, slots=True)
class Table:
    """weight[i, j] = weights[i, j] * row_scale[i] * column_scale[j]; safe to share between threads.

    A row is a feature of the vocabulary, a column a label; the labels of all heads stand in turn.
    """

    vocabulary: dict[str, int]
    idf: Floats
    weights: NDArray[Any]
    row_scale: Floats
    column_scale: Floats
    intercept: Floats
    _known: dict[str, tuple[int, ...]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def word_rows(self, word: str) -> tuple[int, ...]:
        """Rows of the features of one word that the table knows."""
        rows = self._known.get(word)
        if rows is None:
            rows = self._rows(text.word_features(word))
            if len(self._known) >= _REMEMBERED_WORDS:
                self._known.clear()
            self._known[word] = rows
        return rows

    def pair_rows(self, words: Sequence[str]) -> list[int | None]:
        """For each word but the last, the row of its pair with the next, or None where the table has none."""
        return list(map(self.vocabulary.get, map(text.pair_feature, words, words[1:])))

    def vector(self, document: text.Document, words: Sequence[str]) -> Vector:
        """The document, whose words these are, weighed for all columns at once."""
        rows: list[int] = []
        for word in words:
            rows += self.word_rows(word)
        rows += [row for row in self.pair_rows(words) if row is not None]
        known = bool(rows)
        rows += self._rows(text.marks(document.text))
        if document.channel:
            rows += self._rows([text.channel_feature(document.channel)])
        return self._weighed(rows, known)

    def _rows(self, features: Iterable[str]) -> tuple[int, ...]:
        vocabulary = self.vocabulary
        return tuple([vocabulary[feature] for feature in features if feature in vocabulary])

    def _weighed(self, rows: list[int], known: bool) -> Vector:
        counted = Counter(rows)
        features = tuple(counted)
        if not features:
            nothing = np.empty(0, self.idf.dtype)
            return Vector((), nothing, nothing, self.intercept.tolist(), known)
        kind = self.idf.dtype
        index = np.array(features)
        counts = np.array(tuple(counted.values()), kind)
        values = (np.log(counts) + 1) * self.idf[index]
        values /= np.sqrt(values @ values)
        margins = (values * self.row_scale[index]) @ self.weights[index].astype(kind)
        margins = margins * self.column_scale + self.intercept
        return Vector(features, counts, values, margins.tolist(), known)
