"""A desk that acknowledges mail dies before and after every call: no mail is lost, none acknowledged twice."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from chalicelib.flows.export import export
from chalicelib.flows.receive import delivery
from chalicelib.flows.ring import ring
from chalicelib.flows.send import send_message
from tests import letters
from tests.crash.answering import BETWEEN, HIDDEN
from tests.crash.desk import Desk, open_desk
from tests.crash.flow import Act, Flow
from tests.crash.setting import of_kind, shown
from tests.crash.trial import Trial
from tests.desk import ACKNOWLEDGE

_BOUNCE: Final = Path(__file__).parent.parent / "events" / "ses-bounce-permanent.json"


@pytest.fixture(scope="module")
def desk() -> Iterator[Desk]:
    """One desk for all, which each flow finds empty."""
    with open_desk(ACKNOWLEDGE) as desk:
        yield desk


def _arrives(desk: Desk) -> Act:
    raw = letters.mail(sender="c1@customer.example.com", Message_ID="<again@customer.example.com>")
    notice = letters.store_mail(desk.world, "ses-again", raw)
    return lambda: delivery(notice, "sqs-again", 1, desk.world)


def _last_of_the_day(desk: Desk) -> Act:
    for number in range(2, 6):
        desk.mail(number, sender=f"c1+{number}@customer.example.com")
        desk.deliver()
        desk.cloud.clock.forward(hours=1)
    return _arrives(desk)


def _send(desk: Desk) -> Act:
    desk.mail(1)
    records = desk.changes()
    ring(shown(records, "ring"), desk.world)
    export(shown(records, "export"), desk.world)
    (message,) = desk.outside.take(desk.world.settings.send_queue_url, desk.cloud.clock.time)
    return lambda: send_message(message.body, desk.world)


def _bounced(desk: Desk) -> Act:
    desk.mail(1)
    desk.deliver()
    told = json.loads(_BOUNCE.read_text("utf-8"))
    told["mail"]["messageId"] = desk.outside.handed[-1].provider_id
    told["mail"]["tags"]["outbox_id"] = [desk.outside.handed[-1].reply_id]
    return lambda: send_message(json.dumps(told), desk.world)


FLOWS: Final = {
    "acknowledged mail": Flow(_arrives),
    "fifth acknowledgement of a day": Flow(_last_of_the_day),
    "send acknowledgement": Flow(_send, unknown=BETWEEN),
    "send acknowledgement, again when hidden": Flow(_send, unknown=BETWEEN, hidden=HIDDEN),
    "notice: acknowledgement bounced": Flow(_bounced),
}


@pytest.mark.parametrize("name", FLOWS)
def test_dying_at_any_call_of(name: str, desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    found = Trial(FLOWS[name], desk, every=False).run()
    with capsys.disabled():
        print(f"\n{name}: {found}", end="")


@pytest.mark.parametrize("name", FLOWS)
def test_pausing_at_any_call_of(name: str, desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    points = Trial(FLOWS[name], desk, every=False).run_twice_at_once()
    with capsys.disabled():
        print(f"\n{name}, twice at once: {points} points", end="")


def test_the_mails_of_these_flows_are_acknowledged(desk: Desk) -> None:
    """Undisturbed, each but the sixth; so the flows above are about something."""
    desk.open()
    _last_of_the_day(desk)()
    desk.cloud.clock.forward(hours=1)
    desk.mail(7, sender="c1@customer.example.com")
    desk.deliver()
    assert len(of_kind(desk.rows(), "item")) == 6
    assert [row["status"] for row in of_kind(desk.rows(), "outbox")] == ["sent"] * 5
