"""The command `card`: what a model is and what it reached, on one page."""

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from classifiers import artifact
from classifiers.artifact import ModelError
from classifiers.model import Model
from sortownia.models import STARTER, UNUSABLE, add_trust, usable_model
from training import dataset, signing, starter
from training.dataset import DataError

if TYPE_CHECKING:
    from training.card.subject import Subject

TRIAGE: Final = ("topic", "urgency", "language")


def add_commands(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds `card`."""
    card = subparsers.add_parser("card", help="a page on what a model is, and what it reached on labelled messages")
    card.add_argument("--model", type=Path, default=STARTER, metavar="DIR", help="default: the starter model")
    add_trust(card)
    card.add_argument(
        "--data", type=Path, action="append", metavar="FILE",
        help=".jsonl or .jsonl.gz that it was not fitted on (default: the messages set aside in training/corpus/aside)",
    )  # fmt: skip
    card.add_argument("--text", default="text", metavar="FIELD", help="field of the text, for a model made by `train`")
    card.add_argument("--label", default="label", metavar="FIELD", help="field of the label, likewise")
    card.add_argument("--out", type=Path, required=True, metavar="FILE", help="the page (HTML)")
    card.add_argument("--curve", action="store_true", help="compute the learning curve of the corpus first: minutes")
    card.set_defaults(run=run_card)


def run_card(options: argparse.Namespace) -> int:
    """Status 0 when the page is written, 2 where model, data or corpus cannot be used."""
    from training.card.page import page

    try:
        model = usable_model(options.model, options.trust)
        manifest = artifact.read_manifest(options.model, signing.trusted(options.trust))
        if options.out.is_dir():
            raise IsADirectoryError(f"{options.out} is a directory: the page is a file")
        subject = _subject(model, manifest, options)  # what is wrong with model and data is known before minutes pass
        written = page(_with_new_curve(subject) if options.curve else subject)
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(written, encoding="utf-8")
    except (ModelError, DataError, signing.KeyProblem, OSError) as problem:
        print(f"sortownia: card: {problem}", file=sys.stderr)
        return UNUSABLE
    print(f"{model.model_id}: {options.out}")
    return 0


def _subject(model: Model, manifest: dict[str, Any], options: argparse.Namespace) -> "Subject":
    """Raises DataError, and ModelError for a model that neither tags nor labels."""
    from training.card import curve, messages
    from training.card.subject import Subject
    from training.loop import figures

    heads = {head.name for head in model.heads}
    paths = options.data or messages.aside()
    if heads == {"label"}:
        texts = [sample for path in paths for sample in dataset.labelled(path, options.text, options.label)]
        if not texts:
            raise DataError("the data hold no line")
        return Subject(model, manifest, texts, {"label": figures.single(model, texts)})
    if missing := {*TRIAGE} - heads:
        raise ModelError(f"{options.model}: has no head {', '.join(sorted(missing))}")
    samples = messages.judged(paths)
    answers = figures.triage(model, samples)
    if not {"source", "learned"} & manifest.keys():
        return Subject(model, manifest, samples, answers)
    return Subject(model, manifest, samples, answers, messages.corpus(), curve.kept())


def _with_new_curve(subject: "Subject") -> "Subject":
    from training.card import curve, messages

    judged = messages.judged(messages.aside())
    curve.keep(curve.computed(starter.CORPUS, judged, lambda said: print(said, file=sys.stderr, flush=True)))
    return replace(subject, curve=curve.kept()) if subject.corpus else subject
