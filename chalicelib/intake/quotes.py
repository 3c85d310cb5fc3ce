"""Lines that part what the sender wrote now from what stood there before.

Introductions ("On … wrote:"), header blocks of earlier mails, dividers and marks of quotation. The languages stand
in `phrases`. Every pattern looks at a bounded part of a line and every search at a few lines, so a text costs its
length.
"""

import re
from itertools import takewhile
from typing import Final

from chalicelib.intake import phrases
from chalicelib.intake.phrases import FIELDS, FROM, SENT, TO
from chalicelib.patterns import pattern

LINE_READ: Final = 300  # characters of a line that a pattern looks at
INTRODUCTION_LINES: Final = 4  # an introduction may be wrapped over so many lines
BLOCK_LINES: Final = 8
VERBS_READ: Final = 3  # of one introduction, the last ones
GAP: Final = 5  # lines in which a quotation follows its introduction
_I: Final = re.IGNORECASE
_COLONS: Final = (":", "：")
_INTRODUCTION_ENDS: Final = (":", "：", ">", "wrote", "writes")
_SENTENCE_END: Final = (".", "!", "?")
_FRINGE: Final = " \t*_=-~\u00a0\u2028"
_LONG_LINE: Final = 55  # characters from which a mail program may have wrapped a quoted line

_INITIALS = pattern(r"\s{0,3}[A-ZŁŚŻА-ЯЁЄІЇҐ][A-Za-zА-Яа-яіїє]{0,3}>+(?:\s|$)")
_VERB: Final = "|".join(phrases.WROTE.values())
_WROTE = pattern(rf"(?<!\w)(?:{_VERB})(?!\w)|{phrases.WROTE_WITHOUT_BLANKS}", _I)
_WROTE_THEN_NAME = pattern(rf"(?<!\w)(?:{phrases.WROTE_THEN_NAME})(?!\w)", _I)
_QUOTING = pattern(rf"(?:{phrases.QUOTING}) .{{3,150}}[:：]$", _I)
_TELLERS: Final = frozenset(phrases.TELLERS.split())
# So begins what stands in a sentence: programs write a capital letter there.
_MID_SENTENCE = pattern(r"(?:on|at|am|um|vom|in|w|we|dnia|z|в|во|у|от|від) ")
_SAID: Final = ("„", "“", "«", "»", "‚", "‘", '"', "'")
_READERS_OWN = pattern(rf"(?<!\w)(?:{phrases.READERS_OWN}) \w")
_ANY_VERB = pattern(rf"(?<!\w)(?:{_VERB}|{phrases.WROTE_THEN_NAME})(?!\w)", _I)
# What may stand behind the verb: an ending for either sex, a moment, an address, a date in brackets.
_AFTER_VERB = pattern(
    r"\s{0,3}(?:[(\[/]-?\w{1,4}[)\]]?)?\s{0,3}(?:\(.{0,90}\)|.{0,80}\d[:.]\d\d.{0,20}|.{0,150}@.{0,100})?\s{0,3}[:：]?$"
)
_ADDRESSED = pattern(r"\d.{0,200}[<\[(][^<>\[\]()]{1,200}@[^<>\[\]()]{1,200}[>\])]{1,2}\s{0,3}[:：]$")
_ADDRESSED_LAST = pattern(r"\d.{0,200}<[^<>]{1,200}@[^<>]{1,200}>$")
# A moment and whose mail it was, without brackets; beside a marked quotation that is enough.
_BY_ADDRESS = pattern(
    r".{0,60}\d[:.]\d\d.{0,20}\s(?:by|from|von|od|от|від)\s(?:.{0,80}\s)?\S{1,64}@\S{1,190}[:：]$", _I
)
_MOMENT = pattern(r"(?:\w{2,12},? )?\d[\w. /-]{5,30},? \d{1,2}:\d\d(?::\d\d)?:$")
_DATED = pattern(r"\d|@|<", _I)
_OPENER = pattern(
    rf"(?:{phrases.OPENERS})(?!\w)|(?:{phrases.WEEKDAYS})\b|\w{{2,12}}[.,]{{1,2}}\s+\d|\w{{2,4}}\s+\d|\d", _I
)
_TIME = pattern(r"\d{1,2}[:.∶h]\d{2}")
_DAY = pattern(r"(?<!\d)\d{1,2}([./-])\d{1,2}\1(?:19|20)?\d\d(?!\d)|(?<!\d)(?:19|20)\d\d(?!\d)")
_YEAR = pattern(r"(?<!\d)(?:19|20)\d\d(?!\d)")
_WEEKDAY = pattern(rf"(?<!\w)(?:{phrases.WEEKDAYS})(?!\w)", _I)
_ADDRESS_LINE = pattern(r"[^<>@\n]{1,80}<[^<>@\s]{1,100}@[^<>@\s]{1,100}>$")

_FIELD = pattern(r"[\s*_|>]{0,8}([^\W\d_][^:：*\n]{0,24}?)[\s*]{0,4}[:：]")
_INNER_FIELD = pattern(r"(?:^|\s)\*?([^\W\d_][\w -]{1,16}?)\*?\s?:")
_ORIGINALS: Final = frozenset(phrases.ORIGINALS.split("|"))
_FORWARDS: Final = frozenset(phrases.FORWARDS.split("|"))
_DIVIDERS: Final = _ORIGINALS | _FORWARDS
_FORM_FIELDS: Final = frozenset(phrases.FORM_FIELDS.split("|"))
_PARCEL_FIELDS: Final = frozenset(phrases.PARCEL_FIELDS.split("|"))
FIRST_WORDS: Final = frozenset(phrase.split(" ")[0] for phrase in _DIVIDERS)
_DASHED: Final = ("-", "_", "*", "=", "—", "–", "#")
_EDGE: Final = " \t-_*=—–#:：\u00a0"
_SIGNED_HERE: Final = "-----BEGIN PGP SIGNED MESSAGE-----"
_SIGNATURE_HERE: Final = "-----BEGIN PGP SIGNATURE-----"
_SIGNATURE_ENDS: Final = "-----END PGP SIGNATURE-----"
_CLEARSIGNED = pattern(rf"^{_SIGNED_HERE}[ \t]*\n(?:[A-Za-z]{{1,30}}: .{{0,200}}\n){{0,20}}\s?\n", re.MULTILINE)
_REPLY_ABOVE = pattern(phrases.REPLY_ABOVE, _I)


def without_armour(text: str) -> str:
    """The text without what OpenPGP puts above, below and in front of the lines it signs (RFC 9580, 7)."""
    begun = _CLEARSIGNED.search(text) if _SIGNED_HERE in text else None
    if begun is None:
        return text
    end = text.find(_SIGNATURE_HERE, begun.end())
    signed = text[begun.end() : end if end >= 0 else len(text)]
    plain = "\n".join(line.removeprefix("- ") for line in signed.split("\n"))
    behind = text[end:].partition(_SIGNATURE_ENDS)[2] if end >= 0 else ""
    return text[: begun.start()] + plain + behind


def introducing(lines: list[str]) -> set[int]:
    """Numbers of lines that may belong to an introduction: one with a colon or an address ends there or soon below."""
    found: set[int] = set()
    for at, line in enumerate(lines):
        if line.startswith("--") and line.endswith("--"):
            found.add(at)
        elif line and (text := line.rstrip(_FRINGE)).endswith(_INTRODUCTION_ENDS) and (text[-1] != ">" or "@" in text):
            found.update(range(at - INTRODUCTION_LINES, at + 1))
    return found


def last_quoted(lines: list[str]) -> int:
    """Number of the last line that is marked as quoted, -1 when none is: below it nobody answers line by line."""
    return next((at for at in range(len(lines) - 1, -1, -1) if quoted(lines[at])), -1)


def quoted(line: str) -> bool:
    """Whether a line carries the quotation mark of mail, alone or behind the initials of who wrote it."""
    start = line.lstrip(" \t")[:1]
    if _framed(line):
        return False
    return start in (">", "＞") or (">" in line[:9] and bool(_INITIALS.match(line)))


def introduced_inside(lines: list[str], at: int) -> bool:
    """Whether a quotation that begins at `at` has its introduction or header in it, as Apple's programs write them."""
    inside = [line.lstrip("> \t") for line in lines[at : at + BLOCK_LINES]]
    return bool(introduction(inside, 0)) or divider(inside, 0)


def _framed(line: str) -> bool:
    """Whether a line tells in its own marks whose mail stands below and when it came, as GroupWise has it."""
    return line.startswith(">>> ") and line.rstrip().endswith(" >>>") and bool(_TIME.search(line[:LINE_READ]))


def wrapped(lines: list[str], at: int) -> bool:
    """Whether this unmarked line is the rest of the quoted one above, which some program wrapped."""
    if at == 0 or at + 1 >= len(lines) or len(lines[at - 1]) < _LONG_LINE or not quoted(lines[at - 1]):
        return False
    above = lines[at - 1].rstrip()
    return quoted(lines[at + 1]) and lines[at].lstrip()[:1].islower() and not above.endswith(_SENTENCE_END)


def escaped(lines: list[str], at: int) -> bool:
    """Whether the mark only protects a sentence that begins with "From", as mailboxes of one file need it."""
    around = lines[max(0, at - 1) : at] + lines[at + 1 : at + 2]
    return lines[at].startswith(">From ") and not any(quoted(line) for line in around)


def introduction(lines: list[str], at: int) -> int:
    """How many lines from `at` introduce a quotation ("On … wrote:"); 0 when they do not."""
    joined = _piece(lines[at])
    if lines[at].startswith("--") and lines[at].endswith("--"):
        joined += ":"  # between dashes no colon is needed
    if _postbox(lines, at):
        return 2
    if _above_introduction(lines, at):
        return 3
    if _introduces(joined) or _leads_to_quote(joined, lines, at + 1):
        return 1
    return _wrapped_introduction(joined, lines, at)


def _wrapped_introduction(joined: str, lines: list[str], at: int) -> int:
    opens = _opens(joined)
    alone = at == 0 or not lines[at - 1].strip() or quoted(lines[at - 1])
    if not opens and not (alone and ("<" in joined or "," in joined)):
        return 0
    for count, line in enumerate(lines[at + 1 : at + INTRODUCTION_LINES], start=2):
        piece = _piece(line)
        if not piece and count == 2 and opens and certain(joined):
            continue
        if not piece or joined.endswith(_SENTENCE_END) or (quoted(line) and not _torn(joined)):
            return 0
        begins, whole = bool(_OPENER.match(piece)), _has_moment(piece)
        introduces = _introduces(piece)
        if (begins and whole) or (introduces and (not opens or begins or whole)):
            return 0  # it begins there: what stands above is a date or a number that he wrote
        joined = f"{joined} {piece}"[: 2 * LINE_READ]
        if _introduces(joined) or _leads_to_quote(joined, lines, at + count):
            return count if opens or certain(joined) else 0
    return 0


def _opens(text: str) -> bool:
    """Whether an introduction may begin so; with a number only where it is one of a date."""
    numbered = text[:1].isdigit() and not (_DAY.search(text) or _TIME.search(text))
    return bool(_OPENER.match(text)) and not numbered


def _piece(line: str) -> str:
    return line[:LINE_READ].strip(_FRINGE)


def _torn(text: str) -> bool:
    """Whether the text ends inside the angle brackets of an address."""
    return text.rfind("<") > text.rfind(">")


def _introduces(text: str) -> bool:
    if not text.endswith(_COLONS):
        wrote = text.endswith(("wrote", "writes")) or (text.endswith(">") and _WROTE_THEN_NAME.search(text[-200:]))
        return bool(wrote and "@" in text and _TIME.search(text))
    if _ADDRESSED.search(text) or _QUOTING.match(text):
        return True
    return bool(_DATED.search(text)) and _says_wrote(text)


def _says_wrote(text: str) -> bool:
    if _WROTE_THEN_NAME.search(text[-200:]):
        return True
    verbs = list(_WROTE.finditer(text))[-VERBS_READ:]
    return any(_AFTER_VERB.match(text, verb.end()) for verb in verbs)


def _leads_to_quote(text: str, lines: list[str], after: int) -> bool:
    """Whether text without a colon, but with a date and an address or a verb, stands right above a quotation."""
    if text.endswith(_COLONS):
        named = bool(_WROTE.search(text)) and _says_wrote(text) and len(text) < 80
        meant = (named and not _told(text)) or bool(_OPENER.match(text) and _BY_ADDRESS.match(text))
        return (meant or bool(_MOMENT.match(text))) and quoted(_next(lines, after))
    if not (text.endswith(">") and _ADDRESSED_LAST.search(text)):
        return False
    following = _next(lines, after)
    return quoted(following) or barred(following)


def barred(line: str) -> bool:
    """Whether a bar quotes the line, as some programs do; it is a table's when one stands at its end too."""
    line = line.strip()
    return line.startswith("|") and not line[1:].endswith("|")


def _next(lines: list[str], at: int) -> str:
    return next((line for line in lines[at : at + GAP] if line.strip()), "")


def _postbox(lines: list[str], at: int) -> bool:
    """A line with nothing but a name and an address, above one with nothing but a moment."""
    if (
        _field(lines[at]) in FIELDS
        or not lines[at].rstrip().endswith(">")
        or at + 1 >= len(lines)
        or not _ADDRESS_LINE.match(lines[at].strip())
    ):
        return False
    below = lines[at + 1].strip()
    return len(below) < 60 and "<" not in below and bool(_TIME.search(below) and _DAY.search(below))


def _above_introduction(lines: list[str], at: int) -> bool:
    """To whom and about what the mail below was, above the introduction of it, as Yandex has them."""
    kinds = [FIELDS.get(_field(line)) for line in lines[at : at + 2]]
    below = _piece(lines[at + 2]) if kinds == [TO, phrases.SUBJECT] and at + 2 < len(lines) else ""
    return bool(below) and _introduces(below) and certain(below)


def quotation_follows(lines: list[str], at: int) -> bool:
    """Whether the next line with text is a quoted one, so that an answer may stand below it."""
    following = _next(lines, at)
    return quoted(following) or barred(following)


def names_nobody(introduction_text: str) -> bool:
    """Whether an introduction is a moment alone, as people put it above a log, too."""
    return bool(_MOMENT.match(_piece(introduction_text)))


def speech_follows(lines: list[str], at: int) -> bool:
    """Whether the next line with text opens with a mark of speech, as people put it around what they tell."""
    return _next(lines, at).lstrip().startswith(_SAID)


def certain(introduction_text: str) -> bool:
    """Whether a mail program wrote this introduction: it names an address, or a day and a time of day."""
    if _told(introduction_text):
        return False
    if "@" in introduction_text:
        return True
    dated = bool(_WEEKDAY.search(introduction_text) and _YEAR.search(introduction_text))
    return dated or _has_moment(introduction_text)


def _has_moment(text: str) -> bool:
    """Whether a day and a time of day stand in a text."""
    return bool(_DAY.search(text) and _TIME.search(_DAY.sub(" ", text)))


def _told(text: str) -> bool:
    """Whether a person tells what he, the reader or one of the reader's people wrote ("I wrote to you on …:")."""
    if "<" not in text and (_READERS_OWN.search(text) or _MID_SENTENCE.match(text)):
        return True
    for verb in list(_ANY_VERB.finditer(text))[-VERBS_READ:]:
        beside = text[: verb.start()].split()[-1:] + text[verb.end() :].split(None, 1)[:1]
        if any(word.lower() in _TELLERS for word in beside):
            return True
    return False


def header_block(lines: list[str], at: int) -> bool:
    """Whether the header of an earlier mail begins at `at`.

    A sender and two other fields, of which one is a mail's: "from: Berlin, to: Paris" is no mail. Nor is a web
    form that names its sender and its subject above the message.
    """
    first = _field(lines[at])
    if first not in FIELDS:
        return False
    if FIELDS[first] == FROM and _in_one_line(lines[at]):
        return True
    names, block = _block(lines, at)
    kinds = [FIELDS[name] for name in names if name in FIELDS]
    others = len(kinds) - kinds.count(FROM)
    addressed = any("@" in line for line in block)
    if others < 2 or _form(block, kinds) or (_PARCEL_FIELDS.intersection(names) and not addressed):
        return False
    if FROM not in kinds:
        return others >= 3 and addressed and TO in kinds and phrases.SUBJECT in kinds
    if _from_a_number(block) or (not addressed and phrases.ADDRESSING.isdisjoint(kinds)):
        return False
    if not addressed and SENT not in kinds and _announced(lines, at):
        return False
    return any("@" in line or _TIME.search(line) for line in block) or not phrases.MAIL_ALONE.isdisjoint(kinds)


def _form(block: list[str], kinds: list[str]) -> bool:
    """Whether a web form's fields stand among these; below a mail's header they are words of that mail."""
    fields = takewhile(bool, map(_field, block))
    return not {SENT, TO} <= set(kinds) and not _FORM_FIELDS.isdisjoint(fields)


def _announced(lines: list[str], at: int) -> bool:
    """Whether the words above announce what stands at `at`: a journey, a parcel, a card."""
    first = next((n for n in range(at, max(0, at - BLOCK_LINES), -1) if _field(lines[n - 1]) not in FIELDS), 0)
    above = (line.rstrip() for line in reversed(lines[max(0, first - 2) : first]))
    return next(filter(None, above), "").endswith(_COLONS)


def _from_a_number(block: list[str]) -> bool:
    """Whether what is called the sender has no letter: a day on which something begins."""
    values = [re.split("[:：]", line, maxsplit=1)[1] for line in block if FIELDS.get(_field(line)) == FROM]
    return any(value.strip() and not any(map(str.isalpha, value)) for value in values)


def _field(line: str) -> str:
    """The name of the field a line shows, in lower case; '' when it shows none."""
    found = _FIELD.match(line[:60])
    return found[1].strip().lower() if found else ""


def _block(lines: list[str], at: int) -> tuple[list[str], list[str]]:
    """Names of the fields of a block and the first lines of it."""
    block = [line[:LINE_READ] for line in lines[at : at + 2 * BLOCK_LINES] if line.strip()][:BLOCK_LINES]
    return [name for line in block if (name := _field(line))], block


def _in_one_line(line: str) -> bool:
    """Whether all fields of a header stand in one line, as pages that were turned into text have them."""
    names = [name.strip().lower() for name in _INNER_FIELD.findall(line[:LINE_READ])]
    kinds = {FIELDS.get(name) or FIELDS.get(name.split()[-1], "") for name in names}
    return FROM in kinds and len(kinds - {""}) >= 3 and not phrases.MAIL_ALONE.isdisjoint(kinds)


def divider(lines: list[str], at: int) -> bool:
    """Whether everything from this line on was written before."""
    if _framed(lines[at]):
        return True
    if ":" in lines[at][:60] or "：" in lines[at][:60]:
        return bool(_dividing_phrase(lines, at)) or header_block(lines, at) or _asks_above(lines[at])
    return bool(_dividing_phrase(lines, at)) or _asks_above(lines[at])


def above(lines: list[str]) -> list[str]:
    """The lines above the first that was written before: what is new, with its signature and footer."""
    begins = introducing(lines)
    for at, line in enumerate(lines):
        if quoted(line) or divider(lines, at) or (at in begins and introduction(lines, at)):
            return lines[:at]
    return lines


def forwards(lines: list[str], at: int) -> bool:
    """Whether a divider with nothing above begins a forwarded mail: one that is not marked as a quotation."""
    phrase = _dividing_phrase(lines, at)
    if phrase in _FORWARDS:
        return True
    blank = next((n for n in range(at, min(len(lines), at + 2 * BLOCK_LINES)) if not lines[n].strip()), at)
    return bool(phrase or header_block(lines, at)) and not quotation_follows(lines, blank)


def _dividing_phrase(lines: list[str], at: int) -> str:
    line = lines[at][:LINE_READ].strip(" \t\u00a0>")
    core = line.strip(_EDGE).lower()
    if not core or (core.split(" ", 1)[0] not in FIRST_WORDS and core[0] <= "\u2fff"):
        return ""
    dashed = line.startswith(_DASHED)
    if core in _DIVIDERS:
        meant = dashed or line.endswith(_COLONS) or _field(_next(lines, at + 1)) in FIELDS
        return core if meant else ""
    if dashed and line.endswith(_DASHED):
        return next((phrase for phrase in _DIVIDERS if core.startswith(phrase)), "")
    return ""


def _asks_above(line: str) -> bool:
    return line.lstrip().startswith(_DASHED) and bool(_REPLY_ABOVE.search(line[:LINE_READ]))
