"""A reply by mail, read back by the standard library and by our own parser."""

import re
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest

from chalicelib.errors import Invalid
from chalicelib.intake import email
from chalicelib.intake.message import Address, Automatic
from chalicelib.outgoing.mail import Letter, answer_subject, compose
from tests.letters_out import letter


def read(letter: Letter) -> EmailMessage:
    message = message_from_bytes(compose(letter), policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


def shown(message: EmailMessage) -> str:
    """The text, with the line ends of this machine."""
    return str(message.get_content()).replace("\r\n", "\n")


def test_the_mail_says_who_writes_to_whom_about_what() -> None:
    message = read(letter())
    assert message["From"] == "Help <help@shop.example.com>"
    assert message["To"] == "Zofia <zofia@customer.example.com>"
    assert message["Subject"] == "Re: Parcel"
    assert message["Date"] == "Mon, 02 Mar 2026 09:00:00 +0000"
    assert message["Message-ID"] == "<r1@shop.example.com>"
    assert message["Reply-To"].addresses[0].addr_spec == letter().reply_to
    assert message["X-Sortownia-Loop"] == letter().outbox_id
    assert shown(message) == "It comes tomorrow.\n"


def test_the_mail_stands_in_the_customers_thread() -> None:
    message = read(letter())
    assert message["In-Reply-To"] == "<2@customer.example.com>"
    assert message["References"] == "<1@customer.example.com> <2@customer.example.com>"


def test_a_person_wrote_it_and_our_own_intake_knows_its_mark() -> None:
    raw = compose(letter())
    assert b"auto-submitted" not in raw.lower()
    assert b"precedence" not in raw.lower()
    assert email.parse(raw).automatic is Automatic.ECHO


def test_our_parser_reads_back_what_was_written() -> None:
    given = letter(to_name="Żółw, Łódź", subject="Przesyłka ze Śląska", text="Zażółć gęślą jaźń\n\nДа\n")
    message = email.parse(compose(given))
    assert message.sender == Address("Help", "help@shop.example.com")
    assert message.to == (Address("Żółw, Łódź", "zofia@customer.example.com"),)
    assert message.subject == "Re: Przesyłka ze Śląska"
    assert message.text == "Zażółć gęślą jaźń\n\nДа"
    assert message.references == given.references
    assert message.in_reply_to == (given.in_reply_to,)
    assert message.sent_at == given.at
    assert message.warnings == ()


@pytest.mark.parametrize(
    ("given", "answered"),
    [
        ("Parcel", "Re: Parcel"),
        ("Re: Parcel", "Re: Parcel"),
        ("RE: AW: Odp: Parcel", "Re: Parcel"),
        ("Отв: Re[2]: Посылка", "Re: Посылка"),
        ("re : Parcel", "Re: Parcel"),
        ("回复：Parcel", "Re: Parcel"),
        ("Fwd: Parcel", "Re: Fwd: Parcel"),
        ("Order re: parcel", "Re: Order re: parcel"),
        ("Reparatur: Uhr", "Re: Reparatur: Uhr"),
        ("", "Re:"),
        ("Re:", "Re:"),
        ("Parcel\r\nBcc: spy@example.com", "Re: Parcel Bcc: spy@example.com"),
    ],
)
def test_an_answer_is_marked_once(given: str, answered: str) -> None:
    assert answer_subject(given) == answered
    assert read(letter(subject=given))["Subject"] == answered


def names(raw: bytes) -> list[bytes]:
    """Names of the header's fields, as any server finds them."""
    return re.findall(rb"(?m)^([^\s:]+):", raw.partition(b"\r\n\r\n")[0])


@pytest.mark.parametrize("where", ["subject", "from_name", "to_name"])
@pytest.mark.parametrize(
    "evil",
    [
        "x\r\nBcc: spy@example.com", "x\nBcc: spy@example.com", "x\rBcc: spy@example.com", "x\0y", "x\u2028Bcc: a",
        "x\u2029y", "x\x85y", "\u202egnp.exe", "x\ud800y", "=?utf-8?q?=0D=0ABcc:_spy=40example.com?=", "x\x0b\x0cy",
    ],
)  # fmt: skip
def test_no_value_begins_another_header(where: str, evil: str) -> None:
    changed: dict[str, Any] = {where: evil}
    raw = compose(letter(**changed))
    assert names(raw) == names(compose(letter()))
    message = message_from_bytes(raw, policy=policy.default)
    assert "Bcc" not in message
    seen = {"subject": message["Subject"], "from_name": message["From"], "to_name": message["To"]}[where]
    assert not set("\r\n\0\u2028\u2029\u202e\x85\x0b") & set(seen)


def test_an_encoded_word_in_a_name_is_no_encoding_of_ours() -> None:
    evil = "=?utf-8?q?Bank?="
    assert read(letter(from_name=evil))["From"].addresses[0].display_name == evil
    assert read(letter(subject=evil))["Subject"] == f"Re: {evil}"


@pytest.mark.parametrize("field", ["mailbox", "to_address", "reply_to"])
@pytest.mark.parametrize(
    "evil", ["a@b.example.com\r\nBcc: c@d.example.com", "a@b.example.com>, <c@d.example.com", "a b"]
)
def test_an_address_that_is_none_is_refused(field: str, evil: str) -> None:
    changed: dict[str, Any] = {field: evil}
    with pytest.raises(Invalid) as refused:
        compose(letter(**changed))
    assert refused.value.field == {"to_address": "to"}.get(field, field)


def test_ids_that_cannot_stand_in_a_header_are_left_out() -> None:
    message = read(letter(in_reply_to="a b@x", references=("ok@x", "a\r\nBcc: b", "<c@x>", "ą@x", "y" * 1000)))
    assert "In-Reply-To" not in message
    assert message["References"] == "<ok@x>"


def test_a_long_thread_keeps_its_first_and_latest_messages() -> None:
    ids = tuple(f"{n}@customer.example.com" for n in range(200))
    references = email.parse(compose(letter(references=ids, in_reply_to=ids[-1]))).references
    assert references == (ids[0], *ids[-20:])


def test_references_stay_small_however_long_the_ids() -> None:
    ids = tuple(f"{n}{'x' * 880}@example.com" for n in range(30))
    raw = compose(letter(references=ids, in_reply_to="last@x"))
    field = re.search(rb"(?s)References:.*?\r\n(?=\S)", raw)
    assert field
    assert len(field[0]) < 8_000
    found = email.parse(raw).references
    assert found[0] == ids[0]
    assert found[-1] == "last@x"


def test_the_answered_message_stands_last_even_where_it_stood_before() -> None:
    assert email.parse(compose(letter(in_reply_to="a@x", references=("a@x", "b@x")))).references == ("b@x", "a@x")


@pytest.mark.parametrize(
    ("text", "encoding"), [("Да. " * 99, "base64"), ("Dziękuję, paczka przyjdzie jutro.", "quoted-printable")]
)
def test_a_text_takes_the_shorter_of_two_encodings(text: str, encoding: str) -> None:
    message = read(letter(text=text))
    assert message["Content-Transfer-Encoding"] == encoding
    assert shown(message) == text + "\n"


def test_line_ends_of_any_kind_are_lines() -> None:
    assert shown(read(letter(text="a\r\nb\rc\nd\u2028e"))) == "a\nb\nc\nd\ne\n"


@pytest.mark.parametrize(
    ("text", "seen"),
    [("a\ud800b\udcff", "a\ufffdb\ufffd"), ("a\0b\x1b[0mc\x9fd", "ab[0mcd"), ("tab\there", "tab\there")],
)
def test_a_text_holds_only_what_a_program_can_show(text: str, seen: str) -> None:
    assert shown(read(letter(text=text))) == seen + "\n"


def test_the_same_letter_is_the_same_mail() -> None:
    assert compose(letter()) == compose(letter())


def test_fields_that_are_missing_are_not_there() -> None:
    message = read(letter(in_reply_to="", references=(), reply_to="", to_name="", message_id=""))
    for name in ("In-Reply-To", "References", "Reply-To", "Message-ID"):
        assert name not in message
    assert message["To"] == "zofia@customer.example.com"
