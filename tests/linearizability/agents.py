"""Agents at work through the real flows, each with a list of everything he tried."""

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from typing import Any, Final

from chalicelib.errors import AtCapacity, Conflict, Unavailable
from chalicelib.flows import claim, look, matters, presence, reply, work
from chalicelib.item.item import EventType, Item
from chalicelib.item.offer import Presence
from chalicelib.item.passing import Destination
from chalicelib.item.reply import Then
from chalicelib.policy import CHANNELS, Agent, Policy
from chalicelib.rights import Caller
from tests.linearizability.notes import Kind, NotedWorld, Notes, Operation, Outcome

LEASE: Final = timedelta(seconds=5)
ROLES: Final = frozenset({"agent"})
#: Queues that agents claim from: each costs a look into both its lanes when nothing waits.
QUEUES: Final = ("people", "orders")

type Sleep = Callable[[float], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """How agents work. Lengths in seconds, shares of one."""

    sleeps_over_lease: float = 0.1
    asleep: tuple[float, float] = (LEASE.total_seconds() + 2, LEASE.total_seconds() + 6)
    asks_under_key: float = 0.5
    looks_at_offers: float = 0.2
    is_nosy: float = 0.1
    leaves: float = 0.02
    longest_work: float = 0.3
    idle: tuple[float, float] = (0.4, 1.2)
    on_the_way: Mapping[Kind, float] = field(
        default_factory=lambda: {Kind.HEARTBEAT: 0.6, Kind.NOTE: 0.1, Kind.TAG: 0.1, Kind.SPLIT: 0.4}
    )
    at_the_end: Mapping[Kind, float] = field(
        default_factory=lambda: {
            Kind.RESOLVE: 0.5, Kind.REPLY: 0.15, Kind.RELEASE: 0.1, Kind.REASSIGN: 0.1, Kind.SNOOZE: 0.05,
            Kind.MERGE: 0.1,
        }
    )  # fmt: skip


def desk_of(policy: Policy, agents: int) -> Policy:
    """The desk with so many agents who hold three items of a channel at the most, on short leases and offers."""
    capacity = dict.fromkeys(CHANNELS, 3)
    people = [Agent(f"person-{n}", ROLES, frozenset(policy.languages), capacity) for n in range(agents)]
    members = frozenset(person.id for person in people)
    return replace(
        policy,
        agents={person.id: person for person in people},
        queues={
            name: replace(q, members=members if name in QUEUES else frozenset()) for name, q in policy.queues.items()
        },
        leases=dict.fromkeys(CHANNELS, LEASE),
        offers=dict.fromkeys(CHANNELS, LEASE),
    )


def _under_key(ask: Callable[[], Item | None], key: str) -> tuple[Item, bool] | None:
    """What he is given, and whether he had to ask again under his key because no answer came."""
    try:
        item = ask()
        return (item, False) if item else None
    except Unavailable:
        if not key:
            raise
    try:
        item = ask()
        return (item, True) if item else None
    except Conflict as error:  # the first request may have been granted, and be over by now
        raise Unavailable("nobody knows") from error


class AtWork:
    """An agent who claims, works, at times sleeps over his lease, and then goes on as if he had not."""

    def __init__(
        self, agent_id: str, notes: Notes, world: NotedWorld, habits: Habits, chance: random.Random, sleep: Sleep
    ) -> None:
        self._me, self._notes, self._world = Caller(agent_id, ROLES), notes, world
        self._habits, self._chance, self._sleep = habits, chance, sleep
        self._seen: list[str] = []
        self._parts: dict[str, str] = {}  # what was split off an item

    def until(self, closed: Callable[[], bool]) -> list[Operation]:
        """Works until the desk is closed; returns everything he tried."""
        while not closed():
            if self._happens(self._habits.leaves):
                self._leave()
            if self._seen and self._happens(self._habits.is_nosy):
                self._look_at(self._chance.choice(self._seen))
            offered = self._in_hand("offered_to") if self._happens(self._habits.looks_at_offers) else []
            item = self._answer(offered[0]) if offered else self._claim_next()
            if item:
                self._handle(item)
            elif not offered and not self._tidy_up():
                self._sleep(self._chance.uniform(*self._habits.idle))
        return self._notes.made

    # Taking

    def _claim_next(self) -> Item | None:
        people = self._world.policy.people_queue
        if self._happens(0.25):
            return self._claim(lambda key: claim.next_in_mine(self._me, key, self._world))
        return self._claim(lambda key: claim.next_in_queue(people, self._me, key, self._world))

    def _claim_named(self, item: Item) -> Item | None:
        return self._claim(lambda key: claim.claim_named(item.id, self._me, key, self._world), item=item.id)

    def _claim(self, ask: Callable[[str], Item | None], **known: str) -> Item | None:
        key = self._key()
        tried = self._notes.tried(Kind.CLAIM, lambda: _under_key(partial(ask, key), key), _learnt, **known)
        if isinstance(tried.why, AtCapacity):
            self._set_presence("present")  # who let a chat wait was set away
        return tried.got[0] if tried.got else None

    def _answer(self, offered: Item) -> Item | None:
        if self._happens(0.8):
            return self._claim_named(offered)
        self._do(Kind.DECLINE, offered)
        return None

    # Working

    def _handle(self, item: Item) -> None:
        self._seen.append(item.id)
        late = self._happens(self._habits.sleeps_over_lease)
        if late:
            self._sleep(self._chance.uniform(*self._habits.asleep))
            self._beat(item, late=True)
        now: Item | None = item
        for kind in (*(() if late else self._on_the_way()), self._ending(), Kind.RESOLVE):
            if not late:
                self._sleep(self._chance.uniform(0, self._habits.longest_work))
            if kind == Kind.HEARTBEAT:
                self._beat(item)
            elif now and kind == Kind.MERGE:
                now = self._merge(now, late)
            elif now and (kind != Kind.SPLIT or len(self._messages(item)) > 1):
                now = self._do(kind, now, late)

    def _merge(self, item: Item, late: bool) -> Item | None:
        """Merges it into what was split off of it, and every other time takes that back; the item while it is his."""
        if item.id not in self._parts:
            return item
        merged = self._once(Kind.MERGE, item, late)
        if merged is None or self._happens(0.5):
            return None
        return self._once(Kind.UNMERGE, merged, late)

    def _once(self, kind: Kind, item: Item, late: bool) -> Item | None:
        step = self._step(kind, item, "")
        known = {"item": item.id, "based_on": item.version, "late": late}
        tried = self._notes.tried(kind, lambda: (step(), False), _learnt, **known)
        return tried.got[0] if tried.got else None

    def _on_the_way(self) -> Iterator[Kind]:
        return (kind for kind, share in self._habits.on_the_way.items() if self._happens(share))

    def _ending(self) -> Kind:
        kinds = self._habits.at_the_end
        return self._chance.choices(list(kinds), list(kinds.values()))[0]

    def _beat(self, item: Item, late: bool = False) -> None:
        token = item.claim_token or ""
        self._notes.tried(
            Kind.HEARTBEAT,
            lambda: work.heartbeat(item.id, token, self._me, self._world),
            lambda until: {"lease_until": until},
            item=item.id, token=token, late=late,
        )  # fmt: skip

    def _do(self, kind: Kind, item: Item, late: bool = False) -> Item | None:
        """Does it, and again when no answer came or somebody wrote meanwhile; the item while it is still his."""
        for _ in range(5):
            key = self._key() if kind == Kind.REPLY else ""
            step = self._step(kind, item, key)
            tried = self._notes.tried(
                kind, partial(_under_key, step, key), _learnt, item=item.id, based_on=item.version, late=late
            )
            if tried.outcome == Outcome.UNKNOWN:
                continue
            now = tried.got[0] if tried.got else tried.present
            if now is None or now.claim_token != item.claim_token:
                return None
            if tried.got or now.version == item.version:
                return now
            item = now
        return item

    def _step(self, kind: Kind, item: Item, key: str) -> Callable[[], Item]:
        """The step, to be taken once or, under its key, again."""
        known, me, world = (item.id, item.version), self._me, self._world
        match kind:
            case Kind.RELEASE:
                return partial(work.give_back, *known, me, world)
            case Kind.RESOLVE:
                return partial(work.finish, *known, me, world)
            case Kind.DECLINE:
                return partial(work.decline, *known, me, world)
            case Kind.SNOOZE:
                return partial(work.snooze, *known, world.now() + timedelta(seconds=2), me, world)
            case Kind.REASSIGN:
                return partial(work.reassign, *known, self._somewhere(), "better there", me, world)
            case Kind.NOTE:
                return partial(work.note, *known, "He called.", [], me, world)
            case Kind.TAG:
                return partial(work.tag, *known, "order", "normal", me, world)
            case Kind.SPLIT:
                return lambda: self._split(item)
            case Kind.MERGE:
                return lambda: matters.merge(*known, self._parts[item.id], "one after all", me, world)[0]
            case Kind.UNMERGE:
                return lambda: matters.unmerge(*known, "two after all", me, world)[0]
            case Kind.REPLY:
                then = self._chance.choice(list(Then))
                return lambda: reply.reply(*known, "It is on its way.", then, key, me, world)[1]
        raise ValueError(f"an agent does no {kind}")

    def _split(self, item: Item) -> Item:
        """The newest message becomes an item of its own, which he keeps."""
        chosen = matters.Chosen(events=self._messages(item)[-1:], claim=True)
        old, new = matters.split(item.id, item.version, chosen, self._me, self._world)
        self._parts[old.id] = new.id
        return old

    def _messages(self, item: Item) -> list[str]:
        return [event.id for event in self._world.table.history(item.id) if event.type == EventType.MESSAGE_RECEIVED]

    def _somewhere(self) -> Destination:
        colleague = self._chance.choice([agent for agent in self._world.policy.agents if agent != self._me.id])
        places = (Destination("agent", colleague), Destination("queue", "orders"), Destination("topic", "other"))
        return self._chance.choice(places)

    # Beside the work

    def _tidy_up(self) -> bool:
        """Ends what his lists show to be his: claims whose answer never came, what he put off. Whether any was."""
        held, pinned = self._in_hand("holder"), self._in_hand("pinned_to")
        for item in held:
            self._do(Kind.RESOLVE, item)
        for item in pinned:
            again = self._claim_named(item) if self._happens(0.3) else None
            self._do(Kind.RESOLVE, again or item)
        return bool(held or pinned)

    def _look_at(self, item_id: str) -> None:
        """Writes a note on what he had once, whosever it is now."""
        seen = self._notes.tried(
            Kind.LOOK, lambda: look.item(item_id, self._me, self._world)[0],
            lambda item: {"present": item.version}, item=item_id,
        )  # fmt: skip
        if seen.got:
            self._do(Kind.NOTE, seen.got)

    def _in_hand(self, how: str) -> list[Item]:
        try:
            return look.items(how, self._me.id, self._me, 10, None, False, self._world)[0]
        except Unavailable:
            return []

    def _leave(self) -> None:
        self._set_presence("away")
        self._sleep(self._chance.uniform(*self._habits.idle))
        self._set_presence("present")

    def _set_presence(self, how: Presence) -> None:
        self._notes.tried(Kind.PRESENCE, lambda: presence.set_presence(self._me.id, how, self._me, self._world))

    def _key(self) -> str:
        return f"{self._chance.getrandbits(64):x}" if self._happens(self._habits.asks_under_key) else ""

    def _happens(self, share: float) -> bool:
        return self._chance.random() < share


def _learnt(answer: tuple[Item, bool]) -> Mapping[str, Any]:
    item, again = answer
    version = None if again else item.version  # by the second answer it may have risen
    return {"item": item.id, "version": version, "token": item.claim_token, "lease_until": item.lease_until}
