"""Which earlier messages a message may be an answer to."""

from chalicelib.intake import email, thread

HEAD = b"From: a@example.org\nMessage-ID: <own@x>\n"


def test_nearest_first_and_each_once() -> None:
    message = email.parse(HEAD + b"In-Reply-To: <three@x>\nReferences: <one@x> <two@x> <three@x> <one@x>\n\nx")
    assert thread.references(message) == ("three@x", "two@x", "one@x")


def test_its_own_id_is_left_out() -> None:
    message = email.parse(HEAD + b"In-Reply-To: <own@x>\nReferences: <one@x> <own@x>\n\nx")
    assert thread.references(message) == ("one@x",)


def test_at_most_twenty() -> None:
    ids = b" ".join(b"<%d@x>" % number for number in range(50))
    found = thread.references(email.parse(HEAD + b"References: " + ids + b"\n\nx"))
    assert (len(found), found[0], found[-1]) == (20, "49@x", "30@x")


def test_what_a_bounce_is_about_comes_first() -> None:
    copy = b"--- Below this line is a copy.\n\nMessage-ID: <reply@x>\n"
    raw = b"References: <one@x>\n\n<a@example.org>: 550 unknown user\n\n" + copy
    assert thread.references(email.parse(b"From: MAILER-DAEMON@x\n" + raw)) == ("reply@x", "one@x")
    assert thread.references(email.parse(HEAD + raw)) == ("one@x",)


def test_none() -> None:
    assert thread.references(email.parse(HEAD + b"In-Reply-To: your message of Monday\n\nx")) == ()
