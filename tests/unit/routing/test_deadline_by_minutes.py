"""Deadlines are those of a clerk who counts minutes: over zones, daylight saving, holidays, nights and pauses."""

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import pytest

from chalicelib.hours import Calendar, Span
from chalicelib.routing import calendar as shipped
from chalicelib.routing import clock as clocks
from chalicelib.routing import public_holidays
from chalicelib.routing.deadline import deadline, office_time
from tests.unit.routing.minutes import Minutes, TooShort

#: A zone, and the country whose holidays a calendar there may keep.
ZONES = (
    ("Europe/Warsaw", "PL", ""), ("Europe/Berlin", "DE", "BY"), ("Europe/Berlin", "DE", "BE"),
    ("Europe/Kyiv", "UA", ""), ("Europe/London", "GB", "ENG"), ("America/New_York", "US", "NY"),
    ("Asia/Kathmandu", "", ""), ("Australia/Lord_Howe", "AU", "NSW"), ("Asia/Tehran", "", ""),
    ("America/St_Johns", "CA", "NL"), ("Pacific/Apia", "", ""), ("Pacific/Chatham", "", ""), ("UTC", "", ""),
    ("Africa/Casablanca", "", ""), ("America/Sao_Paulo", "", ""),
)  # fmt: skip
DAYS = 32


@dataclass(frozen=True, slots=True)
class Case:
    """A promise, made at a moment, and the times in which its clock stood."""

    start: datetime
    allowed: timedelta
    pauses: tuple[tuple[datetime, datetime], ...]


def test_deadlines_are_those_of_a_clerk_who_counts_minutes() -> None:
    checked = _differences(1_200, seed=7)
    assert not checked.different
    assert checked.cases >= 1_200
    assert checked.paused > 200


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_a_hundred_thousand_deadlines_are_those_of_a_clerk() -> None:
    begun = time.perf_counter()
    checked = _differences(100_000, seed=20_261_127, each=250)
    print(
        f"\n{checked.cases} deadlines over {checked.calendars} calendars, {checked.paused} with pauses, "
        f"{checked.moved} beside moved clocks: {len(checked.different)} differ; "
        f"{time.perf_counter() - begun:.0f} s, {checked.shipped_seconds:.1f} s of them in what ships"
    )
    assert not checked.different
    assert checked.cases >= 100_000
    assert checked.moved > 10_000


def _no_fold(monkeypatch: pytest.MonkeyPatch) -> None:
    """Clocks are moved at midnight before: as a program that asks each day's offset once believes."""

    def once_a_day(zone: ZoneInfo, begin: int, end: int) -> Iterator[tuple[int, int, int]]:
        day = 24 * 60 * 60 * 1_000_000
        for at in range(begin, end, day):
            yield at, min(at + day, end), shipped._offset(zone, at)

    monkeypatch.setattr(shipped, "_pieces", once_a_day)


def _fold_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the clock shows for the second time in autumn is not open again."""
    pieces = shipped._pieces

    def second_time_left_out(zone: ZoneInfo, begin: int, end: int) -> Iterator[tuple[int, int, int]]:
        before = None
        for at, until, offset in pieces(zone, begin, end):
            back = max(0, before - offset) if before is not None else 0
            yield at + back, until, offset
            before = offset

    monkeypatch.setattr(shipped, "_pieces", second_time_left_out)


def _holiday_a_day_late(monkeypatch: pytest.MonkeyPatch) -> None:
    right = public_holidays.of

    def wrong(country: str, subdivision: str, year: int) -> frozenset[date]:
        return frozenset(day + timedelta(days=1) for day in right(country, subdivision, year))

    monkeypatch.setattr(public_holidays, "of", wrong)


def _end_inclusive(monkeypatch: pytest.MonkeyPatch) -> None:
    """An interval has its last minute too."""
    right = shipped._hours

    def wrong(
        calendar: Calendar, day: date, own: dict[date, tuple[Span, ...]], closed: frozenset[date]
    ) -> tuple[Span, ...]:
        return tuple((begin, end + 1) for begin, end in right(calendar, day, own, closed))

    monkeypatch.setattr(shipped, "_hours", wrong)


def _night_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """What goes on over midnight ends at midnight."""
    right = shipped._hours

    def wrong(
        calendar: Calendar, day: date, own: dict[date, tuple[Span, ...]], closed: frozenset[date]
    ) -> tuple[Span, ...]:
        return tuple((begin, min(end, 24 * 60)) for begin, end in right(calendar, day, own, closed))

    monkeypatch.setattr(shipped, "_hours", wrong)


def _pause_by_the_wall(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pause puts the deadline off by as long as it took, office time or not."""

    def wrong(clock: clocks.Clock, at: datetime, calendar: Calendar) -> clocks.Clock:
        if clock.paused_at is None or not clock.left:
            return right(clock, at, calendar)
        return clocks.replace(clock, paused_at=None, left=None, due_at=clock.due_at + (at - clock.paused_at))

    right = clocks.resumed
    monkeypatch.setattr(clocks, "resumed", wrong)


@pytest.mark.parametrize(
    "plant",
    [_no_fold, _fold_skipped, _holiday_a_day_late, _end_inclusive, _night_forgotten, _pause_by_the_wall],
)
def test_a_planted_mistake_is_found(
    plant: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped.opened.cache_clear()
    plant(monkeypatch)
    try:
        assert _differences(3_000, seed=7, enough=1).different
    finally:
        shipped.opened.cache_clear()


@dataclass(slots=True)
class Checked:
    """What a run of comparisons found."""

    different: list[str]
    cases: int = 0
    calendars: int = 0
    paused: int = 0
    moved: int = 0
    shipped_seconds: float = 0.0


def _differences(cases: int, seed: int, enough: int = 20, each: int = 80) -> Checked:
    """Compares as many cases, `each` of a calendar; ends early after `enough` that differ."""
    checked, draw = Checked([]), random.Random(seed)
    while checked.cases < cases and len(checked.different) < enough:
        # A window of days for each calendar, every second one around moved clocks.
        calendar, begin = _drawn(draw, checked.calendars)
        minutes = Minutes(calendar, begin, DAYS)
        change = _clocks_moved(calendar, begin)
        checked.calendars += 1
        for _ in range(each):
            case = _case(draw, begin, change)
            try:
                expected = _expected(minutes, case)
            except TooShort:
                continue
            begun = time.perf_counter()
            found = _found(calendar, case)
            checked.shipped_seconds += time.perf_counter() - begun
            checked.cases += 1
            checked.paused += bool(case.pauses)
            checked.moved += change is not None
            if found != expected:
                checked.different.append(f"{calendar}\n{case}\n  counted {expected}\n  shipped {found}")
    return checked


def _expected(minutes: Minutes, case: Case) -> tuple[datetime, timedelta]:
    due = minutes.deadline(case.start, case.allowed, case.pauses)
    return due, minutes.office_time(case.start, due)


def _found(calendar: Calendar, case: Case) -> tuple[datetime, timedelta]:
    clock = clocks.started(case.start, case.allowed, 75, calendar)
    if not case.pauses:
        assert clock.due_at == deadline(case.start, case.allowed, calendar)
    for since, until in case.pauses:
        if since >= clock.due_at:
            break
        clock = clocks.resumed(clocks.paused(clock, since, calendar), until, calendar)
    return clock.due_at, office_time(case.start, clock.due_at, calendar)


def _case(draw: random.Random, begin: datetime, change: datetime | None) -> Case:
    start = begin + timedelta(days=3, minutes=draw.randrange(12 * 24 * 60))
    if change and draw.random() < 0.5:
        start = change + timedelta(minutes=draw.randrange(-30 * 60, 30 * 60))
    if draw.random() < 0.3:  # most promises begin within a minute
        start += timedelta(seconds=draw.randrange(60), microseconds=draw.randrange(1_000_000))
    allowed = timedelta(minutes=draw.choice((1, 15, 60, 240, draw.randrange(1, 480), draw.randrange(1, 2000))))
    pauses, at = [], start
    while draw.random() < 0.3:
        since = at + timedelta(minutes=draw.randrange(1, 2000), seconds=draw.randrange(60))
        at = since + timedelta(minutes=draw.randrange(1, 3000), seconds=draw.randrange(60))
        pauses.append((since, at))
    return Case(start, allowed, tuple(pauses))


def _drawn(draw: random.Random, number: int) -> tuple[Calendar, datetime]:
    """A calendar and the begin of its days."""
    zone, country, part = ZONES[number % len(ZONES)]
    year = draw.randrange(2024, 2037)
    begin = datetime(year, 1, 1, tzinfo=UTC) + timedelta(days=draw.randrange(365))
    if number // len(ZONES) % 2 == 0:
        changes = _changes(zone, year)
        begin = draw.choice(changes) - timedelta(days=draw.randrange(4, 12)) if changes else begin
    days = [begin.date() + timedelta(days=n) for n in range(DAYS)]
    opened = {day: _spans(draw) for day in draw.sample(days, draw.randrange(3))}
    closed = frozenset(day for day in draw.sample(days, draw.randrange(4)) if day not in opened)
    week = [_spans(draw) if draw.random() < (0.9 if n < 5 else 0.3) else () for n in range(7)]
    week[draw.randrange(7)] = _spans(draw)
    kept = country if draw.random() < 0.7 else ""
    calendar = Calendar(
        name=f"calendar {number}", timezone=zone, week=tuple(week), country=kept, subdivision=part if kept else "",
        closed=closed, opened=tuple(sorted(opened.items())),
    )  # fmt: skip
    return calendar, begin.replace(hour=0, minute=0, second=0, microsecond=0)


def _spans(draw: random.Random) -> tuple[Span, ...]:
    """Hours of a day: plain ones, two with a break, small ones where clocks are moved, over midnight."""
    match draw.randrange(8):
        case 0:
            return ((9 * 60, 17 * 60),)
        case 1:
            return ((9 * 60, 12 * 60 + 30), (13 * 60 + 30, 18 * 60))
        case 2 | 5:
            return ((22 * 60, 30 * 60),)
        case 3 | 6:
            return ((0, 24 * 60),)
        case 4:
            begin = draw.randrange(0, 4 * 60)
            return ((begin, begin + draw.randrange(1, 90)), (8 * 60, 10 * 60))
    edges = sorted(draw.sample(range(24 * 60), 4))
    return ((edges[0], edges[1]), (edges[2], edges[3] + draw.choice((0, 0, 120))))


@cache
def _changes(zone: str, year: int) -> tuple[datetime, ...]:
    """Days on which the zone's clocks are moved."""
    days = [datetime(year, 1, 1, tzinfo=UTC) + timedelta(days=n) for n in range(366)]
    offsets = [day.astimezone(ZoneInfo(zone)).utcoffset() for day in days]
    return tuple(day for day, a, b in zip(days, offsets, offsets[1:], strict=False) if a != b)


def _clocks_moved(calendar: Calendar, begin: datetime) -> datetime | None:
    """The midnight after which clocks are moved in the window; None where they are not."""
    window = begin + timedelta(days=3), begin + timedelta(days=15)
    changes = (day for year in (begin.year, begin.year + 1) for day in _changes(calendar.timezone, year))
    return next((day for day in changes if window[0] < day < window[1]), None)
