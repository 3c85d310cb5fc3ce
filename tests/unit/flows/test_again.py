"""Deciding again, and tags on their way to the item."""

import pytest

from chalicelib.errors import AtCapacity, LostRace, WrongState
from chalicelib.flows import again
from chalicelib.flows.again import TRIES, offerable, until_won
from chalicelib.flows.tagging import tags_of
from chalicelib.item.change import Change, Load, Must
from chalicelib.item.item import AgentId, Item
from tests.cloud import Cloud, TestWorld
from tests.desk import ANNA, BORIS, NOW, WordModel, item, mail, small_desk
from tests.unit.flows.scenes import present


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long it would have waited."""
    found: list[float] = []
    monkeypatch.setattr(again.time, "sleep", found.append)
    return found


@pytest.mark.parametrize("losses", [0, 1, TRIES - 1])
def test_losers_decide_again_until_they_win(waits: list[float], losses: int) -> None:
    left = [LostRace()] * losses

    def decide() -> str:
        if left:
            raise left.pop()
        return "won"

    assert until_won(decide) == "won"
    assert len(waits) == losses


def test_after_twelve_tries_the_loss_is_told(waits: list[float]) -> None:
    tried: list[int] = []

    def decide() -> None:
        tried.append(1)
        raise LostRace(("item:ConditionalCheckFailed",))

    with pytest.raises(LostRace):
        until_won(decide)
    assert len(tried) == TRIES
    assert sum(waits) < 3
    assert max(waits) <= 0.4


def test_only_lost_races_are_tried_again(waits: list[float]) -> None:
    def decide() -> None:
        raise WrongState("no")

    with pytest.raises(WrongState):
        until_won(decide)
    assert waits == []


OFFERED = item(channel="chat", offered_to="carl", offered_until=NOW)
FREE = item(channel="chat")
HELD = item(channel="chat", holder="carl")


@pytest.mark.parametrize(
    ("before", "after", "means"),
    [
        (None, OFFERED, LostRace),  # whom it was offered to is no longer free: it is decided again
        (FREE, OFFERED, LostRace),
        (item(channel="chat", offered_to="anna"), OFFERED, LostRace),
        (OFFERED, HELD, AtCapacity),
        (FREE, HELD, AtCapacity),
        (None, FREE, AtCapacity),
    ],
)
def test_an_offer_that_is_refused_is_decided_again_and_a_claim_is_not(
    world: TestWorld, moto_cloud: Cloud, before: Item | None, after: Item, means: type[Exception]
) -> None:
    refused = Load(AgentId("carl"), "chat", 1, 1, Must.PRESENT)  # nobody has seen Carl
    if before:
        world.table.save(Change(after=before), NOW)
    rows = moto_cloud.rows()
    with pytest.raises(means):
        again.save(Change(before=before, after=after, loads=(refused,)), NOW, world)
    assert moto_cloud.rows() == rows


def test_only_for_those_it_may_be_offered_to_the_table_is_asked(world: TestWorld, moto_cloud: Cloud) -> None:
    present(world, ANNA, BORIS)
    asked: list[str] = []

    def note(model: object, **_: object) -> None:
        asked.append("call")

    moto_cloud.dynamodb.meta.events.register("before-call.dynamodb", note)
    try:
        assert offerable(item(), world) == {}
        assert offerable(item(queue="quarantine", channel="chat"), world) == {}
        assert asked == []
        assert set(offerable(FREE, world)) == {"anna", "boris", "carl"}
        assert set(offerable(item(pinned_to="carl"), world)) == {"carl"}
        assert len(asked) == 2
    finally:
        moto_cloud.dynamodb.meta.events.unregister("before-call.dynamodb", note)


def test_without_a_model_there_are_no_tags() -> None:
    assert tags_of(mail(), None, small_desk()) is None


def test_tags_are_kept_as_the_model_said_them() -> None:
    kept = tags_of(mail(written="#billing #critical #unsure #pl"), WordModel(), small_desk())  # type: ignore[arg-type]
    assert kept
    assert (kept.model, kept.topic, kept.topic_confidence, kept.topic_abstained) == ("words", "billing", 0.9, True)
    assert (kept.urgency, kept.urgency_confidence, kept.language, kept.evidence) == ("critical", 0.8, "pl", ())


def test_only_what_was_written_now_is_tagged() -> None:
    kept = tags_of(mail(written="#order", text="#order\n> #billing"), WordModel(), small_desk())  # type: ignore[arg-type]
    assert kept
    assert kept.topic == "order"
    whole = tags_of(mail(written="", text="#billing"), WordModel(), small_desk())  # type: ignore[arg-type]
    assert whole
    assert whole.topic == "billing"
