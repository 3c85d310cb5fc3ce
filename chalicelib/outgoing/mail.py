"""A reply by mail: what a person wrote, or the desk says by itself, as the bytes that SES sends."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Final

from chalicelib.intake.automatic import LOOP_HEADER
from chalicelib.outgoing import acknowledgement, header, recipient

SUBJECT_LENGTH: Final = 1_000
AUTOMATIC_SUBJECT: Final = 100
NAME_LENGTH: Final = 200
# What programs put before the subject of an answer, `Re[2]:` included; the colon of East Asian keyboards too.
_ANSWERS = re.compile(
    r"\A(?:\s*(?:re|aw|antw|antwort|odp|отв|ответ|відп|відповідь|sv|vs|ynt|res|resp|rép|回复|回覆|答复|答覆)"
    r"\s?(?:[\[(]\d{1,3}[\])])?\s?[:：])+",
    re.IGNORECASE,
)
_LINE_END = re.compile("\r\n|[\r\u2028\u2029\x85]")
_UNSEEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_HALF = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """One reply and whom it answers. Ids carry no angle brackets; '' where there is none. `at` is aware; `automatic` is
    what no person wrote."""

    from_name: str
    mailbox: str
    to_name: str
    to_address: str
    subject: str
    text: str
    in_reply_to: str
    references: tuple[str, ...]
    reply_to: str
    message_id: str
    at: datetime
    outbox_id: str
    automatic: bool = False


def compose(letter: Letter) -> bytes:
    """The whole mail: CRLF, seven bits, no line over 998 octets, the same bytes for the same letter.

    It says that it is automatic (RFC 3834) if no person wrote it; our own mark keeps us from answering it should it
    come back. SES puts its own Message-ID and Date in place of ours. Raises `Invalid` for an address that is none.
    """
    content = EmailMessage(policy=SMTP)
    text = _storable(letter.text)
    content.set_content(text, cte=_encoding(text))
    head = "".join(f"{name}: {value}\r\n" for name, value in _fields(letter) if value)
    return head.encode("ascii") + content.as_bytes()


def answerable(address: str) -> str:
    """The address as it may stand in RCPT TO. Raises `Invalid` naming `to` where SES cannot send to it."""
    return recipient.address(address)


def answer_subject(subject: str, *, automatic: bool = False) -> str:
    """The subject of an answer: one `Re:`, whatever the customer's program calls it.

    That of an automatic one begins with `Auto:` and is short (RFC 3834, 3.1.5): nobody's words go far by it.
    """
    said = _ANSWERS.sub("", header.clean(subject, SUBJECT_LENGTH)).lstrip()
    return (f"Auto: {said}"[:AUTOMATIC_SUBJECT] if automatic else f"Re: {said}"[:SUBJECT_LENGTH]).rstrip()


def _fields(letter: Letter) -> Iterator[tuple[str, str]]:
    name, to_name = header.clean(letter.from_name, NAME_LENGTH), header.clean(letter.to_name, NAME_LENGTH)
    answered = header.usable(letter.in_reply_to)
    yield "From", header.mailbox("From", name, recipient.address(letter.mailbox, "mailbox"))
    yield "To", header.mailbox("To", to_name, answerable(letter.to_address))
    if letter.reply_to:
        yield "Reply-To", header.mailbox("Reply-To", name, recipient.address(letter.reply_to, "reply_to"))
    yield "Subject", header.text("Subject", answer_subject(letter.subject, automatic=letter.automatic))
    yield "Date", format_datetime(letter.at.astimezone(UTC))
    yield "Message-ID", header.bracketed(filter(None, [header.usable(letter.message_id)]))
    yield "In-Reply-To", header.bracketed(filter(None, [answered]))
    yield "References", header.bracketed(header.references(letter.references, answered))
    mark = header.usable(letter.outbox_id)
    yield LOOP_HEADER, acknowledgement.loop_mark(mark) if letter.automatic else mark
    if letter.automatic:
        yield from acknowledgement.HEADERS


def _storable(text: str) -> str:
    """The text with LF throughout and without controls and half characters, which no program shows."""
    return _HALF.sub("\ufffd", _UNSEEN.sub("", _LINE_END.sub("\n", text)))


def _encoding(text: str) -> str:
    """Whichever makes the mail shorter: a letter beyond ASCII is six characters quoted, three or so in base64."""
    beyond = sum(not c.isascii() for c in text)
    return "base64" if beyond * 11 > len(text) else "quoted-printable"
