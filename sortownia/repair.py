"""Command `rebuild-queues`: everything the queues of a stack should hold, sent again from its table."""

import argparse
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from chalicelib.errors import TriageError
from chalicelib.flows.rebuild import Made, What, rebuild
from chalicelib.policy import PolicyError
from chalicelib.settings import SettingsError
from sortownia.local.error import LocalError
from sortownia.reached import reached


def add_commands(subparsers: Any) -> None:
    """Add `rebuild-queues` to an argparse parser's subparsers."""
    parser = subparsers.add_parser(
        "rebuild-queues",
        help="ring all that waits, set all timers and send all unsent replies again, from the table alone",
    )
    parser.add_argument(
        "--stack",
        metavar="NAME",
        help="a stack in AWS, by your own credentials and region (default: the system running here)",
    )
    parser.set_defaults(run=rebuild_command)


def rebuild_command(arguments: argparse.Namespace) -> int:
    """Rebuild and say what was sent. Status 1, and one sentence, where something stops it."""
    try:
        return tell(rebuild(reached(arguments.stack)))
    except (LocalError, PolicyError, SettingsError, TriageError, ClientError, BotoCoreError) as error:
        print(error, file=sys.stderr)
        return 1


# Telling


@dataclass(frozen=True, slots=True)
class Part:
    """One line of what is told."""

    what: What
    queue: str


def tell(parts: Iterable[Made]) -> int:
    """Tells what is made while it grows, and the sums at the end. Status 2 where items wait that nobody can be rung
    for."""
    made = _shown(parts)
    print(_summary(made))
    stray = sorted((part.queue, number) for part, number in made.items() if part.what == What.STRAY)
    for queue, number in stray:
        print(f"{number} items wait in {queue}, which this desk does not have: pass them on.", file=sys.stderr)
    return 2 if stray else 0


def _shown(parts: Iterable[Made]) -> Counter[Part]:
    made: Counter[Part] = Counter()
    console, number = Console(stderr=True), TextColumn("{task.completed:.0f}")
    columns = (SpinnerColumn(), TextColumn("{task.description}"), number, TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        tasks = {}
        for one in parts:
            part = Part(one.what, one.queue)
            made[part] += one.number
            if part not in tasks:
                tasks[part] = progress.add_task(f"{part.what} {part.queue}".strip(), total=None)
            progress.advance(tasks[part], one.number)
    return made


def _summary(made: Counter[Part]) -> str:
    told = (What.BELLS, What.TIMERS, What.REPLIES)
    sums = [f"{what:<16} {sum(n for part, n in made.items() if part.what == what):>7}" for what in told]
    queues = sorted((part.queue, n) for part, n in made.items() if part.what == What.BELLS and n)
    return "\n".join(sums + [f"  {queue:<14} {number:>7}" for queue, number in queues])
