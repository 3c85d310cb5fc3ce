"""Tags of a message, as the item keeps them."""

from dataclasses import asdict

from chalicelib.intake.message import Message
from chalicelib.item.item import Tagging
from classifiers.model import Model


def tags_of(message: Message, model: Model | None) -> Tagging | None:
    """What the model says of a message; None without a model, so that intake never waits for one."""
    if model is None:
        return None
    tags = model.tag(message.subject, message.written or message.text, message.channel)
    return Tagging(
        model=tags.model_id,
        topic=tags.topic.label,
        topic_confidence=round(tags.topic.confidence, 4),
        topic_abstained=tags.topic.abstained,
        urgency=tags.urgency.label,
        urgency_confidence=round(tags.urgency.confidence, 4),
        language=tags.language,
        evidence=tuple({**asdict(piece), "weight": round(piece.weight, 4)} for piece in tags.evidence),
    )
