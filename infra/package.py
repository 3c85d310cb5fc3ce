"""The package: the real `chalice package`, made lean, compiled and reproducible.

`build` works in three steps below build/work: the wheels (kept by the hash of requirements.txt), the application
as Chalice packages it from a clean copy, and the zip of both.
"""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Final

from chalicelib.errors import Unknown
from chalicelib.policy import Policy, PolicyError, load
from chalicelib.routing import public_holidays
from chalicelib.routing.calendar import NeverOpen
from chalicelib.routing.deadline import deadline
from infra.config import STAGE, chalice_config
from infra.intrinsics import Json
from infra.policies import role_policies
from infra.ses import ses_template
from infra.template import merge_template
from infra.training import ARCHIVE, write_source

ROOT: Final = Path(__file__).resolve().parent.parent
OUT: Final = ROOT / "build" / "package"
ZIP, TEMPLATE, SES, REPORT = "deployment.zip", "template.json", "ses.json", "report.json"
TRAINING: Final = ARCHIVE

_EPOCH: Final = (1980, 1, 1, 0, 0, 0)  # the first moment a zip can hold
_USELESS_SUFFIXES: Final = (".pyi", ".pyx", ".pxd", ".pxi", ".a", ".h", ".c", ".pyc")
_USELESS_FOLDERS: Final = frozenset({"tests", "__pycache__", "bin"})
# Raise it when the way the wheels are packed changes, so that no kept ones are used.
_RECIPE: Final = "1"
# An application without a function gets no zip from Chalice.
_BARE_APP: Final = """from chalice import Chalice

app = Chalice(app_name="wheels")


@app.lambda_function()
def nothing(event, context):
    pass
"""


class BuildError(Exception):
    """The package cannot be made; the text says why and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageReport:
    """What was built. Sizes in bytes, `seconds` by step; `inputs` is the hash of everything that went in."""

    inputs: str
    python: str
    chalice: str
    files: int
    zipped: int
    unzipped: int
    sha256: str
    seconds: dict[str, float]
    reused: bool = False


def build(out: Path = OUT, root: Path = ROOT) -> PackageReport:
    """Write zip, template.json, ses.json and report.json to `out`, or find them there, unchanged; and what the
    retraining job runs, where the desk wants one.

    Raises `BuildError`, and `PolicyError` where desk.toml breaks a rule.
    """
    policy = load(root / "chalicelib" / "desk.toml")
    check_calendars(policy)
    _check_templates(policy)
    _check_sources(root)
    work = root / "build" / "work"
    with _alone(work):
        inputs = _inputs(root)
        report = _existing(out, inputs) or _build(out, root, work, policy, inputs)
        # Each time: it holds what the package does not, so its inputs are others.
        (out / TRAINING).unlink(missing_ok=True)
        if policy.training.schedule:
            write_source(root, out / TRAINING)
        return report


def check_calendars(policy: Policy) -> None:
    """Raises `PolicyError` for a calendar whose country nobody knows, or that is never open for all its holidays."""
    for calendar in policy.calendars.values():
        try:
            deadline(datetime(public_holidays.YEARS[0], 1, 1, tzinfo=UTC), timedelta(minutes=1), calendar)
        except (Unknown, NeverOpen) as error:
            raise PolicyError(f"desk.toml: calendars.{calendar.name}: {error}") from error


def _check_templates(policy: Policy) -> None:
    """Raises `BuildError` for a desk of which no template can be made, before anything is built."""
    try:
        merge_template(policy)
        ses_template(policy)
    except ValueError as error:
        raise BuildError(f"desk.toml: {error}") from error


def with_code_uri(template: Json, bucket: str, key: str) -> Json:
    """The same template with every function's code in S3 instead of beside it."""
    changed = deepcopy(template)
    for function in changed["Resources"].values():
        if function["Type"] == "AWS::Serverless::Function":
            function["Properties"]["CodeUri"] = f"s3://{bucket}/{key}"
    return changed


# Inputs


def _check_sources(root: Path) -> None:
    for name, remedy in (
        ("app.py", "it is the application"),
        ("requirements.txt", "run `make lock`"),
        ("classifiers/starter/manifest.json", "run `make setup`, which trains the starter model"),
        ("classifiers/starter.sha256", "run `make setup`, which trains the starter model"),
    ):
        if not (root / name).is_file():
            raise BuildError(f"{name} is missing: {remedy}")


def _sources(root: Path) -> Iterator[tuple[str, Path]]:
    """Name in the stage and path of every file of ours that ships."""
    yield "app.py", root / "app.py"
    for folder, place in (("chalicelib", "chalicelib"), ("classifiers", "vendor/classifiers")):
        for path in sorted((root / folder).rglob("*")):
            if path.is_file() and not _useless(path.relative_to(root)):
                yield f"{place}/{path.relative_to(root / folder).as_posix()}", path


def _useless(path: Path) -> bool:
    return path.suffix in _USELESS_SUFFIXES or not _USELESS_FOLDERS.isdisjoint(path.parts)


def _inputs(root: Path) -> str:
    generator = [(f"infra/{path.name}", path) for path in sorted(Path(__file__).parent.glob("*.py"))]
    files = [*_sources(root), *generator, ("requirements.txt", root / "requirements.txt")]
    return _hash([sys.version, version("chalice")], files)


def _hash(words: Iterable[str], files: Iterable[tuple[str, Path]]) -> str:
    total = hashlib.sha256("\0".join(words).encode())
    for name, path in files:
        total.update(f"\0{name}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


def _existing(out: Path, inputs: str) -> PackageReport | None:
    """The report of an earlier build from the same inputs whose zip is still the one it describes."""
    try:
        report = PackageReport(**json.loads((out / REPORT).read_text("utf-8")))
        whole = (out / TEMPLATE).is_file() and (out / SES).is_file() and _sha256(out / ZIP) == report.sha256
    except (OSError, ValueError, TypeError):
        return None
    if not whole or report.inputs != inputs:
        return None
    return PackageReport(**asdict(report) | {"seconds": {}, "reused": True})


# Steps


def _build(out: Path, root: Path, work: Path, policy: Policy, inputs: str) -> PackageReport:
    clock = _Clock()
    with clock("wheels"):
        wheels = _wheels(root / "requirements.txt", work)
    with clock("application"):
        packaged = _chalice_package(_stage(root, policy, work / "stage"), work / "packaged")
    with clock("zip"):
        out.mkdir(parents=True, exist_ok=True)
        _append(wheels, _unzip(packaged / ZIP, work / "application"), out / ZIP)
    _write(out / TEMPLATE, json.loads((packaged / "sam.json").read_text("utf-8")))
    _write(out / SES, ses_template(policy))
    report = _report(out / ZIP, inputs, clock.seconds)
    _write(out / REPORT, asdict(report))
    return report


@contextmanager
def _alone(work: Path) -> Iterator[None]:
    """One build at a time in a folder; another one waits."""
    work.mkdir(parents=True, exist_ok=True)
    with (work / "package.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _wheels(requirements: Path, work: Path) -> Path:
    """A zip of the dependencies alone, resolved by Chalice for Lambda, pruned and compiled; kept by hash."""
    name = _hash([sys.version, version("chalice"), _RECIPE], [("requirements.txt", requirements)])
    kept = work / "wheels" / f"{name[:32]}.zip"
    if kept.is_file():
        return kept
    stage = _fresh(work / "wheels" / "stage")
    (stage / "app.py").write_text(_BARE_APP, "utf-8")
    shutil.copy(requirements, stage)
    _write(stage / ".chalice" / "config.json", {"version": "2.0", "app_name": "wheels", "autogen_policy": False})
    _write(stage / ".chalice" / "policy-dev.json", {"Version": "2012-10-17", "Statement": []})
    packaged = _chalice_package(stage, work / "wheels" / "packaged", stage_name="dev")
    tree = _unzip(packaged / ZIP, work / "wheels" / "tree")
    (tree / "app.py").unlink()
    shutil.rmtree(tree / "chalice")
    _compile(tree)
    unfinished = kept.with_suffix(".part")
    with zipfile.ZipFile(unfinished, "w", zipfile.ZIP_DEFLATED) as archive:
        _add_tree(archive, tree)
    unfinished.rename(kept)
    return kept


def _stage(root: Path, policy: Policy, stage: Path) -> Path:
    """A clean copy of what ships, with the generated configuration: nothing stale can enter the zip."""
    _fresh(stage)
    for name, path in _sources(root):
        (stage / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, stage / name)
    if places := [(c.country, c.subdivision) for c in policy.calendars.values() if c.country]:
        _write(stage / "chalicelib" / public_holidays.TABLE.name, public_holidays.table(places))
    (stage / "requirements.txt").touch()  # the wheels are packaged already
    _write(stage / ".chalice" / "config.json", chalice_config())
    _write(stage / ".chalice" / "merge.json", merge_template(policy))
    for name, document in role_policies(policy).items():
        _write(stage / ".chalice" / name, document)
    return stage


def _chalice_package(stage: Path, out: Path, stage_name: str = STAGE) -> Path:
    """Run `chalice package` in `stage`. Raises `BuildError` with what it said."""
    shutil.rmtree(out, ignore_errors=True)
    command = ["package", "--stage", stage_name, "--template-format", "json"]
    if (stage / ".chalice" / "merge.json").is_file():
        command += ["--merge-template", ".chalice/merge.json"]
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys; from chalice.cli import main; sys.exit(main())",
            *command,
            str(out),
        ],
        cwd=stage,
        env=_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    said = done.stdout + done.stderr
    # Chalice ends with 0 where a dependency has no wheel for Lambda.
    if done.returncode or "Could not install" in said or not (out / ZIP).is_file():
        raise BuildError(f"chalice package failed (status {done.returncode}):\n{said.strip()}")
    return out


def _environment() -> dict[str, str]:
    """Ours without what could lead Chalice to other code; a region, without which it stops."""
    kept = {k: v for k, v in os.environ.items() if k not in {"PYTHONPATH", "AWS_PROFILE", "AWS_DEFAULT_PROFILE"}}
    defaults = {"AWS_DEFAULT_REGION": "eu-central-1"}
    return defaults | kept | {"PYTHONDONTWRITEBYTECODE": "1", "AWS_EC2_METADATA_DISABLED": "true"}


def _unzip(archive: Path, folder: Path) -> Path:
    """The files of a zip that are of use at run time."""
    _fresh(folder)
    with zipfile.ZipFile(archive) as source:
        source.extractall(folder, [i for i in source.namelist() if not _useless(Path(i))])
    return folder


def _compile(tree: Path) -> None:
    # Unchecked: Lambda's files never change, and the zip's 1980 would spoil a check by time.
    options = ["-q", "--invalidation-mode", "unchecked-hash", "-s", str(tree)]
    command = [sys.executable, "-m", "compileall", *options, str(tree)]
    # What is compiled depends on the hash seed (order inside sets) and on what was compiled before in the
    # same process (shared strings), so: one fixed seed and one fresh process without workers.
    done = subprocess.run(command, env=_environment() | {"PYTHONHASHSEED": "0"}, check=False)
    if done.returncode:
        raise BuildError(f"a file below {tree} does not compile")


def _append(wheels: Path, application: Path, target: Path) -> None:
    _compile(application)
    shutil.copyfile(wheels, target)
    with zipfile.ZipFile(target, "a", zipfile.ZIP_DEFLATED) as archive:
        doubled = set(archive.namelist()) & {name for name, _ in _tree(application)}
        if doubled:
            raise BuildError(f"both the application and a dependency bring {sorted(doubled)[0]}")
        _add_tree(archive, application)


def _add_tree(archive: zipfile.ZipFile, tree: Path) -> None:
    for name, path in _tree(tree):
        entry = zipfile.ZipInfo(name, _EPOCH)
        entry.external_attr = (0o755 if path.suffix == ".so" else 0o644) << 16
        entry.compress_type = zipfile.ZIP_DEFLATED
        archive.writestr(entry, path.read_bytes())


def _tree(folder: Path) -> list[tuple[str, Path]]:
    return sorted((path.relative_to(folder).as_posix(), path) for path in folder.rglob("*") if path.is_file())


def _report(archive: Path, inputs: str, seconds: dict[str, float]) -> PackageReport:
    with zipfile.ZipFile(archive) as source:
        sizes = [entry.file_size for entry in source.infolist()]
    return PackageReport(
        inputs=inputs,
        python=sys.version.split()[0],
        chalice=version("chalice"),
        files=len(sizes),
        zipped=archive.stat().st_size,
        unzipped=sum(sizes),
        sha256=_sha256(archive),
        seconds=seconds,
    )


class _Clock:
    """Says how long each step took, while it works."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def __call__(self, step: str) -> Iterator[None]:
        started = time.perf_counter()
        print(f"  {step:<12}", end="", flush=True)
        try:
            yield
        finally:
            self.seconds[step] = round(time.perf_counter() - started, 2)
            print(f" {self.seconds[step]:6.1f} s", flush=True)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _fresh(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def _write(path: Path, content: Json) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=2, sort_keys=True) + "\n", "utf-8")


def describe(report: PackageReport) -> str:
    """One line for the person who waits."""
    size = f"{report.files} files, {report.zipped / 1e6:.1f} MB zipped, {report.unzipped / 1e6:.1f} MB unzipped"
    return f"package {'unchanged' if report.reused else 'built'}: {size}"


def main() -> int:
    """Build into build/package. Status 2 where something of ours is wrong, with one sentence about it."""
    try:
        print(describe(build()))
    except (BuildError, PolicyError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
