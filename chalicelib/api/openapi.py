"""This API described in OpenAPI 3.1, made of the routes' own declarations and the shapes they name."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from http import HTTPStatus
from typing import Any, Final

from pydantic import BaseModel, ValidationError
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from chalicelib.api import asked
from chalicelib.api.answers import Plain
from chalicelib.api.operation import Operation
from chalicelib.api.problem import CONTENT_TYPE, FRAMEWORK, KINDS, URN, Kind, Malformed, Moved, Problem, kind_of

Json = dict[str, Any]

_VERSION_HEADER: Final = {
    "name": "If-Match", "in": "header", "required": True, "schema": {"type": "string", "pattern": asked.VERSION},
    "description": "The version the change is based on, as the ETag gave it",
}  # fmt: skip
_KEY_HEADER: Final = {
    "name": "Idempotency-Key", "in": "header", "schema": {"type": "string", "pattern": asked.ANSWER_KEY},
    "description": "One's own name for this attempt: sent again under it, it is answered again and not done again",
}  # fmt: skip
_KNOWN_HEADER: Final = {
    "name": "If-None-Match", "in": "header", "schema": {"type": "string"},
    "description": "The ETag of the answer one has: 304 while it is still this one",
}  # fmt: skip
_ORIGIN_HEADER: Final = {
    "name": "Origin", "in": "header", "required": True, "schema": {"type": "string"},
    "description": "Where the page is from, as every browser says: one of the installation's origins",
}  # fmt: skip
_TIMESTAMP_HEADER: Final = {
    "name": asked.TIMESTAMP_HEADER, "in": "header", "required": True, "schema": {"type": "string"},
    "description": "When it was signed, in Unix seconds",
}  # fmt: skip
_HEADERS: Final = {
    name: {"description": description, "schema": {"type": "string"}, "required": name != "Present"}
    for name, description in (
        ("Version", "The item's version, for If-Match"),
        ("Present", "The version of the item under `present`"),
        ("PageTag", "Names this very answer, for If-None-Match"),
        ("RetryAfter", "Seconds"),
        ("Challenge", "The scheme of proof that is missing"),
    )
}
_SECURITY: Final = {
    "agent": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
    "visitor": {"type": "http", "scheme": "bearer", "description": "The token of a session of the widget"},
    "provider": {"type": "apiKey", "in": "header", "name": asked.SIGNATURE_HEADER},
}


@cache
def document(operations: tuple[Operation, ...]) -> Json:
    """The document: made once, and the same for as long as the process lives."""
    paths: dict[str, Json] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Sortownia", "version": "1", "description": "Mail and chat of customers, for agents."},
        "servers": [{"url": "..", "description": "Where this document was found, without /v1"}],
        "paths": paths,
        "components": {
            "schemas": _schemas(operations),
            "responses": {kind.slug: _problem([kind]) for kind in KINDS},
            "headers": _HEADERS,
            "securitySchemes": _SECURITY,
        },
    }


def _operation(operation: Operation) -> Json:
    described: Json = {
        "operationId": operation.name,
        "summary": operation.summary,
        "security": _security(operation),
        "parameters": _parameters(operation),
        "responses": {str(status): said for status, said in sorted(_responses(operation).items())},
    }
    if operation.body:
        described["requestBody"] = {"required": _is_needed(operation.body), "content": _json(_ref(operation.body))}
    return described


def _security(operation: Operation) -> list[Json]:
    if operation.signed:
        return [{"provider": []}]
    if operation.to_visitors:
        return [{"visitor": []}]
    return [] if operation.to_anybody else [{"agent": []}]


def _parameters(operation: Operation) -> list[Json]:
    name: Json = {"type": "string", "minLength": 1, "maxLength": asked.LONGEST_PART}
    found: list[Json] = [{"name": part, "in": "path", "required": True, "schema": name} for part in operation.parts]
    if "query" in operation.takes:
        found += _query(operation.takes["query"])
    for wanted, header in (
        (operation.versioned, _VERSION_HEADER),
        (operation.keyed, _KEY_HEADER),
        (operation.polled, _KNOWN_HEADER),
        (operation.signed, _TIMESTAMP_HEADER),
        (operation.from_page and operation.method != "GET", _ORIGIN_HEADER),
    ):
        found += [header] if wanted else []
    return found


def _query(shape: type[BaseModel]) -> list[Json]:
    schema = shape.model_json_schema(ref_template="#/components/schemas/{model}")
    return [_query_parameter(name, dict(said)) for name, said in schema["properties"].items()]


def _query_parameter(name: str, said: Json) -> Json:
    """A parameter that is not there is None inside; outside there is no such value."""
    description = said.pop("description", None)
    if "anyOf" in said:
        said = next(variant for variant in said["anyOf"] if variant.get("type") != "null")
    parameter: Json = {
        "name": name,
        "in": "query",
        "schema": {key: value for key, value in said.items() if key != "title"},
    }
    return parameter | ({"description": description} if description else {})


def _responses(operation: Operation) -> dict[int, Json]:
    shown = _shown(operation.status, operation.answers)
    if operation.etagged:
        shown["headers"] = {"ETag": _header("PageTag" if operation.polled else "Version")}
    found = {operation.status: shown} | {also.status: _shown(also.status, also) for also in operation.also}  # type: ignore[attr-defined]
    if operation.nothing:
        found[204] = {"description": operation.nothing.capitalize()}
    if operation.polled:
        found[304] = {"description": "Still the answer one has", "headers": {"ETag": _header("PageTag")}}
    return found | _problems(operation)


def _shown(status: int, answers: type[BaseModel]) -> Json:
    kind = answers.content_type.partition(";")[0] if issubclass(answers, Plain) else "application/json"
    return {"description": HTTPStatus(status).phrase, "content": {kind: {"schema": _ref(answers)}}}


def _problems(operation: Operation) -> dict[int, Json]:
    """A status has one kind of problem in it, but 409: the reasons a change may come too late for are the route's."""
    kinds = {kind_of(error) for error in operation.refusals} | set(FRAMEWORK)
    found: dict[int, Json] = {kind.status: {"$ref": f"#/components/responses/{kind.slug}"} for kind in kinds & KINDS}
    moved = sorted(kinds - KINDS, key=lambda kind: kind.slug)
    return found | ({409: _problem(moved)} if moved else {})


def _problem(kinds: Sequence[Kind]) -> Json:
    status, slugs = kinds[0].status, [URN + kind.slug for kind in kinds]
    schema = {"allOf": [_ref(kinds[0].shape)], "properties": {"type": {"enum": slugs}, "status": {"const": status}}}
    said: Json = {"description": kinds[0].title, "content": {CONTENT_TYPE: {"schema": schema}}}
    headers = {401: {"WWW-Authenticate": _header("Challenge")}, 429: {"Retry-After": _header("RetryAfter")},
               503: {"Retry-After": _header("RetryAfter")},
               409: {"ETag": _header("Present")}}.get(status)  # fmt: skip
    return said | ({"headers": headers} if headers else {})


def _schemas(operations: Iterable[Operation]) -> Mapping[str, Any]:
    """Bodies as they are taken, answers as they are given."""
    wanted: dict[tuple[type[BaseModel], JsonSchemaMode], None] = {}
    for operation in operations:
        wanted |= {(answers, "serialization"): None for answers in (operation.answers, *operation.also)}
        if operation.body:
            wanted[operation.body, "validation"] = None
    problems: list[tuple[type[BaseModel], JsonSchemaMode]] = [(m, "validation") for m in (Problem, Malformed, Moved)]
    _, schema = models_json_schema([*wanted, *problems], ref_template="#/components/schemas/{model}")
    found: Mapping[str, Any] = schema["$defs"]
    return found


def _is_needed(shape: type[BaseModel]) -> bool:
    """Whether a body cannot be left out: an empty one would be refused."""
    try:
        shape.model_validate({})
    except ValidationError:
        return True
    return False


def _ref(shape: type[BaseModel]) -> Json:
    return {"$ref": f"#/components/schemas/{shape.__name__}"}


def _header(name: str) -> Json:
    return {"$ref": f"#/components/headers/{name}"}


def _json(schema: Json) -> Json:
    return {"application/json": {"schema": schema}}
