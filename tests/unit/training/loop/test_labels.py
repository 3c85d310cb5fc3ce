"""What people decided becomes samples: the last decision of each item and text, masked, with whom it belongs to."""

from itertools import count

import pytest

from chalicelib.flows import persons, work
from chalicelib.item.item import Item
from chalicelib.store import keys
from chalicelib.store.rows import to_wire
from tests.cloud import Cloud, TestWorld
from tests.desk import SAM
from tests.unit.flows.scenes import chat, deliver, items
from training.dataset import identity
from training.loop.labels import Place, document_at, harvest, last_months

NUMBERS = count(1)


def arrived(cloud: Cloud, world: TestWorld, text: str, **headers: str) -> Item:
    """The item a mail of a new customer opens."""
    before = {item.id for item in items(cloud)}
    assert deliver(world, next(NUMBERS), text, **headers) == "queued"
    (item,) = [item for item in items(cloud) if item.id not in before]
    return item


def decide(world: TestWorld, item: Item, topic: str | None = None, urgency: str | None = None) -> None:
    now = world.table.item(item.id)
    work.tag(item.id, now.version, topic, urgency, SAM, world)


def test_a_correction_is_a_sample(moto_cloud: Cloud, world: TestWorld) -> None:
    decide(world, arrived(moto_cloud, world, "My card was charged twice", subject="Money"), "billing", "high")
    found = harvest(world, 1)
    (decision,) = found.decisions
    assert decision.sample.labels == {"topic": "billing", "urgency": "high"}
    assert decision.sample.document.text == "Money\nMy card was charged twice"
    assert decision.sample.document.channel == "mail"
    assert decision.model == "words"
    assert (found.labels, found.left_out) == (1, {})


def test_a_confirmation_is_one_too(moto_cloud: Cloud, world: TestWorld) -> None:
    decide(world, arrived(moto_cloud, world, "Where is my parcel"))
    (decision,) = harvest(world, 1).decisions
    assert decision.sample.labels == {"topic": "order", "urgency": "normal"}


def test_a_chat_is_learned_from_as_it_was_tagged(moto_cloud: Cloud, world: TestWorld) -> None:
    chat(world, "d-1", "Is the lamp in stock?")
    decide(world, items(moto_cloud)[0], "other")
    (decision,) = harvest(world, 1).decisions
    assert (decision.sample.document.text, decision.sample.document.channel) == ("Is the lamp in stock?", "chat")


def test_of_several_decisions_about_an_item_the_last_wins(moto_cloud: Cloud, world: TestWorld) -> None:
    item = arrived(moto_cloud, world, "Hello there")
    for topic in ("billing", "order", "other"):
        decide(world, item, topic)
    found = harvest(world, 1)
    assert [d.sample.labels["topic"] for d in found.decisions] == ["other"]
    assert found.left_out == {"decided again later": 2}


def test_of_several_decisions_about_the_same_text_the_last_wins(moto_cloud: Cloud, world: TestWorld) -> None:
    first, second = (arrived(moto_cloud, world, text) for text in ("Hello, there!", "hello there"))
    decide(world, second, "billing")
    decide(world, first, "other")
    found = harvest(world, 1)
    assert [d.sample.labels["topic"] for d in found.decisions] == ["other"]
    assert found.left_out == {"same text decided again later": 1}


def test_a_correction_is_not_lost_to_who_decided_something_else_of_the_same_text(
    moto_cloud: Cloud, world: TestWorld
) -> None:
    first, second = (arrived(moto_cloud, world, text) for text in ("Hello, #unsure!", "hello #unsure"))
    decide(world, first, "billing", "low")
    decide(world, second, urgency="high")  # of the topic nobody says anything: the model abstained
    (decision,) = harvest(world, 1).decisions
    assert decision.sample.labels == {"topic": "billing", "urgency": "high"}


def test_an_item_stands_for_the_message_that_opened_it(moto_cloud: Cloud, world: TestWorld) -> None:
    sender = "anna@customer.example.com"
    deliver(world, 501, "The lamp is broken", sender=sender, dmarc="PASS")
    (item,) = items(moto_cloud)
    answer = {"In_Reply_To": "<m501@customer.example.com>", "sender": sender, "dmarc": "PASS"}
    deliver(world, 502, "And thank you", **answer)
    decide(world, item, "order")
    (decision,) = harvest(world, 1).decisions
    assert decision.sample.document.text.endswith("The lamp is broken")


def test_personal_data_is_masked(moto_cloud: Cloud, world: TestWorld) -> None:
    text = "Call 601 234 567 or write to me@home.example.com, PESEL 44051401359, PL61 1090 1014 0000 0712 1981 2874"
    decide(world, arrived(moto_cloud, world, text), "other")
    (decision,) = harvest(world, 1).decisions
    masked = "Call 000 000 000 or write to mail@example.com, PESEL 00000000000, PL00 0000 0000 0000 0000 0000 0000"
    assert decision.sample.document.text == f"Parcel\n{masked}"


def test_a_long_message_is_learned_from_whole(moto_cloud: Cloud, world: TestWorld) -> None:
    words = " ".join(f"word{'abcdefgh'[n % 8]}{'ijklmnop'[n // 8 % 8]}" for n in range(600))
    decide(world, arrived(moto_cloud, world, f"{words} the very end"), "other")
    (decision,) = harvest(world, 1).decisions
    assert identity(decision.sample.document).endswith("the very end")


def test_what_was_erased_is_not_learned_from(moto_cloud: Cloud, world: TestWorld) -> None:
    item = arrived(moto_cloud, world, "Forget me")
    decide(world, item, "other")
    key = to_wire(keys.payload_key(item.customer_id, 1))
    moto_cloud.dynamodb.delete_item(TableName=world.settings.table, Key=key)
    found = harvest(world, 1)
    assert (found.decisions, found.left_out) == ((), {"message erased, unreadable or without words": 1})
    assert document_at(Place(item.customer_id, 1), world) is None
    assert document_at(Place("nobody", 1), world) is None


def test_one_person_under_two_addresses_is_one(moto_cloud: Cloud, world: TestWorld) -> None:
    first, second, third = (
        arrived(moto_cloud, world, text) for text in ("One thing", "Another thing", "A third thing")
    )
    for item in (first, second, third):
        decide(world, item, "other")
    persons.say(first.customer_id, second.customer_id, "", SAM, world, stands=True)
    people = [decision.people for decision in harvest(world, 1).decisions]
    both = frozenset({first.customer_id, second.customer_id})
    assert people == [both, both, frozenset({third.customer_id})]
    persons.say(first.customer_id, second.customer_id, "", SAM, world, stands=False)
    assert harvest(world, 1).decisions[0].people == {first.customer_id}


def test_labels_of_other_months_count_as_far_back_as_asked(moto_cloud: Cloud, world: TestWorld) -> None:
    decide(world, arrived(moto_cloud, world, "Long ago"), "other")
    moto_cloud.clock.forward(days=62)
    assert harvest(world, 2).labels == 0
    assert harvest(world, 3).labels == 1


def test_the_last_months_go_back_over_the_turn_of_the_year(moto_cloud: Cloud) -> None:
    assert last_months(moto_cloud.clock.time, 4) == ["2025-12", "2026-01", "2026-02", "2026-03"]


@pytest.mark.parametrize("months", [1, 24])
def test_without_labels_there_is_nothing(world: TestWorld, months: int) -> None:
    found = harvest(world, months)
    assert (found.decisions, found.labels, found.left_out) == ((), 0, {})
