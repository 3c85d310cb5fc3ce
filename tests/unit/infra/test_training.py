"""The retraining job: not there unless wanted, lintable, and with no right it does not need."""

import json
import subprocess
import sys
import zipfile
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
from moto import mock_aws

from chalicelib.aws.models import Models
from chalicelib.flows import work
from chalicelib.flows.receive import delivery
from chalicelib.policy import Policy, PolicyError, Training, load
from chalicelib.rights import Caller
from chalicelib.store.rows import from_wire, item_of
from infra.functions import FUNCTIONS
from infra.policies import role_policy
from infra.template import merge_template
from infra.training import training, write_source
from tests import letters
from tests.cloud import BUCKETS, Cloud
from tests.conftest import ROOT
from tests.unit.infra.test_merge_template import desk_with
from tests.unit.infra.test_rights import Used, patterns
from training.loop import kept, labels

EVERY_SUNDAY = 'schedule = "cron(0 2 ? * SUN *)"'


@pytest.fixture(scope="module")
def desk() -> Policy:
    return desk_with('schedule = ""', EVERY_SUNDAY)


@pytest.fixture(scope="module")
def resources(desk: Policy) -> dict[str, Any]:
    found: dict[str, Any] = merge_template(desk)["Resources"]
    return found


def statements(resources: dict[str, Any], role: str) -> list[dict[str, Any]]:
    (policy,) = resources[role]["Properties"]["Policies"]
    found: list[dict[str, Any]] = policy["PolicyDocument"]["Statement"]
    return found


def test_the_desk_as_it_comes_has_no_job() -> None:
    assert load().training == Training("", 24)
    assert training(load().training) == {}
    assert not [name for name in merge_template(load())["Resources"] if "Training" in name or "Signing" in name]


@pytest.mark.parametrize("schedule", ["cron(0 2 ? * SUN *)", "cron(15 3 1 * ? *)", "rate(1 day)", "rate(14 days)", ""])
def test_schedules_are_those_of_eventbridge(schedule: str) -> None:
    assert desk_with('schedule = ""', f'schedule = "{schedule}"').training.schedule == schedule


@pytest.mark.parametrize("schedule", ["weekly", "rate(1 minute)", "rate(0 days)", "cron(0 2 * * *)", "cron()", "at(1)"])
def test_other_schedules_are_refused_by_their_line(schedule: str) -> None:
    with pytest.raises(PolicyError, match=r"line \d+: training\.schedule: must be such as"):
        desk_with('schedule = ""', f'schedule = "{schedule}"')


@pytest.mark.parametrize("months", ["0", "601", "true", '"24"', "1.5"])
def test_months_are_a_number_of_months(months: str) -> None:
    with pytest.raises(PolicyError, match=r"training\.months: must be a whole number"):
        desk_with("months = 24", f"months = {months}")


def test_what_has_a_name_of_its_own_goes_with_the_job_so_that_it_can_be_switched_on_again(
    resources: dict[str, Any],
) -> None:
    named = [r for r in resources.values() if {"Name", "QueueName"} & r.get("Properties", {}).keys()]
    assert resources["SigningKey"] in named
    assert not [r for r in named if "DeletionPolicy" in r or "UpdateReplacePolicy" in r]


def test_the_job_runs_the_same_command_from_locked_requirements(resources: dict[str, Any]) -> None:
    project = resources["TrainingProject"]["Properties"]
    spec = json.loads(project["Source"]["BuildSpec"])
    (install,), (retrain,) = (spec["phases"][phase]["commands"] for phase in ("install", "build"))
    assert install.endswith("--require-hashes -r requirements/training.txt")
    assert retrain == 'python -m sortownia.cli retrain --stack "$STACK" --months 24'
    assert project["Source"]["Location"] == {"Fn::Sub": "${ModelBucket}/training/source.zip"}
    assert project["ConcurrentBuildLimit"] == 1
    assert resources["TrainingSchedule"]["Properties"]["ScheduleExpression"] == "cron(0 2 ? * SUN *)"


def test_the_signing_key_is_read_by_the_job_alone(resources: dict[str, Any], desk: Policy) -> None:
    reads = [s for s in statements(resources, "TrainingRole") if "secretsmanager:GetSecretValue" in s["Action"]]
    assert [s["Resource"] for s in reads] == [[{"Ref": "SigningKey"}]]
    for function in FUNCTIONS:
        for statement in role_policy(function, desk)["Statement"]:
            if any(action.startswith("secretsmanager:") for action in statement["Action"]):
                assert all("/hooks/" in where["Fn::Sub"] for where in statement["Resource"]), function.name


def test_the_job_changes_nothing_but_the_bucket_of_models(resources: dict[str, Any]) -> None:
    reading = ("Get", "BatchGet", "Query", "List")
    for statement in statements(resources, "TrainingRole"):
        for action in statement["Action"]:
            service, _, verb = action.partition(":")
            if service != "logs" and not verb.startswith(reading):
                assert action == "s3:PutObject"
                assert all("${ModelBucket.Arn}/" in where["Fn::Sub"] for where in statement["Resource"])
                assert not any("training/" in where["Fn::Sub"] for where in statement["Resource"]), "its own source"
    assert "dynamodb:Scan" not in json.dumps(resources["TrainingRole"])


def test_every_call_of_the_job_is_allowed_by_its_role(resources: dict[str, Any]) -> None:
    """What it reads of the table and the raw bucket, and all that it does with the bucket of models."""
    with mock_aws():
        cloud = Cloud()
        world = cloud.deploy()
        models = Models(cloud.s3, BUCKETS[2])
        delivery(letters.store_mail(world, "ses-1", letters.mail("word " * 1000)), "m-1", 1, world)
        item = next(item_of(from_wire(row)) for row in cloud.rows() if row["kind"]["S"] == "item")
        work.tag(item.id, item.version, "other", None, Caller("supervisor-1", frozenset({"supervisor"})), world)

        def turned() -> None:
            found = labels.harvest(world, 1)
            assert len(found.decisions) == 1
            assert not models.has("m-1")
            models.pointer()
            kept.grown(models, lambda _: [kept.Row({"topic": "other"}, place=found.decisions[0].place)])
            for _ in ("written", "and again, for the answer was late"):
                models.write("refused/m-1/now.json", b"{}", None)
            models.write("models/m-1/reports/now.json", b"{}", None)
            models.store("m-1", {"manifest.json": b"{}"})
            models.publish("m-1", None, world.now(), "test")

        used = Used(cloud).during(turned)
        granted = [
            (action, pattern)
            for statement in statements(resources, "TrainingRole")
            if statement["Resource"] not in ([{"Ref": "SigningKey"}], [{"Fn::GetAtt": ["TrainingLog", "Arn"]}])
            for action in statement["Action"]
            for pattern in patterns(statement, cloud)
        ]
        assert {name for name, _ in used} >= {"dynamodb:Query", "dynamodb:BatchGetItem", "s3:GetObject", "s3:PutObject"}
        assert not [(a, r) for a, r in used if not any(a == b and fnmatchcase(r, g) for b, g in granted)]


def test_the_schedule_may_start_the_job_and_nothing_else(resources: dict[str, Any]) -> None:
    assert statements(resources, "TrainingScheduleRole") == [
        {
            "Effect": "Allow",
            "Action": ["codebuild:StartBuild"],
            "Resource": [{"Fn::GetAtt": ["TrainingProject", "Arn"]}],
        }
    ]


def test_cloudformation_finds_no_fault_with_the_job(desk: Policy, tmp_path: Path) -> None:
    merged = merge_template(desk)
    wanted = {**training(desk.training), **{n: merged["Resources"][n] for n in ("ModelBucket", "RawBucket", "Table")}}
    wanted |= {
        name: merged["Resources"][name] for name in ("AlarmTopic", "RecheckQueue", "RecheckQueuePolicy", "ParkingQueue")
    }
    parameters = {n: merged["Parameters"][n] for n in ("InboundVisibilitySeconds", "RecheckDelaySeconds")}
    template = {"AWSTemplateFormatVersion": "2010-09-09", "Parameters": parameters, "Resources": wanted}
    (tmp_path / "template.json").write_text(json.dumps(template))
    program = Path(sys.executable).with_name("cfn-lint")
    done = subprocess.run([program, tmp_path / "template.json"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_source_runs_by_itself(tmp_path: Path) -> None:
    """From the zip alone, with what the job installs: the command starts, and asks for nothing that is not there."""
    write_source(ROOT, tmp_path / "source.zip")
    write_source(ROOT, tmp_path / "again.zip")
    assert (tmp_path / "source.zip").read_bytes() == (tmp_path / "again.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "source.zip") as archive:
        names = set(archive.namelist())
        archive.extractall(tmp_path / "source")
    assert {"requirements/training.txt", "training/corpus/labels.toml", "chalicelib/desk.toml"} <= names
    assert not [name for name in names if name.startswith(("build/", "tests/")) or name.endswith((".pyc", ".key"))]
    code = (
        "import sys; sys.path.insert(0, '.')\n"
        "from sortownia.cli import main\n"
        "import training.loop.turn, training.loop.fitting\n"
        "status = main(['retrain', '--stack', 'nowhere'])\n"
        "stray = sorted({m.split('.')[0] for m in sys.modules} & {'aiosmtpd', 'httpx', 'moto', 'chalice'})\n"
        "print(status, stray, training.loop.turn.__file__)"
    )
    environment = {
        "PATH": "/usr/bin:/bin", "AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_MAX_ATTEMPTS": "1",
    }  # fmt: skip
    command = [sys.executable, "-I", "-c", code]
    done = subprocess.run(
        command, cwd=tmp_path / "source", env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    status, stray, place = done.stdout.strip().split(" ", 2)
    assert (status, stray) == ("2", "[]"), done.stderr
    assert Path(place).is_relative_to(tmp_path / "source")
    assert "nowhere-receive" in done.stderr
