"""Bodies that carry many items, each checked and answered for itself."""

from collections.abc import Sequence
from typing import Protocol, TypeVar

from aiohttp import web
from pydantic import BaseModel, Field, ValidationError

from citybrain.errors import CitybrainError
from citybrain.http.problems import invalid, status_of
from citybrain.http.routing import Call, json_response
from commands.made_up import SimulatedHere, check_real

M = TypeVar("M", bound=BaseModel)


class Recorded(Protocol):
    """An item that is durable: `known` where it was before."""

    @property
    def known(self) -> bool: ...

    @property
    def position(self) -> int: ...


class NotRecorded(BaseModel):
    """An item that is not recorded, and why."""

    index: int = Field(description="its place in the batch, from 0")
    code: str
    detail: str
    retry: bool = Field(description="whether it may be sent again as it is")


class BatchAnswer(BaseModel):
    """What became of a batch."""

    recorded: int
    known: int
    refused: list[NotRecorded]


def parsed(
    call: Call, model: type[M], items: list[object]
) -> tuple[list[tuple[int, M]], list[NotRecorded]]:
    """The sound items of a batch with their places, and what is refused of the others."""
    settings = call.runtime.settings
    sound: list[tuple[int, M]] = []
    refused: list[NotRecorded] = []
    for index, item in enumerate(items):
        try:
            found = model.model_validate(item)
            check_real(found, settings)
            sound.append((index, found))
        except ValidationError as error:
            refused.append(refusal(index, problem_of(error)))
        except SimulatedHere as error:
            refused.append(refusal(index, error))
    return sound, refused


def problem_of(error: ValidationError) -> CitybrainError:
    """The first thing that is wrong with an item, with the member's name."""
    problem = invalid(error, "body")
    first = problem.details["errors"][0]
    member, reason = first["member"].replace("/", "."), first["reason"]
    return type(problem)(f"{member}: {reason}" if member else reason)


def refusal(index: int, error: CitybrainError) -> NotRecorded:
    """What the answer says of an item that is not recorded."""
    return NotRecorded(
        index=index, code=error.code, detail=error.message, retry=status_of(error) >= 500
    )


def answered(
    places: Sequence[int], found: Sequence[Recorded | CitybrainError], refused: list[NotRecorded]
) -> web.Response:
    """The answer to a batch: what became of the items at these places, and of those refused."""
    recorded = known = position = 0
    for index, result in zip(places, found, strict=True):
        if isinstance(result, CitybrainError):
            refused.append(refusal(index, result))
        else:
            recorded, known = recorded + (not result.known), known + result.known
            position = max(position, result.position)
    refused.sort(key=lambda refusal: refusal.index)
    answer = BatchAnswer(recorded=recorded, known=known, refused=refused)
    return json_response(answer, headers={"X-Position": str(position)})
