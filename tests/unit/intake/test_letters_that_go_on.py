"""Dashes, fields and dates inside a letter end nothing; what programs and lawyers put below it is no word of it."""

import pytest

from chalicelib.intake.written import written

ASKS = "Dzień dobry,\n\nproszę o zwrot pieniędzy."

ON = [
    "druga sprawa: faktura ma złą kwotę, proszę o korektę, bo inaczej\nksięgowość jej nie przyjmie.",
    "Und noch etwas: Die Rechnung ist falsch, bitte schicken Sie eine neue.",
    "Второй вопрос: в счёте неверная сумма, пришлите, пожалуйста, новый.",
    "Друге питання: у рахунку неправильна сума, надішліть, будь ласка, новий.",
    "The second matter: can you please send the invoice to my new address?",
    "And where is the invoice?",
]
SIGNATURES = [
    "Anna\nDział zakupów\ntel. 600 000 000",
    "Pozdrawiam serdecznie i życzę miłego dnia,\nAnna",
    "Anna | Kierownik Działu Zakupów | Firma Sp. z o.o. | tel. 600 000 000 | www.example.com",
    "This message and all of its attachments are confidential and intended for the addressee alone.",
    "Diese Nachricht wurde von meinem Android-Gerät mit K-9 Mail gesendet. Bitte verzeihen Sie die Kürze.",
    "This e-mail was sent from a contact form on Shop (https://example.com)",
    "Who reads this line to its end has too much time today.",
    "This mail was looked through for viruses\nby the mail server of the company.",
]
FORMS = [
    "Proszę o zmianę danych:\nImię: Anna\nAdres: Główna 5\nData: 4.03.2026\nTemat: zmiana\nDo: sklep\n\nDziękuję",
    "Meine Angaben:\nName: Anna\nDatum: 04.03.2026 10:12\nBetreff: Rechnung\nAn: Buchhaltung\n\nDanke",
]
TOLD = [
    "4 марта 2026 в 10:12 ваш менеджер Иван писал:\n«Ждите».\nЖду уже 3 недели.",
    "4 березня 2026 о 10:12 ваш менеджер Іван писав:\n«Чекайте».\nЧекаю вже 3 тижні.",
    "Dnia 4 marca 2026 o 10:12 wasz konsultant biuro@example.com napisał:\n„Proszę czekać”.\nCzekam 3 tygodnie.",
    "W dniu 4.03.2026 o 10:12 Państwa konsultant Jan napisał:\n„Proszę czekać”.\nCzekam 3 tygodnie.",
    "On 4 March 2026 at 10:12 your colleague Ben wrote:\n'Please wait'.\nI have been waiting for 3 weeks.",
]
NOTICES = [
    "Diese E-Mail enthält vertrauliche und/oder rechtlich geschützte Informationen. Wenn Sie nicht der richtige "
    "Adressat sind oder diese E-Mail irrtümlich erhalten haben, informieren Sie bitte sofort den Absender.",
    "Wichtiger Hinweis: Diese Nachricht ist vertraulich und nur für den Adressaten bestimmt.",
    "Bitte prüfen Sie der Umwelt zuliebe, ob der Ausdruck dieser Mail erforderlich ist.",
    "Informationen zur Verarbeitung Ihrer personenbezogenen Daten gemäß Art. 13 DSGVO stehen auf unserer Seite.",
    "Treść tej wiadomości zawiera informacje przeznaczone tylko dla adresata. Jeżeli nie jesteście Państwo jej "
    "adresatem, bądź otrzymaliście ją przez pomyłkę, prosimy o powiadomienie o tym nadawcy oraz jej usunięcie.",
    "Administratorem Państwa danych osobowych jest Firma sp. z o.o. Szczegóły w polityce prywatności.",
    "Informujemy, że administratorem danych osobowych jest Firma sp. z o.o. Dane są przetwarzane zgodnie z RODO.",
    "Klauzula informacyjna RODO dostępna jest na stronie https://example.com/rodo",
    "Настоящее электронное сообщение может содержать конфиденциальную информацию. Если вы получили данное сообщение "
    "по ошибке, удалите его.",
    "Пожалуйста, подумайте об окружающей среде, прежде чем распечатать это письмо.",
    "Дане повідомлення містить конфіденційну інформацію. Якщо ви отримали його помилково, повідомте відправника.",
    "Будь ласка, подумайте про довкілля, перш ніж друкувати цей лист.",
    "IMPORTANT: The contents of this email are confidential. They are intended for the named recipient(s) only.",
    "Privileged/confidential information may be contained in this message. Access to it by anyone other than the "
    "intended recipient is unauthorised.",
]
NO_NOTICES = [
    "Niniejszym odstępuję od umowy. Dane poufne przesłano innemu odbiorcy.",
    "Uwaga: paczka poufna, tylko dla adresata do rąk własnych!",
    "Hinweis: Das Paket ist vertraulich und nur für den Empfänger bestimmt.",
    "Note: this information is confidential, leave the parcel with the addressee only.",
    "Внимание: посылка конфиденциальная, только для получателя!",
    "Якщо ви не можете доставити, поверніть гроші: вміст конфіденційний, отримувач чекає.",
    "Virus-free is what you promised, but the file had a virus.",
    "Administratorem konta jest żona, proszę o zmianę hasła.",
    "Informujemy, że administratorem budynku jest już inna firma. Prosimy o fakturę na nią.",
    "Klauzula informacyjna RODO w umowie ma zły adres, proszę o korektę.",
    "Bitte prüfen Sie, ob die Rechnung stimmt und ob der Drucker noch Garantie hat.",
    "Zanim wydrukujesz etykietę, proszę o poprawienie adresu.",
    "Прежде чем печатать счёт, исправьте адрес.",
    "Перш ніж друкувати рахунок, виправте адресу.",
    "Informationen zur Verarbeitung der Retoure fehlen. Wann kommt das Geld?",
    "If you received my message by mistake, delete it and send me a confidential answer.",
    "Если вы получили мою посылку по ошибке, верните деньги.",
    "Важно: информация о заказе, полученная по ошибке, лежит у соседа.",
]


@pytest.mark.parametrize("more", ON)
@pytest.mark.parametrize("mark", ["--", "—", "-- "])
def test_a_letter_goes_on_below_two_dashes(mark: str, more: str) -> None:
    letter = f"{ASKS}\n\n{mark}\n\n{more}\n\nAnna"
    assert written(letter) == letter
    assert written(f"{letter}\n\n-- \nAnna\ntel. 600 000 000") == letter


@pytest.mark.parametrize("signature", SIGNATURES)
@pytest.mark.parametrize("mark", ["--", "—", "-- "])
def test_a_signature_is_none_of_it(mark: str, signature: str) -> None:
    assert written(f"{ASKS}\n\n{mark}\n{signature}") == ASKS


@pytest.mark.parametrize("form", FORMS)
def test_fields_of_a_letter_are_no_mails(form: str) -> None:
    assert written(form) == form


@pytest.mark.parametrize("told", TOLD)
def test_what_somebody_of_the_reader_wrote_is_told(told: str) -> None:
    assert written(f"{ASKS}\n\n{told}") == f"{ASKS}\n\n{told}"


@pytest.mark.parametrize(
    "introduction",
    [
        '----------------\nКому: Анна (anna@example.org);\nТема: Заказ 123;\n04.03.2026, 10:12, "Помощь" '
        "<help@example.com>:",
        "W Twoim liście datowanym 4 marca 2026 (10:12:33) można przeczytać:",
    ],
)
def test_introductions_of_yandex_and_the_bat(introduction: str) -> None:
    assert written(f"{ASKS}\n\n{introduction}\n\n> old words") == ASKS
    assert written(f"{introduction}\n\n> old words\n\n{ASKS}").endswith(ASKS)


@pytest.mark.parametrize("notice", NOTICES)
def test_notices_of_law_and_environment_are_cut(notice: str) -> None:
    assert written(f"{ASKS}\n\nAnna\n\n{notice}") == f"{ASKS}\n\nAnna"


@pytest.mark.parametrize("last", NO_NOTICES)
def test_a_last_sentence_like_a_notice_is_kept(last: str) -> None:
    assert written(f"{ASKS}\n\n{last}") == f"{ASKS}\n\n{last}"


@pytest.mark.parametrize(
    "line",
    [
        "Wysłane z komórki",
        "Gesendet mit der Telekom Mail App",
        "Mobil gesendet",
        "Von unterwegs gesendet",
        "Отправлено с Realme",
        "Sent on the go",
    ],
)
def test_devices_that_sign(line: str) -> None:
    assert written(f"{ASKS}\n\n{line}") == ASKS


@pytest.mark.parametrize(
    "last",
    [
        "Wysłane przez kuriera telefony nie działają.",
        "Von meinem Handy aus kann ich mich nicht anmelden, keine Mail wird gesendet.",
        "Отправлено с вашего склада два телефона, пришёл только один.",
        "Надіслано з вашого складу два телефони, прийшов лише один.",
        "Sent from your warehouse were two phones, only one came.",
        "This email was checked by my lawyer, so answer by Friday.",
        "Get Outlook to work with your server, please.",
    ],
)
def test_who_writes_of_devices_does_not_sign_with_one(last: str) -> None:
    assert written(f"{ASKS}\n\n{last}") == f"{ASKS}\n\n{last}"


def test_questions_below_a_rule_are_no_signature() -> None:
    letter = f"{ASKS}\n\n____________\nMoje pytania:\n1. Gdzie jest?\n2. Kiedy przyjdzie?\n\nAnna"
    assert written(letter) == letter
    assert written(f"{ASKS}\n\n____________\nAnna\ntel. 600 000 000") == ASKS
