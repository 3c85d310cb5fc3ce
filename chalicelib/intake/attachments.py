"""The files that came along with a mail: what they are called, what they are, how large."""

import re
from collections.abc import Iterable

from chalicelib.intake import words
from chalicelib.intake.message import Attachment
from chalicelib.intake.mime import Part


def filename(part: Part) -> str:
    """The name the sender gave a file, without folders; '' when there is none."""
    disposition = words.parameters(part.head.get("content-disposition"))
    name = disposition.get("filename") or part.parameters.get("name", "")
    return re.split(r"[/\\]", name)[-1].strip()[:255]


def listed(parts: Iterable[Part]) -> tuple[Attachment, ...]:
    """The attachments these parts are, in their order."""
    return tuple(_attachment(part) for part in parts)


def _attachment(part: Part) -> Attachment:
    name = filename(part)
    if not name and part.children:
        name = (words.decode(part.children[0].head.get("subject"))[:100] or "message") + ".eml"
    return Attachment(name, part.type, len(part.content()))
