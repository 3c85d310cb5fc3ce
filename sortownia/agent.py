"""What agents and supervisors do, from the command line: the verbs of the API, one command each."""

import argparse
import os
import sys
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any, Final

import httpx
from pydantic import BaseModel

from chalicelib.api.answers import ItemOut
from chalicelib.item.reply import Then
from chalicelib.item.state import State
from chalicelib.policy import URGENCIES
from sortownia.calls import refusal, shaped
from sortownia.client import ApiError, Client
from sortownia.local.error import LocalError
from sortownia.showing import as_json, lines, one_line

URL_VARIABLE: Final = "SORTOWNIA_URL"
TOKEN_VARIABLE: Final = "SORTOWNIA_TOKEN"

type Result = BaseModel | Iterable[BaseModel] | None
type Work = Callable[[Client, argparse.Namespace], Result]


def add_commands(subparsers: Any) -> None:
    """Add the agents' commands to an argparse parser's subparsers."""
    _add_taking(subparsers)
    _add_working(subparsers)
    _add_drawing_lines(subparsers)
    _add_looking(subparsers)
    _add_people(subparsers)


def _add_taking(subparsers: Any) -> None:
    claim = _command(subparsers, "claim", "take what comes next, or one item", _claim)
    which = claim.add_mutually_exclusive_group()
    which.add_argument("queue", nargs="?", help="a queue (default: all of one's own)")
    which.add_argument("--item", metavar="ID", help="this very item")
    _item_command(subparsers, "decline", "let an offer go on to the next", lambda c, i, _: c.decline(i))
    _item_command(subparsers, "heartbeat", "prolong one's lease of an item", lambda c, i, _: c.heartbeat(i))


def _add_working(subparsers: Any) -> None:
    reply = _item_command(subparsers, "reply", "answer the customer", lambda c, i, a: c.reply(i, _text(a), a.then))
    reply.add_argument("text", help="what to say; - reads it from standard input")
    reply.add_argument("--then", choices=[one.value for one in Then], default=Then.WAIT.value, help="default: wait")
    note = _item_command(subparsers, "note", "tell colleagues", lambda c, i, a: c.note(i, _text(a), a.mention))
    note.add_argument("text", help="what to say; - reads it from standard input")
    note.add_argument("--mention", action="append", default=[], metavar="AGENT")
    tags = _item_command(subparsers, "tags", "decide topic and urgency, or confirm them", _tags)
    tags.add_argument("--topic")
    tags.add_argument("--urgency", choices=URGENCIES)
    _item_command(subparsers, "release", "put an item back into its queue", lambda c, i, _: c.release(i))
    _item_command(subparsers, "resolve", "end an item", lambda c, i, _: c.resolve(i))
    snooze = _item_command(subparsers, "snooze", "let an item rest", lambda c, i, a: c.snooze(i, a.until))
    snooze.add_argument("until", type=_moment, help="ISO 8601, such as 2026-12-24T09:00 (local time without an offset)")
    passing = _item_command(subparsers, "reassign", "pass an item on", _reassign)
    to = passing.add_mutually_exclusive_group(required=True)
    for place in ("agent", "queue", "topic"):
        to.add_argument(f"--to-{place}", metavar=place.upper())
    passing.add_argument("--reason")
    up = _item_command(subparsers, "escalate", "pass an item to the next tier", lambda c, i, a: c.escalate(i, a.reason))
    up.add_argument("reason", help="why it is needed")
    _item_command(subparsers, "admit", "let a quarantined item into normal routing", lambda c, i, _: c.admit(i))
    back = _item_command(
        subparsers, "set-aside", "put it back into quarantine", lambda c, i, a: c.set_aside(i, **_why(a))
    )
    back.add_argument("--reason", help="for colleagues to read")


def _add_drawing_lines(subparsers: Any) -> None:
    commands = [
        _item_command(subparsers, "reopen", "let a resolved item wait again", lambda c, i, a: c.reopen(i, **_why(a))),
        _item_command(subparsers, "split", "make an item of its own of some messages", _split),
        _item_command(
            subparsers, "merge", "let an item go on in another", lambda c, i, a: c.merge(i, a.into, **_why(a))
        ),
        _item_command(subparsers, "unmerge", "take a merge back", lambda c, i, a: c.unmerge(i, **_why(a))),
        _item_command(
            subparsers, "link", "say that an item has to do with another", lambda c, i, a: c.link(i, a.to, **_why(a))
        ),
        _item_command(subparsers, "unlink", "take such a link back", lambda c, i, a: c.unlink(i, **_why(a))),
        _command(subparsers, "link-customer", "say that two customers are one person", _link_customer),
        _command(subparsers, "unlink-customer", "say that they are not", _unlink_customer),
    ]
    for command in commands:
        command.add_argument("--reason", help="for colleagues to read")
    _, split, merge, _, link, _, *persons = commands
    split.add_argument("events", nargs="+", metavar="EVENT", help="ids of the messages' entries (see item --json)")
    to = split.add_mutually_exclusive_group()
    to.add_argument("--to-queue", metavar="QUEUE", help="default: where routing sends it")
    to.add_argument("--to-topic", metavar="TOPIC")
    to.add_argument("--claim", action="store_true", help="keep it in hand")
    merge.add_argument("into", metavar="ITEM")
    link.add_argument("to", metavar="ITEM")
    for command in persons:
        command.add_argument("customer", metavar="CUSTOMER")
        command.add_argument("other", metavar="CUSTOMER")


def _add_looking(subparsers: Any) -> None:
    one = _command(subparsers, "item", "one item and its history", lambda c, a: c.item(a.item))
    one.add_argument("item", metavar="ITEM")
    items = _list_command(subparsers, "items", "items by one of these, or one's own", _items)
    by = items.add_mutually_exclusive_group()
    for name in ("queue", "holder", "offered-to", "pinned-to"):
        by.add_argument(f"--{name}")
    by.add_argument("--state", choices=[state.value for state in State])
    items.add_argument("--newest", action="store_true", help="newest first")
    sent = _command(
        subparsers, "reply-status", "how far a reply has come", lambda c, a: c.reply_status(a.item, a.reply)
    )
    sent.add_argument("item", metavar="ITEM")
    sent.add_argument("reply", metavar="REPLY")
    customer = _command(subparsers, "customer", "a customer's card", lambda c, a: c.customer(a.customer))
    customer.add_argument("customer", metavar="CUSTOMER")
    timeline = _list_command(
        subparsers,
        "timeline",
        "all that was said and done",
        lambda c, a: c.timeline(a.customer, linked=a.linked, **_part(a)),
    )
    timeline.add_argument("customer", metavar="CUSTOMER")
    timeline.add_argument("--linked", action="store_true", help="and that of those who are the same person")
    timeline.add_argument("--newest", action="store_true", help="newest first")
    attachment = _command(
        subparsers,
        "attachment",
        "where a file the customer sent can be had, for a minute",
        lambda c, a: c.attachment(a.customer, a.seq, a.number),
    )
    attachment.add_argument("customer", metavar="CUSTOMER")
    attachment.add_argument("seq", type=_count, metavar="SEQ", help="number of the timeline's entry")
    attachment.add_argument("number", type=_count, nargs="?", default=1, metavar="NUMBER", help="default: the first")
    mentions = _list_command(
        subparsers, "mentions", "notes that name an agent", lambda c, a: c.mentions(a.agent, **_part(a))
    )
    mentions.add_argument("agent", metavar="AGENT")
    _command(subparsers, "queues", "the live board", lambda c, _: c.queues().queues)
    _command(subparsers, "health", "whether the stack can work, and which model tags", lambda c, _: c.health())


def _add_people(subparsers: Any) -> None:
    agent = _command(subparsers, "agent", "an agent as he is now", lambda c, a: c.agent(a.agent))
    agent.add_argument("agent", metavar="AGENT")
    presence = _command(
        subparsers, "presence", "say whether an agent takes work", lambda c, a: c.set_presence(a.agent, a.presence)
    )
    presence.add_argument("agent", metavar="AGENT")
    presence.add_argument("presence", choices=("present", "away"))
    for name, what, work in (
        ("mark-customer", "mark a customer for the desk's rules", _mark_customer),
        ("unmark-customer", "take such a mark away", _unmark_customer),
    ):
        marking = _command(subparsers, name, what, work)
        marking.add_argument("customer", metavar="CUSTOMER")
        marking.add_argument("mark", metavar="MARK")
        marking.add_argument("--reason", help="for colleagues to read")
    handover = _command(subparsers, "handover", "hand all matters of an agent over", _handover)
    handover.add_argument("agent", metavar="AGENT")
    handover.add_argument("--to", metavar="AGENT", help="who gets them (default: their queues)")
    handover.add_argument("--preview", action="store_true", help="only say what would be moved")


def _command(subparsers: Any, name: str, what: str, work: Work) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = subparsers.add_parser(name, help=what)
    parser.add_argument("--url", help=f"address before /v1 (default: ${URL_VARIABLE}, else the system that runs here)")
    who = parser.add_mutually_exclusive_group()
    who.add_argument("--token", help=f"bearer token (default: ${TOKEN_VARIABLE})")
    who.add_argument("--as", dest="caller", metavar="AGENT", help="agent whose token the local system hands out")
    parser.add_argument("--json", action="store_true", help="answers as JSON lines")
    parser.set_defaults(run=lambda arguments: _run(work, arguments))
    return parser


def _list_command(subparsers: Any, name: str, what: str, work: Work) -> argparse.ArgumentParser:
    parser = _command(subparsers, name, what, work)
    parser.add_argument("--limit", type=_count, metavar="N", help="the first so many (default: all)")
    return parser


def _item_command(
    subparsers: Any, name: str, what: str, work: Callable[[Client, ItemOut, argparse.Namespace], Result]
) -> argparse.ArgumentParser:
    """A command on one item, based on the version that was seen, or else on the present one."""

    def on_item(client: Client, arguments: argparse.Namespace) -> Result:
        item: ItemOut = client.item(arguments.item)
        seen = arguments.version
        return work(client, item if seen is None else item.model_copy(update={"version": seen}), arguments)

    parser = _command(subparsers, name, what, on_item)
    parser.add_argument("item", metavar="ITEM")
    parser.add_argument("--version", type=int, metavar="N", help="refuse unless this is the present version")
    return parser


def _run(work: Work, arguments: argparse.Namespace) -> int:
    try:
        with _client(arguments) as client:
            _show(work(client, arguments), json=arguments.json)
            sys.stdout.flush()
    except BrokenPipeError:  # who reads our lines, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (ApiError, LocalError) as error:
        return _failed(str(error))
    except UnicodeError as error:
        return _failed(f"A text or token cannot be read as it is encoded: {error}.")
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return _failed(f"The API cannot be reached: {error}.")
    return 0


def _failed(why: str) -> int:
    print(one_line(why), file=sys.stderr)
    return 1


def _client(arguments: argparse.Namespace) -> Client:
    url = arguments.url or os.environ.get(URL_VARIABLE) or _local_url()
    token = (
        _handed_out(arguments.caller, url) if arguments.caller else arguments.token or os.environ.get(TOKEN_VARIABLE)
    )
    token = (token or "").strip()
    if not token:
        raise LocalError(f"Say who you are: --as AGENT with the local system, else --token or ${TOKEN_VARIABLE}.")
    if not token.isprintable():  # httpx would show all of it
        raise LocalError("The token has a line break, or another character that no header can carry, in it.")
    return Client(url, token)


def _local_url() -> str:
    from sortownia.local.system import running  # the whole local system, which only few commands are about

    return running().url


class _Token(BaseModel):
    token: str


def _handed_out(agent: str, url: str) -> str:
    answer = httpx.get(f"{url.rstrip('/')}/token", params={"agent": agent}, timeout=30)
    if answer.status_code != httpx.codes.OK:
        raise LocalError(f"There is no token for {agent}: {refusal(answer)}")
    return shaped(_Token, answer).token


# The commands that need more than a line


def _claim(client: Client, arguments: argparse.Namespace) -> Result:
    return client.claim(arguments.queue) if arguments.item is None else client.claim_item(arguments.item)


def _tags(client: Client, item: ItemOut, arguments: argparse.Namespace) -> Result:
    return client.tags(item, topic=arguments.topic, urgency=arguments.urgency)


def _reassign(client: Client, item: ItemOut, arguments: argparse.Namespace) -> Result:
    return client.reassign(item, **_named(arguments, "to_agent", "to_queue", "to_topic", "reason"))


def _split(client: Client, item: ItemOut, arguments: argparse.Namespace) -> Result:
    return client.split(item, arguments.events, **_named(arguments, "to_queue", "to_topic", "claim", "reason"))


def _link_customer(client: Client, arguments: argparse.Namespace) -> Result:
    return client.link_customer(arguments.customer, arguments.other, **_why(arguments))


def _unlink_customer(client: Client, arguments: argparse.Namespace) -> Result:
    return client.unlink_customer(arguments.customer, arguments.other, **_why(arguments))


def _mark_customer(client: Client, arguments: argparse.Namespace) -> Result:
    return client.mark_customer(arguments.customer, arguments.mark, **_why(arguments))


def _unmark_customer(client: Client, arguments: argparse.Namespace) -> Result:
    return client.unmark_customer(arguments.customer, arguments.mark, **_why(arguments))


def _why(arguments: argparse.Namespace) -> dict[str, Any]:
    return _named(arguments, "reason")


def _items(client: Client, arguments: argparse.Namespace) -> Result:
    by = _named(arguments, "queue", "state", "holder", "offered_to", "pinned_to")
    return client.items(**by, **_part(arguments))


def _handover(client: Client, arguments: argparse.Namespace) -> Result:
    done = client.hand_over(arguments.agent, arguments.to, preview=arguments.preview)
    while done.left and not done.preview:
        print(f"{done.moved + done.to_queue} moved, {done.left} left", file=sys.stderr)
        done = client.hand_over(arguments.agent, arguments.to)
    return done


def _named(arguments: argparse.Namespace, *names: str) -> dict[str, Any]:
    return {name: getattr(arguments, name) for name in names}


def _part(arguments: argparse.Namespace) -> dict[str, Any]:
    return {name: value for name in ("newest", "limit") if (value := getattr(arguments, name, None)) is not None}


def _text(arguments: argparse.Namespace) -> str:
    return sys.stdin.read() if arguments.text == "-" else arguments.text


def _moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise argparse.ArgumentTypeError(f"{text} is no time such as 2026-12-24T09:00") from error


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} is no number of entries")
    return int(text)


def _show(result: Result, *, json: bool) -> None:
    if result is None:
        print("nothing waits", file=sys.stderr)
        return
    for model in [result] if isinstance(result, BaseModel) else result:
        for line in [as_json(model)] if json else lines(model):
            print(line)
