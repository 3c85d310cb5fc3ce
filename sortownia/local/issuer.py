"""A token issuer for this machine: the API checks its tokens exactly as it checks Cognito's."""

import base64
import json
import time
from collections.abc import Callable, Iterable
from hashlib import sha256
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

CONFIGURATION_PATH: Final = "/.well-known/openid-configuration"
KEYS_PATH: Final = "/.well-known/jwks.json"
AUDIENCE: Final = "sortownia-local"
LIFETIME_SECONDS: Final = 12 * 3600


class Issuer:
    """Signs tokens with an RSA key made at construction, and publishes its public half.

    `url` is the `iss` of its tokens and the address below which `document` must be served.
    """

    def __init__(
        self,
        url: str,
        *,
        audience: str = AUDIENCE,
        role_claim: str = "roles",
        agent_claim: str = "sub",
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.url, self.audience = url, audience
        self._role_claim, self._agent_claim, self._clock = role_claim, agent_claim, clock
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        numbers = self._key.public_key().public_numbers()
        self._public = {"kty": "RSA", "n": _base64(numbers.n), "e": _base64(numbers.e)}
        self._key_id = _thumbprint(self._public)

    def token(self, agent_id: str, roles: Iterable[str], lifetime: float = LIFETIME_SECONDS) -> str:
        """A signed token for an agent. `lifetime` in seconds; a negative one makes an expired token."""
        now = int(self._clock())
        claims: dict[str, Any] = {
            "iss": self.url,
            "aud": self.audience,
            "sub": agent_id,
            "iat": now,
            "exp": int(now + lifetime),
            self._agent_claim: agent_id,
            self._role_claim: sorted(roles),
        }
        return jwt.encode(claims, self._key, algorithm="RS256", headers={"kid": self._key_id})

    def document(self, path: str) -> dict[str, Any] | None:
        """What is served below the issuer's address, or None where there is nothing."""
        if path == CONFIGURATION_PATH:
            return {
                "issuer": self.url,
                "jwks_uri": self.url + KEYS_PATH,
                "response_types_supported": ["token"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
            }
        if path == KEYS_PATH:
            return {"keys": [{**self._public, "kid": self._key_id, "use": "sig", "alg": "RS256"}]}
        return None


def _base64(number: int) -> str:
    raw = number.to_bytes((number.bit_length() + 7) // 8, "big")
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _thumbprint(public: dict[str, str]) -> str:
    """The key's id, RFC 7638."""
    text = json.dumps(public, sort_keys=True, separators=(",", ":"))
    return base64.urlsafe_b64encode(sha256(text.encode()).digest()).rstrip(b"=").decode()
