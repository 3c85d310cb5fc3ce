"""The same table twice: on moto, and on the emulator alone with nothing deployed."""

from collections.abc import Iterator
from itertools import count

import pytest
from moto import mock_aws

from chalicelib.store.table import Table
from sortownia.local import ports
from sortownia.local.stack import STACK_PURPOSE, LocalStack
from tests.cloud import Cloud
from tests.desk import small_desk

_names = count(1)


class Emulator(LocalStack):
    """The emulator without a stack on it, on a free port; it ends with this process, however that ends."""

    def _start(self) -> None:
        self._port = ports.settle(0, STACK_PURPOSE, "port 0")
        self._launch()
        self._await_health()


@pytest.fixture(scope="session")
def emulated_cloud() -> Iterator[Cloud]:
    """A cloud on the emulator, started by the first test that needs it."""
    with Emulator() as emulator:
        cloud = Cloud(emulator.endpoint, desk=small_desk())
        yield cloud
        cloud.close()


@pytest.fixture(params=["moto", pytest.param("ministack", marks=pytest.mark.stack)])
def cloud(request: pytest.FixtureRequest) -> Iterator[Cloud]:
    """A cloud that keeps the table's promises: moto (one thread only), then ministack."""
    if request.param == "ministack":
        yield request.getfixturevalue("emulated_cloud")
        return
    with mock_aws():
        yield Cloud(desk=small_desk())


@pytest.fixture
def table(cloud: Cloud) -> Table:
    """An empty table of the test's own."""
    return cloud.make_table(f"table-{next(_names)}")
