"""What an operator counts: lines of CloudWatch's embedded metric format on standard output.

CloudWatch makes a metric of such a line only where the JSON is the whole log event, so none goes through logging,
which puts words in front.
"""

import json
import sys
from collections.abc import Callable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Final

NAMESPACE: Final = "Sortownia"
STACK_DIMENSION: Final = "Stack"

LEASE_ENDED_BY_WATCH: Final = "LeaseEndedByWatch"
RUNG_AGAIN: Final = "RungAgain"
RAW_WITHOUT_LEDGER: Final = "RawWithoutLedger"
RECHECK_PUT_OFF: Final = "RecheckPutOff"
PARKED: Final = "Parked"
QUARANTINED: Final = "Quarantined"
REPLY_SENT_LATE: Final = "ReplySentLate"
REPLY_OUTCOME_UNKNOWN: Final = "ReplyOutcomeUnknown"
PING_PONG: Final = "PingPong"
PRESENCE_SILENT: Final = "PresenceSilent"
MODEL_NOT_TAKEN: Final = "ModelNotTaken"
PROMISE_WARNED: Final = "PromiseWarned"
PROMISE_BREACHED: Final = "PromiseBreached"
PROMISE_KEPT: Final = "PromiseKept"
SORTED_ANEW: Final = "SortedAnew"
ESCALATED: Final = "Escalated"

#: What one more of each means.
MEANING: Final[Mapping[str, str]] = MappingProxyType(
    {
        LEASE_ENDED_BY_WATCH: "The minute watch ended a lease or offer whose time was over: its timer was lost.",
        RUNG_AGAIN: "An item waited an hour for its bell to be answered, and was rung again.",
        RAW_WITHOUT_LEDGER: "A stored message had no ledger row and nobody was at it: it was handed in again.",
        RECHECK_PUT_OFF: "A stored message had no ledger row while intake had work: looked at again later.",
        PARKED: "A stream reader could not handle a record and left it on the parking queue.",
        QUARANTINED: "A delivery was set aside for people to look at.",
        REPLY_SENT_LATE: "A reply lay in the outbox unsent and was given to the sender again.",
        REPLY_OUTCOME_UNKNOWN: "A reply may have left or not: it is shown, and not sent again by itself.",
        PING_PONG: "An item keeps being passed between the same places.",
        PROMISE_WARNED: "Most of the time for a reply or resolution that was promised is over.",
        PROMISE_BREACHED: "A reply or resolution did not come in the time that was promised.",
        PROMISE_KEPT: "A reply or resolution came in the time that was promised.",
        PRESENCE_SILENT: "An agent let a chat offer pass in silence and was set away.",
        MODEL_NOT_TAKEN: "The model that should serve could not be had, proved or used: the last good one went on.",
        SORTED_ANEW: "A waiting item was moved when it was to be handed out: by now the rules send it elsewhere.",
        ESCALATED: "An item was passed to the next tier.",
    }
)

#: Why a delivery was quarantined: SES's verdict, bytes that are no message, or that handling it kept failing.
VERDICT, UNREADABLE, FAILED = "verdict", "unreadable", "failed"

#: Of these one is enough to call a person, looked at by the dimensions named here beside the stack.
CALLS_A_PERSON: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        RAW_WITHOUT_LEDGER: {},
        QUARANTINED: {"why": FAILED},
        REPLY_OUTCOME_UNKNOWN: {},
        PING_PONG: {},
        MODEL_NOT_TAKEN: {},
    }
)


class Metrics:
    """Counts for one stack. Costs a line of the log and no call."""

    def __init__(self, stack_name: str, now: Callable[[], datetime]) -> None:
        self._stack_name, self._now = stack_name, now

    def count(self, what: str, by: int = 1, **dimensions: str) -> None:
        """`by` more of `what`, for the stack and once more by `dimensions`; zero is not told.

        Dimensions are few words known beforehand, such as a channel: each new value is a metric that costs money.
        """
        if not by:
            return
        said = {dimension_name(name): value for name, value in dimensions.items()}
        line = {**_directive(what, list(said), self._now()), STACK_DIMENSION: self._stack_name, **said, what: by}
        # One write for text and line end: nothing can come between them.
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()


def dimension_name(word: str) -> str:
    """A dimension as CloudWatch shows it: `why` is `Why`."""
    return word.capitalize()


def _directive(what: str, names: list[str], at: datetime) -> dict[str, object]:
    sets = [[STACK_DIMENSION], [STACK_DIMENSION, *names]] if names else [[STACK_DIMENSION]]
    told = {"Namespace": NAMESPACE, "Dimensions": sets, "Metrics": [{"Name": what, "Unit": "Count"}]}
    return {"_aws": {"Timestamp": int(at.timestamp() * 1000), "CloudWatchMetrics": [told]}}
