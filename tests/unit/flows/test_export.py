"""From the table's stream into the lake and to the sender, without a word a person wrote."""

import json
from typing import Any

import pytest

from chalicelib.flows.export import export
from chalicelib.flows.work import give_back
from chalicelib.item.change import written
from chalicelib.item.item import EventType
from chalicelib.store import rows
from tests.cloud import BUCKETS, Cloud, TestWorld
from tests.desk import ANNA, NOW, customer, item, step
from tests.streams import Stream, record
from tests.unit.flows.scenes import Picky, Unreachable, claimed, deliver


def event_row(number: int = 1, **changed: Any) -> dict[str, Any]:
    event = written(step(event_id=f"ev{number}"), EventType.ITEM_CLAIMED, customer(seq=number), item(), {"n": number})[
        1
    ]
    return {**rows.event_row(event), **changed}


def outbox_row(number: int = 1) -> dict[str, Any]:
    return {"pk": f"OUTBOX#o{number}", "sk": "OUTBOX", "kind": "outbox"}


def lake(cloud: Cloud) -> dict[str, list[Any]]:
    listed = cloud.s3.list_objects_v2(Bucket=BUCKETS[1]).get("Contents", [])
    bodies = {o["Key"]: cloud.s3.get_object(Bucket=BUCKETS[1], Key=o["Key"])["Body"].read() for o in listed}
    return {key: [json.loads(line) for line in body.splitlines()] for key, body in bodies.items()}


def parked(cloud: Cloud, world: TestWorld) -> list[Any]:
    return cloud.bodies(world.settings.parking_queue_url)


def test_every_event_is_one_line_of_its_day(world: TestWorld, moto_cloud: Cloud, stream: Stream) -> None:
    deliver(world, 1)
    held = claimed(world)
    give_back(held.id, held.version, ANNA, world)
    assert export(stream.records(), world) == 3
    ((key, lines),) = lake(moto_cloud).items()
    assert key.startswith("events/day=2026-03-02/")
    history = world.table.history(held.id)
    assert [(line["event_id"], line["hash"], line["version"]) for line in lines] == [
        (event.id, event.hash, event.version) for event in history
    ]
    assert [line["facts"] for line in lines] == [event.facts for event in history]
    assert all(isinstance(line[name], int) for line in lines for name in ("seq", "version", "schema"))
    assert parked(moto_cloud, world) == []


def test_the_lake_is_told_nothing_a_person_wrote(world: TestWorld, moto_cloud: Cloud, stream: Stream) -> None:
    deliver(world, 1, "CANARY words", sender="CANARY <canary@customer.example.com>", subject="CANARY")
    told = stream.records()
    assert "CANARY" in str(told)  # the stream itself carries the payload's row
    export(told, world)
    assert "canary" not in json.dumps(lake(moto_cloud)).lower()


def test_a_batch_over_midnight_goes_into_two_days(world: TestWorld, moto_cloud: Cloud) -> None:
    days = ["2026-03-02T23:59:59.999999Z", "2026-03-03T00:00:00.000000Z"]
    export([record(None, event_row(n, at=at)) for n, at in enumerate(days)], world)
    assert [(key.split("/")[1], len(lines)) for key, lines in sorted(lake(moto_cloud).items())] == [
        ("day=2026-03-02", 1), ("day=2026-03-03", 1),
    ]  # fmt: skip


def test_the_same_batch_again_is_the_same_object(world: TestWorld, moto_cloud: Cloud) -> None:
    told = [record(None, event_row(n)) for n in range(3)]
    export(told, world)
    before = lake(moto_cloud)
    export(told, world)
    assert lake(moto_cloud) == before


def test_different_batches_never_overwrite_each_other(world: TestWorld, moto_cloud: Cloud) -> None:
    for number in range(3):
        export([record(None, event_row(number))], world)
    assert len(lake(moto_cloud)) == 3


def test_what_is_to_be_sent_goes_to_the_sender_by_id(world: TestWorld, moto_cloud: Cloud) -> None:
    assert export([record(None, outbox_row(n)) for n in range(12)], world) == 12
    sent = moto_cloud.bodies(world.settings.send_queue_url)
    assert sorted(message["outbox_id"] for message in sent) == sorted(f"o{n}" for n in range(12))


@pytest.mark.parametrize(
    "bad",
    [
        record(None, event_row(at=None)), record(None, event_row(facts="no json")), record(None, event_row(seq="x")),
        {"eventID": "r", "dynamodb": {"Keys": {}, "NewImage": {"kind": {"X": "event"}}}}, {"eventID": "r"}, {},
    ],
    ids=range(6),
)  # fmt: skip
def test_a_record_nobody_understands_is_parked_and_the_rest_handled(
    world: TestWorld, moto_cloud: Cloud, bad: dict[str, Any]
) -> None:
    told = [record(None, event_row(1)), bad, record(None, event_row(2)), record(None, outbox_row())]
    assert export(told, world) == 3
    (lines,) = lake(moto_cloud).values()
    assert [line["event_id"] for line in lines] == ["ev1", "ev2"]
    (left,) = parked(moto_cloud, world)
    assert (left["reader"], left["event_id"]) == ("export", bad.get("eventID"))


def test_other_rows_are_nobodys_business(world: TestWorld, moto_cloud: Cloud) -> None:
    told = [record(None, rows.item_row(item())), record(None, rows.customer_row(customer())), record(event_row(), None)]
    assert export(told, world) == 0
    assert lake(moto_cloud) == {}


def test_a_lake_that_is_away_parks_each_event(world: TestWorld, moto_cloud: Cloud) -> None:
    vars(world)["lake"] = Unreachable()
    assert export([record(None, event_row(n)) for n in range(3)] + [record(None, outbox_row())], world) == 1
    left = parked(moto_cloud, world)
    assert len(left) == 3
    assert {one["reason"] for one in left} == {"lake unavailable"}
    assert all(one["keys"]["sk"]["S"].startswith("EVENT#") for one in left)


def test_outbox_entries_sqs_refuses_are_parked(world: TestWorld, moto_cloud: Cloud) -> None:
    vars(world)["queues"] = Picky(world, world.settings.send_queue_url)
    assert export([record(None, outbox_row()), record(None, event_row())], world) == 1
    assert [left["keys"]["pk"]["S"] for left in parked(moto_cloud, world)] == ["OUTBOX#o1"]


def test_without_sqs_the_lake_is_written_and_nothing_raised(world: TestWorld, moto_cloud: Cloud) -> None:
    vars(world)["queues"] = Unreachable()
    assert export([record(None, outbox_row()), record(None, event_row()), {}], world) == 1
    assert len(lake(moto_cloud)) == 1


def test_the_day_is_the_events_not_the_readers(world: TestWorld, moto_cloud: Cloud) -> None:
    world.clock.forward(days=3)  # type: ignore[union-attr]
    export([record(None, event_row())], world)
    assert next(iter(lake(moto_cloud))).startswith(f"events/day={NOW:%Y-%m-%d}/")
