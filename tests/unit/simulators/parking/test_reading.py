"""Made-up plates exist by the grammar; what is misread is another plate that could be one."""

import random
from collections import Counter

from citybrain.domain.parking.plate_grammar import PlateClass
from citybrain.domain.parking.plates import Plate, Reading, alike, completes, read_plate
from citybrain.domain.parking.plates import sure_enough as sure
from ops.simulators.parking.reading import Reader, grammar_of_now, made_up_plates
from tests.given.parking.plates import THRESHOLDS

GRAMMAR = grammar_of_now()
PLATES = made_up_plates(200, GRAMMAR, random.Random(1))


def plate(text: str) -> Plate:
    return read_plate(text, GRAMMAR)


def test_made_up_plates_exist_and_no_two_are_alike() -> None:
    assert len(set(PLATES)) == 200
    assert made_up_plates(200, GRAMMAR, random.Random(1)) == PLATES
    found = [plate(text) for text in PLATES]
    assert all(each.complete and not each.mended for each in found)
    assert {PlateClass.ORDINARY, PlateClass.NEW_ENERGY_SMALL} <= {
        each.plate_class for each in found
    }


def test_cameras_read_most_plates_and_say_of_the_others_how_sure_they_are() -> None:
    reader = Reader(GRAMMAR, random.Random(1))
    found: Counter[str] = Counter()
    for text in PLATES * 20:
        read = reader.read(text)
        if read.plate is None:
            assert read.members() == {}
            found["not read"] += 1
            continue
        seen, true = plate(read.plate), plate(text)
        doubt = sure(Reading.of(seen, read.confidence, read.characters), THRESHOLDS)
        if read.plate == text:
            found["right" if doubt is None else "dim"] += 1
        elif completes(true, seen):
            found["cut"] += 1
        else:
            assert alike(true, seen, GRAMMAR)
            assert doubt is not None
            found["misread"] += 1
    assert set(found) == {"right", "dim", "cut", "misread", "not read"}
    assert 0.85 < found["right"] / (len(PLATES) * 20) < 0.97
