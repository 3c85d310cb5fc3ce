"""A declaration that contradicts its function is refused when the service starts, not when somebody calls."""

from collections.abc import Callable
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from chalicelib.api import OPERATIONS
from chalicelib.api.asked import Asked, Version
from chalicelib.api.operation import Routes
from chalicelib.api.requests import Tags
from chalicelib.policy import URGENCIES


class _Out(BaseModel):
    """An answer."""


def _gives(_asked: Asked, item_id: str) -> _Out:
    """Gives."""
    return _Out(id=item_id)


def _may_give(_asked: Asked, item_id: str) -> _Out | None:
    """May give."""
    return None if item_id else _Out()


def _changes(_asked: Asked, item_id: str, version: Version) -> _Out:
    """Changes."""
    return _Out(id=item_id, version=version)


@pytest.mark.parametrize(
    ("function", "path", "nothing"),
    [
        (_gives, "/v1/items", ""),  # takes a part its path does not have
        (_gives, "/v1/items/{item_id}/{part}", ""),  # has a part it does not take
        (_gives, "/v1/items/{id}", ""),  # calls it otherwise
        (_gives, "/v1/items/{item_id}", "nothing waits"),  # says what None means, and gives none
        (_may_give, "/v1/items/{item_id}", ""),  # may give None, and does not say what it means
    ],
)
def test_contradiction_is_refused(function: Callable[..., Any], path: str, nothing: str) -> None:
    with pytest.raises(TypeError, match=function.__name__):
        Routes(__name__).operation("GET", path, nothing=nothing)(function)


def test_what_a_function_takes_says_what_its_route_wants() -> None:
    routes = Routes(__name__)
    routes.operation("GET", "/v1/items/{item_id}", nothing="there is none")(_may_give)
    routes.operation("POST", "/v1/items/{item_id}")(_changes)
    reading, writing = routes.operations
    assert (reading.name, reading.summary, reading.parts) == ("_may_give", "May give.", ("item_id",))
    assert (reading.versioned, writing.versioned, writing.keyed) == (False, True, False)
    assert {error.__name__ for error in reading.refusals} == {"NotAuthentic", "Unknown", "Unavailable"}
    assert {error.__name__ for error in writing.refusals - reading.refusals} == {
        "Invalid", "PreconditionMissing", "StaleItem", "WrongState", "LostRace", "PerhapsDone",
    }  # fmt: skip


def test_every_operation_has_a_name_of_its_own_and_says_what_it_does() -> None:
    names = [operation.name for operation in OPERATIONS]
    assert len(names) == len(set(names))
    assert all(operation.summary.endswith(".") for operation in OPERATIONS)


def test_urgencies_of_a_request_are_those_of_the_desk() -> None:
    literal, _none = get_args(Tags.model_fields["urgency"].annotation)
    assert get_args(literal) == URGENCIES
