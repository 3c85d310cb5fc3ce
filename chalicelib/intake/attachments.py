"""The files that came along with a mail: what they are called, what they are, how large."""

from collections.abc import Iterator, Sequence
from typing import Final

from chalicelib.intake import filenames, filetypes, words
from chalicelib.intake.message import Attachment
from chalicelib.intake.mime import ENCLOSED, Part

MOST: Final = 100
TOO_MANY: Final = f"more than {MOST} attachments: the rest is in the mail as it came, and not listed"
_SIGNATURES: Final = frozenset(
    {"application/pgp-signature", "application/pkcs7-signature", "application/x-pkcs7-signature"}
)
#: Parts of these that no reader opens: a signature, and "Version: 1" in front of what is encrypted (RFC 1847, 3156).
_MACHINERY: Final = {"multipart/signed": _SIGNATURES, "multipart/encrypted": frozenset({"application/pgp-encrypted"})}


def filename(part: Part) -> str:
    """The name the sender gave a file, as he gave it; '' when there is none."""
    disposition = words.parameters(part.head.get("content-disposition"))
    return disposition.get("filename") or part.parameters.get("name", "")


def files(root: Part, shown_as_files: Sequence[Part]) -> tuple[Part, ...]:
    """Of the parts that are not shown as text those that are somebody's file: signatures and the like are not."""
    machinery = {id(part) for part in _machinery(root)} if shown_as_files else set()
    return tuple(part for part in shown_as_files if id(part) not in machinery)


def listed(root: Part, parts: Sequence[Part]) -> tuple[Attachment, ...]:
    """The attachments these parts are, in their order, each under a name that is safe and its own."""
    if not parts:
        return ()
    embedded = {id(child) for part in root.walk() if part.type == "multipart/related" for child in part.children}
    found = [_attachment(part, embedded=id(part) in embedded) for part in parts]
    names = filenames.told_apart(one.name for one in found)
    return tuple(Attachment(name, one.type, one.size, one.inline) for name, one in zip(names, found, strict=True))


def _attachment(part: Part, *, embedded: bool) -> Attachment:
    content = part.content()
    given = filename(part) or _subject(part)
    kind = part.type
    if not part.children and kind not in ENCLOSED:
        kind = filetypes.settled(kind, given, content[: filetypes.HEAD_BYTES])
    return Attachment(filenames.safe(given) or _made_up(kind), kind, len(content), _inline(part, kind, embedded))


def _subject(part: Part) -> str:
    """What an enclosed mail is called: it has a subject rather than a name. A slash there is no folder."""
    if part.type not in ENCLOSED:
        return ""
    subject = words.decode(part.children[0].head.get("subject")) if part.children else ""
    return (filenames.safe(subject.replace("/", "-").replace("\\", "-")[:100]) or "message") + ".eml"


def _made_up(kind: str) -> str:
    """A name for a file without one: `image.png`, `attachment.pdf`."""
    family = kind.partition("/")[0]
    return (family if family in ("image", "audio", "video") else "attachment") + filetypes.extension_of(kind)


def _inline(part: Part, kind: str, embedded: bool) -> bool:
    """Whether a picture stands in the text: it says so, or the page beside it can name it by its Content-ID."""
    if not kind.startswith("image/"):
        return False
    return part.disposition == "inline" or (
        "content-id" in part.head and (embedded or part.disposition != "attachment")
    )


def _machinery(root: Part) -> Iterator[Part]:
    for part in root.walk():
        types = _MACHINERY.get(part.type, frozenset())
        yield from (child for child in part.children if child.type in types)
