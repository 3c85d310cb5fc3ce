"""The bucket of models: each under its own id, written once; one pointer says which of them serves."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.errors import Conflict, LostRace, Unavailable, Unknown, Unreadable

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

POINTER: Final = "serving.json"
#: Stands in a pointer for the model that came with the code.
PACKAGED: Final = "packaged"
MOST_POINTER: Final = 100_000  # bytes
HISTORY_KEPT: Final = 100
MOST_REASON: Final = 2_000  # characters

_RACED: Final = frozenset({"PreconditionFailed", "ConditionalRequestConflict", "412", "409"})
_ABSENT: Final = frozenset({"NoSuchKey", "404"})
_SAME: Final = frozenset({"304", "NotModified"})


@dataclass(frozen=True, slots=True)
class Served:
    """A model that serves, or served: since when, why, and which one a rollback leads to ('' for none)."""

    model_id: str
    published_at: str
    previous: str
    reason: str


@dataclass(frozen=True, slots=True)
class Pointer:
    """What serves now, what served before (newest first), and the tag by which S3 knows this state."""

    now: Served
    history: tuple[Served, ...] = ()
    etag: str = ""


@dataclass(frozen=True, slots=True)
class Unchanged:
    """The pointer is still the one that was seen."""


class Models:
    """The bucket of models. Raises `Unavailable` when S3 is away or does not let us."""

    def __init__(self, client: "S3Client", bucket: str) -> None:
        self._client, self._bucket = client, bucket

    # Reading

    def pointer(self, seen: str = "") -> Pointer | Unchanged | None:
        """What serves, None before anything was published, `Unchanged` if it is what S3 calls `seen`.

        Raises `Unreadable` for a pointer that says nothing we know.
        """
        found = self._get(POINTER, MOST_POINTER + 1, seen)
        if found is None or isinstance(found, Unchanged):
            return found
        content, etag = found
        return _pointer(content, etag)

    def files(self, model_id: str) -> "BucketFiles":
        """Where a model's files lie."""
        return BucketFiles(self, model_id)

    def has(self, model_id: str) -> bool:
        """Whether a model was stored under this id, whole."""
        return self.read(f"models/{model_id}/manifest.json", 1) is not None

    def read(self, key: str, most: int) -> bytes | None:
        """The first `most` bytes of an object, None where there is none."""
        found = self._get(key, most)
        return found[0] if isinstance(found, tuple) else None

    def read_with_tag(self, key: str, most: int) -> tuple[bytes, str] | None:
        """The same, and the tag by which S3 knows this content."""
        found = self._get(key, most)
        return found if isinstance(found, tuple) else None

    # Writing

    def store(self, model_id: str, files: Mapping[str, bytes]) -> None:
        """Stores a model, once and for ever; the last of the files comes last. Raises `Conflict` where other bytes lie
        under its id."""
        for name, content in files.items():
            try:
                self.write(f"models/{model_id}/{name}", content, None)
            except LostRace as error:
                raise Conflict(f"there is another model under {model_id}: {name} differs") from error

    def write(self, key: str, content: bytes, seen: str | None) -> str:
        """Writes an object whose state was `seen` (None: it was not there), and returns the new state's tag.

        Raises `LostRace` where it is another by now, and not this very content: botocore asks again where an answer is
        late, and is refused for what it wrote itself.
        """
        condition: dict[str, Any] = {"IfNoneMatch": "*"} if seen is None else {"IfMatch": seen}
        try:
            answer = self._client.put_object(Bucket=self._bucket, Key=key, Body=content, **condition)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code in _RACED or (seen is not None and code in _ABSENT):
                there = self.read_with_tag(key, len(content) + 1)
                if there and there[0] == content:
                    return there[1]
                raise LostRace((f"{key}:{code}",)) from error
            raise Unavailable(f"S3: {code} for {key}") from error
        except BotoCoreError as error:
            raise Unavailable(f"S3: {type(error).__name__}") from error
        return answer["ETag"]

    def publish(self, model_id: str, seen: Pointer | None, at: datetime, reason: str) -> Pointer:
        """Lets a stored model serve. `seen` is the pointer this was decided from.

        Raises `LostRace` where somebody published meanwhile, `Unknown` where there is no such model.
        """
        previous = seen.now.model_id if seen else PACKAGED
        return self._point(Served(model_id, at.isoformat(timespec="seconds"), previous, reason), seen)

    def roll_back(self, seen: Pointer | None, at: datetime, reason: str, to: str = "") -> Pointer:
        """Lets the model before serve again, or the one named; the next rollback leads further back.

        What serves already goes on as it is. Raises `LostRace`, and `Unknown` where there is none before, or none of
        that name.
        """
        if seen is None or not (to or seen.now.previous):
            raise Unknown("there is no model before the one that serves")
        target = to or seen.now.previous
        if target == seen.now.model_id:
            return seen
        # The first time it served: what was before that is older still, so that the way back has an end.
        once = next((served for served in reversed(seen.history) if served.model_id == target), None)
        before = once.previous if once else "" if target == PACKAGED else PACKAGED
        return self._point(Served(target, at.isoformat(timespec="seconds"), before, reason), seen)

    def _point(self, now: Served, seen: Pointer | None) -> Pointer:
        if now.model_id != PACKAGED and not self.has(now.model_id):
            raise Unknown(f"there is no model {now.model_id} in the bucket")
        now = replace(now, reason=now.reason[:MOST_REASON])
        history = (seen.now, *seen.history)[:HISTORY_KEPT] if seen else ()
        while len(content := _written(now, history)) > MOST_POINTER and history:  # longer than is ever read
            history = history[:-1]
        etag = self.write(POINTER, content, seen.etag if seen else None)
        return replace(Pointer(now, history), etag=etag)

    def _get(self, key: str, most: int, seen: str = "") -> tuple[bytes, str] | Unchanged | None:
        wanted: dict[str, Any] = {"IfNoneMatch": seen} if seen else {}
        try:
            answer = self._client.get_object(Bucket=self._bucket, Key=key, **wanted)
            with answer["Body"] as body:
                return body.read(most), answer["ETag"]
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code in _SAME:
                return Unchanged()
            if code in _ABSENT:
                return None
            raise Unavailable(f"S3: {code} for {key}") from error
        except (BotoCoreError, OSError) as error:
            raise Unavailable(f"S3: {type(error).__name__} for {key}") from error


@dataclass(frozen=True, slots=True)
class BucketFiles:
    """A model's files in the bucket, for `classifiers.artifact` to prove; only what is asked for is ever read."""

    models: Models
    model_id: str

    @property
    def where(self) -> str:
        """The place below the bucket."""
        return f"models/{self.model_id}"

    def names(self) -> Sequence[str] | None:
        """Not known: whatever else lies there is never read."""
        return None

    def read(self, name: str, most: int) -> bytes | None:
        """The first `most` bytes of a file. Raises `Unavailable`."""
        return self.models.read(f"{self.where}/{name}", most)


def _written(now: Served, history: Sequence[Served]) -> bytes:
    said = {**asdict(now), "history": [asdict(one) for one in history]}
    # A reason given on a command line may hold bytes that are no text.
    return json.dumps(said, ensure_ascii=False, indent=2).encode("utf-8", "backslashreplace")


def _pointer(content: bytes, etag: str) -> Pointer:
    try:
        said = json.loads(content)
        return Pointer(_served(said), tuple(_served(one) for one in said.get("history", ())), etag)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Unreadable(f"{POINTER} is no pointer: {type(error).__name__}", "model_id") from error


def _served(said: Mapping[str, Any]) -> Served:
    found = Served(said["model_id"], said["published_at"], said["previous"], said["reason"])
    if not all(isinstance(text, str) for text in (found.model_id, found.published_at, found.previous, found.reason)):
        raise TypeError("not all texts")
    if not found.model_id or "/" in found.model_id:
        raise ValueError("no model id")
    return found
