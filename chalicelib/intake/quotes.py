"""Lines that part what the sender wrote now from what stood there before.

Introductions ("On … wrote:"), header blocks of forwarded mails, dividers and signatures, in the desk's languages
and those its mail programs speak. Every pattern looks at a bounded part of a line, so a text costs its length.
"""

import re
from typing import Final

LINE_READ: Final = 300  # characters of a line that a pattern looks at
INTRODUCTION_LINES: Final = 3  # an introduction may be wrapped over so many lines
BLOCK_LINES: Final = 6
_I: Final = re.IGNORECASE

_DATE_FIRST = re.compile(
    r"(?:on|am|w dniu|dnia|le|el|il|op|den|em|в|у|quoting|zitat von|cytowanie|mon|tue|wed|thu|fri|sat|sun)\b"
    r"|\w{2,12}[.,]{0,2}\s+\d|\d",
    _I,
)
_NAME_FIRST = re.compile(r".{1,100}>\s*(?:schrieb|wrote|writes|napisał|pisze|пишет|пише)\b", _I)
# How an introduction ends: a verb and a colon, or a date, an address and a colon.
_WROTE = re.compile(
    r"(?:\bwrote|\bwrites|\bsaid|\bschrieb(?:\b.{0,150})?|\bgeschrieben|\bpisze|\b(?:na)?pisał(?:\(a\)|\(-a\)|/a|a)?"
    r"|\ba écrit|\bescribió|\bha scritto|\bschreef(?:\b.{0,150})?|\bskrev(?:\b.{0,150})?|\bescreveu|\bkirjoitti"
    r"|\bпишет|\bпише|\b(?:на)?писал\(?а?\)?|\b(?:на)?писав\(?л?а?\)?|\bnapsal\(?a?\)?"
    r"|\bquoting .{3,150}|\bzitat von .{3,150})\s*(?:\(.{0,30}\))?\s*[:：]\s*$",
    _I,
)
_ADDRESSED = re.compile(r"\d.{0,200}<[^<>]{1,200}@[^<>]{1,200}>\s*[:：]\s*$")
_DATED = re.compile(r"\d|@|<|\b(?:quoting|zitat von)\b", _I)
_SENTENCE_END: Final = (".", "!", "?")
_DIVIDER = re.compile(
    r"\s*[-_*=]{2,}\s*(?:original message|original appointment|reply message|forwarded message"
    r"|forwarded by .{1,100}|on .{5,150} wrote"
    r"|ursprüngliche nachricht|original-nachricht|weitergeleitete nachricht|originalnachricht"
    r"|wiadomość oryginalna|oryginalna wiadomość|pierwotna wiadomość|treść przekazanej wiadomości"
    r"|przekazana wiadomość|wiadomość przekazana"
    r"|исходное сообщение|пересылаемое сообщение|пересланное сообщение|первоначальное сообщение"
    r"|вихідне повідомлення|оригінальне повідомлення|початкове повідомлення|переслане повідомлення"
    r"|message d'origine|mensaje original|messaggio originale|oorspronkelijk bericht|ursprungligt meddelande)"
    r"\s*[-_*=]*\s*:?\s*$",
    _I,
)
_BEGIN_FORWARD = re.compile(
    r"\s*(?:begin forwarded message|anfang der weitergeleiteten (?:nachricht|e-mail)"
    r"|początek przekazywanej wiadomości|начало переадресованного сообщения|начало пересылаемого сообщения"
    r"|початок переадресованого повідомлення)\s*:\s*$",
    _I,
)
_FROM = re.compile(r"[\s*]*(?:from|von|od|nadawca|от|от кого|від|de|da|van|från|fra)\s*:[\s*]*\S", _I)
_OTHER_FIELD = re.compile(
    r"[\s*]*(?:sent|date|to|cc|subject|gesendet|datum|an|betreff|wysłan[eoay]|data|do|dw|temat|adresat"
    r"|отправлено|дата|кому|копия|тема|надіслано|копія|envoyé|à|objet|enviado|para|asunto|inviato|a|oggetto"
    r"|verzonden|aan|onderwerp|skickat|till|ämne|sendt|til|emne)\s*:",
    _I,
)
# Fields that only a mail has; a journey has a from, a to and a date as well.
_MAIL_FIELD = re.compile(
    r"[\s*]*(?:subject|betreff|temat|тема|objet|asunto|oggetto|onderwerp|ämne|emne|sent|gesendet|wysłan[eoay]"
    r"|отправлено|надіслано)\s*:",
    _I,
)
_EXACT = re.compile(r"@|\d{1,2}[:.]\d{2}")
_RULE = re.compile(r"[\s\-_=*~#+>|]*$")
_SIGNATURE = re.compile(r"(?:--|—|– ?-)[ \t\u00a0]*$")
_THINGS: Final = (
    r"(?:my|mein|moj|mój|мо[её]|мій|мого|the|a|iphone|ipad|i?mac|android|samsung|galaxy|huawei|xiaomi|blackberry"
    r"|windows|outlook|yahoo|gmail|gmx|web\.de|proton|airmail|mailbox|mail|e-?mail|poczt|wp|onet|aplikacj|urządze"
    r"|telefon|smartfon|tablet|unterwegs|der|почт|яндекс|устройств|телефон|смартфон|планшет|приложени|мобильн"
    r"|мобільн|пристро)"
)
_DEVICE = re.compile(
    rf"\s*(?:sent (?:from|via|with|using) {_THINGS}.{{0,80}}|get outlook for .{{2,60}}"
    rf"|von meinem .{{2,60}} gesendet|gesendet (?:von|mit) {_THINGS}.{{0,60}}"
    rf"|diese nachricht wurde von meinem .{{2,80}}"
    rf"|wysłan[eo] (?:z|ze|za pomocą) {_THINGS}.{{0,60}}|pobierz (?:aplikację )?outlook .{{2,60}}"
    rf"|отправлено (?:с|из) {_THINGS}.{{0,60}}|надіслано (?:з|із|зі) {_THINGS}.{{0,60}}"
    rf"|envoyé (?:de|depuis) mon .{{2,40}}|enviado desde mi .{{2,40}})$",
    _I,
)


def quoted(line: str) -> bool:
    """Whether a line carries the quotation mark of mail."""
    return line.lstrip(" \t").startswith(">")


def introduction(lines: list[str], at: int) -> int:
    """How many lines from `at` introduce a quotation ("On … wrote:"); 0 when they do not."""
    joined = _piece(lines[at])
    if _introduces(joined):
        return 1
    if not (_DATE_FIRST.match(joined) or _NAME_FIRST.match(joined)):
        return 0
    for count, line in enumerate(lines[at + 1 : at + INTRODUCTION_LINES], start=2):
        piece = _piece(line)
        if not piece or quoted(line) or joined.endswith(_SENTENCE_END) or _opens_itself(piece):
            return 0
        joined = f"{joined} {piece}"
        if _introduces(joined):
            return count
    return 0


def _piece(line: str) -> str:
    return line.strip(" \t*\u00a0")[:LINE_READ]


def _introduces(text: str) -> bool:
    if not text.endswith((":", "：")):
        return False
    return bool(_ADDRESSED.search(text) or (_WROTE.search(text) and _DATED.search(text)))


def _opens_itself(piece: str) -> bool:
    return bool(_DATE_FIRST.match(piece)) and _introduces(piece)


def certain(introduction_lines: list[str]) -> bool:
    """Whether a mail program wrote this introduction: it names an address or a time of day."""
    return bool(_EXACT.search(" ".join(line[:LINE_READ] for line in introduction_lines)))


def header_block(lines: list[str], at: int) -> bool:
    """Whether the header of a quoted mail begins at `at`.

    A sender and two other fields, of which one is a mail's: "from: Berlin, to: Paris" is no mail.
    """
    if not (_FROM.match(lines[at][:LINE_READ]) or _OTHER_FIELD.match(lines[at][:LINE_READ])):
        return False
    block = [line[:LINE_READ] for line in lines[at : at + 2 * BLOCK_LINES] if line.strip()][:BLOCK_LINES]
    others = sum(bool(_OTHER_FIELD.match(line)) for line in block)
    named = any(_MAIL_FIELD.match(line) or "@" in line for line in block)
    return others >= 2 and named and any(_FROM.match(line) for line in block)


def divider(lines: list[str], at: int) -> bool:
    """Whether everything from this line on was written before."""
    line = lines[at][:LINE_READ]
    return bool(_DIVIDER.match(line) or _BEGIN_FORWARD.match(line)) or header_block(lines, at)


def signature(line: str) -> bool:
    """Whether the signature begins here."""
    return len(line) < 10 and bool(_SIGNATURE.match(line))


def closing(line: str) -> bool:
    """Whether a last line says nothing: it is blank, a rule, or a device or a program signed there."""
    return bool(_RULE.match(line[:LINE_READ])) or (len(line) < 120 and bool(_DEVICE.match(line)))
