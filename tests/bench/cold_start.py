"""CPU of a cold start of `receive`, beside the same package serving the scikit-learn pipeline.

`cold_start_ratio`: both with the same libraries and bytecode. `cold_start_ratio_plain`: that pipeline in a plain
Chalice zip: no bytecode, and the routes in every function. The runtime's boto3 is compiled on all sides.
"""

import compileall
import json
import resource
import shutil
import statistics
import subprocess
import sys
import zipfile
from importlib.metadata import distribution
from pathlib import Path
from py_compile import PycInvalidationMode
from typing import Any, Final

from infra.package import OUT, ROOT, ZIP, build
from infra.verify import EVENTS, MAIL, link_runtime
from sortownia.local.stack import LocalStack

WORK: Final = ROOT / "build" / "bench"
RUNS: Final = 7
_SCIKIT: Final = ("scikit-learn", "scipy", "joblib", "cloudpickle", "threadpoolctl", "narwhals")

# One fresh process: import, model, one recorded event.
_RUN: Final = """
import json, os, sys
code, runtime, serve = sys.argv[1:]
sys.path[:0] = [code]
sys.path.append(runtime)
import app
if serve:
    import scikit_model
    from chalicelib import world
    world.load = scikit_model.load
answer = app.receive(json.load(sys.stdin), None)
assert answer == {"batchItemFailures": []}, answer
from chalicelib.world import world
assert world().model is not None
os._exit(0)  # a function goes on living: what an interpreter does at its end is no part of its start
"""

# Serves the kept pipeline behind the interface of our model.
_SCIKIT_MODEL: Final = '''
from pathlib import Path

import joblib

from classifiers.model import Tag, Tags
from classifiers.text import Document, told


class ScikitModel:
    """The fitted pipeline, as a Lambda would serve it without an export."""

    model_id = "scikit-learn"

    def __init__(self, fitted):
        self.fitted, self.heads = fitted, fitted.heads

    def head(self, name):
        return next(head for head in self.fitted.heads if head.name == name)

    def tag(self, subject, body, channel):
        scores = self.fitted.scores([Document(told(subject, body), channel)])
        said = {name: self._tag(name, shares[0]) for name, shares in scores.items()}
        return Tags(self.model_id, said["topic"], said["urgency"], said["language"].label, ())

    def _tag(self, name, shares):
        best = int(shares.argmax())
        return Tag(self.head(name).labels[best], float(shares[best]), False, {})


def load(_directory, _trust):
    return ScikitModel(joblib.load(Path(__file__).with_name("starter.joblib")))
'''


def measure(package: Path = OUT) -> dict[str, float]:
    """Medians of seven, taken in turns; ratios of CPU, user and system."""
    build(package)
    shutil.rmtree(WORK, ignore_errors=True)
    ours, scikit, plain, runtime = (WORK / name for name in ("ours", "scikit", "plain", "runtime"))
    with zipfile.ZipFile(package / ZIP) as archive:
        archive.extractall(ours)
    link_runtime(WORK / "links")
    shutil.copytree(WORK / "links", runtime)  # copies what is linked to, so that it can be compiled
    _compile(runtime)
    _with_scikit(ours, scikit)
    shutil.copytree(scikit, plain, ignore=shutil.ignore_patterns("__pycache__"))
    took: dict[str, list[float]] = {"ours": [], "scikit": [], "plain": []}
    parameters = {"OidcIssuer": "https://issuer.example.com", "OidcAudience": "sortownia"}
    with LocalStack(port=0, package=package, name="cold", parameters=parameters) as stack:
        _quiet(stack)
        for number in range(RUNS):
            for name, code in (("ours", ours), ("scikit", scikit), ("plain", plain)):
                took[name].append(_cold_start(stack, code, runtime, name, number))
    ours_ms, scikit_ms, plain_ms = (statistics.median(times) for times in took.values())
    shutil.rmtree(WORK)
    return {
        "cold_start_cpu_ms": round(ours_ms),
        "cold_start_sklearn_cpu_ms": round(scikit_ms),
        "cold_start_plain_cpu_ms": round(plain_ms),
        "cold_start_ratio": round(scikit_ms / ours_ms, 2),
        "cold_start_ratio_plain": round(plain_ms / ours_ms, 2),
    }


def _quiet(stack: LocalStack) -> None:
    """Stops the functions that the runs would set in motion: they would share the cores with what is measured."""
    functions = stack.client("lambda")
    for mapping in functions.list_event_source_mappings()["EventSourceMappings"]:
        functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)


def _with_scikit(ours: Path, folder: Path) -> None:
    """Our package with scikit-learn, the kept pipeline and the code it was fitted with, all compiled."""
    shutil.copytree(ours, folder)
    for name in _SCIKIT:
        for file in distribution(name).files or ():
            source, target = Path(str(file.locate())), folder / str(file)
            if ".." in file.parts or not source.is_file() or source.suffix == ".pyc":
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
    shutil.copytree(ROOT / "training", folder / "training", ignore=shutil.ignore_patterns("corpus", "__pycache__"))
    shutil.copyfile(ROOT / "build" / "starter.joblib", folder / "starter.joblib")
    (folder / "scikit_model.py").write_text(_SCIKIT_MODEL)
    _compile(folder)


def _compile(folder: Path) -> None:
    compileall.compile_dir(folder, quiet=2, invalidation_mode=PycInvalidationMode.UNCHECKED_HASH)


def _cold_start(stack: LocalStack, code: Path, runtime: Path, name: str, number: int) -> float:
    event, key = _event(f"{name}-{number}")
    stack.client("s3").put_object(Bucket=stack.raw_bucket, Key=key, Body=MAIL.replace(b"4711", str(number).encode()))
    function = stack.function_name("receive")
    deployed = stack.client("lambda").get_function_configuration(FunctionName=function)["Environment"]["Variables"]
    serve = "" if name == "ours" else "scikit-learn"
    routes = "off" if name in ("ours", "scikit") else "on"  # a plain Chalice app imports its routes in every function
    command = [sys.executable, "-I", "-S", "-B", "-c", _RUN, str(code), str(runtime), serve]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        command, input=json.dumps(event), text=True, check=True, cwd=code,
        env={"LANG": "C.UTF-8", "NO_PROXY": "*", **deployed, "ROUTES": routes, **stack.credentials},
    )  # fmt: skip
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return 1000 * (after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)


def _event(delivery: str) -> tuple[dict[str, Any], str]:
    """The recorded event with a delivery id of its own, and where its mail must lie."""
    event: dict[str, Any] = json.loads((EVENTS / "sqs-ses-notice.json").read_text())
    record = event["Records"][0]
    notice = json.loads(record["body"])
    notice["mail"]["messageId"], key = delivery, f"mail/{delivery}"
    notice["receipt"]["action"]["objectKey"] = key
    record["body"] = json.dumps(notice)
    return {**event, "Records": [record]}, key
