"""A mail read whole: what stands in its header, its parts and its text."""

import base64
from datetime import UTC, datetime

import pytest

from chalicelib.errors import Unreadable
from chalicelib.intake import email
from chalicelib.intake.message import Address, Attachment

HEAD = b"From: Anna Customer <Anna@Example.ORG>\nTo: pomoc@example.com\nSubject: Faktura\n"


def test_a_plain_mail_is_read_whole() -> None:
    raw = (
        HEAD
        + b"Cc: Jan <jan@example.org>, biuro@example.org\nReply-To: anna.private@example.org\n"
        + b"Date: Mon, 02 Nov 2026 10:00:00 +0100\nMessage-ID: <one@example.org>\n"
        + b"In-Reply-To: <zero@example.com>\nReferences: <first@example.com>\n <zero@example.com>\n\nDzien dobry\n"
    )
    message = email.parse(raw)
    assert message.channel == "mail"
    assert message.sender == Address("Anna Customer", "Anna@example.org")
    assert message.sender.key == "anna@example.org"
    assert message.cc == (Address("Jan", "jan@example.org"), Address("", "biuro@example.org"))
    assert message.reply_to == (Address("", "anna.private@example.org"),)
    assert message.sent_at == datetime(2026, 11, 2, 9, tzinfo=UTC)
    assert message.message_id == "one@example.org"
    assert message.in_reply_to == ("zero@example.com",)
    assert message.references == ("first@example.com", "zero@example.com")
    assert (message.subject, message.text, message.written) == ("Faktura", "Dzien dobry", "Dzien dobry")
    assert (message.automatic, message.attachments, message.warnings) == (None, (), ())


@pytest.mark.parametrize("eol", [b"\n", b"\r\n", b"\r"])
def test_line_ends_do_not_matter(eol: bytes) -> None:
    raw = (
        HEAD
        + b"Content-Type: multipart/mixed; boundary=b\n\n--b\n\nOne\nTwo\n--b\nContent-Type: image/png\n\nx\n--b--\n"
    )
    message = email.parse(raw.replace(b"\n", eol))
    assert message.text == "One\nTwo"
    assert message.attachments == (Attachment("image.png", "image/png", 1),)


@pytest.mark.parametrize(
    ("fields", "address"),
    [
        (b"From: a@example.org\nReply-To: b@example.org", "a@example.org"),
        (b"From: <>\nReply-To: b@example.org", "b@example.org"),
        (b"Reply-To: b@example.org\nSender: c@example.org", "b@example.org"),
        (b"Sender: c@example.org\nReturn-Path: <d@example.org>", "c@example.org"),
        (b"Return-Path: <d@example.org>\nSubject: x", "d@example.org"),
        (b"From: MAILER-DAEMON <>", ""),
        (b'From: "unclosed <a@example.org>', "a@example.org"),
        (b"From: <@relay.example,@two.example:a@Example.Org>", "a@example.org"),
        (b"From: Team: a@example.org, b@example.org;", "a@example.org"),
        (b'From: "Customer, Anna" <a@example.org>', "a@example.org"),
        (b"From: a@example.org (Anna Customer)", "a@example.org"),
        (b"From: =?utf-8?q?=22Customer=2C_Anna=22?= <a@example.org>", "a@example.org"),
        (b"From: mailto:a@example.org", "a@example.org"),
        ("From: użytkownik@example.org".encode(), "użytkownik@example.org"),
        (b'From: "quoted name"@example.org', '"quoted name"@example.org'),
        (b'From: <"quoted name"@example.org>', '"quoted name"@example.org'),
        (b"From: Anna <a @ example . org>", "a@example.org"),
        (b"From: <no address@example.org>", "no address@example.org"),
    ],
)
def test_the_sender_is_found_where_it_can_be(fields: bytes, address: str) -> None:
    sender = email.parse(fields + b"\n\nx").sender
    assert sender is not None
    assert sender.address == address


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (b'"Customer, Anna" <a@example.org>', "Customer, Anna"),
        (b"a@example.org (Anna Customer)", "Anna Customer"),
        (b"=?utf-8?q?=C5=81ukasz?= =?utf-8?q?_=C5=BBak?= <a@example.org>", "Łukasz Żak"),
        (b'"=?koi8-r?B?78zYx8E=?=" <a@example.org>', "Ольга"),
        ("Łukasz à <a@example.org>".encode(), "Łukasz à"),
        (b"MAILER-DAEMON <>", "MAILER-DAEMON"),
    ],
)
def test_names_are_decoded(value: bytes, name: str) -> None:
    sender = email.parse(b"From: " + value + b"\n\nx").sender
    assert sender is not None
    assert sender.name == name


@pytest.mark.parametrize(
    "raw", [b"", b"\n\n\n", b"\x00\xff\xfe garbage", b"Hello, this is no mail.\n", b"Colour: red\n\nx"]
)
def test_what_is_no_mail_is_unreadable_yet_shown(raw: bytes) -> None:
    with pytest.raises(Unreadable, match="no mail"):
        email.parse(raw)
    assert email.read(raw).sender is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"Mon, 02 Nov 2026 10:00:00 -0000", datetime(2026, 11, 2, 10, tzinfo=UTC)),
        (b"2 Nov 26 10:00 EST", datetime(2026, 11, 2, 15, tzinfo=UTC)),
        (b"Mon, 32 Nov 2026 10:00:00 +0000", None),
        (b"Mon, 02 Nov 2026 10:00:00 +9999", None),
        (b"Sat, 01 Jan 10000 00:00:00 +0000", None),
        (b"yesterday", None),
        (b"", None),
    ],
)
def test_dates_are_utc_or_missing(value: bytes, expected: datetime | None) -> None:
    message = email.parse(HEAD + b"Date: " + value + b"\n\nx")
    assert message.sent_at == expected
    assert ("the date cannot be read" in message.warnings) == (expected is None)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"<a@b>", "a@b"),
        (b"a@b", "a@b"),
        (b"< a@b >", "a@b"),
        (b"<long-\n id@b>", "long-id@b"),
        (b"no-at-sign", "no-at-sign"),
        (b"", ""),
    ],
)
def test_message_ids_are_read_tolerantly(value: bytes, expected: str) -> None:
    assert email.parse(HEAD + b"Message-ID: " + value + b"\n\nx").message_id == expected


@pytest.mark.parametrize(
    "value",
    [
        b"=?utf-8?Q?Zam=C3=B3wienie_?= =?utf-8?Q?nr_7?=",
        b"=?utf-8?B?WmFtw7N3aWVu?=\n =?utf-8?B?aWUgbnIgNw==?=",
        b"=?utf-8?B?WmFtw?=\n =?utf-8?B?7N3aWVuaWUgbnIgNw==?=",
        "Zamówienie nr 7".encode(),
        "Zamówienie nr 7".encode("iso8859-2"),
        b"=?iso-8859-2?Q?Zam=F3wienie?= nr 7",
        b"=?x-unknown?Q?Zam=C3=B3wienie?= nr 7",
        b"=?utf-8*pl?Q?Zam=C3=B3wienie?= nr\n 7",
    ],
)
def test_subjects_in_every_spelling(value: bytes) -> None:
    assert email.parse(b"From: a@b.c\nSubject: " + value + b"\n\nx").subject == "Zamówienie nr 7"


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        (b"From: a@example.org", ()),
        (b"From: <>\nReply-To: b@example.org", ("From names no address: the sender is taken from Reply-To",)),
        (b"Subject: x\nReturn-Path: <d@e.f>", ("From names no address: the sender is taken from Return-Path",)),
        (b"Subject: x", ("no sender is named",)),
    ],
)
def test_a_guessed_sender_is_told(fields: bytes, told: tuple[str, ...]) -> None:
    assert email.parse(fields + b"\n\nx").warnings == told


def test_no_nul_is_left_in_a_header() -> None:
    message = email.parse(b"From: A\0nna <a\0@example.org>\nMessage-ID: <1\0@x>\nSubject: a\0b\n\nx")
    assert (message.subject, message.message_id) == ("ab", "1@x")
    assert message.sender == Address("Anna", "a@example.org")


def alternative(plain: str, page: str) -> str:
    """The text shown of a mail with both versions."""
    raw = HEAD + b"Content-Type: multipart/alternative; boundary=b\n\n--b\nContent-Type: text/plain\n\n"
    return email.parse(raw + plain.encode() + b"\n--b\nContent-Type: text/html\n\n" + page.encode() + b"\n--b--").text


def test_the_plain_version_is_shown_when_the_page_says_much_less() -> None:
    plain = "The whole text of the letter stands here, word by word."
    assert alternative(plain, "<p>Open in browser</p>") == plain
    assert alternative(plain, "<img src=x>") == plain
    assert alternative("Your program shows no pages", f"<p>{plain}</p>") == plain


@pytest.mark.parametrize(
    "plain",
    [
        "Your mail client does not support HTML. Please use one that does, or read this message in your web browser.",
        "Twój program pocztowy nie obsługuje wiadomości HTML.",
        "Ihr E-Mail-Programm kann keine HTML-Nachrichten anzeigen.",
        "Чтобы увидеть это письмо, включите HTML в своей почтовой программе.",
    ],
)
def test_a_plain_version_that_says_that_there_is_a_page_is_not_shown(plain: str) -> None:
    assert alternative(plain, "<p>Where is it?</p>") == "Where is it?"
    assert alternative(plain, "<img src=x>") == plain
    letter = plain + " This is a letter about it, which goes on for long." * 6
    assert alternative(letter, "<p>Open in browser</p>") == letter


def test_words_put_into_no_page_keep_their_lines() -> None:
    html = HEAD + b"Content-Type: text/html; charset=utf-8\n\n"
    words = "Name: Anna\nOrder: 5 &lt; 6\n\nWhere is it? Write to <anna@example.org>"
    assert email.parse(html + words.encode()).text == words.replace("&lt;", "<")
    assert email.parse(html + b"One\ntwo<br>three").text == "One two\nthree"


@pytest.mark.parametrize(
    ("kind", "second", "text"),
    [
        (b"mixed", b"Content-Type: text/plain", "one\ntwo"),
        (b"mixed", b'Content-Type: text/plain; name="two.txt"', "one"),
        (b"mixed", b"Content-Type: text/x-patch", "one"),
        (b"related", b"Content-Type: text/plain", "one"),
    ],
)
def test_text_behind_the_first_is_shown_or_listed(kind: bytes, second: bytes, text: str) -> None:
    raw = HEAD + b"Content-Type: multipart/" + kind + b"; boundary=b\n\n--b\n\none\n--b\n" + second + b"\n\ntwo\n--b--"
    message = email.parse(raw)
    assert message.text == text
    assert bool(message.attachments) == (text == "one")


def test_a_split_letter_is_joined_before_decoding() -> None:
    raw = b"From: a@b.c\nSubject: =?utf-8?Q?=D0=9F=D1?=\n =?utf-8?Q?=80=D0=B8=D0=B2=D0=B5=D1=82?=\n\nx"
    assert email.parse(raw).subject == "Привет"


def test_the_page_is_what_the_sender_saw_and_files_are_listed() -> None:
    raw = HEAD + (
        b"Content-Type: multipart/mixed; boundary=out\n\n--out\nContent-Type: multipart/alternative; boundary=in\n\n"
        b"--in\nContent-Type: text/plain\n\nplain words\n--in\nContent-Type: text/html\n\n<p>html words</p>\n--in--\n"
        b"--out\nContent-Type: application/pdf\nContent-Disposition: attachment;\n"
        b" filename*=utf-8''umowa%20%C5%82.pdf\n"
        b"Content-Transfer-Encoding: base64\n\nQUJDRA==\n--out--\n"
    )
    message = email.parse(raw)
    assert message.text == "html words"
    assert message.attachments == (Attachment("umowa ł.pdf", "application/pdf", 4),)


@pytest.mark.parametrize(
    ("parts", "text"),
    [
        (b"--b\n\n \n--b\nContent-Type: text/html\n\n<p>Witam</p>\n--b--", "Witam"),
        (b"--b\nContent-Type: text/html\n\n<!-- no words --><p>Witam</p>\n--b--", "Witam"),
        (b"--b\nContent-Type: text/plain\n\nWitam\n", "Witam"),
    ],
)
def test_the_first_version_with_words_is_shown(parts: bytes, text: str) -> None:
    assert email.parse(HEAD + b"Content-Type: multipart/alternative; boundary=b\n\n" + parts).text == text


def test_a_mail_inside_a_mail_is_an_attachment_and_shown_when_nothing_else_is() -> None:
    inner = b"--b\nContent-Type: message/rfc822\n\nSubject: =?utf-8?q?Pro=C5=9Bba?=\n\nwords inside\n--b--\n"
    raw = HEAD + b"Content-Type: multipart/mixed; boundary=b\n\n"
    alone = email.parse(raw + inner)
    assert alone.attachments[0].name == "Prośba.eml"
    assert alone.text == "words inside"
    assert email.parse(raw + b"--b\n\nwords outside\n" + inner).text == "words outside"


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        (b"base64", base64.encodebytes("Zażółć gęślą".encode())),
        (b"base64", base64.b64encode("Zażółć gęślą".encode()).rstrip(b"=")),
        (b"BASE64", b"WmHFvMOz*ErCh2cg!?Z8SZxZtsxIU="),
        (b"quoted-printable", b"Za=C5=BC=C3=B3=C5=82=C4=\n=87 g=C4=99=C5=9Bl=C4=85"),
        (b"8bit", "Zażółć gęślą".encode()),
        (b"unheard-of", "Zażółć gęślą".encode()),
    ],
)
def test_transfer_encodings(encoding: bytes, body: bytes) -> None:
    message = email.parse(
        HEAD + b"Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: " + encoding + b"\n\n" + body
    )
    expected = "Zażółć gęślą" if b"*" not in body else message.text
    assert message.text == expected
    assert message.text.startswith("Za")


def test_text_that_only_claims_to_be_base64_is_kept() -> None:
    raw = HEAD + b"Content-Transfer-Encoding: base64\n\nDear team, my parcel is late!\n"
    assert email.parse(raw).text == "Dear team, my parcel is late!"


def test_a_footer_behind_base64_is_kept() -> None:
    raw = (
        HEAD + b"Content-Transfer-Encoding: base64\n\n" + base64.encodebytes(b"first words") + b"-- list footer, here\n"
    )
    assert email.parse(raw).text == "first words-- list footer, here"


def test_limits_say_so() -> None:
    deep = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (i, i) for i in range(150))
    assert any("nested deeper than 100" in warning for warning in email.read(HEAD + deep).warnings)
    many = b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nx\n" * 1_500
    assert any("more than 1000 parts" in warning for warning in email.read(HEAD + many).warnings)
    long = email.read(HEAD + b"X-Long: " + b"a" * 300_000 + b"\n\nbody words\n")
    assert (long.text, long.sender and long.sender.name) == ("body words", "Anna Customer")
    assert any("header is too long" in warning for warning in long.warnings)


def test_a_fold_that_lost_its_blank_stays_in_its_field() -> None:
    message = email.parse(b"From: a@b.c\nSubject: first half\nsecond half\nTo: d@e.f\n\nbody\n")
    assert (message.subject, message.text) == ("first half second half", "body")


def test_a_mailbox_line_in_front_is_passed_over() -> None:
    assert email.parse(b"From a@b.c Mon Nov  2 10:00:00 2026\nSubject: x\n\nbody").subject == "x"
