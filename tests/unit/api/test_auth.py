"""Tokens: what proves who calls, and everything that does not."""

import base64
import hashlib
import hmac
import json
import time
from typing import Any

import jwt
import pytest
from chalice.test import HTTPResponse
from cryptography.hazmat.primitives.asymmetric import rsa

from chalicelib.world import world
from tests.unit.api.issuer import AUDIENCE, KEY_ID
from tests.unit.api.service import Service


def _board(service: Service, authorization: str | None) -> HTTPResponse:
    headers = {} if authorization is None else {"Authorization": authorization}
    return service.ask("GET", "/v1/queues", None, headers=headers)


def _refused(service: Service, authorization: str | None, because: str) -> None:
    answer = _board(service, authorization)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert because in answer.json_body["detail"]


def test_good_token_is_taken_in_any_case_of_its_scheme(service: Service) -> None:
    token = service.token("anna")
    assert [_board(service, f"{scheme} {token}").status_code for scheme in ("Bearer", "bearer", "BEARER")] == [200] * 3


@pytest.mark.parametrize("said", [None, "", "Bearer", "Bearer ", "Bearer    ", "Basic YTpi", "anna"])
def test_no_token_is_refused(service: Service, said: str | None) -> None:
    _refused(service, said, "a bearer token is needed")


def test_token_without_its_scheme_is_refused(service: Service) -> None:
    _refused(service, service.token("anna"), "a bearer token is needed")


@pytest.mark.parametrize(
    ("changed", "because"),
    [
        ({"exp": lambda: int(time.time()) - 31}, "expired"),
        ({"exp": lambda: None}, "exp"),
        ({"iat": lambda: None}, "iat"),
        ({"iat": lambda: int(time.time()) + 60}, "not yet valid"),
        ({"nbf": lambda: int(time.time()) + 60}, "not yet valid"),
        ({"iss": lambda: "https://elsewhere.example.com"}, "ssuer"),
        ({"iss": lambda: None}, "iss"),
        ({"aud": lambda: "another-application"}, "audience"),
        ({"aud": lambda: ["another-application", "third"]}, "audience"),
        ({"aud": lambda: None}, "audience"),
        ({"aud": lambda: [[AUDIENCE]]}, "audience"),
        ({"aud": lambda: "another-application", "client_id": lambda: AUDIENCE}, "audience"),
        ({"aud": lambda: None, "client_id": lambda: "another-application"}, "audience"),
        ({"sub": lambda: None}, "sub"),
        ({"sub": lambda: ""}, "sub"),
        ({"sub": lambda: 7}, "ubject"),
        ({"sub": lambda: "x" * 201}, "sub"),
        ({"sub": lambda: "anna\nboris"}, "sub"),
    ],
)
def test_signed_token_that_says_the_wrong_thing_is_refused(
    service: Service, changed: dict[str, Any], because: str
) -> None:
    claims = service.issuer.claims("anna", **{name: value() for name, value in changed.items()})
    # PyJWT itself refuses to sign some of these, so they are signed as a careless issuer would.
    _refused(service, f"Bearer {_signed_by_hand(service, claims)}", because)


def test_clocks_may_differ_by_half_a_minute(service: Service) -> None:
    now = int(time.time())
    assert _board(service, f"Bearer {service.issuer.token('anna', ['agent'], exp=now - 20)}").status_code == 200


@pytest.mark.parametrize("said", [{"aud": ["third", AUDIENCE]}, {"aud": None, "client_id": AUDIENCE}])
def test_audience_may_be_a_list_or_cognitos_client(service: Service, said: dict[str, Any]) -> None:
    assert _board(service, f"Bearer {service.issuer.token('anna', ['agent'], **said)}").status_code == 200


def test_unsigned_token_is_refused(service: Service) -> None:
    for algorithm in ("none", "None", "NONE", ""):
        header = {"alg": algorithm, "typ": "JWT", "kid": KEY_ID}
        parts = [_base64(json.dumps(part).encode()) for part in (header, service.issuer.claims("anna", ["agent"]))]
        for signature in ("", _base64(b"x")):
            assert _board(service, f"Bearer {'.'.join([*parts, signature])}").status_code == 401


def test_public_key_is_never_taken_for_a_shared_secret(service: Service) -> None:
    secret = service.issuer.public_pem()
    for algorithm, digest in (("HS256", hashlib.sha256), ("HS384", hashlib.sha384), ("HS512", hashlib.sha512)):
        header = {"alg": algorithm, "typ": "JWT", "kid": KEY_ID}
        said = service.issuer.claims("anna", ["admin"])
        body = ".".join(_base64(json.dumps(part).encode()) for part in (header, said))
        token = f"{body}.{_base64(hmac.new(secret, body.encode(), digest).digest())}"
        _refused(service, f"Bearer {token}", "alg")


def test_token_of_another_key_is_refused(service: Service) -> None:
    foreign = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    claims = service.issuer.claims("anna", ["admin"])
    token = jwt.encode(claims, foreign, algorithm="RS256", headers={"kid": KEY_ID})
    _refused(service, f"Bearer {token}", "Signature")


def test_claims_changed_after_signing_are_refused(service: Service) -> None:
    head, _, signature = service.token("anna").split(".")
    claims = _base64(json.dumps(service.issuer.claims("anna", ["admin"])).encode())
    _refused(service, f"Bearer {head}.{claims}.{signature}", "Signature")


def test_unknown_key_ids_do_not_make_the_api_ask_the_issuer_each_time(service: Service) -> None:
    _board(service, f"Bearer {service.token('anna')}")
    before = service.issuer.fetched
    for number in range(10):
        token = service.issuer.token("anna", ["agent"], key_id=f"no-such-{number}")
        _refused(service, f"Bearer {token}", "no-such")
    assert service.issuer.fetched - before <= 1


@pytest.mark.parametrize(
    "token",
    [
        "x", "a.b", "a.b.c", "....", "é.é.é", "\ud800.a.b", "null.null.null", "a.b.c.d.e",
        "[" * 3000, base64.b64encode(b"[" * 3000).decode() + ".e30.eA",
        base64.b64encode(b'{"alg":"RS256","kid":5}').decode() + ".e30.eA",
        base64.b64encode(b'{"alg":["RS256"],"kid":"key-1"}').decode() + ".e30.eA",
        base64.b64encode(b'{"alg":"RS256","kid":"\\ud800"}').decode() + ".e30.eA",
        base64.b64encode(b'{"alg":"RS256","kid":"key-1","crit":7}').decode() + ".e30.eA",
        base64.b64encode(b'{"alg":"RS256","alg":"none","kid":"key-1"}').decode() + ".e30.eA",
        base64.b64encode(b"[1]").decode() + ".e30.eA",
    ],
)  # fmt: skip
def test_token_that_is_none_is_refused(service: Service, token: str) -> None:
    answer = service.invoke("GET", "/v1/queues", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 401


def test_keys_lie_where_the_issuer_says(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not at the place that Cognito and few others have: Keycloak, Okta, Entra ID and Google do not."""
    url = service.issuer.url.replace("/good", "/realms")
    monkeypatch.setenv("OIDC_ISSUER", url)
    world.cache_clear()
    assert _board(service, f"Bearer {service.issuer.token('anna', ['agent'], iss=url)}").status_code == 200


@pytest.mark.parametrize("where", ["down", "garbage", "file", "list", "odd"])
def test_issuer_that_is_away_is_no_fault_of_the_caller(
    service: Service, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    token = service.token("anna")
    monkeypatch.setenv("OIDC_ISSUER", service.issuer.url.replace("/good", f"/{where}"))
    world.cache_clear()
    answer = _board(service, f"Bearer {token}")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "1"


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _signed_by_hand(service: Service, claims: dict[str, Any]) -> str:
    raw = json.dumps(claims).encode()
    return jwt.api_jws.encode(raw, service.issuer.key, algorithm="RS256", headers={"kid": KEY_ID})
