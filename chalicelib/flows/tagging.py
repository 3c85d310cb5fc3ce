"""Tags of a message, as the item keeps them."""

from dataclasses import asdict

from chalicelib.intake.message import Message
from chalicelib.item.item import Tagging
from chalicelib.item.sorting import lifted
from chalicelib.policy import Policy
from chalicelib.routing.urgency import doubted, raised
from classifiers.model import Model


def tags_of(message: Message, model: Model | None, policy: Policy) -> Tagging | None:
    """What the model and the desk's urgency rules say of a message; None without a model, so that intake never waits
    for one. No rule lifts what may be spam, or what no person wrote."""
    if model is None:
        return None
    body = message.written or message.text
    tags = model.tag(message.subject, body, message.channel)
    tagging = Tagging(
        model=tags.model_id,
        topic=tags.topic.label,
        topic_confidence=round(tags.topic.confidence, 4),
        topic_abstained=tags.topic.abstained,
        urgency=tags.urgency.label,
        urgency_confidence=round(tags.urgency.confidence, 4),
        language=tags.language,
        evidence=tuple({**asdict(piece), "weight": round(piece.weight, 4)} for piece in tags.evidence),
        doubted=doubted(tags.topic.label, tags.topic.scores, policy),
    )
    if tagging.doubted or message.automatic is not None:
        return tagging
    return lifted(tagging, raised(tagging.urgency, message.subject, body, policy))
