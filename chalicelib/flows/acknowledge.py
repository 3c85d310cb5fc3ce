"""The acknowledgement of one arrival: composed and stored before the transaction that puts it into the outbox."""

import logging

from chalicelib.errors import Unavailable
from chalicelib.intake.message import Message
from chalicelib.item.acknowledge import acknowledged, acknowledgement, is_due, weighed
from chalicelib.item.arrive import Arrival, Known
from chalicelib.item.change import Change, Step
from chalicelib.item.item import Tagging
from chalicelib.world import World

log = logging.getLogger("sortownia")


class Courtesy:
    """What one arrival gets. Its ids are drawn once, however often the arrival is decided again."""

    def __init__(self, arrival: Arrival, tags: Tagging | None, world: World) -> None:
        self._arrival, self._tags, self._world = arrival, tags, world
        self._reply_id, self._event_id = "", ""

    def weighed(self, message: Message, known: Known) -> Known:
        """What is known, with why this arrival is not acknowledged."""
        return weighed(self._arrival, message, self._tags, known, self._world.policy)

    def given(self, change: Change, known: Known) -> Change:
        """The arrival with its acknowledgement, if it gets one.

        Where its bytes cannot be stored the arrival goes on without: a courtesy holds up nobody's mail.
        """
        item, customer, world = change.after, change.customer, self._world
        if not (item and item.contact and customer and known.budget):
            return change
        if not is_due(change, known, self._arrival, world.policy):
            return change
        from chalicelib.flows.letter import by_mail  # writing mail takes a while to load, and few arrivals get one

        self._reply_id, self._event_id = self._reply_id or world.new_id(), self._event_id or world.new_id()
        at = self._arrival.now
        text = acknowledgement(item, at, world.policy)
        letter, raw = by_mail(self._reply_id, text, item, item.contact, customer, at, world.policy, automatic=True)
        try:
            world.raw.write(letter.raw_key, raw, "message/rfc822")
        except Unavailable as error:
            log.warning("an acknowledgement could not be stored: %s", type(error).__name__)
            return change
        delivery = self._arrival.delivery
        step = Step("sortownia", f"{delivery.channel}:{delivery.id}", at, self._event_id)
        return acknowledged(change, letter, known.budget, step)
