"""The weights of all heads over one vocabulary, and what a document weighs in them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import sqrt
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from classifiers import text

Floats = NDArray[np.floating[Any]]
Integers = NDArray[np.integer[Any]]

_REMEMBERED_WORDS: Final = 20_000  # some 10 MB when full; most words of a message were looked up before
_NOTHING: Final = np.empty(0, np.intp)


@dataclass(frozen=True, slots=True)
class Vector:
    """A document in the table's terms.

    `occurrences`: the row of every known feature as it occurs, the words' own first and in turn.
    `pairs`: by distance from 1, for each word that has one so far behind it, the row of their pair, or None.
    `features`: the different rows among them, sorted; `counts`, `values` (tf-idf; those of words, of meanings and of
    the rest each of length 1) and `weights` (shape (n_features, n_columns), still to be scaled by row and column) go
    with it.
    `margins`: one per column. `known`: whether the table knows any word of the text.
    """

    occurrences: Integers
    pairs: list[list[int | None]]
    features: Integers
    counts: Integers
    values: Floats
    weights: Floats
    margins: Floats
    known: bool


@dataclass(frozen=True, slots=True)
class Table:
    """weight[i, j] = weights[i, j] * row_scale[i, block of j] * column_scale[j]; safe to share between threads.

    A row is a feature of the vocabulary, the first `words` of them features of whole words, those from `meanings` on
    what words mean. A column is a label of a head or a hidden unit; columns that belong together are a block, and the
    blocks stand in turn.
    """

    vocabulary: dict[str, int]
    words: int
    meanings: int
    idf: Floats
    weights: NDArray[Any]
    blocks: tuple[slice, ...]
    row_scale: Floats
    column_scale: Floats
    intercept: Floats
    _remembered: dict[str, tuple[Integers, str]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def word_rows(self, word: str) -> Integers:
        """Rows of the features of one `spelled` word that the table knows."""
        return self._word(word)[0]

    def vector(self, document: text.Document, words: Sequence[str]) -> Vector:
        """The document, whose `spelled` words these are, weighed for all columns at once."""
        find, looked_up = self.vocabulary.get, list(map(self._word, words))
        stems = [stem for _, stem in looked_up]
        pairs = [list(map(find, map(joined, stems, stems[far:]))) for far, joined in text.PAIR_FEATURES.items()]
        more = [row for rows in pairs for row in rows if row is not None]
        of_words = [rows for rows, _ in looked_up]
        known = bool(more) or any(map(len, of_words))
        more += self._rows(text.facts(document, words))
        return self._weighed(np.concatenate((_NOTHING, *of_words, np.array(more, np.intp))), pairs, known)

    def _word(self, word: str) -> tuple[Integers, str]:
        """`word_rows` and the stem of the word."""
        found = self._remembered.get(word)
        if found is None:
            found = np.array(self._rows(text.word_features(word)), np.intp), text.stem(word)
            if len(self._remembered) >= _REMEMBERED_WORDS:
                self._remembered.clear()
            self._remembered[word] = found
        return found

    def _rows(self, features: Iterable[str]) -> list[int]:
        vocabulary = self.vocabulary
        return [vocabulary[feature] for feature in features if feature in vocabulary]

    def _weighed(self, occurrences: Integers, pairs: list[list[int | None]], known: bool) -> Vector:
        features, counts = _counted(occurrences)
        kind = self.idf.dtype
        values = (np.log(counts) + 1).astype(kind) * self.idf[features]
        words, meanings = features.searchsorted((self.words, self.meanings)).tolist()
        for part in (values[:words], values[words:meanings], values[meanings:]):
            if len(part):
                part *= 1 / sqrt(float(part @ part) or 1.0)
        weights = self.weights[features].astype(kind)
        scaled = (values[:, None] * self.row_scale[features]).T
        margins = np.concatenate([scale @ weights[:, block] for scale, block in zip(scaled, self.blocks, strict=True)])
        margins *= self.column_scale
        margins += self.intercept
        return Vector(occurrences, pairs, features, counts, values, weights, margins, known)


def _counted(occurrences: Integers) -> tuple[Integers, Integers]:
    """Different rows, sorted, and how often each occurs; `np.unique` takes twice the time."""
    ranked = occurrences.copy()
    ranked.sort()
    edge = np.ones(len(ranked) + 1, np.bool_)
    np.not_equal(ranked[1:], ranked[:-1], out=edge[1:-1])
    edges = edge.nonzero()[0] if len(ranked) else np.zeros(1, np.intp)
    return ranked[edges[:-1]], edges[1:] - edges[:-1]
