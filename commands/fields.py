"""The types of members that commands share: what is taken, how long it may be."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, Field, StringConstraints
from pydantic_core import PydanticCustomError

from citybrain.definitions.yaml_file import Code as Code
from citybrain.domain.texts import says_something


def seen(text: str) -> str:
    """The text, where there is anything to see."""
    if not says_something(text):
        raise PydanticCustomError("nothing_to_see", "there is nothing to see")
    return text


EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
LATEST = datetime(9999, 1, 1, tzinfo=UTC)

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Text = Annotated[str, StringConstraints(max_length=2000, pattern=r"^[^\x00]*$")]
LongText = Annotated[str, StringConstraints(max_length=4000, pattern=r"^[^\x00]*$")]
Prose = Annotated[
    str,
    StringConstraints(min_length=1, max_length=2000, pattern=r"^[^\x00]*$"),
    AfterValidator(seen),
]
"""What somebody writes to somebody."""
Moment = Annotated[AwareDatetime, Field(ge=EARLIEST, le=LATEST)]
Latitude = Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False, description="WGS-84 degrees")]
Longitude = Annotated[
    float, Field(ge=-180, le=180, allow_inf_nan=False, description="WGS-84 degrees")
]
