"""A plate as a value, what a camera read of it, and whether that is sure enough.

A plate is personal data: it is in no message, no `repr` and no error. Nothing is filled in by
guess: a plate whose province was not seen is incomplete, and what was not read is no plate at all.
Normalising makes no reading surer than the camera said.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from citybrain.domain.parking.plate_grammar import PlateClass, PlateForm, PlateGrammar
from citybrain.errors import InvalidInput

HOME = "CN"
DOTS = frozenset("·•‧∙⋅・.")
BLANK = ("Zs", "Cf", "Pd")
COUNTRY = re.compile(r"[A-Z]{2}")
FOREIGN_LENGTHS = range(2, 13)


class PlateUnreadable(InvalidInput):
    """This is no plate of any class. What was not read at all is null, not a text."""

    code = "plate-unreadable"


class PlateEmpty(PlateUnreadable):
    """There is nothing to read."""

    code = "plate-empty"


class PlateLength(PlateUnreadable):
    """No plate has this number of characters."""

    code = "plate-length"


class PlateCharacters(PlateUnreadable):
    """A character is on no plate; `place` counts from 1."""

    code = "plate-characters"


class PlateLetterUnused(PlateUnreadable):
    """A letter that serials never use stands where no digit can be meant; `place` from 1."""

    code = "plate-letter-unused"


class PlateFormUnknown(PlateUnreadable):
    """The characters are those of plates, in an order that no class has."""

    code = "plate-form-unknown"


class PlateCountryWrong(PlateUnreadable):
    """A country is two letters, ISO 3166-1 alpha-2."""

    code = "plate-country-wrong"


class ConfidenceInvalid(InvalidInput):
    """A confidence is a whole number from 1 to 100; `field` says which one is not."""

    code = "confidence-invalid"


class CharacterConfidencesDiffer(InvalidInput):
    """There is one confidence for each character of the plate, or none at all."""

    code = "character-confidences-differ"


class Confidence(int):
    """Percent, whole, from 1 to 100. Never made from another scale, a text or a truth."""

    def __new__(cls, value: Any, field: str = "confidence") -> "Confidence":
        """Raises `ConfidenceInvalid`."""
        if type(value) not in (int, Confidence) or not 1 <= value <= 100:
            raise ConfidenceInvalid(f"{field} is a whole number from 1 to 100", field=field)
        return super().__new__(cls, value)


@dataclass(frozen=True, slots=True)
class Plate:
    """One plate: the same where text and country are the same, however it was written.

    Not `complete`: its province was not seen, or the text may be a plate without one.
    `raw` is what was sent; `mended`: a character that cannot stand there was put right.
    `grammar` is the version that read it.
    """

    text: str = field(repr=False)
    plate_class: PlateClass = field(compare=False)
    complete: bool = field(default=True, compare=False)
    country: str = HOME
    raw: str = field(default="", repr=False, compare=False)
    mended: bool = field(default=False, compare=False)
    grammar: str = field(default="", compare=False)

    @property
    def key(self) -> str:
        """What it is found by: never the plate of another country."""
        return self.text if self.country == HOME else f"{self.country}:{self.text}"


def normalised(raw: str, grammar: PlateGrammar) -> str:
    """Half width, capitals, no blanks, dashes and dots; each character as our plates write it."""
    text = raw
    while (simpler := _simpler(text, grammar)) != text:
        text = simpler  # what was dropped may have stood between a letter and its accent
    return text


def _simpler(text: str, grammar: PlateGrammar) -> str:
    wide = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).upper())
    return "".join(
        grammar.written.get(character, character)
        for character in wide
        if character not in DOTS and unicodedata.category(character) not in BLANK
    )


def read_plate(raw: str, grammar: PlateGrammar, country: str = HOME) -> Plate:
    """The plate that a text is; raises a `PlateUnreadable`.

    Plates of other countries follow no grammar of ours: who sends one names the country.
    """
    text = normalised(raw, grammar)
    if not text:
        raise PlateEmpty("there is nothing to read: null says that it was not read")
    if country != HOME:
        return _foreign(text, raw, country, grammar)
    for found, whole, part in _readings(text, grammar):
        form = whole or part
        if form is not None:
            return Plate(
                found,
                form.plate_class,
                complete=part is None,
                raw=raw,
                mended=found != text,
                grammar=grammar.version,
            )
    raise _unreadable(text, grammar)


def _readings(
    text: str, grammar: PlateGrammar
) -> Iterator[tuple[str, PlateForm | None, PlateForm | None]]:
    """A text as it stands, then mended: its form as a whole plate, and as one without province."""
    whole, part = grammar.forms, grammar.without_province
    yield text, grammar.exact(text, whole), grammar.exact(text, part)
    for found in grammar.mended(text, (*whole, *part)):
        yield found, grammar.exact(found, whole), grammar.exact(found, part)


def _foreign(text: str, raw: str, country: str, grammar: PlateGrammar) -> Plate:
    if not COUNTRY.fullmatch(country):
        raise PlateCountryWrong("a country is two letters, ISO 3166-1 alpha-2")
    _check_characters([unicodedata.category(each)[0] in "LN" for each in text])
    if len(text) not in FOREIGN_LENGTHS:
        raise PlateLength("a plate of another country has 2 to 12 characters")
    return Plate(text, PlateClass.FOREIGN, country=country, raw=raw, grammar=grammar.version)


def _unreadable(text: str, grammar: PlateGrammar) -> PlateUnreadable:
    """Why a text is no plate. Messages say what to look at, never what was sent."""
    _check_characters([character in grammar.alphabet for character in text])
    if len(text) not in grammar.lengths:
        return PlateLength("no plate has this number of characters")
    for place, character in enumerate(text, 1):
        if character in grammar.misread:
            return PlateLetterUnused(
                f"the character at place {place} is a letter that serials never use", place=place
            )
    return PlateFormUnknown("no class of plates has its characters in this order")


def _check_characters(known: Sequence[bool]) -> None:
    if not all(known):
        place = known.index(False) + 1
        raise PlateCharacters(f"the character at place {place} is on no plate", place=place)


# --- how near two plates are ---------------------------------------------------------------


def distance(one: Plate, other: Plate) -> int:
    """How many characters have to be changed, added or left out (Levenshtein); a metric."""
    row = list(range(len(other.text) + 1))
    for at, mine in enumerate(one.text, 1):
        before, row[0] = row[0], at
        for place, theirs in enumerate(other.text, 1):
            changed = before + (mine != theirs)
            before = row[place]
            row[place] = min(changed, before + 1, row[place - 1] + 1)
    return row[-1] + (one.country != other.country)


def confusable_key(plate: Plate, grammar: PlateGrammar) -> str:
    """The same for plates that a recogniser takes for one another: to look for candidates only.

    The province is left out, because it is what is missed most; so is the order of an embassy's.
    """
    text = plate.text
    if text[0] in grammar.provinces:
        text = text[1:]
    elif plate.plate_class in (PlateClass.EMBASSY, PlateClass.CONSULATE) and text[-1].isdigit():
        text = text[1:] + text[0]
    same = grammar.representative
    return f"{plate.country}:" + "".join(same.get(character, character) for character in text)


def alike(one: Plate, other: Plate, grammar: PlateGrammar) -> bool:
    """Whether a recogniser may have taken one for the other: a candidate, never a proof."""
    return confusable_key(one, grammar) == confusable_key(other, grammar)


def completes(whole: Plate, part: Plate) -> bool:
    """Whether `whole` is the plate that `part` is without its province."""
    return (
        whole.complete
        and not part.complete
        and whole.country == part.country
        and whole.text[1:] == part.text
    )


# --- what a camera said, and whether it is enough ------------------------------------------


@dataclass(frozen=True, slots=True)
class Reading:
    """What a camera said: a plate, or None where it was not read; and how sure it was.

    None of a confidence is "not given". `characters` has one for each character of the plate.
    """

    plate: Plate | None
    confidence: Confidence | None = None
    characters: tuple[Confidence, ...] | None = None

    @classmethod
    def of(
        cls, plate: Plate | None, confidence: Any = None, characters: Sequence[Any] | None = None
    ) -> "Reading":
        """Raises `ConfidenceInvalid` or `CharacterConfidencesDiffer`."""
        sure = None if confidence is None else Confidence(confidence)
        each = None
        if characters is not None:
            each = tuple(
                Confidence(value, f"character_confidences.{place}")
                for place, value in enumerate(characters)
            )
            if plate is None or len(each) != len(plate.text):
                raise CharacterConfidencesDiffer("one confidence for each character of the plate")
        return cls(plate, sure, each)

    @property
    def judged_by(self) -> str:
        """What there is to judge by: `plate-and-characters`, `plate` alone, or `nothing`."""
        if self.plate is None or self.confidence is None:
            return "nothing"
        return "plate" if self.characters is None else "plate-and-characters"


@dataclass(frozen=True, slots=True)
class Thresholds:
    """How sure a reading is at least before anything is debited by itself."""

    plate: int
    character: int
    version: str = ""


class Doubt(StrEnum):
    """Why a reading is not sure enough."""

    NOT_READ = "plate-not-read"
    INCOMPLETE = "plate-incomplete"
    CONFIDENCE_NOT_GIVEN = "confidence-not-given"
    PLATE_BELOW = "plate-confidence-below"
    CHARACTER_BELOW = "character-confidence-below"


@dataclass(frozen=True, slots=True)
class Unsure:
    """The reason, and what was compared: `confidence < threshold`, of the character at `place`."""

    reason: Doubt
    place: int | None = None  # from 1
    confidence: int | None = None
    threshold: int | None = None


def sure_enough(reading: Reading, thresholds: Thresholds) -> Unsure | None:
    """Why nothing may be debited by this reading alone; None where it is sure enough.

    Where characters have confidences, the least sure one decides beside that of the plate: a
    mean hides it.
    """
    if reading.plate is None:
        return Unsure(Doubt.NOT_READ)
    if not reading.plate.complete:
        return Unsure(Doubt.INCOMPLETE)
    if reading.confidence is None:
        return Unsure(Doubt.CONFIDENCE_NOT_GIVEN, threshold=thresholds.plate)
    if reading.confidence < thresholds.plate:
        return Unsure(Doubt.PLATE_BELOW, confidence=reading.confidence, threshold=thresholds.plate)
    least = min(reading.characters or (), default=None)
    if least is None or least >= thresholds.character:
        return None
    assert reading.characters is not None
    return Unsure(
        Doubt.CHARACTER_BELOW,
        place=reading.characters.index(least) + 1,
        confidence=least,
        threshold=thresholds.character,
    )
