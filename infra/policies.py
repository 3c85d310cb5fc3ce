"""One role for each function: what it does, and nothing else.

Chalice copies the statements into the template as they are, intrinsics included. The work queues are named by
prefix, so that a desk of any size stays below the 10,240 characters a role's policies may have.
"""

from collections.abc import Callable
from functools import partial
from typing import Final

from chalicelib.policy import Policy
from infra.functions import FUNCTIONS, Function
from infra.intrinsics import Json, allow, arn, attribute, document, sub
from infra.outgoing import CONFIGURATION_SET
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


def role_policy(function: Function, policy: Policy) -> Json:
    """The IAM policy document of one function's role, for this desk."""
    statements = _STATEMENTS | {"send": partial(_sender, policy), "receive": partial(_receive, policy)}
    return document([_logs(function), *statements[function.name]()])


def role_policies(policy: Policy) -> dict[str, Json]:
    """File name -> policy document, one for each function."""
    return {policy_file(function): role_policy(function, policy) for function in FUNCTIONS}


def policy_file(function: Function) -> str:
    """The file beside config.json that holds the function's policy."""
    return f"policy-{function.short_name}.json"


def _logs(function: Function) -> Json:
    # No CreateLogGroup: the stack makes the groups, with their retention.
    group = "arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:log-group:/aws/lambda/"
    name = f"{group}${{AWS::StackName}}-{function.short_name}:*"
    return allow(["logs:CreateLogStream", "logs:PutLogEvents"], [sub(name)])


def _receive(policy: Policy) -> list[Json]:
    # What the desk says by itself is stored before the arrival is written that it belongs to.
    letters = [allow(["s3:PutObject"], [sub("${RawBucket.Arn}/out/*")])] if policy.acknowledge.channels else []
    # It tells itself of each message of a chat's body that failed as a whole.
    return [_consume("InboundQueue"), _send("InboundQueue"), *_intake(), *_models(), *letters]


def _quarantine() -> list[Json]:
    return [_consume("InboundDeadQueue"), *_intake()]


def _intake() -> list[Json]:
    return [
        allow(["s3:GetObject"], [sub("${RawBucket.Arn}/*")]),
        allow(["s3:PutObject"], [sub("${RawBucket.Arn}/files/*")]),
        # Who may not list is told "forbidden" of what is not there, and would try again for ever.
        allow(["s3:ListBucket"], [arn("RawBucket")]),
        _rows(),
        _shown(),
    ]


def _models() -> list[Json]:
    return [
        allow(["s3:ListBucket"], [arn("ModelBucket")]),  # else what is not there would be "forbidden"
        allow(["s3:GetObject"], [sub("${ModelBucket.Arn}/serving.json"), sub("${ModelBucket.Arn}/models/*")]),
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
    return [_consume("TimerQueue"), _send("TimerQueue"), _ring_bells(), _rows(), _indexes("holding")]


def _recheck() -> list[Json]:
    # It sees how full the inbound queues are and tells intake of what it finds; it changes no row.
    return [
        _consume("RecheckQueue"),
        _send("RecheckQueue", "InboundQueue"),
        allow(["sqs:GetQueueAttributes"], [arn("InboundQueue"), arn("InboundDeadQueue")]),
        allow(["s3:GetObject"], [sub("${RawBucket.Arn}/mail/*"), sub("${RawBucket.Arn}/chat/*")]),
        allow(["s3:ListBucket"], [arn("RawBucket")]),
        allow(["dynamodb:BatchGetItem"], [arn("Table")]),
    ]


def _sender(policy: Policy) -> list[Json]:
    return [
        _consume("SendQueue"),
        allow(["s3:GetObject"], [sub("${RawBucket.Arn}/out/*")]),
        allow(["s3:ListBucket"], [arn("RawBucket")]),
        _hook_secrets(),
        _rows(),
        _shown(),
        *_mail_as(policy),
    ]


def _mail_as(policy: Policy) -> list[Json]:
    """Mail in the name of the desk's mailboxes, under its configuration set, and in nobody else's name.

    SES asks for the right to the identity it finds: the address itself, its domain, or a domain above that. Many
    mailboxes are named by their domains, for a role's policies have their limit.
    """
    domains = sorted(policy.domains)
    listed = len(policy.mailboxes) <= _MOST_SENDERS
    senders = sorted(policy.mailboxes) if listed else [f"*@{domain}" for domain in domains]
    as_mailbox = {"StringEquals" if listed else "StringLike": {"ses:FromAddress": senders}}
    names = sorted({name for domain in domains for name in (f"*@{domain}", *_and_above(domain))})
    return [
        allow(_MAIL, [sub(_IDENTITY + name) for name in names], as_mailbox),
        allow(_MAIL, [sub(CONFIGURATION_SET + "${ConfigurationSet}")]),
    ]


def _and_above(domain: str) -> list[str]:
    """`shop.example.com`, `example.com`."""
    labels = domain.split(".")
    return [".".join(labels[n:]) for n in range(max(1, len(labels) - 1))]


def _watch() -> list[Json]:
    return [
        _send("TimerQueue", "SendQueue"),
        _ring_bells(),
        _rows(),
        _indexes("wake", "holding"),
    ]


def _api() -> list[Json]:
    return [
        _rows(),
        allow(["dynamodb:Query"], [arn("Table"), *(_index(name) for name in INDEXES if name != "wake")]),
        allow(_CONSUME, [_work_queues()]),
        _send("InboundQueue"),
        # Files too: those of a mail that a person lets out of quarantine.
        allow(["s3:PutObject"], [sub(f"${{RawBucket.Arn}}/{folder}/*") for folder in ("chat", "out", "files")]),
        # It reads no attachment itself: addresses it signs are worth what its role may. When messages are split off,
        # whom a reply goes to is read from them.
        allow(
            ["s3:GetObject"],
            [sub(f"${{RawBucket.Arn}}/{folder}/*") for folder in ("files", "mail", "chat")],
        ),
        allow(["s3:ListBucket"], [arn("RawBucket")]),
        _hook_secrets(),
    ]


# For a raw mail SES asks for the second right too, by the name it has in the older API.
_MAIL: Final = ["ses:SendEmail", "ses:SendRawEmail"]
_MOST_SENDERS: Final = 50
_IDENTITY: Final = "arn:${AWS::Partition}:ses:${AWS::Region}:${AWS::AccountId}:identity/"
_SECRETS: Final = "arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:"
_STATEMENTS: Final[dict[str, Callable[[], list[Json]]]] = {
    "api_handler": _api,
    "quarantine": _quarantine,
    "timers": _timers,
    "recheck": _recheck,
    "ring": _ring,
    "export": _export,
    "watch": _watch,
}


def _hook_secrets() -> Json:
    return allow(["secretsmanager:GetSecretValue"], [sub(f"{_SECRETS}${{AWS::StackName}}/hooks/*")])


def _rows() -> Json:
    return allow(_ROWS, [arn("Table")])


def _shown() -> Json:
    """What visitors of our own widget are shown, and no timeline."""
    return allow(["dynamodb:Query"], [arn("Table")], {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["SHOWN#*"]}})


def _indexes(*names: str) -> Json:
    return allow(["dynamodb:Query"], [_index(name) for name in names])


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
