"""Whether a program wrote the mail: by its header first (RFC 3834, 3464, 8098), by its words only at the last."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from chalicelib.intake import addresses, away, returned, words
from chalicelib.intake.bounce import STATUS_TYPES
from chalicelib.intake.message import Automatic
from chalicelib.intake.mime import ENCLOSED, Part
from chalicelib.intake.written import written

LOOP_HEADER: Final = "X-Sortownia-Loop"
AUTO_REPLY_FIELDS: Final = (
    "x-autoreply",
    "x-autorespond",
    "x-autoresponder",
    "x-auto-reply",
    "x-autoreply-from",
    "x-mail-autoreply",
    "x-auto-reply-from",
    "x-autoresponse",
    "x-vacation",
    "x-fc-machinegenerated",
)
REPORTS: Final = frozenset({Automatic.BOUNCE, Automatic.DELIVERY_REPORT})  # they tell of an earlier mail
TEMPLATES: Final = ("oof", "reply")  # of Outlook: IPM.Note.Rules.OofTemplate.Microsoft and its like
BODY_READ: Final = 5_000  # characters in which a bounce says what it is
_DAEMON = re.compile(
    r"(?:^|[\s<\"'(,])(?:mailer[-_.]?daemon|post_?master|mdaemon"
    r"|mail[-_. ]?delivery[-_. ]?(?:sub)?[-_. ]?system)(?=[\s@>\"')]|$)",
    re.IGNORECASE | re.ASCII,
)
# So old Exchange servers call themselves, and people their work.
_ADMINISTRATOR = re.compile(r"[\s\"']*system administrator[\s\"']*(?:<|$)", re.IGNORECASE)
# What people's programs put before the subject of a mail that they pass on or answer.
_PASSED_ON = re.compile(r"\s*(?:re|fwd?|aw|wg|odp|pd|отв|пересл|відп|пер|tr|rv)\s?:", re.IGNORECASE)
# How a mail system tells that it still tries.
_LATE = re.compile(
    r"\s*(?:warning: (?:message \S{1,40} delayed|could not send message for)|(?:mail|message) delayed"
    r"|delayed (?:mail|delivery)|delivery (?:delayed|status notification \(delay))",
    re.IGNORECASE,
)
# The subject that RFC 7489 (7.2.1.1) gives to reports on mail of a domain.
_AGGREGATE = re.compile(r"\breport domain:.{1,300}\bsubmitter:", re.IGNORECASE)
ADDRESSES_READ: Final = 2_000  # characters of a field
_ACTION = re.compile(rb"^action:\s*(failed|delayed|delivered|relayed|expanded)", re.IGNORECASE | re.MULTILINE)
# Where ticket systems cut what they are answered.
_REPLY_ABOVE = re.compile(
    r"(?:above|below|(?:ober|unter)halb|über|powyżej|poniżej|nad|выше|ниже|над|под|вище|нижче|під)"
    r" (?:this|dieser|tej|tą|этой|цією|цього|цієї) (?:line|zeile|lini|kresk|строк|черт|ліні|рядк)",
    re.IGNORECASE,
)
ACKNOWLEDGED_WITHIN: Final = 1_000  # characters: what was said before stands below
# What calendars write into every invitation that sounds as if somebody asked.
_OF_CALENDARS = re.compile(
    r"going \([^()\n]{1,300}\)\?|event (?:has been|was) cancell?ed|wydarzenie zostało odwołane"
    r"|microsoft teams\W{1,9}(?:need help|potrzebujesz pomocy|benötigen sie hilfe|нужна помощь|потрібна допомога)\?",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What kind of automatic mail it is and the sentence that says by what it was known."""

    kind: Automatic
    reason: str


def judge(root: Part, subject: str, text: str) -> Verdict | None:
    """The first rule that holds; None for mail a person wrote."""
    for rule in _HEADER_RULES:
        if verdict := rule(root):
            return _list(root) if rule is _auto_submitted and _from_a_desk(root, text[:BODY_READ]) else verdict
    return _by_words(root, subject, text) or _calendar(root, text) or _list(root) or _bulk(root)


def _own(part: Part) -> Iterator[Part]:
    """The parts of the mail itself: what stands in a mail that it encloses is somebody else's."""
    yield part
    for child in part.children:
        if child.type in ENCLOSED:
            yield child
        else:
            yield from _own(child)


def _echo(root: Part) -> Verdict | None:
    if LOOP_HEADER.lower() in root.head:
        return Verdict(Automatic.ECHO, f"It is a mail of ours that came back: it carries our {LOOP_HEADER} header.")
    return None


def _form(root: Part) -> bool:
    """Whether it came by a form on its receiver's site: in the name of his domain, with answers to go elsewhere.

    Who makes such a form marks what it sends as a program's. What is filled in is a person's.
    """
    sender, to, answers = (_domains(root, name) for name in ("from", "to", "reply-to"))
    return (
        bool(sender and answers)
        and sender.isdisjoint(answers)
        and any(_below(one, other) for one in sender for other in to)
    )


def _below(one: str, other: str) -> bool:
    """Whether two domains are the same, or one is below the other."""
    return f".{one}".endswith(f".{other}") or f".{other}".endswith(f".{one}")


def _domains(root: Part, name: str) -> set[str]:
    found = addresses.parse(", ".join(root.head.all(name))[:ADDRESSES_READ], str)
    return {one.key.rpartition("@")[2] for one in found if "@" in one.key}


def _read_report(root: Part) -> Verdict | None:
    kind = root.parameters.get("report-type", "").lower()
    if "disposition-notification" in (kind, root.type.partition("/")[2]):
        return Verdict(
            Automatic.DELIVERY_REPORT, "It is a receipt that says what became of a mail (disposition-notification)."
        )
    if kind == "feedback-report" or any(part.type == "message/feedback-report" for part in _own(root)):
        return Verdict(Automatic.DELIVERY_REPORT, "It reports that somebody complained of a mail (feedback-report).")
    if any("x-hmxmroriginalrecipient" in part.head for part in root.walk()):
        return Verdict(Automatic.DELIVERY_REPORT, "It reports that somebody complained of a mail (Outlook.com).")
    return None


def _aggregate(root: Part) -> Verdict | None:
    told = "tls-report-domain" in root.head or root.parameters.get("report-type", "").lower() == "tlsrpt"
    if told or (_AGGREGATE.search(root.head.get("subject")[:1_000]) and any(map(_packed, _own(root)))):
        return Verdict(
            Automatic.DELIVERY_REPORT, "It reports how mail of a domain fared, as DMARC and TLS-RPT have it."
        )
    return None


def _packed(part: Part) -> bool:
    return part.type.startswith("application/")


def _delivery_status(root: Part) -> Verdict | None:
    if root.type != "multipart/report" and _PASSED_ON.match(words.decode(root.head.get("subject")[:1_000])):
        return None  # by a program that takes the report apart, as Apple's does
    statuses = [part for part in _own(root) if part.type in STATUS_TYPES]
    actions = {found.lower() for part in statuses for found in _ACTION.findall(part.content()[:20_000])}
    if actions and b"failed" not in actions:
        return Verdict(
            Automatic.DELIVERY_REPORT, "It reports a delivery that is late or done, not one that failed (RFC 3464)."
        )
    if statuses:
        return Verdict(Automatic.BOUNCE, "It reports that a mail could not be delivered (RFC 3464).")
    if root.head.get("content-type").lower().startswith("multipart/report"):
        return Verdict(Automatic.BOUNCE, "It is a mail system's report (multipart/report).")
    return None


def _failed_recipients(root: Part) -> Verdict | None:
    if "x-failed-recipients" in root.head:
        return Verdict(Automatic.BOUNCE, "It names the recipients a mail did not reach (X-Failed-Recipients).")
    return None


def _auto_submitted(root: Part) -> Verdict | None:
    if "x-autogenerated" in root.head:
        return Verdict(Automatic.AUTO_REPLY, "Its header says that a program sent it (X-Autogenerated).")
    value = re.split("[;(]", root.head.get("auto-submitted"), maxsplit=1)[0].strip().lower()
    if value and value != "no" and not (value != "auto-replied" and _form(root)):
        kind = value if value.replace("-", "").isalpha() and len(value) < 40 else "something else than no"
        return Verdict(Automatic.AUTO_REPLY, f"Its header says that a program sent it (Auto-Submitted: {kind}).")
    return None


def _from_a_desk(root: Part, text: str) -> bool:
    """Whether somebody answers from another ticket system: some mark what their people write as they mark the rest.

    What they say themselves, that they have our mail, is a program's all the same.
    """
    answers = "in-reply-to" in root.head and root.head.get("auto-submitted").lower().startswith("auto-generated")
    newest = text[:ACKNOWLEDGED_WITHIN]
    told = away.RECEIVED.search(newest) or away.SAYS_AUTOMATIC.search(newest)
    return answers and bool(_REPLY_ABOVE.search(text)) and not told


def _auto_reply(root: Part) -> Verdict | None:
    named = (name for name in AUTO_REPLY_FIELDS if name in root.head)
    said = (name for name in named if root.head.get(name).lower() not in ("no", "false"))
    if name := next(said, ""):
        return Verdict(Automatic.AUTO_REPLY, f"Its header says that a program answered ({name}).")
    if any(root.head.get(name).lower() in ("auto_reply", "auto-reply") for name in ("precedence", "x-precedence")):
        return Verdict(Automatic.AUTO_REPLY, "Its header says that a program answered (Precedence: auto_reply).")
    if root.head.get("x-apple-action").lower() == "vacation":
        return Verdict(Automatic.AUTO_REPLY, "Its sender is away (X-Apple-Action: VACATION).")
    if root.head.get("delivered-to").lower() == "autoresponder":
        return Verdict(Automatic.AUTO_REPLY, "Its header says that a program answered (Delivered-To: Autoresponder).")
    if any(f"{name}template" in root.head.get("x-message-class").lower() for name in TEMPLATES):
        return Verdict(Automatic.AUTO_REPLY, "Its header says that a rule of Outlook answered (X-Message-Class).")
    return None


def _daemon(root: Part) -> Verdict | None:
    if _DAEMON.search(root.head.get("from")[:ADDRESSES_READ]):
        if _LATE.search(root.head.get("subject")[:1_000]):
            return Verdict(Automatic.DELIVERY_REPORT, "A mail system says that a mail is late, not that it failed.")
        return Verdict(Automatic.BOUNCE, "Its sender is a mail system, not a person.")
    return None


def _notification(root: Part) -> Verdict | None:
    if "x-amz-sns-message-id" not in root.head:
        return None
    if b'"bounceType' in root.content()[:20_000].replace(b" ", b""):
        return Verdict(Automatic.BOUNCE, "It is a notification of Amazon SES that a mail could not be delivered.")
    return Verdict(Automatic.AUTO_REPLY, "It is a notification of Amazon SNS, sent by a program.")


def _null_path(root: Part) -> Verdict | None:
    if root.head.get("return-path").replace(" ", "") == "<>":
        return Verdict(Automatic.BOUNCE, "It wants no answer, as a mail system does (empty Return-Path).")
    return None


_HEADER_RULES: Final[tuple[Callable[[Part], Verdict | None], ...]] = (
    _echo,
    _read_report,
    _aggregate,
    _delivery_status,
    _failed_recipients,
    _notification,
    _auto_reply,
    _daemon,
    _auto_submitted,
    _null_path,
)


def _by_words(root: Part, subject: str, text: str) -> Verdict | None:
    if reason := away.reason(subject, text[:BODY_READ], unwelcome=wants_no_answer(root)):
        return Verdict(Automatic.AUTO_REPLY, reason)
    if returned.announced(subject):
        if _ADMINISTRATOR.match(root.head.get("from")[:200]):
            return Verdict(Automatic.BOUNCE, "Its sender is a mail system, not a person.")
        if returned.told(subject, text[:BODY_READ]):
            return Verdict(Automatic.BOUNCE, "Its subject and text are those of a returned mail.")
    return None


def wants_no_answer(root: Part) -> bool:
    """Whether the mail wants no automatic answer; people's mail that passes through ticket systems may say so too."""
    value = root.head.get("x-auto-response-suppress").lower()
    return "all" in value or "autoreply" in value or "oof" in value


def _calendar(root: Part, text: str) -> Verdict | None:
    invited = (part for part in _own(root) if part.type == "text/calendar" and part.disposition != "attachment")
    methods = {part.parameters.get("method", "").upper() for part in invited} - {""}
    own = _OF_CALENDARS.sub(" ", written(text[:BODY_READ]))
    # Who proposes another time waits for an answer, and so does who asks for something beside the entry.
    if not methods or methods == {"COUNTER"} or away.asks(returned.without_subjects(own)):
        return None
    return Verdict(Automatic.CALENDAR, "It is an invitation or an answer to one (text/calendar).")


def _list(root: Part) -> Verdict | None:
    if "list-id" in root.head or "list-post" in root.head:
        return Verdict(Automatic.LIST, "It came over a mailing list (List-Id).")
    if root.head.get("precedence").lower() == "list":
        return Verdict(Automatic.LIST, "It came over a mailing list (Precedence: list).")
    return None


def _bulk(root: Part) -> Verdict | None:
    if _form(root):  # services that send for a shop put List-Unsubscribe on all they send
        return None
    if "list-unsubscribe" in root.head and "in-reply-to" not in root.head:  # what answers is for one reader
        return Verdict(Automatic.BULK, "It was sent to many (List-Unsubscribe).")
    if root.head.get("precedence").lower() in ("bulk", "junk"):
        return Verdict(Automatic.BULK, "It was sent to many (Precedence: bulk).")
    return None
