"""Flows of answers: the agent's reply, its way through the outbox to the provider, and the news of it."""

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Final

from chalicelib.errors import NotSent
from chalicelib.flows import reply
from chalicelib.flows.export import export
from chalicelib.flows.ring import ring
from chalicelib.flows.send import send_message
from chalicelib.item.item import Item
from chalicelib.item.outgoing import Outgoing
from chalicelib.item.reply import Then
from tests.crash.calls import survives
from tests.crash.desk import ANNA, Desk
from tests.crash.flow import Act, Flow, looking_first
from tests.crash.outside import Message
from tests.crash.setting import shown
from tests.crash.taking import watching

_EVENTS: Final = Path(__file__).parent.parent / "events"
_SAID: Final = "It comes tomorrow."
#: Of a sender's three writes (taken, handed over, written down): after these nobody knows.
BETWEEN: Final = frozenset({1, 2})
#: How long the sender's queue hides a message whose process died.
HIDDEN: Final = timedelta(minutes=6)


def _mail_held(desk: Desk) -> Item:
    item = desk.held(desk.mail(1), ANNA)
    desk.deliver()
    return item


def _chat_held(desk: Desk) -> Item:
    item = desk.held(desk.chat("d1"), ANNA)
    desk.deliver()
    return item


def _reply(desk: Desk, item: Item, then: Then) -> Act:
    """Under a key: the same request again."""
    return lambda: reply.reply(item.id, item.version, _SAID, then, "key-1", ANNA, desk.world)


def _reply_without_key(desk: Desk) -> Act:
    item = _mail_held(desk)

    def say(now: Item) -> object:
        return reply.reply(item.id, now.version, _SAID, Then.KEEP, "", ANNA, desk.world)

    return looking_first(desk, item.id, lambda now: now.version > item.version, say)


def _export(desk: Desk) -> Act:
    desk.answered(_mail_held(desk))
    records = desk.changes()
    ring(shown(records, "ring"), desk.world)
    records = shown(records, "export")
    return lambda: export(records, desk.world)


def _export_lost(desk: Desk) -> Act:
    """The reader never passed the outbox row on, nor will it: the watch finds it."""
    desk.answered(_mail_held(desk))
    desk.changes()
    desk.cloud.clock.forward(minutes=5)
    return watching(desk)


def _message(desk: Desk, item: Item) -> Message:
    """What the sender is told of a reply to this item; it is in his hands already."""
    desk.answered(item)
    export(shown(desk.changes(), "export"), desk.world)
    (message,) = desk.outside.take(desk.world.settings.send_queue_url, desk.cloud.clock.time)
    return message


def _send(desk: Desk, item: Item) -> Act:
    body = _message(desk, item).body
    return lambda: send_message(body, desk.world)


def _send_busy(desk: Desk) -> Act:
    """The shop is busy, takes nothing and says so; SQS brings the message again."""
    body = _message(desk, _chat_held(desk)).body
    desk.shop.busy = 1

    def act() -> None:
        for _ in range(2):
            with suppress(NotSent):
                send_message(body, desk.world)

    return act


def _handed_over(desk: Desk) -> None:
    """SES has the reply, and the sender died before he could write that down. His message will come again."""
    message = _message(desk, _mail_held(desk))
    assert not survives(desk.calls, lambda: send_message(message.body, desk.world), {"die_after": "SendEmail"})
    desk.restart()
    desk.outside.messages.append(replace(message, due=desk.cloud.clock.time + HIDDEN))


def _sender_dead(desk: Desk) -> Act:
    _handed_over(desk)
    desk.cloud.clock.forward(minutes=3)
    return watching(desk)


def _sent(desk: Desk) -> None:
    desk.answered(_mail_held(desk))
    desk.deliver()


def _unknown(desk: Desk) -> None:
    """The reply is shown as unknown, for its sender died after he had handed it over."""
    _sender_dead(desk)()
    desk.deliver()


def _notice(desk: Desk, name: str) -> Act:
    """SES tells what became of the last reply."""
    told = json.loads((_EVENTS / f"{name}.json").read_text())
    handed = desk.outside.handed[-1]
    told["mail"]["messageId"] = handed.provider_id
    told["mail"]["tags"]["outbox_id"] = [handed.reply_id]
    return lambda: send_message(json.dumps(told), desk.world)


def _news(name: str, before: Callable[[Desk], object]) -> Flow:
    def prepare(desk: Desk) -> Act:
        before(desk)
        return _notice(desk, name)

    return Flow(prepare)


def _which(said: tuple[Outgoing, Item]) -> object:
    return said[0].id, said[1].id


FLOWS: Final = {
    "reply by mail": Flow(lambda desk: _reply(desk, _mail_held(desk), Then.WAIT), asked=True, answer=_which),
    "reply by mail without a key": Flow(_reply_without_key, asked=True),
    "reply in chat": Flow(lambda desk: _reply(desk, _chat_held(desk), Then.RESOLVE), asked=True, answer=_which),
    "export": Flow(_export),
    "export lost": Flow(_export_lost, overnight=True),
    "send mail": Flow(lambda desk: _send(desk, _mail_held(desk)), unknown=BETWEEN),
    "send mail, again when hidden": Flow(lambda desk: _send(desk, _mail_held(desk)), unknown=BETWEEN, hidden=HIDDEN),
    "send chat": Flow(lambda desk: _send(desk, _chat_held(desk)), unknown=BETWEEN),
    "send chat, shop busy": Flow(_send_busy, unknown=frozenset({1, 2, 4, 5})),
    "sender found dead": Flow(_sender_dead),
    "notice: delivered": _news("ses-delivery", _sent),
    "notice: bounced for good": _news("ses-bounce-permanent", _sent),
    "notice: rejected": _news("ses-reject", _sent),
    "notice before the record: delivered": _news("ses-delivery", _handed_over),
    "notice before the record: bounced": _news("ses-bounce-permanent", _handed_over),
    "notice after unknown: delivered": _news("ses-delivery", _unknown),
}
