"""The starter model on messages that another hand wrote than those it was taught on, and the truth of its export."""

import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest

from chalicelib.world import PACKAGED_MODEL
from classifiers import artifact, text
from classifiers.model import Model, Tags
from classifiers.text import Document
from training import calibrate, holdout, pack, signing, starter
from training.dataset import identity

ASIDE = starter.CORPUS / "aside"
KEPT = Path("build/starter.joblib")
LEVELS = ["low", "normal", "high", "critical"]
Row = dict[str, Any]
#: What people add to what they want, in other words than the twins of the corpus have (`training.twins`).
NUMBER = {
    "pl": " Mój numer zamówienia to 47112.", "en": " The order number is 47112, thanks.",
    "uk": " Мій номер замовлення 47112, дякую.", "ru": " Мой номер заказа - 47112, спасибо.",
    "de": " Meine Bestellnummer lautet 47112.",
}  # fmt: skip
FOOTER = {
    "pl": "\n\nBiuro Handlowe Wzór sp. k.\nul. Długa 5, 00-950 Warszawa, NIP 123-456-32-18\nwww.wzor.example",
    "en": "\n\nPattern Trading Ltd, Sales Office\n5 Long Street, London SW1A 1AA, VAT GB123456789\nwww.pattern.example",
    "ru": "\n\nООО «Пример», отдел продаж\nул. Длинная 5, Москва, ИНН 7701234567\nwww.primer.example",
    "de": "\n\nBeispiel Handels GmbH, Vertrieb\nLange Str. 5, 10115 Berlin, USt-ID DE123456789\nwww.beispiel.example",
    "uk": "\n\nТОВ «Приклад», відділ продажу\nвул. Довга 5, Київ, код 12345678\nwww.pryklad.example",
}
THANKS = {
    "pl": "\nZ góry dziękuję za szybką odpowiedź.", "en": "\nThanks in advance for a quick answer.",
    "ru": "\nЗаранее спасибо за быстрый ответ.", "de": "\nVielen Dank im Voraus für eine schnelle Antwort.",
    "uk": "\nНаперед дякую за швидку відповідь.",
}  # fmt: skip
#: As the twins have it, but beside every language.
SHOUT = dict.fromkeys(("pl", "en", "ru", "de", "uk"), " URGENT!!! ")
#: Subjects of the desk's own mails, answered.
ANSWERED = {
    "pl": "Re: Potwierdzenie zamówienia nr 47112", "en": "Re: Your parcel is on its way",
    "ru": "Re: Подтверждение заказа № 47112", "de": "AW: Ihre Rechnung Nr. 47112",
    "uk": "Re: Ваша посилка вже в дорозі",
}  # fmt: skip


@pytest.fixture(scope="module")
def model() -> Model:
    return artifact.load(PACKAGED_MODEL, signing.trusted())


@pytest.fixture(scope="module")
def aside(model: Model) -> list[tuple[Row, Tags]]:
    rows = rows_of(ASIDE, "*.jsonl")
    return [(row, model.tag(row["subject"], row["body"], row["channel"], evidence=False)) for row in rows]


@pytest.fixture(scope="module")
def held_out() -> list[Row]:
    """Messages of the corpus that the model was not fitted on."""
    rows = rows_of(starter.CORPUS, "*-*.jsonl")
    texts = [(row, text.told(row["subject"], row["body"])) for row in rows]
    return [row for row, written in texts if holdout.is_held_out(identity(Document(written)))]


def rows_of(folder: Path, names: str) -> list[Row]:
    files = sorted(folder.glob(names))
    return [json.loads(line) for file in files for line in file.read_text(encoding="utf-8").splitlines()]


def share(hits: Sequence[bool]) -> float:
    return sum(hits) / len(hits)


def test_topics_are_right_in_every_language(aside: list[tuple[Row, Tags]]) -> None:
    assert share([tags.topic.label == row["topic"] for row, tags in aside]) >= 0.85
    for language in ("pl", "en", "ru", "de", "uk"):
        of_language = [(row, tags) for row, tags in aside if row["lang"] == language]
        assert share([tags.topic.label == row["topic"] for row, tags in of_language]) >= 0.80, language


@pytest.mark.parametrize("added", [NUMBER, FOOTER, THANKS, SHOUT], ids=["number", "footer", "thanks", "shout"])
def test_what_people_add_changes_little_of_what_they_want(model: Model, added: dict[str, str]) -> None:
    """Planted by leaving the twins out: an order's number made orders, a footer made spam, thanks took the urgency."""
    rows = rows_of(ASIDE, "*.jsonl")
    check(rows, [tagged(model, row["subject"], row["body"] + added[row["lang"]], row["channel"]) for row in rows])


def test_an_answer_to_the_desks_own_mail_is_about_what_it_says(model: Model) -> None:
    rows = rows_of(ASIDE, "*.jsonl")
    check(rows, [tagged(model, ANSWERED[row["lang"]], row["body"], row["channel"]) for row in rows])


def tagged(model: Model, subject: str, body: str, channel: str) -> Tags:
    return model.tag(subject, body, channel, evidence=False)


def check(rows: Sequence[Row], tags: Sequence[Tags]) -> None:
    told = list(zip(rows, tags, strict=True))
    assert share([said.language == row["lang"] for row, said in told]) >= 0.99
    assert share([said.topic.label == row["topic"] for row, said in told]) >= 0.82
    routed = [said.topic.label == row["topic"] for row, said in told if not said.topic.abstained]
    assert len(routed) >= 0.5 * len(rows)
    assert share(routed) >= 0.95
    assert share([said.topic.label == "spam" for row, said in told if row["topic"] != "spam"]) <= 0.02
    assert share([said.urgency.label == "critical" for row, said in told if row["urgency"] == "critical"]) >= 0.70
    assert kappa([(LEVELS.index(row["urgency"]), LEVELS.index(said.urgency.label)) for row, said in told]) >= 0.85


def test_what_it_routes_by_itself_is_as_precise_as_promised(aside: list[tuple[Row, Tags]]) -> None:
    routed = [tags.topic.label == row["topic"] for row, tags in aside if not tags.topic.abstained]
    assert len(routed) / len(aside) >= 0.60
    assert share(routed) >= 0.95


def test_confidence_means_what_it_says(aside: list[tuple[Row, Tags]]) -> None:
    confidence = np.array([tags.topic.confidence for _, tags in aside])
    right = np.array([tags.topic.label == row["topic"] for row, tags in aside])
    assert calibrate.calibration_error(confidence, right) <= 0.04


def test_urgency_is_ordered_and_misses_little_that_is_critical(aside: list[tuple[Row, Tags]]) -> None:
    pairs = [(LEVELS.index(row["urgency"]), LEVELS.index(tags.urgency.label)) for row, tags in aside]
    assert kappa(pairs) >= 0.55
    assert share([got == 3 for wanted, got in pairs if wanted == 3]) >= 0.75
    critical = share([wanted == 3 for wanted, _ in pairs])
    assert share([got == 3 for _, got in pairs]) <= max(0.15, critical * 1.15)


def kappa(pairs: Sequence[tuple[int, int]]) -> float:
    """Quadratic weighted kappa."""
    wanted, got = np.array(pairs).T
    chance = np.mean((wanted[:, None] - got[None, :]) ** 2)
    return float(1 - np.mean((wanted - got) ** 2) / chance)


def test_spam_is_caught_and_customers_are_not_called_spam(aside: list[tuple[Row, Tags]]) -> None:
    assert share([tags.topic.label == "spam" for row, tags in aside if row["topic"] == "spam"]) >= 0.85
    assert share([tags.topic.label == "spam" for row, tags in aside if row["topic"] != "spam"]) <= 0.005


def test_the_export_equals_the_pipeline_it_came_from(held_out: list[Row]) -> None:
    pipeline = joblib.load(KEPT)
    documents = [document(row) for row in held_out[:200]]
    parity = pack.parity(pipeline, pack.exact_model(pipeline), documents)
    assert parity.largest_difference < 1e-6
    assert parity.agreement == 1


def test_packing_loses_at_most_a_tenth_of_a_point(
    model: Model, held_out: list[Row], aside: list[tuple[Row, Tags]]
) -> None:
    pipeline = joblib.load(KEPT)
    rows = [*held_out, *(row for row, _ in aside)]
    exact = pipeline.scores([document(row) for row in rows])
    packed = [model.scores(document(row)) for row in rows]
    for head in ("topic", "urgency"):
        labels = model.head(head).labels
        before = [labels[best] for best in exact[head].argmax(axis=1)]
        after = [max(scores[head], key=scores[head].__getitem__) for scores in packed]
        changed = sum(old != new for old, new in zip(before, after, strict=True))
        lost = sum((old == row[head]) - (new == row[head]) for old, new, row in zip(before, after, rows, strict=True))
        print(f"\n{head}: packing changes {changed} of {len(rows)} answers, {lost} right ones lost in all")
        assert changed <= 0.01 * len(rows), head
        assert lost <= 0.001 * len(rows), head


def document(row: Row) -> Document:
    return Document(text.told(row["subject"], row["body"]), row["channel"])


def test_taking_the_evidence_away_weakens_the_tag_more_than_taking_other_words(
    model: Model, held_out: list[Row]
) -> None:
    chance = random.Random(1)
    judged = [found for row in held_out if (found := weakened(model, row, chance)) is not None][:1_000]
    print(f"\nevidence: {sum(judged)} of {len(judged)} tags weaken more without it")
    assert len(judged) >= 900
    assert share(judged) >= 0.95


def weakened(model: Model, row: Row, chance: random.Random) -> bool | None:
    """Whether the topic falls further without its three best pieces than without three others of like length.

    The others are the mean of ten draws. None for messages under eight words and where there are no others.
    """
    written = text.told(row["subject"], row["body"])
    places = text.places(written)
    if len(places) < 8:
        return None
    tags = model.tag("", written, row["channel"])
    best = sorted((e for e in tags.evidence if e.head == "topic"), key=lambda piece: -piece.weight)[:3]
    taken = [[i for i, (start, _) in enumerate(places) if piece.start <= start < piece.end] for piece in best]

    def score(gone: Sequence[Sequence[int]]) -> float:
        left = written
        for run in sorted(gone, reverse=True):
            left = left[: places[run[0]][0]] + " " + left[places[run[-1]][1] :]
        return model.tag("", left, row["channel"], evidence=False).topic.scores[tags.topic.label]

    draws = [drawn for _ in range(10) if (drawn := others(taken, len(places), chance)) is not None]
    if not best or not draws:
        return None
    return score(taken) < sum(map(score, draws)) / len(draws)


def others(taken: Sequence[Sequence[int]], words: int, chance: random.Random) -> list[list[int]] | None:
    """Runs of as many words as those taken, elsewhere; None where there is no room."""
    used, drawn = {i for run in taken for i in run}, []
    for run in taken:
        free = [i for i in range(words - len(run) + 1) if not used & set(range(i, i + len(run)))]
        if not free:
            return None
        first = chance.choice(free)
        drawn.append(list(range(first, first + len(run))))
        used |= set(drawn[-1])
    return drawn
