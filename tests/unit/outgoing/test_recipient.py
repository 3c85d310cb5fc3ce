"""Which addresses SES can send to."""

import pytest

from chalicelib.errors import Invalid
from chalicelib.outgoing.mail import answerable


@pytest.mark.parametrize(
    ("given", "written"),
    [
        ("Anna.Nowak+x@Customer.Example.COM", "Anna.Nowak+x@customer.example.com"),
        ("o'neil/x=y@example.com", "o'neil/x=y@example.com"),
        ("anna@żółw.example", "anna@xn--w-uga1v8h.example"),
        ("anna@bücher.example.com", "anna@xn--bcher-kva.example.com"),
        ("anna@straße.example", "anna@xn--strae-oqa.example"),
        ("anna@почта.example", "anna@xn--80a1acny.example"),
        ("anna@xn--bcher-kva.example", "anna@xn--bcher-kva.example"),
        ("a@b-c.d0.example", "a@b-c.d0.example"),
    ],
)
def test_a_good_address_is_written_in_ascii(given: str, written: str) -> None:
    assert answerable(given) == written


@pytest.mark.parametrize(
    "given",
    [
        "", "anna", "@example.com", "anna@", "anna@localhost", "anna@example..com", "anna@.example.com",
        "anna@example.com.", "żaba@example.com", "a b@example.com", "a@exa mple.com", "a\r\n@example.com",
        "a@example.com\n", "a\0@example.com", ".a@example.com", "a.@example.com", "a..b@example.com",
        "<a@example.com>", "Anna <a@example.com>", "a@example.com, b@example.com", "@relay.example:a@example.com",
        '"a b"@example.com', "a@[192.0.2.1]", "a@192.0.2.1", "a@-x.example.com", "a@x_y.example.com",
        "a@b@example.com", "mailto:a@example.com", f"{'a' * 65}@example.com", f"a@{'b' * 64}.example.com",
        f"a@{'b' * 60}.{'c' * 60}.{'d' * 60}.{'e' * 60}.{'f' * 20}.example", "a@ex\u200dample.example",
        "a@example\u3002com", "a@stra\u2044ße.example", "a@\ud800.example", "a" * 100_000 + "@example.com",
    ],
)  # fmt: skip
def test_an_address_nobody_can_write_to_is_refused(given: str) -> None:
    with pytest.raises(Invalid) as refused:
        answerable(given)
    assert refused.value.field == "to"


def test_a_sharp_s_is_not_another_owners_domain() -> None:
    assert answerable("a@faß.example") != answerable("a@fass.example")
    assert answerable("a@FAẞ.example") == answerable("a@faß.example")
