"""A deployed stack as it is reached from outside, in AWS or on this machine."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

import boto3

from chalicelib.aws.models import Models
from chalicelib.aws.queues import Queues
from chalicelib.aws.raw_store import RawStore
from chalicelib.policy import load
from chalicelib.settings import Settings
from chalicelib.store.table import Table
from chalicelib.world import World

type Client = Callable[[str], Any]


@dataclass(frozen=True)
class Reached(World):
    """The world of a stack, with clients of ours."""

    client: Client = field(kw_only=True)

    @cached_property
    def table(self) -> Table:
        """The single table."""
        return Table(self.client("dynamodb"), self.settings.table)

    @cached_property
    def raw(self) -> RawStore:
        """Raw mails and chat messages."""
        return RawStore(self.client("s3"), self.settings.raw_bucket)

    @cached_property
    def queues(self) -> Queues:
        """SQS."""
        return Queues(self.client("sqs"))

    @cached_property
    def models(self) -> Models | None:
        """The bucket of models."""
        return Models(self.client("s3"), self.settings.model_bucket) if self.settings.model_bucket else None


def reached(stack: str | None, function: str = "api") -> Reached:
    """The stack of that name in AWS, or the system that runs here: with what this function of it is told.

    Raises `LocalError` where nothing runs here, `ClientError` for no such stack, `SettingsError`, `PolicyError`.
    """
    if stack:
        make: Any = boto3.client
        return Reached(settings_of(stack, make, function), load(), client=make)
    # Not for the retraining job, which has neither an emulator nor its libraries.
    from sortownia.local.cloud import clients_for
    from sortownia.local.system import running

    facts = running()
    client = partial(clients_for, facts.endpoint)
    return Reached(settings_of(facts.stack, client, function), load(), client=client)


def settings_of(stack: str, client: Client, function: str = "api") -> Settings:
    """Where a stack's resources are: what its own function is told. Raises `ClientError` for no such stack."""
    found = client("lambda").get_function_configuration(FunctionName=f"{stack}-{function}")
    return Settings.from_environment(found["Environment"]["Variables"])
