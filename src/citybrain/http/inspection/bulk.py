"""Many cases at once over HTTP: one step for all of them, and all of them as a file."""

import asyncio
import csv
import io
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any

from aiohttp import web
from pydantic import BaseModel, Field, ValidationError

from citybrain.domain.actor import Role
from citybrain.domain.inspection import reading_rights as rights
from citybrain.errors import CitybrainError, NotFound
from citybrain.http.commanding import context
from citybrain.http.inspection.desk import CaseFilter, wanted_of
from citybrain.http.paging import wait_for_position
from citybrain.http.problems import invalid
from citybrain.http.routing import Answer, Call, Route, json_response
from commands.inspection.bulk import STEPS, Done, ManyCases, take_many
from projections.inspection import case_desk_questions as desk
from projections.inspection.case_desk import CaseRow

ROWS_AT_ONCE = 1000
MOST_ROWS = 20_000
LEFT_OUT = frozenset({"description"})
"""What people wrote is in no file: it could not be erased there."""
CSV_COLUMNS = tuple(name for name in CaseRow.model_fields if name not in LEFT_OUT)
FORMULAS = ("=", "+", "-", "@", "\t", "\r")


class NoSuchStep(NotFound):
    """There is no such step for many cases."""

    code = "no-such-step"


class BulkRow(BaseModel):
    """What became of one case."""

    case_id: str
    status: str | None = Field(description="where it stands; null where it was refused")
    version: int | None
    code: str | None = Field(description="why not")
    detail: str | None


class BulkAnswer(BaseModel):
    """What became of all of them."""

    done: int
    refused: int
    cases: list[BulkRow]


async def many(call: Call) -> web.Response:
    """One step for many cases."""
    step = call.request.match_info["step"]
    if step not in STEPS:
        raise NoSuchStep("there is no such step for many cases", steps=sorted(STEPS))
    model, _ = STEPS[step]
    try:
        said = model.model_validate(call.body.body)
    except ValidationError as error:
        raise invalid(error, "body") from error
    results = await take_many(step, call.body, said, context(call), call.runtime.services)
    rows = [_row(each) for each in results]
    refused = sum(row.code is not None for row in rows)
    answer = BulkAnswer(done=len(rows) - refused, refused=refused, cases=rows)
    found = [each.result for each in results]
    position = max((r.position for r in found if not isinstance(r, CitybrainError)), default=0)
    return json_response(answer, headers={"X-Position": str(position)} if position else {})


def _row(done: Done) -> BulkRow:
    result = done.result
    if isinstance(result, CitybrainError):
        return BulkRow(
            case_id=done.case_id, status=None, version=None, code=result.code, detail=result.message
        )
    status = result.answer["status"]
    return BulkRow(
        case_id=done.case_id, status=status, version=result.version, code=None, detail=None
    )


async def export(call: Call) -> web.Response:
    """The cases of the desk that are wanted, as CSV (RFC 4180), the oldest first."""
    query: CaseFilter = call.query
    wanted = wanted_of(query, rights.department_to_read(call.authenticated, query.department))
    await wait_for_position(call.runtime, "case_desk", query.min_position)
    parts = [b"\xef\xbb\xbf", _lines([CSV_COLUMNS])]
    async for rows in _pages(call, wanted):
        parts.append(await asyncio.to_thread(_lines, map(_cells, rows)))
    headers = {"Content-Disposition": 'attachment; filename="cases.csv"'}
    return web.Response(
        body=b"".join(parts), content_type="text/csv", charset="utf-8", headers=headers
    )


async def _pages(call: Call, wanted: desk.Wanted) -> AsyncIterator[Sequence[dict[str, Any]]]:
    after, count = None, 0
    while count < MOST_ROWS:
        rows = await desk.cases(call.runtime.store.models, wanted, after=after, limit=ROWS_AT_ONCE)
        if rows:
            yield rows
        if len(rows) < ROWS_AT_ONCE:
            return
        count += len(rows)
        after = rows[-1]["reported_at"], rows[-1]["case_id"]


def _lines(rows: Iterable[Sequence[Any]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def _cells(row: dict[str, Any]) -> list[Any]:
    return [_cell(row[name]) for name in CSV_COLUMNS]


def _cell(value: Any) -> Any:
    """As it is read by spreadsheets: a text that begins like a formula is told to be a text."""
    if isinstance(value, list):
        value = " ".join(value)
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if isinstance(value, str) and value.startswith(FORMULAS):
        return f"'{value}"
    return value


ROUTES = (
    Route(
        method="POST",
        path="/v1/cases/bulk/{step}",
        summary="One step for up to 100 cases, each decided by itself",
        tag="cases",
        handler=many,
        roles=(Role.OPERATOR, Role.OFFICIAL, Role.SUPERVISOR),
        body=ManyCases,
        idempotent=True,
        answers={200: Answer("what became of each", BulkAnswer)},
        may_be_missing=True,
    ),
    Route(
        method="GET",
        path="/v1/cases/export.csv",
        summary=f"The case desk as CSV, {MOST_ROWS} cases at most",
        tag="cases",
        handler=export,
        roles=rights.DESK,
        query=CaseFilter,
        answers={200: Answer("text/csv: the columns of the desk without what people wrote")},
    ),
)
