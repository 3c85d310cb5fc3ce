"""What supervisors mark a customer as: the desk's rules may ask for it. Pure."""

from chalicelib.errors import Conflict, Invalid
from chalicelib.item.change import Change, Step, written
from chalicelib.item.item import Customer, EventType
from chalicelib.policy import Policy


def mark(customer: Customer, step: Step, name: str, reason: str, policy: Policy, *, stands: bool) -> Change:
    """The customer is marked or, where it `stands` no more, is not any longer; his timeline tells by whom and why.

    Raises `Invalid` for a mark the desk does not have (one it had once can be taken away), `Conflict` where it is so
    already.
    """
    if name not in policy.rules.marks and (stands or name not in customer.marks):
        raise Invalid("mark", f"there is no mark {name}")
    if stands == (name in customer.marks):
        raise Conflict(f"the customer is marked {name} already" if stands else f"the customer is not marked {name}")
    marks = customer.marks | {name} if stands else customer.marks - {name}
    event_type = EventType.CUSTOMER_MARKED if stands else EventType.CUSTOMER_UNMARKED
    payload = {"reason": reason} if reason else None
    _, event = written(step, event_type, customer, None, {"mark": name, "marks": sorted(marks)}, payload)
    return Change(customer=customer, events=(event,), marks=marks)
