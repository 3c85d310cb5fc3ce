"""What must hold of a table at rest, whatever crashed before. Each check names what breaks it."""

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Any

from chalicelib.item.state import RESTING_STATES, WAITING_STATES, State
from chalicelib.policy import CHANNELS, QUARANTINE
from chalicelib.store import keys, rows

type Row = Mapping[str, Any]
type ByKind = Mapping[str, list[Row]]

ARRIVALS = {"message-received", "delivery-quarantined"}
QUEUED = {"reply-queued", "acknowledgement-queued"}
DAY = timedelta(days=1)
#: What is told, at the least, of a reply in each status.
NEWS = {
    "delivered": "reply-delivered",
    "bounced": "reply-bounced",
    "failed": "reply-failed",
    "unknown": "reply-unknown",
}


def violations(table: Iterable[Row]) -> list[str]:
    """Every broken invariant of these rows (plain ones), as a sentence; empty when all hold.

    At rest means that whoever was at work is done, or dead and the minute watch has looked after what he left.
    """
    return [broken for _, broken in named(table)]


def named(table: Iterable[Row]) -> list[tuple[str, str]]:
    """The same, each with the name of the check that found it."""
    by_kind: dict[str, list[Row]] = defaultdict(list)
    for row in table:
        by_kind[row["kind"]].append(row)
    return [(check.__name__.strip("_").replace("_", "-"), broken) for check in CHECKS for broken in check(by_kind)]


def _deliveries_once(by_kind: ByKind) -> Iterator[str]:
    """I1, I2: each delivery's ledger row names one entry that exists, and no two entries have one cause."""
    events = {event["event_id"]: event for event in by_kind["event"]}
    yield from (f"ledger row {d['pk']} names no event" for d in by_kind["delivery"] if d["event_id"] not in events)
    arrived = [event for event in events.values() if event["type"] in ARRIVALS]
    for cause, times in Counter(event["cause"] for event in arrived).items():
        if times > 1:
            yield f"delivery {cause} stands {times} times in timelines"
    told = {d["event_id"] for d in by_kind["delivery"]}
    yield from (f"entry {e['event_id']} has no ledger row" for e in arrived if e["event_id"] not in told)


def _in_hand(by_kind: ByKind) -> Iterator[str]:
    """I3, I5: held if and only if claimed, offered only while queued, put off if and only if snoozed."""
    for item in by_kind["item"]:
        state, which = item["state"], f"item {item['item_id']} is {item['state']} and its"
        wanted = dict.fromkeys(("holder", "claim_token", "lease_until"), state == State.CLAIMED)
        wanted["snoozed_until"] = state == State.SNOOZED
        wanted["offered_until"] = state == State.QUEUED and bool(item.get("offered_to"))
        wanted["offered_to"] = state == State.QUEUED and bool(item.get("offered_until"))
        yield from (
            f"{which} {name} is {item.get(name)}" for name, there in wanted.items() if bool(item.get(name)) != there
        )
        if state in WAITING_STATES and (item["queue"] == QUARANTINE) != (state == State.QUARANTINED):
            yield f"{which} queue is {item['queue']}"


def _lists(by_kind: ByKind) -> Iterator[str]:
    """I5: an item stands in the lists of its queue and of the agent in whose hands it is, and in no others."""
    for item in by_kind["item"]:
        waiting = f"QUEUE#{item['queue']}" if item["state"] in WAITING_STATES else None
        for name, wanted in (("waiting_pk", waiting), ("holding_pk", _hands(item))):
            if item.get(name) != wanted:
                yield f"item {item['item_id']} is {item['state']} and its {name} is {item.get(name)}, not {wanted}"


def _hands(item: Row) -> str | None:
    if item.get("holder"):
        return f"HOLDER#{item['holder']}"
    if item.get("offered_to"):
        return f"OFFERED#{item['offered_to']}"
    return f"PINNED#{item['pinned_to']}" if item.get("pinned_to") and item["state"] in RESTING_STATES else None


def _due(by_kind: ByKind) -> Iterator[str]:
    """I5, I12: what something will happen to, and nothing else, stands in the wake-up index, at its moment."""
    for item in by_kind["item"]:
        ends = item.get("lease_until") or item.get("offered_until") or item.get("snoozed_until")
        wanted = ends or (item.get("wake_at", "never") if item["state"] in WAITING_STATES else None)
        if item.get("wake_at") != wanted:
            yield f"item {item['item_id']} is {item['state']} and its wake_at is {item.get('wake_at')}, not {wanted}"
        told = item.get("promise_at")
        if told and item["state"] == State.RESOLVED:
            yield f"item {item['item_id']} is resolved, and a promise is to be told of at {told}"
        rung = item["state"] in WAITING_STATES and not item.get("offered_to")
        rung = rung and not (told and told <= item.get("wake_at", told))
        yield from _woken(item, f"item {item['item_id']}", item["item_id"], keys.NET if rung else "")
    for reply in by_kind["outbox"]:
        if bool(reply.get("wake_at")) != (reply["status"] in {"queued", "sending"}):
            yield f"reply {reply['outbox_id']} is {reply['status']} and its wake_at is {reply.get('wake_at')}"
        yield from _woken(reply, f"reply {reply['outbox_id']}", reply["outbox_id"])


def _woken(row: Row, which: str, row_id: str, kind: str = "") -> Iterator[str]:
    at = min((at for at in (row.get("wake_at"), row.get("promise_at")) if at), default=None)
    wanted = (f"WAKE#{keys.wake_shard(row_id)}", f"{kind}{at}#{row_id}") if at else (None, None)
    if (row.get("wake_pk"), row.get("wake_sk")) != wanted:
        yield f"{which} wakes at {at} and stands in the index as {row.get('wake_pk')} {row.get('wake_sk')}"


def _timelines_gapless(by_kind: ByKind) -> Iterator[str]:
    """I7: the events of a customer are numbered 1, 2, 3 … up to his counter."""
    seqs = defaultdict(list)
    for event in by_kind["event"]:
        seqs[event["customer_id"]].append(int(event["seq"]))
    counters = {row["customer_id"]: int(row["seq"]) for row in by_kind["customer"]}
    for customer in seqs.keys() | counters.keys():
        if sorted(seqs[customer]) != list(range(1, counters.get(customer, 0) + 1)):
            yield f"timeline of {customer} is {sorted(seqs[customer])}, its counter {counters.get(customer)}"


def _versions_audited(by_kind: ByKind) -> Iterator[str]:
    """I6: each version of an item has exactly one event, and the events' hashes make a chain to the item's head."""
    told = defaultdict(list)
    for row in by_kind["event"]:
        event = rows.event_of(row)
        if event.hash != row["hash"]:
            yield f"event {event.id} has been changed"
        if event.item_id:
            told[event.item_id].append(event)
    for item in by_kind["item"]:
        events = sorted(told[item["item_id"]], key=lambda event: event.version or 0)
        if [event.version for event in events] != list(range(1, int(item["version"]) + 1)):
            yield f"item {item['item_id']} is at version {item['version']}, told {[e.version for e in events]}"
        chain = ["", *(event.hash for event in events)]
        if [event.previous for event in events] != chain[:-1] or item["chain"] != chain[-1]:
            yield f"the chain of item {item['item_id']} is broken"


def _loads(by_kind: ByKind) -> Iterator[str]:
    """An agent's load is the number of items he holds or is offered, of each channel."""
    carried = _carried(by_kind)
    said = {
        (agent["agent_id"], channel): int(agent.get(f"load_{channel}", 0))
        for agent in by_kind["agent"]
        for channel in CHANNELS
    }
    for agent, channel in said.keys() | carried.keys():
        if said.get((agent, channel)) != carried[agent, channel]:
            number = carried[agent, channel]
            yield f"{agent} carries {number} of {channel}, his load says {said.get((agent, channel))}"


def _absent(by_kind: ByKind) -> Iterator[str]:
    """Who is away carries nothing. One whose way to his last item was cut short is looked after by the watch."""
    carried = _carried(by_kind)
    for agent in by_kind["agent"]:
        name, number = agent["agent_id"], sum(carried[agent["agent_id"], channel] for channel in CHANNELS)
        away = agent.get("presence") == "away"
        if away and number:
            yield f"{name} is away and carries {number}"
        if ((away and number) or "hands_to" in agent) and not agent.get("wake_pk"):
            yield f"{name} has something left and nobody looks after it"
        if agent.get("wake_pk") and not away:
            yield f"{name} is {agent.get('presence')} and stands in the wake-up index"
        if agent.get("wake_pk", (shard := keys.wake_pk(keys.wake_shard(name)))) != shard:
            yield f"{name} stands in {agent['wake_pk']}, not in {shard}"


def _carried(by_kind: ByKind) -> Counter[tuple[str, str]]:
    hands = ((item.get("holder") or item.get("offered_to"), item["channel"]) for item in by_kind["item"])
    return Counter((agent, channel) for agent, channel in hands if agent)


def _replies(by_kind: ByKind) -> Iterator[str]:
    """I9: each answer of an agent or of the desk has one row in the outbox, and the other way round; so has each kept
    answer."""
    outbox = {row["event_id"]: row for row in by_kind["outbox"]}
    queued = {e["event_id"]: e for e in by_kind["event"] if e["type"] in QUEUED}
    if len(outbox) != len(by_kind["outbox"]):
        yield "two replies in the outbox have one event"
    for event_id in outbox.keys() ^ queued.keys():
        yield f"event {event_id} is told without a reply in the outbox, or stands there untold"
    for event_id in outbox.keys() & queued.keys():
        reply, event = outbox[event_id], queued[event_id]
        item_id = _facts(event)["about"] if reply.get("automatic") else event["item_id"]
        told = (_facts(event)["reply"], item_id, event["customer_id"])
        if told != (reply["outbox_id"], reply["item_id"], reply["customer_id"]):
            yield f"reply {reply['outbox_id']} is not the one its event tells of"
    known = {row["outbox_id"] for row in by_kind["outbox"]}
    for kept in by_kind["idempotency"]:
        if kept.get("reply_id") and kept["reply_id"] not in known:
            yield f"{kept['agent_id']} was told of reply {kept['reply_id']}, which there is not"


def _sent_once(by_kind: ByKind) -> Iterator[str]:
    """I9: a reply is sent at most once, is never left half sent, and says no more than its events tell."""
    told: dict[str, Counter[str]] = defaultdict(Counter)
    for event in by_kind["event"]:
        if event["type"].startswith("reply-"):
            told[_facts(event)["reply"]][event["type"]] += 1
    for reply in by_kind["outbox"]:
        which = f"reply {reply['outbox_id']} is {reply['status']}"
        times = told[reply["outbox_id"]]["reply-sent"]
        if reply["status"] == "sending":
            yield f"{which} and nobody sends it any more"
        if times > 1 or bool(times) != bool(reply.get("provider_id")):
            yield f"{which}, was told to be sent {times} times, and its provider's id is {reply.get('provider_id')}"
        if reply["status"] in {"sent", "delivered", "bounced"} and not times:
            yield f"{which} and was never told to be sent"
        news = NEWS.get(reply["status"])
        if news and not told[reply["outbox_id"]][news]:
            yield f"{which} and no event tells of it"
    known = {row["outbox_id"] for row in by_kind["outbox"]}
    yield from (f"reply {reply_id} is told of and is not in the outbox" for reply_id in told.keys() - known)


def _answers_find_back(by_kind: ByKind) -> Iterator[str]:
    """I8: an answer to a mail of ours finds the item, by the token it carries and by the id SES gave our mail."""
    items = {item["item_id"]: item for item in by_kind["item"]}
    tokens = {(token["item_id"], token["customer_id"], token["mailbox"]) for token in by_kind["token"]}
    ids = {(message["event_id"], message.get("item_id")) for message in by_kind["message"]}
    sent = {_facts(e)["reply"]: e["event_id"] for e in by_kind["event"] if e["type"] == "reply-sent"}
    for reply in by_kind["outbox"]:
        if reply["channel"] != "mail":
            continue
        if (reply["item_id"], reply["customer_id"], reply["source"]) not in tokens:
            yield f"reply {reply['outbox_id']} went out without a token"
        event_id = sent.get(reply["outbox_id"])
        if event_id and (event_id, reply["item_id"]) not in ids:
            yield f"reply {reply['outbox_id']} was sent under an id nobody knows"
    for token in by_kind["token"]:
        item = items.get(token["item_id"])
        if item is None or item["customer_id"] != token["customer_id"]:
            yield f"token {token['pk']} is for no item of its customer"


def _courtesies(by_kind: ByKind) -> Iterator[str]:
    """What the desk says by itself: once an item at the most, and five times in any day to one account."""
    sent = [row for row in by_kind["outbox"] if row.get("automatic")]
    for item_id, times in Counter(row["item_id"] for row in sent).items():
        if times > 1:
            yield f"item {item_id} was acknowledged {times} times"
    moments = defaultdict(list)
    for row in sent:
        local, _, domain = row["to"].lower().partition("@")
        moments[local.partition("+")[0], domain].append(keys.moment_of(row["queued_at"]))
    for account, unsorted in moments.items():
        times = sorted(unsorted)
        if any(sixth - first < DAY for first, sixth in zip(times, times[5:], strict=False)):
            yield f"{'@'.join(account)} was written to more than five times within a day"
    told = {_facts(e)["reply"] for e in by_kind["event"] if e["type"] == "acknowledgement-queued"}
    for reply_id in told ^ {row["outbox_id"] for row in sent}:
        yield f"acknowledgement {reply_id} is told of and was not written, or written and not told"


def _labels(by_kind: ByKind) -> Iterator[str]:
    """Each decision of people is a label, and the newest is what stands on the item."""
    labels = {row["event_id"]: row for row in by_kind["label"]}
    decisions = {e["event_id"]: e for e in by_kind["event"] if _is_decision(e)}
    for event_id in labels.keys() ^ decisions.keys():
        yield f"decision {event_id} is told without a label, or labelled without being told"
    newest: dict[str, Row] = {}
    for event_id in labels.keys() & decisions.keys():
        label, event = labels[event_id], decisions[event_id]
        if (label["item_id"], label["version"], label.get("topic")) != (
            event["item_id"], event["version"], _facts(event)["topic"],
        ):  # fmt: skip
            yield f"label {event_id} is not what its event tells"
        newest[label["item_id"]] = max(label, newest.get(label["item_id"], label), key=lambda row: row["version"])
    for item in by_kind["item"]:
        said = json.loads(item.get("decided") or "{}")
        stands, label = (said.get("topic"), said.get("urgency")), newest.get(item["item_id"], {})
        if stands != (label.get("topic"), label.get("urgency")):
            yield f"item {item['item_id']} is decided to be {stands}, its newest label says otherwise"


def _is_decision(event: Row) -> bool:
    by_the_way = event["type"] in {"item-reassigned", "item-split-off"} and "topic" in _facts(event)
    return event["type"] == "tags-decided" or by_the_way


def _mentions(by_kind: ByKind) -> Iterator[str]:
    """Each agent a note names finds it in his list, and nothing else stands there."""
    notes = {(e["customer_id"], e["seq"]): e for e in by_kind["event"] if e["type"] == "note-added"}
    listed = Counter((row["customer_id"], row["seq"]) for row in by_kind["mention"])
    yield from (f"a mention names entry {entry}, which is no note" for entry in listed.keys() - notes.keys())
    for entry, note in notes.items():
        if listed[entry] != _facts(note)["mentions"]:
            yield f"note {note['event_id']} names {_facts(note)['mentions']} agents, {listed[entry]} find it"
    for row in by_kind["mention"]:
        if row["pk"] != keys.agent_key(row["agent_id"])["pk"]:
            yield f"a mention of {row['agent_id']} stands in the list {row['pk']}"


def _merges(by_kind: ByKind) -> Iterator[str]:
    """What was merged is resolved, nothing will happen to it, and the way to the item in which it goes on ends."""
    items = {item["item_id"]: item for item in by_kind["item"]}
    for item in by_kind["item"]:
        if item.get("merged") and (item["state"] != State.RESOLVED or item.get("wake_at")):
            yield f"item {item['item_id']} was merged and is {item['state']}, to wake at {item.get('wake_at')}"
        if _end(item, items) is None:
            yield f"item {item['item_id']} was merged and goes on nowhere"


def _end(item: Row, items: Mapping[str, Row]) -> str | None:
    """The item in which one goes on; None where the way there has no end."""
    for _ in items:
        if "merged" not in item:
            return str(item["item_id"])
        item = items[json.loads(item["merged"])["into"]]
    return None


def _messages(by_kind: ByKind) -> Iterator[str]:
    """Each message belongs to one item, and its Message-ID and its conversation lead there.

    Of several mails under one Message-ID the first alone is what it leads to; the others' rows tell repeats of them.
    """
    items = {item["item_id"]: item for item in by_kind["item"]}
    has: dict[str, dict[str, bool]] = defaultdict(dict)
    for event in sorted(by_kind["event"], key=lambda event: int(event.get("version") or 0)):
        if event.get("item_id"):
            facts, messages = _facts(event), has[event["item_id"]]
            messages |= {event["event_id"]: True} if event["type"] == "message-received" else {}
            messages |= {gained["id"]: True for gained in facts.get("gained", ())}
            messages |= dict.fromkeys(facts.get("lost", ()), False)
    of = {event_id: item_id for item_id, messages in has.items() for event_id, there in messages.items() if there}
    times = Counter(event_id for messages in has.values() for event_id, there in messages.items() if there)
    for event in by_kind["event"]:
        if event["type"] == "message-received" and event.get("item_id") and times[event["event_id"]] != 1:
            yield f"message {event['event_id']} belongs to {times[event['event_id']]} items"
    for row in (row for row in by_kind["message"] if row["sk"] == "MESSAGE"):
        if row["event_id"] in of and _end(items[row["item_id"]], items) != of[row["event_id"]]:
            yield f"message {row['event_id']} belongs to {of[row['event_id']]}, its id leads to {row['item_id']}"


def _links(by_kind: ByKind) -> Iterator[str]:
    """That two customers are one person is said of both, in the same words, and told in both timelines each time."""
    links = {(row["customer_id"], row["other"]): row for row in by_kind["link"]}
    told = Counter(
        (event["customer_id"], _facts(event)["customer"])
        for event in by_kind["event"]
        if event["type"] in {"customer-linked", "customer-unlinked"}
    )
    same = ("by", "at", "why", "stands", "revision")
    for (one, other), row in links.items():
        back = links.get((other, one), {})
        if any(back.get(name) != row[name] for name in same):
            yield f"of {one} and {other} it is said otherwise than of {other} and {one}"
    for pair in links.keys() | told.keys():
        if told[pair] != int(links.get(pair, {}).get("revision", 0)):
            yield f"that {pair[0]} and {pair[1]} are one person was told {told[pair]} times"


def _facts(event: Row) -> dict[str, Any]:
    return dict(json.loads(event["facts"]))


CHECKS: tuple[Callable[[ByKind], Iterator[str]], ...] = (
    _deliveries_once, _in_hand, _lists, _due, _timelines_gapless, _versions_audited, _loads, _absent, _replies,
    _sent_once, _answers_find_back, _courtesies, _labels, _mentions, _merges, _messages, _links,
)  # fmt: skip
