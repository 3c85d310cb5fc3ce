"""A small desk's stack on moto, with a model that believes what a text says of itself."""

from collections.abc import Iterator

import pytest
from moto import mock_aws

from chalicelib.flows import claim
from chalicelib.item.outgoing import Outgoing
from chalicelib.store.rows import from_wire
from tests.cloud import Cloud, TestWorld
from tests.crash.quick_moto import make_quick
from tests.desk import WordModel, small_desk
from tests.invariants import violations
from tests.streams import Stream
from tests.unit.flows.scenes import answer, claimed, deliver
from tests.unit.flows.sending import Post, says
from tests.unit.flows.threads import Desk


@pytest.fixture
def moto_cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    """The small desk's cloud on moto, made quick: for one thread only."""
    make_quick(monkeypatch)
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
def desk(moto_cloud: Cloud, world: TestWorld) -> Desk:
    """The small desk as threads see it: names for who wrote, and what answers what."""
    return Desk(moto_cloud, world)


@pytest.fixture
def rows_by_hand() -> None:
    """Asked for by a test that writes rows past the store: its table need not be sound."""


@pytest.fixture
def sound(moto_cloud: Cloud, world: TestWorld, request: pytest.FixtureRequest) -> Iterator[None]:
    """Whatever the test did, the table is sound afterwards."""
    yield
    if "rows_by_hand" not in request.fixturenames:
        assert violations(map(from_wire, moto_cloud.rows())) == []


@pytest.fixture
def stream(moto_cloud: Cloud, world: TestWorld) -> Stream:
    """What changes in the table from now on."""
    return Stream(moto_cloud)


@pytest.fixture
def post(world: TestWorld) -> Post:
    """SES, which takes every mail."""
    return says(world)


@pytest.fixture
def queued(world: TestWorld, post: Post) -> Outgoing:
    """A reply of Anna's by mail, in the outbox."""
    deliver(world, 1)
    return answer(world, claimed(world))[0]
