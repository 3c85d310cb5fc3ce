"""The HTTP address, before a small API that says what reached it."""

import http.client
import json
import threading
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from sortownia.local.error import LocalError
from sortownia.local.front import BODY_LIMIT, Front
from sortownia.local.issuer import CONFIGURATION_PATH, KEYS_PATH, Issuer


class Echo(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        said = json.dumps(
            {"method": self.command, "path": self.path, "headers": self.headers.items(), "body": body.decode("latin-1")}
        ).encode()
        self.send_response(201)
        self.send_header("ETag", '"7"')
        self.send_header("Set-Cookie", "a=1")
        self.send_header("Set-Cookie", "b=2")
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(said)

    do_GET = do_POST = do_DELETE = do_HEAD = answer  # noqa: N815

    def log_message(self, *_arguments: object) -> None:
        pass


@pytest.fixture(scope="module")
def api() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    server.daemon_threads = True
    server.block_on_close = False
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/restapis/x/api/_user_request_"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def front() -> Iterator[Front]:
    with Front(port=0) as front:
        front.issuer = Issuer(front.url + "/issuer")
        front.agents = {"agent-1": {"agent"}}
        yield front


def ask(
    front: Front, method: str, path: str, body: bytes = b"", **headers: str
) -> tuple[http.client.HTTPResponse, bytes]:
    with closing(http.client.HTTPConnection("127.0.0.1", front.port, timeout=10)) as connection:
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        response = connection.getresponse()
        return response, response.read()


def test_request_reaches_the_api_unchanged(front: Front, api: str) -> None:
    front.api_url = api
    _, body = ask(front, "POST", "/v1/a%20b?x=1&x=2%2F", b"\x00\xffraw", Authorization="Bearer t", If_Match='"6"')
    said = json.loads(body)
    assert (said["method"], said["body"]) == ("POST", "\x00\xffraw")
    assert said["path"] == "/restapis/x/api/_user_request_/v1/a%20b?x=1&x=2%2F"
    assert ["Authorization", "Bearer t"] in said["headers"]
    assert ["If-Match", '"6"'] in said["headers"]


def test_answer_reaches_the_client_unchanged(front: Front, api: str) -> None:
    front.api_url = api
    response, _ = ask(front, "DELETE", "/v1/x")
    assert response.status == 201
    assert response.headers["ETag"] == '"7"'
    assert response.headers.get_all("Set-Cookie") == ["a=1", "b=2"]


def test_head_has_no_body(front: Front, api: str) -> None:
    front.api_url = api
    assert ask(front, "HEAD", "/v1/x")[1] == b""


def test_api_that_is_not_there_yet_is_503(front: Front) -> None:
    assert ask(front, "GET", "/v1/queues")[0].status == 503


def test_api_that_went_away_is_502(front: Front) -> None:
    front.api_url = "http://127.0.0.1:1/x"
    response, body = ask(front, "GET", "/v1/queues")
    assert response.status == 502
    assert response.headers["Content-Type"] == "application/problem+json"
    assert json.loads(body)["title"] == "Bad Gateway"


def test_issuer_is_served_where_its_tokens_say(front: Front) -> None:
    _, configuration = ask(front, "GET", "/issuer" + CONFIGURATION_PATH)
    assert json.loads(configuration)["jwks_uri"] == f"{front.url}/issuer{KEYS_PATH}"
    _, keys = ask(front, "GET", "/issuer" + KEYS_PATH)
    assert json.loads(keys)["keys"][0]["kty"] == "RSA"


def test_token_for_an_agent_of_the_desk(front: Front) -> None:
    _, body = ask(front, "GET", "/token?agent=agent-1")
    answer = json.loads(body)
    assert answer["roles"] == ["agent"]
    _, plain = ask(front, "GET", "/token?agent=agent-1", Accept="text/plain")
    assert plain.count(b".") == answer["token"].count(".") == 2


def test_no_token_for_a_stranger(front: Front) -> None:
    response, body = ask(front, "GET", "/token?agent=mallory")
    assert response.status == 404
    assert b"agent-1" in body


def test_other_host_names_get_nothing(front: Front) -> None:
    """A web page whose host name was made to point to this machine reads no token."""
    assert ask(front, "GET", "/token?agent=agent-1", Host=f"evil.example.com:{front.port}")[0].status == 421


def test_too_large_a_request_is_refused(front: Front, api: str) -> None:
    front.api_url = api
    assert ask(front, "POST", "/v1/x", Content_Length=str(BODY_LIMIT + 1))[0].status == 413


def test_taken_port_is_one_sentence_with_a_way_out(front: Front) -> None:
    with (
        pytest.raises(LocalError, match=rf"^Port {front.port} for HTTP is in use .*--http-port\.$"),
        Front(port=front.port),
    ):
        pass
