"""Reading: items, timelines, mentions, the live board. Changes nothing."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from chalicelib.errors import Unknown
from chalicelib.flows import persons
from chalicelib.intake.filetypes import UNKNOWN
from chalicelib.item.change import Link, Mention
from chalicelib.item.item import Customer, Event, Item
from chalicelib.item.state import RESTING_STATES, State
from chalicelib.item.steps import waits
from chalicelib.rights import Caller, check_may_act_for, check_may_see, check_serves, sees_all
from chalicelib.routing.route import Lane
from chalicelib.store import keys
from chalicelib.store.rows import BREACHED, DUE_SOON, item_of
from chalicelib.store.table import Page
from chalicelib.world import World

_MOST_HELD_COUNTED = 1000
#: Steps of an item's life shown with it, the newest: a Lambda answers 6 MB at the most. The timeline has all.
MOST_STEPS: Final = 2000
_NUMBER = re.compile(r"[1-9][0-9]{0,11}")
_IN_HANDS: Final = {"holder": keys.holding_pk, "offered_to": keys.offered_pk, "pinned_to": keys.pinned_pk}


#: Seconds for which an attachment's address holds: long enough to begin, too short to be passed on.
_LINK_HOLDS: Final = 60

#: Types that no program runs: under any other name a file is given as bytes.
_HARMLESS: Final = frozenset(
    {"application/pdf", "image/gif", "image/heic", "image/jpeg", "image/png", "image/webp", "text/plain"}
)


@dataclass(frozen=True, slots=True)
class Download:
    """A file somebody sent, and the address that gives it until `expires_at` to whoever asks there."""

    name: str
    type: str
    size: int
    url: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class QueueNow:
    """A queue at this moment. `complete` is false when more wait than one page of the index counts.

    Of what waits or is held there `due_soon` has a promise that warned, `breached` one that was broken.
    """

    name: str
    urgent: int
    normal: int
    oldest_since: datetime | None
    held: int
    complete: bool
    due_soon: int = 0
    breached: int = 0


def item(item_id: str, caller: Caller, world: World) -> tuple[Item, list[Event]]:
    """An item and its history. Raises `Unknown`, `NotAllowed`."""
    found = world.table.item(item_id)
    check_may_see(caller, found.queue, found.hands, world.policy)
    return found, world.table.history(item_id)[-MOST_STEPS:]


def items(
    by: str, value: str, caller: Caller, limit: int, cursor: str | None, newest: bool, world: World
) -> tuple[list[Item], str | None]:
    """One page of items by `queue` (those that wait), `holder`, `offered_to`, `pinned_to` (those at rest) or `state`.

    A page may be shorter than `limit`: items the caller may not see, or that have moved on, are left out.
    Raises `Unknown`, `NotAllowed`, `Invalid` for a cursor that is none.
    """
    check_serves(caller, world.policy)
    if by == "queue":
        if value not in world.policy.queues:
            raise Unknown(f"there is no queue {value}")
        check_may_see(caller, value, None, world.policy)
        page = world.table.listed("waiting", keys.waiting_pk(value), limit, cursor, newest)
    elif by in _IN_HANDS:
        page = world.table.listed("holding", _IN_HANDS[by](value), limit, cursor, newest)
    else:
        page = world.table.listed("state", keys.state_pk(value), limit, cursor, newest)
    wanted = [{"pk": row["pk"], "sk": row["sk"]} for row in page.entries]
    found = world.table.rows(wanted) if wanted else {}
    present = [item_of(found[key["pk"], key["sk"]]) for key in wanted if (key["pk"], key["sk"]) in found]
    return [entry for entry in present if _still(entry, by, value) and _sees(caller, entry, world)], page.next


def customer(customer_id: str, caller: Caller, world: World) -> tuple[Customer, list[Link]]:
    """A customer's card, and whom people say to be the same person. Raises `Unknown`, `NotAllowed`."""
    check_serves(caller, world.policy)
    return persons.card(customer_id, world)


def timeline(
    customer_id: str, caller: Caller, limit: int, cursor: str | None, newest: bool, world: World
) -> Page[Event]:
    """One page of a customer's timeline, oldest or newest first. Raises `Unknown` for a customer with no entry."""
    check_serves(caller, world.policy)
    page = world.table.timeline(customer_id, limit, cursor, newest)
    if not page.entries and cursor is None:
        raise Unknown(f"there is no customer {customer_id}")
    return page


def attachment(customer_id: str, seq: str, number: str, caller: Caller, world: World) -> Download:
    """An attachment of an entry of a customer's timeline, both counted from one. Raises `Unknown`, `NotAllowed`.

    Who may read what the customer wrote may have what he sent with it.
    """
    check_serves(caller, world.policy)
    event = world.table.event(customer_id, _counted(seq))
    files = (event.payload or {}).get("attachments", ())
    at = _counted(number)
    file = files[at - 1] if at <= len(files) else {}
    if not file.get("key"):
        raise Unknown(f"entry {seq} of customer {customer_id} has no attachment {number} here")
    kind = file["type"] if file["type"] in _HARMLESS else UNKNOWN
    expires_at = world.now() + timedelta(seconds=_LINK_HOLDS)
    url = world.raw.link(file["key"], file["name"], kind, _LINK_HOLDS)
    return Download(file["name"], file["type"], file["size"], url, expires_at)


def board(caller: Caller, world: World) -> list[QueueNow]:
    """What waits and is held in each queue the caller sees."""
    names = list(world.policy.queues)
    if not sees_all(caller):
        names = [q.name for q in world.policy.queues_of(caller.id)] if "agent" in caller.roles else []
    held: dict[str, list[str]] = {}
    claimed = world.table.listed("state", keys.state_pk(State.CLAIMED), _MOST_HELD_COUNTED, None)
    for row in claimed.entries:
        held.setdefault(row["queue"], []).append(row.get("promise_stage", ""))
    return [_now(name, held.get(name, []), world) for name in names]


def mentions(agent_id: str, caller: Caller, limit: int, cursor: str | None, world: World) -> Page[Mention]:
    """One page of the notes that name an agent, newest first. Raises `Unknown`, `NotAllowed`."""
    check_may_act_for(caller, agent_id)
    if agent_id not in world.policy.agents:
        raise Unknown(f"there is no agent {agent_id}")
    return world.table.mentions(agent_id, limit, cursor)


def _counted(text: str) -> int:
    """A number of the path, from one on. Raises `Unknown` for anything else: there is nothing there."""
    if not _NUMBER.fullmatch(text):
        raise Unknown(f"there is no number {text}")
    return int(text)


def _now(queue: str, held: Sequence[str], world: World) -> QueueNow:
    """A queue as it is; `held` says of each item in somebody's hands how its promise stands."""
    waiting, complete = world.table.count_waiting(queue)
    stages = [*held, *(entry.promise for entry in waiting)]
    urgent = sum(entry.lane == Lane.URGENT for entry in waiting)
    since = waiting[0].since if waiting else None
    due_soon, breached = stages.count(DUE_SOON), stages.count(BREACHED)
    return QueueNow(queue, urgent, len(waiting) - urgent, since, len(held), complete, due_soon, breached)


def _still(entry: Item, by: str, value: str) -> bool:
    queue = entry.queue if waits(entry) else None
    pinned = entry.pinned_to if entry.state in RESTING_STATES else None
    shown = {"queue": queue, "holder": entry.holder, "offered_to": entry.offered_to, "pinned_to": pinned}
    return shown.get(by, entry.state) == value


def _sees(caller: Caller, entry: Item, world: World) -> bool:
    own = {q.name for q in world.policy.queues_of(caller.id)} if "agent" in caller.roles else set()
    return sees_all(caller) or entry.hands == caller.id or entry.queue in own
