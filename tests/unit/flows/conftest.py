"""A small desk's stack on moto, with a model that believes what a text says of itself."""

from collections.abc import Iterator

import pytest
from moto import mock_aws

from chalicelib.flows import claim
from tests.cloud import Cloud, TestWorld
from tests.desk import WordModel, small_desk
from tests.streams import Stream


@pytest.fixture
def moto_cloud() -> Iterator[Cloud]:
    """The small desk's cloud on moto: for one thread only."""
    with mock_aws():
        yield Cloud(desk=small_desk())


@pytest.fixture
def world(moto_cloud: Cloud) -> TestWorld:
    """The small desk, deployed; each test begins with the first claim of its process."""
    claim._turns.clear()
    deployed = moto_cloud.deploy()
    vars(deployed)["model"] = WordModel()
    return deployed


@pytest.fixture
def stream(moto_cloud: Cloud, world: TestWorld) -> Stream:
    """What changes in the table from now on."""
    return Stream(moto_cloud)
