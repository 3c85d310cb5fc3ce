"""What a file is: the sender's word, until its bytes give it the lie."""

import pytest

from chalicelib.intake.filetypes import UNKNOWN, extension_of, settled

PROGRAM = b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff\0\0"
ZIP = b"PK\x03\x04\x14\0"
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
EXE = "application/vnd.microsoft.portable-executable"


@pytest.mark.parametrize(
    ("declared", "name", "head", "kind"),
    [
        ("application/pdf", "a.pdf", b"%PDF-1.7", "application/pdf"),
        ("application/octet-stream", "a.pdf", b"%PDF-1.7", "application/pdf"),
        ("application/octet-stream", "a", b"\x89PNG\r\n\x1a\n", "image/png"),
        ("application/octet-stream", "a.docx", ZIP, DOCX),
        ("application/octet-stream", "a.pdf", ZIP, "application/zip"),
        ("application/octet-stream", "a", ZIP, "application/zip"),
        ("application/octet-stream", "a.doc", OLE, "application/msword"),
        ("application/octet-stream", "a", OLE, "application/x-ole-storage"),
        ("application/octet-stream", "a.csv", b"a;b", "text/csv"),
        ("application/x-download", "a.xyz", b"abc", UNKNOWN),
        ("application/octet-stream", "", b"", UNKNOWN),
        ("image/png", "a.png", b"\xff\xd8\xff\xe0", "image/jpeg"),
        ("image/jpg", "a.jpg", b"\xff\xd8\xff\xe0", "image/jpg"),
        ("image/png", "a.png", PROGRAM, EXE),
        ("application/pdf", "a.pdf", PROGRAM, EXE),
        (DOCX, "a.docx", PROGRAM, EXE),
        ("application/x-msdownload", "a.exe", PROGRAM, "application/x-msdownload"),
        ("text/plain", "a.txt", b"MZ is a letter pair", "text/plain"),
        ("application/pdf", "a.pdf", ZIP, "application/zip"),
        (DOCX, "a.docx", ZIP, DOCX),
        ("application/msword", "a.doc", OLE, "application/msword"),
        ("application/msword", "a.doc", b"<html><body>", "text/html"),
        ("image/png", "a.png", b" <!DOCTYPE html><script>", "text/html"),
        ("image/png", "a.png", b'<?xml version="1.0"?>\n<svg onload="x">', "image/svg+xml"),
        ("application/xhtml+xml", "a.xhtml", b"<html>", "application/xhtml+xml"),
        ("text/plain", "a.txt", b"<html>", "text/plain"),
        ("text/plain", "a.zip", ZIP, "application/zip"),
        ("application/x-unheard-of", "a.pdf", b"abc", "application/x-unheard-of"),
    ],
)
def test_the_type_of_a_file(declared: str, name: str, head: bytes, kind: str) -> None:
    assert settled(declared, name, head) == kind


@pytest.mark.parametrize(
    ("kind", "end"),
    [
        ("application/pdf", ".pdf"),
        ("image/jpeg", ".jpg"),
        ("text/calendar", ".ics"),
        ("text/x-amp-html", ".txt"),
        ("message/rfc822", ".eml"),
        (UNKNOWN, ".bin"),
    ],
)
def test_extensions_of_types(kind: str, end: str) -> None:
    assert extension_of(kind) == end
