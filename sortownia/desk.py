"""The commands about a desk's rules: `desk check`, `desk explain` and `desk diff`."""

import argparse
import codecs
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from chalicelib import policy
from chalicelib.errors import Unreadable
from chalicelib.flows.tagging import tags_of
from chalicelib.intake import email
from chalicelib.intake.message import Message
from chalicelib.item.item import Customer, CustomerId, Tagging
from chalicelib.item.sorting import facts_of, routed
from chalicelib.policy import DESK_FILE, Policy, PolicyError
from chalicelib.routing.route import Facts, by_topic, conditions
from classifiers.artifact import ModelError
from classifiers.model import Model
from sortownia.desk_check import findings
from sortownia.models import UNUSABLE, starter

type Record = Mapping[str, Any]

#: What a message of `diff` and `explain` may say of itself, beside its text.
_FIELDS: Final = ("id", "lang", "channel", "subject", "body", "source", "mailbox", "marks", "at", "topic", "urgency")


class BadMessage(Exception):
    """A message that cannot be looked at; the text says why."""


def add_commands(subparsers: Any) -> None:
    """Adds `desk`."""
    desk = subparsers.add_parser("desk", help="check, explain and compare the rules of a desk")
    doing = desk.add_subparsers(dest="doing", required=True, metavar="WHAT")
    check = doing.add_parser("check", help="say what is wrong with a desk's file")
    check.add_argument("desk", type=Path, nargs="?", default=DESK_FILE, metavar="FILE", help="default: this desk's")
    check.set_defaults(run=run_check)
    explain = doing.add_parser("explain", help="say what would become of a message (.eml or JSON) and why")
    explain.add_argument("message", nargs="?", default="-", metavar="FILE", help="default: standard input")
    explain.add_argument("--desk", type=Path, metavar="FILE", help="default: this desk's")
    explain.add_argument("--mark", action="append", default=[], help="what the customer is marked as")
    explain.add_argument("--source", default="", help="mailbox or chat installation it came by")
    explain.add_argument("--at", type=_moment, help="when it is routed (ISO 8601; default: now)")
    explain.add_argument("--json", action="store_true")
    explain.set_defaults(run=run_explain)
    diff = doing.add_parser("diff", help="say which messages another desk would treat differently")
    diff.add_argument("old", type=Path)
    diff.add_argument("new", type=Path)
    diff.add_argument("messages", type=Path, metavar="MESSAGES", help="JSON lines, each as `explain` reads it")
    diff.add_argument("--at", type=_moment, help="when they are routed, unless they say so (default: now)")
    diff.add_argument("--json", action="store_true")
    diff.set_defaults(run=run_diff)


def run_check(options: argparse.Namespace) -> int:
    """Prints a line for each thing that is wrong; exit status 1 where something is."""
    try:
        text = options.desk.read_text("utf-8")
        desk = policy.parse(text, str(options.desk))
    except (OSError, UnicodeDecodeError) as problem:
        return _fail(problem)
    except PolicyError as problem:
        print(problem)
        return 1
    found = list(findings(desk))
    for one in found:
        print(f"{options.desk}, line {policy.line_of(text, one.key)}: {one.key}: {one.reason}")
    rules = f"{len(desk.rules.routing)} routing rules, {len(desk.rules.urgency)} urgency rules"
    print(f"{options.desk}: {len(found)} findings; {len(desk.queues)} queues, {len(desk.topics)} topics, {rules}")
    return 1 if found else 0


def run_explain(options: argparse.Namespace) -> int:
    """Prints what would become of one message, and which rules were tried."""
    try:
        raw = sys.stdin.buffer.read() if options.message == "-" else Path(options.message).read_bytes()
        desk, model = policy.load(options.desk), starter()
        record = _record(raw)
        if options.source:
            record = {**record, "source": options.source}
        if options.mark:
            record = {**record, "marks": [*_marks(record), *options.mark]}
        told = explained(record, model, desk, options.at or datetime.now(UTC))
    except (OSError, PolicyError, ModelError, BadMessage) as problem:
        return _fail(problem)
    if options.json:
        print(json.dumps(told, ensure_ascii=False))
    else:
        print("\n".join(_lines(told)))
    return 0


def run_diff(options: argparse.Namespace) -> int:
    """Prints each message that the two desks treat differently, and how many of how many."""
    at = options.at or datetime.now(UTC)
    try:
        old, new, model = policy.load(options.old), policy.load(options.new), starter()
        seen = changed = 0
        for number, record in _records(options.messages):
            seen += 1
            try:
                before, after = (_outcome(explained(record, model, desk, at)) for desk in (old, new))
            except BadMessage as problem:
                raise BadMessage(f"line {number}: {problem}") from problem
            if before == after:
                continue
            changed += 1
            differs = {name: [before[name], after[name]] for name in before if before[name] != after[name]}
            name = record.get("id", seen)
            said = ", ".join(f"{key} {was or 'none'} -> {now or 'none'}" for key, (was, now) in differs.items())
            print(
                json.dumps({"id": name, "changed": differs}, ensure_ascii=False) if options.json else f"{name}: {said}"
            )
    except (OSError, PolicyError, ModelError, BadMessage) as problem:
        return _fail(problem)
    print(f"{changed} of {seen} messages are treated differently", file=sys.stderr if options.json else sys.stdout)
    return 0


def explained(record: Record, model: Model | None, desk: Policy, at: datetime) -> dict[str, Any]:
    """What would become of a message, what is known of it, and each rule with what it asked. Raises `BadMessage`."""
    message, source, marks, moment = _read(record, desk, at)
    for mark in marks:
        if mark not in desk.rules.marks:
            raise BadMessage(f"the desk has no mark {mark}")
    tags = tags_of(message, model, desk)
    customer = Customer(CustomerId("explained"), 0, b"", marks=frozenset(marks))
    facts = facts_of(message, tags, source, customer, moment, desk)
    there = routed(tags, facts, desk)
    asked = facts if tags is None else _with(facts, tags)
    tried = []
    for rule in desk.rules.routing:
        told = [
            {"asks": c.name, "wanted": c.wanted, "there": c.there, "holds": c.holds} for c in conditions(rule, asked)
        ]
        fits = all(one["holds"] for one in told)
        decides = there.rule is rule
        tried.append({"rule": rule.name, "fits": fits, "decides": decides, "conditions": told})
    model_says = by_topic(asked.topic, tags.model_urgency if tags else None, desk)
    return {
        "queue": there.queue, "lane": there.lane, "reason": there.reason, "topic": there.topic,
        "urgency": there.urgency, "rule": there.rule.name if there.rule else None,
        "automatic": message.automatic,
        "model": {"queue": model_says.queue, "lane": model_says.lane, "topic": tags and tags.topic,
                  "topic_confidence": tags and tags.topic_confidence, "abstained": tags and tags.topic_abstained,
                  "urgency": tags and tags.model_urgency, "language": tags and tags.language},
        "urgency_ruled": dict(tags.ruled) if tags else {}, "may_be_spam": bool(tags and tags.doubted),
        "evidence": [dict(piece) for piece in tags.evidence] if tags else [],
        "rules": tried,
    }  # fmt: skip


def _with(facts: Facts, tags: Tagging) -> Facts:
    topic = None if tags.topic_abstained else tags.topic
    return replace(facts, topic=topic, urgency=tags.urgency, language=tags.language)


def _read(record: Record, desk: Policy, at: datetime) -> tuple[Message, str, Sequence[str], datetime]:
    parsed = record.get("message")
    message = parsed if isinstance(parsed, Message) else _message(record)
    sources = [*desk.mailboxes, *desk.installations]
    source = record.get("source") or record.get("mailbox")
    if source is None:
        ours = [address.key for address in (*message.to, *message.cc) if address.key in desk.mailboxes]
        own = desk.mailboxes if message.channel == "mail" else desk.installations
        source = next(iter([*ours, *own]), "")
    elif source not in sources:
        raise BadMessage(f"the desk has no mailbox or installation {source}")
    marks = _marks(record)
    try:
        return message, source, marks, _moment(record["at"]) if "at" in record else at
    except argparse.ArgumentTypeError as problem:
        raise BadMessage(f"at: {problem}") from problem


def _marks(record: Record) -> Sequence[str]:
    marks = record.get("marks", ())
    if not isinstance(marks, list | tuple) or not all(isinstance(mark, str) for mark in marks):
        raise BadMessage("marks must be a list of texts")
    return marks


def _message(record: Record) -> Message:
    if strange := sorted(record.keys() - {*_FIELDS}):
        raise BadMessage(f"no such field: {strange[0]}; there is {', '.join(_FIELDS)}")
    channel, subject, body = (record.get(name) or "" for name in ("channel", "subject", "body"))
    if not all(isinstance(one, str) for one in (channel, subject, body)) or not (subject or body):
        raise BadMessage("body or subject must be a text, and so must channel where it is said")
    return Message(
        channel=channel or "mail", message_id="", in_reply_to=(), references=(), sender=None, reply_to=(), to=(),
        cc=(), subject=subject, sent_at=None, text=body, written=body, automatic=None, automatic_reason="",
        attachments=(), warnings=(),
    )  # fmt: skip


def _record(raw: bytes) -> dict[str, Any]:
    """One message: JSON where it starts with a brace, else a mail."""
    if not raw.removeprefix(codecs.BOM_UTF8).lstrip().startswith(b"{"):
        try:
            return {"message": email.parse(raw)}
        except Unreadable as problem:
            raise BadMessage(str(problem)) from problem
    try:
        record = json.loads(raw)
    except (ValueError, RecursionError) as problem:
        raise BadMessage(f"is not JSON: {problem}") from problem
    return dict(record)


def _records(path: Path) -> Iterable[tuple[int, Record]]:
    """Line numbers, from 1, and messages. Raises `BadMessage`."""
    with path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                record = json.loads(line)
                if not isinstance(record, dict):
                    raise BadMessage("is not a JSON object")
                yield number, record
            except (ValueError, RecursionError, BadMessage) as problem:
                raise BadMessage(f"line {number}: {problem}") from problem


def _outcome(told: Record) -> dict[str, Any]:
    return {name: told[name] for name in ("queue", "lane", "topic", "urgency", "rule")}


def _lines(told: Record) -> Iterable[str]:
    model = told["model"]
    yield f"queue {told['queue']}, lane {told['lane']}: {told['reason']}"
    yield f"topic {told['topic'] or 'unclassified'}, urgency {told['urgency'] or 'unknown'}"
    if told["automatic"]:
        yield f"automatic ({told['automatic']}): recorded, and only a list's mail is work"
    if model["topic"] is None:
        yield "no model"
    else:
        sure = "abstains" if model["abstained"] else "is sure"
        yield (
            f"model: topic {model['topic']} ({model['topic_confidence']:.2f}, {sure}), urgency {model['urgency']}, "
            f"language {model['language']}; alone it would say queue {model['queue']}, lane {model['lane']}"
        )
    if told["may_be_spam"]:
        yield "may be spam: no urgency rule lifts it"
    if told["urgency_ruled"]:
        yield f"urgency rules: {', '.join(told['urgency_ruled']['rules'])}"
    for piece in told["evidence"]:
        by = f" (rule {piece['rule']})" if "rule" in piece else ""
        yield f"  {piece['head']}: {json.dumps(piece['text'], ensure_ascii=False)}{by}"
    for rule in told["rules"]:
        fits = "fits, but an earlier one decides" if rule["fits"] else "does not fit"
        yield f"rule {rule['rule']} {'decides' if rule['decides'] else fits}"
        for one in rule["conditions"]:
            yield f"  {'yes' if one['holds'] else 'no'}: {one['asks']} is {one['there']}, wanted {one['wanted']}"


def _moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (TypeError, ValueError, OverflowError) as error:
        raise argparse.ArgumentTypeError(f"{text} is no time such as 2026-12-24T09:00") from error


def _fail(problem: Exception) -> int:
    print(f"sortownia: desk: {problem}", file=sys.stderr)
    return UNUSABLE
