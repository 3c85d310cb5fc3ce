"""The command line: `sortownia <command>`."""

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
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


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; returns its exit status."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    parser = argparse.ArgumentParser(prog="sortownia", description="Mail and chat, sorted and kept.")
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    asked = arguments[0] if arguments else ""
    wanted = {COMMANDS[asked]} if asked in COMMANDS else set(COMMANDS.values())
    for name in sorted(wanted):
        importlib.import_module(name).add_commands(subparsers)
    chosen = parser.parse_args(arguments)
    try:
        return int(chosen.run(chosen))
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # who reads our lines, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


if __name__ == "__main__":
    raise SystemExit(main())
