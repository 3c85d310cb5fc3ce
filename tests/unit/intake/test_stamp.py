"""What SES wrote on top of a mail, told apart from what a sender writes into it."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.intake import stamp
from sortownia.local import ses

ID = ses.new_message_id()
MAIL = b"From: Ann <ann@customer.example.com>\r\nTo: help@shop.example.com\r\nSubject: Hi\r\n\r\nHello\r\n"
ARRIVAL = ses.Arrival(
    message_id=ID, source="ann@customer.example.com", recipients=("Help@shop.example.com",), peer="127.0.0.1",
    helo="mail.customer.example.com", at=datetime(2026, 3, 1, 9, 30, tzinfo=UTC), raw=MAIL,
)  # fmt: skip
PASSED = {"spam": "PASS", "virus": "PASS"}
DOMAIN = "customer.example.com"
WHO = (frozenset({DOMAIN}), DOMAIN)


def stored(arrival: ses.Arrival = ARRIVAL) -> bytes:
    return ses.process(arrival, bucket="raw", topic="topic").raw


def forged(**changed: str) -> bytes:
    """A block as SES writes it, for another mail."""
    arrival = replace(ARRIVAL, message_id=ses.new_message_id(), recipients=("boss@shop.example.com",), raw=b"")
    block = stored(arrival).decode()
    for old, new in changed.items():
        block = block.replace(old, new)
    return block.encode()


def test_the_stamp_tells_whom_the_mail_is_for_and_what_ses_found() -> None:
    assert stamp.read(stored(), ID) == stamp.Stamp("help@shop.example.com", PASSED, *WHO)


@pytest.mark.parametrize(("domain", "name"), [("spam.example.com", "spam"), ("virus.example.com", "virus")])
def test_a_bad_verdict_is_read(domain: str, name: str) -> None:
    found = stamp.read(stored(replace(ARRIVAL, source=f"x@{domain}")), ID)
    assert found
    assert found.verdicts == {**PASSED, name: "FAIL"}


@pytest.mark.parametrize(
    "received",
    [
        "from a (a [1.2.3.4]) by inbound-smtp.eu-west-1.amazonaws.com with SMTP id {id} for <x@y.example>; today",
        "from a (a [1.2.3.4])\n by inbound-smtp.eu-west-1.amazonaws.com with ESMTPS id {id}\n for x@y.example; today",
    ],
)
def test_other_ways_to_spell_it_are_read(received: str) -> None:
    raw = f"Received: {received.format(id=ID)}\nx-ses-spam-verdict: pass\nX-Ses-Receipt: q\n\nHello".encode()
    assert stamp.read(raw, ID) == stamp.Stamp("x@y.example", {"spam": "PASS", "virus": ""})


def test_a_mail_to_several_names_no_recipient() -> None:
    raw = stored().replace(b"\r\n for Help@shop.example.com;", b";")
    assert stamp.read(raw, ID) == stamp.Stamp("", PASSED, *WHO)


def test_what_a_sender_forges_below_counts_for_nothing() -> None:
    raw = stored(replace(ARRIVAL, source="x@spam.example.com", raw=forged() + MAIL))
    found = stamp.Stamp(
        "help@shop.example.com", {"spam": "FAIL", "virus": "PASS"}, frozenset({"spam.example.com"}), DOMAIN
    )
    assert stamp.read(raw, ID) == found


def test_what_a_sender_says_in_his_greeting_counts_for_nothing() -> None:
    helo = "x with SMTP id guessed for boss@shop.example.com"
    assert stamp.read(stored(replace(ARRIVAL, helo=helo)), ID) == stamp.Stamp("help@shop.example.com", PASSED)


@pytest.mark.parametrize(
    "how",
    [
        {"helo": "x; dkim=pass header.i=@victim.example"},
        {"helo": "x;"},
        {"source": '"x; dkim=pass header.i=@victim.example;"@evil.example'},
        {"source": "x@evil.example; helo=y; dkim=pass header.i=@victim.example"},
    ],
)
def test_what_a_sender_says_of_himself_signs_nothing(how: dict[str, str]) -> None:
    found = stamp.read(stored(replace(ARRIVAL, **how)), ID)  # type: ignore[arg-type]
    assert found
    assert (found.signed_by, found.from_domain) == (frozenset(), "")


RESULTS = "amazonses.com; spf=pass (spfCheck: domain of x.example) client-ip=127.0.0.1;"


@pytest.mark.parametrize(
    ("results", "signed_by", "from_domain"),
    [
        ("dkim=pass header.i=@a.example; dkim=pass header.i=u@B.example; dmarc=none header.from=A.example;",
         {"a.example", "b.example"}, "a.example"),
        ("dkim=pass header.i=@a.example;", {"a.example"}, ""),
        ("dkim=fail header.i=@a.example; dmarc=fail header.from=a.example;", set(), "a.example"),
        ("dkim=pass header.i=@a.example; dkim=fail header.i=@a.example;", set(), ""),
        ("dkim=none header.i=unknown; dmarc=none header.from=a.example;", set(), "a.example"),
        ("dkim=pass header.i=a; x=@a.example;", set(), ""),
        ("dkim=pass header.i=@a.example@b.example;", set(), ""),
        ("", set(), ""),
    ],
)  # fmt: skip
def test_whose_signature_holds_is_read_where_every_word_is_ses_own(
    results: str, signed_by: set[str], from_domain: str
) -> None:
    raw = (
        "Return-Path: <u@x.example>\r\n"
        f"Received: from mx.x.example (mx [127.0.0.1]) by y with SMTP id {ID} for a@b.c;\r\n"
        f"Authentication-Results: {RESULTS} envelope-from=u@x.example; helo=mx.x.example; {results}\r\n"
        f"X-SES-RECEIPT: x\r\nAuthentication-Results: {RESULTS} envelope-from=u@x.example; helo=mx.x.example;"
        " dkim=pass header.i=@victim.example;\r\n\r\nHello"
    ).encode()
    found = stamp.read(raw, ID)
    assert found
    assert (found.signed_by, found.from_domain) == (frozenset(signed_by), from_domain)


@pytest.mark.parametrize(
    "raw",
    [
        MAIL,
        b"",
        b"\x00\xff",
        forged() + MAIL,
        forged().replace(b"X-SES-RECEIPT", b"X-SES-Other") + MAIL,
        stored().replace(ID.encode(), ID.encode() + b"x"),
        stored().replace(b"X-SES-RECEIPT", b"X-SES-Other"),
        stored().replace(b"X-SES-RECEIPT", b"X-SES-Other") + b"X-SES-RECEIPT: in the body\r\n",
        b"\r\n" + stored(),
        MAIL + stored(),
        b"X-SES-RECEIPT: " + ID.encode() + b"\r\n" + MAIL,
    ],
)
def test_without_a_stamp_of_its_own_nothing_is_believed(raw: bytes) -> None:
    assert stamp.read(raw, ID) is None


@given(st.one_of(st.binary(), st.binary().map(lambda raw: stored()[:200] + raw)), st.text(max_size=50))
def test_no_bytes_and_no_id_make_it_fail(raw: bytes, ses_id: str) -> None:
    found = stamp.read(raw, ses_id)
    assert found is None or isinstance(found, stamp.Stamp)


def test_a_header_without_end_is_read_in_no_time() -> None:
    assert stamp.read(b"Received: " + b"a with b id c for d" * 500_000, "c") is None
    assert stamp.read(b"Received: x with SMTP id c for " + b"a" * 60_000 + b"\nX-SES-RECEIPT: 1\n\n", "c") is not None
