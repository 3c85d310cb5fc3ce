"""What is recognised in customers' words, and what is asked for."""

import time
from dataclasses import replace

import pytest

from chalicelib import policy
from chalicelib.asks import KINDS
from chalicelib.item import missing
from chalicelib.item.item import Sorting
from chalicelib.policy import PolicyError
from tests.desk import DESK, item, mail, tags

ASKS = """
[asks.order-number]
pattern = '\\bA-\\d{5}\\b'
en = "the order number"
pl = "numer zamówienia"

[asks.nip]
kind = "nip"
en = "the tax number"

[asking]
en = "Hello, we need:\\n{missing}\\nThank you."
pl = "Potrzebujemy:\\n{missing}"
"""
ASKING = DESK.replace('billing = "billing"', 'billing = { queue = "billing", asks = ["order-number", "nip"] }') + ASKS


@pytest.mark.parametrize(
    ("kind", "text", "given"),
    [
        ("nip", "NIP 526-025-09-95", True),  # the Ministry of Finance's, in all its spellings
        ("nip", "PL 5260250995.", True),
        ("nip", "526 02 50 995", True),
        ("nip", "526-025-09-96", False),  # its last digit is wrong
        ("nip", "tel. 500 600 700", False),
        ("nip", "0000000000", False),
        ("nip", "152602509951", False),
        ("serial-number", "S/N: 4CE0460D0G", True),
        ("serial-number", "numer seryjny AB-12345", True),
        ("serial-number", "Seriennummer: 99887766", True),
        ("serial-number", "серийный номер 77X1234", True),
        ("serial-number", "the serial number is gone", False),
        ("serial-number", "a serial offender of 12 years", False),
        ("invoice-number", "invoice no. 2024/11/17", True),
        ("invoice-number", "Faktura FV/123/2026", True),
        ("invoice-number", "Rechnung RE-2024-0001", True),
        ("invoice-number", "счёт № 12345", True),
        ("invoice-number", "please send me an invoice", False),
        ("invoice-number", "faktura z maja", False),
        ("tracking-number", "1Z999AA10123456784", True),
        ("tracking-number", "RA473124828PL", False),  # its check digit is wrong
        ("tracking-number", "RR473124829FI", True),
        ("tracking-number", "przesyłka nr 620123456789012345678901", True),
        ("tracking-number", "ТТН 20450123456789", True),
        ("tracking-number", "where is my parcel since 12 days", False),
        ("tracking-number", "call 48500600700", False),
    ],
)
def test_a_kind_is_recognised(kind: str, text: str, given: bool) -> None:
    assert KINDS[kind](text) is given


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("unit", ["1", "A-", "12-", "invoice ", "nr ", ".", "S/N ", "1Z", "track no no "])
def test_no_text_takes_long(kind: str, unit: str) -> None:
    text = (unit * 8_000)[:8_000]
    started = time.process_time()
    KINDS[kind](text)
    assert time.process_time() - started < 0.5


def test_an_item_shows_what_its_topic_asks_for_and_nobody_said() -> None:
    desk = policy.parse(ASKING)
    bill = item(tags=tags(topic="billing"))
    assert missing.missing(bill, desk) == ("order-number", "nip")
    assert missing.missing(item(), desk) == ()
    told = replace(bill, given=missing.given(mail(written="It is A-12345"), None, desk))
    assert missing.missing(told, desk) == ("nip",)
    again = replace(told, given=missing.given(mail(written="NIP 5260250995"), told, desk))
    assert missing.missing(again, desk) == ()
    assert missing.suggestion(again, desk) == ""
    ruled = item(sorting=Sorting(rule="bills", topic="billing"))  # what a rule says counts
    assert missing.missing(ruled, desk) == ("order-number", "nip")


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "Hello, we need:\n- the order number\n- the tax number\nThank you."),
        ("pl", "Potrzebujemy:\n- numer zamówienia\n- the tax number"),  # its name in the desk's first language
        ("de", "Hello, we need:\n- the order number\n- the tax number\nThank you."),
        ("und", "Hello, we need:\n- the order number\n- the tax number\nThank you."),
    ],
)
def test_one_reply_asks_for_all_in_the_customers_language(language: str, text: str) -> None:
    bill = item(tags=tags(topic="billing", language=language))
    assert missing.suggestion(bill, policy.parse(ASKING)) == text


def test_default_desk_speaks_all_its_languages() -> None:
    desk = policy.load()
    for language in desk.languages:
        text = missing.suggestion(item(tags=tags(topic="billing", language=language)), desk)
        assert text
        assert desk.asks.by_name["invoice-number"].says[language] in text


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ('kind = "nip"', 'kind = "pesel"', "'pesel' is not recognised"),
        ('kind = "nip"', "", "either kind or pattern"),
        ("pattern = '\\bA-\\d{5}\\b'", "pattern = '('", "no regular expression"),
        ("pattern = '\\bA-\\d{5}\\b'", "pattern = '(a+)+b'", "repeat nothing that repeats itself"),
        ("pattern = '\\bA-\\d{5}\\b'", "pattern = 'a*'", "nothing at all"),
        ('en = "the tax number"', 'pl = "nip"', "must say its name in the desk's first language"),
        ('asks = ["order-number", "nip"]', 'asks = ["shoe-size"]', "is not something in [asks]"),
        ('pl = "Potrzebujemy:\\n{missing}"', 'pl = "Potrzebujemy"', "must be a text with {missing} in it"),
        ('pl = "Potrzebujemy:\\n{missing}"', 'fr = "{missing}"', "is no language of the desk"),
    ],
)
def test_what_cannot_be_asked_is_refused(old: str, new: str, rule: str) -> None:
    assert old in ASKING
    with pytest.raises(PolicyError) as refused:
        policy.parse(ASKING.replace(old, new))
    assert rule in str(refused.value)
