"""What agents ask for, in any order and as if they knew no better; and what each then knows."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from chalicelib.flows import claim, handover, look, matters, persons, presence, reply, work
from chalicelib.item.item import EventType, Item
from chalicelib.item.passing import Destination
from chalicelib.item.reply import Then
from chalicelib.item.state import State
from chalicelib.item.steps import waits
from chalicelib.rights import Caller
from chalicelib.world import World

AGENTS: Final = tuple(Caller(name, frozenset({"agent"})) for name in ("anna", "boris", "dora"))
SAM: Final = Caller("sam", frozenset({"supervisor"}))
#: Of these it is asked without a version; of the others with one.
UNVERSIONED: Final = frozenset({"claim next", "claim in queue", "claim named", "heartbeat", "presence", "look"})
#: What an agent does with what he holds, more often than the rest.
_COMMANDS: Final = {
    "claim next": 8, "claim in queue": 4, "claim named": 5, "decline": 3, "heartbeat": 2, "release": 2, "resolve": 4,
    "snooze": 2, "reassign": 3, "note": 2, "tags": 2, "reply": 7, "reopen": 2, "split": 3, "merge": 2, "unmerge": 2,
    "link": 1, "unlink": 1, "presence": 3, "look": 2, "same person": 1,
}  # fmt: skip
_HIS: Final = frozenset({"heartbeat", "release", "resolve", "snooze", "reassign", "reply", "split", "merge", "tags"})


@dataclass(frozen=True, slots=True)
class Command:
    """One request, which may be made again word for word. `version` is what it is based on, None where it names none.

    `stale` says that the version was another one when it was asked.
    """

    name: str
    by: Caller
    item: Item | None
    version: int | None
    stale: bool
    key: str
    dice: int

    def __str__(self) -> str:
        stale = " (stale)" if self.stale else ""
        return f"{self.by.id}: {self.name} of {self.item.id if self.item else 'nothing'} at {self.version}{stale}"


def command(chance: random.Random, items: list[Item], key: str) -> Command | None:
    """What an agent asks for next; None where there is nothing to ask it of."""
    by = chance.choice(AGENTS)
    name = chance.choices(list(_COMMANDS), list(_COMMANDS.values()))[0]
    fitting = [item for item in items if name not in _HIS or item.holder == by.id]
    if name == "decline":
        fitting = [item for item in items if item.offered_to == by.id]
    if name == "unmerge":
        fitting = [item for item in items if item.merged_into]
    if name == "reopen":
        fitting = [item for item in items if item.state == State.RESOLVED and not item.merged_into]
    if name in {"claim next", "claim in queue"}:
        fitting = items
    if not fitting and chance.random() < 0.8:
        name, fitting = "claim named", [item for item in items if waits(item)]
    if chance.random() < 0.1 or not fitting:
        fitting = items
    item = chance.choice(fitting) if fitting else None
    if item is None and name not in {"claim next", "claim in queue", "presence"}:
        return None
    version = None if name in UNVERSIONED or item is None else item.version
    stale = version is not None and chance.random() < 0.12
    return Command(
        name, by, item, version - 1 if version and stale else version, stale,
        key if chance.random() < 0.6 else "", chance.getrandbits(32),
    )  # fmt: skip


def asked(what: Command, world: World) -> Any:
    """Does it; gives what the flow gives."""
    if what.item is None:
        return _of_nothing(what, world)
    return _STEPS[what.name](what, what.item, world)


def handed_over(chance: random.Random, world: World) -> Any:
    """Sam hands over all that somebody has."""
    names = [agent.id for agent in AGENTS]
    return handover.hand_over(chance.choice(names), chance.choice([*names, None]), False, SAM, world)


def _of_nothing(what: Command, world: World) -> Any:
    match what.name:
        case "claim next":
            return claim.next_in_mine(what.by, what.key, world)
        case "claim in queue":
            queue = random.Random(what.dice).choice(sorted(q.name for q in world.policy.queues_of(what.by.id)))
            return claim.next_in_queue(queue, what.by, what.key, world)
    how = random.Random(what.dice).choice(("present", "present", "present", "away"))
    return presence.set_presence(what.by.id, how, what.by, world)  # type: ignore[arg-type]


def _reply(what: Command, item: Item, world: World) -> Item:
    then = random.Random(what.dice).choice(list(Then))
    return reply.reply(item.id, what.version or 0, "It comes tomorrow.", then, what.key, what.by, world)[1]


def _reassign(what: Command, item: Item, world: World) -> Item:
    places = (
        Destination("agent", "boris"), Destination("agent", "dora"), Destination("queue", "billing"),
        Destination("topic", "other"), Destination("queue", "returns"),
    )  # fmt: skip
    to = random.Random(what.dice).choice(places)
    return work.reassign(item.id, what.version or 0, to, "better there", what.by, world)


def _split(what: Command, item: Item, world: World) -> Any:
    chance = random.Random(what.dice)
    messages = [event.id for event in world.table.history(item.id) if event.type == EventType.MESSAGE_RECEIVED]
    chosen = matters.Chosen(events=messages[-1:], claim=chance.random() < 0.5, reason="two matters")
    return matters.split(item.id, what.version or 0, chosen, what.by, world)


def _other(what: Command, item: Item, world: World) -> str:
    """Another item of the same customer, if he has one; else the item itself, which is refused."""
    events = world.table.timeline(item.customer_id, 50, None, newest=False).entries
    found = sorted({event.item_id for event in events if event.item_id and event.item_id != item.id})
    return random.Random(what.dice).choice(found) if found else item.id


def _same_person(what: Command, item: Item, world: World) -> Any:
    chance = random.Random(what.dice)
    other = world.table.item(item.id).customer_id if chance.random() < 0.2 else item.customer_id
    said = [link.other for link in world.table.links(item.customer_id)] or [other]
    return persons.say(item.customer_id, chance.choice(said), "one phone", what.by, world, stands=chance.random() < 0.7)


_STEPS: Final[dict[str, Callable[[Command, Item, World], Any]]] = {
    "claim next": lambda c, _, w: _of_nothing(c, w),
    "claim in queue": lambda c, _, w: _of_nothing(c, w),
    "presence": lambda c, _, w: _of_nothing(c, w),
    "claim named": lambda c, i, w: claim.claim_named(i.id, c.by, c.key, w),
    "look": lambda c, i, w: look.item(i.id, c.by, w),
    "heartbeat": lambda c, i, w: work.heartbeat(i.id, i.claim_token or "none", c.by, w),
    "decline": lambda c, i, w: work.decline(i.id, c.version or 0, c.by, w),
    "release": lambda c, i, w: work.give_back(i.id, c.version or 0, c.by, w),
    "resolve": lambda c, i, w: work.finish(i.id, c.version or 0, c.by, w),
    "snooze": lambda c, i, w: work.snooze(i.id, c.version or 0, w.now() + timedelta(minutes=9), c.by, w),
    "reassign": _reassign,
    "note": lambda c, i, w: work.note(i.id, c.version or 0, "Who knows?", ["boris", "dora"], c.by, w),
    "tags": lambda c, i, w: work.tag(i.id, c.version or 0, "billing", "critical", c.by, w),
    "reply": _reply,
    "reopen": lambda c, i, w: work.reopen(i.id, c.version or 0, "he called", c.by, w),
    "split": _split,
    "merge": lambda c, i, w: matters.merge(i.id, c.version or 0, _other(c, i, w), "one parcel", c.by, w),
    "unmerge": lambda c, i, w: matters.unmerge(i.id, c.version or 0, "two parcels", c.by, w),
    "link": lambda c, i, w: work.link(i.id, c.version or 0, _other(c, i, w), "", c.by, w),
    "unlink": lambda c, i, w: work.unlink(i.id, c.version or 0, "", c.by, w),
    "same person": _same_person,
}
