"""The checker itself: a good history passes, and each bad one fails by the check that is there for it."""

import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.item.item import EventType
from tests.linearizability.history import Check, Told, violations
from tests.linearizability.notes import Kind, Operation, Outcome

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
OVER = NOON + timedelta(seconds=5)

type History = tuple[list[Operation], list[Told]]


def tried(agent: str, kind: Kind, started: float, **known: Any) -> Operation:
    """Something that took a second and succeeded, under the id `<agent>-<kind>`."""
    given = {"item": "it1", "outcome": Outcome.OK, "ids": (f"{agent}-{kind}",), **known}
    return Operation(process="one", agent=agent, kind=kind, started=started, ended=started + 1, **given)


def entry(version: int, event_type: EventType, actor: str, state: str, **known: Any) -> Told:
    """What the table tells of it; the id is its doer's."""
    kinds = {"item-claimed": "claim", "item-released": "release", "item-resolved": "resolve", "note-added": "note"}
    given = {"id": f"{actor}-{kinds.get(event_type, event_type)}", "item": "it1", "at": NOON, **known}
    return Told(version=version, type=event_type, actor=actor, state=state, **given)


ARRIVED = entry(1, EventType.MESSAGE_RECEIVED, "customer", "queued")
CLAIMED = entry(2, EventType.ITEM_CLAIMED, "anna", "claimed", holder="anna")
RELEASED = entry(3, EventType.ITEM_RELEASED, "anna", "queued")
CLAIMED_BY_BORIS = entry(4, EventType.ITEM_CLAIMED, "boris", "claimed", holder="boris")
RESOLVED = entry(5, EventType.ITEM_RESOLVED, "boris", "resolved")
EXPIRED = entry(3, EventType.LEASE_EXPIRED, "sortownia", "queued", at=OVER)

CLAIM = tried("anna", Kind.CLAIM, 10, version=2, token="a", lease_until=OVER)
BEAT = tried("anna", Kind.HEARTBEAT, 20, token="a", lease_until=OVER)
RELEASE = tried("anna", Kind.RELEASE, 30, based_on=2, version=3)
CLAIM_BY_BORIS = tried("boris", Kind.CLAIM, 40, version=4, token="b", lease_until=OVER)
RESOLVE = tried("boris", Kind.RESOLVE, 50, based_on=4, version=5)

#: Anna claims, and merges what she holds into it2.
MERGE = tried("anna", Kind.MERGE, 20, based_on=2, version=3, ids=("merge", "join"))
MERGED = entry(3, EventType.ITEM_MERGED, "anna", "resolved", id="merge")
OTHER = replace(ARRIVED, id="other", item="it2")
JOINED = entry(3, EventType.ITEM_JOINED, "anna", "queued", item="it2", id="join")

#: Anna claims, prolongs, gives back; then Boris claims and resolves.
DONE = [CLAIM, BEAT, RELEASE, CLAIM_BY_BORIS, RESOLVE]
TOLD = [ARRIVED, CLAIMED, RELEASED, CLAIMED_BY_BORIS, RESOLVED]


def without(ones: Iterable[Any], *gone: Any) -> list[Any]:
    return [one for one in ones if one not in gone]


def changed(ones: Iterable[Any], which: Any, **how: Any) -> list[Any]:
    return [replace(one, **how) if one == which else one for one in ones]


def failing(history: History) -> set[Check]:
    return {violation.check for violation in violations(*history)}


GOOD: dict[str, History] = {
    "one after the other": (DONE, TOLD),
    "nothing at all": ([], []),
    "at the same time, in either order": (changed(DONE, CLAIM_BY_BORIS, started=30.5, ended=31.5), TOLD),
    "unknown and told once": (changed(DONE, RESOLVE, outcome=Outcome.UNKNOWN, version=None), TOLD),
    "unknown and never told": (
        changed(DONE, RESOLVE, outcome=Outcome.UNKNOWN, version=None), without(TOLD, RESOLVED),
    ),
    "claimed by a second request under its key": (changed(DONE, CLAIM, version=None), TOLD),
    "refused with the present state, late": (
        [*DONE, tried("anna", Kind.RESOLVE, 60, based_on=2, outcome=Outcome.REFUSED, present=5, ids=("x",))], TOLD,
    ),
    "a look while somebody writes": ([*DONE, tried("anna", Kind.LOOK, 30.5, present=2, ids=())], TOLD),
    "a heartbeat while the claim ends": (
        [*DONE, tried("anna", Kind.HEARTBEAT, 30.5, token="a", lease_until=OVER, ids=())], TOLD,
    ),
    "a customer's message and a colleague's note in between": (
        [CLAIM, tried("boris", Kind.NOTE, 12, based_on=3, version=4),
         tried("anna", Kind.RELEASE, 30, based_on=4, version=5)],
        [ARRIVED, CLAIMED, replace(ARRIVED, id="second", version=3, state="claimed"),
         entry(4, EventType.NOTE_ADDED, "boris", "claimed", holder="anna"), replace(RELEASED, version=5)],
    ),
    "a lease that ran out": ([CLAIM, CLAIM_BY_BORIS, RESOLVE], [ARRIVED, CLAIMED, EXPIRED, *TOLD[3:]]),
    "a lease moved on by a heartbeat of unknown outcome": (
        [CLAIM, replace(BEAT, outcome=Outcome.UNKNOWN, lease_until=None)],
        [ARRIVED, CLAIMED, replace(EXPIRED, at=OVER - timedelta(minutes=10))],
    ),
    "passed on, and prolonged by who has it now": (
        [CLAIM, tried("anna", Kind.REASSIGN, 20, based_on=2, version=3, token="b", ids=("on",)),
         tried("boris", Kind.HEARTBEAT, 30, token="b", lease_until=OVER, ids=()),
         tried("boris", Kind.RESOLVE, 40, based_on=3, version=4)],
        [ARRIVED, CLAIMED, entry(3, EventType.ITEM_REASSIGNED, "anna", "claimed", holder="boris", id="on"),
         replace(RESOLVED, version=4)],
    ),
    "resolved while it waits for the customer": (
        [CLAIM, tried("anna", Kind.REPLY, 20, based_on=2, version=3, ids=("r",)),
         tried("anna", Kind.RESOLVE, 30, based_on=3, version=4)],
        [ARRIVED, CLAIMED, entry(3, EventType.REPLY_QUEUED, "anna", "waiting", id="r"),
         entry(4, EventType.ITEM_RESOLVED, "anna", "resolved")],
    ),
    "merged into another while a colleague writes a note on that": (
        [CLAIM, MERGE, tried("boris", Kind.NOTE, 20.5, item="it2", based_on=1, version=2)],
        [ARRIVED, CLAIMED, MERGED, OTHER, entry(2, EventType.NOTE_ADDED, "boris", "queued", item="it2"), JOINED],
    ),
    "a round of the watch that ended it": (
        [CLAIM, tried("watch", Kind.WATCH, 20, item=None, ids=("w", "lost"))],
        [ARRIVED, CLAIMED, replace(EXPIRED, id="w")],
    ),
}  # fmt: skip


@pytest.mark.parametrize("history", GOOD.values(), ids=GOOD)
def test_a_good_history_passes(history: History) -> None:
    assert violations(*history) == []


def bad(check: Check, why: str, done: list[Operation], told: list[Told]) -> Any:
    return pytest.param((done, told), check, id=f"{check}: {why}")


@pytest.mark.parametrize(
    ("history", "check"),
    [
        bad(Check.DISTINCT, "two claims made version 4",
            [*DONE, tried("anna", Kind.CLAIM, 40, version=4, ids=("again",))], TOLD),
        bad(Check.DISTINCT, "merged into what somebody wrote on at that version",
            [CLAIM, MERGE, tried("boris", Kind.NOTE, 20.5, item="it2", based_on=2, version=3)],
            [ARRIVED, CLAIMED, MERGED, OTHER, replace(OTHER, id="more", version=2), JOINED,
             entry(3, EventType.NOTE_ADDED, "boris", "queued", item="it2")]),
        bad(Check.ONE_HOLDER, "merged by who does not hold it",
            [CLAIM, replace(MERGE, agent="boris")], [ARRIVED, CLAIMED, replace(MERGED, actor="boris"), OTHER,
             replace(JOINED, version=2, actor="boris")]),
        bad(Check.TOLD, "merged, and the other item tells nothing of it", [CLAIM, MERGE],
            [ARRIVED, CLAIMED, MERGED, OTHER]),
        bad(Check.TOLD, "not merged, and the other item tells of it", [CLAIM, replace(MERGE, outcome=Outcome.REFUSED)],
            [ARRIVED, CLAIMED, OTHER, replace(JOINED, version=2)]),
        bad(Check.NEXT, "resolved into the version it saw", changed(DONE, RESOLVE, version=4),
            changed(TOLD, RESOLVED, version=4)),
        bad(Check.NEXT, "a version was passed over", changed(DONE, RESOLVE, version=6),
            changed(TOLD, RESOLVED, version=6)),
        bad(Check.REAL_TIME, "claimed after it was resolved, and the version is older",
            changed(DONE, CLAIM_BY_BORIS, started=60.0, ended=61.0), TOLD),
        bad(Check.REAL_TIME, "of unknown outcome, begun too late to be the one that is told",
            changed(DONE, CLAIM_BY_BORIS, started=60.0, ended=61.0, outcome=Outcome.UNKNOWN, version=None), TOLD),
        bad(Check.PRESENT, "a refusal shows what was long past",
            [*DONE, tried("anna", Kind.RESOLVE, 60, outcome=Outcome.REFUSED, present=4, ids=())], TOLD),
        bad(Check.PRESENT, "a look shows what was long past",
            [*DONE, tried("anna", Kind.LOOK, 60, present=4, ids=())], TOLD),
        bad(Check.ONE_HOLDER, "claimed while somebody holds it",
            without(DONE, RELEASE, RESOLVE), [ARRIVED, CLAIMED, CLAIMED_BY_BORIS]),
        bad(Check.ONE_HOLDER, "claimed while he himself holds it", [CLAIM, replace(CLAIM, version=3, ids=("again",))],
            [ARRIVED, CLAIMED, replace(CLAIMED, version=3, id="again")]),
        bad(Check.ONE_HOLDER, "resolved by another", [CLAIM, replace(RESOLVE, based_on=2, version=3)],
            [ARRIVED, CLAIMED, CLAIMED_BY_BORIS, replace(RESOLVED, version=3)]),
        bad(Check.ONE_HOLDER, "resolved while it is queued",
            without(DONE, CLAIM_BY_BORIS), [*TOLD[:3], replace(RESOLVED, version=5)]),
        bad(Check.ONE_HOLDER, "resolved by who it was pinned to, after the customer's answer",
            [CLAIM, tried("anna", Kind.REPLY, 20, based_on=2, version=3, ids=("r",)),
             tried("anna", Kind.RESOLVE, 30, based_on=4, version=5)],
            [ARRIVED, CLAIMED, entry(3, EventType.REPLY_QUEUED, "anna", "waiting", id="r"),
             replace(ARRIVED, id="answer", version=4), entry(5, EventType.ITEM_RESOLVED, "anna", "resolved")]),
        bad(Check.ONE_HOLDER, "released while it waits for the customer",
            [CLAIM, RELEASE], [ARRIVED, replace(CLAIMED, state="waiting", holder=None), RELEASED]),
        bad(Check.TOKEN, "prolonged after it was given back", changed(DONE, BEAT, started=32.0, ended=33.0), TOLD),
        bad(Check.TOKEN, "prolonged after the watch ended it",
            [CLAIM, tried("watch", Kind.WATCH, 12, item=None, ids=("w",)), BEAT],
            [ARRIVED, CLAIMED, replace(EXPIRED, id="w")]),
        bad(Check.TOKEN, "prolonged with another's token",
            [*DONE, replace(BEAT, token="b", started=42.0, ended=43.0)], TOLD),
        bad(Check.TOKEN, "prolonged with a token nobody was given", changed(DONE, BEAT, token="?"), TOLD),
        bad(Check.TOKEN, "prolonged with the token of his earlier claim",
            [*DONE[:3], replace(CLAIM_BY_BORIS, agent="anna"), replace(BEAT, started=42.0, ended=43.0)],
            [*TOLD[:3], replace(CLAIMED_BY_BORIS, actor="anna", holder="anna")]),
        bad(Check.LEASE, "ended before its time",
            [CLAIM], [ARRIVED, CLAIMED, replace(EXPIRED, at=OVER - timedelta(milliseconds=1))]),
        bad(Check.LEASE, "ended although a heartbeat moved it on",
            [CLAIM, replace(BEAT, lease_until=OVER + timedelta(seconds=1))], [ARRIVED, CLAIMED, EXPIRED]),
        bad(Check.AT_MOST_ONCE, "of unknown outcome and told twice",
            changed(DONE, RELEASE, outcome=Outcome.UNKNOWN, version=None, ids=("anna-release", "twice")),
            [*TOLD, replace(RELEASED, id="twice", version=6)]),
        bad(Check.TOLD, "done and not told", DONE, without(TOLD, RESOLVED)),
        bad(Check.TOLD, "done and told twice", changed(DONE, RELEASE, ids=("anna-release", "twice")),
            [*TOLD, replace(RELEASED, id="twice", version=6)]),
        bad(Check.TOLD, "told as another's", DONE, changed(TOLD, RESOLVED, actor="anna")),
        bad(Check.TOLD, "told as another step", DONE, changed(TOLD, RELEASED, type=EventType.ITEM_SNOOZED)),
        bad(Check.TOLD, "told of another item", DONE, changed(TOLD, RESOLVED, item="it2")),
        bad(Check.TOLD, "told as another version", DONE, changed(TOLD, RESOLVED, version=6)),
        bad(Check.TOLD, "refused and told", changed(DONE, RESOLVE, outcome=Outcome.REFUSED, version=None), TOLD),
        bad(Check.TOLD, "told and done by nobody", without(DONE, RESOLVE), TOLD),
    ],
)  # fmt: skip
def test_a_bad_history_fails_by_its_check(history: History, check: Check) -> None:
    assert check in failing(history)


def test_every_check_has_its_bad_history() -> None:
    marks: Callable[..., Any] = test_a_bad_history_fails_by_its_check
    cases = marks.pytestmark[0].args[1]  # type: ignore[attr-defined]
    assert {case.values[1] for case in cases} == set(Check)


def test_a_long_history_is_checked_quickly() -> None:
    """Thirty thousand writes of one item: anything quadratic would take minutes."""
    notes = range(2, 30_000)
    done = [tried("anna", Kind.NOTE, 2.0 * n, based_on=n - 1, version=n, ids=(f"n{n}",)) for n in notes]
    told = [ARRIVED, *(entry(n, EventType.NOTE_ADDED, "anna", "queued", id=f"n{n}") for n in notes)]
    started = time.process_time()
    assert violations(done, told) == []
    assert time.process_time() - started < 10
