"""Text that was decoded with a wrong charset before it was sent: mended where its own letters show what they were.

UTF-8 read as anything else leaves sequences that no language writes (`zÅ‚oty`, `z┼éoty`), so it is mended run by run
and lines that are right stay as they are. One single-byte charset read as another leaves only letters that make no
words; there the whole text is weighed, and then line by line.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from chalicelib.intake import letters

# What texts are wrongly read as.
READERS: Final = (
    "cp1252", "latin-1", "cp1250", "iso8859-2", "cp1251", "koi8-r", "cp866", "cp852", "cp850", "cp437", "mac-roman",
)  # fmt: skip
# What one single-byte charset may be read as, and what it may be.
SWAPPED: Final = READERS[:8]
REAL: Final = (
    "cp1252",
    "cp1250",
    "iso8859-2",
    "cp1251",
    "koi8-r",
    "cp866",
    "cp852",
    "koi8-u",
    "cp1125",
    "iso8859-5",
    "mac-latin2",
    "mac-cyrillic",
    "mac-roman",
)
READ: Final = 500_000  # characters; what stands behind them is left as it is
LINE_WEIGHED: Final = 200  # characters of a line
RUNS_SAMPLED: Final = 200  # by which the charset is found
RUNS: Final = 20_000  # that are mended
TIMES: Final = 3  # that a text may have been misread in one way
PASSES: Final = 4  # … and in different ways
SAMPLE: Final = 1_200  # characters of distinct words by which a text is weighed
SURE: Final = 1.1  # … and from which a mended one is
SINGLE: Final = 1.0  # the gain that a lone run must bring
FORM: Final = 0.3  # what a byte more in a sequence adds: the longer, the less it is there by accident
LETTERS: Final = 3  # different letters that must get better when no sign stands inside a word
_WORD = re.compile(r"(?<![A-Za-z0-9])[A-Za-z0-9]*+[^\x00-\x7f\s][^\x00-\x20!-/:-@\[-`{-\x7f\s]*")
# Signs that do stand between two letters.
_INSIDE: Final = frozenset("·’‘–—…\u00a0\u00ad")
_MARKS: Final = "".join(letters.OUTSIDE_WORDS)
_HABITUAL: Final = frozenset(letter for weights in letters.LANGUAGES.values() for letter in weights)


@dataclass(frozen=True, slots=True)
class Mended:
    """A text as its sender meant it; `misread` names how it had been read wrongly, '' when it was right."""

    text: str
    misread: str = ""

    @property
    def warning(self) -> str:
        """A sentence for the reader, '' when nothing was changed."""
        if not self.misread:
            return ""
        real, _, reader = self.misread.partition(" as ")
        return f"letters were mended: {real} had been read as {reader} before it was sent"


@dataclass(frozen=True, slots=True)
class _Run:
    """Letters that are one UTF-8 text read wrongly, what they were, and how much better that looks."""

    start: int
    end: int
    text: str
    gain: float


@dataclass(frozen=True, slots=True)
class _Reader:
    """One charset as texts are wrongly read with it: its letters' bytes, and how UTF-8 looks in it."""

    name: str
    byte: dict[str, int]
    first: frozenset[str]  # letters of bytes that begin a UTF-8 sequence
    later: frozenset[str]  # letters of bytes that go on with it
    run: re.Pattern[str]
    sequence: re.Pattern[str]

    def bytes_of(self, text: str) -> bytes | None:
        """The bytes that were read as `text`; None when this charset cannot have shown it."""
        try:
            return bytes(ord(letter) if letter < "\x80" else self.byte[letter] for letter in text)
        except KeyError:
            return None


def mend(text: str, likely: str = "") -> Mended:
    """The text with what was misread set right; `likely` is how the rest of the same mail had been misread.

    Text that makes words is returned as it is. Linear in the length of the text.
    """
    if text.isascii():
        return Mended(text)
    if len(text) > READ:
        mended = mend(text[:READ], likely)
        return Mended(mended.text + text[READ:], mended.misread)
    mended = _unfolded(text)
    return mended if mended.misread else _exchanged(text, likely)


def _unfolded(text: str) -> Mended:
    """UTF-8 that was read as something else, run by run."""
    misread = ""
    for _ in range(PASSES):
        reader = _reader_of(text)
        if reader is None:
            break
        misread = misread or f"utf-8 as {reader.name}"
        text = _replaced(text, _runs(text, reader, RUNS))
    return Mended(text, misread)


def _reader_of(text: str) -> _Reader | None:
    """The charset with which most of the text seems to have been read, None when it is right."""
    present = frozenset(text)
    found, most = None, 0.0
    for reader in map(_reader, READERS):
        if present.isdisjoint(reader.first) or present.isdisjoint(reader.later) or not reader.sequence.search(text):
            continue
        runs = list(_runs(text, reader, RUNS_SAMPLED))
        mended = sum(bool(run.text) for run in runs)
        broken = sum(not run.text and not _is_word(text[run.start : run.end]) for run in runs)
        gain = sum(max(0.0, run.gain) for run in runs)
        if gain >= SINGLE and gain > most and mended >= broken:
            found, most = reader, gain
    return found


def _is_word(run: str) -> bool:
    return letters.score(run) >= letters.GOOD * len(run)


def _runs(text: str, reader: _Reader, most: int) -> Iterator[_Run]:
    """The first runs that are UTF-8 and look like letters then."""
    for match in reader.run.finditer(text):
        start, end = match.span()
        if not reader.sequence.search(text, start, end):
            continue
        most -= 1
        if most < 0:
            return
        head, meant, tail, gain = _meant(text[start - 1 : start], match[0], text[end : end + 1], reader.name)
        yield _Run(start + head, end - tail, meant, gain)


@lru_cache(maxsize=20_000)
def _meant(before: str, run: str, after: str, name: str) -> tuple[int, str, int, float]:
    """What a run was, and the gain; all of it must be UTF-8, but for a few quotation marks at its ends.

    The numbers are how many letters at its beginning and end are none of it; the text is '' when there is nothing.
    """
    reader, core = _reader(name), run.strip(_MARKS)
    for part in (run, core) if core != run else (run,):
        head = run.find(part)
        tail = len(run) - head - len(part)
        around = (run[head - 1 : head] if head else before, run[head + len(part)] if tail else after)
        meant = part
        for _ in range(TIMES):
            meant = _as_utf8(meant, reader)
            value = letters.score(meant.join(around)) if meant else 0.0
            if meant and value > -0.5 and _plausible(meant):
                form = FORM * (len(part) - len(meant)) + letters.UPPER_COSTS * sum(map(str.isupper, meant))
                return head, meant, tail, value - letters.score(part.join(around)) + form
    return 0, "", 0, 0.0


def _as_utf8(text: str, reader: _Reader) -> str:
    try:
        return bytes(map(reader.byte.__getitem__, text)).decode()
    except (UnicodeDecodeError, KeyError):
        return ""


def _plausible(text: str) -> bool:
    """Whether people write these letters: those of the languages known here, signs, or a word of another script."""
    strange = [letter for letter in text if letter.lower() not in _HABITUAL and not _is_sign(letter)]
    return not strange or (len(strange) > 2 and all(letter > "\u0370" and letter.isalpha() for letter in strange))


@lru_cache(maxsize=4096)
def _is_sign(letter: str) -> bool:
    return letter in letters.OUTSIDE_WORDS or (
        letter >= "\u2000" and unicodedata.category(letter) in ("Po", "Pd", "Pi", "Pf", "Sc", "So", "Sm", "Zs", "Cf")
    )


def _replaced(text: str, runs: Iterator[_Run]) -> str:
    out: list[str] = []
    at = 0
    for run in filter(lambda run: run.text, runs):
        out += text[at : run.start], run.text
        at = run.end
    return "".join((*out, text[at:]))


def _exchanged(text: str, likely: str) -> Mended:
    """One single-byte charset that was read as another: weighed as a whole, exchanged line by line."""
    sample = " ".join(dict.fromkeys(_WORD.findall(text[:50_000])))[:SAMPLE]
    lean = letters.leaning(text[: letters.SAMPLE_BYTES].encode("ascii", "ignore"))
    now = letters.score(sample, lean)
    if not sample or (not likely and _right(sample, now - max(lean.values()))):
        return Mended(text)
    best = max(_exchanges(sample, now, lean, likely), key=lambda one: one.gain, default=None)
    if best is None or best.gain <= 0 or not (best.name == likely or _sure(sample, now, best)):
        return Mended(text)
    lines = "".join(_line(line, best.real, best.reader) for line in text.splitlines(keepends=True))
    return Mended(lines, best.name if lines != text else "")


@dataclass(frozen=True, slots=True)
class _Exchange:
    """A sample as it would be had `real` been read as `reader`."""

    real: str
    reader: _Reader
    sample: str
    gain: float

    @property
    def name(self) -> str:
        return f"{self.real} as {self.reader.name}"


def _right(sample: str, value: float) -> bool:
    """Whether a text makes words as it stands."""
    size = sum(letter > "\x7f" for letter in sample)
    return value >= letters.GOOD * size and not _broken(sample)


def _broken(sample: str) -> bool:
    """Whether a sign, a capital or a letter of another script stands inside a word."""
    return _has_sign_inside(sample) or min(map(letters.together, sample, sample[1:]), default=0.0) <= -2.0


def _has_sign_inside(sample: str) -> bool:
    for before, letter, after in zip(sample, sample[1:], sample[2:], strict=False):
        inside = letters.is_letter(before) and letters.is_letter(after)
        if inside and letter > "\x7f" and not letters.is_letter(letter) and letter not in _INSIDE:
            return True
    return False


def _exchanges(sample: str, now: float, lean: dict[str, float], likely: str) -> Iterator[_Exchange]:
    for reader in map(_reader, SWAPPED):
        data = reader.bytes_of(sample)
        for real in REAL if data is not None else ():
            meant = (data or b"").decode(real, letters.KEEP)
            bonus = letters.LIKELY_BONUS if f"{real} as {reader.name}" == likely else 0.0
            yield _Exchange(real, reader, meant, letters.score(meant, lean) - now + bonus)


def _sure(sample: str, now: float, best: _Exchange) -> bool:
    """Whether an exchange is no accident: several letters get better by much, and all of it makes words then.

    One word alone may be an abbreviation or a name, and nearly every few letters have a double that looks better.
    """
    if " " not in sample and not _broken(sample):
        return False
    changed = [letter for before, letter in zip(sample, best.sample, strict=False) if before != letter]
    different = {letter for letter in changed if letter.isalpha()}
    size = sum(letter > "\x7f" for letter in best.sample)
    enough = LETTERS if any(letter > "\x7f" and letter.isalpha() for letter in sample) else 2 * LETTERS
    # One letter of another script in a word may be a slip of the finger; a sign there is none.
    telling = len(different) >= enough or _has_sign_inside(sample) or (_broken(sample) and len(different) > 1)
    return telling and best.gain >= max(3.0, 0.5 * len(changed)) and now + best.gain >= SURE * size


def _line(line: str, real: str, reader: _Reader) -> str:
    """The line with its bytes decoded anew, unless it looked better before."""
    data = None if line.isascii() else reader.bytes_of(line)
    if data is None:
        return line
    meant = data.decode(real, letters.KEEP)
    return meant if letters.score(meant[:LINE_WEIGHED]) > letters.score(line[:LINE_WEIGHED]) else line


@lru_cache(maxsize=len(READERS))
def _reader(name: str) -> _Reader:
    byte: dict[str, int] = {}
    for number in range(0x80, 0x100):
        letter = bytes([number]).decode(name, "ignore")
        for shown in (letter,) if letter else (chr(number), bytes([number]).decode(name, letters.KEEP)):
            byte.setdefault(shown, number)
    first, second, third, fourth = (
        "".join(letter for letter, number in byte.items() if low <= number <= high)
        for low, high in ((0x80, 0xBF), (0xC2, 0xDF), (0xE0, 0xEF), (0xF0, 0xF4))
    )
    later, two, three, four = (f"[{re.escape(found)}]" for found in (first, second, third, fourth))
    sequence = re.compile(f"{two}{later}|{three}{later}{{2}}|{four}{later}{{3}}")
    every = re.escape("".join(byte))
    leads = frozenset(second + third + fourth)
    return _Reader(name, byte, leads, frozenset(first), re.compile(f"[{every}]+"), sequence)
