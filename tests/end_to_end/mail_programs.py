"""Customers' mail programs: each reads what it is sent with one library and writes with another."""

import email
import email.policy
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import formatdate
from typing import Protocol

import emails
import fast_mail_parser
import mailparser
from redmail import EmailSender


@dataclass(frozen=True)
class Read:
    """A mail as a program shows it. Ids with their angle brackets."""

    sender: str
    to: str
    reply_to: str
    subject: str
    message_id: str
    in_reply_to: str
    references: str
    text: str


@dataclass(frozen=True)
class Draft:
    """What a customer writes; `threading` holds In-Reply-To and References as far as his program sets them."""

    sender: str
    to: str
    subject: str
    text: str
    message_id: str
    threading: Mapping[str, str]


class MailProgram(Protocol):
    """A program and its habits."""

    name: str

    def read(self, raw: bytes) -> Read:
        """The mail as it shows it."""
        ...

    def write(self, draft: Draft) -> bytes:
        """The mail as it sends it."""
        ...

    def threading(self, answered: Read) -> dict[str, str]:
        """The headers it puts on an answer."""
        ...


class Standard:
    """Python's own email package; sets both headers as RFC 5322 wants them."""

    name = "standard"

    def read(self, raw: bytes) -> Read:
        mail = email.message_from_bytes(raw, policy=email.policy.default)
        body = mail.get_body(("plain",))
        assert body
        return Read(
            mail["From"].addresses[0].addr_spec, mail["To"].addresses[0].addr_spec,
            mail["Reply-To"].addresses[0].addr_spec, mail["Subject"], mail["Message-ID"], mail["In-Reply-To"],
            mail["References"], body.get_content(),
        )  # fmt: skip

    def write(self, draft: Draft) -> bytes:
        mail = EmailMessage(policy=email.policy.SMTP)
        mail["From"], mail["To"], mail["Subject"] = f"Zoë Kowalska <{draft.sender}>", draft.to, draft.subject
        mail["Date"], mail["Message-ID"] = formatdate(), draft.message_id
        for name, value in draft.threading.items():
            mail[name] = value
        mail.set_content(draft.text)
        return mail.as_bytes()

    def threading(self, answered: Read) -> dict[str, str]:
        chain = f"{answered.references} {answered.message_id}".strip()
        return {"In-Reply-To": answered.message_id, "References": chain}


class Emails:
    """Written by `emails` as HTML with a plain part, read by mail-parser; knows In-Reply-To alone."""

    name = "emails"

    def read(self, raw: bytes) -> Read:
        mail = mailparser.parse_from_bytes(raw)
        return Read(
            mail.from_[0][1], mail.to[0][1], mail.reply_to[0][1], mail.subject, mail.message_id,
            mail.headers["In-Reply-To"], mail.headers["References"], mail.text_plain[0],
        )  # fmt: skip

    def write(self, draft: Draft) -> bytes:
        html = "<p>" + "<br>".join(draft.text.splitlines()) + "</p>"
        mail = emails.Message(
            mail_from=("Zoë Kowalska", draft.sender), mail_to=draft.to, subject=draft.subject, text=draft.text,
            html=html, headers=dict(draft.threading), message_id=draft.message_id,
        )  # fmt: skip
        raw = mail.as_bytes()
        assert isinstance(raw, bytes)
        return raw

    def threading(self, answered: Read) -> dict[str, str]:
        return {"In-Reply-To": answered.message_id}


class Forgetful:
    """Written by redmail, read by fast-mail-parser; the address alone tells what an answer of it is about."""

    name = "forgetful"

    def read(self, raw: bytes) -> Read:
        mail = fast_mail_parser.parse_email(raw)
        found = {name.lower(): _one(value) for name, value in mail.headers.items()}
        return Read(
            _bare(found["from"]), _bare(found["to"]), _bare(found["reply-to"]), mail.subject, found["message-id"],
            found["in-reply-to"], found["references"], mail.text_plain[0],
        )  # fmt: skip

    def write(self, draft: Draft) -> bytes:
        sender = EmailSender(host="127.0.0.1", port=1)  # only composes here
        mail = sender.get_message(
            sender=draft.sender, receivers=[draft.to], subject=draft.subject, text=draft.text,
            headers={"Message-ID": draft.message_id, **draft.threading},
        )  # fmt: skip
        return mail.as_bytes(policy=email.policy.SMTP)

    def threading(self, answered: Read) -> dict[str, str]:
        return {}


def _one(value: str | list[str]) -> str:
    return value if isinstance(value, str) else value[0]


def _bare(mailbox: str) -> str:
    return email.utils.parseaddr(mailbox)[1]


PROGRAMS: tuple[MailProgram, ...] = (Standard(), Emails(), Forgetful())
