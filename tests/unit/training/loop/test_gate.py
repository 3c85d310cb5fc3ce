"""What may serve, and what is refused with which reason."""

import tracemalloc
from collections.abc import Sequence
from math import isclose

import pytest

from classifiers.model import Tag
from training.loop.figures import Answers, figures
from training.loop.gate import FEWEST_ROWS, cost_rise, judge, mcnemar

TOPICS = ("order", "billing", "other")


def answers(truth: Sequence[str], wrong: Sequence[int] = (), abstained: Sequence[int] = ()) -> Answers:
    """Answers that are right but for the rows that are `wrong`."""
    after = dict(zip(TOPICS, (*TOPICS[1:], TOPICS[0]), strict=True))
    said = [after[true] if n in wrong else true for n, true in enumerate(truth)]
    tags = (Tag(label, 0.9, n in abstained, {label: 0.9}) for n, label in enumerate(said))
    return Answers(tuple(truth), tuple(tags))


TRUTH = TOPICS * 40  # 120 rows, 40 of each


def reasons(old: Answers, new: Answers) -> str:
    return "; ".join(judge({"topic": old}, {"topic": new}).reasons)


def test_as_good_is_good_enough() -> None:
    verdict = judge({"topic": answers(TRUTH, range(20))}, {"topic": answers(TRUTH, range(20))})
    assert verdict.passed
    assert verdict.report["compared"]["topic"]["p_not_worse"] == 1


def test_better_passes() -> None:
    assert not reasons(answers(TRUTH, range(30)), answers(TRUTH, range(5)))


def test_a_row_or_two_lost_to_chance_pass() -> None:
    assert not reasons(answers(TRUTH, range(20)), answers(TRUTH, range(22)))


def test_worse_by_more_than_chance_is_refused() -> None:
    said = reasons(answers(TRUTH), answers(TRUTH, range(6)))
    assert "topic: accuracy -5.0% (0 won, 6 lost, p = 0.016): worse by more than chance" in said


def test_a_large_loss_is_refused_even_if_it_may_be_chance() -> None:
    truth = TOPICS * 20
    old, new = answers(truth, range(10)), answers(truth, range(4, 18))
    said = reasons(old, new)
    assert "topic: accuracy -6.7% (4 won, 8 lost, p = 0.194): more than 3% lost" in said


def test_a_topic_whose_recall_falls_is_refused_even_where_others_gain() -> None:
    orders = [n for n, topic in enumerate(TRUTH) if topic == "order"]
    others = [n for n, topic in enumerate(TRUTH) if topic == "other"]
    said = reasons(answers(TRUTH, others[:10]), answers(TRUTH, orders[:8]))
    assert said == "topic order: recall falls from 100.0% to 80.0% of 40"


def test_of_a_rare_topic_two_messages_are_no_fall() -> None:
    truth = (*TOPICS[:2] * 60, "other", "other")
    assert not reasons(answers(truth), answers(truth, [120, 121]))


def test_a_message_that_costs_more_is_refused() -> None:
    said = reasons(answers(TRUTH), answers(TRUTH, abstained=range(60)))
    assert "topic: a message costs +0.150 more (95 % interval" in said


def test_urgency_is_guarded_too() -> None:
    fine = {"topic": answers(TRUTH), "urgency": answers(TRUTH)}
    verdict = judge(fine, {"topic": answers(TRUTH), "urgency": answers(TRUTH, range(12))})
    assert all(reason.startswith("urgency: ") for reason in verdict.reasons)
    assert not verdict.passed


def test_few_rows_judge_nothing() -> None:
    truth = TOPICS * (FEWEST_ROWS // 3 - 1)
    assert "27 messages with a topic; 30 are needed" in reasons(answers(truth), answers(truth))
    assert not judge({}, {}).passed


def test_different_rows_cannot_be_compared() -> None:
    with pytest.raises(ValueError, match="the same rows"):
        judge({"topic": answers(TRUTH)}, {"topic": answers(TRUTH[::-1])})


@pytest.mark.parametrize(
    ("won", "lost", "p"), [(0, 0, 1), (0, 1, 0.5), (0, 4, 1 / 16), (1, 5, 7 / 64), (5, 0, 1), (2, 8, 56 / 1024)]
)
def test_mcnemar_is_exact(won: int, lost: int, p: float) -> None:
    assert isclose(mcnemar(won, lost), p)


def test_mcnemar_bears_large_numbers() -> None:
    assert mcnemar(900, 1100) < 1e-5 < mcnemar(1000, 1000)


def test_the_bootstrap_is_the_same_each_time_and_holds_the_mean() -> None:
    old, new = answers(TRUTH, range(10)), answers(TRUTH, range(5, 20))
    rise, low, high = cost_rise(old, new)
    assert (rise, low, high) == cost_rise(old, new)
    assert low < rise < high
    assert isclose(rise, 5 / 120)


def test_a_hold_out_that_grew_for_years_needs_little_memory() -> None:
    truth = TOPICS * 2_000
    old, new = answers(truth, range(50)), answers(truth, range(60))
    tracemalloc.start()
    cost_rise(old, new)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10_000_000


def test_figures_of_a_head() -> None:
    found = figures(answers(TRUTH, range(12), abstained=[0, 1, 119]))
    assert (found.rows, found.accuracy) == (120, 0.9)
    assert found.coverage == 117 / 120
    assert found.precision == 107 / 117
    assert isclose(found.cost, (3 * 0.3 + 10) / 120)
    assert {name: one.rows for name, one in found.labels.items()} == dict.fromkeys(TOPICS, 40)
    assert found.labels["order"].recall == 0.9


def test_a_label_the_model_does_not_know_is_one_it_never_finds() -> None:
    found = figures(Answers(("strange", "order"), tuple(Tag("order", 0.9, False, {}) for _ in range(2))))
    assert (found.labels["strange"].recall, found.labels["strange"].precision) == (0.0, None)
    assert found.labels["order"].precision == 0.5
