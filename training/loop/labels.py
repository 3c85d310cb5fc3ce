"""What people at the desk decided, beside what the customer had written: samples to learn from and to judge by.

The table is never scanned: labels are listed by month, and each leads to its item's first message.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from chalicelib.errors import Unknown, Unreadable
from chalicelib.flows import receive
from chalicelib.item.arrive import Arrival
from chalicelib.item.change import Delivery, Labelled
from chalicelib.item.item import Event
from chalicelib.item.matters import messages_of
from chalicelib.world import World
from classifiers.text import Document, told
from training.dataset import Sample, identity
from training.loop.masking import masked


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the table a message stands: the entry `seq` of a customer's timeline."""

    customer_id: str
    seq: int

    @property
    def key(self) -> str:
        """The place as one text."""
        return f"{self.customer_id}:{self.seq}"


@dataclass(frozen=True, slots=True)
class Decision:
    """A message as its customer wrote it, masked, and what people decided of it, at last.

    `people` are the customers said to be the one who wrote, himself among them: they stand on one side of any split.
    """

    place: Place
    people: frozenset[str]
    sample: Sample
    at: datetime
    model: str


@dataclass(frozen=True, slots=True)
class Harvest:
    """The decisions, oldest first, and how many labels came to nothing, by why."""

    decisions: tuple[Decision, ...]
    labels: int
    left_out: Counter[str] = field(default_factory=Counter)


def harvest(world: World, months: int) -> Harvest:
    """The decisions of the last so many months: one for each item and for each text, the last one made of each head."""
    found = [label for month in last_months(world.now(), months) for label in world.table.labelled(month)]
    left_out: Counter[str] = Counter()
    newest = {label.item_id: label for label in sorted(found, key=lambda label: label.version)}
    left_out["decided again later"] = len(found) - len(newest)
    people, texts = _People(world), dict[tuple[str, str], Decision]()
    for label in sorted(newest.values(), key=lambda label: (label.at, label.item_id)):
        decision = _decision(label, people, left_out, world)
        if decision is None:
            continue
        text = identity(decision.sample.document), decision.sample.document.channel
        if before := texts.pop(text, None):  # so that the newest decision stands last
            left_out["same text decided again later"] += 1
            # Who decides the urgency alone takes nothing back of what was said of the topic.
            said = {**before.sample.labels, **decision.sample.labels}
            decision = replace(decision, sample=replace(decision.sample, labels=said))
        texts[text] = decision
    return Harvest(tuple(texts.values()), len(found), +left_out)


def last_months(now: datetime, months: int) -> list[str]:
    """The last so many months, this one included, oldest first: `2026-01`."""
    count = now.year * 12 + now.month - 1
    return [f"{n // 12:04d}-{n % 12 + 1:02d}" for n in range(count - months + 1, count + 1)]


def document_at(place: Place, world: World) -> Document | None:
    """What the model was shown of a message, masked; None where it is no more."""
    try:
        event = world.table.event(place.customer_id, place.seq)
        if event.payload is None:  # erased
            return None
        subject, body = _written(event, world)
    except (Unknown, Unreadable):
        return None
    return Document(masked(told(subject, body)), _delivery(event).channel)


def _decision(label: Labelled, people: "_People", left_out: Counter[str], world: World) -> Decision | None:
    labels = {"topic": label.topic, "urgency": label.urgency}
    said = {head: value for head, value in labels.items() if value}
    history = (event for event in world.table.history(label.item_id) if (event.version or 0) <= label.version)
    first = next(iter(messages_of(history)), None)
    if first is None or not said:
        left_out["without a message" if first is None else "nothing decided"] += 1
        return None
    place = Place(first.customer_id, first.seq)
    document = document_at(place, world)
    if document is None or not identity(document):
        left_out["message erased, unreadable or without words"] += 1
        return None
    return Decision(place, people.of(first.customer_id), Sample(document, said), label.at, label.model)


def _written(event: Event, world: World) -> tuple[str, str]:
    """Subject and text as they were tagged: from the entry where it holds all, else from the raw message."""
    payload = event.payload or {}
    if payload.get("written") and not payload.get("shortened"):
        return str(payload.get("subject", "")), str(payload["written"])
    arrival = Arrival(
        delivery=_delivery(event), source=str(event.facts["source"]), raw_key=str(event.facts["raw"]),
        received_at=event.at,
    )  # fmt: skip
    message = receive.read(arrival, world)
    return message.subject, message.written or message.text


def _delivery(event: Event) -> Delivery:
    """The delivery that caused an arrival's event."""
    channel, _, delivery_id = event.cause.partition(":")
    return Delivery(channel, delivery_id)


class _People:
    """Which customers people say to be one person."""

    def __init__(self, world: World) -> None:
        self._table = world.table
        self._found: dict[str, frozenset[str]] = {}

    def of(self, customer_id: str) -> frozenset[str]:
        """The customer and all that he is linked with, near or far."""
        if customer_id not in self._found:
            everyone = frozenset(self._reached(customer_id))
            self._found |= dict.fromkeys(everyone, everyone)
        return self._found[customer_id]

    def _reached(self, customer_id: str) -> Iterator[str]:
        seen, ahead = {customer_id}, [customer_id]
        while ahead:
            one = ahead.pop()
            yield one
            linked = {str(link.other) for link in self._table.links(one) if link.stands}
            ahead += sorted(linked - seen)
            seen |= linked


def lines(decisions: Iterable[Decision]) -> Sequence[str]:
    """The decisions as JSON lines, for people to look at: masked, without a customer's id."""
    return [
        json.dumps({"text": d.sample.document.text, "channel": d.sample.document.channel, **d.sample.labels},
                   ensure_ascii=False)
        for d in decisions
    ]  # fmt: skip
