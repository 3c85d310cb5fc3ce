"""Secrets of chat installations, from Secrets Manager."""

import time
from typing import TYPE_CHECKING, Final

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.errors import Unavailable
from chalicelib.intake.chat import secret
from chalicelib.intake.chat.secret import Secret

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

#: Seconds a secret is kept by a warm function: a rotated one is known everywhere after this long.
KEPT_FOR: Final = 300.0


class Secrets:
    """Reads secrets by installation; keeps them for five minutes. Raises `Unavailable` when the service is away."""

    def __init__(self, client: "SecretsManagerClient", stack_name: str) -> None:
        self._client, self._stack_name = client, stack_name
        self._kept: dict[str, tuple[float, Secret]] = {}

    def of_installation(self, installation: str) -> Secret:
        """The installation's secret, which is also the one before while it is being rotated; an empty one for none."""
        kept = self._kept.get(installation)
        if kept is None or time.monotonic() - kept[0] > KEPT_FOR:
            kept = (time.monotonic(), secret.read(self._read(installation)))
            if kept[1].signing:
                self._kept[installation] = kept
        return kept[1]

    def _read(self, installation: str) -> list[str]:
        found = []
        for stage in ("AWSCURRENT", "AWSPREVIOUS"):
            try:
                version = self._client.get_secret_value(
                    SecretId=f"{self._stack_name}/hooks/{installation}", VersionStage=stage
                )
            except self._client.exceptions.ResourceNotFoundException:
                continue
            except (ClientError, BotoCoreError) as error:
                raise Unavailable(f"Secrets Manager: {type(error).__name__}") from error
            found.append(version["SecretString"])
        return found
