"""The readable text of a mail."""

import re
from dataclasses import dataclass, field
from html import unescape
from typing import Final

from chalicelib.intake import charset, html, misread
from chalicelib.intake.attachments import filename
from chalicelib.intake.mime import Part

TEXT_READ: Final = 1_000_000  # characters of text of one mail
BYTES_READ: Final = 8_000_000  # of one text part
_WORD = re.compile(r"\w")
_PAGE = re.compile(r"\s{0,100}<(?:!doctype html|html|head|body)\b", re.IGNORECASE)
# What is said in place of a page to programs that cannot show one.
_NO_PAGE = re.compile(
    r"\bhtml\b.{0,200}(?:client|viewer|reader|program|browser|software|przegląd|програм|клиент|клієнт|брауз)"
    r"|(?:client|viewer|reader|program|browser|software|przegląd|програм|клиент|клієнт|брауз).{0,200}\bhtml\b",
    re.IGNORECASE | re.DOTALL,
)
NO_PAGE_WORDS: Final = 60
NO_PAGE_READ: Final = 1_000  # characters
_TRAILING = re.compile(r"(?<![ \t])[ \t]++(?=\n|$)")
_MARKUP: Final = frozenset({"text/html", "text/enriched", "text/richtext", "application/xhtml+xml"})
_PAGES: Final = frozenset({"text/html", "application/xhtml+xml"})
_BODIES: Final = _MARKUP | {"text/plain"}
_NOT_READ: Final = frozenset(
    {
        "text/calendar",
        "text/csv",
        "text/vcard",
        "text/x-vcard",
        "text/directory",
        "text/rfc822-headers",
        "text/css",
        "text/javascript",
        "text/xml",
        "text/x-amp-html",
        "text/watch-html",
    }
)


@dataclass(slots=True)
class Body:
    """What the parts of a mail show; `codec` read the first text that was not plain ASCII.

    `misread` is how that mail's text had been misread before it was sent, '' when it had not.
    """

    text: str = ""
    codec: str = ""
    attachments: list[Part] = field(default_factory=list)
    warnings: dict[str, None] = field(default_factory=dict)
    room: int = TEXT_READ
    tags: int = html.TAGS_READ
    misread: str = ""

    def warn(self, sentence: str) -> None:
        """Adds a sentence, each once."""
        self.warnings[sentence] = None


def read(root: Part) -> Body:
    """The text a reader sees and the parts that are attachments. Never raises; reads at most a million characters."""
    body = Body()
    pieces = _shown(root, body)
    text = "\n".join(piece for piece in pieces if piece.strip())
    if not _WORD.search(text):
        text = _instead(root, body) or _anything(root, body) or text
    body.text = text[:TEXT_READ].strip("\r\n")
    return body


def _shown(part: Part, body: Body, beside: str = "") -> list[str]:
    """Texts of a part in reading order; everything else it holds goes to the attachments.

    `beside` is the kind of the multipart that the part stands in behind others, '' when it is alone or the first.
    What is shown there is what RFC 8621, 4.1.4 holds for a body part.
    """
    if part.type == "multipart/alternative":
        return _best([(_is_page(child), _shown(child, body)) for child in part.children])
    if part.type.startswith("multipart/") or part.opened:
        texts: list[str] = []
        for number, child in enumerate(part.children):
            behind = bool(texts) if part.type == "multipart/related" else number > 0
            texts += _shown(child, body, part.type if behind else "")
        return texts
    if _readable(part, beside):
        return [_decoded(part, body)]
    body.attachments.append(part)
    return []


def _is_page(part: Part) -> bool:
    return any(one.type in _PAGES for one in part.walk())


def _best(versions: list[tuple[bool, list[str]]]) -> list[str]:
    """The page, which is what the sender saw; the plain version when it says much more, or the page nothing.

    A short plain version that speaks of HTML and programs says only that there is a page.
    """
    worded = [version for version in versions if any(_WORD.search(text) for text in version[1])]
    plain, page = (next((texts for paged, texts in worded if paged is wanted), []) for wanted in (False, True))
    if page and _words(plain) <= NO_PAGE_WORDS and any(_NO_PAGE.search(text[:NO_PAGE_READ]) for text in plain):
        return page
    return page if 2 * _words(page) >= _words(plain) else plain


def _words(texts: list[str]) -> int:
    return sum(len(text.split()) for text in texts)


def _readable(part: Part, beside: str) -> bool:
    if part.disposition == "attachment" or part.children:
        return False
    if part.type not in _BODIES:
        return part.type.startswith("text/") and part.type not in _NOT_READ and not beside and not filename(part)
    return not (beside and (beside == "multipart/related" or filename(part)))


def _decoded(part: Part, body: Body) -> str:
    """The text of one part, as far as there is still room in the mail's text."""
    if body.room <= 0:
        body.warn(f"the text is longer than {TEXT_READ} characters: the rest was left out")
        return ""
    data = _line_ends(_beginning(part.content(), body))
    declared = part.parameters.get("charset", "")
    if part.type in _MARKUP and not charset.codec(declared):
        declared = html.charset_of(data) or declared
    found = charset.decode(data, declared, body.codec)
    if found.warning:
        body.warn(f"text: {found.warning}")
    if not data.isascii() and not body.codec:
        body.codec = found.codec
    mended = misread.mend(found.text, body.misread)
    if mended.misread:
        body.warn(f"text: {mended.warning}")
        body.misread = body.misread or mended.misread
    text = _as_read(part, mended.text, body)
    if len(text) > body.room:
        body.warn(f"the text is longer than {TEXT_READ} characters: the rest was left out")
    body.room -= len(text)
    return text


def _beginning(data: bytes, body: Body) -> bytes:
    """As much of a text as is read, cut between two lines."""
    if len(data) <= BYTES_READ:
        return data
    body.warn(f"a text is longer than {BYTES_READ} bytes: the rest was left out")
    return data[: data.rfind(b"\n", 0, BYTES_READ) + 1 or BYTES_READ]


def _line_ends(data: bytes) -> bytes:
    """LF throughout, before decoding: in a damaged text a line end may be read as half a letter."""
    return data if b"\0" in data else data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def _as_read(part: Part, text: str, body: Body) -> str:
    if part.type in _MARKUP and not html.is_marked_up(text):
        return unescape(text)
    if part.type not in _MARKUP and not _PAGE.match(text):
        if _asked("format", "flowed", part) and _asked("delsp", "yes", part):
            text = _joined(text)
        return _TRAILING.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    shown, tags = html.to_text(text, body.tags)
    body.tags -= tags
    if body.tags <= 0:
        body.warn(f"a page has more than {html.TAGS_READ} tags: the rest was left out")
    return shown


def _asked(name: str, value: str, part: Part) -> bool:
    return part.parameters.get(name, "").lower() == value


def _joined(text: str) -> str:
    """Lines that a program broke, inside words too, joined as RFC 3676 has it: a blank at the end says "goes on".

    Where the blank counts as one (no DelSp), the lines are as readable as they are.
    """
    out: list[str] = []
    flowing: str | None = None  # the marks of quotation of a line that goes on
    for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        said = line.lstrip(">")
        marks = line[: len(line) - len(said)]
        said = said.removeprefix(" ")
        signed = said == "-- "
        if out and (flowing != marks or signed or not said):
            out.append("\n")
            flowing = None
        if flowing is None and marks:
            out.append(marks + " ")
        flowing = marks if said.endswith(" ") and not signed else None
        out.append(said if flowing is None else said[:-1])
    return "".join(out)


def _instead(root: Part, body: Body) -> str:
    """Words for what a mail without words of its own carries: Outlook's text, a line about an invitation."""
    texts = (_decoded(part.instead(), body) for part in root.walk() if part.instead)
    return next((text for text in texts if _WORD.search(text)), "")


def _anything(root: Part, body: Body) -> str:
    """Text of a mail that shows none: of text attachments, else of enclosed mails, else the body as it stands."""
    leaves = [part for part in root.walk() if not part.children and part.start < part.end]
    for wanted in ("text/", "message/"):
        for part in leaves:
            named = wanted == "text/" and filename(part).lower().endswith(".txt")
            if (named or part.type.startswith(wanted)) and _WORD.search(text := _decoded(part, body)):
                body.warn("no text of its own: shown is what it carries")
                return text
    if leaves and leaves[0] is root and b"\0" not in root.content()[:1000] and not filename(root):
        return _decoded(root, body)
    return ""
