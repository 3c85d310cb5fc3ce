"""What the desk's rules make of a message."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from chalicelib.routing.route import Facts, Lane, conditions, route, said
from tests.desk import NOW, ruled_desk

DESK = ruled_desk()
EVENING = datetime(2026, 3, 2, 20, tzinfo=UTC)


def facts(**changed: Any) -> Facts:
    given = {"topic": "order", "urgency": "normal", "at": NOW, "language": "en", "channel": "mail",
             "source": "help@shop.example.com"}  # fmt: skip
    return Facts(**{**given, **changed})


def spoken(subject: str, body: str = "", **changed: Any) -> Facts:
    return facts(said=said(subject, body, DESK), **changed)


@pytest.mark.parametrize(
    ("asked", "rule", "queue", "lane"),
    [
        (facts(), None, "orders", Lane.NORMAL),
        (facts(marks=frozenset({"vip"})), "vip-first", "billing", Lane.URGENT),
        (facts(marks=frozenset({"partner"})), None, "orders", Lane.NORMAL),
        (facts(language="de", at=EVENING), "evening", "people", Lane.NORMAL),
        (facts(language="de"), None, "orders", Lane.NORMAL),
        (facts(language="pl", at=EVENING), None, "orders", Lane.NORMAL),
        (spoken("My Lawyer"), "law", "people", Lane.URGENT),
        (spoken("", "a court  ORDER came"), "law", "people", Lane.URGENT),
        (spoken("a son-in-law who is a lawyer"), None, "orders", Lane.NORMAL),
        (spoken("lawyer", urgency="critical"), "law", "people", Lane.URGENT),
        (spoken("Invoices of May"), "invoices", "billing", Lane.NORMAL),
        (spoken("Question", "invoices"), None, "orders", Lane.NORMAL),  # it looks at the subject alone
        (spoken("Invoice", channel="chat"), None, "orders", Lane.NORMAL),
        (spoken("Invoice", source="other@shop.example.com"), None, "orders", Lane.NORMAL),
        (spoken("Invoice of a lawyer", marks=frozenset({"vip"})), "vip-first", "billing", Lane.URGENT),  # the first
        (spoken("Invoice of a lawyer"), "law", "people", Lane.URGENT),
        (facts(topic=None), None, "people", Lane.NORMAL),
        (facts(topic=None, marks=frozenset({"vip"})), "vip-first", "billing", Lane.URGENT),
    ],
)
def test_first_rule_that_fits_decides(asked: Facts, rule: str | None, queue: str, lane: Lane) -> None:
    there = route(asked, DESK)
    assert (there.rule.name if there.rule else None, there.queue, there.lane) == (rule, queue, lane)
    assert there.reason == (f"rule {rule}" if rule else "topic order" if asked.topic else "unclassified")


def test_rule_raises_the_urgency_and_never_lowers_it() -> None:
    found = [route(spoken("lawyer", urgency=u), DESK).urgency for u in (None, "low", "normal", "high", "critical")]
    assert found == ["high", "high", "high", "high", "critical"]


def test_what_may_be_spam_rings_nobody_first_unless_a_rule_of_the_desk_says_so() -> None:
    loud = facts(topic="other", urgency="critical")
    found = [
        route(asked, DESK).lane for asked in (loud, replace(loud, said=frozenset({"law"})), replace(loud, topic=None))
    ]
    assert found == [Lane.NORMAL, Lane.URGENT, Lane.URGENT]


def test_rule_says_another_topic() -> None:
    there = route(spoken("Invoice", topic=None), DESK)
    assert (there.topic, there.queue) == ("billing", "billing")


def test_why_a_rule_does_not_fit_can_be_told() -> None:
    told = [(c.name, c.there, c.holds) for c in conditions(DESK.rules.routing[1], facts(at=EVENING))]
    assert told == [("language", "en", False), ("hours", "2026-03-02 20:00 UTC", True)]
