"""Identity documents: what kind of document, and its number in the one form that it is kept in.

Numbers of 18 characters follow GB 11643-1999 (citizens; permanent residence cards of 2023) and the
State Council's measures of 2018 (residents of Hong Kong, Macau and Taiwan, who live here): six
digits of a region, the day of birth, three of a serial, and a check character by ISO 7064 MOD 11-2.
Other documents have rules of their own. An error says what a clerk can look at, never the number.
"""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from citybrain.errors import InvalidInput


class DocumentKind(StrEnum):
    """The documents that a person can be registered by."""

    RESIDENT_CARD = "resident-identity-card"
    RESIDENCE_PERMIT = "hong-kong-macau-taiwan-residence-permit"
    HONG_KONG_MACAU_PERMIT = "hong-kong-macau-travel-permit"
    TAIWAN_PERMIT = "taiwan-travel-permit"
    PERMANENT_RESIDENCE = "permanent-residence-card"
    PASSPORT = "passport"


class DocumentWrong(InvalidInput):
    """The number cannot be one of such a document."""

    code = "document-wrong"


class DocumentNumberLength(DocumentWrong):
    """A character is missing or too many."""

    code = "document-number-length"


class DocumentNumberCharacters(DocumentWrong):
    """A character stands where the document has none of its kind."""

    code = "document-number-characters"


class DocumentNumberMistyped(DocumentWrong):
    """The check character does not fit: one character is wrong, or two changed places."""

    code = "document-number-mistyped"


class DocumentRegionUnknown(DocumentWrong):
    """The first digits are no region's."""

    code = "document-region-unknown"


class DocumentBirthDateImpossible(DocumentWrong):
    """The digits of the day of birth are no day."""

    code = "document-birth-date-impossible"


class DocumentBirthDateDiffers(DocumentWrong):
    """The day of birth in the number is another than the one given."""

    code = "document-birth-date-differs"


class DocumentOfAnotherKind(DocumentWrong):
    """This is the number of another kind of document than the one named."""

    code = "document-of-another-kind"


class DocumentKindMissing(DocumentWrong):
    """The number does not tell its kind, and nobody did."""

    code = "document-kind-missing"


class DocumentCountryMissing(DocumentWrong):
    """A passport's number is one of its country's: the country is missing."""

    code = "document-country-missing"


REGION = re.compile(  # GB/T 2260; some cities have no districts, so the county may be 00
    r"(1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5]|71)(?!00)[0-9]{4}"
)
RESIDENCE_REGIONS = frozenset(("810000", "820000", "830000"))
WEIGHTS = tuple(2 ** (17 - place) % 11 for place in range(17))
CHECK_CHARACTERS = "10X98765432"
OWN_FORM = re.compile(r"[0-9]{17}[0-9X]")
OLD_FORM = re.compile(r"[0-9]{15}")
HONG_KONG_MACAU = re.compile(r"([HM][0-9]{8})([0-9]{2})?")
TAIWAN = re.compile(r"([0-9]{8})([0-9]{2}[A-Z]?)?")
OLD_PERMANENT_RESIDENCE = re.compile(r"[A-Z]{3}[0-9]{12}")
PASSPORT = re.compile(r"(?=.*[0-9])[0-9A-Z]{5,20}")
COUNTRY = re.compile(r"[A-Z]{3}")
PUNCTUATION = frozenset("()[]./'·")


@dataclass(frozen=True, slots=True)
class IdentityDocument:
    """A document whose number has been checked, in its canonical form."""

    kind: DocumentKind
    number: str = field(repr=False)
    country: str | None = None  # ISO 3166-1 alpha-3, of a passport

    @property
    def key(self) -> str:
        """What the person is found by: a number alone where it is nobody else's."""
        if OWN_FORM.fullmatch(self.number):
            return self.number
        return ":".join((self.kind, self.country or "", self.number))

    @property
    def earlier_keys(self) -> tuple[str, ...]:
        """What the same person may be found by from when numbers were not checked."""
        if not OWN_FORM.fullmatch(self.number):
            return (self.number,)
        return (self.number[:6] + self.number[8:17],) if self.number[6:8] == "19" else ()


def plain(number: str) -> str:
    """A number in half width and capitals, without blanks, hyphens and brackets."""
    return "".join(
        character
        for character in unicodedata.normalize("NFKC", number).upper()
        if unicodedata.category(character) not in ("Pd", "Zs", "Cf", "Cc")
        and character not in PUNCTUATION
    )


def check_character(first_17: str) -> str:
    """The last character of an 18-character number (GB 11643, ISO 7064 MOD 11-2)."""
    total = sum(int(digit) * weight for digit, weight in zip(first_17, WEIGHTS, strict=True))
    return CHECK_CHARACTERS[total % 11]


def identity_document(
    number: str,
    kind: DocumentKind | None = None,
    *,
    country: str | None = None,
    born: date | None = None,
) -> IdentityDocument:
    """The document of a number as somebody wrote it; raises a `DocumentWrong`.

    Where no kind is named, the number tells it. `born` is compared with a number that has a day.
    """
    written = plain(number)
    told = kind or _kind_of(written)
    if told is DocumentKind.PASSPORT:
        return _passport(written, country)
    return IdentityDocument(told, CHECKS[told](written, born))


def canonical(number: str) -> str:
    """The canonical number where this is one that tells its kind; any other as it is."""
    try:
        return identity_document(number).number
    except DocumentWrong:
        return number


def _kind_of(written: str) -> DocumentKind:
    """Of a number of 15 or 18 characters; others do not tell."""
    if written[:3].isalpha() and len(written) == 15:
        return DocumentKind.PERMANENT_RESIDENCE
    if not written[:8].isdigit() or len(written) not in range(13, 22):
        raise DocumentKindMissing("say which document this is: its number does not tell")
    if written[:6] in RESIDENCE_REGIONS:
        return DocumentKind.RESIDENCE_PERMIT
    return DocumentKind.PERMANENT_RESIDENCE if written[0] == "9" else DocumentKind.RESIDENT_CARD


def _resident_card(written: str, born: date | None) -> str:
    if written[:6] in RESIDENCE_REGIONS:
        raise DocumentOfAnotherKind("this is the number of a residence permit")
    if OLD_FORM.fullmatch(written):
        first = f"{written[:6]}19{written[6:]}"
        written = first + check_character(first)
    _check_own_form(written, "18 characters, or 15 on a card of before 2000")
    if not REGION.fullmatch(written[:6]):
        raise DocumentRegionUnknown("the first digits of the number are no region's")
    _check_born(written[6:14], born)
    return written


def _residence_permit(written: str, born: date | None) -> str:
    _check_own_form(written, "18 characters")
    if written[:6] not in RESIDENCE_REGIONS:
        raise DocumentOfAnotherKind(
            "the number of a residence permit of somebody from Hong Kong, Macau or Taiwan begins"
            " with 810000, 820000 or 830000"
        )
    _check_born(written[6:14], born)
    return written


def _permanent_residence(written: str, born: date | None) -> str:
    """18 characters that begin with 9 since 2023; before, three letters and twelve digits."""
    if len(written) == 15:
        if not OLD_PERMANENT_RESIDENCE.fullmatch(written):
            raise DocumentNumberCharacters("the number is three letters and twelve digits")
        century = born.year // 100 if born else 20 if written[7] in "01" else 19
        _check_born(f"{century:02}{written[7:13]}", born)
        return written
    _check_own_form(written, "18 characters, or 15 on a card of before 2023")
    if written[0] != "9":
        raise DocumentOfAnotherKind("the number of a permanent residence card begins with 9")
    _check_born(written[6:14], born)
    return written


def _hong_kong_macau(written: str, born: date | None) -> str:
    """H or M and eight digits for life; two more count the issues, and are left out."""
    found = HONG_KONG_MACAU.fullmatch(written)
    if found is None:
        raise _differs(written, (9, 11), "the number is H or M and eight digits")
    return found[1]


def _taiwan(written: str, born: date | None) -> str:
    """Eight digits for life; what follows on older permits counts the issues."""
    found = TAIWAN.fullmatch(written)
    if found is None:
        raise _differs(written, (8, 10, 11), "the number is eight digits")
    return found[1]


def _passport(written: str, country: str | None) -> IdentityDocument:
    if country is None or not COUNTRY.fullmatch(issued_by := plain(country)):
        raise DocumentCountryMissing(
            "a passport needs the country that issued it, in three letters, as it is printed"
        )
    if not PASSPORT.fullmatch(written):
        raise _differs(written, range(5, 21), "a passport's number is letters and digits")
    return IdentityDocument(DocumentKind.PASSPORT, written, issued_by)


def _check_own_form(written: str, length: str) -> None:
    if len(written) != 18:
        raise DocumentNumberLength(f"the number has {length}")
    if not OWN_FORM.fullmatch(written):
        raise DocumentNumberCharacters("the number is 17 digits, and a digit or X")
    if check_character(written[:17]) != written[17]:
        raise DocumentNumberMistyped("the last character does not fit the others: compare them all")


def _check_born(digits: str, born: date | None) -> None:
    """`digits` are a year, a month and a day."""
    try:
        said = date(int(digits[:4]), int(digits[4:6]), int(digits[6:8]))
    except ValueError:
        raise DocumentBirthDateImpossible("the day of birth in the number is no day") from None
    if born is not None and said != born:
        raise DocumentBirthDateDiffers(
            "the day of birth in the number is another than the one given"
        )


def _differs(written: str, lengths: "tuple[int, ...] | range", form: str) -> DocumentWrong:
    if len(written) not in lengths:
        return DocumentNumberLength(f"characters are missing or too many: {form}")
    return DocumentNumberCharacters(form)


CHECKS: dict[DocumentKind, Callable[[str, date | None], str]] = {
    DocumentKind.RESIDENT_CARD: _resident_card,
    DocumentKind.RESIDENCE_PERMIT: _residence_permit,
    DocumentKind.HONG_KONG_MACAU_PERMIT: _hong_kong_macau,
    DocumentKind.TAIWAN_PERMIT: _taiwan,
    DocumentKind.PERMANENT_RESIDENCE: _permanent_residence,
}
