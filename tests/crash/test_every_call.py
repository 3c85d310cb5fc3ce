"""The process dies before and after every call of every flow: whatever comes next, nothing is lost, doubled or stuck."""

from collections.abc import Iterator

import pytest
from moto import mock_aws

from tests.crash import answering, arriving, passing, taking
from tests.crash.desk import Desk, open_desk
from tests.crash.quick_moto import make_quick
from tests.crash.trial import Found, Trial

FLOWS = arriving.FLOWS | taking.FLOWS | answering.FLOWS | passing.FLOWS


@pytest.fixture(scope="module")
def desk() -> Iterator[Desk]:
    """One desk for all, which each flow finds empty."""
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        make_quick(patch)
        with open_desk() as desk:
            yield desk


@pytest.fixture(scope="module")
def tally(request: pytest.FixtureRequest) -> Iterator[dict[str, Found]]:
    """What was found of each flow, told when it is found and summed up at the end."""
    found: dict[str, Found] = {}
    yield found
    terminal = request.config.pluginmanager.getplugin("terminalreporter")
    for name, one in found.items():
        terminal.write_line(f"\n{name}: {one}")
    points, followed = (sum(getattr(one, name) for one in found.values()) for name in ("points", "followed"))
    terminal.write_line(f"{points} crash points in {len(found)} flows, {followed} of them followed")


@pytest.mark.parametrize("name", FLOWS)
def test_dying_at_any_call_of(name: str, desk: Desk, tally: dict[str, Found]) -> None:
    """Each flow dies at each of its calls; what every different wreck comes to is followed."""
    tally[name] = Trial(FLOWS[name], desk).run(every=False)


@pytest.mark.long
@pytest.mark.parametrize("name", FLOWS)
def test_dying_at_any_call_and_following_each_of(name: str, desk: Desk, tally: dict[str, Found]) -> None:
    """The same, followed from every single point, whether or not another one left the same behind."""
    tally[f"{name} (each followed)"] = Trial(FLOWS[name], desk).run(every=True)
