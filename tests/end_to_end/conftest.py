"""The running system: the real package on the emulator, with its doors."""

from collections.abc import Iterator

import pytest

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
