"""The commands that run the system on this machine and write to it."""

import argparse
import secrets
import shlex
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import wraps
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.live import Live

from chalicelib.policy import PolicyError
from infra.package import BuildError, build
from sortownia.local import board, feed, shop_page
from sortownia.local.error import LocalError
from sortownia.local.front import HTTP_PORT
from sortownia.local.smtp import SMTP_PORT
from sortownia.local.stack import STACK_PORT, timed
from sortownia.local.system import LocalSystem, running
from sortownia.ranged import ranged

LARGEST_PORT: Final = 65_535
REFRESH_SECONDS: Final = 2.0
INTAKE_SECONDS: Final = 180.0
"""How long the samples may take to reach the table: a cold machine of one core needs a minute."""
SUPERVISOR: Final = "supervisor"

type Command = Callable[[argparse.Namespace], int]


def add_commands(subparsers: Any) -> None:
    """Add `demo`, `up`, `mail` and `chat` to an argparse parser's subparsers."""
    demo = subparsers.add_parser("demo", help="run the whole system here, with sample mail and chat")
    demo.add_argument("--once", action="store_true", help="show the filled board once and end")
    _add_ports(demo, demo_command)
    up = subparsers.add_parser("up", help="run the whole system here, empty")
    _add_ports(up, up_command)
    mail = subparsers.add_parser("mail", help="send a mail to the running system")
    mail.add_argument("text")
    mail.add_argument("--from", dest="sender", default="someone@example.com", metavar="ADDRESS")
    mail.add_argument("--to", metavar="MAILBOX", help="a mailbox of the desk (default: the first)")
    mail.add_argument("--subject", default="Hello")
    mail.set_defaults(run=mail_command)
    chat = subparsers.add_parser("chat", help="send a signed chat message to the running system")
    chat.add_argument("text")
    chat.add_argument("--conversation", default="terminal", metavar="ID")
    chat.add_argument("--name", default="Someone")
    chat.add_argument("--installation", metavar="NAME", help="default: the desk's first")
    chat.add_argument("--curl", action="store_true", help="print the signed request as a curl line instead")
    chat.set_defaults(run=chat_command)


def _add_ports(parser: argparse.ArgumentParser, command: Command) -> None:
    for option, port, what in (
        ("--port", STACK_PORT, "AWS emulator"),
        ("--smtp-port", SMTP_PORT, "mail"),
        ("--http-port", HTTP_PORT, "API"),
    ):
        parser.add_argument(
            option, type=ranged(0, LARGEST_PORT), default=port, metavar="N", help=f"{what} (default {port}, 0 = any)"
        )
    parser.set_defaults(run=command)


def _told(command: Command) -> Command:
    """A command whose expected errors are one sentence on stderr and status 1, and Ctrl-C a word and 130."""

    @wraps(command)
    def told(arguments: argparse.Namespace) -> int:
        try:
            return command(arguments)
        except (LocalError, BuildError, PolicyError) as error:
            print(error, file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            print("stopped", file=sys.stderr)
            return 130

    return told


@_told
def demo_command(arguments: argparse.Namespace) -> int:
    """Run the system with samples until Ctrl-C, or with `--once` until they are all in the table."""
    started = time.monotonic()
    with _ended_by_signals(), _system(arguments) as system:
        _feed(system)
        if arguments.once:
            _show_once(system)
            print(f"total {time.monotonic() - started:.1f} s")
            return 0
        return _watch(system)


@_told
def up_command(arguments: argparse.Namespace) -> int:
    """Run the empty system until Ctrl-C."""
    with _ended_by_signals(), _system(arguments) as system:
        return _watch(system)


@_told
def mail_command(arguments: argparse.Namespace) -> int:
    """Send one mail."""
    facts = running()
    mailbox = arguments.to or facts.mailboxes[0]
    name = arguments.sender.partition("@")[0]
    mail = feed.Mail("mail", arguments.sender, name, mailbox, arguments.subject, arguments.text)
    try:
        composed = feed.compose(mail, [mail], secrets.token_hex(8))
    except ValueError as error:  # a line end in the subject, an address with marks on its letters
        raise LocalError(f"No mail can be made of this: {error}.") from error
    feed.send_mails([composed], facts.smtp_port)
    print(f"sent to {mailbox}")
    return 0


@_told
def chat_command(arguments: argparse.Namespace) -> int:
    """Send one chat message, or print how curl would."""
    facts = running()
    installation = arguments.installation or next(iter(facts.hook_secrets), "")
    if installation not in facts.hook_secrets:
        raise LocalError(f"No such installation; the desk has {', '.join(facts.hook_secrets) or 'none'}.")
    secret, url = facts.hook_secrets[installation], feed.hook_url(facts.url, installation)
    chat = feed.Chat(arguments.conversation, f"visitor-{arguments.conversation}", arguments.name, arguments.text)
    body = feed.chat_body(chat, secrets.token_hex(8))
    if arguments.curl:
        print(_curl(url, feed.signed_headers(secret, body), body))
        return 0
    feed.send_chat(url, secret, body)
    print(f"sent to {installation}")
    return 0


def _curl(url: str, headers: dict[str, str], body: bytes) -> str:
    words = ["curl", "-sS", url, "--data-binary", body.decode()]
    for name, value in headers.items():
        words += ["-H", f"{name}: {value}"]
    return shlex.join(words)


# Running


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Let `kill` and a closed terminal end us as Ctrl-C does, with everything put away."""
    held = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    for number in held:
        signal.signal(number, signal.default_int_handler)
    try:
        yield
    finally:
        for number, handler in held.items():
            signal.signal(number, handler)


@contextmanager
def _system(arguments: argparse.Namespace) -> Iterator[LocalSystem]:
    with timed("package", _stage):
        build()
    with LocalSystem(
        stack_port=arguments.port,
        smtp_port=arguments.smtp_port,
        http_port=arguments.http_port,
        progress=_stage,
    ) as system:
        system.announce()
        _say_addresses(system)
        yield system


def _stage(name: str, seconds: float) -> None:
    print(f"{name:<12} {seconds:5.1f} s", flush=True)


def _feed(system: LocalSystem) -> None:
    mails, run = feed.sample_mails(), secrets.token_hex(4)
    expected = system.deliveries()
    with timed("mail", _stage):
        for wave in feed.waves(mails):
            feed.send_mails([feed.compose(mail, mails, run) for mail in wave], system.smtp_port)
            expected += len(wave)
            _await_deliveries(system, expected)
    if not system.widgets:
        return
    with timed("chat", _stage):
        installation = system.widgets[0]
        url, secret = feed.hook_url(system.url, installation), system.stack.hook_secret(installation)
        chats = feed.sample_chats()
        for number, chat in enumerate(chats):
            feed.send_chat(url, secret, feed.chat_body(chat, f"{run}-{number}"))
        _await_deliveries(system, expected + len(chats))


def _await_deliveries(system: LocalSystem, expected: int) -> None:
    deadline = time.monotonic() + INTAKE_SECONDS
    while (arrived := system.deliveries()) < expected:
        if not system.stack.alive or time.monotonic() > deadline:
            raise LocalError(
                f"Only {arrived} of {expected} messages reached the table. The emulator said: "
                f"{system.stack.log_tail(5) or 'nothing'}"
            )
        time.sleep(0.1)


def _watch(system: LocalSystem) -> int:
    with suppress(KeyboardInterrupt):
        (_live if sys.stdout.isatty() else _lines)(system)
    print("stopping", flush=True)
    return 0


def _live(system: LocalSystem) -> None:
    with Live(console=Console(), auto_refresh=False) as screen:
        for snapshot in _snapshots(system):
            screen.update(board.render(snapshot), refresh=True)


def _lines(system: LocalSystem) -> None:
    shown: Sequence[str] = ()
    for snapshot in _snapshots(system):
        totals = board.totals(snapshot)
        if totals != shown:
            print("\n".join(board.plain(snapshot)), flush=True)
        shown = totals


def _snapshots(system: LocalSystem) -> Iterator[board.Snapshot]:
    while True:
        if not system.stack.alive:
            raise LocalError(f"The emulator ended. It said: {system.stack.log_tail(5) or 'nothing'}")
        yield board.read(system.url, _board_token(system))
        time.sleep(REFRESH_SECONDS)


def _show_once(system: LocalSystem) -> None:
    snapshot = board.read(system.url, _board_token(system))
    if sys.stdout.isatty():
        Console().print(board.render(snapshot))
    else:
        print("\n".join(board.plain(snapshot)))


def _board_token(system: LocalSystem) -> str:
    return system.token("board", [SUPERVISOR], lifetime=600)


def _say_addresses(system: LocalSystem) -> None:
    program = _program()
    agent = next((a.id for a in system.policy.agents.values() if "agent" in a.roles), "agent-1")
    mailbox = next(iter(system.policy.mailboxes))
    url = system.url
    print(
        f"""
API   {url}/v1      mail  127.0.0.1:{system.smtp_port} (SMTP)      AWS  {system.stack.endpoint}
Shop  {url}{shop_page.PATH}      a page with the chat widget, where replies appear by themselves

A mail, a signed chat message (add --curl to see the request):
  printf 'From: you@example.com\\nTo: {mailbox}\\nSubject: Parcel?\\n\\nWhere is order 4711?\\n' | \\
    curl -sS --url smtp://127.0.0.1:{system.smtp_port} --mail-from you@example.com --mail-rcpt {mailbox} -T -
  {program} chat 'Hello, is anybody there?'

As an agent: token, presence, claim the next item, its customer's timeline:
  TOKEN=$(curl -sS -H 'Accept: text/plain' '{url}/token?agent={agent}')
  curl -sS -X PUT -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' \\
    -d '{{"presence": "present"}}' {url}/v1/agents/{agent}/presence
  curl -sS -X POST -H "Authorization: Bearer $TOKEN" {url}/v1/claim
  curl -sS -H "Authorization: Bearer $TOKEN" {url}/v1/customers/CUSTOMER_ID/timeline
""",
        flush=True,
    )


def _program() -> str:
    """How this program is called from here."""
    path = Path(sys.argv[0]).resolve()
    return shlex.quote(str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path))
