import json
from dataclasses import replace
from typing import Any

import pytest

from chalicelib.policy import Mailbox, Policy, load
from infra.config import STAGE, chalice_config
from infra.functions import FUNCTIONS, Function
from infra.policies import policy_file, role_policies, role_policy

MOST_CHARACTERS = 10_240  # of all policies written into one role


def statements(function: Function) -> list[dict[str, Any]]:
    return list(role_policy(function, load())["Statement"])


def may(function: Function, action: str) -> bool:
    return any(action in statement["Action"] for statement in statements(function))


def named(name: str) -> Function:
    return next(f for f in FUNCTIONS if f.name == name)


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.name)
def test_a_role_names_its_actions_and_its_resources(function: Function) -> None:
    for statement in statements(function):
        assert statement["Effect"] == "Allow"
        assert statement["Action"]
        assert not [action for action in statement["Action"] if "*" in action]
        for resource in statement["Resource"]:
            assert isinstance(resource, dict), "resources are this stack's own, by intrinsic"
            text = resource.get("Fn::Sub", "")
            assert text != "*"
            # An address is named by its domain; the condition says which addresses.
            ours = "${AWS::StackName}" in text or ".Arn}" in text or text.rsplit("/", 1)[-1].startswith("*@")
            assert "*" not in text or ours


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.name)
def test_a_role_fits_iam(function: Function) -> None:
    assert len(json.dumps(role_policy(function, load()))) < MOST_CHARACTERS


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.name)
def test_a_role_may_write_its_own_log_only(function: Function) -> None:
    logs = [s for s in statements(function) if s["Action"][0].startswith("logs:")]
    assert [r["Fn::Sub"].rsplit("/", 1)[1] for s in logs for r in s["Resource"]] == [
        f"${{AWS::StackName}}-{function.short_name}:*"
    ]


def test_each_function_has_a_role_of_its_own() -> None:
    entries = chalice_config()["stages"][STAGE]["lambda_functions"]
    assert {name: e["iam_policy_file"] for name, e in entries.items()} == {f.name: policy_file(f) for f in FUNCTIONS}
    assert len(role_policies(load())) == len(FUNCTIONS)


def test_only_the_two_doors_of_chat_read_its_secrets() -> None:
    assert [f.name for f in FUNCTIONS if may(f, "secretsmanager:GetSecretValue")] == ["api_handler", "send"]


def mail_statements(policy: Policy) -> list[dict[str, Any]]:
    said = role_policy(named("send"), policy)["Statement"]
    return [s for s in said if s["Action"][0].startswith("ses:")]


def test_only_the_sender_sends_mail() -> None:
    for action in ("ses:SendEmail", "ses:SendRawEmail"):
        assert [f.name for f in FUNCTIONS if may(f, action)] == ["send"]


def test_the_sender_writes_in_the_name_of_the_desks_mailboxes_alone() -> None:
    as_mailbox, as_set = mail_statements(load())
    assert as_mailbox["Condition"] == {"StringEquals": {"ses:FromAddress": sorted(load().mailboxes)}}
    identities = [r["Fn::Sub"].rpartition(":identity/")[2] for r in as_mailbox["Resource"]]
    assert identities == ["*@shop.example.com", "example.com", "shop.example.com"]
    assert [r["Fn::Sub"].rpartition("/")[2] for r in as_set["Resource"]] == ["${ConfigurationSet}"]


def test_a_desk_of_many_mailboxes_still_fits_a_role() -> None:
    mailboxes = {f"team-{n}@d{n % 5}.shop.example.com": Mailbox("", "Team") for n in range(1_000)}
    policy = replace(load(), mailboxes=mailboxes)
    assert len(json.dumps(role_policy(named("send"), policy))) < MOST_CHARACTERS
    as_mailbox = mail_statements(policy)[0]
    assert as_mailbox["Condition"] == {
        "StringLike": {"ses:FromAddress": [f"*@d{n}.shop.example.com" for n in range(5)]}
    }


def test_nothing_may_delete_rows_or_objects_or_scan() -> None:
    for function in FUNCTIONS:
        for action in ("dynamodb:DeleteItem", "dynamodb:Scan", "s3:DeleteObject", "s3:DeleteObjectVersion"):
            assert not may(function, action), function.name


@pytest.mark.parametrize("reader", ["ring", "export"])
def test_a_stream_reader_touches_no_row(reader: str) -> None:
    assert not [a for s in statements(named(reader)) for a in s["Action"] if a.endswith(("Item", ":Query"))]
    assert may(named(reader), "dynamodb:GetRecords")
    assert may(named(reader), "sqs:SendMessage")


def test_a_function_that_is_fed_by_a_queue_may_empty_it() -> None:
    for function in FUNCTIONS:
        if function.source == "queue":
            fed = [s for s in statements(function) if {"Fn::GetAtt": [function.reads, "Arn"]} in s["Resource"]]
            assert {"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility"} <= {
                action for s in fed for action in s["Action"]
            }


def test_who_admits_may_keep_files() -> None:
    role = role_policy(next(f for f in FUNCTIONS if f.name == "api_handler"), load())
    may = [r["Fn::Sub"] for s in role["Statement"] if "s3:PutObject" in s["Action"] for r in s["Resource"]]
    assert "${RawBucket.Arn}/files/*" in may
