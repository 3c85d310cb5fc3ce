import json
from typing import Any

import pytest

from infra.config import STAGE, chalice_config
from infra.functions import FUNCTIONS, Function
from infra.policies import policy_file, role_policies, role_policy

MOST_CHARACTERS = 10_240  # of all policies written into one role


def statements(function: Function) -> list[dict[str, Any]]:
    return list(role_policy(function)["Statement"])


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
            assert "*" not in text or "${AWS::StackName}" in text or ".Arn}" in text


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.name)
def test_a_role_fits_iam(function: Function) -> None:
    assert len(json.dumps(role_policy(function))) < MOST_CHARACTERS


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.name)
def test_a_role_may_write_its_own_log_only(function: Function) -> None:
    logs = [s for s in statements(function) if s["Action"][0].startswith("logs:")]
    assert [r["Fn::Sub"].rsplit("/", 1)[1] for s in logs for r in s["Resource"]] == [
        f"${{AWS::StackName}}-{function.short_name}:*"
    ]


def test_each_function_has_a_role_of_its_own() -> None:
    entries = chalice_config()["stages"][STAGE]["lambda_functions"]
    assert {name: e["iam_policy_file"] for name, e in entries.items()} == {f.name: policy_file(f) for f in FUNCTIONS}
    assert len(role_policies()) == len(FUNCTIONS)


def test_only_the_door_of_the_chat_hooks_reads_secrets() -> None:
    assert [f.name for f in FUNCTIONS if may(f, "secretsmanager:GetSecretValue")] == ["api_handler"]


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
