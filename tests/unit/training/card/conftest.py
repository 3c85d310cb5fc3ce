"""A small corpus with messages set aside, and models made of little."""

import json
import random
from itertools import product
from pathlib import Path

import pytest

from tests.unit.classifiers.corpus import samples
from training import pack, starter
from training.fit import Plan, fit

LABELS = """
topics = ["order", "billing", "spam"]
urgencies = ["low", "normal", "high", "critical"]
languages = ["pl", "en"]
spam = "spam"
urgency_costs = [[0, 1, 2, 3], [1, 0, 1, 2], [2, 1, 0, 1], [3, 2, 1, 0]]
"""
SAID = {
    "order": ("Where is the parcel with my {} since {}", "The {} I ordered {} has not arrived"),
    "billing": ("You charged my card twice for the {} {}", "The invoice of the {} bought {} is wrong"),
    "spam": ("Cheap {} for sale only {}, click here", "Win a free {} {}, dear friend"),
}
THINGS = ("lamp", "chair", "desk", "sofa", "shelf", "carpet", "mirror", "clock", "vase", "curtain")
TIMES = ("yesterday", "on Monday", "last week", "in spring")
URGENCY = {"order": ("normal", "high"), "billing": ("high", "critical"), "spam": ("low", "low")}


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """240 messages of three topics in one file, and twelve set aside."""
    folder = tmp_path_factory.mktemp("card") / "corpus"
    (folder / "aside").mkdir(parents=True)
    (folder / "labels.toml").write_text(LABELS)
    write(folder / "en-a.jsonl", THINGS, TIMES)
    write(folder / "aside" / "en.jsonl", ("kettle", "lamp"), ("at Easter",))
    sentences = [("pl", "gdzie jest moja paczka"), ("pl", "proszę o zwrot pieniędzy"), ("en", "where is it")]
    written = (json.dumps({"lang": language, "text": text}) + "\n" for language, text in sentences)
    (folder / "languages.jsonl").write_text("".join(written))
    return folder


def write(path: Path, things: tuple[str, ...], times: tuple[str, ...]) -> None:
    with path.open("w") as file:
        for topic, texts in SAID.items():
            for number, (text, thing, when) in enumerate(product(texts, things, times)):
                row = {"subject": "", "body": text.format(thing, when), "channel": ("mail", "chat")[number % 2]}
                row |= {"topic": topic, "urgency": URGENCY[topic][number // 2 % 2], "lang": "en"}
                file.write(json.dumps(row) + "\n")


@pytest.fixture(scope="session")
def packaged(corpus: Path) -> Path:
    """The model of that corpus."""
    starter.build(corpus.parent / "model", corpus, quiet=True)
    return corpus.parent / "model"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Sixty messages about two things at once, so that nothing is sure."""
    rows, topics, chance = [], list(SAID), random.Random(5)
    for number in range(60):
        first, second = topics[number % 3], topics[chance.randrange(3)]
        words = [chance.choice(SAID[topic]).format("lamp", "yesterday").split() for topic in (first, second)]
        body = " ".join(words[0][: 1 + number % 7] + words[1][: chance.randrange(9)])
        urgency = chance.choice(["low", "normal", "high", "critical"])
        row = {"body": body, "topic": first, "urgency": urgency, "lang": ("en", "pl")[number % 5 == 0]}
        rows.append({**row, "channel": ("mail", "chat")[number % 4 == 0]})
    path = tmp_path / "data.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of two topics and two urgencies, made of twenty messages of its own."""
    folder = tmp_path_factory.mktemp("tiny") / "model"
    plans = [Plan("topic"), Plan("urgency", costs=((0, 1), (3, 0))), Plan("language")]
    pack.export(fit(list(samples()), plans, seed=3, folds=3), folder, "tiny")
    return folder


@pytest.fixture
def own_data(tmp_path: Path) -> Path:
    """The twenty messages it was made of."""
    path = tmp_path / "own.jsonl"
    rows = [
        {"body": sample.document.text, "channel": sample.document.channel, "lang": sample.labels["language"]}
        | {"topic": sample.labels["topic"], "urgency": sample.labels["urgency"]}
        for sample in samples()
    ]
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path
