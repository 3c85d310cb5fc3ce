"""What is outside the process and outlives it: what SQS and S3 have taken, and the replies SES and the shop have."""

import json
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from chalicelib.errors import NotSent
from chalicelib.outgoing.notice import OUTBOX_TAG
from tests.cloud import Cloud
from tests.crash.calls import Calls

#: Seconds that the one queue waits which has a delay of its own.
_QUEUE_WAITS: Final = 900


@dataclass(frozen=True)
class Message:
    """An SQS message on its way, by the desk's own clock."""

    url: str
    body: str
    due: datetime
    received: int = 0  # so often it was brought before


@dataclass(frozen=True)
class Handed:
    """A reply as a provider took it."""

    reply_id: str
    raw: bytes
    to: str
    provider_id: str


class Outside:
    """Remembers what left the process, as soon as the other side has it."""

    def __init__(self, cloud: Cloud) -> None:
        self.messages: list[Message] = []
        self.handed: list[Handed] = []
        self.stored: frozenset[tuple[str, str]] = frozenset()  # bucket and key
        self._in_hand: dict[str, tuple[str, str]] = {}  # by receipt
        self._cloud = cloud

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Listens to a cloud's clients, which go on to others afterwards."""
        emitters = [client.meta.events for client in (self._cloud.sqs, self._cloud.s3, self._cloud.ses)]
        for events in emitters:
            # By the pattern of `Calls`, whose handler is the last: what SQS took is on its way when the process dies.
            events.register("before-parameter-build.*.*", _noted)
            events.register("after-call.*.*", self._heard)
        try:
            yield
        finally:
            for events in emitters:
                events.unregister("before-parameter-build.*.*", _noted)
                events.unregister("after-call.*.*", self._heard)

    def only(self, stored: frozenset[tuple[str, str]]) -> None:
        """Deletes from S3 what was stored besides."""
        for bucket, key in self.stored - stored:
            self._cloud.s3.delete_object(Bucket=bucket, Key=key)
        self.stored = stored

    def take(self, url: str, now: datetime) -> list[Message]:
        """Takes the messages of one queue that are due."""
        due = [message for message in self.messages if message.url == url and message.due <= now]
        self.messages = [message for message in self.messages if message not in due]
        return due

    def _heard(
        self, model: Any, parsed: Mapping[str, Any], context: Mapping[str, Any], http_response: Any, **_: Any
    ) -> None:
        if http_response.status_code >= 300:  # refused
            return
        match model.name:
            case "SendMessageBatch":
                self._queued(context["said"], {entry["Id"] for entry in parsed.get("Successful", ())})
            case "PutObject":
                self.stored |= {(context["said"]["Bucket"], context["said"]["Key"])}
            case "ReceiveMessage":
                url = context["said"]["QueueUrl"]
                self._in_hand |= {one["ReceiptHandle"]: (url, one["Body"]) for one in parsed.get("Messages", ())}
            case "DeleteMessage":
                self._deleted(*self._in_hand.pop(context["said"]["ReceiptHandle"], ("", "")))
            case "SendEmail" if "MessageId" in parsed:
                self._mailed(context["said"], parsed["MessageId"])

    def _queued(self, said: Mapping[str, Any], taken: Collection[str]) -> None:
        for entry in said["Entries"]:
            if entry["Id"] in taken:
                waits = _QUEUE_WAITS if said["QueueUrl"].endswith("-recheck") else 0
                due = self._cloud.clock.time + timedelta(seconds=entry.get("DelaySeconds", waits))
                self.messages.append(Message(said["QueueUrl"], entry["MessageBody"], due))

    def _deleted(self, url: str, body: str) -> None:
        """One of those that say the same is gone."""
        for message in self.messages:
            if (message.url, message.body) == (url, body):
                self.messages.remove(message)
                return

    def _mailed(self, said: Mapping[str, Any], provider_id: str) -> None:
        tags = {tag["Name"]: tag["Value"] for tag in said["EmailTags"]}
        (to,) = said["Destination"]["ToAddresses"]
        self.handed.append(Handed(tags[OUTBOX_TAG], said["Content"]["Raw"]["Data"], to, provider_id))


def _noted(params: Mapping[str, Any], context: dict[str, Any], **_: Any) -> None:
    context["said"] = dict(params)


class Shop:
    """The shop's server, which shows a visitor our replies. `busy` says how often it will ask us to come back."""

    def __init__(self, outside: Outside, calls: Calls) -> None:
        self._outside, self._calls, self.busy = outside, calls, 0

    def post(self, _url: str, _headers: Mapping[str, str], body: bytes, *_more: object) -> bytes:
        with self._calls.call("Post"):
            if self.busy == 0:
                said = json.loads(body)
                self._outside.handed.append(Handed(said["id"], body, said["conversation"], said["id"]))
        if self.busy:
            self.busy -= 1
            raise NotSent("the shop answered 503")
        return b""
