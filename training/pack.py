"""Exports a fitted pipeline as plain arrays and a manifest, and proves that the export says the same."""

import hashlib
import io
import json
import platform
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import joblib
import numpy as np
import scipy
import sklearn
from numpy.typing import NDArray

from classifiers import artifact, text
from classifiers.model import Head, Hidden, Model
from classifiers.table import Table
from classifiers.text import Document
from training import signing
from training.calibrate import TINY, Floats
from training.fit import Fitted, FittedHead

LEVELS: Final = 127  # of a weight on either side of 0: what int8 holds


@dataclass(frozen=True, slots=True)
class Parity:
    """How an export compares with the pipeline it came from."""

    largest_difference: float  # of any probability
    agreement: float  # share of documents and heads with the same best label


@dataclass(frozen=True, slots=True)
class _Columns:
    """The table before it is rounded: `weights` (n_features, n_columns), its blocks, and what stands behind it."""

    weights: Floats
    intercept: Floats
    blocks: tuple[slice, ...]
    layers: tuple[tuple[Hidden, ...], ...]  # of each head


def exact_model(fitted: Fitted, model_id: str = "exact") -> Model:
    """The pipeline as a servable model, before quantisation, in double precision."""
    columns = _columns(fitted)
    vocabulary = _vocabulary(fitted)
    rows, width = columns.weights.shape
    table = Table(
        vocabulary=dict(zip(vocabulary, range(rows), strict=True)),
        words=fitted.weigher.words,
        meanings=fitted.weigher.meanings,
        idf=np.asarray(fitted.weigher.idf_, float),
        weights=columns.weights,
        blocks=columns.blocks,
        row_scale=np.ones((rows, len(columns.blocks))),
        column_scale=np.ones(width),
        intercept=columns.intercept,
    )
    return Model(model_id, table, _heads(fitted, columns))


def parity(fitted: Fitted, model: Model, documents: Sequence[Document]) -> Parity:
    """Compares the model with scikit-learn on these documents."""
    expected = fitted.scores(documents)
    served = [model.scores(document) for document in documents]
    differences, equal = [0.0], []
    for head in model.heads:
        shares = np.array([[scores[head.name][label] for label in head.labels] for scores in served])
        differences.append(float(np.abs(shares - expected[head.name]).max()))
        equal += (shares.argmax(axis=1) == expected[head.name].argmax(axis=1)).tolist()
    return Parity(max(differences), sum(equal) / len(equal))


def export(
    fitted: Fitted,
    directory: Path,
    name: str,
    extra: Mapping[str, Any] | None = None,
    steps: Mapping[str, float] | None = None,
) -> Model:
    """Writes the packed model, replacing what is in the directory, and returns it as the service loads it.

    `steps` is how far apart, by head and in standard deviations of its weights, these are kept at least: the wider,
    the smaller the file. Without it they are as fine as a byte allows.
    """
    content = _packed(fitted, steps or {})
    manifest = _manifest(fitted, content, name) | dict(extra or {})
    directory.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=directory.parent, prefix=f".{directory.name}.") as beside:
        fresh = Path(beside) / "model"
        fresh.mkdir(mode=0o755)
        (fresh / artifact.ARRAYS).write_bytes(content)
        written = json.dumps(manifest, ensure_ascii=False, indent=2, allow_nan=False)
        (fresh / artifact.MANIFEST).write_text(written + "\n", encoding="utf-8")
        signing.sign(fresh)
        model = artifact.load(fresh, signing.trusted())
        _replace(fresh, directory, Path(beside) / "old")
    return model


def check_place(directory: Path) -> None:
    """Raises FileExistsError where something lies that is not a model: it is never replaced."""
    if not directory.exists() or (directory / artifact.MANIFEST).exists():
        return
    if not directory.is_dir() or any(directory.iterdir()):
        raise FileExistsError(f"{directory} holds something that is not a model: it is left alone")


def keep(fitted: Fitted, path: Path) -> None:
    """Keeps the pipeline itself, whole or not at all, for further training.

    Loading it runs code: never load a stranger's.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.") as beside:
        fresh = Path(beside) / path.name
        joblib.dump(fitted, fresh, compress=3)
        fresh.replace(path)


def _replace(fresh: Path, directory: Path, old: Path) -> None:
    check_place(directory)
    if directory.exists():
        directory.rename(old)
    fresh.rename(directory)


def _packed(fitted: Fitted, steps: Mapping[str, float]) -> bytes:
    """The array file's bytes; equal for equal pipelines."""
    columns = _columns(fitted)
    rounded, codes = [], []
    column_scale = np.empty(columns.weights.shape[1])
    for number, block in enumerate(columns.blocks):
        weights, step = columns.weights[:, block], 0.0
        if number < len(fitted.heads):
            weights, step = _around_median(weights), steps.get(fitted.heads[number].name, 0.0)
        column_scale[block] = max(float(weights.std()), TINY)
        even = weights / column_scale[block]
        codes.append(_scale_codes(np.maximum(np.abs(even).max(axis=1) / LEVELS, step)))
        rounded.append(np.rint(even / artifact.row_scales(codes[-1])[:, None]))
    layers = [layer for of_head in columns.layers for layer in of_head]
    vocabulary = "\n".join(_vocabulary(fitted)).encode()
    arrays: dict[str, NDArray[Any]] = {
        "vocabulary": np.frombuffer(vocabulary, np.uint8),
        "idf": fitted.weigher.idf_.astype(np.float32),
        "weights": artifact.in_turn(np.hstack(rounded).astype(np.int8), columns.blocks),
        "row_scale": np.stack(codes),
        "column_scale": column_scale.astype(np.float32),
        "intercept": columns.intercept.astype(np.float32),
        "hidden_bias": np.concatenate([np.empty(0), *(layer.bias for layer in layers)]).astype(np.float32),
        "hidden_weights": np.concatenate([np.empty(0), *(layer.weights.ravel() for layer in layers)]).astype(
            np.float32
        ),
    }
    file = io.BytesIO()
    np.savez_compressed(file, allow_pickle=False, **arrays)
    return file.getvalue()


def _around_median(weights: Floats) -> Floats:
    """A head's weights, each row moved so that its median label has none: the shares stay the same.

    Most labels of a rare feature are alike, so that most weights become zeros, which pack smaller.
    """
    moved: Floats = weights - np.sort(weights, axis=1)[:, [(weights.shape[1] - 1) // 2]]
    return moved


def _scale_codes(least: Floats) -> NDArray[np.uint8]:
    """The smallest codes whose scales are no less."""
    exponents = np.ceil(np.log2(np.maximum(least, TINY)) * artifact.SCALE_STEP) + artifact.SCALE_ZERO
    if exponents.max(initial=0) > artifact.LARGEST_CODE:
        raise ValueError("a weight is too far from the others to be packed")
    codes: NDArray[np.uint8] = np.maximum(exponents, 0).astype(np.uint8)
    return codes


def _manifest(fitted: Fitted, content: bytes, name: str) -> dict[str, Any]:
    sha256 = hashlib.sha256(content).hexdigest()
    heads = [_described(head) for head in fitted.heads]
    told = json.dumps([sha256, heads], sort_keys=True).encode()
    return {
        "schema": artifact.SCHEMA,
        "features": text.VERSION,
        "model_id": f"{name}-{hashlib.sha256(told).hexdigest()[:12]}",
        "words": fitted.weigher.words,
        "meanings": fitted.weigher.meanings,
        "heads": heads,
        "files": {artifact.ARRAYS: {"sha256": sha256, "bytes": len(content)}},
        "data": {"rows": fitted.rows, "sha256": fitted.digest, "from": None, "to": None},
        "fit": {"seed": fitted.seed, "folds": fitted.folds},
        "versions": {
            "python": platform.python_version(),
            "numpy": np.__version__,
            "scipy": scipy.__version__,
            "scikit-learn": sklearn.__version__,
        },
    }


def _described(head: FittedHead) -> dict[str, Any]:
    return {
        "name": head.name,
        "labels": list(head.labels),
        "sharpness": list(head.sharpness),
        "threshold": head.threshold.value,
        "threshold_rule": head.threshold.rule,
        "made_of": {part.name: factor for part, factor in zip(head.parts, head.factors, strict=True)},
        "hidden": [part.layer.units for part in head.parts if part.layer is not None],
        "costs": [list(row) for row in head.costs],
        "held_out": asdict(head.held_out),
    }


def _heads(fitted: Fitted, columns: _Columns) -> tuple[Head, ...]:
    heads, first = [], 0
    for head, layers in zip(fitted.heads, columns.layers, strict=True):
        heads.append(Head(head.name, head.labels, first, head.threshold.value, layers, head.costs, head.sharpness))
        first += len(head.labels)
    return tuple(heads)


def _vocabulary(fitted: Fitted) -> list[str]:
    return [str(feature) for feature in fitted.vectorizer.get_feature_names_out()]


def _columns(fitted: Fitted) -> _Columns:
    """The labels of all heads side by side, then the hidden units of all their layers."""
    weights, intercepts, blocks, layers = [], [], [], []
    rows = len(fitted.weigher.idf_)
    for head in fitted.heads:
        blended = [(factor, part) for factor, part in zip(head.factors, head.parts, strict=True)]
        linear = [factor * part.weights for factor, part in blended if part.weights is not None]
        weights.append(sum(linear, np.zeros((rows, len(head.labels)))))
        intercepts.append(sum(factor * part.intercept for factor, part in blended))
    edges = np.cumsum([0, *(len(head.labels) for head in fitted.heads)]).tolist()
    for head in fitted.heads:
        of_head = []
        for factor, part in zip(head.factors, head.parts, strict=True):
            if part.layer is not None:
                place = slice(edges[-1], edges[-1] + part.layer.units)
                edges.append(place.stop)
                weights.append(part.layer.inner_)
                intercepts.append(np.zeros(part.layer.units))
                of_head.append(Hidden(place, part.layer.bias_, factor * part.layer.outer_))
        layers.append(tuple(of_head))
    blocks = [slice(*edge) for edge in pairwise(edges)]
    return _Columns(np.hstack(weights), np.concatenate(intercepts), tuple(blocks), tuple(layers))
