"""Events that clients push (1.1): each for itself, once by its id, and taken in as detections."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal
from uuid import UUID, uuid4

import orjson
from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from citybrain.domain.parking.place import DeviceType, PlaceKind
from citybrain.domain.parking.presence import Sign
from citybrain.errors import CitybrainError
from citybrain.http.batches import problem_of
from citybrain.http.bodies import body_place, read_body
from citybrain.http.parking.cds.asking import IDENTITY, Asked, moment_of
from citybrain.http.parking.cds.errors import BadParameter, CdsError, MissingParameter, name_of
from citybrain.http.parking.cds.identities import stream_named
from citybrain.http.parking.cds.versions import Media
from citybrain.http.problems import BodyTooLarge, UnsupportedMediaType
from citybrain.http.telemetry import CORRELATION
from commands.handling import CommandContext
from commands.parking.detection import RecordParkingDetection, record_detections
from commands.parking.fields import Confidence, PlateText
from projections.parking import curbs
from projections.parking.cds_events import PUSHED
from projections.reading import Row

MOST: Final = 1000
BODY_BYTES: Final = 2 * 1024 * 1024
TYPES: Final = ("application/json", Media.JSON.value)
SAID_AGAIN: Final = (
    "event_id",
    "event_type",
    "event_time",
    "event_publication_time",
    "data_source_type",
    "data_source_device_id",
    "curb_zone_id",
    "curb_space_id",
)
"""What of an item is said again where it fails: nothing of a vehicle."""
CODE: Final = re.compile(r"[A-Za-z0-9_.:-]{1,64}")

Identity = Annotated[str, StringConstraints(pattern=rf"^{IDENTITY.pattern}$")]
Milliseconds = Annotated[int, Field(strict=True, ge=0)]
Degrees = Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)]


SIGNS: Final = {
    "park_start": Sign.ARRIVED,
    "park_end": Sign.LEFT,
    "enter_area": Sign.ARRIVED,
    "exit_area": Sign.LEFT,
    "vehicle_detected": Sign.OCCUPIED,
    "scheduled_report": Sign.OCCUPIED,
    "comms_lost": Sign.LOST,
    "comms_restored": Sign.RESTORED,
}
NOT_TAKEN: Final = (
    "decommissioned",
    "vehicle_violation_start",
    "vehicle_violation_end",
    "citation_issued",
)


class Point(BaseModel):
    """A GeoJSON point, longitude first; a Feature is one of 1.0."""

    model_config = ConfigDict(extra="forbid")

    type: Literal["Point"]
    coordinates: Annotated[list[Degrees], Field(min_length=2, max_length=3)]


class PushedEvent(BaseModel):
    """What we take of an event of 1.1; members that we have no use for are left."""

    event_id: Identity
    event_type: str
    event_time: Milliseconds
    event_publication_time: Milliseconds
    data_source_type: DeviceType
    data_source_device_id: Identity
    event_location: Point | None = None
    curb_space_id: Identity | None = None
    curb_occupants: list[dict[str, Any]] | None = Field(None, max_length=100)
    vehicle_license_plate: PlateText | None = None
    vehicle_license_plate_jurisdiction: (
        Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}(-[A-Z0-9]{1,3})?$")] | None
    ) = None
    vehicle_license_plate_confidence: Confidence | None = None
    custom_attributes: dict[str, str] = Field(default_factory=dict, max_length=100)


async def push(asked: Asked) -> web.StreamResponse:
    """Take in a batch; what fails of it costs the others nothing."""
    request, services = asked.request, asked.runtime.services
    with body_place(request, asked.actor, BODY_BYTES):
        items = await _items(request)
    context = CommandContext(asked.authenticated, "cds", uuid4(), request[CORRELATION])
    failures: dict[int, CitybrainError] = {}
    events: dict[int, PushedEvent] = {}
    for index, item in enumerate(items):
        try:
            events[index] = _read(item)
        except CitybrainError as error:
            failures[index] = error
    places = await _places(asked, events)
    commands: dict[int, RecordParkingDetection] = {}
    for index, event in events.items():
        try:
            commands[index] = _command(event, places)
        except CitybrainError as error:
            failures[index] = error
    publisher = f"cds:{context.actor.subject}"
    found = await record_detections([*commands.values()], context, services, publisher)
    position, new = 0, False
    for index, result in zip(commands, found, strict=True):
        if isinstance(result, CitybrainError):
            failures[index] = result
        else:
            position, new = max(position, result.position), new or not result.known
    body = {
        "success": len(items) - len(failures),
        "total": len(items),
        "failures": [_failure(index, items[index], failures[index]) for index in sorted(failures)],
    }
    headers = {"Content-Type": Media.JSON.of(asked.version), "X-Position": str(position)}
    return web.Response(
        status=201 if new else 200, body=orjson.dumps(body), headers=headers | {"Vary": "Accept"}
    )


async def _items(request: web.Request) -> list[Any]:
    if request.content_type not in TYPES:
        raise UnsupportedMediaType("the body must be JSON")
    too_large = BodyTooLarge(f"the body exceeds {BODY_BYTES} bytes")
    try:
        items = orjson.loads(await read_body(request, BODY_BYTES, too_large))
    except orjson.JSONDecodeError:
        raise BadParameter("the body is not JSON") from None
    if not isinstance(items, list):
        raise BadParameter("the body is an array of events")
    if len(items) > MOST:
        raise BadParameter(f"a batch has {MOST} events at most")
    return items


def _read(item: Any) -> PushedEvent:
    try:
        event = PushedEvent.model_validate(item)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        member = ".".join(str(part) for part in first["loc"])[:100]
        kind = MissingParameter if first["type"] == "missing" else BadParameter
        raise kind(problem_of(error).message, [member] if member else []) from None
    if event.event_type in NOT_TAKEN:
        raise BadParameter("events of this type are not taken in here", ["event_type"])
    if event.event_type not in SIGNS:
        raise BadParameter("event_type is not one of CDS", ["event_type"])
    if event.event_type == "scheduled_report" and event.curb_occupants is None:
        raise MissingParameter("a report says who is there: curb_occupants", ["curb_occupants"])
    return event


async def _places(asked: Asked, events: Mapping[int, PushedEvent]) -> dict[str, Row]:
    """The last version of each place that the events name, by its id there."""
    named = {event.data_source_device_id for event in events.values()}
    named |= {event.curb_space_id for event in events.values() if event.curb_space_id is not None}
    streams = {stream_named(UUID(each)): str(UUID(each)) for each in named}
    rows = await curbs.of_streams(asked.runtime.store.models, list(streams))
    return {str(UUID(hex=row["stream_id"][-32:])): row for row in rows}


def _command(event: PushedEvent, places: Mapping[str, Row]) -> RecordParkingDetection:
    """What the device said, in our terms; raises a `CdsError`."""
    device = places.get(str(UUID(event.data_source_device_id)))
    if device is None or device["kind"] != PlaceKind.DEVICE:
        raise BadParameter("there is no such device", ["data_source_device_id"])
    sign = SIGNS[event.event_type]
    if event.event_type == "scheduled_report" and not event.curb_occupants:
        sign = Sign.EMPTY
    place_id = None
    if sign not in (Sign.LOST, Sign.RESTORED):
        place_id = _place(event, device, places)
    said: dict[str, Any] = {
        "device_id": device["place_id"],
        "ref": f"{PUSHED}{UUID(event.event_id)}",
        "sign": sign,
        "place_id": place_id,
        "occurred_at": moment_of(event.event_time, "event_time"),
        "plate": event.vehicle_license_plate,
        "confidence": event.vehicle_license_plate_confidence,
        "simulated": device["simulated"],
    }
    if event.vehicle_license_plate_jurisdiction is not None:
        said["plate_country"] = event.vehicle_license_plate_jurisdiction[:2]
    try:
        return RecordParkingDetection.model_validate(said)
    except ValidationError as error:
        raise BadParameter(problem_of(error).message) from None


def _place(event: PushedEvent, device: Row, places: Mapping[str, Row]) -> str:
    """The berth that is named, or the only one that the device watches; a garage by its code."""
    if event.event_type in ("enter_area", "exit_area"):
        facility = event.custom_attributes.get("facility")
        if facility is not None and CODE.fullmatch(facility):
            return facility
        return _only(device, "custom_attributes.facility")
    if event.curb_space_id is None:
        return _only(device, "curb_space_id")
    space = places.get(str(UUID(event.curb_space_id)))
    if space is None or space["kind"] != PlaceKind.BERTH:
        raise BadParameter("there is no such space", ["curb_space_id"])
    return str(space["place_id"])


def _only(device: Row, member: str) -> str:
    watches = device["watches"]
    if len(watches) != 1:
        raise MissingParameter("the device watches several places: say which", [member])
    return str(watches[0])


def _failure(index: int, item: Any, error: CitybrainError) -> dict[str, Any]:
    said = {}
    if isinstance(item, dict):
        said = {name: item[name] for name in SAID_AGAIN if _plain(item.get(name))}
    wrong = error.wrong if isinstance(error, CdsError) else []
    return {
        "item": said,
        "error": name_of(error),
        "error_description": error.message,
        "error_details": [f"item {index}", *wrong],
    }


def _plain(value: Any) -> bool:
    if isinstance(value, str):
        return CODE.fullmatch(value) is not None
    return isinstance(value, int) and not isinstance(value, bool)
