import numpy as np
import pytest

from classifiers.model import AS_IT_IS, Sharpness
from training import calibrate


def drawn(margins: calibrate.Floats, random: np.random.Generator) -> calibrate.Integers:
    return np.array([random.choice(len(row), p=row) for row in calibrate.probabilities(margins)])


def test_the_temperature_of_one_part_is_found_again() -> None:
    random = np.random.default_rng(1)
    margins = random.normal(0, 2, (20_000, 5))
    assert calibrate.blend([margins * 3], drawn(margins, random)) == pytest.approx([1 / 3], rel=0.05)


def test_the_factors_of_two_parts_are_found_again() -> None:
    random = np.random.default_rng(2)
    first, second = random.normal(0, 1, (2, 20_000, 4))
    truth = drawn(2 * first + 0.5 * second, random)
    assert calibrate.blend([first, second], truth) == pytest.approx([2, 0.5], rel=0.1)


@pytest.mark.parametrize("sharpness", [(1.6, 1.2, 0.9, 0.8, 0.7), (0.7, 1.2, 1.0, 1.3, 1.2)])
def test_a_sharpness_that_changes_with_confidence_is_found_again(sharpness: Sharpness) -> None:
    random = np.random.default_rng(6)
    margins = random.normal(0, 2, (40_000, 4))
    meant = calibrate.sharpened(margins, sharpness)
    truth = np.array([random.choice(4, p=row) for row in meant])
    assert calibrate.sharpness(margins, truth) == pytest.approx(sharpness, rel=0.15)


@pytest.mark.parametrize("labels", [2, 5])
def test_sharpened_shares_sum_to_one_and_keep_their_order(labels: int) -> None:
    margins = np.random.default_rng(7).normal(0, 3, (500, labels))
    for sharpness in ((7.0, 0.2, 0.2, 5.0, 0.2), (0.2, 7.0, 3.0, 0.2, 7.0)):
        shares = calibrate.sharpened(margins, sharpness)
        assert shares.sum(axis=1) == pytest.approx(np.ones(500))
        assert (shares.argmax(axis=1) == margins.argmax(axis=1)).all()


def test_what_is_calibrated_or_too_little_to_tell_is_left_as_it_is() -> None:
    """Or moved by next to nothing, where chance would have it."""
    moved = []
    for seed in range(20):
        random = np.random.default_rng(seed)
        margins = random.normal(0, 2, (2_000, 4))
        sharpness = calibrate.sharpness(margins, drawn(margins, random))
        moved.append(np.abs(calibrate.sharpened(margins, sharpness) - calibrate.probabilities(margins)).max())
    assert sorted(moved)[10] < 0.01
    assert max(moved) < 0.1
    margins = np.array([[2.0, 0], [0, 3], [4, 1]])
    assert calibrate.sharpness(margins, np.array([0, 1, 0])) == pytest.approx(AS_IT_IS, abs=0.5)


def test_only_parts_that_help_are_useful() -> None:
    random = np.random.default_rng(3)
    telling, noise = random.normal(0, 2, (2, 5_000, 3))
    truth = drawn(telling, random)
    assert calibrate.useful({"noise": noise, "telling": telling, "same": telling * 2}, truth) in (
        ("telling",),
        ("same",),
    )


def test_what_chance_may_have_gained_is_no_gain() -> None:
    """Of few rows a part of pure noise often explains some; it has to explain more than its own scatter."""
    taken = 0
    for seed in range(100):
        random = np.random.default_rng(seed)
        sound, noise = random.normal(0, 2, (2, 40, 3))
        taken += "noise" in calibrate.useful({"sound": sound, "noise": noise}, drawn(sound, random))
    assert taken <= 25


def test_a_part_of_little_but_certain_help_is_taken() -> None:
    random = np.random.default_rng(4)
    first, second = random.normal(0, 2, (2, 20_000, 3))
    truth = drawn(first + 0.2 * second, random)
    assert calibrate.useful({"first": first, "second": second}, truth) == ("first", "second")


def test_probabilities_sum_to_one() -> None:
    margins = np.array([[1000.0, -1000, 0], [0, 0, 0]])
    assert calibrate.probabilities(margins).sum(axis=1) == pytest.approx([1, 1])


def test_the_bound_is_clopper_and_pearsons() -> None:
    assert calibrate.precision_bound(59, 59) == pytest.approx(0.05 ** (1 / 59))
    assert calibrate.precision_bound(0, 10) == 0


def test_the_threshold_promises_precision_when_the_rows_prove_it() -> None:
    confidence = np.linspace(1, 0, 1000)
    correct = confidence > 0.8
    chosen = calibrate.threshold(confidence, correct)
    routed = confidence >= chosen.value
    assert chosen.rule == "precision"
    assert calibrate.precision_bound(int(correct[routed].sum()), int(routed.sum())) >= 0.95
    assert 0.76 < chosen.value < 0.8


def test_what_is_safe_but_likelier_wrong_than_a_look_is_worth_goes_to_people() -> None:
    confidence = np.linspace(1, 0, 1000)
    assert calibrate.threshold(confidence, confidence > 0.2) == calibrate.Threshold(calibrate.WORTH_ROUTING, "cost")


def test_too_few_rows_prove_nothing_and_nothing_is_routed() -> None:
    confidence = np.array([0.9, 0.8, 0.7, 0.6, 0.5])
    assert calibrate.threshold(confidence, np.ones(5, bool)) == calibrate.Threshold(1.0, "none")


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


def test_what_is_worth_routing_is_as_precise_as_promised_by_itself() -> None:
    """The unsure rows, which are right and never routed, prove nothing of the sure ones."""
    confidence = np.array([0.9] * 20 + [0.6] * 1000)
    correct = np.array([True, False] * 10 + [True] * 1000)
    assert calibrate.threshold(confidence, correct) == calibrate.Threshold(1.0, "none")


def test_of_what_is_worth_routing_only_what_is_safe_is_routed() -> None:
    confidence = np.array([0.9] * 200 + [0.75] * 20 + [0.6] * 1000)
    correct = np.array([True] * 200 + [False] * 20 + [True] * 1000)
    assert calibrate.threshold(confidence, correct) == calibrate.Threshold(0.9, "precision")
