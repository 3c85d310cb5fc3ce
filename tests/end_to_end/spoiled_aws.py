"""What stands between the functions and three services of the emulator, and spoils a share of the calls that pass."""

import random
import threading
from collections import Counter
from typing import Final

from sortownia.local import ports
from sortownia.local.front import Answer, Front, ask

#: How each service says that it is asked too much, as status, content type and body.
_REFUSED: Final = {
    "dynamodb": (400, "application/x-amz-json-1.0", b'{"__type":"com.amazonaws.dynamodb#ThrottlingException"}'),
    "sqs": (400, "application/x-amz-json-1.0", b'{"__type":"com.amazonaws.sqs#RequestThrottled"}'),
    "s3": (503, "application/xml", b"<Error><Code>SlowDown</Code></Error>"),
}  # fmt: skip


class SpoiledAws(Front):
    """An address for DynamoDB, SQS and S3.

    `share` of the calls go wrong: half are refused, half done with the answer lost.
    `calls` counts them by service, `spoiled` those of them that went wrong, by what happened.
    """

    def __init__(self, emulator_port: int) -> None:
        super().__init__(port=0)
        self.emulator_port = emulator_port
        self._chance, self._lock = random.Random(0), threading.Lock()
        self.share = 0.0
        self.calls: Counter[str] = Counter()
        self.spoiled: Counter[str] = Counter()

    @property
    def environment(self) -> dict[str, str]:
        """By which functions go this way to the services they work with."""
        return {f"AWS_ENDPOINT_URL_{service.upper()}": self.url for service in _REFUSED}

    def answer(self, method: str, target: str, headers: list[tuple[str, str]], body: bytes) -> Answer:
        service = _service(headers)
        with self._lock:
            self.calls[service] += 1
            drawn = self._chance.random()
            fate = "refused" if drawn < self.share / 2 else "lost" if drawn < self.share else ""
            if fate:
                self.spoiled[f"{service} {fate}"] += 1
        if fate == "refused":
            status, kind, said = _REFUSED[service]
            return Answer(status, [("Content-Type", kind)], said)
        answer = ask(f"http://{ports.HOST}:{self.emulator_port}", method, target, headers, body)
        return Answer(0, [], b"") if fate else answer


def _service(headers: list[tuple[str, str]]) -> str:
    target = next((value for name, value in headers if name.lower() == "x-amz-target"), "")
    if target.startswith("DynamoDB"):
        return "dynamodb"
    return "sqs" if target.startswith("AmazonSQS") else "s3"
