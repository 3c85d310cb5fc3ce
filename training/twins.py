"""Messages of the corpus once more with what people put around what they want: greetings, numbers, shouts, footers.

Without these a lone "order no. 4711" made any message one about an order, a firm's footer made it spam, and thanks in
advance made it less urgent.
"""

import random
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from training.dataset import Sample, identity

AROUND: Final = Path(__file__).with_name("around.toml")  # phrases by language and kind
NUMBERS: Final = "numbers"
FOOTERS: Final = "footers"
_OFTEN: Final = {"shouts": 0.2, "openings": 0.4, NUMBERS: 0.75, "closings": 0.45, "signings": 0.4, FOOTERS: 0.35}
_BEFORE: Final = {"shouts": 0.6, "openings": 1.0, NUMBERS: 1 / 3}  # else after
_FOOTER_LINES: Final = (2, 6)
_ABROAD: Final = 0.2  # of the twins sign in English, as firms do
_SHAPES: Final = (
    "###", "####", "#####", "######", "########", "#########", "A-####", "##/####", "ZK######", "#-###-###",
)  # fmt: skip


def twins(samples: Iterable[Sample], seed: int = 0) -> Iterator[Sample]:
    """Of every message that teaches its language, in one of the five, a twin with one phrase or several around it.

    It teaches all that the message does but its language, and neither judges the other.
    """
    phrases = tomllib.loads(AROUND.read_text(encoding="utf-8"))
    chance = random.Random(seed)
    for sample in samples:
        around = phrases.get(sample.labels.get("language", ""))
        if around is None or "topic" not in sample.labels:
            continue
        if chance.random() < _ABROAD:
            around = around | {kind: phrases["en"][kind] for kind in ("signings", FOOTERS)}
        labels = {head: label for head, label in sample.labels.items() if head != "language"}
        document = replace(sample.document, text=_surrounded(sample.document.text, around, chance))
        yield Sample(document, labels, sample.group or identity(sample.document))


def _surrounded(text: str, around: Mapping[str, Sequence[str]], chance: random.Random) -> str:
    before: list[str] = []
    after: list[str] = []
    for kind in [kind for kind, often in _OFTEN.items() if chance.random() < often] or [NUMBERS]:
        said = chance.sample(around[kind], chance.randint(*_FOOTER_LINES) if kind == FOOTERS else 1)
        place = before if chance.random() < _BEFORE.get(kind, 0) else after
        place += [_numbered(phrase.replace("{}", chance.choice(_SHAPES)), chance) for phrase in said]
    return chance.choice((" ", "\n")).join([*before, text, *after])


def _numbered(phrase: str, chance: random.Random) -> str:
    return "".join(str(chance.randrange(10)) if sign == "#" else sign for sign in phrase)
