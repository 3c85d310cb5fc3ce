"""How routing places an item, and where it would place it now. Pure."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from chalicelib.intake.message import Message
from chalicelib.item.change import Change, Step
from chalicelib.item.item import Contacts, Customer, EventType, Item, Sorting, Tagging
from chalicelib.item.offer import Agents, into_queue, offered_to_another
from chalicelib.item.state import Action
from chalicelib.item.steps import at_rest, stepped, told, waits
from chalicelib.policy import QUARANTINE, Policy
from chalicelib.routing import urgency
from chalicelib.routing.route import Facts, Route, by_topic, more_urgent, route, said

#: So often an item is moved because rules say otherwise by now; then it is handed out where it is.
MOST_MOVES: Final = 6


def routed(tags: Tagging | None, facts: Facts, policy: Policy) -> Route:
    """Where a message goes by its tags and `facts`, whose topic and urgency count where there are no tags."""
    if tags is None:
        return route(facts, policy)
    topic = None if tags.topic_abstained else tags.topic
    return route(replace(facts, topic=topic, urgency=tags.urgency, language=tags.language), policy)


def facts_of(
    message: Message, tags: Tagging | None, source: str, customer: Customer, at: datetime, policy: Policy
) -> Facts:
    """What routing looks at in a message. Without a model the desk's own urgency rules still speak."""
    body = message.written or message.text
    found = None
    if tags is None and message.automatic is None:
        found = urgency.raised(None, message.subject, body, policy).urgency
    return Facts(
        topic=None, urgency=found, at=at, channel=message.channel, source=source, marks=customer.marks,
        said=said(message.subject, body, policy),
    )  # fmt: skip


def remembered(there: Route, said_now: frozenset[str], before: Sorting | None = None) -> Sorting:
    """What an item keeps of how it was placed. `before` is what it kept until now: no word is forgotten."""
    rule, known = there.rule, before or Sorting()
    by_rule = rule is not None and bool(rule.urgency or rule.at_least)
    return replace(
        known,
        rule=rule.name if rule else "",
        topic=rule.topic if rule else "",
        urgency=(there.urgency or "") if by_rule else "",
        said=tuple(sorted(said_now.union(known.said))),
    )


def rule_facts(there: Route, tags: Tagging | None, policy: Policy) -> dict[str, Any]:
    """What an event tells of the rule that placed an item, and of what would be without it."""
    if there.rule is None:
        return {}
    topic = tags.topic if tags and not tags.topic_abstained else None
    model = by_topic(topic, tags.urgency if tags else None, policy)
    return {
        "rule": there.rule.name,
        "without_rule": {"queue": model.queue, "lane": model.lane, "topic": topic, "urgency": model.urgency},
    }


def elsewhere(item: Item, customer: Customer, at: datetime, policy: Policy) -> Route | None:
    """Where a waiting item belongs by now, if not where it waits.

    People's word stands: what they passed on or decided is not moved. Nor is what somebody has the first word on, and
    nothing for ever.
    """
    if item.sorting is None or not waits(item) or item.sorting.moves >= MOST_MOVES or offered_to_another(item, "", at):
        return None
    return _by_now(item, customer, at, policy)


def placed_anew(item: Item, customer: Customer, at: datetime, policy: Policy) -> Item:
    """An item that comes back to its queue, in the one where it belongs by now; people's word stands here too."""
    there = _by_now(item, customer, at, policy)
    if there is None:
        return item
    return _placed(item, there, remembered(there, frozenset(), item.sorting))


def moved(item: Item, customer: Customer, step: Step, there: Route, agents: Agents, policy: Policy) -> Change:
    """The item goes where it belongs by now. It has waited as long as before, and nobody handed it on."""
    sorting = item.sorting or Sorting()
    kept = replace(remembered(there, frozenset(), sorting), moves=sorting.moves + 1)
    placed = _placed(at_rest(stepped(item, Action.MOVE, step.at)), there, kept)
    after = replace(placed, reason=there.reason, asked=())
    after = into_queue(after, step.at, agents, policy)
    told_facts = {
        "queue": after.queue, "was_queue": item.queue, "lane": after.lane, "ring": after.ring,
        "offered_to": after.offered_to, "reason": there.reason, "moves": kept.moves,
        **rule_facts(there, item.tags, policy),
    }  # fmt: skip
    return told(item, after, customer, EventType.ITEM_SORTED, step, policy, told_facts)


def to_people(item: Item, customer: Customer, step: Step, agents: Agents, policy: Policy) -> Change:
    """What waits in a queue the desk has lost goes to people. It has waited as long as before."""
    let_go = replace(at_rest(stepped(item, Action.MOVE, step.at)), asked=())
    after = into_queue(let_go, step.at, agents, policy)
    facts = {
        "queue": after.queue, "was_queue": item.queue, "lane": after.lane, "ring": after.ring,
        "offered_to": after.offered_to, "reason": after.reason, "moves": item.sorting.moves if item.sorting else 0,
    }  # fmt: skip
    return told(item, after, customer, EventType.ITEM_SORTED, step, policy, facts)


def _placed(item: Item, there: Route, sorting: Sorting) -> Item:
    """The item where rules say. What is urgent stays so: it may have been said since, or a promise be broken."""
    return replace(item, queue=there.queue, lane=more_urgent(item.lane, there.lane), sorting=sorting)


def _by_now(item: Item, customer: Customer, at: datetime, policy: Policy) -> Route | None:
    """Where the rules and the model place an item by now, if that is another queue than its own."""
    if item.sorting is None or item.sorting.fixed or item.decided or item.queue == QUARANTINE:
        return None
    facts = Facts(
        topic=None, urgency=None, at=at, language=item.language, channel=item.channel, source=item.source,
        marks=customer.marks, said=frozenset(item.sorting.said),
    )  # fmt: skip
    there = routed(item.tags, facts, policy)
    return there if there.queue != item.queue else None


def contact_made(item: Item | None, at: datetime) -> Contacts:
    """The customer's contacts since he was last answered, with this one; messages close together are one contact."""
    before = item.contacts if item else None
    if before is None:
        return Contacts(times=1, newest=at)
    if at - before.newest < urgency.SAME_CONTACT:
        return before
    return Contacts(times=before.times + 1, newest=at)


def contacts_of_both(first: Contacts | None, second: Contacts | None) -> Contacts | None:
    """The customer's contacts about two matters that are one; newest ones close together were the same."""
    if first is None or second is None:
        return first or second
    if abs(first.newest - second.newest) < urgency.SAME_CONTACT:
        return replace(first, times=max(first.times, second.times))
    return Contacts(times=first.times + second.times, newest=max(first.newest, second.newest))


def with_contacts(tags: Tagging | None, contacts: Contacts, policy: Policy) -> Tagging | None:
    """The tags after the rules about contacts without answer; spam is not lifted."""
    if tags is None or tags.doubted or tags.topic in policy.rules.spam:
        return tags
    return lifted(tags, urgency.unanswered(tags.urgency, contacts.times, policy))


def lifted(tags: Tagging, raised: urgency.Raised) -> Tagging:
    """The tags with what urgency rules say; what the model said stays beside it."""
    if not raised.rules or raised.urgency is None:
        return tags
    ruled: Mapping[str, Any] = {"rules": [*tags.ruled.get("rules", ()), *raised.rules],
                                "model": tags.model_urgency}  # fmt: skip
    evidence = (*tags.evidence, *raised.evidence)
    return replace(tags, urgency=raised.urgency, ruled=ruled, evidence=evidence)
