"""Public holidays by country and part of it.

They are those of the library `holidays`. It takes 0.8 s of CPU to load, since it loads every country, so the package
brings a table of what its desk needs for twenty years; what is not in there is asked of the library itself.
"""

import json
from collections.abc import Iterable, Mapping
from datetime import date
from functools import cache, lru_cache
from importlib import metadata
from pathlib import Path
from typing import Any, Final

from chalicelib.errors import Unknown

TABLE: Final = Path(__file__).parent.parent / "holidays.json"
#: The years of a table; fixed, so that the same sources make the same package.
YEARS: Final = range(2025, 2047)


@lru_cache(maxsize=1024)
def of(country: str, subdivision: str, year: int) -> frozenset[date]:
    """Public holidays of a year, observed days included. Raises `Unknown` for a country or part the library lacks."""
    kept = _table()["days"].get(f"{country}-{subdivision}", {}).get(str(year))
    return frozenset(map(date.fromisoformat, kept)) if kept is not None else asked(country, subdivision, year)


def asked(country: str, subdivision: str, year: int) -> frozenset[date]:
    """The same, asked of the library."""
    import holidays  # slow to load, and rarely needed

    try:
        found = holidays.country_holidays(country, subdiv=subdivision or None, years=year)
    except NotImplementedError as error:
        part = f"{country}-{subdivision}" if subdivision else country
        raise Unknown(f"nobody knows the public holidays of {part}") from error
    return frozenset(day for day in found if day.year == year)


def edition() -> str:
    """Which version of the library says so."""
    return str(_table()["edition"] or metadata.version("holidays"))


def table(places: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """The table for these countries and parts of them, as the package brings it. Raises `Unknown`."""
    days = {
        f"{country}-{part}": {str(year): sorted(map(str, asked(country, part, year))) for year in YEARS}
        for country, part in sorted(set(places))
    }
    return {"edition": metadata.version("holidays"), "days": days}


@cache
def _table() -> Mapping[str, Any]:
    if not TABLE.is_file():
        return {"edition": "", "days": {}}
    found: Mapping[str, Any] = json.loads(TABLE.read_text("utf-8"))
    return found
