"""Lines that part what the sender wrote now from what was there before: introductions, header blocks, signatures."""

import re
from typing import Final

LINE_READ: Final = 300  # characters of a line that a pattern looks at
INTRODUCTION_LINES: Final = 3  # an introduction may be wrapped over so many lines
_FLAGS: Final = re.IGNORECASE

_OPENERS: Final = (
    "on ",
    "am ",
    "w dniu ",
    "dnia ",
    "le ",
    "el ",
    "il ",
    "op ",
    "den ",
    "em ",
    "в ",
    "у ",
    "wt",
    "pon",
    "śr",
    "czw",
    "pt",
    "sob",
    "niedz",
    "mon",
    "tue",
    "wed",
    "thu",
    "fri",
    "sat",
    "sun",
    "пн",
    "вт",
    "ср",
    "чт",
    "пт",
    "сб",
    "нд",
    "вс",
    "po ",
    "quoting ",
    "zitat von ",
    "cytowanie ",
    "2",
    "1",
    "3",
    "0",
    '"',
    "*",
    "<",
)
# How an introduction ends, before a colon.
_WROTE: Final = re.compile(
    r"(?:\bwrote|\bwrites|\bsaid|\bschrieb(?:\b.{0,150})?|\bgeschrieben|\bpisze|\bnapisał(?:\(a\)|\(-a\)|/a|a)?|\bpisał\(?a?\)?"
    r"|\ba écrit|\bescribió|\bha scritto|\bschreef(?:\b.{0,150})?|\bskrev(?:\b.{0,150})?|\bescreveu"
    r"|\bпишет|\bпише|\bписал\(?а?\)?|\bнаписал\(?а?\)?|\bнаписав\(?л?а?\)?|\bписав\(?л?а?\)?"
    r"|\bnapsal\(?a?\)?|\bkirjoitti|\bquoting .{3,150}|\bzitat von .{3,150})\s*(?:\(.{0,30}\))?\s*[:：]\s*$",
    _FLAGS,
)
_DATED: Final = re.compile(r"\d|@|<|\b(?:quoting|zitat von)\b", _FLAGS)
_DIVIDER: Final = re.compile(
    r"\s*[-_*=]{2,}\s*(?:original message|original appointment|reply message|forwarded message|forwarded by .*"
    r"|ursprüngliche nachricht|original-nachricht|weitergeleitete nachricht|originalnachricht"
    r"|wiadomość oryginalna|oryginalna wiadomość|pierwotna wiadomość|treść przekazanej wiadomości|przekazana wiadomość"
    r"|исходное сообщение|пересылаемое сообщение|пересланное сообщение|первоначальное сообщение"
    r"|вихідне повідомлення|оригінальне повідомлення|початкове повідомлення|переслане повідомлення"
    r"|message d'origine|mensaje original|messaggio originale|oorspronkelijk bericht|ursprungligt meddelande)"
    r"\s*[-_*=]*\s*:?\s*$",
    _FLAGS,
)
_BEGIN_FORWARD: Final = re.compile(
    r"\s*(?:begin forwarded message|anfang der weitergeleiteten (?:nachricht|e-mail)|początek przekazywanej wiadomości"
    r"|начало переадресованного сообщения|начало пересылаемого сообщения)\s*:\s*$",
    _FLAGS,
)
_FROM: Final = re.compile(r"[\s*]*(?:from|von|od|nadawca|от|от кого|від|de|da|van|från)\s*:[\s*]*\S", _FLAGS)
_OTHER_FIELD: Final = re.compile(
    r"[\s*]*(?:sent|date|to|subject|gesendet|datum|an|betreff|wysłan[eoay]|wysłano|data|do|temat|adresat|отправлено|дата"
    r"|кому|тема|надіслано|envoyé|à|objet|enviado|para|asunto|inviato|a|oggetto|verzonden|aan|onderwerp|skickat|till"
    r"|cc|dw|копия|копія)\s*:",
    _FLAGS,
)
_RULE: Final = re.compile(r"\s*[_]{20,}\s*$")
_SIGNATURE: Final = re.compile(r"(?:--|—|– ?-)[ \t\u00a0]*$")
_DEVICE: Final = re.compile(
    r"\s*(?:sent (?:from|via|with) (?:my |mail for |yahoo|outlook|samsung|proton|the )?.{0,60}"
    r"|get outlook for .{2,40}|von meinem .{2,40} gesendet|gesendet von .{2,60}|gesendet mit .{2,60}|diese nachricht wurde von .{2,60}"
    r"|wysłane (?:z|ze) .{2,60}|wysłano (?:z|ze) .{2,60}|pobierz (?:aplikację )?outlook .{2,40}"
    r"|отправлено (?:с|из) .{2,60}|надіслано (?:з|із|зі) .{2,60}|envoyé de mon .{2,40}|enviado desde mi .{2,40})$",
    _FLAGS,
)


def quoted(line: str) -> bool:
    """Whether a line carries a quotation mark of mail."""
    return line.startswith(">") or line.lstrip(" \t").startswith(">")


def introduction(lines: list[str], at: int) -> int:
    """How many lines from `at` introduce a quotation ("On … wrote:"); 0 when they do not."""
    first = lines[at].lstrip("> \t*")[:LINE_READ].lower()
    if not first.startswith(_OPENERS) and not _WROTE.search(first.rstrip(" \t*")):
        return 0
    joined = ""
    for count, line in enumerate(lines[at : at + INTRODUCTION_LINES], start=1):
        piece = line.strip(" \t*\u00a0")[:LINE_READ]
        if not piece or (count > 1 and quoted(line)):
            return 0
        joined = f"{joined} {piece}".strip()
        if _WROTE.search(joined):
            return count if _DATED.search(joined) else 0
    return 0


def header_block(lines: list[str], at: int) -> bool:
    """Whether a forwarded or quoted mail's header stands at `at`: a sender and two other fields just below."""
    if not _FROM.match(lines[at][:LINE_READ]):
        return False
    following = [line for line in lines[at + 1 : at + 9] if line.strip()][:5]
    return sum(bool(_OTHER_FIELD.match(line[:LINE_READ])) for line in following) >= 2


def divider(lines: list[str], at: int) -> bool:
    """Whether everything from this line on was written before: a divider, a header block, a rule above one."""
    line = lines[at][:LINE_READ]
    if _DIVIDER.match(line) or _BEGIN_FORWARD.match(line) or header_block(lines, at):
        return True
    below = next((number for number in range(at + 1, min(at + 4, len(lines))) if lines[number].strip()), at)
    return below > at and bool(_RULE.match(line)) and header_block(lines, below)


def signature(line: str) -> bool:
    """Whether the signature begins here."""
    return len(line) < 10 and bool(_SIGNATURE.match(line))


def device(line: str) -> bool:
    """Whether a device or a program signed here."""
    return len(line) < 120 and bool(_DEVICE.match(line))
