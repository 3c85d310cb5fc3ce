"""Slack: the Events API's `message` events, and the handshake by which an address is taken on."""

import re
from typing import Any, Final

from chalicelib.intake.chat import reading
from chalicelib.intake.chat.proof import Signature
from chalicelib.intake.message import Attachment, Message

SIGNATURE: Final = Signature(
    header="x-slack-signature", prefix="v0=", algorithm="sha256", timestamp="x-slack-request-timestamp",
    before=b"v0:", between=b":",
)  # fmt: skip
verify = SIGNATURE.check

_SAID: Final = frozenset({"", "file_share", "thread_broadcast", "me_message"})
# A link, or somebody or something that is named: only these stand in angle brackets that are not escaped.
_MARKED = re.compile(r"<([@#!]?)([^<>|\n]*)(?:\|([^<>\n]*))?>")
_ENTITIES: Final = {"&lt;": "<", "&gt;": ">", "&amp;": "&"}


def challenge(raw: bytes) -> str:
    """What Slack wants to hear back before it sends events here, '' of any other body."""
    body = reading.loaded(raw)
    return reading.text(body, "challenge") if reading.text(body, "type") == "url_verification" else ""


def messages(raw: bytes) -> tuple[Message, ...]:
    """What a person wrote or wrote anew; what bots and apps write, our own among them, is nobody's."""
    body = reading.loaded(raw)
    event = reading.obj(body, "event")
    if reading.text(body, "type") != "event_callback" or reading.text(event, "type") != "message":
        return ()
    subtype = reading.text(event, "subtype")
    written = reading.obj(event, "message") if subtype == "message_changed" else event
    by_person = reading.text(written, "user") and not written.get("bot_id") and not written.get("app_id")
    if not by_person or reading.text(written, "subtype") not in _SAID:
        return ()
    if written is not event and written.get("text") == reading.obj(event, "previous_message").get("text"):
        return ()  # a link was unfurled, or a file looked at
    return (_message(written, event, reading.text(body, "team_id")),)


def _message(written: dict[str, Any], event: dict[str, Any], team: str) -> Message:
    channel, stamp = reading.text(event, "channel"), reading.text(written, "ts")
    message_id = reading.joined(channel, stamp)
    changed = written is not event
    edited = reading.text(written, "edited", "ts") or reading.text(event, "ts")
    profile = reading.obj(written, "user_profile")
    return reading.said(
        conversation=_conversation(written, event, team),
        visitor=reading.text(written, "user"),
        message_id=message_id,
        delivery=f"{message_id}.edited.{edited}" if changed else "",
        edits=message_id if changed else "",
        written=_plain(reading.text(written, "text")),
        name=reading.text(profile, "real_name") or reading.text(profile, "display_name"),
        email=reading.text(profile, "email"),
        sent_at=reading.moment({"at": edited if changed else stamp}, "at"),
        attachments=map(_file, reading.objects(written, "files")),
    )


def _conversation(written: dict[str, Any], event: dict[str, Any], team: str) -> str:
    """A thread; in a direct message, where people seldom make threads, the whole of it."""
    thread = reading.text(written, "thread_ts")
    direct = reading.text(event, "channel_type") == "im" and not thread
    place = reading.joined(team, reading.text(event, "channel"))
    return place if direct or not place else f"{place}.{thread or reading.text(written, 'ts')}"


def _plain(text: str) -> str:
    return re.sub("&(?:lt|gt|amp);", lambda found: _ENTITIES[found[0]], _MARKED.sub(_as_written, text))


def _as_written(found: re.Match[str]) -> str:
    """What a person wrote where Slack marks it; a link's address, too, where other words stand for it."""
    sign, target, label = found[1], found[2], found[3] or ""
    match sign:
        case "@" | "#":
            return sign + (label.lstrip(sign) or target)
        case "!":
            return label or f"@{target}"
    scheme, _, address = target.partition(":")
    if scheme in ("mailto", "tel"):
        return label or address
    as_it_is = not label or label.rstrip("/") in (target.rstrip("/"), address.strip("/"))
    return (label or target) if as_it_is else f"{label} ({target})"


def _file(one: dict[str, Any]) -> Attachment:
    url = reading.text(one, "url_private")
    return reading.file(reading.text(one, "name"), reading.text(one, "mimetype"), one.get("size"), url)
