"""What the stack is made of: generator of the template and of the roles, the package, and the proof of it."""

import sys
from typing import Final

OLDEST_PYTHON: Final = (3, 12)


def check_python() -> None:
    """End the process with one sentence where its Python would pack a broken zip."""
    if sys.version_info < OLDEST_PYTHON:
        raise SystemExit(
            f"packaging needs Python 3.12 or newer (see .python-version) and this is {sys.version.split()[0]}: "
            "an older one leaves NumPy out of the zip without an error"
        )


# At import, because an older Python stumbles over the first newer word of any module below.
check_python()
