"""Which desks are refused, and whether the refusal says where to look."""

import re
from datetime import timedelta
from pathlib import Path

import pytest

from chalicelib import policy
from chalicelib.policy import CHANNELS, QUARANTINE, PolicyError
from tests.desk import ACKNOWLEDGE, DESK, courteous_desk, small_desk

REPLIES = 'replies = "https://shop.example.com/chat-replies"'
ROLE_CLAIM = 'role_claim = "roles"'

#: What is changed in the small desk, into what; the key the refusal names, a text of the line it names, of the rule.
BROKEN = [
    ("[desk]", "desk", "", "desk", "not TOML"),
    (
        "[desk]",
        "[desks]",
        "desks",
        "[desks]",
        "no such key; there is access, acknowledge, agents, asking, asks, calendars",
    ),
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
    ('billing = "billing"', 'billing = "quarantine"', "topics.billing", 'billing = "q', "must be a queue of this desk"),
    (
        'people_queue = "people"',
        'people_queue = "quarantine"',
        "desk.people_queue",
        "people_queue",
        "must be a queue of",
    ),
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
        '"fax"',
        "installations.shop-widget",
        "shop-widget",
        "'fax' is no provider; there is generic",
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
    ('[offers]\nmail = "PT15M"\nchat = "PT1M"', "", "offers", None, "this table is missing"),
    ('chat = "PT1M"', "", "offers.chat", "[offers]", "must be an ISO 8601 duration"),
    ('chat = "PT1M"', 'chat = "PT0S"', "offers.chat", 'chat = "PT0S"', "longer than nothing"),
    ('chat = "PT1M"', 'chat = "PT1M"\nfax = "PT1M"', "offers.fax", "fax =", "no such key; there is chat, mail"),
    ('provider = "generic", ' + REPLIES, REPLIES, "installations.shop-widget", "shop-widget", "None is no provider"),
    (
        REPLIES,
        'answers = ""',
        "installations.shop-widget.answers",
        "shop-widget",
        "no such key; there is provider, replies",
    ),
]
BROKEN += [
    (
        'boris = { languages = ["en"] }',
        f"boris = {{ deputy = {bad} }}",
        "agents.boris.deputy",
        "boris =",
        "another agent",
    )
    for bad in ('"nobody"', '"boris"', "7", '["anna"]', "true")
]
GENERIC = f'{{ provider = "generic", {REPLIES} }}'
BROKEN += [
    (GENERIC, said, f"installations.shop-widget{at}", "shop-widget", rule)
    for said, at, rule in (
        ('"chatwoot"', "", "chatwoot needs api"),
        ('{ provider = "chatwoot", api = "" }', "", "chatwoot needs api"),
        ('"zendesk"', "", "zendesk needs api"),
        ('"intercom"', "", "intercom needs admin"),
        ('{ provider = "intercom", admin = 5 }', ".admin", "must be an id as the provider gives them"),
        ('{ provider = "intercom", admin = "a b" }', ".admin", "must be an id as the provider gives them"),
        ('{ provider = "slack", replies = "https://a.example.com" }', ".replies", "no such key; there is account, api"),
        ('{ provider = "generic", api = "https://a.example.com" }', ".api", "no such key; there is provider, replies"),
        ('{ provider = "tawk", api = "https://a.example.com" }', ".api", "no such key; there is account, provider"),
        ('{ provider = "slack", token = "xoxb-1" }', ".token", "no such key"),
        ('{ provider = "slack", api = "http://a.example.com" }', ".api", "starts with https:// and does not end in"),
        ('{ provider = "slack", api = "https://a.example.com/" }', ".api", "starts with https:// and does not end in"),
        ('{ provider = "slack", api = "https://a.example.com/x?y" }', ".api", "starts with https://"),
        ('{ provider = "whatsapp", account = "1/2" }', ".account", "must be an id as the provider gives them"),
        ('{ provider = ["generic"] }', "", "['generic'] is no provider"),
        ("5", "", "5 is no provider"),
    )
]
WIDGET = f'provider = "generic", {REPLIES}', 'provider = "widget", origins = '
BROKEN += [
    (WIDGET[0], WIDGET[1] + origins, "installations.shop-widget.origins", "shop-widget", rule)
    for origins, rule in (
        ("[]", "needs the origins of its pages"),
        ('"https://shop.example.com"', "must be a list of texts"),
        *((f'["{bad}"]', "is no web origin") for bad in (
            "https://shop.example.com/", "http://shop.example.com", "shop.example.com", "*", "null", "https://*.example.com",
            "https://Shop.example.com", "http://localhost.example.com",
        )),
    )
]  # fmt: skip
BROKEN += [
    (WIDGET[0], 'provider = "widget"', "installations.shop-widget.origins", "shop-widget", "needs the origins of its"),
    ('provider = "generic"', 'provider = "widget"', "installations.shop-widget.replies", "shop-widget", "no such key"),
    (REPLIES, 'origins = ["https://a.example.com"]', "installations.shop-widget.origins", "shop-widget", "no such key"),
]
BROKEN += [
    (REPLIES, f"replies = {bad}", "installations.shop-widget.replies", "shop-widget", "starts with https://")
    for bad in (
        '"http://shop.example.com/chat"', '"https://"', '"https:///chat"', '"//shop.example.com"', "7",
        '"shop.example.com"', '"https://shop.example.com/a b"', '"javascript:alert(1)"', '["https://a.example.com"]',
    )
]  # fmt: skip
BROKEN += [
    (ROLE_CLAIM, f'{ROLE_CLAIM}\norigins = ["{bad}"]', "access.origins", "origins =", "is no web origin")
    for bad in (
        "*", "shop.example.com", "https://shop.example.com/", "https://shop.example.com/desk", "null",
        "https://*.example.com", "HTTPS://shop.example.com", "https://shop.example.com:123456",
        "https://a.example.com https://b.example.com",
    )
]  # fmt: skip
BROKEN += [
    (ROLE_CLAIM, f'{ROLE_CLAIM}\norigins = "https://a"', "access.origins", "origins =", "must be a list of texts")
]


TEXT, KEY, LINE = 'en = "We have your message."', "acknowledge.texts.en", "en ="
#: The same of a desk that acknowledges mail.
COURTESIES = [
    ('channels = ["mail"]', 'channel = ["mail"]', "acknowledge.channel", "channel =", "no such key; there is channels"),
    ('channels = ["mail"]', "", "acknowledge.channels", "[acknowledge]", "must be a list of texts"),
    ('channels = ["mail"]', 'channels = ["chat"]', "acknowledge.channels", "channels =", "'chat' is not a channel"),
    (TEXT, "", "acknowledge.texts", "[acknowledge.texts]", "the desk's first language, en, has no text"),
    (TEXT, f'{TEXT}\nfr = "Bon"', "acknowledge.texts.fr", "fr =", "no such key; there is de, en, pl"),
    (TEXT, 'en = " "', KEY, LINE, "must be a text"),
    (TEXT, "en = 7", KEY, LINE, "must be a text"),
    (TEXT, f'en = "{"x" * 4001}"', KEY, LINE, "must have at most 4000 characters"),
    (TEXT, 'en = "We answer as soon as\\npossible."', KEY, LINE, "must not say 'as soon as possible': a desk promises"),
    (TEXT, 'en = "You hear from us ASAP."', KEY, LINE, "must not say 'ASAP'"),
    (TEXT, 'en = "Odpowiemy jak najszybciej."', KEY, LINE, "must not say 'jak najszybciej'"),
    (TEXT, 'en = "Wir antworten schnellstmöglich."', KEY, LINE, "must not say 'schnellstmöglich'"),
    (TEXT, 'en = "Мы ответим как можно скорее."', KEY, LINE, "must not say 'как можно скорее'"),
    (TEXT, 'en = "Відповімо якнайшвидше."', KEY, LINE, "must not say 'якнайшвидше'"),
]


@pytest.mark.parametrize(("old", "new", "key", "line", "rule"), BROKEN)
def test_a_broken_rule_is_told_with_line_and_key(old: str, new: str, key: str, line: str | None, rule: str) -> None:
    assert old in DESK
    check_refusal(DESK.replace(old, new, 1), key, line, rule)


@pytest.mark.parametrize(("old", "new", "key", "line", "rule"), COURTESIES)
def test_what_the_desk_says_by_itself_is_checked_too(old: str, new: str, key: str, line: str, rule: str) -> None:
    assert old in ACKNOWLEDGE
    check_refusal(DESK + ACKNOWLEDGE.replace(old, new, 1), key, line, rule)


def check_refusal(text: str, key: str, line: str | None, rule: str) -> None:
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


@pytest.mark.parametrize("text", ["x = " + "[" * 5_000, "x = " + "9" * 5_000], ids=["nested", "long"])
def test_what_the_reader_of_toml_gives_up_is_told_too(text: str) -> None:
    with pytest.raises(PolicyError, match=r"my-desk\.toml: not TOML"):
        policy.parse(text, "my-desk.toml")


def test_the_packaged_desk_keeps_every_rule_and_is_read_once() -> None:
    desk = policy.load()
    assert desk is policy.load(policy.DESK_FILE)
    assert desk.people_queue in desk.queues
    assert QUARANTINE in desk.queues
    assert all(topic.queue in desk.queues for topic in desk.topics.values())


def test_the_packaged_desk_has_words_for_every_language_and_is_silent_until_told() -> None:
    desk = policy.load()
    assert set(desk.acknowledge.texts) == set(desk.languages)
    assert desk.acknowledge.channels == frozenset()
    switched_on = policy.DESK_FILE.read_text("utf-8").replace("channels = []", 'channels = ["mail"]')
    assert policy.parse(switched_on).acknowledge.channels == {"mail"}


def test_a_desk_without_the_section_acknowledges_nothing() -> None:
    assert small_desk().acknowledge.channels == frozenset()
    assert courteous_desk().acknowledge.channels == {"mail"}
    assert courteous_desk().acknowledge.texts == {"en": "We have your message.", "pl": "Mamy wiadomość."}


def test_the_desks_domains_are_those_of_its_mailboxes() -> None:
    assert small_desk().domains == {"shop.example.com"}


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


def test_every_channel_has_a_lease_and_a_time_for_offers() -> None:
    assert small_desk().leases == {"mail": timedelta(minutes=15), "chat": timedelta(minutes=2)}
    assert small_desk().offers == {"mail": timedelta(minutes=15), "chat": timedelta(minutes=1)}
    for per_channel in (small_desk().leases, small_desk().offers):
        assert set(per_channel) == set(CHANNELS)


@pytest.mark.parametrize(
    ("value", "replies"),
    [
        ('"generic"', ""),  # as desks were written before replies went out
        ('{ provider = "generic" }', ""),
        ('{ provider = "generic", replies = "" }', ""),
        ('{ provider = "generic", replies = "https://a.example.com" }', "https://a.example.com"),
        ('{ provider = "generic", replies = "https://a.example.com:8443/r?x=1" }', "https://a.example.com:8443/r?x=1"),
    ],
)
def test_a_chats_replies_have_an_address_or_none(value: str, replies: str) -> None:
    before = f'{{ provider = "generic", {REPLIES} }}'
    assert before in DESK
    installation = policy.parse(DESK.replace(before, value)).installations["shop-widget"]
    assert (installation.provider, installation.replies) == ("generic", replies)


def test_an_installation_says_of_its_provider_what_its_calls_need() -> None:
    said = """shop-widget = "telegram"
support = { provider = "chatwoot", api = "https://chat.example.com", account = "1" }
phone = { provider = "whatsapp", account = "106540352242922", api = "https://graph.facebook.com/v25.0" }
inbox = { provider = "intercom", admin = "814860" }"""
    found = policy.parse(DESK.replace(f"shop-widget = {GENERIC}", said)).installations
    assert (found["shop-widget"].provider, found["shop-widget"].api) == ("telegram", "")
    assert (found["support"].api, found["support"].account) == ("https://chat.example.com", "1")
    assert found["phone"].api == "https://graph.facebook.com/v25.0"
    assert found["inbox"].admin == "814860"


@pytest.mark.parametrize(
    "origin", ["https://desk.example.com", "http://127.0.0.1:5173", "https://desk.example.com:8443"]
)
def test_web_pages_may_call_only_where_the_desk_names_them(origin: str) -> None:
    assert small_desk().access.origins == ()
    named = DESK.replace('role_claim = "roles"', f'role_claim = "roles"\norigins = ["{origin}"]')
    assert policy.parse(named).access.origins == (origin,)


@pytest.mark.parametrize("origin", ["https://shop.example.com", "https://a.example.com:8443", "http://localhost:3000"])
def test_our_own_widget_stands_on_the_pages_the_desk_names(origin: str) -> None:
    named = DESK.replace(WIDGET[0], f'{WIDGET[1]}["{origin}", "https://www.example.com"]')
    installation = policy.parse(named).installations["shop-widget"]
    assert (installation.provider, installation.origins) == ("widget", (origin, "https://www.example.com"))


def with_deputies(**deputies: str) -> policy.Policy:
    text = DESK
    for agent, deputy in deputies.items():
        assert f"{agent} = {{ " in text
        text = text.replace(f"{agent} = {{ ", f'{agent} = {{ deputy = "{deputy}", ')
    return policy.parse(text)


@pytest.mark.parametrize(
    ("deputies", "agent", "chain"),
    [
        ({}, "anna", ("anna",)),
        ({"anna": "carl"}, "anna", ("anna", "carl")),
        ({"anna": "carl", "carl": "boris"}, "anna", ("anna", "carl", "boris")),
        ({"anna": "carl", "carl": "anna"}, "anna", ("anna", "carl")),  # deputies of each other
        ({"anna": "carl", "carl": "anna"}, "carl", ("carl", "anna")),
        ({"anna": "carl", "carl": "boris", "boris": "carl"}, "anna", ("anna", "carl", "boris")),
        ({"anna": "sam"}, "anna", ("anna", "sam")),
        ({}, "left-last-year", ()),
    ],
)
def test_deputies_stand_in_one_after_the_other(deputies: dict[str, str], agent: str, chain: tuple[str, ...]) -> None:
    assert with_deputies(**deputies).stand_ins(agent) == chain


@pytest.mark.parametrize(
    ("agent", "queue", "language", "serves"),
    [
        ("anna", "orders", "de", True),
        ("boris", "orders", "en", True),
        ("boris", "orders", "de", False),
        ("boris", "orders", "fr", True),  # no language of this desk
        ("boris", "orders", "und", True),
        ("boris", "billing", "en", False),
        ("carl", "billing", "en", False),
        ("boris", "quarantine", "und", False),
        ("anna", "quarantine", "und", True),
        ("anna", "closed-last-year", "en", False),
        ("sam", "orders", "en", False),
        ("nobody", "orders", "en", False),
    ],
)
def test_who_serves_what(agent: str, queue: str, language: str, serves: bool) -> None:
    assert small_desk().serves(agent, queue, language) is serves


def test_nobody_rewrites_the_desk_while_it_is_at_work() -> None:
    desk = small_desk()
    for mapping in (
        desk.queues, desk.topics, desk.agents, desk.leases, desk.offers, desk.mailboxes, desk.installations,
        courteous_desk().acknowledge.texts,
    ):  # fmt: skip
        with pytest.raises(TypeError):
            mapping["new"] = None  # type: ignore[index]
    with pytest.raises(AttributeError):
        desk.name = "mine"  # type: ignore[misc]
