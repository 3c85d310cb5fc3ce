"""What a calendar means in time: which instants are open, counted exactly. Pure.

An instant is open if the clock on the wall shows an open time at it. So what a clock shows twice in autumn counts
twice, and what it skips in spring does not count. All times are microseconds since 1970, UTC, inside.
"""

import hashlib
import json
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from importlib import import_module
from itertools import accumulate
from typing import Final
from zoneinfo import ZoneInfo

from chalicelib.hours import Calendar, Span
from chalicelib.routing import public_holidays

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_DAY: Final = date(1970, 1, 1).toordinal()
_TICK: Final = timedelta(microseconds=1)
_SECOND: Final = 1_000_000
_MINUTE: Final = 60 * _SECOND
_DAY: Final = 24 * 60 * _MINUTE
#: The days of the week fall on the same dates again after so many years, so what is closed as long always is.
_CYCLE: Final = 400


class NeverOpen(Exception):
    """A calendar has no open minute, or too few before the end of all calendars."""


@dataclass(frozen=True, slots=True)
class Open:
    """The open times of a year (UTC), ordered and apart; `before[n]` is how long was open before the nth, at the end
    of the tuple before all is over."""

    begins: tuple[int, ...]
    ends: tuple[int, ...]
    before: tuple[int, ...]

    @property
    def total(self) -> int:
        """How long is open in the whole year."""
        return self.before[-1]

    def until(self, moment: int) -> int:
        """How long was open before a moment."""
        n = bisect_right(self.begins, moment) - 1
        return self.before[n] + min(moment, self.ends[n]) - self.begins[n] if n >= 0 else 0

    def reached(self, amount: int) -> int:
        """The first moment before which so much was open; `amount` is above 0 and not above the total."""
        n = bisect_left(self.before, amount) - 1
        return self.begins[n] + amount - self.before[n]


def ticks(moment: datetime) -> int:
    """Microseconds since 1970 of an aware time."""
    return (moment - _EPOCH) // _TICK


def moment_of(count: int) -> datetime:
    """The time (UTC) so many microseconds after 1970."""
    return _EPOCH + count * _TICK


def years(first: int) -> Iterator[int]:
    """The years in which an open time may be, from this one on."""
    return iter(range(first, min(first + _CYCLE + 1, 9999)))


@lru_cache(maxsize=128)
def opened(calendar: Calendar, year: int) -> Open:
    """When a calendar is open in a year that begins and ends by UTC. Raises `Unknown` for a country nobody knows."""
    begin, end = (ticks(datetime(y, 1, 1, tzinfo=UTC)) for y in (year, year + 1))
    found: list[list[int]] = []
    walls = list(_walls(calendar, year))
    at = 0
    for piece_begin, piece_end, offset in _pieces(ZoneInfo(calendar.timezone), begin, end):
        while at and walls[at - 1][1] > piece_begin + offset:  # in autumn the clock goes back
            at -= 1
        for wall_begin, wall_end in walls[at:]:
            if wall_begin >= piece_end + offset:
                break
            at += 1
            first, last = max(wall_begin - offset, piece_begin), min(wall_end - offset, piece_end)
            if first < last:
                _append(found, first, last)
    lengths = accumulate((last - first for first, last in found), initial=0)
    return Open(tuple(f for f, _ in found), tuple(e for _, e in found), tuple(lengths))


def version(calendar: Calendar) -> str:
    """A short hash of everything the calendar's meaning depends on: its rules, the tables of holidays and zones."""
    hours = {"week": calendar.week, "open": [(str(day), spans) for day, spans in calendar.opened]}
    days = {"closed": sorted(map(str, calendar.closed)), "holidays": f"{calendar.country}-{calendar.subdivision}"}
    tables = {"zone": calendar.timezone, "zones": import_module("tzdata").IANA_VERSION}
    known = {"table": public_holidays.edition()} if calendar.country else {}
    return hashlib.sha256(json.dumps(hours | days | tables | known, sort_keys=True).encode()).hexdigest()[:16]


def _walls(calendar: Calendar, year: int) -> Iterator[tuple[int, int]]:
    """Open times by the clock on the wall, ordered and apart, from a few days before a year until after it."""
    found: list[list[int]] = []
    own, closed = dict(calendar.opened), _closed(calendar, year)
    for number in range(date(year, 1, 1).toordinal() - 3, date(year + 1, 1, 1).toordinal() + 2):
        midnight = (number - _EPOCH_DAY) * _DAY
        for begin, end in _hours(calendar, date.fromordinal(number), own, closed):
            _append(found, midnight + begin * _MINUTE, midnight + end * _MINUTE)
    return ((begin, end) for begin, end in found)


def _hours(
    calendar: Calendar, day: date, own: dict[date, tuple[Span, ...]], closed: frozenset[date]
) -> tuple[Span, ...]:
    if day in own:
        return own[day]
    return () if day in closed else calendar.week[day.weekday()]


def _closed(calendar: Calendar, year: int) -> frozenset[date]:
    """The days on which nobody begins to work, of a year and its neighbours' ends."""
    if not calendar.country:
        return calendar.closed
    near = (year - 1, year, year + 1)
    return calendar.closed.union(*(public_holidays.of(calendar.country, calendar.subdivision, y) for y in near))


def _append(found: list[list[int]], begin: int, end: int) -> None:
    """Adds a time that begins no earlier than the others; what touches or overlaps becomes one."""
    if found and begin <= found[-1][1]:
        found[-1][1] = max(found[-1][1], end)
    else:
        found.append([begin, end])


def _pieces(zone: ZoneInfo, begin: int, end: int) -> Iterator[tuple[int, int, int]]:
    """A time cut where the zone's clocks are moved: begin, end, and what the wall shows more than UTC."""
    at, offset, seen = begin, _offset(zone, begin), begin
    for probe in (*range(begin + _DAY, end, _DAY), end):
        if (there := _offset(zone, probe)) != offset:
            change = _changed(zone, seen, probe, offset)
            yield at, change, offset
            at, offset = change, there
        seen = probe
    if at < end:
        yield at, end, offset


def _changed(zone: ZoneInfo, before: int, after: int, offset: int) -> int:
    """The second in which the clocks are moved, between one with this offset and one without it."""
    while after - before > _SECOND:
        middle = before + (after - before) // (2 * _SECOND) * _SECOND
        before, after = (middle, after) if _offset(zone, middle) == offset else (before, middle)
    return after


def _offset(zone: ZoneInfo, moment: int) -> int:
    ahead = moment_of(moment).astimezone(zone).utcoffset() or timedelta()
    return ahead // _TICK
