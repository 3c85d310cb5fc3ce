"""A handful of messages in five languages, enough to see a model learn."""

from collections.abc import Iterator

from classifiers.text import Document
from training.dataset import Sample

MESSAGES = {
    ("pl", "returns", "normal"): ["Chcę zwrócić buty, są za małe", "Proszę o zwrot, sukienka nie pasuje"],
    ("pl", "billing", "high"): ["Pobrano mi pieniądze dwa razy z karty", "Faktura jest błędna, termin mija jutro"],
    ("en", "returns", "normal"): ["I want to return the shoes, too small", "How do I send the dress back"],
    ("en", "billing", "high"): ["My card was charged twice for one order", "The invoice is wrong and due tomorrow"],
    ("de", "returns", "normal"): ["Ich möchte die Schuhe zurückschicken", "Das Kleid passt nicht, bitte umtauschen"],
    ("de", "billing", "high"): ["Die Rechnung ist falsch und morgen fällig", "Der Betrag wurde doppelt abgebucht"],
    ("ru", "returns", "normal"): ["Хочу вернуть ботинки, они малы", "Платье не подошло, как оформить возврат"],
    ("ru", "billing", "high"): ["Деньги с карты списали дважды", "Счёт неверный, срок уже завтра"],
    ("uk", "returns", "normal"): ["Хочу повернути черевики, вони замалі", "Сукня не підійшла, як її повернути"],
    ("uk", "billing", "high"): ["Гроші з картки зняли двічі", "Рахунок неправильний, термін завтра"],
}  # fmt: skip


def samples() -> Iterator[Sample]:
    """Every message with its topic, urgency and language."""
    for (language, topic, urgency), texts in MESSAGES.items():
        for number, written in enumerate(texts):
            labels = {"topic": topic, "urgency": urgency, "language": language}
            yield Sample(Document(written, ("mail", "chat")[number % 2]), labels)
