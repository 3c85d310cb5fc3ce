"""Flows of taking work: claims, offers, what leases and time do."""

from datetime import timedelta
from typing import Final

from chalicelib.flows import claim, watch, work
from chalicelib.item.item import Item
from chalicelib.item.state import State
from tests.crash.desk import ANNA, BORIS, Desk
from tests.crash.flow import Act, Flow, looking_first


def _by_bell(desk: Desk) -> Act:
    """Of two bells the first is stale."""
    first = desk.mail(1)
    desk.mail(2)
    desk.deliver()
    desk.held(first, BORIS)
    desk.deliver()

    def act() -> Item | None:
        next(claim._turns["orders",])  # not the first claim of its process: that one would come by the index
        return claim.next_in_queue("orders", ANNA, "key-1", desk.world)

    return act


def _by_index(desk: Desk) -> Act:
    desk.mail(1)
    desk.mail(2, "#billing #critical")
    return lambda: claim.next_in_mine(ANNA, "key-1", desk.world)


def _named(desk: Desk, key: str) -> Act:
    item = desk.mail(1)
    return lambda: claim.claim_named(item.id, ANNA, key, desk.world)


def _offer(desk: Desk) -> Item:
    """A chat that is offered to Anna, who holds a mail as well; Boris is there, with a chat in hand."""
    desk.held(desk.chat("d0", conversation="c0"), BORIS)
    desk.held(desk.mail(1), ANNA)
    item = desk.chat("d1")
    assert item.offered_to == "anna"
    desk.deliver()
    return item


def _accept(desk: Desk) -> Act:
    item = _offer(desk)
    return lambda: claim.claim_named(item.id, ANNA, "key-1", desk.world)


def _decline(desk: Desk) -> Act:
    item = _offer(desk)

    def decline(now: Item) -> object:
        return work.decline(item.id, now.version, ANNA, desk.world)

    return looking_first(desk, item.id, lambda now: now.offered_to != "anna", decline)


def _timer(desk: Desk, item: Item) -> Act:
    """The item's own timer rings, a second after its time."""
    timers = [m.body for m in desk.outside.messages if m.url == desk.world.settings.timer_queue_url]
    (body,) = {body for body in timers if item.id in body}
    _after(desk, item)
    return lambda: watch.timer_rang(body, desk.world)


def _watch(desk: Desk, item: Item) -> Act:
    """The timer is lost; the watch comes every minute."""
    desk.lose_timers()
    _after(desk, item)
    return watching(desk)


def watching(desk: Desk) -> Act:
    """The minute watch, a minute later each time."""

    def act() -> dict[str, int]:
        desk.cloud.clock.forward(minutes=1)
        return watch.watch(desk.world)

    return act


def _after(desk: Desk, item: Item) -> None:
    assert item.wake_at
    desk.cloud.clock.time = item.wake_at + timedelta(seconds=1)


def _answer_offered(desk: Desk) -> Item:
    """A customer's answer, offered to Anna as it was she who wrote to him."""
    desk.present("anna", "boris")
    _, item = desk.answered(desk.held(desk.mail(1), ANNA))
    desk.deliver()
    item = desk.mail(2, sender="c1@customer.example.com", In_Reply_To="<1@customer.example.com>")
    assert item.offered_to == "anna"
    desk.deliver()
    return item


def _held(desk: Desk) -> Item:
    item = desk.held(desk.mail(1), ANNA)
    desk.deliver()
    return item


def _release(desk: Desk) -> Act:
    item = _held(desk)

    def release(now: Item) -> object:
        return work.give_back(item.id, now.version, ANNA, desk.world)

    return looking_first(desk, item.id, lambda now: now.holder != "anna", release)


def _heartbeat(desk: Desk) -> Act:
    """Of a lease that is half over."""
    item = _held(desk)
    desk.cloud.clock.forward(minutes=7)
    return lambda: work.heartbeat(item.id, item.claim_token or "", ANNA, desk.world)


def _resolve(desk: Desk) -> Act:
    item = _held(desk)

    def resolve(now: Item) -> object:
        return work.finish(item.id, now.version, ANNA, desk.world)

    return looking_first(desk, item.id, lambda now: now.state == State.RESOLVED, resolve)


def _snooze(desk: Desk) -> Act:
    item = _held(desk)
    until = desk.cloud.clock.time + timedelta(days=1)

    def snooze(now: Item) -> object:
        return work.snooze(item.id, now.version, until, ANNA, desk.world)

    return looking_first(desk, item.id, lambda now: now.snoozed_until == until, snooze)


def _wakes(desk: Desk) -> Act:
    item = _held(desk)
    desk.present("boris")
    item = work.snooze(item.id, item.version, desk.cloud.clock.time + timedelta(days=1), ANNA, desk.world)
    desk.deliver()
    return _watch(desk, item)


def _re_ring(desk: Desk) -> Act:
    item = desk.mail(1)
    desk.deliver()
    return _watch(desk, item)


def _claimed(item: Item) -> object:
    return item.id, item.claim_token


FLOWS: Final = {
    "claim by bell": Flow(_by_bell, asked=True, answer=_claimed),
    "claim by index": Flow(_by_index, asked=True, answer=_claimed),
    "claim by name": Flow(lambda desk: _named(desk, ""), asked=True),
    "claim by name and key": Flow(lambda desk: _named(desk, "key-1"), asked=True, answer=_claimed),
    "accept an offer": Flow(_accept, asked=True, answer=_claimed),
    "decline an offer": Flow(_decline, asked=True),
    "offer lapses, chat, timer": Flow(lambda desk: _timer(desk, _offer(desk)), overnight=True),
    "offer lapses, chat, watch": Flow(lambda desk: _watch(desk, _offer(desk)), overnight=True),
    "offer lapses, mail, timer": Flow(lambda desk: _timer(desk, _answer_offered(desk))),
    "offer lapses, mail, watch": Flow(lambda desk: _watch(desk, _answer_offered(desk))),
    "heartbeat": Flow(_heartbeat, asked=True),
    "release": Flow(_release, asked=True),
    "resolve": Flow(_resolve, asked=True),
    "snooze": Flow(_snooze, asked=True),
    "snooze ends": Flow(_wakes),
    "lease ends, timer": Flow(lambda desk: _timer(desk, _held(desk))),
    "lease ends, watch": Flow(lambda desk: _watch(desk, _held(desk))),
    "re-ring": Flow(_re_ring),
}
