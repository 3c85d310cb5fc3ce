"""Weighs counted features as the service does: tf-idf; whole words, meanings and the rest each brought to length 1.

Apart, none drowns the others: on short texts this is worth half a point of accuracy over one common length.
"""

from dataclasses import dataclass, field
from typing import Any, Self

from scipy.sparse import csr_matrix, hstack
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.preprocessing import normalize

from training.calibrate import Floats


@dataclass
class Weigher:
    """A transformer in the manner of scikit-learn's.

    The first `words` columns are features of whole words, those from `meanings` on what words mean: of these, rare
    and common ones weigh the same.
    """

    words: int
    meanings: int
    _inner: Any = field(default_factory=lambda: TfidfTransformer(norm=None, sublinear_tf=True), repr=False)

    def fit(self, counts: csr_matrix) -> Self:
        """Learns how rare each feature is."""
        self._inner.fit(counts)
        self._inner.idf_[self.meanings :] = 1
        return self

    @property
    def idf_(self) -> Floats:
        """One factor a column."""
        idf: Floats = self._inner.idf_
        return idf

    def transform(self, counts: csr_matrix) -> csr_matrix:
        """Shape as given."""
        weighed = self._inner.transform(counts).tocsr()
        parts = (weighed[:, : self.words], weighed[:, self.words : self.meanings], weighed[:, self.meanings :])
        return hstack([normalize(part) if part.shape[1] else part for part in parts]).tocsr()
