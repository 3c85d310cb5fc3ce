"""What is packed into a part otherwise than by MIME: opened where it stands, so that the rest sees parts alone.

Files that stand uuencoded among the words of a text, Outlook's TNEF and what is signed in S/MIME become children of
their part; a calendar entry gets a line in words. An archive is a file like any other and is never unpacked.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice
from typing import Final

from chalicelib.intake import charset, cms, filetypes, invitation, mime, tnef
from chalicelib.intake.attachments import filename
from chalicelib.intake.fields import Fields
from chalicelib.intake.mime import Part

MOST_OPENED: Final = 10
MOST_ENTRIES: Final = 10  # of calendars that get a line
MOST_BYTES: Final = 80_000_000  # of all that is opened in one mail
MAX_LEVEL: Final = 3
MOST_FILES: Final = 100  # that stand in one text
TNEF_TYPES: Final = frozenset({"application/ms-tnef", "application/vnd.ms-tnef"})
SMIME_TYPES: Final = frozenset({"application/pkcs7-mime", "application/x-pkcs7-mime"})
_TYPE = re.compile(r"[\w!#$&^.+-]{1,100}/[\w!#$&^.+-]{1,100}", re.ASCII)
# A uuencoded file: its name, lines that begin with their length, the empty one and the end. None of them is read twice.
_UUENCODED = re.compile(
    rb"^begin [0-7]{3,4} ([^\r\n]{1,255})\r?\n(?:[!-M][ -`]{1,85}\r?\n)++[ `]{0,5}\r?\n?end[ \t]*\r?$", re.MULTILINE
)
_AS_IT_STANDS: Final = frozenset({"", "7bit", "8bit", "binary"})


@dataclass(slots=True)
class _Opener:
    """What opening may still cost, and what there is to say about it."""

    left: int = MOST_OPENED
    room: int = MOST_BYTES
    entries: int = MOST_ENTRIES
    warnings: dict[str, None] = field(default_factory=dict)

    def may(self, part: Part, level: int) -> bool:
        """Whether a part may be opened; counts it."""
        size = part.end - part.start
        if level > MAX_LEVEL or self.left <= 0 or size > self.room:
            self.warnings["too much is packed into the mail: the rest of it was not opened"] = None
            return False
        self.left, self.room = self.left - 1, self.room - size
        return True


def open_all(root: Part) -> tuple[Sequence[Part], tuple[str, ...]]:
    """Opens what can be opened; gives all parts there are then, and sentences about what could not. Never raises."""
    parts = list(root.walk())
    packed = [part for part in parts if kind_of(part)]
    if not packed:
        return parts, ()
    opener = _Opener()
    _open(packed, opener, 0)
    return list(root.walk()), tuple(opener.warnings)


def kind_of(part: Part) -> str:
    """`tnef`, `smime`, `calendar` or `uuencoded`; '' for parts in which nothing is packed."""
    if part.type in TNEF_TYPES:
        return "tnef"
    if part.type in SMIME_TYPES:
        return "smime"
    if part.type == "text/calendar":
        return "calendar"
    if part.type == "text/plain":
        return "uuencoded" if _may_hold_files(part) else ""
    if part.type != filetypes.UNKNOWN:
        return ""
    name = filename(part).lower()
    return "tnef" if name == "winmail.dat" else "smime" if name.endswith(".p7m") else ""


def _open(parts: Iterable[Part], opener: _Opener, level: int) -> None:
    for part in list(parts):
        kind = kind_of(part)
        if kind == "calendar" and opener.entries > 0:
            opener.entries -= 1
            part.instead = partial(_calendar, part)
        elif kind == "uuencoded":
            _open_uuencoded(part)
        elif kind in ("tnef", "smime") and opener.may(part, level):
            (_open_tnef if kind == "tnef" else _open_smime)(part, opener)
            if level and part.instead and (text := part.instead()).start < text.end:
                part.children.insert(0, _as_file(text, filename(part)))
            _open((inner for child in part.children for inner in child.walk()), opener, level + 1)


def _may_hold_files(part: Part) -> bool:
    as_it_stands = part.encoding in _AS_IT_STANDS and part.disposition != "attachment"
    return as_it_stands and part.raw.find(b"begin ", part.start, part.end) >= 0 and not part.opened


def _open_uuencoded(part: Part) -> None:
    """Makes a text and the files among its words parts of their own; what is no whole file stays text."""
    found = list(islice(_UUENCODED.finditer(part.raw, part.start, part.end), MOST_FILES))
    at, pieces = part.start, list[Part]()
    for file in found:
        pieces.append(replace(part, start=at, end=file.start()))
        name = charset.decode(file[1].strip(), part.parameters.get("charset", "")).text
        head = Fields({"content-disposition": ["attachment"], "content-transfer-encoding": ["x-uuencode"]})
        pieces.append(Part(head, filetypes.UNKNOWN, {"name": name}, part.raw, file.start(), file.end()))
        at = file.end()
    if found:
        pieces.append(replace(part, start=at))
        shown = [one for one in pieces if one.raw[one.start : one.end].strip()]
        part.instead = partial(replace, part, children=[])  # a mail that shows nothing else shows itself
        part.children, part.opened = shown, True


def _open_smime(part: Part, opener: _Opener) -> None:
    content = part.content()
    if cms.kind(content) is cms.Kind.SIGNED and (signed := cms.signed(content)):
        inner, warnings = mime.tree(signed)
        opener.warnings |= dict.fromkeys(warnings)
        part.children, part.opened = [inner], True


def _open_tnef(part: Part, opener: _Opener) -> None:
    whole = part if part.encoding in _AS_IT_STANDS else _part(part.type, part.content())
    stream = tnef.read(whole.raw, whole.start, whole.end)
    found = stream.files or stream.text or stream.html or stream.rtf
    if stream.damaged:
        became = "what could be read of it is shown" if found else "it was not opened"
        opener.warnings[f"winmail.dat is damaged: {became}"] = None
    if found or not stream.damaged:
        part.children = [_file(file, whole.raw) for file in stream.files]
        part.opened, part.instead = True, partial(_outlook_text, stream, whole.raw)


def _file(file: tnef.File, raw: bytes) -> Part:
    """A file of a stream, as the part it would have been."""
    nested = raw.startswith(tnef.SIGNATURE, file.place.start, file.place.end)
    said = file.type.lower() if _TYPE.fullmatch(file.type) else filetypes.UNKNOWN
    kind = "application/ms-tnef" if nested else said
    picture = bool(file.content_id) and kind.startswith("image/")
    values = {"content-disposition": ["inline" if picture else "attachment"]}
    if file.content_id:
        values["content-id"] = [file.content_id]
    name = charset.storable(file.name)[0]
    return Part(Fields(values), kind, {"name": name}, raw, file.place.start, file.place.end)


def _outlook_text(stream: tnef.Stream, raw: bytes) -> Part:
    """The text of a stream, for a mail that shows none of its own: plain, else its page, else what Word made of it."""
    if stream.text:
        charset_name = "utf-16-le" if stream.wide else stream.codec
        text = raw[stream.text.start : stream.text.end].removesuffix(b"\0\0" if stream.wide else b"\0")
        return _part("text/plain", text, charset_name)
    if stream.html:
        return Part(Fields(), "text/html", {}, raw, stream.html.start, stream.html.end)
    words = _rich_text(raw[stream.rtf.start : stream.rtf.end]) if stream.rtf else ""
    return _part("text/plain", words.encode("utf-8", "replace"), "utf-8")


def _rich_text(packed: bytes) -> str:
    from chalicelib.intake import rtf  # when asked for: few mails need it, every cold start would pay

    return rtf.text(rtf.decompressed(packed))


def _as_file(text: Part, name: str) -> Part:
    """The text of a message inside a message: nobody reads it but as a file."""
    end = ".html" if text.type == "text/html" else ".txt"
    return replace(
        text, head=Fields({"content-disposition": ["attachment"]}), parameters={"name": (name or "message") + end}
    )


def _calendar(part: Part) -> Part:
    line = invitation.line(part)
    return _part("text/plain", line.encode("utf-8", "replace"), "utf-8")


def _part(kind: str, raw: bytes, charset_name: str = "") -> Part:
    return Part(Fields(), kind, {"charset": charset_name} if charset_name else {}, raw, 0, len(raw))
