"""Reads a model: `manifest.json`, its signature and `arrays.npz`, checked before anything is used.

Nothing in an artifact is ever executed: arrays are read with pickles refused.
"""

import io
import math
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from classifiers import sealed, text
from classifiers.model import Head, Model
from classifiers.sealed import Files, Folder, Pinned, Trust
from classifiers.sealed import ModelError as ModelError
from classifiers.table import Table

SCHEMA: Final = 1
MANIFEST: Final = sealed.MANIFEST
ARRAYS: Final = "arrays.npz"
MOST_UNPACKED: Final = 200_000_000  # bytes of all arrays, which a zip of a few may claim to hold
_KINDS: Final = {
    "vocabulary": np.uint8,
    "idf": np.float32,
    "weights": np.int8,
    "row_scale": np.float32,
    "column_scale": np.float32,
    "intercept": np.float32,
}


def load(source: Path | Files, trust: Trust) -> Model:
    """The model in a directory, or wherever its files lie: believed, whole and fitting this code. Raises ModelError.

    In this order: who made the manifest, that each file is the one it names, versions, arrays.
    """
    files = Folder(source) if isinstance(source, Path) else source
    manifest, contents = sealed.read(files, trust)
    where = f"{files.where}/{MANIFEST}"
    _check_versions(where, manifest)
    if contents.keys() != {ARRAYS}:
        raise ModelError(f"{where}: names {', '.join(sorted(contents)) or 'no file'}, not {ARRAYS} alone")
    arrays = _arrays(f"{files.where}/{ARRAYS}", contents[ARRAYS])
    try:
        return _model(manifest, arrays)
    except (KeyError, TypeError, ValueError, UnicodeDecodeError) as problem:
        raise ModelError(f"{where}: does not describe {ARRAYS}: {_reason(problem)}") from problem


def read_manifest(directory: Path, trust: Trust) -> dict[str, Any]:
    """The manifest, believed, and of a schema and feature version this code knows. Raises ModelError."""
    manifest = sealed.read_manifest(Folder(directory), trust)
    _check_versions(str(directory / MANIFEST), manifest)
    return manifest


def pin_path(directory: Path) -> Path:
    """The file beside a packaged model that names its manifest's SHA-256."""
    return directory.with_name(f"{directory.name}.sha256")


def pinned(directory: Path) -> Pinned:
    """Trust in the model that was packaged here. Raises ModelError where none was."""
    path = pin_path(directory)
    try:
        return Pinned(path.read_text("ascii").strip())
    except (OSError, ValueError) as problem:
        raise ModelError(f"{path}: cannot be read: {_reason(problem)}") from problem


def _check_versions(where: str, manifest: Mapping[str, Any]) -> None:
    for what, found, wanted in (
        ("schema", manifest.get("schema"), SCHEMA),
        ("feature version", manifest.get("features"), text.VERSION),
    ):
        if found != wanted:
            raise ModelError(f"{where}: {what} is {found!r}, this code reads {wanted}")


def _arrays(path: str, content: bytes) -> dict[str, NDArray[Any]]:
    try:
        _check_members(path, content)
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


def _check_members(path: str, content: bytes) -> None:
    """Before anything is unpacked: that it holds the arrays alone, and no more than a model can have."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = archive.infolist()
    if more := sorted({member.filename for member in members} - {f"{name}.npy" for name in _KINDS}):
        raise ModelError(f"{path}: holds {more[0][:100]!r}, which is no array of a model")
    if (size := sum(member.file_size for member in members)) > MOST_UNPACKED:
        raise ModelError(f"{path}: would unpack to {size:,} bytes; {MOST_UNPACKED:,} are allowed")


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
