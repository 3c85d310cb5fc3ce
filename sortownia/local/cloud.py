"""boto3 clients for the emulator that nothing in the developer's own AWS configuration can turn elsewhere."""

import os
from typing import Any, Final

import boto3
import botocore.session
from botocore.config import Config

REGION: Final = "us-east-1"
ACCOUNT_ENVIRONMENT: Final = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": REGION,
    "AWS_REGION": REGION,
}
# A profile named in the environment but missing in the files stops boto3 even when keys are given.
_NOTHING_OF_THE_DEVELOPERS: Final = {
    "profile": (None, None, None, None),
    "config_file": (None, None, os.devnull, None),
    "credentials_file": (None, None, os.devnull, None),
}


def clients_for(endpoint: str, service: str) -> Any:
    """A client of `service` at `endpoint`, past any proxy."""
    session = boto3.Session(
        botocore_session=botocore.session.Session(session_vars=_NOTHING_OF_THE_DEVELOPERS),
        aws_access_key_id=ACCOUNT_ENVIRONMENT["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=ACCOUNT_ENVIRONMENT["AWS_SECRET_ACCESS_KEY"],
        region_name=REGION,
    )
    config = Config(
        proxies={},
        connect_timeout=5,
        read_timeout=60,
        max_pool_connections=64,
        retries={"total_max_attempts": 3, "mode": "standard"},
        s3={"addressing_style": "path"},
    )
    make: Any = session.client
    return make(service, endpoint_url=endpoint, config=config)
