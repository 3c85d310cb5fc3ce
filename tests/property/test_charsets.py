"""Letters come out as their sender wrote them: five languages, every charset, every label, and text misread before."""

import base64
from email.header import Header

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.intake import charset, email, misread

SENTENCES = {
    "pl": (
        "Mierz siły na zamiary.", "Proszę o zwrot pieniędzy za zamówienie.",
        "Przesyłka dotarła uszkodzona, bez instrukcji!",
        "Od środy nie działa mi logowanie.", "Źle naliczono opłatę za wrzesień.", "Żądam odpowiedzi w ciągu tygodnia.",
        "Dziękuję, ćwierć kwoty już wróciła.", "Chciałbym zmienić adres na Łąkową 5.", "Kto odpowiada za tę pomyłkę?",
    ),
    "ru": (
        "Когда придёт мой заказ?", "Верните, пожалуйста, деньги за билет.", "Оплата прошла дважды, проверьте счёт.",
        "Не получается войти в личный кабинет.", "Хочу изменить адрес доставки.", "Спасибо, всё уже работает!",
        "Объясните, почему цена выросла.", "Товар пришёл с царапиной на крышке.", "Это уже третье письмо за неделю.",
    ),
    "uk": (
        "Коли надійде моє замовлення?", "Поверніть, будь ласка, кошти за квиток.",
        "Оплата пройшла двічі, перевірте рахунок.",
        "Не вдається увійти до кабінету.", "Хочу змінити адресу доставки.", "Дякую, все вже працює!",
        "Поясніть, чому зросла ціна.", "Товар приїхав із подряпиною.", "Це вже третій лист за тиждень, їй-право.",
    ),
    "de": (
        "Wann kommt meine Bestellung für März?", "Bitte erstatten Sie mir die Gebühr zurück.", "Die Größe passt nicht.",
        "Ich möchte die Lieferadresse ändern.", "Seit Wochen höre ich nichts, das ist ärgerlich.",
        "Schöne Grüße aus Köln!",
        "Das Gerät läuft, aber das Gehäuse ist beschädigt.", "Können Sie die Rechnung prüfen?", "Übrigens: alles heil.",
    ),
    "en": (
        "Where is my parcel?", "I was charged twice – please check.", "It’s still “in transit”, they say.",
        "The café’s receipt shows £30.", "Please change the address.", "Thanks, it works now!",
    ),
}  # fmt: skip
#: Texts that only look strange: other languages, signs, boxes, formulas. Nothing of them may change.
RIGHT = (
    "Le café est fermé l’été: «Voilà, ça c’est sûr», dit Noël à la forêt.", "Même requête", "Où êtes-vous?",
    "Příliš žluťoučký kůň úpěl ďábelské ódy", "Árvíztűrő tükörfúrógép", "niño mañana ¿Qué? ¡Sí!", "CAFÉ»",
    "São Paulo – CORAÇÃO, NÃO É", "Blåbærgrød på øen, smörgåsbord", "Mulțumesc, și până mâine în țară", "Đorđe čeka",
    "İstanbul'da çok güzel ağaç ışık", "Ελληνικά καλημέρα", "שלום עולם", "日本語テキスト", "안녕하세요", "→ ✓ ★ 😀",
    "© 2026 § 5: 3×4 ÷ 2 – „tak” … 5°C ±2 £30 €20 ½ №7", "a²+b²=c²", "├── src\n└── main.py", "┌──┐\n│Ä │\n└──┘",
    "„DZIEŃ” KOŃ–", "СССР» «Р»", "Рік", "ВНИМАНИЕ", "Ä…", "Ø", "Ы", "щ", "В т.ч. Я – я", "Љубав и њих",
    "Паўлюк ў Мінску",
    "Łódź–Gdańsk: 5½ €", "ŻÓŁTY", "Straße ÜBERGRÖSSE", "naïve coöperate", "съезд", "Žemaitė ąžuolas ėjo", "ACME™s l·l",
)  # fmt: skip
CHARSETS = {
    "pl": ("utf-8", "cp1250", "iso8859-2", "cp852", "mac-latin2"),
    "ru": ("utf-8", "cp1251", "koi8-r", "cp866", "iso8859-5", "mac-cyrillic"),
    "uk": ("utf-8", "cp1251", "koi8-u", "cp1125", "iso8859-5", "mac-cyrillic"),
    "de": ("utf-8", "cp1252", "cp850", "mac-roman"),
    "en": ("utf-8", "cp1252"),
}
LABELS = ("", "us-ascii", "iso-8859-1", "windows-1252", "utf-8", "x-unknown", "RIGHT", "SIBLING")
SIBLINGS = {"pl": "cp1250", "ru": "koi8-r", "uk": "cp1251", "de": "cp850", "en": "windows-1252"}
READERS = ("cp1250", "cp1252", "latin-1", "cp1251", "koi8-r", "cp866", "cp852", "iso8859-2")
SWAPPED = {
    "pl": ("cp1250", "iso8859-2", "cp852"), "ru": ("cp1251", "koi8-r", "cp866"), "uk": ("cp1251", "koi8-u"),
    "de": ("cp1252", "cp850"),
}  # fmt: skip


def misread_as(text: str, real: str, reader: str) -> str:
    """The text as one sees it who reads its bytes with another charset."""
    return "".join(bytes([byte]).decode(reader, "ignore") or chr(byte) for byte in text.encode(real, "ignore"))


@st.composite
def texts(draw: st.DrawFn, *languages: str, least: int = 4) -> tuple[str, list[str]]:
    """A language and lines of it."""
    language = draw(st.sampled_from(languages or tuple(SENTENCES)))
    return language, draw(st.lists(st.sampled_from(SENTENCES[language]), min_size=least, max_size=9, unique=True))


def mail(subject: bytes, label: str, body: bytes, encoded: bool) -> bytes:
    """A mail under a label; the subject in encoded words of the same label, or as raw bytes."""
    head = b"From: <kunde@example.com>\nTo: help@example.com\nMIME-Version: 1.0\nContent-Transfer-Encoding: base64\n"
    if encoded and label:
        subject = f"=?{label}?B?{base64.b64encode(subject).decode()}?=".encode()
    kind = f"Content-Type: text/plain; charset={label}\n".encode() if label else b""
    return head + b"Subject: " + subject + b"\n" + kind + b"\n" + base64.encodebytes(body)


@settings(max_examples=150, deadline=None)
@given(texts(), st.data(), st.booleans())
def test_whatever_a_mail_claims_its_subject_and_body_are_read(
    text: tuple[str, list[str]], data: st.DataObject, encoded: bool
) -> None:
    language, lines = text
    name = data.draw(st.sampled_from(CHARSETS[language]))
    label = data.draw(st.sampled_from(LABELS))
    label = {"RIGHT": name, "SIBLING": SIBLINGS[language]}.get(label, label)
    subject, body = ("\n".join(part).encode(name, "ignore") for part in (lines[:1], lines))
    message = email.read(mail(subject, label, body, encoded))
    assert (message.text, message.subject) == (body.decode(name), subject.decode(name))


def test_even_one_short_sentence_is_read_under_nearly_every_label() -> None:
    tried = missed = 0
    for language, sentences in SENTENCES.items():
        for name in CHARSETS[language]:
            for label in (*LABELS[:6], name, SIBLINGS[language]):
                for sentence in sentences:
                    raw = sentence.encode(name, "ignore")
                    tried += 1
                    missed += charset.decode(raw, label).text != raw.decode(name)
    assert tried > 1_000
    assert missed <= 0.02 * tried


@settings(max_examples=150, deadline=None)
@given(texts("pl", "ru", "uk", "de"), st.sampled_from(READERS), st.data())
def test_lines_of_utf8_that_were_misread_are_mended_and_right_ones_left(
    text: tuple[str, list[str]], reader: str, data: st.DataObject
) -> None:
    lines = text[1]
    wrong = data.draw(st.lists(st.booleans(), min_size=len(lines), max_size=len(lines)))
    right = data.draw(st.sampled_from(RIGHT))
    shown = [misread_as(line, "utf-8", reader) if bad else line for line, bad in zip(lines, wrong, strict=True)]
    assert misread.mend("\n".join([right, *shown])).text == "\n".join([right, *lines])


@settings(max_examples=150, deadline=None)
@given(texts("pl", "ru", "uk", "de"), st.sampled_from(READERS), st.data())
def test_one_charset_read_as_another_is_mended(text: tuple[str, list[str]], reader: str, data: st.DataObject) -> None:
    language, lines = text
    # These two share most letters: a text may have but one that tells them apart.
    alike = {"cp1250", "iso8859-2"}
    real = data.draw(st.sampled_from([name for name in SWAPPED[language] if {name, reader} != alike]))
    meant = "\n".join(lines)
    assert misread.mend(misread_as(meant, real, reader)).text == meant


@pytest.mark.parametrize("reader", ["cp1250", "cp1251", "cp1252", "cp852"])
def test_text_misread_twice_is_mended(reader: str) -> None:
    for language in ("pl", "ru", "uk", "de"):
        meant = "\n".join(SENTENCES[language])
        assert misread.mend(misread_as(misread_as(meant, "utf-8", reader), "utf-8", reader)).text == meant


@pytest.mark.parametrize(("real", "reader"), [("cp1250", "iso8859-2"), ("iso8859-2", "cp1250")])
def test_charsets_that_are_alike_are_told_apart_in_a_longer_text(real: str, reader: str) -> None:
    meant = "\n".join(SENTENCES["pl"])
    assert misread.mend(misread_as(meant, real, reader)).text == meant


@settings(max_examples=200, deadline=None)
@given(texts(least=1))
def test_right_text_is_left_alone(text: tuple[str, list[str]]) -> None:
    assert misread.mend("\n".join(text[1])).misread == ""


@pytest.mark.parametrize("text", RIGHT)
def test_strange_text_is_left_alone(text: str) -> None:
    assert misread.mend(text) == misread.Mended(text)


def test_a_mended_mail_says_so() -> None:
    wrong = misread_as("Proszę o fakturę za przesyłkę.", "utf-8", "cp852")
    head = f"From: {Header('Żółw', 'utf-8').encode()} <z@example.com>\nSubject: {Header(wrong, 'utf-8').encode()}\n"
    raw = head.encode() + b"Content-Type: text/plain; charset=utf-8\n\n" + wrong.encode()
    message = email.read(raw)
    assert (message.subject, message.text) == ("Proszę o fakturę za przesyłkę.",) * 2
    assert message.warnings == (
        "text: letters were mended: utf-8 had been read as cp852 before it was sent",
        "subject: letters were mended: utf-8 had been read as cp852 before it was sent",
    )
