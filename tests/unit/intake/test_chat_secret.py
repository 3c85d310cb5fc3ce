"""What an installation's stored secret says."""

import json

import pytest

from chalicelib.intake.chat.secret import Secret, read


def test_a_plain_text_is_what_webhooks_are_signed_with() -> None:
    assert read(["new", "old"]) == Secret(signing=("new", "old"))
    assert read(["same", "same"]).signing == ("same",)
    assert read([]) == Secret()


def test_an_object_says_more_and_only_the_present_one_calls() -> None:
    new = json.dumps({"signing": ["n1", "n2"], "token": "t-new", "user": "u-new", "verify": "v-new"})
    old = json.dumps({"signing": "o1", "token": "t-old", "user": "u-old", "verify": ["v-old"]})
    assert read([new, old]) == Secret(("n1", "n2", "o1"), "t-new", "u-new", ("v-new", "v-old"))
    assert read([new, "plain"]).signing == ("n1", "n2", "plain")
    assert read(["plain", old]) == Secret(("plain", "o1"), "", "", ("v-old",))


@pytest.mark.parametrize(
    "broken",
    ["{", "{}", '{"signing": ""}', '{"signing": []}', '{"signing": [""]}', '{"signing": null}', '{"signing": 5}',
     '{"signing": {"a": "b"}}', '{"Signing": "x"}', "", '{"token": "t"}'],
)  # fmt: skip
def test_what_cannot_be_read_proves_nothing(broken: str) -> None:
    assert read([broken]).signing == ()


def test_no_secret_is_ever_printed() -> None:
    secret = Secret(("signing-secret",), "the-token", "the-user", ("the-word",))
    for shown in (repr(secret), str(secret), f"{[secret]}"):
        assert not any(word in shown for word in ("signing-secret", "the-token", "the-user", "the-word"))
