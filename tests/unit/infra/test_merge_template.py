import json
import re
from typing import Any

import pytest

from chalicelib.intake.chat import secret
from chalicelib.policy import Policy, load, parse
from chalicelib.settings import Settings, work_queue_name
from infra.functions import FUNCTIONS
from infra.template import INDEXES, merge_template, work_queue_id
from tests import chats

TEMPLATE = merge_template(load())
RESOURCES = TEMPLATE["Resources"]


def of_type(kind: str, resources: dict[str, Any] = RESOURCES) -> dict[str, Any]:
    return {name: r["Properties"] for name, r in resources.items() if r.get("Type") == kind}


def mappings(source: str) -> dict[str, Any]:
    return {
        f.name: RESOURCES[f.logical_id]["Properties"]["Events"][f.event_id]["Properties"]
        for f in FUNCTIONS
        if f.source == source
    }


def desk_with(old: str, new: str) -> Policy:
    text = (load.__globals__["DESK_FILE"]).read_text("utf-8")
    assert old in text
    return parse(text.replace(old, new, 1))


@pytest.mark.parametrize("function", sorted(mappings("queue")))
def test_a_queue_mapping_reports_single_failures_and_is_bounded(function: str) -> None:
    mapping = mappings("queue")[function]
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert mapping["ScalingConfig"]["MaximumConcurrency"] >= 2
    assert mapping["MaximumBatchingWindowInSeconds"] == 0


@pytest.mark.parametrize("reader", sorted(mappings("stream")))
def test_a_stream_mapping_cannot_stand_still(reader: str) -> None:
    mapping = mappings("stream")[reader]
    assert mapping["BisectBatchOnFunctionError"] is True
    assert 0 < mapping["MaximumRetryAttempts"] < 10_000
    assert mapping["MaximumRecordAgeInSeconds"] == {"Ref": "StreamRecordAgeSeconds"}
    assert mapping["DestinationConfig"]["OnFailure"]["Destination"] == {"Fn::GetAtt": ["ParkingQueue", "Arn"]}
    assert mapping["StartingPosition"] == "TRIM_HORIZON"


def test_the_stream_readers_share_the_rows_between_them() -> None:
    shown = {name: json.loads(m["FilterCriteria"]["Filters"][0]["Pattern"]) for name, m in mappings("stream").items()}
    assert shown["ring"] == {"dynamodb": {"NewImage": {"kind": {"S": ["item"]}}}}
    assert shown["export"] == {
        "eventName": ["INSERT"],
        "dynamodb": {"NewImage": {"kind": {"S": ["event", "outbox"]}}},
    }


def test_another_queue_of_the_desk_is_two_more_work_queues() -> None:
    grown = merge_template(desk_with("[queues.sales]", '[queues.after-sales]\nmembers = ["*"]\n\n[queues.sales]'))
    new = set(of_type("AWS::SQS::Queue", grown["Resources"])) - set(of_type("AWS::SQS::Queue"))
    assert new == {"WorkAfterSales", "WorkAfterSalesUrgent"}


def test_queues_whose_resources_would_collide_are_refused() -> None:
    twins = '[queues.q1]\nmembers = ["*"]\n\n[queues.q-1]\nmembers = ["*"]\n\n[queues.sales]'
    with pytest.raises(ValueError, match="same resource name WorkQ1"):
        merge_template(desk_with("[queues.sales]", twins))


@pytest.mark.parametrize("lane", ["normal", "urgent"])
@pytest.mark.parametrize("queue", sorted(load().queues))
def test_a_work_queue_is_named_as_the_code_expects_and_loses_no_bell_to_a_dead_letter_queue(
    queue: str, lane: str
) -> None:
    properties = of_type("AWS::SQS::Queue")[work_queue_id(queue, lane)]
    assert properties["QueueName"] == {"Fn::Sub": work_queue_name("${AWS::StackName}", queue, lane)}
    assert properties["VisibilityTimeout"] == 35
    assert "RedrivePolicy" not in properties


def test_every_queue_is_encrypted_and_dead_letters_outlive_their_source() -> None:
    queues = of_type("AWS::SQS::Queue")
    for properties in queues.values():
        assert properties["SqsManagedSseEnabled"] is True
        if "RedrivePolicy" in properties:
            dead = queues[properties["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"][0]]
            assert dead["MessageRetentionPeriod"] >= properties["MessageRetentionPeriod"]


def test_what_waits_for_us_outlasts_ten_minutes_of_failing() -> None:
    for name, dead in (("Inbound", "InboundDead"), ("Send", "SendDead"), ("Timer", "Parking"), ("Recheck", "Parking")):
        redrive = of_type("AWS::SQS::Queue")[f"{name}Queue"]["RedrivePolicy"]
        assert redrive["deadLetterTargetArn"] == {"Fn::GetAtt": [f"{dead}Queue", "Arn"]}
        assert redrive["maxReceiveCount"] * 5 > 600  # each comes back after five seconds or more


def test_a_queue_that_feeds_a_function_hides_longer_than_six_of_its_runs() -> None:
    default = TEMPLATE["Parameters"]["InboundVisibilitySeconds"]["Default"]
    for function in FUNCTIONS:
        if function.source == "queue":
            queue = of_type("AWS::SQS::Queue")[function.reads]
            assert queue["VisibilityTimeout"] == {"Ref": "InboundVisibilitySeconds"}
            assert default >= 6 * function.timeout_seconds


def test_lambda_lets_those_go_round_that_wait_by_way_of_their_own_queue_and_no_other() -> None:
    said = {f.name: RESOURCES[f.logical_id]["Properties"].get("RecursiveLoop") for f in FUNCTIONS}
    assert {name: loops for name, loops in said.items() if loops} == {"timers": "Allow", "recheck": "Allow"}


def test_what_holds_the_truth_stays_when_the_stack_goes() -> None:
    for name, resource in RESOURCES.items():
        if resource.get("Type") in {"AWS::DynamoDB::Table", "AWS::S3::Bucket"}:
            assert (resource["DeletionPolicy"], resource["UpdateReplacePolicy"]) == ("Retain", "Retain"), name


def test_the_table_has_its_indexes_stream_and_recovery() -> None:
    table = of_type("AWS::DynamoDB::Table")["Table"]
    assert [index["IndexName"] for index in table["GlobalSecondaryIndexes"]] == list(INDEXES)
    used = {key["AttributeName"] for i in [table, *table["GlobalSecondaryIndexes"]] for key in i["KeySchema"]}
    assert used == {definition["AttributeName"] for definition in table["AttributeDefinitions"]}
    assert table["StreamSpecification"] == {"StreamViewType": "NEW_AND_OLD_IMAGES"}
    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}


@pytest.mark.parametrize("bucket", ["RawBucket", "LakeBucket", "ModelBucket"])
def test_a_bucket_is_closed_and_encrypted(bucket: str) -> None:
    properties = of_type("AWS::S3::Bucket")[bucket]
    assert all(properties["PublicAccessBlockConfiguration"].values())
    statements = of_type("AWS::S3::BucketPolicy")[f"{bucket}Policy"]["PolicyDocument"]["Statement"]
    assert any(s["Effect"] == "Deny" and "aws:SecureTransport" in s["Condition"]["Bool"] for s in statements)


def test_only_ses_of_this_account_may_bring_mail() -> None:
    bucket = of_type("AWS::S3::BucketPolicy")["RawBucketPolicy"]["PolicyDocument"]["Statement"]
    topic = of_type("AWS::SNS::TopicPolicy")["MailTopicPolicy"]["PolicyDocument"]["Statement"]
    for statement in [s for s in bucket + topic if s["Effect"] == "Allow"]:
        assert statement["Principal"] == {"Service": "ses.amazonaws.com"}
        assert statement["Condition"]["StringEquals"] == {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}


def test_the_bucket_tells_of_each_raw_message_and_of_nothing_else() -> None:
    told = of_type("AWS::S3::Bucket")["RawBucket"]["NotificationConfiguration"]["QueueConfigurations"]
    assert {(one["Event"], *(rule["Value"] for rule in one["Filter"]["S3Key"]["Rules"])) for one in told} == {
        ("s3:ObjectCreated:*", "mail/"),
        ("s3:ObjectCreated:*", "chat/"),
    }
    assert all(one["Queue"] == {"Fn::GetAtt": ["RecheckQueue", "Arn"]} for one in told)


def test_the_bucket_may_tell_before_it_is_made_and_only_of_this_account() -> None:
    """S3 tries the queue when the bucket is made, so its policy must be there and cannot name the bucket."""
    assert RESOURCES["RawBucket"]["DependsOn"] == "RecheckQueuePolicy"
    policy = of_type("AWS::SQS::QueuePolicy")["RecheckQueuePolicy"]
    assert "RawBucket" not in json.dumps(policy)
    (statement,) = policy["PolicyDocument"]["Statement"]
    assert statement["Principal"] == {"Service": "s3.amazonaws.com"}
    assert statement["Action"] == "sqs:SendMessage"
    assert statement["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}


def test_a_stored_message_is_looked_for_after_a_quarter_of_an_hour() -> None:
    assert of_type("AWS::SQS::Queue")["RecheckQueue"]["DelaySeconds"] == {"Ref": "RecheckDelaySeconds"}
    assert TEMPLATE["Parameters"]["RecheckDelaySeconds"]["Default"] == 900


def test_the_notice_reaches_the_queue_as_ses_wrote_it() -> None:
    subscription = of_type("AWS::SNS::Subscription")["MailSubscription"]
    assert subscription["RawMessageDelivery"] is True
    assert subscription["Endpoint"] == {"Fn::GetAtt": ["InboundQueue", "Arn"]}


def test_each_function_is_given_the_environment_the_code_reads() -> None:
    for function in FUNCTIONS:
        variables = RESOURCES[function.logical_id]["Properties"]["Environment"]["Variables"]
        Settings.from_environment(dict.fromkeys(variables, "x"))


def test_each_installation_has_a_generated_secret_of_letters_and_digits() -> None:
    secrets = of_type("AWS::SecretsManager::Secret").values()
    assert [s["Name"]["Fn::Sub"] for s in secrets] == [f"${{AWS::StackName}}/hooks/{n}" for n in load().installations]
    for one in secrets:
        assert one["GenerateSecretString"]["PasswordLength"] == 64
        assert "GenerateStringKey" not in one["GenerateSecretString"]


def test_a_providers_secret_has_room_for_a_token() -> None:
    template = merge_template(chats.desk_of_all())["Resources"]
    made = template["HookSecretSlack"]["Properties"]["GenerateSecretString"]
    said = {**json.loads(made["SecretStringTemplate"]), made["GenerateStringKey"]: "x" * 64}
    assert secret.read([json.dumps(said)]) == secret.Secret(signing=("x" * 64,))
    assert "SecretStringTemplate" not in template["HookSecretGeneric"]["Properties"]["GenerateSecretString"]


def test_what_nobody_reads_rings_an_alarm() -> None:
    watched = [a["Dimensions"][0]["Value"] for a in of_type("AWS::CloudWatch::Alarm").values()]
    for queue in ("InboundDeadQueue", "ParkingQueue", "SendDeadQueue"):
        assert {"Fn::GetAtt": [queue, "QueueName"]} in watched
    for alarm in of_type("AWS::CloudWatch::Alarm").values():
        assert alarm["AlarmActions"] == [{"Ref": "AlarmTopic"}]


def test_a_watch_that_keeps_failing_rings_an_alarm_and_one_bad_minute_does_not() -> None:
    (alarm,) = (a for a in of_type("AWS::CloudWatch::Alarm").values() if a["MetricName"] == "Errors")
    assert alarm["Dimensions"] == [{"Name": "FunctionName", "Value": {"Ref": "Watch"}}]
    failures_of_a_minute = 3  # a run, and the two further tries Lambda gives it
    assert (alarm["Statistic"], alarm["Threshold"]) == ("Sum", failures_of_a_minute)
    assert alarm["ComparisonOperator"] == "GreaterThanThreshold"


def test_the_address_of_the_api_is_one_that_paths_are_put_behind() -> None:
    assert TEMPLATE["Outputs"]["ApiUrl"]["Value"]["Fn::Sub"].endswith("${AWS::URLSuffix}/api")


def test_the_template_is_the_same_each_time() -> None:
    assert json.dumps(merge_template(load())) == json.dumps(TEMPLATE)


def test_logical_ids_are_letters_and_digits() -> None:
    assert all(re.fullmatch(r"[A-Za-z0-9]+", name) for name in RESOURCES)


def test_only_functions_that_tag_are_told_of_the_bucket_of_models_and_its_keys() -> None:
    for function in FUNCTIONS:
        told = RESOURCES[function.logical_id]["Properties"]["Environment"]["Variables"]
        found = (told["MODEL_BUCKET"], told["MODEL_KEYS"])
        assert found == (({"Ref": "ModelBucket"}, {"Ref": "ModelKeys"}) if function.tags else ("", ""))


@pytest.mark.parametrize(
    ("keys", "good"),
    [("", True), ("A" * 43 + "=", True), (f"{'A' * 43}=,{'b' * 43}=", True), ("A" * 43, False), ("no key", False)],
)
def test_model_keys_are_public_halves_in_base64(keys: str, good: bool) -> None:
    assert bool(re.fullmatch(TEMPLATE["Parameters"]["ModelKeys"]["AllowedPattern"], keys)) is good
