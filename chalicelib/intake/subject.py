"""Whether a subject is about the same matter as another, whatever mail programs and gateways made of it."""

import re
import unicodedata
from typing import Final

# What programs put before the subject of an answer or a forwarded mail, `Re[2]:` included.
_PREFIX = re.compile(
    r"\s*(?:re|fwd?|aw|antw|antwort|wg|odp|pd|отв|ответ|пересл|fw|відп|відповідь|пер|sv|vs|vb|ynt|ilt|res|resp|enc|rv|"
    r"rép|réf|tr|trs|回复|回覆|答复|答覆|转发|轉寄)\s?(?:[\[(]\d{1,3}[\])])?\s?[:：]",
    re.IGNORECASE,
)
# `[EXTERNAL]`, `[list-name]`, `(external)`, `EXTERNAL:`, `***SPAM***`: what gateways and lists put in front.
_TAG = re.compile(
    r"\s*(?:\[[^\[\]]{0,60}\]|\(ext(?:ernal|ern)?\)|ext(?:ernal|ern)?\s?[:：]|\*{2,}[^*]{1,30}\*{2,})", re.IGNORECASE
)
_WORD = re.compile(r"\w+")
#: Words shorter than this say little, and how a word ends says little: of longer ones so many letters are compared.
_SAYS_LITTLE: Final = 4
_STEM: Final = 5


def bare(subject: str) -> str:
    """The subject without prefixes of answers and tags, in one spelling."""
    left = unicodedata.normalize("NFKC", subject).casefold()
    while found := _PREFIX.match(left) or _TAG.match(left):
        left = left[found.end() :]
    return " ".join(left.split())


def is_another(subject: str, known: str) -> bool:
    """Whether the words really differ. An empty or shortened subject is no other, nor one that tells what it was."""
    new, old = bare(subject), bare(known)
    if not new or not old or new in old or old in new:
        return False
    said, was = _words(new), _words(old)
    if not said or not was:
        return False
    shared = said & was
    return not shared or not (_telling(shared) or not _telling(said) or not _telling(was))


def _words(subject: str) -> set[str]:
    return {word[:_STEM] if word.isalpha() else word for word in _WORD.findall(subject)}


def _telling(words: set[str]) -> set[str]:
    return {word for word in words if len(word) >= _SAYS_LITTLE or any(c.isdigit() for c in word)}
