"""Regular expressions that are compiled when they are first asked."""

import re
from typing import Any, cast


def pattern(source: str, flags: int = 0) -> re.Pattern[str]:
    """Has the methods of `re.compile(source, flags)`, whose work is done at the first use; the functions of `re` take
    none.

    To know signatures, quotations and programs of all languages takes a hundred expressions, which cost a cold start
    30 ms; an ordinary mail needs one of ten.
    """
    return cast("re.Pattern[str]", _Pattern(source, flags))


class _Pattern:
    """Has the attributes of the compiled one from the moment that any of them is asked for."""

    def __init__(self, source: str, flags: int) -> None:
        self._made_of = source, flags

    def __getattr__(self, name: str) -> Any:
        compiled = re.compile(*self._made_of)
        self.__dict__.update({known: getattr(compiled, known) for known in dir(compiled) if not known.startswith("_")})
        return getattr(compiled, name)
