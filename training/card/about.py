"""The sections that tell what a model is: what it was taught, what it must not be used for, what it promises."""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, Final

from classifiers.evidence import Evidence
from classifiers.text import tagged_text
from training.calibrate import COST_OF_HUMAN_LOOK, COST_OF_MISROUTE, PROMISED_PRECISION
from training.card import messages
from training.card.markup import Markup, element, joined, table
from training.card.messages import Corpus
from training.card.subject import Subject
from training.card.telling import percent
from training.dataset import digest

#: Written for this page; no model is fitted on them.
EXAMPLES: Final = (
    ("pl", "mail", "Podwójna płatność", "Dzień dobry, za jedno zamówienie pobrano mi pieniądze z karty dwa razy. "
     "Proszę o zwrot nadpłaconej kwoty na konto."),
    ("en", "chat", "", "the kettle broke after two days, i want to send it back and get my money refunded"),
    ("ru", "mail", "Где посылка", "Здравствуйте! Курьер должен был приехать в понедельник, сегодня четверг, а посылки "
     "всё нет, и по трек-номеру ничего не меняется."),
    ("de", "chat", "", "Ich komme seit heute früh nicht mehr in mein Kundenkonto, das Passwort wird nicht angenommen"),
    ("uk", "mail", "Підписка", "Добрий день, хочу скасувати підписку з наступного місяця. Надішліть, будь ласка, "
     "підтвердження."),
)  # fmt: skip
NAMES: Final = {
    "pl": "Polish", "en": "English", "ru": "Russian", "de": "German", "uk": "Ukrainian",
    "a": "first hand", "b": "second hand", "c": "numbers and firms", "d": "third hand", "e": "long letters",
    "f": "everyday", "mail": "earliest, mail", "chat": "earliest, chat",
}  # fmt: skip
PARTS: Final = {
    "support-vectors": "linear support vectors", "logistic": "logistic regression",
    "bayes-words": "complement naive Bayes over words", "bayes-pieces": "complement naive Bayes over pieces",
    "even-bayes": "naive Bayes to which all labels are equally likely",
    "hidden-words": "a hidden layer over words", "hidden-pieces": "a hidden layer over pieces of words",
    "hidden-meanings": "a hidden layer over what words mean",
}  # fmt: skip
RULES: Final = {
    "precision": f"lowest at which, with 95 % certainty, {PROMISED_PRECISION:.0%} is right",
    "cost": f"a likely mistake (cost {COST_OF_MISROUTE:g}) costs less than a look ({COST_OF_HUMAN_LOOK:g})",
    "none": "no threshold was safe: it answers nothing by itself",
}  # fmt: skip


def what_it_is(subject: Subject) -> Markup:
    """The model in a table."""
    manifest, model = subject.manifest, subject.model
    size = sum(file["bytes"] for file in manifest["files"].values())
    holds = f"{model.table.meanings:,} words and pieces of words"
    if meant := len(model.table.vocabulary) - model.table.meanings:
        holds += f"; what {meant:,} words mean"
    rows = [
        ("model", model.model_id),
        *((f"{head.name}, {len(head.labels)} labels", ", ".join(head.labels)) for head in model.heads),
        ("size", f"{size / 1e6:.2f} MB; {holds}"),
        ("fitted with", ", ".join(f"{name} {version}" for name, version in manifest["versions"].items())),
        ("taught", f"{manifest['data']['rows']:,} texts, SHA-256 {manifest['data']['sha256']}"),
    ]
    told = (
        "It counts words, pieces of words and near pairs of words, and weighs them. It understands nothing, reads no "
        "attachments or pictures, and knows nothing of the customer or of what was written before."
    )
    return joined(element("p", told), table("The model", ("what", "is"), rows))


def taught_on(subject: Subject) -> Markup:
    """Sizes by language, hand and channel, and what kind of texts these are."""
    if subject.corpus is None:
        told = "It was made of data of somebody's own, of which its manifest holds the size and the digest alone."
        return element("p", told)
    return joined(*_origin(subject), _sizes(subject.corpus), _sentences(subject.corpus))


def not_for() -> Markup:
    """Uses that it was not made for."""
    uses = (
        "to delete, refuse or answer anything without a person: it says where a message goes and how soon it is read",
        "to judge people: customers by their tone, employees by the messages they get",
        "to find emergencies, threats to life or law suits: what it does not call critical may be critical",
        "for languages it was not taught topics in: it may name the language, but what it says of topics is a guess",
        "for another trade (medicine, law, banking) before it was taught and judged on its messages",
        "as proof that a message is harmless: spam and fraud that it does not know look genuine to it",
    )
    return element("ul", *(element("li", use) for use in uses))


def judged_on(subject: Subject) -> Markup:
    """Which messages the figures are of."""
    samples = subject.samples
    languages = Counter(sample.labels.get("language", "") or "not told" for sample in samples)
    channels = Counter(sample.document.channel or "not told" for sample in samples)
    told = [
        element(
            "p",
            f"All figures are of {len(samples):,} labelled messages: by language {_counted(languages)}; by channel "
            f"{_counted(channels)}. SHA-256 of texts and labels: {digest(samples)}.",
        )
    ]
    if subject.corpus is not None:
        known = messages.seen(samples, subject.corpus)
        if known:
            said = f"{known:,} of them stand in the corpus it may have been taught on: the figures flatter it."
            told.append(element("p", said, class_="warning"))
        else:
            told.append(element("p", "None of them stands in the corpus, word for word."))
    return joined(*told)


def thresholds(subject: Subject) -> Markup:
    """From which confidence each head dares, and why there."""
    rows = []
    for head in subject.manifest["heads"]:
        held = head["held_out"]
        made = " + ".join(PARTS.get(part, part) for part in head["made_of"])
        rows.append((
            head["name"], f"{100 * head['threshold']:.1f} %", RULES[head["threshold_rule"]],
            percent(held["coverage"]), percent(held["precision"]), percent(held["precision_bound"]), made,
        ))  # fmt: skip
    head = (
        "head", "threshold", "chosen as", "answered", "of that right", "no less than", "made of",
    )  # fmt: skip
    told = (
        "Thresholds were chosen on rows of the data it was taught on, each scored by a fit that had not seen it. What "
        "they promise holds for messages like those; the figures above say what it is worth on others. In a running "
        "desk people's corrections show it."
    )
    return joined(element("p", told), table("Thresholds and what they promise", head, rows))


def evidence(subject: Subject) -> Markup:
    """Five messages, and the words that spoke for what the model says of them."""
    if subject.head != "topic":
        return element("p", "A model made by `train` shows no words.")
    told = (
        "The marked words spoke most for the topic, those underlined for the urgency. They are reasons of the model, "
        "not of the matter. The messages are made up for this page."
    )
    return joined(element("p", told), *(_example(subject, *example) for example in EXAMPLES))


def _origin(subject: Subject) -> list[Markup]:
    written = (
        "The corpus was written for this project, message by message, with labels by the meaning of each label. It is "
        "not the mail of real customers, and no customer's words are in it: real mail has more noise, longer threads "
        "and topics nobody thought of. One message in ten is kept for judging and never taught. One in four of the "
        "others is taught once more with a greeting, an order's number, thanks or a firm's footer around it, so that "
        "these mean nothing."
    )
    told = [element("p", written)]
    if subject.of_this_corpus:
        told.append(element("p", "The model was taught exactly this corpus: its digest is that of the manifest."))
    elif learned := subject.manifest.get("learned"):
        more = f"Besides, it learned from {learned['decisions']:,} decisions of a desk; personal data were masked."
        told.append(element("p", more))
    else:
        changed = "The corpus has changed since the model was made: these are the sizes of the corpus as it stands now."
        told.append(element("p", changed, class_="warning"))
    return told


def _sizes(corpus: Corpus) -> Markup:
    channels = sorted({channel for source in corpus.sources for channel in source.channels})
    rows = [
        (
            NAMES.get(source.language, source.language),
            NAMES.get(source.hand, source.hand),
            *(f"{source.channels.get(channel, 0):,}" for channel in channels),
            f"{sum(source.channels.values()):,}",
            f"{source.kept:,}",
        )
        for source in corpus.sources
    ]
    sums = [sum(source.channels.get(channel, 0) for source in corpus.sources) for channel in channels]
    kept = sum(source.kept for source in corpus.sources)
    rows.append(("all", "", *(f"{one:,}" for one in sums), f"{sum(sums):,}", f"{kept:,}"))
    return table("The corpus", ("language", "hand", *channels, "messages", "of these kept for judging"), rows)


def _sentences(corpus: Corpus) -> Markup:
    total = sum(corpus.sentences.values())
    told = f"Beside the messages {total:,} sentences teach it to tell languages apart, and nothing else: "
    return element("p", told + _counted(corpus.sentences) + ".")


def _example(subject: Subject, language: str, channel: str, about: str, body: str) -> Markup:
    written = tagged_text(about, body)
    tags = subject.model.tag(about, body, channel)
    sure = "routed by itself" if not tags.topic.abstained else "left to people"
    said = (
        f"{NAMES[language]}, {channel}: {tags.topic.label} ({percent(tags.topic.confidence)}, {sure}), "
        f"{tags.urgency.label}, language {tags.language}"
    )
    rows: list[tuple[str, ...]] = [(piece.text, piece.head, f"{piece.weight:.2f}") for piece in tags.evidence]
    quoted = element("blockquote", _marked(written, tags.evidence), lang=language)
    numbers = table(f"Evidence, {NAMES[language]}", ("words", "spoke for", "weight"), rows) if rows else Markup("")
    return element("figure", element("figcaption", said), quoted, numbers)


def _marked(written: str, pieces: Sequence[Evidence]) -> Markup:
    """The text with its evidence marked; a stretch that spoke for both is marked twice."""
    edges = sorted({0, len(written), *(edge for piece in pieces for edge in (piece.start, piece.end))})
    shown = []
    for start, end in pairwise(edges):
        heads = {piece.head for piece in pieces if piece.start <= start and end <= piece.end}
        shown.append(_stretch(written[start:end], heads))
    return joined(*shown)


def _stretch(written: str, heads: set[str]) -> str:
    shown: str = element("u", written) if "urgency" in heads else written
    return element("mark", shown) if "topic" in heads else shown


def _counted(counts: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in counts.items())
