from dataclasses import replace

import pytest

from chalicelib.policy import Mailbox, load
from infra.ses import RECIPIENTS_PER_RULE, ses_template


def test_mail_for_the_desk_and_no_other_goes_to_bucket_and_topic() -> None:
    rule = ses_template(load())["Resources"]["Rule1"]["Properties"]["Rule"]
    assert rule["Recipients"] == sorted(load().mailboxes)
    assert rule["ScanEnabled"] is True
    assert rule["Actions"] == [
        {
            "S3Action": {
                "BucketName": {"Ref": "RawBucketName"},
                "ObjectKeyPrefix": "mail/",
                "TopicArn": {"Ref": "MailTopicArn"},
            }
        }
    ]


def test_a_desk_without_a_mailbox_does_not_take_everybodys_mail() -> None:
    with pytest.raises(ValueError, match="no mailbox"):
        ses_template(replace(load(), mailboxes={}))


def test_many_mailboxes_are_spread_over_rules_in_order() -> None:
    many = {f"box-{n:04}@shop.example": Mailbox(f"box-{n:04}@shop.example", "Box") for n in range(1_030)}
    resources = ses_template(replace(load(), mailboxes=many))["Resources"]
    rules = [r["Properties"] for r in resources.values() if r["Type"] == "AWS::SES::ReceiptRule"]
    assert [len(rule["Rule"]["Recipients"]) for rule in rules] == [RECIPIENTS_PER_RULE, RECIPIENTS_PER_RULE, 30]
    assert [rule.get("After") for rule in rules] == [None, {"Ref": "Rule1"}, {"Ref": "Rule2"}]


def test_hundreds_of_mailboxes_are_one_rule_for_of_two_notices_of_a_mail_the_second_is_a_double() -> None:
    many = {f"box-{n:03}@shop.example": Mailbox(f"box-{n:03}@shop.example", "Box") for n in range(500)}
    assert [name for name in ses_template(replace(load(), mailboxes=many))["Resources"] if name != "RuleSet"] == [
        "Rule1"
    ]
