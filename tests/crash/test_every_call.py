"""The process dies before and after every call of every flow: nothing is lost, nothing doubled, nothing stuck."""

from collections.abc import Iterator

import pytest

from tests.crash import answering, arriving, drawing, looking, passing, taking
from tests.crash.desk import Desk, open_desk
from tests.crash.trial import Found, Trial

FLOWS = arriving.FLOWS | taking.FLOWS | answering.FLOWS | passing.FLOWS | drawing.FLOWS | looking.FLOWS
#: Of these every run looks at what two do at once, of the others the nightly one.
RACES = {
    "new mail",
    "claim by bell",
    "claim by name and key",
    "merge",
    "reply by mail",
    "send mail",
    "send chat",
    "notice: delivered",
}


@pytest.fixture(scope="module")
def desk() -> Iterator[Desk]:
    """One desk for all, which each flow finds empty."""
    with open_desk() as desk:
        yield desk


@pytest.fixture(scope="module")
def tally(request: pytest.FixtureRequest) -> Iterator[list[Found]]:
    """What was found of each flow, summed up when all are done."""
    found: list[Found] = []
    yield found
    points, followed = sum(one.points for one in found), sum(one.followed for one in found)
    with request.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
        print(f"\n{len(found)} flows: {points} crash points, {followed} of them followed")


@pytest.mark.parametrize("name", FLOWS)
def test_dying_at_any_call_of(name: str, desk: Desk, tally: list[Found], capsys: pytest.CaptureFixture[str]) -> None:
    """Each flow dies at each of its calls; what every different wreck comes to is followed."""
    tally.append(_tried(name, Trial(FLOWS[name], desk, every=False), capsys))


@pytest.mark.long
@pytest.mark.parametrize("name", FLOWS)
def test_following_each_wreck_of(name: str, desk: Desk, tally: list[Found], capsys: pytest.CaptureFixture[str]) -> None:
    """The same, with a night after every single point, whether or not another one left the same behind."""
    tally.append(_tried(name, Trial(FLOWS[name], desk, every=True), capsys))


@pytest.mark.parametrize("name", [pytest.param(n, marks=() if n in RACES else pytest.mark.long) for n in FLOWS])
def test_pausing_at_any_call_of(name: str, desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    """What SQS brings twice, or a client asks for twice, is done by two at once: all is as if by one."""
    points = Trial(FLOWS[name], desk, every=False).run_twice_at_once()
    with capsys.disabled():
        print(f"\n{name}, twice at once: {points} points", end="")


def _tried(name: str, trial: Trial, capsys: pytest.CaptureFixture[str]) -> Found:
    found = trial.run()
    with capsys.disabled():
        print(f"\n{name}: {found}", end="")
    return found
