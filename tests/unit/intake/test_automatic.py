"""What tells a program's mail from a person's."""

import pytest

from chalicelib.intake import automatic, email
from chalicelib.intake.message import Automatic

PERSON = b"From: Anna <anna@example.org>\nTo: help@example.com\n"
STATUS = (
    b"Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\n\nwords\n"
    b"--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; x\n\nAction: %s\n--b--\n"
)


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        (b"X-Sortownia-Loop: 1\nAuto-Submitted: auto-replied", Automatic.ECHO),
        (b"Auto-Submitted: auto-replied; owner=x", Automatic.AUTO_REPLY),
        (b"Auto-Submitted: auto-generated", Automatic.AUTO_REPLY),
        (b"Auto-Submitted: no", None),
        (b"Return-Path: <>\nAuto-Submitted: auto-replied", Automatic.AUTO_REPLY),
        (b"Return-Path: <>", Automatic.BOUNCE),
        (b"Return-Path: <anna@example.org>", None),
        (b"X-Failed-Recipients: x@example.org", Automatic.BOUNCE),
        (b"X-Autoreply: yes", Automatic.AUTO_REPLY),
        (b"Precedence: auto_reply", Automatic.AUTO_REPLY),
        (b"Precedence: bulk", Automatic.BULK),
        (b"Precedence: list", Automatic.LIST),
        (b"List-Id: <x.example.org>\nList-Unsubscribe: <mailto:x@example.org>", Automatic.LIST),
        (b"List-Unsubscribe: <mailto:x@example.org>", Automatic.BULK),
        (b"Content-Type: text/calendar; method=REQUEST", Automatic.CALENDAR),
        (b"Content-Type: text/calendar", None),
        (
            b"Content-Type: multipart/report; report-type=disposition-notification; boundary=b",
            Automatic.DELIVERY_REPORT,
        ),
        (b"Content-Type: multipart/report; report-type=feedback-report; boundary=b", Automatic.DELIVERY_REPORT),
        (b"Content-Type: multipart/report; boundary=b", Automatic.BOUNCE),
        (b"Subject: Automatische Antwort: Urlaub", Automatic.AUTO_REPLY),
        (b"Subject: Out of office: back on Monday", Automatic.AUTO_REPLY),
        ("Subject: Автоответ: отпуск".encode(), Automatic.AUTO_REPLY),
        ("Subject: Odpowiedź automatyczna: urlop".encode(), Automatic.AUTO_REPLY),
        ("Subject: Автоматична відповідь: відпустка".encode(), Automatic.AUTO_REPLY),
        (b"Subject: Re: Out of office: back on Monday", None),
        (b"Subject: My office is out of paper", None),
        (b"Subject: Undelivered parcel", None),
        (b"", None),
    ],
)
def test_headers(fields: bytes, kind: Automatic | None) -> None:
    message = email.read(PERSON + fields + b"\n\nsome words\n")
    assert message.automatic == kind
    assert bool(message.automatic_reason) == (kind is not None)


@pytest.mark.parametrize(
    "sender",
    [b"MAILER-DAEMON@x.example", b"Mail Delivery System <m@x.example>", b"postmaster@x.example", b"MAILER-DAEMON <>"],
)
def test_mail_systems(sender: bytes) -> None:
    assert email.read(b"From: " + sender + b"\n\nx").automatic == Automatic.BOUNCE


@pytest.mark.parametrize("sender", [b"Anna Postmasterska <anna@example.org>", b"daemon.slayer@example.org"])
def test_people_with_such_names(sender: bytes) -> None:
    assert email.read(b"From: " + sender + b"\n\nx").automatic is None


@pytest.mark.parametrize(
    ("action", "kind"),
    [
        (b"failed", Automatic.BOUNCE),
        (b"delayed", Automatic.DELIVERY_REPORT),
        (b"delivered", Automatic.DELIVERY_REPORT),
        (b"unheard-of", Automatic.BOUNCE),
    ],
)
def test_delivery_status(action: bytes, kind: Automatic) -> None:
    assert email.read(PERSON + STATUS % action).automatic == kind


def test_a_returned_mail_is_known_by_subject_and_text_together() -> None:
    raw = PERSON + b"Subject: Mail delivery failed\n\nThe mail could not be delivered: 550 5.1.1 no such user.\n"
    assert email.read(raw).automatic == Automatic.BOUNCE
    assert (
        email.read(raw.replace(b"The mail", b"The mail").replace(b"Subject: M", b"Subject: Fwd: M")).automatic is None
    )


def test_the_loop_header_is_the_one_we_send() -> None:
    assert automatic.LOOP_HEADER == "X-Sortownia-Loop"
