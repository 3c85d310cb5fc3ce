"""The commands that use and make models: `tag`, `predict` and `train`."""

import argparse
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from math import isfinite
from pathlib import Path
from typing import Any, BinaryIO, Final

from chalicelib import policy
from chalicelib.policy import Policy
from chalicelib.routing import urgency
from classifiers import artifact
from classifiers.artifact import ModelError
from classifiers.model import Model, Tag, Tags
from classifiers.sealed import Keys
from sortownia.ranged import ranged

STARTER: Final = Path(__file__).resolve().parent.parent / "classifiers" / "starter"
UNUSABLE: Final = 2  # exit status for input or a model that cannot be used
LARGEST_SEED: Final = 2**32 - 1  # that scikit-learn takes

Record = Mapping[str, Any]


class BadLine(Exception):
    """A line of input that cannot be answered; the message names its number."""


def add_commands(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds `tag`, `predict` and `train`."""
    tag = subparsers.add_parser("tag", help="say topic, urgency and language of messages")
    tag.add_argument("--jsonl", action="store_true", required=True, help="one JSON message per line on stdin")
    tag.add_argument("--model", type=Path, default=STARTER, metavar="DIR", help="default: the starter model")
    add_trust(tag)
    rules = tag.add_mutually_exclusive_group()
    rules.add_argument("--no-rules", action="store_true", help="the model alone, without the desk's urgency rules")
    rules.add_argument("--desk", type=Path, metavar="FILE", help="the desk whose rules count (default: this one's)")
    tag.set_defaults(run=run_tag)
    predict = subparsers.add_parser("predict", help="label texts with a model made by `train`")
    predict.add_argument("--model", type=Path, required=True, metavar="DIR")
    predict.add_argument("--jsonl", action="store_true", required=True, help="one JSON text per line on stdin")
    add_trust(predict)
    predict.set_defaults(run=run_predict)
    train = subparsers.add_parser("train", help="make a model of any labelled texts")
    train.add_argument("--data", type=Path, required=True, metavar="FILE", help=".jsonl or .jsonl.gz")
    train.add_argument("--text", default="text", metavar="FIELD", help="field that holds the text")
    train.add_argument("--label", default="label", metavar="FIELD", help="field that holds the label")
    train.add_argument("--out", type=Path, required=True, metavar="DIR", help="where the model goes")
    train.add_argument("--keep", type=Path, metavar="FILE", help="keep the fitted pipeline there (joblib)")
    train.add_argument("--group", metavar="FIELD", help="texts with equal values there never judge each other")
    train.add_argument("--quick", action="store_true", help="fewer parts: a fraction of the time")
    train.add_argument("--seed", type=ranged(0, LARGEST_SEED), default=0, help="equal seeds and data give equal models")
    train.set_defaults(run=run_train)


def add_trust(parser: argparse.ArgumentParser) -> None:
    """Adds `--trust FILE`."""
    parser.add_argument(
        "--trust", type=Path, action="append", default=[], metavar="FILE",
        help="believe models signed by this public key, too (this checkout's own is believed anyway)",
    )  # fmt: skip


def run_tag(options: argparse.Namespace) -> int:
    """Tags each message on standard input, one JSON line each, flushed."""
    try:
        desk = None if options.no_rules else policy.load(options.desk)
    except (policy.PolicyError, OSError) as problem:
        return _fail("desk", problem)
    return _serve(options, ("topic", "urgency", "language"), partial(tagged, desk=desk))


def run_predict(options: argparse.Namespace) -> int:
    """Labels each text on standard input, one JSON line each, flushed."""
    return _serve(options, ("label",), predicted)


def run_train(options: argparse.Namespace) -> int:
    """Fits a model with the single head `label` and tells what it reached on held-out texts."""
    from training import dataset, fit, pack, signing  # scikit-learn takes seconds to import; `tag` must not pay for it

    try:
        pack.check_place(options.out)  # before minutes are spent on what could not be kept
        if options.keep is not None and options.keep.is_dir():
            raise IsADirectoryError(f"{options.keep} is a directory: the pipeline is kept in a file")
        samples = dataset.labelled(options.data, options.text, options.label, options.group)
        if not samples:
            raise dataset.DataError(f"{options.data}: holds no line")
        samples, alone = dataset.learnable(samples, "label")
        if alone:
            print(f"left out, since each stands in one row alone: {dataset.first_of(alone)}", file=sys.stderr)
        plan = fit.Plan("label", fit.QUICK if options.quick else fit.FULL)
        fitted = fit.fit(samples, [plan], seed=options.seed)
        model = pack.export(fitted, options.out, "trained")
        if options.keep is not None:
            pack.keep(fitted, options.keep)
    except (dataset.DataError, ModelError, signing.KeyProblem, OSError) as problem:
        return _fail("train", problem)
    reached = fitted.heads[0].held_out
    print(f"{model.model_id} in {options.out}: {len(samples)} texts, {len(model.heads[0].labels)} labels")
    print(
        f"held out: accuracy {reached.accuracy:.1%}, macro-F1 {reached.macro_f1:.1%}, "
        f"calibration error {reached.calibration_error:.1%}, not abstaining {reached.coverage:.1%}"
    )
    return 0


def tagged(model: Model, record: Record, desk: Policy | None = None) -> Record:
    """The answer to one line of `tag`, with what the urgency rules of a desk say. Raises BadLine."""
    message = {"subject": "", "channel": "", **{name: value for name, value in record.items() if value is not None}}
    if "id" not in record:
        raise BadLine("has no id")
    subject, body = _text(message, "subject"), _text(message, "body")
    tags = model.tag(subject, body, _text(message, "channel"))
    return {"id": record["id"], **_ruled(_shown(tags), tags, subject, body, desk)}


def predicted(model: Model, record: Record) -> Record:
    """The answer to one line of `predict`. Raises BadLine."""
    tag = model.predict(_text(record, "text"))
    answer = {
        "label": tag.label,
        "confidence": tag.confidence,
        "abstained": tag.abstained,
        "scores": tag.scores,
    }
    return {"id": record["id"], **answer} if "id" in record else answer


def _shown(tags: Tags) -> Record:
    topic: Tag = tags.topic
    return {
        "topic": topic.label,
        "topic_confidence": topic.confidence,
        "topic_abstained": topic.abstained,
        "topic_scores": topic.scores,
        "urgency": tags.urgency.label,
        "urgency_confidence": tags.urgency.confidence,
        "urgency_scores": tags.urgency.scores,
        "language": tags.language,
        "evidence": [
            {name: getattr(piece, name) for name in ("text", "start", "end", "weight", "head")}
            for piece in tags.evidence
        ],
    }


def _ruled(shown: Record, tags: Tags, subject: str, body: str, desk: Policy | None) -> Record:
    """What is shown of tags, after the desk's urgency rules: their names, and what the model had said."""
    if desk is None or urgency.doubted(tags.topic.label, tags.topic.scores, desk):
        return shown
    raised = urgency.raised(tags.urgency.label, subject, body, desk)
    if not raised.rules:
        return shown
    return {
        **shown,
        "urgency": raised.urgency,
        "urgency_ruled": {"rules": list(raised.rules), "model": tags.urgency.label},
        "evidence": [*shown["evidence"], *raised.evidence],
    }


def _serve(options: argparse.Namespace, heads: Iterable[str], answer: Callable[[Model, Record], Record]) -> int:
    try:
        model = usable_model(options.model, options.trust, heads)
        _answer_lines(model, answer, sys.stdin.buffer, sys.stdout.buffer)
    except ModelError as problem:
        return _fail("model", problem)
    except BadLine as problem:
        return _fail("input", problem)
    return 0


def starter() -> Model:
    """The starter model, with all that tagging needs. Raises ModelError."""
    return usable_model(STARTER, (), ("topic", "urgency", "language"))


def usable_model(directory: Path, trust: Iterable[Path], heads: Iterable[str] = ()) -> Model:
    """The model, if this checkout or one of the keys in these files signed it, with the heads a command needs.

    Raises ModelError.
    """
    if directory == STARTER and not (STARTER / artifact.MANIFEST).exists():
        raise ModelError("there is no starter model yet: run `make setup`")
    model = artifact.load(directory, artifact.pinned(STARTER) if directory == STARTER else _keys(trust))
    missing = {*heads} - {head.name for head in model.heads}
    if missing:
        raise ModelError(f"{directory}: has no head {', '.join(sorted(missing))}: made for another command")
    return model


def _keys(files: Iterable[Path]) -> Keys:
    from training import signing  # the starter model, which is pinned, is tagged with by then

    try:
        return signing.trusted(files)
    except signing.KeyProblem as problem:
        raise ModelError(str(problem)) from problem


def _answer_lines(model: Model, answer: Callable[[Model, Record], Record], source: BinaryIO, target: BinaryIO) -> None:
    """One line out, flushed, per line in; what was answered before a bad line stays. Raises BadLine."""
    for number, record in _records(source):
        try:
            line = json.dumps(answer(model, record), ensure_ascii=False, allow_nan=False)
        except BadLine as problem:
            raise BadLine(f"line {number}: {problem}") from problem
        # Half of a surrogate pair cannot be written as UTF-8; its \u escape is what JSON has for it.
        target.write(line.encode("utf-8", "backslashreplace") + b"\n")
        target.flush()


def _records(source: BinaryIO) -> Iterator[tuple[int, Record]]:
    """Line numbers, from 1, and objects; blank lines are passed over. Raises BadLine."""
    for number, written in enumerate(source, start=1):
        if not written.strip():
            continue
        try:
            record = json.loads(written.decode("utf-8-sig"), parse_constant=_refuse_constant, parse_float=_finite)
        except (ValueError, RecursionError) as problem:
            raise BadLine(f"line {number}: is not JSON: {problem}") from problem
        if not isinstance(record, dict):
            raise BadLine(f"line {number}: is not a JSON object")
        yield number, record


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON number")


def _finite(written: str) -> float:
    """The number; JSON may spell one that no answer could repeat."""
    number = float(written)
    if not isfinite(number):
        raise ValueError(f"{written} is too large a number")
    return number


def _text(record: Record, field: str) -> str:
    value = record.get(field)
    if not isinstance(value, str):
        raise BadLine(f"field {field!r} is missing" if value is None else f"field {field!r} is not text")
    return value


def _fail(what: str, problem: Exception) -> int:
    print(f"sortownia: {what}: {problem}", file=sys.stderr)
    return UNUSABLE
