"""What no model is ever fitted on: one part in ten of all that is labelled, chosen by hash and so for ever.

A customer is in it with all he wrote, a text of the corpus with all its twins; both models of a comparison are judged
by it.
"""

import hashlib
from collections.abc import Iterable
from typing import Final

from training.dataset import Sample, identity

PARTS: Final = 10
#: Models that were fitted without the hold-out say so by this name; a change of the rule gets another.
RULE: Final = "one-in-ten-1"


def is_held_out(group: str) -> bool:
    """Whether whatever belongs to this group (a customer's id, a text's identity) is kept for judging."""
    digest = hashlib.sha256(f"sortownia hold-out\0{group}".encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8]) % PARTS == 0


def taught(samples: Iterable[Sample]) -> list[Sample]:
    """The samples of a corpus that may be learned from; what teaches the language alone judges nothing."""
    return [sample for sample in samples if "topic" not in sample.labels or not is_held_out(identity(sample.document))]
