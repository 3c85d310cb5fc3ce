"""Secrets of chat installations, from Secrets Manager."""

import time
from typing import TYPE_CHECKING, Final

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.errors import Unavailable

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

#: Seconds a secret is kept by a warm function: a rotated one is known everywhere after this long.
KEPT_FOR: Final = 300.0


class Secrets:
    """Reads secrets by installation; keeps them for five minutes. Raises `Unavailable` when the service is away."""

    def __init__(self, client: "SecretsManagerClient", stack_name: str) -> None:
        self._client, self._stack_name = client, stack_name
        self._kept: dict[str, tuple[float, tuple[str, ...]]] = {}

    def of_installation(self, installation: str) -> tuple[str, ...]:
        """The installation's present secret and, while it is being rotated, the one before."""
        kept = self._kept.get(installation)
        if kept is None or time.monotonic() - kept[0] > KEPT_FOR:
            kept = (time.monotonic(), tuple(self._read(installation)))
            if kept[1]:
                self._kept[installation] = kept
        return kept[1]

    def _read(self, installation: str) -> list[str]:
        found = []
        for stage in ("AWSCURRENT", "AWSPREVIOUS"):
            try:
                secret = self._client.get_secret_value(
                    SecretId=f"{self._stack_name}/hooks/{installation}", VersionStage=stage
                )
            except self._client.exceptions.ResourceNotFoundException:
                continue
            except (ClientError, BotoCoreError) as error:
                raise Unavailable(f"Secrets Manager: {type(error).__name__}") from error
            found.append(secret["SecretString"])
        return found
