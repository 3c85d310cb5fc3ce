"""Signs models with Ed25519 and says whose signatures are believed on this machine.

The private key of a checkout is made when it is first needed and never leaves `build/keys/`.
"""

import base64
import hashlib
import os
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from classifiers import artifact, sealed
from classifiers.sealed import Keys

KEYS: Final = Path(__file__).resolve().parent.parent / "build" / "keys"
PRIVATE: Final = "signing.key"


class KeyProblem(Exception):
    """A key that cannot be used; the message names the file and the reason."""


def own_key(folder: Path = KEYS) -> Ed25519PrivateKey:
    """This checkout's private key, made at first use, readable by this user alone. Raises KeyProblem."""
    path = folder / PRIVATE
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.NamedTemporaryFile(dir=folder) as fresh:  # made 0600
            fresh.write(private_text(Ed25519PrivateKey.generate()).encode())
            fresh.flush()
            with suppress(FileExistsError):  # another process was first: its key is the key
                os.link(fresh.name, path)
    return private_key(path.read_text("ascii"), str(path))


def private_key(text: str, where: str) -> Ed25519PrivateKey:
    """The key of a PKCS #8 text. Raises KeyProblem."""
    try:
        key = load_pem_private_key(text.encode(), password=None)
    except (ValueError, TypeError) as problem:
        raise KeyProblem(f"{where}: holds no private key") from problem
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyProblem(f"{where}: holds a key that is not of Ed25519")
    return key


def private_text(key: Ed25519PrivateKey) -> str:
    """The key as PKCS #8 text."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def public_half(key: Ed25519PrivateKey) -> bytes:
    """The raw public half, 32 bytes."""
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def public_text(key: Ed25519PrivateKey) -> str:
    """The public half as configuration spells it: base64."""
    return base64.b64encode(public_half(key)).decode()


def trusted(files: Iterable[Path] = (), folder: Path = KEYS) -> Keys:
    """What is believed here: this checkout's own key, and those in `files`. Raises KeyProblem."""
    own = [public_half(own_key(folder))] if (folder / PRIVATE).exists() else []
    return Keys(frozenset([*own, *(key for path in files for key in _public_keys(path))]))


def sign(directory: Path, key: Ed25519PrivateKey | None = None) -> None:
    """Signs the manifest of a directory, by default with this checkout's key."""
    (directory / sealed.SIGNATURE).write_bytes(signature((directory / sealed.MANIFEST).read_bytes(), key or own_key()))


def signature(manifest: bytes, key: Ed25519PrivateKey) -> bytes:
    """What stands in `manifest.sig` beside these bytes."""
    return sealed.signature_line(public_half(key), key.sign(manifest))


def pin(directory: Path) -> None:
    """Writes down, beside a model that was just proved, which manifest is the packaged one."""
    digest = hashlib.sha256((directory / sealed.MANIFEST).read_bytes()).hexdigest()
    artifact.pin_path(directory).write_text(digest + "\n", "ascii")


def _public_keys(path: Path) -> list[bytes]:
    """The public keys of a file: one in PEM, or one in base64 on each line (`#` begins a remark)."""
    try:
        text = path.read_text("utf-8")
    except (OSError, ValueError) as problem:
        raise KeyProblem(f"{path}: cannot be read: {problem}") from problem
    try:
        if "-----BEGIN" in text:
            key = load_pem_public_key(text.encode())
            return [key.public_bytes(Encoding.Raw, PublicFormat.Raw)]
        lines = (line.split("#", 1)[0].strip() for line in text.splitlines())
        return sorted(sealed.public_keys(line for line in lines if line).public)
    except (ValueError, TypeError) as problem:
        raise KeyProblem(f"{path}: holds no Ed25519 public key: {problem}") from problem
