"""The template merged into the one Chalice makes: everything of the stack that is not a function's code."""

import json
import string
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from chalicelib import metrics
from chalicelib.policy import WIDGET, Installation, Policy
from infra.functions import FUNCTIONS, Function, camel
from infra.intrinsics import Json, arn, attribute, document, ref, resource, sub
from infra.outgoing import outgoing
from infra.training import training

INDEXES: Final = ("waiting", "holding", "state", "wake", "history")
DAY: Final = 86_400
LONGEST_RETENTION: Final = 14 * DAY
WORK_VISIBILITY_SECONDS: Final = 35
#: So often is tried what waits for us: for half an hour, since each try that fails comes back after five to twenty
#: seconds, but for the first three.
TRIES: Final = 150

_WAITING = ["item_id", "language", "channel", "lane", "customer_id", "offered_to", "offered_until", "promise_stage"]
_COUNTED = ["queue", "promise_stage"]  # all that a list needs; the items themselves are read from the table


def merge_template(policy: Policy, functions: Sequence[Function] = FUNCTIONS) -> Json:
    """What `chalice package --merge-template` adds for this desk.

    Raises `ValueError` where two queues, or two installations, of the desk would make the same resource.
    """
    resources = _table() | _buckets() | _mail() | outgoing() | _queues() | _work_queues(policy) | _secrets(policy)
    resources |= training(policy.training) | _alarms(functions) | _function_overrides(functions)
    return {
        "Description": f"Sortownia, {policy.name}: one stack per company",
        "Parameters": _parameters(),
        "Conditions": {"ApiIsReserved": {"Fn::Not": [{"Fn::Equals": [ref("ApiConcurrency"), "0"]}]}},
        "Resources": resources,
        "Outputs": _outputs(),
    }


def work_queue_id(queue: str, lane: str) -> str:
    """Logical id of a desk queue's lane (`urgent` or `normal`)."""
    return f"Work{camel(queue)}" + ("Urgent" if lane == "urgent" else "")


def _parameters() -> Json:
    return {
        "OidcIssuer": _text("Issuer of the tokens the agents bring, as its discovery document spells it"),
        "OidcAudience": _text("Audience the tokens must be for"),
        "InboundVisibilitySeconds": _number(
            360, 0, 43_200, "Seconds a record handed to a function stays hidden; AWS asks for 6 x its timeout"
        ),
        "RecheckDelaySeconds": _number(
            900, 0, 900, "Seconds after which a stored message is looked for in the table, and again while intake lags"
        ),
        "StreamRecordAgeSeconds": _number(
            21_600, 60, 604_800, "Age at which the stream readers give a record up and park it, tried or not"
        ),
        "ApiConcurrency": _number(
            50,
            0,
            1_000,
            "Concurrent requests kept for the HTTP API, and its limit; 0 (small accounts) keeps none",
        ),
        "ChatRepliesUrl": {
            "Type": "String",
            "Default": "",
            "AllowedPattern": "(https?://[^\\s?#]*[^\\s?#/])?",
            "Description": "For trials: chat replies go below this address instead of those in desk.toml",
        },
        "ModelKeys": {
            "Type": "String",
            "Default": "",
            "AllowedPattern": "([A-Za-z0-9+/]{43}=(,[A-Za-z0-9+/]{43}=)*)?",
            "Description": "Public halves of the keys whose models are believed, in base64, separated by commas",
        },
        "LogLevel": {
            "Type": "String",
            "Default": "INFO",
            "AllowedValues": ["DEBUG", "INFO", "WARNING", "ERROR"],
        },
    }


def _text(description: str) -> Json:
    return {"Type": "String", "Description": description}


def _number(default: int, least: int, most: int, description: str) -> Json:
    return {
        "Type": "Number", "Default": default, "MinValue": least, "MaxValue": most, "Description": description,
    }  # fmt: skip


# Table


def _table() -> Json:
    keys = ["pk", "sk", *(f"{index}_{part}" for index in INDEXES for part in ("pk", "sk"))]
    properties = {
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": key, "AttributeType": "S"} for key in keys],
        "KeySchema": _key_schema("pk", "sk"),
        "GlobalSecondaryIndexes": [_index(name) for name in INDEXES],
        "StreamSpecification": {"StreamViewType": "NEW_AND_OLD_IMAGES"},
        "TimeToLiveSpecification": {"AttributeName": "expires_at", "Enabled": True},
        "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
    }
    return {"Table": resource("AWS::DynamoDB::Table", properties, keep=True)}


def _key_schema(partition: str, sort: str) -> list[Json]:
    return [{"AttributeName": partition, "KeyType": "HASH"}, {"AttributeName": sort, "KeyType": "RANGE"}]


def _index(name: str) -> Json:
    shown = {"waiting": _WAITING, "state": _COUNTED}
    projection: Json = {"ProjectionType": "ALL" if name == "history" else "KEYS_ONLY"}
    if name in shown:
        projection = {"ProjectionType": "INCLUDE", "NonKeyAttributes": shown[name]}
    return {
        "IndexName": name,
        "KeySchema": _key_schema(f"{name}_pk", f"{name}_sk"),
        "Projection": projection,
    }


# Buckets


def _buckets() -> Json:
    from_ses = {
        "Sid": "MailFromSes",
        "Effect": "Allow",
        "Principal": {"Service": "ses.amazonaws.com"},
        "Action": "s3:PutObject",
        "Resource": sub("${RawBucket.Arn}/mail/*"),
        "Condition": _from_receipt_rule(),
    }
    return {
        "RawBucket": _raw_bucket(),
        "RawBucketPolicy": _bucket_policy("RawBucket", from_ses),
        "LakeBucket": _bucket(versioned=False),
        "LakeBucketPolicy": _bucket_policy("LakeBucket"),
        "ModelBucket": _bucket(versioned=True),
        "ModelBucketPolicy": _bucket_policy("ModelBucket"),
    }


def _raw_bucket() -> Json:
    """The bucket tells of each raw message: of those only whose own notice is lost nobody would hear otherwise."""
    bucket = _bucket(versioned=True)
    bucket["Properties"]["NotificationConfiguration"] = {
        "QueueConfigurations": [
            {
                "Event": "s3:ObjectCreated:*",
                "Queue": arn("RecheckQueue"),
                "Filter": {"S3Key": {"Rules": [{"Name": "prefix", "Value": prefix}]}},
            }
            for prefix in ("mail/", "chat/")
        ]
    }
    # S3 tries whether it may send as soon as it is told where to.
    return bucket | {"DependsOn": "RecheckQueuePolicy"}


def _bucket(*, versioned: bool) -> Json:
    encryption = {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    closed = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")
    properties: Json = {
        "BucketEncryption": {"ServerSideEncryptionConfiguration": [encryption]},
        "PublicAccessBlockConfiguration": dict.fromkeys(closed, True),
        "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
        "LifecycleConfiguration": {"Rules": _lifecycle(versioned)},
    }
    if versioned:
        properties["VersioningConfiguration"] = {"Status": "Enabled"}
    return resource("AWS::S3::Bucket", properties, keep=True)


def _lifecycle(versioned: bool) -> list[Json]:
    # 30 days: what was erased or replaced is gone from backups before 35 days have passed.
    rules: list[Json] = [
        {"Id": "uploads", "Status": "Enabled", "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7}}
    ]
    if versioned:
        old = {"NoncurrentDays": 30}
        rules.append({"Id": "old-versions", "Status": "Enabled", "NoncurrentVersionExpiration": old})
    return rules


def _bucket_policy(bucket: str, *more: Json) -> Json:
    plain = {
        "Sid": "OnlyOverTls",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [arn(bucket), sub(f"${{{bucket}.Arn}}/*")],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    properties = {"Bucket": ref(bucket), "PolicyDocument": document([plain, *more])}
    return resource("AWS::S3::BucketPolicy", properties)


def _from_receipt_rule() -> Json:
    rule = "arn:${AWS::Partition}:ses:${AWS::Region}:${AWS::AccountId}:receipt-rule-set/*:receipt-rule/*"
    return {
        "StringEquals": {"aws:SourceAccount": ref("AWS::AccountId")},
        "ArnLike": {"aws:SourceArn": sub(rule)},
    }


# Mail: SES -> topic -> queue


def _mail() -> Json:
    return {
        # Not encrypted with a key of its own: SES could not publish with the key AWS manages for SNS.
        "MailTopic": resource("AWS::SNS::Topic", {}),
        "MailTopicPolicy": resource(
            "AWS::SNS::TopicPolicy",
            {"Topics": [ref("MailTopic")], "PolicyDocument": document([_ses_may_publish()])},
        ),
        "MailSubscription": resource(
            "AWS::SNS::Subscription",
            {
                "TopicArn": ref("MailTopic"),
                "Protocol": "sqs",
                "Endpoint": arn("InboundQueue"),
                "RawMessageDelivery": True,
                "RedrivePolicy": {"deadLetterTargetArn": arn("InboundDeadQueue")},
            },
            DependsOn="InboundQueuePolicy",
        ),
        "InboundQueuePolicy": resource(
            "AWS::SQS::QueuePolicy",
            {
                "Queues": [ref("InboundQueue"), ref("InboundDeadQueue")],
                "PolicyDocument": document([_topic_may_send()]),
            },
        ),
        "RecheckQueuePolicy": resource(
            "AWS::SQS::QueuePolicy",
            {"Queues": [ref("RecheckQueue")], "PolicyDocument": document([_bucket_may_send()])},
        ),
        "AlarmTopic": resource("AWS::SNS::Topic", {}),
    }


def _ses_may_publish() -> Json:
    return {
        "Effect": "Allow",
        "Principal": {"Service": "ses.amazonaws.com"},
        "Action": "sns:Publish",
        "Resource": ref("MailTopic"),
        "Condition": _from_receipt_rule(),
    }


def _topic_may_send() -> Json:
    return {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": [arn("InboundQueue"), arn("InboundDeadQueue")],
        "Condition": {"ArnEquals": {"aws:SourceArn": ref("MailTopic")}},
    }


def _bucket_may_send() -> Json:
    # The bucket needs this policy before it is made, so the policy cannot name the bucket: any of this account's may.
    return {
        "Effect": "Allow",
        "Principal": {"Service": "s3.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn("RecheckQueue"),
        "Condition": {"StringEquals": {"aws:SourceAccount": ref("AWS::AccountId")}},
    }


# Queues


def _queues() -> Json:
    handed_over = ref("InboundVisibilitySeconds")
    return {
        "InboundQueue": _queue("inbound", handed_over, dead="InboundDeadQueue"),
        "InboundDeadQueue": _queue("inbound-dead", handed_over),
        "TimerQueue": _queue("timers", handed_over, retention=4 * DAY, dead="ParkingQueue"),
        "RecheckQueue": _queue("recheck", handed_over, dead="ParkingQueue", delay=ref("RecheckDelaySeconds")),
        "ParkingQueue": _queue("parking", 30),
        "SendQueue": _queue("send", handed_over, dead="SendDeadQueue"),
        "SendDeadQueue": _queue("send-dead", 30),
    }


def _work_queues(policy: Policy) -> Json:
    found: Json = {}
    for queue in policy.queues:
        for lane, suffix in (("normal", ""), ("urgent", "-urgent")):
            logical_id = work_queue_id(queue, lane)
            if logical_id in found:
                raise ValueError(f"queue {queue!r}: another queue makes the same resource name {logical_id}")
            found[logical_id] = _queue(f"work-{queue}{suffix}", WORK_VISIBILITY_SECONDS)
    return found


def _queue(
    name: str,
    visibility: int | Json,
    *,
    retention: int = LONGEST_RETENTION,
    dead: str | None = None,
    delay: Json | None = None,
) -> Json:
    properties: Json = {
        "QueueName": sub(f"${{AWS::StackName}}-{name}"),
        "VisibilityTimeout": visibility,
        "MessageRetentionPeriod": retention,
        "SqsManagedSseEnabled": True,
    }
    if delay:
        properties["DelaySeconds"] = delay
    if dead:
        properties["RedrivePolicy"] = {"deadLetterTargetArn": arn(dead), "maxReceiveCount": TRIES}
    return resource("AWS::SQS::Queue", properties)


def _secrets(policy: Policy) -> Json:
    found: Json = {}
    for name, installation in policy.installations.items():
        logical_id = f"HookSecret{camel(name)}"
        if logical_id in found:
            raise ValueError(f"installation {name!r}: another one makes the same resource name {logical_id}")
        found[logical_id] = _secret(installation)
    return found


def _secret(installation: Installation) -> Json:
    """Made up until somebody says what the provider knows: by then it proves nothing that anybody could send."""
    made: Json = {"PasswordLength": 64, "ExcludeCharacters": string.punctuation}
    if installation.provider not in ("generic", WIDGET):
        made |= {"SecretStringTemplate": '{"token": ""}', "GenerateStringKey": "signing"}
    properties = {
        "Name": sub(f"${{AWS::StackName}}/hooks/{installation.name}"),
        "Description": "What proves a chat provider's webhooks, and our calls to him",
        "GenerateSecretString": made,
    }
    return resource("AWS::SecretsManager::Secret", properties)


# Alarms


def _alarms(functions: Iterable[Function]) -> Json:
    alarms = {
        f"{queue}Alarm": _queue_alarm(queue, "ApproximateNumberOfMessagesVisible", 0, f"{queue} is not empty")
        for queue in ("InboundDeadQueue", "ParkingQueue", "SendDeadQueue")
    }
    alarms["InboundAgeAlarm"] = _queue_alarm(
        "InboundQueue", "ApproximateAgeOfOldestMessage", 300, "A message waits for intake over 5 minutes"
    )
    alarms["SendAgeAlarm"] = _queue_alarm(
        "SendQueue", "ApproximateAgeOfOldestMessage", 300, "A reply waits over 5 minutes to be sent"
    )
    for function in functions:
        if function.source == "stream":
            alarms[f"{function.logical_id}LagAlarm"] = _lag_alarm(function)
        if function.source == "schedule":
            alarms[f"{function.logical_id}Alarm"] = _failing_alarm(function)
    return alarms | {f"{name}Alarm": _count_alarm(name, words) for name, words in metrics.CALLS_A_PERSON.items()}


def _queue_alarm(queue: str, metric: str, above: int, description: str) -> Json:
    dimensions = {"QueueName": attribute(queue, "QueueName")}
    return _alarm("AWS/SQS", metric, dimensions, above, description)


def _lag_alarm(function: Function) -> Json:
    dimensions = {"FunctionName": ref(function.logical_id)}
    text = f"{function.name} is more than 5 minutes behind the table's stream"
    return _alarm("AWS/Lambda", "IteratorAge", dimensions, 300_000, text)


def _failing_alarm(function: Function) -> Json:
    # Lambda tries a run that failed twice more: three failures may be one minute.
    dimensions = {"FunctionName": ref(function.logical_id)}
    return _alarm("AWS/Lambda", "Errors", dimensions, 3, f"{function.name} keeps failing", statistic="Sum")


def _count_alarm(name: str, words: Mapping[str, str]) -> Json:
    dimensions: Json = {metrics.STACK_DIMENSION: ref("AWS::StackName")}
    dimensions |= {metrics.dimension_name(word): value for word, value in words.items()}
    return _alarm(metrics.NAMESPACE, name, dimensions, 0, metrics.MEANING[name], statistic="Sum")


def _alarm(
    namespace: str, metric: str, dimensions: Json, above: int, description: str, statistic: str = "Maximum"
) -> Json:
    properties = {
        "AlarmDescription": description,
        "Namespace": namespace,
        "MetricName": metric,
        "Dimensions": [{"Name": name, "Value": value} for name, value in dimensions.items()],
        "Statistic": statistic,
        "Period": 300,
        "EvaluationPeriods": 1,
        "Threshold": above,
        "ComparisonOperator": "GreaterThanThreshold",
        "TreatMissingData": "notBreaching",
        "AlarmActions": [ref("AlarmTopic")],
    }
    return resource("AWS::CloudWatch::Alarm", properties)


# What Chalice cannot say about a function


def _function_overrides(functions: Iterable[Function]) -> Json:
    changed: Json = {}
    for function in functions:
        changed[function.logical_id] = {"Properties": _function(function)}
        # Chalice names the group after a resource which, for the HTTP function, it renames afterwards.
        group = sub(f"/aws/lambda/${{AWS::StackName}}-{function.short_name}")
        changed[f"{camel(function.name)}LogGroup"] = {"Properties": {"LogGroupName": group}}
    return changed


def _function(function: Function) -> Json:
    properties: Json = {
        "FunctionName": sub(f"${{AWS::StackName}}-{function.short_name}"),
        "Environment": {"Variables": _environment(function)},
    }
    match function.source:
        case "http":
            reserved = {"Fn::If": ["ApiIsReserved", ref("ApiConcurrency"), ref("AWS::NoValue")]}
            properties["ReservedConcurrentExecutions"] = reserved
        case "queue":
            properties["Events"] = {function.event_id: {"Properties": _queue_mapping(function)}}
        case "stream":
            properties["Events"] = {function.event_id: {"Properties": _stream_mapping(function)}}
        case "schedule":
            pass
    if function.waits:
        # Else Lambda takes sixteen rounds for a runaway loop and gives the message up: half an hour of a chat's lease,
        # four hours of intake that lags.
        properties["RecursiveLoop"] = "Allow"
    return properties


def _environment(function: Function) -> Json:
    return {
        "STACK_NAME": ref("AWS::StackName"),
        "TABLE": ref("Table"),
        "RAW_BUCKET": ref("RawBucket"),
        "LAKE_BUCKET": ref("LakeBucket"),
        "MODEL_BUCKET": ref("ModelBucket") if function.tags else "",
        "MODEL_KEYS": ref("ModelKeys") if function.tags else "",
        "INBOUND_QUEUE_URL": ref("InboundQueue"),
        "TIMER_QUEUE_URL": ref("TimerQueue"),
        "PARKING_QUEUE_URL": ref("ParkingQueue"),
        "SEND_QUEUE_URL": ref("SendQueue"),
        "CONFIGURATION_SET": ref("ConfigurationSet"),
        "CHAT_REPLIES_URL": ref("ChatRepliesUrl"),
        "OIDC_ISSUER": ref("OidcIssuer"),
        "OIDC_AUDIENCE": ref("OidcAudience"),
        "LOG_LEVEL": ref("LogLevel"),
        "ROUTES": "on" if function.source == "http" else "off",
        "OPENBLAS_NUM_THREADS": "1",  # a thread pool for products of one row costs more than it gives
    }


def _queue_mapping(function: Function) -> Json:
    return {
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "ScalingConfig": {"MaximumConcurrency": function.concurrency},
        "MaximumBatchingWindowInSeconds": 0,
    }


def _stream_mapping(function: Function) -> Json:
    pattern: Json = {"dynamodb": {"NewImage": {"kind": {"S": list(function.kinds)}}}}
    if function.created_only:
        pattern["eventName"] = ["INSERT"]
    return {
        "StartingPosition": "TRIM_HORIZON",
        "FilterCriteria": {"Filters": [{"Pattern": json.dumps(pattern, sort_keys=True)}]},
        "ParallelizationFactor": 2,
        "BisectBatchOnFunctionError": True,
        "MaximumRetryAttempts": 20,
        "MaximumRecordAgeInSeconds": ref("StreamRecordAgeSeconds"),
        "DestinationConfig": {"OnFailure": {"Type": "SQS", "Destination": arn("ParkingQueue")}},
    }


def _outputs() -> Json:
    values = {
        "TableName": ref("Table"),
        "RawBucketName": ref("RawBucket"),
        "LakeBucketName": ref("LakeBucket"),
        "ModelBucketName": ref("ModelBucket"),
        "MailTopicArn": ref("MailTopic"),
        "AlarmTopicArn": ref("AlarmTopic"),
        "InboundQueueUrl": ref("InboundQueue"),
        "InboundDeadQueueUrl": ref("InboundDeadQueue"),
        "TimerQueueUrl": ref("TimerQueue"),
        "ParkingQueueUrl": ref("ParkingQueue"),
        "SendQueueUrl": ref("SendQueue"),
        "NoticeTopicArn": ref("NoticeTopic"),
        "ConfigurationSetName": ref("ConfigurationSet"),
        "ApiUrl": sub("https://${RestAPI}.execute-api.${AWS::Region}.${AWS::URLSuffix}/api"),
    }
    return {name: {"Value": value} for name, value in values.items()}
