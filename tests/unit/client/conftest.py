"""Fixtures: the API in this process as its own tests have it, and clients of it."""

import time
from collections.abc import Callable, Iterator

import pytest

from sortownia.client import Client
from tests.unit.api.conftest import running_service as running_service
from tests.unit.api.conftest import service as service
from tests.unit.api.service import Service
from tests.unit.client.wire import Wire, served

type Connect = Callable[..., tuple[Client, Wire]]


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds nobody had to wait."""
    seconds: list[float] = []
    monkeypatch.setattr(time, "sleep", seconds.append)
    return seconds


@pytest.fixture
def connect(service: Service) -> Iterator[Connect]:
    """Makes a client of somebody, and the wire with its mishaps between him and the service."""
    clients: list[Client] = []

    def connected(*mishaps: int | str, who: str = "anna") -> tuple[Client, Wire]:
        wire = Wire(service, *mishaps)
        clients.append(Client("https://api.example.com/api/", service.token(who), transport=wire))
        return clients[-1], wire

    yield connected
    for client in clients:
        client.close()


@pytest.fixture
def url(service: Service) -> Iterator[str]:
    """The service's address before `/v1`."""
    with served(service) as address:
        yield address
