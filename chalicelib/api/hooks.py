"""Routes of chat providers: the provider is proved by its signature, not by a token."""

from typing import Annotated

from chalicelib.api.answers import AcceptedOut
from chalicelib.api.asked import Asked, Signed
from chalicelib.api.operation import Routes
from chalicelib.api.requests import ChatMessage
from chalicelib.errors import NotAuthentic
from chalicelib.flows import hook

routes = Routes(__name__)


@routes.operation("POST", "/v1/hooks/{provider}/{installation}", refuses=(NotAuthentic,), status=202, to_anybody=True)
def receive(asked: Asked, provider: str, installation: str, signed: Annotated[Signed, ChatMessage]) -> AcceptedOut:
    """A visitor's message; 202 once it is durable."""
    delivery = hook.accept(provider, installation, signed.timestamp, signed.signature, signed.raw, asked.world)
    return AcceptedOut(delivery=delivery)
