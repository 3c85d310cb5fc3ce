"""A calendar entry (iCalendar, RFC 5545) in one line that people can read."""

import re
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from chalicelib.intake import charset
from chalicelib.intake.mime import Part

BYTES_READ: Final = 200_000
SHOWN: Final = 200  # characters of a value
MAX_DEPTH: Final = 10
_FOLD = re.compile(r"\r?\n[ \t]")
_PROPERTY = re.compile(r"([A-Za-z-]{1,40})((?:;[A-Za-z-]{1,40}=(?:\"[^\"\n]*\"|[^;:\"\n]*))*):(.*)")
_PARAMETER = re.compile(r";([A-Za-z-]{1,40})=(\"[^\"\n]*\"|[^;:\"\n]*)")
_TIME = re.compile(r"(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d)?(Z?))?")
_ESCAPE = re.compile(r"\\(.)")
_METHODS: Final = {
    "REQUEST": "invitation",
    "CANCEL": "cancelled invitation",
    "REPLY": "answer to an invitation",
    "COUNTER": "counter-proposal to an invitation",
}
_ANSWERS: Final = {"ACCEPTED": "accepted", "DECLINED": "declined", "TENTATIVE": "perhaps"}
_ENTRIES: Final = frozenset({"VEVENT", "VTODO"})


class _Property(NamedTuple):
    """A value and its parameters, names in capitals."""

    value: str
    parameters: dict[str, str]


def line(part: Part) -> str:
    """`invitation: "Review", 2026-03-02 09:00 Europe/Warsaw, from Anna (anna@example.com)`. Never raises.

    '' where nothing can be read.
    """
    text = charset.decode(part.content()[:BYTES_READ], part.parameters.get("charset", "utf-8")).text
    found = _properties(_FOLD.sub("", text))
    method = (found["METHOD"].value if "METHOD" in found else part.parameters.get("method", "")).upper()
    told = ", ".join(_told(found))
    return f"{_METHODS.get(method, 'calendar entry')}{_answer(found, method)}: {told}" if told else ""


def _told(found: Mapping[str, _Property]) -> Iterator[str]:
    if "SUMMARY" in found:
        yield f'"{_shown(found["SUMMARY"].value)}"'
    if "DTSTART" in found:
        yield _time(found["DTSTART"])
    if "LOCATION" in found:
        yield f"at {_shown(found['LOCATION'].value)}"
    if "ORGANIZER" in found:
        yield f"from {_person(found['ORGANIZER'])}"


def _answer(found: Mapping[str, _Property], method: str) -> str:
    """What the only guest of an answer says."""
    said = found["ATTENDEE"].parameters.get("PARTSTAT", "").upper() if "ATTENDEE" in found else ""
    return f" ({_ANSWERS[said]})" if method == "REPLY" and said in _ANSWERS else ""


def _properties(text: str) -> dict[str, _Property]:
    """The first of each property: of the calendar and of its first entry, but not of its time zones and alarms."""
    found: dict[str, _Property] = {}
    inside: list[str] = []
    for written in text.splitlines():
        read = _PROPERTY.fullmatch(written.strip())
        if read is None:
            continue
        name, value = read[1].upper(), read[3].strip()
        if name == "BEGIN" and len(inside) < MAX_DEPTH:
            inside.append(value.upper())
        elif name == "END" and inside:
            if inside.pop() in _ENTRIES:
                return found
        elif value and (inside[1:] in ([], ["VEVENT"], ["VTODO"])):
            given = {key.upper(): parameter.strip('"') for key, parameter in _PARAMETER.findall(read[2])}
            found.setdefault(name, _Property(value, given))
    return found


def _time(at: _Property) -> str:
    """When it begins, in the zone it names; what is no time is shown as it stands."""
    read = _TIME.fullmatch(at.value)
    if read is None:
        return _shown(at.value)
    year, month, day, hour, minute, _, utc = read.groups()
    if hour is None:
        return f"{year}-{month}-{day}"
    zone = "UTC" if utc else _shown(at.parameters.get("TZID", ""))
    return f"{year}-{month}-{day} {hour}:{minute} {zone}".strip()


def _person(whose: _Property) -> str:
    address = _shown(re.sub("^mailto:", "", whose.value, flags=re.IGNORECASE))
    name = _shown(whose.parameters.get("CN", ""))
    return f"{name} ({address})" if name and name != address else address


def _shown(value: str) -> str:
    """A value as text on one line."""
    plain = _ESCAPE.sub(lambda found: " " if found[1] in "nN" else found[1], value)
    return " ".join("".join(letter if letter.isprintable() else " " for letter in plain).split())[:SHOWN]
