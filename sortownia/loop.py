"""The commands of the learning loop: `retrain`, `promote`, `rollback` and `evaluate`."""

import argparse
import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.aws.models import PACKAGED
from chalicelib.errors import TriageError
from chalicelib.policy import PolicyError
from chalicelib.settings import SettingsError
from classifiers.artifact import ModelError
from classifiers.model import Model
from classifiers.sealed import public_keys
from sortownia.local.error import LocalError
from sortownia.models import UNUSABLE, add_trust, usable_model
from sortownia.ranged import ranged
from sortownia.reached import Client, reached
from training import dataset, signing
from training.dataset import DataError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from training.loop.figures import Answers
    from training.loop.turn import Bench, Outcome

REFUSED: Final = 1  # exit status for a model that may not serve
MONTHS: Final = 24
MOST_MONTHS: Final = 600
_PROBLEMS: Final = (
    LocalError, PolicyError, SettingsError, TriageError, ClientError, BotoCoreError, ModelError, DataError,
    signing.KeyProblem, OSError,
)  # fmt: skip


class NoKey(signing.KeyProblem):
    """The stack has no signing key yet."""


def add_commands(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds `retrain`, `promote`, `rollback` and `evaluate`."""
    retrain = subparsers.add_parser("retrain", help="learn from what people decided; serve it if it is not worse")
    _add_stack(retrain)
    retrain.add_argument(
        "--months", type=ranged(1, MOST_MONTHS), default=MONTHS, metavar="N", help=f"labels of the last N ({MONTHS})"
    )
    retrain.add_argument("--out", type=Path, metavar="DIR", help="keep a copy of the model there")
    retrain.add_argument("--report", type=Path, metavar="FILE", help="write the comparison there, too (JSON)")
    retrain.add_argument("--dry-run", action="store_true", help="compare only, publish nothing")
    retrain.set_defaults(run=run_retrain)
    promote = subparsers.add_parser("promote", help="let a model of a directory serve if it is not worse")
    promote.add_argument("directory", type=Path, metavar="MODEL_DIR")
    _add_stack(promote)
    add_trust(promote)
    promote.add_argument("--force", metavar="REASON", default="", help="serve it even if it is worse: why, recorded")
    promote.add_argument("--report", type=Path, metavar="FILE", help="write the comparison there, too (JSON)")
    promote.set_defaults(run=run_promote)
    rollback = subparsers.add_parser("rollback", help="let the model before serve again, or the one named")
    rollback.add_argument("model_id", nargs="?", default="", metavar="MODEL_ID", help="`packaged`: that of the code")
    _add_stack(rollback)
    rollback.add_argument("--reason", default="rolled back by hand", help="recorded with the change")
    rollback.set_defaults(run=run_rollback)
    evaluate = subparsers.add_parser("evaluate", help="figures of a model on labelled texts or messages")
    evaluate.add_argument("--model", type=Path, required=True, metavar="DIR")
    add_trust(evaluate)
    evaluate.add_argument("--data", type=Path, required=True, metavar="FILE", help=".jsonl or .jsonl.gz")
    evaluate.add_argument("--text", default="text", metavar="FIELD", help="field that holds the text")
    evaluate.add_argument("--label", default="label", metavar="FIELD", help="field that holds the label")
    evaluate.add_argument("--json", action="store_true", help="as JSON")
    evaluate.set_defaults(run=run_evaluate)


def _add_stack(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--stack", metavar="NAME",
        help="a stack in AWS, by your own credentials and region (default: the system running here)",
    )  # fmt: skip
    parser.add_argument(
        "--own-key", action="store_true",
        help="sign with this checkout's key, not with that of the stack in AWS",
    )  # fmt: skip


# Commands


def run_retrain(options: argparse.Namespace) -> int:
    """Status 0 where the new model serves, or serves already; 1 where it may not; 2 where it could not be made."""

    def turn(bench: "Bench") -> "Outcome":
        from training.loop import turn

        return turn.retrain(bench, options.months, options.out, publish=not options.dry_run)

    return _turned(options, turn)


def run_promote(options: argparse.Namespace) -> int:
    """As `retrain`, with a model that is there."""

    def turn(bench: "Bench") -> "Outcome":
        from training.loop import turn

        return turn.promote(bench, options.directory, signing.trusted(options.trust), options.force)

    return _turned(options, turn)


def run_rollback(options: argparse.Namespace) -> int:
    """Status 0 where the model before serves, 2 where there is none or something stops it."""
    from training.loop import turn

    try:
        now = turn.roll_back(
            bench_of(options.stack, options.own_key, needs_key=False), options.model_id, options.reason
        )
    except _PROBLEMS as problem:
        return _fail("rollback", problem)
    before = now.history[0].model_id if now.history else PACKAGED
    print(f"{now.now.model_id} serves: functions follow within 30 seconds. Before: {before}")
    return 0


def run_evaluate(options: argparse.Namespace) -> int:
    """Figures of a model on labelled data."""
    from training.loop import figures

    try:
        model = usable_model(options.model, options.trust)
        answers = answers_of(model, options.data, options.text, options.label)
    except (ModelError, DataError) as problem:
        return _fail("evaluate", problem)
    if options.json:
        print(json.dumps({"model_id": model.model_id, **figures.described(answers)}, ensure_ascii=False))
        return 0
    print(model.model_id)
    for head, found in answers.items():
        print(figures.table(head, figures.figures(found)))
    return 0


def answers_of(model: Model, data: Path, text: str, label: str) -> "Mapping[str, Answers]":
    """What a model says of labelled texts, or of labelled messages where it is one that tags. Raises DataError."""
    from training.loop import figures

    if {head.name for head in model.heads} == {"label"}:
        samples = dataset.labelled(data, text, label)
        if not samples:
            raise DataError(f"{data}: holds no line")
        return {"label": figures.single(model, samples)}
    samples = [dataset.judged(line, figures.HEADS) for line in dataset.lines(data)]
    answers = figures.triage(model, samples)
    if not answers:
        raise DataError(f"{data}: no line has a topic or an urgency")
    return answers


# A turn


def bench_of(stack: str | None, own_key: bool = False, needs_key: bool = True) -> "Bench":
    """Where a turn for this stack is made. Raises what reaching it raises, and KeyProblem."""
    from training.loop.turn import Bench

    world = reached(stack, "receive")
    if world.models is None:
        raise SettingsError("this stack has no bucket of models: deploy it anew")
    key = signing.own_key() if own_key or not stack or not needs_key else secret_key(world.client, stack)
    try:
        trust = public_keys(key for key in world.settings.model_keys.split(",") if key)
    except ValueError as problem:
        raise signing.KeyProblem(f"ModelKeys: {problem}") from problem
    return Bench(world, world.models, key, trust)


def secret_name(stack: str) -> str:
    """The secret that holds a stack's private signing key."""
    return f"{stack}/signing-key"


def secret_key(client: Client, stack: str) -> "Ed25519PrivateKey":
    """The stack's private key, from Secrets Manager. Raises NoKey where it has none yet, KeyProblem."""
    secrets = client("secretsmanager")
    try:
        text = secrets.get_secret_value(SecretId=secret_name(stack)).get("SecretString")
    except secrets.exceptions.ResourceNotFoundException:  # no secret, or one without a value
        text = None
    if not text:
        raise NoKey(
            f"{stack} has no signing key yet: run `sortownia prepare-training --stack {stack}`, or sign with --own-key"
        )
    return signing.private_key(text, secret_name(stack))


def _turned(options: argparse.Namespace, turn: "Callable[[Bench], Outcome]") -> int:
    from training.loop import kept
    from training.loop import turn as turning

    try:
        outcome = turn(bench_of(options.stack, options.own_key))
        status = _tell(outcome)  # first: what serves now is to be known, whatever becomes of the report
        if options.report is not None:
            written = json.dumps(outcome.report, ensure_ascii=False, indent=2) + "\n"
            options.report.write_text(written, "utf-8", "backslashreplace")
    except (*_PROBLEMS, kept.Corrupt, turning.NotTrusted) as problem:
        return _fail(options.command, problem)
    return status


def _tell(outcome: "Outcome") -> int:
    for head, compared in sorted(outcome.report.get("compared", {}).items()):
        print(
            f"{head}: {compared['rows']} messages judged; accuracy {compared['accuracy_change']:+.1%} "
            f"({compared['won']} won, {compared['lost']} lost), "
            f"cost {compared['cost_change']:+.3f} a message (1: a misroute)"
        )
    if outcome.published:
        forced = f" although {'; '.join(outcome.reasons)}" if outcome.reasons else ""
        print(f"{outcome.model_id} serves{forced}: functions follow within 30 seconds")
        return 0
    if outcome.reasons:
        print(f"{outcome.model_id} is refused: {'; '.join(outcome.reasons)}", file=sys.stderr)
        return REFUSED
    print(f"{outcome.model_id} is not worse; {outcome.report.get('note', 'nothing was published')}")
    return 0


def _fail(what: str, problem: Exception) -> int:
    print(f"sortownia: {what}: {problem}", file=sys.stderr)
    return UNUSABLE
