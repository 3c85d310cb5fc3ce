"""What a sender wrote himself is kept where it looks like somebody else's, and nothing else is."""

import pytest

from chalicelib.intake import email
from chalicelib.intake.written import written

ASKS = "Dzień dobry,\n\nproszę o zwrot pieniędzy."
SIGNED = "-- \nAnna\ntel. 600 000 000"
OUTLOOK = {
    "pl": "Od: Pomoc <help@example.com>\nWysłano: poniedziałek, 23 listopada 2026 10:02\nDo: Anna\nTemat: Zwrot",
    "de": "Von: Hilfe <help@example.com>\nGesendet: Montag, 23. November 2026 10:02\nAn: Anna\nBetreff: Retoure",
    "ru": "От: Помощь <help@example.com>\nОтправлено: 23 ноября 2026 г. 10:02\nКому: Анна\nТема: Возврат",
    "uk": "Від: Допомога <help@example.com>\nНадіслано: 23 листопада 2026 р. 10:02\nКому: Анна\nТема: Повернення",
    "en": "From: Help <help@example.com>\nSent: Monday, November 23, 2026 10:02 AM\nTo: Anna\nSubject: Return",
}


@pytest.mark.parametrize(
    "told",
    [
        "W dniu 23.11.2026 o 10:02 kurier napisał:\n„Paczka uszkodzona”.\nCo teraz?",
        "w dniu 23.11.2026 o 10:02 kurier napisał:\npaczka uszkodzona. Co teraz?",
        "Pan Kowalski napisał 23.11.2026:\npaczka uszkodzona. Co teraz?",
        "Am 23.11.2026 um 10:02 schrieb der Kurier:\n„Zurück an Absender“. Was nun?",
        "Herr Meier schrieb am 23.11.2026:\nwir erstatten in 14 Tagen. Wann?",
        "in der Mail vom 23.11.2026 10:02 Uhr steht geschrieben:\nwir erstatten. Wann?",
        "23.11.2026 в 10:02 курьер написал:\n«Посылка возвращена». Что делать?",
        "23.11.2026 о 10:02 кур'єр написав:\n«Посилку повернуто». Що робити?",
        'On 23 November 2026 at 10:02 the courier wrote:\n"parcel returned". What now?',
        "DHL wrote on 23.11.2026:\nparcel returned. What now?",
    ],
)
def test_what_others_wrote_is_told_by_him(told: str) -> None:
    assert written(f"{ASKS}\n\n{told}") == f"{ASKS}\n\n{told}"


@pytest.mark.parametrize(
    "postscript",
    [
        "P.S. Mam nowy adres: Długa 5",
        "PS: Neue Adresse: Lange Str. 5",
        "PS Proszę też zmienić telefon.",
        "P.S.: my new phone is 600",
        "З.Ы. телефон сменился",
        "П.С. телефон змінився",
    ],
)
def test_a_postscript_below_the_signature_is_a_word_of_the_letter(postscript: str) -> None:
    for signed in (SIGNED, "Sent from my iPhone"):
        letter = f"{ASKS}\n\n{signed}\n\n{postscript}"
        assert written(letter) == f"{ASKS}\n\n{postscript}"
        assert written(f"{letter}\n\n{OUTLOOK['en']}\n\nPS: old words.") == f"{ASKS}\n\n{postscript}"
    assert written(f"{ASKS}\n\n-- \nAnna\nPS Logistik GmbH\nBerlin") == ASKS


@pytest.mark.parametrize(
    "letter",
    [
        "Proszę o anulowanie:\n--\nNumer: 4711\nKwota: 120 zł",
        "Proszę o anulowanie zamówienia.\n--\nNumer: 4711\nKwota: 120 zł\n\nDziękuję\nAnna",
        "I want to return:\n\n__________\n1x cup\n1x plate\n__________\n\nPlease send a label.\nAnna",
        "Не пришло:\n— чашка\n— тарелка\n—\nПришлите, пожалуйста.",
    ],
)
def test_data_between_dashes_is_no_signature(letter: str) -> None:
    assert written(letter) == letter
    assert written(f"{letter}\n\n{OUTLOOK['de']}\n\nWelche?\n\nMit freundlichen Grüßen\nHilfe") == letter


def test_who_signs_by_his_name_behind_dashes_may_have_a_signature() -> None:
    assert written(f"{ASKS}\n\n-- Anna\n\n{SIGNED}") == f"{ASKS}\n\n-- Anna"


def test_how_the_letter_below_ends_says_nothing_of_the_mark_above() -> None:
    for asked in (OUTLOOK["de"], "Am 23.11.2026 um 10:02 schrieb Hilfe:"):
        assert written(f"4711\n\n{SIGNED}\n\n{asked}\n\nWelche?\n\nMit freundlichen Grüßen\nHilfe") == "4711"


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("pl", "Dzień dobry, moje odpowiedzi są poniżej."),
        ("pl", "Dzień dobry,\nodpowiedziałam na pytania na czerwono."),
        ("de", "Antworten unten in rot."),
        ("de", "Guten Tag,\nich habe Ihre Fragen unten in rot beantwortet."),
        ("ru", "Здравствуйте, отвечаю ниже красным."),
        ("uk", "Добрий день, мої відповіді нижче."),
        ("en", "Hello, see my answers in red below."),
        ("en", "I have answered inline."),
    ],
)
def test_who_says_that_he_answers_in_the_letter_below_is_read_there(language: str, said: str) -> None:
    mail = f"{said}\n\n{OUTLOOK[language]}\n\nWhich number? 4711\nWhich street? Długa 5"
    assert written(mail) == mail


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("pl", "Państwa odpowiedzi poniżej nie rozumiem."),
        ("pl", "Proszę o odpowiedź na wiadomość poniżej."),
        ("de", "Ihre Antworten unten sind falsch."),
        ("en", "In your reply below you say nothing."),
        ("en", "Please see below."),
    ],
)
def test_who_speaks_of_the_letter_below_does_not_answer_in_it(language: str, said: str) -> None:
    assert written(f"{said}\n\n{OUTLOOK[language]}\n\nold words") == said


MARKED = "Hello,\nI get:\n\n> 502 Bad Gateway\n> at 10:02\n\nPlease help."


@pytest.mark.parametrize(
    ("fields", "kept"),
    [
        ("Subject: Login broken", True),
        ("Subject: [EXT] Login broken", True),
        ("Subject: Re: Login broken", False),
        ("Subject: Login broken\nIn-Reply-To: <1@example.com>", False),
        ("Subject: Login broken\nReferences: <1@example.com>", False),
    ],
)
def test_the_first_mail_of_a_matter_quotes_nobody_unless_it_says_so(fields: str, kept: bool) -> None:
    def of(text: str) -> str:
        return email.read(f"From: a@example.org\n{fields}\n\n{text}".encode()).written

    assert ("502" in of(MARKED)) is kept
    noted = "I get this.\n\n23.11.2026, 10:02:\n> 502 Bad Gateway\n\nPlease help."
    assert (of(noted) == noted) is kept
    asked = "On Mon, 23 Nov 2026 at 10:02, Help <help@example.com> wrote:"
    assert of(f"See below.\n\n{asked}\n> old words") == "See below."
    assert of(f"See below.\n\n> {asked}\n>\n> old words\n> more") == "See below."


FORMS = [
    "Nowa wiadomość z formularza\n---\nOd: Anna\nE-mail: anna@example.org\nData: 23.11.2026 10:02\nTemat: Zwrot\n---\n"
    "Gdzie są pieniądze?",
    "Nowa wiadomość od kupującego\n\nOd: Anna_99\n\nData: 23.11.2026 10:02\n\nTemat: Zwrot\n\nGdzie są pieniądze?",
    "Neue Anfrage\n\nVon: Anna\nName: Anna\nDatum: 23.11.2026 10:02\nBetreff: Retoure\n\nWo ist das Geld?",
    "Chcę zmienić bilet:\nOd: Kraków\nDo: Berlin\nData: 3 maja 2026 10:00\nTemat: zmiana\nDziękuję",
    "Status:\nData: 23.11.2026 10:02\nOd: Warszawa\nDo: Kraków\nTemat: przesyłka 99\nCo to znaczy?",
    "Treść bileciku:\n\nDo: Kasia\nOd: Ania\nData: 24.12.2026\nWszystkiego najlepszego!",
    "Proszę o wstrzymanie dostaw:\nOd: 01.12.2026\nDo: 24.12.2026\nTemat: urlop\n\nDziękuję",
]


@pytest.mark.parametrize("form", FORMS)
def test_forms_and_periods_are_no_header_of_a_mail(form: str) -> None:
    assert written(form) == form


@pytest.mark.parametrize(("language", "block"), OUTLOOK.items())
@pytest.mark.parametrize("words", ["Telefon: 22 600 00 00", "Name: Anna\nPhone: 600\nMessage: where is it?"])
def test_fields_in_the_letter_below_do_not_make_a_form_of_it(language: str, block: str, words: str) -> None:
    assert written(f"{ASKS}\n\n{block}\n\nHello\n{words}") == ASKS
    assert written(f"{ASKS}\n\n{block}\n\n{words}") == ASKS


@pytest.mark.parametrize("said", ["👍", "???", "❤️"])
def test_who_sends_a_sign_says_something(said: str) -> None:
    assert written(f"{said}\n\n{OUTLOOK['en']}\n\nold words") == said


@pytest.mark.parametrize("subject", ["Fwd: Zwrot", "WG: Zwrot", "PD: Zwrot", "[EXT] FW: Re: Zwrot"])
@pytest.mark.parametrize(
    "said", ["FYI", "jw.", "Dzień dobry,", "Przesyłam do wiadomości.\n\nPozdrawiam\nAnna\nDział zakupów"]
)
def test_who_forwards_with_a_word_says_what_he_forwards(said: str, subject: str) -> None:
    def of(said: str, subject: str) -> str:
        head = f"From: a@example.org\nSubject: {subject}\nContent-Type: text/plain; charset=utf-8\n\n"
        return email.read(f"{head}{said}\n\n{OUTLOOK['pl']}\n\nPaczka zwrócona.".encode()).written

    assert of(said, subject).endswith("Paczka zwrócona.")
    assert of(said, "RE: FW: Zwrot") == said
    told = "Dzień dobry,\nkurier zwrócił paczkę, proszę o ponowną wysyłkę na adres Długa 5."
    assert of(told, subject) == told


@pytest.mark.parametrize("number", ["4711", "2 kubki", "23.11.2026 10:00", "Am Montag um 10:00"])
def test_a_number_above_an_introduction_is_an_answer(number: str) -> None:
    for between in ("\n\n", "\n", "\n\nSent from my phone\n"):
        for introduction in (
            "Am 23.11.2026 um 10:02 schrieb Hilfe\n<help@example.com>:",
            "W dniu 23.11.2026 o 10:02 użytkownik Pomoc\n<help@example.com> napisał:",
            "Pomoc <help@example.com> 23 lis 2026 10:02 napisał(a):",
        ):
            assert written(f"{number}{between}{introduction}\n\nold words").split("\n")[0] == number


def test_who_forwards_with_a_signature_alone_forwards_what_apple_marks() -> None:
    text = (
        "Pozdrawiam\nAnna\n\n> Początek przekazywanej wiadomości:\n>\n> Od: Kurier <k@example.net>\n>\n> Zwrot paczki."
    )
    assert written(text) == text
    assert written(text, answers=True) == "Pozdrawiam\nAnna"


@pytest.mark.parametrize(
    "introduction",
    [
        "23 ноября 2026 г., 10:02:11:\n\n> old words",
        '>>> "Hilfe" <help@example.com> 23.11.2026 10:02 >>>\nold words',
    ],
)
def test_introductions_of_the_bat_and_groupwise(introduction: str) -> None:
    assert written(f"{ASKS}\n\n{introduction}") == ASKS


@pytest.mark.parametrize(
    "notice",
    [
        "DISCLAIMER:\n\nThe contents of this email are confidential and intended for the recipient only.",
        "KLAUZULA POUFNOŚCI\n\nNiniejsza wiadomość zawiera informacje poufne, przeznaczone tylko dla adresata.",
        "This email is confidential and intended solely for the addressee.\n\nFirm Ltd. Registered in England No. 123.",
        "Diese E-Mail enthält vertrauliche Informationen und ist nur für den Empfänger bestimmt.\n\n"
        "Firma GmbH\nSitz der Gesellschaft: Berlin, HRB 1234",
        "Wysłano za pomocą bezpiecznej poczty e-mail Proton Mail.",
        "Gesendet mit der sicheren E-Mail von Proton Mail.",
        "<https://www.avast.com/sig-email?utm_medium=email&utm_content=webmail>\nVirus-free.www.avast.com\n"
        "<#DAB4FAD8-2DD7-40BB-A1B8-4E2AA1F9FDF2>",
    ],
)
def test_headings_and_companies_around_a_notice_are_cut_with_it(notice: str) -> None:
    assert written(f"{ASKS}\n\nAnna\n\n{notice}") == f"{ASKS}\n\nAnna"


def test_a_company_without_a_notice_is_what_the_letter_is_about() -> None:
    letter = "Rechnung bitte an:\n\nFirma GmbH\nAmtsgericht Berlin HRB 1234"
    assert written(letter) == letter
