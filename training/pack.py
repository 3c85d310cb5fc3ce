"""Exports a fitted pipeline as plain arrays and a manifest, and proves that the export says the same."""

import hashlib
import io
import json
import platform
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import scipy
import sklearn
from numpy.typing import NDArray

from classifiers import artifact, text
from classifiers.model import Head, Model
from classifiers.table import Table
from classifiers.text import Document
from training import signing
from training.calibrate import Floats
from training.fit import Fitted, FittedHead

LARGEST_INT8 = 127


@dataclass(frozen=True, slots=True)
class Parity:
    """How an export compares with the pipeline it came from."""

    largest_difference: float  # of any probability
    agreement: float  # share of documents and heads with the same best label


def exact_model(fitted: Fitted, model_id: str = "exact") -> Model:
    """The pipeline as a servable model, before quantisation, in double precision."""
    weights, intercept = _coefficients(fitted)
    vocabulary = _vocabulary(fitted)
    ones = np.ones(len(vocabulary)), np.ones(len(intercept))
    rows = dict(zip(vocabulary, range(len(vocabulary)), strict=True))
    table = Table(rows, np.asarray(fitted.vectorizer.idf_, float), weights, *ones, intercept)
    return Model(model_id, table, _heads(fitted))


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


def export(fitted: Fitted, directory: Path, name: str, extra: Mapping[str, Any] | None = None) -> Model:
    """Writes the packed model, replacing what is in the directory, and returns it as the service loads it."""
    content = _packed(fitted)
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


def keep(fitted: Fitted, path: Path) -> None:
    """Keeps the pipeline itself for further training. Loading it runs code: never load a stranger's."""
    path.parent.mkdir(parents=True, exist_ok=True)
    joblib.dump(fitted, path, compress=3)


def _replace(fresh: Path, directory: Path, old: Path) -> None:
    if directory.exists():
        if not (directory / artifact.MANIFEST).exists() and any(directory.iterdir()):
            raise FileExistsError(f"{directory} holds something that is not a model: it is left alone")
        directory.rename(old)
    fresh.rename(directory)


def _packed(fitted: Fitted) -> bytes:
    """The array file's bytes; equal for equal pipelines."""
    weights, intercept = _coefficients(fitted)
    column_scale = np.maximum(weights.std(axis=0), 1e-12)
    row_scale = np.maximum(np.abs(weights / column_scale).max(axis=1), 1e-12) / LARGEST_INT8
    rounded = np.rint(weights / column_scale / row_scale[:, None])
    vocabulary = "\n".join(_vocabulary(fitted)).encode()
    arrays: dict[str, NDArray[Any]] = {
        "vocabulary": np.frombuffer(vocabulary, np.uint8),
        "idf": fitted.vectorizer.idf_.astype(np.float32),
        "weights": rounded.astype(np.int8),
        "row_scale": row_scale.astype(np.float32),
        "column_scale": column_scale.astype(np.float32),
        "intercept": intercept.astype(np.float32),
    }
    file = io.BytesIO()
    np.savez_compressed(file, allow_pickle=False, **arrays)
    return file.getvalue()


def _manifest(fitted: Fitted, content: bytes, name: str) -> dict[str, Any]:
    sha256 = hashlib.sha256(content).hexdigest()
    heads = [_described(head) for head in fitted.heads]
    told = json.dumps([sha256, heads], sort_keys=True).encode()
    return {
        "schema": artifact.SCHEMA,
        "features": text.VERSION,
        "model_id": f"{name}-{hashlib.sha256(told).hexdigest()[:12]}",
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
        "temperature": head.temperature,
        "threshold": head.threshold.value,
        "threshold_rule": head.threshold.rule,
        "held_out": asdict(head.held_out),
    }


def _heads(fitted: Fitted) -> tuple[Head, ...]:
    heads, first = [], 0
    for head in fitted.heads:
        heads.append(Head(head.name, head.labels, first, head.temperature, head.threshold.value))
        first += len(head.labels)
    return tuple(heads)


def _vocabulary(fitted: Fitted) -> list[str]:
    return [str(feature) for feature in fitted.vectorizer.get_feature_names_out()]


def _coefficients(fitted: Fitted) -> tuple[Floats, Floats]:
    """Weights of shape (n_features, n_columns) and intercepts, all heads side by side in labels' order."""
    parts = [_head_coefficients(head) for head in fitted.heads]
    return np.hstack([part[0] for part in parts]), np.concatenate([part[1] for part in parts])


def _head_coefficients(head: FittedHead) -> tuple[Floats, Floats]:
    weights, intercept = head.classifier.coef_.T, head.classifier.intercept_
    if weights.shape[1] == 1:  # two labels share one margin; `fit.margins` splits it the same way
        weights = np.hstack((-weights / 2, weights / 2))
        intercept = np.array([-intercept[0] / 2, intercept[0] / 2])
    order = [list(head.classifier.classes_).index(label) for label in head.labels]
    return weights[:, order], intercept[order]
