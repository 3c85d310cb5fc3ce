"""Which addresses a returned mail could not be delivered to, why, and which mail it was (RFC 3464, 3463, 3798)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final

from chalicelib.intake import addresses, fields
from chalicelib.intake.charset import storable
from chalicelib.intake.message import Failure
from chalicelib.intake.mime import ENCLOSED, Part
from chalicelib.patterns import pattern

STATUS_TYPES: Final = frozenset({"message/delivery-status", "message/global-delivery-status"})
HEADER_TYPES: Final = frozenset({"text/rfc822-headers", "message/global-headers", *ENCLOSED})
NOTICE_TYPES: Final = frozenset({"message/disposition-notification", "message/feedback-report"})
FAILURES_READ: Final = 50
REASON_LENGTH: Final = 300  # characters
STATUS_READ: Final = 50_000  # bytes of a delivery-status
TEXT_READ: Final = 20_000  # characters of what a mail system wrote
LINE_READ: Final = 400
HEADER_READ: Final = 10_000
PARTS_READ: Final = 50
DIAGNOSTIC_TYPE: Final = 30  # characters; "smtp" or "x-local-program"
REASON_LINES: Final = 8
_I: Final = re.IGNORECASE
_M: Final = re.MULTILINE

_ADDRESS: Final = r"[^\s<>()\[\],;:\"'@]{1,64}@[A-Za-z0-9._-]{1,190}[A-Za-z0-9]"
_ANY_ADDRESS = pattern(_ADDRESS)
# A line that begins with an address, perhaps behind a reply code and a word for it.
_LEAD = pattern(
    r"[\s>*|-]{0,20}(?:[45]\d\d[ -](?:[45]\.\d{1,3}\.\d{1,3} )?)?"
    r"(?:(?:rcpt to|recipient|address|e-?mail address|target mail address|user|unknown user|failed recipient|error-for"
    r"|invalid recipient|delivery failed for|could not be delivered to|undeliverable to|empfänger|adresat|odbiorca"
    r"|получатель|адресат|одержувач)(?:\s?[:;]\s{0,5}|\s))?"
    rf"[\"'<(\[]{{0,3}}(?:mailto:)?({_ADDRESS})[\"'>)\]]{{0,3}}(?=[\s:;,.…]|$)",
    _I,
)
# Addresses of the mail itself, which some systems list above what failed.
_OF_THE_MAIL = pattern(r"^\s{0,8}(?:to|cc|from|reply-to)\s?:\s{0,8}(.{0,300})$", _I | _M)
_COPY = pattern(
    r"^[ \t]{0,8}(?:[-=_*# ]{2,}(?:below this line|this is a copy|original message|returned message|message header"
    r"|headers? of|unsent message|enclosed|bounced e-?mail|original headers|message contents|begin message"
    r"|text of|included is|the original|ursprüngliche|оригинал|исходное|treść)"
    r"|original message follows|bounced e-?mail:|received: |return-path: "
    r"|the header of the original|message headers? follow|your original message|mail-?header:|original message headers"
    r"|[-=_*# ]{2,}start of returned)",
    _I | _M,
)
_BLANK = pattern(r"\n[ \t\r]*\n")
_STATUS = pattern(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?!\.?\d)")
_REPLY = pattern(r"(?<![\d.])([45])\d\d(?=[ \-:;)])")
_MESSAGE_ID = pattern(r"^[> \t]{0,8}(?:original-)?message-id:\s{0,5}(<[^<>\s]{1,500}>)", _I | _M)
_OWN: Final = ("postmaster@", "mailer-daemon@", "abuse@", "double-bounce@", "support@", "help@", "helpdesk@")
# Words of mail systems, in lower case: that something failed; that nobody is there; that somebody is, but not now or
# not for this mail; that the mail was refused for who sent it.
_FAILS: Final = (
    "unknown", "not known", "fail", "reject", "denied", "not exist", "not found", "not deliver", "be delivered",
    "not listed", "not reach", "undeliver", "unable", "could not", "couldn't", "full", "quota", "disabled", "inactive",
    "refused", "expired", "timed out", "no such", "invalid", "generated from", "originally addressed", "addressed to",
    "unzustellbar", "nicht zugestellt", "nie istnieje", "nie można", "не существует", "не найден", "не доставлен",
    "не вдалося", "переполнен", "переповнен", "unrouteable", "nie znaleziono", "nicht gefunden", "не знайден",
    "przepełnion", "zapełnion", "ist voll", "überfüllt", "jest pełna", "nie można odnaleźć", "не удалось найти",
    "не удается найти",
)  # fmt: skip
_NOBODY: Final = (
    "user unknown", "unknown user", "unknown recipient", "unknown account", "unknown address", "unknown local",
    "unknown mailbox", "unknown or illegal", "no such user", "no such recipient", "no such mailbox", "no such address",
    "no such person", "no such account", "no such domain", "no such local", "no such email", "not exist", "no mailbox",
    "no account", "no user", "mailbox not found", "mailbox unknown", "mailbox unavailable", "mailbox does",
    "invalid recipient", "invalid user", "invalid mailbox", "invalid address", "user not found", "address not found",
    "recipient not found", "account not found", "host not found", "domain not found", "name not found", "not listed in",
    "recipient unknown", "unrouteable", "unknown host", "host unknown", "name service error", "bad destination",
    "no longer exists", "no longer valid", "no longer available", "no longer in use", "no longer works", "has moved",
    "not a valid user", "not a valid mailbox", "not a valid recipient", "isn't found", "wasn't found", "wasn’t found",
    "is not known", "user not known", "null mx", "illegal host", "illegal alias", "no mx found", "no smtp service",
    "not accepting network", "not accept mail", "rejected: access denied", "name is not recogni", "is not reachable",
    "doesn't have a", "not known in", "in virtual alias table", "in local recipient table", "unbekannt", "nie istnieje",
    "nieznany", "не существует", "не найден", "не існує", "неизвестен",
    "nie znaleziono", "nicht gefunden", "не знайден", "existiert nicht", "nie można odnaleźć", "не удалось найти",
    "не удается найти", "не вдалося знайти",
)  # fmt: skip
_SOMEBODY: Final = (
    "quota", "full", "too large", "too big", "too many", "too long", "too fast", "exceed", "temporar", "try again",
    "greylist", "graylist", "blocked", "blacklist", "spam", "policy", "denied", "timeout", "time out", "timed out",
    "expired", "refus", "rate limit", "virus", "disabled", "inactive", "suspend", "not allowed", "relay", "authenticat",
    "dmarc", "spf", "dkim", "junk", "content", "zapełnion", "przepełnion", "переполнен", "überfüllt", "voll",
    "jest pełna", "переповнен", "zablokowan", "заблок",
)  # fmt: skip
_SENDER: Final = ("mail from", "sender", "spamhaus", "blacklist", "black list", "dnsbl", "reputation")
_SENDER_STATUS: Final = ("5.1.7", "5.1.8")
NO_SUCH_USER: Final = "5.1.1"
_NOBODY_STATUS: Final = (NO_SUCH_USER, "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.1.351", "5.4.4", "5.4.310")


@dataclass(slots=True)
class _Report:
    """What the mail system wrote for people, without the returned mail below it."""

    text: str
    lines: list[str]
    telling: str | None = None

    def words(self) -> list[Failure]:
        """Recipients that begin lines, with what stands beside and below; else those in lines that tell what failed."""
        return list(islice(_by_words(self), FAILURES_READ))

    def sentence(self) -> str:
        """The first line with a code, else the first that says that nobody is there, else that something failed."""
        if self.telling is None:
            found = (next(filter(telling, self.lines), "") for telling in (_coded, _explains, _tells))
            self.telling = next(filter(None, found), "")
        return self.telling

    def said_of(self, recipient: str) -> str:
        """What it says of a recipient whose delivery-status names no reason."""
        told = next((one.reason for one in self.words() if one.recipient.lower() == recipient.lower()), "")
        return told or self.sentence()


def failures(root: Part, text: str) -> tuple[Failure, ...]:
    """The recipients a mail system names, each once, in its order; at most 50."""
    report = _report(text)
    found: dict[str, Failure] = {}
    for one in _by_status(root, report) or _by_header(root, report) or _told(root, report) or _guessed(root, report):
        known = found.get(one.recipient.lower())
        if known is None or (known.permanent is None and not known.status and one.permanent is not None):
            found[one.recipient.lower()] = one
    return tuple(found.values())[:FAILURES_READ]


def about(root: Part, text: str) -> tuple[str, ...]:
    """Message-IDs of the mails that a report or a receipt speaks of; at most 50."""
    found = [addresses.message_id(head.get("message-id")) for head in _original_heads(root)]
    for part in _of_types(root, NOTICE_TYPES):
        found += addresses.ids(" ".join(_MESSAGE_ID.findall(_decoded(part))))
    if not any(found):
        found += addresses.ids(" ".join(_MESSAGE_ID.findall(text[:TEXT_READ])[:1]))
    return tuple(dict.fromkeys(one for one in found if one))[:FAILURES_READ]


def _of_types(root: Part, types: frozenset[str]) -> Iterator[Part]:
    return islice((part for part in root.walk() if part.type in types), PARTS_READ)


def _decoded(part: Part) -> str:
    return storable(part.content()[:STATUS_READ].decode("utf-8", "replace"))[0]


def _report(text: str) -> _Report:
    text = text[:TEXT_READ]
    copy = _COPY.search(text)
    own = text[: copy.start()] if copy else text
    return _Report(own, [line[:LINE_READ] for line in own.split("\n")])


def _by_status(root: Part, report: _Report) -> list[Failure]:
    parts = [_decoded(part) for part in _of_types(root, STATUS_TYPES)]
    if not parts and "ecipient:" not in report.text:
        return []
    groups = [group for block in parts or [report.text] for group in _BLANK.split(block)]
    named = [_unfolded(group) for group in groups if "recipient:" in group.lower()]
    found = [_of_group(fields_of_one, report) for fields_of_one in named[:FAILURES_READ]]
    return [one for one in found if one]


def _unfolded(group: str) -> dict[str, str]:
    """Fields of one recipient by lower-case name."""
    named: dict[str, str] = {}
    name = ""
    for line in group.split("\n"):
        before, colon, after = line.partition(":")
        if line[:1] in (" ", "\t") and name:
            named[name] = f"{named[name]} {line.strip()}"[: 4 * REASON_LENGTH]
        elif colon and before.strip().replace("-", "").isalpha():
            name = before.strip().lower()
            named.setdefault(name, after.strip())
    return named


def _of_group(named: dict[str, str], report: _Report) -> Failure | None:
    action = named.get("action", "").partition(" ")[0].lower()
    values = [named.get(name, "") for name in ("original-recipient", "final-recipient", "x-actual-recipient")]
    recipient = next((found[0] for value in values if (found := _ANY_ADDRESS.search(value))), "")
    if not recipient or action in ("delivered", "relayed", "expanded"):
        return None
    diagnostic = named.get("diagnostic-code", "")
    kind, semicolon, said = diagnostic.partition(";")
    reason = said if semicolon and len(kind) < DIAGNOSTIC_TYPE else diagnostic
    return _failure(recipient, named.get("status", ""), reason or report.said_of(recipient), action)


def _by_header(root: Part, report: _Report) -> list[Failure]:
    values = ", ".join(root.head.all("x-failed-recipients"))[:HEADER_READ]
    return [_failure(one, "", report.said_of(one), "") for one in _ANY_ADDRESS.findall(values)[:FAILURES_READ]]


def _told(root: Part, report: _Report) -> list[Failure]:
    """Recipients the readable part names, those first that the report itself is not addressed to."""
    to = ", ".join(root.head.all("to"))[:HEADER_READ].lower()
    told = report.words()
    return [one for one in told if one.recipient.lower() not in to] or told


def _guessed(root: Part, report: _Report) -> list[Failure]:
    """The recipient of the mail that came back, else the only address that the report names."""
    named = [one for head in _original_heads(root) for one in _ANY_ADDRESS.findall(head.get("to")[:LINE_READ])]
    named = named or _ANY_ADDRESS.findall(" ".join(_OF_THE_MAIL.findall(report.text)))
    if not named:
        others = list(dict.fromkeys(_others(report.text)))
        named = others if len(others) == 1 else []
    return [_failure(one, "", report.sentence(), "") for one in named[:1]]


def _by_words(report: _Report) -> Iterator[Failure]:
    lines = report.lines
    leads = {at: found for at, line in enumerate(lines) if "@" in line and (found := _LEAD.match(line))}
    leads = {at: found for at, found in leads.items() if not found[1].lower().startswith(_OWN)}
    for at, found in leads.items():
        reason = _beside(lines, at, found, leads)
        yield _failure(found[1], "", reason if _tells(reason) else report.sentence() or reason, "")
    if not leads:
        for at, line in enumerate(lines):
            if "@" in line and not _OF_THE_MAIL.match(line) and _tells(" ".join(lines[at : at + 2])):
                reason = next(filter(_explains, (line, report.sentence())), line)
                yield from (_failure(one, "", reason, "") for one in _others(line)[:1])


def _others(text: str) -> list[str]:
    """Addresses in a text but for those of mail systems and of help."""
    return [one for one in _ANY_ADDRESS.findall(text) if not one.lower().startswith(_OWN)]


def _tells(line: str) -> bool:
    """Whether a line says what went wrong."""
    return _says(_FAILS, line.lower()) or _coded(line)


def _explains(line: str) -> bool:
    """Whether a line says why: by the code of a failure, or that nobody is there."""
    status = _STATUS.search(line)
    return bool(_REPLY.search(line) or (status and status[1][0] != "2") or _says(_NOBODY, line.lower()))


def _coded(line: str) -> bool:
    return bool(_STATUS.search(line) or _REPLY.search(line))


def _says(words: tuple[str, ...], text: str) -> bool:
    """Whether any of the words stands in a text in lower case; for so many, ten times as fast as a pattern."""
    return any(word in text for word in words)


def _beside(lines: list[str], at: int, found: re.Match[str], leads: dict[int, re.Match[str]]) -> str:
    rest = lines[at][found.end() :].strip(" \t:;,.…>)]-")
    said = [lines[at].strip()] if rest else []
    for number in range(at + 1, min(len(lines), at + 2 * REASON_LINES)):
        line = lines[number].strip()
        done = bool(said) and not said[-1].endswith(":")
        if number in leads or (not line and done) or len(said) >= REASON_LINES:
            break
        said += [line] if line else []
    return " ".join(said)


def _failure(recipient: str, status: str, reason: str, action: str) -> Failure:
    said = storable(" ".join(reason[: 4 * REASON_LENGTH].split()))[0]
    code = _code(status, said)
    return Failure(storable(recipient)[0], code, said[:REASON_LENGTH], _permanent(code, said, action))


def _code(status: str, reason: str) -> str:
    """The enhanced status code: the one of the system that refused the mail, else that of the one that reports it."""
    stated, told = _STATUS.search(status), _STATUS.search(reason)
    if stated and (not told or told[1].endswith(".0.0")):
        return stated[1]
    return told[1] if told else ""


def _permanent(code: str, reason: str, action: str) -> bool | None:
    if code.startswith("4") or action == "delayed":
        return False
    reason = reason.lower()
    if code in _SENDER_STATUS or (_says(_SENDER, reason) and code != NO_SUCH_USER):
        return False
    if _says(_NOBODY, reason) or code in _NOBODY_STATUS:
        return True
    if _says(_SOMEBODY, reason) or (code and not code.endswith(".0.0")):
        return False
    return None


def _original_heads(root: Part) -> Iterator[fields.Fields]:
    """Headers of the mails that came back, as parts of their own."""
    for part in _of_types(root, HEADER_TYPES):
        if part.children:
            yield part.children[0].head
        else:
            data = part.content()
            yield fields.read(data, 0, len(data), STATUS_READ).fields
