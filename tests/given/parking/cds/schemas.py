"""JSON Schemas of the bodies of CDS 1.0 (by its text) and 1.1 (by its OpenAPI files).

In our own words, and stricter: no member that the version does not have, no text for a number.
"""

from functools import cache
from typing import Any

import jsonschema_rs

Schema = dict[str, Any]

UUID: Schema = {"type": "string", "format": "uuid"}
UUIDS: Schema = {"type": "array", "items": UUID, "uniqueItems": True}
TIME: Schema = {"type": "integer", "minimum": 100_000_000_000}
COUNT: Schema = {"type": "integer", "minimum": 0}
LENGTH: Schema = {"type": "integer", "minimum": 1}
TEXT: Schema = {"type": "string", "minLength": 1}
BOOLEAN: Schema = {"type": "boolean"}
WORDS: Schema = {"type": "object", "additionalProperties": {"type": "string"}}
PLACE: Schema = {
    "type": "array",
    "prefixItems": [
        {"type": "number", "minimum": -180, "maximum": 180},
        {"type": "number", "minimum": -90, "maximum": 90},
    ],
    "items": False,
    "minItems": 2,
}
POINT: Schema = {
    "type": "object",
    "properties": {"type": {"const": "Point"}, "coordinates": PLACE},
    "required": ["type", "coordinates"],
    "additionalProperties": False,
}
POLYGON: Schema = {
    "type": "object",
    "properties": {
        "type": {"const": "Polygon"},
        "coordinates": {
            "type": "array",
            "minItems": 1,
            "items": {"type": "array", "minItems": 4, "items": PLACE},
        },
    },
    "required": ["type", "coordinates"],
    "additionalProperties": False,
}
FEATURE: Schema = {
    "type": "object",
    "properties": {
        "type": {"const": "Feature"},
        "properties": {
            "type": "object",
            "properties": {"timestamp": TIME},
            "required": ["timestamp"],
        },
        "geometry": POINT,
    },
    "required": ["type", "properties", "geometry"],
}
ACTIVITIES = [
    f"{no}{what}"
    for what in ("parking", "loading", "unloading", "stopping", "travel")
    for no in ("", "no ")
]
UNITS = ["second", "minute", "hour", "day", "week", "month", "year"]
CLOCK: Schema = {"type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$"}


def closed(required: Schema, optional: Schema | None = None) -> Schema:
    """An object with these members and no others."""
    return {
        "type": "object",
        "properties": required | (optional or {}),
        "required": list(required),
        "additionalProperties": False,
    }


def zone(v1_1: bool, *, geometry: bool = True) -> Schema:
    """A curb zone."""
    required = {
        "curb_zone_id": UUID,
        "curb_policy_ids": UUIDS,
        "published_date": TIME,
        "last_updated_date": TIME,
        "start_date": TIME,
    } | ({"geometry": POLYGON} if geometry else {})
    previous = closed({"curb_policy_ids": UUIDS, "start_date": TIME, "end_date": TIME})
    optional = {
        "end_date": TIME,
        "prev_policies": {"type": "array", "items": previous},
        "prev_curb_zone_ids": UUIDS,
        "name": TEXT,
        "user_zone_id": TEXT,
        "length": LENGTH,
        "available_space_lengths": {"type": "array", "items": LENGTH},
        "availability_time": TIME,
        "num_spaces": COUNT,
        "curb_area_ids": UUIDS,
        "curb_space_ids": UUIDS,
    }
    if v1_1:
        optional |= {
            "available": BOOLEAN,
            "available_spaces": COUNT,
            "curb_object_ids": UUIDS,
            "custom_attributes": WORDS,
        }
    return closed(required, optional)


def space(v1_1: bool) -> Schema:
    """A curb space."""
    return closed(
        {
            "curb_space_id": UUID,
            "geometry": POLYGON,
            "published_date": TIME,
            "last_updated_date": TIME,
            "curb_zone_id": UUID,
            "length": LENGTH,
        },
        {"name": TEXT, "space_number": LENGTH, "available": BOOLEAN, "availability_time": TIME}
        | ({"curb_object_ids": UUIDS} if v1_1 else {}),
    )


def area(_: bool) -> Schema:
    """A curb area."""
    return closed(
        {
            "curb_area_id": UUID,
            "geometry": POLYGON,
            "published_date": TIME,
            "last_updated_date": TIME,
            "curb_zone_ids": UUIDS,
        },
        {"name": TEXT},
    )


def thing(_: bool) -> Schema:
    """A curb object, of 1.1."""
    found = closed(
        {
            "curb_object_id": UUID,
            "geometry": POINT,
            "object_type": TEXT,
            "name": TEXT,
            "published_date": TIME,
            "last_updated_date": TIME,
        },
        {"curb_zone_id": UUID, "curb_space_id": UUID},
    )
    found["anyOf"] = [{"required": ["curb_zone_id"]}, {"required": ["curb_space_id"]}]
    return found


def policy(v1_1: bool) -> Schema:
    """A policy, with its rules, rates and time spans."""
    rate = closed(
        {"rate": COUNT, "rate_unit": {"enum": UNITS if v1_1 else [*UNITS, "quarter"]}},
        {
            "rate_unit_period": {"enum": ["rolling", "calendar"]},
            "increment_duration": LENGTH,
            "start_duration": COUNT,
            "end_duration": LENGTH,
            "maximum_fee": LENGTH,
        },
    )
    classes: Schema = {"type": "array", "items": TEXT, "minItems": 1}
    rule = closed(
        {"activity": {"enum": ACTIVITIES}},
        {"user_classes": classes, "rate": {"type": "array", "items": rate}}
        | ({"purposes": classes} if v1_1 else {}),
    )
    span = closed(
        {},
        {
            "start_date": TIME,
            "end_date": TIME,
            "days_of_week": {
                "type": "array",
                "items": {"enum": ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]},
            },
            "time_of_day_start": CLOCK,
            "time_of_day_end": CLOCK,
            "designated_period": TEXT,
        },
    ) | {"minProperties": 1}
    return closed(
        {
            "curb_policy_id": UUID,
            "published_date": TIME,
            "priority": {"type": "integer"},
            "rules": {"type": "array", "items": rule, "minItems": 1},
        },
        {"time_spans": {"type": "array", "items": span, "minItems": 1}}
        | ({"name": TEXT, "description": TEXT} if v1_1 else {}),
    )


TYPES_1_0 = [
    "comms_lost",
    "comms_restored",
    "decommissioned",
    "park_start",
    "park_end",
    "scheduled_report",
    "enter_area",
    "exit_area",
]
TYPES_1_1 = [
    *TYPES_1_0,
    "vehicle_detected",
    "vehicle_violation_start",
    "vehicle_violation_end",
    "citation_issued",
]
SOURCES = [
    "data_feed",
    "camera",
    "above_ground",
    "in_ground",
    "meter",
    "payment",
    "in_person",
    "other",
]


def event(v1_1: bool) -> Schema:
    """A curb event."""
    required = {
        "event_id": UUID,
        "event_type": {"enum": TYPES_1_1 if v1_1 else TYPES_1_0},
        "event_time": TIME,
        "event_publication_time": TIME,
        "data_source_type": {"enum": SOURCES},
        "data_source_device_id": UUID,
    }
    occupant = closed({"type": {"enum": ["car", "other", "unspecified"]}})
    optional = {
        "event_session_id": UUID,
        "data_source_device_name": TEXT,
        "curb_zone_id": UUID,
        "curb_area_ids": UUIDS,
        "curb_space_id": UUID,
        "curb_occupants": {"type": "array", "items": occupant},
        "vehicle_license_plate": TEXT,
    }
    if not v1_1:
        return closed(required | {"event_location": FEATURE}, optional)
    confidence = {"type": "integer", "minimum": 1, "maximum": 100}
    return closed(
        required,
        optional
        | {
            "event_location": POINT,
            "curb_object_id": UUID,
            "vehicle_license_plate_jurisdiction": TEXT,
            "vehicle_license_plate_confidence": confidence,
            "custom_attributes": WORDS,
        },
    )


def device_status(_: bool) -> Schema:
    """How a device is."""
    return closed(
        {"data_source_device_id": UUID, "data_source_type": {"enum": SOURCES}},
        {"sensor_status_is_commissioned": BOOLEAN, "sensor_status_is_online": BOOLEAN},
    )


OBJECTS = {
    "events": event,
    "status": device_status,
    "zones": zone,
    "spaces": space,
    "areas": area,
    "objects": thing,
    "policies": policy,
}


def envelope(version: str, data: Schema, *, many: bool) -> Schema:
    """What is around every JSON answer; lists have links."""
    following: Schema = {"type": ["string", "null"], "format": "uri"}
    links = {"links": closed({"next": following})} if many else {}
    return closed(
        {
            "version": {"const": {"1.0": "1.0.1", "1.1": "1.1.0"}[version]},
            "time_zone": {"const": "Asia/Shanghai"},
            "last_updated": {"type": "integer", "minimum": 0},
            "currency": {"const": "CNY"},
            "data": data,
        }
        | links
    )


@cache
def validator(name: str, version: str, *, many: bool, geometry: bool = True) -> Any:
    """The judge of an answer."""
    v1_1 = version != "1.0"
    found = OBJECTS[name](v1_1) if name != "zones" else zone(v1_1, geometry=geometry)
    data = closed({name: {"type": "array", "items": found}}) if many else found
    schema = envelope(version, data, many=many)
    return jsonschema_rs.Draft202012Validator(schema, validate_formats=True)


PUSHED = jsonschema_rs.Draft202012Validator(
    closed(
        {
            "success": COUNT,
            "total": COUNT,
            "failures": {
                "type": "array",
                "items": closed(
                    {
                        "item": {"type": "object"},
                        "error": {"type": "string", "pattern": "^[a-z_]+$"},
                        "error_description": TEXT,
                    },
                    {"error_details": {"type": "array", "items": {"type": "string"}}},
                ),
            },
        }
    )
)

ERROR = jsonschema_rs.Draft202012Validator(
    {
        "type": "object",
        "properties": {
            "error": {"type": "string", "pattern": "^[a-z_]+$"},
            "error_description": TEXT,
            "error_details": {"type": "array", "items": {"type": "string"}},
            "type": {"type": "string", "pattern": "^urn:citybrain:problem:"},
            "title": TEXT,
            "status": {"type": "integer"},
            "code": TEXT,
            "detail": TEXT,
            "correlation_id": UUID,
        },
        "required": [
            "error",
            "error_description",
            "error_details",
            "type",
            "title",
            "status",
            "code",
            "detail",
        ],
    },
    validate_formats=True,
)
