"""The features a model may be learnt from, and those that are chosen and weighed on some of its rows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Self

import numpy as np
from scipy.sparse import csr_matrix, hstack
from sklearn.feature_extraction.text import CountVectorizer

from classifiers import text
from classifiers.text import Document
from training import meaning
from training.calibrate import Flags, Floats, Integers
from training.weigh import Weigher

RARE_FEATURES_FROM_ROWS: Final = 500  # from so many rows on, a feature of a single document is left out
MOST_MEANINGS: Final = 20_000  # of words that were met; everyday ones are beside them


@dataclass(frozen=True, slots=True)
class Features:
    """All features that may be learnt from, and their `counts`, a row for each document.

    The first `words` are of whole words, those from `meanings` on are what words mean: of these, `everyday` tells
    which are known without being met, and `vectors` where they point.
    """

    names: Any
    counts: csr_matrix
    words: int
    meanings: int
    everyday: Flags
    vectors: Floats

    @classmethod
    def of(cls, documents: Sequence[Document]) -> Self:
        """Those that the documents have, but no meanings."""
        names, counts = _counted(documents, text.features, least_documents(len(documents)))
        told = np.array([not text.is_of_meaning(name) for name in names], bool)
        of_words = np.array([text.is_of_words(name) for name in names], bool)
        columns = np.concatenate((np.flatnonzero(of_words), np.flatnonzero(told & ~of_words)))
        return cls(
            names[columns], counts[:, columns], int(of_words.sum()), len(columns),
            np.zeros(0, bool), np.zeros((0, 0), np.float32),
        )  # fmt: skip

    def with_meanings(self, documents: Sequence[Document]) -> Self:
        """These and what the words of the same documents mean, and everyday words."""
        names, counts = _counted(documents, text.meanings, 1)
        often = np.argsort(-np.bincount(counts.indices, minlength=len(names)), kind="stable")[:MOST_MEANINGS]
        met, counts = names[often].tolist(), counts[:, often]
        everyday = [text.meaning_feature(word) for word in meaning.everyday_words()]
        more = sorted(set(everyday).difference(met))
        known = [*met, *more]
        return replace(
            self,
            names=np.concatenate((self.names, np.array(known, object))),
            counts=hstack([self.counts, counts, csr_matrix((len(documents), len(more)), dtype=np.float32)]).tocsr(),
            everyday=np.isin(known, everyday),
            vectors=meaning.vectors(list(map(text.meant_word, known))),
        )


@dataclass(frozen=True, slots=True)
class Space:
    """The features chosen on some rows, how they are weighed there, and all rows so weighed.

    `vectors` has a row for each column from `weigher.meanings` on.
    """

    columns: Integers
    weigher: Weigher
    weighed: csr_matrix
    vectors: Floats

    @classmethod
    def over(cls, features: Features, learned: Flags, limit: int, telling: Callable[[csr_matrix], Floats]) -> Self:
        """What the `learned` rows have. Of more than `limit` features besides meanings, those that tell most.

        `telling` says how much each feature tells, given the learned rows weighed.
        """
        rows = features.counts[np.flatnonzero(learned)]
        documents = np.bincount(rows.indices, minlength=rows.shape[1])
        told = np.flatnonzero(documents[: features.meanings] >= least_documents(rows.shape[0]))
        if len(told) > limit:
            weighed = _weigher(features, told).fit(rows[:, told]).transform(rows[:, told])
            told = told[np.sort(np.argsort(-telling(weighed), kind="stable")[:limit])]
        meant = np.flatnonzero((documents[features.meanings :] > 0) | features.everyday)
        columns = np.concatenate((told, features.meanings + meant))
        weigher = _weigher(features, told).fit(rows[:, columns])
        return cls(columns, weigher, weigher.transform(features.counts[:, columns]), features.vectors[meant])


def least_documents(rows: int) -> int:
    """In how many of so many documents a feature has to be to be learnt from."""
    return 2 if rows >= RARE_FEATURES_FROM_ROWS else 1


def _counted(
    documents: Sequence[Document], analyzer: Callable[[Document], list[str]], least: int
) -> tuple[Any, csr_matrix]:  # fmt: skip
    counter = CountVectorizer(analyzer=analyzer, min_df=least, dtype=np.float32)
    counts = counter.fit_transform(documents).tocsr()
    return counter.get_feature_names_out(), counts


def _weigher(features: Features, told: Integers) -> Weigher:
    return Weigher(int(np.searchsorted(told, features.words)), len(told))
