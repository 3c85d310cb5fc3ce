"""What keeps an automatic answer from beginning a loop: its headers, our marks, and to whom none is sent (RFC 3834).

SES takes no empty envelope sender, which RFC 3834 (3.3) asks for: the headers and the budget stand in for it.
"""

import re
from collections.abc import Collection
from typing import Final

#: RFC 3834 (3.1.7); Exchange's own; and what programs look at that are older than both (3.1.8).
HEADERS: Final = (("Auto-Submitted", "auto-replied"), ("X-Auto-Response-Suppress", "All"), ("Precedence", "bulk"))
_BY_ITSELF: Final = "auto-replied"
_OURS: Final = "sortownia."
# Addresses of programs (RFC 2142, RFC 3834 section 2), and those that say that nobody reads what comes.
_PROGRAM = re.compile(
    r"(?:mailer-?daemon|postmaster|daemon|root|nobody|listserv|majordomo|mailman|bounces?|abuse|owner-.*"
    r"|auto-?(?:reply|responder)|notifications?|alerts?|newsletter)"
    r"|.*(?:-request|-owner|-bounces?|\.autoreply)|(?:bounces?|prvs|srs[01])[-+=].*"
    r"|(?:.*[-_.])?(?:no|do-?not|dont|nie|nicht|не)[-_.]?(?:reply|replay|respond|antworten|odpowiadaj)(?:[-_.].*)?"
)


def loop_mark(outbox_id: str) -> str:
    """What our loop header says of a mail that no person wrote."""
    return f"{outbox_id}; {_BY_ITSELF}"


def by_itself(mark: str) -> bool:
    """Whether the desk that put this loop header on a mail sent it by itself."""
    return mark.partition(";")[2].strip().lower() == _BY_ITSELF


def message_id(outbox_id: str, mailbox: str) -> str:
    """The Message-ID under which a mail of ours leaves, without brackets, wherever SES leaves it as it is."""
    return f"{_OURS}{outbox_id}@{mailbox.rpartition('@')[2]}"


def is_ours(message_id: str, domains: Collection[str]) -> bool:
    """Whether a desk with mailboxes in these domains gave this Message-ID."""
    local, _, domain = message_id.rpartition("@")
    return local.startswith(_OURS) and domain.lower() in domains


def of_domain(address: str, domains: Collection[str]) -> bool:
    """Whether an address belongs to one of these domains, or to one below it."""
    domain = f".{address.rpartition('@')[2].lower()}"
    return any(domain.endswith(f".{ours}") for ours in domains)


def read_by_nobody(address: str) -> bool:
    """Whether an address says of itself that a program has it, or that nobody reads what it gets."""
    return bool(_PROGRAM.fullmatch(address.rpartition("@")[0].lower()))


def account(address: str) -> str:
    """Whose mailbox an address leads to: without label, dots and case, so that no variant of it is a new one.

    Two people may come out as one, who then share what one may get; it is no address to write to.
    """
    local, _, domain = address.lower().rpartition("@")
    bare = local.partition("+")[0].replace(".", "")
    return f"{bare or local}@{domain}"
