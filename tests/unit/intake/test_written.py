"""What the sender wrote now, told from what stood there before."""

import time

import pytest

from chalicelib.intake import email
from chalicelib.intake.written import written

NEW = {
    "pl": "Dzień dobry,\n\nnadal nie mam faktury.\n\nPozdrawiam\nAnna",
    "de": "Guten Tag,\n\ndie Rechnung fehlt noch immer.\n\nMit freundlichen Grüßen\nAnna",
    "ru": "Здравствуйте,\n\nсчёта всё ещё нет.\n\nС уважением\nАнна",
    "uk": "Добрий день,\n\nрахунку досі немає.\n\nЗ повагою\nАнна",
    "en": "Hello,\n\nthe invoice is still missing.\n\nKind regards\nAnna",
}
LANGUAGES = list(NEW)
# Each as the program writes it, wrapped where it wraps.
INTRODUCTIONS = {
    "pl": [
        "W dniu 02.11.2026 o 10:00, Pomoc pisze:",
        "pon., 2 lis 2026 o 10:00 Pomoc <pomoc@example.com> napisał(a):",
        "pon., 2 lis 2026 o 10:00 Pomoc działu obsługi klienta\n<pomoc@example.com> napisał(a):",
        "W dniu 2026-11-02 10:00, Pomoc napisał(a):",
        "W dniu 2026-11-02 o 10:00:13 użytkownik Pomoc <pomoc@example.com> napisał:",
        "Dnia 2 listopada 2026 10:00 Pomoc <pomoc@example.com> napisał(a):",
        'Dnia 2026-11-02, o godz. 10:00:13\n"Pomoc, dział zwrotów" <pomoc@example.com> napisał(a):',
        "Wiadomość napisana przez Pomoc <pomoc@example.com> w dniu 2 lis 2026, o godz. 10:00:",
        "W dniu pon, 02.11.2026 o godzinie 10∶00 +0100, użytkownik Pomoc\nnapisał:",
        "W dniu poniedziałek, 2 listopada 2026 10:00:00 CET Pomoc pisze:",
        "Pomoc <pomoc@example.com> napisał(a) w dniu 02.11.2026 10:00:",
        "2 listopada 2026 10:00 Pomoc <pomoc@example.com> napisała:",
        "Cytowanie Pomoc <pomoc@example.com>:",
        "---- W dniu pon., 02 lis 2026 10:00:13 +0100 Pomoc <pomoc@example.com> napisał(a) ----",
        "02.11.2026 10:00, Pomoc <pomoc@example.com>:",
    ],
    "de": [
        "Am 02.11.2026 um 10:00 schrieb Hilfe:",
        "Am Mo., 2. Nov. 2026 um 10:00 Uhr schrieb Hilfe\n<hilfe@example.com>:",
        "Am 2. November 2026 10:00:13 MEZ schrieb Hilfe <hilfe@example.com>:",
        "Am 2026-11-02 10:00, schrieb Hilfe:",
        "Am Montag, 2. November 2026 um 10:00:13 MEZ hat Hilfe <hilfe@example.com> Folgendes geschrieben:",
        "Hilfe <hilfe@example.com> schrieb am Mo., 2. Nov. 2026, 10:00:",
        "Zitat von Hilfe <hilfe@example.com>:",
        'Am Montag, den 02.11.2026, 10:00 +0100 schrieb "Hilfe, Team 2"\n<hilfe@example.com>:',
        "Am 02.11.26 um 10:00 schrieb Hilfe via Kundendienst der Firma mit dem\nlangen Namen und der Abteilung für\n"
        "Rückgaben:",
    ],
    "ru": [
        "2 ноября 2026 г., 10:00, Помощь пишет:",
        "пн, 2 нояб. 2026 г. в 10:00, Помощь <help@example.com>:",
        "2 ноября 2026 г., в 10:00, Помощь <help@example.com> написал(а):",
        "02.11.2026 10:00, Помощь пишет:",
        "Понедельник, 2 ноября 2026, 10:00 +03:00 от Помощь <help@example.com>:",
        '02.11.2026, 10:00, "Помощь" <help@example.com>:',
        "Помощь писал 2026-11-02 10:00:",
        "В письме от 2 ноября 2026 10:00:13 пользователь Помощь написал:",
        "В Пн, 02/11/2026 в 10:00 +0300, Помощь пишет:",
        "пн, 2 нояб. 2026 г. в 10:00, Помощь отдела возвратов\n<help@example.com>:",
        "Помощь <help@example.com> писал(а) в своём письме Mon, 02 Nov 2026 10:00:13 +0300:",
    ],
    "uk": [
        "2 листопада 2026 р. о 10:00 Допомога пише:",
        "пн, 2 лист. 2026 р. о 10:00 Допомога <help@example.com> пише:",
        "2 листопада 2026, 10:00:13, від Допомога <help@example.com>:",
        "02.11.2026 10:00, Допомога пише:",
        "Допомога писав 2026-11-02 10:00:",
        "2 лист. 2026 р. о 10:00 Допомога <help@example.com> написав(-ла):",
        "У пн, 02/11/2026 у 10:00 +0200, Допомога пише:",
        "пн, 2 лист. 2026 р. о 10:00 Допомога відділу повернень\n<help@example.com> пише:",
    ],
    "en": [
        "On Mon, 2 Nov 2026 at 10:00, Help <help@example.com> wrote:",
        "On Mon, 2 Nov 2026 at 10:00, Help <\nhelp@example.com> wrote:",
        "On 11/2/26 10:00 AM, Help wrote:",
        "On 2026-11-02 10:00, Help wrote:",
        "On Monday, November 2, 2026 at 10:00:00 AM GMT+1, Help <help@example.com> wrote:",
        "On Monday, 2 November 2026 10:00:13 CET Help wrote:",
        "On Monday, November 2nd, 2026 at 10:00, help@example.com <help@example.com> wrote:",
        "On Nov 2, 2026, at 10:00 AM, Help & Returns, Second Floor <help@example.com>\nwrote:",
        "---- On Mon, 02 Nov 2026 10:00:13 +0100 Help <help@example.com> wrote ----",
        "--- On Mon, 11/2/26, Help <help@example.com> wrote:",
        "Quoting Help <help@example.com>:",
        '"Help" <help@example.com> writes:',
        "Help <help@example.com> wrote in message <abc123@example.com>:",
        "2026-11-02 10:00 GMT+01:00 Help <help@example.com>:",
        "Help <help@example.com>\n2 November 2026 at 10:00",
        "At 2026-11-02 10:00:00, \"Help\" <help@example.com> wrote:",
        "On 2 Nov 2026 10:00, Help <help@example.com> wrote:\n",
        "On Mon, Nov 2, 2026 at 10:00 AM\n\nHelp <help@example.com> wrote:",
        "*On Mon, 2 Nov 2026 at 10:00, Help <help@example.com> wrote:*",
        "On Mon, 2 Nov 2026 at 10:00, Help [mailto:help@example.com] wrote:",
    ],
}  # fmt: skip
ELSEWHERE = [
    "Le lun. 2 nov. 2026 à 10:00, Aide <help@example.com> a écrit :",
    "Le 02/11/2026 à 10:00, Aide a écrit :",
    "El lun, 2 nov 2026 a las 10:00, Ayuda (<help@example.com>) escribió:",
    "Il giorno lun 2 nov 2026 alle ore 10:00 Aiuto <help@example.com>\nha scritto:",
    "Op ma 2 nov 2026 om 10:00 schreef Hulp <help@example.com>:",
    "Op ma 2 nov. 2026 om 10:00 schreef Hulp <help@example.com>",
    "Op 2 nov. 2026 om 10:00 heeft Hulp <help@example.com> het volgende geschreven:",
    "Em seg., 2 de nov. de 2026 às 10:00, Ajuda <help@example.com> escreveu:",
    "No dia 2/11/2026, às 10:00, Ajuda <help@example.com> escreveu:",
    "Den mån 2 nov. 2026 kl 10:00 skrev Hjälp <help@example.com>:",
    "man. 2. nov. 2026 kl. 10:00 skrev Hjelp <help@example.com>:",
    "Den 2. nov. 2026 kl. 10.00 skrev Hjælp <help@example.com>:",
    "tir. 3. nov. 2026 kl. 10:00 skrev Hjelp <help@example.com\n>:",
    "Apu <help@example.com> kirjoitti 2.11.2026 kello 10.00:",
    "ma 2. marrask. 2026 klo 10.00 Apu (help@example.com) kirjoitti:",
    "po 2. 11. 2026 v 10:00 odesílatel Pomoc <help@example.com> napsal:",
    "po 2. 11. 2026 o 10:00 Pomoc <help@example.com> napísal(a):",
    "Pomoć <help@example.com> je napisao 2.11.2026. u 10:00:",
    "Segítség <help@example.com> ezt írta (időpont: 2026. nov. 2., H, 10:00):",
    "În lun., 2 nov. 2026 la 10:00, Ajutor <help@example.com> a scris:",
    "Yardım <help@example.com>, 2 Kas 2026 Pzt, 10:00 tarihinde şunu yazdı:",
    "Στις Δευ 2 Νοε 2026 στις 10:00 π.μ., ο χρήστης Help <help@example.com> έγραψε:",
    "На пн, 2.11.2026 г. в 10:00 Помощ <help@example.com> написа:",
    "2026年11月2日(月) 10:00 Help <help@example.com>:",
    "2026/11/02 10:00、Help <help@example.com>のメール:",
    "Help <help@example.com> 于2026年11月2日周一 10:00写道：",
    "在 2026年11月2日，10:00，Help <help@example.com> 写道：",
    "2026年11月2日 (月) 10:00 Help <help@example.com> 寫道：",
    "2026년 11월 2일 (월) 오전 10:00, Help <help@example.com>님이 작성:",
    "Vào Th 2, 2 thg 11, 2026 vào lúc 10:00 Help <help@example.com> đã viết:",
]
QUOTES = {
    "marked": "> old words\n> more\n",
    "marked after a blank": "\n> old words\n\n> more",
    "unmarked": "old words\nmore",
    "unmarked after a blank": "\n\nold words\n\nmore",
}
BLOCKS = {
    "pl": [
        "Od: Pomoc <pomoc@example.com>\nWysłano: 2 listopada 2026\nDo: Anna\nTemat: Faktura",
        "Od: Pomoc <pomoc@example.com>\nData: 2 listopada 2026 10:00\nDo: Anna\nDW: Biuro\nTemat: Faktura",
        'Od: "Pomoc" <pomoc@example.com>\nDo: "Anna" <anna@example.org>;\nWysłane: 10:00 Poniedziałek 2026-11-02\n'
        "Temat: Faktura",
        "*Od:* Pomoc\n*Data wysłania:* poniedziałek, 2 listopada 2026 10:00\n*Do:* Anna\n*Temat:* Faktura",
        "Nadawca: Pomoc <pomoc@example.com>\nData: 2 listopada 2026\nTemat: Faktura\nAdresat: Anna",
    ],
    "de": [
        "Von: Hilfe <hilfe@example.com>\nGesendet: Montag, 2. November 2026\nAn: Anna\nBetreff: Rechnung",
        "Von: Hilfe <hilfe@example.com>\nDatum: 2. November 2026 um 10:00:13\nAn: Anna\nKopie: B\nBetreff: Rechnung",
        "Gesendet: Montag, 02. November 2026 um 10:00 Uhr\nVon: Hilfe <hilfe@example.com>\nAn: Anna\nBetreff: Rechnung",
        "Betreff: Rechnung\nDatum: 2026-11-02T10:00:13+0100\nVon: Hilfe <hilfe@example.com>\nAn: Anna",
    ],
    "ru": [
        "От: Помощь <help@example.com>\nОтправлено: 2 ноября 2026\nКому: Анна\nТема: Счёт",
        "От кого: Помощь <help@example.com>\nКому: Анна\nДата: Понедельник, 2 ноября 2026, 10:00 +03:00\nТема: Счёт",
        "Тема: Счёт\nДата: 02.11.2026 10:00\nОт: Помощь <help@example.com>\nКому: Анна\nКопия: Бюро",
    ],
    "uk": [
        "Від: Допомога <help@example.com>\nНадіслано: 2 листопада 2026\nКому: Анна\nТема: Рахунок",
        "Від кого: Допомога <help@example.com>\nДата: 2 листопада 2026, 10:00\nКому: Анна\nТема: Рахунок",
        "Від: Допомога <help@example.com>\nДата: понеділок, 2 листопада 2026 р. о 10:00\nКому: Анна\nКопія: Бюро\n"
        "Тема: Рахунок",
    ],
    "en": [
        "*From:* Help <help@example.com>\n*Sent:* Monday\n*To:* Anna\n*Subject:* Invoice",
        "From: Help [mailto:help@example.com]\nSent: November 02, 2026 10:00 AM\nTo: 'Anna'\nSubject: RE: Invoice",
        "From:\tHelp\nTo:\tAnna\nDate:\t11/02/2026 10:00 AM\nSubject:\tRe: Invoice",
        "From: Help [mailto:help@example.com] Sent: Monday, November 02, 2026 10:00 AM To: Anna Subject: Invoice",
        "From: help@example.com\nTo: anna@example.org\nSubject: Invoice\nDate: Mon, 2 Nov 2026 10:00:13 +0000",
        "To: anna@example.org\nFrom: help@example.com\nDate: Mon, 2 Nov 2026 10:00:13 +0000\nSubject: Invoice",
    ],
}  # fmt: skip
BLOCKS_ELSEWHERE = [
    "De : Aide <help@example.com>\nEnvoyé : lundi 2 novembre 2026 10:00\nÀ : Anna\nObjet : Facture",
    "De: Ayuda <help@example.com>\nEnviado el: lunes, 2 de noviembre de 2026 10:00\nPara: Anna\nAsunto: Factura",
    "Da: Aiuto <help@example.com>\nInviato: lunedì 2 novembre 2026 10:00\nA: Anna\nOggetto: Fattura",
    "De: Ajuda <help@example.com>\nEnviada em: segunda-feira, 2 de novembro de 2026 10:00\nPara: Anna\nAssunto: Fatura",
    "Van: Hulp <help@example.com>\nVerzonden: maandag 2 november 2026 10:00\nAan: Anna\nOnderwerp: Factuur",
    "Från: Hjälp <help@example.com>\nSkickat: den 2 november 2026 10:00\nTill: Anna\nÄmne: Faktura",
    "Fra: Hjælp <help@example.com>\nSendt: 2. november 2026 10:00\nTil: Anna\nEmne: Faktura",
    "Lähettäjä: Apu <help@example.com>\nLähetetty: 2. marraskuuta 2026 10.00\nVastaanottaja: Anna\nAihe: Lasku",
    "Od: Pomoc <help@example.com>\nOdesláno: pondělí 2. listopadu 2026 10:00\nKomu: Anna\nPředmět: Faktura",
    "Feladó: Segítség <help@example.com>\nElküldve: 2026. november 2., hétfő 10:00\nCímzett: Anna\nTárgy: Számla",
    "Kimden: Yardım <help@example.com>\nGönderildi: 2 Kasım 2026 Pazartesi 10:00\nKime: Anna\nKonu: Fatura",
    "差出人: Help <help@example.com>\n送信日時: 2026年11月2日 10:00\n宛先: Anna\n件名: 請求書",
    "发件人: Help <help@example.com>\n发送时间: 2026年11月2日 10:00\n收件人: Anna\n主题: 发票",
    "보낸 사람: Help <help@example.com>\n보낸 날짜: 2026년 11월 2일 10:00\n받는 사람: Anna\n제목: 청구서",
]
DIVIDERS = {
    "pl": [
        "-----Wiadomość oryginalna-----",
        "-------- Oryginalna wiadomość --------",
        "---------- Przekazana wiadomość ---------",
    ],
    "de": [
        "-----Ursprüngliche Nachricht-----",
        "-----Original-Nachricht-----",
        "---------- Weitergeleitete Nachricht ---------",
        "Anfang der weitergeleiteten Nachricht:",
        "----- Weitergeleitet von Hilfe am 02.11.2026 10:00 -----",
    ],
    "ru": [
        "-------- Исходное сообщение --------",
        "---------- Пересылаемое сообщение ---------",
        "-------- Пересланное сообщение --------",
        "Начало переадресованного сообщения:",
    ],
    "uk": [
        "-------- Оригінальне повідомлення --------",
        "--- Вихідне повідомлення ---",
        "---------- Переслане повідомлення ---------",
    ],
    "en": [
        "-----Original Message-----",
        "-------- Original message --------",
        "---------- Forwarded message ---------",
        "Begin forwarded message:",
        "***original message***",
        "----- Forwarded by Help on 02.11.2026 10:00 -----",
        "##- Please type your reply above this line -##",
        "_____________________________________________\nFrom: Help\nSent: Monday\nSubject: Invoice",
    ],
}
DIVIDERS_ELSEWHERE = [
    "-----Message d'origine-----", "-------- Mensaje original --------", "-----Messaggio originale-----",
    "-------- Mensagem original --------", "-----Oorspronkelijk bericht-----", "-----Ursprungligt meddelande-----",
    "-----Oprindelig meddelelse-----", "-----Opprinnelig melding-----", "-----Alkuperäinen viesti-----",
    "-----Původní zpráva-----", "-----Eredeti üzenet-----", "-----Orijinal İleti-----", "-----元のメッセージ-----",
    "------------------ 原始邮件 ------------------", "-----원본 메시지-----",
]  # fmt: skip


def cases(table: dict[str, list[str]]) -> list[tuple[str, str]]:
    return [(language, text) for language, texts in table.items() for text in texts]


@pytest.mark.parametrize("quote", QUOTES.values(), ids=QUOTES)
@pytest.mark.parametrize(("language", "introduction"), [*cases(INTRODUCTIONS), *(("en", one) for one in ELSEWHERE)])
def test_introduced_quotations_are_cut(language: str, introduction: str, quote: str) -> None:
    assert written(f"{NEW[language]}\n\n{introduction}\n{quote}") == NEW[language]


@pytest.mark.parametrize(("language", "introduction"), [*cases(INTRODUCTIONS), *(("en", one) for one in ELSEWHERE)])
def test_an_answer_below_the_quotation_is_kept(language: str, introduction: str) -> None:
    assert written(f"{introduction}\n> old words\n> more\n\n{NEW[language]}") == NEW[language]


@pytest.mark.parametrize("rule", ["", "________________________________\n", "---\n", "-----Original Message-----\n"])
@pytest.mark.parametrize(("language", "block"), [*cases(BLOCKS), *(("en", one) for one in BLOCKS_ELSEWHERE)])
def test_header_blocks_are_cut(language: str, block: str, rule: str) -> None:
    assert written(f"{NEW[language]}\n\n{rule}{block}\n\nold words\n") == NEW[language]


@pytest.mark.parametrize(("language", "divider"), [*cases(DIVIDERS), *(("en", one) for one in DIVIDERS_ELSEWHERE)])
def test_dividers_are_cut(language: str, divider: str) -> None:
    assert written(f"{NEW[language]}\n\n{divider}\nold words\n") == NEW[language]


def test_a_divider_without_dashes_stands_above_a_header() -> None:
    new = "Nothing came.\n\nAnna"
    assert written(f"{new}\n\n  Original Message  \nFrom: help@example.com\nSent: Monday\nSubject: x\n\nold") == new
    assert written(f"{new}\n\nOriginal Message\nwas the title of the film.").endswith("film.")


@pytest.mark.parametrize("mark", ["-- ", "--", "—", "__", "_______________"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_signatures_are_cut(language: str, mark: str) -> None:
    assert written(f"{NEW[language]}\n{mark}\nAnna Customer\ntel. 600 000 000\n") == NEW[language]


DEVICES = [
    "Sent from my iPhone", "Sent from Yahoo Mail for iPhone", "Sent from Outlook for Android",
    "Sent from my Galaxy", "Sent via the Samsung Galaxy S24, an AT&T 5G smartphone", "Sent from my mobile device",
    "Sent from Mail for Windows", "Sent with Proton Mail secure email.", "(sent from a phone)", "<<sent by galaxy>>",
    "Get Outlook for Android<https://example.com>", "Get Outlook for iOS", "Sent from TypeApp<http://example.com/r>",
    "Sent from my Android device with K-9 Mail. Please excuse my brevity.",
    "Wysłane z iPhone'a", "Wysłano z telefonu", "Wysłano z iPada", "Wysłane z urządzenia Galaxy",
    "Wysłano z mojego telefonu", "Wysłane z aplikacji mobilnej", "Wysłane z Poczty Windows",
    "Pobierz aplikację Outlook dla systemu iOS", "Wysłano za pomocą programu Outlook",
    "Wysłane z urządzenia Android przy użyciu K-9 Mail. Proszę wybaczyć moją zwięzłość.",
    "Von meinem iPhone gesendet", "Von meinem Samsung Galaxy Smartphone gesendet.", "Gesendet mit Outlook",
    "Gesendet von Outlook für Android<https://example.com>", "Gesendet von meinem Handy", "Von unterwegs gesendet",
    "Gesendet mit der WEB.DE Mail App", "Gesendet mit der GMX Mail App", "Gesendet über die t-online.de App",
    "Diese Nachricht wurde von meinem Android-Gerät mit K-9 Mail gesendet.", "Holen Sie sich Outlook für iOS",
    "Отправлено с iPhone", "Отправлено с моего iPhone", "Отправлено из мобильной Почты Mail.ru",
    "Отправлено из Яндекс Почты для мобильных", "Отправлено из Outlook для Android", "Скачать Outlook для iOS",
    "Отправлено с устройства Samsung", "Отправлено с Samsung Galaxy", "Отправлено через приложение",
    "Надіслано з iPhone", "Надіслано з мобільного пристрою", "Відправлено з телефону", "Отримати Outlook для Android",
    "Надіслано із Samsung Galaxy", "Envoyé de mon iPhone", "Envoyé depuis mon mobile", "Enviado desde mi iPhone",
    "Enviado do meu iPhone", "Inviato da iPhone", "Inviato dal mio dispositivo Samsung", "Verstuurd vanaf mijn iPhone",
    "Verzonden vanuit Outlook", "Skickat från min iPhone", "Sendt fra min iPhone", "Lähetetty iPhonesta",
    "Odesláno z iPhonu", "iPhone'umdan gönderildi", "iPhoneから送信", "发自我的 iPhone", "從我的 iPhone 傳送",
    "나의 iPhone에서 보냄", "Virus-free. www.example.com", "Wolny od wirusów. www.example.com", "_____________", "ᐧ",
]  # fmt: skip


@pytest.mark.parametrize("line", DEVICES)
def test_signatures_of_devices_are_cut(line: str) -> None:
    assert written(f"Proszę o kontakt.\n\n{line}") == "Proszę o kontakt."


def test_what_stands_below_a_device_that_signed_is_cut() -> None:
    assert written("Nothing came.\n\nSent from my iPhone\n\nDear customer,\nwe sent it.") == "Nothing came."


def test_answers_between_quotations_are_kept_below_a_signature() -> None:
    asked = "On Mon, 2 Nov 2026 at 10:00, Help <h@example.com> wrote:\n> Which order?\n\nNumber 7.\n\n> Which street?"
    for signature in ("-- \nAnna\ntel. 600 000 000", "Sent from my iPhone"):
        assert written(f"See below.\n\n{signature}\n\n{asked}\n").split() == ["See", "below.", "Number", "7."]


NOTICES = [
    "This e-mail and any attachments are confidential and intended solely for the addressee.\nIf you received it in "
    "error, delete it.",
    "CONFIDENTIALITY NOTICE: what stands here is privileged and meant for the intended recipient alone.",
    "Treść tej wiadomości jest poufna i przeznaczona wyłącznie dla adresata. Jeżeli nie jesteś adresatem, usuń ją.",
    "Niniejsza wiadomość zawiera informacje poufne, przeznaczone tylko dla jej odbiorcy.",
    "Diese E-Mail enthält vertrauliche Informationen und ist nur für den Empfänger bestimmt.",
    "Der Inhalt dieser Nachricht ist vertraulich. Wer nicht der Empfänger ist, lösche sie bitte.",
    "Это сообщение содержит конфиденциальные сведения и предназначено только адресату.",
    "Данное письмо конфиденциально; если вы не являетесь его получателем, удалите его.",
    "Це повідомлення містить конфіденційні відомості й призначене лише адресатові.",
    "Ce message est confidentiel et destiné à son seul destinataire.",
    "Este mensaje es confidencial y va dirigido solo a su destinatario.",
    "Please consider the environment before printing this mail.",
    "Pomyśl o środowisku, zanim wydrukujesz tę wiadomość.",
]


@pytest.mark.parametrize("notice", NOTICES)
def test_legal_notices_at_the_end_are_cut(notice: str) -> None:
    assert written(f"Hello,\n\nwhere is my parcel?\n\nAnna\n\n{notice}\n") == "Hello,\n\nwhere is my parcel?\n\nAnna"
    assert written(notice) == notice


def test_answers_between_and_below_quotations_are_kept() -> None:
    asked = "On Mon, 2 Nov 2026 at 10:00, Help <h@example.com> wrote:\n> Which order?\n\n"
    assert written(f"{asked}Number 7.\n\n> Which street?\n\nLong Street.") == "Number 7.\n\n\nLong Street."
    assert written(
        f"{asked}Number 7.\n> Which street?\nLong Street.\n> And the city?\nit is Warsaw\n> Thanks"
    ).split() == ["Number", "7.", "Long", "Street.", "it", "is", "Warsaw"]


@pytest.mark.parametrize("mark", [">", ">>", "> > ", "AK>", " AK> ", "Аня>", "＞"])
def test_marks_of_quotation(mark: str) -> None:
    assert written(f"Number 7.\n\n{mark} Which order?\n{mark} We must know.\n") == "Number 7."


def test_bars_quote_below_an_introduction_only() -> None:
    table = "| item | price |\n| pen  | 3     |"
    assert written(f"The order:\n\n{table}") == f"The order:\n\n{table}"
    assert written("Fine.\n\n2026/11/2 Help <help@example.com>\n\n| old words\n|\n| more\n") == "Fine."


def test_the_rest_of_a_wrapped_quoted_line_is_quoted() -> None:
    long = "> We have asked the warehouse about the parcel that you have been missing since"
    assert written(f"Thanks.\n\n{long}\nlast Monday\n> and shall write again.\n") == "Thanks."
    assert written(f"Thanks.\n\n{long} May.\nno\n> and shall write again.\n") == "Thanks.\n\nno"


def test_a_sentence_that_begins_with_from_is_no_quotation() -> None:
    assert written("Hello,\n>From Monday on I am away.\nAnna") == "Hello,\n>From Monday on I am away.\nAnna"


FORWARDED = [
    "---------- Forwarded message ---------\nFrom: a@example.org\nSubject: x\nTo: y\n\nOn 2 Nov 2026, b@c.de wrote:\n"
    "> words of others\n\n-- \nsignature of others",
    "Begin forwarded message:\n\nFrom: a@example.org\nSubject: x\n\nforwarded words",
    "---------- Treść przekazanej wiadomości ---------\nOd: a@example.org\nTemat: x\n\nsłowa",
    "---------- Пересылаемое сообщение ---------\nОт: a@example.org\nТема: x\n\nслова",
]


@pytest.mark.parametrize("mail", FORWARDED)
@pytest.mark.parametrize("above", ["", "\n\n", "-- \nAnna Customer\n\n"])
def test_what_is_only_forwarded_stays_whole(mail: str, above: str) -> None:
    assert written(above + mail) == (above + mail).strip()
    assert written(f"Please see below.\n\n{mail}") == "Please see below."


@pytest.mark.parametrize(
    "text",
    [
        "> everything is quoted\n> here",
        "-----Original Message-----\nFrom: a@example.org\nSubject: x\nTo: y\n\nforwarded words",
        "Sent from my iPhone",
        "-- \nonly a signature",
        "________",
        "On Mon, 2 Nov 2026 at 10:00, Help <h@example.com> wrote:\n> x",
        "*\x0b*",
        "a word\n(\x1c)",
    ],
)
def test_never_empty(text: str) -> None:
    assert written(text).strip()


@pytest.mark.parametrize(
    "text",
    [
        "Am 3. Mai schrieb ich Ihnen:\nBitte stornieren Sie die Bestellung 4711.",
        "Guten Tag,\nam 3. Mai schrieb ich Ihnen folgendes:\nBitte stornieren Sie die Bestellung.",
        "Am 3.5.2026 um 10:00 schrieb ich an hilfe@example.com:\nBitte stornieren Sie die Bestellung.",
        "On 3 May 2026 at 10:00 I wrote to help@example.com:\nPlease cancel the order.",
        "W dniu 3 maja Państwo pisali:\nPaczka jest w drodze.\nNie ma jej.",
        "2 мая 2026 г. в 10:00 я писал:\nОтмените заказ.",
        "Please book the journey:\nFrom: Berlin\nTo: Paris\nDate: 3 May\nTwo people.",
        "Proszę o bilet:\nOd: Warszawa\nDo: Kraków\nData: 3 maja\nDwie osoby.",
        "A form was filled in:\nFrom: anna@example.org\nDate: 3 May 2026 10:00\nSubject: Order\nPhone: 600 000\n"
        "Message: where is it?",
        "I paid 50 zł.\nThe letter said: wait.\nNothing came.",
        "Sent via DHL on Monday",
        "Sent from my office by courier on 3 May, nothing came since.\nWhat now?",
        "Wysłałem paczkę we wtorek.\n\nWysłane z Polski do Niemiec kurierem, numer 600000.\nGdzie ona jest?",
        "Отправлено с почты России 3 мая.\nГде посылка?",
        "Od poniedziałku nic nie działa:\nani strona, ani aplikacja.",
        "Pros -- and cons -- of this offer?",
        "First part.\n______\nThe second part speaks about the invoice that I have not seen yet.",
        "This message is confidential: my password was stolen.",
        "Diese E-Mail ist wichtig.\n\nDer Vertrag ist vertraulich zu behandeln.",
        "Original message lost, please send it again.",
        "Original message: order 4711 never came.",
        "Forwarded by you to the wrong department, as it seems.",
        "The price is > 100 zł and < 200 zł.",
        "A 3 > 2\nB 2 > 1",
        "Data: 3 maja\nTemat: faktura\nProszę o odpowiedź.",
        "Subject: nothing works\nDate: 3 May\nI need help.",
        "I said on the phone at 10:00: cancel it.\nNobody did.",
        "Napisałem 3 maja o 10:00: proszę anulować.\nCisza.",
        "I have 3 questions\nabout what is written here:\nfirst, the price.",
    ],
)
def test_what_only_looks_like_a_quotation_stays(text: str) -> None:
    assert written(f"Hello,\n{text}") == f"Hello,\n{text}"
    assert written(f"Hello,\n\n{text}") == f"Hello,\n\n{text}"


def test_the_line_above_an_introduction_is_not_swallowed() -> None:
    introduction = "Help <help@example.com> wrote on 2 Nov 2026 10:00:\n> Which?"
    assert written(f"Order 4711, of 1 Nov 2026\n{introduction}") == "Order 4711, of 1 Nov 2026"
    assert written(f"My address is <anna@example.org>\n{introduction}") == "My address is <anna@example.org>"


def test_blank_text_stays_blank() -> None:
    assert written("") == ""
    assert written(" \n\n") == ""


HOSTILE = {
    "blanks": " ", "tabs": "\t", "lines": "\n", "blank lines": " \n", "marks": ">", "marked lines": ">\n",
    "dashes": "-", "signatures": "x\n-- \n", "rules": "__\n", "worded rules": "x\n__\n",
    "devices": "x\n\nSent from my iPhone\n", "half devices": "\n\nSent from ", "colons": ":", "colon lines": "x:\n",
    "introductions": "On 1 schrieb wrote <a@b>, \n", "verbs": "wrote ",
    "verb lines": "2 wrote 10:00 wrote 10:00 wrote:\n", "openers": "On 2 Nov,\n", "addresses": "2 <a@b> ",
    "address lines": "A <a@b>\n", "blocks": "From: a\n", "fields": "From: a Sent: b ", "subjects": "Subject:\n\n",
    "dividers": "-----Original Message\n", "dividing lines": "---\n",
    "notices": "\n\nThis is confidential, recipient\n", "paragraph": "This is confidential intended\n",
    "initials": "AK> x\nx\n", "bars": "2 A <a@b>\n\n| x\n\n", "brackets": "<", "digits": "1", "words": "написал ",
    "pieces": "1\nwrote:\n", "postscripts": "-- \nx\n\nPS: x\n", "announced": "x:\n--\nx\n", "framed": ">>> 1:00 >>>\n",
    "runs": ">x\nFrom: a\n", "signed below": "--\n\nx\n\nMfG\n", "answering": "answers ich habe ",
}  # fmt: skip


@pytest.mark.parametrize("last", ["", "\n--\nx\n> x"])
@pytest.mark.parametrize("unit", HOSTILE.values(), ids=HOSTILE)
def test_hostile_texts_cost_their_length(unit: str, last: str) -> None:
    text = "x\n" + unit * (1_000_000 // len(unit)) + last
    begun = time.process_time()
    written(text)
    assert time.process_time() - begun < 2


OLD = "<p>old words</p><div>more old words</div>"
SENT = "On Mon, 2 Nov 2026 at 10:00, Help &lt;<a href='mailto:help@example.com'>help@example.com</a>&gt; wrote:"
FIELDS = (
    "<b>From:</b> Help &lt;help@example.com&gt;<br><b>Sent:</b> Monday, November 2, 2026 10:00 AM<br><b>To:</b> Anna"
    "<br><b>Subject:</b> Parcel"
)
PAGES = {
    "gmail": f'<div class="gmail_quote"><div class="gmail_attr">{SENT}<br></div><blockquote class="gmail_quote" '
    f'style="margin:0 0 0 .8ex;border-left:1px solid">{OLD}</blockquote></div>',
    "apple mail": f'<div><blockquote type="cite"><div>{SENT}</div><br><div>{OLD}</div></blockquote></div>',
    "thunderbird": f'<div class="moz-cite-prefix">On 11/2/26 10:00 AM, Help wrote:<br></div>'
    f'<blockquote type="cite" cite="mid:1@example.com">{OLD}</blockquote>',
    "outlook": '<div style="border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0cm 0cm 0cm"><p class="MsoNormal">'
    f"{FIELDS}</p></div><p class=MsoNormal>&nbsp;</p>{OLD}",
    "outlook on the web": f'<hr tabindex="-1"><div id="divRplyFwdMsg" dir="ltr"><font>{FIELDS}</font></div>{OLD}',
    "outlook with its name in the language": f'<div id="appendonsend"></div><hr><div>{FIELDS}</div>'.replace(
        "From", "Von"
    )
    .replace("Sent", "Gesendet")
    .replace("To:", "An:")
    .replace("Subject", "Betreff")
    + OLD,
    "yahoo": f'<div id="ydp1" class="yahoo_quoted"><div><div>{SENT}</div><div><br></div><div>{OLD}</div></div></div>',
    "proton": f'<div class="protonmail_quote">{SENT}<br><blockquote class="protonmail_quote" type="cite">{OLD}'
    "</blockquote></div>",
    "yandex": f"<div>02.11.2026, 10:00, \"Help\" &lt;help@example.com&gt;:</div><blockquote>{OLD}</blockquote>",
    "mail.ru": f'<br><blockquote style="border-left:1px">Понедельник, 2 ноября 2026, 10:00 +03:00 от Help '
    f"&lt;help@example.com&gt;:<br><div>{OLD}</div></blockquote>",
    "web.de": '<div name="quote" style="border-left:2px solid"><div style="margin:0 0 10px 0"><b>Gesendet:</b> Montag, '
    "02. November 2026 um 10:00 Uhr<br/><b>Von:</b> Help &lt;help@example.com&gt;<br/><b>An:</b> Anna<br/>"
    f"<b>Betreff:</b> Paket</div>{OLD}</div>",
    "wp": f"<p>Dnia 2 listopada 2026 10:00 Pomoc &lt;a@example.com&gt; napisał(a):</p><blockquote>{OLD}</blockquote>",
    "samsung": "<div>-------- Oryginalna wiadomość --------</div><div>Od: Pomoc &lt;pomoc@example.com&gt; </div>"
    f"<div>Data: 02.11.2026  10:00  (GMT+01:00) </div><div>Do: Anna </div><div>Temat: Paczka </div>{OLD}",
}  # fmt: skip


@pytest.mark.parametrize("quote", PAGES.values(), ids=PAGES)
@pytest.mark.parametrize("new", ["<div>Where is it?</div><br>", "<p>Where is it?</p>", "Where is it?<br><br>"])
def test_quotations_of_pages_are_cut(quote: str, new: str) -> None:
    page = f"<html><body>{new}{quote}</body></html>"
    raw = f"From: a@example.org\nContent-Type: text/html; charset=utf-8\n\n{page}"
    assert email.read(raw.encode()).written == "Where is it?"


def test_who_indents_his_own_words_quotes_nobody() -> None:
    def of(page: str) -> str:
        return email.read(f"From: a@example.org\nSubject: Re: x\nContent-Type: text/html\n\n{page}".encode()).written

    indented = '<blockquote style="margin:0 0 0 40px;border:none;padding:0px">order 7</blockquote>'
    on_the_web = '<blockquote style="margin-top: 0px; margin-bottom: 0px;"><div>order 7</div></blockquote>'
    for own in (indented, on_the_web):
        assert of(f"<p>See:</p>{own}<p>Thanks</p>").split() == ["See:", "order", "7", "Thanks"]
    quoted = f"<blockquote>old {indented} words</blockquote>"
    assert of(f"<p>See:</p>{quoted}<p>Thanks</p>").split() == ["See:", "Thanks"]
    cited = '<blockquote type="cite" style="border:none">old</blockquote>'
    assert of(f"<p>See:</p>{cited}<p>Thanks</p>").split() == ["See:", "Thanks"]


PARCELS = [
    "Guten Tag\nPaket 123:\nAbsender: Anna, Berlin\nEmpfänger: Jan, Köln\nGesendet am: 12.11.2026 10:00\nEs fehlt.",
    "Dzień dobry,\nNadawca: Anna\nOdbiorca: Jan\nData: 12.11.2026 10:00\nTemat: paczka\nPomocy.",
    "Dzień dobry,\nNadawca: Anna\nAdresat: Jan\nWysłano: 12.11.2026 10:00\nPaczka nie dotarła.",
    "Здравствуйте!\nОтправитель: Анна\nПолучатель: Иван\nДата отправки: 12.11.2026 10:00\nПосылка не пришла.",
]


@pytest.mark.parametrize("text", PARCELS)
def test_sender_and_addressee_of_a_parcel_are_no_mails(text: str) -> None:
    assert written(text) == text


FORWARDED = [
    "From: Courier [mailto:c@example.net]\nSent: Friday, November 27, 2026 9:13 AM\nTo: Anna\nSubject: Parcel",
    "From: Courier <c@example.net>\nSent: Friday, November 27, 2026 9:13 AM\nTo: Anna\nSubject: Parcel",
    "Von: Kurier\nGesendet: Freitag, 27. November 2026 09:13\nAn: Anna\nBetreff: Paket",
    "Od: Kurier\nWysłano: piątek, 27 listopada 2026 09:13\nDo: Anna\nTemat: Paczka",
    "От: Курьер\nОтправлено: 27 ноября 2026 г. 9:13\nКому: Анна\nТема: Посылка",
    "Від: Кур'єр\nНадіслано: 27 листопада 2026 р. 9:13\nКому: Анна\nТема: Посилка",
    "-----Original Message-----\nFrom: Courier\nSent: Friday\nTo: Anna\nSubject: Parcel",
    "---------- Forwarded message ---------\nFrom: Courier <c@example.net>\nSubject: Parcel",
]
SIGNED = [
    "",
    "Pozdrawiam\nAnna\ntel. 600 000 000\n\n",
    "Z poważaniem Anna\n\n",
    "Mit freundlichen Grüßen\nAnna\n\n",
    "Kind regards,\nAnna\n\n",
    "С уважением, Анна\n\n",
    "З повагою,\nАнна\n\n",
]


@pytest.mark.parametrize("above", SIGNED)
@pytest.mark.parametrize("block", FORWARDED)
def test_who_forwards_without_a_word_says_what_he_forwards(block: str, above: str) -> None:
    text = f"{above}{block}\n\nParcel 4711 came back.\n\n> Where is it?"
    assert written(text) == text
    assert written(f"Please see below.\n\n{text}") == f"Please see below.\n\n{above}".strip()


def test_who_answers_below_a_marked_quotation_does_not_forward() -> None:
    block = "-----Original Message-----\nFrom: Help <h@example.com>\nSent: Friday\nTo: Anna\nSubject: Parcel"
    assert "Which" not in written(f"{block}\n\n> Which number?\n\n4711")


SECRETS = [
    "This information is confidential and I am not the intended recipient: you sent me another man's invoice.",
    "Informacja o moim zamówieniu jest poufna, a adresat paczki ją zobaczył. Żądam wyjaśnień.",
    "Ta wiadomość jest poufna, otrzymałam ją, choć nie jestem adresatem. Co mam zrobić?",
    "Diese E-Mail mit vertraulichen Daten war nicht für mich bestimmt. Bitte klären Sie das.",
    "Это конфиденциальная информация, а её получатель — мой сосед!",
    "Ця інформація конфіденційна, а одержувач — мій сусід!",
]


@pytest.mark.parametrize("last", SECRETS)
def test_who_complains_that_a_secret_was_told_gives_no_notice(last: str) -> None:
    assert written(f"Hello,\n\n{last}") == f"Hello,\n\n{last}"


@pytest.mark.parametrize(
    "text",
    [
        "Am 12.11.2026 um 10:00 schrieb mir Ihr Kollege:\nErstattung in 14 Tagen. Das ist vorbei.",
        "12.11.2026 в 10:00 менеджер мне написал:\nвозврат через 14 дней. Денег нет.",
        "W dniu 12.11.2026 o 10:00 konsultant mi napisał:\nzwrot w 14 dni. Pieniędzy nie ma.",
    ],
)
def test_what_was_written_to_somebody_is_told_by_him(text: str) -> None:
    assert written(f"Hello,\n\n{text}") == f"Hello,\n\n{text}"


@pytest.mark.parametrize(
    "introduction",
    [
        "Вы писали 27 ноября 2026 г., 9:13:12:",
        "27 ноября 2026 г., 9:13:12, Вы писали:",
        "27 листопада 2026 р., 9:13:12, Ви писали:",
        "Nov 27, 2026, 09:13 by help@example.com:",
        "27. Nov. 2026, 09:13 von hilfe@example.com:",
        "27 lis 2026, 09:13 od pomoc@example.com:",
        "пятница, 27 ноября 2026г., 09:13 +03:00 от Помощь help@example.com:",
    ],
)
def test_introductions_of_the_bat_tuta_and_mail_ru(introduction: str) -> None:
    assert written(f"Nothing came.\n\n{introduction}\n\n> old words") == "Nothing came."


def test_a_link_below_the_program_that_signed_is_its_own() -> None:
    signed = "Wysłane z Aqua Mail dla Androida\nhttps://www.example.com/aqua-mail"
    assert written(f"Nothing came.\n\n{signed}") == "Nothing came."
    assert written(f"Nothing came.\n\n{signed}\n\nOn 2 Nov 2026 10:00, Help <h@example.com> wrote:\n\n> old") == (
        "Nothing came."
    )
    assert written("My parcel:\n\nhttps://www.example.com/1").endswith("/1")


def test_what_openpgp_puts_around_a_letter_is_no_word_of_it() -> None:
    head = "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\n"
    tail = "\n-----BEGIN PGP SIGNATURE-----\n\niQEzBAEBCgAdFiEE\n=abcd\n-----END PGP SIGNATURE-----\n"
    assert written(f"{head}Where is it?\n- - first\n- - second{tail}") == "Where is it?\n- first\n- second"
    assert written(f"{head}Where is it?\n\n- -- \nAnna{tail}") == "Where is it?"
    assert written(f"{head}Where is it?") == "Where is it?"


@pytest.mark.parametrize(
    "style",
    [
        "border:none;border-left:solid #CCCCCC 1.0pt;padding:0cm 0cm 0cm 6.0pt;margin-left:4.8pt;margin-right:0cm",
        "border:none; border-left: 1px solid #ccc",
    ],
)
def test_outlooks_quotations_have_a_border_on_the_left_alone(style: str) -> None:
    def of(page: str) -> str:
        return email.read(f"From: a@example.org\nSubject: Re: x\nContent-Type: text/html\n\n{page}".encode()).written

    assert of(f"<p>Number 7.</p><blockquote style='{style}'><p>Which order?</p></blockquote>") == "Number 7."
    assert "Mine" in of("<p>See:</p><blockquote style='border:none;border-left:none'><p>Mine</p></blockquote>")
