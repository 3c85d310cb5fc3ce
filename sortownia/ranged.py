"""Numbers of the command line, each within its range."""

import argparse
from collections.abc import Callable


def ranged(least: int, most: int) -> Callable[[str], int]:
    """A type for argparse: whole numbers from `least`, which is not below 0, to `most`."""

    def number(text: str) -> int:
        if not text.isdecimal() or len(text) > len(str(most)) or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"must be a number from {least} to {most}")
        return int(text)

    return number
