"""Names of the deployed resources, read from the environment once."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Self


class SettingsError(Exception):
    """An environment variable that must be there is missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Where this stack's resources are. Each field is the environment variable of the same name in capitals.

    `chat_replies_url`, where it is not '', takes every chat reply at `<it>/<installation>` instead of the desk's
    addresses, so that a stack for trials never talks to the real shop. `model_bucket` is '' where only the packaged
    model is to tag, `model_keys` the public halves (base64, separated by commas) of the keys that sign the bucket's.
    """

    stack_name: str
    table: str
    raw_bucket: str
    lake_bucket: str
    model_bucket: str
    model_keys: str
    inbound_queue_url: str
    timer_queue_url: str
    parking_queue_url: str
    send_queue_url: str
    configuration_set: str
    chat_replies_url: str
    oidc_issuer: str
    oidc_audience: str
    log_level: str

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """Raises `SettingsError` naming every variable that is missing."""
        names = [field.name for field in fields(cls)]
        missing = [name.upper() for name in names if name.upper() not in environment]
        if missing:
            raise SettingsError(f"environment variables missing: {', '.join(missing)}")
        return cls(**{name: environment[name.upper()] for name in names})

    @property
    def trial_origin(self) -> str:
        """Web origin of the shop that a stack for trials talks to, '' for a real one."""
        return "/".join(self.chat_replies_url.split("/", 3)[:3])

    def work_queue_url(self, queue: str, lane: str) -> str:
        """Address of a work queue: beside the inbound queue, named after stack, queue and lane.

        Derived, so that a desk of any size fits the 4 KB that a function's environment may have.
        """
        return self.beside_inbound(work_queue_name(self.stack_name, queue, lane))

    @property
    def inbound_dead_queue_url(self) -> str:
        """Address of the queue of deliveries that were given up."""
        return self.beside_inbound(f"{self.stack_name}-inbound-dead")

    @property
    def recheck_queue_url(self) -> str:
        """Address of the queue that tells of each raw object once more, a while after it was stored."""
        return self.beside_inbound(f"{self.stack_name}-recheck")

    def beside_inbound(self, queue_name: str) -> str:
        """Address of another queue of the same account and region, by its SQS name."""
        return f"{self.inbound_queue_url.rsplit('/', 1)[0]}/{queue_name}"


def work_queue_name(stack_name: str, queue: str, lane: str) -> str:
    """The SQS name of a desk queue's lane (`urgent` or `normal`)."""
    return f"{stack_name}-work-{queue}" + ("-urgent" if lane == "urgent" else "")


def serves_http(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether this process answers HTTP: all do, but the functions whose template says `ROUTES=off`."""
    return environment.get("ROUTES") != "off"
