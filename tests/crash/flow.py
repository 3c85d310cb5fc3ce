"""What a flow under test is, and how a client acts who got no answer."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from chalicelib.item.item import Item
from tests.crash.desk import Desk

type Act = Callable[[], object]


@dataclass(frozen=True)
class Flow:
    """Something a process does and may die in. `prepare` makes the desk ready and gives what is done.

    What is done is done again when the process died: SQS and the stream bring it again, the watch comes again, a client
    asks again under the same key or looks first. An `asked` one need not be: who asked may give up.

    `unknown` are the numbers of written calls after which nobody can know whether a reply left; what an `overnight`
    flow leaves undone, the watch does later; one in `steps` writes many times, and may be left in the middle; `hidden`
    is how long SQS keeps a message from others when its process died; `answer` is what the same request under the same
    key is told again, of what is done.
    """

    prepare: Callable[[Desk], Act]
    asked: bool = False
    unknown: frozenset[int] = frozenset()
    overnight: bool = False
    steps: bool = False
    hidden: timedelta = timedelta(seconds=1)
    answer: Callable[[Any], object] | None = None


def looking_first(desk: Desk, item_id: str, done: Callable[[Item], bool], change: Callable[[Item], object]) -> Act:
    """A client without an answer: he looks whether what he wants is done, and asks again if not."""

    def act() -> None:
        item = desk.item(item_id)
        if not done(item):
            change(item)

    return act
