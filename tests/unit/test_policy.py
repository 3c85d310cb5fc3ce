"""Which desks are refused, and whether the refusal says where to look."""

import re
from datetime import timedelta
from pathlib import Path

import pytest

from chalicelib import policy
from chalicelib.policy import CHANNELS, QUARANTINE, PolicyError
from tests.desk import DESK, small_desk

#: What is changed in the small desk, into what; the key the refusal names, a text of the line it names, of the rule.
BROKEN = [
    ("[desk]", "desk", "", "desk", "not TOML"),
    ("[desk]", "[desks]", "desks", "[desks]", "no such key; there is access, agents, capacity, desk"),
    ("[lanes]\n", "[desk.lanes]\n", "desk.lanes", "[desk.lanes]", "no such key; there is languages, name"),
    ('name = "Small desk"', 'nam = "x"', "desk.nam", 'nam = "x"', "no such key"),
    ('name = "Small desk"', "", "desk.name", "[desk]", "must be a text"),
    ('name = "Small desk"', 'name = " "', "desk.name", "name =", "must be a text"),
    ('name = "Small desk"', "name = 7", "desk.name", "name =", "must be a text"),
    ('["en", "pl", "de"]', '"en"', "desk.languages", "languages =", "must be a list of texts"),
    ('["en", "pl", "de"]', '["en", 1]', "desk.languages", "languages =", "must be a list of texts"),
    ('people_queue = "people"', 'people_queue = "nobody"', "desk.people_queue", "people_queue", "must be a queue of"),
    ('"P30D"', '"30 days"', "desk.reopen_within", "reopen_within", "must be an ISO 8601 duration"),
    ('"P30D"', '"P0D"', "desk.reopen_within", "reopen_within", "longer than nothing"),
    ('"P30D"', '"PT"', "desk.reopen_within", "reopen_within", "longer than nothing"),
    ('"P30D"', "30", "desk.reopen_within", "reopen_within", "must be an ISO 8601 duration"),
    ('"P30D"', '"P99999999999999D"', "desk.reopen_within", "reopen_within", "must be an ISO 8601 duration"),
    ('role_claim = "roles"', "", "access.role_claim", "[access]", "must be a text"),
    ('mail = "PT15M"', "", "leases.mail", "[leases]", "must be an ISO 8601 duration"),
    ('mail = "PT15M"', 'mail = "15m"', "leases.mail", 'mail = "15m"', "must be an ISO 8601 duration"),
    ('chat = "PT2M"', 'chat = "PT2M"\nfax = "PT2M"', "leases.fax", "fax =", "no such key; there is chat, mail"),
    ('"critical", "high"', '"critical", "soon"', "lanes.urgent", "urgent =", "'soon' is not an urgency"),
    ('billing = "billing"', 'billing = "bills"', "topics.billing", 'billing = "bills"', "must be a queue of this desk"),
    ('billing = "billing"', "billing = 3", "topics.billing", "billing = 3", "must be a queue of this desk"),
    ("[queues.orders]", "[queues.Orders]", "queues.Orders", "[queues.Orders]", "lower-case letters"),
    ("[queues.orders]", "[queues.a-urgent]", "queues.a-urgent", "[queues.a-urgent]", "does not end in -urgent"),
    ("[queues.orders]", f"[queues.{'o' * 32}]", f"queues.{'o' * 32}", "[queues.ooo", "at most 31 characters"),
    ("[queues.orders]", "[queues.quarantine]", "queues.quarantine", "[queues.quarantine]", "exists already"),
    ('["anna", "carl"]', '["anna", "karl"]', "queues.billing.members", '"karl"', "'karl' is no agent of this desk"),
    ('["anna", "carl"]', '"anna"', "queues.billing.members", 'members = "anna"', "must be a list of texts"),
    (
        'skills = ["money"]\n\n[queues.people]',
        "skill = []\n\n[queues.people]",
        "queues.billing.skill",
        "skill =",
        "no su",
    ),
    (
        '[quarantine]\nmembers = ["anna"]',
        "[quarantine]\nmembers = []",
        "quarantine.members",
        "members = []",
        "somebody",
    ),
    ('[quarantine]\nmembers = ["anna"]', "", "quarantine", None, "this table is missing"),
    ('"help@shop.example.com"', '"Help@shop.example.com"', "mailboxes.Help@shop.example.com", "Help@", "in lower case"),
    (
        '"help@shop.example.com"',
        '"shop.example.com"',
        "mailboxes.shop.example.com",
        "shop.ex",
        "must be a mail address",
    ),
    ('= "Help"', '= ""', "mailboxes.help@shop.example.com", "help@", "must be a text"),
    ("shop-widget =", '"shop widget" =', "installations.shop widget", "shop widget", "lower-case letters, digits"),
    (
        '"generic"',
        '"intercom"',
        "installations.shop-widget",
        "shop-widget",
        "'intercom' is no provider; there is generic",
    ),
    ("[capacity]\nmail = 60", "[capacity]", "capacity.mail", "[capacity]", "must be a whole number, 0 or more"),
    ("mail = 60", "mail = -1", "capacity.mail", "mail = -1", "must be a whole number, 0 or more"),
    ("mail = 60", "mail = true", "capacity.mail", "mail = true", "must be a whole number, 0 or more"),
    ("mail = 60", "mail = 60\nfax = 1", "capacity.fax", "fax = 1", "no such key"),
    ("{ mail = 2, chat = 1 }", "{ mail = 2.5 }", "agents.carl.capacity.mail", "carl =", "must be a whole number"),
    ("{ mail = 2, chat = 1 }", "3", "agents.carl.capacity", "carl =", "must be a table of channel = number"),
    ('["supervisor"]', '["boss"]', "agents.sam.roles", "sam =", "'boss' is not a role"),
    ('["supervisor"]', '"supervisor"', "agents.sam.roles", "sam =", "must be a list of texts"),
    (
        'boris = { languages = ["en"] }',
        'boris = { languages = ["fr"] }',
        "agents.boris.languages",
        "boris =",
        "'fr' is n",
    ),
    ('boris = { languages = ["en"] }', "boris = { wage = 1 }", "agents.boris.wage", "boris =", "no such key"),
    ('boris = { languages = ["en"] }', "boris = 1", "agents.boris", "boris =", "this table is missing"),
]


@pytest.mark.parametrize(("old", "new", "key", "line", "rule"), BROKEN)
def test_a_broken_rule_is_told_with_line_and_key(old: str, new: str, key: str, line: str | None, rule: str) -> None:
    assert old in DESK
    text = DESK.replace(old, new, 1)
    with pytest.raises(PolicyError) as refused:
        policy.parse(text, "my-desk.toml")
    said = str(refused.value)
    assert rule in said
    if key == "":
        assert said.startswith("my-desk.toml: not TOML")
        assert "line 2" in said
        return
    told = re.match(r"my-desk\.toml, line (\d+): (.*?): ", said)
    assert told, said
    lines = text.splitlines()
    if line is None:
        assert int(told[1]) == len(lines)
    else:
        assert line in lines[int(told[1]) - 1]
        assert told[2] == key


def test_the_packaged_desk_keeps_every_rule_and_is_read_once() -> None:
    desk = policy.load()
    assert desk is policy.load(policy.DESK_FILE)
    assert desk.people_queue in desk.queues
    assert QUARANTINE in desk.queues
    assert all(topic.queue in desk.queues for topic in desk.topics.values())


def test_another_file_makes_another_desk(tmp_path: Path) -> None:
    file = tmp_path / "other.toml"
    file.write_text(DESK.replace("Small desk", "Other desk"), "utf-8")
    assert policy.load(file).name == "Other desk"


def test_a_star_means_every_agent_but_not_who_only_looks_on() -> None:
    desk = small_desk()
    assert desk.queues["people"].members == {"anna", "boris", "carl"}


def test_a_queue_belongs_to_members_who_have_its_skills() -> None:
    desk = small_desk()
    assert {queue.name for queue in desk.queues_of("anna")} == {"orders", "billing", "people", "quarantine"}
    assert {queue.name for queue in desk.queues_of("carl")} == {"orders", "people"}  # member of billing without money
    assert desk.queues_of("sam") == ()
    assert desk.queues_of("stranger") == ()


def test_what_an_agent_does_not_say_the_desk_says() -> None:
    agents = small_desk().agents
    assert agents["anna"].languages == {"en", "pl", "de"}
    assert agents["anna"].roles == {"agent"}
    assert agents["sam"].roles == {"supervisor"}
    assert agents["anna"].capacity == {"mail": 60, "chat": 12}
    assert agents["carl"].capacity == {"mail": 2, "chat": 1}


def test_a_partial_capacity_keeps_the_rest_of_the_desks() -> None:
    desk = policy.parse(DESK.replace("{ mail = 2, chat = 1 }", "{ chat = 0 }"))
    assert desk.agents["carl"].capacity == {"mail": 60, "chat": 0}


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("PT90S", timedelta(seconds=90)),
        ("PT2H30M", timedelta(hours=2, minutes=30)),
        ("P1DT1S", timedelta(days=1, seconds=1)),
    ],
)
def test_durations_are_iso_8601(text: str, length: timedelta) -> None:
    assert policy.parse(DESK.replace('"P30D"', f'"{text}"')).reopen_within == length


def test_every_channel_has_a_lease() -> None:
    assert small_desk().leases == {"mail": timedelta(minutes=15), "chat": timedelta(minutes=2)}
    assert set(small_desk().leases) == set(CHANNELS)


def test_nobody_rewrites_the_desk_while_it_is_at_work() -> None:
    desk = small_desk()
    for mapping in (desk.queues, desk.topics, desk.agents, desk.leases, desk.mailboxes, desk.installations):
        with pytest.raises(TypeError):
            mapping["new"] = None  # type: ignore[index]
    with pytest.raises(AttributeError):
        desk.name = "mine"  # type: ignore[misc]
