"""Where tags lead."""

from datetime import UTC, datetime

import pytest

from chalicelib.policy import URGENCIES
from chalicelib.routing.route import Facts, Lane, Route, lane_of, more_urgent, route, to_quarantine
from tests.desk import small_desk

DESK = small_desk()
NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)


def routed(topic: str | None, urgency: str | None) -> Route:
    return route(Facts(topic=topic, urgency=urgency, at=NOON), DESK)


@pytest.mark.parametrize(
    ("topic", "urgency", "there"),
    [
        ("order", "normal", ("orders", Lane.NORMAL, "topic order")),
        ("billing", "low", ("billing", Lane.NORMAL, "topic billing")),
        ("billing", "critical", ("billing", Lane.URGENT, "topic billing")),
        ("order", "high", ("orders", Lane.URGENT, "topic order")),
        ("order", None, ("orders", Lane.NORMAL, "topic order")),
        (None, None, ("people", Lane.NORMAL, "unclassified")),
        (None, "critical", ("people", Lane.URGENT, "unclassified")),
        ("weather", "normal", ("people", Lane.NORMAL, "no queue for topic weather")),
    ],
)
def test_topic_and_urgency_choose_queue_and_lane(
    topic: str | None, urgency: str | None, there: tuple[str, Lane, str]
) -> None:
    found = routed(topic, urgency)
    assert (found.queue, found.lane, found.reason) == there
    assert (found.topic, found.urgency, found.rule) == (topic, urgency, None)


def test_every_topic_and_urgency_has_a_queue_of_the_desk() -> None:
    topics = [*DESK.topics, "never heard of", "", None]
    assert {routed(t, u).queue for t in topics for u in (*URGENCIES, None)} <= DESK.queues.keys()


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
