"""The one place that wires the real world: resources, rules, model, clock and chance."""

import logging
import secrets
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, cached_property
from pathlib import Path

import classifiers
from chalicelib import policy
from chalicelib.aws import clients
from chalicelib.aws.lake import Lake
from chalicelib.aws.mailer import Mailer
from chalicelib.aws.queues import Queues
from chalicelib.aws.raw_store import RawStore
from chalicelib.aws.secrets import Secrets
from chalicelib.item.arrive import NewIds
from chalicelib.item.item import CustomerId, ItemId
from chalicelib.metrics import Metrics
from chalicelib.policy import Policy
from chalicelib.providers import Providers
from chalicelib.settings import Settings
from chalicelib.store.table import Table
from classifiers.artifact import ModelError, load
from classifiers.model import Model

log = logging.getLogger("sortownia")

PACKAGED_MODEL = Path(classifiers.__file__).with_name("starter")


@dataclass(frozen=True)
class World:
    """Everything a flow may reach. Services are made when first used, so each function pays only for its own."""

    settings: Settings
    policy: Policy
    model_directory: Path = PACKAGED_MODEL

    @cached_property
    def table(self) -> Table:
        """The single table."""
        return Table(clients.dynamodb(), self.settings.table)

    @cached_property
    def raw(self) -> RawStore:
        """Raw mails and chat messages."""
        return RawStore(clients.s3(), self.settings.raw_bucket)

    @cached_property
    def queues(self) -> Queues:
        """SQS."""
        return Queues(clients.sqs())

    @cached_property
    def secrets(self) -> Secrets:
        """Secrets of chat installations."""
        return Secrets(clients.secrets_manager(), self.settings.stack_name)

    @cached_property
    def mailer(self) -> Mailer:
        """SES, for mail to customers."""
        client = clients.sesv2()
        return Mailer(client, self.settings.configuration_set, client.meta.region_name)

    @cached_property
    def providers(self) -> Providers:
        """Chat providers, for replies in their chats."""
        return Providers()

    @cached_property
    def lake(self) -> Lake:
        """The event lake."""
        return Lake(clients.s3(), self.settings.lake_bucket)

    @cached_property
    def metrics(self) -> Metrics:
        """What is counted for the operator."""
        return Metrics(self.settings.stack_name, self.now)

    @cached_property
    def model(self) -> Model | None:
        """The packaged model, or None when it is missing, corrupt or knows other topics than the desk.

        Never raises: without a model messages go to people, marked `unclassified`.
        """
        try:
            model = load(self.model_directory)
        except ModelError as error:
            log.error("model refused: %s", error)
            return None
        unknown = sorted(set(model.head("topic").labels) - self.policy.topics.keys())
        if unknown:
            log.error("model refused: the desk has no topic %s", ", ".join(unknown))
            return None
        return model

    def now(self) -> datetime:
        """The present moment, aware UTC."""
        return datetime.now(UTC)

    def new_id(self) -> str:
        """A random id of 32 hexadecimal digits."""
        return uuid.uuid4().hex

    def new_token(self) -> str:
        """A claim token no one can guess: 192 random bits."""
        return secrets.token_urlsafe(24)

    def new_ids(self) -> NewIds:
        """Ids and key material for what a delivery may create."""
        return NewIds(ItemId(self.new_id()), CustomerId(self.new_id()), secrets.token_bytes(32), self.new_id())


@cache
def world() -> World:
    """The world of this function, wired from its environment once."""
    settings = Settings.from_environment()
    log.setLevel(settings.log_level)
    return World(settings, policy.load())
