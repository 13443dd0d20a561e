"""Readings: how sure one has to be before anything is debited by itself."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citybrain.domain.parking.plates import (
    CharacterConfidencesDiffer,
    Confidence,
    ConfidenceInvalid,
    Doubt,
    Reading,
    Thresholds,
    Unsure,
    sure_enough,
)
from tests.given.parking.plates import THRESHOLDS, plate, reading

RAW = "豫A8B123"
MEAN_93 = (99, 99, 58, 99, 98, 99, 99)
PERCENT = st.integers(1, 100)
CHARACTERS = st.lists(PERCENT, min_size=7, max_size=7)


def test_p04_the_average_hides_the_bad_character() -> None:
    assert sum(MEAN_93) / 7 == 93
    assert sure_enough(reading(RAW, 93, MEAN_93), THRESHOLDS) == Unsure(
        Doubt.CHARACTER_BELOW, place=3, confidence=58, threshold=80
    )
    every = reading(RAW, 93, [93] * 7)
    assert sure_enough(every, THRESHOLDS) is None
    assert every.judged_by == "plate-and-characters"
    alone = reading(RAW, 93)
    assert sure_enough(alone, THRESHOLDS) is None
    assert alone.judged_by == "plate"


@pytest.mark.parametrize(
    ("said", "doubt"),
    [
        (reading(None), Unsure(Doubt.NOT_READ)),
        (reading(None, None), Unsure(Doubt.NOT_READ)),
        (reading("A52K17"), Unsure(Doubt.INCOMPLETE)),
        (reading("BA12345", 100), Unsure(Doubt.INCOMPLETE)),
        (reading(RAW, None), Unsure(Doubt.CONFIDENCE_NOT_GIVEN, threshold=90)),
        (reading(RAW, None, [100] * 7), Unsure(Doubt.CONFIDENCE_NOT_GIVEN, threshold=90)),
        (reading(RAW, 89), Unsure(Doubt.PLATE_BELOW, confidence=89, threshold=90)),
        (reading(RAW, 1), Unsure(Doubt.PLATE_BELOW, confidence=1, threshold=90)),
        (reading(RAW, 90), None),
        (reading(RAW, 90, [80] * 7), None),
        (
            reading(RAW, 90, [80] * 6 + [79]),
            Unsure(Doubt.CHARACTER_BELOW, place=7, confidence=79, threshold=80),
        ),
    ],
)
def test_what_is_sure_enough_to_debit(said: Reading, doubt: Unsure | None) -> None:
    assert sure_enough(said, THRESHOLDS) == doubt


@pytest.mark.parametrize("taken", [1, 97, 100])
def test_p05_confidence_is_a_whole_number(taken: int) -> None:
    assert reading(RAW, taken).confidence == taken


@pytest.mark.parametrize("refused", [0.97, 101, 0, "97", -1, 97.0, True, float("nan"), [97]])
def test_p05_confidence_on_another_scale(refused: Any) -> None:
    with pytest.raises(ConfidenceInvalid) as error:
        reading(RAW, refused)
    assert error.value.code == "confidence-invalid"
    assert error.value.details == {"field": "confidence"}
    with pytest.raises(ConfidenceInvalid) as error:
        reading(RAW, 97, [99, refused, 99, 99, 99, 99, 99])
    assert error.value.details == {"field": "character_confidences.1"}


def test_p05_null_is_not_given_and_never_debits() -> None:
    assert reading(RAW, None).confidence is None
    assert sure_enough(reading(RAW, None), Thresholds(2, 2)) is not None
    assert reading(RAW, None).judged_by == "nothing"
    with pytest.raises(ConfidenceInvalid):
        Reading.of(plate(RAW), 97, [None] * 7)


def test_there_is_one_confidence_for_each_character() -> None:
    for characters in ([97] * 6, [97] * 8, []):
        with pytest.raises(CharacterConfidencesDiffer):
            reading(RAW, 97, characters)
    with pytest.raises(CharacterConfidencesDiffer):
        reading(None, 97, [97] * 7)
    assert reading("豫A·8B123", 97, [97] * 7).characters == (97,) * 7


@given(
    st.sampled_from(["豫A8B123", "豫a·8b123", "豫A0I234", "豫Ａ１２３４５"]), PERCENT, CHARACTERS
)
def test_normalising_makes_no_reading_surer(raw: str, sure: int, characters: list[int]) -> None:
    said = reading(raw, sure, characters)
    assert said.confidence == sure
    assert list(said.characters or ()) == characters


@given(PERCENT, CHARACTERS, st.integers(2, 100), st.integers(2, 100))
def test_debited_is_only_what_reaches_both_thresholds(
    sure: int, characters: list[int], for_plate: int, for_character: int
) -> None:
    doubt = sure_enough(reading(RAW, sure, characters), Thresholds(for_plate, for_character))
    reached = sure >= for_plate and min(characters) >= for_character
    assert (doubt is None) == reached
    if doubt is not None:
        assert doubt.confidence is not None
        assert doubt.threshold is not None
        assert doubt.confidence < doubt.threshold


def test_a_confidence_is_never_made_from_a_truth() -> None:
    assert Confidence(Confidence(97)) == 97
    assert plate(RAW).complete
