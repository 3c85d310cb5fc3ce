"""A mail: bytes in, a Message out, whatever the bytes are."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from email.utils import parsedate_tz
from typing import Final

from chalicelib.errors import Unreadable
from chalicelib.intake import addresses, attachments, automatic, bounce, enclosures, envelopes, mime, text, words
from chalicelib.intake.fields import Fields
from chalicelib.intake.message import Address, Message
from chalicelib.intake.mime import Part
from chalicelib.intake.subject import answers, continues, forwards
from chalicelib.intake.written import written

DATE_READ: Final = 100  # characters; a date is shorter
SUBJECT_READ: Final = 1_000  # characters
LOOP_READ: Final = 100  # characters
SENDER_FIELDS: Final = ("from", "reply-to", "sender", "return-path")
# Any of these makes bytes a mail. Fields that every hop adds (Return-Path, Received, …) do not: SES puts them on top
# of garbage too.
MAIL_FIELDS: Final = frozenset(
    (
        "from",
        "reply-to",
        "sender",
        "to",
        "cc",
        "subject",
        "date",
        "message-id",
        "mime-version",
        "content-type",
        "in-reply-to",
        "references",
        "x-mailer",
    )
)


@dataclass(frozen=True, slots=True)
class Opened:
    """A mail and its files: the content of `files[n]` is that of `message.attachments[n]`, decoded when asked for."""

    message: Message
    files: tuple[Part, ...]


def parse(raw: bytes) -> Message:
    """The mail in `raw`; raises Unreadable only when no header field of a mail stands in it."""
    return parse_with_files(raw).message


def parse_with_files(raw: bytes) -> Opened:
    """The mail in `raw` and the files it carries; raises as `parse` does."""
    opened, head = _read(raw)
    if MAIL_FIELDS.isdisjoint(head.values):
        raise Unreadable("These bytes are no mail: not one header field of a mail stands in them.")
    return opened


def read(raw: bytes) -> Message:
    """Whatever can be shown of `raw`; never raises."""
    return _read(raw)[0].message


def _read(raw: bytes) -> tuple[Opened, Fields]:
    raw = raw[_beginning(raw) :]
    raw = _line_ends(raw)
    root, warnings = mime.tree(raw)
    parts, unopened = enclosures.open_all(root)
    body = text.read(root)
    files = attachments.files(parts, body.attachments)
    if len(files) > attachments.MOST:
        body.warn(attachments.TOO_MANY)
        files = files[: attachments.MOST]
    reader = _HeaderReader(body)
    sender, named_in = _sender(root.head, reader)
    subject = reader.text("subject", next(filter(None, root.head.all("subject")), ""))[:SUBJECT_READ]
    verdict = automatic.judge(root, subject, body.text)
    reports = verdict is not None and verdict.kind in automatic.REPORTS
    message = Message(
        channel="mail",
        message_id=addresses.message_id(root.head.get("message-id")),
        in_reply_to=addresses.ids(" ".join(root.head.all("in-reply-to"))),
        references=addresses.ids(" ".join(root.head.all("references"))),
        sender=sender,
        reply_to=reader.addresses(root.head, "reply-to"),
        to=reader.addresses(root.head, "to"),
        cc=reader.addresses(root.head, "cc"),
        subject=subject,
        sent_at=_moment(root.head.get("date")),
        text=body.text,
        written=written(
            body.text, answers=answers(subject), forwards=forwards(subject), opens=_opens(root.head, subject)
        ),
        automatic=verdict.kind if verdict else None,
        automatic_reason=verdict.reason if verdict else "",
        attachments=attachments.listed(parts, files),
        warnings=(*warnings, *unopened, *body.warnings, *reader.warnings, *_guessed(root.head, named_in)),
        envelopes=envelopes.told(parts, body.text),
        wants_no_answer=automatic.wants_no_answer(root),
        loop=root.head.get(automatic.LOOP_HEADER.lower())[:LOOP_READ],
        failures=bounce.failures(root, body.text) if reports else (),
        about=bounce.about(root, body.text) if reports else (),
    )
    return Opened(message, tuple(files)), root.head


def _beginning(raw: bytes) -> int:
    """Past a byte order mark and blank lines in front of the header."""
    at = 3 if raw.startswith(b"\xef\xbb\xbf") else 0
    while at < min(len(raw), 10_000) and raw[at] in b"\r\n":
        at += 1
    return at


def _line_ends(raw: bytes) -> bytes:
    """A mail whose first line ends with a lone CR has them everywhere; LF and CRLF are read as they are."""
    first = raw.find(b"\r")
    if first < 0 or raw.find(b"\n", 0, first) >= 0 or raw[first:].lstrip(b"\r")[:1] == b"\n":
        return raw
    return raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


class _HeaderReader:
    """Reads header values the way the text of the mail was to be read, and keeps what there is to say about it."""

    def __init__(self, body: text.Body) -> None:
        self._body = body
        self.warnings: dict[str, None] = {}

    def text(self, name: str, raw: str) -> str:
        """A raw value of the field `name`, readable."""
        found, warning = words.mended(raw, likely=self._body.codec, likely_misread=self._body.misread)
        if warning:
            self.warnings[f"{name}: {warning}"] = None
        return found

    def addresses(self, head: Fields, name: str) -> tuple[Address, ...]:
        """The addresses of every field `name`."""
        value = ", ".join(head.all(name))[: mime.HEADER_BYTES]
        return addresses.parse(value, lambda raw: self.text(name, raw))


def _sender(head: Fields, reader: _HeaderReader) -> tuple[Address | None, str]:
    """The first full address of From, Reply-To, Sender and Return-Path, else the first name without one; and its field.

    Both are empty when nobody is named.
    """
    found = [(address, name) for name in SENDER_FIELDS for address in reader.addresses(head, name)]
    nobody: tuple[Address | None, str] = (None, "")
    return next((one for one in found if "@" in one[0].address), found[0] if found else nobody)


def _opens(head: Fields, subject: str) -> bool:
    """Whether the mail is the first of a correspondence: it neither answers nor forwards one."""
    return not (continues(subject) or "in-reply-to" in head or "references" in head)


def _moment(value: str) -> datetime | None:
    """The sender's date in UTC, None when it is missing or impossible."""
    try:
        found = parsedate_tz(value[:DATE_READ])
        if found is None:
            return None
        zone = timezone(timedelta(seconds=found[9] or 0))
        return datetime(*found[:6], tzinfo=zone).astimezone(UTC)
    except (ValueError, OverflowError, IndexError, TypeError):
        return None


def _guessed(head: Fields, named_in: str) -> list[str]:
    """Sentences about the sender and the date where they do not stand where they should."""
    sentences = []
    if not named_in:
        sentences.append("no sender is named")
    elif named_in != "from":
        sentences.append(f"From names no address: the sender is taken from {named_in.title()}")
    if "date" in head and _moment(head.get("date")) is None:
        sentences.append("the date cannot be read")
    return sentences
