"""What a system takes in of device topics: a topic's name, and what is done with its messages."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from citybrain.domain.actor import Actor
from citybrain.errors import CitybrainError, InvalidInput
from citybrain.settings import Settings
from commands.made_up import SimulatedHere, check_real
from commands.services import Services

M = TypeVar("M", bound=BaseModel)

Outcome = CitybrainError | None
"""Of a message: why it was refused; None where it is durable, or was before."""


@dataclass(frozen=True, slots=True)
class Intake:
    """The messages of a topic are JSON, each as an item of `take`.

    `take` gives an outcome for each. What it raises is of all of them: they are given again.
    """

    name: str
    """The topic, behind `CITYBRAIN_INTAKE_TOPIC_PREFIX`."""

    take: Callable[[Sequence[object], Actor, Services], Awaitable[Sequence[Outcome]]]

    device: str | None = None
    """The member of a message that names who sends it; None where none does."""

    def device_of(self, item: object) -> str | None:
        """Who sends a message, as far as it says so."""
        said = item.get(self.device) if self.device is not None and isinstance(item, dict) else None
        return said if isinstance(said, str) else None


async def each_as(
    model: type[M],
    items: Sequence[object],
    settings: Settings,
    record: Callable[[list[M]], Awaitable[Sequence[object]]],
) -> list[Outcome]:
    """Check each item against a model, and record those that are sound."""
    outcomes: list[Outcome] = [None] * len(items)
    sound: dict[int, M] = {}
    for index, item in enumerate(items):
        try:
            found = model.model_validate(item)
            check_real(found, settings)
            sound[index] = found
        except ValidationError as error:
            outcomes[index] = unfit(error)
        except SimulatedHere as error:
            outcomes[index] = error
    if sound:
        results = await record(list(sound.values()))
        for index, result in zip(sound, results, strict=True):
            outcomes[index] = result if isinstance(result, CitybrainError) else None
    return outcomes


def unfit(error: ValidationError) -> InvalidInput:
    """The first thing that is wrong with a message: the member and the kind, never a value."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    member = ".".join(map(str, first["loc"]))
    return InvalidInput(f"{member}: {first['type']}" if member else first["type"])
