"""An OIDC issuer on 127.0.0.1: its keys are fetched over HTTP, and its tokens can be made wrong in any way."""

import json
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

AUDIENCE = "sortownia"
KEY_ID = "key-1"


class Issuer:
    """Signs with one RSA key. `fetched` counts how often somebody asked for the public half."""

    def __init__(self, url: str) -> None:
        self.url, self.fetched = url, 0
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def claims(self, name: str, roles: Iterable[str] | None = None, **changed: Any) -> dict[str, Any]:
        """What a good token says; a claim changed to None is left out."""
        now = int(time.time())
        said = {"iss": self.url, "aud": AUDIENCE, "sub": name, "iat": now, "exp": now + 600, "roles": roles, **changed}
        return {claim: value for claim, value in said.items() if value is not None}

    def token(self, name: str, roles: Iterable[str] | None = None, key_id: str = KEY_ID, **changed: Any) -> str:
        """A token signed with this issuer's key."""
        return self.signed(self.claims(name, list(roles) if roles is not None else None, **changed), key_id)

    def signed(self, claims: dict[str, Any], key_id: str = KEY_ID) -> str:
        """These very claims, signed with this issuer's key."""
        return jwt.encode(claims, self.key, algorithm="RS256", headers={"kid": key_id})

    def public_pem(self) -> bytes:
        """The public key as a file, as an attacker has it."""
        return self.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    def answer(self, path: str) -> tuple[int, bytes]:
        """Status and body of what is served at a path."""
        match path:
            case "/good/.well-known/jwks.json" | "/realms/desk/certs":
                self.fetched += 1
                public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key()))
                return 200, json.dumps({"keys": [{**public, "kid": KEY_ID, "use": "sig", "alg": "RS256"}]}).encode()
            case "/realms/.well-known/openid-configuration":
                return 200, json.dumps({"jwks_uri": self.url.replace("/good", "/realms/desk/certs")}).encode()
            case "/file/.well-known/openid-configuration":
                return 200, b'{"jwks_uri": "file:///etc/hostname"}'
            case "/list/.well-known/openid-configuration":
                return 200, b"[]"
            case "/down/.well-known/openid-configuration":
                return 503, b""
            case "/garbage/.well-known/jwks.json":
                return 200, b"<html>a proxy's page</html>"
            case "/down/.well-known/jwks.json":
                return 500, b"{}"
        return 404, b""


@contextmanager
def serving() -> Iterator[Issuer]:
    """An issuer for as long as the block lasts."""
    server = HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    issuer = Issuer(f"http://127.0.0.1:{server.server_port}/good")

    class Keys(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path.startswith("/odd/"):
                self.wfile.write(b"no status line\r\n\r\n")
                return
            status, body = issuer.answer(self.path)
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Stays quiet."""

    server.RequestHandlerClass = Keys
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield issuer
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
