import numpy as np
import pytest

from training import calibrate


def test_temperature_is_found_again() -> None:
    random = np.random.default_rng(1)
    margins = random.normal(0, 2, (20_000, 5))
    shares = calibrate.probabilities(margins, 1.0)
    truth = np.array([random.choice(5, p=row) for row in shares])
    assert calibrate.temperature(margins * 3, truth) == pytest.approx(3, rel=0.05)


def test_probabilities_sum_to_one() -> None:
    margins = np.array([[1000.0, -1000, 0], [0, 0, 0]])
    assert calibrate.probabilities(margins, 0.01).sum(axis=1) == pytest.approx([1, 1])


def test_the_bound_is_clopper_and_pearsons() -> None:
    assert calibrate.precision_bound(59, 59) == pytest.approx(0.05 ** (1 / 59))
    assert calibrate.precision_bound(0, 10) == 0


def test_the_threshold_promises_precision_when_the_rows_prove_it() -> None:
    confidence = np.linspace(1, 0, 1000)
    correct = confidence > 0.4
    chosen = calibrate.threshold(confidence, correct)
    routed = confidence >= chosen.value
    assert chosen.rule == "precision"
    assert calibrate.precision_bound(int(correct[routed].sum()), int(routed.sum())) >= 0.95
    assert 0.36 < chosen.value < 0.4


def test_too_few_rows_prove_nothing_and_cost_decides() -> None:
    confidence = np.array([0.9, 0.8, 0.7, 0.6, 0.5])
    chosen = calibrate.threshold(confidence, np.array([True, True, True, False, False]))
    assert chosen == calibrate.Threshold(0.7, "cost")


def test_nothing_is_routed_when_every_route_is_wrong() -> None:
    chosen = calibrate.threshold(np.array([0.9, 0.8]), np.array([False, False]))
    assert chosen == calibrate.Threshold(1.0, "cost")


def test_equal_confidences_are_routed_together_or_not_at_all() -> None:
    confidence = np.array([0.9] * 100 + [0.5] * 100)
    correct = np.array([True] * 150 + [False] * 50)
    assert calibrate.threshold(confidence, correct).value == 0.9


def test_figures_of_a_perfect_head() -> None:
    reached = calibrate.figures(np.eye(2), np.array([0, 1]), 0.5)
    assert (reached.accuracy, reached.macro_f1, reached.coverage, reached.precision) == (1, 1, 1, 1)
    assert reached.calibration_error == 0


def test_figures_when_nothing_is_routed() -> None:
    reached = calibrate.figures(np.array([[0.6, 0.4]]), np.array([1]), 0.9)
    assert (reached.coverage, reached.precision, reached.precision_bound) == (0, None, 0)
