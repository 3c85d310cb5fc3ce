"""The way in for chat: verified, stored durably, queued; only then answered."""

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from chalicelib.aws.queues import Queued
from chalicelib.errors import Invalid, NotAuthentic, Unavailable, Unknown, Unreadable
from chalicelib.intake.chat import adapters, proof
from chalicelib.intake.chat.received import Received
from chalicelib.intake.chat.secret import Secret
from chalicelib.item.change import Delivery
from chalicelib.outgoing import chat_news
from chalicelib.policy import Installation
from chalicelib.settings import Settings
from chalicelib.world import World


@dataclass(frozen=True, slots=True)
class Taken:
    """What a webhook brought: ids of messages that are durable now, or what its sender wants to hear back."""

    deliveries: tuple[str, ...] = ()
    challenge: str = ""


def accept(provider: str, installation: str, received: Received, world: World) -> Taken:
    """Takes a provider's webhook; returns once raw body and notice are durable.

    Raises `NotAuthentic` for a wrong or stale proof, `Unknown` for no such installation, `Invalid` for a malformed body
    of a sender who is told so. Nothing is written unless the proof holds, nor where no visitor says anything and there
    is no news of our replies.
    """
    known, secret = _known(provider, installation, world)
    adapter = adapters.adapter_of(known)
    adapter.verify(received, secret.signing, world.now())
    try:
        if challenge := adapter.challenge(received.raw):
            return Taken(challenge=challenge)
        deliveries = [message.delivery for message in adapters.messages(known, received.raw)]
        news = chat_news.news(known, received.raw)
    except Unreadable as error:
        if adapter.told_off:
            raise Invalid(error.field, str(error)) from error
        deliveries, news = [_hash(received.raw)], ()  # people will see it: who sends it would only give it up
    if deliveries or news:
        keep(installation, adapter.kept(received.raw), deliveries, world)
    return Taken(tuple(deliveries))


def keep(installation: str, raw: bytes, deliveries: Sequence[str], world: World) -> None:
    """Stores a body and tells intake of it: durable when this returns. `deliveries` are ids of the messages in it.

    A body with one message is named after it, so that the ledger tells whether it was handled without reading it. Sent
    again with other words it is what it was: the body belongs to what the timeline tells.
    """
    delivery_id = deliveries[0] if len(deliveries) == 1 else _hash(raw)
    key = f"chat/{installation}/{_file_name(delivery_id)}"
    world.raw.write_first(key, raw, "application/json")
    if world.queues.send([notice(installation, delivery_id, key, world.settings)]):
        raise Unavailable("SQS refused the notice")


def shake_hands(provider: str, installation: str, token: str, challenge: str, world: World) -> str:
    """The challenge a provider wants to hear back, if he knows the token. Raises `NotAuthentic`, `Unknown`."""
    known, secret = _known(provider, installation, world)
    if not adapters.adapter_of(known).shakes_hands:
        raise Unknown(f"{provider} shakes no hands")
    proof.check_shared(token, secret.verify)
    return challenge


def notice(installation: str, delivery_id: str, key: str, settings: Settings) -> Queued:
    """What intake is told of a stored chat message, or of a body with several."""
    told = {"kind": "chat", "installation": installation, "delivery": delivery_id, "key": key}
    return Queued(settings.inbound_queue_url, json.dumps(told))


def delivery(installation: str, delivery_id: str) -> Delivery:
    """The ledger's name for a chat message: ids of one installation are no other's."""
    return Delivery("chat", f"{installation}#{delivery_id}")


def installation_of(provider: str, installation: str, world: World) -> Installation:
    """The desk's installation of that name and provider. Raises `Unknown`."""
    known = world.policy.installations.get(installation)
    if known is None or known.provider != provider:
        raise Unknown(f"there is no {provider} installation {installation}")
    return known


def _known(provider: str, installation: str, world: World) -> tuple[Installation, Secret]:
    known = installation_of(provider, installation, world)
    secret = world.secrets.of_installation(installation)
    if not secret.signing:
        raise NotAuthentic("this installation has no secret yet")
    return known, secret


def _file_name(delivery_id: str) -> str:
    """The id where it is plain, else its hash: a provider's id may hold anything, an object's key may not."""
    plain = re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}", delivery_id)
    return delivery_id if plain else _hash(delivery_id.encode("utf-8", "surrogatepass"))


def _hash(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()
