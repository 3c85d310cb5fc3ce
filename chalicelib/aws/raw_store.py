"""Raw messages in S3, under their delivery id."""

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.errors import Unavailable, Unknown

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class RawStore:
    """A bucket of raw messages. Raises `Unavailable` when S3 is away."""

    def __init__(self, client: "S3Client", bucket: str) -> None:
        self._client, self._bucket = client, bucket

    def read(self, key: str, most: int | None = None) -> bytes:
        """The raw bytes of a message, or the first `most` of them. Raises `Unknown` when there is no such object."""
        wanted: dict[str, Any] = {} if most is None else {"Range": f"bytes=0-{most - 1}"}
        try:
            return self._client.get_object(Bucket=self._bucket, Key=key, **wanted)["Body"].read()
        except ClientError as error:
            if error.response["Error"]["Code"] == "InvalidRange":  # of an object without a byte
                return b""
            if error.response["Error"]["Code"] in {"NoSuchKey", "NoSuchBucket", "404"}:
                raise Unknown(f"there is no raw message {key}") from error
            raise Unavailable(f"S3: {error.response['Error']['Code']}") from error
        except BotoCoreError as error:
            raise Unavailable(f"S3: {type(error).__name__}") from error

    def link(self, key: str, name: str, content_type: str, seconds: int) -> str:
        """An address that gives an object to whoever has it, for so long: as a file of this name, never as a page."""
        shown = {
            "ResponseContentDisposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}",
            "ResponseContentType": content_type,
        }
        try:
            params = {"Bucket": self._bucket, "Key": key, **shown}
            return self._client.generate_presigned_url("get_object", Params=params, ExpiresIn=seconds)
        except BotoCoreError as error:
            raise Unavailable(f"S3: {type(error).__name__}") from error

    def write(self, key: str, raw: bytes, content_type: str) -> None:
        """Stores raw bytes over what is there, durable when this returns."""
        try:
            self._client.put_object(Bucket=self._bucket, Key=key, Body=raw, ContentType=content_type)
        except (ClientError, BotoCoreError) as error:
            raise Unavailable(f"S3: {error}") from error

    def write_first(self, key: str, raw: bytes, content_type: str) -> None:
        """Stores raw bytes unless some are stored there: what came first stands. Durable when this returns."""
        try:
            self._client.put_object(Bucket=self._bucket, Key=key, Body=raw, ContentType=content_type, IfNoneMatch="*")
        except ClientError as error:
            if error.response["Error"]["Code"] != "PreconditionFailed":
                raise Unavailable(f"S3: {error}") from error
        except BotoCoreError as error:
            raise Unavailable(f"S3: {error}") from error
