"""The agents' command line, each verb end to end over HTTP."""

import argparse
import base64
import io
import json
import os
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.item.item import Item
from chalicelib.world import World
from sortownia import agent, cli
from sortownia.local import board, system
from tests.unit.api.service import Service, in_days

type Shell = Callable[..., str]


@pytest.fixture
def shell(url: str, capsys: pytest.CaptureFixture[str]) -> Shell:
    """What a command of somebody prints when all goes well."""

    def run(*arguments: str, who: str = "anna") -> str:
        status = cli.main([*arguments, "--url", url, "--as", who])
        printed = capsys.readouterr()
        assert (status, printed.err) == (0, "")
        return printed.out

    return run


@pytest.fixture
def fails(capsys: pytest.CaptureFixture[str]) -> Shell:
    """The one sentence on stderr of a command that fails."""

    def run(*arguments: str) -> str:
        assert cli.main(arguments) == 1
        printed = capsys.readouterr()
        assert printed.out == ""
        assert printed.err.count("\n") == 1
        assert printed.err.endswith("\n")
        return printed.err

    return run


@pytest.fixture
def in_tokyo(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    before = os.environ.get("TZ")
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    yield
    monkeypatch.setenv("TZ", before) if before else monkeypatch.delenv("TZ")
    time.tzset()


def as_shown(shell: Shell, item: Item, who: str = "anna") -> dict[str, Any]:
    shown: dict[str, Any] = json.loads(shell("item", item.id, "--json", who=who))
    return shown


def test_every_command_is_known_to_the_program() -> None:
    known = {name for name, module in cli.COMMANDS.items() if module == agent.__name__}
    added: set[str] = set()

    class Subparsers:
        def add_parser(self, name: str, **_: Any) -> Any:
            added.add(name)
            return argparse.ArgumentParser()

    agent.add_commands(Subparsers())
    assert added == known


def test_a_day_of_an_agent(service: Service, shell: Shell) -> None:
    made = service.item(subject="Paczka?")
    assert shell("claim", "people") == f"{made.id} v2 claimed in people (normal) held by anna: Paczka?\n"
    assert shell("heartbeat", made.id).startswith("held until 20")
    assert f"{made.id} v3 claimed" in shell("note", made.id, "He called.", "--mention", "boris")
    assert made.id in shell("mentions", "boris", who="boris")
    assert f"{made.id} v4 claimed" in shell("tags", made.id, "--topic", "complaint", "--urgency", "low")
    assert as_shown(shell, made)["decided"]["topic"] == "complaint"
    replied = shell("reply", made.id, "It comes tomorrow.").splitlines()
    assert replied[1].startswith(f"{made.id} v5 waiting in people (normal) pinned to anna")
    word, reply, status = replied[0].split()
    assert (word, status) == ("reply", "queued")
    assert shell("reply-status", made.id, reply) == f"reply {reply} queued\n"
    timeline = shell("timeline", made.customer_id).splitlines()
    assert timeline[-1].endswith("reply-queued by anna: It comes tomorrow.")
    assert shell("timeline", made.customer_id, "--newest", "--limit", "1") == timeline[-1] + "\n"
    assert "resolved" in shell("resolve", made.id)
    history = shell("item", made.id).splitlines()
    assert len(history) == 7
    assert history[0].startswith(f"{made.id} v6 resolved")
    assert shell("customer", made.customer_id) == f"{made.customer_id}: 6 entries in the timeline\n"


def test_what_a_customer_sent_is_shown_and_had(service: Service, shell: Shell) -> None:
    made = service.item(files=(("umowa.pdf", "application/pdf", b"%PDF-"), ("b.png", "image/png", b"x")))
    assert " with files of entry 1 (1 umowa.pdf, 2 b.png): " in shell("timeline", made.customer_id)
    first, address = shell("attachment", made.customer_id, "1").splitlines()
    assert first.startswith("umowa.pdf (application/pdf, 5 bytes) until 20")
    assert "/files/" in address
    assert shell("attachment", made.customer_id, "1", "2").startswith("b.png (image/png, 1 bytes)")


def test_lines_are_drawn_anew(service: Service, shell: Shell) -> None:
    made = service.item()
    shell("claim", "--item", made.id)
    service.further({"id": made.id, "customer_id": made.customer_id})
    newest = as_shown(shell, made)["history"][-1]["id"]
    old, new = shell("split", made.id, newest, "--claim", "--reason", "two matters").splitlines()
    assert f"{made.id} v4 claimed" in old
    other = new.split()[0]
    assert f"{other} v1 claimed" in new
    assert shell("item", other).splitlines()[1] == f"  linked to {made.id}: two matters"
    assert f", goes on in {made.id}: " in shell("merge", other, made.id).splitlines()[0]
    assert f"{other} v3 claimed" in shell("unmerge", other, "--reason", "two after all")
    assert f"{made.id} v7 claimed" in shell("link", made.id, other)
    assert f"{made.id} v8 claimed" in shell("unlink", made.id)
    assert f"{made.id} v9 resolved" in shell("resolve", made.id)
    assert f"{made.id} v10 queued" in shell("reopen", made.id)


def test_two_customers_are_one_person(service: Service, shell: Shell) -> None:
    one, other = service.item().customer_id, service.item().customer_id
    card = shell("link-customer", one, other, "--reason", "one phone").splitlines()
    assert card == [f"{one}: 2 entries in the timeline", f"  is also {other}, says anna: one phone"]
    assert len(shell("timeline", one, "--linked").splitlines()) == 4
    assert shell("unlink-customer", one, other) == f"{one}: 3 entries in the timeline\n"


def test_an_item_by_its_name_is_taken_and_given_back(service: Service, shell: Shell) -> None:
    service.item()
    made = service.item()
    assert f"{made.id} v2 claimed" in shell("claim", "--item", made.id)
    assert f"{made.id} v3 queued" in shell("release", made.id)


def test_an_offer_is_declined(service: Service, shell: Shell) -> None:
    made = service.offered("anna")
    assert "offered to anna" in shell("items", "--offered-to", "anna")
    assert "offered to" not in shell("decline", made.id)


@pytest.mark.parametrize(("then", "state"), [("wait", "waiting"), ("keep", "claimed"), ("resolve", "resolved")])
def test_what_becomes_of_an_answered_item(service: Service, shell: Shell, then: str, state: str) -> None:
    made = service.claimed()
    assert f"{made['id']} v3 {state}" in shell("reply", made["id"], "Yes.", "--then", then)


@pytest.mark.parametrize(
    ("to", "expected"), [("--to-queue=orders", "v3 queued in orders"), ("--to-topic=billing", "v3 queued in billing"),
                         ("--to-agent=boris", "v3 claimed in people (normal) held by boris")],
)  # fmt: skip
def test_an_item_is_passed_on(service: Service, shell: Shell, to: str, expected: str) -> None:
    service.ask("PUT", "/v1/agents/boris/presence", "boris", {"presence": "present"})
    made = service.claimed()
    assert expected in shell("reassign", made["id"], to, "--reason", "He knows the case.")


def test_lists_are_chosen_and_cut(service: Service, shell: Shell) -> None:
    made = [service.item().id for _ in range(3)]
    assert [line.split()[0] for line in shell("items", "--queue", "people").splitlines()] == made
    newest = shell("items", "--state", "queued", "--newest", "--limit", "2").splitlines()
    assert [line.split()[0] for line in newest] == made[:0:-1]
    assert shell("items") == ""
    assert shell("items", "--holder", "anna") == shell("items", "--pinned-to", "anna") == ""


def test_the_desk_is_shown(service: Service, shell: Shell) -> None:
    service.item(urgency="high")
    people = shell("queues").splitlines()
    assert any(line.startswith("people: 1 urgent, 0 normal, 0 held, the oldest since 20") for line in people)
    assert "orders: 0 urgent, 0 normal, 0 held" in people
    assert shell("health").startswith("ok, model ")
    assert shell("presence", "anna", "present") == "anna present: nothing in hand\n"
    shell("claim")
    assert shell("agent", "anna") == "anna present: 1 mail in hand, deputy boris\n"


def test_answers_are_json_lines_on_request(service: Service, shell: Shell) -> None:
    made = [service.item().id for _ in range(2)]
    said = [json.loads(line) for line in shell("items", "--queue", "people", "--json").splitlines()]
    assert [item["id"] for item in said] == made
    assert json.loads(shell("claim", "--json"))["holder"] == "anna"
    assert {json.loads(line)["name"] for line in shell("queues", "--json").splitlines()} == {"people", "orders"}


def test_texts_come_from_standard_input(service: Service, shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    made = service.item()
    for command, text in (("note", "Zażółć\ngęślą"), ("reply", "Paczka\n\njutro.")):
        if command == "reply":
            shell("claim")
        monkeypatch.setattr("sys.stdin", io.StringIO(text))
        shell(command, made.id, "-")
        events = [json.loads(line) for line in shell("timeline", made.customer_id, "--json").splitlines()]
        assert events[-1]["content"]["written"] == text


def test_local_time_is_meant_where_no_offset_is(service: Service, shell: Shell, in_tokyo: None) -> None:
    made, other = service.claimed(), service.claimed()
    morning = (datetime.now(UTC) + timedelta(days=3)).replace(hour=9, minute=0, second=0, microsecond=0)
    shell("snooze", made["id"], f"{morning:%Y-%m-%dT%H:%M}")
    shell("snooze", other["id"], f"{morning:%Y-%m-%dT%H:%M}+01:00")
    until = {item: service.world.table.item(item).snoozed_until for item in (made["id"], other["id"])}
    assert until == {made["id"]: morning - timedelta(hours=9), other["id"]: morning - timedelta(hours=1)}


def test_a_handover_goes_on_until_nothing_is_left(
    service: Service, url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = [service.claimed()["id"] for _ in range(3)]
    ask = ("handover", "anna", "--url", url, "--as", "supervisor-1")
    assert cli.main([*ask, "--preview"]) == 0
    assert capsys.readouterr().out == "3 would be given back to the queues\n"
    # A clock on which whatever is looked up takes ten of the twenty seconds that one request has.
    started, ticks = datetime.now(UTC), iter(range(1000))
    monkeypatch.setattr(World, "now", lambda _: started + timedelta(seconds=10 * next(ticks)))
    assert cli.main([*ask, "--to", "boris"]) == 0
    printed = capsys.readouterr()
    assert "1 moved, 2 left" in printed.err
    assert printed.out
    monkeypatch.undo()
    assert all(service.world.table.item(item).holder != "anna" for item in made)


def test_a_reader_who_has_seen_enough_is_no_error(
    service: Service, url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    service.item()
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as pipe:
        monkeypatch.setattr("sys.stdout", pipe)
        assert cli.main(["items", "--queue", "people", "--url", url, "--as", "anna"]) == 0
        assert os.fstat(pipe.fileno()).st_rdev == os.stat(os.devnull).st_rdev  # noqa: PTH116 (the same file, not its name)
    assert capsys.readouterr().err == ""


def test_the_board_shows_every_state(service: Service, url: str) -> None:
    waiting, held, resting = service.replied()["item"], service.claimed(), service.claimed()
    service.write(resting, "snooze", body={"until": in_days(1)})
    new = service.item(urgency="high")
    seen = board.read(url, service.token("supervisor-1"))
    assert [item.id for item in seen.items] == [new.id, resting["id"], held["id"], waiting["id"]]
    assert (seen.waiting, seen.held) == (1, 1)
    assert len(board.read(url, service.token("supervisor-1"), newest=2).items) == 2


# What goes wrong


def test_a_stale_version_is_one_sentence(service: Service, shell: Shell, url: str, fails: Shell) -> None:
    made = service.claimed()
    said = fails("resolve", made["id"], "--version", "1", "--url", url, "--as", "anna")
    assert said.startswith("409 stale-version: ")
    assert "v3 resolved" in shell("resolve", made["id"], "--version", "2")


@pytest.mark.parametrize("what", [("",), ("..",), ("--item", "")])
def test_a_name_left_empty_takes_nothing_else(service: Service, url: str, fails: Shell, what: tuple[str, ...]) -> None:
    """`sortownia claim "$QUEUE"` where no such variable is set."""
    made = service.item()
    assert fails("claim", *what, "--url", url, "--as", "anna").startswith("404 unknown: ")
    assert service.world.table.item(made.id).holder is None


def test_nothing_waits(service: Service, url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["claim", "--url", url, "--as", "anna"]) == 0
    assert capsys.readouterr() == ("", "nothing waits\n")


def test_address_and_token_come_from_the_environment(
    service: Service, url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(agent.URL_VARIABLE, url + "/")
    monkeypatch.setenv(agent.TOKEN_VARIABLE, service.token("anna"))
    assert cli.main(["agent", "anna"]) == 0
    assert cli.main(["agent", "boris", "--token", service.token("boris")]) == 0
    assert cli.main(["agent", "boris", "--as", "boris"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == ["anna", "boris", "boris"]


def test_who_one_is_must_be_said(url: str, fails: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(agent.TOKEN_VARIABLE, raising=False)
    assert fails("claim", "--url", url).startswith("Say who you are: --as AGENT")


def test_an_agent_the_local_system_does_not_know(url: str, fails: Shell) -> None:
    said = fails("claim", "--url", url + "/nowhere", "--as", "anna")
    assert said.startswith("There is no token for anna: 403: Missing")


def test_an_agent_the_desk_does_not_know(url: str, fails: Shell) -> None:
    assert "404 unknown" in fails("agent", "nobody", "--url", url, "--as", "admin-1")
    assert "403 not-allowed" in fails("claim", "--url", url, "--as", "nobody")


@pytest.mark.parametrize("address", ["http://127.0.0.1:9", "127.0.0.1:9", "http://[::1", "ftp://example.com"])
@pytest.mark.parametrize("who", ["--as=anna", "--token=t"])
def test_an_unreachable_address(address: str, who: str, fails: Shell, slept: list[float]) -> None:
    assert fails("queues", "--url", address, who).startswith("The API cannot be reached: ")


def test_no_address_and_nothing_running(
    fails: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    monkeypatch.delenv(agent.URL_VARIABLE, raising=False)
    monkeypatch.setattr(system, "RUNS", tmp_path_factory.mktemp("runs"))
    assert fails("queues", "--token", "t").startswith("Nothing is running here")


def test_a_token_that_no_header_can_carry_is_not_shown(url: str, fails: Shell) -> None:
    """A file of another system ends its lines with a character more, which no shell takes away."""
    said = fails("queues", "--token=secret\r\nX-Other: 1", "--url", url)
    assert "token" in said
    assert "secret" not in said


@pytest.mark.parametrize("arguments", [("queues", "--token=zażółć"), ("queues", "--token=t\n")])
def test_tokens_that_no_header_can_carry(url: str, arguments: tuple[str, ...], fails: Shell) -> None:
    assert fails(*arguments, "--url", url)


def test_texts_in_another_encoding(service: Service, url: str, fails: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    made = service.item()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"Za\xbf\xf3\xb3\xe6"), encoding="utf-8"))
    said = "A text or token cannot be read as it is encoded"
    assert fails("note", made.id, "-", "--url", url, "--as", "anna").startswith(said)
    assert fails("note", made.id, "za\udcbf", "--url", url, "--as", "anna").startswith(said)


@pytest.mark.parametrize(
    "arguments", [("snooze", "i1", "tomorrow"), ("items", "--limit", "0"), ("items", "--limit", "-1"),
                  ("claim", "people", "--item", "i1"), ("reassign", "i1"), ("items", "--state", "new"),
                  ("reassign", "i1", "--to-agent", "a", "--to-queue", "q"), ("queues", "--as", "a", "--token", "t")],
)  # fmt: skip
def test_what_makes_no_sense_is_not_asked(arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        cli.main(arguments)
    assert "error: " in capsys.readouterr().err


def test_customers_can_do_nothing_to_the_terminal(service: Service, shell: Shell) -> None:
    evil = "\x1b[31mred \x9b2J \u202egnp.exe\r\x07\x7f \u2028next \U000e0041"
    made = service.item(subject=f"=?utf-8?b?{base64.b64encode(f'Paczka {evil}'.encode()).decode()}?=")
    service.ask("POST", f"/v1/items/{made.id}/note", "anna", {"text": evil}, {"If-Match": '"1"'})
    claimed = shell("claim")
    assert "Paczka" in claimed
    for arguments in (("item", made.id), ("timeline", made.customer_id), ("items",), ("customer", made.customer_id)):
        for json_lines in ((), ("--json",)):
            said = shell(*arguments, *json_lines)
            assert said.endswith("\n")
            assert all(line.isprintable() for line in said.split("\n")), said
    events = [json.loads(line) for line in shell("timeline", made.customer_id, "--json").splitlines()]
    assert events[1]["content"]["written"] == evil
