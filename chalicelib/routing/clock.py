"""The clock of one promise: it runs in office time, stands while the company waits, and ends once. Pure."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from chalicelib.hours import Calendar
from chalicelib.routing.deadline import deadline, office_time

_NOTHING = timedelta()


class Course(StrEnum):
    """How a promise stands."""

    RUNNING = "running"
    PAUSED = "paused"
    BREACHED = "breached"
    KEPT = "kept"


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """When a promise falls due, and what became of it. Times are aware UTC.

    `warn_before` is the office time between warning and due time. While it stands (`paused_at`) and once it ended
    (`ended_at`), `left` is the office time that was left of it: nothing where it was due. `warned_at` and `breached_at`
    are set once.
    """

    due_at: datetime
    warn_at: datetime
    warn_before: timedelta
    left: timedelta | None = None
    paused_at: datetime | None = None
    warned_at: datetime | None = None
    breached_at: datetime | None = None
    ended_at: datetime | None = None

    @property
    def course(self) -> Course:
        """How the promise stands: once it was broken it stays so."""
        if self.breached_at:
            return Course.BREACHED
        if self.ended_at:
            return Course.KEPT
        return Course.PAUSED if self.paused_at else Course.RUNNING

    @property
    def next_at(self) -> datetime | None:
        """When it warns or is broken, whichever comes next; None where nothing comes."""
        if self.course != Course.RUNNING:
            return None
        return self.due_at if self.warned_at else min(self.warn_at, self.due_at)


def started(start: datetime, allowed: timedelta, warn_after: int, calendar: Calendar) -> Clock:
    """The clock of a promise made at `start`. It warns after `warn_after` percent of the time."""
    ahead = allowed * warn_after / 100
    due_at, warn_at = deadline(start, allowed, calendar), deadline(start, ahead, calendar)
    return Clock(due_at=due_at, warn_at=warn_at, warn_before=allowed - ahead)


def paused(clock: Clock, at: datetime, calendar: Calendar) -> Clock:
    """The clock as it stands from now on."""
    if clock.ended_at or clock.paused_at:
        return clock
    return replace(clock, paused_at=at, left=office_time(at, clock.due_at, calendar))


def resumed(clock: Clock, at: datetime, calendar: Calendar) -> Clock:
    """The clock as it runs on with what was left; what was due stays due."""
    if clock.ended_at or clock.paused_at is None:
        return clock
    running, left = replace(clock, paused_at=None, left=None), clock.left or _NOTHING
    at = max(at, clock.paused_at)
    if not left:
        return running
    due_at = deadline(at, left, calendar)
    if clock.warned_at or clock.warn_at <= clock.paused_at:
        return replace(running, due_at=due_at)
    ahead = left - clock.warn_before
    return replace(running, due_at=due_at, warn_at=deadline(at, ahead, calendar) if ahead > _NOTHING else at)


def ended(clock: Clock, at: datetime, calendar: Calendar) -> Clock:
    """The clock as what was promised is done: in time, or late."""
    if clock.ended_at:
        return clock
    late = (clock.paused_at or at) > clock.due_at
    left = clock.left if clock.paused_at else office_time(at, clock.due_at, calendar)
    breached_at = clock.breached_at or (at if late else None)
    return replace(clock, ended_at=at, paused_at=None, left=left, breached_at=breached_at)


def reopened(clock: Clock, at: datetime, calendar: Calendar) -> Clock:
    """The clock as it runs on since what was promised was not done after all."""
    if clock.ended_at is None:
        return clock
    return resumed(replace(clock, ended_at=None, paused_at=clock.ended_at), at, calendar)


def sooner(clock: Clock, fresh: Clock) -> Clock:
    """The clock after more was promised, which `fresh` counts from now. One that stands or is over stays as it is."""
    return fresh if clock.course == Course.RUNNING and fresh.due_at < clock.due_at else clock


def warned(clock: Clock, at: datetime) -> Clock:
    """The clock after its warning."""
    return replace(clock, warned_at=at)


def breached(clock: Clock, at: datetime) -> Clock:
    """The clock after it was told that the promise is broken."""
    return replace(clock, breached_at=at)
