"""Chat providers: posts one reply to an address of theirs, once."""

import http.client
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


class Providers:
    """Calls over HTTPS. Follows no redirect: the address of the desk's rules is the one that is called."""

    def __init__(self) -> None:
        self._tls = ssl.create_default_context()

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> None:
        """Returns when the provider has taken the reply (2xx). One call, never repeated here.

        Raises `NotSent` where he certainly did not and may later, `Refused` where he never will, and `OutcomeUnknown`
        where nothing is known of the answer.
        """
        address = urlsplit(url)
        connection = self._connection(address)
        try:
            _connect(connection, address.hostname or "")
            status = _asked(connection, address, headers, body)
        finally:
            connection.close()
        _judge(status, address.hostname or "")

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
    connection: http.client.HTTPConnection, address: SplitResult, headers: Mapping[str, str], body: bytes
) -> int:
    target = (address.path or "/") + (f"?{address.query}" if address.query else "")
    try:
        connection.request("POST", target, body, {**headers, "Connection": "close"})
        return connection.getresponse().status
    except http.client.InvalidURL as error:
        raise Refused("the address for replies is malformed") from error
    except (OSError, http.client.HTTPException) as error:
        raise OutcomeUnknown(f"{address.hostname}: {type(error).__name__}") from error


def _judge(status: int, host: str) -> None:
    said = f"{host} answered {status}"
    if 200 <= status < 300:
        return
    if status in _LATER:
        raise NotSent(said)
    if status == _TIMED_OUT or status >= 500:
        raise OutcomeUnknown(said)
    raise Refused(said)
