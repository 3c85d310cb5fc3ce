"""Reply-To that names the mailbox or the list a mail came by: whoever answers there answers himself."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from moto import mock_aws

from tests.cloud import Cloud, TestWorld
from tests.crash.quick_moto import make_quick
from tests.desk import small_desk
from tests.unit.flows.scenes import answer, claimed
from tests.unit.flows.threads import ANNA, CARL, HELP, Desk, Mail

pytestmark = pytest.mark.usefixtures("sound")
NEW = Mail(subject="Another parcel")


@pytest.fixture
def moto_cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    make_quick(monkeypatch)
    with mock_aws():
        yield Cloud(desk=small_desk())


@pytest.fixture
def desk(moto_cloud: Cloud, world: TestWorld) -> Desk:
    return Desk(moto_cloud, world)


@pytest.mark.parametrize(
    "extra",
    [
        f"Reply-To: {HELP}",
        f"Reply-To: Help <{HELP.upper()}>",
        f"Reply-To: help+order@{HELP.partition('@')[2]}",
        f"Reply-To: {HELP}\r\nList-Id: <help.shop.example.com>",
    ],
)
def test_the_customer_is_answered_and_not_we_ourselves(desk: Desk, extra: str) -> None:
    assert desk.arrives(replace(NEW, extra=extra)) == "queued"
    contact = desk.newest().contact
    assert contact
    assert contact.address == ANNA
    assert "answers_go_elsewhere" not in desk.entered()
    outgoing, _ = answer(desk.world, claimed(desk.world))
    assert outgoing.to == ANNA


def test_a_list_that_feeds_a_mailbox_is_no_reader(desk: Desk) -> None:
    fed = replace(NEW, extra="Reply-To: team@lists.example.org\r\nCc: team@lists.example.org\r\nList-Id: <team.lists>")
    desk.arrives(fed)
    contact = desk.newest().contact
    assert contact
    assert contact.address == ANNA


def test_another_address_of_the_customer_still_counts(desk: Desk) -> None:
    desk.arrives(replace(NEW, extra=f"Reply-To: {HELP}, {CARL}"))
    contact = desk.newest().contact
    assert contact
    assert contact.address == CARL
