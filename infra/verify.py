"""Proof of the package: what is in the zip, how big it is, and that it runs with nothing beside it."""

import importlib.util
import json
import marshal
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import MAGIC_NUMBER, cache_from_source
from pathlib import Path
from types import CodeType
from typing import Any, Final

from classifiers import artifact
from classifiers.sealed import Keys, ModelError, Pinned
from infra.intrinsics import Json
from infra.package import OUT, ROOT, SES, TEMPLATE, ZIP
from sortownia.local.error import LocalError
from sortownia.local.stack import LocalStack
from training import signing

MOST_UNZIPPED: Final = 130_000_000
MOST_ZIPPED: Final = 50_000_000  # what Lambda takes without S3
EVENTS: Final = ROOT / "tests" / "events"

_MUST: Final = (
    "app.py", "chalice/app.py", "chalicelib/desk.toml", "chalicelib/policy.py", "classifiers/artifact.py",
    "classifiers/starter/manifest.json", "numpy/__init__.py", "pydantic/__init__.py", "jwt/__init__.py",
    "cryptography/__init__.py", "publicsuffixlist/public_suffix_list.dat", "tzdata/zoneinfo/Europe/Warsaw",
)  # fmt: skip
_NATIVE: Final = (
    "numpy/_core/_multiarray_umath",
    "pydantic_core/_pydantic_core",
    "cryptography/hazmat/bindings/_rust",
)
_MODEL: Final = "classifiers/starter"
_NEVER: Final = frozenset(
    {
        "training",
        "sortownia",
        "infra",
        "tests",
        "sklearn",
        "scipy",
        "joblib",
        "boto3",
        "botocore",
        "s3transfer",
    }
)
# What Lambda's Python brings along.
_RUNTIME: Final = ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "six", "urllib3")
_UNCHECKED: Final = (1).to_bytes(4, "little")
_SECONDS: Final = 120

MAIL: Final = b"""\
Return-Path: <anna@customer.example.com>
From: Anna <anna@customer.example.com>
To: help@shop.example.com
Subject: Where is my parcel?
Message-ID: <20261120.1014@customer.example.com>
Date: Fri, 20 Nov 2026 10:14:05 +0100
MIME-Version: 1.0
Content-Type: text/plain; charset=utf-8

Hello, my order 4711 was to arrive on Tuesday. Where is it now?

Anna
""".replace(b"\n", b"\r\n")

# Runs in an interpreter that knows the standard library, the package and Lambda's own boto3, nothing else.
_RUN: Final = """
import json, sys
package, runtime = sys.argv[1:]
sys.path[:0] = [package]
sys.path.append(runtime)
import app
context = type("Context", (), {"aws_request_id": "verify", "function_name": "verify"})
context.get_remaining_time_in_millis = staticmethod(lambda: 60000)
answers = {name: getattr(app, name)(event, context()) for name, event in json.load(sys.stdin).items()}
json.dump({"answers": answers, "outside": [p for p in sys.path if "site-packages" in p]}, sys.stdout)
"""
# Handler of app.py -> the recorded event it is called with.
_DOORS: Final = {
    "receive": "sqs-ses-notice",
    "timers": "sqs-timer",
    "send": "sqs-ses-delivery",
    "recheck": "sqs-s3-stored",
    "watch": "schedule",
    "app": "api-health",
}
_ALL_HANDLED: Final[Json] = {"batchItemFailures": []}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    what: str
    good: bool
    seen: str


def verify(package: Path = OUT) -> list[Finding]:
    """Everything that can be known of a built package without an AWS account."""
    try:
        template = json.loads((package / TEMPLATE).read_text("utf-8"))
        json.loads((package / SES).read_text("utf-8"))
        with zipfile.ZipFile(package / ZIP) as archive:
            findings = [*contents(archive), *sizes(archive, (package / ZIP).stat().st_size), signed(archive)]
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        return [Finding("package", False, f"incomplete: {error}")]
    findings += functions(template)
    if all(finding.good for finding in findings):
        findings += isolated_run(package)
    return findings


# The zip


def contents(archive: zipfile.ZipFile) -> list[Finding]:
    """What is in the zip, what is not, and that every source has its bytecode."""
    names = set(archive.namelist())
    tops = {name.split("/", 1)[0].removesuffix(".py") for name in names}
    missing = [name for name in _MUST if name not in names]
    missing += [stem for stem in _NATIVE if not any(n.startswith(stem) and n.endswith(".so") for n in names)]
    sources = sorted(name for name in names if name.endswith(".py"))
    stale = [name for name in sources if not _compiled(archive, name)]
    rubbish = [name for name in names if "/tests/" in name or name.endswith((".pyi", ".h", ".pxd", ".a"))]
    return [
        _none("has what it needs", missing, f"{len(_MUST) + len(_NATIVE)} looked for"),
        _none("has nothing it must not", sorted(tops & _NEVER), "no training, tests, scikit-learn, boto3"),
        _none("bytecode beside each source", stale, f"{len(sources)} files, unchecked hash"),
        _none("pruned", sorted(rubbish), "no tests, stubs or headers of the dependencies"),
    ]


def _compiled(archive: zipfile.ZipFile, source: str) -> bool:
    """Whether this interpreter would take the bytecode in the zip, and it belongs to the source."""
    try:
        compiled = archive.read(cache_from_source(source))
    except KeyError:
        return False
    header = MAGIC_NUMBER + _UNCHECKED + importlib.util.source_hash(archive.read(source))
    return compiled.startswith(header) and isinstance(marshal.loads(compiled[16:]), CodeType)


def sizes(archive: zipfile.ZipFile, zipped: int) -> list[Finding]:
    """The zip against Lambda's limits and our own budget."""
    unzipped = sum(entry.file_size for entry in archive.infolist())
    return [
        Finding("unzipped", unzipped <= MOST_UNZIPPED, f"{unzipped / 1e6:.1f} MB of {MOST_UNZIPPED / 1e6:.0f}"),
        Finding("zipped", zipped <= MOST_ZIPPED, f"{zipped / 1e6:.1f} MB of {MOST_ZIPPED / 1e6:.0f}"),
    ]


@dataclass(frozen=True, slots=True)
class _Zipped:
    """The packaged model's files."""

    archive: zipfile.ZipFile
    where: str = _MODEL

    def names(self) -> list[str]:
        """All that lies in its folder."""
        inside = f"{self.where}/"
        return [name.removeprefix(inside) for name in self.archive.namelist() if name.startswith(inside)]

    def read(self, name: str, most: int) -> bytes | None:
        """The first bytes of a file."""
        try:
            with self.archive.open(f"{self.where}/{name}") as file:
                return file.read(most)
        except KeyError:
            return None


def signed(archive: zipfile.ZipFile, trust: Keys | None = None) -> Finding:
    """That a key trusted here signed the packaged model, and that it is the one whose digest is pinned.

    Functions then compare the digest alone (decision 21).
    """
    what, files = "the model is signed and pinned", _Zipped(archive)
    try:
        model = artifact.load(files, signing.trusted() if trust is None else trust)
        artifact.load(files, Pinned(archive.read(f"{_MODEL}.sha256").decode("ascii").strip()))
    except (ModelError, signing.KeyProblem, KeyError, UnicodeDecodeError) as problem:
        return Finding(what, False, str(problem))
    return Finding(what, True, model.model_id)


# The template


def functions(template: Json) -> list[Finding]:
    """That each function is called in app.py, where its middleware runs, and runs the code we packaged."""
    found = [r["Properties"] for r in template["Resources"].values() if r["Type"] == "AWS::Serverless::Function"]
    elsewhere = [f["Handler"] for f in found if not f["Handler"].startswith("app.")]
    foreign = [f["Handler"] for f in found if f["CodeUri"] != f"./{ZIP}"]
    runtime = f"python3.{sys.version_info.minor}"
    other = [f["Handler"] for f in found if f["Runtime"] != runtime]
    return [
        _none("handlers stand in app.py", elsewhere, ", ".join(sorted(f["Handler"] for f in found))),
        _none("functions run this zip", foreign, ZIP),
        _none("runtime fits the bytecode", other, runtime),
    ]


# The run


def isolated_run(package: Path) -> list[Finding]:
    """Recorded events through the doors of app.py in a bare interpreter, against the deployed template."""
    parameters = {"OidcIssuer": "https://issuer.example", "OidcAudience": "sortownia"}
    try:
        with LocalStack(port=0, package=package, name="verify", parameters=parameters) as stack:
            return [_deployed(stack), *_received(stack, package)]
    except LocalError as error:
        return [Finding("template deploys to the emulator", False, str(error))]


def _deployed(stack: LocalStack) -> Finding:
    resources = stack.client("cloudformation").get_paginator("list_stack_resources")
    count = sum(len(page["StackResourceSummaries"]) for page in resources.paginate(StackName=stack.name))
    return Finding("template deploys to the emulator", True, f"{count} resources")


def _received(stack: LocalStack, package: Path) -> list[Finding]:
    events = {door: json.loads((EVENTS / f"{name}.json").read_text("utf-8")) for door, name in _DOORS.items()}
    key = json.loads(events["receive"]["Records"][0]["body"])["receipt"]["action"]["objectKey"]
    stack.client("s3").put_object(Bucket=stack.raw_bucket, Key=key, Body=MAIL)
    done = _run_bare(package, events, _environment(stack))
    if done.returncode:
        return [Finding("runs with nothing beside it", False, _last_lines(done.stderr))]
    said = json.loads(done.stdout.splitlines()[-1])
    shut = [door for door, answer in said["answers"].items() if not _opened(answer)]
    rows = _items(stack)
    return [
        _none("runs with nothing beside it", said["outside"], "standard library and Lambda's boto3 only"),
        _none("doors answer recorded events", shut, ", ".join(f"app.{door}" for door in _DOORS)),
        Finding("the mail became one item", len(rows) == 1, _described(rows)),
    ]


def _opened(answer: Any) -> bool:
    return answer is None or answer == _ALL_HANDLED or answer.get("statusCode") == 200


def _environment(stack: LocalStack) -> dict[str, str]:
    name = stack.resource("APIHandler")  # the one whose environment opens every door, HTTP too
    deployed = stack.client("lambda").get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    return {"LANG": "C.UTF-8", "NO_PROXY": "*", **deployed, **stack.credentials}


def _run_bare(package: Path, events: Json, environment: Mapping[str, str]) -> "subprocess.CompletedProcess[str]":
    with tempfile.TemporaryDirectory(prefix=".verify-", dir=package) as folder:
        code, runtime = Path(folder) / "code", Path(folder) / "runtime"
        with zipfile.ZipFile(package / ZIP) as archive:
            archive.extractall(code)
        link_runtime(runtime)
        # -S leaves out site-packages, -I the environment and the current folder.
        command = [sys.executable, "-I", "-S", "-B", "-c", _RUN, str(code), str(runtime)]
        return subprocess.run(
            command,
            input=json.dumps(events),
            env=dict(environment),
            cwd=code,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )


def link_runtime(folder: Path) -> None:
    """A folder that holds what Lambda's Python brings along, and nothing else of this environment."""
    folder.mkdir()
    for name in _RUNTIME:
        spec = importlib.util.find_spec(name)
        if spec is None or spec.origin is None:
            raise LocalError(f"{name} is not installed here, so Lambda's runtime cannot be imitated.")
        origin = Path(spec.origin)
        place = origin.parent if spec.submodule_search_locations else origin
        (folder / place.name).symlink_to(place)


def _items(stack: LocalStack) -> list[Any]:
    pages = (
        stack.client("dynamodb")
        .get_paginator("scan")
        .paginate(
            TableName=stack.table,
            FilterExpression="#kind = :item",
            ExpressionAttributeNames={"#kind": "kind"},
            ExpressionAttributeValues={":item": {"S": "item"}},
        )
    )
    return [row for page in pages for row in page["Items"]]


def _described(rows: Sequence[Any]) -> str:
    if len(rows) != 1:
        return f"{len(rows)} item rows in the table"
    row = rows[0]
    return " ".join(f"{name} {row[name]['S']}" for name in ("state", "queue", "topic") if "S" in row.get(name, {}))


# Telling


def _none(what: str, bad: Sequence[str], good: str) -> Finding:
    shown = ", ".join(bad[:5]) + (f" and {len(bad) - 5} more" if len(bad) > 5 else "")
    return Finding(what, not bad, shown or good)


def _last_lines(text: str) -> str:
    return " | ".join(line.strip() for line in text.strip().splitlines()[-6:]) or "no output"


def table_of(findings: Iterable[Finding]) -> str:
    """The findings for a terminal, one line each."""
    return "\n".join(f"  {'ok ' if f.good else 'BAD'} {f.what:<34} {f.seen}" for f in findings)


def main() -> int:
    """Verify build/package, print what was found, and return 1 where something is wrong."""
    findings = verify()
    print(table_of(findings))
    return 0 if all(finding.good for finding in findings) else 1


if __name__ == "__main__":
    sys.exit(main())
