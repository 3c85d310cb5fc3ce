"""Handing out work: exactly one agent gets an item, urgent first, and nobody waits for ever."""

import heapq
import random
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import Enum
from itertools import chain, count
from typing import Final

from chalicelib.errors import AtCapacity, Conflict, LostRace, NotAllowed, Unavailable, Unknown, WrongState
from chalicelib.flows.again import offerable, save, until_won
from chalicelib.flows.work import with_present
from chalicelib.item import sorting
from chalicelib.item.change import Answered, Step
from chalicelib.item.decide import claim
from chalicelib.item.item import Customer, Item
from chalicelib.item.steps import waits
from chalicelib.metrics import SORTED_ANEW
from chalicelib.policy import CHANNELS, Agent
from chalicelib.rights import Caller, agent_of, check_may_see
from chalicelib.routing.route import Lane
from chalicelib.world import World

#: Every so many claims of a queue one takes the oldest of the waiting index. Each process counts from zero, so of n
#: waiting items the oldest is offered within 4n claims, however many processes hand out and bells are lost.
OLDEST_EVERY: Final = 4
_LOOKS: Final = 3
#: So many bells the agent cannot answer (another language), and he is better served by the index, which knows.
_MOST_UNFIT: Final = 5
#: So many bells of what is done already, three calls each, and the index answers sooner.
_MOST_STALE: Final = 20
#: Why a transaction lost when the same request, sent twice, was answered meanwhile.
_TWIN: Final = "answer:ConditionalCheckFailed"
_turns: defaultdict[tuple[str, ...], Iterator[int]] = defaultdict(count)


class _Result(Enum):
    STALE = "stale"
    UNFIT = "unfit"


@dataclass(frozen=True, slots=True)
class _Candidate:
    """Something that may be claimed. `ring` and `receipt` are None when it comes from the index, not from a bell."""

    item_id: str
    customer_id: str
    ring: int | None = None
    receipt: tuple[str, str] | None = None  # queue address and receipt handle


def next_in_queue(queue: str, caller: Caller, answer_key: str, world: World) -> Item | None:
    """The next item of one queue, claimed for the caller; None when nothing he may take waits.

    Raises `Unknown` for no such queue, `NotAllowed` for a foreign one, `AtCapacity`.
    """
    if queue not in world.policy.queues:
        raise Unknown(f"there is no queue {queue}")
    agent = agent_of(caller, world.policy)
    if queue not in {q.name for q in world.policy.queues_of(agent.id)}:
        raise NotAllowed(f"{agent.id} may not claim from queue {queue}")
    return _next((queue,), agent, answer_key, world)


def next_in_mine(caller: Caller, answer_key: str, world: World) -> Item | None:
    """The next item over all queues the caller may claim from, urgent lanes first; None when nothing waits."""
    agent = agent_of(caller, world.policy)
    queues = tuple(sorted(queue.name for queue in world.policy.queues_of(agent.id)))
    return _next(queues, agent, answer_key, world)


def claim_named(item_id: str, caller: Caller, answer_key: str, world: World) -> Item:
    """One item by its name, claimed for the caller; given to him again when he holds it already.

    Raises `Unknown`, `NotAllowed`, `AtCapacity`, and `WrongState` where somebody else holds it, has the first word on
    it, or it is resolved.
    """
    agent = agent_of(caller, world.policy)

    def decide_and_save() -> Item:
        given = world.table.answered(agent.id, answer_key) if answer_key else None
        if given:
            return _given_before(given, world)
        item = world.table.item(item_id)
        check_may_see(caller, item.queue, item.hands, world.policy)
        if item.holder == agent.id:
            return item
        step = Step(actor=agent.id, cause="claim", at=world.now(), event_id=world.new_id())
        try:
            customer = world.table.customer(item.customer_id)
            item, customer = _where_it_belongs(item, customer, world)
            change = claim(item, customer, agent, world.policy, step, world.new_token(), answer_key)
            world.table.save(change, step.at)
        except LostRace:
            raise
        except Conflict as error:
            raise with_present(error, item) from None
        return change.after or item

    return until_won(decide_and_save)


def _next(queues: tuple[str, ...], agent: Agent, answer_key: str, world: World) -> Item | None:
    # Whether the key was used shows in the transaction, so only a request that gets nothing has to ask.
    try:
        item = _Request(queues, agent, answer_key, world).answer()
    except (LostRace, AtCapacity):
        given = world.table.answered(agent.id, answer_key) if answer_key else None
        if given is None:
            raise
        return _given_before(given, world)
    if item is None and answer_key and (given := world.table.answered(agent.id, answer_key)):
        return _given_before(given, world)
    return item


def _where_it_belongs(item: Item, customer: Customer, world: World) -> tuple[Item, Customer]:
    """The item and its customer, moved first where the desk's rules say otherwise by now. Raises `LostRace`."""
    at = world.now()
    there = sorting.elsewhere(item, customer, at, world.policy)
    if there is None:
        return item, customer
    step = Step(actor="sortownia", cause="hand-out", at=at, event_id=world.new_id())
    agents = offerable(replace(item, queue=there.queue, asked=()), world)
    change = sorting.moved(item, customer, step, there, agents, world.policy)
    save(change, at, world)
    world.metrics.count(SORTED_ANEW)
    return change.after or item, replace(customer, seq=customer.seq + len(change.events))


def _given_before(given: Answered, world: World) -> Item:
    """The answer of an earlier request with the same key: the item, with its token while the claim still stands."""
    item = world.table.item(given.item_id)
    if not given.claim_token or item.claim_token != given.claim_token:
        raise with_present(WrongState(f"item {item.id} was answered with under this key and has moved on since"), item)
    return item


class _Request:
    """One agent's request for work: bells he could not answer are held back, channels he is full in passed over."""

    def __init__(self, queues: tuple[str, ...], agent: Agent, answer_key: str, world: World) -> None:
        self._queues, self._agent, self._answer_key, self._world = queues, agent, answer_key, world
        self._held_back: list[tuple[str, str]] = []
        self._full: set[str] = set()
        self._stale = 0

    def answer(self) -> Item | None:
        """The item he gets. Raises `AtCapacity` when something waits that he has no room for, and nothing else."""
        try:
            for candidate in self._candidates():
                taken = self._take(candidate)
                if taken is _Result.UNFIT:
                    self._hold_back(candidate)
                    continue
                self._forget(candidate)
                self._stale += taken is _Result.STALE
                if isinstance(taken, Item):
                    return taken
        finally:
            for url, receipt in self._held_back:
                with suppress(Unavailable):  # it rings again by itself when its visibility time is over
                    self._world.queues.show_again(url, receipt, 0)
        if self._full:
            raise AtCapacity(f"{self._agent.id} is away or holds as many items as the desk allows")
        return None

    # Where work is found

    def _candidates(self) -> Iterable[_Candidate]:
        sources = (self._bells(), self._oldest())
        by_name = next(_turns[self._queues]) % OLDEST_EVERY == 0
        return chain(*(reversed(sources) if by_name else sources))

    def _bells(self) -> Iterator[_Candidate]:
        """What rings, urgent lanes first; several queues in random order, so that none is always last."""
        queues = self._world.queues
        for lane in (Lane.URGENT, Lane.NORMAL):
            for queue in random.sample(self._queues, len(self._queues)):
                url = self._world.settings.work_queue_url(queue, lane)
                while self._still_listens() and (heard := queues.receive(url)):
                    bell = heard.bell
                    if bell is None:
                        queues.delete(url, heard.receipt)
                        continue
                    yield _Candidate(bell.item_id, bell.customer_id, bell.ring, (url, heard.receipt))

    def _still_listens(self) -> bool:
        return len(self._held_back) < _MOST_UNFIT and self._stale < _MOST_STALE

    def _oldest(self) -> Iterator[_Candidate]:
        """What waits by the index, oldest first over all queues, but for the desk's languages he does not speak."""
        strange = set(self._world.policy.languages) - self._agent.languages
        now = self._world.now()
        waiting = (self._world.table.waiting(queue, self._agent.id, now, strange) for queue in self._queues)
        for entry in heapq.merge(*waiting, key=lambda w: w.since):
            if len(self._full) == len(CHANNELS):
                return
            if entry.channel not in self._full:
                yield _Candidate(entry.item_id, entry.customer_id)

    # Taking it

    def _take(self, candidate: _Candidate) -> Item | _Result:
        """Reads and claims in one transaction; looks again when someone else wrote first."""
        world = self._world
        for _ in range(_LOOKS):
            item, customer = world.table.item_and_customer(candidate.item_id, candidate.customer_id)
            if item is None or customer is None or item.customer_id != customer.id or not self._rings(item, candidate):
                return _Result.STALE
            if item.channel in self._full:
                return _Result.UNFIT
            try:
                belongs, _ = _where_it_belongs(item, customer, world)
            except LostRace:
                continue
            if belongs is not item:
                return _Result.STALE  # it rings where it is now
            step = Step(actor=self._agent.id, cause="claim", at=world.now(), event_id=world.new_id())
            try:
                change = claim(item, customer, self._agent, world.policy, step, world.new_token(), self._answer_key)
                world.table.save(change, step.at)
            except (NotAllowed, WrongState):  # not his language, or offered to somebody else for the moment
                return _Result.UNFIT
            except AtCapacity:
                self._full.add(item.channel)
                return _Result.UNFIT
            except LostRace as error:
                if _TWIN in error.reasons:
                    self._hold_back(candidate)
                    raise
                continue
            return change.after or item
        return _Result.UNFIT

    def _rings(self, item: Item, candidate: _Candidate) -> bool:
        """Whether the item still waits where, and since when, the candidate says."""
        return waits(item) and item.queue in self._queues and candidate.ring in (None, item.ring)

    def _hold_back(self, candidate: _Candidate) -> None:
        if candidate.receipt:
            self._held_back.append(candidate.receipt)

    def _forget(self, candidate: _Candidate) -> None:
        if candidate.receipt:
            with suppress(Unavailable):  # a bell that stays is stale, and deleted by the next who hears it
                self._world.queues.delete(*candidate.receipt)
