"""A small desk and what passes over it, for tests that care for a few fields of each."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from chalicelib import policy
from chalicelib.intake.message import Address, Message
from chalicelib.item.arrive import Arrival, NewIds
from chalicelib.item.change import Delivery, Step
from chalicelib.item.item import AgentId, Customer, CustomerId, Item, ItemId, Tagging
from chalicelib.item.offer import AgentNow, Presence
from chalicelib.item.state import State
from chalicelib.policy import CHANNELS, Policy
from chalicelib.rights import Caller
from chalicelib.routing.route import Lane
from classifiers.model import Tag, Tags

DESK = """
[desk]
name = "Small desk"
languages = ["en", "pl", "de"]
people_queue = "people"
reopen_within = "P30D"

[access]
agent_claim = "sub"
role_claim = "roles"

[leases]
mail = "PT15M"
chat = "PT2M"

[offers]
mail = "PT15M"
chat = "PT1M"

[lanes]
urgent = ["critical", "high"]

[topics]
order = "orders"
billing = "billing"
other = "people"

[queues.orders]
members = ["*"]

[queues.billing]
members = ["anna", "carl"]
skills = ["money"]

[queues.people]
members = ["*"]

[quarantine]
members = ["anna"]

[mailboxes]
"help@shop.example.com" = "Help"

[installations]
shop-widget = { provider = "generic", replies = "https://shop.example.com/chat-replies" }

[capacity]
mail = 60
chat = 12

[agents]
anna = { skills = ["money"] }
boris = { languages = ["en"] }
carl = { capacity = { mail = 2, chat = 1 } }
sam = { roles = ["supervisor"] }
olga = { roles = ["observer"] }
"""

#: What a desk adds that promises at all hours: an hour for what is urgent, eight for bills, nothing to people's queue.
URGENT_PROMISED = """
[calendars.always]
timezone = "UTC"
monday = ["00:00-24:00"]
tuesday = ["00:00-24:00"]

[[promises]]
queue = "people"
calendar = "always"

[[promises]]
name = "urgent"
urgency = ["critical", "high"]
calendar = "always"
first_reply = "PT1H"

[[promises]]
name = "bills"
queue = "billing"
calendar = "always"
first_reply = "PT8H"
"""
#: The same with eight hours for all else.
ALL_PROMISED = f"""{URGENT_PROMISED}
[[promises]]
name = "else"
calendar = "always"
first_reply = "PT8H"
"""

#: What a desk adds that asks for the number of an order.
ASKS = """
[asks.order-number]
pattern = 'A-[0-9]{5}'
en = "the order number"

[asking]
en = "Hello, we still need: {missing}"
"""

#: What a desk adds that acknowledges mail.
ACKNOWLEDGE = """
[acknowledge]
channels = ["mail"]

[acknowledge.texts]
en = "We have your message."
pl = "Mamy wiadomość."
"""

#: Rules a desk may add.
RULES = """
[marks]
vip = "Important"
partner = "A partner company"

[spam]
topics = ["other"]
words = ["order now"]

[[rules]]
name = "vip-first"
marks = ["vip"]
queue = "billing"
lane = "urgent"

[[rules]]
name = "evening"
languages = ["de"]
from = "18:00"
to = "08:00"
days = ["monday", "tuesday", "wednesday", "thursday", "friday"]
zone = "Europe/Warsaw"
queue = "people"

[[rules]]
name = "law"
words = ["lawyer", "court order"]
unless = ["son in law"]
queue = "people"
at_least = "high"

[[rules]]
name = "invoices"
subject = ["invoice*"]
channels = ["mail"]
mailboxes = ["help@shop.example.com"]
topic = "billing"

[[urgency]]
name = "danger"
at_least = "critical"
words = ["smoke", "gas leak"]
unless = ["no smoke"]

[[urgency]]
name = "again"
at_least = "high"
unanswered = 3
"""

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ANNA, BORIS, CARL = (Caller(name, frozenset({"agent"})) for name in ("anna", "boris", "carl"))
SAM, OLGA = Caller("sam", frozenset({"supervisor"})), Caller("olga", frozenset({"observer"}))


def small_desk() -> Policy:
    """Anna may claim everywhere and speaks all languages; Boris speaks English only; Carl holds little."""
    return policy.parse(DESK)


def ruled_desk() -> Policy:
    """The small desk, with rules."""
    return policy.parse(DESK + RULES)


def courteous_desk() -> Policy:
    """The small desk, which acknowledges mail."""
    return policy.parse(DESK + ACKNOWLEDGE)


def agents(presence: Presence = "present", /, **carried: int) -> dict[str, AgentNow]:
    """Agents as they are now, each of whom carries so many items of every channel."""
    return {name: AgentNow(AgentId(name), presence, dict.fromkeys(CHANNELS, n)) for name, n in carried.items()}


def tags(**changed: Any) -> Tagging:
    """What a classifier says of an order that can wait."""
    said = Tagging(
        model="words", topic="order", topic_confidence=0.9, topic_abstained=False, urgency="normal",
        urgency_confidence=0.8, language="en",
        evidence=({"text": "parcel", "start": 12, "end": 18, "weight": 0.5, "head": "topic"},),
    )  # fmt: skip
    return replace(said, **changed)


def customer(**changed: Any) -> Customer:
    """A customer of whom the timeline has four events."""
    return replace(Customer(CustomerId("cu1"), 4, b"k" * 32, "Anna Customer"), **changed)


def item(**changed: Any) -> Item:
    """A mail's item, waiting in `orders` since NOW."""
    made = Item(
        id=ItemId("it1"), customer_id=CustomerId("cu1"), channel="mail", source="help@shop.example.com",
        subject="Parcel", state=State.QUEUED, queue="orders", lane=Lane.NORMAL, reason="topic order",
        created_at=NOW, changed_at=NOW, waiting_since=NOW, chain="c" * 64, tags=tags(),
    )  # fmt: skip
    return replace(made, **changed)


def step(**changed: Any) -> Step:
    """A step of somebody's at NOW."""
    return replace(Step("anna", "test", NOW, "ev1"), **changed)


def mail(**changed: Any) -> Message:
    """A mail a person wrote."""
    message = Message(
        channel="mail", message_id="one@customer.example.com", in_reply_to=(), references=(),
        sender=Address("Anna Customer", "Anna@customer.example.com"), reply_to=(),
        to=(Address("", "help@shop.example.com"),), cc=(), subject="Parcel", sent_at=NOW, text="Where is it?",
        written="Where is it?", automatic=None, automatic_reason="", attachments=(), warnings=(),
    )  # fmt: skip
    return replace(message, **changed)


def chat(**changed: Any) -> Message:
    """A visitor's chat message."""
    sender = Address("Piotr", "")
    said = {"channel": "chat", "message_id": "", "subject": "", "sender": sender, "to": ()}
    return mail(**{**said, "conversation": "c1", "delivery": "d1", "visitor": "v1", **changed})


def arrival(delivery: str = "ses-1", channel: str = "mail", **changed: Any) -> Arrival:
    """A delivery on its way in at NOW, vouched for."""
    source = "help@shop.example.com" if channel == "mail" else "shop-widget"
    made = Arrival(
        delivery=Delivery(channel, delivery), source=source, raw_key=f"{channel}/{delivery}", received_at=NOW
    )
    return replace(made, **changed)


def ids(number: int = 1) -> NewIds:
    """Ids no other number has."""
    return NewIds(ItemId(f"it{number}"), CustomerId(f"cu{number}"), b"%032d" % number, f"ev{number}")


class WordModel:
    """A model that believes what a text says of itself: `#billing #critical #de`, and `#unsure` to abstain."""

    model_id = "words"

    def tag(self, subject: str, body: str, _channel: str) -> Tags:
        said = re.findall(r"#(\w+)", f"{subject} {body}")

        def of(allowed: tuple[str, ...], otherwise: str) -> str:
            return next((word for word in said if word in allowed), otherwise)

        topic = Tag(of(("order", "billing", "other"), "order"), 0.9, "unsure" in said, {})
        urgency = Tag(of(policy.URGENCIES, "normal"), 0.8, abstained=False, scores={})
        return Tags("words", topic, urgency, of(("en", "pl", "de", "fr"), "en"), ())
