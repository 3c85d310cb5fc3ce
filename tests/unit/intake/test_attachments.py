"""The files of a mail: listed once, under safe names, with their true types and sizes."""

import base64

import pytest

from chalicelib.intake import attachments, email
from chalicelib.intake.message import Attachment

HEAD = b"From: a@customer.example.com\nSubject: files\n"
PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"0" * 92)


def mixed(*parts: bytes, kind: bytes = b"multipart/mixed") -> bytes:
    return b"Content-Type: " + kind + b"; boundary=b\n\n--b\n" + b"\n--b\n".join(parts) + b"\n--b--\n"


def file(kind: bytes, more: bytes = b"", content: bytes = b"x") -> bytes:
    return b"Content-Type: " + kind + b"\n" + more + b"\n" + content


def listed(raw: bytes) -> list[tuple[str, str, int]]:
    return [(one.name, one.type, one.size) for one in email.parse(HEAD + raw).attachments]


@pytest.mark.parametrize(
    ("field", "name"),
    [
        (b'filename="umowa.pdf"', "umowa.pdf"),
        (b"filename=umowa 1.pdf", "umowa 1.pdf"),
        (b"filename*=utf-8''umowa%20%C5%82.pdf", "umowa ł.pdf"),
        (b"filename*=iso-8859-2''umowa%20%B3.pdf", "umowa ł.pdf"),
        (b"filename*=nonsense''umowa%20%C5%82.pdf", "umowa ł.pdf"),
        (b"filename*=umowa%20%C5%82.pdf", "umowa ł.pdf"),
        (b"filename*0*=utf-8''umowa%20; filename*1*=%C5%82.pdf", "umowa ł.pdf"),
        (b"filename*0=umo; filename*1=wa.pdf", "umowa.pdf"),
        (b"filename*1=wa.pdf; filename*0=umo", "umowa.pdf"),
        (b'filename="=?utf-8?q?umowa_=C5=82.pdf?="', "umowa ł.pdf"),
        (b"filename==?utf-8?b?dW1vd2EgxYIucGRm?=", "umowa ł.pdf"),
        (b'filename="=?utf-8?q?umowa?=\n =?utf-8?q?_=C5=82.pdf?="', "umowa ł.pdf"),
        ('filename="umowa ł.pdf"'.encode(), "umowa ł.pdf"),
        ('filename="najem łódki.pdf"'.encode("cp1250"), "najem łódki.pdf"),
        (b'filename="never closed.pdf', "never closed.pdf"),
        (b"filename*=utf-8''..%2F..%2Fetc%2Fpasswd", "passwd"),
        (b'filename="C:\\Temp\\umowa (1).pdf"', "umowa (1).pdf"),
        (b'filename="C:\\\\Temp\\\\umowa.pdf"', "umowa.pdf"),
        (b"filename*=utf-8''a%0D%0AX-Evil%3A%20b.pdf", "aX-Evil_ b.pdf"),
        (b"filename*=utf-8''a%00.pdf", "a.pdf"),
        (b"filename*=utf-8''%E2%80%AEfdp.exe", "fdp.exe"),
        (b'filename=""', "attachment.pdf"),
        (b'filename="."', "attachment.pdf"),
        (b"x=y", "attachment.pdf"),
    ],
)
def test_names_are_read_and_made_safe(field: bytes, name: str) -> None:
    part = file(b"application/pdf", b"Content-Disposition: attachment; " + field + b"\n")
    assert listed(mixed(part)) == [(name, "application/pdf", 1)]


def test_files_without_a_name_are_called_by_what_they_are() -> None:
    kinds = (b"image/png", b"application/pdf", b"application/octet-stream", b"text/calendar", b"audio/ogg")
    assert [name for name, _, _ in listed(mixed(*(file(kind) for kind in kinds)))] == [
        "image.png", "attachment.pdf", "attachment.bin", "attachment.ics", "audio.ogg",
    ]  # fmt: skip


def test_files_of_one_name_are_told_apart() -> None:
    part = file(b"image/jpeg; name=IMG.jpg")
    assert [name for name, _, _ in listed(mixed(part, part, part))] == ["IMG.jpg", "IMG (2).jpg", "IMG (3).jpg"]


def test_type_and_size_are_those_of_the_decoded_content() -> None:
    part = file(b"application/octet-stream; name=a", b"Content-Transfer-Encoding: base64\n", PNG)
    assert listed(mixed(part)) == [("a", "image/png", 100)]


@pytest.mark.parametrize(
    ("kind", "fields", "inline"),
    [
        (b"multipart/related", b"Content-ID: <1>\nContent-Disposition: attachment\n", True),
        (b"multipart/related", b"Content-ID: <1>\n", True),
        (b"multipart/mixed", b"Content-ID: <1>\n", True),
        (b"multipart/mixed", b"Content-Disposition: inline\n", True),
        (b"multipart/mixed", b"Content-ID: <1>\nContent-Disposition: attachment\n", False),
        (b"multipart/mixed", b"", False),
    ],
)
def test_pictures_in_the_text_are_inline(kind: bytes, fields: bytes, inline: bool) -> None:
    page = b"Content-Type: text/html\n\n<p>words<img src=cid:1>"
    picture = file(b"image/png; name=p.png", fields)
    assert email.parse(HEAD + mixed(page, picture, kind=kind)).attachments == (
        Attachment("p.png", "image/png", 1, inline),
    )


def test_a_document_is_never_inline() -> None:
    part = file(b"application/pdf", b"Content-ID: <1>\nContent-Disposition: inline\n")
    assert not email.parse(HEAD + mixed(part)).attachments[0].inline


@pytest.mark.parametrize(
    ("subject", "name"),
    [
        (b"Subject: =?utf-8?q?Pro=C5=9Bba?=\n", "Prośba.eml"),
        (b"Subject: order 1/2: late\n", "order 1-2_ late.eml"),
        (b"Subject: ../../x\n", "-..-x.eml"),
        (b"From: x@example.com\n", "message.eml"),
    ],
)
def test_a_forwarded_mail_is_called_by_its_subject(subject: bytes, name: str) -> None:
    assert [found for found, _, _ in listed(mixed(file(b"message/rfc822", b"", subject + b"\nwords")))] == [name]


def test_a_signature_is_no_file() -> None:
    signature = file(b"application/pkcs7-signature; name=smime.p7s")
    signed = mixed(b"\nwords", signature, kind=b"multipart/signed")
    assert listed(signed) == []
    assert listed(mixed(b"\nwords", signature)) == [("smime.p7s", "application/pkcs7-signature", 1)]


@pytest.mark.parametrize("kind", [b"text/x-amp-html", b"text/watch-html"])
def test_the_page_once_more_for_other_programs_is_no_file(kind: bytes) -> None:
    assert listed(mixed(b"\nwords", file(kind), kind=b"multipart/alternative")) == []


def test_files_beyond_a_hundred_are_not_listed_and_it_is_said() -> None:
    most = attachments.MOST
    whole = email.parse(HEAD + mixed(*[file(b"image/png")] * most))
    assert len(whole.attachments) == most
    assert attachments.TOO_MANY not in whole.warnings
    cut = email.parse_with_files(HEAD + mixed(*[file(b"image/png")] * (most + 1)))
    assert len(cut.message.attachments) == len(cut.files) == most
    assert attachments.TOO_MANY in cut.message.warnings


def test_files_are_in_the_order_of_their_list() -> None:
    parts = (file(b"image/png", content=b"one"), file(b"message/rfc822", content=b"Subject: s\n\ntwo"), b"\nwords",
             file(b"text/csv", b"Content-Transfer-Encoding: base64\n", b"dGhyZWU="))  # fmt: skip
    opened = email.parse_with_files(HEAD + mixed(*parts))
    assert [part.content() for part in opened.files] == [b"one", b"Subject: s\n\ntwo", b"three"]
    assert [one.size for one in opened.message.attachments] == [3, 15, 5]
