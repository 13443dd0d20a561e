"""Plates of made-up cars, and how cameras read them: mostly well, now and then wrongly or not.

A misread character is one that the grammar of plates calls confusable, and its own confidence is
low while the mean hides it. A province that was not seen leaves no trace in the confidence.
"""

import random
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from citybrain.definitions.loading import load
from citybrain.definitions.parking.plates import PlateDefinitions, load_plates
from citybrain.domain.parking.plate_grammar import PlateClass, PlateGrammar
from citybrain.domain.parking.plates import PlateUnreadable, read_plate

HOME, OFFICE = "豫", "A"
ELSEWHERE_SHARE, DIGIT_SHARE = 0.15, 0.8
CLASSES = {PlateClass.ORDINARY: 0.84, PlateClass.NEW_ENERGY_SMALL: 0.15, PlateClass.POLICE: 0.01}
MISREAD_SHARE, CUT_SHARE, UNREAD_SHARE, DIM_SHARE = 0.03, 0.01, 0.02, 0.03
SURE, UNSURE = (92, 99), (45, 75)


def grammar_of_now() -> PlateGrammar:
    """The grammar of plates that comes along."""
    return load((load_plates,)).of(PlateDefinitions).at(datetime.now(UTC))


def made_up_plates(number: int, grammar: PlateGrammar, chance: random.Random) -> list[str]:
    """So many plates, no two alike; most are of the city."""
    found: dict[str, None] = {}
    while len(found) < number:
        wanted = chance.choices(list(CLASSES), list(CLASSES.values()))[0]
        form = next(form for form in grammar.forms if form.plate_class is wanted)
        text = "".join(_one_of(place, chance) for place in form.places)
        if chance.random() >= ELSEWHERE_SHARE:
            text = HOME + OFFICE + text[2:]
        found[text] = None
    return list(found)


def _one_of(place: frozenset[str], chance: random.Random) -> str:
    digits = sorted(each for each in place if each.isdigit())
    return chance.choice(digits if digits and chance.random() < DIGIT_SHARE else sorted(place))


@dataclass(frozen=True, slots=True)
class Read:
    """What a camera makes of a plate; `plate` None: it was not read."""

    plate: str | None
    confidence: int | None = None
    characters: tuple[int, ...] = ()

    def members(self) -> dict[str, Any]:
        """For `POST /v1/parking/detections`."""
        if self.plate is None:
            return {}
        return {
            "plate": self.plate,
            "confidence": self.confidence,
            "character_confidences": list(self.characters),
        }


class Reader:
    """The recogniser of the cameras."""

    def __init__(self, grammar: PlateGrammar, chance: random.Random) -> None:
        self._grammar, self._chance = grammar, chance

    def read(self, plate: str) -> Read:
        """One picture of a plate."""
        draw = self._chance.random()
        if draw < UNREAD_SHARE:
            return Read(None)
        draw -= UNREAD_SHARE
        if draw < CUT_SHARE:
            return self._said(plate[1:], None)
        draw -= CUT_SHARE
        if draw < MISREAD_SHARE:
            return self._misread(plate)
        draw -= MISREAD_SHARE
        dim = self._chance.randrange(len(plate)) if draw < DIM_SHARE else None
        return self._said(plate, dim)

    def _misread(self, plate: str) -> Read:
        """One character taken for another; where that is no plate, it was not read."""
        same = self._grammar.confusable
        places = [at for at, each in enumerate(plate) if any(each in group for group in same)]
        if not places:
            return Read(None)
        at = self._chance.choice(places)
        group = next(group for group in same if plate[at] in group)
        other = self._chance.choice([each for each in group if each != plate[at]])
        text = plate[:at] + other + plate[at + 1 :]
        try:
            read_plate(text, self._grammar)
        except PlateUnreadable:
            return Read(None)
        return self._said(text, at)

    def _said(self, text: str, dim: int | None) -> Read:
        characters = [self._chance.randint(*SURE) for _ in text]
        if dim is not None:
            characters[dim] = self._chance.randint(*UNSURE)
        return Read(text, round(sum(characters) / len(characters)), tuple(characters))
