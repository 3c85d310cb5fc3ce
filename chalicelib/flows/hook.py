"""The way in for chat: verified, stored durably, queued; only then answered."""

import hashlib
import json
import re

from chalicelib.aws.queues import Queued
from chalicelib.errors import Invalid, NotAuthentic, Unavailable, Unknown, Unreadable
from chalicelib.intake.chat import generic
from chalicelib.policy import WIDGET
from chalicelib.settings import Settings
from chalicelib.world import World


def accept(provider: str, installation: str, timestamp: str, signature: str, raw: bytes, world: World) -> str:
    """Takes a provider's webhook; returns the delivery's id once raw body and notice are durable.

    Raises `NotAuthentic` for a wrong or stale signature, `Unknown` for no such installation, `Invalid` for a
    malformed body. Nothing is written unless the signature holds.
    """
    known = world.policy.installations.get(installation)
    if known is None or known.provider != provider or provider == WIDGET:
        raise Unknown(f"there is no {provider} installation {installation}")
    secrets = world.secrets.of_installation(installation)
    if not secrets:
        raise NotAuthentic("this installation has no secret yet")
    generic.verify(secrets, timestamp, signature, raw, world.now())
    return keep(installation, raw, world)


def keep(installation: str, raw: bytes, world: World) -> str:
    """Takes a proved message; returns the delivery's id once raw body and notice are durable. Raises `Invalid`."""
    try:
        delivery_id = generic.parse(raw).delivery
    except Unreadable as error:
        raise Invalid(error.field, str(error)) from error
    key = f"chat/{installation}/{_file_name(delivery_id)}"
    world.raw.write(key, raw, "application/json")
    if world.queues.send([notice(installation, delivery_id, key, world.settings)]):
        raise Unavailable("SQS refused the notice")
    return delivery_id


def notice(installation: str, delivery_id: str, key: str, settings: Settings) -> Queued:
    """What intake is told of a stored chat message."""
    told = {"kind": "chat", "installation": installation, "delivery": delivery_id, "key": key}
    return Queued(settings.inbound_queue_url, json.dumps(told))


def _file_name(delivery_id: str) -> str:
    """The id where it is plain, else its hash: a provider's id may hold anything, an object's key may not."""
    plain = re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}", delivery_id)
    return delivery_id if plain else hashlib.sha256(delivery_id.encode("utf-8", "surrogatepass")).hexdigest()
