"""Requests to the local HTTP address."""

import http.client
import json
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from sortownia.local.error import LocalError


class Reply(NamedTuple):
    """Status and decoded body of an answer; the body is None where it was empty or no JSON."""

    status: int
    body: Any


def send(method: str, url: str, *, headers: Mapping[str, str] | None = None, body: bytes | None = None) -> Reply:
    """One request. Raises `LocalError` when nobody answers."""
    address = urlsplit(url)
    target = address.path + (f"?{address.query}" if address.query else "")
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=60)
    try:
        connection.request(method, target, body, dict(headers or {}))
        response = connection.getresponse()
        return Reply(response.status, _decoded(response.read()))
    except (OSError, http.client.HTTPException) as error:
        raise LocalError(f"{method} {url} got no answer: {error}.") from error
    finally:
        connection.close()


def _decoded(raw: bytes) -> Any:
    try:
        return json.loads(raw) if raw else None
    except ValueError:
        return None


def explain(reply: Reply) -> str:
    """The answer in one line, for a person."""
    if isinstance(reply.body, dict):
        for key in ("detail", "title", "Message", "message"):
            if reply.body.get(key):
                return f"{reply.status}: {reply.body[key]}"
    return str(reply.status)
