"""What departments have to answer for a service item, as JSON Schema (draft 2020-12).

Everything that the schema refuses, the rules refuse to look at, too. They refuse more, for it
cannot be said there: a number written with a fraction of nothing (`1.0`), a day after the decision,
a text that cannot be printed or says nothing (`-`, `n/a`).
"""

from typing import Any

from citybrain.definitions.applications.catalogue import Material, ServiceItem
from citybrain.definitions.applications.types import (
    FIRST_DAY,
    IDENTITY_NUMBER,
    LONGEST_TEXT,
    RANGES,
    Member,
)

DIALECT = "https://json-schema.org/draft/2020-12/schema"
UNITS = {"money_fen": "fen (1/100 yuan)", "months": "months", "years": "years"}


def answers_schema(item: ServiceItem) -> dict[str, Any]:
    """An object with a record for each material, as `catalogue explain --evidence` takes it."""
    return {
        "$schema": DIALECT,
        "$id": f"urn:citybrain:service:{item.code}:{item.version}",
        "title": f"{item.name} / {item.name_en}",
        "type": "object",
        "properties": {each.name: {"$ref": f"#/$defs/{each.name}"} for each in item.materials},
        "$defs": {each.name: _record(each) for each in item.materials},
    }


def _record(material: Material) -> dict[str, Any]:
    return {
        "title": f"{material.label} / {material.label_en}",
        "description": f"record {material.record} of {material.department}",
        "type": "object",
        "properties": {name: member_schema(member) for name, member in material.members.items()},
        "required": list(material.members),
    }


def member_schema(member: Member) -> dict[str, Any]:
    """What one member of a record may be, in its unit and range."""
    schema = _schema(member)
    if member.blank is None:
        return schema
    return {"anyOf": [schema, {"const": "", "description": member.blank}]}


def _schema(member: Member) -> dict[str, Any]:
    if member.type in RANGES:
        low, high = member.range
        unit = {"description": UNITS[member.type]} if member.type in UNITS else {}
        return {"type": "integer", "minimum": low, "maximum": high} | unit
    if member.type == "choice":
        return {"enum": list(member.choices)}
    if member.type == "boolean":
        return {"type": "boolean"}
    if member.type == "identity_number":
        return {"type": "string", "pattern": f"^{IDENTITY_NUMBER.pattern}$"}
    if member.type == "date":
        until = "a later day, too" if member.future else "the day of the decision"
        return {"type": "string", "format": "date", "description": f"{FIRST_DAY} to {until}"}
    return {"type": "string", "minLength": 1, "maxLength": LONGEST_TEXT, "pattern": r"\S"}
