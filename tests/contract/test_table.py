"""One suite for the table on moto and on ministack: each access pattern of docs/table.md, each condition."""

import base64
import inspect
import json
import re
import threading
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from itertools import batched, product
from typing import Any

import pytest

from chalicelib import policy
from chalicelib.errors import AtCapacity, Invalid, LostRace, Unknown
from chalicelib.intake.message import Address
from chalicelib.item.acknowledge import acknowledged
from chalicelib.item.arrive import Known, message_arrived
from chalicelib.item.change import (
    Answered,
    Budget,
    Change,
    Conversation,
    Delivery,
    Handled,
    Identity,
    KnownMessage,
    Label,
    Link,
    Load,
    Mention,
    Moved,
    Must,
    ReplyToken,
    Shown,
    written,
)
from chalicelib.item.decide import claim, release
from chalicelib.item.item import AgentId, Customer, CustomerId, Event, EventType, Item, ItemId, Promised
from chalicelib.item.matters import Side, merge
from chalicelib.item.offer import AgentNow
from chalicelib.item.outgoing import Outgoing, Status
from chalicelib.item.reply import begun
from chalicelib.item.state import State
from chalicelib.item.steps import told, waits
from chalicelib.routing.clock import Clock, warned
from chalicelib.routing.route import Lane
from chalicelib.store import keys, rows
from chalicelib.store.table import LOOKED_AFTER, Due, Page, Table
from tests.cloud import Cloud
from tests.conftest import ROOT
from tests.desk import NOW, arrival, chat, customer, ids, item, mail, small_desk, step, tags
from tests.letters_out import acknowledgement as letter

DESK = small_desk()
ANNA, CARL = DESK.agents["anna"], DESK.agents["carl"]
SECOND = timedelta(seconds=1)
PATTERNS = {name for name, _ in inspect.getmembers(Table, inspect.isfunction) if not name.startswith("_")}


def fill(cloud: Cloud, table: Table, made: Iterable[Mapping[str, Any]]) -> None:
    """Writes rows as they are, past all conditions."""
    for part in batched(made, 25):
        puts = [{"PutRequest": {"Item": rows.to_wire(row)}} for row in part]
        assert not cloud.dynamodb.batch_write_item(RequestItems={table._name: puts})["UnprocessedItems"]


def all_rows(cloud: Cloud, table: Table) -> list[Any]:
    return sorted(cloud.rows(table._name), key=lambda row: (row["pk"]["S"], row["sk"]["S"]))


def arrived(table: Table, number: int = 1, channel: str = "mail") -> tuple[Item, Customer]:
    """Item and customer `number`, as an arrival writes them."""
    sender = Address("Anna", f"c{number}@customer.example.com")
    said = {"mail": mail(message_id=f"m{number}", sender=sender), "chat": chat(visitor=f"v{number}")}
    message = said[channel]
    change = message_arrived(arrival(f"d{number}", channel), message, tags(), Known(), DESK, ids(number))
    table.save(change, NOW)
    assert change.after
    assert change.customer
    return change.after, replace(change.customer, seq=1)


def opened() -> Change:
    """A mail that opens an item, not yet written."""
    return message_arrived(arrival(), mail(), tags(), Known(), DESK, ids())


def claimed(table: Table, number: int = 1, key: str = "") -> tuple[Item, Customer]:
    """The same, claimed by Anna with the token `t`."""
    found, whose = arrived(table, number)
    change = claim(found, whose, ANNA, DESK, step(event_id=f"claim-{number}"), "t", key)
    table.save(change, NOW)
    assert change.after
    return change.after, replace(whose, seq=2)


def back(held: Item, whose: Customer, event_id: str = "e9") -> Change:
    """What gives an item back that Anna held."""
    return release(held, whose, step(event_id=event_id), {}, DESK)


def agent(table: Table, agent_id: str) -> AgentNow:
    return table.agents([agent_id])[agent_id]


def loaded(agent_id: str, channel: str = "mail", by: int = 1, **more: Any) -> Change:
    """A change of what an agent carries."""
    return Change(loads=(Load(AgentId(agent_id), channel, by, **more),))


def answered(agent_id: str = "anna", **more: Any) -> Answered:
    return Answered(AgentId(agent_id), "k", ItemId("it1"), NOW, **more)


def reply(number: int = 1, **changed: Any) -> Outgoing:
    """A reply in the outbox."""
    made = Outgoing(
        id=f"r{number}", item_id=ItemId("it1"), customer_id=CustomerId("cu1"), channel="mail",
        source="help@shop.example.com", to="piotr@customer.example.com", raw_key=f"out/r{number}",
        actor=AgentId("anna"), event_id="ev1", queued_at=NOW, wake_at=NOW,
    )  # fmt: skip
    return replace(made, **changed)


def label(**changed: Any) -> Label:
    """What Anna decided, nothing having been said before."""
    made = Label(item_id=ItemId("it1"), version=2, event_id="e1", at=NOW, by=AgentId("anna"), topic="order",
                 urgency=None, said=None)  # fmt: skip
    return replace(made, **changed)


def mention(seq: int, agent_id: str = "boris") -> Mention:
    return Mention(AgentId(agent_id), ItemId("it1"), CustomerId("cu1"), seq, NOW + seq * SECOND, "anna")


def link(one: str = "cu1", other: str = "cu2", **changed: Any) -> Link:
    """Anna says that two customers are one person."""
    said = Link(customer_id=CustomerId(one), other=CustomerId(other), by="anna", at=NOW, why="one phone")
    return replace(said, **changed)


def shown(seq: int, conversation: str = "c1", **changed: Any) -> Shown:
    made = Shown(installation="shop-page", conversation=conversation, seq=seq, id=f"m{seq}", by="agent",
                 text="Es kommt morgen.", at=NOW)  # fmt: skip
    return replace(made, **changed)


# Reading by key


def test_rows_are_those_that_exist_each_once(cloud: Cloud, table: Table) -> None:
    fill(cloud, table, (rows.item_row(item(id=f"i{n}")) for n in range(130)))
    wanted = [keys.item_key(f"i{n}") for n in range(150)]
    found = table.rows([*wanted, *wanted[:50]])
    assert found.keys() == {(f"ITEM#i{n}", "ITEM") for n in range(130)}
    assert all(rows.item_of(row).id == row["pk"].removeprefix("ITEM#") for row in found.values())
    assert table.rows([]) == {}


def test_item_is_the_item_as_it_is_now(table: Table) -> None:
    found, _ = claimed(table)
    assert table.item(found.id) == found
    with pytest.raises(Unknown):
        table.item("nothing")


def test_customer_is_the_customer_as_he_is_now(table: Table) -> None:
    _, whose = claimed(table)
    assert table.customer(whose.id) == whose
    with pytest.raises(Unknown):
        table.customer("nobody")


def test_marks_stand_on_the_customer_until_they_are_taken_away(table: Table) -> None:
    _, whose = claimed(table)
    for marks in (frozenset({"vip", "partner"}), frozenset({"vip"}), frozenset[str]()):
        now = table.customer(whose.id)
        told = written(step(event_id=f"m{now.seq}"), EventType.CUSTOMER_MARKED, now, None, {})[1]
        table.save(Change(customer=now, events=(told,), marks=marks), NOW)
        assert table.customer(whose.id) == replace(now, seq=now.seq + 1, marks=marks)


def test_item_and_customer_come_in_one_look(table: Table) -> None:
    found, whose = arrived(table)
    assert table.item_and_customer(found.id, whose.id) == (found, whose)
    assert table.item_and_customer(found.id, "nobody") == (found, None)
    assert table.item_and_customer("nothing", whose.id) == (None, whose)
    assert table.item_and_customer("none", "none") == (None, None)


def test_items_and_customers_are_those_that_exist(table: Table) -> None:
    (one, his), (two, hers) = arrived(table, 1), arrived(table, 2)
    known = {one.id: one, two.id: two}, {his.id: his, hers.id: hers}
    assert table.items_and_customers([one.id, two.id, ItemId("no")], [his.id, hers.id, CustomerId("no")]) == known
    assert table.items_and_customers([two.id], []) == ({two.id: two}, {})
    assert table.items_and_customers([], []) == ({}, {})


def test_answered_is_what_was_answered_to_this_agent(table: Table) -> None:
    found, _ = claimed(table, key="k1")
    assert table.answered("anna", "k1") == Answered(
        AgentId("anna"), "k1", found.id, NOW + timedelta(days=1), claim_token="t"
    )
    assert table.answered("boris", "k1") is None
    assert table.answered("anna", "k2") is None


def test_agents_are_as_they_are_now_and_unknown_who_was_never_seen(table: Table) -> None:
    claimed(table)
    table.set_presence("boris", "away", NOW, hands_to="")
    assert table.agents(["anna", "boris", "carl"]) == {
        "anna": AgentNow(AgentId("anna"), "present", {"mail": 1, "chat": 0}),
        "boris": AgentNow(AgentId("boris"), "away", {"mail": 0, "chat": 0}, hands_to=""),
        "carl": AgentNow(AgentId("carl"), "unknown", {"mail": 0, "chat": 0}),
    }
    assert table.agents([]) == {}


def test_outgoing_is_the_reply_as_it_stands_in_the_outbox(table: Table) -> None:
    for made in (reply(), reply(2, status=Status.SENT, sent_at=NOW, provider_id="ses-1", wake_at=None)):
        table.save(Change(reply=made), NOW)
        assert table.outgoing(made.id) == made
    with pytest.raises(Unknown):
        table.outgoing("nothing")


def test_links_are_what_was_said_of_a_customer_and_nothing_else(table: Table) -> None:
    _, whose = arrived(table)
    assert table.links(whose.id) == []
    made = [link("cu1", other) for other in ("cu0", "cu2", "cu3")]
    for one in [*made, link("cu2", "cu1")]:
        table.save(Change(link=one), NOW)
    gone = replace(made[1], stands=False, revision=2)
    table.save(Change(link=gone), NOW)
    assert table.links("cu1") == [made[0], gone, made[2]]
    assert len(table.timeline(whose.id, 5, None, newest=False).entries) == 1


# Indexes


def waiting_items(count: int, queue: str = "orders", **changed: Any) -> list[Item]:
    """Items of one queue, each a second younger than the one before."""
    made = (item(id=f"{queue}-{n:03}", queue=queue, waiting_since=NOW + n * SECOND, **changed) for n in range(count))
    return list(made)


def test_waiting_is_everything_of_a_queue_oldest_first(cloud: Cloud, table: Table) -> None:
    orders, bills = waiting_items(60), waiting_items(2, "billing")
    held = item(id="held", state=State.CLAIMED, holder="anna")
    unread = item(id="unread", queue="quarantine", state=State.QUARANTINED, tags=None)
    fill(cloud, table, map(rows.item_row, (*reversed(orders), *bills, held, unread)))
    assert [w.item_id for w in table.waiting("orders", "anna", NOW)] == [i.id for i in orders]
    assert [w.item_id for w in table.waiting("billing", "anna", NOW)] == [i.id for i in bills]
    (shown,) = table.waiting("quarantine", "anna", NOW)
    assert (shown.item_id, shown.customer_id, shown.channel, shown.lane, shown.language, shown.since) == (
        "unread", "cu1", "mail", "normal", "und", NOW,
    )  # fmt: skip
    assert list(table.waiting("people", "anna", NOW)) == []


def test_waiting_passes_over_some_languages(cloud: Cloud, table: Table) -> None:
    spoken = [tags(language=language) for language in ("pl", "en", "fr", "de")]
    made = [replace(i, tags=spoken[n % 4] if n < 56 else None) for n, i in enumerate(waiting_items(60))]
    fill(cloud, table, map(rows.item_row, made))
    found = [w.item_id for w in table.waiting("orders", "anna", NOW, {"pl", "de"})]
    assert found == [i.id for i in made if i.language not in {"pl", "de"}]
    assert len(found) == 32


def test_waiting_passes_over_what_is_offered_to_another_until_the_offer_is_over(cloud: Cloud, table: Table) -> None:
    def offered(number: int, to: str, until: int) -> Item:
        there = {"offered_to": to, "offered_until": NOW + until * SECOND}
        return replace(waiting_items(4)[number], **there)  # type: ignore[arg-type]

    polish = replace(offered(3, "anna", 9), tags=tags(language="pl"))
    made = [waiting_items(1)[0], offered(1, "anna", 2), offered(2, "carl", 1), polish]
    fill(cloud, table, map(rows.item_row, made))

    def shown(to: str, after: timedelta, *besides: str) -> list[int]:
        return [int(w.item_id[-1]) for w in table.waiting("orders", to, NOW + after, besides)]

    moment = timedelta(microseconds=1)
    assert shown("anna", timedelta()) == [0, 1, 3]
    assert shown("anna", timedelta(), "pl") == [0, 1]  # neither filter lets through what the other stops
    assert shown("carl", timedelta()) == [0, 2]
    assert shown("boris", timedelta()) == [0]
    assert shown("boris", SECOND - moment) == [0]
    assert shown("boris", SECOND) == [0, 2]  # its very moment ends an offer
    assert shown("boris", 9 * SECOND) == [0, 1, 2, 3]
    assert shown("boris", 9 * SECOND, "pl") == [0, 1, 2]


def test_waiting_asks_the_index_for_nothing_it_does_not_show(cloud: Cloud, table: Table) -> None:
    """On AWS an attribute an index does not project is not there, and a filter on it lets everything through."""
    fill(cloud, table, map(rows.item_row, waiting_items(1)))
    asked: list[Any] = []

    def note(params: Any, **_: Any) -> None:
        asked.append(params)

    cloud.dynamodb.meta.events.register("before-parameter-build.dynamodb.Query", note)
    try:
        (shown,) = table.waiting("orders", "anna", NOW, {"pl"})
    finally:
        cloud.dynamodb.meta.events.unregister("before-parameter-build.dynamodb.Query", note)
    (index,) = (
        i for i in cloud.template["Table"]["Properties"]["GlobalSecondaryIndexes"] if i["IndexName"] == "waiting"
    )
    projected = {key["AttributeName"] for key in index["KeySchema"]} | set(index["Projection"]["NonKeyAttributes"])
    assert set(asked[0]["ExpressionAttributeNames"].values()) <= projected
    assert {"item_id", "customer_id", "channel", "lane", "language"} <= projected
    assert shown.item_id == "orders-000"


def test_count_waiting_tells_whether_that_is_all(cloud: Cloud, table: Table) -> None:
    assert table.count_waiting("orders") == ([], True)
    made = [replace(i, lane=Lane.URGENT if n % 3 else Lane.NORMAL) for n, i in enumerate(waiting_items(40))]
    fill(cloud, table, map(rows.item_row, made))
    found, complete = table.count_waiting("orders")
    assert complete
    assert [w.since for w in found] == [i.waiting_since for i in made]
    assert sum(w.lane == "urgent" for w in found) == 26


def test_due_is_what_has_come_earliest_first(cloud: Cloud, table: Table) -> None:
    shard = keys.wake_shard("wake-0")
    same = [f"wake-{n}" for n in range(200) if keys.wake_shard(f"wake-{n}") == shard][:5]
    made = [item(id=name, wake_at=NOW + n * SECOND) for n, name in enumerate(same)]
    other = next(f"wake-{n}" for n in range(200) if keys.wake_shard(f"wake-{n}") != shard)
    fill(cloud, table, map(rows.item_row, [*reversed(made), item(id=other, wake_at=NOW), item(id=f"{same[0]}x")]))
    wanted = [Due("ITEM", name) for name in same]
    assert table.due(shard, NOW - SECOND, 10, nets=True) == []
    assert table.due(shard, NOW + 2 * SECOND, 10, nets=True) == wanted[:3]  # the very moment counts
    assert table.due(shard, NOW + 2 * SECOND - timedelta(microseconds=1), 10, nets=True) == wanted[:2]
    assert table.due(shard, NOW + 60 * SECOND, 4, nets=True) == wanted[:4]
    assert table.due(shard, NOW + 60 * SECOND, 4) == [], "a net is none of the promises"


def test_due_tells_items_replies_and_agents_apart(cloud: Cloud, table: Table) -> None:
    """Ids may hold anything: the kind is what stands before the first `#`."""
    fill(
        cloud,
        table,
        [rows.item_row(item(id="a#b", state=State.SNOOZED, wake_at=NOW)), rows.outbox_row(reply(1, id="a#b"))],
    )
    table.set_presence("a#b", "away", NOW - LOOKED_AFTER)
    table.set_presence("anna", "present", NOW - LOOKED_AFTER)
    fill(cloud, table, [rows.outbox_row(reply(2, wake_at=None))])
    found = [due for shard in range(keys.WAKE_SHARDS) for due in table.due(shard, NOW, 10)]
    assert sorted(found) == [Due("AGENT", "a#b"), Due("ITEM", "a#b"), Due("OUTBOX", "a#b")]


def test_waking_is_every_row_of_a_shard_due_or_not(cloud: Cloud, table: Table) -> None:
    made = [item(id=f"wake-{n}", wake_at=NOW + n * SECOND) for n in range(900)]
    fill(cloud, table, map(rows.item_row, [*reversed(made), item(id="asleep")]))
    by_shard = {shard: list(table.waking(shard)) for shard in range(keys.WAKE_SHARDS)}
    for shard, found in by_shard.items():
        assert found == [keys.item_key(i.id) for i in made if keys.wake_shard(i.id) == shard]
    assert max(map(len, by_shard.values())) > 100, "more than a page"


def test_history_is_one_items_events_oldest_first_without_words(table: Table) -> None:
    first, whose = claimed(table)
    table.save(back(first, whose), NOW)
    claimed(table, 2)
    history = table.history(first.id)
    assert [(event.version, event.type) for event in history] == [
        (1, "message-received"), (2, "item-claimed"), (3, "item-released"),
    ]  # fmt: skip
    assert all(event.payload is None for event in history)
    assert [event.previous for event in history] == ["", *(event.hash for event in history[:-1])]
    assert table.history("nothing") == []


def test_labelled_is_what_people_decided_in_a_month_oldest_first(table: Table) -> None:
    later, earlier = label(version=3, at=NOW + SECOND), label(topic=None, urgency="high", said=tags())
    next_month = label(item_id=ItemId("it2"), at=NOW + timedelta(days=31))
    for made in (later, earlier, next_month):
        table.save(Change(label=made), NOW)
    claimed(table)
    found = list(table.labelled(keys.moment(NOW)[:7]))
    assert [(one.item_id, one.version, one.at, one.topic, one.urgency, one.by, one.model) for one in found] == [
        ("it1", 2, NOW, None, "high", "anna", tags().model), ("it1", 3, NOW + SECOND, "order", None, "anna", ""),
    ]  # fmt: skip
    assert [one.item_id for one in table.labelled(keys.moment(NOW + timedelta(days=31))[:7])] == ["it2"]
    assert list(table.labelled("1999-12")) == []


# Pages


def follow(pages: Any) -> list[Page[Any]]:
    """All pages of a list: `pages` takes a cursor."""
    found = [pages(None)]
    while found[-1].next is not None:
        found.append(pages(found[-1].next))
        assert len(found) < 100
    return found


def test_carried_is_all_that_an_agent_holds_or_is_offered(cloud: Cloud, table: Table) -> None:
    there = {"offered_to": "anna", "offered_until": NOW}
    made = [
        item(id="held", state=State.CLAIMED, holder="anna"), item(id="offered", **there),
        item(id="at rest", state=State.WAITING, pinned_to="anna"), item(id="free", pinned_to="anna"),
        item(id="another's", state=State.CLAIMED, holder="carl"),
        item(id="done", state=State.RESOLVED, pinned_to="anna"),
    ]  # fmt: skip
    fill(cloud, table, map(rows.item_row, made))
    assert table.carried("anna") == ["held", "offered"]
    assert table.carried("carl") == ["another's"]
    assert table.carried("boris") == []


def test_pinned_is_all_that_rests_and_comes_back_to_an_agent(cloud: Cloud, table: Table) -> None:
    made = [
        item(id="waits", state=State.WAITING, pinned_to="anna"),
        item(id="sleeps", state=State.SNOOZED, pinned_to="anna"),
        item(id="held", state=State.CLAIMED, holder="anna"), item(id="done", state=State.RESOLVED, pinned_to="anna"),
        item(id="free", pinned_to="anna"), item(id="another's", state=State.WAITING, pinned_to="carl"),
    ]  # fmt: skip
    fill(cloud, table, map(rows.item_row, made))
    assert sorted(table.pinned("anna")) == ["sleeps", "waits"]
    assert table.pinned("boris") == []


def test_carried_is_all_of_it_however_much(cloud: Cloud, table: Table) -> None:
    """A page of the index has a megabyte: long ids fill it with some thousand items."""
    made = [item(id=f"{n:04}{'x' * 900}", state=State.CLAIMED, holder="anna") for n in range(700)]
    fill(cloud, table, map(rows.item_row, made))
    assert sorted(table.carried("anna")) == [i.id for i in made]


@pytest.mark.parametrize("index", ["waiting", "holding", "state"])
def test_listed_pages_show_each_row_once_in_order(cloud: Cloud, table: Table, index: Any) -> None:
    changed = {"state": State.CLAIMED, "holder": "anna"} if index == "holding" else {}
    made = [replace(i, changed_at=i.waiting_since, **changed) for i in waiting_items(7)]  # type: ignore[arg-type]
    fill(cloud, table, map(rows.item_row, [*made, item(id="else", queue="people", state=State.RESOLVED)]))
    pk = {"waiting": "QUEUE#orders", "holding": "HOLDER#anna", "state": "STATE#queued"}[index]
    for newest, limit in product((False, True), (1, 2, 3, 7, 8)):
        pages = follow(lambda cursor, n=newest, limit=limit: table.listed(index, pk, limit, cursor, n))
        wanted = [f"ITEM#{i.id}" for i in (reversed(made) if newest else made)]
        assert [row["pk"] for page in pages for row in page.entries] == wanted, (newest, limit)
        assert all(len(page.entries) <= limit for page in pages)


def test_mentions_pages_show_each_note_once_newest_first(cloud: Cloud, table: Table) -> None:
    made = [mention(seq) for seq in range(1, 8)]
    table.save(Change(mentions=(*made, mention(3, "carl"))), NOW)
    table.set_presence("boris", "present", NOW)  # his own row stands in the same partition
    for limit in (1, 2, 3, 7, 8):
        pages = follow(lambda cursor, limit=limit: table.mentions("boris", limit, cursor))
        assert [m for page in pages for m in page.entries] == made[::-1], limit
        assert all(len(page.entries) <= limit for page in pages)
    assert table.mentions("carl", 5, None) == Page((mention(3, "carl"),), None)
    assert table.mentions("anna", 5, None) == Page((), None)


def test_shown_is_what_was_said_after_a_number_in_one_conversation_alone(table: Table) -> None:
    said = [shown(seq, by="visitor" if seq % 2 else "agent") for seq in range(1, 13)]
    for line in (*said, shown(1, "c2"), shown(1, installation="other-page")):
        table.save(Change(shown=line), NOW)
    assert table.shown("shop-page", "c1", 0, 100) == said
    assert table.shown("shop-page", "c1", 9, 2) == said[9:11]
    assert table.shown("shop-page", "c1", 12, 100) == table.shown("shop-page", "c", 0, 100) == []


def test_shown_last_is_the_newest_number_of_a_conversation(table: Table) -> None:
    assert table.shown_last("shop-page", "c1") == 0
    for line in (*(shown(seq) for seq in range(1, 12)), shown(1, "c2")):
        table.save(Change(shown=line), NOW)
    assert [table.shown_last("shop-page", name) for name in ("c1", "c2", "c")] == [11, 1, 0]


def timeline_of(cloud: Cloud, table: Table, payloads: Sequence[bool]) -> list[Event]:
    """A timeline whose events have a payload or none."""
    made = []
    for number, there in enumerate(payloads):
        payload = {"written": f"words {number}"} if there else None
        facts = {"number": number}
        made.append(
            written(
                step(event_id=f"e{number}"), EventType.MESSAGE_RECEIVED, customer(seq=number), None, facts, payload
            )[1]
        )
    fill(
        cloud, table, [row for e in made for row in (rows.event_row(e), *([rows.payload_row(e)] if e.payload else []))]
    )
    fill(
        cloud, table, [rows.customer_row(customer(seq=len(made))), rows.event_row(replace(made[0], customer_id="cu2"))]
    )
    return made


PAYLOADS = [
    [True] * 6, [False] * 6, [True, False] * 3, [False, True] * 3, [False, False, True, True, False, True, True],
    [True], [False],
]  # fmt: skip


@pytest.mark.parametrize("payloads", PAYLOADS, ids=["".join("pe"[not p] for p in part) for part in PAYLOADS])
def test_timeline_pages_show_each_event_once_and_whole(cloud: Cloud, table: Table, payloads: list[bool]) -> None:
    made = timeline_of(cloud, table, payloads)
    for newest, limit in product((False, True), range(1, len(made) + 2)):
        pages = follow(lambda cursor, n=newest, limit=limit: table.timeline("cu1", limit, cursor, n))
        wanted = list(reversed(made)) if newest else made
        assert [event for page in pages for event in page.entries] == wanted, (newest, limit)
        assert all(len(page.entries) == limit for page in pages[:-1])


def test_timeline_pages_that_are_cut_by_size_show_each_event_whole(cloud: Cloud, table: Table) -> None:
    """DynamoDB gives at most a megabyte a page, wherever that cuts."""
    made = timeline_of(cloud, table, [True] * 5)
    for size in (290_000, 330_000):
        large = [replace(event, payload={"written": "x" * size}) for event in made]
        fill(cloud, table, map(rows.payload_row, large))
        for newest, limit in product((False, True), (3, 4, 5)):
            pages = follow(lambda cursor, n=newest, limit=limit: table.timeline("cu1", limit, cursor, n))
            assert [event for page in pages for event in page.entries] == (large[::-1] if newest else large)


def test_timeline_of_an_erased_payload_still_shows_the_event(cloud: Cloud, table: Table) -> None:
    made = timeline_of(cloud, table, [True, True, True])
    first = table.timeline("cu1", 1, None, newest=False)
    for seq in (1, 2):  # the very row the cursor names is gone, too
        cloud.dynamodb.delete_item(TableName=table._name, Key=rows.to_wire(keys.payload_key("cu1", seq)))
    rest = table.timeline("cu1", 5, first.next, newest=False)
    assert rest.entries == (replace(made[1], payload=None), made[2])


@pytest.mark.parametrize("there", [True, False])
def test_event_is_one_entry_with_what_was_said(cloud: Cloud, table: Table, there: bool) -> None:
    made = timeline_of(cloud, table, [True, there, True])
    assert table.event("cu1", 2) == made[1]
    for customer_id, seq in (("cu1", 4), ("nobody", 1)):
        with pytest.raises(Unknown):
            table.event(customer_id, seq)


def test_timeline_of_nobody_is_empty(table: Table) -> None:
    assert table.timeline("nobody", 10, None, newest=False) == Page((), None)


def cursor_of(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


FORGED = [
    "x", "!!", "ż", "=", "AAAA", cursor_of([1]), cursor_of("pk"), cursor_of(7), cursor_of(None), cursor_of({}),
    cursor_of({"pk": "CUSTOMER#cu1"}), cursor_of({"pk": "", "sk": ""}), cursor_of({"pk": 1, "sk": 2}),
    cursor_of({"pk": {"S": "CUSTOMER#cu1"}, "sk": "EVENT#1"}), cursor_of({"pk": ["x"], "sk": "y"}),
    cursor_of({"else": "x"}), cursor_of({"pk": "CUSTOMER#cu1", "sk": "EVENT#\ud800"}),
    base64.urlsafe_b64encode(b"[" * 60_000).decode(),
]  # fmt: skip


def test_a_forged_cursor_is_the_callers_mistake(cloud: Cloud, table: Table) -> None:
    timeline_of(cloud, table, [True, False])
    for forged in FORGED:
        with pytest.raises(Invalid, match="cursor"):
            table.timeline("cu1", 1, forged, newest=False)
        with pytest.raises(Invalid, match="cursor"):
            table.listed("state", "STATE#queued", 1, forged)
        with pytest.raises(Invalid, match="cursor"):
            table.mentions("boris", 1, forged)


def test_a_cursor_of_another_list_opens_no_door(cloud: Cloud, table: Table) -> None:
    timeline_of(cloud, table, [True, True])
    fill(cloud, table, map(rows.item_row, (*waiting_items(3), *waiting_items(3, "billing"))))
    table.save(Change(mentions=(mention(1), mention(2), mention(1, "carl"))), NOW)
    cursors = {
        "mentions": table.mentions("boris", 1, None).next,
        "timeline": table.timeline("cu1", 1, None, newest=False).next,
        "orders": table.listed("waiting", "QUEUE#orders", 1, None).next,
        "queued": table.listed("state", "STATE#queued", 1, None).next,
    }
    for name, cursor in cursors.items():
        assert cursor
        for asked, ask in {
            "mentions": lambda cursor=cursor: table.mentions("boris", 5, cursor),
            "another's mentions": lambda cursor=cursor: table.mentions("carl", 5, cursor),
            "timeline": lambda cursor=cursor: table.timeline("cu1", 5, cursor, newest=False),
            "another": lambda cursor=cursor: table.timeline("cu2", 5, cursor, newest=False),
            "orders": lambda cursor=cursor: table.listed("waiting", "QUEUE#orders", 5, cursor),
            "bills": lambda cursor=cursor: table.listed("waiting", "QUEUE#billing", 5, cursor),
            "queued": lambda cursor=cursor: table.listed("state", "STATE#queued", 5, cursor),
        }.items():
            if asked == name:
                assert ask().entries
            else:
                with pytest.raises(Invalid, match="cursor"):
                    ask()


def test_a_cursor_within_the_list_shows_at_most_what_the_list_has(cloud: Cloud, table: Table) -> None:
    """A place in his own timeline that was made up: refused, or a page of it."""
    timeline_of(cloud, table, [True, True])
    for sk, newest in product(("CUSTOMER", "EVENT#", "EVENT#9", "ZZZ", "\ud800"), (False, True)):
        try:
            page = table.timeline("cu1", 5, cursor_of({"pk": "CUSTOMER#cu1", "sk": sk}), newest)
        except Invalid:
            continue
        assert {event.customer_id for event in page.entries} <= {"cu1"}


# Saving


def test_save_writes_every_row_of_a_decision(cloud: Cloud, table: Table) -> None:
    found, whose = arrived(table)
    arrived(table, 2, "chat")
    kinds = Counter(row["kind"]["S"] for row in all_rows(cloud, table))
    assert kinds == {"customer": 2, "item": 2, "event": 2, "payload": 2, "delivery": 2, "message": 1, "identity": 2,
                     "conversation": 1}  # fmt: skip
    (event,) = table.timeline(whose.id, 5, None, newest=False).entries
    assert event.hash == found.chain
    assert event.payload


@pytest.mark.parametrize("channel", ["mail", "chat"])
def test_save_of_a_delivery_succeeds_once(cloud: Cloud, table: Table, channel: str) -> None:
    arrived(table, 1, channel)
    before = all_rows(cloud, table)
    with pytest.raises(LostRace) as lost:
        arrived(table, 1, channel)
    assert {"delivery:ConditionalCheckFailed", "customer:ConditionalCheckFailed"} <= set(lost.value.reasons)
    assert all_rows(cloud, table) == before


ONCE: list[tuple[str, Change]] = [
    ("delivery", Change(handled=Handled(Delivery("mail", "d1"), "e1"))),
    ("message", Change(message=KnownMessage("m", "id", "hash", None, "e1"))),
    ("message", Change(message=KnownMessage("m", "id", "hash", None, "e1", another=True))),
    ("identity", Change(identity=Identity("mail", "a@b", "cu1"))),  # type: ignore[arg-type]
    ("conversation", Change(conversation=Conversation("w", "c1", "it1"))),  # type: ignore[arg-type]
    ("item", Change(after=item())),
    (
        "customer",
        Change(
            customer=customer(seq=0),
            events=(written(step(), EventType.MESSAGE_RECEIVED, customer(seq=0), None, {})[1],),
        ),
    ),
    ("answer", Change(answered=answered(claim_token="t"))),
    ("reply", Change(reply=reply())),
    ("mention", Change(mentions=(mention(1),))),
    ("label", Change(label=label())),
    ("budget", Change(budget=Budget("anna@example.com", (NOW,), 1))),
    ("link", Change(link=link())),
    ("shown", Change(shown=shown(1))),
]


@pytest.mark.parametrize(("what", "change"), ONCE, ids=[what for what, _ in ONCE])
def test_save_of_what_is_new_never_overwrites(cloud: Cloud, table: Table, what: str, change: Change) -> None:
    table.save(change, NOW)
    before = all_rows(cloud, table)
    with pytest.raises(LostRace) as lost:
        table.save(change, NOW + SECOND)
    assert f"{what}:ConditionalCheckFailed" in lost.value.reasons
    assert all_rows(cloud, table) == before


def test_save_is_refused_when_the_item_has_moved(cloud: Cloud, table: Table) -> None:
    found, whose = arrived(table)
    table.save(claim(found, whose, ANNA, DESK, step(), "t"), NOW)
    before = all_rows(cloud, table)
    second = claim(found, replace(whose, seq=2), CARL, DESK, step(event_id="e9"), "t2")
    with pytest.raises(LostRace) as lost:
        table.save(second, NOW)
    assert lost.value.reasons == ("item:ConditionalCheckFailed",)
    assert all_rows(cloud, table) == before


def test_save_is_refused_when_the_customers_counter_has_moved(cloud: Cloud, table: Table) -> None:
    first, whose = arrived(table)
    second = replace(item(), id="it9", customer_id=whose.id, chain="")
    fill(cloud, table, [rows.item_row(second)])
    table.save(claim(first, whose, ANNA, DESK, step(), "t"), NOW)
    before = all_rows(cloud, table)
    with pytest.raises(LostRace) as lost:
        table.save(claim(second, whose, ANNA, DESK, step(event_id="e9"), "t2"), NOW)
    assert set(lost.value.reasons) == {"customer:ConditionalCheckFailed", "event:ConditionalCheckFailed"}
    assert all_rows(cloud, table) == before


def test_save_is_refused_when_the_lease_was_prolonged_meanwhile(cloud: Cloud, table: Table) -> None:
    """A heartbeat raises no version; what was decided before it must not shorten the lease."""
    held, whose = claimed(table)
    table.prolong(held, "t", NOW + 60 * SECOND * 30)
    before = all_rows(cloud, table)
    with pytest.raises(LostRace) as lost:
        table.save(back(held, whose), NOW)
    assert lost.value.reasons == ("item:ConditionalCheckFailed",)
    assert all_rows(cloud, table) == before
    table.save(back(table.item(held.id), whose), NOW)
    assert table.item(held.id).state == State.QUEUED


def test_save_moves_a_conversation_only_from_where_it_was(table: Table) -> None:
    def moved(to: str, previous: str | None) -> Change:
        return Change(conversation=Conversation("w", "c1", to, previous))  # type: ignore[arg-type]

    table.save(moved("it1", None), NOW)
    table.save(moved("it2", "it1"), NOW)
    with pytest.raises(LostRace):
        table.save(moved("it3", "it1"), NOW)
    (row,) = table.rows([keys.conversation_key("w", "c1")]).values()
    assert row["item_id"] == "it2"


def test_save_changes_a_reply_only_from_where_it_was(cloud: Cloud, table: Table) -> None:
    """Of two senders one begins; the news of what came of it meets the row as it was read."""
    queued = reply()
    table.save(Change(reply=queued), NOW)
    begin = begun(queued, step(at=NOW + SECOND))
    table.save(begin, NOW)
    before = all_rows(cloud, table)
    for late in (begin, Change(reply_before=queued, reply=replace(queued, revision=2, status=Status.FAILED))):
        with pytest.raises(LostRace) as lost:
            table.save(late, NOW)
        assert lost.value.reasons == ("reply:ConditionalCheckFailed",)
    assert all_rows(cloud, table) == before
    assert table.outgoing("r1") == begin.reply
    with pytest.raises(LostRace):  # what is gone is not made again
        table.save(Change(reply_before=reply(9), reply=reply(9, revision=2)), NOW)


def test_save_counts_a_budget_only_from_where_it_was(cloud: Cloud, table: Table) -> None:
    """Of two who write to an account by themselves at once one has counted; the other reads and decides again."""
    first = Budget("anna@example.com", (NOW,), 1)
    table.save(Change(budget=first), NOW)
    second = Budget("anna@example.com", (NOW, NOW + SECOND), 2)
    table.save(Change(budget=second), NOW)
    before = all_rows(cloud, table)
    for late in (second, replace(second, revision=4)):
        with pytest.raises(LostRace) as lost:
            table.save(Change(budget=late), NOW)
        assert lost.value.reasons == ("budget:ConditionalCheckFailed",)
    assert all_rows(cloud, table) == before
    (row,) = table.rows([keys.budget_key("anna@example.com")]).values()
    assert rows.budget_of("anna@example.com", row) == second
    with pytest.raises(LostRace):  # what was tidied away is not gone on with
        table.save(Change(budget=Budget("boris@example.com", (NOW,), 7)), NOW)


def test_save_writes_an_arrival_with_its_acknowledgement_or_neither(cloud: Cloud, table: Table) -> None:
    change = acknowledged(opened(), letter(), Budget("anna@customer.example.com"), step(event_id="ev2"))
    before = all_rows(cloud, table)
    with pytest.raises(LostRace):
        table.save(replace(change, budget=Budget("anna@customer.example.com", (NOW,), 3)), NOW)
    assert all_rows(cloud, table) == before
    table.save(change, NOW)
    kinds = Counter(row["kind"]["S"] for row in all_rows(cloud, table))
    assert kinds == {"customer": 1, "item": 1, "event": 2, "payload": 2, "delivery": 1, "message": 1, "identity": 1,
                     "outbox": 1, "token": 1, "budget": 1}  # fmt: skip
    assert table.customer("cu1").seq == 2
    assert table.outgoing("r1") == change.reply


def test_save_changes_a_link_only_from_where_it_was(cloud: Cloud, table: Table) -> None:
    table.save(Change(link=link()), NOW)
    gone = Change(link=link(stands=False, revision=2))
    table.save(gone, NOW)
    before = all_rows(cloud, table)
    for late in (gone, Change(link=link()), Change(link=link("cu8", "cu9", revision=2))):
        with pytest.raises(LostRace) as lost:
            table.save(late, NOW)
        assert lost.value.reasons == ("link:ConditionalCheckFailed",)
    assert all_rows(cloud, table) == before


def test_save_moves_a_message_only_from_where_it_was(cloud: Cloud, table: Table) -> None:
    known = KnownMessage("m", "id", "hash", ItemId("it1"), "e1")
    table.save(Change(message=known), NOW)
    table.save(Change(moved=(Moved(known, ItemId("it2")),)), NOW)
    (row,) = table.rows([keys.message_key("m", "id")]).values()
    assert rows.message_of(row) == replace(known, item_id=ItemId("it2"))
    before = all_rows(cloud, table)
    for late in (known, replace(known, message_id="none")):
        with pytest.raises(LostRace) as lost:
            table.save(Change(moved=(Moved(late, ItemId("it3")),)), NOW)
        assert lost.value.reasons == ("message:ConditionalCheckFailed",)
    assert all_rows(cloud, table) == before


@pytest.mark.parametrize("moved", ["first", "second"])
@pytest.mark.parametrize("same", [True, False], ids=["of one customer", "of two customers"])
def test_save_writes_what_becomes_of_two_items_or_of_none(cloud: Cloud, table: Table, same: bool, moved: str) -> None:
    one, whose = arrived(table)
    other, second = arrived(table, 2)
    if same:
        other, second = replace(other, id="it3", customer_id=whose.id, chain=""), whose  # type: ignore[arg-type]
        fill(cloud, table, [rows.item_row(other)])
    table.save(claim(one, whose, ANNA, DESK, step(), "t"), NOW)
    one, whose = table.item(one.id), table.customer(whose.id)
    second = whose if same else second
    merged = merge(
        Side(item=one, customer=whose, entries=()), Side(item=other, customer=second, entries=()),
        (step(event_id="m1"), step(event_id="m2")), link(), "a reason", DESK,
    )  # fmt: skip
    assert merged.also
    before = all_rows(cloud, table)
    late = replace(merged, **{
        "first": {"before": replace(one, version=7)},
        "second": {"also": replace(merged.also, before=replace(other, version=7))},
    }[moved])  # fmt: skip
    with pytest.raises(LostRace) as lost:
        table.save(late, NOW)
    assert lost.value.reasons == ("item:ConditionalCheckFailed",)
    assert all_rows(cloud, table) == before
    table.save(merged, NOW)
    assert (table.item(one.id), table.item(other.id)) == (merged.after, merged.also.after)
    assert agent(table, "anna").held["mail"] == 0
    seqs = [table.customer(customer_id).seq for customer_id in dict.fromkeys((whose.id, second.id))]
    assert seqs == ([whose.seq + 2] if same else [whose.seq + 1, second.seq + 1])


def test_save_writes_a_token_as_often_as_a_reply_bears_it(table: Table) -> None:
    mark = ReplyToken("abc", ItemId("it1"), CustomerId("cu1"), "help@shop.example.com")
    for _ in range(2):
        table.save(Change(token=mark), NOW)
    (row,) = table.rows([keys.token_key("abc")]).values()
    assert rows.token_of(row) == mark


def test_save_writes_reply_token_answer_label_and_mentions_with_the_step_or_none_of_them(
    cloud: Cloud, table: Table
) -> None:
    held, whose = claimed(table)
    said = label(item_id=held.id, version=3, event_id="e9", said=held.tags)
    whole = replace(
        back(held, whose), reply=reply(), token=ReplyToken("abc", held.id, whose.id, "help@shop.example.com"),
        answered=answered(reply_id="r1", said="hash"), label=said, mentions=(mention(1), mention(1, "carl")),
    )  # fmt: skip
    before = all_rows(cloud, table)
    with pytest.raises(LostRace):
        table.save(replace(whole, before=replace(held, version=7)), NOW)
    assert all_rows(cloud, table) == before
    table.save(whole, NOW)
    kinds = Counter(row["kind"]["S"] for row in all_rows(cloud, table))
    assert [kinds[kind] for kind in ("outbox", "token", "idempotency", "label", "mention")] == [1, 1, 1, 1, 2]
    assert table.answered("anna", "k") == answered(reply_id="r1", said="hash")


def test_save_counts_load_up_to_the_limit(cloud: Cloud, table: Table) -> None:
    up = loaded("carl", limit=2)
    table.save(up, NOW)
    table.save(up, NOW)
    before = all_rows(cloud, table)
    with pytest.raises(AtCapacity):
        table.save(replace(up, answered=answered("carl")), NOW)
    assert all_rows(cloud, table) == before
    table.save(loaded("carl", "chat", limit=1), NOW)  # another channel has room of its own
    table.save(loaded("carl", by=-1), NOW)
    table.save(up, NOW)
    assert agent(table, "carl").held == {"mail": 2, "chat": 1}


def test_save_moves_a_load_from_one_agent_to_another_or_leaves_both(cloud: Cloud, table: Table) -> None:
    table.save(loaded("anna"), NOW)
    table.set_presence("carl", "present", NOW)
    taken = Load(AgentId("carl"), "mail", 1, limit=1, must=Must.PRESENT)
    passed = Change(loads=(Load(AgentId("anna"), "mail", -1), taken))
    table.save(passed, NOW)
    assert [agent(table, name).held["mail"] for name in ("anna", "carl")] == [0, 1]
    before = all_rows(cloud, table)
    with pytest.raises(AtCapacity):
        table.save(passed, NOW)
    assert all_rows(cloud, table) == before


#: Presence of an agent (None: never seen) -> what each `must` lets through.
PRESENCE: list[tuple[str | None, dict[Must, bool]]] = [
    (None, {Must.ANY: True, Must.NOT_AWAY: True, Must.PRESENT: False}),
    ("present", {Must.ANY: True, Must.NOT_AWAY: True, Must.PRESENT: True}),
    ("away", {Must.ANY: True, Must.NOT_AWAY: False, Must.PRESENT: False}),
]


@pytest.mark.parametrize("must", list(Must))
@pytest.mark.parametrize(("presence", "lets"), PRESENCE, ids=["never seen", "present", "away"])
@pytest.mark.parametrize("by", [0, 1])
def test_save_gives_work_only_to_who_is_there(
    cloud: Cloud, table: Table, presence: str | None, lets: dict[Must, bool], must: Must, by: int
) -> None:
    """`by` 0 is an offer accepted, which was counted when it was made."""
    if presence:
        table.set_presence("anna", presence, NOW)
    given = loaded("anna", by=by, must=must)
    if lets[must]:
        table.save(given, NOW)
        took = {Must.NOT_AWAY: presence or "present"}.get(must, presence or "unknown")
        assert agent(table, "anna") == AgentNow(AgentId("anna"), took, {"mail": by, "chat": 0})  # type: ignore[arg-type]
        return
    before = all_rows(cloud, table)
    with pytest.raises(AtCapacity):
        table.save(given, NOW)
    assert all_rows(cloud, table) == before


def test_save_takes_back_from_whom_it_may_whatever_he_is(table: Table) -> None:
    table.save(loaded("anna", by=2), NOW)
    table.set_presence("anna", "away", NOW)
    table.save(loaded("anna", by=-1), NOW)
    assert agent(table, "anna").held["mail"] == 1


def test_save_sets_away_who_let_an_offer_pass_and_has_him_looked_after(table: Table) -> None:
    table.save(loaded("anna", "chat", must=Must.NOT_AWAY), NOW)
    table.save(loaded("anna", "chat", -1, silent_since=NOW), NOW)
    assert agent(table, "anna") == AgentNow(AgentId("anna"), "away", {"mail": 0, "chat": 0})
    shard = keys.wake_shard("anna")
    assert table.due(shard, NOW + LOOKED_AFTER - SECOND, 10) == []
    assert table.due(shard, NOW + LOOKED_AFTER, 10) == [Due("AGENT", "anna")]


@pytest.mark.parametrize("limit", [0, 3])
def test_save_counts_from_nothing(table: Table, limit: int) -> None:
    """An agent nobody has seen holds nothing, which is room enough unless the desk gives him none."""
    load = loaded("new", limit=limit, must=Must.NOT_AWAY)
    if limit:
        table.save(load, NOW)
        assert agent(table, "new").held["mail"] == 1
    else:
        with pytest.raises(AtCapacity):
            table.save(load, NOW)


# Small writes


def at_rest(row: Any, *moved: str) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in moved}


def test_prolong_moves_the_lease_and_nothing_else(table: Table) -> None:
    held, _ = claimed(table)
    key = keys.item_key(held.id)
    (before,) = table.rows([key]).values()
    until = NOW + timedelta(hours=1)
    table.prolong(held, "t", until)
    (after,) = table.rows([key]).values()
    moved = ("lease_until", "wake_at", "wake_sk")
    assert at_rest(after, *moved) == at_rest(before, *moved)
    assert table.item(held.id) == replace(held, lease_until=until, wake_at=until)
    assert Due("ITEM", held.id) in table.due(keys.wake_shard(held.id), until, 10)
    assert table.due(keys.wake_shard(held.id), until - SECOND, 10) == []


@pytest.mark.parametrize("wrong", ["token", "holder", "released", "gone"])
def test_prolong_is_refused_when_the_claim_is_no_longer_his(cloud: Cloud, table: Table, wrong: str) -> None:
    held, whose = claimed(table)
    if wrong == "released":
        table.save(back(held, whose), NOW)
    asked = {"gone": replace(held, id="gone"), "holder": replace(held, holder="boris")}.get(wrong, held)  # type: ignore[arg-type]
    before = all_rows(cloud, table)
    with pytest.raises(LostRace):
        table.prolong(asked, "other" if wrong == "token" else "t", NOW + timedelta(hours=1))
    assert all_rows(cloud, table) == before


def test_prolong_puts_off_no_promise_and_is_refused_when_promises_moved(cloud: Cloud, table: Table) -> None:
    first = Clock(due_at=NOW + SECOND * 90, warn_at=NOW + SECOND * 60, warn_before=SECOND * 30)
    promises = Promised("mail", "office", "v1", first)
    held, whose = claimed(table)
    table.save(told(held, replace(held, version=held.version + 1, promises=promises), whose,
                    EventType.NOTE_ADDED, step(event_id="promised"), DESK, {}), NOW)  # fmt: skip
    read = table.item(held.id)
    assert read.promises == promises
    shard = keys.wake_shard(held.id)
    table.prolong(read, "t", NOW + timedelta(hours=1))
    assert table.due(shard, NOW + SECOND * 59, 10) == []
    assert Due("ITEM", held.id) in table.due(shard, NOW + SECOND * 60, 10)
    before = all_rows(cloud, table)
    for other in (None, replace(promises, version="v2"), promises.with_clock("first_reply", warned(first, NOW))):
        with pytest.raises(LostRace):
            table.prolong(replace(read, promises=other), "t", NOW + timedelta(hours=2))
    assert all_rows(cloud, table) == before


def test_postpone_wake_moves_the_next_look_and_nothing_else(table: Table) -> None:
    found, _ = arrived(table)
    (before,) = table.rows([keys.item_key(found.id)]).values()
    at = NOW + timedelta(hours=2)
    table.postpone_wake(found, at)
    (after,) = table.rows([keys.item_key(found.id)]).values()
    assert at_rest(after, "wake_at", "wake_sk") == at_rest(before, "wake_at", "wake_sk")
    assert table.item(found.id) == replace(found, wake_at=at)
    assert table.due(keys.wake_shard(found.id), at - SECOND, 10) == []


def test_postpone_wake_is_refused_when_the_item_has_moved(cloud: Cloud, table: Table) -> None:
    found, whose = arrived(table)
    table.save(claim(found, whose, ANNA, DESK, step(), "t"), NOW)
    before = all_rows(cloud, table)
    for stale in (found, replace(found, id="gone")):
        with pytest.raises(LostRace):
            table.postpone_wake(stale, NOW + timedelta(hours=2))
    assert all_rows(cloud, table) == before


def test_set_presence_leaves_the_load_alone(table: Table) -> None:
    claimed(table)
    for presence in ("away", "present", "away"):
        table.set_presence("anna", presence, NOW)
        now = agent(table, "anna")
        assert (now.presence, now.held["mail"], now.hands_to) == (presence, 1, None)


def test_set_presence_has_who_is_away_looked_after_until_he_is_back(table: Table) -> None:
    shard, later = keys.wake_shard("anna"), NOW + LOOKED_AFTER
    table.set_presence("anna", "away", NOW)
    assert table.due(shard, later - SECOND, 10) == []
    assert table.due(shard, later, 10) == [Due("AGENT", "anna")]
    table.set_presence("anna", "present", NOW)
    assert table.due(shard, later, 10) == []


@pytest.mark.parametrize("to", ["boris", ""])
def test_set_presence_remembers_who_gets_his_matters_until_the_next_word(table: Table, to: str) -> None:
    table.set_presence("anna", "away", NOW, hands_to=to)
    assert agent(table, "anna").hands_to == to
    table.set_presence("anna", "away", NOW)
    assert agent(table, "anna").hands_to is None
    table.set_presence("anna", "away", NOW, hands_to=to)
    table.set_presence("anna", "present", NOW)
    assert agent(table, "anna").hands_to is None


def test_settled_takes_who_has_nothing_left_out_of_the_index_and_nothing_else(table: Table) -> None:
    table.save(loaded("anna", must=Must.NOT_AWAY), NOW)
    table.set_presence("anna", "away", NOW, hands_to="boris")
    table.settled("anna", NOW + LOOKED_AFTER)
    assert agent(table, "anna") == AgentNow(AgentId("anna"), "away", {"mail": 1, "chat": 0})
    assert table.due(keys.wake_shard("anna"), NOW + 9 * LOOKED_AFTER, 10) == []


@pytest.mark.parametrize("meanwhile", ["set away anew", "back", "settled", "never seen"])
def test_settled_is_refused_when_he_was_set_away_anew(cloud: Cloud, table: Table, meanwhile: str) -> None:
    """Looked after at the first time of being away; then he was back, and went again with another handover."""
    now = NOW + LOOKED_AFTER
    if meanwhile != "never seen":
        table.set_presence("anna", "away", NOW)
    if meanwhile == "set away anew":
        table.set_presence("anna", "away", NOW + SECOND, hands_to="boris")
    if meanwhile == "back":
        table.set_presence("anna", "present", now)
    if meanwhile == "settled":
        table.settled("anna", now)
    before = all_rows(cloud, table)
    with pytest.raises(LostRace):
        table.settled("anna", now)
    assert all_rows(cloud, table) == before


def test_count_message_counts_up_to_the_limit_of_a_minute(table: Table) -> None:
    minute = timedelta(minutes=1)
    for _ in range(3):
        table.count_message("shop-page", "c1", NOW, 3)
    for moment in (NOW, NOW + 59 * SECOND):
        with pytest.raises(LostRace):
            table.count_message("shop-page", "c1", moment, 3)
    table.count_message("shop-page", "c2", NOW, 3)
    table.count_message("shop-page", "c1", NOW + minute, 3)
    row = table.rows([keys.pace_key("shop-page", "c1", NOW)]).popitem()[1]
    assert (row["kind"], row["messages"]) == ("pace", 3)
    assert row["expires_at"] > (NOW + minute).timestamp()


def test_try_again_is_refused_once_an_earlier_try_came_to_no_end(table: Table) -> None:
    mail, other = Delivery("mail", "d1"), Delivery("chat", "d1")
    assert table.try_again(mail, 2, NOW)
    assert table.try_again(mail, 2, NOW), "the answer was lost, and the client asked again"
    assert not table.try_again(mail, 3, NOW)
    assert not table.try_again(mail, 4, NOW)
    assert table.try_again(other, 3, NOW)
    (row,) = table.rows([keys.attempt_key("mail", "d1")]).values()
    assert (row["kind"], row["tried"]) == ("attempt", 2)
    assert row["expires_at"] > (NOW + timedelta(days=13)).timestamp()


def test_give_up_lets_it_be_tried_again(table: Table) -> None:
    mail = Delivery("mail", "d1")
    assert table.try_again(mail, 2, NOW)
    table.give_up(mail, NOW)
    table.give_up(mail, NOW)
    assert table.try_again(mail, 3, NOW)
    assert not table.try_again(mail, 4, NOW)


# Cost


def test_each_pattern_costs_one_call(cloud: Cloud, table: Table) -> None:
    """As the document says: for up to a hundred keys, and one page."""
    held, whose = claimed(table, key="k1")
    table.save(Change(reply=reply()), NOW)
    called: list[str] = []

    def note(model: Any, **_: Any) -> None:
        called.append(model.name)

    calls: dict[str, Any] = {
        "rows": lambda: table.rows([keys.item_key(f"i{n}") for n in range(100)]),
        "item": lambda: table.item(held.id),
        "item_and_customer": lambda: table.item_and_customer(held.id, whose.id),
        "items_and_customers": lambda: table.items_and_customers([held.id], [whose.id]),
        "customer": lambda: table.customer(whose.id),
        "answered": lambda: table.answered("anna", "k1"),
        "agents": lambda: table.agents(["anna", "boris", "carl"]),
        "outgoing": lambda: table.outgoing("r1"),
        "waiting": lambda: list(table.waiting("orders", "anna", NOW)),
        "count_waiting": lambda: table.count_waiting("orders"),
        "listed": lambda: table.listed("holding", "HOLDER#anna", 10, None),
        "carried": lambda: table.carried("anna"),
        "pinned": lambda: table.pinned("anna"),
        "mentions": lambda: table.mentions("anna", 10, None),
        "links": lambda: table.links(whose.id),
        "shown": lambda: table.shown("shop-page", "c1", 0, 10),
        "labelled": lambda: list(table.labelled("2026-03")),
        "shown_last": lambda: table.shown_last("shop-page", "c1"),
        "count_message": lambda: table.count_message("shop-page", "c1", NOW, 5),
        "try_again": lambda: table.try_again(Delivery("mail", "d1"), 2, NOW),
        "give_up": lambda: table.give_up(Delivery("mail", "d1"), NOW),
        "timeline": lambda: table.timeline(whose.id, 10, None, newest=False),
        "event": lambda: table.event(whose.id, 1),
        "history": lambda: table.history(held.id),
        "due": lambda: table.due(keys.wake_shard(held.id), NOW, 10),
        "waking": lambda: list(table.waking(keys.wake_shard(held.id))),
        "prolong": lambda: table.prolong(held, "t", held.lease_until or NOW),
        "postpone_wake": lambda: table.postpone_wake(held, held.wake_at or NOW),
        "set_presence": lambda: table.set_presence("anna", "away", NOW),
        "settled": lambda: table.settled("anna", NOW + LOOKED_AFTER),
        "save": lambda: table.save(back(held, whose), NOW),
    }
    assert calls.keys() == PATTERNS
    cloud.dynamodb.meta.events.register("before-call", note)
    try:
        cost = {name: (called.clear(), call(), len(called))[2] for name, call in calls.items()}
    finally:
        cloud.dynamodb.meta.events.unregister("before-call", note)
    assert cost == dict.fromkeys(calls, 1) | {"carried": 2}
    called.clear()
    assert table.agents([]) == {}
    assert called == []


# A race


@pytest.mark.stack
def test_of_eight_at_once_each_item_has_one_winner(emulated_cloud: Cloud) -> None:
    """Eight agents, twenty items of five customers: whoever loses reads again and decides again."""
    table = emulated_cloud.make_table("table-race")
    desk = policy.load()
    for whose in range(5):
        for nth in range(4):
            number = 10 * whose + nth
            known = Known(customer=customer(id=f"cu{whose}", seq=nth, key=b"k" * 32))
            change = message_arrived(
                arrival(f"d{number}"), mail(message_id=f"m{number}"), tags(), known, desk, ids(number)
            )
            table.save(change, NOW)
    names = [f"it{10 * whose + nth}" for whose in range(5) for nth in range(4)]
    begin = threading.Barrier(8)

    def work(agent_id: str) -> list[str]:
        won = []
        begin.wait()
        for name in names:  # all of them after the same item at the same time
            while waits(found := table.item(name)):
                token = f"{agent_id}:{name}"
                try:
                    change = claim(found, table.customer(found.customer_id), desk.agents[agent_id], desk,
                                   step(event_id=token, actor=agent_id), token)  # fmt: skip
                    table.save(change, NOW)
                except LostRace:
                    continue
                won.append(name)
        return won

    agents = [f"agent-{n}" for n in range(1, 9)]
    with ThreadPoolExecutor(8) as pool:
        won = dict(zip(agents, pool.map(work, agents), strict=True))
    assert sorted(name for part in won.values() for name in part) == sorted(names)
    winner = {name: agent for agent, part in won.items() for name in part}
    for name in names:
        now, history = table.item(name), table.history(name)
        assert (now.holder, now.claim_token, now.version) == (winner[name], f"{winner[name]}:{name}", 2)
        assert [(event.version, event.actor) for event in history] == [(1, "customer"), (2, winner[name])]
        assert [event.previous for event in history] == ["", history[0].hash]
        assert now.chain == history[1].hash
    for whose in range(5):
        events = table.timeline(f"cu{whose}", 50, None, newest=False).entries
        assert [event.seq for event in events] == list(range(1, 9))
        assert table.customer(f"cu{whose}").seq == 8
    held = {name: now.held["mail"] for name, now in table.agents(agents).items()}
    assert held == {name: len(part) for name, part in won.items()}


# The document


def test_the_document_lists_every_access_pattern_and_its_test() -> None:
    text = (ROOT / "docs" / "table.md").read_text("utf-8")
    listed = re.findall(r"^\| `(\w+)` \|.*\| `(test_\w+)` \|$", text, re.MULTILINE)
    assert sorted(function for function, _ in listed) == sorted(PATTERNS)
    assert {test for _, test in listed} <= globals().keys()
    assert all(test.startswith(f"test_{function}_") for function, test in listed)


def test_the_document_lists_every_kind_of_row_and_every_index(cloud: Cloud) -> None:
    text = (ROOT / "docs" / "table.md").read_text("utf-8")
    kinds = set(re.findall(r'"kind": "(\w+)"', inspect.getsource(rows))) | {"agent"}
    assert kinds == set(re.findall(r"^\| \*(\w+)\* \|", text, re.MULTILINE))
    indexes = {index["IndexName"] for index in cloud.template["Table"]["Properties"]["GlobalSecondaryIndexes"]}
    assert indexes == set(re.findall(r"^\| \*\*(\w+)\*\* \|", text, re.MULTILINE))
