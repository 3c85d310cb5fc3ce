"""Chat providers: posts one reply to an address of theirs, once."""

import http.client
import json
import re
import ssl
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final
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
_CODE = re.compile(r"[0-9]{1,10}|[a-z][a-z0-9_]{0,40}|(?:[A-Z][a-z]{1,20}){2,5}")
#: Gateways before providers (Cloudflare's, for one) turn away who does not name himself.
_USER_AGENT: Final = "Sortownia"


class Providers:
    """Calls over HTTPS. Follows no redirect: the address of the desk's rules is the one that is called."""

    def __init__(self) -> None:
        self._tls = ssl.create_default_context()

    def post(
        self,
        url: str,
        headers: Mapping[str, str],
        body: bytes,
        method: str = "POST",
        answer_bytes: int = 0,
        later: Collection[str] = (),
    ) -> bytes:
        """Returns when the provider has taken the reply (2xx), with so much of his answer. One call, never repeated.

        Raises `NotSent` where he certainly did not and may later, as a code in `later` says of a refusal, `Refused`
        where he never will, and `OutcomeUnknown` where nothing is known of the answer.
        """
        address = urlsplit(url)
        connection = self._connection(address)
        try:
            _connect(connection, address.hostname or "")
            status, answer = _asked(connection, address, headers, body, method, answer_bytes)
        finally:
            connection.close()
        _judge(status, answer, address.hostname or "", later)
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
        connection.request(method, target, body, {"User-Agent": _USER_AGENT, **headers, "Connection": "close"})
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


def _judge(status: int, answer: bytes, host: str, later: Collection[str]) -> None:
    code = _code(answer) if status >= 400 else ""
    said = f"{host} answered {status}" + (f" ({code})" if code else "")
    if 200 <= status < 300:
        return
    if status in _LATER or (status < 500 and code in later):
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
    found = (str(one) for one in _codes(said) if isinstance(one, int | str) and not isinstance(one, bool))
    return next(filter(_CODE.fullmatch, found), "")


def _codes(said: object) -> Iterator[object]:
    """What stands where providers put their codes, the most telling first."""
    whole: dict[str, Any] = said if isinstance(said, dict) else {}
    listed = whole.get("errors")
    first = listed[0] if isinstance(listed, list) and listed else None
    for error in (whole.get("error"), first):
        if isinstance(error, dict):
            yield from (error.get("code"), error.get("type"))
    yield from (whole.get("error_code"), whole.get("code"), whole.get("error"), whole.get("reason"))
