"""The process dies before and after every AWS call of every flow: redelivered, nothing is lost, doubled or stuck."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from moto import mock_aws

from chalicelib.flows import claim, watch, work
from chalicelib.flows.hook import accept
from chalicelib.flows.receive import dead_delivery, delivery
from chalicelib.flows.ring import ring
from chalicelib.intake.chat import generic
from chalicelib.item.state import State
from chalicelib.rights import Caller
from chalicelib.store import rows
from tests.cloud import SECRET, Cloud, TestWorld
from tests.crash.calls import Calls, deaths, survives
from tests.invariants import violations
from tests.letters import mail, store_chat, store_mail
from tests.streams import Stream

AGENT = Caller("agent-1", frozenset({"agent"}))
AGAIN = "<two@customer.example.com>"


@dataclass
class Desk:
    """A stack on moto with one waiting item, and what a flow may need."""

    cloud: Cloud
    world: TestWorld
    stream: Stream
    item_id: str

    def rung(self) -> None:
        """Rings for all that changed since the last look."""
        ring(self.stream.records(), self.world)


def desk_with_an_item() -> Desk:
    """Opens the desk: one mail came in and its bell rings."""
    cloud = Cloud()
    world = cloud.deploy()
    stream = Stream(cloud)
    delivery(store_mail(world, "first", mail()), "sqs-1", 1, world)
    item = next(row for row in map(rows.from_wire, cloud.rows()) if row["kind"] == "item")
    desk = Desk(cloud, world, stream, item["item_id"])
    desk.rung()
    return desk


type Flow = Callable[[Desk], Callable[[], object]]


def _new_mail(desk: Desk) -> Callable[[], object]:
    notice = store_mail(desk.world, "second", mail(sender="other@customer.example.com", Message_ID=AGAIN))
    return lambda: delivery(notice, "sqs-2", 1, desk.world)


def _answer(desk: Desk) -> Callable[[], object]:
    raw = mail(Message_ID=AGAIN, In_Reply_To="<one@customer.example.com>")
    notice = store_mail(desk.world, "second", raw)
    return lambda: delivery(notice, "sqs-2", 1, desk.world)


def _same_mail(desk: Desk) -> Callable[[], object]:
    notice = store_mail(desk.world, "second", mail())
    return lambda: delivery(notice, "sqs-2", 1, desk.world)


def _automatic(desk: Desk) -> Callable[[], object]:
    notice = store_mail(desk.world, "second", mail(Message_ID=AGAIN, Auto_Submitted="auto-replied"))
    return lambda: delivery(notice, "sqs-2", 1, desk.world)


def _garbage(desk: Desk) -> Callable[[], object]:
    notice = store_mail(desk.world, "second", b"\x00\xff\x13 nothing")
    return lambda: delivery(notice, "sqs-2", 1, desk.world)


def _dead(desk: Desk) -> Callable[[], object]:
    notice = store_mail(desk.world, "second", mail(Message_ID=AGAIN))
    return lambda: dead_delivery(notice, "sqs-2", desk.world)


def _chat(desk: Desk) -> Callable[[], object]:
    notice = store_chat(desk.world, "d1", "Hello?")
    return lambda: delivery(notice, "sqs-2", 1, desk.world)


def _hook(desk: Desk) -> Callable[[], object]:
    raw = b'{"id": "d1", "conversation": "c1", "visitor": {"id": "v1"}, "text": "Hello?"}'
    stamp = str(int(desk.world.now().timestamp()))
    signature = "sha256=" + generic.sign(SECRET, stamp, raw)
    return lambda: accept("generic", "shop-widget", stamp, signature, raw, desk.world)


def _claim(desk: Desk) -> Callable[[], object]:
    return lambda: claim.next_in_mine(AGENT, "key-1", desk.world)


def _release(desk: Desk) -> Callable[[], object]:
    _claim(desk)()
    return lambda: _unless_done(desk, State.QUEUED, work.give_back)


def _resolve(desk: Desk) -> Callable[[], object]:
    _claim(desk)()
    return lambda: _unless_done(desk, State.RESOLVED, work.finish)


def _expire(desk: Desk) -> Callable[[], object]:
    _claim(desk)()
    desk.cloud.clock.forward(hours=1)
    return lambda: watch.watch(desk.world)


def _re_ring(desk: Desk) -> Callable[[], object]:
    desk.cloud.clock.forward(hours=2)
    return lambda: watch.watch(desk.world)


def _unless_done(desk: Desk, wanted: State, change: Callable[..., object]) -> None:
    """An agent who got no answer looks first whether it was done."""
    item = desk.world.table.item(desk.item_id)
    if item.state != wanted:
        change(desk.item_id, item.version, AGENT, desk.world)


FLOWS: dict[str, tuple[Flow, int]] = {
    "new mail": (_new_mail, 2),
    "answer to a known mail": (_answer, 2),
    "same mail again": (_same_mail, 1),
    "automatic mail": (_automatic, 2),
    "garbage": (_garbage, 2),
    "dead delivery": (_dead, 2),
    "chat message": (_chat, 2),
    "webhook": (_hook, 1),
    "claim": (_claim, 1),
    "release": (_release, 1),
    "resolve": (_resolve, 1),
    "expire": (_expire, 1),
    "re-ring": (_re_ring, 1),
}


@pytest.mark.parametrize("name", FLOWS)
def test_dying_at_any_call_of(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Each flow, dying before and after each of its calls, then tried again as SQS or the agent would."""
    prepare, arrivals = FLOWS[name]
    with mock_aws():
        desk = desk_with_an_item()
        flow, calls = prepare(desk), Calls(desk.cloud)
        with calls.watch() as made:
            flow()
            operations = list(made)
        undisturbed = _shape(desk)
    points = 0
    for death in deaths(len(operations)):
        with mock_aws():
            desk = desk_with_an_item()
            flow, calls = prepare(desk), Calls(desk.cloud)
            assert not survives(calls, flow, death), f"{name} made fewer calls than before"
            flow()
            table = [rows.from_wire(row) for row in desk.cloud.rows()]
            assert violations(table) == [], f"{name}, {death} of {operations}"
            assert _shape(desk) == undisturbed, f"{name}, {death} of {operations}"
            assert sum(row["kind"] == "event" and row["type"] in _ARRIVED for row in table) == arrivals
            points += 1
    with capsys.disabled():
        print(f"\n{name}: {points} crash points over {', '.join(operations)}", end="")


_ARRIVED = {"message-received", "delivery-quarantined"}


def _shape(desk: Desk) -> list[tuple[object, ...]]:
    """The table without what chance and time decide: items and events as a person would compare them."""
    found = []
    for row in map(rows.from_wire, desk.cloud.rows()):
        if row["kind"] == "item":
            found.append(("item", row["state"], row["queue"], row["lane"], row["ring"], row["version"]))
        if row["kind"] == "event":
            found.append(("event", row["type"], row["seq"], row.get("version"), row["actor"]))
    return sorted(found, key=str)
