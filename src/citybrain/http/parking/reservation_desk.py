"""Looking at reservations: one's own, the desk with its conflicts, and the day of a berth.

A plate is shown to parking's officers and to whose reservation it is; a pseudonym to all others.
The vehicle that stands in the way is nothing that the citizen is shown.
"""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from itertools import compress
from typing import Any

from aiohttp import web
from pydantic import BaseModel, Field

from citybrain.city_day import CITY_ZONE, city_day
from citybrain.domain.actor import Role, RoleNotAllowed
from citybrain.domain.parking.place import PlaceKind
from citybrain.domain.parking.reading_rights import DESK, may_read_reservations
from citybrain.domain.parking.reservation_events import ReservationStatus
from citybrain.domain.parking.reservation_refusals import NotYourReservation
from citybrain.domain.parking.sealed_plates import SealedPlate
from citybrain.errors import NotFound
from citybrain.eventstore import StreamNotFound
from citybrain.http.accessing import opened
from citybrain.http.paging import PagedQuery, ReadModelQuery, decode_time_cursor, page
from citybrain.http.paging import wait_for_position as wait
from citybrain.http.parking.reservations import COLLECTION, reservation_id_of
from citybrain.http.routing import Answer, Call, Opens, Route, json_response
from commands.fields import Day, Moment
from commands.parking.fields import PlaceId
from commands.parking.places import place_book
from commands.parking.plates import PlateKeeper, ShownPlate
from projections.parking import reservations
from projections.parking.reservations import ReservationRow, Wanted

MODEL = "parking_reservations"
MOST_A_DAY = 500
OPENS = Opens(what="parking-reservation", purpose="parking")

Row = dict[str, Any]


class ShownReservation(ReservationRow):
    """A reservation. `plate` where you may see it, else a pseudonym that is good for some weeks."""

    plate: str | None
    pseudonym: str | None
    other_plate: str | None = Field(description="of the vehicle that stands in the way")
    other_pseudonym: str | None


class Reservations(BaseModel):
    """A page."""

    reservations: list[ShownReservation]
    next: str | None = Field(description="send as `after` for the next page")


class BerthDay(BaseModel):
    """What is reserved of a berth on a day of the city, the first to begin first."""

    berth: str
    day: date
    reservations: list[ShownReservation]


class DeskQuery(PagedQuery):
    """Which reservations; all of them where nothing is said."""

    berth: PlaceId | None = None
    status: ReservationStatus | None = None
    conflicts: bool = Field(False, description="those only that an officer has to look at")
    since: Moment | None = Field(None, description="that end later")
    until: Moment | None = Field(None, description="that begin before")


class DayQuery(ReadModelQuery):
    """Which day; today where it is left out."""

    day: Day | None = None


async def show_own(call: Call) -> web.Response:
    """A page of one's own, the last to begin first."""
    query: PagedQuery = call.query
    await wait(call.runtime, MODEL, query.min_position)
    rows = await reservations.of_citizen(
        call.runtime.store.models,
        call.authenticated.subject,
        after=decode_time_cursor(query.after),
        limit=query.limit + 1,
    )
    return await _page(call, rows, query.limit)


async def show_desk(call: Call) -> web.Response:
    """A page of the desk, the first to begin first."""
    query: DeskQuery = call.query
    _check_desk(call)
    await wait(call.runtime, MODEL, query.min_position)
    wanted = Wanted(
        berth=query.berth,
        status=query.status and query.status.value,
        conflicts=query.conflicts,
        since=query.since,
        until=query.until,
    )
    rows = await reservations.desk(
        call.runtime.store.models,
        wanted,
        after=decode_time_cursor(query.after),
        limit=query.limit + 1,
    )
    return await _page(call, rows, query.limit)


async def show(call: Call) -> web.Response:
    """One reservation."""
    reservation_id, pool = reservation_id_of(call), call.runtime.store.models
    row = await reservations.one(pool, reservation_id)
    if row is None:
        await wait(call.runtime, MODEL, await call.runtime.store.head())
        row = await reservations.one(pool, reservation_id)
    actor = call.authenticated
    if not (actor.has(Role.CITIZEN) and row is not None and row["citizen_id"] == actor.subject):
        if not actor.has(*DESK):
            raise NotYourReservation("citizens look at their own reservations")
        _check_desk(call)
    if row is None:
        raise StreamNotFound("there is no such reservation")
    (shown,) = await _shown(call, [row])
    return json_response(shown, headers={"ETag": f'"{shown.version}"'})


async def show_day(call: Call) -> web.Response:
    """The day of a berth; also of one that is not in use any more."""
    query: DayQuery = call.query
    _check_desk(call)
    berth = call.request.match_info["berth_id"]
    known = (await place_book(call.runtime.services).find([berth], fresh=True)).get(berth)
    if known is None or known.kind != PlaceKind.BERTH:
        raise NotFound("there is no such berth")
    await wait(call.runtime, MODEL, query.min_position)
    day = query.day or city_day(call.runtime.services.clock())
    begins = datetime.combine(day, time(), CITY_ZONE)
    wanted = Wanted(berth=berth, since=begins, until=begins + timedelta(days=1))
    rows = await reservations.desk(call.runtime.store.models, wanted, after=None, limit=MOST_A_DAY)
    shown = await _shown(call, rows)
    return json_response(BerthDay(berth=berth, day=day, reservations=shown))


def _check_desk(call: Call) -> None:
    departments = PlateKeeper(call.runtime.services).departments()
    if not may_read_reservations(call.authenticated, departments):
        raise RoleNotAllowed("this is for the department of parking")


async def _page(call: Call, rows: Sequence[Row], limit: int) -> web.Response:
    shown, following = page(rows, limit, "starts_at", "reservation_id")
    return json_response(Reservations(reservations=await _shown(call, shown), next=following))


async def _shown(call: Call, rows: Sequence[Row]) -> list[ShownReservation]:
    """Rows with their plates, or pseudonyms in their place; on the record."""
    if call.route.opens is not None:
        await opened(call, [(row["reservation_id"], row["citizen_id"]) for row in rows])
    keeper, actor = PlateKeeper(call.runtime.services), call.authenticated
    own = [row["citizen_id"] == actor.subject for row in rows]
    mine = [SealedPlate.of(row["plate"]) for row in rows]
    others = [SealedPlate.of(row["other_plate"]) for row in rows if row["other_plate"]]
    seen, stand = await keeper.shown(mine, actor), iter(await keeper.shown(others, actor))
    opened_own = iter(await keeper.open_many(list(compress(mine, own))))
    found = []
    for row, plate, is_own in zip(rows, seen, own, strict=True):
        other = next(stand) if row["other_plate"] else None
        said = ShownPlate(plate.pseudonym, next(opened_own)) if is_own else plate
        fields = row | _said("", said) | _said("other_", None if is_own else other)
        found.append(ShownReservation.model_validate(fields))
    return found


def _said(prefix: str, shown: ShownPlate | None) -> dict[str, str | None]:
    """A plate as an answer has it: itself, or a pseudonym in its place."""
    plate = None if shown is None or shown.plate is None else shown.plate.text
    pseudonym = None if shown is None or plate is not None else shown.pseudonym
    return {f"{prefix}plate": plate, f"{prefix}pseudonym": pseudonym}


ROUTES = (
    Route(
        method="GET",
        path=COLLECTION,
        tag="parking",
        summary="One's own reservations, the last to begin first",
        handler=show_own,
        roles=(Role.CITIZEN,),
        query=PagedQuery,
        answers={200: Answer("a page", Reservations)},
    ),
    Route(
        method="GET",
        path=f"{COLLECTION}/desk",
        tag="parking",
        summary="All reservations, or those in conflict, the first to begin first",
        handler=show_desk,
        roles=DESK,
        query=DeskQuery,
        answers={200: Answer("a page", Reservations)},
        opens=OPENS,
    ),
    Route(
        method="GET",
        path=f"{COLLECTION}/{{reservation_id}}",
        tag="parking",
        summary="A reservation",
        handler=show,
        roles=(Role.CITIZEN, *DESK),
        answers={200: Answer("as it is", ShownReservation)},
        opens=OPENS,
    ),
    Route(
        method="GET",
        path="/v1/parking/berths/{berth_id}/calendar",
        tag="parking",
        summary="What is reserved of a berth on a day",
        handler=show_day,
        roles=DESK,
        query=DayQuery,
        answers={200: Answer("the first to begin first", BerthDay)},
        opens=OPENS,
    ),
)
