"""AWS clients, made when first used and kept as long as the function stays warm."""

from functools import cache
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sqs import SQSClient

# Retries stay inside a function's time: three attempts, and a socket that says nothing is given up.
_CONFIG = Config(retries={"mode": "standard", "total_max_attempts": 3}, connect_timeout=3, read_timeout=10)


@cache
def dynamodb() -> "DynamoDBClient":
    """The table's service."""
    return boto3.client("dynamodb", config=_CONFIG)


@cache
def s3() -> "S3Client":
    """Raw messages, models and the event lake. Path style works on AWS and on emulators without wildcard names."""
    return boto3.client("s3", config=_CONFIG.merge(Config(s3={"addressing_style": "path"})))


@cache
def sqs() -> "SQSClient":
    """Bells, timers and inbound deliveries."""
    return boto3.client("sqs", config=_CONFIG)


@cache
def secrets_manager() -> "SecretsManagerClient":
    """The secrets of chat installations."""
    return boto3.client("secretsmanager", config=_CONFIG)
