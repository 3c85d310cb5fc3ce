"""Command `prepare-training`: gives a stack's retraining job its key and its source."""

import argparse
import sys
from typing import Any, Final

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from chalicelib.policy import PolicyError
from infra.package import OUT, TRAINING, BuildError
from infra.training import SOURCE_KEY
from sortownia.loop import NoKey, secret_key, secret_name
from sortownia.reached import Client
from training import signing

KEYS_PARAMETER: Final = "ModelKeys"
_CAPABILITIES: Final = ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]


def add_commands(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds `prepare-training`."""
    parser = subparsers.add_parser(
        "prepare-training", help="give a stack in AWS its signing key and what its retraining job runs"
    )
    parser.add_argument("--stack", required=True, metavar="NAME", help="by your own credentials and region")
    parser.add_argument("--new-key", action="store_true", help="sign with a new key from now on; the old stay trusted")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Status 2, and one sentence, where something stops it."""
    make: Any = boto3.client
    try:
        print(prepare(make, options.stack, new_key=options.new_key))
    except (BuildError, PolicyError, signing.KeyProblem, ClientError, BotoCoreError, OSError) as problem:
        print(f"sortownia: prepare-training: {problem}", file=sys.stderr)
        return 2
    return 0


def prepare(client: Client, stack: str, *, new_key: bool = False) -> str:
    """Uploads the job's source, and sees to it that there is a key whose public half the functions trust.

    The functions learn of a key before anything is signed with it. Raises `BuildError`, `KeyProblem`, `ClientError`.
    """
    source = OUT / TRAINING
    if not source.is_file():
        raise BuildError(f"{source} is missing: give [training] in desk.toml a schedule, then `sortownia package`")
    found = client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs", ())}
    bucket = outputs.get("ModelBucketName")
    if bucket is None:
        raise BuildError(f"{stack} has no bucket of models: it is another stack, or one to deploy anew")
    _check_secret(client, stack)
    client("s3").put_object(Bucket=bucket, Key=SOURCE_KEY, Body=source.read_bytes())
    key = None if new_key else _key(client, stack)
    fresh = key or Ed25519PrivateKey.generate()
    changed = _trust(client, found, signing.public_text(fresh))
    if key is None:
        client("secretsmanager").put_secret_value(SecretId=secret_name(stack), SecretString=signing.private_text(fresh))
    told = "made" if key is None else "kept"
    return (
        f"source in {bucket}/{SOURCE_KEY}; key {told}, its public half {signing.public_text(fresh)} "
        f"{'is trusted from now on' if changed else 'was trusted before'}"
    )


def _check_secret(client: Client, stack: str) -> None:
    """Raises `BuildError` where a key could not be kept: the functions would be told to trust one that is lost."""
    secrets = client("secretsmanager")
    try:
        secrets.describe_secret(SecretId=secret_name(stack))
    except secrets.exceptions.ResourceNotFoundException as error:
        raise BuildError(
            f"{stack} has no secret {secret_name(stack)}: deploy what was packaged with a schedule in [training] first"
        ) from error


def _key(client: Client, stack: str) -> Ed25519PrivateKey | None:
    """The key the stack has, None before it has one. A text that is no key is an error, never overwritten."""
    try:
        return secret_key(client, stack)
    except NoKey:
        return None


def _trust(client: Client, stack: Any, public: str) -> bool:
    """Adds a public half to the stack's parameter, unless it is there. Returns whether that changed anything."""
    parameters = {one["ParameterKey"]: one["ParameterValue"] for one in stack.get("Parameters", [])}
    known = [key for key in parameters.get(KEYS_PARAMETER, "").split(",") if key]
    if public in known:
        return False
    others = [{"ParameterKey": name, "UsePreviousValue": True} for name in parameters if name != KEYS_PARAMETER]
    cloudformation = client("cloudformation")
    cloudformation.update_stack(
        StackName=stack["StackName"],
        UsePreviousTemplate=True,
        Parameters=[*others, {"ParameterKey": KEYS_PARAMETER, "ParameterValue": ",".join([*known, public])}],
        Capabilities=_CAPABILITIES,
    )
    cloudformation.get_waiter("stack_update_complete").wait(StackName=stack["StackName"])
    return True
