"""What must hold of a table at rest, whatever crashed before. Each check names what breaks it."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from chalicelib.item.state import WAITING_STATES
from chalicelib.store import rows

ARRIVALS = {"message-received", "delivery-quarantined"}


def violations(table: Iterable[Mapping[str, Any]]) -> list[str]:
    """Every broken invariant of these rows (plain ones), as a sentence; empty when all hold."""
    by_kind: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for row in table:
        by_kind[row["kind"]].append(row)
    return [
        *_deliveries_once(by_kind),
        *_holders(by_kind),
        *_timelines_gapless(by_kind),
        *_versions_audited(by_kind),
        *_loads(by_kind),
    ]


def _deliveries_once(by_kind: Mapping[str, list[Mapping[str, Any]]]) -> list[str]:
    """I1, I2: each delivery's ledger row names one entry that exists, and no two entries have one cause."""
    events = {event["event_id"]: event for event in by_kind["event"]}
    broken = [f"ledger row {d['pk']} names no event" for d in by_kind["delivery"] if d["event_id"] not in events]
    causes = Counter(event["cause"] for event in events.values() if event["type"] in ARRIVALS)
    broken += [f"delivery {cause} stands {times} times in timelines" for cause, times in causes.items() if times > 1]
    told = {d["event_id"] for d in by_kind["delivery"]}
    arrived = {e["event_id"] for e in events.values() if e["type"] in ARRIVALS}
    return broken + [f"entry {event} has no ledger row" for event in arrived - told]


def _holders(by_kind: Mapping[str, list[Mapping[str, Any]]]) -> list[str]:
    """I3, I5: a holder, a token and a lease if and only if claimed; in the waiting index if and only if it waits."""
    broken = []
    for item in by_kind["item"]:
        claimed = item["state"] == "claimed"
        broken += [
            f"item {item['item_id']} is {item['state']} and its {name} is {item.get(name)}"
            for name in ("holder", "claim_token", "lease_until", "holding_pk")
            if bool(item.get(name)) != claimed
        ]
        if bool(item.get("waiting_pk")) != (item["state"] in WAITING_STATES):
            broken.append(f"item {item['item_id']} is {item['state']} and its waiting_pk is {item.get('waiting_pk')}")
    return broken


def _timelines_gapless(by_kind: Mapping[str, list[Mapping[str, Any]]]) -> list[str]:
    """I7: the events of a customer are numbered 1, 2, 3 … up to his counter."""
    seqs = defaultdict(list)
    for event in by_kind["event"]:
        seqs[event["customer_id"]].append(int(event["seq"]))
    counters = {row["customer_id"]: int(row["seq"]) for row in by_kind["customer"]}
    return [
        f"timeline of {customer} is {sorted(seqs[customer])}, its counter {counters.get(customer)}"
        for customer in seqs.keys() | counters.keys()
        if sorted(seqs[customer]) != list(range(1, counters.get(customer, 0) + 1))
    ]


def _versions_audited(by_kind: Mapping[str, list[Mapping[str, Any]]]) -> list[str]:
    """I6: each version of an item has exactly one event, and the events' hashes make a chain to the item's head."""
    broken, told = [], defaultdict(list)
    for row in by_kind["event"]:
        event = rows.event_of(row)
        if event.hash != row["hash"]:
            broken.append(f"event {event.id} has been changed")
        if event.item_id:
            told[event.item_id].append(event)
    for item in by_kind["item"]:
        events = sorted(told[item["item_id"]], key=lambda event: event.version or 0)
        if [event.version for event in events] != list(range(1, int(item["version"]) + 1)):
            broken.append(f"item {item['item_id']} is at version {item['version']}, told {[e.version for e in events]}")
        chain = ["", *(event.hash for event in events)]
        if [event.previous for event in events] != chain[:-1] or item["chain"] != chain[-1]:
            broken.append(f"the chain of item {item['item_id']} is broken")
    return broken


def _loads(by_kind: Mapping[str, list[Mapping[str, Any]]]) -> list[str]:
    """An agent's load is the number of items he holds."""
    held = Counter((item["holder"], item["channel"]) for item in by_kind["item"] if item.get("holder"))
    return [
        f"{agent['agent_id']} holds {held[agent['agent_id'], channel]} of {channel}, his load says {agent[load]}"
        for agent in by_kind["agent"]
        for channel, load in (("mail", "load_mail"), ("chat", "load_chat"))
        if load in agent and int(agent[load]) != held[agent["agent_id"], channel]
    ]
