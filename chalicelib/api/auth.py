"""Who calls: a bearer JWT of any OIDC issuer (Cognito included), verified here."""

import json
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from chalicelib.errors import NotAuthentic, Unavailable
from chalicelib.policy import ROLES, Policy
from chalicelib.rights import Caller
from chalicelib.settings import Settings

if TYPE_CHECKING:
    import jwt

#: Asymmetric algorithms only: with them a public key can never be taken for a shared secret.
_ALGORITHMS: Final = ["RS256", "RS384", "RS512", "ES256", "ES384", "PS256"]
_LEEWAY_SECONDS: Final = 30
_KEYS_KEPT_SECONDS: Final = 3600
_SECONDS: Final = 5
_LONGEST_DOCUMENT: Final = 100_000
_LONGEST_NAME: Final = 200


def caller(authorization: str | None, settings: Settings, policy: Policy) -> Caller:
    """The caller a verified token names.

    Raises `NotAuthentic` when there is none, or signature, issuer, audience or time do not hold; `Unavailable` when the
    issuer's keys cannot be fetched.
    """
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip() or not token.isascii():
        raise NotAuthentic("a bearer token is needed")
    claims = _verified(token.strip(), settings)
    name = claims.get(policy.access.agent_claim)
    if not isinstance(name, str) or not name.isprintable() or not 1 <= len(name) <= _LONGEST_NAME:
        raise NotAuthentic(f"the token names nobody in its claim {policy.access.agent_claim}")
    return Caller(name, _roles(claims.get(policy.access.role_claim), name, policy))


def _roles(claimed: Any, name: str, policy: Policy) -> frozenset[str]:
    """Roles of the token; the desk's, where the token says nothing of roles."""
    if claimed is None:
        agent = policy.agents.get(name)
        return agent.roles if agent else frozenset()
    listed = claimed.split() if isinstance(claimed, str) else claimed
    return frozenset(role for role in listed if role in ROLES) if isinstance(listed, list) else frozenset()


def _verified(token: str, settings: Settings) -> dict[str, Any]:
    from http.client import HTTPException

    import jwt

    try:
        key = _keys(settings.oidc_issuer).get_signing_key_from_jwt(token)
        claims: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=_ALGORITHMS,
            issuer=settings.oidc_issuer,
            leeway=_LEEWAY_SECONDS,
            options={"require": ["exp", "iat", "iss"], "verify_aud": False},
        )
    # Nobody answers, or a proxy with a page of its own.
    except (jwt.PyJWKClientConnectionError, HTTPException, OSError, ValueError) as error:
        raise Unavailable("the issuer's keys cannot be fetched") from error
    except jwt.PyJWTError as error:
        raise NotAuthentic(f"the token does not hold: {error}") from error
    _check_audience(claims, settings.oidc_audience)
    return claims


def _check_audience(claims: dict[str, Any], audience: str) -> None:
    """Cognito's access tokens name the client in `client_id` instead of `aud`."""
    named = claims.get("aud", claims.get("client_id"))
    if audience not in (named if isinstance(named, list) else [named]):
        raise NotAuthentic("the token is for somebody else (audience)")


@cache
def _keys(issuer: str) -> "jwt.PyJWKClient":
    import jwt

    return jwt.PyJWKClient(_keys_address(issuer), lifespan=_KEYS_KEPT_SECONDS, timeout=_SECONDS)


def _keys_address(issuer: str) -> str:
    """Where an issuer says that his keys are; for one who publishes no such document, where Cognito has them.

    Raises `OSError` when he is away, `ValueError` for a document that names no address.
    """
    from urllib.error import HTTPError
    from urllib.request import urlopen

    place = f"{issuer.rstrip('/')}/.well-known"
    try:
        with urlopen(f"{place}/openid-configuration", timeout=_SECONDS) as answer:  # noqa: S310 - the stack's parameter
            told = json.loads(answer.read(_LONGEST_DOCUMENT))
    except HTTPError as error:
        error.close()
        if error.code >= 500:
            raise
        return f"{place}/jwks.json"
    address = told.get("jwks_uri") if isinstance(told, dict) else None
    if not isinstance(address, str) or not address.startswith(("https://", _origin(issuer))):
        raise ValueError("the issuer names no address of his keys")
    return address


def _origin(address: str) -> str:
    return "/".join(address.split("/", 3)[:3]) + "/"
