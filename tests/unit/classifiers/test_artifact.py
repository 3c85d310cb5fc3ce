import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from classifiers import artifact
from classifiers.artifact import ModelError, load
from training import signing


def edit(directory: Path, change: Callable[[dict[str, Any]], object]) -> None:
    path = directory / artifact.MANIFEST
    manifest = json.loads(path.read_text())
    change(manifest)
    path.write_text(json.dumps(manifest))
    signing.sign(directory)


def exchange(directory: Path, content: bytes) -> None:
    """Puts other bytes in place of the arrays, with a manifest that vouches for them."""
    (directory / artifact.ARRAYS).write_bytes(content)
    said = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    edit(directory, lambda manifest: manifest["files"][artifact.ARRAYS].update(said))


def with_array(directory: Path, name: str, array: Any, pickled: bool = False) -> bytes:
    with np.load(directory / artifact.ARRAYS) as stored:
        arrays = {**stored, name: array}
    file = io.BytesIO()
    np.savez(file, allow_pickle=pickled, **arrays)
    return file.getvalue()


def refusal(directory: Path) -> str:
    with pytest.raises(ModelError) as caught:
        load(directory, signing.trusted())
    return str(caught.value)


def test_a_sound_model_loads(directory: Path) -> None:
    model = load(directory, signing.trusted())
    assert model.model_id.startswith("tiny-")
    assert [head.name for head in model.heads] == ["topic", "urgency", "language"]


@pytest.mark.parametrize("name", [artifact.MANIFEST, artifact.ARRAYS])
def test_a_missing_file_is_named(directory: Path, name: str) -> None:
    (directory / name).unlink()
    assert f"{name}: cannot be read" in refusal(directory)


def test_a_missing_directory_is_named(tmp_path: Path) -> None:
    assert "nowhere" in refusal(tmp_path / "nowhere")


@pytest.mark.parametrize("at", [0, 100, -1])
def test_one_changed_byte_is_refused(directory: Path, at: int) -> None:
    content = bytearray((directory / artifact.ARRAYS).read_bytes())
    content[at] ^= 1
    (directory / artifact.ARRAYS).write_bytes(content)
    assert "SHA-256 differs" in refusal(directory)


def test_a_shortened_file_is_refused(directory: Path) -> None:
    content = (directory / artifact.ARRAYS).read_bytes()
    (directory / artifact.ARRAYS).write_bytes(content[:-10])
    assert refusal(directory).endswith("names: truncated")


@pytest.mark.parametrize("content", [b"", b"no arrays", b"PK\x03\x04 cut short"])
def test_bytes_that_are_no_arrays_are_refused_even_when_vouched_for(directory: Path, content: bytes) -> None:
    exchange(directory, content)
    assert "cannot be read as plain arrays" in refusal(directory)


def test_a_pickle_is_never_run(directory: Path, tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[Any, ...]:
            return (Path.touch, (tmp_path / "sprung",))

    exchange(directory, with_array(directory, "idf", np.array([Trap()], dtype=object), pickled=True))
    assert "cannot be read as plain arrays" in refusal(directory)
    assert not (tmp_path / "sprung").exists()


def test_a_missing_array_is_named(directory: Path) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(directory / artifact.ARRAYS) as old, zipfile.ZipFile(file, "w") as new:
        for name in old.namelist():
            if name != "idf.npy":
                new.writestr(name, old.read(name))
    exchange(directory, file.getvalue())
    assert "idf" in refusal(directory)


@pytest.mark.parametrize(
    ("name", "array", "reason"),
    [
        ("idf", np.ones(3, np.float32), "idf has shape (3,)"),
        ("idf", np.ones(3, np.float64), "idf holds float64"),
        ("intercept", np.full(9, np.nan, np.float32), "not finite"),
        ("vocabulary", np.array([0xFF, 0xFE], np.uint8), "UnicodeDecodeError"),
        ("hidden_bias", np.zeros((2, 1), np.float32), "no row of numbers"),
        ("hidden_weights", np.array(1, np.float32), "no row of numbers"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(directory: Path, name: str, array: Any, reason: str) -> None:
    exchange(directory, with_array(directory, name, array))
    assert reason in refusal(directory)


@pytest.mark.parametrize("packing", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_arrays_packed_in_another_way_are_refused(directory: Path, packing: int) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(directory / artifact.ARRAYS) as old, zipfile.ZipFile(file, "w", packing) as new:
        for name in old.namelist():
            new.writestr(name, old.read(name))
    exchange(directory, file.getvalue())
    assert "packed in no way arrays are" in refusal(directory)


def test_an_array_that_claims_to_be_endless_is_refused(directory: Path) -> None:
    """A zip's member of a few bytes whose header tells of more than any memory holds."""
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f4", "fortran_order": False, "shape": (10**17,)})
    file = io.BytesIO()
    with zipfile.ZipFile(directory / artifact.ARRAYS) as old, zipfile.ZipFile(file, "w") as new:
        for name in old.namelist():
            new.writestr(name, header.getvalue() if name == "idf.npy" else old.read(name))
    exchange(directory, file.getvalue())
    assert "cannot be read as plain arrays" in refusal(directory)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda manifest: manifest.update(schema=99), f"schema is 99, this code reads {artifact.SCHEMA}"),
        (lambda manifest: manifest.pop("schema"), "schema is None"),
        (lambda manifest: manifest.update(features=99), "feature version is 99"),
        (lambda manifest: manifest.pop("files"), "has no sha256"),
        (lambda manifest: manifest.pop("heads"), "heads"),
        (lambda manifest: manifest.pop("model_id"), "model_id"),
        (lambda manifest: manifest.update(model_id=7), "is not text"),
        (lambda manifest: manifest["heads"].pop(), "shape"),
        (lambda manifest: manifest.pop("meanings"), "meanings"),
        (lambda manifest: manifest.update(meanings=10**6), "is no number of at most"),
        (lambda manifest: manifest.update(words=manifest["meanings"], meanings=manifest["words"]), "is no number of"),
        (lambda manifest: manifest.update(heads=[]), "there is no head"),
        (lambda manifest: manifest["heads"][0].update(threshold=10**400), "OverflowError"),
        (lambda manifest: manifest["heads"][0].update(hidden=[1, -1, 1]), "is no number of at most"),
        (lambda manifest: manifest["heads"][0]["labels"].reverse() or manifest["heads"][0]["labels"].pop(), "two"),
        (lambda manifest: manifest["heads"][0].update(labels=["same", "same"]), "different labels"),
        (lambda manifest: manifest["heads"][0].update(threshold=1.5), "impossible"),
        (lambda manifest: manifest["heads"][0].update(sharpness=[1.0, 0.0, 1.0, 1.0, 1.0]), "impossible"),
        (lambda manifest: manifest["heads"][0].update(sharpness=[1.0, 1.0, 1.0, 1.0, float("inf")]), "impossible"),
        (lambda manifest: manifest["heads"][0].update(sharpness=[1.0, 1.0, 1.0]), "impossible"),
        (lambda manifest: manifest["heads"][0].pop("sharpness"), "KeyError"),
        (lambda manifest: manifest["heads"][0].update(hidden=[3]), "ValueError"),
        (lambda manifest: manifest["heads"][0].update(costs=[[0, 1]]), "costs for other labels"),
        (lambda manifest: manifest["heads"][0].update(costs=[[0, float("inf")], [1, 0]]), "impossible cost"),
        (
            lambda manifest: manifest.update(guards=[{"head": "topic", "label": "x", "by": "urgency"}]),
            "no label of both",
        ),
        (lambda manifest: manifest["heads"][0].update(threshold=float("nan")), "impossible"),
        (lambda manifest: manifest["heads"][0].update(threshold="high"), "ValueError"),
    ],
)
def test_a_manifest_that_does_not_fit_is_refused(
    directory: Path, change: Callable[[dict[str, Any]], object], reason: str
) -> None:
    edit(directory, change)
    answer = refusal(directory)
    assert artifact.MANIFEST in answer
    assert reason in answer


@pytest.mark.parametrize("content", ["", "{", "[]", "null", "\ud800"])
def test_a_manifest_that_is_no_json_object_is_refused(directory: Path, content: str) -> None:
    (directory / artifact.MANIFEST).write_bytes(content.encode("utf-8", "surrogatepass"))
    signing.sign(directory)
    assert "JSON" in refusal(directory)
