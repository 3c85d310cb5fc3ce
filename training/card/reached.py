"""The sections of figures: each says in words what it shows, draws it, and holds the numbers in a table beside."""

from collections.abc import Mapping, Sequence
from typing import Final

from training.calibrate import PROMISED_PRECISION, precision_bound
from training.card import measured
from training.card.markup import Markup, element, joined, table
from training.card.measured import Group, Share
from training.card.plots import Axis, Plot
from training.card.subject import Subject
from training.card.telling import in_hundred, of, percent, span, within
from training.loop import figures

MOST_LABELS: Final = 20  # in a matrix that can be read
MOST_MISTAKES: Final = 10
TENTHS: Final = 10


def in_plain_words(subject: Subject) -> Markup:
    """What comes first: of a hundred messages, so many."""
    everything = measured.of_all(subject.routing)
    routed, right = (
        in_hundred(everything.coverage),
        in_hundred(Share(everything.precision.part, everything.coverage.whole)),
    )
    said = [
        element(
            "p",
            f"Of 100 messages it routes {routed} by itself; of those {right} are right. The other {100 - routed} go to "
            "people, with its best guess beside.",
            class_="first",
        ),
        element(
            "p",
            f"Exactly: {of(everything.coverage)} routed, {of(everything.precision)} of them right. If it had to "
            f"answer all of them, {of(everything.accuracy)} would be right: {within(everything.accuracy)}.",
        ),
        element("p", _promise(everything)),
        element("p", _out_of_fold(subject)),
    ]
    ordered = _ordered(subject)
    if ordered is not None and ordered.found.whole:
        said.append(
            element(
                "p",
                f"Of 100 messages that are {ordered.worst} it calls {in_hundred(ordered.found)} so "
                f"({of(ordered.found)}). Of all messages {percent(ordered.called.value)} are called {ordered.worst}; "
                f"{percent(ordered.true.value)} are.",
            )
        )
    if subject.spam is not None:
        found, wrongly = measured.spam(subject.routing, subject.spam)
        if found.whole:
            said.append(
                element(
                    "p",
                    f"Of 100 messages that are spam it calls {in_hundred(found)} so ({of(found)}). It calls "
                    f"{of(wrongly)} genuine messages spam.",
                )
            )
    return joined(*said)


def calibration(subject: Subject) -> Markup:
    """Whether a confidence is the share that is right."""
    bins = measured.reliability(subject.routing)
    error = figures.figures(subject.routing).calibration_error
    inside = sum(one.band[0] <= (one.right.value or 0) <= one.band[1] for one in bins)
    at = [one.confidence for one in bins]
    told = (
        f"Of messages it is 80 % sure of, 80 of 100 should be right. The answers stand in {len(bins)} groups of equal "
        f"size by confidence; {inside} of these lie within the band in which a perfectly calibrated model lies 95 "
        f"times of 100. On average confidence and truth are {100 * error:.1f} points apart."
    )
    plot = Plot("Reliability", told, Axis("mean confidence"), Axis("share that is right"))
    plot.area(
        [(x, one.band[0]) for x, one in zip(at, bins, strict=True)],
        [(x, one.band[1]) for x, one in zip(at, bins, strict=True)],
        "band",
    )
    plot.line([(0, 0), (1, 1)], "ideal")
    plot.dots([(one.confidence, one.right.value or 0) for one in bins], "dot")
    rows = [
        (
            percent(one.confidence),
            percent(one.right.value),
            of(one.right),
            span(*one.band),
        )
        for one in bins
    ]
    numbers = table("Confidence and truth", ("mean confidence", "right", "messages", "band (%)"), rows)
    return joined(element("p", told), _beside(plot, numbers))


def coverage(subject: Subject) -> Markup:
    """What another threshold would give."""
    cuts = measured.cuts(subject.routing)
    own = measured.of_all(subject.routing)
    threshold = subject.model.head(subject.head).threshold
    told = (
        f"A higher threshold routes less and is right more often. The model's own is {percent(threshold)} "
        f"confidence: {percent(own.coverage.value)} routed, {percent(own.precision.value)} of that right."
    )
    low = _floor([cut.precision for cut in cuts if cut.coverage >= 1 / TENTHS / 2])
    plot = Plot("Coverage and precision", told, Axis("routed by itself"), Axis("of that right", _ticks(low), low=low))
    plot.line([(cut.coverage, max(cut.precision, low)) for cut in cuts], "line")
    plot.line([(0, PROMISED_PRECISION), (1, PROMISED_PRECISION)], "ideal")
    plot.words(0, PROMISED_PRECISION, "promised", rise=-14)
    if own.coverage.value and own.precision.value is not None:
        here = (own.coverage.value, max(own.precision.value, low))
        plot.line([(here[0], low), here], "mark").dots([here], "dot own").words(
            here[0] - 0.02, low, "its threshold", anchor="end"
        )
    rows = []
    for tenth in range(1, TENTHS + 1):
        cut = next(cut for cut in cuts if cut.coverage >= tenth / TENTHS - 1e-9)
        rows.append((percent(cut.coverage), percent(cut.precision), percent(cut.confidence)))
    rows.append((f"{percent(own.coverage.value)}, its own", percent(own.precision.value), percent(threshold)))
    numbers = table("What a threshold gives", ("routed", "of that right", "from confidence"), rows)
    return joined(element("p", told), _beside(plot, numbers))


def confusion(subject: Subject) -> Markup:
    """Which labels are taken for which."""
    worst = [
        (true, said, f"{count:,}")
        for (true, said), count in [*measured.mistaken(subject.routing).items()][:MOST_MISTAKES]
    ]
    frequent = table("Most frequent mistakes", ("is", "was called", "messages"), worst) if worst else Markup("")
    found = figures.figures(subject.routing)
    each = [
        (label, f"{one.rows:,}", percent(one.recall), percent(one.precision)) for label, one in found.labels.items()
    ]
    labels = table("Each label", ("label", "messages", "of these found", "right when it is said"), each)
    return joined(_matrix(subject, subject.head), frequent, labels)


def by_language_and_channel(subject: Subject) -> Markup:
    """Whether it is as good for everybody."""
    samples = subject.routed_samples
    parts = {
        "language": measured.groups(samples, subject.routing, lambda sample: sample.labels.get("language", "")),
        "channel": measured.groups(samples, subject.routing, lambda sample: sample.document.channel),
    }
    kinds = {name: found for name, found in parts.items() if found}
    if not kinds:
        return element("p", "The messages do not say their language or channel.")
    told = "Intervals hold the true share 95 times of 100: where two overlap widely, the difference may be chance."
    if any("language" in sample.labels for sample in samples):
        named = measured.languages(subject.model, samples)
        told += f" It names the language itself right for {of(named)}: {within(named)}."
    return joined(
        element("p", told), *(_beside(_intervals(name, found), _groups(name, found)) for name, found in kinds.items())
    )


def urgency(subject: Subject) -> Markup:
    """Whether what cannot wait is seen."""
    answers, ordered = subject.answers["urgency"], _ordered(subject)
    said = [
        f"{of(measured.of_all(answers).accuracy)} are right: {within(measured.of_all(answers).accuracy)}.",
    ]
    if ordered is not None:
        said.append(
            f"Quadratic weighted kappa, which counts a mistake by the square of its steps, is {ordered.kappa:.3f} "
            "(0 is chance, 1 is perfect)."
        )
        if ordered.found.whole:
            said.append(f"Of what is {ordered.worst}, {within(ordered.found)} is called so.")
        said.append(
            f"{percent(ordered.called.value)} of all is called {ordered.worst}, {percent(ordered.true.value)} is."
        )
        if ordered.cost is not None:
            said.append(
                "It says the urgency that costs least, not the likeliest: to miss what is critical costs more than a "
                f"look too many. By these weights a message costs {ordered.cost:.3f} on average; the best single "
                f"answer to all would cost {ordered.cost_of_best_guess:.3f}."
            )
    return joined(element("p", " ".join(said)), _matrix(subject, "urgency"))


def spam(subject: Subject) -> Markup:
    """What is caught, and who is wronged."""
    assert subject.spam is not None
    found, wrongly = measured.spam(subject.routing, subject.spam)
    rows = [
        ("spam that is called spam", of(found), within(found)),
        ("genuine messages that are called spam", of(wrongly), within(wrongly)),
    ]
    return joined(
        element("p", "Nothing is thrown away: what it calls spam waits in a low lane that people see."),
        table("Spam", ("what", "messages", "share (95 % interval)"), rows),
    )


def learning(subject: Subject) -> Markup:
    """What more messages would bring."""
    curve = subject.curve
    if curve is None:
        return element("p", "Not computed here: sortownia card --curve fits on parts of the corpus and tells.")
    first, last = curve.points[0], curve.points[-1]
    told = (
        f"Fitted on {first.messages:,} messages it is right on {percent(first.accuracy)} of {curve.rows:,}, on "
        f"{last.messages:,} on {percent(last.accuracy)}; it routes {percent(first.coverage)} and "
        f"{percent(last.coverage)} by itself."
    )
    x = Axis("messages it was fitted on", [(at.messages, f"{at.messages:,}") for at in curve.points], 0, last.messages)
    plot = Plot("Learning curve", told, x, Axis("share of messages set aside"))
    for name, kind in (("accuracy", "line"), ("coverage", "line second")):
        points = [(float(at.messages), float(getattr(at, name))) for at in curve.points]
        said = "right if all were answered" if name == "accuracy" else "routed by itself"
        plot.line(points, kind).dots(points, "dot" if name == "accuracy" else "dot second").words(*points[-1], said)
    rows = [
        (
            f"{at.messages:,}", percent(at.accuracy), percent(at.coverage), percent(at.precision),
            percent(at.urgency_accuracy), f"{at.urgency_kappa:.3f}", f"{at.urgency_cost:.3f}",
        )
        for at in curve.points
    ]  # fmt: skip
    head = ("messages", "right", "routed", "of that right", "urgency right", "kappa", "cost of urgency")
    numbers = table("Learning curve", head, rows)
    corpus = subject.corpus
    same = corpus is not None and (curve.corpus, curve.judged_by) == (corpus.digest, corpus.aside)
    stale = [] if same else [
        element(
            "p",
            "The corpus, or what is set aside of it, has changed since this curve was computed: its numbers are older. "
            "sortownia card --curve computes it anew.",
            class_="warning",
        )
    ]  # fmt: skip
    return joined(element("p", told), *stale, _beside(plot, numbers))


def _promise(everything: Group) -> str:
    right, total = everything.precision.part, everything.precision.whole
    if not total:
        return "On these messages it dares nothing: its promise is neither kept nor broken."
    bound = precision_bound(right, total)
    if bound >= PROMISED_PRECISION:
        kept = "kept, with 95 % certainty"
    elif right / total >= PROMISED_PRECISION:
        kept = "kept here, but on too few messages or too narrowly to be certain"
    else:
        kept = "not kept on these messages"
    return (
        f"Promised is that {PROMISED_PRECISION:.0%} of what it routes is right: {kept}. "
        f"{within(everything.precision)} is right; with 95 % certainty it is no less than {percent(bound)}."
    )


def _out_of_fold(subject: Subject) -> str:
    held = next(head for head in subject.manifest["heads"] if head["name"] == subject.head)["held_out"]
    return (
        f"On the data it was taught on, each row scored by a fit that had not seen it, it routed "
        f"{percent(held['coverage'])}, {percent(held['precision'])} of that right, and was right on "
        f"{percent(held['accuracy'])} of all. Which of the two a desk is nearer to only its own messages tell."
    )


def _ordered(subject: Subject) -> measured.Urgency | None:
    if "urgency" not in subject.answers:
        return None
    head = subject.model.head("urgency")
    return measured.urgency(subject.answers["urgency"], head.labels, head.costs)


def _matrix(subject: Subject, name: str) -> Markup:
    """Rows are true labels, columns labels said; each cell is shaded by its share of its row."""
    answers, head = subject.answers[name], subject.model.head(name)
    labels = [*head.labels, *sorted({*answers.truth} - {*head.labels})]
    if len(labels) > MOST_LABELS:
        return element("p", f"Its {len(labels)} labels are too many for a matrix; these are the labels one by one.")
    counts = measured.confusion(answers, labels)
    rows: list[tuple[str, ...]] = []
    for place, (label, row) in enumerate(zip(labels, counts.tolist(), strict=True)):
        cells = [
            element(
                "td",
                element("b", f"{count:,}") if place == column else f"{count:,}" if count else "·",
                style=f"--share:{count / max(sum(row), 1):.3f}",
                class_="cell",
            )
            for column, count in enumerate(row)
        ]
        rows.append((label, *cells))
    note = "A row for what it is, a column for what it was called; bold is right."
    return table(f"What is called what: {name}", (name, *labels), rows, note, kind="matrix")


def _groups(name: str, found: Mapping[str, Group]) -> Markup:
    rows = [
        (value, f"{one.accuracy.whole:,}", within(one.accuracy), within(one.coverage), within(one.precision))
        for value, one in found.items()
    ]
    return table(f"By {name}", (name, "messages", "right if all were answered", "routed", "of that right"), rows)


def _intervals(name: str, found: Mapping[str, Group]) -> Plot:
    told = "; ".join(f"{value}: {within(one.accuracy)}" for value, one in found.items())
    places = {value: float(len(found) - number) for number, value in enumerate(found)}
    low = _floor([one.accuracy.interval[0] for one in found.values()])
    y = Axis(name, [(place, value) for value, place in places.items()], 0.4, len(found) + 0.6)
    plot = Plot(
        f"Accuracy by {name}", told, Axis("right if all were answered", _ticks(low), low=low), y, 90 + 34 * len(found)
    )
    for value, one in found.items():
        start, end = one.accuracy.interval
        plot.line([(start, places[value]), (end, places[value])], "mark")
        plot.dots([(one.accuracy.value or 0, places[value])], "dot")
    return plot


def _floor(shares: Sequence[float]) -> float:
    """The tenth below all of them, and below the promise."""
    return int(min([*shares, PROMISED_PRECISION]) * 10) / 10


def _ticks(low: float) -> list[tuple[float, str]]:
    """Every tenth from there to 1."""
    return [(tick / 10, f"{tick * 10} %") for tick in range(round(low * 10), 11)]


def _beside(plot: Plot, numbers: Markup) -> Markup:
    return element("figure", plot.svg(), numbers)
