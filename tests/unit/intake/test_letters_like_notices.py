"""A letter that is one paragraph about something confidential is no legal notice."""

import pytest

from chalicelib.intake.written import written

LETTERS = [
    "Hello,\n\nThis message from your courier was confidential, but the recipient next door got it.",
    "Good morning!\n\nThe information about our order is confidential and the recipient was wrong. We want a refund.",
    "Guten Tag,\n\nDie Informationen in dieser Bestellung sind vertraulich, der Empfänger war aber der Nachbar.",
    "Sehr geehrte Damen und Herren\n\nDiese Sendung ist vertraulich, und der Empfänger hat sie offen erhalten.",
    "Dzień dobry!\n\nTa przesyłka była poufna, a odbiorca dostał ją otwartą. Prosimy o zwrot kosztów.",
    "Здравствуйте!\n\nЭта посылка конфиденциальна, а получатель получил её открытой. Верните деньги.",
    "Добрий день!\n\nЦя посилка конфіденційна, а одержувач отримав її відкритою.",
]
NOTICE = "\n\nThis e-mail is confidential and intended solely for the addressee."


@pytest.mark.parametrize("letter", LETTERS)
def test_a_letter_is_kept(letter: str) -> None:
    assert written(letter) == letter
    assert written(letter + NOTICE) == letter


@pytest.mark.parametrize(
    "above", ["Yes", "Please refund, thanks", "Please refund.\n\nBest regards,", "Hi Jan, yes.\nAnna"]
)
def test_a_notice_still_is_none(above: str) -> None:
    assert written(above + NOTICE) == above
