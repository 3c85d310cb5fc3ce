"""A reply on its way out: what stands in the outbox. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from chalicelib.item.item import AgentId, CustomerId, ItemId

#: A reply nobody took from the outbox after this long is given to the sender again.
SENT_AGAIN_AFTER: Final = timedelta(minutes=5)
#: Who began to send and has said nothing for this long is dead: a sender has one minute.
SENDER_IS_DEAD_AFTER: Final = timedelta(minutes=3)


class Status(StrEnum):
    """How far a reply has come. `unknown`: it may have left or not, and is never sent again by itself."""

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    DELIVERED = "delivered"
    BOUNCED = "bounced"
    FAILED = "failed"
    UNKNOWN = "unknown"


#: Statuses in which we do not know of a provider who took the reply.
NOT_YET_SENT: Final = frozenset({Status.QUEUED, Status.SENDING, Status.UNKNOWN})


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """One reply. `to` is frozen when it is queued: a mail address or a provider's conversation; `raw_key` is where its
    bytes are. `revision` rises with every write. `automatic` is what the desk says by itself, so that nobody need act
    when it is lost. Times are aware UTC."""

    id: str
    item_id: ItemId
    customer_id: CustomerId
    channel: str
    source: str  # the mailbox or chat installation it leaves by
    to: str
    raw_key: str
    actor: AgentId
    event_id: str
    queued_at: datetime
    status: Status = Status.QUEUED
    revision: int = 1
    started_at: datetime | None = None
    sent_at: datetime | None = None
    provider_id: str = ""
    detail: str = ""
    wake_at: datetime | None = None
    automatic: bool = False
