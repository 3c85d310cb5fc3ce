"""The part of a text that its sender wrote now."""

import re
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Final

from chalicelib.intake import phrases, quotes, signatures
from chalicelib.patterns import pattern

LINES_READ: Final = 5_000  # a letter has fewer; what stands below them is kept as it is
LINES_ANNOUNCING: Final = 40  # … and characters in which it is said that answers stand below
ANNOUNCED_IN: Final = 2_000
FEW_WORDS: Final = 8  # who forwards with fewer says nothing without what he forwards
_WORD: Final = pattern(r"\w")
_SIGN: Final = pattern("[?!\u2600-\u27bf\U0001f300-\U0001faff]")
_ANSWERS_BELOW: Final = pattern(
    rf"(?<!\w)(?:{phrases.ANSWERS_SAID})(?!\w)[^.!?]{{0,40}}(?<!\w)(?:{phrases.ANSWERED_THERE})(?!\w)", re.IGNORECASE
)


def written(text: str, *, answers: bool = False, forwards: bool = False, opens: bool = False) -> str:
    """What the sender wrote now: without quotations, their introductions, signatures and legal notices.

    A mail that only forwards stays whole, and one that `forwards` with few words; one that `answers` forwards nothing,
    though a signature is all it says. One that `opens` a correspondence quotes nobody where no introduction says so:
    what its sender marked belongs to it. Linear in the length of the text; never empty when the text is not blank.
    """
    lines = quotes.without_armour(text).split("\n")
    reader = _Reader(lines[:LINES_READ], answers, opens)
    while reader.at < len(reader.lines):
        reader.step()
    if not (reader.worded or reader.ended or answers) or (forwards and _few_words(reader.kept)):
        return text.strip()
    kept = reader.kept if reader.ended else [*reader.kept, *lines[LINES_READ:]]
    return "\n".join(signatures.without_closing(kept)).strip() or text.strip()


def _few_words(lines: list[str]) -> bool:
    """Whether above the end of a letter no more is said than that it is passed on."""
    said = takewhile(lambda line: not signatures.ends_letter(line), lines)
    return sum(len(line.split()) for line in said) < FEW_WORDS


def _plain(line: str) -> bool:
    """Whether a line can be neither quoted nor a divider, a header or a signature; cheap, for most lines are."""
    text = line.strip()
    if not text[0].isalnum() or text[0] > "\u2fff" or ":" in text[:60] or ">" in text[:9]:
        return False
    first = text.split(None, 1)[0].lower()
    return first not in quotes.FIRST_WORDS and first not in signatures.FIRST_WORDS


@dataclass(slots=True)
class _Reader:
    """Goes down the lines and keeps those of the sender.

    `worded` once a word of his was kept; `signed` below his signature, until a quotation comes; `ended` where the rest
    is not his. Most lines are plain: for them nothing is matched.
    """

    lines: list[str]
    answers: bool = False
    opens: bool = False  # and no quotation was introduced yet
    at: int = 0
    kept: list[str] = field(default_factory=list)
    worded: bool = False
    signed: bool = False
    ended: bool = False
    below_quote: int = -1
    introducing: set[int] = field(init=False)
    last_quoted: int | None = None
    last_postscript: int | None = None

    def __post_init__(self) -> None:
        self.introducing = quotes.introducing(self.lines)

    def step(self) -> None:
        """Reads one line, or an introduction of several."""
        line = self.lines[self.at]
        may_introduce = self.at in self.introducing
        if not line or line.isspace():
            self._keep(1)
        elif not may_introduce and _plain(line):
            self._keep_own()
        elif quotes.quoted(line) and not quotes.escaped(self.lines, self.at):
            self._read_quoted()
        elif may_introduce and (count := quotes.introduction(self.lines, self.at)):
            self._introduced(count)
        elif self._ends():
            self._end()
        elif self._signs():
            self._sign()
        else:
            self._keep_own()

    def _read_quoted(self) -> None:
        """Passes a quoted line; in a mail that answers none it is the sender's own unless a program introduced it."""
        if self.opens and self.at != self.below_quote:
            self.opens = not quotes.introduced_inside(self.lines, self.at)
        if self.opens:
            self._keep(1)
        else:
            self._pass(1)
        self.below_quote = self.at

    def _keep_own(self) -> None:
        if self.signed and self.worded and signatures.postscript(self.lines[self.at]):
            self.signed = False
        if self.at == self.below_quote and quotes.wrapped(self.lines, self.at):
            self._pass(1)
        else:
            self._keep(1)

    def _keep(self, count: int) -> None:
        lines = self.lines[self.at : self.at + count]
        self.at += count
        if self.worded and not self.signed:
            self.kept += lines
        elif not self.worded:
            self.kept += lines
            self.signed = self.signed or (not self.answers and any(map(signatures.signs_off, lines)))
            self.worded = not self.signed and any(_WORD.search(line) for line in lines)

    def _pass(self, count: int) -> None:
        self.at += count
        self.signed = False

    def _end(self) -> None:
        if _ANSWERS_BELOW.search(" ".join(self.kept[:LINES_ANNOUNCING])[:ANNOUNCED_IN]):
            self.kept = list(self.lines)
        self.at, self.ended = len(self.lines), True

    def _introduced(self, count: int) -> None:
        """Passes an introduction; one that a program wrote ends the letter when no marked quotation stands below."""
        after = self.at + count
        if self.opens and quotes.names_nobody(self.lines[self.at]):
            self._keep(count)
            return
        self.opens = False
        if quotes.quotation_follows(self.lines, after):
            self._pass(count)
            self._pass_bars()
        elif self._told(" ".join(self.lines[self.at : after]), after):
            self._keep(count)  # somebody telling what was written
        elif self._says():
            self._end()
        else:
            self._pass(count)

    def _told(self, introduction: str, after: int) -> bool:
        return not quotes.certain(introduction) or (
            "@" not in introduction and quotes.speech_follows(self.lines, after)
        )

    def _pass_bars(self) -> None:
        while self.at < len(self.lines) and (not self.lines[self.at].strip() or quotes.barred(self.lines[self.at])):
            self.at += 1

    def _ends(self) -> bool:
        if not quotes.divider(self.lines, self.at):
            return False
        self.opens = False
        if not self._says() and quotes.forwards(self.lines, self.at):
            self.kept = list(self.lines)  # he only forwards: all of it is what he has to say
            return True
        return self._says()

    def _says(self) -> bool:
        """Whether the sender says something above what was written before, if only with a sign."""
        return self.worded or any(map(_SIGN.search, self.kept[: signatures.UNDERSCORED_LINES]))

    def _signs(self) -> bool:
        line = self.lines[self.at]
        if signatures.mark(line):
            return not (self._announced() or self._signed_below() or signatures.goes_on(self.lines, self.at))
        if signatures.underscored(self.lines, self.at):
            return not (self._announced() or self._framed())
        return self.worded and signatures.device(line) and self._alone()

    def _announced(self) -> bool:
        """Whether the line above says that something of the letter follows, or makes a point with the same dash."""
        above = next((line.strip() for line in reversed(self.kept[-2:]) if line.strip()), "")
        listed = self.lines[self.at].strip() == "—" and self.kept[-1:] != [""] and above.startswith("— ")
        return self.worded and (listed or above.endswith((":", "：")))

    def _framed(self) -> bool:
        """Whether this rule of underscores is the lower one of two, between which something of the letter stands."""
        return any(map(signatures.ruled, self.kept[-signatures.UNDERSCORED_LINES :]))

    def _signed_below(self) -> bool:
        """Whether the letter ends in a later paragraph below this mark, which then only parts it."""
        lines = self.lines
        for at in range(self.at + 1, min(len(lines), self.at + signatures.SIGNED_WITHIN)):
            introduced = at in self.introducing and quotes.introduction(lines, at)
            if introduced or quotes.quoted(lines[at]) or quotes.divider(lines, at):
                return False
            if at > self.at + 2 and not lines[at - 1].strip() and signatures.ends_letter(lines[at]):
                return True
        return False

    def _alone(self) -> bool:
        """Whether the line is a paragraph of its own."""
        below = self.lines[self.at + 1] if self.at + 1 < len(self.lines) else ""
        ends = signatures.closing(below) or signatures.link(below)
        return self.at > 0 and not self.lines[self.at - 1].strip() and ends

    def _sign(self) -> None:
        """Passes a signature; it reaches to the next quotation, for answers between quotations may follow there."""
        if not self.worded:
            self._keep(1)
            self.signed = True
        elif not self._own_below():
            self._end()
        else:
            self.signed = not signatures.device(self.lines[self.at]) or not self._quoted_below()
            self.at += 1
            self.at += not self.signed and signatures.link(self.lines[self.at])

    def _quoted_below(self) -> bool:
        if self.last_quoted is None:
            self.last_quoted = quotes.last_quoted(self.lines)
        return self.at < self.last_quoted

    def _own_below(self) -> bool:
        """Whether words of his may stand below his signature: between quotations, or in a postscript."""
        if self.last_postscript is None:
            lines = self.lines
            below = (at for at in range(len(lines) - 1, -1, -1) if signatures.postscript(lines[at]))
            self.last_postscript = next(below, -1)
        return self._quoted_below() or self.at < self.last_postscript
