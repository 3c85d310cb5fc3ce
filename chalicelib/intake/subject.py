"""Whether a subject is about the same matter as another, whatever mail programs and gateways made of it."""

import re
import unicodedata
from typing import Final

# What programs put before the subject of an answer or a forwarded mail, `Re[2]:` included.
_ANSWERS: Final = r"re|aw|antw|antwort|odp|отв|ответ|відп|відповідь|sv|vs|ynt|res|resp|rép|réf|回复|回覆|答复|答覆"
_COUNTED: Final = r"\s?(?:[\[(]\d{1,3}[\])])?\s?[:：]"
_PREFIX = re.compile(
    rf"\s*(?:{_ANSWERS}|fwd?|wg|pd|пересл|fw|пер|vb|ilt|enc|rv|tr|trs|转发|轉寄){_COUNTED}", re.IGNORECASE
)
_ANSWER = re.compile(rf"\s*(?:{_ANSWERS}){_COUNTED}", re.IGNORECASE)
# `[EXTERNAL]`, `[list-name]`, `(external)`, `EXTERNAL:`, `***SPAM***`: what gateways and lists put in front.
_TAG = re.compile(
    r"\s*(?:\[[^\[\]]{0,60}\]|\(ext(?:ernal|ern)?\)|ext(?:ernal|ern)?\s?[:：]|\*{2,}[^*]{1,30}\*{2,})", re.IGNORECASE
)
# What programs put in place of a subject that is missing.
_NONE = re.compile(
    r"[(<*-]*(?:no subject|(?:kein|ohne) betreff|(?:brak|bez) tematu|без тем[ыи]|немає теми|sans objet|sin asunto"
    r"|(?:senza|nessun) oggetto)[)>*-]*"
)
_WORD = re.compile(r"\w+")
#: Words shorter than this say little, and how a word ends says little: of longer ones so many letters are compared.
_SAYS_LITTLE: Final = 4
_STEM: Final = 5


def answers(subject: str) -> bool:
    """Whether the last thing a program did to it was to answer."""
    return bool(_ANSWER.match(_untagged(subject)))


def forwards(subject: str) -> bool:
    """Whether the last thing a program did to it was to forward."""
    return continues(subject) and not answers(subject)


def continues(subject: str) -> bool:
    """Whether a program put before it that the mail answers or forwards another."""
    return bool(_PREFIX.match(_untagged(subject)))


def _untagged(subject: str) -> str:
    left = subject
    while found := _TAG.match(left):
        left = left[found.end() :]
    return left


def bare(subject: str) -> str:
    """The subject without prefixes of answers and tags, in one spelling; '' for one that says that there is none."""
    left = unicodedata.normalize("NFKC", subject).casefold()
    while found := _PREFIX.match(left) or _TAG.match(left):
        left = left[found.end() :]
    left = " ".join(left.split())
    return "" if _NONE.fullmatch(left) else left


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
