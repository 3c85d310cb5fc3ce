"""Returned mail and absence notes by their words alone, as mail systems and programs really phrase them."""

import pytest

from chalicelib.intake import email
from chalicelib.intake.message import Automatic

HEAD = "From: {}\nTo: help@example.com\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\nSubject: {}\n\n{}\n"

RETURNED = [
    # What came back was about goods, which is what a shop writes about.
    ("DELIVERY FAILURE: User jan (jan@example.org) not listed in Domino Directory",
     "Your message\n\n   Subject: Order 12\n\nwas not delivered to:\n\n   jan@example.org\n\nbecause:\n\n"
     "   User jan (jan@example.org) not listed in Domino Directory"),
    ("Undeliverable: Order 12",
     "Your message\n\n  To:  jan@example.org\n  Subject: Order 12\n\ndid not reach the following recipient(s):\n\n"
     "jan@example.org on 5.3.2026 10:00\n  The e-mail account does not exist."),
    ("Undeliverable: Your parcel", 'Your message "Your parcel 12" to jan@example.org could not be delivered.'),
    # An address stands between the mail and what became of it.
    ("Undeliverable: Order 12", "Your message to jan@example.org couldn't be delivered.\n\njan wasn't found."),
    ("Unzustellbar: Bestellung 12", "Ihre Nachricht an jan@example.org konnte nicht zugestellt werden."),
    ("Delivery Status Notification (Failure)", "Ihre Nachricht wurde nicht an jan@example.org zugestellt, weil die "
     "Adresse nicht gefunden wurde."),
    ("Лист не доставлено", "Ваш лист не може бути доставлений на адресу jan@example.org."),
    ("Письмо не доставлено", "К сожалению, письмо не доставлено получателю jan@example.org."),
    ("Mail failure.", "К сожалению, Ваше письмо, отправленное по адресу(ам):\n\n jan@example.org\n\nне может быть "
     "доставлено. Сервер ответил:\nuser not found"),
    ("Zwrot wiadomości", "Wiadomość wysłana przez Ciebie do jan@example.org nie mogła zostać dostarczona."),
    ("E-Mail nicht zustellbar", "Ihre E-Mail konnte an folgende Adresse nicht zugestellt werden:\n\njan@example.org"),
    ("Nie udało się dostarczyć wiadomości", "Nie udało się dostarczyć wiadomości do jan@example.org."),
    # Exchange and Outlook.com speak of recipients.
    ("Undeliverable: Hello", "Delivery to the following recipients failed.\n\n       jan@example.org\n"),
    ("Niedostarczalne: Zamówienie 12", "Dostarczanie do następujących adresatów lub grup nie powiodło się:\n\n"
     "jan@example.org\nNie znaleziono wprowadzonego adresu e-mail."),
    ("Unzustellbar: Hallo", "Fehler bei der Nachrichtenzustellung an folgende Empfänger oder Gruppen:\n\n"
     "jan@example.org"),
    ("Не удается доставить: Заказ 12", "Не удалось выполнить доставку следующим получателям или группам:\n\n"
     "jan@example.org"),
    ("failure notice", "Hi. This is the qmail-send program at mx.example.net.\nI'm afraid I wasn't able to deliver "
     "your message to the following addresses.\n\n<jan@example.org>:\nSorry, no mailbox here by that name. (#5.1.1)"),
]  # fmt: skip
AWAY = [
    ("У відпустці до 14 серпня", "Я у відпустці до 14 серпня."),
    ("Відсутність на робочому місці", "Мене не буде в офісі до 14 серпня. Відповім після повернення."),
    ("Отсутствие на рабочем месте", "Добрый день! Я буду отсутствовать до 5 марта."),
    ("Автоответ Re: Заказ", "Добрый день!"),
    ("Nieobecność w biurze Re: Zamówienie 12", "Dzień dobry,\nprzebywam na urlopie do 12.08."),
    ("Nieobecny", "Do 20 lipca nie będzie mnie w biurze."),
    ("Wiadomość automatyczna: urlop", "Wracam 20 lipca."),
    ("Automatische Abwesenheitsbenachrichtigung", "Ich bin nicht da."),
    ("Ben ist außer Haus (Rückkehr am 5.3.2026)", "Ich werde ab 2.3.2026 nicht im Büro sein."),
    ("Ben is out of the office (returning 03/05/2026)", "I will be out of the office starting 02/03/2026."),
    ("On annual leave", "I am on annual leave until 5 March and will respond upon my return."),
    ("Vacation reply", "I am on vacation."),
]
PEOPLE = [
    # Who is away may tell what is to become of his parcel meanwhile.
    ("Urlop", "Jestem na urlopie od 1.12. Paczkę proszę zostawić u sąsiada."),
    ("Nieobecność", "Jestem nieobecna do 10.12. Kurier niech zostawi ją u dozorcy."),
    ("Nieobecność do 10.12", "Będę nieobecny do 10.12, odbiorę zamówienie po powrocie."),
    ("Urlaub", "Ich bin vom 1.12. bis 10.12. im Urlaub. Das Paket bitte an den Nachbarn geben."),
    ("Отпуск", "Я в отпуске до 10.12. Оставьте посылку соседу."),
    ("Відпустка", "Я у відпустці до 10.12. Залиште посилку сусідові."),
    ("Away", "I am away from the office until 10 Dec. Please leave the parcel with the neighbour."),
    ("Away until 10 December", "I'm on holiday until 10 December and will collect my order after that."),
    ("Nie udało się dostarczyć", "Kurier napisał, że nie udało się dostarczyć. Byłam w domu."),
    ("Nie udało się doręczyć przesyłki", "Proszę o wysyłkę do następujących adresatów: Jan, Anna."),
    ("Delivery failed: parcel", "I received an e-mail that my parcel could not be delivered."),
    ("Delivery failed", "Please redeliver to the following recipient: Jan."),
    ("Delivery problem", "My gift did not reach the following recipients: Jan, Ben. Please send it again."),
    ("Mail failure", "Our mailbox at the door is broken, leave parcels with the neighbour."),
    ("Не доставлено", "Прошу отправить следующим получателям: Иван, Пётр."),
    ("Lieferung nicht zustellbar", "Bitte senden Sie das Paket an folgende Empfänger: Jan."),
    ("Nachricht nicht zustellbar an Fahrer", "Der Fahrer war nicht erreichbar, das Paket kam nicht."),
    ("Zwrot wiadomości", "Chcę zwrotu pieniędzy."),
    ("Vacation message", "How do I set a vacation message in your mail service?"),
    ("Urlop", "Przesuńcie dostawę, bo przebywam na urlopie."),
    ("Anna is out of the office", "Please deliver the parcel on Monday."),
    ("Отсутствие товара на складе", "Почему товара нет?"),
    ("Відсутність товару", "Чому немає товару?"),
]


@pytest.mark.parametrize(("subject", "words"), RETURNED)
def test_returned_mail_is_known_with_whom_it_did_not_reach(subject: str, words: str) -> None:
    message = email.read(HEAD.format("Mail Service <noreply@mx.example.net>", subject, words).encode())
    assert message.automatic == Automatic.BOUNCE
    assert [failure.recipient for failure in message.failures] == ["jan@example.org"]


@pytest.mark.parametrize(("subject", "words"), AWAY)
def test_who_is_away_is_known(subject: str, words: str) -> None:
    assert email.read(HEAD.format("Ben <ben@example.org>", subject, words).encode()).automatic == Automatic.AUTO_REPLY


@pytest.mark.parametrize(("subject", "words"), PEOPLE)
def test_people_are_people(subject: str, words: str) -> None:
    assert email.read(HEAD.format("Anna <anna@example.org>", subject, words).encode()).automatic is None
