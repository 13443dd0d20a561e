"""A dispute as it was written: for whoever wrote it, and for the officers who decide it.

An officer says for what, and whoever wrote it finds the look among the accesses to their data.
"""

from typing import Any

from aiohttp import web
from pydantic import AwareDatetime, BaseModel, Field

from citybrain.domain.actor import Actor, Role
from citybrain.domain.parking.looking import DECIDERS
from citybrain.domain.parking.reading_rights import may_see_plates
from citybrain.errors import NotFound
from citybrain.http.accessing import opened
from citybrain.http.parking.office import of_the_office
from citybrain.http.parking.session import BASE, session_id_of
from citybrain.http.photo_rights import say_who_sees
from citybrain.http.photo_showing import SHOWN, PhotoQuery, photo_response
from citybrain.http.routing import Answer, Call, Opens, Route, json_response
from citybrain.http.runtime import Runtime
from citybrain.photos.store import PhotoNotFound
from commands.parking.disputes import (
    Dispute,
    OpenDispute,
    check_decides,
    dispute_of,
    grounds_of,
    note_on,
)
from commands.parking.plates import PlateKeeper
from projections.parking import sessions

READERS = (Role.CITIZEN, *DECIDERS)
OPENS = Opens(what="parking-dispute", purpose="parking")


class NoDispute(NotFound):
    """Nobody has disputed this session, or it is not yours to read."""

    code = "no-parking-dispute"


class DisputeAnswer(BaseModel):
    """What was said, and what became of it."""

    session_id: str
    disputed_at: AwareDatetime
    grounds: str = Field(description="as they were written")
    photos: list[str] = Field(description="digests; each is at …/dispute/photos/{sha256}")
    decided_at: AwareDatetime | None
    upheld: bool | None
    amount_fen: int | None = Field(description="what it costs since; null: as before")
    reason: str | None
    note: str | None = Field(description="of the officer")


async def show(call: Call) -> web.Response:
    """One's own dispute."""
    return await _shown(call, await _readable(call))


async def opening(call: Call) -> web.Response:
    """Note who looks and why; then show what was written."""
    session_id, services = session_id_of(call), call.runtime.services
    await check_decides(session_id, call.authenticated, services)
    dispute = await dispute_of(session_id, services)
    if dispute is None:
        raise NoDispute("nobody has disputed this session")
    await opened(call, [(dispute.by, dispute.by)])
    return await _shown(call, dispute)


async def _shown(call: Call, dispute: Dispute) -> web.Response:
    services = call.runtime.services
    answer = DisputeAnswer(
        session_id=dispute.session_id,
        disputed_at=dispute.disputed_at,
        grounds=await grounds_of(dispute, services),
        photos=list(dispute.photos),
        note=await note_on(dispute, services),
        **_decided(dispute.decided or {}),
    )
    return json_response(answer, headers={"Cache-Control": "no-store"})


async def show_photo(call: Call) -> web.Response:
    """A photo that came with it."""
    dispute, digest = await _readable(call), call.request.match_info["sha256"]
    if digest not in dispute.photos:
        raise PhotoNotFound("there is no such photo")
    return await photo_response(call, digest)


async def _readable(call: Call) -> Dispute:
    """For whoever wrote it, or the office, on the record; strangers are not told that it is."""
    session_id, actor, office = session_id_of(call), call.authenticated, of_the_office(call)
    dispute = await dispute_of(session_id, call.runtime.services)
    if dispute is None or not (office or dispute.by == actor.subject):
        raise NoDispute("there is no dispute of yours")
    await opened(call, [(dispute.by, dispute.by)])
    return dispute


def _decided(said: dict[str, Any]) -> dict[str, Any]:
    return {
        "decided_at": said.get("timestamp"),
        "upheld": said.get("upheld"),
        "amount_fen": said.get("amount_fen"),
        "reason": said.get("reason"),
    }


async def sees_photo(runtime: Runtime, actor: Actor, digest: str) -> bool | None:
    """Whether it came with a dispute that they decide; None where it came with none."""
    if not await sessions.came_with_a_dispute(runtime.store.models, digest):
        return None
    return may_see_plates(actor, PlateKeeper(runtime.services).departments())


def mount(app: web.Application) -> None:
    """Say so where photos are shown."""
    say_who_sees(app, sees_photo)


ROUTES = (
    Route(
        method="GET",
        path=f"{BASE}/dispute",
        tag="parking",
        summary="What one said of a session that is wrong, and what became of it",
        handler=show,
        roles=(Role.CITIZEN,),
        answers={200: Answer("the dispute", DisputeAnswer)},
        opens=OPENS,
        may_be_missing=True,
    ),
    Route(
        method="POST",
        path=f"{BASE}/dispute/opening",
        tag="parking",
        summary="Open what was written with a dispute, on the record",
        handler=opening,
        roles=DECIDERS,
        body=OpenDispute,
        answers={200: Answer("opened for this answer only", DisputeAnswer)},
        opens=Opens(what="parking-dispute"),
    ),
    Route(
        method="GET",
        path=f"{BASE}/dispute/photos/{{sha256}}",
        tag="parking",
        summary="A photo that came with a dispute",
        handler=show_photo,
        roles=READERS,
        query=PhotoQuery,
        answers=SHOWN,
        opens=OPENS,
    ),
)
