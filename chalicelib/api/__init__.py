"""HTTP: routes, the shapes of requests and answers, and the document that describes them."""

from collections import defaultdict
from typing import Final

from chalice.app import Chalice

from chalicelib.api import agents, desk, edge, hooks, items, widget
from chalicelib.api.operation import Operation

_ROUTES: Final = (items.routes, agents.routes, desk.routes, hooks.routes, widget.routes)
#: Every route there is, in the order of the pages that describe them.
OPERATIONS: Final[tuple[Operation, ...]] = tuple(operation for routes in _ROUTES for operation in routes.operations)


def register(app: Chalice) -> None:
    """Adds every route, and what all answers have in common."""
    app.api.binary_types = []  # every body is text: raw bytes reach a webhook's signature check unchanged
    methods = defaultdict(list)
    for operation in OPERATIONS:
        methods[operation.path].append(operation.method)
    for routes in _ROUTES:
        app.register_blueprint(routes)
    edge.answer_preflights(app, methods)
    app.register_middleware(edge.around, "http")
