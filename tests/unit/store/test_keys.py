"""Keys: what they must keep apart and in order. (Their order over all times: tests/property.)"""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from chalicelib.store import keys
from tests.desk import NOW

LONG = "x" * 5000


def test_different_things_have_different_keys() -> None:
    made = [
        keys.item_key("1"), keys.customer_key("1"), keys.event_key("1", 1), keys.payload_key("1", 1),
        keys.delivery_key("mail", "1"), keys.delivery_key("chat", "1"), keys.message_key("a@b", "1"),
        keys.conversation_key("w", "1"), keys.identity_key("mail", "1"), keys.identity_key("mail-unverified", "1"),
        keys.agent_key("1"), keys.idempotency_key("1", "1"), keys.idempotency_key("2", "1"), keys.outbox_key("1"),
        keys.token_key("1"), keys.label_key("1", 1), keys.label_key("1", 2), keys.mention_key("1", NOW, "1", 1),
        keys.mention_key("1", NOW, "1", 2), keys.mention_key("1", NOW, "2", 1), keys.mention_key("2", NOW, "1", 1),
    ]  # fmt: skip
    assert len({(key["pk"], key["sk"]) for key in made}) == len(made)


def test_a_payload_stands_right_behind_its_event() -> None:
    in_order = [keys.event_key("c", 9)["sk"], keys.payload_key("c", 9)["sk"], keys.event_key("c", 10)["sk"]]
    assert in_order == sorted(in_order)
    assert keys.event_key("c", 999_999_999_999)["sk"] > keys.payload_key("c", 2)["sk"]
    assert not keys.customer_key("c")["sk"].startswith("EVENT#")


@pytest.mark.parametrize(
    "key",
    [
        keys.delivery_key("chat", LONG), keys.message_key(LONG, LONG), keys.message_key("ż" * 990, "ż" * 990),
        keys.conversation_key("w", LONG), keys.identity_key("mail", LONG), keys.agent_key(LONG),
        keys.idempotency_key(LONG, LONG), keys.outbox_key(LONG), keys.token_key(LONG),
        keys.mention_key(LONG, NOW, "c", 1),
    ],
)  # fmt: skip
def test_a_key_fits_dynamodb_whatever_the_outside_world_sends(key: keys.Key) -> None:
    assert len(key["pk"].encode()) <= 2048


def test_mentions_stand_behind_their_agent_in_the_order_of_time() -> None:
    earlier, later = (keys.mention_key("anna", NOW + timedelta(microseconds=n), "c", 10 - n) for n in range(2))
    assert earlier["sk"] < later["sk"]
    assert {key["pk"] for key in (earlier, later)} == {keys.agent_key("anna")["pk"]}
    assert not keys.agent_key("anna")["sk"].startswith("MENTION#")


def test_labels_stand_in_the_order_of_versions() -> None:
    assert keys.label_key("it1", 9)["sk"] < keys.label_key("it1", 10)["sk"]


def test_the_lists_of_an_agent_are_lists_of_their_own() -> None:
    lists = [keys.holding_pk("anna"), keys.offered_pk("anna"), keys.pinned_pk("anna"), keys.holding_pk("boris")]
    assert len(set(lists)) == len(lists)


def test_long_values_stay_apart() -> None:
    assert keys.message_key("m", LONG) != keys.message_key("m", LONG + "y")
    assert keys.message_key("m", LONG) == keys.message_key("m", LONG)


def test_moments_are_utc_of_fixed_width() -> None:
    warsaw = timezone(timedelta(hours=2))
    assert keys.moment(datetime(2026, 1, 31, 14, 0, tzinfo=warsaw)) == "2026-01-31T12:00:00.000000Z"
    at = datetime(2026, 1, 31, 12, 0, 0, 1, tzinfo=UTC)
    assert keys.moment_of(keys.moment(at)) == at


def test_a_row_is_in_the_part_of_the_wake_up_index_its_id_says() -> None:
    at = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
    assert keys.wake_attributes("r1", at) == {
        "wake_pk": keys.wake_pk(keys.wake_shard("r1")), "wake_sk": "2026-01-31T12:00:00.000000Z#r1",
    }  # fmt: skip


def test_the_wake_up_index_is_spread_evenly_and_always_the_same() -> None:
    shards = [keys.wake_shard(f"item-{n}") for n in range(2000)]
    assert set(shards) == set(range(keys.WAKE_SHARDS))
    assert min(shards.count(n) for n in range(keys.WAKE_SHARDS)) > 2000 / keys.WAKE_SHARDS / 2
    assert keys.wake_shard("item-1") == shards[1]
