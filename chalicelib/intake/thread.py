"""Which earlier messages a message may be an answer to."""

from typing import Final

from chalicelib.intake.message import Message

MAX_REFERENCES: Final = 20


def references(message: Message) -> tuple[str, ...]:
    """Ids of messages it may answer or reports on, the nearest first, each once, its own left out; at most 20."""
    ids = dict.fromkeys((*message.about, *message.in_reply_to, *reversed(message.references)))
    ids.pop(message.message_id, None)
    return tuple(ids)[:MAX_REFERENCES]
