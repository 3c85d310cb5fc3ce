"""A reply on its way out: the outside world as tests want it, and short ways to what became of the reply."""

import json
from collections.abc import Mapping
from typing import Any

from chalicelib.aws import mailer
from chalicelib.flows.send import send_message
from chalicelib.item.item import Item
from chalicelib.item.outgoing import Outgoing
from tests.cloud import REGION, TestWorld
from tests.unit.flows.scenes import told


class Post:
    """SES: notes each mail, and answers with an id of its own or as it was told to."""

    def __init__(self, *answers: str | Exception) -> None:
        self.taken: list[tuple[bytes, str, str]] = []
        self._answers = list(answers)

    def send(self, raw: bytes, to: str, outbox_id: str) -> str:
        self.taken.append((raw, to, outbox_id))
        said = self._answers.pop(0) if self._answers else f"ses-out-{len(self.taken)}"
        if isinstance(said, Exception):
            raise said
        return said

    def message_id(self, provider_id: str) -> str:
        return mailer.message_id(provider_id, REGION)


class Provider:
    """A chat provider: notes each call, and fails as it was told to."""

    def __init__(self, *failures: Exception) -> None:
        self.taken: list[tuple[str, Mapping[str, str], bytes]] = []
        self._failures = list(failures)

    def post(self, url: str, headers: Mapping[str, str], body: bytes, *_more: object) -> bytes:
        self.taken.append((url, headers, body))
        if self._failures:
            raise self._failures.pop(0)
        return b""


def says(world: TestWorld, *answers: str | Exception) -> Post:
    """SES answers so from now on."""
    vars(world)["mailer"] = Post(*answers)
    return vars(world)["mailer"]  # type: ignore[no-any-return]


def sends(world: TestWorld, outgoing: Outgoing) -> str:
    return send_message(json.dumps({"outbox_id": outgoing.id}), world)


def now(world: TestWorld, outgoing: Outgoing) -> Outgoing:
    return world.table.outgoing(outgoing.id)


def item_of(world: TestWorld, outgoing: Outgoing) -> Item:
    return world.table.item(outgoing.item_id)


def news(world: TestWorld, outgoing: Outgoing) -> list[str]:
    """What happened to the customer since the reply was queued."""
    types = [str(event.type) for event in told(world, item_of(world, outgoing))]
    return types[types.index("reply-queued") + 1 :]


def notice(outgoing: Outgoing, kind: str, number: int = 1, provider_id: str = "ses-out-1", **event: Any) -> str:
    """What SES tells of a mail."""
    places = {"Delivery": "delivery", "Bounce": "bounce", "Complaint": "complaint", "Reject": "reject",
              "DeliveryDelay": "deliveryDelay", "Send": "send"}  # fmt: skip
    at = f"2026-03-02T09:00:0{number}.000Z"
    said = {"timestamp": at, "feedbackId": f"feedback-{kind}-{number}", **event}
    sent = {"messageId": provider_id, "timestamp": at, "tags": {"outbox_id": [outgoing.id]}}
    return json.dumps({"eventType": kind, "mail": sent, places[kind]: said})


PERMANENT: dict[str, Any] = {
    "bounceType": "Permanent", "bounceSubType": "General",
    "bouncedRecipients": [{"status": "5.1.1", "diagnosticCode": "550 no such user c1@customer.example.com"}],
}  # fmt: skip
