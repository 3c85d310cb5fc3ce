"""Which words a rule finds."""

import pytest

from chalicelib.wording import Phrases, parsed
from classifiers import text


@pytest.mark.parametrize(
    ("phrase", "said", "found"),
    [
        ("gas", "I smell GAS here", "GAS"),
        ("gas", "a gasket", None),  # whole words only
        ("gas leak", "there is a gas leak", "gas leak"),
        ("gas leak", "gas, leak", "gas, leak"),
        ("gas leak", "gas of a leak", None),
        ("gas leak", "gas", None),
        ("połknął", "Polknal guzik", "Polknal"),  # marks are folded both ways
        ("polknal", "POŁKNĄŁ guzik", "POŁKNĄŁ"),
        ("zwarci*", "zwarcie instalacji", "zwarcie"),
        ("zwarci*", "bez zwarcia", "zwarcia"),
        ("zwarci*", "zwart", None),
        ("дым", "Идёт ДЫМ!", "ДЫМ"),
        ("rzecznik* praw", "Rzecznika Praw", "Rzecznika Praw"),
        ("rzecznik* praw", "rzecznik, prawo", None),
        ("self-service", "self service", "self service"),
        ("gas", "", None),
    ],
)
def test_whole_words_are_found_in_normal_form(phrase: str, said: str, found: str | None) -> None:
    span = Phrases((phrase,)).first(text.words(said))
    places = text.places(said)
    assert (said[places[span[0]][0] : places[span[1] - 1][1]] if span else None) == found


def test_every_place_is_told_in_order() -> None:
    words = text.words("smoke, then fire, then smoke again")
    assert list(Phrases(("fire", "smoke again", "smoke")).spans(words)) == [(0, 1), (2, 3), (4, 6)]


@pytest.mark.parametrize("phrase", ["", "  ", "!!!", "route 66", "ab*"])
def test_phrase_that_would_find_nothing_or_everything_is_refused(phrase: str) -> None:
    with pytest.raises(ValueError, match=r"no word|digit|beginning"):
        parsed(phrase)
