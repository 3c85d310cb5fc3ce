"""The chat providers whose webhooks are taken, and what is asked of each of their modules.

`verify` raises NotAuthentic unless one of the secrets proves a webhook. `messages` is all that visitors say in a body,
and nothing of what anybody else does; it raises Unreadable for a body it does not understand.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from chalicelib.errors import Unknown
from chalicelib.intake.chat import (
    chatwoot,
    crisp,
    generic,
    intercom,
    livechat,
    messenger,
    slack,
    sunshine,
    tawk,
    telegram,
    whatsapp,
    zendesk,
)
from chalicelib.intake.chat.received import Received
from chalicelib.intake.message import Message
from chalicelib.policy import WIDGET, Installation


def _no_challenge(_raw: bytes) -> str:
    return ""


def _as_it_is(raw: bytes) -> bytes:
    return raw


@dataclass(frozen=True, slots=True)
class Adapter:
    """How one provider's webhooks are read.

    `challenge` is what a signed body wants to hear back, '' of one that brings events; `kept` is what of a body is
    stored. `told_off`: its sender is told what is wrong with a body, instead of people. `shakes_hands`: an address is
    first tried by GET, with a token.
    """

    verify: Callable[[Received, Sequence[str], datetime], None]
    messages: Callable[[bytes], tuple[Message, ...]]
    challenge: Callable[[bytes], str] = _no_challenge
    kept: Callable[[bytes], bytes] = _as_it_is
    told_off: bool = False
    shakes_hands: bool = False


ADAPTERS: Final[Mapping[str, Adapter]] = {
    "generic": Adapter(generic.verify, generic.messages, told_off=True),
    "chatwoot": Adapter(chatwoot.verify, chatwoot.messages),
    "crisp": Adapter(crisp.verify, crisp.messages),
    "intercom": Adapter(intercom.verify, intercom.messages),
    "livechat": Adapter(livechat.verify, livechat.messages, kept=livechat.kept),
    "messenger": Adapter(messenger.verify, messenger.messages, shakes_hands=True),
    "slack": Adapter(slack.verify, slack.messages, challenge=slack.challenge),
    "sunshine": Adapter(sunshine.verify, sunshine.messages),
    "tawk": Adapter(tawk.verify, tawk.messages),
    "telegram": Adapter(telegram.verify, telegram.messages),
    "whatsapp": Adapter(whatsapp.verify, whatsapp.messages, shakes_hands=True),
    "zendesk": Adapter(zendesk.verify, zendesk.messages),
}


def adapter_of(installation: Installation) -> Adapter:
    """The adapter of an installation's provider. Raises Unknown for one that posts no webhooks here."""
    found = ADAPTERS.get(installation.provider)
    if found is None:
        raise Unknown(f"{installation.provider} posts no webhooks")
    return found


def messages(installation: Installation, raw: bytes) -> tuple[Message, ...]:
    """What visitors say in a body, each message once. Raises Unreadable, Unknown.

    Where the desk names the provider's account, those of other accounts are none of this installation's.
    """
    said = generic.messages if installation.provider == WIDGET else adapter_of(installation).messages
    found = {message.delivery: message for message in said(raw)}
    ours = f"{installation.account}." if installation.account else ""
    return tuple(message for message in found.values() if message.conversation.startswith(ours))
