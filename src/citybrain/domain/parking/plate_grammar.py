"""Which plates exist: a grammar as data, one version of which is in force on a day.

A form is a row of places, each with the characters that can stand there; so every form can be
written out, compared with another and read back. What a city's files say becomes a `PlateGrammar`
in `citybrain.definitions.parking.plates`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property


class PlateClass(StrEnum):
    """What kind of plate it is, as far as its characters tell: blue or yellow they do not."""

    ORDINARY = "ordinary"
    NEW_ENERGY_SMALL = "new-energy-small"
    NEW_ENERGY_LARGE = "new-energy-large"
    TRAILER = "trailer"
    INSTRUCTOR = "instructor"
    POLICE = "police"
    EMERGENCY = "emergency"
    EMBASSY = "embassy"
    CONSULATE = "consulate"
    HONG_KONG = "hong-kong"
    MACAU = "macau"
    MILITARY = "military"
    ARMED_POLICE = "armed-police"
    TEMPORARY = "temporary"
    FOREIGN = "foreign"


Place = frozenset[str]
"""The characters that can stand at one place."""


@dataclass(frozen=True, slots=True)
class PlateForm:
    """One way that plates of a class are written."""

    plate_class: PlateClass
    places: tuple[Place, ...]

    def fits(self, text: str) -> bool:
        """Whether `text` is a plate of this form."""
        return len(text) == len(self.places) and all(
            character in place for character, place in zip(text, self.places, strict=True)
        )

    def mended(self, text: str, misread: Mapping[str, str]) -> str | None:
        """`text` with what is misread put right where it cannot stand; None where that is none."""
        if len(text) != len(self.places):
            return None
        found = "".join(
            character if character in place else misread.get(character, character)
            for character, place in zip(text, self.places, strict=True)
        )
        return found if self.fits(found) else None

    def overlaps(self, other: "PlateForm") -> bool:
        """Whether one text can be of both."""
        return len(self.places) == len(other.places) and all(
            mine & theirs for mine, theirs in zip(self.places, other.places, strict=True)
        )


@dataclass(frozen=True)
class PlateGrammar:
    """One version of the grammar.

    `written`: characters that are another way to write one of ours (traditional ones).
    `misread`: what is in truth another character wherever it cannot stand itself (O, I).
    `confusable`: groups of characters that recognisers take for one another.
    """

    version: str
    provinces: Place
    forms: tuple[PlateForm, ...]
    written: Mapping[str, str] = field(default_factory=dict)
    misread: Mapping[str, str] = field(default_factory=dict)
    confusable: tuple[str, ...] = ()

    @cached_property
    def without_province(self) -> tuple[PlateForm, ...]:
        """The forms that begin with a province, as they are read where it was not seen."""
        return tuple(
            PlateForm(form.plate_class, form.places[1:])
            for form in self.forms
            if form.places[0] <= self.provinces
        )

    @cached_property
    def lengths(self) -> frozenset[int]:
        """How many characters a plate can have, with its province or without."""
        return frozenset(len(form.places) for form in (*self.forms, *self.without_province))

    @cached_property
    def alphabet(self) -> frozenset[str]:
        """Every character that can be read on a plate, rightly or not."""
        return frozenset(self.misread).union(
            *(place for form in self.forms for place in form.places)
        )

    @cached_property
    def representative(self) -> Mapping[str, str]:
        """Of each confusable character the first one of its group."""
        return {character: group[0] for group in self.confusable for character in group}

    def exact(self, text: str, forms: Sequence[PlateForm]) -> PlateForm | None:
        """The form that a text has as it stands."""
        return next((form for form in forms if form.fits(text)), None)

    def mended(self, text: str, forms: Sequence[PlateForm]) -> Iterator[str]:
        """What a text is when misread characters are put right, for each form that it then has."""
        for form in forms:
            found = form.mended(text, self.misread)
            if found is not None:
                yield found
