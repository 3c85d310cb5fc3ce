"""Whether a subject is about the same matter as another."""

import pytest

from chalicelib.intake import email, subject


@pytest.mark.parametrize(
    "given",
    [
        "Parcel", "Re: Parcel", "RE:Parcel", "re : Parcel", "Re[2]: Parcel", "Re(2): Parcel", "AW: Parcel",
        "WG: AW: Parcel", "Odp: Parcel", "PD: Parcel", "Fwd: Re: Parcel", "FW: Parcel",
        "Ответ: Parcel", "Отв: Parcel", "Відп: Parcel",
        "SV: VS: Parcel", "回复：Parcel", "[EXTERNAL] Parcel", "Re: [shop-list] Parcel", "[a] Re: [b] Fwd: Parcel",
        "(external) Parcel", "EXTERN: Parcel", "***SPAM*** Parcel", "  Parcel  ", "PARCEL",
    ],
)  # fmt: skip
def test_prefixes_and_tags_are_nothing_of_the_subject(given: str) -> None:
    assert subject.bare(given) == "parcel"


@pytest.mark.parametrize(
    "given",
    ["", "Re:", "[EXTERNAL]", "Re: Fwd:", "(no subject)", "Re: (kein Betreff)", "Odp: brak tematu", "<Без темы>"],
)
def test_of_some_nothing_is_left(given: str) -> None:
    assert subject.bare(given) == ""


@pytest.mark.parametrize(
    ("new", "old"),
    [
        ("Re: Parcel 4711", "Parcel 4711"), ("", "Parcel"), ("Re:", "Parcel"), ("Parcel", ""), ("Parc", "Parcel 4711"),
        ("Parcel 4711 is still missing", "Parcel 4711"), ("Broken lamp (was: Parcel 4711)", "Parcel 4711"),
        ("Moje paczki", "Gdzie jest paczka?"), ("Посылки нет", "Моя посылка"), ("退款问题", "退款"),
        ("TV set broken", "TV"), ("Re: (bez tematu)", "Parcel 4711"),
        ("Ｐａｒｃｅｌ", "parcel"), ("!!!", "Parcel"), ("STRASSE 1", "Straße 1"), ("re: order-4711", "Order 4711"),
    ],
)  # fmt: skip
def test_what_shares_a_word_is_no_other_matter(new: str, old: str) -> None:
    assert not subject.is_another(new, old)


@pytest.mark.parametrize(
    ("new", "old"),
    [
        ("Invoice for November", "Parcel 4711"), ("Re: Invoice", "Re: Parcel"), ("Faktura", "Gdzie jest paczka?"),
        ("My invoice", "My parcel"), ("Rechnung 99", "Bestellung 4711"), ("Возврат", "Моя посылка"),
    ],
)  # fmt: skip
def test_what_shares_none_is_another(new: str, old: str) -> None:
    assert subject.is_another(new, old)


def test_an_endless_subject_is_read_in_no_time() -> None:
    assert subject.bare("Re: " * 20_000 + "Parcel") == "parcel"
    assert subject.bare("[" * 50_000)


def test_an_empty_subject_hides_no_other() -> None:
    assert email.parse(b"From: a@b.c\nSubject:\nSubject: Faktura\n\nbody").subject == "Faktura"
    assert email.parse(b"From: a@b.c\nSubject: One\nSubject: Two\n\nbody").subject == "One"
