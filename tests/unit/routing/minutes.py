"""Office time counted minute by minute, as slowly and plainly as can be: what `routing.deadline` is held against.

It knows nothing of how that computes: whether a minute is open is read from the clock on the wall, one at a time.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cache, lru_cache, partial
from zoneinfo import ZoneInfo

import holidays

from chalicelib.hours import Calendar

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TICK = timedelta(microseconds=1)
MINUTE = timedelta(minutes=1) // TICK


@lru_cache(maxsize=4096)
def _is_holiday(country: str, subdivision: str, day: date) -> bool:
    return day in holidays.country_holidays(country, subdiv=subdivision or None, years=day.year)


def _shift(calendar: Calendar, day: date) -> tuple[tuple[int, int], ...]:
    """The hours that begin on a day."""
    for special, spans in calendar.opened:
        if special == day:
            return spans
    if day in calendar.closed or (calendar.country and _is_holiday(calendar.country, calendar.subdivision, day)):
        return ()
    return calendar.week[day.weekday()]


def _is_open(moment: datetime, zone: ZoneInfo, shift: Callable[[date], tuple[tuple[int, int], ...]]) -> bool:
    """Whether the minute that begins at a moment (UTC) is open: what the wall shows is within hours of today, or of
    yesterday over midnight."""
    wall = moment.astimezone(zone)
    shown, today = wall.hour * 60 + wall.minute, wall.date()
    return any(begin <= shown < end for begin, end in shift(today)) or any(
        begin <= shown + 24 * 60 < end for begin, end in shift(today - timedelta(days=1))
    )


class TooShort(Exception):
    """The counting came to the end of the minutes it knows."""


class Minutes:
    """Whether each minute of some days is open, asked once for each; and counting of them, one by one."""

    def __init__(self, calendar: Calendar, begin: datetime, days: int) -> None:
        self._first = (begin - EPOCH) // TICK // MINUTE
        moments = (begin + timedelta(minutes=n) for n in range(days * 24 * 60))
        zone, shift = ZoneInfo(calendar.timezone), cache(partial(_shift, calendar))
        self._open = [_is_open(moment, zone, shift) for moment in moments]

    def deadline(
        self, start: datetime, allowed: timedelta, pauses: Sequence[tuple[datetime, datetime]] = ()
    ) -> datetime:
        """The end of the office time that is allowed. The clock stands in the pauses, which are ordered and apart; one
        that begins when all is used up no longer matters. Raises `TooShort`."""
        moment, left = _ticks(start), allowed // TICK
        waits = [(_ticks(since), _ticks(until)) for since, until in pauses]
        while True:
            if waits and moment >= waits[0][0]:
                moment = max(moment, waits.pop(0)[1])
                continue
            following = moment - moment % MINUTE + MINUTE
            if waits:
                following = min(following, waits[0][0])
            if self._is_open(moment):
                if left <= following - moment:
                    return EPOCH + (moment + left) * TICK
                left -= following - moment
            moment = following

    def office_time(self, start: datetime, end: datetime) -> timedelta:
        """How much of a time is open. Raises `TooShort`."""
        total, moment, last = 0, _ticks(start), _ticks(end)
        while moment < last:
            following = min(moment - moment % MINUTE + MINUTE, last)
            if self._is_open(moment):
                total += following - moment
            moment = following
        return total * TICK

    def _is_open(self, moment: int) -> bool:
        number = moment // MINUTE - self._first
        if not 0 <= number < len(self._open):
            raise TooShort
        return self._open[number]


def _ticks(moment: datetime) -> int:
    return (moment - EPOCH) // TICK
