"""The Events endpoints: what happened, newest first, and how the devices are that say so."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

from citybrain.definitions.parking.rules import parking_rules_at
from citybrain.domain.actor import Role
from citybrain.domain.parking.place import DeviceType, PlaceKind
from citybrain.domain.parking.presence import Sign
from citybrain.domain.parking.sealed_plates import SealedPlate
from citybrain.http.paging import decode_cursor, encode_cursor
from citybrain.http.parking.cds import inventory
from citybrain.http.parking.cds.answering import Found, newest
from citybrain.http.parking.cds.asking import Asked, milliseconds
from citybrain.http.parking.cds.errors import BadParameter
from citybrain.http.parking.cds.identities import uuid_of
from citybrain.http.parking.cds.shapes import point_of
from citybrain.http.parking.cds.versions import Version
from citybrain.http.problems import Malformed
from citybrain.http.telemetry import CORRELATION
from commands.accesses import Look, record_access
from commands.handling import CommandContext
from commands.parking.plates import PlateKeeper, ShownPlate
from projections.parking import cds_feed
from projections.parking.cds_events import RETIRED
from projections.parking.cds_feed import When, Where

Object = dict[str, Any]
Row = dict[str, Any]

READERS: Final = (Role.OFFICIAL, Role.SUPERVISOR, Role.OPERATOR, Role.AUDITOR, Role.GATEWAY)
"""Who reads events and metrics; plates are for those of them who may see plates."""
PLACES: Final = ("curb_area_id", "curb_zone_id", "curb_space_id", "curb_object_id")
LAST: Final = timedelta(minutes=60)
HOUR: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d", re.ASCII)
ALWAYS: Final = "-"

OF_A_BERTH: Final = {Sign.ARRIVED: "park_start", Sign.LEFT: "park_end"}
OF_A_GATE: Final = {Sign.ARRIVED: "enter_area", Sign.LEFT: "exit_area"}
OF_A_DEVICE: Final = {
    Sign.LOST: "comms_lost",
    Sign.RESTORED: "comms_restored",
    RETIRED: "decommissioned",
}


async def events(asked: Asked) -> Found:
    """Events; in 1.1 those of an hour, or of the last 60 minutes where none is named."""
    where, limit = await where_of(asked), asked.limit()
    when, after = _when(asked)
    pool = asked.runtime.store.models
    rows = await cds_feed.page(
        pool,
        where,
        when,
        detections=asked.version is not Version.V1_0,
        now=asked.now,
        after=after,
        limit=limit + 1,
    )
    shown, following = rows[:limit], None
    if len(rows) > limit:
        last = shown[-1]
        since = ALWAYS if when.since is None else when.since.isoformat()
        following = encode_cursor(last["occurred_at"], last["sign_id"], since)
    plates = await _plates(asked, shown)
    data = {"events": [_event(row, plates, asked.version) for row in shown]}
    latest = await cds_feed.latest(pool)
    return Found(data, latest, following, of_many=True)


async def status(asked: Asked) -> Found:
    """Devices: whether they are in use, and heard of."""
    where, limit, cursor = await where_of(asked), asked.limit(), asked.cursor()
    now, pool = asked.now, asked.runtime.store.models
    after = None if cursor is None else cursor[1]
    rows = await cds_feed.status(pool, where, now=now, after=after, limit=limit + 1)
    silence = parking_rules_at(asked.runtime.services.definitions, now).silence_limit
    shown = rows[:limit]
    following = inventory.cursor_after(shown[-1]["device_id"]) if len(rows) > limit else None
    found = [
        {
            "data_source_device_id": uuid_of(row["device_id"]),
            "data_source_type": row["device_type"] or DeviceType.OTHER,
            "sensor_status_is_commissioned": not row["retired"],
            "sensor_status_is_online": not row["retired"] and cds_feed.online(row, now, silence),
        }
        for row in shown
    ]
    moments = [row[name] for row in shown for name in ("recorded_at", "heard_at", "lost_at")]
    return Found({"status": found}, newest(*moments), following, of_many=True)


async def where_of(asked: Asked) -> Where:
    """The places that are asked for; raises `NothingThere` where there is no such one."""
    return Where(
        area=await inventory.named(asked, "curb_area_id", PlaceKind.AREA),
        zone=await inventory.named(asked, "curb_zone_id", PlaceKind.ZONE),
        space=await inventory.named(asked, "curb_space_id", PlaceKind.BERTH),
        device=await inventory.named(asked, "curb_object_id", PlaceKind.DEVICE, PlaceKind.KIOSK),
    )


def _when(asked: Asked) -> tuple[When, tuple[datetime, str] | None]:
    """Which time is asked for, and after which event: pages go on from where the first began."""
    published = asked.moment("published_since")
    since, until = _hour(asked)
    if asked.version is not Version.V1_0 and since is None and published is None:
        since = asked.now - LAST
    after = None
    if (cursor := asked.parameters.get("cursor")) is not None:
        try:
            at, sign_id, begun = decode_cursor(cursor[:500], 3)
            since = None if begun == ALWAYS else datetime.fromisoformat(begun).astimezone(UTC)
            after = at, sign_id
        except (Malformed, ValueError, OverflowError):
            raise BadParameter("cursor is not one that links.next gave", ["cursor"]) from None
    return When(since=since, until=until, published_since=published), after


def _hour(asked: Asked) -> tuple[datetime | None, datetime | None]:
    """The hour of `event_time`, UTC."""
    text = asked.parameters.get("event_time")
    if text is None:
        return None, None
    try:
        if not HOUR.fullmatch(text):
            raise ValueError(text)
        begin = datetime.strptime(text, "%Y-%m-%dT%H").replace(tzinfo=UTC)
        return begin, begin + timedelta(hours=1)
    except (ValueError, OverflowError):
        raise BadParameter("event_time is an hour, as 2026-09-14T07", ["event_time"]) from None


async def _plates(asked: Asked, rows: Sequence[Row]) -> dict[str, ShownPlate]:
    """The plates that whoever asks may see, by sign; that they are shown is recorded before."""
    actor, services = asked.authenticated, asked.runtime.services
    read = [row for row in rows if row["plate"] is not None]
    seen = await PlateKeeper(services).shown([SealedPlate.of(row["plate"]) for row in read], actor)
    found = {
        row["sign_id"]: each for row, each in zip(read, seen, strict=True) if each.plate is not None
    }
    about = [
        row["payer"] or row["session_id"] or row["sign_id"]
        for row in read
        if row["sign_id"] in found
    ]
    if about:
        role = next(role for role in (Role.OFFICIAL, Role.SUPERVISOR) if actor.has(role))
        look = Look(
            what="parking-sessions",
            purpose="parking",
            role=role.value,
            through="get_cds_events_events",
        )
        context = CommandContext(actor, "cds", uuid4(), asked.request[CORRELATION])
        await record_access(look, about, context, services.store, services.clock())
    return found


def _event(row: Row, plates: dict[str, ShownPlate], version: Version) -> Object:
    found: Object = {
        "event_id": str(row["event_id"]),
        "event_type": _type(row),
        "event_time": milliseconds(row["occurred_at"]),
        "event_publication_time": milliseconds(row["recorded_at"]),
        "data_source_type": _source(row),
        "data_source_device_id": uuid_of(row["device_id"]),
        "data_source_device_name": row["device_id"],
    }
    location = point_of(row["longitude"], row["latitude"])
    if location is not None and version is Version.V1_0:
        location = {
            "type": "Feature",
            "properties": {"timestamp": found["event_time"]},
            "geometry": location,
        }
    if location is not None:
        found["event_location"] = location
    if row["session_id"] is not None:
        found["event_session_id"] = str(UUID(hex=row["session_id"][-32:]))
    if row["zone_id"] is not None:
        found["curb_zone_id"] = uuid_of(row["zone_id"])
    if row["area_id"] is not None:
        found["curb_area_ids"] = [uuid_of(row["area_id"])]
    if row["kind"] == PlaceKind.BERTH:
        found["curb_space_id"] = uuid_of(row["place_id"])
    if found["event_type"] == "scheduled_report":
        there = row["sign"] == Sign.OCCUPIED
        found["curb_occupants"] = [{"type": "unspecified"}] if there else []
    plate = plates.get(row["sign_id"])
    if plate is not None and plate.plate is not None:
        found["vehicle_license_plate"] = plate.plate.text
    if version is not Version.V1_0:
        found |= _members_1_1(row, plate)
    return found


def _members_1_1(row: Row, plate: ShownPlate | None) -> Object:
    found: Object = {"curb_object_id": uuid_of(row["device_id"])}
    if row["kind"] == PlaceKind.FACILITY:
        found["custom_attributes"] = {"facility": row["place_id"]}
    if plate is not None and plate.plate is not None:
        found["vehicle_license_plate_jurisdiction"] = plate.plate.country
        if row["confidence"] is not None:
            found["vehicle_license_plate_confidence"] = row["confidence"]
    return found


def _type(row: Row) -> str:
    """The event type of a sign: a plate that was read without a change is another in 1.1."""
    sign = row["sign"]
    if sign in OF_A_DEVICE:
        return OF_A_DEVICE[sign]
    changes = OF_A_GATE if row["kind"] == PlaceKind.FACILITY else OF_A_BERTH
    if sign in changes:
        return changes[Sign(sign)]
    read = sign == Sign.OCCUPIED and row["plate"] is not None
    return "vehicle_detected" if read else "scheduled_report"


def _source(row: Row) -> str:
    """What kind of thing said it: as it is registered, else as far as the sign tells."""
    if row["by_hand"]:
        return DeviceType.IN_PERSON
    if row["device_type"] is not None:
        return str(row["device_type"])
    seen = row["sign"] != RETIRED and row["plate"] is not None
    return DeviceType.CAMERA if seen else DeviceType.OTHER
