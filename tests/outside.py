"""Somebody else's server: answers as it is told and remembers what it was asked."""

import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, NamedTuple, Self

import botocore.session
from botocore.config import Config

from chalicelib.aws import clients
from chalicelib.aws.mailer import Mailer
from tests.cloud import REGION

SILENCE = -1
"""Takes the request and says nothing."""
CUT = -2
"""Takes the request and closes the connection in the middle of its answer."""


def mailer_at(url: str) -> Mailer:
    """A mailer with the service's own client, but for its address and patience."""
    config = clients._ONCE.merge(Config(read_timeout=0.3, connect_timeout=0.3))
    client = botocore.session.Session().create_client("sesv2", region_name=REGION, endpoint_url=url, config=config)
    return Mailer(client, "desk-replies", REGION)


class Asked(NamedTuple):
    """One request."""

    path: str
    headers: Mapping[str, str]
    body: bytes
    method: str = "POST"


class Outside:
    """An HTTP server on 127.0.0.1 for as long as a `with` block lasts. `status` may be SILENCE or CUT."""

    def __init__(self, status: int = 200, body: bytes = b"{}", headers: Mapping[str, str] | None = None) -> None:
        self.status, self.body, self.headers = status, body, dict(headers or {})
        self.asked: list[Asked] = []
        self.ended = threading.Event()

    def __enter__(self) -> Self:
        outside = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
                outside.asked.append(Asked(self.path, dict(self.headers.items()), body, self.command))
                outside._answer(self)

            do_PUT = do_POST  # noqa: N815 - the server's own word

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, _t: type[BaseException] | None, _e: BaseException | None, _b: TracebackType | None) -> None:
        self.ended.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        if self.status == SILENCE:
            self.ended.wait(30)
        if self.status in (SILENCE, CUT):
            handler.wfile.write(b"HTTP/1.1 2" if self.status == CUT else b"")
            handler.close_connection = True
            return
        handler.send_response(self.status)
        for name, value in {**self.headers, "Content-Length": str(len(self.body))}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(self.body)
