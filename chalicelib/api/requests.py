"""Shapes of what is asked: bodies and queries. A field they do not have is refused."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import combinations
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from chalicelib.flows.matters import Chosen
from chalicelib.intake.chat import reading, widget
from chalicelib.item.passing import Destination
from chalicelib.item.reply import Then
from chalicelib.item.state import State

_STRICT: Final = ConfigDict(extra="forbid", frozen=True, strict=True)
#: DynamoDB's keys hold no lone surrogates and pydantic refuses those; nothing of ours has a control character in it.
_NAME: Final = r"^[^\x00-\x1f\x7f-\x9f]+$"
_CURSOR: Final = r"^[A-Za-z0-9_-]+$"


def _utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("is beyond the calendar") from error


def _written(text: str) -> str:
    """A rule in words, not a pattern in the schema: few tools can make, or check, 100,000 characters by a pattern."""
    if "\0" in text or not text.strip():
        raise ValueError("must say something, without NUL characters")
    return text


def _whole(said: Any) -> Any:
    """Pydantic would take ` 5 `, `5.0` and `1_0` for numbers too, where a field is not `strict`."""
    return int(said) if isinstance(said, str) and re.fullmatch("[0-9]{1,12}", said, re.ASCII) else said


Name = Annotated[str, Field(min_length=1, max_length=200, pattern=_NAME)]
Text = Annotated[
    str, Field(min_length=1, description="Not blank, and without NUL characters"), AfterValidator(_written)
]
Why = Annotated[Text, Field(max_length=500)]
Moment = Annotated[AwareDatetime, AfterValidator(_utc)]
Limit = Annotated[int, Field(ge=1, le=100, strict=True), BeforeValidator(_whole)]
Cursor = Annotated[str, Field(min_length=1, max_length=1000, pattern=_CURSOR)]


class Heartbeat(BaseModel):
    """Sign of life of a holder, with the token his claim gave him."""

    model_config = _STRICT

    claim_token: str = Field(min_length=1, max_length=100)


class Snooze(BaseModel):
    """Until when an item is put aside. The time has its offset from UTC."""

    model_config = _STRICT

    until: Moment


_PLACES: Final[Mapping[str, Literal["agent", "queue", "topic"]]] = {
    "to_agent": "agent", "to_queue": "queue", "to_topic": "topic",
}  # fmt: skip


_SAID: Final = {"type": "string"}
_PLACES_OF_PARTS: Final[Mapping[str, Any]] = {"to_queue": _SAID, "to_topic": _SAID, "claim": {"const": True}}
#: At most one of them is said.
_ONE_PLACE: Final[dict[str, Any]] = {
    "not": {
        "anyOf": [
            {"required": list(two), "properties": {name: _PLACES_OF_PARTS[name] for name in two}}
            for two in combinations(_PLACES_OF_PARTS, 2)
        ]
    }
}


class Reassign(BaseModel):
    """Where an item goes: to exactly one agent, queue or topic, and why."""

    model_config = ConfigDict(
        **_STRICT,
        json_schema_extra={
            "oneOf": [{"required": [place], "properties": {place: {"type": "string"}}} for place in _PLACES]
        },
    )

    to_agent: Name | None = None
    to_queue: Name | None = None
    to_topic: Name | None = None
    reason: Why | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if sum(getattr(self, place) is not None for place in _PLACES) != 1:
            raise ValueError(f"say exactly one of {', '.join(_PLACES)}")
        return self

    @property
    def destination(self) -> Destination:
        """The one place it names."""
        return next(Destination(kind, name) for field, kind in _PLACES.items() if (name := getattr(self, field)))


class Reason(BaseModel):
    """Why something is done, for colleagues to read later."""

    model_config = _STRICT

    reason: Why | None = None


class Escalate(BaseModel):
    """Why an item needs the next tier."""

    model_config = _STRICT

    reason: Why


class Split(Reason):
    """Which messages become a matter of their own, by the ids of their events; and where it goes, if not where routing
    sends it: to a queue, to a topic, or into the hands of who splits."""

    model_config = ConfigDict(**_STRICT, json_schema_extra=_ONE_PLACE)

    events: list[Name] = Field(min_length=1, max_length=25)
    to_queue: Name | None = None
    to_topic: Name | None = None
    claim: bool = False

    @model_validator(mode="after")
    def _one(self) -> Self:
        if sum((self.to_queue is not None, self.to_topic is not None, self.claim)) > 1:
            raise ValueError("say at most one of to_queue, to_topic, claim")
        return self

    @property
    def chosen(self) -> Chosen:
        """What is asked for."""
        places = ((kind, name) for field, kind in _PLACES.items() if (name := getattr(self, field, None)))
        to = next((Destination(kind, name) for kind, name in places), None)
        return Chosen(events=self.events, to=to, claim=self.claim, reason=self.reason or "")


class Merge(Reason):
    """The item in which one goes on."""

    into: Name


class Link(Reason):
    """The item that one has to do with."""

    to: Name


class SamePerson(Reason):
    """The customer who is the same person."""

    other: Name


class Mark(Reason):
    """What a customer is marked as, in the words of the desk."""

    mark: Name


class Reply(BaseModel):
    """What is written to the customer, and what becomes of the item then."""

    model_config = _STRICT

    text: Annotated[Text, Field(max_length=100_000)]
    then: Then = Then.WAIT


class Note(BaseModel):
    """What colleagues should know. Agents who are mentioned find it in their list."""

    model_config = _STRICT

    text: Annotated[Text, Field(max_length=10_000)]
    mentions: list[Name] = Field(default=[], max_length=10)


class Tags(BaseModel):
    """What people decide about a matter. What is left out stays as the model said, and is thereby confirmed."""

    model_config = _STRICT

    topic: Name | None = None
    urgency: Literal["low", "normal", "high", "critical"] | None = None


class Presence(BaseModel):
    """Whether an agent takes work now."""

    model_config = _STRICT

    presence: Literal["present", "away"]


class Handover(BaseModel):
    """Who gets all that an agent has: another agent, or (null) the queues it came from."""

    model_config = _STRICT

    to: Name | None
    preview: bool = False


class ChatAttachment(BaseModel):
    """A file that came with a chat message, and stays with the provider."""

    name: str | None = Field(None, max_length=255)
    type: str | None = Field(None, max_length=255)
    size: int = Field(0, ge=0, lt=2**53)


class Visitor(BaseModel):
    """Who writes in a chat. Only `id` tells one from another."""

    id: str = Field(min_length=1, max_length=reading.ID_LENGTH)
    name: str | None = Field(None, max_length=reading.ID_LENGTH)
    email: str | None = Field(None, max_length=320)


#: Words, or at least a file.
_SAYS_SOMETHING: Final[dict[str, Any]] = {
    "anyOf": [
        {"required": ["text"], "properties": {"text": {"type": "string", "minLength": 1}}},
        {"required": ["attachments"], "properties": {"attachments": {"type": "array", "minItems": 1}}},
    ]
}


class ChatMessage(BaseModel):
    """A visitor's message, as the generic webhook takes it; no id in it may be blank, nor `text` where nothing is
    attached, and fields more do no harm.

    It describes what `intake.chat.generic` reads, once the signature holds. Other providers' bodies are their own.
    """

    model_config = ConfigDict(json_schema_extra=_SAYS_SOMETHING)

    id: str = Field(min_length=1, max_length=reading.ID_LENGTH, description="The delivery: twice the same is one")
    conversation: str = Field(min_length=1, max_length=reading.ID_LENGTH)
    visitor: Visitor
    text: str | None = Field(None, max_length=reading.TEXT_LENGTH)
    sent_at: str | None = Field(None, max_length=reading.ID_LENGTH, description="ISO 8601")
    attachments: list[ChatAttachment] | None = Field(None, max_length=reading.MAX_ATTACHMENTS)


class HandshakeQuery(BaseModel):
    """How Meta tries an address it is to post webhooks to."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    mode: str = Field("", alias="hub.mode", max_length=20, description="`subscribe`")
    token: str = Field("", alias="hub.verify_token", max_length=200, description="The installation's `verify`")
    challenge: str = Field("", alias="hub.challenge", pattern="^[A-Za-z0-9_-]{0,200}$", description="What is said back")


class KnownVisitor(BaseModel):
    """A customer the shop knows. `hash` is its server's proof: HMAC-SHA256 with the installation's secret, in hex, of
    `id`, or where there is an `email` of `id`, a newline, `email`."""

    model_config = _STRICT

    id: str = Field(min_length=1, max_length=widget.VISITOR_ID_LENGTH, pattern=_NAME)
    name: Name | None = None
    email: Annotated[str, Field(min_length=1, max_length=320, pattern=_NAME)] | None = None
    hash: str = Field(pattern="^[0-9a-f]{64}$")


class SessionRequest(BaseModel):
    """Who opens the widget: a customer the shop knows, who was here before (`key`), or (neither) somebody new."""

    model_config = _STRICT

    visitor: KnownVisitor | None = None
    key: str | None = Field(None, min_length=1, max_length=4_000)


class WidgetMessage(BaseModel):
    """A visitor's message, under an id of the browser's making: sent again under it, it is one message."""

    model_config = _STRICT

    id: str = Field(pattern=widget.MESSAGE_ID)
    text: Annotated[Text, Field(max_length=widget.TEXT_LENGTH)]


class _Query(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PageQuery(_Query):
    """Which part of a list is wanted."""

    limit: Limit = Field(25, description="The most entries a page has")
    cursor: Cursor | None = Field(None, description="`next` of the page before")


class OrderedPageQuery(PageQuery):
    """Which part of a list is wanted, and which end first."""

    order: Literal["oldest", "newest"] = "oldest"


class ItemsQuery(OrderedPageQuery):
    """Which items are wanted: by one of these, or one's own."""

    queue: Name | None = Field(None, description="What waits in this queue")
    state: State | None = Field(None, description="What is in this state")
    holder: Name | None = Field(None, description="What this agent holds")
    offered_to: Name | None = Field(None, description="What is offered to this agent")
    pinned_to: Name | None = Field(None, description="What comes back to this agent")

    @model_validator(mode="after")
    def _one(self) -> Self:
        if len(given := self._given()) > 1:
            raise ValueError(f"ask by one of {', '.join(given)}")
        return self

    def filter(self, own: str) -> tuple[str, str]:
        """By what items are asked for, and its value: by default those that `own` holds."""
        return next(iter(self._given().items()), ("holder", own))

    def _given(self) -> dict[str, str]:
        names = ("queue", "state", "holder", "offered_to", "pinned_to")
        return {name: value for name in names if (value := getattr(self, name)) is not None}


class AfterQuery(_Query):
    """From where on a conversation is wanted."""

    after: Annotated[int, Field(ge=0, lt=10**12, strict=True), BeforeValidator(_whole)] = Field(
        0, description="`seq` of the newest"
    )
