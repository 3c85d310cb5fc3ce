"""Which model tags: whatever is wrong with the bucket, the last good one goes on and intake never waits."""

import json
import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from chalicelib import serving
from chalicelib.aws.models import PACKAGED, POINTER, Models, Unchanged
from chalicelib.metrics import MODEL_NOT_TAKEN
from classifiers import sealed
from classifiers.sealed import Folder
from tests.cloud import Cloud, TestWorld
from tests.unit.classifiers.corpus import samples
from training import pack, signing
from training.fit import Plan, fit

BUCKET = "desk-models"
KEY = Ed25519PrivateKey.generate()


def made(folder: Path, name: str, **changed: Any) -> Path:
    """A signed model; `changed` goes into its manifest."""
    directory = folder / name
    plans = [Plan("topic"), Plan("urgency", ("logistic",)), Plan("language")]
    pack.export(fit(list(samples()), plans, seed=len(name), folds=3), directory, name, changed)
    signing.sign(directory, KEY)
    return directory


@pytest.fixture(scope="module")
def directories(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Two models, and one that came with the code."""
    folder = tmp_path_factory.mktemp("models")
    made_here = {name: made(folder, name) for name in ("one", "another", "packed")}
    signing.pin(made_here["packed"])
    return made_here


class Scene:
    """A world with a bucket of models, and what it asked of S3."""

    def __init__(self, cloud: Cloud, directories: dict[str, Path]) -> None:
        deployed = cloud.deploy()
        settings = replace(deployed.settings, model_bucket=BUCKET, model_keys=signing.public_text(KEY))
        self.cloud, self.clock, self.directories = cloud, cloud.clock, directories
        self.models = Models(cloud.s3, BUCKET)
        self.world = self.fresh(settings, deployed)
        self.calls: Counter[str] = Counter()

    def fresh(self, settings: Any, deployed: TestWorld) -> TestWorld:
        world = TestWorld(settings, deployed.policy, self.directories["packed"], clock=self.clock)
        vars(world).update(models=self.models)
        return world

    def store(self, name: str, change: Callable[[dict[str, bytes]], object] = lambda _: None) -> str:
        """Stores a model, its files perhaps changed, and points at it; its id."""
        directory = self.directories[name]
        model_id = str(sealed.read_manifest(Folder(directory), artifact_trust())["model_id"])
        files = {file: (directory / file).read_bytes() for file in ("arrays.npz", "manifest.sig", "manifest.json")}
        change(files)
        for file, content in files.items():
            self.cloud.s3.put_object(Bucket=BUCKET, Key=f"models/{model_id}/{file}", Body=content)
        self.point(model_id)
        return model_id

    def point(self, model_id: str) -> None:
        seen = self.models.pointer()
        assert not isinstance(seen, Unchanged)
        if model_id == PACKAGED or self.models.has(model_id):
            self.models.publish(model_id, seen, self.clock.time, "test")
        else:
            said = {"model_id": model_id, "published_at": "", "previous": "", "reason": ""}
            self.cloud.s3.put_object(Bucket=BUCKET, Key=POINTER, Body=json.dumps(said).encode())

    @property
    def serving(self) -> str:
        """Name of the model that tags now, half a minute later than last."""
        self.clock.forward(seconds=30)
        return self.model_name()

    def model_name(self) -> str:
        model = self.world.model
        return model.model_id.rpartition("-")[0] if model else ""


def artifact_trust() -> sealed.Keys:
    return sealed.public_keys([signing.public_text(KEY)])


@pytest.fixture
def scene(moto_cloud: Cloud, directories: dict[str, Path]) -> Iterator[Scene]:
    found = Scene(moto_cloud, directories)

    def note(model: Any, **_: Any) -> None:
        found.calls[model.name] += 1

    moto_cloud.s3.meta.events.register("before-call", note)
    yield found
    moto_cloud.s3.meta.events.unregister("before-call", note)


@contextmanager
def troubled(
    scene: Scene, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str], why: str, kept: str
) -> Iterator[None]:
    """What is wrong with the bucket is told once, counted at each look, and the model kept."""
    capsys.readouterr()
    with caplog.at_level(logging.ERROR, logger="sortownia"):
        yield
        assert [scene.serving for _ in range(3)] == [kept] * 3
    (told,) = [record.message for record in caplog.records if record.levelno == logging.ERROR]
    assert why in told
    counts = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line[MODEL_NOT_TAKEN] for line in counts] == [1, 1, 1]


def test_without_a_bucket_no_one_is_asked(scene: Scene) -> None:
    alone = TestWorld(
        replace(scene.world.settings, model_bucket=""),
        scene.world.policy,
        scene.directories["packed"],
        clock=scene.clock,
    )
    assert alone.models is None
    assert alone.model
    assert alone.model.model_id.startswith("packed-")
    assert scene.calls == {}


def test_before_anything_is_published_the_packaged_model_serves(scene: Scene) -> None:
    first = scene.world.model
    assert scene.serving == "packed"
    assert scene.world.model is first, "loaded once"


def test_a_published_model_serves_at_the_start_and_the_next_within_half_a_minute(scene: Scene) -> None:
    scene.store("one")
    assert scene.model_name() == "one"
    scene.store("another")
    assert scene.model_name() == "one"
    assert scene.serving == "another"


def test_a_rollback_serves_within_half_a_minute(scene: Scene) -> None:
    scene.store("one")
    scene.store("another")
    assert scene.serving == "another"
    for before in ("one", "packed"):
        seen = scene.models.pointer()
        assert seen is not None
        assert not isinstance(seen, Unchanged)
        scene.models.roll_back(seen, scene.clock.time, "bad")
        assert scene.serving == before


def test_the_pointer_is_looked_at_each_half_minute_and_not_for_each_message(scene: Scene) -> None:
    scene.store("one")
    scene.calls.clear()
    for _ in range(1000):
        assert scene.model_name() == "one"
    assert scene.calls == {"GetObject": 4}, "the pointer and three files"
    assert scene.serving == "one"
    assert scene.calls == {"GetObject": 5}, "the pointer again, which S3 says is the same"


def test_a_clock_set_back_is_no_reason_not_to_look(scene: Scene) -> None:
    assert scene.model_name() == "packed"
    scene.store("one")
    scene.clock.forward(days=-1)
    assert scene.model_name() == "one"


def cut(files: dict[str, bytes]) -> None:
    files["arrays.npz"] = files["arrays.npz"][:-7]


def altered(files: dict[str, bytes]) -> None:
    files["manifest.json"] = files["manifest.json"].replace(b'"threshold": 1', b'"threshold": 0')


def unsigned(files: dict[str, bytes]) -> None:
    del files["manifest.sig"]


def strangers(files: dict[str, bytes]) -> None:
    files["manifest.sig"] = signing.signature(files["manifest.json"], Ed25519PrivateKey.generate())


def of_tomorrow(files: dict[str, bytes]) -> None:
    files["manifest.json"] = json.dumps({**json.loads(files["manifest.json"]), "features": 99}).encode()
    files["manifest.sig"] = signing.signature(files["manifest.json"], KEY)


def of_another_desk(files: dict[str, bytes]) -> None:
    said = json.loads(files["manifest.json"])
    said["heads"][0]["labels"][0] = "astrology"
    files["manifest.json"] = json.dumps(said).encode()
    files["manifest.sig"] = signing.signature(files["manifest.json"], KEY)


def under_another_name(files: dict[str, bytes]) -> None:
    files["manifest.json"] = json.dumps({**json.loads(files["manifest.json"]), "model_id": "x-1"}).encode()
    files["manifest.sig"] = signing.signature(files["manifest.json"], KEY)


def emptied(files: dict[str, bytes]) -> None:
    files.clear()


WRONG = {
    "truncated": cut,
    "tampered with": altered,
    "the model is not signed": unsigned,
    "which is not trusted here": strangers,
    "feature version is 99": of_tomorrow,
    "the desk has no topic astrology": of_another_desk,
    "is model x-1": under_another_name,
    "there is no such file": emptied,
}


@pytest.mark.parametrize("why", WRONG)
@pytest.mark.parametrize("before", ["packed", "one"])
def test_a_model_that_is_refused_leaves_the_last_good_one(
    scene: Scene, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str], why: str, before: str
) -> None:
    if before == "one":
        scene.store("one")
    assert scene.serving == before
    with troubled(scene, caplog, capsys, why, before):
        scene.store("another", WRONG[why])


def test_a_refused_model_is_fetched_once(scene: Scene) -> None:
    scene.store("one", unsigned)
    scene.calls.clear()
    for _ in range(5):
        assert scene.serving == "packed"
    assert scene.calls == {"GetObject": 5 + 2}, "five looks; manifest and signature once"


@pytest.mark.parametrize("content", [b"", b"{}", b"nonsense"])
def test_a_pointer_that_says_nothing_leaves_the_last_good_model(
    scene: Scene, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str], content: bytes
) -> None:
    scene.store("one")
    assert scene.serving == "one"
    with troubled(scene, caplog, capsys, "is no pointer", "one"):
        scene.cloud.s3.put_object(Bucket=BUCKET, Key=POINTER, Body=content)


def test_a_bucket_that_is_away_leaves_the_last_good_model_and_is_asked_again(
    scene: Scene, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    scene.store("one")
    assert scene.serving == "one"
    there = scene.models._bucket
    with troubled(scene, caplog, capsys, "NoSuchBucket", "one"):
        scene.models._bucket = "no-such-bucket"
    scene.models._bucket = there
    scene.store("another")
    assert scene.serving == "another"


def test_files_that_cannot_be_had_for_a_moment_are_asked_for_again(scene: Scene) -> None:
    model_id = scene.store("one")
    scene.clock.forward(seconds=30)

    def away(request: Any, **_: Any) -> None:
        if "arrays" in request.url:
            raise ConnectionResetError

    events = scene.cloud.s3.meta.events
    events.register("before-send", away)
    try:
        assert scene.model_name() == "packed"
    finally:
        events.unregister("before-send", away)
    assert scene.serving == "one"
    assert scene.world.model
    assert scene.world.model.model_id == model_id


def test_keys_that_are_none_trust_nobody_and_fail_nobody(scene: Scene, directories: dict[str, Path]) -> None:
    world = scene.fresh(replace(scene.world.settings, model_keys="no key,at all"), scene.world)
    scene.store("one")
    assert world.model
    assert world.model.model_id.startswith("packed-")


def test_without_any_model_there_is_none_and_no_error(scene: Scene, tmp_path: Path) -> None:
    world = TestWorld(scene.world.settings, scene.world.policy, tmp_path / "none", clock=scene.clock)
    vars(world).update(models=scene.models)
    assert world.model is None
    scene.store("one")
    scene.clock.forward(seconds=30)
    assert world.model is not None, "as soon as there is one"


def test_a_key_in_rotation_is_trusted_beside_the_old_one(scene: Scene) -> None:
    new = Ed25519PrivateKey.generate()
    both = f"{signing.public_text(KEY)},{signing.public_text(new)}"
    world = scene.fresh(replace(scene.world.settings, model_keys=both), scene.world)

    def newly(files: dict[str, bytes]) -> None:
        files["manifest.sig"] = signing.signature(files["manifest.json"], new)

    scene.store("another", newly)
    assert world.model
    assert world.model.model_id.startswith("another-")


def test_a_bucket_that_hangs_holds_a_message_up_for_a_moment_and_serves_when_it_answers(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "LONGEST_WAIT", 0.05)
    monkeypatch.setattr(serving, "FIRST_WAIT", 0.05)
    scene.store("one")
    scene.calls.clear()
    answers = threading.Event()

    def hanging(**_: Any) -> None:
        answers.wait(20)

    events = scene.cloud.s3.meta.events
    events.register("before-send", hanging)
    try:
        started = time.monotonic()
        assert [scene.serving for _ in range(3)] == ["packed"] * 3
        assert time.monotonic() - started < 5
        assert scene.calls["GetObject"] == 1, "one look at a time"
    finally:
        answers.set()
        events.unregister("before-send", hanging)
    looking = scene.world.serving._looking
    assert looking
    looking.join(20)
    assert scene.model_name() == "one", "what the slow look found"
