"""Reads a model directory: `manifest.json` beside `arrays.npz`, checked before anything is used.

Nothing in an artifact is ever executed: arrays are read with pickles refused.
"""

import hashlib
import io
import json
import math
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from classifiers import text
from classifiers.model import Guard, Head, Hidden, Model
from classifiers.table import Table

SCHEMA: Final = 2
MANIFEST: Final = "manifest.json"
ARRAYS: Final = "arrays.npz"
#: Row scales are powers of two; their exponents, in quarters, are kept in a byte.
SCALE_STEP: Final = 4
SCALE_ZERO: Final = 128  # of the code that stands for 1
LARGEST_CODE: Final = 255
_SCALES: Final = np.exp2((np.arange(LARGEST_CODE + 1) - SCALE_ZERO) / SCALE_STEP).astype(np.float32)
_KINDS: Final = {
    "vocabulary": np.uint8,
    "idf": np.float32,
    "weights": np.int8,
    "row_scale": np.uint8,
    "column_scale": np.float32,
    "intercept": np.float32,
    "hidden_bias": np.float32,
    "hidden_weights": np.float32,
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


def row_scales(codes: NDArray[Any]) -> NDArray[Any]:
    """What the codes of row scales stand for; shape as given."""
    scales: NDArray[Any] = _SCALES[codes]
    return scales


def _model(manifest: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Model:
    vocabulary = arrays["vocabulary"].tobytes().decode("utf-8").split("\n")
    heads, blocks = _heads(manifest["heads"], arrays["hidden_bias"], arrays["hidden_weights"])
    rows, columns = len(vocabulary), blocks[-1].stop
    shapes = {"idf": (rows,), "weights": (rows, columns), "row_scale": (rows, len(blocks)), "column_scale": (columns,)}
    for name, shape in {**shapes, "intercept": (columns,)}.items():
        if arrays[name].shape != shape:
            raise ValueError(f"{name} has shape {arrays[name].shape}, expected {shape}")
    table = Table(
        vocabulary=dict(zip(vocabulary, range(rows), strict=True)),
        words=_count(manifest["words"], rows),
        idf=arrays["idf"],
        weights=arrays["weights"],
        blocks=blocks,
        row_scale=row_scales(arrays["row_scale"]),
        column_scale=arrays["column_scale"],
        intercept=arrays["intercept"],
    )
    return Model(_text(manifest["model_id"]), table, heads, _guards(manifest.get("guards", []), heads))


def _heads(described: Any, bias: NDArray[Any], weights: NDArray[Any]) -> tuple[tuple[Head, ...], tuple[slice, ...]]:
    """Heads in the order of their columns, and all blocks of columns: labels first, then hidden units."""
    edges = [0]
    for entry in described:
        edges.append(edges[-1] + len(entry["labels"]))
    firsts, heads = edges[:-1], []
    used = [0, 0]  # of the biases and weights of hidden layers
    for entry, first in zip(described, firsts, strict=True):
        labels = tuple(_text(label) for label in entry["labels"])
        if len(set(labels)) != len(labels) or len(labels) < 2:
            raise ValueError(f"head {entry['name']!r} needs two or more different labels")
        threshold = float(entry["threshold"])
        if not 0 <= threshold <= 1:
            raise ValueError(f"head {entry['name']!r} has an impossible threshold")
        layers = []
        for units in entry["hidden"]:
            place = slice(edges[-1], edges[-1] + units)
            layer = weights[used[1] : used[1] + units * len(labels)].reshape(units, len(labels))
            layers.append(Hidden(place, bias[used[0] : used[0] + units], layer))
            edges.append(place.stop)
            used = [used[0] + units, used[1] + units * len(labels)]
        costs = _costs(entry["costs"], entry["name"], len(labels))
        heads.append(Head(_text(entry["name"]), labels, first, threshold, tuple(layers), costs))
    if used != [len(bias), len(weights)]:
        raise ValueError("hidden_bias and hidden_weights do not fit the heads")
    return tuple(heads), tuple(slice(*edge) for edge in pairwise(edges))


def _costs(described: Any, name: str, labels: int) -> tuple[tuple[float, ...], ...]:
    costs = tuple(tuple(float(cost) for cost in row) for row in described)
    if costs and {len(costs), *map(len, costs)} != {labels}:
        raise ValueError(f"head {name!r} has costs for other labels than its {labels}")
    if not all(math.isfinite(cost) for row in costs for cost in row):
        raise ValueError(f"head {name!r} has an impossible cost")
    return costs


def _guards(described: Any, heads: Sequence[Head]) -> tuple[Guard, ...]:
    labels = {head.name: head.labels for head in heads}
    guards = tuple(Guard(_text(one["head"]), _text(one["label"]), _text(one["by"])) for one in described)
    for guard in guards:
        if guard.label not in labels[guard.head] or guard.label not in labels[guard.by]:
            raise ValueError(f"{guard.label!r} is no label of both {guard.head!r} and {guard.by!r}")
    return guards


def _count(value: object, most: int) -> int:
    if not isinstance(value, int) or not 0 <= value <= most:
        raise ValueError(f"{value!r} is no number of at most {most}")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not text")
    return value


def _reason(problem: Exception) -> str:
    return f"{type(problem).__name__}: {problem}"
