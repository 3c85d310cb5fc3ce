"""Deciding again when another writer was first."""

import random
import time
from collections.abc import Callable
from typing import Final

from chalicelib.errors import LostRace

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
