"""What a person is registered with, as commands take it."""

from typing import Annotated

from pydantic import AfterValidator, StringConstraints

from commands.fields import Day as Day
from commands.fields import seen

Name = Annotated[
    str,
    StringConstraints(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$"),
    AfterValidator(seen),
]
Phone = Annotated[str, StringConstraints(pattern=r"^\+?[0-9][0-9 -]{4,30}$")]
