"""What departments are told to answer is what rules look at."""

from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given

from citybrain.definitions.applications.schemas import answers_schema, member_schema
from citybrain.definitions.applications.types import Member
from tests.given.catalogue import CATALOGUE, CODES, GOOD, TODAY
from tests.given.json_values import JSON, LIKELY

TYPES = [
    Member(type="integer"),
    Member(type="integer", min=-3, max=3),
    Member(type="money_fen"),
    Member(type="months"),
    Member(type="years"),
    Member(type="text"),
    Member(type="identity_number"),
    Member(type="boolean"),
    Member(type="date"),
    Member(type="date", future=True, blank="never"),
    Member(type="choice", choices=("normal", "frozen")),
]


def takes(schema: dict[str, Any], value: Any) -> bool:
    return jsonschema_rs.Draft202012Validator(schema, validate_formats=True).is_valid(value)


@pytest.mark.parametrize("code", CODES)
def test_good_evidence_is_what_the_schema_wants(code: str) -> None:
    schema = answers_schema(CATALOGUE.item(code, TODAY))
    jsonschema_rs.meta.validate(schema)
    assert takes(schema, GOOD[code][1])


@pytest.mark.parametrize("member", TYPES, ids=lambda member: member.type)
@given(value=LIKELY | JSON)
def test_what_rules_look_at_the_schema_takes(member: Member, value: Any) -> None:
    if member.fits()(value, str(TODAY)):
        assert takes(member_schema(member), value)


@pytest.mark.parametrize(
    ("member", "value"),
    [
        (Member(type="money_fen"), None),
        (Member(type="money_fen"), -1),
        (Member(type="money_fen"), "0"),
        (Member(type="money_fen"), 0.5),
        (Member(type="money_fen"), 10**12 + 1),
        (Member(type="boolean"), 1),
        (Member(type="boolean"), "true"),
        (Member(type="date"), ""),
        (Member(type="date"), "2026-02-30"),
        (Member(type="text"), ""),
        (Member(type="text"), " "),
        (Member(type="identity_number"), "410 102"),
        (Member(type="choice", choices=("normal",)), "normal "),
    ],
)
def test_what_rules_do_not_look_at_the_schema_refuses(member: Member, value: Any) -> None:
    assert not member.fits()(value, str(TODAY))
    assert not takes(member_schema(member), value)
