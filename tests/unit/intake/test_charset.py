"""Which charset reads which bytes, in the desk's five languages."""

import pytest

from chalicelib.intake import charset, email, misread

TEXTS = {
    "pl": "Proszę o zwrot pieniędzy za zamówienie, które dotarło uszkodzone. Zażalenie składam już drugi raz.",
    "ru": "Здравствуйте, мой заказ до сих пор не пришёл. Прошу вернуть деньги или объяснить задержку.",
    "uk": "Добрий день, моє замовлення досі не надійшло. Прошу повернути кошти або пояснити затримку.",
    "de": "Guten Tag, meine Bestellung ist beschädigt angekommen. Bitte prüfen Sie die Rückzahlung größerer Beträge.",
    "en": "Hello, my order hasn't arrived yet – could you please check? I paid £30.",
}
READABLE = [
    *[("pl", name) for name in ("utf-8", "cp1250", "iso8859-2", "cp852", "mac-latin2")],
    *[("ru", name) for name in ("utf-8", "cp1251", "koi8-r", "cp866", "iso8859-5", "mac-cyrillic")],
    *[("uk", name) for name in ("utf-8", "cp1251", "koi8-u")],
    *[("de", name) for name in ("utf-8", "cp1252", "iso8859-1")],
    *[("en", name) for name in ("utf-8", "cp1252")],
]


@pytest.mark.parametrize("declared", ["", "us-ascii", "iso-8859-1", "windows-1252", "utf-8", "x-unknown", "RIGHT"])
@pytest.mark.parametrize(("language", "name"), READABLE)
def test_wrong_labels_do_not_matter(language: str, name: str, declared: str) -> None:
    text = TEXTS[language]
    data = text.encode(name, "ignore")
    assert charset.decode(data, name if declared == "RIGHT" else declared).text == data.decode(name)


@pytest.mark.parametrize(
    ("name", "declared"), [("cp1250", "iso-8859-2"), ("iso8859-2", "windows-1250"), ("cp852", "windows-1250")]
)
def test_a_neighbour_charset_is_seen_through(name: str, declared: str) -> None:
    assert charset.decode(TEXTS["pl"].encode(name), declared).text == TEXTS["pl"]


@pytest.mark.parametrize(("name", "declared"), [("koi8-r", "windows-1251"), ("cp866", "koi8-r"), ("cp1251", "koi8-r")])
def test_a_cyrillic_neighbour_is_seen_through(name: str, declared: str) -> None:
    assert charset.decode(TEXTS["ru"].encode(name), declared).text == TEXTS["ru"]


@pytest.mark.parametrize(
    ("declared", "name"),
    [
        ("UTF8", "utf-8"), ("uft-8", "utf-8"), ("unicode-1-1-utf-7", "utf-7"), ("x-mac-ce", "mac-latin2"),
        ("IBM852", "cp852"), ("ks_c_5601-1987", "cp949"), ("x-gbk", "gb18030"), ("GB2312", "gb18030"),
        ("Windows-1250", "cp1250"), ("cp-1251", "cp1251"), ("ISO_8859-2", "iso8859-2"), ("latin1", "cp1252"),
        ("base64", ""), ("rot13", ""), ("idna", ""), ("unicode_escape", ""), ("", ""), ("\0", ""), ("x" * 500, ""),
    ],
)  # fmt: skip
def test_names_of_charsets(declared: str, name: str) -> None:
    assert charset.codec(declared) == name


def test_short_text_follows_the_body() -> None:
    assert charset.decode("Żółw".encode("iso8859-2"), likely="iso8859-2").text == "Żółw"


@pytest.mark.parametrize("name", ["gb18030", "cp949", "iso2022-jp", "big5", "euc-jp"])
def test_charsets_with_several_bytes_are_believed(name: str) -> None:
    data = "中文".encode(name)
    assert charset.decode(data, name).text == "中文"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("gb18030", "转发：整体提升企业服务水平"), ("big5", "各位同事，會議改在下午三點舉行"),
        ("cp932", "こんにちは、荷物はいつ届きますか"), ("euc-jp", "こんにちは、荷物はいつ届きますか"),
        ("cp949", "안녕하세요 주문한 상품이 아직 안 왔습니다"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("declared", ["", "iso-8859-1", "utf-8"])
def test_east_asian_text_is_read_without_its_name(name: str, text: str, declared: str) -> None:
    assert charset.decode(text.encode(name), declared).text == text


def test_text_of_two_charsets_is_read_by_pieces() -> None:
    found = charset.decode("äöü – ".encode() + b"hi \xe4", "gb2312")
    assert found.text == "äöü – hi ä"


def test_utf16_needs_nuls() -> None:
    assert charset.decode("Zażółć".encode("utf-16"), "utf-16").text == "Zażółć"
    assert charset.decode(b"plain words", "utf-16").text == "plain words"


def test_a_bad_byte_in_utf8_is_kept_and_told() -> None:
    found = charset.decode("zażółć gęślą jaźń ".encode() + b"\xe4", "utf-8")
    assert found.text == "zażółć gęślą jaźń ä"
    assert "not valid utf-8" in found.warning


def test_nuls_and_half_characters_are_told() -> None:
    assert charset.storable("a\0b") == ("ab", "1 NUL characters left out")
    assert charset.storable("a\ud800b") == ("a\ufffdb", "half characters replaced")
    assert charset.storable("a\0\ud800") == ("a\ufffd", "1 NUL characters left out")


def test_no_byte_is_dropped() -> None:
    for name in ("", "ascii", "utf-8", "cp1252", "cp1250", "koi8-r"):
        assert len(charset.decode(bytes(range(1, 256)), name).text) == 255


@pytest.mark.parametrize("word", ["ФОП", "ЖКХ", "МФЦ", "ХОЧУ", "ЙОМУ", "ШТРАФЫ", "БЮДЖЕТ", "Мышь", "йому"])
def test_one_word_alone_is_never_mended_by_its_letters(word: str) -> None:
    for text in (word, f"Re: {word}", f"{word} 4711"):
        assert misread.mend(text).text == text
        assert email.read(f"From: Anna <a@b.c>\nSubject: {text}\n\n{text}\n".encode()).subject == text


def test_one_word_is_mended_as_the_rest_of_its_mail_is() -> None:
    text = "Где мой заказ? Прошу вернуть деньги.".encode("cp1251").decode("koi8-r")
    raw = f"From: Anna <a@b.c>\nSubject: {'возврат'.encode('cp1251').decode('koi8-r')}\n\n{text}\n".encode()
    assert email.read(raw).subject == "возврат"


@pytest.mark.parametrize("text", ["CZĘŚCI ZAMIENNE", "SZCZEGÓŁY", "SZKÓŁ", "DÓŁ", "MĘŻCZYZNA", "PRÓŚB"])
@pytest.mark.parametrize("name", ["iso8859-2", "cp1250"])
def test_letters_that_happen_to_be_utf8_are_read_as_they_are_labelled(text: str, name: str) -> None:
    assert charset.decode(text.encode(name), name).text == text
    assert charset.decode(text.encode(name), "", likely=name).text == text
    assert charset.decode(text.encode(), name).text == text


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("ПОКУПАЮ", "koi8-r"), ("МЕСЯЦ", "koi8-r"), ("ЙОД", "koi8-r"), ("СЕРЦЕМ", "koi8-u"), ("ПЕТЕРБУРГ", "cp1251"),
        ("ПОДПИШУ", "cp1251"), ("ФОП", "cp1251"), ("ЖКХ", "koi8-r"),
    ],
)  # fmt: skip
def test_one_word_of_capitals_is_read_as_it_is_labelled(word: str, name: str) -> None:
    assert charset.decode(word.encode(name), name).text == word
    other = "cp1251" if name.startswith("koi8") else "koi8-r"
    assert charset.decode("возврат".encode(other), name, likely=other).text == "возврат"


@pytest.mark.parametrize(("word", "real"), [("Prośba", "cp1250"), ("Żółw", "iso8859-2"), ("Привет", "cp1251")])
def test_one_word_is_not_read_as_the_label_that_programs_put_on_everything(word: str, real: str) -> None:
    for label in ("iso-8859-1", "windows-1252"):
        assert charset.decode(word.encode(real), label).text == word
