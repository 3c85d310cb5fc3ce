"""Reply tokens: whom they prove, and where they stand."""

import pytest

from chalicelib.outgoing import token as tokens
from chalicelib.outgoing.token import matches, split, with_token

KEY = bytes(range(32))
MADE = ("it1", "help@shop.example.com", "anna@customer.example.com")
TOKEN = tokens.token(KEY, *MADE)


def test_a_token_is_160_bits_in_letters_that_survive_any_mail_program() -> None:
    assert len(TOKEN) == 32
    assert set(TOKEN) <= set("abcdefghijklmnopqrstuvwxyz234567")
    assert TOKEN == "wv6fzav3c26qr4k2kjrcnhnpneovix2n", "tokens already sent stay good"


def test_its_own_token_matches_whatever_the_case() -> None:
    assert matches(TOKEN, KEY, *MADE)
    assert matches(TOKEN.upper(), KEY, "it1", "HELP@shop.example.com", "Anna@Customer.example.com")


@pytest.mark.parametrize(
    "other",
    [
        ("it2", *MADE[1:]), ("it1", "billing@shop.example.com", MADE[2]), (*MADE[:2], "eve@customer.example.com"),
        ("it1help@shop.example.com", "", MADE[2]), ("it1", MADE[2], MADE[1]),
    ],
)  # fmt: skip
def test_a_token_proves_one_item_one_mailbox_and_one_addressee(other: tuple[str, str, str]) -> None:
    assert not matches(TOKEN, KEY, *other)


def test_another_customers_key_makes_another_token() -> None:
    assert not matches(TOKEN, b"\xff" * 32, *MADE)


@pytest.mark.parametrize("given", ["", "x", TOKEN[:-1], TOKEN + "a", "ą" * 32, "\ud800"])
def test_anything_else_does_not_match(given: str) -> None:
    assert not matches(given, KEY, *MADE)


def test_the_token_stands_in_the_mailboxs_label() -> None:
    address = with_token("help@shop.example.com", TOKEN)
    assert address == f"help+{TOKEN}@shop.example.com"
    assert split(address.upper()) == ("help@shop.example.com", TOKEN)


@pytest.mark.parametrize("mailbox", [f"{'h' * 32}@shop.example.com", "help+vip@shop.example.com"])
def test_a_mailbox_without_room_stays_as_it_is(mailbox: str) -> None:
    assert with_token(mailbox, TOKEN) == mailbox


def test_the_longest_local_part_has_64_characters() -> None:
    local = with_token(f"{'h' * 31}@shop.example.com", TOKEN).rpartition("@")[0]
    assert len(local) == 64


@pytest.mark.parametrize(
    ("address", "mailbox", "token"),
    [
        ("Help@Shop.example.com", "help@shop.example.com", ""),
        ("help+newsletter@shop.example.com", "help@shop.example.com", ""),
        (f"help+{TOKEN}x@shop.example.com", "help@shop.example.com", ""),
        (f"help+a+{TOKEN}@shop.example.com", "help@shop.example.com", ""),
        ("help+@shop.example.com", "help@shop.example.com", ""),
        ("", "@", ""),
    ],
)
def test_an_address_is_a_mailbox_and_perhaps_a_token(address: str, mailbox: str, token: str) -> None:
    assert split(address) == (mailbox, token)
