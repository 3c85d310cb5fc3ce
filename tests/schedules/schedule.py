"""What happens on a day, drawn from a seed: pure data, which can be printed, shortened and had again."""

import random
from dataclasses import dataclass
from typing import Final

#: How often each happens, in parts.
WEIGHTS: Final = {
    # people and the world
    "mail": 16, "webhook": 7, "widget": 3, "agent": 34, "supervisor": 3, "news": 4,
    # AWS at work
    "inbound": 16, "timers": 6, "sender": 7, "recheck": 3, "stream": 16, "watch": 5, "time": 8,
    # and what goes wrong
    "death": 11, "throttling": 3, "silence": 3, "outage": 3, "fair weather": 3, "lost records": 1, "rebuild": 1,
    "model": 2, "rotation": 1, "skew": 2, "deploy": 2, "busy shop": 1, "late indexes": 2,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happens. All that chance decides in it follows from `dice`."""

    what: str
    dice: int

    @property
    def chance(self) -> random.Random:
        """Dice of this step alone: leaving another one out changes nothing in it."""
        return random.Random(self.dice)


def drawn(seed: int, steps: int = 60) -> list[Step]:
    """The schedule of a seed. A day begins with a few messages, so that there is something to go wrong."""
    chance = random.Random(seed)
    kinds, weights = list(WEIGHTS), list(WEIGHTS.values())
    first = ["mail", "mail", "webhook", "mail", "inbound", "stream"]
    return [Step(what, chance.getrandbits(32)) for what in [*first, *chance.choices(kinds, weights, k=steps)]]
