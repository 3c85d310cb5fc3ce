"""Answering the customer: what the agent says is composed, stored and put into the outbox; the sender does the rest."""

import hashlib
import json
from dataclasses import replace

from chalicelib.errors import Conflict, Invalid, NotAllowed, Unknown
from chalicelib.flows.letter import by_mail
from chalicelib.flows.work import changed, with_present
from chalicelib.item.change import Answered, Change, Step
from chalicelib.item.item import Contact, Customer, Item
from chalicelib.item.outgoing import Outgoing
from chalicelib.item.reply import Reply, Then, replied
from chalicelib.outgoing import chat
from chalicelib.rights import Caller, check_may_see
from chalicelib.world import World


def reply(
    item_id: str, version: int, text: str, then: Then, answer_key: str, caller: Caller, world: World
) -> tuple[Outgoing, Item]:
    """Answers the item's newest message; the reply as it stands in the outbox, and the item.

    The same `answer_key` with the same words gives the same reply, not another. Raises `StaleItem`, `WrongState`,
    `NotAllowed` for who does not hold the item, `Invalid` where nobody can be answered, `Unknown`, `Conflict` for a
    key used for other words.
    """
    said = _hash(item_id, text, then)
    given = world.table.answered(caller.id, answer_key) if answer_key else None
    if given:
        return _given_before(given, said, world)
    writer = _Writer(world.new_id(), text, then, answer_key, said, world)
    try:
        item = changed(item_id, version, caller, "reply", writer.decided, world, _check_holder)
    except Conflict:
        given = world.table.answered(caller.id, answer_key) if answer_key else None
        if given is None:
            raise
        return _given_before(given, said, world)
    return writer.outgoing, item


def status(item_id: str, reply_id: str, caller: Caller, world: World) -> Outgoing:
    """How far a reply has come. Raises `Unknown`, `NotAllowed`."""
    item = world.table.item(item_id)
    check_may_see(caller, item.queue, item.hands, world.policy)
    outgoing = world.table.outgoing(reply_id)
    if outgoing.item_id != item_id:
        raise Unknown(f"there is no reply {reply_id} to this item")
    return outgoing


class _Writer:
    """One request to answer. Its bytes are stored before anything names them, under the reply's id."""

    def __init__(self, reply_id: str, text: str, then: Then, answer_key: str, said: str, world: World) -> None:
        self._id, self._text, self._then, self._world = reply_id, text, then, world
        self._answer_key, self._said = answer_key, said
        self.outgoing: Outgoing

    def decided(self, item: Item, customer: Customer, step: Step) -> Change:
        """The change that queues the reply."""
        if item.contact is None:
            raise Invalid("to", "this item names nobody who could be answered")
        compose = self._chat if item.channel == "chat" else self._mail
        written, raw, kind = compose(item, item.contact, customer, step)
        written = replace(written, answer_key=self._answer_key, said=self._said)
        change = replied(item, customer, step, written, self._then, self._world.policy)
        if change.reply is None:
            raise ValueError("a reply is in the outbox")
        self._world.raw.write(written.raw_key, raw, kind)
        self.outgoing = change.reply
        return change

    def _mail(self, item: Item, contact: Contact, customer: Customer, step: Step) -> tuple[Reply, bytes, str]:
        said, raw = by_mail(self._id, self._text, item, contact, customer, step.at, self._world.policy)
        return said, raw, "message/rfc822"

    def _chat(self, item: Item, contact: Contact, _: Customer, step: Step) -> tuple[Reply, bytes, str]:
        installation = self._world.policy.installations.get(item.source)
        if installation is None:
            raise Invalid("to", f"there is no installation {item.source} any more")
        raw = chat.compose(installation, self._id, contact.conversation, self._text, step.at)
        said = Reply(
            id=self._id, source=item.source, to=contact.conversation, name=contact.name, subject="", text=self._text,
            raw_key=f"out/{self._id}",
        )  # fmt: skip
        return said, raw, "application/json"


def _given_before(given: Answered, said: str, world: World) -> tuple[Outgoing, Item]:
    item = world.table.item(given.item_id)
    if not given.reply_id or given.said != said:
        raise with_present(Conflict("this Idempotency-Key was used for another request"), item)
    return world.table.outgoing(given.reply_id), item


def _hash(item_id: str, text: str, then: Then) -> str:
    said = json.dumps([item_id, text, then.value]).encode()
    return hashlib.sha256(said).hexdigest()


def _check_holder(caller: Caller, item: Item) -> None:
    if item.holder != caller.id or "agent" not in caller.roles:
        raise NotAllowed(f"{caller.id} does not hold this item: claim it first")
