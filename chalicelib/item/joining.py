"""Whether a message continues an item, and the evidence for either. Pure.

It does by the token of one of our replies, used by whom we wrote to, or by reference to a message of the item, from a
participant: its customer, or whom we wrote to. In both cases the sender is proved. All else opens a new item, linked.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from chalicelib.intake.message import Message
from chalicelib.item.change import KnownMessage, ReplyToken
from chalicelib.item.item import Customer, CustomerId, Item, ItemId
from chalicelib.outgoing import token


class By(StrEnum):
    """What leads from a message to an item."""

    TOKEN = "token"  # noqa: S105 - a kind of evidence
    REFERENCE = "reference"
    CONVERSATION = "conversation"


class Because(StrEnum):
    """Why a message does not continue the item it leads to."""

    NOT_PROVED = "sender not proved"
    OTHER_SENDER = "sender is not its customer"
    OTHER_ADDRESSEE = "token used by another address"
    OTHER_MAILBOX = "token used at another mailbox"
    OTHER_SUBJECT = "subject changed"
    TOO_LATE = "resolved too long ago"
    MERGED = "merged too often"


@dataclass(frozen=True, slots=True, kw_only=True)
class Clues:
    """What may lead from a message to an item.

    The token it was addressed to; the known mails it refers to, nearest first; the item of its chat conversation; and
    the customer its sender's identity is of.
    """

    token: ReplyToken | None = None
    answers: tuple[KnownMessage, ...] = ()
    conversation_item: ItemId | None = None
    customer_id: CustomerId | None = None

    @property
    def candidates(self) -> tuple[KnownMessage, ...]:
        """Of the mails it refers to the nearest, and the nearest of an item of the sender's own, where that is not."""
        nearest = [known for known in self.answers if known.item_id]
        own = [known for known in nearest if known.customer_id and known.customer_id == self.customer_id]
        return tuple(dict.fromkeys((*nearest[:1], *own[:1])))

    def item_ids(self) -> Iterator[ItemId]:
        """The items that have to be looked at."""
        yield from filter(None, (self.conversation_item, self.token.item_id if self.token else None))
        yield from (known.item_id for known in self.candidates if known.item_id)

    def customer_ids(self) -> Iterator[CustomerId]:
        """The customers that have to be looked at."""
        yield from filter(None, (self.customer_id, self.token.customer_id if self.token else None))
        yield from (known.customer_id for known in self.candidates if known.customer_id)


@dataclass(frozen=True, slots=True)
class Lead:
    """The item a message leads to, the customer in whose timeline it continues that, the sender's own, and what led
    there. `because` says why it does not continue that item all the same.
    """

    item: Item | None
    customer: Customer | None
    own: Customer | None
    by: By | None = None
    because: Because | None = None


def lead(
    clues: Clues,
    message: Message,
    mailbox: str,
    proved: bool,
    items: Mapping[ItemId, Item],
    customers: Mapping[CustomerId, Customer],
) -> Lead:
    """Where a message leads: to the item it may continue, else to the one it is to be linked to."""
    sender = customers.get(clues.customer_id) if clues.customer_id else None
    if clues.conversation_item:
        return Lead(items.get(clues.conversation_item), sender, sender, By.CONVERSATION)
    address = message.sender.address if message.sender and proved else ""
    doubted: list[Lead] = []
    if marked := _by_token(clues, mailbox, address, items, customers):
        item, customer, because = marked
        if because is None:
            return Lead(item, customer, sender, By.TOKEN)
        doubted.append(Lead(item, sender, sender, By.TOKEN, because))
    for known in clues.candidates:
        if (found := items.get(known.item_id) if known.item_id else None) is None:
            continue
        if address and found.customer_id == clues.customer_id:
            return Lead(found, sender, sender, By.REFERENCE)
        its = customers.get(found.customer_id)
        if its and _fits(known.addressee, its, found, mailbox, address):
            return Lead(found, its, sender, By.REFERENCE)
        doubted.append(Lead(found, sender, sender, By.REFERENCE, Because.OTHER_SENDER))
    first = next(iter(doubted), Lead(None, sender, sender))
    return first if proved or not first.item else replace(first, because=Because.NOT_PROVED)


def _by_token(
    clues: Clues, mailbox: str, address: str, items: Mapping[ItemId, Item], customers: Mapping[CustomerId, Customer]
) -> tuple[Item, Customer, Because | None] | None:
    """The item and customer the token is of, and why it does not hold."""
    mark = clues.token
    item = items.get(mark.item_id) if mark else None
    customer = customers.get(mark.customer_id) if mark else None
    if mark is None or item is None or customer is None:
        return None
    if mark.mailbox != mailbox:
        return item, customer, Because.OTHER_MAILBOX
    fits = item.customer_id == customer.id and _fits(mark.token, customer, item, mailbox, address)
    return item, customer, None if fits else Because.OTHER_ADDRESSEE


def _fits(mark: str, customer: Customer, item: Item, mailbox: str, address: str) -> bool:
    """Whether the token `mark` was made for a reply about this item, from this mailbox, to this address."""
    return bool(mark and address) and token.matches(mark, customer.key, item.id, mailbox, address)
