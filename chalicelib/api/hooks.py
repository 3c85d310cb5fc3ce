"""Routes of chat providers: the provider is proved by its signature, not by a token."""

from chalice.app import Blueprint, Response

from chalicelib.api.door import Asked, answer, answering
from chalicelib.api.schema import AcceptedOut
from chalicelib.flows import hook

routes = Blueprint(__name__)


@routes.route("/v1/hooks/{provider}/{installation}", methods=["POST"])
@answering(routes, to_anybody=True)
def receive(asked: Asked, provider: str, installation: str) -> Response:
    """A visitor's message; 202 once it is durable."""
    timestamp = asked.header("x-sortownia-timestamp") or ""
    signature = asked.header("x-sortownia-signature") or ""
    delivery = hook.accept(provider, installation, timestamp, signature, asked.raw_body, asked.world)
    return answer(AcceptedOut(delivery=delivery), status=202)
