"""Identity documents: which numbers are one person's, and which can be nobody's."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citybrain.domain.citizens import documents
from citybrain.domain.citizens.documents import (
    CHECK_CHARACTERS,
    DocumentKind,
    DocumentWrong,
    IdentityDocument,
    canonical,
    check_character,
    identity_document,
)
from ops.simulators.applications.identity_numbers import (
    A_REGION,
    REGIONS,
    identity_number,
    spouse_of,
)

BORN = date(1990, 5, 1)
IN_THE_STANDARD = "11010519491231002X"  # the example of GB 11643-1999
NUMBERS = st.builds(
    identity_number,
    st.dates(date(1900, 1, 1), date(2030, 12, 31)),
    st.integers(0, 10**9),
    circumstance=st.integers(0, 9),
    spouse=st.booleans(),
)
Kind = DocumentKind


def number_in(region: str) -> str:
    """A number that fits but for its region."""
    first = f"{region}19900501123"
    return first + check_character(first)


def wrong(number: str, kind: Kind | None = None, born: date | None = BORN) -> DocumentWrong:
    with pytest.raises(DocumentWrong) as refused:
        identity_document(number, kind, born=born)
    assert len(number) < 5 or number not in str(refused.value)
    assert refused.value.details == {}
    return refused.value


def test_the_example_of_the_standard_is_valid() -> None:
    found = identity_document(IN_THE_STANDARD, born=date(1949, 12, 31))
    assert found == IdentityDocument(Kind.RESIDENT_CARD, IN_THE_STANDARD)
    assert IN_THE_STANDARD not in repr(found)


@pytest.mark.parametrize(
    "written",
    [
        "11010519491231002x",
        "１１０１０５１９４９１２３１００２Ｘ",
        "110105-19491231-002X",
        " 110105 19491231\u3000002x\u200b",
        "110105—19491231—002ｘ",
        "110105491231002",
        "１１０１０５４９１２３１００２",
    ],
)
def test_one_person_has_one_number_however_it_is_written(written: str) -> None:
    found = identity_document(written, born=date(1949, 12, 31))
    assert (found.number, found.key) == (IN_THE_STANDARD, IN_THE_STANDARD)


def test_who_was_registered_with_fifteen_digits_is_found_with_eighteen() -> None:
    assert identity_document(IN_THE_STANDARD).earlier_keys == ("110105491231002",)
    assert identity_document(identity_number(date(2001, 1, 1))).earlier_keys == ()


@given(NUMBERS, st.integers(0, 17), st.sampled_from("0123456789X"))
def test_one_wrong_character_is_always_seen(number: str, place: int, other: str) -> None:
    changed = number[:place] + other + number[place + 1 :]
    if changed != number:
        wrong(changed, Kind.RESIDENT_CARD, None)


@given(NUMBERS, st.integers(0, 16))
def test_two_characters_that_changed_places_are_always_seen(number: str, place: int) -> None:
    first, second = number[place], number[place + 1]
    if first != second:
        wrong(number[:place] + second + first + number[place + 2 :], Kind.RESIDENT_CARD, None)


@given(NUMBERS)
def test_made_up_numbers_are_valid_and_canonical(number: str) -> None:
    born = date.fromisoformat(number[6:14])
    assert identity_document(number, born=born).number == number == canonical(number)
    assert number[17] in CHECK_CHARACTERS
    assert spouse_of(spouse_of(number)) == number


@pytest.mark.parametrize(
    ("number", "kind", "code"),
    [
        ("41010219900501123", None, "document-number-length"),
        ("4101021990050112311", None, "document-number-length"),
        ("410102199005011232", None, "document-number-mistyped"),
        ("4101021990050112A1", None, "document-number-characters"),
        ("٤١٠١٠٢١٩٩٠٠٥٠١١٢٣١", Kind.RESIDENT_CARD, "document-number-characters"),
        (number_in("990102"), Kind.RESIDENT_CARD, "document-region-unknown"),
        (number_in("000000"), None, "document-region-unknown"),
        (number_in("410002"), None, "document-region-unknown"),
        ("41010299023012" + "3", None, "document-birth-date-impossible"),
        (identity_number(date(1980, 5, 1)), None, "document-birth-date-differs"),
        (number_in("830000"), Kind.RESIDENT_CARD, "document-of-another-kind"),
        (number_in("410102"), Kind.RESIDENCE_PERMIT, "document-of-another-kind"),
        (number_in("410102"), Kind.PERMANENT_RESIDENCE, "document-of-another-kind"),
        ("H12345678", None, "document-kind-missing"),
        ("E12345678", None, "document-kind-missing"),
        ("-", None, "document-kind-missing"),
        ("", Kind.RESIDENT_CARD, "document-number-length"),
        ("H1234567", Kind.HONG_KONG_MACAU_PERMIT, "document-number-length"),
        ("K12345678", Kind.HONG_KONG_MACAU_PERMIT, "document-number-characters"),
        ("1234567", Kind.TAIWAN_PERMIT, "document-number-length"),
        ("1234567A", Kind.TAIWAN_PERMIT, "document-number-characters"),
        ("DEU110080050100", Kind.PERMANENT_RESIDENCE, "document-birth-date-differs"),
        ("E12345678", Kind.PASSPORT, "document-country-missing"),
    ],
)
def test_what_is_wrong_has_a_name_that_a_clerk_can_act_on(
    number: str, kind: Kind | None, code: str
) -> None:
    assert wrong(number, kind).code == code


def test_other_documents_have_rules_of_their_own() -> None:
    def key(number: str, kind: Kind, country: str | None = None) -> str:
        return identity_document(number, kind, country=country, born=BORN).key

    for region in ("810000", "820000", "830000"):
        number = number_in(region)
        assert key(number, Kind.RESIDENCE_PERMIT) == number
        assert identity_document(number, born=BORN).kind is Kind.RESIDENCE_PERMIT
    card = number_in("911276")
    assert identity_document(card, born=BORN).kind is Kind.PERMANENT_RESIDENCE
    before = identity_document("deu 110090050100", born=BORN)
    assert before.key == "permanent-residence-card::DEU110090050100"

    permit = "hong-kong-macau-travel-permit::H12345678"
    assert key("h1234567801", Kind.HONG_KONG_MACAU_PERMIT) == permit
    assert key("Ｈ１２３４５６７８", Kind.HONG_KONG_MACAU_PERMIT) == permit
    assert key("12345678", Kind.TAIWAN_PERMIT) == key("1234567801(B)", Kind.TAIWAN_PERMIT)


def test_two_countries_may_give_one_passport_number_to_two_people() -> None:
    one = identity_document("c01x00t47", Kind.PASSPORT, country="deu")
    other = identity_document("C01X00T47", Kind.PASSPORT, country="FRA")
    assert (one.number, other.number) == ("C01X00T47", "C01X00T47")
    assert one.key != other.key


def test_unchecked_numbers_of_before_stay_as_they_are() -> None:
    for number in ("410102199005011232", "E12345678", "4101abc"):
        assert canonical(number) == number


def test_made_up_people_are_many() -> None:
    step = 10_007
    serials = range(0, A_REGION * REGIONS, step)
    made = {
        identity_number(BORN, serial, circumstance=circumstance, spouse=spouse)
        for serial in serials
        for circumstance in (0, 7)
        for spouse in (False, True)
    }
    assert len(made) == 4 * len(serials)
    assert identity_number(BORN)[:6] == "410102"
    assert documents.plain(" - ") == ""
