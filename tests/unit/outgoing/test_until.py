"""How a time is said in the languages of letters."""

from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.outgoing import until as words
from chalicelib.outgoing.until import until
from chalicelib.policy import DATED

MOMENT = datetime(2026, 10, 23, 13, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "Friday, 23 October 2026, 15:05 (UTC+2)"),
        ("pl", "piątek, 23 października 2026 r., godz. 15:05 (UTC+2)"),
        ("de", "Freitag, 23. Oktober 2026, 15:05 Uhr (UTC+2)"),
        ("ru", "пятница, 23 октября 2026 г., 15:05 (UTC+2)"),
        ("uk", "пʼятниця, 23 жовтня 2026 р., 15:05 (UTC+2)"),
    ],
)
def test_a_time_is_said_with_weekday_date_and_hour(language: str, said: str) -> None:
    assert until(MOMENT, "Europe/Warsaw", language) == said


def test_every_language_has_all_its_words() -> None:
    assert set(words._WORDS) == set(DATED)
    for weekdays, months, _ in words._WORDS.values():
        assert (len(weekdays.split()), len(months.split())) == (7, 12)


@pytest.mark.parametrize(
    ("zone", "said"),
    [
        ("UTC", "Friday, 23 October 2026, 13:05 (UTC)"),
        ("Asia/Kathmandu", "Friday, 23 October 2026, 18:50 (UTC+5:45)"),
        ("America/St_Johns", "Friday, 23 October 2026, 10:35 (UTC-2:30)"),
        ("Pacific/Kiritimati", "Saturday, 24 October 2026, 03:05 (UTC+14)"),
    ],
)
def test_it_is_said_by_the_clocks_of_the_desk(zone: str, said: str) -> None:
    assert until(MOMENT, zone, "en") == said


def test_the_hour_that_comes_twice_is_told_apart() -> None:
    first = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    said = [until(at, "Europe/Warsaw", "en") for at in (first, first + timedelta(hours=1))]
    assert said == ["Sunday, 25 October 2026, 02:30 (UTC+2)", "Sunday, 25 October 2026, 02:30 (UTC+1)"]


def test_no_time_is_named_that_comes_before_the_one_that_is_meant() -> None:
    assert until(MOMENT + timedelta(seconds=1), "UTC", "en").endswith("13:06 (UTC)")
