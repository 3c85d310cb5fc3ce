"""Every method of the client does at the API what it says."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.item.state import State
from sortownia.client import ApiError, Client, Then
from tests.unit.api.service import CANARY, Service
from tests.unit.client.conftest import Connect
from tests.unit.client.wire import Wire


def test_what_waits_is_claimed_kept_and_given_back(service: Service, connect: Connect) -> None:
    made = service.item()
    anna, _ = connect()
    held = anna.claim("people")
    assert held
    assert (held.id, held.state, held.holder) == (made.id, State.CLAIMED, "anna")
    assert anna.claim() is None
    now = datetime.now(UTC)
    assert anna.heartbeat(held).lease_until >= now + timedelta(minutes=14)
    freed = anna.release(held)
    assert (freed.state, freed.holder) == (State.QUEUED, None)
    again = anna.claim()
    assert again
    assert (again.id, again.holder) == (made.id, "anna")


def test_who_holds_an_item_no_more_is_told_so_by_its_heartbeat(service: Service, connect: Connect) -> None:
    made = service.claimed()
    boris, _ = connect(who="boris")
    shown = boris.item(made["id"])
    assert shown.claim_token is None
    with pytest.raises(ApiError) as raised:
        boris.heartbeat(shown)
    assert (raised.value.status, raised.value.slug) == (409, "stale-version")
    assert raised.value.present
    assert raised.value.present.holder == "anna"


def test_an_item_is_claimed_by_its_name(service: Service, connect: Connect) -> None:
    other, made = service.item(), service.item()
    anna, _ = connect()
    held = anna.claim_item(made.id)
    assert held.claim_token
    assert anna.claim_item(made.id).version == held.version
    assert [item.id for item in anna.items()] == [made.id]
    assert anna.item(other.id).state == State.QUEUED


@pytest.mark.parametrize("name", ["", ".", ".."])
def test_a_name_that_would_be_no_part_of_a_path_asks_for_nothing_else(
    service: Service, connect: Connect, name: str
) -> None:
    """`/v1/queues/../claim` is `/v1/claim` on its way: whatever waits in any queue."""
    made = service.item()
    anna, wire = connect()
    for call in (anna.claim, anna.claim_item, anna.item, anna.customer, anna.agent):
        with pytest.raises(ApiError) as raised:
            call(name)
        assert (raised.value.status, raised.value.slug) == (404, "unknown")
    assert wire.seen == []
    assert service.world.table.item(made.id).holder is None


def test_an_offer_is_declined(service: Service, connect: Connect) -> None:
    made = service.offered("anna")
    anna, _ = connect()
    offered = list(anna.items(offered_to="anna"))
    assert [item.id for item in offered] == [made.id]
    assert anna.decline(offered[0]).offered_to is None
    assert list(anna.items(offered_to="anna")) == []


@pytest.mark.parametrize(
    ("then", "state"),
    [(Then.WAIT, State.WAITING), ("wait", State.WAITING), (Then.KEEP, State.CLAIMED), ("resolve", State.RESOLVED)],
)
def test_a_reply_is_queued_and_its_item_goes_on(service: Service, connect: Connect, then: Any, state: State) -> None:
    service.item()
    anna, _ = connect()
    held = anna.claim()
    assert held
    said = anna.reply(held, "Paczka przyjdzie jutro.", then)
    assert (said.item.state, said.item.version) == (state, held.version + 1)
    assert anna.reply_status(held.id, said.reply.id) == said.reply
    assert said.reply.status == "queued"
    assert "Paczka przyjdzie jutro." in [(e.content or {}).get("written") for e in anna.timeline(held.customer_id)]


def test_what_a_customer_sent_is_found_by_its_entry(service: Service, connect: Connect) -> None:
    made = service.item(files=(("umowa.pdf", "application/pdf", b"%PDF-"),))
    anna, _ = connect()
    (entry,) = anna.timeline(made.customer_id)
    assert entry.content
    found = anna.attachment(made.customer_id, entry.seq, 1)
    assert (found.name, found.size) == (entry.content["attachments"][0]["name"], 5)
    assert "response-content-disposition=attachment" in found.url


def test_a_reply_waits_for_the_customer_unless_told_otherwise(service: Service, connect: Connect) -> None:
    service.item()
    anna, _ = connect()
    held = anna.claim()
    assert held
    assert anna.reply(held, "It comes.").item.state == State.WAITING


def test_a_note_reaches_whom_it_mentions(service: Service, connect: Connect) -> None:
    made = service.item()
    anna, _ = connect()
    boris, _ = connect(who="boris")
    noted = anna.note(anna.item(made.id), "He called.", ["boris"])
    assert noted.version == made.version + 1
    assert [(m.item_id, m.by) for m in boris.mentions("boris")] == [(made.id, "anna")]
    assert list(boris.mentions("boris", limit=1)) == list(boris.mentions("boris"))


def test_tags_are_decided_or_confirmed(service: Service, connect: Connect) -> None:
    service.item(topic="feedback", urgency="low")
    anna, _ = connect()
    held = anna.claim()
    assert held
    decided = anna.tags(held, topic="complaint")
    assert decided.decided
    assert (decided.decided.topic, decided.decided.urgency, decided.decided.by) == ("complaint", "low", "anna")
    more = anna.tags(decided, urgency="high")
    assert more.decided
    assert (more.decided.topic, more.decided.urgency) == ("complaint", "high")


def test_an_item_rests_and_ends(service: Service, connect: Connect) -> None:
    service.item()
    anna, _ = connect()
    held = anna.claim()
    assert held
    until = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
    resting = anna.snooze(held, until.astimezone())
    assert (resting.state, resting.snoozed_until, resting.pinned_to) == (State.SNOOZED, until, "anna")
    assert [item.id for item in anna.items(pinned_to="anna")] == [held.id]
    assert anna.resolve(resting).state == State.RESOLVED
    assert [item.id for item in anna.items(state="resolved")] == [held.id]


@pytest.mark.parametrize(
    ("to", "there"),
    [
        ({"to_agent": "boris"}, lambda item: item.holder == "boris"),
        ({"to_queue": "orders"}, lambda item: (item.queue, item.holder) == ("orders", None)),
        ({"to_topic": "billing"}, lambda item: (item.queue, item.decided.topic) == ("billing", "billing")),
    ],
)
def test_an_item_is_passed_on_with_its_reason(
    service: Service, connect: Connect, to: dict[str, str], there: Callable[[Any], bool]
) -> None:
    service.ask("PUT", "/v1/agents/boris/presence", "boris", {"presence": "present"})
    service.item()
    anna, _ = connect()
    supervisor, _ = connect(who="supervisor-1")
    held = anna.claim()
    assert held
    passed = anna.reassign(held, **to, reason="He knows the case.")
    assert there(passed)
    assert "He knows the case." in str(supervisor.item(held.id).history + list(supervisor.timeline(held.customer_id)))


def test_lists_are_read_to_their_end_or_limit(service: Service, connect: Connect) -> None:
    made = [service.item().id for _ in range(3)]
    anna, wire = connect()
    assert [item.id for item in anna.items(queue="people")] == made
    assert [item.id for item in anna.items(queue="people", newest=True, limit=2)] == made[:0:-1]
    assert wire.seen[-1].url.params["limit"] == "2"
    customer = service.item().customer_id
    assert [e.type for e in anna.timeline(customer, limit=1)] == ["message-received"]
    assert [e.seq for e in anna.timeline(customer, newest=True)] == [
        e.seq for e in reversed(list(anna.timeline(customer)))
    ]


def test_pages_follow_each_other(service: Service, connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    made = [service.item().id for _ in range(5)]
    monkeypatch.setattr("sortownia.calls._PAGE", 2)
    anna, wire = connect()
    assert [item.id for item in anna.items(queue="people")] == made
    assert wire.done == ["list_items"] * 3
    assert [item.id for item in anna.items(queue="people", limit=3)] == made[:3]
    assert wire.done == ["list_items"] * 5


def test_customer_queues_and_health_are_shown(service: Service, connect: Connect) -> None:
    made = service.item()
    anna, _ = connect()
    card = anna.customer(made.customer_id)
    assert (card.id, card.events) == (made.customer_id, 1)
    waiting = {queue.name: queue.waiting.normal for queue in anna.queues().queues}
    assert waiting == {"people": 1, "orders": 0}
    assert anna.health().status == "ok"


def test_people_come_go_and_hand_over(service: Service, connect: Connect) -> None:
    made = service.item()
    anna, _ = connect()
    boris, _ = connect(who="boris")
    supervisor, _ = connect(who="supervisor-1")
    assert boris.set_presence("boris", "present").presence == "present"
    assert anna.claim()
    shown = anna.agent("anna")
    assert (shown.deputy, shown.held["mail"]) == ("boris", 1)
    planned = supervisor.hand_over("anna", "boris", preview=True)
    assert (planned.preview, planned.moved) == (True, 1)
    assert [item.id for item in anna.items()] == [made.id]
    done = supervisor.hand_over("anna", "boris")
    assert (done.preview, done.held, done.moved, done.left) == (False, 1, 1, 0)
    assert [item.id for item in boris.items()] == [made.id]


def test_all_is_given_back_to_the_queues(service: Service, connect: Connect) -> None:
    made = service.item()
    anna, _ = connect()
    assert anna.claim()
    assert anna.hand_over("anna", None).to_queue == 1
    assert anna.item(made.id).state == State.QUEUED


def test_names_with_signs_of_addresses_arrive_whole(service: Service, connect: Connect) -> None:
    twin, _ = connect(who="anna#1")
    assert twin.set_presence("anna#1", "present").agent_id == "anna#1"
    assert twin.agent("anna#1").presence == "present"
    with pytest.raises(ApiError, match="404 unknown"):
        twin.customer("a/../b?c=d")


# Refusals


def test_a_refusal_says_everything(service: Service, connect: Connect) -> None:
    made = service.item()
    anna, _ = connect()
    held = anna.claim()
    assert held
    with pytest.raises(ApiError) as stale:
        anna.resolve(held.model_copy(update={"version": made.version}))
    error = stale.value
    assert (error.status, error.slug, error.field) == (409, "stale-version", "")
    assert error.present == held
    assert error.detail
    assert str(error) == f"409 stale-version: {error.detail}"


def test_what_is_malformed_is_named(service: Service, connect: Connect) -> None:
    service.item()
    anna, _ = connect()
    held = anna.claim()
    assert held
    with pytest.raises(ApiError) as refused:
        anna.snooze(held, datetime(2100, 1, 1))  # noqa: DTZ001 (naive on purpose)
    assert (refused.value.status, refused.value.slug, refused.value.field) == (400, "invalid", "until")
    assert refused.value.present is None


def test_foreign_tokens_are_refused(service: Service) -> None:
    with Client("https://api.example.com", "x.y.z", transport=Wire(service)) as nobody:
        with pytest.raises(ApiError) as refused:
            nobody.queues()
        assert (refused.value.status, refused.value.slug) == (401, "not-authentic")
        assert CANARY not in str(refused.value)


def test_messages_are_split_off_merged_back_and_parted_again(service: Service, connect: Connect) -> None:
    made = service.item()
    anna, _ = connect()
    held = anna.claim_item(made.id)
    service.further(held.model_dump())
    shown = anna.item(made.id)
    newest = [event.id for event in shown.history if event.type == "message-received"][-1]
    pair = anna.split(shown, [newest], claim=True, reason="two matters")
    assert (pair.item.id, pair.other.holder, pair.other.linked_to) == (made.id, "anna", made.id)
    assert pair.other.linked_because == "two matters"
    merged = anna.merge(pair.other, made.id, reason="one after all")
    assert (merged.item.state, merged.item.merged_into, merged.other.id) == (State.RESOLVED, made.id, made.id)
    parted = anna.unmerge(merged.item)
    assert (parted.item.holder, parted.item.merged_into, parted.other.version) == (
        "anna",
        None,
        merged.other.version + 1,
    )
    with pytest.raises(ApiError) as refused:
        anna.split(anna.item(made.id), [newest])
    assert refused.value.slug == "invalid"


def test_an_item_is_linked_and_reopened(service: Service, connect: Connect) -> None:
    made, other = service.item(), service.item()
    anna, _ = connect()
    linked = anna.link(anna.claim_item(made.id), other.id, reason="one parcel")
    assert (linked.linked_to, linked.linked_because) == (other.id, "one parcel")
    done = anna.resolve(anna.unlink(linked))
    assert done.linked_to is None
    assert anna.reopen(done, reason="he called").state == State.QUEUED


def test_two_customers_are_one_person_and_read_as_one(service: Service, connect: Connect) -> None:
    one, other = service.item().customer_id, service.item().customer_id
    anna, _ = connect()
    card = anna.link_customer(one, other, reason="one phone")
    assert [(link.customer_id, link.by, link.why) for link in card.linked] == [(other, "anna", "one phone")]
    for newest in (False, True):
        whole = list(anna.timeline(one, linked=True, newest=newest))
        assert sorted(e.type for e in whole) == ["customer-linked"] * 2 + ["message-received"] * 2
        assert [e.at for e in whole] == sorted((e.at for e in whole), reverse=newest)
        assert {e.customer_id for e in whole} == {one, other}
        for whose in (one, other):
            seqs = [e.seq for e in whole if e.customer_id == whose]
            assert seqs == sorted(seqs, reverse=newest)
    assert len(list(anna.timeline(one, linked=True, limit=3))) == 3
    assert anna.unlink_customer(other, one).linked == []
    assert {e.customer_id for e in anna.timeline(one, linked=True)} == {one}
