"""What happened to a case, over HTTP."""

from collections.abc import Sequence
from operator import itemgetter

import orjson
from aiohttp import web
from pydantic import BaseModel, Field

from citybrain.domain.inspection import reading_rights as rights
from citybrain.domain.inspection.case import InspectionCase
from citybrain.domain.inspection.views import View, told
from citybrain.eventstore import StreamNotFound
from citybrain.http.accessing import opened
from citybrain.http.inspection.case import case_id_of, view_of_case
from citybrain.http.paging import MAX_POSITION, ReadModelQuery, page_by, wait_for_position
from citybrain.http.routing import Answer, Call, Opens, Route, json_response
from commands.accesses import people_named
from commands.inspection.words import opened_words
from projections.inspection import case_timeline
from projections.inspection.case_timeline import TimelineEntry
from projections.reading import Row


class Timeline(BaseModel):
    """The history of a case."""

    case_id: str
    entries: list[TimelineEntry]
    next: int | None = Field(description="`after` of the next page; null on the last one")


class HistoryQuery(ReadModelQuery):
    """A page of what happened to a case, the oldest first."""

    after: int = Field(0, ge=0, le=MAX_POSITION, description="`next` of the page before")
    limit: int = Field(200, ge=1, le=1000, description="rows in the page, at most")


class TimelineQuery(HistoryQuery):
    """How much of the history."""

    merged: bool = Field(False, description="also that of the cases merged into this one")


async def timeline(call: Call) -> web.Response:
    """The timeline of a case."""
    case_id, query = case_id_of(call), call.query
    view = await view_of_case(call, case_id)
    await wait_for_position(call.runtime, "case_timeline", query.min_position)
    merged = query.merged and rights.may_read_merged_cases(call.authenticated)
    others = await merged_into(call, case_id, {case_id}) if merged else []
    rows = await case_timeline.history(
        call.runtime.store.models, [case_id, *others], after=query.after, limit=query.limit + 1
    )
    if not rows and not query.after:
        raise StreamNotFound("there is no such case, or it is not in the timeline yet")
    shown, following = page_by(rows, query.limit, itemgetter("position"))
    entries = await entries_told(call, shown, view)
    return json_response(Timeline(case_id=case_id, entries=entries, next=following))


async def entries_told(
    call: Call, rows: Sequence[Row], view: View, noted: set[str] | None = None
) -> list[TimelineEntry]:
    """Entries as this view has them; whom they name is recorded, unless it is in `noted` by now."""
    await _open_words(call, rows)
    shown = [entry for row in rows if (entry := told(row, view)) is not None]
    named = people_named(orjson.dumps(row, default=str) for row in shown)
    people = [person for person in named if noted is None or person not in noted]
    await opened(call, [(person, person) for person in people])
    if noted is not None:
        noted.update(people)
    return [TimelineEntry(**row) for row in shown]


async def _open_words(call: Call, rows: Sequence[Row]) -> None:
    """Put the words of people in their place, in the details of the steps that have some."""
    with_words = [
        {"case_id": row["case_id"], "description": "", **row["details"]}
        for row in rows
        if row["details"].get("description_sealed")
    ]
    words = iter(await opened_words(call.runtime.services.vault, with_words))
    for row in rows:
        if row["details"].pop("description_sealed", None):
            row["details"]["description"] = next(words)


async def merged_into(call: Call, case_id: str, seen: set[str]) -> list[str]:
    """The cases that are part of this one, and those that are part of them."""
    case = await call.runtime.store.load(InspectionCase, case_id)
    found: list[str] = []
    for other in case.absorbed:
        if other not in seen:
            seen.add(other)
            found += [other, *await merged_into(call, other, seen)]
    return found


ROUTES = (
    Route(
        method="GET",
        path="/v1/cases/{case_id}/timeline",
        summary="The history of a case",
        tag="cases",
        handler=timeline,
        roles=rights.ONE_CASE,
        query=TimelineQuery,
        answers={200: Answer("all entries", Timeline)},
        opens=Opens(what="report", purpose="street-case"),
    ),
)
