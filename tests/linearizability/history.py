"""Checks what people did and were told against what the table tells of it afterwards. Pure; n log n of n operations.

Versions already put an item's writes into an order, so nothing has to be searched: every check is one walk over an
item's writes in that order, or one look by bisection. Times are seconds of one monotonic clock of this machine.
"""

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from typing import Any, Final

from chalicelib.item.item import EventType
from chalicelib.item.state import RESTING_STATES, State
from chalicelib.store import rows
from tests.linearizability.notes import MANY, PAIRS, Kind, Operation, Outcome

#: How the table tells of each.
_TYPES: Final[Mapping[Kind, EventType]] = {
    Kind.CLAIM: EventType.ITEM_CLAIMED,
    Kind.RELEASE: EventType.ITEM_RELEASED,
    Kind.RESOLVE: EventType.ITEM_RESOLVED,
    Kind.SNOOZE: EventType.ITEM_SNOOZED,
    Kind.REASSIGN: EventType.ITEM_REASSIGNED,
    Kind.REPLY: EventType.REPLY_QUEUED,
    Kind.NOTE: EventType.NOTE_ADDED,
    Kind.TAG: EventType.TAGS_DECIDED,
    Kind.DECLINE: EventType.OFFER_DECLINED,
    Kind.DELIVER: EventType.MESSAGE_RECEIVED,
    Kind.SPLIT: EventType.ITEM_SPLIT,
    Kind.MERGE: EventType.ITEM_MERGED,
    Kind.UNMERGE: EventType.ITEM_UNMERGED,
}
#: How the table tells of them at the other item.
_BESIDE: Final[Mapping[Kind, EventType]] = {
    Kind.SPLIT: EventType.ITEM_SPLIT_OFF,
    Kind.MERGE: EventType.ITEM_JOINED,
    Kind.UNMERGE: EventType.ITEM_PARTED,
}
#: Entries that only the holder writes, and those that he may also write to whom a resting item is pinned.
_HOLDERS: Final = frozenset({EventType.ITEM_RELEASED, EventType.REPLY_QUEUED})
_OWNERS: Final = frozenset({
    EventType.ITEM_RESOLVED, EventType.ITEM_SNOOZED, EventType.ITEM_REASSIGNED, EventType.TAGS_DECIDED,
    EventType.ITEM_SPLIT, EventType.ITEM_MERGED,
})  # fmt: skip


class Check(StrEnum):
    """What must hold of every history."""

    DISTINCT = "versions-distinct"  # no two writes made the same version of an item
    NEXT = "version-is-next"  # a write makes the version after the one it was based on
    REAL_TIME = "real-time-order"  # what ended before another began has the lower version
    PRESENT = "present-was-present"  # a refusal shows the item as it was at a moment while he asked
    ONE_HOLDER = "one-holder"  # between a claim and its end nobody else claims the item or writes as its holder
    TOKEN = "token-of-the-claim"  # a heartbeat that succeeds names the claim that holds at that moment
    LEASE = "lease-kept"  # no claim is ended for its lease before that is over, by the clock of who ends it
    AT_MOST_ONCE = "once-or-never"  # what has an unknown outcome stands in the table once or not at all
    TOLD = "told-as-done"  # what was done is told once, as it was done; what was refused, never; nothing else is told


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One entry of the table's history: the item's `state` from then on, and who holds it.

    A customer's message changes no holder and tells of none.
    """

    id: str
    item: str
    version: int
    type: str
    actor: str
    at: datetime
    state: str
    holder: str | None = None

    @property
    def begins(self) -> bool:
        """Whether it is a claim."""
        return self.type == EventType.ITEM_CLAIMED

    @property
    def holds(self) -> bool:
        """Whether it tells who holds the item."""
        return self.type != EventType.MESSAGE_RECEIVED


@dataclass(frozen=True, slots=True)
class Violation:
    """A check that failed, and what shows it."""

    check: Check
    what: str


def told(event_rows: Iterable[Mapping[str, Any]]) -> list[Told]:
    """The entries of the table's event rows (plain ones) that made a version of an item."""
    events = map(rows.event_of, event_rows)
    return [
        Told(
            id=event.id, item=event.item_id, version=event.version, type=event.type, actor=event.actor, at=event.at,
            state=event.facts.get("to") or event.facts["state"],
            holder=event.facts["holder"] if event.facts.get("to") == State.CLAIMED else None,
        )
        for event in events
        if event.item_id and event.version
    ]  # fmt: skip


def violations(operations: Sequence[Operation], entries: Sequence[Told]) -> list[Violation]:
    """Every check that fails. The entries are all there are of the items, the operations all there were of agents."""
    past = _Past(operations, entries)
    return [
        *_distinct(past),
        *_next(past),
        *_real_time(past),
        *_present(past),
        *_one_holder(past),
        *_token(past),
        *_lease(past),
        *_at_most_once(past),
        *_told(past),
    ]


@dataclass(frozen=True, slots=True)
class _Claim:
    """One hold of an item: the entry that began it, by claim or by passing on, and the one that ended it, if any."""

    began: Told
    ended: Told | None


class _Past:
    """Operations and entries, and how they belong together."""

    def __init__(self, operations: Sequence[Operation], entries: Sequence[Told]) -> None:
        self.operations = operations
        self.entries: Final = {entry.id: entry for entry in entries}
        self.by_item: Final = defaultdict[str, list[Told]](list)
        for entry in sorted(entries, key=lambda entry: entry.version):
            self.by_item[entry.item].append(entry)
        self.doer: Final = {event_id: operation for operation in operations for event_id in operation.ids}

    def entries_of(self, operation: Operation) -> list[Told]:
        """What the table tells of an operation."""
        return [entry for entry in self._all_of(operation) if entry.type not in _BESIDE.values()]

    def beside(self, operation: Operation) -> list[Told]:
        """What the table tells of it at another item."""
        return [entry for entry in self._all_of(operation) if entry.type in _BESIDE.values()]

    def _all_of(self, operation: Operation) -> list[Told]:
        return [self.entries[event_id] for event_id in operation.ids if event_id in self.entries]

    def version_of(self, operation: Operation) -> int | None:
        """The version an operation made: as it was told or, where it could not know, as the table has it."""
        if operation.version is not None or operation.kind in MANY:
            return operation.version
        return next((entry.version for entry in self.entries_of(operation)), None)

    def item_of(self, operation: Operation) -> str | None:
        """The item an operation was about, where anybody knows."""
        return operation.item or next((entry.item for entry in self.entries_of(operation)), None)

    @cached_property
    def writes(self) -> Mapping[str, list[tuple[int, Operation]]]:
        """By item: the versions that are known to have been written when an operation ended, ascending."""
        found = defaultdict[str, list[tuple[int, Operation]]](list)
        for operation in self.operations:
            version = self.version_of(operation) if operation.writes else None
            item = self.item_of(operation)
            if version is not None and item is not None:
                found[item].append((version, operation))
            if operation.kind in MANY | PAIRS and operation.outcome == Outcome.OK:
                others = self.entries_of(operation) if operation.kind in MANY else self.beside(operation)
                for entry in others:
                    found[entry.item].append((entry.version, operation))
        for written in found.values():
            written.sort(key=lambda pair: pair[0])
        return found

    @cached_property
    def _earliest_ends(self) -> Mapping[str, tuple[list[int], list[float]]]:
        """By item: its written versions, and for each the earliest end of a write of that version or a later one."""
        found = {}
        for item, written in self.writes.items():
            ends = [operation.ended for _, operation in written]
            for place in range(len(ends) - 2, -1, -1):
                ends[place] = min(ends[place], ends[place + 1])
            found[item] = ([version for version, _ in written], ends)
        return found

    def reached_by(self, item: str, version: int) -> float:
        """The moment by which somebody knew that an item had reached a version; infinite when nobody did."""
        versions, ends = self._earliest_ends.get(item, ([], []))
        place = bisect_left(versions, version)
        return ends[place] if place < len(ends) else float("inf")

    @cached_property
    def claims(self) -> list[_Claim]:
        """Every hold of every item, as the table tells it: it ends with its holder, or with the next claim."""
        found = []
        for entries in self.by_item.values():
            began: Told | None = None
            for entry in entries:
                if not entry.holds or (began and entry.holder == began.holder and not entry.begins):
                    continue
                if began:
                    found.append(_Claim(began, entry))
                began = entry if entry.holder else None
            if began:
                found.append(_Claim(began, None))
        return found

    @cached_property
    def claim_of(self) -> Mapping[str, _Claim]:
        """The hold that a token stands for."""
        tokens = {}
        for claim in self.claims:
            doer = self.doer.get(claim.began.id)
            if doer and doer.token and claim.began.type not in _BESIDE.values():
                tokens[doer.token] = claim
        return tokens

    @cached_property
    def beats(self) -> Mapping[str, list[Operation]]:
        """The heartbeats of each token that succeeded or may have, in the order they were sent."""
        found = defaultdict[str, list[Operation]](list)
        for operation in sorted(self.operations, key=lambda operation: operation.started):
            if operation.kind == Kind.HEARTBEAT and operation.token and operation.outcome != Outcome.REFUSED:
                found[operation.token].append(operation)
        return found


def _distinct(past: _Past) -> Iterator[Violation]:
    for item, written in past.writes.items():
        for version, times in Counter(version for version, _ in written).items():
            if times > 1:
                yield Violation(Check.DISTINCT, f"version {version} of {item} was made {times} times")


def _next(past: _Past) -> Iterator[Violation]:
    for operation in past.operations:
        version = past.version_of(operation) if operation.writes else None
        if version is not None and operation.based_on is not None and version != operation.based_on + 1:
            yield Violation(Check.NEXT, f"{operation}: made {version}")


def _real_time(past: _Past) -> Iterator[Violation]:
    for operation in past.operations:
        version, item = past.version_of(operation), past.item_of(operation)
        if version is not None and item is not None and past.reached_by(item, version + 1) < operation.started:
            yield Violation(Check.REAL_TIME, f"{operation}: version {version + 1} was there before it began")


def _present(past: _Past) -> Iterator[Violation]:
    for operation in past.operations:
        if operation.present is None or operation.item is None:
            continue
        if past.reached_by(operation.item, operation.present + 1) < operation.started:
            yield Violation(Check.PRESENT, f"{operation}: was shown version {operation.present}, long past")


def _one_holder(past: _Past) -> Iterator[Violation]:
    agents = {operation.agent for operation in past.operations if operation.kind not in {Kind.DELIVER, *MANY}}
    for entries in past.by_item.values():
        holder: str | None = None
        state: str | None = None
        for entry in entries:
            if not _may(entry, holder, state) and (entry.actor in agents or entry.begins):
                yield Violation(Check.ONE_HOLDER, f"{entry} while {state}, held by {holder}")
            state, holder = entry.state, entry.holder if entry.holds else holder


def _may(entry: Told, holder: str | None, state: str | None) -> bool:
    """Whether an agent could write this while somebody held the item, or nobody."""
    if entry.begins:
        return holder is None
    if entry.type in _HOLDERS:
        return entry.actor == holder
    if entry.type in _OWNERS:
        return entry.actor == holder or (holder is None and state in RESTING_STATES)
    return True


def _token(past: _Past) -> Iterator[Violation]:
    for operation in past.operations:
        if operation.kind != Kind.HEARTBEAT or operation.outcome != Outcome.OK:
            continue
        claim = past.claim_of.get(operation.token or "")
        if claim is None or claim.began.item != operation.item or claim.began.holder != operation.agent:
            yield Violation(Check.TOKEN, f"{operation}: its token is of no claim of his")
        elif claim.ended and past.reached_by(claim.ended.item, claim.ended.version) < operation.started:
            yield Violation(Check.TOKEN, f"{operation}: version {claim.ended.version} had ended his claim")


def _lease(past: _Past) -> Iterator[Violation]:
    for claim in past.claims:
        doer = past.doer.get(claim.began.id)
        if claim.began.type in _BESIDE.values():  # of that claim nobody noted the token
            continue
        if claim.ended is None or claim.ended.type != EventType.LEASE_EXPIRED or doer is None:
            continue
        last = past.beats.get(doer.token or "", [doer])[-1]
        if last.lease_until and claim.ended.at < last.lease_until:
            what = f"the claim of {claim.ended.item} by {doer.agent} ended {last.lease_until - claim.ended.at} early"
            yield Violation(Check.LEASE, what)


def _at_most_once(past: _Past) -> Iterator[Violation]:
    for operation in past.operations:
        entries = past.entries_of(operation)
        if operation.outcome == Outcome.UNKNOWN and operation.kind not in MANY and len(entries) > 1:
            yield Violation(Check.AT_MOST_ONCE, f"{operation}: told as versions {[e.version for e in entries]}")


def _told(past: _Past) -> Iterator[Violation]:
    for operation in past.operations:
        entries = past.entries_of(operation)
        right = len(entries) == 1 and _agree(operation, entries[0])
        refused = operation.outcome == Outcome.REFUSED and operation.kind not in MANY
        if (operation.writes and not right) or (refused and entries):
            yield Violation(Check.TOLD, f"{operation}: told as {entries}")
        others = [entry.type for entry in past.beside(operation)]
        if others != [_BESIDE[operation.kind] for _ in entries if operation.kind in _BESIDE]:
            yield Violation(Check.TOLD, f"{operation}: told at the other item as {others}")
    agents = {operation.agent for operation in past.operations}
    for entry in past.entries.values():
        if entry.actor in agents and entry.id not in past.doer:
            yield Violation(Check.TOLD, f"nobody did what {entry} tells")


def _agree(operation: Operation, entry: Told) -> bool:
    return (
        operation.item in (None, entry.item)
        and operation.version in (None, entry.version)
        and entry.actor == operation.agent
        and entry.type == _TYPES.get(operation.kind)
    )
