"""A customer on holiday who wants something, and one whose own mail came back, are people; what programs say is not."""

import pytest

from chalicelib.intake import email
from chalicelib.intake.message import Automatic

HEAD = "From: Anna <anna@example.org>\nTo: help@example.com\nContent-Type: text/plain; charset=utf-8\n"

#: Who is away and asks for something.
ASK = [
    ("Urlop", "Dzień dobry, jestem na urlopie do 12 marca, czy mogą Państwo zadzwonić później?"),
    ("Jestem na urlopie do 12 marca", "Jestem na urlopie do 12 marca. Proszę przesunąć termin wizyty serwisanta."),
    ("Nieobecność", "Od 4 do 12 marca jestem nieobecna. Proszę wstrzymać dostawę."),
    ("Urlaub", "Ich bin vom 4. bis 12. März nicht im Haus, bitte liefern Sie erst danach."),
    ("Im Urlaub", "Ich bin bis 12.03. nicht erreichbar. Bitte den Termin verschieben."),
    ("Abwesenheit", "Ich bin bis Freitag nicht im Haus. Kann der Techniker am Montag kommen?"),
    ("Отпуск", "Здравствуйте, я в отпуске до 12 марта, перенесите доставку."),
    ("Я в отпуске до 12 марта", "Я сейчас в отпуске. Отмените, пожалуйста, мой визит в пятницу."),
    ("Відпустка", "Добрий день, я у відпустці до 12 березня, перенесіть доставку."),
    ("On holiday until 12 March", "I will be away from the office. Could you hold my order?"),
    ("Vacation", "I am out of the office next week; please send the parcel the week after."),
    ("Away until Monday", "I am out of the office. Please cancel my appointment on Friday."),
    ("Nieobecność", "Będę nieobecna na zajęciach 5 maja, proszę o zwrot opłaty."),
    ("Abwesend", "Ich bin ab Montag abwesend und möchte meine Zeitung so lange abbestellen."),
    ("Отсутствую", "Я буду отсутствовать до 5 мая, прошу продлить срок хранения."),
    ("Відсутня", "Я буду відсутня до 5 травня, прошу продовжити термін зберігання."),
    ("Away until Monday", "I am out of the office. I need the invoice by then."),
]
#: Who is away and wants what no list holds.
WANT = [
    ("On vacation", "I am on vacation in Spain and my card was stolen. Block it at once."),
    ("On vacation", "I am on vacation in Spain and my card was stolen"),
    ("On vacation", "I am on vacation.\n\nKind regards\nAnna\n\nMy card was stolen."),
    ("On vacation", "I am on vacation.\n\nKind regards\nAnna\n\nPS: my card was stolen here in Madrid"),
    ("Vacation", "I am on vacation and my phone has no roaming. Activate it today."),
    ("On vacation", "I am on vacation. The parcel 4711998877 came to my hotel broken."),
    ("On vacation", "I am on vacation. My card was stolen, contact me at once."),
    ("Urlaub", "Ich bin bis 5.3. im Urlaub. Rufen Sie mich bitte heute noch an."),
    ("Out of office", "I am out of the office, but your man stands there now. He shall leave it at the desk."),
    ("Na urlopie", "Jestem na urlopie w Chorwacji, skradziono mi kartę. Zablokujcie ją natychmiast."),
    ("Urlop", "Jestem na urlopie macierzyńskim i ZUS chce zaświadczenia o zarobkach. Przyślijcie mi je."),
    ("Nieobecność", "Dzień dobry, jestem nieobecna na zajęciach jogi 5 marca."),
    ("Отсутствие на занятии", "Я буду отсутствовать на занятии 5 марта."),
    ("Urlaub", "Ich bin im Urlaub in Spanien und das Mietauto ist liegengeblieben. Sofort melden!"),
    ("Im Urlaub", "Ich bin bis 5.3. im Urlaub. Sperren Sie die Karte 4711."),
    ("Отпуск", "Я в отпуске в Турции, карту украли. Заблокируйте карту."),
    ("Відпустка", "Я у відпустці в Єгипті, картку вкрали. Заблокуйте її."),
]
#: Whose own mail to somebody came back, and who writes about it.
TELL = [
    ("Mail system error", "Our customers get 550 5.1.1 user unknown when they write to ben@example.org."),
    ("Nie dostarczono e-maila", "Klienci dostają zwrot: 550 5.1.1 user unknown, gdy piszą na ben@example.org."),
    ("Письмо не доставлено", "Клиенты получают 550 5.1.1 user unknown, когда пишут на ben@example.org."),
    ("Nachricht nicht zustellbar", "Ich kann mich nicht anmelden: Nachricht an ben@example.org nicht zustellbar."),
    ("Zwrot wiadomości", "Moja wiadomość do działu zwrotów nie mogła zostać dostarczona. Jaki jest dobry adres?"),
    ("Nie można dostarczyć maila", "Piszę na wasz adres i dostaję: 550 5.1.1 User unknown."),
    ("Delivery failed", "Hi, I got a message that delivery failed. Where is it now?"),
    ("Delivery problem", "My e-mail to your sales address could not be delivered, I get a 550 error: address unknown."),
    ("E-Mail nicht zustellbar", "Meine E-Mail an Ihren Service konnte nicht zugestellt werden. Was nun?"),
    ("Письмо не доставлено", "Моё письмо в отдел возвратов не было доставлено. Куда писать?"),
    ("Лист не доставлено", "Мій лист до відділу повернень не було доставлено. Куди писати?"),
]
#: Who misses a mail or a message that was to bring him something, or asks about a mail that came to nobody.
MISS = [
    ("Nie dostarczono wiadomości SMS", "Wiadomość SMS z kodem nie została dostarczona, nie mogę się zalogować."),
    ("Błąd dostarczenia", "Wiadomość z kodem do logowania nie została dostarczona."),
    ("Не доставлено СМС", "СМС-сообщение с кодом не доставлено, не могу войти."),
    ("Не доставлено письмо", "Письмо с чеком не доставлено, пришлите ещё раз."),
    ("Помилка доставки", "Лист з квитком не доставлено. Надішліть ще раз."),
    ("Delivery error", "The e-mail with the ticket was not delivered. Please send it again."),
    ("Fehler bei der Zustellung", "Die E-Mail mit dem Gutschein wurde nicht zugestellt."),
    ("Mail delivery", "The mail could not be delivered to my new address. Please change it."),
    ("Nachricht nicht zustellbar", "Ihre Nachricht war nicht zustellbar? So steht es im Portal."),
    ("Undelivered mail", "The postman has an undelivered mail with number 4711. Where is it?"),
]
#: Who writes about automatic answers, under that name.
ABOUT = [
    ("Automatyczna odpowiedź", "Cały czas dostaję tylko automatyczną odpowiedź. Proszę o kontakt z człowiekiem."),
    ("Automatic reply", "I only get an automatic reply from you. Is anybody there?"),
    ("Automatische Antwort", "Ich bekomme immer nur die automatische Antwort."),
    ("Abwesenheitsnotiz", "Wie stelle ich in Ihrer App die Abwesenheitsnotiz ein?"),
    ("Автоответ", "Получил только автоответ, когда ответит человек?"),
    ("Автовідповідь", "Отримую лише автовідповідь. Зателефонуйте мені."),
    ("Automatic reply", "Please send me a human. This bot answers nonsense."),
    ("Automatyczna odpowiedź", "Państwa odpowiedź nic nie wyjaśnia, nadal czekam na zwrot 300 zł."),
    ("Automatische Antwort", "Ihre Antwort hilft mir nicht. Bitte rufen Sie mich an."),
    ("Автоответ", "Ваш ответ мне не помог. Верните деньги."),
    ("Out of office", "The shop was closed, a sign said so. Please open it."),
    ("Automatic reply", "My request 4711 was opened a week ago. Nobody does anything."),
]
AWAY = [
    (
        "Nieobecność",
        "Dzień dobry, dziękuję za wiadomość. W dniach 2-10 marca przebywam na urlopie i nie będę miał dostępu do "
        "poczty. W pilnych sprawach proszę o kontakt z Janem (jan@example.org, tel. 501 234 567).\n\nPozdrawiam\nAnna",
    ),
    (
        "Abwesenheit",
        "Vielen Dank für Ihre Nachricht. Ich bin bis einschließlich 10.03.2026 nicht im Büro und habe keinen Zugriff "
        "auf meine E-Mails. In dringenden Fällen wenden Sie sich bitte an Jan.",
    ),
    (
        "Out of the office",
        "I'm currently out of the office with limited access to email. If this is urgent, please contact my colleague "
        "Jan. Otherwise I'll get back to you as soon as possible.\nBest,\nAnna",
    ),
    (
        "Отпуск",
        "Здравствуйте! Спасибо за ваше письмо. Я нахожусь в отпуске до 10 марта. По всем срочным вопросам обращайтесь "
        "к Ивану. Отвечу после возвращения.",
    ),
    ("Automatische Antwort auf Ihre Mail", "Ich bin zur Zeit nicht erreichbar."),
    (
        "Nieobecność",
        "Dzień dobry,\nod 4 do 12 marca przebywam na urlopie. W pilnych sprawach proszę o kontakt z Janem.",
    ),
    ("Urlop Re: Faktura", "W dniach 04.03-12.03 jestem nieobecna w biurze."),
    ("Відпустка", "Доброго дня! З 4 по 12 березня перебуваю у відпустці. З питань звертайтесь до Івана."),
    ("Отпуск", "С 4 по 12 марта нахожусь в отпуске."),
    ("Annual leave", "Thank you for your e-mail. I am on annual leave until 12 March."),
    ("On vacation", "Hi, I'm on vacation until March 12 and will reply when I am back."),
    ("OOO: Invoice", "Thanks for your email. I am currently on parental leave and will be back on March 12."),
    # What he answers stands below his words, or in them.
    ("Nieobecność Re: Zamówienie 12", "Jestem nieobecna do 5 maja.\n\n> Gdzie wysłać paczkę?"),
    ("Urlaub", "Ich bin bis 5. Mai nicht im Büro. Bestellungen nimmt Jan entgegen."),
    ("Urlaub", "Hallo, ich bin vom 04.03. bis 12.03. im Urlaub. Bei Fragen zu Bestellungen hilft Jan."),
    # Whom to ask about deliveries, and the work of who is away.
    ("Nieobecność: Re: Zamówienie", "Jestem nieobecna do 12 marca. W sprawach dostaw i zwrotów proszę pisać do Jana."),
    ("Я в отпуске", "Я нахожусь в отпуске до 12 марта. По вопросам доставки обращайтесь к Ивану."),
    ("Відпустка", "Я перебуваю у відпустці. З питань доставки звертайтеся до Івана."),
    ("Nieobecność", "Jestem nieobecna do 5 maja. Proszę o cierpliwość i o kontakt z Janem. Proszę o przesłanie kopii."),
    ("Отсутствую", "Я буду отсутствовать до 5 мая. По срочным вопросам прошу обращаться к Ивану."),
    ("Відсутня", "Я буду відсутня до 5 травня. З питань прошу звертатися до Івана."),
    ("Vacation", "I am out of the office until March 12.\n\nAnna\nHead of Delivery & Refunds"),
    # A signature says nothing, whatever ends its lines.
    ("Out of office", "I am out of the office until March 12.\n\nKind regards,\nAnna\nShop Ltd.\nT: 22 600 00 00 | "
     "www.example.org | 12 Long Street, London"),
    ("Urlop", "Jestem na urlopie do 12 marca.\n\nPozdrawiam\nAnna\nSklep Sp. z o.o.\nul. Długa 5, 00-950 Warszawa, "
     "tel. 22 600 00 00\nSklep S.A."),
    ("Away", "I am on annual leave.\n\nBest,\nAnna\nShop Ltd."),
    ("Abwesenheit", "Ich bin bis 5. Mai nicht im Haus.\n\nVG\nAnna\ntel. 030 600 700"),
    ("Urlop", "Jestem na urlopie.\nZ poważaniem / Kind regards\nAnna\nSpecjalista ds. zakupów"),
]  # fmt: skip
#: What such a program says where nobody is away.
TAKEN = [
    ("Automatic reply", "We have received your message and will respond within 2 days."),
    ("Autoresponder", "Thank you for contacting us. Ticket 4711 has been opened."),
    ("Automatische Antwort", "Ihre Nachricht ist bei uns eingegangen."),
    ("Автоответ", "Ваш запрос принят."),
]


def mail(subject: str, words: str) -> bytes:
    return f"{HEAD}Subject: {subject}\n\n{words}\n".encode()


@pytest.mark.parametrize(("subject", "words"), ASK)
def test_who_is_away_and_asks_for_something_is_a_person(subject: str, words: str) -> None:
    assert email.read(mail(subject, words)).automatic is None


@pytest.mark.parametrize(("subject", "words"), WANT)
def test_who_is_away_and_says_more_is_a_person(subject: str, words: str) -> None:
    assert email.read(mail(subject, words)).automatic is None
    assert email.read(b"X-Auto-Response-Suppress: All\n" + mail(subject, words)).automatic is None


QUOTING = [
    ("Re: Auto: Parcel", "No, the blue one.", "Thank you. This is an automatic reply."),
    ("Auto: Parcel", "No, the blue one.", "Thank you. This is an automatic reply."),
    ("Auto: Paczka", "Nadal czekam.", "Dziękujemy. To jest automatyczna wiadomość."),
    ("Automatische Antwort", "Wo bleibt mein Paket?", "Dies ist eine automatische Antwort."),
    ("Re: Parcel", "No, the blue one.", "I am out of the office until Monday."),
    ("Undeliverable parcel", "Still not here.", "Your message could not be delivered to anna@example.org."),
    ("Mail delivery", "Thank you, now it works!", "I got 550 5.1.1 user unknown."),
]


@pytest.mark.parametrize(("subject", "words", "quoted"), QUOTING)
def test_what_a_person_answers_to_is_not_what_he_says(subject: str, words: str, quoted: str) -> None:
    answer = mail(subject, f"{words}\n\nOn Mon, 2 Mar 2026 at 10:00 Shop <help@example.com> wrote:\n> {quoted}")
    assert email.read(answer).automatic is None
    assert email.read(b"X-Auto-Response-Suppress: All\n" + answer).automatic is None


@pytest.mark.parametrize("rule", ["-- ", "________________________________"])
def test_a_program_says_in_its_footer_what_it_is(rule: str) -> None:
    raw = mail("Your ticket 4711", f"It has been closed.\n\n{rule}\nThis is an automated message, do not reply.")
    assert email.read(b"X-Auto-Response-Suppress: All\n" + raw).automatic == Automatic.AUTO_REPLY


@pytest.mark.parametrize(("subject", "words"), ASK)
def test_who_asks_is_one_though_his_mail_wants_no_automatic_answer(subject: str, words: str) -> None:
    assert email.read(b"X-Auto-Response-Suppress: All\n" + mail(subject, words)).automatic is None


@pytest.mark.parametrize(("subject", "words"), TELL)
def test_who_tells_that_his_mail_came_back_is_a_person(subject: str, words: str) -> None:
    assert email.read(mail(subject, words)).automatic is None


@pytest.mark.parametrize(("subject", "words"), MISS)
def test_who_misses_a_mail_is_a_person(subject: str, words: str) -> None:
    assert email.read(mail(subject, words)).automatic is None


@pytest.mark.parametrize(("subject", "words"), ABOUT)
def test_who_writes_about_automatic_answers_is_a_person(subject: str, words: str) -> None:
    assert email.read(mail(subject, words)).automatic is None
    assert email.read(mail(f"{subject}: Parcel", words)).automatic == Automatic.AUTO_REPLY
    away = "I am out of the office. Is it urgent? Write to Jan."
    assert email.read(mail(subject, away)).automatic == Automatic.AUTO_REPLY


@pytest.mark.parametrize(("subject", "words"), AWAY + TAKEN)
def test_who_only_says_that_he_is_away_is_not_here(subject: str, words: str) -> None:
    assert email.read(mail(subject, words)).automatic == Automatic.AUTO_REPLY


def test_exchange_in_ukrainian() -> None:
    raw = mail("Не вдається доставити: Рахунок", "Не вдалося доставити повідомлення таким одержувачам: ben@example.org")
    assert email.read(raw).automatic == Automatic.BOUNCE
