"""What every answer gets, whoever made it: the shape of our problems, headers for browsers, one line in the log."""

import json
import logging
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from chalice.app import Chalice, Request, Response

from chalicelib.api.problem import as_problem
from chalicelib.flows import widget
from chalicelib.world import world

log = logging.getLogger("sortownia")

_MAY_SEND: Final = "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match"
_MAY_READ: Final = "ETag, Retry-After"
_OF_WIDGET: Final = "/v1/widget/"
#: The widget's own text holds nothing of anybody; pages that pin its hash (SRI) ask for it as for any other file.
_OPEN_TO_ALL: Final = "/v1/widget.js"
#: Seconds a browser may remember what a page of another origin may do; none keeps it longer than two hours.
_REMEMBERED: Final = "7200"


def around(request: Request, get_response: Callable[[Request], Response]) -> Response:
    """The answer to a request, complete; and its line in the log."""
    started = time.perf_counter()
    response = as_problem(get_response(request))
    response.headers |= {"X-Content-Type-Options": "nosniff", **_for_browsers(request)}
    _log_done(request, response.status_code, 1000 * (time.perf_counter() - started))
    return response


def answer_preflights(app: Chalice, methods: Mapping[str, Iterable[str]]) -> None:
    """Adds the OPTIONS method to paths: what a browser asks before a page of another origin may call.

    Chalice's own `cors=` writes one origin into the template; a desk may have several.
    """
    for number, (path, allowed) in enumerate(methods.items()):
        app.route(path, methods=["OPTIONS"], content_types=[], name=f"preflight_{number}")(_preflight(allowed))


def _preflight(methods: Iterable[str]) -> Callable[..., Response]:
    headers = {
        "Access-Control-Allow-Methods": ", ".join(methods), "Access-Control-Allow-Headers": _MAY_SEND,
        "Access-Control-Max-Age": _REMEMBERED, "Cache-Control": "no-store",
    }  # fmt: skip

    def preflight(**_parts: str) -> Response:
        """What a page of another origin may do here, if its origin is one of the desk's."""
        return Response("", status_code=204, headers=dict(headers))

    return preflight


def _for_browsers(request: Request) -> dict[str, str]:
    """Fetch standard, CORS protocol: an origin of the desk is named back, any other finds nothing it could use."""
    if request.path == _OPEN_TO_ALL:
        return {"Access-Control-Allow-Origin": "*"}
    origin, allowed = request.headers.get("origin"), _origins(request)
    if not allowed:
        return {}
    if origin not in allowed:
        return {"Vary": "Origin"}
    return {"Vary": "Origin", "Access-Control-Allow-Origin": origin, "Access-Control-Expose-Headers": _MAY_READ}


def _origins(request: Request) -> tuple[str, ...]:
    """Pages that may call a route: the console's, or for the widget's routes those it stands on."""
    the_world = world()
    if request.path.startswith(_OF_WIDGET):
        installation = (request.uri_params or {}).get("installation", "")
        return widget.origins(installation, the_world.policy, the_world.settings)
    return the_world.policy.access.origins


def _log_done(request: Request, status: int, milliseconds: float) -> None:
    """Route, outcome and ids, never a query or a body: what customers wrote, or are called, is not for the log.

    Parts of a path only where they turned out to be names of ours: in a mistaken address may stand anything.
    """
    caller = request.context.get("authorizer", {}).get("principalId")
    parts = (request.uri_params or {}) if status < 400 or status == 409 else {}
    done = {"door": "http", "method": request.method, "route": request.path, **parts, "status": status,
            "caller": caller, "ms": round(milliseconds, 1)}  # fmt: skip
    log.info(json.dumps(done))
