"""Routes of our own widget: a visitor is proved by the token his session gave him, and by the origin of his page."""

from functools import cache
from pathlib import Path

from chalicelib.api.answers import RepliesOut, Script, SessionOut, ShownOut, WrittenOut
from chalicelib.api.asked import Asked
from chalicelib.api.operation import Routes
from chalicelib.api.requests import AfterQuery, SessionRequest, WidgetMessage
from chalicelib.errors import NotAllowed, NotAuthentic, TooMany
from chalicelib.flows import widget
from chalicelib.flows.widget import Known, Page
from chalicelib.intake.chat.widget import LIFETIMES, Use

routes = Routes(__name__)


@routes.operation("POST", "/v1/widget/{installation}/session", refuses=(NotAllowed, NotAuthentic), to_anybody=True)
def open_session(asked: Asked, installation: str, page: Page, body: SessionRequest) -> SessionOut:
    """A session of a visitor on one of the installation's pages: new, his last one's, or a known customer's."""
    said = body.visitor
    known = Known(said.id, said.name or "", said.email or "", said.hash) if said else None
    session = widget.open_session(installation, page, body.key or "", known, asked.world)
    seconds = int(LIFETIMES[Use.TOKEN].total_seconds())
    return SessionOut(
        conversation=session.conversation, token=session.token, expires_in=seconds, key=session.key or None
    )


@routes.operation("POST", "/v1/widget/{installation}/messages", refuses=(TooMany,), status=202, to_visitors=True)
def write_message(asked: Asked, installation: str, body: WidgetMessage) -> WrittenOut:
    """A message of the visitor; 202 once it is durable."""
    return WrittenOut(id=widget.take(asked.visit(installation), body.id, body.text, asked.world))


@routes.operation("GET", "/v1/widget/{installation}/replies", to_visitors=True)
def read_replies(asked: Asked, installation: str, query: AfterQuery) -> RepliesOut:
    """What was said in the visitor's own conversation, by him and by agents."""
    lines = widget.shown(asked.visit(installation), query.after, asked.world)
    return RepliesOut(replies=[ShownOut.of(line) for line in lines])


@routes.operation("GET", "/v1/widget.js", polled=True, to_anybody=True)
def read_widget(_asked: Asked) -> Script:
    """The widget itself, for a script tag."""
    return Script(_script())


@cache
def _script() -> str:
    return Path(__file__).with_name("widget.js").read_text("utf-8")
