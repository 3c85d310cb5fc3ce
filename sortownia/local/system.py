"""Everything together: the deployed stack with its doors for HTTP and mail."""

import json
import os
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import httpx

from chalicelib.policy import WIDGET, Policy, load
from infra.package import OUT
from sortownia.local import ports
from sortownia.local.error import LocalError
from sortownia.local.front import CHAT_PATH, HTTP_PORT, ISSUER_PATH, SES_PATH, Front
from sortownia.local.issuer import AUDIENCE, LIFETIME_SECONDS, Issuer
from sortownia.local.ses_door import ENDPOINT_VARIABLE, SesDoor, verify_senders
from sortownia.local.shop import Shop
from sortownia.local.smtp import MAIL_PURPOSE, SMTP_PORT, mail_door
from sortownia.local.stack import RUNS, STACK_PORT, STACK_PURPOSE, LocalStack, Progress, silent, timed
from training import signing

FACTS: Final = "running.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What another process on this machine must know of a running system: `endpoint` answers for every AWS service."""

    url: str
    endpoint: str
    stack: str
    smtp_port: int
    mailboxes: tuple[str, ...]
    hook_secrets: Mapping[str, str]


class LocalSystem:
    """The whole system on 127.0.0.1 for as long as a `with` block lasts. A port of 0 takes a free one.

    Entering raises `LocalError` and then leaves nothing behind. `parameters` are the template's and win over
    ours; `environment` is added to every function's.
    """

    def __init__(
        self,
        *,
        stack_port: int = STACK_PORT,
        smtp_port: int = SMTP_PORT,
        http_port: int = HTTP_PORT,
        package: Path = OUT,
        parameters: Mapping[str, str] | None = None,
        environment: Mapping[str, str] | None = None,
        progress: Progress = silent,
    ) -> None:
        self.policy: Policy = load()
        self._stack_port, self._smtp_port, self._http_port = stack_port, smtp_port, http_port
        self._package, self._parameters, self._progress = package, dict(parameters or {}), progress
        self._environment = dict(environment or {})
        self._exits = ExitStack()

    def __enter__(self) -> Self:
        # All ports are asked for first, so that a taken one is told before the slow part.
        smtp_port = ports.settle(self._smtp_port, MAIL_PURPOSE, "--smtp-port")
        stack_port = ports.settle(self._stack_port, STACK_PURPOSE, "--port")
        with ExitStack() as exits:
            self.front = exits.enter_context(Front(port=self._http_port))
            self.issuer = self._issuer(self.front.url + ISSUER_PATH)
            self.stack = exits.enter_context(self._stack(stack_port))
            self.front.issuer = self.issuer
            self.front.agents = {agent.id: agent.roles for agent in self.policy.agents.values()}
            self.front.api_url = self.stack.api_url
            self._open_outside()
            with timed("warm-up", self._progress):
                self._warm()
            with timed("doors", self._progress):
                door = mail_door(self.stack, self.policy.mailboxes, port=smtp_port)
                self.mail_door = exits.enter_context(door)
            self._exits = exits.pop_all()
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._exits.close()

    def _issuer(self, url: str) -> Issuer:
        access = self.policy.access
        return Issuer(url, role_claim=access.role_claim, agent_claim=access.agent_claim)

    def _stack(self, port: int) -> LocalStack:
        ours = {
            "OidcIssuer": self.front.url + ISSUER_PATH,
            "OidcAudience": AUDIENCE,
            "ChatRepliesUrl": self.front.url + CHAT_PATH,
            "ModelKeys": signing.public_text(signing.own_key()),
        }
        return LocalStack(
            port=port,
            package=self._package,
            parameters=ours | self._parameters,
            environment=self._environment | {ENDPOINT_VARIABLE: self.front.url + SES_PATH},
            progress=self._progress,
        )

    def _open_outside(self) -> None:
        """SES and the shop's server: who takes what the desk sends."""
        verify_senders(self.stack, self.policy.mailboxes)
        self.front.ses = SesDoor(self.stack)
        self.front.shop = Shop(self._secret_of)
        ours = (name for name, installation in self.policy.installations.items() if installation.provider == WIDGET)
        self.front.widget = next(ours, "")

    def _secret_of(self, installation: str) -> str:
        if installation not in self.policy.installations:
            raise KeyError(installation)
        return self.stack.hook_secret(installation)

    def _warm(self) -> None:
        # One thread of the emulator serves streams and queues: a stream reader's cold start would hold up all.
        with ThreadPoolExecutor(1) as pool:
            pool.submit(httpx.get, f"{self.stack.api_url}/v1/health", timeout=60)
            self.stack.warm("receive", "ring", "export", "send")

    @property
    def url(self) -> str:
        """The HTTP address; the API's paths follow, `/v1/…`."""
        return self.front.url

    @property
    def smtp_port(self) -> int:
        """Where mail is taken in."""
        return self.mail_door.port

    def token(self, agent_id: str, roles: Iterable[str] | None = None, lifetime: float = LIFETIME_SECONDS) -> str:
        """A token for an agent, with his roles at the desk unless others are given. `lifetime` in seconds."""
        if roles is None:
            roles = self.policy.agents[agent_id].roles
        return self.issuer.token(agent_id, roles, lifetime)

    def deliveries(self) -> int:
        """How many messages the table knows as received. Reads the whole table: only for a small one."""
        pages = self.stack.client("dynamodb").get_paginator("scan").paginate(
            TableName=self.stack.table,
            Select="COUNT",
            ConsistentRead=True,
            FilterExpression="#kind = :delivery",
            ExpressionAttributeNames={"#kind": "kind"},
            ExpressionAttributeValues={":delivery": {"S": "delivery"}},
        )  # fmt: skip
        return sum(page["Count"] for page in pages)

    @property
    def widgets(self) -> list[str]:
        """The chat installations whose messages can be made and signed here: the generic ones."""
        return [name for name, one in self.policy.installations.items() if one.provider == "generic"]

    def facts(self) -> Facts:
        """What `announce` writes down."""
        return Facts(
            url=self.url,
            endpoint=self.stack.endpoint,
            stack=self.stack.name,
            smtp_port=self.smtp_port,
            mailboxes=tuple(self.policy.mailboxes),
            hook_secrets={name: self.stack.hook_secret(name) for name in self.widgets},
        )

    def announce(self) -> None:
        """Write the facts where `running` finds them, readable by this user only; they go with the system."""
        path = self.stack.folder / FACTS
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump(asdict(self.facts()), file)


def running() -> Facts:
    """The facts of the system that was announced last. Raises `LocalError` when there is none."""
    files = sorted(RUNS.glob(f"*/{FACTS}"), key=lambda path: path.stat().st_mtime)
    if not files:
        raise LocalError("Nothing is running here: start `sortownia demo` or `sortownia up` in another terminal.")
    facts = json.loads(files[-1].read_text("utf-8"))
    return Facts(**facts | {"mailboxes": tuple(facts["mailboxes"])})
