"""SES's API v2, as far as the desk calls it: takes mail, as SES would, and keeps it.

The emulator answers this API but keeps neither the mail nor its tags. So the sender calls this door, which asks the
emulator whether SES would take the mail, and keeps mail and tags in a bucket of the emulator (`sent_mails`).
"""

import base64
import json
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from http import HTTPStatus
from typing import Any, Final

from botocore.exceptions import ClientError

from chalicelib.outgoing.notice import OUTBOX_TAG
from sortownia.local.sent import sent_bucket
from sortownia.local.stack import LocalStack

SEND_PATH: Final = "/v2/email/outbound-emails"
ENDPOINT_VARIABLE: Final = "AWS_ENDPOINT_URL_SESV2"
"""Where botocore finds SES's API v2, whatever AWS_ENDPOINT_URL says of the other services."""
RECIPIENTS_LIMIT: Final = 1024
"""Characters of recipients that are kept: a mail of the desk has one."""


class Trouble(StrEnum):
    """What may go wrong with a mail at SES."""

    THROTTLED = "throttled"
    """Too many at once: SES does not take it now."""
    REJECTED = "rejected"
    """SES never takes it."""
    UNHEARD = "unheard"
    """SES takes it, and its answer is lost."""
    DEAF = "deaf"
    """The connection ends before SES has taken it."""


@dataclass(frozen=True, slots=True)
class Said:
    """SES's answer to a call; without a status it hangs up."""

    status: int | None
    body: Mapping[str, str]
    error: str = ""


class SesDoor:
    """SES's API v2, as far as the desk calls it. Next calls meet what is put into `troubles`, one each."""

    def __init__(self, stack: LocalStack) -> None:
        self._ses, self._s3, self._bucket = stack.client("sesv2"), stack.client("s3"), sent_bucket(stack)
        self._s3.create_bucket(Bucket=self._bucket)
        self.troubles: deque[Trouble] = deque()

    def call(self, path: str, body: bytes) -> Said:
        """The answer to one call. Raises nothing that a caller may be guilty of."""
        if path != SEND_PATH:
            return _refused(HTTPStatus.NOT_FOUND, "NotFoundException")
        trouble = self.troubles.popleft() if self.troubles else None
        match trouble:
            case Trouble.THROTTLED:
                return _refused(HTTPStatus.TOO_MANY_REQUESTS, "TooManyRequestsException")
            case Trouble.REJECTED:
                return _refused(HTTPStatus.BAD_REQUEST, "MessageRejected")
            case Trouble.DEAF:
                return Said(None, {})
        try:
            said = self._send(json.loads(body))
        except ClientError as error:
            return _refused(error.response["ResponseMetadata"]["HTTPStatusCode"], error.response["Error"]["Code"])
        return Said(None, {}) if trouble is Trouble.UNHEARD else said

    def _send(self, request: dict[str, Any]) -> Said:
        raw = base64.b64decode(request["Content"]["Raw"]["Data"])
        # The emulator takes mail under any configuration set; SES knows only those that were made.
        self._ses.get_configuration_set(ConfigurationSetName=request["ConfigurationSetName"])
        given = self._ses.send_email(**request | {"Content": {"Raw": {"Data": raw}}})["MessageId"]
        provider_id = given.partition("@")[0]  # the emulator gives the whole Message-ID, SES its first half
        tags = {tag["Name"]: tag["Value"] for tag in request.get("EmailTags", [])}
        self._s3.put_object(
            Bucket=self._bucket,
            Key=provider_id,
            Body=raw,
            Metadata={
                "to": ",".join(request["Destination"]["ToAddresses"])[:RECIPIENTS_LIMIT],
                "at": datetime.now(UTC).isoformat(),
                "outbox": tags.get(OUTBOX_TAG, ""),
            },
        )
        return Said(HTTPStatus.OK, {"MessageId": provider_id})


def verify_senders(stack: LocalStack, mailboxes: Iterable[str]) -> None:
    """Lets SES send in the name of these mailboxes' domains, as a deployed desk's owner has proved them to be his."""
    for domain in sorted({address.rpartition("@")[2] for address in mailboxes}):
        stack.client("sesv2").create_email_identity(EmailIdentity=domain)


def _refused(status: int, code: str) -> Said:
    return Said(status, {"message": code}, code)
