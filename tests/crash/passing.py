"""Flows of passing work on: reassigned, given back in absence, handed over; and what is written on it."""

from collections import Counter
from datetime import timedelta
from functools import partial
from typing import Final

from chalicelib.flows import handover, presence, work
from chalicelib.item.item import Item
from chalicelib.item.passing import Destination
from tests.crash.calls import survives
from tests.crash.desk import ANNA, BORIS, SAM, Desk
from tests.crash.flow import Act, Flow, looking_first
from tests.crash.taking import watching

#: Calls of a hand-over: presence, three lists, and three for each matter.
_UP_TO_THE_SECOND: Final = 1 + 3 + 3 * 2


def _held(desk: Desk) -> Item:
    item = desk.held(desk.mail(1), ANNA)
    desk.deliver()
    return item


def _resting(desk: Desk) -> Item:
    """An item that waits for the customer, and would come back to Anna."""
    _, item = desk.answered(_held(desk))
    desk.deliver()
    return item


def _reassign(desk: Desk, item: Item, to: Destination) -> Act:
    """One hand-off, which who asked for it finds on the item if it was done."""
    desk.present("dora")

    def reassign(now: Item) -> object:
        return work.reassign(item.id, now.version, to, "she knows more of it", SAM, desk.world)

    return looking_first(desk, item.id, lambda now: now.hand_offs > item.hand_offs, reassign)


def _note(desk: Desk) -> Act:
    item = _held(desk)

    def note(now: Item) -> object:
        return work.note(item.id, now.version, "Who knows?", ["boris", "dora"], ANNA, desk.world)

    return looking_first(desk, item.id, lambda now: now.version > item.version, note)


def _tag(desk: Desk) -> Act:
    """The item changes its lane."""
    item = _held(desk)

    def tag(now: Item) -> object:
        return work.tag(item.id, now.version, "billing", "critical", ANNA, desk.world)

    return looking_first(desk, item.id, lambda now: now.decided is not None, tag)


def _full_hands(desk: Desk) -> None:
    """Anna holds two mails and a chat, and is offered a chat; of the others only Boris is there."""
    chats = [desk.chat(f"d{number}", conversation=f"c{number}") for number in range(3)]
    desk.held(chats[0], BORIS)
    desk.held(chats[1], ANNA)
    _, item = desk.answered(desk.held(chats[2], ANNA))
    for number in (1, 2):
        desk.held(desk.mail(number), ANNA)
    desk.deliver()
    offered = desk.chat("d3", conversation="c2")
    assert (offered.id, offered.offered_to) == (item.id, "anna")
    desk.deliver()


def _away(desk: Desk) -> Act:
    _full_hands(desk)
    return lambda: presence.set_presence("anna", "away", ANNA, desk.world)


def _away_by_watch(desk: Desk) -> Act:
    """She holds two mails and is offered one, and was set away by a process that died; nobody asks again."""
    _matters(desk, 4)
    away = partial(presence.set_presence, "anna", "away", ANNA, desk.world)
    assert not survives(desk.calls, away, {"die_after": "UpdateItem"})
    desk.restart()
    return watching(desk)


def _matters(desk: Desk, number: int) -> None:
    """So many matters of Anna's: one offered to her, one snoozed, a third waiting for customers, the rest in hand."""
    resting = number // 3
    for one in range(number):
        item = desk.held(desk.mail(one), ANNA)
        if one <= resting:
            desk.answered(item)
        if one == number - 1:
            work.snooze(item.id, item.version, desk.cloud.clock.time + timedelta(days=1), ANNA, desk.world)
    desk.deliver()
    desk.mail(number, sender="c0@customer.example.com", In_Reply_To="<0@customer.example.com>")
    desk.present("dora")
    desk.deliver()
    hers = Counter(row["holding_pk"] for row in desk.rows().values() if "holding_pk" in row)
    assert hers == {"HOLDER#anna": number - resting - 2, "OFFERED#anna": 1, "PINNED#anna": resting + 1}


def _hand_over(desk: Desk, number: int, to: str | None) -> Act:
    _matters(desk, number)
    return lambda: handover.hand_over("anna", to, False, SAM, desk.world)


def _hand_over_by_watch(desk: Desk) -> Act:
    """Asked for by a process that died with the second matter; who asked never asks again."""
    hand_over = _hand_over(desk, 4, "dora")
    assert not survives(desk.calls, hand_over, {"die_after": _UP_TO_THE_SECOND})
    desk.restart()
    return watching(desk)


FLOWS: Final = {
    "reassign to an agent": Flow(lambda desk: _reassign(desk, _held(desk), Destination("agent", "dora")), asked=True),
    "reassign to a queue": Flow(lambda desk: _reassign(desk, _held(desk), Destination("queue", "billing")), asked=True),
    "reassign to a topic": Flow(lambda desk: _reassign(desk, _held(desk), Destination("topic", "billing")), asked=True),
    "reassign at rest": Flow(lambda desk: _reassign(desk, _resting(desk), Destination("agent", "dora")), asked=True),
    "note with mentions": Flow(_note, asked=True),
    "tags": Flow(_tag, asked=True),
    "away": Flow(_away, asked=True, steps=True),
    "away, seen to by the watch": Flow(_away_by_watch, overnight=True, steps=True),
    "hand over ten to an agent": Flow(lambda desk: _hand_over(desk, 10, "dora"), asked=True, steps=True),
    "hand over four to the queues": Flow(lambda desk: _hand_over(desk, 4, None), asked=True, steps=True),
    "hand-over gone on with by the watch": Flow(_hand_over_by_watch, overnight=True, steps=True),
}
