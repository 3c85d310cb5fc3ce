"""Every door of the service: HTTP routes come in through Blueprints, each event through one handler here."""

import gc
from collections.abc import Callable
from typing import Any

# Next to nothing that is imported, and little that a message leaves behind, is garbage only a collection would find:
# to look for it as often as Python does by itself takes an eighth of a cold start, once alone a thirtieth.
gc.set_threshold(150_000, 20, 100)

from chalice.app import Chalice, CloudWatchEvent, DynamoDBEvent, Rate, SQSEvent

from chalicelib import doors
from chalicelib.flows import export as exporting
from chalicelib.flows import recheck as rechecking
from chalicelib.flows import ring as ringing
from chalicelib.flows import watch as watching
from chalicelib.flows.receive import dead_delivery, delivery
from chalicelib.flows.send import send_message
from chalicelib.settings import serves_http
from chalicelib.world import world

app = Chalice(app_name="sortownia")
if serves_http():
    # Routes bring pydantic along, a quarter of a cold start that functions of queues and streams need not pay.
    from chalicelib.api import register

    register(app)


# The ARNs are intrinsics of the template: Chalice hands them through as they are.
@app.on_sqs_message(queue_arn={"Fn::GetAtt": ["InboundQueue", "Arn"]}, batch_size=10)  # type: ignore[arg-type]
def receive(event: SQSEvent) -> dict[str, Any]:
    """A mail was stored by SES, or a chat message by our webhook."""
    return _each(event, lambda m: delivery(m.body, m.id, m.receive_count, world()))


@app.on_sqs_message(queue_arn={"Fn::GetAtt": ["InboundDeadQueue", "Arn"]}, batch_size=10)  # type: ignore[arg-type]
def quarantine(event: SQSEvent) -> dict[str, Any]:
    """A delivery was given up: it becomes an item that people see."""
    return _each(event, lambda m: dead_delivery(m.body, m.id, world()))


@app.on_dynamodb_record(stream_arn={"Fn::GetAtt": ["Table", "StreamArn"]}, batch_size=100)  # type: ignore[arg-type]
def ring(event: DynamoDBEvent) -> None:
    """Items changed: bells and timers."""
    ringing.ring(event.to_dict()["Records"], world())


@app.on_dynamodb_record(stream_arn={"Fn::GetAtt": ["Table", "StreamArn"]}, batch_size=100)  # type: ignore[arg-type]
def export(event: DynamoDBEvent) -> None:
    """Events happened: into the lake, and what is to be sent to the sender."""
    exporting.export(event.to_dict()["Records"], world())


@app.on_sqs_message(queue_arn={"Fn::GetAtt": ["TimerQueue", "Arn"]}, batch_size=10)  # type: ignore[arg-type]
def timers(event: SQSEvent) -> dict[str, Any]:
    """A timer rang."""
    return _each(event, lambda m: watching.timer_rang(m.body, world()))


@app.on_sqs_message(queue_arn={"Fn::GetAtt": ["RecheckQueue", "Arn"]}, batch_size=10)  # type: ignore[arg-type]
def recheck(event: SQSEvent) -> dict[str, Any]:
    """A message was stored a while ago: it must have reached a timeline by now."""
    return _each(event, lambda m: rechecking.recheck(m.body, world()))


# One at a time: a sender that dies leaves one reply of which nobody knows, and holds up no other.
@app.on_sqs_message(queue_arn={"Fn::GetAtt": ["SendQueue", "Arn"]}, batch_size=1)  # type: ignore[arg-type]
def send(event: SQSEvent) -> dict[str, Any]:
    """A reply waits in the outbox, or SES tells what became of one."""
    return _each(event, lambda m: send_message(m.body, world()))


@app.schedule(Rate(1, unit=Rate.MINUTES))
def watch(_event: CloudWatchEvent) -> None:
    """Once a minute: whatever a lost timer or bell would have left lying."""
    doors.log_done("watch", watching.watch(world()))


def _each(event: SQSEvent, handle: Callable[[doors.QueueMessage], str]) -> dict[str, Any]:
    return doors.each_message(event.to_dict(), handle, world(), event.context)
