"""A calendar entry in one line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.intake import email, mime
from chalicelib.intake.invitation import line

ZONE = "BEGIN:VTIMEZONE\nTZID:Europe/Warsaw\nBEGIN:STANDARD\nDTSTART:19701025T030000\nEND:STANDARD\nEND:VTIMEZONE"
ALARM = "BEGIN:VALARM\nSUMMARY:wake up\nEND:VALARM"


def entry(*lines: str, method: str = "REQUEST", before: str = "") -> str:
    inside = "\n".join(("BEGIN:VEVENT", *lines, "END:VEVENT"))
    another = "BEGIN:VEVENT\nLOCATION:another\nEND:VEVENT"
    return f"BEGIN:VCALENDAR\nMETHOD:{method}\n{before}\n{inside}\n{another}\nEND:VCALENDAR"


def shown(text: str, kind: str = "text/calendar; charset=utf-8") -> str:
    return line(mime.tree(f"Content-Type: {kind}\n\n{text}".encode())[0])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (entry("SUMMARY:Review", "DTSTART:20260302T090000Z", "ORGANIZER;CN=Anna:mailto:anna@example.com"),
         'invitation: "Review", 2026-03-02 09:00 UTC, from Anna (anna@example.com)'),
        (entry("SUMMARY:Review", "DTSTART;TZID=Europe/Warsaw:20260302T090000", before=ZONE),
         'invitation: "Review", 2026-03-02 09:00 Europe/Warsaw'),
        (entry("SUMMARY:Holiday", "DTSTART;VALUE=DATE:20260302"), 'invitation: "Holiday", 2026-03-02'),
        (entry("SUMMARY:Floating", "DTSTART:20260302T0900"), 'invitation: "Floating", 2026-03-02 09:00'),
        (entry("SUMMARY;LANGUAGE=pl:Przegląd\\, część 1\\; a\\nb", "LOCATION:Room 1"),
         'invitation: "Przegląd, część 1; a b", at Room 1'),
        (entry("SUMMARY:Long nam\n e of it"), 'invitation: "Long name of it"'),
        (entry(ALARM, "SUMMARY:Review"), 'invitation: "Review"'),
        (entry("SUMMARY:Review", method="CANCEL"), 'cancelled invitation: "Review"'),
        (entry("SUMMARY:Review", 'ATTENDEE;CN="a: b";PARTSTAT=DECLINED:mailto:a@example.com', method="REPLY"),
         'answer to an invitation (declined): "Review"'),
        (entry("SUMMARY:Review", method="PUBLISH"), 'calendar entry: "Review"'),
        (entry("SUMMARY:Review", "DTSTART:tomorrow"), 'invitation: "Review", tomorrow'),
        (entry("SUMMARY:a\u202eb\x1bc"), 'invitation: "a b c"'),
        (entry('ORGANIZER;CN="anna@example.com":MAILTO:anna@example.com'), "invitation: from anna@example.com"),
        (entry(), ""),
        ("BEGIN:VCALENDAR", ""),
        ("nothing", ""),
    ],
)  # fmt: skip
def test_lines(text: str, words: str) -> None:
    assert shown(text) == words
    assert shown(text.replace("\n", "\r\n")) == words


def test_the_method_may_stand_in_the_type_alone() -> None:
    text = "BEGIN:VCALENDAR\nBEGIN:VEVENT\nSUMMARY:x\nEND:VEVENT"
    assert shown(text, "text/calendar; method=CANCEL") == 'cancelled invitation: "x"'


def test_an_invitation_without_words_is_shown_as_its_line() -> None:
    head = "From: anna@example.com\nContent-Type: text/calendar; method=REQUEST\n\n"
    message = email.parse((head + entry("SUMMARY:Review")).encode())
    assert message.text == 'invitation: "Review"'
    assert message.envelopes == (message.text,)
    assert [one.name for one in message.attachments] == ["attachment.ics"]


@given(st.text(st.sampled_from('BEGIN:VEVENT\n;=",\\SUMARYDT20 ł\x00')) | st.text())
def test_any_text_is_one_line(text: str) -> None:
    told = shown(entry(text))
    assert "\n" not in told
    assert all(letter.isprintable() for letter in told)
