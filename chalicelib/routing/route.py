"""Where an item goes: one routing function for every way in."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from chalicelib.policy import QUARANTINE, URGENCIES, Policy
from chalicelib.rules import Rule
from chalicelib.wording import said_in


class Lane(StrEnum):
    """The two lanes of a queue; urgent is rung first."""

    URGENT = "urgent"
    NORMAL = "normal"


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """All that routing looks at.

    `topic` is None when the classifier abstained or is missing, `urgency` None when it is missing. `source` is the
    mailbox or installation, `marks` what the customer is marked as, `said` the rules whose words stand in his text.
    """

    topic: str | None
    urgency: str | None
    at: datetime
    language: str = "und"
    channel: str = ""
    source: str = ""
    marks: frozenset[str] = frozenset()
    said: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Route:
    """A queue of the desk, its lane, and why: for `topic` and `urgency`, by the desk's `rule` (None: none fits)."""

    queue: str
    lane: Lane
    reason: str
    topic: str | None = None
    urgency: str | None = None
    rule: Rule | None = None


@dataclass(frozen=True, slots=True)
class Condition:
    """One thing a rule asks of a message: what it wants, what is there, and whether that will do."""

    name: str
    wanted: str
    there: str
    holds: bool


def route(facts: Facts, policy: Policy) -> Route:
    """The route of a message: by the first rule of the desk that fits, else by what the model says.

    Where the model says nothing a person decides, and nothing is called urgent that no one has read.
    """
    rule = next((rule for rule in policy.rules.routing if fits(rule, facts)), None)
    return _ruled(rule, facts, policy) if rule else by_topic(facts.topic, facts.urgency, policy)


def by_topic(topic: str | None, urgency: str | None, policy: Policy) -> Route:
    """The route of a message of which no rule speaks. What is spam is never urgent: it calls itself so."""
    lane = Lane.NORMAL if topic in policy.rules.spam else lane_of(urgency, policy)
    known = policy.topics.get(topic) if topic else None
    if known is None:
        reason = "unclassified" if topic is None else f"no queue for topic {topic}"
        return Route(policy.people_queue, lane, reason, topic, urgency)
    return Route(known.queue, lane, f"topic {known.name}", topic, urgency)


def said(subject: str, body: str, policy: Policy) -> frozenset[str]:
    """The rules whose words stand in a text: all that is remembered of it for routing it again."""
    return frozenset(rule.name for rule in policy.rules.routing if rule.reads and _speaks_of(rule, subject, body))


def fits(rule: Rule, facts: Facts) -> bool:
    """Whether all that a rule asks is so."""
    return all(condition.holds for condition in conditions(rule, facts))


def conditions(rule: Rule, facts: Facts) -> Iterator[Condition]:
    """What a rule asks of a message, one by one."""
    asked = (
        ("topic", rule.topics, facts.topic),
        ("urgency", rule.urgencies, facts.urgency),
        ("language", rule.languages, facts.language),
        ("channel", rule.channels, facts.channel),
        ("source", rule.sources, facts.source),
    )
    for name, wanted, there in asked:
        if wanted:
            yield Condition(name, " or ".join(sorted(wanted)), there or "unknown", there in wanted)
    if rule.marks:
        there = ", ".join(sorted(facts.marks)) or "none"
        yield Condition("mark", " or ".join(sorted(rule.marks)), there, not rule.marks.isdisjoint(facts.marks))
    if rule.reads:
        holds = rule.name in facts.said
        yield Condition("words", "its words", "found" if holds else "not found", holds)
    if rule.hours:
        yield Condition("hours", str(rule.hours), f"{facts.at:%Y-%m-%d %H:%M} UTC", rule.hours.hold(facts.at))


def lane_of(urgency: str | None, policy: Policy) -> Lane:
    """The lane of an urgency."""
    return Lane.URGENT if urgency in policy.urgent else Lane.NORMAL


def to_quarantine(reason: str) -> Route:
    """The route of a delivery that could not be read or must not be trusted."""
    return Route(QUARANTINE, Lane.NORMAL, reason)


def more_urgent(first: Lane, second: Lane) -> Lane:
    """The more urgent of two lanes."""
    return Lane.URGENT if Lane.URGENT in (first, second) else Lane.NORMAL


def at_least(urgency: str | None, least: str) -> str:
    """The urgency, or `least` where it is lower or none is known."""
    known = urgency if urgency in URGENCIES else None
    return max(known, least, key=URGENCIES.index) if known else least


def _ruled(rule: Rule, facts: Facts, policy: Policy) -> Route:
    topic = rule.topic or facts.topic
    urgency = rule.urgency or (at_least(facts.urgency, rule.at_least) if rule.at_least else facts.urgency)
    without = by_topic(topic, urgency, policy)
    lane = lane_of(urgency, policy) if rule.urgency or rule.at_least else without.lane
    return Route(
        rule.queue or without.queue, Lane(rule.lane) if rule.lane else lane, f"rule {rule.name}", topic, urgency, rule
    )


def _speaks_of(rule: Rule, subject: str, body: str) -> bool:
    wanted = ((rule.words, (subject, body)), (rule.subject, (subject,)), (rule.body, (body,)))
    return all(said_in(phrases, texts) for phrases, texts in wanted if phrases) and not said_in(
        rule.unless, (subject, body)
    )
