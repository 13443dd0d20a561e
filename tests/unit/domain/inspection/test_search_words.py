"""The words by which a text is found, and the one form of a telephone number."""

import pytest

from citybrain.domain.inspection.search_words import MOST_WORDS, phone_of, words_of


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", []),
        ("窨井盖", ["窨井", "井盖"]),
        ("A hole, a HOLE!", ["a", "hole"]),
        ("在3号楼", ["在", "3", "号楼"]),
        ("ＡＢＣ１２", ["abc12"]),
        ("…—!", []),
    ],
)
def test_words(text: str, words: list[str]) -> None:
    assert words_of(text) == words


def test_whoever_writes_much_is_found_by_the_first_words() -> None:
    assert len(words_of(" ".join(map(str, range(10_000))))) == MOST_WORDS


@pytest.mark.parametrize(
    "said",
    [
        "13812345678",
        "138 1234 5678",
        "+86 138-1234-5678",
        "0086 13812345678",
        "１３８１２３４５６７８",
    ],
)
def test_a_mobile_has_one_form(said: str) -> None:
    assert phone_of(said) == "13812345678"


@pytest.mark.parametrize("said", ["0371-5555 0150", "+86 371 5555 0150", "(0371) 55550150"])
def test_a_telephone_of_the_city_has_one_form(said: str) -> None:
    assert phone_of(said) == "37155550150"


@pytest.mark.parametrize("said", ["", "110", "no number"])
def test_what_is_too_short_is_none(said: str) -> None:
    assert phone_of(said) is None
