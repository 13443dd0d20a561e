"""Anomalies of parking over HTTP: the office and auditors see them, an officer closes one."""

from collections.abc import Iterable
from typing import Any

from aiohttp import web
from pydantic import BaseModel, Field

from citybrain.definitions.parking.rules import parking_rules_at
from citybrain.domain.actor import Role
from citybrain.domain.parking.anomaly import CATEGORY, AnomalyKind, AnomalyReason, AnomalyState
from citybrain.domain.parking.looking import DECIDERS
from citybrain.eventstore import StreamNotFound
from citybrain.http.accessing import opened
from citybrain.http.commanding import context, done, id_in_path
from citybrain.http.paging import PagedQuery, decode_time_cursor, page, wait_for_position
from citybrain.http.parking.office import of_the_office
from citybrain.http.routing import Answer, Call, Opens, Route, json_response
from commands.parking import anomaly as commands
from commands.parking.fields import PlaceId
from projections.parking import anomaly_list
from projections.parking.anomaly_list import AnomalyRow
from projections.reading import Row

MODEL = "parking_anomalies"
anomaly_id_of = id_in_path("anomaly_id", rf"{CATEGORY}-[0-9a-f]{{32}}", "anomaly")


class Anomalies(BaseModel):
    """A page, the newest first."""

    anomalies: list[AnomalyRow]
    next: str | None = Field(description="send as `after` for the next page")


class AnomaliesQuery(PagedQuery):
    """Which anomalies; those that are open where no state is named."""

    state: AnomalyState = AnomalyState.OPEN
    kind: AnomalyKind | None = None
    place_id: PlaceId | None = Field(None, description="of this place, or a device there")


class ClosedAnomaly(BaseModel):
    """An anomaly that an officer has closed: the first to do so."""

    anomaly_id: str
    reason: AnomalyReason
    closed_by: str


async def show_all(call: Call) -> web.Response:
    """A page of anomalies."""
    of_the_office(call)
    query: AnomaliesQuery = call.query
    await wait_for_position(call.runtime, MODEL, query.min_position)
    rows = await anomaly_list.page(
        call.runtime.store.models,
        **_as_of(call),
        state=query.state,
        kind=query.kind,
        place_id=query.place_id,
        after=decode_time_cursor(query.after),
        limit=query.limit + 1,
    )
    shown, following = page(rows, query.limit, "since", "anomaly_id")
    await opened(call, _people(shown))
    found = [AnomalyRow.model_validate(row) for row in shown]
    return json_response(Anomalies(anomalies=found, next=following))


async def close(call: Call) -> web.Response:
    """An officer has looked at one."""
    of_the_office(call)
    anomaly_id, pool = anomaly_id_of(call), call.runtime.store.models
    await wait_for_position(call.runtime, MODEL, await call.runtime.store.head())
    row = await anomaly_list.one(pool, anomaly_id, **_as_of(call))
    if row is None:
        raise StreamNotFound("there is no such anomaly")
    shown = commands.ShownAnomaly(
        anomaly_id=anomaly_id,
        kind=AnomalyKind(row["kind"]),
        place_id=row["place_id"],
        device_id=row["device_id"],
        since=row["since"],
        ended=row["ended_at"] is not None,
        person=row["person"],
    )
    services = call.runtime.services
    return done(await commands.close_anomaly(shown, call.body, context(call), services))


def _as_of(call: Call) -> dict[str, Any]:
    """Now, and how long a device may say nothing by the rules."""
    services = call.runtime.services
    now = services.clock()
    return {"now": now, "silence": parking_rules_at(services.definitions, now).silence_limit}


def _people(rows: Iterable[Row]) -> list[tuple[str, str | None]]:
    """On whose record a look is: who a session or a claim is of, else its own."""
    found = []
    for row in rows:
        for of, person in (("session_id", "person"), ("other_id", "other_person")):
            stream = row[of] or (row["claim_id"] if of == "session_id" else None)
            if stream is not None:
                found.append((row[person] or stream, row[person]))
    return found


BASE = "/v1/parking/anomalies"
ROUTES = (
    Route(
        method="GET",
        path=BASE,
        tag="parking",
        summary="What is not as it should be in the street, the newest first",
        handler=show_all,
        roles=(*DECIDERS, Role.AUDITOR),
        query=AnomaliesQuery,
        answers={200: Answer("a page", Anomalies)},
        opens=Opens(what="parking-anomalies", purpose="parking"),
    ),
    Route(
        method="POST",
        path=f"{BASE}/{{anomaly_id}}/closing",
        tag="parking",
        summary="An officer has looked at one that does not end by itself",
        handler=close,
        roles=DECIDERS,
        body=commands.CloseAnomaly,
        answers={200: Answer("it is closed", ClosedAnomaly)},
    ),
)
