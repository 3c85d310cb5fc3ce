"""What people need to know for a matter and the customer has not said yet. Pure."""

from chalicelib.intake.message import Message
from chalicelib.item.item import Item
from chalicelib.policy import Policy


def given(message: Message, before: Item | None, policy: Policy) -> tuple[str, ...]:
    """What the customer gave of all that the desk ever asks for, with this message and before."""
    texts = (message.subject, message.written, message.text)
    return tuple(sorted(policy.asks.given_in(texts).union(before.given if before else ())))


def missing(item: Item, policy: Policy) -> tuple[str, ...]:
    """What its topic asks for and no message gave, in the desk's order."""
    topic = policy.topics.get(item.topic or "")
    return tuple(name for name in topic.asks if name not in item.given) if topic else ()


def suggestion(item: Item, policy: Policy) -> str:
    """A reply in the customer's language that asks for all of it at once; nobody but an agent sends it. '' for none."""
    return policy.asks.letter(missing(item, policy), item.language, policy.languages[0])
