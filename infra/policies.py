"""One role for each function: what it does, and nothing else.

Chalice copies the statements into the template as they are, intrinsics included. The work queues are named by
prefix, so that a desk of any size stays below the 10,240 characters a role's policies may have.
"""

from collections.abc import Callable
from typing import Final

from infra.functions import FUNCTIONS, Function
from infra.intrinsics import Json, allow, arn, attribute, document, sub
from infra.template import INDEXES

_CONSUME = [
    "sqs:ReceiveMessage",
    "sqs:DeleteMessage",
    "sqs:GetQueueAttributes",
    "sqs:ChangeMessageVisibility",
]
# A transaction needs no right of its own, but those of the writes in it.
_ROWS = [
    "dynamodb:GetItem",
    "dynamodb:BatchGetItem",
    "dynamodb:ConditionCheckItem",
    "dynamodb:PutItem",
    "dynamodb:UpdateItem",
]


def role_policy(function: Function) -> Json:
    """The IAM policy document of one function's role."""
    return document([_logs(function), *_STATEMENTS[function.name]()])


def role_policies() -> dict[str, Json]:
    """File name -> policy document, one for each function."""
    return {policy_file(function): role_policy(function) for function in FUNCTIONS}


def policy_file(function: Function) -> str:
    """The file beside config.json that holds the function's policy."""
    return f"policy-{function.short_name}.json"


def _logs(function: Function) -> Json:
    # No CreateLogGroup: the stack makes the groups, with their retention.
    group = "arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:log-group:/aws/lambda/"
    name = f"{group}${{AWS::StackName}}-{function.short_name}:*"
    return allow(["logs:CreateLogStream", "logs:PutLogEvents"], [sub(name)])


def _receive() -> list[Json]:
    return [_consume("InboundQueue"), *_intake()]


def _quarantine() -> list[Json]:
    return [_consume("InboundDeadQueue"), *_intake()]


def _intake() -> list[Json]:
    return [
        allow(["s3:GetObject"], [sub("${RawBucket.Arn}/*")]),
        # Who may not list is told "forbidden" of what is not there, and would try again for ever.
        allow(["s3:ListBucket"], [arn("RawBucket"), arn("ModelBucket")]),
        allow(["s3:GetObject"], [sub("${ModelBucket.Arn}/*")]),
        _rows(),
    ]


def _ring() -> list[Json]:
    return [_stream(), _send("TimerQueue", "ParkingQueue"), _ring_bells()]


def _export() -> list[Json]:
    return [
        _stream(),
        allow(["s3:PutObject"], [sub("${LakeBucket.Arn}/*")]),
        _send("SendQueue", "ParkingQueue"),
    ]


def _timers() -> list[Json]:
    return [_consume("TimerQueue"), _send("TimerQueue"), _ring_bells(), _rows()]


def _watch() -> list[Json]:
    return [
        _send("TimerQueue"),
        _ring_bells(),
        _rows(),
        allow(["dynamodb:Query"], [_index("wake")]),
    ]


def _api() -> list[Json]:
    return [
        _rows(),
        allow(["dynamodb:Query"], [arn("Table"), *(_index(name) for name in INDEXES if name != "wake")]),
        allow(_CONSUME, [_work_queues()]),
        _send("InboundQueue"),
        allow(["s3:PutObject"], [sub("${RawBucket.Arn}/chat/*")]),
        allow(["secretsmanager:GetSecretValue"], [sub(f"{_SECRETS}${{AWS::StackName}}/hooks/*")]),
    ]


_SECRETS: Final = "arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:"
_STATEMENTS: Final[dict[str, Callable[[], list[Json]]]] = {
    "api_handler": _api,
    "receive": _receive,
    "quarantine": _quarantine,
    "timers": _timers,
    "ring": _ring,
    "export": _export,
    "watch": _watch,
}


def _rows() -> Json:
    return allow(_ROWS, [arn("Table")])


def _index(name: str) -> Json:
    return sub(f"${{Table.Arn}}/index/{name}")


def _stream() -> Json:
    actions = ("DescribeStream", "GetRecords", "GetShardIterator", "ListStreams")
    return allow([f"dynamodb:{action}" for action in actions], [attribute("Table", "StreamArn")])


def _consume(queue: str) -> Json:
    return allow(_CONSUME, [arn(queue)])


def _send(*queues: str) -> Json:
    return allow(["sqs:SendMessage"], [arn(queue) for queue in queues])


def _ring_bells() -> Json:
    return allow(["sqs:SendMessage"], [_work_queues()])


def _work_queues() -> Json:
    return sub("arn:${AWS::Partition}:sqs:${AWS::Region}:${AWS::AccountId}:${AWS::StackName}-work-*")
