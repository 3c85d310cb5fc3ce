"""A time as a letter says it: weekday, date, hour and how far from UTC, in the words of a language."""

from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

_MINUTE: Final = timedelta(minutes=1)

#: Weekdays from Monday on, months as they stand in dates, and how a date is put together.
_WORDS: Final = {
    "en": (
        "Monday Tuesday Wednesday Thursday Friday Saturday Sunday",
        "January February March April May June July August September October November December",
        "{weekday}, {day} {month} {year}, {hour} ({zone})",
    ),
    "pl": (
        "poniedziałek wtorek środa czwartek piątek sobota niedziela",
        "stycznia lutego marca kwietnia maja czerwca lipca sierpnia września października listopada grudnia",
        "{weekday}, {day} {month} {year} r., godz. {hour} ({zone})",
    ),
    "de": (
        "Montag Dienstag Mittwoch Donnerstag Freitag Samstag Sonntag",
        "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
        "{weekday}, {day}. {month} {year}, {hour} Uhr ({zone})",
    ),
    "ru": (
        "понедельник вторник среда четверг пятница суббота воскресенье",
        "января февраля марта апреля мая июня июля августа сентября октября ноября декабря",
        "{weekday}, {day} {month} {year} г., {hour} ({zone})",
    ),
    "uk": (
        "понеділок вівторок середа четвер пʼятниця субота неділя",
        "січня лютого березня квітня травня червня липня серпня вересня жовтня листопада грудня",
        "{weekday}, {day} {month} {year} р., {hour} ({zone})",
    ),
}


def until(moment: datetime, timezone: str, language: str) -> str:
    """A time by the clocks of a zone, never before the moment itself: part of a minute counts as a whole one.

    Raises `KeyError` for a language that `policy.DATED` does not name.
    """
    weekdays, months, shape = _WORDS[language]
    whole = moment.replace(second=0, microsecond=0)
    there = (whole if whole == moment else whole + _MINUTE).astimezone(ZoneInfo(timezone))
    return shape.format(
        weekday=weekdays.split()[there.weekday()], day=there.day, month=months.split()[there.month - 1],
        year=there.year, hour=f"{there:%H:%M}", zone=_from_utc(there),
    )  # fmt: skip


def _from_utc(there: datetime) -> str:
    minutes = (there.utcoffset() or timedelta()) // _MINUTE
    hours, rest = divmod(abs(minutes), 60)
    ahead = f"{'+' if minutes > 0 else '-'}{hours}" + (f":{rest:02d}" if rest else "")
    return f"UTC{ahead}" if minutes else "UTC"
