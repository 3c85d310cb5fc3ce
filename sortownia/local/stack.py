"""The real package and template on ministack, for as long as a `with` block lasts."""

import os
import secrets
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from botocore.exceptions import BotoCoreError, ClientError

from infra.package import OUT, ROOT
from sortownia.local import keeper, ports, processes
from sortownia.local.cloud import ACCOUNT_ENVIRONMENT, REGION, clients_for
from sortownia.local.error import LocalError
from sortownia.local.template import Template

RUNS: Final = ROOT / ".local"
STACK_PORT: Final = 4571
STACK_PURPOSE: Final = "the AWS emulator"
MINISTACK_VARIABLE: Final = "SORTOWNIA_MINISTACK"
PARAMETERS: Final = {"StreamRecordAgeSeconds": "60"}
"""The emulator retries a stream record that fails until it is too old, and nothing else meanwhile."""
HEALTH_SECONDS: Final = 60.0
DEPLOY_SECONDS: Final = 120.0

type Progress = Callable[[str, float], None]
"""Told the name of each stage that is done and the seconds it took."""


def silent(_stage: str, _seconds: float) -> None:
    """A `Progress` that says nothing."""


@contextmanager
def timed(stage: str, progress: Progress) -> Iterator[None]:
    """Report the block's seconds when it succeeds."""
    started = time.monotonic()
    yield
    progress(stage, time.monotonic() - started)


class LocalStack:
    """The deployed stack on 127.0.0.1: entering starts and deploys it, leaving stops and removes it.

    `port` 0 takes a free one. `parameters` are the template's; those it does not have are left out. Entering
    raises `LocalError`, and then too leaves nothing behind. The emulator ends with this process even if that
    is killed. `concurrency` limits the workers of each queue's function to what a small machine can bear;
    `environment` is added to every function's.
    """

    def __init__(
        self,
        *,
        port: int = STACK_PORT,
        package: Path = OUT,
        name: str = "sortownia",
        parameters: Mapping[str, str] | None = None,
        environment: Mapping[str, str] | None = None,
        concurrency: int = max(2, os.cpu_count() or 2),
        progress: Progress = silent,
        way_out: str = "--port",
    ) -> None:
        self.name = name
        self.region = REGION
        self._wanted_port, self._way_out = port, way_out
        self._package, self._parameters, self._progress = package, PARAMETERS | dict(parameters or {}), progress
        self._concurrency, self._functions_environment = concurrency, dict(environment or {})
        self._keeper: subprocess.Popen[str] | None = None
        self._group = 0
        self._port = 0
        self._resources: dict[str, dict[str, str]] = {}
        self._clients: dict[str, Any] = {}
        self._clients_lock = threading.Lock()
        self.outputs: dict[str, str] = {}
        self.folder = RUNS / f"{os.getpid()}-{secrets.token_hex(3)}"

    # Life

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.stop()

    def _start(self) -> None:
        self._template = Template.read(self._package)
        self._port = ports.settle(self._wanted_port, STACK_PURPOSE, self._way_out)
        with timed("emulator", self._progress):
            self._launch()
            self._await_health()
        with timed("deployment", self._progress):
            try:
                self._deploy()
            except (BotoCoreError, ClientError) as error:
                raise LocalError(f"The stack was not created: {error}") from error

    def stop(self) -> None:
        """End the emulator and its workers and remove the run's folder. Calling it again does nothing."""
        process, self._keeper = self._keeper, None
        if process is not None:
            with _signals_held():
                _end(process, self._group)
        keeper.remove(self.folder)

    @property
    def alive(self) -> bool:
        """Whether the emulator still runs."""
        return self._keeper is not None and self._keeper.poll() is None

    def _launch(self) -> None:
        _sweep()
        (self.folder / "tmp").mkdir(parents=True)
        command = [sys.executable, "-I", keeper.__file__, str(self.folder), str(_ministack())]
        with self._log_file.open("wb") as log:
            self._keeper = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=self._environment(),
                # Ctrl-C in a terminal goes to the foreground group, but we must be the one who stops this.
                start_new_session=True,
            )
        assert self._keeper.stdout
        self._group = int(self._keeper.stdout.readline() or 0)
        if not self._group:
            raise LocalError(f"The emulator did not start: {self.log_tail(5) or 'no output'}")

    def _environment(self) -> dict[str, str]:
        # The emulator hands its own environment on to every function: nothing of the developer's may leak in.
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "LANG": "C.UTF-8",
            "HOME": str(self.folder / "tmp"),
            "TMPDIR": str(self.folder / "tmp"),
            "GATEWAY_PORT": str(self._port),
            "BIND_HOST": ports.HOST,
            "MINISTACK_HOST": ports.HOST,
            "LOG_LEVEL": "WARNING",
            "SFTP_ENABLED": "0",
            "IOT_MTLS_ENABLED": "0",
            # It removes containers with its label at start; those of another run are not our business.
            "DOCKER_HOST": f"unix://{self.folder}/none.sock",
            # Each worker is a process of some 80 MB with an unpacked package of some 100 MB of disk.
            "LAMBDA_WARM_TTL_SECONDS": "60",
            "LAMBDA_ACCOUNT_CONCURRENCY": "48",
            **ACCOUNT_ENVIRONMENT,
            **self._functions_environment,
        }

    def _await_health(self) -> None:
        deadline = time.monotonic() + HEALTH_SECONDS
        while not ports.answers(self._port, "/_ministack/health"):
            if not self.alive:
                raise LocalError(f"The emulator ended while starting: {self.log_tail(5) or 'no output'}")
            if time.monotonic() > deadline:
                raise LocalError(f"The emulator is silent after {HEALTH_SECONDS:.0f} s: {self.log_tail(5)}")
            time.sleep(0.05)

    # Deployment

    def _deploy(self) -> None:
        bucket = f"{self.name}-package"
        self.client("s3").create_bucket(Bucket=bucket)
        self.client("s3").upload_file(str(self._template.archive), bucket, "deployment.zip")
        body = self._template.fitted(bucket, "deployment.zip", self._concurrency)
        self.client("s3").put_object(Bucket=bucket, Key="template.json", Body=body)
        self.client("cloudformation").create_stack(
            StackName=self.name,
            TemplateURL=f"{self.endpoint}/{bucket}/template.json",  # an inline one may have 51,200 bytes
            Parameters=[
                {"ParameterKey": key, "ParameterValue": value}
                for key, value in self._parameters.items()
                if key in self._template.parameters
            ],
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
        )
        self._await_stack()
        self._read_resources()

    def _await_stack(self) -> None:
        deadline = time.monotonic() + DEPLOY_SECONDS
        while True:
            stack = self.client("cloudformation").describe_stacks(StackName=self.name)["Stacks"][0]
            if stack["StackStatus"] == "CREATE_COMPLETE":
                self.outputs = {o["OutputKey"]: o["OutputValue"] for o in stack.get("Outputs", [])}
                return
            if not stack["StackStatus"].endswith("IN_PROGRESS") or time.monotonic() > deadline:
                raise LocalError(f"The stack was not created ({stack['StackStatus']}): {self._complaints()}")
            time.sleep(0.1)

    def _complaints(self) -> str:
        events = self.client("cloudformation").describe_stack_events(StackName=self.name)["StackEvents"]
        reasons = [
            f"{e['LogicalResourceId']}: {e['ResourceStatusReason']}"
            for e in events
            if e["ResourceStatus"].endswith("FAILED") and e.get("ResourceStatusReason")
        ]
        return "; ".join(reversed(reasons)) or "no reason given"

    def _read_resources(self) -> None:
        paginator = self.client("cloudformation").get_paginator("list_stack_resources")
        for page in paginator.paginate(StackName=self.name):
            for row in page["StackResourceSummaries"]:
                self._resources.setdefault(row["ResourceType"], {})[row["LogicalResourceId"]] = row[
                    "PhysicalResourceId"
                ]

    def warm(self, *functions: str) -> None:
        """Start a worker for each of these functions of app.py, by an event without records."""
        names = [self.function_name(function) for function in functions]
        with ThreadPoolExecutor(max(1, len(names))) as pool:
            list(pool.map(self._invoke_empty, names))

    def _invoke_empty(self, name: str) -> None:
        self.client("lambda").invoke(FunctionName=name, Payload=b'{"Records": []}')

    # What is where

    @property
    def endpoint(self) -> str:
        """Address of every AWS service."""
        return f"http://{ports.HOST}:{self._port}"

    @property
    def port(self) -> int:
        """The emulator's port."""
        return self._port

    @property
    def credentials(self) -> dict[str, str]:
        """Environment variables with which the AWS command line and SDKs reach this stack."""
        return {**ACCOUNT_ENVIRONMENT, "AWS_ENDPOINT_URL": self.endpoint}

    def client(self, service: str) -> Any:
        """The boto3 client of a service, made once. Clients may be used by several threads."""
        with self._clients_lock:  # making one is not thread-safe, using it is
            if service not in self._clients:
                self._clients[service] = clients_for(self.endpoint, service)
            return self._clients[service]

    def resource(self, logical_id: str) -> str:
        """Physical id of a resource of the template. Raises `KeyError`."""
        for resources in self._resources.values():
            if logical_id in resources:
                return resources[logical_id]
        raise KeyError(logical_id)

    def function_name(self, function: str) -> str:
        """Deployed name of a function of app.py. Raises `KeyError`."""
        return self.resource(self._template.function(function))

    @property
    def table(self) -> str:
        """Name of the table."""
        return self.resource("Table")

    @property
    def raw_bucket(self) -> str:
        """Name of the bucket of raw mail and chat."""
        return self.resource("RawBucket")

    @property
    def mail_topic(self) -> str:
        """ARN of the topic that SES tells of each mail."""
        return self.resource("MailTopic")

    @property
    def notice_topic(self) -> str:
        """ARN of the topic that SES tells what became of a mail."""
        return self.resource("NoticeTopic")

    @property
    def queue_urls(self) -> dict[str, str]:
        """Logical id -> URL of every SQS queue."""
        return dict(self._resources.get("AWS::SQS::Queue", {}))

    @cached_property
    def api_url(self) -> str:
        """Address under which the API's paths begin: append `/v1/…`."""
        api_id = next(iter(self._resources["AWS::ApiGateway::RestApi"].values()))
        return f"{self.endpoint}/restapis/{api_id}/{self._template.api_stage}/_user_request_"

    def hook_secret(self, installation: str) -> str:
        """The secret a chat installation signs its calls with."""
        secret_id = f"{self.name}/hooks/{installation}"
        value: str = self.client("secretsmanager").get_secret_value(SecretId=secret_id)["SecretString"]
        return value

    # Looking inside

    def worker_pids(self, function: str) -> list[int]:
        """Processes that now run a function of app.py, such as `receive`; the HTTP one is called `app`."""
        name = self.function_name(function)
        return [p.pid for p in processes.members(self._group) if f"ministack-lambda-{name}-" in p.command]

    def pids(self) -> list[int]:
        """Every process of this run: the emulator and all workers."""
        return [p.pid for p in processes.members(self._group)] if self._group else []

    def log_tail(self, lines: int = 40) -> str:
        """The emulator's last words."""
        if not self._log_file.exists():
            return ""
        return "\n".join(self._log_file.read_text("utf-8", "replace").splitlines()[-lines:])

    def function_log(self, function: str) -> list[str]:
        """Everything a function of app.py has logged, oldest first."""
        group = f"/aws/lambda/{self.function_name(function)}"
        logs = self.client("logs")
        try:
            pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group)
            return [event["message"].rstrip("\n") for page in pages for event in page["events"]]
        except logs.exceptions.ResourceNotFoundException:
            return []

    @property
    def _log_file(self) -> Path:
        return self.folder / "emulator.log"


def _sweep() -> None:
    """Remove the folders of runs that a power cut ended: their process is gone."""
    for folder in RUNS.glob("*-*"):
        owner = folder.name.partition("-")[0]
        if owner.isdecimal() and not _lives(int(owner)):
            shutil.rmtree(folder, ignore_errors=True)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _ministack() -> Path:
    program = Path(os.environ.get(MINISTACK_VARIABLE) or ROOT / ".venv-stack" / "bin" / "ministack")
    if not program.is_file():
        raise LocalError(f"The emulator is not installed at {program}: run `make setup`, or set {MINISTACK_VARIABLE}.")
    return program


def _end(process: subprocess.Popen[str], group: int) -> None:
    assert process.stdin
    with suppress(BrokenPipeError):
        process.stdin.close()
    try:
        process.wait(keeper.GRACE_SECONDS + 10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        if group:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(group, signal.SIGKILL)
    if process.stdout:
        process.stdout.close()


@contextmanager
def _signals_held() -> Iterator[None]:
    """A second Ctrl-C while we clean up must not stop the cleaning."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    held = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    for number in held:
        signal.signal(number, signal.SIG_IGN)
    try:
        yield
    finally:
        for number, handler in held.items():
            signal.signal(number, handler)
