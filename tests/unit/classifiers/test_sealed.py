"""What is not proved is refused, and the reason says what is wrong."""

import hashlib
import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from classifiers import artifact, sealed
from classifiers.artifact import load
from classifiers.sealed import Keys, ModelError, Pinned, public_keys
from tests.unit.classifiers.test_artifact import edit
from training import signing

STRANGER = Ed25519PrivateKey.generate()


def refusal(directory: Path, trust: sealed.Trust | None = None) -> str:
    with pytest.raises(ModelError) as caught:
        load(directory, trust or signing.trusted())
    return str(caught.value)


def replace_bytes(path: Path, old: bytes, new: bytes) -> None:
    content = path.read_bytes()
    assert old in content
    path.write_bytes(content.replace(old, new, 1))


def test_what_is_not_signed_is_refused(directory: Path) -> None:
    (directory / sealed.SIGNATURE).unlink()
    assert "manifest.sig: is missing: the model is not signed" in refusal(directory)


def test_a_manifest_changed_after_signing_is_refused(directory: Path) -> None:
    replace_bytes(directory / sealed.MANIFEST, b'"threshold": 1', b'"threshold": 0')
    assert "tampered with since it was signed" in refusal(directory)


def test_one_space_more_in_the_manifest_is_refused(directory: Path) -> None:
    path = directory / sealed.MANIFEST
    path.write_bytes(path.read_bytes() + b" ")
    assert "tampered with since it was signed" in refusal(directory)


def test_a_strangers_signature_is_refused_by_its_key(directory: Path) -> None:
    signing.sign(directory, STRANGER)
    by, ours = sealed.key_id(signing.public_half(STRANGER)), sealed.key_id(signing.public_half(signing.own_key()))
    assert f"signed by key {by}, which is not trusted here (trusted: {ours})" in refusal(directory)


def test_a_stranger_cannot_pass_under_our_keys_name(directory: Path) -> None:
    manifest = (directory / sealed.MANIFEST).read_bytes()
    forged = sealed.signature_line(signing.public_half(signing.own_key()), STRANGER.sign(manifest))
    (directory / sealed.SIGNATURE).write_bytes(forged)
    assert "tampered with since it was signed" in refusal(directory)


def test_who_trusts_nobody_refuses_everything(directory: Path) -> None:
    assert "not trusted here (trusted: none)" in refusal(directory, Keys(frozenset()))


def test_of_several_trusted_keys_any_will_do(directory: Path) -> None:
    signing.sign(directory, STRANGER)
    both = public_keys([signing.public_text(signing.own_key()), signing.public_text(STRANGER)])
    assert load(directory, both).model_id.startswith("tiny-")


@pytest.mark.parametrize(
    "written", [b"", b"ed25519", b"rsa x y", b"ed25519 \xff AA==", b"ed25519 aaaa !!!!", b"x" * 1000, b"ed25519 a AA=="]
)
def test_a_signature_that_is_none_is_refused(directory: Path, written: bytes) -> None:
    (directory / sealed.SIGNATURE).write_bytes(written)
    assert "manifest.sig: " in refusal(directory)


def test_nothing_of_an_unproved_manifest_is_believed_or_read(directory: Path) -> None:
    """Not even its JSON: what parses it meets only what a trusted key has signed."""
    (directory / sealed.MANIFEST).write_bytes(b"{" * 100_000)
    (directory / artifact.ARRAYS).unlink()
    assert "tampered with since it was signed" in refusal(directory)


@pytest.mark.parametrize("cut", [1, 10, 100])
def test_a_truncated_file_is_refused(directory: Path, cut: int) -> None:
    path = directory / artifact.ARRAYS
    path.write_bytes(path.read_bytes()[:-cut])
    assert refusal(directory).endswith("truncated")


def test_a_file_larger_than_named_is_refused(directory: Path) -> None:
    with (directory / artifact.ARRAYS).open("ab") as file:
        file.write(b"x")
    assert "arrays.npz: has more than the" in refusal(directory)


def test_an_exchanged_file_is_refused(directory: Path) -> None:
    path = directory / artifact.ARRAYS
    path.write_bytes(bytes(len(path.read_bytes())))
    assert "SHA-256 differs" in refusal(directory)


def test_an_oversized_file_is_refused_before_it_is_read(directory: Path) -> None:
    edit(directory, lambda manifest: manifest["files"][artifact.ARRAYS].update(bytes=sealed.MOST_FILE + 1))
    (directory / artifact.ARRAYS).unlink()
    assert "32,000,000 are allowed" in refusal(directory)


def test_an_oversized_manifest_is_refused_signed_or_not(directory: Path) -> None:
    edit(directory, lambda manifest: manifest.update(more="x" * sealed.MOST_MANIFEST))
    assert "is larger than 1,000,000 bytes" in refusal(directory)


@pytest.mark.parametrize("name", ["model.pkl", "pipeline.joblib", "arrays.npz.bak", ".hidden"])
def test_a_file_the_manifest_does_not_name_is_refused(directory: Path, name: str) -> None:
    (directory / name).write_bytes(b"\x80\x04.")
    assert f"{name}: is not named by manifest.json" in refusal(directory)


def test_a_further_file_is_refused_even_when_signed(directory: Path) -> None:
    content = b"\x80\x04."
    (directory / "model.pkl").write_bytes(content)
    said = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    edit(directory, lambda manifest: manifest["files"].update({"model.pkl": said}))
    assert "names arrays.npz, model.pkl, not arrays.npz alone" in refusal(directory)


def test_a_link_is_refused(directory: Path, tmp_path: Path) -> None:
    (directory / artifact.ARRAYS).rename(tmp_path / "elsewhere")
    (directory / artifact.ARRAYS).symlink_to(tmp_path / "elsewhere")
    assert "is no plain file" in refusal(directory)


def test_a_folder_within_is_refused(directory: Path) -> None:
    (directory / "more").mkdir()
    assert "is no plain file" in refusal(directory)


@pytest.mark.parametrize(
    "change",
    [
        lambda files: files.update({"../../etc/passwd": files[artifact.ARRAYS]}),
        lambda files: files.update({"/etc/passwd": files[artifact.ARRAYS]}),
        lambda files: files[artifact.ARRAYS].update(bytes=-1),
        lambda files: files[artifact.ARRAYS].update(bytes=True),
        lambda files: files[artifact.ARRAYS].update(bytes="12"),
        lambda files: files[artifact.ARRAYS].update(sha256="short"),
        lambda files: files[artifact.ARRAYS].pop("bytes"),
        lambda files: files[artifact.ARRAYS].pop("sha256"),
    ],
)
def test_names_digests_and_sizes_are_plain(directory: Path, change: Callable[[Any], object]) -> None:
    edit(directory, lambda manifest: change(manifest["files"]))
    answer = refusal(directory)
    assert "manifest.json: has no" in answer


@pytest.mark.parametrize("field", ["schema", "features"])
def test_another_version_is_refused_signed_or_not(directory: Path, field: str) -> None:
    edit(directory, lambda manifest: manifest.update({field: 2_000}))
    assert f"{'schema' if field == 'schema' else 'feature version'} is 2000, this code reads" in refusal(directory)


def test_the_pinned_manifest_needs_no_signature_and_no_other_is_believed(directory: Path) -> None:
    pin = Pinned(hashlib.sha256((directory / sealed.MANIFEST).read_bytes()).hexdigest())
    (directory / sealed.SIGNATURE).unlink()
    assert load(directory, pin).model_id.startswith("tiny-")
    edit(directory, lambda manifest: manifest.update(name="another"))
    assert "whose SHA-256 is pinned: tampered or exchanged" in refusal(directory, pin)


def test_a_model_that_was_never_packaged_is_not_pinned(directory: Path) -> None:
    with pytest.raises(ModelError, match=r"model\.sha256: cannot be read"):
        artifact.pinned(directory)


# Keys


def test_the_own_key_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    key = signing.own_key(tmp_path / "keys")
    assert stat.S_IMODE((tmp_path / "keys" / signing.PRIVATE).stat().st_mode) == 0o600
    assert signing.public_half(signing.own_key(tmp_path / "keys")) == signing.public_half(key)
    assert [path.name for path in (tmp_path / "keys").iterdir()] == [signing.PRIVATE]


def test_where_nothing_was_signed_nothing_is_trusted_and_no_key_is_made(tmp_path: Path) -> None:
    assert signing.trusted(folder=tmp_path / "keys").public == frozenset()
    assert not (tmp_path / "keys").exists()


def test_a_public_key_is_read_as_pem_and_as_base64(tmp_path: Path) -> None:
    pem, plain = tmp_path / "key.pem", tmp_path / "keys.txt"
    pem.write_bytes(STRANGER.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    plain.write_text(f"# of the training job\n{signing.public_text(STRANGER)}  # 2026\n\n")
    wanted = signing.public_half(STRANGER)
    assert wanted in signing.trusted([pem], tmp_path / "none").public
    assert signing.trusted([plain], tmp_path / "none").public == {wanted}


@pytest.mark.parametrize("text", ["no key", "AAAA", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----"])
def test_a_file_that_holds_no_key_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "bad").write_text(text)
    with pytest.raises(signing.KeyProblem, match="bad: holds no Ed25519 public key"):
        signing.trusted([tmp_path / "bad"])


def test_a_manifest_names_size_and_digest_of_every_file(directory: Path) -> None:
    manifest = json.loads((directory / sealed.MANIFEST).read_text())
    others = {path.name for path in directory.iterdir()} - {sealed.MANIFEST, sealed.SIGNATURE}
    assert manifest["files"].keys() == others
    for name, said in manifest["files"].items():
        content = (directory / name).read_bytes()
        assert said == {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
