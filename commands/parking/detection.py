"""Signs of places: taken in one by one or by the thousand, each durable for itself.

The plate is read by the grammar of its day and sealed before anything is written. What the signs
come to is worked out afterwards, from all of them: see `processes/sessions.py`.
"""

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from citybrain.definitions.parking.plates import grammar_at
from citybrain.domain.parking.barrier import Way
from citybrain.domain.parking.detection import (
    OF_A_DEVICE,
    OF_A_GATE,
    ParkingDetection,
    check_may_say,
)
from citybrain.domain.parking.plates import Plate, Reading, read_plate
from citybrain.domain.parking.presence import Sign
from citybrain.domain.times import not_future
from citybrain.errors import CitybrainError, Refused
from citybrain.eventstore import NO_STREAM, NewEvent, WrongExpectedVersion
from citybrain.eventstore.codec import mapper
from commands.fields import Flag, Moment, Sha256, Text
from commands.handling import Command, CommandContext
from commands.parking.fields import (
    CharacterConfidences,
    Confidence,
    PlaceId,
    PlateCountry,
    PlateText,
)
from commands.parking.places import place_book
from commands.parking.plates import PlateKeeper
from commands.services import Services

DeviceId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:-]{0,99}$")]


class ParkingDetectionRefReused(Refused):
    """The device has used this reference for something else."""

    code = "parking-detection-ref-reused"


class SeenByADevice(Command):
    """What all that a device says has in common; a plate where one was read."""

    device_id: DeviceId
    ref: Annotated[Text, StringConstraints(min_length=1, max_length=120)] = Field(
        description="what the device calls it: sent again, it is known"
    )
    occurred_at: Moment
    plate: PlateText | None = Field(None, description="null: it was not read")
    plate_country: PlateCountry = "CN"
    confidence: Confidence | None = None
    character_confidences: CharacterConfidences | None = None
    evidence_sha256: list[Sha256] = Field(default_factory=list, max_length=20)
    opening: Annotated[Text, StringConstraints(max_length=120)] | None = Field(
        None, description="the opening of the barrier during which it passed"
    )
    simulated: Flag = False


class RecordParkingDetection(SeenByADevice):
    """What a device saw of a place, or says of itself."""

    sign: Sign = Field(description="lost and restored are of the device, all others of a place")
    place_id: PlaceId | None = Field(None, description="the berth or the facility")
    cause: Literal["barrier-fault", "queue"] | None = Field(
        None, description="of a way out that is blocked: what blocks it"
    )
    vehicles: int | None = Field(
        None, strict=True, ge=0, le=100, description="so many a loop counted during the opening"
    )
    way: Way | None = Field(
        None, description="of what a loop counted: which way they went; out where it is left out"
    )

    @model_validator(mode="after")
    def _fits(self) -> "RecordParkingDetection":
        if (self.place_id is None) != (self.sign in OF_A_DEVICE):
            raise PydanticCustomError(
                "sign_of_a_place", "lost and restored name no place, all other signs one"
            )
        if self.plate is None and (self.confidence or self.character_confidences):
            raise PydanticCustomError("confidence_of_a_plate", "a confidence is of a plate")
        if (self.cause is None) is (self.sign is Sign.BLOCKED):
            raise PydanticCustomError(
                "cause_of_a_way_out",
                "a way out that is blocked says by what, and nothing else does",
            )
        if self.plate is not None and self.sign in OF_A_GATE:
            raise PydanticCustomError("way_out_of_nobody", "this is said of no vehicle")
        if (self.vehicles is not None and self.opening is not None) is not (
            self.sign is Sign.COUNTED
        ):
            raise PydanticCustomError(
                "counted_of_an_opening", "a loop says how many it counted, during which opening"
            )
        if self.way is not None and self.sign is not Sign.COUNTED:
            raise PydanticCustomError("way_of_a_count", "a way is of what a loop counted")
        return self


@dataclass(frozen=True, slots=True)
class Recorded:
    """What became of a sign: durable under its id, or known before."""

    detection_id: str
    known: bool
    position: int


def detection_id_of(source: str, ref: str) -> str:
    """The same device, or publisher, and reference have the same id, whatever else is said."""
    digest = hashlib.sha256(f"{source}\0{ref}".encode()).digest()
    return ParkingDetection.new_id(0, digest[:10])


async def record_detections(
    commands: Sequence[RecordParkingDetection],
    context: CommandContext,
    services: Services,
    publisher: str | None = None,
) -> list[Recorded | CitybrainError]:
    """Take in many at once: each is recorded or says why not, and costs the others nothing.

    `publisher`: whose references they are, where they are not each device's own.
    """
    found: list[Recorded | CitybrainError | None] = [None] * len(commands)
    read: list[tuple[int, Reading]] = []
    book = place_book(services)
    named = {name for each in commands for name in (each.device_id, each.place_id)}
    await book.find((name for name in named if name is not None), fresh=True)
    for index, command in enumerate(commands):
        try:
            reading = _reading(command, context, services)
            if command.place_id is not None:
                await book.check_watches(command.device_id, command.place_id, command.occurred_at)
            read.append((index, reading))
        except CitybrainError as error:
            found[index] = error
    plates = [reading.plate for _, reading in read if reading.plate is not None]
    sealed = iter(await PlateKeeper(services).seal_many(plates))

    async def one(index: int, plate: dict[str, Any] | None) -> None:
        try:
            source = publisher or commands[index].device_id
            found[index] = await _record(commands[index], source, plate, context, services)
        except CitybrainError as error:
            found[index] = error

    await asyncio.gather(
        *(
            one(index, None if reading.plate is None else next(sealed).members())
            for index, reading in read
        )
    )
    return [each for each in found if each is not None]


async def record_detection(
    command: RecordParkingDetection, context: CommandContext, services: Services
) -> Recorded:
    """Take in one; it is durable when this returns.

    Raises a `PlateUnreadable`, `CharacterConfidencesDiffer`, `TimeOutOfOrder`, `NotYourDevice`,
    `RoleNotAllowed`, `ParkingDetectionRefReused`.
    """
    (found,) = await record_detections([command], context, services)
    if isinstance(found, CitybrainError):
        raise found
    return found


def _reading(
    command: RecordParkingDetection, context: CommandContext, services: Services
) -> Reading:
    """What was read, checked before anything is sealed for it."""
    check_may_say(context.actor, command.device_id)
    at = not_future(command.occurred_at, services.clock())
    plate: Plate | None = None
    if command.plate is not None:
        grammar = grammar_at(services.definitions, at)
        plate = read_plate(command.plate, grammar, command.plate_country)
    return Reading.of(plate, command.confidence, command.character_confidences)


async def _record(
    command: RecordParkingDetection,
    source: str,
    plate: dict[str, Any] | None,
    context: CommandContext,
    services: Services,
) -> Recorded:
    detection = ParkingDetection.record(
        services.clock(),
        detection_id=detection_id_of(source, command.ref),
        device_id=command.device_id,
        ref=command.ref,
        sign=command.sign.value,
        place_id=command.place_id,
        occurred_at=command.occurred_at,
        plate=plate,
        confidence=command.confidence,
        characters=command.character_confidences,
        evidence_sha256=command.evidence_sha256,
        opening=command.opening,
        by_hand=False,
        reason=command.cause or "",
        vehicles=command.vehicles,
        way=None if command.way is None else command.way.value,
        simulated=command.simulated,
    )
    return await keep_detection(detection, context, services)


async def keep_detection(
    detection: ParkingDetection, context: CommandContext, services: Services
) -> Recorded:
    """Write it down, unless it was before; raises `ParkingDetectionRefReused`."""
    stored = mapper().to_stored_event(detection.pending_events[0])
    try:  # not kept in the cache of aggregates: hardly any is changed later
        appended = await services.store.append(
            detection.id,
            NO_STREAM,
            [NewEvent(stored.topic, stored.state)],
            metadata=context.metadata(),
        )
    except WrongExpectedVersion:
        return await _known(detection, services)
    return Recorded(detection.id, False, appended.position)


SAME = (
    "device_id",
    "sign",
    "place_id",
    "occurred_at",
    "confidence",
    "characters",
    "opening",
    "evidence_sha256",
    "reason",
    "vehicles",
    "way",
    "simulated",
)


async def _known(detection: ParkingDetection, services: Services) -> Recorded:
    """One that was taken in before; raises where it is not the same."""
    known = await services.store.load(ParkingDetection, detection.id)
    plates = [None if each.plate is None else each.plate["plate_id"] for each in (known, detection)]
    whole = known.plate is None or known.plate["plate_complete"]
    if any(getattr(known, name) != getattr(detection, name) for name in SAME) or (
        whole and plates[0] != plates[1]
    ):
        raise ParkingDetectionRefReused("the device has used this reference for something else")
    (first,) = await services.store.read(detection.id, limit=1)
    return Recorded(detection.id, True, first.position)
