"""Sealed files: a manifest names each by SHA-256 and size, and a detached signature covers the manifest's exact bytes.

Nothing is believed before it is proved: first who made the manifest, then that every file is the one it names.
"""

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

MANIFEST: Final = "manifest.json"
SIGNATURE: Final = "manifest.sig"
ALGORITHM: Final = "ed25519"  # RFC 8032
KEY_BYTES: Final = 32
MOST_MANIFEST: Final = 1_000_000  # bytes
MOST_SIGNATURE: Final = 500
MOST_FILE: Final = 32_000_000  # twenty times what a model of ours may have

_PLAIN_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_.-]{0,99}")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")


class ModelError(Exception):
    """A model that cannot be used; the message names the file and the reason."""


class Files(Protocol):
    """Where sealed files lie: a folder, or a place in a bucket."""

    @property
    def where(self) -> str:
        """The place, as an error names it."""

    def names(self) -> Collection[str] | None:
        """All that lies there; None where only what is asked for is ever seen. Raises ModelError."""

    def read(self, name: str, most: int) -> bytes | None:
        """The first `most` bytes of a file, None where there is none. Raises ModelError."""


@dataclass(frozen=True, slots=True)
class Folder:
    """Files in a folder."""

    path: Path

    @property
    def where(self) -> str:
        """The folder's path."""
        return str(self.path)

    def names(self) -> Collection[str]:
        """What lies in the folder. Raises ModelError for a folder that cannot be read, or where a link lies."""
        try:
            found = list(self.path.iterdir())
        except OSError as problem:
            raise ModelError(f"{self.path}: cannot be read: {problem.strerror}") from problem
        for path in found:
            if path.is_symlink() or not path.is_file():
                raise ModelError(f"{path}: is no plain file: a model holds nothing else")
        return {path.name for path in found}

    def read(self, name: str, most: int) -> bytes | None:
        """The first `most` bytes of a file."""
        try:
            with (self.path / name).open("rb") as file:
                return file.read(most)
        except FileNotFoundError:
            return None
        except OSError as problem:
            raise ModelError(f"{self.path / name}: cannot be read: {problem.strerror}") from problem


class Trust(Protocol):
    """What makes a manifest believed."""

    def check(self, files: Files, manifest: bytes) -> None:
        """Raises ModelError unless the manifest is to be believed."""


@dataclass(frozen=True, slots=True)
class Pinned:
    """Believes the one manifest of this SHA-256: whoever wrote the digest down has checked its signature."""

    sha256: str

    def check(self, files: Files, manifest: bytes) -> None:
        """Raises ModelError for any other manifest."""
        if hashlib.sha256(manifest).hexdigest() != self.sha256:
            raise ModelError(f"{files.where}/{MANIFEST}: is not the one whose SHA-256 is pinned: tampered or exchanged")


@dataclass(frozen=True, slots=True)
class Keys:
    """Believes what one of these Ed25519 keys has signed (raw public halves of 32 bytes)."""

    public: frozenset[bytes]

    def check(self, files: Files, manifest: bytes) -> None:
        """Raises ModelError for what is not signed, signed by another key, or changed since."""
        where = f"{files.where}/{SIGNATURE}"
        written = files.read(SIGNATURE, MOST_SIGNATURE + 1)
        if written is None:
            raise ModelError(f"{where}: is missing: the model is not signed")
        by, signature = _signature(where, written)
        key = {key_id(public): public for public in self.public}.get(by)
        if key is None:
            known = ", ".join(sorted(map(key_id, self.public))) or "none"
            raise ModelError(f"{where}: signed by key {by}, which is not trusted here (trusted: {known})")
        # Costs some 15 ms CPU to import, which a start that only compares a pinned digest never pays.
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        try:
            Ed25519PublicKey.from_public_bytes(key).verify(signature, manifest)
        except InvalidSignature as problem:
            raise ModelError(
                f"{where}: does not belong to this {MANIFEST}: tampered with since it was signed"
            ) from problem
        except ValueError as problem:
            raise ModelError(f"{where}: the trusted key {by} is no Ed25519 key") from problem


def key_id(public: bytes) -> str:
    """Short name of a public key: the first 16 hexadecimal digits of its SHA-256."""
    return hashlib.sha256(public).hexdigest()[:16]


def public_keys(texts: Iterable[str]) -> Keys:
    """Trust in these public halves, each written in base64. Raises ValueError for what is no key."""
    keys = set()
    for text in texts:
        try:
            key = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError) as problem:
            raise ValueError(f"{text[:60]!r} is no public key in base64") from problem
        if len(key) != KEY_BYTES:
            raise ValueError(f"{text[:60]!r} is no Ed25519 public key: it has {len(key)} bytes, not {KEY_BYTES}")
        keys.add(key)
    return Keys(frozenset(keys))


def signature_line(public: bytes, signature: bytes) -> bytes:
    """What stands in `manifest.sig`: algorithm, key and signature."""
    return f"{ALGORITHM} {key_id(public)} {base64.b64encode(signature).decode()}\n".encode()


def _signature(where: str, written: bytes) -> tuple[str, bytes]:
    parts = written.split() if len(written) <= MOST_SIGNATURE else []
    if len(parts) != 3 or parts[0] != ALGORITHM.encode():
        raise ModelError(f"{where}: is no signature: expected `{ALGORITHM} KEY SIGNATURE`")
    try:
        return parts[1].decode("ascii"), base64.b64decode(parts[2], validate=True)
    except ValueError as problem:
        raise ModelError(f"{where}: is no signature: {problem}") from problem


def read(files: Files, trust: Trust) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Manifest and files, proved. Each is read once, so that what was checked is what is used. Raises ModelError."""
    manifest = read_manifest(files, trust)
    described = _described(f"{files.where}/{MANIFEST}", manifest)
    present = files.names()
    if present is not None and (more := sorted({*present} - {*described, MANIFEST, SIGNATURE})):
        raise ModelError(f"{files.where}/{more[0]}: is not named by {MANIFEST}: a model holds nothing else")
    return manifest, {name: _proved(files, name, *said) for name, said in described.items()}


def read_manifest(files: Files, trust: Trust) -> dict[str, Any]:
    """The manifest alone, once it is believed. Raises ModelError."""
    where = f"{files.where}/{MANIFEST}"
    written = files.read(MANIFEST, MOST_MANIFEST + 1)
    if written is None:
        raise ModelError(f"{where}: cannot be read: there is no such file")
    if len(written) > MOST_MANIFEST:
        raise ModelError(f"{where}: is larger than {MOST_MANIFEST:,} bytes")
    trust.check(files, written)
    try:
        manifest = json.loads(written)
    except (ValueError, RecursionError) as problem:
        raise ModelError(f"{where}: is not JSON: {problem}") from problem
    if not isinstance(manifest, dict):
        raise ModelError(f"{where}: is not a JSON object")
    return manifest


def _described(where: str, manifest: Mapping[str, Any]) -> dict[str, tuple[str, int]]:
    """SHA-256 and size of each file the manifest names."""
    found = {}
    try:
        for name, said in manifest["files"].items():
            sha256, size = said["sha256"], said["bytes"]
            if not (_PLAIN_NAME.fullmatch(name) and _SHA256.fullmatch(sha256) and type(size) is int and size >= 0):
                raise ModelError(f"{where}: has no plain name, sha256 and bytes for {name[:100]!r}")
            if size > MOST_FILE:
                raise ModelError(f"{where}: {name} is said to have {size:,} bytes; {MOST_FILE:,} are allowed")
            found[name] = (sha256, size)
    except (KeyError, TypeError, AttributeError) as problem:
        raise ModelError(f"{where}: has no sha256 and bytes of its files") from problem
    return found


def _proved(files: Files, name: str, sha256: str, size: int) -> bytes:
    where = f"{files.where}/{name}"
    content = files.read(name, size + 1)
    if content is None:
        raise ModelError(f"{where}: cannot be read: there is no such file")
    if len(content) > size:
        raise ModelError(f"{where}: has more than the {size:,} bytes {MANIFEST} names")
    if len(content) < size:
        raise ModelError(f"{where}: has {len(content):,} of the {size:,} bytes {MANIFEST} names: truncated")
    if hashlib.sha256(content).hexdigest() != sha256:
        raise ModelError(f"{where}: SHA-256 differs from the one in {MANIFEST}: damaged or exchanged")
    return content
