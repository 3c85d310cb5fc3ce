"""The language a customer writes in, as an ISO 639-1 code."""

from typing import Final

from classifiers.text import has_letters

UNDETERMINED: Final = "und"  # ISO 639-2: no letters, or nothing the model has ever seen


def language_of(text: str, guess: str, known: bool) -> str:
    """The head's guess, or `und` when the text gives nothing to judge a language by."""
    return guess if known and has_letters(text) else UNDETERMINED
