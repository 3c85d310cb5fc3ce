"""Shows the words of the customer that spoke most for a label."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from classifiers import text
from classifiers.table import Floats, Table, Vector

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
    table: Table, vector: Vector, words: Sequence[str], tagged: str, claims: Sequence[Claim]
) -> tuple[Evidence, ...]:
    """For each claim, up to WORDS_PER_HEAD words that spoke for it, neighbours joined, in reading order."""
    if not vector.known:
        return ()
    places = text.places(tagged)
    gains = _word_gains(table, vector, words, claims)
    return tuple(
        evidence
        for claim, gain in zip(claims, gains, strict=True)
        for evidence in _spans(claim.head, gain, places, tagged)
    )


def _feature_gains(table: Table, vector: Vector, claims: Sequence[Claim]) -> Floats:
    """What one occurrence of each feature adds to each claimed label, above the mean of its head's labels.

    Shape (n_claims, n_features).
    """
    above = np.zeros((len(claims), len(table.column_scale)), table.idf.dtype)
    for row, claim in zip(above, claims, strict=True):
        row[claim.columns] = -1 / (claim.columns.stop - claim.columns.start)
        row[claim.column] += 1
    gains: Floats = (above * table.column_scale) @ vector.weights.T
    of_blocks = [block.start for block in table.blocks]
    scales = table.row_scale[vector.features].T
    gains *= vector.values / vector.counts
    gains *= scales[[of_blocks.index(claim.columns.start) for claim in claims]]
    return gains


def _word_gains(table: Table, vector: Vector, words: Sequence[str], claims: Sequence[Claim]) -> list[list[float]]:
    """For each claim, each word's gain: the sum over its own features and half of each pair it is part of."""
    feature_gains = _feature_gains(table, vector, claims)
    lengths = [len(table.word_rows(word)) for word in words]
    owners = np.arange(len(words)).repeat(lengths)
    own = vector.features.searchsorted(vector.occurrences[: len(owners)])
    gains = [np.bincount(owners, gain[own], len(words)).tolist() for gain in feature_gains]
    pairs = [
        (first, first + distance, row)
        for distance, rows in enumerate(vector.pairs, start=1)
        for first, row in enumerate(rows)
        if row is not None
    ]
    if pairs:
        halves = feature_gains[:, vector.features.searchsorted([row for *_, row in pairs])] / 2
        for gain, half in zip(gains, halves.tolist(), strict=True):
            for (first, second, _), share in zip(pairs, half, strict=True):
                gain[first] += share
                gain[second] += share
    return gains


def _spans(head: str, gains: Sequence[float], places: Sequence[tuple[int, int]], tagged: str) -> list[Evidence]:
    best = sorted(zip(gains, range(len(gains)), strict=True), reverse=True)[:WORDS_PER_HEAD]
    runs: list[list[int]] = []
    for i in sorted([i for gain, i in best if gain > 0]):
        if runs and runs[-1][-1] == i - 1:
            runs[-1].append(i)
        else:
            runs.append([i])
    return [_span(head, run, gains, places, tagged) for run in runs]


def _span(
    head: str, run: list[int], gains: Sequence[float], places: Sequence[tuple[int, int]], tagged: str
) -> Evidence:
    start, end = places[run[0]][0], places[run[-1]][1]
    return Evidence(tagged[start:end], start, end, round(sum([gains[i] for i in run]), 4), head)
