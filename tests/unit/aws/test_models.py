"""The bucket of models: written once, and one pointer that two publishers cannot overwrite for each other."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.aws.models import HISTORY_KEPT, MOST_POINTER, PACKAGED, POINTER, Models, Pointer, Unchanged
from chalicelib.errors import Conflict, LostRace, Unavailable, Unknown, Unreadable
from tests.cloud import REGION, Cloud

BUCKET = "models-bucket"
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
FILES = {"arrays.npz": b"arrays", "manifest.sig": b"signature", "manifest.json": b"{}"}


@pytest.fixture
def models(moto_cloud: Cloud) -> Models:
    moto_cloud.s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    moto_cloud.s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    return Models(moto_cloud.s3, BUCKET)


def now(models: Models) -> Pointer | None:
    found = models.pointer()
    assert not isinstance(found, Unchanged)
    return found


def published(models: Models, *model_ids: str) -> Pointer:
    """Publishes these models in turn."""
    pointer = now(models)
    for number, model_id in enumerate(model_ids):
        models.store(model_id, FILES)
        pointer = models.publish(model_id, pointer, NOW + timedelta(days=number), f"reason {number}")
    assert pointer
    return pointer


def test_before_the_first_publication_nothing_is_pointed_at(models: Models) -> None:
    assert models.pointer() is None


def test_a_model_serves_once_it_is_published(models: Models) -> None:
    pointer = published(models, "m1")
    assert now(models) == pointer
    assert (pointer.now.model_id, pointer.now.previous, pointer.now.reason) == ("m1", PACKAGED, "reason 0")
    assert pointer.now.published_at == "2026-03-02T09:00:00+00:00"
    assert {name: models.files("m1").read(name, 100) for name in FILES} == FILES


def test_the_pointer_is_one_small_object_of_plain_names(models: Models, moto_cloud: Cloud) -> None:
    published(models, "m1", "m2")
    said = json.loads(moto_cloud.s3.get_object(Bucket=BUCKET, Key=POINTER)["Body"].read())
    assert said.keys() == {"model_id", "published_at", "previous", "reason", "history"}
    assert [one["model_id"] for one in said["history"]] == ["m1"]


def test_who_saw_this_state_is_told_so_without_its_content(models: Models) -> None:
    pointer = published(models, "m1")
    assert models.pointer(pointer.etag) == Unchanged()
    published(models, "m2")
    assert isinstance(models.pointer(pointer.etag), Pointer)


def test_of_two_publishers_from_one_state_the_second_is_refused(models: Models) -> None:
    seen = published(models, "m1")
    models.store("m2", FILES)
    models.store("m3", FILES)
    models.publish("m2", seen, NOW, "quicker")
    with pytest.raises(LostRace):
        models.publish("m3", seen, NOW, "slower")
    with pytest.raises(LostRace):
        models.roll_back(seen, NOW, "slower still")
    pointer = now(models)
    assert pointer
    assert pointer.now.reason == "quicker"


def test_of_two_first_publishers_the_second_is_refused(models: Models) -> None:
    models.store("m1", FILES)
    models.publish("m1", None, NOW, "first")
    with pytest.raises(LostRace):
        models.publish("m1", None, NOW, "first, too")


def test_a_write_that_was_repeated_although_it_had_arrived_is_no_lost_race(
    models: Models, moto_cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As botocore does when the answer is late: else a model that serves would be said to be refused."""
    models.store("m1", FILES)
    once: Any = moto_cloud.s3.put_object

    def repeated(**asked: Any) -> Any:
        once(**asked)
        return once(**asked)

    monkeypatch.setattr(moto_cloud.s3, "put_object", repeated)
    first = models.publish("m1", None, NOW, "first")
    assert now(models) == first
    models.store("m2", FILES)
    assert models.publish("m2", first, NOW, "second") == now(models)


def test_what_was_not_stored_cannot_be_published(models: Models) -> None:
    with pytest.raises(Unknown, match="no model m9"):
        models.publish("m9", None, NOW, "")
    assert models.pointer() is None


def test_a_model_is_stored_once_and_for_ever(models: Models) -> None:
    models.store("m1", FILES)
    models.store("m1", FILES)
    with pytest.raises(Conflict, match=r"another model under m1: arrays\.npz differs"):
        models.store("m1", {**FILES, "arrays.npz": b"others"})
    assert models.files("m1").read("arrays.npz", 100) == b"arrays"


def test_a_model_of_which_the_manifest_is_not_stored_is_none(models: Models) -> None:
    """The manifest comes last: who dies in between leaves nothing that can serve."""
    models.store("m1", {"arrays.npz": b"arrays"})
    assert not models.has("m1")
    models.store("m1", FILES)
    assert models.has("m1")


def test_rolling_back_leads_further_back_each_time_and_ends_with_the_packaged_model(models: Models) -> None:
    published(models, "m1", "m2", "m3")
    went = []
    while True:
        try:
            went.append(models.roll_back(now(models), NOW, "bad").now.model_id)
        except Unknown:
            break
    assert went == ["m2", "m1", PACKAGED]


def test_rolling_back_to_a_named_model(models: Models) -> None:
    published(models, "m1", "m2", "m3")
    pointer = models.roll_back(now(models), NOW, "bad", "m1")
    assert (pointer.now.model_id, pointer.now.previous, pointer.now.reason) == ("m1", PACKAGED, "bad")
    assert [served.model_id for served in pointer.history] == ["m3", "m2", "m1"]
    with pytest.raises(Unknown, match="no model m9"):
        models.roll_back(pointer, NOW, "bad", "m9")


def test_without_any_publication_there_is_nothing_to_roll_back(models: Models) -> None:
    with pytest.raises(Unknown, match="no model before"):
        models.roll_back(None, NOW, "bad")


def test_history_is_bounded(models: Models) -> None:
    pointer = published(models, "m1")
    for number in range(HISTORY_KEPT + 5):
        pointer = models.publish("m1", pointer, NOW, f"again {number}")
    assert len(pointer.history) == HISTORY_KEPT
    assert pointer.history[0].reason == f"again {HISTORY_KEPT + 3}"


def test_rolling_back_ends_also_where_a_model_was_published_twice(models: Models) -> None:
    published(models, "m1", "m2", "m1")
    went = [models.roll_back(now(models), NOW, "bad").now.model_id for _ in range(3)]
    assert went == ["m2", "m1", PACKAGED]


def test_rolling_back_to_what_serves_loses_no_way_back(models: Models) -> None:
    pointer = published(models, "m1", "m2")
    assert models.roll_back(pointer, NOW, "a slip", "m2") == pointer
    assert models.roll_back(now(models), NOW, "bad").now.model_id == "m1"


def test_long_reasons_never_make_the_pointer_unreadable(models: Models) -> None:
    """A pointer that is too long to be read serves nothing and can be moved by no command."""
    pointer = published(models, "m1")
    for number in range(50):
        pointer = models.publish("m1", pointer, NOW, f"again {number} {'ź' * 3_000}")
        assert now(models) == pointer
    assert pointer.history[0].reason.startswith("again 48")
    models.publish("m1", pointer, NOW, "x" * MOST_POINTER)
    assert now(models)


def test_a_reason_of_bytes_that_are_no_text_is_kept(models: Models) -> None:
    models.store("m1", FILES)
    assert models.publish("m1", None, NOW, "why \udcff") == now(models)


@pytest.mark.parametrize(
    "content",
    [
        b"", b"{", b"[]", b"null", b"{}", b'{"model_id": 7, "published_at": "", "previous": "", "reason": ""}',
        b'{"model_id": "", "published_at": "", "previous": "", "reason": ""}',
        b'{"model_id": "../secrets", "published_at": "", "previous": "", "reason": ""}', b"[" * 100_000,
    ],
)  # fmt: skip
def test_a_pointer_that_says_nothing_is_unreadable(models: Models, moto_cloud: Cloud, content: bytes) -> None:
    moto_cloud.s3.put_object(Bucket=BUCKET, Key=POINTER, Body=content)
    with pytest.raises(Unreadable, match="is no pointer"):
        models.pointer()


def test_a_bucket_that_is_away_says_so(moto_cloud: Cloud) -> None:
    gone = Models(moto_cloud.s3, "no-such-bucket")
    with pytest.raises(Unavailable, match="NoSuchBucket"):
        gone.pointer()
    with pytest.raises(Unavailable):
        gone.store("m1", FILES)
