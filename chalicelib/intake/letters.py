"""Which single-byte charset makes words of these bytes: a score for Polish, Russian, Ukrainian and German."""

import codecs
import re
import unicodedata
from functools import lru_cache
from typing import Final

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
)
WORDS_READ: Final = 120
SAMPLE_BYTES: Final = 2_000
DECLARED_BONUS: Final = 2.0  # a declared charset is believed unless another is better by more than this
LIKELY_BONUS: Final = 4.0  # the charset of the body is most often that of the subject
OUTSIDE_WORDS: Final = frozenset("\u00a0„”“’‘«»–—…№§€£°©®")
_WORD = re.compile(rb"[A-Za-z0-9]*[\x80-\xff][A-Za-z0-9\x80-\xff]*")


KEEP: Final = "intake.keep"
_WINDOWS: Final = [bytes([number]).decode("cp1252", "ignore") or chr(number) for number in range(256)]


def _keep_byte(problem: UnicodeError) -> tuple[str, int]:
    """A byte its charset does not define is shown as Windows-1252 has it, so none is lost."""
    if not isinstance(problem, UnicodeDecodeError):
        raise problem
    bad = problem.object[problem.start : problem.end]
    return "".join(_WINDOWS[byte] for byte in bad), problem.end


codecs.register_error(KEEP, _keep_byte)


def _weights() -> dict[str, float]:
    groups = (
        ("оеаинтсрвлкм", 2.0),
        ("дпуяыьгзбчйхжшюіїє", 1.5),
        ("цщэфъёґ", 0.8),
        ("ąęłóśżćńź", 2.0),
        ("äöüß", 1.8),
        ("éèàçêôîùâñáíúãõïëøåæ", 1.4),
        ("čšžřěůťďňýľĺŕőű", 0.5),
    )
    lower = {letter: weight for group, weight in groups for letter in group}
    return lower | {letter.upper(): weight * 0.6 for letter, weight in lower.items() if len(letter.upper()) == 1}


WEIGHTS: Final = _weights()


def choose(data: bytes, declared: str = "", likely: str = "") -> str:
    """The candidate under which the words of `data` look most like words; `declared` and `likely` get a bonus."""
    words = list(dict.fromkeys(_WORD.findall(data[:50_000])))[:WORDS_READ]
    sample = b" ".join(words)[:SAMPLE_BYTES]

    def total(name: str) -> float:
        bonus = (name == declared) * DECLARED_BONUS + (name == likely) * LIKELY_BONUS
        return score(sample.decode(name, KEEP)) + bonus

    return max(CANDIDATES, key=total)


def score(text: str) -> float:
    """How much a text looks like words; about 1.5 a non-ASCII letter when it is right, below 0 when it is not."""
    total, before = 0.0, " "
    for letter in text:
        if letter > "\x7f":
            total += _alone(letter)
        if before > "\x7f" or letter > "\x7f":
            total += _together(before, letter)
        before = letter
    return total


@lru_cache(maxsize=4096)
def _alone(letter: str) -> float:
    if letter in WEIGHTS:
        return WEIGHTS[letter]
    if letter.isalpha():
        return 0.1
    if letter in OUTSIDE_WORDS:
        return 0.3 if letter == "\u00a0" else 1.0
    return -2.0 if unicodedata.category(letter) in ("Cc", "So", "Sk") else -0.5


@lru_cache(maxsize=16384)
def _together(before: str, letter: str) -> float:
    """The price of two neighbours that do not stand together inside a word."""
    if before.isalpha() and letter.isalpha():
        jump = -3.0 if before.islower() and letter.isupper() else 0.0
        return jump - (4.0 if _script(before) != _script(letter) else 0.0)
    if before.isdigit() or letter.isdigit():
        return -1.5 if before.isalpha() or letter.isalpha() else 0.0
    if before.isalpha() and letter > "\x7f":
        return 0.0 if letter in OUTSIDE_WORDS else -2.0
    if letter.isalpha() and before > "\x7f":
        return 0.0 if before in OUTSIDE_WORDS else -2.0
    return 0.0


def _script(letter: str) -> str:
    return "cyrillic" if "\u0400" <= letter <= "\u04ff" else "latin"
