"""The one place that wires the real world: resources, rules, model, clock and chance."""

import logging
import secrets
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import classifiers
from chalicelib import policy
from chalicelib.aws import clients
from chalicelib.aws.lake import Lake
from chalicelib.aws.mailer import Mailer
from chalicelib.aws.models import Models
from chalicelib.aws.queues import Queues
from chalicelib.aws.raw_store import RawStore
from chalicelib.aws.secrets import Secrets
from chalicelib.item.arrive import NewIds
from chalicelib.item.item import CustomerId, ItemId
from chalicelib.metrics import Metrics
from chalicelib.policy import URGENCIES, Policy
from chalicelib.providers import Providers
from chalicelib.serving import Serving
from chalicelib.settings import Settings
from chalicelib.store.table import Table
from classifiers.artifact import ModelError, load, pinned
from classifiers.model import Model
from classifiers.sealed import Keys, public_keys

log = logging.getLogger("sortownia")

PACKAGED_MODEL = Path(classifiers.__file__).with_name("starter")


class Afresh[T]:
    """A property an instance's own attribute of that name may stand in for, as with `cached_property`; asked anew each
    time."""

    def __init__(self, ask: Callable[[Any], T]) -> None:
        self._ask, self.__doc__ = ask, ask.__doc__

    def __get__(self, instance: object, _owner: type) -> T:
        return self._ask(instance)


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
    def models(self) -> Models | None:
        """The bucket of models, None where none is configured."""
        bucket = self.settings.model_bucket
        return Models(clients.s3(), bucket) if bucket else None

    @cached_property
    def serving(self) -> Serving:
        """What keeps the model at work."""
        return Serving(self._packaged, self.models, self._trusted(), self.misfit, self.metrics, self.now)

    @Afresh
    def model(self) -> Model | None:
        """The model that tags now, or None where there is none that can: then messages go to people, marked
        `unclassified`. Never raises."""
        return self.serving.model()

    def misfit(self, model: Model) -> str:
        """Why a sound model cannot tag for this desk, '' where it can."""
        missing = sorted({"topic", "urgency", "language"} - {head.name for head in model.heads})
        if missing:
            return f"it has no head {', '.join(missing)}"
        unknown = sorted(set(model.head("topic").labels) - self.policy.topics.keys())
        if unknown:
            return f"the desk has no topic {', '.join(unknown)}"
        strange = sorted(set(model.head("urgency").labels) - {*URGENCIES})
        return f"there is no urgency {', '.join(strange)}" if strange else ""

    def _packaged(self) -> Model | None:
        try:
            # Its signature was checked when it was packaged (decision 21); to do it again is a tenth of a start.
            model = load(self.model_directory, pinned(self.model_directory))
        except ModelError as error:
            log.error("packaged model refused: %s", error)
            return None
        if reason := self.misfit(model):
            log.error("packaged model refused: %s", reason)
            return None
        return model

    def _trusted(self) -> Keys:
        try:
            return public_keys(key for key in self.settings.model_keys.split(",") if key)
        except ValueError as error:
            log.error("no model of the bucket is trusted: MODEL_KEYS: %s", error)
            return Keys(frozenset())

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
