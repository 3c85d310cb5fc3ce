"""Where the stack's resources are, by its environment."""

from dataclasses import fields

import pytest

from chalicelib.settings import Settings, SettingsError, work_queue_name

NAMES = [field.name for field in fields(Settings)]
ENVIRONMENT = {name.upper(): f"the-{name}" for name in NAMES} | {
    "STACK_NAME": "desk",
    "INBOUND_QUEUE_URL": "https://sqs.eu-central-1.amazonaws.com/123456789012/desk-inbound",
}


def test_each_field_is_the_variable_of_its_name() -> None:
    settings = Settings.from_environment({**ENVIRONMENT, "UNRELATED": "1"})
    assert {name: getattr(settings, name) for name in NAMES} == {n: ENVIRONMENT[n.upper()] for n in NAMES}


def test_every_missing_variable_is_named() -> None:
    with pytest.raises(SettingsError) as refused:
        Settings.from_environment({})
    assert all(name.upper() in str(refused.value) for name in NAMES)


@pytest.mark.parametrize(("lane", "name"), [("normal", "desk-work-orders"), ("urgent", "desk-work-orders-urgent")])
def test_a_work_queue_stands_beside_the_inbound_queue(lane: str, name: str) -> None:
    settings = Settings.from_environment(ENVIRONMENT)
    assert work_queue_name("desk", "orders", lane) == name
    assert settings.work_queue_url("orders", lane) == f"https://sqs.eu-central-1.amazonaws.com/123456789012/{name}"


@pytest.mark.parametrize("name", ["inbound-dead", "recheck"])
def test_a_queue_found_by_its_name_is_one_the_template_makes(name: str) -> None:
    from infra.template import merge_template
    from tests.desk import small_desk

    settings = Settings.from_environment(ENVIRONMENT)
    url = {"inbound-dead": settings.inbound_dead_queue_url, "recheck": settings.recheck_queue_url}[name]
    made = [r["Properties"]["QueueName"] for r in merge_template(small_desk())["Resources"].values()
            if r.get("Type") == "AWS::SQS::Queue"]  # fmt: skip
    assert {"Fn::Sub": f"${{AWS::StackName}}-{name}"} in made
    assert url == f"https://sqs.eu-central-1.amazonaws.com/123456789012/desk-{name}"


def test_work_queues_are_those_the_template_makes() -> None:
    from infra.template import merge_template
    from tests.desk import small_desk

    desk = small_desk()
    made = {
        resource["Properties"]["QueueName"]["Fn::Sub"].replace("${AWS::StackName}", "desk")
        for resource in merge_template(desk)["Resources"].values()
        if resource.get("Type") == "AWS::SQS::Queue"
    }
    assert {work_queue_name("desk", queue, lane) for queue in desk.queues for lane in ("normal", "urgent")} <= made
