"""People say that two customers are one person, or take that back."""

from chalicelib.flows.again import until_won
from chalicelib.item import marks
from chalicelib.item.change import Link, Step
from chalicelib.item.item import Customer
from chalicelib.item.links import same_person
from chalicelib.rights import Caller, check_may_supervise, check_may_write, check_serves
from chalicelib.store import keys, rows
from chalicelib.world import World


def say(
    customer_id: str, other: str, reason: str, caller: Caller, world: World, *, stands: bool
) -> tuple[Customer, list[Link]]:
    """Links two customers or, where it `stands` no more, takes that back; the first's card as it is then.

    Raises `NotAllowed`, `Unknown`, `Invalid` for one and the same, `Conflict` where it is said already.
    """
    check_serves(caller, world.policy)
    check_may_write(caller)

    def decide_and_save() -> None:
        ids = (customer_id, other)
        customers = (world.table.customer(ids[0]), world.table.customer(ids[1]))
        wanted = [keys.link_key(*ids), keys.link_key(*reversed(ids))]
        found = world.table.rows(wanted)
        first, second = (found.get((key["pk"], key["sk"])) for key in wanted)
        links = (rows.link_of(first) if first else None, rows.link_of(second) if second else None)
        at, cause = world.now(), "link" if stands else "unlink"
        steps = (Step(caller.id, cause, at, world.new_id()), Step(caller.id, cause, at, world.new_id()))
        world.table.save(same_person(customers, links, steps, reason, stands=stands), at)

    until_won(decide_and_save)
    return card(customer_id, world)


def mark(
    customer_id: str, name: str, reason: str, caller: Caller, world: World, *, stands: bool
) -> tuple[Customer, list[Link]]:
    """Marks a customer or, where it `stands` no more, takes the mark away; his card as it is then.

    Raises `NotAllowed` for who is no supervisor, `Unknown`, `Invalid`, `Conflict` where it is so already.
    """
    check_may_supervise(caller)

    def decide_and_save() -> None:
        step = Step(caller.id, "mark" if stands else "unmark", world.now(), world.new_id())
        customer = world.table.customer(customer_id)
        world.table.save(marks.mark(customer, step, name, reason, world.policy, stands=stands), step.at)

    until_won(decide_and_save)
    return card(customer_id, world)


def card(customer_id: str, world: World) -> tuple[Customer, list[Link]]:
    """A customer, and whom people say to be the same person. Raises `Unknown`."""
    return world.table.customer(customer_id), [link for link in world.table.links(customer_id) if link.stands]
