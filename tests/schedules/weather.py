"""What the services of AWS do to a process: they refuse, they are away, they do it and nobody hears of it."""

import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from botocore.awsrequest import AWSResponse
from botocore.exceptions import ConnectTimeoutError, ReadTimeoutError

from tests.cloud import Cloud

#: How each service says that it is asked too much.
THROTTLED: Final[Mapping[str, str]] = {
    "dynamodb": "ProvisionedThroughputExceededException",
    "s3": "SlowDown",
    "sqs": "OverLimit",
    "secretsmanager": "ThrottlingException",
    "sesv2": "TooManyRequestsException",
}


class Weather:
    """Bad or fair, on all clients of a cloud. `met` counts the calls that met with it since the last look."""

    def __init__(self, cloud: Cloud) -> None:
        clients = (cloud.dynamodb, cloud.s3, cloud.sqs, cloud.secrets, cloud.ses)
        self._emitters = [client.meta.events for client in clients]
        self.met = 0
        self.throttled = self.silent = 0.0
        self.away: frozenset[str] = frozenset()
        self.chance = random.Random(0)
        self._indoors = False

    def clear(self) -> None:
        """Fair weather from now on."""
        self.throttled = self.silent = 0.0
        self.away = frozenset()

    @property
    def is_fair(self) -> bool:
        """Whether nothing can go wrong by it."""
        return not (self.throttled or self.silent or self.away)

    @contextmanager
    def blowing(self) -> Iterator[None]:
        """While this lasts calls meet with it."""
        for events in self._emitters:
            events.register("before-call.*.*", self._before)
            events.register_last("after-call.*.*", self._after)
        try:
            yield
        finally:
            for events in self._emitters:
                events.unregister("before-call.*.*", self._before)
                events.unregister("after-call.*.*", self._after)

    @contextmanager
    def indoors(self) -> Iterator[None]:
        """Calls that are not the service's own: what SES stores, what a test looks at."""
        self._indoors, before = True, self._indoors
        try:
            yield
        finally:
            self._indoors = before

    def _before(self, model: Any, **_: Any) -> tuple[AWSResponse, dict[str, Any]] | None:
        service = model.service_model.service_name
        if self._indoors:
            return None
        if service in self.away:
            self.met += 1
            raise ConnectTimeoutError(endpoint_url=f"https://{service}.example.com")
        if self.chance.random() < self.throttled:
            self.met += 1
            error = {"Code": THROTTLED[service], "Message": "slower"}
            said = {"Error": error, "ResponseMetadata": {"HTTPStatusCode": 429}}
            return AWSResponse("https://aws.example.com", 429, {}, None), said
        return None

    def _after(self, model: Any, http_response: Any, **_: Any) -> None:
        if not self._indoors and http_response.status_code < 300 and self.chance.random() < self.silent:
            self.met += 1
            raise ReadTimeoutError(endpoint_url="https://aws.example.com")
