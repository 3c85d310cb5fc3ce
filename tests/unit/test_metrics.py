"""Counts: lines CloudWatch makes metrics of, and words that say what they mean."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from chalicelib import metrics
from chalicelib.metrics import Metrics
from chalicelib.policy import load
from infra.template import merge_template

ROOT = Path(__file__).parents[2]
AT = datetime(2026, 3, 2, 9, 0, 0, 250_000, tzinfo=UTC)
COUNTED = Metrics("desk", lambda: AT)


def told(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_count_is_one_whole_line_of_the_embedded_format(capsys: pytest.CaptureFixture[str]) -> None:
    COUNTED.count(metrics.PARKED, 3)
    (line,) = told(capsys)
    assert line["_aws"] == {
        "Timestamp": 1772442000250,
        "CloudWatchMetrics": [
            {"Namespace": "Sortownia", "Dimensions": [["Stack"]], "Metrics": [{"Name": "Parked", "Unit": "Count"}]}
        ],
    }
    assert (line["Stack"], line["Parked"]) == ("desk", 3)


def test_every_name_a_line_speaks_of_stands_in_it_as_the_format_wants(capsys: pytest.CaptureFixture[str]) -> None:
    COUNTED.count(metrics.RAW_WITHOUT_LEDGER, channel="mail", kind="x")
    (line,) = told(capsys)
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    assert directive["Dimensions"] == [["Stack"], ["Stack", "Channel", "Kind"]]
    for name in {name for one in directive["Dimensions"] for name in one}:
        assert isinstance(line[name], str)
        assert line[name]
    for metric in directive["Metrics"]:
        assert line[metric["Name"]] == 1


def test_nothing_is_not_told(capsys: pytest.CaptureFixture[str]) -> None:
    COUNTED.count(metrics.PARKED, 0)
    assert told(capsys) == []


def constants() -> dict[str, str]:
    """Name in the code -> name in CloudWatch, of everything that is counted."""
    found = {name: value for name, value in vars(metrics).items() if name.isupper() and isinstance(value, str)}
    return {n: v for n, v in found.items() if v[:1].isupper() and v.lower() == n.replace("_", "").lower()}


def test_each_count_has_a_meaning_and_is_counted_somewhere() -> None:
    assert set(constants().values()) == metrics.MEANING.keys()
    code = [p.read_text() for p in (ROOT / "chalicelib").rglob("*.py") if p.name != "metrics.py"]
    never = [name for name in constants() if not any(re.search(rf"\b{name}\b", text) for text in code)]
    assert never == []


def test_the_page_for_operators_lists_the_counts_as_they_are() -> None:
    page = (ROOT / "docs" / "operations.md").read_text().split("## What is counted")[1]
    rows = re.findall(r"^\| `(\w+)` \| (.+?) \| (.*?) \|$", page, re.MULTILINE)
    assert {name: meaning for name, meaning, _ in rows} == metrics.MEANING
    assert {name for name, _, alarm in rows if alarm != "–"} == metrics.CALLS_A_PERSON.keys()


@pytest.mark.parametrize("name", metrics.CALLS_A_PERSON)
def test_an_alarm_looks_where_its_count_is_written(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    alarm = merge_template(load())["Resources"][f"{name}Alarm"]["Properties"]
    COUNTED.count(name, **metrics.CALLS_A_PERSON[name])
    (line,) = told(capsys)
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    watched = {dimension["Name"]: dimension["Value"] for dimension in alarm["Dimensions"]}
    assert (alarm["Namespace"], alarm["MetricName"]) == (directive["Namespace"], directive["Metrics"][0]["Name"])
    assert list(watched) in directive["Dimensions"]
    assert watched.pop("Stack") == {"Ref": "AWS::StackName"}
    assert watched == {name: line[name] for name in watched}
    assert (alarm["Statistic"], alarm["Threshold"], alarm["ComparisonOperator"]) == ("Sum", 0, "GreaterThanThreshold")
    assert alarm["AlarmActions"] == [{"Ref": "AlarmTopic"}]
