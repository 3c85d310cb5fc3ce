import json
import sys
import zipfile
from pathlib import Path

import pytest

from chalicelib.policy import PolicyError
from infra import check_python, package
from infra.package import BuildError, build, with_code_uri
from infra.verify import contents, functions

SOURCES = {
    "app.py": "",
    "requirements.txt": "",
    "chalicelib/__init__.py": "",
    "chalicelib/desk.toml": "",
    "classifiers/__init__.py": "",
    "classifiers/starter/manifest.json": "{}",
    "classifiers/starter.sha256": "",
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name, text in SOURCES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, "utf-8")
    desk = package.ROOT / "chalicelib" / "desk.toml"
    (tmp_path / "chalicelib" / "desk.toml").write_bytes(desk.read_bytes())
    return tmp_path


def test_an_older_python_is_refused_in_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 11, 9, "final", 0))
    with pytest.raises(SystemExit, match=r"needs Python 3\.12 or newer"):
        check_python()


def test_a_broken_desk_is_refused_with_its_line(project: Path) -> None:
    desk = project / "chalicelib" / "desk.toml"
    text = desk.read_text("utf-8").replace('order = "orders"', 'order = "nobody"')
    desk.write_text(text, "utf-8")
    line = text.splitlines().index('order = "nobody"') + 1
    with pytest.raises(PolicyError, match=f"desk.toml, line {line}: topics.order"):
        build(project / "build" / "package", project)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ('"help@shop.example.com" = "Help"\n"billing@shop.example.com" = "Billing"\n', "", "no mailbox"),
        ("[queues.spam]", "[queues.sales1]\nmembers = []\n[queues.sales-1]\nmembers = []\n[queues.spam]", "sales"),
        ("shop-page =", 'shop1 = "slack"\nshop-1 = "slack"\nshop-page =', "shop-1"),
    ],
)
def test_a_desk_without_a_template_is_refused_in_one_sentence(project: Path, old: str, new: str, reason: str) -> None:
    desk = project / "chalicelib" / "desk.toml"
    text = desk.read_text("utf-8")
    assert old in text
    desk.write_text(text.replace(old, new), "utf-8")
    with pytest.raises(BuildError, match=f"^desk.toml: .*{reason}.*$"):
        build(project / "build" / "package", project)


@pytest.mark.parametrize("name", ["app.py", "requirements.txt", "classifiers/starter/manifest.json"])
def test_what_is_missing_is_named(project: Path, name: str) -> None:
    (project / name).unlink()
    with pytest.raises(BuildError, match=f"{name} is missing"):
        build(project / "build" / "package", project)


def test_the_hash_of_the_inputs_sees_code_and_model_but_no_leftovers(project: Path) -> None:
    before = package._inputs(project)
    leftover = project / "chalicelib" / "__pycache__" / "x.cpython-312.pyc"
    leftover.parent.mkdir()
    leftover.write_bytes(b"old")
    assert package._inputs(project) == before
    (project / "classifiers" / "starter" / "manifest.json").write_text('{"model": 2}', "utf-8")
    assert package._inputs(project) != before


def built(out: Path, inputs: str) -> None:
    """What a build from these inputs left."""
    out.mkdir(parents=True, exist_ok=True)
    (out / package.ZIP).write_bytes(b"zip")
    for name in (package.TEMPLATE, package.SES):
        (out / name).write_text("{}", "utf-8")
    report = dict.fromkeys(("python", "chalice"), "x") | dict.fromkeys(("files", "zipped", "unzipped"), 1)
    report |= {"inputs": inputs, "sha256": package._sha256(out / package.ZIP), "seconds": {}}
    (out / package.REPORT).write_text(json.dumps(report), "utf-8")


def test_a_package_that_was_damaged_is_not_used_again(project: Path) -> None:
    out = project / "build" / "package"
    built(out, "same")
    assert (kept := package._existing(out, "same")) is not None
    assert kept.reused
    assert package._existing(out, "other") is None
    (out / package.ZIP).write_bytes(b"other")
    assert package._existing(out, "same") is None


def test_the_source_of_the_job_is_of_today_also_where_the_package_is_used_again(project: Path) -> None:
    """It holds more than the package: the gate and the fit are in it alone."""
    out, desk = project / "build" / "package", project / "chalicelib" / "desk.toml"
    desk.write_text(desk.read_text("utf-8").replace('schedule = ""', 'schedule = "rate(7 days)"'), "utf-8")
    for name in ("training/loop/gate.py", "sortownia/cli.py", "pyproject.toml", "requirements/training.txt"):
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text("", "utf-8")
    built(out, package._inputs(project))
    (project / "training" / "loop" / "gate.py").write_text("changed = True", "utf-8")
    assert build(out, project).reused
    with zipfile.ZipFile(out / package.TRAINING) as archive:
        assert archive.read("training/loop/gate.py") == b"changed = True"


def test_code_in_s3_leaves_the_template_it_came_from_alone() -> None:
    function = {"Type": "AWS::Serverless::Function", "Properties": {"CodeUri": "./deployment.zip"}}
    template = {"Resources": {"Receive": function, "Table": {"Type": "AWS::DynamoDB::Table"}}}
    changed = with_code_uri(template, "code", "a/b.zip")
    assert changed["Resources"]["Receive"]["Properties"]["CodeUri"] == "s3://code/a/b.zip"
    assert function["Properties"] == {"CodeUri": "./deployment.zip"}


def test_what_is_missing_stale_or_forbidden_in_a_zip_is_found(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("app.py", "1")
        archive.writestr("sklearn/__init__.pyi", "")
    with zipfile.ZipFile(tmp_path / "x.zip") as archive:
        found = {finding.what: finding for finding in contents(archive)}
    assert not any(finding.good for finding in found.values())
    assert "sklearn" in found["has nothing it must not"].seen
    assert "app.py" in found["bytecode beside each source"].seen


def test_a_handler_outside_app_is_found() -> None:
    properties = {"Handler": "chalicelib.doors.receive", "CodeUri": "./deployment.zip", "Runtime": "python3.12"}
    template = {"Resources": {"Receive": {"Type": "AWS::Serverless::Function", "Properties": properties}}}
    assert [f.what for f in functions(template) if not f.good][:1] == ["handlers stand in app.py"]
