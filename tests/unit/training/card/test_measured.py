from itertools import product
from math import prod

import numpy as np
import pytest

from classifiers.model import Tag
from training.card import measured
from training.card.measured import Share
from training.loop.figures import Answers


def answers(*rows: tuple[str, str, float]) -> Answers:
    """Of rows of truth, label said and confidence; less than half sure abstains."""
    tags = tuple(Tag(said, sure, sure < 0.5, {said: sure}) for _, said, sure in rows)
    return Answers(tuple(true for true, _, _ in rows), tags)


@pytest.mark.parametrize(
    ("share", "low", "high"),
    [(Share(8, 10), 0.4439, 0.9748), (Share(0, 10), 0.0, 0.3085), (Share(10, 10), 0.6915, 1.0), (Share(0, 0), 0, 1)],
)
def test_intervals_are_those_of_clopper_and_pearson(share: Share, low: float, high: float) -> None:
    assert share.interval == pytest.approx((low, high), abs=1e-4)


def test_the_band_holds_what_counting_all_outcomes_says() -> None:
    confidence = [0.3, 0.5, 0.6, 0.8, 0.9, 0.95]
    chance = [0.0] * 7
    for outcome in product((0, 1), repeat=6):
        chance[sum(outcome)] += prod(c if hit else 1 - c for c, hit in zip(confidence, outcome, strict=True))
    low, high = (round(6 * edge) for edge in measured.band(np.array(confidence)))
    assert sum(chance[:low]) < 0.025 <= sum(chance[: low + 1])
    assert sum(chance[high + 1 :]) <= 0.025 < sum(chance[high:])


def test_nobody_is_surer_than_sure() -> None:
    assert measured.band(np.ones(5)) == (1, 1)
    assert measured.band(np.zeros(5)) == (0, 0)


def test_cuts_take_equal_confidences_together() -> None:
    found = measured.cuts(answers(("a", "a", 0.9), ("a", "b", 0.7), ("b", "b", 0.7), ("b", "a", 0.4)))
    assert [(cut.confidence, cut.coverage, cut.precision) for cut in found] == [
        (0.9, 0.25, 1.0),
        (0.7, 0.75, pytest.approx(2 / 3)),
        (0.4, 1.0, 0.5),
    ]


def test_bins_are_of_equal_mass_and_fewer_for_few() -> None:
    rows = [("a", "a" if sure > 0.5 else "b", sure) for sure in np.linspace(0.1, 0.99, 25).tolist()]
    bins = measured.reliability(answers(*rows))
    assert [one.right.whole for one in bins] == [3, 3, 3, 3, 3, 2, 2, 2, 2, 2]
    assert sum(one.right.part for one in bins) == sum(sure > 0.5 for _, _, sure in rows)
    assert len(measured.reliability(answers(*rows[:4]))) == 4


def test_urgency_is_judged_by_its_order_whatever_order_the_model_has() -> None:
    labels, costs = ("critical", "low", "normal"), ((0, 9, 5), (2, 0, 1), (1, 1, 0))
    rows = answers(
        ("critical", "critical", 0.9), ("critical", "low", 0.9), ("low", "normal", 0.9), ("normal", "normal", 0.9)
    )  # fmt: skip
    found = measured.urgency(rows, labels, costs)
    assert found is not None
    assert (found.worst, found.found, found.called) == ("critical", Share(1, 2), Share(1, 4))
    assert found.cost == (0 + 9 + 1 + 0) / 4
    assert found.cost_of_best_guess == min(0 + 0 + 2 + 1, 9 + 9 + 0 + 1, 5 + 5 + 1 + 0) / 4
    truth, said = np.array([2, 2, 0, 1]), np.array([2, 0, 1, 1])
    by_chance = np.mean((truth[:, None] - said[None, :]) ** 2)
    assert found.kappa == pytest.approx(1 - np.mean((truth - said) ** 2) / by_chance)


def test_labels_without_a_known_order_have_no_kappa() -> None:
    assert measured.urgency(answers(("soon", "soon", 0.9)), ("soon", "later"), ()) is None


def test_spam_counts_what_is_caught_and_who_is_wronged() -> None:
    rows = answers(("spam", "spam", 0.9), ("spam", "a", 0.9), ("a", "spam", 0.9), ("a", "a", 0.9), ("b", "a", 0.9))
    assert measured.spam(rows, "spam") == (Share(1, 2), Share(1, 3))


def test_frequent_mistakes_come_first() -> None:
    rows = answers(("a", "b", 0.9), ("c", "a", 0.9), ("c", "a", 0.9), ("a", "a", 0.9))
    assert list(measured.mistaken(rows).items()) == [(("c", "a"), 2), (("a", "b"), 1)]
