"""What proves a sender, and a set of forgeries of which none is believed."""

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.intake import email, proof
from chalicelib.intake.proof import Checked, Proof, aligned

ID = "o3vrnil0e2ic28tr9q0k4"
ANNA = "anna@customer.example"
PASSED = Checked(dmarc="PASS", spf="PASS", dkim="PASS", envelope=ANNA)
NO_POLICY = Checked(dmarc="GRAY", spf="PASS", dkim="PASS", envelope=ANNA)
BY_DKIM = Checked(dmarc="GRAY", spf="FAIL", dkim="PASS", envelope="eve@evil.example")
FORGED = Checked(dmarc="FAIL", spf="FAIL", dkim="FAIL", envelope="eve@evil.example")


def stamped(
    found: str = "", envelope: str = "eve@evil.example", greeting: str = "mx.evil.example", ses_id: str = ID
) -> str:
    """SES's own fields, with what it found of DKIM and DMARC."""
    said = f"envelope-from={envelope}; helo={greeting};"
    return (
        f"Return-Path: <{envelope}>\r\n"
        f"Received: from {greeting} (mx [203.0.113.1]) by inbound-smtp.eu-central-1.amazonaws.com with SMTP id {ses_id}"
        " for help@shop.example.com; Mon, 2 Mar 2026 09:00:00 +0000 (UTC)\r\n"
        f"Authentication-Results: amazonses.com; spf=fail (spfCheck: no) client-ip=203.0.113.1; {said} {found}\r\n"
        "X-SES-RECEIPT: receipt\r\n"
    )


def proved(head: str, checked: Checked, stamp: str = "") -> Proof:
    raw = f"{stamp}{head}\r\nTo: help@shop.example.com\r\nSubject: Parcel\r\n\r\nHello\r\n".encode()
    return proof.of(raw, email.read(raw), checked, ID)


FROM = f"From: Anna <{ANNA}>"
SIGNED = "dkim=pass header.i=@customer.example; dmarc=none header.from=customer.example;"

GOOD: dict[str, tuple[str, Checked, str, str]] = {
    "DMARC": (FROM, PASSED, "", "DMARC"),
    "DMARC, stamped": (FROM, PASSED, stamped("dmarc=pass header.from=customer.example;"), "DMARC"),
    "DMARC of the organisation": (FROM, PASSED, stamped("dmarc=pass header.from=mail.customer.example;"), "DMARC"),
    "DMARC, greeting not plain": (FROM, PASSED, stamped(SIGNED, greeting="my pc"), "DMARC"),
    "bare address": (f"From: {ANNA}", PASSED, "", "DMARC"),
    "folded": (f"From: Anna\r\n <{ANNA}>", PASSED, "", "DMARC"),
    "subject that speaks of From": (f"Subject: x\r\n From: eve@evil.example\r\n{FROM}", PASSED, "", "DMARC"),
    "SPF": (FROM, NO_POLICY, "", "SPF of its own domain, which has no DMARC policy"),
    "DKIM": (FROM, BY_DKIM, stamped(SIGNED), "DKIM of its own domain, which has no DMARC policy"),
    "DKIM beside another": (
        f"DKIM-Signature: v=1; d=customer.example; i=@customer.example; b=x\r\n{FROM}", BY_DKIM,
        stamped(f"dkim=pass header.i=@evil.example; {SIGNED}"), "DKIM of its own domain, which has no DMARC policy",
    ),
    "DKIM of a host of the domain": (
        FROM, BY_DKIM, stamped("dkim=pass header.i=@mail.customer.example;"),
        "DKIM of its own domain, which has no DMARC policy",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", GOOD)
def test_an_honest_sender_is_proved(name: str) -> None:
    head, checked, stamp, how = GOOD[name]
    assert proved(head, checked, stamp) == Proof(holds=True, how=how)


OURS = f"Authentication-Results: amazonses.com; spf=pass smtp.mailfrom={ANNA}; {SIGNED.replace('none', 'pass')}"
EVIL = "dkim=pass header.i=@evil.example;"
INJECTED = "=40customer.example=3B=20dkim=3Dpass=20header.i=3Db@evil.example"
NO_PROOF = "its domain has no DMARC policy, and neither SPF nor DKIM is of that domain"
TWO, NOT_ONE = "it has two From fields", "its From does not name one sender"
OTHER_NAME, NOT_PLAIN = "the name in its From is another address", "the address in its From is not plain"
FAILED = "DMARC failed"


def spf(envelope: str) -> Checked:
    return Checked("GRAY", "PASS", "FAIL", envelope)


FORGERIES: dict[str, tuple[str, Checked, str, str]] = {
    # Verdicts in the mail
    "results in a header": (f"{OURS}\r\n{FROM}", FORGED, "", FAILED),
    "results in a header, no policy": (f"{OURS}\r\n{FROM}", BY_DKIM, "", NO_PROOF),
    "SES's verdict fields": (f"X-SES-Spam-Verdict: PASS\r\nX-SES-DMARC-Verdict: PASS\r\n{FROM}", FORGED, "", FAILED),
    "a whole block of SES's in the mail": (stamped(SIGNED) + FROM, BY_DKIM, stamped(EVIL), NO_PROOF),
    "a block of SES's for another mail": (FROM, BY_DKIM, stamped(SIGNED, ses_id="another"), NO_PROOF),
    "results in the greeting": (
        FROM, BY_DKIM, stamped("", greeting="x; dkim=pass header.i=@customer.example"), NO_PROOF,
    ),
    "results in the envelope": (
        FROM, BY_DKIM, stamped("", envelope='"x; dkim=pass header.i=@customer.example;"@evil.example'), NO_PROOF,
    ),
    "results in the identity of a signature": (
        f"DKIM-Signature: v=1; d=evil.example; i={INJECTED}; b=x\r\n{FROM}",
        BY_DKIM, stamped("dkim=pass header.i=@customer.example; dkim=pass header.i=b@evil.example;"), NO_PROOF,
    ),
    "a signature nobody checked": (
        f"DKIM-Signature: v=1; d=customer.example; b=x\r\n{FROM}", BY_DKIM, stamped(""), NO_PROOF,
    ),
    "a signature that failed": (FROM, BY_DKIM, stamped("dkim=fail header.i=@customer.example;"), NO_PROOF),
    "Received-SPF in the mail": (
        f"Received-SPF: pass (x) envelope-from={ANNA};\r\n{FROM}", BY_DKIM, stamped(""), NO_PROOF,
    ),
    "ARC in the mail": (f"ARC-Authentication-Results: i=1; amazonses.com; dmarc=pass\r\n{FROM}", FORGED, "", FAILED),
    # Alignment
    "SPF of another domain": (FROM, spf("eve@evil.example"), "", NO_PROOF),
    "SPF of a domain with the same end": (FROM, spf("e@evilcustomer.example"), "", NO_PROOF),
    "SPF of a domain below another": (FROM, spf("e@customer.example.evil.example"), "", NO_PROOF),
    "SPF of a sibling under a public suffix": (
        "From: a@shop.co.uk", spf("eve@evil.co.uk"), "", NO_PROOF,
    ),
    "SPF of a name under the sender's public suffix": (
        "From: city@gdynia.pl", spf("eve@evil.gdynia.pl"), "", NO_PROOF,
    ),
    "SPF of an address with two domains": (FROM, spf(f"{ANNA}@evil.example"), "", NO_PROOF),
    "SPF of nobody": (FROM, spf(""), "", NO_PROOF),
    "SPF soft": (FROM, Checked("GRAY", "GRAY", "FAIL", ANNA), "", NO_PROOF),
    "nothing checked": (FROM, Checked(), "", "DMARC was not checked"),
    "check broken down": (FROM, Checked("PROCESSING_FAILED", "PASS", "PASS", ANNA), "", "DMARC was not checked"),
    "SES saw another From": (FROM, PASSED, stamped("dmarc=pass header.from=evil.example;"), "SES saw another From"),
    # Look-alikes: honestly proved, they are their own; here the checks are of the forger's domain
    "other top-level domain": ("From: anna@customer.test", Checked("GRAY", "PASS", "PASS", ANNA), "", NO_PROOF),
    "look-alike domain, Cyrillic": ("From: anna@сustomer.example", PASSED, "", NOT_PLAIN),
    "look-alike local part, Cyrillic": ("From: аnna@customer.example", PASSED, "", NOT_PLAIN),
    "look-alike in encoded words": (
        "From: =?utf-8?q?anna=40=D1=81ustomer=2Eexample?=", PASSED, "", NOT_PLAIN,
    ),
    "Kelvin sign": ("From: Ann <an\u212a@customer.example>", PASSED, "", NOT_PLAIN),
    # Two in one
    "two From fields": (f"{FROM}\r\nFrom: eve@evil.example", PASSED, "", TWO),
    "two From fields, the forger's first": (f"From: eve@evil.example\r\n{FROM}", PASSED, "", TWO),
    "the same From twice": (f"{FROM}\r\n{FROM}", PASSED, "", TWO),
    "a From behind a lone CR": (f"X: y\rFrom: eve@evil.example\r\n{FROM}", PASSED, "", TWO),
    "a From behind a NUL": (f"X: y\0From: eve@evil.example\r\n{FROM}", PASSED, "", TWO),
    "a From with a blank before its colon": (f"From : eve@evil.example\r\n{FROM}", PASSED, "", TWO),
    "two addresses": (f"From: {ANNA}, eve@evil.example", PASSED, "", NOT_ONE),
    "two addresses in brackets": (f"From: <{ANNA}> <eve@evil.example>", PASSED, "", NOT_PLAIN),
    "a group": (f"From: Team: {ANNA}, eve@evil.example;", PASSED, "", NOT_ONE),
    "another address as name": (f'From: "{ANNA}" <eve@evil.example>', PASSED, "", OTHER_NAME),
    "another address as name, encoded": (
        "From: =?utf-8?q?anna=40customer=2Eexample?= <eve@evil.example>", PASSED, "", OTHER_NAME,
    ),
    "another address as name, wide letters": (
        "From: =?utf-8?b?YW5uYe+8oGN1c3RvbWVyLmV4YW1wbGU=?= <eve@evil.example>", PASSED, "", OTHER_NAME,
    ),
    "another address as comment": (f"From: eve@evil.example ({ANNA})", PASSED, "", OTHER_NAME),
    "another address in the name": (f"From: Anna {ANNA} via Shop <eve@evil.example>", PASSED, "", OTHER_NAME),
    "quoted local part": (f'From: "{ANNA}"@evil.example', PASSED, "", NOT_PLAIN),
    "source route": (f"From: <@evil.example:{ANNA}>", PASSED, "", NOT_PLAIN),
    # Nobody in From
    "Sender alone": (f"Sender: {ANNA}", PASSED, "", "it has no From"),
    "Reply-To alone": (f"Reply-To: {ANNA}", PASSED, "", "it has no From"),
    "Return-Path alone": (f"Return-Path: <{ANNA}>", PASSED, "", "it has no From"),
    "From empty, Reply-To not": (f"From:\r\nReply-To: {ANNA}", PASSED, "", NOT_ONE),
    "From a mere name, Sender an address": (f"From: Anna\r\nSender: {ANNA}", PASSED, "", NOT_ONE),
    "header without end": (f"X: {'y' * 300_000}\r\n{FROM}", PASSED, "", "its header has no end"),
}  # fmt: skip


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forger_is_not_believed_and_the_reason_said(name: str) -> None:
    head, checked, stamp, how = FORGERIES[name]
    assert proved(head, checked, stamp) == Proof(holds=False, how=how)


def test_the_forgeries_are_forgeries_by_what_is_odd_in_them() -> None:
    """With nothing odd in the mail the same checks would be believed, so it is not the checks that fail."""
    odd = [name for name, (_, checked, _, _) in FORGERIES.items() if checked is PASSED]
    assert len(odd) >= 20
    assert proved(FROM, PASSED).holds


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("example.com", "example.com", True),
        ("Example.com.", "example.COM", True),
        ("mail.example.com", "bounce.example.com", True),
        ("example.com", "a.b.example.com", True),
        ("shop.co.uk", "evil.co.uk", False),
        ("a.shop.co.uk", "b.shop.co.uk", True),
        ("co.uk", "evil.co.uk", False),
        ("anna.github.io", "eve.github.io", False),
        ("gdynia.pl", "gdynia.pl", True),
        ("example.com", "example.org", False),
        ("example.com", "notexample.com", False),
        ("anna.example", "eve.example", False),
        ("", "", False),
        ("com", "org", False),
        ("exаmple.com", "example.com", False),
        ("a..example.com", "example.com", False),
        ("a b.example.com", "example.com", False),
    ],
)
def test_domains_are_aligned_where_one_owner_has_both(one: str, other: str, same: bool) -> None:
    assert aligned(one, other) is same
    assert aligned(other, one) is same


_verdicts = st.sampled_from(["PASS", "GRAY", "FAIL", ""])


@given(
    st.binary(max_size=300), st.builds(Checked, _verdicts, _verdicts, _verdicts, st.text(max_size=30)),
    st.sampled_from([b"", stamped(SIGNED).encode(), b"From: ", b"From: a@b.example\r\n"]),
)  # fmt: skip
def test_no_bytes_make_it_fail(raw: bytes, checked: Checked, before: bytes) -> None:
    found: Any = proof.of(before + raw, email.read(before + raw), checked, ID)
    assert isinstance(found, Proof)
    assert found.how


def test_a_header_of_many_addresses_is_read_in_no_time() -> None:
    assert not proved(f"From: {'<a@b.example> ' * 15_000}", PASSED).holds
    assert not proved(f"From: {'a@' * 100_000}", PASSED).holds
    assert not proved("DKIM-Signature: " + "i=" * 100_000 + f"\r\n{FROM}", BY_DKIM, stamped("")).holds


@pytest.mark.parametrize("name", [b"a" * 60_000, "ы".encode("cp1251") * 60_000, b"a." * 30_000])
def test_a_long_name_in_from_is_no_bomb(name: bytes) -> None:
    raw = b"From: " + name + b" <a@customer.example.com>\r\nTo: h@example.com\r\nMessage-ID: <x@y>\r\n\r\nHi"
    message, started = email.parse(raw), time.process_time()
    assert proof.of(raw, message, Checked("PASS", "PASS", "PASS", ""), "ses-1").holds
    assert time.process_time() - started < 1


@pytest.mark.parametrize("name", ["b@shop.example.com", "x @b@c", "a@customer.example.com b@c", "@@a", "a@b@c"])
def test_a_name_that_is_another_address_is_still_seen(name: str) -> None:
    raw = f'From: "{name}" <a@customer.example.com>\r\nTo: h@example.com\r\nMessage-ID: <x@y>\r\n\r\nHi'.encode()
    found = proof.of(raw, email.parse(raw), Checked("PASS", "PASS", "PASS", ""), "ses-1")
    assert not found.holds
