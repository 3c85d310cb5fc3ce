"""The way out: how SES tells what became of each mail. Configuration set -> topic -> the sender's queue."""

from typing import Final

from infra.intrinsics import Json, arn, document, ref, resource, sub

#: Not `send`, which SES's own answer said already, nor `open` and `click`: nobody's reading is watched.
EVENTS: Final = ("delivery", "deliveryDelay", "bounce", "complaint", "reject", "renderingFailure")
CONFIGURATION_SET: Final = "arn:${AWS::Partition}:ses:${AWS::Region}:${AWS::AccountId}:configuration-set/"


def outgoing() -> Json:
    """Resources between SES, which sends, and the function `send`, which is told."""
    return {
        "ConfigurationSet": resource("AWS::SES::ConfigurationSet", {"Name": sub("${AWS::StackName}-replies")}),
        "NoticeTopic": resource("AWS::SNS::Topic", {}),
        "NoticeTopicPolicy": resource(
            "AWS::SNS::TopicPolicy",
            {"Topics": [ref("NoticeTopic")], "PolicyDocument": document([_ses_may_publish()])},
        ),
        # SES greets the topic when it is told of it, and refuses one it may not publish to.
        "NoticeDestination": resource(
            "AWS::SES::ConfigurationSetEventDestination",
            {"ConfigurationSetName": ref("ConfigurationSet"), "EventDestination": _destination()},
            DependsOn=["NoticeTopicPolicy", "NoticeSubscription"],
        ),
        "NoticeSubscription": resource(
            "AWS::SNS::Subscription",
            {
                "TopicArn": ref("NoticeTopic"),
                "Protocol": "sqs",
                "Endpoint": arn("SendQueue"),
                "RawMessageDelivery": True,
                "RedrivePolicy": {"deadLetterTargetArn": arn("SendDeadQueue")},
            },
            DependsOn="SendQueuePolicy",
        ),
        "SendQueuePolicy": resource(
            "AWS::SQS::QueuePolicy",
            {
                "Queues": [ref("SendQueue"), ref("SendDeadQueue")],
                "PolicyDocument": document([_topic_may_send()]),
            },
        ),
    }


def _destination() -> Json:
    return {
        "Name": "notices",
        "Enabled": True,
        "MatchingEventTypes": list(EVENTS),
        "SnsDestination": {"TopicARN": ref("NoticeTopic")},
    }


def _ses_may_publish() -> Json:
    return {
        "Effect": "Allow",
        "Principal": {"Service": "ses.amazonaws.com"},
        "Action": "sns:Publish",
        "Resource": ref("NoticeTopic"),
        "Condition": {
            "StringEquals": {
                "aws:SourceAccount": ref("AWS::AccountId"),
                "aws:SourceArn": sub(CONFIGURATION_SET + "${ConfigurationSet}"),
            }
        },
    }


def _topic_may_send() -> Json:
    return {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": [arn("SendQueue"), arn("SendDeadQueue")],
        "Condition": {"ArnEquals": {"aws:SourceArn": ref("NoticeTopic")}},
    }
