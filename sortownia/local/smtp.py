"""The door for mail: takes it in by SMTP and does with it what SES does."""

import asyncio
import logging
import threading
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import partial
from types import TracebackType
from typing import Any, Final, Self

from aiosmtpd.smtp import SMTP, Envelope, Session
from botocore.exceptions import BotoCoreError, ClientError

from sortownia.local import ports, ses
from sortownia.local.stack import LocalStack

SMTP_PORT: Final = 2525
MAIL_PURPOSE: Final = "mail (SMTP)"
RECIPIENTS_LIMIT: Final = 50
LINE_LIMIT: Final = 1024 * 1024
"""RFC 5321 allows 1,000 bytes a line, but real senders do not keep to it."""
READY_SECONDS: Final = 10.0

type Store = Callable[[str, bytes], None]
"""Puts bytes under a key; raises a botocore error or `OSError` when it could not."""
type Publish = Callable[[str], None]
"""Tells the mail topic; raises a botocore error or `OSError` when it could not."""

_log = logging.getLogger(__name__)


class MailDoor:
    """An SMTP server on 127.0.0.1 for as long as a `with` block lasts. `port` 0 takes a free one.

    A mail is answered with 250 only when it is stored and the topic knows; with 451 otherwise, so that the
    client keeps it. Recipients that are no mailbox get 550. Entering raises `LocalError` when the port is
    taken.
    """

    def __init__(
        self,
        *,
        mailboxes: Iterable[str],
        bucket: str,
        topic: str,
        store: Store,
        publish: Publish,
        port: int = SMTP_PORT,
        way_out: str = "--smtp-port",
    ) -> None:
        self._handler = _Handler(frozenset(mailboxes), bucket, topic, store, publish)
        self.port, self._way_out = port, way_out
        self._ready = threading.Event()
        self._leave: Callable[[], object] = lambda: None
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="smtp", daemon=True)

    def __enter__(self) -> Self:
        self.port = ports.settle(self.port, MAIL_PURPOSE, self._way_out)
        self._thread.start()
        if not self._ready.wait(READY_SECONDS):
            raise TimeoutError("the SMTP server did not start")
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if self._thread.is_alive():
            self._leave()
            self._thread.join()

    async def _serve(self) -> None:
        loop, left = asyncio.get_running_loop(), asyncio.Event()
        self._leave = partial(loop.call_soon_threadsafe, left.set)
        server = await loop.create_server(lambda: self._session(loop), ports.HOST, self.port)
        self._ready.set()
        await left.wait()
        server.close()

    def _session(self, loop: asyncio.AbstractEventLoop) -> SMTP:
        return _Session(
            self._handler,
            data_size_limit=ses.SIZE_LIMIT,
            enable_SMTPUTF8=True,
            hostname="inbound-smtp.localhost",
            ident="Sortownia",
            loop=loop,
        )


def mail_door(stack: LocalStack, mailboxes: Iterable[str], *, port: int = SMTP_PORT) -> MailDoor:
    """The door into a running stack."""
    s3, sns = stack.client("s3"), stack.client("sns")

    def store(key: str, raw: bytes) -> None:
        s3.put_object(Bucket=stack.raw_bucket, Key=key, Body=raw)

    def publish(notice: str) -> None:
        subject = "Amazon SES Email Receipt Notification"
        sns.publish(TopicArn=stack.mail_topic, Message=notice, Subject=subject)

    return MailDoor(
        mailboxes=mailboxes,
        bucket=stack.raw_bucket,
        topic=stack.mail_topic,
        store=store,
        publish=publish,
        port=port,
    )


class _Session(SMTP):
    line_length_limit = LINE_LIMIT


class _Handler:
    """What aiosmtpd asks at each step of a session. Method names are aiosmtpd's."""

    def __init__(self, mailboxes: frozenset[str], bucket: str, topic: str, store: Store, publish: Publish) -> None:
        self._mailboxes, self._bucket, self._topic = mailboxes, bucket, topic
        self._store, self._publish = store, publish

    async def handle_RCPT(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        mailbox = _mailbox_of(address)
        if mailbox not in self._mailboxes:
            return "550 5.1.1 Requested action not taken: mailbox unavailable"
        if len(envelope.rcpt_tos) >= RECIPIENTS_LIMIT:
            return "452 4.5.3 Too many recipients"
        if address not in envelope.rcpt_tos:
            envelope.rcpt_tos.append(address)
        return "250 2.1.5 Ok"

    async def handle_DATA(self, _server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        arrival = _arrival(session, envelope)
        try:
            await asyncio.to_thread(self._deliver, arrival)
        except (BotoCoreError, ClientError, OSError):
            _log.exception("mail %s was not taken in", arrival.message_id)
            return "451 4.3.0 Requested action aborted: local error in processing"
        return f"250 2.0.0 Ok {arrival.message_id}"

    async def handle_exception(self, error: Exception) -> str:
        # The default answer is a permanent 500, upon which the client would throw the mail away.
        _log.error("SMTP session failed", exc_info=error)
        return "451 4.3.0 Requested action aborted: local error in processing"

    def _deliver(self, arrival: ses.Arrival) -> None:
        stored = ses.process(arrival, bucket=self._bucket, topic=self._topic)
        self._store(stored.key, stored.raw)
        self._publish(stored.notice)


def _arrival(session: Session, envelope: Envelope) -> ses.Arrival:
    peer: Any = session.peer
    return ses.Arrival(
        message_id=ses.new_message_id(),
        source=_plain(envelope.mail_from or ""),
        recipients=tuple(_plain(address) for address in envelope.rcpt_tos),
        peer=str(peer[0]),
        helo=_plain(session.host_name or "unknown"),
        at=datetime.now(UTC),
        raw=envelope.original_content or b"",
    )


def _mailbox_of(address: str) -> str:
    """The mailbox an address belongs to: `help+label@shop` is `help@shop`.

    So it is for SES: a receipt rule for an address without a label takes it with any label (SES developer guide,
    "Creating receipt rules", on recipient conditions).
    """
    local, _, domain = address.lower().rpartition("@")
    return f"{local.partition('+')[0]}@{domain}"


def _plain(text: str) -> str:
    """Text without the bytes that came undecodable."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
