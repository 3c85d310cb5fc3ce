"""Which single-byte charset makes words of these bytes: how much a text looks like one of the languages people write.

A language is its letters beyond ASCII, each with a weight: about what its being there says for the language. A text
is scored as the language that suits it best, so that letters of two languages do not help each other.
"""

import codecs
import re
import unicodedata
from collections import Counter
from functools import lru_cache
from typing import Final

from chalicelib.patterns import pattern

# In the order in which ties are decided.
CANDIDATES: Final = (
    "cp1252",
    "cp1250",
    "iso8859-2",
    "cp1251",
    "koi8-r",
    "cp866",
    "cp852",
    "iso8859-5",
    "mac-cyrillic",
    "mac-latin2",
    "koi8-u",
    "cp1125",
    "mac-roman",
)
WORDS_READ: Final = 120
SAMPLE_BYTES: Final = 2_000
DECLARED_BONUS: Final = 2.0  # a declared charset is believed unless another is better by more than this
DECLARED_SHARE: Final = 0.1  # … and this for each letter
DEFAULT_BONUS: Final = 1.0  # Windows-1252 and Latin-1 are declared by programs that were told nothing
RARE_COSTS: Final = 0.3  # for the charsets that mail seldom comes in
RARE: Final = frozenset({"iso8859-5", "mac-cyrillic", "mac-latin2", "mac-roman", "cp1125"})
GOOD: Final = 0.9  # the score a letter from which a text is taken for right
LIKELY_BONUS: Final = 4.0  # the charset of the body is most often that of the subject
OUTSIDE_WORDS: Final = frozenset("\u00a0\u00ad„”“’‘‚‹›«»–—…№§€£©®°×÷·±½¿¡")
_WORD = re.compile(rb"(?<![A-Za-z0-9])[A-Za-z0-9]*+[\x80-\xff][A-Za-z0-9\x80-\xff]*")


KEEP: Final = "intake.keep"
_WINDOWS: Final = [bytes([number]).decode("cp1252", "ignore") or chr(number) for number in range(256)]


def _keep_byte(problem: UnicodeError) -> tuple[str, int]:
    """A byte its charset does not define is shown as Windows-1252 has it, so none is lost."""
    if not isinstance(problem, UnicodeDecodeError):
        raise problem
    bad = problem.object[problem.start : problem.end]
    return "".join(_WINDOWS[byte] for byte in bad), problem.end


codecs.register_error(KEEP, _keep_byte)

_RUSSIAN: Final = {
    letter: weight
    for group, weight in {
        "оеаин": 2.2, "тсрвл": 1.8, "кмдпуя": 1.4, "ыьгзбчй": 0.9, "хжшюё": 0.5, "цщэ": 0.2, "ф": -0.3, "ъ": -1.0,
    }.items()
    for letter in group
}  # fmt: skip
_UKRAINIAN: Final = {
    **{letter: weight for letter, weight in _RUSSIAN.items() if letter not in "ыэъё"},
    "і": 2.0,
    "ї": 0.9,
    "є": 0.9,
    "ґ": -0.3,
}
# The desk's own languages weigh most; the others are known so that they are left alone.
LANGUAGES: Final[dict[str, dict[str, float]]] = {
    "pl": dict.fromkeys("ąęłóśżćńź", 2.2),
    "de": dict.fromkeys("äöüß", 2.2),
    "ru": _RUSSIAN,
    "uk": _UKRAINIAN,
    "en": dict.fromkeys("’‘“”–—£…", 1.6),
    "romance": {**dict.fromkeys("éèàçêôîâëïñáíóúüùòì", 1.6), **dict.fromkeys("ãõ", 1.2), **dict.fromkeys("œû", 0.8)},
    "nordic": dict.fromkeys("åäöøæéðþáíóúý", 1.5),
    "cs": dict.fromkeys("áčďéěíňóřšťúůýžľĺŕôä", 1.5),
    "hu": dict.fromkeys("áéíóöőúüű", 1.5),
    "ro": dict.fromkeys("ăâîşţșț", 1.5),
    "hr": dict.fromkeys("čćžšđ", 1.5),
    "tr": dict.fromkeys("çğıöşüâî", 1.5),
}
UPPER_COSTS: Final = 0.4  # a capital says less, and words of capitals are rare
CROWD_COSTS: Final = 1.0  # Latin letters with marks seldom stand side by side
LEANING_BONUS: Final = 2.0  # for the language whose plain letters and small words surround the letters in doubt
_LEANINGS: Final = {
    "pl": re.compile(rb"[rscd]z|[wj][aeioy]|ni[ae]|\b(?:w|z|na|do|o|i|za|od|po|nie)\b"),
    "de": re.compile(rb"s?ch|ck|ei|ung|tz|en\b|\b(?:und|der|die|das|ich|mit|sie|von|zu|ist)\b"),
    "en": re.compile(rb"th|ing\b|\b(?:the|and|is|it|you|of|to|in|for|with|my|have)\b"),
    "romance": re.compile(rb"qu|ou|eu|ion|\b(?:l[ae]s?|de|des|un|une|et|el|que|est|para|por|il|per|di)\b"),
}
# Signs that stand right behind a word, and right before one.
_BEHIND: Final = frozenset("\u00a0\u00ad”“’‘›«»–—…°®·")
_BEFORE: Final = frozenset("\u00a0\u00ad„”“’‘‚‹«»–—…§©№€£·¿¡")
_VOWELS: Final = frozenset("аеёиоуыэюяіїє" + "aeiouyóąę")
_SIGNS: Final = frozenset("ьъ")
_NO_LEAN: Final = dict.fromkeys(LANGUAGES, 0.0)
_STRANGE: Final = pattern(r"[^\x00-\x7f]")
_LONE: Final = pattern(r"(?<!\S)[^\W\d_a-zA-Z](?!\S)")
_WORDS_OF_ONE: Final = frozenset("àéèóаиоуявскіезйбж")
# Letters that no vowel follows, that begin no word, and that follow no consonant.
_BEFORE_CONSONANTS: Final = frozenset("ąęśźńй")
_NEVER_FIRST: Final = frozenset("ąęńßыйьъ")
_AFTER_VOWELS: Final = frozenset("ßй")
_SELDOM_SECOND: Final = frozenset("аоуыэ")


def choose(data: bytes, declared: str = "", likely: str = "") -> tuple[str, float]:
    """The candidate under which the words of `data` look most like words, and its score a letter.

    `declared` and `likely` get a bonus. One Cyrillic word alone says too little against the charset it is declared to
    be in: its capitals are small letters in the neighbour.
    """
    words = list(dict.fromkeys(_WORD.findall(data[:50_000])))[:WORDS_READ]
    alone = len(words) == 1 and declared in CANDIDATES and likely in ("", declared)
    if alone and _is_cyrillic(words[0].decode(declared, KEEP)):
        return declared, GOOD
    sample = b" ".join(words)[:SAMPLE_BYTES]
    size = max(1, sum(byte > 127 for byte in sample))
    lean = leaning(data[:SAMPLE_BYTES])
    believed = DEFAULT_BONUS if declared == "cp1252" else DECLARED_BONUS + DECLARED_SHARE * size

    def total(name: str) -> float:
        return (
            score(sample.decode(name, KEEP), lean)
            - (name in RARE) * RARE_COSTS
            + (name == declared) * believed
            + (name == likely) * LIKELY_BONUS
        )

    scores = {name: total(name) for name in (*CANDIDATES, *filter(None, (declared, likely)))}
    chosen = max(scores, key=lambda name: scores[name])
    return chosen, scores[chosen] / size


def _is_cyrillic(text: str) -> bool:
    """Whether a text is Cyrillic letters only, that may stand together."""
    cyrillic = all(is_letter(letter) and _script(letter) == "cyrillic" for letter in text)
    return cyrillic and min(map(together, text, text[1:]), default=0.0) > -2


def leaning(data: bytes) -> dict[str, float]:
    """What the ASCII letters of a text say for some of the languages: 2 to be shared among them."""
    plain = data.lower()
    counts = {language: len(chunk.findall(plain)) for language, chunk in _LEANINGS.items()}
    most = max(2, sum(counts.values()))
    return {language: LEANING_BONUS * counts.get(language, 0) / most for language in LANGUAGES}


def score(text: str, lean: dict[str, float] | None = None) -> float:
    """How much a text looks like words; about 1.5 a non-ASCII letter when it is right, near or below 0 when not."""
    alone = list((lean or _NO_LEAN).values())
    for letter, count in Counter(_STRANGE.findall(text)).items():
        alone = [total + count * weight for total, weight in zip(alone, _alone(letter), strict=True)]
    lonely = sum(letter.lower() not in _WORDS_OF_ONE for letter in _LONE.findall(text))
    return max(alone) + sum(map(together, " " + text, text + " ")) - 1.5 * lonely


@lru_cache(maxsize=16384)
def _alone(letter: str) -> tuple[float, ...]:
    """What a letter says for each of the languages."""
    lower = letter.lower()
    capital = UPPER_COSTS if letter != lower else 0.0
    otherwise = _in_no_language(letter)
    return tuple(weights[lower] - capital if lower in weights else otherwise for weights in LANGUAGES.values())


def _in_no_language(letter: str) -> float:
    if is_letter(letter):
        return -0.7 if _script(letter) == "cyrillic" else -0.3
    if letter in OUTSIDE_WORDS:
        return 0.3
    return -2.0 if unicodedata.category(letter) in ("Cc", "So", "Sk", "Lm", "Co") else -0.5


@lru_cache(maxsize=65536)
def together(before: str, letter: str) -> float:
    """The price of two neighbours that do not stand together inside a word."""
    if before < "\x80" and letter < "\x80":
        return 0.0
    if is_letter(before) and is_letter(letter):
        jump = -3.0 if before.islower() and letter.isupper() else 0.0
        mixed = -4.0 if _script(before) != _script(letter) else 0.0
        crowded = -CROWD_COSTS if before > "\x7f" < letter and "latin" == _script(before) == _script(letter) else 0.0
        return jump + mixed + crowded + _spelling(before.lower(), letter.lower())
    if before.isdigit() or letter.isdigit():
        return -1.5 if is_letter(before) or is_letter(letter) else 0.0
    if is_letter(before) and letter > "\x7f":
        return 0.0 if letter in _BEHIND else -1.5 if letter in OUTSIDE_WORDS else -2.0
    if is_letter(letter) and before > "\x7f" and before not in _BEFORE:
        return -1.5 if before in OUTSIDE_WORDS else -2.0
    return -1.5 if letter.lower() in _NEVER_FIRST else 0.0


def _spelling(before: str, letter: str) -> float:
    """What Polish, German, Russian and Ukrainian never or seldom spell."""
    vowel_before, vowel = before in _VOWELS, letter in _VOWELS
    if letter in _SIGNS:
        return -3.0 if vowel_before or before in _SIGNS else 0.0
    if vowel and before in _BEFORE_CONSONANTS:
        return -1.5
    if letter in _AFTER_VOWELS and not (vowel_before or before in "äöü"):
        return -1.5
    return -0.5 if vowel and vowel_before and letter in _SELDOM_SECOND else 0.0


@lru_cache(maxsize=4096)
def is_letter(letter: str) -> bool:
    """Whether words are made of it: modifiers such as ˆ and ordinals such as ª are none."""
    return (letter.isascii() and letter.isalpha()) or unicodedata.category(letter) in ("Lu", "Ll")


def _script(letter: str) -> str:
    return "cyrillic" if "\u0400" <= letter <= "\u04ff" else "latin"
