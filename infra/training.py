"""The job that retrains on a schedule, in a desk that wants it: CodeBuild, since scikit-learn does not fit a function.

It runs `sortownia retrain` from a zip of this project, and may read what people decided and what customers wrote,
change the bucket of models, and sign. Nothing else may read the signing key.
"""

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from chalicelib.policy import Training
from infra.intrinsics import Json, allow, arn, attribute, document, ref, resource, sub

ARCHIVE: Final = "training.zip"
SOURCE_KEY: Final = "training/source.zip"
LOG_RETENTION_DAYS: Final = 30

_FOLDERS: Final = ("chalicelib", "classifiers", "sortownia", "training")
_FILES: Final = ("pyproject.toml", "requirements/training.txt")
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
_LEFT_OUT: Final = (".pyc",)


def training(wanted: Training) -> Json:
    """The resources of the job; none where the desk does not want it."""
    if not wanted.schedule:
        return {}
    return {
        # Not kept: under its name no other could be made when the job is switched on again, and what it signed is
        # believed by the public half.
        "SigningKey": resource("AWS::SecretsManager::Secret", _secret()),
        "TrainingLog": resource(
            "AWS::Logs::LogGroup",
            {"LogGroupName": sub("/aws/codebuild/${AWS::StackName}-training"), "RetentionInDays": LOG_RETENTION_DAYS},
        ),
        "TrainingRole": resource("AWS::IAM::Role", _role("codebuild.amazonaws.com", "train", _statements())),
        "TrainingProject": resource("AWS::CodeBuild::Project", _project(wanted)),
        "TrainingScheduleRole": resource(
            "AWS::IAM::Role",
            _role("events.amazonaws.com", "start", [allow(["codebuild:StartBuild"], [arn("TrainingProject")])]),
        ),
        "TrainingSchedule": resource("AWS::Events::Rule", _rule(wanted)),
        "TrainingAlarm": resource("AWS::CloudWatch::Alarm", _alarm()),
    }


def write_source(root: Path, target: Path) -> None:
    """The zip the job runs from: what it imports, the corpus, the starter model, and its locked requirements."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, path in _sources(root):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.external_attr = 0o644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, path.read_bytes())


def _sources(root: Path) -> Iterator[tuple[str, Path]]:
    paths = [path for folder in _FOLDERS for path in (root / folder).rglob("*") if path.is_file()]
    for path in sorted([*paths, *(root / name for name in _FILES)]):
        if path.suffix not in _LEFT_OUT and "__pycache__" not in path.parts:
            yield path.relative_to(root).as_posix(), path


def _secret() -> Json:
    # Without a value: `prepare-training` makes the key, for only it can tell the stack the public half.
    return {
        "Name": sub("${AWS::StackName}/signing-key"),
        "Description": "Signs the models this stack's job makes; whoever reads it can make the desk believe any model",
    }


def _project(wanted: Training) -> Json:
    return {
        "Name": sub("${AWS::StackName}-training"),
        "Description": "Learns from what people decided, and lets the new model serve if it is not worse",
        "ServiceRole": arn("TrainingRole"),
        "Source": {
            "Type": "S3",
            "Location": sub(f"${{ModelBucket}}/{SOURCE_KEY}"),
            "BuildSpec": json.dumps(_build_spec(wanted), indent=2),
        },
        "Artifacts": {"Type": "NO_ARTIFACTS"},
        "Environment": {
            "Type": "LINUX_CONTAINER",
            "Image": "aws/codebuild/standard:7.0",
            "ComputeType": "BUILD_GENERAL1_SMALL",
            "EnvironmentVariables": [{"Name": "STACK", "Value": ref("AWS::StackName")}],
        },
        "LogsConfig": {"CloudWatchLogs": {"Status": "ENABLED", "GroupName": ref("TrainingLog")}},
        "TimeoutInMinutes": 60,
        "QueuedTimeoutInMinutes": 60,
        "ConcurrentBuildLimit": 1,
    }


def _build_spec(wanted: Training) -> Json:
    install = "python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/training.txt"
    retrain = f'python -m sortownia.cli retrain --stack "$STACK" --months {wanted.months}'
    return {
        "version": 0.2,
        "phases": {
            "install": {"runtime-versions": {"python": "3.12"}, "commands": [install]},
            "build": {"commands": [retrain]},
        },
    }


def _rule(wanted: Training) -> Json:
    return {
        "Description": "Retraining",
        "ScheduleExpression": wanted.schedule,
        "State": "ENABLED",
        "Targets": [{"Id": "training", "Arn": arn("TrainingProject"), "RoleArn": arn("TrainingScheduleRole")}],
    }


def _role(service: str, name: str, statements: list[Json]) -> Json:
    may_take = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    if service.startswith("codebuild"):
        may_take["Condition"] = {"StringEquals": {"aws:SourceAccount": ref("AWS::AccountId")}}
    policy = {"PolicyName": name, "PolicyDocument": document(statements)}
    return {"AssumeRolePolicyDocument": document([may_take]), "Policies": [policy]}


def _statements() -> list[Json]:
    bucket, raw = "${ModelBucket.Arn}", "${RawBucket.Arn}"
    receive = "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:${AWS::StackName}-receive"
    # What was written is read where the answer was late: the next attempt is refused for it.
    kept = [sub(f"{bucket}/{key}") for key in ("models/*", "refused/*", "serving.json", "hold-out.jsonl.gz")]
    of_customers = {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["CUSTOMER#*"]}}
    return [
        allow(["logs:CreateLogStream", "logs:PutLogEvents"], [attribute("TrainingLog", "Arn")]),
        allow(["lambda:GetFunctionConfiguration"], [sub(receive)]),
        # Labels and histories by the index; entries of timelines and who is the same person by the table.
        allow(["dynamodb:Query"], [sub("${Table.Arn}/index/history")]),
        allow(["dynamodb:Query", "dynamodb:BatchGetItem"], [arn("Table")], of_customers),
        allow(["s3:GetObject"], [sub(f"{raw}/mail/*"), sub(f"{raw}/chat/*")]),
        allow(["s3:GetObject", "s3:GetObjectVersion"], [sub(f"{bucket}/{SOURCE_KEY}")]),
        allow(["s3:GetObject", "s3:PutObject"], kept),
        # Who may not list is told "forbidden" of what is not there.
        allow(["s3:ListBucket"], [arn("ModelBucket"), arn("RawBucket")]),
        allow(["s3:GetBucketLocation"], [arn("ModelBucket")]),
        allow(["secretsmanager:GetSecretValue"], [ref("SigningKey")]),
    ]


def _alarm() -> Json:
    return {
        "AlarmDescription": "The last retraining failed, or its model was refused: its log says why",
        "Namespace": "AWS/CodeBuild",
        "MetricName": "FailedBuilds",
        "Dimensions": [{"Name": "ProjectName", "Value": ref("TrainingProject")}],
        "Statistic": "Sum",
        "Period": 300,
        "EvaluationPeriods": 1,
        "Threshold": 0,
        "ComparisonOperator": "GreaterThanThreshold",
        "TreatMissingData": "notBreaching",
        "AlarmActions": [ref("AlarmTopic")],
    }
