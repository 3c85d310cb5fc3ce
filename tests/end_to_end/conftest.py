"""The running system: the real package on the emulator, with its doors."""

from collections.abc import Iterator

import pytest

from chalicelib.store.keys import agent_key
from chalicelib.store.rows import to_wire
from infra.package import build
from sortownia.local.system import LocalSystem
from tests.end_to_end.crowd import Hall
from tests.end_to_end.running import Running

#: Seconds an inbound message of a killed worker stays hidden; AWS wants more, tests cannot wait so long.
VISIBILITY_SECONDS = 15


@pytest.fixture(scope="session")
def system() -> Iterator[LocalSystem]:
    """One system for all tests of this folder, on free ports."""
    build()
    parameters = {"InboundVisibilitySeconds": str(VISIBILITY_SECONDS)}
    with LocalSystem(stack_port=0, smtp_port=0, http_port=0, parameters=parameters) as running:
        yield running


@pytest.fixture(scope="session")
def running(system: LocalSystem) -> Iterator[Running]:
    """The system with what tests ask of it."""
    with Running(system) as asked:
        yield asked


@pytest.fixture(scope="session")
def hall(system: LocalSystem) -> Iterator[Hall]:
    """A hall on the system's emulator. Clear it before use."""
    hall = Hall(system.stack)
    yield hall
    hall.cloud.close()


@pytest.fixture(autouse=True)
def _nobody_was_seen_yet(running: Running) -> None:
    """Agents whom an earlier test saw at work would be offered the chats of this one, or hold all they may already."""
    dynamodb, table = running.stack.client("dynamodb"), running.stack.table
    for agent_id in running.system.policy.agents:
        dynamodb.update_item(
            TableName=table,
            Key=to_wire(agent_key(agent_id)),
            UpdateExpression="REMOVE presence, hands_to, wake_pk, wake_sk, load_mail, load_chat",
        )
