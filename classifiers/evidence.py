"""Shows the words of the customer that spoke most for a label."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from classifiers.table import Floats, Table, Vector
from classifiers.text import Word

WORDS_PER_HEAD: Final = 4


@dataclass(frozen=True, slots=True)
class Evidence:
    """A piece of the customer's own text and what it added to the head's margin.

    `text` is exactly what stands from `start` to `end` in the text that was tagged.
    """

    text: str
    start: int
    end: int
    weight: float
    head: str


@dataclass(frozen=True, slots=True)
class Claim:
    """A label to be explained: the column of `label` among its head's `columns`."""

    head: str
    columns: slice
    column: int


def explain(
    table: Table, vector: Vector, words: Sequence[Word], text: str, claims: Sequence[Claim]
) -> tuple[Evidence, ...]:
    """For each claim, up to WORDS_PER_HEAD words that spoke for it, neighbours joined, in reading order."""
    if not vector.known:
        return ()
    gains = _word_gains(table, vector, words, _gains(table, vector, claims))
    return tuple(
        evidence
        for claim, gain in zip(claims, gains, strict=True)
        for evidence in _spans(claim.head, words, gain.tolist(), text)
    )


def _gains(table: Table, vector: Vector, claims: Sequence[Claim]) -> Floats:
    """What one occurrence of each feature adds to each claimed label, above the mean of its head's labels.

    Shape (n_claims, n_features).
    """
    index = np.array(vector.features)
    weights = table.weights[index] * table.column_scale
    above = [weights[:, claim.column] - weights[:, claim.columns].mean(axis=1) for claim in claims]
    once: Floats = vector.values * table.row_scale[index] / vector.counts
    gains: Floats = np.stack(above) * once
    return gains


def _word_gains(table: Table, vector: Vector, words: Sequence[Word], gains: Floats) -> Floats:
    """Sum over each word's own features and half of each pair it is part of; shape (n_claims, n_words)."""
    position = dict(zip(vector.features, range(len(vector.features)), strict=True))
    rows = [table.word_rows(word.normal) for word in words]
    owner = np.repeat(np.arange(len(words)), [len(own) for own in rows])
    features = np.array([position[row] for own in rows for row in own], np.intp)
    pairs = table.pair_rows([word.normal for word in words])
    joined = np.array([i for i, row in enumerate(pairs) if row is not None], np.intp)
    pair_features = np.array([position[row] for row in pairs if row is not None], np.intp)
    owners = np.concatenate((owner, joined, joined + 1))
    return np.stack(
        [
            np.bincount(
                owners,
                np.concatenate((gain[features], gain[pair_features] / 2, gain[pair_features] / 2)),
                minlength=len(words),
            )
            for gain in gains
        ]
    )


def _spans(head: str, words: Sequence[Word], gains: Sequence[float], text: str) -> list[Evidence]:
    best = sorted(range(len(words)), key=lambda i: -gains[i])[:WORDS_PER_HEAD]
    chosen = sorted(i for i in best if gains[i] > 0)
    breaks = [0, *(n for n, (a, b) in enumerate(pairwise(chosen), start=1) if b != a + 1), len(chosen)]
    runs = [chosen[a:b] for a, b in pairwise(breaks) if b > a]
    return [_span(head, [words[i] for i in run], sum(gains[i] for i in run), text) for run in runs]


def _span(head: str, run: Sequence[Word], gain: float, text: str) -> Evidence:
    start, end = run[0].start, run[-1].end
    return Evidence(text=text[start:end], start=start, end=end, weight=round(gain, 4), head=head)
