"""What the command line says of promises."""

from dataclasses import replace
from datetime import timedelta

from chalicelib.api.answers import ItemOut, PromisesNow, QueueOut
from chalicelib.hours import Calendar
from chalicelib.item.item import Promised
from chalicelib.routing.clock import breached, started
from sortownia.showing import lines
from tests.desk import NOW, item

ALWAYS = Calendar(name="always", timezone="UTC", week=(((0, 24 * 60),),) * 7)
CLOCK = started(NOW, timedelta(hours=2), 75, ALWAYS)


def test_an_item_says_by_when_and_what_is_broken() -> None:
    made = Promised("mail", "always", "v1", breached(CLOCK, NOW), replace(CLOCK, due_at=NOW + timedelta(days=1)))
    (line,) = lines(ItemOut.of(item(promises=made), "anna"))
    assert "reply broken since 2026-03-02 11:00:00, resolution by 2026-03-03 09:00:00" in line


def test_an_item_without_promises_says_nothing_of_them() -> None:
    (line,) = lines(ItemOut.of(item(), "anna"))
    assert line == "it1 v1 queued in orders (normal): Parcel"


def test_a_queue_says_how_many_are_late() -> None:
    row = {"name": "orders", "waiting": {"urgent": 1, "normal": 2}, "oldest_waiting_since": None, "held": 0,
           "complete": True, "promises": PromisesNow(due_soon=2, breached=1)}  # fmt: skip
    (line,) = lines(QueueOut.model_validate(row))
    assert line == "orders: 1 urgent, 2 normal, 0 held, 2 due soon, 1 with a broken promise"
