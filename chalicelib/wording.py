"""Words and phrases that the desk's rules look for: whole words, in the normal form the classifiers use. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from classifiers import text

#: A beginning shorter than this would be found everywhere.
SHORTEST_BEGINNING: Final = 3
#: Stands behind a word that is only a beginning.
_BEGINS: Final = "*"


@dataclass(frozen=True, slots=True)
class _Word:
    """A word in normal form, or (`begins`) how it begins."""

    said: str
    begins: bool

    def fits(self, word: str) -> bool:
        return word.startswith(self.said) if self.begins else word == self.said


type _Phrase = tuple[_Word, ...]


@dataclass(frozen=True)
class Phrases:
    """What a rule looks for: any of these words or phrases. `zwarci*` is every word that begins so.

    Words are compared whole and in the classifiers' normal form: small letters, without marks.
    """

    texts: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.texts)

    def first(self, words: Sequence[str]) -> tuple[int, int] | None:
        """Where the first phrase stands in a text: index of its first word and of the one after its last."""
        return next(self.spans(words), None)

    def spans(self, words: Sequence[str]) -> Iterator[tuple[int, int]]:
        """Where phrases stand in a text, in order; of several that begin at one word the first that fits."""
        exact, beginnings = self._index
        for start, word in enumerate(words):
            candidates = exact.get(word, ())
            if found := beginnings.get(word[:SHORTEST_BEGINNING]):
                candidates = (*candidates, *found)
            for phrase in candidates:
                end = start + len(phrase)
                if end <= len(words) and all(one.fits(words[start + n]) for n, one in enumerate(phrase)):
                    yield start, end
                    break

    @cached_property
    def _index(self) -> tuple[dict[str, tuple[_Phrase, ...]], dict[str, tuple[_Phrase, ...]]]:
        """The phrases by their first word, and by the first letters of one that is only a beginning."""
        exact: dict[str, tuple[_Phrase, ...]] = {}
        beginnings: dict[str, tuple[_Phrase, ...]] = {}
        for phrase in map(tuple, map(parsed, self.texts)):
            head = phrase[0]
            index, key = (beginnings, head.said[:SHORTEST_BEGINNING]) if head.begins else (exact, head.said)
            index[key] = (*index.get(key, ()), phrase)
        return exact, beginnings


#: What looks for nothing.
NOTHING: Final = Phrases()


def parsed(phrase: str) -> list[_Word]:
    """The words of a phrase. Raises `ValueError` with what is wrong with it."""
    found: list[_Word] = []
    for piece in phrase.split():
        begins = piece.endswith(_BEGINS)
        words = text.words(piece.removesuffix(_BEGINS))
        found += [_Word(word, begins and n == len(words)) for n, word in enumerate(words, 1)]
    if not found:
        raise ValueError("has no word in it")
    if any(character.isdigit() for character in phrase):
        raise ValueError("has a digit in it: numbers look alike to the classifiers, and to rules")
    if any(word.begins and len(word.said) < SHORTEST_BEGINNING for word in found):
        raise ValueError(f"a beginning needs {SHORTEST_BEGINNING} letters before the asterisk")
    return found


def said_in(phrases: Phrases, texts: Iterable[str]) -> bool:
    """Whether any of the phrases stands in any of the texts."""
    return bool(phrases) and any(phrases.first(text.words(one)) is not None for one in texts)
