"""Messages of the corpus once more with a number in them: whatever people want, they name their order, too.

Without these a lone "order no. 4711" made any message one about an order, and the model was sure of it.
"""

import random
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

from training.dataset import Sample, identity

_SAID: Final = {
    "pl": (
        "Zamówienie nr {}.", "Numer zamówienia: {}", "nr zam. {}", "Dotyczy zamówienia {}.", "chodzi o zamówienie {}",
        "Zamówienie {} z zeszłego tygodnia.", "Numer klienta {}.", "Faktura {}.", "nr umowy {}", "zgłoszenie {}",
        "Numer paczki {}.", "tel. {}",
    ),
    "en": (
        "Order no. {}.", "Order number: {}", "order {}", "Re order #{}.", "it's about order {}",
        "My order {} from last week.", "Customer number {}.", "Invoice {}.", "contract no. {}", "ticket {}",
        "Parcel number {}.", "phone {}",
    ),
    "ru": (
        "Заказ № {}.", "Номер заказа: {}", "заказ {}", "По заказу {}.", "речь о заказе {}",
        "Мой заказ {} с прошлой недели.", "Номер клиента {}.", "Счёт {}.", "договор № {}", "обращение {}",
        "Номер посылки {}.", "тел. {}",
    ),
    "uk": (
        "Замовлення № {}.", "Номер замовлення: {}", "замовлення {}", "Щодо замовлення {}.", "йдеться про замовлення {}",
        "Моє замовлення {} з минулого тижня.", "Номер клієнта {}.", "Рахунок {}.", "договір № {}", "звернення {}",
        "Номер посилки {}.", "тел. {}",
    ),
    "de": (
        "Bestellung Nr. {}.", "Bestellnummer: {}", "Bestellung {}", "Betrifft Bestellung {}.",
        "es geht um Bestellung {}", "Meine Bestellung {} von letzter Woche.", "Kundennummer {}.", "Rechnung {}.",
        "Vertrag Nr. {}", "Ticket {}", "Paketnummer {}.", "Tel. {}",
    ),
}  # fmt: skip
_NUMBERS: Final = (
    "###",
    "####",
    "#####",
    "######",
    "########",
    "#########",
    "A-####",
    "##/####",
    "ZK######",
    "#-###-###",
)


def mentioning(samples: Iterable[Sample], seed: int = 0) -> Iterator[Sample]:
    """Of every message that teaches its language, in one of the five, a twin that names a number before or after.

    It teaches all that the message does but its language, and neither judges the other.
    """
    chance = random.Random(seed)
    for sample in samples:
        said = _SAID.get(sample.labels.get("language", ""))
        if said is None or "topic" not in sample.labels:
            continue
        number = "".join(str(chance.randrange(10)) if sign == "#" else sign for sign in chance.choice(_NUMBERS))
        parts = [sample.document.text, chance.choice(said).format(number)]
        if chance.random() < 1 / 3:
            parts.reverse()
        labels = {head: label for head, label in sample.labels.items() if head != "language"}
        document = replace(sample.document, text=chance.choice((" ", "\n")).join(parts))
        yield Sample(document, labels, sample.group or identity(sample.document))
