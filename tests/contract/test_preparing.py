"""`prepare-training` on a stack of the emulator: a key made once, trusted before it signs, never overwritten."""

import json
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from infra.package import BuildError
from sortownia import loop, preparing
from sortownia.local.cloud import clients_for
from tests.cloud import Cloud
from training import signing

pytestmark = pytest.mark.stack

KEYS = preparing.KEYS_PARAMETER
_numbers = count(1)


class Stack:
    """What of a stack `prepare-training` meets: its parameters, its bucket and its secret, which has no value yet."""

    def __init__(self, endpoint: str) -> None:
        self.name = f"training-{next(_numbers)}"
        self.client: Any = partial(clients_for, endpoint)
        self.secrets = self.client("secretsmanager")
        template = {
            "Parameters": {KEYS: {"Type": "String", "Default": ""}, "LogLevel": {"Type": "String", "Default": "INFO"}},
            "Resources": {"ModelBucket": {"Type": "AWS::S3::Bucket"}},
            "Outputs": {"ModelBucketName": {"Value": {"Ref": "ModelBucket"}}},
        }
        self.cloudformation = self.client("cloudformation")
        self.cloudformation.create_stack(
            StackName=self.name, TemplateBody=json.dumps(template),
            Parameters=[{"ParameterKey": "LogLevel", "ParameterValue": "DEBUG"}],
        )  # fmt: skip
        self.cloudformation.get_waiter("stack_create_complete").wait(StackName=self.name, WaiterConfig={"Delay": 1})
        self.secrets.create_secret(Name=loop.secret_name(self.name))

    @property
    def parameters(self) -> dict[str, str]:
        """The stack's parameters as they are now."""
        found = self.cloudformation.describe_stacks(StackName=self.name)["Stacks"][0]["Parameters"]
        return {one["ParameterKey"]: one["ParameterValue"] for one in found}

    def prepare(self, *, new_key: bool = False) -> str:
        """Prepares it."""
        return preparing.prepare(self.client, self.name, new_key=new_key)

    @property
    def key(self) -> str:
        """Public half of the key it would sign with."""
        return signing.public_text(loop.secret_key(self.client, self.name))


@pytest.fixture
def stack(emulated_cloud: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stack:
    (tmp_path / preparing.TRAINING).write_bytes(b"zip")
    monkeypatch.setattr(preparing, "OUT", tmp_path)
    return Stack(emulated_cloud.s3.meta.endpoint_url)


def test_a_stack_without_a_key_cannot_be_signed_for(stack: Stack) -> None:
    with pytest.raises(loop.NoKey, match=f"prepare-training --stack {stack.name}"):
        loop.secret_key(stack.client, stack.name)


def test_preparing_makes_a_key_once_and_functions_are_told_of_it(stack: Stack) -> None:
    told = stack.prepare()
    key = stack.key
    assert "key made" in told
    assert "is trusted from now on" in told
    assert stack.parameters == {KEYS: key, "LogLevel": "DEBUG"}
    again = stack.prepare()
    assert "key kept" in again
    assert "was trusted before" in again
    assert (stack.key, stack.parameters[KEYS]) == (key, key)
    bucket = told.split()[2].split("/")[0]
    assert stack.client("s3").get_object(Bucket=bucket, Key="training/source.zip")["Body"].read() == b"zip"


def test_a_new_key_is_trusted_beside_the_old(stack: Stack) -> None:
    stack.prepare()
    old = stack.key
    stack.prepare(new_key=True)
    assert stack.key != old
    assert stack.parameters == {KEYS: f"{old},{stack.key}", "LogLevel": "DEBUG"}


def test_a_secret_that_is_no_key_is_not_overwritten(stack: Stack) -> None:
    stack.secrets.put_secret_value(SecretId=loop.secret_name(stack.name), SecretString="something else")
    with pytest.raises(signing.KeyProblem, match="holds no private key"):
        stack.prepare()
    assert stack.secrets.get_secret_value(SecretId=loop.secret_name(stack.name))["SecretString"] == "something else"


def test_without_the_source_nothing_is_changed(stack: Stack, tmp_path: Path) -> None:
    (tmp_path / preparing.TRAINING).unlink()
    with pytest.raises(BuildError, match=r"give \[training\] in desk.toml a schedule"):
        stack.prepare()
    assert stack.parameters[KEYS] == ""


def test_before_the_job_is_deployed_no_key_is_made_that_could_not_be_kept(stack: Stack) -> None:
    stack.secrets.delete_secret(SecretId=loop.secret_name(stack.name), ForceDeleteWithoutRecovery=True)
    with pytest.raises(BuildError, match=f"{stack.name} has no secret {stack.name}/signing-key: deploy"):
        stack.prepare()
    assert stack.parameters[KEYS] == ""


def test_a_stack_of_something_else_is_named(stack: Stack) -> None:
    """Such as the one of SES's rules, which stands beside."""
    other = f"{stack.name}-mail"
    template = {"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}
    stack.cloudformation.create_stack(StackName=other, TemplateBody=json.dumps(template))
    stack.cloudformation.get_waiter("stack_create_complete").wait(StackName=other, WaiterConfig={"Delay": 1})
    with pytest.raises(BuildError, match=f"{other} has no bucket of models"):
        preparing.prepare(stack.client, other)
