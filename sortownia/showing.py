"""Answers of the API as lines for a terminal, on which customers' text can do nothing."""

import re
from typing import Final

from pydantic import BaseModel

from chalicelib.api.answers import (
    AgentOut,
    AttachmentOut,
    CustomerOut,
    EventOut,
    HandoverOut,
    HealthOut,
    HeartbeatOut,
    ItemOut,
    ItemWithHistory,
    MentionOut,
    PairOut,
    PresenceOut,
    QueueOut,
    ReplyOut,
    ReplyStatusOut,
)
from chalicelib.routing.clock import Course

_TIME: Final = "%Y-%m-%d %H:%M:%S"


def one_line(text: str) -> str:
    """A text without what would move the cursor or break the line."""
    return "".join(c if c.isprintable() else " " for c in text)


def as_json(model: BaseModel) -> str:
    """One line of JSON; what does not print is escaped, in which JSON's own escapes leave gaps (U+009B, U+202E)."""
    return "".join(c if c.isprintable() else _escaped(c) for c in model.model_dump_json())


def _escaped(character: str) -> str:
    return re.sub("....", r"\\u\g<0>", character.encode("utf-16-be").hex())


def lines(model: BaseModel) -> list[str]:
    """An answer for a person: a line, and below it what belongs to it."""
    return [one_line(line) for line in _lines(model)]


def _lines(model: BaseModel) -> list[str]:
    match model:
        case ReplyOut():
            return [*_lines(model.reply), *_lines(model.item)]
        case PairOut():
            return [*_lines(model.item), *_lines(model.other)]
        case ItemWithHistory():
            link = [f"  linked to {model.linked_to}{_said(model.linked_because)}"] if model.linked_to else []
            lacks = [f"  missing: {', '.join(model.missing)}"] if model.missing else []
            return [_of_item(model), *link, *lacks, *(f"  {_of_event(event)}" for event in model.history)]
        case ItemOut():
            return [_of_item(model)]
        case EventOut():
            return [_of_event(model)]
        case ReplyStatusOut():
            sent = f" at {model.sent_at:{_TIME}}" if model.sent_at else ""
            return [f"reply {model.id} {model.status}{sent}{_said(model.detail)}"]
        case MentionOut():
            return [f"{model.at:{_TIME}} {model.by} in item {model.item_id}"]
        case HeartbeatOut():
            return [f"held until {model.lease_until:{_TIME}}"]
        case AttachmentOut():
            return [f"{model.name} ({model.type}, {model.size} bytes) until {model.expires_at:{_TIME}}:", model.url]
        case CustomerOut():
            card = f"{f'{model.id} {model.name}'.strip()}: {model.events} entries in the timeline"
            same = (f"  is also {one.customer_id}, says {one.by}{_said(one.why)}" for one in model.linked)
            marked = [f"  marked {', '.join(model.marks)}"] if model.marks else []
            return [card, *marked, *same]
        case _:
            return [_of_desk(model)]


def _of_item(item: ItemOut) -> str:
    whose = {"held by": item.holder, "offered to": item.offered_to, "pinned to": item.pinned_to}
    hands = "".join(f" {how} {who}" for how, who in whose.items() if who)
    rests = f" until {item.snoozed_until:{_TIME}}" if item.snoozed_until else ""
    goes_on = f", goes on in {item.merged_into}" if item.merged_into else ""
    title = item.subject or f"({item.channel})"
    where = f"{item.state}{rests} in {item.queue} ({item.lane}){hands}{goes_on}"
    return f"{item.id} v{item.version} {where}{_promised(item)}: {title}"


def _promised(item: ItemOut) -> str:
    """What is still promised of an item, or was broken."""
    clocks = {"reply": item.promises.first_reply, "resolution": item.promises.resolution} if item.promises else {}
    how = {Course.RUNNING: "by", Course.BREACHED: "broken since"}
    return "".join(
        f", {what} {how[c.course]} {c.due_at:{_TIME}}" for what, c in clocks.items() if c and c.course in how
    )


def _of_event(event: EventOut) -> str:
    content = event.content or {}
    return f"{event.at:{_TIME}} {event.type} by {event.actor}{_files_of(event)}{_said(content.get('written', ''))}"


def _files_of(event: EventOut) -> str:
    """What came along, as the command `attachment` wants it named."""
    files = (event.content or {}).get("attachments") or ()
    told = ", ".join(f"{number} {file['name']}" for number, file in enumerate(files, 1))
    return f" with files of entry {event.seq} ({told})" if told else ""


def _of_desk(model: BaseModel) -> str:
    match model:
        case QueueOut():
            since = f", the oldest since {model.oldest_waiting_since:{_TIME}}" if model.oldest_waiting_since else ""
            more = "" if model.complete else " or more"
            waiting = f"{model.waiting.urgent} urgent, {model.waiting.normal} normal{more}"
            stages = {"due soon": model.promises.due_soon, "with a broken promise": model.promises.breached}
            told = "".join(f", {number} {stage}" for stage, number in stages.items() if number)
            return f"{model.name}: {waiting}, {model.held} held{since}{told}"
        case PresenceOut():
            has = ", ".join(f"{number} {channel}" for channel, number in model.held.items() if number)
            deputy = f", deputy {model.deputy}" if isinstance(model, AgentOut) and model.deputy else ""
            return f"{model.agent_id} {model.presence}: {has or 'nothing'} in hand{deputy}"
        case HandoverOut():
            verb = "would be" if model.preview else "were"
            moved = f"{model.moved} {verb} moved to {model.to}, " if model.to else ""
            return f"{moved}{model.to_queue} {verb} given back to the queues"
        case HealthOut():
            return f"{model.status}, model {model.model or 'none'}"
        case _:
            raise TypeError(f"{type(model).__name__} has no lines")


def _said(text: str) -> str:
    return f": {text}" if text else ""
