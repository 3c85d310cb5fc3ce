"""What a desk needs to know before it can work on a matter, and how it is recognised in what a customer wrote. Pure."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

#: Text behind this is not searched: it bounds the time of any pattern.
SEARCHED: Final = 8_000
#: Where a desk's text says what is missing.
MISSING: Final = "{missing}"
_LONGEST_PATTERN: Final = 200
# A repetition of what repeats itself can take for ever.
_REPEATED_TWICE: Final = re.compile(r"[+*}]\)[+*{]")


@dataclass(frozen=True, slots=True)
class Ask:
    """Something the desk asks customers for. `says` are its names by language; `pattern` is None for a `kind` that is
    recognised here."""

    name: str
    says: Mapping[str, str]
    kind: str = ""
    pattern: re.Pattern[str] | None = None

    def given_in(self, text: str) -> bool:
        """Whether a text gives it."""
        searched = text[:SEARCHED]
        if self.pattern is not None:
            return self.pattern.search(searched) is not None
        return KINDS[self.kind](searched)


@dataclass(frozen=True, slots=True)
class Asks:
    """All that the desk asks for, by name; by language the text that asks, with `{missing}` in it."""

    by_name: Mapping[str, Ask] = field(default_factory=lambda: MappingProxyType({}))
    texts: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    def given_in(self, texts: Iterable[str]) -> frozenset[str]:
        """What any of the texts gives."""
        if not self.by_name:
            return frozenset()
        together = list(texts)
        return frozenset(name for name, ask in self.by_name.items() if any(map(ask.given_in, together)))

    def letter(self, missing: Iterable[str], language: str, first: str) -> str:
        """The text that asks for all that is missing at once, in the language, else the desk's `first`; '' where
        nothing is missing or the desk has no such text."""
        names = list(missing)
        spoken = language if language in self.texts else first
        if not names or spoken not in self.texts:
            return ""
        said = (self.by_name[name].says for name in names)
        lines = (f"- {says.get(spoken) or says[first]}" for says in said)
        return self.texts[spoken].strip().replace(MISSING, "\n".join(lines))


def is_nip(text: str) -> bool:
    """Whether ten digits, hyphens and spaces left out, are a Polish tax number: its last digit checks the others."""
    digits = [int(character) for character in text if character in "0123456789"]
    weights = (6, 5, 7, 2, 3, 4, 5, 6, 7)
    if len(digits) != len(weights) + 1 or not any(digits):
        return False
    return sum(map(int.__mul__, digits, weights)) % 11 == digits[-1]


def is_postal(text: str) -> bool:
    """Whether thirteen characters are a number of the Universal Postal Union (S10): its ninth digit checks the rest."""
    digits, weights = [int(one) for one in text[2:11]], (8, 6, 4, 2, 3, 5, 9, 7)
    check = 11 - sum(map(int.__mul__, digits, weights)) % 11
    return digits[-1] == {10: 0, 11: 5}.get(check, check)


_NIP: Final = re.compile(
    r"(?<![\d-])\d{3}[- ]?(?:\d{3}[- ]?\d{2}[- ]?\d{2}|\d{2}[- ]?\d{2}[- ]?\d{3})(?![\d-])", re.ASCII
)
# A word for it, at most a few signs or "no.", and then something with a digit in it.
_NUMBER: Final = r"[\s.:#№-]*(?:(?:no|nr|number|numer|nummer|номер)\b[\s.:#№-]*)?(?=[A-Z0-9/._-]*\d)"
_SERIAL: Final = re.compile(
    rf"(?:\bs/n|\bsn\b|\bserial\b|\bseryjn\w+|\bserien-?nummer|\bсерийн\w+|\bсерійн\w+){_NUMBER}"
    r"[A-Z0-9][A-Z0-9/-]{4,29}",
    re.IGNORECASE,
)
_INVOICE: Final = re.compile(
    rf"(?:\binvoice|\bfaktur\w*|\bfv|\brechnung(?:s-?nummer)?|\bсч[её]т\w*|\bрахун\w+|\bфактур\w*){_NUMBER}"
    r"[A-Z0-9][A-Z0-9/._-]{2,29}",
    re.IGNORECASE,
)
_CARRIERS: Final = re.compile(r"\b(?:1Z[0-9A-Z]{16}|JJD\d{16,18}|JVGL\d{10,22}|\d{20}|\d{24})\b", re.ASCII)
_POSTAL: Final = re.compile(r"\b[A-Z]{2}\d{9}[A-Z]{2}\b", re.ASCII)
_LABELLED: Final = re.compile(
    r"(?:\btrack\w*|\bparcel|\bshipment|\bwaybill|\bprzesyłk\w*|\bpaczk\w*|\blist\w* przewozow\w*"
    rf"|\bsendung\w*|\bpaket\w*|\bтрек\w*|\bнакладн\w*|\bпосылк\w*|\bпосилк\w*|\bттн\b){_NUMBER}[A-Z0-9]{{10,24}}\b",
    re.IGNORECASE,
)


def _gives_nip(text: str) -> bool:
    return any(is_nip(match[0]) for match in _NIP.finditer(text))


def _gives_tracking(text: str) -> bool:
    if _CARRIERS.search(text) or _LABELLED.search(text):
        return True
    return any(is_postal(match[0]) for match in _POSTAL.finditer(text))


#: What is recognised without a pattern of the desk.
KINDS: Final[Mapping[str, Callable[[str], bool]]] = MappingProxyType(
    {
        "nip": _gives_nip,
        "serial-number": lambda text: _SERIAL.search(text) is not None,
        "invoice-number": lambda text: _INVOICE.search(text) is not None,
        "tracking-number": _gives_tracking,
    }
)


def read(raw: Mapping[str, Any], languages: tuple[str, ...], broken: Callable[[str, str], Exception]) -> Asks:
    """What the file of a desk asks for. Raises what `broken` makes of a key and what is wrong with it."""
    entries, texts = raw.get("asks", {}), raw.get("asking", {})
    for name, value in (("asks", entries), ("asking", texts)):
        if not isinstance(value, dict):
            raise broken(name, "must be a table")
    asks = {name: _ask(name, entry, languages, broken) for name, entry in entries.items()}
    for language, text in texts.items():
        if language not in languages:
            raise broken(f"asking.{language}", f"is no language of the desk; there is {', '.join(languages)}")
        if not isinstance(text, str) or MISSING not in text:
            raise broken(f"asking.{language}", f"must be a text with {MISSING} in it")
    return Asks(MappingProxyType(asks), MappingProxyType(dict(texts)))


def _ask(name: str, entry: Any, languages: tuple[str, ...], broken: Callable[[str, str], Exception]) -> Ask:
    key = f"asks.{name}"
    if not isinstance(entry, dict):
        raise broken(key, "must be a table")
    for field_name, value in entry.items():
        if field_name not in ("kind", "pattern", *languages):
            raise broken(f"{key}.{field_name}", f"no such key; there is kind, pattern, {', '.join(languages)}")
        if not isinstance(value, str) or not value.strip():
            raise broken(f"{key}.{field_name}", "must be a text")
    if languages and languages[0] not in entry:
        raise broken(key, f"must say its name in the desk's first language, {languages[0]}")
    if ("kind" in entry) == ("pattern" in entry):
        raise broken(key, "must say either kind or pattern")
    kind = entry.get("kind", "")
    if kind and kind not in KINDS:
        raise broken(f"{key}.kind", f"{kind!r} is not recognised; there is {', '.join(KINDS)}")
    pattern = _pattern(f"{key}.pattern", entry["pattern"], broken) if "pattern" in entry else None
    says = {language: entry[language] for language in languages if language in entry}
    return Ask(name, MappingProxyType(says), kind, pattern)


def _pattern(key: str, written: str, broken: Callable[[str, str], Exception]) -> re.Pattern[str]:
    if len(written) > _LONGEST_PATTERN or _REPEATED_TWICE.search(written):
        raise broken(key, f"must be at most {_LONGEST_PATTERN} characters, and repeat nothing that repeats itself")
    try:
        pattern = re.compile(written, re.IGNORECASE)
    except re.error as error:
        raise broken(key, f"is no regular expression: {error}") from None
    if pattern.search(""):
        raise broken(key, "must not be found in nothing at all")
    return pattern
