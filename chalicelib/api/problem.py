"""Errors as RFC 9457 problem details; the only place that knows HTTP statuses of errors."""

from collections.abc import Mapping
from typing import Any, Final

from chalice.app import Response

from chalicelib.errors import (
    Conflict,
    Invalid,
    NotAllowed,
    NotAuthentic,
    PreconditionMissing,
    TriageError,
    Unavailable,
    Unknown,
)

CONTENT_TYPE: Final = "application/problem+json"

_STATUS: Final[Mapping[type[TriageError], tuple[int, str, str]]] = {
    Invalid: (400, "invalid", "The request is malformed"),
    NotAuthentic: (401, "not-authentic", "Signature or token is missing or does not hold"),
    NotAllowed: (403, "not-allowed", "Not allowed"),
    Unknown: (404, "unknown", "Not found"),
    PreconditionMissing: (428, "version-required", "Say which version this change is based on"),
    Unavailable: (503, "unavailable", "Try again in a moment"),
}


def problem_of(error: TriageError, present: Mapping[str, Any] | None = None) -> Response:
    """The answer to an error of ours; `present` is the item as it is now, for conflicts."""
    extra: Mapping[str, Any]
    if isinstance(error, Conflict):
        extra = {"present": present} if present else {}
        headers = {"ETag": f'"{present["version"]}"'} if present else {}
        return problem(409, error.slug, "Somebody moved first", str(error), extra, headers)
    for kind, (status, slug, title) in _STATUS.items():
        if isinstance(error, kind):
            extra = {"field": error.field} if isinstance(error, Invalid) else {}
            headers = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
            headers |= {"Retry-After": "1"} if status == 503 else {}
            return problem(status, slug, title, str(error), extra, headers)
    raise error


def problem(
    status: int,
    slug: str,
    title: str,
    detail: str,
    extra: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Problem details with a stable `type` for programs and a sentence for people."""
    body = {"type": f"urn:sortownia:problem:{slug}", "title": title, "status": status, "detail": detail}
    return Response(
        body={**body, **(extra or {})},
        status_code=status,
        headers={"Content-Type": CONTENT_TYPE, "Cache-Control": "no-store", **(headers or {})},
    )


def as_problem(response: Response) -> Response:
    """Chalice's own errors (no such method, media type, failure of ours) in the shape of all others."""
    body = response.body
    if not (isinstance(body, dict) and body.keys() == {"Code", "Message"}):
        return response
    kept = {name: str(value) for name, value in response.headers.items() if name.lower() != "content-type"}
    return problem(
        response.status_code, str(body["Code"]).lower(), str(body["Code"]), str(body["Message"]), headers=kept
    )
