"""Keys of the table, as functions. Times in keys are UTC of fixed width, so text order is time order."""

import hashlib
from datetime import UTC, datetime
from typing import Final

#: Parts of the wake-up index: spreads its writes, and is what the minute watch walks through.
WAKE_SHARDS: Final = 8

#: Before the time of what is looked at only in case something was lost.
NET: Final = "NET#"

#: A DynamoDB partition key may have 2,048 bytes; longer values of the outside world stand for themselves by hash.
_LONGEST: Final = 1000

Key = dict[str, str]


def item_key(item_id: str) -> Key:
    """The item itself."""
    return {"pk": f"ITEM#{item_id}", "sk": "ITEM"}


def customer_key(customer_id: str) -> Key:
    """The customer's counter and secret."""
    return {"pk": f"CUSTOMER#{customer_id}", "sk": "CUSTOMER"}


def event_key(customer_id: str, seq: int) -> Key:
    """One entry of a timeline."""
    return {"pk": f"CUSTOMER#{customer_id}", "sk": f"EVENT#{seq:012d}"}


def payload_key(customer_id: str, seq: int) -> Key:
    """The personal content of an entry, right behind it in the same query."""
    return {"pk": f"CUSTOMER#{customer_id}", "sk": f"EVENT#{seq:012d}#PAYLOAD"}


def link_key(customer_id: str, other: str) -> Key:
    """What people say of a customer and another: whether they are one person."""
    return {"pk": f"CUSTOMER#{customer_id}", "sk": f"LINK#{other}"}


def delivery_key(channel: str, delivery_id: str) -> Key:
    """The ledger: this delivery has been handled."""
    return {"pk": f"DELIVERY#{channel}#{_short(delivery_id)}", "sk": "DELIVERY"}


def attempt_key(channel: str, delivery_id: str) -> Key:
    """That a delivery is being tried again, beside its ledger row."""
    return {**delivery_key(channel, delivery_id), "sk": "ATTEMPT"}


def message_key(mailbox: str, message_id: str, another: str = "") -> Key:
    """A Message-ID as one mailbox knows it: the first mail that came under it, or `another` by the hash of what it
    says."""
    pk = f"MESSAGE#{_short(mailbox)}#{_short(message_id)}"
    return {"pk": pk, "sk": f"MESSAGE#{another}" if another else "MESSAGE"}


def conversation_key(installation: str, conversation_id: str) -> Key:
    """A chat provider's conversation."""
    return {"pk": f"CONVERSATION#{installation}#{_short(conversation_id)}", "sk": "CONVERSATION"}


def identity_key(kind: str, value: str) -> Key:
    """Whose an address or visitor id is."""
    return {"pk": f"IDENTITY#{kind}#{_short(value)}", "sk": "IDENTITY"}


def agent_key(agent_id: str) -> Key:
    """An agent's presence and load."""
    return {"pk": f"AGENT#{_short(agent_id)}", "sk": "AGENT"}


def idempotency_key(agent_id: str, key: str) -> Key:
    """The answer an agent already got under an `Idempotency-Key`."""
    return {"pk": f"IDEMPOTENCY#{_short(agent_id)}#{_short(key)}", "sk": "IDEMPOTENCY"}


def outbox_key(reply_id: str) -> Key:
    """A reply on its way out."""
    return {"pk": f"OUTBOX#{_short(reply_id)}", "sk": "OUTBOX"}


def token_key(token: str) -> Key:
    """A token of a Reply-To, and the item it is for."""
    return {"pk": f"TOKEN#{_short(token)}", "sk": "TOKEN"}


def budget_key(account: str) -> Key:
    """When the desk lately wrote to an account by itself."""
    return {"pk": f"BUDGET#{_short(account)}", "sk": "BUDGET"}


def label_key(item_id: str, version: int) -> Key:
    """What people decided about an item at a version of it."""
    return {"pk": f"LABEL#{item_id}", "sk": f"LABEL#{version:012d}"}


def shown_key(installation: str, conversation_id: str, seq: int) -> Key:
    """What the visitor of our own widget is shown, in the order in which it was said."""
    return {"pk": f"SHOWN#{installation}#{_short(conversation_id)}", "sk": f"SHOWN#{seq:012d}"}


def pace_key(installation: str, conversation_id: str, at: datetime) -> Key:
    """How much came in a conversation in the minute of `at`."""
    return {"pk": f"PACE#{installation}#{_short(conversation_id)}", "sk": f"PACE#{moment(at)[:16]}"}


def mention_key(agent_id: str, at: datetime, customer_id: str, seq: int) -> Key:
    """A note that names an agent, among all that do."""
    return {"pk": f"AGENT#{_short(agent_id)}", "sk": f"MENTION#{moment(at)}#{customer_id}#{seq:012d}"}


def waiting_pk(queue: str) -> str:
    """Waiting index: all that waits in a queue, oldest first."""
    return f"QUEUE#{queue}"


def holding_pk(agent_id: str) -> str:
    """Holding index: all that an agent holds."""
    return f"HOLDER#{agent_id}"


def offered_pk(agent_id: str) -> str:
    """Holding index: all that is offered to an agent."""
    return f"OFFERED#{agent_id}"


def pinned_pk(agent_id: str) -> str:
    """Holding index: all that rests and comes back to an agent."""
    return f"PINNED#{agent_id}"


def state_pk(state: str) -> str:
    """State index: all items in a state, longest unchanged first."""
    return f"STATE#{state}"


def wake_pk(shard: int) -> str:
    """Wake-up index: one part of all items that something will happen to."""
    return f"WAKE#{shard}"


def history_pk(item_id: str) -> str:
    """History index: the events of one item."""
    return f"ITEM#{item_id}"


def labelled_pk(month: str) -> str:
    """History index: what people decided in a month (`2026-01`), oldest first."""
    return f"LABELLED#{month}"


def wake_shard(row_id: str) -> int:
    """The part of the wake-up index a row belongs to, by the id of its item, reply or agent."""
    return hashlib.sha256(row_id.encode()).digest()[0] % WAKE_SHARDS


def wake_attributes(row_id: str, at: datetime, net: bool = False) -> Key:
    """The keys under which a row stands in the wake-up index; a `net` may wait for what was promised."""
    return {"wake_pk": wake_pk(wake_shard(row_id)), "wake_sk": f"{NET if net else ''}{moment(at)}#{row_id}"}


def moment(at: datetime) -> str:
    """A time as it stands in keys: `2026-01-31T12:00:00.000000Z`."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def moment_of(text: str) -> datetime:
    """The time that `moment` wrote."""
    return datetime.fromisoformat(text)


def _short(value: str) -> str:
    encoded = value.encode("utf-8", "replace")
    return value if len(encoded) <= _LONGEST else f"sha256:{hashlib.sha256(encoded).hexdigest()}"
