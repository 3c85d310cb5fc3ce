"""Mail out: whatever people write, one header and one text, and no program reads anything else into it."""

import re
from dataclasses import fields, replace
from datetime import UTC, datetime
from email import message_from_bytes, policy

from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.errors import Invalid, Unreadable
from chalicelib.intake import email
from chalicelib.outgoing import header, notice, token
from chalicelib.outgoing.mail import Letter, answer_subject, answerable, compose
from tests.letters_out import letter

NASTY = "\r\n\0\t\x0b\x0c\x1c\x85\u2028\u2029\u202a\u202e\u2066\u061c\ufeff\u200e\ud800\udfff\"\\<>,;:=?_ @()[]'"
# As a list: a text of the same characters would hardly ever have half a one.
ANYTHING = st.lists(st.one_of(st.sampled_from(NASTY), st.characters()), max_size=60).map("".join)
LETTERS = st.sampled_from("abcXYZ019 ąćęłńóśźżÄÖÜßйцукенґїÆ🙂.,;:!?\"'()<>\\=@_-")
HUMAN = st.text(LETTERS, max_size=120)
PARTS = st.sampled_from(
    [
        "\r\nBcc: spy@example.com\r\n",
        "\n\n<script>",
        "=?utf-8?q?=0A?=",
        "Re: ",
        '"',
        "<a@b.example>",
        "\u202e",
        "x " * 60,
    ]
)
EVIL = st.lists(st.one_of(ANYTHING, PARTS), max_size=4).map("".join)
IDS = st.text(st.characters(min_codepoint=1, max_codepoint=0x17F), max_size=60)
MOMENTS = st.datetimes(datetime(1970, 1, 1), datetime(9998, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001


def head_of(raw: bytes) -> list[bytes]:
    return raw.partition(b"\r\n\r\n")[0].split(b"\r\n")


def named(raw: bytes) -> list[bytes]:
    return [line.partition(b":")[0] for line in head_of(raw) if line[:1] not in b" \t"]


def without_blanks(text: str) -> str:
    return "".join(text.split())


def without_quotes(text: str) -> str:
    """A name as our parser has it: it takes quotation marks around one away."""
    return re.sub("[\"']", "", text).strip()


@settings(deadline=None)
@given(EVIL, EVIL, EVIL, EVIL, st.lists(EVIL, max_size=6).map(tuple), EVIL, MOMENTS, st.booleans())
def test_any_letter_is_a_mail_that_every_server_takes(
    subject: str, name: str, to_name: str, text: str, ids: tuple[str, ...], own: str, at: datetime, by_itself: bool
) -> None:
    meant = letter(automatic=by_itself)
    raw = compose(
        replace(
            meant, subject=subject, from_name=name, to_name=to_name, text=text, references=ids, in_reply_to=own, at=at
        )
    )
    assert raw.isascii()
    assert not re.search(rb"\r(?!\n)|(?<!\r)\n|\0", raw)
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    known = named(compose(meant))
    assert named(raw) == [name for name in known if name not in (b"In-Reply-To", b"References") or name in named(raw)]
    assert all(line.strip() for line in head_of(raw))


@settings(deadline=None)
@given(EVIL, EVIL, EVIL)
def test_the_standard_library_reads_what_was_meant(subject: str, name: str, text: str) -> None:
    read = message_from_bytes(compose(letter(subject=subject, from_name=name, text=text)), policy=policy.default)
    assert read["Subject"] == answer_subject(subject)
    sender = read["From"].addresses[0]
    # The standard library leaves the blank between two encoded words of a name in, which the standard takes away.
    assert without_blanks(sender.display_name) == without_blanks(header.clean(name, 200))
    assert sender.addr_spec == "help@shop.example.com"
    assert [one.addr_spec for one in read["To"].addresses] == ["zofia@customer.example.com"]
    assert read.get_content_type() == "text/plain"
    said = re.sub("\r\n|[\r\x85\u2028\u2029]", "\n", text)
    said = re.sub("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]", "", said)
    said = re.sub("[\ud800-\udfff]", "\ufffd", said)
    assert read.get_content().replace("\r\n", "\n").rstrip("\n") == said.rstrip("\n")


@settings(deadline=None)
@given(HUMAN, HUMAN, HUMAN)
def test_our_own_parser_reads_what_was_meant(subject: str, name: str, text: str) -> None:
    message = email.parse(compose(letter(subject=subject, to_name=name, text="Hello " + text)))
    assert message.sender
    assert message.sender.address == "help@shop.example.com"
    assert [one.address for one in message.to] == ["zofia@customer.example.com"]
    if any("letters were mended" in warning for warning in message.warnings):
        return  # letters of two scripts that make no words look misread, and it says so
    assert message.subject == answer_subject(subject)
    assert without_quotes(message.to[0].name) == without_quotes(header.clean(name, 200))
    assert message.text.split() == ("Hello " + text).split()


@settings(deadline=None)
@given(st.lists(IDS, max_size=50).map(tuple), IDS)
def test_a_thread_reads_back_as_it_was_written(ids: tuple[str, ...], answered: str) -> None:
    message = email.parse(compose(letter(references=ids, in_reply_to=answered)))
    usable = [one for one in dict.fromkeys(ids) if header.usable(one)]
    if header.usable(answered):
        assert message.in_reply_to == (answered,)
        assert message.references[-1] == answered
    assert set(message.references) <= {*usable, answered}
    assert len(message.references) <= 21
    first = next((one for one in usable if one != answered), None)
    assert first is None or message.references[0] == first


@settings(deadline=None)
@given(ANYTHING)
def test_an_address_is_either_refused_or_safe(given: str) -> None:
    for address in (given, f"{given}@example.com", f"a@{given}.example.com"):
        try:
            written = answerable(address)
        except Invalid:
            continue
        assert re.fullmatch(r"[!-~]{1,64}@[a-z0-9.-]{4,253}", written)
        assert answerable(written) == written
        compose(letter(to_address=address))


@settings(deadline=None)
@given(st.binary(min_size=1, max_size=64), ANYTHING, ANYTHING, ANYTHING, ANYTHING)
def test_a_token_holds_for_its_own_case_only(key: bytes, item: str, mailbox: str, addressee: str, other: str) -> None:
    item, mailbox, addressee, other = (
        text.encode("utf-8", "replace").decode("utf-8") for text in (item, mailbox, addressee, other)
    )
    made = token.token(key, item, mailbox, addressee)
    assert token.matches(made, key, item, mailbox, addressee)
    assert token.matches(made, key, item, mailbox, other) == (other.lower() == addressee.lower())
    assert not token.matches(made, key + b"x", item, mailbox, addressee)
    assert token.split(token.with_token("help@shop.example.com", made)) == ("help@shop.example.com", made)


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=20), st.just("2026-03-02T09:00:00Z")),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=10), inner, max_size=3)),
    max_leaves=10,
)
NAMES = st.sampled_from(
    ["Bounce", "Complaint", "Delivery", "Reject", "Rendering Failure", "DeliveryDelay", "Send", "x"]
)
PLACES = st.sampled_from(["mail", "bounce", "complaint", "delivery", "reject", "failure", "deliveryDelay"])
INNER = st.dictionaries(
    st.sampled_from(["messageId", "timestamp", "tags", "feedbackId", "bouncedRecipients", "smtpResponse", "reason"]),
    JSON,
)


@settings(deadline=None)
@given(st.sampled_from(["eventType", "notificationType"]), NAMES, st.dictionaries(PLACES, st.one_of(INNER, JSON)))
def test_any_json_is_a_notice_nothing_or_unreadable(field: str, name: str, rest: dict[str, object]) -> None:
    try:
        told = notice.notice_of({field: name, **rest})
    except Unreadable:
        return
    if told:
        assert told.provider_id
        assert told.at.tzinfo is UTC
        assert len(told.detail) <= 300


def test_every_field_of_a_letter_is_tried_with_anything() -> None:
    """The strategies above cover each text of a letter; a new field must be added there."""
    tried = {"subject", "from_name", "to_name", "text", "references", "in_reply_to", "at", "to_address", "automatic"}
    fixed = {"mailbox", "reply_to", "message_id", "outbox_id"}
    assert {field.name for field in fields(Letter)} == tried | fixed
    evil = "a\r\nBcc: b@example.com"
    assert b"\r\nBcc" not in compose(replace(letter(), message_id=evil, outbox_id=evil))
