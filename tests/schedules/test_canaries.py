"""What a person wrote, and who he is, is in no log line, no metric, no trace and on no queue of failures."""

import io
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from functools import partial
from typing import Any, Final

import pytest
from botocore.awsrequest import AWSResponse

from chalicelib import doors
from chalicelib.errors import Conflict, Rejected, Unavailable
from chalicelib.flows import claim, receive, recheck, reply, watch
from chalicelib.flows.export import export
from chalicelib.flows.ring import ring
from chalicelib.flows.send import send_message
from chalicelib.intake.message import Message
from chalicelib.item.reply import Then
from chalicelib.world import World
from tests import letters
from tests.crash.desk import ANNA, Desk, open_desk
from tests.crash.setting import shown
from tests.schedules.weather import Weather

#: Name, address, subject, body, phone number, PESEL, a file's name, and the agent's words.
CANARIES: Final = (
    "Kanarkowska", "kanarek.adres", "KanarekTemat", "KanarekTresc", "600700801", "44051401359", "KanarekPlik",
    "KanarekOdpowiedz",
)  # fmt: skip


class Watched(io.StringIO):
    """All that leaves a function beside its work: log lines with their traces, and metrics."""

    def hits(self, more: Iterator[str] | None = None) -> list[str]:
        """The lines that say what they must not."""
        lines = [*self.getvalue().splitlines(), *(more or ())]
        return [line for line in lines if any(canary in line for canary in CANARIES)]


@contextmanager
def watched() -> Iterator[Watched]:
    """Listens to every logger at its most talkative, and to standard output."""
    heard, root = Watched(), logging.getLogger()
    handler, levels = logging.StreamHandler(heard), {log: log.level for log in (root, logging.getLogger("sortownia"))}
    handler.setFormatter(logging.Formatter("%(levelname)s %(name)s %(message)s"))
    for log in levels:
        log.setLevel(logging.INFO)
    for log in levels:  # the service's own logger, too: somebody may have told it to pass nothing on
        log.addHandler(handler)
    try:
        with redirect_stdout(heard):
            yield heard
    finally:
        for log, level in levels.items():
            log.removeHandler(handler)
            log.setLevel(level)


def _raw(number: int) -> bytes:
    """A mail full of canaries: whole, broken in several ways, automatic, or from nobody."""
    body = f"KanarekTresc {number}, tel. +48 600700801, PESEL 44051401359"
    if number % 10 == 7:
        return f"From: kanarek.adres\r\nSubject: KanarekTemat\r\n\x00\xff{body}".encode("latin-1")
    headers = {"Message_ID": f"<{number}.kanarek.adres@customer.example.com>"}
    if number % 10 == 3 and number > 3:
        headers["In_Reply_To"] = f"<{number - 2}.kanarek.adres@customer.example.com>"
    if number % 10 == 5:
        headers["Auto_Submitted"] = "auto-replied"
    files = [("KanarekPlik.pdf", "application/pdf", b"%PDF-1 KanarekTresc")] if number % 4 == 0 else []
    sender = f"Jan Kanarkowska <kanarek.adres{number % 50}@customer.example.com>"
    return letters.mail(body, sender, f"KanarekTemat {number}", files, **headers)


def _refused(model: Any, params: Any, **_: Any) -> tuple[AWSResponse, dict[str, Any]] | None:
    """SES refuses every third mail, for good or for now, and names the address in saying so."""
    _refused.asked += 1  # type: ignore[attr-defined]
    if _refused.asked % 3:  # type: ignore[attr-defined]
        return None
    said = "not authorized for identity/kanarek.adres1@customer.example.com (KanarekTemat)"
    is_for_good = _refused.asked % 2  # type: ignore[attr-defined]
    code, status = ("MessageRejected", 400) if is_for_good else ("AccessDeniedException", 403)
    error = {"Error": {"Code": code, "Message": said}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return AWSResponse("https://email.example.com", status, {}, None), error


def _record(number: int, body: str, url: str, count: int) -> dict[str, Any]:
    return {
        "messageId": f"m{number}", "body": body, "receiptHandle": "none",
        "eventSourceARN": f"arn:aws:sqs:eu-central-1:1:{url.rsplit('/', 1)[1]}",
        "attributes": {"ApproximateReceiveCount": str(count)},
    }  # fmt: skip


def _live(desk: Desk, mails: int) -> None:
    """All of them arrive, some only after failures; what waits is claimed and answered, well or badly."""
    world, weather, settings = desk.world, Weather(desk.cloud), desk.world.settings
    _refused.asked = 0  # type: ignore[attr-defined]
    desk.cloud.ses.meta.events.register("before-call.sesv2.SendEmail", _refused)
    with weather.blowing():
        for number in range(mails):
            with weather.indoors():
                verdicts = {"spam": "FAIL"} if number % 20 == 7 else {}  # some are set aside
                notice = letters.store_mail(world, f"ses-{number}", _raw(number), **verdicts)
            weather.throttled, weather.away = (0.3 if number % 5 == 4 else 0.0), frozenset()
            if number % 20 == 11:
                weather.away = frozenset({("dynamodb", "s3", "sqs")[number % 3]})
            for count in range(1, 4):
                event = {"Records": [_record(number, notice, settings.inbound_queue_url, count)]}
                failed = doors.each_message(event, partial(_received, world=world), world)
                if not failed["batchItemFailures"]:
                    break
            _work(desk, number)
            weather.clear()
        told = {"Records": [{"eventTime": "2026-03-02T08:45:00+00:00", "s3": {"object": {"key": "mail/ses-1"}}}]}
        recheck.recheck(json.dumps(told), world)
        desk.cloud.clock.forward(hours=2)
        watch.watch(world)
    desk.cloud.ses.meta.events.unregister("before-call.sesv2.SendEmail", _refused)


def _received(message: doors.QueueMessage, world: World) -> str:
    return receive.delivery(message.body, message.id, message.receive_count, world)


def _work(desk: Desk, number: int) -> None:
    world, settings = desk.world, desk.world.settings
    if number % 3:
        return
    records = desk.changes()
    ring(shown(records, "ring"), world)
    export(shown(records, "export"), world)
    with suppress(Conflict, Rejected, Unavailable):
        if item := claim.next_in_queue("orders", ANNA, "", world):
            reply.reply(item.id, item.version, f"KanarekOdpowiedz {number}", Then.RESOLVE, "", ANNA, world)
    for message in desk.outside.take(settings.send_queue_url, desk.cloud.clock.time):
        event = {"Records": [_record(number, message.body, settings.send_queue_url, 1)]}
        doors.each_message(event, lambda m: send_message(m.body, world), world)


def _left(desk: Desk) -> Iterator[str]:
    """What stands on queues: bells, timers, parked records, and what was given up."""
    for message in desk.outside.messages:
        yield f"{message.url} {message.body}"


@pytest.mark.parametrize("mails", [80, pytest.param(1000, marks=[pytest.mark.long, pytest.mark.timeout(3600)])])
def test_no_canary_sings(mails: int, capsys: pytest.CaptureFixture[str]) -> None:
    with open_desk() as desk, watched() as heard:
        _live(desk, mails)
        lines = heard.getvalue()
        assert heard.hits(_left(desk)) == []
        parked = sum(message.url.endswith("-parking") for message in desk.outside.messages)
        handed = len(desk.outside.handed)
    assert "Traceback" in lines
    assert '"Quarantined"' in lines
    assert handed
    with capsys.disabled():
        logged = len(lines.splitlines())
        print(f"\n{mails} mails, {handed} replies, {logged} lines of log, {parked} parked: 0 hits", end="")


@pytest.mark.parametrize("where", ["log", "trace", "metric", "queue"])
def test_a_leak_is_heard(where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted in each place: a subject in a log line, in an error's text, in a dimension, on the parking queue."""
    right = receive.tags_of

    def leaky(message: Message, *more: Any) -> Any:
        if where == "log":
            logging.getLogger("sortownia").info("tagging %s", message.subject)
        if where == "trace":
            raise ValueError(message.subject)
        if where == "metric":
            desk.world.metrics.count("Tagged", subject=message.subject)
        return right(message, *more)

    monkeypatch.setattr(receive, "tags_of", leaky)
    if where == "queue":
        monkeypatch.setattr("chalicelib.flows.ring.item_of", lambda row: row["subject"] and int(row["subject"]))
    with open_desk() as desk, watched() as heard:
        _live(desk, 4)
        assert heard.hits(_left(desk))
