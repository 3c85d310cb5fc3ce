"""What every route does around its one line: verified caller in, model or problem out."""

import functools
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from chalice.app import Request, Response
from pydantic import BaseModel, ValidationError

from chalicelib.api import auth
from chalicelib.api.problem import problem_of
from chalicelib.api.schema import ItemOut
from chalicelib.errors import Conflict, Invalid, PreconditionMissing, TriageError, Unknown
from chalicelib.rights import Caller
from chalicelib.world import World, world

#: Visible ASCII but for `#`, which parts the keys of the table.
_KEY: Final = re.compile(r'[!"$-~]{1,200}')
_LIMIT: Final = re.compile(r"[1-9][0-9]?|100")
_LONGEST_PART: Final = 200
#: A name asked for becomes part of a key, and DynamoDB's keys may have 2,048 bytes, in an index 1,024.
_LONGEST_VALUE_BYTES: Final = 1000


class Asked:
    """One request: its caller, and its parts checked as they are asked for."""

    def __init__(self, request: Request, the_world: World) -> None:
        self._request, self.world = request, the_world

    @functools.cached_property
    def caller(self) -> Caller:
        """Who asks. Raises `NotAuthentic`."""
        return auth.caller(self.header("authorization"), self.world.settings, self.world.policy)

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
        """The body in its shape. Raises `Invalid` naming the field."""
        try:
            return shape.model_validate_json(self.raw_body or b"{}")
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            field = ".".join(str(part) for part in first["loc"]) or "body"
            raise Invalid(field, first["msg"]) from error

    def version(self) -> int:
        """The version named by If-Match. Raises `PreconditionMissing` or `Invalid`."""
        named = self.header("if-match")
        if named is None:
            raise PreconditionMissing('send If-Match with the version the change is based on, such as "3"')
        digits = named.strip().removeprefix("W/").strip('"')
        if not digits.isascii() or not digits.isdecimal() or len(digits) > 15:
            raise Invalid("If-Match", 'must be a version, such as "3"')
        return int(digits)

    def answer_key(self) -> str:
        """The Idempotency-Key, '' when there is none. Raises `Invalid` for one that promises nothing."""
        key = self.header("idempotency-key")
        if key is not None and not _KEY.fullmatch(key):
            raise Invalid("Idempotency-Key", "must be 1 to 200 visible ASCII characters other than #")
        return key or ""

    def query(self, name: str, *allowed: str) -> str | None:
        """A query parameter of printable characters, one of `allowed` where given. Raises `Invalid`."""
        given: Mapping[str, str] = self._request.query_params or {}
        value = given.get(name)
        if value is not None and allowed and value not in allowed:
            raise Invalid(name, f"must be one of {', '.join(allowed)}")
        if value is not None and not (value.isprintable() and 1 <= len(value.encode()) <= _LONGEST_VALUE_BYTES):
            raise Invalid(name, f"must be 1 to {_LONGEST_VALUE_BYTES} bytes of printable characters")
        return value

    def limit(self) -> int:
        """How many entries a page may have: 1 to 100, 25 when not said. Raises `Invalid`."""
        said = self.query("limit")
        if said is not None and not _LIMIT.fullmatch(said):
            raise Invalid("limit", "must be a whole number from 1 to 100")
        return int(said or 25)


def answering(
    blueprint: Any, *, to_anybody: bool = False
) -> Callable[[Callable[..., Response]], Callable[..., Response]]:
    """Decorator of a route: gives it the request as `Asked`, and turns our errors into problem details.

    The caller is proved before the route looks at anything else, unless it answers `to_anybody`.
    """

    def decorate(route: Callable[..., Response]) -> Callable[..., Response]:
        @functools.wraps(route)
        def answered(**parts: str) -> Response:
            asked = Asked(blueprint.current_request, world())
            try:
                if not to_anybody:
                    _ = asked.caller
                _check_names(parts.values())
                return route(asked, **parts)
            except Conflict as error:
                return problem_of(error, _present(error, asked))
            except TriageError as error:
                return problem_of(error)

        return answered

    return decorate


def answer(model: BaseModel, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A model as JSON, never cached by anyone between."""
    return Response(
        body=model.model_dump_json(),
        status_code=status,
        headers={"Content-Type": "application/json", "Cache-Control": "no-store", **(headers or {})},
    )


def _check_names(parts: Iterable[str]) -> None:
    """Nothing of ours has a name that is empty, has control characters or would not fit into a key."""
    if not all(part.isprintable() and 1 <= len(part) <= _LONGEST_PART for part in parts):
        raise Unknown("nothing has such a name")


def _present(error: Conflict, asked: Asked) -> dict[str, Any] | None:
    return ItemOut.of(error.present, asked.caller.id).model_dump(mode="json") if error.present else None
