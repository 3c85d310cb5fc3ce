"""The marks by which an automatic answer is known, and to whom none is sent."""

import pytest

from chalicelib.intake import email
from chalicelib.intake.message import Automatic
from chalicelib.outgoing import acknowledgement
from chalicelib.outgoing.mail import compose
from tests.letters_out import letter
from tests.unit.outgoing.test_mail import read

OURS = frozenset({"shop.example.com"})


def test_an_automatic_mail_says_so_to_programs_of_every_age() -> None:
    message = read(letter(automatic=True))
    assert message["Auto-Submitted"] == "auto-replied"
    assert message["X-Auto-Response-Suppress"] == "All"
    assert message["Precedence"] == "bulk"
    assert message["Subject"] == "Auto: Parcel"
    assert acknowledgement.by_itself(message["X-Sortownia-Loop"])
    assert message["Reply-To"].addresses[0].addr_spec == letter().reply_to
    assert message["In-Reply-To"] == "<2@customer.example.com>"


def test_our_own_intake_tells_it_from_what_a_person_wrote() -> None:
    by_itself, by_hand = (email.parse(compose(letter(automatic=automatic))) for automatic in (True, False))
    assert by_itself.automatic is by_hand.automatic is Automatic.ECHO
    assert acknowledgement.by_itself(by_itself.loop)
    assert by_hand.loop == letter().outbox_id
    assert not acknowledgement.by_itself(by_hand.loop)


@pytest.mark.parametrize("subject", ["Parcel\r\nBcc: spy@example.com", "Re: Parcel\nBcc: spy@example.com"])
def test_a_subject_begins_no_other_field(subject: str) -> None:
    message = read(letter(automatic=True, subject=subject))
    assert message["Subject"] == "Auto: Parcel Bcc: spy@example.com"
    assert message["Bcc"] is None


def test_a_subject_carries_nobodys_words_far() -> None:
    subject = str(read(letter(automatic=True, subject="word " * 100))["Subject"])
    assert subject.startswith("Auto: word word")
    assert len(subject) <= 100


def test_our_message_ids_are_known_by_their_beginning_and_domain() -> None:
    made = acknowledgement.message_id("0123", "help@shop.example.com")
    assert acknowledgement.is_ours(made, OURS)
    assert acknowledgement.is_ours(made.replace("shop", "SHOP"), OURS)
    for another in ("0123@shop.example.com", "sortownia.0123@other.example.com", "sortownia.0123", ""):
        assert not acknowledgement.is_ours(another, OURS)


@pytest.mark.parametrize(
    ("address", "ours"),
    [
        ("help@shop.example.com", True), ("anybody@SHOP.example.com", True), ("x@mail.shop.example.com", True),
        ("x@myshop.example.com", False), ("x@example.com", False), ("x@shop.example.com.example.org", False),
        ("", False),
    ],
)  # fmt: skip
def test_a_domain_is_ours_with_all_below_it(address: str, ours: bool) -> None:
    assert acknowledgement.of_domain(address, OURS) is ours


@pytest.mark.parametrize(
    "local",
    [
        "mailer-daemon", "MAILER-DAEMON", "postmaster", "noreply", "no-reply", "no_reply", "donotreply", "do-not-reply",
        "autoreply", "anna.autoreply", "notification", "alerts",
        "orders-noreply", "noreply-orders", "no-reply.orders", "nie-odpowiadaj", "nicht-antworten", "bounces",
        "list-request", "owner-list", "list-owner", "list-bounces", "bounce+1-anna", "prvs=1234=anna", "majordomo",
    ],
)  # fmt: skip
def test_programs_and_addresses_nobody_reads(local: str) -> None:
    assert acknowledgement.read_by_nobody(f"{local}@customer.example.com")


@pytest.mark.parametrize(
    "local", ["anna", "noreen", "norbert.reply", "request", "owner", "nora-reply", "bouncer", "rooty", "lista", "noe"]
)
def test_people_with_such_addresses(local: str) -> None:
    assert not acknowledgement.read_by_nobody(f"{local}@customer.example.com")


@pytest.mark.parametrize(
    ("address", "account"),
    [
        ("Anna@Customer.example.com", "anna@customer.example.com"),
        ("anna+1@customer.example.com", "anna@customer.example.com"),
        ("a.n.n.a+x+y@customer.example.com", "anna@customer.example.com"),
        ("+x@customer.example.com", "+x@customer.example.com"),
        ("anna@other.example.com", "anna@other.example.com"),
    ],
)
def test_variants_of_an_address_are_one_account(address: str, account: str) -> None:
    assert acknowledgement.account(address) == account
