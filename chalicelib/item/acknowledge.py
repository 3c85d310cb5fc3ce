"""Acknowledging a mail: whether it gets "we have your message", in which words, and what that writes. Pure.

Each of these ends a loop: only a person is written to, only who opens an item and answers nothing we know, nobody twice
within an hour, and each account five times a day at the most, whatever its mails say (RFC 3834, section 2).
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import chain
from typing import Final

from chalicelib.errors import Invalid
from chalicelib.intake.message import Address, Message
from chalicelib.item.arrive import Arrival, Known
from chalicelib.item.change import Budget, Change, Step, written
from chalicelib.item.item import EventType, Item, Tagging
from chalicelib.item.reply import Reply, in_outbox, payload, token_of
from chalicelib.outgoing import acknowledgement as marks
from chalicelib.outgoing import recipient
from chalicelib.outgoing.until import until
from chalicelib.policy import PROMISE, UNTIL, Policy

#: So often the desk writes by itself to one account within a day, whichever of its mailboxes is written to.
MOST: Final = 5
WITHIN: Final = timedelta(days=1)
#: A program that answers does so at once: whoever writes so soon after our last letter gets no other.
PAUSE: Final = timedelta(hours=1)
_SPAM: Final = "spam"


def acknowledgement(item: Item, at: datetime, policy: Policy) -> str:
    """The words for who opened an item, in his language if the desk has them: the one place that chooses them.

    They say nothing of what he wrote. They name the time by which he will have an answer where one was promised: the
    very time the item carries, by the clocks of its calendar; never one that is over.
    """
    texts, promised = policy.acknowledge.texts, policy.acknowledge.promised
    language = item.language if item.language in texts else policy.languages[0]
    due_at, zone = _first_reply(item, policy)
    sentence = promised.get(language)
    if sentence is None or due_at is None or due_at <= at:
        return re.sub(rf"\n*{re.escape(PROMISE)}", "", texts[language])
    return texts[language].replace(PROMISE, sentence.replace(UNTIL, until(due_at, zone, language)))


def _first_reply(item: Item, policy: Policy) -> tuple[datetime | None, str]:
    """By when the customer is answered as promised, and the zone of whose clocks that is said."""
    made = item.promises
    calendar = policy.calendars.get(made.calendar) if made else None
    if made is None or made.first_reply is None or calendar is None:
        return None, ""
    return made.first_reply.due_at, calendar.timezone


def account_of(arrival: Arrival, message: Message, policy: Policy) -> str:
    """The account whose budget is to be read; '' where the desk acknowledges nothing."""
    sender = message.sender
    asked = arrival.delivery.channel in policy.acknowledge.channels and sender and arrival.trusted
    return marks.account(sender.address) if sender and asked else ""


def weighed(arrival: Arrival, message: Message, tags: Tagging | None, known: Known, policy: Policy) -> Known:
    """What is known, with what speaks against acknowledging this arrival, if the desk acknowledges any."""
    if arrival.delivery.channel not in policy.acknowledge.channels:
        return known
    doubts = chain(_of_message(arrival, message, policy), _of_sender(arrival, message.sender, policy),
                   _of_matter(arrival, tags, known))  # fmt: skip
    return replace(known, unacknowledged=next(doubts, ""))


def is_due(change: Change, known: Known, arrival: Arrival, policy: Policy) -> bool:
    """Whether an arrival, as it was weighed, is acknowledged: it opens an item and nothing speaks against it."""
    opens = change.before is None and change.after is not None
    return opens and arrival.delivery.channel in policy.acknowledge.channels and not known.unacknowledged


def acknowledged(change: Change, letter: Reply, budget: Budget, step: Step) -> Change:
    """The arrival with its acknowledgement in the outbox: the item does not change by it, the budget does.

    Raises `ValueError` for an arrival that opened no item.
    """
    item, customer = change.after, change.customer
    if item is None or customer is None:
        raise ValueError("only who opens an item is acknowledged")
    paid = _paid(budget, step.at)
    facts = {
        "about": item.id, "reply": letter.id, "automatic": True, "channel": item.channel,
        "why": "a person, proved to be the sender, opened this item", "number_within_a_day": len(paid.written_at),
    }  # fmt: skip
    reached = replace(customer, seq=customer.seq + len(change.events))
    _, event = written(step, EventType.ACKNOWLEDGEMENT_QUEUED, reached, None, facts, payload(letter))
    return replace(
        change,
        events=(*change.events, event),
        reply=in_outbox(letter, item, step, automatic=True),
        token=token_of(letter, item),
        budget=paid,
    )


def _paid(budget: Budget, at: datetime) -> Budget:
    """The budget after one more letter. What is more than a day old is forgotten, so it never grows beyond `MOST`."""
    return Budget(budget.account, (*_lately(budget, at), at), budget.revision + 1)


def _lately(budget: Budget, at: datetime) -> tuple[datetime, ...]:
    return tuple(one for one in budget.written_at if at - one < WITHIN)


def _of_message(arrival: Arrival, message: Message, policy: Policy) -> Iterator[str]:
    if message.automatic is not None:
        yield f"no person wrote it: {message.automatic_reason}"
    if message.loop:
        yield "a desk sent it: it carries the loop header"
    if message.wants_no_answer:
        yield "it asks for no automatic answer (X-Auto-Response-Suppress)"
    if marks.is_ours(message.message_id, policy.domains):
        yield "we sent it: its Message-ID is of our making"
    if arrival.source not in policy.mailboxes:
        yield "it came to no mailbox of the desk"
    if message.sender and any(other.key != message.sender.key for other in message.reply_to):
        yield "answers are to go to somebody who is not proved (Reply-To)"


def _of_sender(arrival: Arrival, sender: Address | None, policy: Policy) -> Iterator[str]:
    if sender is None:
        yield "nobody is named as its sender"
        return
    if not arrival.trusted:
        yield "its sender is not proved"
    if marks.of_domain(sender.key, policy.domains):
        yield "it comes from an address of our own"
    if marks.read_by_nobody(sender.address):
        yield "nobody reads what is sent to its sender"
    try:
        recipient.address(sender.address)
    except Invalid:
        yield "its sender has no address that can be written to"


def _of_matter(arrival: Arrival, tags: Tagging | None, known: Known) -> Iterator[str]:
    if tags and tags.topic == _SPAM:
        yield "it may be spam"
    if known.message:
        yield "its Message-ID was used before"
    if known.item:
        yield "it answers something we know"
    if known.budget is None:
        yield "its sender's budget was not read"
        return
    lately = _lately(known.budget, arrival.now)
    if lately and arrival.now - max(lately) < PAUSE:
        yield "its sender was written to within the hour"
    if len(lately) >= MOST:
        yield f"its sender was written to {MOST} times within a day"
