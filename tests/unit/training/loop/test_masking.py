import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifiers import text
from training.loop.masking import masked


@pytest.mark.parametrize(
    ("written", "left"),
    [
        ("write to anna.k+shop@customer.example.com.", "write to mail@example.com."),
        ("<anna@customer.example.com>", "<mail@example.com>"),
        ("zażółć@przykład.example i b@c.example", "mail@example.com i mail@example.com"),
        ("call +48 601 234 567", "call +00 000 000 000"),
        ("tel. (022) 123-45-67", "tel. (000) 000-00-00"),
        ("601234567 or 601-234-567", "000000000 or 000-000-000"),
        ("my PESEL is 44051401359", "my PESEL is 00000000000"),
        ("PL61 1090 1014 0000 0712 1981 2874", "PL00 0000 0000 0000 0000 0000 0000"),
        ("to DE89370400440532013000 please", "to DE00000000000000000000 please"),
        ("GB29 NWBK 6016 1331 9268 19", "GB00 0000 0000 0000 0000 00"),
        ("61 1090 1014 0000 0712 1981 2874", "00 0000 0000 0000 0000 0000 0000"),
        ("card 4111 1111 1111 1111", "card 0000 0000 0000 0000"),
        ("order 123456", "order 000000"),
        ("٠١٢٣٤٥٦٧٨٩", "0000000000"),
    ],
)
def test_what_tells_who_somebody_is_goes(written: str, left: str) -> None:
    assert masked(written) == left


@pytest.mark.parametrize(
    "written",
    [
        "order 4711 came on 3 May, 2 of 5 boxes were empty",
        "2 640 zł za opony",
        "no numbers at all, meet me @ the shop",
        "size 42, colour A4, room 101",
        "the ABCD EFGH code",
    ],
)
def test_what_a_message_is_about_stays(written: str) -> None:
    assert masked(written) == written


@given(st.text(max_size=300))
def test_masking_again_changes_nothing(written: str) -> None:
    assert masked(masked(written)) == masked(written)


@given(
    st.lists(
        st.sampled_from(["+48 601 234 567", "44051401359", "order", "12", "na konto", "1090 1014 0000"]), max_size=8
    )
)
def test_numbers_mean_the_same_to_the_classifier(parts: list[str]) -> None:
    written = " ".join(parts)
    assert text.words(masked(written)) == text.words(written)


@pytest.mark.parametrize("blob", ["x" * 60_000, "AB12" * 15_000, "1234" * 15_000, "a@" + "-" * 60_000])
def test_a_pasted_file_is_masked_in_no_time(blob: str) -> None:
    """One mail with a megabyte of base64 in it would hold up every retraining for an hour."""
    started = time.process_time()
    masked(f"see {blob} anna@customer.example.com")
    assert time.process_time() - started < 2


def test_addresses_without_a_space_between_them_go_all() -> None:
    assert masked("a@b.example!c@d.example,e@f.example") == "mail@example.commail@example.com,mail@example.com"
    assert masked("not@ but x@y.example") == "not@ but mail@example.com"
