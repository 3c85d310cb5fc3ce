"""What an installation and its provider know of each other and nobody else does."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Secret:
    """What webhooks are proved with (`signing`, the newest first), what our calls are (`token`, with `user` where the
    provider wants both), and what Meta's handshake asks for (`verify`). '' where there is none; never printed."""

    signing: tuple[str, ...] = field(default=(), repr=False)
    token: str = field(default="", repr=False)
    user: str = field(default="", repr=False)
    verify: tuple[str, ...] = field(default=(), repr=False)


def read(versions: Sequence[str]) -> Secret:
    """The secret of its stored versions, the present one first: any of them proves, only the present one calls.

    A version is the signing secret itself, or a JSON object {"signing": text or [text], "token", "user", "verify"}.
    An object that cannot be read proves nothing.
    """
    found = [_version(text) for text in versions]
    present = found[0] if found else Secret()
    return Secret(
        signing=_each(secret.signing for secret in found),
        token=present.token,
        user=present.user,
        verify=_each(secret.verify for secret in found),
    )


def _version(text: str) -> Secret:
    if not text.lstrip().startswith("{"):
        return Secret(signing=_texts(text))
    try:
        said: Any = json.loads(text)
    except (ValueError, RecursionError):
        return Secret()
    token, user = (said.get(name) for name in ("token", "user"))
    return Secret(
        signing=_texts(said.get("signing")),
        token=token if isinstance(token, str) else "",
        user=user if isinstance(user, str) else "",
        verify=_texts(said.get("verify")),
    )


def _texts(value: object) -> tuple[str, ...]:
    listed = value if isinstance(value, list) else [value]
    return tuple(one for one in listed if isinstance(one, str) and one)


def _each(groups: Any) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one for group in groups for one in group))
