"""Plates of the grammar that comes along."""

from collections.abc import Sequence
from datetime import UTC, datetime

from hypothesis import strategies as st

from citybrain.definitions.parking.plates import PlateDefinitions, PlateReadingDefinitions
from citybrain.domain.parking.plate_grammar import PlateClass
from citybrain.domain.parking.plates import HOME, Plate, Reading, read_plate
from tests.given.services import DEFINITIONS

AT = datetime(2026, 9, 14, 2, tzinfo=UTC)
GRAMMAR = DEFINITIONS.of(PlateDefinitions).at(AT)
THRESHOLDS = DEFINITIONS.of(PlateReadingDefinitions).thresholds(AT)


def plate(raw: str, country: str = HOME) -> Plate:
    """A plate, as the grammar of 2018 reads it."""
    return read_plate(raw, GRAMMAR, country)


def reading(
    raw: str | None, confidence: object = 97, characters: Sequence[int] | None = None
) -> Reading:
    """What a camera says."""
    return Reading.of(None if raw is None else plate(raw), confidence, characters)


def texts(*classes: PlateClass) -> st.SearchStrategy[tuple[PlateClass, str]]:
    """Plates of these classes, or of all, with their class: every form, every character."""
    forms = [form for form in GRAMMAR.forms if not classes or form.plate_class in classes]
    return st.sampled_from(forms).flatmap(
        lambda form: st.tuples(
            st.just(form.plate_class),
            st.tuples(*(st.sampled_from(sorted(place)) for place in form.places)).map("".join),
        )
    )


def plates() -> st.SearchStrategy[Plate]:
    """Plates of all classes, and some without their province."""
    return st.tuples(texts(), st.booleans()).map(_cut)


def _cut(drawn: tuple[tuple[PlateClass, str], bool]) -> Plate:
    (_, text), cut = drawn
    return plate(text[1:] if cut and text[0] in GRAMMAR.provinces else text)
