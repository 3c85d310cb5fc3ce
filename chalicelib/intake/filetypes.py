"""What a file is: what its sender says counts, unless its first bytes show that it is plainly something else."""

import re
from typing import Final

from chalicelib.intake.filenames import extension

HEAD_BYTES: Final = 512  # of a file that are looked at
UNKNOWN: Final = "application/octet-stream"
_UNTOLD: Final = frozenset(
    {
        UNKNOWN,
        "binary/octet-stream",
        "application/binary",
        "application/download",
        "application/force-download",
        "application/octetstream",
        "application/unknown",
        "application/x-download",
        "application/x-unknown",
        "application/x-unknown-content-type",
        "unknown/unknown",
    }
)
_OFFICE: Final = "application/vnd.openxmlformats-officedocument."
_TYPES: Final = {
    ".pdf": "application/pdf", ".rtf": "application/rtf", ".ps": "application/postscript",
    ".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".gif": "image/gif", ".webp": "image/webp",
    ".bmp": "image/bmp", ".tif": "image/tiff", ".tiff": "image/tiff", ".heic": "image/heic", ".svg": "image/svg+xml",
    ".mp3": "audio/mpeg", ".wav": "audio/wav", ".ogg": "audio/ogg", ".amr": "audio/amr", ".m4a": "audio/mp4",
    ".mp4": "video/mp4", ".mov": "video/quicktime", ".avi": "video/x-msvideo", ".webm": "video/webm",
    ".txt": "text/plain", ".log": "text/plain", ".csv": "text/csv", ".html": "text/html", ".htm": "text/html",
    ".xml": "application/xml", ".json": "application/json", ".ics": "text/calendar", ".vcf": "text/vcard",
    ".eml": "message/rfc822", ".msg": "application/vnd.ms-outlook",
    ".doc": "application/msword", ".xls": "application/vnd.ms-excel", ".ppt": "application/vnd.ms-powerpoint",
    ".xlsm": "application/vnd.ms-excel.sheet.macroenabled.12",
    ".docm": "application/vnd.ms-word.document.macroenabled.12",
    ".docx": _OFFICE + "wordprocessingml.document", ".xlsx": _OFFICE + "spreadsheetml.sheet",
    ".pptx": _OFFICE + "presentationml.presentation", ".odt": "application/vnd.oasis.opendocument.text",
    ".ods": "application/vnd.oasis.opendocument.spreadsheet", ".epub": "application/epub+zip",
    ".zip": "application/zip", ".gz": "application/gzip", ".tgz": "application/gzip",
    ".7z": "application/x-7z-compressed", ".rar": "application/vnd.rar",
    ".tar": "application/x-tar", ".jar": "application/java-archive",
    ".exe": "application/vnd.microsoft.portable-executable", ".dll": "application/vnd.microsoft.portable-executable",
    ".p7m": "application/pkcs7-mime", ".p7s": "application/pkcs7-signature",
}  # fmt: skip
# What is found at the beginning of a file and stands for one type alone.
_MARKS: Final = (
    (rb"%PDF-", "application/pdf"),
    (rb"\x89PNG\r\n\x1a\n", "image/png"),
    (rb"\xff\xd8\xff", "image/jpeg"),
    (rb"GIF8[79]a", "image/gif"),
    (rb"RIFF....WEBP", "image/webp"),
    (rb"....ftyp(?:heic|heix|mif1)", "image/heic"),
    (rb"\{\\rtf", "application/rtf"),
    (rb"Rar!\x1a\x07", "application/vnd.rar"),
    (rb"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (rb"MZ(?=.{0,80}\0\0)", "application/vnd.microsoft.portable-executable"),
    (rb"\x7fELF", "application/x-executable"),
)
# What many types begin with: it tells more than nothing, and less than a sender who names one of them.
_FAMILIES: Final = (
    (rb"PK(?:\x03\x04|\x05\x06)", "application/zip"),
    (rb"\x1f\x8b\x08", "application/gzip"),
    (rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage"),
    (rb"....ftyp(?:isom|iso[2-6]|mp4|avc1|M4V)", "video/mp4"),
    (rb"ID3", "audio/mpeg"),
    (rb"RIFF....WAVE", "audio/wav"),
    (rb"OggS", "audio/ogg"),
    (rb"II\*\0|MM\0\*", "image/tiff"),
    (rb"BEGIN:VCALENDAR", "text/calendar"),
    (rb"BEGIN:VCARD", "text/vcard"),
    (rb"(?i:\s{0,100}<(?:!doctype html|html|head|body|script)\b)", "text/html"),
    (rb"(?i:\s{0,100}(?:<\?xml[^>]{0,200}>\s{0,100})?<svg\b)", "image/svg+xml"),
)
_MARKED: Final = frozenset(kind for _, kind in _MARKS)
_BEGINNINGS: Final = (*_MARKS, *_FAMILIES)
_BEGINNING = re.compile(b"|".join(b"(%b)" % pattern for pattern, _ in _BEGINNINGS), re.DOTALL)
_SAME: Final = {"jpg": "jpeg", "pjpeg": "jpeg", "rar-compressed": "vnd.rar", "heif": "heic", "msdownload": "exe",
                "dosexec": "exe", "exe": "exe", "vnd.microsoft.portable-executable": "exe"}  # fmt: skip
_EXTENSIONS: Final = {kind: end for end, kind in reversed(_TYPES.items())}


def settled(declared: str, name: str, head: bytes) -> str:
    """The type of a file: `declared` (lower case) unless it says nothing or the first bytes give it the lie."""
    begins = _BEGINNING.match(head)
    found = _BEGINNINGS[begins.lastindex - 1][1] if begins and begins.lastindex else ""
    if found in _MARKED and not _same(declared, found):
        return found
    family = "" if found in _MARKED else found
    told = declared not in _UNTOLD
    if told and not (family and (declared in _MARKED or _is_text(declared) != _is_text(family))):
        return declared
    by_name = _TYPES.get(extension(name), "")
    if family and (not by_name or by_name in _MARKED or _is_text(by_name) != _is_text(family)):
        return family
    return by_name or UNKNOWN


def extension_of(kind: str) -> str:
    """An extension for files of a type, with its dot: `.bin` for types nobody has a program for."""
    return _EXTENSIONS.get(kind, ".txt" if kind.startswith("text/") else ".bin")


def _same(declared: str, mark: str) -> bool:
    """Whether two names mean one type: `image/x-png`, `application/x-rar-compressed`."""
    return _plain(declared) == _plain(mark)


def _plain(kind: str) -> str:
    subtype = kind.partition("/")[2].removeprefix("x-")
    return _SAME.get(subtype, subtype)


def _is_text(kind: str) -> bool:
    return kind.startswith("text/") or kind.endswith("xml")
