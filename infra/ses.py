"""The second template: which mail SES takes for the desk, and where it puts it.

It stands alone because an account and region have one active rule set, which CloudFormation cannot activate.
"""

from itertools import batched
from typing import Final

from chalicelib.policy import Policy
from infra.intrinsics import Json, ref, resource

#: What SES takes at most. A mail for mailboxes of two rules is told of twice under one id, and of those the desk takes
#: the first.
RECIPIENTS_PER_RULE: Final = 500
KEY_PREFIX: Final = "mail/"


def ses_template(policy: Policy) -> Json:
    """Rule set and rules for the desk's mailboxes. Raises `ValueError` for a desk without any.

    A rule without recipients would take the mail of every verified domain.
    """
    if not policy.mailboxes:
        raise ValueError("the desk has no mailbox, so there is no mail to receive")
    resources = {"RuleSet": resource("AWS::SES::ReceiptRuleSet", {"RuleSetName": ref("AWS::StackName")})}
    addresses = batched(sorted(policy.mailboxes), RECIPIENTS_PER_RULE)
    for number, recipients in enumerate(addresses, start=1):
        resources[f"Rule{number}"] = _rule(number, list(recipients))
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": f"Sortownia, {policy.name}: what SES does with mail for the desk",
        "Parameters": {"RawBucketName": {"Type": "String"}, "MailTopicArn": {"Type": "String"}},
        "Resources": resources,
        "Outputs": {"RuleSetName": {"Value": ref("RuleSet")}},
    }


def _rule(number: int, recipients: list[str]) -> Json:
    # No KmsKeyArn: SES would encrypt on the client's side. The bucket encrypts what arrives.
    stored = {
        "BucketName": ref("RawBucketName"),
        "ObjectKeyPrefix": KEY_PREFIX,
        "TopicArn": ref("MailTopicArn"),
    }
    rule: Json = {
        "Name": f"desk-{number}",
        "Enabled": True,
        "Recipients": recipients,
        "ScanEnabled": True,
        "TlsPolicy": "Optional",  # a customer whose provider has no TLS is still a customer
        "Actions": [{"S3Action": stored}],
    }
    properties: Json = {"RuleSetName": ref("RuleSet"), "Rule": rule}
    if number > 1:
        properties["After"] = ref(f"Rule{number - 1}")
    return resource("AWS::SES::ReceiptRule", properties)
