"""The way from SES back to the sender's queue."""

import re
from typing import Any

import pytest

from chalicelib.outgoing.notice import _EVENTS
from chalicelib.policy import load
from infra.functions import FUNCTIONS
from infra.template import merge_template

TEMPLATE = merge_template(load())
RESOURCES = TEMPLATE["Resources"]


def properties(name: str) -> Any:
    return RESOURCES[name]["Properties"]


def test_ses_tells_all_that_we_understand_and_nothing_else() -> None:
    told = properties("NoticeDestination")["EventDestination"]
    words = {re.sub("[A-Z]", lambda m: " " + m[0], name).strip().lower() for name in told["MatchingEventTypes"]}
    known = {re.sub("(?<!^)(?<! )[A-Z]", lambda m: " " + m[0], name).lower() for name in _EVENTS}
    assert words == known
    assert told["Enabled"] is True
    assert told["SnsDestination"] == {"TopicARN": {"Ref": "NoticeTopic"}}


def test_the_topic_may_be_told_before_ses_is() -> None:
    assert set(RESOURCES["NoticeDestination"]["DependsOn"]) == {"NoticeTopicPolicy", "NoticeSubscription"}
    assert RESOURCES["NoticeSubscription"]["DependsOn"] == "SendQueuePolicy"


def test_only_our_own_configuration_set_may_tell_the_topic() -> None:
    (statement,) = properties("NoticeTopicPolicy")["PolicyDocument"]["Statement"]
    assert statement["Principal"] == {"Service": "ses.amazonaws.com"}
    assert statement["Action"] == "sns:Publish"
    condition = statement["Condition"]["StringEquals"]
    assert condition["aws:SourceAccount"] == {"Ref": "AWS::AccountId"}
    assert condition["aws:SourceArn"]["Fn::Sub"].endswith(":configuration-set/${ConfigurationSet}")


def test_only_that_topic_may_write_to_the_senders_queue() -> None:
    (statement,) = properties("SendQueuePolicy")["PolicyDocument"]["Statement"]
    assert statement["Principal"] == {"Service": "sns.amazonaws.com"}
    assert statement["Condition"] == {"ArnEquals": {"aws:SourceArn": {"Ref": "NoticeTopic"}}}
    assert statement["Resource"] == [{"Fn::GetAtt": [name, "Arn"]} for name in ("SendQueue", "SendDeadQueue")]


def test_a_notice_reaches_the_sender_as_ses_wrote_it() -> None:
    subscription = properties("NoticeSubscription")
    assert subscription["RawMessageDelivery"] is True
    assert subscription["Endpoint"] == {"Fn::GetAtt": ["SendQueue", "Arn"]}
    assert subscription["RedrivePolicy"] == {"deadLetterTargetArn": {"Fn::GetAtt": ["SendDeadQueue", "Arn"]}}


def test_every_function_knows_the_configuration_set_and_where_chat_replies_go() -> None:
    for function in FUNCTIONS:
        variables = RESOURCES[function.logical_id]["Properties"]["Environment"]["Variables"]
        assert variables["CONFIGURATION_SET"] == {"Ref": "ConfigurationSet"}
        assert variables["CHAT_REPLIES_URL"] == {"Ref": "ChatRepliesUrl"}


def test_replies_that_wait_ring_an_alarm() -> None:
    alarm = properties("SendAgeAlarm")
    assert alarm["Dimensions"] == [{"Name": "QueueName", "Value": {"Fn::GetAtt": ["SendQueue", "QueueName"]}}]
    assert alarm["Threshold"] == 300


@pytest.mark.parametrize(
    ("url", "good"),
    [
        ("", True), ("https://staging.example.com/replies", True), ("http://127.0.0.1:8600/chat", True),
        ("https://staging.example.com/", False), ("staging.example.com", False), ("https://x y", False),
        ("https://x/?a=b", False),
    ],
)  # fmt: skip
def test_chat_replies_go_to_the_desks_addresses_unless_told_otherwise(url: str, good: bool) -> None:
    parameter = TEMPLATE["Parameters"]["ChatRepliesUrl"]
    assert parameter["Default"] == ""
    assert bool(re.fullmatch(parameter["AllowedPattern"], url)) is good
