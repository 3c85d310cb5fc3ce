"""Every flow that a door, a route or a command calls dies at each of its calls somewhere: none can be forgotten."""

import ast
import importlib
import inspect
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import CodeType, FunctionType
from typing import Any, Final

import pytest

from tests.conftest import ROOT
from tests.crash import test_acknowledged
from tests.crash.desk import open_desk
from tests.crash.flow import Flow
from tests.crash.test_every_call import FLOWS
from tests.desk import ACKNOWLEDGE

_FLOWS: Final = "chalicelib.flows"
#: Who calls flows: each event's door, each route, each command.
CALLERS: Final = (
    ROOT / "app.py",
    *sorted((ROOT / "chalicelib" / "api").glob("*.py")),
    *sorted((ROOT / "sortownia").rglob("*.py")),
)
#: Calls no service: there is nothing for it to die between.
PURE: Final = {"widget.origins"}


def called(source: str) -> dict[str, FunctionType]:
    """The functions of flows that a file calls, by module and name."""
    tree, modules, found = ast.parse(source), {}, dict[str, FunctionType]()
    for node in ast.walk(tree):
        if not isinstance(node, ast.ImportFrom) or not (node.module or "").startswith(_FLOWS):
            continue
        for name in node.names:
            if node.module == _FLOWS:
                modules[name.asname or name.name] = importlib.import_module(f"{_FLOWS}.{name.name}")
            else:
                found |= _function(importlib.import_module(node.module or ""), name.name)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in modules:
            found |= _function(modules[node.value.id], node.attr)
    return found


def _function(module: Any, name: str) -> dict[str, FunctionType]:
    what = getattr(module, name)
    return {f"{module.__name__.removeprefix(_FLOWS + '.')}.{name}": what} if inspect.isfunction(what) else {}


@contextmanager
def entered(functions: Mapping[str, FunctionType]) -> Iterator[set[str]]:
    """Which of these functions are entered meanwhile."""
    names: dict[CodeType, str] = {function.__code__: name for name, function in functions.items()}
    seen: set[str] = set()
    watching, tool = sys.monitoring, 4
    watching.use_tool_id(tool, "flows")
    watching.register_callback(tool, watching.events.PY_START, lambda code, _: seen.add(names[code]))
    for code in names:
        watching.set_local_events(tool, code, watching.events.PY_START)
    try:
        yield seen
    finally:
        for code in names:
            watching.set_local_events(tool, code, 0)
        watching.free_tool_id(tool)


def undisturbed(flows: Sequence[Flow], functions: Mapping[str, FunctionType], more_rules: str = "") -> set[str]:
    """Which functions these flows go through while their process may die."""
    died: set[str] = set()
    with open_desk(more_rules) as desk:
        for flow in flows:
            desk.open()
            act: Callable[[], object] = flow.prepare(desk)
            with entered(functions) as seen:
                act()
            died |= seen
    return died


def test_no_flow_is_without_a_crash_run(capsys: pytest.CaptureFixture[str]) -> None:
    functions = {name: what for path in CALLERS for name, what in called(path.read_text("utf-8")).items()}
    assert len(functions) > 40, "the callers were not understood"
    died = undisturbed([*FLOWS.values()], functions) | undisturbed(
        [*test_acknowledged.FLOWS.values()], functions, ACKNOWLEDGE
    )
    assert functions.keys() - died - PURE == set(), "these flows never die in any test"
    with capsys.disabled():
        print(f"\n{len(functions) - len(PURE)} flows called by doors, routes and commands: all have crash runs", end="")


def test_a_flow_without_a_crash_run_is_found() -> None:
    """The check sees what it is for: without its own run, a flow is missing."""
    functions = called("from chalicelib.flows import work\nwork.heartbeat()\nwork.link()")
    assert undisturbed([FLOWS["item linked"]], functions) == {"work.link"}
