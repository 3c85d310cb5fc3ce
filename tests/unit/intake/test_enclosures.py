"""What Outlook and S/MIME pack is opened in place: files are listed, texts shown, damage told."""

import base64
import json
import os
from pathlib import Path

import pytest

from chalicelib.intake import email, tnef
from chalicelib.intake.enclosures import MAX_LEVEL
from chalicelib.intake.message import Message
from tests.unit.intake import packing as pack

HEAD = b"From: a@customer.example.com\nSubject: packed\n"
FILE = pack.attribute(pack.NEW_FILE, b"\0" * 14)
BODY = pack.attribute(pack.BODY, b"words of Outlook\0")
INNER = b"Content-Type: multipart/mixed; boundary=i\n\n--i\n\nsigned words\n--i\nContent-Type: image/png\n\nx\n--i--\n"


def sent(content: bytes, kind: bytes = b"application/ms-tnef; name=winmail.dat", words: bytes = b"") -> Message:
    part = b"Content-Type: " + kind + b"\nContent-Transfer-Encoding: base64\n\n" + base64.encodebytes(content)
    return email.parse(
        HEAD + b"Content-Type: multipart/mixed; boundary=b\n\n--b\n\n" + words + b"\n--b\n" + part + b"--b--\n"
    )


def names(message: Message) -> list[tuple[str, str, int]]:
    return [(one.name, one.type, one.size) for one in message.attachments]


def file(name: bytes, content: bytes) -> bytes:
    return FILE + pack.attribute(pack.TITLE, name + b"\0") + pack.attribute(pack.DATA, content)


def test_files_of_winmail_dat_are_listed_instead_of_it() -> None:
    message = sent(pack.tnef(BODY, file(b"umowa.pdf", b"%PDF-"), file(b"..\\a\xb3.txt", b"xy")), words=b"words")
    assert names(message) == [("umowa.pdf", "application/pdf", 5), ("a³.txt", "text/plain", 2)]
    assert message.text == "words"
    assert message.envelopes == ("packed by Outlook (winmail.dat)",)


def test_names_are_read_in_the_codepage_of_the_stream() -> None:
    codepage = pack.attribute(pack.CODEPAGE, b"\xe2\x04\0\0\0\0\0\0")
    assert names(sent(pack.tnef(codepage, file(b"a\xb3.txt", b"xy")))) == [("ał.txt", "text/plain", 2)]


def test_long_names_types_and_content_ids_stand_in_properties() -> None:
    said = pack.properties(
        (0x03, 0x3705, b"\1\0\0\0"),
        (pack.UNICODE, pack.LONG_NAME, "długa nazwa.png\0".encode("utf-16-le")),
        (pack.STRING8, pack.TYPE, b"image/png\0"),
        (pack.STRING8, pack.CONTENT_ID, b"one@example.com\0"),
    )
    stream = pack.tnef(file(b"DUGANA~1.PNG", b"x"), pack.attribute(pack.FILE, said))
    (one,) = sent(stream).attachments
    assert (one.name, one.type, one.inline) == ("długa nazwa.png", "image/png", True)


def test_a_file_may_stand_in_a_property() -> None:
    said = pack.properties((pack.BINARY, pack.OBJECT, b"%PDF-1"), (pack.STRING8, pack.LONG_NAME, b"a.pdf\0"))
    assert names(sent(pack.tnef(FILE, pack.attribute(pack.FILE, said)))) == [("a.pdf", "application/pdf", 6)]


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (BODY, "words of Outlook"),
        (
            pack.attribute(pack.MESSAGE, pack.properties((pack.UNICODE, pack.PLAIN, "zażółć\0".encode("utf-16-le")))),
            "zażółć",
        ),
        (pack.attribute(pack.MESSAGE, pack.properties((pack.BINARY, pack.HTML, b"<p>a <b>page</b>"))), "a page"),
        (
            pack.attribute(
                pack.MESSAGE, pack.properties((pack.BINARY, pack.RTF, pack.stored_rtf(rb"{\rtf1 rich\par words}")))
            ),
            "rich\nwords",
        ),
    ],
)
def test_outlooks_text_is_shown_where_the_mail_has_none(body: bytes, text: str) -> None:
    assert sent(pack.tnef(body)).text == text
    assert sent(pack.tnef(body), words=b"its own").text == "its own"
    alone = email.parse(HEAD + b"Content-Type: application/ms-tnef\n\n" + pack.tnef(body))
    assert (alone.text, alone.attachments) == (text, ())


def test_a_message_inside_is_opened_too_and_its_text_is_a_file() -> None:
    inner = pack.tnef(BODY, file(b"deep.pdf", b"%PDF-"))
    said = pack.properties((pack.AN_OBJECT, pack.OBJECT, b"i" * 16 + inner), (pack.STRING8, pack.LONG_NAME, b"Re: x\0"))
    message = sent(pack.tnef(FILE, pack.attribute(pack.FILE, said)), words=b"words")
    assert names(message) == [("Re_ x.txt", "text/plain", 16), ("deep.pdf", "application/pdf", 5)]


def test_messages_inside_messages_are_opened_so_deep_and_no_deeper() -> None:
    stream = pack.tnef(file(b"deep.pdf", b"%PDF-"))
    for _ in range(MAX_LEVEL):
        stream = pack.tnef(file(b"message", stream))
    assert names(sent(stream)) == [("deep.pdf", "application/pdf", 5)]
    message = sent(pack.tnef(file(b"message", stream)))
    assert [one.type for one in message.attachments] == ["application/ms-tnef"]
    assert "too much is packed into the mail: the rest of it was not opened" in message.warnings


@pytest.mark.parametrize("kind", [b"application/octet-stream; name=WINMAIL.DAT", b"application/vnd.ms-tnef"])
def test_winmail_dat_is_known_by_other_names(kind: bytes) -> None:
    assert names(sent(pack.tnef(file(b"a.pdf", b"%PDF-")), kind)) == [("a.pdf", "application/pdf", 5)]


def test_a_damaged_stream_gives_what_it_has_and_says_so() -> None:
    whole = pack.tnef(file(b"a.pdf", b"%PDF-"), file(b"b.pdf", b"%PDF-" + b"x" * 100))
    message = sent(whole[:-50])
    assert names(message)[0] == ("a.pdf", "application/pdf", 5)
    assert message.warnings == ("winmail.dat is damaged: what could be read of it is shown",)
    nothing = sent(b"no stream at all", words=b"words")
    assert names(nothing) == [("winmail.dat", "application/ms-tnef", 16)]
    assert nothing.warnings == ("winmail.dat is damaged: it was not opened",)
    assert nothing.envelopes == ()


def test_a_value_that_is_said_to_reach_beyond_its_list_is_none() -> None:
    said = pack.properties((pack.STRING8, pack.LONG_NAME, b"name.pdf"))
    lying = said.replace(b"\x08\0\0\0name", b"\x30\0\0\0name")
    stream = pack.tnef(file(b"a.pdf", b"%PDF-"), pack.attribute(pack.FILE, lying), file(b"b" * 100, b"x"))
    read = tnef.read(stream, 0, len(stream))
    assert read.damaged
    assert [one.name for one in read.files] == ["a.pdf"]


@pytest.mark.parametrize("packed", [pack.signed(INNER), pack.signed_in_pieces([INNER[:7], INNER[7:], b""])])
def test_what_is_signed_in_smime_is_shown(packed: bytes) -> None:
    message = sent(packed, b"application/pkcs7-mime; smime-type=signed-data; name=smime.p7m")
    assert (message.text, names(message)) == ("signed words", [("image.png", "image/png", 1)])
    assert message.envelopes == ("signed with S/MIME: the signature was not checked",)


def test_what_is_encrypted_in_smime_stays_a_file() -> None:
    message = sent(pack.encrypted(), b"application/octet-stream; name=smime.p7m")
    assert [name for name, _, _ in names(message)] == ["smime.p7m"]
    assert message.envelopes == ("encrypted with S/MIME: it cannot be read here",)


@pytest.mark.parametrize("packed", [b"", b"\x30", b"\x30\x80" * 1_000, b"\x30\x88" + b"\xff" * 8, b"garbage" * 9])
def test_what_is_no_cms_stays_a_file(packed: bytes) -> None:
    message = sent(packed, b"application/pkcs7-mime; name=smime.p7m", words=b"words")
    assert [name for name, _, _ in names(message)] == ["smime.p7m"]
    assert message.envelopes == ()


def test_an_archive_is_never_unpacked() -> None:
    message = sent(b"PK\x03\x04" + b"x" * 50, b"application/zip; name=a.zip")
    assert names(message) == [("a.zip", "application/zip", 54)]


def test_streams_of_the_shared_mails_give_the_files_their_lists_name(shared: Path) -> None:
    folder = shared / "mail" / "mimekit" / "UnitTests" / "TestData" / "tnef"
    seen = 0
    for listed in sorted(folder.glob("*.list")):
        data = listed.with_suffix(".tnef").read_bytes()
        stream = tnef.read(data, 0, len(data))
        assert not stream.damaged, listed.name
        wanted = [name for name in listed.read_text().splitlines() if name and not name.startswith("body.")]
        found = [one.name.strip() for one in stream.files]
        opened = [name for name in wanted if name in found]
        assert set(found) >= set(wanted), (listed.name, found, wanted)
        assert all(one.place.end > one.place.start for one in stream.files)
        seen += len(opened)
    assert seen >= 12


def test_no_shared_stream_is_damaged_and_all_have_something(shared: Path) -> None:
    manifest = json.loads((shared / "mail" / "MANIFEST.json").read_text())
    paths = [shared / "mail" / one["source"] / one["path"] for one in manifest if one["kind"] == "tnef"]
    assert len(paths) >= 20
    for path in paths:
        data = path.read_bytes()
        stream = tnef.read(data, 0, len(data))
        assert not stream.damaged, path
        assert stream.files or stream.text or stream.html or stream.rtf, path
        message = sent(data, words=b"words")
        assert "winmail.dat" not in [one.name for one in message.attachments], path


def test_large_streams_are_read_in_place() -> None:
    noise = os.urandom(1_000_000)
    opened = email.parse_with_files(HEAD + b"Content-Type: application/ms-tnef\n\n" + pack.tnef(file(b"a", noise)))
    assert opened.files[0].content() == noise
    assert len(opened.files[0].raw) > 1_000_000
