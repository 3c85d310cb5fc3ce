"""The command line: `sortownia <command>`."""

import argparse
import codecs
import importlib
import io
import json
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

#: Modules that add commands. Imported only when their command is asked for, so that each starts quickly.
COMMANDS: Final = {
    "parse": "sortownia.reading",
    "tag": "sortownia.models",
    "train": "sortownia.models",
    "predict": "sortownia.models",
    **dict.fromkeys(("retrain", "promote", "rollback", "evaluate"), "sortownia.loop"),
    "card": "sortownia.card",
    "prepare-training": "sortownia.preparing",
    "desk": "sortownia.desk",
    "package": "sortownia.packaging",
    "rebuild-queues": "sortownia.repair",
    "demo": "sortownia.local.commands",
    "up": "sortownia.local.commands",
    "mail": "sortownia.local.commands",
    "chat": "sortownia.local.commands",
    **dict.fromkeys(
        (
            "claim", "decline", "heartbeat", "reply", "note", "tags", "release", "snooze", "resolve", "reassign",
            "reopen", "split", "merge", "unmerge", "link", "unlink", "link-customer", "unlink-customer",
            "item", "items", "reply-status", "customer", "timeline", "attachment", "mentions", "queues", "health",
            "agent", "presence", "handover", "escalate", "admit", "set-aside", "mark-customer", "unmark-customer",
        ),
        "sortownia.agent",
    ),
}  # fmt: skip


#: What a shell says of a program that Ctrl-C ended.
INTERRUPTED: Final = 130
#: Exit status where a file, or what we write to, refuses.
UNUSABLE: Final = 2

_ESCAPED: Final = "sortownia-escaped"


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; returns its exit status."""
    codecs.register_error(_ESCAPED, _escaped)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors=_ESCAPED)
    try:
        try:
            return _run(list(sys.argv[1:] if arguments is None else arguments))
        finally:
            print(end="", flush=True)  # what cannot be written is told here, not while Python ends
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # who reads our lines, such as `head`, has seen enough
        _write_nowhere()
        return 0
    except OSError as problem:  # a full disk, a folder that is none: no command foresees all of them
        print(f"sortownia: {problem}", file=sys.stderr)
        _write_nowhere()
        return UNUSABLE


def _run(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="sortownia", description="Mail and chat, sorted and kept.")
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    asked = arguments[0] if arguments else ""
    wanted = {COMMANDS[asked]} if asked in COMMANDS else set(COMMANDS.values())
    for name in sorted(wanted):
        importlib.import_module(name).add_commands(subparsers)
    chosen = parser.parse_args(arguments)
    return int(chosen.run(chosen))


def _write_nowhere() -> None:
    """Lets what is still held back vanish, which Python would write at its end."""
    with suppress(OSError):  # a stream without a file, as tests have
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _escaped(problem: UnicodeError) -> tuple[str, int]:
    """What the terminal has no letter for, as JSON spells it: programs read it as it was, people read on."""
    if not isinstance(problem, UnicodeEncodeError):
        raise problem
    return json.dumps(problem.object[problem.start : problem.end])[1:-1], problem.end


if __name__ == "__main__":
    raise SystemExit(main())
