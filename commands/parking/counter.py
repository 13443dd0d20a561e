"""Counts of free places: taken in one by one or by the thousand, each durable for itself.

Readings of one facility on one day are one stream: a batch appends to each once, whatever order its
items come in.
"""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

from pydantic import Field, StringConstraints

from citybrain.definitions.parking.rules import parking_rules_at
from citybrain.domain.actor import WATCHERS
from citybrain.domain.parking.counter import ParkingCounter, check_may_count, day_of, stream_of_day
from citybrain.domain.parking.occupancy import CountAnomaly, Counting, CountState, Judged, judge
from citybrain.domain.times import not_future
from citybrain.errors import CitybrainError
from citybrain.eventstore import StreamNotFound, WrongExpectedVersion
from commands.fields import Moment, Text
from commands.handling import MAX_ATTEMPTS, Command, CommandContext, TooContended
from commands.parking.detection import DeviceId
from commands.parking.fields import PlaceId
from commands.parking.places import place_book
from commands.services import Services

AT_ONCE = 64
MOST = 1_000_000_000


class ReadCounter(Command):
    """How many places of a facility are free, as its counter says."""

    device_id: DeviceId
    ref: Annotated[Text, StringConstraints(min_length=1, max_length=120)] | None = Field(
        None, description="what the device calls it: sent again, it is known"
    )
    occurred_at: Moment
    free: Annotated[int, Field(strict=True, ge=-MOST, le=MOST)] | None = Field(
        description="as it was read, also below nothing; null where the counter says nothing"
    )


class ReadFacilityCounter(ReadCounter):
    """The same with the facility."""

    facility_id: PlaceId


@dataclass(frozen=True, slots=True)
class Recorded:
    """What became of a reading: durable, or known before; and what it is worth."""

    known: bool
    position: int
    state: CountState
    anomaly: CountAnomaly | None
    off_by: int


@dataclass(frozen=True, slots=True)
class Sound:
    """A reading that may be recorded: its place in the batch, and what it is worth."""

    index: int
    occurred_at: datetime
    free: int | None
    device_id: str
    ref: str | None
    counting: Counting
    judged: Judged


Found = Recorded | CitybrainError


async def read_counter(
    command: ReadFacilityCounter, context: CommandContext, services: Services
) -> Recorded:
    """Take in one; it is durable when this returns.

    Raises `UnknownPlace`, `NotYourDevice`, `RoleNotAllowed`, `TimeOutOfOrder`,
    `CounterReadingDiffers`, `CounterRefReused`, `CounterDayFull`.
    """
    (found,) = await read_counters([command], context, services)
    if isinstance(found, CitybrainError):
        raise found
    return found


async def read_counters(
    commands: Sequence[ReadFacilityCounter], context: CommandContext, services: Services
) -> list[Found]:
    """Take in many at once: each is recorded or says why not, and costs the others nothing."""
    found: dict[int, Found] = {}
    days: defaultdict[tuple[str, str], list[Sound]] = defaultdict(list)
    book = place_book(services)
    named = {name for each in commands for name in (each.device_id, each.facility_id)}
    await book.find(named, fresh=True)
    for index, command in enumerate(commands):
        try:
            sound = await _sound(index, command, context, services)
            days[command.facility_id, day_of(sound.occurred_at)].append(sound)
        except CitybrainError as error:
            found[index] = error
    limit = asyncio.Semaphore(AT_ONCE)

    async def one(facility_id: str, day: str, sound: list[Sound]) -> None:
        async with limit:
            found.update(await record_day(facility_id, day, sound, context, services))

    await asyncio.gather(*(one(*key, sound) for key, sound in days.items()))
    return [found[index] for index in range(len(commands))]


async def _sound(
    index: int, command: ReadFacilityCounter, context: CommandContext, services: Services
) -> Sound:
    """A reading that who sends it may send, of a facility that is in use then."""
    check_may_count(context.actor, command.device_id)
    occurred_at = not_future(command.occurred_at, services.clock()).astimezone(UTC)
    book = place_book(services)
    facility = await book.facility(command.facility_id, occurred_at)
    if context.actor.has(*WATCHERS):
        await book.check_watches(command.device_id, command.facility_id, occurred_at)
    counting = Counting.of(facility, parking_rules_at(services.definitions, occurred_at))
    return Sound(
        index,
        occurred_at,
        command.free,
        command.device_id,
        command.ref,
        counting,
        judge(command.free, counting),
    )


async def record_day(
    facility_id: str, day: str, sound: Sequence[Sound], context: CommandContext, services: Services
) -> dict[int, Found]:
    """Append what is new of a facility's day; again where somebody else was faster."""
    store = services.store
    try:
        for _ in range(MAX_ATTEMPTS):
            try:
                counter = await store.load(ParkingCounter, stream_of_day(facility_id, day))
            except StreamNotFound:
                counter = ParkingCounter.open(services.clock(), place_id=facility_id, day=day)
            found = _decided(counter, sound, services.clock())
            if not any(each is True for each in found.values()):
                head = await store.head()
                return {each.index: _answer(each, found[each.index], head) for each in sound}
            try:
                saved = await store.save(counter, metadata=context.metadata())
            except WrongExpectedVersion:
                continue
            return {each.index: _answer(each, found[each.index], saved.position) for each in sound}
        raise TooContended("the counter is read too often at once; try again")
    except CitybrainError as error:
        return {each.index: error for each in sound}


def _decided(
    counter: ParkingCounter, sound: Sequence[Sound], now: datetime
) -> dict[int, bool | CitybrainError]:
    """For each reading whether it is new, or why it is refused."""
    found: dict[int, bool | CitybrainError] = {}
    for each in sound:
        try:
            found[each.index] = counter.read(
                now,
                occurred_at=each.occurred_at,
                free=each.free,
                device_id=each.device_id,
                ref=each.ref,
                judged=each.judged,
                counting=each.counting,
            )
        except CitybrainError as error:
            found[each.index] = error
    return found


def _answer(sound: Sound, decided: bool | CitybrainError, position: int) -> Found:
    if isinstance(decided, CitybrainError):
        return decided
    judged = sound.judged
    return Recorded(not decided, position, judged.state, judged.anomaly, judged.off_by)
