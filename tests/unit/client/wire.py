"""Ways from the client to the API in this process: as httpx sends, and over HTTP on 127.0.0.1."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import unquote

import httpx

from chalicelib.api import OPERATIONS
from chalicelib.api.operation import Operation
from tests.unit.api.service import Service

_PATTERNS = {operation: re.sub(r"{(\w+)}", r"(?P<\1>[^/]+)", operation.path) for operation in OPERATIONS}


def meant(request: httpx.Request) -> tuple[Operation, dict[str, str]] | None:
    """The operation a request means, and the parts of its path, as API Gateway finds them."""
    target = request.url.raw_path.decode()
    path = target.partition("?")[0].removeprefix("/api")
    for operation, pattern in _PATTERNS.items():
        if operation.method == request.method and (found := re.fullmatch(pattern, path)):
            return operation, {name: unquote(part) for name, part in found.groupdict().items()}
    return None


class Wire(httpx.BaseTransport):
    """Carries requests to the service, and does to each what is next in `mishaps`.

    A number is API Gateway's own refusal; "unheard" never arrives; the answer of "lost" does not come back.
    """

    def __init__(self, service: Service, *mishaps: int | str) -> None:
        self.service, self.mishaps = service, list(mishaps)
        self.seen: list[httpx.Request] = []
        self.done: list[str] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.seen.append(request)
        mishap = self.mishaps.pop(0) if self.mishaps else ""
        if isinstance(mishap, int):
            return httpx.Response(mishap, json={"message": "Too Many Requests"})
        if mishap == "unheard":
            raise httpx.ConnectError("[Errno 111] Connection refused")
        if not (found := meant(request)):
            return httpx.Response(403, json={"message": "Missing Authentication Token"})
        operation, parts = found
        self.done.append(operation.name)
        query, body = dict(request.url.params), request.read().decode()
        answer = self.service.invoke(operation.method, operation.path, parts, query, dict(request.headers), body)
        if mishap == "lost":
            raise httpx.ReadError("the connection was closed")
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.body)


class Broken(httpx.BaseTransport):
    """Every request meets the next of these: a status, or an error; then one status for ever."""

    def __init__(self, *failures: int | Exception, then: int = 404) -> None:
        self.failures, self.then, self.seen = list(failures), then, list[httpx.Request]()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.seen.append(request)
        failure = self.failures.pop(0) if self.failures else self.then
        if isinstance(failure, Exception):
            raise failure
        return httpx.Response(failure, json={"message": "from API Gateway"})


@contextmanager
def served(service: Service) -> Iterator[str]:
    """The address of the service behind an HTTP server, which hands out tokens as the local system does."""
    wire = Wire(service)

    class Handler(BaseHTTPRequestHandler):
        def do(self) -> None:
            token = service.token(self.path.rpartition("=")[2]) if self.path.startswith("/token?agent=") else None
            if token:
                return self.say(httpx.Response(200, json={"token": token}))
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            target = f"http://{self.headers['Host']}{self.path}"
            asked = httpx.Request(self.command, target, headers=[*self.headers.items()], content=body)
            return self.say(wire.handle_request(asked))

        def say(self, answer: httpx.Response) -> None:
            self.send_response(answer.status_code)
            for name, value in answer.headers.items():
                if name.lower() != "content-length":
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        do_GET = do_POST = do_PUT = do  # noqa: N815

        def log_message(self, *_: Any) -> None:
            """Stays quiet."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
