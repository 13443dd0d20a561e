"""Members of commands of parking: what is taken, and what is refused with the member's name."""

from typing import Any

import orjson
import pytest
from pydantic import ValidationError

from citybrain.http.problems import invalid
from commands.handling import Command
from commands.parking.fields import CharacterConfidences, Confidence, PlateText


class Seen(Command):
    """What a device sends, as far as it is about a plate."""

    plate: PlateText | None = None
    confidence: Confidence | None = None
    character_confidences: CharacterConfidences | None = None


def taken(**said: Any) -> Seen:
    return Seen.model_validate(orjson.loads(orjson.dumps(said)))


def refused(**said: Any) -> list[str]:
    with pytest.raises(ValidationError) as error:
        taken(**said)
    problem = invalid(error.value, "body")
    return [found["member"] for found in problem.details["errors"]]


@pytest.mark.parametrize("confidence", [1, 97, 100, None])
def test_p05_what_is_taken(confidence: int | None) -> None:
    assert taken(confidence=confidence).confidence == confidence


@pytest.mark.parametrize("confidence", [0.97, 101, 0, "97", 97.0, True, [97], -1])
def test_p05_what_is_refused_with_the_name_of_the_member(confidence: Any) -> None:
    assert refused(confidence=confidence) == ["confidence"]
    assert refused(character_confidences=[99, confidence]) == ["character_confidences/1"]


@pytest.mark.parametrize("plate", ["", "   ", "\x00", 12345, "豫" * 33])
def test_what_cannot_be_a_plate_is_refused_before_it_is_read(plate: Any) -> None:
    assert refused(plate=plate) == ["plate"]
    assert taken(plate=None).plate is None
    assert taken(plate="豫A·12345").plate == "豫A·12345"
