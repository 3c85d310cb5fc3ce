"""Fixtures for all tests: a stack on moto, and where the shared data is."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from moto import mock_aws
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from tests.cloud import REGION, Cloud, TestWorld
from tests.crash.quick_moto import make_quick

ROOT = Path(__file__).parent.parent


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    """On several cores the tests of a file go together, for they share its fixtures."""
    return _FileByFile(config, log)


class _FileByFile(LoadScopeScheduling):
    def _split_scope(self, nodeid: str) -> str:
        """All that share the running system go together, too."""
        file = nodeid.partition("::")[0]
        return "end_to_end" if file.startswith("tests/end_to_end/") else file


@pytest.fixture(autouse=True)
def _no_real_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_DEFAULT_REGION", REGION),
    ):
        monkeypatch.setenv(name, value)


@pytest.fixture
def moto_cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    """A stack's cloud on moto, made quick: for one thread only."""
    make_quick(monkeypatch)
    with mock_aws():
        yield Cloud()


@pytest.fixture
def world(moto_cloud: Cloud) -> TestWorld:
    """A deployed stack on moto, without a model."""
    return moto_cloud.deploy()


@pytest.fixture
def shared() -> Path:
    """Folder of shared labelled texts and mails, which are not part of the project."""
    folder = Path(os.environ.get("SORTOWNIA_SHARED", ROOT.parent / "shared"))
    if not folder.is_dir():
        pytest.skip("no shared data: set SORTOWNIA_SHARED")
    return folder
