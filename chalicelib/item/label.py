"""What people say of an item: notes, and tags decided. Pure."""

from collections.abc import Sequence
from dataclasses import replace

from chalicelib.errors import Invalid
from chalicelib.item.change import Change, Label, Mention, Step
from chalicelib.item.item import AgentId, Customer, Decided, EventType, Item
from chalicelib.item.state import Action
from chalicelib.item.steps import stepped, told, waits
from chalicelib.policy import URGENCIES, Policy
from chalicelib.rights import may_see
from chalicelib.routing.route import lane_of


def note(item: Item, customer: Customer, step: Step, text: str, mentions: Sequence[str], policy: Policy) -> Change:
    """An internal note, which no customer sees; those it mentions find it in their list.

    Raises `Invalid` for a mention of nobody, or of somebody who may not see the item.
    """
    for number, name in enumerate(mentions):
        if name not in policy.agents:
            raise Invalid(f"mentions.{number}", f"there is no agent {name}")
        if not may_see(name, item.queue, policy):
            raise Invalid(f"mentions.{number}", f"{name} may not see queue {item.queue}")
    noted = stepped(item, Action.ANNOTATE, step.at)
    named = tuple(dict.fromkeys(mentions))
    payload = {"written": text, "mentions": list(named)}
    change = told(item, noted, customer, EventType.NOTE_ADDED, step, policy, {"mentions": len(named)}, payload)
    listed = (Mention(AgentId(n), item.id, customer.id, customer.seq + 1, step.at, step.actor) for n in named)
    return replace(change, mentions=tuple(listed))


def tag(item: Item, customer: Customer, step: Step, topic: str | None, urgency: str | None, policy: Policy) -> Change:
    """A person decides topic and urgency; what he leaves out stays as it stands, which confirms it. A label.

    The item stays where it is (`passing.to_topic` moves it), but for its lane. Raises `Invalid` for a tag the desk
    does not have, and where nothing is there to confirm.
    """
    if topic is None and urgency is None and item.tags is None and item.decided is None:
        raise Invalid("topic", "nothing was said of this item yet: say what it is about")
    if topic is not None and topic not in policy.topics:
        raise Invalid("topic", f"there is no topic {topic}")
    if urgency is not None and urgency not in URGENCIES:
        raise Invalid("urgency", f"must be one of {', '.join(URGENCIES)}")
    decided = with_decision(stepped(item, Action.ANNOTATE, step.at), step, topic, urgency)
    decided = _in_lane(decided, policy) if urgency else decided
    change = told(item, decided, customer, EventType.TAGS_DECIDED, step, policy, _facts(decided))
    return replace(change, label=label_of(decided, step))


def with_decision(item: Item, step: Step, topic: str | None = None, urgency: str | None = None) -> Item:
    """The item with what was decided; what is not said stays as people, else a rule, else the model, said it.

    A topic the model did not dare to name does not stand.
    """
    by_rule = item.sorting.urgency if item.sorting and not item.decided else ""
    topic = topic or item.topic
    urgency = urgency or by_rule or item.urgency
    return replace(item, decided=Decided(topic=topic, urgency=urgency, by=AgentId(step.actor), at=step.at))


def label_of(item: Item, step: Step) -> Label:
    """The label a decision makes, beside what the model had said."""
    decided = item.decided
    return Label(
        item_id=item.id, version=item.version, event_id=step.event_id, at=step.at, by=AgentId(step.actor),
        topic=decided.topic if decided else None, urgency=decided.urgency if decided else None, said=item.tags,
    )  # fmt: skip


def _in_lane(item: Item, policy: Policy) -> Item:
    urgency = item.decided.urgency if item.decided else None
    lane = lane_of(urgency, policy)
    if urgency is None or lane == item.lane:
        return item
    return replace(item, lane=lane, ring=item.ring + 1 if waits(item) else item.ring)


def _facts(item: Item) -> dict[str, object]:
    said = item.tags
    return {
        "topic": item.decided and item.decided.topic, "urgency": item.decided and item.decided.urgency,
        "model": said and said.model, "topic_was": said and said.topic, "urgency_was": said and said.model_urgency,
        "lane": item.lane, "ring": item.ring,
    }  # fmt: skip
