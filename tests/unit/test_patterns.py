"""Regular expressions that are compiled at their first use."""

import importlib
import pkgutil
import re
from typing import Any

import pytest

import chalicelib
from chalicelib.patterns import _Pattern, pattern


def test_nothing_is_compiled_before_it_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    real = re.compile

    def noted(source: str, flags: int = 0) -> re.Pattern[str]:
        made.append((source, flags))
        return real(source, flags)

    monkeypatch.setattr(re, "compile", noted)
    digits = pattern(r"(\d+)!", re.IGNORECASE)
    assert not made
    assert [found.group(1) for found in digits.finditer("1! 2 33!")] == ["1", "33"]
    assert digits.sub("x", "5!") == "x"
    assert digits.pattern == r"(\d+)!"
    assert digits.search("none") is None
    assert made == [(r"(\d+)!", re.IGNORECASE)], "once"


def test_what_no_pattern_has_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="nothing"):
        _ = pattern("a").nothing  # type: ignore[attr-defined]


def test_every_expression_of_the_service_compiles() -> None:
    """A mistake in one shows here, not in the first mail that needs it."""
    found = {
        f"{module.name}.{name}": value
        for module in pkgutil.walk_packages(chalicelib.__path__, "chalicelib.")
        for name, value in _values(importlib.import_module(module.name))
        if isinstance(value, _Pattern)
    }
    assert len(found) > 90
    for name, value in found.items():
        assert isinstance(value.pattern, str), name


def _values(module: Any) -> list[tuple[str, Any]]:
    """What stands in a module, and in its tables of expressions."""
    named = list(vars(module).items())
    return named + [
        (f"{name}[{key}]", one) for name, table in named if isinstance(table, dict) for key, one in table.items()
    ]
