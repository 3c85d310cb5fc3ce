"""A small desk's stack on moto with a bucket of models, a small corpus, and the model it came with."""

import json
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest
from moto import mock_aws

from chalicelib.aws.models import Models
from tests.cloud import BUCKETS, Cloud, TestWorld
from tests.desk import WordModel, small_desk
from training import pack, signing, starter
from training.dataset import Sample
from training.loop.turn import Bench

LABELS = """
topics = ["order", "billing", "other"]
urgencies = ["low", "normal", "high", "critical"]
languages = ["pl", "en"]
spam = "spam"
urgency_costs = [[0, 1, 2, 3], [1, 0, 1, 2], [2, 1, 0, 1], [3, 2, 1, 0]]
"""
SAID = {
    "order": ("Where is the parcel with my {} since {}", "The {} I ordered {} has not arrived", "Track the {} sent {}"),
    "billing": ("You charged my card twice for the {} {}", "The invoice of the {} bought {} is wrong",
                "Refund the money for the {} paid {}"),
    "other": ("Do you also repair a {} {}", "Who designed the {} you showed {}", "Is the {} from the film shown {}"),
}  # fmt: skip
THINGS = ("lamp", "chair", "desk", "sofa", "shelf", "carpet", "mirror", "clock", "vase", "curtain")
TIMES = ("yesterday", "on Monday", "last week", "in spring", "at Easter")
URGENCY = {"order": ("normal", "high"), "billing": ("high", "critical"), "other": ("low", "normal")}


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Some 450 messages of three topics."""
    folder = tmp_path_factory.mktemp("learning") / "corpus"
    folder.mkdir()
    (folder / "labels.toml").write_text(LABELS)
    with (folder / "en-mail.jsonl").open("w") as file:
        for topic, texts in SAID.items():
            for text, thing, when in product(texts, THINGS, TIMES):
                said = {"subject": "", "body": text.format(thing, when), "channel": "mail", "topic": topic}
                file.write(json.dumps({**said, "urgency": URGENCY[topic][TIMES.index(when) % 2], "lang": "en"}) + "\n")
    sentences = [("pl", "gdzie jest moja paczka"), ("pl", "proszę o zwrot pieniędzy"), ("en", "where is it")]
    written = (json.dumps({"lang": language, "text": text}) + "\n" for language, text in sentences)
    (folder / "languages.jsonl").write_text("".join(written))
    return folder


@pytest.fixture(scope="session")
def packaged(corpus: Path) -> Path:
    """The model that came with the code."""
    starter.build(corpus.parent / "starter", corpus, quiet=True)
    return corpus.parent / "starter"


@pytest.fixture(scope="session")
def worse(corpus: Path) -> Path:
    """A model that was taught each topic under its neighbour's name."""
    after = {"order": "billing", "billing": "other", "other": "order"}
    wrong = [
        Sample(s.document, {**s.labels, "topic": after[s.labels["topic"]]} if "topic" in s.labels else s.labels)
        for s in starter.read(corpus)
    ]
    pack.export(
        starter.fitted(wrong, starter.labels(corpus), starter.progress_bar(quiet=True)),
        corpus.parent / "worse",
        "worse",
    )
    return corpus.parent / "worse"


@pytest.fixture
def moto_cloud() -> Iterator[Cloud]:
    with mock_aws():
        yield Cloud(desk=small_desk())


@pytest.fixture
def world(moto_cloud: Cloud, packaged: Path) -> TestWorld:
    """The desk, which tags by the words of a message and trusts this checkout's key."""
    deployed = moto_cloud.deploy()
    keys = signing.public_text(signing.own_key())
    settings = replace(deployed.settings, model_bucket=BUCKETS[2], model_keys=keys)
    found = replace(deployed, settings=settings, model_directory=packaged)
    vars(found).update({name: vars(deployed)[name] for name in ("table", "raw", "queues", "lake", "secrets", "mailer")})
    vars(found).update(models=Models(moto_cloud.s3, BUCKETS[2]), model=WordModel())
    return found


@pytest.fixture
def said() -> list[str]:
    """What a turn tells while it works."""
    return []


@pytest.fixture
def bench(world: TestWorld, corpus: Path, packaged: Path, said: list[str]) -> Bench:
    """Where turns are made."""
    assert world.models
    key = signing.own_key()
    return Bench(world, world.models, key, signing.trusted(), said.append, corpus, packaged)
