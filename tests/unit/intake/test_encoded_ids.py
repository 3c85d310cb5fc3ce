"""Ids that a program folded as encoded words: Python's own mail package does so with every id too long for a line."""

from email.message import EmailMessage
from email.policy import SMTP

import pytest

from chalicelib.intake import email, thread

OURS = "0102019c0a1b2c3d-4e5f6071-8293-a4b5-c6d7-e8f901234567-000000@eu-central-1.amazonses.com"
FIRST = "a-long-id-of-the-first-mail-of-this-conversation-0123456789@mail.customer.example.org"


@pytest.mark.parametrize("policy", [SMTP, SMTP.clone(max_line_length=60)])
def test_an_answer_leads_to_what_it_answers(policy: SMTP.__class__) -> None:
    mail = EmailMessage(policy=policy)
    mail["From"], mail["To"], mail["Subject"] = "anna@example.org", "help@example.com", "Re: Order"
    mail["In-Reply-To"], mail["References"] = f"<{OURS}>", f"<{FIRST}> <{OURS}>"
    mail.set_content("And now?")
    raw = mail.as_bytes()
    assert b"=?" in raw
    message = email.read(raw)
    assert (message.in_reply_to, message.references) == ((OURS,), (FIRST, OURS))
    assert thread.references(message) == (OURS, FIRST)


def test_the_id_of_a_mail_itself_too() -> None:
    raw = b"From: a@example.org\nMessage-ID: =?utf-8?q?=3Cfirst=2Epart?=\n =?utf-8?q?=40example=2Eorg=3E?=\n\nx\n"
    assert email.read(raw).message_id == "first.part@example.org"


def test_an_id_that_only_looks_so_stays_as_it_is() -> None:
    assert email.read(b"From: a@example.org\nMessage-ID: <a=?b@example.org>\n\nx\n").message_id == "a=?b@example.org"
