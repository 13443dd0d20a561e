"""Plates: which there are, what is refused, and how near one is to another."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citybrain.domain.parking.plate_grammar import PlateClass
from citybrain.domain.parking.plates import (
    Plate,
    PlateCharacters,
    PlateCountryWrong,
    PlateEmpty,
    PlateFormUnknown,
    PlateLength,
    PlateLetterUnused,
    PlateUnreadable,
    alike,
    completes,
    confusable_key,
    distance,
    normalised,
)
from tests.given.parking.plates import GRAMMAR, plate, plates, texts

BATCH = {
    "豫AD12345": (PlateClass.NEW_ENERGY_SMALL, "豫AD12345"),
    "豫AB12345": (PlateClass.NEW_ENERGY_SMALL, "豫AB12345"),
    "豫AGP1234": (PlateClass.NEW_ENERGY_SMALL, "豫AGP1234"),
    "豫A12345K": (PlateClass.NEW_ENERGY_LARGE, "豫A12345K"),
    "豫A12345": (PlateClass.ORDINARY, "豫A12345"),
    "豫A1234挂": (PlateClass.TRAILER, "豫A1234挂"),
    "豫A1234学": (PlateClass.INSTRUCTOR, "豫A1234学"),
    "豫A1234警": (PlateClass.POLICE, "豫A1234警"),
    "粤Z1234港": (PlateClass.HONG_KONG, "粤Z1234港"),
    "使014578": (PlateClass.EMBASSY, "使014578"),
    "014578使": (PlateClass.EMBASSY, "014578使"),
    "豫A12O45": (PlateClass.ORDINARY, "豫A12045"),
    "豫A·12345": (PlateClass.ORDINARY, "豫A12345"),
    "豫Ａ１２３４５": (PlateClass.ORDINARY, "豫A12345"),
    "豫ad12345": (PlateClass.NEW_ENERGY_SMALL, "豫AD12345"),
}
OTHERS = {
    "沪A0023领": PlateClass.CONSULATE,
    "京00101领": PlateClass.CONSULATE,
    "领001234": PlateClass.CONSULATE,
    "粤Z1234澳": PlateClass.MACAU,
    "川X0001应急": PlateClass.EMERGENCY,
    "WJ豫1234X": PlateClass.ARMED_POLICE,
    "VT12345": PlateClass.MILITARY,
    "豫A1234临": PlateClass.TEMPORARY,
    "豫A1234試": PlateClass.TEMPORARY,
    "豫A1234學": PlateClass.INSTRUCTOR,
}


@pytest.mark.parametrize("raw", BATCH)
def test_p02_which_plates_exist(raw: str) -> None:
    found = plate(raw)
    assert (found.plate_class, found.text) == BATCH[raw]
    assert found.complete
    assert found.raw == raw
    assert found.mended == ("O" in raw)
    assert found.grammar.startswith("2018-05-01+")


@pytest.mark.parametrize(
    ("raw", "refusal", "code"),
    [
        ("豫AI12345", PlateLetterUnused, "plate-letter-unused"),
        ("豫AL12345", PlateFormUnknown, "plate-form-unknown"),
        ("豫AH123456", PlateLength, "plate-length"),
        ("豫O12345", PlateLetterUnused, "plate-letter-unused"),
        ("豫I2345Z", PlateLetterUnused, "plate-letter-unused"),
        ("默A00000", PlateCharacters, "plate-characters"),
        ("?A52K17", PlateCharacters, "plate-characters"),
        ("豫A5?K17", PlateCharacters, "plate-characters"),
        ("豫A\x0052K17", PlateCharacters, "plate-characters"),
        ("未识别", PlateCharacters, "plate-characters"),
        ("豫A123", PlateLength, "plate-length"),
        ("豫A1234", PlateFormUnknown, "plate-form-unknown"),
        ("52K17", PlateLength, "plate-length"),
        ("12345豫A", PlateFormUnknown, "plate-form-unknown"),
        (" · ", PlateEmpty, "plate-empty"),
        ("", PlateEmpty, "plate-empty"),
    ],
)
def test_p02_what_is_no_plate_has_a_code(
    raw: str, refusal: type[PlateUnreadable], code: str
) -> None:
    with pytest.raises(refusal) as refused:
        plate(raw)
    assert refused.value.code == code
    assert normalised(raw, GRAMMAR)[:3] not in refused.value.message or not raw.strip(" ·")


@pytest.mark.parametrize("raw", OTHERS)
def test_other_classes(raw: str) -> None:
    assert plate(raw).plate_class is OTHERS[raw]


def test_p03_the_province_is_missing() -> None:
    part, whole = plate("A52K17"), plate("豫A52K17")
    assert (part.text, part.complete, part.plate_class) == ("A52K17", False, PlateClass.ORDINARY)
    assert completes(whole, part)
    assert not completes(part, part)
    assert not completes(part, whole)
    assert not completes(whole, plate("豫A52K17"))
    assert not completes(plate("豫A52K11"), part)
    for other in ("鲁A52K17", "冀A52K17"):  # three people: candidates of one key, never one plate
        assert completes(plate(other), part)
        assert plate(other) != whole
    assert plate("A52K17") != whole


def test_p03_a_plate_that_may_lack_a_province_is_not_complete() -> None:
    doubtful = plate("BA12345")
    assert (doubtful.plate_class, doubtful.complete) == (PlateClass.MILITARY, False)
    assert completes(plate("豫BA12345"), doubtful)
    assert plate("VT12345").complete


@pytest.mark.parametrize(
    ("read", "text"),
    [("豫A0I234", "豫A01234"), ("豫A0１234", "豫A01234"), ("使O14578", "使014578")],
)
def test_p52_a_letter_that_serials_never_use_is_its_digit(read: str, text: str) -> None:
    assert plate(read) == plate(text)
    assert plate(read).raw == read


def test_p07_one_character_off_is_a_distance_of_one() -> None:
    session, paid = plate("豫A6C318"), plate("豫A6C316")
    assert distance(session, paid) == 1
    assert not alike(session, paid, GRAMMAR)  # nobody takes 8 for 6
    assert distance(session, plate("豫A6C3I8")) == 0
    assert distance(session, plate("A6C318")) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("豫A8B123", "豫A88123"),
        ("豫A0D1Z3", "豫AQ0123"),
        ("豫A52K17", "A52K17"),
        ("豫A52K17", "鲁A52K17"),
        ("使014578", "014578使"),
        ("豫A5G123", "豫AS6123"),
    ],
)
def test_confusable_plates_are_candidates_of_one_another(one: str, other: str) -> None:
    assert alike(plate(one), plate(other), GRAMMAR)


def test_plates_of_other_countries_are_those_of_a_named_country() -> None:
    german = plate("b·ab 1234", "DE")
    assert (german.text, german.plate_class, german.key) == ("BAB1234", "foreign", "DE:BAB1234")
    assert german != plate("BAB1234", "FR")
    assert distance(german, plate("BAB1234", "FR")) == 1
    assert german != plate("BAB1234")  # of ours, without its province
    with pytest.raises(PlateCountryWrong):
        plate("BAB1234", "Germany")
    with pytest.raises(PlateCharacters):
        plate("BA?1234", "DE")
    for raw in ("B", "B123456789012"):
        with pytest.raises(PlateLength):
            plate(raw, "DE")


def test_a_plate_is_in_no_repr() -> None:
    shown = repr(plate("豫A·52K17"))
    assert "52K17" not in shown
    assert "豫" not in shown


# --- what always holds -------------------------------------------------------------------


@given(texts())
def test_every_plate_of_the_grammar_is_read_as_its_class(drawn: tuple[PlateClass, str]) -> None:
    plate_class, text = drawn
    found = plate(text)
    assert (found.plate_class, found.text, found.mended) == (plate_class, text, False)
    lacking = GRAMMAR.exact(text, GRAMMAR.without_province) is not None
    assert found.complete != lacking


@given(plates())
def test_reading_a_plate_again_changes_nothing(found: Plate) -> None:
    assert plate(found.text) == found
    assert plate(found.text).complete == found.complete


@given(st.text())
def test_normalising_twice_is_normalising_once(raw: str) -> None:
    once = normalised(raw, GRAMMAR)
    assert normalised(once, GRAMMAR) == once


@given(st.text(alphabet=sorted(GRAMMAR.alphabet), max_size=10))
def test_any_text_is_a_plate_or_a_refusal_without_it(raw: str) -> None:
    try:
        found = plate(raw)
    except PlateUnreadable as refused:
        said = f"{refused.message}{refused.details}"
    else:
        said = repr(found)
        assert len(found.text) == len(raw)
        assert plate(found.text) == found
    assert len(raw) < 3 or raw not in said


@given(texts(PlateClass.ORDINARY, PlateClass.NEW_ENERGY_SMALL), st.sampled_from("·.- •　"))
def test_however_it_is_written_it_is_the_same_plate(
    drawn: tuple[PlateClass, str], separator: str
) -> None:
    _, text = drawn
    wide = "".join(chr(ord(each) + 0xFEE0) if each.isascii() else each for each in text)
    for raw in (text.lower(), wide, f" {text[:2]}{separator}{text[2:]} "):
        assert plate(raw) == plate(text)


@given(plates(), plates(), plates())
def test_distance_is_a_metric(one: Plate, other: Plate, third: Plate) -> None:
    assert distance(one, one) == 0
    assert (distance(one, other) == 0) == (one == other)
    assert distance(one, other) == distance(other, one)
    assert distance(one, third) <= distance(one, other) + distance(other, third)


@given(texts())
def test_what_completes_a_plate_is_a_candidate_for_it(drawn: tuple[PlateClass, str]) -> None:
    _, text = drawn
    whole = plate(text)
    if text[0] in GRAMMAR.provinces:
        part = plate(text[1:])
        assert not part.complete
        assert completes(whole, part)
        assert confusable_key(part, GRAMMAR) == confusable_key(whole, GRAMMAR)
