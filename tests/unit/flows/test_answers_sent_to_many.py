"""A customer's answer that his CRM or newsletter service sent, with a List-Unsubscribe of its own."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from moto import mock_aws

from tests.cloud import Cloud, TestWorld
from tests.crash.quick_moto import make_quick
from tests.desk import small_desk
from tests.unit.flows.threads import Desk, Mail

pytestmark = pytest.mark.usefixtures("sound")
ANSWER = Mail(answers=("our answer to anna",), refers=("anna", "our answer to anna"))
MARK = "List-Unsubscribe: <mailto:unsubscribe@crm.example.net>"


@pytest.fixture
def moto_cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    make_quick(monkeypatch)
    with mock_aws():
        yield Cloud(desk=small_desk())


@pytest.fixture
def desk(moto_cloud: Cloud, world: TestWorld) -> Desk:
    return Desk(moto_cloud, world)


@pytest.mark.parametrize("to", ["help", "token of anna"])
def test_an_answer_is_seen_by_somebody(desk: Desk, to: str) -> None:
    assert desk.arrives(replace(ANSWER, extra=MARK, to=(to,))) == "queued"
    assert desk.name_of(desk.entered()["item"]) == "anna"


@pytest.mark.parametrize("extra", [MARK, f"{MARK}\r\nPrecedence: bulk", f"{MARK}\r\nAuto-Submitted: auto-replied"])
def test_newsletters_and_programs_are_still_none(desk: Desk, extra: str) -> None:
    mail = Mail(subject="News") if extra == MARK else ANSWER
    assert desk.arrives(replace(mail, extra=extra)) == "recorded as automatic"
