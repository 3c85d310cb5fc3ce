"""AWS clients, made when first used and kept as long as the function stays warm.

Made by botocore, the part of boto3 that makes them: importing the rest is a tenth of a cold start, for nothing we use.
"""

from functools import cache
from typing import TYPE_CHECKING, Any

import botocore.session
from botocore.config import Config
from botocore.loaders import Loader

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sesv2 import SESV2Client
    from mypy_boto3_sqs import SQSClient

# Retries stay inside a function's time: three attempts, and a socket that says nothing is given up.
_CONFIG = Config(retries={"mode": "standard", "total_max_attempts": 3}, connect_timeout=3, read_timeout=10)
# A mail is handed over once: to ask again after silence could send it twice. SES gets longer to answer instead.
_ONCE = Config(retries={"mode": "standard", "total_max_attempts": 1}, connect_timeout=3, read_timeout=20)


@cache
def dynamodb() -> "DynamoDBClient":
    """The table's service."""
    client: DynamoDBClient = _client("dynamodb", _CONFIG)
    return client


@cache
def s3() -> "S3Client":
    """Raw messages, models and the event lake. Path style works on AWS and on emulators without wildcard names.

    Addresses are signed in the newer way, which every region takes.
    """
    client: S3Client = _client("s3", _CONFIG.merge(Config(signature_version="s3v4", s3={"addressing_style": "path"})))
    return client


@cache
def sqs() -> "SQSClient":
    """Bells, timers and inbound deliveries."""
    client: SQSClient = _client("sqs", _CONFIG)
    return client


@cache
def secrets_manager() -> "SecretsManagerClient":
    """The secrets of chat installations."""
    client: SecretsManagerClient = _client("secretsmanager", _CONFIG)
    return client


@cache
def sesv2() -> "SESV2Client":
    """Mail to customers. Tries once."""
    client: SESV2Client = _client("sesv2", _ONCE)
    return client


class _OurServices(Loader):
    """Finds what describes a service without looking through the folders of all four hundred."""

    def list_available_services(self, type_name: str) -> list[str]:
        """Those that we call, and those that credentials come from outside Lambda; whatever is told of them."""
        del type_name
        return ["dynamodb", "s3", "secretsmanager", "sesv2", "signin", "sqs", "sso", "sso-oidc", "sts"]


@cache
def _session() -> Any:
    session = botocore.session.get_session()
    session.register_component("data_loader", _OurServices())
    return session


def _client(service: str, config: Config) -> Any:
    return _session().create_client(service, config=config)
