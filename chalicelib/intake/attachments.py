"""The files that came along with a mail: what they are called, what they are, how large."""

from collections.abc import Sequence
from typing import Final

from chalicelib.intake import filenames, filetypes, words
from chalicelib.intake.message import Attachment
from chalicelib.intake.mime import ENCLOSED, Part

MOST: Final = 100
TOO_MANY: Final = f"more than {MOST} attachments: the rest is in the mail as it came, and not listed"
_SIGNATURES: Final = frozenset(
    {"application/pgp-signature", "application/pkcs7-signature", "application/x-pkcs7-signature"}
)
#: Parts of these that no reader opens: a signature, "Version: 1" in front of what is encrypted (RFC 1847, 3156), and
#: the page once more for programs that show it otherwise.
_MACHINERY: Final = {
    "multipart/signed": _SIGNATURES,
    "multipart/encrypted": frozenset({"application/pgp-encrypted"}),
    "multipart/alternative": frozenset({"text/x-amp-html", "text/watch-html"}),
}


def filename(part: Part) -> str:
    """The name the sender gave a file, as he gave it; '' when there is none."""
    name = part.parameters.get("name", "")
    if disposition := part.head.get("content-disposition"):
        return words.parameters(disposition).get("filename") or name
    return name


def files(parts: Sequence[Part], unread: Sequence[Part]) -> Sequence[Part]:
    """Of the parts that are not read as text those that are somebody's file: signatures and the like are not."""
    sealed = [part for part in parts if part.type in _MACHINERY]
    if not sealed:
        return unread
    machinery = {id(child) for part in sealed for child in part.children if child.type in _MACHINERY[part.type]}
    return [part for part in unread if id(part) not in machinery]


def listed(parts: Sequence[Part], sent: Sequence[Part]) -> tuple[Attachment, ...]:
    """The attachments that some of a mail's parts are, in their order, each under a name that is safe and its own."""
    if not sent:
        return ()
    related = {id(child) for part in parts if part.type == "multipart/related" for child in part.children}
    found = [_facts(part) for part in sent]
    names = filenames.told_apart([name for name, _, _ in found])
    return tuple(
        Attachment(name, kind, size, _inline(part, kind, embedded=id(part) in related))
        for part, name, (_, kind, size) in zip(sent, names, found, strict=True)
    )


def _facts(part: Part) -> tuple[str, str, int]:
    """Name, type and size of a file."""
    content = part.content()
    given, kind = filename(part), part.type
    if not kind.startswith("message/"):
        kind = filetypes.settled(kind, given, content[: filetypes.HEAD_BYTES])
    name = filenames.safe(given) or (_subject(part) if kind in ENCLOSED else _made_up(kind))
    return name, kind, len(content)


def _subject(part: Part) -> str:
    """What an enclosed mail is called: it has a subject rather than a name. A slash there is no folder."""
    subject = words.decode(part.children[0].head.get("subject")) if part.children else ""
    return (filenames.safe(subject[:100].replace("/", "-").replace("\\", "-")) or "message")[:100] + ".eml"


def _made_up(kind: str) -> str:
    """A name for a file without one: `image.png`, `attachment.pdf`."""
    family = kind.partition("/")[0]
    return (family if family in ("image", "audio", "video") else "attachment") + filetypes.extension_of(kind)


def _inline(part: Part, kind: str, *, embedded: bool) -> bool:
    """Whether a picture stands in the text: it says so, or the page beside it can name it by its Content-ID."""
    if not kind.startswith("image/"):
        return False
    return part.disposition == "inline" or (
        "content-id" in part.head and (embedded or part.disposition != "attachment")
    )
