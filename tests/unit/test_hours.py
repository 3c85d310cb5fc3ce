"""Which calendars and promises are refused, and how those that are not are read."""

from datetime import date, timedelta
from pathlib import Path

import pytest

from chalicelib import policy
from chalicelib.policy import PolicyError
from infra.package import check_calendars
from tests.desk import DESK

CALENDARS = """
[calendars.office]
timezone = "Europe/Warsaw"
monday = ["09:00-12:30", "13:30-18:00"]
friday = ["22:00-06:00"]
holidays = "PL"
closed = ["2026-12-31"]

[calendars.office.open]
"2026-12-24" = ["09:00-12:00"]
2026-12-25 = []

[[promises]]
name = "urgent mail"
channel = "mail"
urgency = ["critical", "high"]
calendar = "office"
first_reply = "PT1H30M"
resolution = "PT8H"
warn_after = 50
escalate_to = "billing"

[[promises]]
queue = "people"
calendar = "office"

[[promises]]
calendar = "office"
first_reply = "PT4H"
"""

#: What is changed into what, and what the refusal says.
BROKEN = [
    ('"Europe/Warsaw"', '"Europe/Wroclaw"', "calendars.office.timezone: 'Europe/Wroclaw' is no time zone"),
    ('"Europe/Warsaw"', '"../etc"', "is no time zone"),
    ('"Europe/Warsaw"', '"Europe"', "is no time zone"),
    ('"Europe/Warsaw"', "7", "is no time zone"),
    ('timezone = "Europe/Warsaw"', "", "calendars.office.timezone: None is no time zone"),
    ("monday", "mondays", "calendars.office.mondays: no such key"),
    ('"09:00-12:30"', '"9-12:30"', "calendars.office.monday: '9-12:30' are no hours"),
    ('"09:00-12:30"', '"09:00-24:30"', "is not within a day"),
    ('"09:00-12:30"', '"09:00-09:00"', "has no minute"),
    ('"09:00-12:30"', '"24:00-24:00"', "is not within a day"),
    ('"09:00-12:30"', '"09:00-14:00"', "calendars.office.monday: its hours overlap"),
    ('["22:00-06:00"]', '"22:00-06:00"', "must be a list of hours"),
    ('"PL"', '"Poland"', "calendars.office.holidays: 'Poland' is no country"),
    ('"2026-12-31"', '"31.12.2026"', "calendars.office.closed: '31.12.2026' is no date"),
    ('["2026-12-31"]', '"2026-12-31"', "must be a list of dates"),
    ('"2026-12-31"', '"2026-12-24"', "calendars.office.open: 2026-12-24 is closed and open"),
    ('calendar = "office"\nfirst_reply = "PT4H"', 'calendar = "of"', "there is office"),
    ('"PT4H"', '"P1D"', "promise 3: first_reply must be office time"),
    ('"PT4H"', '"PT0M"', "longer than nothing"),
    ('"PT4H"', '"PT99999H"', "would fall due later than in 10 years"),
    ('"PT4H"', "4", "must be office time"),
    ('"mail"\nurg', '"fax"\nurg', "'fax' is not a channel"),
    ('"critical", "high"', '"soon"', "'soon' is not an urgency"),
    ('queue = "people"', 'queue = "nobody"', "'nobody' is not a queue"),
    ("warn_after = 50", "warn_after = 100", "warn_after must be a percentage"),
    ("warn_after = 50", "warn_after = true", "warn_after must be a percentage"),
    ('escalate_to = "billing"', 'escalate_to = "nobody"', "'nobody' is not a queue"),
    ('name = "urgent mail"', 'name = "promise 2"', "two promises have the name 'promise 2'"),
    ('name = "urgent mail"', "name = 7", "name must be a text"),
    ("[[promises]]\nname", "[[promises]]\nfirst = 1\nname", "promises.first: no such key"),
]


@pytest.mark.parametrize(("old", "new", "said"), BROKEN)
def test_a_broken_rule_is_refused_and_named(old: str, new: str, said: str) -> None:
    assert CALENDARS.count(old) >= 1
    with pytest.raises(PolicyError) as refused:
        policy.parse(DESK + CALENDARS.replace(old, new, 1))
    assert said in str(refused.value)
    assert "desk.toml, line " in str(refused.value)


def test_a_calendar_without_an_open_minute_is_refused() -> None:
    with pytest.raises(PolicyError, match="has no open minute"):
        policy.parse(DESK + '\n[calendars.never]\ntimezone = "UTC"\n')


@pytest.mark.parametrize("country", ["XX", "DE-XX"])
def test_a_country_nobody_knows_is_refused_before_anything_is_packaged(country: str) -> None:
    desk = policy.parse(DESK + CALENDARS.replace('"PL"', f'"{country}"'))
    with pytest.raises(PolicyError, match=f"calendars.office: nobody knows the public holidays of {country}"):
        check_calendars(desk)


def test_calendars_and_promises_are_read() -> None:
    desk = policy.parse(DESK + CALENDARS)
    office = desk.calendars["office"]
    assert office.week[0] == ((540, 750), (810, 1080))
    assert office.week[4] == ((1320, 1800),)
    assert office.week[6] == ()
    assert (office.country, office.subdivision) == ("PL", "")
    assert office.closed == {date(2026, 12, 31)}
    assert office.opened == ((date(2026, 12, 24), ((540, 720),)), (date(2026, 12, 25), ()))
    urgent, none, rest = desk.promises
    assert (urgent.first_reply, urgent.resolution) == (timedelta(minutes=90), timedelta(hours=8))
    assert (urgent.warn_after, urgent.escalate_to) == (50, "billing")
    assert (none.first_reply, none.resolution, none.name) == (None, None, "promise 2")
    assert urgent.covers("mail", "high", "orders")
    assert not urgent.covers("mail", None, "orders")
    assert not urgent.covers("chat", "high", "orders")
    assert rest.covers("chat", None, "orders")
    check_calendars(desk)


def test_what_the_page_on_promises_says_is_a_desk() -> None:
    page = (Path(__file__).parents[2] / "docs" / "promises.md").read_text("utf-8")
    hours, letter = (part.split("```")[0] for part in page.split("```toml\n")[1:])
    text = DESK.replace(
        "[queues.people]", '[queues.spam]\nmembers = ["*"]\n\n[queues.complaints]\nmembers = ["*"]\n\n[queues.people]'
    )
    desk = policy.parse(text + hours + '[acknowledge]\nchannels = ["mail"]\n' + letter)
    assert [promise.name for promise in desk.promises] == ["promise 1", "urgent mail", "everything else"]
    assert desk.acknowledge.promised["en"].endswith("{until}.")
    check_calendars(desk)
