"""What a claim costs in AWS calls, however many wait: counted on the emulator's table and queues."""

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from functools import partial

import pytest

from chalicelib.flows import claim
from chalicelib.item.item import AgentId
from tests.desk import tags
from tests.end_to_end.crowd import Claimed, Hall, agent, claims_of_all_queues, claims_of_one_queue, net, waiting

pytestmark = [pytest.mark.stack, pytest.mark.timeout(900)]

FEW, BUDGET = 10, 4
#: Stale bells that one claim may be held up by.
STALE = 20
#: Items at the head of the line that the agent cannot have. Agent 8 speaks English and German, and may hold two chats.
IN_FRONT = 1000


@pytest.mark.parametrize("many", [2_000, pytest.param(100_000, marks=pytest.mark.long)])
def test_a_claim_of_one_queue_costs_the_same_however_many_wait(hall: Hall, many: int) -> None:
    few, lots = claims_of_one_queue(hall, FEW), claims_of_one_queue(hall, many)
    told(f"one queue, {many} waiting", lots)
    assert calls_of(few) == calls_of(lots)
    assert max(map(net, calls_of(lots))) <= BUDGET


@pytest.mark.parametrize("in_each", [200, pytest.param(10_000, marks=pytest.mark.long)])
def test_a_claim_over_all_queues_costs_the_same_however_many_wait(hall: Hall, in_each: int) -> None:
    few, lots = claims_of_all_queues(hall, 1), claims_of_all_queues(hall, in_each)
    queues = len(hall.world.policy.queues)
    told(f"{queues} queues, {in_each} waiting in each", lots)
    # Which lane is heard first is left to chance, so the empty ones differ.
    assert [net(calls) for calls in calls_of(few)] == [net(calls) for calls in calls_of(lots)]
    for calls in calls_of(lots):
        # The oldest of all is the oldest of some queue's index: one question for each of them.
        assert net(calls) <= BUDGET + (queues - 1 if "Query" in calls else 0)


def test_a_claim_under_a_key_costs_no_more(hall: Hall) -> None:
    hall.clear()
    items = waiting(FEW, "people", hall.long_ago)
    hall.settle(items)
    hall.ring(items)
    keyed = [hall.claims(1, partial(claim.next_in_queue, "people", agent(1), f"key-{n}"))[0] for n in range(4)]
    told("with an Idempotency-Key", keyed)
    assert max(map(net, calls_of(keyed))) <= BUDGET


# What stands in the way


def test_what_is_in_a_strange_language_in_front_costs_one_call_more(hall: Hall) -> None:
    strange = claims_behind(hall, tags=tags(language="pl"))
    told(f"{IN_FRONT} in a strange language in front", strange)
    assert {item.language for item, _ in strange} == {"en"}
    assert max(map(net, calls_of(strange))) <= BUDGET


def test_what_is_offered_to_others_in_front_costs_one_call_more(hall: Hall) -> None:
    far = hall.cloud.clock.time + timedelta(days=1)
    offered = claims_behind(hall, offered_to=AgentId("agent-2"), offered_until=far, wake_at=far)
    told(f"{IN_FRONT} offered to another in front", offered)
    assert {item.offered_to for item, _ in offered} == {None}
    assert max(map(net, calls_of(offered))) <= BUDGET


def test_what_the_agent_has_no_room_for_in_front_costs_three_calls_more(hall: Hall) -> None:
    """That he is full shows when a chat is refused him: read and tried in vain."""
    hall.clear()
    ask = partial(claim.next_in_queue, "people", agent(8), "")
    hall.settle(waiting(2 + IN_FRONT, "people", hall.long_ago, 100, channel="chat"))
    assert {item.channel for item, _ in hall.claims(2, ask)} == {"chat"}
    hall.settle(waiting(FEW, "people", hall.long_ago + timedelta(hours=1)))
    full = hall.claims(2, ask)
    told(f"full in chat, {IN_FRONT} chats in front", full)
    assert {item.channel for item, _ in full} == {"mail"}
    assert max(map(net, calls_of(full))) <= BUDGET + 2


def test_of_bells_the_agent_cannot_answer_he_hears_five(hall: Hall) -> None:
    """Each is heard, looked at and let ring on; then the index shows him what is for him."""
    hall.clear()
    strange = waiting(20, "people", hall.long_ago, tags=tags(language="pl"))
    hall.settle([*strange, *waiting(FEW, "people", hall.long_ago + timedelta(hours=1))])
    hall.ring(strange)
    heard = hall.claims(4, partial(claim.next_in_queue, "people", agent(8), ""))
    told("all that rings is in a strange language", heard)
    for calls in calls_of(heard):
        let_be = calls.count("ChangeMessageVisibility")
        assert let_be <= 5
        assert net(calls) - 2 * let_be <= BUDGET  # `net` takes each hearing for an empty lane already


def test_one_claim_deletes_few_stale_bells(hall: Hall) -> None:
    """What has long been dealt with may ring many times: whoever claims next must not pay for all of it."""
    hall.clear()
    done, new = waiting(FEW, "people", hall.long_ago), waiting(4, "people", hall.long_ago + timedelta(hours=1))
    hall.settle(done)
    ask = partial(claim.next_in_queue, "people", agent(1), "")
    hall.claims(FEW, ask)
    hall.ring(done * 10)
    hall.settle(new)
    hall.ring(new)
    behind = hall.claims(4, ask)
    told(f"behind {10 * FEW} stale bells", behind)
    assert max(calls.count("DeleteMessage") for calls in calls_of(behind)) <= STALE
    assert max(map(net, calls_of(behind))) <= BUDGET


def claims_behind(hall: Hall, **in_front: object) -> list[Claimed]:
    """Two claims of agent 8, by index and without bells, behind a thousand items of such a kind."""
    hall.clear()
    hall.settle(waiting(IN_FRONT, "people", hall.long_ago, 100, **in_front))
    hall.settle(waiting(FEW, "people", hall.long_ago + timedelta(hours=1)))
    return hall.claims(2, partial(claim.next_in_queue, "people", agent(8), ""))


def calls_of(claims: Sequence[Claimed]) -> list[list[str]]:
    return [calls for _, calls in claims]


def told(scene: str, claims: Sequence[Claimed]) -> None:
    nets = Counter(net(calls) for _, calls in claims)
    counted = ", ".join(f"{calls} calls {times} times" for calls, times in sorted(nets.items()))
    most = max(len(calls) for _, calls in claims)
    print(f"{scene}: {counted}, beside empty lanes and stale bells; with all counted {most} at most")
