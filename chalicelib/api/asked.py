"""One request: its caller and its parts, each checked when it is asked for."""

import functools
import re
from collections.abc import Callable, Iterable
from typing import Final, NewType

from chalice.app import MultiDict, Request
from pydantic import BaseModel, ValidationError

from chalicelib.api import auth
from chalicelib.errors import Invalid, NotAllowed, PreconditionMissing, Unknown
from chalicelib.flows import widget
from chalicelib.flows.widget import Page
from chalicelib.intake.chat import generic
from chalicelib.intake.chat.received import Received
from chalicelib.intake.chat.widget import Visit
from chalicelib.rights import Caller
from chalicelib.world import World

#: The item's version a change is based on, from If-Match.
Version = NewType("Version", int)
#: The Idempotency-Key of a request, '' when it has none.
AnswerKey = NewType("AnswerKey", str)

#: Visible ASCII but for `#`, which parts the keys of the table.
ANSWER_KEY: Final = r'^[!"$-~]{1,200}$'
VERSION: Final = r'^(W/)?("[0-9]{1,15}"|[0-9]{1,15})$'
LONGEST_PART: Final = 200
TIMESTAMP_HEADER: Final = generic.TIMESTAMP_HEADER
SIGNATURE_HEADER: Final = generic.SIGNATURE_HEADER


class Asked:
    """One request. What it lacks or has wrong is found out when it is looked at."""

    def __init__(self, request: Request, the_world: World) -> None:
        self._request, self.world = request, the_world
        self._visit: Visit | None = None

    @functools.cached_property
    def caller(self) -> Caller:
        """Who asks. Raises `NotAuthentic`."""
        return auth.caller(self.header("authorization"), self.world.settings, self.world.policy)

    def prove_caller(self) -> None:
        """Notes who asks, where API Gateway's own authorizers would have put it. Raises `NotAuthentic`."""
        self._request.context["authorizer"] = {"principalId": self.caller.id}

    def visit(self, installation: str) -> Visit:
        """The visit that the token of a page with our widget opens. Raises `Unknown`, `NotAllowed`, `NotAuthentic`."""
        if self._visit is None:
            if self.page.origin is None and self._request.method != "GET":
                raise NotAllowed("a page that writes names its origin")
            self._visit = widget.visit(installation, self.page, self.world)
        return self._visit

    def header(self, name: str) -> str | None:
        """A header's value, whatever its case."""
        value = self._request.headers.get(name)
        return str(value) if value is not None else None

    @property
    def raw_body(self) -> bytes:
        """The exact bytes of the body. Raises `Invalid` when the event holds no bytes."""
        try:
            raw = self._request.raw_body
        except ValueError as error:
            raise Invalid("body", "cannot be decoded") from error
        return raw if isinstance(raw, bytes) else raw.encode()

    def body[M: BaseModel](self, shape: type[M]) -> M:
        """The body in its shape; none at all is an empty one. Raises `Invalid` naming the field."""
        raw = self.raw_body or b"{}"
        return _checked(lambda: shape.model_validate_json(raw), "body")

    def query[M: BaseModel](self, shape: type[M]) -> M:
        """The query's parameters in their shape. Raises `Invalid` naming the parameter.

        One that is said twice is refused: the last of two queues would look like all that waits in both.
        """
        given = self._request.query_params or MultiDict({})
        if twice := next((name for name in given if len(given.getlist(name)) > 1), None):
            raise Invalid(twice, "is said more than once")
        return _checked(lambda: shape.model_validate(dict(given)), "query")

    @property
    def version(self) -> Version:
        """The version named by If-Match. Raises `PreconditionMissing` or `Invalid`."""
        named = self.header("if-match")
        if named is None:
            raise PreconditionMissing('send If-Match with the version the change is based on, such as "3"')
        if not re.fullmatch(VERSION, named.strip()):
            raise Invalid("If-Match", 'must be a version, such as "3"')
        return Version(int(named.strip().removeprefix("W/").strip('"')))

    @property
    def answer_key(self) -> AnswerKey:
        """The Idempotency-Key, '' when there is none. Raises `Invalid` for one that promises nothing."""
        key = self.header("idempotency-key")
        if key is not None and not re.fullmatch(ANSWER_KEY, key):
            raise Invalid("Idempotency-Key", "must be 1 to 200 visible ASCII characters other than #")
        return AnswerKey(key or "")

    @property
    def page(self) -> Page:
        """The page a browser asks from, of which nothing is checked yet."""
        scheme, _, token = (self.header("authorization") or "").partition(" ")
        return Page(self.header("origin"), token.strip() if scheme.lower() == "bearer" else "")

    @property
    def signed(self) -> Received:
        """The body with its proof, of which nothing is checked yet."""
        headers = {str(name).lower(): str(value) for name, value in self._request.headers.items()}
        return Received(self.raw_body, headers, dict(self._request.query_params or {}))

    def knows(self, etag: str) -> bool:
        """Whether the asker has this very answer already (If-None-Match)."""
        known = (self.header("if-none-match") or "").split(",")
        return any(tag.strip().removeprefix("W/") == etag.removeprefix("W/") for tag in known)


def check_names(parts: Iterable[str]) -> None:
    """Nothing of ours has a name that is empty, has control characters or would not fit into a key."""
    if not all(part.isprintable() and 1 <= len(part) <= LONGEST_PART for part in parts):
        raise Unknown("nothing has such a name")


def _checked[M](read: Callable[[], M], whole: str) -> M:
    try:
        return read()
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or whole
        raise Invalid(field, first["msg"]) from error
