"""From bytes to text: what the mail claims is evidence, what the bytes say decides."""

import codecs
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from chalicelib.intake import letters


@dataclass(frozen=True, slots=True)
class Decoded:
    """Text without lone surrogates and NULs, the codec that read it, and a warning ('' when nothing was guessed)."""

    text: str
    codec: str
    warning: str = ""


# Names seen in mail that Python does not know, and names whose superset is what senders mean (as browsers hold it).
ALIASES: Final = {
    "ascii-7bit": "ascii", "ansi-x3-4-1968": "ascii", "us-ascii-7bit": "ascii", "iso-8859-1": "cp1252",
    "iso8859-1": "cp1252", "latin1": "cp1252", "latin-1": "cp1252", "ansi": "cp1252",
    "iso-8859-1-windows-1252": "cp1252", "windows-1252-1": "cp1252", "cp-1252": "cp1252", "x-cp1252": "cp1252",
    "x-cp1250": "cp1250", "cp-1250": "cp1250", "win-1250": "cp1250", "x-cp1251": "cp1251", "cp-1251": "cp1251",
    "win-1251": "cp1251", "windows1251": "cp1251", "windows1250": "cp1250", "windows1252": "cp1252",
    "iso-8859-8-i": "iso8859-8", "iso-8859-8-e": "iso8859-8", "windows-874": "cp874", "tis-620": "cp874",
    "iso-8859-9": "cp1254", "iso-8859-11": "cp874", "x-mac-ce": "mac-latin2", "x-mac-centraleurroman": "mac-latin2",
    "macce": "mac-latin2", "x-mac-cyrillic": "mac-cyrillic", "x-mac-ukrainian": "mac-cyrillic",
    "x-mac-roman": "mac-roman", "macintosh": "mac-roman", "dos-852": "cp852", "dos-866": "cp866", "koi8": "koi8-r",
    "koi": "koi8-r", "koi8-ru": "koi8-u", "unicode-1-1-utf-7": "utf-7", "unicode-1-1-utf-8": "utf-8",
    "uft-8": "utf-8", "uft8": "utf-8", "utf-8-strict": "utf-8", "utf8mb4": "utf-8", "x-utf-8": "utf-8",
    "unicode-utf-8": "utf-8", "ks-c-5601-1987": "cp949", "ks-c-5601": "cp949", "euc-kr": "cp949", "euckr": "cp949",
    "x-windows-949": "cp949", "iso-ir-149": "cp949", "gb2312": "gb18030", "gbk": "gb18030", "x-gbk": "gb18030",
    "iso-gb2312": "gb18030", "gb-2312": "gb18030", "gb2312-80": "gb18030", "gb-2312-80": "gb18030",
    "cp936": "gb18030", "shift-jis": "cp932", "sjis": "cp932", "x-sjis": "cp932", "windows-31j": "cp932",
    "shift-jis-2004": "cp932", "big5": "big5hkscs", "x-x-big5": "big5hkscs", "cn-big5": "big5hkscs",
    "iso-2022-jp": "iso2022-jp-ext", "csiso2022jp": "iso2022-jp-ext", "x-euc-jp": "euc-jp",
}  # fmt: skip
NOT_TEXT: Final = frozenset(
    {
        "base64",
        "bz2",
        "hex",
        "quopri",
        "uu",
        "zlib",
        "rot13",
        "idna",
        "punycode",
        "unicode-escape",
        "undefined",
        "raw-unicode-escape",
        "mbcs",
        "oem",
    }
)
MANY_BYTES: Final = (
    "utf-16",
    "utf-32",
    "utf-7",
    "iso2022",
    "hz",
    "gb18030",
    "big5",
    "cp932",
    "cp949",
    "euc",
    "johab",
    "shift",
    "cp950",
)
DOUBTED: Final = frozenset({"ascii", "utf-8"})
WESTERN: Final = frozenset({"cp437", "cp850", "cp858", "iso8859-15"})  # to be doubted like the candidates
BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
DIFFERENT: Final = 3  # characters that a text of an East Asian language must have
ACCIDENT_BYTES: Final = 300  # a longer text is no UTF-8 by accident
PAIRS_READ: Final = 2_000  # bytes
_NAME = re.compile(r"[^a-z0-9]+")
_SURROGATE = re.compile("[\ud800-\udfff]")
_ESCAPED_JAPANESE = re.compile(rb"\x1b\$[@B]|\x1b\(J")
_UTF8_SEQUENCE = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")


@lru_cache(maxsize=512)
def codec(name: str) -> str:
    """Python's name of the charset a mail names; '' when it is unknown or no text encoding."""
    key = _NAME.sub("-", name[:80].lower()).strip("-")
    key = ALIASES.get(key, key)
    if not key or key in NOT_TEXT:
        return ""
    try:
        found = codecs.lookup(key).name.replace("_", "-")
    except (LookupError, ValueError):
        return ""
    return "" if found in NOT_TEXT else ALIASES.get(found, found)


def decode(data: bytes, declared: str = "", likely: str = "") -> Decoded:
    """Text of `data`: never raises and loses no byte silently.

    `declared` is the charset the sender named; `likely` the codec that read the rest of the same mail.
    """
    known = codec(declared)
    if known.startswith(("utf-16", "utf-32")) and b"\0" not in data:
        known = ""  # UTF-16 without a NUL is no European text: a wrong label
    if data.isascii() and b"\x1b" not in data and not known.startswith(("utf-7", "utf-16", "utf-32", "hz")):
        return _clean(data.decode("ascii"), known or "ascii")
    return (
        _by_mark(data)
        or _by_many_bytes(data, known, likely)
        or _by_utf8(data, known, named=known or likely)
        or _by_letters(data, known, likely)
    )


def _by_mark(data: bytes) -> Decoded | None:
    for mark, name in BOMS:
        if data.startswith(mark):
            return _strict(data, name)
    return None


def _by_many_bytes(data: bytes, known: str, likely: str) -> Decoded | None:
    """Charsets with escape sequences or several bytes a letter: taken at their word when the bytes obey them."""
    if known.startswith(MANY_BYTES):
        if found := _strict(data, known):
            return found
        replaced = _clean(data.decode(known, "replace"), known, f"some bytes are not valid {known}")
        return _by_utf8(data, "", bad_costs=1) or replaced
    if not known and likely.startswith(MANY_BYTES) and (found := _strict(data, likely)):
        return found
    if _ESCAPED_JAPANESE.search(data) and (found := _strict(data, "iso2022-jp-ext")):
        return found
    return None


def _by_utf8(data: bytes, known: str, bad_costs: int = 8, named: str = "") -> Decoded | None:
    """UTF-8 by its form: valid throughout, or with few bad bytes beside its letters."""
    if found := _strict(data, "utf-8"):
        return None if _by_accident(data, found.text, named) else found
    good = len(_UTF8_SEQUENCE.findall(data))
    bad = sum(byte > 127 for byte in _UTF8_SEQUENCE.sub(b"", data[:100_000])) if good else 0
    if good and bad * (2 if known == "utf-8" else bad_costs) <= good:
        return _clean(data.decode("utf-8", letters.KEEP), "utf-8", "some bytes are not valid utf-8")
    return None


def _by_accident(data: bytes, text: str, named: str) -> bool:
    """Whether a few letters of the charset that is named only happen to be UTF-8, as those of CZĘŚCI and SZKÓŁ do."""
    if named not in letters.CANDIDATES or len(data) > ACCIDENT_BYTES:
        return False
    meant = data.decode(named, letters.KEEP)
    return letters.score(text) <= 0 and letters.score(meant) >= letters.GOOD * sum(letter > "\x7f" for letter in meant)


def _by_letters(data: bytes, known: str, likely: str) -> Decoded:
    trusted = "" if known in DOUBTED else known
    if trusted and trusted not in letters.CANDIDATES and trusted not in WESTERN:
        return _kept(data, trusted)
    chosen, worth = letters.choose(data, declared=trusted, likely=likely if likely in letters.CANDIDATES else "")
    if worth < letters.GOOD and (asian := _by_pairs(data)):
        chosen = asian
    warning = "" if chosen == known else f"read as {chosen}, not as the charset it names ({known or 'none'})"
    return _kept(data, chosen, warning)


def _by_pairs(data: bytes) -> str:
    """The East Asian charset whose everyday characters most of the text is made of, '' for none."""
    for name, common, share in _everyday():
        # A pair may be cut at the end of what is read.
        found = _strict(data[:PAIRS_READ], name) or _strict(data[: PAIRS_READ - 1], name)
        strange = [letter for letter in found.text if letter > "\x7f"] if found else []
        if len(set(strange)) >= DIFFERENT and len(common.findall("".join(strange))) >= share * len(strange):
            return name
    return ""


@lru_cache(maxsize=1)
def _everyday() -> tuple[tuple[str, re.Pattern[str], float], ...]:
    """Kana, Hangul, the characters of the first levels of GB 2312 and Big5, and the share they have in real texts."""
    return (
        ("cp932", re.compile("[\u3041-\u30ff]"), 0.3),
        ("euc-jp", re.compile("[\u3041-\u30ff]"), 0.3),
        ("cp949", re.compile("[\uac00-\ud7a3]"), 0.9),
        ("gb18030", _first_level("gb2312", 0xB0, 0xD7, 0xA1), 0.75),
        ("big5hkscs", _first_level("big5", 0xA4, 0xC6, 0x40), 0.75),
    )


def _first_level(name: str, first: int, last: int, trail: int) -> re.Pattern[str]:
    """The characters of everyday use in a charset of two bytes, with their punctuation."""
    pairs = (bytes((lead, second)) for lead in range(first, last + 1) for second in range(trail, 0xFF))
    return re.compile(f"[\u3000-\u303f\uff01-\uff5e{''.join(pair.decode(name, 'ignore') for pair in pairs)}]")


def _strict(data: bytes, name: str) -> Decoded | None:
    try:
        return _clean(data.decode(name), name)
    except UnicodeError:
        return None


def _kept(data: bytes, name: str, warning: str = "") -> Decoded:
    return _clean(data.decode(name, letters.KEEP), name, warning)


def _clean(text: str, name: str, warning: str = "") -> Decoded:
    text, cleaned = storable(text)
    return Decoded(text, name, warning or cleaned)


def storable(text: str) -> tuple[str, str]:
    """The text without what no database takes (lone surrogates, NULs), and a warning when there was any."""
    if "\0" in text:
        count = text.count("\0")
        return storable(text.replace("\0", ""))[0], f"{count} NUL characters left out"
    if not text.isascii() and _SURROGATE.search(text):
        return _SURROGATE.sub("\ufffd", text), "half characters replaced"
    return text, ""
