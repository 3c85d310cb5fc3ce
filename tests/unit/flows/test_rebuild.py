"""All queues are lost: the table alone brings everything back."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest

from chalicelib.errors import Unavailable
from chalicelib.flows.rebuild import Made, What, rebuild
from chalicelib.item.item import Item
from chalicelib.item.outgoing import Outgoing, Status
from chalicelib.item.state import State
from chalicelib.routing.route import Lane
from chalicelib.store import rows
from chalicelib.store.table import Page
from tests.cloud import Cloud, TestWorld
from tests.desk import item
from tests.unit.flows.scenes import Picky, Unreachable, by_bells, claimed, deliver, heard, items

LANES = ("normal", "urgent")


def fill(cloud: Cloud, made: Iterable[Item | Outgoing]) -> None:
    """Writes items and replies as they are, past all conditions."""
    for one in made:
        row = rows.item_row(one) if isinstance(one, Item) else rows.outbox_row(one)
        cloud.dynamodb.put_item(TableName="desk-table", Item=rows.to_wire(row))


def made(world: TestWorld) -> dict[tuple[What, str], int]:
    """Rebuilds; what was sent, by kind and queue."""
    sums: Counter[tuple[What, str]] = Counter()
    for part in rebuild(world):
        sums[part.what, part.queue] += part.number
    return {key: number for key, number in sums.items() if number}


def all_bells(cloud: Cloud, world: TestWorld) -> Counter[tuple[str, str, str, int]]:
    """Takes every bell off; how often each queue, lane, item and ring was heard."""
    return Counter(
        (queue, lane, bell["item_id"], bell["ring"])
        for queue in world.policy.queues
        for lane in LANES
        for bell in heard(cloud, world, queue, lane)
    )


def waiting(world: TestWorld, number: int, **changed: Any) -> list[Item]:
    """So many waiting items, each with a ring of its own, every third urgent."""
    now = world.now()
    told = {"queue": "orders", "waiting_since": now, "wake_at": now + timedelta(hours=1), **changed}
    prefix = told["queue"]
    return [
        item(id=f"{prefix}-{n:03}", ring=n + 1, lane=Lane.NORMAL if n % 3 else Lane.URGENT, **told)
        for n in range(number)
    ]


def bells_of(found: Iterable[Item]) -> dict[tuple[str, str, str, int], int]:
    return {(i.queue, i.lane.value, i.id, i.ring): 1 for i in found}


def held(now: datetime, name: str = "held", **changed: Any) -> Item:
    until = now + timedelta(minutes=10)
    told = {"state": State.CLAIMED, "holder": "anna", "claim_token": "t", "lease_until": until, "wake_at": until}
    return item(id=name, **{**told, **changed})


def reply(name: str, status: Status, wake_at: datetime | None, now: datetime) -> Outgoing:
    made_of = item()
    return Outgoing(
        id=name, item_id=made_of.id, customer_id=made_of.customer_id, channel="mail", source="help@shop.example.com",
        to="c@customer.example.com", raw_key=f"out/{name}", actor="anna", event_id="e", queued_at=now,  # type: ignore[arg-type]
        status=status, wake_at=wake_at,
    )  # fmt: skip


def test_every_waiting_item_is_rung_once_where_it_waits(world: TestWorld, moto_cloud: Cloud) -> None:
    orders, bills = waiting(world, 120), waiting(world, 3, queue="billing")
    unread = waiting(world, 2, queue="quarantine", state=State.QUARANTINED)
    fill(moto_cloud, [*orders, *bills, *unread])
    assert made(world) == {(What.BELLS, "orders"): 120, (What.BELLS, "billing"): 3, (What.BELLS, "quarantine"): 2}
    assert all_bells(moto_cloud, world) == bells_of([*orders, *bills, *unread])


def test_what_does_not_wait_is_not_rung(world: TestWorld, moto_cloud: Cloud) -> None:
    now = world.now()
    later = {"wake_at": now + timedelta(days=1)}
    fill(moto_cloud, [
        held(now), item(id="done", state=State.RESOLVED), item(id="asked", state=State.WAITING, pinned_to="anna"),
        item(id="resting", state=State.SNOOZED, snoozed_until=later["wake_at"], **later),
    ])  # fmt: skip
    assert made(world) == {(What.TIMERS, ""): 1}
    assert all_bells(moto_cloud, world) == {}


def test_leases_and_offers_are_timed_again(world: TestWorld, moto_cloud: Cloud) -> None:
    now, until = world.now(), world.now() + timedelta(minutes=1)
    offered = item(id="offered", channel="chat", offered_to="anna", offered_until=until, wake_at=until)
    overdue = held(now, "overdue", lease_until=now - timedelta(hours=1), wake_at=now - timedelta(hours=1))
    fill(moto_cloud, [held(now), offered, overdue])
    assert made(world) == {(What.TIMERS, ""): 3}
    assert all_bells(moto_cloud, world) == {}, "an offered item is not for whoever comes"
    url = world.settings.timer_queue_url
    assert [timer["item_id"] for timer in moto_cloud.bodies(url)] == ["overdue"]
    assert world.queues.depth(url).waiting == 2


def test_replies_nobody_took_are_sent_and_no_others(world: TestWorld, moto_cloud: Cloud) -> None:
    now = world.now()
    soon = now + timedelta(minutes=5)
    fill(moto_cloud, [
        reply("unsent", Status.QUEUED, soon, now), reply("overdue", Status.QUEUED, now - timedelta(days=1), now),
        reply("leaving", Status.SENDING, soon, now), reply("gone", Status.SENT, None, now),
        reply("odd", Status.UNKNOWN, None, now),
    ])  # fmt: skip
    assert made(world) == {(What.REPLIES, ""): 2}
    told = moto_cloud.bodies(world.settings.send_queue_url)
    assert sorted(one["outbox_id"] for one in told) == ["overdue", "unsent"]


def test_what_waits_where_the_desk_has_no_queue_is_told(world: TestWorld, moto_cloud: Cloud) -> None:
    fill(moto_cloud, [*waiting(world, 2, queue="closed-down"), *waiting(world, 1)])
    assert made(world) == {(What.BELLS, "orders"): 1, (What.STRAY, "closed-down"): 2}


def test_each_queue_is_told_of_even_when_it_is_empty(world: TestWorld) -> None:
    assert {part.queue for part in rebuild(world) if part.what == What.BELLS} == world.policy.queues.keys()


def test_all_that_waited_can_be_claimed_by_bell_and_only_once(
    world: TestWorld, moto_cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(6):
        deliver(world, number, "#urgent" if number % 2 else "Hello")
    assert made(world) == {(What.BELLS, "orders"): 6}
    assert made(world) == {(What.BELLS, "orders"): 6}, "again: doubles"
    monkeypatch.setattr(world.table, "waiting", lambda *_, **__: iter(()))  # the index says nothing
    got = []
    for _ in range(6):
        by_bells()
        got.append(claimed(world).id)
    assert sorted(got) == sorted(found.id for found in items(moto_cloud))


class Stale:
    """A table whose waiting index is behind: it still shows what is claimed, and what is gone."""

    def __init__(self, world: TestWorld, shown: Iterable[Mapping[str, str]]) -> None:
        self._real, self._shown = world.table, list(shown)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def listed(self, index: str, pk: str, limit: int, cursor: str | None) -> Page[Any]:
        return Page(tuple(self._shown if pk == "QUEUE#orders" else ()), None)


def test_an_index_only_says_where_to_look(world: TestWorld, moto_cloud: Cloud) -> None:
    fill(moto_cloud, [held(world.now())])
    vars(world)["table"] = Stale(world, [{"pk": f"ITEM#{name}", "sk": "ITEM"} for name in ("held", "erased")])
    assert made(world) == {(What.TIMERS, ""): 1}
    assert all_bells(moto_cloud, world) == {}


@pytest.mark.parametrize("refused", ["orders", "timers"])
def test_what_sqs_refuses_is_not_told_as_done(world: TestWorld, moto_cloud: Cloud, refused: str) -> None:
    fill(moto_cloud, [*waiting(world, 1), held(world.now())])
    urls = {"orders": world.settings.work_queue_url("orders", "urgent"), "timers": world.settings.timer_queue_url}
    vars(world)["queues"] = Picky(world, urls[refused])
    with pytest.raises(Unavailable, match="SQS refused 1 of 1"):
        made(world)


def test_without_its_table_it_says_so(world: TestWorld) -> None:
    vars(world)["table"] = Unreachable()
    with pytest.raises(Unavailable):
        made(world)


def test_nothing_is_scanned_and_nothing_is_written(world: TestWorld, moto_cloud: Cloud) -> None:
    fill(moto_cloud, [*waiting(world, 5), held(world.now()), reply("r", Status.QUEUED, world.now(), world.now())])
    before, called = moto_cloud.rows(), set[str]()

    def note(model: Any, **_: Any) -> None:
        called.add(model.name)

    clients = (moto_cloud.dynamodb, moto_cloud.sqs)
    for client in clients:
        client.meta.events.register("before-call.*.*", note)
    parts = list(rebuild(world))
    for client in clients:
        client.meta.events.unregister("before-call.*.*", note)
    assert Made(What.BELLS, "orders", 5) in parts
    assert called == {"Query", "BatchGetItem", "SendMessageBatch"}
    assert moto_cloud.rows() == before
