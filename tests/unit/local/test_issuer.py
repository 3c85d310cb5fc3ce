"""Tokens verify with nothing but what the issuer publishes."""

import jwt
import pytest

from sortownia.local.issuer import AUDIENCE, CONFIGURATION_PATH, KEYS_PATH, Issuer

URL = "http://127.0.0.1:8600/issuer"


def key_of(issuer: Issuer, token: str) -> jwt.PyJWK:
    document = issuer.document(KEYS_PATH)
    assert document is not None
    return jwt.PyJWKSet.from_dict(document)[jwt.get_unverified_header(token)["kid"]]


def verified(issuer: Issuer, token: str) -> dict:
    return jwt.decode(token, key_of(issuer, token), algorithms=["RS256"], audience=AUDIENCE, issuer=URL)


def test_token_verifies_and_names_agent_and_roles() -> None:
    issuer = Issuer(URL, role_claim="cognito:groups", agent_claim="username", clock=lambda: 4_000_000_000)
    claims = jwt.decode(issuer.token("agent-1", {"supervisor", "agent"}, 60), options={"verify_signature": False})
    assert claims["cognito:groups"] == ["agent", "supervisor"]
    assert claims["sub"] == claims["username"] == "agent-1"
    assert claims["exp"] - claims["iat"] == 60


def test_token_is_signed_with_the_published_key() -> None:
    issuer = Issuer(URL)
    assert verified(issuer, issuer.token("agent-1", ["agent"]))["roles"] == ["agent"]


def test_expired_token_is_not_accepted() -> None:
    issuer = Issuer(URL)
    with pytest.raises(jwt.ExpiredSignatureError):
        verified(issuer, issuer.token("agent-1", [], -1))


def test_another_issuers_token_is_not_accepted() -> None:
    issuer, other = Issuer(URL), Issuer(URL)
    token = other.token("agent-1", ["admin"])
    with pytest.raises(jwt.InvalidSignatureError):
        jwt.decode(token, key_of(issuer, issuer.token("a", [])), algorithms=["RS256"], audience=AUDIENCE, issuer=URL)


def test_configuration_points_to_the_keys() -> None:
    configuration = Issuer(URL).document(CONFIGURATION_PATH)
    assert configuration is not None
    assert configuration["issuer"] == URL
    assert configuration["jwks_uri"] == URL + KEYS_PATH
    assert Issuer(URL).document("/else") is None


def test_private_half_is_not_published() -> None:
    document = Issuer(URL).document(KEYS_PATH)
    assert document is not None
    assert set(document["keys"][0]) == {"kty", "n", "e", "kid", "use", "alg"}
