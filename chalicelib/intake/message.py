"""What a message is once it has been read, whichever channel it came by."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Address:
    """A person's name and mail address, either of which may be ''; the domain is in lower case."""

    name: str
    address: str

    @property
    def key(self) -> str:
        """The address in lower case and without the root's dot (`example.com.`), for comparing and looking up."""
        return self.address.lower().rstrip(".")


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that came along; `size` in bytes after decoding, `inline` a picture that stands in the text.

    `url` is where a chat provider keeps it, '' elsewhere.
    """

    name: str
    type: str
    size: int
    inline: bool = False
    url: str = ""


class Automatic(StrEnum):
    """Why a message was not written by a person to us."""

    BOUNCE = "bounce"
    AUTO_REPLY = "auto-reply"
    DELIVERY_REPORT = "delivery-report"
    LIST = "list"
    BULK = "bulk"
    CALENDAR = "calendar"
    ECHO = "echo"


@dataclass(frozen=True, slots=True)
class Failure:
    """An address a mail could not be delivered to.

    `status` is a code of RFC 3463 or ''; `reason` are the mail system's own words, at most 300 characters. `permanent`
    says whether nobody can be reached there: False when a later or another mail may arrive, None when nothing tells.
    """

    recipient: str
    status: str
    reason: str
    permanent: bool | None


@dataclass(frozen=True, slots=True)
class Message:
    """One text that came in.

    `channel` is "mail" or "chat"; ids carry no angle brackets and are '' when missing; `sent_at` is aware UTC;
    `text` is all that stands in the message, `written` the part its sender wrote now. `conversation`, `delivery` and
    `visitor` are ids of the chat provider, `edits` that of the message this one replaces. `warnings` are sentences
    about what had to be guessed or left out, `envelopes` about what the text came in or with: encryption, a signature,
    an invitation, a forwarded mail. `loop` is what the loop header says that every desk of our make puts on what it
    sends; `wants_no_answer` whether it asks programs for silence. `failures` are what a returned mail tells; `about`
    the ids of the mails that it or another report speaks of.
    """

    channel: str
    message_id: str
    in_reply_to: tuple[str, ...]
    references: tuple[str, ...]
    sender: Address | None
    reply_to: tuple[Address, ...]
    to: tuple[Address, ...]
    cc: tuple[Address, ...]
    subject: str
    sent_at: datetime | None
    text: str
    written: str
    automatic: Automatic | None
    automatic_reason: str
    attachments: tuple[Attachment, ...]
    warnings: tuple[str, ...]
    conversation: str = ""
    delivery: str = ""
    visitor: str = ""
    envelopes: tuple[str, ...] = ()
    loop: str = ""
    wants_no_answer: bool = False
    edits: str = ""
    phone: str = ""
    failures: tuple[Failure, ...] = ()
    about: tuple[str, ...] = ()
