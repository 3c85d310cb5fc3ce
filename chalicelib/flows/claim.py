"""Handing out work: exactly one agent gets an item, urgent first, and nobody waits for ever."""

import heapq
import random
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from itertools import chain, count
from typing import Final

from chalicelib.errors import AtCapacity, LostRace, NotAllowed, Unavailable, Unknown, WrongState
from chalicelib.item.change import Step
from chalicelib.item.decide import claim, waits
from chalicelib.item.item import Item
from chalicelib.policy import Agent
from chalicelib.rights import Caller, agent_of
from chalicelib.routing.route import Lane
from chalicelib.world import World

#: Every so many claims of a queue one takes the oldest of the waiting index. Each process counts from zero, so of n
#: waiting items the oldest is offered within 4n claims, however many processes hand out and bells are lost.
OLDEST_EVERY: Final = 4
_LOOKS: Final = 3
#: So many bells the agent cannot answer (another language), and he is better served by the index, which knows.
_MOST_UNFIT: Final = 5
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


def _next(queues: tuple[str, ...], agent: Agent, answer_key: str, world: World) -> Item | None:
    given = world.table.answered(agent.id, answer_key) if answer_key else None
    if given:
        return _given_before(*given, world)
    held_back: list[tuple[str, str]] = []
    try:
        for candidate in _candidates(queues, agent, held_back, world):
            taken = _take(candidate, queues, agent, answer_key, world)
            if isinstance(taken, Item):
                _forget(candidate, world)
                return taken
            if taken is _Result.STALE:
                _forget(candidate, world)
            elif candidate.receipt:
                held_back.append(candidate.receipt)
        return None
    except (AtCapacity, LostRace) as error:
        if candidate.receipt:
            held_back.append(candidate.receipt)
        given = world.table.answered(agent.id, answer_key) if isinstance(error, LostRace) else None
        if given is None:
            raise
        return _given_before(*given, world)
    finally:
        for url, receipt in held_back:
            with suppress(Unavailable):  # it rings again by itself when its visibility time is over
                world.queues.show_again(url, receipt, 0)


def _given_before(item_id: str, token: str, world: World) -> Item:
    """The answer of an earlier request with the same key: the item, with its token while the claim still stands."""
    item = world.table.item(item_id)
    if item.claim_token != token:
        raise WrongState(f"item {item_id} was claimed under this key and has moved on since")
    return item


def _candidates(
    queues: Sequence[str], agent: Agent, held_back: Sequence[tuple[str, str]], world: World
) -> Iterable[_Candidate]:
    sources = (_bells(queues, held_back, world), _oldest(queues, agent, world))
    by_name = next(_turns[tuple(queues)]) % OLDEST_EVERY == 0
    return chain(*(reversed(sources) if by_name else sources))


def _bells(queues: Sequence[str], held_back: Sequence[tuple[str, str]], world: World) -> Iterator[_Candidate]:
    """What rings, urgent lanes first; several queues in random order, so that none is always last.

    Ends when too many were `held_back` meanwhile.
    """
    for lane in (Lane.URGENT, Lane.NORMAL):
        for queue in random.sample(queues, len(queues)):
            url = world.settings.work_queue_url(queue, lane)
            while len(held_back) < _MOST_UNFIT and (heard := world.queues.receive(url)):
                if heard.bell is None:
                    world.queues.delete(url, heard.receipt)
                    continue
                yield _Candidate(heard.bell.item_id, heard.bell.customer_id, heard.bell.ring, (url, heard.receipt))


def _oldest(queues: Sequence[str], agent: Agent, world: World) -> Iterator[_Candidate]:
    """What waits by the index, oldest first over all queues, but for languages of the desk the agent does not speak."""
    strange = set(world.policy.languages) - agent.languages
    waiting = (world.table.waiting(queue, strange) for queue in queues)
    for entry in heapq.merge(*waiting, key=lambda w: w.since):
        yield _Candidate(entry.item_id, entry.customer_id)


def _take(candidate: _Candidate, queues: Sequence[str], agent: Agent, answer_key: str, world: World) -> Item | _Result:
    """Reads and claims in one transaction; looks again when someone else wrote first."""
    for _ in range(_LOOKS):
        item, customer = world.table.item_and_customer(candidate.item_id, candidate.customer_id)
        rung = candidate.ring is None or (item is not None and item.ring == candidate.ring)
        if item is None or customer is None or item.customer_id != customer.id:
            return _Result.STALE
        if not waits(item) or not rung or item.queue not in queues:
            return _Result.STALE
        step = Step(actor=agent.id, cause="claim", at=world.now(), event_id=world.new_id())
        try:
            change = claim(item, customer, agent, world.policy, step, world.new_token(), answer_key)
            world.table.save(change, step.at)
        except NotAllowed:
            return _Result.UNFIT
        except LostRace as error:
            if _TWIN in error.reasons:
                raise
            continue
        return change.after or item
    return _Result.UNFIT


def _forget(candidate: _Candidate, world: World) -> None:
    if candidate.receipt:
        with suppress(Unavailable):  # a bell that stays is stale, and deleted by the next who hears it
            world.queues.delete(*candidate.receipt)
