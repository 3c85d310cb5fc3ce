"""Chat providers: posts one reply to an address of theirs, once."""

import http.client
import json
import re
import ssl
from collections.abc import Mapping
from typing import Final
from urllib.parse import SplitResult, urlsplit

from chalicelib.errors import NotSent, OutcomeUnknown, Refused

CONNECT_SECONDS: Final = 3.0
READ_SECONDS: Final = 10.0
_THIS_MACHINE: Final = frozenset({"127.0.0.1", "localhost"})
# Said by servers that did not take the call. Any other 5xx is none of them: who failed at his work, or behind a gateway
# that gave up on him, may have shown the reply before.
_LATER: Final = frozenset({429, 503})
_TIMED_OUT: Final = 408
_REFUSAL_BYTES: Final = 4096
_CODE = re.compile(r"[0-9]{1,10}|[a-z][a-z0-9_]{0,40}")


class Providers:
    """Calls over HTTPS. Follows no redirect: the address of the desk's rules is the one that is called."""

    def __init__(self) -> None:
        self._tls = ssl.create_default_context()

    def post(
        self, url: str, headers: Mapping[str, str], body: bytes, method: str = "POST", answer_bytes: int = 0
    ) -> bytes:
        """Returns when the provider has taken the reply (2xx), with so much of his answer. One call, never repeated.

        Raises `NotSent` where he certainly did not and may later, `Refused` where he never will, and `OutcomeUnknown`
        where nothing is known of the answer.
        """
        address = urlsplit(url)
        connection = self._connection(address)
        try:
            _connect(connection, address.hostname or "")
            status, answer = _asked(connection, address, headers, body, method, answer_bytes)
        finally:
            connection.close()
        _judge(status, answer, address.hostname or "")
        return answer[:answer_bytes]

    def _connection(self, address: SplitResult) -> http.client.HTTPConnection:
        host = address.hostname or ""
        try:
            if address.scheme == "https" and host:
                return http.client.HTTPSConnection(host, address.port, timeout=CONNECT_SECONDS, context=self._tls)
            if address.scheme == "http" and host in _THIS_MACHINE:
                return http.client.HTTPConnection(host, address.port, timeout=CONNECT_SECONDS)
        except ValueError as error:  # a port that is no number
            raise Refused("the address for replies is malformed") from error
        raise Refused("replies are posted over https only")


def _connect(connection: http.client.HTTPConnection, host: str) -> None:
    """Opens the connection and agrees on TLS; nothing of the reply has left before this is done."""
    try:
        connection.connect()
    except (OSError, UnicodeError) as error:
        raise NotSent(f"{host}: {type(error).__name__}") from error
    connection.sock.settimeout(READ_SECONDS)


def _asked(
    connection: http.client.HTTPConnection,
    address: SplitResult,
    headers: Mapping[str, str],
    body: bytes,
    method: str,
    answer_bytes: int,
) -> tuple[int, bytes]:
    """Status and, of a refusal or where it is asked for, the answer's beginning."""
    target = (address.path or "/") + (f"?{address.query}" if address.query else "")
    try:
        connection.request(method, target, body, {**headers, "Connection": "close"})
        response = connection.getresponse()
        if response.status >= 400:
            return response.status, _beginning(response)
        return response.status, response.read(answer_bytes) if answer_bytes else b""
    except (http.client.InvalidURL, ValueError) as error:  # found before anything is sent
        raise Refused("the address for replies, or what proves them, is malformed") from error
    except (OSError, http.client.HTTPException) as error:
        raise OutcomeUnknown(f"{address.hostname}: {type(error).__name__}") from error


def _beginning(response: http.client.HTTPResponse) -> bytes:
    """What is said of a refusal, as far as it can be read: the status stands whether or not it can."""
    try:
        return response.read(_REFUSAL_BYTES)
    except (OSError, http.client.HTTPException):
        return b""


def _judge(status: int, answer: bytes, host: str) -> None:
    code = _code(answer) if status >= 400 else ""
    said = f"{host} answered {status}" + (f" ({code})" if code else "")
    if 200 <= status < 300:
        return
    if status in _LATER:
        raise NotSent(said)
    if status == _TIMED_OUT or status >= 500:
        raise OutcomeUnknown(said)
    raise Refused(said)


def _code(answer: bytes) -> str:
    """The code a provider gives for what was wrong, '' for none: his words may hold those of the reply."""
    try:
        said: object = json.loads(answer)
    except (ValueError, RecursionError):
        return ""
    if not isinstance(said, dict):
        return ""
    error = said.get("error")
    found = error.get("code") if isinstance(error, dict) else said.get("error_code") or said.get("code") or error
    known = isinstance(found, int | str) and not isinstance(found, bool)
    return str(found) if known and _CODE.fullmatch(str(found)) else ""
