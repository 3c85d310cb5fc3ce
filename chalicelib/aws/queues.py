"""SQS: bells, timers and inbound deliveries. Losing or doubling any of them is harmless."""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import batched
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.errors import Unavailable

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

#: SQS delays a message by this many seconds at the most; a longer timer is set again when it rings.
LONGEST_DELAY: Final = 900
_BATCH: Final = 10


@dataclass(frozen=True, slots=True)
class Bell:
    """Says "something waits": valid while the item waits at this ring."""

    item_id: str
    customer_id: str
    ring: int

    def body(self) -> str:
        """The bell as an SQS message's body."""
        return json.dumps({"item_id": self.item_id, "customer_id": self.customer_id, "ring": self.ring})


@dataclass(frozen=True, slots=True)
class Heard:
    """A bell that was received; `bell` is None when the body is none of ours."""

    bell: Bell | None
    receipt: str


@dataclass(frozen=True, slots=True)
class Queued:
    """A message to send: to which queue, with what, after how many seconds; None = as long as that queue waits."""

    url: str
    body: str
    delay: int | None = 0


@dataclass(frozen=True, slots=True)
class Depth:
    """About how many messages a queue has: some that wait, some in the hands of who received them."""

    waiting: int
    in_hand: int


class Queues:
    """Narrow access to SQS. Raises `Unavailable` when it is away."""

    def __init__(self, client: "SQSClient") -> None:
        self._client = client

    def send(self, messages: Iterable[Queued]) -> list[Queued]:
        """Sends all, ten a call; returns those SQS refused."""
        by_url: dict[str, list[Queued]] = {}
        for message in messages:
            by_url.setdefault(message.url, []).append(message)
        return [
            failed
            for url, group in by_url.items()
            for part in batched(group, _BATCH)
            for failed in self._send(url, part)
        ]

    def receive(self, url: str) -> Heard | None:
        """One bell, hidden for the queue's visibility time, or None when none waits at this moment."""
        received = _called(self._client.receive_message, QueueUrl=url, MaxNumberOfMessages=1, WaitTimeSeconds=0)
        for message in received.get("Messages", []):
            return Heard(_bell_of(message["Body"]), message["ReceiptHandle"])
        return None

    def delete(self, url: str, receipt: str) -> None:
        """Deletes a received message; one whose receipt has gone stale rings again, which is harmless."""
        with suppress(self._client.exceptions.ReceiptHandleIsInvalid):
            _called(self._client.delete_message, QueueUrl=url, ReceiptHandle=receipt)

    def show_again(self, url: str, receipt: str, seconds: int) -> None:
        """Lets a received message be seen again after `seconds`."""
        with suppress(self._client.exceptions.ReceiptHandleIsInvalid):
            _called(
                self._client.change_message_visibility,
                QueueUrl=url, ReceiptHandle=receipt, VisibilityTimeout=seconds,
            )  # fmt: skip

    def depth(self, url: str) -> Depth:
        """About how many messages a queue has now; one may be missing for up to a minute."""
        names = [f"ApproximateNumberOfMessages{kind}" for kind in ("", "Delayed", "NotVisible")]
        counted = _called(self._client.get_queue_attributes, QueueUrl=url, AttributeNames=names)["Attributes"]
        visible, delayed, in_hand = (int(counted[name]) for name in names)
        return Depth(visible + delayed, in_hand)

    def _send(self, url: str, part: Sequence[Queued]) -> Iterator[Queued]:
        entries = [_entry(number, message) for number, message in enumerate(part)]
        answer = _called(self._client.send_message_batch, QueueUrl=url, Entries=entries)
        for failed in answer.get("Failed", []):
            yield part[int(failed["Id"])]


def _entry(number: int, message: Queued) -> dict[str, Any]:
    entry: dict[str, Any] = {"Id": str(number), "MessageBody": message.body}
    return entry if message.delay is None else {**entry, "DelaySeconds": message.delay}


def _called(call: Any, **arguments: Any) -> Any:
    try:
        return call(**arguments)
    except ClientError as error:
        if error.response["Error"]["Code"] == "ReceiptHandleIsInvalid":
            raise
        raise Unavailable(f"SQS: {error.response['Error']['Code']}") from error
    except BotoCoreError as error:
        raise Unavailable(f"SQS: {type(error).__name__}") from error


def _bell_of(body: str) -> Bell | None:
    try:
        told = json.loads(body)
        return Bell(str(told["item_id"]), str(told["customer_id"]), int(told["ring"]))
    except (ValueError, KeyError, TypeError):
        return None
