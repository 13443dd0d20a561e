"""What was seen of a stay, and what was not: for whose it is, and for the office."""

from typing import Any

from aiohttp import web
from pydantic import AwareDatetime, BaseModel, Field

from citybrain.definitions.parking.rules import parking_rules_at
from citybrain.domain.parking.detection import ParkingDetection
from citybrain.domain.parking.presence import Beginning, Ending
from citybrain.domain.parking.session import ParkingSession
from citybrain.domain.parking.session_events import SessionPlateRead
from citybrain.domain.parking.unseen import NOT_SEEN_GOING, Unseen, unseen_at_the_end
from citybrain.http.accessing import opened
from citybrain.http.parking.office import READERS
from citybrain.http.parking.session import BASE, person_of, readable
from citybrain.http.routing import Answer, Call, Opens, Route, json_response
from projections.parking import berths

MOST_SIGNS = 50


class ReadPlate(BaseModel):
    """Its plate was read by a camera."""

    at: AwareDatetime
    confidence: int | None = Field(description="percent; null: not given")
    doubted: bool = Field(description="not sure enough to debit by itself")


class SeenOfStay(BaseModel):
    """What devices saw of a stay."""

    session_id: str
    arrived_at: AwareDatetime
    left_at: AwareDatetime | None
    beginning: Beginning
    ending: Ending | None
    unseen_from: AwareDatetime | None = Field(
        description="from here on nobody saw it: it costs nothing unless it is seen there again"
    )
    unseen_until: AwareDatetime | None = Field(description="the next sign; null: none so far")
    plates: list[ReadPlate]
    dispute: str | None = Field(
        description="open, upheld or rejected; null: nobody said that it is wrong"
    )


async def show(call: Call) -> web.Response:
    """What was seen of it."""
    row = await readable(call)
    services = call.runtime.services
    session = await services.store.load(ParkingSession, row["session_id"])
    unseen = await _unseen(call, session)
    read = [
        _read(event.data)
        for event in await services.store.read(session.id)
        if event.topic == SessionPlateRead.TOPIC
    ]
    await opened(call, [person_of(row)])
    return json_response(
        SeenOfStay(
            session_id=session.id,
            arrived_at=session.arrived_at,
            left_at=session.left_at,
            beginning=Beginning(session.beginning),
            ending=None if session.ending is None else Ending(session.ending),
            unseen_from=None if unseen is None else unseen.begins,
            unseen_until=None if unseen is None else unseen.until,
            plates=read,
            dispute=session.dispute,
        )
    )


async def _unseen(call: Call, session: ParkingSession) -> Unseen | None:
    """The stretch in which nobody saw it: at its end, or now."""
    services = call.runtime.services
    if session.left_at is not None:
        if session.ending not in NOT_SEEN_GOING:
            return None
        ids = session.detection_ids[-MOST_SIGNS:]
        signs = await services.store.load_all(ParkingDetection, ids)
        return unseen_at_the_end(session.left_at, [sign.occurred_at for sign in signs])
    now = services.clock()
    silence = parking_rules_at(services.definitions, now).silence_limit
    pool = call.runtime.store.models
    berth = await berths.one(pool, session.place_id, now=now, silence=silence)
    if berth is None or berth["state"] != "unknown":
        return None
    return Unseen(max(session.arrived_at, berth["heard_at"] or session.arrived_at))


def _read(said: dict[str, Any]) -> ReadPlate:
    return ReadPlate(
        at=said["read_at"], confidence=said["confidence"], doubted=said["doubt"] is not None
    )


ROUTES = (
    Route(
        method="GET",
        path=f"{BASE}/seen",
        tag="parking",
        summary="What was seen of a stay, and since when nobody saw it",
        handler=show,
        roles=READERS,
        answers={200: Answer("what was seen", SeenOfStay)},
        opens=Opens(what="parking-session", purpose="parking"),
    ),
)
