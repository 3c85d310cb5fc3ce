"""The command `parse`: what the service reads out of mails."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from chalicelib.intake import email
from chalicelib.intake.message import Message


def add_commands(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds `parse --jsonl`."""
    parser = subparsers.add_parser("parse", help="read mails: paths on standard input, one JSON line for each")
    parser.add_argument("--jsonl", action="store_true", required=True, help="one JSON object a line (the only format)")
    parser.set_defaults(run=parse)


def parse(args: argparse.Namespace) -> int:  # noqa: ARG001  every command has this shape
    """One flushed line for each path on standard input, in its order; an unreadable file gives a line with `error`."""
    for line in sys.stdin.buffer:
        path = line.decode("utf-8", "surrogateescape").rstrip("\r\n")
        if path:
            sys.stdout.write(json.dumps(row(path)) + "\n")
            sys.stdout.flush()
    return 0


def row(path: str) -> dict[str, Any]:
    """All fields of the command's line for one file."""
    try:
        raw = Path(path).read_bytes()
    except (OSError, ValueError) as problem:
        return {"path": path, "error": f"cannot be read: {problem}", **facts(email.read(b""))}
    return {"path": path, "error": None, **facts(email.read(raw))}


def facts(message: Message) -> dict[str, Any]:
    """What stands in a message, in plain JSON types."""
    return {
        "from_address": message.sender.address if message.sender else "",
        "from_name": message.sender.name if message.sender else "",
        "reply_to": [one.address for one in message.reply_to if one.address],
        "to": [one.address for one in message.to if one.address],
        "subject": message.subject,
        "date": message.sent_at.isoformat() if message.sent_at else None,
        "message_id": message.message_id,
        "in_reply_to": list(message.in_reply_to),
        "references": list(message.references),
        "text": message.text,
        "written": message.written,
        "automatic": message.automatic,
        "attachments": [{"name": one.name, "type": one.type, "size": one.size} for one in message.attachments],
        "warnings": list(message.warnings),
    }
