"""Whether a model may serve: not worse than the one that serves, on the same messages neither was fitted on."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import comb
from typing import Any, Final

import numpy as np

from training.loop.figures import Answers, described

#: Fewer rows than this judge nothing.
FEWEST_ROWS: Final = 30
#: How probable a loss must be under "both are as good" to be put down to chance.
SIGNIFICANCE: Final = 0.10
#: A loss of accuracy (or rise of cost a message) as large as this is refused, chance or not.
LARGEST_LOSS: Final = 0.03
#: A label's recall may fall by so much, or by so few messages.
RECALL_GUARD: Final = 0.10
RECALL_ROWS: Final = 3
RESAMPLES: Final = 2_000


@dataclass(frozen=True, slots=True)
class Verdict:
    """Why a model may not serve (nothing, where it may), and everything that was compared."""

    reasons: tuple[str, ...]
    report: Mapping[str, Any]

    @property
    def passed(self) -> bool:
        """Whether it may serve."""
        return not self.reasons


def judge(champion: Mapping[str, Answers], challenger: Mapping[str, Answers]) -> Verdict:
    """Compares what the serving model and the new one say of the same rows, head by head."""
    reasons: list[str] = []
    compared: dict[str, Any] = {}
    rows = len(champion["topic"].truth) if "topic" in champion else 0
    if rows < FEWEST_ROWS:
        reasons.append(f"the hold-out has {rows} messages with a topic; {FEWEST_ROWS} are needed to judge by")
    for head in (head for head in champion if head in challenger):
        old, new = champion[head], challenger[head]
        if old.truth != new.truth:
            raise ValueError("both must be judged by the same rows")
        compared[head] = _compared(old, new)
        reasons += _worse(head, compared[head])
        reasons += _fallen(head, old, new)
    report = {"champion": described(champion), "challenger": described(challenger), "compared": compared}
    return Verdict(tuple(reasons), report)


def mcnemar(won: int, lost: int) -> float:
    """Exact one-sided McNemar test: how probable it is to win no more than this where both are as good.

    `won` rows only the new model has right, `lost` only the old one (McNemar 1947).
    """
    total = won + lost
    return float(sum(comb(total, k) for k in range(won + 1)) / 2**total)


def cost_rise(old: Answers, new: Answers, seed: int = 0) -> tuple[float, float, float]:
    """How much more a message costs by the new model, and the ends of its 95 % interval (paired bootstrap)."""
    differences = new.costs - old.costs
    random, rows = np.random.default_rng(seed), len(differences)
    # One after the other: all at once of a hold-out that grew for years they would not fit into memory.
    means = [differences[random.integers(rows, size=rows)].mean() for _ in range(RESAMPLES)]
    low, high = np.quantile(means, [0.025, 0.975])
    return float(differences.mean()), float(low), float(high)


def _compared(old: Answers, new: Answers) -> dict[str, float]:
    won, lost = int((new.right & ~old.right).sum()), int((old.right & ~new.right).sum())
    rise, low, high = cost_rise(old, new)
    return {
        "rows": len(old.truth), "won": won, "lost": lost, "p_not_worse": mcnemar(won, lost),
        "accuracy_change": float(new.right.mean() - old.right.mean()),
        "cost_change": rise, "cost_change_low": low, "cost_change_high": high,
    }  # fmt: skip


def _worse(head: str, compared: Mapping[str, float]) -> list[str]:
    reasons = []
    change, p = compared["accuracy_change"], compared["p_not_worse"]
    told = f"{head}: accuracy {change:+.1%} ({compared['won']} won, {compared['lost']} lost, p = {p:.3f})"
    if change < 0 and p < SIGNIFICANCE:
        reasons.append(f"{told}: worse by more than chance")
    elif change < -LARGEST_LOSS:
        reasons.append(f"{told}: more than {LARGEST_LOSS:.0%} lost")
    rise, low = compared["cost_change"], compared["cost_change_low"]
    if low > 0 or rise > LARGEST_LOSS:
        high = compared["cost_change_high"]
        reasons.append(f"{head}: a message costs {rise:+.3f} more (95 % interval {low:+.3f} to {high:+.3f})")
    return reasons


def _fallen(head: str, old: Answers, new: Answers) -> list[str]:
    reasons, truth = [], np.array(old.truth)
    for label in sorted(set(old.truth)):
        rows = truth == label
        had, has, total = int(old.right[rows].sum()), int(new.right[rows].sum()), int(rows.sum())
        if had - has >= RECALL_ROWS and (had - has) / total > RECALL_GUARD:
            reasons.append(f"{head} {label}: recall falls from {had / total:.1%} to {has / total:.1%} of {total}")
    return reasons
