"""What the sender wrote now, told from what stood there before."""

import pytest

from chalicelib.intake.written import written

NEW = {
    "pl": "Dzień dobry,\n\nnadal nie mam faktury.\n\nPozdrawiam\nAnna",
    "de": "Guten Tag,\n\ndie Rechnung fehlt noch immer.\n\nMit freundlichen Grüßen\nAnna",
    "ru": "Здравствуйте,\n\nсчёта всё ещё нет.\n\nС уважением\nАнна",
    "uk": "Добрий день,\n\nрахунку досі немає.\n\nЗ повагою\nАнна",
    "en": "Hello,\n\nthe invoice is still missing.\n\nKind regards\nAnna",
}
INTRODUCTIONS = {
    "pl": ["W dniu 02.11.2026 o 10:00, Pomoc pisze:", "pon., 2 lis 2026 o 10:00 Pomoc <pomoc@example.com> napisał(a):"],
    "de": [
        "Am 02.11.2026 um 10:00 schrieb Hilfe:",
        "Am Mo., 2. Nov. 2026 um 10:00 Uhr schrieb Hilfe\n<hilfe@example.com>:",
    ],
    "ru": ["2 ноября 2026 г., 10:00, Помощь пишет:", "пн, 2 нояб. 2026 г. в 10:00, Помощь <help@example.com>:"],
    "uk": [
        "2 листопада 2026 р. о 10:00 Допомога пише:",
        "пн, 2 лист. 2026 р. о 10:00 Допомога <help@example.com> пише:",
    ],
    "en": [
        "On Mon, 2 Nov 2026 at 10:00, Help <help@example.com> wrote:",
        "On Mon, 2 Nov 2026 at 10:00, Help <\nhelp@example.com> wrote:",
    ],
}
BLOCKS = {
    "pl": "Od: Pomoc <pomoc@example.com>\nWysłano: 2 listopada 2026\nDo: Anna\nTemat: Faktura",
    "de": "Von: Hilfe <hilfe@example.com>\nGesendet: Montag, 2. November 2026\nAn: Anna\nBetreff: Rechnung",
    "ru": "От: Помощь <help@example.com>\nОтправлено: 2 ноября 2026\nКому: Анна\nТема: Счёт",
    "uk": "Від: Допомога <help@example.com>\nНадіслано: 2 листопада 2026\nКому: Анна\nТема: Рахунок",
    "en": "*From:* Help <help@example.com>\n*Sent:* Monday\n*To:* Anna\n*Subject:* Invoice",
}
DIVIDERS = {
    "pl": "-----Wiadomość oryginalna-----",
    "de": "-----Ursprüngliche Nachricht-----",
    "ru": "-------- Исходное сообщение --------",
    "uk": "-------- Оригінальне повідомлення --------",
    "en": "-----Original Message-----",
}
LANGUAGES = list(NEW)


@pytest.mark.parametrize("quote", ["> old words\n> more\n", "\n> old words\n\n> more", "old words\nmore"])
@pytest.mark.parametrize("number", [0, 1])
@pytest.mark.parametrize("language", LANGUAGES)
def test_introduced_quotations_are_cut(language: str, number: int, quote: str) -> None:
    assert written(f"{NEW[language]}\n\n{INTRODUCTIONS[language][number]}\n{quote}") == NEW[language]


@pytest.mark.parametrize("rule", ["", "________________________________\n", "---\n"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_header_blocks_are_cut(language: str, rule: str) -> None:
    assert written(f"{NEW[language]}\n\n{rule}{BLOCKS[language]}\n\nold words\n") == NEW[language]


@pytest.mark.parametrize("language", LANGUAGES)
def test_dividers_are_cut(language: str) -> None:
    assert written(f"{NEW[language]}\n\n{DIVIDERS[language]}\nold words\n") == NEW[language]


@pytest.mark.parametrize("mark", ["-- ", "--", "—"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_signatures_are_cut(language: str, mark: str) -> None:
    assert written(f"{NEW[language]}\n{mark}\nAnna Customer\ntel. 600 000 000\n") == NEW[language]


DEVICES = [
    "Sent from my iPhone", "Get Outlook for Android<https://example.com>", "Wysłane z iPhone'a", "Wysłano z telefonu",
    "Von meinem iPhone gesendet", "Gesendet mit Outlook", "Отправлено с iPhone", "Надіслано з iPhone", "_____________",
]  # fmt: skip


@pytest.mark.parametrize("line", DEVICES)
def test_signatures_of_devices_are_cut(line: str) -> None:
    assert written(f"Proszę o kontakt.\n\n{line}") == "Proszę o kontakt."


def test_answers_between_and_below_quotations_are_kept() -> None:
    asked = "On Mon, 2 Nov 2026 at 10:00, Help <h@example.com> wrote:\n> Which order?\n\n"
    assert written(f"{asked}Number 7.\n\n> Which street?\n\nLong Street.") == "Number 7.\n\n\nLong Street."


@pytest.mark.parametrize(
    "text",
    [
        "> everything is quoted\n> here",
        "-----Original Message-----\nFrom: a@example.org\nSubject: x\nTo: y\n\nforwarded words",
        "Sent from my iPhone",
        "-- \nonly a signature",
        "________",
        "On Mon, 2 Nov 2026 at 10:00, Help <h@example.com> wrote:\n> x",
    ],
)
def test_never_empty(text: str) -> None:
    assert written(text).strip()


@pytest.mark.parametrize(
    "text",
    [
        "Am 3. Mai schrieb ich Ihnen:\nBitte stornieren Sie die Bestellung 4711.",
        "Guten Tag,\nam 3. Mai schrieb ich Ihnen folgendes:\nBitte stornieren Sie die Bestellung.",
        "Please book the journey:\nFrom: Berlin\nTo: Paris\nDate: 3 May\nTwo people.",
        "I paid 50 zł.\nThe letter said: wait.\nNothing came.",
        "Sent via DHL on Monday",
        "Od poniedziałku nic nie działa:\nani strona, ani aplikacja.",
        "Pros -- and cons -- of this offer?",
    ],
)
def test_what_only_looks_like_a_quotation_stays(text: str) -> None:
    assert written(f"Hello,\n{text}") == f"Hello,\n{text}"


def test_blank_text_stays_blank() -> None:
    assert written("") == ""
    assert written(" \n\n") == ""
