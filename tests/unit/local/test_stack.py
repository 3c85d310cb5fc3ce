"""The local stack with a package of a few lines: what it shows, and that nothing of it stays."""

import json
import os
import signal
import socket
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from infra.package import TEMPLATE, ZIP
from sortownia.local.error import LocalError
from sortownia.local.stack import MINISTACK_VARIABLE, LocalStack, _ministack
from sortownia.local.template import Template

CODE = """
import os
def app(event, context):
    return {"statusCode": 200, "body": os.environ["OIDC_ISSUER"]}
def receive(event, context):
    print("received", len(event["Records"]))
    print("mail goes to", os.environ.get("AWS_ENDPOINT_URL_SESV2"))
"""
ROLE = {"Fn::GetAtt": ["Role", "Arn"]}
ASSUMED = {"Version": "2012-10-17", "Statement": []}


def function(name: str, **more: Any) -> dict[str, Any]:
    properties = {"Handler": f"app.{name}", "Runtime": "python3.12", "CodeUri": "./deployment.zip", "Role": ROLE}
    return {"Type": "AWS::Serverless::Function", "Properties": properties | more}


def template() -> dict[str, Any]:
    queue = {"Queue": {"Fn::GetAtt": ["InboundQueue", "Arn"]}, "BatchSize": 10}
    scaling = {"ScalingConfig": {"MaximumConcurrency": 20}}
    integration = {
        "type": "aws_proxy",
        "httpMethod": "POST",
        "uri": {
            "Fn::Sub": "arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions"
            "/${APIHandler.Arn}/invocations"
        },
    }
    paths = {"/v1/health": {"get": {"x-amazon-apigateway-integration": integration, "responses": {}}}}
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Transform": "AWS::Serverless-2016-10-31",
        "Parameters": {"OidcIssuer": {"Type": "String", "Default": "nobody"}},
        "Outputs": {"Name": {"Value": {"Ref": "Table"}}},
        "Resources": {
            "Role": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": ASSUMED}},
            "Table": {
                "Type": "AWS::DynamoDB::Table",
                "Properties": {
                    "BillingMode": "PAY_PER_REQUEST",
                    "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
                    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
                },
            },
            "InboundQueue": {
                "Type": "AWS::SQS::Queue",
                "Properties": {"QueueName": {"Fn::Sub": "${AWS::StackName}-inbound"}},
            },
            "APIHandler": function("app", Environment={"Variables": {"OIDC_ISSUER": {"Ref": "OidcIssuer"}}}),
            "Receive": function("receive", Events={"Source": {"Type": "SQS", "Properties": queue | scaling}}),
            "RestAPI": {
                "Type": "AWS::Serverless::Api",
                "Properties": {"StageName": "api", "DefinitionBody": {"swagger": "2.0", "paths": paths}},
            },
        },
    }


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("package"), template())


def written(folder: Path, body: dict[str, Any]) -> Path:
    (folder / TEMPLATE).write_text(json.dumps(body))
    with zipfile.ZipFile(folder / ZIP, "w") as archive:
        archive.writestr("app.py", CODE)
    return folder


@pytest.fixture(scope="module")
def stack(package: Path) -> Iterator[LocalStack]:
    parameters, environment = {"OidcIssuer": "us", "Unknown": "x"}, {"AWS_ENDPOINT_URL_SESV2": "http://127.0.0.1:1"}
    with LocalStack(port=0, package=package, parameters=parameters, environment=environment) as stack:
        yield stack


def await_log(stack: LocalStack, line: str) -> None:
    deadline = time.monotonic() + 20
    while line not in stack.function_log("receive"):
        assert time.monotonic() < deadline, stack.function_log("receive")
        time.sleep(0.1)


@pytest.mark.stack
def test_names_of_what_was_deployed(stack: LocalStack) -> None:
    assert stack.outputs == {"Name": stack.table}
    assert stack.table.startswith("sortownia-Table")
    assert stack.queue_urls["InboundQueue"].endswith("/sortownia-inbound")
    assert stack.client("dynamodb").describe_table(TableName=stack.table)
    with pytest.raises(KeyError):
        stack.resource("Nothing")


@pytest.mark.stack
def test_api_answers_with_the_parameters_given(stack: LocalStack) -> None:
    assert httpx.get(f"{stack.api_url}/v1/health", timeout=60).status_code == 200


@pytest.mark.stack
def test_functions_get_what_is_added_to_their_environment(stack: LocalStack) -> None:
    stack.warm("receive")
    await_log(stack, "mail goes to http://127.0.0.1:1")


@pytest.mark.stack
def test_workers_are_found_and_can_be_killed(stack: LocalStack) -> None:
    stack.warm("receive")
    await_log(stack, "received 0")
    (worker,) = stack.worker_pids("receive")
    assert worker in stack.pids()
    os.kill(worker, signal.SIGKILL)
    while worker in stack.worker_pids("receive"):
        time.sleep(0.05)
    stack.client("sqs").send_message(QueueUrl=stack.queue_urls["InboundQueue"], MessageBody="x")
    await_log(stack, "received 1")
    assert stack.worker_pids("receive") != [worker]


@pytest.mark.stack
def test_nothing_of_the_developers_environment_reaches_a_function(
    package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, "http://elsewhere.example.com")
    with LocalStack(port=0, package=package) as stack:
        assert stack.client("s3").list_buckets()["Buckets"]
        assert "AWS_PROFILE" not in stack._environment()


def end_with(error: type[BaseException], stack: LocalStack) -> None:
    assert stack.pids()
    raise error


@pytest.mark.stack
@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_nothing_stays_when_the_block_is_left(package: Path, error: type[BaseException]) -> None:
    stack = LocalStack(port=0, package=package)
    with pytest.raises(error), stack:
        end_with(error, stack)
    assert stack.pids() == []
    assert not stack.folder.exists()
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", stack.port)) != 0
    stack.stop()  # again does no harm


@pytest.mark.stack
def test_failed_deployment_says_why_and_leaves_nothing(tmp_path: Path) -> None:
    body = template()
    body["Resources"]["Receive"]["Properties"]["Events"]["Source"]["Properties"]["Queue"] = "arn:aws:sqs:x:1:nowhere"
    body["Resources"]["Bad"] = {"Type": "AWS::Sortownia::Nothing", "Properties": {}}
    stack = LocalStack(port=0, package=written(tmp_path, body))
    with pytest.raises(LocalError, match="AWS::Sortownia::Nothing"), stack:
        pass
    assert stack.pids() == []
    assert not stack.folder.exists()


def test_missing_package_is_one_sentence(tmp_path: Path) -> None:
    stack = LocalStack(package=tmp_path)
    with pytest.raises(LocalError, match=r"is missing: run `make package`\.$"), stack:
        pass
    assert not stack.folder.exists()


def test_missing_emulator_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(MINISTACK_VARIABLE, "/nowhere/ministack")
    with pytest.raises(LocalError, match=r"not installed at /nowhere/ministack: run `make setup`"):
        _ministack()


def test_taken_port_is_told_before_anything_starts(package: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        stack = LocalStack(port=taken.getsockname()[1], package=package)
        with pytest.raises(LocalError, match=r"for the AWS emulator is in use .* --port\.$"), stack:
            pass
    assert not stack.folder.exists()


def test_template_is_fitted_to_a_small_machine(package: Path) -> None:
    fitted = json.loads(Template.read(package).fitted("bucket", "key", 3))
    receive = fitted["Resources"]["Receive"]["Properties"]
    assert receive["Events"]["Source"]["Properties"]["ScalingConfig"] == {"MaximumConcurrency": 3}
    assert receive["CodeUri"] == "s3://bucket/key"
