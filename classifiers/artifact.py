"""Reads a model directory: `manifest.json` beside `arrays.npz`, checked before anything is used.

Nothing in an artifact is ever executed: arrays are read with pickles refused.
"""

import hashlib
import io
import json
import math
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from classifiers import text
from classifiers.model import Head, Model
from classifiers.table import Table

SCHEMA: Final = 1
MANIFEST: Final = "manifest.json"
ARRAYS: Final = "arrays.npz"
_KINDS: Final = {
    "vocabulary": np.uint8,
    "idf": np.float32,
    "weights": np.int8,
    "row_scale": np.float32,
    "column_scale": np.float32,
    "intercept": np.float32,
}


class ModelError(Exception):
    """A model directory that cannot be used; the message names the file and the reason."""


def load(directory: Path) -> Model:
    """The model in the directory, whole and fitting this code. Raises ModelError."""
    manifest = read_manifest(directory)
    arrays = _arrays(directory / ARRAYS, _checked_bytes(directory, manifest))
    try:
        return _model(manifest, arrays)
    except (KeyError, TypeError, ValueError, UnicodeDecodeError) as problem:
        raise ModelError(f"{directory / MANIFEST}: does not describe {ARRAYS}: {_reason(problem)}") from problem


def read_manifest(directory: Path) -> dict[str, Any]:
    """The manifest, of a schema and feature version this code knows. Raises ModelError."""
    path = directory / MANIFEST
    try:
        manifest = json.loads(path.read_bytes())
    except OSError as problem:
        raise ModelError(f"{path}: cannot be read: {problem.strerror}") from problem
    except ValueError as problem:
        raise ModelError(f"{path}: is not JSON: {problem}") from problem
    if not isinstance(manifest, dict):
        raise ModelError(f"{path}: is not a JSON object")
    _check_version(path, "schema", manifest.get("schema"), SCHEMA)
    _check_version(path, "feature version", manifest.get("features"), text.VERSION)
    return manifest


def _check_version(path: Path, what: str, found: object, wanted: int) -> None:
    if found != wanted:
        raise ModelError(f"{path}: {what} is {found!r}, this code reads {wanted}")


def _checked_bytes(directory: Path, manifest: Mapping[str, Any]) -> bytes:
    """The array file's bytes, read once, so that what was checked is what is used."""
    path = directory / ARRAYS
    try:
        expected = manifest["files"][ARRAYS]["sha256"]
    except (KeyError, TypeError) as problem:
        raise ModelError(f"{directory / MANIFEST}: has no sha256 for {ARRAYS}") from problem
    try:
        content = path.read_bytes()
    except OSError as problem:
        raise ModelError(f"{path}: cannot be read: {problem.strerror}") from problem
    if hashlib.sha256(content).hexdigest() != expected:
        raise ModelError(f"{path}: SHA-256 differs from the one in {MANIFEST}: damaged or exchanged")
    return content


def _arrays(path: Path, content: bytes) -> dict[str, NDArray[Any]]:
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in _KINDS}
    except (ValueError, KeyError, TypeError, OSError, EOFError, zipfile.BadZipFile, zlib.error) as problem:
        raise ModelError(f"{path}: cannot be read as plain arrays: {_reason(problem)}") from problem
    for name, kind in _KINDS.items():
        if arrays[name].dtype != kind:
            raise ModelError(f"{path}: {name} holds {arrays[name].dtype}, not {np.dtype(kind)}")
        if not np.all(np.isfinite(arrays[name])):
            raise ModelError(f"{path}: {name} holds numbers that are not finite")
    return arrays


def _model(manifest: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Model:
    vocabulary = arrays["vocabulary"].tobytes().decode("utf-8").split("\n")
    heads = _heads(manifest["heads"])
    rows, columns = len(vocabulary), sum(len(head.labels) for head in heads)
    shapes = {"idf": (rows,), "weights": (rows, columns), "row_scale": (rows,), "column_scale": (columns,)}
    for name, shape in {**shapes, "intercept": (columns,)}.items():
        if arrays[name].shape != shape:
            raise ValueError(f"{name} has shape {arrays[name].shape}, expected {shape}")
    table = Table(
        vocabulary=dict(zip(vocabulary, range(rows), strict=True)),
        **{name: arrays[name] for name in _KINDS if name != "vocabulary"},
    )
    return Model(model_id=_text(manifest["model_id"]), table=table, heads=heads)


def _heads(described: Any) -> tuple[Head, ...]:
    """Heads in the order of their columns."""
    heads, first = [], 0
    for entry in described:
        labels = tuple(_text(label) for label in entry["labels"])
        if len(set(labels)) != len(labels) or len(labels) < 2:
            raise ValueError(f"head {entry['name']!r} needs two or more different labels")
        temperature, threshold = float(entry["temperature"]), float(entry["threshold"])
        if not (math.isfinite(temperature) and temperature > 0 and 0 <= threshold <= 1):
            raise ValueError(f"head {entry['name']!r} has an impossible temperature or threshold")
        heads.append(Head(_text(entry["name"]), labels, first, temperature, threshold))
        first += len(labels)
    return tuple(heads)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not text")
    return value


def _reason(problem: Exception) -> str:
    return f"{type(problem).__name__}: {problem}"
