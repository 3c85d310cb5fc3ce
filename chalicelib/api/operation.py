"""One declaration per route. What a route's function takes and gives says what is checked, and what is documented."""

import hashlib
import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from types import UnionType
from typing import Any, Final, get_args, get_type_hints

from chalice.app import Blueprint, Response
from pydantic import BaseModel

from chalicelib.api.answers import ItemOut, Plain, Script, Versioned
from chalicelib.api.asked import Asked, check_names
from chalicelib.api.problem import problem_of
from chalicelib.errors import (
    Invalid,
    LostRace,
    NotAllowed,
    NotAuthentic,
    PerhapsDone,
    PreconditionMissing,
    StaleItem,
    TriageError,
    Unavailable,
    Unknown,
    WrongState,
)
from chalicelib.world import world

_ASKED_FOR: Final = {"body", "query", "version", "answer_key", "signed", "page"}
#: A script is asked for by every page of a shop, and is the same for weeks.
_KEPT_A_DAY: Final[dict[str, str | list[str]]] = {
    "Content-Type": Script.content_type, "Cache-Control": "public, max-age=86400",
    "Cross-Origin-Resource-Policy": "cross-origin",
}  # fmt: skip
_KEPT_BY_NOBODY: Final[dict[str, str | list[str]]] = {"Cache-Control": "no-store"}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Operation:
    """One route: what it takes, what it answers, and what it may refuse with.

    Its function takes the request, the parts of the path by their names, and of these what it needs: `body` and
    `query` (in the shape of their annotation), `version` (If-Match), `answer_key` (Idempotency-Key), `signed` (a body
    and its proof), `page` (where a browser asks from). It returns the answer's model; None, where it may, is 204.
    """

    name: str
    method: str
    path: str
    function: Callable[..., Any]
    takes: Mapping[str, Any]  # parameter -> its annotation
    answers: type[BaseModel]
    also: tuple[type[BaseModel], ...]  # other answers, each with a `status` of its own
    status: int
    nothing: str  # what 204 means, '' where it cannot happen
    polled: bool
    to_anybody: bool
    to_visitors: bool
    refusals: frozenset[type[TriageError]]

    @property
    def parts(self) -> tuple[str, ...]:
        """Names in the path."""
        return parts_of(self.path)

    @property
    def summary(self) -> str:
        """What it does, in a sentence."""
        return inspect.getdoc(self.function) or ""

    @property
    def versioned(self) -> bool:
        """Whether a request has to name the version it is based on."""
        return "version" in self.takes

    @property
    def keyed(self) -> bool:
        """Whether a request sent twice under one Idempotency-Key gets one answer."""
        return "answer_key" in self.takes

    @property
    def signed(self) -> bool:
        """Whether a request is proved by a signature instead of a token."""
        return "signed" in self.takes

    @property
    def from_page(self) -> bool:
        """Whether it is pages with our widget that ask."""
        return self.to_visitors or "page" in self.takes

    @property
    def body(self) -> type[BaseModel] | None:
        """The shape of its body: its function's, or what is said beside `signed`, which the flow looks at itself."""
        shape: type[BaseModel] | None = self.takes.get("body")
        return get_args(self.takes["signed"])[1] if self.signed else shape

    @property
    def etagged(self) -> bool:
        """Whether its answer has an ETag."""
        return self.polled or issubclass(self.answers, Versioned)

    def answer(self, asked: Asked, parts: Mapping[str, str]) -> Response:
        """The answer to one request, whatever is wrong with it.

        The caller is proved before anything else is looked at, unless it answers `to_anybody`; of what answers
        `to_visitors` it is the visitor of our widget.
        """
        try:
            if self.to_visitors:
                check_names(parts.values())
                asked.visit(parts["installation"])
            elif not self.to_anybody:
                asked.prove_caller()
            check_names(parts.values())
            return self._shown(self.function(asked, **parts, **self._given(asked)), asked)
        except TriageError as error:
            present = getattr(error, "present", None)
            return problem_of(error, ItemOut.of(present, asked.caller.id) if present else None)

    def _given(self, asked: Asked) -> dict[str, Any]:
        """What of the request the function takes; headers are looked at before query and body."""
        plain = ("version", "answer_key", "signed", "page")
        given = {name: getattr(asked, name) for name in plain if name in self.takes}
        shaped = {name: getattr(asked, name)(self.takes[name]) for name in ("query", "body") if name in self.takes}
        return given | shaped

    def _shown(self, result: BaseModel | None, asked: Asked) -> Response:
        if result is None:
            return Response("", status_code=204, headers={**_KEPT_BY_NOBODY})
        body, kind = result.model_dump_json(), "application/json"
        if isinstance(result, Plain):
            body, kind = result.root, result.content_type
        kept = _KEPT_A_DAY if isinstance(result, Script) else _KEPT_BY_NOBODY
        headers = kept | {"Content-Type": kind}
        usual = isinstance(result, Plain | self.answers)
        status = self.status if usual else type(result).status  # type: ignore[attr-defined]
        if isinstance(result, Versioned):
            headers["ETag"] = result.etag
        if self.polled:
            headers["ETag"] = etag = f'W/"{hashlib.sha256(body.encode()).hexdigest()[:32]}"'
            if asked.knows(etag):
                return Response("", status_code=304, headers=kept | {"ETag": etag})
        return Response(body, status_code=status, headers=headers)


class Routes(Blueprint):
    """Routes of one kind. `operations` are in the order they were written down."""

    def __init__(self, import_name: str) -> None:
        super().__init__(import_name)
        self.operations: list[Operation] = []

    def operation[**P, A: BaseModel | None](
        self,
        method: str,
        path: str,
        *,
        refuses: tuple[type[TriageError], ...] = (),
        status: int = 200,
        nothing: str = "",
        polled: bool = False,
        to_anybody: bool = False,
        to_visitors: bool = False,
    ) -> Callable[[Callable[P, A]], Callable[P, A]]:
        """Declares a route. Only what its function's parameters and return type do not say stands here.

        `refuses`: errors its flow raises of itself; `nothing`: what it means that there is nothing to answer (204);
        `polled`: who has the answer already (If-None-Match) gets 304.
        """

        def decorate(function: Callable[P, A]) -> Callable[P, A]:
            takes, (answers, *also), may_be_nothing = _signature(function, path)
            if may_be_nothing != bool(nothing):
                raise TypeError(f"{function.__name__}: say what None means, or return none")
            declared = Operation(
                name=function.__name__, method=method, path=path, function=function, takes=takes, answers=answers,
                also=tuple(also), status=status, nothing=nothing, polled=polled, to_anybody=to_anybody,
                to_visitors=to_visitors,
                refusals=frozenset(refuses) | _implied(
                    method, takes, path, to_anybody=to_anybody, to_visitors=to_visitors
                ),
            )  # fmt: skip
            self.operations.append(declared)

            @wraps(function)
            def answered(**parts: str) -> Response:
                return declared.answer(Asked(self.current_request, world()), parts)

            self.route(path, methods=[method], name=declared.name)(answered)
            return function

        return decorate


def parts_of(path: str) -> tuple[str, ...]:
    """The names in a path's curly brackets."""
    return tuple(re.findall(r"{(\w+)}", path))


def _signature(function: Callable[..., Any], path: str) -> tuple[Mapping[str, Any], list[type[BaseModel]], bool]:
    """What a function takes of a request, what it gives (most often first), and whether that may be nothing."""
    hints = get_type_hints(function, include_extras=True)
    returned = hints.pop("return")
    hints.pop(next(iter(inspect.signature(function).parameters)))  # the request itself
    named = set(hints) - _ASKED_FOR
    if named != set(parts_of(path)):
        raise TypeError(f"{function.__name__} takes {sorted(named)}, but its path is {path}")
    variants = get_args(returned) if isinstance(returned, UnionType) else (returned,)
    models = [variant for variant in variants if variant is not type(None)]
    return {name: hints[name] for name in hints if name in _ASKED_FOR}, models, len(models) < len(variants)


def _implied(
    method: str, takes: Mapping[str, Any], path: str, *, to_anybody: bool, to_visitors: bool
) -> frozenset[type[TriageError]]:
    """What a request is refused with before its flow has a look, and by every change of an item."""
    found: set[type[TriageError]] = {Unavailable}
    if not to_anybody:
        found.add(NotAuthentic)
        if method != "GET" and not to_visitors:
            found.add(PerhapsDone)
    if to_visitors:
        found.add(NotAllowed)
    if parts_of(path):
        found.add(Unknown)
    if takes:
        found.add(Invalid)
    if "version" in takes:
        found |= {PreconditionMissing, StaleItem, WrongState, LostRace}
    return frozenset(found)
