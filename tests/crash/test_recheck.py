"""The process that looks for lost messages dies before and after each of its calls: each still gets one entry."""

import json

import pytest
from moto import mock_aws

from chalicelib.flows import receive, recheck
from chalicelib.store import rows
from tests.cloud import Cloud, TestWorld
from tests.crash.calls import Calls, deaths, survives
from tests.invariants import violations
from tests.letters import mail, store_chat, store_mail

NAMES = {"mail": "mail/ses-1", "chat": "chat/shop-widget/d1"}
STAMP = b"Received: from a by b with SMTP id ses-1\r\n for help@shop.example.com;\r\nX-SES-RECEIPT: x\r\n"


def lost(channel: str) -> tuple[Cloud, TestWorld, str]:
    """A stack with one stored message whose notice is lost, and how the bucket tells of it."""
    cloud = Cloud()
    world = cloud.deploy()
    if channel == "mail":
        store_mail(world, "ses-1", STAMP + mail())
    else:
        store_chat(world, "d1", "Hello?")
    record = {"eventTime": "2026-03-02T08:45:00.000Z", "s3": {"object": {"key": NAMES[channel]}}}
    return cloud, world, json.dumps({"Records": [record]})


def looked_after(told: str, world: TestWorld) -> str:
    """What a new process finds."""
    recheck._sights.clear()
    return recheck.recheck(told, world)


def settled(cloud: Cloud, world: TestWorld, told: str) -> str:
    """The bucket's message comes again, intake does its work, and what was put off comes back."""
    looked_after(told, world)
    for number, notice in enumerate(cloud.bodies(world.settings.inbound_queue_url)):
        receive.delivery(json.dumps(notice), f"sqs-{number}", 1, world)
    cloud.clock.forward(minutes=15)
    return looked_after(told, world)


@pytest.mark.parametrize("channel", ["mail", "chat"])
def test_dying_at_any_call_of_the_recheck(channel: str) -> None:
    with mock_aws():
        cloud, world, told = lost(channel)
        with Calls(cloud).watch() as made:
            assert looked_after(told, world) == "handed in again"
            calls = list(made)
    assert len(calls) == 6
    for death in deaths(len(calls)):
        with mock_aws():
            cloud, world, told = lost(channel)
            assert not survives(Calls(cloud), lambda: looked_after(told, world), death)  # noqa: B023 - called at once
            assert settled(cloud, world, told) == "handled", f"{death} of {calls}"
            table = [rows.from_wire(row) for row in cloud.rows()]
            assert violations(table) == [], f"{death} of {calls}"
            assert [row["state"] for row in table if row["kind"] == "item"] == ["queued"], f"{death} of {calls}"
