"""Flows of drawing lines anew: items split, merged, parted and reopened, customers linked; and what comes to a merged
item."""

from functools import partial
from typing import Final

from chalicelib.flows import matters, persons, quarantine, work
from chalicelib.flows.receive import delivery
from chalicelib.item.item import Item
from chalicelib.item.state import State
from chalicelib.policy import QUARANTINE
from tests import letters
from tests.crash.desk import ANNA, SAM, Desk
from tests.crash.flow import Act, Flow, looking_first

_CUSTOMER: Final = "c1@customer.example.com"


def _two_messages(desk: Desk) -> Item:
    """An item of two mails in Anna's hands."""
    desk.mail(1)
    item = desk.mail(2, "#billing", sender=_CUSTOMER, In_Reply_To="<1@customer.example.com>")
    item = desk.held(item, ANNA)
    desk.deliver()
    return item


def _two_items(desk: Desk) -> tuple[Item, Item]:
    """Two items of one customer in Anna's hands."""
    first, second = desk.mail(1), desk.mail(2, sender=_CUSTOMER)
    held = desk.held(first, ANNA), desk.held(second, ANNA)
    desk.deliver()
    return held


def _split(desk: Desk, *, claim: bool) -> Act:
    """The newer message goes; of the old item the older one is looked up for whom it is to be answered."""
    item = _two_messages(desk)
    newest = desk.world.table.history(item.id)[1]

    def split(now: Item) -> object:
        chosen = matters.Chosen(events=[newest.id], claim=claim, reason="two matters")
        return matters.split(item.id, now.version, chosen, ANNA, desk.world)

    return looking_first(desk, item.id, lambda now: now.version > item.version, split)


def _split_chat(desk: Desk) -> Act:
    """A chat whose conversation goes with its newest message, and is offered."""
    desk.chat("d1")
    item = desk.held(desk.chat("d2"), ANNA)
    desk.present("boris")
    desk.deliver()
    newest = desk.world.table.history(item.id)[1]

    def split(now: Item) -> object:
        chosen = matters.Chosen(events=[newest.id])
        return matters.split(item.id, now.version, chosen, ANNA, desk.world)

    return looking_first(desk, item.id, lambda now: now.version > item.version, split)


def _merge(desk: Desk) -> Act:
    first, second = _two_items(desk)

    def merge(now: Item) -> object:
        return matters.merge(second.id, now.version, first.id, "one parcel", ANNA, desk.world)

    return looking_first(desk, second.id, lambda now: now.merged_into is not None, merge)


def _merge_of_two_customers(desk: Desk) -> Act:
    first, second = desk.held(desk.mail(1), ANNA), desk.held(desk.mail(2), ANNA)
    persons.say(first.customer_id, second.customer_id, "", ANNA, desk.world, stands=True)
    desk.deliver()

    def merge(now: Item) -> object:
        return matters.merge(second.id, now.version, first.id, "", ANNA, desk.world)

    return looking_first(desk, second.id, lambda now: now.merged_into is not None, merge)


def _unmerge(desk: Desk) -> Act:
    """It goes back into her hands, and the other is answered as before: that is looked up."""
    first, second = _two_items(desk)
    done, _ = matters.merge(second.id, second.version, first.id, "", ANNA, desk.world)
    desk.deliver()

    def unmerge(now: Item) -> object:
        return matters.unmerge(done.id, now.version, "two parcels", ANNA, desk.world)

    return looking_first(desk, done.id, lambda now: now.merged_into is None, unmerge)


def _reopen(desk: Desk) -> Act:
    desk.present("anna")
    done = desk.finished(desk.held(desk.mail(1), ANNA))
    desk.deliver()

    def reopen(now: Item) -> object:
        return work.reopen(done.id, now.version, "he called", SAM, desk.world)

    return looking_first(desk, done.id, lambda now: now.state != State.RESOLVED, reopen)


def _link_customers(desk: Desk) -> Act:
    first, second = desk.mail(1), desk.mail(2)
    desk.deliver()

    def act() -> None:
        if not desk.world.table.links(first.customer_id):
            persons.say(first.customer_id, second.customer_id, "one phone", ANNA, desk.world, stands=True)

    return act


def _unlink_customers(desk: Desk) -> Act:
    first, second = desk.mail(1), desk.mail(2)
    persons.say(first.customer_id, second.customer_id, "one phone", ANNA, desk.world, stands=True)
    desk.deliver()

    def act() -> None:
        if any(link.stands for link in desk.world.table.links(first.customer_id)):
            persons.say(first.customer_id, second.customer_id, "two phones", ANNA, desk.world, stands=False)

    return act


def _link(desk: Desk, *, already: bool) -> Act:
    """An item is said to have to do with another; or, where it was said already, that it has not."""
    first, second = _two_items(desk)
    item = work.link(second.id, second.version, first.id, "one parcel", ANNA, desk.world) if already else second
    desk.deliver()

    def change(now: Item) -> object:
        if already:
            return work.unlink(item.id, now.version, "two parcels", ANNA, desk.world)
        return work.link(item.id, now.version, first.id, "one parcel", ANNA, desk.world)

    return looking_first(desk, item.id, lambda now: now.version > item.version, change)


def _answer_to_a_merged_item(desk: Desk) -> Act:
    first, second = _two_items(desk)
    matters.merge(second.id, second.version, first.id, "", ANNA, desk.world)
    desk.deliver()
    raw = letters.mail(sender=_CUSTOMER, Message_ID="<again@example.com>", In_Reply_To="<2@customer.example.com>")
    letters.store_mail(desk.world, "ses-again", raw)
    return lambda: delivery(letters.notice("ses-again"), "sqs-again", 1, desk.world)


def _mark(desk: Desk, *, stands: bool) -> Act:
    customer_id = desk.mail(1).customer_id
    if not stands:
        persons.mark(customer_id, "vip", "", SAM, desk.world, stands=True)
    desk.deliver()

    def act() -> None:
        if ("vip" in desk.world.table.customer(customer_id).marks) != stands:
            persons.mark(customer_id, "vip", "he asked", SAM, desk.world, stands=stands)

    return act


def _escalate(desk: Desk) -> Act:
    item = desk.held(desk.mail(1), ANNA)
    desk.deliver()

    def escalate(now: Item) -> object:
        return work.escalate(item.id, now.version, "too deep", ANNA, desk.world)

    return looking_first(desk, item.id, lambda now: now.escalations > 0, escalate)


def _suspect(desk: Desk) -> Item:
    """A readable mail that SES took for one with a virus."""
    notice = letters.store_mail(desk.world, "ses-bad", letters.mail(Message_ID="<bad@example.com>"), virus="FAIL")
    delivery(notice, "sqs-bad", 1, desk.world)
    desk.deliver()
    (waiting,) = desk.world.table.waiting(QUARANTINE, SAM.id, desk.world.now())
    return desk.item(waiting.item_id)


def _admit(desk: Desk) -> Act:
    item = _suspect(desk)

    def admit(now: Item) -> object:
        return quarantine.admit(item.id, now.version, SAM, desk.world)

    return looking_first(desk, item.id, lambda now: now.admitted, admit)


def _set_aside(desk: Desk) -> Act:
    item = _suspect(desk)
    admitted = quarantine.admit(item.id, item.version, SAM, desk.world)
    desk.deliver()

    def set_aside(now: Item) -> object:
        return quarantine.set_aside(item.id, now.version, "a virus after all", SAM, desk.world)

    return looking_first(desk, admitted.id, lambda now: now.state == State.QUARANTINED, set_aside)


FLOWS: Final = {
    "mark a customer": Flow(partial(_mark, stands=True)),
    "unmark a customer": Flow(partial(_mark, stands=False)),
    "escalate": Flow(_escalate),
    "admit from quarantine": Flow(_admit),
    "set aside again": Flow(_set_aside),
    "split": Flow(lambda desk: _split(desk, claim=False), asked=True),
    "split and kept": Flow(lambda desk: _split(desk, claim=True), asked=True),
    "split of a chat": Flow(_split_chat, asked=True),
    "merge": Flow(_merge, asked=True),
    "merge of two customers' items": Flow(_merge_of_two_customers, asked=True),
    "unmerge": Flow(_unmerge, asked=True),
    "reopen": Flow(_reopen, asked=True),
    "item linked": Flow(lambda desk: _link(desk, already=False), asked=True),
    "item unlinked": Flow(lambda desk: _link(desk, already=True), asked=True),
    "customers linked": Flow(_link_customers, asked=True),
    "customers unlinked": Flow(_unlink_customers, asked=True),
    "customer's answer to a merged item": Flow(_answer_to_a_merged_item),
}
