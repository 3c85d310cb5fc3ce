"""What every route does around its one line: verified caller in, model or problem out."""

import functools
from collections.abc import Callable, Mapping
from typing import Any

from chalice.app import Request, Response
from pydantic import BaseModel, ValidationError

from chalicelib.api import auth
from chalicelib.api.problem import problem_of
from chalicelib.api.schema import ItemOut
from chalicelib.errors import Conflict, Invalid, PreconditionMissing, TriageError
from chalicelib.rights import Caller
from chalicelib.world import World, world

_LONGEST_KEY = 200
_MOST_PER_PAGE = 100


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
        """The exact bytes of the body."""
        raw = self._request.raw_body
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
        """The Idempotency-Key, '' when there is none. Raises `Invalid` when it is too long."""
        key = self.header("idempotency-key") or ""
        if len(key) > _LONGEST_KEY:
            raise Invalid("Idempotency-Key", f"must have at most {_LONGEST_KEY} characters")
        return key

    def query(self, name: str, *allowed: str) -> str | None:
        """A query parameter, one of `allowed` where given. Raises `Invalid`."""
        given: Mapping[str, str] = self._request.query_params or {}
        value = given.get(name)
        if value is not None and allowed and value not in allowed:
            raise Invalid(name, f"must be one of {', '.join(allowed)}")
        return value

    def limit(self) -> int:
        """How many entries a page may have: 1 to 100, 25 when not said. Raises `Invalid`."""
        said = self.query("limit") or "25"
        if not said.isascii() or not said.isdecimal() or not 1 <= int(said[:9]) <= _MOST_PER_PAGE:
            raise Invalid("limit", f"must be a whole number from 1 to {_MOST_PER_PAGE}")
        return int(said)


def answering(blueprint: Any) -> Callable[[Callable[..., Response]], Callable[..., Response]]:
    """Decorator of a route: gives it the request as `Asked`, and turns our errors into problem details."""

    def decorate(route: Callable[..., Response]) -> Callable[..., Response]:
        @functools.wraps(route)
        def answered(**parts: str) -> Response:
            asked = Asked(blueprint.current_request, world())
            try:
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


def _present(error: Conflict, asked: Asked) -> dict[str, Any] | None:
    return ItemOut.of(error.present, asked.caller.id).model_dump(mode="json") if error.present else None
