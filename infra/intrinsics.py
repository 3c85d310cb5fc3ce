"""CloudFormation's functions, short enough to read a template by."""

from typing import Any

Json = dict[str, Any]


def ref(logical_id: str) -> Json:
    """A parameter's value, or what CloudFormation calls the resource's name."""
    return {"Ref": logical_id}


def arn(logical_id: str) -> Json:
    """The ARN of a resource."""
    return {"Fn::GetAtt": [logical_id, "Arn"]}


def attribute(logical_id: str, name: str) -> Json:
    """Another attribute of a resource."""
    return {"Fn::GetAtt": [logical_id, name]}


def sub(text: str) -> Json:
    """`text` with `${...}` filled in."""
    return {"Fn::Sub": text}


def resource(kind: str, properties: Json, *, keep: bool = False, **more: Any) -> Json:
    """One resource; `keep` = it stays when the stack goes or replaces it."""
    body: Json = {"Type": kind, "Properties": properties, **more}
    if keep:
        body |= {"DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"}
    return body


def allow(actions: list[str], resources: list[Json], condition: Json | None = None) -> Json:
    """One statement of an IAM policy."""
    statement: Json = {"Effect": "Allow", "Action": actions, "Resource": resources}
    return statement | {"Condition": condition} if condition else statement


def document(statements: list[Json]) -> Json:
    """An IAM policy of statements."""
    return {"Version": "2012-10-17", "Statement": statements}
