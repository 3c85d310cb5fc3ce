"""What every queue door does around its one line: each message by itself, one log line, only failures come back."""

import json
import logging
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from chalicelib.errors import Unavailable
from chalicelib.world import World

log = logging.getLogger("sortownia")

#: A message that failed comes back after five to twenty seconds, not after the queue's whole visibility time; sooner
#: where it failed so few times yet, for most failures are one refusal among many calls.
_BACK_AFTER: Final = (5, 20)
_FEW_TRIES: Final = 4
#: What a message needs whose first call hangs: three attempts of ten seconds each, and the pauses between them.
_NEEDED_MS: Final = 40_000


@dataclass(frozen=True, slots=True)
class QueueMessage:
    """One SQS message of a batch; `receive_count` is 1 the first time."""

    id: str
    body: str
    receive_count: int


def each_message(
    event: Mapping[str, Any], handle: Callable[[QueueMessage], str], world: World, context: Any = None
) -> dict[str, Any]:
    """Handles each message of a batch; the answer names those that failed (`ReportBatchItemFailures`).

    By Lambda's `context` none but the first is begun that the time left may not do for: it comes back, too.
    """
    failed: list[Mapping[str, Any]] = []
    for number, record in enumerate(event["Records"]):
        if number and context is not None and context.get_remaining_time_in_millis() < _NEEDED_MS:
            log_done("batch", {"left_for_later": len(event["Records"]) - number})
            failed += event["Records"][number:]
            break
        message = QueueMessage(record["messageId"], record["body"], _count(record))
        started = time.perf_counter()
        try:
            outcome = handle(message)
        except Exception as error:
            log.exception("message %s failed", message.id)
            outcome = f"failed: {type(error).__name__}"
            failed.append(record)
        log_done("message", {"message_id": message.id, "outcome": outcome, "receive_count": message.receive_count,
                             "ms": round(1000 * (time.perf_counter() - started), 1)})  # fmt: skip
    _bring_back_soon(failed, world)
    return {"batchItemFailures": [{"itemIdentifier": record["messageId"]} for record in failed]}


def back_after(tries: int) -> tuple[int, int]:
    """From how many and to how many seconds a message that failed so often is away."""
    share = min(tries, _FEW_TRIES) / _FEW_TRIES
    first, last = _BACK_AFTER
    return round(first * share), round(last * share)


def log_done(what: str, facts: Mapping[str, Any]) -> None:
    """One structured line: ids, sizes and outcomes, never what a person wrote."""
    log.info(json.dumps({"door": what, **facts}))


def _count(record: Mapping[str, Any]) -> int:
    return int(record.get("attributes", {}).get("ApproximateReceiveCount", 1))


def _bring_back_soon(failed: list[Mapping[str, Any]], world: World) -> None:
    for record in failed:
        url = world.settings.beside_inbound(record["eventSourceARN"].rsplit(":", 1)[1])
        seconds = random.randint(*back_after(_count(record)))  # noqa: S311 - spreads retries, guards nothing
        try:
            world.queues.show_again(url, record["receiptHandle"], seconds)
        except Unavailable:
            log.exception("message %s comes back only after its visibility time", record["messageId"])
