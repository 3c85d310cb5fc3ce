"""What a returned mail tells: who was not reached, why, and which mail it was."""

import time

import pytest

from chalicelib.intake import email
from chalicelib.intake.message import Automatic, Failure, Message

HEAD = b"From: MAILER-DAEMON@mx.example.net\nTo: help@example.com\nSubject: Undelivered Mail\n"
ORIGINAL = (
    b"--b\nContent-Type: message/rfc822\n\nMessage-ID: <reply-1@example.com>\nTo: anna@example.org\nSubject: Parcel\n"
    b"\nIt is on its way.\n"
)


def report(*groups: str, words: str = "It came back.", original: bytes = ORIGINAL) -> Message:
    """A multipart/report with one group of fields for each recipient."""
    status = "\n\n".join(["Reporting-MTA: dns; mx.example.net", *groups])
    raw = (
        b"Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\n\n" + words.encode() + b"\n"
        b"--b\nContent-Type: message/delivery-status\n\n" + status.encode() + b"\n" + original + b"--b--\n"
    )
    return email.read(HEAD + raw)


def told(words: str, fields: bytes = b"") -> tuple[Failure, ...]:
    """What is read of a mail system's plain words."""
    return email.read(HEAD + fields + b"Content-Type: text/plain; charset=utf-8\n\n" + words.encode()).failures


def test_a_delivery_status_names_recipient_code_and_reason() -> None:
    message = report(
        "Final-Recipient: rfc822; anna@example.org\nAction: failed\nStatus: 5.1.1\n"
        "Diagnostic-Code: smtp; 550 5.1.1 <anna@example.org>:\n  no such user here"
    )
    reason = "550 5.1.1 <anna@example.org>: no such user here"
    assert message.automatic == Automatic.BOUNCE
    assert message.failures == (Failure("anna@example.org", "5.1.1", reason, permanent=True),)
    assert message.about == ("reply-1@example.com",)


def test_the_address_that_was_written_to_is_named_first() -> None:
    message = report(
        "Original-Recipient: rfc822; anna@example.org\nFinal-Recipient: rfc822; a.box@host.example.net\nAction: failed"
    )
    assert [one.recipient for one in message.failures] == ["anna@example.org"]


def test_each_recipient_that_failed_is_named_once() -> None:
    groups = [
        f"Final-Recipient: rfc822; {name}@example.org\nAction: {action}\nStatus: 5.0.0"
        for name, action in [("a", "failed"), ("b", "delivered"), ("c", "failed"), ("A", "failed"), ("d", "relayed")]
    ]
    assert [one.recipient for one in report(*groups).failures] == ["a@example.org", "c@example.org"]


def test_a_late_mail_did_not_fail_for_good() -> None:
    message = report("Final-Recipient: rfc822; anna@example.org\nAction: delayed\nStatus: 4.4.7")
    assert message.automatic == Automatic.DELIVERY_REPORT
    assert [(one.status, one.permanent) for one in message.failures] == [("4.4.7", False)]


@pytest.mark.parametrize(
    ("status", "diagnostic", "code"),
    [
        ("5.0.0", "smtp; 550 5.1.1 no such user", "5.1.1"),
        ("5.1.1", "smtp; 550 5.7.1 refused by policy", "5.7.1"),
        ("5.2.2", "smtp; 550 5.0.0 mailbox is full", "5.2.2"),
        ("5.2.2 (mailbox full)", "smtp; 552 mailbox is full", "5.2.2"),
        ("", "smtp; 550 user unknown at 5.1.1.7", ""),
        ("failed", "x-unix; no code", ""),
    ],
)
def test_the_code_of_the_system_that_refused(status: str, diagnostic: str, code: str) -> None:
    group = (
        f"Final-Recipient: rfc822; anna@example.org\nAction: failed\nStatus: {status}\nDiagnostic-Code: {diagnostic}"
    )
    assert [one.status for one in report(group).failures] == [code]


@pytest.mark.parametrize(
    ("diagnostic", "permanent"),
    [
        ("550 5.1.1 User unknown", True),
        ("550 No such user here", True),
        ("550 5.1.2 Host unknown", True),
        ("550 5.4.1 Recipient address rejected: Access denied", True),
        ("552 5.2.2 Mailbox is full", False),
        ("552 5.3.4 Message too large", False),
        ("550 5.7.1 Message refused as spam", False),
        ("553 5.1.8 Domain of sender address does not exist", False),
        ("421 4.7.0 Try again later", False),
        ("450 4.1.1 User unknown", False),
        ("550 Skrzynka odbiorcy nie istnieje", True),
        ("550 Пользователь не найден", True),
        ("550 No", None),
    ],
)
def test_whether_nobody_can_be_reached_there(diagnostic: str, permanent: bool | None) -> None:
    group = f"Final-Recipient: rfc822; anna@example.org\nAction: failed\nDiagnostic-Code: smtp; {diagnostic}"
    assert [one.permanent for one in report(group).failures] == [permanent]


def test_a_status_without_a_reason_takes_it_from_the_words() -> None:
    group = "Final-Recipient: rfc822; anna@example.org\nAction: failed\nStatus: 5.0.0"
    words = "We are sorry.\n\n<anna@example.org>: host mx.example.org said: 550 5.1.1 unknown user"
    (failure,) = report(group, words=words).failures
    assert (failure.status, failure.reason) == ("5.1.1", words.split("\n")[-1])


def test_failed_recipients_in_the_header() -> None:
    (one, two) = told(
        "anna@example.org\n  550 5.1.1 unknown user\n\nboris@example.org\n  552 5.2.2 mailbox full\n",
        b"X-Failed-Recipients: anna@example.org, boris@example.org\n",
    )
    assert (one.recipient, one.status, one.permanent) == ("anna@example.org", "5.1.1", True)
    assert (two.recipient, two.status, two.permanent) == ("boris@example.org", "5.2.2", False)


COPY = "\n\n--- Below this line is a copy.\n\nTo: boris@example.org\nMessage-ID: <reply-1@example.com>\n\n"
COPY += "boris@example.org: 550 5.1.1 unknown user\n"
WORDS = {
    "qmail": "The program at mx.example.net:\n\n<anna@example.org>:\nno mailbox here by that name. (#5.1.1)",
    "exim": "A message you sent could not be delivered:\n\n  anna@example.org\n    host mx.example.org [192.0.2.1]:\n"
    "    550 5.1.1 unknown user",
    "postfix": "This is the mail system.\n\n<anna@example.org>: host mx.example.org[192.0.2.1] said: 550 5.1.1\n"
    "    unknown user (in reply to RCPT TO command)",
    "sendmail": "   ----- The following addresses had permanent fatal errors -----\n<anna@example.org>\n"
    "    (reason: 550 5.1.1 unknown user)",
    "exchange": "Your message\n\n  To: help@example.com\n  Subject: Parcel\n\ndid not reach:\n\n"
    "  anna@example.org on 02.11.2026 10:00\n    550 5.1.1 The recipient name is not recognized",
    "gmail": "Delivery failed:\n\n     anna@example.org\n\nTechnical details:\n550 5.1.1 no such user",
    "yahoo": "Unable to deliver to this address.\n\n<anna@example.org>:\n550 5.1.1 User unknown",
    "notes": "It was not delivered to:\n\n  anna@example.org\n\nbecause:\n\n  5.1.1 not listed in Directory",
    "in a sentence": "The mail to Anna (anna@example.org) was refused: 550 5.1.1 unknown user",
    "behind a word": "Rejected.\n\ntarget mail address: anna@example.org\nreason: 5.1.1 unknown user",
    "fields in the text": "Report:\n\nFinal-Recipient: rfc822;anna@example.org\nAction: failed\nStatus: 5.1.1\n\n",
}


@pytest.mark.parametrize("words", WORDS.values(), ids=WORDS)
def test_mail_systems_that_write_plain_words(words: str) -> None:
    (failure,) = told(words + COPY)
    assert (failure.recipient, failure.status) == ("anna@example.org", "5.1.1")
    assert failure.permanent


def test_without_a_name_it_is_the_recipient_of_what_came_back() -> None:
    raw = (
        HEAD + b"Content-Type: multipart/mixed; boundary=b\n\n--b\n\nIt could not be delivered.\n" + ORIGINAL + b"--b--"
    )
    assert email.read(raw).failures == (Failure("anna@example.org", "", "It could not be delivered.", None),)


def test_whom_to_ask_for_help_did_not_fail() -> None:
    assert told("It could not be delivered. Ask <postmaster@mx.example.net> or support@mx.example.net.") == ()


def test_a_reason_is_bounded() -> None:
    (failure,) = told("<anna@example.org>: 550 " + "x" * 5_000)
    assert len(failure.reason) == 300


def test_a_reason_holds_nothing_that_cannot_be_stored() -> None:
    status = "Final-Recipient: rfc822; a\0nna@example.com\nAction: failed\nStatus: 5.1.1\n"
    (failure,) = report(f"{status}Diagnostic-Code: smtp; 550 no\0body here\n").failures
    assert "\0" not in failure.recipient + failure.reason
    assert "nobody here" in failure.reason


def test_which_mail_it_was() -> None:
    headers = b"--b\nContent-Type: text/rfc822-headers\n\nMessage-ID: <reply-2@example.com>\n\n"
    assert report("Final-Recipient: rfc822; a@example.org", original=headers).about == ("reply-2@example.com",)
    assert email.read(HEAD + b"\nfailed" + COPY.encode()).about == ("reply-1@example.com",)
    receipt = (
        b"From: anna@example.org\nContent-Type: multipart/report; report-type=disposition-notification; boundary=b\n\n"
        b"--b\n\nread\n--b\nContent-Type: message/disposition-notification\n\n"
        b"Original-Message-ID: <reply-3@example.com>\nDisposition: automatic-action; displayed\n--b--\n"
    )
    assert (email.read(receipt).about, email.read(receipt).failures) == (("reply-3@example.com",), ())


def test_a_persons_mail_tells_no_failures() -> None:
    message = email.read(b"From: anna@example.org\n\n<boris@example.org>: 550 5.1.1 unknown\nMessage-ID: <x@y>\n")
    assert (message.failures, message.about) == ((), ())


HOSTILE = {
    "recipients": "Final-Recipient: rfc822; a%d@example.org\nAction: failed\n\n",
    "blanks": " \n", "colons": "recipient: \n\n", "folds": "Status: 5\n x", "addresses": "a%d@example.org\n",
    "ats": "@", "locals": "a", "dashes": "-", "codes": "5.1.1 ", "digits": "550", "brackets": "<a@b", "dots": "a@b.c.",
}  # fmt: skip


@pytest.mark.parametrize("unit", HOSTILE.values(), ids=HOSTILE)
def test_hostile_reports_cost_their_length(unit: str) -> None:
    many = "".join(unit % number if "%d" in unit else unit for number in range(1_000_000 // len(unit)))
    begun = time.process_time()
    assert len(report(many, words=many).failures) <= 50
    assert len(told(many)) <= 50
    assert time.process_time() - begun < 5


def test_many_recipients_without_a_reason_cost_little() -> None:
    groups = [f"Final-Recipient: rfc822; a{number}@example.org\nAction: failed" for number in range(1_000)]
    words = "".join(f"b{number}@example.org\nx\n\n" for number in range(1_000))
    begun = time.process_time()
    assert len(report(*groups, words=words).failures) == 50
    assert time.process_time() - begun < 1


EXIM = (
    "This message was created automatically by mail delivery software.\n\nA message that you sent could not be "
    "delivered to one or more of its\nrecipients. This is a permanent error. The following address(es) failed:\n\n"
    "  anna@example.org\n    Unrouteable address\n"
)


@pytest.mark.parametrize("fields", [b"", b"X-Failed-Recipients: anna@example.org\n"])
def test_exim_says_why_below_the_address(fields: bytes) -> None:
    assert told(EXIM, fields) == (Failure("anna@example.org", "", "Unrouteable address", permanent=True),)


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("Your message to anna@example.org couldn't be delivered.\nanna wasn't found at example.org.",
         "anna wasn't found at example.org."),
        ("Ihre Nachricht an anna@example.org konnte nicht zugestellt werden.\nanna wurde nicht gefunden.",
         "anna wurde nicht gefunden."),
        ("Twoja wiadomość do anna@example.org nie może zostać dostarczona.\n\nNie znaleziono anna w example.org.",
         "Nie znaleziono anna w example.org."),
        ("Не вдалося доставити лист для anna@example.org.\n\nАдресата не знайдено.", "Адресата не знайдено."),
        ("anna@example.org\nНе вдалося знайти введену адресу.", "Не вдалося знайти введену адресу."),
        ("anna@example.org (anna@example.org)\nBitte prüfen Sie die Adresse.\n\nanna@example.org\nuser unknown",
         "user unknown"),
    ],
)  # fmt: skip
def test_that_nobody_is_there_is_the_reason(words: str, reason: str) -> None:
    assert told(words) == (Failure("anna@example.org", "", reason, permanent=True),)


@pytest.mark.parametrize("reason", ["Das Postfach des Empfängers ist voll.", "Скринька переповнена."])
def test_a_full_mailbox_is_the_reason_in_other_languages_too(reason: str) -> None:
    words = f"Your mail could not be delivered:\n\nanna@example.org:\n{reason}"
    assert told(words) == (Failure("anna@example.org", "", reason, permanent=False),)
