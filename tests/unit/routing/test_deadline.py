"""Deadlines in office time: the cases people ask about, by the clock on the wall."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from time import process_time
from zoneinfo import ZoneInfo

import pytest

from chalicelib.errors import Unknown
from chalicelib.hours import Calendar
from chalicelib.routing import calendar as calendars
from chalicelib.routing import public_holidays
from chalicelib.routing.calendar import NeverOpen
from chalicelib.routing.deadline import deadline, office_time

SHIFT = ((9 * 60, 12 * 60 + 30), (13 * 60 + 30, 18 * 60))
WARSAW = Calendar(name="warsaw", timezone="Europe/Warsaw", week=(SHIFT,) * 5 + ((),) * 2, country="PL")
NIGHT = Calendar(name="night", timezone="Europe/Warsaw", week=(((22 * 60, 30 * 60),),) * 7)


def at(text: str, zone: str = "Europe/Warsaw", fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC)


@pytest.mark.parametrize(
    ("start", "hours", "due"),
    [
        ("2026-11-25 09:00", 2, "2026-11-25 11:00"),
        ("2026-11-25 11:30", 2, "2026-11-25 14:30"),  # over lunch
        ("2026-11-25 05:00", 1, "2026-11-25 10:00"),  # before work
        ("2026-11-25 16:00", 2, "2026-11-25 18:00"),  # ends with the day, not on the next morning
        ("2026-11-25 16:00", 2.5, "2026-11-26 09:30"),
        ("2026-11-27 17:00", 2, "2026-11-30 10:00"),  # over the weekend
        ("2026-11-28 12:00", 1, "2026-11-30 10:00"),
        ("2026-11-10 17:00", 2, "2026-11-12 10:00"),  # over Independence Day
        ("2026-12-23 17:30", 1, "2026-12-28 09:30"),  # over Christmas Eve (a holiday since 2025) and the weekend
    ],
)
def test_office_hours_are_counted_by_the_clock_on_the_wall(start: str, hours: float, due: str) -> None:
    assert deadline(at(start), timedelta(hours=hours), WARSAW) == at(due)
    assert office_time(at(start), at(due), WARSAW) == timedelta(hours=hours)


def test_a_night_in_which_the_clock_goes_back_has_an_hour_more() -> None:
    assert deadline(at("2026-10-24 22:00"), timedelta(hours=8), NIGHT) == at("2026-10-25 05:00")
    assert office_time(at("2026-10-24 20:00"), at("2026-10-25 20:00"), NIGHT) == timedelta(hours=9)


def test_a_night_in_which_the_clock_goes_forward_has_an_hour_less() -> None:
    assert deadline(at("2026-03-28 22:00"), timedelta(hours=8), NIGHT) == at("2026-03-29 23:00")
    assert office_time(at("2026-03-28 20:00"), at("2026-03-29 20:00"), NIGHT) == timedelta(hours=7)


def test_what_the_clock_shows_twice_is_open_twice() -> None:
    twice = replace(NIGHT, week=((),) * 6 + (((2 * 60 + 15, 2 * 60 + 45),),))
    assert deadline(at("2026-10-25 00:00"), timedelta(minutes=45), twice) == at("2026-10-25 02:30", fold=1)


def test_what_begins_on_a_day_goes_on_over_midnight_whatever_the_next_day_is() -> None:
    calendar = replace(NIGHT, closed=frozenset({date(2026, 11, 26)}))
    assert deadline(at("2026-11-25 21:00"), timedelta(hours=8), calendar) == at("2026-11-26 06:00")
    assert deadline(at("2026-11-26 07:00"), timedelta(hours=1), calendar) == at("2026-11-27 23:00")


def test_a_day_may_have_hours_of_its_own_even_on_a_holiday() -> None:
    calendar = replace(WARSAW, opened=((date(2026, 11, 11), ((10 * 60, 11 * 60),)),))
    assert deadline(at("2026-11-11 00:00"), timedelta(minutes=30), calendar) == at("2026-11-11 10:30")


def test_half_hour_daylight_saving_is_counted() -> None:
    whole = Calendar(name="island", timezone="Australia/Lord_Howe", week=(((0, 24 * 60),),) * 7)
    start, end = (at(day, "Australia/Lord_Howe") for day in ("2026-04-05 00:00", "2026-04-06 00:00"))
    assert office_time(start, end, whole) == timedelta(hours=24, minutes=30)
    there = ZoneInfo("Australia/Lord_Howe")
    assert office_time(start.astimezone(there), end.astimezone(there), whole) == timedelta(hours=24, minutes=30)


def test_a_moment_is_kept_to_the_microsecond() -> None:
    start = at("2026-11-25 17:59:59.999999")
    assert deadline(start, timedelta(minutes=1), WARSAW) == at("2026-11-26 09:00:59.999999")


def test_years_ahead_are_quick_and_need_no_counting() -> None:
    calendars.opened.cache_clear()
    once_a_week = replace(WARSAW, country="", week=(((9 * 60, 9 * 60 + 1),), *(((),) * 6)))
    begun = process_time()
    due = deadline(at("2026-01-01 00:00"), timedelta(minutes=1500), once_a_week)
    assert due.year == 2054
    assert process_time() - begun < 1


def test_a_calendar_without_an_open_minute_says_so() -> None:
    never = replace(WARSAW, country="", week=((),) * 7)
    with pytest.raises(NeverOpen):
        deadline(at("2026-01-01 00:00"), timedelta(minutes=1), never)


def test_no_time_is_no_promise() -> None:
    with pytest.raises(ValueError, match="takes time"):
        deadline(at("2026-01-01 00:00"), timedelta(), WARSAW)


def test_nothing_lies_between_a_moment_and_one_before_it() -> None:
    assert office_time(at("2026-11-25 15:00"), at("2026-11-25 14:00"), WARSAW) == timedelta()


def test_a_country_nobody_knows_is_named() -> None:
    with pytest.raises(Unknown, match="XX"):
        deadline(at("2026-11-25 15:00"), timedelta(hours=1), replace(WARSAW, country="XX"))


def test_the_packaged_table_is_what_the_library_says() -> None:
    table = public_holidays.table([("PL", ""), ("DE", "BY"), ("DE", "BY")])
    assert set(table["days"]) == {"PL-", "DE-BY"}
    for year in public_holidays.YEARS:
        kept = frozenset(map(date.fromisoformat, table["days"]["DE-BY"][str(year)]))
        assert kept == public_holidays.asked("DE", "BY", year)
        assert date(year, 11, 1) in kept


def test_a_calendar_changes_its_version_with_its_rules() -> None:
    one, same = calendars.version(WARSAW), calendars.version(replace(WARSAW, name="renamed"))
    others = {
        calendars.version(replace(WARSAW, **change))
        for change in (
            {"closed": frozenset({date(2026, 12, 24)})}, {"country": ""}, {"timezone": "Europe/Berlin"},
            {"week": (SHIFT,) * 6 + ((),)}, {"opened": ((date(2026, 12, 24), ()),)},
        )
    }  # fmt: skip
    assert one == same
    assert len(others | {one}) == 6
