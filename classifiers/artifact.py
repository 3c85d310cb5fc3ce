"""Reads a model: `manifest.json`, its signature and `arrays.npz`, checked before anything is used.

Nothing in an artifact is ever executed: arrays are read with pickles refused.
"""

import io
import math
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from classifiers import sealed, text
from classifiers.model import ANCHORS, Guard, Head, Hidden, Model, Sharpness
from classifiers.sealed import Files, Folder, Pinned, Trust
from classifiers.sealed import ModelError as ModelError
from classifiers.table import Table

SCHEMA: Final = 6
MANIFEST: Final = sealed.MANIFEST
ARRAYS: Final = "arrays.npz"
MOST_UNPACKED: Final = 200_000_000  # bytes of all arrays, which a zip of a few may claim to hold
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
_ENCRYPTED: Final = 1  # a flag of a zip's member
_PACKED: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_UNREADABLE: Final = (
    ValueError, KeyError, TypeError, OSError, EOFError, MemoryError, zipfile.BadZipFile, zlib.error,
)  # fmt: skip


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
    except (LookupError, TypeError, ValueError, OverflowError) as problem:
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
    except _UNREADABLE as problem:
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
    if strange := [one for one in members if one.flag_bits & _ENCRYPTED or one.compress_type not in _PACKED]:
        raise ModelError(f"{path}: {strange[0].filename} is encrypted, or packed in no way arrays are")
    if (size := sum(member.file_size for member in members)) > MOST_UNPACKED:
        raise ModelError(f"{path}: would unpack to {size:,} bytes; {MOST_UNPACKED:,} are allowed")


def row_scales(codes: NDArray[Any]) -> NDArray[Any]:
    """What the codes of row scales stand for; shape as given."""
    scales: NDArray[Any] = _SCALES[codes]
    return scales


def in_turn(weights: NDArray[Any], blocks: Sequence[slice]) -> NDArray[Any]:
    """The weights (n_rows, n_columns) as they are kept: one block after the other, which packs a tenth smaller."""
    return np.concatenate([weights[:, block].ravel() for block in blocks])


def side_by_side(kept: NDArray[Any], rows: int, blocks: Sequence[slice]) -> NDArray[Any]:
    """The weights (n_rows, n_columns) that `in_turn` made this of."""
    parts = [kept[rows * block.start : rows * block.stop].reshape(rows, -1) for block in blocks]
    return np.hstack(parts)


def _model(manifest: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Model:
    vocabulary = arrays["vocabulary"].tobytes().decode("utf-8").split("\n")
    heads, blocks = _heads(manifest["heads"], arrays["hidden_bias"], arrays["hidden_weights"])
    rows, columns = len(vocabulary), blocks[-1].stop
    shapes = {"idf": (rows,), "weights": (rows * columns,), "row_scale": (len(blocks), rows)}
    for name, shape in {**shapes, "column_scale": (columns,), "intercept": (columns,)}.items():
        if arrays[name].shape != shape:
            raise ValueError(f"{name} has shape {arrays[name].shape}, expected {shape}")
    meanings = _count(manifest["meanings"], rows)
    table = Table(
        vocabulary=dict(zip(vocabulary, range(rows), strict=True)),
        words=_count(manifest["words"], meanings),
        meanings=meanings,
        idf=arrays["idf"],
        weights=side_by_side(arrays["weights"], rows, blocks),
        blocks=blocks,
        row_scale=np.ascontiguousarray(row_scales(arrays["row_scale"]).T),
        column_scale=arrays["column_scale"],
        intercept=arrays["intercept"],
    )
    return Model(_text(manifest["model_id"]), table, heads, _guards(manifest.get("guards", []), heads))


def _heads(described: Any, bias: NDArray[Any], weights: NDArray[Any]) -> tuple[tuple[Head, ...], tuple[slice, ...]]:
    """Heads in the order of their columns, and all blocks of columns: labels first, then hidden units."""
    if not described or bias.ndim != 1 or weights.ndim != 1:
        raise ValueError("there is no head, or hidden_bias or hidden_weights is no row of numbers")
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
        for units in (_count(units, len(bias)) for units in entry["hidden"]):
            place = slice(edges[-1], edges[-1] + units)
            layer = weights[used[1] : used[1] + units * len(labels)].reshape(units, len(labels))
            layers.append(Hidden(place, bias[used[0] : used[0] + units], layer))
            edges.append(place.stop)
            used = [used[0] + units, used[1] + units * len(labels)]
        costs = _costs(entry["costs"], entry["name"], len(labels))
        sharpness = _sharpness(entry["sharpness"], entry["name"])
        heads.append(Head(_text(entry["name"]), labels, first, threshold, tuple(layers), costs, sharpness))
    if used != [len(bias), len(weights)]:
        raise ValueError("hidden_bias and hidden_weights do not fit the heads")
    return tuple(heads), tuple(slice(*edge) for edge in pairwise(edges))


def _sharpness(described: Any, name: str) -> Sharpness:
    factors = tuple(map(float, described))
    if len(factors) != len(ANCHORS) or not all(0 < factor < math.inf for factor in factors):
        raise ValueError(f"head {name!r} has an impossible sharpness")
    return factors


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
