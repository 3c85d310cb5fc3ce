"""Deciding again when another writer was first."""

import random
import time
from collections.abc import Callable
from datetime import datetime
from typing import Final

from chalicelib.errors import AtCapacity, LostRace
from chalicelib.item.change import Change
from chalicelib.item.item import Item
from chalicelib.item.offer import Agents, candidates
from chalicelib.metrics import PROMISE_BREACHED, PROMISE_KEPT, PROMISE_WARNED
from chalicelib.world import World

TRIES: Final = 12
_FIRST_WAIT: Final = 0.01
_LONGEST_WAIT: Final = 0.4


def until_won[T](decide_and_save: Callable[[], T]) -> T:
    """Reads, decides and saves anew as long as others win, with growing random waits.

    Raises the last `LostRace` after twelve tries: some two seconds of losing.
    """
    for attempt in range(TRIES - 1):
        try:
            return decide_and_save()
        except LostRace:
            longest = min(_LONGEST_WAIT, _FIRST_WAIT * 2**attempt)
            time.sleep(random.uniform(0, longest))  # noqa: S311 - spreads writers, guards nothing
    return decide_and_save()


def save(change: Change, at: datetime, world: World) -> None:
    """Writes one decision whole. Raises `LostRace`, also where an agent it was offered to is no longer free."""
    try:
        world.table.save(change, at)
        _count_promises(change, world)
    except AtCapacity:
        for part in change.parts:
            offered = part.after and part.after.offered_to
            if offered and not (part.before and part.before.offered_to == offered):
                raise LostRace((f"offer to {offered}",)) from None
        raise


def _count_promises(change: Change, world: World) -> None:
    """Counts what became of promises by a change that was written: each outcome once."""
    for part in change.parts:
        before = part.before.promises.clocks if part.before and part.before.promises else {}
        after = part.after.promises.clocks if part.after and part.after.promises else {}
        for name, clock in after.items():
            was = before.get(name)
            if was is None or was == clock:
                continue
            if clock.breached_at and not was.breached_at:
                world.metrics.count(PROMISE_BREACHED, promise=name)
            elif clock.ended_at and not was.ended_at and not clock.breached_at:
                world.metrics.count(PROMISE_KEPT, promise=name)
            elif clock.warned_at and not was.warned_at:
                world.metrics.count(PROMISE_WARNED, promise=name)


def offerable(item: Item, world: World) -> Agents:
    """The agents an item may be offered to when it enters its queue, as they are now; one call, none for most mail."""
    return world.table.agents(candidates(item, world.policy))
