"""What the client asks again, and what it does not."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from chalicelib.api import OPERATIONS
from chalicelib.api.answers import ItemOut
from chalicelib.api.operation import Operation
from chalicelib.item.state import State
from chalicelib.store.rows import from_wire
from sortownia.client import ApiError, Client
from tests.unit.api.service import Service
from tests.unit.client.conftest import Connect
from tests.unit.client.wire import Broken, meant

#: Chat providers sign what they send, and the description is for tools.
NOT_FOR_AGENTS = {
    "receive", "shake_hands", "be_there", "read_openapi",
    "read_widget", "open_session", "write_message", "read_replies",
}  # fmt: skip
#: How an agent's program asks for each operation.
CALLS: dict[str, Callable[[Client, ItemOut], Any]] = {
    "claim_in_queue": lambda c, i: c.claim("people"), "claim_in_mine": lambda c, i: c.claim(),
    "claim_item": lambda c, i: c.claim_item(i.id), "decline": lambda c, i: c.decline(i),
    "heartbeat": lambda c, i: c.heartbeat(i), "release": lambda c, i: c.release(i),
    "resolve": lambda c, i: c.resolve(i), "snooze": lambda c, i: c.snooze(i, datetime.now(UTC)),
    "reassign": lambda c, i: c.reassign(i, to_queue="orders"), "send_reply": lambda c, i: c.reply(i, "Yes."),
    "read_reply": lambda c, i: c.reply_status(i.id, "r1"), "add_note": lambda c, i: c.note(i, "He called."),
    "decide_tags": lambda c, i: c.tags(i), "read_item": lambda c, i: c.item(i.id),
    "list_items": lambda c, i: list(c.items()), "read_customer": lambda c, i: c.customer("c1"),
    "read_timeline": lambda c, i: list(c.timeline("c1")), "list_mentions": lambda c, i: list(c.mentions("anna")),
    "read_attachment": lambda c, i: c.attachment("c1", 1, 1),
    "read_queues": lambda c, i: c.queues(), "health": lambda c, i: c.health(),
    "read_agent": lambda c, i: c.agent("anna"), "set_presence": lambda c, i: c.set_presence("anna", "away"),
    "hand_over": lambda c, i: c.hand_over("anna", None), "reopen": lambda c, i: c.reopen(i),
    "split": lambda c, i: c.split(i, ["e1"]), "merge": lambda c, i: c.merge(i, "i2"),
    "unmerge": lambda c, i: c.unmerge(i), "link": lambda c, i: c.link(i, "i2"), "unlink": lambda c, i: c.unlink(i),
    "link_customer": lambda c, i: c.link_customer("c1", "c2"),
    "unlink_customer": lambda c, i: c.unlink_customer("c1", "c2"),
    "mark_customer": lambda c, i: c.mark_customer("c1", "vip"),
    "unmark_customer": lambda c, i: c.unmark_customer("c1", "vip"),
    "escalate": lambda c, i: c.escalate(i, "It is beyond us."), "admit": lambda c, i: c.admit(i),
    "set_aside": lambda c, i: c.set_aside(i),
}  # fmt: skip
#: Neither read, nor put, nor under a key, and yet the same when done twice.
SAME_TWICE = {"heartbeat", "hand_over"}
ROUTES = {operation.name: operation for operation in OPERATIONS}
ITEM = ItemOut.model_construct(id="i1", version=3, claim_token="t")
LOST = httpx.ReadTimeout("no answer")
each_call = pytest.mark.parametrize("name", CALLS)


def asked(name: str, *failures: int | Exception, then: int = 404) -> tuple[list[httpx.Request], Exception]:
    """The requests one call makes when all of them fail, and what it raises in the end."""
    broken = Broken(*failures, then=then)
    with Client("https://api.example.com", "t", transport=broken) as client:
        with pytest.raises((ApiError, httpx.TransportError)) as raised:
            CALLS[name](client, ITEM)
        return broken.seen, raised.value


def answering(*answers: httpx.Response) -> Client:
    """A client who gets these answers, the last one for ever."""
    left = list(answers)
    transport = httpx.MockTransport(lambda _: left.pop(0) if len(left) > 1 else left[0])
    return Client("https://api.example.com", "t", transport=transport)


def may_be_repeated(operation: Operation) -> bool:
    return operation.method in ("GET", "PUT") or operation.keyed or operation.name in SAME_TWICE


def test_every_route_for_agents_has_a_method() -> None:
    """A new route fails here until the client has a method for it."""
    assert CALLS.keys() == ROUTES.keys() - NOT_FOR_AGENTS
    for name in CALLS:
        (request,), _ = asked(name)
        found = meant(request)
        assert found
        assert found[0].name == name


@each_call
def test_a_call_says_what_its_route_wants(name: str) -> None:
    (request,), _ = asked(name)
    (other,), _ = asked(name)
    assert request.headers["Authorization"] == "Bearer t"
    assert request.headers.get("If-Match") == ('"3"' if ROUTES[name].versioned else None)
    assert ("Idempotency-Key" in request.headers) == ROUTES[name].keyed
    if ROUTES[name].keyed:
        assert request.headers["Idempotency-Key"] != other.headers["Idempotency-Key"]


@each_call
@pytest.mark.parametrize("failure", [429, 503, httpx.ConnectError("refused"), httpx.ConnectTimeout("nobody")])
def test_what_was_not_done_is_asked_again(name: str, failure: int | Exception, slept: list[float]) -> None:
    requests, error = asked(name, failure)
    assert len(requests) == 2
    assert len({request.headers.get("Idempotency-Key") for request in requests}) == 1
    assert len({request.content for request in requests}) == 1
    assert isinstance(error, ApiError)
    assert (error.status, error.detail) == (404, "from API Gateway")
    assert 0 < slept[0] < 1


@each_call
@pytest.mark.parametrize("failure", [502, 504, LOST, httpx.RemoteProtocolError("closed")])
def test_what_may_have_been_done_is_asked_again_where_that_does_no_harm(
    name: str, failure: int | Exception, slept: list[float]
) -> None:
    requests, error = asked(name, failure)
    again = may_be_repeated(ROUTES[name])
    assert len(requests) == (2 if again else 1)
    if not again:
        assert error is failure or (isinstance(error, ApiError) and error.status == failure)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 428, 500])
def test_refusals_are_final(status: int, slept: list[float]) -> None:
    for name in ("claim_in_mine", "read_item", "set_presence"):
        requests, error = asked(name, then=status)
        assert len(requests) == 1
        assert isinstance(error, ApiError)
        assert (error.status, error.slug, error.present) == (status, "", None)
    assert slept == []


def test_the_last_failure_is_told(slept: list[float]) -> None:
    refused = httpx.ConnectError("refused")
    requests, error = asked("release", 429, 503, refused, then=503)
    assert len(requests) == 4
    assert isinstance(error, ApiError)
    assert error.status == 503
    assert len(slept) == 3
    for paused, least, most in zip(slept, (0.1, 0.2, 0.4), (0.3, 0.6, 1.2), strict=True):  # half to half again as long
        assert least <= paused <= most
    requests, error = asked("read_item", LOST, LOST, LOST, refused)
    assert (len(requests), error) == (4, refused)


@pytest.mark.parametrize(
    ("said", "least", "most"), [("3", 3, 3), ("999", 10, 10), ("soon", 0.1, 0.3), ("-1", 0.1, 0.3), ("²", 0.1, 0.3)]
)
def test_the_service_says_how_long_to_wait(said: str, least: float, most: float, slept: list[float]) -> None:
    away = httpx.Response(503, headers={"Retry-After": said.encode()})
    with answering(away, httpx.Response(200, json={"status": "ok", "model": None})) as client:
        assert client.health().status == "ok"
    assert len(slept) == 1
    assert least <= slept[0] <= most


@pytest.mark.parametrize(
    ("content", "detail"),
    [(b"<html>bad gateway</html>", "Bad Gateway"), (b"[1]", "Bad Gateway"), (b"", "Bad Gateway"),
     (b'{"Message": "Forbidden"}', "Forbidden"), (b'{"title": "Away", "type": "about:blank"}', "Away")],
)  # fmt: skip
def test_refusals_of_others_are_readable(content: bytes, detail: str, slept: list[float]) -> None:
    with answering(httpx.Response(502, content=content)) as client, pytest.raises(ApiError) as refused:
        client.health()
    assert (refused.value.status, refused.value.detail) == (502, detail)


@pytest.mark.parametrize("status", [200, 204, 302])
def test_what_this_service_would_never_say_is_an_error(status: int) -> None:
    said = f"^{status}: the answer is no ItemWithHistory"
    with (
        answering(httpx.Response(status, content=b"<html>a page</html>")) as client,
        pytest.raises(ApiError, match=said),
    ):
        client.item("i1")


# What is asked again is done once


def test_a_lost_claim_takes_one_item(service: Service, connect: Connect, slept: list[float]) -> None:
    service.item()
    service.item()
    anna, wire = connect("lost", "unheard", "lost")
    held = anna.claim()
    assert held
    assert wire.done == ["claim_in_mine"] * 3
    assert [item.id for item in anna.items()] == [held.id]
    assert held.claim_token
    assert [event.type for event in anna.item(held.id).history] == ["message-received", "item-claimed"]


def test_a_lost_claim_by_name_is_given_again(service: Service, connect: Connect, slept: list[float]) -> None:
    made = service.item()
    anna, wire = connect("lost")
    held = anna.claim_item(made.id)
    assert wire.done == ["claim_item"] * 2
    assert (held.holder, held.version) == ("anna", made.version + 1)


def test_a_lost_reply_is_sent_once(service: Service, connect: Connect, slept: list[float]) -> None:
    service.item()
    anna, wire = connect()
    held = anna.claim()
    assert held
    wire.mishaps = ["lost", "lost"]
    said = anna.reply(held, "It comes tomorrow.")
    assert wire.done[-3:] == ["send_reply"] * 3
    assert said.item.state == State.WAITING
    assert [row["outbox_id"] for row in map(from_wire, service.cloud.rows()) if row["kind"] == "outbox"] == [
        said.reply.id
    ]
    assert [event.type for event in anna.item(held.id).history].count("reply-queued") == 1


def test_own_keys_make_a_program_that_died_go_on(service: Service, connect: Connect) -> None:
    service.item()
    service.item()
    before, _ = connect()
    after, _ = connect()
    held = before.claim(key="job-1")
    assert held
    assert after.claim(key="job-1") == held
    first = before.reply(held, "Yes.", key="job-1-answer")
    assert after.reply(held, "Yes.", key="job-1-answer").reply.id == first.reply.id


def test_a_lost_heartbeat_prolongs(service: Service, connect: Connect, slept: list[float]) -> None:
    service.item()
    anna, wire = connect()
    held = anna.claim()
    assert held
    assert held.lease_until
    wire.mishaps = ["lost"]
    assert anna.heartbeat(held).lease_until >= held.lease_until
    assert anna.item(held.id).version == held.version


def test_a_lost_presence_holds(service: Service, connect: Connect, slept: list[float]) -> None:
    anna, wire = connect("lost")
    assert anna.set_presence("anna", "away").presence == "away"
    assert wire.done == ["set_presence"] * 2
    assert anna.agent("anna").presence == "away"


def test_a_lost_handover_moves_all_once(service: Service, connect: Connect, slept: list[float]) -> None:
    made = service.item()
    anna, wire = connect()
    held = anna.claim()
    assert held
    wire.mishaps = ["lost"]
    assert anna.hand_over("anna", None).left == 0
    assert wire.done[-2:] == ["hand_over"] * 2
    given_back = anna.item(made.id)
    assert (given_back.state, given_back.version) == (State.QUEUED, held.version + 1)


def test_a_lost_list_is_read_again(service: Service, connect: Connect, slept: list[float]) -> None:
    made = service.item()
    anna, wire = connect("lost")
    assert [item.id for item in anna.items(queue="people")] == [made.id]
    assert wire.done == ["list_items"] * 2


def test_a_lost_change_of_a_version_is_not_repeated(service: Service, connect: Connect, slept: list[float]) -> None:
    service.item()
    anna, wire = connect()
    held = anna.claim()
    assert held
    wire.mishaps = ["lost"]
    with pytest.raises(httpx.ReadError):
        anna.release(held)
    assert wire.done == ["claim_in_mine", "release"]
    assert slept == []
    assert anna.item(held.id).state == State.QUEUED
