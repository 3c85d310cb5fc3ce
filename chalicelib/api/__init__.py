"""HTTP: Blueprints and the shapes of requests and answers."""

from collections.abc import Callable

from chalice.app import Chalice, Request, Response

from chalicelib.api import desk, hooks, items
from chalicelib.api.problem import as_problem


def register(app: Chalice) -> None:
    """Adds every route, and gives Chalice's own errors the shape of ours."""
    app.api.binary_types = []  # every body is text: raw bytes reach a webhook's signature check unchanged
    for blueprint in (items.routes, desk.routes, hooks.routes):
        app.register_blueprint(blueprint)
    app.register_middleware(_problems, "http")


def _problems(request: Request, get_response: Callable[[Request], Response]) -> Response:
    return as_problem(get_response(request))
