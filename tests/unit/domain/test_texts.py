"""Blanks of every kind say nothing; one thing to see is enough."""

import pytest

from citybrain.domain.texts import says_something


@pytest.mark.parametrize(
    "text",
    ["", " ", "\t\n", "\u3000", "\u200b", "\ufeff", "\x00", "\u3164", "\u2800", "\ufe0f", "\u034f"],
)
def test_blanks_say_nothing(text: str) -> None:
    assert not says_something(text)
    assert says_something(f"{text}六月{text}")
