"""An invitation that somebody attaches to his own words, as Gmail does when a booking is forwarded."""

import pytest

from chalicelib.intake import email
from chalicelib.intake.message import Automatic

HEAD = b"From: Anna <anna@example.org>\nTo: help@example.com\nSubject: Fwd: Your booking 4711\n"
INVITATION = b"BEGIN:VCALENDAR\nMETHOD:REQUEST\nBEGIN:VEVENT\nSUMMARY:Fitting\nEND:VEVENT\nEND:VCALENDAR\n"


@pytest.mark.parametrize("method", [b"REQUEST", b"PUBLISH", b"CANCEL"])
def test_who_attaches_an_invitation_is_a_person(method: bytes) -> None:
    message = email.read(
        HEAD + b"Content-Type: multipart/mixed; boundary=b\n\n--b\n\nPlease cancel this and refund me.\n--b\n"
        b"Content-Type: text/calendar; method=" + method + b'; name="invite.ics"\n'
        b'Content-Disposition: attachment; filename="invite.ics"\n\n' + INVITATION + b"--b--\n"
    )
    assert message.automatic is None
    assert [file.name for file in message.attachments] == ["invite.ics"]


@pytest.mark.parametrize("disposition", [b"", b"Content-Disposition: inline; filename=invite.ics\n"])
def test_an_invitation_is_still_one(disposition: bytes) -> None:
    message = email.read(
        HEAD + b"Content-Type: multipart/alternative; boundary=b\n\n--b\n\nFitting on Monday\n--b\n"
        b"Content-Type: text/calendar; method=REQUEST\n" + disposition + b"\n" + INVITATION + b"--b--\n"
    )
    assert message.automatic == Automatic.CALENDAR
