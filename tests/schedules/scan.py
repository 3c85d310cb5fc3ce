"""What must be true when a day is over: each check by its name, over the final state and over what people were told."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, Final

from chalicelib.item.state import State
from chalicelib.store import keys
from chalicelib.store.rows import event_of
from tests import invariants
from tests.crash import checks
from tests.crash.setting import Rows, of_kind
from tests.schedules.day import DayDesk, Outcome, Seen

#: What holds only when whoever was at work is done; all else holds at every moment.
_AT_REST: Final = frozenset({"absent", "sent-once"})


def violations(desk: DayDesk, seen: Seen) -> list[str]:
    """Every broken check, as `name: sentence`."""
    table = desk.rows()
    found = [one for one in seen.at_noon if one.split(":", 1)[0] not in _AT_REST]
    found += [f"{name}: {what}" for name, what in invariants.named(table.values())]
    found += [f"I9 at most once: {what}" for what in checks.misdone(desk, table)]
    found += [f"I5 reachable: {what}" for what in checks.stuck(desk, table)]
    found += [
        f"I1 no loss: {what}" for what in [*checks.lost(desk, table), *_accepted(seen, table), *_swallowed(seen, table)]
    ]
    found += [f"I2 no duplicate: {what}" for what in _doubled_mails(seen, table)]
    found += [f"I3 one claim: {what}" for what in _claims(table)]
    found += [f"I4 fencing: {what}" for what in _fencing(seen)]
    found += [f"I6 history: {what}" for what in [*seen.rewritten, *_told(seen, table)]]
    found += [f"I8 thread: {what}" for what in _forged(seen, table)]
    found += [f"I14 quiescence: {what}" for what in [*_left(desk), *seen.wrong]]
    return list(dict.fromkeys(found))


def _entry(table: Rows, channel: str, delivery: str) -> Mapping[str, Any] | None:
    key = keys.delivery_key(channel, delivery)
    row = table.get((key["pk"], key["sk"]))
    return next((e for e in of_kind(table, "event") if row and e["event_id"] == row["event_id"]), None)


def _accepted(seen: Seen, table: Rows) -> Iterator[str]:
    for delivery in seen.accepted:
        if _entry(table, "chat", f"shop-widget#{delivery}") is None:
            yield f"webhook {delivery} was answered 2xx and is in no timeline"


def _doubled_mails(seen: Seen, table: Rows) -> Iterator[str]:
    """Of one mail, however often and under however many ids it came, there is one entry where it could be read."""
    for (message_id, _), deliveries in seen.mails.items():
        entries = [entry for one in deliveries if (entry := _entry(table, "mail", one))]
        distinct = {e["event_id"] for e in entries if e["type"] == "message-received"}
        if len(distinct) > 1:
            yield f"mail {message_id} stands {len(distinct)} times"


def _swallowed(seen: Seen, table: Rows) -> Iterator[str]:
    """A mail that says something else under a known Message-ID has an entry of its own."""
    says = defaultdict(set)
    for (message_id, text), deliveries in seen.mails.items():
        for entry in (_entry(table, "mail", one) for one in deliveries):
            says[entry["event_id"] if entry else None].add((message_id, text))
    for event_id, mails in says.items():
        if event_id and len(mails) > 1:
            yield f"entry {event_id} stands for {len(mails)} mails of Message-ID {sorted(m for m, _ in mails)[0]}"


def _claims(table: Rows) -> Iterator[str]:
    """Walks each item's life: nobody claims what another holds, and only the holder lets it go."""
    told = defaultdict(list)
    for event in map(event_of, of_kind(table, "event")):
        if event.item_id and event.version:
            told[event.item_id].append(event)
    for item_id, events in told.items():
        holder = None
        for event in sorted(events, key=lambda e: e.version or 0):
            if event.type == "item-claimed" and holder not in {None, event.actor}:
                yield f"{item_id} was claimed by {event.actor} while {holder} held it, at version {event.version}"
            if event.type in {"item-released", "reply-queued"} and event.actor != holder and event.actor != "sortownia":
                yield f"{item_id}: {event.type} by {event.actor} while {holder} held it"
            if "to" in event.facts:
                holder = event.facts.get("holder") if event.facts["to"] == State.CLAIMED else None


def _fencing(seen: Seen) -> Iterator[str]:
    for one in seen.commands:
        if one.what.stale and one.outcome == Outcome.OK:
            yield f"accepted on an old version: {one.what}"
        if one.held is False and one.outcome == Outcome.OK:
            yield f"a heartbeat without the claim was accepted: {one.what}"


def _told(seen: Seen, table: Rows) -> Iterator[str]:
    """What was done is told at its version by who did it; what was refused, never."""
    events = {event["event_id"]: event for event in of_kind(table, "event")}
    at = Counter((e["item_id"], int(e["version"])) for e in events.values() if e.get("item_id") and e.get("version"))
    actors = {(e["item_id"], int(e["version"])): e["actor"] for e in events.values() if e.get("version")}
    for one in seen.commands:
        written = [event_id for event_id in one.ids if event_id in events]
        if one.outcome == Outcome.REFUSED and written and one.what.name not in {"presence"}:
            yield f"refused and told all the same: {one.what}"
        if one.outcome == Outcome.OK:
            for made in one.made:
                if at[made] != 1 or (written and actors[made] not in {one.what.by.id}):
                    yield f"done and told {at[made]} times at {made}, by {actors.get(made)}: {one.what}"


def _forged(seen: Seen, table: Rows) -> Iterator[str]:
    for forged, victim in seen.forged.items():
        entry, right = _entry(table, "mail", forged), _entry(table, "mail", victim)
        if entry and right and entry.get("item_id") and entry.get("customer_id") == right.get("customer_id"):
            yield f"mail {forged}, which proves nothing, stands in the timeline of {victim}"


def _left(desk: DayDesk) -> Iterator[str]:
    for message in desk.outside.messages:
        if "-work-" not in message.url and not message.url.endswith("-parking"):
            yield f"still in flight: {message.url.rsplit('/', 1)[1]} {message.body[:80]}"
