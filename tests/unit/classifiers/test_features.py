import time
import unicodedata

import pytest

from classifiers import text
from classifiers.text import Document


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        ("Zażółć GĘŚLĄ jaźń", ["zazolc", "gesla", "jazn"]),
        ("Größe, Straße!", ["grose", "strase"]),
        ("Ещё ЁЛКА", ["еще", "елка"]),
        ("Її й їжак", ["її", "й", "їжак"]),
        ("order 90215, 2 items", ["order", "00000", "0", "items"]),
        ("İstanbul", ["istanbul"]),
        ("don't", ["don", "t"]),
        ("", []),
        ("?! ...", []),
    ],
)
def test_words_are_lowered_folded_and_freed_of_digits(written: str, normal: list[str]) -> None:
    assert text.words(written) == normal


def test_text_with_and_without_combining_marks_has_the_same_features() -> None:
    composed = "Proszę o zwrot, żółta sukienka. Підійшла"
    assert text.features(Document(unicodedata.normalize("NFD", composed))) == text.features(Document(composed))


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_places_point_at_the_words_in_the_original_text(form: str) -> None:
    written = unicodedata.normalize(form, "İki: Größe żółta\u00a0№5 Підійшла 👍🏽 ёлка")  # type: ignore[arg-type]
    found = [written[start:end] for start, end in text.places(written)]
    assert [text.words(piece) for piece in found] == [[word] for word in text.words(written)]
    assert [text.spelled(piece) for piece in found] == [[word] for word in text.spelled(written)]


@pytest.mark.parametrize(
    "spellings",
    [("доставка", "dostavka", "dostawka"), ("zwrócę", "zwroce"), ("рассылка", "rassylka"), ("Її", "ии", "ji")],
)
def test_one_word_in_several_alphabets_has_one_stem_and_one_set_of_grams(spellings: tuple[str, ...]) -> None:
    found = [text.word_features(*text.spelled(spelling)) for spelling in spellings]
    alike = [[feature for feature in features if not feature.startswith(("~", "'"))] for features in found]
    assert alike.count(alike[0]) == len(alike)
    assert len(set(map(tuple, found))) == len(spellings)


@pytest.mark.parametrize(
    "forms",
    [
        ("reklama", "reklamy", "reklamę", "reklamą"),
        ("zamówienie", "zamówienia", "zamówieniu", "zamówień"),
        ("доставка", "доставки", "доставку", "доставкой", "dostawka"),
        ("повернення", "поверненню"),
        ("Rechnung", "Rechnungen"),
        ("delivered", "delivery", "deliveries"),
    ],
)
def test_forms_of_a_word_share_its_stem(forms: tuple[str, ...]) -> None:
    assert len({text.stem(*text.spelled(form)) for form in forms}) == 1


@pytest.mark.parametrize(("word", "stem"), [("eau", "eau"), ("ja", "ia"), ("late", "lat"), ("", "")])
def test_three_letters_stay_whatever_they_are(word: str, stem: str) -> None:
    assert text.stem(word) == stem


@pytest.mark.parametrize("words", [("order", "ordinary"), ("return", "retail"), ("kawa", "kara")])
def test_other_words_have_other_stems(words: tuple[str, str]) -> None:
    assert text.stem(words[0]) != text.stem(words[1])


def test_own_letters_still_tell_languages_apart() -> None:
    own = [feature for feature in text.word_features("zwrócę") if feature.startswith("'")]
    assert {"'w", "'ó", "'ę", "'zw", "'ró", "'ę "} <= set(own)
    assert not [feature for feature in text.word_features("stop") if feature.startswith("'")]


def test_word_features_are_the_stem_its_meaning_and_its_grams_with_edges() -> None:
    assert text.word_features("ab") == ["=ab", "~ab", " a", "ab", "b ", " ab", "ab ", " ab "]
    assert text.word_features("ы") == ["=i", "~ы", " i", "i ", " i ", "'ы", "' ы", "'ы ", "' ы "]


def test_features_count_words_pairs_and_the_channel() -> None:
    found = text.features(Document("late lately", "chat"))
    assert found.count("=lat") == 1
    assert found.count("=latel") == 1
    assert found.count("=lat latel") == 1
    assert found[-1] == "@chat"
    assert "@" not in text.features(Document("late"))


def test_no_feature_breaks_the_line_based_vocabulary() -> None:
    found = text.features(Document("a\nb\r\nc\x0bd\u2028e", "odd\nchannel"))
    assert not any("\n" in feature for feature in found)


@pytest.mark.parametrize("hostile", ["a" * 10**6, "é\u0301" * 10**6, "a b " * 10**6, "\u0301" * 10**6, "👍" * 10**6])
def test_time_is_bounded_on_hostile_text(hostile: str) -> None:
    started = time.process_time()
    text.features(Document(hostile))
    text.places(hostile)
    assert time.process_time() - started < 1


@pytest.mark.parametrize(
    "subject",
    [
        "Re: Your order 4711",
        "RE:Your order",
        "re : x",
        "AW: AW: Ihre Bestellung",
        "Antw.: Ihre Bestellung",
        "Odp: Faktura",
        "Odp.: Faktura",
        "Отв: Заказ",
        "Ответ: Заказ",
        "Відп: Замовлення",
        "Re[2]: Заказ",
        "RE(3): order",
        "Re^2: order",
        " SV: order",
        "Re：订单",
    ],
)
def test_the_subject_of_what_is_answered_tells_nothing_of_what_is_wanted(subject: str) -> None:
    assert text.told(subject, "I want to send it back.") == "I want to send it back."
    assert text.told(subject, "Yes, thanks!") == text.tagged_text(subject, "Yes, thanks!")


@pytest.mark.parametrize(
    "subject", ["Return: order 4711", "Reklamacja", "Fwd: Your order", "Order 4711, re: size", "", "Awaria: piec"]
)
def test_any_other_subject_is_the_senders_own(subject: str) -> None:
    assert text.told(subject, "I want to send it back.") == text.tagged_text(subject, "I want to send it back.")


def test_a_subject_of_spaces_costs_no_time() -> None:
    """Planted: with spaces without end, 4,000 of them took a minute."""
    started = time.process_time()
    for subject in ("re" + " " * 100_000, " " * 100_000, "re[" + "1" * 100_000, "re: " * 25_000):
        text.told(subject, "I want to send it back.")
    assert time.process_time() - started < 0.1


def test_tagged_text_joins_subject_and_body() -> None:
    assert text.tagged_text("Late", "Where?") == "Late\nWhere?"
    assert text.tagged_text("", "Where?") == "Where?"
