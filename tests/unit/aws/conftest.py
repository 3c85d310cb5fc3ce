"""Moto's cloud, without any resource."""

from collections.abc import Iterator

import pytest
from moto import mock_aws

from tests.cloud import Cloud
from tests.desk import small_desk


@pytest.fixture
def moto_cloud() -> Iterator[Cloud]:
    """A cloud on moto: for one thread only."""
    with mock_aws():
        yield Cloud(desk=small_desk())
