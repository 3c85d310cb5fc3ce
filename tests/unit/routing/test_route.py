"""Where tags lead."""

import pytest

from chalicelib.policy import URGENCIES
from chalicelib.routing.route import Lane, Route, lane_of, more_urgent, route, to_quarantine
from tests.desk import small_desk

DESK = small_desk()


@pytest.mark.parametrize(
    ("topic", "urgency", "there"),
    [
        ("order", "normal", Route("orders", Lane.NORMAL, "topic order")),
        ("billing", "low", Route("billing", Lane.NORMAL, "topic billing")),
        ("billing", "critical", Route("billing", Lane.URGENT, "topic billing")),
        ("order", "high", Route("orders", Lane.URGENT, "topic order")),
        ("order", None, Route("orders", Lane.NORMAL, "topic order")),
        (None, None, Route("people", Lane.NORMAL, "unclassified")),
        (None, "critical", Route("people", Lane.URGENT, "unclassified")),
        ("weather", "normal", Route("people", Lane.NORMAL, "no queue for topic weather")),
    ],
)
def test_topic_and_urgency_choose_queue_and_lane(topic: str | None, urgency: str | None, there: Route) -> None:
    assert route(topic, urgency, DESK) == there


def test_every_topic_and_urgency_has_a_queue_of_the_desk() -> None:
    topics = [*DESK.topics, "never heard of", "", None]
    assert {route(t, u, DESK).queue for t in topics for u in (*URGENCIES, None)} <= DESK.queues.keys()


def test_quarantine_is_a_queue_of_every_desk() -> None:
    there = to_quarantine("a virus")
    assert there == Route("quarantine", Lane.NORMAL, "a virus")
    assert there.queue in DESK.queues


def test_of_two_lanes_the_urgent_one_counts() -> None:
    urgent, normal = Lane.URGENT, Lane.NORMAL
    pairs = [(urgent, normal), (normal, urgent), (urgent, urgent), (normal, normal)]
    assert [more_urgent(*pair) for pair in pairs] == [urgent, urgent, urgent, normal]


@pytest.mark.parametrize(
    ("urgency", "lane"),
    [
        ("critical", "urgent"),
        ("high", "urgent"),
        ("normal", "normal"),
        ("low", "normal"),
        ("soon", "normal"),
        (None, "normal"),
    ],
)
def test_the_desk_says_which_urgencies_are_rung_first(urgency: str | None, lane: str) -> None:
    assert lane_of(urgency, DESK) == lane
