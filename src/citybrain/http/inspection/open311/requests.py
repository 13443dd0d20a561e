"""Service requests: listed, and looked at one by one."""

from typing import Any

from aiohttp import web

from citybrain.domain.inspection import telling
from citybrain.domain.inspection.publication_events import Visibility
from citybrain.http.anonymous import anonymous_place
from citybrain.http.inspection.open311.clients import (
    ASKED,
    CASE_ID,
    definitions_of,
    local_time,
    locale_of,
)
from citybrain.http.inspection.open311.reading import (
    FOREVER,
    Fields,
    Open311Error,
    around,
    between,
    box,
    listed,
    page,
    span,
)
from citybrain.http.inspection.open311.services import named, notice_of
from citybrain.http.own_url import own_url
from citybrain.http.paging import caught_up
from citybrain.http.runtime import RUNTIME
from commands.inspection.words import opened_words
from projections.inspection import service_requests
from projections.reading import Pool

ASKS_WHAT_IS_NEW = frozenset({"updated_after", "updated_before"})
UNSAID = {"description": "", "address": None}
"""What people wrote, of whom it may not be public."""


async def requests(request: web.Request) -> tuple[str, Any]:
    """Service requests: by id, or by class, status and time (90 days, the first 1 000)."""
    store, asked = request.app[RUNTIME].store, request[ASKED]
    if ASKS_WHAT_IS_NEW & asked.keys():  # who polls misses nothing
        await caught_up(store.models, "service_requests", await store.head())
    async with anonymous_place(request):
        rows = await _found(store.models, asked)
    return "service_requests", await _shown(request, rows, asked)


async def _found(pool: Pool, asked: Fields) -> list[dict[str, Any]]:
    if (ids := listed(asked, "service_request_id")) is not None:  # overrides all else
        wanted = [case_id for case_id in ids if CASE_ID.fullmatch(case_id)]
        return await service_requests.by_id(pool, wanted)
    by_update = ASKS_WHAT_IS_NEW & asked.keys()
    by_request = {"start_date", "end_date"} & asked.keys() or not by_update
    limit, offset = page(asked)
    return await service_requests.page(
        pool,
        requested=span(asked, "start_date", "end_date") if by_request else FOREVER,
        updated=between(asked, "updated_after", "updated_before"),
        classes=_lower(listed(asked, "service_code")),
        statuses=listed(asked, "status", (telling.OPEN, telling.CLOSED)),
        around=around(asked),
        box=box(asked),
        limit=limit,
        offset=offset,
    )


async def one_request(request: web.Request) -> tuple[str, Any]:
    """One service request, as fresh as its last acknowledged step."""
    case_id, runtime = request.match_info["service_request_id"], request.app[RUNTIME]
    asked = request[ASKED]
    events = await runtime.store.read(case_id) if CASE_ID.fullmatch(case_id) else []
    if not events:
        raise Open311Error(404, "service_request_id not found")
    pool = runtime.store.models
    await caught_up(pool, "service_requests", events[-1].position)
    rows = await service_requests.by_id(pool, [case_id])
    if not rows:
        raise Open311Error(404, "service_request_id not found")
    return "service_requests", await _shown(request, rows, asked)


async def token(request: web.Request) -> tuple[str, Any]:
    """The id behind a token: ours are the same."""
    wanted = request.match_info["token"]
    if not CASE_ID.fullmatch(wanted) or not await request.app[RUNTIME].store.read(wanted, limit=1):
        raise Open311Error(404, "token not found")
    return "service_requests", [{"service_request_id": wanted, "token": wanted}]


def _lower(codes: list[str] | None) -> list[str] | None:
    return codes and [code.lower() for code in codes]


async def _shown(
    request: web.Request, rows: list[dict[str, Any]], asked: Fields
) -> list[dict[str, Any]]:
    """Rows as they are told; the words of those that may be public are opened."""
    public = [row for row in rows if row["visibility"] == Visibility.PUBLIC]
    words = await opened_words(request.app[RUNTIME].services.vault, public)
    told = {
        row["case_id"]: {"description": said, "address": row["address"]}
        for row, said in zip(public, words, strict=True)
    }
    return [_request(request, row | UNSAID | told.get(row["case_id"], {}), asked) for row in rows]


def _request(request: web.Request, row: dict[str, Any], asked: Fields) -> dict[str, Any]:
    """A row in the specification's names; times with the city's offset."""
    definitions, locale = definitions_of(request), locale_of(asked)
    known = definitions.class_of_case(row["class_code"])
    lead = definitions.department_of_case(row["lead"])
    is_open = row["status"] == telling.OPEN
    found = {
        "service_request_id": row["case_id"],
        "status": row["status"],
        "status_notes": row["status_notes"],
        "service_name": named(known, locale) or row["class_code"],
        "service_code": row["class_code"],
        "description": row["description"],
        "agency_responsible": named(lead, locale) or row["lead"],
        "service_notice": notice_of(known, locale) if known and is_open else None,
        "requested_datetime": local_time(row["requested_at"]),
        "updated_datetime": local_time(row["updated_at"]),
        "expected_datetime": row["expected_at"] and local_time(row["expected_at"]),
        "address": row["address"],
        "address_id": row["address_id"],
        "zipcode": None,
        "lat": row["latitude"],
        "long": row["longitude"],
        "media_url": _photo_url(request, row),
    }
    if row["simulated"]:
        found["simulated"] = True
    if asked.get("extensions") == "true":
        given = [{"code": code, "values": some} for code, some in row["attributes"].items()]
        found["extended_attributes"] = {"attributes": given}
    return found


def _photo_url(request: web.Request, row: dict[str, Any]) -> str | None:
    """The photo that a person let everybody see last."""
    if row["visibility"] != Visibility.PUBLIC or not row["public_photos"]:
        return None
    path = f"/v1/cases/{row['case_id']}/public-photos/{row['public_photos'][-1]}"
    return own_url(request) + path
