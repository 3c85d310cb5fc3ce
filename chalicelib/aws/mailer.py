"""SES: hands one mail over, once. What it answers is sorted by what is known afterwards."""

from typing import TYPE_CHECKING, Final

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    CredentialRetrievalError,
    EndpointConnectionError,
    NoCredentialsError,
    ParamValidationError,
    PartialCredentialsError,
    ProxyConnectionError,
)

from chalicelib.errors import NotSent, OutcomeUnknown, Refused, TriageError
from chalicelib.outgoing.notice import OUTBOX_TAG

if TYPE_CHECKING:
    from mypy_boto3_sesv2 import SESV2Client

# Answers after which the mail may be handed over again: too much at once, or something about our account or stack that
# a person puts right while the mail waits.
_LATER: Final = frozenset(
    {
        "TooManyRequestsException", "LimitExceededException", "ThrottlingException", "Throttling", "RequestThrottled",
        "AccountSuspendedException", "SendingPausedException", "NotFoundException", "AccessDeniedException",
        "AccessDenied", "ExpiredToken", "ExpiredTokenException", "UnrecognizedClientException", "InvalidClientTokenId",
        "InvalidSignatureException", "SignatureDoesNotMatch", "IncompleteSignature", "RequestExpired",
        "ServiceUnavailable", "ServiceUnavailableException", "MailFromDomainNotVerifiedException",
    }
)  # fmt: skip
# One code for a mail SES will not have, and for a sender that is not verified (any more) or an account in the sandbox:
# only the words tell them apart.
_REJECTED, _UNVERIFIED = "MessageRejected", "address is not verified"
# Errors of our side before the first byte of the mail went out. A broken TLS connection is none of them: it may break
# while SES answers.
_NEVER_LEFT: Final = (
    ConnectTimeoutError,
    CredentialRetrievalError,
    EndpointConnectionError,
    NoCredentialsError,
    PartialCredentialsError,
    ProxyConnectionError,
)


class Mailer:
    """Sends raw mails under one configuration set, which is how SES tells us what became of them."""

    def __init__(self, client: "SESV2Client", configuration_set: str, region: str) -> None:
        self._client, self._configuration_set, self._region = client, configuration_set, region

    def send(self, raw: bytes, to: str, outbox_id: str) -> str:
        """The id SES gives the mail. One call, never repeated here.

        Raises `NotSent` where SES certainly did not take it and may later, `Refused` where it never will, and
        `OutcomeUnknown` where it was asked and nothing is known of the answer.
        """
        try:
            # No FromEmailAddress: SES would put it in place of the mail's own From, and the desk's name would be lost.
            answer = self._client.send_email(
                Destination={"ToAddresses": [to]},
                Content={"Raw": {"Data": raw}},
                ConfigurationSetName=self._configuration_set,
                EmailTags=[{"Name": OUTBOX_TAG, "Value": outbox_id}],
            )
        # What SES says of a mail names its addresses, and a trace tells of all that an error came from: so of nothing.
        except ClientError as error:
            raise _answered(error) from None
        except BotoCoreError as error:
            raise _unanswered(error) from None
        finally:
            # A connection that dies while the function is frozen would make the next outcome unknown: one each.
            self._client.close()
        if not (provider_id := answer.get("MessageId", "")):
            raise OutcomeUnknown("SES: an answer without an id")
        return provider_id

    def message_id(self, provider_id: str) -> str:
        """The Message-ID the customer sees, without brackets: what his answer will refer to."""
        return message_id(provider_id, self._region)


def message_id(provider_id: str, region: str) -> str:
    """The Message-ID SES puts on a mail instead of ours, without brackets. us-east-1 is the one without its name."""
    domain = "email" if region == "us-east-1" else region
    return f"{provider_id}@{domain}.amazonses.com"


def _answered(error: ClientError) -> TriageError:
    code, said = error.response["Error"]["Code"], error.response["Error"].get("Message", "")
    status = error.response["ResponseMetadata"]["HTTPStatusCode"]
    if code in _LATER or status in (403, 429, 503):
        return NotSent(f"SES: {code}")
    if code == _REJECTED and _UNVERIFIED in said:
        return NotSent(f"SES: {code}, not verified")
    if status >= 500:
        return OutcomeUnknown(f"SES: {code}, status {status}")
    return Refused(f"SES: {code}")


def _unanswered(error: BotoCoreError) -> TriageError:
    name = type(error).__name__
    if isinstance(error, _NEVER_LEFT):
        return NotSent(f"SES: {name}")
    if isinstance(error, ParamValidationError):
        return Refused(f"SES: {name}")
    return OutcomeUnknown(f"SES: {name}")
