"""The documents say what is true."""

import re
import tomllib
from pathlib import Path

from chalicelib.item.state import TRANSITIONS
from chalicelib.policy import load
from infra.ses import ses_template
from infra.template import merge_template

ROOT = Path(__file__).parents[2]


def test_the_drawn_life_of_an_item_is_the_one_in_the_code() -> None:
    drawn = (ROOT / "docs" / "architecture.md").read_text().split("<!-- states -->")[1].split("<!-- /states -->")[0]
    steps = re.findall(r"^(\S+)\s+--(\S+?)-->\s+(\S+)$", drawn, re.MULTILINE)
    assert sorted(steps) == sorted((str(s), str(a), str(t)) for (s, a), t in TRANSITIONS.items())


def test_operations_says_what_both_stacks_must_be_told() -> None:
    page = (ROOT / "docs" / "operations.md").read_text()
    for template in (merge_template(load()), ses_template(load())):
        for name, parameter in template["Parameters"].items():
            assert "Default" in parameter or f"{name}=" in page, name


def test_operations_says_what_to_do_when_an_alarm_rings() -> None:
    page = (ROOT / "docs" / "operations.md").read_text()
    made = merge_template(load())["Resources"].items()
    assert [name for name, one in made if one.get("Type") == "AWS::CloudWatch::Alarm" and f"`{name}`" not in page] == []


def test_every_dependency_has_its_reason() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = [*project["project"]["dependencies"], *(d for g in project["dependency-groups"].values() for d in g)]
    names = {re.split(r"[\[<>=~ ]", dependency)[0].lower() for dependency in wanted}
    rows = re.findall(r"^\| ([^|]+) \|", (ROOT / "docs" / "dependencies.md").read_text(), re.MULTILINE)
    reasoned = {name.strip().lower() for row in rows for name in row.split(",")}
    assert names - reasoned == set()


def test_locks_hold_hashes_and_no_addresses() -> None:
    for lock in [ROOT / "requirements.txt", *(ROOT / "requirements").glob("*.txt")]:
        text = lock.read_text()
        assert "://" not in text
        pinned = re.findall(r"^[A-Za-z0-9]\S*==", text, re.MULTILINE)
        assert pinned
        assert text.count("--hash=sha256:") >= len(pinned)


def test_a_decision_fits_a_page() -> None:
    for decision in (ROOT / "docs" / "decisions").glob("*.md"):
        text = decision.read_text()
        assert len(text.splitlines()) <= 50, decision.name
        for part in ("**Context.**", "**Choice.**", "**Price.**", "**Revisit**"):
            assert part in text, f"{decision.name} lacks {part}"


def test_every_relative_link_of_the_documents_leads_somewhere() -> None:
    for page in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_a_decision_is_called_by_its_own_number() -> None:
    for page in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]:
        for called, number in re.findall(r"\[(?:decision )?0*(\d+)\]\((?:decisions/)?0*(\d+)-", page.read_text()):
            assert called == number, f"{page.name}: {called} leads to {number}"
