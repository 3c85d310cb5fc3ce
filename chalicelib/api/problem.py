"""Errors as RFC 9457 problem details; the only place that knows HTTP statuses of errors."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from chalice.app import Response
from pydantic import BaseModel

from chalicelib.api.answers import ItemOut
from chalicelib.errors import (
    Conflict,
    Invalid,
    NotAllowed,
    NotAuthentic,
    PerhapsDone,
    PreconditionMissing,
    TooMany,
    TriageError,
    Unavailable,
    Unknown,
)

CONTENT_TYPE: Final = "application/problem+json"
URN: Final = "urn:sortownia:problem:"


class Problem(BaseModel):
    """What went wrong (RFC 9457): `type` for programs, `detail` for people."""

    type: str
    title: str
    status: int
    detail: str


class Malformed(Problem):
    """A request that cannot be right; `field` names the part of body, query or header."""

    field: str


class Moved(Problem):
    """A change that came too late or does not fit; `present` is the item as it is now, where it is about one."""

    present: ItemOut | None = None


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of problem: its status, the last part of its type, its title, and its shape."""

    status: int
    slug: str
    title: str
    shape: type[Problem] = Problem


_KINDS: Final[Mapping[type[TriageError], Kind]] = {
    Invalid: Kind(400, "invalid", "The request is malformed", Malformed),
    NotAuthentic: Kind(401, "not-authentic", "Signature or token is missing or does not hold"),
    NotAllowed: Kind(403, "not-allowed", "Not allowed"),
    Unknown: Kind(404, "unknown", "Not found"),
    PreconditionMissing: Kind(428, "version-required", "Say which version this change is based on"),
    TooMany: Kind(429, "too-many", "Too many messages"),
    PerhapsDone: Kind(504, "perhaps-done", "It may be done: look before you ask again"),
    Unavailable: Kind(503, "unavailable", "Try again in a moment"),
}
#: Seconds: AWS is back in a moment, and counts are of minutes.
RETRY_AFTER: Final[Mapping[int, str]] = {429: "60", 503: "1"}
#: Chalice's own, in every route: a body that is no JSON, and a mistake of ours.
FRAMEWORK: Final = (
    Kind(415, "unsupportedmediatype", "UnsupportedMediaType"),
    Kind(500, "internalservererror", "InternalServerError"),
)
#: Every kind but the conflicts.
KINDS: Final = frozenset(_KINDS.values()) | set(FRAMEWORK)


def kind_of(error: type[TriageError]) -> Kind:
    """The kind of problem an error becomes. Raises `LookupError` for one that no caller may see."""
    if issubclass(error, Conflict):
        return Kind(409, error.slug, "Somebody moved first", Moved)
    kind = next((kind for known, kind in _KINDS.items() if issubclass(error, known)), None)
    if kind is None:
        raise LookupError(f"{error.__name__} is not for callers")
    return kind


def problem_of(error: TriageError, present: ItemOut | None = None) -> Response:
    """The answer to an error of ours; `present` is the item as it is now, for conflicts."""
    kind = kind_of(type(error))
    extra: dict[str, Any] = {}
    headers = {"WWW-Authenticate": "Bearer"} if kind.status == 401 else {}
    headers |= {"Retry-After": RETRY_AFTER[kind.status]} if kind.status in RETRY_AFTER else {}
    if isinstance(error, Invalid):
        extra = {"field": error.field}
    if present:
        extra, headers = {"present": present.model_dump(mode="json")}, {"ETag": present.etag}
    return _problem(kind, str(error), extra, headers)


def as_problem(response: Response) -> Response:
    """Chalice's own errors (no such method, media type, failure of ours) in the shape of all others."""
    body = response.body
    if not (isinstance(body, dict) and body.keys() == {"Code", "Message"}):
        return response
    kept = {name: str(value) for name, value in response.headers.items() if name.lower() != "content-type"}
    title = str(body["Code"])
    return _problem(Kind(response.status_code, title.lower(), title), str(body["Message"]), {}, kept)


def _problem(kind: Kind, detail: str, extra: Mapping[str, Any], headers: Mapping[str, str]) -> Response:
    body = {"type": URN + kind.slug, "title": kind.title, "status": kind.status, "detail": detail}
    return Response(
        body={**body, **extra},
        status_code=kind.status,
        headers={"Content-Type": CONTENT_TYPE, "Cache-Control": "no-store", **headers},
    )
