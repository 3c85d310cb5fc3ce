"""Numbers as people read them; what belongs together stays on one line."""

from typing import Final

from training.card.measured import Share

JOIN: Final = "\N{NO-BREAK SPACE}"


def percent(share: float | None) -> str:
    """A share of 1 in per cent, to a tenth; a dash of nothing."""
    return "–" if share is None else f"{100 * share:.1f}{JOIN}%"


def within(share: Share) -> str:
    """The share with its 95 % interval."""
    if not share.whole:
        return "–"
    low, high = share.interval
    return f"{percent(share.value)} ({span(low, high)})"


def span(low: float, high: float) -> str:
    """From one share of 1 to another, in per cent."""
    return f"{100 * low:.1f}{JOIN}to{JOIN}{100 * high:.1f}"


def of(share: Share) -> str:
    """So many of so many."""
    return f"{share.part:,} of {share.whole:,}"


def in_hundred(share: Share) -> int:
    """So many of a hundred, rounded."""
    return round(100 * share.part / share.whole) if share.whole else 0
