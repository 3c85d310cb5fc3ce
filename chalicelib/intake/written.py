"""The part of a text that its sender wrote now."""

import re
from typing import Final

from chalicelib.intake import quotes

_WORD: Final = re.compile(r"\w")


def written(text: str) -> str:
    """What the sender wrote now: without quotations, their introductions and signatures.

    Linear in the length of the text; never empty when the text is not blank.
    """
    lines = text.split("\n")
    kept: list[str] = []
    worded = False
    at = 0
    while at < len(lines):
        if quotes.quoted(lines[at]):
            at += 1
        elif count := quotes.introduction(lines, at):
            found, at = lines[at : at + count], at + count
            if not _quotation_follows(lines, at):
                if not quotes.certain(found):
                    kept += found  # somebody telling what was written, not a mail program
                elif worded:
                    break
        elif worded and (quotes.signature(lines[at]) or quotes.divider(lines, at)):
            break
        else:
            kept.append(lines[at])
            worded = worded or bool(_WORD.search(lines[at]))
            at += 1
    return "\n".join(_without_closing(kept)).strip() or text.strip()


def _quotation_follows(lines: list[str], at: int) -> bool:
    """Whether the next line with text is a quoted one, so that an answer may stand below it."""
    following = next((line for line in lines[at : at + 5] if line.strip()), "")
    return quotes.quoted(following)


def _without_closing(lines: list[str]) -> list[str]:
    """The lines without last ones such as a rule or "Sent from my phone", unless nothing else is left."""
    last = len(lines)
    while last > 0 and quotes.closing(lines[last - 1]):
        last -= 1
    return lines[:last]
