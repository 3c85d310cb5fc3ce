"""Our own widget: who its visitor is, how that is proved, and his message as the generic webhook would have it.

Nothing but the installation's secret is kept on our side: a visit travels as a signed token (JWT, HS256).
"""

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from chalicelib.errors import NotAuthentic

TEXT_LENGTH: Final = 5_000
MESSAGE_ID: Final = r"^[A-Za-z0-9_-]{8,64}$"
VISITOR_ID_LENGTH: Final = 150

#: The shop's server signs whatever id its customer has, so no signature of its making may ever be one of ours.
_DERIVED: Final = b"sortownia widget token 1"


class Use(StrEnum):
    """What a signed text opens: the conversation, or (kept by the browser) the next token of it."""

    TOKEN = "token"  # noqa: S105 - a word of the audience, no secret
    KEY = "key"


LIFETIMES: Final[Mapping[Use, timedelta]] = {Use.TOKEN: timedelta(minutes=30), Use.KEY: timedelta(days=90)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """A visitor in his conversation, on the pages of one web origin."""

    installation: str
    origin: str
    visitor: str
    conversation: str
    name: str = ""
    email: str = ""


def anonymous(installation: str, origin: str, random_visitor: str, random_conversation: str) -> Visit:
    """A visitor of whom nothing is known; both random parts must be impossible to guess."""
    return Visit(
        installation=installation, origin=origin, visitor=f"anonymous-{random_visitor}",
        conversation=random_conversation,
    )  # fmt: skip


def known(installation: str, origin: str, visitor_id: str, name: str, email: str) -> Visit:
    """A customer the shop knows: the same conversation on each of his devices. His proof must have been checked."""
    conversation = hashlib.sha256(f"{installation}\n{visitor_id}".encode()).hexdigest()[:32]
    return Visit(
        installation=installation, origin=origin, visitor=f"known-{visitor_id}", conversation=f"known-{conversation}",
        name=name, email=email,
    )  # fmt: skip


def check_known(secrets: Sequence[str], visitor_id: str, email: str, given_hash: str) -> None:
    """Proof that the shop's server, which has one of the secrets, knows this visitor; else raises NotAuthentic."""
    matches = [hmac.compare_digest(known_hash(secret, visitor_id, email), given_hash) for secret in secrets]
    if not any(matches):
        raise NotAuthentic("the visitor's hash does not hold")


def known_hash(secret: str, visitor_id: str, email: str = "") -> str:
    """The hex digest by which a shop's server proves its visitor: HMAC-SHA256(secret, id), or of id, newline, address.

    The newline, which neither part can hold, keeps who chooses his own address from moving letters into another's id.
    """
    said = f"{visitor_id}\n{email}" if email else visitor_id
    return hmac.new(secret.encode(), said.encode(), hashlib.sha256).hexdigest()


def sealed(visit: Visit, use: Use, secret: str, now: datetime) -> str:
    """The signed text that opens this visit until its lifetime is over. `now` is aware."""
    import jwt

    claims = {
        "aud": f"{visit.installation}/{use}", "exp": int((now + LIFETIMES[use]).timestamp()), "org": visit.origin,
        "sub": visit.visitor, "cnv": visit.conversation, "name": visit.name, "email": visit.email,
    }  # fmt: skip
    return jwt.encode(claims, _key(secret), "HS256")


def opened(text: str, use: Use, installation: str, secrets: Sequence[str], now: datetime) -> Visit:
    """The visit a signed text stands for. Raises NotAuthentic for one of another installation or use, or a late one."""
    claims = next((found for secret in secrets if (found := _claims(text, use, installation, secret))), None)
    if claims is None:
        raise NotAuthentic(f"the visitor's {use} does not hold")
    if claims["exp"] <= now.timestamp():
        raise NotAuthentic(f"the visitor's {use} has expired")
    return Visit(
        installation=installation, origin=claims["org"], visitor=claims["sub"], conversation=claims["cnv"],
        name=claims["name"], email=claims["email"],
    )  # fmt: skip


def body(visit: Visit, message_id: str, text: str) -> bytes:
    """What is stored: the same bytes for the same message, in the shape that `generic` reads."""
    visitor = {"id": visit.visitor, "name": visit.name, "email": visit.email}
    said = {
        "id": delivery(visit, message_id), "conversation": visit.conversation,
        "visitor": {name: value for name, value in visitor.items() if value}, "text": text,
    }  # fmt: skip
    return json.dumps(said, ensure_ascii=False).encode()


def delivery(visit: Visit, message_id: str) -> str:
    """The id of a message among all of the installation."""
    return f"{visit.conversation}.{message_id}"


def message_id(conversation: str, delivery_id: str) -> str:
    """The visitor's own id of a message, by the delivery that `body` made of it."""
    return delivery_id.removeprefix(f"{conversation}.")


def _claims(text: str, use: Use, installation: str, secret: str) -> dict[str, Any] | None:
    import jwt

    try:
        claims: dict[str, Any] = jwt.decode(
            text, _key(secret), algorithms=["HS256"], audience=f"{installation}/{use}",
            options={"verify_exp": False, "require": ["exp", "org", "sub", "cnv", "name", "email"]},
        )  # fmt: skip
    except jwt.PyJWTError:
        return None
    return claims


def _key(secret: str) -> bytes:
    """HKDF's first step (RFC 5869): a key that none of the secret's own signatures is, or tells of."""
    return hmac.new(_DERIVED, secret.encode(), hashlib.sha256).digest()
