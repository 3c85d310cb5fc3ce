"""What somebody tried, when, and what he then knew: noted by himself, as a client would."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from chalicelib.errors import Conflict, Rejected, Unavailable
from chalicelib.item.item import Item
from chalicelib.world import World


class Kind(StrEnum):
    """What was tried. `LOOK` only reads, `DELIVER` is a customer's message; `MANY` may write many items each."""

    CLAIM = "claim"
    HEARTBEAT = "heartbeat"
    RELEASE = "release"
    RESOLVE = "resolve"
    SNOOZE = "snooze"
    REASSIGN = "reassign"
    REPLY = "reply"
    NOTE = "note"
    TAG = "tag"
    DECLINE = "decline"
    SPLIT = "split"
    MERGE = "merge"
    UNMERGE = "unmerge"
    LOOK = "look"
    DELIVER = "deliver"
    WATCH = "watch"
    PRESENCE = "presence"


#: What changes, or makes, another item beside the one it is asked of.
PAIRS: Final = frozenset({Kind.SPLIT, Kind.MERGE, Kind.UNMERGE})
MANY: Final = frozenset({Kind.WATCH, Kind.PRESENCE})


class Outcome(StrEnum):
    """What whoever tried knows of it. A claim is also refused when nothing waits; `UNKNOWN` may have been done."""

    OK = "ok"
    REFUSED = "refused"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One thing somebody tried, and what he knows of it. A request repeated under its key is one operation.

    `version` is what he was told it made, None when he cannot know; `present` what a look or a refusal showed him.
    `ids` are the ids he gave to the events he tried to write. `late`: he had slept for longer than his lease.
    """

    process: str
    agent: str
    kind: Kind
    started: float
    ended: float
    outcome: Outcome
    item: str | None = None
    based_on: int | None = None
    version: int | None = None
    token: str | None = None
    lease_until: datetime | None = None
    present: int | None = None
    ids: tuple[str, ...] = ()
    late: bool = False

    @property
    def writes(self) -> bool:
        """Whether it was a write of one item's next version that succeeded."""
        return self.outcome == Outcome.OK and self.kind not in {Kind.HEARTBEAT, Kind.LOOK, *MANY}

    def __str__(self) -> str:
        made = f" -> {self.version}" if self.version else ""
        return f"{self.kind} of {self.item} by {self.agent} ({self.process}), {self.based_on}{made}, {self.outcome}"


@dataclass(frozen=True)
class NotedWorld(World):
    """A world with a clock of its own that remembers the ids it gave: an event's id tells who tried to write it."""

    clock: Callable[[], datetime] = datetime.now
    ids: Callable[[], str] = str
    drawn: list[str] = field(default_factory=list)

    def now(self) -> datetime:
        return self.clock()

    def new_id(self) -> str:
        self.drawn.append(self.ids())
        return self.drawn[-1]


@dataclass(frozen=True, slots=True)
class Tried[T]:
    """What became of a try: what he got, or why not and the item as the refusal showed it."""

    outcome: Outcome
    got: T | None = None
    why: Exception | None = None

    @property
    def present(self) -> Item | None:
        """The item as it was when he was refused, where he may see it."""
        return self.why.present if isinstance(self.why, Conflict) else None


class Notes:
    """Everything one person tried, in order. `process` is where his requests are served."""

    def __init__(self, process: str, who: str, world: NotedWorld) -> None:
        self._process, self._who, self._world = process, who, world
        self.made: list[Operation] = []

    def tried[T](
        self,
        kind: Kind,
        do: Callable[[], T | None],
        learnt: Callable[[T], Mapping[str, Any]] = lambda _: {},
        **known: Any,
    ) -> Tried[T]:
        """Tries it and notes what he then knows; None from `do` means that there was nothing to be had."""
        self._world.drawn.clear()
        started, tried = time.monotonic(), _outcome(do)
        ended = time.monotonic()
        facts = {**known, **(learnt(tried.got) if tried.got is not None else {})}
        if tried.present:
            facts["present"] = tried.present.version
        self.made.append(
            Operation(
                process=self._process, agent=self._who, kind=kind, started=started, ended=ended,
                outcome=tried.outcome, ids=tuple(self._world.drawn), **facts,
            )
        )  # fmt: skip
        return tried


def _outcome[T](do: Callable[[], T | None]) -> Tried[T]:
    try:
        got = do()
    except (Conflict, Rejected) as error:
        return Tried(Outcome.REFUSED, why=error)
    except Unavailable as error:
        return Tried(Outcome.UNKNOWN, why=error)
    return Tried(Outcome.REFUSED if got is None else Outcome.OK, got)
