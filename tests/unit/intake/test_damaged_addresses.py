"""Addresses that are there and were not read: behind a name with a bare comma, beyond ASCII, in brackets in a page."""

from datetime import UTC, datetime

import pytest

from chalicelib.intake import email, html, proof
from chalicelib.intake.message import Address
from chalicelib.intake.proof import Checked
from chalicelib.item.arrive import Arrival, contact_of
from chalicelib.item.change import Delivery

HEAD = "From: Anna <anna@example.org>\nTo: help@example.com\nSubject: x\n"
ARRIVAL = Arrival(
    delivery=Delivery("mail", "1"),
    source="help@example.com",
    raw_key="mail/1",
    received_at=datetime(2026, 3, 2, tzinfo=UTC),
)


@pytest.mark.parametrize(
    ("reply_to", "address"),
    [
        ("Smith, Anna <anna@example.net>", "anna@example.net"),
        ("Kowalska-Nowak, Anna Maria <anna@example.net>", "anna@example.net"),
        ("Anna", "anna@example.org"),
        ("noreply", "anna@example.org"),
        ("Anna, anna@example.net", "anna@example.net"),
    ],
)
def test_an_answer_goes_to_an_address(reply_to: str, address: str) -> None:
    message = email.read(f"{HEAD}Reply-To: {reply_to}\n\nhi\n".encode())
    assert contact_of(ARRIVAL, message).address == address


def test_a_comma_parts_a_name_and_not_two_people() -> None:
    raw = (
        b"From: Smith, Anna <anna@example.org>\nTo: Ben, Carl <carl@example.org>, dora@example.org\nSubject: x\n\nhi\n"
    )
    message = email.read(raw)
    assert message.sender == Address("Smith, Anna", "anna@example.org")
    assert [one.address for one in message.to] == ["carl@example.org", "dora@example.org"]
    assert proof.of(raw, message, Checked(dmarc="PASS"), "ses1").holds


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("\"'Anna Nowak' via Help\"", "'Anna Nowak' via Help"),
        ("\"'Anna Nowak'\"", "Anna Nowak"),
        ("'Anna Nowak", "Anna Nowak"),
    ],
)
def test_marks_inside_a_name_stay_in_pairs(written: str, name: str) -> None:
    message = email.read(f"From: {written} <help@example.com>\nSubject: x\n\nhi\n".encode())
    assert message.sender == Address(name, "help@example.com")


def test_two_people_are_not_one() -> None:
    raw = b"From: Ben <ben@example.net>, Anna <anna@example.org>\nSubject: x\n\nhi\n"
    assert not proof.of(raw, email.read(raw), Checked(dmarc="PASS"), "ses1").holds


@pytest.mark.parametrize("domain", ["żółw.example.org", "магазин.example.com", "müller.example.net"])
def test_an_internationalised_domain_is_kept(domain: str) -> None:
    message = email.read(f"From: Anna <anna@{domain.upper()}>\nReply-To: biuro@{domain}\nSubject: x\n\nhi\n".encode())
    assert message.sender == Address("Anna", f"anna@{domain}")
    assert message.reply_to == (Address("", f"biuro@{domain}"),)


def test_an_address_in_a_page_is_shown_though_it_stands_in_bare_brackets() -> None:
    page = "<p>From: Anna <anna@example.org><br>Please write to <mailto:ben+1@example.net> at once</p>"
    assert html.to_text(page)[0] == "From: Anna <anna@example.org>\nPlease write to <mailto:ben+1@example.net> at once"
    assert html.to_text('<a href="mailto:anna@example.org">Anna</a><br/>x<x:y a=b@c>z')[0] == "Anna\nxz"
