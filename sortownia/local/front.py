"""The one HTTP address of the local system.

The API, the token issuer, tokens for the desk's agents; and what is outside in a deployed system: SES, which the desk
calls to send, and the shop's server, which takes chat replies and has a page with our widget.
"""

import http.client
import json
import logging
import socketserver
import threading
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Final, NamedTuple, Self
from urllib.parse import parse_qs, urlsplit

from sortownia.local import ports, shop_page
from sortownia.local.issuer import Issuer
from sortownia.local.ses_door import SesDoor
from sortownia.local.shop import Shop

HTTP_PORT: Final = 8600
ISSUER_PATH: Final = "/issuer"
SES_PATH: Final = "/ses"
CHAT_PATH: Final = "/chat"
BODY_LIMIT: Final = 10 * 1024 * 1024
"""Bytes of the largest request API Gateway takes."""
UPSTREAM_SECONDS: Final = 60.0
PARALLEL_LIMIT: Final = 12
"""Requests passed on at once: each more starts a worker, and the API's own concurrency has an end."""

_log = logging.getLogger(__name__)
_HOP_BY_HOP: Final = frozenset(
    [
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "host",
        "content-length",
        "date",
        "server",
    ]
)


class Answer(NamedTuple):
    """What goes back to the client; `status` 0 hangs up without a word."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


class Front:
    """An HTTP server on 127.0.0.1 for as long as a `with` block lasts. `port` 0 takes a free one.

    Entering raises `LocalError` when the port is taken. Until `api_url`, `issuer`, `ses` and `shop` are set, what needs
    them is answered with 503. `agents` maps the ids that tokens are handed out for to their roles; `widget` is the
    installation on the shop's page.
    """

    def __init__(self, *, port: int = HTTP_PORT, way_out: str = "--http-port") -> None:
        self.port, self._way_out = port, way_out
        self.api_url = ""
        self.issuer: Issuer | None = None
        self.ses: SesDoor | None = None
        self.shop: Shop | None = None
        self.agents: Mapping[str, Iterable[str]] = {}
        self.widget = ""
        self._slots = threading.BoundedSemaphore(PARALLEL_LIMIT)

    def __enter__(self) -> Self:
        self.port = ports.settle(self.port, "HTTP", self._way_out)
        self._server = _Server((ports.HOST, self.port), _Handler)
        self._server.front = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), name="front", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def url(self) -> str:
        """The address, without a slash at the end."""
        return f"http://{ports.HOST}:{self.port}"

    def answer(self, method: str, target: str, headers: list[tuple[str, str]], body: bytes) -> Answer:
        """The answer to a request for `target`, a path with its query."""
        path, query = urlsplit(target).path, parse_qs(urlsplit(target).query)
        if path == "/v1" or path.startswith("/v1/"):
            return self._forward(method, target, headers, body)
        if path.startswith(ISSUER_PATH + "/"):
            return self._issued(path.removeprefix(ISSUER_PATH))
        if path == "/token" and method == "GET":
            return self._token(query.get("agent", [""])[0], plain=("Accept", "text/plain") in headers)
        if path.startswith(SES_PATH + "/"):
            return self._mailed(path.removeprefix(SES_PATH), body)
        if path == shop_page.PATH and method in ("GET", "HEAD"):
            return self._page(query)
        if path.startswith(CHAT_PATH + "/"):
            return self._chatted(method, path.removeprefix(CHAT_PATH + "/"), query, headers, body)
        return _problem(
            HTTPStatus.NOT_FOUND, "Here are /v1/…, /token?agent=…, /issuer/.well-known/…, /chat/… and /shop/."
        )

    def _token(self, agent: str, *, plain: bool) -> Answer:
        if self.issuer is None:
            return _problem(HTTPStatus.SERVICE_UNAVAILABLE, "The system is still starting.")
        if agent not in self.agents:
            return _problem(HTTPStatus.NOT_FOUND, f"No such agent; there is {', '.join(self.agents)}.")
        roles = sorted(self.agents[agent])
        token = self.issuer.token(agent, roles)
        if plain:  # so that a shell needs no JSON tool
            return Answer(HTTPStatus.OK, [("Content-Type", "text/plain")], token.encode())
        return _json(HTTPStatus.OK, {"token": token, "agent": agent, "roles": roles})

    def _issued(self, path: str) -> Answer:
        document = self.issuer.document(path) if self.issuer else None
        if document is None:
            return _problem(HTTPStatus.NOT_FOUND, "The issuer has no such document.")
        return _json(HTTPStatus.OK, document)

    def _mailed(self, path: str, body: bytes) -> Answer:
        if self.ses is None:
            return _problem(HTTPStatus.SERVICE_UNAVAILABLE, "The system is still starting.")
        said = self.ses.call(path, body)
        answer = _json(said.status or 0, said.body)
        return answer._replace(headers=[*answer.headers, ("x-amzn-ErrorType", said.error)]) if said.error else answer

    def _page(self, query: dict[str, list[str]]) -> Answer:
        if self.shop is None:
            return _problem(HTTPStatus.SERVICE_UNAVAILABLE, "The system is still starting.")
        if not self.widget:
            return _problem(HTTPStatus.NOT_FOUND, "The desk has no installation of our own widget.")
        body = self.shop.page(self.widget, query.get("lang", [""])[0], query.get("visitor", [""])[0])
        headers = [("Content-Type", "text/html; charset=utf-8"), ("Content-Security-Policy", shop_page.POLICY)]
        return Answer(HTTPStatus.OK, headers, body)

    def _chatted(
        self, method: str, target: str, query: dict[str, list[str]], headers: list[tuple[str, str]], body: bytes
    ) -> Answer:
        if self.shop is None:
            return _problem(HTTPStatus.SERVICE_UNAVAILABLE, "The system is still starting.")
        installation, _, path = target.partition("/")
        if method == "GET":
            said = self.shop.said(installation, query.get("conversation", [None])[0])
            return _json(HTTPStatus.OK, {"replies": [asdict(reply) for reply in said]})
        try:
            wrong = self.shop.take(installation, {name.lower(): value for name, value in headers}, body, path)
        except LookupError:
            return _problem(HTTPStatus.NOT_FOUND, "There is no such installation.")
        except PermissionError:
            return _problem(HTTPStatus.UNAUTHORIZED, "The signature does not hold.")
        if wrong:
            return _problem(HTTPStatus.BAD_REQUEST, wrong)
        # Some providers say in the body, too, that they took it.
        return _json(HTTPStatus.OK, {"ok": True}) if path else _json(HTTPStatus.ACCEPTED, {})

    def _forward(self, method: str, target: str, headers: list[tuple[str, str]], body: bytes) -> Answer:
        if not self.api_url:
            return _problem(HTTPStatus.SERVICE_UNAVAILABLE, "The system is still starting.")
        try:
            with self._slots:
                return ask(self.api_url, method, target, headers, body)
        except TimeoutError:
            return _problem(HTTPStatus.GATEWAY_TIMEOUT, "The API did not answer in time.")
        except (OSError, http.client.HTTPException) as error:
            return _problem(HTTPStatus.BAD_GATEWAY, f"The API cannot be reached: {error}.")


def ask(url: str, method: str, target: str, headers: Iterable[tuple[str, str]], body: bytes) -> Answer:
    """What the server at `url` answers to such a request. Raises `OSError`, `http.client.HTTPException`."""
    base = urlsplit(url)
    connection = http.client.HTTPConnection(base.hostname or "", base.port, timeout=UPSTREAM_SECONDS)
    try:
        connection.putrequest(method, base.path + target, skip_accept_encoding=True)
        for name, value in headers:
            if name.lower() not in _HOP_BY_HOP:
                connection.putheader(name, value)
        connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        response = connection.getresponse()
        kept = [(name, value) for name, value in response.getheaders() if name.lower() not in _HOP_BY_HOP]
        return Answer(response.status, kept, response.read())
    finally:
        connection.close()


def _json(status: int, value: Any, content_type: str = "application/json") -> Answer:
    return Answer(status, [("Content-Type", content_type)], json.dumps(value).encode())


def _problem(status: HTTPStatus, detail: str) -> Answer:
    """RFC 9457."""
    problem = {"status": status.value, "title": status.phrase, "detail": detail}
    return _json(status, problem, "application/problem+json")


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False  # a client that keeps its connection open would hold us up
    request_queue_size = 128
    front: Front

    def server_bind(self) -> None:
        # HTTPServer would ask DNS for the name of 127.0.0.1 here, which can take seconds.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = ports.HOST, self.server_address[1]

    def handle_error(self, _request: Any, _client: Any) -> None:
        _log.debug("a client went away", exc_info=True)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 120
    server: _Server

    def _do(self) -> None:
        answer = self._refusal() or self.server.front.answer(
            self.command, self.path, self.headers.items(), self._body()
        )
        if not answer.status:
            self.close_connection = True
            return
        self.send_response_only(answer.status)
        for name, value in answer.headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    def _refusal(self) -> Answer | None:
        # A web page whose name was made to point here must not fetch tokens: only our own names are served.
        if (self.headers.get("Host") or "").partition(":")[0] not in (ports.HOST, "localhost"):
            return self._refuse(HTTPStatus.MISDIRECTED_REQUEST, "This server is for this machine only.")
        if "Transfer-Encoding" in self.headers:
            return self._refuse(HTTPStatus.LENGTH_REQUIRED, "Send a Content-Length.")
        length = self.headers.get("Content-Length", "0")
        if not length.isdecimal() or int(length) > BODY_LIMIT:
            return self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "A request has 10 MB at most.")
        return None

    def _refuse(self, status: HTTPStatus, detail: str) -> Answer:
        self.close_connection = True  # the body was not read
        return _problem(status, detail)

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length", "0")))

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _do  # noqa: N815

    def log_message(self, _format: str, *_arguments: Any) -> None:
        """Say nothing: the terminal belongs to the board."""
