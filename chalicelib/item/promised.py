"""What was promised of an item, and what each step of its life does to that. Pure.

Resolving is counted while the company is at work on the item: the clock stands while it waits for the customer. What
was promised is never put off, whatever becomes of the desk's calendar, or of the item's queue and urgency.
"""

from dataclasses import replace
from datetime import datetime
from typing import Any

from chalicelib.hours import Calendar, Promise
from chalicelib.item.item import Item, Promised
from chalicelib.item.state import State
from chalicelib.policy import QUARANTINE, Policy
from chalicelib.routing import calendar as calendars
from chalicelib.routing import clock as clocks
from chalicelib.routing.clock import Clock, Course
from chalicelib.routing.deadline import promise_of


def promised(item: Item, since: datetime, policy: Policy) -> Item:
    """The item with what the desk promises anew, counted since its customer wrote; with nothing in quarantine."""
    promise = promise_of(item.channel, item.urgency, item.queue, policy)
    if item.queue == QUARANTINE or promise is None or not (promise.first_reply or promise.resolution):
        return replace(item, promises=None)
    made = _still_due(_made(promise, since, policy.calendars[promise.calendar]), item)
    return replace(item, promises=made if made.clocks else None)


def moved_on(before: Item, after: Item, at: datetime, policy: Policy, *, replied: bool = False) -> Item:
    """The item with what becomes of its promises by a step; `replied` says whether a person answered the customer.

    What people took out of quarantine is promised as if it had never been there.
    """
    if before.queue == QUARANTINE and after.queue != QUARANTINE and after.promises is None:
        return promised(after, after.created_at, policy)
    moved = (before.urgency, before.queue) != (after.urgency, after.queue)
    if after.promises is None and moved and after.state != State.RESOLVED:
        after = promised(after, at, policy)
    made = after.promises
    calendar = _calendar(made, policy) if made else None
    if made is None or calendar is None or after.merged:
        return after
    if moved:
        made = _tightened(made, after, at, policy)
    first, resolution = made.first_reply, made.resolution
    if replied and first:
        first = clocks.ended(first, at, calendar)
    if resolution and before.merged is None:
        resolution = _resolution(resolution, before, after, at, calendar)
    first, resolution = (_run(clock, after.state, at, calendar) for clock in (first, resolution))
    return replace(after, promises=replace(made, first_reply=first, resolution=resolution))


def joined(made: Promised | None, other: Promised | None) -> Promised | None:
    """What is promised of an item once another goes on in it: of both what is sooner, as long as it runs."""
    if made is None or other is None:
        return made or other
    first, resolution = (
        _sooner(clock, fresh if fresh and fresh.course == Course.RUNNING else None)
        for clock, fresh in ((made.first_reply, other.first_reply), (made.resolution, other.resolution))
    )
    if (first, resolution) == (made.first_reply, made.resolution):
        return made
    return replace(other, first_reply=first, resolution=resolution)


def told(item: Item) -> dict[str, Any]:
    """What an event tells of an item's promises; nothing where there are none."""
    if item.promises is None:
        return {}
    made = item.promises
    return {
        "promised": {
            "name": made.name, "calendar": made.calendar, "calendar_version": made.version,
            **{name: _told(clock) for name, clock in made.clocks.items()},
        }
    }  # fmt: skip


def _made(promise: Promise, since: datetime, calendar: Calendar) -> Promised:
    first, resolution = (
        clocks.started(since, time, promise.warn_after, calendar) if time else None
        for time in (promise.first_reply, promise.resolution)
    )
    return Promised(promise.name, calendar.name, calendars.version(calendar), first, resolution)


def _still_due(made: Promised, item: Item) -> Promised:
    """What is promised, but for a first reply where the customer has been answered and has not written since."""
    answered = item.contact is not None and item.contacts is None
    return replace(made, first_reply=None) if answered else made


def _tightened(made: Promised, item: Item, at: datetime, policy: Policy) -> Promised:
    """What is promised once the item is another: sooner where that is promised sooner, counted from now."""
    promise = promise_of(item.channel, item.urgency, item.queue, policy)
    if promise is None or promise.name == made.name:
        return made
    fresh = _still_due(_made(promise, at, policy.calendars[promise.calendar]), item)
    first = _sooner(made.first_reply, fresh.first_reply)
    resolution = _sooner(made.resolution, fresh.resolution)
    if (first, resolution) == (made.first_reply, made.resolution):
        return made
    return replace(fresh, first_reply=first, resolution=resolution)


def _sooner(made: Clock | None, fresh: Clock | None) -> Clock | None:
    return clocks.sooner(made, fresh) if made and fresh else made or fresh


def _resolution(clock: Clock, before: Item, after: Item, at: datetime, calendar: Calendar) -> Clock:
    was, now = before.state == State.RESOLVED, after.state == State.RESOLVED
    if now and not was:
        return clocks.ended(clock, at, calendar)
    return clocks.reopened(clock, at, calendar) if was and not now else clock


def _run(clock: Clock | None, state: State, at: datetime, calendar: Calendar) -> Clock | None:
    """The clock as it runs or stands in a state. Who lets an item rest for himself stops nothing."""
    if clock is None or state == State.SNOOZED:
        return clock
    stands = state in {State.WAITING, State.RESOLVED}
    return clocks.paused(clock, at, calendar) if stands else clocks.resumed(clock, at, calendar)


def _calendar(made: Promised, policy: Policy) -> Calendar | None:
    """The calendar to count by now: the one of that name, else any, for a desk may lose one; None where it has none."""
    return policy.calendars.get(made.calendar) or next(iter(policy.calendars.values()), None)


def _told(clock: Clock) -> dict[str, Any]:
    left = {"left_seconds": int(clock.left.total_seconds())} if clock.left is not None else {}
    return {"course": clock.course, "due_at": clock.due_at.isoformat(), **left}
