"""The error of the local stack."""


class LocalError(Exception):
    """Something on this machine is in the way. The text is one sentence for the person at the terminal."""
