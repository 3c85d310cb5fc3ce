"""When a promise falls due, counted in office time. Pure: aware times in, UTC out."""

from datetime import UTC, datetime, timedelta
from typing import Final

from chalicelib.hours import Calendar, Promise
from chalicelib.policy import Policy
from chalicelib.routing.calendar import NeverOpen, moment_of, opened, ticks, years

_TICK: Final = timedelta(microseconds=1)


def promise_of(channel: str, urgency: str | None, queue: str, policy: Policy) -> Promise | None:
    """What is promised for such an item: the first that covers it; None where none does."""
    return next((p for p in policy.promises if p.covers(channel, urgency, queue)), None)


def deadline(start: datetime, allowed: timedelta, calendar: Calendar) -> datetime:
    """The first moment by which so much office time has gone by since `start`; `allowed` is above 0.

    Time that ends with the working day ends then, not on the next morning. Raises `NeverOpen`, and `Unknown` for a
    country nobody knows.
    """
    moment, left = ticks(start), allowed // _TICK
    if left <= 0:
        raise ValueError("a promise takes time")
    for year in years(start.astimezone(UTC).year):
        there = opened(calendar, year)
        gone = there.until(moment)
        if there.total - gone >= left:
            return moment_of(there.reached(gone + left))
        left -= there.total - gone
    raise NeverOpen(f"calendar {calendar.name} is not open for {allowed} after {start}")


def office_time(start: datetime, end: datetime, calendar: Calendar) -> timedelta:
    """How much office time lies between two moments; nothing where the end comes first."""
    if end <= start:
        return timedelta()
    first, last = ticks(start), ticks(end)
    span = range(start.astimezone(UTC).year, end.astimezone(UTC).year + 1)
    total = sum(opened(calendar, year).until(last) - opened(calendar, year).until(first) for year in span)
    return total * _TICK
