"""The part of a text that its sender wrote now."""

import re
from dataclasses import dataclass, field
from typing import Final

from chalicelib.intake import quotes, signatures

_WORD: Final = re.compile(r"\w")


def written(text: str) -> str:
    """What the sender wrote now: without quotations, their introductions, signatures and legal notices.

    A mail that only forwards stays whole. Linear in the length of the text; never empty when the text is not blank.
    """
    lines = text.split("\n")
    reader = _Reader(lines, _last_quoted(lines))
    while reader.at < len(lines):
        reader.step()
    return "\n".join(signatures.without_closing(reader.kept)).strip() or text.strip()


def _last_quoted(lines: list[str]) -> int:
    """Number of the last line that is marked as quoted, -1 when none is: below it nobody answers line by line."""
    return next((at for at in range(len(lines) - 1, -1, -1) if quotes.quoted(lines[at])), -1)


@dataclass(slots=True)
class _Reader:
    """Goes down the lines and keeps those of the sender.

    `worded` once a word of his was kept; `signed` below his signature, until a quotation comes.
    """

    lines: list[str]
    last_quoted: int
    at: int = 0
    kept: list[str] = field(default_factory=list)
    worded: bool = False
    signed: bool = False

    def step(self) -> None:
        """Reads one line, or an introduction of several."""
        line = self.lines[self.at]
        if not line.strip():
            self._keep(1)
        elif quotes.quoted(line) and not quotes.escaped(self.lines, self.at):
            self._pass(1)
        elif count := quotes.introduction(self.lines, self.at):
            self._introduced(count)
        elif self._ends():
            self.at = len(self.lines)
        elif self._signs():
            self._sign()
        elif quotes.wrapped(self.lines, self.at):
            self._pass(1)
        else:
            self._keep(1)

    def _keep(self, count: int) -> None:
        lines = self.lines[self.at : self.at + count]
        if not (self.signed and self.worded):
            self.kept += lines
        self.worded = self.worded or (not self.signed and any(_WORD.search(line) for line in lines))
        self.at += count

    def _pass(self, count: int) -> None:
        self.at += count
        self.signed = False

    def _introduced(self, count: int) -> None:
        """Passes an introduction; one that a program wrote ends the letter when no marked quotation stands below."""
        after = self.at + count
        if quotes.quotation_follows(self.lines, after):
            self._pass(count)
            self._pass_bars()
        elif not quotes.certain(" ".join(self.lines[self.at : after])):
            self._keep(count)  # somebody telling what was written
        elif self.worded:
            self.at = len(self.lines)
        else:
            self._pass(count)

    def _pass_bars(self) -> None:
        while self.at < len(self.lines) and (not self.lines[self.at].strip() or quotes.barred(self.lines[self.at])):
            self.at += 1

    def _ends(self) -> bool:
        if not quotes.divider(self.lines, self.at):
            return False
        if not self.worded and quotes.forward(self.lines, self.at):
            self.kept = self.lines  # he only forwards: all of it is what he has to say
            return True
        return self.worded

    def _signs(self) -> bool:
        line = self.lines[self.at]
        if signatures.mark(line) or signatures.underscored(self.lines, self.at):
            return True
        return self.worded and self._after_blank() and signatures.device(line)

    def _after_blank(self) -> bool:
        return self.at > 0 and not self.lines[self.at - 1].strip()

    def _sign(self) -> None:
        """Passes a signature; it reaches to the next quotation, for answers between quotations may follow there."""
        if not self.worded:
            self._keep(1)
            self.signed = True
        elif self.at > self.last_quoted:
            self.at = len(self.lines)
        else:
            self.signed = not signatures.device(self.lines[self.at])
            self.at += 1
