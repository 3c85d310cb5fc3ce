"""A small neural network over weighed features: their directions, one hidden layer with dropout, one margin per label.

The directions and the first layer are both linear, so the service sees one table of features by hidden units.
"""

from dataclasses import dataclass, field
from typing import Any, Final, Self

import numpy as np
from scipy.sparse import spmatrix
from scipy.special import softmax
from sklearn.decomposition import TruncatedSVD

from training.calibrate import Floats, Integers

DIRECTIONS: Final = 500
UNITS: Final = 256
EPOCHS: Final = 30
BATCH: Final = 128
FEWEST_STEPS: Final = 1_500  # small data is gone through more often
INPUT_DROPOUT: Final = 0.2
UNIT_DROPOUT: Final = 0.5
RATE: Final = 3e-3  # of the first step; falls evenly to nothing
MOMENTS: Final = (0.9, 0.999)


@dataclass
class HiddenLayer:
    """An estimator in the manner of scikit-learn's; equal seeds and data give equal weights.

    `basis` (n_features, n_directions) is where each feature points; without one, the rows' own singular directions.
    After `fit`: `inner_` (n_features, n_units), `bias_`, `outer_` (n_units, n_labels), `intercept_`, `classes_`.
    """

    basis: Floats | None = field(default=None, repr=False)
    units: int = UNITS
    seed: int = 0
    inner_: Floats = field(init=False, repr=False)
    bias_: Floats = field(init=False, repr=False)
    outer_: Floats = field(init=False, repr=False)
    intercept_: Floats = field(init=False, repr=False)
    classes_: Any = field(init=False, repr=False)

    def fit(self, counted: spmatrix, labels: Any) -> Self:
        """Learns from weighed rows and their labels."""
        self.classes_, truth = np.unique(labels, return_inverse=True)
        basis = _singular(counted, self.seed) if self.basis is None else self.basis
        inputs = (counted @ basis).astype(np.float32)
        scale = np.float32(1 / (inputs.std() or 1.0))
        first, self.bias_, self.outer_, self.intercept_ = _trained(
            inputs * scale, truth, len(self.classes_), self.units, self.seed
        )
        self.inner_ = (basis * scale) @ first.astype(float)
        return self

    def decision_function(self, counted: spmatrix) -> Floats:
        """Margins of shape (n_rows, n_labels)."""
        margins: Floats = np.maximum(counted @ self.inner_ + self.bias_, 0) @ self.outer_ + self.intercept_
        return margins


def _singular(counted: spmatrix, seed: int) -> Floats:
    directions = min(DIRECTIONS, min(counted.shape) - 1)
    found: Floats = TruncatedSVD(directions, random_state=seed, n_iter=2).fit(counted).components_.T
    return found


def _trained(inputs: Floats, truth: Integers, labels: int, units: int, seed: int) -> tuple[Floats, ...]:
    """Both layers and their biases after Adam on the cross-entropy (Kingma and Ba, arXiv 1412.6980)."""
    random = np.random.default_rng(seed)
    rows, width = inputs.shape
    wanted = np.eye(labels, dtype=np.float32)[truth]
    first = random.standard_normal((width, units), np.float32) * np.float32(np.sqrt(2 / width))
    second = random.standard_normal((units, labels), np.float32) * np.float32(np.sqrt(1 / units))
    weights = [first, np.zeros(units, np.float32), second, np.zeros(labels, np.float32)]
    means, squares = [np.zeros_like(w) for w in weights], [np.zeros_like(w) for w in weights]
    batches = -(-rows // BATCH)
    epochs = max(EPOCHS, -(-FEWEST_STEPS // batches))
    for step in range(epochs * batches):
        if step % batches == 0:
            order = random.permutation(rows)
        picked = order[step % batches * BATCH : (step % batches + 1) * BATCH]
        slopes = _slopes(weights, inputs[picked], wanted[picked], random)
        rate = RATE * (1 - step / (epochs * batches))
        fade = [1 - moment ** (step + 1) for moment in MOMENTS]
        for weight, slope, mean, square in zip(weights, slopes, means, squares, strict=True):
            mean += (1 - MOMENTS[0]) * (slope - mean)
            square += (1 - MOMENTS[1]) * (slope * slope - square)
            weight -= rate * (mean / fade[0]) / (np.sqrt(square / fade[1]) + 1e-8)
    return tuple(weight.astype(float) for weight in weights)


def _slopes(weights: list[Any], inputs: Floats, wanted: Floats, random: np.random.Generator) -> tuple[Any, ...]:
    """Gradients of one batch, some of its inputs and half of its units left out at random."""
    first, bias, second, intercept = weights
    inputs = inputs * _kept(inputs.shape, INPUT_DROPOUT, random)
    raw = inputs @ first + bias
    kept = _kept(raw.shape, UNIT_DROPOUT, random)
    active = np.maximum(raw, 0) * kept
    error = (softmax(active @ second + intercept, axis=1) - wanted) / len(wanted)
    back = (error @ second.T) * kept * (raw > 0)
    return inputs.T @ back, back.sum(axis=0), active.T @ error, error.sum(axis=0)


def _kept(shape: tuple[int, ...], dropout: float, random: np.random.Generator) -> Floats:
    kept: Floats = (random.random(shape, np.float32) >= dropout) / np.float32(1 - dropout)
    return kept
