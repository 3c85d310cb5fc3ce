"""Turns a message into the features the classifiers count; training and serving both run this very code."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

VERSION: Final = 6  # raise whenever any text would yield other features: older models then refuse to load
MAX_CHARACTERS: Final = 8_000  # what a message wants is said before this; bounds the time of hostile input
MAX_WORD: Final = 32  # longer runs (pasted keys, encoded files) are cut into pieces of this length
GRAM_SIZES: Final = (2, 3, 4, 5)
OWN_GRAM_SIZES: Final = (1, 2, 3)
STEM: Final = 7  # letters of a word at most; what follows is mostly endings
LEAST_STEM: Final = 3  # so many are kept whatever they are
TELLING_LETTERS: Final = 15  # of a body that says by itself what is wanted, two or three words

_WORD: Final = re.compile(rf"\w{{1,{MAX_WORD}}}")
#: How mail programs begin the subject of an answer. Spaces are few: many of them would be tried in all ways.
_ANSWERS: Final = re.compile(
    r"\s{0,9}(?:re|aw|antw(?:ort)?|odp|отв(?:ет)?|відп|sv|vs|res|rif|r|réf|vá|ynt|ats|atb)"
    r"\s{0,3}(?:[\[(]\d{1,3}[\])]|\^\d{1,3})?\s{0,3}\.?\s{0,3}[:：]",
    re.IGNORECASE,
)
_MARKED: Final = {
    "a": "àáâãäåąæ", "c": "çćč", "d": "ďđ", "e": "èéêëęě", "g": "ğ", "i": "ìíîïı", "l": "ł", "n": "ñńň",
    "o": "òóôõöøőœ", "r": "ř", "s": "ßśš", "t": "ť", "u": "ùúûüůű", "y": "ý", "z": "źżž", "е": "ё",
}  # fmt: skip
_DIGITS: Final = dict.fromkeys("123456789", "0")
# Every replacement is one character long: an offset in the words' form is an offset in the lowered text.
_FOLD: Final = str.maketrans({marked: plain for plain, many in _MARKED.items() for marked in many} | _DIGITS)
_ZEROED: Final = str.maketrans(_DIGITS)
#: Letters that stand for one sound, or nearly, in the alphabets and spellings of the desk's languages.
_SOUNDS: Final = {
    "a": "ая", "b": "б", "c": "цч", "d": "д", "e": "еэєё", "f": "ф", "g": "гґ", "h": "х", "i": "yjийыіїьъý", "k": "к",
    "l": "л", "m": "м", "n": "н", "o": "о", "p": "п", "r": "р", "s": "сшщ", "t": "т", "u": "уюў", "v": "wв", "z": "зж",
}  # fmt: skip
_PLAIN: Final = _FOLD | str.maketrans({letter: plain for plain, many in _SOUNDS.items() for letter in many})
_PLAIN_VOWELS: Final = "aeiou"
#: What stands inside words unseen: soft hyphens, characters without width or for direction, marks no letter took in
#: (stress in Russian).
_SILENT: Final = re.compile(
    "[\u00ad\u0300-\u036f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff]"
)
# "İ" is the one character whose lower case is longer than itself.
_LOWER_EXCEPTION: Final = str.maketrans({"İ": "i"})


@dataclass(frozen=True, slots=True)
class Document:
    """What features are taken from: the customer's own text and the channel it came by ("" when unknown)."""

    text: str
    channel: str = ""


def tagged_text(subject: str, body: str) -> str:
    """The text that tags speak about and evidence points into."""
    return f"{subject}\n{body}" if subject else body


def told(subject: str, body: str) -> str:
    """What its sender wants said: `tagged_text`, or its end where the subject is that of a mail he answers.

    It is mostly the desk's own then, of a confirmation or a notice; it counts where the body says too little.
    """
    return body if _ANSWERS.match(subject) and tells(body) else tagged_text(subject, body)


def tells(body: str) -> bool:
    """Whether a body says enough to be understood without its subject."""
    return sum(map(str.isalpha, body[:MAX_CHARACTERS])) >= TELLING_LETTERS


def has_letters(text: str) -> bool:
    """Whether any character of any script is a letter."""
    return any(character.isalpha() for character in text)


def words(text: str) -> list[str]:
    """Words of the text, in order of appearance: lowered, without marks on letters, digits as 0."""
    found: list[str] = _WORD.findall(_lower(_composed(text)).translate(_FOLD))
    return found


def spelled(text: str) -> list[str]:
    """The same words in their own letters, lowered; digits are 0."""
    found: list[str] = _WORD.findall(_lower(_composed(text)).translate(_ZEROED))
    return found


def stem(word: str) -> str:
    """What a `spelled` word shares with its other forms, in one alphabet for all languages.

    "доставку", "dostawki" and "dostavka" have one stem, and so have "delivered" and "delivery".
    """
    found = word.translate(_PLAIN)
    return found[:LEAST_STEM] + found[LEAST_STEM:STEM].rstrip(_PLAIN_VOWELS)


def word_features(word: str) -> list[str]:
    """Features of one `spelled` word: its stem, its meaning, and character n-grams of the word in the one alphabet,
    its edges included.

    Shorter n-grams of its own spelling, marked with ', stand beside them where they differ: they tell languages apart.
    """
    found = word.translate(_PLAIN)
    padded = f" {found} "
    length = len(padded)
    grams = [padded[i : i + size] for size in GRAM_SIZES for i in range(length - size + 1)]
    if found != word:
        own = f" {word} "
        grams += [
            "'" + own[i : i + size]
            for size in OWN_GRAM_SIZES
            for i in range(length - size + 1)
            if own[i : i + size] != padded[i : i + size]
        ]
    return ["=" + stem(word), meaning_feature(word), *grams]


def meaning_feature(word: str) -> str:
    """Feature of what a `spelled` word means, which models with word vectors know of many words they never met."""
    return "~" + word


def is_of_meaning(feature: str) -> bool:
    """Whether the feature is a word's meaning."""
    return feature.startswith("~")


def meant_word(feature: str) -> str:
    """The `spelled` word of a meaning feature."""
    return feature[1:]


def pair_feature(first: str, second: str) -> str:
    """Feature of two neighbouring words, given their stems."""
    return f"={first} {second}"


def near_pair_feature(first: str, second: str) -> str:
    """Feature of the stems of two words with one or more between them, whichever comes first."""
    return f"={first} ~{second}" if first < second else f"={second} ~{first}"


#: How two words make a feature, by how far apart they stand.
PAIR_FEATURES: Final = {1: pair_feature, 2: near_pair_feature, 3: near_pair_feature, 4: near_pair_feature}


def is_of_words(feature: str) -> bool:
    """Whether the feature is a whole word or words; others are pieces of words, facts and meanings."""
    return feature.startswith("=")


def length_feature(words: Sequence[str]) -> str:
    """Feature of how much was written: doublings of the number of words."""
    return f"@words {len(words).bit_length()}"


def channel_feature(channel: str) -> str:
    """Feature of the channel a message came by."""
    return "@" + "-".join(channel.split())


def features(document: Document) -> list[str]:
    """All features of the document, repeated as often as they occur; the analyzer of training."""
    found = spelled(document.text)
    stems = list(map(stem, found))
    counted = [feature for word in found for feature in word_features(word)]
    for distance, joined in PAIR_FEATURES.items():
        counted += map(joined, stems, stems[distance:])
    counted += facts(document, found)
    return counted


def meanings(document: Document) -> list[str]:
    """The features of meaning alone, repeated as often as they occur."""
    return list(map(meaning_feature, spelled(document.text)))


def facts(document: Document, words: Sequence[str]) -> list[str]:
    """Features of the document that are no words of its text; `words` are those of its text."""
    known = [length_feature(words)]
    return [*known, channel_feature(document.channel)] if document.channel else known


def places(text: str) -> list[tuple[int, int]]:
    """Start and end of each of the `words` in the original text, in the same order."""
    composed = _composed(text)
    spans = [match.span() for match in _WORD.finditer(_lower(composed).translate(_FOLD))]
    if composed == text[:MAX_CHARACTERS]:
        return spans
    origin = _origins(text)
    return [(origin[start][0], origin[end - 1][1]) for start, end in spans]


def _lower(text: str) -> str:
    return text.translate(_LOWER_EXCEPTION).lower() if "İ" in text else text.lower()


def _composed(text: str) -> str:
    """Letters and their combining marks as single characters (NFC), nothing unseen between them: mail programs differ
    in this, and who sends spam hides his words so."""
    clipped = text[:MAX_CHARACTERS]
    if clipped.isascii() or (unicodedata.is_normalized("NFC", clipped) and not _SILENT.search(clipped)):
        return clipped
    return "".join(map(_as_read, _clusters(clipped)))


def _as_read(cluster: str) -> str:
    return _SILENT.sub("", unicodedata.normalize("NFC", cluster))


def _clusters(text: str) -> Sequence[str]:
    """The text cut before every character that does not combine with the one before it."""
    starts = [i for i, character in enumerate(text) if i == 0 or not unicodedata.combining(character)]
    return [text[start:end] for start, end in zip(starts, [*starts[1:], len(text)], strict=True)]


def _origins(text: str) -> list[tuple[int, int]]:
    """For each character of the composed text, start and end of its cluster in the original."""
    origin: list[tuple[int, int]] = []
    offset = 0
    for cluster in _clusters(text[:MAX_CHARACTERS]):
        origin += [(offset, offset + len(cluster))] * len(_as_read(cluster))
        offset += len(cluster)
    return origin
