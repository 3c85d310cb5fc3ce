"""Routes of chat providers: the provider is proved as he proves himself, not by a token."""

from typing import Annotated

from chalicelib.api.answers import AcceptedOut, ChallengeOut, TakenOut
from chalicelib.api.asked import Asked
from chalicelib.api.operation import Routes
from chalicelib.api.requests import ChatMessage, HandshakeQuery
from chalicelib.errors import NotAuthentic
from chalicelib.flows import hook
from chalicelib.intake.chat.received import Received

routes = Routes(__name__)

_HOOK = "/v1/hooks/{provider}/{installation}"


@routes.operation("POST", _HOOK, refuses=(NotAuthentic,), status=202, to_anybody=True)
def receive(
    asked: Asked, provider: str, installation: str, signed: Annotated[Received, ChatMessage]
) -> AcceptedOut | TakenOut:
    """A visitor's message; 202 once it is durable, 200 to providers with bodies and proofs of their own."""
    taken = hook.accept(provider, installation, signed, asked.world)
    if provider == "generic":
        return AcceptedOut(delivery=taken.deliveries[0])
    return TakenOut(taken=len(taken.deliveries), challenge=taken.challenge or None)


@routes.operation("GET", _HOOK, refuses=(NotAuthentic,), to_anybody=True)
def shake_hands(asked: Asked, provider: str, installation: str, query: HandshakeQuery) -> ChallengeOut:
    """What Meta wants to hear back, as it stands, before it posts webhooks to this address."""
    token = query.token if query.mode == "subscribe" else ""
    return ChallengeOut(hook.shake_hands(provider, installation, token, query.challenge, asked.world))
