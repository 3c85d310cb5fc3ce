"""Our own widget: opens sessions, takes what visitors write, and shows them their conversation."""

import json
from dataclasses import dataclass, replace
from typing import Final

from chalicelib.errors import LostRace, NotAllowed, NotAuthentic, Refused, TooMany, Unknown
from chalicelib.flows import hook
from chalicelib.intake.chat import widget
from chalicelib.intake.chat.widget import Use, Visit
from chalicelib.intake.message import Message
from chalicelib.item.arrive import Arrival
from chalicelib.item.change import Change, Shown
from chalicelib.item.outgoing import Outgoing
from chalicelib.policy import WIDGET, Policy
from chalicelib.settings import Settings
from chalicelib.world import World

MESSAGES_A_MINUTE: Final = 20
PAGE: Final = 100
#: A row of the table has 400 KB at most; nobody reads as much in a chat.
REPLY_BYTES: Final = 100_000


@dataclass(frozen=True, slots=True)
class Page:
    """The page a browser asks from: its web origin (None where the browser names none), and the token it has."""

    origin: str | None
    token: str


@dataclass(frozen=True, slots=True)
class Known:
    """Who a shop's server says its visitor is, and its proof."""

    id: str
    name: str
    email: str
    hash: str


@dataclass(frozen=True, slots=True)
class Session:
    """What a browser needs: a token for half an hour, and ('' for who proves himself each time) a key for the next."""

    conversation: str
    token: str
    key: str


def origins(installation: str, policy: Policy, settings: Settings) -> tuple[str, ...]:
    """Web origins of the pages an installation of our own widget stands on; none where it is none."""
    found = policy.installations.get(installation)
    if found is None or found.provider != WIDGET:
        return ()
    return (*found.origins, settings.trial_origin) if settings.trial_origin else found.origins


def open_session(installation: str, page: Page, key: str, visitor: Known | None, world: World) -> Session:
    """A session for the visitor the shop knows, for who was here before (`key`), or for a new one.

    Raises `Unknown`, `NotAllowed` for a page of another origin, `NotAuthentic` where hash or key does not hold: nobody
    becomes anonymous without knowing it.
    """
    origin = _checked_origin(installation, page.origin, world)
    secrets, now = _secrets(installation, world), world.now()
    if visitor:
        widget.check_known(secrets, visitor.id, visitor.email, visitor.hash)
        visit = widget.known(installation, origin, visitor.id, visitor.name, visitor.email)
        return Session(visit.conversation, widget.sealed(visit, Use.TOKEN, secrets[0], now), "")
    visit = widget.anonymous(installation, origin, world.new_id(), world.new_id())
    if key:
        visit = widget.opened(key, Use.KEY, installation, secrets, now)
        _check_same(visit, origin)
    token, next_key = (widget.sealed(visit, use, secrets[0], now) for use in (Use.TOKEN, Use.KEY))
    return Session(visit.conversation, token, next_key)


def visit(installation: str, page: Page, world: World) -> Visit:
    """The visit a page's token opens. Raises `Unknown`, `NotAllowed`, `NotAuthentic`.

    A page of the API's own origin names none when it only reads; any other page always does.
    """
    if page.origin is not None:
        _checked_origin(installation, page.origin, world)
    elif not origins(installation, world.policy, world.settings):
        raise Unknown(f"there is no widget {installation}")
    found = widget.opened(page.token, Use.TOKEN, installation, _secrets(installation, world), world.now())
    _check_same(found, _checked_origin(installation, page.origin or found.origin, world))
    return found


def take(found: Visit, message_id: str, text: str, world: World) -> str:
    """Takes a visitor's message; returns its id once raw body and notice are durable. Sent again, it is one message.

    Raises `TooMany` beyond what a conversation may have in a minute.
    """
    try:
        world.table.count_message(found.installation, found.conversation, world.now(), MESSAGES_A_MINUTE)
    except LostRace as error:
        raise TooMany(f"a conversation has {MESSAGES_A_MINUTE} messages a minute") from error
    raw = widget.body(found, message_id, text)
    hook.keep(found.installation, raw, [widget.delivery(found, message_id)], world)
    return message_id


def shown(found: Visit, after: int, world: World) -> list[Shown]:
    """What the visitor is shown after a number, oldest first: one read, a hundred lines at most."""
    return world.table.shown(found.installation, found.conversation, after, PAGE)


def heard(change: Change, arrival: Arrival, message: Message, world: World) -> Change:
    """A message's change, with what its visitor is shown of it where it came by our own widget."""
    if message.channel != "chat" or not change.events or not world.policy.shows(arrival.source):
        return change
    own_id = widget.message_id(message.conversation, message.delivery)
    seq = world.table.shown_last(arrival.source, message.conversation) + 1
    line = Shown(
        installation=arrival.source, conversation=message.conversation, seq=seq, id=own_id, by="visitor",
        text=message.text, at=arrival.received_at,
    )  # fmt: skip
    return replace(change, shown=line)


def answered(change: Change, outgoing: Outgoing, raw: bytes, world: World) -> Change:
    """A sent reply's change, with what the visitor is shown of it: both are written, or neither.

    Raises `Refused` for one too long to be shown.
    """
    if len(raw) > REPLY_BYTES:
        raise Refused(f"a chat in the widget shows {REPLY_BYTES} bytes at most")
    seq = world.table.shown_last(outgoing.source, outgoing.to) + 1
    line = Shown(
        installation=outgoing.source, conversation=outgoing.to, seq=seq, id=outgoing.id, by="agent",
        text=json.loads(raw)["text"], at=world.now(),
    )  # fmt: skip
    return replace(change, shown=line)


def _checked_origin(installation: str, origin: str | None, world: World) -> str:
    allowed = origins(installation, world.policy, world.settings)
    if not allowed:
        raise Unknown(f"there is no widget {installation}")
    if origin is None or origin not in allowed:
        raise NotAllowed("the widget does not stand on pages of this origin")
    return origin


def _check_same(found: Visit, origin: str) -> None:
    if found.origin != origin:
        raise NotAuthentic("the visitor's session is one of another origin")


def _secrets(installation: str, world: World) -> tuple[str, ...]:
    secrets = world.secrets.of_installation(installation).signing
    if not secrets:
        raise NotAuthentic("this installation has no secret yet")
    return secrets
