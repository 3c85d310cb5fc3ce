"""Lines below a letter that nobody wrote for it: marks of signatures, devices that sign, legal notices."""

import re
from itertools import takewhile
from typing import Final

from chalicelib.intake import phrases
from chalicelib.patterns import pattern

LINE_READ: Final = 300  # characters of a line that a pattern looks at
SIGNED_LINE: Final = 120  # a device signs in fewer characters
SHORT: Final = 40
_POSTSCRIPT_OPENS: Final = tuple("pPпПзЗ")
MARK_LENGTH: Final = 10
UNDERSCORED_LINES: Final = 10  # a signature below a rule of underscores has no more
SENTENCE_WORDS: Final = 8  # a line of a signature that ends like a sentence has fewer
NOTICE_LINES: Final = 40
SIGNED_WITHIN: Final = 20  # lines below a mark in which a letter that goes on ends
_I: Final = re.IGNORECASE
_RULE = pattern(r"[\s\-_=*~#+>|ᐧ\u200b\ufeff]*$")
_MARK = pattern(r"(?:--|—|– ?-)[ \t\u00a0]*$")
_UNDERSCORES = pattern(r"\s*__+\s*$")
_AROUND: Final = " \t\u00a0*_<>()[]|-–—"
_FROM = pattern(
    rf"(?:{phrases.SIGNED_FROM})\s?\W{{0,3}}(?:(?:{phrases.SIGNERS_OWN})(?!\w)(?:\s\S{{1,30}}){{0,5}}"
    rf"|(?:\w{{1,12}}\W{{1,3}}){{0,3}}?(?:{phrases.SIGNERS}).{{0,90}})$",
    _I,
)
_FROM_LINKED = pattern(rf"(?:{phrases.SIGNED_FROM}) \S", _I)
_SAYS = pattern(rf"(?<!\w)(?:{phrases.SIGNED_NEVER})(?!\w)", _I)
_WHOLE = pattern(rf"(?:{phrases.SIGNED_WHOLE}).{{0,100}}", _I)
FIRST_WORDS: Final = frozenset(phrases.SIGNED_FIRST_WORDS.split())
_LINK = pattern(r"<?\[?https?:\S{0,300}$", _I)
_LINK_ALONE = pattern(r"\s*<?https?://\S{1,250}\s*$", _I)
_SIGN_OFF = pattern(
    rf"\W{{0,5}}(?:{phrases.SIGN_OFFS})\W{{0,5}}(?:(?-i:[A-ZĄĆĘŁŃÓŚŹŻÄÖÜА-ЯЁЄІЇҐ])\S{{0,30}}\s{{0,3}}){{0,3}}$", _I
)
_THANKS = pattern(rf"(?:{phrases.THANKS})\W{{0,5}}$", _I)
_POSTSCRIPT = pattern(
    r"\W{0,3}(?:p\. ?s|post ?scriptum|п\. ?с|з\. ?ы|(?:ps|пс|зы)(?=[:.,!]|.{0,300}[.!?]\s*$))(?!\w)", _I
)
_GREETS = pattern(rf"(?:{phrases.GREETINGS})(?!\w)", _I)
_NOTICE_OPENS = pattern(rf"\W{{0,10}}(?:{phrases.NOTICE_OPENS})", _I)
_NOTICE_CONFIDENTIAL = pattern(phrases.NOTICE_CONFIDENTIAL, _I)
_NOTICE_FOR = pattern(phrases.NOTICE_FOR, _I)
_NOTICE_NEVER = pattern(rf"(?<!\w)(?:{phrases.NOTICE_NEVER})(?!\w)")
_NOTICE_GOODS = pattern(rf"(?<!\w)(?:{phrases.NOTICE_GOODS})", _I)
_NOTICE_HEADS = pattern(rf"\W{{0,10}}(?:{phrases.NOTICE_HEADS})\W{{0,10}}$", _I)
_COMPANY = pattern(rf"(?<!\w)(?:{phrases.COMPANY})", _I)
_NOTICE_WHOLE = pattern(rf"\W{{0,10}}(?:{phrases.NOTICE_WHOLE})", _I)


def mark(line: str) -> bool:
    """Whether the signature begins below this line."""
    return len(line) < MARK_LENGTH and bool(_MARK.match(line))


def goes_on(lines: list[str], at: int) -> bool:
    """Whether the letter goes on below the mark at `at`, which then only parts two paragraphs of it.

    Below a blank line stands a sentence and not a name; one of a notice or of a program is no letter's. Mottos and
    what mail servers add stand right below the mark.
    """
    start = next((n for n in range(at + 1, min(len(lines), at + UNDERSCORED_LINES)) if lines[n].strip()), 0)
    if start < at + 2 or device(lines[start]):
        return False
    if len(lines[start].split()) < SENTENCE_WORDS and not _sentence(lines[start]):
        return False
    below = list(takewhile(str.strip, lines[start : start + NOTICE_LINES]))
    return any(line.rstrip().endswith((".", "!", "?")) for line in below) and not _notice(below)


def ruled(line: str) -> bool:
    """Whether a line is a rule of underscores."""
    return "__" in line[:LINE_READ] and bool(_UNDERSCORES.match(line[:LINE_READ]))


def underscored(lines: list[str], at: int) -> bool:
    """Whether this rule of underscores has a signature or a list's footer below it, and not the rest of a letter."""
    if not ruled(lines[at]):
        return False
    below = [line for line in lines[at + 1 : at + 3 * UNDERSCORED_LINES] if line.strip()]
    return 0 < len(below) <= UNDERSCORED_LINES and not any(_sentence(line) for line in below)


def _sentence(line: str) -> bool:
    """Whether a line ends like a sentence: a short one that asks, or one too long for a motto or a title."""
    line = line.rstrip()
    return line.endswith("?") or (line.endswith((".", "!")) and len(line.split()) >= SENTENCE_WORDS)


def device(line: str) -> bool:
    """Whether a device or a program signs in this line."""
    text = line[:SIGNED_LINE].strip(_AROUND)
    if not text or len(line) > SIGNED_LINE + LINE_READ or not _begins_signed(text) or _SAYS.search(text):
        return False
    if text.lower().startswith(phrases.SIGNED_LINKS):
        return True
    unlinked = _LINK.sub("", text).rstrip(_AROUND)
    linked = unlinked != text and len(unlinked) < SHORT
    return bool(_FROM.match(unlinked) or _WHOLE.match(unlinked) or (linked and _FROM_LINKED.match(unlinked)))


def _begins_signed(text: str) -> bool:
    """Cheap: most lines begin otherwise, and need no pattern."""
    first = "".join(text.split(None, 1)[:1]).lower()
    return first in FIRST_WORDS or first.startswith(phrases.SIGNED_LINKS) or first[:1] > "\u2fff"


def link(line: str) -> bool:
    """Whether a line is nothing but a link, as some programs put one below their own name."""
    return bool(_LINK_ALONE.match(line[:LINE_READ]))


def signs_off(line: str) -> bool:
    """Whether a letter ends in this line, perhaps with a name behind."""
    return bool(_SIGN_OFF.match(line[:LINE_READ].rstrip()))


def ends_letter(line: str) -> bool:
    """Whether a letter is signed or thanks are given in this line and nothing else is said."""
    return signs_off(line) or bool(_THANKS.match(line[:LINE_READ].strip()))


def postscript(line: str) -> bool:
    """Whether a postscript begins in this line, which is a word of the letter though it stands below the signature."""
    return line.lstrip(_AROUND)[:1] in _POSTSCRIPT_OPENS and bool(_POSTSCRIPT.match(line[: 2 * LINE_READ]))


def closing(line: str) -> bool:
    """Whether a last line says nothing: it is blank, a rule, or signed by a device."""
    return not line.strip() or bool(_RULE.match(line[:LINE_READ])) or device(line)


def without_closing(lines: list[str]) -> list[str]:
    """The lines without last ones that nobody wrote for this letter."""
    last, noticed = len(lines), False
    while last > 0:
        if closing(lines[last - 1]) or (noticed and _NOTICE_HEADS.match(lines[last - 1][:LINE_READ])):
            last -= 1
        elif start := _notice_start(lines, last):
            last, noticed = start, True
        else:
            break
    return lines[:last]


def _notice_start(lines: list[str], last: int) -> int:
    """Where the notice begins that ends before `last`, with the company's numbers below it; 0 when none does."""
    start = _paragraph(lines, last)
    if start and _COMPANY.search(" ".join(lines[start:last])[: 4 * LINE_READ]):
        above = start
        while above > 0 and closing(lines[above - 1]):
            above -= 1
        start, last = _paragraph(lines, above), above
    return start if start and not _addressed(lines[:start]) and _notice(lines[start:last]) else 0


def _paragraph(lines: list[str], last: int) -> int:
    """Where the paragraph begins that ends before `last`; 0 when it is the first or too long for a notice."""
    for start in range(last - 1, max(0, last - NOTICE_LINES), -1):
        if not lines[start - 1].strip() or _RULE.match(lines[start - 1][:LINE_READ]):
            return start
    return 0


def _addressed(above: list[str]) -> bool:
    """Whether these lines end in a salutation: what stands right below it is the letter."""
    last = next((line.strip() for line in reversed(above) if line.strip()), "")
    return len(last) < SHORT and (last.endswith(",") or bool(_GREETS.match(last))) and not signs_off(last)


def of_himself(text: str) -> bool:
    """Whether somebody speaks of himself, as neither notices nor programs do."""
    return bool(_NOTICE_NEVER.search(text))


def _notice(lines: list[str]) -> bool:
    """Whether a paragraph is a legal notice: it begins like one and speaks of secrets and of whom it is meant for."""
    text = " ".join(line[: 4 * LINE_READ] for line in lines)[:3_000]
    if _NOTICE_WHOLE.match(text):
        return True
    if not _NOTICE_OPENS.match(text) or of_himself(text) or _NOTICE_GOODS.search(text):
        return False
    return bool(_NOTICE_CONFIDENTIAL.search(text) and _NOTICE_FOR.search(text))
