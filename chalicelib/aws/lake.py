"""The event lake: envelopes as JSON lines in S3, by date. Readers drop doubles by event id."""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.errors import Unavailable

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class Lake:
    """Writes envelopes. Raises `Unavailable` when S3 is away."""

    def __init__(self, client: "S3Client", bucket: str) -> None:
        self._client, self._bucket = client, bucket

    def append(self, day: str, name: str, envelopes: Sequence[Mapping[str, Any]]) -> None:
        """One object of JSON lines under a day (`2026-01-31`); writing the same name again is harmless."""
        lines = "".join(json.dumps(envelope, ensure_ascii=False, sort_keys=True) + "\n" for envelope in envelopes)
        key = f"events/day={day}/{name}.jsonl"
        try:
            self._client.put_object(
                Bucket=self._bucket, Key=key, Body=lines.encode(), ContentType="application/x-ndjson"
            )
        except (ClientError, BotoCoreError) as error:
            raise Unavailable(f"S3: {error}") from error
