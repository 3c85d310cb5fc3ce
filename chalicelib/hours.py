"""Office hours and promises: their shapes, and how desk.toml says them.

Pure data: what a calendar means in time is computed in `routing`.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import Any, Final, Protocol
from zoneinfo import ZoneInfo

WEEK: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
#: A promise that would fall due later than this is refused: it is none.
LONGEST_WAIT: Final = timedelta(days=3650)
#: After this share of the time a promise warns, in percent, where the desk says nothing else.
WARN_AFTER: Final = 75

_DAY: Final = 24 * 60
_SPAN = re.compile(r"([01]\d|2[0-4]):([0-5]\d)-([01]\d|2[0-4]):([0-5]\d)")
_COUNTRY = re.compile(r"([A-Z]{2})(?:-([A-Z0-9]{1,8}))?")
_OFFICE_TIME = re.compile(r"PT(?=\d)(?:(\d{1,5})H)?(?:(\d{1,5})M)?")

#: Minutes after a day's midnight by the clock on the wall, from and until; over midnight the end is above 24 hours.
type Span = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """When the company works, by the clocks of a time zone.

    `week` has the hours of Monday to Sunday. On public holidays of the country (and its `subdivision`, '' for none) and
    on `closed` days nobody begins to work; `opened` days have hours of their own, whatever else they are. What begins
    on a day goes on over midnight, whatever the next day is.
    """

    name: str
    timezone: str
    week: tuple[tuple[Span, ...], ...]
    country: str = ""
    subdivision: str = ""
    closed: frozenset[date] = frozenset()
    opened: tuple[tuple[date, tuple[Span, ...]], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """In how much office time the company answers and resolves, and for which items; None is not promised.

    Empty sets leave it open: any channel, urgency or queue. It warns after `warn_after` percent of the time. Where it
    is broken the item goes to the urgent lane and, if `escalate_to` names one, to another queue.
    """

    name: str
    calendar: str
    channels: frozenset[str] = frozenset()
    urgencies: frozenset[str] = frozenset()
    queues: frozenset[str] = frozenset()
    first_reply: timedelta | None = None
    resolution: timedelta | None = None
    warn_after: int = WARN_AFTER
    escalate_to: str = ""

    def covers(self, channel: str, urgency: str | None, queue: str) -> bool:
        """Whether it is made for such an item. One whose urgency nobody knows is covered where none is asked for."""
        return (
            (not self.channels or channel in self.channels)
            and (not self.urgencies or urgency in self.urgencies)
            and (not self.queues or queue in self.queues)
        )


class Reader(Protocol):
    """What reading a desk offers: checks that name line and rule."""

    def broken(self, key: str, rule: str) -> Exception:
        """The error for a rule that a key breaks."""

    def each(self, key: str, value: Any, allowed: Iterable[str], what: str) -> tuple[str, ...]:
        """A list of texts, each of them allowed."""


def calendars(entries: Any, reader: Reader) -> dict[str, Calendar]:
    """The calendars under `[calendars.NAME]`. Raises the reader's error for one that breaks a rule."""
    return {name: _calendar(name, entry, reader) for name, entry in _named("calendars", entries, reader).items()}


def promises(
    entries: Any,
    known: Mapping[str, Calendar],
    allowed: Mapping[str, Iterable[str]],
    reader: Reader,
) -> tuple[Promise, ...]:
    """The promises under `[[promises]]`, in their order. `allowed` has what the desk knows of channels, urgencies and
    queues. Raises the reader's error for one that breaks a rule."""
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise reader.broken("promises", "must be tables under [[promises]]")
    found = tuple(_promise(n, entry, known, allowed, reader) for n, entry in enumerate(entries, 1))
    names = [promise.name for promise in found]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise reader.broken("promises", f"two promises have the name {twice!r}")
    return found


def _calendar(name: str, entry: Any, reader: Reader) -> Calendar:
    key = f"calendars.{name}"
    if not isinstance(entry, dict):
        raise reader.broken(key, "must be a table")
    _check_keys(key, entry, {"timezone", "holidays", "closed", "open", *WEEK}, reader)
    week = tuple(_spans(f"{key}.{day}", entry.get(day, []), reader) for day in WEEK)
    if not any(week):
        raise reader.broken(key, "has no open minute: give hours to a day of the week")
    country, subdivision = _country(f"{key}.holidays", entry.get("holidays", ""), reader)
    closed = frozenset(_date(f"{key}.closed", day, reader) for day in _list(f"{key}.closed", entry, "closed", reader))
    opened = _opened(f"{key}.open", entry.get("open", {}), reader)
    if both := sorted(closed & {day for day, _ in opened}):
        raise reader.broken(f"{key}.open", f"{both[0]} is closed and open")
    zone = _zone(f"{key}.timezone", entry.get("timezone"), reader)
    return Calendar(name=name, timezone=zone, week=week, country=country, subdivision=subdivision, closed=closed,
                    opened=opened)  # fmt: skip


def _promise(
    number: int, entry: Mapping[str, Any], known: Mapping[str, Calendar], allowed: Mapping[str, Iterable[str]],
    reader: Reader,
) -> Promise:  # fmt: skip
    key = "promises"
    keys = {"name", "calendar", "first_reply", "resolution", "warn_after", "escalate_to", *_KINDS}
    _check_keys(key, entry, keys, reader)
    name = entry.get("name", f"promise {number}")
    if not isinstance(name, str) or not name.strip():
        raise reader.broken(key, "name must be a text")
    calendar = known.get(str(entry.get("calendar")))
    if calendar is None:
        raise reader.broken(key, f"{name}: calendar must be one of this desk; there is {', '.join(known) or 'none'}")
    times = {what: _office_time(f"{name}: {what}", entry[what], calendar, reader)
             for what in ("first_reply", "resolution") if what in entry}  # fmt: skip
    sets = {plural: frozenset(reader.each(key, _one_or_more(entry.get(one, [])), allowed[plural], what))
            for one, (plural, what) in _KINDS.items()}  # fmt: skip
    warn_after = entry.get("warn_after", WARN_AFTER)
    if not isinstance(warn_after, int) or isinstance(warn_after, bool) or not 1 <= warn_after <= 99:
        raise reader.broken(key, f"{name}: warn_after must be a percentage from 1 to 99")
    escalate_to = entry.get("escalate_to", "")
    if escalate_to:
        reader.each(key, [escalate_to], allowed["queues"], "a queue")
    return Promise(
        name=name, calendar=calendar.name, channels=sets["channels"], urgencies=sets["urgencies"],
        queues=sets["queues"], first_reply=times.get("first_reply"), resolution=times.get("resolution"),
        warn_after=warn_after, escalate_to=escalate_to,
    )  # fmt: skip


_KINDS: Final = {
    "channel": ("channels", "a channel"),
    "urgency": ("urgencies", "an urgency"),
    "queue": ("queues", "a queue"),
}


def _office_time(what: str, value: Any, calendar: Calendar, reader: Reader) -> timedelta:
    match = _OFFICE_TIME.fullmatch(value) if isinstance(value, str) else None
    hours, minutes = match.groups(default="0") if match else ("0", "0")
    time = timedelta(hours=int(hours), minutes=int(minutes))
    if not time:
        rule = 'must be office time longer than nothing in hours and minutes, such as "PT4H" or "PT30M"'
        raise reader.broken("promises", f"{what} {rule}: a day has no fixed number of them")
    a_week = timedelta(minutes=sum(end - begin for spans in calendar.week for begin, end in spans))
    if time / a_week > LONGEST_WAIT / timedelta(weeks=1):
        raise reader.broken("promises", f"{what} would fall due later than in {LONGEST_WAIT.days // 365} years")
    return time


def _spans(key: str, value: Any, reader: Reader) -> tuple[Span, ...]:
    """The hours of a day, in order. Those over midnight end after 24:00."""
    if not isinstance(value, list):
        raise reader.broken(key, 'must be a list of hours such as ["09:00-12:30", "13:30-18:00"]')
    spans = sorted(_span(key, text, reader) for text in value)
    for (_, end), (begin, _) in pairwise(spans):
        if begin < end:
            raise reader.broken(key, "its hours overlap")
    return tuple(spans)


def _span(key: str, text: Any, reader: Reader) -> Span:
    match = _SPAN.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise reader.broken(key, f'{text!r} are no hours such as "09:00-17:30" or, over midnight, "22:00-06:00"')
    hour, minute, last_hour, last_minute = (int(part) for part in match.groups())
    begin, end = hour * 60 + minute, last_hour * 60 + last_minute
    if begin >= _DAY or end > _DAY or begin == end:
        raise reader.broken(key, f"{text!r} is not within a day, or has no minute")
    return (begin, end) if begin < end else (begin, end + _DAY)


def _country(key: str, value: Any, reader: Reader) -> tuple[str, str]:
    if value == "":
        return "", ""
    match = _COUNTRY.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise reader.broken(key, f'{value!r} is no country, such as "PL", nor part of one, such as "DE-BY"')
    return match[1], match[2] or ""


def _zone(key: str, value: Any, reader: Reader) -> str:
    try:
        return ZoneInfo(value).key
    except (TypeError, ValueError, OSError, KeyError):  # ZoneInfo's own errors for names and things that are none
        raise reader.broken(key, f'{value!r} is no time zone, such as "Europe/Warsaw"') from None


def _opened(key: str, value: Any, reader: Reader) -> tuple[tuple[date, tuple[Span, ...]], ...]:
    if not isinstance(value, dict):
        raise reader.broken(key, 'must be days with hours, such as "2026-12-24" = ["09:00-12:00"]')
    days = {_date(key, day, reader): _spans(key, hours, reader) for day, hours in value.items()}
    return tuple(sorted(days.items()))


def _date(key: str, value: Any, reader: Reader) -> date:
    try:
        return value if type(value) is date else date.fromisoformat(value)
    except (TypeError, ValueError):
        raise reader.broken(key, f'{value!r} is no date such as "2026-12-24"') from None


def _list(key: str, entry: Mapping[str, Any], name: str, reader: Reader) -> list[Any]:
    value = entry.get(name, [])
    if not isinstance(value, list):
        raise reader.broken(key, "must be a list of dates")
    return value


def _one_or_more(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _named(key: str, entries: Any, reader: Reader) -> Mapping[str, Any]:
    if not isinstance(entries, dict):
        raise reader.broken(key, "must be tables")
    return entries


def _check_keys(key: str, entry: Mapping[str, Any], keys: Iterable[str], reader: Reader) -> None:
    for name in entry:
        if name not in keys:
            raise reader.broken(f"{key}.{name}", f"no such key; there is {', '.join(sorted(keys))}")
