"""What can go wrong, sorted by who must act.

TriageError
├─ Rejected            the input cannot be right; never retried
│  ├─ Invalid          400  a field is malformed; names it
│  ├─ NotAuthentic     401  signature or token does not prove what it claims
│  ├─ NotAllowed       403  who asks may not do this
│  ├─ Unknown          404  no such queue, item or customer
│  ├─ PreconditionMissing 428  a write without the version it is based on
│  ├─ TooMany          429  more messages than a conversation may have in a minute
│  ├─ Unreadable       --   bytes that are no message: kept, and shown to people as a quarantined item
│  └─ Refused          --   a provider will not send this reply: people see it, nobody sends it again
├─ Conflict            409  somebody moved first, or the state forbids it; read again and decide again
│  ├─ StaleItem             the caller's version is not the present one
│  ├─ WrongState            the item's life has no such step from here
│  ├─ LostRace              another writer won this transaction
│  └─ AtCapacity            the agent is away or holds as many items as the desk allows
├─ Unavailable         503  AWS is away: SQS retries, then a person looks
│  ├─ PerhapsDone      504  AWS did not say whether a change was written: SQS retries, a caller looks first
│  └─ NotSent          --   a provider is known not to have sent this reply: SQS retries
└─ OutcomeUnknown      --   a reply may have been sent or not: people see it, nobody sends it again by himself
"""

from typing import Any, ClassVar


class TriageError(Exception):
    """Root of all errors this service raises on purpose."""


class Rejected(TriageError):
    """The input cannot be right, so trying again changes nothing."""


class Invalid(Rejected):
    """A field of a request is malformed. `field` names it, dotted."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field


class NotAuthentic(Rejected):
    """A signature or token does not prove what it claims."""


class NotAllowed(Rejected):
    """The one who asks may not do this."""


class Unknown(Rejected):
    """No such queue, item or customer."""


class Unreadable(Rejected):
    """Bytes that are no message: the raw bytes are kept and people see a quarantined item.

    `field` names what is malformed, dotted; "body" when it is the whole.
    """

    def __init__(self, message: str, field: str = "body") -> None:
        super().__init__(message)
        self.field = field


class Refused(Rejected):
    """The provider will never send this reply. The text says why, without words or address of the customer."""


class PreconditionMissing(Rejected):
    """A write came without the version it is based on (RFC 6585, section 3)."""


class TooMany(Rejected):
    """More messages than a conversation may have in a minute: the same one may be sent again in the next."""


class Conflict(TriageError):
    """Somebody moved first, or the state forbids it. `present` is the item as it is now, where there is one."""

    slug: ClassVar[str] = "conflict"
    present: Any = None


class StaleItem(Conflict):
    """The version a write was based on is no longer the present one."""

    slug = "stale-version"


class WrongState(Conflict):
    """The item's life has no such step from its present state."""

    slug = "wrong-state"


class LostRace(Conflict):
    """Another writer won: read again, decide again. `reasons` holds one code per row written."""

    slug = "lost-race"

    def __init__(self, reasons: tuple[str, ...] = ()) -> None:
        super().__init__("another writer was first")
        self.reasons = reasons


class AtCapacity(Conflict):
    """The agent is away, or holds as many items of this channel as the desk allows."""

    slug = "at-capacity"


class Unavailable(TriageError):
    """AWS is away for the moment."""


class PerhapsDone(Unavailable):
    """AWS was asked to write a change and did not say whether it did: to ask once more may write it twice."""


class NotSent(Unavailable):
    """The provider certainly did not send this reply, and may when asked again."""


class OutcomeUnknown(TriageError):
    """The provider may have sent this reply: it was asked and did not answer.

    Neither `Unavailable`, for trying again could say the same thing twice, nor `Rejected`, for it may be said already.
    """
