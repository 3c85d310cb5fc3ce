"""The template as Chalice packages it: what only the whole shows."""

import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from chalicelib.policy import load
from classifiers.sealed import Keys
from infra.config import LOG_RETENTION_DAYS
from infra.functions import FUNCTIONS, camel
from infra.package import OUT, SES, TEMPLATE, ZIP, build
from infra.policies import role_policy
from infra.template import merge_template
from infra.verify import contents, functions, signed, sizes


@pytest.fixture(scope="module")
def package() -> Path:
    """build/package, made where it is missing or out of date."""
    build(OUT)
    return OUT


@pytest.fixture(scope="module")
def resources(package: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((package / TEMPLATE).read_text("utf-8"))["Resources"]
    return found


def test_the_functions_of_the_application_are_those_we_know(resources: dict[str, Any]) -> None:
    packaged = {name for name, r in resources.items() if r["Type"] == "AWS::Serverless::Function"}
    assert packaged == {function.logical_id for function in FUNCTIONS}


def test_every_override_met_what_it_overrides(resources: dict[str, Any]) -> None:
    assert [name for name, resource in resources.items() if "Type" not in resource] == []
    for function in FUNCTIONS:
        properties = resources[function.logical_id]["Properties"]
        for event in properties.get("Events", {}).values():
            assert "Type" in event, "the event source is spelled as Chalice spells it"
        if function.source == "queue":
            assert properties["Events"][function.event_id]["Properties"]["Queue"] == {
                "Fn::GetAtt": [function.reads, "Arn"]
            }
        assert properties["MemorySize"] == function.memory_mb
        assert properties["Timeout"] == function.timeout_seconds


def test_roles_pass_through_with_their_intrinsics(resources: dict[str, Any]) -> None:
    for function in FUNCTIONS:
        role = resources[f"{camel(function.name)}Role"]["Properties"]
        assert [p["PolicyDocument"] for p in role["Policies"]] == [role_policy(function, load())]
        assert resources[function.logical_id]["Properties"]["Role"] == {
            "Fn::GetAtt": [f"{camel(function.name)}Role", "Arn"]
        }


def test_logs_go_where_the_role_may_write_and_do_not_stay_for_ever(resources: dict[str, Any]) -> None:
    groups = {n: r["Properties"] for n, r in resources.items() if r["Type"] == "AWS::Logs::LogGroup"}
    assert len(groups) == len(FUNCTIONS)
    for function in FUNCTIONS:
        group = groups[f"{camel(function.name)}LogGroup"]
        assert group["LogGroupName"] == {"Fn::Sub": f"/aws/lambda/${{AWS::StackName}}-{function.short_name}"}
        assert group["RetentionInDays"] == LOG_RETENTION_DAYS


def test_nothing_of_the_merged_template_got_lost(resources: dict[str, Any]) -> None:
    for name, resource in merge_template(load())["Resources"].items():
        if "Type" in resource:
            assert resources[name] == resource


def test_the_zip_is_as_promised(package: Path) -> None:
    template = json.loads((package / TEMPLATE).read_text("utf-8"))
    with zipfile.ZipFile(package / ZIP) as archive:
        findings = [*contents(archive), *sizes(archive, (package / ZIP).stat().st_size), *functions(template)]
        findings.append(signed(archive))
    assert [finding for finding in findings if not finding.good] == []


def test_a_package_whose_model_a_stranger_signed_is_found_out(package: Path) -> None:
    with zipfile.ZipFile(package / ZIP) as archive:
        found = signed(archive, Keys(frozenset()))
    assert not found.good
    assert "not trusted here" in found.seen


def test_a_package_whose_model_was_exchanged_is_found_out(package: Path, tmp_path: Path) -> None:
    """Even for one that is signed: functions believe the digest, so the digest must be of this very model."""
    with zipfile.ZipFile(package / ZIP) as archive, zipfile.ZipFile(tmp_path / "other.zip", "w") as other:
        for name in archive.namelist():
            if name.startswith("classifiers/starter"):
                other.writestr(name, "0" * 64 if name.endswith(".sha256") else archive.read(name))
    with zipfile.ZipFile(tmp_path / "other.zip") as archive:
        found = signed(archive)
    assert not found.good
    assert "whose SHA-256 is pinned" in found.seen


@pytest.mark.parametrize("name", [TEMPLATE, SES])
def test_cloudformation_finds_no_fault(package: Path, name: str) -> None:
    program = Path(sys.executable).with_name("cfn-lint")
    done = subprocess.run([program, package / name], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")
