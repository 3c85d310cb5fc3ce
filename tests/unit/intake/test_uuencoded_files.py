"""Files that stand uuencoded among the words of a mail, as scanners, ERP systems and Notes still send them."""

import binascii
import time

import pytest

from chalicelib.intake import email

HEAD = b"From: Anna <anna@example.org>\nTo: help@example.com\nSubject: x\nContent-Type: text/plain; charset=utf-8\n\n"


def uuencoded(name: str, data: bytes) -> bytes:
    lines = [binascii.b2a_uu(data[at : at + 45]) for at in range(0, len(data), 45)]
    return f"begin 644 {name}\n".encode() + b"".join(lines) + b"`\nend\n"


@pytest.mark.parametrize("eol", [b"\n", b"\r\n"])
def test_they_are_files_and_no_words(eol: bytes) -> None:
    photo = bytes(range(256)) * 3
    raw = HEAD + b"See the photo.\n\n" + uuencoded("zdjęcie.jpg", photo) + b"\n" + uuencoded("../a.pdf", b"%PDF-1.4")
    opened = email.parse_with_files((raw + b"\nAnna\n").replace(b"\n", eol))
    assert opened.message.written.split() == ["See", "the", "photo.", "Anna"]
    assert [(file.name, file.size) for file in opened.message.attachments] == [("zdjęcie.jpg", 768), ("a.pdf", 8)]
    assert [part.content() for part in opened.files] == [photo, b"%PDF-1.4"]


@pytest.mark.parametrize(
    "words", [b"begin 644 x\nand then\nend\n", b"begin 644 times\n#0V%T\nno end\n", b"We begin 644 x\n"]
)
def test_what_is_no_whole_file_stays_words(words: bytes) -> None:
    message = email.read(HEAD + words)
    assert message.attachments == ()
    assert message.text == words.decode().strip()


@pytest.mark.parametrize(
    "lines", [b"begin 644 a\n", b"begin 644 a\n#0V%T\n", uuencoded("a", b"abc"), b"M" + b"A" * 60 + b"\n"]
)
def test_many_cost_their_length(lines: bytes) -> None:
    began = time.process_time()
    message = email.read(HEAD + b"begin 644 a\n" + lines * (4_000_000 // len(lines)))
    assert len(message.attachments) <= 100
    assert time.process_time() - began < 2
