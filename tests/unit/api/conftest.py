"""Fixtures: the API in this process, made once and emptied after each test."""

from collections.abc import Iterator

import pytest

from tests.unit.api.service import Service, running


@pytest.fixture(scope="package")
def running_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """One service for all tests of this folder."""
    with running(tmp_path_factory.mktemp("chalice")) as service:
        yield service


@pytest.fixture
def service(running_service: Service) -> Iterator[Service]:
    """The service with nothing stored."""
    yield running_service
    running_service.empty()
