"""The types of members that commands of parking share."""

from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from citybrain.domain.money import MOST_FEN
from citybrain.errors import InvalidInput
from commands.fields import seen

PlateText = Annotated[
    str,
    StringConstraints(min_length=1, max_length=32, pattern=r"^[^\x00]*$"),
    AfterValidator(seen),
    Field(description="as it was read; width, case, blanks and dots do not matter"),
]
"""A plate as somebody wrote or read it; null where it was not read."""

PlateCountry = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Z]{2}$"),
    Field(description="who issued the plate, ISO 3166-1 alpha-2"),
]

Confidence = Annotated[
    int, Field(strict=True, ge=1, le=100, description="percent, a whole number; null: not given")
]

CharacterConfidences = Annotated[
    list[Confidence], Field(min_length=1, max_length=32, description="one for each character")
]

PlaceId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:-]{0,159}$")]
"""What a city calls a place."""

AmountFen = Annotated[int, Field(strict=True, gt=0, le=MOST_FEN, description="whole fen")]


class PlateIncomplete(InvalidInput):
    """Whoever says what a plate is, or binds one, says the whole plate."""

    code = "plate-not-whole"
