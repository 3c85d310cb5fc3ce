"""The API for Python programs: typed, with answers that were lost on the way asked for again where that is safe."""

import uuid
from collections.abc import Iterator, Sequence
from datetime import datetime
from heapq import merge
from itertools import islice
from typing import Literal, Self
from urllib.parse import quote

import httpx

from chalicelib.api.answers import (
    AgentOut,
    AttachmentOut,
    BoardOut,
    CustomerOut,
    EventOut,
    HandoverOut,
    HealthOut,
    HeartbeatOut,
    ItemOut,
    ItemPage,
    ItemWithHistory,
    MentionOut,
    MentionPage,
    PairOut,
    PresenceOut,
    ReplyOut,
    ReplyStatusOut,
    TimelinePage,
)
from chalicelib.item.reply import Then
from sortownia.calls import ApiError, Calls, Json, given, shaped

__all__ = ["ApiError", "Client", "Then"]


class Client:
    """One caller of one stack. `url` is the address before `/v1`, `token` his bearer token.

    Writes on an item want the version they are based on: pass the item as it was read. Claims and replies carry an
    Idempotency-Key of their own (or `key`), so that one whose answer was lost is asked for again and done once. Every
    method raises `ApiError` when the service refuses, `httpx.TransportError` when it cannot be reached.
    """

    def __init__(
        self, url: str, token: str, *, transport: httpx.BaseTransport | None = None, timeout: float = 30.0
    ) -> None:
        self._calls = Calls(url, token, transport, timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connections."""
        self._calls.close()

    # Taking work

    def claim(self, queue: str | None = None, *, key: str | None = None) -> ItemOut | None:
        """What comes next in a queue, or in all of the caller's; None when nothing waits."""
        path = f"/v1/queues/{_quoted(queue)}/claim" if queue is not None else "/v1/claim"
        answer = self._calls.answer("POST", path, key=key or _new_key())
        return None if answer.status_code == 204 else shaped(ItemOut, answer)

    def claim_item(self, item_id: str, *, key: str | None = None) -> ItemOut:
        """This very item; given again to who holds it."""
        return shaped(ItemOut, self._calls.answer("POST", f"{_item(item_id)}/claim", key=key or _new_key()))

    def decline(self, item: ItemOut) -> ItemOut:
        """Lets an offer go on."""
        return self._step(item, "decline")

    def heartbeat(self, item: ItemOut) -> HeartbeatOut:
        """Prolongs the caller's lease, of an item as his claim answered."""
        body = {"claim_token": item.claim_token or "none"}  # of an item that others hold: the service says so
        return shaped(HeartbeatOut, self._calls.answer("POST", f"{_item(item.id)}/heartbeat", body, again=True))

    # Working on it

    def reply(
        self,
        item: ItemOut,
        text: str,
        then: Then | Literal["wait", "keep", "resolve"] = Then.WAIT,
        *,
        key: str | None = None,
    ) -> ReplyOut:
        """Answers the customer; the item then waits for him, stays with the caller, or is resolved."""
        body = {"text": text, "then": Then(then).value}
        path, key = f"{_item(item.id)}/reply", key or _new_key()
        return shaped(ReplyOut, self._calls.answer("POST", path, body, item=item, key=key))

    def reply_status(self, item_id: str, reply_id: str) -> ReplyStatusOut:
        """How far a reply has come."""
        return self._calls.get(ReplyStatusOut, f"{_item(item_id)}/replies/{_quoted(reply_id)}")

    def note(self, item: ItemOut, text: str, mentions: Sequence[str] = ()) -> ItemOut:
        """Writes what colleagues should know."""
        return self._step(item, "note", {"text": text, "mentions": list(mentions)})

    def tags(self, item: ItemOut, *, topic: str | None = None, urgency: str | None = None) -> ItemOut:
        """Decides topic and urgency; what is left out is confirmed."""
        return self._step(item, "tags", given(topic=topic, urgency=urgency))

    def release(self, item: ItemOut) -> ItemOut:
        """Puts a claimed item back into its queue."""
        return self._step(item, "release")

    def snooze(self, item: ItemOut, until: datetime) -> ItemOut:
        """Lets an item rest until a time, which must be aware."""
        return self._step(item, "snooze", {"until": until.isoformat()})

    def resolve(self, item: ItemOut) -> ItemOut:
        """Ends an item."""
        return self._step(item, "resolve")

    def reassign(
        self,
        item: ItemOut,
        *,
        to_agent: str | None = None,
        to_queue: str | None = None,
        to_topic: str | None = None,
        reason: str | None = None,
    ) -> ItemOut:
        """Passes an item on, to exactly one of agent, queue and topic."""
        body = given(to_agent=to_agent, to_queue=to_queue, to_topic=to_topic, reason=reason)
        return self._step(item, "reassign", body)

    # Drawing lines anew

    def reopen(self, item: ItemOut, *, reason: str | None = None) -> ItemOut:
        """Lets a resolved item wait again, first for who had it."""
        return self._step(item, "reopen", given(reason=reason))

    def split(
        self,
        item: ItemOut,
        events: Sequence[str],
        *,
        to_queue: str | None = None,
        to_topic: str | None = None,
        claim: bool = False,
        reason: str | None = None,
    ) -> PairOut:
        """Makes an item of its own of some messages, by the ids of their events: where routing sends it, in a queue, in
        a topic's, or in the caller's hands. The old item and the new one."""
        places = given(to_queue=to_queue, to_topic=to_topic, reason=reason)
        return self._pair(item, "split", {"events": list(events), "claim": claim, **places})

    def merge(self, item: ItemOut, into: str, *, reason: str | None = None) -> PairOut:
        """Lets an item go on in another, with all that is still written about it."""
        return self._pair(item, "merge", given(into=into, reason=reason))

    def unmerge(self, item: ItemOut, *, reason: str | None = None) -> PairOut:
        """Takes a merge back: the item goes on by itself, as it stood."""
        return self._pair(item, "unmerge", given(reason=reason))

    def link(self, item: ItemOut, to: str, *, reason: str | None = None) -> ItemOut:
        """Says that an item has to do with another."""
        return self._step(item, "link", given(to=to, reason=reason))

    def unlink(self, item: ItemOut, *, reason: str | None = None) -> ItemOut:
        """Says that an item has nothing to do with the one it is linked to."""
        return self._step(item, "unlink", given(reason=reason))

    def escalate(self, item: ItemOut, reason: str) -> ItemOut:
        """Passes an item to the next tier of its queue."""
        return self._step(item, "escalate", {"reason": reason})

    def admit(self, item: ItemOut) -> ItemOut:
        """Lets a quarantined item into normal routing."""
        return self._step(item, "admit")

    def set_aside(self, item: ItemOut, *, reason: str | None = None) -> ItemOut:
        """Puts an admitted item back into quarantine, while nobody has taken it."""
        return self._step(item, "set-aside", given(reason=reason))

    def mark_customer(self, customer_id: str, mark: str, *, reason: str | None = None) -> CustomerOut:
        """Marks a customer as something the desk's rules may ask for."""
        return self._card(customer_id, "mark", given(mark=mark, reason=reason))

    def unmark_customer(self, customer_id: str, mark: str, *, reason: str | None = None) -> CustomerOut:
        """Takes a mark away from a customer."""
        return self._card(customer_id, "unmark", given(mark=mark, reason=reason))

    def link_customer(self, customer_id: str, other: str, *, reason: str | None = None) -> CustomerOut:
        """Says that another customer is the same person."""
        return self._same_person("link", customer_id, other, reason)

    def unlink_customer(self, customer_id: str, other: str, *, reason: str | None = None) -> CustomerOut:
        """Says that another customer is not the same person after all."""
        return self._same_person("unlink", customer_id, other, reason)

    # Looking

    def item(self, item_id: str) -> ItemWithHistory:
        """One item and its history."""
        return self._calls.get(ItemWithHistory, _item(item_id))

    def items(
        self,
        *,
        queue: str | None = None,
        state: str | None = None,
        holder: str | None = None,
        offered_to: str | None = None,
        pinned_to: str | None = None,
        newest: bool = False,
        limit: int | None = None,
    ) -> Iterator[ItemOut]:
        """Items by one of these, or without any the caller's own: all of them, or the first `limit`."""
        by = given(queue=queue, state=state, holder=holder, offered_to=offered_to, pinned_to=pinned_to)
        pages = self._calls.pages(ItemPage, "/v1/items", by | _order(newest=newest), limit)
        return islice((item for page in pages for item in page.items), limit)

    def customer(self, customer_id: str) -> CustomerOut:
        """A customer's card."""
        return self._calls.get(CustomerOut, f"/v1/customers/{_quoted(customer_id)}")

    def timeline(
        self, customer_id: str, *, linked: bool = False, newest: bool = False, limit: int | None = None
    ) -> Iterator[EventOut]:
        """Everything the customer said and we did about it, or the first `limit` entries.

        With `linked` also that of those who are the same person: by the time of each entry, each one's own in order.
        """
        others = [link.customer_id for link in self.customer(customer_id).linked] if linked else []
        timelines = (self._timeline(one, newest, limit) for one in (customer_id, *others))
        return islice(merge(*timelines, key=lambda event: event.at, reverse=newest), limit)

    def attachment(self, customer_id: str, seq: int, number: int) -> AttachmentOut:
        """An attachment of the timeline's entry `seq`, counted from one: its `url` gives it for a minute to anybody."""
        return self._calls.get(AttachmentOut, f"/v1/customers/{_quoted(customer_id)}/attachments/{seq}/{number}")

    def mentions(self, agent_id: str, *, limit: int | None = None) -> Iterator[MentionOut]:
        """The notes that name an agent, newest first: all of them, or the first `limit`."""
        pages = self._calls.pages(MentionPage, f"{_agent(agent_id)}/mentions", {}, limit)
        return islice((mention for page in pages for mention in page.mentions), limit)

    def queues(self) -> BoardOut:
        """The live board."""
        return self._calls.get(BoardOut, "/v1/queues")

    def health(self) -> HealthOut:
        """Whether the stack can work."""
        return self._calls.get(HealthOut, "/v1/health")

    # People

    def agent(self, agent_id: str) -> AgentOut:
        """An agent as he is now."""
        return self._calls.get(AgentOut, _agent(agent_id))

    def set_presence(self, agent_id: str, presence: Literal["present", "away"]) -> PresenceOut:
        """Says whether an agent takes work now; who is set away gives back what he has in hand."""
        path = f"{_agent(agent_id)}/presence"
        return shaped(PresenceOut, self._calls.answer("PUT", path, {"presence": presence}, again=True))

    def hand_over(self, agent_id: str, to: str | None, *, preview: bool = False) -> HandoverOut:
        """Hands all matters of an agent over; asked again while the answer has something `left`, it goes on."""
        body = {"to": to, "preview": preview}
        return shaped(HandoverOut, self._calls.answer("POST", f"{_agent(agent_id)}/handover", body, again=True))

    def _timeline(self, customer_id: str, newest: bool, limit: int | None) -> Iterator[EventOut]:
        path = f"/v1/customers/{_quoted(customer_id)}/timeline"
        pages = self._calls.pages(TimelinePage, path, _order(newest=newest), limit)
        return (event for page in pages for event in page.events)

    def _pair(self, item: ItemOut, verb: str, body: Json) -> PairOut:
        return shaped(PairOut, self._calls.answer("POST", f"{_item(item.id)}/{verb}", body, item=item))

    def _same_person(self, verb: str, customer_id: str, other: str, reason: str | None) -> CustomerOut:
        return self._card(customer_id, verb, given(other=other, reason=reason))

    def _card(self, customer_id: str, verb: str, body: Json) -> CustomerOut:
        return shaped(CustomerOut, self._calls.answer("POST", f"/v1/customers/{_quoted(customer_id)}/{verb}", body))

    def _step(self, item: ItemOut, verb: str, body: Json | None = None) -> ItemOut:
        return shaped(ItemOut, self._calls.answer("POST", f"{_item(item.id)}/{verb}", body, item=item))


def _new_key() -> str:
    return uuid.uuid4().hex


def _quoted(name: str) -> str:
    """A name as a part of a path. Raises `ApiError` for one that on its way would become another path: a variable that
    was not set must not claim whatever waits elsewhere."""
    if name in ("", ".", ".."):
        raise ApiError(404, "unknown", f"nothing has the name {name!r}")
    return quote(name, safe="")


def _item(item_id: str) -> str:
    return f"/v1/items/{_quoted(item_id)}"


def _agent(agent_id: str) -> str:
    return f"/v1/agents/{_quoted(agent_id)}"


def _order(*, newest: bool) -> dict[str, str]:
    return {"order": "newest" if newest else "oldest"}
