"""TCP ports of this machine."""

import errno
import http.client
import socket
from typing import Final

from sortownia.local.error import LocalError

HOST: Final = "127.0.0.1"


def settle(port: int, what: str, way_out: str) -> int:
    """The port to listen on: `port` itself, or a free one for 0.

    Raises `LocalError` when it is taken, naming port, purpose and `way_out`, the option that chooses another.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise LocalError(_reason(error, port, what, way_out)) from error
        number: int = probe.getsockname()[1]
        return number


def _reason(error: OSError, port: int, what: str, way_out: str) -> str:
    taken = error.errno == errno.EADDRINUSE
    reason = "is in use by another program" if taken else f"cannot be opened ({error.strerror})"
    return f"Port {port} for {what} {reason}; choose another with {way_out}."


def answers(port: int, path: str) -> bool:
    """Whether an HTTP server of this machine answers `path` with 200."""
    connection = http.client.HTTPConnection(HOST, port, timeout=2)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
