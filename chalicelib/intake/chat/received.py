"""A webhook as it came, of which nothing is believed yet."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, repr=False)
class Received:
    """The very bytes of a body, and what its sender says proves them. Names of headers are in lower case.

    It shows none of it when it is printed: a header or the query may be a secret.
    """

    raw: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"Received({len(self.raw)} bytes)"
